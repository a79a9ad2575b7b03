// registers.h: where eBPF's registers live on x86-64, and what else the code uses.
//
// Both calling conventions let r1 to r4 be the machine's first four arguments, so that a helper call moves nothing but the run. r6 to r9
// are registers that a callee keeps. r10 is the frame pointer: our frames are a chain that debuggers and profilers can walk.
//
//            r0   r1   r2   r3   r4   r5   r6   r7   r8   r9   r10  | the run  | free for one instruction's own use
//   SysV     rax  rdi  rsi  rdx  rcx  r8   rbx  r13  r14  r15  rbp  | r12      | r11, r10, r9
//   Win64    rax  rcx  rdx  r8   r9   rdi  rbx  r13  r14  r15  rbp  | r12      | r11, r10, rsi
//
// The last of the free ones (t2) is blinding's while constants are blinded (blind.h): nobody keeps anything in it across an emitter with a constant.
#ifndef PST_JIT_X64_REGISTERS_H
#define PST_JIT_X64_REGISTERS_H

#include "isa/isa.h"

// Numbers as in encodings.
typedef enum x64_reg {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15,
    NO_REG = 0xff,
} x64_reg;

#define RUN R12 // pst_run *, from entry to exit of every program that can need it
#define T0 R11
#define T1 R10

/// What differs between the calling conventions.
typedef struct x64_abi {
    uint8_t of[PST_REG_COUNT]; // machine register of each eBPF register
    uint8_t args[4];           // of the first four arguments of a C function
    uint8_t t2;                // third scratch register
    uint16_t kept;             // bit n: a callee keeps register n (besides rsp)
    uint8_t call_bytes;        // stack below a call: shadow space, and arguments five and six. A multiple of 16
} x64_abi;

extern const x64_abi x64_sysv, x64_win64;
/// The one of the host.
const x64_abi *x64_host_abi(void);

// What a machine may have besides the base instruction set.
#define X64_BMI2 0x1u  // shlx, shrx, sarx, rorx
#define X64_MOVBE 0x2u
unsigned x64_host_features(void); // 0 on another machine

#endif
