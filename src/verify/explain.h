// explain.h: abstract states as text for people, and what --explain and --html show.
#ifndef PST_VERIFY_EXPLAIN_H
#define PST_VERIFY_EXPLAIN_H

#include "verify/engine.h"

/// Appends the kept states of the engine to verdict->explained, in arena, by pc.
PST_MUST_USE pst_status vexplain_states(verifier *v, pst_arena *arena, pst_verdict *verdict);

#endif
