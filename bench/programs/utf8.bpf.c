// utf8: validates 256 bytes of text and counts its characters: a state machine by ranges of bytes.
#define ROUNDS_MASK 3
#include "bench.h"

#define LENGTH 256

// Characters of one, two and three bytes, in one of four orders.
static __attribute__((always_inline)) void write_text(volatile u8 *text, u32 seed)
{
    for (u32 k = 0; k < LENGTH; k += 8) {
        u32 order = NEXT(seed) >> 30;
        u64 eight = order == 0 ? 0x207aac82e2a4c361u : order == 1 ? 0xac82e2a4c37a7a7au : order == 2 ? 0xac82e261ac82e261u : 0x61a4c361a4c36162u;
        *(volatile u64 *)(text + k) = eight;
    }
}

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u8 *text = mem + 8;
    u32 seed = SEED(mem);
    write_text(text, seed);
    SEED(mem) = NEXT(seed);
    for (u64 i = 0; i < rounds; i++) {
        u32 missing = 0, errors = 0, count = 0;
        for (u32 k = 0; k < LENGTH; k++) {
            u32 c = text[k];
            if (missing) {
                if ((c & 0xc0) == 0x80) missing--;
                else errors++, missing = 0;
            } else {
                count++;
                if (c < 0x80) missing = 0;
                else if (c >= 0xc2 && c < 0xe0) missing = 1;
                else if (c >= 0xe0 && c < 0xf0) missing = 2;
                else if (c >= 0xf0 && c < 0xf5) missing = 3;
                else errors++;
            }
            OPAQUE(missing);
            missing &= 3;
        }
        result += count + (errors << 16) + (u32)i;
    }
    return result;
}
