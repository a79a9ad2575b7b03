// static_programs.bpf.c: static functions outside of .text: one that a program of its section calls, and programs that only a map names.
#include "object_data.h"

static int tail_a(void *context);
static int tail_b(void *context);

struct {
    __uint(type, 3);
    __uint(max_entries, 2);
    __uint(key_size, 4);
    __array(values, int(void *));
} tails SEC(".maps") = {.values = {[0] = (void *)&tail_a, [1] = (void *)&tail_b}};

SEC("tc/tail") static int tail_a(void *context)
{
    return 1;
}

SEC("tc/tail") static int tail_b(void *context)
{
    bpf_tail_call(context, &tails, 0);
    return 2;
}

SEC("tc") static __noinline int helper(int x)
{
    return x + (int)bpf_get_prandom_u32();
}

SEC("tc") int entry(void *context)
{
    bpf_tail_call(context, &tails, 1);
    return helper(5) + helper(6);
}
