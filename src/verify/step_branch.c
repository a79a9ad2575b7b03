// step_branch.c: conditional jumps: which ways are possible, and what is known on each.
//
// Pointers into one region are compared by their offsets, which are numbers like any other: the check of a packet's bounds is the
// relation "offset + n <= length". Comparisons with 0 tell whether an object is null.
#include "verify/verifier.h"

static pst_scalar_cmp cmp_of(pst_jump_op op)
{
    switch (op) {
    case PST_JUMP_JEQ: return PST_SCALAR_EQ;
    case PST_JUMP_JGT: return PST_SCALAR_GT;
    case PST_JUMP_JGE: return PST_SCALAR_GE;
    case PST_JUMP_JSET: return PST_SCALAR_SET;
    case PST_JUMP_JNE: return PST_SCALAR_NE;
    case PST_JUMP_JSGT: return PST_SCALAR_SGT;
    case PST_JUMP_JSGE: return PST_SCALAR_SGE;
    case PST_JUMP_JLT: return PST_SCALAR_LT;
    case PST_JUMP_JLE: return PST_SCALAR_LE;
    case PST_JUMP_JSLT: return PST_SCALAR_SLT;
    case PST_JUMP_JSLE: return PST_SCALAR_SLE;
    }
    PST_UNREACHABLE();
}

// The signed comparison that an unsigned one of two numbers, neither of them negative, is equal to.
static pst_scalar_cmp as_signed(pst_scalar_cmp cmp)
{
    switch (cmp) {
    case PST_SCALAR_GT: return PST_SCALAR_SGT;
    case PST_SCALAR_GE: return PST_SCALAR_SGE;
    case PST_SCALAR_LT: return PST_SCALAR_SLT;
    case PST_SCALAR_LE: return PST_SCALAR_SLE;
    case PST_SCALAR_EQ:
    case PST_SCALAR_NE:
    case PST_SCALAR_SGT:
    case PST_SCALAR_SGE:
    case PST_SCALAR_SLT:
    case PST_SCALAR_SLE:
    case PST_SCALAR_SET:
    case PST_SCALAR_NSET: return cmp;
    }
    PST_UNREACHABLE();
}

static bool is_unsigned(pst_scalar_cmp cmp)
{
    return cmp == PST_SCALAR_GT || cmp == PST_SCALAR_GE || cmp == PST_SCALAR_LT || cmp == PST_SCALAR_LE;
}

// Whether the comparison at this width is the signed 64-bit one of the whole values: only then may it become a relation.
static bool is_plain(pst_scalar_cmp cmp, unsigned width, const pst_scalar *a, const pst_scalar *b)
{
    if (width == 32) return a->smin >= 0 && b->smin >= 0 && a->smax <= INT32_MAX && b->smax <= INT32_MAX;
    return !is_unsigned(cmp) || (a->smin >= 0 && b->smin >= 0);
}

// --- Numbers --------------------------------------------------------------------------------------------------

// Notes a cmp b (signed, 64 bits) as relations. False: infeasible.
static bool relate(verifier *v, vstate *s, pst_scalar_cmp cmp, const vvalue *a, const vvalue *b)
{
    switch (cmp) {
    case PST_SCALAR_EQ: return vrel_add(v, s, a, b, 0) && vrel_add(v, s, b, a, 0);
    case PST_SCALAR_NE: // at a bound, one less
        if (vrel_bound(s, a, b) == 0 && !vrel_add(v, s, a, b, -1)) return false;
        return vrel_bound(s, b, a) != 0 || vrel_add(v, s, b, a, -1);
    case PST_SCALAR_SGT: return vrel_add(v, s, b, a, -1);
    case PST_SCALAR_SGE: return vrel_add(v, s, b, a, VPLANT(1) ? -1 : 0);
    case PST_SCALAR_SLT: return vrel_add(v, s, a, b, -1);
    case PST_SCALAR_SLE: return vrel_add(v, s, a, b, 0);
    case PST_SCALAR_GT:
    case PST_SCALAR_GE:
    case PST_SCALAR_LT:
    case PST_SCALAR_LE:
    case PST_SCALAR_SET:
    case PST_SCALAR_NSET: return true;
    }
    PST_UNREACHABLE();
}

