// relate.c: relations between symbols: a - b <= c, sparse, closed on demand.
//
// Both sides are signed 64-bit numbers and the inequality is over the integers: nothing wraps. A relation is only noted where the operation that
// gave rise to it cannot wrap, and only used for values (symbol + offset) whose sum cannot wrap either. Intervals take part as relations
// to the constant 0. Dropping a relation is always sound.
#include <string.h>

#include "verify/verifier.h"

#define RELS_MAX 96u  // of one state; more are dropped
#define NODES_MAX 32u // symbols that one closure visits

static bool add_fits(int64_t a, int64_t b, int64_t *out)
{
    if ((b > 0 && a > INT64_MAX - b) || (b < 0 && a < INT64_MIN - b)) return false;
    *out = a + b;
    return true;
}

// a + b, or INT64_MAX ("no bound") where the sum is above the range; a sum below it is clamped, which is a weaker bound.
static int64_t bound_add(int64_t a, int64_t b)
{
    int64_t sum;
    if (a == INT64_MAX || b == INT64_MAX) return INT64_MAX;
    if (add_fits(a, b, &sum)) return sum;
    return a > 0 ? INT64_MAX : INT64_MIN;
}

static int64_t sym_max(const vstate *s, uint32_t sym) { return sym == VSYM_NONE ? 0 : sym == VSYM_ANY ? INT64_MAX : s->syms[sym].smax; }
static int64_t sym_min(const vstate *s, uint32_t sym) { return sym == VSYM_NONE ? 0 : sym == VSYM_ANY ? INT64_MIN : s->syms[sym].smin; }

// hi - lo as a bound: from x <= hi and y >= lo follows x - y <= hi - lo.
static int64_t bound_sub(int64_t hi, int64_t lo)
{
    if (lo == INT64_MIN) return INT64_MAX;
    return bound_add(hi, -lo);
}

#define FOUND_MAX 256u // a power of two

typedef struct closure {
    uint32_t count;
    uint32_t syms[NODES_MAX];
    int64_t dist[NODES_MAX]; // x - syms[i] <= dist[i]
    uint8_t found[FOUND_MAX]; // by the symbol's low bits: index of one with these plus 1, the last that came; 0: there is none
} closure;

// The index of sym; NODES_MAX: it is not there.
static uint32_t find(const closure *c, uint32_t sym)
{
    uint32_t at = c->found[sym & (FOUND_MAX - 1)];
    if (at == 0 || c->syms[at - 1] == sym) return at ? at - 1 : NODES_MAX;
    for (uint32_t i = 0; i < c->count; i++)
        if (c->syms[i] == sym) return i;
    return NODES_MAX;
}

static bool relax(closure *c, uint32_t sym, int64_t dist)
{
    uint32_t at = find(c, sym);
    if (at != NODES_MAX) {
        if (dist >= c->dist[at]) return false;
        c->dist[at] = dist;
        return true;
    }
    if (c->count == NODES_MAX) return false;
    c->syms[c->count] = sym;
    c->dist[c->count++] = dist;
    c->found[sym & (FOUND_MAX - 1)] = (uint8_t)c->count;
    return true;
}

// Bellman and Ford from x over the relations; backwards: towards x, and then syms[i] - x <= dist[i]. Rounds are bounded by the number of nodes;
// stopping early only loses precision.
static void close_from(const vstate *s, uint32_t x, bool backwards, closure *c)
{
    c->count = 0;
    memset(c->found, 0, sizeof c->found);
    (void)relax(c, x, 0);
    for (uint32_t round = 0; round < NODES_MAX; round++) {
        bool changed = false;
        for (uint32_t r = 0; r < s->rel_count; r++) {
            const vrel *rel = &s->rels[r];
            uint32_t from = backwards ? rel->b : rel->a, to = backwards ? rel->a : rel->b;
            uint32_t i = find(c, from);
            if (i != NODES_MAX) changed |= relax(c, to, bound_add(c->dist[i], rel->c));
        }
        if (!changed) break;
    }
}

// Whether a closure from sym on says more than sym's interval does.
static bool is_related(const vstate *s, uint32_t sym, bool backwards)
{
    for (uint32_t r = 0; r < s->rel_count; r++)
        if ((backwards ? s->rels[r].b : s->rels[r].a) == sym) return true;
    return false;
}

