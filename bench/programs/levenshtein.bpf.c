// levenshtein: the distance between two words of 16 letters, by one row of the table.
#define ROUNDS_MASK 3
#include "bench.h"

#define N 16

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u8 *a = mem + 8, *b = mem + 32;
    volatile u32 *row = (volatile u32 *)(mem + 64);
    u32 seed = SEED(mem);
    for (u64 i = 0; i < rounds; i++) {
        for (u32 k = 0; k < N; k++) {
            a[k] = (u8)(NEXT(seed) >> 30);
            b[k] = (u8)(NEXT(seed) >> 30);
        }
        for (u32 k = 0; k <= N; k++) row[k] = k;
        for (u32 r = 1; r <= N; r++) {
            u32 diagonal = row[0], c = a[INDEX(r - 1, N)];
            row[0] = r;
            for (u32 k = 1; k <= N; k++) {
                u32 at = INDEX(k - 1, N);
                u32 above = row[at + 1], left = row[at], best = diagonal + (c != b[at]);
                if (above + 1 < best) best = above + 1;
                if (left + 1 < best) best = left + 1;
                diagonal = above;
                row[at + 1] = best;
            }
        }
        result += row[N] + i;
    }
    SEED(mem) = seed;
    return result;
}
