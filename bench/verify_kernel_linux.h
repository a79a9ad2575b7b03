// verify_kernel_linux.h: the other verifiers of verify_bench: the running kernel's, and PREVAIL as a process.
#ifndef VERIFY_KERNEL_LINUX_H
#define VERIFY_KERNEL_LINUX_H

#include "cli/verify_work.h"

/// A program with its maps and types in the kernel, ready to be loaded again and again.
typedef struct kernel_program kernel_program;

typedef enum kernel_answer {
    KERNEL_ACCEPTS,
    KERNEL_REJECTS,
    KERNEL_SILENT, // the verifier was not asked: a policy of the machine refuses, or something is missing
} kernel_answer;

/// Whether bpf(2) may be called at all.
bool kernel_available(void);
/// net.core.bpf_jit_enable, -1: unknown.
int kernel_jit(void);
/// Creates what the program needs. host: the kernel's types, for kfuncs by name; NULL: none. NULL after a sentence in why.
kernel_program *kernel_open(const verify_subject *subject, const pst_btf *host, char *why, size_t capacity);
void kernel_close(kernel_program *program);
/// One BPF_PROG_LOAD, the time of the system call alone; what was loaded is gone again.
kernel_answer kernel_load(kernel_program *program, uint64_t *time_ns);
/// After a rejection: whether the verifier wrote a log; if not, it was not the verifier that refused.
bool kernel_has_log(kernel_program *program);

/// Runs a program with arguments (ending with NULL) and no output. Its exit code; negative: it did not end by itself within the time.
int process_run(const char *const *args, unsigned timeout_s, uint64_t *time_ns);

#endif
