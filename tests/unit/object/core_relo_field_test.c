// core_relo_field_test.c: CO-RE relocations of fields.
#include "unit/object/core_relo_fixture.h"

// Local: what the program was compiled with. Ids are in both: 1 u32, 2 int, 3 u64, 4 void *, 5 char, 6 char[8], 7 struct s.
static void basics(btf_builder *b)
{
    builder_int(b, "unsigned int", 4, 0);
    builder_int(b, "int", 4, 1);
    builder_int(b, "unsigned long", 8, 0);
    builder_ref(b, PST_BTF_PTR, "", 0);
    builder_int(b, "char", 1, 1);
    builder_array(b, 5, 8);
}

static pst_btf *local_fields(void)
{
    btf_builder *b = builder_new();
    basics(b);
    builder_type(b, "s", PST_BTF_STRUCT, false, 7, 64);
    builder_member(b, "a", 1, 0);
    builder_member(b, "signed_a", 2, 4 * 8);
    builder_member(b, "big", 3, 8 * 8);
    builder_member(b, "name", 6, 16 * 8);
    builder_member(b, "gone", 1, 24 * 8);
    builder_member(b, "p", 4, 32 * 8);
    builder_member(b, "inner", 8, 40 * 8);
    builder_struct(b, "inner_s", 8, 2); // 8
    builder_member(b, "x", 1, 0);
    builder_member(b, "y", 1, 32);
    builder_ref(b, PST_BTF_TYPEDEF, "s_t", 7); // 9
    return builder_parse(b);
}

static pst_btf *target_fields(void)
{
    btf_builder *b = builder_new();
    basics(b);
    builder_struct(b, "s___in_kernel", 128, 4); // 7
    builder_member(b, "inner", 10, 0);
    builder_member(b, "p", 4, 64 * 8);
    builder_member(b, "", 8, 72 * 8);           // anonymous, two deep
    builder_member(b, "name", 6, 8 * 8);
    builder_type(b, "", PST_BTF_UNION, false, 2, 16); // 8
    builder_member(b, "other", 1, 0);
    builder_member(b, "", 9, 0);
    builder_struct(b, "", 16, 3); // 9
    builder_member(b, "a", 1, 4 * 8);
    builder_member(b, "signed_a", 2, 8 * 8);
    builder_member(b, "big", 1, 12 * 8); // u32 here, u64 locally
    builder_struct(b, "inner_k", 16, 2); // 10
    builder_member(b, "y", 1, 64);
    builder_member(b, "x", 3, 0); // u64 here
    builder_ref(b, PST_BTF_TYPEDEF, "s_t", 7); // 11
    return builder_parse(b);
}

TEST(core_field_offsets_in_each_form)
{
    pst_btf *l = local_fields(), *t = target_fields();
    REQUIRE(l && t);
    CHECK_OFF(relocate_off(l, t, 7, "0:0", LDX_W, 0), LDX_W, 76);     // through the anonymous union and struct
    CHECK_OFF(relocate_off(l, t, 7, "0:0", STX_W, 0), STX_W, 76);
    CHECK_OFF(relocate_off(l, t, 7, "0:0", ST_W, 0), ST_W, 76);
    CHECK_OFF(relocate_off(l, t, 7, "0:0", ATOMIC_W, 0), ATOMIC_W, 76);
    CHECK_OFF(relocate_off(l, t, 7, "0:5", LDX_DW, 32), LDX_DW, 64);
    CHECK_OFF(relocate_off(l, t, 7, "0:6:1", LDX_W, 44), LDX_W, 8);
    CHECK_OFF(relocate_off(l, t, 7, "0:3:5", LDX_B, 21), LDX_B, 13);  // an element
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 7, "0:0", 0), 76);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 7, "2:0", 128), 76 + 256); // element 2 of an array of structs
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 7, "1", 64), 128);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 9, "0:0", 0), 76);         // by a typedef of the same name
    outcome out = relocate_insn(l, t, PST_CORE_FIELD_BYTE_OFFSET, 7, "0:0", (pst_slot){.opcode = LD_IMM64, .regs = 1}, 0);
    CHECK(out.status == PST_OK && out.slots[0].opcode == LD_IMM64 && out.slots[0].imm == 76 && out.slots[1].imm == 0);
    out = relocate_insn(l, t, PST_CORE_FIELD_BYTE_OFFSET, 7, "0:5", (pst_slot){.opcode = ADD_IMM, .regs = 3, .imm = 32}, 0);
    CHECK(out.status == PST_OK && out.slots[0].opcode == ADD_IMM && out.slots[0].regs == 3 && out.slots[0].imm == 64);
    pst_btf_free(l);
    pst_btf_free(t);
}

