// hash.c: BPF_MAP_TYPE_HASH and BPF_MAP_TYPE_PERCPU_HASH, and their LRU forms, over the table of hash_table.c.
#include "core/internal.h"
#include "core/map/hash_table.h"
#include "core/map/fields.h"

#include "base/bits.h"

// --- hash -----------------------------------------------------------------------------------------------------

static void *hash_lookup(pst_map *map, const void *key)
{
    hash_map *hash = hash_of(map);
    hash_element *element = hash_find(hash, key);
    return element ? hash_value(hash, element) : NULL;
}

// A value that one store writes whole is replaced in place.
static bool fits_one_store(uint32_t size)
{
    return size <= 8 && (size & (size - 1)) == 0;
}

// The bucket is locked. old: the key's element, NULL when there is none.
static int put_value(hash_map *hash, hash_element *old, const void *key, uint32_t hashed, const void *value, bool may_steal)
{
    int error = 0;
    uint32_t size = hash->map.view.value_size;
    if (old && fits_one_store(size) && hash->map.view.record_count == 0) {
        core_value_store(hash_value(hash, old), value, size);
        return 0;
    }
    hash_element *element = hash_fill(hash, key, hashed, old != NULL, may_steal, &error);
    if (!element) return error;
    core_map_store(&hash->map, hash_value(hash, element), value, size);
    hash_link(hash, element); // in front of the old one: no moment without the key
    if (!old) return 0;
    hash_unlink(hash, old);
    hash_pool_give(hash, old, false);
    return 0;
}

static int put(pst_map *map, const void *key, const void *value, uint64_t flags, bool may_steal)
{
    hash_map *hash = hash_of(map);
    if ((flags & ~(uint64_t)PST_BPF_F_LOCK) > PST_BPF_EXIST) return -PST_EINVAL;
    if ((flags & PST_BPF_F_LOCK) && !map->has_lock) return -PST_EINVAL;
    uint32_t hashed = hash_compute(hash, key);
    core_spin *lock = hash_lock(hash, hashed);
    hash_element *old = hash_find(hash, key);
    int error = hash_flags_check(old, flags);
    // In place, under the value's lock: who holds that waits for nothing.
    if (!error && old && (flags & PST_BPF_F_LOCK)) core_fields_store_locked(map, hash_value(hash, old), value);
    else if (!error) error = put_value(hash, old, key, hashed, value, may_steal);
    core_spin_unlock(lock);
    return error;
}

static int hash_update(pst_map *map, const void *key, const void *value, uint64_t flags)
{
    return put(map, key, value, flags, true);
}

static int hash_write(pst_map *map, const void *key, const void *value, uint64_t flags)
{
    int error;
    unsigned turns = 0;
    do error = put(map, key, value, flags, false);
    while (error == -PST_EAGAIN && hash_wait(&turns));
    return error == -PST_EAGAIN ? hash_update(map, key, value, flags) : error;
}

static void copy_value(hash_map *hash, hash_element *element, void *value)
{
    core_map_load(&hash->map, value, hash_value(hash, element), hash->map.view.value_size);
}

static void copy_locked(hash_map *hash, hash_element *element, void *value)
{
    core_fields_load_locked(&hash->map, value, hash_value(hash, element));
}

// For commands: a value whose element was stolen meanwhile is read again.
static int read_with(pst_map *map, const void *key, void *value, hash_copy_fn copy)
{
    hash_map *hash = hash_of(map);
    for (;;) {
        uint32_t steals = PST_ATOMIC_LOAD(&hash->pool.steals);
        hash_element *element = hash_find(hash, key);
        if (element) copy(hash, element, value);
        // Not a plain load: it must come after those of the copy.
        if (PST_ATOMIC_ADD(&hash->pool.steals, 0u) == steals) return element ? 0 : -PST_ENOENT;
    }
}

static int hash_read(pst_map *map, const void *key, void *value)
{
    return read_with(map, key, value, copy_value);
}

static int hash_read_locked(pst_map *map, const void *key, void *value)
{
    return read_with(map, key, value, copy_locked);
}

static int take_with(pst_map *map, const void *key, void *value, hash_copy_fn copy)
{
    hash_map *hash = hash_of(map);
    uint32_t hashed = hash_compute(hash, key);
    core_spin *lock = hash_lock(hash, hashed);
    hash_element *old = hash_find(hash, key);
    if (old) {
        copy(hash, old, value);
        hash_unlink(hash, old);
        hash_pool_give(hash, old, true);
    }
    core_spin_unlock(lock);
    return old ? 0 : -PST_ENOENT;
}