// The least known c with 0 - y <= c: 0 - m by the interval of m, then m - y.
static int64_t none_bound(const vstate *s, uint32_t y)
{
    int64_t best = bound_sub(0, sym_min(s, y));
    closure c;
    if (!is_related(s, y, true)) return best;
    close_from(s, y, true, &c);
    for (uint32_t i = 0; i < c.count; i++) {
        int64_t via = bound_add(bound_sub(0, sym_min(s, c.syms[i])), c.dist[i]);
        if (via < best) best = via;
    }
    return best;
}

// The least known c with x - y <= c, where from is what can be reached from x.
static int64_t bound_by(const vstate *s, uint32_t x, uint32_t y, const closure *from)
{
    if (x == y) return 0;
    int64_t best = bound_sub(sym_max(s, x), sym_min(s, y));
    for (uint32_t i = 0; i < from->count; i++) {
        int64_t via = from->syms[i] == y ? from->dist[i] : bound_add(from->dist[i], bound_sub(sym_max(s, from->syms[i]), sym_min(s, y)));
        if (via < best) best = via;
    }
    return best;
}

// The least known c with x - y <= c, for symbols.
static int64_t sym_bound(const vstate *s, uint32_t x, uint32_t y)
{
    if (x == y && x != VSYM_ANY) return 0;
    if (s->rel_count == 0 || x == VSYM_ANY || y == VSYM_ANY) return bound_sub(sym_max(s, x), sym_min(s, y));
    if (x == VSYM_NONE) return none_bound(s, y);
    closure c;
    if (!is_related(s, x, false)) return bound_sub(sym_max(s, x), sym_min(s, y));
    close_from(s, x, false, &c);
    return bound_by(s, x, y, &c);
}

// Whether the symbol plus off is, for every value of the symbol, the sum without wrap.
static bool sum_is_plain(const vstate *s, const vvalue *a)
{
    int64_t unused;
    return a->off == 0 || VPLANT(26) || (add_fits(sym_max(s, a->sym), a->off, &unused) && add_fits(sym_min(s, a->sym), a->off, &unused));
}

int64_t vrel_bound(const vstate *s, const vvalue *a, const vvalue *b)
{
    pst_scalar ka = vvalue_scalar(s, a), kb = vvalue_scalar(s, b);
    int64_t best = bound_sub(ka.smax, kb.smin);
    if (!sum_is_plain(s, a) || !sum_is_plain(s, b)) return best;
    int64_t by_syms = bound_add(sym_bound(s, a->sym, b->sym), bound_sub(a->off, b->off));
    return by_syms < best ? by_syms : best;
}

