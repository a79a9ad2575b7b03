// object_map_legacy.c: maps of section "maps": an array of numbers per map, of a shape that the size alone tells.
//
// Every shape begins with type, key_size, value_size, max_entries (16 bytes). What follows depends on whose loader the object was made for:
//   20  map_flags                                                   struct bpf_map_def of libbpf before 1.0
//   24  map_flags, inner_map_idx                                    early kernel samples
//   28  map_flags, inner_map_idx, numa_node                         kernel samples; or map_flags, id, pinning: early iproute2
//   32  inner_map_idx, pinning, id, inner_id                        eBPF for Windows
//   36  map_flags, id, pinning, inner_id, inner_idx                 iproute2's struct bpf_elf_map
// Anything longer is read like 20, as libbpf did. The two shapes of 28 bytes are told apart by the map's type and flags.
// A section "maps/name" (gobpf) is read in the same way; positions count through all of them. Called by object_map.c.
#include <string.h>

#include "base/bits.h"
#include "catalog/catalog.h"
#include "object/object_internal.h"

#define RECORD_MIN 16u
#define RECORD_MAX 4096u
#define NO_INNER UINT32_MAX

typedef struct legacy_record {
    uint32_t symbol;
    uint64_t offset;
} legacy_record;

typedef struct legacy_section {
    uint32_t section;
    legacy_record *records; // by offset
    uint32_t count, record_size;
} legacy_section;

typedef struct legacy_map {
    pst_object_map map;
    object_map_place place; // inner_index: NO_INNER if none
} legacy_map;

static bool is_legacy(const pst_elf_section *s)
{
    return s->bytes && s->size > 0 && s->type == PST_SHT_PROGBITS && (strcmp(s->name, "maps") == 0 || strncmp(s->name, "maps/", 5) == 0);
}

static bool is_map_symbol(const pst_elf_symbol *s, uint32_t section)
{
    return s->section == section && s->name[0] && (s->type == PST_STT_OBJECT || s->type == PST_STT_NOTYPE);
}

static bool by_offset(const void *user, uint32_t a, uint32_t b)
{
    const legacy_record *records = user;
    return records[a].offset < records[b].offset;
}

// Finds the symbols of a section, each of which names one record.
static pst_status find_records(pst_object *o, legacy_section *l)
{
    const pst_elf *elf = &o->internal->elf;
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < elf->symbol_count; i++) capacity += is_map_symbol(&elf->symbols[i], l->section);
    legacy_record *found = pst_arena_array(&o->arena, capacity, sizeof *found);
    l->records = pst_arena_array(&o->arena, capacity, sizeof *l->records);
    if (!found || !l->records) return object_no_memory(o, "maps");
    uint32_t count = 0;
    for (uint32_t i = 0; i < elf->symbol_count; i++)
        if (is_map_symbol(&elf->symbols[i], l->section)) found[count++] = (legacy_record){.symbol = i, .offset = elf->symbols[i].value};
    uint32_t *order = index_sorted(&o->arena, count, by_offset, found);
    if (!order) return object_no_memory(o, "maps");
    for (uint32_t i = 0; i < count; i++) // a place with two names is one map
        if (l->count == 0 || l->records[l->count - 1].offset != found[order[i]].offset) l->records[l->count++] = found[order[i]];
    return PST_OK;
}

// All records have one size: the section divided among its maps.
static pst_status measure_records(const pst_object *o, legacy_section *l)
{
    const pst_elf *elf = &o->internal->elf;
    const pst_elf_section *s = &elf->sections[l->section];
    const pst_env *env = o->arena.env;
    if (l->count == 0) return pst_fail(env, PST_E_FORMAT, "%s: section %s (%llu bytes) has no symbol that names a map", o->file, s->name,
                                       (unsigned long long)s->size);
    if (l->count > PST_OBJECT_MAPS_MAX)
        return pst_fail(env, PST_E_LIMIT, "%s: section %s: %u maps; the limit is %u", o->file, s->name, l->count, PST_OBJECT_MAPS_MAX);
    uint64_t size = s->size / l->count;
    if (s->size % l->count != 0 || size < RECORD_MIN || size > RECORD_MAX || size % 4 != 0)
        return pst_fail(env, PST_E_FORMAT, "%s: section %s: %llu bytes cannot be divided among %u maps: a definition has 16 bytes or more", o->file,
                        s->name, (unsigned long long)s->size, l->count);
    l->record_size = (uint32_t)size;
    for (uint32_t i = 0; i < l->count; i++)
        if (l->records[i].offset != i * size)
            return pst_fail(env, PST_E_FORMAT, "%s: section %s: map %s stands at offset 0x%llx, not at a multiple of %llu", o->file, s->name,
                            elf->symbols[l->records[i].symbol].name, (unsigned long long)l->records[i].offset, (unsigned long long)size);
    return PST_OK;
}

