// json: tokens and depth of 256 bytes of JSON, strings and escapes included.
#define ROUNDS_MASK 3
#include "bench.h"

#define LENGTH 256

static __attribute__((always_inline)) void write_text(volatile u8 *text)
{
    for (u32 k = 0; k < LENGTH; k += 16) { // sixteen times the same
        *(volatile u64 *)(text + k) = 0x3a2279656b227b20;      // ` {"key":`
        *(volatile u64 *)(text + k + 8) = 0x7d5d2261222c315b; // `[1,"a"]}`
    }
}

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u8 *text = mem + 8;
    write_text(text);
    for (u64 i = 0; i < rounds; i++) {
        u32 tokens = 0, depth = 0, deepest = 0, in_string = 0, escaped = 0;
        for (u32 k = 0; k < LENGTH; k++) {
            u32 c = text[k];
            if (in_string) {
                if (escaped) escaped = 0;
                else if (c == '\\') escaped = 1;
                else if (c == '"') in_string = 0;
            } else if (c == '"') {
                in_string = 1;
                tokens++;
            } else if (c == '{' || c == '[') {
                depth++;
                if (depth > deepest) deepest = depth;
            } else if (c == '}' || c == ']') {
                depth--;
            } else if (c >= '0' && c <= '9') {
                tokens++;
            }
            OPAQUE(depth);
            OPAQUE(deepest);
        }
        result += tokens * 256 + deepest + depth + (u32)i;
    }
    return result;
}
