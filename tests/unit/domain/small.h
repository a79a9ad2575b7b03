// small.h: an instance of scalar_impl.h at a small width, and checks of each claim of scalar.h by looking at every number.
//
// The file that includes this defines SCALAR_FULL (at most 8) and SCALAR_HALF first. A check returns the number of its
// violations, so that the same check finds nothing in the code as it is and something where a mistake is planted.
#ifndef PST_TESTS_DOMAIN_SMALL_H
#define PST_TESTS_DOMAIN_SMALL_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "concrete.h"

#define SCALAR_NAME(name) small_##name
#define SCALAR_LINKAGE    static PST_UNUSED
#include "domain/scalar_impl.h"

enum { NUMBERS = 1 << SCALAR_FULL, WORDS = NUMBERS <= 64 ? 1 : NUMBERS / 64 };

// ---- Sets of numbers, and the two ways between them and scalars

typedef struct set {
    uint64_t words[WORDS];
} set;

#define EACH_NUMBER(v)   for (uint64_t v = 0; v < NUMBERS; v++)
#define EACH_IN(v, s)    EACH_NUMBER(v) if (set_has(s, v))
#define EACH_OP(op)      for (pst_scalar_op op = PST_SCALAR_ADD; op <= PST_SCALAR_ARSH; op++)
#define EACH_CMP(cmp)    for (pst_scalar_cmp cmp = PST_SCALAR_EQ; cmp <= PST_SCALAR_NSET; cmp++)
#define EACH_WIDTH(w)    for (unsigned w = SCALAR_HALF; w != 0; w = w == SCALAR_HALF ? SCALAR_FULL : 0)

static inline void set_add(set *s, uint64_t v) { s->words[v / 64] |= (uint64_t)1 << v % 64; }
static inline bool set_has(const set *s, uint64_t v) { return s->words[v / 64] >> v % 64 & 1; }
static inline bool set_in(const set *a, const set *b)
{
    for (int i = 0; i < WORDS; i++)
        if (a->words[i] & ~b->words[i]) return false;
    return true;
}
static inline unsigned set_count(const set *s)
{
    unsigned n = 0;
    for (int i = 0; i < WORDS; i++) n += (unsigned)PST_POPCOUNT64(s->words[i]);
    return n;
}

// What a stands for. Reads the fields itself: small_has is one of the things under test.
static inline set values_of(const pst_scalar *a)
{
    set s = {{0}};
    for (uint64_t v = a->umin; v <= a->umax; v++) {
        int64_t i = as_signed(v, SCALAR_FULL), low_i = as_signed(v, SCALAR_HALF);
        uint64_t low = low_bits(v, SCALAR_HALF);
        if (a->smin <= i && i <= a->smax && a->umin32 <= low && low <= a->umax32 && a->smin32 <= low_i && low_i <= a->smax32 &&
            (v & ~a->bits.mask) == a->bits.value)
            set_add(&s, v);
    }
    return s;
}

// The tightest scalar that stands for all of s, which is not empty.
static inline pst_scalar tightest(const set *s)
{
    pst_scalar r = {.bits = {0, 0}, .umin = UINT64_MAX, .smin = INT64_MAX, .smax = INT64_MIN, .umin32 = UINT32_MAX, .smin32 = INT32_MAX, .smax32 = INT32_MIN};
    uint64_t ones = UINT64_MAX, any = 0;
    EACH_IN(v, s) {
        int64_t i = as_signed(v, SCALAR_FULL);
        int32_t low_i = (int32_t)as_signed(v, SCALAR_HALF);
        uint32_t low = (uint32_t)low_bits(v, SCALAR_HALF);
        if (v < r.umin) r.umin = v;
        if (v > r.umax) r.umax = v;
        if (i < r.smin) r.smin = i;
        if (i > r.smax) r.smax = i;
        if (low < r.umin32) r.umin32 = low;
        if (low > r.umax32) r.umax32 = low;
        if (low_i < r.smin32) r.smin32 = low_i;
        if (low_i > r.smax32) r.smax32 = low_i;
        ones &= v;
        any |= v;
    }
    r.bits = (pst_tnum){ones, any & ~ones};
    return r;
}

