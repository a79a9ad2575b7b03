// select_alu.c: arithmetic. Division is in select_divide.c, byte order and rotates in select_bits.c.
#include "base/bits.h"
#include "jit/x64/select.h"

static bool is_i32(int64_t value) { return value >= INT32_MIN && value <= INT32_MAX; }

// The second operand, if it is a constant that an instruction can hold.
static bool const_operand(const x64_select *x, const pst_insn *insn, int32_t *out)
{
    int64_t value = insn->imm;
    if (!(insn->flags & PST_INSN_IMM)) {
        x64_value v = x64_value_of(&x->state, insn->src);
        if (!x64_is_const(v)) return false;
        value = v.disp;
    }
    *out = (int32_t)(uint32_t)(uint64_t)value;
    return insn->width == 32 || is_i32(value);
}

static void set_const(x64_select *x, unsigned reg, uint64_t value) { x64_set(&x->state, reg, x64_const(value), value <= UINT32_MAX); }

static bool upper_is_zero(const x64_select *x, unsigned reg) { return (x->state.zero_upper & JIT_REG(reg)) != 0; }

static void wrote(x64_select *x, const pst_insn *insn) { x64_wrote(&x->state, insn->dst, insn->width == 32); }

// The machine register that dst is a plain copy of, for instructions with a destination of their own; else dst settled.
static x64_reg copied_from(x64_select *x, unsigned dst, unsigned width)
{
    x64_value v = x64_value_of(&x->state, dst);
    if (v.base != NO_REG && v.index == NO_REG && v.disp == 0 && (!v.narrow || width == 32)) return x64_of(&x->state, v.base);
    return x64_settle(&x->state, dst);
}

// --- Moves and sums: nothing is emitted -----------------------------------------------------------------------

static void move(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    if (insn->flags & PST_INSN_IMM) {
        set_const(x, insn->dst, insn->width == 32 ? (uint32_t)(uint64_t)insn->imm : (uint64_t)insn->imm);
        return;
    }
    x64_value v = x64_value_of(s, insn->src);
    // A sum of two registers that both will need is computed once.
    if (v.base != NO_REG && v.index != NO_REG && s->live >> insn->src & 1 && s->live >> insn->dst & 1) {
        (void)x64_settle(s, insn->src);
        v = x64_value_of(s, insn->src);
    }
    bool zero_upper = upper_is_zero(x, insn->src) || (jit_facts_at(x->unit, x->pc) & PST_FACT_UPPER_ZERO && insn->width == 32);
    if (insn->width == 32 && !zero_upper) {
        if (x64_is_const(v)) v = x64_const((uint32_t)(uint64_t)v.disp);
        else v.narrow = true;
        zero_upper = true;
    }
    x64_set(s, insn->dst, v, zero_upper);
}

// dst = dst + b, as an expression; false: no expression can say it.
static bool add_value(x64_select *x, const pst_insn *insn, bool by_const, int64_t value)
{
    x64_state *s = &x->state;
    if (insn->width == 64) {
        (void)x64_wide_value(s, insn->dst);
        if (!by_const) (void)x64_wide_value(s, insn->src);
    }
    x64_value sum, a = x64_value_of(s, insn->dst), b = by_const ? x64_const((uint64_t)value) : x64_value_of(s, insn->src);
    if (!x64_value_add(a, b, insn->width, &sum)) return false;
    x64_set(s, insn->dst, sum, insn->width == 32 || (x64_is_const(sum) && (uint64_t)sum.disp <= UINT32_MAX));
    return true;
}

static bool shift_value(x64_select *x, const pst_insn *insn, unsigned count)
{
    x64_value out, v = insn->width == 64 ? x64_wide_value(&x->state, insn->dst) : x64_value_of(&x->state, insn->dst);
    if (!x64_value_shift(v, count, insn->width, &out)) return false;
    x64_set(&x->state, insn->dst, out, insn->width == 32 || (x64_is_const(out) && (uint64_t)out.disp <= UINT32_MAX));
    return true;
}

// --- Two operands ---------------------------------------------------------------------------------------------

static void alu_const(x64_select *x, const pst_insn *insn, x64_alu op, int32_t value)
{
    x64_state *s = &x->state;
    x64_claim(s, insn->dst);
    // What an immediate without sign leaves of the upper half is zero: 32 bits are enough.
    unsigned width = op == ALU_AND && value >= 0 ? 32 : insn->width;
    if (op == ALU_AND && (value == 0xff || value == 0xffff)) {
        x64_movzx(s->code, value == 0xff ? 8 : 16, x64_of(s, insn->dst), copied_from(x, insn->dst, 32));
        x64_wrote(s, insn->dst, true);
        return;
    }
    x64_reg dst = x64_settle(s, insn->dst);
    bool keeps_upper = (op == ALU_OR || op == ALU_XOR) && value >= 0 && upper_is_zero(x, insn->dst);
    x64_alu_ri(s->code, op, keeps_upper ? 32 : width, dst, value);
    x64_flags_set(s, dst, insn->width);
    x64_wrote(s, insn->dst, width == 32 || keeps_upper);
}

