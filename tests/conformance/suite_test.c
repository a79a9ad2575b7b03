// suite_test.c: every case of the public suite (public_suite.txt) through every interpreter, in process.
#include "harness.h"
#include "raw_program.h"

#define MEM_MAX 4096
#define SLOTS_MAX 4096

typedef struct suite_case {
    char name[64];
    uint8_t mem[MEM_MAX];
    size_t mem_size;
    pst_slot slots[SLOTS_MAX];
    size_t slot_count;
    uint64_t expected;
} suite_case;

static bool parse_case(const char *line, suite_case *out)
{
    static char mem[2 * MEM_MAX + 1], prog[2 * SLOTS_MAX * 8 + 1], expected[32];
    if (sscanf(line, "%63s %8192s %65536s %31s", out->name, mem, prog, expected) != 4) return false;
    long mem_size = strcmp(mem, "-") == 0 ? 0 : raw_hex(mem, out->mem, MEM_MAX);
    long size = raw_hex(prog, (uint8_t *)out->slots, sizeof out->slots);
    if (mem_size < 0 || size < 0 || size % 8 != 0) return false;
    out->mem_size = (size_t)mem_size;
    out->slot_count = (size_t)size / 8;
    out->expected = strtoull(expected, NULL, 16);
    return true;
}

static void run_case(const suite_case *c, raw_engine engine)
{
    char error[256];
    raw_program program;
    if (!raw_program_make(&program, engine, c->slots, c->slot_count, error, sizeof error)) {
        pst_test_fail(__FILE__, __LINE__, "%s (%s): %s", c->name, raw_engine_name(engine), error);
    } else {
        uint64_t *copy = calloc(1, MEM_MAX); // aligned for atomics
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

static unsigned run_suite(raw_engine engine)
{
    static suite_case c;
    unsigned cases = 0;
    char *text = raw_file(PST_SOURCE_DIR "/tests/conformance/public_suite.txt");
    if (!text) return 0;
    for (char *line = text, *next; *line; line = next) {
        size_t length = strcspn(line, "\r\n");
        next = line + length + (line[length] != '\0');
        line[length] = '\0';
        if (length == 0 || line[0] == '#') continue;
        if (parse_case(line, &c)) run_case(&c, engine);
        else pst_test_fail(__FILE__, __LINE__, "this line is no case: %.60s", line);
        cases++;
    }
    free(text);
    return cases;
}

TEST(public_suite_in_the_fast_interpreter) { CHECK_EQ(run_suite(RAW_FAST), 313); }
TEST(public_suite_in_the_switch_interpreter) { CHECK_EQ(run_suite(RAW_SWITCH), 313); }
TEST(public_suite_in_the_checked_interpreter) { CHECK_EQ(run_suite(RAW_CHECKED), 313); }

TEST(public_suite_compiled)
{
    for (raw_engine e = RAW_JIT; e < raw_engine_count(); e++) CHECK_EQ(run_suite(e), 313);
}
