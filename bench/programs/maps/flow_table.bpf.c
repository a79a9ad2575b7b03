// flow_table: counts packets of flows in a hash of 1,024, and adds flows that it does not find.
#include "bench_maps.h"

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, ENTRIES);
    __type(key, __u64);
    __type(value, __u64);
} flows SEC(".maps");

SEC("xdp") int prog(struct xdp_md *ctx)
{
    __u32 seed = 1;
    for (int i = 0; i < COUNT; i++) {
        __u64 key = NEXT(seed) >> 24, one = 1;
        __u64 *packets = bpf_map_lookup_elem(&flows, &key);
        if (packets) *packets += 1;
        else bpf_map_update_elem(&flows, &key, &one, BPF_ANY);
    }
    return (int)seed;
}
