// crc32: the checksum of Ethernet and zip over 256 bytes, a nibble at a time, by a table that is made first.
#include "bench.h"

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u32 *table = (volatile u32 *)(mem + 8);
    const volatile u8 *data = mem + 2048;
    for (u32 n = 0; n < 16; n++) {
        u32 c = n;
        for (u32 k = 0; k < 4; k++) c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
        table[n] = c;
    }
    for (u64 i = 0; i < rounds; i++) {
        u32 crc = ~(u32)i;
        for (u32 k = 0; k < 256; k++) {
            crc ^= data[k];
            crc = table[crc & 15] ^ crc >> 4;
            crc = table[crc & 15] ^ crc >> 4;
        }
        result += ~crc;
    }
    return result;
}
