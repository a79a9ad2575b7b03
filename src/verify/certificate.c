// certificate.c: a state as a difference to the one that arrives.
//
// One walk over the arriving state s writes or reads the state `to` that is kept for it. Values keep their kind and object, or become unreadable;
// their numbers stay, are forgotten, or share a symbol of `to`, which stands for one value of s (its image) as in covers.c. So the result is a
// well-formed state whatever is read, and one that may cover s. Symbols begin with what is known of their image in s, so most differences are one decision.
#include "verify/certificate.h"

#include <string.h>

#define SYMS_MAX 1024u
#define RELATIONS_MAX 256u // as many as a join makes
#define RELATIONS_PER_COMPARISON 8u // that one closure goes through in the time of a comparison
#define OBJS_MAX 64u
#define PARTS 5u // of a scalar

typedef struct differ {
    verifier *v;
    vscript *k;
    const vstate *s, *want; // want: NULL when reading
    vstate *to;
    vvalue images[SYMS_MAX]; // by symbol of to
    uint32_t names[SYMS_MAX]; // writing: by symbol of want, its symbol of to; 0: none so far
    bool failed;             // what was read is no state; or what is to be written has no such form
} differ;

vstep vcertificate_malformed(verifier *v)
{
    return vreject(v, PST_FINDING_CERTIFICATE, -1, "the certificate is malformed, or belongs to another program: it does not tell what is kept here");
}

uint8_t vcertificate_rules(const verifier *v) { return (uint8_t)((uint32_t)v->opts.mode | v->opts.flags << 1); }

static bool writes(const differ *d) { return d->k->coder.writes; }

static bool bit(differ *d, vprob *p, bool value) { return vcode_bit(&d->k->coder, p, value); }

// --- Scalars ----------------------------------------------------------------------------------------------------------

static void remember(vscript *k, unsigned at, uint64_t value)
{
    for (; at > 0; at--) k->recent[at] = k->recent[at - 1];
    k->recent[0] = value;
}

static uint32_t threshold_of(const vflow *flow, uint64_t value)
{
    uint32_t lo = 0, hi = flow->threshold_count;
    while (lo < hi) {
        uint32_t middle = lo + (hi - lo) / 2;
        if (flow->thresholds[middle] < (int64_t)value) lo = middle + 1;
        else hi = middle;
    }
    return lo < flow->threshold_count && (uint64_t)flow->thresholds[lo] == value ? lo : VFLOW_NONE;
}

// One end of an interval: that of the image, that of all numbers, one of those written lately, a threshold of widening, or any other.
static uint64_t bound(differ *d, unsigned which, uint64_t image, uint64_t end, uint64_t value)
{
    vscript *k = d->k;
    vprob *p = k->model.bound[which];
    const vflow *flow = &d->v->flow;
    unsigned at = 0;
    if (bit(d, &p[0], value == image)) return image;
    if (bit(d, &p[1], value == end)) return end;
    if (writes(d)) while (at < VRECENT && k->recent[at] != value) at++;
    if (bit(d, &p[2], at < VRECENT)) {
        unsigned out = 0;
        for (unsigned level = 0; level < 3; level++) out = out << 1 | bit(d, &k->model.recent[level], at >> (2 - level) & 1);
        value = k->recent[out];
        remember(k, out, value);
        return value;
    }
    uint32_t threshold = writes(d) ? threshold_of(flow, value) : VFLOW_NONE;
    if (bit(d, &p[3], threshold != VFLOW_NONE)) {
        uint64_t index = vcode_number(&k->coder, &k->model.threshold, threshold);
        if (index >= flow->threshold_count) d->failed = true;
        else value = (uint64_t)flow->thresholds[index];
    } else {
        value = (uint64_t)vcode_signed(&k->coder, &k->model.explicit_bound, (int64_t)(value - image)) + image;
    }
    remember(k, VRECENT - 1, value);
    return value;
}

