// map.c: bpf_map__*: a map's definition before load, its contents after.
#include "api/api.h"
#include "pal/pal.h"

// Most set_* only make sense before the map exists.
static bool is_created(const struct bpf_map *map)
{
    return map->fd >= 0;
}

const char *bpf_map__name(const struct bpf_map *map)
{
    return map ? map->def->name : NULL;
}

int bpf_map__fd(const struct bpf_map *map)
{
    if (!map) return api_err(-EINVAL);
    return map->fd < 0 ? api_err(-ENOENT) : map->fd;
}

bool bpf_map__is_internal(const struct bpf_map *map)
{
    return map->def->origin != PST_MAP_FROM_BTF && map->def->origin != PST_MAP_FROM_LEGACY;
}

enum bpf_map_type bpf_map__type(const struct bpf_map *map)
{
    return (enum bpf_map_type)map->def->type;
}

__u32 bpf_map__max_entries(const struct bpf_map *map)
{
    return map->def->max_entries;
}

__u32 bpf_map__map_flags(const struct bpf_map *map)
{
    return map->def->flags;
}

__u32 bpf_map__numa_node(const struct bpf_map *map)
{
    return map->numa_node;
}

__u32 bpf_map__key_size(const struct bpf_map *map)
{
    return map->def->key_size;
}

__u32 bpf_map__value_size(const struct bpf_map *map)
{
    return map->def->value_size;
}

__u32 bpf_map__btf_key_type_id(const struct bpf_map *map)
{
    return map->def->btf_key_type;
}

__u32 bpf_map__btf_value_type_id(const struct bpf_map *map)
{
    return map->def->btf_value_type;
}

__u32 bpf_map__ifindex(const struct bpf_map *map)
{
    return map->ifindex;
}

__u64 bpf_map__map_extra(const struct bpf_map *map)
{
    return map->def->map_extra;
}

bool bpf_map__autocreate(const struct bpf_map *map)
{
    return map->autocreate;
}

static int set_u32(struct bpf_map *map, uint32_t *field, uint32_t value)
{
    if (is_created(map)) return api_err(-EBUSY);
    *field = value;
    return 0;
}

int bpf_map__set_type(struct bpf_map *map, enum bpf_map_type type)
{
    return set_u32(map, &map->def->type, (uint32_t)type);
}

int bpf_map__set_max_entries(struct bpf_map *map, __u32 max_entries)
{
    return set_u32(map, &map->def->max_entries, max_entries);
}

int bpf_map__resize(struct bpf_map *map, __u32 max_entries)
{
    if (!map || !max_entries) return api_err(-EINVAL);
    return bpf_map__set_max_entries(map, max_entries);
}

int bpf_map__set_map_flags(struct bpf_map *map, __u32 flags)
{
    return set_u32(map, &map->def->flags, flags);
}

int bpf_map__set_numa_node(struct bpf_map *map, __u32 numa_node)
{
    return set_u32(map, &map->numa_node, numa_node);
}

int bpf_map__set_ifindex(struct bpf_map *map, __u32 ifindex)
{
    return set_u32(map, &map->ifindex, ifindex);
}

int bpf_map__set_key_size(struct bpf_map *map, __u32 size)
{
    return set_u32(map, &map->def->key_size, size);
}

int bpf_map__set_value_size(struct bpf_map *map, __u32 size)
{
    // The bytes of a data map are laid out by the object's BTF; growing its last array is not done here.
    if (map->def->initial && size != map->def->value_size)
        return api_fail(EOPNOTSUPP, "map %s: the size of a data section cannot be changed", map->def->name);
    return set_u32(map, &map->def->value_size, size);
}

int bpf_map__set_map_extra(struct bpf_map *map, __u64 map_extra)
{
    if (is_created(map)) return api_err(-EBUSY);
    map->def->map_extra = map_extra;
    return 0;
}

int bpf_map__set_autocreate(struct bpf_map *map, bool autocreate)
{
    if (map->object->loaded) return api_err(-EBUSY);
    map->autocreate = autocreate;
    return 0;
}

int bpf_map__set_initial_value(struct bpf_map *map, const void *data, size_t size)
{
    if (is_created(map)) return api_err(-EBUSY);
    if (!map->def->initial || size != map->def->value_size) return api_err(-EINVAL);
    memcpy(map->def->initial, data, size);
    return 0;
}

void *bpf_map__initial_value(const struct bpf_map *map, size_t *psize)
{
    if (!map->def->initial) return NULL;
    if (psize) *psize = map->def->value_size;
    if (!is_created(map)) return map->def->initial;
    size_t live_size;
    const api_door *door = api_door_get();
    void *live = door ? door->map_memory(map->fd, &live_size) : NULL;
    return live ? live : map->def->initial;
}

