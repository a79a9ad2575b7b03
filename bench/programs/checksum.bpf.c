// checksum: the internet checksum (RFC 1071) of 1,500 bytes.
#define ROUNDS_MASK 63
#include "bench.h"

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    const volatile u16 *words = (const volatile u16 *)(mem + 8);
    for (u64 i = 0; i < rounds; i++) {
        u32 sum = (u32)i & 0xffff;
        for (u32 k = 0; k < 750; k++) sum += words[k];
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        result += (u16)~sum;
    }
    return result;
}
