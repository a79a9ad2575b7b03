// object_pin.c: pins of maps, programs and whole objects, and what unpins them.
#include "api/api.h"
#include "base/format.h"

char *api_pin_path(const char *root, const char *name)
{
    size_t size = strlen(root) + strlen(name) + 2;
    char *path = size > API_PATH_MAX ? NULL : malloc(size);
    if (!path) return NULL;
    pst_format(path, size, "%s/%s", root, name);
    // A dot would make the pin invisible to Linux's file system of pins; libbpf writes '_' too.
    for (char *p = path + strlen(root) + 1; *p; p++)
        if (*p == '.') *p = '_';
    return path;
}

// OBJ_GET has no counterpart that removes: detaching a pin is the removal of its name.
static int unpin_path(const char *path)
{
    int err = api_unpin(path);
    return err ? api_fail(-err, "the pin %s cannot be removed: %s", path, api_why(err)) : 0;
}

// --- Maps -----------------------------------------------------------------------------------------------------------

int bpf_map__set_pin_path(struct bpf_map *map, const char *path)
{
    char *copy = NULL;
    if (path && !(copy = api_strdup(path))) return api_err(-ENOMEM);
    free(map->pin_path);
    map->pin_path = copy;
    return 0;
}

const char *bpf_map__pin_path(const struct bpf_map *map)
{
    return map->pin_path;
}

bool bpf_map__is_pinned(const struct bpf_map *map)
{
    return map->pinned;
}

int bpf_map__pin(struct bpf_map *map, const char *path)
{
    if (map->pinned) {
        if (path && strcmp(path, map->pin_path) != 0)
            return api_fail(EINVAL, "map %s: it is pinned already, at %s", map->def->name, map->pin_path);
        return map->reused ? 0 : api_err(-EEXIST);
    }
    if (!path && !map->pin_path) return api_fail(EINVAL, "map %s: no pin path is given or set", map->def->name);
    if (map->fd < 0) return api_fail(ENOENT, "map %s: the object is not loaded", map->def->name);
    if (path && (!map->pin_path || strcmp(path, map->pin_path) != 0)) {
        int err = bpf_map__set_pin_path(map, path);
        if (err) return err;
    }
    int err = bpf_obj_pin(map->fd, map->pin_path);
    if (err) return api_fail(-err, "map %s: cannot be pinned at %s: %s", map->def->name, map->pin_path, api_why(err));
    map->pinned = true;
    return 0;
}

int bpf_map__unpin(struct bpf_map *map, const char *path)
{
    const char *from = path ? path : map->pin_path;
    if (!from) return api_fail(EINVAL, "map %s: no pin path is given or set", map->def->name);
    int err = unpin_path(from);
    if (!err) map->pinned = false;
    return err;
}

// --- Programs -------------------------------------------------------------------------------------------------------

int bpf_program__pin(struct bpf_program *prog, const char *path)
{
    if (!path) return api_err(-EINVAL);
    if (prog->fd < 0) return api_fail(EINVAL, "program %s: it is not loaded", prog->def->name);
    int err = bpf_obj_pin(prog->fd, path);
    return err ? api_fail(-err, "program %s: cannot be pinned at %s: %s", prog->def->name, path, api_why(err)) : 0;
}

int bpf_program__unpin(struct bpf_program *prog, const char *path)
{
    if (!path || prog->fd < 0) return api_err(-EINVAL);
    return unpin_path(path);
}

// --- Objects --------------------------------------------------------------------------------------------------------

// The path of a map: under path if that is given, else its own; NULL: it has none.
static char *map_path(const struct bpf_map *map, const char *path)
{
    if (path) return api_pin_path(path, map->def->name);
    return map->pin_path ? api_strdup(map->pin_path) : NULL;
}

int bpf_object__pin_maps(struct bpf_object *obj, const char *path)
{
    int err = 0;
    struct bpf_map *map = NULL;
    while (!err && (map = bpf_object__next_map(obj, map))) {
        if (!map->autocreate || (!path && !map->pin_path)) continue;
        char *at = map_path(map, path);
        err = at ? bpf_map__pin(map, at) : api_err(-ENOMEM);
        free(at);
    }
    if (!err) return 0;
    while ((map = bpf_object__prev_map(obj, map)))
        if (map->pinned && !map->reused) (void)bpf_map__unpin(map, NULL);
    return api_err(err);
}

int bpf_object__unpin_maps(struct bpf_object *obj, const char *path)
{
    int err = 0;
    for (struct bpf_map *map = bpf_object__next_map(obj, NULL); map && !err; map = bpf_object__next_map(obj, map)) {
        if (!path && !map->pin_path) continue;
        char *at = map_path(map, path);
        err = at ? bpf_map__unpin(map, at) : api_err(-ENOMEM);
        free(at);
    }
    return err;
}

static int program_at(struct bpf_program *prog, const char *path, int (*act)(struct bpf_program *, const char *))
{
    char *at = api_pin_path(path, prog->def->name);
    int err = at ? act(prog, at) : api_err(-ENOMEM);
    free(at);
    return err;
}

int bpf_object__pin_programs(struct bpf_object *obj, const char *path)
{
    int err = 0;
    struct bpf_program *prog = NULL;
    while (!err && (prog = bpf_object__next_program(obj, prog)))
        if (prog->fd >= 0) err = program_at(prog, path, bpf_program__pin);
    if (!err) return 0;
    while ((prog = bpf_object__prev_program(obj, prog)))
        if (prog->fd >= 0) (void)program_at(prog, path, bpf_program__unpin);
    return api_err(err);
}

int bpf_object__unpin_programs(struct bpf_object *obj, const char *path)
{
    int err = 0;
    for (struct bpf_program *prog = bpf_object__next_program(obj, NULL); prog && !err; prog = bpf_object__next_program(obj, prog))
        if (prog->fd >= 0) err = program_at(prog, path, bpf_program__unpin);
    return err;
}

int bpf_object__pin(struct bpf_object *object, const char *path)
{
    int err = bpf_object__pin_maps(object, path);
    if (err) return err;
    err = bpf_object__pin_programs(object, path);
    if (err) (void)bpf_object__unpin_maps(object, path);
    return api_err(err);
}

int bpf_object__unpin(struct bpf_object *object, const char *path)
{
    int err = bpf_object__unpin_programs(object, path);
    return err ? err : bpf_object__unpin_maps(object, path);
}