// Any scalar, tightened or not; each part is left open half of the time.
static inline pst_scalar random_raw(void)
{
    pst_scalar a = top();
    uint64_t open = random_u64() >> 32;
    if (open & 1) {
        a.bits.mask = random_below(NUMBERS) & random_below(NUMBERS);
        a.bits.value = random_below(NUMBERS) & ~a.bits.mask;
    }
    if (open & 2) {
        uint64_t x = random_below(NUMBERS), y = random_below(NUMBERS);
        a.umin = x < y ? x : y;
        a.umax = x < y ? y : x;
    }
    if (open & 4) {
        int64_t x = as_signed(random_u64() >> 9, SCALAR_FULL), y = as_signed(random_u64() >> 9, SCALAR_FULL);
        a.smin = x < y ? x : y;
        a.smax = x < y ? y : x;
    }
    if (open & 8) {
        uint32_t x = (uint32_t)random_below(1 << SCALAR_HALF), y = (uint32_t)random_below(1 << SCALAR_HALF);
        a.umin32 = x < y ? x : y;
        a.umax32 = x < y ? y : x;
    }
    if (open & 16) {
        int32_t x = (int32_t)as_signed(random_u64() >> 9, SCALAR_HALF), y = (int32_t)as_signed(random_u64() >> 9, SCALAR_HALF);
        a.smin32 = x < y ? x : y;
        a.smax32 = x < y ? y : x;
    }
    return a;
}

// A tightened one that is not empty, and what it stands for.
static inline pst_scalar random_scalar(set *values)
{
    for (;;) {
        pst_scalar a = random_raw();
        if (!small_normalise(&a)) continue;
        *values = values_of(&a);
        if (set_count(values)) return a;
    }
}

// ---- Precision: how many numbers the results hold, against how many the tightest results do

typedef struct gap {
    uint64_t got, best, results, exact;
} gap;

static gap alu_gaps[2][CONCRETE_OPS], assume_gaps[2][CONCRETE_CMPS], normalise_gap, join_gap, meet_gap;

static inline void gap_note(gap *g, const pst_scalar *got, const set *want)
{
    pst_scalar best = tightest(want);
    set got_values = values_of(got), best_values = values_of(&best);
    unsigned got_count = set_count(&got_values), best_count = set_count(&best_values);
    g->got += got_count;
    g->best += best_count;
    g->results++;
    g->exact += got_count == best_count;
}

static inline void gap_print(const char *name, const gap *g)
{
    if (g->exact == g->results) return;
    printf("  %d/%d %-12s holds %6.3f times the numbers of the tightest; %6.2f %% are the tightest\n", SCALAR_FULL, SCALAR_HALF, name,
           (double)g->got / (double)g->best, 100.0 * (double)g->exact / (double)g->results);
}

// What is not printed always was the tightest.
static inline void gaps_print(void)
{
    char name[32];
    printf("  %d/%d: %" PRIu64 " results of each operation\n", SCALAR_FULL, SCALAR_HALF, alu_gaps[1][0].results);
    gap_print("normalise", &normalise_gap);
    gap_print("join", &join_gap);
    gap_print("meet", &meet_gap);
    EACH_WIDTH(w) EACH_OP(op) {
        snprintf(name, sizeof name, "%s%u", op_names[op], w);
        gap_print(name, &alu_gaps[w == SCALAR_FULL][op]);
    }
    EACH_WIDTH(w) EACH_CMP(cmp) {
        snprintf(name, sizeof name, "assume %s%u", cmp_names[cmp], w);
        gap_print(name, &assume_gaps[w == SCALAR_FULL][cmp]);
    }
}

// ---- The checks

#define COUNT_IF(cond) (bad += (cond) ? 1u : 0u)

static inline bool is_normal(const pst_scalar *a)
{
    pst_scalar again = *a;
    return small_normalise(&again) && small_equal(&again, a);
}

static inline unsigned check_normalise(pst_scalar a)
{
    unsigned bad = 0;
    set before = values_of(&a);
    pst_scalar r = a;
    if (!small_normalise(&r)) return set_count(&before) != 0;
    set after = values_of(&r);
    COUNT_IF(!set_in(&before, &after) || !set_in(&after, &before));
    COUNT_IF(!is_normal(&r));
    COUNT_IF(!small_in(&r, &a));
    EACH_NUMBER(v) COUNT_IF(small_has(&r, v) != set_has(&before, v));
    if (set_count(&before)) gap_note(&normalise_gap, &r, &before);
    return bad;
}

static inline unsigned check_alu(pst_scalar_op op, unsigned width, const pst_scalar *a, const set *as, const pst_scalar *b, const set *bs)
{
    unsigned bad = 0;
    pst_scalar r = small_alu(op, width, a, b);
    set want = {{0}}, got = values_of(&r);
    EACH_IN(x, as) EACH_IN(y, bs) set_add(&want, concrete_alu(op, width, x, y));
    COUNT_IF(!set_in(&want, &got));
    COUNT_IF(!is_normal(&r));
    gap_note(&alu_gaps[width == SCALAR_FULL][op], &r, &want);
    return bad;
}

