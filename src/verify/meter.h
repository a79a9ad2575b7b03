// meter.h: loops that nothing bounds, and that engines count (pst_verify_opts.meter_loops).
#ifndef PST_VERIFY_METER_H
#define PST_VERIFY_METER_H

#include "verify/engine.h"

/// Before an attempt.
void vmeter_begin(verifier *v);
/// s comes back to the head of loop: notes whether it holds something.
void vmeter_note_turn(verifier *v, vstate *s, uint32_t loop);
/// Where something is held as a global function is called: whoever stops the run in it cannot give that back.
void vmeter_note_call(verifier *v, vstate *s);
/// From now on the turns of the loop at whose head `to` stands are counted. False: that cannot be; v->finding says why, as a rejection.
PST_MUST_USE bool vmeter_loop(verifier *v, uint32_t loop);
PST_INLINE bool vmeter_counts(const verifier *v, uint32_t loop) { return v->loop_marks && v->loop_marks[loop] & VLOOP_METERED; }
/// Whether a run may be stopped at each loop that is metered. False: v->finding is a rejection.
PST_MUST_USE bool vmeter_settle(verifier *v);

#endif
