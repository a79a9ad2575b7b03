// value.c: see value.h.
#include "jit/x64/value.h"

static bool is_i32(int64_t value) { return value >= INT32_MIN && value <= INT32_MAX; }

static uint16_t deps_of(x64_value v)
{
    uint16_t deps = 0;
    if (v.base != NO_REG) deps |= JIT_REG(v.base);
    if (v.index != NO_REG) deps |= JIT_REG(v.index);
    return deps;
}

x64_value x64_value_of(const x64_state *s, unsigned reg)
{
    if (s->pending & JIT_REG(reg)) return s->values[reg];
    return (x64_value){(uint8_t)reg, NO_REG, 0, false, 0};
}

void x64_flags_set(x64_state *s, x64_reg reg, unsigned width)
{
    s->flags_reg = (uint8_t)reg;
    s->flags_width = (uint8_t)width;
    s->flags_at = s->code->size;
}

bool x64_flags_known(const x64_state *s, x64_reg reg, unsigned width)
{
    return s->flags_reg == reg && s->flags_width == width && s->flags_at == s->code->size;
}

// --- Settling -------------------------------------------------------------------------------------------------

static x64_mem mem_of(const x64_state *s, x64_value v)
{
    uint8_t base = v.base == NO_REG ? (uint8_t)NO_REG : s->abi->of[v.base], index = v.index == NO_REG ? (uint8_t)NO_REG : s->abi->of[v.index];
    return (x64_mem){base, index, v.scale, (int32_t)v.disp};
}

// dst = v where both, or neither, are the low halves.
static void compute(x64_state *s, x64_reg dst, x64_value v)
{
    unsigned width = v.narrow ? 32 : 64;
    x64_mem m = mem_of(s, v);
    if (x64_is_const(v)) {
        x64_mov_ri(s->code, dst, v.narrow ? (uint32_t)v.disp : (uint64_t)v.disp);
    } else if (m.index == NO_REG && m.disp == 0) {
        if (v.narrow || dst != m.base) x64_mov_rr(s->code, width, dst, (x64_reg)m.base);
    } else if (m.index == NO_REG && m.base == dst) {
        x64_alu_ri(s->code, ALU_ADD, width, dst, m.disp);
        x64_flags_set(s, dst, width);
    } else if (m.base != NO_REG && m.index != NO_REG && m.scale == 0 && m.disp == 0 && (m.base == dst || m.index == dst)) {
        x64_alu_rr(s->code, ALU_ADD, width, dst, (x64_reg)(m.base == dst ? m.index : m.base));
        x64_flags_set(s, dst, width);
    } else if (m.base == NO_REG && m.disp == 0 && m.scale == 1 && m.index != dst) {
        x64_lea(s->code, width, dst, (x64_mem){m.index, m.index, 0, 0});
    } else if (m.base == NO_REG && m.disp == 0) { // without a base an address has 32 bits of displacement
        if (m.index != dst) x64_mov_rr(s->code, width, dst, (x64_reg)m.index);
        x64_shift_ri(s->code, SHIFT_SHL, width, dst, m.scale);
        x64_flags_set(s, dst, width);
    } else {
        x64_lea(s->code, width, dst, m);
    }
}

static void settle_dependents(x64_state *s, unsigned reg, uint16_t which)
{
    for (unsigned u = 0; u < PST_REG_COUNT; u++)
        if (u != reg && s->pending & which & JIT_REG(u) && deps_of(s->values[u]) & JIT_REG(reg)) (void)x64_settle(s, u);
}

x64_reg x64_settle(x64_state *s, unsigned reg)
{
    x64_reg machine = x64_of(s, reg);
    if (!(s->pending & JIT_REG(reg))) return machine;
    // No cycles, so this ends: a chain is at most as long as there are registers.
    settle_dependents(s, reg, s->live | s->uses);
    compute(s, machine, s->values[reg]);
    x64_wrote(s, reg, (s->zero_upper & JIT_REG(reg)) != 0);
    return machine;
}

void x64_settle_all(x64_state *s)
{
    uint16_t wanted = s->pending & (s->live | s->uses);
    for (unsigned reg = 0; wanted >> reg; reg++)
        if (wanted >> reg & 1) (void)x64_settle(s, reg);
}

void x64_claim(x64_state *s, unsigned reg)
{
    if (s->pending) settle_dependents(s, reg, s->live);
}

