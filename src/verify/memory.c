// memory.c: loads, stores and atomics: what the base register points to, and what the instruction does with the value.
//
// Called by step.c. Each access passes the same gates in the order that Linux's check_mem_access has: the kind of pointer is the one that this
// instruction always has; the alignment; then the rules of the memory, which are in the files beside this one.
// Source: Linux 6.18 kernel/bpf/verifier.c (check_mem_access, check_ptr_alignment, check_atomic, check_ld_abs).
#include "base/bits.h"
#include "verify/memory.h"

// --- What the files beside this one need ----------------------------------------------------------------------------

vvalue vmem_unknown(verifier *v, vstate *s, const vaccess *a)
{
    pst_scalar scalar = pst_scalar_unknown((unsigned)a->size * 8, a->is_signed);
    return vvalue_number(v, s, &scalar);
}

bool vmem_is_fixed(const vstate *s, const vvalue *ptr, int64_t *off)
{
    pst_scalar scalar = vvalue_scalar(s, ptr);
    *off = scalar.smin;
    return pst_scalar_is_const(&scalar);
}

bool vmem_is_null(const vstate *s, const vvalue *value)
{
    int64_t number;
    return value->kind == V_NUMBER && vmem_is_fixed(s, value, &number) && number == 0;
}

void vmem_range(const vstate *s, const vvalue *ptr, int64_t *lo, int64_t *hi)
{
    pst_scalar scalar = vvalue_scalar(s, ptr);
    *lo = scalar.smin;
    *hi = scalar.smax;
    if (*lo == *hi || ptr->sym == VSYM_ANY) return;
    vvalue start = vvalue_const(0), at = {.kind = V_NUMBER, .sym = ptr->sym, .off = ptr->off};
    int64_t above = vrel_bound(s, &at, &start), below = vrel_bound(s, &start, &at);
    if (above < *hi) *hi = above;
    if (below != INT64_MAX && below != INT64_MIN && -below > *lo) *lo = -below;
}

bool vmem_leaks(const verifier *v, const vvalue *value)
{
    return v->strict && !VPLANT(28) && value && (vvalue_is_pointer(value) || (value->flags & VVALUE_CAST));
}

vstep vmem_outside(verifier *v, const vstate *s, const vaccess *a, uint64_t size, const char *what)
{
    int64_t lo, hi;
    vmem_range(s, &a->ptr, &lo, &hi);
    const char *verb = a->is_argument ? "the call's access to" : a->write ? "the store of" : "the load of";
    vreject(v, PST_FINDING_BOUNDS, (int)a->reg, "%s %llu byte%s at r%u may be outside of %s", verb, (unsigned long long)a->size, a->size == 1 ? "" : "s",
            a->reg, what);
    if (a->size > size) vneeded(v, "at most %llu bytes: all that %s has", (unsigned long long)size, what);
    else vneeded(v, "an offset from 0 to %llu", (unsigned long long)(size - a->size));
    vknown(v, s, &a->ptr);
    if (lo == hi) vhint(v, "%s has %llu bytes: on the path shown the index or the field is outside of them", what, (unsigned long long)size);
    else if (lo < 0) vhint(v, "the offset may be negative: make the index unsigned, or compare it with 0 first");
    else vhint(v, "compare the index with the number of elements in the same register that is added, or mask it ('index &= COUNT - 1')");
    return VSTEP_REJECT;
}

vstep vmem_within(verifier *v, const vstate *s, const vaccess *a, uint64_t size, const char *what)
{
    int64_t lo, hi;
    vmem_range(s, &a->ptr, &lo, &hi);
    if (lo < 0 || hi < lo || a->size > size || (uint64_t)hi > size - a->size + (VPLANT(5) ? 1u : 0u)) return vmem_outside(v, s, a, size, what);
    return VSTEP_NEXT;
}

// --- The gates -------------------------------------------------------------------------------------------------------

