// netns.h: network namespaces and virtual Ethernet pairs for tests, inside the test's own process.
//
// Nothing has a name outside: the namespaces are descriptors, so they and all their interfaces are gone with the process, however
// it ends. Namespaces belong to threads: a socket is made in the namespace that the calling thread is in.
#ifndef PST_TESTS_E2E_NETNS_H
#define PST_TESTS_E2E_NETNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Moves the process into a network namespace of its own, as root or in a user namespace (then it must still have one thread).
/// False: neither is possible here, and *why says so. Calling it again is fine.
bool netns_enter(const char **why);
/// Another namespace; the caller stays where it is. -1: failed. The descriptor keeps it alive.
int netns_new(void);
/// The descriptor of the caller's own.
int netns_current(void);
bool netns_switch(int ns);

/// Makes a pair of joined interfaces, each in its namespace, up, with these MAC addresses' last byte (02:00:00:00:00:xx).
bool netns_veth(int ns_a, const char *a, uint8_t mac_a, int ns_b, const char *b, uint8_t mac_b);
/// Adds an IPv4 address with a /24 prefix.
bool netns_address(int ns, const char *name, const char *address);
/// A bridge of the kernel over two interfaces, all in one namespace.
bool netns_bridge(int ns, const char *name, const char *a, const char *b);
bool netns_set_up(int ns, const char *name, bool up);
bool netns_set_mtu(int ns, const char *name, unsigned mtu);
bool netns_is_promiscuous(int ns, const char *name);
bool netns_delete(int ns, const char *name);
/// 0: there is none.
unsigned netns_ifindex(int ns, const char *name);

/// A raw packet socket on an interface of a namespace, to send and receive whole frames as they are on the wire, VLAN tags in place.
int netns_raw_open(int ns, const char *name);
bool netns_raw_send(int fd, const void *frame, size_t size);
/// The next frame with this EtherType behind its addresses, at most timeout_ms from now. Size, 0: none came.
size_t netns_raw_receive(int fd, uint16_t ethertype, void *frame, size_t capacity, int timeout_ms);

#endif
