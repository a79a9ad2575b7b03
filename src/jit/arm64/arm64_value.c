// arm64_value.c: see arm64_value.h.
#include "jit/arm64/arm64_value.h"

#define DISP_MAX 0xffffff // what two additions can do

static uint16_t deps_of(arm64_value v)
{
    uint16_t deps = 0;
    if (v.base != NO_REG) deps |= JIT_REG(v.base);
    if (v.index != NO_REG) deps |= JIT_REG(v.index);
    return deps;
}

arm64_value arm64_value_of(const arm64_state *s, unsigned reg)
{
    if (s->pending & JIT_REG(reg)) return s->values[reg];
    return arm64_copy(reg);
}

// --- Settling -------------------------------------------------------------------------------------------------

static void compute(arm64_state *s, arm64_reg dst, arm64_value v)
{
    unsigned width = v.narrow ? 32 : 64;
    arm64_code *code = s->code;
    if (arm64_is_const(v)) {
        arm64_mov_i(code, dst, v.narrow ? (uint32_t)v.disp : (uint64_t)v.disp);
    } else if (v.index == NO_REG) {
        arm64_reg base = arm64_of(s, v.base);
        if (v.disp != 0) arm64_add_const(code, width, dst, base, v.disp);
        else if (v.narrow || dst != base) arm64_mov_r(code, width, dst, base);
    } else if (v.base == NO_REG) {
        arm64_shift_i(code, (arm64_shift)v.shift, width, dst, arm64_of(s, v.index), v.count);
    } else {
        arm64_sum_r(code, SUM_ADD, width, dst, arm64_of(s, v.base), (arm64_operand){(uint8_t)arm64_of(s, v.index), v.shift, v.count});
    }
}

static void settle_dependents(arm64_state *s, unsigned reg, uint16_t which)
{
    for (unsigned u = 0; u < JIT_REGS_MAX; u++)
        if (u != reg && s->pending & which & JIT_REG(u) && deps_of(s->values[u]) & JIT_REG(reg)) (void)arm64_settle(s, u);
}

arm64_reg arm64_settle(arm64_state *s, unsigned reg)
{
    arm64_reg machine = arm64_of(s, reg);
    if (!(s->pending & JIT_REG(reg))) return machine;
    // No cycles, so this ends: a chain is at most as long as there are registers.
    settle_dependents(s, reg, s->live | s->uses);
    compute(s, machine, s->values[reg]);
    arm64_wrote(s, reg, (s->zero_upper & JIT_REG(reg)) != 0);
    return machine;
}

static void settle_each(arm64_state *s, uint16_t wanted)
{
    for (unsigned reg = 0; wanted >> reg; reg++)
        if (wanted >> reg & 1) (void)arm64_settle(s, reg);
}

void arm64_settle_all(arm64_state *s) { settle_each(s, s->pending & (s->live | s->uses)); }
void arm64_settle_live(arm64_state *s) { settle_each(s, s->pending & s->live); }

void arm64_claim(arm64_state *s, unsigned reg)
{
    if (s->pending) settle_dependents(s, reg, s->live);
}

void arm64_wrote(arm64_state *s, unsigned reg, bool zero_upper)
{
    s->pending &= (uint16_t)~JIT_REG(reg);
    for (unsigned u = 0; s->pending >> u; u++) // dead ones, else they were settled before
        if (s->pending >> u & 1 && deps_of(s->values[u]) & JIT_REG(reg)) s->pending &= (uint16_t)~JIT_REG(u);
    if (zero_upper) s->zero_upper |= JIT_REG(reg);
    else s->zero_upper &= (uint16_t)~JIT_REG(reg);
}

// Whether settling one of these registers' dependents would come to reg: the values that are pending in them depend on it, directly or not.
static bool leads_to(const arm64_state *s, uint16_t regs, unsigned reg)
{
    uint16_t seen = 0;
    for (uint16_t todo = regs & s->pending; todo; todo = regs & s->pending & (uint16_t)~seen) {
        for (unsigned y = 0; todo >> y; y++)
            if (todo >> y & 1) regs |= deps_of(s->values[y]);
        seen |= todo;
    }
    return (regs & JIT_REG(reg)) != 0;
}

void arm64_set(arm64_state *s, unsigned reg, arm64_value v, bool zero_upper)
{
    if (leads_to(s, deps_of(v) & (uint16_t)~JIT_REG(reg), reg)) {
        compute(s, T1, v);
        arm64_claim(s, reg);
        arm64_mov_r(s->code, 64, arm64_of(s, reg), T1);
        arm64_wrote(s, reg, zero_upper);
        return;
    }
    bool itself = v.base == reg && v.index == NO_REG && v.disp == 0 && !v.narrow;
    s->values[reg] = v;
    if (itself) s->pending &= (uint16_t)~JIT_REG(reg);
    else s->pending |= JIT_REG(reg);
    if (zero_upper) s->zero_upper |= JIT_REG(reg);
    else s->zero_upper &= (uint16_t)~JIT_REG(reg);
}

void arm64_forget(arm64_state *s)
{
    s->pending = 0;
    s->zero_upper = 0;
}

void arm64_move_to(arm64_state *s, arm64_reg machine, unsigned reg) { compute(s, machine, arm64_value_of(s, reg)); }

