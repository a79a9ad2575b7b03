// flow_live.c: what may still be read (live), and which numbers may still matter (wanted), at the start of each block.
//
// Called by vflow_build last, subprogram by subprogram, callees first, so that a call reads only the arguments that its callee reads. One backward
// pass with a queue of blocks; each step goes through a block's instructions from the last to the first, with the slots that flow_stack.c
// found. Invariant: wanted is a part of live. Ends since sets only grow: at most 150 times a block, in practice two or three.
#include <string.h>

#include "verify/flow_internal.h"

// What one instruction does to registers.
typedef struct effect {
    uint16_t uses, defines;
    uint16_t wants;     // of uses: the number matters whatever happens to the result
    uint16_t feeds;     // of uses: it matters if that of a register in defines does
    uint16_t stores;    // of uses: it matters if that of a slot written does
} effect;

typedef struct sets {
    uint16_t regs, wanted_regs;
    uint64_t slots, wanted_slots;
} sets;

typedef struct live {
    vflow_builder *b;
    uint32_t *queue;
    uint8_t *queued;
    uint32_t queue_at, queue_count;
    uint32_t sub;
    bool exit_wanted; // the number that the subprogram returns matters
    effect *effects;  // by pc, of the subprogram
} live;

// --- Registers ------------------------------------------------------------------------------------------------

static uint16_t reg_if(bool is_there, unsigned reg)
{
    if (!is_there) return 0;
    return VFLOW_REG(reg);
}

// Whether the proof needs more of such an argument than that it is initialised.
static bool wants_argument(pst_arg_kind kind)
{
    return kind != PST_ARG_NONE && kind != PST_ARG_ANYTHING && kind != PST_ARG_ANYTHING_OPT && kind != PST_ARG_IGNORED;
}

// The verifier takes a global function by its signature, not by what it does, so each parameter is read.
static uint16_t parameters(const vflow_builder *b, uint32_t sub)
{
    const pst_verify_input *input = b->input;
    uint32_t lo = 0, hi = input->btf && input->func_info ? input->func_info_count : 0, start = b->image->subprogs[sub].start;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (input->func_info[mid].pc < start) lo = mid + 1;
        else hi = mid;
    }
    if (!input->btf || !input->func_info || lo >= input->func_info_count || input->func_info[lo].pc != start) return 0;
    uint32_t id = input->func_info[lo].type_id, count = pst_btf_count(input->btf);
    pst_btf_type func = id < count ? pst_btf_get(input->btf, id) : (pst_btf_type){0};
    if (func.kind != PST_BTF_FUNC || func.linkage != 1 || func.type >= count) return 0;
    uint32_t params = pst_btf_get(input->btf, func.type).count;
    if (params > PST_ARGS_MAX) params = PST_ARGS_MAX;
    return (uint16_t)(VFLOW_ARGS & ((2u << params) - 1));
}

static effect call_effect(const live *l, uint32_t pc)
{
    const pst_insn *insn = &l->b->image->insns[pc];
    const pst_helper_proto *proto = l->b->protos[pc];
    effect e = {.defines = VFLOW_CLOBBERED, .uses = VFLOW_ARGS, .wants = VFLOW_ARGS};
    if (insn->op == PST_CALL_REGISTER) {
        e.uses |= VFLOW_REG(insn->dst);
        e.wants |= VFLOW_REG(insn->dst);
    } else if (insn->op == PST_CALL_SUBPROG) {
        const vflow_summary *callee = &l->b->summaries[vflow_sub_at(l->b, vflow_target_pc(pc, insn))];
        if (callee->is_done) e.uses = e.wants = callee->live_args;
    } else if (proto) {
        bool all = insn->op == PST_CALL_KFUNC || vflow_takes_callback(proto);
        e.uses = e.wants = 0;
        for (unsigned i = 0; i < PST_ARGS_MAX; i++) {
            if (proto->args[i] == PST_ARG_NONE) continue;
            e.uses |= VFLOW_REG(i + 1);
            if (all || wants_argument(proto->args[i])) e.wants |= VFLOW_REG(i + 1);
        }
    }
    return e;
}

