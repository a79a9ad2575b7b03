// eval_test.c: the meaning column against a second formulation that shares nothing with it: arithmetic bit by bit.
#include "harness.h"
#include "isa/isa.h"

static const uint64_t values[] = {
    0, 1, 2, 3, 5, 7, 8, 31, 32, 33, 63, 64, 65, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0x80000001,
    0xfffffffe, 0xffffffff, 0x100000000, 0x100000001, 0x123456789abcdef0, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001,
    0xffffffff00000000, 0xffffffff80000000, 0xfffffffffffffffe, 0xffffffffffffffff,
};

static unsigned bit(uint64_t v, unsigned i) { return (unsigned)(v >> i) & 1; }

static uint64_t cut(uint64_t v, unsigned width) { return width == 32 ? v & 0xffffffff : v; }

static uint64_t slow_add(uint64_t a, uint64_t b, unsigned carry, unsigned width)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < width; i++) {
        unsigned total = bit(a, i) + bit(b, i) + carry;
        sum |= (uint64_t)(total & 1) << i;
        carry = total >> 1;
    }
    return sum;
}

static uint64_t slow_neg(uint64_t a, unsigned width) { return slow_add(cut(~a, width), 0, 1, width); }

static uint64_t slow_mul(uint64_t a, uint64_t b, unsigned width)
{
    uint64_t product = 0;
    for (unsigned i = 0; i < width; i++)
        if (bit(b, i)) product = slow_add(product, cut(a << i, width), 0, width);
    return product;
}

// Schoolbook division, b != 0.
static uint64_t slow_div(uint64_t a, uint64_t b, unsigned width, uint64_t *rest)
{
    uint64_t quotient = 0, remainder = 0;
    for (unsigned i = width; i-- > 0;) {
        unsigned top = bit(remainder, 63);
        remainder = remainder << 1 | bit(a, i);
        if (top || remainder >= b) {
            remainder -= b;
            quotient |= (uint64_t)1 << i;
        }
    }
    *rest = remainder;
    return quotient;
}

static uint64_t slow_shift(uint64_t a, unsigned count, bool left, unsigned fill, unsigned width)
{
    uint64_t result = 0;
    for (unsigned i = 0; i < width; i++) {
        int from = left ? (int)i - (int)count : (int)i + (int)count;
        unsigned b = from < 0 ? 0 : from >= (int)width ? fill : bit(a, (unsigned)from);
        result |= (uint64_t)b << i;
    }
    return result;
}

static uint64_t slow_extend(uint64_t v, unsigned from, unsigned width)
{
    uint64_t result = 0;
    for (unsigned i = 0; i < width; i++) result |= (uint64_t)bit(v, i < from ? i : from - 1) << i;
    return result;
}

static uint64_t slow_divide(pst_alu_op op, uint64_t a, uint64_t b, unsigned width)
{
    bool is_signed = op == PST_ALU_SDIV || op == PST_ALU_SMOD, want_rest = op == PST_ALU_MOD || op == PST_ALU_SMOD;
    bool a_negative = is_signed && bit(a, width - 1), b_negative = is_signed && bit(b, width - 1);
    uint64_t rest;
    if (b == 0) return want_rest ? a : 0; // RFC 9669, 4.1
    uint64_t quotient = slow_div(a_negative ? slow_neg(a, width) : a, b_negative ? slow_neg(b, width) : b, width, &rest);
    if (want_rest) return a_negative ? slow_neg(rest, width) : rest; // truncated: the rest has the dividend's sign
    return a_negative != b_negative ? slow_neg(quotient, width) : quotient;
}

static uint64_t slow_alu(pst_alu_op op, unsigned width, uint64_t a, uint64_t b)
{
    unsigned count = (unsigned)b & (width - 1);
    a = cut(a, width);
    b = cut(b, width);
    switch (op) {
    case PST_ALU_ADD: return slow_add(a, b, 0, width);
    case PST_ALU_SUB: return slow_add(a, cut(~b, width), 1, width);
    case PST_ALU_MUL: return slow_mul(a, b, width);
    case PST_ALU_DIV:
    case PST_ALU_SDIV:
    case PST_ALU_MOD:
    case PST_ALU_SMOD: return slow_divide(op, a, b, width);
    case PST_ALU_OR: return ~(~a & ~b);
    case PST_ALU_AND: return ~(~a | ~b);
    case PST_ALU_XOR: return (a & ~b) | (~a & b);
    case PST_ALU_LSH: return slow_shift(a, count, true, 0, width);
    case PST_ALU_RSH: return slow_shift(a, count, false, 0, width);
    case PST_ALU_ARSH: return slow_shift(a, count, false, bit(a, width - 1), width);
    case PST_ALU_NEG: return slow_neg(a, width);
    case PST_ALU_MOV: return b;
    case PST_ALU_MOVSX8: return slow_extend(b, 8, width);
    case PST_ALU_MOVSX16: return slow_extend(b, 16, width);
    case PST_ALU_MOVSX32: return slow_extend(b, 32, width);
    }
    return 0;
}

