// native_internal.h: what prog_load.c, engine.c and the two files of native modules share.
#ifndef PST_CORE_NATIVE_INTERNAL_H
#define PST_CORE_NATIVE_INTERNAL_H

#include "core/internal.h"
#include "core/native.h"

// How an IMM64 names a map by its index, in the source register's place.
#define CORE_SRC_MAP_IDX 5
#define CORE_SRC_MAP_IDX_VALUE 6

/// The program's slots with each map named by its index in image->maps: what bytecode hashes are over. NULL without memory; image->count slots.
pst_slot *core_native_bytecode(const core_prog *prog, const pst_env *env);

/// In place of a proof: finds the program in call->native and checks that everything is as it was proved. 0, or -errno after a sentence.
int64_t core_native_check(core_call *call, core_prog *prog);
/// In place of an engine.
PST_MUST_USE pst_status core_native_bind(pst_core *core, const core_prog *prog, pst_exec **out);
/// Lets the module's program go, if prog is one. Its code does not run any more.
void core_native_release(core_prog *prog);

#endif
