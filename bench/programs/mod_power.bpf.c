// mod_power: powers of 32-bit numbers modulo a 32-bit number, bit by bit, with a division each.
#include "bench.h"

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    const volatile u32 *numbers = (const volatile u32 *)(mem + 8);
    for (u64 i = 0; i < rounds; i++) {
        u64 modulus = numbers[0] | 1, base = numbers[1] % modulus, power = 1;
        u32 exponent = numbers[2] + (u32)i;
        for (u32 k = 0; k < 32; k++) {
            if (exponent & 1) power = power * base % modulus;
            base = base * base % modulus;
            exponent >>= 1;
        }
        result += power;
    }
    return result;
}
