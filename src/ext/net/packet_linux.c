// packet_linux.c: a port over packet sockets: memory-mapped rings (TPACKET_V2) to receive and to send.
//
// Linux, Documentation/networking/packet_mmap.rst. What the rings alone do not give, and is handled here:
// - Offloads of the sender survive into the ring: PACKET_VNET_HDR says which, and says it again when sending. Nothing of the
//   interface is changed.
// - Frames of segments are larger than a slot: the kernel queues them at the socket as well (PACKET_COPY_THRESH), in the slots' order.
//   They are sent through a second socket without a ring.
// - A slot to be sent is free again when its skb is orphaned, and a receiver in this host does that while it still refers to the
//   slot's pages. So the kernel is told (hdr_len) to copy the whole frame, or later frames would overwrite received data.
// - PACKET_RESERVE leaves headroom in each slot: programs run on the frame where the kernel put it.
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bits.h"
#include "ext/net/port_linux.h"

#define RING_BYTES (8u << 20)   // of the receive ring; the sending one has half
#define SLOT_MAX 16384u         // frames that do not fit go the way of large ones
#define BLOCK_BYTES 65536u      // contiguous pages of a ring
#define SOCKET_BUFFER (8 << 20) // for large frames
#define SEND_HEADER pst_align_up(sizeof(struct tpacket2_hdr), TPACKET_ALIGNMENT) // where a slot's content begins when sending
#define LINEAR_MAX 192u         // of a large frame the kernel copies as much in one piece: more than any headers
#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

typedef struct packet_port {
    pst_port port;
    int large_fd; // sends large frames; -1 in a port that only watches
    uint8_t *ring;
    size_t ring_size;
    uint32_t slot_size, rx_count, tx_count;
    uint32_t rx_next, tx_next;
    bool queued; // slots wait to be sent
    uint32_t headroom;
    uint8_t *large; // receives a large frame
    size_t large_size;
} packet_port;

static struct tpacket2_hdr *slot_at(const packet_port *p, uint32_t index)
{
    return (struct tpacket2_hdr *)(void *)(p->ring + (size_t)index * p->slot_size);
}

static struct tpacket2_hdr *tx_slot(const packet_port *p, uint32_t index) { return slot_at(p, p->rx_count + index); }

// --- Receive ----------------------------------------------------------------------------------------------------

