// externs.bpf.c: what the host supplies: configuration and kernel symbols, present and absent.
#include "object_data.h"

#define KCONFIG __attribute__((section(".kconfig")))
#define KSYMS __attribute__((section(".ksyms")))

enum libbpf_tristate { TRI_NO = 0, TRI_YES = 1, TRI_MODULE = 2 };

extern int LINUX_KERNEL_VERSION KCONFIG;
extern u8 CONFIG_BPF KCONFIG WEAK;
extern _Bool CONFIG_PREEMPT KCONFIG WEAK;
extern enum libbpf_tristate CONFIG_MODULES KCONFIG WEAK;
extern u32 CONFIG_HZ KCONFIG WEAK;
extern u16 CONFIG_NR_CPUS KCONFIG WEAK;
extern char CONFIG_DEFAULT_HOSTNAME[10] KCONFIG WEAK;
extern u64 CONFIG_ABSENT KCONFIG WEAK;
extern _Bool LINUX_HAS_BPF_COOKIE KCONFIG;
extern const int bpf_prog_active KSYMS WEAK; // per CPU, typed
extern const void _stext KSYMS WEAK; // typeless
extern const void absent_symbol KSYMS WEAK;
extern const int absent_typed KSYMS WEAK;

struct task_struct {
    int pid;
};
extern struct task_struct *bpf_task_from_pid(int pid) KSYMS WEAK;
extern void bpf_task_release(struct task_struct *task) KSYMS;
extern void bpf_absent_function(void *context) KSYMS WEAK;

SEC("kprobe/sys_nanosleep") int ask(void *context)
{
    u64 sum = LINUX_KERNEL_VERSION + CONFIG_BPF + CONFIG_PREEMPT + CONFIG_MODULES + CONFIG_HZ + CONFIG_NR_CPUS + CONFIG_ABSENT;
    if (CONFIG_DEFAULT_HOSTNAME[1] == 'n') sum++;
    if (LINUX_HAS_BPF_COOKIE) sum++;
    if (&_stext) sum += (u64)&_stext;
    if (&absent_symbol) sum++;
    if (&absent_typed) sum++;
    if (&bpf_prog_active) sum += 2;
    return (int)sum;
}

SEC("tp_btf/sched_switch") int call(void *context)
{
    if (bpf_absent_function) bpf_absent_function(context);
    struct task_struct *task = bpf_task_from_pid ? bpf_task_from_pid(1) : 0;
    if (task) bpf_task_release(task);
    return 0;
}
