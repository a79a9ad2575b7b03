// refs.h: what code refers to outside of itself, while it is compiled to be bound later. Internal to this folder.
#ifndef PST_JIT_REFS_H
#define PST_JIT_REFS_H

#include "jit/blob.h"

/// References, each once: the table of addresses of a program to be.
typedef struct jit_refs {
    const pst_env *env;
    pst_jit_ref *refs;
    size_t capacity;
    uint32_t count;
    uint16_t *index;  // hash of a reference -> its number + 1
} jit_refs;

PST_MUST_USE pst_status jit_refs_init(jit_refs *refs, const pst_env *env);
void jit_refs_free(jit_refs *refs);
/// PST_E_LIMIT: there are PST_JIT_REFS_MAX already.
PST_MUST_USE pst_status jit_refs_add(jit_refs *refs, pst_jit_ref ref, uint32_t *number);

/// The live address that ref means; 0: there is none. Maps are those of the image.
uint64_t jit_ref_address(const pst_image *image, const pst_bindings *bindings, pst_jit_ref ref);

#endif
