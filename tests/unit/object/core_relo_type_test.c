// core_relo_type_test.c: CO-RE relocations of types and enumerators, and where candidates come from.
#include "unit/object/core_relo_fixture.h"

static pst_btf *types(bool target)
{
    btf_builder *b = builder_new();
    if (target) builder_int(b, "filler", 4, 0); // so that ids differ
    uint32_t u32 = builder_int(b, "unsigned int", 4, 0), at = u32;
    builder_struct(b, "s", target ? 24 : 8, 1);                       // +1
    builder_member(b, "a", at, 0);
    builder_ref(b, PST_BTF_TYPEDEF, "t", at);                         // +2
    builder_type(b, "e", PST_BTF_ENUM, true, 2, 4);                   // +3
    builder_pair(b, target ? "TWO___v2" : "TWO", target ? 22 : 2);
    builder_pair(b, target ? "MINUS" : "MINUS___old", target ? (uint32_t)-7 : (uint32_t)-1);
    builder_type(b, "w", PST_BTF_ENUM64, false, 1, 8);                // +4
    builder_pair(b, "WIDE", target ? 9 : 1);
    builder_word(b, target ? 3 : 2);
    builder_type(b, target ? "only_target" : "only_local", PST_BTF_UNION, false, 0, 4); // +5
    builder_type(b, "f", PST_BTF_FWD, false, 0, 0);                   // +6
    builder_type(b, target ? "e2" : "e2___x", target ? PST_BTF_ENUM64 : PST_BTF_ENUM, false, 1, target ? 8 : 4); // +7
    builder_pair(b, "ONE", target ? 1 : UINT32_MAX);
    if (target) builder_word(b, 1);
    return builder_parse(b);
}

TEST(core_type_kinds)
{
    pst_btf *l = types(false), *t = types(true);
    REQUIRE(l && t);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_TYPE_ID_LOCAL, 2, "0", 99), 2);
    CHECK_IMM(relocate_imm(l, NULL, PST_CORE_TYPE_ID_LOCAL, 2, "0", 99), 2); // asks no host
    CHECK_IMM(relocate_imm(l, t, PST_CORE_TYPE_ID_TARGET, 2, "0", 99), 3);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_TYPE_ID_TARGET, 6, "0", 99), 0);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_TYPE_EXISTS, 2, "0", 1), 1);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_TYPE_EXISTS, 3, "0", 1), 1);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_TYPE_EXISTS, 6, "0", 1), 0);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_TYPE_SIZE, 2, "0", 8), 24);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_TYPE_SIZE, 6, "0", 4), 0);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_TYPE_MATCHES, 2, "0", 1), 1);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_TYPE_MATCHES, 4, "0", 1), 1);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_TYPE_MATCHES, 6, "0", 1), 0);
    CHECK_FAIL(relocate_imm(l, t, PST_CORE_TYPE_SIZE, 7, "0", 0), PST_E_FORMAT, "without size"); // a forward declaration
    CHECK_FAIL(relocate_imm(l, t, PST_CORE_TYPE_EXISTS, 2, "0:0", 1), PST_E_FORMAT, "about a type but has a path");
    CHECK_FAIL(relocate_imm(l, t, PST_CORE_TYPE_SIZE, 2, "0", 7), PST_E_FORMAT, "expects 8 in an instruction that holds 7");
    pst_btf_free(l);
    pst_btf_free(t);
}

static int64_t imm64(outcome out)
{
    return (int64_t)((uint64_t)(uint32_t)out.slots[1].imm << 32 | (uint32_t)out.slots[0].imm);
}

static outcome relocate_imm64(const pst_btf *l, const pst_btf *t, uint32_t type, const char *access, int64_t value)
{
    return relocate_insn(l, t, PST_CORE_ENUMVAL_VALUE, type, access, (pst_slot){.opcode = LD_IMM64, .regs = 1, .imm = (int32_t)(value & UINT32_MAX)},
                         (int32_t)(value >> 32));
}

