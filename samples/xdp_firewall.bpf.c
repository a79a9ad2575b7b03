// xdp_firewall.bpf.c: a small firewall: it parses frames, drops, rewrites, counts and reports.
//
// Ethernet (with up to two VLAN tags), IPv4, TCP and UDP; everything else passes.
//   - UDP to a port in the map "blocked_ports", or to the global blocked_port, is dropped. So is anything from an address in
//     "blocked_addresses".
//   - UDP to rewrite_from goes to rewrite_to; the checksum is corrected by the difference (RFC 1624), not computed anew.
//   - "verdicts" counts packets and bytes by verdict, on each CPU for itself, so that no CPU waits for another.
//   - "events" tells of each drop and rewrite, and of passes if report_passed is set.
// The globals are constants for the program and settings for its loader: they can be changed until the program is loaded.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define VLAN_DEPTH 2
#define FRAGMENT_OFFSET 0x1fff // of frag_off: not the first fragment, so no ports

enum verdict {
    VERDICT_PASS,
    VERDICT_DROP,
    VERDICT_REWRITE,
    VERDICT_COUNT,
};

struct event {
    __u64 time; // ns since boot
    __u32 saddr, daddr; // network order
    __u16 sport, dport; // host order; dport as the packet had it on arrival
    __u8 proto;
    __u8 verdict;
};

struct counter {
    __u64 packets, bytes;
};

const volatile __u16 blocked_port = 9; // discard; 0: none
const volatile __u16 rewrite_from = 7000, rewrite_to = 7001;
const volatile __u8 report_passed = 0;

// Not used: it brings struct event into the object's type information, by which a reader of "events" decodes them.
const struct event *const event_type = 0;

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __type(key, __u16); // host order
    __type(value, __u8);
    __uint(max_entries, 256);
} blocked_ports SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __type(key, __u32); // network order
    __type(value, __u8);
    __uint(max_entries, 1024);
} blocked_addresses SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __type(key, __u32); // enum verdict
    __type(value, struct counter);
    __uint(max_entries, VERDICT_COUNT);
} verdicts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 256 * 1024);
} events SEC(".maps");

// What parsing found. ports points to the UDP or TCP header, whose first two fields are the same.
struct packet {
    struct iphdr *ip;
    struct udphdr *ports;
    void *end;
};

// The network protocol behind Ethernet and tags, in network order; *at moves to its header. 0: the frame is too short.
static __always_inline __be16 parse_ethernet(void **at, void *end)
{
    struct ethhdr *eth = *at;
    if ((void *)(eth + 1) > end) return 0;
    __be16 proto = eth->h_proto;
    *at = eth + 1;
#pragma unroll
    for (int i = 0; i < VLAN_DEPTH; i++) {
        struct vlan_hdr *tag = *at;
        if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD)) break;
        if ((void *)(tag + 1) > end) return 0;
        proto = tag->h_vlan_encapsulated_proto;
        *at = tag + 1;
    }
    return proto;
}

// Fills *packet if this is IPv4 with ports that can be read.
static __always_inline int parse(void *data, void *end, struct packet *packet)
{
    void *at = data;
    if (parse_ethernet(&at, end) != bpf_htons(ETH_P_IP)) return 0;
    struct iphdr *ip = at;
    if ((void *)(ip + 1) > end || ip->ihl < 5) return 0;
    if (ip->frag_off & bpf_htons(FRAGMENT_OFFSET)) return 0;
    struct udphdr *ports = at + ip->ihl * 4;
    if ((void *)(ports + 1) > end) return 0;
    if (ip->protocol != IPPROTO_UDP && (ip->protocol != IPPROTO_TCP || (void *)ports + sizeof(struct tcphdr) > end)) return 0;
    *packet = (struct packet){.ip = ip, .ports = ports, .end = end};
    return 1;
}

static __always_inline int is_blocked(const struct packet *packet)
{
    __u32 from = packet->ip->saddr;
    if (bpf_map_lookup_elem(&blocked_addresses, &from)) return 1;
    if (packet->ip->protocol != IPPROTO_UDP) return 0;
    __u16 port = bpf_ntohs(packet->ports->dest);
    return (blocked_port && port == blocked_port) || bpf_map_lookup_elem(&blocked_ports, &port);
}

// RFC 1624: HC' = ~(~HC + ~m + m'). A UDP checksum of 0 means that there is none.
static __always_inline void rewrite_port(struct udphdr *udp, __be16 to)
{
    if (udp->check) {
        __u32 sum = (__u16)~udp->check + (__u32)(__u16)~udp->dest + to;
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        __u16 check = (__u16)~sum;
        udp->check = check ? check : 0xffff;
    }
    udp->dest = to;
}

static __always_inline void count(__u32 verdict, __u64 bytes)
{
    struct counter *counter = bpf_map_lookup_elem(&verdicts, &verdict);
    if (!counter) return;
    counter->packets++;
    counter->bytes += bytes;
}

static __always_inline void report(const struct packet *packet, __u16 dport, __u8 verdict)
{
    struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event) return; // nobody reads: better to lose events than packets
    *event = (struct event){
        .time = bpf_ktime_get_ns(),
        .saddr = packet->ip->saddr,
        .daddr = packet->ip->daddr,
        .sport = bpf_ntohs(packet->ports->source),
        .dport = dport,
        .proto = packet->ip->protocol,
        .verdict = verdict,
    };
    bpf_ringbuf_submit(event, 0);
}

SEC("xdp")
int xdp_firewall(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct packet packet;
    __u8 verdict = VERDICT_PASS;
    if (parse(data, end, &packet)) {
        __u16 dport = bpf_ntohs(packet.ports->dest);
        if (is_blocked(&packet)) {
            verdict = VERDICT_DROP;
        } else if (packet.ip->protocol == IPPROTO_UDP && dport == rewrite_from) {
            rewrite_port(packet.ports, bpf_htons(rewrite_to));
            verdict = VERDICT_REWRITE;
        }
        if (verdict != VERDICT_PASS || report_passed) report(&packet, dport, verdict);
    }
    count(verdict, end - data);
    return verdict == VERDICT_DROP ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
