// object_test.c: the way of an object through the library: open, change, load, look, run, close; and every way to fail.
#include "fixture.h"

TEST(open_says_what_is_wrong_with_a_file)
{
    quiet();
    CHECK(!bpf_object__open(PST_BINARY_DIR "/no-such-file.o"));
    CHECK_EQ(errno, ENOENT);
    CHECK(last_error_has("no-such-file.o"));
    CHECK(!bpf_object__open(PST_SOURCE_DIR "/tests"));
    CHECK(last_error_has("/tests"));
    CHECK(!bpf_object__open(PST_SOURCE_DIR "/tests/unit/api/fixture.h"));
    CHECK_EQ(errno, EINVAL);
    CHECK(last_error_has("fixture.h"));
    CHECK(!bpf_object__open_mem("", 0, NULL));
    CHECK_EQ(errno, EINVAL);
    CHECK(!bpf_object__open(NULL));
}

TEST(option_structs_of_other_sizes_are_understood)
{
    struct {
        struct bpf_object_open_opts known;
        uint64_t unknown;
    } longer = {.known = {.sz = sizeof longer, .object_name = "renamed"}};
    quiet();
    struct bpf_object *obj = bpf_object__open_file(API_OBJECT, &longer.known);
    REQUIRE(obj);
    CHECK_STR(bpf_object__name(obj), "renamed");
    bpf_object__close(obj);
    // A field that this library does not know must not be ignored.
    longer.unknown = 1;
    CHECK(!bpf_object__open_file(API_OBJECT, &longer.known));
    CHECK_EQ(errno, EINVAL);
    longer.known.sz = 1;
    CHECK(!bpf_object__open_file(API_OBJECT, &longer.known));
    // A caller of an older version has a shorter struct: the tail counts as zero, whatever lies behind.
    struct bpf_object_open_opts shorter = {.sz = offsetof(struct bpf_object_open_opts, kconfig), .kconfig = (const char *)1};
    obj = bpf_object__open_file(API_OBJECT, &shorter);
    CHECK(obj);
    bpf_object__close(obj);
}

TEST(programs_and_maps_can_be_walked)
{
    quiet();
    struct bpf_object *obj = bpf_object__open(API_OBJECT);
    REQUIRE(obj);
    struct bpf_program *prog, *last = NULL;
    struct bpf_map *map, *last_map = NULL;
    size_t programs = 0, maps = 0, back = 0;
    bpf_object__for_each_program(prog, obj) programs++, last = prog;
    CHECK_EQ(programs, 9);
    CHECK(bpf_object__prev_program(obj, NULL) == last);
    for (prog = NULL; (prog = bpf_object__prev_program(obj, prog));) back++;
    CHECK_EQ(back, programs);
    bpf_object__for_each_map(map, obj) {
        CHECK(strcmp(bpf_map__name(map), "outer.inner") != 0); // a template is no map of the object
        maps++, last_map = map;
    }
    CHECK(maps >= 11);
    CHECK(bpf_object__prev_map(obj, NULL) == last_map);
    CHECK(!bpf_object__find_map_by_name(obj, "nothing"));
    CHECK_EQ(errno, ENOENT);
    CHECK(!bpf_object__find_program_by_name(obj, "nothing"));
    map = bpf_object__find_map_by_name(obj, ".rodata");
    REQUIRE(map);
    CHECK(bpf_map__is_internal(map));
    CHECK(map == bpf_object__find_map_by_name(obj, "api.rodata"));
    CHECK(bpf_map__fd(map) < 0);
    CHECK(bpf_object__find_map_fd_by_name(obj, "counts") < 0);
    CHECK_EQ(bpf_map__inner_map(bpf_object__find_map_by_name(obj, "outer")) != NULL, 1);
    bpf_object__close(obj);
}

