// join.c: one state that stands for the runs of two; and widening.
//
// The claim: whatever vmerge_join returns covers both arguments. Two values become one symbol; two pairs of values whose
// differences are the same in both states share a symbol (so "i is 5 more than the loop's count" survives), other links survive as relations
// with the weaker of the two bounds. When widening, what is not as strong as in the old state goes to the next threshold or is dropped.
#include <string.h>

#include "verify/merge.h"

#define PAIRS_MAX 192u
#define RELATED_MAX (VREL_BOUNDS_MAX / 2) // with more pairs than this, only some pairs of pairs are looked at
#define OBJS_MAX 64u
#define RELATIONS_MAX 256u // of a joined state: each step may look through all of them
#define RELATIONS_PER_COMPARISON 8u // that closures of both states go through in the time of a comparison

// (old value, now value) -> symbol of the result. old is osym + off, now is nsym + off - delta.
typedef struct pair {
    uint32_t osym, nsym;
    int64_t off, delta;
    uint32_t sym;
    bool counts;  // a loop's count: always related to the others
    bool measure; // the packet's length, or an offset in it: likewise
    bool bare;    // a count that no number of the program goes along with: two of those need no relation to each other
} pair;

typedef struct joiner {
    verifier *v;
    const vstate *old, *now;
    vstate *to;
    vmerge_how how;
    bool force, failed, in_ghost, in_pointer;
    uint32_t pair_count;
    pair pairs[PAIRS_MAX];
    uint16_t objs_old[OBJS_MAX], objs_now[OBJS_MAX]; // object of the result by object of old and of now
} joiner;

static vvalue old_of(const pair *p) { return (vvalue){.kind = V_NUMBER, .sym = p->osym, .off = p->off}; }
static vvalue now_of(const pair *p)
{
    return (vvalue){.kind = V_NUMBER, .sym = p->nsym, .off = (int64_t)((uint64_t)p->off - (uint64_t)p->delta)};
}

static pst_scalar merged_scalar(const joiner *j, const vvalue *o, const vvalue *n)
{
    pst_scalar a = vvalue_scalar(j->old, o), b = vvalue_scalar(j->now, n), both = pst_scalar_join(&a, &b);
    switch (j->how) {
    case VMERGE_JOIN: return VPLANT(15) ? a : both;
    case VMERGE_WIDEN: return VPLANT(16) ? a : pst_scalar_widen(&a, &both, j->v->flow.thresholds, j->v->flow.threshold_count);
    case VMERGE_DROP: return pst_scalar_widen(&a, &both, NULL, 0);
    }
    PST_UNREACHABLE();
}

// Numbers that share a symbol are widened each by the thresholds on its own scale: the loop's limit is on one of them. Each result contains the join,
// so what is in all of them does too.
static void widen_shared(joiner *j, const pair *p, const vvalue *o, const vvalue *n, const vvalue *out)
{
    pst_scalar own = merged_scalar(j, o, n), met;
    own = pst_scalar_add_const(&own, (int64_t)(0 - (uint64_t)out->off));
    if (pst_scalar_meet(&j->to->syms[p->sym], &own, &met)) j->to->syms[p->sym] = met;
}

// Turns the number part of two values into one of the result.
static void join_number(joiner *j, const vvalue *o, const vvalue *n, vvalue *out)
{
    out->sym = VSYM_ANY;
    out->off = 0;
    if (o->sym == VSYM_ANY || n->sym == VSYM_ANY) return;
    if (o->sym == VSYM_NONE && n->sym == VSYM_NONE && o->off == n->off) {
        out->sym = VSYM_NONE;
        out->off = o->off;
        return;
    }
    int64_t delta = (int64_t)((uint64_t)o->off - (uint64_t)n->off);
    for (uint32_t i = 0; i < j->pair_count; i++) {
        pair *p = &j->pairs[i];
        if (p->osym != o->sym || p->nsym != n->sym || p->delta != delta) continue;
        out->sym = p->sym;
        out->off = (int64_t)((uint64_t)o->off - (uint64_t)p->off);
        p->counts |= j->in_ghost;
        p->measure |= j->in_pointer;
        if (j->how == VMERGE_WIDEN && !j->in_ghost) widen_shared(j, p, o, n, out);
        return;
    }
    if (j->pair_count == PAIRS_MAX) return;
    pst_scalar known = merged_scalar(j, o, n);
    uint32_t sym = vsym_new(j->v, j->to, &known);
    if (!sym) {
        j->failed = true;
        return;
    }
    j->pairs[j->pair_count++] = (pair){o->sym, n->sym, o->off, delta, sym, j->in_ghost, j->in_pointer, j->in_ghost};
    out->sym = sym;
}

