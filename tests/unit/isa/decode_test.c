// decode_test.c: decoding and encoding are inverse, and every reserved field is refused.
#include "harness.h"
#include "isa_cases.h"

typedef struct tally {
    uint64_t accepted, kinds, results; // bit sets over pst_kind and pst_decode_result
    uint64_t ops[16];                  // by kind: the operations seen
} tally;

static void check_inverse(void *user, const pst_slot slots[2])
{
    tally *t = user;
    pst_insn insn = {.kind = 77};
    pst_slot again[2];
    pst_decode_result result = pst_insn_decode(slots, 2, &insn);
    t->results |= (uint64_t)1 << result;
    if (result != PST_DECODE_OK) {
        CHECK(insn.kind == 77); // *out is untouched
        return;
    }
    t->accepted++;
    t->kinds |= (uint64_t)1 << insn.kind;
    t->ops[insn.kind] |= (uint64_t)1 << insn.op;
    size_t count = pst_insn_encode(&insn, again);
    CHECK_EQ(count, insn.kind == PST_KIND_IMM64 ? 2 : 1);
    CHECK(memcmp(slots, again, count * sizeof *slots) == 0);
    CHECK(insn.dst < PST_REG_COUNT && insn.src < PST_REG_COUNT);
}

#define X(...) +1
enum {
    ALU_COUNT = 0 PST_ALU_LIST(X),
    SWAP_COUNT = 0 PST_SWAP_LIST(X),
    JUMP_COUNT = 0 PST_JUMP_LIST(X),
    ATOMIC_COUNT = 0 PST_ATOMIC_LIST(X),
    IMM64_COUNT = 0 PST_IMM64_LIST(X),
    CALL_COUNT = 0 PST_CALL_LIST(X),
    RESULT_COUNT = 0 PST_DECODE_LIST(X),
};
#undef X

TEST(encode_gives_back_what_decode_accepts)
{
    tally t = {0};
    isa_each_slot(check_inverse, &t);
    uint64_t all_kinds = (((uint64_t)1 << (PST_KIND_CAST + 1)) - 1) & ~((uint64_t)1 << PST_KIND_PADDING);
    CHECK_EQ(t.kinds, all_kinds);
    CHECK_EQ(t.ops[PST_KIND_ALU], ((uint64_t)1 << ALU_COUNT) - 1);
    CHECK_EQ(t.ops[PST_KIND_SWAP], ((uint64_t)1 << SWAP_COUNT) - 1);
    CHECK_EQ(t.ops[PST_KIND_BRANCH], ((uint64_t)1 << JUMP_COUNT) - 1);
    CHECK_EQ(t.ops[PST_KIND_ATOMIC], ((uint64_t)1 << ATOMIC_COUNT) - 1);
    CHECK_EQ(t.ops[PST_KIND_IMM64], ((uint64_t)1 << IMM64_COUNT) - 1);
    CHECK_EQ(t.ops[PST_KIND_CALL], ((uint64_t)1 << CALL_COUNT) - 1);
    CHECK_EQ(t.ops[PST_KIND_LEGACY_LOAD], 3);
    CHECK(t.accepted > 10000);
    // Every reason occurs except truncation, which needs a short array.
    CHECK_EQ(t.results, (((uint64_t)1 << RESULT_COUNT) - 1) & ~((uint64_t)1 << PST_DECODE_TRUNCATED));
}

// Which opcodes exist, written by hand from RFC 9669 and Linux's uapi.
static bool alu_exists(unsigned opcode)
{
    unsigned code = opcode >> 4;
    bool is_register = opcode & 8;
    if (code > 0xd) return false;
    if (code == 0x8) return !is_register;                          // NEG
    if (code == 0xd && (opcode & 7) == 7) return !is_register;     // BSWAP
    return true;
}

