// memory_context.c: accesses to the context, and to sockets and flow keys, which are described field by field like it.
//
// What may be read and written, and what a load yields, is data of the catalog. The base must be the context's start: an engine translates the
// displacement of the instruction to the native layout.
// Source: Linux's check_ctx_access and the is_valid_access functions of program types; check_sock_access, check_flow_keys_access.
#include "catalog/catalog.h"
#include "verify/memory.h"

// The field that was probably meant: the one of this offset and size, or of this offset, or one that the access touches.
static const pst_ctx_field *field_near(const verifier *v, const vaccess *a)
{
    const pst_ctx_field *best = NULL;
    int rank = 0;
    for (uint32_t i = 0; i < v->type->field_count; i++) {
        const pst_ctx_field *f = &v->type->fields[i];
        bool touches = a->ptr.off < (int64_t)f->abi_off + f->abi_size && a->ptr.off + (int64_t)a->size > f->abi_off;
        bool starts = a->ptr.off == f->abi_off;
        int fits = !touches ? 0 : !starts ? 1 : f->abi_size != a->size ? 2 : 3;
        if (fits > rank) best = f, rank = fits;
    }
    return best;
}

static vstep context_refused(verifier *v, const vaccess *a)
{
    vreject(v, PST_FINDING_CONTEXT, (int)a->reg, "programs of type %s may not %s %llu bytes at offset %lld of their context", v->type->name,
            a->write ? "write" : "read", (unsigned long long)a->size, (long long)a->ptr.off);
    const pst_ctx_field *field = field_near(v, a);
    if (!field) {
        if (!v->type->raw_ctx) vneeded(v, "the offset and size of a field of the context");
        return VSTEP_REJECT;
    }
    vneeded(v, "field %s is %u bytes at offset %u%s%s", field->name, field->abi_size, field->abi_off,
            a->write && !(field->flags & PST_FIELD_WRITE) ? ", read-only" : "", a->is_signed ? "; pointers are not sign-extended" : "");
    if (!a->write && field->kind != PST_FIELD_SCALAR && a->size != field->abi_size) vhint(v, "a pointer is loaded whole");
    else if (field->attach_mask || field->write_mask) vhint(v, "some fields depend on the attach type of the program");
    return VSTEP_REJECT;
}

// Programs see the context's start only; what was added to the pointer cannot be translated.
static vstep check_base(verifier *v, const vstate *s, const vaccess *a)
{
    vvalue base = vreg(s, a->reg);
    if (base.sym == VSYM_NONE && base.off == 0) return VSTEP_NEXT;
    vreject(v, PST_FINDING_CONTEXT, (int)a->reg, "r%u is the context pointer plus an offset, through which the context cannot be accessed", a->reg);
    vneeded(v, "the context pointer itself");
    vknown(v, s, &base);
    vhint(v, "access the field from the unmodified context; the compiler may have moved an address computation: use a barrier or __builtin_preserve");
    return VSTEP_REJECT;
}

// The whole context is plain memory: tracepoints, system calls.
static bool raw_access(const verifier *v, const vaccess *a)
{
    const pst_prog_type *type = v->type;
    uint64_t off = (uint64_t)a->ptr.off;
    if (!type->raw_ctx || (a->write && !type->raw_ctx_write)) return false;
    if (type->number == PST_PROG_TRACEPOINT && off < 8) return false; // the kernel's own
    return off % a->size == 0 && off < type->abi_size && a->size <= type->abi_size - off;
}

static const pst_ctx_field *field_of(const verifier *v, const vaccess *a)
{
    if (a->ptr.off < 0 || a->ptr.off >= v->type->abi_size) return NULL;
    return pst_ctx_access(v->type, v->image->attach_type, (uint32_t)a->ptr.off, (uint32_t)a->size, a->write);
}

static vstep new_object(verifier *v, vstate *s, const vobj *like, vvalue *out)
{
    uint16_t obj = vobj_new(v, s, like);
    if (obj == UINT16_MAX) return vnomem(v);
    *out = vvalue_ptr(obj);
    return VSTEP_NEXT;
}

