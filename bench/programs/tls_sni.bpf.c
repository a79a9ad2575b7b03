// tls_sni: finds the server name among the extensions of a ClientHello, as a filter of names does.
#define ROUNDS_MASK 127
#include "bench.h"

#define HELLO 512
#define AT(i) hello[(i) & (HELLO - 1)]

static __attribute__((always_inline)) u32 be16(const volatile u8 *hello, u32 i) { return (u32)AT(i) << 8 | AT(i + 1); }

static __attribute__((always_inline)) void write_hello(volatile u8 *hello)
{
    hello[0] = 22, hello[5] = 1;
    hello[43] = 32;                   // session id
    hello[76] = 0, hello[77] = 32;    // cipher suites
    hello[110] = 1;                   // compressions
    hello[112] = 1, hello[113] = 0;   // all extensions: 256 bytes
    for (u32 k = 0; k < 12; k++) {    // of 16 bytes each
        volatile u8 *extension = hello + 114 + 20 * k;
        extension[0] = 0, extension[1] = (u8)(k == 9 ? 0 : 10 + k);
        extension[2] = 0, extension[3] = 16;
    }
}

u64 prog(u8 *mem, u64 size)
{
    u64 rounds = ROUNDS(mem), result = 0;
    volatile u8 *hello = mem + 8;
    write_hello(hello);
    for (u64 i = 0; i < rounds; i++) {
        if (AT(0) != 22 || AT(5) != 1) break;
        u32 at = 43;
        at += 1 + AT(at);
        at += 2 + be16(hello, at);
        at += 1 + AT(at);
        u32 end = at + 2 + be16(hello, at), hash = (u32)i;
        at += 2;
        for (u32 n = 0; n < 16; n++) {
            if (at + 4 > end) break;
            u32 type = be16(hello, at), length = be16(hello, at + 2);
            if (type == 0) {
                for (u32 k = 0; k < 16; k++) hash = (hash ^ AT(at + 4 + k)) * 16777619u;
                break;
            }
            at += 4 + length;
        }
        result += hash + at;
    }
    return result;
}
