// certificate.h: what a certificate says, and how its bytes say it; shared by certify.c (which writes) and recheck.c (which reads).
//
// A certificate is the invariant of a walk, told in the order of the walk. Both sides walk the program in the same order (engine.c); whenever a state
// arrives at a join, the certificate says either which of the states kept there it is inside of, or which state is kept there from now on. Such a
// state is written as a difference to the one that just arrived, which it must cover: what is forgotten, and which numbers are known less well. It
// cannot be said in this form that there is another object, another frame, or a lock less. So every sequence of bytes names well-formed states,
// or is malformed.
//
// Bytes: the version, then the mode and flags of pst_verify_opts that it was made with, then decisions (coder.h), until the walk is over:
//
//   first:    are loops that nothing bounds metered (then no call is made by summary)? else: are calls made by summary from another way to call a subprogram on? which of the other two
//   arrival:  at a place where n > 0 states are kept: is it another one? no: which, counted from the newest
//             another, or the first of its place: is it the arriving one as it is? else its differences (certificate.c)
//
// Nothing names the program: a certificate that fits another one proves that, too.
#ifndef PST_VERIFY_CERTIFICATE_H
#define PST_VERIFY_CERTIFICATE_H

#include "verify/coder.h"
#include "verify/engine.h"

#define VCERTIFICATE_VERSION 1u
#define VCERTIFICATE_HEADER 2u
#define VCERTIFICATE_MAX ((size_t)4 << 20) // bytes
#define VCERTIFICATE_PATHS 64u             // calls are made by summary from this way to call a subprogram on (engine.h); or from:
#define VCERTIFICATE_PATHS_MANY 4096u
#define VCERTIFICATE_PATHS_ONE 1u
#define VCERTIFICATE_EXITS 24u             // of a context, before they are joined (summary.h)
#define VRECENT 8u                         // numbers that may be named by how long ago they were written
#define VBOUNDS 6u

// What is expected of each decision.
typedef struct vmodel {
    vprob metered, paths[2], is_new[2], is_same[2];
    vnumber covering;
    vprob may_be_null, is_kept[V_FUNC + 1], leaks;
    vprob stays[3][2], forgets[3], fresh[3];
    vnumber candidate, offset;
    vprob more[5][2];             // of a scalar: by part, and whether it was nothing so far
    vprob loose;
    vprob bound[VBOUNDS][4];
    vnumber threshold, explicit_bound;
    vprob recent[3];
    vprob same_written, same_cell[2], cell_bits[2][8], cell_size[2][3];
    vprob relation_kept, length_same[2];
    vnumber relation_slack, relations, relation_side[2];
    vnumber scales, scale_side[2], scale_factor;
} vmodel;

typedef struct vscript {
    vcoder coder;
    vmodel model, saved;    // saved: writing, what may have to be returned to
    uint64_t recent[VRECENT];
    vstate *room;           // a state that is made, before it is kept
    const vengine *graphs;  // writing: by subprogram, what is known to be an invariant of it; states are taken from there
    uint32_t *contexts;     // writing: by context of the walk, which of the known invariant's stands for it; 0: not looked for, VFLOW_NONE: none
    size_t context_count, context_capacity;
    uint32_t contexts_of;   // v->entry_subprog that they belong to
} vscript;

void vscript_init(vscript *k); // all but the coder
void vscript_free(verifier *v, vscript *k);

/// Makes in k->room the state that is kept where s arrives. want: what it should be; NULL when reading. *same: it is s itself (who writes says so), and
/// k->room was not touched. VSTEP_NEXT, or why not. Whether it covers s is the caller's question.
vstep vcertificate_state(verifier *v, vscript *k, const vstate *s, const vstate *want, bool *same);
/// The mode and flags of v->opts as a byte.
uint8_t vcertificate_rules(const verifier *v);
/// Refuses what is read: it is malformed here.
vstep vcertificate_malformed(verifier *v);

/// certify.c, while a certificate is written. The state of the known invariant that is to be kept where s arrives; NULL: s itself. Or *covering, which of
/// those that are kept there stands for it, counted from the newest; VFLOW_NONE: none does.
const vstate *vcertify_choose(verifier *v, vscript *k, vstate *s, uint32_t location, uint32_t *covering);
/// After attempts that accepted, with v->engine's limits as they were at the last: looks for a proof with few states, and writes it down into arena. A proof
/// that is not found within the limits is no failure: the verdict has no certificate then.
PST_MUST_USE pst_status vcertify(verifier *v, pst_arena *arena, pst_verdict *verdict);

/// recheck.c: the limits of v->engine that a certificate is walked with, and whether loops are metered: the first decisions.
void vscript_limits(verifier *v, vscript *k, bool metered, uint32_t paths_max);
/// recheck.c: a state arrives at a join while a certificate is written or read.
vstep vscript_arrive(verifier *v, vstate *s, const varrival *a);

// --- verify.c: the frame of a verification ---------------------------------------------------------------------------

/// Called when the walk from v->entry_subprog is over, whatever it found; the graph is reset behind it. May be NULL.
typedef pst_status verifier_visit(verifier *v, void *user);
/// Walks the main program, then each global function that it calls, on its own; then looks at the stack of all chains of calls. Limits are those of
/// v->engine. v->finding says what was found.
PST_MUST_USE pst_status verifier_walk(verifier *v, verifier_visit *visit, void *user);
/// How a program is proved once its shape is known; v->finding says what was found.
typedef pst_status verifier_prove(verifier *v, pst_arena *arena, pst_verdict *verdict, void *user);
PST_MUST_USE pst_status verifier_run(const pst_env *env, const pst_verify_input *input, const pst_verify_opts *opts, const struct vinspector *inspector,
                                     verifier_prove *prove, void *user, pst_verdict **out);

#endif
