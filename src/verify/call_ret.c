// call_ret.c: what r0 is after a call.
//
// Called by call.c once the arguments were checked and what the call does was applied; r1 to r5 are gone by then, so everything is read from the
// vcall_info. Results of kfuncs on the program's own objects are call_object.c's, of iterators call_dynptr.c's.
#include "verify/call.h"

#include <string.h>

#define ERRNO_MAX 4095

vstep vcall_return_number(verifier *v, vstate *s, const pst_scalar *scalar)
{
    vreg_set(s, 0, vvalue_number(v, s, scalar));
    return VSTEP_NEXT;
}

static vstep return_pointer(verifier *v, vstate *s, uint16_t obj, int64_t off)
{
    if (obj == VOBJ_NONE) return vnomem(v);
    vvalue value = vvalue_ptr(obj);
    value.off = off;
    vreg_set(s, 0, value);
    vfact(v, PST_FACT_NOT_NULL, (s->objs[obj].flags & VOBJ_MAYBE_NULL) == 0);
    return VSTEP_NEXT;
}

// A new object is the reference itself where the call acquires one, and dies with the argument's where it is another view of it.
static vstep return_object(verifier *v, vstate *s, const vcall_info *call, vobj like, bool is_view)
{
    bool acquires = (call->proto->flags & PST_HELPER_ACQUIRES) != 0;
    if (acquires) like.flags |= VOBJ_MUST_RELEASE;
    uint16_t obj = vobj_new(v, s, &like);
    if (obj == VOBJ_NONE) return vnomem(v);
    if (acquires) s->objs[obj].ref = s->objs[obj].id;
    else if (is_view) s->objs[obj].ref = call->ref;
    return return_pointer(v, s, obj, 0);
}

// --- Map values ------------------------------------------------------------------------------------------------------------

uint16_t vcall_new_map_value(verifier *v, vstate *s, const pst_map_view *view, uint16_t map, uint32_t map_id, uint32_t flags)
{
    vobj like = {.kind = VO_MAP_VALUE, .map = map, .flags = flags, .parent = map_id, .size = view->value_size,
                 .view = view, .records = view->records, .record_count = view->record_count};
    return vobj_new(v, s, &like);
}

#define INNER_MAP 0x1000u // BPF_F_INNER_MAP: the maps that stand in for this template may have fewer entries

// Whether every key below max_entries has a value.
static bool is_indexed(const pst_map_view *view)
{
    return (view->type == PST_MAP_ARRAY || view->type == PST_MAP_PERCPU_ARRAY) && (view->flags & INNER_MAP) == 0;
}

static vstep return_map_value(verifier *v, vstate *s, const vcall_info *call, bool maybe_null)
{
    const pst_map_view *view = call->view;
    uint32_t flags = maybe_null ? VOBJ_MAYBE_NULL : 0;
    vobj like = {.flags = flags};
    if (view == NULL) return vreject(v, PST_FINDING_UNSUPPORTED, -1, "%s returns the value of a map, but is given none", vcall_name(call));
    bool is_lookup = !call->is_kfunc && call->proto->id == 1;
    switch (view->type) {
    case PST_MAP_ARRAY_OF_MAPS:
    case PST_MAP_HASH_OF_MAPS:
        if (view->inner == NULL) break;
        like.kind = VO_MAP;
        like.map = call->map;
        like.view = view->inner;
        return return_object(v, s, call, like, false);
    case PST_MAP_XSKMAP: // an xdp_sock: the program may read its queue
        like.kind = VO_MEM;
        like.flags |= VOBJ_RDONLY;
        like.size = 4;
        return return_object(v, s, call, like, false);
    case PST_MAP_SOCKMAP:
    case PST_MAP_SOCKHASH: {
        like.kind = VO_SOCK;
        like.desc = &pst_struct_sock;
        like.size = pst_struct_sock.size;
        like.flags |= VOBJ_MUST_RELEASE;
        uint16_t obj = vobj_new(v, s, &like);
        if (obj != VOBJ_NONE) s->objs[obj].ref = s->objs[obj].id;
        return return_pointer(v, s, obj, 0);
    }
    default: break;
    }
    if (is_lookup && is_indexed(view) && call->map_key >= 0 && call->map_key < (int64_t)view->max_entries) flags &= ~VOBJ_MAYBE_NULL;
    if (!call->is_kfunc && call->proto->id == 195) flags |= VOBJ_CPU_ELEM;
    return return_pointer(v, s, vcall_new_map_value(v, s, view, call->map, call->map_id, flags), 0);
}

