// engines_test.c: what all interpreters do alike: tail calls, calls, legacy loads, may_goto; and what the fast one makes of facts.
#include "harness.h"
#include "interp/code.h"
#include "interp_fixture.h"
#include "jit/jit.h"

#include "pal/pal.h"

#define EACH_ENGINE(e) for (fixture_engine e = FIXTURE_FAST; e < fixture_engine_count(); e++)

static const char *const *const names = fixture_engine_names;

static void check_all(const char *text, uint64_t want)
{
    EACH_ENGINE(e) {
        pst_run run;
        uint64_t r0 = fixture_run(e, text, &run);
        if (run.trap.code != PST_TRAP_NONE || r0 != want)
            pst_test_fail(__FILE__, __LINE__, "\"%s\" (%s): r0 is 0x%" PRIx64 ", not 0x%" PRIx64 "; %s at %u", text, names[e], r0, want,
                          pst_trap_text(run.trap.code), run.trap.pc);
    }
}

static void check_all_trap(const char *text, pst_trap_code code, uint32_t pc)
{
    EACH_ENGINE(e) {
        pst_run run;
        uint64_t r0 = fixture_run(e, text, &run);
        if (run.trap.code != code || run.trap.pc != pc || r0 != 0)
            pst_test_fail(__FILE__, __LINE__, "\"%s\" (%s): %s at %u", text, names[e], pst_trap_text(run.trap.code), run.trap.pc);
    }
}

static void check_all_trap_code(const char *text, pst_trap_code code)
{
    EACH_ENGINE(e) {
        pst_run run;
        uint64_t r0 = fixture_run(e, text, &run);
        if (run.trap.code != code || r0 != 0) pst_test_fail(__FILE__, __LINE__, "\"%s\" (%s): %s", text, names[e], pst_trap_text(run.trap.code));
    }
}

TEST(subprograms_keep_their_callers_registers)
{
    check_all("r6 = 1; r7 = 2; r8 = 3; r9 = 4; call sub; r0 += r6; r0 += r7; r0 += r8; r0 += r9; exit;"
              "sub: r6 = 100; r7 = 100; r8 = 100; r9 = 100; r0 = 5; exit", 15);
    check_all("*(u64 *)(r10 - 8) = 1; call sub; r0 = *(u64 *)(r10 - 8); exit; sub: *(u64 *)(r10 - 8) = 2; exit", 1);
}

TEST(eight_frames_and_not_nine)
{
    // r1 counts down the calls below.
    const char *deep = "r1 = %d; call sub; exit; sub: if r1 == 0 goto out; r1 += -1; call sub; r0 += 1; exit; out: r0 = 0; exit";
    char text[256];
    snprintf(text, sizeof text, deep, 6); // main and 7 subprograms
    check_all(text, 6);
    snprintf(text, sizeof text, deep, 7);
    check_all_trap(text, PST_TRAP_DEPTH, 5);
}

TEST(callx_takes_subprograms_and_helpers)
{
    check_all("r1 = 5; r6 = subprog[sub]; callx r6; exit; sub: r0 = r1; r0 += 1; exit", 6);
    check_all("r1 = 5; r6 = 48; callx r6; exit", 5);
    check_all_trap("r6 = 0; callx r6; exit", PST_TRAP_CALL, 1);
    check_all_trap("r6 = -1; callx r6; exit", PST_TRAP_CALL, 1);
    check_all_trap("r6 = 0x0f5c000000001000 ll; callx r6; exit", PST_TRAP_CALL, 2);
    check_all_trap("r6 = 39; callx r6; exit", PST_TRAP_CALL, 1); // described, not provided
}

#define LOOP(times, sub) "r1 = " times "; r2 = subprog[" sub "]; r3 = r10; r3 += -8; call 42; "