static bool part(differ *d, unsigned which, const pst_scalar *image, const pst_scalar *want, pst_scalar *out)
{
    *out = PST_SCALAR_TOP;
    switch (which) {
    case 0:
        out->umin = bound(d, 0, image->umin, 0, want->umin);
        out->umax = bound(d, 1, image->umax, UINT64_MAX, want->umax);
        return out->umin <= out->umax;
    case 1:
        out->smin = (int64_t)bound(d, 0, (uint64_t)image->smin, (uint64_t)INT64_MIN, (uint64_t)want->smin);
        out->smax = (int64_t)bound(d, 1, (uint64_t)image->smax, (uint64_t)INT64_MAX, (uint64_t)want->smax);
        return out->smin <= out->smax;
    case 2:
        out->bits.mask = bound(d, 2, image->bits.mask, UINT64_MAX, want->bits.mask);
        out->bits.value = bound(d, 3, image->bits.value & ~out->bits.mask, 0, want->bits.value);
        return (out->bits.value & out->bits.mask) == 0;
    case 3:
        out->umin32 = (uint32_t)bound(d, 4, image->umin32, 0, want->umin32);
        out->umax32 = (uint32_t)bound(d, 5, image->umax32, UINT32_MAX, want->umax32);
        return out->umin32 <= out->umax32;
    default:
        out->smin32 = (int32_t)(int64_t)bound(d, 4, (uint64_t)(int64_t)image->smin32, (uint64_t)(int64_t)INT32_MIN, (uint64_t)(int64_t)want->smin32);
        out->smax32 = (int32_t)(int64_t)bound(d, 5, (uint64_t)(int64_t)image->smax32, INT32_MAX, (uint64_t)(int64_t)want->smax32);
        return out->smin32 <= out->smax32;
    }
}

static pst_scalar top(void) { return PST_SCALAR_TOP; }

// What a widening left is not as tight as it could be, and a walk from it takes other ways than from what it could be (domain/scalar.h): said part by part.
static void loosen(differ *d, pst_scalar *known, const pst_scalar *want)
{
    pst_scalar loose = top(), tight = *known, one;
    for (unsigned which = 0; which < PARTS && !d->failed; which++) {
        if (!part(d, which, &tight, want ? want : &loose, &one)) d->failed = true;
        switch (which) {
        case 0: loose.umin = one.umin, loose.umax = one.umax; break;
        case 1: loose.smin = one.smin, loose.smax = one.smax; break;
        case 2: loose.bits = one.bits; break;
        case 3: loose.umin32 = one.umin32, loose.umax32 = one.umax32; break;
        default: loose.smin32 = one.smin32, loose.smax32 = one.smax32; break;
        }
    }
    *known = loose;
}

// What is known of a symbol, part by part until nothing is missing. image: what is known of what it stands for, which is where numbers are taken from.
static pst_scalar scalar(differ *d, const pst_scalar *image, const pst_scalar *want)
{
    pst_scalar known = top(), aim = want ? *want : top(), one, met;
    if (want && !pst_scalar_normalise(&aim)) d->failed = true;
    for (unsigned which = 0; which < PARTS && !d->failed; which++) {
        bool more = want && !pst_scalar_in(&known, &aim);
        if (!bit(d, &d->k->model.more[which][which > 0 && pst_scalar_is_top(&known)], more)) break;
        if (!part(d, which, image, &aim, &one) || !pst_scalar_meet(&known, &one, &met)) d->failed = true;
        else known = met;
    }
    if (bit(d, &d->k->model.loose, want && !pst_scalar_equal(&known, want))) loosen(d, &known, want);
    return known;
}

// --- Numbers ----------------------------------------------------------------------------------------------------------

static uint32_t new_sym(differ *d, uint32_t image_sym, int64_t image_off, const pst_scalar *known)
{
    uint32_t sym = d->to->sym_count < SYMS_MAX ? vsym_new(d->v, d->to, known) : 0;
    if (!sym) d->failed = true;
    else d->images[sym] = (vvalue){.kind = V_NUMBER, .sym = image_sym, .off = image_off};
    return sym;
}

// The candidate-th symbol, from the newest, whose image has the symbol that n has; VSYM_NONE: there are not as many.
static uint32_t sharing(const differ *d, const vvalue *n, uint64_t candidate)
{
    for (uint32_t sym = d->to->sym_count; sym-- > VSYM_PACKET;)
        if (d->images[sym].sym == n->sym && candidate-- == 0) return sym;
    return VSYM_NONE;
}

