// step_alu.c: arithmetic on numbers and pointers.
//
// Additions of constants change a value's offset and keep its symbol, so relations stay exact; other results get a symbol of their own, with
// relations to the operands where the operation orders them and cannot wrap.
#include "verify/verifier.h"

#define NEAR ((int64_t)1 << 31) // relations are noted only for summands whose range is narrower than this

static bool scalar_op(pst_alu_op op, pst_scalar_op *out)
{
    switch (op) {
    case PST_ALU_ADD: *out = PST_SCALAR_ADD; return true;
    case PST_ALU_SUB: *out = PST_SCALAR_SUB; return true;
    case PST_ALU_MUL: *out = PST_SCALAR_MUL; return true;
    case PST_ALU_DIV: *out = PST_SCALAR_DIV; return true;
    case PST_ALU_SDIV: *out = PST_SCALAR_SDIV; return true;
    case PST_ALU_OR: *out = PST_SCALAR_OR; return true;
    case PST_ALU_AND: *out = PST_SCALAR_AND; return true;
    case PST_ALU_LSH: *out = PST_SCALAR_LSH; return true;
    case PST_ALU_RSH: *out = PST_SCALAR_RSH; return true;
    case PST_ALU_MOD: *out = PST_SCALAR_MOD; return true;
    case PST_ALU_SMOD: *out = PST_SCALAR_SMOD; return true;
    case PST_ALU_XOR: *out = PST_SCALAR_XOR; return true;
    case PST_ALU_ARSH: *out = PST_SCALAR_ARSH; return true;
    case PST_ALU_NEG:
    case PST_ALU_MOV:
    case PST_ALU_MOVSX8:
    case PST_ALU_MOVSX16:
    case PST_ALU_MOVSX32: return false;
    }
    PST_UNREACHABLE();
}

// --- Moves ----------------------------------------------------------------------------------------------------

// The value of a register that is to be copied: a number of which nothing is known first gets a symbol, so that the copies stay equal.
static vvalue copied(verifier *v, vstate *s, unsigned reg)
{
    vvalue value = vreg(s, reg);
    if (value.kind != V_NUMBER || value.sym != VSYM_ANY || reg == PST_REG_FP) return value;
    if (!vstate_own(v, s, &vstate_frame(s)->regs[reg])) return value;
    return vreg(s, reg);
}

static vstep refuse_part(verifier *v, unsigned reg, const char *what)
{
    vstep step = vreject(v, PST_FINDING_POINTER_LEAK, (int)reg, "%s of the pointer in r%u would make its address a number", what, reg);
    vhint(v, "strict mode hides addresses: copy all 64 bits, or compute with offsets");
    return step;
}

static vstep extend(verifier *v, vstate *s, const pst_insn *insn, unsigned bits)
{
    vvalue value = copied(v, s, insn->src);
    if (vvalue_is_pointer(&value)) {
        if (v->strict) return refuse_part(v, insn->src, "a part");
        pst_scalar any = insn->width == 32 ? pst_scalar_unknown(32, false) : PST_SCALAR_TOP;
        vvalue number = vvalue_number(v, s, &any);
        number.flags |= VVALUE_CAST;
        vreg_set(s, insn->dst, number);
        return VSTEP_NEXT;
    }
    pst_scalar known = vvalue_scalar(s, &value), result;
    if (insn->width == 64) result = pst_scalar_extend(&known, bits, true);
    else result = bits == 32 ? pst_scalar_extend(&known, 32, false) : pst_scalar_extend32(&known, bits);
    // A number that the extension does not change keeps its symbol.
    int64_t limit = (int64_t)1 << (bits - 1);
    bool fits = insn->width == 64 ? known.smin >= -limit && known.smax < limit : bits < 32 ? known.smin >= 0 && known.smax < limit : false;
    if (fits || (insn->width == 32 && bits == 32 && (known.umax <= UINT32_MAX || VPLANT(24)))) {
        vreg_set(s, insn->dst, value);
        return VSTEP_NEXT;
    }
    vvalue number = vvalue_number(v, s, &result);
    number.flags |= value.flags;
    vreg_set(s, insn->dst, number);
    return VSTEP_NEXT;
}

