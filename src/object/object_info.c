// object_info.c: what BTF.ext says about instructions, carried over to where the instructions ended up.
//
// Records are by section and byte offset; programs are made of functions from several sections (object_link.c). Records outside of every
// function (of weak functions that a linker dropped) fall away.
#include "object/object_internal.h"

typedef struct info_filler {
    pst_object *o;
    pst_btf_ext_table table;
} info_filler;

static uint32_t record_offset(const pst_btf_ext_section *s, pst_btf_ext_table table, uint32_t index)
{
    switch (table) {
    case PST_BTF_EXT_FUNCS: return pst_btf_ext_func_at(s, index).insn_off;
    case PST_BTF_EXT_LINES: return pst_btf_ext_line_at(s, index).insn_off;
    case PST_BTF_EXT_RELOS: return pst_btf_ext_relo_at(s, index).insn_off;
    case PST_BTF_EXT_TABLES: break;
    }
    return 0;
}

static const char *table_text(pst_btf_ext_table table)
{
    return table == PST_BTF_EXT_FUNCS ? "function" : table == PST_BTF_EXT_LINES ? "line" : "CO-RE";
}

static pst_status add_rows(const info_filler *f, uint32_t table_section, object_info_table *out)
{
    pst_object *o = f->o;
    pst_btf_ext_section s = pst_btf_ext_section_at(o->internal->ext, f->table, table_section);
    uint32_t section = pst_elf_find_section(&o->internal->elf, s.name);
    if (section == 0 || o->internal->codes[section].count == 0) return PST_OK;
    for (uint32_t i = 0; i < s.count; i++) {
        uint32_t offset = record_offset(&s, f->table, i);
        if (offset % PST_SLOT_SIZE != 0)
            return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section .BTF.ext: %s record %u of section %s is for offset 0x%x, where no instruction begins",
                            o->file, table_text(f->table), i, s.name, offset);
        out->rows[out->count++] = (object_info_row){.section = section, .slot = offset / PST_SLOT_SIZE, .table_section = table_section, .record = i};
    }
    return PST_OK;
}

static bool by_place(const void *user, uint32_t a, uint32_t b)
{
    const object_info_row *rows = user;
    return rows[a].section != rows[b].section ? rows[a].section < rows[b].section : rows[a].slot < rows[b].slot;
}

static pst_status read_table(pst_object *o, pst_btf_ext_table table)
{
    const pst_btf_ext *ext = o->internal->ext;
    object_info_table unsorted = {0}, *out = &o->internal->info[table];
    info_filler f = {.o = o, .table = table};
    uint32_t sections = pst_btf_ext_section_count(ext, table);
    size_t capacity = 0;
    for (uint32_t i = 0; i < sections; i++) capacity += pst_btf_ext_section_at(ext, table, i).count;
    unsorted.rows = pst_arena_array(&o->arena, capacity, sizeof *unsorted.rows);
    if (!unsorted.rows) return object_no_memory(o, "BTF.ext");
    for (uint32_t i = 0; i < sections; i++) PST_TRY(add_rows(&f, i, &unsorted));
    uint32_t *order = index_sorted(&o->arena, unsorted.count, by_place, unsorted.rows);
    out->rows = pst_arena_array(&o->arena, unsorted.count, sizeof *out->rows);
    if (!order || !out->rows) return object_no_memory(o, "BTF.ext");
    out->count = unsorted.count;
    for (uint32_t i = 0; i < out->count; i++) out->rows[i] = unsorted.rows[order[i]];
    return PST_OK;
}

uint32_t object_first_row(const object_info_table *table, uint32_t section, uint32_t slot)
{
    uint32_t lo = 0, hi = table->count;
    while (lo < hi) {
        uint32_t middle = lo + (hi - lo) / 2;
        const object_info_row *row = &table->rows[middle];
        if (row->section != section ? row->section < section : row->slot < slot) lo = middle + 1;
        else hi = middle;
    }
    return lo;
}

