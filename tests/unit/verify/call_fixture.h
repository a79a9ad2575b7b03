// call_fixture.h: programs that call, and what the verifier must say of each; shared by call_test.c and call_btf_test.c.
#ifndef PST_TESTS_CALL_FIXTURE_H
#define PST_TESTS_CALL_FIXTURE_H

#include "harness.h"

#include "pal/pal.h"
#include "verify/verify.h"

typedef struct call_case {
    const char *name, *text;
    pst_finding_kind want; // NONE: accepted
    const char *type;      // NULL: xdp
    pst_verify_mode mode;
    bool sleepable, proprietary; // not GPL
    bool value_facts;            // as pst_verify_opts has it
    uint32_t attach_type;
    const char *funcs; // with types: names of the FUNCs that the subprograms are, in order, with a space behind each
} call_case;

// The types of the programs, as bytes; may be NULL.
typedef struct call_types {
    const void *bytes;
    size_t size;
} call_types;

// Maps by descriptor.
enum {
    ARRAY = 3, HASH = 4, RODATA = 5, RING = 6, PROGS = 7, OUTER = 8, QUEUE = 9, LOCKED = 10, TIMED = 11, EVENTS = 12, SOCKS = 13, STORAGE = 14,
    PERCPU = 15, USER_RING = 16, STACKS = 17, BLOOM = 18, KPTRS = 19, RLOCKED = 20, WORK = 21, GRAPH = 22, TIMED2 = 23, LPM = 24, MAPS_END = 25,
};

/// The verdict on one program; NULL: a failure was reported.
pst_verdict *call_verify(const call_case *c, const call_types *types);
void call_check(const call_case *cases, size_t count, const call_types *types);

#define CALL_CASES(types, ...)                       \
    static const call_case cases[] = {__VA_ARGS__};  \
    call_check(cases, PST_COUNT(cases), types)
#define ACCEPT(what, program) {.name = what, .text = program}
#define REJECT(what, kind, program) {.name = what, .text = program, .want = PST_FINDING_##kind}
#define ACCEPT_AS(of, what, program) {.name = what, .text = program, .type = of}
#define REJECT_AS(of, what, kind, program) {.name = what, .text = program, .want = PST_FINDING_##kind, .type = of}

#define RETURN0 "r0 = 0; exit;"
#define OUT "out: r0 = 0; exit;"
// r0: the value of an entry, or the program has ended. r6 stays.
#define LOOKUP(map) "r1 = map[fd:" map "]; *(u64 *)(r10 - 8) = 0; r2 = r10; r2 += -8; call 1; if r0 == 0 goto out;"
// r0: a reservation of 8 bytes.
#define RESERVE "r1 = map[fd:6]; r2 = 8; r3 = 0; call 131; if r0 == 0 goto out;"
#define SUBMIT "r1 = r0; r2 = 0; call 132;"
#define KFUNC(name) "call kfunc " #name " btf 0;"

// Kfuncs by number in test programs.
#define KFUNC_LIST(X)                                                                                                             \
    X(rcu_lock, 1, "bpf_rcu_read_lock") X(rcu_unlock, 2, "bpf_rcu_read_unlock") X(preempt_off, 3, "bpf_preempt_disable")            \
    X(preempt_on, 4, "bpf_preempt_enable") X(irq_save, 5, "bpf_local_irq_save") X(irq_restore, 6, "bpf_local_irq_restore")          \
    X(num_new, 7, "bpf_iter_num_new") X(num_next, 8, "bpf_iter_num_next") X(num_destroy, 9, "bpf_iter_num_destroy")                 \
    X(obj_new, 10, "bpf_obj_new_impl") X(obj_drop, 11, "bpf_obj_drop_impl") X(list_push, 12, "bpf_list_push_front_impl")            \
    X(list_pop, 13, "bpf_list_pop_front") X(rb_add, 14, "bpf_rbtree_add_impl") X(rb_first, 15, "bpf_rbtree_first")                  \
    X(rb_remove, 16, "bpf_rbtree_remove") X(refcount, 17, "bpf_refcount_acquire_impl") X(task_acquire, 18, "bpf_task_acquire")      \
    X(task_release, 19, "bpf_task_release") X(dynptr_skb, 20, "bpf_dynptr_from_skb") X(dynptr_xdp, 21, "bpf_dynptr_from_xdp")       \
    X(dynptr_slice, 22, "bpf_dynptr_slice") X(dynptr_clone, 23, "bpf_dynptr_clone") X(res_lock, 24, "bpf_res_spin_lock")            \
    X(res_unlock, 25, "bpf_res_spin_unlock") X(res_lock_irq, 26, "bpf_res_spin_lock_irqsave")                                       \
    X(res_unlock_irq, 27, "bpf_res_spin_unlock_irqrestore") X(wq_init, 28, "bpf_wq_init") X(wq_start, 29, "bpf_wq_start")           \
    X(wq_callback, 30, "bpf_wq_set_callback_impl") X(throw, 31, "bpf_throw") X(unknown, 32, "bpf_no_such_kfunc")                    \
    X(task_from_pid, 33, "bpf_task_from_pid") X(rdonly_cast, 34, "bpf_rdonly_cast") X(kern_ctx, 35, "bpf_cast_to_kern_ctx")         \
    X(dynptr_slice_rdwr, 36, "bpf_dynptr_slice_rdwr") X(task_new, 37, "bpf_iter_task_new") X(task_next, 38, "bpf_iter_task_next")   \
    X(task_destroy, 39, "bpf_iter_task_destroy") X(user_str, 40, "bpf_copy_from_user_str")

#endif
