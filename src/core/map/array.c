// array.c: BPF_MAP_TYPE_ARRAY and BPF_MAP_TYPE_PERCPU_ARRAY.
//
// Every key below max_entries exists from the start and can only be overwritten. An array's values lie in one block, value_stride apart, so
// engines address them directly (global data is an array of one value). Per-CPU values lie CPU by CPU, each CPU's part on
// cache lines of its own.
#include "core/map/array.h"

#include "core/internal.h"
#include "core/map/fields.h"

#define CACHE_LINE 64u

typedef struct array_map {
    pst_map map; // first
    uint8_t *values;
    size_t bytes;
    size_t cpu_stride; // from one CPU's values to the next one's
    bool shared;       // values are pages that another process may map through share
    intptr_t share;
} array_map;

#define ARRAY_FLAGS (PST_F_NUMA_NODE | PST_F_MMAPABLE | MAP_ACCESS_FLAGS | PST_F_PRESERVE_ELEMS | PST_F_INNER_MAP)

int map_array_check(const pst_bpf_attr *attr, const char **why)
{
    uint32_t type = attr->map_type, flags = attr->map_flags;
    *why = "an array has keys of 4 bytes, values of at least 1 byte, and at least 1 entry";
    if (attr->max_entries == 0 || attr->key_size != 4 || attr->value_size == 0) return -PST_EINVAL;
    *why = "map_flags has a flag that arrays do not take, or both of BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG";
    if ((flags & ~(uint32_t)ARRAY_FLAGS) || !map_access_ok(flags)) return -PST_EINVAL;
    if (type == PST_MAP_PERCPU_ARRAY && (flags & PST_F_NUMA_NODE)) return -PST_EINVAL;
    *why = "BPF_F_MMAPABLE and BPF_F_INNER_MAP are for plain arrays, BPF_F_PRESERVE_ELEMS for perf event arrays";
    if (type != PST_MAP_ARRAY && (flags & (PST_F_MMAPABLE | PST_F_INNER_MAP))) return -PST_EINVAL;
    if (type != PST_MAP_PERF_EVENT_ARRAY && (flags & PST_F_PRESERVE_ELEMS)) return -PST_EINVAL;
    *why = "value_size is too large (arrays: 2 GiB, per-CPU arrays: 32 KiB)";
    if (attr->value_size > INT32_MAX) return -PST_E2BIG;
    if (type == PST_MAP_PERCPU_ARRAY && pst_align_up(attr->value_size, 8) > MAP_PERCPU_VALUE_MAX) return -PST_E2BIG;
    return 0;
}

int map_fd_array_check(const pst_bpf_attr *attr, const char **why)
{
    *why = "a map of descriptors has values of 4 bytes and takes neither BPF_F_RDONLY_PROG nor BPF_F_WRONLY_PROG";
    if (attr->value_size != 4) return -PST_EINVAL;
    if (attr->map_flags & (PST_F_RDONLY_PROG | PST_F_WRONLY_PROG)) return -PST_EINVAL;
    return map_array_check(attr, why);
}

int map_array_next_key(pst_map *map, const void *key, void *next)
{
    uint32_t index = key ? map_array_index(key) : UINT32_MAX;
    if (index >= map->view.max_entries) {
        pst_store32(next, 0);
        return 0;
    }
    if (index == map->view.max_entries - 1) return -PST_ENOENT;
    pst_store32(next, index + 1);
    return 0;
}

static int array_create(pst_map *map)
{
    array_map *array = (array_map *)(void *)map;
    bool percpu = map->view.type == PST_MAP_PERCPU_ARRAY;
    size_t bytes;
    map->value_bytes = (uint32_t)pst_align_up(map->view.value_size, 8);
    map->cpus = percpu ? pst_pal_cpu_count() : 1;
    if (PST_MUL_OVERFLOW((size_t)map->value_bytes, (size_t)map->view.max_entries, &bytes)) return -PST_ENOMEM;
    if (bytes > PTRDIFF_MAX - CACHE_LINE) return -PST_ENOMEM;
    if (percpu) bytes = (size_t)pst_align_up(bytes, CACHE_LINE);
    array->cpu_stride = bytes;
    if (PST_MUL_OVERFLOW(bytes, (size_t)map->cpus, &bytes) || bytes > PTRDIFF_MAX) return -PST_ENOMEM;
    if (map->view.flags & PST_F_MMAPABLE) bytes = (size_t)pst_align_up(bytes, 65536); // whole pages, on Windows too
    array->bytes = bytes;
    // Nobody writes over locks and timers from outside: such a map is not mapped, as on Linux.
    array->shared = (map->view.flags & PST_F_MMAPABLE) && map->object.core->options.share_memory && map->view.record_count == 0;
    array->values = array->shared ? pst_pal_shared_alloc(bytes, &array->share) : core_area_alloc(core_map_env(map), bytes);
    if (!array->values) return -PST_ENOMEM;
    if (!percpu) {
        map->view.values = array->values;
        map->view.value_stride = map->value_bytes;
    }
    return 0;
}

static void array_release_users(pst_map *map)
{
    array_map *array = (array_map *)(void *)map;
    for (uint32_t i = 0; map->has_timer && i < map->view.max_entries; i++) core_fields_release(map, array->values + (size_t)i * map->value_bytes);
}

static void array_destroy(pst_map *map)
{
    array_map *array = (array_map *)(void *)map;
    array_release_users(map);
    if (!array->shared) {
        core_area_free(core_map_env(map), array->values, array->bytes);
        return;
    }
    pst_pal_pages_free(array->values, array->bytes);
    pst_pal_share_close(array->share);
}

