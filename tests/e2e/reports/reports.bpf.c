// reports.bpf.c: two programs with mistakes that are made often, for cli_report_test.c, which compares the reports on them with the texts beside this
// file. Rebuild: cd tests/e2e/reports && clang -target bpf -g -O2 -mcpu=v3 -I../../../include -I/usr/include/$(uname -m)-linux-gnu -fdebug-compilation-dir=.
// -c reports.bpf.c -o reports.bpf.o
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct count {
    __u64 packets[8];
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __type(key, __u32);
    __type(value, struct count);
    __uint(max_entries, 16);
} counts SEC(".maps");

// The packet may be elsewhere after bpf_xdp_adjust_head, and the bytes that were there may not be.
SEC("xdp")
int stale(struct xdp_md *ctx)
{
    __u8 *data = (void *)(long)ctx->data;
    __u8 *end = (void *)(long)ctx->data_end;
    if (data + 14 > end)
        return XDP_PASS;
    if (ctx->rx_queue_index == 3)
        return XDP_DROP;
    if (bpf_xdp_adjust_head(ctx, 4))
        return XDP_ABORTED;
    data = (void *)(long)ctx->data;
    data[5] = 1;
    return XDP_TX;
}

// One element too many.
SEC("xdp")
int turns(struct xdp_md *ctx)
{
    __u32 key = ctx->ingress_ifindex;
    struct count *count = bpf_map_lookup_elem(&counts, &key);
    if (!count)
        return XDP_PASS;
    __u32 at = ctx->rx_queue_index;
    if (at > 8)
        return XDP_DROP;
    count->packets[at]++;
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
