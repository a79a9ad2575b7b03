// btf_file.c: BTF out of a file of either sort: a raw section, as in /sys/kernel/btf, or any ELF file that has a .BTF section.
//
// Called for the host's types (a kernel image, a module, another object). The ELF reader for programs (elf_reader.c) is stricter
// about the machine and reads symbols; here only the section table counts, in both widths.
#include <string.h>

#include "base/cursor.h"
#include "btf/btf_internal.h"

// Where fields lie in ELF32 and ELF64 (System V gABI, chapter 4).
typedef struct elf_layout {
    uint32_t word;                                    // bytes of an offset or size
    uint32_t e_shoff, e_shentsize, e_shnum, e_shstrndx;
    uint32_t sh_type, sh_offset, sh_size, header_size; // of a section header
} elf_layout;

static const elf_layout g_elf32 = {4, 0x20, 0x2e, 0x30, 0x32, 0x04, 0x10, 0x14, 0x28};
static const elf_layout g_elf64 = {8, 0x28, 0x3a, 0x3c, 0x3e, 0x04, 0x18, 0x20, 0x40};

#define ELF_NOBITS 8u

typedef struct elf_view {
    pst_cursor file;
    const elf_layout *layout;
    uint64_t table;
    uint16_t entry_size, count, names;
} elf_view;

static bool read_word(pst_cursor c, uint64_t offset, uint32_t bytes, uint64_t *out)
{
    const uint8_t *at;
    if (!pst_cursor_seek(&c, offset) || !pst_cursor_bytes(&c, bytes, &at)) return false;
    *out = bytes == 8 ? pst_load64(at) : bytes == 4 ? pst_load32(at) : pst_load16(at);
    return true;
}

static bool open_view(pst_cursor file, elf_view *out)
{
    uint64_t entry_size, count, names;
    *out = (elf_view){.file = file, .layout = file.bytes[4] == 1 ? &g_elf32 : &g_elf64};
    const elf_layout *l = out->layout;
    if (!read_word(file, l->e_shoff, l->word, &out->table) || !read_word(file, l->e_shentsize, 2, &entry_size) ||
        !read_word(file, l->e_shnum, 2, &count) || !read_word(file, l->e_shstrndx, 2, &names))
        return false;
    out->entry_size = (uint16_t)entry_size;
    out->count = (uint16_t)count;
    out->names = (uint16_t)names;
    return entry_size >= l->header_size;
}

static bool section_bytes(const elf_view *elf, uint32_t index, pst_cursor *header, pst_cursor *bytes)
{
    const elf_layout *l = elf->layout;
    uint64_t type, offset, size, at;
    if (PST_ADD_OVERFLOW(elf->table, (uint64_t)index * elf->entry_size, &at)) return false;
    if (!pst_cursor_slice(elf->file, at, l->header_size, header)) return false;
    if (!read_word(*header, l->sh_type, 4, &type) || !read_word(*header, l->sh_offset, l->word, &offset) ||
        !read_word(*header, l->sh_size, l->word, &size))
        return false;
    return type != ELF_NOBITS && pst_cursor_slice(elf->file, offset, size, bytes);
}

static bool find_btf(const elf_view *elf, pst_cursor *out)
{
    pst_cursor header, names;
    if (!section_bytes(elf, elf->names, &header, &names)) return false;
    for (uint32_t i = 1; i < elf->count; i++) {
        uint64_t name_off;
        const char *name;
        if (!section_bytes(elf, i, &header, out) || !read_word(header, 0, 4, &name_off)) continue;
        if (pst_cursor_string_at(names, name_off, &name) && strcmp(name, ".BTF") == 0) return true;
    }
    return false;
}

pst_status pst_btf_parse_file(const pst_env *env, const pst_btf *base, const void *bytes, size_t size, const char *what, pst_btf **out)
{
    pst_cursor file = pst_cursor_make(bytes, size), section;
    elf_view elf;
    *out = NULL;
    if (size < 6 || memcmp(bytes, "\x7f" "ELF", 4) != 0) return pst_btf_parse_split(env, base, bytes, size, what, out);
    if (file.bytes[5] != 1) return pst_fail(env, PST_E_UNSUPPORTED, "%s: the ELF file is not little-endian", what);
    if (!open_view(file, &elf)) return pst_fail(env, PST_E_FORMAT, "%s: the ELF file is cut off", what);
    if (!find_btf(&elf, &section)) return pst_fail(env, PST_E_NOTFOUND, "%s: the ELF file has no .BTF section", what);
    return pst_btf_parse_split(env, base, section.bytes, section.size, what, out);
}
