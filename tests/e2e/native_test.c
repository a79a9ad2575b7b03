// native_test.c: native modules as users meet them: compiled from each sample, run where dynamic code is refused, refused when one byte differs.
#include <dirent.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli_fixture.h"
#include "harness.h"
#include "jit/blob.h"

#define SCRATCH PST_BINARY_DIR "/native_test"
#define KEY SCRATCH ".key"
#define PATH_SIZE 512

#define RUN(...) cli_execute((const char *const[]){PST_POSTERN, __VA_ARGS__, NULL}, false)

#define SKIP_WITHOUT_MODULES()                                                                   \
    do {                                                                                         \
        if (pst_jit_target_of_host() != PST_JIT_TARGET_X64_LINUX ||                              \
            !pst_jit_target_supported(PST_JIT_TARGET_X64_LINUX)) {                               \
            pst_test_skip("there is no ahead-of-time compiler for this machine in this build");  \
            return;                                                                              \
        }                                                                                        \
    } while (0)

static void check_run(int line, cli_result r, int code, const char *out, const char *err)
{
    if (r.code != code || !strstr(r.out, out) || !strstr(r.err, err))
        pst_test_fail(__FILE__, line, "exit code %d, not %d; \"%s\" should have \"%s\"; \"%s\" should have \"%s\"", r.code, code, r.out, out, r.err, err);
    cli_result_free(&r);
}
#define CHECK_RUN(code, out, err, ...) check_run(__LINE__, RUN(__VA_ARGS__), code, out, err)

static void make_key(void)
{
    (void)remove(KEY);
    (void)remove(KEY ".pub");
    CHECK_RUN(0, "the secret key", "", "keygen", KEY);
}

// --- Samples ----------------------------------------------------------------------------------------------------------

static void sample_path(const char *name, char *out) { snprintf(out, PATH_SIZE, "%s/samples/%s", PST_BINARY_DIR, name); }

// What the test run of a file says, without times.
static char *result_of(const char *file, const char *option, const char *value)
{
    cli_result r = value ? RUN("test-run", file, option, value, "--data", "020000000001020000000002080045000028000000004001000001020304050607080800000000000000", "--repeat", "3")
                         : RUN("test-run", file, option, "--data", "020000000001020000000002080045000028000000004001000001020304050607080800000000000000", "--repeat", "3");
    char *time = strstr(r.out, " in ");
    char *end = time ? strchr(time, '\n') : NULL;
    if (end) memmove(time, end, strlen(end) + 1);
    char *text = malloc(strlen(r.out) + strlen(r.err) + 16);
    if (text) snprintf(text, strlen(r.out) + strlen(r.err) + 16, "%d\n%s%s", r.code, r.out, r.code ? "" : r.err);
    cli_result_free(&r);
    return text;
}

TEST(each_sample_gives_the_same_as_a_module)
{
    unsigned compiled = 0;
    SKIP_WITHOUT_MODULES();
    make_key();
    DIR *samples = opendir(PST_BINARY_DIR "/samples");
    if (!samples) {
        pst_test_skip("there are no samples in this build");
        return;
    }
    for (const struct dirent *entry; (entry = readdir(samples));) {
        char object[PATH_SIZE], module[] = SCRATCH ".sample.so";
        size_t length = strlen(entry->d_name);
        if (length < 7 || strcmp(entry->d_name + length - 6, ".bpf.o") != 0) continue;
        sample_path(entry->d_name, object);
        cli_result r = RUN("compile", object, "-o", module, "--sign", KEY);
        if (r.code == 4 && strstr(r.err, "is not supported")) { // a map type that this host has not
            cli_result_free(&r);
            continue;
        }
        if (r.code != 0) pst_test_fail(__FILE__, __LINE__, "%s: %s", entry->d_name, r.err);
        cli_result_free(&r);
        char *native = result_of(module, "--trust", KEY ".pub"), *checked = result_of(object, "--engine", "checked");
        CHECK_STR(native, checked);
        free(native);
        free(checked);
        compiled++;
    }
    closedir(samples);
    CHECK(compiled >= 4);
}

// --- Tampering --------------------------------------------------------------------------------------------------------

#define FIREWALL PST_BINARY_DIR "/samples/xdp_firewall.bpf.o"

static char *slurp_bytes(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(1u << 20);
    *size = file && bytes ? fread(bytes, 1, 1u << 20, file) : 0;
    if (file) fclose(file);
    return bytes;
}

static void spill(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size) pst_test_fail(__FILE__, __LINE__, "%s cannot be written", path);
    if (file) fclose(file);
}

