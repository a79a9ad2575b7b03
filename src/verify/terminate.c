// terminate.c: the proof that every run ends.
//
// The kept states are a graph: an edge leads from a state to each state that its block's end arrives at. A run is a path in it, so without a cycle it
// ends. A cycle is harmless if one of its edges can be taken a bounded number of times while the cycle goes round: an edge back to
// the head of a loop whose count (vghost) has a bound in the state that it leads to, or of a loop that ends by its own meaning (may_goto, iterators),
// or the return of a callback. A count starts anew whenever its loop is entered; so an edge may only be cut if all states of the cycle's
// component are inside of that loop. Components are taken apart from the outermost loop inwards, until nothing is left or no edge can be cut.
#include <string.h>

#include "verify/endless.h"
#include "verify/engine.h"
#include "verify/meter.h"

typedef struct component {
    uint32_t first, count; // in members
    struct component *next;
} component;

typedef struct inside_memo {
    uint32_t comp, location;
    bool inside;
} inside_memo;

typedef struct search {
    verifier *v;
    pst_arena arena;
    uint32_t *members;            // slots, by component
    uint32_t *comp;               // by slot: number of its component
    uint32_t *index, *low, *edge; // by slot: Tarjan's
    uint32_t *stack, *path;
    bool *on_stack;
    inside_memo *memos;           // by loop: see all_inside_once
    uint32_t comps, stack_count, path_count, next_index, member_count;
    component *todo;
} search;

static bool leads_on(const search *w, const vedge *edge, uint32_t comp)
{
    uint32_t to = vengine_slot(w->v->engine, edge->to);
    return !edge->cut && w->comp[to] == comp && w->v->engine->slots[to].state;
}

static uint32_t first_open_edge(const search *w, uint32_t at, uint32_t comp)
{
    const vengine *e = w->v->engine;
    while (at != VFLOW_NONE && !leads_on(w, &e->edges[at], comp)) at = e->edges[at].next;
    return at;
}

static void enter(search *w, uint32_t slot, uint32_t comp)
{
    w->index[slot] = w->low[slot] = ++w->next_index;
    w->edge[slot] = first_open_edge(w, w->v->engine->slots[slot].edges, comp);
    w->stack[w->stack_count++] = slot;
    w->on_stack[slot] = true;
    w->path[w->path_count++] = slot;
}

static bool has_self_edge(const search *w, uint32_t slot)
{
    const vengine *e = w->v->engine;
    for (uint32_t i = e->slots[slot].edges; i != VFLOW_NONE; i = e->edges[i].next)
        if (!e->edges[i].cut && vengine_slot(e, e->edges[i].to) == slot) return true;
    return false;
}

// The component whose root is `slot` is on top of the stack: put it aside if it has a cycle. False: no memory.
static bool take_component(search *w, uint32_t slot)
{
    uint32_t first = w->stack_count;
    do first--;
    while (w->stack[first] != slot);
    uint32_t count = w->stack_count - first, number = ++w->comps;
    for (uint32_t i = first; i < w->stack_count; i++) {
        w->on_stack[w->stack[i]] = false;
        w->comp[w->stack[i]] = number;
    }
    w->stack_count = first;
    if (count == 1 && !has_self_edge(w, slot)) return true;
    component *c = pst_arena_alloc(&w->arena, sizeof *c);
    uint32_t *members = pst_arena_array(&w->arena, count, sizeof *members);
    if (!c || !members) return false;
    memcpy(members, &w->stack[first], count * sizeof *members);
    *c = (component){.count = count, .next = w->todo};
    w->todo = c;
    memcpy(&w->members[w->member_count], members, count * sizeof *members);
    c->first = w->member_count;
    w->member_count += count;
    return true;
}

// Tarjan, without recursion, from one slot inside of component comp.
static bool explore(search *w, uint32_t start, uint32_t comp)
{
    const vengine *e = w->v->engine;
    enter(w, start, comp);
    while (w->path_count) {
        uint32_t slot = w->path[w->path_count - 1], at = w->edge[slot];
        if (at != VFLOW_NONE) {
            uint32_t to = vengine_slot(e, e->edges[at].to);
            w->edge[slot] = first_open_edge(w, e->edges[at].next, comp);
            if (!w->index[to]) enter(w, to, comp);
            else if (w->on_stack[to] && w->index[to] < w->low[slot]) w->low[slot] = w->index[to];
            continue;
        }
        w->path_count--;
        if (w->path_count) {
            uint32_t above = w->path[w->path_count - 1];
            if (w->low[slot] < w->low[above]) w->low[above] = w->low[slot];
        }
        if (w->low[slot] == w->index[slot] && !take_component(w, slot)) return false;
    }
    return true;
}

// --- Cutting --------------------------------------------------------------------------------------------------

