// merge_test.c: the laws of states: covers.c, join.c and normalise.c on states that the verifier has really kept, and on runs that are really described.
//
// Programs are made by tests/diff/verify_gen.c; verify_machine.c runs them. Wherever a run stands at the head of a block and a kept state describes it, each
// join and widening of that state with another one of its place must describe the run too, before and after it is normalised, and so must each state that
// is said to cover it.
#include "harness.h"

#include "verify/merge.h"
#include "verify_oracle.h"

#define PROGRAMS 700u
#define LOOKED_AT 5u     // states of one place
#define WIDEN_STEPS 16u  // as in engine.c: then what grows is dropped
#define CHAIN_MAX 64u    // states that one place may grow through

typedef struct laws {
    verifier *v; // of the program that runs
    uint64_t joins, covers, chains, runs;
    uint64_t unseen; // joins that are not seen to cover a side
    uint32_t longest;
} laws;

static uint32_t slots_of(const vengine *e, uint32_t location, vstate *out[LOOKED_AT])
{
    uint32_t count = 0;
    for (uint32_t i = e->locations[location].slots; i != VFLOW_NONE && count < LOOKED_AT; i = e->slots[i].next)
        if (e->slots[i].covered_by == VFLOW_NONE) out[count++] = e->slots[i].state;
    return count;
}

// --- Without runs ---------------------------------------------------------------------------------------------

static void check_join(laws *l, const vstate *a, const vstate *b, vmerge_how how)
{
    vstate *j = vmerge_join(l->v, a, b, how, false);
    if (!j) return; // of different shapes
    vmerge_normalise(l->v, j);
    l->joins++;
    // covers may err to false: an interval of the join may be tightened by a relation that the sides have not used up. Runs decide (check_described).
    l->unseen += !vmerge_covers(l->v, j, a) || !vmerge_covers(l->v, j, b);
    vstate_free(l->v, j);
}

// Widening goes round all states of the place until nothing grows.
static void check_chain(laws *l, vstate *const *states, uint32_t count)
{
    vstate *w = vstate_clone(l->v, states[0]);
    uint32_t steps = 0, quiet = 0;
    for (uint32_t i = 0; w && quiet < count && steps < CHAIN_MAX; i++) {
        const vstate *now = states[i % count];
        vstate *next = vmerge_covers(l->v, w, now) ? NULL : vmerge_join(l->v, w, now, steps < WIDEN_STEPS ? VMERGE_WIDEN : VMERGE_DROP, false);
        quiet++;
        if (!next) continue;
        vmerge_normalise(l->v, next);
        CHECK(vmerge_covers(l->v, next, w));
        vstate_free(l->v, w);
        w = next;
        quiet = 0;
        steps++;
    }
    CHECK(steps < CHAIN_MAX);
    if (steps > l->longest) l->longest = steps;
    l->chains++;
    vstate_free(l->v, w);
}

static void check_transitive(laws *l, vstate *const *states, uint32_t count)
{
    bool covers[LOOKED_AT][LOOKED_AT];
    for (uint32_t a = 0; a < count; a++)
        for (uint32_t b = 0; b < count; b++) covers[a][b] = vmerge_covers(l->v, states[a], states[b]);
    for (uint32_t a = 0; a < count; a++) {
        CHECK(covers[a][a]);
        for (uint32_t b = 0; b < count; b++)
            for (uint32_t c = 0; c < count; c++)
                if (covers[a][b] && covers[b][c]) CHECK(covers[a][c]);
    }
    l->covers += count;
}

static void check_states(void *user, verifier *v)
{
    laws *l = user;
    l->v = v;
    for (uint32_t location = 0; location < v->engine->location_count; location++) {
        vstate *states[LOOKED_AT];
        uint32_t count = slots_of(v->engine, location, states);
        if (count == 0) continue;
        check_transitive(l, states, count);
        for (uint32_t a = 0; a < count; a++)
            for (uint32_t b = 0; b < count; b++)
                for (vmerge_how how = VMERGE_JOIN; how <= VMERGE_DROP; how++) check_join(l, states[a], states[b], how);
        if (count > 1) check_chain(l, states, count);
    }
}

// --- With runs ------------------------------------------------------------------------------------------------

static bool describes(const vstate *s, const machine *m, const char *what)
{
    char why[200];
    if (describe_state(s, &m->c, why, sizeof why)) return true;
    pst_test_fail(__FILE__, __LINE__, "%s does not describe a run that its side describes: %s", what, why);
    return false;
}

static void check_described(laws *l, const machine *m, const vstate *a, const vstate *b)
{
    static const char *const names[] = {"a join", "a widening", "a widening that drops"};
    for (vmerge_how how = VMERGE_JOIN; how <= VMERGE_DROP; how++)
        for (unsigned force = 0; force < 2; force++) {
            vstate *j = vmerge_join(l->v, a, b, how, force);
            if (!j) continue;
            if (describes(j, m, names[how])) {
                vmerge_normalise(l->v, j);
                (void)describes(j, m, "a normal form");
            }
            vstate_free(l->v, j);
        }
}

static void check_run(void *user, machine *m, uint32_t block)
{
    laws *l = user;
    char why[200];
    vstate *states[LOOKED_AT];
    if (m->checks > 60) return; // loops stand at the same places again and again
    uint32_t count = slots_of(l->v->engine, describe_location(l->v, &m->c, block), states);
    for (uint32_t a = 0; a < count; a++) {
        if (!describe_state(states[a], &m->c, why, sizeof why)) continue;
        l->runs++;
        for (uint32_t b = 0; b < count; b++) {
            check_described(l, m, states[a], states[b]);
            if (b != a) check_described(l, m, states[b], states[a]);
            if (vmerge_covers(l->v, states[b], states[a])) (void)describes(states[b], m, "a state that covers");
        }
    }
}

TEST(merge_laws_hold_for_states_of_programs)
{
    static pst_slot slots[VGEN_SLOTS_MAX];
    static oracle_report report;
    laws l = {0};
    for (uint64_t number = 0; number < PROGRAMS; number++) {
        oracle_options options = oracle_options_of(number);
        vgen_source source = oracle_source_of(number);
        options.runs = 3;
        if (number & 1) options.states_max = options.unroll_max = 0;
        options.stable = check_states;
        options.at_head = check_run;
        options.user = &l;
        size_t count = vgen_program(&source, options.type, slots);
        (void)oracle_check(&options, slots, count, &report);
    }
    printf("%" PRIu64 " states, %" PRIu64 " joins, %" PRIu64 " chains of at most %u steps, %" PRIu64 " states that describe a run\n", l.covers, l.joins, l.chains,
           l.longest, l.runs);
    CHECK(l.unseen * 200 < l.joins);
    CHECK(l.joins > 1000 && l.chains > 100 && l.runs > 1000);
}
