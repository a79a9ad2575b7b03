// timer_test.c: bpf_timer: callbacks at their time, in every engine; what ends a timer; Linux's errno; and many of them from many threads.
//
// Real time passes, but nothing is expected to be fast: a test waits for what must happen, as long as it takes, and what must not happen was made
// impossible before.
#include "core_fixture.h"

#include "base/bits.h"
#include "value_types.h"

#define MS 1000000u
#define PATIENCE_MS 20000u
#define NEVER (UINT64_C(3600) * 1000 * MS)

typedef enum timer_op { OP_INIT, OP_SET, OP_START, OP_CANCEL, OPS } timer_op;

// A value: how often its callback ran, the timer, what the callback left.
typedef struct timed {
    uint64_t count;
    uint64_t timer[2];
    uint64_t left;
} timed;

// What a program is to do, and its result.
typedef struct order {
    uint64_t key, ns, flags;
    uint64_t result, done; // added to
} order;

typedef struct timer_fixture {
    core_fixture f;
    int64_t map, orders, progs[OPS];
} timer_fixture;

// Atomic, since commands look at the same time.
#define COUNT "r6 = r3\nr1 = 1\nlock *(u64 *)(r6 + 0) += r1\n"
#define LEAVE(reg) "lock *(u64 *)(r6 + 24) += " reg "\n"
#define CB_COUNT "cb: " COUNT "r0 = 0\nexit"
#define CB_AGAIN "cb: " COUNT "r1 = r6\nr1 += 8\nr2 = 1000000\nr3 = 0\ncall 171\nr0 = 0\nexit"
#define CB_CANCEL "cb: " COUNT "r1 = r6\nr1 += 8\ncall 172\n" LEAVE("r0") "r0 = 0\nexit"
#define CB_KEY "cb: r6 = r3\nr1 = *(u32 *)(r2 + 0)\nr1 += 100\n" LEAVE("r1") "r3 = r6\n" COUNT "r0 = 0\nexit"

static const char *const g_bodies[OPS] = {
    "r2 = map[fd:%d]\nr3 = *(u64 *)(r9 + 16)\ncall 169\n",
    "r2 = subprog[cb]\ncall 170\n",
    "r2 = *(u64 *)(r9 + 8)\nr3 = *(u64 *)(r9 + 16)\ncall 171\n",
    "call 172\n",
};

static int64_t op_load(timer_fixture *t, timer_op op, const char *callback)
{
    static char body[256], text[2048];
    snprintf(body, sizeof body, g_bodies[op], (int)t->map);
    snprintf(text, sizeof text,
             "r9 = map[fd:%d][0]+0\nr1 = *(u64 *)(r9 + 0)\n*(u32 *)(r10 - 4) = r1\nr1 = map[fd:%d]\nr2 = r10\nr2 += -4\ncall 1\nif r0 == 0 goto none\n"
             "r1 = r0\nr1 += 8\n%slock *(u64 *)(r9 + 24) += r0\nr1 = 1\nlock *(u64 *)(r9 + 32) += r1\nnone: r0 = 0\nexit\n%s",
             (int)t->orders, (int)t->map, body, op == OP_SET ? callback : "");
    return prog_load_text(&t->f, PST_PROG_SAMPLE, text);
}

static void timers_open(timer_fixture *t, uint32_t engine, uint64_t budget, uint32_t type, uint32_t entries, const char *callback)
{
    uint8_t types[VALUE_TYPES_MAX];
    static const value_field fields[] = {{FIELD_TIMER, offsetof(timed, timer)}};
    fixture_open_engine(&t->f, engine, budget);
    pst_bpf_attr attr = {.btf = PTR(types), .btf_size = value_types(types, fields, 1, sizeof(timed), 4)};
    int64_t btf = cmd(&t->f, PST_BPF_BTF_LOAD, &attr);
    attr = (pst_bpf_attr){.map_type = type, .key_size = 4, .value_size = sizeof(timed), .max_entries = entries, .btf_fd = (uint32_t)btf,
                          .btf_key_type_id = KEY_TYPE, .btf_value_type_id = VALUE_TYPE};
    t->map = cmd(&t->f, PST_BPF_MAP_CREATE, &attr);
    CHECK(t->map >= 3);
    t->orders = map_create(&t->f, PST_MAP_ARRAY, 4, sizeof(order), 1, 0);
    for (timer_op op = 0; op < OPS; op++) t->progs[op] = op_load(t, op, callback);
}

