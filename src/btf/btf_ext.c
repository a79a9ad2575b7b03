// btf_ext.c: reads .BTF.ext.
//
// Called by the loader, once an object. Invariant on success: each section's records lie inside the copy of the bytes, are at least as
// long as the record that we know, and hold only types that exist.
//
// Layout: header; then each table: record size u32, followed by {section name u32, count u32, records} until the table's end.
#include "btf/btf_ext.h"

#include <string.h>

#include "base/bits.h"
#include "base/cursor.h"

#define EXT_HEADER_FIRST 24u // of the first version: two tables
#define EXT_HEADER_RELOS 32u

struct pst_btf_ext {
    const pst_env *env;
    uint8_t *bytes;
    size_t size;
    pst_btf_ext_section *sections[PST_BTF_EXT_TABLES];
    size_t capacities[PST_BTF_EXT_TABLES];
    uint32_t counts[PST_BTF_EXT_TABLES];
};

typedef struct table_rule {
    const char *name;
    uint32_t record_size; // of the oldest version
    bool typed;           // the second word is a type
} table_rule;

static const table_rule g_rules[PST_BTF_EXT_TABLES] = {
    [PST_BTF_EXT_FUNCS] = {"func info", 8, true},
    [PST_BTF_EXT_LINES] = {"line info", 16, false},
    [PST_BTF_EXT_RELOS] = {"CO-RE", 16, true},
};

typedef struct reader {
    pst_btf_ext *ext;
    const pst_btf *btf;
    const char *what;
    pst_btf_ext_table table;
} reader;

static pst_status malformed(const reader *r, const char *why)
{
    return pst_fail(r->ext->env, PST_E_FORMAT, "%s: the %s of .BTF.ext %s", r->what, g_rules[r->table].name, why);
}

static pst_status check_types(const reader *r, const pst_btf_ext_section *section)
{
    for (uint32_t i = 0; i < section->count; i++) {
        uint32_t type = pst_load32(section->records + (size_t)i * section->record_size + 4);
        if (type < pst_btf_count(r->btf)) continue;
        return pst_fail(r->ext->env, PST_E_FORMAT, "%s: record %u of the %s for section %s holds type %u, which does not exist", r->what, i,
                        g_rules[r->table].name, section->name, type);
    }
    return PST_OK;
}

static pst_status read_section(const reader *r, pst_cursor *c, uint32_t record_size)
{
    pst_btf_ext *ext = r->ext;
    uint32_t name_off, count;
    pst_btf_ext_section section = {.record_size = record_size};
    if (!pst_cursor_u32(c, &name_off) || !pst_cursor_u32(c, &count) || !pst_cursor_bytes(c, (uint64_t)count * record_size, &section.records))
        return malformed(r, "is cut off");
    section.name = pst_btf_string(r->btf, name_off);
    section.count = count;
    if (!*section.name) return malformed(r, "names a section outside of the BTF's strings");
    if (count == 0) return malformed(r, "has a section without records");
    if (g_rules[r->table].typed) PST_TRY(check_types(r, &section));
    if (ext->counts[r->table] == PST_BTF_EXT_SECTIONS_MAX)
        return pst_fail(ext->env, PST_E_LIMIT, "%s: more than %u sections in .BTF.ext", r->what, PST_BTF_EXT_SECTIONS_MAX);
    PST_TRY(pst_grow(ext->env, &ext->sections[r->table], &ext->capacities[r->table], (size_t)ext->counts[r->table] + 1, sizeof section));
    ext->sections[r->table][ext->counts[r->table]++] = section;
    return PST_OK;
}

static pst_status read_table(const reader *r, pst_cursor body, uint32_t offset, uint32_t length)
{
    pst_cursor c;
    uint32_t record_size;
    if (length == 0) return PST_OK;
    if (offset % 4 != 0) return malformed(r, "does not begin at a multiple of 4");
    if (!pst_cursor_slice(body, offset, length, &c)) return malformed(r, "lies behind the end");
    if (!pst_cursor_u32(&c, &record_size)) return malformed(r, "is cut off");
    if (record_size < g_rules[r->table].record_size || record_size % 4 != 0) return malformed(r, "has records of an impossible size");
    while (pst_cursor_left(&c) > 0) PST_TRY(read_section(r, &c, record_size));
    return PST_OK;
}

