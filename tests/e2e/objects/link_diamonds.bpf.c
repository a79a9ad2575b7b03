// link_diamonds.bpf.c: a chain of functions, diamonds and a cycle of calls, entered from several programs at different places.
#include "../../unit/object/data/object_data.h"

__noinline int bottom(int x)
{
    return x ^ (int)bpf_get_prandom_u32();
}

static __noinline int left(int x)
{
    return bottom(x) + 1;
}

static __noinline int right(int x)
{
    return bottom(x + 2) * 3;
}

__noinline int top(int x)
{
    return x & 1 ? left(x) + right(x) : right(x) - left(x);
}

int even(int x);

__noinline int odd(int x)
{
    return x > 100 ? bottom(x) : even(x + (int)bpf_get_prandom_u32());
}

__noinline int even(int x)
{
    return x > 200 ? top(x) : odd(x + (int)bpf_get_prandom_u32()) + left(x);
}

#define LINK(n, next)                                       \
    static __noinline int link_##n(int x)                     \
    {                                                       \
        return next(x + n) + (int)bpf_get_prandom_u32();        \
    }
LINK(1, top) LINK(2, link_1) LINK(3, link_2) LINK(4, link_3) LINK(5, link_4) LINK(6, link_5) LINK(7, link_6)

SEC("xdp") int from_the_end(void *context)
{
    return link_7(1) + link_3(2);
}

SEC("xdp/devmap") int from_the_middle(void *context)
{
    return link_3(2) + link_7(1) + bottom(3);
}

SEC("xdp") int around(void *context)
{
    return odd((int)(long)context) + even(2);
}

SEC("cgroup_skb/egress") int from_the_bottom(void *context)
{
    return bottom(1) + left(2) + right(3) + top(4);
}

SEC("?tc") int left_out(void *context)
{
    return right(9);
}
