// devmap.c: what an xdp program redirects into: BPF_MAP_TYPE_DEVMAP, DEVMAP_HASH, CPUMAP and XSKMAP.
//
// An entry of a devmap is an interface's index, an entry of a cpumap the length of a queue, each in the first 4 bytes of its value; 0 there is no entry.
// Semantics are Linux's (kernel/bpf/devmap.c, cpumap.c, net/xdp/xskmap.c) but for these: whether an interface exists is found out by who sends the frame, not by
// the update; entries have no programs of their own; a frame that is sent to a CPU passes, as it would there; an xskmap stays empty, since
// there are no AF_XDP sockets here.
#include "core/map/devmap.h"

#include "core/internal.h"
#include "core/map/array.h"
#include "core/map/hash_table.h"
#include "core/map/values.h"

#define QUEUE_MAX 16384u

typedef struct target_map {
    pst_map map; // first
    uint64_t *values;
} target_map;

static uint64_t *slot_at(const pst_map *map, uint32_t index)
{
    return &((const target_map *)(const void *)map)->values[index];
}

static int target_check(const pst_bpf_attr *attr, const char **why)
{
    bool cpus = attr->map_type == PST_MAP_CPUMAP, sockets = attr->map_type == PST_MAP_XSKMAP;
    uint32_t flags = cpus ? PST_F_NUMA_NODE : PST_F_NUMA_NODE | PST_F_RDONLY | PST_F_WRONLY;
    *why = "such a map has keys of 4 bytes, values of 4 (or 8, but for xskmap), and at least 1 entry";
    if (attr->max_entries == 0 || attr->key_size != 4) return -PST_EINVAL;
    if (attr->value_size != 4 && (attr->value_size != 8 || sockets)) return -PST_EINVAL;
    *why = "map_flags has a flag that such maps do not take";
    if (attr->map_flags & ~flags) return -PST_EINVAL;
    *why = "max_entries is above the number of CPUs that there can be";
    if (cpus && attr->max_entries > PST_CPUS_MAX) return -PST_E2BIG;
    *why = "max_entries is above 2^31";
    return attr->map_type == PST_MAP_DEVMAP_HASH && attr->max_entries > 1u << 31 ? -PST_EINVAL : 0;
}

static size_t target_bytes(const pst_map *map)
{
    return (size_t)map->view.max_entries * sizeof(uint64_t);
}

static int target_create(pst_map *map)
{
    map->value_bytes = 8;
    map->cpus = 1;
    if (map->view.type == PST_MAP_DEVMAP) map->view.flags |= PST_F_RDONLY_PROG; // a lookup leads to the entry itself
    ((target_map *)(void *)map)->values = core_area_alloc(core_map_env(map), target_bytes(map));
    return ((target_map *)(void *)map)->values ? 0 : -PST_ENOMEM;
}

static void target_destroy(pst_map *map)
{
    core_area_free(core_map_env(map), ((target_map *)(void *)map)->values, target_bytes(map));
}

static void *target_lookup(pst_map *map, const void *key)
{
    uint32_t index = map_array_index(key);
    if (index >= map->view.max_entries) return NULL;
    uint64_t *slot = slot_at(map, index);
    return (uint32_t)PST_ATOMIC_LOAD_RELAXED(slot) != 0 ? slot : NULL;
}

static int target_read(pst_map *map, const void *key, void *value)
{
    uint64_t *slot = target_lookup(map, key), found = slot ? PST_ATOMIC_LOAD_RELAXED(slot) : 0;
    if ((uint32_t)found == 0) return -PST_ENOENT;
    memcpy(value, &found, map->view.value_size);
    return 0;
}

static int target_remove(pst_map *map, const void *key)
{
    uint32_t index = map_array_index(key);
    if (index >= map->view.max_entries) return -PST_EINVAL;
    PST_ATOMIC_STORE(slot_at(map, index), (uint64_t)0);
    return 0;
}

// The program behind an entry: a descriptor above 0, or none.
static bool wants_program(const pst_map *map, const void *value)
{
    return map->view.value_size == 8 && (int32_t)pst_load32((const uint8_t *)value + 4) > 0;
}

static int cpu_check(const pst_map *map, uint32_t index, const void *value)
{
    if (pst_load32(value) > QUEUE_MAX) return -PST_EOVERFLOW;
    if (index >= pst_pal_cpu_count()) return -PST_ENODEV;
    return pst_load32(value) != 0 && wants_program(map, value) ? -PST_EOPNOTSUPP : 0;
}

static int dev_check(const pst_map *map, const void *value)
{
    if (!wants_program(map, value)) return 0;
    return pst_load32(value) == 0 ? -PST_EINVAL : -PST_EOPNOTSUPP;
}

static int target_write(pst_map *map, const void *key, const void *value, uint64_t flags)
{
    uint32_t index = map_array_index(key);
    if (flags > PST_BPF_EXIST) return -PST_EINVAL;
    if (index >= map->view.max_entries) return -PST_E2BIG;
    if (map->view.type == PST_MAP_XSKMAP) return -PST_EOPNOTSUPP;
    if (flags == PST_BPF_NOEXIST) return -PST_EEXIST;
    int error = map->view.type == PST_MAP_CPUMAP ? cpu_check(map, index, value) : dev_check(map, value);
    if (error) return error;
    PST_ATOMIC_STORE(slot_at(map, index), (uint64_t)pst_load32(value));
    return 0;
}

// --- devmap_hash ------------------------------------------------------------------------------------------------

static int dev_hash_create(pst_map *map)
{
    int error = hash_create(map);
    if (!error) map->view.flags |= PST_F_RDONLY_PROG;
    return error;
}

static int dev_hash_write(pst_map *map, const void *key, const void *value, uint64_t flags)
{
    uint64_t entry = pst_load32(value);
    if (flags > PST_BPF_EXIST || entry == 0) return -PST_EINVAL;
    int error = dev_check(map, value);
    return error ? error : map_hash_ops.write(map, key, &entry, flags == PST_BPF_EXIST ? PST_BPF_ANY : flags);
}

static void *dev_hash_lookup(pst_map *map, const void *key)
{
    return map_hash_ops.lookup(map, key);
}

static int dev_hash_read(pst_map *map, const void *key, void *value)
{
    return map_hash_ops.read(map, key, value);
}

// --- For redirect_map -------------------------------------------------------------------------------------------

uint32_t core_redirect_target(pst_map *map, uint32_t key)
{
    const void *value = map->ops->lookup ? map->ops->lookup(map, &key) : NULL;
    return value ? PST_ATOMIC_LOAD_RELAXED((const uint32_t *)value) : 0;
}

const map_ops map_devmap_ops = {
    .object_size = sizeof(target_map),
    .check = target_check,
    .create = target_create,
    .destroy = target_destroy,
    .lookup = target_lookup,
    .read = target_read,
    .write = target_write,
    .remove = target_remove,
    .next_key = map_array_next_key,
    .may_be_inner = true,
};

const map_ops map_xskmap_ops = {
    .object_size = sizeof(target_map),
    .check = target_check,
    .create = target_create,
    .destroy = target_destroy,
    .write = target_write,
    .remove = target_remove,
    .next_key = map_array_next_key,
    .may_be_inner = true,
};

const map_ops map_devmap_hash_ops = {
    .object_size = sizeof(hash_map),
    .check = target_check,
    .create = dev_hash_create,
    .destroy = hash_destroy,
    .lookup = dev_hash_lookup,
    .read = dev_hash_read,
    .write = dev_hash_write,
    .remove = hash_remove,
    .next_key = hash_next_key,
    .may_be_inner = true,
};