// --- Arithmetic of expressions --------------------------------------------------------------------------------

static bool add_const(arm64_value a, uint64_t value, unsigned width, arm64_value *out)
{
    uint64_t disp = (uint64_t)a.disp + value;
    *out = a;
    if (arm64_is_const(a)) {
        out->disp = width == 32 ? (int64_t)(uint32_t)disp : (int64_t)disp;
        out->narrow = false;
        return true;
    }
    if (a.index != NO_REG) return false;
    out->narrow = width == 32;
    out->disp = width == 32 ? (int32_t)(uint32_t)disp : (int64_t)disp;
    return out->disp >= -DISP_MAX && out->disp <= DISP_MAX;
}

bool arm64_value_add(arm64_value a, arm64_value b, unsigned width, arm64_value *out)
{
    if (arm64_is_const(b)) return add_const(a, (uint64_t)b.disp, width, out);
    if (arm64_is_const(a)) return add_const(b, (uint64_t)a.disp, width, out);
    if (a.base == NO_REG) { // a shifted register can only be the index
        arm64_value other = a;
        a = b;
        b = other;
    }
    if (a.base == NO_REG || a.index != NO_REG || a.disp != 0 || b.disp != 0) return false;
    if (b.base != NO_REG && b.index != NO_REG) return false;
    *out = (arm64_value){.base = a.base, .index = b.base, .narrow = width == 32};
    if (b.base != NO_REG) return true;
    if (b.shift != SHIFT_LSL || b.count >= width) return false;
    out->index = b.index;
    out->count = b.count;
    return true;
}

arm64_reg arm64_plain_of(arm64_state *s, unsigned reg, unsigned width)
{
    arm64_value v = arm64_value_of(s, reg);
    return arm64_is_copy(v, width) ? arm64_of(s, v.base) : arm64_settle(s, reg);
}

arm64_operand arm64_operand_of(arm64_state *s, unsigned reg, unsigned width, bool logical)
{
    arm64_value v = arm64_value_of(s, reg);
    bool same = (width == 32) == v.narrow || (v.shift == SHIFT_LSL && width == 32 && v.count < 32); // the low half of a left shift is its own
    if (v.base == NO_REG && v.index != NO_REG && same && (logical || v.shift != SHIFT_ROR)) return (arm64_operand){(uint8_t)arm64_of(s, v.index), v.shift, v.count};
    return arm64_plain(arm64_plain_of(s, reg, width));
}

// --- Addresses ------------------------------------------------------------------------------------------------

static unsigned log2_of(unsigned width) { return width == 8 ? 0u : width == 16 ? 1u : width == 32 ? 2u : 3u; }

// What an instruction can hold for the same place, where base + disp is none.
static arm64_mem far_memory(arm64_state *s, unsigned width, arm64_reg base, int64_t disp)
{
    int64_t low = disp & 0xfff, high = disp - low;
    if (!arm64_blinds(s->code, disp) && arm64_fits_disp(width, low) && high >= -DISP_MAX && high <= DISP_MAX) {
        arm64_add_const(s->code, 64, T1, base, high);
        return arm64_at(T1, (int32_t)low);
    }
    arm64_mov_i(s->code, T1, (uint64_t)disp);
    return (arm64_mem){(uint8_t)base, T1, 0, 0};
}

arm64_mem arm64_memory(arm64_state *s, unsigned width, unsigned reg, int32_t off)
{
    arm64_value v = arm64_value_of(s, reg);
    if (!v.narrow && v.base != NO_REG && v.index != NO_REG && off == 0 && (v.count == 0 || v.count == log2_of(width)))
        return (arm64_mem){(uint8_t)arm64_of(s, v.base), (uint8_t)arm64_of(s, v.index), v.count, 0};
    if (v.narrow || v.base == NO_REG || v.index != NO_REG) {
        (void)arm64_settle(s, reg);
        v = arm64_copy(reg);
    }
    int64_t disp = v.disp + off;
    arm64_reg base = arm64_of(s, v.base);
    bool on_stack = v.base == PST_REG_FP && disp < 0 && disp + (int64_t)s->stack_bytes >= 0;
    if (on_stack ? arm64_fits_disp(width, disp) : arm64_takes_disp(s->code, width, disp)) return arm64_at(base, (int32_t)disp);
    // Far below the frame pointer is near above the stack pointer.
    if (on_stack && arm64_fits_disp(width, disp + (int64_t)s->stack_bytes))
        return arm64_at(SP, (int32_t)(disp + (int64_t)s->stack_bytes));
    return far_memory(s, width, base, disp);
}

arm64_reg arm64_address(arm64_state *s, unsigned reg, int32_t off)
{
    arm64_value sum, v = arm64_value_of(s, reg);
    if (v.narrow || !arm64_value_add(v, arm64_const((uint64_t)(int64_t)off), 64, &sum)) {
        (void)arm64_settle(s, reg);
        (void)arm64_value_add(arm64_copy(reg), arm64_const((uint64_t)(int64_t)off), 64, &sum);
    }
    if (arm64_is_copy(sum, 64)) return arm64_of(s, sum.base);
    compute(s, T1, sum);
    return T1;
}
