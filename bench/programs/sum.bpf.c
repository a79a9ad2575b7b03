// sum: adds the numbers of an array.
#define ROUNDS_MASK 63
#include "bench.h"

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), total = 0;
    const volatile u32 *numbers = (const volatile u32 *)(mem + 8);
    for (u64 i = 0; i < rounds; i++)
        for (u32 k = 0; k < 256; k++) total += numbers[k];
    return total;
}