static uint64_t rank_of(const differ *d, const vvalue *n, uint32_t sym)
{
    uint64_t rank = 0;
    for (uint32_t other = d->to->sym_count; --other > sym;) rank += d->images[other].sym == n->sym;
    return rank;
}

static void set_shared(const differ *d, const vvalue *n, uint32_t sym, vvalue *out)
{
    out->sym = sym;
    out->off = (int64_t)((uint64_t)n->off - (uint64_t)d->images[sym].off);
}

// A symbol of its own.
static void set_fresh(differ *d, const vvalue *n, const vvalue *w, vvalue *out)
{
    int64_t usual = n->sym == VSYM_NONE ? 0 : n->off, off = w ? w->off : 0;
    off = (int64_t)((uint64_t)vcode_signed(&d->k->coder, &d->k->model.offset, (int64_t)((uint64_t)off - (uint64_t)usual)) + (uint64_t)usual);
    vvalue image = {.kind = V_NUMBER, .sym = n->sym, .off = (int64_t)((uint64_t)n->off - (uint64_t)off)};
    pst_scalar from = vvalue_scalar(d->s, &image), wanted = w ? vsym_scalar(d->want, w->sym) : PST_SCALAR_TOP;
    pst_scalar known = scalar(d, &from, w ? &wanted : NULL);
    out->sym = new_sym(d, image.sym, image.off, &known);
    out->off = off;
    if (w && out->sym) d->names[w->sym] = out->sym;
}

// As it is in s.
static void set_same(differ *d, const vvalue *n, const vvalue *w, uint32_t shared, vvalue *out)
{
    *out = (vvalue){.kind = out->kind, .flags = out->flags, .obj = out->obj, .sym = n->sym, .off = n->off};
    if (n->sym == VSYM_NONE) return;
    if (shared) set_shared(d, n, shared, out);
    else out->sym = new_sym(d, n->sym, 0, &d->s->syms[n->sym]);
    if (w && out->sym && w->sym != VSYM_NONE && w->sym != VSYM_ANY) d->names[w->sym] = out->sym;
}

// Whether w says of its number what s says of n.
static bool is_same(const differ *d, const vvalue *n, const vvalue *w, uint32_t shared)
{
    if (n->sym == VSYM_NONE) return w->sym == VSYM_NONE;
    if (w->sym == VSYM_NONE || w->sym == VSYM_ANY) return false;
    if (shared) return d->names[w->sym] == shared;
    return !d->names[w->sym] && w->off == n->off && pst_scalar_equal(&d->want->syms[w->sym], &d->s->syms[n->sym]);
}

// The number part of a value; kind, flags and object of out are set.
static void number(differ *d, const vvalue *n, const vvalue *w, vvalue *out)
{
    vmodel *m = &d->k->model;
    uint32_t shared = n->sym == VSYM_ANY ? 0 : sharing(d, n, 0);
    unsigned class = n->sym == VSYM_NONE ? 0 : out->kind == V_NUMBER ? 1 : 2;
    if (n->sym == VSYM_ANY) {
        out->sym = VSYM_ANY;
        out->off = 0;
        return;
    }
    if (bit(d, &m->stays[class][shared != 0], w && is_same(d, n, w, shared))) {
        set_same(d, n, w, shared, out);
        return;
    }
    uint32_t name = w && w->sym != VSYM_ANY && w->sym != VSYM_NONE ? d->names[w->sym] : 0;
    // What is one symbol in want but cannot be said to be one is forgotten.
    bool forgets = w && (w->sym == VSYM_ANY || w->sym == VSYM_NONE || (name && d->images[name].sym != n->sym));
    if (bit(d, &m->forgets[class], forgets)) {
        out->sym = VSYM_ANY;
        out->off = 0;
    } else if (!shared || bit(d, &m->fresh[class], w && !name)) {
        set_fresh(d, n, w, out);
    } else {
        uint64_t candidate = vcode_number(&d->k->coder, &m->candidate, w ? rank_of(d, n, name) : 0);
        uint32_t sym = sharing(d, n, candidate);
        if (sym) set_shared(d, n, sym, out);
        else d->failed = true;
    }
}

