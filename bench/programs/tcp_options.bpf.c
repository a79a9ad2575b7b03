// tcp_options: walks the options of a TCP header for segment size, window scale and timestamps.
#define ROUNDS_MASK 63
#include "bench.h"

#define OPTIONS 64
#define AT(i) options[(i) & (OPTIONS - 1)]

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u8 *options = mem + 8;
    options[0] = 2, options[1] = 4, options[2] = 5, options[3] = 0xb4;
    options[4] = 1, options[5] = 3, options[6] = 3, options[7] = 7;
    options[8] = 1, options[9] = 1, options[10] = 8, options[11] = 10;
    options[20] = 4, options[21] = 2, options[22] = 0;
    for (u64 i = 0; i < rounds; i++) {
        u32 at = 0, size_max = 536, scale = 0, stamp = (u32)i;
        for (u32 n = 0; n < 20; n++) {
            u32 kind = AT(at);
            if (kind == 0 || at >= 40) break;
            if (kind == 1) {
                at++;
                continue;
            }
            u32 length = AT(at + 1);
            if (length < 2) break;
            if (kind == 2) size_max = (u32)AT(at + 2) << 8 | AT(at + 3);
            else if (kind == 3) scale = AT(at + 2);
            else if (kind == 8) stamp += (u32)AT(at + 2) << 24 | (u32)AT(at + 3) << 16 | (u32)AT(at + 4) << 8 | AT(at + 5);
            at += length;
        }
        result += size_max + scale + stamp;
    }
    return result;
}
