// verify_runs.c: runs an accepted program of a line on the line's data, in every engine, and compares.
//
// Each engine gets a client of its own with fresh maps, so that none sees what another wrote; runs of one engine follow each other on the
// same maps. Results that chance or the clock may change are reported, not compared. A run that is stopped contradicts the proof.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/format.h"
#include "base/hash.h"
#include "cli/verify_engine.h"
#include "core/engines.h"
#include "pal/pal.h"

#define OUT_ROOM 4096u // a program may make a packet longer

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

static bool load_program(engine_run *e, const verify_subject *s, const int32_t *fds, int64_t btf)
{
    pst_slot *slots = malloc(s->count * sizeof *slots);
    if (!slots) return false;
    memcpy(slots, s->slots, s->count * sizeof *slots);
    name_by_fd(slots, s->count, fds);
    pst_bpf_attr attr = {.prog_type = s->prog_type, .insn_cnt = s->count, .insns = engine_address(slots), .license = engine_address(s->license),
                         .expected_attach_type = s->attach_type};
    if (btf >= 0) {
        attr.prog_btf_fd = (uint32_t)btf;
        attr.func_info = engine_address(s->funcs); // a pc and a type, as Linux has it
        attr.func_info_cnt = s->func_count;
        attr.func_info_rec_size = sizeof *s->funcs;
    }
    if (s->sleepable) attr.prog_flags |= PST_F_SLEEPABLE;
    if (s->flags & PST_VERIFY_STRICT_ALIGNMENT) attr.prog_flags |= PST_F_STRICT_ALIGNMENT;
    if (s->flags & PST_VERIFY_ANY_ALIGNMENT) attr.prog_flags |= PST_F_ANY_ALIGNMENT;
    e->prog_fd = (int)engine_command(e, PST_BPF_PROG_LOAD, &attr);
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
    int64_t btf = ready && s->func_count ? engine_load_btf(e, s->btf_bytes, s->btf_size) : -1;
    for (uint32_t i = 0; ready && i < s->map_count; i++) {
        fds[i] = (int32_t)engine_create_map(e, s, s->maps[i]);
        ready = fds[i] >= 0;
    }
    ready = ready && load_program(e, s, fds, btf);
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
    pst_bpf_attr attr = {.test = {.prog_fd = (uint32_t)e->prog_fd,
                                  .data_in = engine_address(data->size ? data->bytes : NULL),
                                  .data_size_in = data->size,
                                  .data_out = data->size ? engine_address(out) : 0, .data_size_out = data->size && out ? room : 0}};
    result->failed = !out || engine_command(e, PST_BPF_PROG_TEST_RUN, &attr) < 0;
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
