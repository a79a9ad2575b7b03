// machine.h: what a back end has beyond eBPF: what the optimiser may use. Internal to src/jit.
#ifndef PST_JIT_MACHINE_H
#define PST_JIT_MACHINE_H

#include "isa/isa.h"

#define JIT_REGS_MAX 16u // r0 to r10, and those that a machine adds behind them

typedef struct jit_machine {
    uint16_t regs;   // bit n: rn may be used. r0 to r9 always
    uint16_t kept;   // bit n: a call keeps rn. r6 to r9 always
    uint32_t kinds;  // JIT_HAS_*
} jit_machine;

#define JIT_HAS_SELECT 0x1u // JIT_KIND_SELECT

/// Instructions that only the optimiser makes, for machines that have them; numbered behind pst_kind.
enum {
    JIT_KIND_SELECT = 0x30, // dst = a op operand ? src : dst, op and width as of a branch. a and b are in off: a | b << 8; the operand is b, or imm
};
PST_INLINE uint8_t jit_select_a(const pst_insn *insn) { return (uint8_t)(insn->off & 0xff); }
PST_INLINE uint8_t jit_select_b(const pst_insn *insn) { return (uint8_t)(insn->off >> 8 & 0xff); }

/// eBPF's registers and nothing else.
#define JIT_MACHINE_PLAIN {.regs = 0x3ff, .kept = 0x3c0}

#endif
