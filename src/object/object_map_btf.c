// object_map_btf.c: maps declared in section .maps: a variable per map, whose struct type spells out the definition.
//
// __uint(name, n) is a pointer to an array of n ints, __type(name, t) a pointer to t, __ulong(name, n) an enum of one value, __array(name, t) an
// array without bound of pointers. Rules and limits are libbpf's; members that only eBPF for Windows has (id, inner_id,
// inner_map_idx) are understood too. Called by object_map.c. Source: bpf_helpers.h of libbpf and of eBPF for Windows.
#include <string.h>

#include "catalog/catalog.h"
#include "object/object_internal.h"

#define PAGE_SIZE 4096u

typedef struct map_definition {
    const char *name;
    uint32_t type, key_size, value_size, max_entries, flags, numa_node, key_type, value_type, pinning;
    uint64_t extra;
    uint32_t id, inner_id, inner_index; // of eBPF for Windows
    bool has_inner_index;
    uint32_t inner_type;    // struct of the template, 0: none
    uint32_t values_offset; // of the member "values"
} map_definition;

typedef struct definition_reader {
    pst_object *o;
    const pst_btf *btf;
    map_definition *d;
    bool inner;
} definition_reader;

static pst_status refuse(const definition_reader *r, const char *member, const char *why)
{
    return pst_fail(r->o->arena.env, PST_E_FORMAT, "%s: section .maps: map %s: member \"%s\" %s", r->o->file, r->d->name, member, why);
}

static pst_status read_uint(const definition_reader *r, const pst_btf_member *m, uint32_t *out)
{
    pst_btf_type pointer = pst_btf_get(r->btf, pst_btf_strip(r->btf, m->type));
    pst_btf_type array = pst_btf_get(r->btf, pointer.kind == PST_BTF_PTR ? pointer.type : 0);
    if (array.kind != PST_BTF_ARRAY) return refuse(r, m->name, "is not written as __uint(name, number)");
    *out = array.count;
    return PST_OK;
}

static pst_status read_ulong(const definition_reader *r, const pst_btf_member *m, uint64_t *out)
{
    pst_btf_type t = pst_btf_get(r->btf, pst_btf_strip(r->btf, m->type));
    if (t.kind == PST_BTF_PTR) {
        uint32_t narrow = 0;
        PST_TRY(read_uint(r, m, &narrow));
        *out = narrow;
        return PST_OK;
    }
    if ((t.kind != PST_BTF_ENUM && t.kind != PST_BTF_ENUM64) || t.count != 1)
        return refuse(r, m->name, "is not written as __uint(name, number) or __ulong(name, number)");
    int64_t value = pst_btf_member_at(r->btf, t.id, 0).value;
    *out = (uint64_t)value;
    return PST_OK;
}

// key and value: __type. The size may be stated as well, and must then agree.
static pst_status read_type(const definition_reader *r, const pst_btf_member *m, uint32_t *type, uint32_t *size)
{
    pst_btf_type pointer = pst_btf_get(r->btf, m->type);
    uint64_t bytes;
    if (pointer.kind != PST_BTF_PTR) return refuse(r, m->name, "is not written as __type(name, type)");
    if (!pst_btf_size(r->btf, pointer.type, &bytes) || bytes > UINT32_MAX) return refuse(r, m->name, "has a type without a size");
    if (*size && *size != bytes) return refuse(r, m->name, "has another size than was stated before");
    *type = pointer.type;
    *size = (uint32_t)bytes;
    return PST_OK;
}

static pst_status read_size(const definition_reader *r, const pst_btf_member *m, uint32_t *size)
{
    uint32_t stated = 0;
    PST_TRY(read_uint(r, m, &stated));
    if (*size && *size != stated) return refuse(r, m->name, "has another size than was stated before");
    *size = stated;
    return PST_OK;
}

// values: the template of a map-in-map, or the programs of a program array. The last member.
static pst_status read_values(const definition_reader *r, const pst_btf_member *m, bool last)
{
    map_definition *d = r->d;
    if (r->inner) return refuse(r, m->name, "makes a third level of maps; there are two");
    if (!last) return refuse(r, m->name, "must be the last one");
    if (!object_is_map_in_map(d->type) && d->type != PST_MAP_PROG_ARRAY)
        return refuse(r, m->name, "is for array_of_maps, hash_of_maps and prog_array only (and \"type\" must precede it)");
    if (d->value_size && d->value_size != 4) return refuse(r, m->name, "needs values of 4 bytes");
    d->value_size = 4;
    d->values_offset = m->bit_offset / 8;
    pst_btf_type array = pst_btf_get(r->btf, m->type);
    if (array.kind != PST_BTF_ARRAY || array.count != 0) return refuse(r, m->name, "is not written as __array(values, type)");
    pst_btf_type pointer = pst_btf_get(r->btf, pst_btf_strip(r->btf, array.type));
    if (pointer.kind != PST_BTF_PTR) return refuse(r, m->name, "is not written as __array(values, type)");
    pst_btf_type element = pst_btf_get(r->btf, pst_btf_strip(r->btf, pointer.type));
    if (d->type == PST_MAP_PROG_ARRAY)
        return element.kind == PST_BTF_FUNC_PROTO ? PST_OK : refuse(r, m->name, "of a prog_array must hold functions");
    if (element.kind != PST_BTF_STRUCT) return refuse(r, m->name, "of a map-in-map must hold map definitions");
    d->inner_type = element.id;
    return PST_OK;
}