void vrel_bounds(const vstate *s, const vvalue *values, uint32_t count, int64_t *out)
{
    int64_t none[VREL_BOUNDS_MAX], most[VREL_BOUNDS_MAX], least[VREL_BOUNDS_MAX]; // none: the column of the constant 0
    bool plain[VREL_BOUNDS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        pst_scalar known = vvalue_scalar(s, &values[i]);
        none[i] = sym_bound(s, VSYM_NONE, values[i].sym);
        most[i] = known.smax;
        least[i] = known.smin;
        plain[i] = sum_is_plain(s, &values[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        const vvalue *a = &values[i];
        bool closed = a->sym != VSYM_ANY && a->sym != VSYM_NONE && is_related(s, a->sym, false);
        closure c;
        if (closed) close_from(s, a->sym, false, &c);
        for (uint32_t k = 0; k < count; k++) {
            const vvalue *b = &values[k];
            int64_t best = bound_sub(most[i], least[k]), by_syms = INT64_MAX;
            if (a->sym == VSYM_NONE) by_syms = none[k];
            else if (closed && b->sym != VSYM_ANY) by_syms = bound_by(s, a->sym, b->sym, &c);
            else if (a->sym == b->sym && a->sym != VSYM_ANY) by_syms = 0;
            else by_syms = bound_sub(sym_max(s, a->sym), sym_min(s, b->sym));
            by_syms = bound_add(by_syms, bound_sub(a->off, b->off));
            out[i * count + k] = plain[i] && plain[k] && by_syms < best ? by_syms : best;
        }
    }
}

// --- Changes --------------------------------------------------------------------------------------------------

// Tightens sym to [lo, hi]. *changed is set when that said something new.
static bool clamp(vstate *s, uint32_t sym, int64_t lo, int64_t hi, bool *changed)
{
    if (sym == VSYM_ANY) return true;
    if (sym == VSYM_NONE) return lo <= 0 && 0 <= hi;
    pst_scalar *known = &s->syms[sym], range, met;
    if (lo <= known->smin && hi >= known->smax) return true;
    if (lo < known->smin) lo = known->smin;
    if (hi > known->smax) hi = known->smax;
    if (lo > hi) return false;
    range = pst_scalar_signed_range(lo, hi);
    if (!pst_scalar_meet(known, &range, &met)) return false;
    *known = met;
    *changed = true;
    return true;
}

// What a relation says of the intervals of its two ends.
static bool apply(vstate *s, const vrel *rel, bool *changed)
{
    int64_t hi = bound_add(sym_max(s, rel->b), rel->c), lo = INT64_MIN;
    int64_t a_min = sym_min(s, rel->a);
    if (a_min != INT64_MIN && rel->c != INT64_MIN && !add_fits(a_min, -rel->c, &lo)) lo = INT64_MIN;
    if (hi == INT64_MIN) hi = INT64_MAX; // clamped: says nothing
    return clamp(s, rel->a, INT64_MIN, hi, changed) && clamp(s, rel->b, lo, INT64_MAX, changed);
}

bool vrel_propagate(vstate *s, uint32_t sym)
{
    bool changed = s->rel_count + s->scale_count > 0;
    (void)sym;
    // A few rounds: chains are short, and going on would count up a cycle of strict inequalities one by one.
    for (unsigned round = 0; changed && round < 4; round++) {
        changed = false;
        for (uint32_t i = 0; i < s->rel_count; i++)
            if (!apply(s, &s->rels[i], &changed)) return false;
        if (!vscale_apply(s, &changed)) return false;
    }
    return true;
}

static void remove_at(vstate *s, uint32_t i) { s->rels[i] = s->rels[--s->rel_count]; }

// Keeps the strongest relation of each pair.
static void store(verifier *v, vstate *s, vrel rel)
{
    for (uint32_t i = 0; i < s->rel_count; i++) {
        if (s->rels[i].a != rel.a || s->rels[i].b != rel.b) continue;
        if (rel.c < s->rels[i].c) s->rels[i].c = rel.c;
        return;
    }
    if (s->rel_count < RELS_MAX) vrel_push(v, s, &rel);
}

bool vrel_add(verifier *v, vstate *s, const vvalue *a, const vvalue *b, int64_t c)
{
    if (a->sym == VSYM_ANY || b->sym == VSYM_ANY || c == INT64_MAX) return true;
    if (!sum_is_plain(s, a) || !sum_is_plain(s, b)) return true;
    int64_t k;
    if (!add_fits(c, b->off, &k) || a->off == INT64_MIN || !add_fits(k, -a->off, &k)) return true;
    vrel rel = {a->sym, b->sym, k};
    if (rel.a == rel.b) return k >= 0;
    if (bound_add(sym_bound(s, rel.b, rel.a), k) < 0) return false; // b - a <= d and a - b <= k need d + k >= 0
    if (sym_bound(s, rel.a, rel.b) <= k) return true;
    bool changed = false;
    if (rel.a != VSYM_NONE && rel.b != VSYM_NONE) store(v, s, rel);
    if (!apply(s, &rel, &changed)) return false;
    return !changed || vrel_propagate(s, rel.a);
}

void vrel_drop(verifier *v, vstate *s, uint32_t sym)
{
    // What went through it stays: a - sym <= c and sym - b <= d give a - b <= c + d.
    uint32_t count = s->rel_count;
    for (uint32_t i = 0; i < count; i++) {
        if (s->rels[i].b != sym) continue;
        for (uint32_t j = 0; j < count; j++) {
            if (s->rels[j].a != sym || s->rels[j].b == s->rels[i].a) continue;
            vrel joined = {s->rels[i].a, s->rels[j].b, bound_add(s->rels[i].c, s->rels[j].c)};
            if (joined.c >= bound_sub(sym_max(s, joined.a), sym_min(s, joined.b))) continue;
            store(v, s, joined);
        }
    }
    for (uint32_t i = s->rel_count; i-- > 0;)
        if (s->rels[i].a == sym || s->rels[i].b == sym) remove_at(s, i);
}
