// arm64_select_flow.c: jumps and comparisons.
#include "base/bits.h"
#include "jit/arm64/arm64_select.h"

static uint32_t target_of(const arm64_select *x, const pst_insn *insn) { return (uint32_t)((int64_t)x->pc + 1 + insn->target); }

static arm64_cc cc_of(pst_jump_op op)
{
    switch (op) {
    case PST_JUMP_JEQ: return CC_EQ;
    case PST_JUMP_JNE: return CC_NE;
    case PST_JUMP_JSET: return CC_NE;
    case PST_JUMP_JGT: return CC_HI;
    case PST_JUMP_JGE: return CC_HS;
    case PST_JUMP_JLT: return CC_LO;
    case PST_JUMP_JLE: return CC_LS;
    case PST_JUMP_JSGT: return CC_GT;
    case PST_JUMP_JSGE: return CC_GE;
    case PST_JUMP_JSLT: return CC_LT;
    case PST_JUMP_JSLE: return CC_LE;
    }
    PST_UNREACHABLE();
}

// --- Comparisons with constants -------------------------------------------------------------------------------

static void test_mask(arm64_select *x, unsigned width, arm64_reg reg, uint64_t mask)
{
    arm64_code *code = x->state.code;
    if (arm64_takes_logic(code, width, mask)) {
        arm64_logic_i(code, LOGIC_ANDS, width, XZR, reg, mask);
    } else {
        arm64_mov_i(code, T0, mask);
        arm64_logic_r(code, LOGIC_ANDS, width, XZR, reg, arm64_plain(T0));
    }
}

// Jumps to target when reg & mask is not 0 (or is).
static void jump_on_mask(arm64_select *x, unsigned width, arm64_reg reg, uint64_t mask, bool if_set, arm64_label target)
{
    arm64_code *code = x->state.code;
    if (pst_is_pow2(mask)) {
        arm64_jump_bit(code, if_set, (unsigned)PST_CTZ64(mask), reg, target);
    } else if (mask == pst_mask(width)) {
        arm64_jump_zero(code, !if_set, width, reg, target);
    } else {
        test_mask(x, width, reg, mask);
        arm64_jump_if(code, if_set ? CC_NE : CC_EQ, target);
    }
}

// Comparisons that are questions about 0 or the sign: whether cc with value is one, and which.
static bool jump_simply(arm64_select *x, unsigned width, arm64_reg reg, arm64_cc cc, uint64_t value, arm64_label target)
{
    arm64_code *code = x->state.code;
    bool minus_one = value == pst_mask(width);
    if (value == 0 && (cc == CC_EQ || cc == CC_LS)) arm64_jump_zero(code, true, width, reg, target);
    else if (value == 0 && (cc == CC_NE || cc == CC_HI)) arm64_jump_zero(code, false, width, reg, target);
    else if (value == 1 && cc == CC_LO) arm64_jump_zero(code, true, width, reg, target);
    else if (value == 1 && cc == CC_HS) arm64_jump_zero(code, false, width, reg, target);
    else if ((value == 0 && cc == CC_LT) || (minus_one && cc == CC_LE)) arm64_jump_bit(code, true, width - 1, reg, target);
    else if ((value == 0 && cc == CC_GE) || (minus_one && cc == CC_GT)) arm64_jump_bit(code, false, width - 1, reg, target);
    else return false;
    return true;
}

static void compare_const(arm64_select *x, unsigned width, arm64_reg reg, uint64_t value)
{
    arm64_code *code = x->state.code;
    uint64_t negated = (0 - value) & pst_mask(width);
    if (arm64_takes_sum(code, value)) {
        arm64_sum_i(code, SUM_SUBS, width, XZR, reg, (uint32_t)value);
    } else if (arm64_takes_sum(code, negated)) { // reg + n carries where reg - -n does not borrow, but for n = 0, which fits above
        arm64_sum_i(code, SUM_ADDS, width, XZR, reg, (uint32_t)negated);
    } else {
        arm64_mov_i(code, T0, value);
        arm64_sum_r(code, SUM_SUBS, width, XZR, reg, arm64_plain(T0));
    }
}

static bool is_metered(const arm64_select *x, uint32_t pc) { return (jit_facts_at(x->unit, pc) & PST_FACT_METERED) != 0; }

// One more turn of a loop that nothing bounds. Before anything else of the instruction: it destroys the flags, and T0 and T2.
static void count_turn(arm64_select *x)
{
    arm64_code *code = x->state.code;
    if (!is_metered(x, x->pc)) return;
    arm64_load(code, 64, T2, RUN_FIELD(x, turns));
    compare_const(x, 64, T2, x->unit->meter_turns);
    arm64_jump_if(code, CC_HS, arm64_trap_label(x, PST_TRAP_BUDGET));
    arm64_sum_i(code, SUM_ADD, 64, T2, T2, 1);
    arm64_store(code, 64, RUN_FIELD(x, turns), T2);
}

