// opt_plant_test.c: comparing optimised programs with what they come from finds mistakes of the optimiser. Each is planted in turn, at the place that OPT_PLANT
// marks in src/jit/opt, which this program has compiled anew with PST_OPT_PLANTED.
#include "harness.h"
#include "program_gen.h"
#include "raw_program.h"

#include "jit/jit.h"

#define PROGRAMS 4000u

int opt_planted; // 0: none

typedef struct plant {
    const char *what;
    bool compiled; // shows in machine code only
} plant;

static const plant plants[] = {
    {"nothing", false},
    {"an extended sign is forgotten in known bits", false},
    {"operations of 64 bits take what only 32 bits are known of", false},
    {"the second of two masks is dropped", false},
    {"> is decided where both may be equal", false},
    {"values with different constants are the same", false},
    {"a value of another path is used", false},
    {"stack bytes of several slots become registers", false},
    {"a choice is made the wrong way round", true},
    {"an atomic operation without result goes", false},
    {"calls are thought to keep r3", false},
    {"a phi takes the value of its first path", false},
    {"what a load gives is in nobody's way", false},
    {"what lives on the stack is not stored there", false},
    {"an inverted comparison is another one", false},
    {"a callee that is inlined has its caller's stack", false},
};

static bool run_one(raw_engine engine, const pst_slot *slots, size_t count, uint64_t *r0, uint8_t mem[GEN_MEM_SIZE])
{
    char error[256];
    raw_program program;
    pst_run run = {.budget = 1000000};
    for (unsigned i = 0; i < GEN_MEM_SIZE; i++) mem[i] = (uint8_t)(i * 41 + 7);
    bool made = raw_program_make(&program, engine, slots, count, error, sizeof error);
    if (made) *r0 = pst_exec_run_raw(program.exec, (pst_raw_memory){mem, GEN_MEM_SIZE}, &run);
    raw_program_free(&program);
    return made && run.trap.code == PST_TRAP_NONE;
}

// Whether one of the first programs shows a difference.
static bool shows(raw_engine engine, uint64_t programs)
{
    static pst_slot slots[GEN_SLOTS_MAX];
    static PST_ALIGNED(16) uint8_t want_mem[GEN_MEM_SIZE], mem[GEN_MEM_SIZE];
    for (uint64_t seed = 1; seed <= programs; seed++) {
        gen_source source = {.seed = seed * 0x9e3779b97f4a7c15u};
        size_t count = gen_program(&source, slots);
        uint64_t want = 0, got = 0;
        if (!run_one(RAW_CHECKED, slots, count, &want, want_mem)) continue;
        if (!run_one(engine, slots, count, &got, mem) || got != want || memcmp(mem, want_mem, sizeof mem) != 0) return true;
    }
    return false;
}

TEST(opt_plant_each_mistake_is_found)
{
    opt_planted = 0;
    CHECK(!shows(RAW_OPTIMISED, 200));
    for (opt_planted = 1; opt_planted < (int)PST_COUNT(plants); opt_planted++) {
        if (plants[opt_planted].compiled && !pst_jit_supported()) continue;
        if (!shows(plants[opt_planted].compiled ? RAW_JIT : RAW_OPTIMISED, PROGRAMS)) pst_test_fail(__FILE__, __LINE__, "nobody finds that %s", plants[opt_planted].what);
    }
    opt_planted = 0;
}