static bool is_inside(const verifier *v, const vstate *s, uint32_t frame, uint32_t loop, const vstate *like)
{
    if (s->frame_count <= frame) return false;
    for (uint32_t f = 0; f <= frame; f++)
        if (s->frames[f]->subprog != like->frames[f]->subprog || s->frames[f]->call_pc != like->frames[f]->call_pc) return false;
    uint32_t block = s->frame_count == frame + 1 ? s->block : v->flow.block_of[s->frames[frame + 1]->call_pc];
    return vflow_in_loop(&v->flow, block, loop);
}

// Whether all of c is inside of the callback's call at which state s stands: at the call itself, or in the callback.
static bool is_in_callback(const vstate *s, const vstate *at)
{
    uint32_t frame = at->frame_count - 1;
    if (s->frame_count < at->frame_count) return false;
    for (uint32_t f = 0; f <= frame; f++)
        if (s->frames[f]->subprog != at->frames[f]->subprog || s->frames[f]->call_pc != at->frames[f]->call_pc) return false;
    if (s->frame_count == at->frame_count) return s->block == at->block;
    return s->frames[frame + 1]->kind == VFRAME_CALLBACK && s->frames[frame + 1]->call_pc == at->pc;
}

static bool all_inside(const search *w, const component *c, const vedge *edge, const vstate *to)
{
    const vengine *e = w->v->engine;
    for (uint32_t i = 0; i < c->count; i++) {
        const vstate *s = e->slots[w->members[c->first + i]].state;
        bool inside = edge->returns ? is_in_callback(s, to) : is_inside(w->v, s, to->frame_count - 1, edge->back_of, to);
        if (!inside && !VPLANT(20)) return false;
    }
    return true;
}

// The most turns that a state at the head allows, by intervals and by relations to what the program bounds.
static bool count_bound(const verifier *v, const vstate *s, uint32_t loop, uint64_t *bound)
{
    static const vvalue zero = {.kind = V_NUMBER};
    for (uint32_t i = 0; i < s->ghost_count; i++) {
        const vghost *g = &s->ghosts[i];
        if (g->frame != s->frame_count - 1 || g->loop != loop) continue;
        int64_t up = vrel_bound(s, &g->up, &zero), down = vrel_bound(s, &zero, &g->down);
        int64_t most = up < down ? up : down;
        *bound = most > 0 ? (uint64_t)most : 0;
        return *bound <= v->opts.turns_max;
    }
    return false;
}

// all_inside, which is asked for many edges to one loop's head.
static bool all_inside_once(const search *w, const component *c, const vedge *edge, const vslot *to)
{
    if (edge->returns) return all_inside(w, c, edge, to->state);
    inside_memo *memo = &w->memos[edge->back_of];
    uint32_t number = w->comp[w->members[c->first]];
    if (memo->comp != number || memo->location != to->location)
        *memo = (inside_memo){.comp = number, .location = to->location, .inside = all_inside(w, c, edge, to->state)};
    return memo->inside;
}

static bool can_cut(const search *w, const component *c, const vedge *edge)
{
    const verifier *v = w->v;
    const vslot *slot = &v->engine->slots[vengine_slot(v->engine, edge->to)];
    const vstate *to = slot->state;
    uint64_t unused;
    if (!edge->returns && edge->back_of == VFLOW_NONE) return false;
    // Counted over the whole run, however often the loop is entered.
    if (!edge->returns && vmeter_counts(v, edge->back_of)) return true;
    // One iterator cannot be both at its end and not in the states of a component, since bounded loops make none. Where it is, it bounds nothing.
    bool bounded = !edge->returns && v->flow.loops[edge->back_of].is_bounded && !vstate_has_drained(to);
    if (!edge->returns && !bounded && !count_bound(v, to, edge->back_of, &unused)) return false;
    return all_inside_once(w, c, edge, slot);
}

// Cuts what can be cut in a component. False: nothing can be.
static bool cut(search *w, const component *c)
{
    vengine *e = w->v->engine;
    bool any = false;
    uint32_t number = w->comp[w->members[c->first]];
    for (uint32_t i = 0; i < c->count; i++)
        for (uint32_t at = e->slots[w->members[c->first + i]].edges; at != VFLOW_NONE; at = e->edges[at].next) {
            vedge *edge = &e->edges[at];
            if (edge->cut || w->comp[vengine_slot(e, edge->to)] != number || !can_cut(w, c, edge)) continue;
            edge->cut = true;
            any = true;
        }
    return any;
}

// The outermost loop that goes round in a component has its turns counted from now on. False: it stays as it is, and maybe a finding says why.
static bool meter(search *w, const component *c)
{
    vengine *e = w->v->engine;
    uint32_t best = VFLOW_NONE, best_frames = UINT32_MAX, number = w->comp[w->members[c->first]];
    for (uint32_t i = 0; w->v->loop_marks && i < c->count; i++)
        for (uint32_t at = e->slots[w->members[c->first + i]].edges; at != VFLOW_NONE; at = e->edges[at].next) {
            const vedge *edge = &e->edges[at];
            if (edge->cut || edge->returns || edge->back_of == VFLOW_NONE || !leads_on(w, edge, number)) continue;
            uint32_t frames = e->slots[vengine_slot(e, edge->to)].state->frame_count;
            const vflow_loop *loops = w->v->flow.loops;
            bool outer = frames < best_frames || (frames == best_frames && loops[edge->back_of].depth < loops[best].depth);
            if (outer) best = edge->back_of;
            if (outer) best_frames = frames;
        }
    return best != VFLOW_NONE && vmeter_loop(w->v, best) && cut(w, c);
}

