// elf_reader.c: headers, section table, string tables and the symbol table, each bound checked once.
//
// Called by object.c only. Extended section numbering (65,280 sections and more) is refused: no BPF toolchain writes it.
#include "object/elf_reader.h"

#include <string.h>

#include "base/bits.h"
#include "object/index_sort.h"
#include "object/object.h"

#define HEADER_SIZE 64u
#define SECTION_HEADER_SIZE 64u
#define SYMBOL_SIZE 24u
#define MACHINE_BPF 247u
#define MACHINE_NONE 0u // what LLVM wrote before BPF had a number

typedef struct elf_reading {
    pst_arena *arena;
    pst_cursor file;
    pst_elf *elf;
    uint64_t section_off;
    uint16_t section_size, names_section;
} elf_reading;

typedef struct known_number {
    uint32_t number;
    const char *text;
} known_number;

static const char *number_text(const known_number *list, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].number == number) return list[i].text;
    return "another kind";
}

// What people hand to a loader by mistake, told by its first bytes.
static const char *guess_content(const uint8_t *bytes, size_t size)
{
    if (size == 0) return "the file is empty";
    if (size >= 4 && memcmp(bytes, "BC\xc0\xde", 4) == 0) return "it is LLVM bitcode: compile without -emit-llvm";
    if (size >= 2 && memcmp(bytes, "MZ", 2) == 0) return "it is a Windows executable";
    if (size >= 8 && memcmp(bytes, "!<arch>\n", 8) == 0) return "it is an archive: extract its members first";
    if (size < 4 && memcmp(bytes, "\177ELF", size) == 0) return "the file is truncated";
    return "it does not begin with 7f 45 4c 46";
}

static pst_status check_identity(const elf_reading *r)
{
    const pst_env *env = r->arena->env;
    const char *file = r->elf->file;
    const uint8_t *ident = r->file.bytes;
    if (r->file.size < 4 || memcmp(ident, "\177ELF", 4) != 0)
        return pst_fail(env, PST_E_FORMAT, "%s: not an ELF object: %s; compile the source with clang -target bpf -c", file,
                        guess_content(ident, r->file.size));
    if (r->file.size < HEADER_SIZE)
        return pst_fail(env, PST_E_FORMAT, "%s: truncated: %zu bytes, and an ELF header has %u", file, r->file.size, HEADER_SIZE);
    if (ident[4] != 2)
        return pst_fail(env, PST_E_UNSUPPORTED, "%s: ELF class %u instead of 2: eBPF objects are 64-bit; compile with -target bpf", file, ident[4]);
    if (ident[5] != 1)
        return pst_fail(env, PST_E_UNSUPPORTED, "%s: big-endian object (ELF data %u): compile with -target bpfel", file, ident[5]);
    if (ident[6] != 1) return pst_fail(env, PST_E_FORMAT, "%s: ELF version %u instead of 1", file, ident[6]);
    return PST_OK;
}

static pst_status check_kind(const elf_reading *r, uint16_t type, uint16_t machine)
{
    static const known_number types[] = {{2, "an executable"}, {3, "a shared library or executable"}, {4, "a core dump"}};
    static const known_number machines[] = {{3, "x86"}, {40, "ARM"}, {62, "x86-64"}, {183, "arm64"}, {243, "RISC-V"}};
    const pst_env *env = r->arena->env;
    if (machine != MACHINE_BPF && machine != MACHINE_NONE)
        return pst_fail(env, PST_E_UNSUPPORTED, "%s: built for machine %u (%s), not for BPF (%u): compile with clang -target bpf", r->elf->file,
                        machine, number_text(machines, PST_COUNT(machines), machine), MACHINE_BPF);
    if (type != 1)
        return pst_fail(env, PST_E_UNSUPPORTED, "%s: ELF type %u (%s), not a relocatable object: compile with -c and do not link", r->elf->file,
                        type, number_text(types, PST_COUNT(types), type));
    return PST_OK;
}

static pst_status read_header(elf_reading *r)
{
    PST_TRY(check_identity(r));
    pst_cursor c = r->file;
    uint16_t type = 0, machine = 0, count = 0;
    bool ok = pst_cursor_seek(&c, 16) && pst_cursor_u16(&c, &type) && pst_cursor_u16(&c, &machine) && pst_cursor_seek(&c, 40) &&
              pst_cursor_u64(&c, &r->section_off) && pst_cursor_seek(&c, 58) && pst_cursor_u16(&c, &r->section_size) &&
              pst_cursor_u16(&c, &count) && pst_cursor_u16(&c, &r->names_section);
    const pst_env *env = r->arena->env;
    const char *file = r->elf->file;
    if (!ok) return pst_fail(env, PST_E_FORMAT, "%s: truncated inside the ELF header", file);
    PST_TRY(check_kind(r, type, machine));
    if (count == 0 || r->section_size != SECTION_HEADER_SIZE)
        return pst_fail(env, PST_E_FORMAT, "%s: the ELF header declares %u sections of %u bytes each; %u bytes are the rule", file, count,
                        r->section_size, SECTION_HEADER_SIZE);
    pst_cursor table;
    if (!pst_cursor_slice(r->file, r->section_off, (uint64_t)count * SECTION_HEADER_SIZE, &table))
        return pst_fail(env, PST_E_FORMAT,
                        "%s: truncated: the section table (%u entries at offset 0x%llx) reaches beyond the %zu bytes of the file", file, count,
                        (unsigned long long)r->section_off, r->file.size);
    if (r->names_section >= count)
        return pst_fail(env, PST_E_FORMAT, "%s: section names are said to be in section %u of %u", file, r->names_section, count);
    r->elf->section_count = count;
    return PST_OK;
}

