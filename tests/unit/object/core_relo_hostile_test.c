// core_relo_hostile_test.c: relocations and types made to break a loader: each ends, with a sentence.
#include "unit/object/core_relo_fixture.h"

static pst_btf *plain(void)
{
    btf_builder *b = builder_new();
    builder_int(b, "unsigned int", 4, 0);
    builder_struct(b, "s", 8, 2);
    builder_member(b, "a", 1, 0);
    builder_member(b, "b", 1, 32);
    builder_struct(b, "", 8, 1);
    builder_member(b, "a", 1, 0);
    builder_ref(b, PST_BTF_PTR, "p", 0);
    return builder_parse(b);
}

TEST(core_malformed_paths)
{
    static const char *const paths[] = {"", ":", "0:", ":0", "0::1", "a", "0:a", "0 :1", "-1", "0:-1", "+0", "0:1:", "0x0", "2147483648", "99999999999999999999", "0:0:0"};
    pst_btf *btf = plain();
    REQUIRE(btf != NULL);
    for (size_t i = 0; i < PST_COUNT(paths); i++) {
        outcome out = relocate_imm(btf, btf, PST_CORE_FIELD_BYTE_OFFSET, 2, paths[i], 0);
        if (out.status == PST_OK) pst_test_fail(__FILE__, __LINE__, "\"%s\" is accepted", paths[i]);
        CHECK_EQ(out.slots[0].opcode, MOV_IMM);
    }
    char path[PST_CORE_SPEC_MAX * 2 + 3] = "0";
    for (unsigned i = 0; i < PST_CORE_SPEC_MAX; i++) memcpy(path + 1 + 2 * i, ":0", 3);
    CHECK_FAIL(relocate_imm(btf, btf, PST_CORE_FIELD_BYTE_OFFSET, 2, path, 0), PST_E_LIMIT, "more than 64 steps");
    CHECK_FAIL(relocate_imm(btf, btf, PST_CORE_FIELD_BYTE_OFFSET, 2, "0:2", 0), PST_E_FORMAT, "member 2 of a struct with 2");
    CHECK_FAIL(relocate_imm(btf, btf, PST_CORE_FIELD_BYTE_OFFSET, 2, "2147483647:1", 4), PST_E_LIMIT, "512 MiB");
    pst_btf_free(btf);
}

TEST(core_wrong_relocations)
{
    pst_btf *btf = plain();
    REQUIRE(btf != NULL);
    CHECK_FAIL(relocate_imm(btf, btf, 13, 2, "0", 0), PST_E_UNSUPPORTED, "kind 13");
    CHECK_FAIL(relocate_imm(btf, btf, UINT32_MAX, 2, "0", 0), PST_E_UNSUPPORTED, "kind 4294967295");
    CHECK_FAIL(relocate_imm(btf, btf, PST_CORE_TYPE_SIZE, 5, "0", 0), PST_E_FORMAT, "does not exist");
    CHECK_FAIL(relocate_imm(btf, btf, PST_CORE_FIELD_BYTE_OFFSET, 3, "0:0", 0), PST_E_UNSUPPORTED, "without name");
    CHECK_FAIL(relocate_imm(btf, btf, PST_CORE_FIELD_BYTE_OFFSET, 0, "0", 0), PST_E_FORMAT, "without size");
    CHECK_FAIL(relocate_imm(btf, NULL, PST_CORE_TYPE_EXISTS, 2, "0", 1), PST_E_UNSUPPORTED, "needs the types of this host");
    CHECK_FAIL(relocate_imm(btf, btf, PST_CORE_TYPE_SIZE, 2, "0", 4), PST_E_FORMAT, "expects 8 in an instruction that holds 4");
    CHECK_FAIL(relocate_off(btf, btf, 2, "0:1", LDX_W, 0), PST_E_FORMAT, "expects 4 in an instruction that holds 0");
    pst_btf_free(btf);
}

