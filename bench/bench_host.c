// bench_host.c: see bench_host.h. The attribute union of postern/attr.h is Linux's byte for byte, so both kinds of host take it as it is.
#include "bench_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/engines.h"
#include "pal/pal.h"

#define LOG_SIZE (1u << 20)
#define FRAME_SIZE 64u

// --- A core of ours ---------------------------------------------------------------------------------------------

typedef struct bench_core {
    pst_core *core;
    pst_client *client;
} bench_core;

static int64_t core_take(void *user, uint32_t cmd, pst_bpf_attr *attr, uint32_t size)
{
    bench_core *own = user;
    return pst_core_command(own->client, cmd, attr, size);
}

static void core_close_fd(void *user, int fd)
{
    bench_core *own = user;
    (void)pst_core_close(own->client, fd);
}

bool bench_core_open(bench_host *host, pst_core_engine engine, bool hardened, bool strict)
{
    const pst_core_options options = {.size = sizeof options, .engine = engine, .strict = strict,
                                      .harden = hardened ? PST_CORE_HARDEN_ON : PST_CORE_HARDEN_OFF};
    bench_core *own = calloc(1, sizeof *own);
    if (!own) return false;
    *host = (bench_host){.command = core_take, .close = core_close_fd, .user = own};
    if (pst_core_create(pst_pal_env(), &options, &own->core) == PST_OK && pst_client_create(own->core, &own->client) == PST_OK) return true;
    bench_core_close(host);
    return false;
}

void bench_core_close(bench_host *host)
{
    bench_core *own = host->user;
    if (!own) return;
    if (own->client) pst_client_free(own->client);
    if (own->core) pst_core_free(own->core);
    free(own);
    *host = (bench_host){0};
}

const char *bench_core_error(const bench_host *host)
{
    const bench_core *own = host->user;
    return own ? pst_client_error(own->client) : "";
}

#ifndef __linux__ // there: bench_kernel_linux.c
bool bench_kernel_open(bench_host *host)
{
    *host = (bench_host){0};
    return false;
}
#endif

// --- Loading ----------------------------------------------------------------------------------------------------

static int64_t command(const bench_host *host, uint32_t cmd, pst_bpf_attr *attr)
{
    return host->command(host->user, cmd, attr, sizeof *attr);
}

static uint64_t address(const void *pointer) { return (uint64_t)(uintptr_t)pointer; }

static bool set_element(const bench_host *host, int fd, uint32_t key, const void *value)
{
    pst_bpf_attr attr = {.map_fd = (uint32_t)fd, .key = address(&key), .value = address(value)};
    return command(host, PST_BPF_MAP_UPDATE_ELEM, &attr) >= 0;
}

// Hash tables with numbers as keys are half full from the start: the even ones are in.
static bool fill_half(const bench_host *host, int fd, const pst_object_map *map)
{
    bool filled = true;
    for (uint32_t key = 0; filled && map->type == PST_MAP_HASH && map->key_size == 4 && key < map->max_entries; key += 2) {
        uint64_t value = key;
        filled = map->value_size == sizeof value && set_element(host, fd, key, &value);
    }
    return filled;
}

static int make_map(const bench_host *host, const pst_object_map *map)
{
    pst_bpf_attr attr = {.map_type = map->type, .key_size = map->key_size, .value_size = map->value_size, .max_entries = map->max_entries,
                         .map_flags = map->flags};
    int fd = (int)command(host, PST_BPF_MAP_CREATE, &attr);
    if (fd < 0) return fd;
    pst_bpf_attr freeze = {.map_fd = (uint32_t)fd};
    bool filled = map->initial ? set_element(host, fd, 0, map->initial) : fill_half(host, fd, map);
    if (map->origin == PST_MAP_FROM_RODATA) filled = filled && command(host, PST_BPF_MAP_FREEZE, &freeze) >= 0;
    if (filled) return fd;
    host->close(host->user, fd);
    return -1;
}

static void point_to_maps(const bench_loaded *loaded, const pst_object_program *program, pst_slot *slots)
{
    for (uint32_t i = 0; i < program->ref_count; i++) {
        const pst_object_ref *ref = &program->refs[i];
        uint8_t source = ref->kind == PST_REF_MAP_VALUE ? 2 : 1; // BPF_PSEUDO_MAP_VALUE, BPF_PSEUDO_MAP_FD
        slots[ref->pc].regs = (uint8_t)((slots[ref->pc].regs & 15u) | (unsigned)source << 4);
        slots[ref->pc].imm = loaded->maps[ref->index];
    }
}

