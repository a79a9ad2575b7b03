// args.c: calls of helpers in the checked interpreter: arguments by the prototype, and what the result gives access to.
//
// Invariant: a helper is called only with arguments that its prototype allows at this moment, so that it need not doubt them.
// Refused altogether: timers, kptrs and pointers to BTF types that no helper of this run returned. Dynptrs and iterators are refused without a
// proof (pst_bindings.proved), because a program could forge them.
#include "interp/checked.h"

#define DYNPTR_BYTES 16u

typedef struct helper_call {
    const pst_helper_proto *proto;
    uint64_t args[PST_ARGS_MAX]; // as the helper gets them
    const pst_map_view *map;     // of the last PST_ARG_MAP
    uint64_t alloc_size;         // PST_ARG_ALLOC_SIZE
    region *released;            // reference that the call releases
    unsigned bad_arg;            // from 1; 0: none yet
    uint32_t bad_size;           // bytes that were asked for
} helper_call;

static bool refuse(helper_call *call, unsigned arg, uint64_t size)
{
    call->bad_arg = arg + 1;
    call->bad_size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
    return false;
}

static bool check_memory(checked_run *c, helper_call *call, unsigned arg, uint64_t size, bool write)
{
    pst_trap_code why;
    if (checked_memory(c, call->args[arg], size, write, &why)) return true;
    return refuse(call, arg, size);
}

static bool check_ctx(checked_run *c, helper_call *call, unsigned arg)
{
    uint64_t real = (uint64_t)(uintptr_t)c->run->ctx;
    if (call->args[arg] != (c->prog->bindings.type ? PST_CHECKED_CTX : real)) return refuse(call, arg, 0);
    call->args[arg] = real;
    return true;
}

static bool check_map(const checked_run *c, helper_call *call, unsigned arg)
{
    if (!checked_knows_map(c, call->args[arg])) return refuse(call, arg, 0);
    call->map = (const pst_map_view *)(uintptr_t)call->args[arg];
    uint64_t types = call->proto->map_types;
    return types == 0 || (call->map->type < 64 && types >> call->map->type & 1) || refuse(call, arg, 0);
}

// Memory of the map's key or value size. A map argument comes first in every prototype; without one there is nothing to measure by.
static bool check_map_memory(checked_run *c, helper_call *call, unsigned arg, bool key, bool write)
{
    if (!call->map) return refuse(call, arg, 0);
    return check_memory(c, call, arg, key ? call->map->key_size : call->map->value_size, write);
}

// Memory whose size is the next argument.
static bool check_sized(checked_run *c, helper_call *call, unsigned arg, bool write)
{
    if (arg + 1 == PST_ARGS_MAX) return refuse(call, arg, 0);
    uint64_t size = call->args[arg + 1];
    bool zero_is_fine = call->proto->args[arg + 1] == PST_ARG_SIZE_OR_ZERO;
    if (size > CHECKED_SIZE_MAX || (size == 0 && !zero_is_fine)) return refuse(call, arg + 1, size);
    if (size == 0) return true; // nothing is touched; NULL only ever comes with this size
    return check_memory(c, call, arg, size, write);
}

static bool check_string(checked_run *c, helper_call *call, unsigned arg)
{
    const region *in = checked_region(c, call->args[arg], 1);
    if (!in || in->kind != REGION_VALUE || !in->constant) return refuse(call, arg, 0);
    const char *text = (const char *)(uintptr_t)call->args[arg];
    uint64_t left = in->base + in->size - call->args[arg];
    return memchr(text, 0, (size_t)left) || refuse(call, arg, left);
}

static bool check_aligned_out(checked_run *c, helper_call *call, unsigned arg, unsigned size)
{
    if (call->args[arg] % size != 0) return refuse(call, arg, size);
    return check_memory(c, call, arg, size, true);
}

static bool check_spin_lock(checked_run *c, helper_call *call, unsigned arg)
{
    const region *in = checked_region(c, call->args[arg], 4);
    bool fine = in && in->kind == REGION_VALUE && in->writable && call->args[arg] % 4 == 0;
    return fine || refuse(call, arg, 4);
}

// Whether the value really has a timer there only a proof can say.
static bool check_timer(checked_run *c, helper_call *call, unsigned arg)
{
    const region *in = checked_region(c, call->args[arg], 16);
    bool fine = c->prog->bindings.proved && in && in->kind == REGION_VALUE && in->writable && call->args[arg] % 8 == 0;
    return fine || refuse(call, arg, 16);
}

// The thing that a helper of this run returned, at exactly this address.
static region *find_exact(checked_run *c, uint64_t address, bool object)
{
    for (unsigned i = 0; i < c->region_count; i++) {
        region *entry = &c->regions[i];
        if (entry->base == address && (entry->kind == REGION_OBJECT) == object && entry->kind != REGION_VALUE) return entry;
    }
    return NULL;
}

