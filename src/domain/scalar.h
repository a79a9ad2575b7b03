// scalar.h: what is known of one 64-bit number: known bits, unsigned and signed interval, and both intervals of its low half.
//
// Every function is pure. A pst_scalar stands for the set of 64-bit values that satisfy all five parts at once; it is never empty:
// what makes it empty is reported as "infeasible" by the function that found out. Functions return *normalised* scalars: each part
// has been tightened by the others (pst_scalar_normalise).
//
// Claim: each result contains every value that the concrete operation (isa.def) can produce from values of the operands.
// tests/unit/domain checks it exhaustively at small widths: the code is written once, in scalar_impl.h, over the widths
// SCALAR_FULL and SCALAR_HALF, and compiled for 64/32 here and for 8/4 (and 6/3) by the tests.
#ifndef PST_DOMAIN_SCALAR_H
#define PST_DOMAIN_SCALAR_H

#include "domain/tnum.h"

typedef struct pst_scalar {
    pst_tnum bits;
    uint64_t umin, umax;     // unsigned, 64 bits
    int64_t smin, smax;      // signed, 64 bits
    uint32_t umin32, umax32; // the low half, unsigned
    int32_t smin32, smax32;  // the low half, signed
} pst_scalar;

// What is done, without the dependency on isa.h: verify maps pst_alu_op and pst_jump_op to these (same meaning as isa.def).
typedef enum pst_scalar_op {
    PST_SCALAR_ADD, PST_SCALAR_SUB, PST_SCALAR_MUL,
    PST_SCALAR_DIV, PST_SCALAR_SDIV, // by zero: 0. SDIV of the least number by -1: the least number
    PST_SCALAR_MOD, PST_SCALAR_SMOD, // by zero: the dividend
    PST_SCALAR_OR, PST_SCALAR_AND, PST_SCALAR_XOR,
    PST_SCALAR_LSH, PST_SCALAR_RSH, PST_SCALAR_ARSH, // the shift count is masked to the width
} pst_scalar_op;

typedef enum pst_scalar_cmp {
    PST_SCALAR_EQ, PST_SCALAR_NE,
    PST_SCALAR_GT, PST_SCALAR_GE, PST_SCALAR_LT, PST_SCALAR_LE,     // unsigned
    PST_SCALAR_SGT, PST_SCALAR_SGE, PST_SCALAR_SLT, PST_SCALAR_SLE, // signed
    PST_SCALAR_SET, PST_SCALAR_NSET,                                // (a & b) != 0, == 0
} pst_scalar_cmp;

extern const pst_scalar PST_SCALAR_TOP;

pst_scalar pst_scalar_const(uint64_t value);
pst_scalar pst_scalar_range(uint64_t lo, uint64_t hi);         // unsigned, lo <= hi
pst_scalar pst_scalar_signed_range(int64_t lo, int64_t hi);    // lo <= hi
/// An unknown number of 8, 16, 32 or 64 bits, zero- or sign-extended to 64.
pst_scalar pst_scalar_unknown(unsigned bits, bool is_signed);
PST_INLINE bool pst_scalar_is_const(const pst_scalar *a) { return a->umin == a->umax; }
PST_INLINE bool pst_scalar_is_top(const pst_scalar *a)
{
    return a->bits.mask == UINT64_MAX && a->umin == 0 && a->umax == UINT64_MAX && a->smin == INT64_MIN && a->smax == INT64_MAX &&
           a->umin32 == 0 && a->umax32 == UINT32_MAX && a->smin32 == INT32_MIN && a->smax32 == INT32_MAX;
}
PST_MUST_USE bool pst_scalar_equal(const pst_scalar *a, const pst_scalar *b);
PST_MUST_USE bool pst_scalar_has(const pst_scalar *a, uint64_t value);

/// Tightens the parts by each other to a fixpoint (bounded). False: they exclude each other, there is no such value.
PST_MUST_USE bool pst_scalar_normalise(pst_scalar *a);
/// Whether every value of a is one of b (may err to false).
PST_MUST_USE bool pst_scalar_in(const pst_scalar *a, const pst_scalar *b);
pst_scalar pst_scalar_join(const pst_scalar *a, const pst_scalar *b);
/// False: no value is in both (may err to true).
PST_MUST_USE bool pst_scalar_meet(const pst_scalar *a, const pst_scalar *b, pst_scalar *out);
/// For loops. now contains old; what grew goes to the next threshold beyond it, or to the end. thresholds ascend, as signed numbers;
/// with count 0 everything that grew is dropped. The bits from the lowest one that changed upwards become unknown.
/// The result contains now, part by part. Alone of all results it is not normalised, which is what makes every chain of widenings end.
pst_scalar pst_scalar_widen(const pst_scalar *old, const pst_scalar *now, const int64_t *thresholds, unsigned count);

/// a op b at width 32 (upper half zeroed) or 64.
pst_scalar pst_scalar_alu(pst_scalar_op op, unsigned width, const pst_scalar *a, const pst_scalar *b);
pst_scalar pst_scalar_neg(unsigned width, const pst_scalar *a);
/// a + c modulo 2^64: same as pst_scalar_alu(ADD, 64, a, const c), faster.
pst_scalar pst_scalar_add_const(const pst_scalar *a, int64_t c);
/// The low bits (8, 16, 32), zero- or sign-extended to 64. 64: a itself.
pst_scalar pst_scalar_extend(const pst_scalar *a, unsigned bits, bool is_signed);
/// The low bits sign-extended to 32 and zero-extended from there (movsx at width 32).
pst_scalar pst_scalar_extend32(const pst_scalar *a, unsigned bits);
/// Byte order of the low bits (16, 32, 64) turned; the rest zero. Constants are computed, else the known bytes are moved.
pst_scalar pst_scalar_swap(const pst_scalar *a, unsigned bits);

/// What is known where `a cmp b` (at width 32 or 64) holds: both are refined in place. False: it never holds.
/// a and b may be the same object only if the caller knows them equal.
PST_MUST_USE bool pst_scalar_assume(pst_scalar_cmp cmp, unsigned width, pst_scalar *a, pst_scalar *b);
/// 1: the comparison always holds, 0: never, -1: unknown.
PST_MUST_USE int pst_scalar_decide(pst_scalar_cmp cmp, unsigned width, const pst_scalar *a, const pst_scalar *b);
/// The comparison that holds where cmp does not.
pst_scalar_cmp pst_scalar_cmp_not(pst_scalar_cmp cmp);
/// The comparison with its sides exchanged.
pst_scalar_cmp pst_scalar_cmp_swap(pst_scalar_cmp cmp);

#endif