static int64_t order_run(timer_fixture *t, timer_op op, order what)
{
    uint32_t zero = 0, retval;
    what.result = what.done = 0;
    CHECK_EQ(map_update(&t->f, t->orders, &zero, &what, 0), 0);
    CHECK_EQ(prog_run_sample(&t->f, t->progs[op], &retval), 0);
    CHECK_EQ(map_lookup(&t->f, t->orders, &zero, &what), 0);
    CHECK_EQ(what.done, 1); // it found the key
    return (int64_t)what.result;
}

static void put(timer_fixture *t, uint32_t key)
{
    timed value = {0, {UINT64_MAX, UINT64_MAX}, 0}; // the bytes of a timer do not arrive
    CHECK_EQ(map_update(&t->f, t->map, &key, &value, 0), 0);
}

static timed get(timer_fixture *t, uint32_t key)
{
    timed value = {0};
    CHECK_EQ(map_lookup(&t->f, t->map, &key, &value), 0);
    CHECK(value.timer[0] == 0 && value.timer[1] == 0); // nor are they shown
    return value;
}

static void arm(timer_fixture *t, uint32_t key, uint64_t ns, uint64_t flags)
{
    CHECK_EQ(order_run(t, OP_INIT, (order){.key = key, .flags = 1}), 0);
    CHECK_EQ(order_run(t, OP_SET, (order){.key = key}), 0);
    CHECK_EQ(order_run(t, OP_START, (order){.key = key, .ns = ns, .flags = flags}), 0);
}

static void wait_for(timer_fixture *t, uint32_t key, uint64_t count)
{
    for (uint32_t ms = 0; ms < PATIENCE_MS && get(t, key).count < count; ms++) pst_pal_sleep_ns(MS);
    CHECK(get(t, key).count >= count);
}

TEST(a_timer_calls_back_once_in_every_engine)
{
    static const struct {
        uint32_t engine;
        uint64_t budget;
    } engines[] = {{PST_CORE_ENGINE_ANY, 0}, {PST_CORE_ENGINE_INTERP, 0}, {PST_CORE_ENGINE_CHECKED, 0}, {PST_CORE_ENGINE_ANY, 100000}};
    static const uint32_t types[] = {PST_MAP_ARRAY, PST_MAP_HASH, PST_MAP_LRU_HASH};
    for (size_t e = 0; e < PST_COUNT(engines); e++)
        for (size_t m = 0; m < PST_COUNT(types); m++) {
            timer_fixture t;
            timers_open(&t, engines[e].engine, engines[e].budget, types[m], 8, CB_KEY);
            put(&t, 5);
            arm(&t, 5, MS, 0);
            wait_for(&t, 5, 1);
            CHECK_EQ(order_run(&t, OP_CANCEL, (order){.key = 5}), 0); // and it does not wait any more
            CHECK_EQ(get(&t, 5).count, 1);
            CHECK_EQ(get(&t, 5).left, 105);
            CHECK_EQ(t.f.trap[0], 0);
            fixture_close(&t.f);
        }
}

