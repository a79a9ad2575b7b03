// select_divide.c: division and remainder, with eBPF's answers for 0 (quotient 0, remainder the dividend) and for the smallest number by -1.
//
// The machine divides rdx:rax by a register and leaves quotient and remainder in rax and rdx. Powers of two become shifts and masks, other
// constants at 32 bits a multiplication (Granlund and Montgomery, "Division by Invariant Integers using Multiplication", 1994).
#include "base/bits.h"
#include "jit/x64/select.h"

static bool is_signed(const pst_insn *insn) { return insn->op == PST_ALU_SDIV || insn->op == PST_ALU_SMOD; }
static bool is_quotient(const pst_insn *insn) { return insn->op == PST_ALU_DIV || insn->op == PST_ALU_SDIV; }

// --- By constants ---------------------------------------------------------------------------------------------

static void by_power_of_two(x64_select *x, const pst_insn *insn, uint64_t divisor)
{
    pst_insn easy = *insn;
    easy.flags |= PST_INSN_IMM;
    easy.op = is_quotient(insn) ? PST_ALU_RSH : PST_ALU_AND;
    easy.imm = is_quotient(insn) ? PST_CTZ64(divisor) : (int64_t)(divisor - 1);
    x64_select_alu(x, &easy);
}

// T0 = dst / divisor at 32 bits unsigned; divisor is no power of two and more than 2. dst is settled.
static void quotient32(x64_select *x, x64_reg dst, uint32_t divisor)
{
    x64_code *code = x->state.code;
    unsigned bits = 64 - (unsigned)PST_CLZ64(divisor); // 2^bits > divisor
    uint64_t magic = (((uint64_t)1 << bits) - divisor) * ((uint64_t)1 << 32) / divisor + 1; // plus 2^32, that is the 33-bit multiplier
    x64_mov_ri(code, T0, magic);
    x64_mov_rr(code, 32, T1, dst);
    x64_imul_rr(code, 64, T0, T1);
    x64_shift_ri(code, SHIFT_SHR, 64, T0, 32);
    x64_alu_rr(code, ALU_ADD, 64, T0, T1); // 33 bits: no carry is lost in 64
    x64_shift_ri(code, SHIFT_SHR, 64, T0, bits);
}

static void by_constant32(x64_select *x, const pst_insn *insn, uint32_t divisor)
{
    x64_state *s = &x->state;
    x64_claim(s, insn->dst);
    x64_reg dst = x64_settle(s, insn->dst);
    quotient32(x, dst, divisor);
    if (is_quotient(insn)) {
        x64_mov_rr(s->code, 32, dst, T0);
    } else {
        x64_imul_rri(s->code, 32, T0, T0, (int32_t)divisor);
        x64_alu_rr(s->code, ALU_SUB, 32, dst, T0);
    }
    x64_wrote(s, insn->dst, true);
}

// Whether a constant divisor needed no division.
static bool by_constant(x64_select *x, const pst_insn *insn, int64_t imm)
{
    uint64_t divisor = insn->width == 32 ? (uint32_t)(uint64_t)imm : (uint64_t)imm;
    if (divisor == 0) {
        if (is_quotient(insn)) x64_set(&x->state, insn->dst, x64_const(0), true);
        else if (insn->width == 32) by_power_of_two(x, &(pst_insn){.kind = PST_KIND_ALU, .op = PST_ALU_MOD, .dst = insn->dst, .width = 32}, 0);
        return true;
    }
    if (is_signed(insn)) return false;
    if (pst_is_pow2(divisor) && (is_quotient(insn) || divisor - 1 <= INT32_MAX)) {
        by_power_of_two(x, insn, divisor);
        return true;
    }
    if (insn->width != 32) return false;
    by_constant32(x, insn, (uint32_t)divisor);
    return true;
}

// --- By a register --------------------------------------------------------------------------------------------

static void zero_divisor(x64_select *x, const pst_insn *insn, x64_reg divisor, x64_label done)
{
    x64_code *code = x->state.code;
    x64_test_rr(code, insn->width, divisor, divisor);
    if (!is_quotient(insn) && insn->width == 64) {
        x64_jump(code, CC_E, done); // the dividend stays
        return;
    }
    x64_cold *cold = x64_cold_new(x, is_quotient(insn) ? COLD_ZERO : COLD_NARROW);
    cold->reg = (uint8_t)x64_of(&x->state, insn->dst);
    cold->back = done;
    x64_jump(code, CC_E, cold->from);
}

