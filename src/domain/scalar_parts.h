// scalar_parts.h: the two representations that scalar_impl.h works on, pieces and parts, and how they tighten each other.
//
// Included by scalar_impl.h only, which says what a piece and a part are.
#include "base/bits.h"
#include "domain/scalar.h"

// Rounds of `reduce`. No scalar is known that needs more than 2 (tens of millions were tried, at seven widths); one that did would be left a
// little loose.
enum { REDUCE_ROUNDS = 8 };

// [0]: sign bit clear, [1]: sign bit set; as unsigned numbers of the width. lo > hi: no such number.
typedef struct pieces {
    uint64_t lo[2], hi[2];
} pieces;

typedef struct part {
    pst_tnum bits;
    pieces at;
} part;

// ---- Pieces

static const pieces NO_PIECES = {{UINT64_MAX, UINT64_MAX}, {0, 0}};

PST_INLINE uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
PST_INLINE uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }
PST_INLINE uint64_t sign_bit(unsigned width) { return (uint64_t)1 << (width - 1); }
/// Ones from the highest set bit of x down.
PST_INLINE uint64_t fill_down(uint64_t x) { return x ? UINT64_MAX >> PST_CLZ64(x) : 0; }
PST_INLINE bool piece_empty(const pieces *p, int i) { return p->lo[i] > p->hi[i]; }
PST_INLINE bool pieces_empty(const pieces *p) { return piece_empty(p, 0) && piece_empty(p, 1); }
PST_INLINE uint64_t pieces_min(const pieces *p) { return min_u64(p->lo[0], p->lo[1]); }
PST_INLINE uint64_t pieces_max(const pieces *p) { return max_u64(p->hi[0], p->hi[1]); }
PST_INLINE bool pieces_const(const pieces *p) { return pieces_min(p) == pieces_max(p); }

PST_INLINE void piece_set(pieces *p, int i, uint64_t lo, uint64_t hi)
{
    p->lo[i] = lo <= hi ? lo : UINT64_MAX;
    p->hi[i] = lo <= hi ? hi : 0;
}

PST_INLINE pieces pieces_all(unsigned width)
{
    return (pieces){{0, sign_bit(width)}, {sign_bit(width) - 1, pst_mask(width)}};
}

#define ALL_LOW ((pieces){{0, sign_bit(SCALAR_HALF)}, {sign_bit(SCALAR_HALF) - 1, HALF_MASK}})

PST_INLINE pieces pieces_join(const pieces *a, const pieces *b)
{
    return (pieces){{min_u64(a->lo[0], b->lo[0]), min_u64(a->lo[1], b->lo[1])},
                    {max_u64(a->hi[0], b->hi[0]), max_u64(a->hi[1], b->hi[1])}};
}

// What is in [lo, hi] too.
PST_INLINE void pieces_clamp(pieces *p, uint64_t lo, uint64_t hi)
{
    for (int i = 0; i < 2; i++) piece_set(p, i, max_u64(p->lo[i], lo), min_u64(p->hi[i], hi));
}

PST_INLINE void pieces_meet(pieces *p, const pieces *q)
{
    for (int i = 0; i < 2; i++) piece_set(p, i, max_u64(p->lo[i], q->lo[i]), min_u64(p->hi[i], q->hi[i]));
}

// Takes what lies in [lo, hi] away; what is then in the middle of a piece stays.
static void pieces_cut(pieces *p, uint64_t lo, uint64_t hi)
{
    for (int i = 0; i < 2; i++) {
        uint64_t least = p->lo[i], greatest = p->hi[i];
        if (least > greatest) continue;
        if (least >= lo && greatest <= hi) {
            piece_set(p, i, 1, 0);
            continue;
        }
        if (least >= lo && least <= hi) least = hi + 1 + SCALAR_PLANT(16);
        if (greatest >= lo && greatest <= hi) greatest = lo - 1;
        piece_set(p, i, least, greatest);
    }
}