TEST(sections_decide_types_and_autoload)
{
    quiet();
    struct bpf_object *obj = bpf_object__open(API_OBJECT);
    REQUIRE(obj);
    struct bpf_program *prog = bpf_object__find_program_by_name(obj, "count");
    CHECK_EQ(bpf_program__type(prog), BPF_PROG_TYPE_XDP);
    CHECK_EQ(bpf_program__expected_attach_type(prog), BPF_XDP);
    CHECK_STR(bpf_program__section_name(prog), "xdp");
    CHECK(bpf_program__autoload(prog));
    CHECK(bpf_program__insn_cnt(prog) > 10 && bpf_program__insns(prog));
    CHECK(bpf_program__fd(prog) < 0);
    CHECK(!bpf_program__autoload(bpf_object__find_program_by_name(obj, "not_loaded")));
    CHECK_EQ(bpf_program__type(bpf_object__find_program_by_name(obj, "classify")), BPF_PROG_TYPE_SCHED_CLS);
    CHECK_EQ(bpf_program__type(bpf_object__find_program_by_name(obj, "traced")), BPF_PROG_TYPE_KPROBE);
    bpf_object__close(obj);
}

TEST(a_loaded_program_sees_globals_and_maps)
{
    quiet();
    struct bpf_object *obj = OPEN_WITH("count");
    REQUIRE(obj);
    size_t size = 0;
    uint32_t *bss = bpf_map__initial_value(bpf_object__find_map_by_name(obj, ".bss"), &size);
    REQUIRE(bss && size >= 4);
    *bss = 41; // seen: written before load
    REQUIRE(bpf_object__load(obj) == 0);
    CHECK_EQ(bpf_object__load(obj), -EINVAL); // once only
    CHECK(bpf_program__fd(bpf_object__find_program_by_name(obj, "count")) >= 0);
    CHECK(bpf_program__fd(bpf_object__find_program_by_name(obj, "perf")) < 0);
    CHECK_EQ(run_on_zeros(obj, "count"), XDP_PASS);
    bss = bpf_map__initial_value(bpf_object__find_map_by_name(obj, ".bss"), &size);
    CHECK_EQ(bss[0], 42); // the live map
    struct bpf_map *counts = bpf_object__find_map_by_name(obj, "counts"), *blocked = bpf_object__find_map_by_name(obj, "blocked");
    uint64_t values[1024] = {0}, sum = 0;
    uint32_t key = 1;
    int cpus = libbpf_num_possible_cpus();
    CHECK_EQ(bpf_map__lookup_elem(counts, &key, sizeof key, values, (size_t)cpus * 8, 0), 0);
    for (int i = 0; i < cpus; i++) sum += values[i];
    CHECK_EQ(sum, 1);
    CHECK_EQ(bpf_map__lookup_elem(counts, &key, sizeof key, values, 8u * (size_t)cpus + 8, 0), -EINVAL);
    CHECK_EQ(bpf_map__lookup_elem(counts, &key, 3, values, (size_t)cpus * 8, 0), -EINVAL);
    CHECK_EQ(bpf_map__update_elem(blocked, &key, sizeof key, &key, sizeof key, BPF_NOEXIST), 0);
    CHECK_EQ(bpf_map__update_elem(blocked, &key, sizeof key, &key, sizeof key, BPF_NOEXIST), -EEXIST);
    CHECK_EQ(run_on_zeros(obj, "count"), XDP_DROP);
    CHECK_EQ(bpf_map__delete_elem(blocked, &key, sizeof key, 0), 0);
    CHECK_EQ(bpf_map__delete_elem(blocked, &key, sizeof key, 0), -ENOENT);
    CHECK_EQ(errno, ENOENT);
    CHECK(bpf_map__get_next_key(blocked, NULL, &key, sizeof key) == -ENOENT);
    bpf_object__close(obj);
}

static char g_log[8192];

static int keep_log(enum libbpf_print_level level, const char *format, va_list args)
{
    (void)level;
    size_t length = strlen(g_log);
    return vsnprintf(g_log + length, sizeof g_log - length, format, args);
}