static vstep move(verifier *v, vstate *s, const pst_insn *insn)
{
    if (insn->flags & PST_INSN_IMM) {
        vreg_set(s, insn->dst, vvalue_const(insn->width == 32 ? (uint32_t)insn->imm : (uint64_t)insn->imm));
        return VSTEP_NEXT;
    }
    vstep step = vstep_use(v, s, insn->src);
    if (step != VSTEP_NEXT) return step;
    switch ((pst_alu_op)insn->op) {
    case PST_ALU_MOVSX8: return extend(v, s, insn, 8);
    case PST_ALU_MOVSX16: return extend(v, s, insn, 16);
    case PST_ALU_MOVSX32: return extend(v, s, insn, 32);
    default: break;
    }
    if (insn->width == 32) return extend(v, s, insn, 32);
    vreg_set(s, insn->dst, copied(v, s, insn->src));
    return VSTEP_NEXT;
}

// --- Numbers --------------------------------------------------------------------------------------------------

// r = a + b without wrap: each side is tied to the result by the range of the other.
static void relate_sum(verifier *v, vstate *s, const vvalue *r, const vvalue *a, const pst_scalar *kb)
{
    if (kb->smin <= -NEAR || kb->smax >= NEAR) return;
    if (!vrel_add(v, s, r, a, kb->smax) || !vrel_add(v, s, a, r, -kb->smin)) return; // always feasible: both hold by construction
}

static bool sum_wraps(const pst_scalar *a, const pst_scalar *b)
{
    return (b->smax > 0 && a->smax > INT64_MAX - b->smax) || (b->smin < 0 && a->smin < INT64_MIN - b->smin);
}

static bool difference_wraps(const pst_scalar *a, const pst_scalar *b)
{
    return (b->smin < 0 && a->smax > INT64_MAX + b->smin) || (b->smax > 0 && a->smin < INT64_MIN + b->smax);
}

static void relate_result(verifier *v, vstate *s, pst_alu_op op, const vvalue *r, const vvalue *a, const vvalue *b)
{
    if (r->sym == VSYM_NONE || r->sym == VSYM_ANY) return;
    pst_scalar ka = vvalue_scalar(s, a), kb = vvalue_scalar(s, b);
    switch (op) {
    case PST_ALU_ADD:
        if (sum_wraps(&ka, &kb)) return;
        relate_sum(v, s, r, a, &kb);
        relate_sum(v, s, r, b, &ka);
        return;
    case PST_ALU_SUB:
        if (difference_wraps(&ka, &kb) || kb.smin <= -NEAR || kb.smax >= NEAR) return;
        if (!vrel_add(v, s, r, a, VPLANT(23) ? -kb.smax : -kb.smin) || !vrel_add(v, s, a, r, kb.smax)) return;
        return;
    case PST_ALU_AND: // no greater than an operand that is not negative
        if (ka.smin >= 0 && !vrel_add(v, s, r, a, 0)) return;
        if (kb.smin >= 0 && !vrel_add(v, s, r, b, 0)) return;
        return;
    case PST_ALU_MOD:
        if (ka.smin >= 0 && !vrel_add(v, s, r, a, 0)) return;
        if (kb.smin > 0 && !vrel_add(v, s, r, b, -1)) return;
        return;
    case PST_ALU_DIV:
    case PST_ALU_RSH: // less than the operand, where it is not 0 and the other one does something
        if (ka.smin >= 0 && !vrel_add(v, s, r, a, ka.smin > 0 && kb.umin > (op == PST_ALU_DIV) && (op == PST_ALU_DIV || kb.umax < 32) ? -1 : 0)) return;
        return;
    default: return;
    }
}

