// arm64_select_alu.c: moves, sums, products and logic. Division is in select_divide.c; shifts, rotates and byte order are in select_bits.c.
#include "base/bits.h"
#include "jit/arm64/arm64_select.h"

static void set_const(arm64_select *x, unsigned reg, uint64_t value) { arm64_set(&x->state, reg, arm64_const(value), value <= UINT32_MAX); }

// --- Moves and sums: nothing is emitted -----------------------------------------------------------------------

// Whether v costs more than a copy of the register that it is in.
static bool is_costly(arm64_value v)
{
    if (arm64_is_const(v)) return (uint64_t)v.disp > UINT16_MAX && (uint64_t)v.disp < UINT64_MAX - UINT16_MAX;
    return v.index != NO_REG;
}

// Whether the low half of v can be computed from the low halves of its registers.
static bool can_narrow(arm64_value v)
{
    if (v.narrow || v.index == NO_REG) return true;
    return v.shift == SHIFT_LSL && v.count < 32;
}

static void move(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    arm64_value v = arm64_value_of(s, insn->src);
    bool both_live = s->live >> insn->src & 1 && s->live >> insn->dst & 1;
    bool zero_upper = arm64_upper_is_zero(x, insn->src) || (jit_facts_at(x->unit, x->pc) & PST_FACT_UPPER_ZERO && insn->width == 32);
    bool narrows = insn->width == 32 && !zero_upper;
    if ((both_live && is_costly(v)) || (narrows && !can_narrow(v))) { // computed once
        (void)arm64_settle(s, insn->src);
        v = arm64_value_of(s, insn->src);
    }
    if (narrows && arm64_is_const(v)) v = arm64_const((uint32_t)(uint64_t)v.disp);
    else if (narrows) v.narrow = true;
    arm64_set(s, insn->dst, v, zero_upper || narrows);
}

// dst += the operand, as an expression; false: no expression can say it.
static bool add_value(arm64_select *x, const pst_insn *insn, bool by_const, uint64_t value)
{
    arm64_state *s = &x->state;
    arm64_value sum;
    if (insn->width == 64 && arm64_value_of(s, insn->dst).narrow) (void)arm64_settle(s, insn->dst);
    if (insn->width == 64 && !by_const && arm64_value_of(s, insn->src).narrow) (void)arm64_settle(s, insn->src);
    arm64_value b = by_const ? arm64_const(value) : arm64_value_of(s, insn->src);
    if (!arm64_value_add(arm64_value_of(s, insn->dst), b, insn->width, &sum)) return false;
    arm64_set(s, insn->dst, sum, insn->width == 32 || (arm64_is_const(sum) && (uint64_t)sum.disp <= UINT32_MAX));
    return true;
}

// --- Two operands ---------------------------------------------------------------------------------------------

static bool is_shifted(arm64_value v) { return v.base == NO_REG && v.index != NO_REG; }

// The operands of an operation in which they may change places.
static void either_operands(arm64_select *x, const pst_insn *insn, bool logical, arm64_reg *a, arm64_operand *b)
{
    arm64_state *s = &x->state;
    pst_insn turned = *insn;
    turned.dst = insn->src;
    turned.src = insn->dst;
    bool turn = is_shifted(arm64_value_of(s, insn->dst)) && !is_shifted(arm64_value_of(s, insn->src));
    arm64_operands(x, turn ? &turned : insn, logical, a, b);
}

static void sum(arm64_select *x, const pst_insn *insn, arm64_sum op)
{
    arm64_state *s = &x->state;
    arm64_reg a;
    arm64_operand b;
    arm64_claim(s, insn->dst);
    if (op == SUM_ADD) either_operands(x, insn, false, &a, &b);
    else arm64_operands(x, insn, false, &a, &b);
    arm64_sum_r(s->code, op, insn->width, arm64_of(s, insn->dst), a, b);
    arm64_wrote_dst(x, insn);
}

static void sum_const(arm64_select *x, const pst_insn *insn, uint64_t value)
{
    arm64_state *s = &x->state;
    if (add_value(x, insn, true, value)) return;
    (void)arm64_settle(s, insn->dst);
    if (add_value(x, insn, true, value)) return;
    arm64_claim(s, insn->dst);
    arm64_reg a = arm64_plain_of(s, insn->dst, insn->width);
    arm64_add_const(s->code, insn->width, arm64_of(s, insn->dst), a, insn->width == 32 ? (int32_t)(uint32_t)value : (int64_t)value);
    arm64_wrote_dst(x, insn);
}

