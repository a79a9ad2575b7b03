// splice.c: takes the state of a call apart into what the callee can see and what only the caller knows, and puts it together again behind the call.
//
// Why it is sound. The callee reaches the caller's memory only through pointers to its stack that it is handed, and it reads there what
// flow_stack.c says at most (liveness rests on the same claim). So a run of the callee depends on nothing else of the caller's frames, and it
// changes nothing else but in four ways, each of which is seen in the states inside:
//   * it writes cells of the caller's stack: each cell that a store may touch is marked (vframe.written); behind the call those hold what the callee
//     left there, all others what the caller had;
//   * it gives back a reference, or puts it elsewhere: each object that may die has a pointer among the anchors, which dies with it; what the caller has of the
//     object dies behind the call then;
//   * it moves the packet: the anchor that points to the packet dies;
//   * what it opens (locks, sections) is in the state that it leaves.
// Values never change, so what the callee found out about a value that it was given holds for the caller's copies too. Anchors link the two, and so does a
// cell that was not written. States with what ends for many objects at once (locks, RCU, objects on the stack) are not taken apart.
#include <string.h>

#include "verify/merge.h"
#include "verify/summary.h"

// --- The plan -----------------------------------------------------------------------------------------------------

// What holds or ends for many objects at once, by rules that look at all of them.
static bool is_entangled(const vstate *s)
{
    if (s->lock_count || s->rcu_depth || s->preempt_depth || s->irq_id) return true;
    for (uint32_t i = 0; i < s->obj_count; i++) {
        const vobj *o = &s->objs[i];
        if (o->kind == VO_FREE) continue;
        if (o->kind == VO_DYNPTR || o->kind == VO_ITER || o->kind == VO_IRQ || (o->flags & (VOBJ_RCU | VOBJ_NON_OWNING))) return true;
    }
    return false;
}

static bool is_named(const vstate *s, uint32_t id)
{
    for (uint32_t i = 0; i < s->obj_count; i++)
        if (s->objs[i].kind != VO_FREE && (s->objs[i].ref == id || s->objs[i].parent == id)) return true;
    return false;
}

// Whether the object, or what is linked to it, can die before the program does. Slices of the packet die with that.
static bool is_mortal(const vstate *s, const vobj *o)
{
    return o->kind != VO_FREE && (o->ref || o->parent || (o->flags & VOBJ_MUST_RELEASE) || is_named(s, o->id));
}

static bool find_mortals(const vstate *call, vsplice_plan *plan)
{
    plan->mortal_count = 0;
    for (uint32_t i = 0; i < call->obj_count; i++) {
        if (!is_mortal(call, &call->objs[i])) continue;
        if (plan->mortal_count == VSPLICE_MORTALS) return false;
        plan->mortals[plan->mortal_count++] = (uint16_t)i;
    }
    return true;
}

typedef struct marks {
    uint32_t *words; // by symbol, then by object: 1: the caller has it
    const vstate *s;
    bool packet;
} marks;

static void mark_value(marks *m, const vvalue *value)
{
    if (value->kind == V_UNINIT) return;
    if (value->kind == V_PACKET || value->kind == V_META || value->kind == V_PACKET_END) m->packet = true;
    if (value->kind == V_PTR) {
        m->words[m->s->sym_count + value->obj] = 1;
        if (m->s->objs[value->obj].flags & VOBJ_SLICE_OF_PACKET) m->packet = true;
    }
    if (value->sym == VSYM_NONE || value->sym == VSYM_ANY) return;
    if (value->sym < VSYM_FIRST) m->packet = true;
    m->words[value->sym] = 1;
}

static void mark_frame(marks *m, const vframe *frame)
{
    for (unsigned r = 0; r < PST_REG_COUNT - 1; r++) mark_value(m, &frame->regs[r]);
    for (uint32_t c = 0; c < frame->cell_count; c++) {
        const vcell *cell = &frame->cells[c];
        if (cell->lo_size) mark_value(m, &cell->lo);
        if (cell->hi_size) mark_value(m, &cell->hi);
    }
}

// Whether it matters behind the call that two pointers lead to the same object: it may be null, or hold a lock.
static bool is_told_apart(const vobj *o) { return (o->flags & VOBJ_MAYBE_NULL) != 0 || o->record_count > 0; }