// --- Objects --------------------------------------------------------------------------------------------------

static bool join_obj(joiner *j, uint16_t o, uint16_t n, uint16_t *out)
{
    if (o >= OBJS_MAX || n >= OBJS_MAX) return false;
    if (j->objs_old[o] != j->objs_now[n]) return false;
    if (j->objs_old[o] == UINT16_MAX) {
        const vobj *a = &j->old->objs[o], *b = &j->now->objs[n];
        uint32_t differ = a->flags ^ b->flags;
        if (differ & ~VOBJ_MAYBE_NULL) return false;
        if (!vobj_alike(a, b)) return false;
        vobj like = *a;
        like.flags |= b->flags;
        uint16_t made = vobj_new(j->v, j->to, &like);
        if (made == UINT16_MAX) {
            j->failed = true;
            return false;
        }
        j->objs_old[o] = j->objs_now[n] = made;
    }
    *out = j->objs_old[o];
    return true;
}

static vvalue join_value(joiner *j, const vvalue *o, const vvalue *n)
{
    static const vvalue dead;
    vvalue to = *o;
    to.flags |= n->flags;
    if (o->kind == V_UNINIT || n->kind == V_UNINIT) return dead;
    if (o->kind != n->kind) goto apart;
    switch ((vkind)o->kind) {
    case V_UNINIT:
    case V_PACKET_END: return to;
    case V_MAP:
    case V_FUNC:
        if (o->obj != n->obj) goto apart;
        return to;
    case V_STACK:
        if (o->obj != n->obj) goto apart;
        break;
    case V_PTR:
        if (!join_obj(j, o->obj, n->obj, &to.obj)) goto apart;
        break;
    case V_NUMBER:
    case V_CTX:
    case V_PACKET:
    case V_META: break;
    }
    j->in_pointer = o->kind == V_PACKET || o->kind == V_META;
    join_number(j, o, n, &to);
    j->in_pointer = false;
    return to;
apart:
    if (!j->force) j->failed = true;
    return dead;
}

// --- Frames ---------------------------------------------------------------------------------------------------

static uint8_t zero_of(const vcell *cell)
{
    uint8_t zero = cell->zero;
    if (cell->lo_size && vvalue_is_const(&cell->lo) && cell->lo.off == 0) zero |= (uint8_t)((1u << cell->lo_size) - 1u);
    if (cell->hi_size && vvalue_is_const(&cell->hi) && cell->hi.off == 0) zero |= (uint8_t)(((1u << cell->hi_size) - 1u) << 4);
    return zero & cell->init;
}

static bool is_pointer_cell(const vcell *cell) { return cell->lo_size == 8 && vvalue_is_pointer(&cell->lo); }

static vcell join_cell(joiner *j, const vcell *o, const vcell *n)
{
    vcell to = {0};
    if (o->mode != n->mode || (o->mode == VCELL_SPECIAL && !join_obj(j, o->obj, n->obj, &to.obj))) {
        j->failed = true; // what is on the stack must be given back: no state may forget it
        return to;
    }
    to.mode = o->mode;
    if (o->mode == VCELL_SPECIAL) return to;
    to.init = (uint8_t)(VPLANT(18) ? o->init | n->init : o->init & n->init);
    to.zero = (uint8_t)(VPLANT(19) ? zero_of(o) | zero_of(n) : zero_of(o) & zero_of(n));
    bool one_pointer = is_pointer_cell(o) != is_pointer_cell(n);
    if (one_pointer && to.init) {
        if (!j->force) j->failed = true;
        memset(&to, 0, sizeof to);
        return to;
    }
    if (o->lo_size && o->lo_size == n->lo_size) {
        to.lo = join_value(j, &o->lo, &n->lo);
        if (to.lo.kind != V_UNINIT) to.lo_size = o->lo_size;
        else if (o->lo_size == 8) memset(&to, 0, sizeof to);
    }
    if (o->hi_size && o->hi_size == n->hi_size && to.lo_size != 8) {
        to.hi = join_value(j, &o->hi, &n->hi);
        if (to.hi.kind != V_UNINIT) to.hi_size = o->hi_size;
    }
    return to;
}

