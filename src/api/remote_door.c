// remote_door.c: a host's core, as a door. Handles are descriptors of this process; memory of maps is mapped, and let go with its descriptor.
#include "api/api.h"
#include "api/descriptor.h"
#include "pal/pal.h"
#include "remote/remote.h"

// Should a wake-up be lost after all, a consumer looks again after this time.
#define WAIT_SLICE_NS 200000000u
#define POLLED_MAX 64u

typedef struct mapping {
    struct mapping *next;
    int fd;
    void *memory;
    size_t size;
    int event; // of a perf array; else -1
} mapping;

static pst_remote *g_remote;
static pst_mutex *g_lock; // of g_mappings
static mapping *g_mappings;

static int64_t command(uint32_t cmd, void *attr, uint32_t size)
{
    return pst_remote_command(g_remote, cmd, attr, size);
}

static const char *why(void)
{
    return pst_remote_error(g_remote);
}

static void mapping_free(mapping *m)
{
    pst_remote_memory_unmap(m->memory, m->size);
    api_descriptor_close(m->event);
    free(m);
}

static mapping *mapping_of(int fd)
{
    mapping *m = g_mappings;
    while (m && m->fd != fd) m = m->next;
    return m;
}

static int64_t close_handle(int fd)
{
    pst_pal_mutex_lock(g_lock);
    mapping **at = &g_mappings;
    while (*at && (*at)->fd != fd) at = &(*at)->next;
    mapping *gone = *at;
    if (gone) *at = gone->next;
    pst_pal_mutex_unlock(g_lock);
    if (gone) mapping_free(gone);
    return api_descriptor_close(fd) ? 0 : -PST_EBADF;
}

static int64_t dup_handle(int fd)
{
    int copy = api_descriptor_dup(fd);
    return copy < 0 ? -PST_EBADF : copy;
}

static int64_t unpin(const char *path)
{
    return pst_remote_unpin(g_remote, path);
}

static int64_t pin_next(const char *after, pst_pin_info *out)
{
    wire_pin pin;
    int64_t result = pst_remote_pin_next(g_remote, after, &pin, out->path);
    if (result < 0) return result;
    out->kind = pin.kind;
    out->id = pin.id;
    return 0;
}

static int64_t about(struct postern_about *out)
{
    wire_about host = {0};
    int64_t result = pst_remote_about(g_remote, &host);
    if (result < 0) return result;
    out->is_host = true;
    out->pid = host.pid;
    out->engine = host.engine;
    out->why = host.why;
    out->dynamic_code = (host.flags & WIRE_ABOUT_DYNAMIC_CODE) != 0;
    out->strict = (host.flags & WIRE_ABOUT_STRICT) != 0;
    out->statistics = (host.flags & WIRE_ABOUT_STATISTICS) != 0;
    out->uptime_ns = host.uptime_ns;
    api_copy_version(out, host.version);
    return 0;
}

static int64_t client_next(uint32_t pid)
{
    return pst_remote_client_next(g_remote, pid);
}

static int32_t kfunc_number(const char *name, bool provided)
{
    return pst_remote_kfunc_number(g_remote, name, provided);
}

static pst_status ring_open(int map_fd, api_ring *out)
{
    pst_remote_ring ring;
    *out = (api_ring){.event = -1};
    PST_TRY(pst_remote_ring_map(g_remote, map_fd, &ring));
    out->view = (pst_ringbuf_view){ring.consumer_pos, (uint64_t *)(uintptr_t)ring.producer_pos, (uint8_t *)(uintptr_t)ring.data, ring.data_size};
    out->mapping = ring.mapping;
    out->mapping_size = ring.mapping_size;
    out->event = ring.event;
    return PST_OK;
}

static void ring_close(api_ring *ring)
{
    pst_remote_ring gone = {.mapping = ring->mapping, .mapping_size = ring->mapping_size, .event = ring->event};
    pst_remote_ring_unmap(&gone);
    *ring = (api_ring){.event = -1};
}

