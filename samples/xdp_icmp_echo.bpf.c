// xdp_icmp_echo.bpf.c: a host that exists only as a program: it answers ARP requests for its address and pings, by XDP_TX.
//
// With a TAP device, `ping` to the address in the global echo_address gets answers although no machine has it.
// The answer is the request with addresses swapped; the ICMP checksum is corrected by the difference of the type (RFC 1624).
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/icmp.h>
#include <linux/in.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ARP_REQUEST 1
#define ARP_REPLY 2

struct arp_ipv4 { // RFC 826, for Ethernet and IPv4
    __be16 hardware, protocol;
    __u8 hardware_size, protocol_size;
    __be16 operation;
    __u8 sender_mac[ETH_ALEN], sender_ip[4], target_mac[ETH_ALEN], target_ip[4];
} __attribute__((packed));

// 10.99.0.2 in network order; 0: answer for every address.
const volatile __u32 echo_address = bpf_htonl(0x0a630002);
// Locally administered, so that it belongs to nobody.
const volatile __u8 echo_mac[ETH_ALEN] = {0x02, 0x70, 0x6f, 0x73, 0x74, 0x01};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __type(key, __u32);
    __type(value, __u64);
    __uint(max_entries, 1);
} answers SEC(".maps");

static __always_inline int is_mine(__u32 address)
{
    return !echo_address || address == echo_address;
}

static __always_inline void copy_mac(__u8 *to, const volatile __u8 *from)
{
#pragma unroll
    for (int i = 0; i < ETH_ALEN; i++) to[i] = from[i];
}

static __always_inline int answer(struct ethhdr *eth)
{
    __u32 zero = 0;
    __u64 *count = bpf_map_lookup_elem(&answers, &zero);
    if (count) __sync_fetch_and_add(count, 1);
    copy_mac(eth->h_dest, eth->h_source);
    copy_mac(eth->h_source, echo_mac);
    return XDP_TX;
}

static __always_inline int handle_arp(struct ethhdr *eth, void *end)
{
    struct arp_ipv4 *arp = (void *)(eth + 1);
    __u32 wanted, asking;
    if ((void *)(arp + 1) > end || arp->operation != bpf_htons(ARP_REQUEST)) return XDP_PASS;
    __builtin_memcpy(&wanted, arp->target_ip, sizeof(wanted));
    __builtin_memcpy(&asking, arp->sender_ip, sizeof(asking));
    if (!is_mine(wanted) || wanted == asking) return XDP_PASS;
    arp->operation = bpf_htons(ARP_REPLY);
    copy_mac(arp->target_mac, arp->sender_mac);
    copy_mac(arp->sender_mac, echo_mac);
    __builtin_memcpy(arp->target_ip, &asking, sizeof(asking));
    __builtin_memcpy(arp->sender_ip, &wanted, sizeof(wanted));
    return answer(eth);
}

static __always_inline int handle_ipv4(struct ethhdr *eth, void *end)
{
    struct iphdr *ip = (void *)(eth + 1);
    if ((void *)(ip + 1) > end || ip->ihl != 5 || ip->protocol != IPPROTO_ICMP || !is_mine(ip->daddr)) return XDP_PASS;
    struct icmphdr *icmp = (void *)(ip + 1);
    if ((void *)(icmp + 1) > end || icmp->type != ICMP_ECHO || icmp->code != 0) return XDP_PASS;

    // Type 8 becomes 0: the sum of the message falls by 0x0800, so its complement rises by it, with the carry around.
    __u32 sum = (__u32)icmp->checksum + bpf_htons(ICMP_ECHO << 8);
    icmp->type = ICMP_ECHOREPLY;
    icmp->checksum = (sum & 0xffff) + (sum >> 16);

    __u32 from = ip->saddr; // a swap leaves the header's checksum as it is
    ip->saddr = ip->daddr;
    ip->daddr = from;
    return answer(eth);
}

SEC("xdp")
int xdp_icmp_echo(struct xdp_md *ctx)
{
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = (void *)(long)ctx->data;
    if ((void *)(eth + 1) > end) return XDP_PASS;
    if (eth->h_proto == bpf_htons(ETH_P_ARP)) return handle_arp(eth, end);
    if (eth->h_proto == bpf_htons(ETH_P_IP)) return handle_ipv4(eth, end);
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