static void value(differ *d, const vvalue *n, const vvalue *w, vvalue *out)
{
    vmodel *m = &d->k->model;
    *out = *n;
    if (n->kind == V_UNINIT) return;
    if (!bit(d, &m->is_kept[n->kind], w && w->kind != V_UNINIT)) {
        *out = (vvalue){.kind = V_UNINIT};
        return;
    }
    if (d->v->strict && n->kind == V_NUMBER && !(n->flags & VVALUE_CAST) && bit(d, &m->leaks, w && (w->flags & VVALUE_CAST))) out->flags |= VVALUE_CAST;
    if (n->kind != V_PACKET_END && n->kind != V_MAP && n->kind != V_FUNC) number(d, n, w, out);
}

// --- Cells ------------------------------------------------------------------------------------------------------------

static uint8_t bytes_of(unsigned start, unsigned size) { return (uint8_t)(((1u << size) - 1u) << start); }

static uint8_t some_bits(differ *d, vprob *p, uint8_t among, uint8_t value)
{
    uint8_t out = 0;
    for (unsigned i = 0; i < 8; i++)
        if (among >> i & 1) out = (uint8_t)(out | bit(d, &p[i], value >> i & 1) << i);
    return out;
}

// 0, 1, 2, 4 or 8.
static uint8_t part_size(differ *d, vprob *p, uint8_t value)
{
    unsigned log = 0;
    if (!bit(d, &p[0], value != 0)) return 0;
    if (bit(d, &p[1], value == 8)) return 8;
    if (!bit(d, &p[2], value == 4)) log = vcode_raw(&d->k->coder, 1, value >> 1 & 1) ? 1 : 0;
    else log = 2;
    return (uint8_t)(1u << log);
}

// Bytes of a cell of s that are known to be 0 (as in covers.c, but for bytes inside of other constants).
static uint8_t zero_bytes(const vcell *cell)
{
    uint8_t zero = cell->zero;
    if (cell->lo_size && vvalue_is_const(&cell->lo) && cell->lo.off == 0) zero |= bytes_of(0, cell->lo_size);
    if (cell->hi_size && vvalue_is_const(&cell->hi) && cell->hi.off == 0) zero |= bytes_of(4, cell->hi_size);
    return zero & cell->init;
}

// What s has where `to` keeps size bytes from start on.
static vvalue part_of(const vcell *n, bool is_lo, unsigned size)
{
    unsigned start = is_lo ? 0 : 4;
    if ((is_lo ? n->lo_size : n->hi_size) == size) return is_lo ? n->lo : n->hi;
    if ((zero_bytes(n) & bytes_of(start, size)) == bytes_of(start, size)) return vvalue_const(0);
    return vvalue_any();
}

static void shape(differ *d, const vcell *n, const vcell *w, vcell *out)
{
    vmodel *m = &d->k->model;
    bool same = w && w->init == n->init && w->zero == n->zero && w->lo_size == n->lo_size && w->hi_size == n->hi_size;
    if (bit(d, &m->same_cell[n->lo_size != 0], same)) return;
    out->init = some_bits(d, m->cell_bits[0], n->init, w ? w->init : 0);
    out->zero = some_bits(d, m->cell_bits[1], out->init, w ? w->zero : 0);
    out->lo_size = out->init & 1 ? part_size(d, m->cell_size[0], w ? w->lo_size : 0) : 0;
    out->hi_size = out->init & 16 && out->lo_size != 8 ? part_size(d, m->cell_size[1], w ? w->hi_size : 0) : 0;
    bool fits = out->hi_size != 8 && (out->init & bytes_of(0, out->lo_size)) == bytes_of(0, out->lo_size) &&
                (out->init & bytes_of(4, out->hi_size)) == bytes_of(4, out->hi_size);
    if (w && (out->init != w->init || out->zero != w->zero || out->lo_size != w->lo_size || out->hi_size != w->hi_size)) fits = false;
    if (!fits) d->failed = true;
}

static void cell(differ *d, const vcell *n, const vcell *w, vcell *out)
{
    if (n->mode == VCELL_SPECIAL || n->init == 0) return;
    shape(d, n, w, out);
    if (d->failed || out->init == 0) {
        memset(out, 0, sizeof *out);
        return;
    }
    vvalue lo = part_of(n, true, out->lo_size), hi = part_of(n, false, out->hi_size);
    if (out->lo_size) value(d, &lo, w ? &w->lo : NULL, &out->lo);
    if (out->hi_size) value(d, &hi, w ? &w->hi : NULL, &out->hi);
    // A part that is not readable is bytes.
    if (out->lo_size && out->lo.kind == V_UNINIT) out->lo_size = 0;
    if (out->hi_size && out->hi.kind == V_UNINIT) out->hi_size = 0;
}

