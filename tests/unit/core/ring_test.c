// ring_test.c: ring buffers and perf event arrays: layout, order, full rings, waking, many producers.
#include "core_fixture.h"

#include "base/bits.h"
#include "core/map/ringbuf.h"
#include "core/internal.h"

// The next record for the consumer: its size, or -1 when there is none, -2 for a discarded one.
static int consume(pst_ringbuf_view *view, const uint8_t **record)
{
    uint64_t at = PST_ATOMIC_LOAD(view->consumer_pos);
    if (at == PST_ATOMIC_LOAD(view->producer_pos)) return -1;
    uint8_t *header = view->data + (at & (view->data_size - 1));
    uint32_t length = PST_ATOMIC_LOAD((uint32_t *)(void *)header);
    if (length & PST_RINGBUF_BUSY) return -1;
    uint32_t size = length & ~PST_RINGBUF_DISCARD;
    *record = header + 8;
    PST_ATOMIC_STORE(view->consumer_pos, at + pst_align_up(size + 8, 8));
    return length & PST_RINGBUF_DISCARD ? -2 : (int)size;
}

static pst_map *map_behind(core_fixture *f, int64_t fd)
{
    core_object *object = core_handle_get(f->client, fd, NULL);
    core_object_put(object); // the handle keeps it
    return core_map_of_object(object);
}

TEST(records_come_in_the_order_of_reservation)
{
    core_fixture f;
    pst_ringbuf_view view;
    const uint8_t *record = NULL;
    fixture_open(&f);
    int64_t fd = map_create(&f, PST_MAP_RINGBUF, 0, 0, (uint32_t)pst_pal_ring_granularity(), 0);
    CHECK(pst_core_ringbuf_view(f.client, (int)fd, &view) == PST_OK);
    CHECK_EQ(view.data_size, pst_pal_ring_granularity());
    size_t unit = pst_pal_ring_granularity(); // each position has a page of its own
    CHECK(view.data == (uint8_t *)view.producer_pos + unit && view.producer_pos == view.consumer_pos + unit / sizeof *view.consumer_pos);
    pst_map *map = map_behind(&f, fd);
    uint8_t *a = core_ringbuf_reserve(map, 5), *b = core_ringbuf_reserve(map, 16), *c = core_ringbuf_reserve(map, 0);
    CHECK(a && b && c);
    CHECK_EQ(b - a, 16);
    memcpy(b, "0123456789abcdef", 16);
    core_ringbuf_commit(b, 0, false);
    CHECK_EQ(consume(&view, &record), -1); // the first is still busy
    memcpy(a, "hello", 5);
    core_ringbuf_commit(a, 0, false);
    core_ringbuf_commit(c, 0, true);
    CHECK_EQ(consume(&view, &record), 5);
    CHECK(record && memcmp(record, "hello", 5) == 0);
    CHECK_EQ(consume(&view, &record), 16);
    CHECK_EQ(consume(&view, &record), -2);
    CHECK_EQ(consume(&view, &record), -1);
    CHECK_EQ(core_ringbuf_query(map, PST_RB_AVAIL_DATA), 0);
    CHECK_EQ(core_ringbuf_query(map, PST_RB_RING_SIZE), view.data_size);
    CHECK_EQ(core_ringbuf_query(map, PST_RB_PROD_POS), 48);
    CHECK_EQ(core_ringbuf_query(map, 99), 0);
    fixture_close(&f);
}

TEST(a_full_ring_refuses_and_recovers)
{
    core_fixture f;
    pst_ringbuf_view view;
    const uint8_t *record = NULL;
    fixture_open(&f);
    int64_t fd = map_create(&f, PST_MAP_RINGBUF, 0, 0, (uint32_t)pst_pal_ring_granularity(), 0);
    CHECK(pst_core_ringbuf_view(f.client, (int)fd, &view) == PST_OK);
    pst_map *map = map_behind(&f, fd);
    CHECK(core_ringbuf_reserve(map, view.data_size) == NULL);
    CHECK(core_ringbuf_reserve(map, UINT64_MAX) == NULL);
    CHECK(core_ringbuf_reserve(map, UINT32_MAX) == NULL);
    uint64_t total = 0;
    for (unsigned round = 0; round < 7; round++) { // odd sizes: records lie across the end
        unsigned count = 0;
        for (uint8_t *at; (at = core_ringbuf_reserve(map, 100)) != NULL; count++) {
            memset(at, (int)count, 100);
            core_ringbuf_commit(at, PST_RB_NO_WAKEUP, false);
        }
        CHECK_EQ(count, (view.data_size - 1) / 112);
        for (unsigned i = 0; i < count; i++) {
            CHECK_EQ(consume(&view, &record), 100);
            CHECK(record && record[0] == (uint8_t)i && record[99] == (uint8_t)i);
            total++;
        }
        CHECK_EQ(consume(&view, &record), -1);
    }
    CHECK(total > 200);
    fixture_close(&f);
}

