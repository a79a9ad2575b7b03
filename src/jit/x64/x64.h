// x64.h: the x86-64 back end, as jit.c sees it.
#ifndef PST_JIT_X64_X64_H
#define PST_JIT_X64_X64_H

#include "jit/blob.h"
#include "jit/runtime.h"

/// Compiles unit, which is analysed, into prog: code (sealed), offsets, entries. What was made so far is freed with prog in any case.
PST_MUST_USE pst_status x64_compile(const jit_unit *unit, const pst_jit_opts *opts, jit_program *prog);

/// The same into a blob, whose target is set: code, offsets, entries, references, patches.
PST_MUST_USE pst_status x64_compile_blob(const jit_unit *unit, pst_jit_blob *blob);

#endif
