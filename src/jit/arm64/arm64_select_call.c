// arm64_select_call.c: calls of helpers, subprograms and registers, tail calls, and what else calls a function of the engine.
#include "base/bits.h"
#include "jit/arm64/arm64_select.h"
#include "jit/runtime.h"

static uint64_t address_of(uint64_t (*fn)(pst_run *, uint64_t, uint64_t)) { return (uint64_t)(uintptr_t)fn; }

// Calls the C function at address, or what ref means where the code is bound later.
static void call_out(arm64_select *x, uint64_t address, uint32_t kind, uint32_t number)
{
    arm64_code *code = x->state.code;
    if (code->refs) arm64_call_ref(code, (pst_jit_ref){kind, number});
    else arm64_call_out(code, address);
}

// Before a call: settles what lives on and is an expression of registers that the call destroys. r6 to r10 keep theirs.
static void settle_across_call(arm64_select *x)
{
    for (unsigned reg = 0; reg <= 5; reg++) arm64_claim(&x->state, reg);
}

static void settle_uses(arm64_select *x)
{
    arm64_state *s = &x->state;
    for (unsigned reg = 0; reg < JIT_REGS_MAX; reg++)
        if (s->uses >> reg & 1) (void)arm64_settle(s, reg);
}

static arm64_reg argument(const arm64_select *x, unsigned n) { return (arm64_reg)x->state.abi->args[n]; }

// --- Helpers --------------------------------------------------------------------------------------------------

static void tail_call(arm64_select *x)
{
    arm64_state *s = &x->state;
    arm64_code *code = s->code;
    bool subprog = x->func != &x->unit->funcs[0], can_return = subprog || x->unit->main_is_called;
    arm64_mov_r(code, 64, argument(x, 0), x->run); // r2 and r3 are where arguments two and three belong
    arm64_mov_i(code, argument(x, 3), subprog);
    call_out(x, (uint64_t)(uintptr_t)jit_tail_call, PST_JIT_REF_RUNTIME, JIT_RUNTIME_TAIL_CALL);
    arm64_result(x);
    arm64_sum_i(code, SUM_SUBS, 32, XZR, X0, JIT_TAIL_ENDED);
    arm64_jump_if(code, CC_EQ, x->unwind);
    if (!can_return) return;
    arm64_label failed = arm64_label_new(code);
    arm64_jump_if(code, CC_LO, failed);
    arm64_load(code, 64, X0, RUN_FIELD(x, native.result));
    arm64_frame_leave(code, &x->frame, true);
    arm64_bind(code, failed);
}

// --- Lookups in arrays ----------------------------------------------------------------------------------------

// r0 = the value at a constant key.
static void constant_lookup(arm64_select *x, const pst_map_view *map, const pst_fact_call *fact)
{
    bool exists = fact->key < map->max_entries;
    uint64_t off = (uint64_t)fact->key * map->value_stride;
    if (exists && x->state.code->refs) arm64_load_values(x, 0, (uint32_t)fact->map - 1, off);
    else arm64_set(&x->state, 0, arm64_const(exists ? (uint64_t)(uintptr_t)map->values + off : 0), !exists);
}

// r0 = the value's address: what the helper computes, here. r1 to r5 stay as they are, which nobody minds.
static bool lookup_inline(arm64_select *x)
{
    arm64_state *s = &x->state;
    arm64_code *code = s->code;
    const pst_fact_call *fact;
    const pst_map_view *map = jit_known_array(x->unit, x->pc, &fact);
    if (!map) return false;
    uint64_t values = (uint64_t)(uintptr_t)map->values;
    if (fact->has_key) {
        constant_lookup(x, map, fact);
        return true;
    }
    bool sure = jit_facts_at(x->unit, x->pc) & PST_FACT_NOT_NULL;
    arm64_claim(s, 0);
    arm64_reg dst = arm64_of(s, 0);
    arm64_load(code, 32, T2, arm64_memory(s, 32, 2, 0));
    if (!sure && arm64_takes_sum(code, map->max_entries)) {
        arm64_sum_i(code, SUM_SUBS, 32, XZR, T2, map->max_entries);
    } else if (!sure) {
        arm64_mov_i(code, T0, map->max_entries);
        arm64_sum_r(code, SUM_SUBS, 32, XZR, T2, arm64_plain(T0));
    }
    if (code->refs) arm64_load_ref(code, T0, (pst_jit_ref){PST_JIT_REF_MAP_VALUES, (uint32_t)fact->map - 1});
    else arm64_mov_i(code, T0, values);
    if (pst_is_pow2(map->value_stride)) {
        arm64_sum_r(code, SUM_ADD, 64, dst, T0, (arm64_operand){T2, SHIFT_LSL, (uint8_t)PST_CTZ64((uint64_t)map->value_stride)});
    } else {
        arm64_mov_i(code, T1, map->value_stride);
        arm64_madd(code, 64, dst, T2, T1, T0);
    }
    if (!sure) arm64_csel(code, 64, dst, dst, XZR, CC_LO);
    arm64_wrote(s, 0, false);
    return true;
}

