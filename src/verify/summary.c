// summary.c: which calls are made by summary, what was found for each context, and who goes on with it.
//
// A subprogram is walked anew for each way that it is called, until there are as many as paths_max: with two calls in each of seven functions
// that call each other there are 128 ways to the last one. From then on its calls are made by summary. Such a call is kept at the callee's entry like any
// other state (its frame is marked VCONTEXT_CALL), but instead of being walked it is given to a context (summary.h).
//
// Why it is sound. A context's entry state covers the part of the call's state that the callee can see (splice.c), so what was checked, and each fact that was
// noted, inside of the context holds for the call, and each run of the call leaves by one of the context's exits. While a context is still walked,
// exits that come later are handed to all calls that were given to it before. An entry state never changes: one that grows is a new context.
// Calls that fit no context make one; after CONTEXTS_EXACT the entry states of one shape are joined, then widened, so their number is bounded.
//
// Termination. A context's states form a graph of their own (nothing leads into its entry, nothing out of its exits), so terminate.c proves of each that
// runs inside end. In the caller's graph an edge leads from the call to what is behind it. A run that does not end would stay inside of one call, or come
// back to the same depth of calls again and again: both are paths of one of these graphs.
#include <string.h>

#include "verify/summary.h"

#define CONTEXTS_EXACT 8u  // of one subprogram at one depth, before entry states are joined
#define CONTEXTS_MAX 64u   // of one subprogram: further calls are walked each on its own
#define JOINS_PLAIN 2u     // of entry states, before they are widened
#define JOINS_WIDEN 10u    // before what grows is dropped
#define JOIN_TRIES 8u
#define EXIT_SHAPES 32u    // exits beyond those that are kept apart, before types are joined by force
#define SPLICE_COST 60u    // of putting two states together, in comparisons

static vcontext *context_at(const verifier *v, uint32_t id) { return &v->engine->contexts[id - 1]; }

bool vsummary_wanted(verifier *v, vstate *s)
{
    const vengine *e = v->engine;
    vframe *frame = vstate_frame(s);
    if (e->replay || !e->paths || e->paths[frame->subprog] + 1 < e->paths_max) return false;
    return !vengine_knows(v, s, v->image->subprogs[frame->subprog].start);
}

// --- Going on behind a call ---------------------------------------------------------------------------------------

typedef struct walk_mark {
    uint32_t pc, frames, block, call_pc;
    uint8_t kind;
} walk_mark;

// What arrives now comes from the call that made the top frame of s, not from the instruction that is walked.
static walk_mark stand_at_call(verifier *v, const vstate *s)
{
    vengine *e = v->engine;
    walk_mark before = {v->pc, e->walk_frames, e->walk_block, e->walk_call_pc, e->walk_kind};
    const vframe *frame = vstate_frame(s);
    v->pc = v->image->subprogs[frame->subprog].start;
    e->walk_frames = s->frame_count - 1;
    e->walk_block = v->flow.block_of[frame->call_pc];
    e->walk_call_pc = s->frames[s->frame_count - 2]->call_pc;
    e->walk_kind = s->frames[s->frame_count - 2]->kind;
    return before;
}

static void stand_back(verifier *v, const walk_mark *before)
{
    vengine *e = v->engine;
    v->pc = before->pc;
    e->walk_frames = before->frames, e->walk_block = before->block, e->walk_call_pc = before->call_pc, e->walk_kind = before->kind;
}

// The call that was kept at slot `at` goes on behind, where it left the callee with `leave`.
static vstep go_on(verifier *v, uint32_t at, const vstate *leave)
{
    const vslot *slot = &v->engine->slots[at];
    vstate *after = NULL;
    // The order of work walks a context before what comes after its calls, so a call is at hand while exits may come.
    if (!slot->state || slot->retired) return vengine_too_complex(v, "a call was put away before its callee was walked");
    v->compared += SPLICE_COST;
    if (!vsplice_return(v, slot->state, leave, &after)) return vnomem(v);
    if (!after) return VSTEP_END;
    after->origin = at;
    walk_mark before = stand_at_call(v, slot->state);
    vstep step = vengine_arrive(v, after, vstate_frame(slot->state)->call_pc + 1);
    stand_back(v, &before);
    return step;
}

