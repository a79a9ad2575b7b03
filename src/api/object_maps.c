// object_maps.c: creates an object's maps: pins are reused, templates made for maps of maps, data sections filled and frozen,
// initial slots set. Called by object_load.c, which unwinds what is there when one fails.
#include "api/api.h"
#include "pal/pal.h"

// A map without this flag cannot be shown to the program that holds a skeleton.
static uint32_t creation_flags(const struct bpf_map *map)
{
    return map->def->flags | (map->def->initial ? PST_F_MMAPABLE : 0u);
}

// Some types take their size from the host when the object leaves it open or asks for too little.
static uint32_t creation_entries(const pst_object_map *def)
{
    if (def->type == PST_MAP_PERF_EVENT_ARRAY && !def->max_entries) return pst_pal_cpu_count();
    if (def->type != PST_MAP_RINGBUF && def->type != PST_MAP_USER_RINGBUF) return def->max_entries;
    uint64_t size = pst_pal_ring_granularity();
    while (size < def->max_entries && size < UINT32_MAX / 2) size *= 2;
    return (uint32_t)size;
}

static int create_bare(struct bpf_map *map, int inner_fd, int btf_fd)
{
    const pst_object_map *def = map->def;
    struct bpf_map_create_opts opts = {.sz = sizeof opts,
                                       .map_flags = creation_flags(map),
                                       .map_extra = def->map_extra,
                                       .numa_node = map->numa_node,
                                       .map_ifindex = map->ifindex,
                                       .inner_map_fd = inner_fd < 0 ? 0 : (uint32_t)inner_fd};
    if (btf_fd >= 0 && (def->btf_key_type || def->btf_value_type)) {
        opts.btf_fd = (uint32_t)btf_fd;
        opts.btf_key_type_id = def->btf_key_type;
        opts.btf_value_type_id = def->btf_value_type;
    }
    return bpf_map_create((enum bpf_map_type)def->type, def->name, def->key_size, def->value_size, def->max_entries, &opts);
}

// With types first, then without: types only help those who look at the map later.
static int create_map(struct bpf_map *map, int inner_fd)
{
    map->def->max_entries = creation_entries(map->def);
    int fd = create_bare(map, inner_fd, map->object->btf_fd);
    if (fd < 0 && map->object->btf_fd >= 0) fd = create_bare(map, inner_fd, -1);
    if (fd >= 0) return fd;
    const pst_object_map *def = map->def;
    const char *type = libbpf_bpf_map_type_str((enum bpf_map_type)def->type);
    return api_fail(-fd, "%s: map %s (%s, key %u, value %u, entries %u) cannot be created: %s", map->object->object->file, def->name,
                    type ? type : "unknown type", def->key_size, def->value_size, def->max_entries, api_why(fd));
}

static bool is_map_of_maps(const struct bpf_map *map)
{
    return map->def->type == PST_MAP_ARRAY_OF_MAPS || map->def->type == PST_MAP_HASH_OF_MAPS;
}

static int create_with_inner(struct bpf_map *map)
{
    if (!is_map_of_maps(map)) return create_map(map, -1);
    if (map->inner_fd >= 0) return create_map(map, map->inner_fd);
    if (map->def->inner < 0)
        return api_fail(EINVAL, "%s: map %s: nothing says what its inner maps are like; declare one in the object or call bpf_map__set_inner_map_fd",
                        map->object->object->file, map->def->name);
    // The template lives as long as it takes to create the outer map.
    int inner = create_map(&map->object->maps[map->def->inner], -1);
    if (inner < 0) return inner;
    int fd = create_map(map, inner);
    api_close(&inner);
    return fd;
}

// The core may add flags of its own to what it reports; those that decide what programs and user space may do must agree.
static bool pin_fits(const struct bpf_map *map, int fd)
{
    pst_bpf_map_info info = {0};
    uint32_t size = sizeof info;
    const pst_object_map *def = map->def;
    if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0) return false;
    return info.type == def->type && info.key_size == def->key_size && info.value_size == def->value_size &&
           info.max_entries == creation_entries(def) && info.map_flags == creation_flags(map);
}

// 1: the map is the pinned one now, 0: nothing is pinned there.
static int reuse_pin(struct bpf_map *map)
{
    if (!map->pin_path) return 0;
    int fd = bpf_obj_get(map->pin_path);
    if (fd == -ENOENT) return 0;
    if (fd < 0) return api_fail(-fd, "map %s: the pin %s cannot be opened: %s", map->def->name, map->pin_path, api_why(fd));
    if (!pin_fits(map, fd)) {
        api_close(&fd);
        return api_fail(EINVAL, "map %s: the map pinned at %s has another type, size or flags; unpin it or change the pin path", map->def->name,
                        map->pin_path);
    }
    map->fd = fd;
    map->reused = map->pinned = true;
    return 1;
}

static int fill_data(struct bpf_map *map)
{
    const pst_object_map *def = map->def;
    uint32_t zero = 0;
    if (!def->initial) return 0;
    int err = bpf_map_update_elem(map->fd, &zero, def->initial, 0);
    if (err) return api_fail(-err, "map %s: the initial data cannot be written: %s", def->name, api_why(err));
    if (def->origin != PST_MAP_FROM_RODATA && def->origin != PST_MAP_FROM_KCONFIG) return 0;
    err = bpf_map_freeze(map->fd);
    return err ? api_fail(-err, "map %s: read-only data cannot be frozen: %s", def->name, api_why(err)) : 0;
}

static int create_one(struct bpf_map *map)
{
    if (map->fd >= 0) return 0; // bpf_map__reuse_fd
    int reused = reuse_pin(map);
    if (reused) return reused < 0 ? reused : 0;
    int fd = create_with_inner(map);
    if (fd < 0) return fd;
    map->fd = fd;
    int err = fill_data(map);
    return err || !map->pin_path ? err : bpf_map__pin(map, NULL);
}

int api_maps_create(struct bpf_object *obj)
{
    for (uint32_t i = 0; i < obj->object->map_count; i++) {
        struct bpf_map *map = &obj->maps[i];
        if (map->def->is_inner_template || !map->autocreate) continue;
        int err = create_one(map);
        if (err) return err;
    }
    return 0;
}

static int fill_slot(struct bpf_map *map, const pst_map_slot_init *slot)
{
    struct bpf_object *obj = map->object;
    bool programs = map->def->type == PST_MAP_PROG_ARRAY;
    int fd = programs ? obj->programs[slot->index].fd : obj->maps[slot->index].fd;
    const char *name = programs ? obj->programs[slot->index].def->name : obj->maps[slot->index].def->name;
    // A program that is not loaded leaves its slot empty.
    if (fd < 0 && programs) return 0;
    int err = fd < 0 ? -ENOENT : bpf_map_update_elem(map->fd, &slot->slot, &fd, 0);
    return err ? api_fail(-err, "map %s: slot %u cannot be set to %s: %s", map->def->name, slot->slot, name, api_why(err)) : 0;
}

int api_maps_fill_slots(struct bpf_object *obj)
{
    for (uint32_t i = 0; i < obj->object->map_count; i++) {
        struct bpf_map *map = &obj->maps[i];
        if (map->fd < 0 || map->reused) continue;
        for (uint32_t s = 0; s < map->def->slot_count; s++) {
            int err = fill_slot(map, &map->def->slots[s]);
            if (err) return err;
        }
    }
    return 0;
}
