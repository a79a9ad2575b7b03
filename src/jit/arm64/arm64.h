// arm64.h: the arm64 back end, as the rest of src/jit sees it.
#ifndef PST_JIT_ARM64_ARM64_H
#define PST_JIT_ARM64_ARM64_H

#include "jit/back_end.h"

extern const jit_back_end arm64_back_end;

#endif
