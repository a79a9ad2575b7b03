// context.c: the one meaning of a context access: from the ABI layout that a program sees to the provider's struct.
//
// The checked interpreter calls it for each access; compilers and the fast interpreter use pst_ctx_field_at at load. Pure.
#include "base/bits.h"
#include "catalog/catalog.h"

static bool is_pointer(const pst_ctx_field *field)
{
    return field->kind != PST_FIELD_SCALAR;
}

// A scalar: the part of it that its flags allow, or (wide) it and its successor at once.
static bool scalar_fits(const pst_ctx_field *field, uint32_t off, uint32_t size, bool write)
{
    if ((field->flags & PST_FIELD_WIDE) && size == 8) return off == field->abi_off;
    if (off + size > (uint32_t)field->abi_off + field->abi_size) return false;
    bool whole = off == field->abi_off && size == field->abi_size;
    if (write) return whole || field->flags & PST_FIELD_NARROW_WRITE;
    if (field->flags & PST_FIELD_EXACT) return whole;
    return !(field->flags & PST_FIELD_LOW) || off == field->abi_off;
}

static bool mask_has(uint64_t mask, uint32_t attach_type)
{
    return mask == 0 || attach_type >= 64 || (mask >> attach_type & 1);
}

static bool for_attach_type(const pst_ctx_field *field, uint32_t attach_type, bool write)
{
    return mask_has(field->attach_mask, attach_type) && (!write || mask_has(field->write_mask, attach_type));
}

// The row that the access hits. Attach types that have no bit in the masks may do what any of the others may.
static const pst_ctx_field *find_field(const pst_ctx_field *fields, uint32_t count, uint32_t attach_type, uint32_t off, uint32_t size, bool write)
{
    if (size == 0 || size > 8 || !pst_is_pow2(size)) return NULL;
    for (uint32_t i = 0; i < count; i++) {
        const pst_ctx_field *field = &fields[i];
        if (off < field->abi_off) break; // by offset: no later row can match
        if (off >= (uint32_t)field->abi_off + field->abi_size) continue;
        if (!(field->flags & (write ? PST_FIELD_WRITE : PST_FIELD_READ))) continue;
        if (off % size != 0 && !(field->flags & PST_FIELD_UNALIGNED)) continue;
        if (!for_attach_type(field, attach_type, write)) continue;
        if (is_pointer(field) ? off == field->abi_off && size == field->abi_size : scalar_fits(field, off, size, write)) return field;
    }
    return NULL;
}

const pst_ctx_field *pst_ctx_access(const pst_prog_type *type, uint32_t attach_type, uint32_t off, uint32_t size, bool write)
{
    if (off >= type->abi_size) return NULL;
    return find_field(type->fields, type->field_count, attach_type, off, size, write);
}

const pst_ctx_field *pst_ctx_field_at(const pst_prog_type *type, uint32_t off, uint32_t size, bool write)
{
    return pst_ctx_access(type, PST_ATTACH_NONE, off, size, write);
}

const pst_ctx_field *pst_struct_field_at(const pst_struct_desc *desc, uint32_t off, uint32_t size, bool write)
{
    if (off >= desc->size) return NULL;
    return find_field(desc->fields, desc->field_count, PST_ATTACH_NONE, off, size, write);
}

static uint64_t load_sized(const uint8_t *p, uint32_t size)
{
    switch (size) {
    case 1: return p[0];
    case 2: return pst_load16(p);
    case 4: return pst_load32(p);
    default: return pst_load64(p);
    }
}

static void store_sized(uint8_t *p, uint32_t size, uint64_t value)
{
    switch (size) {
    case 1: p[0] = (uint8_t)value; break;
    case 2: pst_store16(p, (uint16_t)value); break;
    case 4: pst_store32(p, (uint32_t)value); break;
    default: pst_store64(p, value); break;
    }
}

bool pst_ctx_read(const pst_prog_type *type, const void *native, uint32_t off, uint32_t size, uint64_t *out)
{
    const pst_ctx_field *field = pst_ctx_field_at(type, off, size, false);
    if (!field) return false;
    const uint8_t *at = (const uint8_t *)native + field->native_off;
    if (is_pointer(field)) {
        *out = load_sized(at, field->native_size);
        return true;
    }
    if (size > field->abi_size) { // a wide access: two fields in a row
        *out = load_sized(at, size);
        return true;
    }
    uint64_t whole = load_sized(at, field->native_size);
    *out = (whole >> (8 * (off - field->abi_off))) & pst_mask(8 * size);
    return true;
}

bool pst_ctx_write(const pst_prog_type *type, void *native, uint32_t off, uint32_t size, uint64_t value)
{
    const pst_ctx_field *field = pst_ctx_field_at(type, off, size, true);
    if (!field) return false;
    uint8_t *at = (uint8_t *)native + field->native_off;
    if (size >= field->abi_size) {
        uint32_t native_size = size > field->abi_size ? size : field->native_size;
        store_sized(at, native_size, value & pst_mask(8 * size));
        return true;
    }
    unsigned shift = 8 * (off - field->abi_off);
    uint64_t mask = pst_mask(8 * size) << shift;
    uint64_t whole = load_sized(at, field->native_size);
    store_sized(at, field->native_size, (whole & ~mask) | ((value << shift) & mask));
    return true;
}

pst_packet_range pst_ctx_packet(const pst_prog_type *type, const void *native)
{
    pst_packet_range range = {0};
    if (!native) return range; // the callback of a timer has none
    for (uint32_t i = 0; i < type->field_count; i++) {
        const pst_ctx_field *field = &type->fields[i];
        uint8_t **to = field->kind == PST_FIELD_PACKET_START ? &range.start
                     : field->kind == PST_FIELD_PACKET_END   ? &range.end
                     : field->kind == PST_FIELD_PACKET_META  ? &range.meta
                                                             : NULL;
        if (to) memcpy(to, (const uint8_t *)native + field->native_off, sizeof *to);
    }
    return range;
}