// The event of a perf array, asked for once; -1: there is none.
static int perf_event(int map_fd)
{
    int fds[WIRE_DESCRIPTORS_MAX], event = -1;
    uint32_t count;
    uint64_t bytes;
    pst_pal_mutex_lock(g_lock);
    mapping *m = mapping_of(map_fd);
    if (!m && pst_remote_memory_fds(g_remote, map_fd, fds, &count, &bytes) == PST_OK) {
        m = count == 1 ? calloc(1, sizeof *m) : NULL;
        if (m) *m = (mapping){.next = g_mappings, .fd = map_fd, .event = fds[0]};
        for (uint32_t i = 0; !m && i < count; i++) api_descriptor_close(fds[i]);
        if (m) g_mappings = m;
    }
    if (m) event = m->event;
    pst_pal_mutex_unlock(g_lock);
    return event;
}

static bool ring_has_data(const api_ring *ring)
{
    return PST_ATOMIC_LOAD(ring->view.consumer_pos) != PST_ATOMIC_LOAD(ring->view.producer_pos);
}

static pst_status wait_for(const int *map_fds, const api_ring *rings, size_t count, uint64_t timeout_ns)
{
    int events[POLLED_MAX];
    size_t polled = count < POLLED_MAX ? count : POLLED_MAX;
    for (size_t i = 0; i < polled; i++) events[i] = rings ? rings[i].event : perf_event(map_fds[i]);
    uint64_t begin = pst_pal_time_ns();
    for (;;) {
        for (size_t i = 0; rings && i < count; i++)
            if (ring_has_data(&rings[i])) {
                (void)!pst_remote_poll(events, polled, 0); // the caller knows now: the descriptors need not stay readable
                return PST_OK;
            }
        uint64_t passed = pst_pal_time_ns() - begin;
        if (passed >= timeout_ns) return PST_E_TIMEOUT;
        uint64_t left = timeout_ns - passed;
        // Records of perf arrays are with the host, so a wake-up, and now and then the clock, are the reasons to ask for them.
        pst_status woken = pst_remote_poll(events, polled, left < WAIT_SLICE_NS ? left : WAIT_SLICE_NS);
        if (!rings && (woken == PST_OK || left > WAIT_SLICE_NS)) return PST_OK;
    }
}

static intptr_t wait_handle(int map_fd, const api_ring *ring)
{
    return ring ? ring->event : perf_event(map_fd);
}

static void *map_memory(int map_fd, size_t *size)
{
    *size = 0;
    pst_pal_mutex_lock(g_lock);
    mapping *m = mapping_of(map_fd);
    if (!m && (m = calloc(1, sizeof *m))) {
        *m = (mapping){.next = g_mappings, .fd = map_fd, .event = -1};
        if (pst_remote_memory_map(g_remote, map_fd, &m->memory, &m->size) == PST_OK) {
            g_mappings = m;
        } else {
            free(m);
            m = NULL;
        }
    }
    void *memory = m ? m->memory : NULL;
    if (m) *size = m->size;
    pst_pal_mutex_unlock(g_lock);
    return memory;
}

static pst_status perf_read(int map_fd, uint32_t cpu, void *out, size_t *size, uint64_t *lost)
{
    return pst_remote_perf_read(g_remote, map_fd, cpu, out, size, lost);
}

const api_door api_remote_door = {
    .is_remote = true,
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

pst_status api_remote_open(const char *path)
{
    PST_TRY(pst_pal_mutex_create(api_env(), &g_lock));
    pst_status status = pst_remote_open(api_env(), path, &g_remote);
    if (status == PST_OK) return PST_OK;
    pst_pal_mutex_free(g_lock);
    g_lock = NULL;
    return status;
}

void api_remote_close(void)
{
    while (g_mappings) {
        mapping *m = g_mappings;
        g_mappings = m->next;
        mapping_free(m);
    }
    pst_remote_close(g_remote);
    pst_pal_mutex_free(g_lock);
    g_remote = NULL;
    g_lock = NULL;
}
