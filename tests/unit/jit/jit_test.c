// jit_test.c: compiled programs as a thing: what their memory is, what ends their runs early, how large their code is.
//
// What programs compute is tested in tests/conformance, tests/diff and, with contexts, maps and helpers, in tests/unit/interp.
#include "harness.h"
#include "interp_fixture.h"
#include "jit/jit.h"
#include "pal/pal.h"

#define SKIP_WITHOUT_COMPILER()                                                    \
    do {                                                                           \
        if (!pst_jit_supported()) {                                                \
            pst_test_skip("there is no compiler for this machine");                \
            return;                                                                \
        }                                                                          \
    } while (0)

static pst_jit_code code_of(const pst_exec *exec)
{
    pst_jit_code code = {0};
    CHECK(pst_jit_code_of(exec, &code));
    return code;
}

// --- Memory ---------------------------------------------------------------------------------------------------

#ifdef __linux__
// The permissions of the mapping that address lies in ("r-xp").
static void permissions_of(const void *address, char out[5])
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    memcpy(out, "none", 5);
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long long begin, end;
        char permissions[8];
        if (sscanf(line, "%llx-%llx %7s", &begin, &end, permissions) != 3) continue;
        if ((uintptr_t)address >= begin && (uintptr_t)address < end) memcpy(out, permissions, 4);
    }
    if (maps) fclose(maps);
}

TEST(code_is_executable_and_never_writable)
{
    char line[512], permissions[5];
    SKIP_WITHOUT_COMPILER();
    pst_exec *exec = fixture_make(FIXTURE_JIT, "r0 = 1; exit", NULL);
    REQUIRE(exec);
    permissions_of(code_of(exec).bytes, permissions);
    CHECK_STR(permissions, "r-xp");
    FILE *maps = fopen("/proc/self/maps", "r");
    REQUIRE(maps);
    while (fgets(line, sizeof line, maps))
        if (strstr(line, " rwx")) pst_test_fail(__FILE__, __LINE__, "%s", line);
    fclose(maps);
    fixture_free(exec);
}
#endif

TEST(code_goes_with_its_program)
{
    SKIP_WITHOUT_COMPILER();
    for (int i = 0; i < 20000; i++) { // more than there are places for at once
        pst_exec *exec = fixture_make(FIXTURE_JIT, "r0 = 1; exit", NULL);
        REQUIRE(exec);
        fixture_free(exec);
    }
}

TEST(code_is_told_from_other_engines)
{
    pst_jit_code code;
    pst_exec *exec = fixture_make(FIXTURE_FAST, "r0 = 1; exit", NULL);
    REQUIRE(exec);
    CHECK(!pst_jit_code_of(exec, &code));
    fixture_free(exec);
}

// --- Size -----------------------------------------------------------------------------------------------------

static size_t size_of(const char *text)
{
    pst_exec *exec = fixture_make(FIXTURE_JIT, text, NULL);
    if (!exec) return 0;
    size_t size = code_of(exec).size;
    fixture_free(exec);
    return size;
}

TEST(code_is_small)
{
    SKIP_WITHOUT_COMPILER();
    size_t empty = size_of("r0 = 0; exit");
    CHECK(empty <= 32);
    // One machine instruction each, or none at all.
    CHECK(size_of("r0 = 0; r0 += 1; r0 += 2; r0 += 3; exit") <= empty + 3);
    CHECK(size_of("r3 = r1; r3 += 8; r4 = r3; r0 = *(u64 *)(r4 + 8); exit") <= size_of("r0 = *(u64 *)(r1 + 16); exit"));
    CHECK(size_of("r0 = 0; r2 = 7; r2 = 8; r2 = 9; exit") == empty); // nobody reads them
}

TEST(offsets_lie_in_the_code)
{
    SKIP_WITHOUT_COMPILER();
    pst_exec *exec = fixture_make(FIXTURE_JIT, "r0 = 5 ll; loop: r0 += -1; if r0 != 0 goto loop; call sub; exit; sub: r0 = 1; exit", NULL);
    REQUIRE(exec);
    pst_jit_code code = code_of(exec);
    for (uint32_t pc = 0; pc < code.count; pc++) CHECK(code.offsets[pc] <= code.offsets[pc + 1]);
    CHECK_EQ(code.offsets[code.count], code.size);
    fixture_free(exec);
}