// --- Sockets and structs of the host ------------------------------------------------------------------------------------------

uint16_t vcall_new_btf(verifier *v, vstate *s, const char *name, uint32_t flags)
{
    const pst_btf *host = v->input->host_btf;
    vobj like = {.kind = VO_BTF, .flags = flags, .type_name = name};
    if (host != NULL && name != NULL) {
        like.type_id = pst_btf_find(host, name, PST_BTF_STRUCT);
        like.flags |= VOBJ_HOST_BTF;
        if (like.type_id != 0) like.size = pst_btf_get(host, like.type_id).size;
    }
    return vobj_new(v, s, &like);
}

// Structs that start with another, for hosts whose BTF is not at hand.
static const struct {
    const char *outer, *first;
} g_first[] = {
    {"tcp_sock", "inet_connection_sock"}, {"tcp6_sock", "tcp_sock"},      {"inet_connection_sock", "inet_sock"},
    {"udp_sock", "inet_sock"},            {"udp6_sock", "udp_sock"},      {"mptcp_sock", "inet_connection_sock"},
    {"inet_sock", "sock"},                {"unix_sock", "sock"},          {"sock", "sock_common"},
    {"tcp_timewait_sock", "inet_timewait_sock"}, {"inet_timewait_sock", "sock_common"},
    {"tcp_request_sock", "inet_request_sock"},   {"inet_request_sock", "request_sock"},
    {"request_sock", "sock_common"},      {"bpf_cpumask", "cpumask"},
};

static const char *first_known(const char *name)
{
    for (size_t i = 0; i < PST_COUNT(g_first); i++)
        if (strcmp(g_first[i].outer, name) == 0) return g_first[i].first;
    return NULL;
}

// The member at byte off of struct id; *off becomes the offset in it. 0: no struct there.
static uint32_t member_at(const pst_btf *btf, uint32_t id, uint64_t *off)
{
    pst_btf_type t = pst_btf_get(btf, id);
    for (uint32_t i = 0; i < t.count; i++) {
        pst_btf_member m = pst_btf_member_at(btf, id, i);
        uint32_t type = pst_btf_strip(btf, m.type);
        uint64_t size = 0, at = m.bit_offset / 8;
        if (m.bit_size != 0 || !pst_btf_size(btf, type, &size) || *off < at || *off >= at + size) continue;
        if (pst_btf_get(btf, type).kind != PST_BTF_STRUCT) continue;
        *off -= at;
        return type;
    }
    return 0;
}

bool vcall_btf_fits(const verifier *v, const char *have, int64_t off, const char *want)
{
    if (off == 0 && strcmp(have, want) == 0) return true;
    if (off == 0)
        for (const char *name = first_known(have); name != NULL; name = first_known(name))
            if (strcmp(name, want) == 0) return true;
    const pst_btf *host = v->input->host_btf;
    uint32_t id = host != NULL && off >= 0 ? pst_btf_find(host, have, PST_BTF_STRUCT) : 0;
    uint64_t at = (uint64_t)off;
    for (unsigned depth = 0; id != 0 && depth < PST_BTF_CHAIN_MAX; depth++) {
        id = member_at(host, id, &at);
        if (id != 0 && at == 0 && strcmp(pst_btf_get(host, id).name, want) == 0) return true;
    }
    return false;
}

bool vobj_trusted(const vobj *obj)
{
    if ((obj->flags & (VOBJ_UNTRUSTED | VOBJ_MAYBE_NULL)) != 0) return false;
    return obj->ref != 0 || obj->kind == VO_SOCK || obj->kind == VO_ALLOC || (obj->flags & VOBJ_TRUSTED) != 0;
}