static bool jump_exists(unsigned opcode)
{
    unsigned code = opcode >> 4;
    bool is_register = opcode & 8, is_32 = (opcode & 7) == 6;
    if (code == 0x0) return !is_register;                          // JA, gotol
    if (code == 0x8) return !is_32;                                // CALL, callx
    if (code == 0x9 || code == 0xe) return !is_32 && !is_register; // EXIT, may_goto
    return code < 0xe;
}

static bool opcode_exists(unsigned opcode)
{
    static const uint8_t memory[] = {
        0x18, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50,             // LD
        0x61, 0x69, 0x71, 0x79, 0x81, 0x89, 0x91,             // LDX MEM, MEMSX
        0x62, 0x6a, 0x72, 0x7a, 0x63, 0x6b, 0x73, 0x7b,       // ST, STX
        0xc3, 0xcb, 0xd3, 0xdb,                               // ATOMIC (8 and 16 bits: ordered loads and stores)
    };
    switch (opcode & 7) {
    case 4:
    case 7: return alu_exists(opcode);
    case 5:
    case 6: return jump_exists(opcode);
    default: return memchr(memory, (int)opcode, sizeof memory) != NULL;
    }
}

static void mark_accepted(void *user, const pst_slot slots[2])
{
    bool *seen = user;
    pst_insn insn;
    if (pst_insn_decode(slots, 2, &insn) == PST_DECODE_OK) seen[slots[0].opcode] = true;
}

TEST(exactly_the_opcodes_of_the_standard_are_accepted)
{
    bool seen[256] = {false};
    isa_each_slot(mark_accepted, seen);
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        if (seen[opcode] != opcode_exists(opcode)) fprintf(stderr, "opcode 0x%02x\n", opcode);
        CHECK(seen[opcode] == opcode_exists(opcode));
    }
}

static pst_decode_result decode1(uint8_t opcode, unsigned dst, unsigned src, int16_t off, int32_t imm)
{
    pst_slot slots[2] = {{opcode, (uint8_t)(dst | src << 4), off, imm}, {0}};
    pst_insn insn;
    return pst_insn_decode(slots, 2, &insn);
}

// A valid instruction, and which of its fields may hold something else: each other field, changed, must be refused.
typedef struct field_case {
    uint8_t opcode, dst, src;
    int16_t off;
    int32_t imm;
    const char *free_fields; // of "dsoi"
} field_case;

static const field_case field_cases[] = {
    {0x07, 1, 0, 0, 5, "di"},      {0x0f, 1, 2, 0, 0, "ds"},      {0x04, 1, 0, 0, 5, "di"},      {0x0c, 1, 2, 0, 0, "ds"},
    {0x37, 1, 0, 1, 5, "di"},      {0x3f, 1, 2, 1, 0, "ds"},      {0x87, 1, 0, 0, 0, "d"},       {0x84, 1, 0, 0, 0, "d"},
    {0xb7, 1, 0, 0, 5, "di"},      {0xbf, 1, 2, 8, 0, "ds"},      {0xbc, 1, 2, 16, 0, "ds"},     {0xd4, 1, 0, 0, 16, "d"},
    {0xdc, 1, 0, 0, 32, "d"},      {0xd7, 1, 0, 0, 64, "d"},      {0x61, 1, 2, 4, 0, "dso"},     {0x91, 1, 2, 4, 0, "dso"},
    {0x62, 1, 0, 4, 5, "doi"},     {0x63, 1, 2, 4, 0, "dso"},     {0xdb, 1, 2, 4, 0, "dso"},     {0xc3, 1, 2, 4, 0xf1, "dso"},
    {0xd3, 1, 2, 4, 0x100, "dso"}, {0xcb, 1, 2, 4, 0x110, "dso"}, {0x30, 0, 0, 0, 5, "i"},       {0x48, 0, 2, 0, 5, "si"},
    {0x05, 0, 0, 4, 0, "o"},       {0x06, 0, 0, 0, 4, "i"},       {0x15, 1, 0, 4, 5, "doi"},     {0x1d, 1, 2, 4, 0, "dso"},
    {0x26, 1, 0, 4, 5, "doi"},     {0x2e, 1, 2, 4, 0, "dso"},     {0xe5, 0, 0, 4, 0, "o"},       {0x85, 0, 0, 0, 5, "i"},
    {0x85, 0, 1, 0, 5, "i"},       {0x85, 0, 2, 3, 5, "oi"},      {0x8d, 3, 0, 0, 0, "d"},       {0x95, 0, 0, 0, 0, ""},
    {0x18, 1, 0, 0, 5, "di"},      {0xbf, 1, 2, 1, 1, "ds"},
};

