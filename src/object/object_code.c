// object_code.c: executable sections and the functions in them.
//
// Called by object.c once the ELF container is read. A function is a FUNC symbol. Compilers before LLVM 8 wrote untyped symbols instead: in a
// section without any FUNC symbol the global untyped ones divide the section, and a section without either is one function named after it.
// Entry points are the functions outside of .text: global ones, and static ones that nobody calls (Cilium's tail calls). Where there is
// no entry point outside of .text, the global functions of .text are the programs.
// libbpf agrees on the global ones outside of .text; it finds no program in the other cases, or refuses the object.
#include "object/object_internal.h"

#include <string.h>

typedef struct function_list {
    object_function *items;
    uint32_t count, capacity;
} function_list;

static pst_status copy_slots(pst_object *o, uint32_t index)
{
    const pst_elf_section *s = &o->internal->elf.sections[index];
    object_code *code = &o->internal->codes[index];
    if (s->size % PST_SLOT_SIZE != 0)
        return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section %s: %llu bytes of code are no multiple of %u, the size of an instruction", o->file,
                        s->name, (unsigned long long)s->size, PST_SLOT_SIZE);
    code->count = (uint32_t)(s->size / PST_SLOT_SIZE);
    code->slots = pst_arena_array(&o->arena, code->count, sizeof(pst_slot));
    if (!code->slots) return object_no_memory(o, "instructions");
    memcpy(code->slots, s->bytes, (size_t)s->size);
    return PST_OK;
}

// Whether a symbol marks a function of a code section; untyped decides which kind of symbol is asked for.
static bool marks_function(const pst_object *o, const pst_elf_symbol *symbol, bool untyped)
{
    if (symbol->section >= o->internal->elf.section_count || o->internal->codes[symbol->section].count == 0) return false;
    if (!untyped) return symbol->type == PST_STT_FUNC;
    const pst_elf_section *s = &o->internal->elf.sections[symbol->section];
    return symbol->type == PST_STT_NOTYPE && symbol->bind != PST_STB_LOCAL && symbol->value < s->size && symbol->value % PST_SLOT_SIZE == 0;
}

static pst_status add_function(pst_object *o, function_list *list, const object_function *function)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 64;
        object_function *items = pst_arena_array(&o->arena, capacity, sizeof *items);
        if (!items) return object_no_memory(o, "functions");
        if (list->count) memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *function;
    return PST_OK;
}

static pst_status add_typed(pst_object *o, function_list *list, const pst_elf_symbol *symbol)
{
    const pst_elf_section *s = &o->internal->elf.sections[symbol->section];
    if (symbol->value > s->size || symbol->size > s->size - symbol->value)
        return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section %s: function %s (offset 0x%llx, %llu bytes) reaches beyond the %llu bytes of its section",
                        o->file, s->name, symbol->name, (unsigned long long)symbol->value, (unsigned long long)symbol->size,
                        (unsigned long long)s->size);
    if (symbol->size == 0 || symbol->value % PST_SLOT_SIZE != 0 || symbol->size % PST_SLOT_SIZE != 0)
        return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section %s: function %s (offset 0x%llx, %llu bytes) does not consist of whole instructions of %u bytes",
                        o->file, s->name, symbol->name, (unsigned long long)symbol->value, (unsigned long long)symbol->size, PST_SLOT_SIZE);
    return add_function(o, list, &(object_function){
        .name = symbol->name,
        .section = symbol->section,
        .start = (uint32_t)(symbol->value / PST_SLOT_SIZE),
        .count = (uint32_t)(symbol->size / PST_SLOT_SIZE),
        .global = symbol->bind != PST_STB_LOCAL,
        .hidden = symbol->visibility == PST_STV_HIDDEN || symbol->visibility == PST_STV_INTERNAL,
    });
}

static pst_status collect_typed(pst_object *o, function_list *list, bool *has_typed)
{
    const pst_elf *elf = &o->internal->elf;
    for (uint32_t i = 0; i < elf->symbol_count; i++) {
        if (!marks_function(o, &elf->symbols[i], false)) continue;
        has_typed[elf->symbols[i].section] = true;
        PST_TRY(add_typed(o, list, &elf->symbols[i]));
    }
    return PST_OK;
}

static bool by_place(const void *user, uint32_t a, uint32_t b)
{
    const object_function *f = user;
    if (f[a].section != f[b].section) return f[a].section < f[b].section;
    return f[a].start < f[b].start;
}

static pst_status sort_functions(pst_object *o, function_list *list)
{
    uint32_t *order = index_sorted(&o->arena, list->count, by_place, list->items);
    object_function *sorted = pst_arena_array(&o->arena, list->count, sizeof *sorted);
    if (!order || !sorted) return object_no_memory(o, "functions");
    for (uint32_t i = 0; i < list->count; i++) sorted[i] = list->items[order[i]];
    list->items = sorted;
    list->capacity = list->count;
    return PST_OK;
}

