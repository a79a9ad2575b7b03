// control_flow.bpf.c: maps of maps, tail calls, callbacks, timers, locks, pinned maps.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct inner {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} first SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 2);
    __type(key, __u32);
    __array(values, struct inner);
} outer SEC(".maps") = {.values = {&first}};

int next_step(struct xdp_md *ctx);

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 2);
    __uint(key_size, sizeof(__u32));
    __array(values, int(void *));
} steps SEC(".maps") = {.values = {[1] = (void *)&next_step}};

struct element {
    struct bpf_spin_lock lock;
    struct bpf_timer timer;
    __u64 count;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(pinning, LIBBPF_PIN_BY_NAME);
    __type(key, __u32);
    __type(value, struct element);
} elements SEC(".maps");

static int add_index(__u32 index, void *data)
{
    *(__u64 *)data += index;
    return 0;
}

static int on_timer(void *map, __u32 *key, struct element *element)
{
    bpf_spin_lock(&element->lock);
    element->count++;
    bpf_spin_unlock(&element->lock);
    return 0;
}

SEC("xdp")
int next_step(struct xdp_md *ctx)
{
    int i, odd = 0;
    bpf_for(i, 0, 10) odd += i & 1;
    bpf_repeat(3) odd++;
    return odd ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int control_flow(struct xdp_md *ctx)
{
    __u32 zero = 0;
    __u64 sum = 0;
    char text[32];
    void *map = bpf_map_lookup_elem(&outer, &zero);
    __u32 *value = map ? bpf_map_lookup_elem(map, &zero) : NULL;
    struct element *element = bpf_map_lookup_elem(&elements, &zero);
    bpf_loop(100, add_index, &sum, 0);
    if (element) {
        bpf_timer_init(&element->timer, &elements, 1);
        bpf_timer_set_callback(&element->timer, on_timer);
        bpf_timer_start(&element->timer, 1000, 0);
    }
    BPF_SNPRINTF(text, sizeof(text), "%d %d", value ? *value : 0, 5);
    barrier();
    barrier_var(sum);
    bpf_tail_call_static(ctx, &steps, 1);
    bpf_tail_call(ctx, &steps, sum & 1);
    return XDP_ABORTED;
}
