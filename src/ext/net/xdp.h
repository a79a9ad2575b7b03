// xdp.h: the XDP provider on Linux user space: an inline bridge over AF_PACKET rings or TAP devices.
//
// A *port* is an interface. A *bridge* joins two ports: a frame that comes in at one is shown to the program attached to that port
// and, on PASS, leaves by the other; TX sends it back, REDIRECT (bpf_redirect, or bpf_redirect_map with a devmap) to one of
// both sends it there and to any other ends it, as DROP and ABORTED do. Without a program
// frames pass. A bridge of one port: a TAP device (PASS has nowhere to go and ends the frame, TX answers), or an ordinary interface that is
// only watched (verdicts are counted, nothing is enforced, since AF_PACKET sees copies): pst_bridge_port_kind says which.
//
// Programs see frames as a wire carries them, whatever the interfaces' offloads: VLAN tags in place, checksums complete, large ("GSO") frames
// segment by segment. No offload setting is changed. Frames that no program saw or changed go on with their offloads as they came.
// Not forwarded: large frames of tunnels and of SCTP, which the virtio header cannot describe; the kernel counts them as dropped. Where they
// occur, turn that offload off at their sender.
#ifndef PST_EXT_NET_XDP_H
#define PST_EXT_NET_XDP_H

#include "core/provider.h"

typedef struct pst_net pst_net;       // the provider of one core
typedef struct pst_bridge pst_bridge;

/// Registers the xdp provider with core. Freed after all bridges are closed and before the core.
PST_MUST_USE pst_status pst_net_create(const pst_env *env, pst_core *core, pst_net **out);
void pst_net_free(pst_net *net);

typedef struct pst_bridge_options {
    size_t size;          // sizeof(pst_bridge_options)
    const char *port[2];  // interface names; port[1] may be NULL
    bool make_tap[2];     // create the TAP device if there is no such interface (removed again on close)
    uint32_t headroom;    // bytes in front of each frame for adjust_head and metadata; 0: 256
} pst_bridge_options;

typedef struct pst_port_stats {
    uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
    uint64_t passed, dropped, aborted, sent_back, redirected; // verdicts on frames received here
    uint64_t kernel_drops; // frames the kernel had no room for
    uint64_t tx_errors;    // frames that could not be sent
    uint64_t no_program;   // frames forwarded with no program attached
} pst_port_stats;

typedef enum pst_port_kind { PST_PORT_PACKET, PST_PORT_TAP, PST_PORT_WATCH } pst_port_kind;

/// Opens the ports (promiscuous, rings mapped, offload traps handled) and starts the forwarding thread. Nothing of the interfaces that was
/// changed stays changed after close. Errors: PST_E_NOTFOUND (no such interface), PST_E_DENIED (CAP_NET_RAW / CAP_NET_ADMIN), PST_E_INVALID, each with a sentence.
PST_MUST_USE pst_status pst_bridge_open(pst_net *net, const pst_bridge_options *options, pst_bridge **out);
/// Stops forwarding. Links that are attached to its ports stay attached to nothing.
void pst_bridge_close(pst_bridge *bridge);
uint32_t pst_bridge_ifindex(const pst_bridge *bridge, unsigned port);
pst_port_kind pst_bridge_port_kind(const pst_bridge *bridge, unsigned port);
void pst_bridge_stats(const pst_bridge *bridge, unsigned port, pst_port_stats *out);

#endif
