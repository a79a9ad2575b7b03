// scalar_parts.h: the two representations that scalar_impl.h works on, pieces and parts, and how they tighten each other.
//
// Included by scalar_impl.h only, which says what a piece and a part are.
#include "base/bits.h"
#include "domain/scalar.h"

// Rounds of `reduce`. The tests find no scalar that needs more than 4; fewer would be sound too.
enum { REDUCE_ROUNDS = 12 };

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

PST_INLINE bool pieces_equal(const pieces *a, const pieces *b)
{
    return a->lo[0] == b->lo[0] && a->hi[0] == b->hi[0] && a->lo[1] == b->lo[1] && a->hi[1] == b->hi[1];
}

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
        if (least >= lo && least <= hi) least = hi + 1;
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

static pieces to_pieces(uint64_t umin, uint64_t umax, int64_t smin, int64_t smax, unsigned width)
{
    uint64_t mask = pst_mask(width), sign = sign_bit(width);
    pieces p = NO_PIECES;
    if (smax >= 0) {
        uint64_t lo = smin > 0 ? max_u64(umin, (uint64_t)smin) : umin;
        piece_set(&p, 0, lo, min_u64(min_u64(umax, (uint64_t)smax), sign - 1));
    }
    if (smin < 0) {
        uint64_t hi = smax < 0 ? min_u64(umax, (uint64_t)smax & mask) : umax;
        piece_set(&p, 1, max_u64(umin, (uint64_t)smin & mask), hi);
    }
    return p;
}

PST_INLINE part full_part(const pst_scalar *a)
{
    return (part){a->bits, to_pieces(a->umin, a->umax, a->smin, a->smax, SCALAR_FULL)};
}

PST_INLINE part half_part(const pst_scalar *a)
{
    return (part){pst_tnum_low(a->bits, SCALAR_HALF), to_pieces(a->umin32, a->umax32, a->smin32, a->smax32, SCALAR_HALF)};
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

// Moves the ends of both pieces inwards to values that fit the known bits.
static bool snap_to_bits(pieces *p, pst_tnum t, unsigned width)
{
    if (t.mask == pst_mask(width)) return true;
    for (int i = 0; i < 2; i++) {
        if (piece_empty(p, i)) continue;
        uint64_t lo, hi = 0;
        bool found = snap_up(t, p->lo[i], &lo) && snap_down(t, p->hi[i], &hi);
        if (found)
            piece_set(p, i, lo, hi);
        else
            piece_set(p, i, 1, 0);
    }
    return !pieces_empty(p);
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

// Moves the ends of the pieces inwards to numbers whose low half is one of low.
static bool snap_to_half(pieces *p, const pieces *low)
{
    for (int i = 0; i < 2; i++) {
        if (piece_empty(p, i)) continue;
        uint64_t lo = p->lo[i], hi = p->hi[i], end;
        uint64_t lo_top = lo & ~HALF_MASK, hi_top = hi & ~HALF_MASK;
        if (next_of(low, lo & HALF_MASK, &end)) {
            lo = lo_top | end;
        } else {
            if (lo_top == (FULL_MASK & ~HALF_MASK)) {
                piece_set(p, i, 1, 0);
                continue;
            }
            lo = (lo_top + HALF_MASK + 1) | pieces_min(low);
        }
        if (previous_of(low, hi & HALF_MASK, &end)) {
            hi = hi_top | end;
        } else {
            if (hi_top == 0) {
                piece_set(p, i, 1, 0);
                continue;
            }
            hi = (hi_top - HALF_MASK - 1) | pieces_max(low);
        }
        piece_set(p, i, lo, hi);
    }
    return !pieces_empty(p);
}

// What the low bits of a number in p can be, as far as low (pieces of that width) says already.
static pieces low_of(const pieces *p, const pieces *low, unsigned width)
{
    uint64_t mask = pst_mask(width);
    pieces r = NO_PIECES;
    for (int i = 0; i < 2; i++) {
        if (piece_empty(p, i)) continue;
        if (p->hi[i] - p->lo[i] >= mask) return *low;
        uint64_t lo = p->lo[i] & mask, hi = p->hi[i] & mask;
        pieces here = *low;
        if (lo <= hi || SCALAR_PLANT(3))
            pieces_clamp(&here, lo, hi);
        else if (lo - hi > 1)
            pieces_cut(&here, hi + 1, lo - 1);
        r = pieces_join(&r, &here);
    }
    return r;
}

// The known bits that all numbers in p share.
static pst_tnum bits_of(const pieces *p)
{
    if (piece_empty(p, 0)) return pst_tnum_range(p->lo[1], p->hi[1]);
    if (piece_empty(p, 1)) return pst_tnum_range(p->lo[0], p->hi[0]);
    return pst_tnum_join(pst_tnum_range(p->lo[0], p->hi[0]), pst_tnum_range(p->lo[1], p->hi[1]));
}

// Tightens all by each other. Each step is the tightest result of its kind and monotone, so that the fixpoint is too: what was
// reduced and is inside something, part by part, is inside that when it is reduced. False: they exclude each other.
static bool reduce(part *full, part *half)
{
    if (pieces_empty(&full->at) || pieces_empty(&half->at)) return false;
    for (int round = 0; round < REDUCE_ROUNDS; round++) {
        part old = *full;
        pieces old_low = half->at;
        if (!snap_to_bits(&full->at, full->bits, SCALAR_FULL) || !snap_to_half(&full->at, &half->at) ||
            !pst_tnum_meet(full->bits, bits_of(&full->at), &full->bits))
            return false;
        half->bits = pst_tnum_low(full->bits, SCALAR_HALF);
        half->at = low_of(&full->at, &half->at, SCALAR_HALF);
        if (pieces_empty(&half->at) || !snap_to_bits(&half->at, half->bits, SCALAR_HALF) ||
            !pst_tnum_meet(half->bits, bits_of(&half->at), &half->bits))
            return false;
        full->bits.value = (full->bits.value & ~HALF_MASK) | half->bits.value;
        full->bits.mask = (full->bits.mask & ~HALF_MASK) | half->bits.mask;
        if (full->bits.mask == old.bits.mask && pieces_equal(&full->at, &old.at) && pieces_equal(&half->at, &old_low)) break;
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