static void add(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    uint64_t value;
    if (arm64_const_operand(x, insn, &value)) {
        sum_const(x, insn, value);
        return;
    }
    if (arm64_select_rotate(x, insn) || add_value(x, insn, false, 0)) return;
    // What the addition itself can shift is not computed before it.
    if (!is_shifted(arm64_value_of(s, insn->dst)) && !is_shifted(arm64_value_of(s, insn->src))) {
        (void)arm64_settle(s, insn->dst);
        if (add_value(x, insn, false, 0)) return;
        (void)arm64_settle(s, insn->src);
        if (add_value(x, insn, false, 0)) return;
    }
    sum(x, insn, SUM_ADD);
}

static void subtract(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    uint64_t value;
    arm64_value v = arm64_value_of(s, insn->dst);
    if (arm64_const_operand(x, insn, &value)) {
        sum_const(x, insn, 0 - value);
    } else if (insn->src == insn->dst) {
        set_const(x, insn->dst, 0);
    } else if (arm64_is_const(v) && v.disp == 0) {
        arm64_claim(s, insn->dst);
        arm64_operand b = arm64_operand_of(s, insn->src, insn->width, false);
        arm64_sum_r(s->code, SUM_SUB, insn->width, arm64_of(s, insn->dst), XZR, b);
        arm64_wrote_dst(x, insn);
    } else {
        sum(x, insn, SUM_SUB);
    }
}

// --- Products -------------------------------------------------------------------------------------------------

static bool multiply_const(arm64_select *x, const pst_insn *insn, uint64_t value)
{
    arm64_state *s = &x->state;
    pst_insn easy = *insn;
    easy.flags |= PST_INSN_IMM;
    if (value == 0) {
        set_const(x, insn->dst, 0);
        return true;
    }
    if (pst_is_pow2(value)) {
        easy.imm = PST_CTZ64(value);
        arm64_select_shift(x, &easy, SHIFT_LSL);
        return true;
    }
    if (!pst_is_pow2(value - 1)) return false;
    arm64_claim(s, insn->dst);
    arm64_reg a = arm64_plain_of(s, insn->dst, insn->width);
    arm64_sum_r(s->code, SUM_ADD, insn->width, arm64_of(s, insn->dst), a, (arm64_operand){(uint8_t)a, SHIFT_LSL, (uint8_t)PST_CTZ64(value - 1)});
    arm64_wrote_dst(x, insn);
    return true;
}

// t *= b; c += t (or -=), where t is not used afterwards: the machine does both at once.
static const pst_insn *product_is_added(const arm64_select *x, const pst_insn *insn)
{
    const pst_insn *next = arm64_follower(x, 1);
    if (!next || next->kind != PST_KIND_ALU || (next->op != PST_ALU_ADD && next->op != PST_ALU_SUB) || next->width != insn->width) return NULL;
    if (next->flags & PST_INSN_IMM || next->src != insn->dst || next->dst == insn->dst) return NULL;
    return x->unit->live[x->pc + 1] & JIT_REG(insn->dst) ? NULL : next;
}

// Factors: dst and src, or T0 with a constant.
static void factors(arm64_select *x, const pst_insn *insn, bool by_const, uint64_t value, arm64_reg *a, arm64_reg *b)
{
    arm64_state *s = &x->state;
    (void)arm64_plain_of(s, insn->dst, insn->width);
    *b = by_const ? T0 : arm64_plain_of(s, insn->src, insn->width);
    *a = arm64_plain_of(s, insn->dst, insn->width);
    if (by_const) arm64_mov_i(s->code, T0, value);
}

static void multiply_add(arm64_select *x, const pst_insn *insn, const pst_insn *next, bool by_const, uint64_t value)
{
    arm64_state *s = &x->state;
    arm64_reg a, b, c;
    s->live = x->unit->live[x->pc + 1];
    s->uses |= JIT_REG(next->dst);
    arm64_claim(s, next->dst);
    (void)arm64_settle(s, next->dst); // it stays where it is while the factors are found
    factors(x, insn, by_const, value, &a, &b);
    c = arm64_of(s, next->dst);
    if (next->op == PST_ALU_ADD) arm64_madd(s->code, insn->width, c, a, b, c);
    else arm64_msub(s->code, insn->width, c, a, b, c);
    s->pending &= (uint16_t)~JIT_REG(insn->dst);
    arm64_wrote(s, next->dst, insn->width == 32);
    x->taken = 2;
}

