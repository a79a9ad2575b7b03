// bpf_core_read.h: reads of kernel structures whose layout is found out at load (CO-RE).
//
// The compiler records each access under __builtin_preserve_access_index; the loader matches it with the types of the host that the
// program is loaded on, and patches offsets and sizes. Include it after "vmlinux.h" and bpf_helpers.h. The names are libbpf's.
#ifndef POSTERN_BPF_CORE_READ_H
#define POSTERN_BPF_CORE_READ_H

#include "bpf_helpers.h"

// What to ask about a field, a type, an enumerator: numbers that compiler and loader share.
enum bpf_field_info_kind {
    BPF_FIELD_BYTE_OFFSET = 0,
    BPF_FIELD_BYTE_SIZE = 1,
    BPF_FIELD_EXISTS = 2,
    BPF_FIELD_SIGNED = 3,
    BPF_FIELD_LSHIFT_U64 = 4,
    BPF_FIELD_RSHIFT_U64 = 5,
};
enum bpf_type_id_kind { BPF_TYPE_ID_LOCAL = 0, BPF_TYPE_ID_TARGET = 1 };
enum bpf_type_info_kind { BPF_TYPE_EXISTS = 0, BPF_TYPE_SIZE = 1, BPF_TYPE_MATCHES = 2 };
enum bpf_enum_value_kind { BPF_ENUMVAL_EXISTS = 0, BPF_ENUMVAL_VALUE = 1 };

// A field is written as an expression (task->pid) or as a type and a field (struct task_struct, pid).
#define PST_FIELD1(access) access
#define PST_FIELD2(type, field) ((typeof(type) *)0)->field
#define PST_FIELD(...) PST_BY_COUNT(PST_FIELD, __VA_ARGS__)(__VA_ARGS__)

#define bpf_core_field_exists(...) __builtin_preserve_field_info(PST_FIELD(__VA_ARGS__), BPF_FIELD_EXISTS)
#define bpf_core_field_size(...) __builtin_preserve_field_info(PST_FIELD(__VA_ARGS__), BPF_FIELD_BYTE_SIZE)
#define bpf_core_field_offset(...) __builtin_preserve_field_info(PST_FIELD(__VA_ARGS__), BPF_FIELD_BYTE_OFFSET)

#define bpf_core_type_id_local(type) __builtin_btf_type_id(*(typeof(type) *)0, BPF_TYPE_ID_LOCAL)
#define bpf_core_type_id_kernel(type) __builtin_btf_type_id(*(typeof(type) *)0, BPF_TYPE_ID_TARGET)
#define bpf_core_type_exists(type) __builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_EXISTS)
#define bpf_core_type_size(type) __builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_SIZE)
#define bpf_core_type_matches(type) __builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_MATCHES)
// (value without parentheses: the builtin wants the enumerator itself.)
#define bpf_core_enum_value_exists(type, value) __builtin_preserve_enum_value(*(typeof(type) *)value, BPF_ENUMVAL_EXISTS)
#define bpf_core_enum_value(type, value) __builtin_preserve_enum_value(*(typeof(type) *)value, BPF_ENUMVAL_VALUE)

extern void *bpf_rdonly_cast(const void *obj, unsigned btf_id) __ksym __weak;
/// ptr as a pointer to type that may only be read, and whose reads may fault into zeros.
#define bpf_core_cast(ptr, type) ((typeof(type) *)bpf_rdonly_cast((ptr), bpf_core_type_id_kernel(type)))

/// Copies size bytes from src, an address inside a kernel (or with _user: a user's) structure; _str: up to a NUL.
#define bpf_core_read(dst, size, src) bpf_probe_read_kernel(dst, size, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_user(dst, size, src) bpf_probe_read_user(dst, size, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_str(dst, size, src) bpf_probe_read_kernel_str(dst, size, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_user_str(dst, size, src) bpf_probe_read_user_str(dst, size, (const void *)__builtin_preserve_access_index(src))

// The address of a field, relocated (CORE) or as compiled (PLAIN).
#define PST_ADDRESS_CORE(field) ((const void *)__builtin_preserve_access_index(&field))
#define PST_ADDRESS_PLAIN(field) ((const void *)&field)