// The sum of a number and a constant keeps the symbol; at 32 bits only if neither operand nor sum has an upper half.
static bool add_constant(const vstate *s, const vvalue *a, int64_t c, unsigned width, vvalue *out)
{
    *out = *a;
    out->off = (int64_t)((uint64_t)a->off + (uint64_t)c);
    if (width == 64 || VPLANT(22)) return true;
    pst_scalar known = vvalue_scalar(s, a);
    if (known.umax > UINT32_MAX) return false;
    if (c < 0) return known.umin >= (uint64_t)-c;
    return known.umax + (uint64_t)c <= UINT32_MAX;
}

static bool constant_of(const vstate *s, const vvalue *value, uint64_t *out)
{
    pst_scalar known = vvalue_scalar(s, value);
    *out = known.umin;
    return pst_scalar_is_const(&known);
}

// Additions and subtractions that keep a symbol. False: none of those.
static bool shifted(verifier *v, vstate *s, const pst_insn *insn, const vvalue *a, const vvalue *b, vvalue *out)
{
    uint64_t c;
    bool adds = insn->op == PST_ALU_ADD, subtracts = insn->op == PST_ALU_SUB;
    (void)v;
    if (!adds && !subtracts) return false;
    if (a->sym != VSYM_ANY && constant_of(s, b, &c)) {
        int64_t step = insn->width == 32 ? (int64_t)(int32_t)c : (int64_t)c;
        if (subtracts && step == INT64_MIN) return false;
        return add_constant(s, a, subtracts ? -step : step, insn->width, out);
    }
    if (adds && b->sym != VSYM_ANY && constant_of(s, a, &c))
        return add_constant(s, b, insn->width == 32 ? (int64_t)(int32_t)c : (int64_t)c, insn->width, out);
    if (subtracts && a->sym == b->sym && a->sym != VSYM_ANY) {
        uint64_t difference = (uint64_t)a->off - (uint64_t)b->off;
        *out = vvalue_const(insn->width == 32 ? (uint32_t)difference : difference);
        return true;
    }
    return false;
}

static vstep binary_numbers(verifier *v, vstate *s, const pst_insn *insn, const vvalue *a, const vvalue *b)
{
    pst_scalar_op op = PST_SCALAR_ADD;
    vvalue result;
    (void)scalar_op((pst_alu_op)insn->op, &op);
    if (!shifted(v, s, insn, a, b, &result)) {
        pst_scalar ka = vvalue_scalar(s, a), kb = vvalue_scalar(s, b), known = pst_scalar_alu(op, insn->width, &ka, &kb);
        // A difference may be known better by a relation than by the intervals.
        if (insn->op == PST_ALU_SUB && insn->width == 64) {
            int64_t hi = vrel_bound(s, a, b), lo = vrel_bound(s, b, a);
            if (hi != INT64_MAX && lo != INT64_MAX && lo != INT64_MIN && -lo <= hi && !difference_wraps(&ka, &kb)) {
                pst_scalar range = pst_scalar_signed_range(-lo, hi), met;
                if (pst_scalar_meet(&known, &range, &met)) known = met;
            }
        }
        result = vvalue_number(v, s, &known);
        bool halves = insn->width == 32 && (ka.umax > INT32_MAX || kb.umax > INT32_MAX || known.umax > INT32_MAX);
        if (!halves) relate_result(v, s, (pst_alu_op)insn->op, &result, a, b);
    }
    result.kind = V_NUMBER;
    result.flags = a->flags | b->flags;
    vreg_set(s, insn->dst, result);
    return VSTEP_NEXT;
}

// --- Pointers -------------------------------------------------------------------------------------------------

static const char *op_text(pst_alu_op op)
{
    static const char *const texts[] = {
#define X(name, opcode, off, text, ...) text,
        PST_ALU_LIST(X)
#undef X
    };
    return texts[op];
}

