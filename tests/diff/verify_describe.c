// verify_describe.c: see verify_describe.h.
//
// A state is described if symbols can be given values and abstract objects concrete ones so that every claim holds. Provenance tells each pointer's object,
// hence its offset, so every value that names a symbol determines it: one pass binds, nothing is searched.
#include "verify_describe.h"

#include "verify/summary.h"

#include <stdio.h>
#include <string.h>

#define SYMS_MAX 2048u
#define OBJS_MAX 256u
#define BOUND_NULL (COBJS_MAX + 1)

typedef struct matcher {
    const vstate *s;
    const cstate *c;
    uint64_t sym[SYMS_MAX];
    bool bound[SYMS_MAX];
    uint16_t objs[OBJS_MAX]; // by abstract object: a cobj, BOUND_NULL, 0: not bound
    char *why;
    size_t why_size, depth;  // depth: how many claims held
} matcher;

static bool no(matcher *m, const char *what, uint32_t where, uint64_t bits)
{
    snprintf(m->why, m->why_size, "%s %u: 0x%llx", what, where, (unsigned long long)bits);
    return false;
}

// sym + off is bits.
static bool match_number(matcher *m, const vvalue *a, uint64_t bits)
{
    m->depth++;
    if (a->sym == VSYM_ANY) return true;
    uint64_t want = bits - (uint64_t)a->off;
    if (a->sym == VSYM_NONE) return want == 0;
    if (a->sym >= SYMS_MAX || a->sym >= m->s->sym_count) return false;
    if (m->bound[a->sym]) return m->sym[a->sym] == want;
    if (!pst_scalar_has(&m->s->syms[a->sym], want)) return false;
    m->bound[a->sym] = true;
    m->sym[a->sym] = want;
    return true;
}

static bool fits(const vobj *o, const cobj *c)
{
    bool is_special = o->kind == VO_DYNPTR || o->kind == VO_ITER || o->kind == VO_IRQ; // their size is that of what they are on the stack
    if ((!c->is_alive && !(o->flags & VOBJ_UNTRUSTED)) || (!is_special && c->size < o->size)) return false;
    if ((o->flags & VOBJ_MUST_RELEASE) && !c->is_held) return false;
    switch ((vobj_kind)o->kind) {
    case VO_MAP_VALUE: return c->kind == CO_VALUE && c->index == o->map;
    case VO_MEM: return c->kind == CO_MEM && (!c->is_rdonly || (o->flags & VOBJ_RDONLY));
    case VO_RINGBUF: return c->kind == CO_RINGBUF && c->index == o->map && c->is_held;
    case VO_SOCK: return c->kind == CO_SOCK && c->desc == o->desc;
    case VO_BTF: return c->kind == CO_BTF;
    case VO_ALLOC: return c->kind == CO_ALLOC && (!c->is_rdonly || (o->flags & VOBJ_RDONLY));
    case VO_DYNPTR: return c->kind == CO_DYNPTR && c->dynptr == (vdynptr_kind)o->dynptr && c->frame == o->frame && c->slot == o->slot;
    case VO_ITER: return c->kind == CO_ITER && c->frame == o->frame && c->slot == o->slot && (!(o->flags & VOBJ_DRAINED) || c->is_drained);
    case VO_IRQ: return c->kind == CO_IRQ && c->frame == o->frame && c->slot == o->slot;
    case VO_FREE: case VO_MAP: case VO_STRUCT: case VO_PERCPU: case VO_REF: break;
    }
    return false;
}

static bool match_object(matcher *m, const vvalue *a, cword w)
{
    const vobj *o = &m->s->objs[a->obj];
    if (a->obj >= OBJS_MAX || a->obj >= m->s->obj_count) return false;
    uint16_t *bound = &m->objs[a->obj];
    if (w.tag == 0) {
        if (w.bits != 0 || !(o->flags & VOBJ_MAYBE_NULL) || (*bound && *bound != BOUND_NULL)) return false;
        *bound = BOUND_NULL;
        return match_number(m, a, 0);
    }
    const cobj *c = &m->c->objs[w.tag];
    if (!fits(o, c) || *bound == BOUND_NULL || (*bound && m->c->objs[*bound].base != c->base)) return false;
    *bound = w.tag;
    return match_number(m, a, w.bits - c->base);
}