static bool check_returned(checked_run *c, helper_call *call, unsigned arg, bool object)
{
    region *entry = find_exact(c, call->args[arg], object);
    if (!entry) return refuse(call, arg, 0);
    if (call->proto->flags & PST_HELPER_RELEASES && !call->released) {
        if (!entry->reference) return refuse(call, arg, 0);
        call->released = entry;
    }
    return true;
}

// Stack that the program itself never touches, which only a proof can say.
static bool check_opaque(checked_run *c, helper_call *call, unsigned arg, uint32_t size)
{
    bool fine = c->prog->bindings.proved && call->args[arg] % 8 == 0 && checked_on_stack(c, call->args[arg], size);
    return fine || refuse(call, arg, size);
}

static bool check_arg(checked_run *c, helper_call *call, unsigned arg)
{
    uint64_t value = call->args[arg];
    switch (call->proto->args[arg]) {
    case PST_ARG_NONE:
    case PST_ARG_NUMBER:
    case PST_ARG_ANYTHING:
    case PST_ARG_ANYTHING_OPT:
    case PST_ARG_SIZE: // with the memory before it
    case PST_ARG_SIZE_OR_ZERO: return true;
    case PST_ARG_CTX: return check_ctx(c, call, arg);
    case PST_ARG_CTX_OR_NULL: return value == 0 || check_ctx(c, call, arg);
    case PST_ARG_MAP: return check_map(c, call, arg);
    case PST_ARG_MAP_KEY: return check_map_memory(c, call, arg, true, false);
    case PST_ARG_MAP_VALUE: return check_map_memory(c, call, arg, false, false);
    case PST_ARG_MAP_VALUE_OR_NULL: return value == 0 || check_map_memory(c, call, arg, false, false);
    case PST_ARG_MAP_VALUE_OUT: return check_map_memory(c, call, arg, false, true);
    case PST_ARG_MEM:
    case PST_ARG_MEM_OR_NULL: return check_sized(c, call, arg, false);
    case PST_ARG_MEM_OUT:
    case PST_ARG_MEM_OR_NULL_OUT:
    case PST_ARG_MEM_INOUT: return check_sized(c, call, arg, true);
    case PST_ARG_MEM_20: return check_memory(c, call, arg, 20, false);
    case PST_ARG_MEM_40: return check_memory(c, call, arg, 40, false);
    case PST_ARG_ALLOC_SIZE: call->alloc_size = value; return value <= CHECKED_SIZE_MAX || refuse(call, arg, value);
    case PST_ARG_ALLOCATED: return check_returned(c, call, arg, false);
    case PST_ARG_STRING: return check_string(c, call, arg);
    case PST_ARG_FUNC: return interp_func(c->prog->exec.image, value) || refuse(call, arg, 0);
    case PST_ARG_STACK_OR_NULL: return value == 0 || checked_on_stack(c, value, 1) || refuse(call, arg, 1);
    case PST_ARG_INT_OUT: return check_aligned_out(c, call, arg, 4);
    case PST_ARG_LONG_OUT: return check_aligned_out(c, call, arg, 8);
    case PST_ARG_SPIN_LOCK: return check_spin_lock(c, call, arg);
    case PST_ARG_SOCK_OR_NULL:
        if (value == 0) return true;
        PST_FALLTHROUGH;
    case PST_ARG_SOCK:
    case PST_ARG_FULL_SOCK:
    case PST_ARG_BTF_ID: return check_returned(c, call, arg, true);
    case PST_ARG_TIMER: return check_timer(c, call, arg);
    case PST_ARG_PERCPU_BTF_ID:
    case PST_ARG_KPTR:
    case PST_ARG_DYNPTR_OR_NULL: return refuse(call, arg, 0);
    case PST_ARG_ITER_NEW:
    case PST_ARG_ITER: return check_opaque(c, call, arg, call->proto->iter_size);
    case PST_ARG_DYNPTR:
    case PST_ARG_DYNPTR_OUT: return check_opaque(c, call, arg, DYNPTR_BYTES);
    case PST_ARG_BTF_ID_OR_NULL: return value == 0 || check_returned(c, call, arg, true);
    // Of kfuncs, which need a proof.
    case PST_ARG_CONST:
    case PST_ARG_IGNORED:
    case PST_ARG_TYPE_ID:
    case PST_ARG_OBJECT:
    case PST_ARG_PERCPU_OBJECT:
    case PST_ARG_LIST_HEAD:
    case PST_ARG_LIST_NODE:
    case PST_ARG_RB_ROOT:
    case PST_ARG_RB_NODE:
    case PST_ARG_WORKQUEUE:
    case PST_ARG_IRQ_FLAG_NEW:
    case PST_ARG_IRQ_FLAG:
    case PST_ARG_RES_SPIN_LOCK:
    case PST_ARG_MEM_FIXED:
    case PST_ARG_MEM_OPT:
    case PST_ARG_SIZE_CONST:
    case PST_ARG_CONST_STRING:
    case PST_ARG_UNTRUSTED_PTR: return refuse(call, arg, 0);
    }
    PST_UNREACHABLE();
}

