// normalise.c: the normal form of a state at the head of a block.
//
// What is dead or idle (flow_live.c) is dropped, so that states which differ in it only are equal. Dropping is sound by itself: an unreadable
// register or a forgotten number stands for more runs, never for fewer.
#include <string.h>

#include "verify/merge.h"

typedef struct liveness {
    uint16_t regs, wanted_regs;
    uint64_t slots, wanted_slots;
} liveness;

static liveness live_in(const verifier *v, const vstate *s, uint32_t frame)
{
    if (s->frames[frame]->parked) return (liveness){UINT16_MAX, UINT16_MAX, UINT64_MAX, UINT64_MAX}; // was taken from a live one
    if (frame + 1 == s->frame_count) {
        const vflow_block *b = &v->flow.blocks[s->block];
        return (liveness){b->live_regs, b->wanted_regs, b->live_slots, b->wanted_slots};
    }
    const vflow_block *b = &v->flow.blocks[v->flow.block_of[s->frames[frame + 1]->call_pc]];
    return (liveness){b->waiting_regs, b->waiting_wanted_regs, b->waiting_slots, b->waiting_wanted_slots};
}

static bool is_idle_number(const vvalue *value) { return value->kind == V_NUMBER && value->sym != VSYM_ANY; }

static void forget_number(vvalue *value) { *value = (vvalue){.kind = V_NUMBER, .flags = value->flags, .sym = VSYM_ANY}; }

static bool may_drop_special(const vstate *s, const vcell *cell)
{
    const vobj *o = &s->objs[cell->obj];
    return o->kind == VO_DYNPTR && o->ref == 0;
}

static void drop_in_cells(vstate *s, vframe *frame, const liveness *live)
{
    for (uint32_t c = 0; c < frame->cell_count; c++) {
        vcell *cell = &frame->cells[c];
        bool is_live = live->slots >> c & 1, is_wanted = live->wanted_slots >> c & 1;
        if (!is_live && (cell->mode == VCELL_DATA || may_drop_special(s, cell))) {
            memset(cell, 0, sizeof *cell);
            continue;
        }
        if (is_wanted || cell->mode != VCELL_DATA) continue;
        if (cell->lo_size && cell->lo.kind == V_NUMBER) cell->lo_size = 0;
        if (cell->hi_size && cell->hi.kind == V_NUMBER) cell->hi_size = 0;
        cell->zero = 0;
    }
    while (frame->cell_count) {
        const vcell *last = &frame->cells[frame->cell_count - 1];
        if (last->mode != VCELL_DATA || last->init) break;
        frame->cell_count--;
    }
}

static void drop_dead(const verifier *v, vstate *s)
{
    for (uint32_t f = 0; f < s->frame_count; f++) {
        vframe *frame = s->frames[f];
        liveness live = live_in(v, s, f);
        for (unsigned r = 0; r < PST_REG_COUNT - 1; r++) {
            vvalue *value = &frame->regs[r];
            if (!(live.regs >> r & 1)) *value = (vvalue){.kind = V_UNINIT};
            else if (!(live.wanted_regs >> r & 1) && is_idle_number(value)) forget_number(value);
        }
        drop_in_cells(s, frame, &live);
    }
}

// --- Objects --------------------------------------------------------------------------------------------------

typedef struct obj_walk {
    uint16_t order[UINT8_MAX + 1]; // new index by old; UINT16_MAX: not used so far
    uint16_t count;
    vstate *s;
} obj_walk;

static void use_obj(obj_walk *w, uint16_t obj)
{
    if (obj < PST_COUNT(w->order) && w->order[obj] == UINT16_MAX) w->order[obj] = w->count++;
}

static void visit_obj(void *user, vvalue *value)
{
    obj_walk *w = user;
    if (value->kind == V_PTR) use_obj(w, value->obj);
}

static void renumber_obj(void *user, vvalue *value)
{
    obj_walk *w = user;
    if (value->kind == V_PTR) value->obj = w->order[value->obj];
}

