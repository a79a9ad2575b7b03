// connect_policy.bpf.c: connections by destination: verdicts, redirection, network properties, who asks.
#include "bpf_endian.h"
#include "bpf_helpers.h"
#include "net/ip.h"

typedef unsigned int ULONG;
#include "ipifcons.h"

typedef struct _destination {
    uint32_t ip[4];
    uint16_t port;
    uint32_t protocol;
} destination_t;

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __type(key, destination_t);
    __type(value, destination_t);
    __uint(max_entries, 100);
} policy SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __type(key, uint64_t);
    __type(value, uint64_t);
    __uint(max_entries, 100);
} asked SEC(".maps");

__attribute__((always_inline)) static inline void note(bpf_sock_addr_t *ctx)
{
    uint64_t cookie = bpf_get_socket_cookie(ctx), who = bpf_get_current_pid_tgid();
    who ^= bpf_get_current_logon_id(ctx) + (uint64_t)bpf_is_current_admin(ctx) + bpf_get_current_process_start_key();
    bpf_map_update_elem(&asked, &cookie, &who, BPF_ANY);
}

SEC("cgroup/connect4")
int connect4(bpf_sock_addr_t *ctx)
{
    destination_t key = {.ip = {ctx->user_ip4}, .port = ctx->user_port, .protocol = ctx->protocol};
    destination_t *other = bpf_map_lookup_elem(&policy, &key);
    if (ctx->protocol != IPPROTO_TCP && ctx->protocol != IPPROTO_UDP) return BPF_SOCK_ADDR_VERDICT_PROCEED_SOFT;
    if (ctx->family != AF_INET || !other) return BPF_SOCK_ADDR_VERDICT_REJECT;
    char message[] = "redirected";
    bpf_sock_addr_set_redirect_context(ctx, message, sizeof(message));
    ctx->user_ip4 = other->ip[0];
    ctx->user_port = other->port;
    note(ctx);
    return BPF_SOCK_ADDR_VERDICT_PROCEED_HARD;
}

SEC("cgroup/connect_authorization6")
int authorize6(bpf_sock_addr_t *ctx)
{
    bpf_sock_addr_network_context_t network = {.version = BPF_SOCK_ADDR_NETWORK_CONTEXT_VERSION};
    destination_t key = {.port = ctx->user_port};
    memcpy(key.ip, ctx->user_ip6, sizeof(key.ip));
    if (ctx->family != AF_INET6 || ctx->compartment_id != DEFAULT_COMPARTMENT_ID || ctx->interface_luid == 0) return 0;
    if (bpf_sock_addr_get_network_context(ctx, &network, sizeof(network)) != 0) return 0;
    if (network.interface_type == IF_TYPE_SOFTWARE_LOOPBACK || ctx->msg_src_port == htons(53)) return 1;
    return bpf_map_lookup_elem(&policy, &key) ? 1 : 0;
}
