// call_map.c: maps as arguments: which helper takes which type, keys and values.
//
// Called by call_arg.c. The table is Linux's check_map_func_compatibility, read in both directions: what a type allows (here) and what a helper takes (its
// prototype's map_types).
#include "verify/call.h"

#define FUNCTIONS_MAX 6

// Types that only these helpers may be given. A type without a row is for every helper whose prototype allows it.
static const struct {
    uint32_t type;
    int16_t helpers[FUNCTIONS_MAX];
} g_only[] = {
    {PST_MAP_PROG_ARRAY, {12}},
    {PST_MAP_PERF_EVENT_ARRAY, {22, 25, 111, 55, 121}},
    {PST_MAP_RINGBUF, {130, 131, 134, 198, 199, 200}},
    {PST_MAP_USER_RINGBUF, {209}},
    {PST_MAP_STACK_TRACE, {27}},
    {PST_MAP_CGROUP_ARRAY, {33, 37}},
    {PST_MAP_CGROUP_STORAGE, {81}},
    {PST_MAP_PERCPU_CGROUP_STORAGE, {81}},
    {PST_MAP_DEVMAP, {51, 1}},
    {PST_MAP_DEVMAP_HASH, {51, 1}},
    {PST_MAP_CPUMAP, {51}},
    {PST_MAP_XSKMAP, {51, 1}},
    {PST_MAP_ARRAY_OF_MAPS, {1}},
    {PST_MAP_HASH_OF_MAPS, {1}},
    {PST_MAP_REUSEPORT_SOCKARRAY, {82}},
    {PST_MAP_QUEUE, {87, 88, 89}},
    {PST_MAP_STACK, {87, 88, 89}},
    {PST_MAP_SK_STORAGE, {107, 108, 194}},
    {PST_MAP_INODE_STORAGE, {145, 146, 194}},
    {PST_MAP_TASK_STORAGE, {156, 157, 194}},
    {PST_MAP_CGRP_STORAGE, {210, 211, 194}},
    {PST_MAP_BLOOM_FILTER, {87, 89}},
    {PST_MAP_SOCKMAP, {52, 53, 60, 82, 1}},
    {PST_MAP_SOCKHASH, {72, 70, 71, 82, 1}},
};

// Program types that may change socket maps by the ordinary helpers.
static bool may_update_sockmap(const verifier *v, int32_t id)
{
    if (id != 2 && id != 3) return false;
    switch (v->image->prog_type) {
    case PST_PROG_TRACING: return v->image->attach_type == PST_ATTACH_TRACE_ITER;
    case PST_PROG_SOCK_OPS: return id == 3; // updates have a helper of their own there
    case PST_PROG_SOCKET_FILTER:
    case PST_PROG_SCHED_CLS:
    case PST_PROG_SCHED_ACT:
    case PST_PROG_XDP:
    case PST_PROG_SK_REUSEPORT:
    case PST_PROG_FLOW_DISSECTOR:
    case PST_PROG_SK_LOOKUP: return true;
    default: return false;
    }
}

static bool type_allows(const verifier *v, uint32_t type, int32_t id)
{
    if ((type == PST_MAP_SOCKMAP || type == PST_MAP_SOCKHASH) && may_update_sockmap(v, id)) return true;
    for (size_t i = 0; i < PST_COUNT(g_only); i++) {
        if (g_only[i].type != type) continue;
        for (size_t k = 0; k < FUNCTIONS_MAX; k++)
            if (g_only[i].helpers[k] == id) return true;
        return false;
    }
    return true;
}

static vstep check_compatible(verifier *v, const vcall_info *call, unsigned reg)
{
    uint32_t type = call->view->type;
    bool helper_takes = call->proto->map_types == 0 || (type < 64 && (call->proto->map_types >> type & 1) != 0);
    if (helper_takes && (call->is_kfunc || type_allows(v, type, call->proto->id))) return VSTEP_NEXT;
    vstep step = vreject(v, PST_FINDING_MAP, (int)reg, "%s cannot be given a map of type %s", vcall_name(call), pst_map_type_name(type));
    vhint(v, "check the map's type, or use the helper that belongs to it");
    return step;
}