static vstep refuse_arithmetic(verifier *v, const vstate *s, int reg, const vvalue *pointer, const char *why)
{
    vstep step = vreject(v, PST_FINDING_POINTER_ARITHMETIC, reg, "%s: %s", vkind_text(s, pointer), why);
    vneeded(v, "addition or subtraction of a bounded number, at 64 bits, on a pointer to memory");
    return step;
}

// What may be moved at all, and by what: Linux's adjust_ptr_min_max_vals. adds_zero: the number 0 is added.
static const char *immovable(const vstate *s, const vvalue *pointer, bool is_const, bool adds_zero)
{
    switch ((vkind)pointer->kind) {
    case V_PACKET_END: return "nothing can be added to the end of the packet";
    case V_MAP: return adds_zero ? NULL : "nothing can be added to a map";
    case V_FUNC: return "nothing can be added to a subprogram's address";
    case V_PTR: {
        const vobj *o = &s->objs[pointer->obj];
        if (o->flags & VOBJ_MAYBE_NULL) return "it may be null, compare it with 0 first";
        if (o->kind == VO_MAP) return adds_zero ? NULL : "nothing can be added to a map";
        if (o->kind == VO_SOCK) return "nothing can be added to a socket";
        if (o->kind == VO_STRUCT && o->desc == &pst_struct_flow_keys && !is_const) return "only a number that is known may be added to the flow keys";
        return NULL;
    }
    case V_UNINIT:
    case V_NUMBER:
    case V_CTX:
    case V_STACK:
    case V_PACKET:
    case V_META: return NULL;
    }
    PST_UNREACHABLE();
}

// Linux's limits of what may be added to a pointer. Linux knows less of numbers that were cut to 32 bits and so lets them pass as "from 0 on": what is
// known of them here must not make them worse. They end up far from the object, where nothing can be accessed.
#define REACH ((int64_t)VPACKET_MAX + 1)
#define FAR_REACH ((int64_t)1 << 33)

static vstep check_reach(verifier *v, const vstate *s, int reg, const vvalue *pointer, const pst_scalar *number)
{
    if (pst_scalar_is_const(number)) {
        if (number->smin > -REACH && number->smin < REACH) return VSTEP_NEXT;
        return refuse_arithmetic(v, s, reg, pointer, "the number added is too large");
    }
    if (number->smin != INT64_MIN) {
        if (number->smin > -REACH && number->smin < FAR_REACH) return VSTEP_NEXT;
        return refuse_arithmetic(v, s, reg, pointer, "the number added may be too large");
    }
    vstep step = refuse_arithmetic(v, s, reg, pointer, "the number added has no lower bound");
    vhint(v, "compare the number with a limit first, or mask it");
    return step;
}

static bool in_reach(const pst_scalar *at)
{
    return at->smin > -REACH * 2 && at->smin < (pst_scalar_is_const(at) ? REACH : FAR_REACH);
}

// Either the whole offset is in reach or, as Linux looks at it, each of its parts: their sum may wrap, then nothing can be accessed there.
static vstep check_result(verifier *v, const vstate *s, int reg, const vvalue *pointer)
{
    pst_scalar at = vvalue_scalar(s, pointer), variable = vsym_scalar(s, pointer->sym);
    bool far = pointer->off >= REACH || pointer->off <= -REACH;
    if (!far && (in_reach(&at) || in_reach(&variable))) return VSTEP_NEXT;
    return refuse_arithmetic(v, s, reg, pointer, "it would point too far away from its object");
}

