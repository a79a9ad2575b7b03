// queue.c: BPF_MAP_TYPE_QUEUE and BPF_MAP_TYPE_STACK: values without keys, first in first out, or last in first out.
//
// A ring of max_entries values under one lock, which is held for the copy of a value: the order of all is what these maps are for.
#include "core/internal.h"
#include "core/map/values.h"

#include "base/bits.h"

typedef struct queue_map {
    pst_map map; // first
    uint8_t *values;
    size_t bytes;
    core_spin lock;
    uint32_t first, count; // the oldest value's place; how many there are. Under the lock
} queue_map;

#define QUEUE_FLAGS (PST_F_NUMA_NODE | MAP_ACCESS_FLAGS)
#define VALUE_MAX (4u << 20) // Linux's KMALLOC_MAX_SIZE

static queue_map *queue_of(pst_map *map)
{
    return (queue_map *)(void *)map;
}

static int queue_check(const pst_bpf_attr *attr, const char **why)
{
    *why = "a queue or a stack has no keys (key_size 0), values of at least 1 byte, at least 1 entry, and takes only flags of access and BPF_F_NUMA_NODE";
    if (attr->max_entries == 0 || attr->key_size != 0 || attr->value_size == 0) return -PST_EINVAL;
    if ((attr->map_flags & ~(uint32_t)QUEUE_FLAGS) || !map_access_ok(attr->map_flags)) return -PST_EINVAL;
    *why = "value_size is too large (4 MiB)";
    return attr->value_size > VALUE_MAX ? -PST_E2BIG : 0;
}

static int queue_create(pst_map *map)
{
    queue_map *queue = queue_of(map);
    map->cpus = 1;
    map->value_bytes = (uint32_t)pst_align_up(map->view.value_size, 8);
    if (PST_MUL_OVERFLOW((size_t)map->value_bytes, (size_t)map->view.max_entries, &queue->bytes) || queue->bytes > PTRDIFF_MAX) return -PST_E2BIG;
    queue->values = core_area_alloc(core_map_env(map), queue->bytes);
    return queue->values ? 0 : -PST_ENOMEM;
}

static void queue_destroy(pst_map *map)
{
    core_area_free(core_map_env(map), queue_of(map)->values, queue_of(map)->bytes);
}

// The value that many places after the oldest.
static uint8_t *value_at(queue_map *queue, uint32_t after)
{
    uint64_t place = (uint64_t)queue->first + after;
    if (place >= queue->map.view.max_entries) place -= queue->map.view.max_entries;
    return queue->values + (size_t)place * queue->map.value_bytes;
}

// A full one takes a value only in the place of the oldest, with BPF_EXIST.
static int queue_push(pst_map *map, const void *key, const void *value, uint64_t flags)
{
    (void)key;
    queue_map *queue = queue_of(map);
    if ((flags & PST_BPF_NOEXIST) || flags > PST_BPF_EXIST) return -PST_EINVAL;
    core_spin_lock(&queue->lock);
    bool is_full = queue->count == map->view.max_entries;
    bool fits = !is_full || flags == PST_BPF_EXIST;
    if (fits && is_full) {
        queue->first = queue->first + 1 == map->view.max_entries ? 0 : queue->first + 1;
        queue->count--;
    }
    if (fits) memcpy(value_at(queue, queue->count++), value, map->view.value_size);
    core_spin_unlock(&queue->lock);
    return fits ? 0 : -PST_E2BIG;
}

static int get(pst_map *map, void *value, bool remove)
{
    queue_map *queue = queue_of(map);
    bool newest = map->view.type == PST_MAP_STACK;
    core_spin_lock(&queue->lock);
    bool found = queue->count > 0;
    if (found) {
        memcpy(value, value_at(queue, newest ? queue->count - 1 : 0), map->view.value_size);
        if (remove && !newest) queue->first = queue->first + 1 == map->view.max_entries ? 0 : queue->first + 1;
        if (remove) queue->count--;
    }
    core_spin_unlock(&queue->lock);
    return found ? 0 : -PST_ENOENT;
}

static int queue_peek(pst_map *map, const void *key, void *value)
{
    (void)key;
    return get(map, value, false);
}

static int queue_pop(pst_map *map, const void *key, void *value)
{
    (void)key;
    return get(map, value, true);
}

static int no_remove(pst_map *map, const void *key)
{
    (void)map, (void)key;
    return -PST_EINVAL;
}

static int no_next_key(pst_map *map, const void *key, void *next)
{
    (void)map, (void)key, (void)next;
    return -PST_EINVAL;
}

const map_ops map_queue_ops = {
    .object_size = sizeof(queue_map),
    .check = queue_check,
    .create = queue_create,
    .destroy = queue_destroy,
    .remove = no_remove,
    .read = queue_peek,
    .write = queue_push,
    .take = queue_pop,
    .next_key = no_next_key,
    .may_be_inner = true,
};
