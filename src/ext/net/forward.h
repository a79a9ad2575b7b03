// forward.h: what happens to a frame that came in: the program's verdict, and what it means for a pair of ports.
//
// Pure but for the ports' operations: tests drive it with ports of their own.
#ifndef PST_EXT_NET_FORWARD_H
#define PST_EXT_NET_FORWARD_H

#include "catalog/contexts.h"
#include "ext/net/port.h"

typedef struct pst_forward {
    pst_port *port[2]; // [1]: NULL in a bridge of one port
    /// Runs what is attached to a port and returns its verdict.
    uint64_t (*run)(void *hook, pst_xdp_ctx *ctx);
    uint32_t headroom;
    uint8_t *scratch[2]; // pst_forward_scratch_size() bytes each: segments of a large frame
} pst_forward;

size_t pst_forward_scratch_size(uint32_t headroom);
/// A pst_frame_sink; user is the pst_forward.
void pst_forward_frame(void *user, pst_port *from, pst_frame *frame);

#endif
