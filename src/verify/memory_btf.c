// memory_btf.c: reads through pointers to structs that BTF describes: the host's own, and objects of the program's own types.
//
// A load finds the member at its offset; a member that is a pointer to a struct yields a pointer, with as much trust as the member passes on.
// Loads through pointers that are not trusted are protected by the host: a fault yields 0. Without the host's BTF a load yields a number.
// Source: Linux's check_ptr_to_btf_access, btf_struct_walk and the tables BTF_TYPE_SAFE_*.
#include <string.h>

#include "verify/call.h"
#include "verify/memory.h"

#define WALK_DEPTH 32 // structs in structs

typedef enum walk_end {
    WALK_NOTHING, // no member there
    WALK_NUMBER,
    WALK_STRUCT_PTR,
    WALK_OTHER_PTR, // to a number, or to void
} walk_end;

typedef struct walk {
    const pst_btf *btf;
    uint32_t id;         // struct that is looked into; in the end, what the pointer points to
    uint64_t off, size;
    const char *member;  // the pointer's
    const char *tag;     // "rcu", "user", "percpu", ""
    bool in_union;       // of several members: the pointer may be something else
} walk;

// --- Finding the member ------------------------------------------------------------------------------------------------

static bool is_struct(const pst_btf_type *type) { return type->kind == PST_BTF_STRUCT || type->kind == PST_BTF_UNION; }

// Past the end: into the elements of a flexible array, which is the last member. False: there is none.
static bool enter_flexible(walk *w, const pst_btf_type *type, walk_end *end)
{
    if (type->count == 0) return false;
    pst_btf_member last = pst_btf_member_at(w->btf, type->id, type->count - 1);
    pst_btf_type array = pst_btf_get(w->btf, pst_btf_strip(w->btf, last.type));
    if (array.kind != PST_BTF_ARRAY || array.count != 0 || w->off < last.bit_offset / 8) return false;
    pst_btf_type element = pst_btf_get(w->btf, pst_btf_strip(w->btf, array.type));
    *end = WALK_NUMBER;
    if (element.kind == PST_BTF_INT) return true;
    if (!is_struct(&element) || element.size == 0) return false;
    w->off = (w->off - last.bit_offset / 8) % element.size;
    w->id = element.id;
    *end = WALK_NOTHING; // goes on inside
    return true;
}

// The pointer member at the offset.
static walk_end end_at_pointer(walk *w, const pst_btf_type *pointer, const char *name)
{
    pst_btf_type to = pst_btf_get(w->btf, pointer->type);
    w->tag = to.kind == PST_BTF_TYPE_TAG && !to.kind_flag ? to.name : "";
    w->member = name;
    pst_btf_type stripped = pst_btf_get(w->btf, pst_btf_strip(w->btf, pointer->type));
    w->id = stripped.id;
    return is_struct(&stripped) ? WALK_STRUCT_PTR : WALK_OTHER_PTR;
}

// An array member is entered at the element that holds the offset. *size: of all of it; *at: start of the element.
static bool resolve_member(const walk *w, uint32_t type_id, uint64_t start, uint64_t *size, uint64_t *at, pst_btf_type *out)
{
    uint32_t id = pst_btf_strip(w->btf, type_id);
    *at = start;
    *out = pst_btf_get(w->btf, id);
    if (!pst_btf_size(w->btf, id, size)) return false;
    for (int depth = 0; out->kind == PST_BTF_ARRAY; depth++) {
        if (depth == WALK_DEPTH) return false;
        *out = pst_btf_get(w->btf, pst_btf_strip(w->btf, out->type));
    }
    uint64_t element;
    if (!pst_btf_size(w->btf, out->id, &element)) return false;
    if (element && w->off >= start) *at = start + (w->off - start) / element * element;
    return true;
}