// libbpf knows 0 and 1. iproute2's PIN_OBJECT_NS and PIN_GLOBAL_NS, and Cilium's CILIUM_PIN_REPLACE, pin by name as well.
static pst_status read_pinning(const definition_reader *r, const pst_btf_member *m)
{
    if (r->inner) return refuse(r, m->name, "has no meaning for a template: it is never created on its own");
    PST_TRY(read_uint(r, m, &r->d->pinning));
    if (r->d->pinning > PST_PIN_BY_NAME)
        pst_log(r->o->arena.env, PST_LOG_DEBUG, "%s: section .maps: map %s: pinning %u is taken for 1, by name", r->o->file, r->d->name, r->d->pinning);
    if (r->d->pinning) r->d->pinning = PST_PIN_BY_NAME;
    return PST_OK;
}

static pst_status read_member(const definition_reader *r, const pst_btf_member *m, bool last)
{
    map_definition *d = r->d;
    const struct {
        const char *name;
        uint32_t *out;
    } numbers[] = {
        {"type", &d->type}, {"max_entries", &d->max_entries}, {"map_flags", &d->flags}, {"numa_node", &d->numa_node},
        {"id", &d->id}, {"inner_id", &d->inner_id}, {"inner_map_idx", &d->inner_index},
    };
    for (size_t i = 0; i < PST_COUNT(numbers); i++) {
        if (strcmp(m->name, numbers[i].name) != 0) continue;
        if (numbers[i].out == &d->inner_index) d->has_inner_index = true;
        return read_uint(r, m, numbers[i].out);
    }
    if (strcmp(m->name, "key_size") == 0) return read_size(r, m, &d->key_size);
    if (strcmp(m->name, "value_size") == 0) return read_size(r, m, &d->value_size);
    if (strcmp(m->name, "key") == 0) return read_type(r, m, &d->key_type, &d->key_size);
    if (strcmp(m->name, "value") == 0) return read_type(r, m, &d->value_type, &d->value_size);
    if (strcmp(m->name, "values") == 0) return read_values(r, m, last);
    if (strcmp(m->name, "pinning") == 0) return read_pinning(r, m);
    if (strcmp(m->name, "map_extra") == 0) return read_ulong(r, m, &d->extra);
    return refuse(r, m->name, "is unknown");
}

// A ring buffer is a power of two of pages: what is asked for is rounded up, as libbpf does.
static uint32_t ring_size(uint32_t size)
{
    if (size == 0) return 0;
    uint64_t pages = PAGE_SIZE;
    while (pages < size) pages *= 2;
    return pages > UINT32_MAX ? size : (uint32_t)pages;
}

static pst_status read_definition(pst_object *o, const char *name, uint32_t type, bool inner, map_definition *d)
{
    *d = (map_definition){.name = name};
    definition_reader r = {.o = o, .btf = o->btf, .d = d, .inner = inner};
    uint32_t count = pst_btf_get(o->btf, type).count;
    for (uint32_t i = 0; i < count; i++) {
        pst_btf_member m = pst_btf_member_at(o->btf, type, i);
        PST_TRY(read_member(&r, &m, i + 1 == count));
    }
    if (d->type == PST_MAP_UNSPEC)
        return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section .maps: map %s has no type: add __uint(type, BPF_MAP_TYPE_...)", o->file, name);
    if (d->type == PST_MAP_RINGBUF || d->type == PST_MAP_USER_RINGBUF) d->max_entries = ring_size(d->max_entries);
    return PST_OK;
}

static pst_object_map make_map(const map_definition *d)
{
    return (pst_object_map){
        .name = d->name, .section = ".maps", .origin = PST_MAP_FROM_BTF, .type = d->type, .key_size = d->key_size, .value_size = d->value_size,
        .max_entries = d->max_entries, .flags = d->flags, .map_extra = d->extra, .numa_node = d->numa_node, .pinning = d->pinning,
        .btf_key_type = d->key_type, .btf_value_type = d->value_type, .inner = -1,
    };
}

