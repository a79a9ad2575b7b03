// callback_test.c: helpers that call back, dynptrs and kfuncs, proved and run: in the fast interpreter, and (with a budget) in the checked one.
#include "core_fixture.h"

#include "base/bits.h"
#include "core/core.h"

static char g_text[4096];

#define TEXT(...) (snprintf(g_text, sizeof g_text, __VA_ARGS__), g_text)
#define EACH_ENGINE(budget) for (uint64_t budget = 0; budget <= 10000000; budget += 10000000)
#define LOOP(turns, flags) "r1 = " turns "\nr2 = subprog[body]\nr3 = r10\nr3 += -8\nr4 = " flags "\ncall 181\n"

static void check_runs(core_fixture *f, const char *text, uint32_t want)
{
    uint32_t retval = 0;
    CHECK_EQ(prog_run_sample(f, prog_load_text(f, PST_PROG_SAMPLE, text), &retval), 0);
    if (retval != want) pst_test_fail(__FILE__, __LINE__, "%u, not %u, of: %s", retval, want, text);
}

TEST(loops_run_as_often_as_they_say)
{
    static const struct {
        const char *text;
        uint32_t want;
    } cases[] = {
        // Adds up the indices until 6: 7 turns, 21 in all.
        {"*(u64 *)(r10 - 8) = 0\n" LOOP("10", "0") "r6 = r0\nr0 = *(u64 *)(r10 - 8)\nr0 += r6\nr0 &= 127\nexit\n"
         "body: r3 = *(u64 *)(r2 + 0)\nr3 += r1\n*(u64 *)(r2 + 0) = r3\nr0 = 0\nif r1 < 6 goto out\nr0 = 1\nout: exit", 28},
        {"*(u64 *)(r10 - 8) = 0\n" LOOP("0", "0") "r0 &= 127\nexit\nbody: r0 = 0\nexit", 0},
        {"*(u64 *)(r10 - 8) = 0\n" LOOP("100", "0") "r0 &= 127\nexit\nbody: r0 = 0\nexit", 100},
        {"*(u64 *)(r10 - 8) = 0\n" LOOP("1", "1") "r0 &= 127\nexit\nbody: r0 = 0\nexit", (uint32_t)-PST_EINVAL & 127},
        {"*(u64 *)(r10 - 8) = 0\n" LOOP("0x800001", "0") "r0 &= 127\nexit\nbody: r0 = 0\nexit", (uint32_t)-PST_E2BIG & 127},
        // A loop in a loop.
        {"*(u64 *)(r10 - 8) = 0\n" LOOP("3", "0") "r0 = *(u64 *)(r10 - 8)\nr0 &= 127\nexit\n"
         "body: r3 = r2\nr1 = 4\nr2 = subprog[inner]\nr4 = 0\ncall 181\nr0 = 0\nexit\n"
         "inner: r3 = *(u64 *)(r2 + 0)\nr3 += 1\n*(u64 *)(r2 + 0) = r3\nr0 = 0\nexit", 12},
    };
    EACH_ENGINE(budget) {
        core_fixture f;
        fixture_open_with(&f, budget);
        for (size_t i = 0; i < PST_COUNT(cases); i++) check_runs(&f, cases[i].text, cases[i].want);
        fixture_close(&f);
    }
}

// Sums the keys plus ten times the values of a map's elements, and returns that plus their number.
static const char *sum_text(int64_t map)
{
    return TEXT("*(u64 *)(r10 - 8) = 0\nr1 = map[fd:%d]\nr2 = subprog[body]\nr3 = r10\nr3 += -8\nr4 = 0\ncall 164\nr6 = r0\n"
                "r0 = *(u64 *)(r10 - 8)\nr0 += r6\nr0 &= 127\nexit\n"
                "body: r1 = *(u64 *)(r4 + 0)\nr2 = *(u32 *)(r2 + 0)\nr1 += r2\nr3 = *(u64 *)(r3 + 0)\nr3 *= 10\nr1 += r3\n*(u64 *)(r4 + 0) = r1\n"
                "r0 = 0\nexit", (int)map);
}