// Looks at one member. *end is set when the search is over; true: it goes on inside of w->id.
static bool visit_member(walk *w, const pst_btf_member *member, walk_end *end, bool *over)
{
    uint64_t start = member->bit_offset / 8, size, at;
    *over = true;
    *end = WALK_NOTHING;
    if (w->off + w->size <= start) return false; // the following are farther still
    if (member->bit_size) {
        uint64_t stop = (member->bit_offset + (uint64_t)member->bit_size + 7) / 8;
        *over = w->off <= start && stop <= w->off + w->size;
        if (*over) *end = WALK_NUMBER;
        return false;
    }
    if (w->off < start) return false; // a hole
    pst_btf_type type;
    if (!resolve_member(w, member->type, start, &size, &at, &type)) return false;
    if (w->off >= start + size) {
        *over = false;
        return false;
    }
    if (is_struct(&type)) {
        w->id = type.id;
        w->off -= at;
        return true;
    }
    if (type.kind == PST_BTF_PTR) {
        if (w->size == 8 && w->off == at) *end = end_at_pointer(w, &type, member->name);
        return false;
    }
    if (w->off + w->size <= start + size || w->in_union) *end = WALK_NUMBER;
    return false;
}

static walk_end walk_struct(walk *w)
{
    for (int depth = 0; depth < WALK_DEPTH; depth++) {
        pst_btf_type type = pst_btf_get(w->btf, w->id);
        walk_end end = WALK_NOTHING;
        if (!is_struct(&type)) return WALK_NOTHING;
        if (type.kind == PST_BTF_UNION && type.count != 1) w->in_union = true;
        if (w->off + w->size > type.size) {
            if (!enter_flexible(w, &type, &end)) return WALK_NOTHING;
            if (end != WALK_NOTHING) return end;
            continue;
        }
        bool inside = false, over = false;
        for (uint32_t i = 0; i < type.count && !over; i++) {
            pst_btf_member member = pst_btf_member_at(w->btf, type.id, i);
            inside = visit_member(w, &member, &end, &over);
        }
        if (!inside) return end;
    }
    return WALK_NOTHING;
}

// --- Trust ---------------------------------------------------------------------------------------------------------------

typedef enum safety { SAFE_RCU, SAFE_RCU_OR_NULL, SAFE_TRUSTED, SAFE_TRUSTED_OR_NULL } safety;

typedef struct safe_member {
    const char *type, *member;
    safety how;
} safe_member;

// Linux 6.18: BTF_TYPE_SAFE_*.
static const safe_member g_safe[] = {
    {"task_struct", "cpus_ptr", SAFE_RCU},           {"task_struct", "cgroups", SAFE_RCU},
    {"task_struct", "real_parent", SAFE_RCU},        {"task_struct", "group_leader", SAFE_RCU},
    {"cgroup", "kn", SAFE_RCU},                      {"css_set", "dfl_cgrp", SAFE_RCU},
    {"cgroup_subsys_state", "cgroup", SAFE_RCU},     {"mm_struct", "exe_file", SAFE_RCU_OR_NULL},
    {"sk_buff", "sk", SAFE_RCU_OR_NULL},             {"request_sock", "sk", SAFE_RCU_OR_NULL},
    {"bpf_iter_meta", "seq", SAFE_TRUSTED},          {"bpf_iter__task", "meta", SAFE_TRUSTED},
    {"bpf_iter__task", "task", SAFE_TRUSTED},        {"linux_binprm", "file", SAFE_TRUSTED},
    {"file", "f_inode", SAFE_TRUSTED},               {"dentry", "d_inode", SAFE_TRUSTED_OR_NULL},
    {"socket", "sk", SAFE_TRUSTED_OR_NULL},          {"vm_area_struct", "vm_mm", SAFE_TRUSTED_OR_NULL},
    {"vm_area_struct", "vm_file", SAFE_TRUSTED_OR_NULL},
};

static bool is_safe(const vobj *base, const char *member, safety how)
{
    for (size_t i = 0; i < PST_COUNT(g_safe); i++)
        if (g_safe[i].how == how && base->type_name && strcmp(g_safe[i].type, base->type_name) == 0 && strcmp(g_safe[i].member, member) == 0) return true;
    return false;
}