static void call_helper(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    const pst_helper *helper = jit_callee(x->unit->bindings, insn);
    if (!helper) {
        arm64_trap_here(x, PST_TRAP_HELPER);
        return;
    }
    if (lookup_inline(x)) return;
    settle_across_call(x);
    settle_uses(x);
    if (helper->proto->flags & PST_HELPER_TAIL_CALL) {
        tail_call(x);
        return;
    }
    if (x->unit->reads_stack) arm64_store(s->code, 64, RUN_FIELD(x, native.frame), FP);
    arm64_mov_r(s->code, 64, argument(x, 5), x->run);
    uint32_t kind = insn->op == PST_CALL_KFUNC ? PST_JIT_REF_KFUNC : PST_JIT_REF_HELPER;
    call_out(x, (uint64_t)(uintptr_t)helper->fn, kind, (uint32_t)insn->imm);
    arm64_result(x);
    if (!(helper->proto->flags & PST_HELPER_CALLBACK)) return;
    arm64_load(s->code, 32, T0, RUN_FIELD(x, trap.code));
    arm64_jump_zero(s->code, false, 32, T0, x->unwind);
}

// --- Subprograms ----------------------------------------------------------------------------------------------

static void add_to_depth(arm64_select *x, arm64_sum op, arm64_label too_deep)
{
    arm64_code *code = x->state.code;
    arm64_load(code, 32, T0, RUN_FIELD(x, native.depth));
    if (op == SUM_ADD) {
        arm64_sum_i(code, SUM_SUBS, 32, XZR, T0, PST_FRAMES_MAX - 1);
        arm64_jump_if(code, CC_HS, too_deep);
    }
    arm64_sum_i(code, op, 32, T0, T0, 1);
    arm64_store(code, 32, RUN_FIELD(x, native.depth), T0);
}

static void call_subprog(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    settle_across_call(x);
    settle_uses(x);
    if (x->unit->counts_depth) add_to_depth(x, SUM_ADD, arm64_trap_label(x, PST_TRAP_DEPTH));
    const pst_image *image = x->unit->image;
    const pst_subprog *callee = pst_image_subprog_at(image, (uint32_t)((int64_t)x->pc + 1 + insn->target));
    arm64_call(s->code, x->calls + (arm64_label)(callee - image->subprogs));
    if (x->unit->counts_depth) add_to_depth(x, SUM_SUB, 0);
    arm64_result(x);
}

// callx: the engine finds the code, while r1 to r5 wait on the stack.
static void call_register(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    arm64_code *code = s->code;
    settle_across_call(x);
    settle_uses(x);
    arm64_reg value = arm64_of(s, insn->dst), r1 = arm64_of(s, 1), r2 = arm64_of(s, 2), r3 = arm64_of(s, 3), r4 = arm64_of(s, 4), r5 = arm64_of(s, 5);
    arm64_store_pair(code, 64, PAIR_PRE, r1, r2, SP, -48);
    arm64_store_pair(code, 64, PAIR_OFFSET, r3, r4, SP, 16);
    arm64_store(code, 64, arm64_at(SP, 32), r5);
    arm64_mov_r(code, 64, T0, value);
    arm64_mov_r(code, 64, argument(x, 0), x->run);
    arm64_mov_r(code, 64, argument(x, 1), T0);
    arm64_mov_i(code, argument(x, 2), jit_origin(x->unit, x->pc));
    call_out(x, address_of(jit_callx), PST_JIT_REF_RUNTIME, JIT_RUNTIME_CALLX);
    arm64_mov_r(code, 64, T0, X0);
    arm64_load(code, 64, r5, arm64_at(SP, 32));
    arm64_load_pair(code, 64, PAIR_OFFSET, r3, r4, SP, 16);
    arm64_load_pair(code, 64, PAIR_POST, r1, r2, SP, 48);
    arm64_jump_zero(code, true, 64, T0, x->unwind);
    arm64_mov_r(code, 64, argument(x, 5), x->run);
    arm64_call_r(code, T0);
    add_to_depth(x, SUM_SUB, 0);
    arm64_result(x);
}

void arm64_select_call(arm64_select *x, const pst_insn *insn)
{
    switch ((pst_call_op)insn->op) {
    case PST_CALL_KFUNC:
    case PST_CALL_HELPER: call_helper(x, insn); return;
    case PST_CALL_SUBPROG: call_subprog(x, insn); return;
    case PST_CALL_REGISTER: call_register(x, insn); return;
    }
}

// --- Legacy loads ---------------------------------------------------------------------------------------------

void arm64_select_legacy(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    arm64_code *code = s->code;
    settle_across_call(x);
    settle_uses(x);
    if (insn->op == PST_LEGACY_IND) arm64_add_const(code, 64, argument(x, 1), arm64_of(s, insn->src), insn->imm);
    else arm64_mov_i(code, argument(x, 1), (uint64_t)insn->imm);
    arm64_mov_r(code, 64, argument(x, 0), x->run);
    arm64_mov_i(code, argument(x, 2), insn->width);
    call_out(x, address_of(jit_legacy_load), PST_JIT_REF_RUNTIME, JIT_RUNTIME_LEGACY_LOAD);
    arm64_result(x);
    arm64_sum_i(code, SUM_ADDS, 64, XZR, X0, 1);
    arm64_jump_if(code, CC_EQ, x->unwind);
}
