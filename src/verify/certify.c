// certify.c: looks for a proof with few states, and writes it down.
//
// Nothing here needs to be right for a certificate to be: recheck.c believes none of it. What verify.c proved a program with is made to be found quickly,
// not to be short: it keeps apart what might matter. So the search is done anew from the other end: nearly everything is joined, and where that loses too
// much, the places on the way to the finding are made finer, until it is a proof or costs too much. What comes out is then walked once more in the way of
// the re-check, which writes down what it will have to be told.
#include <string.h>

#include "pal/pal.h"
#include "verify/certificate.h"
#include "verify/replay.h"

#define ROUNDS_MAX 1000u
#define FINER_STEP 2u // a place keeps four times as much
#define FINER_MAX 10u

typedef struct certifier {
    pst_arena arena;
    vengine *graphs;    // by subprogram: what was kept from its entry; without slots where there is none
    uint8_t *finer;     // by block
    bool stuck;         // no place can be made finer
    uint32_t paths_max; // one of VCERTIFICATE_PATHS*
} certifier;

// --- What to keep -----------------------------------------------------------------------------------------------------

// Of the slots from `at` on, and best, the state that covers s and all others that do.
static vstate *weakest(verifier *v, const vengine *known, uint32_t at, const vstate *s, vstate *best)
{
    for (; at != VFLOW_NONE; at = known->slots[at].next) {
        vstate *state = known->slots[at].state;
        if (known->slots[at].covered_by != VFLOW_NONE || (best && !vmerge_covers(v, state, best))) continue;
        if (vmerge_covers(v, state, s)) best = state;
    }
    return best;
}

// --- Contexts: the walk that is written down makes its own, in its own order ------------------------------------------------------------------

// Where the frames of a state are, by the calls that led there.
typedef struct path {
    struct {
        uint32_t call_pc, context;
        uint16_t subprog;
    } at[PST_FRAMES_MAX];
} path;

static path path_of(const vstate *s)
{
    path p = {0};
    for (uint32_t f = 0; f < s->frame_count; f++) {
        p.at[f].call_pc = s->frames[f]->call_pc;
        p.at[f].context = s->frames[f]->context;
        p.at[f].subprog = s->frames[f]->subprog;
    }
    return p;
}

static void set_path(const vstate *s, const path *p, uint32_t count)
{
    for (uint32_t f = 0; f < count; f++) {
        s->frames[f]->call_pc = p->at[f].call_pc;
        s->frames[f]->context = p->at[f].context;
        s->frames[f]->subprog = p->at[f].subprog;
    }
}

// The context of the known invariant whose entry covers this one's. VFLOW_NONE: there is none.
static uint32_t find_context(verifier *v, const vengine *known, uint32_t id)
{
    const vcontext *own = &v->engine->contexts[id - 1];
    path before = path_of(own->entry);
    uint32_t found = VFLOW_NONE;
    for (uint32_t i = 0; i < known->context_count && found == VFLOW_NONE; i++) {
        const vcontext *other = &known->contexts[i];
        if (other->subprog != own->subprog || other->entry->frame_count != own->entry->frame_count) continue;
        path theirs = path_of(other->entry);
        set_path(own->entry, &theirs, own->entry->frame_count);
        if (vmerge_covers(v, other->entry, own->entry)) found = i + 1;
    }
    set_path(own->entry, &before, own->entry->frame_count);
    return found;
}

static uint32_t known_context(verifier *v, vscript *k, const vengine *known, uint32_t id)
{
    if (k->contexts_of != v->entry_subprog) k->context_count = 0;
    k->contexts_of = v->entry_subprog;
    if (pst_grow(v->env, &k->contexts, &k->context_capacity, id, sizeof *k->contexts) != PST_OK) return VFLOW_NONE;
    while (k->context_count < id) k->contexts[k->context_count++] = 0;
    if (!k->contexts[id - 1]) k->contexts[id - 1] = find_context(v, known, id);
    return k->contexts[id - 1];
}

// Puts s where the known invariant has the context that it is in. False: it has none.
static bool enter_known(verifier *v, vscript *k, const vengine *known, const vstate *s)
{
    for (uint32_t f = s->frame_count; f-- > 0;) {
        uint32_t id = s->frames[f]->context;
        if (id == 0 || id == VCONTEXT_CALL) continue;
        uint32_t other = known_context(v, k, known, id);
        if (other == VFLOW_NONE) return false;
        path theirs = path_of(known->contexts[other - 1].entry);
        set_path(s, &theirs, f + 1);
        return true;
    }
    return true;
}

