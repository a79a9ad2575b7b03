// memory_object.c: accesses to packets, values of maps, and memory that helpers returned: everything that is a run of bytes with a size.
//
// Offsets are proved against sizes by interval, and against the packet's length by relation. Fields with a meaning of their own (locks,
// timers, kernel pointers) are left to helpers.
// Source: Linux's check_packet_access, check_map_access, check_map_kptr_access, check_mem_region_access, bpf_map_direct_read.
#include <string.h>

#include "base/bits.h"
#include "verify/memory.h"

// --- Packets -----------------------------------------------------------------------------------------------------------

static vstep packet_outside(verifier *v, const vstate *s, const vaccess *a, const char *what, int64_t lo, int64_t hi)
{
    bool negative = lo < 0, is_meta = a->ptr.kind == V_META;
    const char *start = is_meta ? "data_meta" : "data", *end = is_meta ? "data" : "data_end";
    unsigned long long reach = lo == hi && lo >= 0 ? (unsigned long long)lo + a->size : (unsigned long long)a->size;
    const char *verb = a->is_argument ? "the call's access to" : a->write ? "the store of" : "the load of";
    vreject(v, PST_FINDING_BOUNDS, (int)a->reg, "%s %llu byte%s at r%u may be outside of %s", verb, (unsigned long long)a->size, a->size == 1 ? "" : "s",
            a->reg, what);
    if (negative) vneeded(v, "an offset of at least 0");
    else if (lo == hi) vneeded(v, "a comparison that proves %s + %llu <= %s", start, reach, end);
    else vneeded(v, "a comparison that proves p + %llu <= %s for the address p that is accessed", reach, end);
    vknown(v, s, &a->ptr);
    if (negative) vhint(v, "the offset may be negative: make it unsigned, or compare it with 0");
    else if (hi >= VMEM_OFFSET_MAX) vhint(v, "the offset has no limit: mask it or compare it with a constant, then compare the sum with the end");
    else if (lo == hi) vhint(v, "leave first where the bytes are not there: 'if (%s + %llu > %s) return ...'", start, reach, end);
    else vhint(v, "leave first where the bytes are not there: 'if (p + %llu > %s) return ...', with the very pointer p that is used", reach, end);
    return VSTEP_REJECT;
}

vstep vpacket_check(verifier *v, vstate *s, const vaccess *a)
{
    bool is_meta = a->ptr.kind == V_META;
    const char *what = is_meta ? "the packet's metadata" : "the packet";
    if (a->write && !v->type->packet_writable) {
        vreject(v, PST_FINDING_READ_ONLY, (int)a->reg, "programs of type %s may not write to %s", v->type->name, what);
        return VSTEP_REJECT;
    }
    vvalue at = {.kind = V_NUMBER, .sym = a->ptr.sym, .off = a->ptr.off};
    vvalue length = {.kind = V_NUMBER, .sym = is_meta ? VSYM_META : VSYM_PACKET};
    int64_t lo, hi, past;
    vmem_range(s, &a->ptr, &lo, &hi);
    if (lo < 0 || hi >= VMEM_OFFSET_MAX) return packet_outside(v, s, a, what, lo, hi);
    past = vrel_bound(s, &at, &length); // offset - length <= past
    if (past > -(int64_t)a->size + (VPLANT(4) ? 1 : 0)) return packet_outside(v, s, a, what, lo, hi);
    return VSTEP_NEXT;
}

// --- Records -----------------------------------------------------------------------------------------------------------

static const char *record_text(pst_record_kind kind)
{
    switch (kind) {
    case PST_RECORD_SPIN_LOCK: case PST_RECORD_RES_SPIN_LOCK: return "a spin lock";
    case PST_RECORD_TIMER: return "a timer";
    case PST_RECORD_WORKQUEUE: return "a work queue";
    case PST_RECORD_KPTR: case PST_RECORD_KPTR_UNTRUSTED: case PST_RECORD_KPTR_PERCPU: return "a kernel pointer";
    case PST_RECORD_DYNPTR: return "a dynptr";
    case PST_RECORD_LIST_HEAD: return "the head of a list";
    case PST_RECORD_LIST_NODE: return "the node of a list";
    case PST_RECORD_RB_ROOT: return "the root of a tree";
    case PST_RECORD_RB_NODE: return "the node of a tree";
    case PST_RECORD_REFCOUNT: return "a reference count";
    case PST_RECORD_TASK_WORK: return "task work";
    case PST_RECORD_UPTR: return "a user pointer";
    }
    return "a protected field";
}

static bool is_kptr(pst_record_kind kind)
{
    return kind == PST_RECORD_KPTR || kind == PST_RECORD_KPTR_UNTRUSTED || kind == PST_RECORD_KPTR_PERCPU || kind == PST_RECORD_UPTR;
}

