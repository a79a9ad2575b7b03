// globals.bpf.c: global data of every kind, read and written.
#include "object_data.h"

const volatile int limit = 42;
const volatile char text[] = "postern";
static const volatile long hidden_constant = 0x1122334455667788;
int counter = 5;
static volatile int private_counter = 6;
__hidden int hidden_counter = 7;
u64 zeroes[4];
static volatile u64 private_zero;
int custom SEC(".data.custom") = 9;
const volatile int constant SEC(".rodata.mine") = 10;
static volatile int only_static SEC(".data.static_only") = 11;

SEC("xdp") int touch(void *context)
{
    counter += limit + text[2];
    private_counter++;
    hidden_counter--;
    zeroes[3] = (u64)hidden_constant;
    private_zero += zeroes[1];
    custom ^= constant;
    only_static++;
    bpf_trace_printk("%d is custom\n", 14, custom);
    return private_counter;
}

char _license[] SEC("license") = "Dual BSD/GPL";
u32 _version SEC("version") = 0x060102;