const vstate *vcertify_choose(verifier *v, vscript *k, vstate *s, uint32_t location, uint32_t *covering)
{
    const vengine *e = v->engine, *known = &k->graphs[v->entry_subprog];
    *covering = 0;
    for (uint32_t i = e->locations[location].slots; i != VFLOW_NONE; i = e->slots[i].next, ++*covering)
        if (vmerge_covers(v, e->slots[i].state, s)) return NULL;
    *covering = VFLOW_NONE;
    path before = path_of(s);
    uint32_t place = enter_known(v, k, known, s) ? vengine_location(known, s) : VFLOW_NONE;
    vstate *best = NULL;
    if (place != VFLOW_NONE) {
        best = weakest(v, known, known->locations[place].slots, s, NULL);
        best = weakest(v, known, known->locations[place].retired, s, best);
    }
    set_path(s, &before, s->frame_count);
    return best;
}

// --- The search -------------------------------------------------------------------------------------------------------

static bool make_finer(certifier *c, uint32_t block)
{
    if (c->finer[block] >= FINER_MAX) return false;
    c->finer[block] += FINER_STEP;
    return true;
}

// The earliest state on the way to the finding from which the way, walked on its own, leads to it: what arrived there first did not know too little, so it
// is the joining there that lost what was needed. VFLOW_NONE: it cannot be told.
static uint32_t guilty_slot(verifier *v)
{
    vreplay r;
    uint32_t best = VFLOW_NONE;
    if (!v->engine->work) return VFLOW_NONE;
    uint32_t lo = 0, hi = vreplay_find(&r, v, VFLOW_NONE) ? r.leg_count : 0; // from legs at hi and behind it the finding is met
    while (lo < hi) {
        uint32_t leg = lo + (hi - lo) / 2, at = leg;
        while (at < hi && r.legs[at].slot == VFLOW_NONE) at++;
        if (at == hi) {
            hi = leg;
            continue;
        }
        if (vreplay_run(&r, at, false, NULL, NULL)) {
            best = r.legs[at].slot;
            hi = leg;
        } else {
            lo = at + 1;
        }
        v->compared += r.count; // that it costs
    }
    vreplay_free(&r);
    return best;
}

// Makes the place finer that is to blame for the finding; if it is not known, all places on the way to it where something was joined, or all there are.
static void refine(verifier *v, certifier *c)
{
    const vengine *e = v->engine;
    bool any = false, by_loop = v->finding.kind == PST_FINDING_TERMINATION;
    uint32_t slot = e->work && !by_loop ? e->work->origin : VFLOW_NONE, guilty = by_loop ? VFLOW_NONE : guilty_slot(v);
    if (guilty != VFLOW_NONE && make_finer(c, e->slots[guilty].block)) return;
    for (; slot != VFLOW_NONE; slot = e->slots[slot].parent)
        if (e->slots[slot].grown_from != VFLOW_NONE) any |= make_finer(c, e->slots[slot].block);
    if (any) return;
    for (uint32_t block = 0; block < v->flow.block_count; block++) any |= make_finer(c, block);
    c->stuck = !any;
}

static pst_status take_graph(verifier *v, void *user)
{
    certifier *c = user;
    vengine *e = v->engine;
    if (v->finding.kind != PST_FINDING_NONE) {
        refine(v, c);
        return PST_OK;
    }
    c->graphs[v->entry_subprog] = *e;
    *e = vengine_fresh(e);
    return PST_OK;
}

static void drop_graphs(verifier *v, certifier *c)
{
    vengine *own = v->engine;
    for (uint32_t i = 0; i < v->image->subprog_count; i++) {
        v->engine = &c->graphs[i];
        vengine_reset(v);
        c->graphs[i] = (vengine){0};
    }
    v->engine = own;
}

