// endless.h: which variable of a loop does not progress, for the finding that the loop may never end.
#ifndef PST_VERIFY_ENDLESS_H
#define PST_VERIFY_ENDLESS_H

#include "verify/verifier.h"

/// Adds to v->finding, about the loop whose head is `head`: the branch that leaves it, what that tests, and how a turn changes it.
void vendless_explain(verifier *v, uint32_t head);

#endif
