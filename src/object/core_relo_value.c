// core_relo_value.c: what the instruction holds by the local types, and what it shall hold by the host's.
//
// Called by core_relo.c for each candidate. Pure but for messages. The arithmetic is libbpf's, widths included: offsets and shifts are
// computed in 32 bits, then widened.
#include "object/core_relo_internal.h"

// The answer of one side.
typedef struct side {
    uint64_t value;
    uint32_t access_size; // of a load or store of the field, 0: not one
    uint32_t type;        // what is loaded or stored, 0: nothing
    bool validate;
} side;

// Where to load a bit field from, in units that its type has, doubled until all bits are inside.
static pst_status bit_field_window(const core_work *work, uint32_t bit_offset, uint32_t bits, uint32_t *byte_offset, uint32_t *bytes)
{
    if (*bytes == 0) return core_fail(work, PST_E_FORMAT, "is about a bit field of a type without size");
    *byte_offset = bit_offset / 8 / *bytes * *bytes;
    while (bit_offset + bits - *byte_offset * 8 > *bytes * 8) {
        if (*bytes >= 8) return core_fail(work, PST_E_UNSUPPORTED, "is about a bit field that no load of 64 bits covers");
        *bytes *= 2;
        *byte_offset = bit_offset / 8 / *bytes * *bytes;
    }
    return PST_OK;
}

static pst_status size_of(const core_work *work, const pst_btf *btf, uint32_t id, uint32_t *out)
{
    uint64_t size;
    if (!pst_btf_size(btf, id, &size)) return core_fail(work, PST_E_FORMAT, "is about a type without size");
    *out = (uint32_t)size;
    return PST_OK;
}

// A load or store of an array touches one of its elements.
static pst_status access_size(const core_work *work, const pst_btf *btf, uint32_t id, uint32_t *out)
{
    id = pst_btf_strip(btf, id);
    while (pst_btf_get(btf, id).kind == PST_BTF_ARRAY) id = pst_btf_strip(btf, pst_btf_get(btf, id).type);
    return size_of(work, btf, id, out);
}

// The path ends in an element, or has no members at all.
static pst_status element_side(const core_work *work, const core_spec *spec, side *out)
{
    uint32_t type = spec->steps[spec->length - 1].type, size = 0;
    if (work->relo->kind == PST_CORE_FIELD_BYTE_OFFSET) {
        out->value = spec->bit_offset / 8;
        out->type = type;
        return access_size(work, spec->btf, type, &out->access_size);
    }
    if (work->relo->kind != PST_CORE_FIELD_BYTE_SIZE) return core_fail(work, PST_E_UNSUPPORTED, "asks an array element for what only fields have");
    PST_TRY(size_of(work, spec->btf, type, &size));
    out->value = size;
    return PST_OK;
}

static bool is_signed(const pst_btf_type *type)
{
    return (core_is_enum(type) && type->kind_flag) || (type->kind == PST_BTF_INT && (type->int_encoding & 1));
}

static pst_status field_side(const core_work *work, const core_spec *spec, side *out)
{
    const core_step *last = &spec->steps[spec->length - 1];
    if (!last->name) return element_side(work, spec, out);
    pst_btf_member member = pst_btf_member_at(spec->btf, last->type, last->index);
    uint32_t type_id = pst_btf_strip(spec->btf, member.type);
    pst_btf_type type = pst_btf_get(spec->btf, type_id);
    uint32_t bit_offset = (uint32_t)spec->bit_offset, bits = member.bit_size, bytes = type.size, byte_offset = bit_offset / 8;
    bool is_bits = bits > 0;
    if (is_bits) {
        PST_TRY(bit_field_window(work, bit_offset, bits, &byte_offset, &bytes));
    } else {
        PST_TRY(size_of(work, spec->btf, type_id, &bytes));
        bits = bytes * 8;
    }
    // Compilers may choose another window for a bit field, but its sign and width are what they are.
    out->validate = !is_bits;
    switch ((pst_core_relo_kind)work->relo->kind) {
    case PST_CORE_FIELD_BYTE_OFFSET:
        out->value = byte_offset;
        // A bit field is no access by itself: type and size stay "none", and so it never fits one that is.
        if (is_bits) return PST_OK;
        out->type = type_id;
        return access_size(work, spec->btf, type_id, &out->access_size);
    case PST_CORE_FIELD_BYTE_SIZE: out->value = bytes; return PST_OK;
    case PST_CORE_FIELD_SIGNED:
        out->value = is_signed(&type);
        out->validate = true;
        return PST_OK;
    case PST_CORE_FIELD_LSHIFT_U64: out->value = 64 - (bit_offset + bits - byte_offset * 8); return PST_OK;
    case PST_CORE_FIELD_RSHIFT_U64:
        out->value = 64 - bits;
        out->validate = true;
        return PST_OK;
    case PST_CORE_FIELD_EXISTS:
    case PST_CORE_TYPE_ID_LOCAL:
    case PST_CORE_TYPE_ID_TARGET:
    case PST_CORE_TYPE_EXISTS:
    case PST_CORE_TYPE_SIZE:
    case PST_CORE_ENUMVAL_EXISTS:
    case PST_CORE_ENUMVAL_VALUE:
    case PST_CORE_TYPE_MATCHES: break;
    }
    return core_fail(work, PST_E_UNSUPPORTED, "is of no known kind");
}

