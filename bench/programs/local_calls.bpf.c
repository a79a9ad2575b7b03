// local_calls: small functions that call each other.
#define ROUNDS_MASK 255
#include "bench.h"

static NOINLINE u64 leaf(u64 a, u64 b);
static NOINLINE u64 middle(u64 a, u64 b);

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), x = 1;
    for (u64 i = 0; i < rounds; i++) x = middle(x, i) + leaf(i, x);
    return x;
}

static NOINLINE u64 middle(u64 a, u64 b)
{
    u64 x = leaf(a, b);
    return leaf(x, a) ^ b;
}

static NOINLINE u64 leaf(u64 a, u64 b)
{
    OPAQUE(a);
    return a * 3 + (b ^ a >> 5);
}
