// net_bench.c: how many frames a second the inline bridge forwards, and how fast TCP is through it, next to the kernel's own bridge.
//
// Sender, bridge and receiver share the machine's cores, so figures count the whole way of a frame and are compared with the kernel's
// in the same run, not across machines. Usage: net_bench [SECONDS per figure]. Needs what tests/e2e needs.
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/core.h"
#include "e2e/netns.h"
#include "ext/net/xdp.h"
#include "isa/isa.h"
#include "pal/pal.h"

enum { BATCH = 64, FRAME = 64, ETHERTYPE = 0x88b5, PIECE = 1 << 17 };

typedef struct bench {
    double seconds;
    int middle, client, server; // namespaces
    int raw;                    // sends frames at the client
    pst_core *core;
    pst_client *user;
    pst_net *net;
    pst_bridge *bridge;
    uint32_t stop; // atomic
} bench;

static void die(const char *what)
{
    fprintf(stderr, "net_bench: %s failed\n", what);
    exit(1);
}

static double now(void) { return (double)pst_pal_time_ns() / 1e9; }

// --- Frames ---------------------------------------------------------------------------------------------------------

static void *send_frames(void *arg)
{
    bench *b = arg;
    uint8_t frame[FRAME] = {2, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 1, ETHERTYPE >> 8, ETHERTYPE & 255};
    struct iovec part = {frame, sizeof frame};
    struct mmsghdr batch[BATCH];
    memset(batch, 0, sizeof batch);
    for (int i = 0; i < BATCH; i++) batch[i].msg_hdr = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1};
    while (!PST_ATOMIC_LOAD(&b->stop)) (void)sendmmsg(b->raw, batch, BATCH, 0);
    return NULL;
}

// Frames that arrived at the server's interface, as the kernel counts them.
static unsigned long long arrived(const bench *b)
{
    char line[512];
    unsigned long long packets = 0;
    if (!netns_switch(b->server)) die("setns");
    FILE *file = fopen("/proc/thread-self/net/dev", "r");
    while (file && fgets(line, sizeof line, file)) {
        char *name = strstr(line, "s0:");
        if (name) (void)sscanf(name, "s0: %*u %llu", &packets);
    }
    if (file) fclose(file);
    if (!netns_switch(b->middle)) die("setns");
    return packets;
}

static void measure_frames(bench *b, const char *what)
{
    pthread_t sender;
    PST_ATOMIC_STORE(&b->stop, 0);
    if (pthread_create(&sender, NULL, send_frames, b) != 0) die("a thread");
    usleep(200000); // warm
    unsigned long long before = arrived(b);
    double start = now();
    usleep((useconds_t)(b->seconds * 1e6));
    double rate = (double)(arrived(b) - before) / (now() - start);
    PST_ATOMIC_STORE(&b->stop, 1);
    pthread_join(sender, NULL);
    printf("%-44s %8.0f frames/s\n", what, rate);
    fflush(stdout);
}

// --- TCP ------------------------------------------------------------------------------------------------------------

static void *send_stream(void *arg)
{
    bench *b = arg;
    static char piece[PIECE];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(5000)};
    if (!netns_switch(b->client) || inet_pton(AF_INET, "10.77.0.2", &to.sin_addr) != 1) die("the client");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) die("connect");
    while (!PST_ATOMIC_LOAD(&b->stop) && send(fd, piece, PIECE, MSG_NOSIGNAL) > 0) {}
    close(fd);
    return NULL;
}

static int listen_at_server(const bench *b)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(5000)};
    int one = 1;
    if (!netns_switch(b->server)) die("setns");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof in) != 0 || listen(fd, 1) != 0) die("the server");
    if (!netns_switch(b->middle)) die("setns");
    return fd;
}

static void measure_tcp(bench *b, const char *what)
{
    static char piece[PIECE];
    pthread_t sender;
    int listener = listen_at_server(b);
    PST_ATOMIC_STORE(&b->stop, 0);
    if (pthread_create(&sender, NULL, send_stream, b) != 0) die("a thread");
    int fd = accept(listener, NULL, NULL);
    double start = now(), bytes = 0;
    while (now() - start < b->seconds) {
        ssize_t n = recv(fd, piece, PIECE, 0);
        if (n <= 0) die("recv");
        bytes += (double)n;
    }
    double rate = bytes * 8 / (now() - start) / 1e9;
    PST_ATOMIC_STORE(&b->stop, 1);
    while (recv(fd, piece, PIECE, 0) > 0) {}
    pthread_join(sender, NULL);
    close(fd);
    close(listener);
    printf("%-44s %8.2f Gb/s\n", what, rate);
    fflush(stdout);
}