static effect alu_effect(const pst_insn *insn, uint16_t wants)
{
    effect e = {.defines = VFLOW_REG(insn->dst), .wants = wants};
    bool is_move = insn->op == PST_ALU_MOV || insn->op == PST_ALU_MOVSX8 || insn->op == PST_ALU_MOVSX16 || insn->op == PST_ALU_MOVSX32;
    if (!is_move) e.uses |= VFLOW_REG(insn->dst);
    if (!(insn->flags & PST_INSN_IMM) && insn->op != PST_ALU_NEG) e.uses |= VFLOW_REG(insn->src);
    e.feeds = e.uses;
    return e;
}

static effect atomic_effect(const pst_insn *insn)
{
    effect e = {.uses = VFLOW_REG(insn->dst) | VFLOW_REG(insn->src), .wants = VFLOW_REG(insn->dst)};
    if (insn->op == PST_ATOMIC_CMPXCHG) {
        e.uses |= VFLOW_REG(0);
        e.defines = VFLOW_REG(0);
    } else if (insn->flags & PST_INSN_FETCH) {
        e.defines = VFLOW_REG(insn->src);
    }
    return e;
}

static effect effect_of(const live *l, uint32_t pc)
{
    const pst_insn *insn = &l->b->image->insns[pc];
    uint16_t dst = VFLOW_REG(insn->dst), src = reg_if(!(insn->flags & PST_INSN_IMM), insn->src);
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU: return alu_effect(insn, l->b->sums[pc]);
    case PST_KIND_SWAP: return (effect){.uses = dst, .defines = dst, .feeds = dst};
    case PST_KIND_IMM64: return (effect){.defines = dst};
    case PST_KIND_CAST: return (effect){.uses = src, .defines = dst, .feeds = src};
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE: return (effect){.uses = VFLOW_REG(insn->src), .defines = dst, .wants = VFLOW_REG(insn->src)};
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE: return (effect){.uses = dst | src, .wants = dst, .stores = src};
    case PST_KIND_ATOMIC: return atomic_effect(insn);
    case PST_KIND_LEGACY_LOAD: {
        uint16_t at = reg_if(insn->op == PST_LEGACY_IND, insn->src);
        return (effect){.uses = VFLOW_REG(6) | at, .defines = VFLOW_CLOBBERED, .wants = VFLOW_REG(6)};
    }
    case PST_KIND_BRANCH: return (effect){.uses = dst | src, .wants = dst | src};
    case PST_KIND_CALL: return call_effect(l, pc);
    case PST_KIND_EXIT: return (effect){.uses = VFLOW_REG(0), .wants = reg_if(l->exit_wanted, 0)};
    case PST_KIND_PADDING:
    case PST_KIND_JUMP:
    case PST_KIND_MAY_GOTO: return (effect){0};
    }
    PST_UNREACHABLE();
}

// --- Blocks ---------------------------------------------------------------------------------------------------

static void step_back(sets *at, const effect *e, const vflow_event *event)
{
    static const vflow_event nothing = {0};
    if (!event) event = &nothing;
    bool result = (at->wanted_regs & e->defines) != 0;
    bool stored = event->wants_stored || (at->wanted_slots & event->writes) != 0;
    at->regs = (uint16_t)((at->regs & ~e->defines) | e->uses);
    at->wanted_regs = (uint16_t)((at->wanted_regs & ~e->defines) | e->wants | (result ? e->feeds : 0) | (stored ? e->stores : 0));
    at->slots = (at->slots & ~event->kills) | event->reads;
    at->wanted_slots = (at->wanted_slots & ~event->kills) | event->wants | (result && event->is_load ? event->reads : 0);
}

static void add_start(const live *l, uint32_t block, sets *out)
{
    if (block == VFLOW_NONE) return;
    const vflow_block *from = &l->b->blocks[block];
    out->regs |= from->live_regs;
    out->wanted_regs |= from->wanted_regs;
    out->slots |= from->live_slots;
    out->wanted_slots |= from->wanted_slots;
}

