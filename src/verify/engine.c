// engine.c: the search: walks states through blocks, keeps them at joins, compares, joins and widens them there.
//
// Up to states_max states are kept apart at a location (the precision of following paths); beyond, those of one shape are joined. At a
// loop's head unroll_max turns are followed one by one, then the state is widened (so a million turns cost no more than twenty). Whatever
// is kept at a location covers every state that arrives there: when no state is pending, the kept states are an invariant of the
// program, and each instruction has been checked in each of them. Walking is in the program's weak topological order, so that an inner loop is stable
// before what follows it is looked at.
//
// A finding ends the attempt. If nothing was joined or widened on the way to it, it is the verdict; else verify.c may look again with larger limits.
#include <string.h>

#include "verify/certificate.h"
#include "verify/lost.h"
#include "verify/meter.h"
#include "verify/replay.h"
#include "verify/summary.h"

#define SHAPES_MAX 64u  // states of different shapes at a location before types are joined by force
#define COMPARED_PER_STEP 12u // comparisons that take as long as one step
#define SCANNED_MAX 1024u // kept states that are looked at for one of the same turn: older ones are as good as gone
#define COMPARED_MAX 256u // kept states that an arriving one is compared with
#define RETIRE_MISSES 24u // comparisons in vain, for each hit, before a kept state is not compared any more
#define EDGES_COMPARED 256u // edges of a state among which an equal one is looked for; a second one would do no harm
#define JOIN_TRIES 16u // slots that a state is tried to be joined with
#define WIDEN_STEPS 64u // joins by threshold of one slot; later ones drop what grows

uint64_t vengine_cost(const verifier *v) { return v->steps + v->compared / COMPARED_PER_STEP; }

vstep vengine_too_complex(verifier *v, const char *what)
{
    vstep step = vreject(v, PST_FINDING_COMPLEXITY, -1, "the program is too complex to be proved: %s", what);
    vhint(v, "make loops simpler, or split the program into global functions, which are verified on their own");
    return step;
}

vstep vnomem(verifier *v)
{
    if (v->bytes + (1u << 16) > v->opts.bytes_max) return vengine_too_complex(v, "the limit of memory was reached");
    v->status = PST_E_NOMEM;
    return VSTEP_NOMEM;
}

// --- Order of work --------------------------------------------------------------------------------------------

static uint32_t order_at(const verifier *v, const vstate *s, uint32_t frame)
{
    uint32_t block = frame + 1 == s->frame_count ? s->block : v->flow.block_of[s->frames[frame + 1]->call_pc];
    return v->flow.blocks[block].order;
}

// Whether a is walked before b.
static bool comes_first(const verifier *v, const vstate *a, const vstate *b)
{
    if (a->wakes != b->wakes) return b->wakes;
    uint32_t frames = a->frame_count < b->frame_count ? a->frame_count : b->frame_count;
    for (uint32_t f = 0; f < frames; f++) {
        if (a->frames[f]->subprog != b->frames[f]->subprog) return a->frames[f]->subprog < b->frames[f]->subprog;
        uint32_t oa = order_at(v, a, f), ob = order_at(v, b, f);
        if (oa != ob) return oa < ob;
    }
    return a->frame_count > b->frame_count; // a callee before the call is looked at again
}

static bool heap_less(const verifier *v, const vengine *e, size_t a, size_t b) { return comes_first(v, e->heap[a].state, e->heap[b].state); }

static void heap_put(vengine *e, size_t at, vpending pending)
{
    e->heap[at] = pending;
    if (pending.slot != VFLOW_NONE) e->slots[pending.slot].heap_at = (uint32_t)at;
}

static void heap_swap(vengine *e, size_t a, size_t b)
{
    vpending moving = e->heap[a];
    heap_put(e, a, e->heap[b]);
    heap_put(e, b, moving);
}

