// posternd_test.c: posternd as a process, and clients of every kind: the library, `postern`, bpftool and a program of libbpf through the shim, users without
// rights, and clients that misbehave.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "cli_fixture.h"
#include "core/core.h"
#include "harness.h"
#include "host_fixture.h"
#include "pal/pal.h"
#include "remote/remote.h"

#define OBJECT PST_SOURCE_DIR "/tests/unit/api/data/api.bpf.o"
#define SAMPLE PST_BINARY_DIR "/samples/xdp_firewall.bpf.o"
#define BPFTOOL "/usr/sbin/bpftool"
#define PTR(p) ((uint64_t)(uintptr_t)(p))

static pst_remote *connect_to(const host_place *p)
{
    pst_remote *remote = NULL;
    CHECK(pst_remote_open(pst_pal_env(), p->socket, &remote) == PST_OK);
    return remote;
}

static int64_t make_map(pst_remote *remote, uint32_t type, uint32_t key, uint32_t value, uint32_t entries, uint32_t flags)
{
    pst_bpf_attr attr = {.map_type = type, .key_size = key, .value_size = value, .max_entries = entries, .map_flags = flags};
    return pst_remote_command(remote, PST_BPF_MAP_CREATE, &attr, sizeof attr);
}

static int64_t put(pst_remote *remote, int64_t fd, uint32_t key, uint64_t value)
{
    pst_bpf_attr attr = {.map_fd = (uint32_t)fd, .key = PTR(&key), .value = PTR(&value)};
    return pst_remote_command(remote, PST_BPF_MAP_UPDATE_ELEM, &attr, sizeof attr);
}

static int64_t get(pst_remote *remote, int64_t fd, uint32_t key, uint64_t *value)
{
    pst_bpf_attr attr = {.map_fd = (uint32_t)fd, .key = PTR(&key), .value = PTR(value)};
    return pst_remote_command(remote, PST_BPF_MAP_LOOKUP_ELEM, &attr, sizeof attr);
}

static uint32_t first_map(pst_remote *remote)
{
    pst_bpf_attr attr = {0};
    return pst_remote_command(remote, PST_BPF_MAP_GET_NEXT_ID, &attr, sizeof attr) == 0 ? attr.next_id : 0;
}

// At most five seconds until there is no map any more: the host learns of a closed descriptor a moment later.
static bool maps_go(pst_remote *remote)
{
    for (int i = 0; i < 500; i++) {
        if (first_map(remote) == 0) return true;
        pst_pal_sleep_ns(10000000);
    }
    return false;
}

static size_t descriptors_of(pid_t pid)
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    while (folder && readdir(folder)) count++;
    if (folder) closedir(folder);
    return count;
}

TEST(a_handle_is_a_descriptor)
{
    host_place p;
    host_open(&p, NULL);
    pst_remote *remote = connect_to(&p);
    int64_t fd = make_map(remote, PST_MAP_HASH, 4, 8, 16, 0);
    uint64_t value = 0;
    CHECK(fd >= 0);
    CHECK_EQ(put(remote, fd, 1, 42), 0);
    int copy = dup((int)fd);
    close((int)fd);
    CHECK_EQ(get(remote, copy, 1, &value), 0);
    CHECK_EQ(value, 42);
    CHECK_EQ(get(remote, fd, 1, &value), -PST_EBADF);
    // A child has it too, over a connection of its own, and keeps it alive after we have closed ours.
    int pipes[2];
    REQUIRE(pipe(pipes) == 0);
    pid_t child = fork();
    if (child == 0) {
        char go;
        uint64_t seen = 0;
        bool fine = read(pipes[0], &go, 1) == 1 && get(remote, copy, 1, &seen) == 0 && seen == 42 && put(remote, copy, 2, 43) == 0;
        _exit(fine ? 0 : 1);
    }
    close(copy);
    CHECK(first_map(remote) != 0);
    CHECK_EQ(write(pipes[1], "g", 1), 1);
    CHECK_EQ(cli_wait(child), 0);
    CHECK(maps_go(remote));
    close(pipes[0]);
    close(pipes[1]);
    pst_remote_close(remote);
    host_close(&p);
}