// --- The rest ---------------------------------------------------------------------------------------------------------

// The object of want that stands for object at of s: one that some value has in the same place.
static const vobj *wanted_obj(const differ *d, uint32_t at)
{
    for (uint32_t f = 0; f < d->s->frame_count; f++) {
        const vframe *n = d->s->frames[f], *w = d->want->frames[f];
        for (unsigned r = 0; r < PST_REG_COUNT - 1; r++)
            if (n->regs[r].kind == V_PTR && n->regs[r].obj == at && w->regs[r].kind == V_PTR) return &d->want->objs[w->regs[r].obj];
        for (uint32_t c = 0; c < n->cell_count; c++) {
            const vcell *x = vframe_cell(n, c), *y = vframe_cell(w, c);
            if (x->lo_size == 8 && x->lo.kind == V_PTR && x->lo.obj == at && y->lo_size == 8 && y->lo.kind == V_PTR) return &d->want->objs[y->lo.obj];
        }
    }
    return NULL;
}

static void objects(differ *d)
{
    for (uint32_t i = 0; i < d->s->obj_count; i++) {
        vobj *o = &d->to->objs[i];
        if (o->kind == VO_FREE || (o->flags & VOBJ_MAYBE_NULL) || o->kind == VO_DYNPTR || o->kind == VO_ITER || o->kind == VO_IRQ || o->kind == VO_REF) continue;
        const vobj *w = d->want ? wanted_obj(d, i) : NULL;
        if (bit(d, &d->k->model.may_be_null, w && (w->flags & VOBJ_MAYBE_NULL))) o->flags |= VOBJ_MAYBE_NULL;
    }
}

static void lengths(differ *d)
{
    for (uint32_t sym = VSYM_PACKET; sym < VSYM_FIRST; sym++) {
        d->images[sym] = (vvalue){.kind = V_NUMBER, .sym = sym};
        if (d->want) d->names[sym] = sym;
        const pst_scalar *image = &d->s->syms[sym], *want = d->want ? &d->want->syms[sym] : NULL;
        if (bit(d, &d->k->model.length_same[sym - VSYM_PACKET], want && pst_scalar_equal(want, image))) continue;
        d->to->syms[sym] = scalar(d, image, want);
    }
}

static void frames(differ *d)
{
    for (uint32_t f = d->s->frame_count; f-- > 0;) {
        const vframe *n = d->s->frames[f], *w = d->want ? d->want->frames[f] : NULL;
        vframe *to = d->to->frames[f];
        if (n->parked && !bit(d, &d->k->model.same_written, w && w->written == n->written)) to->written |= vcode_raw(&d->k->coder, VCELLS, w ? w->written : 0);
        for (unsigned r = 0; r < PST_REG_COUNT - 1 && !d->failed; r++) value(d, &n->regs[r], w ? &w->regs[r] : NULL, &to->regs[r]);
        for (uint32_t c = 0; c < n->cell_count && !d->failed; c++) cell(d, &n->cells[c], w ? vframe_cell(w, c) : NULL, &to->cells[c]);
    }
}

static void ghosts(differ *d)
{
    for (uint32_t i = 0; i < d->s->ghost_count && !d->failed; i++) {
        const vghost *n = &d->s->ghosts[i], *w = d->want ? &d->want->ghosts[i] : NULL;
        number(d, &n->up, w ? &w->up : NULL, &d->to->ghosts[i].up);
        number(d, &n->down, w ? &w->down : NULL, &d->to->ghosts[i].down);
    }
}

// --- Relations --------------------------------------------------------------------------------------------------------

static const vvalue *image_of(const differ *d, uint32_t sym)
{
    static const vvalue zero = {.kind = V_NUMBER};
    return sym ? &d->images[sym] : &zero;
}

