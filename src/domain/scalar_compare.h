// scalar_compare.h: what a comparison says of its operands. Included by scalar_impl.h only.

SCALAR_LINKAGE pst_scalar_cmp SCALAR_NAME(cmp_not)(pst_scalar_cmp cmp)
{
    static const pst_scalar_cmp other[] = {
        [PST_SCALAR_EQ] = PST_SCALAR_NE,     [PST_SCALAR_NE] = PST_SCALAR_EQ,     [PST_SCALAR_GT] = PST_SCALAR_LE,
        [PST_SCALAR_GE] = PST_SCALAR_LT,     [PST_SCALAR_LT] = PST_SCALAR_GE,     [PST_SCALAR_LE] = PST_SCALAR_GT,
        [PST_SCALAR_SGT] = PST_SCALAR_SLE,   [PST_SCALAR_SGE] = PST_SCALAR_SLT,   [PST_SCALAR_SLT] = PST_SCALAR_SGE,
        [PST_SCALAR_SLE] = PST_SCALAR_SGT,   [PST_SCALAR_SET] = PST_SCALAR_NSET,  [PST_SCALAR_NSET] = PST_SCALAR_SET,
    };
    return other[cmp];
}

SCALAR_LINKAGE pst_scalar_cmp SCALAR_NAME(cmp_swap)(pst_scalar_cmp cmp)
{
    static const pst_scalar_cmp other[] = {
        [PST_SCALAR_EQ] = PST_SCALAR_EQ,     [PST_SCALAR_NE] = PST_SCALAR_NE,     [PST_SCALAR_GT] = PST_SCALAR_LT,
        [PST_SCALAR_GE] = PST_SCALAR_LE,     [PST_SCALAR_LT] = PST_SCALAR_GT,     [PST_SCALAR_LE] = PST_SCALAR_GE,
        [PST_SCALAR_SGT] = PST_SCALAR_SLT,   [PST_SCALAR_SGE] = PST_SCALAR_SLE,   [PST_SCALAR_SLT] = PST_SCALAR_SGT,
        [PST_SCALAR_SLE] = PST_SCALAR_SGE,   [PST_SCALAR_SET] = PST_SCALAR_SET,   [PST_SCALAR_NSET] = PST_SCALAR_NSET,
    };
    return other[cmp];
}

PST_INLINE bool is_signed_cmp(pst_scalar_cmp cmp)
{
    return cmp == PST_SCALAR_SGT || cmp == PST_SCALAR_SGE || cmp == PST_SCALAR_SLT || cmp == PST_SCALAR_SLE;
}

// Keeps what is below (or equal to) something of the other: a < b or a <= b.
static bool refine_less(pieces *a, pieces *b, bool or_equal)
{
    uint64_t greatest = pieces_max(b), least = pieces_min(a);
    if (!or_equal || SCALAR_PLANT(8)) {
        if (greatest == 0 || least == UINT64_MAX) return false;
        greatest--;
        least++;
    }
    pieces_clamp(a, 0, greatest);
    pieces_clamp(b, least, UINT64_MAX);
    return !pieces_empty(a) && !pieces_empty(b);
}

// Takes the one value of b away from the ends of a.
static bool refine_not(pieces *a, const pieces *b)
{
    if (!pieces_const(b) && !SCALAR_PLANT(11)) return true;
    pieces_cut(a, pieces_min(b), pieces_min(b));
    return !pieces_empty(a);
}

// What of p shares a set bit with `wanted`.
static bool refine_shares(pieces *p, uint64_t wanted)
{
    uint64_t lowest = wanted & (0 - wanted);
    for (int i = 0; i < 2; i++) {
        if (piece_empty(p, i)) continue;
        uint64_t lo = p->lo[i], hi = p->hi[i];
        if (!(lo & wanted)) lo = (lo & ~(lowest - 1)) | lowest;
        if (!(hi & wanted)) {
            // The lowest set bit that has a wanted one below it gives way to ones.
            uint64_t give = hi & ~((lowest << 1) - 1);
            give &= 0 - give;
            if (give == 0) {
                piece_set(p, i, 1, 0);
                continue;
            }
            hi = (hi & ~give) | (give - 1);
        }
        piece_set(p, i, lo, hi);
    }
    return !pieces_empty(p);
}

