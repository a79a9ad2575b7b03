// murmur3: the 32-bit variant over 64 bytes.
#define ROUNDS_MASK 255
#include "bench.h"

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    const volatile u32 *words = (const volatile u32 *)(mem + 8);
    for (u64 i = 0; i < rounds; i++) {
        u32 h = (u32)i;
        for (u32 n = 0; n < 16; n++) {
            u32 k = words[n] * 0xcc9e2d51u;
            k = ROTL32(k, 15) * 0x1b873593u;
            h ^= k;
            h = ROTL32(h, 13) * 5 + 0xe6546b64u;
        }
        h ^= 64;
        h = (h ^ h >> 16) * 0x85ebca6bu;
        h = (h ^ h >> 13) * 0xc2b2ae35u;
        result += h ^ h >> 16;
    }
    return result;
}