static bool match_value(matcher *m, const vvalue *a, cword w)
{
    static const cobj_kind kinds[] = {[V_CTX] = CO_CTX, [V_STACK] = CO_STACK, [V_PACKET] = CO_PACKET, [V_META] = CO_META, [V_PACKET_END] = CO_END,
                                      [V_MAP] = CO_MAP, [V_FUNC] = CO_FUNC, [V_PTR] = CO_NONE};
    const cobj *c = &m->c->objs[w.tag];
    switch ((vkind)a->kind) {
    case V_UNINIT: return true;
    case V_NUMBER: return match_number(m, a, w.bits);
    case V_PTR: return match_object(m, a, w);
    case V_CTX: case V_STACK: case V_PACKET: case V_META: case V_PACKET_END: case V_MAP: case V_FUNC: break;
    }
    if (w.tag == 0 || !c->is_alive || c->kind != kinds[a->kind]) return false;
    if (a->kind == V_PACKET_END) return w.bits == c->base;
    if (a->kind == V_MAP || a->kind == V_FUNC) return w.bits == c->base && c->index == a->obj;
    if (a->kind == V_STACK && c->index != a->obj) return false;
    return match_number(m, a, w.bits - c->base);
}

// --- Frames ---------------------------------------------------------------------------------------------------

static uint64_t load(const uint8_t *bytes, unsigned size)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < size; i++) word |= (uint64_t)bytes[i] << 8 * i;
    return word;
}

// A dynptr, iterator or saved flags, by its object.
static bool match_special(matcher *m, uint16_t index, uint16_t tag)
{
    uint16_t *bound = &m->objs[index];
    if (index >= OBJS_MAX || index >= m->s->obj_count || tag == 0 || (*bound && *bound != tag)) return false;
    *bound = tag;
    return fits(&m->s->objs[index], &m->c->objs[tag]);
}

static bool match_cell(matcher *m, const vcell *cell, const cframe *f, uint32_t n)
{
    size_t at = PST_FRAME_BYTES - 8 * (size_t)(n + 1);
    if (cell->mode != VCELL_DATA) return match_special(m, cell->obj, f->special[at / 8]) || no(m, "special cell", 8 * (n + 1), f->special[at / 8]);
    for (unsigned i = 0; i < 8; i++) {
        if ((cell->init >> i & 1) && !f->init[at + i]) return no(m, "byte that was never written, in cell", 8 * (n + 1), i);
        if ((cell->zero >> i & 1) && f->bytes[at + i]) return no(m, "byte that is not 0, in cell", 8 * (n + 1), i);
    }
    if (cell->lo_size) {
        cword w = {.bits = load(f->bytes + at, cell->lo_size), .tag = cell->lo_size == 8 ? f->tags[at / 8] : 0};
        if (!match_value(m, &cell->lo, w)) return no(m, "cell", 8 * (n + 1), w.bits);
    }
    if (cell->hi_size) {
        cword w = {.bits = load(f->bytes + at + 4, cell->hi_size)};
        if (!match_value(m, &cell->hi, w)) return no(m, "cell's upper half", 8 * (n + 1), w.bits);
    }
    return true;
}

// The registers of a frame that waits outside of a context say what the callee was given (summary.h).
static bool match_anchors(matcher *m, const vframe *a, const cframe *callee)
{
    for (unsigned r = 1; r <= PST_ARGS_MAX; r++)
        if (!match_value(m, &a->regs[r], callee->args[r])) return no(m, "argument", r, callee->args[r].bits);
    bool moved = callee->packet_then != m->c->packet;
    return a->regs[VANCHOR_PACKET].kind != V_PACKET || !moved || no(m, "the packet has moved", 0, 0);
}

