// walk_test.c: who walks the stack from below compiled code, as a profiler or a debugger does, gets out of it again.
//
// From a helper to the function of this file that ran the program: by the chain of frame pointers, and on Windows by the unwind data that the system was
// given. With pst_jit_opts.walkable each compiled function is a link of the chain; without, some may be missing, but it does not break. Unwind data
// knows them all in any case.
#include "base/bits.h"
#include "harness.h"
#include "interp_fixture.h"
#include "jit/runtime.h"
#include "walk.h"

#define LINKS_MAX 64u

typedef struct combination {
    pst_jit_tier tier;
    uint32_t harden;
    bool by_blob, walkable;
} combination;

static const combination g_combinations[] = {
    {PST_JIT_QUICK, 0, false, true},
    {PST_JIT_QUICK, PST_JIT_BLIND | PST_JIT_PLACE | PST_JIT_MASK, false, true},
    {PST_JIT_QUICK, 0, true, true},
    {PST_JIT_OPTIMISED, 0, false, true},
    {PST_JIT_OPTIMISED, PST_JIT_BLIND | PST_JIT_PLACE | PST_JIT_MASK, false, true},
    {PST_JIT_OPTIMISED, PST_JIT_MASK, true, true},
    {PST_JIT_QUICK, 0, false, false},
    {PST_JIT_OPTIMISED, 0, false, false},
    {PST_JIT_OPTIMISED, PST_JIT_BLIND | PST_JIT_PLACE | PST_JIT_MASK, false, false},
};

typedef struct walk {
    const jit_program *programs[2];
    const void *outer;   // the frame that the walk has to come to
    char functions[256]; // "program.function" of each link inside of programs, from the helper on; "S": their stub
    bool arrived;
    unsigned walks;
} walk;

static walk g_walk;

static void add_function(unsigned program, uint64_t offset)
{
    const jit_program *prog = g_walk.programs[program];
    size_t length = strlen(g_walk.functions);
    uint32_t found = 0, best = 0;
    bool stub = prog->call_offset != UINT32_MAX && offset > prog->call_offset;
    for (uint32_t i = 0; i < prog->exec.image->subprog_count; i++) {
        if (prog->functions[i] > offset || prog->functions[i] < best) continue;
        best = prog->functions[i];
        found = i;
    }
    snprintf(g_walk.functions + length, sizeof g_walk.functions - length, stub ? "%sS" : "%s%u.%u", length ? " " : "", program, found);
}

static void add_pc(uint64_t pc)
{
    for (unsigned p = 0; p < 2; p++) {
        const jit_program *prog = g_walk.programs[p];
        uint64_t offset = prog ? pc - (uint64_t)(uintptr_t)prog->code.bytes : UINT64_MAX;
        if (prog && offset < prog->code_bytes) add_function(p, offset);
    }
}

static uint64_t run_from_here(const pst_exec *exec);

#if PST_HOST_MS_ABI
static void follow(const void *frame)
{
    walk_step steps[LINKS_MAX];
    unsigned count = walk_by_system(steps, LINKS_MAX);
    (void)frame;
    for (unsigned i = 0; i < count && !g_walk.arrived; i++) {
        add_pc(steps[i].pc);
        g_walk.arrived = steps[i].function == (uint64_t)(uintptr_t)run_from_here;
    }
}
#else
// A link is the caller's frame pointer with the address to return to behind it, on both machines.
static void follow(const void *frame)
{
    for (unsigned i = 0; i < LINKS_MAX && frame; i++) {
        g_walk.arrived = frame == g_walk.outer;
        if (g_walk.arrived) return;
        const uint8_t *link = frame;
        uint64_t next = pst_load64(link);
        add_pc(pst_load64(link + 8));
        if (next <= (uint64_t)(uintptr_t)frame) return; // stacks grow down: it is no chain
        frame = (const void *)(uintptr_t)next;
    }
}
#endif

static uint64_t do_walk(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5, pst_run *run)
{
    (void)r2, (void)r3, (void)r4, (void)r5, (void)run;
    g_walk.walks++;
    follow(PST_FRAME_ADDRESS());
    return r1;
}

// Calls the function r1 back.
static uint64_t do_call(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5, pst_run *run)
{
    (void)r3, (void)r4, (void)r5;
    const volatile void *frame = PST_FRAME_ADDRESS(); // which makes this a link, too
    (void)frame;
    uint64_t r0 = run->call_back(run, r1, (uint64_t[PST_ARGS_MAX]){r2});
    return r0 + 1;
}

static const pst_helper *find_helper(void *user, int32_t id)
{
    static const pst_helper_proto walk_proto = {.id = 5, .name = "walk", .ret = PST_RET_INTEGER, .args = {PST_ARG_ANYTHING}};
    static const pst_helper_proto call_proto = {.id = 6, .name = "call", .ret = PST_RET_INTEGER, .args = {PST_ARG_FUNC, PST_ARG_ANYTHING}, .flags = PST_HELPER_CALLBACK};
    static const pst_helper helpers[] = {{.proto = &walk_proto, .fn = do_walk}, {.proto = &call_proto, .fn = do_call}};
    (void)user;
    if (id == 5 || id == 6) return &helpers[id - 5];
    return fixture_bindings()->find_helper(NULL, id);
}

