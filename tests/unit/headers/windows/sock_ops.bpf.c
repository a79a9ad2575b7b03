// sock_ops.bpf.c: connections that begin and end, reported with their flow; and processes.
#include "bpf_helpers.h"
#include "ebpf_nethooks.h"
#include "ebpf_ntos_hooks.h"

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 256 * 1024);
} audit SEC(".maps");

typedef struct _entry {
    uint32_t local_ip, remote_ip, local_port, remote_port, protocol;
    uint64_t flow, luid;
    bool outbound : 1, connected : 1;
} entry_t;

SEC("sockops")
int on_connection(bpf_sock_ops_t *ctx)
{
    entry_t entry = {.protocol = ctx->protocol, .luid = ctx->interface_luid, .flow = bpf_sock_ops_get_flow_id(ctx)};
    switch (ctx->op) {
    case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB: entry.outbound = true; /* fallthrough */ __attribute__((fallthrough));
    case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB: entry.connected = true; break;
    case BPF_SOCK_OPS_CONNECTION_DELETED_CB: break;
    default: return 0;
    }
    entry.local_ip = ctx->local_ip4;
    entry.local_port = ctx->local_port;
    entry.remote_ip = ctx->remote_ip4;
    entry.remote_port = ctx->remote_port;
    return bpf_ringbuf_output(&audit, &entry, sizeof(entry), 0);
}

SEC("process")
int on_process(process_md_t *ctx)
{
    uint64_t pair[2] = {ctx->process_id, ctx->parent_process_id};
    if (ctx->operation == PROCESS_OPERATION_CREATE) bpf_ringbuf_output(&audit, pair, sizeof(pair), 0);
    return 0;
}
