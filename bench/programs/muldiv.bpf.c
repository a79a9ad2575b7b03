// muldiv: multiplication, division and remainder, signed and unsigned, at both widths.
#define ROUNDS_MASK 255
#include "bench.h"

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), x = 0x123456789abcdefu;
    for (u64 i = 0; i < rounds; i++) {
        u64 d = (x >> 40 & 0xff) + 3;
        u32 y = (u32)x | 1;
        s64 s = (s64)x;
        x = x * 6364136223846793005u + 1442695040888963407u;
        x += x / d;
        x ^= x % (d + 2);
        x += (u64)(s / (s64)(d + 1));
        y = (y * 2654435761u) / (u32)d + y % (u32)(d + 5);
        x += y;
    }
    return x;
}