// Kinds of operand that one instruction may not mix: engines (and Linux) compile the instruction for one of them. 0: any plain memory.
static uint32_t operand_class(const vstate *s, const vvalue *base)
{
    if (base->kind == V_CTX) return 1;
    if (base->kind != V_PTR) return 0;
    const vobj *obj = &s->objs[base->obj];
    switch ((vobj_kind)obj->kind) {
    case VO_SOCK: return obj->desc == &pst_struct_sock ? 2 : obj->desc == &pst_struct_tcp_sock ? 3 : 4;
    case VO_BTF: return 5;
    case VO_ALLOC: return 6;
    case VO_FREE: case VO_MAP: case VO_MAP_VALUE: case VO_MEM: case VO_RINGBUF: case VO_STRUCT: case VO_DYNPTR: case VO_ITER: case VO_IRQ:
    case VO_PERCPU: case VO_REF: break;
    }
    return 0;
}

static vstep note_operand(verifier *v, const vstate *s, unsigned reg, const vvalue *base)
{
    uint32_t seen = operand_class(s, base) + 1, *before = &v->insn_seen[v->pc];
    if (base->kind == V_CTX) seen |= ((uint32_t)base->off & 0xffff) << 8;
    if (*before && *before != seen) {
        vreject(v, PST_FINDING_TYPE, (int)reg, "r%u is %s here, and a pointer of another kind on another path: one instruction cannot do both", reg,
                vkind_text(s, base));
        vhint(v, "load on each path before the paths meet; a compiler barrier keeps the loads apart");
        return VSTEP_REJECT;
    }
    *before = seen;
    vfact(v, PST_FACT_CONTEXT, base->kind == V_CTX);
    vfact(v, PST_FACT_STEADY, base->sym == VSYM_NONE);
    if (base->kind == V_CTX) v->fact_context[v->pc] = (int16_t)base->off;
    return VSTEP_NEXT;
}

// Whether objects of this kind start at a multiple of 8. Packets start anywhere, and so may what a helper returns.
static bool starts_aligned(const vstate *s, const vvalue *ptr)
{
    if (ptr->kind == V_STACK || ptr->kind == V_CTX) return true;
    if (ptr->kind != V_PTR) return false;
    const vobj *obj = &s->objs[ptr->obj];
    return obj->kind == VO_MAP_VALUE || obj->kind == VO_RINGBUF || obj->kind == VO_ALLOC;
}

static bool is_aligned(const pst_scalar *offset, uint64_t size) { return ((offset->bits.value | offset->bits.mask) & (size - 1)) == 0; }

bool vmem_aligned(const vstate *s, const vvalue *ptr, uint64_t size)
{
    bool starts = starts_aligned(s, ptr) || (ptr->kind == V_PTR && s->objs[ptr->obj].kind == VO_MEM && !(s->objs[ptr->obj].flags & VOBJ_UNALIGNED));
    pst_scalar offset = vvalue_scalar(s, ptr);
    return starts && is_aligned(&offset, size);
}

static vstep check_alignment(verifier *v, const vstate *s, const vaccess *a)
{
    pst_scalar offset = vvalue_scalar(s, &a->ptr);
    vfact(v, PST_FACT_ALIGNED, a->size == 1 || (starts_aligned(s, &a->ptr) && is_aligned(&offset, a->size)));
    bool on_stack = a->ptr.kind == V_STACK, strict = on_stack || a->is_atomic;
    if ((v->opts.flags & PST_VERIFY_STRICT_ALIGNMENT) && !(v->opts.flags & PST_VERIFY_ANY_ALIGNMENT)) strict = true;
    if (!strict || a->size == 1) return VSTEP_NEXT;
    if (a->is_atomic && a->ptr.kind == V_PTR && (s->objs[a->ptr.obj].flags & VOBJ_UNALIGNED) && !VPLANT(54)) {
        vreject(v, PST_FINDING_ALIGNMENT, (int)a->reg, "an atomic access of %llu bytes through r%u, which is a part of a dynptr and may start anywhere",
                (unsigned long long)a->size, a->reg);
        vhint(v, "load and store, or use memory of a map's value for what others change at the same time");
        return VSTEP_REJECT;
    }
    vvalue at = a->ptr;
    if (at.kind == V_PACKET || at.kind == V_META) at.off = (int64_t)((uint64_t)at.off + 2); // Linux's NET_IP_ALIGN
    pst_scalar scalar = vvalue_scalar(s, &at);
    if (is_aligned(&scalar, a->size)) return VSTEP_NEXT;
    vreject(v, PST_FINDING_ALIGNMENT, (int)a->reg, "%s of %llu bytes at r%u is not aligned to its size",
            a->is_atomic ? "an atomic access" : on_stack ? "a stack access" : "an access", (unsigned long long)a->size, a->reg);
    vneeded(v, "an offset that is a multiple of %llu", (unsigned long long)a->size);
    vknown(v, s, &a->ptr);
    return VSTEP_REJECT;
}