TEST(an_unsafe_program_is_refused_with_its_reasons)
{
    char log[4096] = "";
    quiet();
    struct bpf_object *obj = OPEN_WITH("unsafe");
    REQUIRE(obj);
    libbpf_set_print(keep_log);
    CHECK_EQ(bpf_object__load(obj), -EACCES);
    quiet();
    CHECK(last_error_has("program unsafe (section ?xdp) was refused"));
    CHECK(last_error_has("is not proved safe: ./api.bpf.c:117, instruction "));
    CHECK(strstr(g_log, "log:") && strstr(g_log, "no bounds check") && strstr(g_log, "needed: ") && strstr(g_log, "known: ") && strstr(g_log, "hint: "));
    bpf_object__close(obj);
    // Into the caller's buffer.
    obj = OPEN_WITH("unsafe");
    REQUIRE(obj);
    struct bpf_program *prog = bpf_object__find_program_by_name(obj, "unsafe");
    CHECK_EQ(bpf_program__set_log_buf(prog, log, sizeof log), 0);
    CHECK_EQ(bpf_program__set_log_level(prog, 1), 0);
    CHECK_EQ(bpf_object__load(obj), -EACCES);
    CHECK(strstr(log, "needed: ") && strstr(log, "is not proved safe"));
    bpf_object__close(obj);
}

TEST(read_only_data_is_frozen_after_load)
{
    quiet();
    struct bpf_object *obj = OPEN_WITH("count");
    REQUIRE(obj && bpf_object__load(obj) == 0);
    struct bpf_map *rodata = bpf_object__find_map_by_name(obj, ".rodata");
    uint32_t zero = 0;
    char value[256] = {0};
    CHECK(bpf_map_update_elem(bpf_map__fd(rodata), &zero, value, 0) == -EPERM);
    CHECK_EQ(bpf_map__set_max_entries(rodata, 2), -EBUSY);
    CHECK_EQ(bpf_map__set_initial_value(rodata, value, 1), -EBUSY);
    bpf_object__close(obj);
}

TEST(initial_slots_of_maps_are_filled)
{
    quiet();
    struct bpf_object *obj = OPEN_WITH("tail_target", "tail_caller");
    REQUIRE(obj);
    CHECK_EQ(bpf_object__load(obj), 0);
    uint32_t key = 1, id = 0, zero = 0, value = 77;
    CHECK_EQ(bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(obj, "outer"), &key, &id), 0);
    int fd = bpf_map_get_fd_by_id(id);
    CHECK(fd >= 0);
    CHECK_EQ(bpf_map_update_elem(bpf_object__find_map_fd_by_name(obj, "inner_one"), &zero, &value, 0), 0);
    value = 0;
    CHECK_EQ(bpf_map_lookup_elem(fd, &zero, &value), 0);
    CHECK_EQ(value, 77); // the same map
    CHECK_EQ(postern_close(fd), 0);
    CHECK(postern_close(fd) < 0);
    CHECK_EQ(run_on_zeros(obj, "tail_caller"), XDP_REDIRECT);
    bpf_object__close(obj);
}

// Numbers of live objects of a kind.
static size_t count_ids(int (*next)(__u32, __u32 *))
{
    size_t count = 0;
    for (uint32_t id = 0; next(id, &id) == 0;) count++;
    return count;
}

TEST(a_failed_load_leaves_nothing_behind)
{
    quiet();
    postern_shutdown();
    struct bpf_object *obj = OPEN_WITH("count", "traced");
    REQUIRE(obj);
    CHECK(bpf_object__load(obj) < 0);
    CHECK(last_error_has("traced") && last_error_has("kprobe"));
    CHECK_EQ(count_ids(bpf_map_get_next_id), 0);
    CHECK_EQ(count_ids(bpf_prog_get_next_id), 0);
    CHECK_EQ(count_ids(bpf_btf_get_next_id), 0);
    CHECK(bpf_obj_get("/sys/fs/bpf/pinned") == -ENOENT);
    CHECK(bpf_program__fd(bpf_object__find_program_by_name(obj, "count")) < 0);
    bpf_object__close(obj);
}

