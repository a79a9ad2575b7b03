// btf_parse_test.c: BTF is read right, and wrong BTF is refused with a sentence, whatever is wrong with it.
#include "harness.h"
#include "unit/btf/btf_builder.h"

static const char *refused(btf_builder *b)
{
    g_memory.error[0] = 0;
    pst_btf *btf = builder_parse(b);
    if (btf) pst_btf_free(btf);
    return btf ? "accepted" : g_memory.error;
}

#define CHECK_REFUSED(b, part) CHECK(strstr(refused(b), part) != NULL)

// One type of each kind.
static btf_builder *all_kinds(void)
{
    btf_builder *b = builder_new();
    builder_int(b, "int", 4, 1);                                      // 1
    builder_ref(b, PST_BTF_PTR, "", 1);                               // 2
    builder_array(b, 1, 7);                                           // 3
    builder_struct(b, "pair", 8, 2);                                  // 4
    builder_member(b, "first", 1, 0);
    builder_member(b, "second", 1, 32);
    builder_type(b, "either", PST_BTF_UNION, true, 2, 4);             // 5
    builder_bits(b, "whole", 1, 0, 0);
    builder_bits(b, "low", 1, 0, 5);
    builder_type(b, "color", PST_BTF_ENUM, true, 2, 4);               // 6
    builder_pair(b, "RED", 1);
    builder_pair(b, "NONE", UINT32_MAX);
    builder_type(b, "later", PST_BTF_FWD, true, 0, 0);                // 7
    builder_ref(b, PST_BTF_TYPEDEF, "number", 1);                     // 8
    builder_ref(b, PST_BTF_VOLATILE, "", 8);                          // 9
    builder_ref(b, PST_BTF_CONST, "", 9);                             // 10
    builder_ref(b, PST_BTF_RESTRICT, "", 2);                          // 11
    builder_type(b, "", PST_BTF_FUNC_PROTO, false, 2, 1);             // 12
    builder_pair(b, "ctx", 2);
    builder_pair(b, "", 0);
    builder_type(b, "main", PST_BTF_FUNC, false, 1, 12);              // 13
    builder_type(b, "counter", PST_BTF_VAR, false, 0, 1);             // 14
    builder_word(b, 1);
    builder_type(b, ".data", PST_BTF_DATASEC, false, 1, 4);           // 15
    builder_word(b, 14);
    builder_word(b, 0);
    builder_word(b, 4);
    builder_type(b, "double", PST_BTF_FLOAT, false, 0, 8);            // 16
    builder_type(b, "hot", PST_BTF_DECL_TAG, false, 0, 4);            // 17
    builder_word(b, 1);
    builder_ref(b, PST_BTF_TYPE_TAG, "user", 1);                      // 18
    builder_type(b, "big", PST_BTF_ENUM64, false, 1, 8);              // 19
    builder_pair(b, "HUGE", 5);
    builder_word(b, 1);
    return b;
}

TEST(btf_each_kind_is_read)
{
    pst_btf *btf = builder_parse(all_kinds());
    REQUIRE(btf != NULL);
    CHECK_EQ(pst_btf_count(btf), 20);
    CHECK_EQ(pst_btf_first(btf), 1);
    for (uint32_t id = 0; id < 20; id++) CHECK_EQ(pst_btf_get(btf, id).id, id);
    static const pst_btf_kind kinds[] = {PST_BTF_VOID, PST_BTF_INT, PST_BTF_PTR, PST_BTF_ARRAY, PST_BTF_STRUCT, PST_BTF_UNION, PST_BTF_ENUM, PST_BTF_FWD, PST_BTF_TYPEDEF, PST_BTF_VOLATILE, PST_BTF_CONST, PST_BTF_RESTRICT, PST_BTF_FUNC_PROTO, PST_BTF_FUNC, PST_BTF_VAR, PST_BTF_DATASEC, PST_BTF_FLOAT, PST_BTF_DECL_TAG, PST_BTF_TYPE_TAG, PST_BTF_ENUM64};
    for (uint32_t id = 0; id < 20; id++) CHECK_EQ(pst_btf_get(btf, id).kind, kinds[id]);
    pst_btf_type type = pst_btf_get(btf, 1);
    CHECK(type.size == 4 && type.int_bits == 32 && type.int_offset == 0 && type.int_encoding == 1);
    type = pst_btf_get(btf, 3);
    CHECK(type.type == 1 && type.index_type == 1 && type.count == 7);
    CHECK(pst_btf_get(btf, 7).kind_flag);
    CHECK_EQ(pst_btf_get(btf, 13).type, 12);
    CHECK_EQ(pst_btf_get(btf, 13).linkage, 1);
    CHECK_EQ(pst_btf_get(btf, 14).linkage, 1);
    CHECK_EQ(pst_btf_get(btf, 17).component, 1);
    pst_btf_free(btf);
}

