// bpf_helpers.h: what an eBPF program needs besides its types: sections, map declarations, helper functions.
//
// Include it after <linux/bpf.h> or "vmlinux.h", which have the types; sources written for libbpf do so. Sources written for
// eBPF for Windows find a bpf_helpers.h of their own in the folder windows/ beside this file.
// The names are libbpf's; the ids behind them Linux's.
#ifndef POSTERN_BPF_HELPERS_H
#define POSTERN_BPF_HELPERS_H

#include "bpf_helper_defs.h"

// --- Maps and sections -------------------------------------------------------------------------------------------

// Fields of a map declaration (a struct in section ".maps"): BTF carries the number as the size of an array.
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name
#define __array(name, value) typeof(value) *name[]
#define __ulong(name, value) enum { PST_CONCAT(__unique_value, __COUNTER__) = value } name

#define PST_CONCAT_(a, b) a##b
#define PST_CONCAT(a, b) PST_CONCAT_(a, b)

// The section says the program type and where to attach: SEC("xdp"), SEC("cgroup/connect4"), SEC(".maps") and so on.
#define SEC(name) __attribute__((section(name), used))

// For the field "pinning" of a map.
enum libbpf_pin_type {
    LIBBPF_PIN_NONE,
    LIBBPF_PIN_BY_NAME, // under the pin folder, by the map's name
};

// --- Attributes --------------------------------------------------------------------------------------------------

// System headers may have some of these with other spellings of the same.
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
#ifndef __hidden
#define __hidden __attribute__((visibility("hidden"))) // a function that is verified with its callers
#endif

// Variables and functions that the loader resolves.
#define __kconfig __attribute__((section(".kconfig")))
#define __ksym __attribute__((section(".ksyms")))

enum libbpf_tristate { // a boolean or tristate option of .kconfig
    TRI_NO = 0,
    TRI_YES = 1,
    TRI_MODULE = 2,
};

// A weak kernel function or variable: is it there?
#define bpf_ksym_exists(symbol) (!!&(symbol))

// Tags that BTF carries to the verifier.
#define PST_TYPE_TAG(tag) __attribute__((btf_type_tag(tag)))
#define PST_DECL_TAG(tag) __attribute__((btf_decl_tag(tag)))
#define __kptr PST_TYPE_TAG("kptr")
#define __kptr_untrusted PST_TYPE_TAG("kptr_untrusted")
#define __percpu_kptr PST_TYPE_TAG("percpu_kptr")
#define __uptr PST_TYPE_TAG("uptr")
#define __arg_ctx PST_DECL_TAG("arg:ctx")
#define __arg_nonnull PST_DECL_TAG("arg:nonnull")
#define __arg_nullable PST_DECL_TAG("arg:nullable")
#define __arg_trusted PST_DECL_TAG("arg:trusted")
#define __arg_untrusted PST_DECL_TAG("arg:untrusted")
#define __arg_arena PST_DECL_TAG("arg:arena")

// --- Small things ------------------------------------------------------------------------------------------------

#ifndef NULL
#define NULL ((void *)0)
#endif
#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif
#undef container_of
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#ifndef KERNEL_VERSION
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
#endif

// The compiler keeps the order of memory accesses across barrier(), and knows nothing of x after barrier_var(x). The verifier
// sees the instructions that remain, so both help where an optimisation hides a bounds check.
#ifndef barrier
#define barrier() __asm__ volatile("" ::: "memory")
#endif
#ifndef barrier_var
#define barrier_var(x) __asm__ volatile("" : "+r"(x))
#endif

#ifndef __bpf_unreachable
#define __bpf_unreachable() __builtin_trap()
#endif

// A tail call whose index is a constant: the instruction names map and index in registers that nothing can merge.
static __always_inline void bpf_tail_call_static(void *ctx, const void *map, const unsigned slot)
{
    if (!__builtin_constant_p(slot)) __bpf_unreachable();
    __asm__ volatile("r1 = %[ctx]\n\t"
                     "r2 = %[map]\n\t"
                     "r3 = %[slot]\n\t"
                     "call 12"
                     :
                     : [ctx] "r"(ctx), [map] "r"(map), [slot] "i"(slot)
                     : "r0", "r1", "r2", "r3", "r4", "r5");
}