TEST(closing_frees_everything_but_pins)
{
    quiet();
    postern_shutdown();
    struct bpf_object *obj = OPEN_WITH("count");
    REQUIRE(obj && bpf_object__load(obj) == 0);
    CHECK(count_ids(bpf_map_get_next_id) > 5);
    bpf_object__close(obj);
    CHECK_EQ(count_ids(bpf_map_get_next_id), 1); // pinned by name
    CHECK_EQ(count_ids(bpf_prog_get_next_id), 0);
    postern_shutdown();
    CHECK_EQ(count_ids(bpf_map_get_next_id), 0);
}

TEST(maps_pinned_by_name_are_shared)
{
    quiet();
    postern_shutdown();
    uint32_t key = 5;
    uint64_t value = 99, got = 0;
    struct bpf_object *a = OPEN_WITH("count");
    REQUIRE(a && bpf_object__load(a) == 0);
    struct bpf_map *map = bpf_object__find_map_by_name(a, "pinned");
    CHECK(bpf_map__is_pinned(map));
    CHECK_STR(bpf_map__pin_path(map), "/sys/fs/bpf/pinned");
    CHECK_EQ(bpf_map__update_elem(map, &key, 4, &value, 8, 0), 0);
    bpf_object__close(a);
    struct bpf_object *b = OPEN_WITH("count");
    REQUIRE(b && bpf_object__load(b) == 0);
    map = bpf_object__find_map_by_name(b, "pinned");
    CHECK_EQ(bpf_map__lookup_elem(map, &key, 4, &got, 8, 0), 0);
    CHECK_EQ(got, 99);
    CHECK_EQ(bpf_map__unpin(map, NULL), 0);
    CHECK(bpf_map__unpin(map, NULL) == -ENOENT);
    bpf_object__close(b);
    // A pin of another shape is an error that names both.
    int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "other", 4, 4, 1, NULL);
    CHECK_EQ(bpf_obj_pin(fd, "/sys/fs/bpf/pinned"), 0);
    struct bpf_object *c = OPEN_WITH("count");
    REQUIRE(c);
    CHECK(bpf_object__load(c) == -EINVAL);
    CHECK(last_error_has("/sys/fs/bpf/pinned"));
    bpf_object__close(c);
    CHECK(bpf_obj_get("/sys/fs/bpf/pinned") >= 0); // not ours to remove
    postern_shutdown();
}

TEST(objects_can_be_pinned_as_a_whole)
{
    quiet();
    postern_shutdown();
    struct bpf_object *obj = OPEN_WITH("count");
    REQUIRE(obj && bpf_object__load(obj) == 0);
    CHECK_EQ(bpf_object__unpin_maps(obj, NULL), 0);
    CHECK_EQ(bpf_object__pin(obj, "/sys/fs/bpf/mine"), 0);
    int fd = bpf_obj_get("/sys/fs/bpf/mine/count");
    CHECK(fd >= 0);
    fd = bpf_obj_get("/sys/fs/bpf/mine/api_rodata");
    CHECK(fd >= 0);
    CHECK_EQ(bpf_object__unpin(obj, "/sys/fs/bpf/mine"), 0);
    CHECK(bpf_obj_get("/sys/fs/bpf/mine/count") == -ENOENT);
    bpf_object__close(obj);
    postern_shutdown();
}