TEST(btf_members_are_read)
{
    pst_btf *btf = builder_parse(all_kinds());
    REQUIRE(btf != NULL);
    pst_btf_member member = pst_btf_member_at(btf, 4, 1);
    CHECK_STR(member.name, "second");
    CHECK(member.type == 1 && member.bit_offset == 32 && member.bit_size == 0);
    member = pst_btf_member_at(btf, 5, 1);
    CHECK(member.bit_offset == 0 && member.bit_size == 5);
    CHECK_EQ(pst_btf_member_at(btf, 6, 1).value, -1);
    CHECK_EQ(pst_btf_member_at(btf, 19, 0).value, 0x100000005);
    CHECK_STR(pst_btf_member_at(btf, 12, 0).name, "ctx");
    member = pst_btf_member_at(btf, 15, 0);
    CHECK_STR(member.name, "counter");
    CHECK(member.type == 14 && member.bit_offset == 0 && member.bit_size == 32);
    pst_btf_free(btf);
}

TEST(btf_lookups)
{
    pst_btf *btf = builder_parse(all_kinds());
    uint64_t size;
    REQUIRE(btf != NULL);
    CHECK_EQ(pst_btf_find(btf, "pair", PST_BTF_STRUCT), 4);
    CHECK_EQ(pst_btf_find(btf, "pair", PST_BTF_UNION), 0);
    CHECK_EQ(pst_btf_find(btf, "absent", PST_BTF_STRUCT), 0);
    CHECK_EQ(pst_btf_find(btf, "", PST_BTF_PTR), 0);
    CHECK_EQ(pst_btf_strip(btf, 10), 1);
    CHECK_EQ(pst_btf_strip(btf, 18), 1);
    CHECK_EQ(pst_btf_strip(btf, 0), 0);
    CHECK(pst_btf_size(btf, 3, &size) && size == 28);
    CHECK(pst_btf_size(btf, 2, &size) && size == 8);
    CHECK(pst_btf_size(btf, 10, &size) && size == 4);
    CHECK(pst_btf_size(btf, 14, &size) && size == 4);
    CHECK(!pst_btf_size(btf, 0, &size));
    CHECK(!pst_btf_size(btf, 7, &size));
    CHECK(!pst_btf_size(btf, 12, &size));
    CHECK_STR(pst_btf_string(btf, UINT32_MAX), "");
    pst_btf_free(btf);
    CHECK_EQ(g_memory.live, 0);
}

TEST(btf_essential_names)
{
    CHECK_EQ(pst_btf_essential_length("task_struct___old"), 11);
    CHECK_EQ(pst_btf_essential_length("task_struct"), 11);
    CHECK_EQ(pst_btf_essential_length("a___b___c"), 5); // the last one counts
    CHECK_EQ(pst_btf_essential_length("a____b"), 6);    // four underscores are no separator
    CHECK_EQ(pst_btf_essential_length("___b"), 4);
    CHECK_EQ(pst_btf_essential_length("a___"), 4);
    CHECK_EQ(pst_btf_essential_length("a___b"), 1);
    CHECK_EQ(pst_btf_essential_length(""), 0);
}

