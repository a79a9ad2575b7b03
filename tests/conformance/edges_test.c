// edges_test.c: the cases of edges.txt in every interpreter.
#include "harness.h"
#include "raw_program.h"

#define TEXT_MAX 16384
#define MEM_MAX 256

typedef struct edge_case {
    char name[128], text[TEXT_MAX];
    uint8_t mem[MEM_MAX];
    size_t mem_size;
    uint64_t r0;
    pst_trap_code trap;
    uint32_t trap_pc;
} edge_case;

static bool trap_by_name(const char *name, pst_trap_code *out)
{
#define X(id, text) \
    if (strcmp(name, #id) == 0) { *out = PST_TRAP_##id; return true; }
    PST_TRAP_LIST(X)
#undef X
    return false;
}

static void add_text(edge_case *c, const char *line)
{
    size_t used = strlen(c->text);
    snprintf(c->text + used, TEXT_MAX - used, "%s\n", line);
}

// "REPEAT n text": n times the text.
static void add_line(edge_case *c, const char *line)
{
    unsigned times;
    int rest = 0;
    if (sscanf(line, "REPEAT %u %n", &times, &rest) != 1) {
        add_text(c, line);
        return;
    }
    while (times-- > 0) add_text(c, line + rest);
}

static void run_case(const edge_case *c, raw_engine engine)
{
    char error[256];
    raw_program program;
    pst_run run = {0};
    PST_ALIGNED(16) uint8_t mem[MEM_MAX];
    if (raw_program_assemble(&program, engine, c->text, error, sizeof error)) {
        memcpy(mem, c->mem, MEM_MAX);
        uint64_t r0 = pst_exec_run_raw(program.exec, (pst_raw_memory){c->mem_size ? mem : NULL, c->mem_size}, &run);
        uint32_t pc = run.trap.code == PST_TRAP_NONE ? 0 : raw_slot_of(&program, run.trap.pc);
        if (r0 != c->r0 || run.trap.code != c->trap || pc != c->trap_pc)
            pst_test_fail(__FILE__, __LINE__, "%s (%s): r0 is 0x%" PRIx64 ", not 0x%" PRIx64 "; %s at %u", c->name, raw_engine_name(engine),
                          r0, c->r0, pst_trap_text(run.trap.code), pc);
    } else {
        pst_test_fail(__FILE__, __LINE__, "%s: %s", c->name, error);
    }
    raw_program_free(&program);
}

// Takes a line into *c; true when it completes the case.
static bool take_line(edge_case *c, const char *line)
{
    char name[32];
    long size;
    if (strncmp(line, "case: ", 6) == 0) {
        *c = (edge_case){0};
        snprintf(c->name, sizeof c->name, "%s", line + 6);
    } else if (strncmp(line, "mem: ", 5) == 0) {
        size = raw_hex(line + 5, c->mem, MEM_MAX);
        CHECK(size > 0);
        c->mem_size = (size_t)size;
    } else if (strncmp(line, "expect: ", 8) == 0) {
        c->r0 = strtoull(line + 8, NULL, 0);
        return true;
    } else if (strncmp(line, "trap: ", 6) == 0) {
        CHECK(sscanf(line + 6, "%31s at %u", name, &c->trap_pc) == 2 && trap_by_name(name, &c->trap));
        return true;
    } else {
        add_line(c, line);
    }
    return false;
}

TEST(edges)
{
    static edge_case c;
    unsigned cases = 0;
    char *text = raw_file(PST_SOURCE_DIR "/tests/conformance/edges.txt");
    REQUIRE(text);
    for (char *line = text, *next; *line; line = next) {
        size_t length = strcspn(line, "\r\n");
        next = line + length + (line[length] != '\0');
        line[length] = '\0';
        if (length == 0) continue;
        if (line[0] == '#' || !take_line(&c, line)) continue;
        cases++;
        RAW_EACH(e) run_case(&c, e);
    }
    free(text);
    CHECK(cases > 40);
}
