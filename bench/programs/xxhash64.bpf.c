// xxhash64: the 64-bit variant over 256 bytes, four lanes at a time.
#define ROUNDS_MASK 255
#include "bench.h"

#define P1 0x9e3779b185ebca87u
#define P2 0xc2b2ae3d27d4eb4fu
#define P3 0x165667b19e3779f9u
#define P4 0x85ebca77c2b2ae63u

static __attribute__((always_inline)) u64 lane(u64 acc, u64 input)
{
    acc += input * P2;
    return ROTL64(acc, 31) * P1;
}

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    const volatile u64 *words = (const volatile u64 *)(mem + 8);
    for (u64 i = 0; i < rounds; i++) {
        u64 a = i + P1 + P2, b = i + P2, c = i, d = i - P1;
        for (u32 k = 0; k < 32; k += 4) {
            a = lane(a, words[k]);
            b = lane(b, words[k + 1]);
            c = lane(c, words[k + 2]);
            d = lane(d, words[k + 3]);
        }
        u64 h = ROTL64(a, 1) + ROTL64(b, 7) + ROTL64(c, 12) + ROTL64(d, 18);
        h = (h ^ lane(0, a)) * P1 + P4;
        h = (h ^ lane(0, b)) * P1 + P4;
        h += 256;
        h = (h ^ h >> 33) * P2;
        h = (h ^ h >> 29) * P3;
        result += h ^ h >> 32;
    }
    return result;
}
