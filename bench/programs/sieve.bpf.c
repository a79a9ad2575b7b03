// sieve: counts primes below 2048 with one byte a number.
#define ROUNDS_MASK 3
#include "bench.h"

#define LIMIT 2048

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), count = 0;
    volatile u8 *composite = mem + 8;
    for (u64 i = 0; i < rounds; i++) {
        count = 0;
        for (u32 n = 0; n < LIMIT; n++) composite[n] = 0;
        for (u32 n = 2; n < LIMIT; n++) {
            if (composite[n]) continue;
            count++;
            for (u32 k = n * 2; k < LIMIT; k += n) composite[INDEX(k, LIMIT)] = 1;
        }
    }
    return count;
}
