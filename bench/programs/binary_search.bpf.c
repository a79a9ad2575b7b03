// binary_search: finds numbers in a sorted array of 1,024.
#define ROUNDS_MASK 7
#include "bench.h"

#define COUNT 1024

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), found = 0;
    volatile u32 *sorted = (volatile u32 *)(mem + 8);
    u32 seed = SEED(mem);
    for (u32 k = 0; k < COUNT; k++) sorted[k] = k * 7;
    for (u64 i = 0; i < rounds; i++) {
        NEXT(seed);
        u32 key = (seed >> 8) % (COUNT * 7), lo = 0, hi = COUNT;
        for (u32 step = 0; step < 11; step++) {
            if (lo >= hi) break;
            u32 mid = (lo + hi) / 2;
            if (sorted[mid & (COUNT - 1)] < key) lo = mid + 1;
            else hi = mid;
        }
        found += lo;
    }
    SEED(mem) = seed;
    return found;
}
