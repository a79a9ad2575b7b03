// call_object.c: objects of the program's own types: made by bpf_obj_new, kept in lists and trees, exchanged with kptrs.
//
// Called by call_arg.c, call.c and call_ret.c. An object is VO_ALLOC; who owns it has VOBJ_MUST_RELEASE and its ref. Inserting it into a list or tree makes
// the reference non-owning: it may be used while the lock of the collection is held, and dies with the unlock.
// Source: Linux's check_kfunc_args and check_kfunc_call, the parts on graphs; process_kptr_func.
#include "base/format.h"
#include "verify/call.h"

#include <string.h>

#include "verify/record.h"

#define PERCPU_OBJECT_MAX 512u

// Special fields of types that bpf_obj_new was asked for, so that a type is read once.
typedef struct vrecords {
    struct vrecords *next;
    uint32_t type_id, count;
    const pst_record *records;
} vrecords;

bool vobject_find_records(verifier *v, uint32_t type_id, vobj *out)
{
    vrecords **list = v->globals[0].records, *at = *list;
    while (at != NULL && at->type_id != type_id) at = at->next;
    if (at == NULL) {
        at = pst_arena_alloc(&v->arena, sizeof *at);
        if (at == NULL) return false;
        *at = (vrecords){.next = *list, .type_id = type_id};
        pst_status status = pst_verify_records(&v->arena, v->input->btf, type_id, &at->records, &at->count);
        if (status == PST_E_NOMEM) return false;
        *list = at;
    }
    out->records = at->records;
    out->record_count = at->count;
    return true;
}

static const pst_record *record_of_kind(const vobj *obj, pst_record_kind kind)
{
    for (uint32_t i = 0; i < obj->record_count; i++)
        if (obj->records[i].kind == kind) return &obj->records[i];
    return NULL;
}

// An object of a struct of the program's own BTF. VOBJ_NONE: no memory.
static uint16_t new_object(verifier *v, vstate *s, uint32_t type_id, uint32_t flags)
{
    pst_btf_type type = pst_btf_get(v->input->btf, type_id);
    vobj like = {.kind = VO_ALLOC, .flags = flags, .type_id = type_id, .size = type.size, .type_name = type.name};
    if (!vobject_find_records(v, type_id, &like)) return VOBJ_NONE;
    uint16_t index = vobj_new(v, s, &like);
    if (index != VOBJ_NONE && (flags & VOBJ_MUST_RELEASE) != 0) s->objs[index].ref = s->objs[index].id;
    return index;
}

static bool is_own_struct(const verifier *v, uint32_t type_id)
{
    const pst_btf *btf = v->input->btf;
    return btf != NULL && type_id != 0 && type_id < pst_btf_count(btf) && pst_btf_get(btf, type_id).kind == PST_BTF_STRUCT;
}

vstep vobject_new_node(verifier *v, vstate *s, const pst_record *field, uint32_t flags, unsigned reg)
{
    if (field == NULL || !is_own_struct(v, field->type_id)) return vreject(v, PST_FINDING_BTF, 1, "the collection does not say what it contains");
    uint16_t index = new_object(v, s, field->type_id, flags);
    if (index == VOBJ_NONE) return vnomem(v);
    if ((flags & VOBJ_NON_OWNING) != 0 && record_of_kind(&s->objs[index], PST_RECORD_REFCOUNT) != NULL) s->objs[index].flags |= VOBJ_RCU;
    vvalue value = vvalue_ptr(index);
    value.off = field->node_offset;
    vreg_set(s, reg, value);
    return VSTEP_NEXT;
}

// --- Arguments ---------------------------------------------------------------------------------------------------------------------

static vstep reject_ownership(verifier *v, const vstate *s, const vcall_info *call, unsigned reg)
{
    vvalue value = vreg(s, reg);
    vstep step = vreject(v, PST_FINDING_REFERENCE, (int)reg, "r%u of %s must own the object", reg, vcall_name(call));
    vneeded(v, "a reference from bpf_obj_new, bpf_refcount_acquire, bpf_kptr_xchg or a pop or remove");
    vknown(v, s, &value);
    vhint(v, "an object that was inserted or dropped is not the program's any more");
    return step;
}

vstep vobject_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg, vobj_kind kind)
{
    vvalue value = vreg(s, reg);
    const vobj *obj = vobj_if(s, &value, kind);
    if (obj == NULL || (obj->flags & VOBJ_MAYBE_NULL) != 0) return vreject_type(v, s, reg, call, "an object of the program's own type");
    call->object = value.obj;
    if (call->proto->ret == PST_RET_SAME_OBJECT) {
        if (record_of_kind(obj, PST_RECORD_REFCOUNT) == NULL) return vreject_type(v, s, reg, call, "an object with a bpf_refcount field");
        return VSTEP_NEXT;
    }
    int64_t off = 0;
    if (obj->ref == 0) return reject_ownership(v, s, call, reg);
    if (!vvalue_offset(s, &value, &off) || off != 0) return vreject_type(v, s, reg, call, "the object as it was acquired, without an offset");
    call->ref = obj->ref;
    if ((call->proto->flags & PST_HELPER_RELEASES) != 0) call->release_reg = reg;
    return VSTEP_NEXT;
}