static vstep heap_push(verifier *v, uint32_t slot, vstate *state)
{
    vengine *e = v->engine;
    if (pst_grow(v->env, &e->heap, &e->heap_capacity, e->heap_count + 1, sizeof *e->heap) != PST_OK) return vnomem(v);
    size_t at = e->heap_count++;
    heap_put(e, at, (vpending){slot, state});
    for (; at > 0 && heap_less(v, e, at, (at - 1) / 2); at = (at - 1) / 2) heap_swap(e, at, (at - 1) / 2);
    return VSTEP_END;
}

static vpending heap_pop(verifier *v)
{
    vengine *e = v->engine;
    vpending top = e->heap[0];
    heap_put(e, 0, e->heap[--e->heap_count]);
    for (size_t at = 0;;) {
        size_t best = at, left = 2 * at + 1;
        for (size_t child = left; child < left + 2 && child < e->heap_count; child++)
            if (heap_less(v, e, child, best)) best = child;
        if (best == at) return top;
        heap_swap(e, at, best);
        at = best;
    }
}

// --- Locations ------------------------------------------------------------------------------------------------

static uint32_t mix(uint32_t hash, uint32_t word) { return (hash ^ word) * 0x9e3779b1u + (hash >> 15); }

static uint32_t location_hash(const vstate *s)
{
    uint32_t hash = mix(s->block, s->wakes);
    for (uint32_t f = 0; f < s->frame_count; f++) {
        hash = mix(hash, s->frames[f]->subprog);
        hash = mix(hash, s->frames[f]->call_pc);
        hash = mix(hash, s->frames[f]->context);
    }
    return hash;
}

static bool same_place(const vstate *a, const vstate *b)
{
    if (a->block != b->block || a->frame_count != b->frame_count || a->wakes != b->wakes) return false;
    for (uint32_t f = 0; f < a->frame_count; f++)
        if (a->frames[f]->call_pc != b->frames[f]->call_pc || a->frames[f]->subprog != b->frames[f]->subprog ||
            a->frames[f]->context != b->frames[f]->context)
            return false;
    return true;
}

static bool is_place_of(const vengine *e, uint32_t location, const vstate *s)
{
    const vstate *first = e->slots[e->locations[location].first_slot].state;
    return first && same_place(first, s);
}

static bool rehash(verifier *v)
{
    vengine *e = v->engine;
    uint32_t count = e->bucket_count ? e->bucket_count * 2 : 64;
    uint32_t *buckets = pst_alloc(v->env, count * sizeof *buckets);
    if (!buckets) return false;
    memset(buckets, 0xff, count * sizeof *buckets);
    for (uint32_t i = 0; i < e->location_count; i++) {
        uint32_t *bucket = &buckets[e->locations[i].hash & (count - 1)];
        e->locations[i].next_in_bucket = *bucket;
        *bucket = i;
    }
    pst_free(v->env, e->buckets, e->bucket_count * sizeof *e->buckets);
    e->buckets = buckets;
    e->bucket_count = count;
    return true;
}

static uint32_t known_location(const vengine *e, uint32_t hash, const vstate *s)
{
    uint32_t at = e->bucket_count ? e->buckets[hash & (e->bucket_count - 1)] : VFLOW_NONE;
    while (at != VFLOW_NONE && (e->locations[at].hash != hash || !is_place_of(e, at, s))) at = e->locations[at].next_in_bucket;
    return at;
}

uint32_t vengine_location(const vengine *e, const vstate *s) { return known_location(e, location_hash(s), s); }

bool vengine_knows(verifier *v, vstate *s, uint32_t pc)
{
    s->block = v->flow.block_of[pc];
    return vengine_location(v->engine, s) != VFLOW_NONE;
}

// A subprogram that is entered by one more way, outside of contexts.
static void count_path(verifier *v, const vstate *s)
{
    const vframe *frame = vstate_frame(s);
    if (v->engine->paths && s->frame_count > 1 && frame->context == 0 && v->flow.subs[frame->subprog].entry == s->block) v->engine->paths[frame->subprog]++;
}

