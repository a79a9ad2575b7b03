// core_relo_internal.h: the steps of a CO-RE relocation, one file each. For core_relo*.c only.
//
//   core_relo.c        candidates, agreement between them, the public calls
//   core_relo_spec.c   a path ("0:1:2") through local types, and the same way through target types
//   core_relo_match.c  when two types are compatible, or match
//   core_relo_value.c  what a path answers: offset, size, shift, existence, ...
//   core_relo_patch.c  putting the answer into an instruction
#ifndef PST_OBJECT_CORE_RELO_INTERNAL_H
#define PST_OBJECT_CORE_RELO_INTERNAL_H

#include "object/core_relo.h"

// Comparisons of types for one relocation, and for all of an object. Against Linux one takes some thousand at most; only types made for
// the purpose (structs that nest twice at each of 32 levels) reach either.
#define CORE_RELO_WORK_MAX (1u << 20)
#define CORE_WORK_MAX (1u << 26)
#define CORE_NAME_STEP 64u // bytes of a name that count as one comparison
#define CORE_DEPTH_MAX 32u // as libbpf

// What one relocation needs wherever it stops.
typedef struct core_work {
    const pst_env *env;
    const pst_btf *local;
    const char *what;          // the program
    uint32_t index;            // of the relocation
    const pst_core_relo *relo;
    uint64_t left;             // of the work
    uint64_t name_cost;        // of comparing the member name looked for
} core_work;

typedef struct core_step {
    uint32_t type;    // struct or union that has the member; element type of an array
    uint32_t index;   // member or element
    const char *name; // of the member or enumerator; NULL: an element
} core_step;

// A way through types. Steps are what counts (named members, elements); raw_length also counts anonymous structs between them.
typedef struct core_spec {
    const pst_btf *btf;
    uint32_t root;
    uint32_t length, raw_length;
    uint64_t bit_offset;
    core_step steps[PST_CORE_SPEC_MAX];
} core_spec;

typedef struct core_answer {
    uint64_t original, value; // what the instruction should hold, what it will
    bool poison;
    bool validate;            // original must be what it holds
    bool bad_resize;          // a load or store cannot be adjusted to the target's size
    uint32_t original_size, size; // of the memory access in bytes, 0: not one
} core_answer;

// Logs "PROGRAM: CO-RE relocation N (...) ..." and returns status.
pst_status core_fail(const core_work *work, pst_status status, const char *fmt, ...) PST_PRINTF(3, 4);
PST_MUST_USE pst_status core_spend(core_work *work, uint64_t steps);

bool core_is_field(uint32_t kind);
bool core_is_type(uint32_t kind);
bool core_is_enumval(uint32_t kind);
bool core_kinds_agree(const pst_btf_type *a, const pst_btf_type *b); // the same, or two enums of any width
bool core_is_enum(const pst_btf_type *type);
bool core_is_composite(const pst_btf_type *type);

PST_MUST_USE pst_status core_spec_parse(core_work *work, core_spec *out);
// The same way from type target of btf; *found is false where there is none.
PST_MUST_USE pst_status core_spec_match(core_work *work, const core_spec *local, const pst_btf *btf, uint32_t target, core_spec *out, bool *found);

// For type relocations: kinds agree, recursively; names do not matter.
PST_MUST_USE pst_status core_types_compatible(core_work *work, uint32_t local_id, const pst_btf *btf, uint32_t target_id, bool *out);
// For TYPE_MATCHES: each local member exists in the target.
PST_MUST_USE pst_status core_types_match(core_work *work, uint32_t local_id, const pst_btf *btf, uint32_t target_id, bool *out);
// For the type of a field.
PST_MUST_USE pst_status core_fields_compatible(core_work *work, uint32_t local_id, const pst_btf *btf, uint32_t target_id, bool *out);

// target NULL: no candidate has it.
PST_MUST_USE pst_status core_answer_calculate(core_work *work, const core_spec *local, const core_spec *target, core_answer *out);
PST_MUST_USE pst_status core_patch(core_work *work, pst_slot *slots, uint32_t slot_count, const core_answer *answer);

#endif
