// registers.c: see registers.h. Source: System V ABI for x86-64; Microsoft's x64 calling convention; Intel's manual, CPUID.
#include "jit/x64/registers.h"

#define BIT(reg) (1u << (reg))

const x64_abi x64_sysv = {
    .of = {RAX, RDI, RSI, RDX, RCX, R8, RBX, R13, R14, R15, RBP},
    .args = {RDI, RSI, RDX, RCX},
    .t2 = R9,
    .kept = BIT(RBX) | BIT(RBP) | BIT(R12) | BIT(R13) | BIT(R14) | BIT(R15),
};

const x64_abi x64_win64 = {
    .of = {RAX, RCX, RDX, R8, R9, RDI, RBX, R13, R14, R15, RBP},
    .args = {RCX, RDX, R8, R9},
    .t2 = RSI,
    .kept = BIT(RBX) | BIT(RBP) | BIT(RSI) | BIT(RDI) | BIT(R12) | BIT(R13) | BIT(R14) | BIT(R15),
    .call_bytes = 48,
};

const x64_abi *x64_host_abi(void)
{
    return PST_HOST_MS_ABI ? &x64_win64 : &x64_sysv;
}

#define ASKED 0x80000000u

unsigned x64_host_features(void)
{
    static unsigned known; // in a virtual machine each cpuid is a visit to its host: longer than compiling a program
    unsigned features = PST_ATOMIC_LOAD_RELAXED(&known);
    if (features) return features & ~ASKED;
#if PST_HOST_X64
    unsigned r[4];
    pst_cpuid(0, 0, r);
    unsigned last = r[0];
    pst_cpuid(1, 0, r);
    if (r[2] & 1u << 22) features |= X64_MOVBE;
    // BMI2 is encoded like AVX but needs no state that an operating system would have to save.
    if (last >= 7) {
        pst_cpuid(7, 0, r);
        if (r[1] & 1u << 8) features |= X64_BMI2;
    }
#endif
    PST_ATOMIC_STORE_RELAXED(&known, features | ASKED);
    return features;
}
