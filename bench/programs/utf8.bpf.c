// utf8: validates 256 bytes of text and counts its characters: a state machine by ranges of bytes.
#define ROUNDS_MASK 3
#include "bench.h"

#define LENGTH 256

static __attribute__((always_inline)) void write_text(volatile u8 *text)
{
    for (u32 k = 0; k < LENGTH; k += 8) { // of one, two and three bytes, in turn
        text[k] = (u8)('a' + k % 26);
        text[k + 1] = 0xc3, text[k + 2] = 0xa4;
        text[k + 3] = 0xe2, text[k + 4] = 0x82, text[k + 5] = 0xac;
        text[k + 6] = 'z', text[k + 7] = ' ';
    }
}

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u8 *text = mem + 8;
    write_text(text);
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
