// rodata_table: classifies 256 bytes by a table of constants and counts the classes in global variables.
#include "bench_maps.h"

static const volatile __u8 classes[64] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2,
};
static __u32 counts[4];

SEC("xdp") int prog(struct xdp_md *ctx)
{
    __u32 seed = 1, sum = 0;
    for (int i = 0; i < 4 * COUNT; i++) {
        __u32 class = classes[NEXT(seed) >> 26] & 3;
        counts[class]++;
        sum += class;
    }
    return (int)sum;
}
