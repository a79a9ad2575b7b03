// ringbuf.c: BPF_MAP_TYPE_RINGBUF: many producers, one consumer, records in the order of reservation.
//
// Memory is Linux's layout: a page of the consumer, a page of the producers, the data twice in a row. In front of them lies a page of
// our own, which no other process ever maps: from a record's header (its page offset) it is found again on submit. Another process writes
// the consumer's page and can only read what comes behind it, so it cannot forge a header.
//
// A producer takes the lock for the few instructions of a reservation and marks the record busy; filling and committing need no lock. The
// consumer stops at a busy record. Positions only grow; a position modulo the size is an offset in the data.
#include "core/map/ringbuf.h"

#include "base/bits.h"
#include "core/internal.h"

#define RING_PAGE 4096u // of the layout; the platform's granularity may be larger

typedef struct ring_private {
    pst_map *map;
} ring_private;

typedef struct ring_header {
    uint32_t length; // with PST_RINGBUF_BUSY and PST_RINGBUF_DISCARD
    uint32_t pages;  // from the private page to this header
} ring_header;

typedef struct ringbuf_map {
    pst_map map; // first
    void *memory;
    pst_ring_share share; // of the memory; -1: not shared
    size_t header_bytes;
    uint64_t size, mask; // of the data
    ring_private *private_page;
    uint64_t *consumer, *producer;
    uint8_t *data;
    pst_event *event; // made when somebody asks for a handle
    uint8_t apart[64];
    core_spin lock;
    uint64_t pending; // position of the oldest record that is still busy; under the lock
} ringbuf_map;

static ringbuf_map *ring_of(pst_map *map)
{
    return (ringbuf_map *)(void *)map;
}

static int ringbuf_check(const pst_bpf_attr *attr, const char **why)
{
    *why = "a ring buffer takes no map_flags but BPF_F_NUMA_NODE";
    if (attr->map_flags & ~(uint32_t)PST_F_NUMA_NODE) return -PST_EINVAL;
    *why = "a ring buffer has key_size 0, value_size 0, and max_entries a power of two and a multiple of 4096 (bytes)";
    if (attr->key_size || attr->value_size || !pst_is_pow2(attr->max_entries) || attr->max_entries % RING_PAGE) return -PST_EINVAL;
    return 0;
}

static int ringbuf_create(pst_map *map)
{
    ringbuf_map *ring = ring_of(map);
    size_t unit = pst_pal_ring_granularity();
    map->cpus = 1;
    ring->size = map->view.max_entries < unit ? unit : map->view.max_entries; // both are powers of two
    ring->mask = ring->size - 1;
    ring->header_bytes = 3 * unit;
    ring->share = (pst_ring_share){-1, -1};
    ring->memory = pst_pal_ring_alloc(ring->header_bytes, (size_t)ring->size, map->object.core->options.share_memory ? &ring->share : NULL);
    if (!ring->memory) return -PST_ENOMEM;
    ring->data = (uint8_t *)ring->memory + ring->header_bytes;
    ring->producer = (uint64_t *)(void *)(ring->data - unit);
    ring->consumer = (uint64_t *)(void *)(ring->data - 2 * unit);
    ring->private_page = (ring_private *)(void *)(ring->data - 3 * unit);
    ring->private_page->map = map;
    return 0;
}

static void ringbuf_destroy(pst_map *map)
{
    ringbuf_map *ring = ring_of(map);
    pst_pal_event_free(ring->event);
    pst_pal_share_close(ring->share.front);
    pst_pal_share_close(ring->share.back);
    pst_pal_ring_free(ring->memory, ring->header_bytes, (size_t)ring->size);
}

static uint64_t record_span(uint32_t length)
{
    return pst_align_up((uint64_t)(length & ~(PST_RINGBUF_BUSY | PST_RINGBUF_DISCARD)) + PST_RINGBUF_HEADER_SIZE, 8);
}

// Moves pending over records that are committed. The lock is held.
static void pending_advance(ringbuf_map *ring, uint64_t producer)
{
    while (ring->pending < producer) {
        ring_header *header = (ring_header *)(void *)(ring->data + (ring->pending & ring->mask));
        uint32_t length = PST_ATOMIC_LOAD(&header->length);
        if (length & PST_RINGBUF_BUSY) break;
        ring->pending += record_span(length);
    }
}