static vstep add_exit(verifier *v, vcontext *c, vstate *leave)
{
    vstate *kept = vstate_pack(v, leave);
    if (!kept || pst_grow(v->env, &c->exits, &c->exit_capacity, c->exit_count + 1, sizeof *c->exits) != PST_OK) {
        vstate_free(v, kept);
        return vnomem(v);
    }
    c->exits[c->exit_count++] = kept;
    return VSTEP_END;
}

// Joins *leave with the exit that is most like it, which it then replaces. *joined: whether it did.
static vstep join_exit(verifier *v, vcontext *c, vstate **leave, bool force, bool *joined)
{
    uint32_t least = UINT32_MAX;
    size_t best = c->exit_count;
    for (size_t i = 0; i < c->exit_count; i++) {
        uint32_t far = vmerge_distance(v, c->exits[i], *leave, least);
        v->compared++;
        if (far < least || best == c->exit_count) least = far, best = i;
    }
    vstate *both = best < c->exit_count ? vmerge_join(v, c->exits[best], *leave, VMERGE_JOIN, force) : NULL;
    *joined = both != NULL;
    if (!both) return VSTEP_END;
    vmerge_normalise(v, both);
    vstate_free(v, *leave);
    *leave = both;
    vstate *kept = vstate_pack(v, both);
    if (!kept) return vnomem(v);
    vstate_free(v, c->exits[best]);
    c->exits[best] = kept;
    return VSTEP_END;
}

static vstep keep_exit(verifier *v, vcontext *c, vstate **leave)
{
    bool joined = false;
    vstep step = VSTEP_END;
    if (c->exit_count >= v->engine->exits_max) step = join_exit(v, c, leave, false, &joined);
    if (step == VSTEP_END && !joined && c->exit_count >= v->engine->exits_max + EXIT_SHAPES) step = join_exit(v, c, leave, true, &joined);
    return step == VSTEP_END && !joined ? add_exit(v, c, *leave) : step;
}

static bool has_exit(verifier *v, const vcontext *c, const vstate *leave)
{
    for (size_t i = 0; i < c->exit_count; i++) {
        v->compared++;
        if (vmerge_covers(v, c->exits[i], leave) || VPLANT(34)) return true;
    }
    return false;
}

vstep vsummary_exit(verifier *v, const vstate *s, uint32_t context)
{
    if (v->engine->replay) return VSTEP_END;
    vcontext *c = context_at(v, context);
    vstate *leave = vstate_clone(v, s);
    if (!leave) return vnomem(v);
    leave->block = v->flow.subs[c->subprog].entry; // one place for all exits
    vmerge_normalise(v, leave);
    vstep step = VSTEP_END;
    if (!has_exit(v, c, leave)) {
        step = keep_exit(v, c, &leave);
        for (size_t i = 0; i < c->caller_count && step == VSTEP_END; i++)
            if (v->engine->slots[c->callers[i]].context == context) step = go_on(v, c->callers[i], leave);
    }
    vstate_free(v, leave);
    return step;
}

// --- Contexts -----------------------------------------------------------------------------------------------------

// The entry state stands for whoever calls like this, so its path is no part of it. It is only kept for the order of work and for people.
static void set_path(vstate *s, const vstate *like, uint32_t context)
{
    for (uint32_t f = 0; f < s->frame_count; f++) {
        s->frames[f]->call_pc = like->frames[f]->call_pc;
        s->frames[f]->subprog = like->frames[f]->subprog;
    }
    vstate_frame(s)->context = context;
}

// Whether what dies inside of the context is seen for this call too (it must be), and what is learned there of arguments.
static bool sees_enough(const vcontext *c, const vsplice_plan *plan)
{
    return c->mortal_count == plan->mortal_count && c->packet >= plan->packet && !(plan->wanted & ~c->anchored);
}