// One step of a chain: the value of src->field, read by read. Each step has names of its own scope, so steps nest.
#define PST_STEP(read, address, src, field)                                  \
    ({                                                                       \
        __auto_type pst_p = (src);                                           \
        typeof(pst_p->field) pst_v;                                          \
        read((void *)&pst_v, sizeof(pst_v), PST_ADDRESS_##address(pst_p->field)); \
        pst_v;                                                               \
    })
// The last step, into *dst, by another function (for strings).
#define PST_LAST(read, address, dst, src, field)                                            \
    ({                                                                                      \
        __auto_type pst_p = (src);                                                          \
        read((void *)(dst), sizeof(*(dst)), PST_ADDRESS_##address(pst_p->field));           \
    })

// src->a->b->..., by the number of fields.
#define PST_CHAIN0(read, address, src) (src)
#define PST_CHAIN1(read, address, src, a) PST_STEP(read, address, src, a)
#define PST_CHAIN2(read, address, src, a, b) PST_STEP(read, address, PST_CHAIN1(read, address, src, a), b)
#define PST_CHAIN3(read, address, src, a, b, c) PST_STEP(read, address, PST_CHAIN2(read, address, src, a, b), c)
#define PST_CHAIN4(read, address, src, a, b, c, d) PST_STEP(read, address, PST_CHAIN3(read, address, src, a, b, c), d)
#define PST_CHAIN5(read, address, src, a, b, c, d, e) PST_STEP(read, address, PST_CHAIN4(read, address, src, a, b, c, d), e)
#define PST_CHAIN6(read, address, src, a, b, c, d, e, f) PST_STEP(read, address, PST_CHAIN5(read, address, src, a, b, c, d, e), f)
#define PST_CHAIN7(read, address, src, a, b, c, d, e, f, g) PST_STEP(read, address, PST_CHAIN6(read, address, src, a, b, c, d, e, f), g)
#define PST_CHAIN8(read, address, src, a, b, c, d, e, f, g, h) PST_STEP(read, address, PST_CHAIN7(read, address, src, a, b, c, d, e, f, g), h)
#define PST_CHAIN9(read, address, src, a, b, c, d, e, f, g, h, i) PST_STEP(read, address, PST_CHAIN8(read, address, src, a, b, c, d, e, f, g, h), i)

// As above, the last field by read_last into *dst.
#define PST_INTO1(read, read_last, address, dst, src, a) PST_LAST(read_last, address, dst, PST_CHAIN0(read, address, src), a)
#define PST_INTO2(read, read_last, address, dst, src, a, b) PST_LAST(read_last, address, dst, PST_CHAIN1(read, address, src, a), b)
#define PST_INTO3(read, read_last, address, dst, src, a, b, c) PST_LAST(read_last, address, dst, PST_CHAIN2(read, address, src, a, b), c)
#define PST_INTO4(read, read_last, address, dst, src, a, b, c, d) PST_LAST(read_last, address, dst, PST_CHAIN3(read, address, src, a, b, c), d)
#define PST_INTO5(read, read_last, address, dst, src, a, b, c, d, e) PST_LAST(read_last, address, dst, PST_CHAIN4(read, address, src, a, b, c, d), e)
#define PST_INTO6(read, read_last, address, dst, src, a, b, c, d, e, f) PST_LAST(read_last, address, dst, PST_CHAIN5(read, address, src, a, b, c, d, e), f)
#define PST_INTO7(read, read_last, address, dst, src, a, b, c, d, e, f, g) PST_LAST(read_last, address, dst, PST_CHAIN6(read, address, src, a, b, c, d, e, f), g)
#define PST_INTO8(read, read_last, address, dst, src, a, b, c, d, e, f, g, h) PST_LAST(read_last, address, dst, PST_CHAIN7(read, address, src, a, b, c, d, e, f, g), h)
#define PST_INTO9(read, read_last, address, dst, src, a, b, c, d, e, f, g, h, i) PST_LAST(read_last, address, dst, PST_CHAIN8(read, address, src, a, b, c, d, e, f, g, h), i)

/// BPF_CORE_READ(task, mm, exe_file, f_inode): the value of task->mm->exe_file->f_inode, each pointer read safely (a failed read gives
/// zeros). _INTO writes to *dst and returns 0 or a negative error; _STR_INTO reads a string; _USER reads a user's memory; PROBE in
/// place of CORE leaves offsets as compiled.
#define BPF_CORE_READ(src, ...) PST_BY_COUNT(PST_CHAIN, __VA_ARGS__)(bpf_probe_read_kernel, CORE, src, __VA_ARGS__)
#define BPF_CORE_READ_INTO(dst, src, ...) PST_BY_COUNT(PST_INTO, __VA_ARGS__)(bpf_probe_read_kernel, bpf_probe_read_kernel, CORE, dst, src, __VA_ARGS__)
#define BPF_CORE_READ_STR_INTO(dst, src, ...) PST_BY_COUNT(PST_INTO, __VA_ARGS__)(bpf_probe_read_kernel, bpf_probe_read_kernel_str, CORE, dst, src, __VA_ARGS__)
#define BPF_CORE_READ_USER(src, ...) PST_BY_COUNT(PST_CHAIN, __VA_ARGS__)(bpf_probe_read_user, CORE, src, __VA_ARGS__)
#define BPF_CORE_READ_USER_INTO(dst, src, ...) PST_BY_COUNT(PST_INTO, __VA_ARGS__)(bpf_probe_read_user, bpf_probe_read_user, CORE, dst, src, __VA_ARGS__)
#define BPF_CORE_READ_USER_STR_INTO(dst, src, ...) PST_BY_COUNT(PST_INTO, __VA_ARGS__)(bpf_probe_read_user, bpf_probe_read_user_str, CORE, dst, src, __VA_ARGS__)
#define BPF_PROBE_READ(src, ...) PST_BY_COUNT(PST_CHAIN, __VA_ARGS__)(bpf_probe_read_kernel, PLAIN, src, __VA_ARGS__)
#define BPF_PROBE_READ_INTO(dst, src, ...) PST_BY_COUNT(PST_INTO, __VA_ARGS__)(bpf_probe_read_kernel, bpf_probe_read_kernel, PLAIN, dst, src, __VA_ARGS__)
#define BPF_PROBE_READ_STR_INTO(dst, src, ...) PST_BY_COUNT(PST_INTO, __VA_ARGS__)(bpf_probe_read_kernel, bpf_probe_read_kernel_str, PLAIN, dst, src, __VA_ARGS__)
#define BPF_PROBE_READ_USER(src, ...) PST_BY_COUNT(PST_CHAIN, __VA_ARGS__)(bpf_probe_read_user, PLAIN, src, __VA_ARGS__)
#define BPF_PROBE_READ_USER_INTO(dst, src, ...) PST_BY_COUNT(PST_INTO, __VA_ARGS__)(bpf_probe_read_user, bpf_probe_read_user, PLAIN, dst, src, __VA_ARGS__)
#define BPF_PROBE_READ_USER_STR_INTO(dst, src, ...) PST_BY_COUNT(PST_INTO, __VA_ARGS__)(bpf_probe_read_user, bpf_probe_read_user_str, PLAIN, dst, src, __VA_ARGS__)

// The bytes that hold a bit field, read as one number, then the field moved to the top and back down with its sign.
#define PST_BITS(word, src, field)                                                                         \
    ({                                                                                                     \
        unsigned long long pst_bits = (word);                                                              \
        pst_bits <<= __builtin_preserve_field_info((src)->field, BPF_FIELD_LSHIFT_U64);                    \
        unsigned pst_shift = __builtin_preserve_field_info((src)->field, BPF_FIELD_RSHIFT_U64);            \
        __builtin_preserve_field_info((src)->field, BPF_FIELD_SIGNED)                                      \
            ? (unsigned long long)((long long)pst_bits >> pst_shift)                                       \
            : pst_bits >> pst_shift;                                                                       \
    })
#define PST_BITS_ADDRESS(src, field) ((const char *)(src) + __builtin_preserve_field_info((src)->field, BPF_FIELD_BYTE_OFFSET))

/// The value of a bit field (or any integer field): through the probe helper, or directly where the program may read *src.
#define BPF_CORE_READ_BITFIELD_PROBED(src, field)                                                                                   \
    ({                                                                                                                              \
        unsigned long long pst_word = 0;                                                                                            \
        bpf_probe_read_kernel(&pst_word, __builtin_preserve_field_info((src)->field, BPF_FIELD_BYTE_SIZE), PST_BITS_ADDRESS(src, field)); \
        PST_BITS(pst_word, src, field);                                                                                             \
    })
#define BPF_CORE_READ_BITFIELD(src, field)                                                                                 \
    ({                                                                                                                     \
        const void *pst_at = PST_BITS_ADDRESS(src, field);                                                                 \
        unsigned long long pst_word = 0;                                                                                   \
        barrier_var(pst_at);                                                                                               \
        switch (__builtin_preserve_field_info((src)->field, BPF_FIELD_BYTE_SIZE)) {                                        \
        case 1: pst_word = *(const unsigned char *)pst_at; break;                                                          \
        case 2: pst_word = *(const unsigned short *)pst_at; break;                                                         \
        case 4: pst_word = *(const unsigned *)pst_at; break;                                                               \
        case 8: pst_word = *(const unsigned long long *)pst_at; break;                                                     \
        }                                                                                                                  \
        PST_BITS(pst_word, src, field);                                                                                    \
    })

#endif
