// no_btf_undefined.bpf.c: without BTF, and one of its two programs calls a function that is nowhere.
#include "object_data.h"

int nowhere(int x);

SEC("xdp") int lost(void *context)
{
    return nowhere(1);
}

SEC("xdp") int fine(void *context)
{
    return 2;
}
