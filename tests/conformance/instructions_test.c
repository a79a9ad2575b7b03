// instructions_test.c: each row of isa.def at each width and form, on operands at the edges, in every interpreter, against an oracle.
//
// The oracle below is written by hand from RFC 9669 and does not use isa.def's meaning column; programs are encoded by hand too. A new row
// in isa.def does not compile here until it has an oracle.
#include "harness.h"
#include "raw_program.h"

#include "base/bits.h"

static const uint64_t operands[] = {
    0, 1, 2, 7, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0x100000000,
    0x123456789abcdef0, 0x7fffffffffffffff, 0x8000000000000000, 0xfffffffffffffffe, 0xffffffffffffffff,
};
static const int32_t immediates[] = {0, 1, 2, 3, 31, 32, 63, 64, 127, 128, 255, 32767, 32768, INT32_MAX, INT32_MIN, -1, -2, -3, -128, -129, -130};

#define EACH_ENGINE(e) RAW_EACH(e)

static pst_slot slot(uint8_t opcode, unsigned dst, unsigned src, int16_t off, int32_t imm)
{
    return (pst_slot){opcode, (uint8_t)(dst | src << 4), off, imm};
}

static size_t add_imm64(pst_slot *at, unsigned dst, uint64_t value)
{
    at[0] = slot(0x18, dst, 0, 0, (int32_t)(uint32_t)value);
    at[1] = slot(0, 0, 0, 0, (int32_t)(uint32_t)(value >> 32));
    return 2;
}

// Where all is slow each engine gets another fifth of the cases.
static bool is_left_out(raw_engine engine)
{
    static uint32_t calls[RAW_ENGINES];
    return PST_TESTS_SLOW && (calls[engine]++ * 2654435761u >> 16) % 5 != (uint32_t)engine % 5;
}

// Runs slots in engine over mem; false if it is left out, or, after a failed check, if that does not end well.
static bool run_slots(raw_engine engine, const pst_slot *slots, size_t count, void *mem, size_t size, uint64_t *r0)
{
    char error[256];
    if (is_left_out(engine)) return false;
    raw_program program;
    pst_run run = {0};
    bool made = raw_program_make(&program, engine, slots, count, error, sizeof error);
    if (made) *r0 = pst_exec_run_raw(program.exec, (pst_raw_memory){mem, size}, &run);
    else pst_test_fail(__FILE__, __LINE__, "%s", error);
    if (run.trap.code != PST_TRAP_NONE) pst_test_fail(__FILE__, __LINE__, "%s at %u", pst_trap_text(run.trap.code), run.trap.pc);
    raw_program_free(&program);
    return made && run.trap.code == PST_TRAP_NONE;
}

// --- Arithmetic -----------------------------------------------------------------------------------------------

static int64_t as_signed(uint64_t v, unsigned width) { return width == 32 ? (int64_t)(int32_t)(uint32_t)v : (int64_t)v; }

static uint64_t divide(uint64_t a, uint64_t b, unsigned width, bool want_quotient)
{
    if (b == 0) return want_quotient ? 0 : a;
    // Long division by bits, high to low: nothing that the host's instruction set has an opinion on.
    uint64_t quotient = 0, rest = 0;
    for (unsigned bit = width; bit-- > 0;) {
        bool carry = rest >> 63;
        rest = rest << 1 | (a >> bit & 1);
        if (carry || rest >= b) {
            rest -= b;
            quotient |= (uint64_t)1 << bit;
        }
    }
    return want_quotient ? quotient : rest;
}

static uint64_t signed_divide(uint64_t a, uint64_t b, unsigned width, bool want_quotient)
{
    int64_t x = as_signed(a, width), y = as_signed(b, width);
    uint64_t ux = x < 0 ? (uint64_t)0 - (uint64_t)x : (uint64_t)x, uy = y < 0 ? (uint64_t)0 - (uint64_t)y : (uint64_t)y;
    if (b == 0) return want_quotient ? 0 : a;
    uint64_t result = divide(ux, uy, 64, want_quotient);
    bool negative = want_quotient ? (x < 0) != (y < 0) : x < 0;
    return negative ? (uint64_t)0 - result : result;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
    uint64_t sum = 0;
    for (unsigned bit = 0; bit < 64; bit++)
        if (b >> bit & 1) sum += a << bit;
    return sum;
}

