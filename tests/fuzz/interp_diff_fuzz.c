// interp_diff_fuzz.c: the bytes choose a program that stays in its memory (tests/diff/program_gen.c, included here so that the target needs
// nothing beyond the modules): the fast interpreter must do what the checked one does.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../diff/program_gen.c"

#include "interp/code.h"
#include "jit/blob.h"
#include "pal/pal.h"

static uint64_t first_argument(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5, pst_run *run)
{
    (void)r2, (void)r3, (void)r4, (void)r5, (void)run;
    return r1;
}

static const pst_helper *find_helper(void *user, int32_t id)
{
    static const pst_helper_proto proto = {.id = 5, .name = "first_argument", .ret = PST_RET_INTEGER, .args = {PST_ARG_ANYTHING}};
    static const pst_helper helper = {.proto = &proto, .fn = first_argument};
    (void)user;
    return id == 5 ? &helper : NULL;
}

static PST_ALIGNED(16) uint8_t g_mem[GEN_MEM_SIZE], g_want[GEN_MEM_SIZE];

static uint64_t run_in(pst_exec *exec)
{
    pst_run run = {.budget = 1000000};
    if (!exec) abort();
    for (unsigned i = 0; i < GEN_MEM_SIZE; i++) g_mem[i] = (uint8_t)(i * 41 + 7);
    uint64_t r0 = pst_exec_run_raw(exec, (pst_raw_memory){g_mem, sizeof g_mem}, &run);
    if (run.trap.code != PST_TRAP_NONE) abort();
    exec->free(exec);
    return r0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t nothing[1];
    static pst_slot slots[GEN_SLOTS_MAX];
    const pst_bindings bindings = {.find_helper = find_helper};
    gen_source source = {.bytes = size ? data : nothing, .size = size};
    pst_image_input input = {.size = sizeof input, .slots = slots, .count = (uint32_t)gen_program(&source, slots)};
    pst_image *image = NULL;
    pst_exec *exec = NULL;
    if (pst_image_build(pst_pal_env(), &input, NULL, &image) != PST_OK) abort();
    if (pst_checked_create(pst_pal_env(), image, &bindings, &exec) != PST_OK) abort();
    uint64_t want = run_in(exec);
    memcpy(g_want, g_mem, sizeof g_want);
    if (pst_interp_create(pst_pal_env(), image, &bindings, NULL, &exec) != PST_OK) abort();
    if (run_in(exec) != want || memcmp(g_mem, g_want, sizeof g_mem) != 0) abort();
    if (fast_create(pst_pal_env(), image, &bindings, NULL, fast_loop_switch, &exec) != PST_OK) abort();
    if (run_in(exec) != want || memcmp(g_mem, g_want, sizeof g_mem) != 0) abort();
    for (int way = 0; way < 3 && pst_jit_supported(); way++) {
        if (way == 2 && !pst_jit_target_supported(pst_jit_target_of_host())) continue;
        const pst_jit_opts opts = {.size = sizeof opts, .plain_machine = way == 1, .by_blob = way == 2};
        if (pst_jit_create(pst_pal_env(), image, &bindings, NULL, &opts, &exec) != PST_OK) abort();
        if (run_in(exec) != want || memcmp(g_mem, g_want, sizeof g_mem) != 0) abort();
    }
    pst_image_free(image);
    return 0;
}