static void alu(x64_select *x, const pst_insn *insn, x64_alu op)
{
    x64_state *s = &x->state;
    int32_t value;
    if (const_operand(x, insn, &value)) {
        alu_const(x, insn, op, value);
        return;
    }
    if (insn->src == insn->dst && (op == ALU_XOR || op == ALU_SUB)) {
        set_const(x, insn->dst, 0);
        return;
    }
    x64_claim(s, insn->dst);
    x64_reg dst = x64_settle(s, insn->dst), src = x64_settle(s, insn->src);
    x64_alu_rr(s->code, op, insn->width, dst, src);
    x64_flags_set(s, dst, insn->width);
    bool zero_upper = insn->width == 32 || (op == ALU_AND ? upper_is_zero(x, insn->dst) || upper_is_zero(x, insn->src)
                                                          : op != ALU_SUB && op != ALU_ADD && upper_is_zero(x, insn->dst) && upper_is_zero(x, insn->src));
    x64_wrote(s, insn->dst, zero_upper);
}

static void add(x64_select *x, const pst_insn *insn)
{
    int32_t value = 0;
    bool by_const = const_operand(x, insn, &value);
    if (!add_value(x, insn, by_const, value)) alu(x, insn, ALU_ADD);
}

static void subtract(x64_select *x, const pst_insn *insn)
{
    int32_t value;
    if (const_operand(x, insn, &value) && add_value(x, insn, true, -(int64_t)value)) return;
    alu(x, insn, ALU_SUB);
}

// Of a power of two.
static unsigned log2_of(int32_t value)
{
    uint64_t bits = (uint32_t)value;
    return (unsigned)PST_CTZ64(bits);
}

static bool multiply_value(x64_select *x, const pst_insn *insn, int32_t value)
{
    if (value == 0) {
        set_const(x, insn->dst, 0);
        return true;
    }
    if (value == 2 || value == 4 || value == 8) return shift_value(x, insn, log2_of(value));
    if (value != 3 && value != 5 && value != 9) return false;
    x64_value sum, shifted, v = insn->width == 64 ? x64_wide_value(&x->state, insn->dst) : x64_value_of(&x->state, insn->dst);
    if (!x64_value_shift(v, log2_of(value - 1), insn->width, &shifted)) return false;
    if (!x64_value_add(v, shifted, insn->width, &sum)) return false;
    x64_set(&x->state, insn->dst, sum, insn->width == 32 || (x64_is_const(sum) && (uint64_t)sum.disp <= UINT32_MAX));
    return true;
}

static void multiply(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    int32_t value;
    bool by_const = const_operand(x, insn, &value);
    if (by_const && multiply_value(x, insn, value)) return;
    x64_claim(s, insn->dst);
    if (!by_const) {
        x64_reg dst = x64_settle(s, insn->dst), src = x64_settle(s, insn->src);
        x64_imul_rr(s->code, insn->width, dst, src);
    } else if (value > 0 && pst_is_pow2((uint64_t)value)) {
        x64_shift_ri(s->code, SHIFT_SHL, insn->width, x64_settle(s, insn->dst), log2_of(value));
    } else {
        x64_imul_rri(s->code, insn->width, x64_of(s, insn->dst), copied_from(x, insn->dst, insn->width), value);
    }
    wrote(x, insn);
}

// --- Shifts ---------------------------------------------------------------------------------------------------

// x <<= 32; x >>= 32 clears or signs the upper half, in code for machines without 32-bit arithmetic.
static bool shift_pair(x64_select *x, const pst_insn *insn, unsigned count)
{
    const pst_insn *next = x64_follower(x, 1);
    x64_state *s = &x->state;
    if (insn->op != PST_ALU_LSH || insn->width != 64 || count != 32 || !next || next->kind != PST_KIND_ALU || next->width != 64) return false;
    if (next->dst != insn->dst || !(next->flags & PST_INSN_IMM) || next->imm != 32) return false;
    if (next->op != PST_ALU_RSH && next->op != PST_ALU_ARSH) return false;
    s->live = x->unit->live[x->pc + 1];
    x64_claim(s, insn->dst);
    x64_reg from = copied_from(x, insn->dst, 32), dst = x64_of(s, insn->dst);
    if (next->op == PST_ALU_ARSH) x64_movsx(s->code, 64, 32, dst, from);
    else x64_mov_rr(s->code, 32, dst, from);
    x64_wrote(s, insn->dst, next->op == PST_ALU_RSH);
    x->taken = 2;
    return true;
}

