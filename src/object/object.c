// object.c: opening an object: the order of work, what is small, and lookups by name.
//
// Called by src/api and the tools. The loader's stages are in object_internal.h.
#include "object/object.h"

#include <string.h>

#include "base/bits.h"
#include "catalog/catalog.h"
#include "object/object_internal.h"

pst_status object_no_memory(const pst_object *o, const char *what)
{
    if (o->arena.limit_bytes && o->arena.used_bytes > o->arena.limit_bytes / 2)
        return pst_fail(o->arena.env, PST_E_LIMIT, "%s: reading the object takes more than the %zu MiB it may (%s)", o->file,
                        o->arena.limit_bytes >> 20, what);
    return pst_fail(o->arena.env, PST_E_NOMEM, "%s: no memory for %s", o->file, what);
}

// "dir/prog.bpf.o" gives "prog", as in libbpf.
static const char *default_name(pst_object *o)
{
    const char *base = o->file;
    for (const char *p = o->file; *p; p++)
        if (*p == '/' || *p == '\\') base = p + 1;
    const char *dot = strchr(base, '.');
    return pst_arena_string(&o->arena, base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

static pst_status set_names(pst_object *o, const pst_object_options *options)
{
    const char *file = options && options->file ? options->file : "object";
    o->file = pst_arena_string(&o->arena, file, strlen(file));
    if (!o->file) {
        o->file = "object";
        return object_no_memory(o, "its name");
    }
    const char *name = options ? options->name : NULL;
    o->name = name ? pst_arena_string(&o->arena, name, strlen(name)) : default_name(o);
    return o->name ? PST_OK : object_no_memory(o, "its name");
}

static pst_status list_sections(pst_object *o)
{
    const pst_elf *elf = &o->internal->elf;
    o->sections = pst_arena_array(&o->arena, elf->section_count, sizeof *o->sections);
    if (!o->sections) return object_no_memory(o, "sections");
    o->section_count = elf->section_count;
    for (uint32_t i = 0; i < elf->section_count; i++) {
        const pst_elf_section *s = &elf->sections[i];
        o->sections[i] = (pst_object_section){.name = s->name, .type = s->type, .flags = s->flags, .offset = s->offset, .size = s->size};
    }
    return PST_OK;
}

static pst_status read_license(pst_object *o)
{
    const pst_elf *elf = &o->internal->elf;
    o->license = "";
    const pst_elf_section *license = &elf->sections[pst_elf_find_section(elf, "license")];
    if (license->bytes && license->type == PST_SHT_PROGBITS) {
        const uint8_t *end = memchr(license->bytes, 0, (size_t)license->size);
        size_t length = end ? (size_t)(end - license->bytes) : (size_t)license->size;
        o->license = pst_arena_string(&o->arena, (const char *)license->bytes, length);
        if (!o->license) return object_no_memory(o, "the license");
    }
    const pst_elf_section *version = &elf->sections[pst_elf_find_section(elf, "version")];
    if (!version->bytes || version->type != PST_SHT_PROGBITS) return PST_OK;
    if (version->size != sizeof(uint32_t))
        return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section version has %llu bytes; a kernel version has 4", o->file,
                        (unsigned long long)version->size);
    o->kernel_version = pst_load32(version->bytes);
    return PST_OK;
}

// What the section's name says about a program. An unknown name is no error: who loads it may set the type.
static void apply_section_name(pst_object_program *p)
{
    const char *name = p->section[0] == '?' ? p->section + 1 : p->section;
    p->autoload = name == p->section;
    p->attach_type = PST_ATTACH_NONE;
    p->attach_target = "";
    const pst_section_type *row = pst_section_type_find(name);
    if (!row) return;
    p->prog_type = row->prog_type;
    p->attach_type = row->attach_type;
    p->sleepable = row->sleepable;
    size_t length = strlen(row->prefix);
    if (row->has_rest && strlen(name) > length && name[length] == '/') p->attach_target = name + length + 1;
}

static pst_status list_programs(pst_object *o)
{
    const struct pst_object_internal *in = o->internal;
    uint32_t count = 0;
    for (uint32_t i = 0; i < in->function_count; i++) count += in->functions[i].entry;
    o->programs = pst_arena_array(&o->arena, count, sizeof *o->programs);
    o->internal->parts = pst_arena_array(&o->arena, count, sizeof *in->parts);
    o->internal->program_function = pst_arena_array(&o->arena, count, sizeof(uint32_t));
    if (!o->programs || !in->parts || !in->program_function) return object_no_memory(o, "programs");
    for (uint32_t i = 0; i < in->function_count; i++) {
        const object_function *f = &in->functions[i];
        if (!f->entry) continue;
        in->program_function[o->program_count] = i;
        pst_object_program *p = &o->programs[o->program_count++];
        p->name = f->name;
        p->section = in->elf.sections[f->section].name;
        p->section_off = (uint64_t)f->start * PST_SLOT_SIZE;
        p->own_count = f->count;
        apply_section_name(p);
    }
    return PST_OK;
}

static pst_status read_all(pst_object *o, const void *bytes, size_t size, const pst_object_options *options)
{
    PST_TRY(set_names(o, options));
    o->internal = pst_arena_alloc(&o->arena, sizeof *o->internal);
    if (!o->internal) return object_no_memory(o, "the object");
    o->internal->kconfig_map = -1;
    if (size > PST_OBJECT_BYTES_MAX)
        return pst_fail(o->arena.env, PST_E_LIMIT, "%s: %zu bytes; an object may have %u", o->file, size, PST_OBJECT_BYTES_MAX);
    o->internal->bytes = pst_arena_alloc(&o->arena, size);
    if (!o->internal->bytes) return object_no_memory(o, "a copy of the file");
    if (size) memcpy(o->internal->bytes, bytes, size);
    PST_TRY(pst_elf_read(&o->arena, o->file, o->internal->bytes, size, &o->internal->elf));
    PST_TRY(list_sections(o));
    PST_TRY(read_license(o));
    PST_TRY(object_read_code(o));
    PST_TRY(object_read_btf(o));
    PST_TRY(object_read_maps(o));
    PST_TRY(object_read_relocs(o));
    PST_TRY(object_find_entries(o));
    PST_TRY(list_programs(o));
    PST_TRY(object_read_map_slots(o));
    PST_TRY(object_link_programs(o));
    return object_map_info(o);
}

pst_status pst_object_open(const pst_env *env, const void *bytes, size_t size, const pst_object_options *options, pst_object **out)
{
    *out = NULL;
    if (!bytes && size) return pst_fail(env, PST_E_INVALID, "an object of %zu bytes at no address cannot be opened", size);
    pst_object *o = pst_alloc_zero(env, 1, sizeof *o);
    if (!o) return pst_fail(env, PST_E_NOMEM, "no memory to open an object");
    pst_arena_init(&o->arena, env, OBJECT_MEMORY_MAX);
    pst_status status = read_all(o, bytes, size, options);
    if (status == PST_OK) *out = o;
    else pst_object_close(o);
    return status;
}

void pst_object_close(pst_object *object)
{
    if (!object) return;
    const pst_env *env = object->arena.env;
    if (object->internal) pst_btf_ext_free(object->internal->ext);
    pst_btf_free(object->btf);
    pst_arena_free(&object->arena);
    pst_free(env, object, sizeof *object);
}

int32_t pst_object_find_map(const pst_object *object, const char *name)
{
    for (uint32_t i = 0; i < object->map_count; i++) {
        const pst_object_map *map = &object->maps[i];
        bool data = map->origin != PST_MAP_FROM_BTF && map->origin != PST_MAP_FROM_LEGACY;
        if (strcmp(map->name, name) == 0 || (data && strcmp(map->section, name) == 0)) return (int32_t)i;
    }
    return -1;
}

int32_t pst_object_find_program(const pst_object *object, const char *name)
{
    for (uint32_t i = 0; i < object->program_count; i++)
        if (strcmp(object->programs[i].name, name) == 0) return (int32_t)i;
    return -1;
}
