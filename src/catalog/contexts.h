// contexts.h: the native contexts of the program types that Postern hosts: what providers fill and descriptors translate to.
#ifndef PST_CATALOG_CONTEXTS_H
#define PST_CATALOG_CONTEXTS_H

#include <stdint.h>

/// xdp. The frame is [data, data_end), inside the buffer [hard_start, hard_end); meta is at most data.
typedef struct pst_xdp_ctx {
    uint8_t *data, *data_end, *data_meta;
    uint8_t *hard_start, *hard_end;
    uint32_t ingress_ifindex, rx_queue_index, egress_ifindex;
    uint32_t redirect_ifindex; // set by bpf_redirect; 0: none
} pst_xdp_ctx;

enum { PST_XDP_ABORTED = 0, PST_XDP_DROP = 1, PST_XDP_PASS = 2, PST_XDP_TX = 3, PST_XDP_REDIRECT = 4 };

/// socket_filter and sched_cls. The packet is [data, data_end).
typedef struct pst_skb_ctx {
    uint8_t *data, *data_end, *data_meta;
    uint8_t *hard_start, *hard_end;
    uint32_t len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto, priority;
    uint32_t ingress_ifindex, ifindex, tc_index, cb[5], hash, tc_classid, napi_id;
    uint32_t family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4], remote_port, local_port;
    uint64_t tstamp;
    uint32_t wire_len, gso_segs, gso_size;
    uint64_t hwtstamp;
    void *sk; // no host has sockets: NULL
    uint8_t tstamp_type;
    uint32_t redirect_ifindex;
} pst_skb_ctx;

/// sample: a test type with every kind of field.
typedef struct pst_sample_ctx {
    uint8_t *data, *data_end, *data_meta;
    uint8_t *hard_start, *hard_end;
    uint64_t u64_rw;
    uint32_t u32_rw;
    uint16_t u16_rw;
    uint8_t u8_rw;
    uint32_t u32_ro;
    uint64_t u64_ro;
    uint64_t opaque;
} pst_sample_ctx;

#endif
