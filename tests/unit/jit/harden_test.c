// harden_test.c: what hardening promises of machine code: no constant of the program stands in it, nobody knows where functions begin, what
// nothing runs traps, and indirect branches land on landing pads only.
//
// That hardened programs compute the same is tested with everything else: they are engines of tests/conformance, tests/diff and tests/unit/interp.
#include "base/bits.h"
#include "harness.h"
#include "interp_fixture.h"
#include "jit/chance.h"
#include "jit/jit.h"
#include "pal/pal.h"

#define SKIP_WITHOUT_COMPILER()                                                    \
    do {                                                                           \
        if (!pst_jit_supported()) {                                                \
            pst_test_skip("there is no compiler for this machine");                \
            return;                                                                \
        }                                                                          \
    } while (0)

typedef struct compiled {
    pst_image *image;
    pst_exec *exec;
    pst_jit_code code;
} compiled;

static void compiled_free(compiled *c)
{
    if (c->exec) c->exec->free(c->exec);
    pst_image_free(c->image);
    *c = (compiled){0};
}

// False: these slots are no program, or one that nobody compiles.
static bool compile_slots(compiled *c, const pst_slot *slots, size_t count, uint32_t harden)
{
    static pst_env silent; // images keep it
    pst_image_input input = {.size = sizeof input, .slots = slots, .count = (uint32_t)count};
    pst_image_error error;
    const pst_jit_opts opts = {.size = sizeof opts, .tier = PST_JIT_QUICK, .harden = harden}; // the tier that leaves instructions as they are
    *c = (compiled){0};
    silent = *pst_pal_env();
    silent.log = NULL;
    bool made = pst_image_build(&silent, &input, &error, &c->image) == PST_OK &&
                pst_jit_create(&silent, c->image, fixture_bindings(), NULL, &opts, &c->exec) == PST_OK && pst_jit_code_of(c->exec, &c->code);
    if (!made) compiled_free(c);
    return made;
}

static bool compile_text(compiled *c, const char *text, uint32_t harden)
{
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error error = {0};
    if (pst_assemble(pst_pal_env(), text, &slots, &count, &error) != PST_OK) {
        pst_test_fail(__FILE__, __LINE__, "%s: %s", text, error.text);
        return false;
    }
    bool made = compile_slots(c, slots, count, harden);
    if (!made) pst_test_fail(__FILE__, __LINE__, "%s: cannot be compiled", text);
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    return made;
}

// --- Constants ------------------------------------------------------------------------------------------------

#define PLANTED 0x5ab1c2d3 // four bytes that no instruction has by itself, and whose negative has none of them
#define PLANTED_OFF 0x5ab1

#if PST_HOST_ARM64
#define TRAP_BYTE 0x00

// Instructions hold no more than 16 bits of a constant.
static bool moves(const pst_jit_code *code, uint32_t half)
{
    for (size_t i = 0; i + 4 <= code->size; i += 4) {
        uint32_t word = pst_load32(code->bytes + i);
        uint32_t held = word >> 5 & 0xffff; // movn holds the complement
        if ((word & 0x1f800000) == 0x12800000 && (held == (half & 0xffff) || held == (~half & 0xffff))) return true;
    }
    return false;
}

static bool contains(const pst_jit_code *code, uint32_t value) { return moves(code, value) && moves(code, value >> 16); }

// As a number, or what is left of it in an access when the multiple of 4096 below it was added before.
static bool shows_offset(const pst_jit_code *code, int32_t off)
{
    for (size_t i = 0; i + 4 <= code->size; i += 4) {
        uint32_t word = pst_load32(code->bytes + i);
        bool scaled = (word & 0x3b000000) == 0x39000000;
        if (scaled && (word >> 10 & 0xfff) << (word >> 30) == ((uint32_t)off & 0xfff)) return true;
    }
    return moves(code, (uint32_t)off);
}
#else
#define TRAP_BYTE 0xcc

