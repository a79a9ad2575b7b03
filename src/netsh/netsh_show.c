// netsh_show.c: listings of what lives in the core, in the layouts of eBPF for Windows; with -j as arrays of objects.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog.h"
#include "cli/live.h"
#include "netsh/netsh.h"
#include "pal/pal.h"
#include "postern/ebpf_api.h"

#define PATH_MAX_SHOWN 4096

// --- programs ------------------------------------------------------------------------------------------------------

typedef struct program_filter {
    uint32_t type, id; // 0: any
    const char *attached, *pinned; // NULL, "any", "yes" or "no"
    const char *file, *section;    // NULL: any
    struct bpf_object *object;     // of file
    bool verbose;
} program_filter;

static bool read_filter(const netsh_call *call, program_filter *f)
{
    const char *type = netsh_value(call, "type"), *level = netsh_value(call, "level");
    *f = (program_filter){.attached = netsh_value(call, "attached"), .pinned = netsh_value(call, "pinned"), .file = netsh_value(call, "filename"),
                          .section = netsh_value(call, "section")};
    f->verbose = level && strcmp(level, "verbose") == 0;
    if (type && !netsh_program_type(type, &f->type)) return false;
    if (netsh_value(call, "id")) {
        if (!netsh_number(call, "id", &f->id)) return false;
        f->verbose = true;
    }
    if (f->file && !(f->object = bpf_object__open(f->file))) {
        (void)netsh_fail_errno(errno, postern_last_error(), "open file");
        return false;
    }
    return true;
}

// The program of the filter's file that a live one came from, as type and name say; NULL: none.
static struct bpf_program *origin_of(const program_filter *f, const live_program *program)
{
    struct bpf_program *prog;
    if (!f->object) return NULL;
    bpf_object__for_each_program(prog, f->object) {
        bool same = (uint32_t)bpf_program__type(prog) == program->info.type && strncmp(bpf_program__name(prog), program->info.name, PST_OBJ_NAME_LEN - 1) == 0;
        if (same && (!f->section || strcmp(bpf_program__section_name(prog), f->section) == 0)) return prog;
    }
    return NULL;
}

static bool agrees(const char *wanted, bool is_so)
{
    return !wanted || strcmp(wanted, "any") == 0 || (strcmp(wanted, "yes") == 0) == is_so;
}

static bool is_wanted(const live_state *state, const program_filter *f, const live_program *program)
{
    uint32_t id = program->info.id;
    if ((f->type && f->type != program->info.type) || (f->id && f->id != id)) return false;
    if (f->object && !origin_of(f, program)) return false;
    return agrees(f->attached, live_links_of(state, id) > 0) && agrees(f->pinned, live_pins_of(state, LIVE_PROGRAM, id) > 0);
}

static const char *mode_of(const live_state *state, const live_program *program)
{
    const char *mode = live_mode(state, program);
    return strcmp(mode, "jit") == 0 ? "JIT" : *mode ? "INTERPRET" : "-";
}

// The source file that the program's first line is in, "" when nothing says so. The core knows no object files.
static void source_of(const live_program *program, char *out, size_t size)
{
    pst_bpf_line_info line = {0};
    pst_bpf_prog_info info = {.line_info = (uint64_t)(uintptr_t)&line, .nr_line_info = 1, .line_info_rec_size = sizeof line};
    uint32_t info_size = sizeof info;
    int fd = live_open(LIVE_PROGRAM, program->info.id);
    pst_btf *types = live_types(program->info.btf_id);
    bool known = fd >= 0 && types && bpf_obj_get_info_by_fd(fd, &info, &info_size) == 0 && info.nr_line_info > 0;
    const char *file = known ? pst_btf_string(types, line.file_name_off) : "", *base = strrchr(file, '/');
    snprintf(out, size, "%s", base ? base + 1 : file);
    pst_btf_free(types);
    if (fd >= 0) (void)postern_close(fd);
}

// The plainest of the section names that make programs of a type: the core does not keep the one that was used.
static const char *section_of(uint32_t type)
{
    const char *shortest = "";
    for (size_t i = 0; i < pst_section_type_count(); i++) {
        const pst_section_type *row = pst_section_type_at(i);
        if (row->prog_type == type && (!*shortest || strlen(row->prefix) < strlen(shortest))) shortest = row->prefix;
    }
    return shortest;
}

