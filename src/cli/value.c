// value.c: values as people write them, turned into the bytes of a BTF type; --set and --map.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "pal/pal.h"

#define VALUE_DEPTH_MAX 8

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Digits in pairs; spaces and ':' between pairs are skipped.
bool cli_hex_parse(const char *text, uint8_t *out, size_t capacity, size_t *size)
{
    *size = 0;
    while (*text) {
        if (*text == ' ' || *text == ':' || *text == '\n') {
            text++;
            continue;
        }
        int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0) return false;
        if (out && *size >= capacity) return false;
        if (out) out[*size] = (uint8_t)(high << 4 | low);
        (*size)++;
        text += 2;
    }
    return true;
}

// 10.0.0.1 as four bytes in network order.
static bool parse_ipv4(const char *text, uint8_t out[4])
{
    unsigned part[4];
    char extra;
    if (sscanf(text, "%3u.%3u.%3u.%3u%c", &part[0], &part[1], &part[2], &part[3], &extra) != 4) return false;
    for (int i = 0; i < 4; i++) {
        if (part[i] > 255) return false;
        out[i] = (uint8_t)part[i];
    }
    return true;
}

// 02:00:00:00:00:01
static bool parse_mac(const char *text, uint8_t out[6])
{
    size_t size;
    return strlen(text) == 17 && text[2] == ':' && cli_hex_parse(text, out, 6, &size) && size == 6;
}

static bool parse_number(const char *text, void *out, size_t size, const char **why)
{
    *why = "a number is expected";
    if (strcmp(text, "true") == 0) text = "1";
    if (strcmp(text, "false") == 0) text = "0";
    char *end;
    errno = 0;
    bool negative = text[0] == '-';
    uint64_t value = negative ? (uint64_t)strtoll(text, &end, 0) : strtoull(text, &end, 0);
    if (end == text || *end) return false;
    *why = "the number is too large for the type";
    if (errno == ERANGE || size > 8) return false;
    unsigned bits = (unsigned)size * 8;
    if (bits < 64 && !negative && value >> bits) return false;
    if (bits < 64 && negative && (int64_t)value < -(int64_t)(1ull << (bits - 1))) return false;
    memcpy(out, &value, size); // little-endian, as everything that eBPF runs on here
    return true;
}

static bool parse_enum(const pst_btf *btf, uint32_t type, const char *text, void *out, size_t size, const char **why)
{
    pst_btf_type t = pst_btf_get(btf, type);
    for (uint32_t i = 0; i < t.count; i++) {
        pst_btf_member m = pst_btf_member_at(btf, type, i);
        if (strcmp(m.name, text) != 0) continue;
        memcpy(out, &m.value, size < 8 ? size : 8);
        return true;
    }
    if (parse_number(text, out, size, why)) return true;
    *why = "an enumerator's name or a number is expected";
    return false;
}

static bool parse_typed(const pst_btf *btf, uint32_t type, const char *text, void *out, size_t size, unsigned depth, const char **why);

static bool parse_string(const char *text, void *out, size_t size, const char **why)
{
    size_t length = strlen(text);
    if (length >= 2 && text[0] == '"' && text[length - 1] == '"') {
        text++;
        length -= 2;
    }
    *why = "the text is longer than the array";
    if (length > size) return false;
    memcpy(out, text, length);
    return true;
}

static bool parse_elements(const pst_btf *btf, const pst_btf_type *array, const char *text, uint8_t *out, unsigned depth, const char **why)
{
    uint64_t element;
    if (!pst_btf_size(btf, array->type, &element) || !element) return false;
    for (uint32_t i = 0;; i++) {
        char part[256];
        size_t length = strcspn(text, ",");
        *why = "there are more elements than the array has";
        if (i >= array->count || length >= sizeof part) return false;
        memcpy(part, text, length);
        part[length] = '\0';
        if (!parse_typed(btf, array->type, part, out + i * element, (size_t)element, depth + 1, why)) return false;
        if (!text[length]) return true;
        text += length + 1;
    }
}