static void shift_const(x64_select *x, const pst_insn *insn, x64_shift op, unsigned count)
{
    x64_state *s = &x->state;
    if (shift_pair(x, insn, count)) return;
    if (op == SHIFT_SHL && shift_value(x, insn, count)) return;
    if (count == 0 && insn->width == 64) return;
    x64_claim(s, insn->dst);
    x64_reg dst = x64_settle(s, insn->dst);
    bool zero_upper = insn->width == 32 || (op != SHIFT_SHL && upper_is_zero(x, insn->dst)) || (op == SHIFT_SHR && count >= 32);
    if (count == 0) { // of 32 bits
        x64_mov_rr(s->code, 32, dst, dst);
    } else {
        x64_shift_ri(s->code, op, insn->width, dst, count);
        x64_flags_set(s, dst, insn->width);
    }
    x64_wrote(s, insn->dst, zero_upper);
}

// Without BMI2 the count must be in cl.
static void shift_by_cl(x64_select *x, const pst_insn *insn, x64_shift op)
{
    x64_state *s = &x->state;
    x64_settle_all(s);
    x64_claim(s, insn->dst);
    x64_reg dst = x64_of(s, insn->dst), src = x64_of(s, insn->src);
    if (src == RCX && dst != RCX) {
        x64_shift_rcl(s->code, op, insn->width, dst);
        return;
    }
    x64_mov_rr(s->code, 64, T0, RCX);
    if (src != RCX) x64_mov_rr(s->code, 32, RCX, src);
    x64_shift_rcl(s->code, op, insn->width, dst == RCX ? T0 : dst);
    x64_mov_rr(s->code, 64, RCX, T0);
}

static void shift(x64_select *x, const pst_insn *insn, x64_shift op)
{
    x64_state *s = &x->state;
    int32_t value;
    if (const_operand(x, insn, &value)) {
        shift_const(x, insn, op, (unsigned)value & (insn->width - 1u));
        return;
    }
    if (x->features & X64_BMI2) {
        x64_claim(s, insn->dst);
        x64_reg count = x64_settle(s, insn->src), from = copied_from(x, insn->dst, insn->width);
        x64_shiftx(s->code, op, insn->width, x64_of(s, insn->dst), from, count);
    } else {
        shift_by_cl(x, insn, op);
    }
    wrote(x, insn);
}

// --- One operand ----------------------------------------------------------------------------------------------

static void negate(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    x64_claim(s, insn->dst);
    x64_unary(s->code, UNARY_NEG, insn->width, x64_settle(s, insn->dst));
    wrote(x, insn);
}

static void move_signed(x64_select *x, const pst_insn *insn, unsigned from)
{
    x64_state *s = &x->state;
    x64_claim(s, insn->dst);
    x64_movsx(s->code, insn->width, from, x64_of(s, insn->dst), copied_from(x, insn->src, 32));
    wrote(x, insn);
}

void x64_select_alu(x64_select *x, const pst_insn *insn)
{
    switch ((pst_alu_op)insn->op) {
    case PST_ALU_ADD: add(x, insn); break;
    case PST_ALU_SUB: subtract(x, insn); break;
    case PST_ALU_MUL: multiply(x, insn); break;
    case PST_ALU_DIV:
    case PST_ALU_SDIV:
    case PST_ALU_MOD:
    case PST_ALU_SMOD: x64_select_divide(x, insn); break;
    case PST_ALU_OR: alu(x, insn, ALU_OR); break;
    case PST_ALU_AND: alu(x, insn, ALU_AND); break;
    case PST_ALU_XOR: alu(x, insn, ALU_XOR); break;
    case PST_ALU_LSH: shift(x, insn, SHIFT_SHL); break;
    case PST_ALU_RSH: shift(x, insn, SHIFT_SHR); break;
    case PST_ALU_ARSH: shift(x, insn, SHIFT_SAR); break;
    case PST_ALU_NEG: negate(x, insn); break;
    case PST_ALU_MOV:
        if (!x64_select_rotate(x, insn)) move(x, insn);
        break;
    case PST_ALU_MOVSX8: move_signed(x, insn, 8); break;
    case PST_ALU_MOVSX16: move_signed(x, insn, 16); break;
    case PST_ALU_MOVSX32: move_signed(x, insn, 32); break;
    }
}