bool vsplice_plan_call(verifier *v, const vstate *call, vsplice_plan *plan)
{
    *plan = (vsplice_plan){0};
    if (is_entangled(call) || !find_mortals(call, plan)) return false;
    uint32_t callee = call->frame_count - 1;
    marks m = {.words = verifier_scratch(v, call->sym_count + call->obj_count), .s = call};
    if (!m.words) return false;
    for (uint32_t f = 0; f < callee; f++) mark_frame(&m, call->frames[f]);
    for (uint32_t i = 0; i < call->ghost_count; i++) {
        mark_value(&m, &call->ghosts[i].up);
        mark_value(&m, &call->ghosts[i].down);
    }
    for (uint32_t i = 0; i < call->rel_count; i++) m.words[call->rels[i].a] = m.words[call->rels[i].b] = 1;
    for (unsigned r = 1; r <= PST_ARGS_MAX; r++) {
        const vvalue *value = &call->frames[callee]->regs[r];
        bool constant = value->kind == V_NUMBER && value->sym == VSYM_NONE; // costs nothing, and when joined with others it may be a loop's count
        bool number = value->kind != V_UNINIT && value->sym != VSYM_NONE && value->sym != VSYM_ANY && m.words[value->sym];
        bool object = value->kind == V_PTR && m.words[call->sym_count + value->obj] && is_told_apart(&call->objs[value->obj]);
        if (constant || number || object) plan->wanted |= (uint16_t)(1u << r);
    }
    plan->packet = m.packet;
    return true;
}

// --- What the callee sees -----------------------------------------------------------------------------------------

// Slots of a waiting frame that the callee, or what that calls, may read.
static uint64_t visible_slots(const verifier *v, const vstate *call, uint32_t frame)
{
    if (call->frames[frame]->parked) return UINT64_MAX;
    return v->flow.blocks[v->flow.block_of[call->frames[frame + 1]->call_pc]].handed_slots;
}

// The frames that pointers lead to, bit by frame: from the arguments, and on from the cells that are read through them.
static uint32_t reached_frames(const verifier *v, const vstate *call)
{
    uint32_t callee = call->frame_count - 1, reached = 0, done = 0;
    for (unsigned r = 1; r <= PST_ARGS_MAX; r++) {
        const vvalue *value = &call->frames[callee]->regs[r];
        if (value->kind == V_STACK) reached |= 1u << value->obj;
    }
    while (reached & ~done) {
        uint32_t f = (uint32_t)PST_CTZ64(reached & ~done);
        done |= 1u << f;
        if (f >= callee) continue;
        const vframe *frame = call->frames[f];
        uint64_t visible = visible_slots(v, call, f);
        for (uint32_t c = 0; c < vframe_span(frame); c++) {
            const vcell *cell = vframe_cell(frame, c);
            if ((visible >> c & 1) && cell->lo_size == 8 && cell->lo.kind == V_STACK) reached |= 1u << cell->lo.obj;
        }
    }
    return reached;
}

static void park(vframe *frame, uint64_t kept)
{
    frame->parked = true;
    frame->written = 0;
    frame->context = 0;
    memset(frame->regs, 0, sizeof frame->regs);
    for (uint32_t c = 0; c < frame->cell_count; c++)
        if (!(kept >> c & 1)) memset(&frame->cells[c], 0, sizeof frame->cells[c]);
}

vstate *vsplice_entry(verifier *v, const vstate *call, const vsplice_plan *plan)
{
    vstate *entry = vstate_new(v);
    if (!entry || !vstate_assign(v, entry, call)) {
        vstate_free(v, entry);
        return NULL;
    }
    uint32_t callee = call->frame_count - 1, reached = reached_frames(v, call), kept = 0;
    for (uint32_t f = 0; f < callee; f++) park(entry->frames[f], reached >> f & 1 ? visible_slots(v, call, f) : 0);
    for (uint32_t i = 0; i < entry->ghost_count; i++)
        if (entry->ghosts[i].frame == callee) entry->ghosts[kept++] = entry->ghosts[i];
    entry->ghost_count = kept;
    vvalue *anchors = entry->frames[callee - 1]->regs;
    for (unsigned r = 1; r <= PST_ARGS_MAX; r++) anchors[r] = entry->frames[callee]->regs[r];
    for (uint32_t i = 0; i < plan->mortal_count; i++) anchors[VANCHOR_MORTAL + i] = vvalue_ptr(plan->mortals[i]);
    anchors[VANCHOR_PACKET] = (vvalue){.kind = V_PACKET};
    entry->origin = VFLOW_NONE;
    entry->blurred = true; // what the caller alone knows is gone
    vmerge_normalise(v, entry);
    return entry;
}

