// ids.c: *_GET_NEXT_ID and *_GET_FD_BY_ID, ENABLE_STATS.
#include "core/internal.h"

static int64_t next_id(core_call *call, object_kind kind)
{
    pst_bpf_attr *attr = call->attr;
    if (attr->start_id >= INT32_MAX) return core_refuse(call, PST_EINVAL, "start_id %u is too large", attr->start_id);
    uint32_t next = core_object_next_id(call->client, kind, attr->start_id);
    if (next == 0) return core_refuse(call, PST_ENOENT, "there is no id after %u", attr->start_id);
    attr->next_id = next;
    return 0;
}

int64_t core_cmd_prog_next_id(core_call *call)
{
    return next_id(call, OBJECT_PROG);
}
int64_t core_cmd_map_next_id(core_call *call)
{
    return next_id(call, OBJECT_MAP);
}
int64_t core_cmd_btf_next_id(core_call *call)
{
    return next_id(call, OBJECT_BTF);
}
int64_t core_cmd_link_next_id(core_call *call)
{
    return next_id(call, OBJECT_LINK);
}

int64_t core_open_mode(core_call *call, uint32_t flags, uint32_t *mode)
{
    if ((flags & ~(uint32_t)(PST_F_RDONLY | PST_F_WRONLY)) || flags == (PST_F_RDONLY | PST_F_WRONLY))
        return core_refuse(call, PST_EINVAL, "flags 0x%x: BPF_F_RDONLY or BPF_F_WRONLY or 0", flags);
    *mode = flags == PST_F_RDONLY ? HANDLE_READ : flags == PST_F_WRONLY ? HANDLE_WRITE : HANDLE_READ | HANDLE_WRITE;
    return 0;
}

static int64_t fd_by_id(core_call *call, object_kind kind)
{
    uint32_t mode = 0;
    int64_t error = core_open_mode(call, call->attr->open_flags, &mode);
    if (error) return error;
    core_object *object = core_object_by_id(call->core, kind, call->attr->start_id);
    if (!object) return core_refuse(call, PST_ENOENT, "no object has id %u", call->attr->start_id);
    if (!core_object_is_open_to(object, call->client)) {
        core_object_put(object);
        return core_refuse(call, PST_EPERM, "the object with id %u belongs to another user", call->attr->start_id);
    }
    core_object_get_user(object);
    core_object_put(object);
    int64_t fd = core_handle_add(call->client, object, mode);
    return fd < 0 ? core_refuse(call, (int)-fd, "no room for another handle: close some") : fd;
}

int64_t core_cmd_prog_by_id(core_call *call)
{
    return fd_by_id(call, OBJECT_PROG);
}
int64_t core_cmd_map_by_id(core_call *call)
{
    return fd_by_id(call, OBJECT_MAP);
}
int64_t core_cmd_btf_by_id(core_call *call)
{
    return fd_by_id(call, OBJECT_BTF);
}
int64_t core_cmd_link_by_id(core_call *call)
{
    return fd_by_id(call, OBJECT_LINK);
}

// --- ENABLE_STATS ---------------------------------------------------------------------------------------------

// Statistics are kept as long as a handle for them is open.
int64_t core_cmd_enable_stats(core_call *call)
{
    int64_t denied = core_need_rights(call, "turn on statistics");
    if (denied) return denied;
    if (call->attr->enable_stats.type != 0)
        return core_refuse(call, PST_EINVAL, "enable_stats.type %u: only BPF_STATS_RUN_TIME (0) exists", call->attr->enable_stats.type);
    core_object *stats = pst_alloc_zero(&call->core->env, 1, sizeof *stats);
    if (!stats) return core_refuse(call, PST_ENOMEM, "no memory for a handle");
    stats->core = call->core;
    stats->kind = OBJECT_STATS;
    if (!core_object_register(stats)) {
        pst_free(&call->core->env, stats, sizeof *stats);
        return core_refuse(call, PST_ENOMEM, "no memory for a handle");
    }
    (void)PST_ATOMIC_ADD(&call->core->stats_users, 1u);
    int64_t fd = core_handle_add(call->client, stats, HANDLE_READ);
    return fd < 0 ? core_refuse(call, (int)-fd, "no room for another handle: close some") : fd;
}

void core_stats_close(core_object *object)
{
    (void)PST_ATOMIC_SUB(&object->core->stats_users, 1u);
}

void core_stats_free(core_object *object)
{
    pst_free(core_object_env(object), object, sizeof *object);
}
