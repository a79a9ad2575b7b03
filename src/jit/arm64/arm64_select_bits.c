// arm64_select_bits.c: shifts, rotates and byte order.
#include "base/bits.h"
#include "jit/arm64/arm64_select.h"

// --- Shifts ---------------------------------------------------------------------------------------------------

static arm64_value shifted(unsigned reg, arm64_shift op, unsigned count, bool narrow)
{
    return (arm64_value){.base = NO_REG, .index = (uint8_t)reg, .shift = (uint8_t)op, .count = (uint8_t)count, .narrow = narrow};
}

// x <<= n; x >>= m moves a field: one instruction. v is the first of the two.
static bool move_field(arm64_select *x, const pst_insn *insn, arm64_value v, arm64_shift op, unsigned count)
{
    arm64_state *s = &x->state;
    unsigned width = insn->width;
    bool pair = v.base == NO_REG && v.index != NO_REG && v.shift == SHIFT_LSL && v.narrow == (width == 32) && op != SHIFT_LSL;
    if (!pair) return false;
    bool zero_upper = width == 32 || (op == SHIFT_LSR && count >= 32);
    if (op == SHIFT_LSR && width == 64 && v.count == 32 && count == 32) { // the upper half is cleared
        arm64_set(s, insn->dst, (arm64_value){.base = v.index, .index = NO_REG, .narrow = true}, true);
        return true;
    }
    arm64_bitfield(s->code, op == SHIFT_LSR ? FIELD_U : FIELD_S, width, arm64_of(s, insn->dst), arm64_of(s, v.index), (count - v.count) & (width - 1),
                   width - 1 - v.count);
    arm64_wrote(s, insn->dst, zero_upper);
    return true;
}

// A 64-bit shift of a number below 2^32 that is not in a register of its own: v is a copy of the low half of one.
static bool shift_low_half(arm64_select *x, const pst_insn *insn, arm64_value v, arm64_shift op, unsigned count)
{
    arm64_state *s = &x->state;
    if (insn->width != 64 || !arm64_is_copy(v, 32) || !v.narrow) return false;
    if (op == SHIFT_LSL) {
        arm64_bitfield(s->code, FIELD_U, 64, arm64_of(s, insn->dst), arm64_of(s, v.base), 64 - count, count > 32 ? 63 - count : 31);
        arm64_wrote(s, insn->dst, false);
    } else if (count >= 32) {
        arm64_set(s, insn->dst, arm64_const(0), true);
    } else {
        arm64_set(s, insn->dst, shifted(v.base, SHIFT_LSR, count, true), true);
    }
    return true;
}

static void shift_const(arm64_select *x, const pst_insn *insn, arm64_shift op, unsigned count)
{
    arm64_state *s = &x->state;
    bool upper_zero = arm64_upper_is_zero(x, insn->dst), zero_upper = insn->width == 32 || (op == SHIFT_LSR && count >= 32) || (op != SHIFT_LSL && upper_zero);
    if (count == 0) {
        if (insn->width == 64) return;
        pst_insn same = {.kind = PST_KIND_ALU, .op = PST_ALU_MOV, .dst = insn->dst, .src = insn->dst, .width = 32};
        arm64_select_alu(x, &same);
        return;
    }
    arm64_claim(s, insn->dst);
    arm64_value v = arm64_value_of(s, insn->dst);
    if (move_field(x, insn, v, op, count) || shift_low_half(x, insn, v, op, count)) return;
    if (!arm64_is_copy(v, insn->width)) {
        (void)arm64_settle(s, insn->dst);
        v = arm64_copy(insn->dst);
    }
    bool narrow = insn->width == 32 || (op == SHIFT_LSR && upper_zero && count < 32); // the same, and a half of a rotation perhaps
    arm64_set(s, insn->dst, shifted(v.base, op, count, narrow), zero_upper);
}

static arm64_two by_register(arm64_shift op)
{
    switch (op) {
    case SHIFT_LSL: return TWO_LSLV;
    case SHIFT_LSR: return TWO_LSRV;
    case SHIFT_ASR: return TWO_ASRV;
    case SHIFT_ROR: return TWO_RORV;
    }
    PST_UNREACHABLE();
}

void arm64_select_shift(arm64_select *x, const pst_insn *insn, arm64_shift op)
{
    arm64_state *s = &x->state;
    uint64_t count;
    if (arm64_const_operand(x, insn, &count)) {
        shift_const(x, insn, op, (unsigned)count & (insn->width - 1u));
        return;
    }
    arm64_claim(s, insn->dst); // the machine takes the count modulo the width, as eBPF does
    (void)arm64_plain_of(s, insn->dst, insn->width);
    arm64_reg by = arm64_plain_of(s, insn->src, 32), from = arm64_plain_of(s, insn->dst, insn->width);
    arm64_two_sources(s->code, by_register(op), insn->width, arm64_of(s, insn->dst), from, by);
    arm64_wrote_dst(x, insn);
}

// --- Rotates --------------------------------------------------------------------------------------------------

// Two shifts that fill each other's gap, joined: a rotation, or, of two registers, an extraction from both.
bool arm64_select_rotate(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    arm64_claim(s, insn->dst);
    arm64_value high = arm64_value_of(s, insn->dst), low = arm64_value_of(s, insn->src);
    if (high.shift != SHIFT_LSL) {
        arm64_value other = high;
        high = low;
        low = other;
    }
    if (high.base != NO_REG || low.base != NO_REG || high.index == NO_REG || low.index == NO_REG || high.narrow != low.narrow) return false;
    unsigned width = high.narrow ? 32 : 64;
    // At 64 bits, halves of a 32-bit rotation have a clean upper half: any width joins them.
    if (high.shift != SHIFT_LSL || low.shift != SHIFT_LSR || high.count + low.count != width || insn->width < width) return false;
    if (high.index == low.index) {
        arm64_set(s, insn->dst, shifted(low.index, SHIFT_ROR, low.count, high.narrow), high.narrow);
    } else {
        arm64_extr(s->code, width, arm64_of(s, insn->dst), arm64_of(s, high.index), arm64_of(s, low.index), low.count);
        arm64_wrote(s, insn->dst, high.narrow);
    }
    return true;
}

// --- Byte order -----------------------------------------------------------------------------------------------

void arm64_select_swap(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    bool keeps_order = insn->op == PST_SWAP_LE; // of bytes: then it only cuts
    if (keeps_order && insn->width == 64) return;
    arm64_claim(s, insn->dst);
    arm64_reg dst = arm64_of(s, insn->dst), src = arm64_plain_of(s, insn->dst, insn->width == 64 ? 64 : 32);
    if (insn->width != 16) {
        if (keeps_order) arm64_mov_r(s->code, 32, dst, src);
        else arm64_rev(s->code, insn->width, dst, src);
    } else if (keeps_order) {
        arm64_bitfield(s->code, FIELD_U, 32, dst, src, 0, 15);
    } else {
        arm64_rev(s->code, 32, T0, src);
        arm64_shift_i(s->code, SHIFT_LSR, 32, dst, T0, 16);
    }
    arm64_wrote(s, insn->dst, insn->width != 64);
}
