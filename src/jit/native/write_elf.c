// write_elf.c: the module as an ELF shared object. Source: System V gABI, chapters 4 and 5; ELF x86-64 and AArch64 supplements for the numbers.
//
// Four segments, at the same addresses as in the file:
//   read only   headers, .hash, .dynsym, .dynstr, .postern (the description)
//   executable  .text: all programs
//   writable    .dynamic, .data: the table of addresses
//   and for tools, in no segment: .symtab, .strtab (a function symbol a subprogram), .shstrtab, the section headers
// There are no relocations, no needed libraries and no functions that run when it is loaded.
#include "jit/native/module_internal.h"

#define EHDR 64u
#define PHDR 56u
#define SHDR 64u
#define SYM 24u
#define EM_X86_64 62u
#define EM_AARCH64 183u
#define PT_LOAD 1u
#define PT_DYNAMIC 2u
#define PT_GNU_STACK 0x6474e551u
#define PF_X 1u
#define PF_W 2u
#define PF_R 4u
#define SHT_PROGBITS 1u
#define SHT_SYMTAB 2u
#define SHT_STRTAB 3u
#define SHT_HASH 5u
#define SHT_DYNAMIC 6u
#define SHT_DYNSYM 11u
#define SHF_WRITE 1u
#define SHF_ALLOC 2u
#define SHF_EXECINSTR 4u
#define DT_NULL 0u
#define DT_HASH 4u
#define DT_STRTAB 5u
#define DT_SYMTAB 6u
#define DT_STRSZ 10u
#define DT_SYMENT 11u
#define SEGMENTS 5u

// Sections, in the order of their headers.
#define SECTION_LIST(X)                                                                        \
    X(NONE, "", 0, 0, 0, 0, 0)                                                                 \
    X(HASH, ".hash", SHT_HASH, SHF_ALLOC, SECTION_DYNSYM, 4, 8)                                \
    X(DYNSYM, ".dynsym", SHT_DYNSYM, SHF_ALLOC, SECTION_DYNSTR, SYM, 8)                        \
    X(DYNSTR, ".dynstr", SHT_STRTAB, SHF_ALLOC, 0, 0, 1)                                       \
    X(POSTERN, ".postern", SHT_PROGBITS, SHF_ALLOC, 0, 0, 8)                                   \
    X(TEXT, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0, 0, NATIVE_CODE_ALIGN)         \
    X(DYNAMIC, ".dynamic", SHT_DYNAMIC, SHF_ALLOC | SHF_WRITE, SECTION_DYNSTR, 16, 8)          \
    X(DATA, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0, 0, 8)                             \
    X(SYMTAB, ".symtab", SHT_SYMTAB, 0, SECTION_STRTAB, SYM, 8)                                \
    X(STRTAB, ".strtab", SHT_STRTAB, 0, 0, 0, 1)                                               \
    X(SHSTRTAB, ".shstrtab", SHT_STRTAB, 0, 0, 0, 1)

enum {
#define X(name, text, type, flags, link, entry, align) SECTION_##name,
    SECTION_LIST(X)
#undef X
    SECTIONS,
};

typedef struct section {
    const char *name;
    uint32_t type, flags, link, entry, align;
    uint64_t at, size; // in the file, and in memory where it is there
    uint32_t info;
    uint32_t name_at;
} section;

typedef struct elf {
    const pst_native *native;
    const pst_text *description;
    pst_text *out;
    size_t base; // of the file in out
    uint32_t page;
    section sections[SECTIONS];
} elf;

static void begin(elf *e, unsigned which)
{
    native_pad(e->out, e->sections[which].align, 0);
    e->sections[which].at = e->out->size - e->base;
}

static void end(elf *e, unsigned which) { e->sections[which].size = e->out->size - e->base - e->sections[which].at; }

// --- Names and symbols ----------------------------------------------------------------------------------------

// Exported names, in .dynstr's order: offset of each is known from here.
static const char *const exported[] = {NATIVE_SYMBOL_MODULE, NATIVE_SYMBOL_CODE, NATIVE_SYMBOL_TABLE};
static const uint8_t exported_in[] = {SECTION_POSTERN, SECTION_TEXT, SECTION_DATA};
#define EXPORTED 3u

static void put_symbol(pst_text *out, uint32_t name, unsigned info, unsigned in, uint64_t value, uint64_t size)
{
    native_put32(out, name);
    native_put16(out, (uint16_t)info); // binding and type; visibility is default
    native_put16(out, (uint16_t)in);
    native_put64(out, value);
    native_put64(out, size);
}

// One bucket: a chain of the three.
static void put_hash(elf *e)
{
    begin(e, SECTION_HASH);
    native_put32(e->out, 1);            // buckets
    native_put32(e->out, EXPORTED + 1); // symbols
    native_put32(e->out, 1);
    native_put32(e->out, 0);
    for (uint32_t i = 1; i <= EXPORTED; i++) native_put32(e->out, i == EXPORTED ? 0 : i + 1);
    end(e, SECTION_HASH);
}

