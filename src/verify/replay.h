// replay.h: the way of one path to a finding, walked once more on its own.
//
// The walk that met a finding may have passed joins, where a state stands for many paths. The way that a replay takes is one path of the graph, block
// by block, and nothing is joined on it: symbols and objects keep their numbers from where they are made, so what a value is can be followed.
// explain.c and lost.c use it once an attempt is over; it changes nothing of the engine's graph.
#ifndef PST_VERIFY_REPLAY_H
#define PST_VERIFY_REPLAY_H

#include "verify/engine.h"

#define VREPLAY_STEPS_MAX 8192u

// One block of the way.
typedef struct vleg {
    uint32_t block;
    uint32_t exit_pc; // the last instruction that runs there
    uint32_t slot;    // the state that was kept at its start, VFLOW_NONE: none
} vleg;

// One instruction of the way, and what it read. Values as they were before it.
typedef struct vtrace {
    uint32_t pc;
    uint32_t frame;      // depth of calls that it runs in
    uint8_t frame_kind;  // vframe_kind
    uint8_t held;        // locks, sections and the like that were open
    bool base_fixed;     // the address's offset is base_off
    vvalue dst, src;     // of its registers; of calls and exits: r1 and r0
    vvalue base;         // the pointer of a load, store or atomic
    uint8_t base_kind;   // of its object (vobj_kind)
    const pst_struct_desc *desc; // likewise
    int64_t base_off;    // with the instruction's displacement
    uint32_t next_id;    // objects made before it have a lower id
} vtrace;

struct vreplay;
/// Called before each step: r->trace[index] is filled, s is the state. May be NULL.
typedef void (*vreplay_visit)(void *user, const struct vreplay *r, const vstate *s, uint32_t index);

typedef struct vreplay {
    verifier *v;
    pst_arena arena;
    vleg *legs; // oldest first
    uint32_t leg_count, leg_capacity;
    vtrace *trace;
    uint32_t count; // in trace: the last one is the instruction of the finding
    pst_finding finding; // that it is about
    vstate *taken;  // what arrived at the leg that comes next, while a step runs
    uint32_t leg;    // that is walked
    uint32_t expect; // pc where that one starts, VFLOW_NONE
    vreplay_visit visit;
    void *user;
} vreplay;

/// Finds the way to v->finding. detour: a slot on it that is reached by what made it grow instead of by what first came there; VFLOW_NONE. False: there
/// is no memory, or no way that is known.
PST_MUST_USE bool vreplay_find(vreplay *r, verifier *v, uint32_t detour);
/// Walks the legs from `first` on; from the state that is kept there, or, with `fresh`, from the entry's own. True: the finding is met again. What the
/// verifier had found is left as it was.
bool vreplay_run(vreplay *r, uint32_t first, bool fresh, vreplay_visit visit, void *user);
void vreplay_free(vreplay *r);
/// engine.c, while a replay runs: a state arrives at pc. Takes s.
vstep vreplay_arrive(verifier *v, vstate *s, uint32_t pc);

#endif
