// tail_calls: a chain of 32 programs by a program array.
#include "bench_maps.h"

int last(struct xdp_md *ctx);
int step(struct xdp_md *ctx);

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __array(values, int(void *));
} chain SEC(".maps") = {.values = {[0] = (void *)&step, [1] = (void *)&last}};

static __u32 turn;

SEC("xdp") int prog(struct xdp_md *ctx)
{
    turn = 0;
    bpf_tail_call(ctx, &chain, 0);
    return -1;
}

SEC("xdp") int step(struct xdp_md *ctx)
{
    turn++;
    bpf_tail_call(ctx, &chain, turn >= 31);
    return -1;
}

SEC("xdp") int last(struct xdp_md *ctx)
{
    return (int)turn;
}
