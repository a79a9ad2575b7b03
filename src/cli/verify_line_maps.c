// verify_line_maps.c: the maps of a program line: descriptions, fields with a meaning of their own, initial values.
//
// No map is created. An array whose memory matters (it is frozen, has initial values, or the program takes the address of a value) gets memory, so
// that the verifier can read what a frozen one holds.
#include <stdlib.h>
#include <string.h>

#include "cli/verify_line.h"
#include "verify/record.h"

static bool read_map(line_reader *r, const pst_json_value *from, verify_map *map);

// --- Fields ----------------------------------------------------------------------------------------------------------

static const struct {
    const char *name;
    pst_record_kind kind;
    uint32_t size;
} g_fields[] = {
    {"spin_lock", PST_RECORD_SPIN_LOCK, 4},         {"timer", PST_RECORD_TIMER, 16},
    {"wq", PST_RECORD_WORKQUEUE, 16},               {"kptr", PST_RECORD_KPTR, 8},
    {"kptr_untrusted", PST_RECORD_KPTR_UNTRUSTED, 8}, {"percpu_kptr", PST_RECORD_KPTR_PERCPU, 8},
    {"dynptr", PST_RECORD_DYNPTR, 16},              {"list_head", PST_RECORD_LIST_HEAD, 16},
    {"rb_root", PST_RECORD_RB_ROOT, 16},            {"list_node", PST_RECORD_LIST_NODE, 24},
    {"rb_node", PST_RECORD_RB_NODE, 32},            {"refcount", PST_RECORD_REFCOUNT, 4},
    {"res_spin_lock", PST_RECORD_RES_SPIN_LOCK, 4}, {"task_work", PST_RECORD_TASK_WORK, 8},
    {"uptr", PST_RECORD_UPTR, 8},
};

static bool read_field(line_reader *r, const pst_json_value *from, uint32_t value_size, pst_record *record)
{
    const pst_json_value *kind = pst_json_member(from, "kind"), *type = pst_json_member(from, "type");
    const pst_json_value *contains = pst_json_member(from, "contains");
    size_t i = 0;
    if (!kind || kind->kind != PST_JSON_STRING || !pst_json_member(from, "offset"))
        return line_bad(r, "maps: fields: objects with the members kind and offset are expected");
    while (i < PST_COUNT(g_fields) && strcmp(g_fields[i].name, kind->text) != 0) i++;
    if (i == PST_COUNT(g_fields)) return line_bad(r, "maps: fields: there is no kind %.64s", kind->text);
    record->kind = g_fields[i].kind;
    record->size = g_fields[i].size;
    if (!line_u32(r, from, "offset", &record->offset) || !line_u32(r, from, "type_id", &record->type_id) ||
        !line_u32(r, from, "node_offset", &record->node_offset))
        return false;
    if (contains && contains->kind == PST_JSON_STRING) record->type_name = contains->text; // "struct:member", until types are known
    else if (type && type->kind == PST_JSON_STRING) record->type_name = type->text;
    if (record->offset <= value_size && record->size <= value_size - record->offset) return true;
    return line_bad(r, "maps: fields: %s at offset %u does not fit a value of %u bytes", kind->text, record->offset, value_size);
}

static int record_order(const void *a, const void *b)
{
    uint32_t x = ((const pst_record *)a)->offset, y = ((const pst_record *)b)->offset;
    return x < y ? -1 : x > y;
}

static bool read_fields(line_reader *r, const pst_json_value *from, verify_map *map)
{
    const pst_json_value *list;
    if (!line_list(r, from, "fields", &list)) return false;
    if (!list || !list->count) return true;
    pst_record *records = pst_arena_array(r->arena, list->count, sizeof *records);
    if (!records) return line_no_memory(r);
    for (const pst_json_value *field = list->first; field; field = field->next)
        if (!read_field(r, field, map->view.value_size, &records[map->view.record_count++])) return false;
    qsort(records, map->view.record_count, sizeof *records, record_order);
    for (uint32_t i = 1; i < map->view.record_count; i++)
        if (records[i].offset < records[i - 1].offset + records[i - 1].size)
            return line_bad(r, "maps: fields: those at offsets %u and %u overlap", records[i - 1].offset, records[i].offset);
    map->view.records = records;
    return true;
}