TEST(helpers_call_back)
{
    // Registers and stack of the caller stay; each call has a frame of its own.
    check_all("r6 = 1; r7 = 2; r8 = 3; r9 = 4; *(u64 *)(r10 - 8) = 100;" LOOP("5", "sub")
              "r0 += r6; r0 += r7; r0 += r8; r0 += r9; r1 = *(u64 *)(r10 - 8); r0 += r1; exit;"
              "sub: r6 = 9; r7 = 9; r8 = 9; r9 = 9; *(u64 *)(r10 - 8) = 9; r3 = *(u64 *)(r2 + 0); r3 += 1; *(u64 *)(r2 + 0) = r3; r0 = r1; exit", 10 + 10 + 105);
    check_all(LOOP("0", "sub") "exit; sub: r0 = 1; exit", 0);
    // A callback calls subprograms, and helpers that call back.
    check_all(LOOP("3", "outer") "exit; outer: *(u64 *)(r10 - 8) = 0;" LOOP("4", "inner") "call more; exit; inner: r0 = 1; exit; more: r0 += 1; exit", 15);
    check_all("r1 = map[fd:1]; r2 = subprog[sub]; r3 = 7; call 49; exit;"
              "sub: r0 = *(u32 *)(r2 + 0); *(u64 *)(r3 + 0) = 3; r1 = *(u64 *)(r3 + 0); r0 += r1; r0 += r4; exit", 10);
}

TEST(callbacks_have_limits)
{
    // The frames of callbacks count: one that calls itself back ends at the eighth.
    check_all_trap_code("r1 = 1; r2 = subprog[sub]; r3 = 0; call 42; exit; sub: r1 = 1; r2 = subprog[sub]; r3 = 0; call 42; exit", PST_TRAP_DEPTH);
    check_all_trap_code("r1 = 1; r2 = 5; r3 = 0; callx r2; exit", PST_TRAP_CALL);
    check_all_trap("r1 = 1; r2 = subprog[sub]; r3 = 0; r4 = 42; callx r4; exit; sub: r0 = 0; exit", PST_TRAP_CALL, 5);
    pst_run run;
    (void)fixture_run(FIXTURE_CHECKED, "r1 = 1; r2 = 3; r3 = 0; call 42; exit", &run);
    CHECK(run.trap.code == PST_TRAP_ARGUMENT && run.trap.address == 2);
    // Its trap is the run's, and names its instruction; what it was given of an element ends with it.
    (void)fixture_run(FIXTURE_CHECKED, "r1 = 2; r2 = subprog[sub]; r3 = 0; call 42; exit; sub: r0 = *(u8 *)(r2 + 0); exit", &run);
    CHECK(run.trap.code == PST_TRAP_MEMORY && run.trap.pc == 6);
    (void)fixture_run(FIXTURE_CHECKED, "r1 = map[fd:1]; r2 = subprog[sub]; r3 = 0; call 49; r0 = *(u8 *)(r0 + 0); exit; sub: r0 = r2; exit", &run);
    CHECK(run.trap.code == PST_TRAP_MEMORY && run.trap.pc == 6);
    (void)fixture_run(FIXTURE_CHECKED, "r1 = map[fd:1]; r2 = subprog[sub]; r3 = 0; call 49; exit; sub: *(u8 *)(r2 + 0) = 1; r0 = 0; exit", &run);
    CHECK(run.trap.code == PST_TRAP_READ_ONLY && run.trap.pc == 7);
}

TEST(helpers_that_do_not_exist_trap_when_called)
{
    check_all("r0 = 1; if r0 == 1 goto +1; call 9999; exit", 1);
    check_all_trap("r0 = 1; call 9999; exit", PST_TRAP_HELPER, 1);
}

TEST(may_goto_ends_after_its_turns)
{
    check_all("r0 = 0; loop: may_goto out; r0 += 1; goto loop; out: exit", PST_MAY_GOTO_MAX);
    check_all("r0 = 0; loop: r0 += 1; if r0 == 5 goto out; may_goto out; goto loop; out: exit", 5);
}

