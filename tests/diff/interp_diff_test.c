// interp_diff_test.c: random programs in the fast interpreter, both loops, compiled for this machine and for the oldest one, and in the
// checked interpreter: same r0, same memory. PST_DIFF_PROGRAMS=N in the environment takes so many instead of a few thousand, PST_DIFF_SEED=N
// begins there.
#include "harness.h"
#include "program_gen.h"
#include "raw_program.h"

#include "interp/code.h"

#define PROGRAMS (PST_HOST_ARM64 ? 2500 : 6000) // under an emulator each takes longer

static PST_ALIGNED(16) uint8_t g_start[GEN_MEM_SIZE], g_mem[GEN_MEM_SIZE], g_want[GEN_MEM_SIZE];
static uint32_t g_reached[FAST_OP_COUNT];

static void count_ops(const raw_program *program)
{
    const pst_image *image = program->image;
    const fast_program fast = {.exec = {.image = image}};
    static fast_op ops[GEN_SLOTS_MAX];
    static fast_code code[GEN_SLOTS_MAX];
    for (uint32_t pc = 0; pc < image->count; pc++) {
        ops[pc] = FAST_TRAP_HELPER;
        if (image->insns[pc].kind != PST_KIND_PADDING) ops[pc] = fast_predecode(&fast, NULL, pc, &code[pc]);
    }
    for (uint32_t pc = 0; pc < image->count; pc++)
        if (image->insns[pc].kind != PST_KIND_PADDING) g_reached[fast_fuse(ops, code, image->count, pc)]++;
}

static bool run_one(raw_engine engine, const pst_slot *slots, size_t count, uint64_t seed, uint64_t *r0)
{
    char error[256];
    raw_program program;
    pst_run run = {.budget = 10000000};
    bool made = raw_program_make(&program, engine, slots, count, error, sizeof error);
    if (!made) pst_test_fail(__FILE__, __LINE__, "seed %" PRIu64 ": %s", seed, error);
    if (made && engine == RAW_FAST) count_ops(&program);
    memcpy(g_mem, g_start, sizeof g_mem);
    if (made) *r0 = pst_exec_run_raw(program.exec, (pst_raw_memory){g_mem, sizeof g_mem}, &run);
    raw_program_free(&program);
    if (run.trap.code != PST_TRAP_NONE)
        pst_test_fail(__FILE__, __LINE__, "seed %" PRIu64 ": %s at %u (%s)", seed, pst_trap_text(run.trap.code), run.trap.pc, raw_engine_name(engine));
    return made && run.trap.code == PST_TRAP_NONE;
}

// Comparing proves nothing about handlers that no program used. Named are those for which no instruction exists, which need a context or
// a program array (tests/unit/interp), and calls (seen above as results; counting knows no helper).
static void check_every_handler_was_reached(void)
{
    static const char *const names[] = {
#define OP(label) #label,
#include "interp/fast_ops.def"
    };
    static const char *const elsewhere[] = {"CTX_", "METERED_JUMP", "WAIT", "LEGACY_", "TRAP_", "TAIL_CALL", "CALL_REGISTER", "CALL_HELPER", "CALL_BACK_HELPER", "ATOMIC64_XCHG",
                                            "ATOMIC32_XCHG", "ATOMIC64_CMPXCHG", "ATOMIC32_CMPXCHG", "ALU64_IMM_MOVSX", "ALU32_IMM_MOVSX",
                                            "ALU64_REG_NEG", "ALU32_REG_NEG", "ALU32_REG_MOVSX32"};
    for (int op = 0; op < FAST_OP_COUNT; op++) {
        bool known = false;
        for (size_t i = 0; i < PST_COUNT(elsewhere); i++) known |= strstr(names[op], elsewhere[i]) != NULL;
        if (!known && g_reached[op] == 0) pst_test_fail(__FILE__, __LINE__, "no program uses %s", names[op]);
    }
}

TEST(random_programs)
{
    static pst_slot slots[GEN_SLOTS_MAX];
    for (unsigned i = 0; i < GEN_MEM_SIZE; i++) g_start[i] = (uint8_t)(i * 41 + 7);
    const char *more = getenv("PST_DIFF_PROGRAMS"), *from = getenv("PST_DIFF_SEED");
    uint64_t first = from ? strtoull(from, NULL, 0) : 1, count_of_programs = more ? strtoull(more, NULL, 0) : PROGRAMS;
    for (uint64_t seed = first; seed < first + count_of_programs; seed++) {
        gen_source source = {.seed = seed * 0x9e3779b97f4a7c15u};
        size_t count = gen_program(&source, slots);
        uint64_t want = 0, got = 0;
        if (!run_one(RAW_CHECKED, slots, count, seed, &want)) continue;
        memcpy(g_want, g_mem, sizeof g_want);
        RAW_EACH(e) {
            if (e == RAW_CHECKED) continue;
            if (e > RAW_JIT_QUICK && seed % 4 != (unsigned)e % 4) continue; // variants of these: each program in one of them
            if (!run_one(e, slots, count, seed, &got)) continue;
            if (got != want || memcmp(g_mem, g_want, sizeof g_mem) != 0)
                pst_test_fail(__FILE__, __LINE__, "seed %" PRIu64 ": r0 0x%" PRIx64 " (%s), 0x%" PRIx64 " (checked)%s", seed, got,
                              raw_engine_name(e), want, got == want ? "; the memory differs" : "");
        }
    }
    if (!more) check_every_handler_was_reached(); // here, not in a test of its own: tests run in any order
}
