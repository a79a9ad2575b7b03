// scalar_impl.h: the code of scalar.h, written once over the width of a number (SCALAR_FULL) and of its low half (SCALAR_HALF).
//
// Included by scalar.c as 64/32, and by tests/unit/domain as 8/4, 6/3 and 4/2, where every claim is checked for every value.
// Who includes it defines
//   SCALAR_FULL, SCALAR_HALF   the widths, HALF < FULL <= 64
//   SCALAR_NAME(name)          the name of a function of scalar.h
//   SCALAR_LINKAGE             empty, or static
//   SCALAR_PLANT(number)       tests only: whether to behave as if this mistake had been made
//
// How it works. An unsigned and a signed interval together say exactly this: the number is in one interval of numbers whose sign bit
// is clear, or in one of numbers whose sign bit is set. Those two "pieces" are what all of the code works on: inside a piece the
// signed and the unsigned order agree, so nothing is written twice. A "part" is the pieces and the known bits of a number of some
// width: a scalar is a part of the full width and one of the low half, and `reduce` tightens the four by each other.
#include "base/bits.h"
#include "domain/scalar.h"

#ifndef SCALAR_PLANT
#define SCALAR_PLANT(number) 0
#endif

#define FULL_MASK (UINT64_MAX >> (64 - SCALAR_FULL))
#define HALF_MASK (UINT64_MAX >> (64 - SCALAR_HALF))

#include "domain/scalar_parts.h"

SCALAR_LINKAGE bool SCALAR_NAME(has)(const pst_scalar *a, uint64_t value)
{
    int64_t as_signed = pst_sign_extend(value, SCALAR_FULL), low_signed = pst_sign_extend(value, SCALAR_HALF);
    uint64_t low = value & HALF_MASK;
    return pst_tnum_has(a->bits, value) && a->umin <= value && value <= a->umax && a->smin <= as_signed && as_signed <= a->smax &&
           a->umin32 <= low && low <= a->umax32 && a->smin32 <= low_signed && low_signed <= a->smax32;
}

SCALAR_LINKAGE pst_scalar SCALAR_NAME(const)(uint64_t value)
{
    return (pst_scalar){
        .bits = {value, 0},
        .umin = value,
        .umax = value,
        .smin = pst_sign_extend(value, SCALAR_FULL),
        .smax = pst_sign_extend(value, SCALAR_FULL),
        .umin32 = (uint32_t)(value & HALF_MASK),
        .umax32 = (uint32_t)(value & HALF_MASK),
        .smin32 = (int32_t)pst_sign_extend(value, SCALAR_HALF),
        .smax32 = (int32_t)pst_sign_extend(value, SCALAR_HALF),
    };
}

SCALAR_LINKAGE bool SCALAR_NAME(normalise)(pst_scalar *a)
{
    if (a->bits.mask == 0 || a->umin == a->umax) {
        uint64_t value = a->bits.mask == 0 ? a->bits.value : a->umin;
        if (!SCALAR_NAME(has)(a, value)) return false;
        *a = SCALAR_NAME(const)(value);
        return true;
    }
    part full, half;
    full_part(a, &full);
    half_part(a, &half);
    if (!reduce(&full, &half)) return false;
    *a = from_parts(&full, &half);
    return true;
}

SCALAR_LINKAGE pst_scalar SCALAR_NAME(range)(uint64_t lo, uint64_t hi)
{
    part full = {{0, FULL_MASK}, NO_PIECES}, half = {{0, HALF_MASK}, ALL_LOW};
    add_line(&full.at, lo, hi, SCALAR_FULL);
    return settle(&full, &half);
}

SCALAR_LINKAGE pst_scalar SCALAR_NAME(signed_range)(int64_t lo, int64_t hi)
{
    part full = {{0, FULL_MASK}, NO_PIECES}, half = {{0, HALF_MASK}, ALL_LOW};
    add_circle(&full.at, (uint64_t)lo, (uint64_t)hi, SCALAR_FULL);
    return settle(&full, &half);
}

SCALAR_LINKAGE pst_scalar SCALAR_NAME(unknown)(unsigned bits, bool is_signed)
{
    if (bits >= SCALAR_FULL) return top();
    if (!is_signed) return SCALAR_NAME(range)(0, pst_mask(bits));
    return SCALAR_NAME(signed_range)(-(int64_t)sign_bit(bits), (int64_t)sign_bit(bits) - 1);
}