// The sample type has no legacy loads; the checked interpreter refuses them there, so this is another type of the same layout.
TEST(legacy_loads)
{
    static const struct {
        const char *text;
        uint64_t r0;
    } rows[] = {
        {"r6 = r1; r0 = *(u8 *)skb[5]; exit", 5},
        {"r6 = r1; r0 = *(u16 *)skb[5]; exit", 0x0506},
        {"r6 = r1; r0 = *(u32 *)skb[60]; exit", 0x3c3d3e3f},
        {"r6 = r1; r2 = 3; r0 = *(u16 *)skb[r2 + 4]; exit", 0x0708},
        {"r6 = r1; r2 = -3; r0 = *(u8 *)skb[r2 + 4]; exit", 1},
        {"r6 = r1; r0 = 7; r0 = *(u32 *)skb[61]; r0 = 9; exit", 0},  // outside: the program ends with 0
        {"r6 = r1; r0 = *(u8 *)skb[64]; r0 = 9; exit", 0},
        {"r6 = r1; r0 = *(u8 *)skb[-1]; r0 = 9; exit", 0},
        {"r6 = r1; call sub; r0 = 9; exit; sub: r0 = *(u8 *)skb[64]; exit", 0}, // the whole program
        {"r6 = r1; r0 = *(u32 *)skb[0x7fffffff]; r0 = 9; exit", 0},
    };
    pst_prog_type type = *pst_prog_type_by_name("sample");
    pst_bindings bindings = *fixture_bindings();
    type.legacy_loads = true;
    bindings.type = &type;
    for (size_t i = 0; i < PST_COUNT(rows); i++) {
        EACH_ENGINE(e) {
            fixture_reset();
            pst_exec *made = fixture_make(FIXTURE_FAST, rows[i].text, NULL), *exec = NULL;
            if (!made) continue;
            pst_status status = fixture_create(e, made->image, &bindings, NULL, &exec);
            pst_run run = {.ctx = &g_world.ctx};
            CHECK_EQ(status, PST_OK);
            uint64_t r0 = pst_exec_run(exec, &run);
            if (r0 != rows[i].r0 || run.trap.code != PST_TRAP_NONE)
                pst_test_fail(__FILE__, __LINE__, "%s: 0x%" PRIx64, rows[i].text, r0);
            exec->free(exec);
            fixture_free(made);
        }
    }
    // A packet shorter than what is loaded.
    pst_exec *exec = NULL, *short_one = fixture_make(FIXTURE_FAST, "r6 = r1; r0 = *(u32 *)skb[0]; r0 = 9; exit", NULL);
    REQUIRE(short_one);
    CHECK_EQ(pst_checked_create(pst_pal_env(), short_one->image, &bindings, &exec), PST_OK);
    fixture_reset();
    g_world.ctx.data_end = g_world.ctx.data + 3;
    pst_run run = {.ctx = &g_world.ctx};
    CHECK_EQ(pst_exec_run(exec, &run), 0);
    exec->free(exec);
    fixture_free(short_one);
    (void)fixture_run(FIXTURE_CHECKED, "r6 = r1; r0 = *(u8 *)skb[5]; exit", &run);
    CHECK(run.trap.code == PST_TRAP_INSTRUCTION && run.trap.pc == 1);
}

// --- Tail calls -----------------------------------------------------------------------------------------------

#define TAIL(index) "r2 = map[fd:7]; r3 = " index "; call 12; "

// Runs text with others in the program array from slot 0.
static uint64_t run_tails(fixture_engine engine, const char *text, const char *const *others, size_t count, pst_run *run)
{
    pst_exec *targets[8] = {0};
    fixture_reset();
    *run = (pst_run){.ctx = &g_world.ctx};
    pst_exec *exec = fixture_make(engine, text, NULL);
    for (size_t i = 0; i < count; i++) g_world.targets[i] = targets[i] = fixture_make(engine, others[i], NULL);
    uint64_t r0 = exec ? pst_exec_run(exec, run) : 0;
    if (run->trap.code == PST_TRAP_NONE) CHECK(run->tail_nested == 0);
    fixture_free(exec);
    for (size_t i = 0; i < count; i++) fixture_free(targets[i]);
    return r0;
}

