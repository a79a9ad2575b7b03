// bubble_sort: sorts 64 numbers that are written anew each round.
#include "bench.h"

#define COUNT 64

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u32 *numbers = (volatile u32 *)(mem + 8);
    u32 seed = 1;
    for (u64 i = 0; i < rounds; i++) {
        for (u32 k = 0; k < COUNT; k++) {
            seed = seed * 1664525u + 1013904223u;
            numbers[k] = seed >> 8;
        }
        for (u32 end = COUNT - 1; end > 0; end--)
            for (u32 k = 0; k < end; k++) {
                u32 a = numbers[k], b = numbers[k + 1];
                if (a > b) {
                    numbers[k] = b;
                    numbers[k + 1] = a;
                }
            }
        result += numbers[COUNT / 2];
    }
    return result;
}