TEST(maps_can_be_replaced_and_resized_before_load)
{
    quiet();
    int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "mine", 4, 4, 32, NULL);
    struct bpf_object *obj = OPEN_WITH("count");
    REQUIRE(obj && fd >= 0);
    struct bpf_map *blocked = bpf_object__find_map_by_name(obj, "blocked"), *counts = bpf_object__find_map_by_name(obj, "counts");
    CHECK_EQ(bpf_map__reuse_fd(blocked, fd), 0);
    CHECK_EQ(bpf_map__max_entries(blocked), 32);
    CHECK_EQ(bpf_map__set_max_entries(counts, 9), 0);
    REQUIRE(bpf_object__load(obj) == 0);
    uint32_t key = 1;
    CHECK_EQ(bpf_map_update_elem(fd, &key, &key, 0), 0);
    CHECK_EQ(run_on_zeros(obj, "count"), XDP_DROP); // the program reads the caller's map
    struct bpf_map_info info = {0};
    uint32_t size = sizeof info;
    CHECK_EQ(bpf_map_get_info_by_fd(bpf_map__fd(counts), &info, &size), 0);
    CHECK_EQ(info.max_entries, 9);
    bpf_object__close(obj);
    CHECK_EQ(postern_close(fd), 0);
}

TEST(shapes_are_changed_before_load_and_not_after)
{
    quiet();
    struct bpf_insn two[] = {{.code = 0xb7, .imm = 2}, {.code = 0x95}}; // r0 = 2; exit
    char log[256] = "";
    size_t room = 0;
    struct bpf_object *obj = OPEN_WITH("count");
    REQUIRE(obj);
    struct bpf_program *count = bpf_object__find_program_by_name(obj, "count");
    struct bpf_map *blocked = bpf_object__find_map_by_name(obj, "blocked"), *data = bpf_object__find_map_by_name(obj, ".rodata");
    struct bpf_map *outer = bpf_object__find_map_by_name(obj, "outer"), *perf = bpf_object__find_map_by_name(obj, "perf_events");
    REQUIRE(count && blocked && data && outer && perf);
    CHECK_EQ(bpf_map__set_type(blocked, BPF_MAP_TYPE_ARRAY), 0);
    CHECK_EQ(bpf_map__set_value_size(blocked, 24), 0);
    CHECK_EQ(bpf_map__set_map_flags(blocked, BPF_F_RDONLY), 0);
    CHECK_EQ(bpf_map__set_map_flags(blocked, 0), 0);
    CHECK_EQ(bpf_map__resize(blocked, 7), 0);
    CHECK(bpf_map__resize(blocked, 0) == -EINVAL);
    CHECK(bpf_map__set_value_size(data, bpf_map__value_size(data) + 8) == -EOPNOTSUPP);
    CHECK(bpf_map__set_initial_value(data, log, bpf_map__value_size(data) + 1) == -EINVAL);
    CHECK(bpf_map__set_initial_value(blocked, log, 24) == -EINVAL); // no data section
    CHECK(bpf_map__set_inner_map_fd(blocked, 1) == -EINVAL);
    CHECK(bpf_map__set_inner_map_fd(outer, 12345) == -EBADF);
    CHECK_EQ(bpf_map__set_autocreate(perf, false), 0);
    CHECK(!bpf_map__autocreate(perf));
    CHECK(bpf_program__set_insns(count, NULL, 2) == -EINVAL);
    CHECK(bpf_program__set_insns(count, two, SIZE_MAX / 8) == -EINVAL);
    CHECK_EQ(bpf_program__set_insns(count, two, 2), 0);
    CHECK(bpf_program__set_log_buf(count, log, 0) == -EINVAL);
    CHECK(bpf_program__set_log_buf(count, NULL, 8) == -EINVAL);
    CHECK_EQ(bpf_program__set_log_buf(count, log, sizeof log), 0);
    CHECK(bpf_program__log_buf(count, &room) == log && room == sizeof log);
    CHECK_EQ(bpf_program__set_log_level(count, 1), 0);
    REQUIRE(bpf_object__load(obj) == 0);
    CHECK_EQ(run_on_zeros(obj, "count"), 2);
    CHECK(bpf_map__fd(perf) < 0);
    struct bpf_map_info info = {0};
    uint32_t size = sizeof info;
    CHECK_EQ(bpf_map_get_info_by_fd(bpf_map__fd(blocked), &info, &size), 0);
    CHECK(info.type == BPF_MAP_TYPE_ARRAY && info.value_size == 24 && info.max_entries == 7);
    CHECK(bpf_map__set_type(blocked, BPF_MAP_TYPE_HASH) == -EBUSY);
    CHECK(bpf_map__set_autocreate(perf, true) == -EBUSY);
    CHECK(bpf_map__set_map_extra(blocked, 1) == -EBUSY);
    CHECK(bpf_map__set_inner_map_fd(outer, 1) == -EBUSY);
    CHECK(bpf_program__set_insns(count, two, 2) == -EBUSY);
    CHECK(bpf_program__set_type(count, BPF_PROG_TYPE_XDP) == -EBUSY);
    CHECK(bpf_program__set_expected_attach_type(count, BPF_XDP) == -EBUSY);
    CHECK(bpf_program__set_log_buf(count, log, 1) == -EBUSY);
    bpf_object__close(obj);
}

