// varint: decodes 48 numbers of one to five bytes, as protocol buffers have them.
#define ROUNDS_MASK 7
#include "bench.h"

#define COUNT 48
#define BYTES 256

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u8 *bytes = mem + 8;
    for (u32 k = 0; k < BYTES; k++) bytes[k] = (u8)(k % 5 == 0 || k % 3 == 0 ? k & 0x7f : k | 0x80);
    for (u64 i = 0; i < rounds; i++) {
        u32 at = 0;
        for (u32 n = 0; n < COUNT; n++) {
            u64 value = 0;
            for (u32 shift = 0; shift < 35; shift += 7) {
                u32 c = bytes[at & (BYTES - 1)];
                at++;
                value |= (u64)(c & 0x7f) << shift;
                if (!(c & 0x80)) break;
            }
            result += value >> 1 ^ -(value & 1);
        }
    }
    return result;
}