TEST(a_tail_call_does_not_return)
{
    EACH_ENGINE(e) {
        pst_run run;
        const char *const target = "r0 = *(u32 *)(r1 + 40); exit"; // has its context
        if (e != FIXTURE_CHECKED) continue;                        // without facts only this one translates
        CHECK_EQ(run_tails(e, TAIL("0") "r0 = 1; exit", &target, 1, &run), 0x80000001);
        CHECK_EQ(run.tail_calls, 1);
    }
    EACH_ENGINE(e) {
        pst_run run;
        const char *const target = "r0 = 42; exit";
        CHECK_EQ(run_tails(e, TAIL("0") "r0 = 1; exit", &target, 1, &run), 42);
        CHECK_EQ(run_tails(e, "r6 = r1; " TAIL("1") "r0 = 1; exit", &target, 1, &run), 1); // nothing in slot 1
        CHECK_EQ(run_tails(e, TAIL("100") "r0 = 2; exit", &target, 1, &run), 2);           // no such slot
        CHECK_EQ(run.tail_calls, 0);
    }
}

TEST(the_34th_tail_call_fails)
{
    EACH_ENGINE(e) {
        pst_run run;
        // Each turn counts in a map's value.
        const char *const target = "r6 = map[fd:1][0]+0; r7 = *(u64 *)(r6 + 0); r7 += 1; *(u64 *)(r6 + 0) = r7; " TAIL("0") "r0 = r7; exit";
        CHECK_EQ(run_tails(e, TAIL("0") "r0 = 1; exit", &target, 1, &run), PST_TAIL_CALLS_MAX);
        CHECK_EQ(run.tail_calls, PST_TAIL_CALLS_MAX);
        CHECK_EQ(run.trap.code, PST_TRAP_NONE);
    }
}

TEST(a_tail_call_from_a_subprogram_returns_to_its_caller)
{
    EACH_ENGINE(e) {
        pst_run run;
        const char *const target = "r0 = 40; r6 = 9; r7 = 9; exit";
        CHECK_EQ(run_tails(e, "r6 = 2; call sub; r0 += r6; exit; sub: r6 = 7; " TAIL("0") "r0 = 1; exit", &target, 1, &run), 42);
        CHECK_EQ(run.tail_calls, 1);
        // Inside each other: the fifth finds no room and the subprogram goes on.
        const char *const nested = "call sub; r0 += 1; exit; sub: " TAIL("0") "r0 = 100; exit";
        CHECK_EQ(run_tails(e, nested, &nested, 1, &run), 100 + PST_TAIL_NESTED_MAX + 1);
        CHECK_EQ(run.tail_calls, PST_TAIL_NESTED_MAX);
    }
}

TEST(a_trap_after_a_tail_call_names_the_program)
{
    pst_run run;
    const char *const target = "r0 = 0; r1 = 8; r0 = *(u8 *)(r1 + 0); exit";
    CHECK_EQ(run_tails(FIXTURE_CHECKED, TAIL("0") "r0 = 1; exit", &target, 1, &run), 0);
    CHECK(run.trap.code == PST_TRAP_MEMORY && run.trap.pc == 2);
    CHECK_EQ(run_tails(FIXTURE_CHECKED, "call sub; r0 = 5; exit; sub: " TAIL("0") "r0 = 1; exit", &target, 1, &run), 0);
    CHECK(run.trap.code == PST_TRAP_MEMORY && run.trap.pc == 2 && run.tail_next == NULL);
}

TEST(a_tail_call_with_a_reference_held_traps)
{
    pst_run run;
    const char *const target = "r0 = 0; exit";
    (void)run_tails(FIXTURE_CHECKED, "r6 = r1; r1 = 1; call 31; r1 = r6; " TAIL("0") "exit", &target, 1, &run);
    CHECK(run.trap.code == PST_TRAP_LOCK && run.trap.pc == 7);
}

