// helpers.h: the functions behind helper ids. Each file of this folder offers one table.
//
// A helper trusts its arguments as far as their prototype goes (helpers.def): the verifier has proved them, or the checked interpreter has
// just checked them. What no prototype says (flags, indices, strings behind a number) a helper checks itself.
#ifndef PST_CORE_HELPER_HELPERS_H
#define PST_CORE_HELPER_HELPERS_H

#include "catalog/contexts.h"
#include "core/internal.h"

typedef struct helper_row {
    int32_t id; // Linux's
    pst_helper_fn fn;
} helper_row;

typedef struct helper_table {
    const helper_row *rows;
    uint32_t count;
} helper_table;

// General ones: every program type that the catalog allows them to.
extern const helper_table helper_map_table, helper_system_table, helper_text_table, helper_ring_table, helper_sum_table, helper_callback_table,
    helper_dynptr_table, helper_lock_table, helper_timer_table;
// Of one kind of context.
extern const helper_table helper_xdp_table, helper_skb_table;

#define HELPER(name) static uint64_t name(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5, pst_run *run)

/// A negative errno as a helper returns it.
PST_INLINE uint64_t helper_error(int error)
{
    return (uint64_t)(int64_t)-error;
}
PST_INLINE uint64_t helper_result(int result)
{
    return (uint64_t)(int64_t)result;
}

#define HELPER_POINTER(type, value) ((type)(uintptr_t)(value))

/// Sum of 16-bit words in ones' complement, 32 bits, not folded.
uint32_t helper_csum(const void *bytes, uint32_t size, uint32_t seed);
uint32_t helper_csum_add(uint32_t a, uint32_t b);
uint16_t helper_csum_fold(uint32_t sum); // folded to 16 bits, not complemented

/// Linux's format language of bpf_trace_printk: writes at most capacity bytes, NUL included, and returns the full length without it, or
/// -PST_EINVAL for what the language does not have or when arguments are missing. fmt has fmt_size bytes, NUL included.
int64_t helper_format(const pst_run *run, char *out, size_t capacity, const char *fmt, uint32_t fmt_size, const uint64_t *args,
                      uint32_t arg_count);

#endif