bool vbtf_in_rcu(const verifier *v, const vstate *s)
{
    return s->rcu_depth > 0 || s->lock_count > 0 || !v->image->sleepable;
}

// What is known of a pointer that was loaded from base.
static uint32_t trust_of(const verifier *v, const vstate *s, const vobj *base, const walk *w)
{
    bool is_rcu = strcmp(w->tag, "rcu") == 0;
    if (base->flags & VOBJ_UNTRUSTED) return VOBJ_UNTRUSTED;
    if (!(base->flags & (VOBJ_TRUSTED | VOBJ_RCU)) && !base->ref) return w->in_union ? VOBJ_UNTRUSTED : 0;
    if (is_safe(base, w->member, SAFE_TRUSTED)) return VOBJ_TRUSTED;
    if (is_safe(base, w->member, SAFE_TRUSTED_OR_NULL)) return VOBJ_TRUSTED | VOBJ_MAYBE_NULL;
    if (!vbtf_in_rcu(v, s)) return VOBJ_UNTRUSTED;
    if (is_safe(base, w->member, SAFE_RCU)) return VOBJ_RCU;
    if (is_safe(base, w->member, SAFE_RCU_OR_NULL)) return VOBJ_RCU | VOBJ_MAYBE_NULL;
    if (is_rcu) return VOBJ_RCU | VOBJ_MAYBE_NULL | (w->in_union ? VOBJ_UNTRUSTED : 0);
    return 0; // as Linux had it before there was trust: may be read, and given to old helpers
}

// --- Loads ---------------------------------------------------------------------------------------------------------------

static vstep give_pointer(verifier *v, vstate *s, const vobj *like, vvalue *out)
{
    uint16_t obj = vobj_new(v, s, like);
    if (obj == UINT16_MAX) return vnomem(v);
    *out = vvalue_ptr(obj);
    return VSTEP_NEXT;
}

static vstep no_member(verifier *v, const vstate *s, const vaccess *a, const char *name)
{
    vreject(v, PST_FINDING_BOUNDS, (int)a->reg, "struct %s has no member of %llu bytes at this offset", name ? name : "?", (unsigned long long)a->size);
    vneeded(v, "one member, whole if it is a pointer");
    vknown(v, s, &a->ptr);
    vhint(v, "use BPF_CORE_READ or preserve_access_index, so that offsets fit the running host");
    return VSTEP_REJECT;
}

static vstep loaded_pointer(verifier *v, vstate *s, const vaccess *a, const walk *w, const vobj *base, vvalue *out)
{
    if (strcmp(w->tag, "user") == 0) { // no memory that a program may touch
        *out = vmem_unknown(v, s, a);
        return VSTEP_NEXT;
    }
    vobj like = {.kind = VO_BTF, .type_id = w->id, .type_name = pst_btf_get(w->btf, w->id).name};
    like.flags = (base->flags & VOBJ_HOST_BTF) | trust_of(v, s, base, w);
    if (strcmp(w->tag, "percpu") == 0) like.kind = VO_PERCPU;
    return give_pointer(v, s, &like, out);
}

static vstep check_fixed(verifier *v, const vstate *s, const vaccess *a, int64_t *off)
{
    if (vmem_is_fixed(s, &a->ptr, off) && *off >= 0 && *off < VMEM_OFFSET_MAX) return VSTEP_NEXT;
    vreject(v, PST_FINDING_BOUNDS, (int)a->reg, "the offset into the struct at r%u must be one known number that is not negative", a->reg);
    vknown(v, s, &a->ptr);
    return VSTEP_REJECT;
}