// Untyped functions have no size: each ends where the next one of its section begins. list holds only them, sorted.
static void end_untyped(const pst_object *o, function_list *list)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) { // two names of one place: the first stays
        const object_function *f = &list->items[i];
        if (kept && list->items[kept - 1].section == f->section && list->items[kept - 1].start == f->start) continue;
        list->items[kept++] = *f;
    }
    list->count = kept;
    for (uint32_t i = 0; i < kept; i++) {
        object_function *f = &list->items[i];
        bool last = i + 1 == kept || list->items[i + 1].section != f->section;
        f->count = (last ? o->internal->codes[f->section].count : list->items[i + 1].start) - f->start;
    }
}

static pst_status collect_untyped(pst_object *o, function_list *list, const bool *has_typed)
{
    const pst_elf *elf = &o->internal->elf;
    function_list untyped = {0};
    for (uint32_t i = 0; i < elf->symbol_count; i++) {
        const pst_elf_symbol *symbol = &elf->symbols[i];
        if (!marks_function(o, symbol, true) || has_typed[symbol->section]) continue;
        PST_TRY(add_function(o, &untyped, &(object_function){.name = symbol->name, .section = symbol->section, .global = true,
                                                              .start = (uint32_t)(symbol->value / PST_SLOT_SIZE)}));
    }
    // The stable sort puts a symbol at 0 before the section's own name for that place.
    for (uint32_t i = 1; i < elf->section_count; i++)
        if (o->internal->codes[i].count && !has_typed[i])
            PST_TRY(add_function(o, &untyped, &(object_function){.name = elf->sections[i].name, .section = i, .global = true}));
    PST_TRY(sort_functions(o, &untyped));
    end_untyped(o, &untyped);
    for (uint32_t i = 0; i < untyped.count; i++) PST_TRY(add_function(o, list, &untyped.items[i]));
    return PST_OK;
}

pst_status object_read_code(pst_object *o)
{
    struct pst_object_internal *in = o->internal;
    in->codes = pst_arena_array(&o->arena, in->elf.section_count, sizeof *in->codes);
    bool *has_typed = pst_arena_array(&o->arena, in->elf.section_count, sizeof *has_typed);
    if (!in->codes || !has_typed) return object_no_memory(o, "sections");
    for (uint32_t i = 1; i < in->elf.section_count; i++) {
        if (!pst_elf_is_code(&in->elf.sections[i])) continue;
        PST_TRY(copy_slots(o, i));
        if (strcmp(in->elf.sections[i].name, ".text") == 0) in->text = i;
    }
    function_list list = {0};
    PST_TRY(collect_typed(o, &list, has_typed));
    PST_TRY(collect_untyped(o, &list, has_typed));
    PST_TRY(sort_functions(o, &list));
    in->functions = list.items;
    in->function_count = list.count;
    return PST_OK;
}

object_function *object_function_at(const pst_object *o, uint32_t section, uint32_t slot)
{
    const struct pst_object_internal *in = o->internal;
    uint32_t lo = 0, hi = in->function_count; // the answer is the last one at or before the slot
    while (lo < hi) {
        uint32_t middle = lo + (hi - lo) / 2;
        const object_function *f = &in->functions[middle];
        if (f->section < section || (f->section == section && f->start <= slot)) lo = middle + 1;
        else hi = middle;
    }
    if (lo == 0) return NULL;
    object_function *f = &in->functions[lo - 1];
    return f->section == section && slot - f->start < f->count ? f : NULL;
}

static void mark_called(const pst_object *o, uint32_t section, uint64_t slot)
{
    if (slot >= o->internal->codes[section].count) return;
    object_function *callee = object_function_at(o, section, (uint32_t)slot);
    if (callee && callee->start == slot) callee->called = true;
}

static void mark_called_from(const pst_object *o, uint32_t section)
{
    const object_code *code = &o->internal->codes[section];
    uint32_t next = 0;
    for (uint32_t slot = 0; slot < code->count; slot++) {
        const pst_slot *insn = &code->slots[slot];
        if (next < code->reloc_count && code->relocs[next].slot == slot) { // what such a call leads to, only the relocation knows
            const object_reloc *r = &code->relocs[next++];
            if (r->kind == RELOC_CALL || r->kind == RELOC_FUNC) mark_called(o, r->index, r->offset);
        } else if (insn->opcode == OPCODE_CALL && insn->regs == CALL_SUBPROG << 4) {
            mark_called(o, section, (uint64_t)((int64_t)slot + 1 + insn->imm));
        }
    }
}

pst_status object_find_entries(pst_object *o)
{
    const struct pst_object_internal *in = o->internal;
    uint32_t count = 0;
    for (uint32_t i = 1; i < in->elf.section_count; i++) mark_called_from(o, i);
    for (uint32_t i = 0; i < in->function_count; i++) {
        object_function *f = &in->functions[i];
        f->entry = f->section != in->text && (f->global || !f->called);
        count += f->entry;
    }
    bool text_only = count == 0;
    for (uint32_t i = 0; text_only && i < in->function_count; i++) {
        in->functions[i].entry = in->functions[i].global;
        count += in->functions[i].entry;
    }
    if (count > PST_OBJECT_PROGRAMS_MAX)
        return pst_fail(o->arena.env, PST_E_LIMIT, "%s: %u programs; the limit is %u", o->file, count, PST_OBJECT_PROGRAMS_MAX);
    return PST_OK;
}
