// tc_count.bpf.c: packets and bytes by protocol, at tc's hook; and a limit in bytes that the user may set while it runs.
//
// "limits" has one entry: bytes after which packets are dropped, 0 for no limit. The user writes it, the program reads it: a plain array
// shared by both is the whole interface.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct traffic {
    __u64 packets, bytes;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH); // unknown protocols push out the rarest, nothing fails when it is full
    __type(key, __u16);                  // EtherType in host order
    __type(value, struct traffic);
    __uint(max_entries, 64);
} by_protocol SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __type(key, __u32);
    __type(value, __u64);
    __uint(max_entries, 1);
} limits SEC(".maps");

SEC("tc")
int tc_count(struct __sk_buff *skb)
{
    __u32 zero = 0;
    __u16 protocol = bpf_ntohs((__u16)skb->protocol);
    struct traffic none = {0}, *traffic = bpf_map_lookup_elem(&by_protocol, &protocol);
    if (!traffic) {
        // Another CPU may have been first: NOEXIST leaves its entry alone.
        bpf_map_update_elem(&by_protocol, &protocol, &none, BPF_NOEXIST);
        traffic = bpf_map_lookup_elem(&by_protocol, &protocol);
        if (!traffic) return TC_ACT_OK;
    }
    __sync_fetch_and_add(&traffic->packets, 1);
    __sync_fetch_and_add(&traffic->bytes, skb->len);

    __u64 *limit = bpf_map_lookup_elem(&limits, &zero);
    return limit && *limit && traffic->bytes > *limit ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
