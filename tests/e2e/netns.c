// netns.c: see netns.h. Speaks rtnetlink itself, so that tests need no tool.
#include "netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return done;
}

// Neighbour discovery and the like would be frames that no test sent. Not fatal where /proc/sys is read-only.
static void quiet_namespace(void)
{
    (void)write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
    (void)write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
}

static bool enter_user_namespace(void)
{
    char map[64];
    unsigned uid = geteuid(), gid = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
    (void)write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", uid);
    if (!write_file("/proc/self/uid_map", map)) return false;
    snprintf(map, sizeof map, "0 %u 1", gid);
    return write_file("/proc/self/gid_map", map);
}

bool netns_enter(const char **why)
{
    static bool inside;
    *why = "needs root, or an ordinary user who may make user namespaces (unshare -Urn)";
    if (inside) return true;
    if (unshare(CLONE_NEWNET) != 0 && !enter_user_namespace()) return false;
    quiet_namespace();
    inside = true;
    return true;
}

int netns_current(void) { return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC); }
bool netns_switch(int ns) { return setns(ns, CLONE_NEWNET) == 0; }

int netns_new(void)
{
    int home = netns_current(), made = -1;
    if (home < 0) return -1;
    if (unshare(CLONE_NEWNET) == 0) {
        quiet_namespace();
        made = netns_current();
        if (!netns_switch(home)) made = -1;
    }
    close(home);
    return made;
}

// Runs a statement in a namespace and comes back.
#define IN_NAMESPACE(ns, statement)             \
    do {                                        \
        int home_ = netns_current();            \
        if (netns_switch(ns)) { statement; }    \
        if (!netns_switch(home_)) return false; \
        close(home_);                           \
    } while (0)

// --- rtnetlink ---------------------------------------------------------------------------------------------------

typedef struct message {
    union {
        struct nlmsghdr header;
        char bytes[1024];
    };
} message;

static void *message_begin(message *m, uint16_t type, uint16_t flags, size_t body)
{
    memset(m, 0, sizeof *m);
    m->header.nlmsg_type = type;
    m->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    m->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(body);
    return NLMSG_DATA(&m->header);
}

static struct rtattr *attribute(message *m, unsigned type, const void *data, size_t size)
{
    struct rtattr *a = (struct rtattr *)(void *)(m->bytes + NLMSG_ALIGN(m->header.nlmsg_len));
    a->rta_type = (unsigned short)type;
    a->rta_len = (unsigned short)RTA_LENGTH(size);
    if (size) memcpy(RTA_DATA(a), data, size);
    m->header.nlmsg_len = NLMSG_ALIGN(m->header.nlmsg_len) + RTA_ALIGN(a->rta_len);
    return a;
}

static void attribute_end(message *m, struct rtattr *a)
{
    a->rta_len = (unsigned short)(m->bytes + NLMSG_ALIGN(m->header.nlmsg_len) - (char *)a);
}

static bool message_send(message *m)
{
    union {
        struct nlmsghdr header;
        char bytes[4096];
    } answer;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) return false;
    bool done = send(fd, m, m->header.nlmsg_len, 0) == (ssize_t)m->header.nlmsg_len && recv(fd, &answer, sizeof answer, 0) > 0 &&
                answer.header.nlmsg_type == NLMSG_ERROR;
    if (done) {
        struct nlmsgerr *error = NLMSG_DATA(&answer.header);
        done = error->error == 0;
        if (!done) fprintf(stderr, "netns: rtnetlink message %u: %s\n", m->header.nlmsg_type, strerror(-error->error));
    }
    close(fd);
    return done;
}

static void end_attributes(message *m, const char *name, uint8_t mac, int ns)
{
    uint8_t address[6] = {2, 0, 0, 0, 0, mac};
    attribute(m, IFLA_IFNAME, name, strlen(name) + 1);
    attribute(m, IFLA_ADDRESS, address, sizeof address);
    attribute(m, IFLA_NET_NS_FD, &ns, sizeof ns);
}

