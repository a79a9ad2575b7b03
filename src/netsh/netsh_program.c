// netsh_program.c: commands that change what lives in the core: add, delete and set program; pin and unpin.
//
// What a command loads lives on because it is pinned. A link that a command makes is pinned too, at BPF:\links\ID, and ends with the command that undoes it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "cli/interface.h"
#include "cli/live.h"
#include "netsh/netsh.h"
#include "postern/ebpf_api.h"

#define LINK_FOLDER "/sys/fs/bpf/links/"
#define PATH_MAX_SHOWN 4096
#define ERROR_NOT_FOUND_OF_WINDOWS 1168

static bool is_own_link_pin(const live_pin *pin)
{
    return pin->kind == LIVE_LINK && strncmp(pin->path, LINK_FOLDER, sizeof LINK_FOLDER - 1) == 0;
}

static const char *shown_path(const char *path, char out[PATH_MAX_SHOWN])
{
    return ebpf_canonicalize_pin_path(path, out, PATH_MAX_SHOWN) == EBPF_SUCCESS ? out : path;
}

// Pins fd at path, which may be a bare name; 0, or 1 after a message.
static int pin_at(int fd, const char *path)
{
    char full[PATH_MAX_SHOWN];
    int err = bpf_obj_pin(fd, shown_path(path, full));
    return err ? netsh_fail_errno(-err, api_why(err), "pin to %s", path) : 0;
}

static int pin_link(int link_fd)
{
    pst_bpf_link_info info = {0};
    char path[64];
    uint32_t size = sizeof info;
    int err = bpf_obj_get_info_by_fd(link_fd, &info, &size);
    snprintf(path, sizeof path, "%s%u", LINK_FOLDER, info.id);
    if (!err) err = bpf_obj_pin(link_fd, path);
    return err ? netsh_fail_errno(-err, api_why(err), "pin to %s", path) : 0;
}

// --- Attaching ---------------------------------------------------------------------------------------------------

// The interface of a call, 0: none is named. False after a message.
static bool interface_of(const netsh_call *call, uint32_t prog_type, uint32_t *index)
{
    const char *text = netsh_value(call, "interface");
    char *end;
    *index = 0;
    if (!text) return true;
    unsigned long number = strtoul(text, &end, 10);
    bool is_number = *text >= '0' && *text <= '9' && *end == '\0' && number <= UINT32_MAX;
    *index = is_number ? (uint32_t)number : cli_interface_index(text);
    if (prog_type == BPF_PROG_TYPE_XDP && *index) return true;
    (void)netsh_fail("Interface parameter is invalid.");
    return false;
}

// Attaches fd and pins the link. 0, or 1 after a message.
static int attach(int fd, uint32_t target, uint32_t attach_type)
{
    int link = bpf_link_create(fd, (int)target, (enum bpf_attach_type)attach_type, NULL);
    if (link < 0) return netsh_fail_errno(-link, api_why(link), "attach program");
    int code = pin_link(link);
    (void)postern_close(link);
    return code;
}

// --- add program ---------------------------------------------------------------------------------------------------

typedef struct adding {
    const netsh_call *call;
    struct bpf_object *object;
    struct bpf_program *first;
    pst_bpf_prog_info info;
} adding;

// Nothing says where else these programs go; those of other types are loaded and pinned, and wait for whoever attaches them.
static int attach_first(adding *a)
{
    uint32_t index, type = (uint32_t)bpf_program__type(a->first), attach_type = (uint32_t)bpf_program__expected_attach_type(a->first);
    if (netsh_value(a->call, "compartment")) return netsh_fail("Compartment parameter is invalid."); // no type that has them is hosted
    if (!interface_of(a->call, type, &index)) return 1;
    if (type == PST_PROG_SAMPLE) return attach(bpf_program__fd(a->first), 0, attach_type);
    if (index) return attach(bpf_program__fd(a->first), index, PST_ATTACH_XDP);
    fflush(stdout);
    fprintf(stderr, type == PST_PROG_XDP ? "The program is not attached: name an interface.\n" : "The program is not attached: there is no hook for its type.\n");
    return 0;
}

static int pin_one(adding *a, struct bpf_program *prog, bool alone)
{
    const char *path = netsh_value(a->call, "pinpath"), *name = bpf_program__name(prog);
    char joined[PATH_MAX_SHOWN];
    if (alone) return pin_at(bpf_program__fd(prog), path ? path : name);
    if (snprintf(joined, sizeof joined, "%s%s%s", path ? path : "", path ? "/" : "", name) >= (int)sizeof joined)
        return netsh_fail("error %d: could not pin to %s", ENAMETOOLONG, path);
    return pin_at(bpf_program__fd(prog), joined);
}