static inline unsigned check_compare(pst_scalar_cmp cmp, unsigned width, const pst_scalar *a, const set *as, const pst_scalar *b, const set *bs)
{
    unsigned bad = 0;
    pst_scalar x = *a, y = *b;
    bool possible = small_assume(cmp, width, &x, &y), ever = false, always = true;
    int decided = small_decide(cmp, width, a, b);
    set want_x = {{0}}, want_y = {{0}}, got_x = values_of(&x), got_y = values_of(&y);
    EACH_IN(v, as) EACH_IN(u, bs) {
        if (concrete_holds(cmp, width, v, u)) {
            set_add(&want_x, v);
            set_add(&want_y, u);
            ever = true;
        } else {
            always = false;
        }
    }
    COUNT_IF(decided == 1 && !always);
    COUNT_IF(decided == 0 && ever);
    COUNT_IF(ever && !possible);
    COUNT_IF(ever && (!set_in(&want_x, &got_x) || !set_in(&want_y, &got_y)));
    if (!possible) return bad;
    COUNT_IF(!small_in(&x, a) || !small_in(&y, b));
    COUNT_IF(!is_normal(&x) || !is_normal(&y));
    if (pst_scalar_is_const(a) && pst_scalar_is_const(b)) COUNT_IF(decided != always);
    if (!ever) return bad;
    gap_note(&assume_gaps[width == SCALAR_FULL][cmp], &x, &want_x);
    gap_note(&assume_gaps[width == SCALAR_FULL][cmp], &y, &want_y);
    return bad;
}

static inline unsigned check_lattice(const pst_scalar *a, const set *as, const pst_scalar *b, const set *bs)
{
    unsigned bad = 0;
    pst_scalar join = small_join(a, b), meet = *a;
    set either = *as, both = *as, joined = values_of(&join);
    for (int i = 0; i < WORDS; i++) either.words[i] |= bs->words[i];
    for (int i = 0; i < WORDS; i++) both.words[i] &= bs->words[i];
    COUNT_IF(!set_in(&either, &joined) || !small_in(a, &join) || !small_in(b, &join));
    COUNT_IF(!is_normal(&join));
    COUNT_IF(small_in(a, b) && !set_in(as, bs));
    COUNT_IF(!small_in(a, a) || !small_equal(a, a));
    COUNT_IF(small_equal(a, b) != (small_in(a, b) && small_in(b, a)));
    bool met = small_meet(a, b, &meet);
    set met_values = values_of(&meet);
    COUNT_IF(!met && set_count(&both));
    COUNT_IF(met && !(set_in(&both, &met_values) && set_in(&met_values, &both)));
    COUNT_IF(met && !(is_normal(&meet) && small_in(&meet, a) && small_in(&meet, b)));
    gap_note(&join_gap, &join, &either);
    if (met && set_count(&both)) gap_note(&meet_gap, &meet, &both);
    return bad;
}

// A step of a chain in the order: what is below the smaller is below the greater.
static inline unsigned check_transitive(const pst_scalar *a, const pst_scalar *b, const pst_scalar *c)
{
    return small_in(a, b) && small_in(b, c) && !small_in(a, c);
}

static inline unsigned check_unary(const pst_scalar *a, const set *as)
{
    unsigned bad = 0;
    uint64_t c = random_below(NUMBERS);
    pst_scalar neg[2] = {small_neg(SCALAR_HALF, a), small_neg(SCALAR_FULL, a)};
    pst_scalar sum = small_add_const(a, as_signed(c, SCALAR_FULL)), constant = small_const(c);
    pst_scalar slow_sum = small_alu(PST_SCALAR_ADD, SCALAR_FULL, a, &constant);
    EACH_IN(v, as) {
        COUNT_IF(!small_has(&neg[0], negated(low_bits(v, SCALAR_HALF), SCALAR_HALF)));
        COUNT_IF(!small_has(&neg[1], negated(v, SCALAR_FULL)));
        COUNT_IF(!small_has(&sum, low_bits(v + c, SCALAR_FULL)));
    }
    COUNT_IF(!is_normal(&sum) || !small_equal(&sum, &slow_sum));
    for (unsigned bits = 1; bits <= SCALAR_FULL; bits++) {
        pst_scalar zero = small_extend(a, bits, false), sign = small_extend(a, bits, true), low_sign = small_extend32(a, bits < SCALAR_HALF ? bits : SCALAR_HALF);
        COUNT_IF(!is_normal(&zero) || !is_normal(&sign) || !is_normal(&low_sign));
        EACH_IN(v, as) {
            uint64_t extended = low_bits((uint64_t)as_signed(v, bits), SCALAR_FULL);
            COUNT_IF(!small_has(&zero, low_bits(v, bits)));
            COUNT_IF(!small_has(&sign, extended));
            if (bits <= SCALAR_HALF) COUNT_IF(!small_has(&low_sign, low_bits(extended, SCALAR_HALF)));
        }
    }
    return bad;
}