TEST(core_wrong_instructions)
{
    static const struct { pst_slot slot; const char *part; } cases[] = {
        {{.opcode = 0x95}, "no place for a value"},                         // exit
        {{.opcode = 0xbf, .regs = 0x21}, "no place for a value"},           // r1 = r2
        {{.opcode = 0x05, .off = 1}, "no place for a value"},               // goto
        {{.opcode = CALL, .imm = 1}, "no place for a value"},
        {{.opcode = LD_IMM64, .regs = 0x11, .imm = 4}, "no place for a value"}, // a map
        {{.opcode = 0x20}, "no place for a value"},                         // a legacy packet load
        {{.opcode = 0xff}, "cannot be"},
        {{.opcode = 0x00}, "cannot be"},
    };
    pst_btf *btf = plain();
    REQUIRE(btf != NULL);
    for (size_t i = 0; i < PST_COUNT(cases); i++) {
        CHECK_FAIL(relocate_insn(btf, btf, PST_CORE_FIELD_BYTE_OFFSET, 2, "0:1", cases[i].slot, 0), PST_E_FORMAT, cases[i].part);
    }
    // A 64-bit immediate without its second half.
    const pst_core_relo relo = {.pc = 0, .type = 2, .access = "0:1", .kind = PST_CORE_FIELD_BYTE_OFFSET};
    pst_slot half = {.opcode = LD_IMM64, .imm = 4};
    const pst_btf *targets[] = {btf};
    pst_core_relocator *relocator;
    REQUIRE(pst_core_relocator_create(&g_env, btf, targets, 1, &relocator) == PST_OK);
    CHECK_EQ(pst_core_relocate(relocator, &half, 1, &relo, 1, "prog"), PST_E_FORMAT);
    CHECK_EQ(pst_core_relocate(relocator, &half, 0, &relo, 1, "prog"), PST_E_FORMAT);
    CHECK(strstr(g_memory.error, "behind the last instruction") != NULL);
    pst_core_relocator_free(relocator);
    pst_btf_free(btf);
}

TEST(core_offsets_that_instructions_cannot_hold)
{
    pst_btf *sides[2];
    for (unsigned side = 0; side < 2; side++) {
        btf_builder *b = builder_new();
        builder_int(b, "unsigned int", 4, 0);
        builder_struct(b, "s", 100000, 1);
        builder_member(b, "a", 1, side ? 32768 * 8 : 0);
        sides[side] = builder_parse(b);
        REQUIRE(sides[side] != NULL);
    }
    CHECK_FAIL(relocate_off(sides[0], sides[1], 2, "0:0", LDX_W, 0), PST_E_UNSUPPORTED, "reach 32767");
    CHECK_IMM(relocate_imm(sides[0], sides[1], PST_CORE_FIELD_BYTE_OFFSET, 2, "0:0", 0), 32768);
    pst_btf_free(sides[0]);
    pst_btf_free(sides[1]);
}

// A struct that contains itself, without a name between: the search for a member must end.
TEST(core_anonymous_structs_without_end)
{
    btf_builder *b = builder_new();
    builder_int(b, "unsigned int", 4, 0);
    builder_struct(b, "s", 8, 1); // 2
    builder_member(b, "wanted", 1, 0);
    pst_btf *l = builder_parse(b);
    b = builder_new();
    builder_int(b, "unsigned int", 4, 0);
    builder_struct(b, "s", 8, 2);
    builder_member(b, "", 2, 0);
    builder_member(b, "", 2, 0);
    pst_btf *t = builder_parse(b);
    REQUIRE(l && t);
    CHECK_FAIL(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 2, "0:0", 0), PST_E_LIMIT, "more than 64 steps");
    pst_btf_free(t);
    // 2^40 ways and none leads there, within the limit of depth.
    b = builder_new();
    builder_int(b, "unsigned int", 4, 0);
    for (uint32_t i = 0; i < 40; i++) {
        builder_struct(b, i == 39 ? "s" : "", 8, 2);
        builder_member(b, "", i + 1, 0);
        builder_member(b, "", i + 1, 0);
    }
    t = builder_parse(b);
    REQUIRE(t != NULL);
    CHECK_FAIL(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 2, "0:0", 0), PST_E_LIMIT, "than any real program");
    pst_btf_free(l);
    pst_btf_free(t);
}

