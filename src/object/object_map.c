// object_map.c: the maps of an object, whatever form they are declared in, and the slots that it initialises.
//
// Order, on which indices depend: legacy, .maps, data sections, .kconfig (as in libbpf), then the templates of map-in-maps.
#include <string.h>

#include "base/bits.h"
#include "catalog/catalog.h"
#include "object/object_internal.h"

bool object_is_map_in_map(uint32_t type)
{
    return type == PST_MAP_ARRAY_OF_MAPS || type == PST_MAP_HASH_OF_MAPS;
}

static pst_status grow_maps(pst_object *o)
{
    struct pst_object_internal *in = o->internal;
    uint32_t capacity = in->map_capacity ? in->map_capacity * 2 : 16;
    pst_object_map *maps = pst_arena_array(&o->arena, capacity, sizeof *maps);
    object_map_place *places = pst_arena_array(&o->arena, capacity, sizeof *places);
    if (!maps || !places) return object_no_memory(o, "maps");
    if (o->map_count) {
        memcpy(maps, o->maps, o->map_count * sizeof *maps);
        memcpy(places, in->places, o->map_count * sizeof *places);
    }
    o->maps = maps;
    in->places = places;
    in->map_capacity = capacity;
    return PST_OK;
}

pst_status object_add_map(pst_object *o, const pst_object_map *map, const object_map_place *place, uint32_t *index)
{
    if (o->map_count >= PST_OBJECT_MAPS_MAX)
        return pst_fail(o->arena.env, PST_E_LIMIT, "%s: section %s: map %s is one too many: the limit is %u", o->file, map->section, map->name,
                        PST_OBJECT_MAPS_MAX);
    if (o->map_count == o->internal->map_capacity) PST_TRY(grow_maps(o));
    *index = o->map_count++;
    o->maps[*index] = *map;
    o->internal->places[*index] = *place;
    return PST_OK;
}

pst_status object_read_maps(pst_object *o)
{
    PST_TRY(object_read_legacy_maps(o));
    return object_read_btf_maps(o); // and the data maps between these and their templates
}

// The map of .maps whose variable holds all 8 bytes of a slot, or -1.
static int32_t map_at(const pst_object *o, uint32_t section, uint64_t offset)
{
    for (uint32_t i = 0; i < o->map_count; i++) {
        const object_map_place *p = &o->internal->places[i];
        if (p->section == section && offset >= p->offset && offset - p->offset < p->size && p->size - (offset - p->offset) >= 8) return (int32_t)i;
    }
    return -1;
}

static int32_t map_of_symbol(const pst_object *o, uint32_t section, const object_raw_reloc *r)
{
    const pst_elf_symbol *s = r->symbol;
    if (s->section != section) return -1;
    for (uint32_t i = 0; i < o->map_count; i++)
        if (o->internal->places[i].section == section && o->internal->places[i].offset == s->value + (uint64_t)r->addend) return (int32_t)i;
    return -1;
}

static int32_t program_of_symbol(const pst_object *o, const object_raw_reloc *r)
{
    const struct pst_object_internal *in = o->internal;
    for (uint32_t i = 0; i < o->program_count; i++)
        if (in->functions[in->program_function[i]].section == r->symbol->section &&
            o->programs[i].section_off == r->symbol->value + (uint64_t)r->addend)
            return (int32_t)i;
    return -1;
}

// The slot that a relocation of section .maps fills. *init.index is what it names.
static pst_status resolve_slot(const pst_object *o, uint32_t section, const object_raw_reloc *r, uint32_t *map, pst_map_slot_init *init)
{
    const pst_env *env = o->arena.env;
    const char *label = pst_elf_symbol_label(&o->internal->elf, r->symbol);
    unsigned long long at = r->offset;
    int32_t index = map_at(o, section, r->offset);
    if (index < 0) return pst_fail(env, PST_E_FORMAT, "%s: section .maps: offset 0x%llx, which names %s, lies in no map", o->file, at, label);
    const pst_object_map *m = &o->maps[index];
    const object_map_place *place = &o->internal->places[index];
    bool nested = object_is_map_in_map(m->type);
    if (!nested && m->type != PST_MAP_PROG_ARRAY)
        return pst_fail(env, PST_E_FORMAT, "%s: section .maps: map %s of type %s is initialised with %s (offset 0x%llx); only map-in-maps and "
                                           "program arrays can be", o->file, m->name, pst_map_type_name(m->type), label, at);
    if (m->type == PST_MAP_HASH_OF_MAPS && m->key_size != 4)
        return pst_fail(env, PST_E_FORMAT, "%s: section .maps: hash_of_maps %s has initial values, so its key must be 4 bytes, not %u", o->file, m->name,
                        m->key_size);
    uint64_t within = r->offset - place->offset;
    if (place->values_offset == 0 || within < place->values_offset || (within - place->values_offset) % 8 != 0)
        return pst_fail(env, PST_E_FORMAT, "%s: section .maps: map %s: offset 0x%llx, which names %s, is no slot of its member \"values\"", o->file,
                        m->name, at, label);
    int32_t target = nested ? map_of_symbol(o, section, r) : program_of_symbol(o, r);
    if (target < 0)
        return pst_fail(env, PST_E_FORMAT, "%s: section .maps: slot %llu of map %s names %s, which is no %s of this object", o->file,
                        (unsigned long long)(within - place->values_offset) / 8, m->name, label, nested ? "map in .maps" : "program");
    *map = (uint32_t)index;
    *init = (pst_map_slot_init){.slot = (uint32_t)((within - place->values_offset) / 8), .index = (uint32_t)target};
    return PST_OK;
}