// The location of s; VFLOW_NONE: no memory.
static uint32_t find_location(verifier *v, const vstate *s)
{
    vengine *e = v->engine;
    uint32_t hash = location_hash(s), known = known_location(e, hash, s);
    if (known != VFLOW_NONE) return known;
    count_path(v, s);
    if (e->location_count >= e->bucket_count && !rehash(v)) return VFLOW_NONE;
    if (pst_grow(v->env, &e->locations, &e->location_capacity, e->location_count + 1, sizeof *e->locations) != PST_OK) return VFLOW_NONE;
    uint32_t at = (uint32_t)e->location_count++, *bucket = &e->buckets[hash & (e->bucket_count - 1)];
    e->locations[at] = (vlocation){.hash = hash, .next_in_bucket = *bucket, .slots = VFLOW_NONE, .first_slot = VFLOW_NONE, .retired = VFLOW_NONE,
                                   .is_head = v->flow.blocks[s->block].is_head};
    *bucket = at;
    return at;
}

vstep vengine_add_edge(verifier *v, const varrival *a, uint32_t to)
{
    vengine *e = v->engine;
    uint32_t from = a->from, back_of = a->back_of;
    bool returns = a->returns;
    if (from == VFLOW_NONE) return VSTEP_END;
    uint32_t left = EDGES_COMPARED;
    for (uint32_t i = e->slots[from].edges; i != VFLOW_NONE && left-- > 0; i = e->edges[i].next)
        if (e->edges[i].to == to && e->edges[i].back_of == back_of && e->edges[i].returns == returns) return VSTEP_END;
    if (pst_grow(v->env, &e->edges, &e->edge_capacity, e->edge_count + 1, sizeof *e->edges) != PST_OK) return vnomem(v);
    e->edges[e->edge_count] = (vedge){to, e->slots[from].edges, back_of, returns, false};
    e->slots[from].edges = (uint32_t)e->edge_count++;
    return VSTEP_END;
}

// The turn of the loop at whose head s stands, if it is one number.
static uint32_t turns_of(const verifier *v, const vstate *s)
{
    const vflow_block *block = &v->flow.blocks[s->block];
    if (!block->is_head) return VFLOW_NONE;
    for (uint32_t i = s->ghost_count; i-- > 0;) {
        const vghost *g = &s->ghosts[i];
        if (g->frame != s->frame_count - 1 || g->loop != block->loop) continue;
        return g->up.sym == VSYM_NONE && g->up.off >= 0 && g->up.off < VFLOW_NONE ? (uint32_t)g->up.off : VFLOW_NONE;
    }
    return VFLOW_NONE;
}

static vstep add_slot(verifier *v, uint32_t location, vstate *s, uint32_t *out)
{
    vengine *e = v->engine;
    if (pst_grow(v->env, &e->slots, &e->slot_capacity, e->slot_count + 1, sizeof *e->slots) != PST_OK) return vnomem(v);
    if (pst_grow(v->env, &e->open, &e->open_capacity, e->open_count + 1, sizeof *e->open) != PST_OK) return vnomem(v);
    uint32_t at = (uint32_t)e->slot_count++;
    e->open[e->open_count++] = at;
    vlocation *l = &e->locations[location];
    e->slots[at] = (vslot){.state = s, .block = s->block, .location = location, .next = l->slots, .edges = VFLOW_NONE, .covered_by = VFLOW_NONE, .parent = VFLOW_NONE,
                             .from_pc = v->pc, .grown_from = VFLOW_NONE, .turns = turns_of(v, s), .pending = true};
    l->slots = at;
    if (l->slot_count++ == 0) l->first_slot = at;
    *out = at;
    return heap_push(v, at, s);
}

// --- Loops ----------------------------------------------------------------------------------------------------