struct bpf_map *bpf_map__inner_map(struct bpf_map *map)
{
    if (map->def->type != PST_MAP_ARRAY_OF_MAPS && map->def->type != PST_MAP_HASH_OF_MAPS) return api_err_ptr(-EINVAL);
    return map->def->inner < 0 ? NULL : &map->object->maps[map->def->inner];
}

// fd's own copy, so that the caller may close his.
static int dup_fd(int fd)
{
    const api_door *door = api_door_get();
    if (!door) return -errno;
    int64_t copy = door->dup(fd);
    return copy < 0 ? api_err(-api_errno((int)-copy)) : (int)copy;
}

int bpf_map__set_inner_map_fd(struct bpf_map *map, int fd)
{
    if (is_created(map)) return api_err(-EBUSY);
    if (map->def->type != PST_MAP_ARRAY_OF_MAPS && map->def->type != PST_MAP_HASH_OF_MAPS) return api_err(-EINVAL);
    if (map->inner_fd >= 0) return api_fail(EINVAL, "map %s: an inner map is set already", map->def->name);
    int copy = dup_fd(fd);
    if (copy < 0) return copy;
    map->inner_fd = copy;
    return 0;
}

int bpf_map__reuse_fd(struct bpf_map *map, int fd)
{
    pst_bpf_map_info info = {0};
    uint32_t size = sizeof info;
    int err = bpf_obj_get_info_by_fd(fd, &info, &size);
    if (err) return err;
    int copy = dup_fd(fd);
    if (copy < 0) return copy;
    api_close(&map->fd);
    map->fd = copy;
    map->reused = true;
    map->def->type = info.type;
    map->def->key_size = info.key_size;
    map->def->value_size = info.value_size;
    map->def->max_entries = info.max_entries;
    map->def->flags = info.map_flags;
    map->def->map_extra = info.map_extra;
    return 0;
}

// --- Elements -------------------------------------------------------------------------------------------------------

static bool is_percpu(uint32_t type)
{
    return type == PST_MAP_PERCPU_HASH || type == PST_MAP_PERCPU_ARRAY || type == PST_MAP_LRU_PERCPU_HASH ||
           type == PST_MAP_PERCPU_CGROUP_STORAGE;
}

static int check_sizes(const struct bpf_map *map, size_t key_sz, bool has_value, size_t value_sz)
{
    if (!is_created(map)) return api_fail(ENOENT, "map %s: the object is not loaded", map->def->name);
    if (key_sz != map->def->key_size)
        return api_fail(EINVAL, "map %s: a key has %u bytes, not %zu", map->def->name, map->def->key_size, key_sz);
    if (!has_value) return 0;
    size_t expect = map->def->value_size;
    if (is_percpu(map->def->type)) expect = ((expect + 7) & ~(size_t)7) * pst_pal_cpu_count();
    if (value_sz != expect) return api_fail(EINVAL, "map %s: a value has %zu bytes, not %zu", map->def->name, expect, value_sz);
    return 0;
}

int bpf_map__lookup_elem(const struct bpf_map *map, const void *key, size_t key_sz, void *value, size_t value_sz, __u64 flags)
{
    int err = check_sizes(map, key_sz, true, value_sz);
    return err ? err : bpf_map_lookup_elem_flags(map->fd, key, value, flags);
}

int bpf_map__update_elem(const struct bpf_map *map, const void *key, size_t key_sz, const void *value, size_t value_sz, __u64 flags)
{
    int err = check_sizes(map, key_sz, true, value_sz);
    return err ? err : bpf_map_update_elem(map->fd, key, value, flags);
}

int bpf_map__delete_elem(const struct bpf_map *map, const void *key, size_t key_sz, __u64 flags)
{
    int err = check_sizes(map, key_sz, false, 0);
    return err ? err : bpf_map_delete_elem_flags(map->fd, key, flags);
}

int bpf_map__lookup_and_delete_elem(const struct bpf_map *map, const void *key, size_t key_sz, void *value, size_t value_sz, __u64 flags)
{
    int err = check_sizes(map, key_sz, true, value_sz);
    return err ? err : bpf_map_lookup_and_delete_elem_flags(map->fd, key, value, flags);
}

int bpf_map__get_next_key(const struct bpf_map *map, const void *cur_key, void *next_key, size_t key_sz)
{
    int err = check_sizes(map, key_sz, false, 0);
    return err ? err : bpf_map_get_next_key(map->fd, cur_key, next_key);
}
