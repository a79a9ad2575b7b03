// xorshift: a pseudo-random number generator: one long dependency chain.
#define ROUNDS_MASK 1023
#include "bench.h"

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), x = 0x9e3779b97f4a7c15u;
    for (u64 i = 0; i < rounds; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return x;
}