static bool contains(const pst_jit_code *code, uint32_t value)
{
    uint8_t bytes[4];
    pst_store32(bytes, value);
    for (size_t i = 0; i + sizeof bytes <= code->size; i++)
        if (memcmp(code->bytes + i, bytes, sizeof bytes) == 0) return true;
    return false;
}

// Two bytes of the program's choice, with the sign that makes four of them.
static bool shows_offset(const pst_jit_code *code, int32_t off) { return contains(code, (uint32_t)off); }
#endif

// The constant as it is, negated, turned round, or next to it: what compilers make of constants.
static bool shows(const pst_jit_code *code, uint32_t value)
{
    const uint32_t forms[] = {value, 0 - value, ~value, value + 1, value - 1, PST_BSWAP32(value)};
    for (size_t i = 0; i < PST_COUNT(forms); i++)
        if (contains(code, forms[i])) return true;
    return false;
}

// Compiles one instruction between others that make its registers and use its results. False: it is none.
static bool compile_one(compiled *c, pst_slot insn, uint32_t second_imm, uint32_t harden)
{
    pst_slot slots[8] = {{.opcode = 0x79, .regs = 0x10}, insn};
    size_t count = 2;
    if (insn.opcode == 0x18) slots[count++] = (pst_slot){.imm = (int32_t)second_imm};
    slots[count++] = (pst_slot){.opcode = 0x0f, .regs = 0x20}; // r0 += r2: what a jump of one slot skips
    slots[count++] = (pst_slot){.opcode = 0x95};
    return compile_slots(c, slots, count, harden);
}

typedef struct tally {
    unsigned forms, plain, blind;
} tally;

// Whether the code shows the constant each time: 16 bits may do so once by chance.
static bool seen_in(pst_slot insn, bool as_offset, int32_t value, uint32_t harden, bool *made)
{
    bool seen = true;
    for (unsigned i = 0; i < 4 && seen; i++) {
        compiled c;
        *made = compile_one(&c, insn, (uint32_t)value, harden);
        if (!*made) return false;
        seen = as_offset ? shows_offset(&c.code, value) : shows(&c.code, (uint32_t)value);
        compiled_free(&c);
    }
    return seen;
}

// Every opcode there is, with a constant that shows; and how many forms have it in their code, without and with blinding.
static tally try_opcodes(bool as_offset, int32_t value)
{
    tally t = {0};
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        bool stores = (opcode & 7) == 2 || (opcode & 7) == 3, by_reg = (opcode & 7) == 3, jumps = (opcode & 7) == 5 || (opcode & 7) == 6;
        pst_slot insn = {.opcode = (uint8_t)opcode, .regs = by_reg ? 0x21 : stores ? 0x01 : 0x00, .imm = value};
        if (!stores && (opcode & 8 || (opcode & 7) == 1)) insn.regs = 0x10;
        if (jumps) insn.off = 1;
        if (as_offset) insn.off = (int16_t)value;
        if (as_offset) insn.imm = (opcode & 7) == 2 || (opcode >> 5) == 6; // stores have a number to store, atomics say what they do
        for (unsigned harden = 0; harden < 2; harden++) {
            bool made, seen = seen_in(insn, as_offset, value, harden ? PST_JIT_BLIND : 0, &made);
            if (!made) continue;
            if (harden && seen) pst_test_fail(__FILE__, __LINE__, "opcode 0x%02x shows its constant 0x%x", opcode, (unsigned)value);
            t.forms += harden;
            if (seen && harden) t.blind++;
            if (seen && !harden) t.plain++;
        }
    }
    return t;
}

TEST(no_immediate_stands_in_blinded_code)
{
    SKIP_WITHOUT_COMPILER();
    static const uint32_t values[] = {PLANTED, 0xa54e3d2c};
    for (size_t i = 0; i < PST_COUNT(values); i++) {
        tally t = try_opcodes(false, (int32_t)values[i]);
        CHECK_EQ(t.blind, 0);
        CHECK(t.plain > 40); // moves, arithmetic, stores, comparisons: the scan sees what there is to see
        CHECK(t.forms > t.plain);
    }
}

