// packet_filter.bpf.c: xdp with eBPF for Windows' context and its names of headers; tail call; reflection.
#include "bpf_endian.h"
#include "bpf_helpers.h"
#include "net/if_ether.h"
#include "net/ip.h"
#include "net/tcp.h"
#include "net/udp.h"
#include "net_ebpf_ext_xdp_hooks.h"

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __type(key, uint32_t);
    __type(value, uint32_t);
    __uint(max_entries, 4);
} next SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, uint32_t);
    __type(value, uint64_t);
    __uint(max_entries, 1);
} dropped SEC(".maps");

inline static void swap_addresses(ETHERNET_HEADER *eth, IPV4_HEADER *ip)
{
    mac_address_t mac;
    uint32_t address = ip->DestinationAddress;
    __builtin_memcpy(mac, eth->Destination, sizeof(mac));
    __builtin_memcpy(eth->Destination, eth->Source, sizeof(mac));
    __builtin_memcpy(eth->Source, mac, sizeof(mac));
    ip->DestinationAddress = ip->SourceAddress;
    ip->SourceAddress = address;
}

xdp_hook_t packet_filter;

SEC("xdp")
xdp_action_t packet_filter(xdp_md_t *ctx)
{
    uint32_t zero = 0;
    ETHERNET_HEADER *eth = ctx->data;
    IPV4_HEADER *ip = (IPV4_HEADER *)(eth + 1);
    if ((char *)ctx->data + sizeof(*eth) + sizeof(*ip) + sizeof(UDP_HEADER) > (char *)ctx->data_end) return XDP_PASS;
    if (ntohs(eth->Type) != ETHERNET_TYPE_IPV4 || ip->Version != 4 || ip->Protocol != IPPROTO_UDP) return XDP_PASS;
    UDP_HEADER *udp = (UDP_HEADER *)((char *)ip + sizeof(uint32_t) * ip->HeaderLength);
    if ((char *)(udp + 1) > (char *)ctx->data_end) return XDP_DROP;
    if (udp->destPort == ntohs(8989)) {
        swap_addresses(eth, ip);
        return XDP_TX;
    }
    uint64_t *count = bpf_map_lookup_elem(&dropped, &zero);
    if (count) (*count)++;
    bpf_tail_call(ctx, &next, ctx->ingress_ifindex & 3);
    return ntohs(udp->length) <= sizeof(UDP_HEADER) ? XDP_DROP : XDP_PASS;
}
