// covers.c: whether one state stands for every run that another stands for.
//
// The claim: if vmerge_covers(old, now), then each concrete state that now describes is described by old. Symbols of old are matched with
// values of now (one symbol, one value), objects of old with objects of now (one to one); then every interval, known bit and relation that
// old states must follow from what now states. tests/unit/verify/merge_test.c checks it against sets of concrete states.
#include <string.h>

#include "verify/merge.h"

#define SYMS_MAX 1024u
#define OBJS_MAX 64u
#define RELATIONS_PER_COMPARISON 8u // that one closure goes through in the time of a comparison

typedef struct match {
    const vstate *old, *now;
    vvalue *image;       // by symbol of old: the value of now that it equals; kind V_UNINIT: not matched so far
    uint16_t objs[OBJS_MAX];    // by object of old
    bool taken[OBJS_MAX];       // by object of now
    bool strict;
    bool alone;          // one place is looked at by itself: nothing is matched, only what any match needs is asked
    uint32_t closed;     // relations that were looked for by a closure
    uint32_t place;      // where the states were found to differ: see PLACE
} match;

// A place of a state, for vstate.differs: a register or cell of a frame. 0: none.
#define PLACE(frame, index) (1u + ((frame) << 8 | (index)))
#define PLACE_CELLS 16u // index of the first cell

// Whether the value want of now is one that old's symbol may have.
static bool number_fits(const match *m, const vvalue *want, uint32_t sym)
{
    const pst_scalar *limit = &m->old->syms[sym];
    if (VPLANT(12)) {
        pst_scalar now = vvalue_scalar(m->now, want);
        return pst_scalar_in(limit, &now);
    }
    if (want->sym == VSYM_NONE) return pst_scalar_has(limit, (uint64_t)want->off);
    if (want->sym != VSYM_ANY && want->off == 0) return pst_scalar_in(&m->now->syms[want->sym], limit);
    pst_scalar now = vvalue_scalar(m->now, want);
    return pst_scalar_in(&now, limit);
}

static bool same_number(match *m, const vvalue *o, const vvalue *n)
{
    if (o->sym == VSYM_ANY) return true;
    if (o->sym == VSYM_NONE) {
        if (n->sym == VSYM_NONE) return n->off == o->off;
        if (n->sym == VSYM_ANY) return false;
        const pst_scalar *known = &m->now->syms[n->sym];
        return pst_scalar_is_const(known) && known->umin + (uint64_t)n->off == (uint64_t)o->off;
    }
    // o = sym + o.off equals n, so sym equals n - o.off.
    vvalue want = {.kind = V_NUMBER, .sym = n->sym, .off = (int64_t)((uint64_t)n->off - (uint64_t)o->off)};
    if (m->alone) return number_fits(m, &want, o->sym);
    vvalue *image = &m->image[o->sym];
    if (image->kind == V_NUMBER) return image->sym == want.sym && image->off == want.off && want.sym != VSYM_ANY;
    if (!number_fits(m, &want, o->sym)) return false;
    *image = want;
    return true;
}

// An object that may be null covers one that is known not to be.
static bool same_flags(const vobj *o, const vobj *n)
{
    uint32_t differ = o->flags ^ n->flags;
    return differ == 0 || (differ == VOBJ_MAYBE_NULL && (o->flags & VOBJ_MAYBE_NULL));
}

static bool same_obj(match *m, uint16_t o, uint16_t n)
{
    if (o >= OBJS_MAX || n >= OBJS_MAX) return false;
    if (m->alone) return vobj_alike(&m->old->objs[o], &m->now->objs[n]) && same_flags(&m->old->objs[o], &m->now->objs[n]);
    if (m->objs[o] != UINT16_MAX) return m->objs[o] == n;
    if (m->taken[n] || !vobj_alike(&m->old->objs[o], &m->now->objs[n]) || !same_flags(&m->old->objs[o], &m->now->objs[n])) return false;
    m->objs[o] = n;
    m->taken[n] = true;
    return true;
}