static void add_line(pieces *p, uint64_t lo, uint64_t hi, unsigned width)
{
    uint64_t sign = sign_bit(width);
    if (lo < sign) {
        p->lo[0] = min_u64(p->lo[0], lo);
        p->hi[0] = max_u64(p->hi[0], min_u64(hi, sign - 1));
    }
    if (hi >= sign) {
        p->lo[1] = min_u64(p->lo[1], max_u64(lo, sign));
        p->hi[1] = max_u64(p->hi[1], hi);
    }
}

// Adds the values from lo upwards to hi, modulo 2^width: where lo > hi they pass through zero.
static void add_circle(pieces *p, uint64_t lo, uint64_t hi, unsigned width)
{
    uint64_t mask = pst_mask(width);
    lo &= mask;
    hi &= mask;
    if (lo <= hi || SCALAR_PLANT(1)) {
        add_line(p, lo, hi, width);
    } else {
        add_line(p, lo, mask, width);
        add_line(p, 0, hi, width);
    }
}

// Exchanges the signed and the unsigned order.
static pieces flip_sign(const pieces *p, unsigned width)
{
    uint64_t sign = sign_bit(width);
    pieces r = NO_PIECES;
    if (!piece_empty(p, 1)) piece_set(&r, 0, p->lo[1] ^ sign, p->hi[1] ^ sign);
    if (!piece_empty(p, 0)) piece_set(&r, 1, p->lo[0] ^ sign, p->hi[0] ^ sign);
    return r;
}

// ---- Scalars to parts and back

// These write through a pointer: a structure just written in parts stalls when it is copied as a whole.
PST_INLINE void to_pieces(pieces *p, uint64_t umin, uint64_t umax, int64_t smin, int64_t smax, unsigned width)
{
    uint64_t mask = pst_mask(width), sign = sign_bit(width);
    *p = NO_PIECES;
    if (smax >= 0) {
        uint64_t lo = smin > 0 ? max_u64(umin, (uint64_t)smin) : umin;
        piece_set(p, 0, lo, min_u64(min_u64(umax, (uint64_t)smax), sign - 1));
    }
    if (smin < 0) {
        uint64_t hi = smax < 0 ? min_u64(umax, (uint64_t)smax & mask) : umax;
        piece_set(p, 1, max_u64(umin, (uint64_t)smin & mask), hi);
    }
}

static void full_part(const pst_scalar *a, part *out)
{
    out->bits = a->bits;
    to_pieces(&out->at, a->umin, a->umax, a->smin, a->smax, SCALAR_FULL);
}

static void half_part(const pst_scalar *a, part *out)
{
    out->bits = pst_tnum_low(a->bits, SCALAR_HALF);
    to_pieces(&out->at, a->umin32, a->umax32, a->smin32, a->smax32, SCALAR_HALF);
}

static pst_scalar from_parts(const part *full, const part *half)
{
    const pieces *f = &full->at, *h = &half->at;
    return (pst_scalar){
        .bits = full->bits,
        .umin = pieces_min(f),
        .umax = pieces_max(f),
        .smin = pst_sign_extend(piece_empty(f, 1) ? f->lo[0] : f->lo[1], SCALAR_FULL),
        .smax = pst_sign_extend(piece_empty(f, 0) ? f->hi[1] : f->hi[0], SCALAR_FULL),
        .umin32 = (uint32_t)pieces_min(h),
        .umax32 = (uint32_t)pieces_max(h),
        .smin32 = (int32_t)pst_sign_extend(piece_empty(h, 1) ? h->lo[0] : h->lo[1], SCALAR_HALF),
        .smax32 = (int32_t)pst_sign_extend(piece_empty(h, 0) ? h->hi[1] : h->hi[0], SCALAR_HALF),
    };
}

// ---- Tightening