// One row for each function of the program; its type is 0 when BTF.ext does not know it.
static pst_status map_funcs(pst_object *o, uint32_t program)
{
    const struct pst_object_internal *in = o->internal;
    const object_info_table *table = &in->info[PST_BTF_EXT_FUNCS];
    const object_parts *parts = &in->parts[program];
    pst_object_func *funcs = pst_arena_array(&o->arena, parts->count, sizeof *funcs);
    if (!funcs) return object_no_memory(o, "function information");
    for (uint32_t i = 0; i < parts->count; i++) {
        const object_function *f = &in->functions[parts->list[i].function];
        funcs[i] = (pst_object_func){.pc = parts->list[i].at, .name = f->name};
        uint32_t at = object_first_row(table, f->section, f->start);
        if (at == table->count || table->rows[at].section != f->section || table->rows[at].slot != f->start) continue;
        pst_btf_ext_section s = pst_btf_ext_section_at(in->ext, PST_BTF_EXT_FUNCS, table->rows[at].table_section);
        funcs[i].btf_type = pst_btf_ext_func_at(&s, table->rows[at].record).type;
        if (pst_btf_get(o->btf, funcs[i].btf_type).kind != PST_BTF_FUNC)
            return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section .BTF.ext: function %s (section %s) is said to be of type %u, which is no function",
                            o->file, f->name, s.name, funcs[i].btf_type);
    }
    o->programs[program].funcs = funcs;
    o->programs[program].func_count = parts->count;
    return PST_OK;
}

// Rows of one function, each slot at most once, rising.
static uint32_t copy_lines(const pst_object *o, const object_part *part, pst_object_line *out)
{
    const struct pst_object_internal *in = o->internal;
    const object_info_table *table = &in->info[PST_BTF_EXT_LINES];
    const object_function *f = &in->functions[part->function];
    uint32_t count = 0, last = UINT32_MAX;
    for (uint32_t i = object_first_row(table, f->section, f->start); i < table->count; i++) {
        const object_info_row *row = &table->rows[i];
        if (row->section != f->section || row->slot >= f->start + f->count) break;
        if (row->slot == last) continue;
        last = row->slot;
        if (out) {
            pst_btf_ext_section s = pst_btf_ext_section_at(in->ext, PST_BTF_EXT_LINES, row->table_section);
            pst_btf_ext_line line = pst_btf_ext_line_at(&s, row->record);
            out[count] = (pst_object_line){.pc = part->at + (row->slot - f->start), .file_off = line.file_off, .text_off = line.text_off,
                                           .line = line.line, .column = line.column};
        }
        count++;
    }
    return count;
}

static pst_status map_lines(pst_object *o, uint32_t program)
{
    const object_parts *parts = &o->internal->parts[program];
    pst_object_program *p = &o->programs[program];
    uint32_t count = 0;
    for (uint32_t i = 0; i < parts->count; i++) count += copy_lines(o, &parts->list[i], NULL);
    if (count == 0) return PST_OK;
    pst_object_line *lines = pst_arena_array(&o->arena, count, sizeof *lines);
    if (!lines) return object_no_memory(o, "line information");
    for (uint32_t i = 0; i < parts->count; i++) p->line_count += copy_lines(o, &parts->list[i], lines + p->line_count);
    p->lines = lines;
    return PST_OK;
}

pst_status object_map_info(pst_object *o)
{
    const struct pst_object_internal *in = o->internal;
    for (uint32_t table = 0; in->ext && table < PST_BTF_EXT_TABLES; table++) PST_TRY(read_table(o, (pst_btf_ext_table)table));
    o->core_count = in->info[PST_BTF_EXT_RELOS].count;
    for (uint32_t i = 0; i < o->program_count; i++) {
        PST_TRY(map_funcs(o, i));
        PST_TRY(map_lines(o, i));
    }
    return PST_OK;
}
