// verify_describe.h: whether an abstract state of the verifier describes a concrete one.
//
// A concrete state is what the stepper (verify_machine.c) has at the head of a block: words with their *provenance*, that is which object a pointer
// points into. So a claim "r2 is packet + 14" is checked as what it says, and a number that happens to look like an address does not pass for one.
#ifndef PST_TESTS_VERIFY_DESCRIBE_H
#define PST_TESTS_VERIFY_DESCRIBE_H

#include "verify/inspect.h"

typedef enum cobj_kind {
    CO_NONE, CO_CTX, CO_STACK, CO_PACKET, CO_META, CO_END, CO_MAP, CO_FUNC, CO_VALUE, CO_MEM, CO_RINGBUF, CO_SOCK,
    CO_BTF,    // a struct of the host
    CO_ALLOC,  // of the program's own
    CO_DYNPTR, // on the stack; base, size and bytes are those of what it describes
    CO_ITER, CO_IRQ, // likewise on the stack
} cobj_kind;

#define COBJS_MAX 512u

// What a pointer points into. Addresses are those that the program sees; bytes are where the stepper keeps them.
typedef struct cobj {
    cobj_kind kind;
    uint32_t index;    // CO_STACK: frame; CO_MAP, CO_VALUE, CO_RINGBUF: map; CO_FUNC: subprogram
    uint64_t base, size; // CO_STACK: base is r10, its bytes are below; CO_END: base is the end
    uint8_t *bytes;
    bool is_alive, is_rdonly, is_held; // is_held: a reference that must be given back
    const pst_struct_desc *desc;       // CO_SOCK
    uint16_t root;                     // the reference that it dies with; its own index if it is one
    uint16_t parent;                   // what else it dies with: of a slice the dynptr, of an element the iterator; 0: nothing
    uint32_t frame, slot;              // CO_DYNPTR, CO_ITER, CO_IRQ: where it lies, by the slot of its lowest byte
    vdynptr_kind dynptr;
    int64_t next, end;                 // CO_ITER: numbers that are left
    uint64_t handed;                   // CO_ITER: how many were handed out
    uint16_t element;                  // CO_ITER: the object that next returns pointers to
    bool is_drained;
} cobj;

typedef struct cword {
    uint64_t bits;
    uint16_t tag; // index of a cobj, 0: a number
} cword;

typedef struct cframe {
    cword regs[PST_REG_COUNT], args[PST_ARGS_MAX + 1]; // args: what the function was called with
    uint16_t packet_then;           // the packet when it was called
    uint8_t bytes[PST_FRAME_BYTES]; // [PST_FRAME_BYTES - n]: r10 - n
    uint8_t init[PST_FRAME_BYTES];  // 1: was written
    uint16_t tags[VCELLS];          // of the aligned word [8 n, 8 n + 8) of bytes
    uint16_t special[VCELLS];       // by the same: the dynptr, iterator or saved flags that lie there; 0: none
    bool is_blind;                  // runs in a global function, whose states belong to another walk
    uint32_t subprog, call_pc, block;
    vframe_kind kind;
    uint32_t depth;                 // deepest byte that was accessed
    uint16_t self;                  // cobj of the frame
    int64_t *turns;                 // by loop of the flow; -1: outside
    uint64_t calls_left, call_at;   // of the callback that the call at the end of its block runs
    bool calls_back;
} cframe;

typedef struct cstate {
    const vflow *flow;
    cobj objs[COBJS_MAX];
    uint32_t obj_count;
    cframe frames[PST_FRAMES_MAX];
    uint32_t frame_count;
    uint64_t packet_size, meta_size;
    bool has_packet;
    bool wakes;                     // this is the run of a timer's callback
    uint16_t lock;                  // value whose lock is held; 0: none
    uint32_t rcu_depth, preempt_depth, irq_count;
    uint16_t irqs[VCELLS];          // saved flags that are to be restored, the last ones last
    uint16_t packet;
} cstate;

/// Words of bytes are numbered from the lowest address, slots of the verifier from the highest.
PST_INLINE uint32_t cframe_word(uint32_t slot) { return VCELLS - 1 - slot; }

/// Whether some kept state of the engine describes c, which stands at the start of block. why: one sentence of the state that came closest.
bool describe_kept(const verifier *v, const cstate *c, uint32_t block, char *why, size_t why_size);
/// The engine's location where c stands; VFLOW_NONE: none.
uint32_t describe_location(const verifier *v, const cstate *c, uint32_t block);
/// One abstract state; the same place is taken for granted.
bool describe_state(const vstate *s, const cstate *c, char *why, size_t why_size);

#endif
