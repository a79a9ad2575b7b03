// arm64_emit.h: one function per machine instruction, appending its word.
//
// Called by selection (select*.c), which has made room before: arm64_room(code) once per eBPF instruction, for at most ARM64_ROOM words.
// The emitters encode what they are asked for; operands that an instruction cannot hold are their caller's mistake (arm64_fits_* tell), except in
// the few that are named as sequences. Branches have no words yet: they are items, which layout.c sizes when everything is known.
//
// Width is that of the operation in bits: 32 (which clears the upper half of a register that is written) or 64, for memory also 8 and 16.
#ifndef PST_JIT_ARM64_EMIT_H
#define PST_JIT_ARM64_EMIT_H

#include "base/bits.h"
#include "base/env.h"
#include "jit/arm64/arm64_registers.h"
#include "jit/chance.h"
#include "jit/refs.h"

#define ARM64_ROOM 128u
#define ARM64_CODE_MAX (16u << 20) // words of one program: what a branch without a condition reaches

// A register operand that is shifted before it is used.
typedef enum arm64_shift { SHIFT_LSL, SHIFT_LSR, SHIFT_ASR, SHIFT_ROR } arm64_shift;

typedef struct arm64_operand {
    uint8_t reg, shift, count; // shift: arm64_shift
} arm64_operand;

PST_INLINE arm64_operand arm64_plain(unsigned reg) { return (arm64_operand){(uint8_t)reg, SHIFT_LSL, 0}; }

/// [base + disp], or [base + (index << count)], where count is 0 or what the access's size asks for. index: NO_REG, or disp is 0.
typedef struct arm64_mem {
    uint8_t base, index, count;
    int32_t disp;
} arm64_mem;

PST_INLINE arm64_mem arm64_at(unsigned base, int32_t disp) { return (arm64_mem){(uint8_t)base, NO_REG, 0, disp}; }

// Conditions, as in encodings. cc ^ 1 is the opposite.
typedef enum arm64_cc { CC_EQ, CC_NE, CC_HS, CC_LO, CC_MI, CC_PL, CC_VS, CC_VC, CC_HI, CC_LS, CC_GE, CC_LT, CC_GT, CC_LE } arm64_cc;

// Bits 30 and 29.
typedef enum arm64_sum { SUM_ADD, SUM_ADDS, SUM_SUB, SUM_SUBS } arm64_sum;
typedef enum arm64_logic { LOGIC_AND, LOGIC_ORR, LOGIC_EOR, LOGIC_ANDS } arm64_logic;
typedef enum arm64_move { MOVE_N = 0, MOVE_Z = 2, MOVE_K = 3 } arm64_move;
typedef enum arm64_field { FIELD_S, FIELD_INSERT, FIELD_U } arm64_field; // sbfm, bfm, ubfm
// Opcodes of instructions with two source registers.
typedef enum arm64_two { TWO_UDIV = 2, TWO_SDIV, TWO_LSLV = 8, TWO_LSRV, TWO_ASRV, TWO_RORV } arm64_two;
// Opcodes of atomic instructions (LSE). SWP has a bit of its own.
typedef enum arm64_atomic { ATOMIC_ADD, ATOMIC_CLR, ATOMIC_EOR, ATOMIC_SET, ATOMIC_SWP = 8 } arm64_atomic;
typedef enum arm64_pair { PAIR_POST = 1, PAIR_OFFSET, PAIR_PRE } arm64_pair;

typedef uint32_t arm64_label;

typedef enum arm64_item_kind { ITEM_JUMP, ITEM_COND, ITEM_ZERO, ITEM_BIT, ITEM_CALL, ITEM_CALL_OUT, ITEM_CALL_REF, ITEM_LOAD_REF } arm64_item_kind;

// What layout.c puts between the words at index at and those before.
typedef struct arm64_item {
    uint32_t at;
    uint8_t kind; // arm64_item_kind
    uint8_t size; // words, by layout.c
    uint32_t word; // of branches: the instruction, without its distance; LOAD_REF: the register
    union {
        arm64_label label; // of branches
        uint64_t address;  // CALL_OUT: of a C function
        uint32_t ref;      // CALL_REF, LOAD_REF: number in refs
    };
} arm64_item;