static void set_pinning(pst_object_map *map, uint32_t pinning)
{
    map->pinning = pinning ? PST_PIN_BY_NAME : PST_PIN_NONE;
}

// record has size bytes, at least RECORD_MIN.
static void read_tail(const uint8_t *record, uint32_t size, legacy_map *out)
{
    uint32_t word[9] = {0};
    for (uint32_t i = 0; i < 9 && i * 4 < size; i++) word[i] = pst_load32(record + (size_t)i * 4);
    pst_object_map *map = &out->map;
    bool nested = object_is_map_in_map(map->type);
    if (size != 32) map->flags = word[4];
    if (nested && map->value_size == 0) map->value_size = 4; // kernel samples leave it out
    switch (size) {
    case 24:
        if (nested) out->place.inner_index = word[5];
        break;
    case 28:
        if (nested) out->place.inner_index = word[5];
        else if (!(map->flags & PST_F_NUMA_NODE)) set_pinning(map, word[6]);
        map->numa_node = map->flags & PST_F_NUMA_NODE ? word[6] : 0;
        break;
    case 32:
        if (nested) out->place.inner_index = word[4];
        set_pinning(map, word[5]);
        out->place.id = word[6];
        out->place.inner_id = word[7];
        break;
    case 36:
        out->place.id = word[5];
        set_pinning(map, word[6]);
        out->place.inner_id = word[7];
        if (nested && out->place.inner_id == 0) out->place.inner_index = word[8];
        break;
    default: break;
    }
}

static legacy_map read_record(const pst_object *o, const legacy_section *l, uint32_t i)
{
    const pst_elf *elf = &o->internal->elf;
    const pst_elf_section *s = &elf->sections[l->section];
    const uint8_t *record = s->bytes + (size_t)i * l->record_size;
    legacy_map m = {.place = {.section = l->section, .offset = l->records[i].offset, .size = l->record_size, .inner_index = NO_INNER}};
    m.map = (pst_object_map){
        .name = elf->symbols[l->records[i].symbol].name, .section = s->name, .origin = PST_MAP_FROM_LEGACY, .inner = -1,
        .type = pst_load32(record), .key_size = pst_load32(record + 4), .value_size = pst_load32(record + 8), .max_entries = pst_load32(record + 12),
    };
    read_tail(record, l->record_size, &m);
    return m;
}

// Finds the map that a map-in-map has inside: by id, else by position among all legacy maps, which are the object's first.
static void find_inner(pst_object *o, uint32_t i)
{
    const object_map_place *places = o->internal->places;
    pst_object_map *map = &o->maps[i];
    if (!object_is_map_in_map(map->type)) return;
    for (uint32_t k = 0; places[i].inner_id && map->inner < 0 && k < o->map_count; k++)
        if (k != i && places[k].id == places[i].inner_id) map->inner = (int32_t)k;
    if (map->inner < 0 && places[i].inner_index < o->map_count && places[i].inner_index != i) map->inner = (int32_t)places[i].inner_index;
}

static pst_status read_section(pst_object *o, uint32_t section)
{
    legacy_section l = {.section = section};
    PST_TRY(find_records(o, &l));
    PST_TRY(measure_records(o, &l));
    for (uint32_t i = 0; i < l.count; i++) {
        uint32_t index;
        legacy_map m = read_record(o, &l, i);
        if (m.map.type == PST_MAP_UNSPEC)
            return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section %s: map %s (offset 0x%llx) has type 0, which is none", o->file, m.map.section,
                            m.map.name, (unsigned long long)m.place.offset);
        PST_TRY(object_add_map(o, &m.map, &m.place, &index));
    }
    return PST_OK;
}

pst_status object_read_legacy_maps(pst_object *o)
{
    const pst_elf *elf = &o->internal->elf;
    for (uint32_t i = 1; i < elf->section_count; i++)
        if (is_legacy(&elf->sections[i])) PST_TRY(read_section(o, i));
    for (uint32_t i = 0; i < o->map_count; i++) find_inner(o, i);
    return PST_OK;
}
