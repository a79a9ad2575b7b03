// btf_ext.h: .BTF.ext, what belongs to instructions: func info, line info, CO-RE relocations; parsed from hostile bytes.
//
// Source: the kernel's Documentation/bpf/btf.rst. Immutable once parsed. Records that are longer than we know are read up to what we
// know, so objects of later compilers load. Types are checked to exist; string offsets and instruction offsets are the reader's to judge.
#ifndef PST_BTF_EXT_H
#define PST_BTF_EXT_H

#include "btf/btf.h"

#define PST_BTF_EXT_SECTIONS_MAX 65536u // of one table

typedef enum pst_btf_ext_table {
    PST_BTF_EXT_FUNCS,
    PST_BTF_EXT_LINES,
    PST_BTF_EXT_RELOS,
    PST_BTF_EXT_TABLES,
} pst_btf_ext_table;

typedef struct pst_btf_ext pst_btf_ext;

/// The records of one table that belong to one ELF section. A table may name the same section twice.
typedef struct pst_btf_ext_section {
    const char *name;       // of the ELF section; in the BTF's strings
    uint32_t count;         // records
    uint32_t record_size;   // bytes of each, as in the file
    const uint8_t *records; // inside the pst_btf_ext
} pst_btf_ext_section;

typedef struct pst_btf_ext_func {
    uint32_t insn_off; // bytes from the start of the section
    uint32_t type;     // FUNC in the BTF (its kind is not checked)
} pst_btf_ext_func;

typedef struct pst_btf_ext_line {
    uint32_t insn_off;
    uint32_t file_off, text_off; // in the BTF's strings
    uint32_t line, column;
} pst_btf_ext_line;

typedef struct pst_btf_ext_relo {
    uint32_t insn_off;
    uint32_t type;
    uint32_t access_off; // in the BTF's strings
    uint32_t kind;       // pst_core_relo_kind, not checked
} pst_btf_ext_relo;

/// Parses a .BTF.ext section; bytes are copied. btf is only asked for section names and the count of types, and must outlive *out.
/// PST_E_FORMAT, PST_E_LIMIT, PST_E_UNSUPPORTED, PST_E_NOMEM after one sentence in the log.
PST_MUST_USE pst_status pst_btf_ext_parse(const pst_env *env, const pst_btf *btf, const void *bytes, size_t size, const char *what,
                                          pst_btf_ext **out);
void pst_btf_ext_free(pst_btf_ext *ext);
uint32_t pst_btf_ext_section_count(const pst_btf_ext *ext, pst_btf_ext_table table);
/// index is below the count. Sections come in the order of the file.
pst_btf_ext_section pst_btf_ext_section_at(const pst_btf_ext *ext, pst_btf_ext_table table, uint32_t index);
/// Of a section of the right table; index is below its count.
pst_btf_ext_func pst_btf_ext_func_at(const pst_btf_ext_section *section, uint32_t index);
pst_btf_ext_line pst_btf_ext_line_at(const pst_btf_ext_section *section, uint32_t index);
pst_btf_ext_relo pst_btf_ext_relo_at(const pst_btf_ext_section *section, uint32_t index);

#endif
