// replay.c: finds the path to a finding in the engine's graph, and walks it again without joins. See replay.h.
//
// Between two states that are kept there is one way only: a block that is no join has one predecessor. A kept state knows the instruction that it was
// first reached by. So a path is put together backwards from the finding, and is a path of the program, whatever was joined on it.
#include "verify/replay.h"

#include <string.h>

// --- The way ----------------------------------------------------------------------------------------------------------

static bool push_leg(vreplay *r, uint32_t block, uint32_t exit_pc)
{
    if (r->leg_count == VREPLAY_STEPS_MAX) return false;
    r->legs[r->leg_count++] = (vleg){.block = block, .exit_pc = exit_pc, .slot = VFLOW_NONE};
    return true;
}

// From the exit of a block back to the start of the slot's.
static bool push_segment(vreplay *r, const uint32_t *before, uint32_t block, uint32_t exit_pc, uint32_t slot)
{
    const verifier *v = r->v;
    uint32_t start = v->engine->slots[slot].block;
    if (!push_leg(r, block, exit_pc)) return false;
    while (block != start) {
        if (v->flow.blocks[block].is_join || before[block] == VFLOW_NONE) return false;
        block = before[block];
        if (!push_leg(r, block, v->flow.blocks[block].last)) return false;
    }
    r->legs[r->leg_count - 1].slot = slot;
    return true;
}

static void reverse(vreplay *r)
{
    for (uint32_t i = 0, j = r->leg_count; i + 1 < j; i++) {
        vleg moving = r->legs[i];
        r->legs[i] = r->legs[--j];
        r->legs[j] = moving;
    }
}

static uint32_t *predecessors(vreplay *r)
{
    const vflow *flow = &r->v->flow;
    uint32_t *before = pst_arena_array(&r->arena, flow->block_count, sizeof *before);
    if (!before) return NULL;
    memset(before, 0xff, flow->block_count * sizeof *before);
    for (uint32_t b = 0; b < flow->block_count; b++) {
        if (flow->blocks[b].next != VFLOW_NONE) before[flow->blocks[b].next] = b;
        if (flow->blocks[b].target != VFLOW_NONE) before[flow->blocks[b].target] = b;
    }
    return before;
}

bool vreplay_find(vreplay *r, verifier *v, uint32_t detour)
{
    const vengine *e = v->engine;
    *r = (vreplay){.v = v, .finding = v->finding};
    pst_arena_init(&r->arena, v->env, 0);
    r->legs = pst_arena_array(&r->arena, VREPLAY_STEPS_MAX, sizeof *r->legs);
    r->trace = pst_arena_array(&r->arena, VREPLAY_STEPS_MAX, sizeof *r->trace);
    const uint32_t *before = predecessors(r);
    uint32_t slot = e->work ? e->work->origin : VFLOW_NONE, exit_pc = v->finding.pc;
    if (!r->legs || !r->trace || !before || slot == VFLOW_NONE || v->flow.block_of[exit_pc] != e->walk_block) return false;
    bool known = true;
    while (known && slot != VFLOW_NONE) {
        const vslot *at = &e->slots[slot];
        known = push_segment(r, before, v->flow.block_of[exit_pc], exit_pc, slot);
        bool turns = slot == detour && at->grown_from != VFLOW_NONE;
        exit_pc = turns ? at->grown_pc : at->from_pc;
        slot = turns ? at->grown_from : at->parent;
        if (turns) detour = VFLOW_NONE;
    }
    reverse(r);
    return r->leg_count > 0; // a way whose start is not known is one from the middle
}

void vreplay_free(vreplay *r) { pst_arena_free(&r->arena); }

// --- Walking it -------------------------------------------------------------------------------------------------------

vstep vreplay_arrive(verifier *v, vstate *s, uint32_t pc)
{
    vreplay *r = v->engine->replay;
    if (pc == r->expect && !r->taken) {
        r->taken = s;
        s->pc = pc;
        s->block = v->flow.block_of[pc];
    } else {
        vstate_free(v, s);
    }
    return VSTEP_END;
}

static int held_count(const vstate *s) { return (int)(s->lock_count + s->rcu_depth + s->preempt_depth + (s->irq_id != 0)); }

static void note_base(vtrace *t, const vstate *s, const pst_insn *insn)
{
    bool loads = insn->kind == PST_KIND_LOAD || insn->kind == PST_KIND_LOAD_ACQUIRE;
    if (!loads && insn->kind != PST_KIND_STORE && insn->kind != PST_KIND_STORE_RELEASE && insn->kind != PST_KIND_ATOMIC) return;
    t->base = loads ? t->src : t->dst;
    pst_scalar at = vvalue_scalar(s, &t->base);
    t->base_fixed = t->base.kind > V_NUMBER && pst_scalar_is_const(&at);
    t->base_off = t->base_fixed ? at.smin + insn->off : 0;
    if (t->base.kind != V_PTR) return;
    t->base_kind = s->objs[t->base.obj].kind;
    t->desc = s->objs[t->base.obj].desc;
}