static bool parse_array(const pst_btf *btf, const pst_btf_type *array, const char *text, void *out, size_t size, unsigned depth, const char **why)
{
    pst_btf_type element = pst_btf_get(btf, pst_btf_strip(btf, array->type));
    bool bytes = element.kind == PST_BTF_INT && element.size == 1;
    if (size == 6 && parse_mac(text, out)) return true;
    if (size == 4 && bytes && parse_ipv4(text, out)) return true;
    bool is_char = bytes && (strcmp(element.name, "char") == 0 || (element.int_encoding & 2));
    if (is_char || text[0] == '"') return parse_string(text, out, size, why);
    return parse_elements(btf, array, text, out, depth, why);
}

// A struct of one member is as good as its member; others are written as hex.
static bool parse_struct(const pst_btf *btf, const pst_btf_type *t, const char *text, void *out, size_t size, unsigned depth, const char **why)
{
    pst_btf_member m = {0};
    if (t->count) m = pst_btf_member_at(btf, t->id, 0);
    if (t->count == 1 && !m.bit_size && !m.bit_offset) return parse_typed(btf, m.type, text, out, size, depth + 1, why);
    *why = "a struct is written as hex:BYTES";
    return false;
}

static bool parse_typed(const pst_btf *btf, uint32_t type, const char *text, void *out, size_t size, unsigned depth, const char **why)
{
    if (size == 4 && parse_ipv4(text, out)) return true;
    if (!btf || !type || depth > VALUE_DEPTH_MAX) return parse_number(text, out, size, why);
    pst_btf_type t = pst_btf_get(btf, pst_btf_strip(btf, type));
    switch (t.kind) {
    case PST_BTF_ENUM:
    case PST_BTF_ENUM64: return parse_enum(btf, t.id, text, out, size, why);
    case PST_BTF_ARRAY: return parse_array(btf, &t, text, out, size, depth, why);
    case PST_BTF_STRUCT:
    case PST_BTF_UNION: return parse_struct(btf, &t, text, out, size, depth, why);
    default: return parse_number(text, out, size, why);
    }
}

bool cli_value_parse(const pst_btf *btf, uint32_t type, const char *text, void *out, size_t size, const char **why)
{
    memset(out, 0, size);
    if (strncmp(text, "hex:", 4) == 0) {
        size_t given;
        *why = "the number of hex digits does not fit the size";
        return cli_hex_parse(text + 4, out, size, &given) && given == size;
    }
    return parse_typed(btf, type, text, out, size, 0, why);
}

// --- --set NAME=VALUE ------------------------------------------------------------------------------------------------

// A variable's type and place: the map of its section.
typedef struct variable {
    struct bpf_map *map;
    uint32_t type;
    size_t offset, size;
} variable;

static bool find_variable(struct bpf_object *obj, const pst_btf *btf, const char *name, variable *out)
{
    for (uint32_t id = 1; id < pst_btf_count(btf); id++) {
        pst_btf_type section = pst_btf_get(btf, id);
        if (section.kind != PST_BTF_DATASEC) continue;
        struct bpf_map *map = bpf_object__find_map_by_name(obj, section.name);
        for (uint32_t i = 0; map && i < section.count; i++) {
            pst_btf_member entry = pst_btf_member_at(btf, id, i);
            pst_btf_type var = pst_btf_get(btf, entry.type);
            if (strcmp(var.name, name) != 0) continue;
            uint64_t size = 0;
            if (!pst_btf_size(btf, var.type, &size)) return false;
            *out = (variable){map, var.type, entry.bit_offset / 8, (size_t)size};
            return true;
        }
    }
    return false;
}