TEST(ring_buffers_and_arrays_are_mapped)
{
    host_place p;
    host_open(&p, NULL);
    pst_remote *remote = connect_to(&p);
    int64_t array = make_map(remote, PST_MAP_ARRAY, 4, 8, 4, PST_F_MMAPABLE), ring = make_map(remote, PST_MAP_RINGBUF, 0, 0, 65536, 0);
    uint64_t *memory, value = 0;
    size_t size;
    pst_remote_ring view;
    REQUIRE(array >= 0 && ring >= 0);
    REQUIRE(pst_remote_memory_map(remote, (int)array, (void **)&memory, &size) == PST_OK);
    memory[2] = 77;
    CHECK_EQ(get(remote, array, 2, &value), 0);
    CHECK_EQ(value, 77);
    CHECK_EQ(put(remote, array, 3, 78), 0);
    CHECK_EQ(memory[3], 78);
    // What is mapped for writing can never become constant.
    pst_bpf_attr freeze = {.map_fd = (uint32_t)array};
    CHECK_EQ(pst_remote_command(remote, PST_BPF_MAP_FREEZE, &freeze, sizeof freeze), -PST_EBUSY);
    REQUIRE(pst_remote_ring_map(remote, (int)ring, &view) == PST_OK);
    CHECK_EQ(*view.producer_pos, 0);
    CHECK_EQ(view.data_size, 65536);
    // Headers of records are the host's: no one else gets them to write.
    int fds[WIRE_DESCRIPTORS_MAX];
    uint32_t count;
    uint64_t bytes;
    REQUIRE(pst_remote_memory_fds(remote, (int)ring, fds, &count, &bytes) == PST_OK);
    CHECK_EQ(count, 3);
    CHECK_EQ(pwrite(fds[1], "x", 1, 0), -1);
    CHECK_EQ(ftruncate(fds[0], 0), -1);
    CHECK_EQ(ftruncate(fds[1], 0), -1);
    for (uint32_t i = 0; i < count; i++) close(fds[i]);
    pst_remote_ring_unmap(&view);
    pst_remote_memory_unmap(memory, size);
    close((int)array);
    close((int)ring);
    CHECK(maps_go(remote));
    pst_remote_close(remote);
    host_close(&p);
}

static void expect_same_output(const host_place *p, const char *const *shimmed)
{
    const char *loader[] = {PST_LOADER, OBJECT, NULL};
    unsetenv("POSTERN_HOST");
    cli_result here = cli_execute(loader, false);
    setenv("POSTERN_HOST", p->socket, 1);
    cli_result there = cli_execute(loader, false);
    CHECK_EQ(here.code, 0);
    CHECK_EQ(there.code, 0);
    CHECK(*here.out != '\0');
    CHECK_STR(there.out, here.out);
    CHECK_STR(there.err, "");
    if (shimmed) {
        cli_result through = cli_execute(shimmed, false);
        CHECK_EQ(through.code, 0);
        CHECK_STR(through.out, here.out);
        CHECK_STR(through.err, "");
        cli_result_free(&through);
    }
    cli_result_free(&here);
    cli_result_free(&there);
}

// The same loader three times: with a core of its own, with the host's, and, built with the system's libbpf, with the host's as well.
TEST(a_loader_works_the_same_embedded_hosted_and_with_libbpf)
{
    host_place p;
    host_open(&p, NULL);
#ifdef PST_LOADER_LIBBPF
    const char *shimmed[] = {PST_POSTERN, "shim", "--", PST_LOADER_LIBBPF, OBJECT, NULL};
    expect_same_output(&p, shimmed);
#else
    expect_same_output(&p, NULL);
#endif
    host_close(&p);
}

static void bpftool(const char *const *arguments, const char *expected)
{
    const char *argv[24] = {PST_POSTERN, "shim", BPFTOOL};
    size_t count = 3;
    while (*arguments) argv[count++] = *arguments++;
    cli_result result = cli_execute(argv, false);
    CHECK_EQ(result.code, 0);
    if (!strstr(result.out, expected)) pst_test_fail(__FILE__, __LINE__, "bpftool %s %s says \"%s%s\"", argv[3], argv[4], result.out, result.err);
    cli_result_free(&result);
}