TEST(a_callback_may_start_its_timer_again_until_it_is_cancelled)
{
    timer_fixture t;
    timers_open(&t, PST_CORE_ENGINE_ANY, 0, PST_MAP_HASH, 8, CB_AGAIN);
    put(&t, 1);
    arm(&t, 1, 0, 0);
    wait_for(&t, 1, 5);
    int64_t cancelled = order_run(&t, OP_CANCEL, (order){.key = 1});
    CHECK(cancelled == 0 || cancelled == 1); // 0: it was running, and could not start again
    uint64_t count = get(&t, 1).count;
    pst_pal_sleep_ns(20 * MS);
    CHECK_EQ(get(&t, 1).count, count);
    CHECK_EQ(order_run(&t, OP_START, (order){.key = 1}), -PST_EINVAL); // its callback is gone
    CHECK_EQ(order_run(&t, OP_SET, (order){.key = 1}), 0);
    CHECK_EQ(order_run(&t, OP_START, (order){.key = 1}), 0);
    wait_for(&t, 1, count + 3);
    fixture_close(&t.f); // with the timer running
}

TEST(misuse_has_linuxs_errno)
{
    timer_fixture t;
    timers_open(&t, PST_CORE_ENGINE_ANY, 0, PST_MAP_ARRAY, 2, CB_CANCEL);
    for (timer_op op = OP_SET; op < OPS; op++) CHECK_EQ(order_run(&t, op, (order){0}), -PST_EINVAL); // there is none yet
    for (uint64_t clock = 0; clock < 40; clock++)
        if (clock > 1 && clock != 7) CHECK_EQ(order_run(&t, OP_INIT, (order){.flags = clock}), -PST_EINVAL);
    CHECK_EQ(order_run(&t, OP_INIT, (order){.flags = 7}), 0);
    CHECK_EQ(order_run(&t, OP_INIT, (order){.flags = 7}), -PST_EBUSY);
    CHECK_EQ(order_run(&t, OP_START, (order){.ns = 1}), -PST_EINVAL); // no callback
    CHECK_EQ(order_run(&t, OP_SET, (order){0}), 0);
    CHECK_EQ(order_run(&t, OP_START, (order){.flags = 4}), -PST_EINVAL);
    CHECK_EQ(order_run(&t, OP_CANCEL, (order){0}), 0); // it does not wait
    CHECK_EQ(order_run(&t, OP_SET, (order){0}), 0);
    CHECK_EQ(order_run(&t, OP_START, (order){.ns = NEVER, .flags = 2}), 0);
    CHECK_EQ(order_run(&t, OP_START, (order){.ns = UINT64_MAX}), 0); // again, later
    CHECK_EQ(order_run(&t, OP_CANCEL, (order){0}), 1);
    // A callback that cancels its own timer would wait for itself.
    arm(&t, 1, 0, 0);
    wait_for(&t, 1, 1);
    for (uint32_t ms = 0; ms < PATIENCE_MS && get(&t, 1).left == 0; ms++) pst_pal_sleep_ns(MS);
    CHECK_EQ((int64_t)get(&t, 1).left, -PST_EDEADLK);
    fixture_close(&t.f);
}

TEST(absolute_times_of_each_clock_are_kept)
{
    static const uint64_t clocks[] = {0, 1, 7};
    timer_fixture t;
    timers_open(&t, PST_CORE_ENGINE_ANY, 0, PST_MAP_ARRAY, 6, CB_COUNT);
    for (uint32_t i = 0; i < PST_COUNT(clocks); i++) {
        uint64_t now = i == 0 ? pst_pal_wall_time_ns() : i == 1 ? pst_pal_time_ns() : pst_pal_boot_time_ns();
        for (uint32_t key = i; key < 6; key += 3) {
            CHECK_EQ(order_run(&t, OP_INIT, (order){.key = key, .flags = clocks[i]}), 0);
            CHECK_EQ(order_run(&t, OP_SET, (order){.key = key}), 0);
            CHECK_EQ(order_run(&t, OP_START, (order){.key = key, .ns = key < 3 ? now - MS : now + NEVER, .flags = 1}), 0);
        }
        wait_for(&t, i, 1); // the past is now
        CHECK_EQ(get(&t, i + 3).count, 0);
        CHECK_EQ(order_run(&t, OP_CANCEL, (order){.key = i + 3}), 1);
    }
    fixture_close(&t.f);
}