// Branches at each distance around the limit of a byte, both ways, with targets that move as they grow.
TEST(branches_reach)
{
    static char text[65536];
    SKIP_WITHOUT_COMPILER();
    for (unsigned fill = 20; fill < 140; fill++) {
        size_t used = (size_t)snprintf(text, sizeof text, "r0 = 0; r1 = 3; r3 = 0; goto first; back: r0 += 1; goto out; first: if r1 == 4 goto out;");
        used += (size_t)snprintf(text + used, sizeof text - used, "if r1 == 3 goto over;");
        for (unsigned i = 0; i < fill; i++) used += (size_t)snprintf(text + used, sizeof text - used, i % 3 ? "r3 ^= r1;" : "r3 *= r1;");
        used += (size_t)snprintf(text + used, sizeof text - used, "over: r0 += 100; if r3 == 0 goto back; out: exit");
        pst_run run;
        CHECK_EQ(fixture_run(FIXTURE_JIT, text, &run), 101);
    }
}

// --- Runs that end early --------------------------------------------------------------------------------------

static void check_fault(const char *text, uint32_t pc)
{
    for (fixture_engine e = FIXTURE_JIT; e < fixture_engine_count(); e++) {
        pst_run run;
        uint64_t r0 = fixture_run(e, text, &run);
        if (run.trap.code != PST_TRAP_FAULT || run.trap.pc != pc || r0 != 0)
            pst_test_fail(__FILE__, __LINE__, "\"%s\": r0 is 0x%" PRIx64 "; %s at %u, not %u", text, r0, pst_trap_text(run.trap.code), run.trap.pc, pc);
    }
}

// Nothing that is proved does this.
TEST(a_machine_fault_is_a_trap)
{
    SKIP_WITHOUT_COMPILER();
    check_fault("r0 = 0; r1 = 8; r0 = *(u8 *)(r1 + 0); exit", 2);
    check_fault("r0 = 0; r1 = 8; *(u64 *)(r1 + 0) = r1; exit", 2);
    check_fault("r1 = 0x8000000000000000 ll; r0 = *(u64 *)(r1 + 0); exit", 2); // no address of any machine
    check_fault("r6 = 1; r7 = 2; r8 = 3; r9 = 4; *(u64 *)(r10 - 8) = r6; r1 = 8; r0 = *(u8 *)(r1 + 0); exit", 6);
    check_fault("call sub; exit; sub: call more; exit; more: *(u64 *)(r10 - 8) = 1; r6 = 8; r0 = *(u8 *)(r6 + 0); exit", 6);
    // In a callback, which has an entry of its own.
    check_fault("r1 = 5; r2 = subprog[sub]; r3 = 0; call 42; r0 = 7; exit; sub: r1 = 8; r0 = *(u8 *)(r1 + 0); exit", 8);
    pst_run run;
    (void)fixture_run(FIXTURE_JIT, "r0 = 0; r1 = 8; r0 = *(u8 *)(r1 + 4); exit", &run);
    CHECK_EQ(run.trap.address, 12);
}

#define TAIL "r2 = map[fd:7]; r3 = 0; call 12; "

// Runs text in one engine, with target in the program array in another.
static uint64_t run_tail(fixture_engine engine, const char *text, fixture_engine other, const char *target, pst_run *run, bool *in_target)
{
    fixture_reset();
    *run = (pst_run){.ctx = &g_world.ctx};
    pst_exec *exec = fixture_make(engine, text, NULL), *next = fixture_make(other, target, NULL);
    g_world.targets[0] = next;
    uint64_t r0 = exec && next ? pst_exec_run(exec, run) : 0;
    *in_target = run->prog == next;
    fixture_free(exec);
    fixture_free(next);
    return r0;
}

