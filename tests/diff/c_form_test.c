// c_form_test.c: programs in their C form, compiled by the system's compiler with warnings as errors: the public suite, and random programs against the
// checked interpreter.
#include "c_programs.h"
#include "harness.h"
#include "program_gen.h"
#include "raw_program.h"
#include "suite.h"

#define RANDOM_PROGRAMS 40u
#define PROGRAMS_MAX 400u

#define SKIP_WITHOUT_COMPILER()                                                          \
    do {                                                                                 \
        if (!c_programs_available()) {                                                   \
            pst_test_skip("there is no C compiler for the machine that this build is for"); \
            return;                                                                      \
        }                                                                                \
    } while (0)

static c_programs g_all;
static raw_program g_programs[PROGRAMS_MAX];
static unsigned g_next;

static bool add(const pst_slot *slots, size_t count, const char *name)
{
    char error[256];
    raw_program *program = &g_programs[g_all.count];
    bool added = raw_program_make(program, RAW_CHECKED, slots, count, error, sizeof error) && c_programs_add(&g_all, program->image, &raw_bindings, NULL);
    if (!added) pst_test_fail(__FILE__, __LINE__, "%s has no C form", name);
    return added;
}

static void finish(void)
{
    for (unsigned i = 0; i < g_all.count; i++) raw_program_free(&g_programs[i]);
    c_programs_free(&g_all);
}

// --- The suite --------------------------------------------------------------------------------------------------------

static void add_case(void *user, const suite_case *c)
{
    (void)user;
    if (c && g_all.count < PROGRAMS_MAX) (void)add(c->slots, c->slot_count, c->name);
}

static void run_case(void *user, const suite_case *c)
{
    static PST_ALIGNED(16) uint8_t memory[SUITE_MEM_MAX];
    (void)user;
    if (!c) return;
    memcpy(memory, c->mem, sizeof memory);
    pst_run run = {.ctx = c->mem_size ? memory : NULL, .ctx_size = c->mem_size};
    uint64_t r0 = c_programs_run(&g_all, g_next, g_programs[g_next].image, &raw_bindings, &run);
    g_next++;
    if (run.trap.code != PST_TRAP_NONE || r0 != c->expected)
        pst_test_fail(__FILE__, __LINE__, "%s: r0 is 0x%" PRIx64 ", not 0x%" PRIx64 "; trap: %s at %u", c->name, r0, c->expected, pst_trap_text(run.trap.code), run.trap.pc);
}

TEST(the_public_suite_in_c)
{
    SKIP_WITHOUT_COMPILER();
    c_programs_begin(&g_all);
    CHECK_EQ(suite_each(add_case, NULL), 313);
    CHECK_EQ(g_all.count, 313);
    g_next = 0;
    if (c_programs_build(&g_all, "c_form_test.suite")) CHECK_EQ(suite_each(run_case, NULL), 313);
    else pst_test_fail(__FILE__, __LINE__, "%s/c_form_test.suite.c does not compile", PST_BINARY_DIR);
    finish();
}

// --- Random programs ----------------------------------------------------------------------------------------------------

static PST_ALIGNED(16) uint8_t g_mem[GEN_MEM_SIZE], g_want[GEN_MEM_SIZE];

static void begin_memory(void)
{
    for (uint32_t i = 0; i < sizeof g_mem; i++) g_mem[i] = (uint8_t)(i * 37 + 11);
}

static void compare(unsigned number)
{
    pst_run run = {.budget = 10000000}, other = {.ctx = g_mem, .ctx_size = sizeof g_mem};
    begin_memory();
    uint64_t want = pst_exec_run_raw(g_programs[number].exec, (pst_raw_memory){g_mem, sizeof g_mem}, &run);
    memcpy(g_want, g_mem, sizeof g_want);
    begin_memory();
    uint64_t got = c_programs_run(&g_all, number, g_programs[number].image, &raw_bindings, &other);
    if (got != want || other.trap.code != run.trap.code || memcmp(g_mem, g_want, sizeof g_mem) != 0)
        pst_test_fail(__FILE__, __LINE__, "seed %u: r0 is 0x%" PRIx64 ", 0x%" PRIx64 " in the checked interpreter, or the memory differs", number + 1, got, want);
}

TEST(random_programs_in_c)
{
    static pst_slot slots[GEN_SLOTS_MAX];
    SKIP_WITHOUT_COMPILER();
    c_programs_begin(&g_all);
    for (unsigned i = 0; i < RANDOM_PROGRAMS; i++) {
        gen_source source = {.seed = i + 1};
        (void)add(slots, gen_program(&source, slots), "a random program");
    }
    if (c_programs_build(&g_all, "c_form_test.random"))
        for (unsigned i = 0; i < RANDOM_PROGRAMS; i++) compare(i);
    else
        pst_test_fail(__FILE__, __LINE__, "%s/c_form_test.random.c does not compile", PST_BINARY_DIR);
    finish();
}