void *core_ringbuf_reserve(pst_map *map, uint64_t size)
{
    ringbuf_map *ring = ring_of(map);
    if (size > UINT32_MAX / 4) return NULL; // Linux's RINGBUF_MAX_RECORD_SZ
    uint64_t span = pst_align_up(size + PST_RINGBUF_HEADER_SIZE, 8);
    if (span > ring->size) return NULL;
    uint64_t consumer = PST_ATOMIC_LOAD(ring->consumer);
    core_spin_lock(&ring->lock);
    uint64_t producer = *ring->producer, end = producer + span;
    pending_advance(ring, producer);
    // The space between the oldest busy record and the end must fit as well: a hostile consumer position cannot make records overlap.
    if (end - consumer > ring->mask || end - ring->pending > ring->mask) {
        core_spin_unlock(&ring->lock);
        return NULL;
    }
    ring_header *header = (ring_header *)(void *)(ring->data + (producer & ring->mask));
    header->pages = (uint32_t)((size_t)((uint8_t *)header - (uint8_t *)ring->private_page) / RING_PAGE);
    PST_ATOMIC_STORE_RELAXED(&header->length, (uint32_t)size | PST_RINGBUF_BUSY);
    PST_ATOMIC_STORE(ring->producer, end);
    core_spin_unlock(&ring->lock);
    return header + 1;
}

void core_ringbuf_commit(void *record, uint64_t flags, bool discard)
{
    ring_header *header = (ring_header *)record - 1;
    uintptr_t page = (uintptr_t)header / RING_PAGE * RING_PAGE;
    ring_private *private_page = (ring_private *)(page - (uintptr_t)header->pages * RING_PAGE);
    ringbuf_map *ring = ring_of(private_page->map);
    uint32_t length = PST_ATOMIC_LOAD_RELAXED(&header->length) & ~PST_RINGBUF_BUSY;
    (void)PST_ATOMIC_EXCHANGE(&header->length, discard ? length | PST_RINGBUF_DISCARD : length);
    // The consumer sleeps only when it has read everything before this record.
    uint64_t consumer = PST_ATOMIC_LOAD(ring->consumer) & ring->mask;
    bool caught_up = consumer == (uint64_t)((uint8_t *)header - ring->data);
    if ((flags & PST_RB_FORCE_WAKEUP) || (caught_up && !(flags & PST_RB_NO_WAKEUP))) {
        pst_event *event = PST_ATOMIC_LOAD(&ring->event);
        if (event) pst_pal_event_signal(event);
        core_wake(ring->map.object.core);
    }
}

uint64_t core_ringbuf_query(const pst_map *map, uint64_t what)
{
    const ringbuf_map *ring = (const ringbuf_map *)(const void *)map;
    uint64_t consumer = PST_ATOMIC_LOAD(ring->consumer), producer = PST_ATOMIC_LOAD(ring->producer);
    switch (what) {
    case PST_RB_AVAIL_DATA: return producer - consumer < ring->size ? producer - consumer : ring->size;
    case PST_RB_RING_SIZE: return ring->size;
    case PST_RB_CONS_POS: return consumer;
    case PST_RB_PROD_POS: return producer;
    default: return 0;
    }
}

void core_ringbuf_view(pst_map *map, pst_ringbuf_view *out)
{
    ringbuf_map *ring = ring_of(map);
    *out = (pst_ringbuf_view){ring->consumer, ring->producer, ring->data, ring->size};
}

pst_ring_share core_ringbuf_share(const pst_map *map)
{
    return ((const ringbuf_map *)(const void *)map)->share;
}

bool core_ringbuf_ready(pst_map *map)
{
    ringbuf_map *ring = ring_of(map);
    uint64_t consumer = PST_ATOMIC_LOAD(ring->consumer);
    if (consumer == PST_ATOMIC_LOAD(ring->producer)) return false;
    const ring_header *header = (const ring_header *)(const void *)(ring->data + (consumer & ring->mask & ~(uint64_t)7));
    return !(PST_ATOMIC_LOAD(&header->length) & PST_RINGBUF_BUSY);
}

pst_event *core_ringbuf_event_if(pst_map *map)
{
    return PST_ATOMIC_LOAD(&ring_of(map)->event);
}

pst_event *core_ringbuf_event(pst_map *map)
{
    return core_map_event(core_map_env(map), &ring_of(map)->event);
}

const map_ops map_ringbuf_ops = {
    .object_size = sizeof(ringbuf_map),
    .check = ringbuf_check,
    .create = ringbuf_create,
    .destroy = ringbuf_destroy,
    .may_be_inner = true,
};