TEST(tail_calls_lead_from_engine_to_engine)
{
    static const fixture_engine pairs[][2] = {{FIXTURE_JIT, FIXTURE_JIT}, {FIXTURE_JIT, FIXTURE_FAST}, {FIXTURE_FAST, FIXTURE_JIT}, {FIXTURE_CHECKED, FIXTURE_JIT}, {FIXTURE_JIT, FIXTURE_CHECKED}};
    SKIP_WITHOUT_COMPILER();
    for (size_t i = 0; i < PST_COUNT(pairs); i++) {
        pst_run run;
        bool in_target;
        CHECK_EQ(run_tail(pairs[i][0], TAIL "r0 = 1; exit", pairs[i][1], "r0 = 42; exit", &run, &in_target), 42);
        CHECK(in_target && run.trap.code == PST_TRAP_NONE);
        // From a subprogram it comes back, and the caller's frames are as they were.
        CHECK_EQ(run_tail(pairs[i][0], "r6 = 2; *(u64 *)(r10 - 8) = 7; call sub; r0 += r6; r1 = *(u64 *)(r10 - 8); r0 += r1; exit; sub: r6 = 9; " TAIL "r0 = 1; exit",
                          pairs[i][1], "r6 = 5; *(u64 *)(r10 - 8) = 1; r0 = 42; exit", &run, &in_target), 51);
        CHECK(!in_target && run.trap.code == PST_TRAP_NONE && run.tail_nested == 0);
        // Inside a callback too, whose r1 is no context, which the checked interpreter minds.
        if (pairs[i][0] == FIXTURE_CHECKED) continue;
        CHECK_EQ(run_tail(pairs[i][0], "r1 = 3; r2 = subprog[sub]; r3 = 0; call 42; exit; sub: " TAIL "r0 = 1; exit", pairs[i][1], "r0 = 5; exit", &run, &in_target), 15);
    }
}

TEST(a_fault_names_the_program_that_it_is_in)
{
    static const char *const target = "r0 = 0; r1 = 8; r0 = *(u8 *)(r1 + 0); exit";
    SKIP_WITHOUT_COMPILER();
    pst_run run;
    bool in_target;
    CHECK_EQ(run_tail(FIXTURE_JIT, TAIL "r0 = 1; exit", FIXTURE_JIT, target, &run, &in_target), 0);
    CHECK(in_target && run.trap.code == PST_TRAP_FAULT && run.trap.pc == 2);
    CHECK_EQ(run_tail(FIXTURE_JIT, "call sub; r0 = 5; exit; sub: " TAIL "r0 = 1; exit", FIXTURE_JIT, target, &run, &in_target), 0);
    CHECK(in_target && run.trap.code == PST_TRAP_FAULT && run.trap.pc == 2 && !run.tail_next);
    // After the target is back, a fault of the caller is the caller's.
    CHECK_EQ(run_tail(FIXTURE_JIT, "call sub; r1 = 8; r0 = *(u8 *)(r1 + 0); exit; sub: " TAIL "r0 = 1; exit", FIXTURE_JIT, "r0 = 0; exit", &run, &in_target), 0);
    CHECK(!in_target && run.trap.code == PST_TRAP_FAULT && run.trap.pc == 2);
}

TEST(code_that_is_proved_dead_faults)
{
    static const uint8_t dead[8] = {0, 0, PST_FACT_DEAD};
    const pst_facts facts = {.flags = dead};
    SKIP_WITHOUT_COMPILER();
    fixture_reset();
    pst_exec *exec = fixture_make(FIXTURE_JIT, "r0 = 1; r1 = 2; r0 = 2; exit", &facts);
    pst_run run = {.ctx = &g_world.ctx};
    REQUIRE(exec);
    CHECK_EQ(pst_exec_run(exec, &run), 0);
    CHECK_EQ(run.trap.code, PST_TRAP_FAULT);
    fixture_free(exec);
}

TEST(facts_are_used)
{
    static const uint8_t divisor[8] = {0, 0, PST_FACT_DIVISOR}, dead[8] = {0, 0, PST_FACT_DEAD}, clear[8] = {0, PST_FACT_UPPER_ZERO};
    static const pst_facts by_divisor = {.flags = divisor}, by_dead = {.flags = dead}, by_clear = {.flags = clear};
    static const struct { const char *text; const pst_facts *facts; uint64_t r0; } rows[] = {
        {"r0 = 7; r1 = 2; r0 /= r1; exit", &by_divisor, 3},
        {"r0 = 7; if r0 != 7 goto +1; goto +1; r0 = 1; exit", NULL, 7},
        {"r0 = 7; if r0 == 7 goto +1; r0 = 1; exit", &by_dead, 7},
        {"r1 = 7; w0 = w1; exit", &by_clear, 7},
    };
    SKIP_WITHOUT_COMPILER();
    for (size_t i = 0; i < PST_COUNT(rows); i++) {
        pst_run run = {0};
        fixture_reset();
        pst_exec *without = fixture_make(FIXTURE_JIT, rows[i].text, NULL), *with = fixture_make(FIXTURE_JIT, rows[i].text, rows[i].facts);
        REQUIRE(without && with);
        CHECK_EQ(pst_exec_run(with, &run), rows[i].r0);
        CHECK(code_of(with).size <= code_of(without).size + 32); // dead code may bring the way out of a run
        fixture_free(without);
        fixture_free(with);
    }
}

