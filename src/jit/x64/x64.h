// x64.h: the x86-64 back end, as the rest of src/jit sees it.
#ifndef PST_JIT_X64_X64_H
#define PST_JIT_X64_X64_H

#include "jit/back_end.h"

extern const jit_back_end x64_back_end;

#endif