void vsplice_trim(verifier *v, vstate *entry, const vsplice_plan *plan)
{
    vvalue *anchors = entry->frames[entry->frame_count - 2]->regs;
    for (unsigned r = 1; r <= PST_ARGS_MAX; r++)
        if (!(plan->wanted >> r & 1)) anchors[r] = (vvalue){.kind = V_UNINIT};
    if (!plan->packet) anchors[VANCHOR_PACKET] = (vvalue){.kind = V_UNINIT};
    vmerge_normalise(v, entry);
}

// --- Behind the call ----------------------------------------------------------------------------------------------

#define UNBOUND VFLOW_NONE // in splice.objs

typedef struct splice {
    verifier *v;
    vstate *to;          // the caller's state, in which the callee's leavings are put
    const vstate *leave;
    uint32_t callee;     // frame
    vvalue *numbers;     // by symbol of leave: its value in to; V_UNINIT: none so far
    uint32_t *objs;      // by object of leave: object of to
    bool failed;         // no memory
} splice;

// `mine` and `theirs` are one value, in the caller's terms and in those of the state that leaves. False: they cannot be, so no run is both.
static bool bind(splice *p, const vvalue *mine, const vvalue *theirs)
{
    if (mine->kind == V_UNINIT || theirs->kind == V_UNINIT) return true;
    if (mine->kind == V_PTR && vvalue_is_const(theirs) && theirs->off == 0) {
        bool maybe = (p->to->objs[mine->obj].flags & VOBJ_MAYBE_NULL) != 0;
        if (maybe) vobj_resolve_null(p->to, mine->obj, true);
        return maybe || mine->sym != VSYM_NONE || mine->off != 0; // the run that left had null there
    }
    if (mine->kind != theirs->kind) return true; // not known alike: nothing is learned
    if (mine->kind == V_PTR) {
        if (p->objs[theirs->obj] == UNBOUND) p->objs[theirs->obj] = mine->obj;
        if (p->objs[theirs->obj] == mine->obj && !(p->leave->objs[theirs->obj].flags & VOBJ_MAYBE_NULL)) vobj_resolve_null(p->to, mine->obj, false);
    }
    if (theirs->sym == VSYM_ANY || mine->sym == VSYM_ANY) return true;
    pst_scalar known = vvalue_scalar(p->leave, theirs);
    if (!vvalue_refine(p->to, mine, &known)) return false;
    if (theirs->sym < VSYM_FIRST || p->numbers[theirs->sym].kind == V_NUMBER) return true;
    p->numbers[theirs->sym] = (vvalue){.kind = V_NUMBER, .sym = mine->sym, .off = (int64_t)((uint64_t)mine->off - (uint64_t)theirs->off)};
    return true;
}

// The object that may die is alive, given away, known to be null, or dead.
static void settle_mortal(splice *p, uint16_t mine, const vvalue *theirs)
{
    vobj *o = &p->to->objs[mine];
    if (o->kind == VO_FREE || VPLANT(30)) return; // died with another
    if (theirs->kind == V_PTR) {
        const vobj *now = &p->leave->objs[theirs->obj];
        p->objs[theirs->obj] = mine;
        o->flags = (now->flags & ~VOBJ_MAYBE_NULL) | (now->flags & o->flags & VOBJ_MAYBE_NULL);
        if (!now->ref) o->ref = 0;
        if (!now->parent) o->parent = 0;
    } else if (vvalue_is_const(theirs) && theirs->off == 0 && (o->flags & VOBJ_MAYBE_NULL)) {
        vobj_resolve_null(p->to, mine, true);
    } else {
        vobj_kill(p->v, p->to, o->id);
    }
}

static bool bind_cells(splice *p, uint32_t f)
{
    vframe *mine = p->to->frames[f];
    const vframe *theirs = p->leave->frames[f];
    uint32_t span = vframe_span(theirs) < mine->cell_count ? vframe_span(theirs) : mine->cell_count;
    for (uint32_t c = 0; c < span; c++) {
        const vcell *o = vframe_cell(theirs, c), *n = &mine->cells[c];
        if ((theirs->written >> c & 1) || o->mode != VCELL_DATA || n->mode != VCELL_DATA) continue;
        if (o->lo_size && o->lo_size == n->lo_size && !bind(p, &n->lo, &o->lo)) return false;
        if (o->hi_size && o->hi_size == n->hi_size && !bind(p, &n->hi, &o->hi)) return false;
    }
    return true;
}