typedef struct arm64_place {
    uint32_t at;   // index in words[]
    uint32_t item; // items in front of it
} arm64_place;
#define ARM64_UNBOUND UINT32_MAX

typedef struct arm64_code {
    const pst_env *env;
    uint32_t *words;
    size_t capacity;
    uint32_t size;
    arm64_item *items;
    size_t item_capacity;
    uint32_t item_count;
    arm64_place *labels;
    size_t label_capacity;
    uint32_t label_count;
    jit_refs *refs;    // of code that is bound later; NULL: addresses stand in the code
    jit_chance *blind; // constants of the program do not stand in the code; NULL: they may
    pst_status status; // the first failure; emitters go on, writing over the same words
} arm64_code;

/// The first labels are 0 to labels - 1.
PST_MUST_USE pst_status arm64_code_init(arm64_code *code, const pst_env *env, uint32_t labels);
void arm64_code_free(arm64_code *code);
/// Room for one more instruction's words, items and labels.
void arm64_room(arm64_code *code);

// --- Branches: by layout.c ------------------------------------------------------------------------------------

arm64_label arm64_label_new(arm64_code *code);
void arm64_bind(arm64_code *code, arm64_label label); // label is here
void arm64_jump(arm64_code *code, arm64_label label);
void arm64_jump_if(arm64_code *code, arm64_cc cc, arm64_label label);
void arm64_jump_zero(arm64_code *code, bool if_zero, unsigned width, arm64_reg reg, arm64_label label);
void arm64_jump_bit(arm64_code *code, bool if_set, unsigned bit, arm64_reg reg, arm64_label label);
void arm64_call(arm64_code *code, arm64_label label);
/// Calls a C function; destroys T0.
void arm64_call_out(arm64_code *code, uint64_t address);
/// The same and a load of the address that ref means, where code is bound later; both destroy T0 and T1.
void arm64_call_ref(arm64_code *code, pst_jit_ref ref);
void arm64_load_ref(arm64_code *code, arm64_reg dst, pst_jit_ref ref);

// --- What fits ------------------------------------------------------------------------------------------------

/// An immediate of add and sub: 12 bits, or those shifted left by 12.
bool arm64_fits_sum(uint64_t value);
/// A bit pattern that a logical instruction can hold.
bool arm64_fits_logic(unsigned width, uint64_t value);
/// A displacement of an access of width bits.
bool arm64_fits_disp(unsigned width, int64_t disp);
/// The same of a pair.
bool arm64_fits_pair(unsigned width, int64_t disp);

// Whoever loads a program chooses its constants, and instructions with an immediate show them. So, where constants are blinded, all but harmless ones take
// the way of those that do not fit: through a register, where arm64_mov_i puts them together from two halves that are chance. Selection asks
// these before it emits an immediate of the program's choice; offsets on the stack and in pst_run are none.
PST_INLINE bool arm64_blinds(const arm64_code *code, int64_t value) { return code->blind && !jit_is_harmless(value); }
PST_INLINE bool arm64_takes_sum(const arm64_code *code, uint64_t value) { return arm64_fits_sum(value) && !arm64_blinds(code, (int64_t)value); }
PST_INLINE bool arm64_takes_logic(const arm64_code *code, unsigned width, uint64_t value)
{
    return arm64_fits_logic(width, value) && !arm64_blinds(code, pst_sign_extend(value, width));
}
PST_INLINE bool arm64_takes_disp(const arm64_code *code, unsigned width, int64_t disp) { return arm64_fits_disp(width, disp) && !arm64_blinds(code, disp); }

// --- Arithmetic -----------------------------------------------------------------------------------------------

