// heap_sort: sorts 64 numbers that are written anew each round.
#define ROUNDS_MASK 3
#include "bench.h"

#define COUNT 64

static __attribute__((always_inline)) void sift(volatile u32 *heap, u32 root, u32 count)
{
    for (u32 depth = 0; depth < 6; depth++) {
        u32 child = (root * 2 + 1) & 127;
        if (child >= count) break;
        child &= COUNT - 1;
        u32 left = heap[child], right = child + 1 < count ? heap[(child + 1) & (COUNT - 1)] : 0;
        if (right > left) child = (child + 1) & (COUNT - 1), left = right;
        u32 value = heap[root & (COUNT - 1)];
        if (value >= left) break;
        heap[root & (COUNT - 1)] = left;
        heap[child] = value;
        root = child;
    }
}

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u32 *heap = (volatile u32 *)(mem + 8);
    u32 seed = SEED(mem);
    for (u64 i = 0; i < rounds; i++) {
        for (u32 k = 0; k < COUNT; k++) {
            NEXT(seed);
            heap[k] = seed >> 8;
        }
        for (u32 k = COUNT / 2; k-- > 0;) sift(heap, k, COUNT);
        for (u32 end = COUNT - 1; end > 0; end--) {
            u32 top = heap[0];
            heap[0] = heap[end];
            heap[end] = top;
            sift(heap, 0, end);
        }
        result += heap[COUNT / 2];
    }
    SEED(mem) = seed;
    return result;
}
