// catcher.bpf.c: a program with an exception callback, which nobody calls, and one without.
#include "object_data.h"

__noinline int deeper(u64 cookie)
{
    return (int)cookie + (int)bpf_get_prandom_u32();
}

__noinline int on_exception(u64 cookie)
{
    return deeper(cookie) + 1;
}

SEC("tc") __attribute__((btf_decl_tag("exception_callback:on_exception"))) int with(void *context)
{
    return 1;
}

SEC("tc") int without(void *context)
{
    return deeper(2);
}