static vstep not_memory(verifier *v, const vstate *s, const vaccess *a)
{
    const vvalue *ptr = &a->ptr;
    switch ((vkind)ptr->kind) {
    case V_UNINIT: return vreject(v, PST_FINDING_UNINITIALISED, (int)a->reg, "r%u was never written", a->reg);
    case V_NUMBER: {
        vreject(v, PST_FINDING_TYPE, (int)a->reg, "r%u is a number, not a pointer", a->reg);
        vneeded(v, "a pointer to memory");
        vvalue base = vreg(s, a->reg);
        vknown(v, s, &base);
        if (vvalue_is_const(&base) && base.off == 0) vhint(v, "this path has a null pointer: leave before it is used");
        else vhint(v, "a pointer that was cut to 32 bits, multiplied, or released is a number; other kernel memory is read by bpf_probe_read_kernel");
        return VSTEP_REJECT;
    }
    case V_PACKET_END: return vreject(v, PST_FINDING_TYPE, (int)a->reg, "r%u is the end of the packet: it can be compared with, not accessed", a->reg);
    case V_MAP: return vreject(v, PST_FINDING_TYPE, (int)a->reg, "r%u is a map, which only helpers change", a->reg);
    case V_FUNC: return vreject(v, PST_FINDING_TYPE, (int)a->reg, "r%u is the address of a function, not of memory", a->reg);
    case V_CTX: case V_STACK: case V_PACKET: case V_META: case V_PTR: break;
    }
    return vreject(v, PST_FINDING_TYPE, (int)a->reg, "r%u is %s, which cannot be accessed", a->reg, vkind_text(s, ptr));
}

static vstep load_value(verifier *v, vstate *s, const vaccess *a, vvalue *out)
{
    vstep step = check_alignment(v, s, a);
    if (step != VSTEP_NEXT) return step;
    vvalue unused;
    switch ((vkind)a->ptr.kind) {
    case V_STACK: return vstack_load(v, s, a, out);
    case V_CTX: return vcontext_load(v, s, a, out ? out : &unused);
    case V_PACKET: case V_META:
        step = vpacket_check(v, s, a);
        if (step == VSTEP_NEXT && out) *out = vmem_unknown(v, s, a);
        return step;
    case V_MAP: return vbtf_map_load(v, s, a, out ? out : &unused);
    case V_PTR: return vobject_load(v, s, a, out ? out : &unused);
    case V_UNINIT: case V_NUMBER: case V_PACKET_END: case V_FUNC: break;
    }
    return not_memory(v, s, a);
}

static vstep store_value(verifier *v, vstate *s, const vaccess *a, const vvalue *value)
{
    vstep step = check_alignment(v, s, a);
    if (step != VSTEP_NEXT) return step;
    if (a->ptr.kind != V_STACK && vmem_leaks(v, value)) {
        vreject(v, PST_FINDING_POINTER_LEAK, (int)a->reg, "a pointer is stored through r%u, %s: that would leak an address", a->reg, vkind_text(s, &a->ptr));
        vknown(v, s, value);
        vhint(v, "strict mode lets no address of the host leave the program");
        return VSTEP_REJECT;
    }
    switch ((vkind)a->ptr.kind) {
    case V_STACK: return vstack_store(v, s, a, value);
    case V_CTX: return vcontext_store(v, s, a);
    case V_PACKET: case V_META: return vpacket_check(v, s, a);
    case V_PTR: return vobject_store(v, s, a, value);
    case V_UNINIT: case V_NUMBER: case V_PACKET_END: case V_MAP: case V_FUNC: break;
    }
    return not_memory(v, s, a);
}