// r0 = lookup(array of 4 values of 16 bytes, key at r10 - 4); r0 = *r0, or 77 where there is none.
#define LOOKUP(key) "r6 = " key "; *(u32 *)(r10 - 4) = r6; r2 = r10; r2 += -4; r1 = map[fd:1]; call 1; if r0 == 0 goto none; r0 = *(u64 *)(r0 + 0); exit; none: r0 = 77; exit"
#define LOOKUP_CALL 6 // its slot

static uint64_t run_lookup(const char *text, const pst_facts *facts, unsigned *calls)
{
    fixture_reset();
    for (unsigned i = 0; i < 4; i++) *fixture_value(1, i) = 100 + i;
    pst_exec *exec = fixture_make(FIXTURE_JIT, text, facts);
    pst_run run = {.ctx = &g_world.ctx};
    uint64_t r0 = exec ? pst_exec_run(exec, &run) : 0;
    *calls = g_world.calls;
    fixture_free(exec);
    return r0;
}

TEST(lookups_in_known_arrays_call_nobody)
{
    static uint8_t flags[16], sure[16] = {[LOOKUP_CALL] = PST_FACT_NOT_NULL};
    pst_fact_call calls[16] = {[LOOKUP_CALL] = {.map = 1}};
    pst_facts facts = {.flags = flags, .calls = calls};
    unsigned called;
    SKIP_WITHOUT_COMPILER();
    CHECK_EQ(run_lookup(LOOKUP("2"), NULL, &called), 102);
    CHECK_EQ(called, 1);
    CHECK_EQ(run_lookup(LOOKUP("2"), &facts, &called), 102);
    CHECK_EQ(run_lookup(LOOKUP("3"), &facts, &called), 103);
    CHECK_EQ(run_lookup(LOOKUP("4"), &facts, &called), 77);
    CHECK_EQ(run_lookup(LOOKUP("-1"), &facts, &called), 77);
    CHECK_EQ(called, 0);
    facts.flags = sure;
    CHECK_EQ(run_lookup(LOOKUP("1"), &facts, &called), 101);
    facts.flags = flags;
    calls[LOOKUP_CALL] = (pst_fact_call){.map = 1, .has_key = true, .key = 3};
    CHECK_EQ(run_lookup(LOOKUP("3"), &facts, &called), 103);
    calls[LOOKUP_CALL].key = 4;
    CHECK_EQ(run_lookup(LOOKUP("4"), &facts, &called), 77);
    CHECK_EQ(called, 0);
}

static uint64_t g_looked_up[2]; // what the map's own function was given

static void *own_lookup(void *map, const void *key)
{
    static uint64_t value = 4711;
    g_looked_up[0] = (uint64_t)(uintptr_t)map;
    g_looked_up[1] = *(const uint32_t *)key;
    return g_looked_up[1] < 200 ? &value : NULL;
}

// A map that has a function of its own is asked by that, without the helper.
TEST(lookups_in_known_maps_go_to_the_map)
{
    static const char text[] = "r6 = *(u32 *)(r1 + 0); r6 = 5; *(u32 *)(r10 - 4) = r6; r2 = r10; r2 += -4; r1 = map[fd:3]; call 1; r0 = *(u64 *)(r0 + 0); exit";
    static const uint8_t flags[16];
    static const pst_fact_call calls[16] = {[7] = {.map = 1}};
    const pst_facts facts = {.flags = flags, .calls = calls};
    pst_exec *exec;
    SKIP_WITHOUT_COMPILER();
    fixture_reset();
    pst_exec *image_owner = fixture_make(FIXTURE_FAST, text, NULL);
    REQUIRE(image_owner);
    const pst_image *image = image_owner->image;
    image->maps[0]->lookup = (uintptr_t)own_lookup;
    REQUIRE(fixture_create(FIXTURE_JIT, image, fixture_bindings(), &facts, &exec) == PST_OK);
    pst_run run = {.ctx = &g_world.ctx};
    CHECK_EQ(pst_exec_run(exec, &run), PST_HOST_X64 ? 4711u : *fixture_value(3, 5));
    if (PST_HOST_X64) {
        CHECK_EQ(g_world.calls, 0);
        CHECK_EQ(g_looked_up[0], (uint64_t)(uintptr_t)image->maps[0]);
        CHECK_EQ(g_looked_up[1], 5);
    }
    image->maps[0]->lookup = 0;
    exec->free(exec);
    fixture_free(image_owner);
}