// --- What the callee left -----------------------------------------------------------------------------------------

static uint16_t import_object(splice *p, uint16_t theirs)
{
    if (p->objs[theirs] != UNBOUND) return (uint16_t)p->objs[theirs];
    uint16_t made = vobj_new(p->v, p->to, &p->leave->objs[theirs]); // its links are still theirs: see link_objects
    if (made == UINT16_MAX) {
        p->failed = true;
        return 0;
    }
    p->objs[theirs] = made;
    return made;
}

static vvalue import_value(splice *p, const vvalue *theirs)
{
    vvalue value = *theirs;
    if (value.kind == V_UNINIT || value.kind == V_PACKET_END || value.kind == V_MAP || value.kind == V_FUNC) return value;
    if (value.kind == V_PTR) value.obj = import_object(p, value.obj);
    if (value.sym < VSYM_FIRST || value.sym == VSYM_ANY) return value;
    vvalue *known = &p->numbers[value.sym];
    if (known->kind == V_UNINIT) {
        uint32_t sym = vsym_new(p->v, p->to, &p->leave->syms[value.sym]);
        if (!sym) p->failed = true;
        *known = (vvalue){.kind = V_NUMBER, .sym = sym};
    }
    value.sym = known->sym;
    value.off = (int64_t)((uint64_t)value.off + (uint64_t)known->off);
    return value;
}

static void import_cells(splice *p, uint32_t f)
{
    const vframe *theirs = p->leave->frames[f];
    vframe *mine = p->to->frames[f];
    for (uint64_t left = VPLANT(31) ? 0 : theirs->written; left; left &= left - 1) {
        uint32_t c = (uint32_t)PST_CTZ64(left);
        vcell cell = *vframe_cell(theirs, c);
        if (cell.mode == VCELL_SPECIAL) cell.obj = import_object(p, cell.obj);
        if (cell.lo_size) cell.lo = import_value(p, &cell.lo);
        if (cell.hi_size) cell.hi = import_value(p, &cell.hi);
        *vstack_cell(p->to, f, c) = cell;
    }
    if (mine->parked) mine->written |= theirs->written;
}

static bool index_of(const vstate *s, uint32_t id, uint16_t *out)
{
    for (uint32_t i = 0; id && i < s->obj_count; i++) {
        if (s->objs[i].kind == VO_FREE || s->objs[i].id != id) continue;
        *out = (uint16_t)i;
        return true;
    }
    return false;
}

// An id of leave, in the terms of to. What is not there any more is a name that nothing has.
static uint32_t import_id(splice *p, uint32_t id)
{
    uint16_t theirs;
    if (!id) return 0;
    if (!index_of(p->leave, id, &theirs)) return p->to->next_id++;
    uint16_t mine = import_object(p, theirs);
    return p->to->objs[mine].id;
}

static void import_rest(splice *p)
{
    const vstate *s = p->leave;
    for (uint32_t i = 0; i < s->obj_count; i++)
        if (s->objs[i].kind != VO_FREE && (s->objs[i].flags & VOBJ_MUST_RELEASE)) (void)import_object(p, (uint16_t)i);
    for (uint32_t i = 0; i < s->lock_count; i++) {
        vlock lock = s->locks[i];
        if (!(lock.obj_id & 0x80000000u)) lock.obj_id = import_id(p, lock.obj_id);
        p->to->locks[p->to->lock_count++] = lock;
    }
    p->to->rcu_depth = s->rcu_depth;
    p->to->preempt_depth = s->preempt_depth;
    p->to->irq_id = import_id(p, s->irq_id);
}

