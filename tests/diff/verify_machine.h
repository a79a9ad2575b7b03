// verify_machine.h: runs a program instruction by instruction and holds it to everything that its proof says.
//
// An interpreter of its own, slow and plain: it shares the meaning of single operations with isa.def, and nothing else with the engines. Memory is that
// of the program only: stack frames, context, packet, values of maps, reservations, each at an address that is drawn anew for each run. A pointer carries what
// it points into (verify_describe.h), so an access through a number or into a neighbour is an error even where the bytes exist.
#ifndef PST_TESTS_VERIFY_MACHINE_H
#define PST_TESTS_VERIFY_MACHINE_H

#include "verify_describe.h"

#define MACHINE_PACKET_MAX 256u
#define MACHINE_META_MAX 32u
#define MACHINE_VALUES_MAX 4096u // bytes of all values of the program's maps
#define MACHINE_STEPS_MAX 30000u
#define MACHINE_TIMERS_MAX 4u
#define MACHINE_ELEMENTS_MAX 32u

typedef enum machine_end {
    MACHINE_DONE,     // the program came to its end
    MACHINE_TOO_LONG, // MACHINE_STEPS_MAX: nothing is wrong so far
    MACHINE_UNKNOWN,  // a call that the machine has no stand-in for
    MACHINE_WRONG,    // machine.why
} machine_end;

// What runs showed of single instructions, to be compared with the facts.
#define SEEN_RUN 0x01u
#define SEEN_ZERO_DIVISOR 0x02u
#define SEEN_NULL 0x04u      // of a call's result
#define SEEN_CONTEXT 0x08u
#define SEEN_NO_CONTEXT 0x10u

// A timer whose callback will run once the program is over.
typedef struct machine_timer {
    uint32_t subprog, map;
    uint16_t value;
    bool is_blind; // set by a global function: its walk knows the callback's states
} machine_timer;

typedef struct machine {
    const verifier *v;      // with its kept states
    const pst_image *image;
    const pst_prog_type *type;
    cstate c;
    uint32_t pc;
    uint64_t rng;           // of all that the program may depend on
    uint64_t hidden;        // of addresses, and of what was never written: in strict mode the run may not depend on these
    uint64_t output;        // a hash of what others can see: r0, packet, values, reservations, how many instructions it took
    uint8_t *seen;          // by pc: SEEN_*
    uint64_t turns_max;     // of any loop
    uint32_t stack_max;     // bytes of the deepest chain of calls, by what was accessed
    uint64_t steps, checks; // checks: states that were compared
    uint8_t packet[MACHINE_META_MAX + MACHINE_PACKET_MAX], ctx[256], values[MACHINE_VALUES_MAX];
    uint8_t made[16][64];   // bytes of reservations and of objects
    uint32_t made_count;
    int32_t elements[MACHINE_ELEMENTS_MAX]; // of iterators
    uint32_t element_count;
    machine_timer timers[MACHINE_TIMERS_MAX];
    uint32_t timer_count;
    uint16_t packet_obj, meta_obj, end_obj, ctx_obj;
    uint32_t value_at[16];  // by map: where its values start
    int64_t turns[PST_FRAMES_MAX][64];
    /// Called at the head of each block where states are kept, once one of them was found to describe the run. May be NULL.
    void (*at_head)(void *user, struct machine *m, uint32_t block);
    void *user;
    bool is_over;
    machine_end end;
    char why[256];
} machine;

/// Runs the program that m->v has just proved once, on input drawn from m->rng; or the global function m->v->entry_subprog, on what its signature allows. v, image, type, rng, hidden and seen are set by the caller; the rest is zero.
machine_end machine_run(machine *m);

// --- Between machine and its helpers (verify_helpers.c) ---------------------------------------------------------

uint64_t machine_random(machine *m);
/// A number near something that a program compares with.
uint64_t machine_number(machine *m);
bool machine_wrong(machine *m, const char *fmt, ...) PST_PRINTF(2, 3); // false
uint16_t machine_object(machine *m, const cobj *like);
/// Where the size bytes at pointer w are; NULL: m->why. For size 0 any address of the object and one past it.
uint8_t *machine_memory(machine *m, cword w, int64_t off, uint64_t size, bool write);
/// Marks stack bytes as written, and what they held as no pointer any more.
void machine_written(machine *m, cword w, int64_t off, uint64_t size);
/// The call at m->pc with prototype proto, callbacks left out. False: see m->end.
bool machine_call(machine *m, const pst_helper_proto *proto, bool is_kfunc, cword *result);
void machine_new_packet(machine *m);
uint16_t machine_value(machine *m, uint32_t map, uint64_t index);
/// An object is gone, and with it all that dies with it.
void machine_kill(machine *m, uint16_t obj);
/// Nothing that must be given back is held; what: "at the end".
bool machine_nothing_held(machine *m, const char *what);

// What the arguments of a call were.
typedef struct machine_args {
    const pst_helper_proto *proto;
    bool is_kfunc;
    const pst_map_view *view;
    uint32_t map;
    uint64_t key;      // the first bytes of the key
    uint64_t constant; // PST_ARG_ALLOC_SIZE, SIZE_CONST, TYPE_ID
    uint16_t root;     // of the socket
    uint16_t value;    // whose field (lock, timer, kptr) is pointed to
    uint32_t func;     // PST_ARG_FUNC
    const pst_record *field;
    uint16_t dynptr, iter, irq;
    uint16_t object;   // that is given back, or acquired once more
    cword place;       // of what the call makes on the stack
} machine_args;

/// A pointer to memory of a call: size bytes, read or written or both. size 0: not looked at.
bool machine_argument_memory(machine *m, cword w, uint64_t size, bool reads, bool writes);

// --- verify_held.c: what must be given back ---------------------------------------------------------------------

/// An argument of one of the kinds that have to do with it. False: see m->end.
bool held_argument(machine *m, machine_args *k, unsigned n, cword w);
/// Whether the call may be made here.
bool held_allows(machine *m, const pst_helper_proto *proto, bool is_kfunc);
/// What the call does to it, and r0 where that is one of its kinds.
bool held_effect(machine *m, machine_args *k, cword *result);
/// An access of stack bytes: dynptrs and the like are not touched, but that a store may end one that holds nothing.
bool held_touch_stack(machine *m, uint32_t frame, uint64_t at, uint64_t size, bool write, bool by_call);
/// An access of a value's bytes: fields with a meaning of their own are not touched; *kptr: the one that is loaded whole.
bool held_touch_value(machine *m, const cobj *value, uint64_t at, uint64_t size, bool write, const pst_record **kptr);
/// What a load of a kptr field yields.
bool held_load_kptr(machine *m, const pst_record *kptr, uint64_t bits, cword *out);

#endif