#define BPFTOOL_SAYS(expected, ...)                       \
    do {                                                  \
        const char *arguments_[] = {__VA_ARGS__, NULL};   \
        bpftool(arguments_, expected);                    \
    } while (0)

TEST(bpftool_of_the_system_works_unchanged)
{
    host_place p;
#ifdef PST_NO_SHIM
    pst_test_skip("a sanitizer leaves no room for the shim");
    return;
#endif
    if (access(BPFTOOL, X_OK) != 0 || access(SAMPLE, R_OK) != 0) {
        pst_test_skip("there is no " BPFTOOL " (package bpftool), or no " SAMPLE);
        return;
    }
    host_open(&p, NULL);
    BPFTOOL_SAYS("", "map", "create", "/sys/fs/bpf/m", "type", "hash", "key", "4", "value", "8", "entries", "16", "name", "mine");
    BPFTOOL_SAYS("", "map", "update", "pinned", "/sys/fs/bpf/m", "key", "1", "0", "0", "0", "value", "1", "2", "3", "4", "5", "6", "7", "8");
    BPFTOOL_SAYS("01 02 03 04 05 06 07 08", "map", "dump", "pinned", "/sys/fs/bpf/m");
    BPFTOOL_SAYS("hash  name mine", "map", "show");
    BPFTOOL_SAYS("\"max_entries\":16", "map", "show", "name", "mine", "-j");
    BPFTOOL_SAYS("", "prog", "load", SAMPLE, "/sys/fs/bpf/p");
    BPFTOOL_SAYS("name xdp_firewall", "prog", "show", "pinned", "/sys/fs/bpf/p");
    BPFTOOL_SAYS("exit", "prog", "dump", "xlated", "pinned", "/sys/fs/bpf/p");
    BPFTOOL_SAYS("prog_ids", "btf", "list");
    BPFTOOL_SAYS("jited", "prog", "show", "name", "xdp_firewall");
    BPFTOOL_SAYS("Return value:", "prog", "run", "pinned", "/sys/fs/bpf/p", "data_in", OBJECT, "repeat", "3");
    char *mounts = cli_slurp("/proc/mounts");
    if (mounts && strstr(mounts, " /sys/fs/bpf bpf ")) BPFTOOL_SAYS("pinned /sys/fs/bpf/p", "-f", "prog", "show");
    free(mounts);
    const char *remove_pin[] = {PST_POSTERN, "shim", "/bin/rm", "/sys/fs/bpf/p", NULL};
    cli_result removed = cli_execute(remove_pin, false);
    CHECK_EQ(removed.code, 0);
    CHECK_STR(removed.err, "");
    cli_result_free(&removed);
    cli_result again = cli_execute(remove_pin, false);
    CHECK_EQ(again.code, 1);
    cli_result_free(&again);
    host_close(&p);
}

TEST(users_without_rights_are_kept_out)
{
    host_place p;
    if (geteuid() != 0) {
        pst_test_skip("needs root to become another user");
        return;
    }
    host_open(&p, NULL);
    const char *loader[] = {PST_LOADER, OBJECT, NULL};
    cli_result result = cli_execute(loader, true);
    CHECK(result.code != 0);
    CHECK(strstr(result.err, p.socket) != NULL);
    cli_result_free(&result);
    host_close(&p);
}

// Makes a map as a user; the exit code of a child.
static int make_as(const char *path, uid_t user)
{
    pst_remote *remote;
    if (setgid(user) != 0 || setuid(user) != 0) return 2;
    if (pst_remote_open(pst_pal_env(), path, &remote) != PST_OK) return 3;
    pst_bpf_attr stats = {0}; // what only those with all rights may ask for
    return make_map(remote, PST_MAP_HASH, 4, 8, 4, 0) >= 0 && pst_remote_command(remote, PST_BPF_ENABLE_STATS, &stats, sizeof stats) >= 0 ? 0 : 4;
}

