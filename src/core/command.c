// command.c: the one entry for commands: sizes and unused bytes of attr by Linux's rules, the table of commands, refusals.
//
// A handler sees a private, zero-extended copy of attr; the row says which bytes go back to the caller.
#include "core/internal.h"
#include "core/native.h"

#include "base/format.h"

#define ATTR_SIZE_MAX 4096u // Linux: a page

typedef struct command_row {
    const char *name;
    int64_t (*handler)(core_call *call);
    uint32_t used_end;           // bytes of attr from here on must be zero
    uint32_t out_first, out_end; // bytes that the handler may change; equal: none
} command_row;

#define END(member) (uint32_t)(offsetof(pst_bpf_attr, member) + sizeof(((pst_bpf_attr *)0)->member))
#define AT(member) (uint32_t)offsetof(pst_bpf_attr, member)
#define ROW(command, function, last) [PST_BPF_##command] = {#command, function, END(last), 0, 0}
#define ROW_OUT(command, function, last, first_out, last_out) \
    [PST_BPF_##command] = {#command, function, END(last), AT(first_out), END(last_out)}

static const command_row g_commands[] = {
    ROW(MAP_CREATE, core_cmd_map_create, map_extra),
    ROW(MAP_LOOKUP_ELEM, core_cmd_map_lookup, flags),
    ROW(MAP_UPDATE_ELEM, core_cmd_map_update, flags),
    ROW(MAP_DELETE_ELEM, core_cmd_map_delete, key),
    ROW(MAP_GET_NEXT_KEY, core_cmd_map_next_key, next_key),
    ROW_OUT(PROG_LOAD, core_cmd_prog_load, fd_array_cnt, log_true_size, log_true_size),
    ROW(OBJ_PIN, core_cmd_obj_pin, path_fd),
    ROW(OBJ_GET, core_cmd_obj_get, path_fd),
    ROW(PROG_ATTACH, core_cmd_prog_attach, expected_revision),
    ROW(PROG_DETACH, core_cmd_prog_detach, expected_revision),
    ROW_OUT(PROG_TEST_RUN, core_cmd_prog_test_run, test.batch_size, test.retval, test.ctx_size_out),
    ROW_OUT(PROG_GET_NEXT_ID, core_cmd_prog_next_id, next_id, next_id, next_id),
    ROW_OUT(MAP_GET_NEXT_ID, core_cmd_map_next_id, next_id, next_id, next_id),
    ROW(PROG_GET_FD_BY_ID, core_cmd_prog_by_id, prog_id),
    ROW(MAP_GET_FD_BY_ID, core_cmd_map_by_id, open_flags),
    ROW_OUT(OBJ_GET_INFO_BY_FD, core_cmd_obj_info, info.info, info.info_len, info.info_len),
    ROW_OUT(PROG_QUERY, core_cmd_prog_query, query.revision, query.attach_flags, query.revision),
    ROW_OUT(BTF_LOAD, core_cmd_btf_load, btf_token_fd, btf_log_true_size, btf_log_true_size),
    ROW(BTF_GET_FD_BY_ID, core_cmd_btf_by_id, btf_id),
    ROW(MAP_LOOKUP_AND_DELETE_ELEM, core_cmd_map_take, flags),
    ROW(MAP_FREEZE, core_cmd_map_freeze, map_fd),
    ROW_OUT(BTF_GET_NEXT_ID, core_cmd_btf_next_id, next_id, next_id, next_id),
    ROW_OUT(MAP_LOOKUP_BATCH, core_cmd_map_lookup_batch, batch.flags, batch.count, batch.count),
    ROW_OUT(MAP_LOOKUP_AND_DELETE_BATCH, core_cmd_map_take_batch, batch.flags, batch.count, batch.count),
    ROW_OUT(MAP_UPDATE_BATCH, core_cmd_map_update_batch, batch.flags, batch.count, batch.count),
    ROW_OUT(MAP_DELETE_BATCH, core_cmd_map_delete_batch, batch.flags, batch.count, batch.count),
    ROW(LINK_CREATE, core_cmd_link_create, link_create.uprobe_multi.pid),
    ROW(LINK_UPDATE, core_cmd_link_update, link_update.old_prog_fd),
    ROW(LINK_GET_FD_BY_ID, core_cmd_link_by_id, link_id),
    ROW_OUT(LINK_GET_NEXT_ID, core_cmd_link_next_id, next_id, next_id, next_id),
    ROW(ENABLE_STATS, core_cmd_enable_stats, enable_stats.type),
    ROW(LINK_DETACH, core_cmd_link_detach, link_detach.link_fd),
    ROW(PROG_BIND_MAP, core_cmd_prog_bind_map, prog_bind_map.flags),
};

#define X(name, number) case PST_##name: return #name;
const char *core_errno_text(int error)
{
    switch (error) {
        PST_ERRNO_LIST(X)
    default: return "an error without a name";
    }
}
#undef X

int core_errno_of_status(pst_status status)
{
    switch (status) {
    case PST_OK: return 0;
    case PST_E_NOMEM: return PST_ENOMEM;
    case PST_E_FORMAT:
    case PST_E_INVALID: return PST_EINVAL;
    case PST_E_LIMIT: return PST_E2BIG;
    case PST_E_DENIED: return PST_EPERM;
    case PST_E_NOTFOUND: return PST_ENODEV;
    case PST_E_EXISTS: return PST_EEXIST;
    case PST_E_UNSUPPORTED: return PST_EOPNOTSUPP;
    case PST_E_IO: return PST_EIO;
    case PST_E_BUSY: return PST_EBUSY;
    case PST_E_TIMEOUT: return PST_ETIMEDOUT;
    case PST_E_AGAIN: return PST_EAGAIN;
    case PST_E_NOSPACE: return PST_ENOSPC;
    case PST_E_UNSAFE: return PST_EACCES;
    }
    return PST_EINVAL;
}

static void error_set(pst_client *client, const char *text)
{
    pst_pal_mutex_lock(client->lock);
    (void)pst_format(client->error, sizeof client->error, "%s", text);
    pst_pal_mutex_unlock(client->lock);
    PST_ATOMIC_STORE(&client->has_error, 1u);
}

static void error_clear(pst_client *client)
{
    if (PST_ATOMIC_LOAD(&client->has_error) == 0) return;
    pst_pal_mutex_lock(client->lock);
    client->error[0] = '\0';
    pst_pal_mutex_unlock(client->lock);
    PST_ATOMIC_STORE(&client->has_error, 0u);
}

int64_t core_refuse(core_call *call, int error, const char *fmt, ...)
{
    char text[CLIENT_ERROR_MAX];
    va_list args;
    va_start(args, fmt);
    (void)pst_format_v(text, sizeof text, fmt, args);
    va_end(args);
    error_set(call->client, text);
    return -error;
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0) return false;
    return true;
}