TEST(registers_of_the_caller_survive)
{
    SKIP_WITHOUT_COMPILER();
    // A fault, a tail call and an exit leave all of them; the compiler of this loop uses as many as it can.
    static const char *const texts[] = {
        "r6 = 1; r7 = 2; r8 = 3; r9 = 4; r1 = 8; r0 = *(u8 *)(r1 + 0); exit",
        "r6 = 1; r7 = 2; r8 = 3; r9 = 4; r0 = r6; r0 += r7; r0 += r8; r0 += r9; r0 -= 10; exit",
        "call sub; r0 = 0; exit; sub: r6 = 1; r7 = 2; r8 = 3; r9 = 4; r1 = 8; *(u64 *)(r10 - 8) = r6; *(u64 *)(r10 - 16) = r7; *(u64 *)(r10 - 24) = r8;"
        "*(u64 *)(r10 - 32) = r9; r0 = *(u8 *)(r1 + 0); exit",
        // Registers that only a subprogram writes, and whose values it needs after the fault.
        "call sub; r0 = 0; exit; sub: r6 = r1; r6 *= 3; r7 = r6; r7 *= 5; r8 = r7; r8 *= 7; r9 = r8; r9 *= 3; r1 = 8; r0 = *(u8 *)(r1 + 0);"
        "r0 += r6; r0 += r7; r0 += r8; r0 += r9; exit",
    };
    for (size_t t = 0; t < PST_COUNT(texts); t++) {
        pst_exec *exec = fixture_make(FIXTURE_JIT, texts[t], NULL);
        REQUIRE(exec);
        uint64_t a = t, b = t * 3, c = t * 5, d = t * 7, e = t * 11, sum = 0;
        for (uint64_t i = 0; i < 100; i++) {
            pst_run run = {.ctx = &g_world.ctx};
            sum += pst_exec_run(exec, &run);
            a += i, b += 2 * i, c += 3 * i, d += 4 * i, e += 5 * i;
        }
        CHECK(sum == 0 && a - t == 4950 && b - 3 * t == 2 * 4950 && c - 5 * t == 3 * 4950 && d - 7 * t == 4 * 4950 && e - 11 * t == 5 * 4950);
        fixture_free(exec);
    }
}

TEST(helpers_may_ask_what_can_be_read)
{
    static const struct { const char *text; uint64_t r0; } rows[] = {
        {"*(u64 *)(r10 - 8) = 1; r1 = r10; r1 += -8; r2 = 8; call 43; exit", 1},
        {"r1 = r10; r1 += -512; r2 = 512; call 43; exit", 1},
        {"r1 = r10; r1 += -8; r2 = 9; call 43; exit", 0},
        {"r1 = r10; r1 += -513; r2 = 1; call 43; exit", 0},
        {"r1 = 8; r2 = 1; call 43; exit", 0},
        {"r1 = r10; r1 += -8; call sub; exit; sub: r2 = 8; call 43; exit", 1}, // the caller's
        {"r1 = r10; r1 += -8; call sub; exit; sub: r2 = 9; call 43; exit", 0},
    };
    SKIP_WITHOUT_COMPILER();
    for (size_t i = 0; i < PST_COUNT(rows); i++) {
        pst_run run;
        CHECK_EQ(fixture_run(FIXTURE_JIT, rows[i].text, &run), rows[i].r0);
        CHECK(!run.can_read && !run.call_back);
    }
}

// --- Making programs ------------------------------------------------------------------------------------------

TEST(refuses_what_it_cannot_compile)
{
    static const char *const texts[] = {"r1 = addr_space_cast(r2, 0, 1); exit", "r0 = 0; call kfunc 77; exit", "r1 = var[id:5]; exit"};
    static const uint8_t dead[8] = {PST_FACT_DEAD, PST_FACT_DEAD, PST_FACT_DEAD, PST_FACT_DEAD};
    const pst_facts facts = {.flags = dead};
    SKIP_WITHOUT_COMPILER();
    for (size_t i = 0; i < PST_COUNT(texts); i++) {
        pst_exec *made = fixture_make(FIXTURE_JIT, texts[i], &facts), *exec = NULL; // dead, it may be anything
        REQUIRE(made);
        const pst_env quiet = {.resize = pst_pal_env()->resize};
        CHECK_EQ(pst_jit_create(&quiet, made->image, fixture_bindings(), NULL, NULL, &exec), PST_E_UNSUPPORTED);
        CHECK(!exec);
        fixture_free(made);
    }
}
