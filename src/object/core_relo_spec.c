// core_relo_spec.c: a path through types, read from the relocation, and found again in the host's types.
//
// Called by core_relo.c. "0:1:2" means element 0 of what a pointer points to, its member 1, and of that member 2 or element 2. In the host
// members are looked up by name, through anonymous structs and unions, so the way found may be of another length.
#include <string.h>

#include "object/core_relo_internal.h"

#define SPEC_INDEX_MAX 0x7fffffffu

static pst_status too_long(const core_work *work)
{
    return core_fail(work, PST_E_LIMIT, "has a path of more than %u steps", PST_CORE_SPEC_MAX);
}

static pst_status parse_indices(const core_work *work, uint32_t *indices, uint32_t *count)
{
    const char *at = work->relo->access;
    for (*count = 0;; at++) {
        uint64_t value = 0;
        if (*at < '0' || *at > '9') return core_fail(work, PST_E_FORMAT, "has a malformed path");
        for (; *at >= '0' && *at <= '9'; at++) {
            value = value * 10 + (uint64_t)(*at - '0');
            if (value > SPEC_INDEX_MAX) return core_fail(work, PST_E_FORMAT, "has a malformed path");
        }
        if (*count == PST_CORE_SPEC_MAX) return too_long(work);
        indices[(*count)++] = (uint32_t)value;
        if (!*at) return PST_OK;
        if (*at != ':') return core_fail(work, PST_E_FORMAT, "has a malformed path");
    }
}

// Advances the offset by index elements of type id.
static pst_status add_elements(const core_work *work, core_spec *spec, uint32_t id, uint32_t index)
{
    uint64_t size;
    if (!pst_btf_size(spec->btf, id, &size)) return core_fail(work, PST_E_FORMAT, "leads to a type without size");
    // Below 2^31 * 2^32 * 8: no overflow.
    spec->bit_offset += size * index * 8;
    if (spec->bit_offset > UINT32_MAX) return core_fail(work, PST_E_LIMIT, "leads to an offset of more than 512 MiB");
    return PST_OK;
}

// An array of no elements at the end of a struct has as many as one likes.
static bool is_flexible(const core_spec *spec, const core_step *parent, const pst_btf_type *array)
{
    if (!parent->name || array->count > 0) return false;
    return parent->index + 1 == pst_btf_get(spec->btf, parent->type).count;
}

static pst_status step_into_member(const core_work *work, core_spec *spec, const pst_btf_type *type, uint32_t index, uint32_t *id)
{
    if (index >= type->count) return core_fail(work, PST_E_FORMAT, "asks for member %u of a struct with %u", index, type->count);
    pst_btf_member member = pst_btf_member_at(spec->btf, type->id, index);
    spec->bit_offset += member.bit_offset;
    if (*member.name) spec->steps[spec->length++] = (core_step){.type = type->id, .index = index, .name = member.name};
    *id = member.type;
    return PST_OK;
}

static pst_status step_into_element(const core_work *work, core_spec *spec, const pst_btf_type *type, uint32_t index, uint32_t *id)
{
    const core_step *parent = &spec->steps[spec->length - 1];
    if (index >= type->count && !is_flexible(spec, parent, type))
        return core_fail(work, PST_E_FORMAT, "asks for element %u of an array of %u", index, type->count);
    *id = pst_btf_strip(spec->btf, type->type);
    spec->steps[spec->length++] = (core_step){.type = *id, .index = index};
    return add_elements(work, spec, *id, index);
}

static pst_status parse_enumerator(const core_work *work, core_spec *spec, uint32_t index)
{
    pst_btf_type type = pst_btf_get(spec->btf, spec->steps[0].type);
    if (!core_is_enum(&type) || spec->raw_length > 1 || index >= type.count)
        return core_fail(work, PST_E_FORMAT, "does not name an enumerator");
    spec->steps[0].name = pst_btf_member_at(spec->btf, type.id, index).name;
    return PST_OK;
}

pst_status core_spec_parse(core_work *work, core_spec *out)
{
    uint32_t indices[PST_CORE_SPEC_MAX];
    *out = (core_spec){.btf = work->local, .root = work->relo->type};
    PST_TRY(parse_indices(work, indices, &out->raw_length));
    if (core_is_type(work->relo->kind)) {
        if (strcmp(work->relo->access, "0") != 0) return core_fail(work, PST_E_FORMAT, "is about a type but has a path");
        return PST_OK;
    }
    uint32_t id = pst_btf_strip(out->btf, out->root);
    out->steps[out->length++] = (core_step){.type = id, .index = indices[0]};
    if (core_is_enumval(work->relo->kind)) return parse_enumerator(work, out, indices[0]);
    PST_TRY(add_elements(work, out, id, indices[0]));
    for (uint32_t i = 1; i < out->raw_length; i++) {
        id = pst_btf_strip(out->btf, id);
        pst_btf_type type = pst_btf_get(out->btf, id);
        if (core_is_composite(&type)) PST_TRY(step_into_member(work, out, &type, indices[i], &id));
        else if (type.kind == PST_BTF_ARRAY) PST_TRY(step_into_element(work, out, &type, indices[i], &id));
        else return core_fail(work, PST_E_FORMAT, "asks for a part of a type that has none");
        PST_TRY(core_spend(work, 1));
    }
    return PST_OK;
}

