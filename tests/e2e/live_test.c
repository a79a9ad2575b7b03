// live_test.c: what lives in a host, as `postern` shows and changes it.
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf/bpf.h"
#include "bpf/libbpf.h"
#include "cli_fixture.h"
#include "harness.h"
#include "host_fixture.h"
#include "pal/pal.h"
#include "postern/postern.h"

#define OBJECT PST_SOURCE_DIR "/tests/unit/api/data/api.bpf.o"

static cli_result postern(const char *const *arguments)
{
    const char *argv[16] = {PST_POSTERN};
    for (size_t i = 0; arguments[i]; i++) argv[i + 1] = arguments[i];
    return cli_execute(argv, false);
}

static void check(int line, int code, const char *expected, const char *const *arguments)
{
    cli_result result = postern(arguments);
    bool fine = result.code == code && (strstr(result.out, expected) || strstr(result.err, expected));
    if (!fine) pst_test_fail(__FILE__, line, "postern %s %s: exit code %d, \"%s%s\"", arguments[0], arguments[1], result.code, result.out, result.err);
    cli_result_free(&result);
}
#define SAYS(code, expected, ...) check(__LINE__, code, expected, (const char *const[]){__VA_ARGS__, NULL})

static void check_json(int line, const char *const *arguments)
{
    cli_result result = postern(arguments);
    if (result.code != 0 || !json_lines_valid(result.out)) {
        bool whole = result.code == 0 && json_valid(result.out);
        if (!whole) pst_test_fail(__FILE__, line, "postern %s %s: no JSON: \"%s%s\"", arguments[0], arguments[1], result.out, result.err);
    }
    cli_result_free(&result);
}
#define GIVES_JSON(...) check_json(__LINE__, (const char *const[]){__VA_ARGS__, "-j", NULL})

// A host with the programs and maps of the test object; program `count` is pinned, so is the map `pinned`.
static struct bpf_object *fill(void)
{
    libbpf_set_print(NULL);
    struct bpf_program *prog;
    struct bpf_object *obj = bpf_object__open(OBJECT);
    bpf_object__for_each_program(prog, obj) {
        const char *name = bpf_program__name(prog);
        bpf_program__set_autoload(prog, strcmp(name, "count") == 0 || strcmp(name, "tail_target") == 0);
    }
    CHECK(obj && bpf_object__load(obj) == 0);
    CHECK_EQ(bpf_obj_pin(bpf_program__fd(bpf_object__find_program_by_name(obj, "count")), "BPF:\\prog"), 0);
    return obj;
}

TEST(live_objects_are_listed)
{
    host_place p;
    host_open(&p, NULL);
    SAYS(0, "engine", "show", "host");
    SAYS(0, "0 programs, 0 maps", "show", "host");
    struct bpf_object *obj = fill();
    static const char *const topics[] = {"programs", "maps", "links", "pins", "host"};
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) GIVES_JSON("show", topics[i]);
    SAYS(0, "count", "show", "programs");
    SAYS(0, "percpu_array", "show", "maps");
    SAYS(0, "/sys/fs/bpf/prog    program", "show", "pins");
    SAYS(0, "/sys/fs/bpf/pinned  map", "show", "pins");
    SAYS(0, "a host's", "show", "host");
    SAYS(2, "takes no file", "show", "pins", OBJECT);
    SAYS(0, "", "unpin", "/ebpf/global/prog");
    SAYS(3, "nothing is pinned", "unpin", "/ebpf/global/prog");
    SAYS(2, "no path of a pin", "unpin", "prog");
    bpf_object__close(obj);
    postern_shutdown();
    host_close(&p);
}

TEST(elements_of_maps_are_read_and_changed)
{
    host_place p;
    host_open(&p, "--no-dynamic-code");
    SAYS(0, "interp: whoever started the core chose it", "show", "host");
    struct bpf_object *obj = fill();
    SAYS(0, "", "map", "update", "blocked", "10.0.0.7", "1");
    SAYS(0, "] = 1", "map", "dump", "blocked");
    SAYS(0, "] = 1", "map", "lookup", "blocked", "10.0.0.7");
    GIVES_JSON("map", "dump", "blocked");
    SAYS(0, "", "map", "delete", "blocked", "10.0.0.7");
    SAYS(3, "no element", "map", "lookup", "blocked", "10.0.0.7");
    SAYS(0, "", "map", "update", "BPF:\\pinned", "3", "44");
    SAYS(0, "\"key\":3,\"value\":44", "map", "dump", "/sys/fs/bpf/pinned", "-j");
    SAYS(0, "", "map", "update", "counts", "2", "9");
    SAYS(0, "[2] = cpu0: 9", "map", "dump", "counts");
    GIVES_JSON("map", "dump", "counts");
    SAYS(2, "a number", "map", "update", "counts", "two", "9");
    SAYS(3, "no map is called", "map", "dump", "none");
    SAYS(3, "no map with the id", "map", "dump", "999999");
    SAYS(3, "no map is pinned at", "map", "dump", "BPF:\\prog"); // it is a program
    SAYS(2, "usage", "map", "lookup", "counts");
    SAYS(2, "usage", "map", "delete", "counts");
    SAYS(2, "dump, lookup, update and delete", "map", "frobnicate", "counts");
    SAYS(4, "cannot be deleted", "map", "delete", "counts", "1");
    bpf_object__close(obj);
    postern_shutdown();
    host_close(&p);
}

