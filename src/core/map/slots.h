// slots.h: arrays whose entries are references to objects: prog_array and array_of_maps.
//
// A slot holds a reference; readers load it inside an epoch, writers exchange it and give the old reference back.
#ifndef PST_CORE_MAP_SLOTS_H
#define PST_CORE_MAP_SLOTS_H

#include "core/map/array.h"

typedef struct slot_map {
    pst_map map; // first
    core_object **slots;
} slot_map;

int map_slots_create(pst_map *map);
void map_slots_destroy(pst_map *map);
int map_slots_read(pst_map *map, const void *key, void *value); // the object's id
int map_slots_check(const pst_map *map, const void *key, uint64_t flags);
/// target NULL empties the slot (-PST_ENOENT when it is empty). Takes a reference of its own.
int map_slots_set(pst_map *map, const void *key, core_object *target, uint64_t flags);
void map_slots_clear(pst_map *map);

PST_INLINE core_object *map_slots_get(const pst_map *map, uint32_t index)
{
    const slot_map *slots = (const slot_map *)(const void *)map;
    return index < map->view.max_entries ? PST_ATOMIC_LOAD(&slots->slots[index]) : NULL;
}

#endif
