// object_btf.c: the object's BTF, made fit for the core: what only the ELF file knows is written into it.
//
// clang leaves sizes and offsets of DATASEC variables 0, marks externs as extern, and knows nothing of hidden symbols. As libbpf does, this
// file fills in sizes and offsets, sorts variables by offset, lays out .kconfig and .ksyms as if they were variables, and makes
// hidden functions and variables static. The result is in pst_object.btf_bytes, and parsed again in pst_object.btf.
// It works on raw bytes that pst_btf_parse accepted, so record sizes and ids are known to be good.
// Source: the kernel's Documentation/bpf/btf.rst; the fix-ups are what libbpf and the kernel agree on.
#include <string.h>

#include "base/bits.h"
#include "btf/btf_internal.h"
#include "object/object_internal.h"

#define BTF_HEADER_MIN 24u
#define RECORD 12u          // fixed part of a type
#define DATASEC_ENTRY 12u   // type, offset, size
#define LINKAGE_STATIC 0u
#define LINKAGE_GLOBAL 1u
#define LINKAGE_EXTERN 2u

typedef struct btf_fixing {
    pst_object *o;
    const pst_btf *btf; // as in the file
    uint8_t *bytes;     // being fixed
    uint32_t size, types, types_size, strings, strings_size; // offsets of the two parts from the start
    uint32_t *at;       // by type id: offset of its record
    uint32_t *symbols;  // global objects, by name
    uint32_t symbol_count;
    uint32_t *extern_of; // by type id: extern + 1
    uint32_t stand_in_name; // offset of the name of the variable that add_stand_in appended
} btf_fixing;

static uint64_t record_extra(pst_btf_kind kind, uint32_t count)
{
    uint32_t step = btf_item_size(kind);
    if (step) return (uint64_t)step * count;
    if (kind == PST_BTF_ARRAY) return 12;
    return kind == PST_BTF_INT || kind == PST_BTF_VAR || kind == PST_BTF_DECL_TAG ? 4 : 0;
}

static pst_status locate_records(btf_fixing *f)
{
    pst_object *o = f->o;
    uint32_t count = pst_btf_count(f->btf);
    uint32_t header = pst_load32(f->bytes + 4);
    f->types = header + pst_load32(f->bytes + 8);
    f->types_size = pst_load32(f->bytes + 12);
    f->strings = header + pst_load32(f->bytes + 16);
    f->strings_size = pst_load32(f->bytes + 20);
    f->at = pst_arena_array(&o->arena, count, sizeof *f->at);
    f->extern_of = pst_arena_array(&o->arena, count, sizeof *f->extern_of);
    if (!f->at || !f->extern_of) return object_no_memory(o, "BTF");
    for (uint32_t i = 0; i < o->extern_count; i++) f->extern_of[o->externs[i].btf_id] = i + 1;
    uint64_t at = f->types;
    for (uint32_t id = 1; id < count; id++) {
        if (at + RECORD > f->size) return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section .BTF: type %u is truncated", o->file, id);
        f->at[id] = (uint32_t)at;
        uint32_t info = pst_load32(f->bytes + at + 4);
        at += RECORD + record_extra((pst_btf_kind)(info >> 24 & 31u), info & 0xffffu);
        if (at > f->size) return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section .BTF: type %u is truncated", o->file, id);
    }
    return PST_OK;
}

static bool by_symbol_name(const void *user, uint32_t a, uint32_t b)
{
    const pst_elf_symbol *symbols = user;
    return strcmp(symbols[a].name, symbols[b].name) < 0;
}

static pst_status index_variables(btf_fixing *f)
{
    pst_object *o = f->o;
    const pst_elf *elf = &o->internal->elf;
    uint32_t *scratch = pst_arena_array(&o->arena, elf->symbol_count, sizeof *scratch);
    f->symbols = pst_arena_array(&o->arena, elf->symbol_count, sizeof *f->symbols);
    if (!scratch || !f->symbols) return object_no_memory(o, "symbols");
    for (uint32_t i = 0; i < elf->symbol_count; i++)
        if (elf->symbols[i].type == PST_STT_OBJECT && elf->symbols[i].bind != PST_STB_LOCAL) f->symbols[f->symbol_count++] = i;
    index_sort(f->symbols, scratch, f->symbol_count, by_symbol_name, elf->symbols);
    return PST_OK;
}