static void multiply(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    arm64_reg a, b;
    uint64_t value = 0;
    bool by_const = arm64_const_operand(x, insn, &value);
    if (by_const && multiply_const(x, insn, value)) return;
    const pst_insn *next = product_is_added(x, insn);
    if (next) {
        multiply_add(x, insn, next, by_const, value);
        return;
    }
    arm64_claim(s, insn->dst);
    factors(x, insn, by_const, value, &a, &b);
    arm64_madd(s->code, insn->width, arm64_of(s, insn->dst), a, b, XZR);
    arm64_wrote_dst(x, insn);
}

// --- Logic ----------------------------------------------------------------------------------------------------

// Whether the next instruction compares the masked value with 0, and nobody else wants it: the branch tests it then.
static bool leave_to_branch(arm64_select *x, const pst_insn *insn, uint64_t mask)
{
    const pst_insn *next = arm64_follower(x, 1);
    if (!next || next->kind != PST_KIND_BRANCH || (next->op != PST_JUMP_JEQ && next->op != PST_JUMP_JNE)) return false;
    if (!(next->flags & PST_INSN_IMM) || next->imm != 0 || next->dst != insn->dst || x->unit->live[x->pc + 1] & JIT_REG(insn->dst)) return false;
    if (next->width == 32) mask = (uint32_t)mask;
    if (mask == 0) return false;
    x->test_mask = mask;
    return true;
}

// (reg >> count) & ones is one instruction.
static bool extract(arm64_select *x, const pst_insn *insn, uint64_t mask)
{
    arm64_state *s = &x->state;
    arm64_claim(s, insn->dst);
    arm64_value v = arm64_value_of(s, insn->dst);
    if (!is_shifted(v) || v.shift != SHIFT_LSR || !pst_is_pow2(mask + 1)) return false;
    unsigned width = v.narrow ? 32 : 64, last = v.count + (unsigned)PST_POPCOUNT64(mask) - 1;
    arm64_bitfield(s->code, FIELD_U, width, arm64_of(s, insn->dst), arm64_of(s, v.index), v.count, last < width ? last : width - 1);
    arm64_wrote(s, insn->dst, mask <= UINT32_MAX);
    return true;
}

static void logic_with(arm64_select *x, const pst_insn *insn, arm64_logic op, unsigned width, uint64_t value)
{
    arm64_state *s = &x->state;
    arm64_reg dst = arm64_of(s, insn->dst), a = arm64_plain_of(s, insn->dst, width);
    if (arm64_takes_logic(s->code, width, value)) {
        arm64_logic_i(s->code, op, width, dst, a, value);
    } else if (op == LOGIC_EOR && value == pst_mask(width)) {
        arm64_orn(s->code, width, dst, XZR, arm64_plain(a));
    } else {
        arm64_mov_i(s->code, T0, value);
        arm64_logic_r(s->code, op, width, dst, a, arm64_plain(T0));
    }
}

// An operation that changes nothing, or nothing but the upper half.
static void keep(arm64_select *x, const pst_insn *insn, unsigned width)
{
    pst_insn same = {.kind = PST_KIND_ALU, .op = PST_ALU_MOV, .dst = insn->dst, .src = insn->dst, .width = (uint8_t)width};
    move(x, &same);
}

static void and_const(arm64_select *x, const pst_insn *insn, uint64_t mask)
{
    bool zero_upper = insn->width == 32 || mask <= UINT32_MAX || arm64_upper_is_zero(x, insn->dst);
    if (leave_to_branch(x, insn, mask)) return;
    if (mask == 0) set_const(x, insn->dst, 0);
    else if (mask == UINT32_MAX || mask == UINT64_MAX) keep(x, insn, mask == UINT32_MAX ? 32 : 64);
    else if (!extract(x, insn, mask)) {
        logic_with(x, insn, LOGIC_AND, mask <= UINT32_MAX ? 32 : insn->width, mask);
        arm64_wrote(&x->state, insn->dst, zero_upper);
    }
}

