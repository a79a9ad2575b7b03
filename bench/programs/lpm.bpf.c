// lpm: the longest matching prefix of an address in a trie of 4-bit strides, whose nodes are 16 words each.
#define ROUNDS_MASK 63
#include "bench.h"

#define NODES 64

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u16 *nodes = (volatile u16 *)(mem + 8); // an entry: child << 8 | next hop
    for (u32 k = 0; k < NODES * 16; k++) {
        u32 child = (k * 2654435761u) >> 26;
        nodes[k] = (u16)((k % 3 ? child << 8 : 0) | (k % 5 ? k & 255 : 0));
    }
    u32 seed = SEED(mem);
    for (u64 i = 0; i < rounds; i++) {
        NEXT(seed);
        u32 address = seed, node = 0, hop = 0;
        for (u32 level = 0; level < 8; level++) {
            u32 entry = nodes[node * 16 + (address >> 28)];
            if (entry & 255) hop = entry & 255;
            node = entry >> 8 & (NODES - 1);
            if (!node) break;
            address <<= 4;
        }
        result += hop;
    }
    SEED(mem) = seed;
    return result;
}
