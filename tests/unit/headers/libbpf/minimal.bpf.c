// minimal.bpf.c: a tracepoint program with a global, as the first program of most tutorials.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

int wanted_pid = 0;

SEC("tp/syscalls/sys_enter_write")
int on_write(void *ctx)
{
    int pid = bpf_get_current_pid_tgid() >> 32;
    if (pid != wanted_pid) return 0;
    bpf_printk("no argument");
    bpf_printk("pid %d", pid);
    bpf_printk("%d %d %d", pid, 2, 3);
    bpf_printk("%d %d %d %d", pid, 2, 3, 4);
    return 0;
}
