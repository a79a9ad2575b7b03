// chacha: the ChaCha20 block function's rounds on a state in memory.
#include "bench.h"

#define QUARTER(a, b, c, d)                              \
    do {                                                 \
        u32 va = s[a], vb = s[b], vc = s[c], vd = s[d];  \
        va += vb, vd ^= va, vd = ROTL32(vd, 16);         \
        vc += vd, vb ^= vc, vb = ROTL32(vb, 12);         \
        va += vb, vd ^= va, vd = ROTL32(vd, 8);          \
        vc += vd, vb ^= vc, vb = ROTL32(vb, 7);          \
        s[a] = va, s[b] = vb, s[c] = vc, s[d] = vd;      \
    } while (0)

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem);
    volatile u32 *s = (volatile u32 *)(mem + 8);
    for (u64 i = 0; i < rounds; i++)
        for (u32 k = 0; k < 10; k++) {
            QUARTER(0, 4, 8, 12);
            QUARTER(1, 5, 9, 13);
            QUARTER(2, 6, 10, 14);
            QUARTER(3, 7, 11, 15);
            QUARTER(0, 5, 10, 15);
            QUARTER(1, 6, 11, 12);
            QUARTER(2, 7, 8, 13);
            QUARTER(3, 4, 9, 14);
        }
    return s[0] + s[7];
}