static uint32_t covering_context(verifier *v, vstate *entry, const vsplice_plan *plan)
{
    const vengine *e = v->engine;
    for (uint32_t id = e->context_of[vstate_frame(entry)->subprog]; id; id = context_at(v, id)->next) {
        const vcontext *c = context_at(v, id);
        if (c->entry->frame_count != entry->frame_count || c->is_outgrown || !sees_enough(c, plan)) continue;
        set_path(entry, c->entry, vstate_frame(c->entry)->context);
        v->compared++;
        if (vmerge_covers(v, c->entry, entry) || VPLANT(33)) return id;
    }
    return 0;
}

static uint16_t anchored(const vstate *entry)
{
    uint16_t regs = 0;
    for (unsigned r = 1; r <= PST_ARGS_MAX; r++) regs |= (uint16_t)(entry->frames[entry->frame_count - 2]->regs[r].kind != V_UNINIT ? 1u << r : 0);
    return regs;
}

// An entry state that stands for an older context's and for this one. NULL: there is none of the same shape.
static vstate *joined_entry(verifier *v, vstate *entry, const vsplice_plan *plan, uint32_t *joins)
{
    const vengine *e = v->engine;
    unsigned tries = 0;
    for (uint32_t id = e->context_of[vstate_frame(entry)->subprog]; id && tries < JOIN_TRIES; id = context_at(v, id)->next) {
        vcontext *c = context_at(v, id);
        if (c->entry->frame_count != entry->frame_count || c->is_outgrown || !sees_enough(c, plan) || c->packet != plan->packet) continue;
        tries++;
        set_path(entry, c->entry, vstate_frame(c->entry)->context);
        vmerge_how how = c->joins < JOINS_PLAIN ? VMERGE_JOIN : c->joins < JOINS_WIDEN ? VMERGE_WIDEN : VMERGE_DROP;
        vstate *both = vmerge_join(v, c->entry, entry, how, false);
        if (!both) continue;
        vmerge_normalise(v, both);
        *joins = c->joins + 1;
        c->is_outgrown = c->is_joined; // exact ones stay, for calls like theirs
        return both;
    }
    return NULL;
}

static void count_contexts(const verifier *v, const vstate *entry, uint32_t *exact, uint32_t *all)
{
    for (uint32_t id = v->engine->context_of[vstate_frame(entry)->subprog]; id; id = context_at(v, id)->next) {
        const vcontext *c = context_at(v, id);
        ++*all;
        *exact += c->entry->frame_count == entry->frame_count && !c->is_joined;
    }
}

// A new context with this entry state, which it takes. The id; 0: no memory.
static uint32_t add_context(verifier *v, vstate *entry, const vstate *call, const vsplice_plan *plan, uint32_t joins)
{
    vengine *e = v->engine;
    uint32_t subprog = vstate_frame(call)->subprog, id = (uint32_t)e->context_count + 1;
    set_path(entry, call, id);
    vstate *kept = pst_grow(v->env, &e->contexts, &e->context_capacity, id, sizeof *e->contexts) == PST_OK ? vstate_pack(v, entry) : NULL;
    if (!kept) {
        vstate_free(v, entry);
        return 0;
    }
    e->contexts[e->context_count++] = (vcontext){.subprog = subprog, .next = e->context_of[subprog], .entry = kept, .anchored = anchored(entry),
                                                 .packet = plan->packet, .mortal_count = plan->mortal_count, .joins = joins, .is_joined = joins > 0};
    e->context_of[subprog] = id;
    return id;
}

// Makes a context for the call at slot `at`. *id 0: there are too many.
static vstep make_context(verifier *v, uint32_t at, vstate *entry, const vsplice_plan *plan, uint32_t *id)
{
    vengine *e = v->engine;
    const vstate *call = e->work;
    uint32_t exact = 0, all = 0, joins = 0;
    count_contexts(v, entry, &exact, &all);
    vstate *joined = exact >= CONTEXTS_EXACT ? joined_entry(v, entry, plan, &joins) : NULL;
    *id = 0;
    if (!joined && all >= CONTEXTS_MAX) {
        vstate_free(v, entry);
        return VSTEP_END;
    }
    if (joined) {
        vstate_free(v, entry);
        entry = joined;
    } else {
        vsplice_trim(v, entry, plan);
    }
    *id = add_context(v, entry, call, plan, joins);
    if (!*id) return vnomem(v);
    size_t slots = e->slot_count;
    vstep step = vengine_arrive(v, entry, v->image->subprogs[vstate_frame(call)->subprog].start);
    if (step == VSTEP_END && e->slot_count > slots) { // for the path of a finding
        e->slots[slots].parent = e->slots[at].parent;
        e->slots[slots].from_pc = e->slots[at].from_pc;
    }
    return step;
}