// rax / divisor, where a signed division by -1 would overflow for the smallest number: it is a negation, without a remainder.
static void divide_signed(x64_select *x, const pst_insn *insn, x64_reg divisor, bool by_imm)
{
    x64_code *code = x->state.code;
    x64_label division = x64_label_new(code), after = x64_label_new(code);
    if (!by_imm) {
        x64_alu_ri(code, ALU_CMP, insn->width, divisor, -1);
        x64_jump(code, CC_NE, division);
        x64_unary(code, UNARY_NEG, insn->width, RAX);
        x64_mov_ri(code, RDX, 0);
        x64_jump(code, CC_ALWAYS, after);
        x64_bind(code, division);
    }
    x64_sign_rdx(code, insn->width);
    x64_unary(code, UNARY_IDIV, insn->width, divisor);
    x64_bind(code, after);
}

static void divide_unsigned(x64_select *x, const pst_insn *insn, x64_reg divisor)
{
    x64_code *code = x->state.code;
    x64_mov_ri(code, RDX, 0);
    x64_unary(code, UNARY_DIV, insn->width, divisor);
}

// A signed division by the constant -1: what divide_signed does at run time.
static void by_minus_one(x64_select *x, const pst_insn *insn)
{
    pst_insn easy = *insn;
    easy.op = is_quotient(insn) ? PST_ALU_NEG : PST_ALU_MOV;
    easy.imm = 0;
    x64_select_alu(x, &easy);
}

static void divide(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    x64_code *code = s->code;
    bool by_imm = (insn->flags & PST_INSN_IMM) != 0;
    x64_settle_all(s);
    x64_claim(s, insn->dst);
    x64_reg dst = x64_of(s, insn->dst), t2 = (x64_reg)s->abi->t2, divisor = by_imm ? T1 : x64_of(s, insn->src);
    x64_label done = x64_label_new(code);
    if (!by_imm && !(jit_facts_at(x->unit, x->pc) & PST_FACT_DIVISOR)) zero_divisor(x, insn, divisor, done);
    bool keep_rax = false, keep_rdx = false; // someone else's
    for (unsigned reg = 0; reg < PST_REG_COUNT; reg++) {
        keep_rax |= x64_of(s, reg) == RAX && dst != RAX && s->live >> reg & 1;
        keep_rdx |= x64_of(s, reg) == RDX && dst != RDX && s->live >> reg & 1;
    }
    if (by_imm) x64_mov_ri(code, T1, (uint64_t)insn->imm);
    else if (divisor == RAX || divisor == RDX) x64_mov_rr(code, 64, divisor = T1, x64_of(s, insn->src));
    if (keep_rax) x64_mov_rr(code, 64, T0, RAX);
    if (keep_rdx) x64_mov_rr(code, 64, t2, RDX);
    if (dst != RAX) x64_mov_rr(code, insn->width, RAX, dst);
    if (is_signed(insn)) divide_signed(x, insn, divisor, by_imm);
    else divide_unsigned(x, insn, divisor);
    x64_reg result = is_quotient(insn) ? RAX : RDX;
    if (dst != result) x64_mov_rr(code, insn->width, dst, result);
    if (keep_rax) x64_mov_rr(code, 64, RAX, T0);
    if (keep_rdx) x64_mov_rr(code, 64, RDX, t2);
    x64_bind(code, done);
    s->flags_reg = NO_REG;
    x64_wrote(s, insn->dst, insn->width == 32);
    if (!by_imm && (is_signed(insn) || !(jit_facts_at(x->unit, x->pc) & PST_FACT_DIVISOR))) x64_guess_settle(x);
}

void x64_select_divide(x64_select *x, const pst_insn *insn)
{
    if (insn->flags & PST_INSN_IMM) {
        if (by_constant(x, insn, insn->imm)) return;
        if (is_signed(insn) && insn->imm == -1) {
            by_minus_one(x, insn);
            return;
        }
    }
    divide(x, insn);
}
