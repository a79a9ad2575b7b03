// scalar_alu.h: arithmetic and shifts on scalars. Included by scalar_impl.h only.
//
// An operation is computed for each pair of pieces (at most four, nearly always one), and on the known bits; what the one knows and
// the other does not is then exchanged by `reduce`. A 64-bit operation whose low half depends on low halves alone is computed
// at both widths.

// ---- Arithmetic: the operations on a pair of pieces

// A shift count is taken modulo the width (for the tests' widths that are no powers of two: modulo the power below).
PST_INLINE uint64_t count_mask(unsigned width) { return fill_down((uint64_t)(width - 1)) >> !pst_is_pow2(width); }

// The exact result: the meaning in isa.def, at any width.
static uint64_t fold(pst_scalar_op op, unsigned width, uint64_t a, uint64_t b)
{
    uint64_t mask = pst_mask(width);
    a &= mask;
    b &= mask;
    int64_t sa = pst_sign_extend(a, width), sb = pst_sign_extend(b, width);
    unsigned count = (unsigned)(b & count_mask(width));
    switch (op) {
    case PST_SCALAR_ADD: return (a + b) & mask;
    case PST_SCALAR_SUB: return (a - b) & mask;
    case PST_SCALAR_MUL: return (a * b) & mask;
    case PST_SCALAR_DIV: return b == 0 ? 0 : a / b;
    case PST_SCALAR_SDIV: return b == 0 ? 0 : sb == -1 ? (0 - a) & mask : (uint64_t)(sa / sb) & mask;
    case PST_SCALAR_MOD: return b == 0 ? a : a % b;
    case PST_SCALAR_SMOD: return b == 0 ? a : sb == -1 ? 0 : (uint64_t)(sa % sb) & mask;
    case PST_SCALAR_OR: return a | b;
    case PST_SCALAR_AND: return a & b;
    case PST_SCALAR_XOR: return a ^ b;
    case PST_SCALAR_LSH: return (a << count) & mask;
    case PST_SCALAR_RSH: return a >> count;
    case PST_SCALAR_ARSH: return (uint64_t)(sa >> count) & mask;
    }
    return 0;
}

typedef struct span {
    uint64_t lo, hi;
} span;

// Distances from zero of a piece with or without the sign bit.
static span magnitude(span a, bool negative, unsigned width)
{
    uint64_t mask = pst_mask(width);
    return negative ? (span){(0 - a.hi) & mask, (0 - a.lo) & mask} : a;
}

static void add_signed_circle(pieces *out, span a, bool negative, unsigned width)
{
    if (negative)
        add_circle(out, 0 - a.hi, 0 - a.lo, width);
    else
        add_circle(out, a.lo, a.hi, width);
}

// a and b are magnitudes. The products are fewer than 2^width apart, or nothing is known.
static void mul_spans(pieces *out, span a, span b, bool negative, unsigned width)
{
    uint64_t first, second, apart;
    bool overflow = PST_MUL_OVERFLOW(a.hi - a.lo, b.hi, &first) || PST_MUL_OVERFLOW(a.lo, b.hi - b.lo, &second) ||
                    PST_ADD_OVERFLOW(first, second, &apart) || apart >= pst_mask(width);
    if (overflow && !SCALAR_PLANT(4))
        *out = pieces_all(width);
    else
        add_signed_circle(out, (span){a.lo * b.lo, a.hi * b.hi}, negative, width);
}

// The quotient of magnitudes; b does not hold zero.
PST_INLINE span div_spans(span a, span b) { return (span){a.lo / b.hi, a.hi / b.lo}; }

// The remainder of magnitudes; b does not hold zero.
static span mod_spans(span a, span b)
{
    uint64_t quotient = a.lo / b.hi;
    if (a.hi / b.lo == quotient) return (span){a.lo - quotient * b.hi, a.hi - quotient * b.lo};
    return (span){0, min_u64(a.hi, b.hi - 1)};
}

// Bounds of x | y and its like for x in a and y in b: Warren, Hacker's Delight (2nd ed.), 4-3, without the loop. Below the highest bit
// where the ends of an interval differ, the interval allows either choice.
static uint64_t min_or(span a, span b)
{
    uint64_t from_a = ~a.lo & b.lo & fill_down(a.lo ^ a.hi), from_b = a.lo & ~b.lo & fill_down(b.lo ^ b.hi);
    uint64_t below = fill_down(from_a | from_b);
    uint64_t bit = below ^ (below >> 1);
    // The operand that can have that bit too takes it, and zeros below.
    if (from_a & bit) return (a.lo & ~below) | b.lo;
    if (from_b & bit) return a.lo | (b.lo & ~below);
    return a.lo | b.lo;
}