static void put_dynamic_strings(elf *e)
{
    begin(e, SECTION_DYNSTR);
    pst_text_bytes(e->out, "", 1);
    for (uint32_t i = 0; i < EXPORTED; i++) pst_text_bytes(e->out, exported[i], strlen(exported[i]) + 1);
    end(e, SECTION_DYNSTR);
}

// Written at its place once everything has an address: as large before as after.
static void put_dynamic_symbols(elf *e, pst_text *out)
{
    uint32_t name = 1;
    native_zero(out, SYM);
    for (uint32_t i = 0; i < EXPORTED; i++) {
        const section *in = &e->sections[exported_in[i]];
        put_symbol(out, name, 1u << 4 | 1u, exported_in[i], in->at, in->size); // global, object
        name += (uint32_t)strlen(exported[i]) + 1;
    }
}

static void put_dynamic(elf *e, pst_text *out)
{
    const uint64_t rows[][2] = {
        {DT_HASH, e->sections[SECTION_HASH].at},       {DT_SYMTAB, e->sections[SECTION_DYNSYM].at}, {DT_STRTAB, e->sections[SECTION_DYNSTR].at},
        {DT_STRSZ, e->sections[SECTION_DYNSTR].size}, {DT_SYMENT, SYM},                            {DT_NULL, 0},
    };
    for (size_t i = 0; i < PST_COUNT(rows); i++) {
        native_put64(out, rows[i][0]);
        native_put64(out, rows[i][1]);
    }
}

// The end of a subprogram: where the next begins, wherever that is.
static uint32_t end_of(const pst_jit_blob *blob, uint32_t function)
{
    uint32_t end = blob->code_bytes;
    for (uint32_t i = 0; i < blob->function_count; i++)
        if (blob->functions[i] > blob->functions[function] && blob->functions[i] < end) end = blob->functions[i];
    return end;
}

// For debuggers and profilers: NAME is a program, NAME.1 its first subprogram.
static void put_symbols(elf *e)
{
    pst_text names;
    pst_text_init(&names, e->out->env);
    pst_text_bytes(&names, "", 1);
    begin(e, SECTION_SYMTAB);
    native_zero(e->out, SYM);
    uint32_t count = 1;
    for (uint32_t p = 0; p < e->native->prog_count; p++) {
        const pst_native_prog *prog = &e->native->progs[p];
        for (uint32_t f = 0; f < prog->blob->function_count; f++, count++) {
            uint64_t at = e->sections[SECTION_TEXT].at + prog->code_offset + prog->blob->functions[f];
            put_symbol(e->out, (uint32_t)names.size, 2u, SECTION_TEXT, at, end_of(prog->blob, f) - prog->blob->functions[f]); // local, function
            if (f) pst_text_format(&names, "%s.%u", prog->name, f);
            else pst_text_add(&names, prog->name);
            pst_text_bytes(&names, "", 1);
        }
    }
    end(e, SECTION_SYMTAB);
    e->sections[SECTION_SYMTAB].info = count; // the first that is not local: there is none
    begin(e, SECTION_STRTAB);
    if (names.failed) e->out->failed = true;
    else pst_text_bytes(e->out, names.data, names.size);
    end(e, SECTION_STRTAB);
    pst_text_free(&names);
}

// --- Headers --------------------------------------------------------------------------------------------------

static void put_segment(pst_text *out, uint32_t type, uint32_t flags, uint64_t at, uint64_t size, uint64_t align)
{
    native_put32(out, type);
    native_put32(out, flags);
    native_put64(out, at);
    native_put64(out, at); // addresses are offsets
    native_put64(out, at);
    native_put64(out, size);
    native_put64(out, size);
    native_put64(out, align);
}

static uint64_t end_at(const elf *e, unsigned which) { return e->sections[which].at + e->sections[which].size; }

static void put_file_header(elf *e, pst_text *out, uint64_t section_headers)
{
    static const uint8_t ident[16] = {0x7f, 'E', 'L', 'F', 2, 1, 1}; // 64 bits, little-endian
    pst_text_bytes(out, (const char *)ident, sizeof ident);
    native_put16(out, 3); // shared object
    native_put16(out, e->native->target == PST_JIT_TARGET_ARM64_LINUX ? EM_AARCH64 : EM_X86_64);
    native_put32(out, 1);
    native_put64(out, 0);
    native_put64(out, EHDR);
    native_put64(out, section_headers);
    native_put32(out, 0);
    native_put16(out, EHDR);
    native_put16(out, PHDR);
    native_put16(out, SEGMENTS);
    native_put16(out, SHDR);
    native_put16(out, SECTIONS);
    native_put16(out, SECTION_SHSTRTAB);
}