TEST(elements_are_visited_once)
{
    static const uint32_t types[] = {PST_MAP_ARRAY, PST_MAP_PERCPU_ARRAY, PST_MAP_HASH, PST_MAP_PERCPU_HASH};
    static uint64_t values[PST_CPUS_MAX];
    EACH_ENGINE(budget)
        for (size_t t = 0; t < PST_COUNT(types); t++) {
            core_fixture f;
            fixture_open_with(&f, budget);
            int64_t map = map_create(&f, types[t], 4, 8, 4, 0);
            for (uint32_t cpu = 0; cpu < PST_CPUS_MAX; cpu++) values[cpu] = 1;
            check_runs(&f, sum_text(map), types[t] == PST_MAP_ARRAY || types[t] == PST_MAP_PERCPU_ARRAY ? 4 + 6 : 0);
            for (uint32_t key = 0; key < 4; key++) CHECK_EQ(map_update(&f, map, &key, values, 0), 0);
            check_runs(&f, sum_text(map), 4 + 6 + 40);
            // The callback ends the walk.
            check_runs(&f, TEXT("r1 = map[fd:%d]\nr2 = subprog[body]\nr3 = 0\nr4 = 0\ncall 164\nr0 &= 127\nexit\nbody: r0 = 1\nexit", (int)map), 1);
            check_runs(&f, TEXT("r1 = map[fd:%d]\nr2 = subprog[body]\nr3 = 0\nr4 = 5\ncall 164\nr0 &= 127\nexit\nbody: r0 = 0\nexit", (int)map),
                       (uint32_t)-PST_EINVAL & 127);
            fixture_close(&f);
        }
}

// A callback may take away what it sees and put it back: the walk ends all the same.
TEST(a_walk_that_changes_the_map_ends)
{
    EACH_ENGINE(budget) {
        core_fixture f;
        uint64_t value = 0;
        fixture_open_with(&f, budget);
        int64_t map = map_create(&f, PST_MAP_HASH, 4, 8, 3, 0);
        for (uint32_t key = 0; key < 3; key++) CHECK_EQ(map_update(&f, map, &key, &value, 0), 0);
        uint32_t retval = 0;
        int64_t prog = prog_load_text(&f, PST_PROG_SAMPLE,
                                      TEXT("r1 = map[fd:%d]\nr2 = subprog[body]\nr3 = 0\nr4 = 0\ncall 164\nr0 &= 127\nexit\n"
                                           "body: r6 = r1\nr7 = *(u32 *)(r2 + 0)\n*(u32 *)(r10 - 4) = r7\n*(u64 *)(r10 - 16) = 1\nr2 = r10\nr2 += -4\ncall 3\n"
                                           "r1 = map[fd:%d]\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -16\nr4 = 0\ncall 2\nr0 = 0\nexit", (int)map, (int)map));
        for (int i = 0; i < 200; i++) CHECK_EQ(prog_run_sample(&f, prog, &retval), 0);
        CHECK(retval >= 1);
        fixture_close(&f);
    }
}

// --- Dynptrs --------------------------------------------------------------------------------------------------

#define FROM_MEM "r1 = map[fd:%d][0]+0\nr2 = 16\nr3 = 0\nr4 = r10\nr4 += -16\ncall 197\n"

