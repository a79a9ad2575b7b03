// interp.h: two interpreters with one meaning (isa.def).
//
// The fast one executes a program that is proved: predecoded, direct-threaded, no checks. The checked one validates every access
// against the regions that the program may touch at that moment (its stack frames, the context by its descriptor, the packet, map values it was
// given, memory a helper returned, read-only data) and every helper argument against its prototype; it stops with a trap that names the
// instruction. Until there is a proof, programs run only in the checked one.
#ifndef PST_INTERP_INTERP_H
#define PST_INTERP_INTERP_H

#include "catalog/catalog.h"
#include "program/facts.h"
#include "program/image.h"

/// Makes image executable by the fast interpreter. image, bindings->type and the helpers outlive *out; freed by (*out)->free(*out).
/// PST_E_UNSUPPORTED for what cannot run (address-space casts, kfuncs without binding), after one sentence in the log.
PST_MUST_USE pst_status pst_interp_create(const pst_env *env, const pst_image *image, const pst_bindings *bindings,
                                          const pst_facts *facts, pst_exec **out);

/// The same for the checked interpreter. run->budget limits instructions (0: PST_CHECKED_BUDGET_DEFAULT).
#define PST_CHECKED_BUDGET_DEFAULT 1000000000ull
PST_MUST_USE pst_status pst_checked_create(const pst_env *env, const pst_image *image, const pst_bindings *bindings, pst_exec **out);

/// Raw memory mode for conformance tests and embedding as a plain VM: r1 = run->ctx as an address, r2 = size; no context
/// descriptor. mem is one region of size bytes, readable and writable.
typedef struct pst_raw_memory {
    void *bytes;
    uint64_t size;
} pst_raw_memory;
PST_MUST_USE uint64_t pst_exec_run_raw(const pst_exec *exec, pst_raw_memory memory, pst_run *run);

#endif
