// object_open.c: bpf_object__open*, close, and what can be asked of an object.
#include "api/api.h"
#include "pal/pal.h"

static bool copy_text(char **to, const char *text)
{
    *to = text ? api_strdup(text) : NULL;
    return !text || *to;
}

static bool object_options(struct bpf_object *obj, const struct bpf_object_open_opts *o)
{
    obj->log_buf = o->kernel_log_buf;
    obj->log_size = o->kernel_log_size;
    obj->log_level = o->kernel_log_level;
    return copy_text(&obj->pin_root, o->pin_root_path ? o->pin_root_path : API_PIN_ROOT) && copy_text(&obj->kconfig, o->kconfig) &&
           copy_text(&obj->btf_path, o->btf_custom_path);
}

static bool init_maps(struct bpf_object *obj)
{
    obj->maps = calloc(obj->object->map_count + 1u, sizeof *obj->maps);
    for (uint32_t i = 0; obj->maps && i < obj->object->map_count; i++) {
        struct bpf_map *map = &obj->maps[i];
        *map = (struct bpf_map){.object = obj, .def = &obj->object->maps[i], .fd = -1, .inner_fd = -1, .autocreate = true};
        if (map->def->pin_path)
            map->pin_path = api_strdup(map->def->pin_path);
        else if (map->def->pinning == PST_PIN_BY_NAME)
            map->pin_path = api_pin_path(obj->pin_root, map->def->name);
        if (!map->pin_path && (map->def->pin_path || map->def->pinning == PST_PIN_BY_NAME)) return false;
    }
    return obj->maps != NULL;
}

static bool init_programs(struct bpf_object *obj)
{
    obj->programs = calloc(obj->object->program_count + 1u, sizeof *obj->programs);
    for (uint32_t i = 0; obj->programs && i < obj->object->program_count; i++) {
        pst_object_program *def = &obj->object->programs[i];
        uint32_t attach = def->attach_type == PST_ATTACH_NONE ? 0 : def->attach_type;
        obj->programs[i] = (struct bpf_program){.object = obj, .def = def, .fd = -1, .type = (enum bpf_prog_type)def->prog_type,
                                                .attach_type = (enum bpf_attach_type)attach, .autoattach = true,
                                                .flags = def->sleepable ? PST_F_SLEEPABLE : 0};
    }
    return obj->programs != NULL;
}

static void free_bytes(struct bpf_object *obj)
{
    pst_free(api_env(), obj->bytes, obj->bytes_size + 1);
    pst_native_free(obj->module);
}

static pst_status open_source(struct bpf_object *obj, const char *file, const struct bpf_object_open_opts *o)
{
    if (!api_object_source(obj->bytes, obj->bytes_size, &obj->source, &obj->source_size, &obj->module)) return PST_E_FORMAT;
    // A module has its object's name, whatever its file is called.
    const char *name = o->object_name ? o->object_name : obj->module ? obj->module->name : NULL;
    pst_object_options options = {.size = sizeof options, .file = file, .name = name};
    return pst_object_open(api_env(), obj->source, obj->source_size, &options, &obj->object);
}

// Takes bytes, size + 1 of pst_alloc's, in any case.
static struct bpf_object *open_bytes(uint8_t *bytes, size_t size, const char *file, const struct bpf_object_open_opts *o)
{
    struct bpf_object *obj = calloc(1, sizeof *obj);
    if (!obj) {
        pst_free(api_env(), bytes, size + 1);
        return api_fail_ptr(ENOMEM, "%s: no memory", file);
    }
    obj->btf_fd = -1;
    obj->bytes = bytes;
    obj->bytes_size = size;
    pst_status status = open_source(obj, file, o);
    if (status != PST_OK) {
        free_bytes(obj);
        free(obj);
        return api_err_ptr(-api_errno_of(status));
    }
    obj->kernel_version = obj->object->kernel_version;
    bool ready = object_options(obj, o) && init_maps(obj) && init_programs(obj);
    if (ready && obj->object->btf_bytes) {
        obj->btf = api_btf_new(obj->object->btf_bytes, obj->object->btf_size, file);
        ready = obj->btf != NULL;
    }
    if (ready) return obj;
    bpf_object__close(obj);
    return api_fail_ptr(ENOMEM, "%s: no memory", file);
}

struct bpf_object *bpf_object__open_file(const char *path, const struct bpf_object_open_opts *opts)
{
    struct bpf_object_open_opts o;
    if (!path || !api_opts_copy(&o, sizeof o, opts)) return api_fail_ptr(EINVAL, "bpf_object__open_file: no path, or sz of the options is wrong");
    uint8_t *bytes;
    size_t size;
    pst_status status = pst_pal_file_read(api_env(), path, PST_OBJECT_BYTES_MAX, &bytes, &size);
    if (status != PST_OK) return api_err_ptr(-api_errno_of(status));
    struct bpf_object *obj = open_bytes(bytes, size, path, &o);
    if (obj) obj->from_file = true;
    return obj;
}

struct bpf_object *bpf_object__open(const char *path)
{
    return bpf_object__open_file(path, NULL);
}

