// inspect.h: for tests that look at the invariant which a verification has found (tests/diff/verify_oracle.c, tests/unit/verify/merge_test.c).
//
// Nothing of the product includes it but verify.c and recheck.c, which call the inspector when a walk is stable. What it is handed is only lent.
#ifndef PST_VERIFY_INSPECT_H
#define PST_VERIFY_INSPECT_H

#include "verify/engine.h"

typedef struct vinspector {
    /// Called each time that all states from v->entry_subprog are walked, the kept ones are an invariant and every loop ends: once an attempt and
    /// global function. What is left after it (stack depth) may still lead to another verdict. v and its engine live until the call returns.
    void (*stable)(void *user, verifier *v);
    void *user;
} vinspector;

/// pst_verify with an inspector. Set opts->keep_states: then no kept state is put away. No text is made of them.
PST_MUST_USE pst_status vinspect_verify(const pst_env *env, const pst_verify_input *input, const pst_verify_opts *opts, const vinspector *inspector,
                                        pst_verdict **out);
/// The same for pst_recheck.
PST_MUST_USE pst_status vinspect_recheck(const pst_env *env, const pst_verify_input *input, const pst_verify_opts *opts, const vinspector *inspector,
                                         const void *certificate, size_t size, pst_verdict **out);

#endif
