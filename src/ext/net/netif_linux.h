// netif_linux.h: what Linux knows about an interface of the caller's network namespace.
#ifndef PST_EXT_NET_NETIF_LINUX_H
#define PST_EXT_NET_NETIF_LINUX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"

typedef struct pst_netif {
    uint32_t ifindex, mtu;
    uint32_t master; // index of the kernel bridge or bond that it belongs to; 0: none
    uint16_t hardware; // ARPHRD_*
    bool up, loopback;
    bool tap;        // a TAP device (also one that another process holds)
    bool addressed;  // carries an address that the host itself uses
} pst_netif;

/// PST_E_NOTFOUND (without a log line) when there is no such interface, PST_E_IO with one.
PST_MUST_USE pst_status pst_netif_query(const pst_env *env, const char *name, pst_netif *out);
/// The MTU of an interface that may be gone: then fallback.
uint32_t pst_netif_mtu(const char *name, uint32_t fallback);
PST_MUST_USE pst_status pst_netif_set_up(const pst_env *env, const char *name);

#endif