// The frame of a slot that was too small for it.
static bool receive_large(packet_port *p, pst_frame *frame)
{
    frame->hard_start = p->large;
    frame->data = p->large + p->headroom + PST_VLAN_HEADER;
    frame->hard_end = p->large + p->large_size;
    struct iovec parts[2] = {{&frame->vnet, sizeof frame->vnet}, {frame->data, PST_LARGE_FRAME_MAX}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t got = recvmsg(p->port.fd, &message, MSG_DONTWAIT);
    if (got < (ssize_t)sizeof frame->vnet || (message.msg_flags & MSG_TRUNC)) return false;
    frame->end = frame->data + (size_t)got - sizeof frame->vnet;
    return true;
}

static bool receive_slot(packet_port *p, const struct tpacket2_hdr *slot, uint32_t status, pst_frame *frame)
{
    if (status & TP_STATUS_COPY) {
        if (!receive_large(p, frame)) return false;
    } else {
        if (slot->tp_snaplen < slot->tp_len) return false; // cut short: there was no memory to queue it
        frame->data = (uint8_t *)(uintptr_t)slot + slot->tp_mac;
        frame->end = frame->data + slot->tp_snaplen;
        frame->hard_start = frame->data - p->headroom - PST_VLAN_HEADER;
        frame->hard_end = (uint8_t *)(uintptr_t)slot + p->slot_size;
        memcpy(&frame->vnet, frame->data - sizeof frame->vnet, sizeof frame->vnet);
    }
    if (status & TP_STATUS_VLAN_VALID) {
        uint16_t tpid = status & TP_STATUS_VLAN_TPID_VALID ? slot->tp_vlan_tpid : ETH_P_8021Q;
        if (!pst_frame_insert_vlan(frame, tpid, slot->tp_vlan_tci)) return false;
    }
    frame->hard_start = frame->data - p->headroom; // exactly what was asked for, tag or no tag
    return true;
}

static unsigned packet_receive(pst_port *port, unsigned budget, pst_frame_sink sink, void *user)
{
    packet_port *p = (packet_port *)port;
    unsigned n = 0;
    for (; n < budget; n++) {
        struct tpacket2_hdr *slot = slot_at(p, p->rx_next);
        uint32_t status = PST_ATOMIC_LOAD(&slot->tp_status);
        if (!(status & TP_STATUS_USER)) break;
        pst_frame frame;
        if (receive_slot(p, slot, status, &frame))
            sink(user, port, &frame);
        else
            PST_ATOMIC_ADD(&port->stats.kernel_drops, 1);
        PST_ATOMIC_STORE(&slot->tp_status, TP_STATUS_KERNEL);
        port->warned_down = false;
        p->rx_next = p->rx_next + 1 == p->rx_count ? 0 : p->rx_next + 1;
    }
    return n;
}

// --- Send -------------------------------------------------------------------------------------------------------

static void warn_down(pst_port *port)
{
    if (!port->warned_down) pst_log(port->env, PST_LOG_WARN, "%s: the interface went down or away: waiting for it", port->name);
    port->warned_down = true;
}

static bool packet_flush(pst_port *port)
{
    packet_port *p = (packet_port *)port;
    if (!p->queued) return true;
    ssize_t sent = send(port->fd, NULL, 0, MSG_DONTWAIT);
    if (sent < 0 && errno == ENETDOWN) {
        warn_down(port);
        sent = send(port->fd, NULL, 0, MSG_DONTWAIT); // the socket reports once what is past: it may be up again
    }
    if (sent < 0 && errno != EAGAIN && errno != ENOBUFS) return true; // down: they wait for it
    uint32_t last = p->tx_next == 0 ? p->tx_count - 1 : p->tx_next - 1;
    p->queued = PST_ATOMIC_LOAD(&tx_slot(p, last)->tp_status) == TP_STATUS_SEND_REQUEST;
    return !p->queued;
}

static bool send_large(packet_port *p, const pst_frame *frame)
{
    pst_vnet vnet = frame->vnet;
    size_t size = pst_frame_size(frame);
    if (p->large_fd < 0) return false;
    (void)packet_flush(&p->port); // what came before goes before
    vnet.hdr_len = (uint16_t)(size < LINEAR_MAX ? size : LINEAR_MAX);
    struct iovec parts[2] = {{&vnet, sizeof vnet}, {frame->data, size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    return sendmsg(p->large_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static bool packet_send(pst_port *port, const pst_frame *frame)
{
    packet_port *p = (packet_port *)port;
    pst_vnet vnet = frame->vnet;
    size_t size = pst_frame_size(frame);
    if (p->tx_count == 0) return false;
    if (pst_frame_is_large(frame) || SEND_HEADER + sizeof vnet + size > p->slot_size) return send_large(p, frame);
    struct tpacket2_hdr *slot = tx_slot(p, p->tx_next);
    if (PST_ATOMIC_LOAD(&slot->tp_status) != TP_STATUS_AVAILABLE) {
        (void)packet_flush(port);
        if (PST_ATOMIC_LOAD(&slot->tp_status) != TP_STATUS_AVAILABLE) return false;
    }
    vnet.hdr_len = (uint16_t)size; // all of it is copied: see the head of this file
    uint8_t *content = (uint8_t *)slot + SEND_HEADER;
    memcpy(content, &vnet, sizeof vnet);
    memcpy(content + sizeof vnet, frame->data, size);
    slot->tp_len = (uint32_t)(sizeof vnet + size);
    PST_ATOMIC_STORE(&slot->tp_status, TP_STATUS_SEND_REQUEST);
    p->tx_next = p->tx_next + 1 == p->tx_count ? 0 : p->tx_next + 1;
    p->queued = true;
    return true;
}

// --- Care -------------------------------------------------------------------------------------------------------

static void packet_refresh(pst_port *port) { port->mtu = pst_netif_mtu(port->name, port->mtu); }

static void packet_error(pst_port *port)
{
    int error = 0;
    socklen_t size = sizeof error;
    (void)getsockopt(port->fd, SOL_SOCKET, SO_ERROR, &error, &size); // reading clears it
    if (error != 0) warn_down(port);
}

static void packet_count_drops(pst_port *port)
{
    struct tpacket_stats stats;
    socklen_t size = sizeof stats;
    if (getsockopt(port->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0) PST_ATOMIC_ADD(&port->stats.kernel_drops, stats.tp_drops);
}

static void packet_close(pst_port *port)
{
    packet_port *p = (packet_port *)port;
    if (p->ring) munmap(p->ring, p->ring_size);
    if (p->large_fd >= 0) close(p->large_fd);
    if (port->fd >= 0) close(port->fd);
    pst_free(port->env, p->large, p->large_size);
    pst_free(port->env, p, sizeof *p);
}

static const pst_port_ops packet_ops = {
    .receive = packet_receive, .send = packet_send, .flush = packet_flush, .refresh = packet_refresh,
    .error = packet_error, .count_drops = packet_count_drops, .close = packet_close,
};

// --- Open -------------------------------------------------------------------------------------------------------

static bool set_option(int fd, int level, int option, int value) { return setsockopt(fd, level, option, &value, sizeof value) == 0; }

static pst_status refused(const packet_port *p, const char *what)
{
    return pst_fail(p->port.env, PST_E_IO, "%s: the kernel refuses %s: %s", p->port.name, what, strerror(errno));
}

static pst_status open_socket(const packet_port *p, int *fd)
{
    *fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd >= 0) return PST_OK;
    if (errno != EPERM && errno != EACCES) return refused(p, "a packet socket");
    return pst_fail(p->port.env, PST_E_DENIED,
                    "%s: no right to open packet sockets (CAP_NET_RAW): run as root, or in a network namespace of your own (unshare -Urn)",
                    p->port.name);
}

static pst_status bind_socket(const packet_port *p, int fd, uint16_t protocol)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = protocol, .sll_ifindex = (int)p->port.ifindex};
    return bind(fd, (struct sockaddr *)&address, sizeof address) == 0 ? PST_OK : refused(p, "to bind to the interface");
}

// Everything that must be said before the rings exist.
static pst_status set_options(const packet_port *p)
{
    int fd = p->port.fd;
    // So that the IP header of an untagged frame is 4-byte aligned: 80 bytes of slot header, 10 of virtio header, and this.
    int reserve = (int)pst_align_up(p->headroom + PST_VLAN_HEADER, 4) + 2;
    if (!set_option(fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2)) return refused(p, "ring version 2");
    if (!set_option(fd, SOL_PACKET, PACKET_VNET_HDR, 1)) return refused(p, "virtio headers");
    if (!set_option(fd, SOL_PACKET, PACKET_RESERVE, reserve)) return refused(p, "headroom");
    if (!set_option(fd, SOL_PACKET, PACKET_COPY_THRESH, 1)) return refused(p, "to queue large frames");
    if (!set_option(fd, SOL_PACKET, PACKET_LOSS, 1)) return refused(p, "to skip malformed frames");
    if (!set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)) return refused(p, "to ignore its own frames (this needs Linux 4.20)");
    // As a user without CAP_NET_ADMIN the system's limit applies.
    if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER)) (void)set_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
    if (!set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER)) (void)set_option(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
    return PST_OK;
}

