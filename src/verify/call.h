// call.h: what the files of calls share.
//
// The life of a call: call.c asks whether the program may make it here and now; call_arg.c checks r1 to r5 by the prototype and notes what they were in a
// vcall_info; call.c applies what the call does (releases, locks, callbacks); call_ret.c says what r0 is. What lies on the stack and is more than bytes
// (dynptrs, iterators, saved interrupt flags) is call_dynptr.c's; objects of the program's own types and locks are call_object.c's and call_lock.c's.
#ifndef PST_VERIFY_CALL_H
#define PST_VERIFY_CALL_H

#include "verify/verifier.h"

typedef enum vcallback {
    VCB_NONE,
    VCB_FOR_EACH,
    VCB_LOOP,
    VCB_FIND_VMA,
    VCB_DRAIN,
    VCB_RBTREE_LESS,
    VCB_TIMER,     // async
    VCB_WORKQUEUE, // async, may sleep
} vcallback;

#define VOBJ_NONE UINT16_MAX

// What the arguments of a call were.
typedef struct vcall_info {
    const pst_helper_proto *proto;
    bool is_kfunc;
    vvalue args[PST_ARGS_MAX + 1]; // [n]: rn before the call
    const pst_map_view *view;      // of the map argument, NULL: none
    uint16_t map;                  // its index in image->maps (of the outer map for an inner one)
    uint32_t map_id;               // id of the object for an inner map, 0: a map of the program
    int64_t map_key;               // constant at the key, -1: unknown
    uint32_t ref;                  // id of the reference that an argument carries, 0: none
    unsigned release_reg;          // register whose reference the call gives back, 0: none
    uint64_t mem_max;              // greatest size of the last memory argument
    uint64_t constant;             // PST_ARG_ALLOC_SIZE, CONST, TYPE_ID, SIZE_CONST
    bool has_constant;
    uint32_t func;                 // subprogram of PST_ARG_FUNC, VFLOW_NONE
    uint16_t dynptr;               // object of the initialised dynptr, VOBJ_NONE
    uint16_t iter;                 // object of the iterator
    uint16_t irq;                  // object of the saved flags
    uint16_t object;               // the argument's VO_ALLOC, VO_BTF, VO_PERCPU
    const pst_record *field;       // list head, root or kptr that an argument points to
    const pst_record *kptr;        // dest of bpf_kptr_xchg
    vvalue lock;                   // pointer to the lock
} vcall_info;

typedef enum vparam_kind { VPARAM_NUMBER, VPARAM_CTX, VPARAM_MEM, VPARAM_DYNPTR, VPARAM_BTF, VPARAM_UNTRUSTED } vparam_kind;

// A parameter of a global function, as BTF describes it.
typedef struct vparam {
    vparam_kind kind;
    bool null_ok;
    uint32_t size;         // VPARAM_MEM
    const char *type_name; // VPARAM_BTF, VPARAM_UNTRUSTED: struct of the host; NULL: unknown
} vparam;

struct vrecords;
struct vasync;

#define VPROTOS 256u // a power of two

// Prototypes that were found before, by what the call names: catalogs are searched by walking them, and calls are walked again and again.
typedef struct vprotos {
    const pst_helper_proto *proto[VPROTOS]; // NULL: none kept
    int64_t key[VPROTOS];
} vprotos;

// What BTF says of a subprogram (call_global.c).
typedef struct vglobal {
    const char *name;         // NULL: no BTF
    bool is_static;           // BTF says so
    bool returns_void;        // or anything else that is no number
    uint32_t count;
    vparam params[PST_ARGS_MAX];
    const char *wrong;        // why its signature cannot be checked, NULL: it can
    unsigned wrong_param;     // from 1; 0: the whole
    struct vrecords **records; // of the program (in [0] only): see call_object.c
    struct vasync **asyncs;    // the same: see call_subprog.c
    vprotos *protos;           // the same: see call.c
} vglobal;

// --- Small questions (call_arg.c) ---------------------------------------------------------------------------------------

PST_INLINE vobj *vobj_of(const vstate *s, const vvalue *value) { return value->kind == V_PTR ? &s->objs[value->obj] : NULL; }
/// The pointer's object if it is of this kind, else NULL.
vobj *vobj_if(const vstate *s, const vvalue *value, vobj_kind kind);
bool vvalue_is_null(const vstate *s, const vvalue *value);       // the number 0
bool vvalue_maybe_null(const vstate *s, const vvalue *value);    // a pointer that was not checked
bool vvalue_offset(const vstate *s, const vvalue *value, int64_t *off); // constant offset (or number)
const pst_record *vrecord_at(const vobj *obj, int64_t off);
const char *vcall_name(const vcall_info *call);
vstep vreject_type(verifier *v, const vstate *s, unsigned reg, const vcall_info *call, const char *needed);

// --- call_arg.c, call_map.c, call_ret.c ----------------------------------------------------------------------------------