TEST(no_offset_stands_in_blinded_code)
{
    SKIP_WITHOUT_COMPILER();
    static const int32_t values[] = {PLANTED_OFF, -PLANTED_OFF};
    for (size_t i = 0; i < PST_COUNT(values); i++) {
        tally t = try_opcodes(true, values[i]);
        CHECK_EQ(t.blind, 0);
        CHECK(t.plain > 10); // loads and stores of each size, with and without sign, atomics
    }
}

// What selection makes of several instructions: folded sums, scaled indexes, constants from registers, arguments, lookups.
static const char *const g_combined[] = {
    "r1 += 0x5ab1c2d3; r0 = *(u8 *)(r1 + 0); exit",
    "r1 -= 0x5ab1c2d3; r0 = *(u64 *)(r1 + 0); exit",
    "r2 = *(u64 *)(r1 + 0); r2 <<= 3; r2 += 0x5ab1c2d3; r0 = r2; exit",
    "r2 = *(u64 *)(r1 + 0); r2 <<= 3; r2 += r1; r2 += 0x5ab1c2d3; r0 = *(u32 *)(r2 + 0); exit",
    "r2 = *(u64 *)(r1 + 0); r2 += 0x5ab1c2d3; *(u64 *)(r2 + 0) = 0x5ab1c2d3; r0 = 0; exit",
    "r2 = *(u64 *)(r1 + 0); r2 += 0x5ab1c2d3; *(u16 *)(r2 + 0) = 0x5ab1; *(u32 *)(r2 + 8) = 0x5ab1c2d3; r0 = 0; exit",
    "r2 = 0x5ab1c2d3; *(u64 *)(r1 + 0) = r2; r0 = 0; exit",
    "r2 = 0x5ab1c2d3; lock *(u64 *)(r1 + 0) += r2; r0 = 0; exit",
    "r2 = 0x5ab1c2d35ab1c2d3 ll; r0 = *(u64 *)(r1 + 0); r0 ^= r2; exit",
    "r2 = 0x115ab1c2d3 ll; r0 = *(u64 *)(r1 + 0); r0 *= r2; exit",
    "r0 = *(u64 *)(r1 + 0); r2 = 0x5ab1c2d3; if r0 > r2 goto +1; r0 = 1; exit",
    "r0 = *(u64 *)(r1 + 0); r2 = 0x5ab1c2d3; w0 s/= w2; exit",
    "r0 = 0x5ab1c2d3; r0 += 0; exit",
    "r1 = 0x5ab1c2d3; r2 = 0x5ab1c2d3; call sub; exit; sub: r0 = r1; r0 += r2; exit",
    "r0 = *(u64 *)(r1 + 0); w0 = w0; r0 <<= 1; r0 += 0x5ab1c2d3; r0 = r0; exit",
};

TEST(no_constant_of_combined_instructions_stands_in_blinded_code)
{
    SKIP_WITHOUT_COMPILER();
    unsigned plain = 0;
    for (size_t i = 0; i < PST_COUNT(g_combined); i++) {
        compiled c;
        if (!compile_text(&c, g_combined[i], 0)) continue;
        plain += shows(&c.code, PLANTED);
        compiled_free(&c);
        if (!compile_text(&c, g_combined[i], PST_JIT_BLIND | PST_JIT_PLACE)) continue;
        if (shows(&c.code, PLANTED)) pst_test_fail(__FILE__, __LINE__, "%s shows its constant", g_combined[i]);
        compiled_free(&c);
    }
    CHECK_EQ(plain, PST_COUNT(g_combined));
}

