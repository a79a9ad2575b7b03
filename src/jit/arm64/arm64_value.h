// arm64_value.h: registers whose value is an expression that has not been computed yet.
//
// Copies, constants, sums of a register and a constant or a shifted register, and shifts are not emitted where they are written, but where
// somebody needs them: often that is an operand that the machine computes by the way (an address, the shifted operand of an addition), or nobody.
// A register is pending when its machine register does not hold its value; settling computes it there.
//
// Invariants: an expression names machine registers as they are now, and whoever writes one settles those that depend on it first (claim). The
// relation "depends on another's machine register" has no cycles among registers that are not settled. At the end of a block everything that
// is live is settled.
#ifndef PST_JIT_ARM64_VALUE_H
#define PST_JIT_ARM64_VALUE_H

#include "jit/arm64/arm64_emit.h"
#include "jit/unit.h"

/// base + (index shifted) + disp. base and index are eBPF registers, whose machine registers are meant; NO_REG: none. Without both it is the constant
/// disp. disp is 0 where there is an index; with a base, an index is shifted left. narrow: everything is done at 32 bits.
typedef struct arm64_value {
    uint8_t base, index;
    uint8_t shift, count; // of index: arm64_shift
    bool narrow;
    int64_t disp;
} arm64_value;

typedef struct arm64_state {
    arm64_code *code;
    const arm64_abi *abi;
    arm64_value values[JIT_REGS_MAX];  // of registers in pending
    uint16_t pending;                  // registers whose machine register does not hold their value
    uint16_t zero_upper;               // registers whose value is below 2^32
    uint16_t live;                     // registers used after the current instruction
    uint16_t uses;                     // by the current instruction
    uint32_t stack_bytes;              // from sp to r10
} arm64_state;

PST_INLINE arm64_reg arm64_of(const arm64_state *s, unsigned reg) { return (arm64_reg)s->abi->of[reg]; }

/// What reg holds: its expression, or itself.
arm64_value arm64_value_of(const arm64_state *s, unsigned reg);
PST_INLINE bool arm64_is_const(arm64_value v) { return v.base == NO_REG && v.index == NO_REG; }
PST_INLINE arm64_value arm64_const(uint64_t value) { return (arm64_value){.base = NO_REG, .index = NO_REG, .disp = (int64_t)value}; }
PST_INLINE arm64_value arm64_copy(unsigned reg) { return (arm64_value){.base = (uint8_t)reg, .index = NO_REG}; }
/// A copy of a register; at 64 bits the whole of it.
PST_INLINE bool arm64_is_copy(arm64_value v, unsigned width)
{
    return v.base != NO_REG && v.index == NO_REG && v.disp == 0 && (!v.narrow || width == 32);
}

/// Makes reg's machine register hold its value, and returns it.
arm64_reg arm64_settle(arm64_state *s, unsigned reg);
/// Settles all that is live or used now.
void arm64_settle_all(arm64_state *s);
/// Settles all that is live, while what is used now keeps its value where it is or elsewhere: before a branch looks at its operands.
void arm64_settle_live(arm64_state *s);
/// Before reg's machine register is written: settles live registers that depend on it (not reg itself). Memory operands are made after it.
void arm64_claim(arm64_state *s, unsigned reg);
/// reg's machine register was just written with its value.
void arm64_wrote(arm64_state *s, unsigned reg, bool zero_upper);
/// reg becomes v, which may name reg.
void arm64_set(arm64_state *s, unsigned reg, arm64_value v, bool zero_upper);
/// Forgets everything: the beginning of a block. Nothing live is pending.
void arm64_forget(arm64_state *s);
/// Writes reg's value to a machine register that belongs to no eBPF register that is used later.
void arm64_move_to(arm64_state *s, arm64_reg machine, unsigned reg);

/// a + b at width 32 or 64, if one expression can say it.
bool arm64_value_add(arm64_value a, arm64_value b, unsigned width, arm64_value *out);
/// The machine register that reg's value is a copy of; else reg settled.
arm64_reg arm64_plain_of(arm64_state *s, unsigned reg, unsigned width);
/// reg's value as a second operand of width bits, which may be shifted (rotated: by logical instructions only). Emits when the value is no such operand.
arm64_operand arm64_operand_of(arm64_state *s, unsigned reg, unsigned width, bool logical);
/// The memory operand of width bits at reg + off. Emits, and destroys T0 and T1, when it is none that an instruction can hold; call it last, right
/// before the access.
arm64_mem arm64_memory(arm64_state *s, unsigned width, unsigned reg, int32_t off);
/// The same where an instruction takes nothing but a register.
arm64_reg arm64_address(arm64_state *s, unsigned reg, int32_t off);

#endif
