// core_relo.h: CO-RE: instructions that depend on the layout of the host's types are adjusted to the host they load on.
//
// A relocation names a type of the program (local), a path into it, and what the instruction wants to know (offset, size, existence, ...).
// The answer is computed for each type of the host (target) with the same name, flavors aside, and all answers must agree.
// Meaning and edge cases are libbpf's: an object relocated here equals one that libbpf relocated against the same types.
//
// Source: the kernel's Documentation/bpf/llvm_reloc.rst and enum bpf_core_relo_kind; behaviour as of libbpf 1.8.
#ifndef PST_OBJECT_CORE_RELO_H
#define PST_OBJECT_CORE_RELO_H

#include "isa/isa.h"
#include "btf/btf.h"

//   name, number, what messages call it
#define PST_CORE_KIND_LIST(X)                       \
    X(FIELD_BYTE_OFFSET, 0, "byte_off")             \
    X(FIELD_BYTE_SIZE, 1, "byte_sz")                \
    X(FIELD_EXISTS, 2, "field_exists")              \
    X(FIELD_SIGNED, 3, "signed")                    \
    X(FIELD_LSHIFT_U64, 4, "lshift_u64")            \
    X(FIELD_RSHIFT_U64, 5, "rshift_u64")            \
    X(TYPE_ID_LOCAL, 6, "local_type_id")            \
    X(TYPE_ID_TARGET, 7, "target_type_id")          \
    X(TYPE_EXISTS, 8, "type_exists")                \
    X(TYPE_SIZE, 9, "type_size")                    \
    X(ENUMVAL_EXISTS, 10, "enumval_exists")         \
    X(ENUMVAL_VALUE, 11, "enumval_value")           \
    X(TYPE_MATCHES, 12, "type_matches")

typedef enum pst_core_relo_kind {
#define X(name, number, text) PST_CORE_##name = number,
    PST_CORE_KIND_LIST(X)
#undef X
} pst_core_relo_kind;

#define PST_CORE_SPEC_MAX 64u         // steps of a path
#define PST_CORE_CANDIDATES_MAX 4096u // target types of one name
#define PST_CORE_POISON 0xbad2310     // helper id that stands where a relocation found nothing: "bad relo"

typedef struct pst_core_relo {
    uint32_t pc;               // slot to patch
    uint32_t type;             // in the local BTF
    const char *access;        // "0:1:2"
    uint32_t kind;             // pst_core_relo_kind; anything else is refused
} pst_core_relo;

/// Relocates the programs of one object; remembers the candidates of each local type between them.
typedef struct pst_core_relocator pst_core_relocator;

/// local: the object's types. targets[0]: the host's; the rest, the host's modules (split BTF on targets[0]), are asked for a type
/// only where targets[0] has none of its name. All must outlive *out. target_count 0: only TYPE_ID_LOCAL can be answered,
/// the rest is refused with PST_E_UNSUPPORTED.
PST_MUST_USE pst_status pst_core_relocator_create(const pst_env *env, const pst_btf *local, const pst_btf *const *targets,
                                                  uint32_t target_count, pst_core_relocator **out);
void pst_core_relocator_free(pst_core_relocator *relocator);

/// Applies relos, in their order, to the slots of one program or section; what names it in messages. A field or enumerator that no
/// candidate has turns its instruction into a call of helper PST_CORE_POISON (both slots of a 64-bit immediate) and logs at debug level;
/// existence and type kinds become 0. Any other failure (malformed path, disagreeing candidates, an instruction that does not
/// hold what the relocation says) logs a sentence and returns PST_E_FORMAT, PST_E_UNSUPPORTED or, for work without end, PST_E_LIMIT;
/// slots are then partly patched.
PST_MUST_USE pst_status pst_core_relocate(pst_core_relocator *relocator, pst_slot *slots, uint32_t slot_count, const pst_core_relo *relos,
                                          uint32_t relo_count, const char *what);

#endif
