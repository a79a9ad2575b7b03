// fold.c: constants, identities and known bits: a value that is the same as a simpler one becomes that.
//
// Called for each value as it is built, and again for all when phis are there. Each rule is one line of algebra. A rule returns what v is the
// same as, or changes v in place into something cheaper that computes the same number, and returns v.
#include "base/bits.h"
#include "jit/opt/ir.h"

#define ROUNDS_MAX 6u

static pst_alu_op alu_of(const opt_value *v) { return (pst_alu_op)v->insn.op; }
static bool is_alu(const opt_value *v, pst_alu_op op) { return v->insn.kind == PST_KIND_ALU && v->insn.op == op; }
static bool is_alu_imm(const opt_value *v, pst_alu_op op) { return is_alu(v, op) && opt_has_imm(v); }
static uint64_t imm_of(const opt_value *v) { return (uint64_t)v->insn.imm; }

static opt_value *number(opt_func *func, opt_value *v, uint64_t value)
{
    opt_value *c = opt_const(func, value, v->origin);
    c->hint = v->hint;
    opt_insert_before(v, c);
    return c;
}

// v becomes op of args[0] and imm, at its width.
static opt_value *become_imm(opt_value *v, pst_alu_op op, uint64_t imm)
{
    v->insn.op = (uint8_t)op;
    v->insn.imm = (int64_t)imm;
    v->insn.flags |= PST_INSN_IMM;
    v->arg_count = 1;
    return v;
}

// v becomes op of one operand.
static opt_value *become_unary(opt_value *v, pst_alu_op op, unsigned width, opt_value *a)
{
    v->insn.op = (uint8_t)op;
    v->insn.width = (uint8_t)width;
    v->insn.flags &= (uint8_t)~PST_INSN_IMM;
    v->insn.imm = 0;
    v->facts &= (uint8_t)~PST_FACT_UPPER_ZERO; // it was said of another operation
    v->args[0] = a;
    v->arg_count = 1;
    return v;
}

static bool upper_is_zero(const opt_value *v) { return ((v->bits.value | v->bits.mask) >> 32) == 0; }

// a at v's width: itself, where a 32-bit result of it would be the same number.
static opt_value *same_as(opt_value *v, opt_value *a)
{
    if (v->insn.width == 64 || upper_is_zero(a)) return a;
    return become_unary(v, PST_ALU_MOV, 32, a);
}

// What only the low half of a counts: looks through what changes nothing but the upper one.
static opt_value *low_half(opt_value *a)
{
    for (unsigned i = 0; i < 4; i++) {
        bool extends = is_alu(a, PST_ALU_MOVSX32) || (is_alu(a, PST_ALU_MOV) && a->insn.width == 32);
        bool masks = is_alu_imm(a, PST_ALU_AND) && (uint32_t)imm_of(a) == UINT32_MAX;
        if ((!extends && !masks) || opt_has_imm(a) != masks) break;
        a = opt_resolve(a->args[0]);
    }
    return a;
}

// --- Operands -------------------------------------------------------------------------------------------------

static bool commutes(pst_alu_op op)
{
    return op == PST_ALU_ADD || op == PST_ALU_MUL || op == PST_ALU_OR || op == PST_ALU_AND || op == PST_ALU_XOR;
}

// The comparison of b with a that says what this one says of a and b.
static pst_jump_op mirrored(pst_jump_op op)
{
    switch (op) {
    case PST_JUMP_JEQ:
    case PST_JUMP_JNE:
    case PST_JUMP_JSET: return op;
    case PST_JUMP_JGT: return PST_JUMP_JLT;
    case PST_JUMP_JGE: return PST_JUMP_JLE;
    case PST_JUMP_JLT: return PST_JUMP_JGT;
    case PST_JUMP_JLE: return PST_JUMP_JGE;
    case PST_JUMP_JSGT: return PST_JUMP_JSLT;
    case PST_JUMP_JSGE: return PST_JUMP_JSLE;
    case PST_JUMP_JSLT: return PST_JUMP_JSGT;
    case PST_JUMP_JSLE: return PST_JUMP_JSGE;
    }
    PST_UNREACHABLE();
}