struct bpf_object *bpf_object__open_mem(const void *obj_buf, size_t obj_buf_sz, const struct bpf_object_open_opts *opts)
{
    struct bpf_object_open_opts o;
    if (!obj_buf || !obj_buf_sz || !api_opts_copy(&o, sizeof o, opts))
        return api_fail_ptr(EINVAL, "bpf_object__open_mem: no bytes, or sz of the options is wrong");
    const char *file = o.object_name ? o.object_name : "object";
    uint8_t *bytes = obj_buf_sz > PST_OBJECT_BYTES_MAX ? NULL : pst_alloc(api_env(), obj_buf_sz + 1);
    if (!bytes) return api_fail_ptr(ENOMEM, "%s: no memory for %zu bytes, or more than the limit of %u", file, obj_buf_sz, PST_OBJECT_BYTES_MAX);
    memcpy(bytes, obj_buf, obj_buf_sz);
    return open_bytes(bytes, obj_buf_sz, file, &o);
}

void bpf_object__close(struct bpf_object *obj)
{
    if (!obj) return;
    for (uint32_t i = 0; obj->programs && i < obj->object->program_count; i++) {
        bpf_program__unload(&obj->programs[i]);
        free(obj->programs[i].own_insns);
        free(obj->programs[i].pin_path);
    }
    for (uint32_t i = 0; obj->maps && i < obj->object->map_count; i++) {
        api_close(&obj->maps[i].fd);
        api_close(&obj->maps[i].inner_fd);
        free(obj->maps[i].pin_path);
    }
    api_close(&obj->btf_fd);
    btf__free(obj->btf);
    pst_core_native_close(obj->native);
    pst_object_close(obj->object);
    free_bytes(obj);
    free(obj->programs);
    free(obj->maps);
    free(obj->pin_root);
    free(obj->kconfig);
    free(obj->btf_path);
    free(obj);
}

const char *bpf_object__name(const struct bpf_object *obj)
{
    return obj ? obj->object->name : api_err_ptr(-EINVAL);
}

unsigned int bpf_object__kversion(const struct bpf_object *obj)
{
    return obj ? obj->kernel_version : 0;
}

int bpf_object__set_kversion(struct bpf_object *obj, __u32 kern_version)
{
    if (obj->loaded) return api_err(-EINVAL);
    obj->kernel_version = kern_version;
    return 0;
}

struct btf *bpf_object__btf(const struct bpf_object *obj)
{
    return obj ? obj->btf : NULL;
}

int bpf_object__btf_fd(const struct bpf_object *obj)
{
    return obj->btf_fd;
}

// --- Programs and maps of an object --------------------------------------------------------------------------------

struct bpf_program *bpf_object__find_program_by_name(const struct bpf_object *obj, const char *name)
{
    int32_t index = pst_object_find_program(obj->object, name);
    return index < 0 ? api_err_ptr(-ENOENT) : &obj->programs[index];
}

struct bpf_program *bpf_object__next_program(const struct bpf_object *obj, struct bpf_program *prog)
{
    size_t index = prog ? (size_t)(prog - obj->programs) + 1 : 0;
    return index < obj->object->program_count ? &obj->programs[index] : NULL;
}

struct bpf_program *bpf_object__prev_program(const struct bpf_object *obj, struct bpf_program *prog)
{
    size_t index = prog ? (size_t)(prog - obj->programs) : obj->object->program_count;
    return index > 0 ? &obj->programs[index - 1] : NULL;
}

// A section's name (".rodata") finds its map too, whose full name has the object's name in front.
static bool map_has_name(const struct bpf_map *map, const char *name)
{
    if (map->def->is_inner_template) return false;
    if (name[0] == '.' && bpf_map__is_internal(map)) return strcmp(map->def->section, name) == 0;
    return strcmp(map->def->name, name) == 0;
}

struct bpf_map *bpf_object__find_map_by_name(const struct bpf_object *obj, const char *name)
{
    for (uint32_t i = 0; i < obj->object->map_count; i++)
        if (map_has_name(&obj->maps[i], name)) return &obj->maps[i];
    return api_err_ptr(-ENOENT);
}

int bpf_object__find_map_fd_by_name(const struct bpf_object *obj, const char *name)
{
    struct bpf_map *map = bpf_object__find_map_by_name(obj, name);
    if (!map) return -ENOENT;
    return bpf_map__fd(map);
}

struct bpf_map *bpf_object__next_map(const struct bpf_object *obj, const struct bpf_map *map)
{
    size_t index = map ? (size_t)(map - obj->maps) + 1 : 0;
    while (index < obj->object->map_count && obj->maps[index].def->is_inner_template) index++;
    return index < obj->object->map_count ? &obj->maps[index] : NULL;
}

struct bpf_map *bpf_object__prev_map(const struct bpf_object *obj, const struct bpf_map *map)
{
    size_t index = map ? (size_t)(map - obj->maps) : obj->object->map_count;
    while (index > 0 && obj->maps[index - 1].def->is_inner_template) index--;
    return index > 0 ? &obj->maps[index - 1] : NULL;
}
