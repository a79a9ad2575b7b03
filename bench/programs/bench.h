// bench.h: what the benchmark programs share. Each is compiled for eBPF and for the host from the same source.
//
// A program is prog(mem, size): mem begins with the number of rounds (8 bytes) and goes on with pseudo-random bytes.
// The native build renames prog to native_NAME. No globals, no library calls, no constant tables, no headers: the code section is
// the whole program.
#ifndef BENCH_H
#define BENCH_H

typedef __UINT8_TYPE__ u8;
typedef __UINT16_TYPE__ u16;
typedef __UINT32_TYPE__ u32;
typedef __UINT64_TYPE__ u64;
typedef __INT32_TYPE__ s32;
typedef __INT64_TYPE__ s64;

#define NOINLINE __attribute__((noinline))
#define ROUNDS(mem) (*(volatile u64 *)(mem))
#define ROTL32(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define ROTL64(x, n) ((x) << (n) | (x) >> (64 - (n)))
// Hides a value from the optimiser.
#define OPAQUE(x) __asm__ volatile("" : "+r"(x))

u64 prog(u8 *mem, u64 size);

#endif
