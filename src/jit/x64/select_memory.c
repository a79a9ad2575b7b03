// select_memory.c: loads, stores, atomic operations, accesses of the context.
#include "base/bits.h"
#include "jit/x64/select.h"

// --- The context ----------------------------------------------------------------------------------------------

static void context_load(x64_select *x, const pst_insn *insn, int32_t base_off)
{
    x64_state *s = &x->state;
    jit_access at;
    if (!jit_context_access(x->unit, insn, base_off, &at)) {
        x64_trap_here(x, PST_TRAP_CONTEXT);
        return;
    }
    bool extend = insn->flags & PST_INSN_SIGNED && !at.whole && at.size == insn->width / 8u;
    if (at.size == 0) {
        x64_set(s, insn->dst, x64_const(0), true);
        return;
    }
    x64_claim(s, insn->dst);
    x64_mem mem = x64_operand(s, insn->src, at.off);
    if (extend) x64_load_signed(s->code, at.size * 8, x64_of(s, insn->dst), mem);
    else x64_load(s->code, at.size * 8, x64_of(s, insn->dst), mem);
    x64_wrote(s, insn->dst, !extend && at.size < 8);
}

static void context_store(x64_select *x, const pst_insn *insn, int32_t base_off)
{
    x64_state *s = &x->state;
    jit_access at;
    if (!jit_context_access(x->unit, insn, base_off, &at)) {
        x64_trap_here(x, PST_TRAP_CONTEXT);
        return;
    }
    if (at.size == 0) return;
    if (insn->flags & PST_INSN_IMM) x64_mov_ri(s->code, T0, (uint64_t)insn->imm & pst_mask(insn->width));
    else if (insn->width >= 32) x64_mov_rr(s->code, insn->width, T0, x64_settle(s, insn->src)); // the native field may be wider
    else x64_movzx(s->code, insn->width, T0, x64_settle(s, insn->src));
    s->flags_reg = NO_REG;
    x64_mem mem = x64_at(x64_settle(s, insn->dst), at.off);
    x64_store(s->code, at.size * 8, mem, T0);
}

// --- Loads and stores -----------------------------------------------------------------------------------------

// A load whose bytes the next instruction turns round.
static bool load_swapped(x64_select *x, const pst_insn *insn)
{
    const pst_insn *next = x64_follower(x, 1);
    x64_state *s = &x->state;
    if (!next || next->kind != PST_KIND_SWAP || next->op == PST_SWAP_LE || next->dst != insn->dst || next->width != insn->width) return false;
    if (insn->flags & PST_INSN_SIGNED || insn->width == 8 || (insn->width != 16 && !(x->features & X64_MOVBE))) return false;
    s->live = x->unit->live[x->pc + 1];
    x64_claim(s, insn->dst);
    x64_mem mem = x64_operand(s, insn->src, insn->off);
    x64_reg dst = x64_of(s, insn->dst);
    if (insn->width == 16) {
        x64_load(s->code, 16, dst, mem);
        x64_rol16(s->code, dst, 8);
    } else {
        x64_movbe_load(s->code, insn->width, dst, mem);
    }
    s->flags_reg = NO_REG;
    x64_wrote(s, insn->dst, insn->width != 64);
    x64_guess_value(x, insn, insn->dst);
    x->taken = 2;
    return true;
}

static void load(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    int32_t base_off;
    if (insn->kind == PST_KIND_LOAD && jit_is_context(x->unit, x->pc, &base_off)) {
        context_load(x, insn, base_off);
        return;
    }
    if (insn->kind == PST_KIND_LOAD && load_swapped(x, insn)) return;
    x64_claim(s, insn->dst);
    x64_mem mem = x64_operand(s, insn->src, insn->off);
    bool extend = insn->kind == PST_KIND_LOAD && insn->flags & PST_INSN_SIGNED;
    if (extend) x64_load_signed(s->code, insn->width, x64_of(s, insn->dst), mem);
    else x64_load(s->code, insn->width, x64_of(s, insn->dst), mem);
    x64_wrote(s, insn->dst, !extend && insn->width != 64);
}

void x64_select_load(x64_select *x, const pst_insn *insn)
{
    load(x, insn);
    if (x->taken == 1) x64_guess_value(x, insn, insn->dst);
}