void arm64_sum_i(arm64_code *code, arm64_sum op, unsigned width, arm64_reg dst, arm64_reg a, uint32_t imm); // dst, a: 31 is sp
void arm64_sum_r(arm64_code *code, arm64_sum op, unsigned width, arm64_reg dst, arm64_reg a, arm64_operand b);
void arm64_logic_i(arm64_code *code, arm64_logic op, unsigned width, arm64_reg dst, arm64_reg a, uint64_t imm); // dst 31 is sp, but of ANDS
void arm64_logic_r(arm64_code *code, arm64_logic op, unsigned width, arm64_reg dst, arm64_reg a, arm64_operand b);
void arm64_orn(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg a, arm64_operand b); // dst = a | ~b
void arm64_mov_r(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg src);              // 31 is zero
void arm64_mov_wide(arm64_code *code, arm64_move op, unsigned width, arm64_reg dst, unsigned imm16, unsigned at);
/// dst = value, in 1 to 4 instructions; blinded in at most 9, which destroy T5.
void arm64_mov_i(arm64_code *code, arm64_reg dst, uint64_t value);
/// dst = a + value, in 1 to 5 instructions (blinded: 10); destroys T0 when value needs more than 24 bits, or is blinded.
void arm64_add_const(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg a, int64_t value);
void arm64_bitfield(arm64_code *code, arm64_field op, unsigned width, arm64_reg dst, arm64_reg src, unsigned rotate, unsigned last);
void arm64_shift_i(arm64_code *code, arm64_shift op, unsigned width, arm64_reg dst, arm64_reg src, unsigned count); // count < width
void arm64_extr(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg high, arm64_reg low, unsigned count);
void arm64_two_sources(arm64_code *code, arm64_two op, unsigned width, arm64_reg dst, arm64_reg a, arm64_reg b);
void arm64_madd(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg a, arm64_reg b, arm64_reg c); // dst = c + a * b
void arm64_msub(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg a, arm64_reg b, arm64_reg c); // dst = c - a * b
void arm64_umull(arm64_code *code, arm64_reg dst, arm64_reg a, arm64_reg b); // 64 bits of two 32-bit numbers
void arm64_umulh(arm64_code *code, arm64_reg dst, arm64_reg a, arm64_reg b); // the upper half of 128 bits
void arm64_rev(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg src);   // 32: clears the upper half; 64
void arm64_rev16(arm64_code *code, arm64_reg dst, arm64_reg src);                 // of both halves of the low 32 bits
void arm64_csel(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg a, arm64_reg b, arm64_cc cc); // dst = cc ? a : b

// --- Memory ---------------------------------------------------------------------------------------------------

void arm64_load(arm64_code *code, unsigned width, arm64_reg dst, arm64_mem src);        // zero-extends to 64 bits
void arm64_load_signed(arm64_code *code, unsigned width, arm64_reg dst, arm64_mem src); // sign-extends to 64 bits
void arm64_store(arm64_code *code, unsigned width, arm64_mem dst, arm64_reg src);
void arm64_load_pair(arm64_code *code, unsigned width, arm64_pair mode, arm64_reg a, arm64_reg b, arm64_reg base, int32_t disp);
void arm64_store_pair(arm64_code *code, unsigned width, arm64_pair mode, arm64_reg a, arm64_reg b, arm64_reg base, int32_t disp);
void arm64_store_pre(arm64_code *code, arm64_reg src, arm64_reg base, int32_t disp); // base += disp; *base = src
void arm64_load_post(arm64_code *code, arm64_reg dst, arm64_reg base, int32_t disp); // dst = *base; base += disp
void arm64_load_acquire(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg base);
void arm64_store_release(arm64_code *code, unsigned width, arm64_reg src, arm64_reg base);
void arm64_load_exclusive(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg base);
void arm64_store_exclusive_release(arm64_code *code, unsigned width, arm64_reg failed, arm64_reg src, arm64_reg base);
/// LSE: dst = *base; *base op= src. ordered: with all that is before and behind. dst XZR: nobody wants the old value.
void arm64_atomic_op(arm64_code *code, arm64_atomic op, bool ordered, unsigned width, arm64_reg src, arm64_reg dst, arm64_reg base);
/// LSE: if (*base == expected) *base = src; expected = what was there.
void arm64_cas(arm64_code *code, unsigned width, arm64_reg expected, arm64_reg src, arm64_reg base);
void arm64_barrier(arm64_code *code); // of everything, for the machine's processors

// --- Control --------------------------------------------------------------------------------------------------

void arm64_ret(arm64_code *code);
void arm64_call_r(arm64_code *code, arm64_reg reg);
void arm64_bti_c(arm64_code *code); // a place that calls through registers may go to
void arm64_udf(arm64_code *code);   // undefined for good
void arm64_nop(arm64_code *code);
void arm64_guess_barrier(arm64_code *code); // what follows waits until every branch before it is decided

#endif
