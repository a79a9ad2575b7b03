// value.h: what eBPF registers hold while a block is compiled: their value, or a sum that is not computed yet.
//
// Moves, additions and small shifts emit nothing at first: the register's value becomes an expression of machine registers,
//     base + (index << scale) + disp,
// that later moves and additions extend, memory operands use as their address, and that is computed ("settled") when something needs the
// register itself. A register that dies before that costs nothing. This is copy propagation, address folding and lea selection in one pass.
//
// Invariants: an expression names machine registers as they are now, and whoever writes one settles those that depend on it first (claim). The
// relation "depends on another's machine register" has no cycles among registers that are not settled. At the end of a block everything that
// is live is settled.
#ifndef PST_JIT_X64_VALUE_H
#define PST_JIT_X64_VALUE_H

#include "jit/unit.h"
#include "jit/x64/emit.h"

/// base and index are eBPF registers, whose machine registers are meant; NO_REG: none. Without both it is the constant disp, else disp fits
/// 32 bits. narrow: the sum is taken modulo 2^32.
typedef struct x64_value {
    uint8_t base, index, scale;
    bool narrow;
    int64_t disp;
} x64_value;

typedef struct x64_state {
    x64_code *code;
    const x64_abi *abi;
    x64_value values[PST_REG_COUNT]; // of registers in pending
    uint16_t pending;                // registers whose machine register does not hold their value
    uint16_t zero_upper;             // registers whose value is below 2^32
    uint16_t live;                   // registers used after the current instruction
    uint16_t uses;                   // by the current instruction
    uint8_t flags_reg;               // the zero flag says whether this machine register is 0 at flags_width; NO_REG: it says nothing
    uint8_t flags_width;
    uint32_t flags_at;               // code->size then: any byte emitted since may have changed the flags
} x64_state;

PST_INLINE x64_reg x64_of(const x64_state *s, unsigned reg) { return (x64_reg)s->abi->of[reg]; }

/// What reg holds: its expression, or itself.
x64_value x64_value_of(const x64_state *s, unsigned reg);
PST_INLINE bool x64_is_const(x64_value v) { return v.base == NO_REG && v.index == NO_REG; }
PST_INLINE x64_value x64_const(uint64_t value) { return (x64_value){NO_REG, NO_REG, 0, false, (int64_t)value}; }

/// Makes reg's machine register hold its value, and returns it.
x64_reg x64_settle(x64_state *s, unsigned reg);
/// Settles all that is live or used now.
void x64_settle_all(x64_state *s);
/// Before reg's machine register is written: settles live registers that depend on it (not reg itself). Memory operands are made after it.
void x64_claim(x64_state *s, unsigned reg);
/// reg's machine register was just written with its value.
void x64_wrote(x64_state *s, unsigned reg, bool zero_upper);
/// reg becomes v, which may name reg.
void x64_set(x64_state *s, unsigned reg, x64_value v, bool zero_upper);
/// Forgets everything: the beginning of a block. Nothing live is pending.
void x64_forget(x64_state *s);

/// a + b at width 32 or 64, if one expression can say it.
bool x64_value_add(x64_value a, x64_value b, unsigned width, x64_value *out);
/// a << count, the same.
bool x64_value_shift(x64_value a, unsigned count, unsigned width, x64_value *out);
/// reg's value for 64-bit arithmetic: a narrow sum is settled first.
x64_value x64_wide_value(x64_state *s, unsigned reg);
/// The operand at reg + off. Emits when the sum cannot be an operand; call it last, right before the access.
x64_mem x64_operand(x64_state *s, unsigned reg, int32_t off);

/// The zero flag now tells whether the machine register is 0.
void x64_flags_set(x64_state *s, x64_reg reg, unsigned width);
bool x64_flags_known(const x64_state *s, x64_reg reg, unsigned width);

#endif
