// verify_runs.c: runs an accepted program of a line on the line's data, in every engine, and compares.
//
// Each engine gets a client of its own with fresh maps, so that none sees what another wrote; runs of one engine follow each other on the
// same maps. Results that chance or the clock may change are reported, not compared. A run that is stopped contradicts the proof.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/bits.h"
#include "base/format.h"
#include "base/hash.h"
#include "cli/verify_work.h"
#include "core/engines.h"
#include "pal/pal.h"

#define OUT_ROOM 4096u // a program may make a packet longer

typedef struct run_result {
    bool failed;
    uint32_t retval;
    uint64_t out_hash; // of the packet as it was left
    char why[256];     // of a failure
} run_result;

typedef struct engine_run {
    pst_client *client;
    int prog_fd;
    bool absent;       // this engine cannot run the program
    char why[256];     // no runs at all: why not
    run_result *results;
} engine_run;

static int64_t command(engine_run *e, uint32_t cmd, pst_bpf_attr *attr)
{
    int64_t result = pst_core_command(e->client, cmd, attr, sizeof *attr);
    if (result < 0) (void)pst_format(e->why, sizeof e->why, "%s", pst_client_error(e->client));
    return result;
}

static uint64_t address(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

// --- Maps --------------------------------------------------------------------------------------------------------------

static bool is_percpu(uint32_t type)
{
    return type == PST_MAP_PERCPU_ARRAY || type == PST_MAP_PERCPU_HASH || type == PST_MAP_LRU_PERCPU_HASH;
}

// Values of per-CPU maps travel CPU by CPU.
static bool fill_map(engine_run *e, const verify_map *map, int fd)
{
    size_t size = map->view.value_size, stride = (size_t)pst_align_up(size, 8), cpus = is_percpu(map->view.type) ? pst_pal_cpu_count() : 1;
    const uint8_t *at = map->init;
    uint8_t *values = map->init_count ? calloc(cpus, stride + 8) : NULL;
    bool filled = values || !map->init_count;
    for (uint32_t i = 0; filled && i < map->init_count; i++, at += map->view.key_size + size) {
        for (size_t cpu = 0; cpu < cpus; cpu++) memcpy(values + cpu * stride, at + map->view.key_size, size);
        pst_bpf_attr attr = {.map_fd = (uint32_t)fd, .key = address(at), .value = address(values)};
        filled = command(e, PST_BPF_MAP_UPDATE_ELEM, &attr) >= 0;
    }
    free(values);
    pst_bpf_attr freeze = {.map_fd = (uint32_t)fd};
    return filled && (!map->view.frozen || command(e, PST_BPF_MAP_FREEZE, &freeze) >= 0);
}

static int64_t create_map(engine_run *e, const verify_map *map)
{
    pst_bpf_attr attr = {.map_type = map->view.type, .key_size = map->view.key_size, .value_size = map->view.value_size,
                         .max_entries = map->view.max_entries, .map_flags = map->view.flags, .map_extra = map->view.map_extra};
    if (map->view.type == PST_MAP_PERF_EVENT_ARRAY && !attr.max_entries) attr.max_entries = pst_pal_cpu_count();
    int64_t inner = map->inner ? create_map(e, map->inner) : 0;
    if (inner < 0) return inner;
    attr.inner_map_fd = (uint32_t)inner;
    int64_t fd = command(e, PST_BPF_MAP_CREATE, &attr);
    if (map->inner) (void)pst_core_close(e->client, (int)inner);
    return fd >= 0 && !fill_map(e, map, (int)fd) ? -1 : fd;
}

// --- Loading -----------------------------------------------------------------------------------------------------------

static bool names_map(const pst_slot *slot)
{
    uint8_t src = slot->regs >> 4;
    return slot->opcode == 0x18 && (src == 1 || src == 2 || src == 5 || src == 6);
}

// Indices become descriptors.
static void name_by_fd(pst_slot *slots, uint32_t count, const int32_t *fds)
{
    for (uint32_t pc = 0; pc < count; pc += slots[pc].opcode == 0x18 ? 2 : 1) {
        if (!names_map(&slots[pc])) continue;
        uint8_t src = slots[pc].regs >> 4;
        slots[pc].imm = fds[slots[pc].imm];
        slots[pc].regs = (uint8_t)((slots[pc].regs & 15u) | (src == 1 || src == 5 ? 1u : 2u) << 4);
    }
}

static bool load_program(engine_run *e, const verify_subject *s, const int32_t *fds)
{
    pst_slot *slots = malloc(s->count * sizeof *slots);
    if (!slots) return false;
    memcpy(slots, s->slots, s->count * sizeof *slots);
    name_by_fd(slots, s->count, fds);
    pst_bpf_attr attr = {.prog_type = s->prog_type, .insn_cnt = s->count, .insns = address(slots), .license = address(s->license),
                         .expected_attach_type = s->attach_type};
    if (s->sleepable) attr.prog_flags |= PST_F_SLEEPABLE;
    if (s->flags & PST_VERIFY_STRICT_ALIGNMENT) attr.prog_flags |= PST_F_STRICT_ALIGNMENT;
    if (s->flags & PST_VERIFY_ANY_ALIGNMENT) attr.prog_flags |= PST_F_ANY_ALIGNMENT;
    e->prog_fd = (int)command(e, PST_BPF_PROG_LOAD, &attr);
    free(slots);
    return e->prog_fd >= 0;
}

static bool prepare(engine_run *e, const verify_subject *s, const pst_verdict *proof, pst_engine engine)
{
    pst_core *core = api_core();
    (void)pst_format(e->why, sizeof e->why, "no memory");
    e->results = calloc(s->run_count, sizeof *e->results);
    int32_t *fds = calloc(s->map_count + 1u, sizeof *fds);
    bool ready = e->results && fds && core && pst_client_create(core, &e->client) == PST_OK;
    for (uint32_t i = 0; ready && i < s->map_count; i++) {
        fds[i] = (int32_t)create_map(e, s->maps[i]);
        ready = fds[i] >= 0;
    }
    ready = ready && load_program(e, s, fds);
    free(fds);
    if (!ready) return false;
    pst_status status = pst_core_use_engine(e->client, e->prog_fd, engine, &proof->facts);
    e->absent = status == PST_E_UNSUPPORTED;
    if (status != PST_OK) (void)pst_format(e->why, sizeof e->why, "%s", pst_status_text(status));
    return status == PST_OK;
}

static void run_one(engine_run *e, const verify_data *data, run_result *result)
{
    uint32_t room = data->size + OUT_ROOM;
    uint8_t *out = calloc(1, room);
    pst_bpf_attr attr = {.test = {.prog_fd = (uint32_t)e->prog_fd, .data_in = address(data->size ? data->bytes : NULL), .data_size_in = data->size,
                                  .data_out = data->size ? address(out) : 0, .data_size_out = data->size && out ? room : 0}};
    result->failed = !out || command(e, PST_BPF_PROG_TEST_RUN, &attr) < 0;
    if (result->failed) (void)pst_format(result->why, sizeof result->why, "%s", out ? e->why : "no memory");
    result->retval = attr.test.retval;
    uint32_t size = attr.test.data_size_out < room ? attr.test.data_size_out : room;
    if (!result->failed && data->size) result->out_hash = pst_hash_plain(out, size) ^ size;
    free(out);
}

// --- Comparing ---------------------------------------------------------------------------------------------------------

// Chance, clocks, and which CPU or task it is.
static bool is_repeatable(const pst_image *image)
{
    static const int64_t ids[] = {5, 7, 8, 14, 15, 16, 35, 42, 118, 125, 158, 160, 208};
    for (uint32_t pc = 0; pc < image->count; pc++) {
        const pst_insn *insn = &image->insns[pc];
        if (insn->kind != PST_KIND_CALL || insn->op != PST_CALL_HELPER) continue;
        for (size_t i = 0; i < PST_COUNT(ids); i++)
            if (insn->imm == ids[i]) return false;
    }
    return true;
}

static void result_json(pst_json *json, const run_result *result)
{
    if (result->failed) {
        pst_json_key(json, "error");
        pst_json_string(json, result->why);
    } else {
        pst_json_key(json, "retval");
        pst_json_u64(json, result->retval);
    }
}

// One that is stopped and one that is not never agree.
static bool same(const run_result *a, const run_result *b, bool repeatable)
{
    if (a->failed || b->failed) return a->failed == b->failed;
    return !repeatable || (a->retval == b->retval && a->out_hash == b->out_hash);
}

static void disagree_json(pst_json *json, const engine_run *engines, uint32_t run)
{
    for (int i = 0; i < PST_ENGINE_COUNT; i++) {
        if (!engines[i].results || engines[i].absent) continue;
        pst_json_object_begin(json);
        pst_json_key(json, "run");
        pst_json_u64(json, run);
        pst_json_key(json, "engine");
        pst_json_string(json, pst_engine_name((pst_engine)i));
        result_json(json, &engines[i].results[run]);
        pst_json_object_end(json);
    }
}

static bool compare(pst_json *json, const engine_run *engines, uint32_t run_count, bool repeatable)
{
    bool agree = true;
    const engine_run *first = &engines[0];
    for (uint32_t run = 0; run < run_count; run++) {
        bool differs = false;
        for (int i = 1; i < PST_ENGINE_COUNT; i++)
            differs |= !engines[i].absent && !same(&first->results[run], &engines[i].results[run], repeatable);
        if (!differs) continue;
        if (agree) {
            pst_json_key(json, "disagree");
            pst_json_array_begin(json);
        }
        agree = false;
        disagree_json(json, engines, run);
    }
    if (!agree) pst_json_array_end(json);
    return agree;
}

static void runs_json(pst_json *json, const engine_run *engine, uint32_t run_count, const char *why)
{
    pst_json_key(json, "runs");
    pst_json_array_begin(json);
    for (uint32_t i = 0; i < run_count; i++) {
        run_result none = {.failed = true};
        if (why) (void)pst_format(none.why, sizeof none.why, "%s", why);
        pst_json_object_begin(json);
        result_json(json, why ? &none : &engine->results[i]);
        pst_json_object_end(json);
    }
    pst_json_array_end(json);
}

bool verify_run(const verify_subject *s, const verify_answer *answer, pst_json *json)
{
    engine_run engines[PST_ENGINE_COUNT] = {0};
    const char *why = pst_prog_type_hosted(pst_prog_type_by_number(s->prog_type)) ? NULL : "nothing here runs programs of this type";
    bool agree = true;
    for (int i = 0; !why && i < PST_ENGINE_COUNT; i++) {
        engine_run *e = &engines[i];
        if (!prepare(e, s, answer->proved, (pst_engine)i)) {
            if (!e->absent || i == 0) why = e->why;
            continue;
        }
        for (uint32_t run = 0; run < s->run_count; run++) run_one(e, &s->runs[run], &e->results[run]);
    }
    runs_json(json, &engines[0], s->run_count, why);
    if (!why) agree = compare(json, engines, s->run_count, is_repeatable(answer->image));
    for (int i = 0; i < PST_ENGINE_COUNT; i++) {
        if (engines[i].client) pst_client_free(engines[i].client);
        free(engines[i].results);
    }
    return agree;
}
