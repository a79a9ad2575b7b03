// contents.c: what a run left behind: global variables and the elements of small maps.
//
// Only what differs from zero is shown: an array of counters is mostly zeros. Values of per-CPU maps are summed when they are numbers.
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define ELEMENTS_SHOWN 32
#define ENTRIES_MAX 65536u // larger arrays are not walked

typedef struct cell {
    const struct bpf_map *map;
    const pst_btf *btf;
    uint32_t key_type, value_type;
    const uint8_t *key, *value; // value: summed or of the first CPU
    size_t key_size, value_size;
} cell;

typedef struct sink {
    pst_json *json; // NULL: text
    size_t shown, left_out;
    const char *heading; // text: printed before the first cell
} sink;

// --- One value ---------------------------------------------------------------------------------------------------

void cli_value_text(const pst_btf *btf, uint32_t type, const uint8_t *data, size_t size, pst_text *out)
{
    uint64_t number = 0;
    if (btf && type)
        pst_btf_value_text(btf, type, data, size, out);
    else if (size <= 8 && size && !(size & (size - 1)))
        memcpy(&number, data, size), pst_text_format(out, "%llu", (unsigned long long)number);
    else
        for (size_t i = 0; i < size; i++) pst_text_format(out, "%02x", data[i]);
}

void cli_value_json(const pst_btf *btf, uint32_t type, const uint8_t *data, size_t size, pst_json *out)
{
    uint64_t number = 0;
    if (btf && type)
        pst_btf_value_json(btf, type, data, size, out);
    else if (size <= 8 && size && !(size & (size - 1)))
        memcpy(&number, data, size), pst_json_u64(out, number);
    else
        pst_json_hex(out, data, size);
}

static void show_cell(sink *to, const cell *c)
{
    if (to->shown >= ELEMENTS_SHOWN) {
        to->left_out++;
        return;
    }
    to->shown++;
    if (to->json) {
        pst_json_object_begin(to->json);
        pst_json_key(to->json, "key");
        cli_value_json(c->btf, c->key_type, c->key, c->key_size, to->json);
        pst_json_key(to->json, "value");
        cli_value_json(c->btf, c->value_type, c->value, c->value_size, to->json);
        pst_json_object_end(to->json);
        return;
    }
    pst_text out;
    pst_text_init(&out, cli_env());
    if (to->shown == 1) pst_text_format(&out, "%s%s%s\n", cli_colour_on(CLI_BOLD), to->heading, cli_colour_off());
    pst_text_add(&out, "  [");
    cli_value_text(c->btf, c->key_type, c->key, c->key_size, &out);
    pst_text_add(&out, "] = ");
    cli_value_text(c->btf, c->value_type, c->value, c->value_size, &out);
    cli_emit(&out);
}

// --- Maps --------------------------------------------------------------------------------------------------------

static bool is_percpu(enum bpf_map_type type)
{
    return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool is_shown(const struct bpf_map *map)
{
    switch (bpf_map__type(map)) {
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_LRU_HASH:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case BPF_MAP_TYPE_LPM_TRIE: return bpf_map__fd(map) >= 0 && !bpf_map__is_internal(map) && bpf_map__max_entries(map) <= ENTRIES_MAX;
    default: return false;
    }
}

static bool is_zero(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i]) return false;
    return true;
}

// Adds up the words of each CPU's value: right for counters, and for structs of counters.
static void sum_cpus(uint8_t *values, size_t size, size_t cpus)
{
    size_t stride = (size + 7) & ~(size_t)7, word = size % 8 == 0 ? 8 : size % 4 == 0 ? 4 : 1;
    for (size_t cpu = 1; cpu < cpus; cpu++)
        for (size_t i = 0; i + word <= size; i += word) {
            uint64_t a = 0, b = 0;
            memcpy(&a, values + i, word);
            memcpy(&b, values + cpu * stride + i, word);
            a += b;
            memcpy(values + i, &a, word);
        }
}