// The least value >= from whose known bits are those of t. False: there is none.
static bool snap_up(pst_tnum t, uint64_t from, uint64_t *out)
{
    uint64_t wrong = (from ^ t.value) & ~t.mask;
    if (wrong == 0) {
        *out = from;
        return true;
    }
    uint64_t low = fill_down(wrong); // the highest wrong bit and those below
    uint64_t top = low ^ (low >> 1);
    if (t.value & top) {
        *out = (from & ~low) | (t.value & low);
        return true;
    }
    // That bit is too great: the lowest unknown zero above becomes one, and all below the least possible.
    uint64_t zeros = t.mask & ~from & ~low;
    if (zeros == 0) return false;
    uint64_t bit = zeros & (0 - zeros);
    *out = (from & ~(bit - 1)) | bit | (t.value & (bit - 1));
    if (SCALAR_PLANT(2)) *out += 1;
    return true;
}

// The greatest value <= from that fits t: the mirror image.
static bool snap_down(pst_tnum t, uint64_t from, uint64_t *out)
{
    bool found = snap_up((pst_tnum){~t.value & ~t.mask, t.mask}, ~from, out);
    *out = ~*out;
    return found;
}

PST_INLINE bool ends_fit_bits(const pieces *p, int i, pst_tnum t)
{
    return pst_tnum_has(t, p->lo[i]) && pst_tnum_has(t, p->hi[i]);
}

// Moves the ends of both pieces inwards to values that fit the known bits. Whether that changed anything.
static bool snap_to_bits(pieces *p, pst_tnum t)
{
    bool moved = false;
    for (int i = 0; i < 2; i++) {
        if (piece_empty(p, i) || ends_fit_bits(p, i, t)) continue;
        uint64_t lo, hi = 0;
        bool found = snap_up(t, p->lo[i], &lo) && snap_down(t, p->hi[i], &hi);
        if (found)
            piece_set(p, i, lo, hi);
        else
            piece_set(p, i, 1, 0);
        moved = true;
    }
    return moved;
}

// The least value >= from of p, which is not empty. False: there is none.
static bool next_of(const pieces *p, uint64_t from, uint64_t *out)
{
    for (int i = 0; i < 2; i++) {
        if (piece_empty(p, i) || from > p->hi[i]) continue;
        *out = max_u64(from, p->lo[i]);
        return true;
    }
    return false;
}

static bool previous_of(const pieces *p, uint64_t from, uint64_t *out)
{
    for (int i = 1; i >= 0; i--) {
        if (piece_empty(p, i) || from < p->lo[i]) continue;
        *out = min_u64(from, p->hi[i]);
        return true;
    }
    return false;
}

PST_INLINE bool pieces_hold(const pieces *p, uint64_t value)
{
    return (p->lo[0] <= value && value <= p->hi[0]) || (p->lo[1] <= value && value <= p->hi[1]);
}

PST_INLINE bool ends_fit_half(const pieces *p, int i, const pieces *low)
{
    return pieces_hold(low, p->lo[i] & HALF_MASK) && pieces_hold(low, p->hi[i] & HALF_MASK);
}

// The least value >= from whose low half is one of low; the greatest <= from. False: there is none.
static bool half_up(const pieces *low, uint64_t from, uint64_t *out)
{
    uint64_t above = from & ~HALF_MASK, end;
    if (next_of(low, from & HALF_MASK, &end)) {
        *out = above | end;
        return true;
    }
    *out = (above + HALF_MASK + 1) | pieces_min(low);
    return above != (FULL_MASK & ~HALF_MASK);
}

static bool half_down(const pieces *low, uint64_t from, uint64_t *out)
{
    uint64_t above = from & ~HALF_MASK, end;
    if (previous_of(low, from & HALF_MASK, &end)) {
        *out = above | end;
        return true;
    }
    *out = (above - HALF_MASK - 1) | pieces_max(low);
    return above != 0;
}

// Moves the ends of the pieces inwards to numbers whose low half is one of low.
static void snap_to_half(pieces *p, const pieces *low)
{
    for (int i = 0; i < 2; i++) {
        if (piece_empty(p, i) || ends_fit_half(p, i, low)) continue;
        uint64_t lo, hi = 0;
        bool found = half_up(low, p->lo[i], &lo) && half_down(low, p->hi[i], &hi);
        if (found)
            piece_set(p, i, lo, hi);
        else
            piece_set(p, i, 1, 0);
    }
}

