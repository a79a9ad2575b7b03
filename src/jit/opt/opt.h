// opt.h: the optimiser, as jit.c sees it: a program becomes a better one of the same kind.
//
// It takes what every back end takes, an image with facts, and gives the same: instructions of isa.h, with facts of their own and the slot of
// the original that each comes from. So it knows no machine beyond a jit_machine, every back end profits, and what it made can be run
// by an interpreter and compared with what it got. README.md has the order of passes.
#ifndef PST_JIT_OPT_OPT_H
#define PST_JIT_OPT_OPT_H

#include "base/arena.h"
#include "jit/machine.h"
#include "jit/unit.h"

#define OPT_SLOTS_MAX 16384u // programs that are larger are left as they are

/// What the optimiser made: a unit's image, facts and origins. Everything lies in the arena.
typedef struct opt_result {
    pst_image image;
    pst_facts facts;
    uint32_t *origins;
} opt_result;

/// Optimises the program of unit, which is analysed, for machine. PST_E_LIMIT: too large, or not worth more time; PST_E_UNSUPPORTED: it does what the optimiser
/// does not follow; PST_E_NOMEM. Nothing is logged: the program can be compiled as it is.
PST_MUST_USE pst_status opt_run(const jit_unit *unit, const jit_machine *machine, pst_arena *arena, opt_result *out);

/// A unit to compile instead of another.
typedef struct opt_better {
    pst_env env; // the unit's, which notes when there is no memory
    const pst_env *outer;
    bool no_memory;
    pst_arena arena;
    opt_result result;
    jit_unit unit;
    bool analysed;
} opt_better;

/// *out: the unit to compile for unit, which is analysed: an optimised one, or itself where opts ask for the quick tier or the optimiser declines.
/// Fails without memory only. Freed by opt_better_free in any case; opts may be NULL.
PST_MUST_USE pst_status opt_better_make(opt_better *better, const jit_unit *unit, const jit_machine *machine, const pst_jit_opts *opts, const jit_unit **out);
void opt_better_free(opt_better *better);

#endif
