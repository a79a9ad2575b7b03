// helper_calls: asks for time and CPU, as programs that record events do.
#include "bench_maps.h"

SEC("xdp") int prog(struct xdp_md *ctx)
{
    __u64 newest = 0;
    __u32 cpus = 0;
    for (int i = 0; i < COUNT / 4; i++) {
        __u64 now = bpf_ktime_get_ns();
        if (now > newest) newest = now;
        cpus |= bpf_get_smp_processor_id();
    }
    return cpus < 4096 && newest != 0;
}
