// netif_linux.c: interfaces, by ioctl and sysfs-free netlink. See netif_linux.h.
//
// Sysfs is avoided on purpose: it shows the interfaces of the namespace in which it was mounted, not of the caller's.
#include "ext/net/netif_linux.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void request_for(struct ifreq *request, const char *name)
{
    memset(request, 0, sizeof *request);
    strncpy(request->ifr_name, name, IFNAMSIZ - 1);
}

static int open_control(void) { return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); }

// The driver says so: name "tun", bus "tap".
static bool is_tap(int fd, const char *name)
{
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    struct ifreq request;
    request_for(&request, name);
    request.ifr_data = (void *)&info;
    if (ioctl(fd, SIOCETHTOOL, &request) != 0) return false;
    return strcmp(info.driver, "tun") == 0 && strcmp(info.bus_info, "tap") == 0;
}

// An IPv4 address, or an IPv6 one that is not merely link-local (every interface that is up has one of those).
static bool is_addressed(const char *name)
{
    struct ifaddrs *list;
    bool found = false;
    if (getifaddrs(&list) != 0) return false;
    for (struct ifaddrs *a = list; a && !found; a = a->ifa_next) {
        if (!a->ifa_addr || strcmp(a->ifa_name, name) != 0) continue;
        if (a->ifa_addr->sa_family == AF_INET) found = true;
        if (a->ifa_addr->sa_family != AF_INET6) continue;
        struct sockaddr_in6 address;
        memcpy(&address, a->ifa_addr, sizeof address);
        found = !IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr);
    }
    freeifaddrs(list);
    return found;
}

static uint32_t find_master(const struct nlmsghdr *message, size_t size)
{
    if (!NLMSG_OK(message, size) || message->nlmsg_type != RTM_NEWLINK) return 0;
    struct ifinfomsg *info = NLMSG_DATA(message);
    size_t left = message->nlmsg_len - NLMSG_LENGTH(sizeof *info);
    for (struct rtattr *a = IFLA_RTA(info); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        uint32_t master;
        if (a->rta_type != IFLA_MASTER || RTA_PAYLOAD(a) < sizeof master) continue;
        memcpy(&master, RTA_DATA(a), sizeof master);
        return master;
    }
    return 0;
}

static uint32_t query_master(uint32_t ifindex)
{
    struct {
        struct nlmsghdr header;
        struct ifinfomsg info;
    } request = {
        .header = {.nlmsg_len = sizeof request, .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST},
        .info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex},
    };
    union {
        struct nlmsghdr header;
        char bytes[16384];
    } answer;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) return 0;
    ssize_t got = -1;
    if (send(fd, &request, sizeof request, 0) == (ssize_t)sizeof request) got = recv(fd, &answer, sizeof answer, 0);
    close(fd);
    return got > 0 ? find_master(&answer.header, (size_t)got) : 0;
}

static pst_status query_with(const pst_env *env, int fd, const char *name, pst_netif *out)
{
    struct ifreq request;
    memset(out, 0, sizeof *out);
    request_for(&request, name);
    if (ioctl(fd, SIOCGIFINDEX, &request) != 0) {
        if (errno == ENODEV) return PST_E_NOTFOUND;
        return pst_fail(env, PST_E_IO, "%s: cannot ask for the interface: %s", name, strerror(errno));
    }
    out->ifindex = (uint32_t)request.ifr_ifindex;
    if (ioctl(fd, SIOCGIFMTU, &request) == 0) out->mtu = (uint32_t)request.ifr_mtu;
    request_for(&request, name);
    if (ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
        out->up = (request.ifr_flags & IFF_UP) != 0;
        out->loopback = (request.ifr_flags & IFF_LOOPBACK) != 0;
    }
    request_for(&request, name);
    if (ioctl(fd, SIOCGIFHWADDR, &request) == 0) out->hardware = request.ifr_hwaddr.sa_family;
    out->tap = is_tap(fd, name);
    out->addressed = is_addressed(name);
    out->master = query_master(out->ifindex);
    return PST_OK;
}

pst_status pst_netif_query(const pst_env *env, const char *name, pst_netif *out)
{
    if (strlen(name) >= IFNAMSIZ) return PST_E_NOTFOUND;
    int fd = open_control();
    if (fd < 0) return pst_fail(env, PST_E_IO, "%s: cannot open a control socket: %s", name, strerror(errno));
    pst_status status = query_with(env, fd, name, out);
    close(fd);
    return status;
}

uint32_t pst_netif_mtu(const char *name, uint32_t fallback)
{
    struct ifreq request;
    int fd = open_control();
    if (fd < 0) return fallback;
    request_for(&request, name);
    bool known = ioctl(fd, SIOCGIFMTU, &request) == 0;
    close(fd);
    return known ? (uint32_t)request.ifr_mtu : fallback;
}

pst_status pst_netif_set_up(const pst_env *env, const char *name)
{
    struct ifreq request;
    int fd = open_control();
    if (fd < 0) return pst_fail(env, PST_E_IO, "%s: cannot open a control socket: %s", name, strerror(errno));
    request_for(&request, name);
    bool done = ioctl(fd, SIOCGIFFLAGS, &request) == 0;
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    done = done && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    int why = errno;
    close(fd);
    if (done) return PST_OK;
    return pst_fail(env, why == EPERM ? PST_E_DENIED : PST_E_IO, "%s: cannot bring the interface up: %s", name, strerror(why));
}
