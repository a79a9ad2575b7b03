// net_fixture.h: client - bridge - server: three namespaces joined by virtual Ethernet, and a core with the XDP provider in the middle.
//
//   client ns:  c0 10.77.0.1  <->  m0  (this process)  m1  <->  s0 10.77.0.2  :server ns
#ifndef PST_TESTS_E2E_NET_FIXTURE_H
#define PST_TESTS_E2E_NET_FIXTURE_H

#include "core/core.h"
#include "ext/net/xdp.h"
#include "netns.h"

#define TEST_ETHERTYPE 0x88b5 // for local experiments: no system sends it by itself
#define FRAME_MAX 9100
#define WAIT_MS 10000         // for what must come; its length is never part of a result

typedef struct net_fixture {
    int middle, client, server; // namespaces
    int c0, s0;                 // raw sockets in client and server
    pst_core *core;
    pst_client *user;
    pst_net *net;
    pst_bridge *bridge;
    int link[2]; // on each port; -1: none
} net_fixture;

/// Skips the test (false) where namespaces cannot be made; fails it where anything else cannot.
bool fixture_open(net_fixture *f);
/// The same for tests of TAP devices: skips also without the right to use /dev/net/tun.
bool fixture_open_tap(net_fixture *f);
/// The same with a bridge over m0 and m1.
bool fixture_open_bridge(net_fixture *f);
void fixture_close(net_fixture *f);

/// Assembles and loads a program; its handle, or -1 after a failed check.
int fixture_load(net_fixture *f, const char *text);
/// Attaches a program to a port of the bridge (fixture.link), or to both with port 2.
bool fixture_attach(net_fixture *f, int program, unsigned port);
void fixture_detach(net_fixture *f, unsigned port);
/// The handle or negative errno of LINK_CREATE.
int64_t fixture_link(net_fixture *f, int program, uint32_t ifindex, uint32_t flags);

/// A test frame: addresses, TEST_ETHERTYPE, then mark, then a pattern.
void fixture_frame(uint8_t *frame, size_t size, uint8_t mark);
pst_port_stats fixture_stats(const net_fixture *f, unsigned port);

/// The environment of everything in a fixture: the default's memory; its messages are kept.
const pst_env *fixture_env(void);
/// Whether a message since the last fixture_forget holds the words; waits for it. Prints them all when not.
bool fixture_said(const char *words);
void fixture_forget(void);

/// Whether descriptors and threads of this process are as many as when the fixture was opened first.
bool fixture_left_nothing(void);

// The head of a program that lets pass what no test sent, and has the frame in r2 (16 bytes of it are safe), its end in r3, the context in r6.
#define PROGRAM_HEAD                      \
    "r6 = r1\n"                           \
    "r2 = *(u32 *)(r1 + 0)\n"             \
    "r3 = *(u32 *)(r1 + 4)\n"             \
    "r4 = r2\n"                           \
    "r4 += 20\n"                          \
    "if r4 > r3 goto pass\n"              \
    "r5 = *(u16 *)(r2 + 12)\n"            \
    "if r5 != 0xb588 goto pass\n"
#define PROGRAM_TAIL "pass: r0 = 2\nexit\n"

#endif
