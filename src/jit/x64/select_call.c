// select_call.c: calls of helpers, subprograms and registers, tail calls, and what else calls a function of the engine.
#include "base/bits.h"
#include "jit/runtime.h"
#include "jit/x64/select.h"

static uint64_t address_of(uint64_t (*fn)(pst_run *, uint64_t, uint64_t)) { return (uint64_t)(uintptr_t)fn; }

// Calls the C function at address, or what ref means where the code is bound later.
static void call_out(x64_select *x, uint64_t address, uint32_t kind, uint32_t number)
{
    x64_code *code = x->state.code;
    if (code->refs) x64_call_ref(code, (pst_jit_ref){kind, number});
    else x64_call_out(code, address);
}

void x64_forget_caller_regs(x64_select *x)
{
    x64_state *s = &x->state;
    s->flags_reg = NO_REG;
    for (unsigned reg = 0; reg <= 5; reg++) x64_wrote(s, reg, false);
}

// Before a call: settles what lives on and is an expression of registers that the call destroys. r6 to r10 keep theirs.
static void settle_across_call(x64_select *x)
{
    for (unsigned reg = 0; reg <= 5; reg++) x64_claim(&x->state, reg);
}

static void settle_uses(x64_select *x)
{
    x64_state *s = &x->state;
    for (unsigned reg = 0; reg < PST_REG_COUNT; reg++)
        if (s->uses >> reg & 1) (void)x64_settle(s, reg);
}

// --- Helpers --------------------------------------------------------------------------------------------------

// Arguments five and six of a C function: r5 and the run.
static void pass_last_arguments(x64_select *x)
{
    x64_state *s = &x->state;
    if (s->abi->call_bytes == 0) {
        x64_mov_rr(s->code, 64, R9, RUN);
        return;
    }
    x64_store(s->code, 64, x64_at(RSP, 32), x64_of(s, 5));
    x64_store(s->code, 64, x64_at(RSP, 40), RUN);
}

static void tail_call(x64_select *x)
{
    x64_state *s = &x->state;
    x64_code *code = s->code;
    const uint8_t *args = s->abi->args;
    bool subprog = x->func != &x->unit->funcs[0], can_return = subprog || x->unit->main_is_called;
    x64_mov_rr(code, 64, (x64_reg)args[0], RUN); // r2 and r3 are where arguments two and three belong
    x64_mov_ri(code, (x64_reg)args[3], subprog);
    call_out(x, (uint64_t)(uintptr_t)jit_tail_call, PST_JIT_REF_RUNTIME, JIT_RUNTIME_TAIL_CALL);
    x64_forget_caller_regs(x);
    x64_alu_ri(code, ALU_CMP, 32, RAX, JIT_TAIL_ENDED);
    x64_jump(code, CC_E, x->unwind);
    if (!can_return) return;
    x64_label failed = x64_label_new(code);
    x64_jump(code, CC_B, failed);
    x64_load(code, 64, RAX, RUN_FIELD(native.result));
    x64_frame_leave(code, &x->frame, true);
    x64_bind(code, failed);
}

// --- Lookups in arrays ----------------------------------------------------------------------------------------

// r0 = the value at a constant key.
static void constant_lookup(x64_select *x, const pst_map_view *map, const pst_fact_call *fact)
{
    x64_state *s = &x->state;
    bool exists = fact->key < map->max_entries;
    uint64_t off = (uint64_t)fact->key * map->value_stride;
    if (!exists || !s->code->refs) {
        x64_set(s, 0, x64_const(exists ? (uint64_t)(uintptr_t)map->values + off : 0), !exists);
        return;
    }
    x64_load_values(x, 0, (uint32_t)fact->map - 1, off);
}

// r0 = the value's address: what the helper computes, here. r1 to r5 stay as they are, which nobody minds.
static bool lookup_inline(x64_select *x)
{
    x64_state *s = &x->state;
    x64_code *code = s->code;
    const pst_fact_call *fact;
    const pst_map_view *map = jit_known_array(x->unit, x->pc, &fact);
    if (!map) return false;
    uint64_t values = (uint64_t)(uintptr_t)map->values;
    if (fact->has_key) {
        constant_lookup(x, map, fact);
        return true;
    }
    x64_label done = x64_label_new(code);
    x64_claim(s, 0);
    x64_load(code, 32, RAX, x64_operand(s, 2, 0));
    if (!(jit_facts_at(x->unit, x->pc) & PST_FACT_NOT_NULL)) {
        x64_cold *cold = x64_cold_new(x, COLD_ZERO);
        cold->reg = RAX;
        cold->back = done;
        x64_alu_ri(code, ALU_CMP, 32, RAX, (int32_t)map->max_entries);
        x64_jump(code, CC_AE, cold->from);
        x64_guess_wrong_if(x, CC_AE, cold);
    }
    if (x->guess != NO_REG) x64_alu_rr(code, ALU_AND, 32, RAX, (x64_reg)x->guess); // the key may be of a wrong way
    if (code->refs) x64_load_ref(code, T0, (pst_jit_ref){PST_JIT_REF_MAP_VALUES, (uint32_t)fact->map - 1});
    else x64_mov_ri(code, T0, values);
    x64_imul_rri(code, 64, RAX, RAX, (int32_t)map->value_stride);
    x64_alu_rr(code, ALU_ADD, 64, RAX, T0);
    x64_bind(code, done);
    s->flags_reg = NO_REG;
    x64_wrote(s, 0, false);
    return true;
}

