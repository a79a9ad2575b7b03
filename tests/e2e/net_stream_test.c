// net_stream_test.c: real TCP and UDP through a bridge, between interfaces with the offloads that they come with.
//
// These are what break when a bridge forgets partial checksums or large frames. Contents are compared byte by byte.
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "net_fixture.h"

enum { BULK = 8 << 20, PIECE = 1 << 16 };

static void fill_piece(uint8_t *piece, size_t offset, size_t size)
{
    for (size_t i = 0; i < size; i++) piece[i] = (uint8_t)((offset + i) * 7 + ((offset + i) >> 12));
}

static bool wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, WAIT_MS) == 1;
}

static bool send_bulk(int fd)
{
    static uint8_t piece[PIECE];
    for (size_t sent = 0; sent < BULK;) {
        fill_piece(piece, sent, PIECE);
        for (size_t at = 0; at < PIECE;) {
            if (!wait_for(fd, POLLOUT)) return false;
            ssize_t n = send(fd, piece + at, PIECE - at, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n <= 0) return false;
            at += (size_t)n;
        }
        sent += PIECE;
    }
    return shutdown(fd, SHUT_WR) == 0;
}

static bool receive_bulk(int fd)
{
    static uint8_t got[PIECE], want[PIECE];
    size_t received = 0;
    for (;;) {
        if (!wait_for(fd, POLLIN)) return false;
        ssize_t n = recv(fd, got, PIECE, 0);
        if (n < 0) return false;
        if (n == 0) return received == BULK;
        fill_piece(want, received, (size_t)n);
        if (memcmp(got, want, (size_t)n) != 0) return false;
        received += (size_t)n;
    }
}

static int make_socket(int ns, int type, const char *address, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    int home = netns_current(), fd = -1, one = 1;
    if (netns_switch(ns)) fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (!netns_switch(home)) printf("lost in a namespace\n");
    close(home);
    if (fd < 0 || inet_pton(AF_INET, address, &in.sin_addr) != 1) return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&in, sizeof in) == 0) return fd;
    close(fd);
    return -1;
}

static bool connect_to(int fd, const char *address, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval limit = {WAIT_MS / 1000, 0}; // bounds connect() too
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return inet_pton(AF_INET, address, &in.sin_addr) == 1 && connect(fd, (struct sockaddr *)&in, sizeof in) == 0;
}

typedef struct sender {
    int fd;
    bool done;
} sender;

static void *send_thread(void *arg)
{
    sender *s = arg;
    s->done = send_bulk(s->fd);
    return NULL;
}

// The bulk goes from one to the other.
static void check_bulk(int from, int to)
{
    pthread_t thread;
    sender s = {.fd = from};
    REQUIRE(pthread_create(&thread, NULL, send_thread, &s) == 0);
    CHECK(receive_bulk(to));
    pthread_join(thread, NULL);
    CHECK(s.done);
}

// A connection from the client to the server at a port, which the server listens for at another; then bulk up, then down.
static void check_tcp(net_fixture *f, const char *server, int server_ns, uint16_t to_port, uint16_t listen_port)
{
    int listener = make_socket(server_ns, SOCK_STREAM, "0.0.0.0", listen_port);
    int client = make_socket(f->client, SOCK_STREAM, "0.0.0.0", 0);
    CHECK(listener >= 0 && client >= 0 && listen(listener, 1) == 0);
    bool connected = connect_to(client, server, to_port);
    CHECK(connected);
    int accepted = connected && wait_for(listener, POLLIN) ? accept(listener, NULL, NULL) : -1;
    CHECK(accepted >= 0);
    if (accepted >= 0) {
        check_bulk(client, accepted);
        check_bulk(accepted, client);
        close(accepted);
    }
    close(client);
    close(listener);
}

TEST(tcp_flows_without_a_program)
{
    net_fixture f;
    if (!fixture_open_bridge(&f)) return;
    check_tcp(&f, "10.77.0.2", f.server, 5000, 5000);
    pst_port_stats stats = fixture_stats(&f, 0);
    CHECK(stats.no_program > BULK / 1500); // counted as a wire would carry it
    CHECK_EQ(stats.passed, 0);
    fixture_close(&f);
}

TEST(tcp_flows_through_a_program_that_looks_on)
{
    net_fixture f;
    if (!fixture_open_bridge(&f)) return;
    // Frames that no wire carries are dropped: the program sees none.
    CHECK(fixture_attach(&f, fixture_load(&f, "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr0 = 1\nr3 -= r2\nif r3 > 1514 goto +1\n"
                                              "r0 = 2\nexit\n"), 2));
    check_tcp(&f, "10.77.0.2", f.server, 5000, 5000);
    CHECK_EQ(fixture_stats(&f, 0).dropped + fixture_stats(&f, 1).dropped, 0);
    CHECK(fixture_stats(&f, 0).passed > BULK / 1500);
    fixture_close(&f);
    CHECK(fixture_left_nothing());
}