static bool is_free(const field_case *c, char field) { return strchr(c->free_fields, field) != NULL; }

TEST(each_reserved_field_is_refused)
{
    for (size_t i = 0; i < PST_COUNT(field_cases); i++) {
        const field_case *c = &field_cases[i];
        CHECK_EQ(decode1(c->opcode, c->dst, c->src, c->off, c->imm), PST_DECODE_OK);
        if (c->dst != 0) CHECK_EQ(decode1(c->opcode, 11, c->src, c->off, c->imm), PST_DECODE_REGISTER);
        if (is_free(c, 's')) CHECK_EQ(decode1(c->opcode, c->dst, 15, c->off, c->imm), PST_DECODE_REGISTER);
        if (!is_free(c, 'd')) CHECK_EQ(decode1(c->opcode, 1, c->src, c->off, c->imm), PST_DECODE_RESERVED);
        if (!is_free(c, 's') && c->opcode != 0x18 && c->opcode != 0x85)
            CHECK_EQ(decode1(c->opcode, c->dst, 1, c->off, c->imm), PST_DECODE_RESERVED);
        // 77 is no discriminator and no operation of any kind.
        if (!is_free(c, 'o')) CHECK(decode1(c->opcode, c->dst, c->src, 77, c->imm) != PST_DECODE_OK);
        if (!is_free(c, 'i')) CHECK(decode1(c->opcode, c->dst, c->src, c->off, 77) != PST_DECODE_OK);
        if (is_free(c, 'o')) CHECK_EQ(decode1(c->opcode, c->dst, c->src, 77, c->imm), PST_DECODE_OK);
        if (is_free(c, 'i')) CHECK_EQ(decode1(c->opcode, c->dst, c->src, c->off, 77), PST_DECODE_OK);
    }
}