// ---- Conversions

// What is known of the low bits alone.
static void low_part(const pst_scalar *a, unsigned bits, part *out)
{
    part full, half;
    full_part(a, &full);
    half_part(a, &half);
    out->bits = pst_tnum_low(a->bits, bits);
    out->at = pieces_all(bits);
    keep_low(&full.at, &out->at, bits);
    if (bits <= SCALAR_HALF) keep_low(&half.at, &out->at, bits);
}

// The low bits of a, extended to `to` bits and by zeros from there.
static pst_scalar extend_low(const pst_scalar *a, unsigned bits, unsigned to, bool is_signed)
{
    part low, full, half = {{0, HALF_MASK}, ALL_LOW};
    low_part(a, bits, &low);
    full = (part){low.bits, NO_PIECES};
    uint64_t above = is_signed ? pst_mask(to) & ~pst_mask(bits) : 0;
    if (is_signed) {
        full.bits.value = (uint64_t)pst_sign_extend(low.bits.value, bits) & pst_mask(to);
        full.bits.mask = (uint64_t)pst_sign_extend(low.bits.mask, bits) & pst_mask(to);
    }
    for (int i = 0; i < 2; i++) {
        uint64_t more = i == 1 ? above : 0;
        if (!piece_empty(&low.at, i)) add_line(&full.at, low.at.lo[i] | more, low.at.hi[i] | more, SCALAR_FULL);
    }
    if (bits == SCALAR_HALF) half.at = low.at;
    return settle(&full, &half);
}

SCALAR_LINKAGE pst_scalar SCALAR_NAME(extend)(const pst_scalar *a, unsigned bits, bool is_signed)
{
    return bits >= SCALAR_FULL ? *a : extend_low(a, bits, SCALAR_FULL, is_signed);
}

SCALAR_LINKAGE pst_scalar SCALAR_NAME(extend32)(const pst_scalar *a, unsigned bits)
{
    return extend_low(a, bits, SCALAR_HALF, true);
}

// ---- Lattice

SCALAR_LINKAGE bool SCALAR_NAME(equal)(const pst_scalar *a, const pst_scalar *b)
{
    return a->bits.value == b->bits.value && a->bits.mask == b->bits.mask && a->umin == b->umin && a->umax == b->umax &&
           a->smin == b->smin && a->smax == b->smax && a->umin32 == b->umin32 && a->umax32 == b->umax32 &&
           a->smin32 == b->smin32 && a->smax32 == b->smax32;
}

SCALAR_LINKAGE bool SCALAR_NAME(in)(const pst_scalar *a, const pst_scalar *b)
{
    if (SCALAR_PLANT(6)) return pst_tnum_in(b->bits, a->bits);
    return pst_tnum_in(a->bits, b->bits) && b->umin <= a->umin && a->umax <= b->umax && b->smin <= a->smin && a->smax <= b->smax &&
           b->umin32 <= a->umin32 && a->umax32 <= b->umax32 && b->smin32 <= a->smin32 && a->smax32 <= b->smax32;
}

// Part by part. Of two reduced scalars that is reduced already: reducing is monotone, so it gives something above both,
// and it gives nothing greater, so it gives the join of the parts back.
SCALAR_LINKAGE pst_scalar SCALAR_NAME(join)(const pst_scalar *a, const pst_scalar *b)
{
    pst_scalar r = *a;
    r.bits = pst_tnum_join(a->bits, b->bits);
    if (b->umin < r.umin) r.umin = b->umin;
    if (b->umax > r.umax) r.umax = b->umax;
    if (b->smin < r.smin) r.smin = b->smin;
    if (b->smax > r.smax && !SCALAR_PLANT(7)) r.smax = b->smax;
    if (b->umin32 < r.umin32) r.umin32 = b->umin32;
    if (b->umax32 > r.umax32) r.umax32 = b->umax32;
    if (b->smin32 < r.smin32) r.smin32 = b->smin32;
    if (b->smax32 > r.smax32) r.smax32 = b->smax32;
    return r;
}

static bool meet_parts(part *a, const part *b)
{
    pieces_meet(&a->at, &b->at);
    return !pieces_empty(&a->at) && pst_tnum_meet(a->bits, b->bits, &a->bits);
}