// Room for more slots behind those that an earlier relocation section gave the map: nothing says that .maps has only one.
static pst_status make_room(pst_object *o, pst_object_map *m, uint32_t more)
{
    if (more == 0) return PST_OK;
    pst_map_slot_init *slots = pst_arena_array(&o->arena, (size_t)m->slot_count + more, sizeof *slots);
    if (!slots) return object_no_memory(o, "initial values of maps");
    if (m->slot_count > 0) memcpy(slots, m->slots, m->slot_count * sizeof *slots);
    m->slots = slots;
    return PST_OK;
}

static void add_slot(pst_object_map *m, const pst_map_slot_init *init)
{
    pst_map_slot_init *slots = (pst_map_slot_init *)(uintptr_t)m->slots; // ours until the object is handed out
    slots[m->slot_count++] = *init;
}

// SHT_REL keeps the addend in the bytes to be relocated: the place of a static function in its section.
static pst_status add_stored_addend(const pst_object *o, uint32_t maps_section, const pst_elf_section *relocs, object_raw_reloc *r)
{
    const pst_elf_section *s = &o->internal->elf.sections[maps_section];
    if (relocs->type == PST_SHT_RELA) return PST_OK;
    if (!s->bytes || s->size < 8 || r->offset > s->size - 8)
        return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section %s: a relocation is for offset 0x%llx, beyond the %llu bytes of section .maps", o->file,
                        relocs->name, (unsigned long long)r->offset, (unsigned long long)s->size);
    r->addend = (int64_t)pst_load64(s->bytes + r->offset);
    return PST_OK;
}

static pst_status read_slots(pst_object *o, uint32_t maps_section, const pst_elf_section *relocs)
{
    uint32_t count;
    PST_TRY(object_reloc_count(o, relocs, &count));
    if (count > OBJECT_MAP_SLOTS_MAX)
        return pst_fail(o->arena.env, PST_E_LIMIT, "%s: section %s: %u initial values of maps; the limit is %u", o->file, relocs->name, count,
                        OBJECT_MAP_SLOTS_MAX);
    uint32_t *of_map = pst_arena_array(&o->arena, o->map_count, sizeof *of_map);
    uint32_t *owner = pst_arena_array(&o->arena, count, sizeof *owner);
    pst_map_slot_init *inits = pst_arena_array(&o->arena, count, sizeof *inits);
    if (!of_map || !owner || !inits) return object_no_memory(o, "initial values of maps");
    for (uint32_t i = 0; i < count; i++) {
        object_raw_reloc r;
        PST_TRY(object_reloc_at(o, relocs, i, &r));
        PST_TRY(add_stored_addend(o, maps_section, relocs, &r));
        PST_TRY(resolve_slot(o, maps_section, &r, &owner[i], &inits[i]));
        of_map[owner[i]]++;
    }
    for (uint32_t i = 0; i < o->map_count; i++) PST_TRY(make_room(o, &o->maps[i], of_map[i]));
    for (uint32_t i = 0; i < count; i++) add_slot(&o->maps[owner[i]], &inits[i]);
    return PST_OK;
}

pst_status object_read_map_slots(pst_object *o)
{
    const pst_elf *elf = &o->internal->elf;
    uint32_t maps = pst_elf_find_section(elf, ".maps");
    if (maps == 0) return PST_OK;
    for (uint32_t i = 1; i < elf->section_count; i++) {
        const pst_elf_section *s = &elf->sections[i];
        if ((s->type == PST_SHT_REL || s->type == PST_SHT_RELA) && s->info == maps) PST_TRY(read_slots(o, maps, s));
    }
    return PST_OK;
}
