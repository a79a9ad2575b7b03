// interp_fixture.c: see interp_fixture.h.
#include "interp_fixture.h"

#include "base/bits.h"
#include "harness.h"
#include "jit/blob.h"
#include "pal/pal.h"

fixture_world g_world;

static PST_ALIGNED(16) uint8_t g_array_values[4 * 16], g_text_values[32], g_write_values[16];
static uint64_t g_hash_values[200];
static PST_ALIGNED(16) uint8_t g_records[128][64];
static PST_ALIGNED(16) uint8_t g_fixed[8];

static pst_map_view g_maps[] = {
    {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 4, .id = 1, .values = g_array_values, .value_stride = 16},
    {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 32, .max_entries = 1, .id = 2, .values = g_text_values, .value_stride = 32,
     .flags = PST_F_RDONLY_PROG, .frozen = true},
    {.type = PST_MAP_HASH, .key_size = 4, .value_size = 8, .max_entries = 200, .id = 3},
    {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 1, .id = 4, .values = g_write_values, .value_stride = 16,
     .flags = PST_F_WRONLY_PROG},
    {.type = PST_MAP_HASH_OF_MAPS, .key_size = 4, .value_size = 4, .max_entries = 1, .id = 5, .inner = &g_maps[7]},
    {.type = PST_MAP_RINGBUF, .max_entries = 4096, .id = 6},
    {.type = PST_MAP_PROG_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 8, .id = 7},
    // Found only as the value of map 5.
    {.type = PST_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 4, .id = 8, .values = g_array_values, .value_stride = 16},
};

uint64_t *fixture_value(int32_t map, unsigned index)
{
    if (map == 3) return &g_hash_values[index];
    const pst_map_view *view = &g_maps[map - 1];
    return (uint64_t *)(void *)(view->values + (size_t)index * view->value_stride);
}

// --- Helpers --------------------------------------------------------------------------------------------------

#define HELPER(name) \
    static uint64_t name(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5, pst_run *run)
#define POINTER(type, r) ((type *)(uintptr_t)(r))
#define COUNT_CALL() ((void)r1, (void)r2, (void)r3, (void)r4, (void)r5, (void)run, g_world.calls++)

HELPER(do_lookup)
{
    COUNT_CALL();
    const pst_map_view *map = POINTER(const pst_map_view, r1);
    uint32_t key = pst_load32(POINTER(void, r2));
    if (key >= map->max_entries) return 0;
    if (map->inner) return (uint64_t)(uintptr_t)map->inner;
    return (uint64_t)(uintptr_t)(map->values ? map->values + (size_t)key * map->value_stride : (uint8_t *)&g_hash_values[key]);
}

HELPER(do_update)
{
    COUNT_CALL();
    memcpy(&g_world.seen, POINTER(void, r3), 8);
    return 0;
}

HELPER(do_nothing)
{
    COUNT_CALL();
    return r1;
}

HELPER(do_sum)
{
    COUNT_CALL();
    uint64_t sum = 0;
    for (uint64_t i = 0; i < r2; i++) sum += POINTER(uint8_t, r1)[i];
    return sum;
}

HELPER(do_fill)
{
    COUNT_CALL();
    memset(POINTER(void, r1), 0x5a, (size_t)r2);
    return 0;
}

HELPER(do_reserve)
{
    COUNT_CALL();
    static unsigned next;
    return r3 ? 0 : (uint64_t)(uintptr_t)g_records[next++ % PST_COUNT(g_records)];
}

HELPER(do_length)
{
    COUNT_CALL();
    return strlen(POINTER(const char, r1));
}

HELPER(do_store_int)
{
    COUNT_CALL();
    pst_store32(POINTER(void, r1), 7);
    return 0;
}

HELPER(do_store_long)
{
    COUNT_CALL();
    pst_store64(POINTER(void, r1), 7);
    return 0;
}

HELPER(do_ctx)
{
    COUNT_CALL();
    g_world.seen = r1;
    return r1 == (uint64_t)(uintptr_t)run->ctx;
}

HELPER(do_sock)
{
    COUNT_CALL();
    static int sock;
    return r1 ? (uint64_t)(uintptr_t)&sock : 0;
}

HELPER(do_adjust)
{
    COUNT_CALL();
    pst_sample_ctx *ctx = run->ctx;
    ctx->data += (int64_t)r2;
    ctx->data_meta = ctx->data;
    return 0;
}