static bool same_value(match *m, const vvalue *o, const vvalue *n)
{
    if (o->kind == V_UNINIT) return true;
    if (o->kind != n->kind) return false;
    if (m->strict && (n->flags & VVALUE_CAST) && !(o->flags & VVALUE_CAST)) return false;
    switch ((vkind)o->kind) {
    case V_UNINIT:
    case V_PACKET_END: return true;
    case V_NUMBER: return same_number(m, o, n);
    case V_CTX:
    case V_PACKET:
    case V_META: return same_number(m, o, n);
    case V_STACK: return o->obj == n->obj && same_number(m, o, n);
    case V_MAP:
    case V_FUNC: return o->obj == n->obj;
    case V_PTR: return same_obj(m, o->obj, n->obj) && same_number(m, o, n);
    }
    PST_UNREACHABLE();
}

// --- Stack ----------------------------------------------------------------------------------------------------

static uint8_t bytes_mask(unsigned start, unsigned size) { return (uint8_t)(((1u << size) - 1u) << start); }

// Bytes of the cell that are known to be 0.
static uint8_t zero_bytes(const vcell *cell)
{
    uint8_t zero = cell->zero;
    if (cell->lo_size && vvalue_is_const(&cell->lo))
        for (unsigned i = 0; i < cell->lo_size; i++)
            if (((uint64_t)cell->lo.off >> (8 * i) & 0xff) == 0) zero |= (uint8_t)(1u << i);
    if (cell->hi_size && vvalue_is_const(&cell->hi))
        for (unsigned i = 0; i < cell->hi_size; i++)
            if (((uint64_t)cell->hi.off >> (8 * i) & 0xff) == 0) zero |= (uint8_t)(1u << (4 + i));
    return zero & cell->init;
}

static bool holds_nothing(const vvalue *value) { return value->kind == V_NUMBER && value->sym == VSYM_ANY; }

// The value that old keeps in half a cell, against what now has there.
static bool same_part(match *m, const vvalue *o, unsigned size, unsigned start, const vvalue *n, unsigned n_size, const vcell *now)
{
    if (n_size == size) return same_value(m, o, n);
    if (o->kind != V_NUMBER) return false;
    if (n_size && n->kind != V_NUMBER) return false; // a pointer's bytes are no number
    if (holds_nothing(o)) return true;
    uint8_t mask = bytes_mask(start, size);
    if ((zero_bytes(now) & mask) == mask) {
        vvalue zero = vvalue_const(0);
        return same_value(m, o, &zero);
    }
    pst_scalar known = vvalue_scalar(m->old, o), any = pst_scalar_unknown(size * 8, false);
    if (!pst_scalar_in(&any, &known) || o->sym < VSYM_FIRST) return false;
    if (m->alone) return true;
    if (m->image[o->sym].kind == V_NUMBER) return false;
    m->image[o->sym] = vvalue_any(); // nothing is known of it, and nothing else may be said to equal it
    return true;
}

static bool same_cell(match *m, const vcell *o, const vcell *n)
{
    if (o->mode != n->mode) return false;
    if (o->mode == VCELL_SPECIAL) return same_obj(m, o->obj, n->obj);
    if (!o->init) return true;
    if (o->init & ~n->init) return false;
    if (o->zero && (zero_bytes(o) & ~zero_bytes(n))) return false;
    // What old holds as bytes may not be a pointer in now when pointers must not leak.
    if (m->strict && o->init && !o->lo_size && n->lo_size == 8 && n->lo.kind != V_NUMBER) return false;
    if (o->lo_size && !same_part(m, &o->lo, o->lo_size, 0, &n->lo, n->lo_size, n)) return false;
    return !o->hi_size || same_part(m, &o->hi, o->hi_size, 4, &n->hi, n->hi_size, n);
}

// As vframe_cell, for an arriving state: those are not packed.
static const vcell *cell_of(const vframe *frame, uint32_t c)
{
    static const vcell empty;
    if (frame->packed) return vframe_cell(frame, c);
    return c < frame->cell_count ? &frame->cells[c] : &empty;
}

// Where old has an empty cell, now may have any bytes, but nothing special.
static bool special_matches(const match *m, const vframe *o, const vframe *n)
{
    if (m->now->obj_count == 0) return true;
    uint32_t span = vframe_span(n);
    for (uint32_t c = 0; c < span; c++)
        if (vframe_cell(n, c)->mode == VCELL_SPECIAL && vframe_cell(o, c)->mode != VCELL_SPECIAL) return false;
    return true;
}