static pst_exec *make(const char *text, const combination *c, pst_bindings *bindings)
{
    const pst_jit_opts opts = {.size = sizeof opts, .tier = c->tier, .harden = c->harden, .by_blob = c->by_blob, .walkable = c->walkable};
    pst_image *image = fixture_image(text);
    pst_exec *exec = NULL;
    if (!image) return NULL;
    *bindings = *fixture_bindings();
    bindings->find_helper = find_helper;
    CHECK_EQ(pst_jit_create(pst_pal_env(), image, bindings, NULL, &opts, &exec), PST_OK);
    if (exec) exec->owner = image;
    else pst_image_free(image);
    return exec;
}

// The function that the walk has to arrive at.
PST_NOINLINE static uint64_t run_from_here(const pst_exec *exec)
{
    pst_run run = {.ctx = &g_world.ctx};
    g_walk.outer = PST_FRAME_ADDRESS();
    uint64_t r0 = pst_exec_run(exec, &run);
    CHECK_EQ(run.trap.code, PST_TRAP_NONE);
    return r0;
}

// links: of the quick tier, where nothing is inlined.
static void check(const char *text, const char *target, uint64_t r0, const char *links)
{
    for (size_t i = 0; i < PST_COUNT(g_combinations); i++) {
        const combination *c = &g_combinations[i];
        pst_bindings bindings[2];
        if (c->by_blob && fixture_engine_count() != FIXTURE_ENGINES) continue; // no SHA-256 here
        fixture_reset();
        g_walk = (walk){0};
        pst_exec *exec = make(text, c, &bindings[0]), *other = target ? make(target, c, &bindings[1]) : NULL;
        if (!exec || (target && !other)) continue;
        g_walk.programs[0] = (const jit_program *)(const void *)exec;
        g_walk.programs[1] = (const jit_program *)(const void *)other;
        g_world.targets[0] = other;
        CHECK_EQ(run_from_here(exec), r0);
        CHECK_EQ(g_walk.walks, 1);
        if (!g_walk.arrived) pst_test_fail(__FILE__, __LINE__, "%s, combination %zu: the chain breaks after \"%s\"", text, i, g_walk.functions);
        bool exact = (c->walkable || PST_HOST_MS_ABI) && c->tier == PST_JIT_QUICK;
        if (exact && strcmp(g_walk.functions, links) != 0)
            pst_test_fail(__FILE__, __LINE__, "%s, combination %zu: the links are \"%s\", not \"%s\"", text, i, g_walk.functions, links);
        if (c->walkable && !g_walk.functions[0]) pst_test_fail(__FILE__, __LINE__, "%s, combination %zu: no link in compiled code", text, i);
        fixture_free(exec);
        fixture_free(other);
    }
}

#define SKIP_WITHOUT_COMPILER()                                                    \
    do {                                                                           \
        if (!pst_jit_supported()) {                                                \
            pst_test_skip("there is no compiler for this machine");                \
            return;                                                                \
        }                                                                          \
    } while (0)

TEST(frames_are_a_chain)
{
    SKIP_WITHOUT_COMPILER();
    check("r1 = 7; call 5; exit", NULL, 7, "0.0");
    check("r6 = 3; r1 = 7; call 5; r0 += r6; exit", NULL, 10, "0.0");
    check("*(u64 *)(r10 - 8) = 1; r1 = 7; call 5; r2 = *(u64 *)(r10 - 8); r0 += r2; exit", NULL, 8, "0.0");
}

TEST(local_calls_are_links)
{
    SKIP_WITHOUT_COMPILER();
    check("call a; r0 += 1; exit; a: call b; r0 += 1; exit; b: r1 = 7; call 5; r0 += 1; exit", NULL, 10, "0.2 0.1 0.0");
    check("r6 = 1; call a; r0 += r6; exit; a: *(u64 *)(r10 - 256) = 2; call b; r1 = *(u64 *)(r10 - 256); r0 += r1; exit; b: r9 = 7; r1 = r9; call 5; r0 += r9; exit", NULL,
          17, "0.2 0.1 0.0");
}

TEST(callx_is_a_link)
{
    SKIP_WITHOUT_COMPILER();
    check("r6 = subprog[a]; r1 = 7; callx r6; r0 += 1; exit; a: call 5; r0 += 1; exit", NULL, 9, "0.1 0.0");
    check("r6 = 5; r1 = 7; callx r6; r0 += 1; exit", NULL, 8, "0.0");
}

TEST(callbacks_are_links)
{
    SKIP_WITHOUT_COMPILER();
    check("r1 = subprog[a]; r2 = 7; call 6; r0 += 1; exit; a: r6 = r1; call 5; r0 += r6; exit", NULL, 16, "0.1 S 0.0 S");
}

TEST(tail_calls_are_links)
{
    SKIP_WITHOUT_COMPILER();
    check("r2 = map[fd:7]; r3 = 0; call 12; r0 = 0; exit", "r1 = 7; call 5; exit", 7, "1.0");
    check("r6 = r1; call a; r0 += 1; exit; a: r1 = r6; r2 = map[fd:7]; r3 = 0; call 12; r0 = 0; exit", "r1 = 7; call 5; exit", 8, "1.0 0.1 0.0");
}
