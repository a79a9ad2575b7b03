// lower.h: from functions with registers to an image. Internal to this folder.
#ifndef PST_JIT_OPT_LOWER_H
#define PST_JIT_OPT_LOWER_H

#include "jit/opt/ir.h"

/// A place that names a function: its target is known when all functions are there.
typedef struct opt_reference {
    uint32_t pc, subprog;
} opt_reference;

typedef struct opt_output {
    pst_arena *arena;
    const jit_unit *unit;
    pst_insn *insns;
    uint32_t *origins;
    uint8_t *flags;
    int16_t *context_off;
    pst_fact_call *calls;
    uint32_t count, capacity;
    opt_reference *references;
    uint32_t reference_count, reference_capacity;
    bool failed;
} opt_output;

/// Appends func's instructions; colors are its webs' registers.
void opt_lower(opt_output *out, const opt_func *func, const uint8_t *colors);
/// Appends a function that nobody calls.
void opt_lower_nothing(opt_output *out, uint32_t origin);
/// Sets the targets of references.
void opt_lower_references(opt_output *out, const pst_subprog *subprogs);

#endif