static bool same_frame(match *m, uint32_t f)
{
    const vframe *o = m->old->frames[f], *n = m->now->frames[f];
    if (o->kind != n->kind || o->subprog != n->subprog || o->call_pc != n->call_pc || o->callback_kind != n->callback_kind) return false;
    if (o->context != n->context || (n->written & ~o->written)) return false;
    for (unsigned r = 0; r < PST_REG_COUNT - 1; r++) {
        m->place = PLACE(f, r);
        if (!same_value(m, &o->regs[r], &n->regs[r])) return false;
    }
    m->place = 0;
    if (VPLANT(29) && o->parked) return true;
    if (!special_matches(m, o, n)) return false;
    const vcell *next = o->cells; // of a packed frame: those that are not empty
    uint64_t left = o->packed ? o->used : o->cell_count == VCELLS ? UINT64_MAX : ((uint64_t)1 << o->cell_count) - 1;
    for (; left; left &= left - 1) {
        uint32_t c = (uint32_t)PST_CTZ64(left);
        m->place = PLACE(f, PLACE_CELLS + c);
        if (!same_cell(m, next++, cell_of(n, c))) return false;
    }
    m->place = 0;
    return true;
}

// States differ again and again where they differed before: that place is looked at first, by itself.
static bool differs_alone(match *m, uint32_t place)
{
    uint32_t f = (place - 1) >> 8, index = (place - 1) & 255;
    if (place == 0 || f >= m->old->frame_count) return false;
    const vframe *o = m->old->frames[f], *n = m->now->frames[f];
    m->alone = true;
    bool same = index < PLACE_CELLS ? same_value(m, &o->regs[index], &n->regs[index])
                                    : same_cell(m, vframe_cell(o, index - PLACE_CELLS), vframe_cell(n, index - PLACE_CELLS));
    m->alone = false;
    return !same;
}

// --- The rest -------------------------------------------------------------------------------------------------

static bool same_id(const match *m, uint32_t o, uint32_t n)
{
    if (o == 0 || n == 0) return o == n;
    for (uint32_t i = 0; i < m->old->obj_count && i < OBJS_MAX; i++)
        if (m->old->objs[i].kind != VO_FREE && m->old->objs[i].id == o) return m->objs[i] != UINT16_MAX && m->now->objs[m->objs[i]].id == n;
    return false;
}

// References that nothing points to match in order; the links between matched objects must agree.
static bool same_objects(match *m)
{
    for (uint32_t i = 0, j = 0; i < m->old->obj_count && i < OBJS_MAX; i++) {
        if (m->objs[i] != UINT16_MAX || m->old->objs[i].kind == VO_FREE) continue;
        while (j < m->now->obj_count && (m->now->objs[j].kind == VO_FREE || m->taken[j])) j++;
        if (j == m->now->obj_count || !same_obj(m, (uint16_t)i, (uint16_t)j)) return false;
    }
    for (uint32_t j = 0; j < m->now->obj_count; j++)
        if (!m->taken[j] && (m->now->objs[j].flags & VOBJ_MUST_RELEASE) && !VPLANT(14)) return false;
    for (uint32_t i = 0; i < m->old->obj_count; i++) {
        if (m->objs[i] == UINT16_MAX) continue;
        const vobj *o = &m->old->objs[i], *n = &m->now->objs[m->objs[i]];
        bool parent_gone = o->parent && n->parent && !same_id(m, o->parent, n->parent);
        if ((o->parent == 0) != (n->parent == 0) || (o->ref == 0) != (n->ref == 0)) return false;
        if (parent_gone || (o->ref && !same_id(m, o->ref, n->ref))) return false;
    }
    return true;
}

static bool same_sections(const match *m)
{
    const vstate *o = m->old, *n = m->now;
    if (o->lock_count != n->lock_count || o->rcu_depth != n->rcu_depth || o->preempt_depth != n->preempt_depth) return false;
    if (!same_id(m, o->irq_id, n->irq_id) && o->irq_id != n->irq_id) return false;
    for (uint32_t i = 0; i < o->lock_count; i++) {
        const vlock *a = &o->locks[i], *b = &n->locks[i];
        if (a->kind != b->kind || a->offset != b->offset) return false;
        if (a->obj_id & 0x80000000u ? a->obj_id != b->obj_id : !same_id(m, a->obj_id, b->obj_id)) return false;
    }
    return true;
}