// An update, a deletion, the end of an LRU map's element: each ends the timer, and a new one can be made.
TEST(a_timer_ends_with_its_value)
{
    static const uint32_t types[] = {PST_MAP_ARRAY, PST_MAP_HASH, PST_MAP_LRU_HASH};
    for (size_t m = 0; m < PST_COUNT(types); m++) {
        timer_fixture t;
        uint32_t key = 0;
        timed value;
        timers_open(&t, PST_CORE_ENGINE_ANY, 0, types[m], 4, CB_COUNT);
        put(&t, 0);
        arm(&t, 0, NEVER, 0);
        put(&t, 0);
        CHECK_EQ(order_run(&t, OP_CANCEL, (order){0}), -PST_EINVAL);
        arm(&t, 0, NEVER, 0);
        if (types[m] != PST_MAP_ARRAY) {
            CHECK_EQ(map_delete(&t.f, t.map, &key), 0);
            put(&t, 0);
            arm(&t, 0, NEVER, 0);
            CHECK_EQ(map_take(&t.f, t.map, &key, &value), 0);
            put(&t, 0);
            arm(&t, 0, NEVER, 0);
        }
        for (uint32_t i = 1; i < 100 && types[m] == PST_MAP_LRU_HASH; i++) put(&t, i); // evicts what is not looked up
        fixture_close(&t.f);
    }
}

// A timer keeps its program, and that its map: without the last handle of the map all of them go.
TEST(timers_do_not_keep_a_map_that_nobody_has)
{
    timer_fixture t;
    pst_client *other;
    timers_open(&t, PST_CORE_ENGINE_ANY, 0, PST_MAP_HASH, 8, CB_COUNT);
    for (uint32_t key = 0; key < 8; key++) {
        put(&t, key);
        arm(&t, key, NEVER, 0);
    }
    CHECK(pst_client_create(t.f.core, &other) == PST_OK);
    pst_client_free(t.f.client); // map and programs
    t.f.client = other;
    pst_bpf_attr attr = {0};
    int64_t next = 0;
    for (uint32_t ms = 0; ms < PATIENCE_MS; ms++) {
        attr = (pst_bpf_attr){.start_id = 0};
        next = pst_core_command(other, PST_BPF_PROG_GET_NEXT_ID, &attr, sizeof attr);
        if (next < 0) break;
        pst_pal_sleep_ns(MS);
    }
    CHECK_EQ(next, -PST_ENOENT);
    fixture_close(&t.f);
}

#define TIMERS 64u

// Arms all of them for times from begin on, in no order, and takes every second one back. False: begin came before that was done.
static bool arm_many(timer_fixture *t, uint64_t begin)
{
    int64_t waiting = 0;
    for (uint32_t key = 0; key < TIMERS; key++) put(t, key);
    for (uint32_t key = 0; key < TIMERS; key++) arm(t, key, begin + key * 37 % TIMERS * MS, 1);
    for (uint32_t key = 1; key < TIMERS; key += 2) waiting += order_run(t, OP_CANCEL, (order){.key = key});
    if (pst_pal_time_ns() >= begin) return false;
    CHECK_EQ(waiting, TIMERS / 2);
    return true;
}

// Whenever a callback has run, those that were due earlier have. True: all have.
static bool look_in_order(timer_fixture *t)
{
    uint32_t key_at[TIMERS];
    bool all = true, later = false;
    for (uint32_t key = 0; key < TIMERS; key++) key_at[key * 37 % TIMERS] = key;
    for (uint32_t place = TIMERS; place-- > 0;) { // the latest first: earlier ones are read later
        bool ran = get(t, key_at[place]).count == 1;
        if (key_at[place] % 2 == 1) {
            CHECK(!ran);
            continue;
        }
        CHECK(ran || !later);
        later = later || ran;
        all = all && ran;
    }
    return all;
}

