// btf_layout.h: alignment and packing of types, for btf_dump.c.
#ifndef PST_BTF_LAYOUT_H
#define PST_BTF_LAYOUT_H

#include "btf/btf.h"

#define BTF_LAYOUT_DEPTH 128u // structs in structs
#define BTF_LAYOUT_ALIGN 0x1fu
#define BTF_LAYOUT_PACKED 0x80u

typedef struct btf_layout {
    const pst_btf *btf;
    uint8_t *known; // by id, zeroed: alignment, and BTF_LAYOUT_PACKED; 0: not looked at yet
    bool too_deep;
} btf_layout;

uint32_t btf_layout_align(btf_layout *layout, uint32_t id);
// id is a struct or union.
bool btf_layout_packed(btf_layout *layout, uint32_t id);

#endif