// Names of structs become types of the program, once those are read.
static bool resolve_field(line_reader *r, pst_record *record)
{
    const pst_btf *btf = r->subject->btf;
    const char *colon = record->type_name ? strchr(record->type_name, ':') : NULL;
    const char *member = colon ? colon + 1 : NULL;
    if (colon) record->type_name = pst_arena_string(r->arena, record->type_name, (size_t)(colon - record->type_name));
    if (colon && !record->type_name) return line_no_memory(r);
    if (!btf || !record->type_name || record->type_id) return true;
    record->type_id = pst_btf_find(btf, record->type_name, PST_BTF_STRUCT);
    pst_btf_type type = pst_btf_get(btf, record->type_id);
    for (uint32_t i = 0; member && record->type_id && i < type.count; i++) {
        pst_btf_member m = pst_btf_member_at(btf, record->type_id, i);
        if (strcmp(m.name, member) == 0) record->node_offset = m.bit_offset / 8;
    }
    return true;
}

// "btf_value" says which type of "btf" the value has: that tells more than fields do.
static bool resolve_fields(line_reader *r, verify_map *map)
{
    const pst_record *found;
    uint32_t count;
    pst_record *records = (pst_record *)(uintptr_t)map->view.records; // ours, from read_fields
    for (uint32_t i = 0; i < map->view.record_count; i++)
        if (!resolve_field(r, &records[i])) return false;
    if (!r->subject->btf || !map->btf_value || map->btf_value >= pst_btf_count(r->subject->btf)) return true;
    if (pst_verify_records(r->arena, r->subject->btf, map->btf_value, &found, &count) != PST_OK || !count) return true;
    map->view.records = found;
    map->view.record_count = count;
    return true;
}

// --- Initial values --------------------------------------------------------------------------------------------------

static bool read_init(line_reader *r, const pst_json_value *from, verify_map *map)
{
    const pst_json_value *list;
    size_t size = (size_t)map->view.key_size + map->view.value_size, total;
    if (!line_list(r, from, "init", &list)) return false;
    if (!list || !list->count) return true;
    uint8_t *bytes, *init = PST_MUL_OVERFLOW(size, (size_t)list->count, &total) ? NULL : pst_arena_alloc(r->arena, total);
    if (!init) return line_no_memory(r);
    map->init = init;
    for (const pst_json_value *pair = list->first; pair; pair = pair->next, init += size) {
        uint32_t got;
        if (pair->kind != PST_JSON_ARRAY || pair->count != 2) return line_bad(r, "maps: init: pairs of key and value are expected");
        if (!line_hex(r, pair->first, "maps: init: key", &bytes, &got)) return false;
        if (got != map->view.key_size) return line_bad(r, "maps: init: a key of %u bytes is expected, not of %u", map->view.key_size, got);
        if (got) memcpy(init, bytes, got);
        if (!line_hex(r, pair->first->next, "maps: init: value", &bytes, &got)) return false;
        if (got != map->view.value_size) return line_bad(r, "maps: init: a value of %u bytes is expected, not of %u", map->view.value_size, got);
        if (got) memcpy(init + map->view.key_size, bytes, got);
        map->init_count++;
    }
    return true;
}

static bool takes_value_address(const verify_subject *s, uint32_t index)
{
    for (uint32_t pc = 0; pc < s->count; pc += s->slots[pc].opcode == LINE_OPCODE_IMM64 ? 2 : 1) {
        uint8_t src = s->slots[pc].regs >> 4;
        if (s->slots[pc].opcode == LINE_OPCODE_IMM64 && (src == 2 || src == 6) && s->slots[pc].imm == (int32_t)index) return true;
    }
    return false;
}

static bool fill_map(line_reader *r, verify_map *map)
{
    pst_map_view *view = &map->view;
    uint64_t stride = ((uint64_t)view->value_size + 7) & ~7ull, total;
    if (PST_MUL_OVERFLOW(stride, (uint64_t)view->max_entries, &total) || total > LINE_VALUES_MAX)
        return line_bad(r, "maps: an array whose memory the program sees has at most %u bytes", LINE_VALUES_MAX);
    if (!total) return true; // nothing can be created like this; the verifier says so
    view->values = pst_arena_alloc(r->arena, (size_t)total);
    if (!view->values) return line_no_memory(r);
    view->value_stride = (uint32_t)stride;
    const uint8_t *init = map->init;
    for (uint32_t i = 0; i < map->init_count; i++, init += view->key_size + (size_t)view->value_size) {
        uint32_t key = 0;
        memcpy(&key, init, view->key_size < 4 ? view->key_size : 4);
        if (key >= view->max_entries) return line_bad(r, "maps: init: key %u is outside of an array of %u", key, view->max_entries);
        memcpy(view->values + key * stride, init + view->key_size, view->value_size);
    }
    return true;
}