// --- Configurations -------------------------------------------------------------------------------------------------

static int load(bench *b, const char *text)
{
    pst_slot *slots;
    size_t count;
    pst_asm_error error;
    pst_bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    if (pst_assemble(pst_pal_env(), text, &slots, &count, &error) != PST_OK) die(error.text);
    attr.prog_type = PST_PROG_XDP;
    attr.insn_cnt = (uint32_t)count;
    attr.insns = (uintptr_t)slots;
    attr.license = (uintptr_t)"GPL";
    int64_t fd = pst_core_command(b->user, PST_BPF_PROG_LOAD, &attr, sizeof attr);
    if (fd < 0) die(pst_client_error(b->user));
    return (int)fd;
}

static void attach(bench *b, int program, int link[2])
{
    for (unsigned i = 0; i < 2; i++) {
        pst_bpf_attr attr;
        memset(&attr, 0, sizeof attr);
        attr.link_create.prog_fd = (uint32_t)program;
        attr.link_create.target_ifindex = pst_bridge_ifindex(b->bridge, i);
        attr.link_create.attach_type = 37; // BPF_XDP
        link[i] = (int)pst_core_command(b->user, PST_BPF_LINK_CREATE, &attr, sizeof attr);
        if (link[i] < 0) die(pst_client_error(b->user));
    }
}

static void measure_program(bench *b, const char *what, const char *text)
{
    int link[2];
    attach(b, load(b, text), link);
    measure_frames(b, what);
    measure_tcp(b, "  TCP");
    for (int i = 0; i < 2; i++) (void)pst_core_close(b->user, link[i]);
}

static void measure_kernel(bench *b)
{
    if (!netns_bridge(b->middle, "kbr", "m0", "m1")) {
        printf("%-44s not available\n", "kernel bridge");
        return;
    }
    measure_frames(b, "kernel bridge");
    measure_tcp(b, "  TCP");
    if (!netns_delete(b->middle, "kbr")) die("removing the kernel's bridge");
}

static void measure_ours(bench *b)
{
    pst_core_options core = {.size = sizeof core};
    pst_bridge_options ports = {.size = sizeof ports, .port = {"m0", "m1"}};
    if (pst_core_create(pst_pal_env(), &core, &b->core) != PST_OK || pst_client_create(b->core, &b->user) != PST_OK ||
        pst_net_create(pst_pal_env(), b->core, &b->net) != PST_OK || pst_bridge_open(b->net, &ports, &b->bridge) != PST_OK)
        die("the bridge");
    measure_frames(b, "postern, no program");
    measure_tcp(b, "  TCP");
    measure_program(b, "postern, return XDP_PASS", "r0 = 2\nexit\n");
    measure_program(b, "postern, parse Ethernet, rewrite a byte",
                    "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr4 = r2\nr4 += 20\nif r4 > r3 goto pass\nr5 = *(u16 *)(r2 + 12)\n"
                    "if r5 != 0xb588 goto pass\n*(u8 *)(r2 + 14) = 7\npass: r0 = 2\nexit\n");
    pst_port_stats stats;
    pst_bridge_stats(b->bridge, 0, &stats);
    printf("frames the kernel had no room for: %llu of %llu\n", (unsigned long long)stats.kernel_drops, (unsigned long long)stats.rx_frames);
    pst_bridge_close(b->bridge);
    pst_client_free(b->user);
    pst_net_free(b->net);
    pst_core_free(b->core);
}

int main(int argc, char **argv)
{
    const char *why;
    bench b = {.seconds = argc > 1 ? atof(argv[1]) : 2};
    if (!netns_enter(&why)) {
        printf("skipped: %s\n", why);
        return 0; // the other benchmarks go on
    }
    b.middle = netns_current();
    b.client = netns_new();
    b.server = netns_new();
    if (!netns_veth(b.client, "c0", 1, b.middle, "m0", 2) || !netns_veth(b.middle, "m1", 3, b.server, "s0", 4) ||
        !netns_address(b.client, "c0", "10.77.0.1") || !netns_address(b.server, "s0", "10.77.0.2"))
        die("making namespaces");
    b.raw = netns_raw_open(b.client, "c0");
    measure_kernel(&b);
    measure_ours(&b);
    return 0;
}