// The last line of a verifier's log but one: the last has its statistics.
static void explain(char *log, char *why, size_t why_size)
{
    char *end = strstr(log, "processed ");
    if (end) *end = 0;
    size_t length = strlen(log);
    while (length && log[length - 1] == '\n') log[--length] = 0;
    const char *line = strrchr(log, '\n');
    snprintf(why, why_size, "%s", line ? line + 1 : log);
}

static int load_program(const bench_loaded *loaded, const pst_object_program *program, char *why, size_t why_size)
{
    const bench_host *host = loaded->host;
    pst_slot *slots = malloc(program->count * sizeof *slots);
    char *log = calloc(1, LOG_SIZE);
    int fd = -1;
    if (slots && log) {
        memcpy(slots, program->slots, program->count * sizeof *slots);
        point_to_maps(loaded, program, slots);
        pst_bpf_attr attr = {.prog_type = PST_PROG_XDP, .insn_cnt = program->count, .insns = address(slots), .license = address("GPL")}, again = attr;
        fd = (int)command(host, PST_BPF_PROG_LOAD, &attr);
        if (fd < 0) { // once more, to be told why
            again.log_level = 1, again.log_size = LOG_SIZE, again.log_buf = address(log);
            fd = (int)command(host, PST_BPF_PROG_LOAD, &again);
        }
        if (fd < 0) explain(log, why, why_size);
    }
    free(slots);
    free(log);
    return fd;
}

static bool link_programs(const bench_loaded *loaded, const bench_subject *subject)
{
    bool linked = true;
    for (uint32_t i = 0; i < subject->map_count; i++) {
        const pst_object_map *map = &subject->maps[i];
        for (uint32_t k = 0; map->type == PST_MAP_PROG_ARRAY && k < map->slot_count; k++)
            linked = set_element(loaded->host, loaded->maps[i], map->slots[k].slot, &loaded->programs[map->slots[k].index]) && linked;
    }
    return linked;
}

bool bench_load(const bench_host *host, const bench_subject *subject, bench_loaded *out, char *why, size_t why_size)
{
    *out = (bench_loaded){.host = host};
    snprintf(why, why_size, "it has too many maps or programs");
    if (subject->map_count > BENCH_MAPS_MAX || subject->program_count > BENCH_PROGRAMS_MAX) return false;
    for (; out->map_count < subject->map_count; out->map_count++) {
        snprintf(why, why_size, "map %s cannot be made", subject->maps[out->map_count].name);
        out->maps[out->map_count] = make_map(host, &subject->maps[out->map_count]);
        if (out->maps[out->map_count] < 0) return false;
    }
    for (; out->program_count < subject->program_count; out->program_count++) {
        int fd = load_program(out, &subject->programs[out->program_count], why, why_size);
        if (fd < 0) return false;
        out->programs[out->program_count] = fd;
    }
    snprintf(why, why_size, "its programs cannot be put into their array");
    return link_programs(out, subject);
}

void bench_unload(bench_loaded *loaded)
{
    for (uint32_t i = 0; i < loaded->program_count; i++) loaded->host->close(loaded->host->user, loaded->programs[i]);
    for (uint32_t i = 0; i < loaded->map_count; i++) loaded->host->close(loaded->host->user, loaded->maps[i]);
    *loaded = (bench_loaded){0};
}

bool bench_fill(const bench_loaded *loaded, const void *value)
{
    return set_element(loaded->host, loaded->maps[0], 0, value);
}

double bench_run(const bench_loaded *loaded, uint32_t repeat, uint32_t *retval)
{
    static uint8_t frame[FRAME_SIZE];
    pst_bpf_attr attr = {.test = {.prog_fd = (uint32_t)loaded->programs[0], .data_in = address(frame), .data_size_in = sizeof frame, .repeat = repeat}};
    if (command(loaded->host, PST_BPF_PROG_TEST_RUN, &attr) < 0) return -1;
    *retval = attr.test.retval;
    return attr.test.duration;
}

size_t bench_code_size(const bench_loaded *loaded)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < loaded->program_count; i++) {
        pst_bpf_prog_info info = {0};
        pst_bpf_attr attr = {.info = {.bpf_fd = (uint32_t)loaded->programs[i], .info_len = sizeof info, .info = address(&info)}};
        pst_jit_code code;
        const pst_image *image;
        bool own = loaded->host->command == core_take;
        if (own && pst_core_code_of(((bench_core *)loaded->host->user)->client, loaded->programs[i], &code, &image)) bytes += code.size;
        else if (!own && command(loaded->host, PST_BPF_OBJ_GET_INFO_BY_FD, &attr) >= 0) bytes += info.jited_prog_len;
    }
    return bytes;
}
