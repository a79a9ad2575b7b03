// state_machine: counts words, numbers and quoted strings in 256 bytes of text.
#define ROUNDS_MASK 3
#include "bench.h"

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), counts = 0;
    volatile u8 *text = mem + 8;
    u32 seed = SEED(mem);
    for (u32 k = 0; k < 256; k++) text[k] = (u8)(NEXT(seed) >> 25);
    SEED(mem) = seed;
    for (u64 i = 0; i < rounds; i++) {
        u32 state = 0;
        for (u32 k = 0; k < 256; k++) {
            u32 c = text[k];
            switch (state) {
            case 0:
                if (c == '"') state = 3;
                else if (c >= '0' && c <= '9') state = 2, counts += 1 << 10;
                else if (c > ' ') state = 1, counts++;
                break;
            case 1:
                if (c <= ' ') state = 0;
                else if (c == '"') state = 3;
                break;
            case 2:
                if (c <= ' ') state = 0;
                else if (c > '9') state = 1;
                break;
            default:
                if (c == '"') state = 0, counts += 1 << 20;
                break;
            }
            OPAQUE(state);
        }
    }
    return counts;
}
