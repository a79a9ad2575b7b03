// btf.h: BTF, the type information of objects and hosts: parse hostile bytes, look up, compare, print.
//
// Source: the kernel's Documentation/bpf/btf.rst. A pst_btf is immutable once parsed, so threads may share it.
#ifndef PST_BTF_H
#define PST_BTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/json.h"

#define PST_BTF_KIND_LIST(X)                                                                                        \
    X(VOID, 0) X(INT, 1) X(PTR, 2) X(ARRAY, 3) X(STRUCT, 4) X(UNION, 5) X(ENUM, 6) X(FWD, 7) X(TYPEDEF, 8)            \
    X(VOLATILE, 9) X(CONST, 10) X(RESTRICT, 11) X(FUNC, 12) X(FUNC_PROTO, 13) X(VAR, 14) X(DATASEC, 15) X(FLOAT, 16)  \
    X(DECL_TAG, 17) X(TYPE_TAG, 18) X(ENUM64, 19)

typedef enum pst_btf_kind {
#define X(name, number) PST_BTF_##name = number,
    PST_BTF_KIND_LIST(X)
#undef X
} pst_btf_kind;

#define PST_BTF_TYPES_MAX (1u << 20)
#define PST_BTF_BYTES_MAX (256u << 20)
#define PST_BTF_CHAIN_MAX 32u  // typedefs, qualifiers and array dimensions in a row, as in the kernel
#define PST_BTF_PRINT_DEPTH 24u // nested values printed

typedef struct pst_btf pst_btf;

typedef struct pst_btf_type {
    uint32_t id;
    pst_btf_kind kind;
    bool kind_flag;
    const char *name;      // "" when anonymous
    uint32_t size;         // INT, STRUCT, UNION, ENUM*, DATASEC, FLOAT
    uint32_t type;         // PTR, TYPEDEF, qualifiers, FUNC, FUNC_PROTO (return), VAR, tags, ARRAY (element)
    uint32_t count;        // members, enumerators, parameters, variables; ARRAY: elements
    uint32_t index_type;   // ARRAY
    uint32_t linkage;      // FUNC, VAR
    int32_t component;     // DECL_TAG: -1 or member index
    uint8_t int_bits, int_offset, int_encoding; // INT: encoding 1 signed, 2 char, 4 bool
} pst_btf_type;

typedef struct pst_btf_member {  // STRUCT, UNION; DATASEC variable; FUNC_PROTO parameter; enumerator
    const char *name;
    uint32_t type;
    uint32_t bit_offset;   // STRUCT, UNION; DATASEC: byte offset * 8
    uint32_t bit_size;     // of a bit field, else 0; DATASEC: bytes * 8
    int64_t value;         // enumerator
} pst_btf_member;

/// Parses a .BTF section (raw, with header). bytes are copied. PST_E_FORMAT after one sentence in the log that names what.
PST_MUST_USE pst_status pst_btf_parse(const pst_env *env, const void *bytes, size_t size, const char *what, pst_btf **out);
/// The same for BTF that continues base, as a kernel module's does: ids and string offsets go on where base's end. base NULL: as
/// pst_btf_parse. base must outlive *out.
PST_MUST_USE pst_status pst_btf_parse_split(const pst_env *env, const pst_btf *base, const void *bytes, size_t size, const char *what,
                                            pst_btf **out);
/// Takes either a raw .BTF section or an ELF file (32 or 64 bits, little-endian) that has one. PST_E_NOTFOUND: an ELF file without.
PST_MUST_USE pst_status pst_btf_parse_file(const pst_env *env, const pst_btf *base, const void *bytes, size_t size, const char *what,
                                           pst_btf **out);
/// env, base and what it was parsed from are no longer needed afterwards. NULL is fine.
void pst_btf_free(pst_btf *btf);
/// Bytes of a pointer: 4 or 8, told by the size of "long", 8 without one (as libbpf does).
uint32_t pst_btf_pointer_size(const pst_btf *btf);
/// Before the BTF is shared. An object for the BPF machine always has 8.
void pst_btf_set_pointer_size(pst_btf *btf, uint32_t bytes);
/// First id of its own: 1, or the count of the base.
uint32_t pst_btf_first(const pst_btf *btf);
uint32_t pst_btf_count(const pst_btf *btf); // ids are 0 (void) to count - 1
/// id must be below the count.
pst_btf_type pst_btf_get(const pst_btf *btf, uint32_t id);
pst_btf_member pst_btf_member_at(const pst_btf *btf, uint32_t id, uint32_t index);
/// "" when off is outside of the strings.
const char *pst_btf_string(const pst_btf *btf, uint32_t off);
/// First type with this name and kind, 0: none. Hashed.
uint32_t pst_btf_find(const pst_btf *btf, const char *name, pst_btf_kind kind);
/// Length of name without its flavor: "task_struct___old" is a flavor of "task_struct" (11).
size_t pst_btf_essential_length(const char *name);
/// The next own type after id previous whose name without flavor is name[0, length), any kind; 0: none. Ids ascend. Hashed.
/// Starts with previous 0. Types of the base are not visited.
uint32_t pst_btf_next_flavor(const pst_btf *btf, const char *name, size_t length, uint32_t previous);
/// Strips typedefs, qualifiers and type tags: at most PST_BTF_CHAIN_MAX, which parsing checked.
uint32_t pst_btf_strip(const pst_btf *btf, uint32_t id);
/// Size in bytes of a type as stored; false for void, functions, forward declarations and recursive nonsense.
PST_MUST_USE bool pst_btf_size(const pst_btf *btf, uint32_t id, uint64_t *out);
/// C-like spelling of a type reference ("struct event *", "const char[16]").
void pst_btf_type_text(const pst_btf *btf, uint32_t id, pst_text *out);
/// Writes the types, those of the base included, as C that compiles: each before its use, with the same layout (padding and "packed" are
/// made explicit), every one marked preserve_access_index. A name that is taken gets "___2", "___3", ... A program that includes
/// it needs no header of the host. Functions and variables are left out. PST_E_NOMEM, or PST_E_LIMIT for types that nest too deep.
PST_MUST_USE pst_status pst_btf_dump_c(const pst_btf *btf, pst_text *out);
/// Writes size bytes of data, which are a value of type id, as JSON (structs as objects, arrays, enums by name, char arrays as strings).
/// Data shorter than the type gives what is there.
void pst_btf_value_json(const pst_btf *btf, uint32_t id, const void *data, size_t size, pst_json *out);
/// The same for people, on one line: {saddr = 10.0.0.1 ...} is not guessed: plain numbers, names, strings.
void pst_btf_value_text(const pst_btf *btf, uint32_t id, const void *data, size_t size, pst_text *out);

#endif
