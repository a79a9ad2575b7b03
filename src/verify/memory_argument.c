// memory_argument.c: memory that a program hands to a helper: is all of it there, may it be read or written.
//
// Called by call*.c with the sizes that the call's prototype or its size argument gives.
// Source: Linux's check_mem_size_reg and check_helper_mem_access.
#include "verify/memory.h"

static vstep size_refused(verifier *v, const vstate *s, unsigned reg, uint64_t size_min, uint64_t size_max)
{
    (void)s;
    if (size_max > INT64_MAX) {
        vreject(v, PST_FINDING_BOUNDS, (int)reg, "the size of the memory at r%u may be negative or too large", reg);
        vhint(v, "make the size unsigned and compare it with a constant, or mask it ('size &= 0xff')");
    } else if (size_max >= (uint64_t)VMEM_OFFSET_MAX) {
        vreject(v, PST_FINDING_BOUNDS, (int)reg, "the size of the memory at r%u may be too large", reg);
        vhint(v, "compare the size with a constant first, or mask it ('size &= 0xff')");
    } else {
        vreject(v, PST_FINDING_BOUNDS, (int)reg, "the size of the memory at r%u may be 0", reg);
        vhint(v, "leave when the size is 0, or add 1 to a masked size");
    }
    vneeded(v, "a size from %u to %lld", size_min == 0 && size_max < (uint64_t)VMEM_OFFSET_MAX ? 1u : 0u, (long long)VMEM_OFFSET_MAX - 1);
    return VSTEP_REJECT;
}

static bool is_helper_call(const verifier *v)
{
    const pst_insn *insn = &v->image->insns[v->pc];
    return insn->kind == PST_KIND_CALL && insn->op == PST_CALL_HELPER;
}

static vstep wrong_argument(verifier *v, const vstate *s, const vaccess *a, const char *why)
{
    vreject(v, PST_FINDING_ARGUMENT, (int)a->reg, "r%u must point to memory of %llu bytes%s", a->reg, (unsigned long long)a->size, why);
    vvalue value = vreg(s, a->reg);
    vknown(v, s, &value);
    vhint(v, "copy the bytes to the stack or to a map's value first");
    return VSTEP_REJECT;
}

static vstep packet_argument(verifier *v, vstate *s, const vaccess *a, uint32_t access)
{
    if (!(access & VMEM_PACKET_OK)) return wrong_argument(v, s, a, "; this call takes none in the packet");
    return vpacket_check(v, s, a);
}

// The context of programs that see it as plain memory (kfuncs only).
static vstep context_argument(verifier *v, vstate *s, const vaccess *a)
{
    if (v->type->number != PST_PROG_SYSCALL || is_helper_call(v)) return wrong_argument(v, s, a, ", not to the context");
    if (a->write && !v->type->raw_ctx_write)
        return vreject(v, PST_FINDING_READ_ONLY, (int)a->reg, "the context of programs of type %s may only be read", v->type->name);
    return vmem_within(v, s, a, v->type->abi_size, "the context");
}

static vstep btf_argument(verifier *v, vstate *s, const vaccess *a)
{
    const vobj *obj = &s->objs[a->ptr.obj];
    if (a->write) return vreject(v, PST_FINDING_READ_ONLY, (int)a->reg, "r%u points to a struct of the host, which may only be read", a->reg);
    bool trusted = (obj->flags & VOBJ_TRUSTED) || obj->ref;
    if (is_helper_call(v) && (!trusted || (obj->flags & VOBJ_UNTRUSTED)))
        return wrong_argument(v, s, a, "; this pointer to a struct of the host is not known to be valid");
    vvalue unused;
    return vbtf_load(v, s, a, &unused);
}

static vstep object_argument(verifier *v, vstate *s, const vaccess *a)
{
    const pst_record *kptr;
    const vobj *obj = &s->objs[a->ptr.obj];
    if (obj->flags & VOBJ_MAYBE_NULL) {
        vreject(v, PST_FINDING_NULL_POINTER, (int)a->reg, "r%u may be null, and this call needs memory", a->reg);
        vneeded(v, "a pointer that was compared with 0");
        vknown(v, s, &a->ptr);
        vhint(v, "compare the pointer with NULL first");
        return VSTEP_REJECT;
    }
    switch ((vobj_kind)obj->kind) {
    case VO_MAP_VALUE: case VO_MEM: case VO_RINGBUF: return vobject_check(v, s, a, &kptr);
    case VO_ALLOC:
        if (is_helper_call(v)) return wrong_argument(v, s, a, "; helpers do not take objects of the program's own types");
        return vobject_check(v, s, a, &kptr);
    case VO_BTF: return btf_argument(v, s, a);
    case VO_FREE: case VO_MAP: case VO_SOCK: case VO_STRUCT: case VO_DYNPTR: case VO_ITER: case VO_IRQ: case VO_PERCPU: case VO_REF: break;
    }
    return wrong_argument(v, s, a, "");
}

static vstep check_memory(verifier *v, vstate *s, const vaccess *a, bool exact, uint32_t access)
{
    switch ((vkind)a->ptr.kind) {
    case V_STACK: return vstack_argument(v, s, a, exact, access);
    case V_PACKET: case V_META: return packet_argument(v, s, a, access);
    case V_CTX: return context_argument(v, s, a);
    case V_PTR: return object_argument(v, s, a);
    case V_NUMBER:
        if ((access & (VMEM_NULL_OK | VMEM_ZERO_OK)) && a->size == 0 && vmem_is_null(s, &a->ptr)) return VSTEP_NEXT;
        break;
    case V_UNINIT: case V_PACKET_END: case V_MAP: case V_FUNC: break;
    }
    return wrong_argument(v, s, a, "");
}

vstep vmem_argument(verifier *v, vstate *s, unsigned reg, uint64_t size_min, uint64_t size_max, uint32_t access)
{
    vstep step = vstep_use(v, s, reg);
    if (step != VSTEP_NEXT) return step;
    if (size_max >= (uint64_t)VMEM_OFFSET_MAX || (size_min == 0 && !(access & VMEM_ZERO_OK))) return size_refused(v, s, reg, size_min, size_max);
    vaccess a = {.reg = reg, .ptr = vreg(s, reg), .size = size_max, .is_argument = true};
    // A helper that writes what need not be initialised does not read it.
    a.write = (access & VMEM_WRITE) || (access & VMEM_UNINIT);
    if (a.write && (access & VMEM_READ) && a.ptr.kind != V_STACK) {
        a.write = false;
        step = check_memory(v, s, &a, size_min == size_max, access);
        if (step != VSTEP_NEXT) return step;
        a.write = true;
    }
    return check_memory(v, s, &a, size_min == size_max, access);
}
