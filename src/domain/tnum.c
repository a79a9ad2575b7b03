// tnum.c: arithmetic on known bits. See tnum.h for the representation and the source.
//
// Called by scalar_impl.h (all widths: a narrower number has zeros above) and by whoever needs bits alone.
// Claim: each result holds every value that the operation yields for values of the operands. Addition, subtraction, negation, the
// bitwise operations and the shifts are the tightest possible; multiplication is not. tests/unit/domain/tnum_test.c checks both.
#include "domain/tnum.h"

#include "base/bits.h"

pst_tnum pst_tnum_range(uint64_t lo, uint64_t hi)
{
    uint64_t differ = lo ^ hi;
    uint64_t mask = differ ? UINT64_MAX >> PST_CLZ64(differ) : 0;
    return (pst_tnum){lo & ~mask, mask};
}

// A bit of the sum is unknown where an operand's is, or where the carry into it differs between the least sum and the greatest.
pst_tnum pst_tnum_add(pst_tnum a, pst_tnum b)
{
    uint64_t least = a.value + b.value;
    uint64_t greatest = least + a.mask + b.mask;
    uint64_t mask = (least ^ greatest) | a.mask | b.mask;
    return (pst_tnum){least & ~mask, mask};
}

pst_tnum pst_tnum_sub(pst_tnum a, pst_tnum b)
{
    uint64_t middle = a.value - b.value;
    uint64_t mask = ((middle + a.mask) ^ (middle - b.mask)) | a.mask | b.mask;
    return (pst_tnum){middle & ~mask, mask};
}

pst_tnum pst_tnum_neg(pst_tnum a)
{
    return pst_tnum_sub(pst_tnum_const(0), a);
}

pst_tnum pst_tnum_and(pst_tnum a, pst_tnum b)
{
    uint64_t ones = a.value & b.value;
    return (pst_tnum){ones, (a.value | a.mask) & (b.value | b.mask) & ~ones};
}

pst_tnum pst_tnum_or(pst_tnum a, pst_tnum b)
{
    uint64_t ones = a.value | b.value;
    return (pst_tnum){ones, (a.mask | b.mask) & ~ones};
}

pst_tnum pst_tnum_xor(pst_tnum a, pst_tnum b)
{
    uint64_t mask = a.mask | b.mask;
    return (pst_tnum){(a.value ^ b.value) & ~mask, mask};
}

pst_tnum pst_tnum_join(pst_tnum a, pst_tnum b)
{
    uint64_t mask = a.mask | b.mask | (a.value ^ b.value);
    return (pst_tnum){a.value & ~mask, mask};
}

bool pst_tnum_meet(pst_tnum a, pst_tnum b, pst_tnum *out)
{
    if ((a.value ^ b.value) & ~a.mask & ~b.mask) return false;
    *out = (pst_tnum){a.value | b.value, a.mask & b.mask};
    return true;
}

// Long multiplication, one bit of a at a time. An unknown bit adds b or nothing: the join of both sums. At most 64 rounds.
static pst_tnum long_mul(pst_tnum a, pst_tnum b)
{
    pst_tnum sum = {0, 0};
    for (uint64_t left = a.value | a.mask; left; left &= left - 1) {
        unsigned bit = (unsigned)PST_CTZ64(left);
        pst_tnum more = pst_tnum_add(sum, pst_tnum_shl(b, bit));
        sum = a.value >> bit & 1 ? more : pst_tnum_join(sum, more);
    }
    return sum;
}

// Both orders are sound and neither is always the better one.
pst_tnum pst_tnum_mul(pst_tnum a, pst_tnum b)
{
    uint64_t maybe_a = a.value | a.mask, maybe_b = b.value | b.mask;
    if (maybe_a == 0 || maybe_b == 0) return pst_tnum_const(0);
    if (a.mask == 0 && b.mask == 0) return pst_tnum_const(a.value * b.value);
    if (a.mask == UINT64_MAX || b.mask == UINT64_MAX) {
        // Of an unknown number's product only the other's trailing zeros are known.
        unsigned zeros = (unsigned)PST_CTZ64(maybe_a) + (unsigned)PST_CTZ64(maybe_b);
        return (pst_tnum){0, UINT64_MAX << zeros};
    }
    if (a.mask == 0) return long_mul(a, b);
    if (b.mask == 0) return long_mul(b, a);
    pst_tnum one = long_mul(a, b), other = long_mul(b, a);
    return pst_tnum_meet(one, other, &one) ? one : other;
}

pst_tnum pst_tnum_shl(pst_tnum a, unsigned shift)
{
    return (pst_tnum){a.value << shift, a.mask << shift};
}

pst_tnum pst_tnum_shr(pst_tnum a, unsigned shift)
{
    return (pst_tnum){a.value >> shift, a.mask >> shift};
}

// An unknown sign bit extends to unknown bits, so value and mask are shifted alike.
pst_tnum pst_tnum_sar(pst_tnum a, unsigned shift, unsigned width)
{
    uint64_t keep = pst_mask(width);
    uint64_t value = (uint64_t)(pst_sign_extend(a.value, width) >> shift);
    uint64_t mask = (uint64_t)(pst_sign_extend(a.mask, width) >> shift);
    return (pst_tnum){value & keep, mask & keep};
}

pst_tnum pst_tnum_low(pst_tnum a, unsigned bits)
{
    return (pst_tnum){a.value & pst_mask(bits), a.mask & pst_mask(bits)};
}