static vstep add_caller(verifier *v, uint32_t at, uint32_t id)
{
    vengine *e = v->engine;
    vcontext *c = context_at(v, id);
    if (e->slots[at].context != id) {
        if (pst_grow(v->env, &c->callers, &c->caller_capacity, c->caller_count + 1, sizeof *c->callers) != PST_OK) return vnomem(v);
        c->callers[c->caller_count++] = at;
        e->slots[at].context = id;
    }
    for (uint32_t f = 0; f + 1 < e->work->frame_count; f++)
        if (c->depth[f]) vsummary_note_depth(v, e->work, f, c->depth[f]);
    vstep step = VSTEP_END;
    for (size_t i = 0; i < c->exit_count && step == VSTEP_END; i++) step = go_on(v, at, c->exits[i]);
    return step;
}

vstep vsummary_call(verifier *v, uint32_t at)
{
    vengine *e = v->engine;
    vstate *call = e->work;
    vsplice_plan plan;
    uint32_t id = 0;
    vstep step = VSTEP_END;
    v->compared += SPLICE_COST;
    if (vengine_cost(v) > e->steps_max) return vengine_too_complex(v, "the limit of instructions to walk was reached");
    walk_mark before = stand_at_call(v, call);
    if (vsplice_plan_call(v, call, &plan)) {
        vstate *entry = vsplice_entry(v, call, &plan);
        if (!entry) return vnomem(v);
        id = covering_context(v, entry, &plan);
        if (id) vstate_free(v, entry);
        else step = make_context(v, at, entry, &plan, &id);
    }
    if (step == VSTEP_END && id) step = add_caller(v, at, id);
    if (step == VSTEP_END && !id) { // is walked on its own
        vstate_frame(call)->context = 0;
        step = vengine_fork(v, call, v->image->subprogs[vstate_frame(call)->subprog].start);
    }
    stand_back(v, &before);
    return step;
}

// --- Stack --------------------------------------------------------------------------------------------------------

void vsummary_note_depth(verifier *v, const vstate *s, uint32_t frame, uint32_t depth)
{
    uint32_t id = 0;
    if (v->engine->replay) return;
    if (!s->frames[frame]->parked) {
        uint32_t *stack = &v->sub_stack[s->frames[frame]->subprog];
        if (*stack < depth) *stack = depth;
        return;
    }
    for (uint32_t f = s->frame_count; f-- > frame && !id;)
        if (s->frames[f]->context != VCONTEXT_CALL) id = s->frames[f]->context;
    if (!id || context_at(v, id)->depth[frame] >= depth) return;
    vcontext *c = context_at(v, id);
    c->depth[frame] = depth;
    for (size_t i = 0; i < c->caller_count; i++) { // they may be in a context themselves
        const vslot *slot = &v->engine->slots[c->callers[i]];
        if (slot->state) vsummary_note_depth(v, slot->state, frame, depth);
    }
}

void vsummary_reset(verifier *v)
{
    vengine *e = v->engine;
    for (size_t i = 0; i < e->context_count; i++) {
        vcontext *c = &e->contexts[i];
        vstate_free(v, c->entry);
        for (size_t k = 0; k < c->exit_count; k++) vstate_free(v, c->exits[k]);
        pst_free(v->env, c->exits, c->exit_capacity * sizeof *c->exits);
        pst_free(v->env, c->callers, c->caller_capacity * sizeof *c->callers);
    }
    pst_free(v->env, e->contexts, e->context_capacity * sizeof *e->contexts);
}