// Of low, pieces of that width, what the low bits of a number in [lo, hi] can be.
static void keep_low_of(uint64_t lo, uint64_t hi, pieces *low, unsigned width)
{
    uint64_t mask = pst_mask(width);
    if (hi - lo >= mask) return;
    lo &= mask;
    hi &= mask;
    if (lo <= hi || SCALAR_PLANT(3))
        pieces_clamp(low, lo, hi);
    else
        pieces_cut(low, hi + 1, lo - 1);
}

// The same for a number in p.
static void keep_low(const pieces *p, pieces *low, unsigned width)
{
    if (piece_empty(p, 0)) {
        keep_low_of(p->lo[1], p->hi[1], low, width);
    } else if (piece_empty(p, 1)) {
        keep_low_of(p->lo[0], p->hi[0], low, width);
    } else if (p->hi[0] - p->lo[0] < pst_mask(width) && p->hi[1] - p->lo[1] < pst_mask(width)) {
        pieces other = *low;
        keep_low_of(p->lo[0], p->hi[0], low, width);
        keep_low_of(p->lo[1], p->hi[1], &other, width);
        *low = pieces_join(low, &other);
    }
}

// The known bits that all numbers in p share.
static pst_tnum bits_of(const pieces *p)
{
    if (piece_empty(p, 0)) return pst_tnum_range(p->lo[1], p->hi[1]);
    if (piece_empty(p, 1)) return pst_tnum_range(p->lo[0], p->hi[0]);
    return pst_tnum_join(pst_tnum_range(p->lo[0], p->hi[0]), pst_tnum_range(p->lo[1], p->hi[1]));
}

PST_INLINE void set_low_bits(part *full, const part *half)
{
    full->bits.value = (full->bits.value & ~HALF_MASK) | half->bits.value;
    full->bits.mask = (full->bits.mask & ~HALF_MASK) | half->bits.mask;
}

// Whether another round of `reduce` would begin with a change.
static bool is_reduced(const part *full, const part *half)
{
    for (int i = 0; i < 2; i++) {
        if (!piece_empty(&full->at, i) && !(ends_fit_bits(&full->at, i, full->bits) && ends_fit_half(&full->at, i, &half->at)))
            return false;
        if (!piece_empty(&half->at, i) && !ends_fit_bits(&half->at, i, half->bits)) return false;
    }
    return true;
}

// Tightens all by each other; the bits of half are those of full. Each step is the tightest result of its kind and monotone, so that the fixpoint is too: what was
// reduced and is inside something, part by part, is inside that when it is reduced. False: they exclude each other.
static bool reduce(part *full, part *half)
{
    if (pieces_empty(&full->at) || pieces_empty(&half->at)) return false;
    for (int round = 0; round < REDUCE_ROUNDS; round++) {
        (void)snap_to_bits(&full->at, full->bits);
        snap_to_half(&full->at, &half->at);
        if (pieces_empty(&full->at) || !pst_tnum_meet(full->bits, bits_of(&full->at), &full->bits)) return false;
        half->bits = pst_tnum_low(full->bits, SCALAR_HALF);
        keep_low(&full->at, &half->at, SCALAR_HALF);
        bool moved = snap_to_bits(&half->at, half->bits);
        if (pieces_empty(&half->at) || !pst_tnum_meet(half->bits, bits_of(&half->at), &half->bits)) return false;
        set_low_bits(full, half);
        // Where the low half moved after it was cut, the cut can do more.
        if ((!moved && is_reduced(full, half)) || SCALAR_PLANT(12)) break;
    }
    return true;
}

static pst_scalar top(void)
{
    part full = {{0, FULL_MASK}, pieces_all(SCALAR_FULL)}, half = {{0, HALF_MASK}, pieces_all(SCALAR_HALF)};
    return from_parts(&full, &half);
}

// The scalar of parts that some operation computed. Operands that were empty without anyone knowing can make them so: any result
// would be right.
static pst_scalar settle(part *full, part *half)
{
    return reduce(full, half) ? from_parts(full, half) : top();
}