// Counts of the running frame's loops, for the edge from block `from` to block `to`: those that were left are dropped, those that are entered
// start at 0, and coming back to the head counts.
static vstep count_loops(verifier *v, vstate *s, uint32_t from, uint32_t to)
{
    uint32_t frame = s->frame_count - 1, kept = 0;
    for (uint32_t i = 0; i < s->ghost_count; i++)
        if (s->ghosts[i].frame != frame || (s->ghosts[i].loop & VGHOST_ITER) || vflow_in_loop(&v->flow, to, s->ghosts[i].loop))
            s->ghosts[kept++] = s->ghosts[i];
    s->ghost_count = kept;
    uint32_t stack[64], depth = 0; // loops around `to`, innermost first
    for (uint32_t loop = v->flow.blocks[to].loop; loop != VFLOW_NONE && depth < 64; loop = v->flow.loops[loop].parent) stack[depth++] = loop;
    while (depth-- > 0) {
        uint32_t loop = stack[depth];
        if (v->flow.loops[loop].is_bounded) continue;
        bool inside = from != VFLOW_NONE && vflow_in_loop(&v->flow, from, loop);
        vghost *ghost = vghost_find(s, frame, loop);
        if (!ghost) {
            vghost fresh = {.loop = loop, .frame = frame, .up = vvalue_const(0), .down = vvalue_const(0)};
            if (!vghost_add(v, s, &fresh)) return vnomem(v);
        } else if (!inside) {
            ghost->up = ghost->down = vvalue_const(0);
        } else if (v->flow.loops[loop].head == to && !VPLANT(21)) {
            vghost_count(ghost);
        }
    }
    return VSTEP_NEXT;
}

// --- Arrival --------------------------------------------------------------------------------------------------

// One that is covered by another now: who pointed to it, points to that ( vengine_slot).
static void cover_others(verifier *v, uint32_t location, uint32_t by)
{
    vengine *e = v->engine;
    for (uint32_t i = e->locations[location].slots; i != VFLOW_NONE; i = e->slots[i].next) {
        vslot *slot = &e->slots[i];
        if (i == by || slot->covered_by != VFLOW_NONE || !slot->pending || !vmerge_covers(v, e->slots[by].state, slot->state)) continue;
        slot->covered_by = by;
        slot->pending = false;
    }
}

// Replaces the state of a slot by one that covers it and what arrives.
static vstep grow_slot(verifier *v, uint32_t at, vstate *joined, bool widen)
{
    vengine *e = v->engine;
    vslot *slot = &e->slots[at];
    bool queued = slot->pending;
    vstate *old = slot->state;
    vmerge_normalise(v, joined);
    slot->state = vstate_pack(v, joined);
    vstate_free(v, joined);
    if (!slot->state) {
        slot->state = old;
        return vnomem(v);
    }
    slot->widenings += widen;
    slot->turns = turns_of(v, slot->state);
    slot->pending = true;
    slot->state->origin = at;
    if (queued) {
        e->heap[slot->heap_at].state = slot->state; // same place, so the order stays
        vstate_free(v, old);
    } else {
        vstate_free(v, old);
        vstep step = heap_push(v, at, slot->state);
        if (step != VSTEP_END) return step;
    }
    cover_others(v, slot->location, at);
    return VSTEP_END;
}

// The slot that is most like s of those that are farther than *least; VFLOW_NONE: none left. Turns of a loop that are followed one by one are joined
// with their like; when widening, the slot that was widened already comes first.
static uint32_t nearest(verifier *v, uint32_t location, const vstate *s, bool widen, uint64_t *least)
{
    const vengine *e = v->engine;
    uint32_t best = VFLOW_NONE, turns = turns_of(v, s), scan = SCANNED_MAX;
    uint64_t best_key = UINT64_MAX;
    for (uint32_t i = e->locations[location].slots; i != VFLOW_NONE && scan-- > 0; i = e->slots[i].next) {
        const vslot *slot = &e->slots[i];
        if (slot->covered_by != VFLOW_NONE || (!widen && slot->turns != turns)) continue;
        bool first = widen && slot->widenings && slot->turns == VFLOW_NONE;
        v->compared += first ? 0 : 2; // takes longer than most comparisons
        uint32_t enough = best_key >> 32 ? (uint32_t)(best_key >> 32) - 1 : 0; // farther ones are not chosen
        uint64_t key = (uint64_t)(first ? 0 : vmerge_distance(v, slot->state, s, enough) + 1) << 32 | (UINT32_MAX - i);
        if (key <= *least || key >= best_key) continue;
        best = i;
        best_key = key;
    }
    *least = best_key;
    return best;
}

