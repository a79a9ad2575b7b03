// core_relo_match.c: when a type of the program and a type of the host are the same thing.
//
// Three relations, from loose to strict: fields_compatible (may a field of one type stand for a field of the other),
// types_compatible (existence, size and id of a type), types_match (the target has all that the local one has). The rules are
// libbpf's; each is written down where it is decided. Depth is bounded by CORE_DEPTH_MAX, work by core_spend.
#include <string.h>

#include "object/core_relo_internal.h"

bool core_is_enum(const pst_btf_type *type)
{
    return type->kind == PST_BTF_ENUM || type->kind == PST_BTF_ENUM64;
}

bool core_is_composite(const pst_btf_type *type)
{
    return type->kind == PST_BTF_STRUCT || type->kind == PST_BTF_UNION;
}

bool core_kinds_agree(const pst_btf_type *a, const pst_btf_type *b)
{
    return a->kind == b->kind || (core_is_enum(a) && core_is_enum(b));
}

// Equal without flavors. An empty name only equals an empty one. Names may be as long as the file: they count as work.
static pst_status names_equal(core_work *work, const char *a, const char *b, bool *out)
{
    size_t length = pst_btf_essential_length(a), other = pst_btf_essential_length(b);
    *out = length == other && strncmp(a, b, length) == 0;
    return core_spend(work, 1 + (length + other) / CORE_NAME_STEP);
}

static pst_btf_type stripped(const pst_btf *btf, uint32_t id)
{
    return pst_btf_get(btf, pst_btf_strip(btf, id));
}

pst_status core_fields_compatible(core_work *work, uint32_t local_id, const pst_btf *btf, uint32_t target_id, bool *out)
{
    for (;;) {
        pst_btf_type local = stripped(work->local, local_id), target = stripped(btf, target_id);
        PST_TRY(core_spend(work, 1));
        *out = true;
        if (core_is_composite(&local) && core_is_composite(&target)) return PST_OK;
        *out = false;
        if (!core_kinds_agree(&local, &target)) return PST_OK;
        switch (local.kind) {
        case PST_BTF_PTR:
        case PST_BTF_FLOAT: *out = true; return PST_OK;
        case PST_BTF_FWD:
        case PST_BTF_ENUM:
        case PST_BTF_ENUM64:
            *out = !*local.name || !*target.name;
            return *out ? PST_OK : names_equal(work, local.name, target.name, out);
        // Any two sizes and signs; but not the bit fields that old compilers made of integers.
        case PST_BTF_INT: *out = local.int_offset == 0 && target.int_offset == 0; return PST_OK;
        // Dimensions do not matter, elements do.
        case PST_BTF_ARRAY:
            local_id = local.type;
            target_id = target.type;
            continue;
        case PST_BTF_VOID:
        case PST_BTF_STRUCT:
        case PST_BTF_UNION:
        case PST_BTF_TYPEDEF:
        case PST_BTF_VOLATILE:
        case PST_BTF_CONST:
        case PST_BTF_RESTRICT:
        case PST_BTF_FUNC:
        case PST_BTF_FUNC_PROTO:
        case PST_BTF_VAR:
        case PST_BTF_DATASEC:
        case PST_BTF_DECL_TAG:
        case PST_BTF_TYPE_TAG: return PST_OK;
        }
        return PST_OK;
    }
}

static pst_status too_deep(const core_work *work)
{
    return core_fail(work, PST_E_LIMIT, "compares types that nest more than %u deep", CORE_DEPTH_MAX);
}

static pst_status compatible(core_work *work, uint32_t local_id, const pst_btf *btf, uint32_t target_id, uint32_t level, bool *out);

static pst_status parameters_compatible(core_work *work, const pst_btf_type *local, const pst_btf *btf, const pst_btf_type *target,
                                        uint32_t level, bool *out)
{
    *out = local->count == target->count;
    for (uint32_t i = 0; i < local->count && *out; i++) {
        uint32_t local_id = pst_btf_strip(work->local, pst_btf_member_at(work->local, local->id, i).type);
        uint32_t target_id = pst_btf_strip(btf, pst_btf_member_at(btf, target->id, i).type);
        if (level == 0) return too_deep(work);
        PST_TRY(compatible(work, local_id, btf, target_id, level - 1, out));
    }
    return PST_OK;
}