// Everything about a pair.
static inline unsigned check_pair(const pst_scalar *a, const set *as, const pst_scalar *b, const set *bs)
{
    unsigned bad = check_lattice(a, as, b, bs);
    EACH_WIDTH(w) EACH_OP(op) bad += check_alu(op, w, a, as, b, bs);
    EACH_WIDTH(w) EACH_CMP(cmp) bad += check_compare(cmp, w, a, as, b, bs);
    return bad;
}

static inline int compare_thresholds(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

// Widens by random scalars until nothing has grown for long. No part may grow more often than scalar.h allows.
static inline unsigned check_widen(void)
{
    unsigned bad = 0, count = (unsigned)random_below(6), grown = 0;
    int64_t thresholds[6];
    for (unsigned i = 0; i < count; i++) thresholds[i] = as_signed(random_u64() >> 9, SCALAR_FULL);
    qsort(thresholds, count, sizeof thresholds[0], compare_thresholds);
    set values;
    pst_scalar old = small_const(random_below(NUMBERS));
    for (unsigned quiet = 0; quiet < 50; quiet++) {
        pst_scalar more = random_below(2) ? small_const(random_below(NUMBERS)) : random_scalar(&values);
        pst_scalar now = small_join(&old, &more), wide = small_widen(&old, &now, thresholds, count);
        COUNT_IF(!small_in(&now, &wide) || !small_in(&old, &wide));
        if (small_equal(&wide, &old)) continue;
        COUNT_IF(small_in(&now, &old));
        grown++;
        quiet = 0;
        old = wide;
        if (grown > 8 * (count + 2) + SCALAR_FULL) return bad + 1;
    }
    return bad;
}

// A counter without thresholds: each step is the least growth that there is.
static inline unsigned check_counter(void)
{
    unsigned grown = 0;
    pst_scalar old = small_const(0);
    EACH_NUMBER(v) {
        pst_scalar next = small_const(v), now = small_join(&old, &next), wide = small_widen(&old, &now, NULL, 0);
        grown += !small_equal(&wide, &old);
        old = wide;
    }
    return grown > 16;
}

static inline unsigned check_constructors(void)
{
    unsigned bad = check_counter();
    EACH_NUMBER(lo) {
        pst_scalar point = small_const(lo);
        COUNT_IF(!is_normal(&point) || !pst_scalar_is_const(&point) || !small_has(&point, lo));
        for (uint64_t hi = lo; hi < NUMBERS; hi++) {
            pst_scalar range = small_range(lo, hi);
            int64_t from = (int64_t)lo - NUMBERS / 2, to = (int64_t)hi - NUMBERS / 2;
            pst_scalar signed_range = small_signed_range(from, to);
            COUNT_IF(!is_normal(&range) || !is_normal(&signed_range));
            EACH_NUMBER(v) {
                COUNT_IF(small_has(&range, v) != (lo <= v && v <= hi));
                COUNT_IF(small_has(&signed_range, v) != (from <= as_signed(v, SCALAR_FULL) && as_signed(v, SCALAR_FULL) <= to));
            }
        }
    }
    for (unsigned bits = 1; bits <= SCALAR_FULL; bits++) {
        pst_scalar u = small_unknown(bits, false), s = small_unknown(bits, true);
        EACH_NUMBER(v) {
            COUNT_IF(small_has(&u, v) != (v == low_bits(v, bits)));
            COUNT_IF(small_has(&s, v) != (v == low_bits((uint64_t)as_signed(v, bits), SCALAR_FULL)));
        }
    }
    return bad;
}

// ---- Runs

// A round of everything with random operands.
static inline unsigned check_random(void)
{
    set as, bs, cs;
    pst_scalar a = random_scalar(&as), b = random_scalar(&bs), c = random_scalar(&cs);
    return check_normalise(random_raw()) + check_pair(&a, &as, &b, &bs) + check_unary(&a, &as) + check_transitive(&a, &b, &c) + check_widen();
}

// At least `least` rounds, and more until about so many seconds have passed: slow machines and sanitizers do fewer.
static inline unsigned run_random(unsigned least, double seconds)
{
    unsigned bad = 0;
    clock_t end = clock() + (clock_t)(seconds * CLOCKS_PER_SEC);
    for (unsigned round = 0; round < least || (round % 16 != 0 || clock() < end); round++) bad += check_random();
    return bad;
}

#endif