static uint64_t shift_right_signed(uint64_t a, unsigned n, unsigned width)
{
    bool sign = a >> (width - 1) & 1;
    for (; n > 0; n--) a = a >> 1 | (uint64_t)sign << (width - 1);
    return a;
}

static uint64_t extend(uint64_t v, unsigned from)
{
    uint64_t low = v % ((uint64_t)1 << from), half = (uint64_t)1 << (from - 1);
    return low >= half ? low - half - half : low;
}

// a and b have width bits; the result is cut to width by the caller.
static uint64_t alu_oracle(pst_alu_op op, unsigned width, uint64_t a, uint64_t b)
{
    unsigned n = (unsigned)(b % width);
    switch (op) {
    case PST_ALU_ADD: return a + b;
    case PST_ALU_SUB: return a + ~b + 1;
    case PST_ALU_MUL: return multiply(a, b);
    case PST_ALU_DIV: return divide(a, b, width, true);
    case PST_ALU_SDIV: return signed_divide(a, b, width, true);
    case PST_ALU_OR: return ~(~a & ~b);
    case PST_ALU_AND: return ~(~a | ~b);
    case PST_ALU_LSH: return multiply(a, (uint64_t)1 << n);
    case PST_ALU_RSH: return divide(a, (uint64_t)1 << n, 64, true);
    case PST_ALU_NEG: return ~a + 1;
    case PST_ALU_MOD: return divide(a, b, width, false);
    case PST_ALU_SMOD: return signed_divide(a, b, width, false);
    case PST_ALU_XOR: return (a | b) - (a & b);
    case PST_ALU_MOV: return b;
    case PST_ALU_MOVSX8: return extend(b, 8);
    case PST_ALU_MOVSX16: return extend(b, 16);
    case PST_ALU_MOVSX32: return extend(b, 32);
    case PST_ALU_ARSH: return shift_right_signed(a, n, width);
    }
    return 0;
}

static uint64_t cut(uint64_t v, unsigned width) { return width == 32 ? v & 0xffffffff : v; }

typedef struct alu_row {
    pst_alu_op op;
    const char *name;
    uint8_t code;
    int16_t off;
} alu_row;

static const alu_row alu_rows[] = {
#define X(name, code, off, ...) {PST_ALU_##name, #name, code, off},
    PST_ALU_LIST(X)
#undef X
};

static bool is_movsx(pst_alu_op op) { return op == PST_ALU_MOVSX8 || op == PST_ALU_MOVSX16 || op == PST_ALU_MOVSX32; }

// r6 = a; r7 = b; r6 op= r7 or imm; r0 = r6
static void check_alu(raw_engine engine, const alu_row *row, unsigned width, bool imm, uint64_t a, uint64_t b)
{
    pst_slot slots[8];
    size_t n = add_imm64(slots, 6, a);
    n += add_imm64(slots + n, 7, imm ? 0 : b);
    uint8_t opcode = (uint8_t)((width == 32 ? 4 : 7) | (imm ? 0 : 8) | row->code);
    if (row->op == PST_ALU_NEG) slots[n++] = slot(opcode, 6, 0, 0, 0);
    else slots[n++] = slot(opcode, 6, imm ? 0 : 7, row->off, imm ? (int32_t)(uint32_t)b : 0);
    slots[n++] = slot(0xbf, 0, 6, 0, 0);
    slots[n++] = slot(0x95, 0, 0, 0, 0);
    uint64_t want = cut(alu_oracle(row->op, width, cut(a, width), cut(b, width)), width), got = 0;
    if (run_slots(engine, slots, n, NULL, 0, &got) && got != want)
        pst_test_fail(__FILE__, __LINE__, "%s, %u bits, %s, of 0x%" PRIx64 " and 0x%" PRIx64 ": 0x%" PRIx64 ", not 0x%" PRIx64 " (%s)",
                      row->name, width, imm ? "immediate" : "register", a, b, got, want, raw_engine_name(engine));
}

static void check_alu_row(raw_engine engine, const alu_row *row, unsigned width)
{
    for (size_t i = 0; i < PST_COUNT(operands); i++) {
        bool has_imm = !is_movsx(row->op), has_reg = row->op != PST_ALU_NEG;
        for (size_t k = 0; has_imm && k < PST_COUNT(immediates); k++)
            check_alu(engine, row, width, true, operands[i], (uint64_t)(int64_t)immediates[k]);
        for (size_t k = 0; has_reg && k < PST_COUNT(operands); k++) check_alu(engine, row, width, false, operands[i], operands[k]);
    }
}