TEST(a_split_hides_its_sum)
{
    jit_chance chance = {.left = 0};
    static const int32_t values[] = {0, 1, -1, 127, 128, INT32_MAX, INT32_MIN, INT32_MIN + 1, PLANTED};
    for (size_t i = 0; i < PST_COUNT(values); i++) {
        unsigned high = 0, same = 0;
        int32_t before = 0;
        for (unsigned n = 0; n < 256; n++) {
            jit_split s = jit_chance_split(&chance, values[i]);
            CHECK_EQ((int64_t)s.a + s.b, values[i]);
            high += s.a > values[i] / 2;
            same += s.a == before;
            before = s.a;
        }
        CHECK(high > 64 && high < 192); // chance, on either side
        CHECK(same < 4);
    }
}

TEST(every_load_has_a_secret_of_its_own)
{
    compiled a, b;
    SKIP_WITHOUT_COMPILER();
    REQUIRE(compile_text(&a, "r0 = 0x5ab1c2d3; exit", PST_JIT_BLIND));
    REQUIRE(compile_text(&b, "r0 = 0x5ab1c2d3; exit", PST_JIT_BLIND));
    CHECK(a.code.size != b.code.size || memcmp(a.code.bytes, b.code.bytes, a.code.size) != 0);
    compiled_free(&a);
    compiled_free(&b);
}

// --- Places ---------------------------------------------------------------------------------------------------

#define TWO_FUNCTIONS "call sub; r0 += 1; exit; sub: r0 = 7; exit"
#define SUB_SLOT 3

TEST(functions_begin_where_nobody_knows)
{
    SKIP_WITHOUT_COMPILER();
    unsigned same_begin = 0, same_distance = 0;
    uint32_t begin = 0, distance = 0;
    for (unsigned i = 0; i < 32; i++) {
        compiled c;
        REQUIRE(compile_text(&c, TWO_FUNCTIONS, PST_JIT_PLACE));
        uint32_t at = c.code.offsets[0], between = c.code.offsets[SUB_SLOT] - at;
        same_begin += i > 0 && at == begin;
        same_distance += i > 0 && between == distance;
        begin = at;
        distance = between;
        for (uint32_t n = 0; n + 96 < at; n++) // the prologue is in front of the first instruction
            if (c.code.bytes[n] != TRAP_BYTE) pst_test_fail(__FILE__, __LINE__, "byte %u in front of the program is 0x%02x, not a trap", n, c.code.bytes[n]);
        pst_run run = {.ctx = &g_world.ctx};
        CHECK_EQ(pst_exec_run(c.exec, &run), 8);
        compiled_free(&c);
    }
    CHECK(same_begin < 8 && same_distance < 16);
}

TEST(behind_a_program_its_page_traps)
{
    SKIP_WITHOUT_COMPILER();
    for (unsigned harden = 0; harden < 2; harden++) {
        compiled c;
        REQUIRE(compile_text(&c, TWO_FUNCTIONS, harden ? PST_JIT_PLACE : 0));
        size_t page = pst_pal_page_size(), end = (size_t)pst_align_up(c.code.size, page);
        for (size_t i = c.code.size; i < end; i++) CHECK_EQ(c.code.bytes[i], TRAP_BYTE);
        compiled_free(&c);
    }
}

// A long branch's distance is four bytes in the code, which the program chooses by what it jumps over.
TEST(distances_of_branches_are_not_the_programs_choice)
{
    static pst_slot slots[600];
    SKIP_WITHOUT_COMPILER();
    slots[0] = (pst_slot){.opcode = 0x79, .regs = 0x10};
    slots[1] = (pst_slot){.opcode = 0x15, .off = 500, .imm = 1}; // if r0 == 1 goto +500
    for (unsigned i = 2; i < 502; i++) slots[i] = (pst_slot){.opcode = 0x67, .imm = 7};
    slots[502] = (pst_slot){.opcode = 0x95};
    unsigned same = 0;
    uint32_t before = 0;
    for (unsigned i = 0; i < 16; i++) {
        compiled c;
        REQUIRE(compile_slots(&c, slots, 503, PST_JIT_BLIND | PST_JIT_PLACE));
        uint32_t distance = c.code.offsets[502] - c.code.offsets[2];
        same += distance == before;
        before = distance;
        compiled_free(&c);
    }
    CHECK(same < 6);
}

