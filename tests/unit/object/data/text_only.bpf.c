// text_only.bpf.c: no section names at all: everything lies in .text.
#include "object_data.h"

static __noinline int twice(int x)
{
    return x * 2 + (int)bpf_get_prandom_u32();
}

int run(void *context)
{
    return twice(4);
}