// Brings v into the form that the rules expect: halves where they are enough, a constant as the immediate.
static void tidy_operands(opt_value *v)
{
    bool alu = v->insn.kind == PST_KIND_ALU, stores = v->insn.kind == PST_KIND_STORE && v->insn.width <= 32 && !(v->facts & PST_FACT_CONTEXT);
    if ((alu && (v->insn.width == 32 || OPT_PLANT(2))) || (v->insn.kind == PST_KIND_BRANCH && v->insn.width == 32))
        for (uint32_t i = 0; i < v->arg_count; i++) v->args[i] = low_half(v->args[i]);
    if (stores && v->arg_count == 2) v->args[1] = low_half(v->args[1]);
    if (alu && is_alu(v, PST_ALU_MOVSX32)) v->args[0] = low_half(v->args[0]);
    if (v->arg_count != 2 || v->insn.kind == PST_KIND_ATOMIC || v->insn.kind == PST_KIND_STORE_RELEASE || v->insn.kind == OPT_PHI) return;
    bool exchange = alu ? commutes(alu_of(v)) : v->insn.kind == PST_KIND_BRANCH;
    if (exchange && opt_is_const(v->args[0])) {
        opt_value *a = v->args[0];
        v->args[0] = v->args[1];
        v->args[1] = a;
        if (!alu) v->insn.op = (uint8_t)mirrored((pst_jump_op)v->insn.op);
    }
    bool takes_imm = alu || v->insn.kind == PST_KIND_BRANCH || v->insn.kind == PST_KIND_STORE;
    if (!takes_imm || !opt_is_const(v->args[1])) return;
    uint64_t c = imm_of(v->args[1]);
    if (v->insn.width <= 32) c = (uint64_t)(int64_t)(int32_t)(uint32_t)c; // only so much of it counts
    if (!opt_is_i32(c)) return;
    v->insn.flags |= PST_INSN_IMM;
    v->insn.imm = (int64_t)c;
    v->arg_count = 1;
}

// --- Arithmetic -----------------------------------------------------------------------------------------------

static opt_value *fold_constant(opt_func *func, opt_value *v)
{
    bool binary = v->arg_count == 2;
    if (!opt_is_const(v->args[0]) || (binary && !opt_is_const(v->args[1]))) return v;
    uint64_t a = imm_of(v->args[0]), b = binary ? imm_of(v->args[1]) : opt_has_imm(v) ? imm_of(v) : a;
    return number(func, v, pst_alu_eval(alu_of(v), v->insn.width, a, b));
}

// a op c where c leaves a alone, or decides alone.
static opt_value *fold_identity(opt_func *func, opt_value *v)
{
    uint64_t mask = pst_mask(v->insn.width), c = imm_of(v) & mask;
    opt_value *a = v->args[0];
    if (!opt_has_imm(v)) return v;
    switch (alu_of(v)) {
    case PST_ALU_ADD:
    case PST_ALU_SUB:
    case PST_ALU_OR:
    case PST_ALU_XOR: return c == 0 ? same_as(v, a) : c == mask && v->insn.op == PST_ALU_OR ? number(func, v, mask) : v;
    case PST_ALU_LSH:
    case PST_ALU_RSH:
    case PST_ALU_ARSH: return (c & (v->insn.width - 1u)) == 0 ? same_as(v, a) : v;
    case PST_ALU_MUL: return c == 0 ? number(func, v, 0) : c == 1 ? same_as(v, a) : v;
    case PST_ALU_DIV: return c == 1 ? same_as(v, a) : c == 0 ? number(func, v, 0) : v;
    case PST_ALU_SDIV: return c == 1 ? same_as(v, a) : c == 0 ? number(func, v, 0) : v;
    case PST_ALU_MOD: return c == 1 ? number(func, v, 0) : c == 0 ? same_as(v, a) : v;
    case PST_ALU_SMOD: return c == 1 ? number(func, v, 0) : c == 0 ? same_as(v, a) : v;
    case PST_ALU_AND: return c == 0 ? number(func, v, 0) : c == mask ? same_as(v, a) : v;
    case PST_ALU_NEG:
    case PST_ALU_MOV:
    case PST_ALU_MOVSX8:
    case PST_ALU_MOVSX16:
    case PST_ALU_MOVSX32: return v;
    }
    PST_UNREACHABLE();
}

