// net_fixture.c: see net_fixture.h.
#include "net_fixture.h"

#include <dirent.h>
#include <pthread.h>
#include <unistd.h>

#include "harness.h"
#include "isa/isa.h"
#include "pal/pal.h"

static pthread_mutex_t g_log_lock = PTHREAD_MUTEX_INITIALIZER;
static char g_log[16384];
static size_t g_log_size;
static pst_env g_env;

static void keep_message(void *user, pst_log_level level, const char *text)
{
    pthread_mutex_lock(&g_log_lock);
    size_t left = sizeof g_log - g_log_size;
    int size = snprintf(g_log + g_log_size, left, "%s\n", text);
    if (size > 0 && (size_t)size < left) g_log_size += (size_t)size;
    pthread_mutex_unlock(&g_log_lock);
}

const pst_env *fixture_env(void)
{
    if (!g_env.log) { // once, before there are threads
        g_env = *pst_pal_env();
        g_env.log = keep_message;
    }
    return &g_env;
}

static bool is_in_log(const char *words)
{
    pthread_mutex_lock(&g_log_lock);
    bool is = strstr(g_log, words) != NULL;
    pthread_mutex_unlock(&g_log_lock);
    return is;
}

bool fixture_said(const char *words)
{
    for (int i = 0; i < WAIT_MS && !is_in_log(words); i++) usleep(1000);
    if (is_in_log(words)) return true;
    printf("nothing said \"%s\"; what was said:\n%s", words, g_log);
    return false;
}

void fixture_forget(void)
{
    pthread_mutex_lock(&g_log_lock);
    g_log_size = 0;
    g_log[0] = 0;
    pthread_mutex_unlock(&g_log_lock);
}

static unsigned count_entries(const char *path)
{
    unsigned count = 0;
    DIR *dir = opendir(path);
    if (!dir) return 0;
    while (readdir(dir)) count++;
    closedir(dir);
    return count;
}

static unsigned g_descriptors, g_threads;

bool fixture_left_nothing(void)
{
    unsigned descriptors = count_entries("/proc/self/fd"), threads = count_entries("/proc/self/task");
    if (descriptors == g_descriptors && threads == g_threads) return true;
    printf("%u descriptors (were %u), %u threads (were %u)\n", descriptors, g_descriptors, threads, g_threads);
    return false;
}

static void *do_nothing(void *arg) { return arg; }

// What the process has anyway. A sanitizer's own thread comes with the first of ours.
static void count_first(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, do_nothing, NULL) == 0) pthread_join(thread, NULL);
    g_descriptors = count_entries("/proc/self/fd");
    g_threads = count_entries("/proc/self/task");
}

static bool open_wires(net_fixture *f)
{
    f->middle = netns_current();
    f->client = netns_new();
    f->server = netns_new();
    if (f->middle < 0 || f->client < 0 || f->server < 0) return false;
    if (!netns_veth(f->client, "c0", 1, f->middle, "m0", 2) || !netns_veth(f->middle, "m1", 3, f->server, "s0", 4)) return false;
    if (!netns_address(f->client, "c0", "10.77.0.1") || !netns_address(f->server, "s0", "10.77.0.2")) return false;
    f->c0 = netns_raw_open(f->client, "c0");
    f->s0 = netns_raw_open(f->server, "s0");
    return f->c0 >= 0 && f->s0 >= 0;
}

static bool open_core(net_fixture *f)
{
    pst_core_options options = {.size = sizeof options};
    if (pst_core_create(fixture_env(), &options, &f->core) != PST_OK) return false;
    if (pst_client_create(f->core, &f->user) != PST_OK) return false;
    return pst_net_create(fixture_env(), f->core, &f->net) == PST_OK;
}

bool fixture_open(net_fixture *f)
{
    const char *why;
    memset(f, 0, sizeof *f);
    f->c0 = f->s0 = f->client = f->server = f->middle = f->link[0] = f->link[1] = -1;
    if (!netns_enter(&why)) {
        pst_test_skip(why);
        return false;
    }
    if (g_threads == 0) count_first();
    fixture_forget();
    if (open_wires(f) && open_core(f)) return true;
    pst_test_fail(__FILE__, __LINE__, "cannot make the wires or the core: %s", g_log);
    fixture_close(f);
    return false;
}

