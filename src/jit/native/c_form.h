// c_form.h: a proved program as C: what the compilers do to it, readable, for people and for other compilers.
//
// One function a subprogram, one line an instruction, with the instruction and its source beside it. The text stands alone (a C compiler that knows gcc's builtins);
// whoever runs it fills in a struct postern_env, which c_preamble.h declares in it.
#ifndef PST_JIT_NATIVE_C_FORM_H
#define PST_JIT_NATIVE_C_FORM_H

#include "base/text.h"
#include "jit/jit.h"

/// What every such file begins with. object: a name for the first line.
void pst_c_form_begin(pst_text *out, const char *object);
/// Appends a program as uint64_t prog_NAME(struct postern_env *env, uint64_t r1, uint64_t r2). facts as for pst_jit_create. PST_E_UNSUPPORTED after one
/// sentence for what no compiler here translates.
PST_MUST_USE pst_status pst_c_form_add(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts, const char *name,
                                       pst_text *out);

#endif
