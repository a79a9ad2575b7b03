// record.c: finds the special fields of a type in its BTF.
//
// Called for objects of bpf_obj_new (call_object.c), and by loaders for the values of maps. Pure but for the arena. The rules are those of
// Linux's btf_parse_fields: a field is known by the name of its struct, a kptr by its type tag, what a list or tree contains by the
// declaration tag "contains:STRUCT:FIELD". Nested structs and arrays of them are walked, to a small depth.
#include "verify/record.h"

#include <string.h>

#define DEPTH_MAX 4 // of nested structs

typedef struct finder {
    const pst_btf *btf;
    pst_record found[PST_RECORDS_MAX];
    uint32_t count;
} finder;

static const struct {
    const char *name;
    pst_record_kind kind;
    bool is_unique; // at most one in a type
    uint8_t size, align; // a struct of another size only has the name in common: what runs would write beyond it
} g_kinds[] = {
    {"bpf_spin_lock", PST_RECORD_SPIN_LOCK, true, 4, 4},    {"bpf_res_spin_lock", PST_RECORD_RES_SPIN_LOCK, true, 4, 4},
    {"bpf_timer", PST_RECORD_TIMER, true, 16, 8},           {"bpf_wq", PST_RECORD_WORKQUEUE, true, 16, 8},
    {"bpf_task_work", PST_RECORD_TASK_WORK, true, 8, 8},    {"bpf_dynptr", PST_RECORD_DYNPTR, false, 16, 8},
    {"bpf_list_head", PST_RECORD_LIST_HEAD, false, 16, 8},  {"bpf_list_node", PST_RECORD_LIST_NODE, false, 24, 8},
    {"bpf_rb_root", PST_RECORD_RB_ROOT, false, 16, 8},      {"bpf_rb_node", PST_RECORD_RB_NODE, false, 32, 8},
    {"bpf_refcount", PST_RECORD_REFCOUNT, true, 4, 4},
};

static const struct {
    const char *tag;
    pst_record_kind kind;
} g_tags[] = {
    {"kptr", PST_RECORD_KPTR},
    {"kptr_untrusted", PST_RECORD_KPTR_UNTRUSTED},
    {"percpu_kptr", PST_RECORD_KPTR_PERCPU},
    {"uptr", PST_RECORD_UPTR},
};

static pst_status add(finder *f, pst_record record, bool is_unique)
{
    if (f->count == PST_RECORDS_MAX) return PST_E_LIMIT;
    for (uint32_t i = 0; is_unique && i < f->count; i++)
        if (f->found[i].kind == record.kind) return PST_E_FORMAT;
    uint32_t at = f->count++;
    for (; at > 0 && f->found[at - 1].offset > record.offset; at--) f->found[at] = f->found[at - 1];
    f->found[at] = record;
    return PST_OK;
}

static uint32_t skip_qualifiers(const pst_btf *btf, uint32_t id)
{
    for (uint32_t i = 0; i < PST_BTF_CHAIN_MAX; i++) {
        pst_btf_type t = pst_btf_get(btf, id);
        if (t.kind != PST_BTF_TYPEDEF && t.kind != PST_BTF_CONST && t.kind != PST_BTF_VOLATILE && t.kind != PST_BTF_RESTRICT) break;
        id = t.type;
    }
    return id;
}

// "contains:STRUCT:FIELD" of member index of owner (-1: of owner itself).
static const char *find_contains(const pst_btf *btf, uint32_t owner, int32_t index)
{
    uint32_t count = pst_btf_count(btf);
    for (uint32_t id = pst_btf_first(btf); id < count; id++) {
        pst_btf_type t = pst_btf_get(btf, id);
        if (t.kind == PST_BTF_DECL_TAG && t.type == owner && t.component == index && strncmp(t.name, "contains:", 9) == 0) return t.name + 9;
    }
    return NULL;
}

static pst_status fill_contains(const pst_btf *btf, const char *contains, bool is_list, pst_record *record)
{
    const char *colon = contains != NULL ? strchr(contains, ':') : NULL;
    if (colon == NULL) return PST_E_FORMAT;
    uint32_t count = pst_btf_count(btf);
    size_t length = (size_t)(colon - contains);
    for (uint32_t id = pst_btf_first(btf); id < count; id++) {
        pst_btf_type t = pst_btf_get(btf, id);
        if (t.kind != PST_BTF_STRUCT || strncmp(t.name, contains, length) != 0 || t.name[length] != '\0') continue;
        for (uint32_t i = 0; i < t.count; i++) {
            pst_btf_member m = pst_btf_member_at(btf, id, i);
            if (strcmp(m.name, colon + 1) != 0) continue;
            pst_btf_type node = pst_btf_get(btf, skip_qualifiers(btf, m.type));
            if (strcmp(node.name, is_list ? "bpf_list_node" : "bpf_rb_node") != 0) return PST_E_FORMAT;
            record->type_id = id;
            record->type_name = t.name;
            record->node_offset = m.bit_offset / 8;
            return PST_OK;
        }
        return PST_E_FORMAT;
    }
    return PST_E_FORMAT;
}

