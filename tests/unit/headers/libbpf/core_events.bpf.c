// core_events.bpf.c: CO-RE reads, typed tracing programs, events through a ring buffer.
// In place of "vmlinux.h": the few types of it that are used, as bpftool would write them.
#define __VMLINUX_H__
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef int pid_t;

enum bpf_map_type { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_RINGBUF = 27 };
enum pid_kind { PID_OLD, PID_NEW };

struct task_struct {
    pid_t pid, tgid;
    struct task_struct *real_parent;
    unsigned int exit_code;
    char comm[16];
    unsigned int dumped : 1, kind : 3;
};

struct pt_regs {
    unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

struct bpf_iter_num {
    __u64 opaque[1];
} __attribute__((aligned(8)));

#pragma clang attribute pop

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct event {
    int pid, ppid, grand_ppid;
    unsigned exit_code;
    char comm[16], parent_comm[16];
};

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 64 * 1024);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 8192);
    __type(key, pid_t);
    __type(value, __u64);
} started SEC(".maps");

const volatile unsigned long long min_duration_ns = 0;
extern int CONFIG_HZ __kconfig;

SEC("tp/sched/sched_process_exit")
int on_exit(void *ctx)
{
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    pid_t pid = bpf_get_current_pid_tgid() >> 32;
    __u64 *since = bpf_map_lookup_elem(&started, &pid);
    if (!since || bpf_ktime_get_ns() - *since < min_duration_ns) return 0;
    struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event) return 0;
    event->pid = pid;
    event->ppid = BPF_CORE_READ(task, real_parent, tgid);
    event->grand_ppid = BPF_CORE_READ(task, real_parent, real_parent, tgid);
    event->exit_code = BPF_CORE_READ_BITFIELD_PROBED(task, kind) + CONFIG_HZ;
    BPF_CORE_READ_INTO(&event->comm, task, comm);
    BPF_CORE_READ_STR_INTO(&event->parent_comm, task, real_parent, comm);
    if (bpf_core_field_exists(task->exit_code)) bpf_core_read(&event->exit_code, sizeof(event->exit_code), &task->exit_code);
    if (bpf_core_type_exists(struct task_struct) && bpf_core_type_size(struct task_struct) > 8) event->pid += bpf_core_field_size(task->pid);
    if (bpf_core_enum_value_exists(enum pid_kind, PID_NEW)) event->pid += bpf_core_enum_value(enum pid_kind, PID_NEW);
    event->pid += bpf_core_field_offset(struct task_struct, tgid);
    bpf_ringbuf_submit(event, 0);
    return 0;
}

SEC("fentry/do_unlinkat")
int BPF_PROG(on_unlink, int dfd, struct task_struct *name)
{
    return dfd + name->pid;
}

SEC("fexit/do_unlinkat")
int BPF_PROG(after_unlink, int dfd, struct task_struct *name, long ret) { return ret < 0 ? dfd : name->tgid; }

SEC("kprobe/do_unlinkat")
int BPF_KPROBE(probe_unlink, int dfd, const char *name)
{
    char text[16];
    bpf_probe_read_kernel_str(text, sizeof(text), name);
    return dfd + text[0];
}

SEC("kretprobe/do_unlinkat")
int BPF_KRETPROBE(probe_unlink_exit, long ret) { return ret != 0; }

SEC("ksyscall/kill")
int BPF_KSYSCALL(on_kill, pid_t pid, int sig) { return pid + sig; }
