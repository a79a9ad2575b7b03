// bench_kernel_linux.c: the running kernel as a host of benchmarks.
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench_host.h"

static int64_t kernel_take(void *user, uint32_t cmd, pst_bpf_attr *attr, uint32_t size)
{
    long result = syscall(SYS_bpf, cmd, attr, size);
    return result < 0 ? -(int64_t)errno : result;
}

static void kernel_close_fd(void *user, int fd)
{
    close(fd);
}

bool bench_kernel_open(bench_host *host)
{
    *host = (bench_host){.command = kernel_take, .close = kernel_close_fd};
    pst_bpf_attr attr = {.map_type = PST_MAP_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    int fd = (int)kernel_take(NULL, PST_BPF_MAP_CREATE, &attr, sizeof attr);
    if (fd < 0) return false;
    close(fd);
    return true;
}