#define X(...) +1
enum { ALU_COUNT = 0 PST_ALU_LIST(X), JUMP_COUNT = 0 PST_JUMP_LIST(X) };
#undef X

TEST(arithmetic_at_the_boundaries)
{
    for (unsigned width = 32; width <= 64; width += 32)
        for (int op = 0; op < ALU_COUNT; op++)
            for (size_t i = 0; i < PST_COUNT(values); i++)
                for (size_t j = 0; j < PST_COUNT(values); j++) {
                    uint64_t got = pst_alu_eval((pst_alu_op)op, width, values[i], values[j]);
                    uint64_t want = slow_alu((pst_alu_op)op, width, values[i], values[j]);
                    if (got != want) fprintf(stderr, "op %d width %u of 0x%" PRIx64 " and 0x%" PRIx64 "\n", op, width, values[i], values[j]);
                    CHECK_EQ(got, want);
                }
}

// a < b from the highest bit down; signed: the sign bits count the other way.
static bool slow_less(uint64_t a, uint64_t b, bool is_signed, unsigned width)
{
    for (unsigned i = width; i-- > 0;) {
        if (bit(a, i) == bit(b, i)) continue;
        return (is_signed && i == width - 1) ? bit(a, i) : bit(b, i);
    }
    return false;
}

static bool slow_jump(pst_jump_op op, unsigned width, uint64_t a, uint64_t b)
{
    a = cut(a, width);
    b = cut(b, width);
    bool below = slow_less(a, b, false, width), less = slow_less(a, b, true, width), equal = (a ^ b) == 0;
    switch (op) {
    case PST_JUMP_JEQ: return equal;
    case PST_JUMP_JNE: return !equal;
    case PST_JUMP_JSET: return ~(~a | ~b) != 0;
    case PST_JUMP_JGT: return !below && !equal;
    case PST_JUMP_JGE: return !below;
    case PST_JUMP_JLT: return below;
    case PST_JUMP_JLE: return below || equal;
    case PST_JUMP_JSGT: return !less && !equal;
    case PST_JUMP_JSGE: return !less;
    case PST_JUMP_JSLT: return less;
    case PST_JUMP_JSLE: return less || equal;
    }
    return false;
}

TEST(comparisons_at_the_boundaries)
{
    for (unsigned width = 32; width <= 64; width += 32)
        for (int op = 0; op < JUMP_COUNT; op++)
            for (size_t i = 0; i < PST_COUNT(values); i++)
                for (size_t j = 0; j < PST_COUNT(values); j++) {
                    bool got = pst_jump_eval((pst_jump_op)op, width, values[i], values[j]);
                    if (got != slow_jump((pst_jump_op)op, width, values[i], values[j]))
                        pst_test_fail(__FILE__, __LINE__, "op %d width %u of 0x%" PRIx64 " and 0x%" PRIx64 " is %d", op, width, values[i], values[j], got);
                }
}

TEST(byte_order)
{
    uint64_t v = 0x1122334455667788;
    CHECK_EQ(pst_swap_eval(PST_SWAP_LE, 16, v), 0x7788);
    CHECK_EQ(pst_swap_eval(PST_SWAP_LE, 32, v), 0x55667788);
    CHECK_EQ(pst_swap_eval(PST_SWAP_LE, 64, v), v);
    for (int op = PST_SWAP_BE; op <= PST_SWAP_BSWAP; op++) {
        CHECK_EQ(pst_swap_eval((pst_swap_op)op, 16, v), 0x8877);
        CHECK_EQ(pst_swap_eval((pst_swap_op)op, 32, v), 0x88776655);
        CHECK_EQ(pst_swap_eval((pst_swap_op)op, 64, v), 0x8877665544332211);
    }
}