// --- Variable arguments ------------------------------------------------------------------------------------------

#define PST_NTH(_0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, n, ...) n
#define PST_ARG_COUNT(...) PST_NTH(_, ##__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define PST_BY_COUNT(name, ...) PST_CONCAT(name, PST_ARG_COUNT(__VA_ARGS__))

// libbpf's names of these, which headers made for it use (usdt.bpf.h and others).
#define ___bpf_concat(a, b) PST_CONCAT_(a, b)
#define ___bpf_apply(name, count) PST_CONCAT(name, count)
#define ___bpf_narg(...) PST_ARG_COUNT(__VA_ARGS__)

// Assigns the arguments to a[0], a[1], ...
#define PST_FILL0(a, n)
#define PST_FILL1(a, n, x) a[n] = (unsigned long long)(x);
#define PST_FILL2(a, n, x, ...) PST_FILL1(a, n, x) PST_FILL1(a, n + 1, __VA_ARGS__)
#define PST_FILL3(a, n, x, ...) PST_FILL1(a, n, x) PST_FILL2(a, n + 1, __VA_ARGS__)
#define PST_FILL4(a, n, x, ...) PST_FILL1(a, n, x) PST_FILL3(a, n + 1, __VA_ARGS__)
#define PST_FILL5(a, n, x, ...) PST_FILL1(a, n, x) PST_FILL4(a, n + 1, __VA_ARGS__)
#define PST_FILL6(a, n, x, ...) PST_FILL1(a, n, x) PST_FILL5(a, n + 1, __VA_ARGS__)
#define PST_FILL7(a, n, x, ...) PST_FILL1(a, n, x) PST_FILL6(a, n + 1, __VA_ARGS__)
#define PST_FILL8(a, n, x, ...) PST_FILL1(a, n, x) PST_FILL7(a, n + 1, __VA_ARGS__)
#define PST_FILL9(a, n, x, ...) PST_FILL1(a, n, x) PST_FILL8(a, n + 1, __VA_ARGS__)
#define PST_FILL10(a, n, x, ...) PST_FILL1(a, n, x) PST_FILL9(a, n + 1, __VA_ARGS__)
#define PST_FILL11(a, n, x, ...) PST_FILL1(a, n, x) PST_FILL10(a, n + 1, __VA_ARGS__)
#define PST_FILL12(a, n, x, ...) PST_FILL1(a, n, x) PST_FILL11(a, n + 1, __VA_ARGS__)