vstep vcall_map_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg)
{
    vvalue value = vreg(s, reg);
    const pst_map_view *view = NULL;
    uint16_t map = value.obj;
    uint32_t id = 0;
    int64_t off = 0;
    if (value.kind == V_MAP) {
        view = v->image->maps[value.obj];
    } else {
        const vobj *obj = vobj_if(s, &value, VO_MAP);
        if (obj == NULL || (obj->flags & VOBJ_MAYBE_NULL) != 0) return vreject_type(v, s, reg, call, "a map");
        view = obj->view;
        map = obj->map;
        id = obj->id;
    }
    if (!vvalue_offset(s, &value, &off) || off != 0) return vreject_type(v, s, reg, call, "a map, without an offset");
    if (call->view != NULL && (call->view != view || call->map_id != id)) {
        // Timers and work queues live in the map that they are initialised with, or the map could die before them.
        vstep step = vreject(v, PST_FINDING_MAP, (int)reg, "%s must be given the map that holds what r1 points to", vcall_name(call));
        vknown(v, s, &value);
        return step;
    }
    call->view = view;
    call->map = map;
    call->map_id = id;
    return check_compatible(v, call, reg);
}

uint32_t vcall_packet_access(const vcall_info *call)
{
    bool is_allowed = call->is_kfunc || call->proto->id >= 0x10000 || (call->proto->flags & PST_HELPER_PACKET_ARGS) != 0;
    return is_allowed ? VMEM_PACKET_OK : 0;
}

// Byte n of the cell, -1: not known.
static int constant_byte(const vstate *s, const vcell *cell, unsigned n)
{
    if ((cell->init >> n & 1) == 0) return -1;
    if ((cell->zero >> n & 1) != 0) return 0;
    bool in_high = n >= 4 && n < 4u + cell->hi_size;
    if (!in_high && n >= cell->lo_size) return -1;
    const vvalue *held = in_high ? &cell->hi : &cell->lo;
    if (held->kind != V_NUMBER) return -1;
    pst_scalar known = vvalue_scalar(s, held);
    unsigned shift = 8 * (in_high ? n - 4 : n);
    return (known.bits.mask >> shift & 0xff) != 0 ? -1 : (int)(known.bits.value >> shift & 0xff);
}

// The key's number if it is known: a key of an array that is in range finds a value.
static int64_t constant_key(vstate *s, const vvalue *key)
{
    int64_t off = 0;
    if (key->kind != V_STACK || !vvalue_offset(s, key, &off)) return -1;
    if (off >= 0 || off < -PST_FRAME_BYTES || (off & 3) != 0) return -1;
    const vframe *frame = s->frames[key->obj];
    uint32_t slot = (uint32_t)(-off - 1) / 8;
    if (slot >= frame->cell_count) return -1;
    const vcell *cell = &frame->cells[slot];
    if (cell->mode != VCELL_DATA) return -1;
    int64_t number = 0;
    for (unsigned i = 0; i < 4; i++) {
        int byte = constant_byte(s, cell, (unsigned)(off & 7) + i);
        if (byte < 0) return -1;
        number |= (int64_t)byte << 8 * i;
    }
    return number;
}

vstep vcall_map_key(verifier *v, vstate *s, vcall_info *call, unsigned reg)
{
    uint32_t size = call->view->key_size;
    vvalue value = vreg(s, reg);
    if (size == 4) call->map_key = constant_key(s, &value);
    return vmem_argument(v, s, reg, size, size, VMEM_READ | vcall_packet_access(call));
}

vstep vcall_map_value(verifier *v, vstate *s, vcall_info *call, unsigned reg, bool is_out)
{
    uint32_t size = call->view->value_size;
    uint32_t access = is_out ? VMEM_WRITE | VMEM_UNINIT : VMEM_READ;
    // What a peek asks a Bloom filter about is read.
    if (is_out && call->view->type == PST_MAP_BLOOM_FILTER) access = VMEM_READ;
    return vmem_argument(v, s, reg, size, size, access | vcall_packet_access(call));
}