static vstep check_kptr_access(verifier *v, const vstate *s, const vaccess *a, const pst_record *record)
{
    int64_t off;
    bool fixed = vmem_is_fixed(s, &a->ptr, &off);
    if (!a->is_argument && !a->is_atomic && fixed && off == (int64_t)record->offset && a->size == 8 && !a->is_signed) return VSTEP_NEXT;
    vreject(v, PST_FINDING_BOUNDS, (int)a->reg, "the %s touches %s at offset %u, which is accessed whole, by a plain load or store, or by bpf_kptr_xchg",
            a->is_argument ? "call" : "access", record_text(record->kind), record->offset);
    vknown(v, s, &a->ptr);
    return VSTEP_REJECT;
}

static vstep check_records(verifier *v, const vstate *s, const vaccess *a, const vobj *obj, const pst_record **kptr)
{
    int64_t lo, hi;
    if (!obj->record_count || VPLANT(45)) return VSTEP_NEXT;
    vmem_range(s, &a->ptr, &lo, &hi);
    for (uint32_t i = 0; i < obj->record_count; i++) {
        const pst_record *record = &obj->records[i];
        if (lo >= (int64_t)record->offset + record->size || hi + (int64_t)a->size <= (int64_t)record->offset) continue;
        if (is_kptr(record->kind) && obj->kind == VO_MAP_VALUE) {
            vstep step = check_kptr_access(v, s, a, record);
            if (step != VSTEP_NEXT) return step;
            *kptr = record;
            continue;
        }
        vreject(v, PST_FINDING_BOUNDS, (int)a->reg, "bytes %u to %u hold %s: loads and stores may not touch it", record->offset,
                record->offset + record->size - 1, record_text(record->kind));
        vknown(v, s, &a->ptr);
        vhint(v, "leave the field to its helpers, and access the other fields one by one");
        return VSTEP_REJECT;
    }
    return VSTEP_NEXT;
}

// --- Objects with a size --------------------------------------------------------------------------------------------------

static vstep check_map_flags(verifier *v, const vaccess *a, const vobj *obj)
{
    if (a->write && (obj->view->flags & PST_F_RDONLY_PROG)) {
        vreject(v, PST_FINDING_READ_ONLY, (int)a->reg, "r%u points to a value of a map that programs may only read", a->reg);
        vhint(v, "constants live in .rodata: a variable that is written must not be const");
        return VSTEP_REJECT;
    }
    if (!a->write && (obj->view->flags & PST_F_WRONLY_PROG))
        return vreject(v, PST_FINDING_READ_ONLY, (int)a->reg, "r%u points to a value of a map that programs may only write", a->reg);
    return VSTEP_NEXT;
}

vstep vobject_check(verifier *v, vstate *s, const vaccess *a, const pst_record **kptr)
{
    const vobj *obj = &s->objs[a->ptr.obj];
    *kptr = NULL;
    if (obj->kind == VO_MAP_VALUE) {
        vstep step = check_map_flags(v, a, obj);
        if (step == VSTEP_NEXT) step = vmem_within(v, s, a, obj->size, "the map's value");
        if (step == VSTEP_NEXT) step = check_records(v, s, a, obj, kptr);
        return step;
    }
    if (a->write && (obj->flags & VOBJ_RDONLY))
        return vreject(v, PST_FINDING_READ_ONLY, (int)a->reg, "r%u points to memory that may only be read", a->reg);
    if (obj->kind == VO_ALLOC) {
        vstep step = vmem_within(v, s, a, obj->size, "the object");
        return step == VSTEP_NEXT ? check_records(v, s, a, obj, kptr) : step;
    }
    return vmem_within(v, s, a, obj->size, obj->kind == VO_RINGBUF ? "the reservation" : "its memory");
}

static vstep check_null(verifier *v, const vstate *s, const vaccess *a)
{
    if (!(s->objs[a->ptr.obj].flags & VOBJ_MAYBE_NULL)) return VSTEP_NEXT;
    vreject(v, PST_FINDING_NULL_POINTER, (int)a->reg, "r%u may be null: it is %s only where that was tested", a->reg,
            vkind_text(s, &a->ptr));
    vneeded(v, "a pointer that was compared with 0");
    vknown(v, s, &a->ptr);
    vhint(v, "compare the pointer with NULL on the path to this access");
    return VSTEP_REJECT;
}

static vstep refuse_object(verifier *v, const vstate *s, const vaccess *a)
{
    const vobj *obj = &s->objs[a->ptr.obj];
    vreject(v, PST_FINDING_TYPE, (int)a->reg, "r%u is %s, which loads and stores cannot access", a->reg, vkind_text(s, &a->ptr));
    if (obj->kind == VO_PERCPU) vhint(v, "bpf_per_cpu_ptr or bpf_this_cpu_ptr gives the object of one CPU");
    return VSTEP_REJECT;
}

// --- Constants ---------------------------------------------------------------------------------------------------------