// Runs call with pst_fmt, pst_args and pst_args_size: a format in .rodata and its arguments in an array on the stack.
#define PST_WITH_ARGS(call, fmt, ...)                                                    \
    ({                                                                                   \
        static const char pst_fmt[] = fmt;                                               \
        unsigned long long pst_args[PST_ARG_COUNT(__VA_ARGS__) ?: 1];                    \
        const unsigned pst_args_size = PST_ARG_COUNT(__VA_ARGS__) * sizeof(pst_args[0]); \
        PST_BY_COUNT(PST_FILL, __VA_ARGS__)(pst_args, 0, ##__VA_ARGS__) call;            \
    })

/// Formats into the trace log: up to three arguments on any host (helper 6), up to twelve where helper 177 is.
#define bpf_printk(fmt, ...) PST_BY_COUNT(PST_PRINTK, __VA_ARGS__)(fmt, ##__VA_ARGS__)
#define PST_PRINTK_FEW(fmt, ...)                                   \
    ({                                                             \
        static const char pst_fmt[] = fmt;                         \
        bpf_trace_printk(pst_fmt, sizeof(pst_fmt), ##__VA_ARGS__); \
    })
#define PST_PRINTK_MANY(fmt, ...) \
    PST_WITH_ARGS(bpf_trace_vprintk(pst_fmt, sizeof(pst_fmt), pst_args, pst_args_size), fmt, ##__VA_ARGS__)
#define PST_PRINTK0(fmt) PST_PRINTK_FEW(fmt)
#define PST_PRINTK1(fmt, ...) PST_PRINTK_FEW(fmt, __VA_ARGS__)
#define PST_PRINTK2(fmt, ...) PST_PRINTK_FEW(fmt, __VA_ARGS__)
#define PST_PRINTK3(fmt, ...) PST_PRINTK_FEW(fmt, __VA_ARGS__)
#define PST_PRINTK4(fmt, ...) PST_PRINTK_MANY(fmt, __VA_ARGS__)
#define PST_PRINTK5(fmt, ...) PST_PRINTK_MANY(fmt, __VA_ARGS__)
#define PST_PRINTK6(fmt, ...) PST_PRINTK_MANY(fmt, __VA_ARGS__)
#define PST_PRINTK7(fmt, ...) PST_PRINTK_MANY(fmt, __VA_ARGS__)
#define PST_PRINTK8(fmt, ...) PST_PRINTK_MANY(fmt, __VA_ARGS__)
#define PST_PRINTK9(fmt, ...) PST_PRINTK_MANY(fmt, __VA_ARGS__)
#define PST_PRINTK10(fmt, ...) PST_PRINTK_MANY(fmt, __VA_ARGS__)
#define PST_PRINTK11(fmt, ...) PST_PRINTK_MANY(fmt, __VA_ARGS__)
#define PST_PRINTK12(fmt, ...) PST_PRINTK_MANY(fmt, __VA_ARGS__)

/// Formats into out (out_size bytes); into the output of an iterator.
#define BPF_SNPRINTF(out, out_size, fmt, ...) \
    PST_WITH_ARGS(bpf_snprintf(out, out_size, pst_fmt, pst_args, pst_args_size), fmt, ##__VA_ARGS__)
#define BPF_SEQ_PRINTF(seq, fmt, ...) \
    PST_WITH_ARGS(bpf_seq_printf(seq, pst_fmt, sizeof(pst_fmt), pst_args, pst_args_size), fmt, ##__VA_ARGS__)

// --- Loops over kernel iterators ---------------------------------------------------------------------------------

struct bpf_iter_num;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __weak __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __weak __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __weak __ksym;

/// for each item of the iterator that bpf_iter_<type>_new(&it, args...) makes. The iterator is destroyed at the loop's end, however it ends.
#define bpf_for_each(type, item, args...)                                                                                      \
    for (struct bpf_iter_##type pst_it __attribute__((aligned(8), cleanup(bpf_iter_##type##_destroy))),                        \
         *pst_it_ptr __attribute__((aligned(8), unused)) = (bpf_iter_##type##_new(&pst_it, ##args), (void *)0);                \
         ((item) = bpf_iter_##type##_next(&pst_it));)

/// for (i = start; i < end; i++), bounded by the kernel's number iterator; and the same count times without an index.
#define bpf_for(i, start, end)                                                                                          \
    for (struct bpf_iter_num pst_it __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))),                        \
         *pst_it_ptr __attribute__((aligned(8), unused)) = (bpf_iter_num_new(&pst_it, (start), (end)), (void *)0);     \
         ({                                                                                                            \
             int *pst_next = bpf_iter_num_next(&pst_it);                                                               \
             int pst_more = pst_next && ((i) = *pst_next, (i) >= (start) && (i) < (end));                              \
             pst_more;                                                                                                 \
         });)
#define bpf_repeat(count)                                                                                              \
    for (struct bpf_iter_num pst_it __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))),                        \
         *pst_it_ptr __attribute__((aligned(8), unused)) = (bpf_iter_num_new(&pst_it, 0, (count)), (void *)0);         \
         bpf_iter_num_next(&pst_it);)

#endif
