// map_helpers.c: map_lookup_elem, map_update_elem, map_delete_elem, map_lookup_percpu_elem.
#include "core/helper/helpers.h"

HELPER(map_lookup_elem)
{
    pst_map *map = core_map_of_register(r1);
    if (!map->ops->lookup || (map->view.flags & PST_F_WRONLY_PROG)) return 0;
    return (uintptr_t)map->ops->lookup(map, HELPER_POINTER(const void *, r2));
}

HELPER(map_update_elem)
{
    pst_map *map = core_map_of_register(r1);
    if (map->view.flags & PST_F_RDONLY_PROG) return helper_error(PST_EPERM);
    if (!map->ops->update) return helper_error(PST_EOPNOTSUPP);
    return helper_result(map->ops->update(map, HELPER_POINTER(const void *, r2), HELPER_POINTER(const void *, r3), r4));
}

HELPER(map_delete_elem)
{
    pst_map *map = core_map_of_register(r1);
    if (map->view.flags & PST_F_RDONLY_PROG) return helper_error(PST_EPERM);
    if (!map->ops->remove) return helper_error(PST_EOPNOTSUPP);
    return helper_result(map->ops->remove(map, HELPER_POINTER(const void *, r2)));
}

HELPER(map_lookup_percpu_elem)
{
    pst_map *map = core_map_of_register(r1);
    if (!map->ops->lookup_cpu || (map->view.flags & PST_F_WRONLY_PROG)) return 0;
    return (uintptr_t)map->ops->lookup_cpu(map, HELPER_POINTER(const void *, r2), (uint32_t)r3);
}

// Queue, stack and bloom filter have no keys: to write is to push, to take is to pop, to read is to peek.
static bool is_keyless(const pst_map *map)
{
    return map->view.key_size == 0;
}

// The value counts as written, whatever the outcome; but that of a bloom filter is what was asked about.
static uint64_t finish_get(const pst_map *map, int error, void *value)
{
    if (error && map->view.type != PST_MAP_BLOOM_FILTER) memset(value, 0, map->view.value_size);
    return helper_result(error);
}

HELPER(map_push_elem)
{
    pst_map *map = core_map_of_register(r1);
    if (map->view.flags & PST_F_RDONLY_PROG) return helper_error(PST_EPERM);
    if (!is_keyless(map) || !map->ops->write) return helper_error(PST_EOPNOTSUPP);
    return helper_result(map->ops->write(map, NULL, HELPER_POINTER(const void *, r2), r3));
}

HELPER(map_pop_elem)
{
    pst_map *map = core_map_of_register(r1);
    if (map->view.flags & (PST_F_RDONLY_PROG | PST_F_WRONLY_PROG)) return helper_error(PST_EPERM);
    if (!is_keyless(map) || !map->ops->take) return helper_error(PST_EOPNOTSUPP);
    return finish_get(map, map->ops->take(map, NULL, HELPER_POINTER(void *, r2)), HELPER_POINTER(void *, r2));
}

HELPER(map_peek_elem)
{
    pst_map *map = core_map_of_register(r1);
    if (map->view.flags & PST_F_WRONLY_PROG) return helper_error(PST_EPERM);
    if (!is_keyless(map) || !map->ops->read) return helper_error(PST_EOPNOTSUPP);
    return finish_get(map, map->ops->read(map, NULL, HELPER_POINTER(void *, r2)), HELPER_POINTER(void *, r2));
}

static const helper_row g_rows[] = {
    {1, map_lookup_elem},
    {2, map_update_elem},
    {3, map_delete_elem},
    {12, NULL}, // tail_call: engines do it themselves
    {87, map_push_elem},
    {88, map_pop_elem},
    {89, map_peek_elem},
    {195, map_lookup_percpu_elem},
};
const helper_table helper_map_table = {g_rows, PST_COUNT(g_rows)};
