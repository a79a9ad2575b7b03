// write_pe.c: the module as a PE image: a .dll, or a .sys that the kernel loads. Source: Microsoft's PE format.
//
// Sections: .text (all programs; in a .sys also DriverEntry), .rdata (exports, the description), .data (the table of addresses), .pdata and .xdata (how
// unwinders get out of functions: a row each, and what those refer to), .reloc (one empty block: nothing needs relocation, and an image with it may
// lie anywhere). There are no imports. A .dll has no DllMain.
#include "jit/back_end.h"
#include "jit/native/module_internal.h"

#define PE_AT 0x80u        // of the signature, behind the DOS header
#define OPTIONAL_BYTES 240u // with 16 directories
#define SECTION_BYTES 40u
#define FILE_ALIGN 512u
#define PAGE 4096u
#define BASE 0x180000000u
#define MACHINE_X64 0x8664u
#define CHARACTERISTICS_DLL 0x2022u  // executable, large addresses, DLL
#define CHARACTERISTICS_SYS 0x22u
#define DLL_CHARACTERISTICS 0x160u   // high-entropy addresses, dynamic base, no execution of data
#define SUBSYSTEM_NATIVE 1u
#define SUBSYSTEM_CONSOLE 3u
#define DIRECTORY_EXPORT 0u
#define DIRECTORY_EXCEPTION 3u
#define DIRECTORY_RELOC 5u
#define UNWIND_ROW_BYTES 12u

enum { SECTION_TEXT, SECTION_RDATA, SECTION_DATA, SECTION_PDATA, SECTION_XDATA, SECTION_RELOC, SECTIONS };

static const struct {
    char name[8];
    uint32_t flags;
} section_heads[SECTIONS] = {
    {".text", 0x60000020u}, // code, executable, readable
    {".rdata", 0x40000040u},
    {".data", 0xc0000040u},
    {".pdata", 0x40000040u},
    {".xdata", 0x40000040u},
    {".reloc", 0x42000040u}, // discardable
};

typedef struct pe {
    const pst_native *native;
    bool driver;
    pst_text parts[SECTIONS];
    uint32_t rva[SECTIONS], raw[SECTIONS]; // addresses, and offsets in the file
    uint32_t image_bytes, headers_bytes;
    uint32_t export_bytes, description_at; // in .rdata
    uint32_t entry; // RVA of DriverEntry
} pe;

// DriverEntry(driver, path): success. xor eax, eax; ret
static const char driver_entry[] = "\x31\xc0\xc3";

static uint32_t align_to(uint64_t value, uint32_t align) { return (uint32_t)pst_align_up(value, align); }

// --- Sections -------------------------------------------------------------------------------------------------

// Names ascend, as the export table wants them.
static const char *const exported[] = {NATIVE_SYMBOL_CODE, NATIVE_SYMBOL_MODULE, NATIVE_SYMBOL_TABLE};
#define EXPORTED 3u
#define EXPORT_HEAD (40u + EXPORTED * (4u + 4u + 2u)) // directory, addresses, names, ordinals

static uint32_t export_bytes(void)
{
    size_t bytes = EXPORT_HEAD + sizeof "postern.dll";
    for (unsigned i = 0; i < EXPORTED; i++) bytes += strlen(exported[i]) + 1;
    return (uint32_t)bytes;
}

static void put_exports(pe *p, pst_text *out)
{
    uint32_t base = p->rva[SECTION_RDATA], addresses = base + 40, names = addresses + 4 * EXPORTED, ordinals = names + 4 * EXPORTED;
    uint32_t text = base + EXPORT_HEAD;
    const uint32_t values[EXPORTED] = {p->rva[SECTION_TEXT], base + p->description_at, p->rva[SECTION_DATA]};
    native_zero(out, 12); // flags, time, version
    native_put32(out, text);
    native_put32(out, 1); // the first ordinal
    native_put32(out, EXPORTED);
    native_put32(out, EXPORTED);
    native_put32(out, addresses);
    native_put32(out, names);
    native_put32(out, ordinals);
    for (unsigned i = 0; i < EXPORTED; i++) native_put32(out, values[i]);
    text += sizeof "postern.dll";
    for (unsigned i = 0; i < EXPORTED; text += (uint32_t)strlen(exported[i++]) + 1) native_put32(out, text);
    for (unsigned i = 0; i < EXPORTED; i++) native_put16(out, (uint16_t)i);
    pst_text_bytes(out, "postern.dll", sizeof "postern.dll");
    for (unsigned i = 0; i < EXPORTED; i++) pst_text_bytes(out, exported[i], strlen(exported[i]) + 1);
}

