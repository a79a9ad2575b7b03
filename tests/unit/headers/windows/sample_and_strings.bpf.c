// sample_and_strings.bpf.c: the sample extension's context and helpers, string and memory helpers, queues, times.
#include "bpf_helpers.h"
#include "sample_ext_helpers.h"

struct {
    __uint(type, BPF_MAP_TYPE_QUEUE);
    __type(value, uint32_t);
    __uint(max_entries, 10);
} queue SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
    __type(key, uint32_t);
    __uint(max_entries, 10);
    __array(values, struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __type(key, uint32_t);
        __type(value, uint32_t);
        __uint(max_entries, 1);
    });
} outer SEC(".maps");

SEC("sample_ext")
int sample_and_strings(sample_program_context_t *ctx)
{
    char text[20] = {0}, word[6] = "alpha";
    uint32_t value = ctx->uint32_data;
    if (bpf_strncpy_s(text, sizeof(text), word, sizeof(word)) != 0) return -1;
    if (bpf_strncat_s(text, sizeof(text), word, sizeof(word)) != 0) return -2;
    if (bpf_strnlen_s(text, sizeof(text)) != 10) return -3;
    if (memcmp(text, word, 5) != 0 || memcpy_s(text, sizeof(text), word, sizeof(word)) < 0) return -4;
    bpf_map_push_elem(&queue, &value, 0);
    bpf_map_peek_elem(&queue, &value);
    bpf_map_pop_elem(&queue, &value);
    void *inner = bpf_map_lookup_elem(&outer, &value);
    if (inner) bpf_map_lookup_and_delete_elem(inner, &value);
    if (bpf_ktime_get_boot_ms() < bpf_ktime_get_ms()) return -5;
    if (ctx->data_start + 8 > ctx->data_end) return -6;
    return sample_ebpf_extension_helper_function1(ctx) + sample_ebpf_extension_find(ctx->data_start, 8, word, 5) +
           sample_ebpf_extension_btf_lookup(1, &value, sizeof(value));
}