static void walk_map(sink *to, const struct bpf_map *map, const pst_btf *btf)
{
    size_t key_size = bpf_map__key_size(map), size = bpf_map__value_size(map);
    size_t cpus = is_percpu(bpf_map__type(map)) ? (size_t)libbpf_num_possible_cpus() : 1;
    bool is_array = bpf_map__type(map) == BPF_MAP_TYPE_ARRAY || bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY;
    uint8_t *keys = calloc(2, key_size + 8), *values = calloc(cpus, size + 8);
    uint8_t *key = keys, *next = keys ? keys + key_size + 8 : NULL;
    cell c = {map, btf, bpf_map__btf_key_type_id(map), bpf_map__btf_value_type_id(map), NULL, values, key_size, size};
    uint32_t walked = 0;
    int fd = bpf_map__fd(map);
    for (bool first = true; keys && values && walked <= ENTRIES_MAX; first = false, walked++) {
        if (bpf_map_get_next_key(fd, first ? NULL : key, next) < 0) break;
        uint8_t *swap = key;
        key = next;
        next = swap;
        if (bpf_map_lookup_elem(fd, key, values) < 0) continue; // gone in the meantime
        if (cpus > 1) sum_cpus(values, size, cpus);
        if (is_array && is_zero(values, size)) continue;
        c.key = key;
        show_cell(to, &c);
    }
    free(keys);
    free(values);
}

// --- Global variables ----------------------------------------------------------------------------------------------

static bool is_variable_section(const char *name)
{
    return strncmp(name, ".bss", 4) == 0 || strncmp(name, ".data", 5) == 0;
}

static void show_variable(sink *to, const pst_btf *btf, const char *name, uint32_t type, const uint8_t *data, size_t size)
{
    if (to->json) {
        pst_json_key(to->json, name);
        cli_value_json(btf, type, data, size, to->json);
        return;
    }
    pst_text out;
    pst_text_init(&out, cli_env());
    if (!to->shown++) pst_text_format(&out, "%svariables%s\n", cli_colour_on(CLI_BOLD), cli_colour_off());
    pst_text_format(&out, "  %s = ", name);
    cli_value_text(btf, type, data, size, &out);
    cli_emit(&out);
}

static void walk_section(sink *to, struct bpf_object *obj, const pst_btf *btf, uint32_t id)
{
    pst_btf_type section = pst_btf_get(btf, id);
    struct bpf_map *map = bpf_object__find_map_by_name(obj, section.name);
    size_t size = 0;
    const uint8_t *data = map ? bpf_map__initial_value(map, &size) : NULL;
    for (uint32_t i = 0; data && i < section.count; i++) {
        pst_btf_member entry = pst_btf_member_at(btf, id, i);
        pst_btf_type var = pst_btf_get(btf, entry.type);
        size_t offset = entry.bit_offset / 8, bytes = entry.bit_size / 8;
        if (offset > size || bytes > size - offset) continue;
        show_variable(to, btf, var.name, var.type, data + offset, bytes);
    }
}

static void walk_variables(sink *to, struct bpf_object *obj, const pst_btf *btf)
{
    for (uint32_t id = 1; btf && id < pst_btf_count(btf); id++) {
        pst_btf_type type = pst_btf_get(btf, id);
        if (type.kind == PST_BTF_DATASEC && is_variable_section(type.name)) walk_section(to, obj, btf, id);
    }
}

// --- All -----------------------------------------------------------------------------------------------------------

void cli_contents_text(struct bpf_object *obj, const pst_btf *btf)
{
    struct bpf_map *map;
    sink variables = {0};
    walk_variables(&variables, obj, btf);
    bpf_object__for_each_map(map, obj) {
        sink to = {.heading = bpf_map__name(map)};
        if (!is_shown(map)) continue;
        walk_map(&to, map, btf);
        if (!to.left_out) continue;
        pst_text out;
        pst_text_init(&out, cli_env());
        pst_text_format(&out, "  ... and %zu more", to.left_out);
        cli_emit(&out);
    }
}

void cli_contents_json(struct bpf_object *obj, const pst_btf *btf, pst_json *json)
{
    struct bpf_map *map;
    sink to = {.json = json};
    pst_json_key(json, "variables");
    pst_json_object_begin(json);
    walk_variables(&to, obj, btf);
    pst_json_object_end(json);
    pst_json_key(json, "maps");
    pst_json_object_begin(json);
    bpf_object__for_each_map(map, obj) {
        if (!is_shown(map)) continue;
        to.shown = 0;
        pst_json_key(json, bpf_map__name(map));
        pst_json_array_begin(json);
        walk_map(&to, map, btf);
        pst_json_array_end(json);
    }
    pst_json_object_end(json);
}