TEST(reasons_are_the_right_ones)
{
    CHECK_EQ(decode1(0x00, 0, 0, 0, 0), PST_DECODE_OPCODE);
    CHECK_EQ(decode1(0xff, 0, 0, 0, 0), PST_DECODE_OPCODE);
    CHECK_EQ(decode1(0xb7, 10, 0, 0, 0), PST_DECODE_FRAME_POINTER);
    CHECK_EQ(decode1(0x79, 10, 1, 0, 0), PST_DECODE_FRAME_POINTER);
    CHECK_EQ(decode1(0xdc, 10, 0, 0, 16), PST_DECODE_FRAME_POINTER);
    CHECK_EQ(decode1(0xdb, 10, 1, -8, 0x01), PST_DECODE_OK);            // the stack may be the address
    CHECK_EQ(decode1(0xdb, 1, 10, 0, 0x01), PST_DECODE_FRAME_POINTER);  // a fetch writes src
    CHECK_EQ(decode1(0xdb, 1, 10, 0, 0xe1), PST_DECODE_FRAME_POINTER);
    CHECK_EQ(decode1(0xdb, 1, 10, 0, 0x00), PST_DECODE_OK);             // without a fetch src is read
    CHECK_EQ(decode1(0xdb, 1, 10, 0, 0xf1), PST_DECODE_OK);             // cmpxchg writes r0
    CHECK_EQ(decode1(0xdb, 10, 1, -8, 0x100), PST_DECODE_FRAME_POINTER);
    CHECK_EQ(decode1(0xdb, 10, 1, -8, 0x110), PST_DECODE_OK);
    CHECK_EQ(decode1(0xdb, 1, 2, 0, 0xe0), PST_DECODE_ATOMIC);          // xchg without fetch
    CHECK_EQ(decode1(0xdb, 1, 2, 0, 0x10), PST_DECODE_ATOMIC);          // there is no atomic sub
    CHECK_EQ(decode1(0xd3, 1, 2, 0, 0x00), PST_DECODE_WIDTH);           // 8 bits
    CHECK_EQ(decode1(0xcb, 1, 2, 0, 0xf1), PST_DECODE_WIDTH);           // 16 bits
    CHECK_EQ(decode1(0xdc, 1, 0, 0, 24), PST_DECODE_WIDTH);
    CHECK_EQ(decode1(0xbc, 1, 2, 32, 0), PST_DECODE_WIDTH);             // w1 = (s32)w2
    CHECK_EQ(decode1(0x99, 1, 2, 0, 0), PST_DECODE_WIDTH);              // *(s64 *)
    CHECK_EQ(decode1(0x38, 0, 0, 0, 0), PST_DECODE_WIDTH);              // packet load of 64 bits
    CHECK_EQ(decode1(0xb7, 1, 0, 8, 0), PST_DECODE_RESERVED);           // sign extension of a number
    CHECK_EQ(decode1(0x07, 1, 0, 1, 0), PST_DECODE_RESERVED);           // there is no signed addition
    CHECK_EQ(decode1(0xbf, 1, 2, 1, 2), PST_DECODE_RESERVED);           // cast between other address spaces
    CHECK_EQ(decode1(0x18, 1, 7, 0, 0), PST_DECODE_PSEUDO);
    CHECK_EQ(decode1(0x85, 0, 3, 0, 0), PST_DECODE_PSEUDO);
    CHECK_EQ(decode1(0x8d, 0, 0, 0, 11), PST_DECODE_REGISTER);
    CHECK_EQ(decode1(0x8d, 0, 0, 0, -1), PST_DECODE_REGISTER);
    CHECK_EQ(decode1(0x8d, 2, 0, 0, 3), PST_DECODE_RESERVED);           // two registers
    CHECK_EQ(decode1(0x86, 0, 0, 0, 0), PST_DECODE_OPCODE);             // call in class JMP32
    CHECK_EQ(decode1(0xe5, 0, 1, 0, 0), PST_DECODE_RESERVED);           // a conditional jump that is not may_goto
}

TEST(a_64_bit_immediate_needs_a_clean_second_slot)
{
    pst_slot slots[2] = {{0x18, 1, 0, 5}, {0}};
    pst_insn insn;
    CHECK_EQ(pst_insn_decode(slots, 1, &insn), PST_DECODE_TRUNCATED);
    for (unsigned field = 0; field < 3; field++) {
        slots[1] = (pst_slot){.opcode = field == 0, .regs = field == 1, .off = field == 2};
        CHECK_EQ(pst_insn_decode(slots, 2, &insn), PST_DECODE_RESERVED);
    }
    // The second immediate counts for numbers, map values and variables only.
    for (unsigned kind = 0; kind <= 6; kind++) {
        bool counts = kind == 0 || kind == 2 || kind == 3 || kind == 6;
        slots[0].regs = (uint8_t)(1 | kind << 4);
        slots[1] = (pst_slot){.imm = 7};
        CHECK_EQ(pst_insn_decode(slots, 2, &insn), counts ? PST_DECODE_OK : PST_DECODE_RESERVED);
        if (counts) CHECK_EQ(insn.imm, 0x700000005);
    }
}