static cli_exit set_variable(struct bpf_object *obj, const pst_btf *btf, const char *text)
{
    const char *equals = strchr(text, '='), *why = "";
    char name[256];
    if (!equals || equals == text || (size_t)(equals - text) >= sizeof name) return cli_fail(CLI_USAGE, "--set %s: VARIABLE=VALUE is expected", text);
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = '\0';
    variable var;
    if (!btf) return cli_fail(CLI_REJECTED, "--set %s: the object has no type information (compile with -g), so its variables have no names", text);
    if (!find_variable(obj, btf, name, &var)) return cli_fail(CLI_MISSING, "--set %s: the object has no global variable %s", text, name);
    size_t size;
    uint8_t *data = bpf_map__initial_value(var.map, &size);
    if (!data || var.offset > size || var.size > size - var.offset)
        return cli_fail(CLI_REJECTED, "--set %s: the variable lies outside of its section", text);
    if (!cli_value_parse(btf, var.type, equals + 1, data + var.offset, var.size, &why)) return cli_fail(CLI_USAGE, "--set %s: %s", text, why);
    return CLI_OK;
}

cli_exit cli_set_variables(const cli_args *args, struct bpf_object *obj, const pst_btf *btf)
{
    const char *text;
    for (size_t at = 0; (text = cli_next_value(args, "set", &at));) {
        cli_exit code = set_variable(obj, btf, text);
        if (code != CLI_OK) return code;
    }
    return CLI_OK;
}

// --- --map MAP=KEY=VALUE ---------------------------------------------------------------------------------------------

// A per-CPU map gets the value for each CPU.
static size_t value_copies(const struct bpf_map *map)
{
    enum bpf_map_type type = bpf_map__type(map);
    bool percpu = type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
    return percpu ? (size_t)libbpf_num_possible_cpus() : 1;
}

static cli_exit put_element(struct bpf_map *map, const pst_btf *btf, const char *text, const char *key_text, const char *value_text)
{
    size_t key_size = bpf_map__key_size(map), value_size = bpf_map__value_size(map), copies = value_copies(map);
    size_t stride = copies > 1 ? (value_size + 7) & ~(size_t)7 : value_size;
    uint8_t *key = calloc(1, key_size + 1), *value = calloc(copies, stride + 1);
    const char *why = "";
    cli_exit code = CLI_OK;
    if (!key || !value)
        code = cli_fail(CLI_FAILED, "--map %s: no memory", text);
    else if (!cli_value_parse(btf, bpf_map__btf_key_type_id(map), key_text, key, key_size, &why))
        code = cli_fail(CLI_USAGE, "--map %s: key %s: %s", text, key_text, why);
    else if (!cli_value_parse(btf, bpf_map__btf_value_type_id(map), value_text, value, value_size, &why))
        code = cli_fail(CLI_USAGE, "--map %s: value %s: %s", text, value_text, why);
    for (size_t i = 1; code == CLI_OK && i < copies; i++) memcpy(value + i * stride, value, value_size);
    if (code == CLI_OK && bpf_map_update_elem(bpf_map__fd(map), key, value, 0) < 0)
        code = cli_fail(CLI_FAILED, "--map %s: the map does not take the element: %s", text, strerror(errno));
    free(key);
    free(value);
    return code;
}

static cli_exit set_element(struct bpf_object *obj, const pst_btf *btf, const char *text)
{
    char copy[512];
    if (strlen(text) >= sizeof copy) return cli_fail(CLI_USAGE, "--map: %.40s... is too long", text);
    memcpy(copy, text, strlen(text) + 1);
    char *key = strchr(copy, '='), *value = key ? strchr(key + 1, '=') : NULL;
    if (!value || key == copy) return cli_fail(CLI_USAGE, "--map %s: MAP=KEY=VALUE is expected", text);
    *key++ = '\0';
    *value++ = '\0';
    struct bpf_map *map = bpf_object__find_map_by_name(obj, copy);
    if (!map) return cli_fail(CLI_MISSING, "--map %s: the object has no map %s", text, copy);
    return put_element(map, btf, text, key, value);
}

cli_exit cli_set_elements(const cli_args *args, struct bpf_object *obj, const pst_btf *btf)
{
    const char *text;
    for (size_t at = 0; (text = cli_next_value(args, "map", &at));) {
        cli_exit code = set_element(obj, btf, text);
        if (code != CLI_OK) return code;
    }
    return CLI_OK;
}