static vstep move_pointer(verifier *v, vstate *s, const pst_insn *insn, const vvalue *pointer, const vvalue *number, int reg)
{
    pst_scalar known = vvalue_scalar(s, number), delta = known;
    bool is_const = pst_scalar_is_const(&known);
    const char *why = immovable(s, pointer, is_const, is_const && known.umin == 0 && insn->op == PST_ALU_ADD);
    if (why) return refuse_arithmetic(v, s, reg, pointer, why);
    if (insn->op == PST_ALU_SUB && pointer->kind == V_STACK)
        return refuse_arithmetic(v, s, reg, pointer, "subtraction from a stack pointer is not allowed; add a negative number");
    vstep step = check_reach(v, s, reg, pointer, &known);
    if (step != VSTEP_NEXT) return step;
    vvalue to = *pointer;
    if (insn->op == PST_ALU_SUB) delta = pst_scalar_neg(64, &known);
    if (pst_scalar_is_const(&delta)) {
        to.off = (int64_t)((uint64_t)to.off + delta.umin);
    } else if (pointer->sym == VSYM_NONE && insn->op == PST_ALU_ADD && number->sym != VSYM_ANY) {
        to.sym = number->sym; // exactly
        to.off = (int64_t)((uint64_t)to.off + (uint64_t)number->off);
    } else {
        pst_scalar at = vvalue_scalar(s, pointer), sum = pst_scalar_alu(PST_SCALAR_ADD, 64, &at, &delta);
        to.sym = vsym_new(v, s, &sum);
        to.off = 0;
        if (!to.sym) return vnomem(v);
        vvalue result = {.kind = V_NUMBER, .sym = to.sym}, from = *pointer;
        if (insn->op == PST_ALU_ADD) relate_result(v, s, PST_ALU_ADD, &result, &from, number);
        else relate_result(v, s, PST_ALU_SUB, &result, &from, number);
    }
    step = check_result(v, s, reg, &to);
    if (step != VSTEP_NEXT) return step;
    vreg_set(s, insn->dst, to);
    return VSTEP_NEXT;
}

// The offset of a pointer as a number, where two pointers into the same region can be compared. False: not such a pointer.
static bool offset_in_region(const vvalue *pointer, vvalue *out)
{
    *out = (vvalue){.kind = V_NUMBER, .sym = pointer->sym, .off = pointer->off};
    if (pointer->kind == V_PACKET_END) *out = (vvalue){.kind = V_NUMBER, .sym = VSYM_PACKET};
    return true;
}

static bool same_region(const vvalue *a, const vvalue *b)
{
    bool a_packet = a->kind == V_PACKET || a->kind == V_PACKET_END, b_packet = b->kind == V_PACKET || b->kind == V_PACKET_END;
    if (a_packet && b_packet) return true;
    return a->kind == b->kind && (a->kind == V_META || a->kind == V_CTX || ((a->kind == V_STACK || a->kind == V_PTR) && a->obj == b->obj));
}

// pointer - pointer is a number (privileged mode): exactly known within one region.
static vstep subtract_pointers(verifier *v, vstate *s, const pst_insn *insn, const vvalue *a, const vvalue *b)
{
    vvalue oa, ob, result = vvalue_any();
    if (insn->width == 64 && same_region(a, b) && offset_in_region(a, &oa) && offset_in_region(b, &ob)) {
        pst_insn like = {.op = PST_ALU_SUB, .width = 64, .dst = insn->dst};
        vstep step = binary_numbers(v, s, &like, &oa, &ob);
        if (step != VSTEP_NEXT) return step;
        result = vreg(s, insn->dst);
    } else if (insn->width == 32) {
        pst_scalar low = pst_scalar_unknown(32, false);
        result = vvalue_number(v, s, &low);
    }
    result.flags |= VVALUE_CAST;
    vreg_set(s, insn->dst, result);
    return VSTEP_NEXT;
}

