// concrete.h: what the operations and comparisons of scalar.h do to numbers, at any width up to 64.
//
// Written a second time on purpose, bit by bit where that is another way than the code's: it is what the tests measure against.
// Shift counts at widths that are no powers of two are taken modulo the power below, as scalar_impl.h does.
#ifndef PST_TESTS_DOMAIN_CONCRETE_H
#define PST_TESTS_DOMAIN_CONCRETE_H

#include "domain/scalar.h"

#define CONCRETE_OPS  (PST_SCALAR_ARSH + 1)
#define CONCRETE_CMPS (PST_SCALAR_NSET + 1)

static const char *const op_names[CONCRETE_OPS] = {"ADD", "SUB", "MUL", "DIV", "SDIV", "MOD", "SMOD", "OR", "AND", "XOR", "LSH", "RSH", "ARSH"};
static const char *const cmp_names[CONCRETE_CMPS] = {"EQ", "NE", "GT", "GE", "LT", "LE", "SGT", "SGE", "SLT", "SLE", "SET", "NSET"};

static inline uint64_t low_bits(uint64_t v, unsigned width) { return width == 64 ? v : v % ((uint64_t)1 << width); }
static inline bool is_negative(uint64_t v, unsigned width) { return v >> (width - 1) & 1; }
static inline uint64_t negated(uint64_t v, unsigned width) { return low_bits(~v + 1, width); }
static inline int64_t as_signed(uint64_t v, unsigned width)
{
    v = low_bits(v, width);
    return is_negative(v, width) ? -(int64_t)(negated(v, width) - 1) - 1 : (int64_t)v;
}

static inline uint64_t concrete_divide(bool is_signed, bool want_rest, unsigned width, uint64_t a, uint64_t b)
{
    if (b == 0) return want_rest ? a : 0;
    bool a_negative = is_signed && is_negative(a, width), b_negative = is_signed && is_negative(b, width);
    if (a_negative) a = negated(a, width);
    if (b_negative) b = negated(b, width);
    uint64_t r = want_rest ? a % b : a / b;
    return (want_rest ? a_negative : a_negative != b_negative) ? negated(r, width) : r;
}

static inline uint64_t concrete_shift(pst_scalar_op op, unsigned width, uint64_t a, uint64_t b)
{
    unsigned modulus = 1;
    while (modulus * 2 <= width) modulus *= 2;
    uint64_t filler = op == PST_SCALAR_ARSH && is_negative(a, width) ? (uint64_t)1 << (width - 1) : 0;
    for (uint64_t n = b % modulus; n > 0; n--) a = op == PST_SCALAR_LSH ? low_bits(a + a, width) : a / 2 + filler;
    return a;
}

static inline uint64_t concrete_alu(pst_scalar_op op, unsigned width, uint64_t a, uint64_t b)
{
    a = low_bits(a, width);
    b = low_bits(b, width);
    switch (op) {
    case PST_SCALAR_ADD: return low_bits(a + b, width);
    case PST_SCALAR_SUB: return low_bits(a + negated(b, width), width);
    case PST_SCALAR_MUL: return low_bits(a * b, width);
    case PST_SCALAR_DIV: return concrete_divide(false, false, width, a, b);
    case PST_SCALAR_SDIV: return concrete_divide(true, false, width, a, b);
    case PST_SCALAR_MOD: return concrete_divide(false, true, width, a, b);
    case PST_SCALAR_SMOD: return concrete_divide(true, true, width, a, b);
    case PST_SCALAR_OR: return a + b - (a & b);
    case PST_SCALAR_AND: return a & b;
    case PST_SCALAR_XOR: return (a | b) - (a & b);
    case PST_SCALAR_LSH:
    case PST_SCALAR_RSH:
    case PST_SCALAR_ARSH: return concrete_shift(op, width, a, b);
    }
    return 0;
}

static inline bool concrete_holds(pst_scalar_cmp cmp, unsigned width, uint64_t a, uint64_t b)
{
    int64_t x = as_signed(a, width), y = as_signed(b, width);
    a = low_bits(a, width);
    b = low_bits(b, width);
    switch (cmp) {
    case PST_SCALAR_EQ: return a == b;
    case PST_SCALAR_NE: return a != b;
    case PST_SCALAR_GT: return a > b;
    case PST_SCALAR_GE: return a >= b;
    case PST_SCALAR_LT: return a < b;
    case PST_SCALAR_LE: return a <= b;
    case PST_SCALAR_SGT: return x > y;
    case PST_SCALAR_SGE: return x >= y;
    case PST_SCALAR_SLT: return x < y;
    case PST_SCALAR_SLE: return x <= y;
    case PST_SCALAR_SET: return (a & b) != 0;
    case PST_SCALAR_NSET: return (a & b) == 0;
    }
    return false;
}

// xorshift64*: the same numbers in every run.
static uint64_t random_state = 88172645463325252u;
static inline uint64_t random_u64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x2545f4914f6cdd1du;
}
static inline uint64_t random_below(uint64_t limit) { return (random_u64() >> 16) % limit; }

#endif
