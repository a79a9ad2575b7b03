// machine.h: what a back end has beyond eBPF: what the optimiser may use. Internal to src/jit.
#ifndef PST_JIT_MACHINE_H
#define PST_JIT_MACHINE_H

#include <stdint.h>

#define JIT_REGS_MAX 16u // r0 to r10, and those that a machine adds behind them

typedef struct jit_machine {
    uint16_t regs;   // bit n: rn may be used. r0 to r9 always
    uint16_t kept;   // bit n: a call keeps rn. r6 to r9 always
} jit_machine;

/// eBPF's registers and nothing else.
#define JIT_MACHINE_PLAIN {.regs = 0x3ff, .kept = 0x3c0}

#endif
