// maps.bpf.c: every way to declare a map in .maps, and initial values of map-in-maps and program arrays.
#include "object_data.h"

struct key {
    u32 a;
    u16 b;
};
struct value {
    u64 count;
    u8 bytes[5];
};

struct {
    __uint(type, 1);
    __uint(max_entries, 100);
    __type(key, struct key);
    __type(value, struct value);
    __uint(map_flags, 1);
    __uint(pinning, 1);
} by_type SEC(".maps");

struct {
    __uint(type, 9);
    __uint(key_size, 4);
    __uint(value_size, 16);
    __uint(max_entries, 7);
    __uint(map_flags, 1 << 2);
    __uint(numa_node, 3);
} by_size SEC(".maps");

struct {
    __uint(type, 30);
    __uint(value_size, 8);
    __uint(max_entries, 9);
    __uint(map_extra, 3);
} bloom SEC(".maps");

struct {
    __uint(type, 27);
    __uint(max_entries, 5000);
} ring SEC(".maps");

struct inner {
    __uint(type, 2);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, u64);
};

struct inner inner_a SEC(".maps"), inner_b SEC(".maps");

struct {
    __uint(type, 12);
    __uint(max_entries, 8);
    __type(key, u32);
    __array(values, struct inner);
} outer SEC(".maps") = {.values = {[1] = (void *)&inner_a, [5] = (void *)&inner_b}};

struct {
    __uint(type, 13);
    __uint(max_entries, 8);
    __type(key, u32);
    __array(values, struct {
        __uint(type, 1);
        __uint(max_entries, 2);
        __type(key, u64);
        __type(value, u32);
    });
} outer_inline SEC(".maps");

int first(void *context);
int second(void *context);

struct {
    __uint(type, 3);
    __uint(max_entries, 4);
    __uint(key_size, 4);
    __array(values, int(void *));
} jumps SEC(".maps") = {.values = {[0] = (void *)&second, [3] = (void *)&first}};

SEC("xdp") int first(void *context)
{
    struct key key = {.a = 1, .b = 2};
    struct value *value = bpf_map_lookup_elem(&by_type, &key);
    bpf_tail_call(context, &jumps, 3);
    return value ? (int)value->count : 0;
}

SEC("xdp") int second(void *context)
{
    u32 zero = 0;
    void *inner = bpf_map_lookup_elem(&outer, &zero), *other = bpf_map_lookup_elem(&outer_inline, &zero);
    if (inner && bpf_map_lookup_elem(inner, &zero)) return 1;
    return other != 0 || bpf_map_lookup_elem(&by_size, &zero) != 0;
}

SEC("?socket") int third(void *context)
{
    u32 zero = 0;
    return bpf_map_lookup_elem(&inner_b, &zero) != 0;
}