const uint8_t *vmem_constant(const verifier *v, const vstate *s, const vvalue *value, uint64_t *left)
{
    int64_t off;
    if (value->kind != V_PTR) return NULL;
    const vobj *obj = &s->objs[value->obj];
    if (obj->kind != VO_MAP_VALUE || (obj->flags & VOBJ_MAYBE_NULL) || obj->map >= v->image->map_count) return NULL;
    const pst_map_view *view = obj->view;
    if (view != v->image->maps[obj->map]) return NULL; // an inner map: what is here is only the template
    if (!view->frozen || !view->values || view->max_entries != 1 || !(view->flags & PST_F_RDONLY_PROG)) return NULL;
    if (!vmem_is_fixed(s, value, &off) || off < 0 || (uint64_t)off >= view->value_size) return NULL;
    *left = view->value_size - (uint64_t)off;
    return view->values + off;
}

static bool constant_value(const verifier *v, const vstate *s, const vaccess *a, vvalue *out)
{
    uint64_t left, word = 0;
    const uint8_t *bytes = vmem_constant(v, s, &a->ptr, &left);
    if (!bytes || left < a->size) return false;
    for (unsigned i = 0; i < a->size; i++) word |= (uint64_t)bytes[i] << 8 * i;
    pst_scalar scalar = pst_scalar_const(word);
    scalar = pst_scalar_extend(&scalar, (unsigned)a->size * 8, a->is_signed);
    *out = vvalue_const(scalar.umin);
    return true;
}

// --- Loads and stores --------------------------------------------------------------------------------------------------

vstep vobject_load(verifier *v, vstate *s, const vaccess *a, vvalue *out)
{
    const pst_record *kptr;
    vstep step = check_null(v, s, a);
    if (step != VSTEP_NEXT) return step;
    switch ((vobj_kind)s->objs[a->ptr.obj].kind) {
    case VO_MAP_VALUE: case VO_MEM: case VO_RINGBUF:
        step = vobject_check(v, s, a, &kptr);
        if (step != VSTEP_NEXT) return step;
        if (kptr) return vbtf_kptr_load(v, s, kptr, out);
        if (!constant_value(v, s, a, out)) *out = vmem_unknown(v, s, a);
        return VSTEP_NEXT;
    case VO_SOCK: case VO_STRUCT: return vstruct_load(v, s, a, out);
    case VO_BTF: case VO_ALLOC: return vbtf_load(v, s, a, out);
    case VO_MAP: return vbtf_map_load(v, s, a, out);
    case VO_FREE: case VO_DYNPTR: case VO_ITER: case VO_IRQ: case VO_PERCPU: case VO_REF: break;
    }
    return refuse_object(v, s, a);
}

// A pointer that fits the field may be stored in one that does not own it.
static vstep check_kptr_store(verifier *v, const vstate *s, const vaccess *a, const pst_record *record, const vvalue *value)
{
    if (record->kind != PST_RECORD_KPTR_UNTRUSTED) {
        return vreject(v, PST_FINDING_READ_ONLY, (int)a->reg, "the field at offset %u owns what it points to: only bpf_kptr_xchg changes it",
                       record->offset);
    }
    if (value && vmem_is_null(s, value)) return VSTEP_NEXT;
    if (value && value->kind == V_PTR && value->sym == VSYM_NONE && value->off == 0) {
        const vobj *obj = &s->objs[value->obj];
        if (obj->kind == VO_BTF && obj->type_name && record->type_name && strcmp(obj->type_name, record->type_name) == 0) return VSTEP_NEXT;
    }
    vreject(v, PST_FINDING_TYPE, (int)a->reg, "the field at offset %u takes a pointer to struct %s, or NULL", record->offset,
            record->type_name ? record->type_name : "of its own type");
    if (value) vknown(v, s, value);
    return VSTEP_REJECT;
}

vstep vobject_store(verifier *v, vstate *s, const vaccess *a, const vvalue *value)
{
    const pst_record *kptr;
    vstep step = check_null(v, s, a);
    if (step != VSTEP_NEXT) return step;
    switch ((vobj_kind)s->objs[a->ptr.obj].kind) {
    case VO_MAP_VALUE: case VO_MEM: case VO_RINGBUF:
        step = vobject_check(v, s, a, &kptr);
        return step == VSTEP_NEXT && kptr ? check_kptr_store(v, s, a, kptr, value) : step;
    case VO_SOCK: case VO_STRUCT: return vstruct_store(v, s, a);
    case VO_BTF: case VO_ALLOC: return vbtf_store(v, s, a);
    case VO_MAP: return vreject(v, PST_FINDING_TYPE, (int)a->reg, "r%u is a map, which only helpers change", a->reg);
    case VO_FREE: case VO_DYNPTR: case VO_ITER: case VO_IRQ: case VO_PERCPU: case VO_REF: break;
    }
    return refuse_object(v, s, a);
}