static bool has_lock_in(const vstate *s, uint32_t id)
{
    for (uint32_t i = 0; i < s->lock_count; i++)
        if (s->locks[i].obj_id == id) return true;
    return false;
}

static bool index_by_id(const vstate *s, uint32_t id, uint16_t *out)
{
    for (uint32_t i = 0; id && i < s->obj_count; i++) {
        if (s->objs[i].kind == VO_FREE || s->objs[i].id != id) continue;
        *out = (uint16_t)i;
        return true;
    }
    return false;
}

// Marks what is used: by values, by special cells, by locks, as an acquired reference, as the parent of one that is used.
static void find_used(obj_walk *w)
{
    vstate *s = w->s;
    vstate_each_value(s, visit_obj, w);
    for (uint32_t f = 0; f < s->frame_count; f++)
        for (uint32_t c = 0; c < s->frames[f]->cell_count; c++)
            if (s->frames[f]->cells[c].mode == VCELL_SPECIAL) use_obj(w, s->frames[f]->cells[c].obj);
    for (uint32_t i = 0; i < s->obj_count; i++)
        if (s->objs[i].kind != VO_FREE && ((s->objs[i].flags & VOBJ_MUST_RELEASE) || has_lock_in(s, s->objs[i].id))) use_obj(w, (uint16_t)i);
    for (uint16_t done = 0; done < w->count; done++) // what is added goes behind and is looked at in its turn
        for (uint32_t i = 0; i < s->obj_count; i++) {
            uint16_t other;
            if (w->order[i] != done) continue;
            if (index_by_id(s, s->objs[i].parent, &other)) use_obj(w, other);
            if (index_by_id(s, s->objs[i].ref, &other)) use_obj(w, other);
        }
}

static void order_objects(vstate *s)
{
    obj_walk w;
    if (s->obj_count == 0 || s->obj_count > PST_COUNT(w.order)) return; // too many to number: they stay as they are
    w.s = s;
    w.count = 0;
    memset(w.order, 0xff, sizeof w.order);
    find_used(&w);
    vobj sorted[UINT8_MAX + 1];
    for (uint32_t i = 0; i < s->obj_count; i++)
        if (w.order[i] != UINT16_MAX) sorted[w.order[i]] = s->objs[i];
    if (w.count) memcpy(s->objs, sorted, w.count * sizeof *sorted);
    s->obj_count = w.count;
    vstate_each_value(s, renumber_obj, &w);
    for (uint32_t f = 0; f < s->frame_count; f++)
        for (uint32_t c = 0; c < s->frames[f]->cell_count; c++)
            if (s->frames[f]->cells[c].mode == VCELL_SPECIAL) s->frames[f]->cells[c].obj = w.order[s->frames[f]->cells[c].obj];
}

// --- Symbols --------------------------------------------------------------------------------------------------

typedef struct sym_walk {
    const vstate *s;
    uint32_t *order; // new number by old; 0: not used so far
    uint32_t next;
    bool lengths[VSYM_FIRST]; // [VSYM_PACKET], [VSYM_META]: something is measured by it
} sym_walk;

static void fold_constant(const vstate *s, vvalue *value)
{
    if (value->kind == V_UNINIT || value->sym == VSYM_NONE || value->sym == VSYM_ANY) return;
    if (!pst_scalar_is_const(&s->syms[value->sym])) return;
    value->off = (int64_t)((uint64_t)value->off + s->syms[value->sym].umin);
    value->sym = VSYM_NONE;
}

static void visit_sym(void *user, vvalue *value)
{
    sym_walk *w = user;
    if (value->kind >= V_PACKET && value->kind <= V_PACKET_END) w->lengths[value->kind == V_META ? VSYM_META : VSYM_PACKET] = true;
    fold_constant(w->s, value);
    if (value->kind == V_UNINIT || value->sym == VSYM_NONE || value->sym == VSYM_ANY) return;
    if (w->order[value->sym] == 0) w->order[value->sym] = value->sym < VSYM_FIRST ? value->sym : w->next++;
}