// The sets at the start of a block from those at the starts of its successors. True when they are larger than before.
static bool update(live *l, uint32_t index)
{
    vflow_builder *b = l->b;
    vflow_block *block = &b->blocks[index];
    sets at = {0};
    add_start(l, block->next, &at);
    add_start(l, block->target, &at);
    uint32_t event = b->event_start[index + 1];
    for (uint32_t pc = block->last + 1; pc-- > block->start;) {
        bool has_event = event > b->event_start[index] && b->events[event - 1].pc == pc;
        step_back(&at, &l->effects[pc], has_event ? &b->events[event - 1] : NULL);
        if (has_event) event--;
    }
    at.regs |= VFLOW_REG(PST_REG_FP);
    bool grown = at.regs != block->live_regs || at.wanted_regs != block->wanted_regs || at.slots != block->live_slots ||
                 at.wanted_slots != block->wanted_slots;
    block->live_regs = at.regs;
    block->wanted_regs = at.wanted_regs;
    block->live_slots = at.slots;
    block->wanted_slots = at.wanted_slots;
    return grown;
}

static void enqueue(live *l, uint32_t block)
{
    const vflow_sub *sub = &l->b->subs[l->sub];
    if (l->queued[block - sub->first_block]) return;
    l->queued[block - sub->first_block] = 1;
    l->queue[(l->queue_at + l->queue_count++) % sub->block_count] = block;
}

static void solve(live *l)
{
    const vflow_builder *b = l->b;
    const vflow_sub *sub = &b->subs[l->sub];
    for (uint32_t i = 0; i < sub->block_count; i++) {
        const vflow_block *block = &b->blocks[sub->first_block + i];
        for (uint32_t pc = block->start; pc <= block->last; pc++) l->effects[pc] = effect_of(l, pc);
    }
    for (uint32_t i = sub->block_count; i-- > 0;) enqueue(l, b->by_order[sub->first_block + i]);
    while (l->queue_count) {
        uint32_t at = l->queue[l->queue_at];
        l->queue_at = (l->queue_at + 1) % sub->block_count;
        l->queue_count--;
        l->queued[at - sub->first_block] = 0;
        if (!update(l, at)) continue;
        for (uint32_t i = b->pred_start[at]; i < b->pred_start[at + 1]; i++) enqueue(l, b->preds[i]);
    }
}

// --- What is tested soon --------------------------------------------------------------------------------------

#define TEST_ROUNDS 4 // blocks that a test is looked for ahead

// As step_back, of what is wanted.
static void tested_back(sets *at, const effect *e, const vflow_event *event, bool is_branch)
{
    bool result = (at->wanted_regs & e->defines) != 0, stored = event && (at->wanted_slots & event->writes) != 0;
    at->wanted_regs = (uint16_t)((at->wanted_regs & ~e->defines) | (is_branch ? e->wants : 0) | (result ? e->feeds : 0) | (stored ? e->stores : 0));
    if (event) at->wanted_slots = (at->wanted_slots & ~event->kills) | (result && event->is_load ? event->reads : 0);
}

// As update, with the operands of branches as the only thing that is wanted, and successors as they were in the round before. Whether anything changed.
static bool update_tested(live *l, uint32_t index)
{
    vflow_builder *b = l->b;
    vflow_block *block = &b->blocks[index];
    sets at = {0};
    for (unsigned way = 0; way < 2; way++) {
        uint32_t to = vflow_successor(block, way);
        if (to == VFLOW_NONE) continue;
        at.wanted_regs |= b->blocks[to].tested_regs;
        at.wanted_slots |= b->blocks[to].tested_slots;
    }
    uint32_t event = b->event_start[index + 1];
    for (uint32_t pc = block->last + 1; pc-- > block->start;) {
        bool has_event = event > b->event_start[index] && b->events[event - 1].pc == pc;
        tested_back(&at, &l->effects[pc], has_event ? &b->events[--event] : NULL, b->image->insns[pc].kind == PST_KIND_BRANCH);
    }
    bool changed = block->tested_regs != at.wanted_regs || block->tested_slots != at.wanted_slots;
    block->tested_regs = at.wanted_regs;
    block->tested_slots = at.wanted_slots;
    return changed;
}