static bool same_ghosts(match *m)
{
    if (m->old->ghost_count != m->now->ghost_count) return false;
    for (uint32_t i = 0; i < m->old->ghost_count; i++) {
        const vghost *o = &m->old->ghosts[i], *n = &m->now->ghosts[i];
        if (o->loop != n->loop || o->frame != n->frame || !same_number(m, &o->up, &n->up) || !same_number(m, &o->down, &n->down)) return false;
    }
    return true;
}

static bool implies_relations(match *m)
{
    static const vvalue zero = {.kind = V_NUMBER};
    for (uint32_t i = 0; i < m->old->rel_count && !VPLANT(13); i++) {
        const vrel *rel = &m->old->rels[i];
        const vvalue *a = rel->a ? &m->image[rel->a] : &zero, *b = rel->b ? &m->image[rel->b] : &zero;
        // States of one place mostly have the same relations, in the same order.
        const vrel *like = i < m->now->rel_count ? &m->now->rels[i] : NULL;
        bool same = like && like->a == a->sym && like->b == b->sym && a->off == 0 && b->off == 0 && a->kind == V_NUMBER && b->kind == V_NUMBER;
        if (same && like->c <= rel->c) continue;
        m->closed++;
        if (a->kind != V_NUMBER || b->kind != V_NUMBER || vrel_bound(m->now, a, b) > rel->c) return false;
    }
    return true;
}

static bool implies_scales(const match *m)
{
    for (uint32_t i = 0; i < m->old->scale_count; i++) {
        const vscale *scale = &m->old->scales[i];
        int64_t c;
        if (!vscale_holds(m->now, &m->image[scale->a], &m->image[scale->b], scale->factor, &c) || c != scale->c) return false;
    }
    return true;
}

static bool covers(match *m)
{
    const vstate *old = m->old, *now = m->now;
    memset(m->objs, 0xff, old->obj_count * sizeof *m->objs);
    memset(m->taken, 0, now->obj_count * sizeof *m->taken);
    for (uint32_t k = VSYM_PACKET; k < VSYM_FIRST; k++) {
        m->image[k] = (vvalue){.kind = V_NUMBER, .sym = k};
        const pst_scalar *length = &old->syms[k];
        if (memcmp(length, &now->syms[k], sizeof *length) != 0 && !pst_scalar_in(&now->syms[k], length)) return false;
    }
    if (!same_ghosts(m)) return false; // first: turns of a loop that are kept apart differ in their count
    for (uint32_t f = old->frame_count; f-- > 0;)
        if (!same_frame(m, f)) return false;
    return same_objects(m) && same_sections(m) && implies_scales(m) && implies_relations(m);
}

bool vmerge_covers(verifier *v, vstate *old, const vstate *now)
{
    if (old->frame_count != now->frame_count || old->sym_count > SYMS_MAX || old->obj_count > OBJS_MAX || now->obj_count > OBJS_MAX) return false;
    match m; // its tables are filled by covers
    m.old = old, m.now = now, m.strict = v->strict, m.alone = false, m.place = 0, m.closed = 0;
    for (unsigned i = 0; i < PST_COUNT(old->differs); i++) {
        uint16_t place = old->differs[i];
        if (!differs_alone(&m, place)) continue;
        old->differs[i] = old->differs[0];
        old->differs[0] = place;
        return false;
    }
    m.image = (vvalue *)(void *)verifier_scratch(v, old->sym_count * (uint32_t)(sizeof(vvalue) / sizeof(uint32_t)));
    if (!m.image) return false;
    bool covered = covers(&m);
    v->compared += m.closed * now->rel_count / RELATIONS_PER_COMPARISON;
    if (!covered && m.place) {
        memmove(&old->differs[1], old->differs, sizeof old->differs - sizeof *old->differs);
        old->differs[0] = (uint16_t)m.place;
    }
    return covered;
}
