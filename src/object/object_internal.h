// object_internal.h: what the files of the loader share while an object is read and relocated.
//
// The order of work (object.c): ELF -> code and functions -> BTF and externs -> maps -> relocations -> programs; later, on request,
// CO-RE and externs (object_relocate.c). Everything lives in the object's arena; functions here log one sentence when they fail.
#ifndef PST_OBJECT_OBJECT_INTERNAL_H
#define PST_OBJECT_OBJECT_INTERNAL_H

#include "btf/btf_ext.h"
#include "object/elf_reader.h"
#include "object/index_sort.h"
#include "object/object.h"

#define OBJECT_MEMORY_MAX ((size_t)768 << 20)
#define OBJECT_PROGRAM_SLOTS_MAX 1000000u // of one program with its subprograms, as in Linux
#define OBJECT_SLOTS_MAX (8u << 20)       // of all programs together
#define OBJECT_SUBPROGS_MAX 1024u         // of one program
#define OBJECT_MAP_SLOTS_MAX 65536u       // initial values of map-in-maps and program arrays

#define OPCODE_IMM64 0x18u
#define OPCODE_CALL 0x85u

// The source register of these two opcodes says what imm is. Numbers of the ABI; see isa.def.
enum { CALL_HELPER = 0, CALL_SUBPROG = 1, CALL_KFUNC = 2 };
enum { IMM64_MAP_FD = 1, IMM64_MAP_VALUE = 2, IMM64_BTF_ID = 3, IMM64_FUNC = 4 };

typedef enum object_reloc_kind {
    RELOC_MAP,       // index: map
    RELOC_MAP_VALUE, // index: map; offset: in its value
    RELOC_CALL,      // index: section; offset: slot of the callee there
    RELOC_FUNC,      // the same, for an address
    RELOC_KFUNC,     // index: extern
    RELOC_KSYM,      // index: extern
} object_reloc_kind;

typedef struct object_reloc {
    uint32_t slot; // in the section
    object_reloc_kind kind;
    uint32_t index, offset;
} object_reloc;

/// An executable section. By section number; count 0: the section is none.
typedef struct object_code {
    pst_slot *slots;
    uint32_t count;
    object_reloc *relocs; // by slot
    uint32_t reloc_count;
} object_code;

typedef struct object_function {
    const char *name;
    uint32_t section, start, count; // in slots
    bool global, hidden;
    bool called; // some function calls it or takes its address
    bool entry;  // a program
    uint32_t at;    // object_link.c: slot in the program being linked, or NOT_LINKED
} object_function;

/// A function inside a linked program.
typedef struct object_part {
    uint32_t function, at;
} object_part;

typedef struct object_parts {
    object_part *list; // by at; [0] is the program
    uint32_t count;
} object_parts;

typedef enum object_config_type { CONFIG_BOOL, CONFIG_CHAR, CONFIG_TRISTATE, CONFIG_INT, CONFIG_STRING } object_config_type;

/// What pst_object_extern does not say.
typedef struct object_extern_detail {
    uint32_t symbol;
    uint32_t type;        // KSYM: what it refers to, qualifiers stripped; 0: typeless
    object_config_type config;
    bool is_signed;
    uint32_t size, align, offset; // in .kconfig
    bool is_set;
    bool undeclared;      // an undefined symbol of which BTF knows nothing
} object_extern_detail;

/// Where a map's definition stands; by map. Templates and .kconfig have section 0.
typedef struct object_map_place {
    uint32_t section;
    uint64_t offset, size;
    uint32_t variable; // type id of its struct, for .maps
    uint32_t values_offset; // of the member "values"
    uint32_t id, inner_id, inner_index; // legacy: how a map-in-map names its template
} object_map_place;

/// A record of BTF.ext with its place.
typedef struct object_info_row {
    uint32_t section, slot;
    uint32_t table_section, record; // where it stands in the pst_btf_ext
} object_info_row;

typedef struct object_info_table {
    object_info_row *rows; // by section, then slot
    uint32_t count;
} object_info_table;

struct pst_object_internal {
    uint8_t *bytes; // a copy of the file: names and records point into it
    pst_elf elf;
    object_code *codes;
    uint32_t text; // section number of .text, 0: none
    object_function *functions; // by section, then start
    uint32_t function_count;
    object_parts *parts; // by program
    uint32_t *program_function; // by program
    object_extern_detail *details; // by extern
    uint32_t *extern_of; // by symbol: extern + 1
    pst_btf_ext *ext; // NULL when the object has none
    object_info_table info[PST_BTF_EXT_TABLES];
    object_map_place *places; // by map
    uint32_t map_capacity, place_capacity;
    int32_t kconfig_map;
    bool relocated;
};

/// "no memory" as a sentence.
pst_status object_no_memory(const pst_object *o, const char *what);

// object_code.c
PST_MUST_USE pst_status object_read_code(pst_object *o);
/// Which functions are programs; relocations must be known.
PST_MUST_USE pst_status object_find_entries(pst_object *o);
/// The function that contains a slot of a section, NULL: none.
object_function *object_function_at(const pst_object *o, uint32_t section, uint32_t slot);

// object_btf.c
PST_MUST_USE pst_status object_read_btf(pst_object *o);

// object_extern.c. btf: as in the file, before fix-ups
PST_MUST_USE pst_status object_collect_externs(pst_object *o, const pst_btf *btf);

// object_map.c, object_map_btf.c, object_map_legacy.c, object_map_data.c
PST_MUST_USE pst_status object_read_maps(pst_object *o);
PST_MUST_USE pst_status object_add_map(pst_object *o, const pst_object_map *map, const object_map_place *place, uint32_t *index);
PST_MUST_USE pst_status object_read_btf_maps(pst_object *o);
PST_MUST_USE pst_status object_read_legacy_maps(pst_object *o);
PST_MUST_USE pst_status object_read_data_maps(pst_object *o);
/// Slots of .maps that the object initialises; programs must be known.
PST_MUST_USE pst_status object_read_map_slots(pst_object *o);
bool object_is_map_in_map(uint32_t type);

// object_reloc.c
PST_MUST_USE pst_status object_read_relocs(pst_object *o);

/// A relocation as in the file; symbol is below the count, offset is not checked.
typedef struct object_raw_reloc {
    uint64_t offset;
    const pst_elf_symbol *symbol;
    uint32_t symbol_index;
    int64_t addend; // SHT_RELA only
} object_raw_reloc;
/// Number of records of a relocation section (SHT_REL, SHT_RELA) after checking its shape.
PST_MUST_USE pst_status object_reloc_count(const pst_object *o, const pst_elf_section *section, uint32_t *count);
PST_MUST_USE pst_status object_reloc_at(const pst_object *o, const pst_elf_section *section, uint32_t index, object_raw_reloc *out);

// object_link.c
PST_MUST_USE pst_status object_link_programs(pst_object *o);

// object_info.c
/// Rows of BTF.ext that belong to the program's functions, in slots of the program.
PST_MUST_USE pst_status object_map_info(pst_object *o);
/// The first row of a table at or behind a slot of a section.
uint32_t object_first_row(const object_info_table *table, uint32_t section, uint32_t slot);

// object_config.c: fills in the initial value of the .kconfig map
PST_MUST_USE pst_status object_resolve_config(pst_object *o, const pst_object_target *target);

#endif
