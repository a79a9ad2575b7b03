// arm64_select_divide.c: division and remainder. The machine's answers are eBPF's: a quotient by 0 is 0, and so the remainder, which is what is left of the
// dividend, is the dividend; the smallest number by -1 is itself, and leaves 0. Nothing needs a check.
//
// Powers of two become shifts and masks, other constants at 32 bits a multiplication (Granlund and Montgomery, "Division by Invariant Integers
// using Multiplication", 1994).
#include "base/bits.h"
#include "jit/arm64/arm64_select.h"

static bool is_signed(const pst_insn *insn) { return insn->op == PST_ALU_SDIV || insn->op == PST_ALU_SMOD; }
static bool is_quotient(const pst_insn *insn) { return insn->op == PST_ALU_DIV || insn->op == PST_ALU_SDIV; }

// --- By constants ---------------------------------------------------------------------------------------------

static void easier(arm64_select *x, const pst_insn *insn, pst_alu_op op, int64_t imm)
{
    pst_insn easy = *insn;
    easy.flags |= PST_INSN_IMM;
    easy.op = (uint8_t)op;
    easy.imm = imm;
    arm64_select_alu(x, &easy);
}

// dst = src / divisor, unsigned at 32 bits, by T0 and T2; divisor is no power of two. wide: a register with src and a clean upper half, or T2.
static void quotient32(arm64_select *x, arm64_reg dst, arm64_reg src, arm64_reg wide, uint32_t divisor)
{
    arm64_code *code = x->state.code;
    unsigned bits = 64 - (unsigned)PST_CLZ64((uint64_t)divisor); // 2^bits > divisor
    uint64_t magic = ((uint64_t)1 << (31 + bits)) / divisor + 1, error = magic * divisor - ((uint64_t)1 << (31 + bits));
    if (error <= (uint64_t)1 << (bits - 1)) { // 32 bits of the multiplier are exact enough
        arm64_mov_i(code, T0, magic);
        arm64_umull(code, T0, src, T0);
        arm64_shift_i(code, SHIFT_LSR, 64, dst, T0, 31 + bits);
        return;
    }
    magic = (((uint64_t)1 << bits) - divisor) * ((uint64_t)1 << 32) / divisor + 1; // plus 2^32, that is the 33-bit multiplier
    arm64_mov_i(code, T0, magic);
    arm64_umull(code, T0, src, T0);
    if (wide == T2) arm64_mov_r(code, 32, T2, src);
    arm64_sum_r(code, SUM_ADD, 64, T0, wide, (arm64_operand){T0, SHIFT_LSR, 32}); // 33 bits
    arm64_shift_i(code, SHIFT_LSR, 64, dst, T0, bits);
}

static void by_constant32(arm64_select *x, const pst_insn *insn, uint32_t divisor)
{
    arm64_state *s = &x->state;
    arm64_claim(s, insn->dst);
    arm64_reg src = arm64_plain_of(s, insn->dst, 32), dst = arm64_of(s, insn->dst);
    bool clean = arm64_upper_is_zero(x, insn->dst) && arm64_is_copy(arm64_value_of(s, insn->dst), 64);
    quotient32(x, is_quotient(insn) ? dst : T0, src, clean ? src : T2, divisor);
    if (!is_quotient(insn)) {
        arm64_mov_i(s->code, T2, divisor);
        arm64_msub(s->code, 32, dst, T0, T2, src);
    }
    arm64_wrote(s, insn->dst, true);
}

// Whether a constant divisor needed no division.
static bool by_constant(arm64_select *x, const pst_insn *insn, uint64_t divisor)
{
    if (divisor == 0) {
        if (is_quotient(insn)) arm64_set(&x->state, insn->dst, arm64_const(0), true);
        else easier(x, insn, PST_ALU_OR, 0);
        return true;
    }
    if (is_signed(insn)) return false;
    if (pst_is_pow2(divisor)) {
        if (is_quotient(insn)) easier(x, insn, PST_ALU_RSH, PST_CTZ64(divisor));
        else easier(x, insn, PST_ALU_AND, (int64_t)(divisor - 1));
        return true;
    }
    if (insn->width != 32) return false;
    by_constant32(x, insn, (uint32_t)divisor);
    return true;
}

// --- By a register --------------------------------------------------------------------------------------------

void arm64_select_divide(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    uint64_t value = 0;
    bool by_const = arm64_const_operand(x, insn, &value);
    if (by_const && by_constant(x, insn, value)) return;
    arm64_claim(s, insn->dst);
    (void)arm64_plain_of(s, insn->dst, insn->width);
    arm64_reg b = by_const ? T0 : arm64_plain_of(s, insn->src, insn->width), a = arm64_plain_of(s, insn->dst, insn->width), dst = arm64_of(s, insn->dst);
    if (by_const) arm64_mov_i(s->code, T0, value);
    arm64_two op = is_signed(insn) ? TWO_SDIV : TWO_UDIV;
    if (is_quotient(insn)) {
        arm64_two_sources(s->code, op, insn->width, dst, a, b);
    } else {
        arm64_two_sources(s->code, op, insn->width, T2, a, b);
        arm64_msub(s->code, insn->width, dst, T2, b, a);
    }
    arm64_wrote_dst(x, insn);
}
