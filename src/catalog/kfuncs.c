// kfuncs.c: the prototypes of Linux's kfuncs, which programs call by name, expanded from kfuncs.def.
#include "catalog/catalog.h"

#include <string.h>

#include "catalog/kfuncs.def"

#define F_ACQUIRE PST_HELPER_ACQUIRES
#define F_RELEASE PST_HELPER_RELEASES
#define F_NULL PST_HELPER_RET_NULL
#define F_SLEEP PST_HELPER_MAY_SLEEP
#define F_TRUSTED PST_HELPER_TRUSTED
#define F_UNTRUSTED PST_HELPER_UNTRUSTED_RET
#define F_RCU PST_HELPER_RCU
#define F_PROTECTED PST_HELPER_RCU_PROTECTED
#define F_RCU_LOCK PST_HELPER_RCU_LOCK
#define F_RCU_UNLOCK PST_HELPER_RCU_UNLOCK
#define F_PREEMPT_OFF PST_HELPER_PREEMPT_OFF
#define F_PREEMPT_ON PST_HELPER_PREEMPT_ON
#define F_IRQ_SAVE PST_HELPER_IRQ_SAVE
#define F_IRQ_RESTORE PST_HELPER_IRQ_RESTORE
#define F_LOCK PST_HELPER_LOCK
#define F_UNLOCK PST_HELPER_UNLOCK
#define F_CALLBACK PST_HELPER_CALLBACK
#define F_ASYNC PST_HELPER_ASYNC
#define F_RDONLY PST_HELPER_RDONLY_RET
#define F_THROW PST_HELPER_THROW
#define F_PACKET PST_HELPER_CHANGES_PACKET
#define F_DYNPTR_SKB PST_HELPER_DYNPTR_SKB
#define F_CLONE PST_HELPER_DYNPTR_CLONE

#define P(type) ((uint64_t)1 << PST_PROG_##type)
// Linux registers kfuncs for one hook of all types of control groups, and for one of tracing programs but kprobes and raw tracepoints.
#define CGROUP_TYPES                                                                                                             \
    (P(CGROUP_DEVICE) | P(CGROUP_SKB) | P(CGROUP_SOCK) | P(CGROUP_SOCK_ADDR) | P(CGROUP_SOCKOPT) | P(CGROUP_SYSCTL) | P(SOCK_OPS))
#define TRACE_TYPES (P(TRACING) | P(TRACEPOINT) | P(PERF_EVENT) | P(LSM))
#define GENERIC (CGROUP_TYPES | TRACE_TYPES | P(SCHED_CLS) | P(XDP) | P(STRUCT_OPS) | P(SYSCALL))
#define CPUMASK_TYPES (TRACE_TYPES | P(STRUCT_OPS) | P(SYSCALL))
#define SKB_TYPES                                                                                                                \
    (CGROUP_TYPES | TRACE_TYPES | P(SCHED_CLS) | P(SCHED_ACT) | P(SK_SKB) | P(SOCKET_FILTER) | P(LWT_IN) | P(LWT_OUT) |          \
     P(LWT_XMIT) | P(LWT_SEG6LOCAL) | P(NETFILTER))

#define PST_ARG__ PST_ARG_NONE
#define NAME(name) (sizeof #name == 2 ? NULL : #name) // "_" is none

#define COMMON(text, result, a1, a2, a3, a4, a5, bits, types)                                     \
    .name = #text, .ret = PST_RET_##result,                                                       \
    .args = {PST_ARG_##a1, PST_ARG_##a2, PST_ARG_##a3, PST_ARG_##a4, PST_ARG_##a5},               \
    .flags = (bits), .prog_types = (types)
#define ITERATOR(text, size) .iter = #text, .iter_size = (size)

static const pst_helper_proto g_kfuncs[] = {
#define K(...) {COMMON(__VA_ARGS__)},
#define B(text, result, a1, a2, a3, a4, a5, bits, types, r, b1, b2, b3, b4, b5)                   \
    {COMMON(text, result, a1, a2, a3, a4, a5, bits, types),                                       \
     .btf_ret = NAME(r),                                                                          \
     .btf_args = {NAME(b1), NAME(b2), NAME(b3), NAME(b4), NAME(b5)}},
#define M(text, bits, types, size) {COMMON(text, MEM, _, _, _, _, _, bits, types), .ret_size = (size)},
#define I(text, size, a2, a3, new_bits, other_bits, element_size, element, b2)                                             \
    {COMMON(bpf_iter_##text##_new, INTEGER, ITER_NEW, a2, a3, _, _, PST_HELPER_ITER_NEW | (new_bits), 0),                  \
     ITERATOR(text, size), .btf_args = {NULL, NAME(b2)}},                                                                  \
    {COMMON(bpf_iter_##text##_next, ITER_ELEMENT, ITER, _, _, _, _, PST_HELPER_ITER_NEXT | F_NULL | (other_bits), 0),      \
     ITERATOR(text, size), .ret_size = (element_size), .btf_ret = NAME(element)},                                          \
    {COMMON(bpf_iter_##text##_destroy, VOID, ITER, _, _, _, _, PST_HELPER_ITER_DESTROY | (other_bits), 0), ITERATOR(text, size)},
    PST_KFUNC_LIST(K, B, I, M)
#undef M
#undef I
#undef B
#undef K
};

const pst_helper_proto *pst_kfunc_proto_by_name(const char *name)
{
    for (size_t i = 0; i < PST_COUNT(g_kfuncs); i++)
        if (strcmp(g_kfuncs[i].name, name) == 0) return &g_kfuncs[i];
    return NULL;
}

uint32_t pst_proto_fixed_size(const pst_helper_proto *proto, unsigned arg)
{
    if (arg >= PST_ARGS_MAX || proto->args[arg] != PST_ARG_MEM_FIXED || !proto->btf_args[arg]) return 0;
    uint32_t size = 0;
    for (const char *digit = proto->btf_args[arg]; *digit >= '0' && *digit <= '9' && size < 1000; digit++) size = size * 10 + (uint32_t)(*digit - '0');
    return size;
}

size_t pst_kfunc_proto_count(void)
{
    return PST_COUNT(g_kfuncs);
}

const pst_helper_proto *pst_kfunc_proto_at(size_t index)
{
    return index < PST_COUNT(g_kfuncs) ? &g_kfuncs[index] : NULL;
}
