// arm64_select_memory.c: loads, stores, atomic operations, accesses of the context.
#include "base/bits.h"
#include "jit/arm64/arm64_select.h"

// --- The context ----------------------------------------------------------------------------------------------

static void context_load(arm64_select *x, const pst_insn *insn, int32_t base_off)
{
    arm64_state *s = &x->state;
    jit_access at;
    if (!jit_context_access(x->unit, insn, base_off, &at)) {
        arm64_trap_here(x, PST_TRAP_CONTEXT);
        return;
    }
    if (at.size == 0) {
        arm64_set(s, insn->dst, arm64_const(0), true);
        return;
    }
    bool extend = insn->flags & PST_INSN_SIGNED && !at.whole && at.size == insn->width / 8u;
    arm64_claim(s, insn->dst);
    arm64_mem mem = arm64_memory(s, at.size * 8, insn->src, at.off);
    if (extend) arm64_load_signed(s->code, at.size * 8, arm64_of(s, insn->dst), mem);
    else arm64_load(s->code, at.size * 8, arm64_of(s, insn->dst), mem);
    arm64_wrote(s, insn->dst, !extend && at.size < 8);
}

static void context_store(arm64_select *x, const pst_insn *insn, int32_t base_off)
{
    arm64_state *s = &x->state;
    jit_access at;
    if (!jit_context_access(x->unit, insn, base_off, &at)) {
        arm64_trap_here(x, PST_TRAP_CONTEXT);
        return;
    }
    if (at.size == 0) return;
    // The native field may be wider than the value.
    arm64_reg value = T2;
    if (insn->flags & PST_INSN_IMM) arm64_mov_i(s->code, T2, (uint64_t)insn->imm & pst_mask(insn->width));
    else if (at.size * 8 <= insn->width) value = arm64_settle(s, insn->src);
    else arm64_bitfield(s->code, FIELD_U, 64, T2, arm64_settle(s, insn->src), 0, insn->width - 1u);
    arm64_store(s->code, at.size * 8, arm64_memory(s, at.size * 8, insn->dst, at.off), value);
}

// --- Loads and stores -----------------------------------------------------------------------------------------

// Two accesses in a row, of one width, whose places touch: the machine does both at once. Returns the second.
static const pst_insn *partner(const arm64_select *x, const pst_insn *insn, bool load)
{
    const pst_insn *next = arm64_follower(x, 1);
    int32_t base_off;
    if (insn->width < 32 || !next || next->kind != insn->kind || next->width != insn->width || insn->flags & PST_INSN_SIGNED) return NULL;
    if (next->flags & PST_INSN_SIGNED || jit_is_context(x->unit, x->pc + 1, &base_off)) return NULL;
    if (load ? next->src != insn->src || insn->dst == insn->src || insn->dst == next->dst : next->dst != insn->dst) return NULL;
    int32_t bytes = insn->width / 8;
    return next->off - insn->off == bytes || next->off - insn->off == -bytes ? next : NULL;
}

// The memory operand of a pair, the lower of whose places is at off from reg; false: a pair cannot have it. Nothing is emitted then.
static bool pair_memory(arm64_select *x, unsigned width, unsigned reg, int32_t off, arm64_mem *out)
{
    arm64_state *s = &x->state;
    arm64_value v = arm64_value_of(s, reg);
    bool settles = v.narrow || v.base == NO_REG || v.index != NO_REG;
    if (settles) v = arm64_copy(reg);
    int64_t disp = v.disp + off;
    bool above_sp = v.base == PST_REG_FP && !arm64_fits_pair(width, disp);
    if (above_sp) disp += (int64_t)s->stack_bytes;
    if (!arm64_fits_pair(width, disp) || (above_sp && disp < 0)) return false;
    if (v.base != PST_REG_FP && arm64_blinds(s->code, disp)) return false;
    if (settles) (void)arm64_settle(s, reg);
    *out = arm64_at(above_sp ? (unsigned)SP : arm64_of(s, v.base), (int32_t)disp);
    return true;
}

static bool load_pair(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    const pst_insn *next = partner(x, insn, true);
    arm64_mem mem;
    if (!next || !(x->unit->live[x->pc] & JIT_REG(insn->dst)) || !(x->unit->live[x->pc + 1] & JIT_REG(next->dst))) return false;
    bool second = next->off < insn->off;
    uint16_t live = s->live;
    s->live = x->unit->live[x->pc + 1];
    arm64_claim(s, insn->dst);
    arm64_claim(s, next->dst);
    if (!pair_memory(x, insn->width, insn->src, second ? next->off : insn->off, &mem)) {
        s->live = live;
        return false;
    }
    arm64_reg a = arm64_of(s, insn->dst), b = arm64_of(s, next->dst);
    arm64_load_pair(s->code, insn->width, PAIR_OFFSET, second ? b : a, second ? a : b, (arm64_reg)mem.base, mem.disp);
    arm64_wrote(s, insn->dst, insn->width == 32);
    arm64_wrote(s, next->dst, insn->width == 32);
    x->taken = 2;
    return true;
}