HELPER(do_fixed)
{
    COUNT_CALL();
    return (uint64_t)(uintptr_t)g_fixed;
}

// The sum of what r1 callbacks with (index, r3) return.
HELPER(do_loop)
{
    COUNT_CALL();
    uint64_t sum = 0;
    for (uint64_t i = 0; i < r1; i++) {
        sum += run->call_back(run, r2, (uint64_t[PST_ARGS_MAX]){i, r3});
        if (run->trap.code != PST_TRAP_NONE) return 0;
    }
    return sum;
}

// Calls back with (map, key, value, r3) for the first element.
HELPER(do_walk)
{
    COUNT_CALL();
    uint32_t key = 0;
    return run->call_back(run, r2, (uint64_t[PST_ARGS_MAX]){r1, (uint64_t)(uintptr_t)&key, do_lookup(r1, (uint64_t)(uintptr_t)&key, 0, 0, 0, run), r3});
}

HELPER(do_can_read)
{
    COUNT_CALL();
    return run->can_read ? run->can_read(run, r1, r2) : 2;
}

typedef struct fixture_helper {
    pst_helper_proto proto;
    pst_helper_fn fn;
} fixture_helper;

#define ARGS(...) {__VA_ARGS__}
#define H(number, text, result, arguments, bits, maps, size, function)                                                       \
    {{.id = (number), .name = (text), .ret = (result), .args = arguments, .flags = (bits), .map_types = (maps), .ret_size = (size)}, (function)}
static const fixture_helper g_helpers[] = {
    H(1, "lookup", PST_RET_MAP_VALUE_OR_NULL, ARGS(PST_ARG_MAP, PST_ARG_MAP_KEY), 0, 0, 0, do_lookup),
    H(2, "update", PST_RET_INTEGER, ARGS(PST_ARG_MAP, PST_ARG_MAP_KEY, PST_ARG_MAP_VALUE, PST_ARG_ANYTHING), 0, 0, 0, do_update),
    H(12, "tail_call", PST_RET_VOID, ARGS(PST_ARG_CTX, PST_ARG_MAP, PST_ARG_ANYTHING), PST_HELPER_TAIL_CALL, 1u << PST_MAP_PROG_ARRAY, 0, NULL),
    H(20, "sum", PST_RET_INTEGER, ARGS(PST_ARG_MEM, PST_ARG_SIZE), 0, 0, 0, do_sum),
    H(21, "sum_or_null", PST_RET_INTEGER, ARGS(PST_ARG_MEM_OR_NULL, PST_ARG_SIZE_OR_ZERO), 0, 0, 0, do_sum),
    H(22, "fill", PST_RET_INTEGER, ARGS(PST_ARG_MEM_OUT, PST_ARG_SIZE), 0, 0, 0, do_fill),
    H(23, "reserve", PST_RET_ALLOC_OR_NULL, ARGS(PST_ARG_MAP, PST_ARG_ALLOC_SIZE, PST_ARG_ANYTHING), PST_HELPER_ACQUIRES, 1u << PST_MAP_RINGBUF, 0, do_reserve),
    H(24, "submit", PST_RET_VOID, ARGS(PST_ARG_ALLOCATED, PST_ARG_ANYTHING), PST_HELPER_RELEASES, 0, 0, do_nothing),
    H(25, "length", PST_RET_INTEGER, ARGS(PST_ARG_STRING), 0, 0, 0, do_length),
    H(26, "int_out", PST_RET_INTEGER, ARGS(PST_ARG_INT_OUT), 0, 0, 0, do_store_int),
    H(27, "long_out", PST_RET_INTEGER, ARGS(PST_ARG_LONG_OUT), 0, 0, 0, do_store_long),
    H(28, "ctx", PST_RET_INTEGER, ARGS(PST_ARG_CTX), 0, 0, 0, do_ctx),
    H(29, "lock", PST_RET_VOID, ARGS(PST_ARG_SPIN_LOCK), PST_HELPER_LOCK, 0, 0, do_nothing),
    H(30, "unlock", PST_RET_VOID, ARGS(PST_ARG_SPIN_LOCK), PST_HELPER_UNLOCK, 0, 0, do_nothing),
    H(31, "sock_find", PST_RET_SOCK_OR_NULL, ARGS(PST_ARG_ANYTHING), PST_HELPER_ACQUIRES, 0, 0, do_sock),
    H(32, "sock_release", PST_RET_INTEGER, ARGS(PST_ARG_SOCK), PST_HELPER_RELEASES, 0, 0, do_nothing),
    H(33, "sock_use", PST_RET_INTEGER, ARGS(PST_ARG_SOCK_OR_NULL), 0, 0, 0, do_nothing),
    H(34, "adjust", PST_RET_INTEGER, ARGS(PST_ARG_CTX, PST_ARG_ANYTHING), PST_HELPER_CHANGES_PACKET, 0, 0, do_adjust),
    H(35, "func", PST_RET_INTEGER, ARGS(PST_ARG_FUNC), 0, 0, 0, do_nothing),
    H(36, "stack_or_null", PST_RET_INTEGER, ARGS(PST_ARG_STACK_OR_NULL), 0, 0, 0, do_nothing),
    H(37, "dynptr", PST_RET_INTEGER, ARGS(PST_ARG_DYNPTR), 0, 0, 0, do_nothing),
    H(38, "value_out", PST_RET_INTEGER, ARGS(PST_ARG_MAP, PST_ARG_MAP_VALUE_OUT), 0, 0, 0, do_nothing),
    H(39, "described_only", PST_RET_INTEGER, ARGS(PST_ARG_NONE), 0, 0, 0, NULL),
    H(40, "header", PST_RET_INTEGER, ARGS(PST_ARG_MEM_20), 0, 0, 0, do_nothing),
    H(41, "fixed", PST_RET_MEM, ARGS(PST_ARG_NONE), 0, 0, sizeof g_fixed, do_fixed),
    H(42, "loop", PST_RET_INTEGER, ARGS(PST_ARG_ANYTHING, PST_ARG_FUNC, PST_ARG_ANYTHING), PST_HELPER_CALLBACK, 0, 0, do_loop),
    H(49, "walk", PST_RET_INTEGER, ARGS(PST_ARG_MAP, PST_ARG_FUNC, PST_ARG_ANYTHING), PST_HELPER_CALLBACK, 0, 0, do_walk),
    H(43, "print_if_readable", PST_RET_INTEGER, ARGS(PST_ARG_ANYTHING, PST_ARG_ANYTHING), 0, 0, 0, do_can_read),
    H(44, "ctx_or_null", PST_RET_INTEGER, ARGS(PST_ARG_CTX_OR_NULL), 0, 0, 0, do_ctx),
    H(45, "timer", PST_RET_INTEGER, ARGS(PST_ARG_TIMER), 0, 0, 0, do_nothing),
    H(46, "key_without_map", PST_RET_INTEGER, ARGS(PST_ARG_MAP_KEY), 0, 0, 0, do_nothing),
    H(47, "size_is_missing", PST_RET_INTEGER, ARGS(PST_ARG_ANYTHING, PST_ARG_ANYTHING, PST_ARG_ANYTHING, PST_ARG_ANYTHING, PST_ARG_MEM), 0, 0, 0, do_nothing),
    H(48, "first", PST_RET_INTEGER, ARGS(PST_ARG_ANYTHING), 0, 0, 0, do_nothing),
};