// Checks one entry of DATASEC .maps; *type is its struct.
static pst_status check_variable(pst_object *o, uint32_t index, const pst_btf_member *entry, const pst_elf_section *section, uint32_t *type)
{
    const pst_env *env = o->arena.env;
    pst_btf_type variable = pst_btf_get(o->btf, entry->type);
    uint32_t offset = entry->bit_offset / 8, size = entry->bit_size / 8;
    if (variable.kind != PST_BTF_VAR || variable.name[0] == 0)
        return pst_fail(env, PST_E_FORMAT, "%s: section .maps: entry %u (offset 0x%x) of its DATASEC is no variable with a name", o->file, index, offset);
    if (size > section->size || offset > section->size - size)
        return pst_fail(env, PST_E_FORMAT, "%s: section .maps: map %s (offset 0x%x, %u bytes) reaches beyond the %llu bytes of the section", o->file,
                        variable.name, offset, size, (unsigned long long)section->size);
    if (variable.linkage != 1)
        return pst_fail(env, PST_E_UNSUPPORTED, "%s: section .maps: map %s is %s: make it a global variable", o->file, variable.name,
                        variable.linkage == 0 ? "static" : "extern");
    pst_btf_type definition = pst_btf_get(o->btf, pst_btf_strip(o->btf, variable.type));
    if (definition.kind != PST_BTF_STRUCT || definition.size > size)
        return pst_fail(env, PST_E_FORMAT, "%s: section .maps: map %s is no struct that fits its %u bytes", o->file, variable.name, size);
    *type = definition.id;
    return PST_OK;
}

typedef struct maps_reading {
    uint32_t first, count; // maps of .maps
    map_definition *definitions; // by map, from first
} maps_reading;

static pst_status read_variables(pst_object *o, uint32_t section, uint32_t datasec, maps_reading *reading)
{
    uint32_t count = pst_btf_get(o->btf, datasec).count;
    reading->first = o->map_count;
    reading->definitions = pst_arena_array(&o->arena, count, sizeof *reading->definitions);
    if (!reading->definitions) return object_no_memory(o, "maps");
    for (uint32_t i = 0; i < count; i++) {
        pst_btf_member entry = pst_btf_member_at(o->btf, datasec, i);
        uint32_t type = 0, index;
        PST_TRY(check_variable(o, i, &entry, &o->internal->elf.sections[section], &type));
        map_definition *d = &reading->definitions[i];
        PST_TRY(read_definition(o, pst_btf_get(o->btf, entry.type).name, type, false, d));
        pst_object_map map = make_map(d);
        object_map_place place = {.section = section, .offset = entry.bit_offset / 8, .size = entry.bit_size / 8, .variable = type,
                                  .values_offset = d->values_offset};
        PST_TRY(object_add_map(o, &map, &place, &index));
        reading->count++;
    }
    return PST_OK;
}

// The template of map i is declared inline; or it is another map of the section, by id or by position (eBPF for Windows).
static pst_status find_template(pst_object *o, const maps_reading *reading, uint32_t i)
{
    const map_definition *d = &reading->definitions[i];
    pst_object_map *map = &o->maps[reading->first + i];
    if (!object_is_map_in_map(d->type)) return PST_OK;
    if (d->inner_type) {
        map_definition inner;
        uint32_t index;
        const char *name = pst_arena_format(&o->arena, "%s.inner", d->name);
        if (!name) return object_no_memory(o, "maps");
        PST_TRY(read_definition(o, name, d->inner_type, true, &inner));
        pst_object_map template = make_map(&inner);
        template.is_inner_template = true;
        PST_TRY(object_add_map(o, &template, &(object_map_place){0}, &index));
        o->maps[reading->first + i].inner = (int32_t)index;
        return PST_OK;
    }
    for (uint32_t k = 0; d->inner_id && k < reading->count; k++)
        if (k != i && reading->definitions[k].id == d->inner_id) map->inner = (int32_t)(reading->first + k);
    if (map->inner < 0 && d->has_inner_index && d->inner_index < reading->count && d->inner_index != i)
        map->inner = (int32_t)(reading->first + d->inner_index);
    return PST_OK; // none: whoever creates it says so
}

pst_status object_read_btf_maps(pst_object *o)
{
    const pst_elf *elf = &o->internal->elf;
    uint32_t section = pst_elf_find_section(elf, ".maps");
    maps_reading reading = {.first = o->map_count};
    if (section) {
        if (!o->btf)
            return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section .maps is described by BTF, and the object has none: compile with -g", o->file);
        uint32_t datasec = pst_btf_find(o->btf, ".maps", PST_BTF_DATASEC);
        if (!datasec)
            return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section .maps (%llu bytes) has no DATASEC in .BTF, so its maps are unknown", o->file,
                            (unsigned long long)elf->sections[section].size);
        PST_TRY(read_variables(o, section, datasec, &reading));
    }
    PST_TRY(object_read_data_maps(o));
    for (uint32_t i = 0; i < reading.count; i++) PST_TRY(find_template(o, &reading, i));
    return PST_OK;
}
