// ebpf_nethooks.h: contexts and verdicts of the network hooks, with eBPF for Windows' names.
//
// Layouts: bind is eBPF for Windows' own. Socket addresses and socket operations have Linux's layout, with the fields that Linux has
// not behind it, so that one descriptor serves programs of both kinds. xdp is in xdp_hooks.h.
#ifndef POSTERN_EBPF_NETHOOKS_H
#define POSTERN_EBPF_NETHOOKS_H

#include "ebpf_structs.h"

#ifndef EBPF_HELPER
#define EBPF_HELPER(result, name, args) typedef result(*const name##_t) args
#endif

// --- bind: SEC("bind") -------------------------------------------------------------------------------------------

typedef enum _bind_operation {
    BIND_OPERATION_BIND,      // before a port is assigned
    BIND_OPERATION_POST_BIND, // after it
    BIND_OPERATION_UNBIND,    // its release
} bind_operation_t;

typedef struct _bind_md {
    uint8_t *app_id_start, *app_id_end; // the program's path
    uint64_t process_id;
    uint8_t socket_address[16];
    uint8_t socket_address_length;
    bind_operation_t operation;
    uint8_t protocol; // IPPROTO_*
} bind_md_t;

typedef enum _bind_action {
    BIND_PERMIT_SOFT, // others may still deny it
    BIND_DENY,
    BIND_REDIRECT, // to the address in the context
    BIND_PERMIT_HARD,
    BIND_PERMIT = BIND_PERMIT_SOFT,
} bind_action_t;

typedef bind_action_t bind_hook_t(bind_md_t *context);

// --- sock_addr: SEC("cgroup/connect4") and its sisters -------------------------------------------------------------

typedef enum _ebpf_sock_addr_verdict {
    BPF_SOCK_ADDR_VERDICT_REJECT,
    BPF_SOCK_ADDR_VERDICT_PROCEED_SOFT,
    BPF_SOCK_ADDR_VERDICT_PROCEED_HARD,
    // Names from before there were two ways to proceed.
    BPF_SOCK_ADDR_VERDICT_PROCEED = BPF_SOCK_ADDR_VERDICT_PROCEED_SOFT,
} ebpf_sock_addr_verdict_t;

// Addresses and ports are in network order.
typedef struct bpf_sock_addr {
    uint32_t user_family;
    uint32_t user_ip4, user_ip6[4]; // the destination; of bind and listen the local address
    uint16_t user_port;
    uint16_t : 16;
    uint32_t family, type, protocol;
    uint32_t msg_src_ip4, msg_src_ip6[4]; // the source
    uint64_t : 64;                        // Linux's sk
    uint16_t msg_src_port;                // from here on not in Linux
    uint16_t : 16;
    uint32_t compartment_id;
    uint64_t interface_luid;
} bpf_sock_addr_t;

typedef ebpf_sock_addr_verdict_t sock_addr_hook_t(bpf_sock_addr_t *context);

typedef struct _bpf_sock_addr_network_context {
    uint32_t version; // BPF_SOCK_ADDR_NETWORK_CONTEXT_VERSION
    uint32_t interface_type, tunnel_type; // IANA's; UINT32_MAX: not known
    uint64_t next_hop_interface_luid;
    uint32_t sub_interface_index;
} bpf_sock_addr_network_context_t;

#define BPF_SOCK_ADDR_NETWORK_CONTEXT_VERSION 1

enum {
    BPF_FUNC_sock_addr_get_current_pid_tgid = BPF_FUNC_get_current_pid_tgid,
    BPF_FUNC_sock_addr_set_redirect_context = 0x20102,
    BPF_FUNC_sock_addr_get_network_context = 0x20103,
    BPF_FUNC_sock_ops_get_flow_id = 0x20201,
};

static int (*const bpf_sock_addr_set_redirect_context)(bpf_sock_addr_t *ctx, void *data, uint32_t data_size) =
    (void *)BPF_FUNC_sock_addr_set_redirect_context;
static int (*const bpf_sock_addr_get_network_context)(bpf_sock_addr_t *ctx, void *context, uint32_t context_size) =
    (void *)BPF_FUNC_sock_addr_get_network_context;

// --- sock_ops: SEC("sockops") --------------------------------------------------------------------------------------

typedef uint32_t bpf_sock_op_type_t; // BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB and PASSIVE are Linux's
#define BPF_SOCK_OPS_CONNECTION_DELETED_CB 0x10002

// Addresses and ports are in network order, except local_port (as on Linux).
typedef struct bpf_sock_ops {
    bpf_sock_op_type_t op;
    uint32_t args[4];
    uint32_t family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4], remote_port, local_port;
    uint32_t linux_tcp[38]; // Linux's view of the connection
    uint8_t protocol;       // from here on not in Linux
    uint8_t : 8;
    uint16_t : 16;
    uint32_t compartment_id;
    uint64_t interface_luid;
} bpf_sock_ops_t;

typedef int sock_ops_hook_t(bpf_sock_ops_t *context);

static uint64_t (*const bpf_sock_ops_get_flow_id)(bpf_sock_ops_t *ctx) = (void *)BPF_FUNC_sock_ops_get_flow_id;

_Static_assert(offsetof(bpf_sock_addr_t, msg_src_port) == 72, "Linux's struct bpf_sock_addr comes first");
_Static_assert(offsetof(bpf_sock_ops_t, protocol) == 224, "Linux's struct bpf_sock_ops comes first");

#include "xdp_hooks.h"

#endif
