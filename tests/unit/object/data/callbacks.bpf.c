// callbacks.bpf.c: functions whose address is taken, static and global, with callees of their own.
#include "object_data.h"

struct {
    __uint(type, 2);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, u64);
} values SEC(".maps");

static __noinline int inner(int x)
{
    return x + (int)bpf_get_prandom_u32();
}

static long on_element(void *map, const void *key, void *value, void *context)
{
    *(u64 *)value += (u64)inner(3);
    return 0;
}

long on_turn(u32 index, void *context)
{
    *(u64 *)context += index;
    return index > 5;
}

SEC("tc") int walk(void *context)
{
    u64 sum = (u64)inner(1);
    bpf_for_each_map_elem(&values, on_element, &sum, 0);
    bpf_loop(10, on_turn, &sum, 0);
    return (int)sum;
}

SEC("xdp") int turn(void *context)
{
    u64 sum = 0;
    bpf_loop(20, on_turn, &sum, 0);
    return (int)sum;
}
