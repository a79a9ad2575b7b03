// tnum.h: known bits of a number ("tristate number"): the bit half of a scalar.
//
// Bits of mask are unknown, the others are those of value. Invariant: value & mask == 0. Pure.
// Source: Vishwanathan et al., "Sound, Precise, and Fast Abstract Interpretation with Tristate Numbers" (CGO 2022).
#ifndef PST_DOMAIN_TNUM_H
#define PST_DOMAIN_TNUM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

typedef struct pst_tnum {
    uint64_t value, mask;
} pst_tnum;

#define PST_TNUM_TOP ((pst_tnum){0, UINT64_MAX})

PST_INLINE pst_tnum pst_tnum_const(uint64_t value) { return (pst_tnum){value, 0}; }
/// The tightest tnum that holds every value of [lo, hi].
pst_tnum pst_tnum_range(uint64_t lo, uint64_t hi);
pst_tnum pst_tnum_add(pst_tnum a, pst_tnum b);
pst_tnum pst_tnum_sub(pst_tnum a, pst_tnum b);
pst_tnum pst_tnum_neg(pst_tnum a);
pst_tnum pst_tnum_mul(pst_tnum a, pst_tnum b);
pst_tnum pst_tnum_and(pst_tnum a, pst_tnum b);
pst_tnum pst_tnum_or(pst_tnum a, pst_tnum b);
pst_tnum pst_tnum_xor(pst_tnum a, pst_tnum b);
pst_tnum pst_tnum_shl(pst_tnum a, unsigned shift);             // shift < 64
pst_tnum pst_tnum_shr(pst_tnum a, unsigned shift);
pst_tnum pst_tnum_sar(pst_tnum a, unsigned shift, unsigned width); // width 32: the low half, upper half zero
/// Truncated to the low bits (1 to 64), the rest zero.
pst_tnum pst_tnum_low(pst_tnum a, unsigned bits);
/// False when no value is in both; *out is then untouched.
PST_MUST_USE bool pst_tnum_meet(pst_tnum a, pst_tnum b, pst_tnum *out);
pst_tnum pst_tnum_join(pst_tnum a, pst_tnum b);
/// Whether every value of a is one of b.
PST_INLINE bool pst_tnum_in(pst_tnum a, pst_tnum b) { return (a.mask & ~b.mask) == 0 && ((a.value ^ b.value) & ~b.mask) == 0; }
PST_INLINE bool pst_tnum_has(pst_tnum a, uint64_t v) { return ((v ^ a.value) & ~a.mask) == 0; }

#endif
