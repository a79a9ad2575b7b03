// fault_object.bpf.c: an object with some of everything that makes the loader allocate.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

const volatile __u32 step = 3;
__u64 total;

static __attribute__((noinline)) int add(__u32 key)
{
    __u64 *count = bpf_map_lookup_elem(&counts, &key);
    if (!count) return 0;
    *count += step;
    return (int)*count;
}

SEC("xdp")
int first(struct xdp_md *ctx)
{
    total += (__u64)add(ctx->ingress_ifindex);
    return XDP_PASS;
}

SEC("xdp")
int second(struct xdp_md *ctx)
{
    return add(1) > 3 ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
