// arm64_layout.h: from emitted words and items to the final words of a program: the sizes of branches, distances, addresses.
#ifndef PST_JIT_ARM64_LAYOUT_H
#define PST_JIT_ARM64_LAYOUT_H

#include "jit/arm64/arm64_emit.h"

typedef struct arm64_layout {
    uint32_t *before; // before[i]: words of the items in front of item i; one more entry than items
    uint32_t size;    // words of the program
} arm64_layout;

/// The most words that code can have: what to allocate before addresses are known.
uint32_t arm64_layout_bound(const arm64_code *code);
/// Sizes every item for a program that begins at base, which is aligned to 4.
PST_MUST_USE pst_status arm64_layout_make(arm64_code *code, uint64_t base, arm64_layout *out);
void arm64_layout_free(const arm64_code *code, arm64_layout *layout);
/// Writes layout->size words, the program as it runs at base.
void arm64_layout_write(const arm64_code *code, const arm64_layout *layout, uint64_t base, uint8_t *out);
/// Where the code refers to its table of addresses, ascending; returns how many places there are. out may be NULL.
uint32_t arm64_layout_patches(const arm64_code *code, const arm64_layout *layout, pst_jit_patch *out);
/// The final index of a label that is bound, in words.
PST_INLINE uint32_t arm64_layout_index(const arm64_code *code, const arm64_layout *layout, arm64_label label)
{
    return code->labels[label].at + layout->before[code->labels[label].item];
}

#endif