TEST(callbacks_come_in_the_order_of_their_times)
{
    bool all = false;
    for (uint32_t attempt = 0; attempt < 6 && !all; attempt++) {
        timer_fixture t;
        timers_open(&t, PST_CORE_ENGINE_ANY, 0, PST_MAP_HASH, TIMERS, CB_COUNT);
        bool in_time = arm_many(&t, pst_pal_time_ns() + (UINT64_C(200) << attempt) * MS);
        for (uint32_t ms = 0; ms < PATIENCE_MS && in_time && !all; ms++) {
            all = look_in_order(&t);
            pst_pal_sleep_ns(MS);
        }
        fixture_close(&t.f);
    }
    CHECK(all);
}

// --- Threads ------------------------------------------------------------------------------------------------------

typedef struct storm {
    timer_fixture t;
    uint32_t wrong;
} storm;

static void rage(void *arg)
{
    storm *s = arg;
    pst_client *client;
    uint64_t random = pst_pal_time_ns() | 1, data[8] = {0};
    uint32_t fds[OPS], map;
    if (pst_client_create(s->t.f.core, &client) != PST_OK) return;
    for (uint32_t op = 0; op < OPS; op++) {
        pst_bpf_attr open = {.prog_id = op + 1};
        fds[op] = (uint32_t)pst_core_command(client, PST_BPF_PROG_GET_FD_BY_ID, &open, sizeof open);
    }
    pst_bpf_attr open = {.map_id = 1};
    map = (uint32_t)pst_core_command(client, PST_BPF_MAP_GET_FD_BY_ID, &open, sizeof open);
    for (uint32_t i = 0; i < 1500; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        uint32_t key = 2, what = (uint32_t)(random >> 32) % 12;
        timed value = {0};
        pst_bpf_attr attr = {.test = {.prog_fd = fds[what % OPS], .data_in = PTR(data), .data_size_in = sizeof data}};
        pst_bpf_attr element = {.map_fd = map, .key = PTR(&key), .value = PTR(&value)};
        int64_t result = 0;
        if (what < 10) {
            result = pst_core_command(client, PST_BPF_PROG_TEST_RUN, &attr, sizeof attr);
        } else if (what == 10) {
            result = pst_core_command(client, PST_BPF_MAP_UPDATE_ELEM, &element, sizeof element);
        } else {
            element.value = 0;
            (void)pst_core_command(client, PST_BPF_MAP_DELETE_ELEM, &element, sizeof element);
        }
        if (result != 0) (void)PST_ATOMIC_ADD(&s->wrong, 1u);
    }
    pst_client_free(client);
}

// All operations at once on one timer that calls back all the time and starts itself again: nothing is lost, leaks or hangs.
TEST(timers_stand_many_threads)
{
    static const uint32_t types[] = {PST_MAP_ARRAY, PST_MAP_HASH};
    static storm s;
    for (size_t m = 0; m < PST_COUNT(types); m++) {
        pst_thread *threads[3];
        uint32_t zero = 0;
        s = (storm){0};
        timers_open(&s.t, PST_CORE_ENGINE_ANY, 0, types[m], 4, CB_AGAIN);
        for (uint32_t key = 0; key < 4; key++) put(&s.t, key);
        order same = {.key = 2, .ns = 1000, .flags = 1}; // of init: the monotonic clock; of start: that time, long ago
        CHECK_EQ(map_update(&s.t.f, s.t.orders, &zero, &same, 0), 0);
        for (size_t i = 0; i < PST_COUNT(threads); i++) CHECK(pst_pal_thread_create(pst_pal_env(), rage, &s, &threads[i]) == PST_OK);
        for (size_t i = 0; i < PST_COUNT(threads); i++) pst_pal_thread_join(threads[i]);
        CHECK_EQ(s.wrong, 0);
        CHECK_EQ(s.t.f.trap[0], 0);
        put(&s.t, 2);
        arm(&s.t, 2, 0, 0);
        wait_for(&s.t, 2, 2); // they still work
        fixture_close(&s.t.f);
    }
}