static pst_status read_section(elf_reading *r, uint32_t index, uint32_t *name_off)
{
    pst_elf_section *s = &r->elf->sections[index];
    pst_cursor c = r->file;
    uint64_t address, align;
    bool ok = pst_cursor_seek(&c, r->section_off + (uint64_t)index * SECTION_HEADER_SIZE) && pst_cursor_u32(&c, name_off) &&
              pst_cursor_u32(&c, &s->type) && pst_cursor_u64(&c, &s->flags) && pst_cursor_u64(&c, &address) && pst_cursor_u64(&c, &s->offset) &&
              pst_cursor_u64(&c, &s->size) && pst_cursor_u32(&c, &s->link) && pst_cursor_u32(&c, &s->info) && pst_cursor_u64(&c, &align) &&
              pst_cursor_u64(&c, &s->entry_size);
    if (!ok) return pst_fail(r->arena->env, PST_E_FORMAT, "%s: truncated in header %u of the section table", r->elf->file, index);
    if (s->type == PST_SHT_NULL || s->type == PST_SHT_NOBITS) return PST_OK;
    pst_cursor view;
    if (!pst_cursor_slice(r->file, s->offset, s->size, &view))
        return pst_fail(r->arena->env, PST_E_FORMAT,
                        "%s: truncated: section %u (offset 0x%llx, %llu bytes) reaches beyond the %zu bytes of the file", r->elf->file, index,
                        (unsigned long long)s->offset, (unsigned long long)s->size, r->file.size);
    s->bytes = view.bytes;
    return PST_OK;
}

// A name from a string table; *out is "" on failure. Bounded, so that a million names of one endless string cost little.
static bool string_at(const pst_elf_section *table, uint32_t offset, const char **out)
{
    *out = "";
    if (offset == 0 && table->size == 0) return true;
    if (!table->bytes || offset >= table->size) return false;
    const char *start = (const char *)table->bytes + offset;
    size_t left = (size_t)(table->size - offset);
    size_t limit = left < PST_ELF_NAME_MAX ? left : PST_ELF_NAME_MAX;
    for (size_t i = 0; i < limit; i++) {
        unsigned char c = (unsigned char)start[i];
        if (c == 0) {
            *out = start;
            return true;
        }
        if (c < 0x20 || c == 0x7f) return false;
    }
    return false;
}

static bool by_name(const void *user, uint32_t a, uint32_t b)
{
    const pst_elf_section *sections = user;
    return strcmp(sections[a].name, sections[b].name) < 0;
}

static pst_status read_sections(elf_reading *r)
{
    pst_elf *elf = r->elf;
    const pst_env *env = r->arena->env;
    elf->sections = pst_arena_array(r->arena, elf->section_count, sizeof *elf->sections);
    uint32_t *names = pst_arena_array(r->arena, elf->section_count, sizeof *names);
    if (!elf->sections || !names) return pst_fail(env, PST_E_NOMEM, "%s: no memory for %u sections", elf->file, elf->section_count);
    for (uint32_t i = 0; i < elf->section_count; i++) PST_TRY(read_section(r, i, &names[i]));
    for (uint32_t i = 0; i < elf->section_count; i++)
        if (!string_at(&elf->sections[r->names_section], names[i], &elf->sections[i].name))
            return pst_fail(env, PST_E_FORMAT, "%s: the name of section %u (offset 0x%x of section %u) is no text of at most %u bytes", elf->file, i,
                            names[i], r->names_section, PST_ELF_NAME_MAX);
    elf->by_name = index_sorted(r->arena, elf->section_count, by_name, elf->sections);
    return elf->by_name ? PST_OK : pst_fail(env, PST_E_NOMEM, "%s: no memory for %u sections", elf->file, elf->section_count);
}