// A load whose bytes the next instruction turns round: at 16 bits that is one instruction of its own.
static bool load_swapped16(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    const pst_insn *next = arm64_follower(x, 1);
    if (insn->width != 16 || insn->flags & PST_INSN_SIGNED || !next || next->kind != PST_KIND_SWAP || next->op == PST_SWAP_LE) return false;
    if (next->dst != insn->dst || next->width != 16) return false;
    s->live = x->unit->live[x->pc + 1];
    arm64_claim(s, insn->dst);
    arm64_mem mem = arm64_memory(s, 16, insn->src, insn->off);
    arm64_reg dst = arm64_of(s, insn->dst);
    arm64_load(s->code, 16, dst, mem);
    arm64_rev16(s->code, dst, dst);
    arm64_wrote(s, insn->dst, true);
    x->taken = 2;
    return true;
}

void arm64_select_load(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    int32_t base_off;
    if (insn->kind == PST_KIND_LOAD && jit_is_context(x->unit, x->pc, &base_off)) {
        context_load(x, insn, base_off);
        return;
    }
    if (insn->kind == PST_KIND_LOAD && (load_swapped16(x, insn) || load_pair(x, insn))) return;
    bool extend = insn->kind == PST_KIND_LOAD && insn->flags & PST_INSN_SIGNED;
    arm64_claim(s, insn->dst);
    if (insn->kind == PST_KIND_LOAD_ACQUIRE) {
        arm64_load_acquire(s->code, insn->width, arm64_of(s, insn->dst), arm64_address(s, insn->src, insn->off));
    } else {
        arm64_mem mem = arm64_memory(s, insn->width, insn->src, insn->off);
        if (extend) arm64_load_signed(s->code, insn->width, arm64_of(s, insn->dst), mem);
        else arm64_load(s->code, insn->width, arm64_of(s, insn->dst), mem);
    }
    arm64_wrote(s, insn->dst, !extend && insn->width != 64);
}

// The stored value, if it is a constant.
static bool const_value(const arm64_select *x, const pst_insn *insn, uint64_t *out)
{
    uint64_t value = (uint64_t)insn->imm;
    if (!(insn->flags & PST_INSN_IMM)) {
        arm64_value v = arm64_value_of(&x->state, insn->src);
        if (!arm64_is_const(v)) return false;
        value = (uint64_t)v.disp;
    }
    *out = value & pst_mask(insn->width);
    return true;
}

// Before the address is made: puts the value into a register, unless it is a constant that nobody needs afterwards.
static void ready_stored(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    uint64_t value;
    if (!const_value(x, insn, &value)) (void)arm64_plain_of(s, insn->src, insn->width < 64 ? 32 : 64);
    else if (value != 0 && !(insn->flags & PST_INSN_IMM) && s->live & JIT_REG(insn->src)) (void)arm64_settle(s, insn->src);
}

// Afterwards: that register, the zero register, or scratch with the constant.
static arm64_reg stored(arm64_select *x, const pst_insn *insn, arm64_reg scratch)
{
    uint64_t value;
    if (!const_value(x, insn, &value)) return arm64_plain_of(&x->state, insn->src, insn->width < 64 ? 32 : 64);
    if (value == 0) return XZR;
    // Of narrower ones the upper bits do not matter: signed, small negative numbers are short.
    arm64_mov_i(x->state.code, scratch, insn->width == 64 ? value : (uint32_t)pst_sign_extend(value, insn->width));
    return scratch;
}

static bool store_pair(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    const pst_insn *next = partner(x, insn, false);
    arm64_mem mem;
    if (!next) return false;
    bool second = next->off < insn->off;
    uint16_t uses = s->uses, live = s->live;
    s->uses |= x->unit->effects[x->pc + 1].uses;
    s->live = x->unit->live[x->pc + 1];
    ready_stored(x, insn);
    ready_stored(x, next);
    if (!pair_memory(x, insn->width, insn->dst, second ? next->off : insn->off, &mem)) {
        s->uses = uses;
        s->live = live;
        return false;
    }
    arm64_reg a = stored(x, insn, T2), b = stored(x, next, T3);
    arm64_store_pair(s->code, insn->width, PAIR_OFFSET, second ? b : a, second ? a : b, (arm64_reg)mem.base, mem.disp);
    x->taken = 2;
    return true;
}

