// tap_linux.c: a port over a TAP device: what the host sends into the device is received here, and the other way round.
//
// Linux, Documentation/networking/tuntap.rst. With IFF_VNET_HDR and TUNSETOFFLOAD the host's large frames and partial checksums come
// through, each under a virtio header. The driver puts VLAN tags back by itself. One system call moves one frame.
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bits.h"
#include "ext/net/port_linux.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#define TAP_OFFLOADS (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)

typedef struct tap_port {
    pst_port port;
    uint32_t headroom;
    uint8_t *buffer; // one frame
    size_t buffer_size;
} tap_port;

static unsigned tap_receive(pst_port *port, unsigned budget, pst_frame_sink sink, void *user)
{
    tap_port *t = (tap_port *)port;
    unsigned n = 0;
    for (; n < budget; n++) {
        pst_frame frame = {.hard_start = t->buffer, .data = t->buffer + t->headroom, .hard_end = t->buffer + t->buffer_size};
        struct iovec parts[2] = {{&frame.vnet, sizeof frame.vnet}, {frame.data, PST_LARGE_FRAME_MAX}};
        ssize_t got = readv(port->fd, parts, 2);
        if (got < (ssize_t)sizeof frame.vnet) break;
        frame.end = frame.data + (size_t)got - sizeof frame.vnet;
        sink(user, port, &frame);
    }
    return n;
}

static bool tap_send(pst_port *port, const pst_frame *frame)
{
    pst_vnet vnet = frame->vnet;
    if (!pst_frame_is_large(frame)) vnet.hdr_len = 0;
    struct iovec parts[2] = {{&vnet, sizeof vnet}, {frame->data, pst_frame_size(frame)}};
    return writev(port->fd, parts, 2) >= 0;
}

static bool tap_flush(pst_port *port) { return true; }
static void tap_refresh(pst_port *port) { port->mtu = pst_netif_mtu(port->name, port->mtu); }
static void tap_count_drops(pst_port *port) {}

// The only lasting error of the descriptor: the device was deleted.
static void tap_error(pst_port *port)
{
    if (port->gone) return;
    port->gone = true;
    pst_log(port->env, PST_LOG_WARN, "%s: the TAP device was removed: its side of the bridge is dead", port->name);
}

static void tap_close(pst_port *port)
{
    tap_port *t = (tap_port *)port;
    if (port->fd >= 0) close(port->fd); // a device that was made here goes with it
    pst_free(port->env, t->buffer, t->buffer_size);
    pst_free(port->env, t, sizeof *t);
}

static const pst_port_ops tap_ops = {
    .receive = tap_receive, .send = tap_send, .flush = tap_flush, .refresh = tap_refresh,
    .error = tap_error, .count_drops = tap_count_drops, .close = tap_close,
};

static pst_status open_device(tap_port *t)
{
    const char *name = t->port.name;
    t->port.fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (t->port.fd < 0)
        return pst_fail(t->port.env, errno == EACCES || errno == EPERM ? PST_E_DENIED : PST_E_IO,
                        "%s: cannot open /dev/net/tun: %s: TAP devices need the tun module and the right to use it", name, strerror(errno));
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    memcpy(request.ifr_name, name, strlen(name));
    if (ioctl(t->port.fd, TUNSETIFF, &request) == 0) return PST_OK;
    if (errno == EBUSY) return PST_E_BUSY;
    if (errno == EPERM || errno == EACCES)
        return pst_fail(t->port.env, PST_E_DENIED,
                        "%s: no right to use this TAP device (CAP_NET_ADMIN, or being its owner): run as root, or make it with "
                        "'ip tuntap add %s mode tap user $USER'", name, name);
    if (errno == EINVAL)
        return pst_fail(t->port.env, PST_E_INVALID,
                        "%s: the interface is not a TAP device with one queue: make it with 'ip tuntap add %s mode tap'", name, name);
    return pst_fail(t->port.env, PST_E_IO, "%s: the kernel refuses to open the TAP device: %s", name, strerror(errno));
}

static pst_status configure(tap_port *t, bool exists)
{
    int header = (int)sizeof(pst_vnet);
    pst_netif netif;
    if (ioctl(t->port.fd, TUNSETVNETHDRSZ, &header) != 0)
        return pst_fail(t->port.env, PST_E_IO, "%s: the TAP device refuses virtio headers: %s", t->port.name, strerror(errno));
    // Datagram segmentation came with Linux 6.2; a device without any offload works too.
    if (ioctl(t->port.fd, TUNSETOFFLOAD, TAP_OFFLOADS | TUN_F_USO4 | TUN_F_USO6) != 0) (void)ioctl(t->port.fd, TUNSETOFFLOAD, TAP_OFFLOADS);
    if (!exists) PST_TRY(pst_netif_set_up(t->port.env, t->port.name));
    PST_TRY(pst_netif_query(t->port.env, t->port.name, &netif));
    t->port.ifindex = netif.ifindex;
    t->port.mtu = netif.mtu;
    if (!netif.up)
        pst_log(t->port.env, PST_LOG_WARN, "%s: the interface is down, no frame will arrive: run 'ip link set %s up'", t->port.name,
                t->port.name);
    return PST_OK;
}

static pst_status open_all(tap_port *t, bool exists)
{
    t->buffer_size = (size_t)t->headroom + PST_LARGE_FRAME_MAX + PST_PORT_TAILROOM;
    t->buffer = pst_alloc(t->port.env, t->buffer_size);
    if (!t->buffer) return PST_E_NOMEM;
    PST_TRY(open_device(t));
    return configure(t, exists);
}

pst_status pst_tap_port_open(const pst_env *env, const pst_port_request *request, bool exists, pst_port **out)
{
    tap_port *t = pst_alloc_zero(env, 1, sizeof *t);
    if (!t) return PST_E_NOMEM;
    t->port = (pst_port){.ops = &tap_ops, .env = env, .kind = PST_PORT_TAP, .fd = -1};
    memcpy(t->port.name, request->name, strlen(request->name) + 1);
    t->headroom = request->headroom;
    pst_status status = open_all(t, exists);
    if (status == PST_OK)
        *out = &t->port;
    else
        tap_close(&t->port);
    return status;
}