static bool join_frame(joiner *j, uint32_t f)
{
    const vframe *o = j->old->frames[f], *n = j->now->frames[f];
    vframe *to = vstate_push_frame(j->v, j->to);
    if (!to) return false;
    to->kind = o->kind, to->callback_kind = o->callback_kind, to->subprog = o->subprog, to->call_pc = o->call_pc;
    to->context = o->context, to->parked = o->parked, to->written = o->written | n->written;
    to->depth_bytes = o->depth_bytes > n->depth_bytes ? o->depth_bytes : n->depth_bytes;
    for (unsigned r = 0; r < PST_REG_COUNT - 1; r++) to->regs[r] = join_value(j, &o->regs[r], &n->regs[r]);
    uint32_t cells = vframe_span(o) > vframe_span(n) ? vframe_span(o) : vframe_span(n);
    for (uint32_t c = 0; c < cells && !j->failed; c++) to->cells[c] = join_cell(j, vframe_cell(o, c), vframe_cell(n, c));
    to->cell_count = cells;
    return !j->failed;
}

// --- The rest -------------------------------------------------------------------------------------------------

static uint32_t joined_id(const joiner *j, uint32_t old_id)
{
    for (uint32_t i = 0; old_id && i < j->old->obj_count && i < OBJS_MAX; i++)
        if (j->old->objs[i].kind != VO_FREE && j->old->objs[i].id == old_id && j->objs_old[i] != UINT16_MAX) return j->to->objs[j->objs_old[i]].id;
    return 0;
}

static bool same_link(const joiner *j, uint32_t o, uint32_t n)
{
    if (o == 0 || n == 0) return o == n;
    for (uint32_t i = 0; i < j->old->obj_count && i < OBJS_MAX; i++) {
        if (j->old->objs[i].id != o || j->old->objs[i].kind == VO_FREE) continue;
        for (uint32_t k = 0; k < j->now->obj_count && k < OBJS_MAX; k++)
            if (j->now->objs[k].id == n && j->now->objs[k].kind != VO_FREE) return j->objs_old[i] == j->objs_now[k];
    }
    return false;
}

static bool join_leftovers(joiner *j)
{
    uint16_t unused;
    for (uint32_t i = 0, k = 0; i < j->old->obj_count; i++) {
        const vobj *o = &j->old->objs[i];
        if (o->kind == VO_FREE || j->objs_old[i] != UINT16_MAX || !(o->flags & VOBJ_MUST_RELEASE)) continue;
        while (k < j->now->obj_count && (j->objs_now[k] != UINT16_MAX || !(j->now->objs[k].flags & VOBJ_MUST_RELEASE))) k++;
        if (k == j->now->obj_count || !join_obj(j, (uint16_t)i, (uint16_t)k, &unused)) return false;
    }
    for (uint32_t k = 0; k < j->now->obj_count; k++)
        if (j->now->objs[k].kind != VO_FREE && (j->now->objs[k].flags & VOBJ_MUST_RELEASE) && j->objs_now[k] == UINT16_MAX) return false;
    return true;
}

