// bound.h: accesses that no wrong guess of a branch can take out of an array. Internal to src/jit.
#ifndef PST_JIT_BOUND_H
#define PST_JIT_BOUND_H

#include "jit/machine.h"
#include "jit/unit.h"

/// Sets JIT_GUESS_BOUNDED in unit->guesses.
PST_MUST_USE pst_status jit_find_bounded(jit_unit *unit);

#endif