static void program_verbose(const live_state *state, const program_filter *f, const live_program *program)
{
    struct bpf_program *origin = origin_of(f, program);
    char source[256];
    source_of(program, source, sizeof source);
    printf("\nID             : %u\n", program->info.id);
    printf("File name      : %s\n", f->file ? f->file : source);
    printf("Section        : %s\n", origin ? bpf_program__section_name(origin) : section_of(program->info.type));
    printf("Name           : %s\n", origin ? bpf_program__name(origin) : program->info.name);
    printf("Program type   : %s\n", pst_prog_type_name(program->info.type));
    printf("Mode           : %s\n", mode_of(state, program));
    printf("# map IDs      : %u\n", program->map_count);
    for (uint32_t i = 0; i < program->map_count; i++) printf(i ? "                 %u\n" : "map IDs        : %u\n", program->map_ids[i]);
    printf("# pinned paths : %zu\n", live_pins_of(state, LIVE_PROGRAM, program->info.id));
    printf("# links        : %zu\n", live_links_of(state, program->info.id));
}

static void programs_plain(const live_state *state, const program_filter *f)
{
    if (!f->verbose) {
        printf("\n    ID  Pins  Links  Mode       Type           Name\n");
        printf("======  ====  =====  =========  =============  ====================\n");
    }
    for (size_t i = 0; i < state->program_count; i++) {
        const live_program *program = &state->programs[i];
        uint32_t id = program->info.id;
        if (!is_wanted(state, f, program)) continue;
        if (f->verbose) program_verbose(state, f, program);
        else
            printf("%6u  %4zu  %5zu  %-9s  %-13s  %s\n", id, live_pins_of(state, LIVE_PROGRAM, id), live_links_of(state, id), mode_of(state, program),
                   pst_prog_type_name(program->info.type), program->info.name);
    }
}

