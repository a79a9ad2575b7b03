// byteswap: 16, 32 and 64 bits between host and network order.
#define ROUNDS_MASK 1023
#include "bench.h"

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), x = 0x0123456789abcdefu;
    for (u64 i = 0; i < rounds; i++) {
        x = __builtin_bswap64(x) + i;
        x ^= __builtin_bswap32((u32)x);
        x += __builtin_bswap16((u16)x);
        OPAQUE(x);
    }
    return x;
}