vstep vgraph_root_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg, pst_record_kind kind)
{
    vvalue value = vreg(s, reg);
    const vobj *obj = vobj_of(s, &value);
    const char *needed = kind == PST_RECORD_LIST_HEAD ? "a bpf_list_head in a map's value or an object" : "a bpf_rb_root in a map's value or an object";
    int64_t off = 0;
    if (obj == NULL || (obj->kind != VO_MAP_VALUE && obj->kind != VO_ALLOC) || (obj->flags & VOBJ_MAYBE_NULL) != 0)
        return vreject_type(v, s, reg, call, needed);
    if (obj->kind == VO_ALLOC && obj->ref == 0) return reject_ownership(v, s, call, reg);
    const pst_record *record = vvalue_offset(s, &value, &off) ? vrecord_at(obj, off) : NULL;
    if (record == NULL || record->kind != kind) return vreject_type(v, s, reg, call, needed);
    if (!vlock_held(s, &value)) {
        vstep step = vreject(v, PST_FINDING_LOCK, (int)reg, "%s is called without the lock that protects the collection", vcall_name(call));
        vneeded(v, "the lock in the same map value or object, taken");
        vknown(v, s, &value);
        return step;
    }
    call->field = record;
    return VSTEP_NEXT;
}

static bool inserts(const vcall_info *call)
{
    return strncmp(call->proto->name, "bpf_list_push", 13) == 0 || strncmp(call->proto->name, "bpf_rbtree_add", 14) == 0;
}

vstep vgraph_node_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg, pst_record_kind kind)
{
    vvalue value = vreg(s, reg);
    const vobj *obj = vobj_if(s, &value, VO_ALLOC);
    int64_t off = 0;
    const char *needed = kind == PST_RECORD_LIST_NODE ? "the bpf_list_node that the list contains" : "the bpf_rb_node that the tree contains";
    if (obj == NULL || (obj->flags & VOBJ_MAYBE_NULL) != 0) return vreject_type(v, s, reg, call, needed);
    if (inserts(call) && obj->ref == 0) return reject_ownership(v, s, call, reg);
    if (!inserts(call) && (obj->flags & VOBJ_NON_OWNING) == 0 && obj->ref == 0) return reject_ownership(v, s, call, reg);
    if (!inserts(call) && strcmp(call->proto->name, "bpf_rbtree_remove") == 0 && obj->ref != 0)
        return vreject_type(v, s, reg, call, "a node that is in the tree (a reference that does not own it)");
    if (!inserts(call) && vstate_in_less(s)) return vreject(v, PST_FINDING_LOCK, (int)reg, "%s is called in the comparison of a tree", vcall_name(call));
    const pst_record *record = vvalue_offset(s, &value, &off) ? vrecord_at(obj, off) : NULL;
    bool fits = record != NULL && record->kind == kind;
    if (fits && call->field != NULL) fits = call->field->node_offset == record->offset && call->field->type_id == obj->type_id;
    if (!fits) return vreject_type(v, s, reg, call, needed);
    call->object = value.obj;
    return VSTEP_NEXT;
}

// --- kptrs -------------------------------------------------------------------------------------------------------------------------

vstep vkptr_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg)
{
    vvalue value = vreg(s, reg);
    const vobj *obj = vobj_of(s, &value);
    const char *needed = "a __kptr field of a map's value or an object";
    int64_t off = 0;
    bool fits = obj != NULL && (obj->kind == VO_MAP_VALUE || obj->kind == VO_ALLOC) && (obj->flags & VOBJ_MAYBE_NULL) == 0;
    const pst_record *record = fits && vvalue_offset(s, &value, &off) ? vrecord_at(obj, off) : NULL;
    if (record == NULL || (record->kind != PST_RECORD_KPTR && record->kind != PST_RECORD_KPTR_PERCPU)) return vreject_type(v, s, reg, call, needed);
    call->kptr = record;
    return VSTEP_NEXT;
}

