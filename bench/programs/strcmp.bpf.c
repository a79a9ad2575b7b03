// strcmp: compares two strings of 63 bytes that differ at the end.
#define ROUNDS_MASK 63
#include "bench.h"

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u8 *a = mem + 8, *b = mem + 80;
    for (u32 k = 0; k < 64; k++) a[k] = b[k] = (u8)(k < 63 ? 'a' + k % 26 : 0);
    for (u64 i = 0; i < rounds; i++) {
        b[60] = (u8)('0' + i % 8);
        u8 c = 0, d = 0;
        for (u32 k = 0; k < 64; k++) {
            c = a[k];
            d = b[k];
            if (!c || c != d) break;
        }
        result += (u64)(s64)(c - d);
    }
    return result;
}