static opt_value *fold_twin(opt_func *func, opt_value *v)
{
    if (v->arg_count != 2 || v->args[0] != v->args[1]) return v;
    if (v->insn.op == PST_ALU_SUB || v->insn.op == PST_ALU_XOR) return number(func, v, 0);
    if (v->insn.op == PST_ALU_AND || v->insn.op == PST_ALU_OR) return same_as(v, v->args[0]);
    return v;
}

// (a op c) op d = a op (c op d), and an address in the frame plus a number.
static opt_value *fold_chain(opt_func *func, opt_value *v)
{
    opt_value *inner = v->args[0];
    pst_alu_op op = alu_of(v);
    if (op == PST_ALU_SUB && opt_has_imm(v) && opt_is_i32(0 - imm_of(v))) become_imm(v, op = PST_ALU_ADD, 0 - imm_of(v));
    if (!opt_has_imm(v)) return v;
    if (op == PST_ALU_ADD && v->insn.width == 64 && inner->insn.kind == OPT_FRAME) {
        opt_value *frame = opt_value_new(func, OPT_FRAME, 0);
        frame->insn.imm = inner->insn.imm + v->insn.imm;
        frame->origin = v->origin;
        frame->hint = v->hint;
        opt_insert_before(v, frame);
        return frame;
    }
    // Only where the inner sum was overwritten by the outer one: else both numbers and a would be needed.
    if (!is_alu_imm(inner, op) || inner->insn.width != v->insn.width || inner->hint != v->hint) return v;
    uint64_t c = imm_of(inner), d = imm_of(v), sum;
    if (op == PST_ALU_ADD) sum = c + d;
    else if (op == PST_ALU_AND) sum = OPT_PLANT(3) ? c : c & d;
    else if (op == PST_ALU_OR) sum = c | d;
    else if (op == PST_ALU_XOR) sum = c ^ d;
    else return v;
    if (v->insn.width == 32) sum = (uint64_t)(int64_t)(int32_t)(uint32_t)sum;
    if (!opt_is_i32(sum)) return v;
    v->args[0] = opt_resolve(inner->args[0]);
    return become_imm(v, op, sum);
}

// What code for machines without 32-bit arithmetic does: a <<= 32; a >>= 32.
static opt_value *fold_shifts(opt_value *v)
{
    opt_value *inner = v->args[0];
    if (v->insn.width != 64 || !opt_has_imm(v) || !is_alu_imm(inner, PST_ALU_LSH) || inner->insn.width != 64) return v;
    uint64_t count = imm_of(v) & 63;
    if (count != (imm_of(inner) & 63)) return v;
    opt_value *a = opt_resolve(inner->args[0]);
    if (v->insn.op == PST_ALU_RSH && count == 32) return become_unary(v, PST_ALU_MOV, 32, a);
    if (v->insn.op == PST_ALU_ARSH && (count == 32 || count == 48 || count == 56))
        return become_unary(v, count == 32 ? PST_ALU_MOVSX32 : count == 48 ? PST_ALU_MOVSX16 : PST_ALU_MOVSX8, 64, a);
    if (v->insn.op == PST_ALU_RSH && count >= 33) {
        v->args[0] = a;
        return become_imm(v, PST_ALU_AND, UINT64_MAX >> count);
    }
    return v;
}

