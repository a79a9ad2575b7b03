// pins_test.c: pins under the names of eBPF for Windows' calls, and what the library says of its core.
#include "fixture.h"
#include "postern/ebpf_api.h"

TEST(pins_are_walked_by_kind)
{
    char path[EBPF_MAX_PIN_PATH_LENGTH];
    ebpf_object_type_t type = EBPF_OBJECT_UNKNOWN;
    quiet();
    postern_shutdown(); // pins of other tests
    CHECK_EQ(ebpf_get_next_pinned_object_path(NULL, path, sizeof path, &type), EBPF_NO_MORE_KEYS);
    struct bpf_object *obj = OPEN_WITH("count");
    REQUIRE(obj && bpf_object__load(obj) == 0);
    struct bpf_program *prog = bpf_object__find_program_by_name(obj, "count");
    struct bpf_map *map = bpf_object__next_map(obj, NULL);
    CHECK_EQ(bpf_obj_pin(bpf_map__fd(map), "BPF:\\a_map"), 0);
    CHECK_EQ(bpf_obj_pin(bpf_program__fd(prog), "/ebpf/global/b_prog"), 0);
    CHECK_EQ(bpf_obj_pin(bpf_map__fd(map), "/sys/fs/bpf/zz_map"), 0);
    CHECK_EQ(ebpf_get_next_pinned_object_path("", path, sizeof path, &type), EBPF_SUCCESS);
    CHECK_STR(path, "/sys/fs/bpf/a_map");
    CHECK_EQ(type, EBPF_OBJECT_MAP);
    CHECK_EQ(ebpf_get_next_pinned_object_path(path, path, sizeof path, &type), EBPF_SUCCESS); // only maps from here on
    CHECK_STR(path, "/sys/fs/bpf/pinned"); // the object asks for it
    CHECK_EQ(ebpf_get_next_pinned_object_path(path, path, sizeof path, &type), EBPF_SUCCESS);
    CHECK_STR(path, "/sys/fs/bpf/zz_map");
    CHECK_EQ(ebpf_get_next_pinned_object_path(path, path, sizeof path, &type), EBPF_NO_MORE_KEYS);
    CHECK_EQ(ebpf_get_next_pinned_program_path(NULL, path), EBPF_SUCCESS);
    CHECK_STR(path, "/sys/fs/bpf/b_prog");
    CHECK_EQ(ebpf_get_next_pinned_program_path(path, path), EBPF_NO_MORE_KEYS);
    type = EBPF_OBJECT_UNKNOWN;
    CHECK_EQ(ebpf_get_next_pinned_object_path(NULL, path, 4, &type), EBPF_INSUFFICIENT_BUFFER);
    CHECK_EQ(ebpf_object_unpin("BPF:\\zz_map"), EBPF_SUCCESS);
    CHECK_EQ(ebpf_object_unpin("BPF:\\zz_map"), EBPF_NOT_PINNED);
    CHECK_EQ(ebpf_object_unpin("zz_map"), EBPF_INVALID_ARGUMENT);
    bpf_object__close(obj);
    postern_shutdown();
}

TEST(pin_paths_become_canonical)
{
    static const char *const cases[][2] = {
        {"x", "BPF:\\x"}, {"\\x\\y", "BPF:\\x\\y"}, {"a/b", "BPF:\\a\\b"}, {"/sys/fs/bpf/a/b", "BPF:\\a\\b"}, {"/ebpf/global/x", "BPF:\\x"}, {"bpf:/x", "BPF:\\x"},
        {"/elsewhere/x", "/elsewhere/x"},
    };
    char path[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_EQ(ebpf_canonicalize_pin_path(cases[i][0], path, sizeof path), EBPF_SUCCESS);
        CHECK_STR(path, cases[i][1]);
    }
    CHECK_EQ(ebpf_canonicalize_pin_path("BPF:\\x", path, 6), EBPF_INSUFFICIENT_BUFFER);
    CHECK_EQ(ebpf_canonicalize_pin_path("BPF:\\x", path, 7), EBPF_SUCCESS);
    CHECK_EQ(ebpf_canonicalize_pin_path("..\\x", path, sizeof path), EBPF_INVALID_ARGUMENT);
    CHECK_EQ(ebpf_canonicalize_pin_path("", path, sizeof path), EBPF_INVALID_ARGUMENT);
}

TEST(the_core_says_what_it_is)
{
    struct postern_options options = {.size = sizeof options, .engine = POSTERN_ENGINE_INTERP};
    struct postern_about about = {.size = sizeof about}, old = {.size = offsetof(struct postern_about, engine)};
    uint32_t pid = 0, next = 0;
    quiet();
    postern_shutdown();
    CHECK_EQ(postern_configure(&options), 0);
    CHECK_EQ(postern_about(&about), 0);
    CHECK_EQ(about.engine, POSTERN_ENGINE_INTERP);
    CHECK_EQ(about.why, POSTERN_WHY_CHOSEN);
    CHECK(!about.is_host && !about.dynamic_code && !about.strict && !about.statistics);
    CHECK_STR(about.version, postern_version());
    CHECK_EQ(postern_about(&old), 0);
    CHECK_EQ(old.pid, about.pid);
    CHECK_EQ(old.engine, 0); // not the caller's
    CHECK_EQ(postern_next_process(0, &pid), 0);
    CHECK_EQ(pid, about.pid);
    CHECK_EQ(postern_next_process(pid, &next), -ENOENT);
    postern_shutdown();
    options = (struct postern_options){.size = sizeof options, .budget = 1000};
    CHECK_EQ(postern_configure(&options), 0);
    about.size = sizeof about;
    CHECK_EQ(postern_about(&about), 0);
    CHECK_EQ(about.engine, POSTERN_ENGINE_CHECKED);
    CHECK_EQ(about.why, POSTERN_WHY_COUNTED);
    postern_shutdown();
    options = (struct postern_options){.size = sizeof options};
    CHECK_EQ(postern_configure(&options), 0);
}