// Parents, references and locks name objects by id: those of old are put in the result's terms.
static bool join_links(joiner *j)
{
    if (!join_leftovers(j)) return false;
    for (uint32_t i = 0; i < j->old->obj_count; i++) {
        if (j->objs_old[i] == UINT16_MAX) continue;
        const vobj *o = &j->old->objs[i], *n = NULL;
        for (uint32_t k = 0; k < j->now->obj_count && !n; k++)
            if (j->objs_now[k] == j->objs_old[i]) n = &j->now->objs[k];
        vobj *to = &j->to->objs[j->objs_old[i]];
        if (!n || !same_link(j, o->ref, n->ref) || (!same_link(j, o->parent, n->parent) && (o->parent || n->parent))) return false;
        to->ref = joined_id(j, o->ref);
        to->parent = joined_id(j, o->parent);
        if ((o->ref && !to->ref) || (o->parent && !to->parent)) return false;
    }
    const vstate *o = j->old, *n = j->now;
    if (o->lock_count != n->lock_count || o->rcu_depth != n->rcu_depth || o->preempt_depth != n->preempt_depth) return false;
    if (!same_link(j, o->irq_id, n->irq_id)) return false;
    for (uint32_t i = 0; i < o->lock_count; i++) {
        const vlock *a = &o->locks[i], *b = &n->locks[i];
        bool direct = a->obj_id & 0x80000000u;
        if (a->kind != b->kind || a->offset != b->offset || (direct ? a->obj_id != b->obj_id : !same_link(j, a->obj_id, b->obj_id))) return false;
        j->to->locks[i] = *a;
        if (!direct) j->to->locks[i].obj_id = joined_id(j, a->obj_id);
    }
    j->to->lock_count = o->lock_count, j->to->rcu_depth = o->rcu_depth, j->to->preempt_depth = o->preempt_depth;
    j->to->irq_id = joined_id(j, o->irq_id);
    return true;
}

static bool join_ghosts(joiner *j)
{
    if (j->old->ghost_count != j->now->ghost_count) return false;
    j->in_ghost = true;
    for (uint32_t i = 0; i < j->old->ghost_count; i++) {
        const vghost *o = &j->old->ghosts[i], *n = &j->now->ghosts[i];
        if (o->loop != n->loop || o->frame != n->frame) return false;
        vghost to = {.loop = o->loop, .frame = o->frame, .up = {.kind = V_NUMBER}, .down = {.kind = V_NUMBER}};
        join_number(j, &o->up, &n->up, &to.up);
        join_number(j, &o->down, &n->down, &to.down);
        if (!vghost_add(j->v, j->to, &to)) return false;
    }
    j->in_ghost = false;
    return true;
}

// Notes a - b <= c, the strongest that holds in both states: a bound in each is given.
static void relate(joiner *j, const pair *a, const pair *b, int64_t in_old, int64_t in_now)
{
    int64_t c = in_old > in_now || VPLANT(17) ? in_old : in_now;
    if (c == INT64_MAX || (j->how != VMERGE_JOIN && in_now > in_old)) return; // not stable
    const pst_scalar *ka = &j->to->syms[a->sym], *kb = &j->to->syms[b->sym];
    // Implied by the intervals? Where their difference does not fit, it is greater than c, or so much less that nothing is lost.
    bool above = kb->smin < 0 && ka->smax > INT64_MAX + kb->smin, below = kb->smin > 0 && ka->smax < INT64_MIN + kb->smin;
    if (below || (!above && ka->smax - kb->smin <= c)) return;
    if (j->to->rel_count == RELATIONS_MAX) return;
    // The symbols stand for the whole values, so the offsets are in.
    vrel rel = {a->sym, b->sym, c};
    vrel_push(j->v, j->to, &rel);
}

static bool is_named(const vstate *s, uint32_t sym)
{
    for (uint32_t i = 0; sym && i < s->rel_count; i++)
        if (s->rels[i].a == sym || s->rels[i].b == sym) return true;
    return false;
}

static void join_relations(joiner *j)
{
    if (j->pair_count > RELATED_MAX) {
        uint32_t kept = 0; // those that were related before, or that bound something, first
        for (uint32_t i = 0; i < j->pair_count && kept < 2 * RELATED_MAX; i++) {
            pair p = j->pairs[i];
            if (p.counts || p.measure || is_named(j->old, p.osym) || is_named(j->now, p.nsym)) j->pairs[kept++] = p;
        }
        j->pair_count = kept;
    }
    vvalue in_old[VREL_BOUNDS_MAX], in_now[VREL_BOUNDS_MAX];
    int64_t old_bounds[VREL_BOUNDS_MAX * VREL_BOUNDS_MAX], now_bounds[VREL_BOUNDS_MAX * VREL_BOUNDS_MAX];
    uint32_t count = j->pair_count;
    for (uint32_t i = 0; i < count; i++) {
        in_old[i] = old_of(&j->pairs[i]);
        in_now[i] = now_of(&j->pairs[i]);
    }
    j->v->compared += count * (j->old->rel_count + j->now->rel_count + count / 2) / RELATIONS_PER_COMPARISON;
    vrel_bounds(j->old, in_old, count, old_bounds);
    vrel_bounds(j->now, in_now, count, now_bounds);
    for (uint32_t a = 0; a < count; a++)
        for (uint32_t b = 0; b < count; b++)
            if (a != b && !(j->pairs[a].bare && j->pairs[b].bare)) relate(j, &j->pairs[a], &j->pairs[b], old_bounds[a * count + b], now_bounds[a * count + b]);
}

