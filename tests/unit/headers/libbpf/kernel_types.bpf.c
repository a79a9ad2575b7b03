// kernel_types.bpf.c: kfuncs, weak symbols, tags on arguments, Postern's own sample type.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_sample.h>

struct task_struct;
extern struct task_struct *bpf_task_from_pid(__s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;
extern void bpf_rcu_read_lock(void) __weak __ksym;
extern const int runqueues __weak __ksym;

struct holder {
    struct task_struct __kptr *task;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, int);
    __type(value, struct holder);
} holders SEC(".maps");

__weak int checked(struct __sk_buff *ctx __arg_ctx, int *value __arg_nonnull)
{
    return ctx->len + *value;
}

__hidden int hidden(int x)
{
    return x + 1;
}

SEC("tc")
int kernel_types(struct __sk_buff *skb)
{
    int five = 5;
    struct task_struct *task = bpf_task_from_pid(1);
    if (task) bpf_task_release(task);
    if (bpf_ksym_exists(bpf_rcu_read_lock)) five++;
    if (&runqueues) five++;
    return checked(skb, &five) + hidden(five);
}

SEC("sample")
int on_sample(struct sample_md *ctx)
{
    ctx->u8_rw = (__u8)bpf_sample_sum(ctx, &(__u32){7}, 4);
    return ctx->u32_ro & 0xff;
}
