// core_fields.bpf.c: CO-RE relocations of fields: nesting, arrays, anonymous members, bit fields, flavors, sizes, what does not exist.
//
// The declarations are ours and differ from the kernel's on purpose: order, members left out, other names around them.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define RELO __attribute__((preserve_access_index))
enum { BYTE_OFFSET = 0, BYTE_SIZE = 1, EXISTS = 2, SIGNED = 3, LSHIFT_U64 = 4, RSHIFT_U64 = 5 };
#define INFO(field, kind) __builtin_preserve_field_info(field, kind)

struct list_head {
    struct list_head *prev, *next;
} RELO;

struct nsproxy {
    void *mnt_ns;
    int no_such_member;
} RELO;

struct signal_struct {
    u32 flags;
    int group_exit_code;
} RELO;

struct task_struct {
    int tgid;
    int pid;
    char comm[16];
    struct task_struct *real_parent;
    struct list_head tasks;
    struct nsproxy *nsproxy;
    struct signal_struct *signal;
    unsigned in_execve : 1;
    unsigned sched_reset_on_fork : 1;
    u64 start_time;
    int normal_prio;
} RELO;

struct task_struct___renamed {
    long no_such_state;
    long exit_state; // int in the kernel: signed, of another size
} RELO;

struct task_struct___wide {
    u64 flags; // u32 in the kernel: unsigned, of another size
} RELO;

struct sk_buff {
    u32 len, data_len;
    u8 cloned : 1, nohdr : 1, pkt_type : 3;
    u8 ip_summed : 2;
    u16 queue_mapping;
    unsigned char *head, *data;
    union {
        u32 mark;
        u32 reserved_tailroom;
    };
    u32 hash;
} RELO;

struct sock_common {
    u16 skc_family;
    volatile u8 skc_state;
    struct { // anonymous in the kernel too, but inside of a union
        u32 skc_daddr;
        u32 skc_rcv_saddr;
    };
    unsigned skc_reuse : 4;
} RELO;

struct sock {
    struct sock_common __sk_common;
    int sk_rcvbuf;
} RELO;

SEC("raw_tp/offsets") int offsets(void *ctx)
{
    struct task_struct *t = ctx;
    struct sock *sk = ctx;
    u64 sum = 0;
    sum += (u64)&t->pid + (u64)&t->tgid + (u64)&t->comm + (u64)&t->comm[5] + (u64)&t->real_parent + (u64)&t->tasks.next;
    sum += (u64)&t->signal->group_exit_code + (u64)&t[2].start_time;
    sum += (u64)&sk->__sk_common.skc_family + (u64)&sk->__sk_common.skc_daddr + (u64)&sk->__sk_common.skc_rcv_saddr + (u64)&sk->sk_rcvbuf;
    return (int)sum;
}

SEC("tp_btf/loads") int loads(u64 *ctx)
{
    struct sk_buff *skb = (void *)ctx[0];
    struct task_struct *t = (void *)ctx[1];
    struct task_struct___wide *wide = (void *)t;
    struct task_struct___renamed *renamed = (void *)t;
    struct sock *sk = (void *)ctx[2];
    u64 sum = skb->len + skb->data_len + skb->queue_mapping + skb->mark + skb->hash + (u64)skb->data + t->pid + t->start_time;
    sum += sk->__sk_common.skc_state + sk->__sk_common.skc_daddr;
    sum += wide->flags;           // narrowed
    sum += renamed->exit_state;   // cannot be: poisoned
    sum += renamed->no_such_state; // poisoned
    skb->mark = 7;
    skb->hash = (u32)sum;
    return (int)sum;
}

#define ALL(field) (INFO(field, BYTE_OFFSET) + INFO(field, BYTE_SIZE) + INFO(field, EXISTS) + INFO(field, SIGNED) + \
                    INFO(field, LSHIFT_U64) + INFO(field, RSHIFT_U64))

// clang asks no sign or shift of a pointer.
#define PLACE(field) (INFO(field, BYTE_OFFSET) + INFO(field, BYTE_SIZE) + INFO(field, EXISTS))

SEC("raw_tp/infos") int infos(void *ctx)
{
    struct task_struct *t = ctx;
    struct sk_buff *skb = ctx;
    struct sock *sk = ctx;
    u32 sum = 0;
    sum += ALL(t->pid) + ALL(t->in_execve) + ALL(t->sched_reset_on_fork) + ALL(t->start_time) + PLACE(t->real_parent) + ALL(t->normal_prio);
    sum += ALL(skb->cloned) + ALL(skb->nohdr) + ALL(skb->pkt_type) + ALL(skb->ip_summed) + ALL(skb->mark) + ALL(skb->reserved_tailroom);
    sum += ALL(sk->__sk_common.skc_reuse) + ALL(sk->__sk_common.skc_state);
    sum += INFO(t->comm, BYTE_SIZE) + INFO(t->comm, EXISTS);
    return (int)sum;
}

SEC("raw_tp/absent") int absent(void *ctx)
{
    struct task_struct___renamed *renamed = ctx;
    struct nsproxy *ns = ctx;
    int sum = 0;
    if (INFO(renamed->no_such_state, EXISTS)) sum += INFO(renamed->no_such_state, BYTE_OFFSET);
    if (INFO(ns->no_such_member, EXISTS)) sum += ns->no_such_member;
    if (INFO(renamed->exit_state, EXISTS)) sum++;
    return sum;
}

char _license[] SEC("license") = "GPL";