// A consumer position that lies must not let a new record overlap one that is being written.
TEST(a_lying_consumer_harms_only_itself)
{
    core_fixture f;
    pst_ringbuf_view view;
    fixture_open(&f);
    int64_t fd = map_create(&f, PST_MAP_RINGBUF, 0, 0, (uint32_t)pst_pal_ring_granularity(), 0);
    CHECK(pst_core_ringbuf_view(f.client, (int)fd, &view) == PST_OK);
    pst_map *map = map_behind(&f, fd);
    uint8_t *held = core_ringbuf_reserve(map, 64);
    memset(held, 0x77, 64);
    for (uint32_t i = 0; i < 100; i++) {
        PST_ATOMIC_STORE(view.consumer_pos, PST_ATOMIC_LOAD(view.producer_pos));
        uint8_t *at = core_ringbuf_reserve(map, view.data_size / 4);
        if (!at) continue;
        memset(at, 0, view.data_size / 4);
        core_ringbuf_commit(at, 0, false);
    }
    for (unsigned i = 0; i < 64; i++) CHECK_EQ(held[i], 0x77);
    core_ringbuf_commit(held, 0, false);
    fixture_close(&f);
}

enum { PRODUCERS = 3, RECORDS = 20000 };

typedef struct producer {
    pst_map *map;
    uint64_t number;
} producer;

static void produce(void *arg)
{
    producer *p = arg;
    for (uint64_t i = 0; i < RECORDS;) {
        uint64_t *at = core_ringbuf_reserve(p->map, 24);
        if (!at) {
            pst_pal_yield();
            continue;
        }
        at[0] = p->number;
        at[1] = i;
        at[2] = p->number ^ i;
        core_ringbuf_commit(at, 0, i % 100 == 99);
        i++;
    }
}

TEST(many_producers_lose_nothing)
{
    core_fixture f;
    pst_ringbuf_view view;
    pst_thread *threads[PRODUCERS];
    producer producers[PRODUCERS];
    uint64_t next[PRODUCERS] = {0}, total = 0, discarded = 0;
    fixture_open(&f);
    int64_t fd = map_create(&f, PST_MAP_RINGBUF, 0, 0, (uint32_t)pst_pal_ring_granularity() * 4, 0);
    CHECK(pst_core_ringbuf_view(f.client, (int)fd, &view) == PST_OK);
    for (unsigned i = 0; i < PRODUCERS; i++) {
        producers[i] = (producer){map_behind(&f, fd), i};
        CHECK(pst_pal_thread_create(pst_pal_env(), produce, &producers[i], &threads[i]) == PST_OK);
    }
    while (total < PRODUCERS * RECORDS) {
        const uint8_t *record;
        int fd_list[1] = {(int)fd};
        int size = consume(&view, &record);
        if (size == -1) {
            CHECK(pst_core_wait(f.client, fd_list, 1, UINT64_C(20000000000)) == PST_OK);
            continue;
        }
        total++;
        if (size == -2) {
            discarded++;
            continue;
        }
        uint64_t who = pst_load64(record), count = pst_load64(record + 8);
        if (size != 24 || who >= PRODUCERS || pst_load64(record + 16) != (who ^ count) || count < next[who]) {
            pst_test_fail(__FILE__, __LINE__, "a record is damaged or out of order");
            break;
        }
        next[who] = count + 1;
    }
    for (unsigned i = 0; i < PRODUCERS; i++) pst_pal_thread_join(threads[i]);
    CHECK_EQ(discarded, PRODUCERS * RECORDS / 100);
    fixture_close(&f);
}

TEST(programs_write_to_ring_buffers)
{
    core_fixture f;
    char text[1024];
    uint32_t retval;
    pst_ringbuf_view view;
    const uint8_t *record = NULL;
    fixture_open(&f);
    int fd = (int)map_create(&f, PST_MAP_RINGBUF, 0, 0, (uint32_t)pst_pal_ring_granularity(), 0);
    snprintf(text, sizeof text,
             "r1 = map[fd:%d]\nr2 = 16\nr3 = 0\ncall 131\nif r0 == 0 goto out\n*(u64 *)(r0 + 0) = 11\n*(u64 *)(r0 + 8) = 22\nr1 = r0\nr2 = 0\ncall 132\n"
             "*(u64 *)(r10 - 8) = 33\nr1 = map[fd:%d]\nr2 = r10\nr2 += -8\nr3 = 8\nr4 = 0\ncall 130\nr6 = r0\n"
             "r1 = map[fd:%d]\nr2 = r10\nr2 += -8\nr3 = 8\nr4 = 4\ncall 130\n" // a flag that does not exist
             "r1 = map[fd:%d]\nr2 = 0\ncall 134\nr0 += r6\nr0 &= 127\nout: exit",
             fd, fd, fd, fd);
    int64_t prog = prog_load_text(&f, PST_PROG_SAMPLE, text);
    CHECK_EQ(prog_run_sample(&f, prog, &retval), 0);
    CHECK_EQ(retval, 40);
    CHECK(pst_core_ringbuf_view(f.client, fd, &view) == PST_OK);
    CHECK_EQ(consume(&view, &record), 16);
    CHECK(record && pst_load64(record) == 11 && pst_load64(record + 8) == 22);
    CHECK_EQ(consume(&view, &record), 8);
    CHECK(record && pst_load64(record) == 33);
    CHECK_EQ(consume(&view, &record), -1);
    fixture_close(&f);
}

