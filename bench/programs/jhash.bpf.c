// jhash: Jenkins' lookup3 over three words at a time, as flow tables use it.
#define ROUNDS_MASK 255
#include "bench.h"

#define MIX(a, b, c)                                  \
    do {                                              \
        a -= c, a ^= ROTL32(c, 4), c += b;            \
        b -= a, b ^= ROTL32(a, 6), a += c;            \
        c -= b, c ^= ROTL32(b, 8), b += a;            \
        a -= c, a ^= ROTL32(c, 16), c += b;           \
        b -= a, b ^= ROTL32(a, 19), a += c;           \
        c -= b, c ^= ROTL32(b, 4), b += a;            \
    } while (0)

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    const volatile u32 *words = (const volatile u32 *)(mem + 8);
    for (u64 i = 0; i < rounds; i++) {
        u32 a = 0xdeadbeef + (u32)i, b = a, c = a;
        for (u32 k = 0; k < 12; k += 3) {
            a += words[k];
            b += words[k + 1];
            c += words[k + 2];
            MIX(a, b, c);
        }
        result += c;
    }
    return result;
}
