// port.h: one end of a bridge, whatever stands behind it: packet sockets, a TAP device, a test's array of frames.
//
// A port is used by one thread, the bridge's; others only read its statistics and exchange its hook.
#ifndef PST_EXT_NET_PORT_H
#define PST_EXT_NET_PORT_H

#include "ext/net/frame.h"
#include "ext/net/xdp.h"

#define PST_PORT_NAME_MAX 16   // IFNAMSIZ
#define PST_PORT_TAILROOM 512u // bytes behind an ordinary frame that adjust_tail may grow into, at least
#define PST_PORT_BATCH 64u     // frames taken from a port before the other gets its turn

typedef struct pst_port pst_port;
/// Takes one frame; it may change the bytes and loses them when it returns.
typedef void (*pst_frame_sink)(void *user, pst_port *from, pst_frame *frame);

typedef struct pst_port_ops {
    /// Hands up to budget waiting frames to sink and returns how many there were. Never blocks.
    unsigned (*receive)(pst_port *port, unsigned budget, pst_frame_sink sink, void *user);
    /// Copies the frame out, perhaps only queueing it. False: there is no room, or the system refuses it.
    bool (*send)(pst_port *port, const pst_frame *frame);
    /// Hands what is queued to the system. False: some of it is still waiting.
    bool (*flush)(pst_port *port);
    /// Asks the system for the MTU again: it can change at any time.
    void (*refresh)(pst_port *port);
    /// The descriptor reports an error (the interface went down, or away): reports it once.
    void (*error)(pst_port *port);
    /// Adds what the kernel dropped since the last call to the statistics. Any thread.
    void (*count_drops)(pst_port *port);
    void (*close)(pst_port *port);
} pst_port_ops;

struct pst_port {
    const pst_port_ops *ops;
    const pst_env *env;
    char name[PST_PORT_NAME_MAX];
    uint32_t ifindex, mtu;
    pst_port_kind kind;
    int fd; // readable when a frame waits
    void *hook; // what is attached, NULL: nothing. Atomic
    pst_port_stats stats; // written by the bridge's thread, one aligned word at a time
    bool warned_size, warned_verdict, warned_down;
    bool gone; // for ever: nothing can be read from fd any more
};

PST_INLINE void pst_count(uint64_t *counter, uint64_t n) { PST_ATOMIC_STORE_RELAXED(counter, *counter + n); }

typedef struct pst_port_request {
    const char *name;
    bool make_tap, watch; // watch: only look on
    uint32_t headroom;
} pst_port_request;

/// Opens the interface as what it is. Logs the reason of a failure.
PST_MUST_USE pst_status pst_port_open(const pst_env *env, const pst_port_request *request, pst_port **out);
void pst_port_close(pst_port *port); // NULL is fine

#endif