static void find_tested(live *l)
{
    const vflow_builder *b = l->b;
    const vflow_sub *sub = &b->subs[l->sub];
    memset(l->queued, 1, sub->block_count); // to be looked at
    // Forwards, so that a round sees its successors as the one before left them. Only what a change leads to is looked at again.
    bool changed = true;
    for (unsigned round = 0; round < TEST_ROUNDS && changed; round++) {
        changed = false;
        for (uint32_t i = 0; i < sub->block_count; i++) {
            uint32_t at = b->by_order[sub->first_block + i];
            if (!l->queued[at - sub->first_block]) continue;
            l->queued[at - sub->first_block] = 0;
            if (!update_tested(l, at)) continue;
            changed = true;
            for (uint32_t k = b->pred_start[at]; k < b->pred_start[at + 1]; k++) l->queued[b->preds[k] - sub->first_block] = 1;
        }
    }
    memset(l->queued, 0, sub->block_count);
}

// --- Frames that wait -----------------------------------------------------------------------------------------

// What a frame must keep while the call at the end of its block runs.
static void find_waiting(vflow_builder *b, uint32_t index)
{
    vflow_block *block = &b->blocks[index];
    bool calls_back = vflow_takes_callback(b->protos[block->last]);
    if (!calls_back && !vflow_is_sub_call(&b->image->insns[block->last])) return;
    const vflow_block *after = &b->blocks[block->next];
    const uint16_t kept = VFLOW_SAVED | VFLOW_REG(PST_REG_FP);
    block->waiting_regs = after->live_regs & kept;
    block->waiting_wanted_regs = after->wanted_regs & kept;
    block->waiting_slots = after->live_slots;
    block->waiting_wanted_slots = after->wanted_slots;
    uint32_t end = b->event_start[index + 1];
    if (end > b->event_start[index] && b->events[end - 1].pc == block->last) {
        block->handed_slots = b->events[end - 1].reads;
        block->waiting_slots |= block->handed_slots;
        block->waiting_wanted_slots |= b->events[end - 1].wants;
    }
    if (!calls_back) return;
    // The call may run its callback again: all that it reads itself is still needed.
    block->waiting_regs |= block->live_regs;
    block->waiting_wanted_regs |= block->wanted_regs;
    block->waiting_slots |= block->live_slots;
    block->waiting_wanted_slots |= block->wanted_slots;
}

static bool is_exit_wanted(const vflow_builder *b, uint32_t sub)
{
    const pst_prog_type *type = b->input->type;
    bool any = false;
    int64_t lo, hi;
    if (sub != 0 || b->subs[sub].is_callback || !type) return true;
    pst_ret_range(type, b->image->attach_type, &any, &lo, &hi);
    return !any;
}

pst_status vflow_find_live(vflow_builder *b)
{
    vflow_stack *stack = NULL;
    live l = {.b = b, .queue = pst_arena_array(&b->scratch, b->block_count, sizeof *l.queue),
              .queued = pst_arena_array(&b->scratch, b->block_count, 1)};
    b->sums = pst_arena_array(&b->scratch, b->image->count, sizeof *b->sums);
    l.effects = pst_arena_array(&b->scratch, b->image->count, sizeof *l.effects);
    if (!l.queue || !l.queued || !b->sums || !l.effects) return PST_E_NOMEM;
    PST_TRY(vflow_stack_create(b, &stack));
    for (uint32_t i = 0; i < b->sub_order_count; i++) {
        l.sub = b->sub_order[i];
        const vflow_sub *sub = &b->subs[l.sub];
        vflow_stack_run(stack, l.sub);
        PST_TRY(vflow_find_sums(b, l.sub));
        l.exit_wanted = is_exit_wanted(b, l.sub);
        l.queue_at = l.queue_count = 0;
        solve(&l);
        find_tested(&l);
        for (uint32_t k = 0; k < sub->block_count; k++) find_waiting(b, sub->first_block + k);
        vflow_summary *summary = &b->summaries[l.sub];
        summary->live_args = (b->blocks[sub->entry].live_regs & VFLOW_ARGS) | parameters(b, l.sub);
        summary->is_done = true;
    }
    return PST_OK;
}