TEST(a_map_value_is_read_and_written_by_a_dynptr)
{
    EACH_ENGINE(budget) {
        core_fixture f;
        uint32_t zero = 0;
        uint64_t value[2] = {0x11, 0x22};
        fixture_open_with(&f, budget);
        int64_t map = map_create(&f, PST_MAP_ARRAY, 4, 16, 1, 0);
        CHECK_EQ(map_update(&f, map, &zero, value, 0), 0);
        // Reads 8 bytes at 8.
        check_runs(&f, TEXT(FROM_MEM "*(u64 *)(r10 - 24) = 0\nr1 = r10\nr1 += -24\nr2 = 8\nr3 = r10\nr3 += -16\nr4 = 8\nr5 = 0\ncall 201\n"
                            "r0 = *(u8 *)(r10 - 24)\nexit", (int)map), 0x22);
        // One byte too many; a flag.
        check_runs(&f, TEXT(FROM_MEM "*(u64 *)(r10 - 24) = 0\nr1 = r10\nr1 += -24\nr2 = 8\nr3 = r10\nr3 += -16\nr4 = 9\nr5 = 0\ncall 201\nr0 &= 127\nexit",
                            (int)map), (uint32_t)-PST_E2BIG & 127);
        check_runs(&f, TEXT(FROM_MEM "*(u64 *)(r10 - 24) = 0\nr1 = r10\nr1 += -24\nr2 = 8\nr3 = r10\nr3 += -16\nr4 = 0\nr5 = 1\ncall 201\nr0 &= 127\nexit",
                            (int)map), (uint32_t)-PST_EINVAL & 127);
        // Writes, and sees a slice.
        check_runs(&f, TEXT(FROM_MEM "*(u64 *)(r10 - 24) = 0x33\nr1 = r10\nr1 += -16\nr2 = 1\nr3 = r10\nr3 += -24\nr4 = 1\nr5 = 0\ncall 202\n"
                            "r1 = r10\nr1 += -16\nr2 = 1\nr3 = 4\ncall 203\nif r0 == 0 goto out\nr0 = *(u8 *)(r0 + 0)\nout: r0 &= 127\nexit", (int)map), 0x33);
        check_runs(&f, TEXT(FROM_MEM "r1 = r10\nr1 += -16\nr2 = 13\nr3 = 4\ncall 203\nif r0 == 0 goto out\nr0 = 1\nout: r0 &= 1\nexit", (int)map), 0);
        // One of nothing: flags.
        check_runs(&f, TEXT("r1 = map[fd:%d][0]+0\nr2 = 16\nr3 = 1\nr4 = r10\nr4 += -16\ncall 197\nr6 = r0\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = 1\ncall 203\n"
                            "if r0 == 0 goto none\nr6 = 1\nnone: r0 = r6\nr0 &= 127\nexit", (int)map), (uint32_t)-PST_EINVAL & 127);
        CHECK_EQ(map_lookup(&f, map, &zero, value), 0);
        CHECK_EQ(value[0], 0x3311);
        fixture_close(&f);
    }
}

TEST(a_record_is_filled_by_a_dynptr)
{
    EACH_ENGINE(budget) {
        core_fixture f;
        pst_ringbuf_view view;
        fixture_open_with(&f, budget);
        int map = (int)map_create(&f, PST_MAP_RINGBUF, 0, 0, (uint32_t)pst_pal_ring_granularity(), 0);
        // A record that is handed over, one that is not, and one that is too large.
        check_runs(&f, TEXT("r1 = map[fd:%d]\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -16\ncall 198\nr6 = r0\n*(u64 *)(r10 - 24) = 77\n"
                            "r1 = r10\nr1 += -16\nr2 = 0\nr3 = r10\nr3 += -24\nr4 = 8\nr5 = 0\ncall 202\nr6 |= r0\n"
                            "r1 = r10\nr1 += -16\nr2 = 0\ncall 199\n"
                            "r1 = map[fd:%d]\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -16\ncall 198\nr1 = r10\nr1 += -16\nr2 = 0\ncall 200\n"
                            "r1 = map[fd:%d]\nr2 = 0xffffff\nr3 = 0\nr4 = r10\nr4 += -16\ncall 198\nr7 = r0\nr1 = r10\nr1 += -16\nr2 = 0\ncall 199\n"
                            "r0 = r6\nif r7 != 0 goto out\nr0 = 1\nout: r0 &= 127\nexit", map, map, map), 0);
        CHECK(pst_core_ringbuf_view(f.client, map, &view) == PST_OK);
        CHECK_EQ(*view.producer_pos, 32);
        CHECK_EQ(pst_load64(view.data + 8), 77);
        CHECK_EQ(pst_load32(view.data + 16) >> 30, 1); // discarded
        fixture_close(&f);
    }
}

TEST(what_holds_a_record_must_be_handed_over)
{
    core_fixture f;
    fixture_open(&f);
    int map = (int)map_create(&f, PST_MAP_RINGBUF, 0, 0, (uint32_t)pst_pal_ring_granularity(), 0);
    CHECK_EQ(prog_load_as(&f, PST_PROG_SAMPLE, 0, "lost", TEXT("r1 = map[fd:%d]\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -16\ncall 198\nr0 = 0\nexit", map)),
             -PST_EACCES);
    CHECK_EQ(prog_load_as(&f, PST_PROG_SAMPLE, 0, "forged", "*(u64 *)(r10 - 16) = 5\n*(u64 *)(r10 - 8) = 8\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = 1\ncall 203\nr0 = 0\nexit"),
             -PST_EACCES);
    fixture_close(&f);
}

