// sha256: the compression function on one block, schedule and constants in memory.
#include "bench.h"

#define ROTR32(x, n) ((x) >> (n) | (x) << (32 - (n)))

// Stand-ins for the standard's constants, which would be a table: the code is the same for any.
static __attribute__((always_inline)) void write_constants(volatile u32 *constants)
{
    u32 x = 0x428a2f98;
    for (u32 k = 0; k < 64; k++) {
        constants[k] = x;
        x = x * 1664525u + 0x71374491u;
    }
}

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u32 *constants = (volatile u32 *)(mem + 64), *w = (volatile u32 *)(mem + 512);
    const volatile u8 *block = mem + 1024;
    write_constants(constants);
    for (u64 i = 0; i < rounds; i++) {
        u32 a = 0x6a09e667 + (u32)i, b = 0xbb67ae85, c = 0x3c6ef372, d = 0xa54ff53a, e = 0x510e527f, f = 0x9b05688c, g = 0x1f83d9ab, h = 0x5be0cd19;
        for (u32 k = 0; k < 16; k++) w[k] = __builtin_bswap32(*(const volatile u32 *)(block + 4 * k));
        for (u32 k = 16; k < 64; k++) {
            u32 x = w[k - 15], y = w[k - 2];
            u32 s0 = ROTR32(x, 7) ^ ROTR32(x, 18) ^ x >> 3, s1 = ROTR32(y, 17) ^ ROTR32(y, 19) ^ y >> 10;
            w[k] = w[k - 16] + s0 + w[k - 7] + s1;
        }
        for (u32 k = 0; k < 64; k++) {
            u32 t1 = h + (ROTR32(e, 6) ^ ROTR32(e, 11) ^ ROTR32(e, 25)) + ((e & f) ^ (~e & g)) + constants[k] + w[k];
            u32 t2 = (ROTR32(a, 2) ^ ROTR32(a, 13) ^ ROTR32(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
            h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
        }
        result += a ^ b ^ c ^ d ^ e ^ f ^ g ^ h;
    }
    return result;
}
