// siphash: SipHash-2-4 of 64 bytes.
#define ROUNDS_MASK 127
#include "bench.h"

#define ROUND()                                                              \
    do {                                                                     \
        v0 += v1, v1 = ROTL64(v1, 13), v1 ^= v0, v0 = ROTL64(v0, 32);        \
        v2 += v3, v3 = ROTL64(v3, 16), v3 ^= v2;                             \
        v0 += v3, v3 = ROTL64(v3, 21), v3 ^= v0;                             \
        v2 += v1, v1 = ROTL64(v1, 17), v1 ^= v2, v2 = ROTL64(v2, 32);        \
    } while (0)

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    const volatile u64 *words = (const volatile u64 *)(mem + 8);
    for (u64 i = 0; i < rounds; i++) {
        u64 v0 = 0x736f6d6570736575u ^ i, v1 = 0x646f72616e646f6du, v2 = 0x6c7967656e657261u ^ i, v3 = 0x7465646279746573u;
        for (u32 k = 0; k < 8; k++) {
            u64 m = words[k];
            v3 ^= m;
            ROUND();
            ROUND();
            v0 ^= m;
        }
        v2 ^= 0xff;
        ROUND();
        ROUND();
        ROUND();
        ROUND();
        result += v0 ^ v1 ^ v2 ^ v3;
    }
    return result;
}
