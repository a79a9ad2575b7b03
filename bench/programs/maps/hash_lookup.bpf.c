// hash_lookup: looks up numbers in a hash of 1,024 entries that is half full.
#include "bench_maps.h"

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, ENTRIES);
    __type(key, __u32);
    __type(value, __u64);
} values SEC(".maps");

SEC("xdp") int prog(struct xdp_md *ctx)
{
    __u32 seed = 1;
    __u64 sum = 0;
    for (int i = 0; i < COUNT; i++) {
        __u32 key = NEXT(seed) >> 22;
        __u64 *value = bpf_map_lookup_elem(&values, &key);
        if (value) sum += *value + i;
        else sum++;
    }
    return (int)sum;
}