static void put_segments(elf *e, pst_text *out)
{
    const section *text = &e->sections[SECTION_TEXT], *dynamic = &e->sections[SECTION_DYNAMIC];
    put_segment(out, PT_LOAD, PF_R, 0, end_at(e, SECTION_POSTERN), e->page);
    put_segment(out, PT_LOAD, PF_R | PF_X, text->at, text->size, e->page);
    put_segment(out, PT_LOAD, PF_R | PF_W, dynamic->at, end_at(e, SECTION_DATA) - dynamic->at, e->page);
    put_segment(out, PT_DYNAMIC, PF_R | PF_W, dynamic->at, dynamic->size, 8);
    put_segment(out, PT_GNU_STACK, PF_R | PF_W, 0, 0, 16);
}

static void put_section_names(elf *e)
{
    begin(e, SECTION_SHSTRTAB);
    for (unsigned i = 0; i < SECTIONS; i++) {
        e->sections[i].name_at = (uint32_t)(e->out->size - e->base - e->sections[SECTION_SHSTRTAB].at);
        pst_text_bytes(e->out, e->sections[i].name, strlen(e->sections[i].name) + 1);
    }
    end(e, SECTION_SHSTRTAB);
}

static uint64_t put_section_headers(elf *e)
{
    native_pad(e->out, 8, 0);
    uint64_t at = e->out->size - e->base;
    for (unsigned i = 0; i < SECTIONS; i++) {
        const section *s = &e->sections[i];
        native_put32(e->out, s->name_at);
        native_put32(e->out, s->type);
        native_put64(e->out, s->flags);
        native_put64(e->out, s->flags & SHF_ALLOC ? s->at : 0);
        native_put64(e->out, s->at);
        native_put64(e->out, s->size);
        native_put32(e->out, s->link);
        native_put32(e->out, s->info);
        native_put64(e->out, i ? s->align : 0);
        native_put64(e->out, s->entry);
    }
    return at;
}

// Over bytes that were left free at offset at.
static void fill(elf *e, uint64_t at, const pst_text *bytes)
{
    if (bytes->failed) e->out->failed = true;
    if (!e->out->failed) memcpy(e->out->data + e->base + at, bytes->data, bytes->size);
}

static void fill_headers(elf *e, uint64_t section_headers)
{
    pst_text bytes;
    pst_text_init(&bytes, e->out->env);
    put_file_header(e, &bytes, section_headers);
    put_segments(e, &bytes);
    fill(e, 0, &bytes);
    pst_text_clear(&bytes);
    put_dynamic_symbols(e, &bytes);
    fill(e, e->sections[SECTION_DYNSYM].at, &bytes);
    pst_text_clear(&bytes);
    put_dynamic(e, &bytes);
    fill(e, e->sections[SECTION_DYNAMIC].at, &bytes);
    pst_text_free(&bytes);
}

// Where the table will begin, seen from the code: both begin pages, but for what .dynamic takes.
static int64_t table_distance(const elf *e, uint32_t dynamic_bytes) { return (int64_t)pst_align_up(e->native->code_bytes, e->page) + dynamic_bytes; }

void native_write_elf(const pst_native *native, const pst_text *description, pst_text *out, uint64_t *described)
{
    enum { DYNAMIC_BYTES = 6 * 16 };
    elf e = {.native = native, .description = description, .out = out, .base = out->size,
             .page = native->target == PST_JIT_TARGET_ARM64_LINUX ? 65536 : 4096,
             .sections = {
#define X(id, text, t, f, l, en, al) {.name = text, .type = t, .flags = f, .link = l, .entry = en, .align = al ? al : 1},
                 SECTION_LIST(X)
#undef X
             }};
    native_zero(out, EHDR + SEGMENTS * PHDR);
    put_hash(&e);
    begin(&e, SECTION_DYNSYM);
    native_zero(out, (EXPORTED + 1) * SYM);
    end(&e, SECTION_DYNSYM);
    e.sections[SECTION_DYNSYM].info = 1; // the first that is not local
    put_dynamic_strings(&e);
    begin(&e, SECTION_POSTERN);
    pst_text_bytes(out, description->data, description->size);
    end(&e, SECTION_POSTERN);
    e.sections[SECTION_TEXT].align = e.sections[SECTION_DYNAMIC].align = e.page;
    begin(&e, SECTION_TEXT);
    native_put_code(native, table_distance(&e, DYNAMIC_BYTES), out);
    end(&e, SECTION_TEXT);
    begin(&e, SECTION_DYNAMIC);
    native_zero(out, DYNAMIC_BYTES);
    end(&e, SECTION_DYNAMIC);
    begin(&e, SECTION_DATA);
    native_zero(out, native->table_bytes);
    end(&e, SECTION_DATA);
    put_symbols(&e);
    put_section_names(&e);
    fill_headers(&e, put_section_headers(&e));
    *described = e.sections[SECTION_POSTERN].at;
}