// s becomes what is known where a cmp b holds. False: it cannot hold.
static bool assume(verifier *v, vstate *s, pst_scalar_cmp cmp, unsigned width, const vvalue *a, const vvalue *b)
{
    pst_scalar ka = vvalue_scalar(s, a), kb = vvalue_scalar(s, b);
    if (!pst_scalar_assume(cmp, width, &ka, &kb)) return false;
    if (!vvalue_refine(s, a, &ka) || !vvalue_refine(s, b, &kb)) return false;
    ka = vvalue_scalar(s, a);
    kb = vvalue_scalar(s, b);
    if (a->sym == VSYM_NONE && b->sym == VSYM_NONE) return true;
    return !is_plain(cmp, width, &ka, &kb) || relate(v, s, as_signed(cmp), a, b);
}

// 1: a cmp b always holds, 0: never, -1: unknown. By intervals, then by relations.
static int decide(const vstate *s, pst_scalar_cmp cmp, unsigned width, const vvalue *a, const vvalue *b)
{
    pst_scalar ka = vvalue_scalar(s, a), kb = vvalue_scalar(s, b);
    int answer = pst_scalar_decide(cmp, width, &ka, &kb);
    if (answer >= 0 || !is_plain(cmp, width, &ka, &kb)) return answer;
    int64_t ab = vrel_bound(s, a, b), ba = vrel_bound(s, b, a); // a - b <= ab, b - a <= ba
    switch (as_signed(cmp)) {
    case PST_SCALAR_EQ: return ab < 0 || ba < 0 ? 0 : ab == 0 && ba == 0 ? 1 : -1;
    case PST_SCALAR_NE: return ab < 0 || ba < 0 ? 1 : ab == 0 && ba == 0 ? 0 : -1;
    case PST_SCALAR_SGT: return ba < 0 ? 1 : ab <= 0 ? 0 : -1;
    case PST_SCALAR_SGE: return ba <= 0 ? 1 : ab < 0 ? 0 : -1;
    case PST_SCALAR_SLT: return ab < (VPLANT(2) ? 1 : 0) ? 1 : ba <= 0 ? 0 : -1;
    case PST_SCALAR_SLE: return ab <= 0 ? 1 : ba < 0 ? 0 : -1;
    case PST_SCALAR_GT:
    case PST_SCALAR_GE:
    case PST_SCALAR_LT:
    case PST_SCALAR_LE:
    case PST_SCALAR_SET:
    case PST_SCALAR_NSET: return -1;
    }
    PST_UNREACHABLE();
}

// --- Both ways ------------------------------------------------------------------------------------------------

typedef struct ways {
    pst_scalar_cmp cmp;
    unsigned width;
    vvalue a, b;
    uint32_t target;
} ways;

// Hands the way of the jump to the engine, and goes on with the other one in place.
static vstep take_both(verifier *v, vstate *s, const ways *w)
{
    int known = decide(s, w->cmp, w->width, &w->a, &w->b);
    if (known == 1) v->go = w->target;
    if (known >= 0) return VSTEP_NEXT;
    vstate *jumped = vstate_clone(v, s);
    if (!jumped) return vnomem(v);
    if (assume(v, jumped, w->cmp, w->width, &w->a, &w->b)) {
        vstep step = vengine_arrive(v, jumped, w->target);
        if (step != VSTEP_END) return step;
    } else {
        vstate_free(v, jumped);
    }
    return assume(v, s, pst_scalar_cmp_not(w->cmp), w->width, &w->a, &w->b) ? VSTEP_NEXT : VSTEP_END;
}

static vstep unknown_ways(verifier *v, const vstate *s, uint32_t target)
{
    vstep step = vengine_fork(v, s, target);
    return step == VSTEP_END ? VSTEP_NEXT : step;
}

// --- Pointers -------------------------------------------------------------------------------------------------

static bool may_be_null(const vstate *s, const vvalue *value)
{
    return value->kind == V_PTR && (s->objs[value->obj].flags & VOBJ_MAYBE_NULL);
}