// --- Facts ----------------------------------------------------------------------------------------------------

#define C PST_FACT_CONTEXT

static uint64_t run_with_facts(fixture_engine engine, const char *text, const pst_facts *facts, pst_run *run)
{
    fixture_reset();
    *run = (pst_run){.ctx = &g_world.ctx};
    pst_exec *exec = fixture_make(engine, text, facts);
    uint64_t r0 = exec ? pst_exec_run(exec, run) : 0;
    fixture_free(exec);
    return r0;
}

static void check_context(const char *text, const uint8_t *flags, const int16_t *offsets, uint64_t want)
{
    const pst_facts facts = {.flags = flags, .context_off = offsets};
    EACH_ENGINE(e) {
        pst_run run;
        uint64_t r0 = run_with_facts(e, text, &facts, &run);
        if (r0 != want || run.trap.code != PST_TRAP_NONE)
            pst_test_fail(__FILE__, __LINE__, "\"%s\" (%s): 0x%" PRIx64 ", not 0x%" PRIx64, text, names[e], r0, want);
    }
    pst_run run; // the checked one needs no facts to do the same
    CHECK_EQ(fixture_run(FIXTURE_CHECKED, text, &run), want);
}

TEST(context_accesses_by_facts)
{
    static const uint8_t first[8] = {C}, second[8] = {0, C}, both[8] = {C, C}, two_three[8] = {0, C, C};
    static const int16_t at20[8] = {0, 20};
    check_context("r0 = *(u64 *)(r1 + 24); exit", first, NULL, 0x1122334455667788);
    check_context("r0 = *(u8 *)(r1 + 25); exit", first, NULL, 0x77); // narrow
    check_context("r0 = *(u16 *)(r1 + 34); exit", first, NULL, 0x99aa);
    check_context("r0 = *(s32 *)(r1 + 40); exit", first, NULL, 0xffffffff80000001);
    check_context("r0 = *(s8 *)(r1 + 38); exit", first, NULL, UINT64_MAX);
    check_context("r0 = *(u64 *)(r1 + 48); exit", first, NULL, 0xfedcba9876543210);
    check_context("r2 = *(u64 *)(r1 + 0); r0 = *(u8 *)(r2 + 9); exit", first, NULL, 9);
    check_context("r2 = *(u64 *)(r1 + 8); r3 = *(u64 *)(r1 + 0); r2 -= r3; r0 = r2; exit", both, NULL, FIXTURE_PACKET);
    check_context("r1 += 20; r0 = *(u32 *)(r1 + 12); exit", second, at20, 0x99aabbcc); // the base was moved
    check_context("*(u32 *)(r1 + 32) = 0x77; r0 = *(u32 *)(r1 + 32); exit", both, NULL, 0x77);
    check_context("r2 = 0x1234; *(u16 *)(r1 + 36) = r2; r0 = *(u16 *)(r1 + 36); exit", two_three, NULL, 0x1234);
}