static int hash_take(pst_map *map, const void *key, void *value)
{
    return take_with(map, key, value, copy_value);
}

static int hash_take_locked(pst_map *map, const void *key, void *value)
{
    return take_with(map, key, value, copy_locked);
}

static int hash_batch(pst_map *map, map_batch *batch)
{
    return hash_read_batch(map, batch, batch->locked ? copy_locked : copy_value);
}

static void *value_of(hash_map *hash, hash_element *element)
{
    return hash_value(hash, element);
}

static uint64_t hash_visit(pst_map *map, map_visit visit, void *user)
{
    return hash_walk(map, visit, user, value_of);
}

const map_ops map_hash_ops = {
    .object_size = sizeof(hash_map),
    .check = hash_check,
    .create = hash_create,
    .destroy = hash_destroy,
    .release_users = hash_release_users,
    .lookup = hash_lookup,
    .update = hash_update,
    .remove = hash_remove,
    .walk = hash_visit,
    .read = hash_read,
    .read_locked = hash_read_locked,
    .write = hash_write,
    .next_key = hash_next_key,
    .take = hash_take,
    .take_locked = hash_take_locked,
    .read_batch = hash_batch,
    .batch = true,
    .batch_delete = true,
    .batch_take = true,
    .may_be_inner = true,
};

// --- percpu_hash ----------------------------------------------------------------------------------------------

static uint8_t *percpu_at(hash_map *hash, hash_element *element, uint32_t cpu)
{
    return hash_pool_percpu(hash, element) + cpu * hash->cpu_stride;
}

static void *percpu_lookup(pst_map *map, const void *key)
{
    hash_element *element = hash_find(hash_of(map), key);
    return element ? percpu_at(hash_of(map), element, pst_pal_cpu_id()) : NULL;
}

static void *percpu_lookup_cpu(pst_map *map, const void *key, uint32_t cpu)
{
    if (cpu >= map->cpus) return NULL;
    hash_element *element = hash_find(hash_of(map), key);
    return element ? percpu_at(hash_of(map), element, cpu) : NULL;
}

// A program writes its CPU's part; a command writes all of them. A new key's other parts are 0.
static void percpu_store(hash_map *hash, hash_element *element, const void *value, bool all, bool fresh)
{
    uint32_t here = all ? 0 : pst_pal_cpu_id();
    for (uint32_t cpu = 0; cpu < hash->map.cpus; cpu++) {
        uint8_t *part = percpu_at(hash, element, cpu);
        if (all)
            core_map_store(&hash->map, part, (const uint8_t *)value + (size_t)cpu * hash->map.value_bytes, hash->map.value_bytes);
        else if (cpu == here)
            core_map_store(&hash->map, part, value, hash->map.view.value_size);
        else if (fresh)
            core_value_clear(part, hash->map.value_bytes);
    }
}

static int percpu_put(pst_map *map, const void *key, const void *value, uint64_t flags, bool all, bool may_steal)
{
    hash_map *hash = hash_of(map);
    if (flags > PST_BPF_EXIST) return -PST_EINVAL;
    uint32_t hashed = hash_compute(hash, key);
    core_spin *lock = hash_lock(hash, hashed);
    hash_element *element = hash_find(hash, key);
    int error = hash_flags_check(element, flags);
    if (!error && element) {
        percpu_store(hash, element, value, all, false); // in place: each CPU has its own
    } else if (!error) {
        element = hash_fill(hash, key, hashed, false, may_steal, &error);
        if (element) {
            error = 0;
            percpu_store(hash, element, value, all, true);
            hash_link(hash, element);
        }
    }
    core_spin_unlock(lock);
    return error;
}

static int percpu_update(pst_map *map, const void *key, const void *value, uint64_t flags)
{
    return percpu_put(map, key, value, flags, false, true);
}

static int percpu_write(pst_map *map, const void *key, const void *value, uint64_t flags)
{
    int error;
    unsigned turns = 0;
    do error = percpu_put(map, key, value, flags, true, false);
    while (error == -PST_EAGAIN && hash_wait(&turns));
    return error == -PST_EAGAIN ? percpu_put(map, key, value, flags, true, true) : error;
}

static void percpu_copy(hash_map *hash, hash_element *element, void *value)
{
    for (uint32_t cpu = 0; cpu < hash->map.cpus; cpu++)
        core_map_load(&hash->map, (uint8_t *)value + (size_t)cpu * hash->map.value_bytes, percpu_at(hash, element, cpu), hash->map.value_bytes);
}

