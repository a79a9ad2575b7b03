// string_search: finds six bytes in 512 of text, by the last byte and a table of skips (Horspool).
#include "bench.h"

#define LENGTH 512
#define NEEDLE 6

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), found = 0;
    volatile u8 *text = mem + 8, *skip = mem + 1024, *needle = mem + 1536;
    for (u32 k = 0; k < LENGTH; k++) text[k] = (u8)('a' + (text[k] & 7));
    for (u32 k = 0; k < 256; k++) skip[k] = NEEDLE;
    for (u32 k = 0; k < NEEDLE; k++) needle[k] = (u8)('a' + (k * 3 & 7));
    for (u32 k = 0; k + 1 < NEEDLE; k++) skip['a' + (k * 3 & 7)] = (u8)(NEEDLE - 1 - k);
    for (u64 i = 0; i < rounds; i++) {
        u32 at = 0;
        for (u32 turn = 0; turn < LENGTH; turn++) {
            if (at > LENGTH - NEEDLE) break;
            u32 last = text[at + NEEDLE - 1], k = 0;
            if (last == needle[NEEDLE - 1])
                while (k < NEEDLE - 1 && text[at + k] == needle[k]) k++;
            found += k == NEEDLE - 1;
            at += skip[last];
        }
        found += at;
    }
    return found;
}