static pst_status compatible(core_work *work, uint32_t local_id, const pst_btf *btf, uint32_t target_id, uint32_t level, bool *out)
{
    for (uint32_t depth = 0; depth < CORE_DEPTH_MAX; depth++) {
        pst_btf_type local = stripped(work->local, local_id), target = stripped(btf, target_id);
        PST_TRY(core_spend(work, 1));
        *out = false;
        if (!core_kinds_agree(&local, &target)) return PST_OK;
        switch (local.kind) {
        case PST_BTF_VOID:
        case PST_BTF_STRUCT:
        case PST_BTF_UNION:
        case PST_BTF_ENUM:
        case PST_BTF_ENUM64:
        case PST_BTF_FWD: *out = true; return PST_OK;
        case PST_BTF_INT: *out = local.int_offset == 0 && target.int_offset == 0; return PST_OK;
        case PST_BTF_FUNC_PROTO:
            PST_TRY(parameters_compatible(work, &local, btf, &target, level, out));
            if (!*out) return PST_OK;
            break; // on with what it returns
        case PST_BTF_PTR:
        case PST_BTF_ARRAY: break; // on with what it points to or is made of
        // libbpf refuses these too.
        case PST_BTF_FLOAT:
        case PST_BTF_FUNC:
        case PST_BTF_VAR:
        case PST_BTF_DATASEC:
        case PST_BTF_DECL_TAG: return PST_OK;
        case PST_BTF_TYPEDEF:
        case PST_BTF_VOLATILE:
        case PST_BTF_CONST:
        case PST_BTF_RESTRICT:
        case PST_BTF_TYPE_TAG: return PST_OK; // stripped: cannot be
        }
        local_id = local.type;
        target_id = target.type;
    }
    return too_deep(work);
}

pst_status core_types_compatible(core_work *work, uint32_t local_id, const pst_btf *btf, uint32_t target_id, bool *out)
{
    // At the root kinds are compared before typedefs are looked through.
    pst_btf_type local = pst_btf_get(work->local, local_id), target = pst_btf_get(btf, target_id);
    *out = false;
    if (!core_kinds_agree(&local, &target)) return PST_OK;
    return compatible(work, local_id, btf, target_id, CORE_DEPTH_MAX, out);
}

static pst_status match(core_work *work, uint32_t local_id, const pst_btf *btf, uint32_t target_id, bool behind_pointer, uint32_t level,
                        bool *out);

// Each local enumerator has its name in the target; values do not matter.
static pst_status enums_match(core_work *work, const pst_btf_type *local, const pst_btf *btf, const pst_btf_type *target, bool *out)
{
    *out = core_is_enum(target) && local->size == target->size && local->count <= target->count;
    for (uint32_t i = 0; i < local->count && *out; i++) {
        const char *name = pst_btf_member_at(work->local, local->id, i).name;
        *out = false;
        for (uint32_t j = 0; j < target->count && !*out; j++) {
            PST_TRY(names_equal(work, name, pst_btf_member_at(btf, target->id, j).name, out));
        }
    }
    return PST_OK;
}

// Each local member has one in the target with its name and a type that matches.
static pst_status members_match(core_work *work, const pst_btf_type *local, const pst_btf *btf, const pst_btf_type *target,
                                bool behind_pointer, uint32_t level, bool *out)
{
    *out = local->count <= target->count;
    for (uint32_t i = 0; i < local->count && *out; i++) {
        pst_btf_member mine = pst_btf_member_at(work->local, local->id, i);
        *out = false;
        for (uint32_t j = 0; j < target->count && !*out; j++) {
            pst_btf_member theirs = pst_btf_member_at(btf, target->id, j);
            PST_TRY(names_equal(work, mine.name, theirs.name, out));
            if (*out) PST_TRY(match(work, mine.type, btf, theirs.type, behind_pointer, level - 1, out));
        }
    }
    return PST_OK;
}

