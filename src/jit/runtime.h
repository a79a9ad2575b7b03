// runtime.h: a compiled program, and the C functions that compiled code calls. Internal to this folder.
#ifndef PST_JIT_RUNTIME_H
#define PST_JIT_RUNTIME_H

#include "jit/unit.h"
#include "pal/pal.h"

typedef struct jit_program {
    pst_exec exec; // first: what the caller holds
    const pst_env *env;
    pst_bindings bindings;
    pst_code code;
    bool code_is_lent;     // it lies in somebody else's pages (pst_jit_adopt)
    uint32_t code_bytes;
    uint32_t *offsets;     // per piece, and one for the end: see pst_jit_code
    uint32_t *slots;       // per piece; NULL: its number
    uint32_t piece_count;  // slots of the image that was compiled
    uint32_t *functions;   // per subprogram: where it is called. C enters the first directly, unless there is a stub
    uint32_t call_offset;  // the stub through which C calls functions (jit_call_fn); UINT32_MAX: there is none
    uint32_t unwind_offset; // where a run ends early; UINT32_MAX: nothing in the program does that
    uint32_t fault_slot;    // faults.c
    uint8_t run_reg;        // machine register that has the run (pst_run *) from entry to exit
    bool reads_stack, counts_depth; // as the unit's
} jit_program;

void jit_program_free(pst_exec *exec);
/// Code, offsets and entries are filled in: makes the program enterable.
PST_MUST_USE pst_status jit_program_ready(jit_program *prog);
/// Why there is no machine code, for a sentence.
const char *jit_reason(pst_status status);

/// The stub: calls target, a function of the program, with args as r1 to r5. run->native is the run's.
typedef uint64_t (*jit_call_fn)(const void *target, pst_run *run, const uint64_t args[PST_ARGS_MAX]);

/// Enters a program through its stub, and provides what helpers of such programs need (callbacks, can_read).
uint64_t jit_enter_by_stub(const pst_exec *exec, pst_run *run);
uint64_t jit_enter_callback(const pst_exec *exec, pst_run *run, uint64_t func, const uint64_t args[PST_ARGS_MAX]); // pst_exec.enter_callback

// --- Called by compiled code ----------------------------------------------------------------------------------

typedef enum jit_tail {
    JIT_TAIL_FAILED, // the program goes on
    JIT_TAIL_ENDED,  // the run ends here: trap, or run->tail_next
    JIT_TAIL_RETURNED, // the subprogram returns run->native.result
} jit_tail;

/// The functions below, in the order of their numbers in a blob (PST_JIT_REF_RUNTIME): new ones go last.
#define JIT_RUNTIME_LIST(X)              \
    X(TAIL_CALL, jit_tail_call)          \
    X(LEGACY_LOAD, jit_legacy_load)      \
    X(CALLX, jit_callx)

typedef enum jit_runtime {
#define X(name, function) JIT_RUNTIME_##name,
    JIT_RUNTIME_LIST(X)
#undef X
    JIT_RUNTIME_COUNT,
} jit_runtime;

/// A tail call. subprog: the caller is certainly not the program's entry.
uint64_t jit_tail_call(pst_run *run, uint64_t map, uint64_t index, uint64_t subprog);

/// A legacy load of width bits; UINT64_MAX: outside the packet, the run ends with 0.
uint64_t jit_legacy_load(pst_run *run, uint64_t offset, uint64_t width);

/// The code that callx at pc calls for a register's value, which then counts as one more frame; 0: a trap is set.
uint64_t jit_callx(pst_run *run, uint64_t value, uint64_t pc);

#endif