TEST(a_module_with_one_byte_changed_is_refused)
{
    const char *module = SCRATCH ".tamper.so";
    size_t size;
    SKIP_WITHOUT_MODULES();
    make_key();
    if (access(FIREWALL, R_OK) != 0) return;
    CHECK_RUN(0, "signed", "", "compile", FIREWALL, "-o", module, "--sign", KEY);
    CHECK_RUN(0, "XDP_PASS", "", "test-run", module, "--trust", KEY ".pub");
    CHECK_RUN(4, "", "no key is trusted", "test-run", module);
    char *bytes = slurp_bytes(module, &size);
    REQUIRE(bytes && size > 8192);
    for (size_t i = 0; i < 24; i++) {
        size_t at = i < 16 ? size * i / 16 : size - 1 - (i - 16) * 17; // all over it, and in the trailer
        bytes[at] = (char)(bytes[at] ^ 4);
        spill(module, bytes, size);
        cli_result r = RUN("test-run", module, "--trust", KEY ".pub");
        if (r.code == 0 || strncmp(r.err, "postern: ", 9) != 0 || strchr(r.err, '\n')[1])
            pst_test_fail(__FILE__, __LINE__, "byte %zu: exit code %d, \"%s\"", at, r.code, r.err);
        cli_result_free(&r);
        bytes[at] = (char)(bytes[at] ^ 4);
    }
    free(bytes);
}

// --- Where dynamic code is refused ----------------------------------------------------------------------------------------

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

// The program's exit code, started where no page becomes executable that was not mapped so from a file.
static int run_under_mdwe(const char *const *argv, bool *available)
{
    int status = 0;
    *available = true;
    (void)fflush(NULL); // the child writes nothing of ours again
    pid_t pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0) _exit(77);
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)) _exit(78);
        alarm(60);
        execv(argv[0], (char *const *)(uintptr_t)argv); // it changes none of them
        _exit(79);
    }
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
    if (WEXITSTATUS(status) == 77) *available = false;
    return WEXITSTATUS(status);
}

TEST(modules_run_where_dynamic_code_is_refused)
{
    const char *module = SCRATCH ".mdwe.so";
    bool available;
    SKIP_WITHOUT_MODULES();
    if (access(FIREWALL, R_OK) != 0) return;
    make_key();
    CHECK_RUN(0, "signed", "", "compile", FIREWALL, "-o", module, "--sign", KEY);
    int jit = run_under_mdwe((const char *const[]){PST_POSTERN, "test-run", FIREWALL, "--engine", "jit", NULL}, &available);
    if (!available) {
        pst_test_skip("this kernel has no PR_SET_MDWE");
        return;
    }
    CHECK_EQ(jit, 5); // the host denies it
    CHECK_EQ(run_under_mdwe((const char *const[]){PST_POSTERN, "test-run", module, "--trust", KEY ".pub", NULL}, &available), 0);
    CHECK_EQ(run_under_mdwe((const char *const[]){PST_POSTERN, "test-run", FIREWALL, NULL}, &available), 0); // interpreted
}

// --- What other tools say of the files ----------------------------------------------------------------------------------

static bool has_tool(const char *path) { return access(path, X_OK) == 0; }

TEST(other_tools_find_nothing_wrong)
{
    const char *so = SCRATCH ".tools.so", *dll = SCRATCH ".tools.dll", *sys = SCRATCH ".tools.sys";
    SKIP_WITHOUT_MODULES();
    if (access(FIREWALL, R_OK) != 0) return;
    CHECK_RUN(0, "not signed", "", "compile", FIREWALL, "-o", so);
    CHECK_RUN(0, "not signed", "", "compile", FIREWALL, "-o", dll, "--target", "x86_64-windows");
    CHECK_RUN(0, "not signed", "", "compile", FIREWALL, "-o", sys);
    CHECK_RUN(2, "", "Authenticode", "compile", FIREWALL, "-o", sys, "--sign", KEY);
    CHECK_RUN(2, "", "needs a file", "compile", FIREWALL);
    if (has_tool("/usr/bin/readelf")) {
        check_run(__LINE__, cli_execute((const char *const[]){"/usr/bin/readelf", "-W", "-a", so, NULL}, false), 0, "There are no relocations in this file", "");
        cli_result r = cli_execute((const char *const[]){"/usr/bin/readelf", "-W", "-l", "-S", "-s", "--dyn-syms", so, NULL}, false);
        CHECK(r.code == 0 && !r.err[0] && !strstr(r.out, "RWE") && !strstr(r.out, "(NEEDED)") && strstr(r.out, "FUNC    LOCAL  DEFAULT    5 xdp_firewall"));
        cli_result_free(&r);
    }
    CHECK_RUN(0, "not signed", "", "compile", FIREWALL, "-o", SCRATCH ".arm64.so", "--target", "arm64-linux");
    CHECK_RUN(4, "", "is a native module for arm64-linux", "test-run", SCRATCH ".arm64.so", "--allow-unsigned");
    if (has_tool("/usr/bin/readelf"))
        check_run(__LINE__, cli_execute((const char *const[]){"/usr/bin/readelf", "-h", SCRATCH ".arm64.so", NULL}, false), 0, "AArch64", "");
    if (has_tool("/usr/bin/x86_64-w64-mingw32-objdump")) {
        static const char *const objdump = "/usr/bin/x86_64-w64-mingw32-objdump";
        check_run(__LINE__, cli_execute((const char *const[]){objdump, "-x", dll, NULL}, false), 0, "postern_module", "");
        check_run(__LINE__, cli_execute((const char *const[]){objdump, "-x", sys, NULL}, false), 0, "(NT native)", "");
    }
    CHECK_RUN(4, "", "is a native module for x86_64-windows", "test-run", dll, "--allow-unsigned");
    CHECK_RUN(0, "xdp_firewall", "", "show", "programs", so); // it is the object, to every command
    CHECK_RUN(0, "", "", "verify", so);
}