// Links of the objects that the callee made. Those of the caller's own have theirs; bound: which those are.
static void link_objects(splice *p, const bool *bound)
{
    const vstate *s = p->leave;
    for (bool more = true; more;) { // a link may lead to one more object
        more = false;
        for (uint32_t i = 0; i < s->obj_count; i++) {
            uint16_t other;
            if (p->objs[i] == UNBOUND || bound[i]) continue;
            if (index_of(s, s->objs[i].ref, &other) && p->objs[other] == UNBOUND) (void)import_object(p, other), more = true;
            if (index_of(s, s->objs[i].parent, &other) && p->objs[other] == UNBOUND) (void)import_object(p, other), more = true;
            if (p->failed) return;
        }
    }
    for (uint32_t i = 0; i < s->obj_count; i++) {
        if (p->objs[i] == UNBOUND || bound[i]) continue;
        uint32_t ref = import_id(p, s->objs[i].ref), parent = import_id(p, s->objs[i].parent);
        p->to->objs[p->objs[i]].ref = ref;
        p->to->objs[p->objs[i]].parent = parent;
    }
}

static bool import_relations(splice *p)
{
    for (uint32_t i = 0; i < p->leave->rel_count; i++) {
        const vrel *rel = &p->leave->rels[i];
        vvalue a = {.kind = V_NUMBER, .sym = rel->a}, b = {.kind = V_NUMBER, .sym = rel->b};
        if (rel->a >= VSYM_FIRST) a = p->numbers[rel->a];
        if (rel->b >= VSYM_FIRST) b = p->numbers[rel->b];
        if (a.kind == V_NUMBER && b.kind == V_NUMBER && !vrel_add(p->v, p->to, &a, &b, rel->c)) return false;
    }
    return true;
}

// --- The whole ----------------------------------------------------------------------------------------------------

// What died inside dies outside. Then everything that is one value on both sides is bound. False: no run is both.
static bool bind_all(splice *p, const vsplice_plan *plan)
{
    const vvalue *anchors = p->leave->frames[p->callee - 1]->regs;
    for (uint32_t i = 0; i < plan->mortal_count; i++) settle_mortal(p, plan->mortals[i], &anchors[VANCHOR_MORTAL + i]);
    // Where the caller has nothing that depends on the packet, nobody looked; the length is the callee's then.
    if (anchors[VANCHOR_PACKET].kind != V_PACKET && !VPLANT(32)) vstate_packet_moved(p->v, p->to);
    for (uint32_t k = VSYM_PACKET; k < VSYM_FIRST; k++) {
        vvalue length = {.kind = V_NUMBER, .sym = k};
        if (!vvalue_refine(p->to, &length, &p->leave->syms[k])) return false;
    }
    for (unsigned r = 1; r <= PST_ARGS_MAX; r++) {
        const vvalue *mine = &p->to->frames[p->callee]->regs[r];
        if (!bind(p, mine, &anchors[r])) return false;
    }
    for (uint32_t f = 0; f < p->callee; f++)
        if (!bind_cells(p, f)) return false;
    return true;
}

static bool put_together(splice *p, const vsplice_plan *plan, bool *bound)
{
    if (!bind_all(p, plan)) return false;
    for (uint32_t i = 0; i < p->leave->obj_count; i++) bound[i] = p->objs[i] != UNBOUND;
    vstate_pop_frame(p->v, p->to);
    for (uint32_t f = 0; f < p->callee && !p->failed; f++) import_cells(p, f);
    vvalue result = import_value(p, &p->leave->frames[p->callee - 1]->regs[0]);
    vreg_set(p->to, 0, result);
    import_rest(p);
    if (!p->failed) link_objects(p, bound);
    return p->failed || import_relations(p);
}

bool vsplice_return(verifier *v, const vstate *call, const vstate *leave, vstate **out)
{
    vsplice_plan plan;
    bool bound[UINT8_MAX + 1] = {0};
    uint32_t objs[UINT8_MAX + 1];
    *out = NULL;
    if (!find_mortals(call, &plan) || leave->obj_count > UINT8_MAX) return false;
    splice p = {.v = v, .to = vstate_new(v), .leave = leave, .callee = call->frame_count - 1, .objs = objs,
                .numbers = pst_alloc(v->env, leave->sym_count * sizeof(vvalue))};
    memset(objs, 0xff, sizeof objs);
    p.failed = !p.to || !p.numbers || !vstate_assign(v, p.to, call);
    bool feasible = false;
    if (!p.failed) {
        memset(p.numbers, 0, leave->sym_count * sizeof *p.numbers);
        feasible = put_together(&p, &plan, bound);
    }
    pst_free(v->env, p.numbers, leave->sym_count * sizeof *p.numbers);
    if (p.to) p.to->blurred = true;
    if (!p.failed && feasible) *out = p.to;
    else vstate_free(v, p.to);
    return !p.failed;
}
