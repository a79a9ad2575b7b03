// wait.c: consumers: views of ring buffers, records of perf arrays, memory of arrays, waiting for any of them.
//
// A waiter announces itself, looks whether there is data, then sleeps; a producer publishes its record, then looks for waiters. So one
// of the two sees the other. Producers touch the waiters' list only while somebody sleeps.
#include "core/internal.h"
#include "core/map/array.h"
#include "core/map/perf_array.h"
#include "core/map/ringbuf.h"

// Should a wake-up be lost after all, a consumer looks again after this time.
#define WAIT_SLICE_NS 200000000u

static pst_map *map_of_fd(pst_client *client, int fd)
{
    core_object *object = core_handle_get(client, fd, NULL);
    if (!object) return NULL;
    if (object->kind == OBJECT_MAP) return core_map_of_object(object);
    core_object_put(object);
    return NULL;
}

static pst_map *map_of_type(pst_client *client, int fd, uint32_t type)
{
    pst_map *map = map_of_fd(client, fd);
    if (!map || map->view.type == type) return map;
    core_object_put(&map->object);
    return NULL;
}

// The caller's handle keeps the map: what these calls return is valid while it is open.
pst_status pst_core_ringbuf_view(pst_client *client, int map_fd, pst_ringbuf_view *out)
{
    *out = (pst_ringbuf_view){0};
    pst_map *map = map_of_type(client, map_fd, PST_MAP_RINGBUF);
    if (!map) return PST_E_INVALID;
    core_ringbuf_view(map, out);
    core_object_put(&map->object);
    return PST_OK;
}

static pst_event *event_of(pst_map *map)
{
    switch (map->view.type) {
    case PST_MAP_RINGBUF: return core_ringbuf_event(map);
    case PST_MAP_PERF_EVENT_ARRAY: return core_perf_event(map);
    default: return NULL;
    }
}

intptr_t pst_core_wait_handle(pst_client *client, int map_fd)
{
    pst_map *map = map_of_fd(client, map_fd);
    if (!map) return -1;
    pst_event *event = event_of(map);
    core_object_put(&map->object);
    return event ? pst_pal_event_handle(event) : -1;
}

void *pst_core_map_memory(pst_client *client, int map_fd, size_t *size)
{
    pst_map *map = map_of_type(client, map_fd, PST_MAP_ARRAY);
    *size = 0;
    if (!map) return NULL;
    void *values = map->view.flags & PST_F_MMAPABLE ? map->view.values : NULL;
    if (values) *size = (size_t)map->value_bytes * map->view.max_entries;
    core_object_put(&map->object);
    return values;
}

static void ring_share(pst_map *map, pst_map_share *out)
{
    pst_ring_share share = core_ringbuf_share(map);
    pst_event *event = core_ringbuf_event(map);
    pst_ringbuf_view view;
    if (share.front < 0 || !event) return;
    core_ringbuf_view(map, &view);
    *out = (pst_map_share){.handles = {pst_pal_share_copy(share.front, false), pst_pal_share_copy(share.back, false),
                                       pst_pal_share_copy(pst_pal_event_handle(event), false)},
                           .count = 3, .bytes = view.data_size};
}

// Records of perf arrays are taken one by one (pst_core_perf_read); only waiting for them is shared.
static void perf_share(pst_map *map, pst_map_share *out)
{
    pst_event *event = core_perf_event(map);
    if (event) *out = (pst_map_share){.handles = {pst_pal_share_copy(pst_pal_event_handle(event), false)}, .count = 1};
}

// Whoever maps values to write them is a writer for ever: the verifier takes what is frozen for constant.
static bool writes_for_good(pst_map *map, uint32_t mode)
{
    if (!(mode & HANDLE_WRITE)) return false;
    (void)PST_ATOMIC_ADD(&map->writers, 1u);
    if (!PST_ATOMIC_LOAD(&map->view.frozen)) return true;
    (void)PST_ATOMIC_SUB(&map->writers, 1u);
    return false;
}

static void array_share(pst_map *map, uint32_t mode, pst_map_share *out)
{
    size_t bytes;
    intptr_t share = core_array_share(map, &bytes);
    if (share < 0) return;
    *out = (pst_map_share){.handles = {pst_pal_share_copy(share, !writes_for_good(map, mode))}, .count = 1, .bytes = bytes};
}

pst_status pst_core_map_share(pst_client *client, int map_fd, pst_map_share *out)
{
    uint32_t mode = 0;
    *out = (pst_map_share){0};
    core_object *object = core_handle_get(client, map_fd, &mode);
    if (!object) return PST_E_INVALID;
    bool is_map = object->kind == OBJECT_MAP;
    pst_map *map = is_map ? core_map_of_object(object) : NULL;
    if (is_map && map->view.type == PST_MAP_RINGBUF) ring_share(map, out);
    if (is_map && map->view.type == PST_MAP_PERF_EVENT_ARRAY) perf_share(map, out);
    if (is_map && map->view.type == PST_MAP_ARRAY) array_share(map, mode, out);
    core_object_put(object);
    bool whole = true;
    for (uint32_t i = 0; i < out->count; i++) whole = whole && out->handles[i] >= 0;
    if (whole) return is_map ? PST_OK : PST_E_INVALID;
    for (uint32_t i = 0; i < out->count; i++) pst_pal_share_close(out->handles[i]);
    *out = (pst_map_share){0};
    return PST_E_LIMIT;
}