TEST(a_module_is_compiled_again_from_the_object_inside)
{
    const char *once = SCRATCH ".once.so", *twice = SCRATCH ".twice.so";
    size_t size, again_size;
    SKIP_WITHOUT_MODULES();
    if (access(FIREWALL, R_OK) != 0) return;
    CHECK_RUN(0, "not signed", "", "compile", FIREWALL, "-o", once);
    setenv("POSTERN_HOST", SCRATCH ".no.host", 1); // nobody is asked: compiling has a core of its own
    CHECK_RUN(0, "not signed", "", "compile", once, "-o", twice);
    unsetenv("POSTERN_HOST");
    char *bytes = slurp_bytes(once, &size), *again = slurp_bytes(twice, &again_size);
    CHECK(bytes && again && size > 8192 && size == again_size && memcmp(bytes, again, size) == 0);
    free(bytes);
    free(again);
}

TEST(what_cannot_be_read_or_written_is_named)
{
    const char *other = SCRATCH ".other";
    make_key();
    CHECK_RUN(4, "", "exists already", "keygen", KEY);
    CHECK_RUN(2, "", "no path", "keygen", "");
    // A public key of somebody is not replaced either, and no secret key is left behind.
    (void)remove(other);
    spill(SCRATCH ".other.pub", "precious", 8);
    CHECK_RUN(4, "", ".other.pub exists already", "keygen", other);
    CHECK(access(other, F_OK) != 0);
    (void)remove(SCRATCH ".other.pub");
    CHECK_RUN(0, "the secret key", "", "keygen", other);
    if (access(FIREWALL, R_OK) != 0) return;
    CHECK_RUN(3, "", "cannot open " SCRATCH ".none", "test-run", FIREWALL, "--trust", SCRATCH ".none");
    CHECK_RUN(4, "", KEY, "test-run", FIREWALL, "--trust", KEY); // the secret one
    CHECK_RUN(3, "", "cannot write", "compile", FIREWALL, "-o", "/nonexistent/x.c");
    CHECK_RUN(2, "", "no target but c", "compile", FIREWALL, "-o", SCRATCH ".none.c", "--target", "x86_64-linux");
    CHECK(access(SCRATCH ".none.c", F_OK) != 0);
}

TEST(samples_are_clean_c)
{
    const char *c = SCRATCH ".form.c", *object = SCRATCH ".form.o";
    if (access(FIREWALL, R_OK) != 0) return;
    CHECK_RUN(0, "1 program", "", "compile", FIREWALL, "-o", c);
    CHECK_RUN(2, "", "not signed", "compile", FIREWALL, "-o", c, "--sign", KEY);
    char *text = cli_slurp(c);
    REQUIRE(text);
    CHECK(strstr(text, "uint64_t prog_xdp_firewall(struct postern_env *env, uint64_t r1, uint64_t r2)") && strstr(text, "map_lookup_elem") && strstr(text, "return r0; // "));
    free(text);
    static const char *const compilers[] = {"/usr/bin/gcc", "/usr/bin/clang"};
    for (size_t i = 0; i < 2; i++) {
        if (!has_tool(compilers[i])) continue;
        cli_result r = cli_execute((const char *const[]){compilers[i], "-std=gnu17", "-O2", "-Wall", "-Werror", "-fno-strict-aliasing", "-c", "-o", object, c, NULL}, false);
        if (r.code != 0 || r.err[0]) pst_test_fail(__FILE__, __LINE__, "%s: %.1000s", compilers[i], r.err);
        cli_result_free(&r);
    }
}
