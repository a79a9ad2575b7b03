// api.bpf.c: the object that tests of the library and of `postern` load. Its compiled form is committed beside it, so that the tests
// need no clang (they run under Wine too). Made by: clang -g -O2 -target bpf -nostdinc -I include/bpf/uapi -I include -ffile-prefix-map=... -c api.bpf.c -o api.bpf.o && llvm-strip -g api.bpf.o
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct event {
    __u32 length;
    __u16 port;
    char tag[10];
};
struct event *unused_event; // brings the type into the object's BTF

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 65536);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, sizeof(int));
    __uint(value_size, sizeof(int));
} perf_events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16);
    __type(key, __u32);
    __type(value, __u32);
} blocked SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8);
    __type(key, __u32);
    __type(value, __u64);
    __uint(pinning, LIBBPF_PIN_BY_NAME);
} pinned SEC(".maps");

struct inner {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} inner_one SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 2);
    __type(key, __u32);
    __array(values, struct inner);
} outer SEC(".maps") = {.values = {[1] = &inner_one}};

int tail_target(struct xdp_md *ctx);
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 2);
    __uint(key_size, sizeof(__u32));
    __array(values, int(struct xdp_md *));
} jumps SEC(".maps") = {.values = {[1] = &tail_target}};

const volatile __u16 port = 53;
volatile __u32 seen;
volatile int limit = 7;

SEC("xdp") int count(struct xdp_md *ctx)
{
    unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    __u32 key = 1, address = 1;
    __u64 *counter = bpf_map_lookup_elem(&counts, &key);
    seen++;
    if (counter) *counter += 1;
    struct event *e = bpf_ringbuf_reserve(&events, sizeof *e, 0);
    if (e) {
        *e = (struct event){.length = (__u32)(end - data), .port = port, .tag = "ring"};
        bpf_ringbuf_submit(e, 0);
    }
    if (bpf_map_lookup_elem(&blocked, &address)) return XDP_DROP;
    if (data + 14 > end) return XDP_ABORTED;
    data[0] = 0xaa;
    return XDP_PASS;
}

SEC("xdp") int perf(struct xdp_md *ctx)
{
    struct event e = {.length = 3, .port = port, .tag = "perf"};
    bpf_perf_event_output(ctx, &perf_events, BPF_F_CURRENT_CPU, &e, sizeof e);
    bpf_printk("limit %d", limit);
    return XDP_TX;
}

SEC("?xdp") int slow(struct xdp_md *ctx)
{
    for (int i = 0; i < 100000; i++) asm volatile("" ::: "memory"); // where a budget ends: tests name the line
    return XDP_PASS;
}

SEC("xdp") int tail_target(struct xdp_md *ctx)
{
    return XDP_REDIRECT;
}

SEC("xdp") int tail_caller(struct xdp_md *ctx)
{
    bpf_tail_call(ctx, &jumps, 1);
    return XDP_ABORTED;
}

SEC("?xdp") int unsafe(struct xdp_md *ctx)
{
    return *(volatile __u8 *)((void *)(long)ctx->data + 13); // no bounds check: tests name the line
}

SEC("?xdp") int not_loaded(struct xdp_md *ctx)
{
    return XDP_PASS;
}

SEC("tc") int classify(struct __sk_buff *skb)
{
    return (int)skb->len;
}

SEC("kprobe/do_unlinkat") int traced(void *ctx)
{
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