// A type whose native fields are wider or narrower than the ABI's, so that the plain access does not do.
TEST(context_accesses_that_need_translation)
{
    typedef struct native {
        uint64_t wide;
        uint16_t narrow;
    } native;
    static const pst_ctx_field fields[] = {
        {.name = "wide", .abi_off = 0, .abi_size = 4, .native_off = offsetof(native, wide), .native_size = 8, .kind = PST_FIELD_SCALAR, .flags = PST_FIELD_READ | PST_FIELD_WRITE},
        {.name = "narrow", .abi_off = 4, .abi_size = 4, .native_off = offsetof(native, narrow), .native_size = 2, .kind = PST_FIELD_SCALAR, .flags = PST_FIELD_READ | PST_FIELD_WRITE},
    };
    const pst_prog_type type = {.name = "odd", .abi_size = 8, .native_size = sizeof(native), .fields = fields, .field_count = 2};
    static const struct {
        const char *text;
        uint64_t r0, wide;
        uint16_t narrow;
    } rows[] = {
        {"r0 = *(u32 *)(r1 + 0); exit", 0x55667788, 0x1122334455667788, 0x9988},
        {"r0 = *(u32 *)(r1 + 4); exit", 0x9988, 0x1122334455667788, 0x9988},
        {"*(u32 *)(r1 + 0) = 5; r0 = 0; exit", 0, 5, 0x9988},
        {"r2 = -1; *(u32 *)(r1 + 0) = r2; r0 = 0; exit", 0, 0xffffffff, 0x9988},
        {"r2 = 0x54321; *(u32 *)(r1 + 4) = r2; r0 = *(s32 *)(r1 + 4); exit", 0x4321, 0x1122334455667788, 0x4321},
        {"r0 = *(u16 *)(r1 + 6); exit", 0, 0x1122334455667788, 0x9988},
    };
    static const uint8_t flags[8] = {C, C, C, C, C, C, C, C};
    const pst_facts facts = {.flags = flags};
    pst_bindings bindings = *fixture_bindings();
    bindings.type = &type;
    for (size_t i = 0; i < PST_COUNT(rows); i++)
        EACH_ENGINE(e) {
            native ctx = {0x1122334455667788, 0x9988};
            pst_exec *made = fixture_make(FIXTURE_FAST, rows[i].text, NULL), *exec = NULL;
            if (!made) continue;
            pst_status status = fixture_create(e, made->image, &bindings, &facts, &exec);
            pst_run run = {.ctx = &ctx};
            CHECK_EQ(status, PST_OK);
            uint64_t r0 = pst_exec_run(exec, &run);
            if (r0 != rows[i].r0 || ctx.wide != rows[i].wide || ctx.narrow != rows[i].narrow || run.trap.code != PST_TRAP_NONE)
                pst_test_fail(__FILE__, __LINE__, "%s (%s): r0 0x%" PRIx64 ", wide 0x%" PRIx64 ", narrow 0x%x, %s", rows[i].text,
                              names[e], r0, ctx.wide, ctx.narrow, pst_trap_text(run.trap.code));
            exec->free(exec);
            fixture_free(made);
        }
}

TEST(a_wrong_context_fact_traps)
{
    static const uint8_t first[4] = {C};
    const pst_facts facts = {.flags = first};
    pst_run run;
    (void)run_with_facts(FIXTURE_FAST, "r0 = *(u8 *)(r1 + 39); exit", &facts, &run);
    CHECK(run.trap.code == PST_TRAP_CONTEXT && run.trap.pc == 0);
    (void)run_with_facts(FIXTURE_SWITCH, "r0 = *(u8 *)(r1 + 500); exit", &facts, &run);
    CHECK_EQ(run.trap.code, PST_TRAP_CONTEXT);
    if (!pst_jit_supported()) return;
    (void)run_with_facts(FIXTURE_JIT, "r0 = *(u8 *)(r1 + 39); exit", &facts, &run);
    CHECK(run.trap.code == PST_TRAP_CONTEXT && run.trap.pc == 0);
}

// --- Making programs ------------------------------------------------------------------------------------------

static pst_status try_create(const char *text, bool checked, const pst_env *env)
{
    pst_exec *exec = NULL;
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error why;
    pst_image *image = NULL;
    if (pst_assemble(pst_pal_env(), text, &slots, &count, &why) != PST_OK) return PST_E_FORMAT;
    pst_image_input input = {.size = sizeof input, .slots = slots, .count = (uint32_t)count};
    pst_status status = pst_image_build(pst_pal_env(), &input, NULL, &image);
    if (status == PST_OK)
        status = checked ? pst_checked_create(env, image, fixture_bindings(), &exec)
                         : pst_interp_create(env, image, fixture_bindings(), NULL, &exec);
    CHECK((status == PST_OK) == (exec != NULL));
    if (exec) exec->free(exec);
    pst_image_free(image);
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    return status;
}

static char g_message[256];

static void keep_message(void *user, pst_log_level level, const char *text)
{
    (void)user, (void)level;
    snprintf(g_message, sizeof g_message, "%s", text);
}

