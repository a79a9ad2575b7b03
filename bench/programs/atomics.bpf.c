// atomics: counters that are added to, exchanged and compared, with nobody else about.
#define ROUNDS_MASK 255
#include "bench.h"

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    u64 *wide = (u64 *)(mem + 8);
    u32 *narrow = (u32 *)(mem + 16);
    for (u64 i = 0; i < rounds; i++) {
        __sync_fetch_and_add(wide, i);
        __sync_fetch_and_or(narrow, (u32)i);
        result += __sync_fetch_and_add(narrow, 3);
        result ^= __sync_val_compare_and_swap(wide, result, i);
        result += __sync_lock_test_and_set(wide, i);
    }
    return result;
}