static uint64_t max_or(span a, span b)
{
    // At the highest bit that both have and one can do without, that one takes ones below instead.
    uint64_t both = a.hi & b.hi & (fill_down(a.lo ^ a.hi) | fill_down(b.lo ^ b.hi));
    return a.hi | b.hi | (fill_down(both) >> 1);
}

PST_INLINE span complement(span a) { return (span){~a.hi, ~a.lo}; }
static uint64_t min_and(span a, span b) { return ~max_or(complement(a), complement(b)); }
static uint64_t max_and(span a, span b) { return ~min_or(complement(a), complement(b)); }

// As above, but a choice at one bit does not settle those below, unless it leaves the operand free in them. A few rounds, at most one
// a bit.
static uint64_t min_xor(span a, span b)
{
    for (uint64_t left = UINT64_MAX;;) {
        uint64_t from_a = ~a.lo & b.lo & fill_down(a.lo ^ a.hi), from_b = a.lo & ~b.lo & fill_down(b.lo ^ b.hi);
        uint64_t below = fill_down((from_a | from_b) & left);
        if (below == 0) return a.lo ^ b.lo;
        uint64_t bit = below ^ (below >> 1);
        span *chosen = from_a & bit ? &a : &b;
        chosen->lo = (chosen->lo & ~below) | bit;
        left = bit - 1;
        if ((chosen->lo | left) <= chosen->hi) return (a.lo ^ b.lo) & ~left;
    }
}

static uint64_t max_xor(span a, span b)
{
    for (uint64_t left = UINT64_MAX;;) {
        uint64_t both = a.hi & b.hi & left, free_a = both & fill_down(a.lo ^ a.hi), free_b = both & fill_down(b.lo ^ b.hi);
        uint64_t below = fill_down(free_a | free_b);
        if (below == 0) return a.hi ^ b.hi;
        uint64_t bit = below ^ (below >> 1);
        span *chosen = free_a & bit ? &a : &b;
        left = bit - 1;
        chosen->hi = (chosen->hi & ~below) | left;
        if ((chosen->hi & ~left) >= chosen->lo) return (a.hi ^ b.hi) | left;
    }
}

// b does not hold zero.
static void divide_pair(pst_scalar_op op, unsigned width, span a, bool a_negative, span b, bool b_negative, pieces *out)
{
    bool is_signed = op == PST_SCALAR_SDIV || op == PST_SCALAR_SMOD, is_mod = op == PST_SCALAR_MOD || op == PST_SCALAR_SMOD;
    a_negative = a_negative && is_signed;
    b_negative = b_negative && is_signed;
    a = magnitude(a, a_negative, width);
    b = magnitude(b, b_negative, width);
    if (is_mod)
        add_signed_circle(out, mod_spans(a, b), a_negative, width);
    else
        add_signed_circle(out, div_spans(a, b), a_negative != b_negative, width);
}

// Adds to out the results for one piece of a and one of b. Shifts are elsewhere.
static void pair_result(pst_scalar_op op, unsigned width, span a, bool a_negative, span b, bool b_negative, pieces *out)
{
    switch (op) {
    case PST_SCALAR_ADD:
    case PST_SCALAR_SUB: {
        span r = op == PST_SCALAR_ADD ? (span){a.lo + b.lo, a.hi + b.hi} : (span){a.lo - b.hi, a.hi - b.lo};
        // Two pieces have at most half of the numbers each, so that the sums are at most 2^width - 1 in all.
        add_circle(out, r.lo, r.hi, width);
        return;
    }
    case PST_SCALAR_MUL:
        mul_spans(out, magnitude(a, a_negative, width), magnitude(b, b_negative, width), a_negative != b_negative, width);
        return;
    case PST_SCALAR_DIV:
    case PST_SCALAR_SDIV:
    case PST_SCALAR_MOD:
    case PST_SCALAR_SMOD: divide_pair(op, width, a, a_negative, b, b_negative, out); return;
    case PST_SCALAR_OR: add_line(out, min_or(a, b), max_or(a, b), width); return;
    case PST_SCALAR_AND: add_line(out, min_and(a, b), max_and(a, b), width); return;
    case PST_SCALAR_XOR: add_line(out, min_xor(a, b), max_xor(a, b), width); return;
    case PST_SCALAR_LSH:
    case PST_SCALAR_RSH:
    case PST_SCALAR_ARSH: return;
    }
}

