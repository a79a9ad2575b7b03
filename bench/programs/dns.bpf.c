// dns: walks the labels of the name in a query and hashes them in lower case, then reads type and class.
#define ROUNDS_MASK 15
#include "bench.h"

#define PACKET 128

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u8 *packet = mem + 8;
    for (u32 k = 0; k < 96; k++) packet[12 + k] = (u8)(k % 12 == 0 ? 11 : 'A' + k % 40);
    packet[12 + 60] = 0; // five labels of eleven
    for (u64 i = 0; i < rounds; i++) {
        u32 at = 12, hash = 5381 + (u32)i, labels = 0;
        for (u32 n = 0; n < 8; n++) {
            u32 length = packet[at & (PACKET - 1)];
            if (length == 0) break;
            if (length >= 64) return 0; // compressed: not in a query
            labels++;
            for (u32 k = 1; k < 64; k++) {
                if (k > length) break;
                u32 c = packet[(at + k) & (PACKET - 1)];
                if (c >= 'A' && c <= 'Z') c |= 0x20;
                hash = hash * 33 ^ c;
            }
            at += length + 1;
        }
        u32 type = (u32)packet[(at + 1) & (PACKET - 1)] << 8 | packet[(at + 2) & (PACKET - 1)];
        result += hash + labels + type;
    }
    return result;
}