static void run_for_a_while(int prog_fd)
{
    char packet[64] = {0};
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof packet, .repeat = 1000);
    CHECK_EQ(bpf_prog_test_run_opts(prog_fd, &opts), 0);
}

TEST(runs_are_counted_and_told)
{
    host_place p;
    char out[96];
    host_open(&p, NULL);
    struct bpf_object *obj = fill();
    int fd = bpf_program__fd(bpf_object__find_program_by_name(obj, "count"));
    SAYS(0, "postern_program_runs_total{id=\"", "metrics");
    SAYS(0, "postern_statistics_enabled 0\n", "metrics");
    // While top watches, runs count.
    snprintf(out, sizeof out, "%s/top", p.folder);
    const char *argv[] = {PST_POSTERN, "top", "--count", "3", "--interval", "0.3", "--filter", "count", "-j", NULL};
    pid_t top = cli_start(argv, out, "/dev/null");
    CHECK(cli_await(out, "\"name\":\"count\"")); // the first look is over
    run_for_a_while(fd);
    CHECK_EQ(cli_wait(top), 0);
    char *said = cli_slurp(out);
    CHECK(said && json_lines_valid(said) && strstr(said, "\"runs\":1000,") != NULL);
    CHECK(said && !strstr(said, "tail_target"));
    free(said);
    SAYS(0, "name=\"count\",type=\"xdp\"} 1000\n", "metrics");
    run_for_a_while(fd); // nobody counts these
    SAYS(0, "name=\"count\",type=\"xdp\"} 1000\n", "metrics", "--interval", "0.05");
    SAYS(0, "runs/s", "top", "--count", "1", "--interval", "0.05", "--sort", "name");
    SAYS(2, "--sort x", "top", "--sort", "x");
    unlink(out);
    bpf_object__close(obj);
    postern_shutdown();
    host_close(&p);
}

// What the server says to one request; "" when it does not listen.
static void http_get(uint16_t port, const char *request, char *out, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t length = 0;
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 && write(fd, request, strlen(request)) > 0)
        for (ssize_t got; length < size - 1 && (got = read(fd, out + length, size - 1 - length)) > 0;) length += (size_t)got;
    out[length] = '\0';
    if (fd >= 0) close(fd);
}

#define GET_METRICS "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

TEST(metrics_are_served)
{
    host_place p;
    char err[96], where[32], answer[16384] = "";
    uint16_t port = (uint16_t)(20000 + getpid() % 20000);
    host_open(&p, NULL);
    struct bpf_object *obj = fill();
    snprintf(err, sizeof err, "%s/err", p.folder);
    snprintf(where, sizeof where, "127.0.0.1:%u", port);
    const char *argv[] = {PST_POSTERN, "metrics", "--listen", where, NULL};
    pid_t server = cli_start(argv, "/dev/null", err);
    for (int i = 0; i < 500 && !*answer && waitpid(server, NULL, WNOHANG) == 0; i++) {
        http_get(port, GET_METRICS, answer, sizeof answer);
        if (!*answer) pst_pal_sleep_ns(10000000);
    }
    char *said = cli_slurp(err);
    bool absent = said && strstr(said, "libmicrohttpd");
    free(said);
    if (absent) {
        pst_test_skip("this build has no libmicrohttpd");
    } else {
        CHECK(strncmp(answer, "HTTP/1.1 200", 12) == 0 && strstr(answer, "version=0.0.4") != NULL);
        CHECK(strstr(answer, "postern_objects{kind=\"program\"} 2\n") != NULL);
        run_for_a_while(bpf_program__fd(bpf_object__find_program_by_name(obj, "count"))); // counted: the server wants it so
        http_get(port, GET_METRICS, answer, sizeof answer);
        CHECK(strstr(answer, "name=\"count\",type=\"xdp\"} 1000\n") != NULL);
        http_get(port, "GET /else HTTP/1.0\r\n\r\n", answer, sizeof answer);
        CHECK(strstr(answer, " 404 ") != NULL);
        http_get(port, "DELETE /metrics HTTP/1.0\r\n\r\n", answer, sizeof answer);
        CHECK(strstr(answer, " 405 ") != NULL);
        kill(server, SIGTERM);
        CHECK_EQ(cli_wait(server), 0);
        SAYS(2, "in numbers", "metrics", "--listen", "localhost");
        SAYS(2, "in numbers", "metrics", "--listen", "127.0.0.1:99999");
    }
    unlink(err);
    bpf_object__close(obj);
    postern_shutdown();
    host_close(&p);
}