// --- Wrong guesses --------------------------------------------------------------------------------------------

static unsigned barriers_in(const pst_jit_code *code)
{
    static const uint8_t lfence[] = {0x0f, 0xae, 0xe8}, dsb[] = {0x9f, 0x3f, 0x03, 0xd5};
    const uint8_t *bytes = PST_HOST_X64 ? lfence : dsb;
    size_t size = PST_HOST_X64 ? sizeof lfence : sizeof dsb;
    unsigned count = 0;
    for (size_t i = 0; i + size <= code->size; i++) count += memcmp(code->bytes + i, bytes, size) == 0;
    return count;
}

static unsigned barriers_of_tier(const char *text, uint8_t facts_at, uint8_t flags, uint32_t harden, pst_jit_tier tier)
{
    uint8_t all[16] = {0};
    const pst_facts facts = {.flags = all};
    const pst_jit_opts opts = {.size = sizeof opts, .tier = tier, .harden = harden};
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error error;
    pst_image *image = NULL;
    pst_exec *exec = NULL;
    pst_jit_code code = {0};
    all[facts_at] = flags;
    CHECK_EQ(pst_assemble(pst_pal_env(), text, &slots, &count, &error), PST_OK);
    pst_image_input input = {.size = sizeof input, .slots = slots, .count = (uint32_t)count};
    CHECK_EQ(pst_image_build(pst_pal_env(), &input, NULL, &image), PST_OK);
    CHECK_EQ(pst_jit_create(pst_pal_env(), image, fixture_bindings(), &facts, &opts, &exec), PST_OK);
    CHECK(pst_jit_code_of(exec, &code));
    unsigned found = barriers_in(&code);
    exec->free(exec);
    pst_image_free(image);
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    return found;
}

static unsigned barriers_of(const char *text, uint8_t facts_at, uint8_t flags, uint32_t harden)
{
    return barriers_of_tier(text, facts_at, flags, harden, PST_JIT_OPTIMISED);
}

TEST(accesses_that_a_wrong_guess_can_move_wait_for_branches)
{
    SKIP_WITHOUT_COMPILER();
    static const char load[] = "if r2 > 9 goto out; r1 += r2; r0 = *(u8 *)(r1 + 0); exit; out: r0 = 0; exit";
    // Every register that could tell is in use: everything waits instead.
    static const char full[] = "r6 = r1; r7 = r2; r8 = r1; r9 = r2; if r2 > 9 goto out; r6 += r9; r0 = *(u8 *)(r6 + 0); exit; out: r0 = r7; r0 += r8; exit";
    bool waits = !PST_HOST_X64; // x86-64 masks what it can: guess_test.c
    CHECK_EQ(barriers_of(load, 2, 0, PST_JIT_MASK), waits);
    CHECK_EQ(barriers_of(load, 2, 0, 0), 0);
    CHECK_EQ(barriers_of("if r2 > 9 goto out; r1 += r2; *(u8 *)(r1 + 0) = 1; out: r0 = 0; exit", 0, 0, PST_JIT_MASK), waits);
    CHECK_EQ(barriers_of("*(u64 *)(r10 - 8) = 7; r0 = *(u64 *)(r10 - 8); exit", 0, 0, PST_JIT_MASK), 0);
    // What C gives back is looked at by C alone.
    CHECK_EQ(barriers_of("call 5; r1 = 0; if r0 == 0 goto out; r1 = *(u8 *)(r0 + 0); out: r0 = r1; exit", 0, 0, PST_JIT_MASK), PST_HOST_X64 ? 1 : 3);
    if (PST_HOST_X64) CHECK_EQ(barriers_of_tier(full, 0, 0, PST_JIT_MASK, PST_JIT_QUICK), 3); // the load, and what is returned at two exits
    else CHECK_EQ(barriers_of(load, 2, PST_FACT_STEADY, PST_JIT_MASK), 0);
}