intptr_t core_array_share(const pst_map *map, size_t *bytes)
{
    const array_map *array = (const array_map *)(const void *)map;
    *bytes = array->bytes;
    return map->view.type == PST_MAP_ARRAY && array->shared ? array->share : -1;
}

static void *array_at(pst_map *map, uint32_t index, uint32_t cpu)
{
    array_map *array = (array_map *)(void *)map;
    return array->values + cpu * array->cpu_stride + (size_t)index * map->value_bytes;
}

static void *array_lookup(pst_map *map, const void *key)
{
    uint32_t index = map_array_index(key);
    if (PST_UNLIKELY(index >= map->view.max_entries)) return NULL;
    return map->view.values + (size_t)index * map->value_bytes;
}

static void *percpu_array_lookup(pst_map *map, const void *key)
{
    uint32_t index = map_array_index(key);
    if (PST_UNLIKELY(index >= map->view.max_entries)) return NULL;
    return array_at(map, index, pst_pal_cpu_id());
}

static uint64_t array_walk(pst_map *map, map_visit visit, void *user)
{
    uint32_t index = 0, cpu = map->cpus > 1 ? pst_pal_cpu_id() : 0;
    for (bool more = true; more && index < map->view.max_entries; index++) {
        uint32_t key = index; // the visitor's: what it does to it counts nothing
        more = visit(user, &key, array_at(map, index, cpu));
    }
    return index;
}

static void *array_lookup_cpu(pst_map *map, const void *key, uint32_t cpu)
{
    uint32_t index = map_array_index(key);
    if (index >= map->view.max_entries || cpu >= map->cpus) return NULL;
    return array_at(map, index, cpu);
}

// The checks that precede every update, in Linux's order.
static int array_update_check(const pst_map *map, uint32_t index, uint64_t flags)
{
    if ((flags & ~(uint64_t)PST_BPF_F_LOCK) > PST_BPF_EXIST) return -PST_EINVAL;
    if (index >= map->view.max_entries) return -PST_E2BIG;
    if (flags & PST_BPF_NOEXIST) return -PST_EEXIST;
    return (flags & PST_BPF_F_LOCK) && !map->has_lock ? -PST_EINVAL : 0;
}

static int array_update(pst_map *map, const void *key, const void *value, uint64_t flags)
{
    uint32_t index = map_array_index(key);
    int error = array_update_check(map, index, flags);
    if (error) return error;
    if (flags & PST_BPF_F_LOCK) core_fields_store_locked(map, array_at(map, index, 0), value);
    else core_map_store(map, array_at(map, index, 0), value, map->view.value_size);
    core_fields_release(map, array_at(map, index, 0));
    return 0;
}

static int percpu_array_update(pst_map *map, const void *key, const void *value, uint64_t flags)
{
    uint32_t index = map_array_index(key);
    int error = array_update_check(map, index, flags);
    if (error) return error;
    core_map_store(map, array_at(map, index, pst_pal_cpu_id()), value, map->view.value_size);
    return 0;
}

static int array_remove(pst_map *map, const void *key)
{
    return -PST_EINVAL;
}

static int array_read(pst_map *map, const void *key, void *value)
{
    uint32_t index = map_array_index(key);
    if (index >= map->view.max_entries) return -PST_ENOENT;
    core_map_load(map, value, array_at(map, index, 0), map->view.value_size);
    return 0;
}

static int array_read_locked(pst_map *map, const void *key, void *value)
{
    uint32_t index = map_array_index(key);
    if (index >= map->view.max_entries) return -PST_ENOENT;
    core_fields_load_locked(map, value, array_at(map, index, 0));
    return 0;
}

static int percpu_array_read(pst_map *map, const void *key, void *value)
{
    uint32_t index = map_array_index(key);
    if (index >= map->view.max_entries) return -PST_ENOENT;
    for (uint32_t cpu = 0; cpu < map->cpus; cpu++)
        core_map_load(map, (uint8_t *)value + (size_t)cpu * map->value_bytes, array_at(map, index, cpu), map->value_bytes);
    return 0;
}

static int percpu_array_write(pst_map *map, const void *key, const void *value, uint64_t flags)
{
    uint32_t index = map_array_index(key);
    if (flags > PST_BPF_EXIST) return -PST_EINVAL;
    int error = array_update_check(map, index, flags);
    if (error) return error;
    for (uint32_t cpu = 0; cpu < map->cpus; cpu++)
        core_map_store(map, array_at(map, index, cpu), (const uint8_t *)value + (size_t)cpu * map->value_bytes, map->value_bytes);
    return 0;
}

const map_ops map_array_ops = {
    .object_size = sizeof(array_map),
    .check = map_array_check,
    .create = array_create,
    .destroy = array_destroy,
    .release_users = array_release_users,
    .lookup = array_lookup,
    .walk = array_walk,
    .update = array_update,
    .remove = array_remove,
    .read = array_read,
    .read_locked = array_read_locked,
    .write = array_update,
    .next_key = map_array_next_key,
    .batch = true,
    .may_be_inner = true,
    .inner_same_length = true,
};

const map_ops map_percpu_array_ops = {
    .object_size = sizeof(array_map),
    .check = map_array_check,
    .create = array_create,
    .destroy = array_destroy,
    .lookup = percpu_array_lookup,
    .walk = array_walk,
    .update = percpu_array_update,
    .remove = array_remove,
    .read = percpu_array_read,
    .write = percpu_array_write,
    .next_key = map_array_next_key,
    .lookup_cpu = array_lookup_cpu,
    .batch = true,
    .may_be_inner = true,
};