TEST(core_field_accesses_change_their_size)
{
    pst_btf *l = local_fields(), *t = target_fields();
    REQUIRE(l && t);
    CHECK_OFF(relocate_off(l, t, 7, "0:2", LDX_DW, 8), LDX_W, 84);   // u64 to u32
    CHECK_OFF(relocate_off(l, t, 7, "0:6:0", LDX_W, 40), LDX_DW, 0); // u32 to u64
    // The instruction must be of the size that the local type says.
    CHECK_FAIL(relocate_off(l, t, 7, "0:2", LDX_W, 8), PST_E_FORMAT, "expects an access of 8 bytes in one of 4");
    // With an immediate only the offset counts.
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 7, "0:2", 8), 84);
    pst_btf_free(l);
    pst_btf_free(t);
}

TEST(core_field_signed_sizes_cannot_change)
{
    btf_builder *b = builder_new();
    builder_int(b, "int", 4, 1);
    builder_struct(b, "s", 8, 1);
    builder_member(b, "x", 1, 0);
    pst_btf *l = builder_parse(b);
    b = builder_new();
    builder_int(b, "long", 8, 1);
    builder_struct(b, "s", 8, 1);
    builder_member(b, "x", 1, 0);
    pst_btf *t = builder_parse(b);
    REQUIRE(l && t);
    CHECK_POISON(relocate_off(l, t, 2, "0:0", LDX_W, 0));
    CHECK_POISON(relocate_off(l, t, 2, "0:0", LDXS_W, 0));
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 2, "0:0", 0), 0);
    pst_btf_free(l);
    pst_btf_free(t);
}

TEST(core_field_pointers_of_a_32_bit_host)
{
    btf_builder *b = builder_new();
    builder_ref(b, PST_BTF_PTR, "", 0);
    builder_struct(b, "s", 16, 1);
    builder_member(b, "p", 1, 64);
    pst_btf *l = builder_parse(b);
    b = builder_new();
    builder_ref(b, PST_BTF_PTR, "", 0);
    builder_struct(b, "s", 16, 1);
    builder_member(b, "p", 1, 32);
    builder_int(b, "long", 4, 1);
    pst_btf *t = builder_parse(b);
    REQUIRE(l && t);
    CHECK_OFF(relocate_off(l, t, 2, "0:0", LDX_DW, 8), LDX_W, 4);
    pst_btf_free(l);
    pst_btf_free(t);
}

TEST(core_field_size_sign_existence)
{
    pst_btf *l = local_fields(), *t = target_fields();
    REQUIRE(l && t);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_SIZE, 7, "0:2", 8), 4);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_SIZE, 7, "0:3", 8), 8);     // an array as a whole
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_SIZE, 7, "0:3:1", 1), 1);   // an element
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_SIZE, 7, "0", 64), 128);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_SIGNED, 7, "0:1", 1), 1);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_SIGNED, 7, "0:0", 0), 0);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_EXISTS, 7, "0:0", 1), 1);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_EXISTS, 7, "0:4", 1), 0);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_EXISTS, 8, "0:0", 1), 0);        // no such struct
    CHECK_POISON(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 7, "0:4", 24));
    CHECK_POISON(relocate_off(l, t, 7, "0:4", LDX_W, 24));
    CHECK_POISON(relocate_imm(l, t, PST_CORE_FIELD_BYTE_SIZE, 7, "0:4", 4));
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_LSHIFT_U64, 7, "0:0", 32), 32);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_RSHIFT_U64, 7, "0:2", 0), 32);
    CHECK_FAIL(relocate_imm(l, t, PST_CORE_FIELD_SIGNED, 7, "0:3:1", 1), PST_E_UNSUPPORTED, "array element");
    outcome out = relocate_insn(l, t, PST_CORE_FIELD_BYTE_OFFSET, 7, "0:4", (pst_slot){.opcode = LD_IMM64, .regs = 1, .imm = 24}, 0);
    CHECK(out.status == PST_OK && is_poison(out.slots[0]) && is_poison(out.slots[1]));
    pst_btf_free(l);
    pst_btf_free(t);
}