static void pieces_result(pst_scalar_op op, unsigned width, const pieces *a, const pieces *b, pieces *out)
{
    *out = NO_PIECES;
    for (int i = 0; i < 2; i++) {
        if (piece_empty(a, i)) continue;
        for (int k = 0; k < 2; k++) {
            if (piece_empty(b, k)) continue;
            pair_result(op, width, (span){a->lo[i], a->hi[i]}, i == 1, (span){b->lo[k], b->hi[k]}, k == 1, out);
        }
    }
}

// The known bits of a quotient or remainder; the rest follows from the pieces. b may not be zero.
static pst_tnum divide_bits(pst_scalar_op op, unsigned width, pst_tnum a, pst_tnum b)
{
    uint64_t maybe = b.value | b.mask;
    bool power = b.mask == 0 && pst_is_pow2(b.value);
    bool positive = ((a.value | a.mask) & sign_bit(width)) == 0 && (maybe & sign_bit(width)) == 0;
    if (op == PST_SCALAR_DIV || op == PST_SCALAR_SDIV) {
        if (power && (op == PST_SCALAR_DIV || positive)) return pst_tnum_shr(a, (unsigned)PST_CTZ64(b.value));
        return (pst_tnum){0, pst_mask(width)};
    }
    // a - q * b: below the lowest bit of b, the bits of a remain.
    uint64_t keep = (maybe & (0 - maybe)) - 1;
    if (power && (op == PST_SCALAR_MOD || positive)) return (pst_tnum){a.value & keep, a.mask & keep};
    return (pst_tnum){a.value & keep, (a.mask | ~keep) & pst_mask(width)};
}

static pst_tnum bits_result(pst_scalar_op op, unsigned width, pst_tnum a, pst_tnum b)
{
    switch (op) {
    case PST_SCALAR_ADD: return pst_tnum_low(pst_tnum_add(a, b), width);
    case PST_SCALAR_SUB: return pst_tnum_low(pst_tnum_sub(a, b), width);
    case PST_SCALAR_MUL: return pst_tnum_low(pst_tnum_mul(a, b), width);
    case PST_SCALAR_OR: return pst_tnum_or(a, b);
    case PST_SCALAR_AND: return pst_tnum_and(a, b);
    case PST_SCALAR_XOR: return pst_tnum_xor(a, b);
    case PST_SCALAR_DIV:
    case PST_SCALAR_SDIV:
    case PST_SCALAR_MOD:
    case PST_SCALAR_SMOD:
    case PST_SCALAR_LSH:
    case PST_SCALAR_RSH:
    case PST_SCALAR_ARSH: break;
    }
    return (pst_tnum){0, pst_mask(width)};
}

PST_INLINE void part_join(part *a, const part *b)
{
    a->bits = pst_tnum_join(a->bits, b->bits);
    a->at = pieces_join(&a->at, &b->at);
}

// Bits and pieces of one width by each other, one round. False: they exclude each other.
static bool part_tighten(part *a)
{
    (void)snap_to_bits(&a->at, a->bits);
    return !pieces_empty(&a->at) && pst_tnum_meet(a->bits, bits_of(&a->at), &a->bits);
}

// Division by zero apart: without the zero, much more is often known of b. b is changed.
static void divide(pst_scalar_op op, unsigned width, const part *a, part *b, part *out)
{
    part by_zero = {{0, 0}, {{0, UINT64_MAX}, {0, 0}}};
    if (op == PST_SCALAR_MOD || op == PST_SCALAR_SMOD) by_zero = *a;
    bool zero = pieces_hold(&b->at, 0);
    if (zero) {
        pieces_cut(&b->at, 0, 0);
        if (!part_tighten(b)) {
            *out = by_zero;
            return;
        }
    }
    pieces_result(op, width, &a->at, &b->at, &out->at);
    out->bits = divide_bits(op, width, a->bits, b->bits);
    if (!zero || SCALAR_PLANT(5)) return;
    if (part_tighten(out))
        part_join(out, &by_zero);
    else
        *out = by_zero;
}

// ---- Arithmetic: shifts

static pst_tnum shift_bits(pst_scalar_op op, unsigned width, pst_tnum a, unsigned count)
{
    if (op == PST_SCALAR_LSH) return pst_tnum_low(pst_tnum_shl(a, count), width);
    if (SCALAR_PLANT(15)) return pst_tnum_shr(a, count);
    return op == PST_SCALAR_RSH ? pst_tnum_shr(a, count) : pst_tnum_sar(a, count, width);
}

