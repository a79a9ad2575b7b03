// memcpy: copies 1,024 bytes, eight at a time.
#define ROUNDS_MASK 127
#include "bench.h"

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u64 *from = (volatile u64 *)(mem + 8), *to = (volatile u64 *)(mem + 2048);
    for (u64 i = 0; i < rounds; i++) {
        for (u32 k = 0; k < 128; k++) to[k] = from[k];
        result += to[i % 128];
    }
    return result;
}