// IPv4 and a protocol's header: r2 frame, r5 protocol. Replaces a port at an offset and repairs the checksum incrementally
// (RFC 1624), as programs do; right only if the checksum was complete.
#define NAT_PORT(offset, from, to, checksum)                                    \
    "r5 = *(u16 *)(r2 + " offset ")\nif r5 != " from " goto pass\n"             \
    "*(u16 *)(r2 + " offset ") = " to "\n"                                      \
    "r4 = *(u16 *)(r2 + " checksum ")\nr4 ^= 0xffff\nr4 += " to "\n"            \
    "r5 = " from "\nr5 ^= 0xffff\nr4 += r5\n"                                   \
    "r5 = r4\nr5 >>= 16\nr4 &= 0xffff\nr4 += r5\nr5 = r4\nr5 >>= 16\nr4 += r5\n" \
    "r4 ^= 0xffff\n*(u16 *)(r2 + " checksum ") = r4\n"

#define NAT_HEAD(protocol, bytes)                                                                        \
    "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr4 = r2\nr4 += " bytes "\nif r4 > r3 goto pass\n"        \
    "r5 = *(u16 *)(r2 + 12)\nif r5 != 8 goto pass\nr5 = *(u8 *)(r2 + 23)\nif r5 != " protocol " goto pass\n"

// Port 5000 (0x8813 as loaded) is port 6000 (0x7017) behind the bridge.
static const char *const tcp_there = NAT_HEAD("6", "54") NAT_PORT("36", "0x8813", "0x7017", "50") PROGRAM_TAIL;
static const char *const tcp_back = NAT_HEAD("6", "54") NAT_PORT("34", "0x7017", "0x8813", "50") PROGRAM_TAIL;
static const char *const udp_there = NAT_HEAD("17", "42") NAT_PORT("36", "0x8813", "0x7017", "40") PROGRAM_TAIL;
static const char *const udp_back = NAT_HEAD("17", "42") NAT_PORT("34", "0x7017", "0x8813", "40") PROGRAM_TAIL;

TEST(tcp_flows_through_programs_that_rewrite_ports)
{
    net_fixture f;
    if (!fixture_open_bridge(&f)) return;
    CHECK(fixture_attach(&f, fixture_load(&f, tcp_there), 0));
    CHECK(fixture_attach(&f, fixture_load(&f, tcp_back), 1));
    check_tcp(&f, "10.77.0.2", f.server, 5000, 6000);
    fixture_close(&f);
}

static void check_datagram(int from, int to, size_t size, struct sockaddr_in *peer)
{
    static uint8_t data[PIECE], got[PIECE];
    socklen_t length = sizeof *peer;
    fill_piece(data, size, size);
    REQUIRE(send(from, data, size, 0) == (ssize_t)size);
    REQUIRE(wait_for(to, POLLIN));
    CHECK_EQ(recvfrom(to, got, sizeof got, 0, (struct sockaddr *)peer, &length), size);
    CHECK(memcmp(data, got, size) == 0);
}

TEST(udp_flows_through_programs_that_rewrite_ports)
{
    net_fixture f;
    struct sockaddr_in peer;
    if (!fixture_open_bridge(&f)) return;
    CHECK(fixture_attach(&f, fixture_load(&f, udp_there), 0));
    CHECK(fixture_attach(&f, fixture_load(&f, udp_back), 1));
    int server = make_socket(f.server, SOCK_DGRAM, "0.0.0.0", 6000), client = make_socket(f.client, SOCK_DGRAM, "0.0.0.0", 0);
    CHECK(server >= 0 && client >= 0 && connect_to(client, "10.77.0.2", 5000));
    for (size_t size = 1; size <= 1472; size += 147) {
        check_datagram(client, server, size, &peer);
        if (size == 1) CHECK(connect(server, (struct sockaddr *)&peer, sizeof peer) == 0);
        check_datagram(server, client, size, &peer);
    }
    check_datagram(client, server, 1472, &peer);
    close(server);
    close(client);
    fixture_close(&f);
}

// One long frame in a hundred is lost on the way; TCP repairs that, and each byte is still right.
TEST(tcp_survives_a_program_that_drops_segments)
{
    net_fixture f;
    if (!fixture_open_bridge(&f)) return;
    CHECK(fixture_attach(&f, fixture_load(&f, "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr3 -= r2\nif r3 < 1000 goto pass\ncall 7\n"
                                              "r1 = r0\nr0 = 1\nw1 %= 100\nif w1 == 0 goto +1\nr0 = 2\nexit\n" PROGRAM_TAIL), 2));
    check_tcp(&f, "10.77.0.2", f.server, 5000, 5000);
    CHECK(fixture_stats(&f, 0).dropped > 0);
    fixture_close(&f);
}

TEST(tcp_flows_between_an_interface_and_a_tap)
{
    net_fixture f;
    if (!fixture_open_tap(&f)) return;
    pst_bridge_options options = {.size = sizeof options, .port = {"m0", "pt0"}, .make_tap = {false, true}};
    CHECK_EQ(pst_bridge_open(f.net, &options, &f.bridge), PST_OK);
    if (f.bridge) {
        CHECK_EQ(pst_bridge_port_kind(f.bridge, 0), PST_PORT_PACKET);
        CHECK_EQ(pst_bridge_port_kind(f.bridge, 1), PST_PORT_TAP);
        CHECK(netns_address(f.middle, "pt0", "10.77.0.3"));
        check_tcp(&f, "10.77.0.3", f.middle, 5000, 5000);
        CHECK(fixture_attach(&f, fixture_load(&f, tcp_there), 0));
        CHECK(fixture_attach(&f, fixture_load(&f, tcp_back), 1));
        check_tcp(&f, "10.77.0.3", f.middle, 5000, 6000);
    }
    fixture_close(&f);
}
