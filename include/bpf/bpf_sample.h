// bpf_sample.h: the context and helpers of Postern's sample program type: SEC("sample").
//
// The type has a field of each kind and no effect on the host: for tests, examples, and a first extension of one's own. The layout is
// the descriptor's in src/catalog/types_sample.c. Include it after <linux/bpf.h> or "vmlinux.h".
#ifndef POSTERN_BPF_SAMPLE_H
#define POSTERN_BPF_SAMPLE_H

struct sample_md {
    void *data, *data_end, *data_meta; // a packet
    __u64 u64_rw;                      // any part may be written
    __u32 u32_rw;                      // written as a whole, as the two below
    __u16 u16_rw;
    __u8 u8_rw;
    __u8 : 8; // no access
    __u32 u32_ro;
    __u32 : 32; // no access
    __u64 u64_ro;
    void *opaque; // a pointer that programs cannot follow
};

_Static_assert(__builtin_offsetof(struct sample_md, u64_ro) == 48 && sizeof(struct sample_md) == 64, "the descriptor's layout");

/// The sum of size bytes; and size bytes set to value.
static long (*const bpf_sample_sum)(struct sample_md *ctx, const void *bytes, __u32 size) = (void *)0x10001;
static long (*const bpf_sample_fill)(void *bytes, __u32 size, __u64 value) = (void *)0x10002;

#endif
