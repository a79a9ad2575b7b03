// sample_every_field.bpf.c: touches each field of the sample type in each way that is allowed, and calls its helpers.
//
// Result: the low byte of the sum of the packet's first bytes; -1 when the packet is shorter than that.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_sample.h>

#define SUMMED 8

struct seen {
    __u64 u64_rw, u64_ro;
    __u32 u32_rw, u32_ro;
    __u16 u16_rw;
    __u8 u8_rw;
    __u8 meta_bytes;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __type(key, __u32);
    __type(value, struct seen);
    __uint(max_entries, 1);
} seen SEC(".maps");

SEC("sample")
int sample_every_field(struct sample_md *ctx)
{
    unsigned char *data = ctx->data, *end = ctx->data_end, *meta = ctx->data_meta;
    __u32 zero = 0;
    struct seen *out = bpf_map_lookup_elem(&seen, &zero);
    if (!out) return -1;
    out->u64_rw = ctx->u64_rw;
    out->u64_ro = ctx->u64_ro;
    out->u32_rw = ctx->u32_rw;
    out->u32_ro = ctx->u32_ro;
    out->u16_rw = ctx->u16_rw;
    out->u8_rw = ctx->u8_rw;
    out->meta_bytes = meta + 1 <= data ? meta[0] : 0;

    ctx->u64_rw = out->u64_rw + 1;
    ctx->u32_rw = out->u32_rw + 1;
    ctx->u16_rw = out->u16_rw + 1;
    ctx->u8_rw = out->u8_rw + 1;

    if (data + SUMMED > end) return -1;
    __u8 filled[SUMMED] = {0};
    bpf_sample_fill(filled, sizeof(filled), 1);
    data[0] += filled[0];
    return bpf_sample_sum(ctx, data, SUMMED) & 0xff;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