// Joins s into the slot of its location that is most like it and has the same shape. *at: VFLOW_NONE when there is none.
static vstep try_join(verifier *v, uint32_t location, const vstate *s, bool widen, bool force, uint32_t *at)
{
    vengine *e = v->engine;
    uint64_t least = 0;
    for (unsigned tries = 0; tries < JOIN_TRIES; tries++) {
        *at = nearest(v, location, s, widen, &least);
        if (*at == VFLOW_NONE) return VSTEP_END;
        const vslot *slot = &e->slots[*at];
        vmerge_how how = !widen ? VMERGE_JOIN : slot->widenings < WIDEN_STEPS ? VMERGE_WIDEN : VMERGE_DROP;
        vstate *joined = vmerge_join(v, slot->state, s, how, force);
        if (joined) return grow_slot(v, *at, joined, widen);
    }
    *at = VFLOW_NONE;
    return VSTEP_END;
}

uint32_t vengine_slot(const vengine *e, uint32_t at)
{
    while (e->slots[at].covered_by != VFLOW_NONE) at = e->slots[at].covered_by;
    return at;
}

// Most states that were compared in vain for a while are never hit. They were walked, so they need not be kept whole: a state that one of them would
// have covered is walked again at worst. What terminate.c asks of a slot stays: its place and its counts.
static bool may_retire(const verifier *v, const vslot *slot)
{
    if (vstate_frame(slot->state)->context == VCONTEXT_CALL) return false; // goes on when its callee's exits are known
    return !slot->pending && slot->misses > RETIRE_MISSES * (slot->hits + 1) && !v->opts.keep_states && !vstate_has_drained(slot->state);
}

static void retire(verifier *v, vslot *slot)
{
    vstate *s = slot->state;
    slot->retired = true;
    if (v->engine->keeps_all) return;
    s->obj_count = s->rel_count = s->scale_count = 0;
    for (uint32_t f = 0; f < s->frame_count; f++) {
        s->frames[f]->cell_count = 0;
        s->frames[f]->used = 0;
        memset(s->frames[f]->regs, 0, sizeof s->frames[f]->regs);
    }
    if (!s->ghost_count) s->sym_count = VSYM_FIRST;
    vstate *small = vstate_pack(v, s);
    if (small) {
        vstate_free(v, s);
        slot->state = small;
    }
}

static uint32_t covering_slot(verifier *v, uint32_t location, const vstate *s)
{
    vengine *e = v->engine;
    uint32_t turns = turns_of(v, s), left = COMPARED_MAX, scan = SCANNED_MAX, *link = &e->locations[location].slots; // newest first
    while (*link != VFLOW_NONE && left > 0 && scan-- > 0) {
        uint32_t at = *link;
        vslot *slot = &e->slots[at];
        bool other_turn = slot->turns != VFLOW_NONE && slot->turns != turns;
        if (slot->covered_by == VFLOW_NONE && !other_turn) {
            left--;
            v->compared++;
            if (vmerge_covers(v, slot->state, s)) {
                slot->hits++;
                return at;
            }
            slot->misses++;
            if (may_retire(v, slot)) {
                *link = slot->next;
                slot->next = e->locations[location].retired;
                e->locations[location].retired = at;
                retire(v, slot);
                continue;
            }
        }
        link = &slot->next;
    }
    return VFLOW_NONE;
}

// Slots of the location that s would be kept beside: all of them, or those of the same turn.
static uint32_t count_beside(const verifier *v, uint32_t location, const vstate *s)
{
    const vengine *e = v->engine;
    uint32_t turns = turns_of(v, s), count = 0, left = SCANNED_MAX;
    if (turns == VFLOW_NONE) return e->locations[location].slot_count;
    for (uint32_t i = e->locations[location].slots; i != VFLOW_NONE && left-- > 0; i = e->slots[i].next) count += e->slots[i].turns == turns;
    return count;
}

vstep vengine_keep(verifier *v, const vstate *s, const varrival *a, uint32_t *at)
{
    *at = VFLOW_NONE;
    vstate *kept = vstate_pack(v, s);
    if (!kept) return vnomem(v);
    vstep step = add_slot(v, a->location, kept, at);
    if (*at == VFLOW_NONE) vstate_free(v, kept); // no slot owns it
    if (step != VSTEP_END) return step;
    kept->origin = *at;
    v->engine->slots[*at].parent = a->from;
    return step;
}

