// state_machine: counts words, numbers and quoted strings in 256 bytes of text.
#include "bench.h"

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), counts = 0;
    const volatile u8 *text = mem + 8;
    for (u64 i = 0; i < rounds; i++) {
        u32 state = 0;
        for (u32 k = 0; k < 256; k++) {
            u32 c = text[k] & 0x7f;
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
