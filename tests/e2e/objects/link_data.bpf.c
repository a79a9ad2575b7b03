// link_data.bpf.c: addresses into global data: offsets into arrays and structs, before and behind their start, strings, pointers to data.
#include "../../unit/object/data/object_data.h"

struct pair {
    u32 first;
    u64 second[3];
};

static struct pair pairs[4] = {{1, {2}}, {3, {4}}};
struct pair global_pairs[3] = {{5, {6}}};
static const volatile struct pair constant_pairs[4] = {{7, {8}}, {9, {10}}};
static volatile u8 zero_bytes[300];
u16 halves[7] SEC(".data.halves") = {1, 2, 3};
const char *pointer = "a string that a pointer names"; // the pointer itself is 0 once loaded: data holds no addresses
u64 common;

static __noinline u64 sum(const u64 *at, int count)
{
    u64 total = 0;
    for (int i = 0; i < count; i++) total += at[i & 1] + bpf_get_prandom_u32();
    return total;
}

SEC("socket") int everywhere(void *context)
{
    u32 index = bpf_get_prandom_u32() & 1;
    u64 total = pairs[2].second[1] + pairs[index].first + constant_pairs[3].second[2] + constant_pairs[index + 1].first;
    total += sum(global_pairs[1].second, 2) + sum(pairs[3].second, 2);
    zero_bytes[255] = (u8)total;
    zero_bytes[index + 7]++;
    halves[5] += halves[index];
    pairs[1].second[index] = total;
    global_pairs[index].first = 5;
    common += (u64)pointer;
    bpf_trace_printk("%d of %d\n", 10, index);
    bpf_trace_printk("another string\n", 16);
    return (int)total;
}

char _license[] SEC("license") = "GPL";