bool netns_veth(int ns_a, const char *a, uint8_t mac_a, int ns_b, const char *b, uint8_t mac_b)
{
    message m;
    struct ifinfomsg none = {0};
    message_begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof none);
    end_attributes(&m, a, mac_a, ns_a);
    struct rtattr *info = attribute(&m, IFLA_LINKINFO, NULL, 0);
    attribute(&m, IFLA_INFO_KIND, "veth", 5);
    struct rtattr *data = attribute(&m, IFLA_INFO_DATA, NULL, 0);
    struct rtattr *peer = attribute(&m, VETH_INFO_PEER, &none, sizeof none);
    end_attributes(&m, b, mac_b, ns_b);
    attribute_end(&m, peer);
    attribute_end(&m, data);
    attribute_end(&m, info);
    return message_send(&m) && netns_set_up(ns_a, a, true) && netns_set_up(ns_b, b, true);
}

static bool add_address(const char *name, const char *address)
{
    message m;
    struct in_addr in;
    struct ifaddrmsg *body = message_begin(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof *body);
    *body = (struct ifaddrmsg){.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = if_nametoindex(name)};
    if (inet_pton(AF_INET, address, &in) != 1) return false;
    attribute(&m, IFA_LOCAL, &in, sizeof in);
    attribute(&m, IFA_ADDRESS, &in, sizeof in);
    return message_send(&m);
}

bool netns_address(int ns, const char *name, const char *address)
{
    bool done = false;
    IN_NAMESPACE(ns, done = add_address(name, address));
    return done;
}

// type: an attribute of four bytes; 0: none.
static bool change_link(const char *name, unsigned flags, unsigned change, unsigned type, unsigned value)
{
    message m;
    struct ifinfomsg *body = message_begin(&m, RTM_NEWLINK, 0, sizeof *body);
    *body = (struct ifinfomsg){.ifi_index = (int)if_nametoindex(name), .ifi_flags = flags, .ifi_change = change};
    if (type) attribute(&m, type, &value, sizeof value);
    return message_send(&m);
}

static bool make_bridge(const char *name, const char *a, const char *b)
{
    message m;
    struct ifinfomsg none = {0};
    memcpy(message_begin(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof none), &none, sizeof none);
    attribute(&m, IFLA_IFNAME, name, strlen(name) + 1);
    struct rtattr *info = attribute(&m, IFLA_LINKINFO, NULL, 0);
    attribute(&m, IFLA_INFO_KIND, "bridge", 7);
    attribute_end(&m, info);
    if (!message_send(&m)) return false;
    unsigned index = if_nametoindex(name);
    return change_link(a, 0, 0, IFLA_MASTER, index) && change_link(b, 0, 0, IFLA_MASTER, index) && change_link(name, IFF_UP, IFF_UP, 0, 0);
}

bool netns_bridge(int ns, const char *name, const char *a, const char *b)
{
    bool done = false;
    IN_NAMESPACE(ns, done = make_bridge(name, a, b));
    return done;
}

bool netns_set_up(int ns, const char *name, bool up)
{
    bool done = false;
    IN_NAMESPACE(ns, done = change_link(name, up ? IFF_UP : 0, IFF_UP, 0, 0));
    return done;
}

bool netns_set_mtu(int ns, const char *name, unsigned mtu)
{
    bool done = false;
    IN_NAMESPACE(ns, done = change_link(name, 0, 0, IFLA_MTU, mtu));
    return done;
}

static bool delete_link(const char *name)
{
    message m;
    struct ifinfomsg *body = message_begin(&m, RTM_DELLINK, 0, sizeof *body);
    *body = (struct ifinfomsg){.ifi_index = (int)if_nametoindex(name)};
    return message_send(&m);
}