// The next pair of a symbol of one of the states.
static const pair *pair_of(const joiner *j, uint32_t sym, bool of_now, uint32_t *from)
{
    while (*from < j->pair_count && (of_now ? j->pairs[*from].nsym : j->pairs[*from].osym) != sym) ++*from;
    return *from < j->pair_count ? &j->pairs[(*from)++] : NULL;
}

// a = factor * b + c, if that is so in both states.
static void scale_pair(joiner *j, const pair *a, const pair *b, int64_t factor)
{
    vvalue ao = old_of(a), bo = old_of(b), an = now_of(a), bn = now_of(b);
    int64_t in_old, in_now;
    if (!vscale_holds(j->old, &ao, &bo, factor, &in_old)) return;
    if (!VPLANT(60) && (!vscale_holds(j->now, &an, &bn, factor, &in_now) || in_now != in_old)) return;
    vscale_add(j->to, a->sym, b->sym, factor, in_old);
}

static void keep_scales(joiner *j, const vstate *of, bool of_now)
{
    for (uint32_t i = 0; i < of->scale_count; i++) {
        const vscale *scale = &of->scales[i];
        const pair *a, *b;
        for (uint32_t p = 0; (a = pair_of(j, scale->a, of_now, &p)) != NULL;)
            for (uint32_t q = 0; (b = pair_of(j, scale->b, of_now, &q)) != NULL;) scale_pair(j, a, b, scale->factor);
    }
}

// Multiples that both states have stay. Where two turns of a loop meet they are found: these say how much a number grows in each.
static void join_scales(joiner *j)
{
    keep_scales(j, j->old, false);
    keep_scales(j, j->now, true); // old may be one turn, whose numbers are constants
    // The innermost loop first: what seems to be a multiple of the turns of those around it is so by accident more often.
    const vflow *flow = &j->v->flow;
    for (uint32_t loop = flow->blocks[j->old->block].loop; loop != VFLOW_NONE; loop = flow->loops[loop].parent) {
        const vghost *ghost = vghost_find(j->to, j->to->frame_count - 1, loop);
        const pair *count = NULL;
        for (uint32_t p = 0; ghost && p < j->pair_count && !count; p++)
            if (ghost->up.sym >= VSYM_FIRST && j->pairs[p].sym == ghost->up.sym) count = &j->pairs[p]; // or a number beside it
        for (uint32_t p = 0; count && p < j->pair_count; p++) {
            vvalue ao = old_of(&j->pairs[p]), bo = old_of(count), an = now_of(&j->pairs[p]), bn = now_of(count);
            int64_t factor;
            if (!j->pairs[p].counts && vscale_factor(&ao, &bo, &an, &bn, &factor)) scale_pair(j, &j->pairs[p], count, factor);
        }
    }
}

static void join_lengths(joiner *j)
{
    for (uint32_t k = VSYM_PACKET; k < VSYM_FIRST; k++) {
        vvalue length = {.kind = V_NUMBER, .sym = k};
        j->to->syms[k] = merged_scalar(j, &length, &length);
        j->pairs[j->pair_count++] = (pair){k, k, 0, 0, k, false, true, false};
    }
}

static bool join_all(joiner *j)
{
    join_lengths(j);
    for (uint32_t f = 0; f < j->old->frame_count; f++)
        if (!join_frame(j, f)) return false;
    if (!join_ghosts(j) || !join_links(j) || j->failed) return false;
    join_scales(j); // before pairs are dropped
    join_relations(j);
    // A relation that held in both holds in the result, so what it says of intervals may be used; but not against a widening, which would begin
    // anew each time.
    return j->how != VMERGE_JOIN || vrel_propagate(j->to, VSYM_NONE);
}

#define TESTED_WEIGHT 64u // of what a branch tests soon, against what is only kept

// --- Choice ---------------------------------------------------------------------------------------------------

