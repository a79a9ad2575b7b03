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
// A proof needs to know that rounds end: no more than ROUNDS_MASK, which a program may define before it includes this (2^n - 1).
// Where nothing is proved (-DUNBOUNDED), mem alone says how many.
#ifndef ROUNDS_MASK
#define ROUNDS_MASK 15
#endif
#ifdef UNBOUNDED
#define ROUNDS(mem) (*(volatile u64 *)(mem))
#else
#define ROUNDS(mem) (*(volatile u64 *)(mem) & ROUNDS_MASK)
#endif
#define ROTL32(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define ROTL64(x, n) ((x) << (n) | (x) >> (64 - (n)))
// A random number that runs hand on, so that no run sees the data of the one before and branches cannot be learnt by heart.
#define SEED(mem) (*(volatile u32 *)((mem) + 8188))
#define NEXT(seed) ((seed) = (seed) * 1664525u + 1013904223u)
// Hides a value from the optimiser.
#define OPAQUE(x) __asm__ volatile("" : "+r"(x))
// An index below size (2^n) that a proof sees to be one, whatever the optimiser makes of the loop around it.
#define INDEX(i, size)                        \
    ({                                        \
        u32 index_ = (u32)(i);                \
        OPAQUE(index_);                       \
        index_ & ((size) - 1);                \
    })

u64 prog(u8 *mem, u64 size);

#endif
