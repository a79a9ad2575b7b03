// base64: encodes 192 bytes as 256 characters, the alphabet by comparisons.
#include "bench.h"

static __attribute__((always_inline)) u8 letter(u32 six)
{
    if (six < 26) return (u8)('A' + six);
    if (six < 52) return (u8)('a' + six - 26);
    if (six < 62) return (u8)('0' + six - 52);
    return six == 62 ? '+' : '/';
}

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    const volatile u8 *in = mem + 8;
    volatile u8 *out = mem + 1024;
    for (u64 i = 0; i < rounds; i++) {
        for (u32 k = 0; k < 64; k++) {
            u32 three = (u32)in[3 * k] << 16 | (u32)in[3 * k + 1] << 8 | in[3 * k + 2];
            volatile u8 *four = out + INDEX(4 * k, 256);
            four[0] = letter(three >> 18);
            four[1] = letter(three >> 12 & 63);
            four[2] = letter(three >> 6 & 63);
            four[3] = letter(three & 63);
        }
        result += out[(i * 7) & 255];
    }
    return result;
}
