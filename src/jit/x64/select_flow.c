// select_flow.c: jumps and comparisons.
#include "jit/x64/select.h"

static uint32_t target_of(const x64_select *x, const pst_insn *insn) { return (uint32_t)((int64_t)x->pc + 1 + insn->target); }

x64_cc x64_cc_of(pst_jump_op op)
{
    switch (op) {
    case PST_JUMP_JEQ: return CC_E;
    case PST_JUMP_JNE: return CC_NE;
    case PST_JUMP_JSET: return CC_NE;
    case PST_JUMP_JGT: return CC_A;
    case PST_JUMP_JGE: return CC_AE;
    case PST_JUMP_JLT: return CC_B;
    case PST_JUMP_JLE: return CC_BE;
    case PST_JUMP_JSGT: return CC_G;
    case PST_JUMP_JSGE: return CC_GE;
    case PST_JUMP_JSLT: return CC_L;
    case PST_JUMP_JSLE: return CC_LE;
    }
    PST_UNREACHABLE();
}

static bool is_metered(const x64_select *x, uint32_t pc) { return (jit_facts_at(x->unit, pc) & PST_FACT_METERED) != 0; }

// One more turn of a loop that nothing bounds. Before anything else of the instruction: it destroys the flags.
static void count_turn(x64_select *x)
{
    if (!is_metered(x, x->pc)) return;
    x64_cold *cold = x64_cold_new(x, COLD_TRAP);
    cold->trap = PST_TRAP_BUDGET;
    cold->pc = jit_origin(x->unit, x->pc);
    x64_alu_mi(x->state.code, ALU_CMP, 64, RUN_FIELD(turns), (int32_t)x->meter_turns);
    x64_jump(x->state.code, CC_AE, cold->from);
    x64_alu_mi(x->state.code, ALU_ADD, 64, RUN_FIELD(turns), 1);
}

void x64_select_jump(x64_select *x, const pst_insn *insn)
{
    count_turn(x);
    x->state.uses = 0;
    x64_settle_all(&x->state);
    if (insn->target != 0) x64_jump(x->state.code, CC_ALWAYS, target_of(x, insn));
}

// Settles what lives on in other registers first, so that an arithmetic result that is compared is computed last and its flags are there.
static void settle_for_branch(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    for (unsigned reg = 0; reg < PST_REG_COUNT; reg++)
        if (reg != insn->dst && s->pending & s->live & JIT_REG(reg)) (void)x64_settle(s, reg);
}

static bool const_operand(const x64_select *x, const pst_insn *insn, int32_t *out)
{
    int64_t value = insn->imm;
    if (!(insn->flags & PST_INSN_IMM)) {
        x64_value v = x64_value_of(&x->state, insn->src);
        if (!x64_is_const(v)) return false;
        value = v.disp;
    }
    *out = (int32_t)(uint32_t)(uint64_t)value;
    return insn->width == 32 || *out == value;
}

static bool flags_tell(const x64_select *x, const pst_insn *insn, x64_reg reg)
{
    if (insn->op != PST_JUMP_JEQ && insn->op != PST_JUMP_JNE) return false;
    if (x64_flags_known(&x->state, reg, insn->width)) return true;
    bool low_is_all = (x->state.zero_upper & JIT_REG(insn->dst)) != 0;
    return low_is_all && x64_flags_known(&x->state, reg, insn->width ^ (32 ^ 64));
}

static void compare(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    x64_code *code = s->code;
    int32_t value;
    if (const_operand(x, insn, &value)) {
        x64_reg dst = x64_settle(s, insn->dst);
        if (insn->op == PST_JUMP_JSET) x64_test_ri(code, insn->width, dst, value);
        else if (value != 0) x64_alu_ri(code, ALU_CMP, insn->width, dst, value);
        else if (!flags_tell(x, insn, dst)) x64_test_rr(code, insn->width, dst, dst);
        return;
    }
    x64_reg src = x64_settle(s, insn->src), dst = x64_settle(s, insn->dst);
    if (insn->op == PST_JUMP_JSET) x64_test_rr(code, insn->width, dst, src);
    else x64_alu_rr(code, ALU_CMP, insn->width, dst, src);
}

// Whether no code will stand between here and target.
static bool only_dead_until(const x64_select *x, uint32_t target)
{
    for (uint32_t pc = x->pc + x->taken; pc < target; pc++)
        if (!jit_is_dead(x->unit, pc)) return false;
    return target > x->pc;
}

void x64_select_branch(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    uint32_t target = target_of(x, insn), other = x->pc + 1;
    x64_cc cc = x64_cc_of((pst_jump_op)insn->op);
    const pst_insn *next = is_metered(x, other) ? NULL : x64_follower(x, 1);
    count_turn(x);
    // "if c goto +1; goto far": the opposite branch to far. clang writes it where the distance of a branch would not do.
    if (next && next->kind == PST_KIND_JUMP && target == x->pc + 2 && !x64_guess_asks(x, target) && !x64_guess_asks(x, other)) {
        target = (uint32_t)((int64_t)other + 1 + next->target);
        other = x->pc + 2;
        cc ^= 1;
        x->taken = 2;
    }
    settle_for_branch(x, insn);
    bool never = jit_is_dead(x->unit, target), always = jit_is_dead(x->unit, other);
    if (!never && !always && target != other) {
        compare(x, insn);
        s->uses = 0;
        x64_settle_all(s); // nothing unless the comparison needed no register
        x64_jump(s->code, cc, x64_guess_taken(x, cc, target));
        x64_guess_other(x, cc, other);
        return;
    }
    s->uses = 0;
    x64_settle_all(s);
    x->closed = always;
    if (always && !never && !only_dead_until(x, target)) x64_jump(s->code, CC_ALWAYS, target);
}

void x64_select_select(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    pst_insn comparison = *insn;
    comparison.kind = PST_KIND_BRANCH;
    comparison.dst = jit_select_a(insn);
    comparison.src = jit_select_b(insn);
    x64_claim(s, insn->dst);
    x64_reg src = x64_settle(s, insn->src), dst = x64_settle(s, insn->dst);
    bool zero_upper = (s->zero_upper & JIT_REG(insn->dst)) != 0 && (s->zero_upper & JIT_REG(insn->src)) != 0;
    compare(x, &comparison);
    x64_cmov(s->code, 64, x64_cc_of((pst_jump_op)insn->op), dst, src);
    x64_wrote(s, insn->dst, zero_upper);
}

void x64_select_may_goto(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    s->uses = 0;
    x64_settle_all(s);
    x64_cold *cold = x64_cold_new(x, COLD_MAY_GOTO);
    cold->back = target_of(x, insn);
    x64_alu_mi(s->code, ALU_SUB, 32, RUN_FIELD(native.may_goto_left), 1);
    x64_jump(s->code, CC_B, cold->from);
}
