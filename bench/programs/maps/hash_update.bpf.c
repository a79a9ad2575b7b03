// hash_update: writes flow records, whose keys are 16 bytes, into a hash of 1,024.
#include "bench_maps.h"

struct flow {
    __u32 source, target;
    __u16 source_port, target_port;
    __u32 protocol;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, ENTRIES);
    __type(key, struct flow);
    __type(value, __u64);
} flows SEC(".maps");

SEC("xdp") int prog(struct xdp_md *ctx)
{
    __u32 seed = 1;
    for (int i = 0; i < COUNT; i++) {
        __u64 packets = i;
        struct flow key = {.source = NEXT(seed) >> 27, .target = 0x0a000001, .source_port = 443, .protocol = 6};
        bpf_map_update_elem(&flows, &key, &packets, BPF_ANY);
    }
    return (int)seed;
}