static int pin_programs(adding *a)
{
    struct bpf_program *prog;
    const char *which = netsh_value(a->call, "pinned");
    int code = 0;
    if (which && strcmp(which, "none") == 0) return 0;
    if (!which || strcmp(which, "first") == 0) return pin_one(a, a->first, true);
    bpf_object__for_each_program(prog, a->object) {
        if (code == 0 && bpf_program__fd(prog) >= 0) code = pin_one(a, prog, false);
    }
    return code;
}

// Takes back what was pinned before something failed: pins of these programs, and of their links.
static void undo(adding *a)
{
    live_state state;
    struct bpf_program *prog;
    if (live_read(&state) == CLI_OK) {
        bpf_object__for_each_program(prog, a->object) {
            pst_bpf_prog_info info = {0};
            uint32_t size = sizeof info;
            if (bpf_program__fd(prog) < 0 || bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size) != 0) continue;
            for (size_t i = 0; i < state.pin_count; i++) {
                bool of_program = state.pins[i].kind == LIVE_PROGRAM && state.pins[i].id == info.id, of_link = false;
                for (size_t l = 0; is_own_link_pin(&state.pins[i]) && l < state.link_count; l++)
                    of_link = of_link || (state.links[l].id == state.pins[i].id && state.links[l].prog_id == info.id);
                if (of_program || of_link) (void)ebpf_object_unpin(state.pins[i].path);
            }
        }
    }
    live_free(&state);
}

static int load(adding *a)
{
    const char *type = netsh_value(a->call, "type");
    uint32_t number, size = sizeof a->info;
    a->first = bpf_object__next_program(a->object, NULL);
    if (!a->first) return netsh_fail_errno(ENOENT, "there is no program in the file", "load program");
    if (type && !netsh_program_type(type, &number)) return 1;
    if (type) (void)bpf_program__set_type(a->first, (enum bpf_prog_type)number);
    if (bpf_object__load(a->object) < 0) return netsh_fail_errno(errno, postern_last_error(), "load program");
    int err = bpf_obj_get_info_by_fd(bpf_program__fd(a->first), &a->info, &size);
    return err ? netsh_fail_errno(-err, api_why(err), "load program") : 0;
}

static void print_loaded(const netsh_call *call, uint32_t id)
{
    if (!call->json) {
        printf("Loaded with ID %u\n", id);
        return;
    }
    cli_line line;
    cli_line_begin(&line, "program");
    pst_json_key(&line.json, "id");
    pst_json_u64(&line.json, id);
    cli_line_end(&line);
}

// What nothing keeps ends with the object; a shell keeps it, as netsh does.
static void close_or_keep(netsh_session *session, struct bpf_object *object, bool keep)
{
    if (keep && session->is_shell && session->kept_count < NETSH_OBJECTS_MAX) session->kept[session->kept_count++] = object;
    else bpf_object__close(object);
}

int netsh_add_program(const netsh_call *call)
{
    adding a = {.call = call, .object = bpf_object__open(netsh_value(call, "filename"))};
    const char *pinned = netsh_value(call, "pinned");
    if (!a.object) return netsh_fail_errno(errno, postern_last_error(), "open file");
    int code = load(&a);
    bool loaded = code == 0;
    if (code == 0) code = attach_first(&a);
    if (code == 0) code = pin_programs(&a);
    if (code == 0) print_loaded(call, a.info.id);
    else if (loaded) undo(&a);
    bool is_unpinned = pinned && strcmp(pinned, "none") == 0;
    if (code == 0 && is_unpinned && !call->session->is_shell && a.info.type != PST_PROG_SAMPLE)
        fprintf(stderr, "It ends with this command: nothing pins it. In the shell of `postern netsh` it lives as long as the shell.\n");
    close_or_keep(call->session, a.object, code == 0 && is_unpinned);
    return code;
}

// --- delete and set ------------------------------------------------------------------------------------------------

// Takes the links of a program off their hooks; how many there were.
static size_t detach_all(const live_state *state, uint32_t id)
{
    size_t count = 0;
    for (size_t l = 0; l < state->link_count; l++) {
        if (state->links[l].prog_id != id) continue;
        int fd = live_open(LIVE_LINK, state->links[l].id);
        if (fd < 0 || bpf_link_detach(fd) != 0) {
            if (fd >= 0) (void)postern_close(fd);
            continue;
        }
        (void)postern_close(fd);
        count++;
        for (size_t i = 0; i < state->pin_count; i++)
            if (is_own_link_pin(&state->pins[i]) && state->pins[i].id == state->links[l].id) (void)ebpf_object_unpin(state->pins[i].path);
    }
    return count;
}

// Reads the state for a command about program id; false after a message.
static bool state_of(const netsh_call *call, uint32_t *id, live_state *state)
{
    *state = (live_state){0};
    if (!netsh_number(call, "id", id) || live_read(state) != CLI_OK) return false;
    if (live_program_by_id(state, *id)) return true;
    (void)netsh_fail("Program not found");
    return false;
}