static int programs_json(const live_state *state, const program_filter *f)
{
    static const char *const columns[] = {"Id", "Pins", "Links", "mode", "type", "name", "file", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    for (size_t i = 0; i < state->program_count; i++) {
        const live_program *program = &state->programs[i];
        char source[256];
        if (!is_wanted(state, f, program)) continue;
        source_of(program, source, sizeof source);
        cli_table_format(&table, "%u", program->info.id);
        cli_table_format(&table, "%zu", live_pins_of(state, LIVE_PROGRAM, program->info.id));
        cli_table_format(&table, "%zu", live_links_of(state, program->info.id));
        cli_table_text(&table, mode_of(state, program));
        cli_table_text(&table, pst_prog_type_name(program->info.type));
        cli_table_text(&table, program->info.name);
        cli_table_text(&table, f->file ? f->file : source);
    }
    return cli_table_end(&table, true) == CLI_OK ? 0 : 1;
}

int netsh_show_programs(const netsh_call *call)
{
    live_state state = {0};
    program_filter filter;
    int code = 1;
    if (read_filter(call, &filter) && live_read(&state) == CLI_OK) {
        bool found = !filter.id || live_program_by_id(&state, filter.id);
        code = 0;
        if (!found) code = netsh_fail("Program not found");
        else if (call->json) code = programs_json(&state, &filter);
        else programs_plain(&state, &filter);
    }
    bpf_object__close(filter.object);
    live_free(&state);
    return code;
}

// --- maps, links, pins ---------------------------------------------------------------------------------------------

static int maps(const live_state *state, bool json)
{
    static const char *const columns[] = {"Id", "type", "Key size", "Value size", "Max entries", "Inner id", "Pins", "name", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    if (!json) {
        printf("\n                              Key  Value      Max  Inner\n");
        printf("     ID            Map Type  Size   Size  Entries     ID  Pins  Name\n");
        printf("=======  ==================  ====  =====  =======  =====  ====  ========\n");
    }
    for (size_t i = 0; i < state->map_count; i++) {
        const pst_bpf_map_info *map = &state->maps[i];
        uint32_t inner = live_inner_map(map);
        size_t pins = live_pins_of(state, LIVE_MAP, map->id);
        if (!json)
            printf("%7u  %18s%6u%7u%9u%7d%6u  %s\n", map->id, pst_map_type_name(map->type), map->key_size, map->value_size, map->max_entries, (int)inner,
                   (unsigned)pins, map->name);
        cli_table_format(&table, "%u", map->id);
        cli_table_text(&table, pst_map_type_name(map->type));
        cli_table_format(&table, "%u", map->key_size);
        cli_table_format(&table, "%u", map->value_size);
        cli_table_format(&table, "%u", map->max_entries);
        cli_table_format(&table, "%u", inner);
        cli_table_format(&table, "%zu", pins);
        cli_table_text(&table, map->name);
    }
    return netsh_table_end(&table, json);
}

static int links(const live_state *state, bool json)
{
    static const char *const columns[] = {"Id", "Program id", "attach type", "Target", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    if (!json) {
        printf("\n   Link  Program  Attach\n");
        printf("     ID       ID  Type\n");
        printf("=======  =======  =============\n");
    }
    for (size_t i = 0; i < state->link_count; i++) {
        const pst_bpf_link_info *link = &state->links[i];
        const char *type = pst_attach_type_name(live_link_attach_type(link));
        if (!json) printf("%7u%9u  %s\n", link->id, link->prog_id, type);
        cli_table_format(&table, "%u", link->id);
        cli_table_format(&table, "%u", link->prog_id);
        cli_table_text(&table, type);
        cli_table_format(&table, "%u", live_link_target(link));
    }
    return netsh_table_end(&table, json);
}

static const char *kind_name(live_kind kind)
{
    switch (kind) {
    case LIVE_PROGRAM: return "Program";
    case LIVE_MAP: return "Map";
    case LIVE_LINK: return "Link";
    case LIVE_BTF: break;
    }
    return "";
}

static int pins(const live_state *state, bool json)
{
    static const char *const columns[] = {"Id", "type", "path", NULL};
    char path[PATH_MAX_SHOWN];
    cli_table table;
    cli_table_begin(&table, columns);
    if (!json) printf("\n     ID     Type  Path\n=======  =======  ==============\n");
    for (size_t i = 0; i < state->pin_count; i++) {
        const live_pin *pin = &state->pins[i];
        const char *shown = ebpf_canonicalize_pin_path(pin->path, path, sizeof path) == EBPF_SUCCESS ? path : pin->path;
        if (!json) printf("%7u  %7s  %s\n", pin->id, kind_name(pin->kind), shown);
        cli_table_format(&table, "%u", pin->id);
        cli_table_text(&table, kind_name(pin->kind));
        cli_table_text(&table, shown);
    }
    return netsh_table_end(&table, json);
}

static int with_state(const netsh_call *call, int (*print)(const live_state *state, bool json))
{
    live_state state;
    int code = live_read(&state) == CLI_OK ? print(&state, call->json) : 1;
    live_free(&state);
    return code;
}

int netsh_show_maps(const netsh_call *call) { return with_state(call, maps); }
int netsh_show_links(const netsh_call *call) { return with_state(call, links); }
int netsh_show_pins(const netsh_call *call) { return with_state(call, pins); }

// --- processes -----------------------------------------------------------------------------------------------------

// What the system calls a process; "" where it does not say.
static void process_name(uint32_t pid, char *out, size_t size)
{
    char path[64];
    uint8_t *bytes;
    size_t length;
    snprintf(path, sizeof path, "/proc/%u/comm", pid);
    *out = '\0';
    if ((uint32_t)(pst_pal_pid_tgid() >> 32) == pid) {
        pst_pal_comm(out, size);
    } else if (pst_pal_file_read(cli_env(), path, 4096, &bytes, &length) == PST_OK) {
        snprintf(out, size, "%.*s", (int)strcspn((const char *)bytes, "\n"), (const char *)bytes);
        pst_free(cli_env(), bytes, length + 1);
    }
    for (char *c = out; *c; c++)
        if (iscntrl((unsigned char)*c)) *c = '?';
}

int netsh_show_processes(const netsh_call *call)
{
    static const char *const columns[] = {"Pid", "name", NULL};
    char name[64];
    uint32_t pid = 0;
    cli_table table;
    int err = postern_next_process(0, &pid);
    if (err == -EPERM) return netsh_fail("This command requires running as Administrator");
    if (err && err != -ENOENT) return netsh_fail_errno(-err, postern_last_error(), "list processes");
    cli_table_begin(&table, columns);
    if (!call->json) printf("\n  PID  Name\n=====  ==============\n");
    for (; err == 0; err = postern_next_process(pid, &pid)) {
        process_name(pid, name, sizeof name);
        if (!call->json) printf("%5u  %s\n", pid, name);
        cli_table_format(&table, "%u", pid);
        cli_table_text(&table, name);
    }
    return netsh_table_end(&table, call->json);
}
