// buffer_test.c: ring buffers and perf buffers, filled by test runs; skeletons; traces and traps.
#include "fixture.h"

typedef struct record {
    uint32_t length;
    uint16_t port;
    char tag[10];
} record;

typedef struct seen {
    int count, stop_after;
    record last;
    size_t size;
} seen;

static int on_record(void *ctx, void *data, size_t size)
{
    seen *s = ctx;
    s->size = size;
    memcpy(&s->last, data, size < sizeof s->last ? size : sizeof s->last);
    s->count++;
    return s->stop_after && s->count >= s->stop_after ? -EINTR : 0;
}

TEST(ring_buffer_delivers_each_record_once)
{
    quiet();
    struct bpf_object *obj = OPEN_WITH("count");
    REQUIRE(obj && bpf_object__load(obj) == 0);
    seen s = {0};
    struct ring_buffer *rb = ring_buffer__new(bpf_object__find_map_fd_by_name(obj, "events"), on_record, &s, NULL);
    REQUIRE(rb);
    CHECK_EQ(ring_buffer__poll(rb, 0), 0);
    for (int i = 0; i < 3; i++) CHECK_EQ(run_on_zeros(obj, "count"), XDP_PASS);
    CHECK_EQ(ring_buffer__poll(rb, 1000), 3);
    CHECK_EQ(s.count, 3);
    CHECK_EQ(s.size, sizeof(record));
    CHECK_EQ(s.last.length, 64);
    CHECK_EQ(s.last.port, 53);
    CHECK_STR(s.last.tag, "ring");
    CHECK_EQ(ring_buffer__consume(rb), 0);
    // Far more than the ring holds in all: positions wrap.
    for (int i = 0; i < 5000; i++) {
        run_on_zeros(obj, "count");
        if (i % 100 == 99) CHECK_EQ(ring_buffer__consume(rb), 100);
    }
    CHECK_EQ(s.count, 5003);
    ring_buffer__free(rb);
    bpf_object__close(obj);
}

TEST(ring_buffer_callbacks_can_stop)
{
    quiet();
    struct bpf_object *obj = OPEN_WITH("count");
    REQUIRE(obj && bpf_object__load(obj) == 0);
    seen s = {.stop_after = 2};
    struct ring_buffer *rb = ring_buffer__new(bpf_object__find_map_fd_by_name(obj, "events"), on_record, &s, NULL);
    REQUIRE(rb);
    for (int i = 0; i < 3; i++) run_on_zeros(obj, "count");
    CHECK_EQ(ring_buffer__consume(rb), -EINTR);
    s.stop_after = 0;
    CHECK_EQ(ring_buffer__consume(rb), 1); // the record that stopped it is consumed
    for (int i = 0; i < 3; i++) run_on_zeros(obj, "count");
    CHECK_EQ(ring_buffer__consume_n(rb, 2), 2);
    CHECK_EQ(ring_buffer__consume_n(rb, 2), 1);
    ring_buffer__free(rb);
    CHECK(!ring_buffer__new(bpf_object__find_map_fd_by_name(obj, "counts"), on_record, &s, NULL));
    CHECK(!ring_buffer__new(-1, on_record, &s, NULL));
    bpf_object__close(obj);
}

static void on_sample(void *ctx, int cpu, void *data, __u32 size)
{
    seen *s = ctx;
    s->size = size;
    memcpy(&s->last, data, sizeof s->last);
    s->count++;
}

static void on_lost(void *ctx, int cpu, __u64 count)
{
    *(uint64_t *)(void *)&((seen *)ctx)->size = count;
}

TEST(perf_buffer_delivers_samples)
{
    quiet();
    struct bpf_object *obj = OPEN_WITH("perf");
    REQUIRE(obj && bpf_object__load(obj) == 0);
    seen s = {0};
    int fd = bpf_object__find_map_fd_by_name(obj, "perf_events");
    struct perf_buffer *pb = perf_buffer__new(fd, 8, on_sample, on_lost, &s, NULL);
    REQUIRE(pb);
    CHECK(perf_buffer__buffer_cnt(pb) >= 1);
    CHECK_EQ(run_on_zeros(obj, "perf"), XDP_TX);
    CHECK_EQ(run_on_zeros(obj, "perf"), XDP_TX);
    CHECK_EQ(perf_buffer__poll(pb, 1000), 2);
    CHECK_EQ(s.count, 2);
    CHECK_EQ(s.last.length, 3);
    CHECK_STR(s.last.tag, "perf");
    CHECK_EQ(perf_buffer__consume(pb), 0);
    CHECK(perf_buffer__consume_buffer(pb, 4096) == -EINVAL);
    perf_buffer__free(pb);
    CHECK(!perf_buffer__new(fd, 3, on_sample, NULL, &s, NULL));
    CHECK(!perf_buffer__new(bpf_object__find_map_fd_by_name(obj, "counts"), 8, on_sample, NULL, &s, NULL));
    bpf_object__close(obj);
}

