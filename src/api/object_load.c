// object_load.c: bpf_object__load: types, relocation, maps, programs, initial slots; all of it or nothing.
#include "api/api.h"

static void load_btf(struct bpf_object *obj)
{
    if (!obj->object->btf_bytes) return;
    obj->btf_fd = bpf_btf_load(obj->object->btf_bytes, obj->object->btf_size, NULL);
    if (obj->btf_fd >= 0) return;
    // Types serve those who look; the programs run without.
    api_print(LIBBPF_DEBUG, "%s: the core did not take the object's types: %s\n", obj->object->file, api_why(obj->btf_fd));
    obj->btf_fd = -1;
}

static int load_programs(struct bpf_object *obj)
{
    for (uint32_t i = 0; i < obj->object->program_count; i++) {
        if (!obj->programs[i].def->autoload) continue;
        int err = api_program_load(&obj->programs[i]);
        if (err) return err;
    }
    return 0;
}

static int load_all(struct bpf_object *obj)
{
    int err = api_native_open(obj);
    if (err) return err;
    load_btf(obj);
    err = api_object_relocate(obj);
    if (!err) err = api_maps_create(obj);
    if (!err) err = load_programs(obj);
    if (!err) err = api_maps_fill_slots(obj);
    return err;
}

// Pins that this load made go too; pins that it found stay.
static void unwind(struct bpf_object *obj)
{
    for (uint32_t i = 0; i < obj->object->program_count; i++) bpf_program__unload(&obj->programs[i]);
    for (uint32_t i = 0; i < obj->object->map_count; i++) {
        struct bpf_map *map = &obj->maps[i];
        if (map->pinned && !map->reused) (void)bpf_map__unpin(map, NULL);
        api_close(&map->fd);
    }
    api_close(&obj->btf_fd);
}

int bpf_object__load(struct bpf_object *obj)
{
    if (!obj) return api_err(-EINVAL);
    if (obj->loaded) return api_fail(EINVAL, "%s: an object is loaded once; open it again", obj->object->file);
    if (!api_door_get()) return -errno;
    obj->loaded = true;
    int err = load_all(obj);
    if (!err) return 0;
    unwind(obj);
    return api_err(err);
}
