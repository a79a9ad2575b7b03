// back_end.h: what a machine's back end gives to the rest of this folder. One object each, in the back end's own header.
#ifndef PST_JIT_BACK_END_H
#define PST_JIT_BACK_END_H

#include "jit/blob.h"
#include "jit/machine.h"
#include "jit/runtime.h"
#include "jit/unwind.h"

typedef struct jit_back_end {
    jit_machine machine; // what it gives the optimiser
    /// Compiles unit, which is analysed, into prog: code (sealed), offsets, entries, run_reg. What was made so far is freed with prog in any case.
    pst_status (*compile)(const jit_unit *unit, const pst_jit_opts *opts, jit_program *prog);
    /// The same into a blob, whose target is set: code, offsets, entries, references, patches. NULL: it cannot do that.
    pst_status (*compile_blob)(const jit_unit *unit, const pst_jit_opts *opts, pst_jit_blob *blob);
    /// What the host has beyond the base instruction set, as the back end numbers it; 0 on another machine.
    unsigned (*host_features)(void);
    /// What the system's unwinder wants to know of functions, where it has a format of its own (x64/unwind_info.h). NULL: there is none.
    uint32_t (*unwind_bound)(uint32_t functions);
    uint32_t (*unwind_write)(const jit_places *places, uint32_t code_rva, uint32_t out_rva, uint8_t *out, uint32_t *table);
    uint8_t run_reg, leaf_run_reg; // jit_program's run_reg where the code comes from a blob; the second with PST_JIT_BLOB_LEAF
    uint16_t guess_reg;   // bit n: rn is left to it where masks are wanted: it tells whether all branches were guessed right (guess.h). 0: waits instead
    bool meters;          // PST_FACT_METERED
} jit_back_end;

/// Refuses what back_end has no code for: PST_E_UNSUPPORTED after a sentence.
PST_MUST_USE pst_status jit_back_end_check(const jit_back_end *back_end, const jit_unit *unit);

/// The one that makes code for target; NULL: there is none.
const jit_back_end *jit_back_end_of(pst_jit_target target);

#endif
