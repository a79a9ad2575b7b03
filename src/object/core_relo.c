// core_relo.c: CO-RE relocation, the whole of it: candidates in the host, an answer from each, agreement, the patched instruction.
//
// Called by the loader for each program of an object. Candidates of a local type are found once; those that did not fit one relocation
// are not asked again by the next of that type, as in libbpf. Nothing here is quadratic in what a file holds but for the
// comparison of two types, and that is limited by CORE_RELO_WORK_MAX.
#include "object/core_relo.h"

#include "base/format.h"
#include "object/core_relo_internal.h"

typedef struct candidate {
    const pst_btf *btf;
    uint32_t id;
} candidate;

typedef struct candidates {
    candidate *items;
    size_t capacity;
    uint32_t count;
} candidates;

struct pst_core_relocator {
    const pst_env *env;
    const pst_btf *local;
    const pst_btf **targets;
    uint32_t target_count;
    uint32_t *list_of; // local type -> 1 + index in lists, 0: not searched yet
    candidates *lists;
    size_t list_capacity;
    uint32_t list_count;
    uint64_t work_left;
    core_spec local_spec, target_spec; // large: not for the stack
};

static const char *kind_text(uint32_t kind)
{
    switch (kind) {
#define X(name, number, text) \
    case PST_CORE_##name: return text;
        PST_CORE_KIND_LIST(X)
#undef X
    default: return "unknown";
    }
}

bool core_is_field(uint32_t kind)
{
    return kind <= PST_CORE_FIELD_RSHIFT_U64;
}

bool core_is_type(uint32_t kind)
{
    return (kind >= PST_CORE_TYPE_ID_LOCAL && kind <= PST_CORE_TYPE_SIZE) || kind == PST_CORE_TYPE_MATCHES;
}

bool core_is_enumval(uint32_t kind)
{
    return kind == PST_CORE_ENUMVAL_EXISTS || kind == PST_CORE_ENUMVAL_VALUE;
}

pst_status core_fail(const core_work *work, pst_status status, const char *fmt, ...)
{
    char why[192];
    va_list args;
    va_start(args, fmt);
    (void)pst_format_v(why, sizeof why, fmt, args);
    va_end(args);
    const char *name = work->relo->type < pst_btf_count(work->local) ? pst_btf_get(work->local, work->relo->type).name : "";
    return pst_fail(work->env, status, "%s: CO-RE relocation %u (%s of type %u \"%s\", path \"%s\") of instruction %u %s", work->what, work->index,
                    kind_text(work->relo->kind), work->relo->type, name, work->relo->access, work->relo->pc, why);
}

pst_status core_spend(core_work *work, uint64_t steps)
{
    if (steps > work->left) return core_fail(work, PST_E_LIMIT, "compares more types than any real program asks for");
    work->left -= steps;
    return PST_OK;
}

pst_status pst_core_relocator_create(const pst_env *env, const pst_btf *local, const pst_btf *const *targets, uint32_t target_count,
                                     pst_core_relocator **out)
{
    pst_core_relocator *r = pst_alloc_zero(env, 1, sizeof *r);
    *out = NULL;
    if (!r) return pst_fail(env, PST_E_NOMEM, "no memory for CO-RE relocation");
    *r = (pst_core_relocator){.env = env, .local = local, .target_count = target_count, .work_left = CORE_WORK_MAX};
    r->targets = pst_alloc_zero(env, target_count, sizeof *r->targets);
    r->list_of = pst_alloc_zero(env, pst_btf_count(local), sizeof *r->list_of);
    if (!r->targets || !r->list_of) {
        pst_core_relocator_free(r);
        return pst_fail(env, PST_E_NOMEM, "no memory for CO-RE relocation");
    }
    for (uint32_t i = 0; i < target_count; i++) r->targets[i] = targets[i];
    *out = r;
    return PST_OK;
}

void pst_core_relocator_free(pst_core_relocator *r)
{
    if (!r) return;
    const pst_env *env = r->env;
    for (uint32_t i = 0; i < r->list_count; i++) pst_free(env, r->lists[i].items, r->lists[i].capacity * sizeof *r->lists[i].items);
    pst_free(env, r->lists, r->list_capacity * sizeof *r->lists);
    pst_free(env, r->list_of, pst_btf_count(r->local) * sizeof *r->list_of);
    pst_free(env, r->targets, r->target_count * sizeof *r->targets);
    pst_free(env, r, sizeof *r);
}

// Adds the types of one target that have the local type's name, flavors aside, and its kind.
static pst_status add_candidates(core_work *work, const pst_btf_type *local, const pst_btf *target, candidates *list)
{
    size_t length = pst_btf_essential_length(local->name);
    uint32_t id = 0;
    while ((id = pst_btf_next_flavor(target, local->name, length, id)) != 0) {
        pst_btf_type type = pst_btf_get(target, id);
        PST_TRY(core_spend(work, 1 + length / CORE_NAME_STEP));
        if (!core_kinds_agree(local, &type)) continue;
        if (list->count == PST_CORE_CANDIDATES_MAX) return core_fail(work, PST_E_LIMIT, "has more than %u candidates", PST_CORE_CANDIDATES_MAX);
        if (pst_grow(work->env, &list->items, &list->capacity, (size_t)list->count + 1, sizeof *list->items) != PST_OK)
            return core_fail(work, PST_E_NOMEM, "ran out of memory");
        list->items[list->count++] = (candidate){.btf = target, .id = id};
    }
    return PST_OK;
}