vstep vkptr_value(verifier *v, vstate *s, vcall_info *call, unsigned reg)
{
    vvalue value = vreg(s, reg);
    if (vvalue_is_null(s, &value)) return VSTEP_NEXT;
    const vobj *obj = vobj_of(s, &value);
    char needed[96];
    pst_format(needed, sizeof needed, "NULL or an owned struct %s", call->kptr->type_name != NULL ? call->kptr->type_name : "of the field's type");
    bool is_percpu = call->kptr->kind == PST_RECORD_KPTR_PERCPU;
    bool fits = obj != NULL && (is_percpu ? obj->kind == VO_PERCPU : obj->kind == VO_ALLOC || obj->kind == VO_BTF) &&
                (obj->flags & (VOBJ_MAYBE_NULL | VOBJ_UNTRUSTED)) == 0 && obj->type_name != NULL && call->kptr->type_name != NULL;
    int64_t off = 0;
    if (fits) fits = vvalue_offset(s, &value, &off) && vcall_btf_fits(v, obj->type_name, off, call->kptr->type_name);
    if (!fits) return vreject_type(v, s, reg, call, needed);
    if (obj->ref == 0 || off != 0) return reject_ownership(v, s, call, reg);
    call->ref = obj->ref;
    call->release_reg = reg;
    return VSTEP_NEXT;
}

// Structs that the program declares itself are its own; those that the host has are the host's.
bool vkptr_is_host(const verifier *v, const pst_record *kptr)
{
    static const char *const known[] = {"task_struct", "cgroup", "bpf_cpumask", "cpumask", "sock", "nf_conn", "bpf_crypto_ctx", "css_set"};
    if (kptr->type_name == NULL) return true;
    if (v->input->host_btf != NULL) return pst_btf_find(v->input->host_btf, kptr->type_name, PST_BTF_STRUCT) != 0;
    for (size_t i = 0; i < PST_COUNT(known); i++)
        if (strcmp(known[i], kptr->type_name) == 0) return true;
    return !is_own_struct(v, kptr->type_id);
}

static uint16_t exchanged(verifier *v, vstate *s, const pst_record *kptr)
{
    uint32_t flags = VOBJ_MAYBE_NULL | VOBJ_MUST_RELEASE;
    uint16_t index = vkptr_is_host(v, kptr) ? vcall_new_btf(v, s, kptr->type_name, flags | VOBJ_TRUSTED) : new_object(v, s, kptr->type_id, flags);
    if (index == VOBJ_NONE) return index;
    if (kptr->kind == PST_RECORD_KPTR_PERCPU) s->objs[index].kind = VO_PERCPU;
    s->objs[index].ref = s->objs[index].id;
    return index;
}

// --- Effects and results -------------------------------------------------------------------------------------------------------------

vstep vobject_effect(verifier *v, vstate *s, const vcall_info *call)
{
    (void)v;
    if (!call->is_kfunc || !inserts(call) || call->object == VOBJ_NONE) return VSTEP_NEXT;
    vobj *obj = &s->objs[call->object];
    obj->flags = (obj->flags & ~VOBJ_MUST_RELEASE) | VOBJ_NON_OWNING;
    obj->ref = 0;
    if (record_of_kind(obj, PST_RECORD_REFCOUNT) != NULL) obj->flags |= VOBJ_RCU;
    return VSTEP_NEXT;
}

void vobj_drop_non_owning(verifier *v, vstate *s)
{
    for (uint32_t i = 0; i < s->obj_count; i++)
        if (s->objs[i].kind != VO_FREE && (s->objs[i].flags & VOBJ_NON_OWNING) != 0) vobj_kill(v, s, s->objs[i].id);
}

static vstep return_new(verifier *v, vstate *s, const vcall_info *call)
{
    bool is_percpu = strstr(call->proto->name, "percpu") != NULL;
    if (call->constant > UINT32_MAX || !is_own_struct(v, (uint32_t)call->constant)) {
        vstep step = vreject(v, PST_FINDING_BTF, 1, "%s needs the type id of a struct of the program's own BTF", vcall_name(call));
        vhint(v, "compile with -g, so that the object carries BTF");
        return step;
    }
    uint16_t index = new_object(v, s, (uint32_t)call->constant, (VPLANT(56) ? 0 : VOBJ_MAYBE_NULL) | VOBJ_MUST_RELEASE);
    if (index == VOBJ_NONE) return vnomem(v);
    vobj *obj = &s->objs[index];
    if (is_percpu && (obj->size > PERCPU_OBJECT_MAX || obj->record_count != 0))
        return vreject(v, PST_FINDING_BTF, 1, "%s makes plain structs of at most %u bytes only", vcall_name(call), PERCPU_OBJECT_MAX);
    if (is_percpu) obj->kind = VO_PERCPU;
    vreg_set(s, 0, vvalue_ptr(index));
    return VSTEP_NEXT;
}

