// cmd_map.c: `postern map` and `postern unpin`: elements of maps in the core at hand, decoded by their types; and the end of a pin.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "cli/live.h"
#include "postern/ebpf_api.h"

#define DUMP_MAX (1u << 24) // elements of one dump: a map that changes all the time has no end

typedef struct map_use {
    const cli_args *args;
    const pst_bpf_map_info *info;
    pst_btf *types; // NULL: none
    int fd;
    size_t cpus;    // 0: one value for all
    size_t stride;  // from one CPU's value to the next
    uint8_t *key, *next, *value;
} map_use;

static bool is_percpu(uint32_t type)
{
    return type == PST_MAP_PERCPU_ARRAY || type == PST_MAP_PERCPU_HASH || type == PST_MAP_LRU_PERCPU_HASH;
}

static cli_exit map_open(map_use *use, const live_state *state)
{
    const cli_args *args = use->args;
    cli_exit code = live_find_map(state, args->argument[1], &use->info);
    if (code != CLI_OK) return code;
    use->fd = live_open(LIVE_MAP, use->info->id);
    if (use->fd < 0) return cli_fail(cli_exit_of_errno(-use->fd), "map %s: it cannot be opened: %s", args->argument[1], api_why(use->fd));
    use->cpus = is_percpu(use->info->type) ? (size_t)libbpf_num_possible_cpus() : 0;
    use->stride = use->cpus ? (use->info->value_size + 7u) & ~(size_t)7 : use->info->value_size;
    use->key = calloc(1, use->info->key_size + 1u);
    use->next = calloc(1, use->info->key_size + 1u);
    use->value = calloc(use->cpus ? use->cpus : 1, use->stride + 1);
    use->types = live_types(use->info->btf_id);
    return use->key && use->next && use->value ? CLI_OK : cli_fail(CLI_FAILED, "map %s: no memory for an element", args->argument[1]);
}

static void map_close(map_use *use)
{
    if (use->fd >= 0) (void)postern_close(use->fd);
    pst_btf_free(use->types);
    free(use->key);
    free(use->next);
    free(use->value);
}

// --- Printing ----------------------------------------------------------------------------------------------------

static void element_json(const map_use *use)
{
    const pst_bpf_map_info *info = use->info;
    cli_line line;
    cli_line_begin(&line, "element");
    pst_json_key(&line.json, "key");
    cli_value_json(use->types, info->btf_key_type_id, use->key, info->key_size, &line.json);
    pst_json_key(&line.json, use->cpus ? "values" : "value");
    if (use->cpus) pst_json_array_begin(&line.json);
    for (size_t cpu = 0; cpu < (use->cpus ? use->cpus : 1); cpu++)
        cli_value_json(use->types, info->btf_value_type_id, use->value + cpu * use->stride, info->value_size, &line.json);
    if (use->cpus) pst_json_array_end(&line.json);
    cli_line_end(&line);
}

static void element_text(const map_use *use)
{
    const pst_bpf_map_info *info = use->info;
    pst_text out;
    pst_text_init(&out, cli_env());
    if (info->key_size) {
        pst_text_add(&out, "[");
        cli_value_text(use->types, info->btf_key_type_id, use->key, info->key_size, &out);
        pst_text_add(&out, "] = ");
    }
    for (size_t cpu = 0; cpu < (use->cpus ? use->cpus : 1); cpu++) {
        if (use->cpus) pst_text_format(&out, "%scpu%zu: ", cpu ? ", " : "", cpu);
        cli_value_text(use->types, info->btf_value_type_id, use->value + cpu * use->stride, info->value_size, &out);
    }
    cli_emit(&out);
}

static void element_print(const map_use *use)
{
    if (use->args->json) element_json(use);
    else element_text(use);
}

// --- Actions -----------------------------------------------------------------------------------------------------

static cli_exit dump(map_use *use)
{
    int err = 0;
    if (use->info->key_size == 0) return cli_fail(CLI_REJECTED, "map %s has no keys, so it cannot be walked; `postern map lookup` takes its next value", use->args->argument[1]);
    for (uint32_t i = 0; i < DUMP_MAX; i++) {
        err = bpf_map_get_next_key(use->fd, i ? use->key : NULL, use->next);
        if (err < 0) break;
        memcpy(use->key, use->next, use->info->key_size);
        int found = bpf_map_lookup_elem(use->fd, use->key, use->value);
        if (found == 0) element_print(use);
        else if (found != -ENOENT) // it may have gone in the meantime, or be an empty slot of an array of maps
            return cli_fail(cli_exit_of_errno(-found), "map %s cannot be read: %s", use->args->argument[1], api_why(found));
    }
    return err == 0 || err == -ENOENT ? CLI_OK : cli_fail(cli_exit_of_errno(-err), "map %s cannot be walked: %s", use->args->argument[1], api_why(err));
}