// A pointer with a tag that makes it a kptr. *is_kptr tells whether.
static pst_status find_kptr(finder *f, uint32_t id, uint32_t offset, bool *is_kptr)
{
    *is_kptr = false;
    pst_btf_type pointer = pst_btf_get(f->btf, id);
    if (pointer.kind != PST_BTF_PTR) return PST_OK;
    pst_btf_type tag = pst_btf_get(f->btf, pointer.type);
    if (tag.kind != PST_BTF_TYPE_TAG) return PST_OK;
    for (uint32_t i = 0; i < PST_COUNT(g_tags); i++) {
        if (strcmp(tag.name, g_tags[i].tag) != 0) continue;
        *is_kptr = true;
        uint32_t to = skip_qualifiers(f->btf, tag.type);
        pst_btf_type type = pst_btf_get(f->btf, to);
        if (type.kind != PST_BTF_STRUCT && type.kind != PST_BTF_FWD) return PST_E_FORMAT;
        return add(f, (pst_record){.kind = g_tags[i].kind, .offset = offset, .size = 8, .type_id = to, .type_name = type.name}, false);
    }
    return PST_OK;
}

static pst_status walk(finder *f, uint32_t id, uint32_t offset, unsigned depth);

// The field that member index of owner (-1: the variable owner) is, or what is inside of it.
static pst_status visit(finder *f, uint32_t owner, int32_t index, uint32_t type_id, uint32_t offset, unsigned depth)
{
    uint32_t id = skip_qualifiers(f->btf, type_id);
    uint64_t repeat = 1;
    pst_btf_type t = pst_btf_get(f->btf, id);
    for (uint32_t i = 0; t.kind == PST_BTF_ARRAY && i < PST_BTF_CHAIN_MAX; i++) {
        repeat *= t.count;
        if (repeat > PST_RECORDS_MAX) repeat = PST_RECORDS_MAX + 1;
        id = skip_qualifiers(f->btf, t.type);
        t = pst_btf_get(f->btf, id);
    }
    uint64_t size = 0;
    if (!pst_btf_size(f->btf, id, &size)) return PST_OK;
    for (uint64_t n = 0; n < repeat; n++) {
        uint32_t at = offset + (uint32_t)(n * size), before = f->count;
        bool is_kptr = false;
        PST_TRY(find_kptr(f, id, at, &is_kptr));
        bool is_known = is_kptr;
        for (uint32_t i = 0; t.kind == PST_BTF_STRUCT && i < PST_COUNT(g_kinds) && !is_known; i++) {
            if (size != g_kinds[i].size || strcmp(t.name, g_kinds[i].name) != 0) continue;
            if (at % g_kinds[i].align != 0) return PST_E_FORMAT;
            is_known = true;
            pst_record record = {.kind = g_kinds[i].kind, .offset = at, .size = (uint32_t)size};
            if (record.kind == PST_RECORD_LIST_HEAD || record.kind == PST_RECORD_RB_ROOT)
                PST_TRY(fill_contains(f->btf, find_contains(f->btf, owner, index), record.kind == PST_RECORD_LIST_HEAD, &record));
            PST_TRY(add(f, record, g_kinds[i].is_unique));
        }
        if (!is_known && t.kind == PST_BTF_STRUCT && depth < DEPTH_MAX) PST_TRY(walk(f, id, at, depth + 1));
        if (f->count == before) break; // an array of plain things
    }
    return PST_OK;
}

static pst_status walk(finder *f, uint32_t id, uint32_t offset, unsigned depth)
{
    pst_btf_type t = pst_btf_get(f->btf, id);
    for (uint32_t i = 0; i < t.count; i++) {
        pst_btf_member m = pst_btf_member_at(f->btf, id, i);
        if (m.bit_size != 0 && t.kind == PST_BTF_STRUCT) continue;
        uint32_t at = offset + m.bit_offset / 8;
        if (t.kind == PST_BTF_DATASEC) {
            pst_btf_type variable = pst_btf_get(f->btf, m.type);
            if (variable.kind == PST_BTF_VAR) PST_TRY(visit(f, m.type, -1, variable.type, at, depth));
        } else {
            PST_TRY(visit(f, id, (int32_t)i, m.type, at, depth));
        }
    }
    return PST_OK;
}

pst_status pst_verify_records(pst_arena *arena, const pst_btf *btf, uint32_t type_id, const pst_record **records, uint32_t *count)
{
    *records = NULL;
    *count = 0;
    if (btf == NULL || type_id == 0 || type_id >= pst_btf_count(btf)) return PST_OK;
    finder f = {.btf = btf};
    uint32_t id = skip_qualifiers(btf, type_id);
    pst_btf_kind kind = pst_btf_get(btf, id).kind;
    if (kind != PST_BTF_STRUCT && kind != PST_BTF_DATASEC) return PST_OK;
    PST_TRY(walk(&f, id, 0, 0));
    if (f.count == 0) return PST_OK;
    pst_record *out = pst_arena_array(arena, f.count, sizeof *out);
    if (out == NULL) return PST_E_NOMEM;
    memcpy(out, f.found, f.count * sizeof *out);
    *records = out;
    *count = f.count;
    return PST_OK;
}