// --- Unwind data ----------------------------------------------------------------------------------------------

static uint32_t unwind_bound(const pe *p, uint32_t i) { return jit_back_end_of(PST_JIT_TARGET_X64_WINDOWS)->unwind_bound(p->native->progs[i].blob->function_count); }

// Of program i, to out; returns its number of rows, which are at *table.
static uint32_t write_unwind(const pe *p, uint32_t i, uint32_t code_rva, uint32_t out_rva, uint8_t *out, uint32_t *table)
{
    const pst_jit_blob *blob = p->native->progs[i].blob;
    const jit_places places = {.code = blob->code, .code_bytes = blob->code_bytes, .functions = blob->functions, .count = blob->function_count,
                               .call_offset = blob->call_offset, .unwind_offset = blob->unwind_offset};
    return jit_back_end_of(PST_JIT_TARGET_X64_WINDOWS)->unwind_write(&places, code_rva, out_rva, out, table);
}

// Fills both sections. Addresses in them are right once sections have their places: before that it tells their sizes.
static void put_unwind(pe *p)
{
    pst_text *rows = &p->parts[SECTION_PDATA], *infos = &p->parts[SECTION_XDATA];
    pst_text_clear(rows);
    pst_text_clear(infos);
    for (uint32_t i = 0; i < p->native->prog_count; i++) {
        uint32_t bound = unwind_bound(p, i), table;
        uint8_t *room = pst_alloc_zero(rows->env, bound, 1);
        if (!room) {
            rows->failed = true;
            return;
        }
        uint32_t code_rva = p->rva[SECTION_TEXT] + p->native->progs[i].code_offset;
        uint32_t count = write_unwind(p, i, code_rva, p->rva[SECTION_XDATA] + (uint32_t)infos->size, room, &table);
        pst_text_bytes(rows, (const char *)room + table, count * UNWIND_ROW_BYTES);
        pst_text_bytes(infos, (const char *)room, table);
        pst_free(rows->env, room, bound);
    }
}

// --- All sections ---------------------------------------------------------------------------------------------

// The sizes of sections follow from the module: addresses are known before bytes are written.
static void place(pe *p, const pst_text *description)
{
    uint32_t code = p->native->code_bytes;
    p->description_at = align_to(export_bytes(), 8);
    uint64_t sizes[SECTIONS] = {code, p->description_at + description->size, p->native->table_bytes, p->parts[SECTION_PDATA].size, p->parts[SECTION_XDATA].size, 12};
    if (p->driver) sizes[SECTION_TEXT] = align_to(code, 16) + sizeof driver_entry - 1;
    p->headers_bytes = align_to(PE_AT + 24 + OPTIONAL_BYTES + SECTIONS * SECTION_BYTES, FILE_ALIGN);
    uint32_t rva = PAGE, raw = p->headers_bytes;
    for (unsigned i = 0; i < SECTIONS; i++) {
        p->rva[i] = rva;
        p->raw[i] = raw;
        rva = align_to(rva + sizes[i], PAGE);
        raw = align_to(raw + sizes[i], FILE_ALIGN);
    }
    p->image_bytes = rva;
    if (p->driver) p->entry = p->rva[SECTION_TEXT] + align_to(code, 16);
}

static void put_sections(pe *p, const pst_text *description)
{
    pst_text *text = &p->parts[SECTION_TEXT], *rdata = &p->parts[SECTION_RDATA], *reloc = &p->parts[SECTION_RELOC];
    native_put_code(p->native, (int64_t)p->rva[SECTION_DATA] - p->rva[SECTION_TEXT], text);
    if (p->driver) {
        native_pad(text, 16, 0xcc);
        pst_text_bytes(text, driver_entry, sizeof driver_entry - 1);
    }
    put_exports(p, rdata);
    native_pad(rdata, 8, 0);
    pst_text_bytes(rdata, description->data, description->size);
    native_zero(&p->parts[SECTION_DATA], p->native->table_bytes);
    put_unwind(p);
    native_put32(reloc, p->rva[SECTION_DATA]); // a block of that page, with two entries that mean nothing
    native_put32(reloc, 12);
    native_zero(reloc, 4);
}

// --- Headers --------------------------------------------------------------------------------------------------

static void put_dos_header(pst_text *out, size_t base)
{
    pst_text_bytes(out, "MZ", 2);
    native_zero(out, 58);
    native_put32(out, PE_AT);
    native_zero(out, PE_AT - (out->size - base));
    pst_text_bytes(out, "PE\0\0", 4);
}