static cli_exit read_key(map_use *use)
{
    const char *text = use->args->argument[2], *why = "";
    if (use->info->key_size == 0) return CLI_OK;
    if (cli_value_parse(use->types, use->info->btf_key_type_id, text, use->key, use->info->key_size, &why)) return CLI_OK;
    return cli_fail(CLI_USAGE, "key %s of map %s: %s", text, use->args->argument[1], why);
}

static cli_exit fail_on_key(const map_use *use, const char *what, int err)
{
    const char *key = use->args->argument[2] ? use->args->argument[2] : "";
    if (err == -ENOENT) return cli_fail(CLI_MISSING, "map %s has no element %s", use->args->argument[1], key);
    return cli_fail(cli_exit_of_errno(-err), "element %s of map %s cannot be %s: %s", key, use->args->argument[1], what, api_why(err));
}

static cli_exit lookup(map_use *use)
{
    cli_exit code = read_key(use);
    int err = code == CLI_OK ? bpf_map_lookup_elem(use->fd, use->info->key_size ? use->key : NULL, use->value) : 0;
    if (code != CLI_OK) return code;
    if (err < 0) return fail_on_key(use, "read", err);
    element_print(use);
    return CLI_OK;
}

static cli_exit update(map_use *use)
{
    bool keyless = use->info->key_size == 0;
    const char *text = use->args->argument[keyless ? 2 : 3], *why = "";
    cli_exit code = read_key(use);
    if (code != CLI_OK) return code;
    if (!text) return cli_fail(CLI_USAGE, "map update needs a value; usage: postern map update MAP %sVALUE", keyless ? "" : "KEY ");
    if (!cli_value_parse(use->types, use->info->btf_value_type_id, text, use->value, use->info->value_size, &why))
        return cli_fail(CLI_USAGE, "value %s of map %s: %s", text, use->args->argument[1], why);
    for (size_t cpu = 1; cpu < use->cpus; cpu++) memcpy(use->value + cpu * use->stride, use->value, use->info->value_size);
    int err = bpf_map_update_elem(use->fd, keyless ? NULL : use->key, use->value, BPF_ANY);
    return err < 0 ? fail_on_key(use, "written", err) : CLI_OK;
}

static cli_exit delete_element(map_use *use)
{
    cli_exit code = read_key(use);
    int err = code == CLI_OK ? bpf_map_delete_elem(use->fd, use->key) : 0;
    return code != CLI_OK || err == 0 ? code : fail_on_key(use, "deleted", err);
}

static const struct {
    const char *name, *arguments;
    int arguments_min, arguments_max; // the action and the map included
    cli_exit (*run)(map_use *use);
} g_actions[] = {
    {"dump", "MAP", 2, 2, dump},
    {"lookup", "MAP KEY", 2, 3, lookup}, // queues and stacks have no keys
    {"update", "MAP KEY VALUE", 3, 4, update},
    {"delete", "MAP KEY", 3, 3, delete_element},
};

cli_exit cli_map(const cli_args *args)
{
    for (size_t i = 0; i < PST_COUNT(g_actions); i++) {
        if (strcmp(args->argument[0], g_actions[i].name) != 0) continue;
        if (args->count < g_actions[i].arguments_min || args->count > g_actions[i].arguments_max)
            return cli_fail(CLI_USAGE, "usage: postern map %s %s", g_actions[i].name, g_actions[i].arguments);
        live_state state;
        map_use use = {.args = args, .fd = -1};
        cli_exit code = live_read(&state);
        if (code == CLI_OK) code = map_open(&use, &state);
        if (code == CLI_OK && g_actions[i].run == lookup && use.info->key_size && !args->argument[2])
            code = cli_fail(CLI_USAGE, "usage: postern map lookup MAP KEY");
        if (code == CLI_OK) code = g_actions[i].run(&use);
        map_close(&use);
        live_free(&state);
        return code;
    }
    return cli_fail(CLI_USAGE, "map does not know how to %s; it can dump, lookup, update and delete", args->argument[0]);
}

cli_exit cli_unpin(const cli_args *args)
{
    const char *path = args->argument[0];
    cli_exit code = live_reach();
    if (code != CLI_OK) return code;
    ebpf_result_t result = ebpf_object_unpin(path);
    switch (result) {
    case EBPF_SUCCESS: return CLI_OK;
    case EBPF_NOT_PINNED: return cli_fail(CLI_MISSING, "nothing is pinned at %s; `postern show pins` lists pins", path);
    case EBPF_ACCESS_DENIED: return cli_fail(CLI_DENIED, "%s is another user's pin", path);
    case EBPF_INVALID_ARGUMENT: return cli_fail(CLI_USAGE, "%s is no path of a pin: it begins with /sys/fs/bpf/ or BPF:\\", path);
    default: return cli_fail_last(CLI_FAILED, "the pin cannot be removed");
    }
}
