// object_map_data.c: global variables: a section .rodata*, .data* or .bss* becomes an array map of one value.
//
// Called by object_map_btf.c. Names, flags and order are libbpf's, so that maps can be found and pinned by the same names.
#include <string.h>

#include "catalog/catalog.h"
#include "object/object_internal.h"

#define KERNEL_NAME_MAX 15u

static bool is_section(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(name, prefix, length) == 0 && (name[length] == 0 || name[length] == '.');
}

static bool data_origin(const pst_elf_section *s, pst_map_origin *origin)
{
    if (s->size == 0) return false;
    if (s->type == PST_SHT_NOBITS) {
        *origin = PST_MAP_FROM_BSS;
        return is_section(s->name, ".bss");
    }
    if (s->type != PST_SHT_PROGBITS || (s->flags & PST_SHF_EXECINSTR)) return false;
    *origin = PST_MAP_FROM_DATA;
    if (is_section(s->name, ".data")) return true;
    *origin = PST_MAP_FROM_RODATA;
    return is_section(s->name, ".rodata");
}

// ".rodata" of object "my_object" is "my_objec.rodata"; a section of the author's own name (".data.counters") keeps it.
static const char *map_name(pst_object *o, const char *section)
{
    if (strchr(section + 1, '.')) return section;
    size_t suffix = strlen(section) > 7 ? strlen(section) : 7;
    if (suffix > KERNEL_NAME_MAX) suffix = KERNEL_NAME_MAX;
    size_t prefix = strlen(o->name);
    if (prefix > KERNEL_NAME_MAX - suffix) prefix = KERNEL_NAME_MAX - suffix;
    char *name = pst_arena_format(&o->arena, "%.*s%.*s", (int)prefix, o->name, (int)suffix, section);
    for (char *p = name; p && *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '_' || *p == '.';
        if (!plain) *p = '_';
    }
    return name;
}


// User space may map the value if a variable in it is visible outside of the object.
static bool has_global_variable(const pst_btf *btf, uint32_t datasec)
{
    uint32_t count = datasec ? pst_btf_get(btf, datasec).count : 0;
    for (uint32_t i = 0; i < count; i++) {
        pst_btf_type t = pst_btf_get(btf, pst_btf_member_at(btf, datasec, i).type);
        if (t.kind == PST_BTF_VAR && t.linkage != 0) return true;
    }
    return false;
}

static pst_status add_data_map(pst_object *o, const char *section_name, uint32_t section, pst_map_origin origin, uint64_t size, const uint8_t *bytes)
{
    if (size > PST_OBJECT_BYTES_MAX)
        return pst_fail(o->arena.env, PST_E_LIMIT, "%s: section %s: %llu bytes of global data; the limit is %u", o->file, section_name,
                        (unsigned long long)size, PST_OBJECT_BYTES_MAX);
    uint32_t datasec = o->btf ? pst_btf_find(o->btf, section_name, PST_BTF_DATASEC) : 0, index;
    pst_object_map map = {
        .name = map_name(o, section_name), .section = section_name, .origin = origin, .type = PST_MAP_ARRAY, .key_size = 4,
        .value_size = (uint32_t)size, .max_entries = 1, .btf_value_type = datasec, .inner = -1,
        .initial = pst_arena_alloc(&o->arena, (size_t)size),
    };
    if (!map.name || !map.initial) return object_no_memory(o, "global data");
    if (bytes) memcpy(map.initial, bytes, (size_t)size);
    if (origin == PST_MAP_FROM_RODATA || origin == PST_MAP_FROM_KCONFIG) map.flags |= PST_F_RDONLY_PROG;
    if (has_global_variable(o->btf, datasec)) map.flags |= PST_F_MMAPABLE;
    return object_add_map(o, &map, &(object_map_place){.section = section}, &index);
}

static pst_status add_kconfig_map(pst_object *o)
{
    uint32_t size = 0;
    for (uint32_t i = 0; i < o->extern_count; i++)
        if (o->externs[i].kind == PST_EXTERN_KCONFIG) size = o->internal->details[i].offset + o->internal->details[i].size;
    if (size == 0) return PST_OK;
    o->internal->kconfig_map = (int32_t)o->map_count;
    return add_data_map(o, ".kconfig", 0, PST_MAP_FROM_KCONFIG, size, NULL);
}

pst_status object_read_data_maps(pst_object *o)
{
    const pst_elf *elf = &o->internal->elf;
    for (uint32_t i = 1; i < elf->section_count; i++) {
        const pst_elf_section *s = &elf->sections[i];
        pst_map_origin origin;
        if (data_origin(s, &origin)) PST_TRY(add_data_map(o, s->name, i, origin, s->size, s->bytes));
    }
    return add_kconfig_map(o);
}