// --- The finding ----------------------------------------------------------------------------------------------

static void reject_component(search *w, const component *c)
{
    verifier *v = w->v;
    const vengine *e = v->engine;
    const vflow_block *head = NULL;
    for (uint32_t i = 0; i < c->count; i++) {
        uint32_t slot = w->members[c->first + i];
        const vflow_block *block = &v->flow.blocks[e->slots[slot].state->block];
        if (block->is_head && (!head || block->order < head->order)) head = block;
    }
    v->pc = head ? head->start : v->flow.blocks[e->slots[w->members[c->first]].state->block].start;
    (void)vreject(v, PST_FINDING_TERMINATION, -1, "the loop that starts here may never end: nothing bounds how often it turns");
    vneeded(v, "a variable that moves towards the loop's limit on every way round");
    vhint(v, "count the turns against a constant, or use bpf_loop, bpf_for or may_goto");
    vendless_explain(v, v->flow.block_of[v->pc]);
    v->blurred = true;
}

static void sum_up(verifier *v)
{
    vengine *e = v->engine;
    uint64_t bound;
    for (size_t i = 0; i < e->slot_count; i++) {
        const vstate *s = e->slots[i].state;
        if (!s || e->slots[i].covered_by != VFLOW_NONE) continue;
        const vflow_block *block = &v->flow.blocks[s->block];
        if (!block->is_head) continue;
        if (v->flow.loops[block->loop].is_bounded) bound = PST_MAY_GOTO_MAX;
        else if (!count_bound(v, s, block->loop, &bound)) continue;
        if (bound > e->loops_bound) e->loops_bound = bound;
    }
}

static bool prepare(search *w, size_t slots)
{
    w->members = pst_arena_array(&w->arena, slots * 2 + 1, sizeof *w->members);
    w->comp = pst_arena_array(&w->arena, slots + 1, sizeof *w->comp);
    w->index = pst_arena_array(&w->arena, slots + 1, sizeof *w->index);
    w->low = pst_arena_array(&w->arena, slots + 1, sizeof *w->low);
    w->edge = pst_arena_array(&w->arena, slots + 1, sizeof *w->edge);
    w->stack = pst_arena_array(&w->arena, slots + 1, sizeof *w->stack);
    w->path = pst_arena_array(&w->arena, slots + 1, sizeof *w->path);
    w->on_stack = pst_arena_array(&w->arena, slots + 1, sizeof *w->on_stack);
    w->memos = pst_arena_array(&w->arena, w->v->flow.loop_count + 1, sizeof *w->memos);
    return w->memos && w->members && w->comp && w->index && w->low && w->edge && w->stack && w->path && w->on_stack;
}

// One component after the other is cut and searched for components that remain. members holds those that are to be done.
static pst_status take_apart(search *w, bool *ends)
{
    while (w->todo) {
        component c = *w->todo;
        w->todo = c.next;
        uint32_t number = w->comp[w->members[c.first]];
        if (!cut(w, &c) && !meter(w, &c)) {
            *ends = false;
            if (w->v->finding.kind == PST_FINDING_NONE) reject_component(w, &c);
            return PST_OK;
        }
        uint32_t *own = pst_arena_array(&w->arena, c.count, sizeof *own);
        if (!own) return PST_E_NOMEM;
        memcpy(own, &w->members[c.first], c.count * sizeof *own);
        w->member_count = c.first; // the newest component: its members are last
        for (uint32_t i = 0; i < c.count; i++) w->index[own[i]] = 0;
        for (uint32_t i = 0; i < c.count; i++)
            if (w->comp[own[i]] == number && !w->index[own[i]] && !explore(w, own[i], number)) return PST_E_NOMEM;
    }
    return PST_OK;
}

pst_status vterminate_check(verifier *v, bool *ends)
{
    vengine *e = v->engine;
    search w = {.v = v};
    pst_arena_init(&w.arena, v->env, 0);
    *ends = true;
    pst_status status = prepare(&w, e->slot_count) ? PST_OK : PST_E_NOMEM;
    for (uint32_t i = 0; status == PST_OK && i < e->slot_count; i++)
        if (!w.index[i] && e->slots[i].state && e->slots[i].covered_by == VFLOW_NONE && !explore(&w, i, 0)) status = PST_E_NOMEM;
    if (status == PST_OK) status = take_apart(&w, ends);
    if (status == PST_OK && *ends) *ends = vmeter_settle(v);
    if (status == PST_OK && *ends) sum_up(v);
    pst_arena_free(&w.arena);
    return status;
}