static const pst_elf_symbol *find_variable(const btf_fixing *f, const char *name)
{
    const pst_elf_symbol *symbols = f->o->internal->elf.symbols;
    uint32_t lo = 0, hi = f->symbol_count;
    while (lo < hi) {
        uint32_t middle = lo + (hi - lo) / 2;
        if (strcmp(symbols[f->symbols[middle]].name, name) < 0) lo = middle + 1;
        else hi = middle;
    }
    if (lo == f->symbol_count || strcmp(symbols[f->symbols[lo]].name, name) != 0) return NULL;
    return &symbols[f->symbols[lo]];
}

static uint8_t *entry_at(const btf_fixing *f, uint32_t id, uint32_t index)
{
    return f->bytes + f->at[id] + RECORD + DATASEC_ENTRY * index;
}

static void set_linkage(const btf_fixing *f, uint32_t id, pst_btf_kind kind, uint32_t linkage)
{
    uint8_t *record = f->bytes + f->at[id];
    if (kind == PST_BTF_VAR) pst_store32(record + RECORD, linkage);
    else pst_store32(record + 4, (pst_load32(record + 4) & ~0xffffu) | linkage);
}

// One variable of a section that the compiler laid out.
static pst_status fix_variable(btf_fixing *f, const pst_btf_type *section, uint32_t index, bool set_offset)
{
    pst_object *o = f->o;
    pst_btf_member entry = pst_btf_member_at(f->btf, section->id, index);
    pst_btf_type variable = pst_btf_get(f->btf, entry.type);
    if (variable.kind != PST_BTF_VAR)
        return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section .BTF: entry %u of DATASEC %s (type %u) is no variable", o->file, index,
                        section->name, variable.id);
    if (variable.linkage == LINKAGE_STATIC || variable.linkage == LINKAGE_EXTERN) return PST_OK;
    const pst_elf_symbol *symbol = find_variable(f, variable.name);
    if (!symbol)
        return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section .BTF: variable %s of DATASEC %s has no symbol in the file", o->file,
                        variable.name, section->name);
    if (set_offset) {
        if (symbol->value > UINT32_MAX)
            return pst_fail(o->arena.env, PST_E_FORMAT, "%s: symbol %s: offset 0x%llx is beyond 32 bits", o->file, symbol->name,
                            (unsigned long long)symbol->value);
        pst_store32(entry_at(f, section->id, index) + 4, (uint32_t)symbol->value);
    }
    if (symbol->visibility == PST_STV_HIDDEN || symbol->visibility == PST_STV_INTERNAL) set_linkage(f, variable.id, PST_BTF_VAR, LINKAGE_STATIC);
    return PST_OK;
}

static bool by_entry_offset(const void *user, uint32_t a, uint32_t b)
{
    const uint8_t *entries = user;
    return pst_load32(entries + DATASEC_ENTRY * a + 4) < pst_load32(entries + DATASEC_ENTRY * b + 4);
}

static pst_status sort_entries(btf_fixing *f, uint32_t id, uint32_t count)
{
    uint8_t *entries = entry_at(f, id, 0);
    uint8_t *copy = pst_arena_array(&f->o->arena, count, DATASEC_ENTRY);
    if (!copy) return object_no_memory(f->o, "BTF");
    memcpy(copy, entries, (size_t)count * DATASEC_ENTRY);
    uint32_t *order = index_sorted(&f->o->arena, count, by_entry_offset, copy);
    if (!order) return object_no_memory(f->o, "BTF");
    for (uint32_t i = 0; i < count; i++) memcpy(entries + (size_t)DATASEC_ENTRY * i, copy + (size_t)DATASEC_ENTRY * order[i], DATASEC_ENTRY);
    return PST_OK;
}

static pst_status fix_plain_section(btf_fixing *f, const pst_btf_type *section)
{
    const pst_elf *elf = &f->o->internal->elf;
    uint32_t index = pst_elf_find_section(elf, section->name);
    bool set_offset = section->size == 0;
    if (set_offset) {
        uint64_t size = index ? elf->sections[index].size : 0;
        if (size == 0 || size > UINT32_MAX)
            return pst_fail(f->o->arena.env, PST_E_FORMAT, "%s: section .BTF: DATASEC %s (type %u) has no section of that name and size in the file",
                            f->o->file, section->name, section->id);
        pst_store32(f->bytes + f->at[section->id] + 8, (uint32_t)size);
    }
    for (uint32_t i = 0; i < section->count; i++) PST_TRY(fix_variable(f, section, i, set_offset));
    return sort_entries(f, section->id, section->count);
}

