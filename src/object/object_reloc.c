// object_reloc.c: what instructions refer to: maps, global data, functions, externs.
//
// Called by object.c once maps and functions are known. What a relocation means follows from the instruction and the symbol, not from its type
// number, of which LLVM had three generations. Each is resolved here, once, in terms of its section; object_link.c applies them wherever
// the function goes. Relocations of debug information and BTF are of no interest, and those outside of every function neither.
// Source: the kernel's Documentation/bpf/llvm_reloc.rst.
#include <string.h>

#include "base/bits.h"
#include "object/object_internal.h"

#define REL_SIZE 16u
#define RELA_SIZE 24u

pst_status object_reloc_count(const pst_object *o, const pst_elf_section *section, uint32_t *count)
{
    uint32_t size = section->type == PST_SHT_RELA ? RELA_SIZE : REL_SIZE;
    *count = 0;
    if (section->entry_size != size || section->size % size != 0)
        return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section %s: %llu bytes in entries of %llu; a relocation has %u", o->file, section->name,
                        (unsigned long long)section->size, (unsigned long long)section->entry_size, size);
    *count = (uint32_t)(section->size / size);
    return PST_OK;
}

pst_status object_reloc_at(const pst_object *o, const pst_elf_section *section, uint32_t index, object_raw_reloc *out)
{
    uint32_t size = section->type == PST_SHT_RELA ? RELA_SIZE : REL_SIZE;
    const uint8_t *record = section->bytes + (size_t)index * size;
    const pst_elf *elf = &o->internal->elf;
    uint64_t info = pst_load64(record + 8);
    *out = (object_raw_reloc){.offset = pst_load64(record), .symbol_index = (uint32_t)(info >> 32)};
    if (size == RELA_SIZE) out->addend = (int64_t)pst_load64(record + 16);
    if (out->symbol_index >= elf->symbol_count)
        return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section %s: relocation %u (offset 0x%llx) names symbol %u of %u", o->file, section->name, index,
                        (unsigned long long)out->offset, out->symbol_index, elf->symbol_count);
    out->symbol = &elf->symbols[out->symbol_index];
    return PST_OK;
}

// One relocation of code, on its way to an object_reloc.
typedef struct resolving {
    pst_object *o;
    uint32_t section, slot;
    const pst_slot *insn; // insn[1] exists if it is an IMM64
    const object_raw_reloc *raw;
    object_reloc *out;
} resolving;

static pst_status refuse(const resolving *r, pst_status status, const char *why)
{
    const pst_elf *elf = &r->o->internal->elf;
    return pst_fail(r->o->arena.env, status, "%s: section %s, offset 0x%llx: the instruction refers to %s, %s", r->o->file,
                    elf->sections[r->section].name, (unsigned long long)r->raw->offset, pst_elf_symbol_label(elf, r->raw->symbol), why);
}

static pst_status resolve_extern(const resolving *r)
{
    const pst_object *o = r->o;
    const struct pst_object_internal *in = o->internal;
    uint32_t number = in->extern_of[r->raw->symbol_index];
    if (number == 0) return refuse(r, PST_E_FORMAT, "which is undefined and yet not global");
    uint32_t index = number - 1;
    pst_extern_kind kind = o->externs[index].kind;
    if (r->insn->opcode == OPCODE_CALL) {
        if (in->details[index].undeclared) o->externs[index].kind = kind = PST_EXTERN_KSYM_FUNCTION;
        if (kind != PST_EXTERN_KSYM_FUNCTION) return refuse(r, PST_E_FORMAT, "which is called and is no function");
        *r->out = (object_reloc){.slot = r->slot, .kind = RELOC_KFUNC, .index = index};
    } else if (kind == PST_EXTERN_KCONFIG) {
        *r->out = (object_reloc){.slot = r->slot, .kind = RELOC_MAP_VALUE, .index = (uint32_t)in->kconfig_map, .offset = in->details[index].offset};
    } else {
        *r->out = (object_reloc){.slot = r->slot, .kind = RELOC_KSYM, .index = index};
    }
    return PST_OK;
}

// value: bytes from the start of the symbol's section; a negative one is far too large.
static pst_status resolve_function(const resolving *r, object_reloc_kind kind, uint64_t value)
{
    const pst_object *o = r->o;
    uint32_t section = r->raw->symbol->section;
    if (value % PST_SLOT_SIZE != 0 || value / PST_SLOT_SIZE >= o->internal->codes[section].count)
        return refuse(r, PST_E_FORMAT, "at a place that is no instruction");
    uint32_t slot = (uint32_t)(value / PST_SLOT_SIZE);
    const object_function *f = object_function_at(o, section, slot);
    if (!f || f->start != slot) return refuse(r, PST_E_FORMAT, "at a place where no function begins");
    *r->out = (object_reloc){.slot = r->slot, .kind = kind, .index = section, .offset = slot};
    return PST_OK;
}