static void put_file_header(const pe *p, pst_text *out)
{
    native_put16(out, MACHINE_X64);
    native_put16(out, SECTIONS);
    native_zero(out, 12); // time, symbols: the same input gives the same file
    native_put16(out, OPTIONAL_BYTES);
    native_put16(out, p->driver ? CHARACTERISTICS_SYS : CHARACTERISTICS_DLL);
}

static void put_optional_header(const pe *p, pst_text *out)
{
    native_put16(out, 0x20b); // PE32+
    native_put16(out, 0);
    native_put32(out, align_to(p->parts[SECTION_TEXT].size, FILE_ALIGN));
    native_put32(out, p->image_bytes - p->rva[SECTION_RDATA]);
    native_put32(out, 0);
    native_put32(out, p->entry);
    native_put32(out, p->rva[SECTION_TEXT]);
    native_put64(out, BASE);
    native_put32(out, PAGE);
    native_put32(out, FILE_ALIGN);
    native_put16(out, 10); // of the system, then of the image, then of the subsystem: Windows 10
    native_put16(out, 0);
    native_put32(out, 0);
    native_put16(out, 10);
    native_put16(out, 0);
    native_put32(out, 0);
    native_put32(out, p->image_bytes);
    native_put32(out, p->headers_bytes);
    native_put32(out, 0); // checksum: native_put_pe_checksum
    native_put16(out, p->driver ? SUBSYSTEM_NATIVE : SUBSYSTEM_CONSOLE);
    native_put16(out, DLL_CHARACTERISTICS);
    native_put64(out, 0x100000); // stack and heap, reserved and committed
    native_put64(out, 0x1000);
    native_put64(out, 0x100000);
    native_put64(out, 0x1000);
    native_put32(out, 0);
    native_put32(out, 16);
    for (unsigned i = 0; i < 16; i++) {
        bool exports = i == DIRECTORY_EXPORT, relocs = i == DIRECTORY_RELOC, unwind = i == DIRECTORY_EXCEPTION;
        native_put32(out, exports ? p->rva[SECTION_RDATA] : relocs ? p->rva[SECTION_RELOC] : unwind ? p->rva[SECTION_PDATA] : 0);
        native_put32(out, exports ? export_bytes() : relocs ? 12 : unwind ? (uint32_t)p->parts[SECTION_PDATA].size : 0);
    }
}

static void put_section_headers(const pe *p, pst_text *out)
{
    for (unsigned i = 0; i < SECTIONS; i++) {
        pst_text_bytes(out, section_heads[i].name, sizeof section_heads[i].name);
        native_put32(out, (uint32_t)p->parts[i].size);
        native_put32(out, p->rva[i]);
        native_put32(out, align_to(p->parts[i].size, FILE_ALIGN));
        native_put32(out, p->raw[i]);
        native_zero(out, 12);
        native_put32(out, section_heads[i].flags);
    }
}

// The sum of all 16-bit words with carries folded in, plus the file's size.
void native_put_pe_checksum(pst_text *out, size_t base)
{
    size_t at = base + PE_AT + 24 + 64;
    uint32_t sum = 0;
    for (size_t i = base; !out->failed && i + 1 < out->size; i += 2) {
        sum += pst_load16(out->data + i);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    native_patch32(out, at, sum + (uint32_t)(out->size - base));
}

void native_write_pe(const pst_native *native, bool driver, const pst_text *description, pst_text *out, uint64_t *described)
{
    size_t base = out->size;
    pe p = {.native = native, .driver = driver};
    for (unsigned i = 0; i < SECTIONS; i++) pst_text_init(&p.parts[i], out->env);
    put_unwind(&p);
    if (p.parts[SECTION_PDATA].failed || p.parts[SECTION_XDATA].failed) out->failed = true; // sizes are wrong then
    place(&p, description);
    put_sections(&p, description);
    put_dos_header(out, base);
    put_file_header(&p, out);
    put_optional_header(&p, out);
    put_section_headers(&p, out);
    native_pad(out, FILE_ALIGN, 0);
    for (unsigned i = 0; i < SECTIONS; i++) {
        if (p.parts[i].failed) out->failed = true;
        else pst_text_bytes(out, p.parts[i].data, p.parts[i].size);
        native_pad(out, FILE_ALIGN, 0);
        pst_text_free(&p.parts[i]);
    }
    *described = p.raw[SECTION_RDATA] + p.description_at;
}
