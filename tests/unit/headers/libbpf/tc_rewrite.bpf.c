// tc_rewrite.bpf.c: uapi headers of the network, checksum helpers, endian macros in case labels.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

static __noinline int replace_port(struct __sk_buff *skb, __be16 from, __be16 to)
{
    int at = ETH_HLEN + sizeof(struct iphdr);
    if (bpf_l4_csum_replace(skb, at + offsetof(struct tcphdr, check), from, to, sizeof(to))) return TC_ACT_SHOT;
    return bpf_skb_store_bytes(skb, at + offsetof(struct tcphdr, dest), &to, sizeof(to), 0) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int tc_rewrite(struct __sk_buff *skb)
{
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    struct ethhdr *eth = data;
    struct iphdr *ip = data + sizeof(*eth);
    if ((void *)(ip + 1) + sizeof(struct tcphdr) > end) return TC_ACT_OK;
    switch (eth->h_proto) {
    case bpf_htons(ETH_P_IP): break;
    case bpf_htons(ETH_P_IPV6):
    default: return TC_ACT_UNSPEC;
    }
    struct tcphdr *tcp = (void *)(ip + 1);
    if (ip->protocol != IPPROTO_TCP || !tcp->syn || tcp->dest != bpf_htons(80)) return TC_ACT_OK;
    return replace_port(skb, tcp->dest, bpf_htons(8080));
}

char __license[] SEC("license") = "GPL";