static pst_status fix_kconfig_section(btf_fixing *f, const pst_btf_type *section)
{
    const pst_object *o = f->o;
    uint32_t end = 0;
    for (uint32_t i = 0; i < o->extern_count; i++)
        if (o->externs[i].kind == PST_EXTERN_KCONFIG) end = o->internal->details[i].offset + o->internal->details[i].size;
    pst_store32(f->bytes + f->at[section->id] + 8, end);
    for (uint32_t i = 0; i < section->count; i++) {
        uint32_t type = pst_btf_member_at(f->btf, section->id, i).type;
        uint32_t index = f->extern_of[type];
        if (index == 0) continue; // declared, never used: the compiler dropped its symbol
        set_linkage(f, type, PST_BTF_VAR, LINKAGE_GLOBAL);
        pst_store32(entry_at(f, section->id, i) + 4, o->internal->details[index - 1].offset);
    }
    return sort_entries(f, section->id, section->count);
}

static uint32_t find_int32(const pst_btf *btf)
{
    for (uint32_t id = 1; id < pst_btf_count(btf); id++) {
        pst_btf_type t = pst_btf_get(btf, id);
        if (t.kind == PST_BTF_INT && t.int_bits == 32) return id;
    }
    return 0;
}

// The parameters of an extern function have no names, and the core (as Linux) wants some: the invented variable's will do.
static void name_parameters(const btf_fixing *f, uint32_t prototype)
{
    uint8_t *parameters = f->bytes + f->at[prototype] + RECORD;
    uint32_t count = pst_btf_get(f->btf, prototype).count;
    for (uint32_t i = 0; i < count; i++, parameters += 8)
        if (pst_load32(parameters) == 0 && pst_load32(parameters + 4) != 0) pst_store32(parameters, f->stand_in_name);
}

// .ksyms becomes a section of 4-byte integers; functions in it are stood for by one invented variable, since a DATASEC holds variables only.
static pst_status fix_ksyms_section(btf_fixing *f, const pst_btf_type *section, uint32_t stand_in)
{
    uint32_t int32 = find_int32(f->btf);
    if (!int32)
        return pst_fail(f->o->arena.env, PST_E_UNSUPPORTED, "%s: section .BTF: DATASEC .ksyms needs a 32-bit integer type, and the object has none",
                        f->o->file);
    for (uint32_t i = 0; i < section->count; i++) {
        pst_btf_type t = pst_btf_get(f->btf, pst_btf_member_at(f->btf, section->id, i).type);
        uint8_t *entry = entry_at(f, section->id, i);
        if (t.kind == PST_BTF_FUNC) {
            set_linkage(f, t.id, PST_BTF_FUNC, LINKAGE_GLOBAL);
            if (pst_btf_get(f->btf, t.type).kind == PST_BTF_FUNC_PROTO) name_parameters(f, t.type);
            pst_store32(entry, stand_in);
        } else if (t.kind == PST_BTF_VAR) {
            set_linkage(f, t.id, PST_BTF_VAR, LINKAGE_GLOBAL);
            pst_store32(f->bytes + f->at[t.id] + 8, int32);
        }
        pst_store32(entry + 4, i * 4);
        pst_store32(entry + 8, 4);
    }
    pst_store32(f->bytes + f->at[section->id] + 8, section->count * 4);
    return PST_OK;
}

static bool ksyms_has_function(const btf_fixing *f, uint32_t id)
{
    pst_btf_type section = pst_btf_get(f->btf, id);
    for (uint32_t i = 0; i < section.count; i++)
        if (pst_btf_get(f->btf, pst_btf_member_at(f->btf, id, i).type).kind == PST_BTF_FUNC) return true;
    return false;
}

// Appends "VAR dummy_ksym" behind all types and its name behind all strings. Offsets of existing records stay.
static pst_status add_stand_in(btf_fixing *f)
{
    static const char name[] = "dummy_ksym";
    pst_object *o = f->o;
    uint64_t size = BTF_HEADER_MIN + (uint64_t)f->types_size + 16 + f->strings_size + sizeof name;
    uint8_t *bytes = size <= UINT32_MAX ? pst_arena_alloc(&o->arena, (size_t)size) : NULL;
    if (!bytes) return object_no_memory(o, "BTF");
    memcpy(bytes, f->bytes, 4);
    pst_store32(bytes + 4, BTF_HEADER_MIN);
    pst_store32(bytes + 8, 0);
    pst_store32(bytes + 12, f->types_size + 16);
    pst_store32(bytes + 16, f->types_size + 16);
    pst_store32(bytes + 20, f->strings_size + (uint32_t)sizeof name);
    uint8_t *record = bytes + BTF_HEADER_MIN + f->types_size;
    memcpy(bytes + BTF_HEADER_MIN, f->bytes + f->types, f->types_size);
    memcpy(record + 16, f->bytes + f->strings, f->strings_size);
    memcpy(record + 16 + f->strings_size, name, sizeof name);
    f->stand_in_name = f->strings_size;
    pst_store32(record, f->stand_in_name);
    pst_store32(record + 4, (uint32_t)PST_BTF_VAR << 24);
    pst_store32(record + 8, find_int32(f->btf));
    pst_store32(record + RECORD, LINKAGE_GLOBAL);
    for (uint32_t id = 1; id < pst_btf_count(f->btf); id++) f->at[id] = f->at[id] - f->types + BTF_HEADER_MIN;
    f->bytes = bytes;
    f->size = (uint32_t)size;
    f->types = BTF_HEADER_MIN;
    f->types_size += 16;
    return PST_OK;
}