static pst_status resolve_call(const resolving *r)
{
    const pst_elf_symbol *s = r->raw->symbol;
    if (r->insn->regs >> 4 != CALL_SUBPROG) return refuse(r, PST_E_FORMAT, "but it is a call of a helper");
    if (s->section >= r->o->internal->elf.section_count || r->o->internal->codes[s->section].count == 0)
        return refuse(r, PST_E_FORMAT, "which is called and does not lie in code");
    // The displacement counts from the next instruction: -1 for a function's own symbol, the function's place for a section symbol.
    int64_t distance = ((int64_t)r->insn->imm + 1) * PST_SLOT_SIZE;
    return resolve_function(r, RELOC_CALL, s->value + (uint64_t)r->raw->addend + (uint64_t)distance);
}

static bool map_before(const pst_object *o, uint32_t map, uint32_t section, uint64_t offset)
{
    const object_map_place *p = &o->internal->places[map];
    return p->section != section ? p->section < section : p->offset < offset;
}

// by_place: the maps, by section and offset.
static int32_t find_map(const pst_object *o, const uint32_t *by_place, uint32_t section, uint64_t offset)
{
    uint32_t lo = 0, hi = o->map_count;
    while (lo < hi) {
        uint32_t middle = lo + (hi - lo) / 2;
        if (map_before(o, by_place[middle], section, offset)) lo = middle + 1;
        else hi = middle;
    }
    if (lo == o->map_count) return -1;
    const object_map_place *p = &o->internal->places[by_place[lo]];
    return p->section == section && p->offset == offset ? (int32_t)by_place[lo] : -1;
}

static pst_status resolve_data(const resolving *r, const uint32_t *by_place)
{
    const pst_object *o = r->o;
    const pst_elf_symbol *s = r->raw->symbol;
    uint64_t offset = s->value + (uint64_t)r->raw->addend;
    // Within definitions of maps a named symbol says it all; a section symbol counts on from its section's start.
    uint64_t in_section = s->type == PST_STT_SECTION ? offset + (uint64_t)(int64_t)r->insn->imm : offset;
    const char *name = o->internal->elf.sections[s->section].name;
    bool data = false;
    int32_t map = find_map(o, by_place, s->section, in_section);
    if (map < 0 || (o->maps[map].origin != PST_MAP_FROM_BTF && o->maps[map].origin != PST_MAP_FROM_LEGACY)) {
        map = find_map(o, by_place, s->section, 0);
        data = map >= 0 && o->maps[map].origin != PST_MAP_FROM_BTF && o->maps[map].origin != PST_MAP_FROM_LEGACY;
        if (!data && map >= 0) return refuse(r, PST_E_FORMAT, "at a place of the map section where no map begins");
    }
    if (map < 0 && strcmp(name, ".addr_space.1") == 0) return refuse(r, PST_E_UNSUPPORTED, "a variable of an arena: arenas are not supported");
    if (map < 0 && strcmp(name, ".jumptables") == 0)
        return refuse(r, PST_E_UNSUPPORTED, "a jump table: compile with -fno-jump-tables");
    if (map < 0)
        return refuse(r, PST_E_FORMAT, "which lies in a section that holds neither maps (.maps, maps) nor data (.data*, .rodata*, .bss*)");
    *r->out = (object_reloc){.slot = r->slot, .kind = data ? RELOC_MAP_VALUE : RELOC_MAP, .index = (uint32_t)map};
    if (data) r->out->offset = (uint32_t)offset + (uint32_t)r->insn->imm;
    return PST_OK;
}

static pst_status resolve(const resolving *r, const uint32_t *by_place)
{
    const struct pst_object_internal *in = r->o->internal;
    const pst_elf_symbol *s = r->raw->symbol;
    bool call = r->insn->opcode == OPCODE_CALL;
    if (!call && r->insn->opcode != OPCODE_IMM64) return refuse(r, PST_E_FORMAT, "but it is neither a call nor a 64-bit immediate");
    if (!call && r->slot + 1 >= in->codes[r->section].count) return refuse(r, PST_E_FORMAT, "but its second half is missing");
    if (s->section == PST_SHN_UNDEF) return resolve_extern(r);
    if (call) return resolve_call(r);
    if (s->section == PST_SHN_COMMON) return refuse(r, PST_E_FORMAT, "a common variable, which has no place: initialise it or compile with -fno-common");
    if (s->section >= in->elf.section_count) return refuse(r, PST_E_FORMAT, "which lies in no section");
    if (in->codes[s->section].count) return resolve_function(r, RELOC_FUNC, s->value + (uint64_t)r->raw->addend + (uint64_t)(int64_t)r->insn->imm);
    return resolve_data(r, by_place);
}

