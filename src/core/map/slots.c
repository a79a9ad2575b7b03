// slots.c: arrays of references. See slots.h.
#include "core/map/slots.h"

#include "core/map/values.h"

static slot_map *slots_of(pst_map *map)
{
    return (slot_map *)(void *)map;
}

static size_t slots_bytes(const pst_map *map)
{
    return (size_t)map->view.max_entries * sizeof(core_object *);
}

int map_slots_create(pst_map *map)
{
    map->value_bytes = 8;
    map->cpus = 1;
    slots_of(map)->slots = core_area_alloc(core_map_env(map), slots_bytes(map));
    return slots_of(map)->slots ? 0 : -PST_ENOMEM;
}

void map_slots_clear(pst_map *map)
{
    for (uint32_t i = 0; i < map->view.max_entries; i++) {
        if (!PST_ATOMIC_LOAD_RELAXED(&slots_of(map)->slots[i])) continue; // do not touch pages that were never used
        core_object *old = PST_ATOMIC_EXCHANGE(&slots_of(map)->slots[i], (core_object *)NULL);
        if (old) core_object_put(old);
    }
}

void map_slots_destroy(pst_map *map)
{
    map_slots_clear(map);
    core_area_free(core_map_env(map), slots_of(map)->slots, slots_bytes(map));
}

int map_slots_read(pst_map *map, const void *key, void *value)
{
    core_object *object = map_slots_get(map, map_array_index(key));
    if (!object) return -PST_ENOENT;
    pst_store32(value, object->id);
    return 0;
}

int map_slots_check(const pst_map *map, const void *key, uint64_t flags)
{
    if (flags != PST_BPF_ANY) return -PST_EINVAL;
    return map_array_index(key) >= map->view.max_entries ? -PST_E2BIG : 0;
}

int map_slots_set(pst_map *map, const void *key, core_object *target, uint64_t flags)
{
    int error = map_slots_check(map, key, flags);
    if (error) return error;
    if (target) core_object_get(target);
    core_object *old = PST_ATOMIC_EXCHANGE(&slots_of(map)->slots[map_array_index(key)], target);
    if (old) core_object_put(old);
    return target || old ? 0 : -PST_ENOENT;
}