TEST(refuses_what_it_cannot_run)
{
    const pst_env env = {.resize = pst_pal_env()->resize, .log = keep_message};
    static const struct {
        const char *text, *part;
    } rows[] = {
        {"r1 = addr_space_cast(r2, 0, 1); exit", "instruction 0 is an address-space cast"},
        {"r0 = 0; call kfunc 77; exit", "instruction 1 is a call of a kernel function"},
        {"r1 = var[id:5]; exit", "instruction 0 is the address of a kernel variable"},
    };
    for (size_t i = 0; i < PST_COUNT(rows); i++)
        for (int checked = 0; checked < 2; checked++) {
            g_message[0] = 0;
            CHECK_EQ(try_create(rows[i].text, checked, &env), PST_E_UNSUPPORTED);
            if (!strstr(g_message, rows[i].part)) pst_test_fail(__FILE__, __LINE__, "\"%s\" without \"%s\"", g_message, rows[i].part);
        }
}

static uint64_t g_allocations_left;

static void *resize_some(void *user, void *ptr, size_t old_size, size_t new_size)
{
    if (new_size && g_allocations_left-- == 0) {
        g_allocations_left = 0;
        return NULL;
    }
    return pst_pal_env()->resize(user, ptr, old_size, new_size);
}

TEST(survives_failed_allocations)
{
    const pst_env env = {.resize = resize_some};
    for (int checked = 0; checked < 2; checked++) {
        pst_status status = PST_E_NOMEM;
        uint64_t n = 0;
        for (; status != PST_OK && n < 20; n++) {
            g_allocations_left = n;
            status = try_create("call sub; exit; sub: r0 = 0; exit", checked, &env);
            CHECK(status == PST_OK || status == PST_E_NOMEM);
        }
        CHECK(status == PST_OK && n > 2);
    }
}

// --- Metered loops --------------------------------------------------------------------------------------------

#define METERED_SLOTS 32

typedef struct metered_row {
    const char *text;
    uint8_t at[2]; // slots of jumps that are counted; 0: none
    uint64_t r0;
    int trap_pc;   // -1: none
} metered_row;

// FIXTURE_TURNS is 100.
static const metered_row metered_rows[] = {
    {"r0 = 0; head: r0 += 1; goto head; exit", {2}, 0, 2},
    {"r0 = 0; head: r0 += 1; if r0 != 100 goto head; exit", {2}, 100, -1},
    {"r0 = 0; head: r0 += 1; if r0 != 101 goto head; exit", {2}, 0, 2},
    {"r0 = 0; r1 = 1; head: r0 += 1; if r0 s< r1 goto head; r1 = 60; if r0 < r1 goto head; exit", {3, 5}, 60, -1},
    {"r0 = 0; r1 = 1; head: r0 += 1; if r0 s< r1 goto head; r1 = 120; if r0 < r1 goto head; exit", {3, 5}, 0, 3},
    {"r0 = 0; head: r0 += 1; if w0 & 1 goto +1; goto head; if r0 < 61 goto head; exit", {3, 4}, 61, -1},
    {"r0 = 0; head: r0 += 1; if r0 > 100 goto +1; goto head; exit", {3}, 101, -1},
    {"r0 = 0; head: r0 += 1; if r0 > 101 goto +1; goto head; exit", {3}, 0, 3},
    {"call f; exit; f: r0 = 0; head: r0 += 1; if w0 != 200 goto head; exit", {4}, 0, 4},
    {"r6 = 0; again: call f; r6 += 1; if r6 < 3 goto again; r0 = r6; exit; f: r0 = 0; head: r0 += 1; if r0 != 40 goto head; exit", {8}, 0, 8},
    {"r6 = 0; again: call f; r6 += 1; if r6 < 3 goto again; r0 = r6; exit; f: r0 = 0; head: r0 += 1; if r0 != 30 goto head; exit", {8}, 3, -1},
};

