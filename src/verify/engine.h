// engine.h: the graph of stored states, shared by engine.c (which makes it) and terminate.c (which proves that its cycles end).
#ifndef PST_VERIFY_ENGINE_H
#define PST_VERIFY_ENGINE_H

#include "verify/merge.h"

typedef struct vedge {
    uint32_t to;      // slot
    uint32_t next;    // in the list of the same source; VFLOW_NONE: end
    uint32_t back_of; // loop whose head `to` is, when the edge comes from inside of it; VFLOW_NONE
    bool returns;     // of a callback to its call, which calls it a bounded number of times by its own meaning
    bool cut;         // terminate.c: can be taken a bounded number of times only
} vedge;

// A subprogram with a state at its entry, and what comes out of it (summary.h).
typedef struct vcontext {
    uint32_t subprog;
    uint32_t next;            // id of an older context of the subprogram; 0: none
    vstate *entry;            // never changes
    vstate **exits;           // without the callee's frame
    size_t exit_count, exit_capacity;
    uint32_t *callers;        // slots that were given to it; those whose context is another by now have grown since
    size_t caller_count, caller_capacity;
    uint16_t anchored;        // bit n: argument rn is linked to the caller's copies
    bool packet;              // it is seen whether the packet has moved
    bool is_joined;           // the entry state was made of several
    bool is_outgrown;         // another one stands for it: no call is given to it any more
    uint32_t mortal_count, joins;
    uint32_t depth[PST_FRAMES_MAX]; // by frame that waits: deepest byte of it that was accessed
} vcontext;

// One state that is kept: part of the invariant at its location.
typedef struct vslot {
    vstate *state;           // NULL: no run comes back here, so nothing is asked of it any more
    uint32_t block;
    uint32_t location, next; // next slot of the location
    uint32_t edges;          // first edge
    uint32_t parent;         // slot that it was first reached from; VFLOW_NONE
    uint32_t from_pc;        // instruction that it was first reached by
    uint32_t grown_from, grown_pc; // the same of what was joined into it last; VFLOW_NONE: nothing was
    uint32_t covered_by;     // another slot that stands for it; VFLOW_NONE
    uint32_t turns;          // of the loop whose head it is at; VFLOW_NONE: no head, or not one number
    uint32_t hits, misses;   // as something that arriving states are compared with
    uint32_t widenings;      // how often its state was widened
    uint32_t context;        // of a call by summary: that it was given to; 0: none so far
    uint32_t heap_at;        // while it is pending: place in the engine's heap
    bool pending;            // its state has not been walked since it changed
    bool retired;            // out of its location's list: no state is compared with it any more, only its place and its counts are kept
} vslot;

// Where states are compared: a block, together with the calls that led there.
typedef struct vlocation {
    uint32_t hash, next_in_bucket;
    uint32_t slots;          // that arriving states are compared with, newest first
    uint32_t first_slot;     // it is at this place, whatever becomes of it
    uint32_t retired;        // slots that are retired, newest first
    uint32_t slot_count;     // ever
    bool is_head;            // states may come back here
} vlocation;

typedef struct vpending {
    uint32_t slot;  // VFLOW_NONE: state is not kept
    vstate *state;
} vpending;

// A state that arrives at a join.
typedef struct varrival {
    uint32_t location, from, back_of; // as in vedge
    bool returns;                     // a callback comes back to its call
} varrival;

struct vscript;

typedef struct vengine {
    vslot *slots;
    size_t slot_count, slot_capacity;
    vlocation *locations;
    size_t location_count, location_capacity;
    uint32_t *buckets; // by hash; location index
    uint32_t bucket_count;
    vedge *edges;
    size_t edge_count, edge_capacity;
    vpending *heap;    // the one that is first in the order of the program on top
    size_t heap_count, heap_capacity;
    vstate *work;      // the state that is walked
    struct vreplay *replay; // a path is walked again for a finding (replay.h); else NULL
    uint32_t *open;    // slots that states may still arrive at
    size_t open_count, open_capacity;
    uint32_t passed;       // blocks since the last time that they were closed
    uint32_t closed_order; // of the last block of the entry subprogram that all earlier ones were closed for
    uint32_t walk_frames;  // frames of the walked state when its step began; 0: nothing is walked, a state enters
    uint32_t walk_block;
    uint32_t walk_call_pc; // of its running frame
    uint8_t walk_kind;     // likewise: vframe_kind
    vcontext *contexts; // id n: contexts[n - 1]
    size_t context_count, context_capacity;
    uint32_t *context_of; // by subprogram: its newest context; 0: none
    uint32_t *paths;      // by subprogram: ways that it is called which are walked each on its own
    uint64_t loops_bound;
    uint32_t states_max, unroll_max, paths_max;
    uint32_t exits_max;     // of a context that are kept apart
    uint64_t steps_max;
    const uint8_t *finer;   // by block: these limits count 2^n times there; NULL: everywhere alike
    bool is_trial;          // nobody will read the finding: it is not looked for where the knowledge was lost
    bool keeps_all;         // states are kept whole though nothing is compared with them any more
    struct vscript *script; // a certificate says what is kept at joins (certificate.h); NULL: it is searched for
} vengine;

/// The slot that stands for slot at.
uint32_t vengine_slot(const vengine *e, uint32_t at);
/// The location of s, VFLOW_NONE: nothing was kept there.
uint32_t vengine_location(const vengine *e, const vstate *s);
/// Keeps a copy of s at the arrival's location, in a new slot *at, to be walked. The edge to it is not yet made.
vstep vengine_keep(verifier *v, const vstate *s, const varrival *a, uint32_t *at);
/// The arriving state is inside of slot `to`.
vstep vengine_add_edge(verifier *v, const varrival *a, uint32_t to);
/// Walks everything from the entry of v->entry_subprog; v->finding says whether it is safe.
PST_MUST_USE pst_status vengine_run(verifier *v);
/// Whether states are kept already where s would arrive at pc. Sets s->block.
PST_MUST_USE bool vengine_knows(verifier *v, vstate *s, uint32_t pc);
/// The finding "too complex".
vstep vengine_too_complex(verifier *v, const char *what);
/// What was spent so far, in steps.
uint64_t vengine_cost(const verifier *v);
/// Frees the graph.
void vengine_reset(verifier *v);
/// An engine without a graph, with the limits of e.
vengine vengine_fresh(const vengine *e);

/// Whether every cycle of the graph ends; else v->finding names the loop. Sets engine->loops_bound.
PST_MUST_USE pst_status vterminate_check(verifier *v, bool *ends);

#endif