bool fixture_open_tap(net_fixture *f)
{
    if (access("/dev/net/tun", R_OK | W_OK) == 0) return fixture_open(f);
    pst_test_skip("needs the right to read and write /dev/net/tun");
    return false;
}

bool fixture_open_bridge(net_fixture *f)
{
    if (!fixture_open(f)) return false;
    pst_bridge_options options = {.size = sizeof options, .port = {"m0", "m1"}};
    if (pst_bridge_open(f->net, &options, &f->bridge) == PST_OK) return true;
    pst_test_fail(__FILE__, __LINE__, "cannot open the bridge: %s", g_log);
    fixture_close(f);
    return false;
}

static void close_fd(int fd)
{
    if (fd >= 0) close(fd);
}

void fixture_close(net_fixture *f)
{
    for (unsigned i = 0; i < 2; i++) fixture_detach(f, i);
    pst_bridge_close(f->bridge);
    if (f->user) pst_client_free(f->user);
    pst_net_free(f->net);
    if (f->core) pst_core_free(f->core);
    if (f->middle >= 0) {
        // Now: when the namespaces themselves end is the kernel's affair.
        if (netns_ifindex(f->middle, "m0")) (void)netns_delete(f->middle, "m0");
        if (netns_ifindex(f->middle, "m1")) (void)netns_delete(f->middle, "m1");
    }
    close_fd(f->c0);
    close_fd(f->s0);
    close_fd(f->client);
    close_fd(f->server);
    close_fd(f->middle);
}

int fixture_load(net_fixture *f, const char *text)
{
    pst_slot *slots;
    size_t count;
    pst_asm_error error;
    pst_bpf_attr attr;
    if (pst_assemble(fixture_env(), text, &slots, &count, &error) != PST_OK) {
        pst_test_fail(__FILE__, __LINE__, "line %u: %s", error.line, error.text);
        return -1;
    }
    memset(&attr, 0, sizeof attr);
    attr.prog_type = PST_PROG_XDP;
    attr.insn_cnt = (uint32_t)count;
    attr.insns = (uintptr_t)slots;
    attr.license = (uintptr_t)"GPL";
    int64_t fd = pst_core_command(f->user, PST_BPF_PROG_LOAD, &attr, sizeof attr);
    pst_free(fixture_env(), slots, count * sizeof *slots);
    if (fd < 0) pst_test_fail(__FILE__, __LINE__, "PROG_LOAD: %d: %s", (int)fd, pst_client_error(f->user));
    return (int)fd;
}

int64_t fixture_link(net_fixture *f, int program, uint32_t ifindex, uint32_t flags)
{
    pst_bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.link_create.prog_fd = (uint32_t)program;
    attr.link_create.target_ifindex = ifindex;
    attr.link_create.attach_type = 37; // BPF_XDP
    attr.link_create.flags = flags;
    return pst_core_command(f->user, PST_BPF_LINK_CREATE, &attr, sizeof attr);
}

bool fixture_attach(net_fixture *f, int program, unsigned port)
{
    if (port == 2) return fixture_attach(f, program, 0) && fixture_attach(f, program, 1);
    int64_t fd = fixture_link(f, program, pst_bridge_ifindex(f->bridge, port), 0);
    if (fd < 0) pst_test_fail(__FILE__, __LINE__, "LINK_CREATE: %d: %s", (int)fd, pst_client_error(f->user));
    f->link[port] = (int)fd;
    return fd >= 0;
}

void fixture_detach(net_fixture *f, unsigned port)
{
    if (f->link[port] >= 0) CHECK_EQ(pst_core_close(f->user, f->link[port]), 0);
    f->link[port] = -1;
}

void fixture_frame(uint8_t *frame, size_t size, uint8_t mark)
{
    static const uint8_t head[14] = {2, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 1, TEST_ETHERTYPE >> 8, TEST_ETHERTYPE & 255};
    memcpy(frame, head, sizeof head);
    frame[14] = mark;
    for (size_t i = 15; i < size; i++) frame[i] = (uint8_t)(i * 7 + i / 256);
}

pst_port_stats fixture_stats(const net_fixture *f, unsigned port)
{
    pst_port_stats stats;
    pst_bridge_stats(f->bridge, port, &stats);
    return stats;
}