TEST(a_host_of_an_ordinary_user_serves_that_user)
{
    host_place p;
    if (geteuid() != 0) {
        pst_test_skip("needs root to become another user");
        return;
    }
    host_open_as_nobody(&p);
    static const struct {
        uid_t user;
        int code;
    } users[] = {{HOST_NOBODY, 0}, {0, 0}, {HOST_NOBODY - 1, 3}};
    for (size_t i = 0; i < PST_COUNT(users); i++) {
        pid_t child = fork();
        if (child == 0) _exit(make_as(p.socket, users[i].user));
        CHECK_EQ(cli_wait(child), users[i].code);
    }
    host_close(&p);
}

// What a user without rights finds on an open host.
static int look_around(const char *path)
{
    pst_remote *remote;
    if (setgid(HOST_NOBODY) != 0 || setuid(HOST_NOBODY) != 0) return 2;
    if (pst_remote_open(pst_pal_env(), path, &remote) != PST_OK) return 3;
    if (first_map(remote) != 0) return 4;
    pst_bpf_attr by_id = {.map_id = 1};
    if (pst_remote_command(remote, PST_BPF_MAP_GET_FD_BY_ID, &by_id, sizeof by_id) != -PST_EPERM) return 5;
    pst_bpf_attr pinned = {.pathname = PTR("/sys/fs/bpf/roots")};
    if (pst_remote_command(remote, PST_BPF_OBJ_GET, &pinned, sizeof pinned) != -PST_EACCES) return 6;
    if (pst_remote_unpin(remote, "/sys/fs/bpf/roots") != -PST_EACCES) return 7;
    wire_pin pin_seen;
    char seen[WIRE_STRING_MAX];
    if (pst_remote_pin_next(remote, "", &pin_seen, seen) != -PST_ENOENT) return 12;
    if (pst_remote_client_next(remote, 0) != -PST_EPERM) return 13;
    int64_t own = make_map(remote, PST_MAP_HASH, 4, 8, 4, 0);
    if (own < 0 || put(remote, own, 1, 2) != 0 || first_map(remote) == 0) return 8;
    pst_bpf_attr stats = {0};
    if (pst_remote_command(remote, PST_BPF_ENABLE_STATS, &stats, sizeof stats) != -PST_EPERM) return 9;
    pst_bpf_attr link = {.link_create = {.prog_fd = (uint32_t)own, .target_ifindex = 1, .attach_type = PST_ATTACH_XDP}};
    if (pst_remote_command(remote, PST_BPF_LINK_CREATE, &link, sizeof link) != -PST_EPERM) return 10;
    // Its programs are proved by the strict rules: what all rights may do, to return part of a pointer, they may not.
    static const uint8_t leak[] = {0xbc, 0xa0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0}; // w0 = w10; exit
    pst_bpf_attr load = {.prog_type = PST_PROG_SOCKET_FILTER, .insn_cnt = 2, .insns = PTR(leak), .license = PTR("GPL")};
    if (pst_remote_command(remote, PST_BPF_PROG_LOAD, &load, sizeof load) != -PST_EACCES) return 11;
    return 0;
}

TEST(users_of_an_open_host_see_their_own)
{
    host_place p;
    if (geteuid() != 0) {
        pst_test_skip("needs root to become another user");
        return;
    }
    host_open(&p, "--open");
    pst_remote *remote = connect_to(&p);
    int64_t fd = make_map(remote, PST_MAP_HASH, 4, 8, 4, 0);
    pst_bpf_attr pin = {.pathname = PTR("/sys/fs/bpf/roots"), .bpf_fd = (uint32_t)fd};
    CHECK_EQ(pst_remote_command(remote, PST_BPF_OBJ_PIN, &pin, sizeof pin), 0);
    pid_t child = fork();
    if (child == 0) _exit(look_around(p.socket));
    CHECK_EQ(cli_wait(child), 0);
    close((int)fd);
    pst_remote_close(remote);
    host_close(&p);
}