static pst_btf *bit_fields(const uint32_t places[3][2])
{
    btf_builder *b = builder_new();
    builder_int(b, "unsigned int", 4, 0);
    builder_int(b, "int", 4, 1);
    builder_type(b, "s", PST_BTF_STRUCT, true, 3, 16);
    builder_bits(b, "a", 1, places[0][0], places[0][1]);
    builder_bits(b, "b", 2, places[1][0], places[1][1]);
    builder_bits(b, "c", 1, places[2][0], places[2][1]);
    return builder_parse(b);
}

TEST(core_field_bit_fields)
{
    static const uint32_t local_places[3][2] = {{0, 3}, {3, 5}, {32, 0}}, target_places[3][2] = {{40, 3}, {60, 5}, {33, 7}};
    pst_btf *l = bit_fields(local_places), *t = bit_fields(target_places);
    REQUIRE(l && t);
    // Bits 40 to 42: inside of the u32 at 4.
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 3, "0:0", 0), 4);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_SIZE, 3, "0:0", 4), 4);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_LSHIFT_U64, 3, "0:0", 61), 64 - 11);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_RSHIFT_U64, 3, "0:0", 61), 61);
    // Bits 60 to 64 cross a u32; the u64 at 0 does not reach them either.
    CHECK_FAIL(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 3, "0:1", 0), PST_E_UNSUPPORTED, "no load of 64 bits");
    // The compiler's guess of a window is not held against it...
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 3, "0:0", 1234), 4);
    // ... but sign and width are.
    CHECK_FAIL(relocate_imm(l, t, PST_CORE_FIELD_RSHIFT_U64, 3, "0:0", 60), PST_E_FORMAT, "expects 61");
    // A whole field here, a bit field there.
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_RSHIFT_U64, 3, "0:2", 32), 57);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_LSHIFT_U64, 3, "0:2", 32), 56);
    // A plain load of it cannot be had.
    CHECK_POISON(relocate_off(l, t, 3, "0:2", LDX_W, 4));
    pst_btf_free(l);
    pst_btf_free(t);
    static const uint32_t crossing[3][2] = {{28, 8}, {0, 0}, {64, 0}};
    l = bit_fields(local_places);
    t = bit_fields(crossing);
    REQUIRE(l && t);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_SIZE, 3, "0:0", 4), 8); // doubled until it is inside
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 3, "0:0", 0), 0);
    pst_btf_free(l);
    pst_btf_free(t);
}

TEST(core_field_arrays)
{
    btf_builder *b = builder_new();
    builder_int(b, "int", 4, 1);
    builder_array(b, 1, 10);
    builder_array(b, 1, 0);
    builder_struct(b, "s", 40, 2); // 4
    builder_member(b, "fixed", 2, 0);
    builder_member(b, "tail", 3, 320);
    pst_btf *l = builder_parse(b);
    b = builder_new();
    builder_int(b, "int", 4, 1);
    builder_array(b, 1, 5);
    builder_array(b, 1, 0);
    builder_struct(b, "s", 24, 2);
    builder_member(b, "fixed", 2, 32);
    builder_member(b, "tail", 3, 192);
    pst_btf *t = builder_parse(b);
    REQUIRE(l && t);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 4, "0:0:4", 16), 20);
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_EXISTS, 4, "0:0:5", 1), 0); // the host's has five
    CHECK_POISON(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 4, "0:0:5", 20));
    CHECK_IMM(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 4, "0:1:100", 440), 424); // an array of no elements at the end has any
    CHECK_FAIL(relocate_imm(l, t, PST_CORE_FIELD_BYTE_OFFSET, 4, "0:0:10", 40), PST_E_FORMAT, "element 10 of an array of 10");
    pst_btf_free(l);
    pst_btf_free(t);
}