// A load or store keeps its meaning at another width only where the upper bits are zero: pointers and unsigned integers.
static bool resizable(const pst_btf_type *a, const pst_btf_type *b)
{
    if (a->kind == PST_BTF_PTR && b->kind == PST_BTF_PTR) return true;
    return a->kind == PST_BTF_INT && b->kind == PST_BTF_INT && a->int_encoding != 1 && b->int_encoding != 1;
}

static pst_status field_answer(const core_work *work, const core_spec *local, const core_spec *target, core_answer *out)
{
    side mine = {.validate = true}, theirs = {.validate = true};
    out->poison = !target && work->relo->kind != PST_CORE_FIELD_EXISTS;
    if (work->relo->kind == PST_CORE_FIELD_EXISTS) {
        out->original = 1;
        out->value = target ? 1 : 0;
        return PST_OK;
    }
    PST_TRY(field_side(work, local, &mine));
    out->original = mine.value;
    out->original_size = mine.access_size;
    out->validate = mine.validate;
    if (!target) return PST_OK;
    PST_TRY(field_side(work, target, &theirs));
    out->value = theirs.value;
    out->size = theirs.access_size;
    if (mine.access_size == theirs.access_size) return PST_OK;
    pst_btf_type from = pst_btf_get(local->btf, mine.type), to = pst_btf_get(target->btf, theirs.type);
    out->bad_resize = !resizable(&from, &to);
    return PST_OK;
}

static pst_status type_answer(const core_work *work, const core_spec *local, const core_spec *target, core_answer *out)
{
    uint32_t size = 0;
    if (work->relo->kind == PST_CORE_TYPE_ID_TARGET) {
        // Ids change when objects are linked, so what the instruction holds says nothing.
        out->validate = false;
        out->original = local->root;
        out->value = target ? target->root : 0;
    } else if (work->relo->kind == PST_CORE_TYPE_SIZE) {
        PST_TRY(size_of(work, local->btf, local->root, &size));
        out->original = size;
        size = 0;
        if (target) PST_TRY(size_of(work, target->btf, target->root, &size));
        out->value = size;
    } else {
        out->original = 1;
        out->value = target ? 1 : 0;
    }
    return PST_OK;
}

// Enumerators of 32 bits are widened with their sign whatever the enum says: compilers before clang 16 did not say.
static uint64_t enumerator(const core_spec *spec)
{
    const core_step *step = &spec->steps[0];
    int64_t value = pst_btf_member_at(spec->btf, step->type, step->index).value;
    return pst_btf_get(spec->btf, step->type).kind == PST_BTF_ENUM ? (uint64_t)(int64_t)(int32_t)value : (uint64_t)value;
}

pst_status core_answer_calculate(core_work *work, const core_spec *local, const core_spec *target, core_answer *out)
{
    *out = (core_answer){.validate = true};
    if (core_is_field(work->relo->kind)) return field_answer(work, local, target, out);
    if (core_is_type(work->relo->kind)) return type_answer(work, local, target, out);
    if (work->relo->kind == PST_CORE_ENUMVAL_EXISTS) {
        out->original = 1;
        out->value = target ? 1 : 0;
    } else {
        out->original = enumerator(local);
        out->value = target ? enumerator(target) : 0;
        out->poison = !target;
    }
    return PST_OK;
}
