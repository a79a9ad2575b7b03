// sample_ext_helpers.h: eBPF for Windows' sample extension: its context over that of Postern's sample type (../bpf_sample.h).
//
// Its helpers have ids of their own; hosts of Postern do not provide them.
#ifndef POSTERN_SAMPLE_EXT_HELPERS_H
#define POSTERN_SAMPLE_EXT_HELPERS_H

#include <stddef.h>
#include <stdint.h>

typedef struct _sample_program_context {
    uint8_t *data_start, *data_end;
    uint64_t : 64;
    uint32_t helper_data_1, helper_data_2;
    uint32_t uint32_data;
    uint16_t uint16_data;
} sample_program_context_t;

#define SAMPLE_EXT_HELPER_FN_BASE 0x20300
#define PST_SAMPLE_HELPER(number, result, name, args) \
    static result (*const name) args = (void *)(unsigned long)(SAMPLE_EXT_HELPER_FN_BASE + (number))

PST_SAMPLE_HELPER(1, int64_t, sample_ebpf_extension_helper_function1, (sample_program_context_t *context));
PST_SAMPLE_HELPER(2, int64_t, sample_ebpf_extension_find, (void *buffer, size_t size, void *find, size_t find_size));
PST_SAMPLE_HELPER(3, int64_t, sample_ebpf_extension_replace,
                  (void *buffer, size_t size, int64_t position, void *replace, size_t replace_size));
PST_SAMPLE_HELPER(4, int64_t, sample_ebpf_extension_helper_implicit_1, (void));
PST_SAMPLE_HELPER(5, int64_t, sample_ebpf_extension_helper_implicit_2, (uint32_t arg));
PST_SAMPLE_HELPER(6, void *, sample_ext_helper_map_lookup_element, (void *map, const void *key));
PST_SAMPLE_HELPER(7, int64_t, sample_ext_helper_map_get_value, (void *map, const void *key, uint8_t *value, size_t value_size));

#undef PST_SAMPLE_HELPER

// A function that the sample provider exports by name.
extern int sample_ebpf_extension_btf_lookup(uint64_t key, void *value, uint32_t value_size) __attribute__((section(".ksyms")))
__attribute__((btf_decl_tag("module_id:{8f6c1f83-ce4c-4b58-8b91-654a29e23b7c}")));

#endif