TEST(btf_flavors_in_order_of_ids)
{
    btf_builder *b = builder_new();
    builder_struct(b, "s", 4, 0);
    builder_struct(b, "s___two", 4, 0);
    builder_struct(b, "other", 4, 0);
    builder_type(b, "s", PST_BTF_FWD, false, 0, 0);
    pst_btf *btf = builder_parse(b);
    REQUIRE(btf != NULL);
    CHECK_EQ(pst_btf_next_flavor(btf, "s___any", 1, 0), 1);
    CHECK_EQ(pst_btf_next_flavor(btf, "s", 1, 1), 2);
    CHECK_EQ(pst_btf_next_flavor(btf, "s", 1, 2), 4);
    CHECK_EQ(pst_btf_next_flavor(btf, "s", 1, 4), 0);
    CHECK_EQ(pst_btf_find(btf, "s___two", PST_BTF_STRUCT), 2);
    CHECK_EQ(pst_btf_find(btf, "s", PST_BTF_FWD), 4);
    pst_btf_free(btf);
}

TEST(btf_split_continues_its_base)
{
    btf_builder *b = builder_new();
    builder_int(b, "int", 4, 1);
    builder_struct(b, "base", 4, 0);
    uint32_t strings = b->strings_size;
    pst_btf *base = builder_parse(b), *split;
    REQUIRE(base != NULL);
    b = builder_new();
    b->strings_first = strings;
    b->last = 2;
    CHECK_EQ(builder_struct(b, "module", 8, 1), 3);
    builder_member(b, "x", 1, 32); // a type of the base
    size_t size = builder_blob(b);
    CHECK_EQ(pst_btf_parse_split(&g_env, base, b->blob, size, "split", &split), PST_OK);
    CHECK_EQ(pst_btf_first(split), 3);
    CHECK_EQ(pst_btf_count(split), 4);
    CHECK_STR(pst_btf_get(split, 1).name, "int");
    CHECK_STR(pst_btf_get(split, 3).name, "module");
    CHECK_STR(pst_btf_member_at(split, 3, 0).name, "x");
    CHECK_EQ(pst_btf_find(split, "base", PST_BTF_STRUCT), 2);
    CHECK_EQ(pst_btf_find(split, "module", PST_BTF_STRUCT), 3);
    CHECK_EQ(pst_btf_next_flavor(split, "base", 4, 0), 0);
    pst_btf_free(split);
    // The same bytes alone refer to types and strings that are not there.
    CHECK_EQ(pst_btf_parse(&g_env, b->blob, size, "alone", &split), PST_E_FORMAT);
    free(b);
    pst_btf_free(base);
}

TEST(btf_pointer_size_is_that_of_long)
{
    static const struct { const char *name; uint32_t size, want; } cases[] = {
        {"long", 4, 4}, {"unsigned long", 8, 8}, {"long unsigned int", 4, 4}, {"long", 2, 8}, {"longer", 4, 8}};
    for (size_t i = 0; i < PST_COUNT(cases); i++) {
        btf_builder *b = builder_new();
        builder_int(b, cases[i].name, cases[i].size, 0);
        pst_btf *btf = builder_parse(b);
        REQUIRE(btf != NULL);
        CHECK_EQ(pst_btf_pointer_size(btf), cases[i].want);
        pst_btf_set_pointer_size(btf, 8);
        CHECK_EQ(pst_btf_pointer_size(btf), 8);
        pst_btf_free(btf);
    }
}

