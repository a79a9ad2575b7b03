// array.h: what the maps indexed by a number share: rules of creation, walking the keys.
#ifndef PST_CORE_MAP_ARRAY_H
#define PST_CORE_MAP_ARRAY_H

#include "base/bits.h"
#include "core/map/map.h"

/// Linux's array_map_alloc_check.
int map_array_check(const pst_bpf_attr *attr, const char **why);
/// The same for arrays of descriptors (fd_array_map_alloc_check).
int map_fd_array_check(const pst_bpf_attr *attr, const char **why);
/// Keys in ascending order; a key that is out of range starts again.
int map_array_next_key(pst_map *map, const void *key, void *next);

/// What another process needs to map the values of an array; -1: they are not shared.
intptr_t core_array_share(const pst_map *map, size_t *bytes);

PST_INLINE uint32_t map_array_index(const void *key)
{
    return pst_load32(key);
}

#endif
