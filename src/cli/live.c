// live.c: see live.h. Objects come and go while they are listed: what is gone before it is looked at is left out.
#include "cli/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "catalog/catalog.h"
#include "pal/pal.h"

int live_open(live_kind kind, uint32_t id)
{
    switch (kind) {
    case LIVE_PROGRAM: return bpf_prog_get_fd_by_id(id);
    case LIVE_MAP: return bpf_map_get_fd_by_id(id);
    case LIVE_BTF: return bpf_btf_get_fd_by_id(id);
    case LIVE_LINK: return bpf_link_get_fd_by_id(id);
    }
    return -EINVAL;
}

// --- Reading -----------------------------------------------------------------------------------------------------

static int next_id(live_kind kind, uint32_t id, uint32_t *out)
{
    switch (kind) {
    case LIVE_PROGRAM: return bpf_prog_get_next_id(id, out);
    case LIVE_MAP: return bpf_map_get_next_id(id, out);
    case LIVE_BTF: return bpf_btf_get_next_id(id, out);
    case LIVE_LINK: return bpf_link_get_next_id(id, out);
    }
    return -EINVAL;
}

// Room for one more row, which becomes zero; NULL without memory.
static void *row_add(void **rows, size_t *count, size_t size)
{
    if ((*count & (*count - 1)) == 0) { // a power of two: full
        void *more = realloc(*rows, (*count ? *count * 2 : 1) * size);
        if (!more) return NULL;
        *rows = more;
    }
    void *row = (uint8_t *)*rows + (*count)++ * size;
    memset(row, 0, size);
    return row;
}

static bool info_of(live_kind kind, uint32_t id, void *info, uint32_t size)
{
    int fd = live_open(kind, id);
    if (fd < 0) return false;
    bool fine = bpf_obj_get_info_by_fd(fd, info, &size) == 0;
    (void)postern_close(fd);
    return fine;
}

static bool program_of(uint32_t id, live_program *program)
{
    pst_bpf_prog_info *info = &program->info;
    info->map_ids = (uint64_t)(uintptr_t)program->map_ids;
    info->nr_map_ids = LIVE_MAP_IDS_MAX;
    if (!info_of(LIVE_PROGRAM, id, info, sizeof *info)) return false;
    program->map_count = info->nr_map_ids < LIVE_MAP_IDS_MAX ? info->nr_map_ids : LIVE_MAP_IDS_MAX;
    return true;
}

typedef struct listing {
    live_kind kind;
    void **rows;
    size_t *count, size;
} listing;

static cli_exit list(const listing *l)
{
    uint32_t id = 0;
    int err = 0;
    while (*l->count < LIVE_OBJECTS_MAX && (err = next_id(l->kind, id, &id)) == 0) {
        void *row = row_add(l->rows, l->count, l->size);
        if (!row) return cli_fail(CLI_FAILED, "no memory for a list of objects");
        bool there = l->kind == LIVE_PROGRAM ? program_of(id, row) : info_of(l->kind, id, row, (uint32_t)l->size);
        if (!there) (*l->count)--;
    }
    return err == 0 || err == -ENOENT ? CLI_OK : cli_fail(cli_exit_of_errno(-err), "objects cannot be listed: %s", api_why(err));
}

static cli_exit list_pins(live_state *state)
{
    const api_door *door = api_door_get();
    static pst_pin_info info; // too large for a stack; commands have one thread
    int64_t result = 0;
    info.path[0] = '\0';
    while (state->pin_count < LIVE_OBJECTS_MAX && (result = door->pin_next(info.path, &info)) == 0) {
        live_pin *pin = row_add((void **)&state->pins, &state->pin_count, sizeof *pin);
        if (pin) *pin = (live_pin){.kind = (live_kind)info.kind, .id = info.id, .path = api_strdup(info.path)};
        if (!pin || !pin->path) return cli_fail(CLI_FAILED, "no memory for a list of pins");
    }
    return result == 0 || result == -PST_ENOENT ? CLI_OK : cli_fail(CLI_FAILED, "pins cannot be listed: %s", door->why());
}