void arm64_select_jump(arm64_select *x, const pst_insn *insn)
{
    count_turn(x);
    x->state.uses = 0;
    arm64_settle_all(&x->state);
    if (insn->target != 0) arm64_jump(x->state.code, target_of(x, insn));
}

// Sets the flags for cc_of(insn->op).
static void compare(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    bool tests = insn->op == PST_JUMP_JSET;
    uint64_t value;
    if (arm64_const_operand(x, insn, &value)) {
        arm64_reg a = arm64_plain_of(s, insn->dst, insn->width);
        if (tests) test_mask(x, insn->width, a, value);
        else compare_const(x, insn->width, a, value);
        return;
    }
    arm64_reg a;
    arm64_operand b;
    arm64_operands(x, insn, tests, &a, &b);
    if (tests) arm64_logic_r(s->code, LOGIC_ANDS, insn->width, XZR, a, b);
    else arm64_sum_r(s->code, SUM_SUBS, insn->width, XZR, a, b);
}

// --- Branches -------------------------------------------------------------------------------------------------

static void compare_and_jump(arm64_select *x, const pst_insn *insn, bool opposite, arm64_label target)
{
    arm64_state *s = &x->state;
    arm64_cc cc = cc_of((pst_jump_op)insn->op);
    uint64_t value;
    if (opposite) cc ^= 1;
    arm64_settle_live(s);
    if (x->test_mask) {
        unsigned width = x->test_mask <= UINT32_MAX ? 32 : 64;
        jump_on_mask(x, width, arm64_plain_of(s, insn->dst, width), x->test_mask, cc == CC_NE, target);
    } else if (arm64_const_operand(x, insn, &value)) {
        arm64_reg dst = arm64_plain_of(s, insn->dst, insn->width);
        if (insn->op == PST_JUMP_JSET && value == 0) {
            if (opposite) arm64_jump(s->code, target);
        } else if (insn->op == PST_JUMP_JSET) {
            jump_on_mask(x, insn->width, dst, value, !opposite, target);
        } else if (!jump_simply(x, insn->width, dst, cc, value, target)) {
            compare_const(x, insn->width, dst, value);
            arm64_jump_if(s->code, cc, target);
        }
    } else {
        compare(x, insn);
        arm64_jump_if(s->code, cc, target);
    }
}

// Whether no code will stand between here and target.
static bool only_dead_until(const arm64_select *x, uint32_t target)
{
    for (uint32_t pc = x->pc + x->taken; pc < target; pc++)
        if (!jit_is_dead(x->unit, pc)) return false;
    return target > x->pc;
}

void arm64_select_branch(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    uint32_t target = target_of(x, insn), other = x->pc + 1;
    bool opposite = false;
    const pst_insn *next = is_metered(x, other) ? NULL : arm64_follower(x, 1);
    count_turn(x);
    // "if c goto +1; goto far": the opposite branch to far. clang writes it where the distance of a branch would not do.
    if (next && next->kind == PST_KIND_JUMP && target == x->pc + 2) {
        target = (uint32_t)((int64_t)other + 1 + next->target);
        other = x->pc + 2;
        opposite = true;
        x->taken = 2;
    }
    bool never = jit_is_dead(x->unit, target), always = jit_is_dead(x->unit, other);
    if (!never && !always && target != other) {
        compare_and_jump(x, insn, opposite, target);
    } else {
        s->uses = 0;
        arm64_settle_all(s);
        x->closed = always;
        if (always && !never && !only_dead_until(x, target)) arm64_jump(s->code, target);
    }
    x->test_mask = 0;
}

// What csel takes: 0 needs no register.
static arm64_reg chosen(arm64_select *x, unsigned reg)
{
    arm64_value v = arm64_value_of(&x->state, reg);
    return arm64_is_const(v) && v.disp == 0 ? XZR : arm64_plain_of(&x->state, reg, 64);
}

void arm64_select_choice(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    pst_insn comparison = *insn;
    comparison.kind = PST_KIND_BRANCH;
    comparison.dst = jit_select_a(insn);
    comparison.src = jit_select_b(insn);
    bool zero_upper = arm64_upper_is_zero(x, insn->dst) && arm64_upper_is_zero(x, insn->src);
    arm64_claim(s, insn->dst);
    (void)chosen(x, insn->dst); // whatever emits does so before the comparison
    (void)chosen(x, insn->src);
    compare(x, &comparison);
    arm64_reg yes = chosen(x, insn->src), no = chosen(x, insn->dst);
    arm64_csel(s->code, 64, arm64_of(s, insn->dst), yes, no, cc_of((pst_jump_op)insn->op));
    arm64_wrote(s, insn->dst, zero_upper);
}

void arm64_select_may_goto(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    s->uses = 0;
    arm64_settle_all(s);
    arm64_load(s->code, 32, T0, RUN_FIELD(x, native.may_goto_left));
    arm64_jump_zero(s->code, true, 32, T0, target_of(x, insn)); // no turns are left, and it stays so
    arm64_sum_i(s->code, SUM_SUB, 32, T0, T0, 1);
    arm64_store(s->code, 32, RUN_FIELD(x, native.may_goto_left), T0);
}
