// kernel_probe.c: see kernel_probe.h.
#include "kernel_probe.h"

char probe_log[16384];

#ifdef __linux__

#include <errno.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SLEEPABLE_PROGRAM 16u // Linux's BPF_F_SLEEPABLE

long probe_bpf(uint32_t command, pst_bpf_attr *attr)
{
    long result = syscall(SYS_bpf, command, attr, sizeof *attr);
    return result < 0 ? -errno : result;
}

bool probe_accepts_license(const pst_prog_type *type, uint32_t attach_type, const uint64_t *insns, uint32_t count, const char *license)
{
    pst_bpf_attr attr = {.prog_type = type->number,
                         .insn_cnt = count,
                         .insns = (uint64_t)(uintptr_t)insns,
                         .license = (uint64_t)(uintptr_t)license,
                         .log_level = 1,
                         .log_size = sizeof probe_log,
                         .log_buf = (uint64_t)(uintptr_t)probe_log,
                         .prog_flags = type->number == PST_PROG_SYSCALL ? SLEEPABLE_PROGRAM : 0,
                         .expected_attach_type = attach_type};
    probe_log[0] = '\0';
    long fd = probe_bpf(PST_BPF_PROG_LOAD, &attr);
    if (fd >= 0) close((int)fd);
    return fd >= 0;
}

bool probe_accepts(const pst_prog_type *type, uint32_t attach_type, const uint64_t *insns, uint32_t count)
{
    return probe_accepts_license(type, attach_type, insns, count, "GPL");
}

int probe_result(const pst_prog_type *type, uint32_t attach_type)
{
    bool any;
    int64_t lo, hi;
    pst_ret_range(type, attach_type, &any, &lo, &hi);
    return any ? 0 : (int)lo;
}

bool probe_kernel_is_ours(void)
{
    struct utsname host;
    uint64_t insns[] = {PROBE_RETURN(0)};
    if (uname(&host) == 0 && strncmp(host.release, "6.18.", 5) == 0 && probe_accepts(pst_prog_type_by_number(PST_PROG_XDP), 0, insns, 2)) return true;
    pst_test_skip("the host is not Linux 6.18 or does not let this process call bpf(2)");
    return false;
}

void probe_each(probe_check check)
{
    for (size_t i = 0; i < pst_prog_type_count(); i++) {
        const pst_prog_type *type = pst_prog_type_at(i);
        uint32_t attach = type->attach_type_count && type->attach_types[0].number < 64 ? type->attach_types[0].number : 0;
        uint64_t insns[] = {PROBE_RETURN(probe_result(type, attach))};
        if (type->number >= 64 || !probe_accepts(type, attach, insns, 2)) continue; // not built into this kernel
        if (type->attach_type_count == 0 || type->number == PST_PROG_XDP || type->number == PST_PROG_KPROBE) check(type, 0);
        for (uint32_t k = 0; k < type->attach_type_count; k++)
            if (type->attach_types[k].number < 64) check(type, type->attach_types[k].number);
    }
}

#endif
