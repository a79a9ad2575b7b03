// interp.h: two interpreters with one meaning (isa.def).
//
// The fast one executes a program that is proved: predecoded, direct-threaded, no checks. The checked one validates every access
// against the regions that the program may touch at that moment (its stack frames, the context by its descriptor, the packet, map values it was
// given, memory a helper returned, read-only data) and every helper argument against its prototype; it stops with a trap that names the
// instruction. It needs no proof, but runs also proved programs, when their instructions are to be counted.
#ifndef PST_INTERP_INTERP_H
#define PST_INTERP_INTERP_H

#include "catalog/catalog.h"
#include "program/facts.h"
#include "program/image.h"

/// Makes image executable by the fast interpreter. image, bindings->type and the helpers outlive *out; freed by (*out)->free(*out).
/// bindings->type NULL is raw mode: r1 = run->ctx, r2 = run->ctx_size, and no descriptor (see pst_exec_run_raw). facts may be NULL:
/// then no access is taken for one of the context.
/// PST_E_UNSUPPORTED for what cannot run (address-space casts, kfuncs, kernel variables) where a run may get to it, after one sentence in the log.
PST_MUST_USE pst_status pst_interp_create(const pst_env *env, const pst_image *image, const pst_bindings *bindings,
                                          const pst_facts *facts, pst_exec **out);

typedef struct pst_interp_opts {
    size_t size;          // sizeof(pst_interp_opts); new fields go last
    uint64_t meter_turns; // as in pst_jit_opts. 0: PST_METER_TURNS
    bool waits;           // the fast one: accesses that facts do not call steady (PST_FACT_STEADY), calls of C functions, and what follows these,
                          // wait until every branch before them is decided: for proofs by the strict rules. The checked one has branches of its own
                          // around every access and is for tests and counting: it does not
} pst_interp_opts;
/// The same, with choices; opts may be NULL.
PST_MUST_USE pst_status pst_interp_create_with(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                                               const pst_interp_opts *opts, pst_exec **out);

/// The same for the checked interpreter. run->budget limits instructions (0: PST_CHECKED_BUDGET_DEFAULT). Registers and stack are 0
/// where the program has not written them.
#define PST_CHECKED_BUDGET_DEFAULT 1000000000ull
PST_MUST_USE pst_status pst_checked_create(const pst_env *env, const pst_image *image, const pst_bindings *bindings, pst_exec **out);

/// From now on runs of exec, which pst_checked_create has made, add to counts[slot] each time that they execute it; NULL: no more. One thread
/// at a time runs it meanwhile. counts has an entry for each slot of the image. False: exec comes from another engine.
PST_MUST_USE bool pst_checked_count(pst_exec *exec, uint64_t *counts);
/// The same with the choices above. Of facts it takes PST_FACT_METERED only: for the rest it needs no proof. They may be NULL.
PST_MUST_USE pst_status pst_checked_create_with(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                                                const pst_interp_opts *opts, pst_exec **out);

/// r1 of a program in the checked interpreter: the context is at this address, which belongs to no memory (on no machine does a
/// pointer look like it), so that an access next to the context is no access to its neighbour.
#define PST_CHECKED_CTX 0x0c7c000000000000ull

/// What one run of the checked interpreter remembers. Of map values the one used longest ago is forgotten when there are more (an access
/// through it then traps); more references (reserved records, sockets) than that end the run with PST_TRAP_LOCK.
#define PST_CHECKED_REGIONS_MAX 64
#define PST_CHECKED_INNER_MAPS_MAX 16

/// Appends one sentence about a trap: what happened, at which instruction, in which source line. image is that of the
/// program that trapped (run->prog->image).
void pst_trap_describe(pst_text *out, const pst_image *image, const pst_trap *trap);

/// Raw memory mode for conformance tests and embedding as a plain VM: exec was created with a program type of NULL; r1 = the
/// memory's address, r2 = its size. mem is one region of size bytes, readable and writable. *run is begun anew except for host and budget.
typedef struct pst_raw_memory {
    void *bytes;
    uint64_t size;
} pst_raw_memory;
PST_MUST_USE uint64_t pst_exec_run_raw(const pst_exec *exec, pst_raw_memory memory, pst_run *run);

#endif
