// native_api_test.c: objects that are native modules: a .so on Linux, a .dll on Windows, compiled here, mapped by the system's loader, and run with the
// results of the object that they come from.
#include "fixture.h"

#include "jit/native/module.h"

#define KEY PST_BINARY_DIR "/native_api_test.key"
#define WINDOWS (pst_jit_target_of_host() == PST_JIT_TARGET_X64_WINDOWS)

#define SKIP_WITHOUT_MODULES()                                                                    \
    do {                                                                                          \
        quiet();                                                                                  \
        if (!pst_jit_target_supported(pst_jit_target_of_host())) {                                \
            pst_test_skip("there is no ahead-of-time compiler for this machine in this build");   \
            return;                                                                               \
        }                                                                                         \
    } while (0)

// A name of its own for each test, since each may stay loaded.
static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/native_api_test.%s%s", PST_BINARY_DIR, name, WINDOWS ? ".dll" : ".so");
    return path;
}

static void configure(const char *trust, bool allow_unsigned, unsigned engine)
{
    postern_shutdown();
    struct postern_options options = {.size = sizeof options, .trust = trust, .allow_unsigned = allow_unsigned, .engine = engine};
    CHECK_EQ(postern_configure(&options), 0);
}

static void make_keys(const char *path)
{
    char public_path[512];
    snprintf(public_path, sizeof public_path, "%s.pub", path);
    (void)remove(path);
    (void)remove(public_path);
    CHECK_EQ(postern_keygen(path), 0);
}

// Compiles "count" of the test object.
static bool compile(const char *path, const char *key)
{
    struct bpf_object *obj = OPEN_WITH("count");
    struct postern_compile_options options = {.size = sizeof options, .key = key};
    bool done = obj && bpf_object__load(obj) == 0 && postern_compile(obj, path, &options) == 0;
    if (!done) pst_test_fail(__FILE__, __LINE__, "%s: %s", path, postern_last_error());
    bpf_object__close(obj);
    return done;
}

static struct bpf_object *open_module(const char *path)
{
    struct bpf_program *prog;
    struct bpf_object *obj = bpf_object__open(path);
    if (!obj) return NULL;
    bpf_object__for_each_program(prog, obj) bpf_program__set_autoload(prog, strcmp(bpf_program__name(prog), "count") == 0);
    return obj;
}

// The variable "seen", alone in .bss: runs so far.
static uint32_t runs_of(struct bpf_object *obj)
{
    uint32_t key = 0, values[16] = {0};
    struct bpf_map *map = bpf_object__find_map_by_name(obj, ".bss");
    if (!map || bpf_map__value_size(map) > sizeof values) return UINT32_MAX;
    CHECK_EQ(bpf_map__lookup_elem(map, &key, sizeof key, values, bpf_map__value_size(map), 0), 0);
    return values[0];
}

static void check_load_refused(const char *path, const char *why)
{
    struct bpf_object *obj = open_module(path);
    REQUIRE(obj);
    CHECK(bpf_object__load(obj) < 0);
    if (!last_error_has(why)) pst_test_fail(__FILE__, __LINE__, "\"%s\" does not say \"%s\"", postern_last_error(), why);
    bpf_object__close(obj);
}

TEST(a_module_is_the_object_that_it_comes_from)
{
    const char *path = path_of("same");
    SKIP_WITHOUT_MODULES();
    make_keys(KEY);
    configure(KEY ".pub", false, 0);
    if (!compile(path, KEY)) return;
    struct bpf_object *obj = OPEN_WITH("count"), *module = open_module(path);
    REQUIRE(obj && module);
    CHECK_STR(bpf_object__name(module), bpf_object__name(obj));
    REQUIRE(bpf_object__load(obj) == 0 && bpf_object__load(module) == 0);
    for (int i = 0; i < 5; i++) CHECK_EQ(run_on_zeros(module, "count"), run_on_zeros(obj, "count"));
    CHECK_EQ(runs_of(module), 5);
    CHECK_EQ(runs_of(obj), 5);
    bpf_object__close(module);
    bpf_object__close(obj);
    // Again, and with another core.
    configure(KEY ".pub", false, 0);
    module = open_module(path);
    REQUIRE(module && bpf_object__load(module) == 0);
    CHECK_EQ(run_on_zeros(module, "count"), 2);
    bpf_object__close(module);
}