static pst_status read_tables(reader *r)
{
    const pst_btf_ext *ext = r->ext;
    pst_cursor c = pst_cursor_make(ext->bytes, ext->size), body;
    uint16_t magic;
    uint8_t version, flags;
    uint32_t header, offset, length;
    if (!pst_cursor_u16(&c, &magic) || !pst_cursor_u8(&c, &version) || !pst_cursor_u8(&c, &flags) || !pst_cursor_u32(&c, &header))
        return pst_fail(ext->env, PST_E_FORMAT, "%s: %zu bytes are too few for a .BTF.ext header", r->what, ext->size);
    if (magic == 0x9feb) return pst_fail(ext->env, PST_E_UNSUPPORTED, "%s: .BTF.ext is big-endian", r->what);
    if (magic != 0xeb9f) return pst_fail(ext->env, PST_E_FORMAT, "%s: .BTF.ext begins with 0x%04x, not 0xeb9f", r->what, magic);
    if (version != 1) return pst_fail(ext->env, PST_E_UNSUPPORTED, "%s: .BTF.ext version %u, only 1 is known", r->what, version);
    if (header < EXT_HEADER_FIRST || header > ext->size || !pst_cursor_slice(c, header, ext->size - header, &body))
        return pst_fail(ext->env, PST_E_FORMAT, "%s: a .BTF.ext header of %u bytes does not fit", r->what, header);
    uint32_t tables = header >= EXT_HEADER_RELOS ? PST_BTF_EXT_TABLES : PST_BTF_EXT_RELOS;
    for (uint32_t i = 0; i < tables; i++) {
        r->table = (pst_btf_ext_table)i;
        if (!pst_cursor_u32(&c, &offset) || !pst_cursor_u32(&c, &length)) return malformed(r, "is cut off");
        PST_TRY(read_table(r, body, offset, length));
    }
    return PST_OK;
}

static pst_status parse(reader *r, const void *bytes, size_t size)
{
    pst_btf_ext *ext = r->ext;
    if (size > PST_BTF_BYTES_MAX) return pst_fail(ext->env, PST_E_LIMIT, "%s: .BTF.ext of more than %u bytes", r->what, PST_BTF_BYTES_MAX);
    ext->bytes = pst_alloc(ext->env, size);
    if (!ext->bytes) return PST_E_NOMEM;
    ext->size = size;
    if (size > 0) memcpy(ext->bytes, bytes, size);
    return read_tables(r);
}

pst_status pst_btf_ext_parse(const pst_env *env, const pst_btf *btf, const void *bytes, size_t size, const char *what, pst_btf_ext **out)
{
    pst_btf_ext *ext = pst_alloc_zero(env, 1, sizeof *ext);
    *out = NULL;
    if (!ext) return pst_fail(env, PST_E_NOMEM, "%s: no memory for its .BTF.ext", what);
    ext->env = env;
    reader r = {.ext = ext, .btf = btf, .what = what};
    pst_status status = parse(&r, bytes, size);
    if (status == PST_E_NOMEM) pst_log(env, PST_LOG_ERROR, "%s: no memory for its .BTF.ext", what);
    if (status != PST_OK) pst_btf_ext_free(ext);
    else *out = ext;
    return status;
}

void pst_btf_ext_free(pst_btf_ext *ext)
{
    if (!ext) return;
    const pst_env *env = ext->env;
    for (unsigned i = 0; i < PST_BTF_EXT_TABLES; i++) pst_free(env, ext->sections[i], ext->capacities[i] * sizeof *ext->sections[i]);
    pst_free(env, ext->bytes, ext->size);
    pst_free(env, ext, sizeof *ext);
}

uint32_t pst_btf_ext_section_count(const pst_btf_ext *ext, pst_btf_ext_table table)
{
    return ext->counts[table];
}

pst_btf_ext_section pst_btf_ext_section_at(const pst_btf_ext *ext, pst_btf_ext_table table, uint32_t index)
{
    return ext->sections[table][index];
}

pst_btf_ext_func pst_btf_ext_func_at(const pst_btf_ext_section *section, uint32_t index)
{
    const uint8_t *at = section->records + (size_t)index * section->record_size;
    return (pst_btf_ext_func){.insn_off = pst_load32(at), .type = pst_load32(at + 4)};
}

// The last word holds the line in its upper 22 bits and the column in the other 10.
pst_btf_ext_line pst_btf_ext_line_at(const pst_btf_ext_section *section, uint32_t index)
{
    const uint8_t *at = section->records + (size_t)index * section->record_size;
    uint32_t place = pst_load32(at + 12);
    return (pst_btf_ext_line){
        .insn_off = pst_load32(at), .file_off = pst_load32(at + 4), .text_off = pst_load32(at + 8), .line = place >> 10, .column = place & 0x3ff};
}

pst_btf_ext_relo pst_btf_ext_relo_at(const pst_btf_ext_section *section, uint32_t index)
{
    const uint8_t *at = section->records + (size_t)index * section->record_size;
    return (pst_btf_ext_relo){.insn_off = pst_load32(at), .type = pst_load32(at + 4), .access_off = pst_load32(at + 8), .kind = pst_load32(at + 12)};
}
