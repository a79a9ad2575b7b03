// jit_diff_test.c: random programs compiled in every combination of the compiler's options, against the checked interpreter: same r0, same memory.
//
// diff_test has more programs in the few combinations that hosts use. PST_DIFF_PROGRAMS=N in the environment takes so many instead of some hundreds,
// PST_DIFF_SEED=N begins there; scripts/fuzz does both.
#include "harness.h"
#include "program_gen.h"
#include "raw_program.h"

#include "jit/jit.h"

#define PROGRAMS (PST_TESTS_SLOW ? 256 : 2048)
#define COMBINATIONS 128u
#define OF_EACH 8u // combinations in which a program runs: after 16 programs each had its turn

static PST_ALIGNED(16) uint8_t g_start[GEN_MEM_SIZE], g_mem[GEN_MEM_SIZE], g_want[GEN_MEM_SIZE];

static pst_jit_opts options_of(unsigned combination)
{
    return (pst_jit_opts){.size = sizeof(pst_jit_opts),
                          .tier = combination & 1 ? PST_JIT_QUICK : PST_JIT_OPTIMISED,
                          .plain_machine = combination >> 1 & 1,
                          .by_blob = combination >> 2 & 1,
                          .harden = combination >> 3 & 7, // PST_JIT_BLIND, PST_JIT_PLACE, PST_JIT_MASK
                          .walkable = combination >> 6 & 1};
}

static void describe(unsigned combination, char *out, size_t size)
{
    pst_jit_opts o = options_of(combination);
    snprintf(out, size, "%s%s%s%s%s%s%s", o.tier == PST_JIT_QUICK ? "quick" : "optimised", o.plain_machine ? ", plain machine" : "",
             o.by_blob ? ", by blob" : "", o.harden & PST_JIT_BLIND ? ", blind" : "", o.harden & PST_JIT_PLACE ? ", place" : "",
             o.harden & PST_JIT_MASK ? ", mask" : "", o.walkable ? ", walkable" : "");
}

// What the last program has left in g_mem. False after a failed check.
static bool run_one(const char *what, const pst_jit_opts *opts, const pst_slot *slots, size_t count, uint64_t seed, uint64_t *r0)
{
    char error[256];
    raw_program program;
    pst_run run = {.budget = 10000000};
    bool made = opts ? raw_program_compile(&program, opts, slots, count, error, sizeof error) : raw_program_make(&program, RAW_CHECKED, slots, count, error, sizeof error);
    if (!made) pst_test_fail(__FILE__, __LINE__, "seed %" PRIu64 " (%s): %s", seed, what, error);
    memcpy(g_mem, g_start, sizeof g_mem);
    if (made) *r0 = pst_exec_run_raw(program.exec, (pst_raw_memory){g_mem, sizeof g_mem}, &run);
    raw_program_free(&program);
    if (run.trap.code != PST_TRAP_NONE)
        pst_test_fail(__FILE__, __LINE__, "seed %" PRIu64 " (%s): %s at %u", seed, what, pst_trap_text(run.trap.code), run.trap.pc);
    return made && run.trap.code == PST_TRAP_NONE;
}

TEST(random_programs_in_every_combination)
{
    static pst_slot slots[GEN_SLOTS_MAX];
    if (!pst_jit_supported()) {
        pst_test_skip("there is no compiler for this machine");
        return;
    }
    for (unsigned i = 0; i < GEN_MEM_SIZE; i++) g_start[i] = (uint8_t)(i * 41 + 7);
    const char *more = getenv("PST_DIFF_PROGRAMS"), *from = getenv("PST_DIFF_SEED");
    uint64_t first = from ? strtoull(from, NULL, 0) : 1, programs = more ? strtoull(more, NULL, 0) : PROGRAMS;
    for (uint64_t seed = first; seed < first + programs; seed++) {
        gen_source source = {.seed = (seed ^ 0x5bd1e995) * 0x9e3779b97f4a7c15u}; // other programs than diff_test's
        size_t count = gen_program(&source, slots);
        uint64_t want = 0, got = 0;
        if (!run_one("checked", NULL, slots, count, seed, &want)) continue;
        memcpy(g_want, g_mem, sizeof g_want);
        for (unsigned i = 0; i < OF_EACH; i++) {
            unsigned combination = (unsigned)((seed * OF_EACH + i) % COMBINATIONS);
            const pst_jit_opts opts = options_of(combination);
            char what[128];
            describe(combination, what, sizeof what);
            if (!run_one(what, &opts, slots, count, seed, &got)) continue;
            if (got != want || memcmp(g_mem, g_want, sizeof g_mem) != 0)
                pst_test_fail(__FILE__, __LINE__, "seed %" PRIu64 " (%s): r0 0x%" PRIx64 ", 0x%" PRIx64 " (checked)%s", seed, what, got, want,
                              got == want ? "; the memory differs" : "");
        }
    }
}