bool line_fill_maps(line_reader *r)
{
    const verify_subject *s = r->subject;
    for (uint32_t i = 0; i < s->map_count; i++) {
        verify_map *map = s->maps[i];
        for (verify_map *at = map; at; at = (verify_map *)(uintptr_t)at->inner) // ours, from read_inner
            if (!resolve_fields(r, at)) return false;
        if (map->view.type != PST_MAP_ARRAY) continue;
        bool seen = map->view.frozen || map->init_count || takes_value_address(s, i);
        if (seen && !fill_map(r, map)) return false;
    }
    return true;
}

// --- Maps --------------------------------------------------------------------------------------------------------------

static bool read_map_type(line_reader *r, const pst_json_value *from, verify_map *map)
{
    const pst_json_value *value = pst_json_member(from, "type");
    char name[LINE_NAME_MAX];
    uint64_t number;
    if (!value) return line_bad(r, "maps: type is missing: the map type, by name (\"hash\") or number");
    if (pst_json_to_u64(value, UINT32_MAX, &number)) {
        map->view.type = (uint32_t)number;
        if (*pst_map_type_name(map->view.type)) return true;
        verify_answer_own(r->answer, PST_VERDICT_UNSUPPORTED, PST_FINDING_UNSUPPORTED, 0, "map type %u is not described", map->view.type);
        return false;
    }
    if (value->kind != PST_JSON_STRING) return line_bad(r, "maps: type: a name or a number is expected");
    line_short_name(value->text, "BPF_MAP_TYPE_", name);
    if (pst_map_type_by_name(name, &map->view.type)) return true;
    verify_answer_own(r->answer, PST_VERDICT_UNSUPPORTED, PST_FINDING_UNSUPPORTED, 0, "map type %.128s is not described", value->text);
    return false;
}

static bool read_inner(line_reader *r, const pst_json_value *from, verify_map *map)
{
    const pst_json_value *inner = pst_json_member(from, "inner");
    if (!inner || inner->kind == PST_JSON_NULL) return true;
    verify_map *out = pst_arena_alloc(r->arena, sizeof *out);
    if (!out) return line_no_memory(r);
    if (!read_map(r, inner, out)) return false; // it nests as deep as JSON may
    map->inner = out;
    map->view.inner = &out->view;
    return true;
}

static bool read_map(line_reader *r, const pst_json_value *from, verify_map *map)
{
    const pst_json_value *frozen = pst_json_member(from, "frozen"), *name = pst_json_member(from, "name");
    if (from->kind != PST_JSON_OBJECT) return line_bad(r, "maps: objects are expected");
    if (frozen && frozen->kind != PST_JSON_BOOL && frozen->kind != PST_JSON_NULL) return line_bad(r, "maps: frozen: true or false is expected");
    map->view.frozen = frozen && frozen->boolean;
    map->name = name && name->kind == PST_JSON_STRING ? name->text : NULL;
    return read_map_type(r, from, map) && line_u32(r, from, "key_size", &map->view.key_size) &&
           line_u32(r, from, "value_size", &map->view.value_size) && line_u32(r, from, "max_entries", &map->view.max_entries) &&
           line_u32(r, from, "flags", &map->view.flags) && line_u32(r, from, "btf_key", &map->btf_key) &&
           line_u32(r, from, "btf_value", &map->btf_value) && line_u64(r, from, "map_extra", UINT64_MAX, &map->view.map_extra) &&
           read_fields(r, from, map) && read_init(r, from, map) && read_inner(r, from, map);
}

bool line_read_maps(line_reader *r)
{
    const pst_json_value *list;
    verify_subject *s = r->subject;
    if (!line_list(r, r->line, "maps", &list)) return false;
    if (!list || !list->count) return true;
    if (list->count > LINE_MAPS_MAX) return line_bad(r, "maps: there are %u; the limit is %u", list->count, LINE_MAPS_MAX);
    verify_map **maps = pst_arena_array(r->arena, list->count, sizeof(verify_map *));
    if (!maps) return line_no_memory(r);
    s->maps = maps;
    for (const pst_json_value *from = list->first; from; from = from->next) {
        verify_map *map = pst_arena_alloc(r->arena, sizeof *map);
        if (!map) return line_no_memory(r);
        map->view.id = s->map_count + 1;
        if (!read_map(r, from, map)) return false;
        if (!map->name) map->name = pst_arena_format(r->arena, "map_%u", s->map_count);
        maps[s->map_count++] = map;
    }
    return true;
}
