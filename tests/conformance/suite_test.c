// suite_test.c: every case of the public suite (public_suite.txt) through every interpreter, in process.
#include "harness.h"
#include "raw_program.h"
#include "suite.h"

static void run_case(const suite_case *c, raw_engine engine)
{
    char error[256];
    raw_program program;
    if (!raw_program_make(&program, engine, c->slots, c->slot_count, error, sizeof error)) {
        pst_test_fail(__FILE__, __LINE__, "%s (%s): %s", c->name, raw_engine_name(engine), error);
    } else {
        uint64_t *copy = calloc(1, SUITE_MEM_MAX); // aligned for atomics
        pst_run run = {0};
        memcpy(copy, c->mem, c->mem_size);
        uint64_t r0 = pst_exec_run_raw(program.exec, (pst_raw_memory){c->mem_size ? copy : NULL, c->mem_size}, &run);
        if (run.trap.code != PST_TRAP_NONE || r0 != c->expected)
            pst_test_fail(__FILE__, __LINE__, "%s (%s): r0 is 0x%" PRIx64 ", not 0x%" PRIx64 "; trap: %s at %u", c->name,
                          raw_engine_name(engine), r0, c->expected, pst_trap_text(run.trap.code), run.trap.pc);
        free(copy);
    }
    raw_program_free(&program);
}

static void visit(void *user, const suite_case *c)
{
    if (c) run_case(c, *(const raw_engine *)user);
    else pst_test_fail(__FILE__, __LINE__, "a line of the suite is no case");
}

static unsigned run_suite(raw_engine engine) { return suite_each(visit, &engine); }

TEST(public_suite_in_the_fast_interpreter) { CHECK_EQ(run_suite(RAW_FAST), 313); }
TEST(public_suite_in_the_switch_interpreter) { CHECK_EQ(run_suite(RAW_SWITCH), 313); }
TEST(public_suite_in_the_checked_interpreter) { CHECK_EQ(run_suite(RAW_CHECKED), 313); }

TEST(public_suite_compiled)
{
    for (raw_engine e = RAW_JIT; e < raw_engine_count(); e++) CHECK_EQ(run_suite(e), 313);
}