SCALAR_LINKAGE bool SCALAR_NAME(meet)(const pst_scalar *a, const pst_scalar *b, pst_scalar *out)
{
    part full, half, b_full, b_half;
    full_part(a, &full);
    half_part(a, &half);
    full_part(b, &b_full);
    half_part(b, &b_half);
    if (!meet_parts(&full, &b_full) || !meet_parts(&half, &b_half) || !reduce(&full, &half)) return false;
    *out = from_parts(&full, &half);
    return true;
}

// ---- Widening

// The next threshold from value on (up) or back (down) among those in [least, greatest], or that end.
static int64_t next_signed(int64_t value, int64_t least, int64_t greatest, const int64_t *thresholds, unsigned count, bool up)
{
    int64_t best = up ? greatest : least;
    for (unsigned i = 0; i < count; i++) {
        int64_t t = thresholds[i];
        if (up ? t >= value && t < best : t <= value && t > best) best = t;
    }
    return best;
}

// As unsigned numbers of the width: a negative threshold is the great number that it wraps to.
static uint64_t next_unsigned(uint64_t value, unsigned width, const int64_t *thresholds, unsigned count, bool up)
{
    uint64_t mask = pst_mask(width), best = up ? mask : 0;
    for (unsigned i = 0; i < count; i++) {
        int64_t t = thresholds[i];
        if (width < 64 && (t > (int64_t)mask || t < -(int64_t)sign_bit(width))) continue;
        uint64_t u = (uint64_t)t & mask;
        if (up ? u >= value && u < best : u <= value && u > best) best = u;
    }
    if (SCALAR_PLANT(13)) return value;
    return best;
}

static void widen_bits(pst_scalar *r, const pst_scalar *old)
{
    uint64_t grew = (r->bits.mask & ~old->bits.mask) | ((r->bits.value ^ old->bits.value) & ~old->bits.mask);
    if (grew == 0) return;
    // A carry reaches every bit above the lowest one that changes; those below (alignment) are kept.
    uint64_t unknown = FULL_MASK & ~((grew & (0 - grew)) - 1);
    r->bits.mask |= unknown;
    r->bits.value &= ~unknown;
}

// Termination. old is a result of this function (or the start), now contains it part by part. Each of the nine parts either stays
// as it is in old or one of its ends goes to a threshold beyond now or to the end of its type; nothing ever moves it back, since
// the result is not reduced further. So an end moves at most count + 1 times after the first time that it grows, and a part at
// most 2 * (count + 1) times; the bits change at most once for each bit position that becomes the lowest changed one, which only
// descends: 64 times at most. The chain old, widen(old, now), ... therefore ends, whatever now is.
SCALAR_LINKAGE pst_scalar SCALAR_NAME(widen)(const pst_scalar *old, const pst_scalar *now, const int64_t *thresholds, unsigned count)
{
    pst_scalar r = SCALAR_NAME(join)(old, now);
    const int64_t full_least = -(int64_t)(FULL_MASK >> 1) - 1, full_greatest = (int64_t)(FULL_MASK >> 1);
    const int64_t half_least = -(int64_t)(HALF_MASK >> 1) - 1, half_greatest = (int64_t)(HALF_MASK >> 1);
    widen_bits(&r, old);
    if (r.umin != old->umin) r.umin = next_unsigned(r.umin, SCALAR_FULL, thresholds, count, false);
    if (r.umax != old->umax) r.umax = next_unsigned(r.umax, SCALAR_FULL, thresholds, count, true);
    if (r.smin != old->smin) r.smin = next_signed(r.smin, full_least, full_greatest, thresholds, count, false);
    if (r.smax != old->smax) r.smax = next_signed(r.smax, full_least, full_greatest, thresholds, count, true);
    if (r.umin32 != old->umin32) r.umin32 = (uint32_t)next_unsigned(r.umin32, SCALAR_HALF, thresholds, count, false);
    if (r.umax32 != old->umax32) r.umax32 = (uint32_t)next_unsigned(r.umax32, SCALAR_HALF, thresholds, count, true);
    if (r.smin32 != old->smin32) r.smin32 = (int32_t)next_signed(r.smin32, half_least, half_greatest, thresholds, count, false);
    if (r.smax32 != old->smax32) r.smax32 = (int32_t)next_signed(r.smax32, half_least, half_greatest, thresholds, count, true);
    return r;
}

#include "domain/scalar_alu.h"
#include "domain/scalar_compare.h"