TEST(arithmetic)
{
    EACH_ENGINE(e) {
        for (size_t i = 0; i < PST_COUNT(alu_rows); i++) {
            if (alu_rows[i].op != PST_ALU_MOVSX32) check_alu_row(e, &alu_rows[i], 32);
            check_alu_row(e, &alu_rows[i], 64);
        }
    }
}

// --- Byte order -----------------------------------------------------------------------------------------------

static uint64_t swap_oracle(pst_swap_op op, unsigned width, uint64_t v)
{
    uint64_t out = 0;
    for (unsigned byte = 0; byte < width / 8; byte++) {
        unsigned to = op == PST_SWAP_LE ? byte : width / 8 - 1 - byte;
        out |= (v >> 8 * byte & 0xff) << 8 * to;
    }
    return out;
}

TEST(byte_order)
{
    static const struct {
        pst_swap_op op;
        uint8_t opcode;
    } rows[] = {{PST_SWAP_LE, 0xd4}, {PST_SWAP_BE, 0xdc}, {PST_SWAP_BSWAP, 0xd7}};
    EACH_ENGINE(e) {
        for (size_t i = 0; i < PST_COUNT(rows); i++)
            for (unsigned width = 16; width <= 64; width *= 2)
                for (size_t k = 0; k < PST_COUNT(operands); k++) {
                    pst_slot slots[8];
                    size_t n = add_imm64(slots, 0, operands[k]);
                    slots[n++] = slot(rows[i].opcode, 0, 0, 0, (int32_t)width);
                    slots[n++] = slot(0x95, 0, 0, 0, 0);
                    uint64_t got = 0;
                    if (run_slots(e, slots, n, NULL, 0, &got)) CHECK_EQ(got, swap_oracle(rows[i].op, width, operands[k]));
                }
    }
}

// --- Jumps ----------------------------------------------------------------------------------------------------

static bool jump_oracle(pst_jump_op op, unsigned width, uint64_t a, uint64_t b)
{
    // Signed order is unsigned order with the sign bit turned.
    uint64_t sign = (uint64_t)1 << (width - 1), sa = a ^ sign, sb = b ^ sign;
    switch (op) {
    case PST_JUMP_JEQ: return (a ^ b) == 0;
    case PST_JUMP_JNE: return (a ^ b) != 0;
    case PST_JUMP_JSET: return (a | b) != (a ^ b);
    case PST_JUMP_JGT: return a > b;
    case PST_JUMP_JGE: return !(b > a);
    case PST_JUMP_JLT: return b > a;
    case PST_JUMP_JLE: return !(a > b);
    case PST_JUMP_JSGT: return sa > sb;
    case PST_JUMP_JSGE: return !(sb > sa);
    case PST_JUMP_JSLT: return sb > sa;
    case PST_JUMP_JSLE: return !(sa > sb);
    }
    return false;
}

typedef struct jump_row {
    pst_jump_op op;
    const char *name;
    uint8_t code;
} jump_row;

static const jump_row jump_rows[] = {
#define X(name, code, ...) {PST_JUMP_##name, #name, code},
    PST_JUMP_LIST(X)
#undef X
};

// r6 = a; r7 = b; r0 = 1; if r6 op r7 or imm goto +1; r0 = 2; exit
static void check_jump(raw_engine engine, const jump_row *row, unsigned width, bool imm, uint64_t a, uint64_t b)
{
    pst_slot slots[10];
    size_t n = add_imm64(slots, 6, a);
    n += add_imm64(slots + n, 7, imm ? 0 : b);
    slots[n++] = slot(0xb7, 0, 0, 0, 1);
    slots[n++] = slot((uint8_t)((width == 32 ? 6 : 5) | (imm ? 0 : 8) | row->code), 6, imm ? 0 : 7, 1, imm ? (int32_t)(uint32_t)b : 0);
    slots[n++] = slot(0xb7, 0, 0, 0, 2);
    slots[n++] = slot(0x95, 0, 0, 0, 0);
    uint64_t want = jump_oracle(row->op, width, cut(a, width), cut(b, width)) ? 1 : 2, got = 0;
    if (run_slots(engine, slots, n, NULL, 0, &got) && got != want)
        pst_test_fail(__FILE__, __LINE__, "%s, %u bits, %s, of 0x%" PRIx64 " and 0x%" PRIx64 ": %s (%s)", row->name, width,
                      imm ? "immediate" : "register", a, b, got == 1 ? "taken" : "not taken", raw_engine_name(engine));
}