// --- Traces and traps ------------------------------------------------------------------------------------------------

typedef struct told {
    char trace[128], program[64], trap[512];
} told;

static void on_trace(void *user, const char *text)
{
    snprintf(((told *)user)->trace, sizeof((told *)user)->trace, "%s", text);
}

static void on_trap(void *user, const char *program, const char *text)
{
    told *t = user;
    snprintf(t->program, sizeof t->program, "%s", program);
    snprintf(t->trap, sizeof t->trap, "%s", text);
}

TEST(traces_and_traps_reach_the_caller)
{
    static told t;
    quiet();
    postern_shutdown();
    struct postern_options options = {.size = sizeof options, .trace = on_trace, .trap = on_trap, .user = &t, .budget = 10000};
    CHECK_EQ(postern_configure(&options), 0);
    struct bpf_object *obj = OPEN_WITH("perf", "slow");
    REQUIRE(obj && bpf_object__load(obj) == 0);
    CHECK_EQ(postern_configure(&options), -EBUSY);
    run_on_zeros(obj, "perf");
    CHECK_STR(t.trace, "limit 7");
    run_on_zeros(obj, "slow");
    CHECK_STR(t.program, "slow");
    CHECK(strstr(t.trap, "api.bpf.c:100"));
    CHECK(strstr(t.trap, "budget"));
    bpf_object__close(obj);
    postern_shutdown();
    options = (struct postern_options){.size = sizeof options};
    CHECK_EQ(postern_configure(&options), 0);
    options.size = 1;
    CHECK_EQ(postern_configure(&options), -EINVAL);
}

// --- Skeletons ---------------------------------------------------------------------------------------------------------

typedef struct skeleton {
    struct bpf_object_skeleton *rows;
    struct bpf_object *obj;
    struct bpf_map *blocked, *bss_map;
    struct bpf_program *count;
    struct bpf_link *link;
    struct {
        uint32_t seen;
    } *bss;
} skeleton;

static void *read_object(size_t *size)
{
    FILE *file = fopen(API_OBJECT, "rb");
    void *bytes = malloc(1 << 16);
    *size = file && bytes ? fread(bytes, 1, 1 << 16, file) : 0;
    if (file) fclose(file);
    return bytes;
}

// What the code of `bpftool gen skeleton` does.
static void make_rows(skeleton *s, const void *data, size_t size)
{
    s->rows = calloc(1, sizeof *s->rows);
    *s->rows = (struct bpf_object_skeleton){.sz = sizeof *s->rows, .name = "api", .data = data, .data_sz = size, .obj = &s->obj,
                                            .map_cnt = 2, .map_skel_sz = sizeof(struct bpf_map_skeleton), .prog_cnt = 1,
                                            .prog_skel_sz = sizeof(struct bpf_prog_skeleton)};
    s->rows->maps = calloc(2, sizeof *s->rows->maps);
    s->rows->maps[0] = (struct bpf_map_skeleton){.name = "blocked", .map = &s->blocked};
    s->rows->maps[1] = (struct bpf_map_skeleton){.name = "api.bss", .map = &s->bss_map, .mmaped = (void **)&s->bss};
    s->rows->progs = calloc(1, sizeof *s->rows->progs);
    s->rows->progs[0] = (struct bpf_prog_skeleton){.name = "count", .prog = &s->count, .link = &s->link};
}

TEST(skeletons_open_load_and_show_live_variables)
{
    skeleton s = {0};
    size_t size;
    struct bpf_program *prog;
    quiet();
    void *bytes = read_object(&size);
    REQUIRE(size > 0);
    make_rows(&s, bytes, size);
    REQUIRE(bpf_object__open_skeleton(s.rows, NULL) == 0);
    CHECK(s.blocked && s.count && s.bss);
    s.bss->seen = 10;
    bpf_object__for_each_program(prog, s.obj) bpf_program__set_autoload(prog, prog == s.count);
    CHECK_EQ(bpf_object__load_skeleton(s.rows), 0);
    CHECK_EQ(bpf_object__attach_skeleton(s.rows), 0); // xdp is left to the caller
    CHECK(!s.link);
    CHECK_EQ(run_on_zeros(s.obj, "count"), XDP_PASS);
    CHECK_EQ(s.bss->seen, 11);
    bpf_object__destroy_skeleton(s.rows);
    free(bytes);
}