static vstep return_socket(verifier *v, vstate *s, const vcall_info *call, const pst_struct_desc *desc)
{
    // These look at the same socket as another type; get_listener_sock finds another one, which RCU protects.
    bool is_view = call->proto->id == 95 || call->proto->id == 96;
    if (!call->is_kfunc && call->proto->id == 96) desc = &pst_struct_tcp_sock;
    if (!call->is_kfunc && call->proto->id == 99) desc = &pst_struct_sock_common;
    vobj like = {.kind = VO_SOCK, .flags = VOBJ_MAYBE_NULL, .size = desc->size, .desc = desc};
    return return_object(v, s, call, like, is_view);
}

// Socket casts give another view of their argument; unix sockets are looked at without a reference, as on Linux.
static bool is_socket_cast(const vcall_info *call)
{
    int32_t id = call->proto->id;
    return !call->is_kfunc && ((id >= 136 && id <= 140) || id == 196);
}

static vstep return_btf(verifier *v, vstate *s, const vcall_info *call, bool maybe_null)
{
    bool acquires = (call->proto->flags & PST_HELPER_ACQUIRES) != 0;
    uint32_t flags = maybe_null ? VOBJ_MAYBE_NULL : 0;
    int32_t id = call->proto->id;
    if (acquires || id == 158 || id == 175) flags |= VOBJ_TRUSTED;
    if (acquires && !VPLANT(55)) flags |= VOBJ_MUST_RELEASE;
    uint16_t obj = vcall_new_btf(v, s, call->proto->btf_ret, flags);
    if (obj == VOBJ_NONE) return vnomem(v);
    if (acquires) s->objs[obj].ref = s->objs[obj].id;
    else if (is_socket_cast(call)) s->objs[obj].ref = call->ref;
    return return_pointer(v, s, obj, 0);
}

// --- Memory ---------------------------------------------------------------------------------------------------------------------

static vstep return_memory(verifier *v, vstate *s, const vcall_info *call, uint64_t size, bool maybe_null)
{
    vobj like = {.kind = VO_MEM, .size = (uint32_t)size, .flags = maybe_null ? VOBJ_MAYBE_NULL : 0};
    if ((call->proto->flags & PST_HELPER_RDONLY_RET) != 0) like.flags |= VOBJ_RDONLY;
    return return_object(v, s, call, like, true);
}

static vstep return_allocation(verifier *v, vstate *s, const vcall_info *call)
{
    vobj like = {.kind = VO_MEM, .size = (uint32_t)call->constant, .flags = VOBJ_MAYBE_NULL};
    if (call->view != NULL && call->view->type == PST_MAP_RINGBUF) {
        like.kind = VO_RINGBUF;
        like.map = call->map;
        like.view = call->view;
    }
    return return_object(v, s, call, like, false);
}

static vstep return_percpu(verifier *v, vstate *s, const vcall_info *call)
{
    vobj like = s->objs[call->object];
    uint32_t flags = (call->proto->flags & PST_HELPER_RET_NULL) != 0 ? VOBJ_MAYBE_NULL : 0;
    bool is_struct = like.type_name != NULL || like.type_id != 0;
    // An object of the program's own is written through; a variable of the host only read.
    bool is_own = (like.flags & VOBJ_HOST_BTF) == 0 && (like.ref != 0 || (like.flags & VOBJ_RCU) != 0);
    like.flags = (like.flags & (VOBJ_HOST_BTF | VOBJ_RCU)) | flags;
    if (is_own) like.kind = VO_ALLOC;
    else like.kind = is_struct ? VO_BTF : VO_MEM;
    if (like.kind == VO_MEM) like.flags |= VOBJ_RDONLY;
    if (like.kind == VO_BTF) like.flags |= VOBJ_TRUSTED;
    uint32_t ref = like.ref;
    like.parent = 0;
    like.ref = ref;
    uint16_t obj = vobj_new(v, s, &like);
    return return_pointer(v, s, obj, 0);
}