TEST(core_enumerators)
{
    pst_btf *l = types(false), *t = types(true);
    REQUIRE(l && t);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_ENUMVAL_VALUE, 4, "0", 2), 22); // flavors of enumerators count as the same
    CHECK_IMM(relocate_imm(l, t, PST_CORE_ENUMVAL_VALUE, 4, "1", -1), (uint32_t)-7 | UINT64_MAX << 32);
    CHECK_EQ(imm64(relocate_imm64(l, t, 4, "1", -1)), (uint64_t)-7);
    CHECK_EQ(imm64(relocate_imm64(l, t, 5, "0", 0x200000001)), 0x300000009);
    CHECK_EQ(imm64(relocate_imm64(l, t, 8, "0", -1)), 0x100000001); // of 32 bits here, of 64 there
    CHECK_IMM(relocate_imm(l, t, PST_CORE_ENUMVAL_EXISTS, 4, "0", 1), 1);
    CHECK_FAIL(relocate_imm(l, t, PST_CORE_ENUMVAL_VALUE, 4, "2", 0), PST_E_FORMAT, "does not name an enumerator");
    CHECK_FAIL(relocate_imm(l, t, PST_CORE_ENUMVAL_VALUE, 4, "0:0", 0), PST_E_FORMAT, "does not name an enumerator");
    CHECK_FAIL(relocate_imm(l, t, PST_CORE_ENUMVAL_VALUE, 2, "0", 0), PST_E_FORMAT, "does not name an enumerator");
    pst_btf_free(l);
    pst_btf_free(t);
    btf_builder *b = builder_new();
    builder_type(b, "e", PST_BTF_ENUM, false, 1, 4);
    builder_pair(b, "OTHER", 1);
    t = builder_parse(b);
    l = types(false);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_ENUMVAL_EXISTS, 4, "0", 1), 0);
    CHECK_POISON(relocate_imm(l, t, PST_CORE_ENUMVAL_VALUE, 4, "0", 2));
    outcome out = relocate_imm64(l, t, 4, "0", 2);
    CHECK(out.status == PST_OK && is_poison(out.slots[0]) && is_poison(out.slots[1]));
    pst_btf_free(l);
    pst_btf_free(t);
}

// Modules are asked only for what the kernel itself does not have.
TEST(core_candidates_of_modules)
{
    btf_builder *b = builder_new();
    builder_int(b, "unsigned int", 4, 0);
    builder_struct(b, "s", 4, 1);
    builder_member(b, "a", 1, 0);
    uint32_t strings = b->strings_size;
    pst_btf *kernel = builder_parse(b), *module;
    REQUIRE(kernel != NULL);
    b = builder_new();
    b->strings_first = strings;
    b->last = 2;
    builder_struct(b, "s", 8, 1); // 3
    builder_member(b, "a", 1, 32);
    builder_struct(b, "m", 8, 1); // 4
    builder_member(b, "a", 1, 32);
    REQUIRE(pst_btf_parse_split(&g_env, kernel, b->blob, builder_blob(b), "module", &module) == PST_OK);
    free(b);
    b = builder_new();
    builder_int(b, "unsigned int", 4, 0);
    builder_struct(b, "s", 4, 1);
    builder_member(b, "a", 1, 0);
    builder_struct(b, "m", 4, 1);
    builder_member(b, "a", 1, 0);
    pst_btf *l = builder_parse(b);
    const pst_btf *targets[] = {kernel, module};
    const pst_core_relo relos[] = {{.pc = 0, .type = 2, .access = "0:0", .kind = PST_CORE_FIELD_BYTE_OFFSET},
                                   {.pc = 1, .type = 3, .access = "0:0", .kind = PST_CORE_FIELD_BYTE_OFFSET},
                                   {.pc = 2, .type = 3, .access = "0", .kind = PST_CORE_TYPE_ID_TARGET}};
    pst_slot slots[] = {{.opcode = MOV_IMM}, {.opcode = MOV_IMM}, {.opcode = MOV_IMM}};
    pst_core_relocator *relocator;
    REQUIRE(pst_core_relocator_create(&g_env, l, targets, 2, &relocator) == PST_OK);
    CHECK_EQ(pst_core_relocate(relocator, slots, 3, relos, 3, "prog"), PST_OK);
    CHECK_EQ(slots[0].imm, 0);
    CHECK_EQ(slots[1].imm, 4);
    CHECK_EQ(slots[2].imm, 4);
    pst_core_relocator_free(relocator);
    pst_btf_free(module);
    pst_btf_free(kernel);
    pst_btf_free(l);
    CHECK_EQ(g_memory.live, 0);
}

// What TYPE_MATCHES and TYPE_EXISTS say of a member's (or the type's own) type. Both sides hold the same types but for the last one.
typedef struct relation {
    uint32_t local, target;
    bool exists, matches;
} relation;