static pst_status find_symbol_table(const elf_reading *r, uint32_t *out)
{
    const pst_elf *elf = r->elf;
    const pst_env *env = r->arena->env;
    *out = 0;
    for (uint32_t i = 1; i < elf->section_count; i++) {
        if (elf->sections[i].type != PST_SHT_SYMTAB) continue;
        if (*out) return pst_fail(env, PST_E_FORMAT, "%s: two symbol tables, sections %u and %u", elf->file, *out, i);
        *out = i;
    }
    if (!*out)
        return pst_fail(env, PST_E_FORMAT, "%s: no symbol table, so programs have no names: was the object stripped (use llvm-strip -g)?", elf->file);
    const pst_elf_section *table = &elf->sections[*out];
    if (table->entry_size != SYMBOL_SIZE || table->size % SYMBOL_SIZE != 0)
        return pst_fail(env, PST_E_FORMAT, "%s: section %s: %llu bytes in entries of %llu; a symbol has %u", elf->file, table->name,
                        (unsigned long long)table->size, (unsigned long long)table->entry_size, SYMBOL_SIZE);
    if (table->size / SYMBOL_SIZE > PST_ELF_SYMBOLS_MAX)
        return pst_fail(env, PST_E_LIMIT, "%s: section %s: %llu symbols; the limit is %u", elf->file, table->name,
                        (unsigned long long)(table->size / SYMBOL_SIZE), PST_ELF_SYMBOLS_MAX);
    if (table->link == 0 || table->link >= elf->section_count || elf->sections[table->link].type != PST_SHT_STRTAB)
        return pst_fail(env, PST_E_FORMAT, "%s: section %s: its strings are said to be in section %u, which is no string table", elf->file,
                        table->name, table->link);
    return PST_OK;
}

static pst_status read_symbol(const elf_reading *r, pst_cursor *c, uint32_t index, const pst_elf_section *strings)
{
    const pst_elf *elf = r->elf;
    pst_elf_symbol *s = &elf->symbols[index];
    uint32_t name;
    uint8_t info, other;
    uint16_t section;
    if (!pst_cursor_u32(c, &name) || !pst_cursor_u8(c, &info) || !pst_cursor_u8(c, &other) || !pst_cursor_u16(c, &section) ||
        !pst_cursor_u64(c, &s->value) || !pst_cursor_u64(c, &s->size))
        return pst_fail(r->arena->env, PST_E_FORMAT, "%s: truncated in symbol %u", elf->file, index);
    s->type = info & 15u;
    s->bind = (uint8_t)(info >> 4);
    s->visibility = other & 3u;
    s->section = section;
    if (section >= elf->section_count && section < PST_SHN_RESERVED)
        return pst_fail(r->arena->env, PST_E_FORMAT, "%s: symbol %u is said to be in section %u of %u", elf->file, index, section,
                        elf->section_count);
    if (!string_at(strings, name, &s->name))
        return pst_fail(r->arena->env, PST_E_FORMAT, "%s: the name of symbol %u (offset 0x%x of section %s) is no text of at most %u bytes",
                        elf->file, index, name, strings->name, PST_ELF_NAME_MAX);
    return PST_OK;
}

static pst_status read_symbols(elf_reading *r)
{
    pst_elf *elf = r->elf;
    uint32_t index;
    PST_TRY(find_symbol_table(r, &index));
    const pst_elf_section *table = &elf->sections[index];
    uint32_t count = (uint32_t)(table->size / SYMBOL_SIZE);
    elf->symbols = pst_arena_array(r->arena, count, sizeof *elf->symbols);
    if (!elf->symbols) return pst_fail(r->arena->env, PST_E_NOMEM, "%s: no memory for %u symbols", elf->file, count);
    elf->symbol_count = count;
    pst_cursor c = pst_cursor_make(table->bytes, (size_t)table->size);
    for (uint32_t i = 0; i < count; i++) PST_TRY(read_symbol(r, &c, i, &elf->sections[table->link]));
    return PST_OK;
}

pst_status pst_elf_read(pst_arena *arena, const char *file, const void *bytes, size_t size, pst_elf *out)
{
    *out = (pst_elf){.file = file};
    elf_reading r = {.arena = arena, .file = pst_cursor_make(bytes, size), .elf = out};
    if (size > PST_OBJECT_BYTES_MAX)
        return pst_fail(arena->env, PST_E_LIMIT, "%s: %zu bytes; an object may have %u", file, size, PST_OBJECT_BYTES_MAX);
    PST_TRY(read_header(&r));
    PST_TRY(read_sections(&r));
    return read_symbols(&r);
}

uint32_t pst_elf_find_section(const pst_elf *elf, const char *name)
{
    uint32_t lo = 0, hi = elf->section_count; // stable order: the first of a name comes first
    while (lo < hi) {
        uint32_t middle = lo + (hi - lo) / 2;
        if (strcmp(elf->sections[elf->by_name[middle]].name, name) < 0) lo = middle + 1;
        else hi = middle;
    }
    if (lo == elf->section_count) return 0;
    uint32_t found = elf->by_name[lo];
    return strcmp(elf->sections[found].name, name) == 0 ? found : 0;
}

const char *pst_elf_symbol_label(const pst_elf *elf, const pst_elf_symbol *symbol)
{
    if (symbol->name[0]) return symbol->name;
    if (symbol->section < elf->section_count) return elf->sections[symbol->section].name;
    return "(unnamed)";
}