// How many times more is kept apart at the block of s, as a power of 2.
static unsigned finer_at(const vengine *e, const vstate *s) { return e->finer ? e->finer[s->block] : 0; }

static vstep keep(verifier *v, vstate *s, const varrival *a)
{
    vengine *e = v->engine;
    const vlocation *l = &e->locations[a->location];
    uint32_t at = VFLOW_NONE, turns = turns_of(v, s), beside = count_beside(v, a->location, s);
    uint32_t states_max = e->states_max << finer_at(e, s), unroll_max = e->unroll_max << finer_at(e, s);
    bool is_counted = turns != VFLOW_NONE && turns < unroll_max;
    bool widen = l->is_head && !is_counted;
    uint32_t limit = !widen ? states_max : turns == VFLOW_NONE ? unroll_max : 0;
    vstep step = VSTEP_END;
    if (beside >= limit) step = try_join(v, a->location, s, widen, false, &at);
    if (step == VSTEP_END && at == VFLOW_NONE && beside >= limit + SHAPES_MAX) step = try_join(v, a->location, s, widen, true, &at);
    if (step == VSTEP_END && at == VFLOW_NONE) {
        step = vengine_keep(v, s, a, &at);
        if (step != VSTEP_END) return step;
    }
    if (step == VSTEP_END && e->slots[at].parent != a->from && a->from != VFLOW_NONE) e->slots[at].grown_from = a->from, e->slots[at].grown_pc = v->pc;
    return step == VSTEP_END ? vengine_add_edge(v, a, at) : step;
}

static vstep arrive_at_join(verifier *v, vstate *s, varrival *a)
{
    vengine *e = v->engine;
    vmerge_normalise(v, s);
    a->location = find_location(v, s);
    if (a->location == VFLOW_NONE) return vnomem(v);
    if (a->returns) e->locations[a->location].is_head = true;
    if (e->script) return vscript_arrive(v, s, a);
    uint32_t covering = e->locations[a->location].slot_count == 0 ? VFLOW_NONE : covering_slot(v, a->location, s);
    if (covering != VFLOW_NONE) return vengine_add_edge(v, a, covering);
    return keep(v, s, a);
}

// The block of the running frame that the arriving state comes from.
static uint32_t block_before(const verifier *v, const vstate *s)
{
    const vengine *e = v->engine;
    if (s->frame_count > e->walk_frames || e->walk_frames == 0) return VFLOW_NONE;
    return s->frame_count == e->walk_frames ? e->walk_block : v->flow.block_of[e->walk_call_pc];
}

// *taken: s itself waits to be walked now, and is the engine's.
static vstep arrive(verifier *v, vstate *s, uint32_t pc, bool *taken)
{
    vengine *e = v->engine;
    varrival a = {.from = s->origin, .back_of = VFLOW_NONE};
    s->pc = pc;
    s->block = v->flow.block_of[pc];
    const vflow_block *block = &v->flow.blocks[s->block];
    uint32_t from = block_before(v, s);
    a.returns = s->frame_count < e->walk_frames && e->walk_kind == VFRAME_CALLBACK;
    vstep step = count_loops(v, s, from, s->block);
    if (step != VSTEP_NEXT) return step;
    if (block->is_head && from != VFLOW_NONE && vflow_in_loop(&v->flow, from, block->loop)) a.back_of = block->loop;
    if (a.back_of != VFLOW_NONE) vmeter_note_turn(v, s, a.back_of);
    if (block->is_join || a.returns) return arrive_at_join(v, s, &a);
    step = heap_push(v, VFLOW_NONE, s);
    *taken = step == VSTEP_END;
    return step;
}

vstep vengine_arrive(verifier *v, vstate *s, uint32_t pc)
{
    if (v->engine->replay) return vreplay_arrive(v, s, pc);
    bool taken = false;
    vstep step = arrive(v, s, pc, &taken);
    if (!taken) vstate_free(v, s);
    return step;
}