static vstep load_host(verifier *v, vstate *s, const vaccess *a, int64_t off, vvalue *out)
{
    vobj base = s->objs[a->ptr.obj];
    if (v->strict) {
        vreject(v, PST_FINDING_POINTER_LEAK, (int)a->reg, "r%u points to a struct of the host, which strict mode does not let programs read", a->reg);
        return VSTEP_REJECT;
    }
    if (!v->image->gpl_compatible && (base.flags & VOBJ_HOST_BTF))
        return vreject(v, PST_FINDING_HELPER, (int)a->reg, "only programs with a GPL-compatible licence may read structs of the host");
    const pst_btf *btf = base.flags & VOBJ_HOST_BTF ? v->input->host_btf : v->input->btf;
    *out = a->is_argument ? vvalue_any() : vmem_unknown(v, s, a);
    if (!btf || base.type_id == 0 || base.type_id >= pst_btf_count(btf)) return VSTEP_NEXT;
    walk w = {.btf = btf, .id = pst_btf_strip(btf, base.type_id), .off = (uint64_t)off, .size = a->size, .tag = ""};
    w.in_union = (base.flags & VOBJ_UNTRUSTED) != 0;
    pst_btf_type type = pst_btf_get(btf, w.id);
    if (!is_struct(&type)) return VSTEP_NEXT; // memory that reads are protected in
    walk_end end = walk_struct(&w);
    if (a->is_argument && end != WALK_NOTHING) return VSTEP_NEXT;
    switch (end) {
    case WALK_NOTHING: return no_member(v, s, a, base.type_name);
    case WALK_NUMBER: return VSTEP_NEXT;
    case WALK_STRUCT_PTR: return loaded_pointer(v, s, a, &w, &base, out);
    case WALK_OTHER_PTR:
        if (w.tag[0]) return VSTEP_NEXT;
        return give_pointer(v, s, &(vobj){.kind = VO_BTF, .flags = VOBJ_UNTRUSTED}, out); // may only be read
    }
    return VSTEP_NEXT;
}

vstep vbtf_load(verifier *v, vstate *s, const vaccess *a, vvalue *out)
{
    int64_t off;
    const pst_record *kptr;
    vstep step = check_fixed(v, s, a, &off);
    if (step != VSTEP_NEXT) return step;
    if (s->objs[a->ptr.obj].kind == VO_BTF) return load_host(v, s, a, off, out);
    step = vobject_check(v, s, a, &kptr);
    if (step == VSTEP_NEXT) *out = a->is_argument ? vvalue_any() : vmem_unknown(v, s, a);
    return step;
}

// The members of the host's structs that programs may write: Linux's btf_struct_access, of which nf_conntrack's is described here.
static bool is_writable(const verifier *v, const vstate *s, const vaccess *a)
{
    const vobj *obj = &s->objs[a->ptr.obj];
    const pst_btf *host = v->input->host_btf;
    bool fits = v->image->prog_type == PST_PROG_XDP || v->image->prog_type == PST_PROG_SCHED_CLS;
    bool is_conn = obj->type_name && (strcmp(obj->type_name, "nf_conn") == 0 || strcmp(obj->type_name, "nf_conn___init") == 0);
    int64_t off;
    if (!fits || !is_conn || !host || (obj->flags & VOBJ_UNTRUSTED) || (!obj->ref && !(obj->flags & VOBJ_TRUSTED))) return false;
    if (!vmem_is_fixed(s, &a->ptr, &off) || off < 0 || a->size > 4) return false;
    pst_btf_type type = pst_btf_get(host, pst_btf_find(host, "nf_conn", PST_BTF_STRUCT));
    for (uint32_t i = 0; i < type.count; i++) {
        pst_btf_member member = pst_btf_member_at(host, type.id, i);
        uint64_t at = member.bit_offset / 8;
        if (strcmp(member.name, "mark") == 0) return (uint64_t)off >= at && (uint64_t)off + a->size <= at + 4;
    }
    return false;
}

