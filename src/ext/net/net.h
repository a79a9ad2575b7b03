// net.h: the provider and its bridges, inside: what provider.c and the bridge's thread share.
#ifndef PST_EXT_NET_NET_H
#define PST_EXT_NET_NET_H

#include "ext/net/forward.h"
#include "pal/pal.h"

struct pst_net {
    const pst_env *env;
    pst_core *core;
    pst_mutex *lock; // guards bridges and which hook belongs to which port
    pst_bridge *bridges;
};

struct pst_bridge {
    pst_net *net;
    pst_bridge *next;
    pst_forward forward;
    pst_event *wake;
    pst_thread *thread;
    uint64_t turn;     // odd while the thread may be using a hook; atomic
    uint32_t stopping; // atomic
};

/// An attached link. The thread reads it through port->hook, in odd turns only.
typedef struct pst_hook {
    pst_bridge *bridge; // NULL once the bridge was closed
    pst_port *port;
    pst_link *link;
} pst_hook;

/// Forwards until bridge->stopping; the body of the bridge's thread.
void pst_bridge_loop(void *bridge);
/// Returns when the thread can no longer be using what was in a port's hook before the call.
void pst_bridge_quiesce(pst_bridge *bridge);

#endif