static const pst_helper *find_helper(void *user, int32_t id)
{
    static pst_helper found[PST_COUNT(g_helpers)];
    (void)user;
    for (size_t i = 0; i < PST_COUNT(g_helpers); i++) {
        if (g_helpers[i].proto.id != id) continue;
        found[i] = (pst_helper){&g_helpers[i].proto, g_helpers[i].fn};
        return &found[i];
    }
    return NULL;
}

static const pst_exec *tail_target(void *map_view, uint32_t index)
{
    const pst_map_view *map = map_view;
    return map->id == 7 && index < PST_COUNT(g_world.targets) ? g_world.targets[index] : NULL;
}

const pst_bindings *fixture_bindings(void)
{
    static pst_bindings bindings;
    bindings = (pst_bindings){.type = pst_prog_type_by_name("sample"), .find_helper = find_helper, .tail_target = tail_target};
    return &bindings;
}

// --- Programs -------------------------------------------------------------------------------------------------

void fixture_reset(void)
{
    g_world = (fixture_world){0};
    for (unsigned i = 0; i < FIXTURE_PACKET; i++) g_world.frame[FIXTURE_HEADROOM + i] = (uint8_t)i;
    pst_sample_ctx *ctx = &g_world.ctx;
    ctx->hard_start = g_world.frame;
    ctx->hard_end = g_world.frame + sizeof g_world.frame;
    ctx->data = ctx->data_meta = g_world.frame + FIXTURE_HEADROOM;
    ctx->data_end = ctx->data + FIXTURE_PACKET;
    ctx->u64_rw = 0x1122334455667788;
    ctx->u32_rw = 0x99aabbcc;
    ctx->u16_rw = 0xddee;
    ctx->u8_rw = 0xff;
    ctx->u32_ro = 0x80000001;
    ctx->u64_ro = 0xfedcba9876543210;
    memset(g_array_values, 0, sizeof g_array_values);
    memset(g_text_values, 'x', sizeof g_text_values);
    memcpy(g_text_values, "text", 5);
    memset(g_hash_values, 0, sizeof g_hash_values);
}