// Adds the results for a shift by exactly count (below the width).
static void shift_pieces(pst_scalar_op op, unsigned width, const pieces *a, unsigned count, pieces *out)
{
    uint64_t mask = pst_mask(width);
    for (int i = 0; i < 2; i++) {
        if (piece_empty(a, i)) continue;
        uint64_t lo = a->lo[i], hi = a->hi[i];
        if (op == PST_SCALAR_LSH && hi - lo > mask >> count)
            *out = pieces_all(width);
        else if (op == PST_SCALAR_LSH)
            add_circle(out, lo << count, hi << count, width);
        else if (op == PST_SCALAR_RSH || i == 0)
            add_line(out, lo >> count, hi >> count, width);
        else
            add_line(out, mask & ~((mask & ~lo) >> count), mask & ~((mask & ~hi) >> count), width);
    }
}

// The counts that b can act as, one bit each.
static uint64_t counts_of(const part *b, unsigned width)
{
    static const uint64_t ones[] = {0xaaaaaaaaaaaaaaaa, 0xcccccccccccccccc, 0xf0f0f0f0f0f0f0f0,
                                    0xff00ff00ff00ff00, 0xffff0000ffff0000, 0xffffffff00000000};
    uint64_t mask = count_mask(width), all = pst_mask((unsigned)mask + 1), counts = 0;
    for (int i = 0; i < 2; i++) {
        if (piece_empty(&b->at, i)) continue;
        uint64_t apart = b->at.hi[i] - b->at.lo[i], first = b->at.lo[i] & mask, last = b->at.hi[i] & mask;
        uint64_t up_to_last = pst_mask((unsigned)last + 1), from_first = all << first;
        counts |= apart >= mask ? all : first <= last ? from_first & up_to_last : from_first | up_to_last;
    }
    for (unsigned bit = 0; mask >> bit; bit++)
        if (!(b->bits.mask >> bit & 1)) counts &= b->bits.value >> bit & 1 ? ones[bit] : ~ones[bit];
    return counts & all;
}

// A shift by exactly count. At the full width, a_low is the low half of a and low receives that of the result.
static void shift_once(pst_scalar_op op, unsigned width, const part *a, const pieces *a_low, unsigned count, part *out, part *low)
{
    out->bits = shift_bits(op, width, a->bits, count);
    out->at = NO_PIECES;
    shift_pieces(op, width, &a->at, count, &out->at);
    low->bits = pst_tnum_low(out->bits, SCALAR_HALF);
    low->at = ALL_LOW;
    if (op != PST_SCALAR_LSH || !a_low) return;
    // The low half of a alone decides on the low half of the result; of a long shift, on all of it.
    low->at = NO_PIECES;
    if (count < SCALAR_HALF) {
        shift_pieces(op, SCALAR_HALF, a_low, count, &low->at);
    } else {
        pieces from_low = NO_PIECES;
        shift_pieces(op, width, a_low, count, &from_low);
        pieces_meet(&out->at, &from_low);
        add_line(&low->at, 0, 0, SCALAR_HALF);
    }
}

// The join over the possible counts, 64 at most; it usually is one.
static void shift(pst_scalar_op op, unsigned width, const part *a, const part *b, const pieces *a_low, part *out, part *low)
{
    uint64_t counts = counts_of(b, width);
    if (counts == 0) counts = 1; // b is empty: any result is right
    shift_once(op, width, a, a_low, (unsigned)PST_CTZ64(counts), out, low);
    if (pst_is_pow2(counts)) return;
    // Tightened one by one they are tighter together; of many counts there is little to keep.
    bool tighten = PST_POPCOUNT64(counts) <= 8;
    if (tighten && !(a_low ? reduce(out, low) : part_tighten(out))) *out = (part){{0, pst_mask(width)}, pieces_all(width)};
    for (counts &= counts - 1; counts; counts &= counts - 1) {
        part next, next_low;
        shift_once(op, width, a, a_low, (unsigned)PST_CTZ64(counts), &next, &next_low);
        if (tighten && !(a_low ? reduce(&next, &next_low) : part_tighten(&next))) continue;
        part_join(out, &next);
        part_join(low, &next_low);
    }
}

// ---- Arithmetic: the whole

