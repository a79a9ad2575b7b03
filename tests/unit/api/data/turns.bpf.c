// turns.bpf.c: loops that a host bounds: callbacks and iterators, and functions that hosts may lack. Its compiled form is committed beside it;
// api.bpf.c says how it is made.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8);
    __type(key, __u32);
    __type(value, __u64);
} prices SEC(".maps");

extern void bpf_preempt_disable(void) __weak __ksym; // described, and not there
extern void bpf_preempt_enable(void) __weak __ksym;

__u64 total;

static long add_index(__u32 index, void *context)
{
    *(__u64 *)context += index;
    return index == 9;
}

SEC("xdp") int looped(struct xdp_md *ctx)
{
    __u64 sum = 0;
    long turns = bpf_loop(100, add_index, &sum, 0); // 10 turns: 0 to 9
    total = sum * 100 + (__u64)turns;
    return XDP_PASS;
}

static long add_price(void *map, const __u32 *key, __u64 *value, void *context)
{
    *(__u64 *)context += *key * *value;
    (*value)++;
    return 0;
}

SEC("xdp") int walked(struct xdp_md *ctx)
{
    __u64 sum = 0;
    long visited = bpf_for_each_map_elem(&prices, add_price, &sum, 0);
    total = sum * 100 + (__u64)visited;
    return XDP_PASS;
}

SEC("xdp") int iterated(struct xdp_md *ctx)
{
    __u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    __u64 sum = 0;
    int i;
    bpf_for(i, 0, 64) {
        if (data + i + 1 > end) break;
        sum += data[i];
    }
    total = sum;
    return XDP_PASS;
}

SEC("xdp") int careful(struct xdp_md *ctx)
{
    if (bpf_preempt_disable) {
        bpf_preempt_disable();
        bpf_preempt_enable();
        return XDP_DROP;
    }
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
