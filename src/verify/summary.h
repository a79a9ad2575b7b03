// summary.h: calls of subprograms by summary: what was found for one call is used again for others.
//
// A *context* is a subprogram together with a state at its entry. It is walked once; the states at its exits are its summary. A call whose state at the
// entry is covered by the context's goes on behind the call with each of those exit states, put together with what the caller alone knows.
// splice.c takes states apart and puts them together; summary.c owns the contexts and says which call uses which.
#ifndef PST_VERIFY_SUMMARY_H
#define PST_VERIFY_SUMMARY_H

#include "verify/engine.h"

#define VSPLICE_MORTALS 3u // objects that may die during the call and that the caller knows

// Registers of the frame that waits for the callee, in states inside of a context: nobody reads them, so they keep what the callee was given for whoever
// puts the states together. r1 to r5: arguments.
#define VANCHOR_MORTAL 6u // and up: pointers to objects that may die
#define VANCHOR_PACKET 9u // a pointer to the packet, dead once that has moved

// How a call's state is taken apart.
typedef struct vsplice_plan {
    uint16_t wanted;                     // bit n: the caller shares the argument rn with other values, and learns of them by it
    bool packet;                         // the caller has values that die when the packet moves
    uint32_t mortal_count;
    uint16_t mortals[VSPLICE_MORTALS];   // objects of the call's state
} vsplice_plan;

/// Whether a call with this state (at the callee's entry, with the callee's frame on top) can be taken apart; if so, *plan says how.
PST_MUST_USE bool vsplice_plan_call(verifier *v, const vstate *call, vsplice_plan *plan);
/// The part of the call's state that the callee and its callees can see or change, with all anchors. Normalised. NULL: no memory.
vstate *vsplice_entry(verifier *v, const vstate *call, const vsplice_plan *plan);
/// Takes away the anchors that plan does not need.
void vsplice_trim(verifier *v, vstate *entry, const vsplice_plan *plan);
/// The state behind the call for runs that entered the callee as `call` says and left it as `leave` says. *out NULL: there are none. False: no memory.
PST_MUST_USE bool vsplice_return(verifier *v, const vstate *call, const vstate *leave, vstate **out);

/// Whether the call whose state at the callee's entry is s (its frame just pushed) is to be made by summary.
PST_MUST_USE bool vsummary_wanted(verifier *v, vstate *s);
/// The state that was kept at slot `at`, a call to be made by summary, is in the engine's work.
vstep vsummary_call(verifier *v, uint32_t at);
/// A run of the context ends: s is its state without the callee's frame, r0 set.
vstep vsummary_exit(verifier *v, const vstate *s, uint32_t context);
/// Inside of a context, bytes of a caller's frame are accessed, depth below its frame pointer.
void vsummary_note_depth(verifier *v, const vstate *s, uint32_t frame, uint32_t depth);
void vsummary_reset(verifier *v);

#endif
