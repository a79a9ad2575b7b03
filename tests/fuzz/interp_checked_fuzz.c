// interp_checked_fuzz.c: any bytes as a program in the checked interpreter, with maps, a packet and helpers within reach: it may trap, it
// may not crash, loop, or touch what is not its own.
//
// Input: 2 bytes choose the packet's size, then slots.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "catalog/contexts.h"
#include "interp/interp.h"
#include "pal/pal.h"

#define SLOTS_MAX 512
#define BUDGET 5000
#define GUARD 32
#define PACKET_MAX 128
#define VALUE_SIZE 16
#define VALUES 4

static void quiet(void *user, pst_log_level level, const char *text)
{
    (void)user, (void)level, (void)text;
}

static uint8_t *g_values; // on the heap, so that a sanitizer sees the byte behind them
static pst_map_view g_maps[] = {
    {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = VALUE_SIZE, .max_entries = VALUES, .id = 1, .value_stride = VALUE_SIZE},
    {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = VALUE_SIZE, .max_entries = 1, .id = 2, .value_stride = VALUE_SIZE, .flags = PST_F_RDONLY_PROG, .frozen = true},
    {.type = PST_MAP_HASH_OF_MAPS, .key_size = 4, .value_size = 4, .max_entries = 1, .id = 3, .inner = &g_maps[0]},
    {.type = PST_MAP_RINGBUF, .max_entries = 4096, .id = 4},
    {.type = PST_MAP_PROG_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 4, .id = 5},
};
static const pst_exec *g_self;
static void *g_records[PST_CHECKED_REGIONS_MAX + 1]; // reserved and not submitted

static pst_map_view *find_map(void *user, pst_imm64_op op, int32_t number)
{
    (void)user, (void)op;
    return &g_maps[(uint32_t)number % PST_COUNT(g_maps)];
}

#define HELPER(name) static uint64_t name(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5, pst_run *run)
#define UNUSED() ((void)r1, (void)r2, (void)r3, (void)r4, (void)r5, (void)run)
#define POINTER(type, r) ((type *)(uintptr_t)(r))

HELPER(do_lookup)
{
    UNUSED();
    const pst_map_view *map = POINTER(const pst_map_view, r1);
    uint32_t key = map->key_size == 4 ? pst_load32(POINTER(void, r2)) : 0;
    if (map->inner) return (uint64_t)(uintptr_t)map->inner;
    return map->values ? (uint64_t)(uintptr_t)(map->values + key % map->max_entries * map->value_stride) : 0;
}

// Uses all bytes that the prototype promises.
static uint64_t read_all(uint64_t address, uint64_t size)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < size; i++) sum += POINTER(const uint8_t, address)[i];
    return sum;
}

HELPER(do_update)
{
    UNUSED();
    const pst_map_view *map = POINTER(const pst_map_view, r1);
    return read_all(r2, map->key_size) + read_all(r3, map->value_size);
}

HELPER(do_sum) { UNUSED(); return read_all(r1, r2); }
HELPER(do_length) { UNUSED(); return strlen(POINTER(const char, r1)); }
HELPER(do_ctx) { UNUSED(); return ((const pst_sample_ctx *)(uintptr_t)r1)->u32_ro; }

HELPER(do_fill)
{
    UNUSED();
    if (r2) memset(POINTER(void, r1), 0x5a, (size_t)r2);
    return 0;
}

HELPER(do_reserve)
{
    UNUSED();
    if (r2 > 256) return 0;
    for (size_t i = 0; i < PST_COUNT(g_records); i++) {
        if (g_records[i]) continue;
        g_records[i] = calloc(1, r2 ? (size_t)r2 : 1);
        return (uint64_t)(uintptr_t)g_records[i];
    }
    abort(); // more references than the interpreter allows
}

HELPER(do_submit)
{
    UNUSED();
    for (size_t i = 0; i < PST_COUNT(g_records); i++) {
        if (!g_records[i] || (uint64_t)(uintptr_t)g_records[i] != r1) continue;
        free(g_records[i]);
        g_records[i] = NULL;
        return 0;
    }
    abort(); // not reserved
}

HELPER(do_adjust)
{
    UNUSED();
    pst_sample_ctx *ctx = run->ctx;
    int64_t delta = (int32_t)(uint32_t)r2;
    if (delta > ctx->data_end - ctx->data || delta < ctx->hard_start - ctx->data) return UINT64_MAX;
    ctx->data += delta;
    ctx->data_meta = ctx->data;
    return 0;
}

HELPER(do_nothing) { UNUSED(); return r1; }
HELPER(do_can_read) { UNUSED(); return run->can_read && run->can_read(run, r1, r2) ? read_all(r1, r2) : 0; }

typedef struct fuzz_helper {
    pst_helper_proto proto;
    pst_helper_fn fn;
} fuzz_helper;

#define ARGS(...) {__VA_ARGS__}
#define H(number, text, result, arguments, bits, maps, size, function)                                                       \
    {{.id = (number), .name = (text), .ret = (result), .args = arguments, .flags = (bits), .map_types = (maps), .ret_size = (size)}, (function)}