// Types of a field that may stand for each other.
TEST(core_field_types_must_be_compatible)
{
    static const struct { uint32_t local, target; bool fits; } cases[] = {
        {1, 2, true},   // int, long
        {1, 3, false},  // int, pointer
        {3, 3, true},
        {4, 5, true},   // struct, union
        {4, 3, false},
        {6, 7, true},   // enums of the same name, one of 64 bits
        {6, 8, false},  // enums of other names
        {6, 9, true},   // one has no name
        {10, 11, true}, // arrays of other lengths
        {10, 12, false},// of other elements
        {13, 13, true}, // float
        {14, 2, false}, // the old kind of bit field
        {15, 1, true},  // const typedef
        {16, 16, true}, // forward
        {16, 17, false},
        {18, 18, false}, // functions are no fields
    };
    for (size_t i = 0; i < PST_COUNT(cases); i++) {
        pst_btf *sides[2];
        for (unsigned side = 0; side < 2; side++) {
            btf_builder *b = builder_new();
            builder_int(b, "int", 4, 1);
            builder_int(b, "long", 8, 1);
            builder_ref(b, PST_BTF_PTR, "", 0);
            builder_struct(b, "x", 8, 0);
            builder_type(b, "y", PST_BTF_UNION, false, 0, 8);
            builder_type(b, "e", PST_BTF_ENUM, false, 0, 4);
            builder_type(b, "e___wide", PST_BTF_ENUM64, false, 0, 8);
            builder_type(b, "f", PST_BTF_ENUM, false, 0, 4);
            builder_type(b, "", PST_BTF_ENUM, false, 0, 4);
            builder_array(b, 1, 3);
            builder_array(b, 2, 9);
            builder_array(b, 3, 3);
            builder_type(b, "double", PST_BTF_FLOAT, false, 0, 8);
            builder_int(b, "bits", 4, 0);
            b->types[b->types_size - 2] = 3; // bit offset
            builder_ref(b, PST_BTF_CONST, "", 1);
            builder_type(b, "later", PST_BTF_FWD, false, 0, 0);
            builder_type(b, "never", PST_BTF_FWD, false, 0, 0);
            builder_type(b, "", PST_BTF_FUNC_PROTO, false, 0, 0);
            builder_struct(b, "s", 64, 1); // 19
            builder_member(b, "m", side ? cases[i].target : cases[i].local, 0);
            sides[side] = builder_parse(b);
            REQUIRE(sides[side] != NULL);
        }
        outcome out = relocate_imm(sides[0], sides[1], PST_CORE_FIELD_EXISTS, 19, "0:0", 1);
        if (out.status != PST_OK || (out.slots[0].imm == 1) != cases[i].fits) pst_test_fail(__FILE__, __LINE__, "case %zu", i);
        pst_btf_free(sides[0]);
        pst_btf_free(sides[1]);
    }
}

// Two structs of one name in the host, as deduplication leaves them.
static pst_btf *two_candidates(uint32_t first_offset, uint32_t second_offset, bool second_has_b)
{
    btf_builder *b = builder_new();
    builder_int(b, "unsigned int", 4, 0);
    builder_struct(b, "s", 16, 1);
    builder_member(b, "a", 1, first_offset);
    builder_struct(b, "s", 16, second_has_b ? 2 : 1);
    builder_member(b, "a", 1, second_offset);
    if (second_has_b) builder_member(b, "b", 1, 96);
    return builder_parse(b);
}

TEST(core_field_candidates_must_agree)
{
    btf_builder *b = builder_new();
    builder_int(b, "unsigned int", 4, 0);
    builder_struct(b, "s", 8, 2);
    builder_member(b, "a", 1, 0);
    builder_member(b, "b", 1, 32);
    pst_btf *l = builder_parse(b), *same = two_candidates(32, 32, false), *other = two_candidates(32, 64, true);
    REQUIRE(l && same && other);
    CHECK_IMM(relocate_imm(l, same, PST_CORE_FIELD_BYTE_OFFSET, 2, "0:0", 0), 4);
    CHECK_FAIL(relocate_imm(l, other, PST_CORE_FIELD_BYTE_OFFSET, 2, "0:0", 0), PST_E_FORMAT, "ambiguous");
    CHECK_IMM(relocate_imm(l, other, PST_CORE_FIELD_BYTE_OFFSET, 2, "0:1", 4), 12); // only one has it
    // One that lacked a member is not asked for the next.
    const pst_core_relo relos[] = {{.pc = 0, .type = 2, .access = "0:1", .kind = PST_CORE_FIELD_BYTE_OFFSET},
                                   {.pc = 1, .type = 2, .access = "0:0", .kind = PST_CORE_FIELD_BYTE_OFFSET}};
    pst_slot slots[] = {{.opcode = MOV_IMM, .imm = 4}, {.opcode = MOV_IMM, .imm = 0}};
    pst_core_relocator *relocator;
    const pst_btf *targets[] = {other};
    REQUIRE(pst_core_relocator_create(&g_env, l, targets, 1, &relocator) == PST_OK);
    CHECK_EQ(pst_core_relocate(relocator, slots, 2, relos, 2, "prog"), PST_OK);
    CHECK_EQ(slots[0].imm, 12);
    CHECK_EQ(slots[1].imm, 8);
    pst_core_relocator_free(relocator);
    pst_btf_free(l);
    pst_btf_free(same);
    pst_btf_free(other);
    CHECK_EQ(g_memory.live, 0);
}