TEST(fields_go_where_the_header_says)
{
    pst_insn insn;
    pst_slot gotol = {0x06, 0, 0, 70000}, call = {0x85, 0x10, 0, -3}, old_callx = {0x8d, 0, 0, 4};
    CHECK_EQ(pst_insn_decode(&gotol, 1, &insn), PST_DECODE_OK);
    CHECK(insn.kind == PST_KIND_JUMP && insn.target == 70000 && insn.flags == PST_INSN_LONG && insn.imm == 0);
    CHECK_EQ(pst_insn_decode(&call, 1, &insn), PST_DECODE_OK);
    CHECK(insn.kind == PST_KIND_CALL && insn.op == PST_CALL_SUBPROG && insn.target == -3 && insn.imm == 0);
    CHECK_EQ(pst_insn_decode(&old_callx, 1, &insn), PST_DECODE_OK);
    CHECK(insn.op == PST_CALL_REGISTER && insn.dst == 4 && insn.flags == PST_INSN_IMM_CALL);
    pst_slot func[2] = {{0x18, 0x41, 0, -9}, {0}};
    CHECK_EQ(pst_insn_decode(func, 2, &insn), PST_DECODE_OK);
    CHECK(insn.kind == PST_KIND_IMM64 && insn.op == PST_IMM64_FUNC && insn.target == -9 && insn.imm == 0);
    pst_slot number[2] = {{0x18, 0x01, 0, -1}, {0}};
    CHECK_EQ(pst_insn_decode(number, 2, &insn), PST_DECODE_OK);
    CHECK_EQ(insn.imm, 0xffffffff); // the low half is not sign-extended
}

TEST(encode_refuses_what_decode_cannot_produce)
{
    pst_slot out[2];
    const pst_insn bad[] = {
        {.kind = PST_KIND_PADDING},
        {.kind = 200},
        {.kind = PST_KIND_ALU, .op = PST_ALU_ADD, .dst = 11, .width = 64},
        {.kind = PST_KIND_ALU, .op = PST_ALU_ADD, .dst = 10, .width = 64},
        {.kind = PST_KIND_ALU, .op = PST_ALU_ADD, .dst = 1, .width = 16},
        {.kind = PST_KIND_ALU, .op = 99, .dst = 1, .width = 64},
        {.kind = PST_KIND_ALU, .op = PST_ALU_ADD, .dst = 1, .imm = 3, .width = 64},
        {.kind = PST_KIND_ALU, .op = PST_ALU_ADD, .dst = 1, .imm = (int64_t)1 << 40, .width = 64, .flags = PST_INSN_IMM},
        {.kind = PST_KIND_ALU, .op = PST_ALU_NEG, .dst = 1, .width = 64},
        {.kind = PST_KIND_SWAP, .op = PST_SWAP_BE, .dst = 1, .width = 24},
        {.kind = PST_KIND_SWAP, .op = 9, .dst = 1, .width = 16},
        {.kind = PST_KIND_LOAD, .width = 7},
        {.kind = PST_KIND_ATOMIC, .op = PST_ATOMIC_XCHG, .width = 64},
        {.kind = PST_KIND_ATOMIC, .op = 17, .width = 64},
        {.kind = PST_KIND_JUMP, .target = 40000},
        {.kind = PST_KIND_BRANCH, .op = 30, .width = 64},
        {.kind = PST_KIND_BRANCH, .op = PST_JUMP_JEQ, .target = -40000, .width = 64},
        {.kind = PST_KIND_CALL, .op = 9},
        {.kind = PST_KIND_CALL, .op = PST_CALL_HELPER, .src = 1},
        {.kind = PST_KIND_CALL, .op = PST_CALL_REGISTER, .imm = 5},
        {.kind = PST_KIND_CALL, .op = PST_CALL_REGISTER, .flags = PST_INSN_IMM_CALL}, // r0: the other form's bytes
        {.kind = PST_KIND_IMM64, .op = 12, .width = 64},
        {.kind = PST_KIND_IMM64, .op = PST_IMM64_MAP_FD, .imm = (int64_t)1 << 32, .width = 64},
        {.kind = PST_KIND_EXIT, .dst = 1},
    };
    for (size_t i = 0; i < PST_COUNT(bad); i++) CHECK_EQ(pst_insn_encode(&bad[i], out), 0);
}

TEST(every_result_has_a_text)
{
    for (int i = 1; i < RESULT_COUNT; i++) CHECK(strlen(pst_decode_text((pst_decode_result)i)) > 8);
}