static const fuzz_helper g_helpers[] = {
    H(0, "lookup", PST_RET_MAP_VALUE_OR_NULL, ARGS(PST_ARG_MAP, PST_ARG_MAP_KEY), 0, 0, 0, do_lookup),
    H(0, "update", PST_RET_INTEGER, ARGS(PST_ARG_MAP, PST_ARG_MAP_KEY, PST_ARG_MAP_VALUE), 0, 0, 0, do_update),
    H(0, "tail_call", PST_RET_VOID, ARGS(PST_ARG_CTX, PST_ARG_MAP, PST_ARG_ANYTHING), PST_HELPER_TAIL_CALL, 1u << PST_MAP_PROG_ARRAY, 0, NULL),
    H(0, "sum", PST_RET_INTEGER, ARGS(PST_ARG_MEM_OR_NULL, PST_ARG_SIZE_OR_ZERO), 0, 0, 0, do_sum),
    H(0, "fill", PST_RET_INTEGER, ARGS(PST_ARG_MEM_OUT, PST_ARG_SIZE_OR_ZERO), 0, 0, 0, do_fill),
    H(0, "length", PST_RET_INTEGER, ARGS(PST_ARG_STRING), 0, 0, 0, do_length),
    H(0, "ctx", PST_RET_INTEGER, ARGS(PST_ARG_CTX), 0, 0, 0, do_ctx),
    H(0, "reserve", PST_RET_ALLOC_OR_NULL, ARGS(PST_ARG_MAP, PST_ARG_ALLOC_SIZE), PST_HELPER_ACQUIRES, 1u << PST_MAP_RINGBUF, 0, do_reserve),
    H(0, "submit", PST_RET_VOID, ARGS(PST_ARG_ALLOCATED), PST_HELPER_RELEASES, 0, 0, do_submit),
    H(0, "adjust", PST_RET_INTEGER, ARGS(PST_ARG_CTX, PST_ARG_ANYTHING), PST_HELPER_CHANGES_PACKET, 0, 0, do_adjust),
    H(0, "lock", PST_RET_VOID, ARGS(PST_ARG_SPIN_LOCK), PST_HELPER_LOCK, 0, 0, do_nothing),
    H(0, "unlock", PST_RET_VOID, ARGS(PST_ARG_SPIN_LOCK), PST_HELPER_UNLOCK, 0, 0, do_nothing),
    H(0, "can_read", PST_RET_INTEGER, ARGS(PST_ARG_ANYTHING, PST_ARG_ANYTHING), 0, 0, 0, do_can_read),
};

static const pst_helper *find_helper(void *user, int32_t id)
{
    static pst_helper found[PST_COUNT(g_helpers)];
    size_t i = (uint32_t)id % PST_COUNT(g_helpers);
    (void)user;
    found[i] = (pst_helper){&g_helpers[i].proto, g_helpers[i].fn};
    return &found[i];
}

static const pst_exec *tail_target(void *map_view, uint32_t index)
{
    if (((const pst_map_view *)map_view)->type != PST_MAP_PROG_ARRAY) abort();
    return index % 2 ? g_self : NULL;
}

static void run_program(const pst_exec *exec, const pst_image *image, size_t packet_size)
{
    uint8_t *frame = calloc(1, GUARD + packet_size);
    pst_sample_ctx *ctx = calloc(1, sizeof *ctx);
    if (!frame || !ctx) abort();
    ctx->hard_start = frame;
    ctx->data = ctx->data_meta = frame + GUARD;
    ctx->data_end = ctx->hard_end = frame + GUARD + packet_size;
    pst_run run = {.ctx = ctx, .budget = BUDGET};
    uint64_t r0 = pst_exec_run(exec, &run);
    if (run.insn_count > BUDGET || (run.trap.code != PST_TRAP_NONE && r0 != 0)) abort();
    bool held = false;
    for (size_t i = 0; i < PST_COUNT(g_records); i++) {
        held |= g_records[i] != NULL;
        free(g_records[i]);
        g_records[i] = NULL;
    }
    if (held && run.trap.code == PST_TRAP_NONE) abort(); // a record was leaked
    if (run.trap.code != PST_TRAP_NONE) {
        pst_text text;
        pst_text_init(&text, pst_pal_env());
        pst_trap_describe(&text, image, &run.trap);
        if (!strstr(pst_text_cstr(&text), "stopped at instruction")) abort();
        pst_text_free(&text);
    }
    free(frame);
    free(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static pst_slot slots[SLOTS_MAX];
    if (size < 2) return 0;
    size_t packet_size = data[0] % PACKET_MAX, count = (size - 2) / sizeof *slots;
    if (count > SLOTS_MAX) count = SLOTS_MAX;
    memcpy(slots, data + 2, count * sizeof *slots);
    g_values = calloc(VALUES, VALUE_SIZE);
    if (!g_values) abort();
    g_maps[0].values = g_maps[1].values = g_values;

    const pst_env env = {.resize = pst_pal_env()->resize, .log = quiet};
    const pst_bindings bindings = {.type = pst_prog_type_by_name("sample"), .find_helper = find_helper, .tail_target = tail_target};
    pst_image_input input = {.size = sizeof input, .name = "fuzz", .slots = slots, .count = (uint32_t)count, .find_map = find_map};
    pst_image_error error;
    pst_image *image = NULL;
    pst_exec *exec = NULL;
    if (pst_image_build(&env, &input, &error, &image) == PST_OK) {
        if (pst_checked_create(&env, image, &bindings, &exec) == PST_OK) {
            g_self = exec;
            run_program(exec, image, packet_size);
            exec->free(exec);
        }
    } else if (count > 0 && (error.text[0] == 0 || error.pc >= count)) {
        abort();
    }
    pst_image_free(image);
    free(g_values);
    return 0;
}