// A program that uses a map that is not to be created cannot be loaded, and the message says so.
TEST(a_map_that_was_left_out_is_missed)
{
    quiet();
    struct bpf_object *obj = OPEN_WITH("count");
    REQUIRE(obj);
    CHECK_EQ(bpf_map__set_autocreate(bpf_object__find_map_by_name(obj, "counts"), false), 0);
    CHECK(bpf_object__load(obj) == -EINVAL);
    CHECK(last_error_has("counts"));
    bpf_object__close(obj);
}

// The caller's lines come before the host's; each value stands in the map for its extern.
TEST(configuration_can_be_given_as_text)
{
    quiet();
    struct bpf_insn two[] = {{.code = 0xb7, .imm = 2}, {.code = 0x95}}; // r0 = 2; exit
    LIBBPF_OPTS(bpf_object_open_opts, opts,
                .kconfig = "CONFIG_HZZ=1\n# CONFIG_BPF is not set\nCONFIG_HZ=305419896\nCONFIG_DEFAULT_HOSTNAME=\"postern\"\r\nCONFIG_NR_CPUS=4660");
    struct bpf_object *obj = bpf_object__open_file(PST_SOURCE_DIR "/tests/unit/object/data/externs.o", &opts);
    REQUIRE(obj);
    struct bpf_program *prog, *ask = bpf_object__find_program_by_name(obj, "ask");
    bpf_object__for_each_program(prog, obj) bpf_program__set_autoload(prog, prog == ask);
    CHECK_EQ(bpf_program__set_type(ask, BPF_PROG_TYPE_XDP), 0);
    CHECK_EQ(bpf_program__set_expected_attach_type(ask, BPF_XDP), 0);
    CHECK_EQ(bpf_program__set_insns(ask, two, 2), 0); // its own reads a variable of the kernel
    int err = bpf_object__load(obj);
    if (err && last_error_has("LINUX_KERNEL_VERSION")) {
        pst_test_skip("this host has no version of Linux's kernel, which the object asks for");
        bpf_object__close(obj);
        return;
    }
    CHECK_EQ(err, 0);
    struct bpf_map *map = bpf_object__find_map_by_name(obj, ".kconfig");
    REQUIRE(map && bpf_map__value_size(map) <= 64);
    uint8_t value[64] = {0};
    uint32_t key = 0, found = 0;
    CHECK_EQ(bpf_map_lookup_elem(bpf_map__fd(map), &key, value), 0);
    for (uint32_t i = 0; i + 8 <= sizeof value; i++) {
        found |= memcmp(value + i, "\x78\x56\x34\x12", 4) == 0 ? 1u : 0;
        found |= memcmp(value + i, "\x34\x12", 2) == 0 ? 2u : 0;
        found |= memcmp(value + i, "postern", 8) == 0 ? 4u : 0;
    }
    CHECK_EQ(found, 7);
    bpf_object__close(obj);
}
