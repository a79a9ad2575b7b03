// jit.h: compiles a proved program to machine code of the host.
//
// One linear pass with peepholes, quick enough to run at every load. The code is sealed (readable and executable, never writable) before it
// runs. What a proof covers is not checked; should a proof be wrong, a machine fault in compiled code ends that run with PST_TRAP_FAULT and
// not the process (as far as the fault shows: an access to memory that exists is not one).
#ifndef PST_JIT_JIT_H
#define PST_JIT_JIT_H

#include "catalog/catalog.h"
#include "program/facts.h"
#include "program/image.h"

/// Whether there is a back end for this machine. That the host allows dynamic code is told by pst_jit_create (PST_E_DENIED).
bool pst_jit_supported(void);

typedef enum pst_jit_tier {
    PST_JIT_OPTIMISED, // the optimiser's passes come before the linear pass; programs that are too large for them get the quick tier
    PST_JIT_QUICK,     // the linear pass alone
} pst_jit_tier;

#define PST_JIT_BLIND 0x1u // constants of the program do not stand in the code: each is mixed with a secret of this load
#define PST_JIT_PLACE 0x2u // where functions begin, and what pads them, is chance
#define PST_JIT_MASK 0x4u  // what a wrong guess of a branch reads is not seen, nor does it write where it likes (README.md, "Wrong guesses")

typedef struct pst_jit_opts {
    size_t size;          // sizeof(pst_jit_opts); new fields go last
    bool plain_machine;   // use the base instruction set only, whatever the machine has: for tests
    pst_jit_tier tier;
    uint32_t harden;      // PST_JIT_BLIND and so on
    uint64_t meter_turns; // of all loops without a proved bound (PST_FACT_METERED) together, in one run, before it ends with PST_TRAP_BUDGET. 0: PST_METER_TURNS; at most INT32_MAX
    bool by_blob;         // compiled to a blob (blob.h), and bound from its bytes: for tests of what code from elsewhere goes through
    bool walkable;        // every function keeps a frame pointer, at two instructions a call: who follows them, as perf and gdb do, misses none
} pst_jit_opts;

/// Makes image executable. image, bindings->type and the helpers outlive *out; freed by (*out)->free(*out), which nobody runs then.
/// bindings->type NULL is raw mode: r1 = run->ctx, r2 = run->ctx_size, and no descriptor. facts may be NULL: then no access is taken
/// for one of the context. opts may be NULL. Traps of compiled code name the instruction.
/// PST_E_UNSUPPORTED for what cannot be compiled (another machine; address-space casts, kfuncs), PST_E_DENIED where the host allows no dynamic
/// code, PST_E_LIMIT for too much of it, each after one sentence in the log.
PST_MUST_USE pst_status pst_jit_create(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                                       const pst_jit_opts *opts, pst_exec **out);

/// The machine code of a program that pst_jit_create has made, in pieces: piece i has the bytes from offsets[i] to offsets[i + 1], and is what
/// became of the instruction in slot slots[i]. The quick tier has one piece per slot, in order; after the optimiser a slot may have
/// several, or none, in any order.
typedef struct pst_jit_code {
    const uint8_t *bytes;
    size_t size;
    uint32_t count;          // of pieces
    const uint32_t *offsets; // one more: the end of the last instruction's
    const uint32_t *slots;   // NULL: piece i is of slot i
    const uint32_t *functions; // where each subprogram of the image begins
    uint32_t function_count;
} pst_jit_code;
/// False: exec comes from another engine.
PST_MUST_USE bool pst_jit_code_of(const pst_exec *exec, pst_jit_code *out);

#endif