static vstep binary_pointers(verifier *v, vstate *s, const pst_insn *insn, const vvalue *a, const vvalue *b)
{
    bool both = vvalue_is_pointer(a) && vvalue_is_pointer(b);
    const vvalue *pointer = vvalue_is_pointer(a) ? a : b;
    int reg = vvalue_is_pointer(a) ? insn->dst : insn->src;
    if (both) {
        if (insn->op == PST_ALU_SUB && !v->strict) return subtract_pointers(v, s, insn, a, b);
        return refuse_arithmetic(v, s, reg, pointer, v->strict && insn->op == PST_ALU_SUB ? "strict mode does not tell the distance of pointers"
                                                                                          : "two pointers can only be subtracted");
    }
    if (insn->width == 32) {
        if (insn->op != PST_ALU_SUB || v->strict) return refuse_arithmetic(v, s, reg, pointer, "pointers are 64 bits wide");
        pst_scalar low = pst_scalar_unknown(32, false);
        vvalue number = vvalue_number(v, s, &low);
        number.flags |= VVALUE_CAST;
        vreg_set(s, insn->dst, number);
        return VSTEP_NEXT;
    }
    if (insn->op != PST_ALU_ADD && insn->op != PST_ALU_SUB) {
        vstep step = vreject(v, PST_FINDING_POINTER_ARITHMETIC, reg, "%s: \"%s\" cannot be done with a pointer", vkind_text(s, pointer),
                             op_text((pst_alu_op)insn->op));
        vneeded(v, "a number");
        return step;
    }
    if (insn->op == PST_ALU_SUB && pointer == b)
        return refuse_arithmetic(v, s, reg, pointer, "a pointer cannot be subtracted from a number");
    return move_pointer(v, s, insn, pointer, pointer == a ? b : a, reg);
}

// --- All together ---------------------------------------------------------------------------------------------

// NEG and byte swaps: of pointers an unknown number.
static vstep unary(verifier *v, vstate *s, const pst_insn *insn)
{
    vstep step = vstep_use(v, s, insn->dst);
    if (step != VSTEP_NEXT) return step;
    vvalue a = vreg(s, insn->dst);
    pst_scalar known = PST_SCALAR_TOP, result = PST_SCALAR_TOP;
    if (vvalue_is_pointer(&a)) {
        if (v->strict) return refuse_part(v, insn->dst, "another form");
        a.flags |= VVALUE_CAST;
    } else {
        known = vvalue_scalar(s, &a);
        if (insn->kind == PST_KIND_ALU) result = pst_scalar_neg(insn->width, &known);
        else if (insn->op == PST_SWAP_LE) result = pst_scalar_extend(&known, insn->width, false); // the machine is little-endian
        else result = pst_scalar_swap(&known, insn->width);
    }
    vvalue number = vvalue_number(v, s, &result);
    number.flags = a.flags;
    vreg_set(s, insn->dst, number);
    return VSTEP_NEXT;
}

static vstep check_constant(verifier *v, const pst_insn *insn)
{
    if (!(insn->flags & PST_INSN_IMM)) return VSTEP_NEXT;
    switch ((pst_alu_op)insn->op) {
    case PST_ALU_DIV:
    case PST_ALU_SDIV:
    case PST_ALU_MOD:
    case PST_ALU_SMOD:
        if (insn->imm == 0) return vreject(v, PST_FINDING_STRUCTURE, insn->dst, "the program divides by the constant 0");
        return VSTEP_NEXT;
    case PST_ALU_LSH:
    case PST_ALU_RSH:
    case PST_ALU_ARSH:
        if (insn->imm < 0 || insn->imm >= insn->width)
            return vreject(v, PST_FINDING_STRUCTURE, insn->dst, "a shift by %lld: the number has %u bits", (long long)insn->imm, insn->width);
        return VSTEP_NEXT;
    default: return VSTEP_NEXT;
    }
}

// Noted in every state, however the result is computed then: a state that notes nothing would let the fact of another stand for both.
static void note_operands(verifier *v, const vstate *s, const pst_insn *insn, const vvalue *a, const vvalue *b)
{
    pst_scalar_op op = PST_SCALAR_ADD;
    if (!v->fact_values || insn->width != 32) return;
    if (vvalue_is_pointer(a) || vvalue_is_pointer(b) || !scalar_op((pst_alu_op)insn->op, &op)) {
        vfact(v, PST_FACT_UPPER_ZERO, false);
        return;
    }
    pst_scalar ka = vvalue_scalar(s, a), kb = vvalue_scalar(s, b);
    vfacts_operands(v, op, &ka, &kb);
}