TEST(btf_wrong_headers)
{
    static const struct { uint32_t at; uint8_t byte; const char *part; } cases[] = {
        {0, 0, "not BTF"}, {2, 2, "version 2"}, {4, 23, "header of 23 bytes"}, {7, 1, "does not fit"}, {8, 2, "multiple of 4"},
        {11, 1, "behind the end"}, {15, 1, "behind the end"}, {16, 0, "overlap"}, {19, 1, "behind the end"}, {23, 1, "behind the end"}};
    for (size_t i = 0; i < PST_COUNT(cases); i++) {
        btf_builder *b = all_kinds();
        pst_btf *btf;
        size_t size = builder_blob(b);
        b->blob[cases[i].at] = cases[i].byte;
        CHECK(pst_btf_parse(&g_env, b->blob, size, "test", &btf) != PST_OK);
        CHECK(btf == NULL);
        if (!strstr(g_memory.error, cases[i].part)) pst_test_fail(__FILE__, __LINE__, "case %zu: %s", i, g_memory.error);
        free(b);
    }
    static const uint8_t big_endian[24] = {0xeb, 0x9f, 1};
    pst_btf *btf;
    CHECK_EQ(pst_btf_parse(&g_env, big_endian, sizeof big_endian, "test", &btf), PST_E_UNSUPPORTED);
    CHECK_EQ(pst_btf_parse(&g_env, "", 0, "test", &btf), PST_E_FORMAT);
    CHECK_EQ(pst_btf_parse(&g_env, NULL, 0, "test", &btf), PST_E_FORMAT);
}

TEST(btf_a_longer_header_is_of_a_later_version)
{
    btf_builder *b = all_kinds();
    size_t size = builder_blob(b);
    pst_btf *btf;
    memmove(b->blob + 32, b->blob + 24, size - 24);
    memset(b->blob + 24, 0, 8);
    b->blob[4] = 32;
    CHECK_EQ(pst_btf_parse(&g_env, b->blob, size + 8, "test", &btf), PST_OK);
    CHECK_EQ(pst_btf_count(btf), 20);
    pst_btf_free(btf);
    free(b);
}

TEST(btf_truncated_at_every_byte)
{
    btf_builder *b = all_kinds();
    size_t size = builder_blob(b);
    for (size_t cut = 0; cut < size; cut++) {
        pst_btf *btf;
        uint8_t *exact = malloc(cut ? cut : 1); // so that a sanitizer sees the first byte too many
        memcpy(exact, b->blob, cut);
        CHECK(pst_btf_parse(&g_env, exact, cut, "test", &btf) != PST_OK);
        free(exact);
    }
    CHECK_EQ(g_memory.live, 0);
    free(b);
}

TEST(btf_cut_inside_of_each_type)
{
    // The header says that the types end earlier: what is read must end there too.
    btf_builder *b = all_kinds();
    size_t size = builder_blob(b);
    uint32_t accepted = 0;
    for (uint32_t cut = 0; cut < b->types_size; cut++) {
        pst_btf *btf;
        memcpy(b->blob + 12, &cut, sizeof cut);
        pst_status status = pst_btf_parse(&g_env, b->blob, size, "test", &btf);
        if (status != PST_OK) continue;
        accepted++;
        pst_btf_free(btf);
    }
    CHECK_EQ(accepted, 19); // nothing, or up to the end of one of the first 18 types: they refer backwards only
    free(b);
}

TEST(btf_ids_and_names_out_of_range)
{
    static const pst_btf_kind kinds[] = {PST_BTF_PTR, PST_BTF_TYPEDEF, PST_BTF_VOLATILE, PST_BTF_CONST, PST_BTF_RESTRICT, PST_BTF_FUNC, PST_BTF_TYPE_TAG};
    for (size_t i = 0; i < PST_COUNT(kinds); i++) {
        btf_builder *b = builder_new();
        builder_ref(b, kinds[i], "x", 2);
        CHECK_REFUSED(b, "type 1 refers to type 2");
    }
    btf_builder *b = builder_new();
    builder_struct(b, "s", 4, 1);
    builder_member(b, "m", UINT32_MAX, 0);
    CHECK_REFUSED(b, "refers to type 4294967295");
    b = builder_new();
    builder_array(b, 9, 1);
    CHECK_REFUSED(b, "refers to type 9");
    b = builder_new();
    builder_type(b, "", PST_BTF_FUNC_PROTO, false, 1, 0);
    builder_pair(b, "p", 2);
    CHECK_REFUSED(b, "refers to type 2");
    b = builder_new();
    builder_type(b, "s", PST_BTF_DATASEC, false, 1, 0);
    builder_word(b, 7);
    builder_word(b, 0);
    builder_word(b, 0);
    CHECK_REFUSED(b, "refers to type 7");
    b = builder_new();
    builder_int(b, "int", 4, 0);
    memset(b->types, 0xff, 4);
    CHECK_REFUSED(b, "name outside of the strings");
    b = builder_new();
    builder_struct(b, "s", 4, 1);
    builder_member(b, "m", 0, 0);
    memset(b->types + 12, 0x7f, 4);
    CHECK_REFUSED(b, "member whose name");
    b = builder_new();
    builder_int(b, "int", 4, 0);
    b->strings[b->strings_size - 1] = 'x';
    CHECK_REFUSED(b, "begin and end with NUL");
}

