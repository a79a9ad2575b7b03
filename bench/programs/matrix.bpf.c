// matrix: the product of two matrices of 8 by 8 numbers.
#include "bench.h"

#define N 8

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    const volatile u32 *a = (const volatile u32 *)(mem + 8), *b = a + N * N;
    volatile u32 *c = (volatile u32 *)(mem + 1024);
    for (u64 i = 0; i < rounds; i++) {
        for (u32 row = 0; row < N; row++)
            for (u32 column = 0; column < N; column++) {
                u32 sum = (u32)i;
                for (u32 k = 0; k < N; k++) {
                    sum += a[row * N + k] * b[k * N + column];
                    OPAQUE(sum);
                }
                c[row * N + column] = sum;
            }
        result += c[i & (N * N - 1)];
    }
    return result;
}
