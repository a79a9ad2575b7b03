// chance.c: see chance.h.
#include "jit/chance.h"

#include "pal/pal.h"

uint32_t jit_chance_next(jit_chance *chance)
{
    if (chance->left == 0) {
        pst_pal_random(chance->pool, sizeof chance->pool);
        chance->left = JIT_CHANCE_POOL;
    }
    return chance->pool[--chance->left];
}

uint32_t jit_chance_below(jit_chance *chance, uint32_t bound)
{
    return (uint32_t)((uint64_t)jit_chance_next(chance) * bound >> 32);
}

jit_split jit_chance_split(jit_chance *chance, int32_t value)
{
    // value - a must fit as well, which leaves a range of at least 2^31 numbers.
    int64_t lowest = value > 0 ? (int64_t)value - INT32_MAX : INT32_MIN, highest = value > 0 ? INT32_MAX : (int64_t)value - INT32_MIN;
    int64_t a = lowest + (int64_t)((uint64_t)jit_chance_next(chance) * (uint64_t)(highest - lowest + 1) >> 32);
    return (jit_split){(int32_t)a, (int32_t)(value - a)};
}