TEST(users_without_rights_see_their_own)
{
    static const char *const empty[] = {"programs", "maps", "pins"};
    host_place p;
    if (geteuid() != 0) {
        pst_test_skip("needs root to become another user");
        return;
    }
    host_open(&p, "--open");
    struct bpf_object *obj = fill();
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        const char *argv[] = {PST_POSTERN, "show", empty[i], "-j", NULL};
        cli_result result = cli_execute(argv, true);
        CHECK_EQ(result.code, 0);
        CHECK_STR(result.out, "[]\n");
        cli_result_free(&result);
    }
    const char *unpin[] = {PST_POSTERN, "unpin", "BPF:\\prog", NULL}, *top[] = {PST_POSTERN, "top", "--count", "1", NULL};
    const char *processes[] = {PST_POSTERN, "netsh", "show", "processes", NULL};
    cli_result result = cli_execute(unpin, true);
    CHECK_EQ(result.code, 5);
    cli_result_free(&result);
    result = cli_execute(top, true);
    CHECK_EQ(result.code, 5);
    cli_result_free(&result);
    result = cli_execute(processes, true);
    CHECK_EQ(result.code, 1);
    CHECK_STR(result.err, "This command requires running as Administrator\n");
    cli_result_free(&result);
    bpf_object__close(obj);
    postern_shutdown();
    host_close(&p);
}

// No PowerShell is needed to see that each command has its function, and that brackets match.
TEST(a_powershell_module_is_made_of_the_table)
{
    static const char *const functions[] = {
        "function Get-EbpfProgram {",       "function Get-EbpfMap {",        "function Get-EbpfLink {",      "function Get-EbpfPin {",
        "function Get-EbpfProcess {",       "function Get-EbpfHash {",       "function Get-EbpfSection {",   "function Get-EbpfDisassembly {",
        "function Get-EbpfVerification {",  "function Add-EbpfProgram {",    "function Remove-EbpfProgram {", "function Set-EbpfProgram {",
        "function Add-EbpfProgramPin {",    "function Add-EbpfMapPin {",     "function Remove-EbpfMapPin {", "function Remove-EbpfProgramPin {",
        "function Get-EbpfHost {",          "function Get-EbpfMapElement {", "ValidateSet('none', 'first', 'all')] [string] $Pinned",
    };
    cli_result result = postern((const char *const[]){"help", "powershell", NULL});
    long depth = 0, lowest = 0;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (!strstr(result.out, functions[i])) pst_test_fail(__FILE__, __LINE__, "%s is not there", functions[i]);
    for (const char *c = result.out; *c; c++) {
        depth += *c == '{' || *c == '(' || *c == '[';
        depth -= *c == '}' || *c == ')' || *c == ']';
        if (depth < lowest) lowest = depth;
    }
    CHECK_EQ(depth, 0);
    CHECK_EQ(lowest, 0);
    cli_result_free(&result);
}

TEST(without_a_host_the_core_is_empty)
{
    unsetenv("POSTERN_HOST");
    SAYS(0, "of this process", "show", "host");
    SAYS(0, "id  name", "show", "programs");
    setenv("POSTERN_HOST", "/nowhere/at/all", 1);
    SAYS(3, "/nowhere/at/all", "show", "programs");
    SAYS(3, "/nowhere/at/all", "map", "dump", "counts");
    SAYS(3, "/nowhere/at/all", "top", "--count", "1");
    SAYS(3, "/nowhere/at/all", "metrics", "--interval", "0.05");
    SAYS(3, "/nowhere/at/all", "unpin", "BPF:\\prog");
    SAYS(3, "/nowhere/at/all", "test-run", OBJECT, "count");
    SAYS(1, "/nowhere/at/all", "netsh", "show", "programs");
    setenv("POSTERN_SHIM", "/nowhere/shim.so", 1); // the program must not run without it, and talk to the kernel
    SAYS(3, "POSTERN_SHIM", "shim", "--", "true");
    unsetenv("POSTERN_SHIM");
    unsetenv("POSTERN_HOST");
}