PST_INLINE bool is_shift(pst_scalar_op op) { return op == PST_SCALAR_LSH || op == PST_SCALAR_RSH || op == PST_SCALAR_ARSH; }
PST_INLINE bool is_division(pst_scalar_op op)
{
    return op == PST_SCALAR_DIV || op == PST_SCALAR_SDIV || op == PST_SCALAR_MOD || op == PST_SCALAR_SMOD;
}

// Whether nothing is known of the result at the full width, since nothing is of an operand: those that are bijections in each operand.
static bool stays_unknown(pst_scalar_op op, const pst_scalar *a, const pst_scalar *b)
{
    if (op != PST_SCALAR_ADD && op != PST_SCALAR_SUB && op != PST_SCALAR_XOR) return false;
    pst_scalar unknown = top();
    return (a->bits.mask == FULL_MASK && SCALAR_NAME(equal)(a, &unknown)) || (b->bits.mask == FULL_MASK && SCALAR_NAME(equal)(b, &unknown));
}

static pst_scalar alu_half(pst_scalar_op op, const pst_scalar *a, const pst_scalar *b)
{
    if (a->umin32 == a->umax32 && b->umin32 == b->umax32)
        return SCALAR_NAME(const)(fold(op, SCALAR_HALF, a->umin32, b->umin32));
    part x, y, full, half;
    half_part(a, &x);
    half_part(b, &y);
    if (is_shift(op)) {
        shift(op, SCALAR_HALF, &x, &y, NULL, &half, &full);
    } else if (is_division(op)) {
        divide(op, SCALAR_HALF, &x, &y, &half);
    } else {
        half.bits = bits_result(op, SCALAR_HALF, x.bits, y.bits);
        pieces_result(op, SCALAR_HALF, &x.at, &y.at, &half.at);
    }
    full.bits = half.bits;
    full.at = NO_PIECES;
    piece_set(&full.at, 0, pieces_min(&half.at), pieces_max(&half.at));
    return settle(&full, &half);
}

SCALAR_LINKAGE pst_scalar SCALAR_NAME(alu)(pst_scalar_op op, unsigned width, const pst_scalar *a, const pst_scalar *b)
{
    if (width == SCALAR_HALF) return alu_half(op, a, b);
    if (a->umin == a->umax && b->umin == b->umax) return SCALAR_NAME(const)(fold(op, SCALAR_FULL, a->umin, b->umin));
    if (stays_unknown(op, a, b)) return top();
    part x, y, x_low, y_low, full, half;
    full_part(a, &x);
    full_part(b, &y);
    if (is_shift(op)) {
        half_part(a, &x_low);
        shift(op, SCALAR_FULL, &x, &y, &x_low.at, &full, &half);
    } else if (is_division(op)) {
        divide(op, SCALAR_FULL, &x, &y, &full);
        half.at = ALL_LOW;
    } else {
        full.bits = bits_result(op, SCALAR_FULL, x.bits, y.bits);
        pieces_result(op, SCALAR_FULL, &x.at, &y.at, &full.at);
        half_part(a, &x_low);
        half_part(b, &y_low);
        pieces_result(op, SCALAR_HALF, &x_low.at, &y_low.at, &half.at);
    }
    return settle(&full, &half);
}

SCALAR_LINKAGE pst_scalar SCALAR_NAME(neg)(unsigned width, const pst_scalar *a)
{
    pst_scalar zero = SCALAR_NAME(const)(0);
    return SCALAR_NAME(alu)(PST_SCALAR_SUB, width, &zero, a);
}

SCALAR_LINKAGE pst_scalar SCALAR_NAME(add_const)(const pst_scalar *a, int64_t c)
{
    uint64_t add = (uint64_t)c & FULL_MASK;
    if (a->umin == a->umax) return SCALAR_NAME(const)((a->umin + add) & FULL_MASK);
    part x, x_low, full = {pst_tnum_low(pst_tnum_add(a->bits, pst_tnum_const(add)), SCALAR_FULL), NO_PIECES};
    part half = {{0, 0}, NO_PIECES};
    full_part(a, &x);
    half_part(a, &x_low);
    for (int i = 0; i < 2; i++) {
        if (!piece_empty(&x.at, i)) add_circle(&full.at, x.at.lo[i] + add, x.at.hi[i] + add, SCALAR_FULL);
        if (!piece_empty(&x_low.at, i)) add_circle(&half.at, x_low.at.lo[i] + add, x_low.at.hi[i] + add, SCALAR_HALF);
    }
    return settle(&full, &half);
}
