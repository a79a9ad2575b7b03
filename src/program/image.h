// image.h: what passes between the stages: a program as decoded instructions with its maps and subprograms.
//
// The core builds an image from the slots of PROG_LOAD (map descriptors resolved to live maps); verifier, interpreters and compilers
// read it. It is immutable once built, so threads may share it.
//
// Invariants that pst_image_build establishes and engines rely on: every instruction decodes; every jump and call lands on
// the first slot of an instruction of the same subprogram (calls: on the first of a subprogram); no subprogram can be left by
// running off its end; map references name an entry of maps[]. It proves nothing about memory or termination: that is the verifier's.
#ifndef PST_PROGRAM_IMAGE_H
#define PST_PROGRAM_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "isa/isa.h"
#include "program/run.h"

#define PST_INSNS_MAX 1000000u // slots of one program
#define PST_SUBPROGS_MAX 1024u
#define PST_IMAGE_MAPS_MAX 1024u

/// Fields of a map's value, or of an object of the program's own types, that have a meaning of their own: programs touch them by helpers only.
typedef enum pst_record_kind {
    PST_RECORD_SPIN_LOCK,     // 4 bytes
    PST_RECORD_TIMER,         // 16
    PST_RECORD_WORKQUEUE,     // 16
    PST_RECORD_KPTR,          // 8: referenced ("__kptr")
    PST_RECORD_KPTR_UNTRUSTED, // 8
    PST_RECORD_KPTR_PERCPU,   // 8
    PST_RECORD_DYNPTR,        // 16
    PST_RECORD_LIST_HEAD,     // 16
    PST_RECORD_LIST_NODE,     // 24
    PST_RECORD_RB_ROOT,       // 16
    PST_RECORD_RB_NODE,       // 32
    PST_RECORD_REFCOUNT,      // 4
    PST_RECORD_RES_SPIN_LOCK, // 4
    PST_RECORD_TASK_WORK,     // 8
    PST_RECORD_UPTR,          // 8
} pst_record_kind;

typedef struct pst_record {
    pst_record_kind kind;
    uint32_t offset, size;     // bytes
    uint32_t type_id;          // kptrs: the struct pointed to; list heads and roots: the struct contained. In the program's BTF; 0: unknown
    const char *type_name;     // its name; NULL: unknown
    uint32_t node_offset;      // list heads and roots: of the node in the struct contained
} pst_record;

/// What engines and verifier know of a live map. The core embeds it as the first member of every map, so a map's address is its
/// view's address, and that is the value of a map register in a running program.
typedef struct pst_map_view {
    uint32_t type;        // Linux's BPF_MAP_TYPE_* (abi.h)
    uint32_t key_size;    // bytes
    uint32_t value_size;  // bytes, as the user gave it
    uint32_t max_entries;
    uint32_t flags;       // BPF_F_*
    uint32_t id;
    uint8_t *values;      // array maps: the first value; else NULL
    uint32_t value_stride; // array maps: bytes from one value to the next
    bool frozen;          // user space cannot write any more
    const struct pst_map_view *inner; // map-in-map: the template; else NULL
    const pst_record *records;        // by offset; may be NULL
    uint32_t record_count;
    uint64_t map_extra;
    uintptr_t lookup; // address of the map's own lookup, void *(*)(map, const void *key), where that is all that map_lookup_elem does; else 0
} pst_map_view;

typedef struct pst_subprog {
    uint32_t start, count; // slots
} pst_subprog;

/// One row of BTF.ext line info, resolved; strings belong to the image's arena.
typedef struct pst_line {
    uint32_t pc;
    uint32_t line, column;
    const char *file, *text; // "" when unknown
} pst_line;

typedef struct pst_image {
    char name[16];
    uint32_t prog_type, attach_type; // Linux's numbers, or a provider's
    bool sleepable, gpl_compatible;
    const pst_insn *insns;           // insns[pc]; map references rewritten, see below
    uint32_t count;
    const pst_subprog *subprogs;     // by start; [0] is the program's entry
    uint32_t subprog_count;
    pst_map_view *const *maps;       // each map once
    uint32_t map_count;
    const pst_line *lines;           // by pc; may be NULL
    uint32_t line_count;
} pst_image;

// In an image, an instruction that writes r10 is a CAST of r10: the verifier refuses it where a run may get to it, and nothing runs it.
// IMM64 of op MAP_FD has imm = index into maps[]; of op MAP_VALUE: imm = index | (uint64_t)offset << 32.
// MAP_IDX and MAP_IDX_VALUE do not occur any more.

typedef struct pst_image_input {
    size_t size; // sizeof(pst_image_input)
    const char *name;
    uint32_t prog_type, attach_type;
    bool sleepable, gpl_compatible;
    const pst_slot *slots;
    uint32_t count;
    /// Finds the map of an IMM64: op MAP_FD or MAP_VALUE give the descriptor, MAP_IDX* the index. NULL: there is none.
    pst_map_view *(*find_map)(void *user, pst_imm64_op op, int32_t number);
    void *user;
    const pst_line *lines; // copied, strings included; pcs beyond count are dropped
    uint32_t line_count;
    const uint32_t *starts; // of functions, so that those that nothing refers to (exception callbacks) are subprograms too; may be NULL
    uint32_t start_count;
} pst_image_input;

typedef struct pst_image_error {
    uint32_t pc;
    char text[192]; // one sentence
} pst_image_error;

/// PST_E_FORMAT: *error says where and why. The caller frees *out with pst_image_free.
PST_MUST_USE pst_status pst_image_build(const pst_env *env, const pst_image_input *input, pst_image_error *error, pst_image **out);
void pst_image_free(pst_image *image);
/// The subprogram that contains pc.
const pst_subprog *pst_image_subprog_at(const pst_image *image, uint32_t pc);
/// The last line row at or before pc inside its subprogram, or NULL.
const pst_line *pst_image_line_at(const pst_image *image, uint32_t pc);

#endif