vstep vengine_fork(verifier *v, const vstate *s, uint32_t pc)
{
    vstate *copy = vstate_clone(v, s);
    return copy ? vengine_arrive(v, copy, pc) : vnomem(v);
}

vstep vengine_async(verifier *v, vstate *s)
{
    vengine *e = v->engine;
    uint32_t frames = e->walk_frames;
    if (e->replay) {
        vstate_free(v, s);
        return VSTEP_NEXT;
    }
    e->walk_frames = 0;
    s->wakes = true;
    s->origin = VFLOW_NONE;
    s->blurred = e->work->blurred;
    vstep step = vengine_arrive(v, s, v->image->subprogs[vstate_frame(s)->subprog].start);
    e->walk_frames = frames;
    return step == VSTEP_END ? VSTEP_NEXT : step;
}

// --- Walking --------------------------------------------------------------------------------------------------

static vstep step_here(verifier *v, vstate *s, uint32_t pc)
{
    vengine *e = v->engine;
    const vframe *frame = vstate_frame(s);
    v->pc = pc;
    v->go = VFLOW_NONE;
    e->walk_frames = s->frame_count;
    e->walk_block = s->block;
    e->walk_call_pc = frame->call_pc;
    e->walk_kind = frame->kind;
    v->steps++;
    if (vengine_cost(v) > e->steps_max) return vengine_too_complex(v, "the limit of instructions to walk was reached");
    vstep step = vstep_insn(v, s, &v->image->insns[pc]);
    if (v->fact_values && step == VSTEP_NEXT) vfacts_value(v, s, &v->image->insns[pc]);
    return step;
}

// Walks from the start of s->block to where the path ends or states are kept.
static vstep walk(verifier *v, vstate *s)
{
    uint32_t pc = v->flow.blocks[s->block].start;
    bool taken = false;
    for (;;) {
        vstep step = step_here(v, s, pc);
        if (step != VSTEP_NEXT) return step;
        uint32_t next = v->go != VFLOW_NONE ? v->go : pc + (v->image->insns[pc].kind == PST_KIND_IMM64 ? 2 : 1);
        const vflow_block *block = &v->flow.blocks[v->flow.block_of[next]];
        if (next == block->start) {
            if (block->is_join) return arrive(v, s, next, &taken); // never is: a join keeps a copy
            step = count_loops(v, s, s->block, v->flow.block_of[next]);
            if (step != VSTEP_NEXT) return step;
            s->block = v->flow.block_of[next];
        }
        pc = s->pc = next;
    }
}

// Whether a run that was at s may come back to s: it is in a loop, or in what a helper calls again and again.
static bool may_come_back(const verifier *v, const vstate *s)
{
    for (uint32_t f = 0; f < s->frame_count; f++) {
        uint32_t block = f + 1 == s->frame_count ? s->block : v->flow.block_of[s->frames[f + 1]->call_pc];
        if (v->flow.blocks[block].loop != VFLOW_NONE || s->frames[f]->kind != VFRAME_MAIN + (f > 0)) return true;
    }
    return s->wakes;
}

// Walking is in the program's order: once a state outside of all loops is taken up, no state arrives before it any more. What was kept there is put
// away, so that memory is needed for the frontier and not for the whole program.
static void close_passed(verifier *v, const vstate *now)
{
    vengine *e = v->engine;
    const vflow_block *block = &v->flow.blocks[now->block];
    if (v->opts.keep_states || e->keeps_all || now->frame_count != 1 || now->wakes || block->loop != VFLOW_NONE || block->order <= e->closed_order) return;
    size_t kept = 0;
    if (++e->passed < e->open_count / 8) return; // what is looked through is paid for by what was passed since
    e->passed = 0;
    e->closed_order = block->order;
    for (size_t i = 0; i < e->open_count; i++) {
        vslot *slot = &e->slots[e->open[i]];
        vlocation *l = &e->locations[slot->location];
        if (!slot->state || slot->pending || slot->state->wakes || order_at(v, slot->state, 0) >= block->order) {
            if (slot->state) e->open[kept++] = e->open[i];
            continue;
        }
        l->slots = VFLOW_NONE; // the whole place is passed
        if (l->is_head || may_come_back(v, slot->state)) {
            if (!slot->retired) retire(v, slot);
        } else {
            vstate_free(v, slot->state);
            slot->state = NULL;
        }
    }
    e->open_count = kept;
}

