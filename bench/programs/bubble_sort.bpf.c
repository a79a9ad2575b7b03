// bubble_sort: sorts 64 numbers that are written anew each round.
#define ROUNDS_MASK 3
#include "bench.h"

#define COUNT 64

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u32 *numbers = (volatile u32 *)(mem + 8);
    u32 seed = SEED(mem);
    for (u64 i = 0; i < rounds; i++) {
        for (u32 k = 0; k < COUNT; k++) {
            NEXT(seed);
            numbers[k] = seed >> 8;
        }
        for (u32 end = COUNT - 1; end > 0; end--)
            for (u32 k = 0; k < end; k++) {
                volatile u32 *pair = numbers + INDEX(k, COUNT);
                u32 a = pair[0], b = pair[1];
                if (a > b) {
                    pair[0] = b;
                    pair[1] = a;
                }
            }
        result += numbers[COUNT / 2];
    }
    SEED(mem) = seed;
    return result;
}