static int unpin_all(const live_state *state, uint32_t id, bool says)
{
    char path[PATH_MAX_SHOWN];
    int code = 0;
    for (size_t i = 0; i < state->pin_count; i++) {
        if (state->pins[i].kind != LIVE_PROGRAM || state->pins[i].id != id) continue;
        ebpf_result_t result = ebpf_object_unpin(state->pins[i].path);
        if (result != EBPF_SUCCESS) code = netsh_fail("error %d: could not unpin %s", (int)result, shown_path(state->pins[i].path, path));
        else if (says) printf("Unpinned %u from %s\n", id, shown_path(state->pins[i].path, path));
    }
    return code;
}

int netsh_delete_program(const netsh_call *call)
{
    live_state state;
    uint32_t id;
    int code = 1;
    if (state_of(call, &id, &state)) {
        (void)detach_all(&state, id);
        code = unpin_all(&state, id, !call->json);
    }
    live_free(&state);
    return code;
}

static int set_attached(const netsh_call *call, const live_state *state, uint32_t id)
{
    const char *attached = netsh_value(call, "attached");
    enum bpf_prog_type prog_type;
    enum bpf_attach_type attach_type;
    uint32_t index;
    if (!attached) return 0;
    if (!*attached) return detach_all(state, id) ? 0 : netsh_fail("error %d: could not detach program", ERROR_NOT_FOUND_OF_WINDOWS);
    if (libbpf_prog_type_by_name(attached, &prog_type, &attach_type) != 0)
        return netsh_fail("'%s' is not an acceptable value for 'attached'.\nThe parameter is incorrect.", attached);
    if (!interface_of(call, live_program_by_id(state, id)->info.type, &index)) return 1;
    int fd = live_open(LIVE_PROGRAM, id);
    if (fd < 0) return netsh_fail_errno(-fd, api_why(fd), "attach program");
    int code = attach(fd, index, (uint32_t)attach_type);
    (void)postern_close(fd);
    return code;
}

static int pin_by_id(live_kind kind, uint32_t id, const char *path)
{
    int fd = live_open(kind, id);
    if (fd < 0) return netsh_fail(kind == LIVE_MAP ? "Map not found" : "Program not found");
    int code = pin_at(fd, path);
    (void)postern_close(fd);
    return code;
}

int netsh_set_program(const netsh_call *call)
{
    const char *path = netsh_value(call, "pinpath");
    live_state state;
    uint32_t id;
    int code = 1;
    if (state_of(call, &id, &state)) {
        code = set_attached(call, &state, id);
        if (code == 0 && path) code = *path ? pin_by_id(LIVE_PROGRAM, id, path) : unpin_all(&state, id, false);
    }
    live_free(&state);
    return code;
}

// --- pin and unpin -------------------------------------------------------------------------------------------------

static const char *name_of(const live_state *state, live_kind kind, uint32_t id)
{
    const live_program *program = kind == LIVE_PROGRAM ? live_program_by_id(state, id) : NULL;
    const pst_bpf_map_info *map = kind == LIVE_MAP ? live_map_by_id(state, id) : NULL;
    return program ? program->info.name : map ? map->name : NULL;
}

static int unpin_at(const live_state *state, live_kind kind, uint32_t id, const char *given)
{
    char path[PATH_MAX_SHOWN], other[PATH_MAX_SHOWN];
    const char *wanted = shown_path(given, path);
    for (size_t i = 0; i < state->pin_count; i++) {
        const live_pin *pin = &state->pins[i];
        if (pin->kind != kind || pin->id != id || strcmp(shown_path(pin->path, other), wanted) != 0) continue;
        ebpf_result_t result = ebpf_object_unpin(pin->path);
        return result == EBPF_SUCCESS ? 0 : netsh_fail("error %d: could not unpin %s", (int)result, wanted);
    }
    return netsh_fail("error %d: could not unpin %s: it is not pinned there", (int)EBPF_NOT_PINNED, wanted);
}

static int change_pin(const netsh_call *call, live_kind kind, bool pins)
{
    const char *path = netsh_value(call, "pinpath"), *name;
    live_state state = {0};
    uint32_t id;
    int code = 1;
    if (netsh_number(call, "id", &id) && live_read(&state) == CLI_OK) {
        name = name_of(&state, kind, id);
        if (!name) code = netsh_fail(kind == LIVE_MAP ? "Map not found" : "Program not found");
        else if (pins) code = pin_by_id(kind, id, path ? path : name);
        else code = unpin_at(&state, kind, id, path ? path : name);
    }
    live_free(&state);
    return code;
}

int netsh_pin_map(const netsh_call *call) { return change_pin(call, LIVE_MAP, true); }
int netsh_pin_program(const netsh_call *call) { return change_pin(call, LIVE_PROGRAM, true); }
int netsh_unpin_map(const netsh_call *call) { return change_pin(call, LIVE_MAP, false); }
int netsh_unpin_program(const netsh_call *call) { return change_pin(call, LIVE_PROGRAM, false); }