// Notes a - b <= what is known of their images in s, or more by what is written. wanted: the bound that want has.
static void relation(differ *d, uint32_t a, uint32_t b, int64_t known, int64_t wanted)
{
    uint64_t slack = vcode_number(&d->k->coder, &d->k->model.relation_slack, (uint64_t)wanted - (uint64_t)known);
    if (slack > INT64_MAX || known > INT64_MAX - 1 - (int64_t)slack) d->failed = true;
    vrel rel = {a, b, (int64_t)((uint64_t)known + slack)};
    if (!d->failed) vrel_push(d->v, d->to, &rel);
}

// want's bound for two symbols of to; false: it has none. *at is marked as done.
static bool wanted_relation(const differ *d, uint32_t a, uint32_t b, bool *done, int64_t *c)
{
    for (uint32_t i = 0; d->want && i < d->want->rel_count; i++) {
        const vrel *r = &d->want->rels[i];
        if ((r->a ? d->names[r->a] : 0) != a || (r->b ? d->names[r->b] : 0) != b || (r->a && !a) || (r->b && !b)) continue;
        done[i] = true;
        *c = r->c;
        return true;
    }
    return false;
}

// The oldest symbol whose image is sym of s itself or more; 0 for 0, VFLOW_NONE: there is none.
static uint32_t heir_of(const differ *d, uint32_t sym)
{
    if (sym == VSYM_NONE) return 0;
    for (uint32_t i = VSYM_PACKET; i < d->to->sym_count; i++)
        if (d->images[i].sym == sym) return i;
    return VFLOW_NONE;
}

// Those that s has and that stay.
static void inherit_relations(differ *d, bool *done)
{
    for (uint32_t i = 0; i < d->s->rel_count && !d->failed; i++) {
        const vrel *r = &d->s->rels[i];
        uint32_t a = heir_of(d, r->a), b = heir_of(d, r->b);
        if (a == VFLOW_NONE || b == VFLOW_NONE || (!a && !b)) continue;
        bool moved = image_of(d, a)->off != 0 || image_of(d, b)->off != 0;
        int64_t known = moved ? vrel_bound(d->s, image_of(d, a), image_of(d, b)) : r->c, wanted = known;
        if (moved) d->v->compared += d->s->rel_count / RELATIONS_PER_COMPARISON;
        if (known == INT64_MAX) continue;
        bool kept = wanted_relation(d, a, b, done, &wanted) && wanted >= known;
        if (bit(d, &d->k->model.relation_kept, kept)) relation(d, a, b, known, wanted);
    }
}

static bool is_sayable(const differ *d, uint32_t at, const bool *done)
{
    const vrel *r = &d->want->rels[at];
    uint32_t a = r->a ? d->names[r->a] : 0, b = r->b ? d->names[r->b] : 0;
    if (done[at] || (r->a && !a) || (r->b && !b) || (!a && !b)) return false;
    int64_t known = vrel_bound(d->s, image_of(d, a), image_of(d, b));
    return known != INT64_MAX && r->c >= known && r->c < INT64_MAX;
}

// Those that came to be by joins.
static void other_relations(differ *d, const bool *done)
{
    vmodel *m = &d->k->model;
    vcoder *c = &d->k->coder;
    uint64_t count = 0;
    for (uint32_t i = 0; d->want && i < d->want->rel_count; i++) count += is_sayable(d, i, done);
    count = vcode_number(c, &m->relations, count);
    if (count > RELATIONS_MAX) d->failed = true;
    for (uint32_t i = 0; count > 0 && !d->failed; i++) {
        if (d->want && !is_sayable(d, i, done)) continue;
        const vrel *r = d->want ? &d->want->rels[i] : NULL;
        uint64_t a = vcode_number(c, &m->relation_side[0], r && r->a ? d->names[r->a] : 0);
        uint64_t b = vcode_number(c, &m->relation_side[1], r && r->b ? d->names[r->b] : 0);
        count--;
        d->v->compared += 1 + d->s->rel_count / RELATIONS_PER_COMPARISON;
        if (a >= d->to->sym_count || b >= d->to->sym_count) {
            d->failed = true;
            break;
        }
        int64_t known = vrel_bound(d->s, image_of(d, (uint32_t)a), image_of(d, (uint32_t)b));
        if (known == INT64_MAX) d->failed = true;
        else relation(d, (uint32_t)a, (uint32_t)b, known, r ? r->c : 0);
    }
}