void x64_wrote(x64_state *s, unsigned reg, bool zero_upper)
{
    s->pending &= (uint16_t)~JIT_REG(reg);
    for (unsigned u = 0; s->pending >> u; u++) // dead ones, else they were settled before
        if (s->pending >> u & 1 && deps_of(s->values[u]) & JIT_REG(reg)) s->pending &= (uint16_t)~JIT_REG(u);
    if (zero_upper) s->zero_upper |= JIT_REG(reg);
    else s->zero_upper &= (uint16_t)~JIT_REG(reg);
}

// Whether settling one of these registers' dependents would come to reg: the values that are pending in them depend on it, directly or not.
static bool leads_to(const x64_state *s, uint16_t regs, unsigned reg)
{
    uint16_t seen = 0;
    for (uint16_t todo = regs & s->pending; todo; todo = regs & s->pending & (uint16_t)~seen) {
        for (unsigned y = 0; todo >> y; y++)
            if (todo >> y & 1) regs |= deps_of(s->values[y]);
        seen |= todo;
    }
    return (regs & JIT_REG(reg)) != 0;
}

void x64_set(x64_state *s, unsigned reg, x64_value v, bool zero_upper)
{
    if (leads_to(s, deps_of(v) & (uint16_t)~JIT_REG(reg), reg)) {
        compute(s, T0, v);
        x64_claim(s, reg);
        x64_mov_rr(s->code, 64, x64_of(s, reg), T0);
        x64_wrote(s, reg, zero_upper);
        return;
    }
    bool itself = v.base == reg && v.index == NO_REG && v.disp == 0 && !v.narrow;
    s->values[reg] = v;
    if (itself) s->pending &= (uint16_t)~JIT_REG(reg);
    else s->pending |= JIT_REG(reg);
    if (zero_upper) s->zero_upper |= JIT_REG(reg);
    else s->zero_upper &= (uint16_t)~JIT_REG(reg);
}

void x64_forget(x64_state *s)
{
    s->pending = 0;
    s->zero_upper = 0;
    s->flags_reg = NO_REG;
}

// --- Arithmetic of expressions --------------------------------------------------------------------------------

// Takes a register that is multiplied by 1 << scale into out, if there is room.
static bool take(x64_value *out, uint8_t reg, uint8_t scale)
{
    if (reg == NO_REG) return true;
    if (scale == 0 && out->base == NO_REG) {
        out->base = reg;
        return true;
    }
    if (out->index != NO_REG) return false;
    out->index = reg;
    out->scale = scale;
    return true;
}

bool x64_value_add(x64_value a, x64_value b, unsigned width, x64_value *out)
{
    x64_value sum = {NO_REG, NO_REG, 0, width == 32, 0};
    // Scaled registers first: they can be nothing but an index.
    if (a.scale && !take(&sum, a.index, a.scale)) return false;
    if (b.scale && !take(&sum, b.index, b.scale)) return false;
    if (!take(&sum, a.base, 0) || !take(&sum, b.base, 0)) return false;
    if (!a.scale && !take(&sum, a.index, 0)) return false;
    if (!b.scale && !take(&sum, b.index, 0)) return false;
    uint64_t disp = (uint64_t)a.disp + (uint64_t)b.disp;
    sum.disp = width == 32 ? (int32_t)(uint32_t)disp : (int64_t)disp;
    if (x64_is_const(sum)) {
        if (width == 32) sum = x64_const((uint32_t)disp);
        *out = sum;
        return true;
    }
    if (width == 64 && (!is_i32(a.disp) || !is_i32(b.disp) || !is_i32(sum.disp))) return false;
    *out = sum;
    return true;
}

bool x64_value_shift(x64_value a, unsigned count, unsigned width, x64_value *out)
{
    if (x64_is_const(a)) {
        uint64_t value = (uint64_t)a.disp << count;
        *out = x64_const(width == 32 ? (uint32_t)value : value);
        return true;
    }
    if (count == 0 || count > 3 || a.index != NO_REG || a.disp != 0) return false;
    *out = (x64_value){NO_REG, a.base, (uint8_t)count, width == 32, 0};
    return true;
}

x64_value x64_wide_value(x64_state *s, unsigned reg)
{
    if (x64_value_of(s, reg).narrow) (void)x64_settle(s, reg);
    return x64_value_of(s, reg);
}

x64_mem x64_operand(x64_state *s, unsigned reg, int32_t off)
{
    x64_value sum, v = x64_value_of(s, reg);
    if (!v.narrow && v.base != NO_REG && x64_value_add(v, x64_const((uint64_t)(int64_t)off), 64, &sum)) return mem_of(s, sum);
    return x64_at(x64_settle(s, reg), off);
}
