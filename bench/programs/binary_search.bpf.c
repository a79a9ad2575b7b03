// binary_search: finds numbers in a sorted array of 1,024.
#include "bench.h"

#define COUNT 1024

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), found = 0;
    u32 *sorted = (u32 *)(mem + 8), seed = 1;
    for (u32 k = 0; k < COUNT; k++) ((volatile u32 *)sorted)[k] = k * 7;
    for (u64 i = 0; i < rounds; i++) {
        seed = seed * 1664525u + 1013904223u;
        u32 key = seed % (COUNT * 7), lo = 0, hi = COUNT;
        while (lo < hi) {
            u32 mid = (lo + hi) / 2, at = sorted[mid];
            OPAQUE(at);
            if (at < key) lo = mid + 1;
            else hi = mid;
        }
        found += lo;
    }
    return found;
}