static pst_status search(verifier *v, certifier *c, uint32_t states_max, uint32_t unroll_max, const uint8_t *finer, uint64_t steps)
{
    vengine *e = v->engine;
    drop_graphs(v, c);
    e->states_max = states_max;
    e->unroll_max = unroll_max;
    e->finer = finer;
    e->paths_max = c->paths_max;
    e->exits_max = VCERTIFICATE_EXITS;
    e->steps_max = vengine_cost(v) + steps;
    e->keeps_all = true;
    pst_status status = verifier_walk(v, take_graph, c);
    e->keeps_all = false;
    e->finer = NULL;
    return status;
}

// --- The writing ------------------------------------------------------------------------------------------------------

static pst_status write_down(verifier *v, const certifier *c, pst_arena *arena, pst_verdict *verdict)
{
    vengine *e = v->engine;
    vscript *k = pst_alloc(v->env, sizeof *k);
    if (!k) return PST_E_NOMEM;
    vscript_init(k);
    k->graphs = c->graphs;
    vcoder_write(&k->coder, v->env, VCERTIFICATE_MAX);
    vcoder_byte(&k->coder, VCERTIFICATE_VERSION);
    vcoder_byte(&k->coder, vcertificate_rules(v));
    e->script = k;
    e->steps_max = vengine_cost(v) + v->opts.steps_max;
    vscript_limits(v, k, v->loop_marks != NULL, c->paths_max);
    pst_status status = verifier_walk(v, NULL, NULL);
    if (status == PST_OK && v->finding.kind == PST_FINDING_NONE && vcoder_finish(&k->coder)) {
        uint8_t *bytes = pst_arena_alloc(arena, k->coder.size);
        if (bytes) memcpy(bytes, k->coder.out, k->coder.size);
        else status = PST_E_NOMEM;
        verdict->certificate = bytes;
        verdict->certificate_size = bytes ? k->coder.size : 0;
    }
    if (k->coder.status == PST_E_NOMEM) status = PST_E_NOMEM;
    e->script = NULL;
    vscript_free(v, k);
    pst_free(v->env, k, sizeof *k);
    return status;
}

static pst_status try_all(verifier *v, certifier *c, pst_arena *arena, pst_verdict *verdict, uint32_t states_max, uint32_t unroll_max)
{
    uint64_t end = vengine_cost(v) + v->opts.steps_max;
    for (unsigned round = 0; round < ROUNDS_MAX && vengine_cost(v) < end && !c->stuck; round++) {
        PST_TRY(search(v, c, 1, 1, c->finer, end - vengine_cost(v)));
        if (v->finding.kind != PST_FINDING_NONE) continue;
        PST_TRY(write_down(v, c, arena, verdict));
        if (verdict->certificate) return PST_OK;
        break; // it is one, but not in the way of the re-check
    }
    PST_TRY(search(v, c, states_max, unroll_max, NULL, v->opts.steps_max));
    return v->finding.kind == PST_FINDING_NONE ? write_down(v, c, arena, verdict) : PST_OK;
}

pst_status vcertify(verifier *v, pst_arena *arena, pst_verdict *verdict)
{
    uint64_t begin = pst_pal_time_ns();
    vengine *e = v->engine;
    certifier c = {.paths_max = v->loop_marks ? UINT32_MAX : e->paths_max <= VCERTIFICATE_PATHS_ONE ? VCERTIFICATE_PATHS_ONE
                                : e->paths_max <= VCERTIFICATE_PATHS ? VCERTIFICATE_PATHS : VCERTIFICATE_PATHS_MANY};
    uint32_t states_max = e->states_max, unroll_max = e->unroll_max;
    const struct vinspector *inspector = v->inspector;
    bool keep_states = v->opts.keep_states;
    v->inspector = NULL;
    v->opts.keep_states = false;
    e->is_trial = true;
    pst_arena_init(&c.arena, v->env, 0);
    c.graphs = pst_arena_array(&c.arena, v->image->subprog_count, sizeof *c.graphs);
    c.finer = pst_arena_array(&c.arena, v->flow.block_count, sizeof *c.finer);
    pst_status status = c.graphs && c.finer ? try_all(v, &c, arena, verdict, states_max, unroll_max) : PST_E_NOMEM;
    if (c.graphs) drop_graphs(v, &c);
    pst_arena_free(&c.arena);
    v->inspector = inspector;
    v->opts.keep_states = keep_states;
    verdict->certificate_ns = pst_pal_time_ns() - begin;
    return status;
}