TEST(btf_unknown_kinds)
{
    for (uint32_t kind = 20; kind < 32; kind++) {
        btf_builder *b = builder_new();
        builder_type(b, "x", (pst_btf_kind)kind, false, 0, 0);
        CHECK_REFUSED(b, "not known here");
    }
    btf_builder *b = builder_new();
    builder_type(b, "x", PST_BTF_VOID, false, 0, 0);
    CHECK_REFUSED(b, "kind 0");
}

TEST(btf_cycles_of_typedefs_and_arrays)
{
    btf_builder *b = builder_new();
    builder_ref(b, PST_BTF_TYPEDEF, "self", 1);
    CHECK_REFUSED(b, "of itself");
    b = builder_new();
    builder_ref(b, PST_BTF_CONST, "", 2);
    builder_array(b, 3, 4);
    builder_ref(b, PST_BTF_TYPEDEF, "t", 1);
    CHECK_REFUSED(b, "of itself");
    for (uint32_t length = 30; length < 40; length++) {
        b = builder_new();
        builder_int(b, "int", 4, 0);
        for (uint32_t i = 0; i < length; i++) builder_ref(b, PST_BTF_CONST, "", i + 1);
        CHECK_EQ(strcmp(refused(b), "accepted") == 0, length <= PST_BTF_CHAIN_MAX);
    }
    // Through a pointer or a member a cycle is what lists are made of.
    b = builder_new();
    builder_ref(b, PST_BTF_PTR, "", 1);
    builder_struct(b, "nest", 4, 1);
    builder_member(b, "inner", 2, 0);
    CHECK_STR(refused(b), "accepted");
}

TEST(btf_arrays_larger_than_the_world)
{
    btf_builder *b = builder_new();
    uint64_t size;
    builder_int(b, "int", 4, 0);
    builder_array(b, 1, UINT32_MAX);
    builder_array(b, 2, UINT32_MAX);
    builder_array(b, 3, UINT32_MAX);
    builder_array(b, 1, 0);
    pst_btf *btf = builder_parse(b);
    REQUIRE(btf != NULL);
    CHECK(!pst_btf_size(btf, 2, &size));
    CHECK(!pst_btf_size(btf, 4, &size));
    CHECK(pst_btf_size(btf, 5, &size) && size == 0);
    pst_btf_free(btf);
}

TEST(btf_every_allocation_may_fail)
{
    btf_builder *b = all_kinds();
    size_t size = builder_blob(b);
    pst_btf *btf = NULL;
    pst_status status = PST_E_NOMEM;
    for (long n = 0; n < 100 && status != PST_OK; n++) {
        g_memory.fail_after = n;
        status = pst_btf_parse(&g_env, b->blob, size, "test", &btf);
        g_memory.fail_after = -1;
        CHECK(status == PST_OK || status == PST_E_NOMEM);
        CHECK(status == PST_OK || g_memory.live == 0);
    }
    CHECK_EQ(status, PST_OK);
    pst_btf_free(btf);
    CHECK_EQ(g_memory.live, 0);
    free(b);
}