static pst_map_view *find_map(void *user, pst_imm64_op op, int32_t number)
{
    (void)user, (void)op;
    return number >= 1 && number <= 7 ? &g_maps[number - 1] : NULL;
}

pst_image *fixture_image(const char *text)
{
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error why = {0};
    pst_image_error error = {0};
    pst_image *image = NULL;
    if (pst_assemble(pst_pal_env(), text, &slots, &count, &why) != PST_OK) {
        pst_test_fail(__FILE__, __LINE__, "\"%s\", line %u: %s", text, why.line, why.text);
        return NULL;
    }
    pst_image_input input = {.size = sizeof input, .name = "unit", .slots = slots, .count = (uint32_t)count, .find_map = find_map};
    if (pst_image_build(pst_pal_env(), &input, &error, &image) != PST_OK)
        pst_test_fail(__FILE__, __LINE__, "\"%s\": %s", text, error.text);
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    return image;
}

const char *const fixture_engine_names[FIXTURE_ENGINES] = {"fast", "switch", "checked", "jit", "jit for the oldest machine", "jit with all hardening", "jit by a blob"};

fixture_engine fixture_engine_count(void)
{
    if (!pst_jit_supported()) return FIXTURE_JIT;
    return pst_jit_target_supported(pst_jit_target_of_host()) ? FIXTURE_ENGINES : FIXTURE_JIT_BLOB;
}

pst_status fixture_create(fixture_engine engine, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts, pst_exec **out)
{
    const pst_interp_opts interp = {.size = sizeof interp, .meter_turns = FIXTURE_TURNS, .waits = engine == FIXTURE_SWITCH};
    const pst_jit_opts opts = {.size = sizeof opts,
                               .meter_turns = FIXTURE_TURNS,
                               .plain_machine = engine == FIXTURE_JIT_PLAIN,
                               .by_blob = engine == FIXTURE_JIT_BLOB,
                               .harden = engine == FIXTURE_JIT_HARD ? PST_JIT_BLIND | PST_JIT_PLACE | PST_JIT_MASK : 0};
    switch (engine) {
    case FIXTURE_FAST: return fast_create_with(pst_pal_env(), image, bindings, facts, &interp, fast_loop, out);
    case FIXTURE_SWITCH: return fast_create_with(pst_pal_env(), image, bindings, facts, &interp, fast_loop_switch, out);
    case FIXTURE_JIT:
    case FIXTURE_JIT_PLAIN:
    case FIXTURE_JIT_BLOB:
    case FIXTURE_JIT_HARD: return pst_jit_create(pst_pal_env(), image, bindings, facts, &opts, out);
    case FIXTURE_CHECKED:
    case FIXTURE_ENGINES: break;
    }
    return pst_checked_create_with(pst_pal_env(), image, bindings, facts, &interp, out);
}

pst_exec *fixture_make(fixture_engine engine, const char *text, const pst_facts *facts)
{
    pst_image *image = fixture_image(text);
    pst_exec *exec = NULL;
    if (!image) return NULL;
    pst_status status = fixture_create(engine, image, fixture_bindings(), facts, &exec);
    if (status != PST_OK) {
        pst_test_fail(__FILE__, __LINE__, "\"%s\": %s", text, pst_status_text(status));
        pst_image_free(image);
        return NULL;
    }
    exec->owner = image;
    return exec;
}

void fixture_free(pst_exec *exec)
{
    if (!exec) return;
    pst_image *image = exec->owner;
    exec->free(exec);
    pst_image_free(image);
}

uint64_t fixture_run(fixture_engine engine, const char *text, pst_run *run)
{
    fixture_reset();
    *run = (pst_run){.ctx = &g_world.ctx};
    pst_exec *exec = fixture_make(engine, text, NULL);
    if (!exec) return 0;
    uint64_t r0 = pst_exec_run(exec, run);
    fixture_free(exec);
    return r0;
}
