// core_types.bpf.c: CO-RE relocations of types and enumerators: ids, existence, size, values, and whether a declaration matches.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef _Bool bool;

#define SEC(name) __attribute__((section(name), used))
enum { TYPE_EXISTS = 0, TYPE_SIZE = 1, TYPE_MATCHES = 2 };
enum { ID_LOCAL = 0, ID_TARGET = 1 };
enum { VALUE_EXISTS = 0, VALUE = 1 };
#define TYPE(type, kind) __builtin_preserve_type_info(*(type *)0, kind)
#define ID(type, kind) __builtin_btf_type_id(*(type *)0, kind)
#define ENUMERATOR(type, name, kind) __builtin_preserve_enum_value(*(type *)name, kind)

struct task_struct {
    int pid, tgid;
};

struct task_struct___wrong {
    long pid; // int in the kernel
};

struct list_head {
    struct list_head *next, *prev;
};

struct list_head___short {
    struct list_head *prev;
};

struct list_head___other {
    void *next;
};

struct hlist_node {
    struct hlist_node *next, **pprev;
};

struct inode;
struct file;

struct file_operations {
    int (*open)(struct inode *, struct file *);
    int (*release)(struct inode *, struct file *);
};

struct file_operations___wrong {
    int (*open)(struct inode *, struct file *, int);
};

struct path {
    struct vfsmount *mnt;
    struct dentry *dentry;
};

struct no_such_struct {
    int x;
};

union bpf_attr {
    u32 map_type;
};

typedef int pid_t;
typedef u64 sector_t;
typedef u64 no_such_typedef;
typedef int (*initcall_t)(void);
typedef u32 atomic_t_not;
typedef struct { int counter; } atomic_t;

enum pid_type { PIDTYPE_PID, PIDTYPE_SID = 77, PIDTYPE_NONE = 78 };
enum pid_type___subset { PIDTYPE_TGID___subset = 5 };
enum bpf_map_type { BPF_MAP_TYPE_HASH = 9, BPF_MAP_TYPE_RINGBUF = 10 };
enum hrtimer_restart { HRTIMER_RESTART = 3, HRTIMER_NORESTART = 4 };
enum hrtimer_restart___neg { HRTIMER_NORESTART___neg = -4 };
enum no_such_enum { NO_SUCH_ENUMERATOR = 1 };
enum wide64 { WIDE64_BIG = 0x123456789aULL };

SEC("raw_tp/types") int types(void *ctx)
{
    u64 sum = 0;
    sum += TYPE(struct task_struct, TYPE_EXISTS) + TYPE(struct task_struct, TYPE_SIZE);
    sum += TYPE(struct list_head, TYPE_EXISTS) + TYPE(struct list_head, TYPE_SIZE);
    sum += TYPE(struct no_such_struct, TYPE_EXISTS) + TYPE(struct no_such_struct, TYPE_SIZE);
    sum += TYPE(union bpf_attr, TYPE_EXISTS) + TYPE(union bpf_attr, TYPE_SIZE);
    sum += TYPE(pid_t, TYPE_EXISTS) + TYPE(sector_t, TYPE_SIZE) + TYPE(no_such_typedef, TYPE_EXISTS) + TYPE(initcall_t, TYPE_EXISTS);
    sum += TYPE(enum pid_type, TYPE_EXISTS) + TYPE(enum pid_type, TYPE_SIZE) + TYPE(enum no_such_enum, TYPE_EXISTS);
    sum += TYPE(atomic_t, TYPE_EXISTS) + TYPE(atomic_t, TYPE_SIZE) + TYPE(u64, TYPE_SIZE);
    return (int)sum;
}

SEC("raw_tp/ids") int ids(void *ctx)
{
    u64 sum = 0;
    sum += ID(struct task_struct, ID_LOCAL) + ID(struct task_struct, ID_TARGET);
    sum += ID(struct list_head, ID_LOCAL) + ID(struct list_head, ID_TARGET);
    sum += ID(struct no_such_struct, ID_LOCAL) + ID(struct no_such_struct, ID_TARGET);
    sum += ID(pid_t, ID_LOCAL) + ID(pid_t, ID_TARGET) + ID(enum pid_type, ID_TARGET);
    return (int)sum;
}

SEC("raw_tp/matches") int matches(void *ctx)
{
    u64 sum = 0;
    sum += TYPE(struct task_struct, TYPE_MATCHES) + TYPE(struct task_struct___wrong, TYPE_MATCHES);
    sum += TYPE(struct list_head, TYPE_MATCHES) + TYPE(struct list_head___short, TYPE_MATCHES) + TYPE(struct list_head___other, TYPE_MATCHES);
    sum += TYPE(struct hlist_node, TYPE_MATCHES) + TYPE(struct path, TYPE_MATCHES) + TYPE(struct no_such_struct, TYPE_MATCHES);
    sum += TYPE(struct file_operations, TYPE_MATCHES) + TYPE(struct file_operations___wrong, TYPE_MATCHES);
    sum += TYPE(enum pid_type, TYPE_MATCHES) + TYPE(enum pid_type___subset, TYPE_MATCHES) + TYPE(enum bpf_map_type, TYPE_MATCHES);
    sum += TYPE(pid_t, TYPE_MATCHES) + TYPE(atomic_t, TYPE_MATCHES) + TYPE(initcall_t, TYPE_MATCHES);
    return (int)sum;
}

SEC("raw_tp/enumerators") int enumerators(void *ctx)
{
    u64 sum = 0;
    sum += ENUMERATOR(enum pid_type, PIDTYPE_SID, VALUE) + ENUMERATOR(enum pid_type, PIDTYPE_SID, VALUE_EXISTS);
    sum += ENUMERATOR(enum pid_type, PIDTYPE_NONE, VALUE_EXISTS);
    sum += ENUMERATOR(enum pid_type___subset, PIDTYPE_TGID___subset, VALUE);
    sum += ENUMERATOR(enum bpf_map_type, BPF_MAP_TYPE_RINGBUF, VALUE) + ENUMERATOR(enum bpf_map_type, BPF_MAP_TYPE_HASH, VALUE);
    sum += ENUMERATOR(enum hrtimer_restart, HRTIMER_RESTART, VALUE) + ENUMERATOR(enum hrtimer_restart___neg, HRTIMER_NORESTART___neg, VALUE);
    sum += ENUMERATOR(enum no_such_enum, NO_SUCH_ENUMERATOR, VALUE_EXISTS);
    if (ENUMERATOR(enum wide64, WIDE64_BIG, VALUE_EXISTS)) sum += ENUMERATOR(enum wide64, WIDE64_BIG, VALUE);
    return (int)sum;
}

char _license[] SEC("license") = "GPL";
