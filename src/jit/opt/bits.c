// bits.c: known bits of values: what the program's own arithmetic says, and what the verifier proved.
//
// A fact about an instruction holds whenever the program gets there. A value is used only where its instruction was executed, or would have
// been, so the fact is one about the value.
#include "base/bits.h"
#include "jit/opt/ir.h"

static pst_tnum low32(pst_tnum t) { return pst_tnum_low(t, 32); }

static pst_tnum sign_extended(pst_tnum a, unsigned from, unsigned width)
{
    uint64_t sign = (uint64_t)1 << (from - 1), upper = ~pst_mask(from);
    a = pst_tnum_low(a, from);
    if (OPT_PLANT(1)) return a;
    if (a.mask & sign) a.mask |= upper;
    else if (a.value & sign) a.value |= upper;
    return pst_tnum_low(a, width);
}

static pst_tnum shifted(pst_alu_op op, unsigned width, pst_tnum a, uint64_t count)
{
    unsigned by = (unsigned)(count & (width - 1));
    switch (op) {
    case PST_ALU_LSH: return pst_tnum_low(pst_tnum_shl(a, by), width);
    case PST_ALU_RSH: return pst_tnum_shr(a, by);
    default: return pst_tnum_sar(a, by, width);
    }
}

// Bits that a number up to max can have.
static pst_tnum below(uint64_t max) { return pst_tnum_range(0, max); }

static pst_tnum divided(const opt_value *v, pst_tnum a, pst_tnum b)
{
    uint64_t most = a.value | a.mask;
    if (v->insn.op == PST_ALU_DIV) return below(most);
    if (v->insn.op != PST_ALU_MOD) return pst_tnum_low(PST_TNUM_TOP, v->insn.width);
    uint64_t divisor = b.value | b.mask;
    return below(b.value != 0 && divisor - 1 < most ? divisor - 1 : most); // by zero: the dividend
}

static pst_tnum of_alu(const opt_value *v)
{
    unsigned width = v->insn.width;
    pst_tnum a = pst_tnum_low(v->args[0]->bits, width);
    pst_tnum b = opt_has_imm(v) ? pst_tnum_const((uint64_t)v->insn.imm) : v->arg_count > 1 ? v->args[1]->bits : a;
    b = pst_tnum_low(b, width);
    switch ((pst_alu_op)v->insn.op) {
    case PST_ALU_ADD: return pst_tnum_low(pst_tnum_add(a, b), width);
    case PST_ALU_SUB: return pst_tnum_low(pst_tnum_sub(a, b), width);
    case PST_ALU_MUL: return pst_tnum_low(pst_tnum_mul(a, b), width);
    case PST_ALU_DIV:
    case PST_ALU_SDIV:
    case PST_ALU_MOD:
    case PST_ALU_SMOD: return divided(v, a, b);
    case PST_ALU_OR: return pst_tnum_or(a, b);
    case PST_ALU_AND: return pst_tnum_and(a, b);
    case PST_ALU_XOR: return pst_tnum_xor(a, b);
    case PST_ALU_NEG: return pst_tnum_low(pst_tnum_neg(a), width);
    case PST_ALU_MOV: return a;
    case PST_ALU_MOVSX8: return sign_extended(a, 8, width);
    case PST_ALU_MOVSX16: return sign_extended(a, 16, width);
    case PST_ALU_MOVSX32: return sign_extended(a, 32, width);
    case PST_ALU_LSH:
    case PST_ALU_RSH:
    case PST_ALU_ARSH:
        if (b.mask == 0) return shifted((pst_alu_op)v->insn.op, width, a, b.value);
        if (v->insn.op == PST_ALU_RSH) return below(a.value | a.mask);
        return pst_tnum_low(PST_TNUM_TOP, width);
    }
    PST_UNREACHABLE();
}

static pst_tnum of_phi(const opt_value *v)
{
    pst_tnum all = v->arg_count ? v->args[0]->bits : PST_TNUM_TOP;
    for (uint32_t i = 1; i < v->arg_count; i++) all = pst_tnum_join(all, v->args[i]->bits);
    return all;
}

static pst_tnum of_load(const opt_value *v)
{
    // What a load of the context gives is up to its descriptor: pointers come whole, whatever the width.
    if (v->insn.flags & PST_INSN_SIGNED || v->facts & PST_FACT_CONTEXT) return PST_TNUM_TOP;
    return pst_tnum_low(PST_TNUM_TOP, v->insn.width);
}

static pst_tnum by_arguments(const opt_value *v)
{
    switch (v->insn.kind) {
    case OPT_CONST: return pst_tnum_const((uint64_t)v->insn.imm);
    case OPT_PHI: return of_phi(v);
    case OPT_COPY: return v->args[0]->bits;
    case OPT_SELECT: return pst_tnum_join(v->args[v->arg_count - 2]->bits, v->args[v->arg_count - 1]->bits);
    case PST_KIND_ALU: return of_alu(v);
    case PST_KIND_SWAP:
        if (v->args[0]->bits.mask == 0) return pst_tnum_const(pst_swap_eval((pst_swap_op)v->insn.op, v->insn.width, v->args[0]->bits.value));
        return pst_tnum_low(v->insn.op == PST_SWAP_LE ? v->args[0]->bits : PST_TNUM_TOP, v->insn.width);
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE: return of_load(v);
    case PST_KIND_LEGACY_LOAD: return low32(PST_TNUM_TOP);
    case PST_KIND_ATOMIC: return pst_tnum_low(PST_TNUM_TOP, v->insn.width);
    default: return PST_TNUM_TOP;
    }
}

pst_tnum opt_bits_of(const opt_func *func, const opt_value *v)
{
    pst_tnum bits = by_arguments(v), both;
    const pst_facts *facts = func->unit->facts;
    if (!v->as_origin || !facts) return bits;
    if (v->insn.kind == PST_KIND_ALU && v->insn.width == 32 && v->facts & PST_FACT_UPPER_ZERO) bits = low32(bits);
    if (!facts->values) return bits;
    const pst_fact_value *fact = &facts->values[v->origin];
    const pst_tnum proved = {fact->bits & ~fact->unknown, fact->unknown};
    if (pst_tnum_meet(bits, proved, &both)) bits = both;
    if (fact->umin <= fact->umax && pst_tnum_meet(bits, pst_tnum_range(fact->umin, fact->umax), &both)) bits = both;
    return bits;
}
