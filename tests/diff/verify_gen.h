// verify_gen.h: programs near the border of what the verifier accepts, and mutants of them.
//
// Not near it by chance: a program is put together from what real ones do (bounds checks in every form, null checks, loops of every style, spills,
// calls, reservations), each with its constant now and then off by one.
#ifndef PST_TESTS_VERIFY_GEN_H
#define PST_TESTS_VERIFY_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "isa/isa.h"

#define VGEN_SLOTS_MAX 700u

// Maps by descriptor.
enum { VGEN_ARRAY = 3, VGEN_HASH = 4, VGEN_RING = 5, VGEN_GLOBAL = 6, VGEN_PLAIN_END = 7, VGEN_OWNED = 7, VGEN_OWNED_HASH = 8, VGEN_MAPS_END = 9 };
#define VGEN_ARRAY_SIZE 48u // bytes of a value
#define VGEN_ARRAY_ENTRIES 4u
#define VGEN_HASH_SIZE 24u
#define VGEN_GLOBAL_SIZE 64u
// Values of the owned maps: a lock, a timer, a task, an item, and numbers.
enum { VGEN_OWNED_LOCK = 0, VGEN_OWNED_TIMER = 8, VGEN_OWNED_TASK = 24, VGEN_OWNED_ITEM = 32, VGEN_OWNED_DATA = 40, VGEN_OWNED_SIZE = 64 };
#define VGEN_ITEM_SIZE 24u // bytes of the program's own struct: verify_types.c
#define VGEN_ITEM_TYPE 2u  // its type id

// Kfuncs: an enum of them, and the name of each.
#define VGEN_KFUNC_LIST(X)                                                                                                                                \
    X(DYNPTR_FROM_SKB, "bpf_dynptr_from_skb") X(DYNPTR_FROM_XDP, "bpf_dynptr_from_xdp") X(DYNPTR_SLICE, "bpf_dynptr_slice")                               \
    X(DYNPTR_SLICE_RDWR, "bpf_dynptr_slice_rdwr") X(DYNPTR_ADJUST, "bpf_dynptr_adjust") X(DYNPTR_SIZE, "bpf_dynptr_size")                                 \
    X(DYNPTR_CLONE, "bpf_dynptr_clone") X(ITER_NEW, "bpf_iter_num_new") X(ITER_NEXT, "bpf_iter_num_next") X(ITER_DESTROY, "bpf_iter_num_destroy")         \
    X(TASK_FROM_PID, "bpf_task_from_pid") X(TASK_ACQUIRE, "bpf_task_acquire") X(TASK_RELEASE, "bpf_task_release") X(OBJ_NEW, "bpf_obj_new_impl")          \
    X(OBJ_DROP, "bpf_obj_drop_impl") X(RCU_LOCK, "bpf_rcu_read_lock") X(RCU_UNLOCK, "bpf_rcu_read_unlock") X(PREEMPT_OFF, "bpf_preempt_disable")          \
    X(PREEMPT_ON, "bpf_preempt_enable") X(IRQ_SAVE, "bpf_local_irq_save") X(IRQ_RESTORE, "bpf_local_irq_restore")

typedef enum vgen_kfunc {
#define X(id, name) VGEN_##id,
    VGEN_KFUNC_LIST(X)
#undef X
    VGEN_KFUNCS
} vgen_kfunc;
extern const char *const vgen_kfunc_names[VGEN_KFUNCS];

typedef enum vgen_type { VGEN_XDP, VGEN_SCHED_CLS, VGEN_CGROUP_SKB, VGEN_TYPES } vgen_type;
extern const char *const vgen_type_names[VGEN_TYPES];

/// Bytes decide what is generated: a seeded stream, or a fuzzer's input (zeros after its end).
typedef struct vgen_source {
    const uint8_t *bytes; // NULL: take the stream of seed
    size_t size, pos;
    uint64_t seed;        // not 0
    bool holds;           // programs also have what must be given back: dynptrs, iterators, locks ..., timers, and a global function
    size_t global_at;     // of the last program: where its global function starts; 0: it has none
} vgen_source;

/// Writes a program for the type to slots (VGEN_SLOTS_MAX of them) and returns how many it has.
size_t vgen_program(vgen_source *source, vgen_type type, pst_slot *slots);
/// The same of functions that call each other a lot. 0: it is too large.
size_t vgen_calls(vgen_source *source, vgen_type type, pst_slot *slots);
/// Changes one thing: drops an instruction, moves a constant by one, turns a comparison around, widens an access, exchanges registers ...
/// False: what was drawn does not apply.
bool vgen_mutate(vgen_source *source, pst_slot *slots, size_t count);
/// Drops one call that gives something back, or one comparison with null. False: there is none.
bool vgen_drop(vgen_source *source, pst_slot *slots, size_t count);
uint32_t vgen_next(vgen_source *source, uint32_t below);

#endif
