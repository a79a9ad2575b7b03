// port_linux.h: the two kinds of port on Linux, as port_linux.c chooses between them.
#ifndef PST_EXT_NET_PORT_LINUX_H
#define PST_EXT_NET_PORT_LINUX_H

#include "ext/net/netif_linux.h"
#include "ext/net/port.h"

/// Packet sockets on an interface that exists; request->watch: receive only.
PST_MUST_USE pst_status pst_packet_port_open(const pst_env *env, const pst_port_request *request, const pst_netif *netif, pst_port **out);
/// The user's side of a TAP device, which is made when it does not exist. PST_E_BUSY (without a log line): another process holds it.
PST_MUST_USE pst_status pst_tap_port_open(const pst_env *env, const pst_port_request *request, bool exists, pst_port **out);

#endif