// Comparisons of types: endless, and exponential.
TEST(core_type_comparisons_without_end)
{
    btf_builder *b = builder_new();
    builder_ref(b, PST_BTF_PTR, "", 1);
    builder_ref(b, PST_BTF_TYPEDEF, "t", 1);
    pst_btf *btf = builder_parse(b);
    REQUIRE(btf != NULL);
    CHECK_FAIL(relocate_imm(btf, btf, PST_CORE_TYPE_EXISTS, 2, "0", 1), PST_E_LIMIT, "nest more than 32 deep");
    CHECK_FAIL(relocate_imm(btf, btf, PST_CORE_TYPE_MATCHES, 2, "0", 1), PST_E_LIMIT, "nest more than 32 deep");
    pst_btf_free(btf);
    // Functions whose parameters are the function itself: 2^32 comparisons within the depth.
    b = builder_new();
    builder_type(b, "", PST_BTF_FUNC_PROTO, false, 2, 0);
    builder_pair(b, "a", 2);
    builder_pair(b, "b", 2);
    builder_ref(b, PST_BTF_PTR, "", 1);
    builder_ref(b, PST_BTF_TYPEDEF, "t", 1);
    btf = builder_parse(b);
    REQUIRE(btf != NULL);
    CHECK_EQ(relocate_imm(btf, btf, PST_CORE_TYPE_EXISTS, 3, "0", 1).status, PST_E_LIMIT);
    CHECK_EQ(relocate_imm(btf, btf, PST_CORE_TYPE_MATCHES, 3, "0", 1).status, PST_E_LIMIT);
    pst_btf_free(btf);
    // Structs of two equal members, thirty deep; the innermost pair fails, so each way is tried.
    pst_btf *sides[2];
    for (unsigned side = 0; side < 2; side++) {
        b = builder_new();
        builder_int(b, "int", side ? 8 : 4, 0);
        for (uint32_t i = 0; i < 30; i++) {
            builder_struct(b, "s", 8, 2);
            builder_member(b, "m", i + 1, 0);
            builder_member(b, "m", i + 1, 0);
        }
        builder_ref(b, PST_BTF_TYPEDEF, "root", 31);
        sides[side] = builder_parse(b);
        REQUIRE(sides[side] != NULL);
    }
    CHECK_FAIL(relocate_imm(sides[0], sides[1], PST_CORE_TYPE_MATCHES, 32, "0", 1), PST_E_LIMIT, "than any real program");
    pst_btf_free(sides[0]);
    pst_btf_free(sides[1]);
}

TEST(core_more_candidates_than_any_host_has)
{
    btf_builder *b = builder_new();
    builder_int(b, "unsigned int", 4, 0);
    for (uint32_t i = 0; i <= PST_CORE_CANDIDATES_MAX; i++) builder_struct(b, "s", 8, 0);
    pst_btf *t = builder_parse(b), *l = plain();
    REQUIRE(l && t);
    CHECK_FAIL(relocate_imm(l, t, PST_CORE_TYPE_EXISTS, 2, "0", 1), PST_E_LIMIT, "candidates");
    pst_btf_free(l);
    pst_btf_free(t);
}

TEST(core_every_allocation_may_fail)
{
    pst_btf *btf = plain();
    REQUIRE(btf != NULL);
    long before = g_memory.live;
    outcome out = {.status = PST_E_NOMEM};
    for (long n = 0; n < 20 && out.status != PST_OK; n++) {
        g_memory.fail_after = n;
        out = relocate_imm(btf, btf, PST_CORE_FIELD_BYTE_OFFSET, 2, "0:1", 4);
        g_memory.fail_after = -1;
        CHECK(out.status == PST_OK || out.status == PST_E_NOMEM);
        CHECK_EQ(g_memory.live, before);
    }
    CHECK_EQ(out.status, PST_OK);
    pst_btf_free(btf);
}