static pst_btf *relation_types(bool target, uint32_t of)
{
    btf_builder *b = builder_new();
    builder_int(b, "int", 4, 1);                                // 1
    builder_int(b, "int", 8, 1);                                // 2
    builder_int(b, "int", 4, 0);                                // 3
    builder_struct(b, "x", 4, 1);                               // 4
    builder_member(b, target ? "n" : "m", 1, 0);                //   members differ
    builder_type(b, "x", PST_BTF_FWD, false, 0, 0);             // 5
    builder_type(b, "x", PST_BTF_FWD, true, 0, 0);              // 6: of a union
    builder_ref(b, PST_BTF_PTR, "", 4);                         // 7
    builder_ref(b, PST_BTF_PTR, "", 5);                         // 8
    builder_ref(b, PST_BTF_PTR, "", 6);                         // 9
    builder_array(b, 1, 4);                                     // 10
    builder_array(b, 1, 5);                                     // 11
    builder_type(b, "", PST_BTF_FUNC_PROTO, false, 1, 1);       // 12: int (int)
    builder_pair(b, "a", 1);
    builder_type(b, "", PST_BTF_FUNC_PROTO, false, 1, 1);       // 13: int (x *)
    builder_pair(b, "a", 7);
    builder_type(b, "", PST_BTF_FUNC_PROTO, false, 0, 0);       // 14: void ()
    builder_ref(b, PST_BTF_PTR, "", 12);                        // 15
    builder_ref(b, PST_BTF_PTR, "", 13);                        // 16
    builder_ref(b, PST_BTF_PTR, "", 14);                        // 17
    builder_type(b, "e", PST_BTF_ENUM, false, 1, 4);            // 18
    builder_pair(b, "A", 1);
    builder_type(b, "e", PST_BTF_ENUM, false, 2, 4);            // 19
    builder_pair(b, "B", 1);
    builder_pair(b, "A", 2);
    builder_type(b, "e", PST_BTF_ENUM, false, 2, 8);            // 20: of another size
    builder_pair(b, "A", 1);
    builder_pair(b, "B", 2);
    builder_type(b, "d", PST_BTF_FLOAT, false, 0, 8);           // 21
    builder_struct(b, "y", 8, 2);                               // 22
    builder_member(b, "one", 1, 0);
    builder_member(b, "two", 7, 32);
    builder_struct(b, "y", 8, 1);                               // 23
    builder_member(b, "two", 8, 0);
    builder_ref(b, PST_BTF_PTR, "", 0);                         // 24
    builder_ref(b, PST_BTF_PTR, "", 1);                         // 25
    builder_ref(b, PST_BTF_TYPEDEF, "root", of);                // 26
    return builder_parse(b);
}

TEST(core_type_relations)
{
    static const relation cases[] = {
        {1, 1, true, true},    {1, 2, true, false},   {1, 3, true, false},  // size and sign of integers
        {4, 4, true, false},                                               // struct x has another member
        {7, 7, true, true},                                                // but not behind a pointer
        {7, 8, false, true},   {8, 7, false, true},   {8, 8, true, true},   // a forward declaration stands for it there
        {7, 9, false, false},  {8, 9, true, false},   {9, 7, false, false}, // not one of a union
        {5, 5, true, true},    {5, 4, false, false},  {5, 6, true, false},
        {10, 10, true, true},  {10, 11, true, false},
        {15, 15, true, true},  {15, 16, false, false}, {15, 17, false, false}, {17, 17, true, true}, {16, 16, true, true},
        {18, 19, true, true},  {19, 18, true, false}, {19, 20, true, false}, // local enumerators must be there, of one size
        {21, 21, false, false},                                            // libbpf knows no floats
        {23, 22, true, true},  {22, 23, true, false},
        {24, 24, true, true},  {24, 25, false, false}, {1, 7, false, false}, {14, 14, true, true},
    };
    for (size_t i = 0; i < PST_COUNT(cases); i++) {
        pst_btf *l = relation_types(false, cases[i].local), *t = relation_types(true, cases[i].target);
        REQUIRE(l && t);
        outcome exists = relocate_imm(l, t, PST_CORE_TYPE_EXISTS, 26, "0", 1), matches = relocate_imm(l, t, PST_CORE_TYPE_MATCHES, 26, "0", 1);
        if (exists.status != PST_OK || exists.slots[0].imm != cases[i].exists)
            pst_test_fail(__FILE__, __LINE__, "%u exists as %u: %d %d", cases[i].local, cases[i].target, exists.status, exists.slots[0].imm);
        if (matches.status != PST_OK || matches.slots[0].imm != cases[i].matches)
            pst_test_fail(__FILE__, __LINE__, "%u matches %u: %d %d", cases[i].local, cases[i].target, matches.status, matches.slots[0].imm);
        pst_btf_free(l);
        pst_btf_free(t);
    }
}