static void renumber_sym(void *user, vvalue *value)
{
    sym_walk *w = user;
    if (value->kind == V_UNINIT || value->sym == VSYM_NONE || value->sym == VSYM_ANY) return;
    value->sym = w->order[value->sym];
}

static void each_number(vstate *s, void (*fn)(void *user, vvalue *value), void *user)
{
    vstate_each_value(s, fn, user);
    for (uint32_t i = 0; i < s->ghost_count; i++) {
        fn(user, &s->ghosts[i].up);
        fn(user, &s->ghosts[i].down);
    }
}

// Symbols that only relations name: eliminated, so that what they linked stays linked.
static void drop_unused_rels(verifier *v, vstate *s, const uint32_t *order)
{
    for (uint32_t i = 0; i < s->rel_count;) {
        uint32_t a = s->rels[i].a, b = s->rels[i].b;
        uint32_t unused = order[a] == 0 ? a : order[b] == 0 ? b : VSYM_NONE;
        if (unused == VSYM_NONE) {
            i++;
            continue;
        }
        vrel_drop(v, s, unused);
        i = 0;
    }
}

static int rel_compare(const vrel *x, const vrel *y)
{
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    return x->b == y->b ? 0 : x->b < y->b ? -1 : 1;
}

static void sort_rels(vstate *s)
{
    for (uint32_t i = 1; i < s->rel_count; i++) {
        vrel moving = s->rels[i];
        uint32_t j = i;
        for (; j > 0 && rel_compare(&moving, &s->rels[j - 1]) < 0; j--) s->rels[j] = s->rels[j - 1];
        s->rels[j] = moving;
    }
}

static void order_symbols(verifier *v, vstate *s)
{
    sym_walk w = {.s = s, .next = VSYM_FIRST};
    w.order = verifier_scratch(v, s->sym_count);
    if (!w.order) return; // stays as it is
    each_number(s, visit_sym, &w);
    for (uint32_t k = VSYM_PACKET; k < VSYM_FIRST; k++) {
        if (w.lengths[k]) w.order[k] = k;
        else if (w.order[k] == 0) s->syms[k] = vsym_length(); // nothing measures by it any more
    }
    drop_unused_rels(v, s, w.order);
    pst_scalar *sorted = verifier_scalars(v, w.next);
    if (!sorted) return;
    for (uint32_t sym = VSYM_FIRST; sym < s->sym_count; sym++)
        if (w.order[sym]) sorted[w.order[sym]] = s->syms[sym];
    if (w.next > VSYM_FIRST) memcpy(&s->syms[VSYM_FIRST], &sorted[VSYM_FIRST], (w.next - VSYM_FIRST) * sizeof *sorted);
    s->sym_count = w.next;
    each_number(s, renumber_sym, &w);
    for (uint32_t i = 0; i < s->rel_count; i++) {
        s->rels[i].a = w.order[s->rels[i].a];
        s->rels[i].b = w.order[s->rels[i].b];
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->scale_count; i++) {
        vscale scale = s->scales[i];
        if (w.order[scale.a] == 0 || w.order[scale.b] == 0) continue;
        scale.a = w.order[scale.a];
        scale.b = w.order[scale.b];
        s->scales[kept++] = scale;
    }
    s->scale_count = kept;
    sort_rels(s);
}

// By frame, loops before iterators: the order in which they came to be depends on the path.
static void order_ghosts(vstate *s)
{
    for (uint32_t i = 1; i < s->ghost_count; i++) {
        vghost moving = s->ghosts[i];
        uint32_t j = i;
        for (; j > 0; j--) {
            const vghost *before = &s->ghosts[j - 1];
            if (before->frame < moving.frame || (before->frame == moving.frame && before->loop < moving.loop)) break;
            s->ghosts[j] = *before;
        }
        s->ghosts[j] = moving;
    }
}

void vmerge_normalise(verifier *v, vstate *s)
{
    drop_dead(v, s);
    order_ghosts(s);
    order_objects(s);
    order_symbols(v, s);
}
