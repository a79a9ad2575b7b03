// run.h: one run of a program: what engines, helpers and the core share while it lasts.
//
// The caller (core, a test) owns the pst_run on its stack and keeps the epoch; engines fill r0 and trap. Nothing here is shared
// between threads.
#ifndef PST_PROGRAM_RUN_H
#define PST_PROGRAM_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

#define PST_TAIL_CALLS_MAX 33 // Linux's MAX_TAIL_CALL_CNT: the 34th fails
#define PST_FRAME_BYTES 512   // stack of one subprogram's frame
#define PST_FRAMES_MAX 8      // depth of calls, the main program included
#define PST_TAIL_NESTED_MAX 4 // tail calls that replace a subprogram, inside each other: the next one fails
#define PST_METER_TURNS 8388608u // turns of all loops without a proved bound together, in one run, where nobody says otherwise
#define PST_MAY_GOTO_MAX 8388608u // Linux's BPF_MAX_LOOPS: turns of a may_goto loop

// A trap stops one run; it is not a status. r0 of a trapped run is 0 and means nothing.
#define PST_TRAP_LIST(X)                                                                     \
    X(NONE, "no trap")                                                                       \
    X(MEMORY, "access outside every region that the program may touch")                      \
    X(READ_ONLY, "write to read-only memory")                                                \
    X(CONTEXT, "no context field can be accessed like this")                                 \
    X(HELPER, "no such helper for this program type")                                        \
    X(ARGUMENT, "a helper argument does not fit its prototype")                              \
    X(CALL, "call of something that is no subprogram or helper")                             \
    X(DEPTH, "calls are nested too deeply")                                                  \
    X(BUDGET, "the instruction budget is used up") /* or that of turns (PST_FACT_METERED) */  \
    X(LOCK, "a lock or a reference is still held")                                           \
    X(INSTRUCTION, "the instruction cannot be executed here")                                \
    X(FAULT, "the machine refused an access of compiled code")                               \
    X(ALIGNMENT, "an atomic access is not aligned to its size")

typedef enum pst_trap_code {
#define X(name, text) PST_TRAP_##name,
    PST_TRAP_LIST(X)
#undef X
} pst_trap_code;

typedef struct pst_trap {
    pst_trap_code code;
    uint32_t pc;       // slot of the instruction that trapped
    uint64_t address;  // MEMORY, READ_ONLY, CONTEXT: where (CONTEXT: the offset); ARGUMENT: its number from 1
    uint32_t size;     // in bytes
} pst_trap;

const char *pst_trap_text(pst_trap_code code);

struct pst_exec;

/// Value of a register that holds the address of a subprogram (ld_imm64 func), in every engine: for callx and callbacks.
#define PST_FUNC_TAG 0x0f5c000000000000ull // | the subprogram's first slot

/// What compiled code keeps of a run. Other engines leave it alone.
typedef struct pst_run_native {
    uint64_t unwind_sp;     // the stack pointer that the machine goes back to when the program ends early (trap, tail call)
    uint32_t may_goto_left; // turns
    uint32_t depth;         // calls below the current frame; counted only where nothing bounds them before
    uint64_t frame;         // r10 of the frame that called a helper which may ask can_read
    uint64_t result;        // r0 of a tail call that came back to a subprogram
} pst_run_native;

typedef struct pst_run {
    void *ctx;                        // the provider's native context; engines translate accesses by the descriptor
    uint64_t ctx_size;                // r2 at entry. Raw mode (a program type of NULL): ctx is this many bytes of plain memory; else 0
    void *host;                       // for helpers: the core, or what the test wants
    const struct pst_exec *prog;      // the program that runs now
    const struct pst_exec *tail_next; // set by a successful tail call: pst_exec_run goes on there
    uint32_t tail_calls;              // so far in this run
    uint32_t tail_nested;             // tail calls from subprograms that have not returned yet
    uint64_t budget;                  // instructions that the checked interpreter may execute; 0: its default
    uint64_t insn_count;              // how many it has executed, tail-called programs included; other engines do not count
    /// Whether the program may read size bytes at address: for helpers that follow a pointer which no prototype describes ("%s"). Set by
    /// the interpreters, with engine as their state; NULL: the engine does not know. The fast one knows stack and packet only.
    bool (*can_read)(const struct pst_run *run, uint64_t address, uint64_t size);
    /// For a helper that calls back: runs the subprogram whose address func is, with args as r1 to r5, and returns its r0. When trap is set
    /// afterwards, the helper returns at once. Set by engines that can, while such a helper runs.
    uint64_t (*call_back)(struct pst_run *run, uint64_t func, const uint64_t args[5]);
    void *engine;
    pst_trap trap;
    pst_run_native native;
    void *lock;     // the bpf_spin_lock that the program holds; NULL: none. Who ends the run early gives it back
    uint64_t turns; // so far in this run, of loops without a proved bound (PST_FACT_METERED), tail-called programs included
} pst_run;

/// What a helper is to an engine. Unused arguments are garbage. Values are as in the program's registers.
typedef uint64_t (*pst_helper_fn)(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5, pst_run *run);

/// A program in the form that one engine can run. Engines embed it as their first member.
typedef struct pst_exec {
    uint64_t (*enter)(const struct pst_exec *exec, pst_run *run); // runs until exit, tail call or trap; returns r0
    /// Runs the subprogram whose address func is as a run of its own, without a context: as the callback of an element, with the map, its key and
    /// its value in args. run->prog is exec. Returns its r0. Engines without callbacks: NULL.
    uint64_t (*enter_callback)(const struct pst_exec *exec, pst_run *run, uint64_t func, const uint64_t args[5]);
    void (*free)(struct pst_exec *exec);
    const struct pst_image *image;
    void *owner; // the core's program object, for helpers and statistics
} pst_exec;

/// What (pst_run){.ctx = ctx, .host = host} is to a run, without clearing what only the engine that uses it reads: a few stores instead of a
/// string instruction, on a path of a few nanoseconds.
PST_INLINE void pst_run_begin(pst_run *run, void *ctx, void *host)
{
    run->ctx = ctx;
    run->ctx_size = 0;
    run->host = host;
    run->prog = 0;
    run->tail_next = 0;
    run->tail_calls = run->tail_nested = 0;
    run->budget = run->insn_count = 0;
    run->turns = 0;
    run->lock = 0;
    run->can_read = 0;
    run->call_back = 0;
    run->engine = 0;
    run->trap.code = PST_TRAP_NONE;
}

/// Runs exec and whatever it tail-calls; returns r0. run->ctx and run->host are set by the caller, the rest is zero (or see pst_run_begin).
PST_INLINE uint64_t pst_exec_run(const pst_exec *exec, pst_run *run)
{
    uint64_t r0;
    do {
        run->prog = exec;
        run->tail_next = 0;
        r0 = exec->enter(exec, run);
        exec = run->tail_next;
    } while (exec);
    return r0;
}

#endif
