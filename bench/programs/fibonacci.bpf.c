// fibonacci: the n-th number, by addition, again and again.
#define ROUNDS_MASK 127
#include "bench.h"

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    for (u64 i = 0; i < rounds; i++) {
        u64 a = 0, b = 1;
        for (u32 k = 0; k < 90; k++) {
            u64 c = a + b;
            OPAQUE(c);
            a = b;
            b = c;
        }
        result ^= a + i;
    }
    return result;
}
