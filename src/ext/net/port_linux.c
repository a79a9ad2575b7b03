// port_linux.c: which kind of port an interface becomes, and what is wrong with those that cannot be one.
#include "ext/net/port_linux.h"

#include <net/if_arp.h>
#include <string.h>

static pst_status check_name(const pst_env *env, const char *name)
{
    size_t length = strlen(name);
    if (length == 0) return pst_fail(env, PST_E_INVALID, "the name of the interface is empty: name one of those that 'ip link' shows");
    if (length >= PST_PORT_NAME_MAX)
        return pst_fail(env, PST_E_NOTFOUND, "%s: no interface name is longer than %u characters: see 'ip link' for the names here", name,
                        PST_PORT_NAME_MAX - 1);
    // '%' would be a pattern to the TAP driver, which then makes a device of another name.
    if (strpbrk(name, "/%: \t\n"))
        return pst_fail(env, PST_E_NOTFOUND, "%s: no interface can have this name: see 'ip link' for the names here", name);
    return PST_OK;
}

static pst_status check_kind(const pst_env *env, const pst_port_request *request, const pst_netif *netif)
{
    bool ethernet = netif->hardware == ARPHRD_ETHER || (netif->loopback && request->watch);
    if (netif->loopback && !request->watch)
        return pst_fail(env, PST_E_INVALID, "%s: the loopback interface can be watched (name it alone), but not be one end of a bridge",
                        request->name);
    if (!ethernet)
        return pst_fail(env, PST_E_INVALID, "%s: not an Ethernet interface (hardware type %u): XDP programs need Ethernet frames",
                        request->name, (unsigned)netif->hardware);
    return PST_OK;
}

// What works, but not as its owner may think.
static void warn_about(const pst_env *env, const pst_port_request *request, const pst_netif *netif)
{
    if (!netif->up)
        pst_log(env, PST_LOG_WARN, "%s: the interface is down, no frame will arrive: run 'ip link set %s up'", request->name, request->name);
    if (request->watch) return;
    if (netif->master)
        pst_log(env, PST_LOG_WARN, "%s: the interface belongs to a bridge or bond of the kernel, which forwards each frame a second time",
                request->name);
    if (netif->addressed)
        pst_log(env, PST_LOG_WARN,
                "%s: the interface has an IP address, so this host itself still receives frames that the program drops: remove the address",
                request->name);
}

pst_status pst_port_open(const pst_env *env, const pst_port_request *request, pst_port **out)
{
    pst_netif netif;
    *out = NULL;
    PST_TRY(check_name(env, request->name));
    pst_status status = pst_netif_query(env, request->name, &netif);
    if (status == PST_E_NOTFOUND && request->make_tap) return pst_tap_port_open(env, request, false, out);
    if (status == PST_E_NOTFOUND)
        return pst_fail(env, status, "%s: there is no such interface here: see 'ip link' for the names, in this network namespace",
                        request->name);
    PST_TRY(status);
    if (netif.tap) {
        status = pst_tap_port_open(env, request, true, out);
        if (status != PST_E_BUSY) return status;
        // A virtual machine's, say. Its frames reach the host's side of the device like those of any interface.
        pst_log(env, PST_LOG_INFO, "%s: another process holds this TAP device: joined from the host's side", request->name);
    }
    PST_TRY(check_kind(env, request, &netif));
    warn_about(env, request, &netif);
    return pst_packet_port_open(env, request, &netif, out);
}

void pst_port_close(pst_port *port)
{
    if (port) port->ops->close(port);
}