// Linux's rules for the size: what a newer caller has more must be zero; what an older one has less counts as zero.
static int64_t attr_copy(core_call *call, const command_row *row, const uint8_t *given, uint32_t size)
{
    pst_bpf_attr *attr = call->attr;
    memset(attr, 0, sizeof *attr);
    if (size > ATTR_SIZE_MAX)
        return core_refuse(call, PST_E2BIG, "%s: attr is %u bytes, more than %u", row->name, size, ATTR_SIZE_MAX);
    if (size > 0 && !given) return core_refuse(call, PST_EFAULT, "%s: attr is NULL", row->name);
    if (size > sizeof *attr && !all_zero(given + sizeof *attr, size - sizeof *attr))
        return core_refuse(call, PST_E2BIG, "%s: attr has bytes that are not zero after the %zu that this version knows", row->name,
                           sizeof *attr);
    call->size = size < sizeof *attr ? size : (uint32_t)sizeof *attr;
    if (call->size > 0) memcpy(attr, given, call->size);
    if (!all_zero((const uint8_t *)attr + row->used_end, sizeof *attr - row->used_end))
        return core_refuse(call, PST_EINVAL, "%s: attr has bytes that are not zero after the %u that this command uses", row->name,
                           row->used_end);
    return 0;
}

static int64_t run_command(pst_client *client, uint32_t cmd, pst_core_native *native, void *attr, uint32_t size)
{
    pst_bpf_attr copy;
    core_call call = {.client = client, .core = client->core, .attr = &copy, .native = native};
    error_clear(client);
    core_errors_clear();
    if (cmd >= PST_COUNT(g_commands) || !g_commands[cmd].handler)
        return core_refuse(&call, PST_EINVAL, "bpf command %u is not supported by this core", cmd);
    const command_row *row = &g_commands[cmd];
    int64_t result = attr_copy(&call, row, attr, size);
    if (result < 0) return result;
    result = row->handler(&call);
    uint32_t out_end = row->out_end < call.size ? row->out_end : call.size;
    if (out_end > row->out_first) memcpy((uint8_t *)attr + row->out_first, (uint8_t *)&copy + row->out_first, out_end - row->out_first);
    if (result < 0 && PST_ATOMIC_LOAD(&client->has_error) == 0) {
        const char *why = core_errors_last();
        return core_refuse(&call, (int)-result, "%s: %s", row->name, *why ? why : core_errno_text((int)-result));
    }
    return result;
}

int64_t core_need_rights(core_call *call, const char *what)
{
    if (call->client->identity.privileged) return 0;
    return core_refuse(call, PST_EPERM, "user %u may not %s: that takes all rights", call->client->identity.uid, what);
}

int64_t pst_core_command(pst_client *client, uint32_t cmd, void *attr, uint32_t size) { return run_command(client, cmd, NULL, attr, size); }

int64_t pst_core_native_load(pst_client *client, pst_core_native *module, void *attr, uint32_t size)
{
    return run_command(client, PST_BPF_PROG_LOAD, module, attr, size);
}

// --- What handlers share --------------------------------------------------------------------------------------

bool core_name_copy(char out[PST_OBJ_NAME_LEN], const char *name)
{
    memset(out, 0, PST_OBJ_NAME_LEN);
    for (unsigned i = 0; i < PST_OBJ_NAME_LEN; i++) {
        char c = name[i];
        if (c == '\0') return true;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '_' && c != '.') return false;
        out[i] = c;
    }
    return false; // no NUL
}

static const char *const g_kind_names[OBJECT_KINDS] = {"map", "program", "BTF object", "link", "statistics handle"};

core_object *core_call_object(core_call *call, uint32_t fd, object_kind kind, uint32_t *mode, int64_t *error)
{
    core_object *object = core_handle_get(call->client, (int32_t)fd, mode);
    if (!object) {
        *error = core_refuse(call, PST_EBADF, "%d is not an open handle", (int32_t)fd);
        return NULL;
    }
    if (object->kind != kind) {
        *error = core_refuse(call, PST_EINVAL, "handle %d is a %s, not a %s", (int32_t)fd, g_kind_names[object->kind],
                             g_kind_names[kind]);
        core_object_put(object);
        return NULL;
    }
    return object;
}

pst_map *core_call_map(core_call *call, uint32_t fd, uint32_t *mode, int64_t *error)
{
    core_object *object = core_call_object(call, fd, OBJECT_MAP, mode, error);
    return object ? core_map_of_object(object) : NULL;
}