static int percpu_read(pst_map *map, const void *key, void *value)
{
    return read_with(map, key, value, percpu_copy);
}

static int percpu_take(pst_map *map, const void *key, void *value)
{
    return take_with(map, key, value, percpu_copy);
}

static int percpu_batch(pst_map *map, map_batch *batch)
{
    return hash_read_batch(map, batch, percpu_copy);
}

static void *percpu_value_of(hash_map *hash, hash_element *element)
{
    return percpu_at(hash, element, pst_pal_cpu_id());
}

static uint64_t percpu_visit(pst_map *map, map_visit visit, void *user)
{
    return hash_walk(map, visit, user, percpu_value_of);
}

const map_ops map_percpu_hash_ops = {
    .object_size = sizeof(hash_map),
    .check = hash_check,
    .create = hash_create,
    .destroy = hash_destroy,
    .lookup = percpu_lookup,
    .update = percpu_update,
    .remove = hash_remove,
    .walk = percpu_visit,
    .read = percpu_read,
    .write = percpu_write,
    .next_key = hash_next_key,
    .take = percpu_take,
    .read_batch = percpu_batch,
    .lookup_cpu = percpu_lookup_cpu,
    .batch = true,
    .batch_delete = true,
    .batch_take = true,
    .may_be_inner = true,
};

// --- lru_hash and lru_percpu_hash -------------------------------------------------------------------------------

// A program's lookup keeps the element; a command's does not, so that a monitor changes nothing.
static hash_element *find_and_keep(pst_map *map, const void *key)
{
    hash_element *element = hash_find(hash_of(map), key);
    if (element && !(PST_ATOMIC_LOAD_RELAXED(&element->place) & HASH_SEEN)) (void)PST_ATOMIC_OR(&element->place, HASH_SEEN);
    return element;
}

static void *lru_lookup(pst_map *map, const void *key)
{
    hash_element *element = find_and_keep(map, key);
    return element ? hash_value(hash_of(map), element) : NULL;
}

// A full map loses what was not looked up for longest; so an update finds room, unless all of the map is being looked up.
static int lru_update(pst_map *map, const void *key, const void *value, uint64_t flags)
{
    int error;
    do error = put(map, key, value, flags, true); // BPF_F_LOCK: these maps have no locks
    while (error == -PST_E2BIG && hash_evict(hash_of(map)));
    return error == -PST_E2BIG ? -PST_ENOMEM : error;
}

const map_ops map_lru_hash_ops = {
    .object_size = sizeof(hash_map),
    .check = hash_check,
    .create = hash_create,
    .destroy = hash_destroy,
    .release_users = hash_release_users,
    .lookup = lru_lookup,
    .update = lru_update,
    .remove = hash_remove,
    .walk = hash_visit,
    .read = hash_read,
    .write = lru_update,
    .next_key = hash_next_key,
    .take = hash_take,
    .read_batch = hash_batch,
    .batch = true,
    .batch_delete = true,
    .batch_take = true,
    .may_be_inner = true,
};

static void *lru_percpu_lookup(pst_map *map, const void *key)
{
    hash_element *element = find_and_keep(map, key);
    return element ? percpu_at(hash_of(map), element, pst_pal_cpu_id()) : NULL;
}

static int lru_percpu_put(pst_map *map, const void *key, const void *value, uint64_t flags, bool all)
{
    int error;
    do error = percpu_put(map, key, value, flags, all, true);
    while (error == -PST_E2BIG && hash_evict(hash_of(map)));
    return error == -PST_E2BIG ? -PST_ENOMEM : error;
}

static int lru_percpu_update(pst_map *map, const void *key, const void *value, uint64_t flags)
{
    return lru_percpu_put(map, key, value, flags, false);
}

static int lru_percpu_write(pst_map *map, const void *key, const void *value, uint64_t flags)
{
    return lru_percpu_put(map, key, value, flags, true);
}

const map_ops map_lru_percpu_hash_ops = {
    .object_size = sizeof(hash_map),
    .check = hash_check,
    .create = hash_create,
    .destroy = hash_destroy,
    .lookup = lru_percpu_lookup,
    .update = lru_percpu_update,
    .remove = hash_remove,
    .walk = percpu_visit,
    .read = percpu_read,
    .write = lru_percpu_write,
    .next_key = hash_next_key,
    .take = percpu_take,
    .read_batch = percpu_batch,
    .lookup_cpu = percpu_lookup_cpu,
    .batch = true,
    .batch_delete = true,
    .batch_take = true,
    .may_be_inner = true,
};