static pst_status fix_sections(btf_fixing *f)
{
    uint32_t stand_in = 0, ksyms = pst_btf_find(f->btf, ".ksyms", PST_BTF_DATASEC);
    if (ksyms && ksyms_has_function(f, ksyms)) {
        PST_TRY(add_stand_in(f));
        stand_in = pst_btf_count(f->btf);
    }
    for (uint32_t id = 1; id < pst_btf_count(f->btf); id++) {
        pst_btf_type t = pst_btf_get(f->btf, id);
        if (t.kind != PST_BTF_DATASEC) continue;
        if (strcmp(t.name, ".kconfig") == 0) PST_TRY(fix_kconfig_section(f, &t));
        else if (id == ksyms) PST_TRY(fix_ksyms_section(f, &t, stand_in));
        else if (strcmp(t.name, ".ksyms") != 0) PST_TRY(fix_plain_section(f, &t));
    }
    return PST_OK;
}

// A hidden global function is verified with its callers, like a static one.
static void fix_hidden_functions(const btf_fixing *f)
{
    const struct pst_object_internal *in = f->o->internal;
    for (uint32_t i = 0; i < in->function_count; i++) {
        const object_function *function = &in->functions[i];
        uint32_t id = function->hidden && function->global && function->section == in->text ? pst_btf_find(f->btf, function->name, PST_BTF_FUNC) : 0;
        if (id) set_linkage(f, id, PST_BTF_FUNC, LINKAGE_STATIC);
    }
}

static pst_status fix_and_parse(pst_object *o, const pst_btf *btf, const pst_elf_section *s)
{
    btf_fixing f = {.o = o, .btf = btf, .size = (uint32_t)s->size};
    f.bytes = pst_arena_alloc(&o->arena, (size_t)s->size);
    if (!f.bytes) return object_no_memory(o, "BTF");
    memcpy(f.bytes, s->bytes, (size_t)s->size);
    PST_TRY(locate_records(&f));
    PST_TRY(index_variables(&f));
    PST_TRY(fix_sections(&f));
    fix_hidden_functions(&f);
    o->btf_bytes = f.bytes;
    o->btf_size = f.size;
    PST_TRY(pst_btf_parse(o->arena.env, f.bytes, f.size, pst_arena_format(&o->arena, "%s: section .BTF", o->file), &o->btf));
    pst_btf_set_pointer_size(o->btf, 8);
    return PST_OK;
}

pst_status object_read_btf(pst_object *o)
{
    const pst_elf *elf = &o->internal->elf;
    const pst_elf_section *s = &elf->sections[pst_elf_find_section(elf, ".BTF")];
    if (!s->bytes || s->size == 0) return object_collect_externs(o, NULL);
    const char *what = pst_arena_format(&o->arena, "%s: section .BTF", o->file);
    if (!what) return object_no_memory(o, "BTF");
    pst_btf *btf;
    PST_TRY(pst_btf_parse(o->arena.env, s->bytes, (size_t)s->size, what, &btf));
    pst_btf_set_pointer_size(btf, 8);
    pst_status status = object_collect_externs(o, btf);
    if (status == PST_OK) status = fix_and_parse(o, btf, s);
    pst_btf_free(btf);
    if (status != PST_OK) return status;
    const pst_elf_section *ext = &elf->sections[pst_elf_find_section(elf, ".BTF.ext")];
    if (!ext->bytes || ext->size == 0) return PST_OK;
    what = pst_arena_format(&o->arena, "%s: section .BTF.ext", o->file);
    if (!what) return object_no_memory(o, "BTF");
    return pst_btf_ext_parse(o->arena.env, o->btf, ext->bytes, (size_t)ext->size, what, &o->internal->ext);
}