static bool refine_set(part *a, part *b)
{
    uint64_t shared = (a->bits.value | a->bits.mask) & (b->bits.value | b->bits.mask);
    if (shared == 0) return false;
    if (pst_is_pow2(shared) || SCALAR_PLANT(10)) {
        a->bits = (pst_tnum){a->bits.value | shared, a->bits.mask & ~shared};
        b->bits = (pst_tnum){b->bits.value | shared, b->bits.mask & ~shared};
    }
    return refine_shares(&a->at, shared) && refine_shares(&b->at, shared);
}

static bool refine_clear(part *a, part *b)
{
    if (a->bits.value & b->bits.value) return false;
    a->bits.mask &= ~b->bits.value;
    b->bits.mask &= ~a->bits.value;
    return true;
}

// False: found out that the comparison cannot hold. Both parts have the same width.
static bool refine(pst_scalar_cmp cmp, unsigned width, part *a, part *b)
{
    if (is_signed_cmp(cmp)) {
        // Unsigned on the numbers with the sign bit turned.
        pieces x = flip_sign(&a->at, width), y = flip_sign(&b->at, width);
        bool greater = cmp == PST_SCALAR_SGT || cmp == PST_SCALAR_SGE, or_equal = cmp == PST_SCALAR_SGE || cmp == PST_SCALAR_SLE;
        bool possible = greater ? refine_less(&y, &x, or_equal) : refine_less(&x, &y, or_equal);
        a->at = flip_sign(&x, width);
        b->at = flip_sign(&y, width);
        return possible;
    }
    switch (cmp) {
    case PST_SCALAR_EQ:
        if (!meet_parts(a, b)) return false;
        *b = *a;
        return true;
    case PST_SCALAR_NE: return refine_not(&a->at, &b->at) && refine_not(&b->at, &a->at);
    case PST_SCALAR_GT: return refine_less(&b->at, &a->at, false);
    case PST_SCALAR_GE: return refine_less(&b->at, &a->at, true);
    case PST_SCALAR_LT: return refine_less(&a->at, &b->at, false);
    case PST_SCALAR_LE: return refine_less(&a->at, &b->at, true);
    case PST_SCALAR_SET: return refine_set(a, b);
    case PST_SCALAR_NSET: return refine_clear(a, b);
    case PST_SCALAR_SGT:
    case PST_SCALAR_SGE:
    case PST_SCALAR_SLT:
    case PST_SCALAR_SLE: break; // above
    }
    return true;
}

// a against itself: 1 it holds, 0 it does not, -1 it depends.
static int same_decides(pst_scalar_cmp cmp)
{
    switch (cmp) {
    case PST_SCALAR_EQ:
    case PST_SCALAR_GE:
    case PST_SCALAR_LE:
    case PST_SCALAR_SGE:
    case PST_SCALAR_SLE: return 1;
    case PST_SCALAR_NE:
    case PST_SCALAR_GT:
    case PST_SCALAR_LT:
    case PST_SCALAR_SGT:
    case PST_SCALAR_SLT: return 0;
    case PST_SCALAR_SET:
    case PST_SCALAR_NSET: break;
    }
    return -1;
}

