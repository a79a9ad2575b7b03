// lowlevel_test.c: bpf.h's calls, names, and the error convention.
#include "fixture.h"
#include "pal/pal.h"

TEST(maps_without_an_object)
{
    quiet();
    int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "a_name_that_is_too_long_for_a_map", 4, 8, 64, NULL);
    REQUIRE(fd >= 0);
    struct bpf_map_info info = {0};
    uint32_t size = sizeof info, keys[64], count = 40, key = 3;
    uint64_t values[64], value = 0;
    CHECK_EQ(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
    CHECK_STR(info.name, "a_name_that_is_");
    CHECK_EQ(info.type, BPF_MAP_TYPE_HASH);
    for (uint32_t i = 0; i < 40; i++) keys[i] = i, values[i] = i * 10;
    CHECK_EQ(bpf_map_update_batch(fd, keys, values, &count, NULL), 0);
    CHECK_EQ(count, 40);
    CHECK_EQ(bpf_map_lookup_elem(fd, &key, &value), 0);
    CHECK_EQ(value, 30);
    CHECK_EQ(bpf_map_lookup_and_delete_elem(fd, &key, &value), 0);
    CHECK_EQ(bpf_map_lookup_elem(fd, &key, &value), -ENOENT);
    uint32_t batch = 0;
    count = 64;
    int err = bpf_map_lookup_batch(fd, NULL, &batch, keys, values, &count, NULL);
    CHECK(err == 0 || err == -ENOENT); // the end was reached
    CHECK_EQ(count, 39);
    CHECK_EQ(bpf_map_delete_batch(fd, keys, &count, NULL), 0);
    CHECK_EQ(bpf_map_get_next_key(fd, NULL, &key), -ENOENT);
    CHECK_EQ(bpf_map_freeze(fd), 0);
    CHECK_EQ(bpf_map_update_elem(fd, &key, &value, 0), -EPERM);
    CHECK_EQ(postern_close(fd), 0);
    CHECK(bpf_map_lookup_elem(fd, &key, &value) == -EBADF);
}

TEST(descriptors_are_no_numbers_of_the_system)
{
    quiet();
    int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "one", 4, 4, 1, NULL);
    CHECK(fd > 1 << 20); // Linux's limit of descriptors
    CHECK_EQ(postern_close(fd), 0);
}

TEST(descriptors_of_a_former_core_are_dead)
{
    quiet();
    struct bpf_object *old = OPEN_WITH("count");
    REQUIRE(old && bpf_object__load(old) == 0);
    postern_shutdown();
    struct bpf_object *obj = OPEN_WITH("count");
    REQUIRE(obj && bpf_object__load(obj) == 0);
    CHECK_EQ(run_on_zeros(old, "count"), -1);
    bpf_object__close(old);
    CHECK_EQ(run_on_zeros(obj, "count"), XDP_PASS);
    bpf_object__close(obj);
    postern_shutdown();
}

// --- Threads ---------------------------------------------------------------------------------------------------------

#define THREADS 4

static int g_good;

static void load_and_run(void *arg)
{
    for (int i = 0; i < 5; i++) {
        struct bpf_object *obj = OPEN_WITH("count");
        if (!obj) return;
        bpf_map__set_pin_path(bpf_object__find_map_by_name(obj, "pinned"), NULL);
        bool good = bpf_object__load(obj) == 0 && run_on_zeros(obj, "count") == XDP_PASS;
        // Each thread has its own sentence.
        good = good && !bpf_object__open(arg) && last_error_has(arg);
        bpf_object__close(obj);
        if (good) PST_ATOMIC_ADD(&g_good, 1);
    }
}

TEST(threads_share_one_core)
{
    static const char *const files[THREADS] = {"no-such-a.o", "no-such-b.o", "no-such-c.o", "no-such-d.o"};
    pst_thread *threads[THREADS] = {0};
    quiet();
    postern_shutdown(); // the threads race for its creation
    g_good = 0;
    for (int i = 0; i < THREADS; i++) CHECK(pst_pal_thread_create(pst_pal_env(), load_and_run, (void *)(uintptr_t)files[i], &threads[i]) == PST_OK);
    for (int i = 0; i < THREADS; i++)
        if (threads[i]) pst_pal_thread_join(threads[i]);
    CHECK_EQ(g_good, THREADS * 5);
    postern_shutdown();
}

