// native.h: native modules at the core: programs from one that its signature vouches for, and loaded programs written into one.
//
// A module brings machine code and the claim that it was proved. The core believes that because of the signature, and checks everything that the claim
// was made under: engine, program type (its program-info hash), bytecode, maps, constants. Its code runs where the host allows no dynamic code.
#ifndef PST_CORE_NATIVE_H
#define PST_CORE_NATIVE_H

#include "core/core.h"
#include "jit/native/module.h"

typedef struct pst_core_native pst_core_native;

/// Whether a core with these options takes machine code from modules. False: it counts instructions, or was told which engine to use.
bool pst_core_native_wanted(const pst_core *core);

/// Checks bytes, the content of the file at path, and lets the host load it. path may be on disk only. PST_E_DENIED for what policy (pst_core_options)
/// refuses; PST_E_FORMAT, PST_E_INVALID for what is no module, or none for this machine; PST_E_BUSY: it is loaded already. Each after one sentence in
/// env's log. Dropped by pst_core_native_close; programs keep it loaded. The core outlives it.
PST_MUST_USE pst_status pst_core_native_open(pst_core *core, const pst_env *env, const char *path, const uint8_t *bytes, size_t size,
                                             pst_core_native **out);
void pst_core_native_close(pst_core_native *module); // NULL is fine

/// PROG_LOAD, as pst_core_command does it, with the module's proof and machine code in place of the core's. The module has the program by its
/// bytecode; each of its programs is loaded once at a time.
int64_t pst_core_native_load(pst_client *client, pst_core_native *module, void *attr, uint32_t size);

/// Adds a map to the description of a module to be, under this name. with_values: what an array holds now is its initial data.
PST_MUST_USE pst_status pst_core_native_add_map(pst_client *client, const pst_env *env, int map_fd, const char *name, bool with_values, pst_native *out);
/// Compiles a proved program for out->target and adds it under its full name. Its maps are there already. PST_E_UNSUPPORTED after one sentence for what cannot be compiled.
PST_MUST_USE pst_status pst_core_native_add_prog(pst_client *client, const pst_env *env, int prog_fd, const char *name, const char *section,
                                                 pst_native *out);
/// Appends a proved program in its C form (jit/native/c_form.h) instead.
PST_MUST_USE pst_status pst_core_native_add_c(pst_client *client, const pst_env *env, int prog_fd, const char *name, pst_text *out);

#endif
