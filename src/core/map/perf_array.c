// perf_array.c: BPF_MAP_TYPE_PERF_EVENT_ARRAY: a ring of records for each CPU.
//
// On Linux user space puts perf event descriptors into the slots. Here each CPU's slot below max_entries has its ring from the start, and
// consumers take records with pst_core_perf_read. Records that find no room are counted and dropped; what is in the ring is never overwritten.
#include "core/map/perf_array.h"

#include "base/bits.h"
#include "core/internal.h"
#include "core/map/array.h"

#define PERF_RING_BYTES (256u << 10) // power of two
#define PERF_RECORD_MAX 65535u

typedef struct perf_ring {
    PST_ALIGNED(64) core_spin lock; // of what follows; a CPU's producers and its reader
    uint64_t head, tail;            // bytes taken, bytes written; only grow
    uint64_t lost;
    uint8_t *bytes;
} perf_ring;

typedef struct perf_map {
    pst_map map; // first
    perf_ring *rings;
    uint32_t ring_count;
    pst_event *event; // made when somebody asks for a handle
} perf_map;

static perf_map *perf_of(pst_map *map)
{
    return (perf_map *)(void *)map;
}

static void perf_destroy(pst_map *map)
{
    perf_map *perf = perf_of(map);
    pst_pal_event_free(perf->event);
    for (uint32_t i = 0; i < perf->ring_count; i++) pst_pal_pages_free(perf->rings[i].bytes, PERF_RING_BYTES);
    pst_pal_pages_free(perf->rings, perf->ring_count * sizeof *perf->rings);
}

static int perf_create(pst_map *map)
{
    perf_map *perf = perf_of(map);
    uint32_t cpus = pst_pal_cpu_count();
    map->cpus = 1;
    perf->ring_count = map->view.max_entries < cpus ? map->view.max_entries : cpus;
    perf->rings = pst_pal_pages_alloc(perf->ring_count * sizeof *perf->rings); // pages: aligned to cache lines
    if (!perf->rings) return -PST_ENOMEM;
    for (uint32_t i = 0; i < perf->ring_count; i++) {
        perf->rings[i].bytes = pst_pal_pages_alloc(PERF_RING_BYTES);
        if (perf->rings[i].bytes) continue;
        perf_destroy(map);
        return -PST_ENOMEM;
    }
    return 0;
}

static void ring_put(perf_ring *ring, const void *from, uint32_t size)
{
    uint32_t at = (uint32_t)ring->tail & (PERF_RING_BYTES - 1), first = PERF_RING_BYTES - at;
    if (first > size) first = size;
    if (first > 0) memcpy(ring->bytes + at, from, first);
    if (size > first) memcpy(ring->bytes, (const uint8_t *)from + first, size - first);
    ring->tail += size;
}

static void ring_get(const perf_ring *ring, uint64_t position, void *to, size_t size)
{
    size_t at = (size_t)position & (PERF_RING_BYTES - 1), first = PERF_RING_BYTES - at;
    if (first > size) first = size;
    memcpy(to, ring->bytes + at, first);
    if (size > first) memcpy((uint8_t *)to + first, ring->bytes, size - first);
}

int core_perf_write(pst_map *map, uint32_t cpu, const void *first, uint32_t first_size, const void *second, uint32_t second_size)
{
    perf_map *perf = perf_of(map);
    if (cpu >= map->view.max_entries) return -PST_E2BIG;
    if (cpu >= perf->ring_count) return -PST_ENOENT;
    perf_ring *ring = &perf->rings[cpu];
    uint64_t size = (uint64_t)first_size + second_size;
    core_spin_lock(&ring->lock);
    bool was_empty = ring->head == ring->tail;
    bool fits = size <= PERF_RECORD_MAX && sizeof(uint32_t) + size <= PERF_RING_BYTES - (ring->tail - ring->head);
    if (fits) {
        uint32_t length = (uint32_t)size;
        ring_put(ring, &length, sizeof length);
        ring_put(ring, first, first_size);
        if (second_size > 0) ring_put(ring, second, second_size);
    } else {
        ring->lost++;
    }
    core_spin_unlock(&ring->lock);
    if (fits && was_empty) {
        pst_event *event = PST_ATOMIC_LOAD(&perf->event);
        if (event) pst_pal_event_signal(event);
        core_wake(map->object.core);
    }
    return fits ? 0 : -PST_ENOSPC;
}

pst_event *core_perf_event(pst_map *map)
{
    return core_map_event(core_map_env(map), &perf_of(map)->event);
}

pst_status core_perf_take(pst_map *map, uint32_t cpu, void *out, size_t *size, uint64_t *lost)
{
    perf_map *perf = perf_of(map);
    if (cpu >= perf->ring_count) return PST_E_NOTFOUND;
    perf_ring *ring = &perf->rings[cpu];
    pst_status status = PST_E_AGAIN;
    core_spin_lock(&ring->lock);
    if (lost) {
        *lost = ring->lost;
        ring->lost = 0;
    }
    if (ring->head != ring->tail) {
        uint32_t length;
        ring_get(ring, ring->head, &length, sizeof length);
        status = length <= *size ? PST_OK : PST_E_NOSPACE;
        if (status == PST_OK) {
            ring_get(ring, ring->head + sizeof length, out, length);
            ring->head += sizeof length + (uint64_t)length;
        }
        *size = length;
    }
    core_spin_unlock(&ring->lock);
    return status;
}

bool core_perf_ready(pst_map *map)
{
    perf_map *perf = perf_of(map);
    bool ready = false;
    for (uint32_t i = 0; i < perf->ring_count && !ready; i++) {
        core_spin_lock(&perf->rings[i].lock);
        ready = perf->rings[i].head != perf->rings[i].tail;
        core_spin_unlock(&perf->rings[i].lock);
    }
    return ready;
}

const map_ops map_perf_array_ops = {
    .object_size = sizeof(perf_map),
    .check = map_fd_array_check,
    .create = perf_create,
    .destroy = perf_destroy,
    .next_key = map_array_next_key,
    .may_be_inner = true,
};