SCALAR_LINKAGE bool SCALAR_NAME(assume)(pst_scalar_cmp cmp, unsigned width, pst_scalar *a, pst_scalar *b)
{
    pst_scalar zero = SCALAR_NAME(const)(0);
    if (a == b) {
        int same = same_decides(cmp);
        if (same >= 0) return same;
        cmp = cmp == PST_SCALAR_SET ? PST_SCALAR_NE : PST_SCALAR_EQ;
        b = &zero;
    }
    part x, y, x_low, y_low;
    full_part(a, &x);
    full_part(b, &y);
    half_part(a, &x_low);
    half_part(b, &y_low);
    if (width == SCALAR_HALF) {
        if (!refine(cmp, SCALAR_HALF, &x_low, &y_low)) return false;
        if (SCALAR_PLANT(9) && !refine(cmp, SCALAR_FULL, &x, &y)) return false;
        set_low_bits(&x, &x_low);
        set_low_bits(&y, &y_low);
    } else {
        if (!refine(cmp, SCALAR_FULL, &x, &y)) return false;
        if (cmp == PST_SCALAR_EQ) {
            pieces_meet(&x_low.at, &y_low.at);
            y_low.at = x_low.at;
        }
    }
    bool a_const = a->umin == a->umax, b_const = b->umin == b->umax;
    if ((!a_const && !reduce(&x, &x_low)) || (!b_const && !reduce(&y, &y_low))) return false;
    if (!a_const) *a = from_parts(&x, &x_low);
    if (!b_const) *b = from_parts(&y, &y_low);
    return true;
}

static bool disjoint(const part *a, const part *b)
{
    part both = *a;
    return !meet_parts(&both, b);
}

// Whether no number of a is without a bit of those that b surely has.
static bool always_shares(const part *a, const part *b)
{
    if (a->bits.value & b->bits.value) return true;
    pieces without = a->at;
    (void)snap_to_bits(&without, (pst_tnum){a->bits.value, a->bits.mask & ~b->bits.value});
    return pieces_empty(&without);
}

static int decide_parts(pst_scalar_cmp cmp, unsigned width, part *a, part *b)
{
    if (is_signed_cmp(cmp)) {
        a->at = flip_sign(&a->at, width);
        b->at = flip_sign(&b->at, width);
    }
    uint64_t a_min = pieces_min(&a->at), a_max = pieces_max(&a->at), b_min = pieces_min(&b->at), b_max = pieces_max(&b->at);
    switch (cmp) {
    case PST_SCALAR_EQ: return a_min == a_max && b_min == b_max && a_min == b_min ? 1 : disjoint(a, b) ? 0 : -1;
    case PST_SCALAR_LT:
    case PST_SCALAR_SLT: return a_max < b_min + SCALAR_PLANT(14) ? 1 : a_min >= b_max ? 0 : -1;
    case PST_SCALAR_LE:
    case PST_SCALAR_SLE: return a_max <= b_min ? 1 : a_min > b_max ? 0 : -1;
    case PST_SCALAR_GT:
    case PST_SCALAR_SGT: return a_min > b_max ? 1 : a_max <= b_min ? 0 : -1;
    case PST_SCALAR_GE:
    case PST_SCALAR_SGE: return a_min >= b_max ? 1 : a_max < b_min ? 0 : -1;
    case PST_SCALAR_SET:
        if (((a->bits.value | a->bits.mask) & (b->bits.value | b->bits.mask)) == 0) return 0;
        return always_shares(a, b) || always_shares(b, a) ? 1 : -1;
    case PST_SCALAR_NE:
    case PST_SCALAR_NSET: break; // the caller asks for the opposite
    }
    return -1;
}

SCALAR_LINKAGE int SCALAR_NAME(decide)(pst_scalar_cmp cmp, unsigned width, const pst_scalar *a, const pst_scalar *b)
{
    if (cmp == PST_SCALAR_NE || cmp == PST_SCALAR_NSET) {
        int opposite = SCALAR_NAME(decide)(SCALAR_NAME(cmp_not)(cmp), width, a, b);
        return opposite < 0 ? -1 : !opposite;
    }
    part x, y;
    half_part(a, &x);
    half_part(b, &y);
    if (width == SCALAR_HALF) return decide_parts(cmp, SCALAR_HALF, &x, &y);
    // Numbers with different low halves are not equal.
    if (cmp == PST_SCALAR_EQ && disjoint(&x, &y)) return 0;
    full_part(a, &x);
    full_part(b, &y);
    return decide_parts(cmp, SCALAR_FULL, &x, &y);
}
