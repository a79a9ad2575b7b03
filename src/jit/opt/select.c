// select.c: short branches around a choice between two values become that choice.
//
//     if (a < b) goto join; x = y; join:        x = a < b ? x : y
//
// eBPF has no such instruction, so compilers write branches for it; where these depend on data, a processor guesses wrong half of the time. Both sides
// have to be there already, or be a step or two away from what is there: then computing both costs less than a wrong guess.
#include "jit/opt/ir.h"

#define STEPS_MAX 2u   // values that are computed although they may not be used
#define CHOICES_MAX 2u // phis that one branch feeds

static bool is_step(const opt_value *v)
{
    if (v->insn.kind == OPT_CONST || v->insn.kind == OPT_FRAME) return true;
    if (v->insn.kind != PST_KIND_ALU) return false;
    switch ((pst_alu_op)v->insn.op) {
    case PST_ALU_MUL:
    case PST_ALU_DIV:
    case PST_ALU_SDIV:
    case PST_ALU_MOD:
    case PST_ALU_SMOD: return false;
    default: return true;
    }
}

// Whether block does nothing between one predecessor and one successor but a few steps.
static bool is_side(const opt_block *block, const opt_block *from)
{
    unsigned steps = 0;
    if (block->pred_count != 1 || block->preds[0] != from || block->last->insn.kind != PST_KIND_JUMP) return false;
    if (block->last->facts & PST_FACT_METERED) return false;
    for (const opt_value *v = block->first; v != block->last; v = v->next) {
        if (!is_step(v)) return false;
        steps += v->insn.kind == PST_KIND_ALU;
    }
    return steps <= STEPS_MAX;
}

static uint32_t index_of(const opt_block *block, const opt_block *pred)
{
    uint32_t i = 0;
    while (i < block->pred_count && block->preds[i] != pred) i++;
    return i;
}

static unsigned choices(const opt_block *join, uint32_t one, uint32_t other)
{
    unsigned count = 0;
    for (const opt_value *v = join->first; v->insn.kind == OPT_PHI; v = v->next) count += v->args[one] != v->args[other];
    return count;
}

static void move_steps(opt_block *side, opt_value *place)
{
    if (side == place->block) return;
    OPT_EACH_VALUE(v, side) {
        if (v == side->last) break;
        opt_remove(v);
        opt_insert_before(place, v);
    }
}

static opt_value *choose(opt_func *func, opt_value *branch, opt_value *yes, opt_value *no, uint8_t hint)
{
    uint32_t compared = branch->arg_count;
    opt_value *v = opt_value_new(func, OPT_SELECT, compared + 2);
    v->insn.op = branch->insn.op;
    v->insn.width = branch->insn.width;
    v->insn.flags = branch->insn.flags & PST_INSN_IMM;
    v->insn.imm = branch->insn.imm;
    for (uint32_t i = 0; i < compared; i++) v->args[i] = branch->args[i];
    v->args[compared] = yes;
    v->args[compared + 1] = no;
    v->origin = branch->origin;
    v->hint = hint;
    opt_insert_before(branch, v);
    return v;
}

static bool convert(opt_func *func, opt_block *b)
{
    opt_value *branch = b->last;
    opt_block *taken = b->succs[0], *other = b->succs[1];
    if (branch->insn.kind != PST_KIND_BRANCH || branch->facts & PST_FACT_METERED || taken == other) return false;
    bool taken_side = is_side(taken, b), other_side = is_side(other, b);
    opt_block *join = taken_side ? taken->succs[0] : taken;
    if (!taken_side && !other_side) return false;
    if ((other_side ? other->succs[0] : other) != join) return false;
    opt_block *yes_from = taken_side ? taken : b, *no_from = other_side ? other : b;
    uint32_t yes = index_of(join, yes_from), no = index_of(join, no_from);
    if (yes >= join->pred_count || no >= join->pred_count || join->first->insn.kind != OPT_PHI) return false;
    unsigned count = choices(join, yes, no);
    if (count == 0 || count > CHOICES_MAX) return false;
    if (taken_side) move_steps(taken, branch);
    if (other_side) move_steps(other, branch);
    for (opt_value *phi = join->first; phi->insn.kind == OPT_PHI; phi = phi->next) {
        opt_value *a = phi->args[OPT_PLANT(8) ? no : yes], *n = phi->args[OPT_PLANT(8) ? yes : no];
        if (a != n) phi->args[yes] = phi->args[no] = choose(func, branch, a, n, phi->hint);
    }
    // Goes on where the values were taken from, which is empty now.
    opt_cut_edge(b, taken_side && !other_side ? 0 : 1);
    if (!b->succs[0]) {
        b->succs[0] = b->succs[1];
        b->succs[1] = NULL;
    }
    branch->insn = (pst_insn){.kind = PST_KIND_JUMP};
    branch->arg_count = 0;
    return true;
}

void opt_select(opt_func *func)
{
    bool changed = false;
    if (!(func->machine->kinds & JIT_HAS_SELECT)) return;
    // Inner choices first: they make outer ones short.
    for (uint32_t i = func->order_count; i-- > 0 && opt_work(func, 4);) changed |= convert(func, func->order[i]);
    if (!changed || func->failed) return;
    opt_flow(func);
    opt_simplify_phis(func);
}
