// kernel_probe.h: asks the host kernel's verifier whether it accepts a program.
//
// Needs Linux 6.18, whose facts the catalog states, and the right to call bpf(2); tests skip themselves elsewhere.
#ifndef PST_TESTS_KERNEL_PROBE_H
#define PST_TESTS_KERNEL_PROBE_H

#include "catalog/catalog.h"
#include "harness.h"
#include "postern/attr.h"

extern char probe_log[16384]; // what the verifier said last

static inline uint64_t probe_insn(unsigned op, unsigned dst, unsigned src, int off, int32_t imm)
{
    return op | dst << 8 | src << 12 | (uint64_t)(uint16_t)off << 16 | (uint64_t)(uint32_t)imm << 32;
}

#define PROBE_RETURN(value) probe_insn(0xb7, 0, 0, 0, (value)), probe_insn(0x95, 0, 0, 0, 0)

/// Whether the kernel is the one to compare with; otherwise the test is marked as skipped and the caller returns.
bool probe_kernel_is_ours(void);
/// bpf(2): the result, or minus the errno.
long probe_bpf(uint32_t command, pst_bpf_attr *attr);
bool probe_accepts(const pst_prog_type *type, uint32_t attach_type, const uint64_t *insns, uint32_t count);
bool probe_accepts_license(const pst_prog_type *type, uint32_t attach_type, const uint64_t *insns, uint32_t count, const char *license);
/// A result that programs of this kind may return.
int probe_result(const pst_prog_type *type, uint32_t attach_type);

typedef void (*probe_check)(const pst_prog_type *type, uint32_t attach_type);
/// Types that the kernel has, with each of Linux's attach types, or 0 where a type has none.
void probe_each(probe_check check);

#endif