static vstep binary(verifier *v, vstate *s, const pst_insn *insn)
{
    vstep step = check_constant(v, insn);
    if (step == VSTEP_NEXT) step = vstep_use(v, s, insn->dst);
    if (step == VSTEP_NEXT && !(insn->flags & PST_INSN_IMM)) step = vstep_use(v, s, insn->src);
    if (step != VSTEP_NEXT) return step;
    vvalue a = copied(v, s, insn->dst);
    vvalue b = insn->flags & PST_INSN_IMM ? vvalue_const((uint64_t)insn->imm) : copied(v, s, insn->src);
    if (insn->op == PST_ALU_DIV || insn->op == PST_ALU_MOD || insn->op == PST_ALU_SDIV || insn->op == PST_ALU_SMOD) {
        pst_scalar divisor = vvalue_scalar(s, &b);
        vfact(v, PST_FACT_DIVISOR, VPLANT(25) || (insn->width == 64 ? divisor.umin > 0 || divisor.smax < 0 : divisor.umin32 > 0 || divisor.smax32 < 0));
    }
    note_operands(v, s, insn, &a, &b);
    if (vvalue_is_pointer(&a) || vvalue_is_pointer(&b)) return binary_pointers(v, s, insn, &a, &b);
    // x ^= x and x -= x are 0, whatever x is.
    if (!(insn->flags & PST_INSN_IMM) && insn->src == insn->dst && (insn->op == PST_ALU_XOR || insn->op == PST_ALU_SUB)) {
        vreg_set(s, insn->dst, vvalue_const(0));
        return VSTEP_NEXT;
    }
    return binary_numbers(v, s, insn, &a, &b);
}

// "r <<= 32; r >>= 32" is how compilers extend the low half without 32-bit moves. Done as one step, it keeps the symbol of a number that fits.
static bool extends_low_half(const verifier *v, const vstate *s, const pst_insn *insn)
{
    const pst_insn *next = insn + 1;
    if (insn->op != PST_ALU_LSH || insn->width != 64 || !(insn->flags & PST_INSN_IMM) || insn->imm != 32) return false;
    if (v->pc + 1 >= v->image->count || v->flow.block_of[v->pc + 1] != v->flow.block_of[v->pc]) return false;
    if (next->kind != PST_KIND_ALU || next->width != 64 || !(next->flags & PST_INSN_IMM) || next->imm != 32 || next->dst != insn->dst) return false;
    return (next->op == PST_ALU_RSH || next->op == PST_ALU_ARSH) && vreg(s, insn->dst).kind == V_NUMBER;
}

static vstep extend_low_half(verifier *v, vstate *s, const pst_insn *insn)
{
    bool is_signed = insn[1].op == PST_ALU_ARSH;
    pst_insn like = {.kind = PST_KIND_ALU, .op = is_signed ? PST_ALU_MOVSX32 : PST_ALU_MOV, .dst = insn->dst, .src = insn->dst,
                     .width = is_signed ? 64 : 32};
    v->go = v->pc + 2;
    v->fact_denied[v->pc + 1] |= PST_FACT_DEAD; // it runs, although it is not stepped on its own
    return extend(v, s, &like, 32);
}

vstep vstep_alu(verifier *v, vstate *s, const pst_insn *insn)
{
    if (insn->kind == PST_KIND_SWAP) return unary(v, s, insn);
    switch ((pst_alu_op)insn->op) {
    case PST_ALU_NEG: return unary(v, s, insn);
    case PST_ALU_MOV:
    case PST_ALU_MOVSX8:
    case PST_ALU_MOVSX16:
    case PST_ALU_MOVSX32: return move(v, s, insn);
    default: return extends_low_half(v, s, insn) ? extend_low_half(v, s, insn) : binary(v, s, insn);
    }
}
