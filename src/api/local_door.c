// local_door.c: a core in this process, as a door. runtime.c opens and closes it.
#include "api/api.h"
#include "pal/pal.h"

static int64_t command(uint32_t cmd, void *attr, uint32_t size)
{
    return pst_core_command(api_client(), cmd, attr, size);
}

static const char *why(void)
{
    return pst_client_error(api_client());
}

static int64_t close_handle(int fd)
{
    return pst_core_close(api_client(), fd);
}

static int64_t dup_handle(int fd)
{
    return pst_core_dup(api_client(), fd);
}

static int64_t unpin(const char *path)
{
    return pst_core_unpin(api_client(), path);
}

static int64_t pin_next(const char *after, pst_pin_info *out)
{
    return pst_core_pin_next(api_client(), after, out) ? 0 : -PST_ENOENT;
}

static int64_t about(struct postern_about *out)
{
    pst_core_about core;
    pst_core_about_get(api_core(), &core);
    out->pid = (uint32_t)(pst_pal_pid_tgid() >> 32);
    out->engine = core.engine;
    out->why = core.why;
    out->dynamic_code = core.dynamic_code;
    out->strict = core.strict;
    out->statistics = core.statistics;
    out->uptime_ns = core.uptime_ns;
    api_copy_version(out, postern_version());
    return 0;
}

static int64_t client_next(uint32_t pid)
{
    uint32_t own = (uint32_t)(pst_pal_pid_tgid() >> 32);
    return pid < own ? (int64_t)own : -PST_ENOENT;
}

static int32_t kfunc_number(const char *name, bool provided)
{
    return pst_core_kfunc_number(api_core(), name, provided);
}

static pst_status ring_open(int map_fd, api_ring *out)
{
    *out = (api_ring){.event = -1};
    return pst_core_ringbuf_view(api_client(), map_fd, &out->view);
}

static void ring_close(api_ring *ring)
{
    (void)ring; // the view goes with the map
}

static pst_status wait_for(const int *map_fds, const api_ring *rings, size_t count, uint64_t timeout_ns)
{
    (void)rings;
    return pst_core_wait(api_client(), map_fds, count, timeout_ns);
}

static intptr_t wait_handle(int map_fd, const api_ring *ring)
{
    (void)ring;
    return pst_core_wait_handle(api_client(), map_fd);
}

static void *map_memory(int map_fd, size_t *size)
{
    return pst_core_map_memory(api_client(), map_fd, size);
}

static pst_status perf_read(int map_fd, uint32_t cpu, void *out, size_t *size, uint64_t *lost)
{
    return pst_core_perf_read(api_client(), map_fd, cpu, out, size, lost);
}

const api_door api_local_door = {
    .command = command,
    .why = why,
    .close = close_handle,
    .dup = dup_handle,
    .unpin = unpin,
    .pin_next = pin_next,
    .about = about,
    .client_next = client_next,
    .kfunc_number = kfunc_number,
    .ring_open = ring_open,
    .ring_close = ring_close,
    .wait = wait_for,
    .wait_handle = wait_handle,
    .map_memory = map_memory,
    .perf_read = perf_read,
};
