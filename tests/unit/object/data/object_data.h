// object_data.h: what the test objects of this folder need of bpf_helpers.h, so that they build without any header.
//
// The .o files were built by ./build (clang 19, LLVM 8 or later will do), which is not part of the tests: they run on hosts without clang.
#ifndef PST_TESTS_OBJECT_DATA_H
#define PST_TESTS_OBJECT_DATA_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))
#define WEAK __attribute__((weak))
#define HIDDEN __attribute__((visibility("hidden")))
#define __uint(name, value) int (*name)[value]
#define __type(name, type) typeof(type) *name
#define __array(name, type) typeof(type) *name[]
#define __ulong(name, value) enum { name##_value = value } name

static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static u64 (*const ktime_get_ns)(void) = (void *)5;
static long (*const trace_printk)(const char *format, u32 size, ...) = (void *)6;
static u32 (*const get_prandom_u32)(void) = (void *)7;
static long (*const tail_call)(void *context, void *map, u32 index) = (void *)12;
static long (*const for_each_map_elem)(void *map, void *callback, void *context, u64 flags) = (void *)164;
static long (*const loop)(u32 count, void *callback, void *context, u64 flags) = (void *)181;

#endif
