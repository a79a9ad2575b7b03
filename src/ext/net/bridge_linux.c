// bridge_linux.c: the thread of a bridge: waits for frames with poll(), forwards them in batches.
//
// Turns: the thread makes bridge->turn odd before it looks at a port's hook and even when it has forgotten it. Who takes a hook away
// stores NULL, then adds 0 to the turn, and waits for the turn to change if it was odd. Additions to one word have an order: the
// thread's next one comes after, and sees the NULL. The forwarding path takes no lock.
#include <poll.h>

#include "ext/net/net.h"

#define RETRY_MS 1     // while a port has not sent everything

static unsigned take_turn(pst_bridge *bridge)
{
    unsigned frames = 0;
    PST_ATOMIC_ADD(&bridge->turn, 1);
    pst_epoch_guard epoch = pst_core_epoch_enter(bridge->net->core);
    for (int i = 0; i < 2; i++) {
        pst_port *port = bridge->forward.port[i];
        if (port) frames += port->ops->receive(port, PST_PORT_BATCH, pst_forward_frame, &bridge->forward);
    }
    pst_core_epoch_exit(bridge->net->core, epoch);
    PST_ATOMIC_ADD(&bridge->turn, 1);
    return frames;
}

static bool flush_ports(pst_bridge *bridge)
{
    bool all = true;
    for (int i = 0; i < 2; i++) {
        pst_port *port = bridge->forward.port[i];
        if (port) all = port->ops->flush(port) && all;
    }
    return all;
}

static void wait_for_work(pst_bridge *bridge, bool flushed)
{
    struct pollfd polls[3] = {{.fd = (int)pst_pal_event_handle(bridge->wake), .events = POLLIN}};
    int timeout = flushed ? -1 : RETRY_MS;
    for (int i = 0; i < 2; i++) {
        pst_port *port = bridge->forward.port[i];
        bool usable = port && !port->gone; // poll skips negative descriptors
        polls[1 + i] = (struct pollfd){.fd = usable ? port->fd : -1, .events = POLLIN};
    }
    if (poll(polls, 3, timeout) <= 0) return;
    for (int i = 0; i < 2; i++) {
        if (!(polls[1 + i].revents & (POLLERR | POLLHUP | POLLNVAL))) continue;
        pst_port *port = bridge->forward.port[i];
        port->ops->error(port);
    }
}

void pst_bridge_loop(void *arg)
{
    pst_bridge *bridge = arg;
    while (!PST_ATOMIC_LOAD(&bridge->stopping)) {
        unsigned frames = take_turn(bridge);
        bool flushed = flush_ports(bridge);
        if (frames == 0) wait_for_work(bridge, flushed);
    }
}

void pst_bridge_quiesce(pst_bridge *bridge)
{
    uint64_t turn = PST_ATOMIC_ADD(&bridge->turn, 0);
    if (turn % 2 == 0) return;
    while (PST_ATOMIC_LOAD(&bridge->turn) == turn) pst_pal_yield();
}