bool netns_delete(int ns, const char *name)
{
    bool done = false;
    IN_NAMESPACE(ns, done = delete_link(name));
    return done;
}

unsigned netns_ifindex(int ns, const char *name)
{
    unsigned index = 0;
    IN_NAMESPACE(ns, index = if_nametoindex(name));
    return index;
}

// The kernel's count of promiscuous users, as 'ip -d link' shows it; the flag alone is not set by a membership.
static bool query_promiscuity(const char *name)
{
    message m;
    union {
        struct nlmsghdr header;
        char bytes[16384];
    } answer;
    struct ifinfomsg *body = message_begin(&m, RTM_GETLINK, 0, sizeof *body);
    *body = (struct ifinfomsg){.ifi_index = (int)if_nametoindex(name)};
    m.header.nlmsg_flags = NLM_F_REQUEST;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) return false;
    ssize_t got = send(fd, &m, m.header.nlmsg_len, 0) > 0 ? recv(fd, &answer, sizeof answer, 0) : -1;
    close(fd);
    if (got <= 0 || answer.header.nlmsg_type != RTM_NEWLINK) return false;
    size_t left = answer.header.nlmsg_len - NLMSG_LENGTH(sizeof *body);
    for (struct rtattr *a = IFLA_RTA(NLMSG_DATA(&answer.header)); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        uint32_t count;
        if (a->rta_type != IFLA_PROMISCUITY) continue;
        memcpy(&count, RTA_DATA(a), sizeof count);
        return count != 0;
    }
    return false;
}

bool netns_is_promiscuous(int ns, const char *name)
{
    bool is = false;
    IN_NAMESPACE(ns, is = query_promiscuity(name));
    return is;
}

// --- Raw frames --------------------------------------------------------------------------------------------------

static int raw_open(const char *name)
{
    int one = 1, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(name)};
    struct packet_mreq promiscuous = {.mr_ifindex = address.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
    int buffer = 4 << 20;
    if (fd < 0) return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
    if (setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one) == 0 &&
        setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) == 0 &&
        bind(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

int netns_raw_open(int ns, const char *name)
{
    int fd = -1, home = netns_current();
    if (netns_switch(ns)) fd = raw_open(name);
    if (!netns_switch(home)) fd = -1;
    close(home);
    return fd;
}

bool netns_raw_send(int fd, const void *frame, size_t size) { return send(fd, frame, size, 0) == (ssize_t)size; }

static size_t raw_read(int fd, uint8_t *frame, size_t capacity)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
    } control;
    struct sockaddr_ll from;
    struct iovec part = {frame + 4, capacity - 4}; // four bytes for a tag
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control,
                       .msg_name = &from, .msg_namelen = sizeof from};
    ssize_t got = recvmsg(fd, &m, MSG_DONTWAIT);
    if (got < 14 || from.sll_pkttype == PACKET_OUTGOING) return 0;
    struct tpacket_auxdata aux = {0};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (c) memcpy(&aux, CMSG_DATA(c), sizeof aux);
    if (!(aux.tp_status & TP_STATUS_VLAN_VALID)) {
        memmove(frame, frame + 4, (size_t)got);
        return (size_t)got;
    }
    uint16_t tag[2] = {htons(aux.tp_vlan_tpid), htons(aux.tp_vlan_tci)};
    memmove(frame, frame + 4, 12);
    memcpy(frame + 12, tag, 4);
    return (size_t)got + 4;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

size_t netns_raw_receive(int fd, uint16_t ethertype, void *frame, size_t capacity, int timeout_ms)
{
    int64_t end = now_ms() + timeout_ms;
    for (;;) {
        int64_t left = end - now_ms();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (left < 0 || poll(&p, 1, (int)left) <= 0) return 0;
        size_t size = raw_read(fd, frame, capacity);
        const uint8_t *bytes = frame;
        if (size && (uint16_t)(bytes[12] << 8 | bytes[13]) == ethertype) return size;
    }
}
