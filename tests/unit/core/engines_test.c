// engines_test.c: the same program in each engine.
#include "core_fixture.h"

#include "core/engines.h"
#include "core/internal.h"
#include "jit/jit.h"
#include "pal/pal.h"

TEST(a_program_is_the_same_in_every_engine)
{
    for (int engine = 0; engine < PST_ENGINE_COUNT; engine++) {
        core_fixture f;
        uint32_t retval = 0;
        fixture_open(&f);
        int64_t map = map_create(&f, PST_MAP_ARRAY, 4, 8, 1, 0);
        int64_t fd = prog_load_text(&f, PST_PROG_SAMPLE, "r1 = 6\nr1 *= 7\nr0 = r1\nexit");
        CHECK(*pst_engine_name((pst_engine)engine));
        pst_status status = pst_core_use_engine(f.client, (int)fd, (pst_engine)engine, NULL);
        // A machine without a compiler says so, and the program stays in the engine that it has.
        if (engine == PST_ENGINE_JIT && !PST_HOST_COMPILES) CHECK_EQ(status, PST_E_UNSUPPORTED);
        else CHECK_EQ(status, PST_OK);
        CHECK_EQ(prog_run_sample(&f, fd, &retval), 0);
        CHECK_EQ(retval, 42);
        CHECK_EQ(pst_core_use_engine(f.client, (int)map, (pst_engine)engine, NULL), PST_E_INVALID);
        CHECK_EQ(pst_core_use_engine(f.client, 12345, (pst_engine)engine, NULL), PST_E_INVALID);
        fixture_close(&f);
    }
    CHECK_STR(pst_engine_name(PST_ENGINE_COUNT), "");
}

TEST(the_checked_interpreter_counts_what_it_executes)
{
    core_fixture f;
    uint32_t retval = 0;
    uint64_t counts[8] = {0};
    fixture_open(&f);
    int64_t map = map_create(&f, PST_MAP_ARRAY, 4, 8, 1, 0);
    int64_t fd = prog_load_text(&f, PST_PROG_SAMPLE, "r0 = 0\nagain: r0 += 3\nif r0 < 12 goto again\nif r0 != 5 goto out\nr0 = 1\nout: exit");
    CHECK_EQ(pst_core_use_engine(f.client, (int)fd, PST_ENGINE_FAST, NULL), PST_OK);
    CHECK(!pst_core_count(f.client, (int)fd, counts)); // not this engine
    CHECK_EQ(pst_core_use_engine(f.client, (int)fd, PST_ENGINE_CHECKED, NULL), PST_OK);
    CHECK(pst_core_count(f.client, (int)fd, counts));
    CHECK(!pst_core_count(f.client, (int)map, counts) && !pst_core_count(f.client, 12345, counts));
    CHECK_EQ(prog_run_sample(&f, fd, &retval), 0);
    CHECK_EQ(retval, 12);
    static const uint64_t once[] = {1, 4, 4, 1, 0, 1, 0, 0};
    for (size_t i = 0; i < PST_COUNT(once); i++) CHECK_EQ(counts[i], once[i]);
    CHECK(pst_core_count(f.client, (int)fd, NULL));
    CHECK_EQ(prog_run_sample(&f, fd, &retval), 0);
    CHECK_EQ(counts[0], 1);
    fixture_close(&f);
}

TEST(machine_code_of_a_program_can_be_looked_at)
{
    core_fixture f;
    pst_jit_code code = {0};
    const pst_image *image = NULL;
    fixture_open(&f);
    int64_t fd = prog_load_text(&f, PST_PROG_SAMPLE, "r0 = 7\nexit"), map = map_create(&f, PST_MAP_ARRAY, 4, 8, 1, 0);
    if (pst_core_use_engine(f.client, (int)fd, PST_ENGINE_JIT, NULL) == PST_OK) {
        CHECK(pst_core_code_of(f.client, (int)fd, &code, &image));
        CHECK(code.size > 0 && code.count > 0 && image && image->count == 2);
        CHECK(code.offsets[code.count] <= code.size);
    }
    CHECK_EQ(pst_core_use_engine(f.client, (int)fd, PST_ENGINE_FAST, NULL), PST_OK);
    CHECK(!pst_core_code_of(f.client, (int)fd, &code, &image));
    CHECK(!pst_core_code_of(f.client, (int)map, &code, &image) && !pst_core_code_of(f.client, 12345, &code, &image));
    fixture_close(&f);
}

static uint32_t run_with(uint32_t choice)
{
    const pst_core_options options = {.size = sizeof options, .engine = choice};
    core_fixture f = {0};
    uint32_t retval = 0;
    CHECK_EQ(pst_core_create(pst_pal_env(), &options, &f.core), PST_OK);
    CHECK_EQ(pst_client_create(f.core, &f.client), PST_OK);
    int64_t fd = prog_load_text(&f, PST_PROG_SAMPLE, "r0 = 42\nexit");
    CHECK_EQ(prog_run_sample(&f, fd, &retval), 0);
    pst_client_free(f.client);
    pst_core_free(f.core);
    return retval;
}