TEST(jumps)
{
    EACH_ENGINE(e) {
        for (size_t i = 0; i < PST_COUNT(jump_rows); i++)
            for (unsigned width = 32; width <= 64; width += 32)
                for (size_t k = 0; k < PST_COUNT(operands); k++) {
                    for (size_t m = 0; m < PST_COUNT(immediates); m++)
                        check_jump(e, &jump_rows[i], width, true, operands[k], (uint64_t)(int64_t)immediates[m]);
                    for (size_t m = 0; m < PST_COUNT(operands); m++) check_jump(e, &jump_rows[i], width, false, operands[k], operands[m]);
                }
    }
}

// --- Loads and stores -----------------------------------------------------------------------------------------

#define MEM_SIZE 64
static const uint8_t size_bits[] = {0x10, 0x08, 0x00, 0x18}; // 1, 2, 4, 8 bytes

static void fill(uint8_t *mem)
{
    for (unsigned i = 0; i < MEM_SIZE; i++) mem[i] = (uint8_t)(0x81 + 37 * i);
}

// The bytes at p, little-endian.
static uint64_t bytes_at(const uint8_t *p, unsigned size)
{
    uint64_t v = 0;
    for (unsigned i = size; i-- > 0;) v = v << 8 | p[i];
    return v;
}

TEST(loads)
{
    PST_ALIGNED(8) uint8_t mem[MEM_SIZE];
    fill(mem);
    EACH_ENGINE(e) {
        for (unsigned s = 0; s < 4; s++)
            for (unsigned sign = 0; sign < (s < 3 ? 2u : 1u); sign++)
                for (int at = 0; at + (1 << s) <= MEM_SIZE; at++)
                    for (int base = 0; base <= MEM_SIZE; base += 16) { // r1 moved, so that the displacement is negative too
                        unsigned size = 1u << s;
                        pst_slot slots[] = {slot(0x07, 1, 0, 0, base), slot((uint8_t)(1 | size_bits[s] | (sign ? 0x80 : 0x60)), 0, 1, (int16_t)(at - base), 0), slot(0x95, 0, 0, 0, 0)};
                        uint64_t got = 0, want = bytes_at(mem + at, size);
                        if (sign) want = extend(want, 8 * size);
                        if (run_slots(e, slots, 3, mem, MEM_SIZE, &got)) CHECK_EQ(got, want);
                    }
    }
}

TEST(stores)
{
    PST_ALIGNED(8) uint8_t mem[MEM_SIZE], want[MEM_SIZE];
    EACH_ENGINE(e) {
        for (unsigned s = 0; s < 4; s++)
            for (int imm = 0; imm < 2; imm++)
                for (int at = 0; at + (1 << s) <= MEM_SIZE; at++) {
                    uint64_t value = imm ? (uint64_t)-2 : 0xf1e2d3c4b5a69788, r0 = 0;
                    pst_slot slots[8];
                    size_t n = add_imm64(slots, 2, value);
                    slots[n++] = slot((uint8_t)((imm ? 2 : 3) | size_bits[s] | 0x60), 1, imm ? 0 : 2, (int16_t)at, imm ? -2 : 0);
                    slots[n++] = slot(0xb7, 0, 0, 0, 0);
                    slots[n++] = slot(0x95, 0, 0, 0, 0);
                    fill(mem);
                    fill(want);
                    for (unsigned i = 0; i < 1u << s; i++) want[(unsigned)at + i] = (uint8_t)(value >> 8 * i);
                    if (run_slots(e, slots, n, mem, MEM_SIZE, &r0)) CHECK(memcmp(mem, want, MEM_SIZE) == 0);
                }
    }
}

