// elf_reader.h: the ELF container of an eBPF object: sections and symbols, read from hostile bytes once.
//
// Internal to this folder. What it hands out lies inside the view: every section's bytes, every name (NUL-terminated, at most
// PST_ELF_NAME_MAX bytes, no control characters, so names may be printed).
// It knows nothing of programs or maps. Source: System V gABI, chapter 4; ELF64 little-endian, relocatable, machine BPF only.
#ifndef PST_OBJECT_ELF_READER_H
#define PST_OBJECT_ELF_READER_H

#include "base/arena.h"
#include "base/cursor.h"

#define PST_ELF_NAME_MAX 4096u
#define PST_ELF_SYMBOLS_MAX (1u << 20)

enum { // sh_type
    PST_SHT_NULL = 0, PST_SHT_PROGBITS = 1, PST_SHT_SYMTAB = 2, PST_SHT_STRTAB = 3, PST_SHT_RELA = 4, PST_SHT_NOBITS = 8, PST_SHT_REL = 9,
};
#define PST_SHF_EXECINSTR 0x4u

enum { PST_STB_LOCAL = 0, PST_STB_GLOBAL = 1, PST_STB_WEAK = 2 };
enum { PST_STT_NOTYPE = 0, PST_STT_OBJECT = 1, PST_STT_FUNC = 2, PST_STT_SECTION = 3, PST_STT_FILE = 4 };
enum { PST_STV_DEFAULT = 0, PST_STV_INTERNAL = 1, PST_STV_HIDDEN = 2 };
#define PST_SHN_UNDEF 0u
#define PST_SHN_RESERVED 0xff00u // and above: no section of the file
#define PST_SHN_COMMON 0xfff2u

typedef struct pst_elf_section {
    const char *name;
    uint32_t type, link, info;
    uint64_t flags, offset, size, entry_size;
    const uint8_t *bytes; // size bytes; NULL when the file holds none (NOBITS)
} pst_elf_section;

typedef struct pst_elf_symbol {
    const char *name;
    uint64_t value, size;
    uint32_t section; // below section_count, or one of PST_SHN_*
    uint8_t type, bind, visibility;
} pst_elf_symbol;

typedef struct pst_elf {
    const char *file; // for messages
    pst_elf_section *sections; // [0] is the null section
    uint32_t section_count;
    uint32_t *by_name; // section numbers
    pst_elf_symbol *symbols;
    uint32_t symbol_count;
} pst_elf;

/// bytes must outlive *out. One sentence in the log of the arena's environment on failure.
PST_MUST_USE pst_status pst_elf_read(pst_arena *arena, const char *file, const void *bytes, size_t size, pst_elf *out);

/// Index of the first section of that name, 0: none.
uint32_t pst_elf_find_section(const pst_elf *elf, const char *name);

static inline bool pst_elf_is_code(const pst_elf_section *section)
{
    return section->type == PST_SHT_PROGBITS && (section->flags & PST_SHF_EXECINSTR) != 0 && section->size > 0;
}

/// What a message calls a symbol: its name, or for a section symbol the name of its section.
const char *pst_elf_symbol_label(const pst_elf *elf, const pst_elf_symbol *symbol);

#endif