TEST(policy_decides_whose_modules_run)
{
    const char *path = path_of("policy");
    SKIP_WITHOUT_MODULES();
    make_keys(KEY);
    make_keys(KEY ".other");
    configure(NULL, false, 0);
    if (!compile(path, KEY)) return;
    check_load_refused(path, "no key is trusted here");
    configure(KEY ".other.pub", false, 0);
    check_load_refused(path, "by a key that is not among the 1 that are trusted");
    if (!compile(path, NULL)) return;
    check_load_refused(path, "is not signed");
    configure(NULL, true, 0);
    struct bpf_object *module = open_module(path);
    REQUIRE(module && bpf_object__load(module) == 0);
    CHECK_EQ(run_on_zeros(module, "count"), 2);
    // One at a time: the system gives everybody the same pages.
    check_load_refused(path, "is loaded in this process already");
    bpf_object__close(module);
    // With an engine named, the object inside is proved and run as any other: nobody's signature is needed.
    configure(NULL, false, POSTERN_ENGINE_INTERP);
    module = open_module(path);
    REQUIRE(module && bpf_object__load(module) == 0);
    CHECK_EQ(run_on_zeros(module, "count"), 2);
    bpf_object__close(module);
    configure(NULL, false, 0);
}

static void check_changed(const char *path, const char *why, void (*change)(struct bpf_object *module))
{
    struct bpf_object *module = open_module(path);
    REQUIRE(module);
    change(module);
    CHECK(bpf_object__load(module) < 0);
    if (!last_error_has(why)) pst_test_fail(__FILE__, __LINE__, "\"%s\" does not say \"%s\"", postern_last_error(), why);
    bpf_object__close(module);
}

static void change_constant(struct bpf_object *module)
{
    size_t size;
    uint8_t *constants = bpf_map__initial_value(bpf_object__find_map_by_name(module, ".rodata"), &size);
    REQUIRE(constants);
    constants[0] ^= 1;
}

static void change_size(struct bpf_object *module)
{
    CHECK_EQ(bpf_map__set_max_entries(bpf_object__find_map_by_name(module, "counts"), 77), 0);
}

static void change_code(struct bpf_object *module)
{
    struct bpf_program *prog = bpf_object__find_program_by_name(module, "count");
    struct bpf_insn insns[] = {{.code = 0xb7, .dst_reg = 0, .imm = 2}, {.code = 0x95}};
    CHECK_EQ(bpf_program__set_insns(prog, insns, 2), 0);
}

static void change_type(struct bpf_object *module)
{
    CHECK_EQ(bpf_program__set_type(bpf_object__find_program_by_name(module, "count"), BPF_PROG_TYPE_SOCKET_FILTER), 0);
}

TEST(what_is_not_as_it_was_proved_is_refused)
{
    const char *path = path_of("changed");
    SKIP_WITHOUT_MODULES();
    configure(NULL, true, 0);
    if (!compile(path, NULL)) return;
    check_changed(path, "a constant in it", change_constant);
    check_changed(path, "its number of entries differs", change_size);
    check_changed(path, "no bytecode hash fits", change_code);
    check_changed(path, "no bytecode hash fits", change_type);
    struct bpf_object *module = open_module(path);
    REQUIRE(module && bpf_object__load(module) == 0);
    bpf_object__close(module);
    configure(NULL, false, 0);
}

TEST(what_cannot_be_compiled_is_said)
{
    SKIP_WITHOUT_MODULES();
    configure(NULL, false, 0);
    struct bpf_object *obj = OPEN_WITH("count");
    REQUIRE(obj);
    CHECK_EQ(postern_compile(obj, path_of("early"), NULL), -EINVAL);
    CHECK(last_error_has("load the object first"));
    REQUIRE(bpf_object__load(obj) == 0);
    CHECK_EQ(postern_compile(obj, PST_BINARY_DIR "/x.exe", NULL), -EINVAL);
    CHECK(last_error_has("none of .so, .dll, .sys and .c"));
    struct postern_compile_options options = {.size = sizeof options, .target = "vax"};
    CHECK_EQ(postern_compile(obj, PST_BINARY_DIR "/x.so", &options), -EINVAL);
    CHECK(last_error_has("there is no target vax"));
    options.target = "x86_64-windows";
    CHECK_EQ(postern_compile(obj, PST_BINARY_DIR "/x.so", &options), -EINVAL);
    CHECK(last_error_has("cannot stand in an ELF shared object"));
    options = (struct postern_compile_options){.size = sizeof options, .key = KEY};
    CHECK_EQ(postern_compile(obj, PST_BINARY_DIR "/x.sys", &options), -EINVAL);
    CHECK(last_error_has("Authenticode"));
    options.key = API_OBJECT;
    CHECK(postern_compile(obj, path_of("badkey"), &options) < 0);
    CHECK(last_error_has("is no secret key"));
    bpf_object__close(obj);
}