TEST(ordered_loads_and_stores)
{
    PST_ALIGNED(8) uint8_t mem[MEM_SIZE];
    EACH_ENGINE(e) {
        for (unsigned s = 0; s < 4; s++) {
            unsigned size = 1u << s;
            uint64_t value = 0xf1e2d3c4b5a69788, got = 0;
            pst_slot slots[10];
            size_t n = add_imm64(slots, 2, value);
            slots[n++] = slot((uint8_t)(0xc3 | size_bits[s]), 1, 2, 16, 0x110); // store_release
            slots[n++] = slot((uint8_t)(0xc3 | size_bits[s]), 3, 1, 16, 0x100); // load_acquire
            slots[n++] = slot((uint8_t)(0xc3 | size_bits[s]), 4, 1, 24, 0x100);
            slots[n++] = slot(0xaf, 3, 4, 0, 0);
            slots[n++] = slot(0xbf, 0, 3, 0, 0);
            slots[n++] = slot(0x95, 0, 0, 0, 0);
            fill(mem);
            uint64_t other = bytes_at(mem + 24, size), behind = mem[16 + size];
            if (!run_slots(e, slots, n, mem, MEM_SIZE, &got)) continue;
            CHECK_EQ(got, (size == 8 ? value : value & pst_mask(8 * size)) ^ other);
            CHECK_EQ(bytes_at(mem + 16, size), value & pst_mask(8 * size));
            CHECK_EQ(mem[16 + size], behind);
        }
    }
}

// --- Atomics --------------------------------------------------------------------------------------------------

static uint64_t atomic_oracle(pst_atomic_op op, uint64_t old, uint64_t v, uint64_t r0, unsigned width)
{
    switch (op) {
    case PST_ATOMIC_ADD: return old + v;
    case PST_ATOMIC_OR: return old | v;
    case PST_ATOMIC_AND: return old & v;
    case PST_ATOMIC_XOR: return old ^ v;
    case PST_ATOMIC_XCHG: return v;
    case PST_ATOMIC_CMPXCHG: return cut(old, width) == cut(r0, width) ? v : old;
    }
    return 0;
}

typedef struct atomic_row {
    pst_atomic_op op;
    const char *name;
    int32_t imm;
} atomic_row;

static const atomic_row atomic_rows[] = {
#define X(name, imm, ...) {PST_ATOMIC_##name, #name, imm},
    PST_ATOMIC_LIST(X)
#undef X
};

// *(mem + 8) op= r2; mem + 24 and mem + 32 take r2 and r0 after it.
static void check_atomic(raw_engine engine, const atomic_row *row, unsigned width, bool fetch, uint64_t old, uint64_t v, uint64_t r0)
{
    PST_ALIGNED(8) uint8_t mem[MEM_SIZE];
    pst_slot slots[12];
    uint64_t got = 0;
    size_t n = add_imm64(slots, 0, r0);
    n += add_imm64(slots + n, 2, v);
    slots[n++] = slot(width == 64 ? 0xdb : 0xc3, 1, 2, 8, row->imm | (fetch ? 1 : 0));
    slots[n++] = slot(0x7b, 1, 2, 24, 0);
    slots[n++] = slot(0x7b, 1, 0, 32, 0);
    slots[n++] = slot(0x95, 0, 0, 0, 0);
    fill(mem);
    pst_store64(mem + 8, old);
    if (!run_slots(engine, slots, n, mem, MEM_SIZE, &got)) return;
    uint64_t changed = cut(atomic_oracle(row->op, cut(old, width), cut(v, width), r0, width), width);
    if (width == 32) changed |= old & 0xffffffff00000000;
    bool to_r0 = fetch && row->op == PST_ATOMIC_CMPXCHG;
    uint64_t want_r2 = fetch && !to_r0 ? cut(old, width) : v, want_r0 = to_r0 ? cut(old, width) : r0;
    if (pst_load64(mem + 8) != changed || pst_load64(mem + 24) != want_r2 || pst_load64(mem + 32) != want_r0)
        pst_test_fail(__FILE__, __LINE__, "%s%s, %u bits, of 0x%" PRIx64 ", 0x%" PRIx64 ", r0 0x%" PRIx64 " (%s)", row->name,
                      fetch ? " with fetch" : "", width, old, v, r0, raw_engine_name(engine));
}

TEST(atomics)
{
    EACH_ENGINE(e) {
        for (size_t i = 0; i < PST_COUNT(atomic_rows); i++)
            for (unsigned width = 32; width <= 64; width += 32)
                for (size_t k = 0; k < PST_COUNT(operands); k++)
                    for (size_t m = 0; m < PST_COUNT(operands); m++) {
                        bool always = (atomic_rows[i].imm & 1) != 0;
                        uint64_t old = operands[k], v = operands[m];
                        check_atomic(e, &atomic_rows[i], width, true, old, v, m % 2 ? old : v);
                        check_atomic(e, &atomic_rows[i], width, true, old, v, old | 0xabcd00000000); // equal in 32 bits only
                        if (!always) check_atomic(e, &atomic_rows[i], width, false, old, v, 5);
                    }
    }
}
