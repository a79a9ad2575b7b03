// flow_pointers.c: additions and subtractions whose other operand may be a pointer.
//
// Called by flow_live.c for one subprogram after another. What is added to a pointer must be bounded whatever becomes of the sum (step_alu.c), so
// such a number is wanted even where the result is never used. A small forward analysis finds the registers that may hold a pointer. It is about
// precision alone: a number that is wrongly taken for idle makes the verifier refuse the addition, one that is wrongly wanted costs states.
// So it may leave out rare pointers: those that are loaded from structs of the host and from values of maps.
#include "verify/flow_internal.h"

// Registers that may hold a pointer, by what it points to.
typedef struct pointers {
    uint16_t ctx, stack, other;
} pointers;

static bool holds(uint16_t set, unsigned reg) { return (set & VFLOW_REG(reg)) != 0; }

static void put(uint16_t *set, unsigned reg, bool is_in)
{
    *set = (uint16_t)(is_in ? *set | VFLOW_REG(reg) : *set & ~VFLOW_REG(reg));
}

static void set_reg(pointers *p, unsigned reg, bool ctx, bool stack, bool other)
{
    put(&p->ctx, reg, ctx);
    put(&p->stack, reg, stack);
    put(&p->other, reg, other);
}

static bool is_pointer(const pointers *p, unsigned reg) { return holds(p->ctx | p->stack | p->other, reg); }

static void after_alu(pointers *p, const pst_insn *insn)
{
    bool by_reg = !(insn->flags & PST_INSN_IMM), sums = insn->op == PST_ALU_ADD || insn->op == PST_ALU_SUB;
    unsigned dst = insn->dst, src = insn->src;
    if (insn->width != 64 || !(sums || insn->op == PST_ALU_MOV) || (insn->op == PST_ALU_MOV && !by_reg)) {
        set_reg(p, dst, false, false, false);
        return;
    }
    if (!by_reg) return;
    set_reg(p, dst, holds(p->ctx, src) || (sums && holds(p->ctx, dst)), holds(p->stack, src) || (sums && holds(p->stack, dst)),
            holds(p->other, src) || (sums && holds(p->other, dst)));
}

static void after_call(const vflow_builder *b, pointers *p, uint32_t pc)
{
    const pst_helper_proto *proto = b->protos[pc];
    bool number = proto && (proto->ret == PST_RET_INTEGER || proto->ret == PST_RET_VOID);
    p->ctx &= (uint16_t)~VFLOW_CLOBBERED;
    p->stack &= (uint16_t)~VFLOW_CLOBBERED;
    p->other &= (uint16_t)~VFLOW_CLOBBERED;
    put(&p->other, 0, !number);
}

static void step(const vflow_builder *b, pointers *p, uint32_t pc, bool *spilled)
{
    const pst_insn *insn = &b->image->insns[pc];
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU: after_alu(p, insn); return;
    case PST_KIND_CAST:
    case PST_KIND_SWAP:
        if (insn->dst != PST_REG_FP) set_reg(p, insn->dst, false, false, false);
        return;
    case PST_KIND_IMM64: set_reg(p, insn->dst, false, false, insn->op != PST_IMM64_VALUE); return;
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE: {
        bool fills = insn->width == 64 && *spilled && holds(p->stack, insn->src);
        set_reg(p, insn->dst, fills, fills, fills || (insn->width >= 32 && holds(p->ctx, insn->src)));
        return;
    }
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE:
        if (insn->width == 64 && !(insn->flags & PST_INSN_IMM) && is_pointer(p, insn->src)) *spilled = true;
        return;
    case PST_KIND_ATOMIC:
        if (insn->op == PST_ATOMIC_CMPXCHG) set_reg(p, 0, false, false, false);
        else if (insn->flags & PST_INSN_FETCH) set_reg(p, insn->src, false, false, false);
        return;
    case PST_KIND_LEGACY_LOAD:
    case PST_KIND_CALL: after_call(b, p, pc); return;
    case PST_KIND_PADDING:
    case PST_KIND_JUMP:
    case PST_KIND_BRANCH:
    case PST_KIND_MAY_GOTO:
    case PST_KIND_EXIT: return;
    }
}

// What the addition at pc wants of its operands.
static uint16_t wanted_by_sum(const pointers *p, const pst_insn *insn)
{
    bool sums = insn->kind == PST_KIND_ALU && insn->width == 64 && (insn->op == PST_ALU_ADD || insn->op == PST_ALU_SUB);
    if (!sums || (insn->flags & PST_INSN_IMM)) return 0;
    return (uint16_t)((is_pointer(p, insn->dst) ? VFLOW_REG(insn->src) : 0) | (is_pointer(p, insn->src) ? VFLOW_REG(insn->dst) : 0));
}

static bool flow_into(pointers *in, const vflow_sub *sub, uint32_t block, const pointers *p)
{
    if (block == VFLOW_NONE) return false;
    pointers *at = &in[block - sub->first_block], old = *at;
    at->ctx |= p->ctx;
    at->stack |= p->stack;
    at->other |= p->other;
    return at->ctx != old.ctx || at->stack != old.stack || at->other != old.other;
}

pst_status vflow_find_sums(vflow_builder *b, uint32_t index)
{
    const vflow_sub *sub = &b->subs[index];
    pointers *in = pst_arena_array(&b->scratch, sub->block_count, sizeof *in);
    if (!in) return PST_E_NOMEM;
    bool has_caller = index != 0 || sub->is_callback, spilled = has_caller;
    pointers *entry = &in[sub->entry - sub->first_block];
    entry->ctx = has_caller ? VFLOW_ARGS : VFLOW_REG(1);
    entry->stack = (uint16_t)(VFLOW_REG(PST_REG_FP) | (has_caller ? VFLOW_ARGS : 0));
    entry->other = has_caller ? VFLOW_ARGS : 0;
    // Ends since sets only grow: loops are few turns, for blocks are looked at in their order.
    for (bool more = true; more;) {
        bool before = spilled;
        more = false;
        for (uint32_t i = 0; i < sub->block_count; i++) {
            uint32_t at = b->by_order[sub->first_block + i];
            const vflow_block *block = &b->blocks[at];
            pointers p = in[at - sub->first_block];
            for (uint32_t pc = block->start; pc <= block->last; pc++) {
                b->sums[pc] = wanted_by_sum(&p, &b->image->insns[pc]);
                step(b, &p, pc, &spilled);
            }
            // The next block in order is still to come in this round; only what lies before it makes another one.
            uint32_t order = block->order;
            if (flow_into(in, sub, block->next, &p) && b->blocks[block->next].order <= order) more = true;
            if (flow_into(in, sub, block->target, &p) && b->blocks[block->target].order <= order) more = true;
        }
        if (spilled != before) more = true;
    }
    return PST_OK;
}