static uint32_t value_distance(const vstate *a, const vvalue *x, const vstate *b, const vvalue *y)
{
    if (x->kind == V_UNINIT || y->kind == V_UNINIT) return x->kind == y->kind ? 0 : 2;
    if (x->kind != y->kind || (x->kind != V_NUMBER && x->obj != y->obj)) return 64;
    if (x->sym == VSYM_ANY || y->sym == VSYM_ANY) return x->sym != y->sym;
    if (x->sym == VSYM_NONE && y->sym == VSYM_NONE) return x->off == y->off ? 0 : 16;
    if (x->sym == VSYM_NONE || y->sym == VSYM_NONE) return 8;
    if (x->off == 0 && y->off == 0) return pst_scalar_equal(&a->syms[x->sym], &b->syms[y->sym]) ? 0 : 1;
    pst_scalar kx = vvalue_scalar(a, x), ky = vvalue_scalar(b, y);
    return pst_scalar_equal(&kx, &ky) ? 0 : 1;
}

static uint32_t cell_distance(const vstate *a, const vcell *m, const vstate *b, const vcell *n, uint32_t weight)
{
    uint32_t sum = m->init != n->init ? 2 : 0;
    if (m->lo_size != n->lo_size) return sum + 4 * weight;
    return m->lo_size ? sum + weight * value_distance(a, &m->lo, b, &n->lo) : sum;
}

// tested: cells that branches to come look at.
static uint32_t stack_distance(const vstate *a, const vframe *x, const vstate *b, const vframe *y, uint64_t tested)
{
    static const vcell empty;
    uint32_t span = vframe_span(x) < vframe_span(y) ? vframe_span(x) : vframe_span(y), sum = 0;
    const vcell *next = x->cells;
    for (uint32_t c = 0; c < span; c++) {
        const vcell *m = !x->packed ? &x->cells[c] : x->used >> c & 1 ? next++ : &empty;
        sum += cell_distance(a, m, b, vframe_cell(y, c), tested >> c & 1 ? TESTED_WEIGHT : 1);
    }
    return sum;
}

uint32_t vmerge_distance(const verifier *v, const vstate *a, const vstate *b, uint32_t enough)
{
    uint32_t sum = 0, frames = a->frame_count < b->frame_count ? a->frame_count : b->frame_count;
    // Turns of a loop are joined last: much of what is known in one is false in the next.
    for (uint32_t i = 0; i < a->ghost_count && i < b->ghost_count; i++) sum += 256 * value_distance(a, &a->ghosts[i].up, b, &b->ghosts[i].up);
    for (uint32_t k = VSYM_PACKET; k < VSYM_FIRST; k++) sum += 16u * (pst_scalar_equal(&a->syms[k], &b->syms[k]) ? 0 : 1);
    for (uint32_t f = frames; f-- > 0 && sum <= enough;) {
        const vframe *x = a->frames[f], *y = b->frames[f];
        const vflow_block *block = f + 1 == a->frame_count ? &v->flow.blocks[a->block] : NULL;
        for (unsigned r = 0; r < PST_REG_COUNT - 1; r++) {
            uint32_t weight = block && (block->tested_regs >> r & 1) ? TESTED_WEIGHT : block ? 2 : 1;
            sum += weight * value_distance(a, &x->regs[r], b, &y->regs[r]);
        }
        if (sum <= enough) sum += stack_distance(a, x, b, y, block ? block->tested_slots : 0);
    }
    return sum;
}

vstate *vmerge_join(verifier *v, const vstate *old, const vstate *now, vmerge_how how, bool force)
{
    if (old->frame_count != now->frame_count || old->obj_count > OBJS_MAX || now->obj_count > OBJS_MAX) return NULL;
    joiner j = {.v = v, .old = old, .now = now, .how = how, .force = force};
    memset(j.objs_old, 0xff, sizeof j.objs_old);
    memset(j.objs_now, 0xff, sizeof j.objs_now);
    j.to = vstate_new(v);
    if (!j.to) return NULL;
    j.to->pc = old->pc, j.to->block = old->block, j.to->wakes = old->wakes, j.to->origin = now->origin;
    j.to->blurred = true;
    if (!join_all(&j)) {
        vstate_free(v, j.to);
        return NULL;
    }
    return j.to;
}