static bool match_frame(matcher *m, uint32_t index)
{
    const vframe *a = m->s->frames[index];
    const cframe *f = &m->c->frames[index];
    for (unsigned r = 0; r < PST_REG_COUNT - 1 && !a->parked; r++)
        if (!match_value(m, &a->regs[r], f->regs[r])) return no(m, "r", r, f->regs[r].bits);
    if (a->parked && !match_anchors(m, a, f + 1)) return false;
    for (uint32_t n = 0; n < vframe_span(a); n++)
        if (!match_cell(m, vframe_cell(a, n), f, n)) return false;
    return true;
}

// --- The rest -------------------------------------------------------------------------------------------------

// Turns of the loop, or elements of the iterator, that the ghost counts; -1: there is none.
static int64_t count_of(const matcher *m, const vghost *g)
{
    const cframe *f = &m->c->frames[g->frame];
    if (g->frame >= m->c->frame_count) return -1;
    if (!(g->loop & VGHOST_ITER)) return f->turns[g->loop];
    const cobj *iter = &m->c->objs[f->special[cframe_word(g->loop & ~VGHOST_ITER)]];
    return iter->kind == CO_ITER ? (int64_t)iter->handed : -1;
}

static bool match_ghosts(matcher *m)
{
    for (uint32_t i = 0; i < m->s->ghost_count; i++) {
        const vghost *g = &m->s->ghosts[i];
        int64_t turns = count_of(m, g);
        if (turns < 0) return no(m, "the run is not in loop", g->loop, 0);
        if (!match_number(m, &g->up, (uint64_t)turns) || !match_number(m, &g->down, (uint64_t)-turns)) return no(m, "turns of loop", g->loop, (uint64_t)turns);
    }
    return true;
}

static bool sym_of(const matcher *m, uint32_t sym, int64_t *out)
{
    *out = sym == VSYM_NONE ? 0 : (int64_t)m->sym[sym];
    return sym == VSYM_NONE || (sym < SYMS_MAX && m->bound[sym]);
}

static bool match_relations(matcher *m)
{
    for (uint32_t i = 0; i < m->s->scale_count; i++) {
        const vscale *scale = &m->s->scales[i];
        int64_t a, b;
        if (!sym_of(m, scale->a, &a) || !sym_of(m, scale->b, &b)) continue;
        if ((uint64_t)a != (uint64_t)scale->factor * (uint64_t)b + (uint64_t)scale->c) return no(m, "multiple", i, (uint64_t)a);
    }
    for (uint32_t i = 0; i < m->s->rel_count; i++) {
        const vrel *rel = &m->s->rels[i];
        int64_t a, b;
        if (!sym_of(m, rel->a, &a) || !sym_of(m, rel->b, &b)) continue; // of a symbol that nothing names: some value of it may do
        if (b > 0 && a < INT64_MIN + b) continue; // below any bound
        bool above = b < 0 && a > INT64_MAX + b;
        if (above || a - b > rel->c) return no(m, "relation", i, (uint64_t)a - (uint64_t)b);
    }
    return true;
}

// Each reference that the run holds is one that the state knows.
static bool match_references(matcher *m)
{
    uint32_t held = 0, known = 0;
    for (uint32_t i = 1; i < m->c->obj_count; i++) held += m->c->objs[i].is_alive && m->c->objs[i].is_held;
    for (uint32_t i = 0; i < m->s->obj_count; i++)
        known += m->s->objs[i].kind != VO_FREE && (m->s->objs[i].flags & VOBJ_MUST_RELEASE) && m->objs[i] != BOUND_NULL;
    return held <= known || no(m, "references", held, known);
}