// A pointer that was read out of a struct of the host may be null although nothing says so: reads through it are protected. A host may have an
// empty packet nowhere, and run a program that asks nothing of its context without one; Linux rules nothing out here either.
static bool is_unsure(const vstate *s, const vvalue *value)
{
    if (value->kind == V_CTX || value->kind == V_PACKET || value->kind == V_META || value->kind == V_PACKET_END) return true;
    if (value->kind != V_PTR) return false;
    const vobj *obj = &s->objs[value->obj];
    return (obj->flags & VOBJ_UNTRUSTED) || ((obj->kind == VO_BTF || obj->kind == VO_PERCPU) && !(obj->flags & VOBJ_TRUSTED) && obj->ref == 0);
}

// The pointer is compared with 0: is_null_way says whether the jump is taken when it is null.
static vstep null_check(verifier *v, vstate *s, const vvalue *pointer, bool jumps_if_null, uint32_t target)
{
    if (!may_be_null(s, pointer)) {
        if (is_unsure(s, pointer)) return unknown_ways(v, s, target);
        if (!jumps_if_null) v->go = target;
        return VSTEP_NEXT;
    }
    vstate *jumped = vstate_clone(v, s);
    if (!jumped) return vnomem(v);
    vobj_resolve_null(jumped, pointer->obj, jumps_if_null);
    vobj_resolve_null(s, pointer->obj, !jumps_if_null);
    vstep step = vengine_arrive(v, jumped, target);
    return step == VSTEP_END ? VSTEP_NEXT : step;
}

// Pointers into one region as numbers; false where their order says nothing.
static bool comparable(const vstate *s, const vvalue *a, const vvalue *b, vvalue *na, vvalue *nb)
{
    bool a_packet = a->kind == V_PACKET || a->kind == V_PACKET_END, b_packet = b->kind == V_PACKET || b->kind == V_PACKET_END;
    *na = (vvalue){.kind = V_NUMBER, .sym = a->kind == V_PACKET_END ? VSYM_PACKET : a->sym, .off = a->kind == V_PACKET_END ? 0 : a->off};
    *nb = (vvalue){.kind = V_NUMBER, .sym = b->kind == V_PACKET_END ? VSYM_PACKET : b->sym, .off = b->kind == V_PACKET_END ? 0 : b->off};
    if (a_packet && b_packet) {
    } else if (a->kind == V_META && b->kind == V_PACKET && b->sym == VSYM_NONE) {
        nb->sym = VSYM_META; // the packet starts where its metadata end
    } else if (b->kind == V_META && a->kind == V_PACKET && a->sym == VSYM_NONE) {
        na->sym = VSYM_META;
    } else if (a->kind != b->kind || (a->kind != V_META && a->kind != V_CTX && a->kind != V_STACK && a->kind != V_PTR)) {
        return false;
    } else if ((a->kind == V_STACK || a->kind == V_PTR) && a->obj != b->obj) {
        return false;
    }
    if (may_be_null(s, a) || may_be_null(s, b)) return false;
    // An offset so large that the address may wrap says nothing about the order of offsets. No object lies below the first 64 KiB.
    pst_scalar ka = vvalue_scalar(s, na), kb = vvalue_scalar(s, nb);
    const int64_t near = 65536, far = (int64_t)VPACKET_MAX * 2;
    return VPLANT(3) ? true : ka.smin >= -near && ka.smax <= far && kb.smin >= -near && kb.smax <= far;
}

static vstep refuse_comparison(verifier *v, const vstate *s, const pst_insn *insn, const vvalue *a)
{
    vstep step = vreject(v, PST_FINDING_POINTER_LEAK, insn->dst, "%s is compared with something else than null or the packet's end",
                         vkind_text(s, a));
    vhint(v, "strict mode hides addresses");
    return step;
}

// Whether the address may wrap: then the comparison would tell where the packet lies. Objects lie above the first 64 KiB and end far below the last
// address.
static bool may_wrap(const vstate *s, const vvalue *pointer)
{
    pst_scalar at = vvalue_scalar(s, pointer);
    return pointer->kind != V_PACKET_END && (at.smin < -65536 || at.smax > ((int64_t)1 << 34));
}

static vstep refuse_wrap(verifier *v, const pst_insn *insn)
{
    vstep step = vreject(v, PST_FINDING_POINTER_LEAK, insn->dst, "a packet pointer is compared whose offset may be so large that its address wraps");
    vhint(v, "strict mode hides addresses: compare the offset with a limit before it is added");
    return step;
}