static pst_status find_candidates(pst_core_relocator *r, core_work *work, candidates **out)
{
    uint32_t *place = &r->list_of[work->relo->type];
    if (*place == 0) {
        pst_btf_type local = pst_btf_get(r->local, work->relo->type);
        if (r->target_count == 0) return core_fail(work, PST_E_UNSUPPORTED, "needs the types of this host, and none are known");
        if (!*local.name) return core_fail(work, PST_E_UNSUPPORTED, "is about a type without name, which cannot be found in the host");
        if (pst_grow(r->env, &r->lists, &r->list_capacity, (size_t)r->list_count + 1, sizeof *r->lists) != PST_OK)
            return core_fail(work, PST_E_NOMEM, "ran out of memory");
        candidates *list = &r->lists[r->list_count++];
        *list = (candidates){0};
        PST_TRY(add_candidates(work, &local, r->targets[0], list));
        // Modules are asked only for what the kernel itself does not have.
        bool in_first = list->count > 0;
        for (uint32_t i = 1; i < r->target_count && !in_first; i++) PST_TRY(add_candidates(work, &local, r->targets[i], list));
        *place = r->list_count;
    }
    *out = &r->lists[*place - 1];
    return PST_OK;
}

static pst_status must_agree(const core_work *work, const core_answer *first, uint64_t first_offset, const core_answer *next, uint64_t next_offset)
{
    if (first_offset != next_offset)
        return core_fail(work, PST_E_FORMAT, "is ambiguous: this host has the field at bit %llu and at bit %llu", (unsigned long long)first_offset,
                         (unsigned long long)next_offset);
    if (first->poison != next->poison || first->value != next->value)
        return core_fail(work, PST_E_FORMAT, "is ambiguous: this host answers %llu and %llu", (unsigned long long)first->value,
                         (unsigned long long)next->value);
    return PST_OK;
}

// Asks each candidate and keeps those that have an answer.
static pst_status ask_candidates(pst_core_relocator *r, core_work *work, candidates *list, core_answer *out)
{
    uint32_t kept = 0;
    uint64_t offset = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        core_answer answer;
        bool found;
        PST_TRY(core_spec_match(work, &r->local_spec, list->items[i].btf, list->items[i].id, &r->target_spec, &found));
        if (!found) continue;
        PST_TRY(core_answer_calculate(work, &r->local_spec, &r->target_spec, &answer));
        if (kept == 0) {
            *out = answer;
            offset = r->target_spec.bit_offset;
        } else {
            PST_TRY(must_agree(work, out, offset, &answer, r->target_spec.bit_offset));
        }
        list->items[kept++] = list->items[i];
    }
    if (kept == 0) return core_answer_calculate(work, &r->local_spec, NULL, out);
    list->count = kept;
    return PST_OK;
}

static pst_status relocate(pst_core_relocator *r, core_work *work, pst_slot *slots, uint32_t slot_count)
{
    const pst_core_relo *relo = work->relo;
    core_answer answer = {.original = relo->type, .value = relo->type};
    candidates *list = NULL;
    if (relo->type >= pst_btf_count(r->local)) return core_fail(work, PST_E_FORMAT, "is about a type that does not exist");
    if (relo->pc >= slot_count) return core_fail(work, PST_E_FORMAT, "is behind the last instruction");
    if (!core_is_field(relo->kind) && !core_is_type(relo->kind) && !core_is_enumval(relo->kind))
        return core_fail(work, PST_E_UNSUPPORTED, "is of kind %u, which is not known here", relo->kind);
    PST_TRY(core_spec_parse(work, &r->local_spec));
    if (relo->kind != PST_CORE_TYPE_ID_LOCAL) {
        PST_TRY(find_candidates(r, work, &list));
        PST_TRY(ask_candidates(r, work, list, &answer));
    }
    return core_patch(work, slots, slot_count, &answer);
}

pst_status pst_core_relocate(pst_core_relocator *r, pst_slot *slots, uint32_t slot_count, const pst_core_relo *relos, uint32_t relo_count,
                             const char *what)
{
    for (uint32_t i = 0; i < relo_count; i++) {
        uint64_t allowed = r->work_left < CORE_RELO_WORK_MAX ? r->work_left : CORE_RELO_WORK_MAX;
        core_work work = {.env = r->env, .local = r->local, .what = what, .index = i, .relo = &relos[i], .left = allowed};
        pst_status status = relocate(r, &work, slots, slot_count);
        r->work_left -= allowed - work.left;
        if (status != PST_OK) return status;
    }
    return PST_OK;
}