static void logic_const(arm64_select *x, const pst_insn *insn, arm64_logic op, uint64_t value)
{
    bool zero_upper = insn->width == 32 || (arm64_upper_is_zero(x, insn->dst) && value <= UINT32_MAX);
    if (op == LOGIC_AND) {
        and_const(x, insn, value);
    } else if (value == 0) {
        keep(x, insn, insn->width);
    } else if (op == LOGIC_ORR && value == pst_mask(insn->width)) {
        set_const(x, insn->dst, value);
    } else {
        arm64_claim(&x->state, insn->dst);
        logic_with(x, insn, op, insn->width, value);
        arm64_wrote(&x->state, insn->dst, zero_upper);
    }
}

static void logic(arm64_select *x, const pst_insn *insn, arm64_logic op)
{
    arm64_state *s = &x->state;
    uint64_t value;
    arm64_reg a;
    arm64_operand b;
    if (arm64_const_operand(x, insn, &value)) {
        logic_const(x, insn, op, value);
        return;
    }
    if (insn->src == insn->dst && op == LOGIC_EOR) {
        set_const(x, insn->dst, 0);
        return;
    }
    if (op != LOGIC_AND && arm64_select_rotate(x, insn)) return;
    bool first = arm64_upper_is_zero(x, insn->dst), second = arm64_upper_is_zero(x, insn->src);
    arm64_claim(s, insn->dst);
    either_operands(x, insn, true, &a, &b);
    arm64_logic_r(s->code, op, insn->width, arm64_of(s, insn->dst), a, b);
    arm64_wrote(s, insn->dst, insn->width == 32 || (op == LOGIC_AND ? first || second : first && second));
}

// --- One operand ----------------------------------------------------------------------------------------------

static void negate(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    arm64_claim(s, insn->dst);
    arm64_operand b = arm64_operand_of(s, insn->dst, insn->width, false);
    arm64_sum_r(s->code, SUM_SUB, insn->width, arm64_of(s, insn->dst), XZR, b);
    arm64_wrote_dst(x, insn);
}

static void move_signed(arm64_select *x, const pst_insn *insn, unsigned from)
{
    arm64_state *s = &x->state;
    arm64_claim(s, insn->dst);
    arm64_reg src = arm64_plain_of(s, insn->src, 32);
    arm64_bitfield(s->code, FIELD_S, insn->width, arm64_of(s, insn->dst), src, 0, from - 1);
    arm64_wrote_dst(x, insn);
}

// Whether both operands are constants; the result is one then.
static bool fold(arm64_select *x, const pst_insn *insn)
{
    arm64_value a = arm64_value_of(&x->state, insn->dst);
    uint64_t b = 0;
    if (insn->op != PST_ALU_NEG && !arm64_const_operand(x, insn, &b)) return false;
    bool reads_dst = insn->op != PST_ALU_MOV && insn->op != PST_ALU_MOVSX8 && insn->op != PST_ALU_MOVSX16 && insn->op != PST_ALU_MOVSX32;
    if (reads_dst && !arm64_is_const(a)) return false;
    set_const(x, insn->dst, pst_alu_eval((pst_alu_op)insn->op, insn->width, (uint64_t)a.disp, b));
    return true;
}

void arm64_select_alu(arm64_select *x, const pst_insn *insn)
{
    if (fold(x, insn)) return;
    switch ((pst_alu_op)insn->op) {
    case PST_ALU_ADD: add(x, insn); break;
    case PST_ALU_SUB: subtract(x, insn); break;
    case PST_ALU_MUL: multiply(x, insn); break;
    case PST_ALU_DIV:
    case PST_ALU_SDIV:
    case PST_ALU_MOD:
    case PST_ALU_SMOD: arm64_select_divide(x, insn); break;
    case PST_ALU_OR: logic(x, insn, LOGIC_ORR); break;
    case PST_ALU_AND: logic(x, insn, LOGIC_AND); break;
    case PST_ALU_XOR: logic(x, insn, LOGIC_EOR); break;
    case PST_ALU_LSH: arm64_select_shift(x, insn, SHIFT_LSL); break;
    case PST_ALU_RSH: arm64_select_shift(x, insn, SHIFT_LSR); break;
    case PST_ALU_ARSH: arm64_select_shift(x, insn, SHIFT_ASR); break;
    case PST_ALU_NEG: negate(x, insn); break;
    case PST_ALU_MOV: move(x, insn); break;
    case PST_ALU_MOVSX8: move_signed(x, insn, 8); break;
    case PST_ALU_MOVSX16: move_signed(x, insn, 16); break;
    case PST_ALU_MOVSX32: move_signed(x, insn, 32); break;
    }
}