static vstep return_slice(verifier *v, vstate *s, const vcall_info *call)
{
    if (call->dynptr == VOBJ_NONE) return vreject(v, PST_FINDING_DYNPTR, -1, "%s is given no dynptr", vcall_name(call));
    const vobj *dynptr = &s->objs[call->dynptr];
    vobj like = {.kind = VO_MEM, .size = (uint32_t)call->constant, .flags = VOBJ_MAYBE_NULL | VOBJ_UNALIGNED, .parent = VPLANT(37) ? 0 : dynptr->id, .ref = dynptr->ref};
    if (dynptr->dynptr == VDYN_SKB || dynptr->dynptr == VDYN_XDP) like.flags |= VOBJ_SLICE_OF_PACKET;
    // There are no writable slices of a read-only dynptr: the call then returns NULL.
    bool is_rdonly = (call->proto->flags & PST_HELPER_RDONLY_RET) != 0;
    if (is_rdonly) like.flags |= VOBJ_RDONLY;
    if (call->is_kfunc && !is_rdonly && !v->type->packet_writable) {
        vstep step = vreject(v, PST_FINDING_READ_ONLY, -1, "%s: programs of this type may not write the packet", vcall_name(call));
        vhint(v, "use bpf_dynptr_slice");
        return step;
    }
    return return_pointer(v, s, vobj_new(v, s, &like), 0);
}

// --- Numbers ----------------------------------------------------------------------------------------------------------------------

static vstep return_number(verifier *v, vstate *s, const vcall_info *call)
{
    pst_scalar scalar = PST_SCALAR_TOP;
    if (call->is_kfunc && (call->proto->flags & PST_HELPER_LOCK) != 0) scalar = pst_scalar_const(0); // failure is a path of its own
    if (!call->is_kfunc) {
        switch (call->proto->id) {
        case 45:  // probe_read_str
        case 67:  // get_stack
        case 114: // probe_read_user_str
        case 115: // probe_read_kernel_str
        case 141: // get_task_stack: an error, or how many bytes were written
            scalar = pst_scalar_signed_range(-ERRNO_MAX, (int64_t)call->mem_max);
            break;
        default: break;
        }
    }
    return vcall_return_number(v, s, &scalar);
}

vstep vcall_result(verifier *v, vstate *s, const vcall_info *call)
{
    bool null_flag = (call->proto->flags & PST_HELPER_RET_NULL) != 0;
    switch (call->proto->ret) {
    case PST_RET_INTEGER: return return_number(v, s, call);
    case PST_RET_VOID: return VSTEP_NEXT; // r0 is uninitialised
    case PST_RET_MAP_VALUE_OR_NULL: return return_map_value(v, s, call, true);
    case PST_RET_MAP_VALUE: return return_map_value(v, s, call, false);
    case PST_RET_ALLOC_OR_NULL: return return_allocation(v, s, call);
    case PST_RET_MEM: return return_memory(v, s, call, call->proto->ret_size, null_flag);
    case PST_RET_MEM_OR_NULL: return return_memory(v, s, call, call->proto->ret_size, true);
    case PST_RET_MEM_BY_ARG_OR_NULL: return return_memory(v, s, call, call->constant, true);
    case PST_RET_SOCK_OR_NULL: return return_socket(v, s, call, &pst_struct_sock);
    case PST_RET_SOCK_COMMON_OR_NULL: return return_socket(v, s, call, &pst_struct_sock_common);
    case PST_RET_TCP_SOCK_OR_NULL: return return_socket(v, s, call, &pst_struct_tcp_sock);
    case PST_RET_BTF_ID: return return_btf(v, s, call, null_flag);
    case PST_RET_BTF_ID_OR_NULL: return call->kptr != NULL ? vobject_result(v, s, call) : return_btf(v, s, call, true);
    case PST_RET_MEM_OR_BTF_ID: return return_percpu(v, s, call);
    case PST_RET_DYNPTR_MEM_OR_NULL: return return_slice(v, s, call);
    case PST_RET_ITER_ELEMENT: return viter_next(v, s, call);
    case PST_RET_OBJECT_OR_NULL:
    case PST_RET_SAME_OBJECT:
    case PST_RET_LIST_NODE_OR_NULL:
    case PST_RET_RB_NODE_OR_NULL:
    case PST_RET_KERN_CTX:
    case PST_RET_RDONLY_CAST: return vobject_result(v, s, call);
    }
    return VSTEP_NEXT;
}