static vaccess access_of(const vvalue *base, unsigned reg, const pst_insn *insn)
{
    vaccess a = {.reg = reg, .ptr = *base, .size = insn->width / 8u};
    a.ptr.off = (int64_t)((uint64_t)base->off + (uint64_t)(int64_t)insn->off);
    return a;
}

// What atomic instructions may not touch at all.
static vstep check_atomic_operand(verifier *v, const vstate *s, const vaccess *a)
{
    vkind kind = (vkind)a->ptr.kind;
    bool refused = kind == V_CTX || kind == V_PACKET || kind == V_META || kind == V_PACKET_END;
    if (kind == V_PTR) refused = s->objs[a->ptr.obj].kind == VO_SOCK || s->objs[a->ptr.obj].kind == VO_STRUCT;
    if (!refused) return VSTEP_NEXT;
    vreject(v, PST_FINDING_TYPE, (int)a->reg, "r%u is %s, through which atomic instructions may not go", a->reg, vkind_text(s, &a->ptr));
    vhint(v, "use a plain load and store, or keep the counter in a map");
    return VSTEP_REJECT;
}

// --- Instructions ------------------------------------------------------------------------------------------------------

vstep vmem_load(verifier *v, vstate *s, const pst_insn *insn)
{
    vstep step = vstep_use(v, s, insn->src);
    if (step != VSTEP_NEXT) return step;
    vvalue base = vreg(s, insn->src), value = {0};
    vaccess a = access_of(&base, insn->src, insn);
    a.is_signed = (insn->flags & PST_INSN_SIGNED) != 0;
    a.is_atomic = insn->kind == PST_KIND_LOAD_ACQUIRE;
    if (a.is_atomic) step = check_atomic_operand(v, s, &a);
    if (step == VSTEP_NEXT) step = load_value(v, s, &a, &value);
    if (step == VSTEP_NEXT) step = note_operand(v, s, insn->src, &base);
    if (step == VSTEP_NEXT) vreg_set(s, insn->dst, value);
    return step;
}

vstep vmem_store(verifier *v, vstate *s, const pst_insn *insn)
{
    bool is_imm = (insn->flags & PST_INSN_IMM) != 0;
    vstep step = is_imm ? VSTEP_NEXT : vstep_use(v, s, insn->src);
    if (step == VSTEP_NEXT) step = vstep_use(v, s, insn->dst);
    if (step != VSTEP_NEXT) return step;
    vvalue base = vreg(s, insn->dst);
    vvalue *source = is_imm || insn->src == PST_REG_FP ? NULL : &vstate_frame(s)->regs[insn->src];
    if (source && source->kind == V_NUMBER && base.kind == V_STACK && insn->width == 64 && !vstate_own(v, s, source))
        return vnomem(v); // the copy is the same number
    vvalue value = is_imm ? vvalue_const((uint64_t)insn->imm) : vreg(s, insn->src);
    vaccess a = access_of(&base, insn->dst, insn);
    a.write = true;
    a.is_atomic = insn->kind == PST_KIND_STORE_RELEASE;
    if (a.is_atomic) step = check_atomic_operand(v, s, &a);
    if (step == VSTEP_NEXT) step = store_value(v, s, &a, &value);
    if (step == VSTEP_NEXT) step = note_operand(v, s, insn->dst, &base);
    return step;
}

static vstep check_atomic_source(verifier *v, vstate *s, unsigned reg)
{
    vstep step = vstep_use(v, s, reg);
    if (step != VSTEP_NEXT) return step;
    vvalue value = vreg(s, reg);
    if (!vmem_leaks(v, &value)) return VSTEP_NEXT;
    vreject(v, PST_FINDING_POINTER_LEAK, (int)reg, "r%u is a pointer, which an atomic instruction would write to memory", reg);
    vknown(v, s, &value);
    return VSTEP_REJECT;
}

