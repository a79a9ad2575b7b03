// back_end.c: see back_end.h. Every back end is part of every build: only its code needs the right machine.
#include "jit/back_end.h"

#include "jit/arm64/arm64.h"
#include "jit/x64/x64.h"

const jit_back_end *jit_back_end_of(pst_jit_target target)
{
    switch (target) {
    case PST_JIT_TARGET_X64_LINUX:
    case PST_JIT_TARGET_X64_WINDOWS: return &x64_back_end;
    case PST_JIT_TARGET_ARM64_LINUX: return &arm64_back_end;
    case PST_JIT_TARGETS: break;
    }
    return NULL;
}
