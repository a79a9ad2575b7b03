// btf_layout.c: how a C compiler would lay out a type: alignment, and whether a struct must be declared packed.
//
// Called by the C dumper. Answers are kept by id, so that each type is looked at once. Rules: the System V ABI's, which the BPF
// target of clang follows (an integer is aligned to its size, of 16 bytes at most).
#include "btf/btf_layout.h"

#include "btf/btf_internal.h"

static uint32_t align_of(btf_layout *layout, uint32_t id, uint32_t depth);

// A bit field wants its type's alignment for the struct as a whole, and anything else for itself.
static void look_at_members(btf_layout *layout, const pst_btf_type *type, uint32_t depth, uint32_t *align, bool *packed)
{
    *align = 1;
    *packed = false;
    for (uint32_t i = 0; i < type->count; i++) {
        pst_btf_member member = pst_btf_member_at(layout->btf, type->id, i);
        uint32_t own = align_of(layout, member.type, depth + 1);
        if (!member.bit_size && member.bit_offset % (own * 8) != 0) *packed = true;
        if (own > *align) *align = own;
    }
    if (type->size % *align != 0) *packed = true;
    if (*packed) *align = 1;
}

static uint32_t align_of(btf_layout *layout, uint32_t id, uint32_t depth)
{
    pst_btf_type type = pst_btf_get(layout->btf, pst_btf_strip(layout->btf, id));
    while (type.kind == PST_BTF_ARRAY) type = pst_btf_get(layout->btf, pst_btf_strip(layout->btf, type.type));
    if (type.kind == PST_BTF_PTR) return layout->btf->pointer_size;
    if (type.kind == PST_BTF_STRUCT || type.kind == PST_BTF_UNION) {
        uint8_t *known = &layout->known[type.id];
        uint32_t align;
        bool packed;
        if (*known) return *known & BTF_LAYOUT_ALIGN;
        if (depth > BTF_LAYOUT_DEPTH) {
            layout->too_deep = true;
            return 1;
        }
        *known = 1; // for a struct inside of itself
        look_at_members(layout, &type, depth, &align, &packed);
        *known = (uint8_t)(align | (packed ? BTF_LAYOUT_PACKED : 0));
        return align;
    }
    return pst_is_pow2(type.size) && type.size <= 16 ? type.size : 1;
}

uint32_t btf_layout_align(btf_layout *layout, uint32_t id)
{
    return align_of(layout, id, 0);
}

bool btf_layout_packed(btf_layout *layout, uint32_t id)
{
    (void)align_of(layout, id, 0);
    return (layout->known[id] & BTF_LAYOUT_PACKED) != 0;
}