static uint32_t choose_slot_size(uint32_t mtu, uint32_t headroom)
{
    uint64_t need = 128u + headroom + PST_ETH_HEADER + 2 * PST_VLAN_HEADER + (uint64_t)mtu + PST_PORT_TAILROOM;
    uint32_t size = 2048;
    while (size < need && size < SLOT_MAX) size *= 2;
    return size;
}

static pst_status open_rings(packet_port *p, bool watch)
{
    p->slot_size = choose_slot_size(p->port.mtu, p->headroom);
    p->rx_count = RING_BYTES / p->slot_size;
    p->tx_count = watch ? 0 : p->rx_count / 2;
    struct tpacket_req rx = {BLOCK_BYTES, RING_BYTES / BLOCK_BYTES, p->slot_size, p->rx_count};
    struct tpacket_req tx = {BLOCK_BYTES, RING_BYTES / 2 / BLOCK_BYTES, p->slot_size, p->tx_count};
    if (setsockopt(p->port.fd, SOL_PACKET, PACKET_RX_RING, &rx, sizeof rx) != 0) return refused(p, "a receive ring");
    if (!watch && setsockopt(p->port.fd, SOL_PACKET, PACKET_TX_RING, &tx, sizeof tx) != 0) return refused(p, "a sending ring");
    size_t size = (size_t)(p->rx_count + p->tx_count) * p->slot_size;
    void *ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, p->port.fd, 0);
    if (ring == MAP_FAILED) return refused(p, "to map the rings");
    p->ring = ring;
    p->ring_size = size;
    return PST_OK;
}

static pst_status open_large(packet_port *p)
{
    PST_TRY(open_socket(p, &p->large_fd));
    if (!set_option(p->large_fd, SOL_PACKET, PACKET_VNET_HDR, 1)) return refused(p, "virtio headers");
    if (!set_option(p->large_fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER)) (void)set_option(p->large_fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
    return bind_socket(p, p->large_fd, 0); // protocol 0: it receives nothing
}

static pst_status open_all(packet_port *p, bool watch)
{
    struct packet_mreq promiscuous = {.mr_ifindex = (int)p->port.ifindex, .mr_type = PACKET_MR_PROMISC};
    PST_TRY(open_socket(p, &p->port.fd));
    PST_TRY(set_options(p));
    PST_TRY(open_rings(p, watch));
    if (!watch) PST_TRY(open_large(p));
    // The membership ends with the socket, so the interface goes back to what it was whatever happens to this process.
    if (setsockopt(p->port.fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) != 0) return refused(p, "promiscuous mode");
    return bind_socket(p, p->port.fd, PST_BSWAP16(ETH_P_ALL));
}

pst_status pst_packet_port_open(const pst_env *env, const pst_port_request *request, const pst_netif *netif, pst_port **out)
{
    packet_port *p = pst_alloc_zero(env, 1, sizeof *p);
    if (!p) return PST_E_NOMEM;
    p->port = (pst_port){.ops = &packet_ops, .env = env, .ifindex = netif->ifindex, .mtu = netif->mtu, .fd = -1,
                         .kind = request->watch ? PST_PORT_WATCH : PST_PORT_PACKET};
    memcpy(p->port.name, request->name, strlen(request->name) + 1);
    p->large_fd = -1;
    p->headroom = request->headroom;
    p->large_size = (size_t)p->headroom + PST_VLAN_HEADER + PST_LARGE_FRAME_MAX + PST_PORT_TAILROOM;
    p->large = pst_alloc(env, p->large_size);
    pst_status status = p->large ? open_all(p, request->watch) : PST_E_NOMEM;
    if (status == PST_OK)
        *out = &p->port;
    else
        packet_close(&p->port);
    return status;
}