static bool note_step(vreplay *r, const vstate *s, uint32_t pc)
{
    const pst_insn *insn = &r->v->image->insns[pc];
    const vframe *frame = vstate_frame(s);
    bool is_call = insn->kind == PST_KIND_CALL || insn->kind == PST_KIND_EXIT;
    if (r->count == VREPLAY_STEPS_MAX) return false;
    vtrace *t = &r->trace[r->count++];
    *t = (vtrace){.pc = pc, .frame = s->frame_count - 1, .frame_kind = frame->kind, .held = (uint8_t)held_count(s), .next_id = s->next_id};
    t->dst = vreg(s, is_call ? 1 : insn->dst);
    t->src = vreg(s, is_call ? 0 : insn->src);
    note_base(t, s, insn);
    if (r->visit) r->visit(r->user, r, s, r->count - 1);
    return true;
}

static void swap(vreplay *r, vstate **s)
{
    vstate_free(r->v, *s);
    *s = NULL;
    vstate *room = vstate_new(r->v);
    if (room && vstate_assign(r->v, room, r->taken)) *s = room;
    else vstate_free(r->v, room);
    vstate_free(r->v, r->taken);
    r->taken = NULL;
}

// Walks one leg. False: the path does not go on like this.
static bool walk_leg(vreplay *r, vstate **s, uint32_t leg)
{
    verifier *v = r->v;
    const vleg *l = &r->legs[leg];
    uint32_t pc = v->flow.blocks[l->block].start, expect = leg + 1 < r->leg_count ? v->flow.blocks[r->legs[leg + 1].block].start : VFLOW_NONE;
    for (;;) {
        vengine *e = v->engine;
        v->pc = pc;
        v->go = VFLOW_NONE;
        r->expect = pc == l->exit_pc ? expect : VFLOW_NONE;
        e->walk_frames = (*s)->frame_count;
        e->walk_block = (*s)->block = l->block;
        e->walk_call_pc = vstate_frame(*s)->call_pc;
        e->walk_kind = vstate_frame(*s)->kind;
        if (!note_step(r, *s, pc)) return false;
        vstep step = vstep_insn(v, *s, &v->image->insns[pc]);
        if (pc == l->exit_pc && expect == VFLOW_NONE)
            return step == VSTEP_REJECT && v->finding.kind == r->finding.kind && v->finding.pc == r->finding.pc;
        if (step != VSTEP_NEXT && step != VSTEP_END) return false;
        uint32_t next = v->go != VFLOW_NONE ? v->go : pc + (v->image->insns[pc].kind == PST_KIND_IMM64 ? 2 : 1);
        if (pc == l->exit_pc) {
            if (step == VSTEP_NEXT && next == expect && !r->taken) return true;
            if (!r->taken) return false;
            swap(r, s);
            return *s != NULL;
        }
        if (step != VSTEP_NEXT || next > l->exit_pc) return false;
        pc = (*s)->pc = next;
    }
}

static vstate *first_state(vreplay *r, uint32_t first, bool fresh)
{
    verifier *v = r->v;
    uint32_t slot = r->legs[first].slot;
    const vstate *kept = slot != VFLOW_NONE && !v->engine->slots[slot].retired ? v->engine->slots[slot].state : NULL;
    bool is_entry = first == 0 && v->flow.blocks[r->legs[0].block].start == v->image->subprogs[v->entry_subprog].start &&
                    slot != VFLOW_NONE && v->engine->slots[slot].parent == VFLOW_NONE && !v->engine->work->wakes;
    vstate *entry = fresh && is_entry ? vcall_entry(v) : NULL, *s = vstate_new(v);
    if (entry) kept = entry;
    bool made = s && kept && vstate_assign(v, s, kept);
    vstate_free(v, entry);
    if (made) return s;
    vstate_free(v, s);
    return NULL;
}

bool vreplay_run(vreplay *r, uint32_t first, bool fresh, vreplay_visit visit, void *user)
{
    verifier *v = r->v;
    vengine *e = v->engine;
    bool blurred = v->blurred, met;
    uint32_t pc = v->pc, frames = e->walk_frames, block = e->walk_block, call_pc = e->walk_call_pc;
    uint8_t kind = e->walk_kind;
    pst_status status = v->status;
    vstate *s = first_state(r, first, fresh);
    r->count = 0;
    r->visit = visit;
    r->user = user;
    e->replay = r;
    met = s != NULL;
    for (r->leg = first; met && r->leg < r->leg_count; r->leg++) met = s && walk_leg(r, &s, r->leg);
    e->replay = NULL;
    vstate_free(v, r->taken);
    r->taken = NULL;
    vstate_free(v, s);
    v->finding = r->finding;
    v->blurred = blurred;
    v->status = status;
    v->pc = pc;
    e->walk_frames = frames, e->walk_block = block, e->walk_call_pc = call_pc, e->walk_kind = kind;
    return met;
}