static vstep compare_pointers(verifier *v, vstate *s, const pst_insn *insn, const ways *w)
{
    vvalue na, nb;
    bool packets = w->a.kind >= V_PACKET && w->a.kind <= V_PACKET_END && w->b.kind >= V_PACKET && w->b.kind <= V_PACKET_END;
    if (v->strict && (!packets || w->width == 32)) return refuse_comparison(v, s, insn, &w->a);
    if (v->strict && (may_wrap(s, &w->a) || may_wrap(s, &w->b))) return refuse_wrap(v, insn);
    if (w->width == 32 || !comparable(s, &w->a, &w->b, &na, &nb)) {
        // Equal pointers are both not null, if one of them is known not to be.
        bool equality = w->width == 64 && (w->cmp == PST_SCALAR_EQ || w->cmp == PST_SCALAR_NE);
        if (equality && may_be_null(s, &w->a) != may_be_null(s, &w->b)) {
            vstate *equal = vstate_clone(v, s);
            if (!equal) return vnomem(v);
            const vvalue *unknown = may_be_null(s, &w->a) ? &w->a : &w->b, *known = unknown == &w->a ? &w->b : &w->a;
            bool trusted = known->kind != V_PTR || s->objs[known->obj].kind != VO_BTF;
            if (trusted) vobj_resolve_null(equal, unknown->obj, false);
            uint32_t next = v->pc + 1, equal_at = w->cmp == PST_SCALAR_EQ ? w->target : next;
            vstep step = vengine_arrive(v, equal, equal_at);
            if (step != VSTEP_END) return step;
            v->go = equal_at == next ? w->target : next;
            return VSTEP_NEXT;
        }
        return unknown_ways(v, s, w->target);
    }
    ways numbers = *w;
    numbers.cmp = w->cmp == PST_SCALAR_SET || w->cmp == PST_SCALAR_NSET ? w->cmp : as_signed(w->cmp);
    numbers.a = na;
    numbers.b = nb;
    if (numbers.cmp == PST_SCALAR_SET || numbers.cmp == PST_SCALAR_NSET || numbers.cmp != as_signed(w->cmp)) return unknown_ways(v, s, w->target);
    return take_both(v, s, &numbers);
}

static vstep compare_with_number(verifier *v, vstate *s, const pst_insn *insn, const ways *w)
{
    bool a_points = vvalue_is_pointer(&w->a);
    const vvalue *pointer = a_points ? &w->a : &w->b, *number = a_points ? &w->b : &w->a;
    bool equality = w->cmp == PST_SCALAR_EQ || w->cmp == PST_SCALAR_NE;
    if (w->width == 64 && equality && vvalue_is_const(number) && number->off == 0)
        return null_check(v, s, pointer, w->cmp == PST_SCALAR_EQ, w->target);
    if (v->strict) return refuse_comparison(v, s, insn, pointer);
    return unknown_ways(v, s, w->target);
}

static vvalue operand(verifier *v, vstate *s, unsigned reg)
{
    vvalue value = vreg(s, reg);
    if (value.kind == V_NUMBER && reg != PST_REG_FP && vstate_own(v, s, &vstate_frame(s)->regs[reg])) value = vreg(s, reg);
    return value;
}

vstep vstep_branch(verifier *v, vstate *s, const pst_insn *insn)
{
    bool by_imm = insn->flags & PST_INSN_IMM;
    vstep step = vstep_use(v, s, insn->dst);
    if (step == VSTEP_NEXT && !by_imm) step = vstep_use(v, s, insn->src);
    if (step != VSTEP_NEXT) return step;
    ways w = {.cmp = cmp_of((pst_jump_op)insn->op), .width = insn->width, .target = (uint32_t)((int64_t)v->pc + 1 + insn->target)};
    w.a = operand(v, s, insn->dst);
    w.b = by_imm ? vvalue_const((uint64_t)insn->imm) : operand(v, s, insn->src);
    if (w.target == v->pc + 1) return VSTEP_NEXT; // both ways are one
    bool a_points = vvalue_is_pointer(&w.a), b_points = vvalue_is_pointer(&w.b);
    if (a_points && b_points) return compare_pointers(v, s, insn, &w);
    if (a_points || b_points) return compare_with_number(v, s, insn, &w);
    return take_both(v, s, &w);
}