// --- Kfuncs ---------------------------------------------------------------------------------------------------

// Adds up the numbers from start to end, at most 127.
static const char *iterate_text(core_fixture *f, int start, int end)
{
    int32_t make = pst_core_kfunc_number(f->core, "bpf_iter_num_new", true), next = pst_core_kfunc_number(f->core, "bpf_iter_num_next", true);
    int32_t destroy = pst_core_kfunc_number(f->core, "bpf_iter_num_destroy", true);
    return TEXT("r6 = 0\nr1 = r10\nr1 += -8\nr2 = %d\nr3 = %d\ncall kfunc %d\nr7 = r0\n"
                "again: r1 = r10\nr1 += -8\ncall kfunc %d\nif r0 == 0 goto out\nr1 = *(u32 *)(r0 + 0)\nr6 += r1\ngoto again\n"
                "out: r1 = r10\nr1 += -8\ncall kfunc %d\nr0 = r6\nr0 -= r7\nr0 &= 127\nexit", start, end, make, next, destroy);
}

TEST(iterators_count)
{
    EACH_ENGINE(budget) {
        core_fixture f;
        fixture_open_with(&f, budget);
        check_runs(&f, iterate_text(&f, 0, 10), 45);
        check_runs(&f, iterate_text(&f, 3, 6), 12);
        check_runs(&f, iterate_text(&f, 5, 5), 0);
        check_runs(&f, iterate_text(&f, -2, 3), (uint32_t)(-2 - 1 + 0 + 1 + 2) & 127);
        check_runs(&f, iterate_text(&f, INT32_MIN, INT32_MIN + 3), 3);
        check_runs(&f, iterate_text(&f, 6, 5), PST_EINVAL); // no turns
        check_runs(&f, iterate_text(&f, 0, 1 << 24), PST_E2BIG);
        int32_t lock = pst_core_kfunc_number(f.core, "bpf_rcu_read_lock", true), unlock = pst_core_kfunc_number(f.core, "bpf_rcu_read_unlock", true);
        check_runs(&f, TEXT("call kfunc %d\ncall kfunc %d\nr0 = 3\nexit", lock, unlock), 3);
        fixture_close(&f);
    }
}

TEST(kfuncs_are_numbered_by_name)
{
    core_fixture f;
    fixture_open(&f);
    CHECK_EQ(pst_core_kfunc_number(f.core, "bpf_iter_num_old", false), 0);
    CHECK_EQ(pst_core_kfunc_number(f.core, "bpf_preempt_disable", true), 0);
    int32_t described = pst_core_kfunc_number(f.core, "bpf_preempt_disable", false), enable = pst_core_kfunc_number(f.core, "bpf_preempt_enable", false);
    CHECK(described > 0 && enable > 0);
    CHECK_EQ(prog_load_as(&f, PST_PROG_SAMPLE, 0, "ahead", TEXT("call kfunc %d\ncall kfunc %d\nr0 = 0\nexit", described, enable)), -PST_EOPNOTSUPP);
    CHECK_STR(pst_client_error(f.client),
              "program \"ahead\" is proved safe, but cannot run: instruction 0 calls bpf_preempt_disable, which this host does not have yet");
    // A number that nobody gave out; an iterator that is left open.
    CHECK_EQ(prog_load_as(&f, PST_PROG_SAMPLE, 0, "unknown", "call kfunc 7\nr0 = 0\nexit"), -PST_EOPNOTSUPP);
    int32_t make = pst_core_kfunc_number(f.core, "bpf_iter_num_new", true);
    CHECK_EQ(prog_load_as(&f, PST_PROG_SAMPLE, 0, "open", TEXT("r1 = r10\nr1 += -8\nr2 = 0\nr3 = 5\ncall kfunc %d\nr0 = 0\nexit", make)), -PST_EACCES);
    fixture_close(&f);
}