TEST(programs_without_an_object)
{
    // r0 = 2; exit
    const struct bpf_insn code[] = {{.code = 0xb7, .dst_reg = 0, .imm = 2}, {.code = 0x95}};
    quiet();
    char log[512] = "";
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_buf = log, .log_size = sizeof log, .log_level = 1);
    int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "two", "GPL", code, 2, &opts);
    REQUIRE(fd >= 0);
    char packet[64] = {0};
    LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet, .data_size_in = sizeof packet, .repeat = 10);
    CHECK_EQ(bpf_prog_test_run_opts(fd, &run), 0);
    CHECK_EQ(run.retval, 2);
    struct bpf_prog_info info = {0};
    uint32_t size = sizeof info;
    CHECK_EQ(bpf_prog_get_info_by_fd(fd, &info, &size), 0);
    CHECK_STR(info.name, "two");
    int again = bpf_prog_get_fd_by_id(info.id);
    CHECK(again >= 0 && again != fd);
    CHECK_EQ(postern_close(fd), 0);
    CHECK_EQ(postern_close(again), 0);
    CHECK(bpf_prog_get_fd_by_id(info.id) == -ENOENT);
    // An instruction that does not exist.
    const struct bpf_insn wrong[] = {{.code = 0xff}, {.code = 0x95}};
    CHECK(bpf_prog_load(BPF_PROG_TYPE_XDP, "wrong", "GPL", wrong, 2, &opts) == -EINVAL);
    CHECK(log[0]);
    CHECK(bpf_prog_load(BPF_PROG_TYPE_KPROBE, "none", "GPL", code, 2, NULL) < 0);
}

TEST(hooks_that_are_not_hosted_say_so)
{
    quiet();
    struct bpf_object *obj = OPEN_WITH("count");
    REQUIRE(obj && bpf_object__load(obj) == 0);
    struct bpf_program *count = bpf_object__find_program_by_name(obj, "count");
    CHECK(!bpf_program__attach_kprobe(count, false, "do_unlinkat"));
    CHECK_EQ(errno, EOPNOTSUPP);
    CHECK(last_error_has("count") && last_error_has("kprobe"));
    struct bpf_link *links[] = {
        bpf_program__attach_perf_event(count, 3),         bpf_program__attach_ksyscall(count, "read", NULL),
        bpf_program__attach_uprobe(count, false, 0, "x", 0), bpf_program__attach_uprobe_opts(count, 0, "x", 0, NULL),
        bpf_program__attach_usdt(count, 0, "x", "y", "z", NULL), bpf_program__attach_tracepoint(count, "sched", "sched_switch"),
        bpf_program__attach_raw_tracepoint(count, "sys_enter"), bpf_program__attach_trace(count),
        bpf_program__attach_lsm(count),                   bpf_program__attach_iter(count, NULL),
        bpf_program__attach_freplace(count, 1, "f"),      bpf_map__attach_struct_ops(bpf_object__find_map_by_name(obj, "counts")),
    };
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) CHECK(!links[i]);
    CHECK_EQ(errno, EOPNOTSUPP);
    CHECK(last_error_has("counts") && last_error_has("struct_ops"));
    CHECK(!bpf_program__attach(bpf_object__find_program_by_name(obj, "traced")));
    CHECK(!bpf_program__attach(count));
    CHECK(last_error_has("attach_xdp"));
    CHECK(!bpf_program__attach_xdp(count, 0x7fffff)); // no bridge has this port
    CHECK(!bpf_program__attach_xdp(bpf_object__find_program_by_name(obj, "perf"), 1)); // not loaded
    CHECK(bpf_xdp_attach(-1, bpf_program__fd(count), 0, NULL) == -EINVAL);
    uint32_t id = 7;
    CHECK_EQ(bpf_xdp_query_id(1, 0, &id), 0);
    CHECK_EQ(id, 0);
    bpf_object__close(obj);
}