// The core, and objects of the first kinds of the table.
static cli_exit read_kinds(live_state *out, size_t kinds)
{
    uint32_t first;
    *out = (live_state){.about = {.size = sizeof out->about}};
    int err = postern_about(&out->about);
    if (err) return cli_fail_last(cli_exit_of_errno(-err), "there is no core");
    out->sees_all = postern_next_process(0, &first) != -EPERM;
    const listing lists[] = {
        {LIVE_PROGRAM, (void **)&out->programs, &out->program_count, sizeof *out->programs},
        {LIVE_MAP, (void **)&out->maps, &out->map_count, sizeof *out->maps},
        {LIVE_LINK, (void **)&out->links, &out->link_count, sizeof *out->links},
    };
    cli_exit code = CLI_OK;
    for (size_t i = 0; code == CLI_OK && i < PST_COUNT(lists) && i < kinds; i++) code = list(&lists[i]);
    return code;
}

cli_exit live_read_programs(live_state *out)
{
    return read_kinds(out, 1);
}

cli_exit live_read(live_state *out)
{
    cli_exit code = read_kinds(out, SIZE_MAX);
    return code == CLI_OK ? list_pins(out) : code;
}

cli_exit live_reach(void)
{
    return api_door_get() ? CLI_OK : cli_fail_last(cli_exit_of_errno(errno), "there is no core");
}

int live_statistics(cli_exit *code)
{
    if ((*code = live_reach()) != CLI_OK) return -1;
    int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
    *code = fd >= 0 ? CLI_OK : cli_fail(cli_exit_of_errno(-fd), "statistics cannot be turned on: %s", api_why(fd));
    return fd;
}

void live_free(live_state *state)
{
    for (size_t i = 0; i < state->pin_count; i++) free(state->pins[i].path);
    free(state->pins);
    free(state->programs);
    free(state->maps);
    free(state->links);
    *state = (live_state){0};
}

// --- Questions ---------------------------------------------------------------------------------------------------

size_t live_pins_of(const live_state *state, live_kind kind, uint32_t id)
{
    size_t count = 0;
    for (size_t i = 0; i < state->pin_count; i++) count += state->pins[i].kind == kind && state->pins[i].id == id;
    return count;
}

size_t live_links_of(const live_state *state, uint32_t prog_id)
{
    size_t count = 0;
    for (size_t i = 0; i < state->link_count; i++) count += state->links[i].prog_id == prog_id;
    return count;
}

const live_program *live_program_by_id(const live_state *state, uint32_t id)
{
    for (size_t i = 0; i < state->program_count; i++)
        if (state->programs[i].info.id == id) return &state->programs[i];
    return NULL;
}

const pst_bpf_map_info *live_map_by_id(const live_state *state, uint32_t id)
{
    for (size_t i = 0; i < state->map_count; i++)
        if (state->maps[i].id == id) return &state->maps[i];
    return NULL;
}

const char *live_engine_name(unsigned engine)
{
    switch (engine) {
    case POSTERN_ENGINE_INTERP: return "interp";
    case POSTERN_ENGINE_JIT: return "jit";
    case POSTERN_ENGINE_JIT_QUICK: return "jit-quick";
    case POSTERN_ENGINE_CHECKED: return "checked";
    }
    return "";
}

// A core that compiles, and no code is shown: either it could not be compiled, or the caller may not know.
const char *live_mode(const live_state *state, const live_program *program)
{
    if (program->info.jited_prog_len > 0) return "jit";
    bool compiles = state->about.engine == POSTERN_ENGINE_JIT || state->about.engine == POSTERN_ENGINE_JIT_QUICK;
    return compiles && !state->sees_all ? "" : "interp";
}

