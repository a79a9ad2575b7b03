// bpf_helper_defs.h: the helpers that eBPF for Windows has and Linux has not, after those that both have.
//
// Ids of general ones are 0x20000 plus their number there. Whether a host provides them: `postern show helpers`.
#ifndef POSTERN_EBPF_HELPER_DEFS_H
#define POSTERN_EBPF_HELPER_DEFS_H

#include "ebpf_structs.h" // the types come first

#include "../bpf_helper_defs.h"

// How extensions declare their helpers: a type name_t, which a macro of the helper's name applies to its id.
#ifndef EBPF_HELPER
#define EBPF_HELPER(result, name, args) typedef result(*const name##_t) args
#endif

#define PST_WINDOWS_HELPER(number, result, name, args)                                    \
    enum { BPF_FUNC_##name = 0x20000 + (number) };                                        \
    static result (*const bpf_##name) args = (void *)(unsigned long)(0x20000 + (number))

PST_WINDOWS_HELPER(4, void *, map_lookup_and_delete_elem, (void *map, const void *key));
PST_WINDOWS_HELPER(20, uint64_t, get_current_logon_id, (const void *ctx));
PST_WINDOWS_HELPER(21, int32_t, is_current_admin, (const void *ctx));
PST_WINDOWS_HELPER(22, long, memcpy_s, (void *to, size_t to_size, const void *from, size_t from_size));
PST_WINDOWS_HELPER(23, int, memcmp_s, (const void *a, size_t a_size, const void *b, size_t b_size));
PST_WINDOWS_HELPER(24, long, memset, (void *memory, size_t size, int value));
PST_WINDOWS_HELPER(25, long, memmove_s, (void *to, size_t to_size, const void *from, size_t from_size));
PST_WINDOWS_HELPER(27, int, strncpy_s, (char *to, size_t to_size, const char *from, size_t count));
PST_WINDOWS_HELPER(28, int, strncat_s, (char *to, size_t to_size, const char *from, size_t count));
PST_WINDOWS_HELPER(29, size_t, strnlen_s, (const char *text, size_t size));
PST_WINDOWS_HELPER(33, uint64_t, get_current_process_start_key, (void));
PST_WINDOWS_HELPER(34, int64_t, get_current_thread_create_time, (void));

#undef PST_WINDOWS_HELPER

// Time in milliseconds needs no helper of its own.
#define bpf_ktime_get_ms() (bpf_ktime_get_ns() / 1000000)
#define bpf_ktime_get_boot_ms() (bpf_ktime_get_boot_ns() / 1000000)

// Constant sizes become loads and stores; others go to the helpers. The result is the helper's: 0 or a negative error; memset's
// is the address.
#define PST_BY_SIZE(size, inlined, called)                      \
    ({                                                          \
        long pst_result;                                        \
        if (__builtin_constant_p(size)) pst_result = (inlined); \
        else pst_result = (called);                             \
        pst_result;                                             \
    })
#define memcpy(to, from, size) PST_BY_SIZE(size, (__builtin_memcpy(to, from, size), 0L), bpf_memcpy_s(to, size, from, size))
#define memmove(to, from, size) PST_BY_SIZE(size, (__builtin_memmove(to, from, size), 0L), bpf_memmove_s(to, size, from, size))
#define memset(memory, value, size) \
    PST_BY_SIZE(size, (long)__builtin_memset(memory, value, size), bpf_memset(memory, size, value))
#define memcmp(a, b, size) bpf_memcmp_s((a), (size), (b), (size))
#define memcpy_s bpf_memcpy_s
#define memmove_s bpf_memmove_s

#endif