static vstep return_same(verifier *v, vstate *s, const vcall_info *call)
{
    uint32_t flags = VOBJ_MUST_RELEASE;
    // What does not own the object may come too late to get hold of it.
    if (s->objs[call->object].ref == 0) flags |= VOBJ_MAYBE_NULL;
    uint16_t index = new_object(v, s, s->objs[call->object].type_id, flags);
    if (index == VOBJ_NONE) return vnomem(v);
    vreg_set(s, 0, vvalue_ptr(index));
    return VSTEP_NEXT;
}

static vstep return_node(verifier *v, vstate *s, const vcall_info *call)
{
    bool owns = (call->proto->flags & PST_HELPER_ACQUIRES) != 0;
    return vobject_new_node(v, s, call->field, VOBJ_MAYBE_NULL | (owns ? VOBJ_MUST_RELEASE : VOBJ_NON_OWNING), 0);
}

static const char *kernel_context(uint32_t prog_type)
{
    switch (prog_type) {
    case PST_PROG_SOCKET_FILTER:
    case PST_PROG_SCHED_CLS:
    case PST_PROG_SCHED_ACT:
    case PST_PROG_CGROUP_SKB:
    case PST_PROG_LWT_IN:
    case PST_PROG_LWT_OUT:
    case PST_PROG_LWT_XMIT:
    case PST_PROG_LWT_SEG6LOCAL:
    case PST_PROG_SK_SKB: return "sk_buff";
    case PST_PROG_XDP: return "xdp_buff";
    case PST_PROG_CGROUP_SOCK: return "sock";
    case PST_PROG_CGROUP_SOCK_ADDR: return "bpf_sock_addr_kern";
    case PST_PROG_SOCK_OPS: return "bpf_sock_ops_kern";
    case PST_PROG_SK_MSG: return "sk_msg";
    case PST_PROG_KPROBE: return "pt_regs";
    case PST_PROG_PERF_EVENT: return "bpf_perf_event_data_kern";
    case PST_PROG_SK_LOOKUP: return "bpf_sk_lookup_kern";
    case PST_PROG_FLOW_DISSECTOR: return "bpf_flow_dissector";
    case PST_PROG_NETFILTER: return "bpf_nf_ctx";
    case PST_PROG_SK_REUSEPORT: return "sk_reuseport_kern";
    case PST_PROG_CGROUP_SYSCTL: return "bpf_sysctl_kern";
    case PST_PROG_CGROUP_SOCKOPT: return "bpf_sockopt_kern";
    default: return NULL;
    }
}

static vstep return_cast(verifier *v, vstate *s, const vcall_info *call)
{
    const pst_btf *host = v->input->host_btf;
    uint16_t index = VOBJ_NONE;
    if (call->proto->ret == PST_RET_KERN_CTX) {
        const char *name = kernel_context(v->image->prog_type);
        if (name == NULL) return vreject(v, PST_FINDING_UNSUPPORTED, 1, "what %s yields for this program type is not described", vcall_name(call));
        index = vcall_new_btf(v, s, name, VOBJ_TRUSTED);
    } else {
        vobj like = {.kind = VO_BTF, .flags = VOBJ_UNTRUSTED | VOBJ_HOST_BTF, .type_id = (uint32_t)call->constant};
        bool is_known = host != NULL && call->constant != 0 && call->constant < pst_btf_count(host);
        pst_btf_type type = is_known ? pst_btf_get(host, like.type_id) : (pst_btf_type){.kind = PST_BTF_STRUCT};
        if (type.kind != PST_BTF_STRUCT && type.kind != PST_BTF_UNION)
            return vreject(v, PST_FINDING_BTF, 2, "the type id of %s is not that of a struct", vcall_name(call));
        like.type_name = type.name;
        like.size = type.size;
        index = vobj_new(v, s, &like);
    }
    if (index == VOBJ_NONE) return vnomem(v);
    vreg_set(s, 0, vvalue_ptr(index));
    return VSTEP_NEXT;
}

vstep vobject_result(verifier *v, vstate *s, const vcall_info *call)
{
    pst_ret_kind kind = call->proto->ret;
    if (kind == PST_RET_OBJECT_OR_NULL) return return_new(v, s, call);
    if (kind == PST_RET_SAME_OBJECT) return return_same(v, s, call);
    if (kind == PST_RET_LIST_NODE_OR_NULL || kind == PST_RET_RB_NODE_OR_NULL) return return_node(v, s, call);
    if (kind == PST_RET_KERN_CTX || kind == PST_RET_RDONLY_CAST) return return_cast(v, s, call);
    uint16_t index = exchanged(v, s, call->kptr);
    if (index == VOBJ_NONE) return vnomem(v);
    vreg_set(s, 0, vvalue_ptr(index));
    return VSTEP_NEXT;
}