static pst_status read_code_relocs(pst_object *o, const pst_elf_section *relocs, const uint32_t *by_place)
{
    struct pst_object_internal *in = o->internal;
    object_code *code = &in->codes[relocs->info];
    uint32_t count, kept = code->reloc_count;
    PST_TRY(object_reloc_count(o, relocs, &count));
    object_reloc *list = pst_arena_array(&o->arena, (size_t)kept + count, sizeof *list);
    if (!list) return object_no_memory(o, "relocations");
    if (kept) memcpy(list, code->relocs, kept * sizeof *list);
    for (uint32_t i = 0; i < count; i++) {
        object_raw_reloc raw;
        PST_TRY(object_reloc_at(o, relocs, i, &raw));
        if (raw.offset % PST_SLOT_SIZE != 0 || raw.offset / PST_SLOT_SIZE >= code->count)
            return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section %s: relocation %u is for offset 0x%llx of section %s, where no instruction begins",
                            o->file, relocs->name, i, (unsigned long long)raw.offset, in->elf.sections[relocs->info].name);
        uint32_t slot = (uint32_t)(raw.offset / PST_SLOT_SIZE);
        if (!object_function_at(o, relocs->info, slot)) continue; // of a weak function that a linker dropped
        resolving r = {.o = o, .section = relocs->info, .slot = slot, .insn = &code->slots[slot], .raw = &raw, .out = &list[kept]};
        PST_TRY(resolve(&r, by_place));
        kept++;
    }
    code->relocs = list;
    code->reloc_count = kept;
    return PST_OK;
}

static bool by_slot(const void *user, uint32_t a, uint32_t b)
{
    const object_reloc *relocs = user;
    return relocs[a].slot < relocs[b].slot;
}

static pst_status sort_relocs(pst_object *o, uint32_t section)
{
    object_code *code = &o->internal->codes[section];
    uint32_t *order = index_sorted(&o->arena, code->reloc_count, by_slot, code->relocs);
    object_reloc *sorted = pst_arena_array(&o->arena, code->reloc_count, sizeof *sorted);
    if (!order || !sorted) return object_no_memory(o, "relocations");
    for (uint32_t i = 0; i < code->reloc_count; i++) {
        sorted[i] = code->relocs[order[i]];
        // An IMM64 owns the slot behind it too.
        uint32_t taken = i == 0 ? 0 : sorted[i - 1].slot + (code->slots[sorted[i - 1].slot].opcode == OPCODE_IMM64 ? 1u : 0u);
        if (i > 0 && sorted[i].slot <= taken)
            return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section %s: two relocations for the instruction at offset 0x%llx", o->file,
                            o->internal->elf.sections[section].name, (unsigned long long)sorted[i].slot * PST_SLOT_SIZE);
    }
    code->relocs = sorted;
    return PST_OK;
}

// Global data that holds addresses (tables of strings or functions): eBPF has no way to fill them in.
static void note_addresses_in_data(const pst_object *o, uint32_t relocs, uint32_t section)
{
    for (uint32_t i = 0; i < o->map_count; i++) {
        if (o->internal->places[i].section != section || !o->maps[i].initial) continue;
        pst_log(o->arena.env, PST_LOG_DEBUG, "%s: section %s: addresses stored in %s stay 0, as with libbpf", o->file,
                o->internal->elf.sections[relocs].name, o->maps[i].section);
        return;
    }
}

static bool by_map_place(const void *user, uint32_t a, uint32_t b)
{
    const object_map_place *p = user;
    return p[a].section != p[b].section ? p[a].section < p[b].section : p[a].offset < p[b].offset;
}

pst_status object_read_relocs(pst_object *o)
{
    struct pst_object_internal *in = o->internal;
    const pst_elf *elf = &in->elf;
    uint32_t *by_place = index_sorted(&o->arena, o->map_count, by_map_place, in->places);
    if (!by_place) return object_no_memory(o, "maps");
    for (uint32_t i = 1; i < elf->section_count; i++) {
        const pst_elf_section *s = &elf->sections[i];
        if (s->type != PST_SHT_REL && s->type != PST_SHT_RELA) continue;
        if (s->info >= elf->section_count)
            return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section %s relocates section %u of %u", o->file, s->name, s->info, elf->section_count);
        if (in->codes[s->info].count) PST_TRY(read_code_relocs(o, s, by_place));
        else note_addresses_in_data(o, i, s->info);
    }
    for (uint32_t i = 1; i < elf->section_count; i++)
        if (in->codes[i].reloc_count) PST_TRY(sort_relocs(o, i));
    return PST_OK;
}