vstep vbtf_store(verifier *v, vstate *s, const vaccess *a)
{
    int64_t off;
    const pst_record *kptr;
    const vobj *obj = &s->objs[a->ptr.obj];
    if (obj->kind == VO_BTF && is_writable(v, s, a)) return VSTEP_NEXT;
    if (obj->kind == VO_BTF || (obj->flags & VOBJ_UNTRUSTED)) {
        vreject(v, PST_FINDING_READ_ONLY, (int)a->reg, "r%u is %s, through which programs may only read", a->reg, vkind_text(s, &a->ptr));
        vknown(v, s, &a->ptr);
        return VSTEP_REJECT;
    }
    vstep step = check_fixed(v, s, a, &off);
    return step == VSTEP_NEXT ? vobject_check(v, s, a, &kptr) : step;
}

// --- Maps and kptr fields --------------------------------------------------------------------------------------------------

vstep vbtf_map_load(verifier *v, vstate *s, const vaccess *a, vvalue *out)
{
    int64_t off;
    if (v->strict) return vreject(v, PST_FINDING_TYPE, (int)a->reg, "r%u is a map, whose fields strict mode does not let programs read", a->reg);
    vstep step = check_fixed(v, s, a, &off);
    if (step != VSTEP_NEXT) return step;
    if ((uint64_t)off + a->size > sizeof(pst_map_view)) return vmem_outside(v, s, a, sizeof(pst_map_view), "the map's own fields");
    *out = vmem_unknown(v, s, a);
    return VSTEP_NEXT;
}

// The kernel type of that name, or an object of the program's own types.
static vobj kptr_object(verifier *v, const pst_record *record)
{
    vobj like = {.kind = VO_BTF, .type_name = record->type_name, .flags = VOBJ_MAYBE_NULL};
    const pst_btf *host = v->input->host_btf, *own = v->input->btf;
    uint32_t host_id = host && record->type_name ? pst_btf_find(host, record->type_name, PST_BTF_STRUCT) : 0;
    like.flags |= VOBJ_HOST_BTF;
    like.type_id = host_id;
    if (vkptr_is_host(v, record) || !own || record->type_id == 0 || record->type_id >= pst_btf_count(own)) return like;
    like.kind = VO_ALLOC;
    like.flags = VOBJ_MAYBE_NULL | VOBJ_RDONLY;
    like.type_id = record->type_id;
    like.size = pst_btf_get(own, record->type_id).size;
    (void)vobject_find_records(v, record->type_id, &like); // without memory it has none, and less may be done with it
    return like;
}

vstep vbtf_kptr_load(verifier *v, vstate *s, const pst_record *record, vvalue *out)
{
    static const char *const in_rcu[] = {"prog_test_ref_kfunc", "cgroup", "bpf_cpumask", "task_struct", "bpf_crypto_ctx"};
    vobj like = kptr_object(v, record);
    if (record->kind == PST_RECORD_UPTR) {
        like = (vobj){.kind = VO_MEM, .flags = VOBJ_MAYBE_NULL};
        if (v->input->btf && record->type_id && record->type_id < pst_btf_count(v->input->btf)) like.size = pst_btf_get(v->input->btf, record->type_id).size;
        return give_pointer(v, s, &like, out);
    }
    bool lives_by_rcu = record->kind == PST_RECORD_KPTR_PERCPU || (record->kind == PST_RECORD_KPTR && like.kind == VO_ALLOC);
    for (size_t i = 0; i < PST_COUNT(in_rcu) && record->kind == PST_RECORD_KPTR && record->type_name; i++)
        if (strcmp(in_rcu[i], record->type_name) == 0) lives_by_rcu = true;
    bool valid = lives_by_rcu && vbtf_in_rcu(v, s);
    if (!valid && like.kind == VO_ALLOC) like.kind = VO_BTF; // only read, under protection
    if (VPLANT(44)) like.flags &= ~VOBJ_MAYBE_NULL;
    like.flags |= valid ? VOBJ_RCU : VOBJ_UNTRUSTED;
    if (valid && record->kind == PST_RECORD_KPTR_PERCPU) like.kind = VO_PERCPU;
    return give_pointer(v, s, &like, out);
}
