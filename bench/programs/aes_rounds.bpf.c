// aes_rounds: ten rounds of a block cipher in the shape of AES, by four tables of 256 words (of whatever is in memory).
#define ROUNDS_MASK 63
#include "bench.h"

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    const volatile u32 *t = (const volatile u32 *)(mem + 8), *keys = (const volatile u32 *)(mem + 4608);
    for (u64 i = 0; i < rounds; i++) {
        u32 a = (u32)i, b = a ^ 0x01234567, c = a ^ 0x89abcdef, d = a ^ 0xdeadbeef;
        for (u32 r = 0; r < 10; r++) {
            u32 e = t[a >> 24] ^ t[256 + (b >> 16 & 255)] ^ t[512 + (c >> 8 & 255)] ^ t[768 + (d & 255)] ^ keys[4 * r];
            u32 f = t[b >> 24] ^ t[256 + (c >> 16 & 255)] ^ t[512 + (d >> 8 & 255)] ^ t[768 + (a & 255)] ^ keys[4 * r + 1];
            u32 g = t[c >> 24] ^ t[256 + (d >> 16 & 255)] ^ t[512 + (a >> 8 & 255)] ^ t[768 + (b & 255)] ^ keys[4 * r + 2];
            u32 h = t[d >> 24] ^ t[256 + (a >> 16 & 255)] ^ t[512 + (b >> 8 & 255)] ^ t[768 + (c & 255)] ^ keys[4 * r + 3];
            a = e, b = f, c = g, d = h;
        }
        result += a ^ b ^ c ^ d;
    }
    return result;
}