TEST(the_host_chooses_the_engine)
{
    CHECK_EQ(run_with(PST_CORE_ENGINE_ANY), 42);
    CHECK_EQ(run_with(PST_CORE_ENGINE_INTERP), 42);
    CHECK_EQ(run_with(PST_CORE_ENGINE_CHECKED), 42);
    if (!PST_HOST_COMPILES) return; // elsewhere the load is refused
    CHECK_EQ(run_with(PST_CORE_ENGINE_JIT), 42);
    CHECK_EQ(run_with(PST_CORE_ENGINE_JIT_QUICK), 42);
}

// Whether the constant of a program stands in its machine code.
static bool shows_constant(uint32_t harden)
{
#if PST_HOST_ARM64
    static const uint8_t planted[] = {0x30, 0x56, 0xab, 0x72}; // movk w16, #0x5ab1, lsl #16
#else
    static const uint8_t planted[] = {0xd3, 0xc2, 0xb1, 0x5a};
#endif
    const pst_core_options options = {.size = sizeof options, .engine = PST_CORE_ENGINE_JIT, .harden = harden};
    core_fixture f = {0};
    pst_jit_code code = {0};
    bool found = false;
    CHECK_EQ(pst_core_create(pst_pal_env(), &options, &f.core), PST_OK);
    CHECK_EQ(pst_client_create(f.core, &f.client), PST_OK);
    int64_t fd = prog_load_text(&f, PST_PROG_SAMPLE, "call 7\nif r0 == 0x5ab1c2d3 goto +2\nr0 = 0\nexit\nr0 = 1\nexit");
    core_object *object = core_handle_get(f.client, (int)fd, NULL);
    CHECK(object && pst_jit_code_of(core_prog_of(object)->exec, &code));
    for (size_t i = 0; i + sizeof planted <= code.size; i++) found |= memcmp(code.bytes + i, planted, sizeof planted) == 0;
    if (object) core_object_put(object);
    pst_client_free(f.client);
    pst_core_free(f.core);
    return found;
}

TEST(the_host_chooses_hardening)
{
    if (!pst_jit_supported()) {
        pst_test_skip("there is no compiler for this machine");
        return;
    }
    CHECK(!shows_constant(PST_CORE_HARDEN_ON));
    CHECK(shows_constant(PST_CORE_HARDEN_OFF));
    CHECK_EQ(shows_constant(PST_CORE_HARDEN_AUTO), pst_pal_is_privileged());
}

// A loop that nothing bounds, in an engine of the core: refused, or stopped after so many turns.
static void check_metered(uint32_t engine, uint64_t budget)
{
    static const char searching[] = "again: call 7\nr0 &= 7\nif r0 != 1 goto again\nr0 = 9\nexit";
    const pst_core_options options = {.size = sizeof options, .engine = engine, .budget = budget, .meter = true, .meter_turns = 5000};
    core_fixture f = {0};
    uint32_t retval = 0;
    CHECK_EQ(pst_core_create(pst_pal_env(), &options, &f.core), PST_OK);
    CHECK_EQ(pst_client_create(f.core, &f.client), PST_OK);
    CHECK_EQ(prog_run_sample(&f, prog_load_text(&f, PST_PROG_SAMPLE, searching), &retval), 0);
    CHECK_EQ(retval, 9);
    int64_t fd = prog_load_text(&f, PST_PROG_SAMPLE, "again: call 7\nr0 |= 2\nif r0 != 1 goto again\nr0 = 0\nexit");
    for (int i = 0; i < 2; i++) CHECK_EQ(prog_run_sample(&f, fd, &retval), -PST_EFAULT);
    CHECK_EQ(prog_run_sample(&f, prog_load_text(&f, PST_PROG_SAMPLE, "r0 = 7\nexit"), &retval), 0);
    CHECK_EQ(retval, 7);
    pst_client_free(f.client);
    pst_core_free(f.core);
}

TEST(loops_that_nothing_bounds_are_metered_in_every_engine)
{
    check_metered(PST_CORE_ENGINE_INTERP, 0);
    check_metered(PST_CORE_ENGINE_CHECKED, 0);
    check_metered(PST_CORE_ENGINE_ANY, 1u << 30);
    if (pst_jit_supported()) check_metered(PST_CORE_ENGINE_JIT, 0);
    core_fixture f;
    fixture_open(&f);
    CHECK_EQ(prog_load_as(&f, PST_PROG_SAMPLE, 0, "endless", "again: call 7\nif r0 != 5 goto again\nr0 = 0\nexit"), -PST_EACCES);
    fixture_close(&f);
}