TEST(pins_and_processes_are_told_over_the_wire)
{
    host_place p;
    wire_pin pin;
    wire_about about;
    char path[WIRE_STRING_MAX];
    host_open(&p, "--no-dynamic-code");
    pst_remote *remote = connect_to(&p);
    CHECK_EQ(pst_remote_pin_next(remote, "", &pin, path), -PST_ENOENT);
    int64_t fd = make_map(remote, PST_MAP_HASH, 4, 8, 4, 0);
    pst_bpf_attr one = {.pathname = PTR("BPF:\\z"), .bpf_fd = (uint32_t)fd}, two = {.pathname = PTR("/sys/fs/bpf/a"), .bpf_fd = (uint32_t)fd};
    CHECK_EQ(pst_remote_command(remote, PST_BPF_OBJ_PIN, &one, sizeof one), 0);
    CHECK_EQ(pst_remote_command(remote, PST_BPF_OBJ_PIN, &two, sizeof two), 0);
    CHECK_EQ(pst_remote_pin_next(remote, "", &pin, path), 0);
    CHECK_STR(path, "/sys/fs/bpf/a");
    CHECK_EQ(pin.kind, PST_OBJECT_MAP);
    CHECK_EQ(pin.id, first_map(remote));
    CHECK_EQ(pst_remote_pin_next(remote, path, &pin, path), 0);
    CHECK_STR(path, "/sys/fs/bpf/z");
    CHECK_EQ(pst_remote_pin_next(remote, path, &pin, path), -PST_ENOENT);
    CHECK_EQ(pst_remote_about(remote, &about), 0);
    CHECK_EQ(about.pid, (uint32_t)p.host);
    CHECK_EQ(about.flags, 0);
    CHECK_EQ(about.engine, PST_CORE_ENGINE_INTERP);
    // This process is the only client.
    CHECK_EQ(pst_remote_client_next(remote, 0), getpid());
    CHECK_EQ(pst_remote_client_next(remote, (uint32_t)getpid()), -PST_ENOENT);
    close((int)fd);
    pst_remote_close(remote);
    host_close(&p);
}

static int raw_connect(const host_place *p)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, p->socket, strlen(p->socket) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

TEST(clients_that_misbehave_hurt_nobody)
{
    host_place p;
    host_open(&p, NULL);
    pst_remote *remote = connect_to(&p);
    int64_t fd = make_map(remote, PST_MAP_HASH, 4, 8, 16, 0);
    uint64_t value, chance = 0x9e3779b97f4a7c15u;
    uint8_t garbage[256];
    CHECK_EQ(put(remote, fd, 1, 2), 0);
    size_t before = descriptors_of(p.host);
    for (int round = 0; round < 100; round++) {
        int bad = raw_connect(&p);
        CHECK(bad >= 0);
        for (size_t i = 0; i < sizeof garbage; i++) garbage[i] = (uint8_t)((chance = chance * 6364136223846793005u + 1442695040888963407u) >> 56);
        wire_request half = {.size = 4096, .op = (uint16_t)(round % WIRE_OPS), .attr_size = 64}; // announces more than comes
        (void)!write(bad, round % 2 ? (const void *)garbage : (const void *)&half, round % 2 ? sizeof garbage : sizeof half);
        if (round % 3 == 0) CHECK_EQ(get(remote, fd, 1, &value), 0);
        close(bad);
    }
    CHECK_EQ(get(remote, fd, 1, &value), 0);
    CHECK_EQ(value, 2);
    size_t after = 0;
    for (int i = 0; i < 500; i++) {
        after = descriptors_of(p.host);
        if (after <= before) break;
        pst_pal_sleep_ns(10000000);
    }
    CHECK_EQ(after, before); // nothing of them is left
    close((int)fd);
    pst_remote_close(remote);
    host_close(&p);
}