static pst_status parameters_match(core_work *work, const pst_btf_type *local, const pst_btf *btf, const pst_btf_type *target,
                                   bool behind_pointer, uint32_t level, bool *out)
{
    *out = local->kind == target->kind && local->count == target->count;
    for (uint32_t i = 0; i < local->count && *out; i++) {
        uint32_t local_id = pst_btf_member_at(work->local, local->id, i).type;
        PST_TRY(match(work, local_id, btf, pst_btf_member_at(btf, target->id, i).type, behind_pointer, level - 1, out));
    }
    return PST_OK;
}

// A forward declaration of this kind: kind_flag tells a union.
static bool declares(const pst_btf_type *forward, const pst_btf_type *type)
{
    return forward->kind == PST_BTF_FWD && type->kind == (forward->kind_flag ? PST_BTF_UNION : PST_BTF_STRUCT);
}

static bool forward_matches(const pst_btf_type *local, const pst_btf_type *target, bool behind_pointer)
{
    if (target->kind == PST_BTF_FWD) return local->kind_flag == target->kind_flag;
    return behind_pointer && declares(local, target);
}

static pst_status match(core_work *work, uint32_t local_id, const pst_btf *btf, uint32_t target_id, bool behind_pointer, uint32_t level,
                        bool *out)
{
    if (level == 0) return too_deep(work);
    for (uint32_t depth = 0; depth < CORE_DEPTH_MAX; depth++) {
        pst_btf_type local = stripped(work->local, local_id), target = stripped(btf, target_id);
        PST_TRY(names_equal(work, local.name, target.name, out));
        if (!*out) return PST_OK;
        *out = false;
        switch (local.kind) {
        case PST_BTF_VOID: *out = target.kind == PST_BTF_VOID; return PST_OK;
        case PST_BTF_FWD: *out = forward_matches(&local, &target, behind_pointer); return PST_OK;
        case PST_BTF_ENUM:
        case PST_BTF_ENUM64: return enums_match(work, &local, btf, &target, out);
        case PST_BTF_STRUCT:
        case PST_BTF_UNION:
            // Behind a pointer the name is enough.
            *out = behind_pointer && (local.kind == target.kind || declares(&target, &local));
            if (behind_pointer || local.kind != target.kind) return PST_OK;
            return members_match(work, &local, btf, &target, behind_pointer, level, out);
        case PST_BTF_INT:
            *out = target.kind == PST_BTF_INT && local.size == target.size && ((local.int_encoding ^ target.int_encoding) & 1) == 0;
            return PST_OK;
        case PST_BTF_PTR:
            if (target.kind != PST_BTF_PTR) return PST_OK;
            behind_pointer = true;
            break;
        case PST_BTF_ARRAY:
            if (target.kind != PST_BTF_ARRAY || local.count != target.count) return PST_OK;
            break;
        case PST_BTF_FUNC_PROTO:
            PST_TRY(parameters_match(work, &local, btf, &target, behind_pointer, level, out));
            if (!*out) return PST_OK;
            break;
        // libbpf refuses these too.
        case PST_BTF_FLOAT:
        case PST_BTF_FUNC:
        case PST_BTF_VAR:
        case PST_BTF_DATASEC:
        case PST_BTF_DECL_TAG: return PST_OK;
        case PST_BTF_TYPEDEF:
        case PST_BTF_VOLATILE:
        case PST_BTF_CONST:
        case PST_BTF_RESTRICT:
        case PST_BTF_TYPE_TAG: return PST_OK; // stripped: cannot be
        }
        local_id = local.type;
        target_id = target.type;
    }
    return too_deep(work);
}

pst_status core_types_match(core_work *work, uint32_t local_id, const pst_btf *btf, uint32_t target_id, bool *out)
{
    return match(work, local_id, btf, target_id, false, CORE_DEPTH_MAX, out);
}
