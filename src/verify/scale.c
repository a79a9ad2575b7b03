// scale.c: one symbol as a multiple of another: a = k * b + c, exactly, over the integers.
//
// A loop that moves a pointer by 16 and counts its turns keeps `pointer = 16 * turns + start`, of which the differences of relate.c can say nothing, so
// widening forgets how far the pointer is unless this is kept. They are made where states of two turns are joined: those give two values of
// the loop's count and of the number, and with them the only k and c that may hold. Symbols never change their values, so one that holds in a state holds on
// in all that follow it; only joins have to ask (both sides must have it), and what compares states. Dropping one is always sound.
//
// Nothing wraps: both numbers are taken as signed and stay within LIMIT where anything is computed with them; beyond, nothing is said.
#include "verify/verifier.h"

#define LIMIT ((int64_t)1 << 40)
#define FACTOR_MAX ((int64_t)1 << 16)

static bool is_small(int64_t n) { return n > -LIMIT && n < LIMIT; }

// Whether sym + off is the sum without wrap, for every value of the symbol, and small.
static bool is_plain(const vstate *s, const vvalue *a)
{
    const pst_scalar *known = &s->syms[a->sym];
    return is_small(known->smin) && is_small(known->smax) && is_small(a->off);
}

bool vscale_is_factor(int64_t factor) { return factor != 0 && factor > -FACTOR_MAX && factor < FACTOR_MAX; }

bool vscale_holds(const vstate *s, const vvalue *a, const vvalue *b, int64_t factor, int64_t *c)
{
    if (a->kind != V_NUMBER || b->kind != V_NUMBER) return false;
    if (a->sym == VSYM_NONE && b->sym == VSYM_NONE) {
        if (!is_small(a->off) || !is_small(b->off)) return false;
        *c = a->off - factor * b->off;
        return true;
    }
    if (a->sym < VSYM_FIRST || b->sym < VSYM_FIRST || a->sym == VSYM_ANY || b->sym == VSYM_ANY) return false;
    for (uint32_t i = 0; i < s->scale_count; i++) {
        const vscale *scale = &s->scales[i];
        if (scale->a != a->sym || scale->b != b->sym || scale->factor != factor) continue;
        if ((a->off || b->off) && (!is_plain(s, a) || !is_plain(s, b))) return false;
        *c = scale->c + a->off - factor * b->off;
        return is_small(*c);
    }
    return false;
}

bool vscale_factor(const vvalue *a_old, const vvalue *b_old, const vvalue *a_now, const vvalue *b_now, int64_t *factor)
{
    if (a_old->sym != VSYM_NONE || b_old->sym != VSYM_NONE || a_now->sym != VSYM_NONE || b_now->sym != VSYM_NONE) return false;
    if (!is_small(a_old->off) || !is_small(a_now->off) || !is_small(b_old->off) || !is_small(b_now->off)) return false;
    int64_t rise = a_now->off - a_old->off, run = b_now->off - b_old->off;
    if (run == 0 || rise == 0 || rise % run) return false;
    *factor = rise / run;
    return vscale_is_factor(*factor);
}

void vscale_add(vstate *s, uint32_t a, uint32_t b, int64_t factor, int64_t c)
{
    if (s->scale_count == VSCALES_MAX || a < VSYM_FIRST || b < VSYM_FIRST || factor == 0 || !is_small(c)) return;
    for (uint32_t i = 0; i < s->scale_count; i++)
        if (s->scales[i].a == a && s->scales[i].b == b) return;
    s->scales[s->scale_count++] = (vscale){a, b, factor, c};
}

// Tightens sym to [lo, hi].
static bool clamp(vstate *s, uint32_t sym, int64_t lo, int64_t hi, bool *changed)
{
    pst_scalar *known = &s->syms[sym], met;
    if (lo <= known->smin && hi >= known->smax) return true;
    if (lo < known->smin) lo = known->smin;
    if (hi > known->smax) hi = known->smax;
    if (lo > hi) return false;
    pst_scalar range = pst_scalar_signed_range(lo, hi);
    if (!pst_scalar_meet(known, &range, &met)) return false;
    *known = met;
    *changed = true;
    return true;
}

static int64_t divide_down(int64_t n, int64_t d) { return n / d - ((n % d != 0) && ((n < 0) != (d < 0))); }

bool vscale_apply(vstate *s, bool *changed)
{
    for (uint32_t i = 0; i < s->scale_count; i++) {
        const vscale *scale = &s->scales[i];
        const pst_scalar *b = &s->syms[scale->b];
        if (is_small(b->smin) && is_small(b->smax)) {
            int64_t from = scale->factor * b->smin + scale->c, to = scale->factor * b->smax + scale->c;
            if (!clamp(s, scale->a, from < to ? from : to, from < to ? to : from, changed)) return false;
        }
        const pst_scalar *a = &s->syms[scale->a];
        if (is_small(a->smin) && is_small(a->smax)) {
            int64_t low = scale->factor > 0 ? a->smin : a->smax, high = scale->factor > 0 ? a->smax : a->smin;
            int64_t from = -divide_down(scale->c - low, scale->factor), to = divide_down(high - scale->c, scale->factor);
            if (!clamp(s, scale->b, from, to, changed)) return false;
        }
    }
    return true;
}
