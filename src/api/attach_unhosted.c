// attach_unhosted.c: attach calls for hooks inside the Linux kernel. They exist so that loaders of many programs link; each refuses
// with one sentence.
#include "api/api.h"

static struct bpf_link *refuse(const struct bpf_program *prog, const char *hook)
{
    return api_fail_ptr(EOPNOTSUPP, "program %s: Postern does not host %s", prog ? prog->def->name : "(null)", hook);
}

struct bpf_link *bpf_program__attach_perf_event(const struct bpf_program *prog, int pfd)
{
    return refuse(prog, "perf events");
}

struct bpf_link *bpf_program__attach_kprobe(const struct bpf_program *prog, bool retprobe, const char *func_name)
{
    return refuse(prog, "kprobes");
}

struct bpf_link *bpf_program__attach_ksyscall(const struct bpf_program *prog, const char *syscall_name, const void *opts)
{
    return refuse(prog, "kprobes of system calls");
}

struct bpf_link *bpf_program__attach_uprobe(const struct bpf_program *prog, bool retprobe, pid_t pid, const char *binary_path,
                                            size_t func_offset)
{
    return refuse(prog, "uprobes");
}

struct bpf_link *bpf_program__attach_uprobe_opts(const struct bpf_program *prog, pid_t pid, const char *binary_path, size_t func_offset,
                                                 const struct bpf_uprobe_opts *opts)
{
    return refuse(prog, "uprobes");
}

struct bpf_link *bpf_program__attach_usdt(const struct bpf_program *prog, pid_t pid, const char *binary_path, const char *usdt_provider,
                                          const char *usdt_name, const void *opts)
{
    return refuse(prog, "USDT probes");
}

struct bpf_link *bpf_program__attach_tracepoint(const struct bpf_program *prog, const char *tp_category, const char *tp_name)
{
    return refuse(prog, "tracepoints");
}

struct bpf_link *bpf_program__attach_raw_tracepoint(const struct bpf_program *prog, const char *tp_name)
{
    return refuse(prog, "raw tracepoints");
}

struct bpf_link *bpf_program__attach_trace(const struct bpf_program *prog)
{
    return refuse(prog, "fentry and fexit");
}

struct bpf_link *bpf_program__attach_lsm(const struct bpf_program *prog)
{
    return refuse(prog, "LSM hooks");
}

struct bpf_link *bpf_program__attach_iter(const struct bpf_program *prog, const void *opts)
{
    return refuse(prog, "iterators");
}

struct bpf_link *bpf_map__attach_struct_ops(const struct bpf_map *map)
{
    return api_fail_ptr(EOPNOTSUPP, "map %s: Postern does not host struct_ops", map->def->name);
}
