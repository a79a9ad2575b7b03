// subprogs.bpf.c: functions in .text, static, global, hidden and weak, called by several programs in different orders.
#include "object_data.h"

static __noinline int leaf(int x)
{
    return x * 3 + (int)bpf_get_prandom_u32();
}

static __noinline int middle(int x)
{
    return leaf(x) + leaf(x + 1);
}

__noinline int global_one(int x)
{
    return middle(x) ^ (int)bpf_get_prandom_u32();
}

__hidden __noinline int hidden_one(int x)
{
    return x - (int)bpf_get_prandom_u32();
}

__weak __noinline int weak_one(int x)
{
    return x + (int)bpf_ktime_get_ns();
}

__noinline int unused_one(int x)
{
    return leaf(x) + 1;
}

SEC("xdp") int calls_in_order(void *context)
{
    return global_one(1) + hidden_one(2) + weak_one(3);
}

SEC("xdp") int calls_in_reverse(void *context)
{
    return weak_one(3) + hidden_one(2) + leaf(7) + global_one(1);
}

SEC("tc") int calls_nobody(void *context)
{
    return 0;
}

SEC("tc") int calls_one_twice(void *context)
{
    return middle(4) + middle((int)bpf_get_prandom_u32());
}