// Looks for the member that local step names, in type id and in its anonymous members. On success *next is the member's type.
static pst_status match_member(core_work *work, const core_step *local, core_spec *spec, uint32_t id, uint32_t *next, bool *found)
{
    *found = false;
    id = pst_btf_strip(spec->btf, id);
    pst_btf_type type = pst_btf_get(spec->btf, id);
    if (!core_is_composite(&type)) return PST_OK;
    for (uint32_t i = 0; i < type.count && !*found; i++) {
        pst_btf_member member = pst_btf_member_at(spec->btf, id, i);
        PST_TRY(core_spend(work, work->name_cost));
        if (*member.name && strcmp(member.name, local->name) != 0) continue;
        // Also the bound of the recursion.
        if (spec->raw_length == PST_CORE_SPEC_MAX) return too_long(work);
        uint64_t offset = spec->bit_offset;
        spec->bit_offset += member.bit_offset;
        spec->raw_length++;
        if (!*member.name) {
            PST_TRY(match_member(work, local, spec, member.type, next, found));
        } else {
            spec->steps[spec->length] = (core_step){.type = id, .index = i, .name = member.name};
            *next = member.type;
            uint32_t local_type = pst_btf_member_at(work->local, local->type, local->index).type;
            PST_TRY(core_fields_compatible(work, local_type, spec->btf, member.type, found));
            if (!*found) return PST_OK;
            spec->length++;
        }
        if (*found) break;
        spec->bit_offset = offset;
        spec->raw_length--;
    }
    return PST_OK;
}

static pst_status match_element(core_work *work, uint32_t step, const core_step *local, core_spec *spec, uint32_t *id, bool *found)
{
    *found = true;
    if (step > 0) {
        // What step 0 indexes is an imagined array of the root type; here *id is a real one.
        pst_btf_type type = pst_btf_get(spec->btf, pst_btf_strip(spec->btf, *id));
        *found = type.kind == PST_BTF_ARRAY && (local->index < type.count || is_flexible(spec, &spec->steps[spec->length - 1], &type));
        if (!*found) return PST_OK;
        *id = type.type;
    }
    *id = pst_btf_strip(spec->btf, *id);
    if (spec->raw_length == PST_CORE_SPEC_MAX) return too_long(work);
    spec->raw_length++;
    spec->steps[spec->length++] = (core_step){.type = *id, .index = local->index};
    return add_elements(work, spec, *id, local->index);
}

static pst_status match_enumerator(core_work *work, const core_step *local, core_spec *spec, bool *found)
{
    uint32_t id = pst_btf_strip(spec->btf, spec->root);
    pst_btf_type type = pst_btf_get(spec->btf, id);
    size_t length = pst_btf_essential_length(local->name);
    *found = false;
    if (!core_is_enum(&type)) return PST_OK;
    for (uint32_t i = 0; i < type.count; i++) {
        const char *name = pst_btf_member_at(spec->btf, id, i).name;
        PST_TRY(core_spend(work, 1 + length / CORE_NAME_STEP));
        if (strncmp(name, local->name, length) != 0 || pst_btf_essential_length(name) != length) continue;
        spec->steps[spec->length++] = (core_step){.type = id, .index = i, .name = name};
        spec->raw_length = 1;
        *found = true;
        return PST_OK;
    }
    return PST_OK;
}

pst_status core_spec_match(core_work *work, const core_spec *local, const pst_btf *btf, uint32_t target, core_spec *out, bool *found)
{
    uint32_t kind = work->relo->kind, id = target;
    *out = (core_spec){.btf = btf, .root = target};
    *found = false;
    if (kind == PST_CORE_TYPE_MATCHES) return core_types_match(work, local->root, btf, target, found);
    if (core_is_type(kind)) return core_types_compatible(work, local->root, btf, target, found);
    if (core_is_enumval(kind)) return match_enumerator(work, &local->steps[0], out, found);
    for (uint32_t i = 0; i < local->length; i++) {
        const core_step *step = &local->steps[i];
        work->name_cost = step->name ? 1 + strlen(step->name) / CORE_NAME_STEP : 1;
        if (step->name) PST_TRY(match_member(work, step, out, id, &id, found));
        else PST_TRY(match_element(work, i, step, out, &id, found));
        if (!*found) return PST_OK;
    }
    if (out->bit_offset > UINT32_MAX) return core_fail(work, PST_E_LIMIT, "leads to an offset of more than 512 MiB");
    return PST_OK;
}
