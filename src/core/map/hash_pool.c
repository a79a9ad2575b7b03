// hash_pool.c: where the elements of a hash table come from. See hash.h.
//
// The lock is held for a few loads and stores; only maps without preallocation ask for memory under it, as rarely as segments run out.
#include "base/bits.h"
#include "core/map/hash_map.h"
#include "core/internal.h"
#include "core/map/fields.h"

#define SEGMENT_BYTES 65536u
#define SPARE_MIN 32u // elements beyond max_entries: removed ones that wait, replaced values
#define SPARE_MAX 4096u
#define STEALS_BLIND 32u

static bool is_percpu(const hash_map *hash)
{
    return hash_type_is_percpu(hash->map.view.type);
}

static size_t segment_value_bytes(const hash_map *hash)
{
    return is_percpu(hash) ? (size_t)hash->cpu_stride * hash->map.cpus : 0;
}

// The pool's lock is held, or nobody else knows the map yet.
static bool segment_add(hash_map *hash)
{
    hash_pool *pool = &hash->pool;
    const pst_env *env = core_map_env(&hash->map);
    size_t values = segment_value_bytes(hash);
    if (pst_grow(env, &pool->segments, &pool->segment_capacity, pool->segment_count + 1, sizeof *pool->segments) != PST_OK)
        return false;
    uint64_t ring_size = pool->ring_size;
    while (ring_size < (uint64_t)pool->total + pool->segment_size) ring_size = ring_size ? ring_size * 2 : 64;
    if (ring_size != pool->ring_size) {
        // Entries move to their places in the larger ring.
        hash_element **ring = core_area_alloc(env, (size_t)ring_size * sizeof *ring);
        if (!ring) return false;
        for (uint64_t at = pool->head; at != pool->tail; at++) ring[at & (ring_size - 1)] = pool->ring[at & (pool->ring_size - 1)];
        if (pool->ring) core_area_free(env, pool->ring, (size_t)pool->ring_size * sizeof *ring);
        pool->ring = ring;
        pool->ring_size = ring_size;
    }
    hash_segment segment = {core_area_alloc(env, (size_t)pool->segment_size * hash->element_bytes), NULL};
    if (!segment.elements) return false;
    if (values) {
        segment.values = core_area_alloc(env, values);
        if (!segment.values) {
            core_area_free(env, segment.elements, (size_t)pool->segment_size * hash->element_bytes);
            return false;
        }
    }
    pool->segments[pool->segment_count++] = segment;
    pool->total += pool->segment_size;
    pool->fresh = pool->segment_size;
    return true;
}

int hash_pool_create(hash_map *hash)
{
    hash_pool *pool = &hash->pool;
    uint32_t max = hash->map.view.max_entries, spare = max / 8;
    if (spare < SPARE_MIN) spare = SPARE_MIN;
    if (spare > SPARE_MAX) spare = SPARE_MAX;
    pool->limit = max + spare;
    pool->segment_size = pool->limit;
    if (hash->map.view.flags & PST_F_NO_PREALLOC) {
        size_t bytes = hash->element_bytes + (is_percpu(hash) ? (size_t)hash->map.value_bytes * hash->map.cpus : 0);
        uint32_t count = (uint32_t)(SEGMENT_BYTES / bytes);
        if (count < 16) count = 16;
        if (count < pool->segment_size) pool->segment_size = count;
    }
    if (is_percpu(hash)) hash->cpu_stride = pst_align_up((uint64_t)pool->segment_size * hash->map.value_bytes, 64);
    if ((hash->map.view.flags & PST_F_NO_PREALLOC) || segment_add(hash)) return 0;
    hash_pool_destroy(hash);
    return -PST_ENOMEM;
}

void hash_pool_destroy(hash_map *hash)
{
    hash_pool *pool = &hash->pool;
    const pst_env *env = core_map_env(&hash->map);
    for (size_t i = 0; i < pool->segment_count; i++) {
        core_area_free(env, pool->segments[i].elements, (size_t)pool->segment_size * hash->element_bytes);
        if (pool->segments[i].values) core_area_free(env, pool->segments[i].values, segment_value_bytes(hash));
    }
    pst_free(env, pool->segments, pool->segment_capacity * sizeof *pool->segments);
    if (pool->ring) core_area_free(env, pool->ring, (size_t)pool->ring_size * sizeof *pool->ring);
    *pool = (hash_pool){0};
}

// Moves ripe up to what epochs that are over have left behind.
static bool refresh_ripe(hash_pool *pool, uint64_t now)
{
    for (unsigned i = 0; i < 2; i++) {
        if (pool->mark_epoch[i] == 0 || epoch_ripe_at(pool->mark_epoch[i]) > now) continue;
        if (pool->mark_tail[i] > pool->ripe) pool->ripe = pool->mark_tail[i];
        break; // the newer mark covers the older one
    }
    return pool->head != pool->ripe;
}

