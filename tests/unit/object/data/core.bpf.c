// core.bpf.c: accesses that depend on the layout of the host's types, in a program, in what it calls, and to a member that may be absent.
#include "object_data.h"

struct task_struct {
    int pid, tgid, gone;
} __attribute__((preserve_access_index));

static __noinline int tgid_of(struct task_struct *task)
{
    return task->tgid + (int)bpf_get_prandom_u32();
}

static __noinline int gone_of(struct task_struct *task)
{
    return task->gone + (int)bpf_get_prandom_u32();
}

SEC("fentry/first") int one(struct task_struct *task)
{
    return task->pid + tgid_of(task) + gone_of(task);
}

SEC("fentry/second") int two(struct task_struct *task)
{
    return gone_of(task) + tgid_of(task) - task->pid;
}
