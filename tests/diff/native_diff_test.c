// native_diff_test.c: random programs in a native module, written to a file that the system's loader maps, against the checked interpreter: same
// r0, same memory. PST_DIFF_PROGRAMS=N in the environment takes so many modules of MODULE_PROGRAMS programs, PST_DIFF_SEED=N begins there.
#include "harness.h"
#include "program_gen.h"
#include "raw_program.h"

#include "jit/native/module.h"
#include "pal/pal.h"

#define MODULES 4
#define MODULE_PROGRAMS 256u

static PST_ALIGNED(16) uint8_t g_start[GEN_MEM_SIZE], g_mem[GEN_MEM_SIZE], g_want[GEN_MEM_SIZE];
static raw_program g_programs[MODULE_PROGRAMS];

static uint64_t run_in(const pst_exec *exec, uint64_t seed)
{
    pst_run run = {.budget = 10000000};
    memcpy(g_mem, g_start, sizeof g_mem);
    uint64_t r0 = pst_exec_run_raw(exec, (pst_raw_memory){g_mem, sizeof g_mem}, &run);
    if (run.trap.code != PST_TRAP_NONE) pst_test_fail(__FILE__, __LINE__, "seed %" PRIu64 ": %s at %u", seed, pst_trap_text(run.trap.code), run.trap.pc);
    return r0;
}

static bool add(pst_native *native, uint64_t seed, const pst_bindings *bindings)
{
    static pst_slot slots[GEN_SLOTS_MAX];
    char error[256];
    gen_source source = {.seed = seed};
    size_t count = gen_program(&source, slots);
    raw_program *program = &g_programs[native->prog_count];
    if (!raw_program_make(program, RAW_CHECKED, slots, count, error, sizeof error)) {
        pst_test_fail(__FILE__, __LINE__, "seed %" PRIu64 ": %s", seed, error);
        return false;
    }
    pst_native_prog entry = {.name = "random", .section = "raw"};
    pst_slot *copy = pst_arena_alloc(&native->arena, count * sizeof *copy);
    if (!copy || pst_pal_sha256(slots, count * sizeof *slots, entry.bytecode_hash) != PST_OK) return false;
    memcpy(copy, slots, count * sizeof *copy);
    entry.slots = copy;
    pst_status status = pst_jit_compile(pst_pal_env(), program->image, bindings, NULL, NULL, (pst_jit_target)native->target, &entry.blob);
    CHECK_EQ(status, PST_OK);
    native->progs[native->prog_count++] = entry;
    return status == PST_OK;
}

static void compare(const pst_native *read, pst_module *module, uint64_t seed, const pst_bindings *bindings)
{
    const uint8_t *code = pst_pal_module_symbol(module, "postern_code");
    uint8_t *table = pst_pal_module_symbol(module, "postern_table");
    REQUIRE(code && table && read->prog_count == MODULE_PROGRAMS);
    for (uint32_t i = 0; i < read->prog_count; i++) {
        const pst_native_prog *prog = &read->progs[i];
        pst_exec *exec = NULL;
        pst_status status = pst_jit_adopt(pst_pal_env(), g_programs[i].image, bindings, prog->blob, code + prog->code_offset,
                                          (uint64_t *)(void *)(table + prog->table_offset), &exec);
        CHECK_EQ(status, PST_OK);
        if (status != PST_OK) continue;
        uint64_t want = run_in(g_programs[i].exec, seed + i);
        memcpy(g_want, g_mem, sizeof g_want);
        uint64_t got = run_in(exec, seed + i);
        if (got != want || memcmp(g_mem, g_want, sizeof g_mem) != 0)
            pst_test_fail(__FILE__, __LINE__, "seed %" PRIu64 ": r0 is 0x%" PRIx64 ", 0x%" PRIx64 " in the checked interpreter, or the memory differs", seed + i, got, want);
        exec->free(exec);
    }
}

static void check_module(uint64_t seed, const pst_bindings *bindings)
{
    bool windows = pst_jit_target_of_host() == PST_JIT_TARGET_X64_WINDOWS;
    char path[256];
    pst_text file;
    pst_native *read = NULL, *native = pst_native_create(pst_pal_env());
    pst_module *module = NULL;
    snprintf(path, sizeof path, "%s/native_diff_test.%llu%s", PST_BINARY_DIR, (unsigned long long)seed, windows ? ".dll" : ".so");
    pst_text_init(&file, pst_pal_env());
    REQUIRE(native && pst_native_reserve(native, 0, MODULE_PROGRAMS) == PST_OK);
    native->target = pst_jit_target_of_host();
    for (uint32_t i = 0; i < MODULE_PROGRAMS; i++) REQUIRE(add(native, seed + i, bindings));
    REQUIRE(pst_native_write(pst_pal_env(), native, windows ? PST_NATIVE_DLL : PST_NATIVE_ELF, &file) == PST_OK);
    REQUIRE(pst_pal_file_write(pst_pal_env(), path, file.data, file.size) == PST_OK);
    REQUIRE(pst_native_read(pst_pal_env(), file.data, file.size, &read) == PST_OK);
    if (pst_pal_module_open(pst_pal_env(), path, file.data, file.size, &module) == PST_OK) compare(read, module, seed, bindings);
    else pst_test_fail(__FILE__, __LINE__, "%s cannot be loaded", path);
    pst_pal_module_close(module);
    (void)remove(path);
    pst_native_free(read);
    pst_native_free(native);
    pst_text_free(&file);
    for (uint32_t i = 0; i < MODULE_PROGRAMS; i++) raw_program_free(&g_programs[i]);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

TEST(modules_of_random_programs_compute_what_the_checked_interpreter_computes)
{
    if (!pst_jit_target_supported(pst_jit_target_of_host())) {
        pst_test_skip("there is no ahead-of-time compiler for this machine");
        return;
    }
    uint64_t modules = setting("PST_DIFF_PROGRAMS", MODULES), seed = setting("PST_DIFF_SEED", 1);
    for (uint32_t i = 0; i < sizeof g_start; i++) g_start[i] = (uint8_t)(i * 37 + 11);
    for (uint64_t i = 0; i < modules; i++) check_module(seed + i * MODULE_PROGRAMS, &raw_bindings);
}