// Extensions and masks that change nothing, by what is known of the bits.
static opt_value *fold_known(opt_value *v)
{
    opt_value *a = v->args[0];
    uint64_t may = a->bits.value | a->bits.mask;
    switch (alu_of(v)) {
    case PST_ALU_MOV:
        if (v->insn.width == 32 && (may >> 32 == 0 || v->facts & PST_FACT_UPPER_ZERO)) return a;
        return v;
    case PST_ALU_AND: return opt_has_imm(v) && (may & ~imm_of(v) & pst_mask(v->insn.width)) == 0 ? same_as(v, a) : v;
    case PST_ALU_MOVSX8: return may < 0x80 ? a : v;
    case PST_ALU_MOVSX16: return may < 0x8000 ? a : v;
    case PST_ALU_MOVSX32:
        if (may < 0x80000000u) return a;
        return v;
    default: return v;
    }
}

static opt_value *fold_alu(opt_func *func, opt_value *v)
{
    static opt_value *(*const rules[])(opt_func *, opt_value *) = {fold_constant, fold_identity, fold_twin, fold_chain};
    for (unsigned i = 0; i < PST_COUNT(rules); i++) {
        opt_value *simpler = rules[i](func, v);
        if (simpler != v) return simpler;
    }
    v = fold_shifts(v);
    return fold_known(v);
}

// --- Everything -----------------------------------------------------------------------------------------------

opt_value *opt_fold_value(opt_func *func, opt_value *v)
{
    for (uint32_t i = 0; i < v->arg_count && v->insn.kind != OPT_PHI; i++) v->args[i] = opt_resolve(v->args[i]);
    if (v->insn.kind == OPT_COPY && (opt_is_const(v->args[0]) || v->args[0]->insn.kind == OPT_FRAME)) return v->args[0];
    tidy_operands(v);
    if (v->insn.kind == PST_KIND_ALU) {
        opt_value *simpler = fold_alu(func, v);
        if (simpler != v) return simpler;
    }
    if (v->insn.kind == PST_KIND_SWAP && v->insn.op == PST_SWAP_LE && v->insn.width == 64) return v->args[0];
    if (!opt_has_result(v)) return v;
    v->bits = opt_bits_of(func, v);
    if (v->bits.mask == 0 && !opt_is_const(v) && (opt_is_pure(v) || v->insn.kind == OPT_PHI)) {
        opt_value *c = opt_const(func, v->bits.value, v->origin);
        c->hint = v->hint;
        opt_value *place = v;
        while (place->insn.kind == OPT_PHI) place = place->next;
        opt_insert_before(place, c);
        return c;
    }
    return v;
}

// --- Phis -----------------------------------------------------------------------------------------------------

// The one value that a phi can have besides itself, or NULL.
static opt_value *only_argument(opt_value *phi)
{
    opt_value *one = NULL;
    for (uint32_t i = 0; i < phi->arg_count; i++) {
        opt_value *a = opt_resolve(phi->args[i]);
        phi->args[i] = a;
        if (a == phi || a == one) continue;
        if (one) return NULL;
        one = a;
    }
    return one;
}

void opt_simplify_phis(opt_func *func)
{
    bool changed = true;
    while (changed && opt_work(func, func->order_count)) {
        changed = false;
        OPT_EACH_BLOCK(b, func) OPT_EACH_VALUE(v, b) {
            if (v->insn.kind != OPT_PHI) break;
            opt_value *one = only_argument(v);
            if (!one || !opt_work(func, v->arg_count)) continue;
            opt_replace(v, one);
            changed = true;
        }
    }
    opt_resolve_all(func);
}

// --- Branches -------------------------------------------------------------------------------------------------