TEST(names_of_numbers)
{
    enum bpf_prog_type type;
    enum bpf_attach_type attach;
    char text[64];
    quiet();
    CHECK_STR(libbpf_bpf_prog_type_str(BPF_PROG_TYPE_XDP), "xdp");
    CHECK_STR(libbpf_bpf_map_type_str(BPF_MAP_TYPE_RINGBUF), "ringbuf");
    CHECK_STR(libbpf_bpf_attach_type_str(BPF_XDP), "xdp");
    CHECK_STR(libbpf_bpf_link_type_str(BPF_LINK_TYPE_XDP), "xdp");
    CHECK(!libbpf_bpf_map_type_str((enum bpf_map_type)9999));
    CHECK_EQ(libbpf_prog_type_by_name("tc", &type, &attach), 0);
    CHECK_EQ(type, BPF_PROG_TYPE_SCHED_CLS);
    CHECK(libbpf_prog_type_by_name("nonsense", &type, &attach) == -ESRCH);
    CHECK_EQ(libbpf_strerror(-ENOENT, text, sizeof text), 0);
    CHECK(text[0]);
    CHECK_EQ(libbpf_strerror(LIBBPF_ERRNO__RELOC, text, sizeof text), 0);
    CHECK_EQ(libbpf_strerror(4999, text, sizeof text), -ENOENT);
    CHECK_EQ(libbpf_strerror(ENOENT, text, 3), -ERANGE);
    CHECK_EQ(strlen(text), 2);
    CHECK_EQ(libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_XDP, NULL), 1);
    CHECK_EQ(libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_LSM, NULL), 0);
    CHECK_EQ(libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL), 1);
    CHECK_EQ(libbpf_probe_bpf_map_type(BPF_MAP_TYPE_ARRAY_OF_MAPS, NULL), 1);
    CHECK_EQ(libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_map_lookup_elem, NULL), 1);
    CHECK(libbpf_num_possible_cpus() >= 1);
}

TEST(btf_of_an_object_can_be_read)
{
    quiet();
    struct btf *btf = btf__parse(API_OBJECT, NULL);
    REQUIRE(btf);
    int id = btf__find_by_name_kind(btf, "event", BTF_KIND_STRUCT);
    CHECK(id > 0);
    CHECK_EQ(btf__find_by_name(btf, "event"), id);
    CHECK_EQ(btf__resolve_size(btf, (uint32_t)id), 16);
    const struct btf_type *t = btf__type_by_id(btf, (uint32_t)id);
    REQUIRE(t);
    CHECK(btf_is_struct(t));
    CHECK_EQ(btf_vlen(t), 3);
    CHECK_STR(btf__name_by_offset(btf, t->name_off), "event");
    CHECK_STR(btf__name_by_offset(btf, btf_members(t)[1].name_off), "port");
    CHECK_EQ(btf_member_bit_offset(t, 1), 32);
    // Every record is where the walk says: names agree with the parser's by way of sizes.
    for (uint32_t i = 1; i < btf__type_cnt(btf); i++) CHECK(btf__type_by_id(btf, i) && btf_kind(btf__type_by_id(btf, i)) <= 19);
    CHECK(!btf__type_by_id(btf, btf__type_cnt(btf)));
    CHECK(btf__find_by_name(btf, "no_such_type") == -ENOENT);
    uint32_t size;
    const void *raw = btf__raw_data(btf, &size);
    struct btf *copy = btf__new(raw, size);
    CHECK(copy && btf__type_cnt(copy) == btf__type_cnt(btf));
    CHECK(!btf__new(raw, size - 5));
    CHECK(!btf__parse(PST_SOURCE_DIR "/README.md", NULL));
    btf__free(copy);
    btf__free(btf);
}