static void relations(differ *d)
{
    bool done[RELATIONS_MAX];
    if (d->want && d->want->rel_count > RELATIONS_MAX) d->failed = true;
    if (d->failed) return;
    if (d->want) memset(done, 0, d->want->rel_count);
    inherit_relations(d, done);
    other_relations(d, done);
}

// --- Multiples --------------------------------------------------------------------------------------------------------

static bool is_sayable_scale(const differ *d, const vscale *w)
{
    uint32_t a = d->names[w->a], b = d->names[w->b];
    int64_t c;
    return a && b && vscale_holds(d->s, image_of(d, a), image_of(d, b), w->factor, &c) && c == w->c;
}

// Which symbols, and the factor; the constant is what holds in s, so only what s says can be said.
static void scales(differ *d)
{
    vmodel *m = &d->k->model;
    vcoder *coder = &d->k->coder;
    uint64_t count = 0;
    for (uint32_t i = 0; d->want && i < d->want->scale_count; i++) count += is_sayable_scale(d, &d->want->scales[i]);
    count = vcode_number(coder, &m->scales, count);
    if (count > VSCALES_MAX) d->failed = true;
    for (uint32_t i = 0; count > 0 && !d->failed; i++) {
        const vscale *w = d->want ? &d->want->scales[i] : NULL;
        if (w && !is_sayable_scale(d, w)) continue;
        uint64_t a = vcode_number(coder, &m->scale_side[0], w ? d->names[w->a] : 0);
        uint64_t b = vcode_number(coder, &m->scale_side[1], w ? d->names[w->b] : 0);
        int64_t factor = vcode_signed(coder, &m->scale_factor, w ? w->factor : 0), c;
        count--;
        bool holds = a >= VSYM_FIRST && b >= VSYM_FIRST && a < d->to->sym_count && b < d->to->sym_count && vscale_is_factor(factor) &&
                     vscale_holds(d->s, image_of(d, (uint32_t)a), image_of(d, (uint32_t)b), factor, &c);
        if (holds) vscale_add(d->to, (uint32_t)a, (uint32_t)b, factor, c);
        else d->failed = true;
    }
}

// --- The whole --------------------------------------------------------------------------------------------------------

void vscript_init(vscript *k)
{
    vmodel *m = &k->model;
    *k = (vscript){0};
    vprob_init((vprob *)(void *)m, sizeof *m / sizeof(vprob)); // every member is made of probabilities
}

void vscript_free(verifier *v, vscript *k)
{
    vstate_free(v, k->room);
    k->room = NULL;
    pst_free(v->env, k->contexts, k->context_capacity * sizeof *k->contexts);
    k->contexts = NULL;
    vcoder_free(&k->coder);
}

vstep vcertificate_state(verifier *v, vscript *k, const vstate *s, const vstate *want, bool *same)
{
    differ d; // its tables are filled as they are used
    *same = vcode_bit(&k->coder, &k->model.is_same[v->flow.blocks[s->block].is_head], *same);
    if (k->coder.failed) return vcertificate_malformed(v);
    if (*same) return VSTEP_NEXT;
    if (!k->room) k->room = vstate_new(v);
    if (!k->room || !vstate_assign(v, k->room, s)) return vnomem(v);
    d.v = v, d.k = k, d.s = s, d.want = want, d.to = k->room, d.failed = k->coder.failed || s->obj_count > OBJS_MAX;
    if (want) memset(d.names, 0, (want->sym_count < SYMS_MAX ? want->sym_count : SYMS_MAX) * sizeof *d.names);
    if (want && want->sym_count > SYMS_MAX) d.failed = true;
    d.to->sym_count = VSYM_FIRST;
    d.to->rel_count = d.to->scale_count = 0;
    if (!d.failed) objects(&d);
    if (!d.failed) lengths(&d);
    if (!d.failed) frames(&d);
    if (!d.failed) ghosts(&d);
    if (!d.failed) relations(&d);
    if (!d.failed) scales(&d);
    if (d.failed || k->coder.failed) return vcertificate_malformed(v);
    d.to->blurred = true;
    vmerge_normalise(v, d.to);
    return VSTEP_NEXT;
}