// The stored value, if it is a constant that an instruction can hold.
static bool const_value(const x64_select *x, const pst_insn *insn, int32_t *out)
{
    int64_t value = insn->imm;
    if (!(insn->flags & PST_INSN_IMM)) {
        x64_value v = x64_value_of(&x->state, insn->src);
        if (!x64_is_const(v)) return false;
        value = v.disp;
    }
    *out = (int32_t)(uint32_t)(uint64_t)value;
    return insn->width < 64 || *out == value;
}

void x64_select_store(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    int32_t base_off, value;
    if (insn->kind == PST_KIND_STORE && jit_is_context(x->unit, x->pc, &base_off)) {
        context_store(x, insn, base_off);
    } else if (const_value(x, insn, &value)) {
        x64_reg scratch = s->code->blind ? T1 : T0; // a constant that is hidden goes through T0
        x64_store_i(s->code, insn->width, x64_guess_operand(x, x64_operand(s, insn->dst, insn->off), scratch), value);
    } else {
        x64_reg src = x64_settle(s, insn->src);
        x64_store(s->code, insn->width, x64_guess_operand(x, x64_operand(s, insn->dst, insn->off), T0), src);
    }
}

// --- Atomic operations ----------------------------------------------------------------------------------------

static x64_alu alu_of(pst_atomic_op op)
{
    switch (op) {
    case PST_ATOMIC_ADD: return ALU_ADD;
    case PST_ATOMIC_OR: return ALU_OR;
    case PST_ATOMIC_AND: return ALU_AND;
    case PST_ATOMIC_XOR: return ALU_XOR;
    case PST_ATOMIC_XCHG:
    case PST_ATOMIC_CMPXCHG: break;
    }
    PST_UNREACHABLE();
}

// src = *mem; *mem op= src: where the machine has no instruction, by comparing and exchanging until nobody was in between. That takes rax, so
// rax is kept in T1, and is read there where it is an operand.
static void fetch_loop(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    x64_code *code = s->code;
    x64_reg src = x64_of(s, insn->src), base = x64_of(s, insn->dst), operand = src == RAX ? T1 : src;
    x64_mov_rr(code, 64, T1, RAX);
    x64_mem mem = x64_at(base == RAX ? T1 : base, insn->off);
    x64_load(code, insn->width, RAX, mem);
    x64_label again = x64_label_new(code);
    x64_bind(code, again);
    x64_mov_rr(code, 64, T0, RAX);
    x64_alu_rr(code, alu_of((pst_atomic_op)insn->op), insn->width, T0, operand);
    x64_lock_cmpxchg(code, insn->width, mem, T0);
    x64_jump(code, CC_NE, again);
    if (src == RAX) return;
    x64_mov_rr(code, insn->width, src, RAX);
    x64_mov_rr(code, 64, RAX, T1);
}

static void fetch(x64_select *x, const pst_insn *insn, x64_mem mem)
{
    x64_state *s = &x->state;
    x64_reg src = x64_of(s, insn->src);
    x64_claim(s, insn->src);
    if (insn->op == PST_ATOMIC_XCHG) x64_xchg_mr(s->code, insn->width, mem, src);
    else if (insn->op == PST_ATOMIC_ADD) x64_lock_xadd(s->code, insn->width, mem, src);
    else fetch_loop(x, insn);
    x64_wrote(s, insn->src, insn->width == 32);
}

void x64_select_atomic(x64_select *x, const pst_insn *insn)
{
    x64_state *s = &x->state;
    x64_settle_all(s);
    x64_mem mem = x64_guess_operand(x, x64_at(x64_of(s, insn->dst), insn->off), T0);
    s->flags_reg = NO_REG;
    if (insn->op == PST_ATOMIC_CMPXCHG) {
        x64_claim(s, 0);
        x64_lock_cmpxchg(s->code, insn->width, mem, x64_of(s, insn->src));
        if (insn->width == 32) x64_mov_rr(s->code, 32, RAX, RAX); // nothing wrote it where the exchange took place
        x64_wrote(s, 0, insn->width == 32);
        x64_guess_value(x, insn, 0);
    } else if (insn->flags & PST_INSN_FETCH) {
        fetch(x, insn, mem);
        x64_guess_value(x, insn, insn->src);
    } else {
        x64_lock_alu_mr(s->code, alu_of((pst_atomic_op)insn->op), insn->width, mem, x64_of(s, insn->src));
    }
}
