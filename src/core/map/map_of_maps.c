// map_of_maps.c: BPF_MAP_TYPE_ARRAY_OF_MAPS and BPF_MAP_TYPE_HASH_OF_MAPS.
//
// Created with a template, whose shape every inner map must have: programs were loaded against that shape. The template map itself
// is not kept. A program's lookup yields the inner map; a command's lookup its id.
#include "core/internal.h"
#include "core/map/hash_table.h"
#include "core/map/slots.h"

static int inner_check(const pst_map *map, core_object *target)
{
    return core_map_fits_template(map->inner, core_map_of_object(target)) ? 0 : -PST_EINVAL;
}

// --- array_of_maps --------------------------------------------------------------------------------------------

static void *array_of_maps_lookup(pst_map *map, const void *key)
{
    core_object *object = map_slots_get(map, map_array_index(key));
    return object ? core_map_of_object(object) : NULL;
}

static int array_of_maps_set(pst_map *map, const void *key, core_object *target, uint64_t flags)
{
    int error = target ? inner_check(map, target) : 0;
    return error ? error : map_slots_set(map, key, target, flags);
}

const map_ops map_array_of_maps_ops = {
    .object_size = sizeof(slot_map),
    .check = map_fd_array_check,
    .create = map_slots_create,
    .destroy = map_slots_destroy,
    .lookup = array_of_maps_lookup,
    .read = map_slots_read,
    .next_key = map_array_next_key,
    .set_check = map_slots_check,
    .set_object = array_of_maps_set,
    .batch = true,
    .object_kind = OBJECT_MAP,
};

// --- hash_of_maps ---------------------------------------------------------------------------------------------

static core_object **inner_at(hash_map *hash, hash_element *element)
{
    return (core_object **)(void *)hash_value(hash, element);
}

static int hash_of_maps_check(const pst_bpf_attr *attr, const char **why)
{
    *why = "a map of maps has values of 4 bytes";
    if (attr->value_size != 4) return -PST_EINVAL;
    return hash_check(attr, why);
}

static void hash_of_maps_destroy(pst_map *map)
{
    hash_map *hash = hash_of(map);
    for (uint32_t bucket = 0; bucket <= hash->bucket_mask; bucket++)
        for (uintptr_t at = hash->buckets[bucket]; !(at & 1); at = ((hash_element *)at)->next)
            core_object_put(*inner_at(hash, (hash_element *)at));
    hash_destroy(map);
}

static void *hash_of_maps_lookup(pst_map *map, const void *key)
{
    hash_element *element = hash_find(hash_of(map), key);
    return element ? core_map_of_object(PST_ATOMIC_LOAD(inner_at(hash_of(map), element))) : NULL;
}

static int hash_of_maps_read(pst_map *map, const void *key, void *value)
{
    hash_element *element = hash_find(hash_of(map), key);
    if (!element) return -PST_ENOENT;
    pst_store32(value, PST_ATOMIC_LOAD(inner_at(hash_of(map), element))->id);
    return 0;
}

// The bucket is locked. *dropped is the inner map that lost its place, or NULL.
static int exchange(hash_map *hash, const void *key, uint32_t hashed, core_object *target, uint64_t flags, bool may_steal,
                    core_object **dropped)
{
    int error = 0;
    hash_element *old = hash_find(hash, key), *element = NULL;
    if (!target && !old) return -PST_ENOENT;
    if (target) {
        error = hash_flags_check(old, flags);
        if (error) return error;
        element = hash_fill(hash, key, hashed, old != NULL, may_steal, &error);
        if (!element) return error;
        PST_ATOMIC_STORE(inner_at(hash, element), target);
        hash_link(hash, element);
    }
    if (old) {
        *dropped = *inner_at(hash, old);
        hash_unlink(hash, old);
        hash_pool_give(hash, old, !target);
    }
    return 0;
}

static int hash_of_maps_set(pst_map *map, const void *key, core_object *target, uint64_t flags)
{
    hash_map *hash = hash_of(map);
    core_object *dropped = NULL;
    if (flags > PST_BPF_EXIST) return -PST_EINVAL;
    int error = target ? inner_check(map, target) : 0;
    if (error) return error;
    uint32_t hashed = hash_compute(hash, key);
    if (target) core_object_get(target);
    bool may_steal = false;
    for (unsigned turns = 0;; may_steal = !hash_wait(&turns)) {
        core_spin *lock = hash_lock(hash, hashed);
        error = exchange(hash, key, hashed, target, flags, may_steal, &dropped);
        core_spin_unlock(lock);
        if (error != -PST_EAGAIN) break;
    }
    if (error && target) core_object_put(target);
    if (dropped) core_object_put(dropped);
    return error;
}

static void copy_id(hash_map *hash, hash_element *element, void *value)
{
    pst_store32(value, (*inner_at(hash, element))->id);
}

static int hash_of_maps_batch(pst_map *map, map_batch *batch)
{
    return batch->remove ? -PST_ENOTSUPP : hash_read_batch(map, batch, copy_id);
}

const map_ops map_hash_of_maps_ops = {
    .object_size = sizeof(hash_map),
    .check = hash_of_maps_check,
    .create = hash_create,
    .destroy = hash_of_maps_destroy,
    .lookup = hash_of_maps_lookup,
    .read = hash_of_maps_read,
    .next_key = hash_next_key,
    .set_object = hash_of_maps_set,
    .read_batch = hash_of_maps_batch,
    .batch = true,
    .batch_delete = true,
    .object_kind = OBJECT_MAP,
};