// --- Results --------------------------------------------------------------------------------------------------

static bool is_map_of_maps(const pst_map_view *map)
{
    return map->type == PST_MAP_ARRAY_OF_MAPS || map->type == PST_MAP_HASH_OF_MAPS;
}

static bool note_map_value(checked_run *c, const helper_call *call)
{
    const void *value = (const void *)(uintptr_t)c->r[0];
    if (!value || !call->map) return true;
    if (is_map_of_maps(call->map)) {
        checked_inner_add(c, value);
        return true;
    }
    return checked_value_add(c, call->map, value);
}

static bool note_returned(checked_run *c, const helper_call *call, region_kind kind, uint64_t size, bool always_reference)
{
    if (c->r[0] == 0) return true;
    bool reference = always_reference || call->proto->flags & PST_HELPER_ACQUIRES;
    region add = {.base = c->r[0], .size = size, .kind = kind, .readable = true, .writable = true, .reference = reference};
    return checked_region_add(c, add);
}

static bool note_result(checked_run *c, const helper_call *call)
{
    switch (call->proto->ret) {
    case PST_RET_INTEGER:
    case PST_RET_VOID: return true;
    case PST_RET_MAP_VALUE_OR_NULL:
    case PST_RET_MAP_VALUE: return note_map_value(c, call);
    case PST_RET_ALLOC_OR_NULL: return note_returned(c, call, REGION_MEMORY, call->alloc_size, true);
    case PST_RET_DYNPTR_MEM_OR_NULL: return note_returned(c, call, REGION_MEMORY, call->alloc_size, false);
    case PST_RET_MEM:
    case PST_RET_MEM_OR_NULL: return note_returned(c, call, REGION_MEMORY, call->proto->ret_size, false);
    case PST_RET_SOCK_OR_NULL:
    case PST_RET_SOCK_COMMON_OR_NULL:
    case PST_RET_TCP_SOCK_OR_NULL:
    case PST_RET_BTF_ID:
    case PST_RET_BTF_ID_OR_NULL: return note_returned(c, call, REGION_OBJECT, 0, false);
    case PST_RET_MEM_OR_BTF_ID:
    case PST_RET_OBJECT_OR_NULL:
    case PST_RET_SAME_OBJECT:
    case PST_RET_LIST_NODE_OR_NULL:
    case PST_RET_RB_NODE_OR_NULL:
    case PST_RET_ITER_ELEMENT:
    case PST_RET_KERN_CTX:
    case PST_RET_RDONLY_CAST:
    case PST_RET_MEM_BY_ARG_OR_NULL: return true; // the arguments that these need are refused
    }
    PST_UNREACHABLE();
}

static bool note_lock(checked_run *c, uint32_t flags)
{
    if (flags & PST_HELPER_LOCK) {
        if (c->lock_held) return checked_trap(c, PST_TRAP_LOCK, 0, 0);
        c->lock_held = true;
    }
    if (flags & PST_HELPER_UNLOCK) {
        if (!c->lock_held) return checked_trap(c, PST_TRAP_LOCK, 0, 0);
        c->lock_held = false;
    }
    return true;
}

// An acquired reference needs a place in the table; without one the run must end before the helper hands out what nobody would release.
static bool room_for_reference(checked_run *c, const pst_helper_proto *proto)
{
    if (proto->ret != PST_RET_ALLOC_OR_NULL && !(proto->flags & PST_HELPER_ACQUIRES)) return true;
    for (unsigned i = 0; i < PST_CHECKED_REGIONS_MAX; i++)
        if (i >= c->region_count || !c->regions[i].reference) return true;
    return checked_trap(c, PST_TRAP_LOCK, 0, 0);
}

bool checked_call_helper(checked_run *c, const pst_helper *helper)
{
    helper_call call = {.proto = helper->proto};
    memcpy(call.args, &c->r[1], sizeof call.args);
    for (unsigned arg = 0; arg < PST_ARGS_MAX; arg++)
        if (!check_arg(c, &call, arg)) return checked_trap(c, PST_TRAP_ARGUMENT, call.bad_arg, call.bad_size);
    if (call.proto->flags & PST_HELPER_TAIL_CALL) return true;
    if (!room_for_reference(c, call.proto) || !note_lock(c, call.proto->flags)) return false;
    const pst_map_view *walked = c->walked;
    c->walked = call.proto->flags & PST_HELPER_CALLBACK ? call.map : NULL;
    uint64_t r0 = helper->fn(call.args[0], call.args[1], call.args[2], call.args[3], call.args[4], c->run);
    c->r[0] = r0;
    c->walked = walked;
    if (c->run->trap.code != PST_TRAP_NONE) return false;
    if (call.released) checked_region_remove(c, call.released);
    return note_result(c, &call);
}