static vstep walk_all(verifier *v)
{
    vengine *e = v->engine;
    while (e->heap_count) {
        vpending next = heap_pop(v);
        close_passed(v, next.state);
        if (next.slot != VFLOW_NONE) {
            vslot *slot = &e->slots[next.slot];
            if (!slot->pending || slot->state != next.state) continue; // covered by another meanwhile
            slot->pending = false;
        }
        bool copied = vstate_assign(v, e->work, next.state);
        if (next.slot == VFLOW_NONE) vstate_free(v, next.state);
        if (!copied) return vnomem(v);
        // A widened number is as large as its loop's count allows.
        if (e->work->scale_count && !vrel_propagate(e->work, VSYM_NONE)) continue;
        bool by_summary = next.slot != VFLOW_NONE && vstate_frame(e->work)->context == VCONTEXT_CALL;
        vstep step = by_summary ? vsummary_call(v, next.slot) : walk(v, e->work);
        if (step == VSTEP_END) continue;
        if (step == VSTEP_REJECT && !e->is_trial) vlost_note(v);
        return step;
    }
    return VSTEP_END;
}

pst_status vengine_run(verifier *v)
{
    vengine *e = v->engine;
    bool ends = true;
    e->walk_frames = 0;
    if (!e->work) e->work = vstate_new(v);
    if (!e->paths) e->paths = pst_alloc(v->env, 2 * v->image->subprog_count * sizeof *e->paths);
    if (!e->paths) return PST_E_NOMEM;
    memset(e->paths, 0, 2 * v->image->subprog_count * sizeof *e->paths);
    e->context_of = e->paths + v->image->subprog_count;
    vstate *entry = e->work ? vcall_entry(v) : NULL;
    if (!entry) return v->finding.kind != PST_FINDING_NONE ? PST_OK : v->status != PST_OK ? v->status : PST_E_NOMEM;
    entry->origin = VFLOW_NONE;
    vstep step = vengine_arrive(v, entry, v->image->subprogs[v->entry_subprog].start);
    if (step == VSTEP_END) step = walk_all(v);
    if (step == VSTEP_NOMEM) return v->status != PST_OK ? v->status : PST_E_NOMEM;
    if (step != VSTEP_END) return PST_OK;
    return vterminate_check(v, &ends);
}

vengine vengine_fresh(const vengine *e)
{
    return (vengine){.states_max = e->states_max, .unroll_max = e->unroll_max, .paths_max = e->paths_max, .exits_max = e->exits_max, .steps_max = e->steps_max,
                     .loops_bound = e->loops_bound, .finer = e->finer, .is_trial = e->is_trial, .keeps_all = e->keeps_all, .script = e->script};
}

void vengine_reset(verifier *v)
{
    vengine *e = v->engine;
    for (size_t i = 0; i < e->heap_count; i++)
        if (e->heap[i].slot == VFLOW_NONE) vstate_free(v, e->heap[i].state);
    for (size_t i = 0; i < e->slot_count; i++) vstate_free(v, e->slots[i].state);
    vsummary_reset(v);
    vstate_free(v, e->work);
    pst_free(v->env, e->paths, e->paths ? 2 * v->image->subprog_count * sizeof *e->paths : 0);
    pst_free(v->env, e->heap, e->heap_capacity * sizeof *e->heap);
    pst_free(v->env, e->slots, e->slot_capacity * sizeof *e->slots);
    pst_free(v->env, e->open, e->open_capacity * sizeof *e->open);
    pst_free(v->env, e->edges, e->edge_capacity * sizeof *e->edges);
    pst_free(v->env, e->locations, e->location_capacity * sizeof *e->locations);
    pst_free(v->env, e->buckets, e->bucket_count * sizeof *e->buckets);
    *e = vengine_fresh(e);
}
