// xdp_hooks.h: the xdp context as eBPF for Windows lays it out: pointers of 8 bytes.
//
// A host tells the two layouts apart by the width of the access: Linux's struct xdp_md has no field of 8 bytes.
#ifndef POSTERN_XDP_HOOKS_H
#define POSTERN_XDP_HOOKS_H

#include "ebpf_structs.h"

typedef struct xdp_md {
    void *data, *data_end;
    uint64_t data_meta;
    uint32_t ingress_ifindex;
} xdp_md_t;

typedef enum xdp_action xdp_action_t; // XDP_PASS, XDP_DROP, XDP_TX: Linux's numbers

typedef xdp_action_t xdp_hook_t(xdp_md_t *context);

#endif