uint32_t live_link_attach_type(const pst_bpf_link_info *link)
{
    return link->type == PST_LINK_XDP ? PST_ATTACH_XDP : link->tcx.attach_type;
}

uint32_t live_link_target(const pst_bpf_link_info *link)
{
    return link->type == PST_LINK_XDP ? link->xdp.ifindex : link->tcx.ifindex;
}

uint32_t live_inner_map(const pst_bpf_map_info *map)
{
    uint32_t id = 0;
    if ((map->type != PST_MAP_ARRAY_OF_MAPS && map->type != PST_MAP_HASH_OF_MAPS) || map->value_size != sizeof id) return 0;
    int fd = live_open(LIVE_MAP, map->id);
    uint8_t *keys = fd >= 0 ? calloc(2, map->key_size) : NULL;
    uint8_t *key = keys, *next = keys ? keys + map->key_size : NULL;
    for (uint32_t i = 0; keys && id == 0 && i < LIVE_OBJECTS_MAX; i++) {
        if (bpf_map_get_next_key(fd, i ? key : NULL, next) < 0) break;
        memcpy(key, next, map->key_size);
        if (bpf_map_lookup_elem(fd, key, &id) < 0) id = 0; // an empty slot
    }
    free(keys);
    if (fd >= 0) (void)postern_close(fd);
    return id;
}

uint64_t live_wall_seconds(uint64_t boot_ns)
{
    return (pst_pal_wall_time_ns() - (pst_pal_boot_time_ns() - boot_ns)) / 1000000000u;
}

cli_exit live_find_map(const live_state *state, const char *text, const pst_bpf_map_info **out)
{
    char path[PST_PIN_PATH_MAX], *end;
    unsigned long long number = strtoull(text, &end, 10);
    size_t found = 0;
    *out = NULL;
    if (*text >= '0' && *text <= '9' && *end == '\0') {
        *out = number <= UINT32_MAX ? live_map_by_id(state, (uint32_t)number) : NULL;
        return *out ? CLI_OK : cli_fail(CLI_MISSING, "there is no map with the id %s; `postern show maps` lists maps", text);
    }
    if (pst_core_pin_path(text, path, sizeof path)) {
        for (size_t i = 0; i < state->pin_count; i++)
            if (strcmp(state->pins[i].path, path) == 0 && state->pins[i].kind == LIVE_MAP) *out = live_map_by_id(state, state->pins[i].id);
        return *out ? CLI_OK : cli_fail(CLI_MISSING, "no map is pinned at %s; `postern show pins` lists pins", path);
    }
    for (size_t i = 0; i < state->map_count; i++) {
        if (strncmp(state->maps[i].name, text, PST_OBJ_NAME_LEN - 1) != 0) continue; // names are cut
        *out = &state->maps[i];
        found++;
    }
    if (found > 1) return cli_fail(CLI_USAGE, "%zu maps are called %s: name one by its id; `postern show maps` lists maps", found, text);
    return found ? CLI_OK : cli_fail(CLI_MISSING, "no map is called %s; `postern show maps` lists maps", text);
}

pst_btf *live_types(uint32_t btf_id)
{
    pst_bpf_btf_info info = {0};
    pst_btf *types = NULL;
    uint32_t size = sizeof info;
    int fd = btf_id ? live_open(LIVE_BTF, btf_id) : -1;
    if (fd < 0) return NULL;
    uint8_t *bytes = bpf_obj_get_info_by_fd(fd, &info, &size) == 0 ? malloc(info.btf_size + 1u) : NULL;
    if (bytes) {
        info = (pst_bpf_btf_info){.btf = (uint64_t)(uintptr_t)bytes, .btf_size = info.btf_size};
        size = sizeof info;
        if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0 || pst_btf_parse(cli_env(), bytes, info.btf_size, "BTF", &types) != PST_OK) types = NULL;
    }
    free(bytes);
    (void)postern_close(fd);
    return types;
}