static void call_helper(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    const pst_helper *helper = jit_callee(x->unit->bindings, insn);
    if (!helper) {
        x64_trap_here(x, PST_TRAP_HELPER);
        return;
    }
    if (lookup_inline(x)) return;
    settle_across_call(x);
    settle_uses(x);
    if (helper->proto->flags & PST_HELPER_TAIL_CALL) {
        tail_call(x);
        return;
    }
    x64_guess_arguments(x);
    uintptr_t lookup = s->code->refs ? 0 : jit_direct_lookup(x->unit, x->pc);
    if (lookup) { // r1 and r2 are where its arguments belong
        x64_call_out(s->code, lookup);
        x64_forget_caller_regs(x);
        return;
    }
    if (x->unit->reads_stack) x64_store(s->code, 64, RUN_FIELD(native.frame), RBP);
    pass_last_arguments(x);
    uint32_t kind = insn->op == PST_CALL_KFUNC ? PST_JIT_REF_KFUNC : PST_JIT_REF_HELPER;
    call_out(x, (uint64_t)(uintptr_t)helper->fn, kind, (uint32_t)insn->imm);
    x64_forget_caller_regs(x);
    if (!(helper->proto->flags & PST_HELPER_CALLBACK)) return;
    x64_alu_mi(s->code, ALU_CMP, 32, RUN_FIELD(trap.code), PST_TRAP_NONE);
    x64_jump(s->code, CC_NE, x->unwind);
}

// --- Subprograms ----------------------------------------------------------------------------------------------

static void count_frame(x64_select *x)
{
    x64_code *code = x->state.code;
    x64_cold *cold = x64_cold_new(x, COLD_TRAP);
    cold->trap = PST_TRAP_DEPTH;
    cold->pc = jit_origin(x->unit, x->pc);
    x64_alu_mi(code, ALU_CMP, 32, RUN_FIELD(native.depth), PST_FRAMES_MAX - 1);
    x64_jump(code, CC_AE, cold->from);
    x64_alu_mi(code, ALU_ADD, 32, RUN_FIELD(native.depth), 1);
}

static void call_subprog(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    settle_across_call(x);
    settle_uses(x);
    if (x->unit->counts_depth) count_frame(x);
    const pst_image *image = x->unit->image;
    const pst_subprog *callee = pst_image_subprog_at(image, (uint32_t)((int64_t)x->pc + 1 + insn->target));
    x64_call(s->code, x->calls + (x64_label)(callee - image->subprogs));
    if (x->unit->counts_depth) x64_alu_mi(s->code, ALU_SUB, 32, RUN_FIELD(native.depth), 1);
    x64_forget_caller_regs(x);
}

// callx: the engine finds the code, while r1 to r5 wait on the stack. Room for calls comes below them.
static void call_register(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    x64_code *code = s->code;
    settle_across_call(x);
    settle_uses(x);
    x64_reg value = x64_of(s, insn->dst);
    int32_t room = 48 + (int32_t)s->abi->call_bytes;
    x64_lea(code, 64, RSP, x64_at(RSP, -room)); // no sub, which would look like a part of the prologue (unwind_info.c)
    for (int i = 1; i <= 5; i++) x64_store(code, 64, x64_at(RSP, room - 8 * i), x64_of(s, (unsigned)i));
    x64_mov_rr(code, 64, T0, value);
    x64_mov_rr(code, 64, (x64_reg)s->abi->args[0], RUN);
    x64_mov_rr(code, 64, (x64_reg)s->abi->args[1], T0);
    x64_mov_ri(code, (x64_reg)s->abi->args[2], jit_origin(x->unit, x->pc));
    call_out(x, address_of(jit_callx), PST_JIT_REF_RUNTIME, JIT_RUNTIME_CALLX);
    for (int i = 1; i <= 5; i++) x64_load(code, 64, x64_of(s, (unsigned)i), x64_at(RSP, room - 8 * i));
    x64_alu_ri(code, ALU_ADD, 64, RSP, room);
    x64_test_rr(code, 64, RAX, RAX);
    x64_jump(code, CC_E, x->unwind);
    if (x->guess != NO_REG) x64_guess_wait(x); // the function asks
    x64_mov_rr(code, 64, T0, RAX);
    pass_last_arguments(x);
    x64_call_r(code, T0);
    x64_alu_mi(code, ALU_SUB, 32, RUN_FIELD(native.depth), 1);
    x64_forget_caller_regs(x);
}

void x64_select_call(x64_select *x, const pst_insn *insn)
{
    switch ((pst_call_op)insn->op) {
    case PST_CALL_KFUNC:
    case PST_CALL_HELPER: call_helper(x, insn); return;
    case PST_CALL_SUBPROG: call_subprog(x, insn); return;
    case PST_CALL_REGISTER: call_register(x, insn); return;
    }
}

// --- Legacy loads ---------------------------------------------------------------------------------------------

void x64_select_legacy(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    x64_code *code = s->code;
    x64_reg offset = (x64_reg)s->abi->args[1];
    settle_across_call(x);
    settle_uses(x);
    if (insn->op == PST_LEGACY_IND) x64_lea(code, 64, offset, x64_at(x64_of(s, insn->src), (int32_t)insn->imm));
    else x64_mov_ri(code, offset, (uint64_t)insn->imm);
    x64_mov_rr(code, 64, (x64_reg)s->abi->args[0], RUN);
    x64_mov_ri(code, (x64_reg)s->abi->args[2], insn->width);
    call_out(x, address_of(jit_legacy_load), PST_JIT_REF_RUNTIME, JIT_RUNTIME_LEGACY_LOAD);
    x64_forget_caller_regs(x);
    x64_alu_ri(code, ALU_CMP, 64, RAX, -1);
    x64_jump(code, CC_E, x->unwind);
}
