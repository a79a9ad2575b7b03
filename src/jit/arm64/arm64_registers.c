// arm64_registers.c: see arm64_registers.h. Source: Procedure Call Standard for the Arm 64-bit Architecture, section 6.1. Windows' convention is the same in
// all that is used here.
#include "jit/arm64/arm64_registers.h"

#include "pal/pal.h"

#define BIT(reg) (1u << (reg))

#define KEPT (BIT(X19) | BIT(X20) | BIT(X21) | BIT(X22) | BIT(X23) | BIT(X24) | BIT(X25) | BIT(X26) | BIT(X27) | BIT(X28))

static const arm64_abi leaf = {
    .of = {X7, X0, X1, X2, X3, X4, X6, X8, X13, X14, FP, X15, X19, X20, X21, X22},
    .args = {X0, X1, X2, X3, X4, X5},
    .kept = KEPT,
    .leaf = &leaf,
};

const arm64_abi arm64_aapcs = {
    .of = {X7, X0, X1, X2, X3, X4, X19, X20, X21, X22, FP, X23, X24, X25, X26, X27},
    .args = {X0, X1, X2, X3, X4, X5},
    .kept = KEPT,
    .leaf = &leaf,
};

const arm64_abi *arm64_host_abi(void) { return &arm64_aapcs; }

unsigned arm64_host_features(void) { return pst_pal_cpu_features() & PST_CPU_ARM64_ATOMICS ? ARM64_LSE : 0; }
