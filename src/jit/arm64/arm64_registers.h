// arm64_registers.h: where eBPF's registers live on arm64, and what else the code uses.
//
// r1 to r5 are the machine's first five arguments, so that a helper call moves nothing but the run. r6 to r9 are registers that a callee
// keeps. r10 is the frame pointer: our frames are a chain that debuggers and profilers can walk. r0 cannot be x0, which is r1: results of
// functions are in x0 all the same, and come to x7 only when they outlive the next r1 (see arm64_result in arm64_select.h).
//
//            r0   r1 to r5   r6   r7   r8   r9   r10  r11 to r15     | the run  | free for one instruction's own use
//            x7   x0 to x4   x19  x20  x21  x22  x29  x23 to x27     | x28      | x16, x17, x9 to x12
//   leaves   x7   x0 to x4   x6   x8   x13  x14  x29  x15, x19 to x22 | x5       | the same
//
// r11 and on are the optimiser's. A leaf is a program that calls nothing: what a caller would have to save is free there, so it saves nothing.
// x18 belongs to the platform; x30 is the link register.
#ifndef PST_JIT_ARM64_REGISTERS_H
#define PST_JIT_ARM64_REGISTERS_H

#include "isa/isa.h"
#include "jit/machine.h"

// Numbers as in encodings. 31 is the zero register or the stack pointer, as the instruction has it.
typedef enum arm64_reg {
    X0, X1, X2, X3, X4, X5, X6, X7, X8, X9, X10, X11, X12, X13, X14, X15, X16, X17, X18, X19, X20, X21, X22, X23, X24, X25, X26, X27, X28, X29,
    X30, XZR, SP = XZR,
    NO_REG = 0xff,
} arm64_reg;

#define RUN X28     // pst_run *, from entry to exit
#define RUN_LEAF X5 // the same in programs that call nothing
#define FP X29
#define LR X30
#define T0 X16 // constants, addresses of functions
#define T1 X17 // addresses of memory
#define T2 X9
#define T3 X10
#define T4 X11
#define T5 X12 // secrets

/// What differs between the calling conventions: so far they are one.
typedef struct arm64_abi {
    uint8_t of[JIT_REGS_MAX];  // machine register of each eBPF register
    uint8_t args[6];           // of the first arguments of a C function
    uint32_t kept;             // bit n: a callee keeps register n (besides x29, x30 and sp)
    const struct arm64_abi *leaf; // the same for programs that call nothing
} arm64_abi;

extern const arm64_abi arm64_aapcs;
/// The one of the host.
const arm64_abi *arm64_host_abi(void);

// What a machine may have besides the base instruction set.
#define ARM64_LSE 0x1u // atomic instructions
unsigned arm64_host_features(void); // 0 on another machine

#endif
