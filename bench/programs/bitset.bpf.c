// bitset: unites, subtracts and counts two sets of 2,048 bits, and gathers the first of each word.
#include "bench.h"

#define WORDS 32

static __attribute__((always_inline)) u64 count_bits(u64 x)
{
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return x * 0x0101010101010101u >> 56;
}

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    const volatile u64 *a = (const volatile u64 *)(mem + 8), *b = (const volatile u64 *)(mem + 512);
    volatile u64 *to = (volatile u64 *)(mem + 1024);
    for (u64 i = 0; i < rounds; i++) {
        u64 bits = 0, firsts = 0;
        for (u32 k = 0; k < WORDS; k++) {
            u32 n = INDEX(k, WORDS);
            u64 both = a[n] & ~b[n], any = a[n] | b[n];
            to[n] = both ^ i;
            u64 ones = count_bits(any);
            OPAQUE(ones);
            bits += ones;
            firsts ^= both & -both;
        }
        result += bits ^ firsts;
    }
    return result;
}
