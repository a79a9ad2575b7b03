// merge.h: states brought to a normal form, compared, and joined: what engine.c does with a state that arrives at a join.
#ifndef PST_VERIFY_MERGE_H
#define PST_VERIFY_MERGE_H

#include "verify/verifier.h"

/// Forgets what is dead or idle at the head of block (s->block), frees objects that nothing names, and numbers symbols and objects in the
/// order of their first use.
void vmerge_normalise(verifier *v, vstate *s);
/// Whether every run that now stands for is one that old stands for (may err to false). Both are normalised and stand at the same location.
/// Notes in old->differs where they differ.
PST_MUST_USE bool vmerge_covers(verifier *v, vstate *old, const vstate *now);

/// How unlike two states of one location are, for the choice of a pair to join: constants that differ weigh most, since later branches may test them.
/// Beyond enough, some number that is greater than enough.
uint32_t vmerge_distance(const verifier *v, const vstate *a, const vstate *b, uint32_t enough);

typedef enum vmerge_how {
    VMERGE_JOIN,
    VMERGE_WIDEN, // what grew since old goes to the next threshold
    VMERGE_DROP,  // what grew since old is forgotten altogether
} vmerge_how;

/// A state that stands for the runs of both. NULL: they have different shapes (types, objects, locks), or no memory. force: registers and cells
/// of different types become unreadable instead.
vstate *vmerge_join(verifier *v, const vstate *old, const vstate *now, vmerge_how how, bool force);

#endif