pst_status pst_core_perf_read(pst_client *client, int map_fd, uint32_t cpu, void *out, size_t *size, uint64_t *lost)
{
    pst_map *map = map_of_type(client, map_fd, PST_MAP_PERF_EVENT_ARRAY);
    if (!map) return PST_E_INVALID;
    pst_status status = core_perf_take(map, cpu, out, size, lost);
    core_object_put(&map->object);
    return status;
}

pst_event *core_map_event(const pst_env *env, pst_event **at)
{
    pst_event *event = PST_ATOMIC_LOAD(at), *none = NULL;
    if (event) return event;
    if (pst_pal_event_create(env, &event) != PST_OK) return NULL;
    if (PST_ATOMIC_CAS(at, &none, event)) return event;
    pst_pal_event_free(event); // another thread was faster
    return none;
}

void core_wake(pst_core *core)
{
    if (PST_ATOMIC_LOAD(&core->waiter_count) == 0) return;
    core_spin_lock(&core->waiters_lock);
    for (core_waiter *waiter = core->waiters; waiter; waiter = waiter->next) pst_pal_event_signal(waiter->event);
    core_spin_unlock(&core->waiters_lock);
}

static void waiter_add(pst_core *core, core_waiter *waiter)
{
    core_spin_lock(&core->waiters_lock);
    waiter->next = core->waiters;
    core->waiters = waiter;
    (void)PST_ATOMIC_ADD(&core->waiter_count, 1u);
    core_spin_unlock(&core->waiters_lock);
}

static void waiter_remove(pst_core *core, core_waiter *waiter)
{
    core_spin_lock(&core->waiters_lock);
    core_waiter **at = &core->waiters;
    while (*at != waiter) at = &(*at)->next;
    *at = waiter->next;
    (void)PST_ATOMIC_SUB(&core->waiter_count, 1u);
    core_spin_unlock(&core->waiters_lock);
}

static bool any_ready(pst_map *const *maps, size_t count)
{
    bool ready = false;
    for (size_t i = 0; i < count; i++) {
        if (maps[i]->view.type == PST_MAP_RINGBUF) {
            pst_event *event = core_ringbuf_ready(maps[i]) ? core_ringbuf_event_if(maps[i]) : NULL;
            // The caller knows now, so the event's descriptor need not stay readable.
            ready = (event && pst_pal_event_wait(event, 0) == PST_OK) || ready || core_ringbuf_ready(maps[i]);
        } else {
            if (core_perf_ready(maps[i])) ready = true;
        }
    }
    return ready;
}

static pst_status wait_for(pst_core *core, pst_map *const *maps, size_t count, uint64_t timeout_ns)
{
    if (any_ready(maps, count)) return PST_OK;
    if (timeout_ns == 0) return PST_E_TIMEOUT;
    core_waiter waiter = {0};
    PST_TRY(pst_pal_event_create(&core->env, &waiter.event));
    uint64_t begin = pst_pal_time_ns();
    waiter_add(core, &waiter);
    pst_status status = PST_E_TIMEOUT;
    for (;;) {
        if (any_ready(maps, count)) {
            status = PST_OK;
            break;
        }
        uint64_t passed = pst_pal_time_ns() - begin;
        if (passed >= timeout_ns) break;
        uint64_t left = timeout_ns - passed;
        // Woken or not: look again.
        pst_status woken = pst_pal_event_wait(waiter.event, left < WAIT_SLICE_NS ? left : WAIT_SLICE_NS);
        if (woken != PST_OK && woken != PST_E_TIMEOUT) break;
    }
    waiter_remove(core, &waiter);
    pst_pal_event_free(waiter.event);
    return status;
}

pst_status pst_core_wait(pst_client *client, const int *map_fds, size_t count, uint64_t timeout_ns)
{
    const pst_env *env = &client->core->env;
    pst_map **maps = pst_alloc_zero(env, count, sizeof *maps);
    if (!maps) return PST_E_NOMEM;
    pst_status status = PST_OK;
    for (size_t i = 0; i < count && status == PST_OK; i++) {
        maps[i] = map_of_fd(client, map_fds[i]);
        if (!maps[i] || (maps[i]->view.type != PST_MAP_RINGBUF && maps[i]->view.type != PST_MAP_PERF_EVENT_ARRAY))
            status = PST_E_INVALID;
    }
    if (status == PST_OK) status = wait_for(client->core, maps, count, timeout_ns);
    for (size_t i = 0; i < count; i++)
        if (maps[i]) core_object_put(&maps[i]->object);
    pst_free(env, maps, count * sizeof *maps);
    return status;
}
