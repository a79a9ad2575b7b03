// layout.h: from emitted bytes and items to the final bytes of a program: the sizes of branches, alignment, addresses.
#ifndef PST_JIT_X64_LAYOUT_H
#define PST_JIT_X64_LAYOUT_H

#include "jit/x64/emit.h"

typedef struct x64_layout {
    uint32_t *before; // before[i]: bytes of the items in front of item i; one more entry than items
    uint32_t size;    // of the program
} x64_layout;

/// The most bytes that code can have: what to allocate before addresses are known.
uint32_t x64_layout_bound(const x64_code *code);
/// Sizes every item for a program that begins at base, which is aligned to 64.
PST_MUST_USE pst_status x64_layout_make(x64_code *code, uint64_t base, x64_layout *out);
void x64_layout_free(const x64_code *code, x64_layout *layout);
/// Writes layout->size bytes, the program as it runs at base.
void x64_layout_write(const x64_code *code, const x64_layout *layout, uint64_t base, uint8_t *out);
/// Where the code refers to its table of addresses, ascending; returns how many places there are. out may be NULL.
uint32_t x64_layout_patches(const x64_code *code, const x64_layout *layout, pst_jit_patch *out);
/// The final offset of a label that is bound.
PST_INLINE uint32_t x64_layout_offset(const x64_code *code, const x64_layout *layout, x64_label label)
{
    return code->labels[label].at + layout->before[code->labels[label].item];
}

#endif