// Whether the comparison always holds (1), never (0), or is not known (-1).
static int decide(const opt_value *v)
{
    pst_tnum a = v->args[0]->bits, b = opt_has_imm(v) ? pst_tnum_const(imm_of(v)) : v->args[1]->bits;
    pst_jump_op op = (pst_jump_op)v->insn.op;
    a = pst_tnum_low(a, v->insn.width);
    b = pst_tnum_low(b, v->insn.width);
    if (a.mask == 0 && b.mask == 0) return pst_jump_eval(op, v->insn.width, a.value, b.value);
    uint64_t a_max = a.value | a.mask, b_max = b.value | b.mask;
    bool differ = ((a.value ^ b.value) & ~(a.mask | b.mask)) != 0;
    switch (op) {
    case PST_JUMP_JEQ: return differ ? 0 : -1;
    case PST_JUMP_JNE: return differ ? 1 : -1;
    case PST_JUMP_JSET: return (a_max & b_max) == 0 ? 0 : (a.value & b.value) != 0 ? 1 : -1;
    case PST_JUMP_JGT: return a.value > b_max || (OPT_PLANT(4) && a.value == b_max) ? 1 : a_max <= b.value ? 0 : -1;
    case PST_JUMP_JGE: return a.value >= b_max ? 1 : a_max < b.value ? 0 : -1;
    case PST_JUMP_JLT: return a_max < b.value ? 1 : a.value >= b_max ? 0 : -1;
    case PST_JUMP_JLE: return a_max <= b.value ? 1 : a.value > b_max ? 0 : -1;
    case PST_JUMP_JSGT:
    case PST_JUMP_JSGE:
    case PST_JUMP_JSLT:
    case PST_JUMP_JSLE: return -1;
    }
    PST_UNREACHABLE();
}

static bool is_dead_block(const opt_block *b) { return b->first->insn.kind == OPT_DEAD; }

// The branch becomes a jump to succs[which].
static void take(opt_value *v, unsigned which)
{
    opt_block *b = v->block;
    opt_cut_edge(b, !which);
    if (which == 1) {
        b->succs[0] = b->succs[1];
        b->succs[1] = NULL;
        v->facts &= (uint8_t)~PST_FACT_METERED; // the edge that closed the loop is gone
    }
    v->insn = (pst_insn){.kind = PST_KIND_JUMP};
    v->arg_count = 0;
}

static bool fold_branch(opt_func *func, opt_value *v)
{
    (void)func;
    opt_block *b = v->block;
    int known = decide(v);
    if (known < 0 && is_dead_block(b->succs[0]) != is_dead_block(b->succs[1])) known = is_dead_block(b->succs[1]);
    if (known >= 0) {
        take(v, known ? 0 : 1);
        return true;
    }
    // if ((a & c) == 0): a test of bits, the other way round.
    opt_value *a = v->args[0];
    bool equal = v->insn.op == PST_JUMP_JEQ, compares = equal || v->insn.op == PST_JUMP_JNE;
    if (!compares || !opt_has_imm(v) || v->insn.imm != 0 || !is_alu_imm(a, PST_ALU_AND) || a->insn.width > v->insn.width) return false;
    if (equal && v->facts & PST_FACT_METERED) return false;
    v->args[0] = opt_resolve(a->args[0]);
    v->insn.op = PST_JUMP_JSET;
    v->insn.width = a->insn.width;
    v->insn.imm = a->insn.imm;
    if (equal) {
        opt_block *other = b->succs[0];
        b->succs[0] = b->succs[1];
        b->succs[1] = other;
    }
    return true;
}

static bool fold_block(opt_func *func, opt_block *b, bool *flow)
{
    bool changed = false;
    OPT_EACH_VALUE(v, b) {
        if (!opt_work(func, 1 + v->arg_count)) return false;
        pst_tnum before = v->bits;
        opt_value *simpler = opt_fold_value(func, v);
        if (simpler != v) opt_replace(v, simpler);
        changed |= simpler != v || before.value != v->bits.value || before.mask != v->bits.mask;
        if (simpler == v && v->insn.kind == PST_KIND_BRANCH && fold_branch(func, v)) {
            *flow |= v->insn.kind == PST_KIND_JUMP;
            changed = true;
        }
    }
    return changed;
}

void opt_fold(opt_func *func)
{
    bool changed = true;
    for (unsigned round = 0; changed && round < ROUNDS_MAX && !func->failed; round++) {
        bool flow = false;
        changed = false;
        for (uint32_t i = 0; i < func->order_count; i++) changed |= fold_block(func, func->order[i], &flow);
        if (flow) opt_flow(func);
        if (changed) opt_simplify_phis(func);
    }
}