// The lock that the state says is held is the one that the run holds.
static bool match_lock(matcher *m)
{
    const cobj *c = &m->c->objs[m->c->lock];
    if (m->s->lock_count != (m->c->lock != 0)) return false;
    if (m->s->lock_count == 0) return true;
    uint32_t id = m->s->locks[0].obj_id;
    if (id & 0x80000000u) return c->index == (id & ~0x80000000u);
    for (uint32_t i = 0; i < m->s->obj_count; i++)
        if (m->s->objs[i].kind != VO_FREE && m->s->objs[i].id == id && m->objs[i] && m->c->objs[m->objs[i]].base != c->base) return false;
    return true;
}

static bool match_sections(matcher *m)
{
    if (!match_lock(m)) return no(m, "locks", m->c->lock, m->s->lock_count);
    if (m->s->rcu_depth != m->c->rcu_depth) return no(m, "RCU sections", m->c->rcu_depth, m->s->rcu_depth);
    if (m->s->preempt_depth != m->c->preempt_depth) return no(m, "preemption", m->c->preempt_depth, m->s->preempt_depth);
    return (m->s->irq_id != 0) == (m->c->irq_count != 0) || no(m, "interrupts", m->c->irq_count, m->s->irq_id);
}

bool describe_state(const vstate *s, const cstate *c, char *why, size_t why_size)
{
    static matcher m; // large; nothing here is reentrant
    memset(m.bound, 0, sizeof m.bound);
    memset(m.objs, 0, sizeof m.objs);
    m.s = s, m.c = c, m.why = why, m.why_size = why_size, m.depth = 0;
    if (s->sym_count > SYMS_MAX || s->obj_count > OBJS_MAX) return true; // not looked at
    vvalue length = {.kind = V_NUMBER, .sym = VSYM_PACKET}, meta = {.kind = V_NUMBER, .sym = VSYM_META};
    if (!match_number(&m, &length, c->packet_size)) return no(&m, "length of the packet", 0, c->packet_size);
    if (!match_number(&m, &meta, c->meta_size)) return no(&m, "length of the metadata", 0, c->meta_size);
    for (uint32_t f = 0; f < s->frame_count; f++)
        if (!match_frame(&m, f)) return false;
    return match_ghosts(&m) && match_relations(&m) && match_references(&m) && match_sections(&m);
}

static bool same_place(const vstate *s, const cstate *c, uint32_t block)
{
    if (s->block != block || s->frame_count != c->frame_count || s->wakes != c->wakes) return false;
    if (vstate_frame(s)->context == VCONTEXT_CALL) return false; // waits, and is walked in its context
    for (uint32_t f = 0; f < c->frame_count; f++) {
        const vframe *a = s->frames[f];
        const cframe *b = &c->frames[f];
        bool in_context = a->context != 0; // whoever called it
        if (a->kind != b->kind || (!a->parked && (a->subprog != b->subprog || (f > 0 && !in_context && a->call_pc != b->call_pc)))) return false;
    }
    return true;
}

uint32_t describe_location(const verifier *v, const cstate *c, uint32_t block)
{
    const vengine *e = v->engine;
    for (uint32_t l = 0; l < e->location_count; l++)
        if (same_place(e->slots[e->locations[l].first_slot].state, c, block)) return l;
    return VFLOW_NONE;
}

// A callback that runs later may have several locations, one a call that set it; states of any of them may describe its run.
bool describe_kept(const verifier *v, const cstate *c, uint32_t block, char *why, size_t why_size)
{
    const vengine *e = v->engine;
    snprintf(why, why_size, "no state is kept there");
    for (uint32_t l = 0; l < e->location_count; l++) { // of several contexts each may do
        if (!same_place(e->slots[e->locations[l].first_slot].state, c, block)) continue;
        for (uint32_t i = e->locations[l].slots; i != VFLOW_NONE; i = e->slots[i].next)
            if (e->slots[i].covered_by == VFLOW_NONE && describe_state(e->slots[i].state, c, why, why_size)) return true;
    }
    return false;
}