vstep vcall_arguments(verifier *v, vstate *s, vcall_info *call);
vstep vcall_map_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg);
vstep vcall_map_key(verifier *v, vstate *s, vcall_info *call, unsigned reg);
vstep vcall_map_value(verifier *v, vstate *s, vcall_info *call, unsigned reg, bool is_out);
/// Whether the helper may be given packet memory.
uint32_t vcall_packet_access(const vcall_info *call);
/// vmem_argument, but a pointer that may be null is fine with VMEM_NULL_OK.
vstep vcall_memory(verifier *v, vstate *s, unsigned reg, uint64_t size_min, uint64_t size_max, uint32_t access);
vstep vcall_result(verifier *v, vstate *s, const vcall_info *call);
/// r1 to r5 uninitialised.
void vcall_clobber(vstate *s);
/// A number in r0 of which scalar is known.
vstep vcall_return_number(verifier *v, vstate *s, const pst_scalar *scalar);
/// A host struct by name: an object of VO_BTF with flags; its type id from the host's BTF where there is one.
uint16_t vcall_new_btf(verifier *v, vstate *s, const char *name, uint32_t flags);
uint16_t vcall_new_map_value(verifier *v, vstate *s, const pst_map_view *view, uint16_t map, uint32_t map_id, uint32_t flags);
/// Whether a struct of the host named have, at offset off, can serve as one named want.
bool vcall_btf_fits(const verifier *v, const char *have, int64_t off, const char *want);
/// Whether the BTF pointer may be handed to a kfunc.
bool vobj_trusted(const vobj *obj);

// --- call_lock.c: locks, RCU, preemption, interrupts -------------------------------------------------------------------------

bool vstate_sleepable(const verifier *v, const vstate *s);
bool vstate_in_rcu(const verifier *v, const vstate *s);
/// Whether a call with these effects may be made here: not while a lock is held, nothing that sleeps where that is forbidden.
vstep vcall_allowed_here(verifier *v, vstate *s, const vcall_info *call);
vstep vcall_lock_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg, pst_record_kind kind);
vstep vcall_lock_effect(verifier *v, vstate *s, const vcall_info *call);
/// Whether the lock that protects obj is held.
bool vlock_held(const vstate *s, const vvalue *value);
/// Inside of bpf_rbtree_add's less.
bool vstate_in_less(const vstate *s);
vstep vcall_section_effect(verifier *v, vstate *s, const vcall_info *call); // RCU, preemption
/// Nothing is held: locks, RCU, preemption, interrupts, references. what: "the end of the program" ...
vstep vcall_nothing_held(verifier *v, vstate *s, bool references, const char *what);

// --- call_dynptr.c: things on the stack ---------------------------------------------------------------------------------------

vstep vdynptr_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg, bool is_new);
/// After all arguments are known: makes the dynptr of PST_ARG_DYNPTR_OUT.
vstep vdynptr_make(verifier *v, vstate *s, vcall_info *call);
vstep viter_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg, bool is_new);
vstep viter_effect(verifier *v, vstate *s, const vcall_info *call); // destroy; next is viter_next
/// r0 of next, and the end of the iteration as a path of its own.
vstep viter_next(verifier *v, vstate *s, const vcall_info *call);
vstep virq_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg, bool is_new);
vstep virq_effect(verifier *v, vstate *s, const vcall_info *call);
/// Kills what carries the reference, stack slots of dynptrs included.
void vref_release(verifier *v, vstate *s, uint32_t ref);

// --- call_object.c: objects of the program's own types --------------------------------------------------------------------------

vstep vobject_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg, vobj_kind kind);
vstep vgraph_root_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg, pst_record_kind kind);
vstep vgraph_node_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg, pst_record_kind kind);
vstep vobject_effect(verifier *v, vstate *s, const vcall_info *call); // insertion makes owning references non-owning
vstep vobject_result(verifier *v, vstate *s, const vcall_info *call);
vstep vkptr_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg);
/// Whether the kptr's struct is the host's; else it is the program's own.
bool vkptr_is_host(const verifier *v, const pst_record *kptr);
/// Special fields of a struct of the program's BTF, into *out. False: no memory.
bool vobject_find_records(verifier *v, uint32_t type_id, vobj *out);
vstep vkptr_value(verifier *v, vstate *s, vcall_info *call, unsigned reg);
/// References that point into collections die with the lock that protects them.
void vobj_drop_non_owning(verifier *v, vstate *s);
/// Sets reg to a pointer to the node of a list or tree (at its offset in the object) of the type that field contains.
vstep vobject_new_node(verifier *v, vstate *s, const pst_record *field, uint32_t flags, unsigned reg);

// --- call_subprog.c, call_global.c ------------------------------------------------------------------------------------------------

vstep vcall_subprog(verifier *v, vstate *s, uint32_t subprog);
/// The callback of a helper or kfunc: hands the callback's entry to the engine; s goes on with r0 to be set.
vstep vcall_callback(verifier *v, vstate *s, const vcall_info *call);
/// Ends the run of the frame: what exit does with the r0 that is there.
vstep vcall_return(verifier *v, vstate *s);
/// A reference that no one can reach any more is lost; something that loses one each turn would never come to an end. what: "when ...".
vstep vcall_check_lost(verifier *v, vstate *s, const char *what);
vstep vcall_check_return_range(verifier *v, vstate *s, unsigned reg);
vstep vcall_global(verifier *v, vstate *s, uint32_t subprog);
/// bpf_throw: unwinds everything.
vstep vcall_throw(verifier *v, vstate *s);
/// A tail call from a subprogram that succeeds returns to the subprogram's caller.
vstep vcall_tail_return(verifier *v, const vstate *s);
uint32_t vsubprog_at(const verifier *v, uint32_t pc);
const char *vsubprog_name(const verifier *v, uint32_t subprog);

#endif