void arm64_select_store(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    int32_t base_off;
    if (insn->kind == PST_KIND_STORE && jit_is_context(x->unit, x->pc, &base_off)) {
        context_store(x, insn, base_off);
        return;
    }
    if (insn->kind == PST_KIND_STORE && store_pair(x, insn)) return;
    ready_stored(x, insn);
    if (insn->kind == PST_KIND_STORE_RELEASE) {
        arm64_reg address = arm64_address(s, insn->dst, insn->off);
        arm64_store_release(s->code, insn->width, stored(x, insn, T2), address);
    } else {
        arm64_mem mem = arm64_memory(s, insn->width, insn->dst, insn->off);
        arm64_store(s->code, insn->width, mem, stored(x, insn, T2));
    }
}

// --- Atomic operations ----------------------------------------------------------------------------------------

// The value for *base = old op src.
static void combine(arm64_code *code, pst_atomic_op op, unsigned width, arm64_reg dst, arm64_reg old, arm64_reg src)
{
    switch (op) {
    case PST_ATOMIC_ADD: arm64_sum_r(code, SUM_ADD, width, dst, old, arm64_plain(src)); break;
    case PST_ATOMIC_OR: arm64_logic_r(code, LOGIC_ORR, width, dst, old, arm64_plain(src)); break;
    case PST_ATOMIC_AND: arm64_logic_r(code, LOGIC_AND, width, dst, old, arm64_plain(src)); break;
    case PST_ATOMIC_XOR: arm64_logic_r(code, LOGIC_EOR, width, dst, old, arm64_plain(src)); break;
    case PST_ATOMIC_XCHG:
    case PST_ATOMIC_CMPXCHG: arm64_mov_r(code, width, dst, src); break;
    }
}

// One try after the other until nobody was in between. What returns the old value is ordered with everything before and behind: the store releases,
// the barrier does the rest.
static void by_exclusives(arm64_select *x, const pst_insn *insn, arm64_reg src, arm64_reg base)
{
    arm64_code *code = x->state.code;
    arm64_label again = arm64_label_new(code), out = arm64_label_new(code);
    bool compares = insn->op == PST_ATOMIC_CMPXCHG;
    arm64_bind(code, again);
    arm64_load_exclusive(code, insn->width, T2, base);
    if (compares) {
        arm64_sum_r(code, SUM_SUBS, insn->width, XZR, T2, arm64_plain(arm64_of(&x->state, 0)));
        arm64_jump_if(code, CC_NE, out);
    }
    combine(code, (pst_atomic_op)insn->op, insn->width, T3, T2, src);
    arm64_store_exclusive_release(code, insn->width, T4, T3, base);
    arm64_jump_zero(code, false, 32, T4, again);
    arm64_bind(code, out);
    if (!(insn->flags & PST_INSN_FETCH)) return;
    arm64_barrier(code);
    arm64_mov_r(code, 64, compares ? arm64_of(&x->state, 0) : src, T2);
}

static void by_instruction(arm64_select *x, const pst_insn *insn, arm64_reg src, arm64_reg base)
{
    arm64_code *code = x->state.code;
    bool fetch = insn->flags & PST_INSN_FETCH;
    arm64_reg old = fetch ? src : XZR;
    switch ((pst_atomic_op)insn->op) {
    case PST_ATOMIC_ADD: arm64_atomic_op(code, ATOMIC_ADD, fetch, insn->width, src, old, base); break;
    case PST_ATOMIC_OR: arm64_atomic_op(code, ATOMIC_SET, fetch, insn->width, src, old, base); break;
    case PST_ATOMIC_XOR: arm64_atomic_op(code, ATOMIC_EOR, fetch, insn->width, src, old, base); break;
    case PST_ATOMIC_XCHG: arm64_atomic_op(code, ATOMIC_SWP, true, insn->width, src, src, base); break;
    case PST_ATOMIC_CMPXCHG: arm64_cas(code, insn->width, arm64_of(&x->state, 0), src, base); break;
    case PST_ATOMIC_AND: // the machine clears bits
        arm64_orn(code, insn->width, T2, XZR, arm64_plain(src));
        arm64_atomic_op(code, ATOMIC_CLR, fetch, insn->width, T2, old, base);
        break;
    }
}

void arm64_select_atomic(arm64_select *x, const pst_insn *insn)
{
    arm64_state *s = &x->state;
    bool fetch = insn->flags & PST_INSN_FETCH;
    unsigned written = insn->op == PST_ATOMIC_CMPXCHG ? 0 : insn->src;
    arm64_settle_all(s);
    if (fetch) arm64_claim(s, written);
    arm64_reg src = arm64_of(s, insn->src), base = arm64_address(s, insn->dst, insn->off);
    if (x->features & ARM64_LSE) by_instruction(x, insn, src, base);
    else by_exclusives(x, insn, src, base);
    if (fetch) arm64_wrote(s, written, insn->width == 32);
}
