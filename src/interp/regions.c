// regions.c: what a run of the checked interpreter may touch at this moment.
//
// Called for every access. Regions, in the order of the search: the live stack frames; memory that this run was handed (map values, records),
// in a table; the packet, asked for anew each time, so that helpers may move it. The context is not memory: see checked.c.
// Expected load: few regions. The table is searched from the entry that was hit last.
#include "interp/checked.h"

#include "postern/abi.h"

bool checked_on_stack(const checked_run *c, uint64_t address, uint64_t size)
{
    uint64_t off = address - (uint64_t)(uintptr_t)c->stack;
    if (off >= (uint64_t)(c->depth + 1) * CHECKED_FRAME_STRIDE || size > PST_FRAME_BYTES) return false;
    return off % CHECKED_FRAME_STRIDE + size <= PST_FRAME_BYTES;
}

static bool contains(uint64_t base, uint64_t region_size, uint64_t address, uint64_t size)
{
    uint64_t off = address - base;
    return off <= region_size && size <= region_size - off;
}

region *checked_region(checked_run *c, uint64_t address, uint64_t size)
{
    for (unsigned i = 0; i < c->region_count; i++) {
        region *found = &c->regions[i];
        if (found->kind == REGION_OBJECT || !contains(found->base, found->size, address, size)) continue;
        found->used = ++c->ticks;
        return found;
    }
    return NULL;
}

// Whether the packet contains the access; *writable says if the program may write it.
static bool in_packet(const checked_run *c, uint64_t address, uint64_t size, bool *writable)
{
    const pst_prog_type *type = c->prog->bindings.type;
    pst_packet_range packet = interp_packet(&c->prog->bindings, c->run);
    *writable = !type || type->packet_writable;
    if (!packet.start || packet.end < packet.start) return false;
    const uint8_t *first = packet.meta && packet.meta < packet.start ? packet.meta : packet.start;
    return contains((uint64_t)(uintptr_t)first, (uint64_t)(packet.end - first), address, size);
}

void *checked_memory(checked_run *c, uint64_t address, uint64_t size, bool write, pst_trap_code *why)
{
    void *memory = (void *)(uintptr_t)address;
    bool writable;
    *why = PST_TRAP_MEMORY;
    if (checked_on_stack(c, address, size)) return memory;
    const region *found = checked_region(c, address, size);
    if (found) {
        if (write ? found->writable : found->readable) return memory;
        if (write) *why = PST_TRAP_READ_ONLY;
        return NULL;
    }
    if (!in_packet(c, address, size, &writable)) return NULL;
    if (write && !writable) {
        *why = PST_TRAP_READ_ONLY;
        return NULL;
    }
    return memory;
}

// The entry for a new region: a free one, or that of the region used longest ago which is no reference. NULL: all are references.
static region *slot_for_new(checked_run *c)
{
    region *oldest = NULL;
    if (c->region_count < PST_CHECKED_REGIONS_MAX) return &c->regions[c->region_count++];
    for (unsigned i = 0; i < c->region_count; i++) {
        region *entry = &c->regions[i];
        if (!entry->reference && (!oldest || entry->used < oldest->used)) oldest = entry;
    }
    return oldest;
}

bool checked_region_add(checked_run *c, region add)
{
    region *entry = NULL;
    for (unsigned i = 0; i < c->region_count && !entry; i++) {
        region *known = &c->regions[i];
        if (known->base == add.base && known->size == add.size && known->kind == add.kind && !known->reference) entry = known;
    }
    if (!entry) entry = slot_for_new(c);
    if (!entry) return checked_trap(c, PST_TRAP_LOCK, 0, 0);
    add.used = ++c->ticks;
    *entry = add;
    return true;
}

void checked_region_remove(checked_run *c, region *gone)
{
    *gone = c->regions[--c->region_count];
}

bool checked_value_add(checked_run *c, const pst_map_view *map, const void *value)
{
    region add = {
        .base = (uint64_t)(uintptr_t)value,
        .size = map->value_size,
        .kind = REGION_VALUE,
        .readable = !(map->flags & PST_F_WRONLY_PROG),
        .writable = !(map->flags & PST_F_RDONLY_PROG),
        .constant = map->frozen && map->flags & PST_F_RDONLY_PROG,
    };
    return checked_region_add(c, add);
}

bool checked_element_add(checked_run *c, const pst_map_view *map, uint64_t key, uint64_t value)
{
    region add = {.base = key, .size = map->key_size, .kind = REGION_MEMORY, .readable = true};
    return checked_region_add(c, add) && checked_value_add(c, map, (const void *)(uintptr_t)value);
}

void checked_key_remove(checked_run *c, uint64_t key)
{
    for (unsigned i = 0; i < c->region_count; i++) {
        region *entry = &c->regions[i];
        if (entry->base != key || entry->kind != REGION_MEMORY || entry->writable) continue;
        checked_region_remove(c, entry);
        return;
    }
}

void checked_inner_add(checked_run *c, const pst_map_view *map)
{
    if (checked_knows_map(c, (uint64_t)(uintptr_t)map)) return;
    c->inner[c->inner_count++ % PST_CHECKED_INNER_MAPS_MAX] = map;
}

bool checked_knows_map(const checked_run *c, uint64_t address)
{
    const pst_image *image = c->prog->exec.image;
    for (uint32_t i = 0; i < image->map_count; i++)
        if ((uint64_t)(uintptr_t)image->maps[i] == address) return true;
    for (unsigned i = 0; i < c->inner_count && i < PST_CHECKED_INNER_MAPS_MAX; i++)
        if ((uint64_t)(uintptr_t)c->inner[i] == address) return true;
    return false;
}