TEST(turns_of_metered_loops_are_counted)
{
    for (size_t i = 0; i < PST_COUNT(metered_rows); i++) {
        const metered_row *row = &metered_rows[i];
        uint8_t flags[METERED_SLOTS] = {0};
        const pst_facts facts = {.flags = flags};
        for (size_t n = 0; n < PST_COUNT(row->at); n++)
            if (row->at[n]) flags[row->at[n]] = PST_FACT_METERED;
        EACH_ENGINE(e) {
            fixture_reset();
            pst_exec *exec = fixture_make(e, row->text, &facts);
            for (int again = 0; exec && again < 2; again++) { // every run has all the turns
                pst_run run = {.ctx = &g_world.ctx};
                uint64_t r0 = pst_exec_run(exec, &run);
                bool trapped = run.trap.code == PST_TRAP_BUDGET && (int)run.trap.pc == row->trap_pc;
                if (r0 != row->r0 || (row->trap_pc < 0 ? run.trap.code != PST_TRAP_NONE : !trapped))
                    pst_test_fail(__FILE__, __LINE__, "\"%s\" (%s): r0 is %" PRIu64 "; %s at %u, %" PRIu64 " turns", row->text, names[e], r0,
                                  pst_trap_text(run.trap.code), run.trap.pc, run.turns);
            }
            fixture_free(exec);
        }
    }
}

// --- Wrong guesses --------------------------------------------------------------------------------------------

// Which slots of text wait, bit n: slot n. The instruction at steady has a constant offset in its object.
static uint32_t waiting_slots(const char *text, unsigned steady, bool waits, fast_loop_fn loop, uint64_t want)
{
    uint8_t flags[32] = {0};
    const pst_facts facts = {.flags = flags};
    const pst_interp_opts opts = {.size = sizeof opts, .waits = waits};
    pst_slot *slots = NULL;
    size_t count = 0;
    pst_asm_error error;
    pst_image *image = NULL;
    pst_exec *exec = NULL;
    uint8_t memory[16] = {9, 8, 7};
    pst_run run = {0};
    uint32_t found = 0;
    flags[steady] = PST_FACT_STEADY;
    const pst_bindings raw = {0};
    CHECK_EQ(pst_assemble(pst_pal_env(), text, &slots, &count, &error), PST_OK);
    const pst_image_input input = {.size = sizeof input, .slots = slots, .count = (uint32_t)count};
    CHECK_EQ(pst_image_build(pst_pal_env(), &input, NULL, &image), PST_OK);
    CHECK_EQ(fast_create_with(pst_pal_env(), image, &raw, &facts, &opts, loop, &exec), PST_OK);
    const fast_program *prog = (const fast_program *)(const void *)exec;
    for (uint32_t pc = 0; prog->waiting && pc < image->count; pc++)
        if (prog->waiting[pc].op || prog->waiting[pc].label) found |= 1u << pc;
    CHECK_EQ(pst_exec_run_raw(exec, (pst_raw_memory){memory, sizeof memory}, &run), want);
    exec->free(exec);
    pst_image_free(image);
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    return found;
}

TEST(the_fast_interpreter_waits_where_a_wrong_guess_could_move_an_access)
{
    static const char text[] = "if r2 < 3 goto out; r3 = *(u8 *)(r1 + 1); r4 = r1; r4 += 2; r0 = *(u8 *)(r4 + 0); *(u64 *)(r10 - 8) = r0; *(u8 *)(r4 + 1) = 3; r0 += r3; exit; out: r0 = 0; exit";
    for (unsigned i = 0; i < 2; i++) {
        fast_loop_fn loop = i ? fast_loop_switch : fast_loop;
        CHECK_EQ(waiting_slots(text, 1, true, loop, 15), 1u << 4 | 1u << 6);
        CHECK_EQ(waiting_slots(text, 4, true, loop, 15), 1u << 1 | 1u << 6);
        CHECK_EQ(waiting_slots(text, 1, false, loop, 15), 0);
    }
}
