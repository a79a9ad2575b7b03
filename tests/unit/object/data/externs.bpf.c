// externs.bpf.c: what the host supplies: configuration and kernel symbols, present and absent.
#include "object_data.h"



extern int LINUX_KERNEL_VERSION __kconfig;
extern u8 CONFIG_BPF __kconfig __weak;
extern _Bool CONFIG_PREEMPT __kconfig __weak;
extern enum libbpf_tristate CONFIG_MODULES __kconfig __weak;
extern u32 CONFIG_HZ __kconfig __weak;
extern u16 CONFIG_NR_CPUS __kconfig __weak;
extern char CONFIG_DEFAULT_HOSTNAME[10] __kconfig __weak;
extern u64 CONFIG_ABSENT __kconfig __weak;
extern _Bool LINUX_HAS_BPF_COOKIE __kconfig;
extern const int bpf_prog_active __ksym __weak; // per CPU, typed
extern const void _stext __ksym __weak; // typeless
extern const void absent_symbol __ksym __weak;
extern const int absent_typed __ksym __weak;

struct task_struct {
    int pid;
};
extern struct task_struct *bpf_task_from_pid(int pid) __ksym __weak;
extern void bpf_task_release(struct task_struct *task) __ksym;
extern void bpf_absent_function(void *context) __ksym __weak;

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