TEST(a_record_thrown_away_is_marked)
{
    core_fixture f;
    char text[512];
    uint32_t retval;
    pst_ringbuf_view view;
    const uint8_t *record = NULL;
    fixture_open(&f);
    int fd = (int)map_create(&f, PST_MAP_RINGBUF, 0, 0, (uint32_t)pst_pal_ring_granularity(), 0);
    snprintf(text, sizeof text,
             "r1 = map[fd:%d]\nr2 = 16\nr3 = 0\ncall 131\nif r0 == 0 goto out\nr1 = r0\nr2 = 0\ncall 133\n"
             "*(u64 *)(r10 - 8) = 33\nr1 = map[fd:%d]\nr2 = r10\nr2 += -8\nr3 = 8\nr4 = 0\ncall 130\nout: r0 = 0\nexit",
             fd, fd);
    CHECK_EQ(prog_run_sample(&f, prog_load_text(&f, PST_PROG_SAMPLE, text), &retval), 0);
    CHECK(pst_core_ringbuf_view(f.client, fd, &view) == PST_OK);
    CHECK_EQ(consume(&view, &record), -2);
    CHECK_EQ(consume(&view, &record), 8);
    CHECK(record && pst_load64(record) == 33);
    CHECK_EQ(consume(&view, &record), -1);
    fixture_close(&f);
}

TEST(waiting_ends_in_time)
{
    core_fixture f;
    fixture_open(&f);
    int fds[2] = {(int)map_create(&f, PST_MAP_RINGBUF, 0, 0, (uint32_t)pst_pal_ring_granularity(), 0),
                  (int)map_create(&f, PST_MAP_PERF_EVENT_ARRAY, 4, 4, pst_pal_cpu_count(), 0)};
    int array = (int)map_create(&f, PST_MAP_ARRAY, 4, 4, 1, 0);
    CHECK(pst_core_wait(f.client, fds, 2, 0) == PST_E_TIMEOUT);
    CHECK(pst_core_wait(f.client, fds, 2, 1000000) == PST_E_TIMEOUT);
    CHECK(pst_core_wait(f.client, &array, 1, 0) == PST_E_INVALID);
    CHECK(pst_core_wait_handle(f.client, array) == -1);
    void *record = core_ringbuf_reserve(map_behind(&f, fds[0]), 8);
    CHECK(pst_core_wait(f.client, fds, 2, 0) == PST_E_TIMEOUT); // busy is not ready
    core_ringbuf_commit(record, 0, false);
    CHECK(pst_core_wait(f.client, fds, 2, UINT64_MAX) == PST_OK);
    fixture_close(&f);
}

TEST(perf_arrays_keep_records_and_count_losses)
{
    core_fixture f;
    char text[512];
    uint32_t retval, cpus = pst_pal_cpu_count();
    uint64_t lost = 1;
    uint8_t out[64];
    size_t size = sizeof out;
    fixture_open(&f);
    int fd = (int)map_create(&f, PST_MAP_PERF_EVENT_ARRAY, 4, 4, cpus, 0);
    CHECK(pst_core_perf_read(f.client, fd, 0, out, &size, &lost) == PST_E_AGAIN);
    CHECK_EQ(lost, 0);
    CHECK(pst_core_perf_read(f.client, fd, cpus, out, &size, &lost) == PST_E_NOTFOUND);
    // 8 bytes of data and the first 4 of the packet, on CPU 0.
    snprintf(text, sizeof text,
             "*(u64 *)(r10 - 8) = 5\nr2 = map[fd:%d]\nr3 = 4\nr3 <<= 32\nr4 = r10\nr4 += -8\nr5 = 8\ncall 25\nexit", fd);
    int64_t prog = prog_load_text(&f, PST_PROG_XDP, text);
    CHECK_EQ(prog_run_sample(&f, prog, &retval), 0);
    CHECK_EQ(retval, 0);
    size = 4;
    CHECK(pst_core_perf_read(f.client, fd, 0, out, &size, &lost) == PST_E_NOSPACE);
    CHECK_EQ(size, 12);
    size = sizeof out;
    CHECK(pst_core_perf_read(f.client, fd, 0, out, &size, &lost) == PST_OK);
    CHECK_EQ(size, 12);
    CHECK(pst_load64(out) == 5 && pst_load32(out + 8) == 0x03020100);
    pst_bpf_attr many = {.test = {.prog_fd = (uint32_t)prog, .data_in = PTR(out), .data_size_in = 64, .repeat = 20000}};
    CHECK_EQ(cmd(&f, PST_BPF_PROG_TEST_RUN, &many), 0);
    CHECK_EQ(many.test.retval, (uint32_t)-PST_ENOSPC);
    uint64_t got = 0;
    for (size = sizeof out; pst_core_perf_read(f.client, fd, 0, out, &size, got ? NULL : &lost) == PST_OK; size = sizeof out) got++;
    CHECK(lost > 0);
    CHECK_EQ(got + lost, 20000);
    fixture_close(&f);
}