// The pool's lock is held. The oldest removed element, if it may be used already. patient: epochs are looked at in any case.
static hash_element *take_removed(hash_map *hash, bool patient)
{
    hash_pool *pool = &hash->pool;
    epoch_domain *epoch = &hash->map.object.core->epoch;
    if (pool->head == pool->ripe) {
        if (pool->head == pool->tail || (pool->patience > 0 && !patient)) return NULL;
        if (!refresh_ripe(pool, PST_ATOMIC_LOAD(&epoch->now)) && !refresh_ripe(pool, epoch_advance(epoch))) return NULL;
    }
    return pool->ring[pool->head++ & (pool->ring_size - 1)];
}

// The pool's lock is held. The oldest removed element, whoever may still look at it.
static hash_element *steal_removed(hash_map *hash)
{
    hash_pool *pool = &hash->pool;
    if (pool->head == pool->tail) return NULL;
    pool->patience = pool->patience > 0 ? pool->patience - 1 : STEALS_BLIND;
    (void)PST_ATOMIC_ADD(&pool->steals, 1u); // before the content changes
    if (pool->head == pool->ripe) pool->ripe++;
    return pool->ring[pool->head++ & (pool->ring_size - 1)];
}

// The pool's lock is held. An element that was never used.
static hash_element *take_fresh(hash_map *hash)
{
    hash_pool *pool = &hash->pool;
    if (pool->fresh == 0 && (pool->total >= pool->limit || !segment_add(hash))) return NULL;
    hash_segment *segment = &pool->segments[pool->segment_count - 1];
    uint32_t place = pool->segment_size - pool->fresh;
    hash_element *element = (hash_element *)(void *)(segment->elements + (size_t)place * hash->element_bytes);
    PST_ATOMIC_STORE_RELAXED(&element->place, place); // the hand of an LRU map may look already
    PST_ATOMIC_STORE_RELAXED(&pool->fresh, pool->fresh - 1);
    if (segment->values) {
        uint8_t *values = segment->values + (size_t)place * hash->map.value_bytes;
        memcpy(hash_value(hash, element), &values, sizeof values);
    }
    return element;
}

hash_element *hash_pool_at(hash_map *hash, uint32_t index)
{
    const hash_pool *pool = &hash->pool;
    if (pool->segment_count == 0 || index >= pool->segment_size - PST_ATOMIC_LOAD_RELAXED(&pool->fresh)) return NULL;
    return (hash_element *)(void *)(pool->segments[0].elements + (size_t)index * hash->element_bytes);
}

uint8_t *hash_pool_percpu(hash_map *hash, hash_element *element)
{
    uint8_t *values;
    memcpy(&values, hash_value(hash, element), sizeof values);
    return values;
}

hash_element *hash_pool_take(hash_map *hash, bool replaces, bool may_steal, int *error)
{
    hash_pool *pool = &hash->pool;
    hash_element *element = NULL;
    core_spin_lock(&pool->lock);
    if (!replaces && pool->live >= hash->map.view.max_entries) {
        *error = -PST_E2BIG;
    } else {
        *error = -PST_ENOMEM;
        if (pool->head != pool->ripe) element = take_removed(hash, false);
        if (!element && pool->fresh > 0) element = take_fresh(hash);
        if (!element) element = take_removed(hash, !may_steal);
        if (!element) element = take_fresh(hash);
        if (!element && may_steal) element = steal_removed(hash);
        if (!element && !may_steal && pool->head != pool->tail) *error = -PST_EAGAIN;
        if (element && !replaces) pool->live++;
        // In a large map the next element in the ring has long left the caches.
        if (pool->head != pool->tail) PST_PREFETCH(pool->ring[pool->head & (pool->ring_size - 1)]);
    }
    core_spin_unlock(&pool->lock);
    return element;
}

void hash_pool_release(hash_map *hash)
{
    hash_pool *pool = &hash->pool;
    if (!hash->map.has_timer) return;
    core_spin_lock(&pool->lock);
    for (size_t i = 0; i < pool->segment_count; i++)
        for (uint32_t k = 0; k < pool->segment_size; k++)
            core_fields_release(&hash->map, hash_value(hash, (hash_element *)(void *)(pool->segments[i].elements + (size_t)k * hash->element_bytes)));
    core_spin_unlock(&pool->lock);
}

void hash_pool_give(hash_map *hash, hash_element *element, bool removed)
{
    hash_pool *pool = &hash->pool;
    core_fields_release(&hash->map, hash_value(hash, element));
    core_spin_lock(&pool->lock);
    uint64_t now = PST_ATOMIC_LOAD(&hash->map.object.core->epoch.now);
    if (pool->mark_epoch[0] != now) {
        (void)refresh_ripe(pool, now);
        pool->mark_epoch[1] = pool->mark_epoch[0];
        pool->mark_tail[1] = pool->mark_tail[0];
        pool->mark_epoch[0] = now;
    }
    pool->ring[pool->tail++ & (pool->ring_size - 1)] = element;
    pool->mark_tail[0] = pool->tail;
    if (removed) pool->live--;
    core_spin_unlock(&pool->lock);
}