TEST(clients_that_are_killed_leave_nothing)
{
    host_place p;
    host_open(&p, NULL);
    pst_remote *remote = connect_to(&p);
    (void)first_map(remote);
    size_t before = descriptors_of(p.host);
    for (int round = 0; round < 20; round++) {
        pid_t child = fork();
        if (child == 0) {
            for (uint32_t i = 0;; i++)
                if (put(remote, make_map(remote, PST_MAP_HASH, 4, 8, 16, 0), i, i) != 0) _exit(1);
        }
        pst_pal_sleep_ns(2000000u * (unsigned)(round % 5 + 1));
        kill(child, SIGKILL);
        (void)cli_wait(child);
    }
    CHECK(maps_go(remote));
    size_t after = 0;
    for (int i = 0; i < 500 && (after = descriptors_of(p.host)) > before; i++) pst_pal_sleep_ns(10000000);
    CHECK_EQ(after, before);
    pst_remote_close(remote);
    host_close(&p);
}

// Asks for four thousand million runs, which nobody waits for.
static void run_for_ever(pst_remote *remote)
{
    static const uint8_t nothing[] = {0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0}, frame[64]; // r0 = 2; exit
    pst_bpf_attr load = {.prog_type = PST_PROG_XDP, .insn_cnt = 2, .insns = PTR(nothing), .license = PTR("GPL")};
    int64_t prog = pst_remote_command(remote, PST_BPF_PROG_LOAD, &load, sizeof load);
    pst_bpf_attr run = {.test = {.prog_fd = (uint32_t)prog, .data_in = PTR(frame), .data_size_in = sizeof frame, .repeat = UINT32_MAX}};
    (void)pst_remote_command(remote, PST_BPF_PROG_TEST_RUN, &run, sizeof run);
}

static size_t threads_of(pid_t pid)
{
    char path[64];
    size_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    while (folder && readdir(folder)) count++;
    if (folder) closedir(folder);
    return count;
}

TEST(runs_without_end_end_with_their_client_and_with_the_host)
{
    host_place p;
    host_open(&p, NULL);
    pst_remote *remote = connect_to(&p);
    (void)first_map(remote);
    size_t before = threads_of(p.host), during = before;
    pid_t child = fork();
    if (child == 0) {
        run_for_ever(remote);
        _exit(0);
    }
    for (int i = 0; i < 500 && (during = threads_of(p.host)) == before; i++) pst_pal_sleep_ns(10000000);
    CHECK(during > before);
    pst_pal_sleep_ns(50000000); // so that it runs, most likely
    kill(child, SIGKILL);
    (void)cli_wait(child);
    for (int i = 0; i < 1000 && (during = threads_of(p.host)) > before; i++) pst_pal_sleep_ns(10000000);
    CHECK_EQ(during, before);
    child = fork();
    if (child == 0) {
        run_for_ever(remote);
        _exit(0);
    }
    for (int i = 0; i < 500 && (during = threads_of(p.host)) == before; i++) pst_pal_sleep_ns(10000000);
    pst_pal_sleep_ns(50000000);
    pst_remote_close(remote);
    host_close(&p); // ends within a minute, or fails
    CHECK_EQ(cli_wait(child), 0);
}

TEST(a_host_that_is_gone_is_said_to_be_gone)
{
    host_place p;
    host_open(&p, NULL);
    pst_remote *remote = connect_to(&p);
    int64_t fd = make_map(remote, PST_MAP_HASH, 4, 8, 16, 0);
    kill(p.host, SIGKILL);
    CHECK_EQ(cli_wait(p.host), 128 + SIGKILL);
    CHECK_EQ(put(remote, fd, 1, 2), -PST_ENOTCONN);
    CHECK(*pst_remote_error(remote) != '\0');
    // A new host takes the stale socket's place; the client finds it, and what was in the old one is gone.
    const char *argv[] = {PST_POSTERND, "--socket", p.socket, NULL};
    unlink(p.log);
    p.host = cli_start(argv, "/dev/null", p.log);
    REQUIRE(cli_await(p.log, "ready at"));
    CHECK_EQ(put(remote, fd, 1, 2), -PST_EBADF);
    close((int)fd);
    fd = make_map(remote, PST_MAP_HASH, 4, 8, 16, 0);
    CHECK_EQ(put(remote, fd, 1, 2), 0);
    close((int)fd);
    pst_remote_close(remote);
    host_close(&p);
}