// Each byte of a good blob set to edges: never a crash, and whatever parses can be walked.
TEST(btf_each_byte_changed)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    btf_builder *b = all_kinds();
    size_t size = builder_blob(b);
    for (size_t at = 0; at < size * PST_COUNT(edges); at++) {
        pst_btf *btf;
        uint8_t kept = b->blob[at / PST_COUNT(edges)];
        b->blob[at / PST_COUNT(edges)] = edges[at % PST_COUNT(edges)];
        if (pst_btf_parse(&g_env, b->blob, size, "test", &btf) == PST_OK) {
            pst_text text;
            pst_text_init(&text, &g_env);
            for (uint32_t id = 0; id < pst_btf_count(btf); id++) {
                uint64_t bytes;
                pst_btf_type_text(btf, id, &text);
                pst_btf_value_text(btf, id, b->blob, size, &text);
                CHECK(!pst_btf_size(btf, pst_btf_strip(btf, id), &bytes) || bytes <= UINT32_MAX);
            }
            CHECK(!text.failed);
            pst_text_free(&text);
            pst_btf_free(btf);
        }
        b->blob[at / PST_COUNT(edges)] = kept;
    }
    CHECK_EQ(g_memory.live, 0);
    free(b);
}

static void put16(uint8_t *at, uint32_t value) { at[0] = (uint8_t)value; at[1] = (uint8_t)(value >> 8); }

// A file with a name table and one section .BTF, in either width.
static size_t elf_file(uint8_t *out, bool wide, const uint8_t *btf, size_t size)
{
    static const char names[] = "\0.shstrtab\0.BTF";
    size_t header = wide ? 64 : 52, entry = wide ? 64 : 40, table = header + 32 + ((size + 7) & ~(size_t)7);
    memset(out, 0, table + 3 * entry);
    memcpy(out, "\x7f" "ELF", 4);
    out[4] = wide ? 2 : 1;
    out[5] = 1;
    memcpy(out + header, names, sizeof names);
    memcpy(out + header + 32, btf, size);
    put16(out + (wide ? 0x28 : 0x20), (uint32_t)table);
    put16(out + (wide ? 0x3a : 0x2e), (uint32_t)entry);
    put16(out + (wide ? 0x3c : 0x30), 3);
    put16(out + (wide ? 0x3e : 0x32), 1);
    uint8_t *name_row = out + table + entry, *btf_row = name_row + entry;
    put16(name_row, 1);
    put16(name_row + 4, 3);
    put16(name_row + (wide ? 0x18 : 0x10), (uint32_t)header);
    put16(name_row + (wide ? 0x20 : 0x14), sizeof names);
    put16(btf_row, 11);
    put16(btf_row + 4, 1);
    put16(btf_row + (wide ? 0x18 : 0x10), (uint32_t)header + 32);
    put16(btf_row + (wide ? 0x20 : 0x14), (uint32_t)size);
    return table + 3 * entry;
}

TEST(btf_out_of_elf_files)
{
    btf_builder *b = all_kinds();
    size_t size = builder_blob(b);
    uint8_t *file = calloc(1, size + 1024);
    for (unsigned wide = 0; wide < 2; wide++) {
        pst_btf *btf;
        size_t file_size = elf_file(file, wide, b->blob, size);
        CHECK_EQ(pst_btf_parse_file(&g_env, NULL, file, file_size, "test", &btf), PST_OK);
        CHECK_EQ(pst_btf_count(btf), 20);
        pst_btf_free(btf);
        for (size_t cut = 0; cut < file_size; cut++) CHECK(pst_btf_parse_file(&g_env, NULL, file, cut, "test", &btf) != PST_OK);
        file[(wide ? 64 : 52) + 12] = 'X'; // ".XTF"
        CHECK_EQ(pst_btf_parse_file(&g_env, NULL, file, file_size, "test", &btf), PST_E_NOTFOUND);
        file[5] = 2;
        CHECK_EQ(pst_btf_parse_file(&g_env, NULL, file, file_size, "test", &btf), PST_E_UNSUPPORTED);
    }
    pst_btf *btf;
    CHECK_EQ(pst_btf_parse_file(&g_env, NULL, b->blob, size, "raw", &btf), PST_OK);
    pst_btf_free(btf);
    CHECK_EQ(pst_btf_parse_file(&g_env, NULL, "", 0, "empty", &btf), PST_E_FORMAT);
    free(file);
    free(b);
    CHECK_EQ(g_memory.live, 0);
}