static vstep field_value(verifier *v, vstate *s, const vaccess *a, const pst_ctx_field *field, vvalue *out)
{
    switch (field->kind) {
    case PST_FIELD_SCALAR:
        *out = vmem_unknown(v, s, a);
        return VSTEP_NEXT;
    case PST_FIELD_POINTER:
        *out = vmem_unknown(v, s, a);
        if (v->strict) out->flags |= VVALUE_CAST;
        return VSTEP_NEXT;
    case PST_FIELD_PACKET_START: *out = (vvalue){.kind = V_PACKET}; return VSTEP_NEXT;
    case PST_FIELD_PACKET_END: *out = (vvalue){.kind = V_PACKET_END}; return VSTEP_NEXT;
    case PST_FIELD_PACKET_META: *out = (vvalue){.kind = V_META}; return VSTEP_NEXT;
    case PST_FIELD_SOCK:
        return new_object(v, s, &(vobj){.kind = VO_SOCK, .desc = &pst_struct_sock, .size = pst_struct_sock.size}, out);
    case PST_FIELD_SOCK_OR_NULL:
        return new_object(v, s, &(vobj){.kind = VO_SOCK, .desc = &pst_struct_sock, .size = pst_struct_sock.size, .flags = VOBJ_MAYBE_NULL}, out);
    case PST_FIELD_SOCK_COMMON_OR_NULL:
        return new_object(v, s, &(vobj){.kind = VO_SOCK, .desc = &pst_struct_sock_common, .size = pst_struct_sock_common.size, .flags = VOBJ_MAYBE_NULL}, out);
    case PST_FIELD_MEM: {
        const pst_struct_desc *desc = field->target ? field->target : &pst_struct_flow_keys;
        return new_object(v, s, &(vobj){.kind = VO_STRUCT, .desc = desc, .size = desc->size}, out);
    }
    case PST_FIELD_BTF_ID: {
        vobj like = {.kind = VO_BTF, .type_name = field->btf, .flags = VOBJ_TRUSTED | VOBJ_HOST_BTF};
        if (v->input->host_btf && field->btf) like.type_id = pst_btf_find(v->input->host_btf, field->btf, PST_BTF_STRUCT);
        return new_object(v, s, &like, out);
    }
    }
    return VSTEP_NEXT;
}

vstep vcontext_load(verifier *v, vstate *s, const vaccess *a, vvalue *out)
{
    vstep step = check_base(v, s, a);
    if (step != VSTEP_NEXT) return step;
    const pst_ctx_field *field = field_of(v, a);
    if (field && !(a->is_signed && field->kind != PST_FIELD_SCALAR)) return field_value(v, s, a, field, out);
    if (field || !raw_access(v, a)) return context_refused(v, a);
    *out = vmem_unknown(v, s, a);
    return VSTEP_NEXT;
}

vstep vcontext_store(verifier *v, vstate *s, const vaccess *a)
{
    vstep step = check_base(v, s, a);
    if (step != VSTEP_NEXT) return step;
    if (field_of(v, a) || raw_access(v, a)) return VSTEP_NEXT;
    return context_refused(v, a);
}

// --- Sockets and flow keys -------------------------------------------------------------------------------------------

static vstep check_struct(verifier *v, const vstate *s, const vaccess *a, const vobj *obj)
{
    if (obj->kind == VO_STRUCT && (obj->desc == &pst_struct_flow_keys || obj->desc == &pst_struct_tp_buffer))
        return vmem_within(v, s, a, obj->desc->size, obj->desc == &pst_struct_flow_keys ? "the flow keys" : "the tracepoint's buffer");
    int64_t off;
    if (vmem_is_fixed(s, &a->ptr, &off) && off >= 0 && off < obj->desc->size &&
        pst_struct_field_at(obj->desc, (uint32_t)off, (uint32_t)a->size, a->write))
        return VSTEP_NEXT;
    vreject(v, PST_FINDING_BOUNDS, (int)a->reg, "%s has no field of %llu bytes there that a program may %s", obj->desc->name, (unsigned long long)a->size,
            a->write ? "write" : "read");
    vknown(v, s, &a->ptr);
    if (obj->desc == &pst_struct_sock_common) vhint(v, "only the common part of a socket is readable: get the whole one by bpf_sk_fullsock");
    return VSTEP_REJECT;
}

vstep vstruct_load(verifier *v, vstate *s, const vaccess *a, vvalue *out)
{
    vstep step = check_struct(v, s, a, &s->objs[a->ptr.obj]);
    if (step == VSTEP_NEXT) *out = vmem_unknown(v, s, a);
    return step;
}

vstep vstruct_store(verifier *v, vstate *s, const vaccess *a)
{
    const vobj *obj = &s->objs[a->ptr.obj];
    if (obj->kind == VO_SOCK) return vreject(v, PST_FINDING_READ_ONLY, (int)a->reg, "r%u points to a socket, which programs may only read", a->reg);
    return check_struct(v, s, a, obj);
}