vstep vmem_atomic(verifier *v, vstate *s, const pst_insn *insn)
{
    bool is_exchange = insn->op == PST_ATOMIC_CMPXCHG;
    vstep step = check_atomic_source(v, s, insn->src);
    if (step == VSTEP_NEXT) step = vstep_use(v, s, insn->dst);
    if (step == VSTEP_NEXT && is_exchange) step = check_atomic_source(v, s, 0);
    if (step != VSTEP_NEXT) return step;
    vvalue base = vreg(s, insn->dst), old = {0};
    vaccess a = access_of(&base, insn->dst, insn);
    a.is_atomic = true;
    step = check_atomic_operand(v, s, &a);
    if (step == VSTEP_NEXT) step = load_value(v, s, &a, NULL);
    if (step != VSTEP_NEXT) return step;
    if (insn->flags & PST_INSN_FETCH) step = load_value(v, s, &a, &old);
    a.write = true;
    if (step == VSTEP_NEXT) step = store_value(v, s, &a, NULL);
    if (step == VSTEP_NEXT) step = note_operand(v, s, insn->dst, &base);
    if (step != VSTEP_NEXT || !(insn->flags & PST_INSN_FETCH)) return step;
    vreg_set(s, is_exchange ? 0 : insn->src, old);
    return VSTEP_NEXT;
}

// --- BPF_ABS and BPF_IND -------------------------------------------------------------------------------------------------

// The program ends here when the bytes are not in the packet: nothing may be held.
static vstep check_nothing_held(verifier *v, const vstate *s)
{
    if (s->lock_count || s->rcu_depth || s->preempt_depth || s->irq_id)
        return vreject(v, PST_FINDING_LOCK, -1, "this load ends the program when the packet is too short, which is not allowed %s",
                       s->lock_count ? "while a lock is held" : s->rcu_depth ? "in an RCU read-side section"
                       : s->preempt_depth ? "with preemption disabled" : "with interrupts disabled");
    for (uint32_t i = 0; i < s->obj_count; i++)
        if (s->objs[i].kind != VO_FREE && (s->objs[i].flags & (VOBJ_MUST_RELEASE | VOBJ_ACTIVE)))
            return vreject(v, PST_FINDING_REFERENCE, -1, "this load ends the program when the packet is too short, and a reference is still held");
    return VSTEP_NEXT;
}

vstep vmem_legacy(verifier *v, vstate *s, const pst_insn *insn)
{
    if (!v->type->legacy_loads)
        return vreject(v, PST_FINDING_INSTRUCTION, -1, "programs of type %s may not use the legacy packet loads (BPF_ABS, BPF_IND)", v->type->name);
    vstep step = vstep_use(v, s, 6);
    if (step == VSTEP_NEXT) step = check_nothing_held(v, s);
    if (step != VSTEP_NEXT) return step;
    vvalue ctx = vreg(s, 6);
    if (ctx.kind != V_CTX || ctx.sym != VSYM_NONE || ctx.off != 0) {
        vreject(v, PST_FINDING_TYPE, 6, "legacy packet loads need the context in r6");
        vknown(v, s, &ctx);
        return VSTEP_REJECT;
    }
    if (insn->op == PST_LEGACY_IND) {
        step = vstep_use(v, s, insn->src);
        if (step != VSTEP_NEXT) return step;
        vvalue index = vreg(s, insn->src);
        if (vmem_leaks(v, &index)) return vreject(v, PST_FINDING_POINTER_LEAK, insn->src, "r%u is a pointer, not an index into the packet", insn->src);
    }
    step = vcall_early_return(v, s);
    if (step != VSTEP_NEXT) return step;
    for (unsigned reg = 1; reg <= 5; reg++) vreg_set(s, reg, (vvalue){.kind = V_UNINIT});
    pst_scalar scalar = pst_scalar_unknown(insn->width, false);
    vreg_set(s, 0, vvalue_number(v, s, &scalar));
    return VSTEP_NEXT;
}
