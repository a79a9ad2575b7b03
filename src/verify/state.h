// state.h: an abstract state: what is known at one point of a program.
//
// Read by every file of this folder. state.c owns the tables (symbols, objects, relations, cells); merge.c compares and joins states;
// memory*.c, call*.c and step*.c change them while they interpret instructions.
//
// A *value* is what a register or a stack cell holds. Numbers, and the variable part of pointers, are symbol + constant: value = sym + off, modulo
// 2^64; sym 0 is the constant 0. What is known of a symbol is a pst_scalar; relations (a - b <= c, over signed integers, no wrap) relate symbols.
// Copies share the symbol, so what is learned of one is learned of all. A *object* is what pointers point to: all pointers to one object
// learn together that it is not null, and die together when it is released.
#ifndef PST_VERIFY_STATE_H
#define PST_VERIFY_STATE_H

#include "domain/scalar.h"
#include "verify/flow.h"

typedef enum vkind {
    V_UNINIT,     // must not be read
    V_NUMBER,     // sym + off
    V_CTX,        // context + off
    V_STACK,      // frame pointer of frame obj + off (off is negative)
    V_PACKET,     // packet start + off
    V_META,       // start of the packet's metadata + off
    V_PACKET_END, // one past the packet's last byte; no arithmetic
    V_MAP,        // a map itself: index obj in image->maps (maps of maps: see V_PTR)
    V_PTR,        // object obj + off
    V_FUNC,       // address of subprogram obj
} vkind;

#define VSYM_NONE 0u     // the constant 0
#define VSYM_PACKET 1u   // length of the packet: always there
#define VSYM_META 2u     // length of its metadata: always there
#define VSYM_FIRST 3u
#define VSYM_ANY UINT32_MAX // a number of which nothing is known or wanted: has no entry. Two of them are not equal: see vstate_own

typedef struct vvalue {
    uint8_t kind;  // vkind
    uint8_t flags; // VVALUE_*
    uint16_t obj;
    uint32_t sym;
    int64_t off;
} vvalue;

#define VPACKET_MAX ((1u << 29) - 1) // bytes of the longest packet, and how far a pointer may be from where its object starts

/// What is known of the length of a packet, or of its metadata, before anything is: 0 to VPACKET_MAX.
PST_INLINE pst_scalar vsym_length(void)
{
    return (pst_scalar){.bits = {0, VPACKET_MAX}, .umax = VPACKET_MAX, .smax = VPACKET_MAX, .umax32 = VPACKET_MAX, .smax32 = VPACKET_MAX};
}

#define VVALUE_CAST 1u // a number that came from a pointer ("leaks" in strict mode)

typedef enum vobj_kind {
    VO_FREE,
    VO_MAP,       // an inner map: map is the template's owner
    VO_MAP_VALUE, // value of map: size bytes, records
    VO_MEM,       // size bytes of plain memory that a helper returned, or that a global function's argument points to
    VO_RINGBUF,   // a reservation of a ring buffer: size bytes, must be submitted or discarded
    VO_SOCK,      // desc says which kind of socket
    VO_STRUCT,    // desc: another described struct (flow keys)
    VO_BTF,       // a struct of the host: type_id in host BTF (0: unknown), type_name
    VO_ALLOC,     // an object of the program's own type: type_id in its BTF, size bytes, records
    VO_DYNPTR,    // what a dynptr on the stack is: see dynptr
    VO_ITER,      // an iterator on the stack
    VO_IRQ,       // saved interrupt flags on the stack
    VO_PERCPU,    // percpu object of a BTF or own type: only bpf_per_cpu_ptr may touch it
    VO_REF,       // nothing points to it: a reference that must be given back (lock states and the like)
} vobj_kind;

#define VOBJ_MAYBE_NULL 0x0001u
#define VOBJ_RDONLY 0x0002u
#define VOBJ_MUST_RELEASE 0x0004u // an acquired reference: leaks if it is still here at the end
#define VOBJ_TRUSTED 0x0008u      // VO_BTF: may be handed to kfuncs
#define VOBJ_RCU 0x0010u          // VO_BTF, VO_ALLOC: valid inside the RCU section (or a lock's) only
#define VOBJ_UNTRUSTED 0x0020u    // VO_BTF: may only be read, and reads may fault (and yield 0)
#define VOBJ_NON_OWNING 0x0040u   // VO_ALLOC: a node in a list or tree: valid while the lock is held
#define VOBJ_DIRECT 0x0080u       // VO_MAP_VALUE: of an ld_imm64: one object for all of them; lives for ever
#define VOBJ_UNINIT 0x0100u       // VO_MEM: not known to be initialised (strict mode)
#define VOBJ_ACTIVE 0x0200u       // VO_ITER: between new and the end: next may be called, destroy must
#define VOBJ_SLICE_OF_PACKET 0x0400u // dies when the packet may move
#define VOBJ_HOST_BTF 0x0800u     // type_id counts in the host's BTF, not in the program's
#define VOBJ_CPU_ELEM 0x1000u     // VO_MAP_VALUE of another CPU
#define VOBJ_DRAINED 0x2000u      // VO_ITER: next returned NULL
#define VOBJ_UNALIGNED 0x4000u    // VO_MEM: starts anywhere, not at a multiple of 8 (part of a dynptr)

typedef enum vdynptr_kind { VDYN_NONE, VDYN_LOCAL, VDYN_RINGBUF, VDYN_SKB, VDYN_XDP, VDYN_FILE } vdynptr_kind;

typedef struct vobj {
    uint8_t kind;    // vobj_kind
    uint8_t dynptr;  // VO_DYNPTR: vdynptr_kind
    uint16_t map;    // VO_MAP, VO_MAP_VALUE, VO_RINGBUF: index in image->maps; the view itself is view
    uint32_t flags;  // VOBJ_*
    uint32_t id;     // identity through the run: unique in a state; two states match up objects by position of use
    uint32_t parent; // id of the object that this one dies with (slice of a dynptr, tcp_sock of a sock); 0: none
    uint32_t ref;    // id of the reference that releases it: its own id, or that of another object; 0: none
    uint32_t size;   // bytes
    uint32_t type_id;
    const char *type_name;           // VO_BTF: from descriptors; VO_ITER: the iterator's name
    const pst_map_view *view;        // of map, or of the inner map
    const pst_struct_desc *desc;     // VO_SOCK, VO_STRUCT
    const pst_record *records;       // VO_MAP_VALUE, VO_ALLOC
    uint32_t record_count;
    uint32_t frame, slot;            // VO_DYNPTR, VO_ITER, VO_IRQ: where on the stack (slot n: [fp - 8(n+1), fp - 8n)), its lowest address
} vobj;

// a - b <= c. a and b are symbols or VSYM_NONE, as signed numbers without wrap.
typedef struct vrel {
    uint32_t a, b;
    int64_t c;
} vrel;

// a = factor * b + c, as signed numbers without wrap (scale.c). a and b are symbols.
typedef struct vscale {
    uint32_t a, b;
    int64_t factor, c;
} vscale;
#define VSCALES_MAX 8u

typedef enum vcell_mode {
    VCELL_DATA,
    VCELL_SPECIAL, // part of the dynptr, iterator or saved flags obj: programs may not touch it
} vcell_mode;

// Eight bytes of stack, lowest address first. A byte is initialised if its bit is in init; its value is that of lo/hi where they cover it.
// lo starts at byte 0 and has lo_size bytes (0: nothing known; 1, 2, 4, 8); hi starts at byte 4 and has hi_size (0, 1, 2, 4; 0 if lo_size is 8).
// Pointers are held whole (lo_size 8) or not at all. zero: bytes that are known to be 0 (kept for bytes outside of lo and hi).
typedef struct vcell {
    uint8_t mode, init, zero, lo_size, hi_size;
    uint8_t reserved;
    uint16_t obj; // VCELL_SPECIAL
    vvalue lo, hi;
} vcell;

#define VCELLS (PST_FRAME_BYTES / 8)
#define VCONTEXT_CALL UINT32_MAX

typedef enum vframe_kind { VFRAME_MAIN, VFRAME_CALL, VFRAME_CALLBACK, VFRAME_ASYNC } vframe_kind;

// A loop that the program is in, and how often its head was come back to since it was entered: two numbers that no instruction sees. They are
// related to the program's own numbers like any other, and a bound on them is the proof that the loop ends (terminate.c).
// So is how often an iterator was advanced, where a loop around it makes others (vflow.counts_iterators): it has an end, by its meaning.
typedef struct vghost {
    uint32_t loop;   // of vflow, or VGHOST_ITER | the iterator's slot
    uint32_t frame;  // that is in it; of the slot
    vvalue up, down; // the count, and its negative
} vghost;

typedef struct vframe {
    vvalue regs[PST_REG_COUNT - 1]; // r10 is the frame pointer, always
    uint8_t kind;          // vframe_kind
    uint8_t callback_kind; // VFRAME_CALLBACK: vcallback of call.h
    uint16_t subprog;
    uint32_t call_pc;      // of the call that made it (not for VFRAME_MAIN)
    uint32_t depth_bytes;  // of stack used so far
    uint32_t context;      // of summary.h, that the frame is the callee of; VCONTEXT_CALL: the call is to be made by summary; 0: none
    bool parked;           // waits outside of a context: cells are those that the callee sees, registers are its anchors (summary.h)
    uint64_t written;      // of a parked frame: cells that may have been written since
    bool packed;           // in a state that is kept: cells has only those whose bit is set in used, in order
    uint64_t used;
    uint32_t cell_count;   // in cells; cells beyond are uninitialised
    uint32_t cell_capacity; // VCELLS in a state that is stepped; less in one that is stored
    vcell cells[VCELLS];   // cells[n]: [fp - 8(n+1), fp - 8n)
} vframe;

typedef struct vlock {
    uint32_t obj_id;  // object that holds the lock, or 0x80000000 | map index for direct values
    uint32_t offset;
    uint8_t kind;     // pst_record_kind
} vlock;
#define VLOCKS_MAX 16

#define VGHOST_ITER 0x80000000u
#define VITER_MAX ((uint64_t)1 << 31) // elements that an iterator has at most

typedef struct vstate {
    uint32_t pc;
    uint32_t block;         // that pc starts
    uint32_t frame_count;   // frames[frame_count - 1] runs
    vframe *frames[PST_FRAMES_MAX];
    pst_scalar *syms;       // [VSYM_FIRST - 2 .. ]: syms[s] for symbol s; [0] is unused
    uint32_t sym_count, sym_capacity;
    vobj *objs;
    uint32_t obj_count, obj_capacity;
    vrel *rels;
    uint32_t rel_count, rel_capacity;
    uint32_t scale_count;
    vscale scales[VSCALES_MAX];
    vghost *ghosts;         // of the frames in order, outer loops first
    uint32_t ghost_count, ghost_capacity;
    uint32_t next_id;       // of objects
    uint32_t lock_count;
    vlock locks[VLOCKS_MAX];
    uint32_t rcu_depth, preempt_depth;
    uint32_t irq_id;        // innermost saved interrupt flags that must be restored next; 0: none
    bool blurred;           // something was joined, widened or dropped on the way here: a rejection may be the analysis' fault
    bool wakes;             // async callback: not in the program's own run
    uint16_t differs[4];    // of one that is kept: where those that it did not cover differed last (covers.c); hints
    uint32_t origin;        // slot of the engine's graph that this state was stepped from; VFLOW_NONE: an entry
} vstate;

// --- Memory of states (state.c) -----------------------------------------------------------------------------------

struct verifier;

/// All states of one verifier come from here; NULL after the limit of memory: the engine then ends with "too complex".
vstate *vstate_new(struct verifier *v);
vstate *vstate_clone(struct verifier *v, const vstate *s); // capacities are trimmed to what is used
void vstate_free(struct verifier *v, vstate *s);
/// Memory that was given back and kept for other states: freed at the end.
void vstate_free_spare(struct verifier *v);
#define VSPARE_CLASSES 64u // of 64 bytes each
/// A copy to be kept and compared with: empty cells take no room (vframe_cell reads them).
vstate *vstate_pack(struct verifier *v, const vstate *s);
/// The cell [fp - 8(c+1), fp - 8c) of a frame, packed or not; an empty one where there is none.
const vcell *vframe_cell(const vframe *frame, uint32_t c);
/// One more than the highest cell that is not empty may be.
uint32_t vframe_span(const vframe *frame);
/// *to becomes a copy of s that can be stepped (every frame has all its cells). to was made by vstate_new. False: no memory.
PST_MUST_USE bool vstate_assign(struct verifier *v, vstate *to, const vstate *s);
/// Adds a frame (all registers uninitialised, no cells). NULL: no memory; the caller has checked the depth.
vframe *vstate_push_frame(struct verifier *v, vstate *s);
void vstate_pop_frame(struct verifier *v, vstate *s);
PST_MUST_USE bool vghost_add(struct verifier *v, vstate *s, const vghost *ghost);
vghost *vghost_find(vstate *s, uint32_t frame, uint32_t loop); // NULL: not there
void vghost_remove(vstate *s, uint32_t frame, uint32_t loop);
/// One more turn, or one more element.
void vghost_count(vghost *ghost);
PST_INLINE vframe *vstate_frame(const vstate *s) { return s->frames[s->frame_count - 1]; }

// --- Numbers --------------------------------------------------------------------------------------------------

PST_INLINE vvalue vvalue_const(uint64_t c) { return (vvalue){.kind = V_NUMBER, .sym = VSYM_NONE, .off = (int64_t)c}; }
PST_INLINE vvalue vvalue_any(void) { return (vvalue){.kind = V_NUMBER, .sym = VSYM_ANY}; }
PST_INLINE bool vvalue_is_const(const vvalue *a) { return a->kind == V_NUMBER && a->sym == VSYM_NONE; }
PST_INLINE bool vvalue_is_pointer(const vvalue *a) { return a->kind > V_NUMBER; }
/// A number of which scalar is known (a constant if it is one; VSYM_ANY if it is the top).
vvalue vvalue_number(struct verifier *v, vstate *s, const pst_scalar *scalar);
/// What is known of a number, or of the variable offset of a pointer (sym + off).
pst_scalar vvalue_scalar(const vstate *s, const vvalue *a);
/// The variable part alone, without off.
pst_scalar vsym_scalar(const vstate *s, uint32_t sym);
/// Gives a VSYM_ANY a symbol of its own, in place, before it is copied or refined. False: no memory.
PST_MUST_USE bool vstate_own(struct verifier *v, vstate *s, vvalue *a);
/// A new symbol. 0: no memory.
uint32_t vsym_new(struct verifier *v, vstate *s, const pst_scalar *scalar);
/// Refines what is known of value a (a number or a pointer's sym + off) to the meet with scalar. False: infeasible.
PST_MUST_USE bool vvalue_refine(vstate *s, const vvalue *a, const pst_scalar *scalar);

// --- Relations (relate.c) -----------------------------------------------------------------------------------------

/// The least c that is known with (a.sym + a.off) - (b.sym + b.off) <= c, as signed numbers; by relations, their closure and intervals. INT64_MAX: none.
int64_t vrel_bound(const vstate *s, const vvalue *a, const vvalue *b);
/// The same for each pair of count values (at most VREL_BOUNDS_MAX): out[i * count + k] bounds values[i] - values[k].
void vrel_bounds(const vstate *s, const vvalue *values, uint32_t count, int64_t *out);
#define VREL_BOUNDS_MAX 40u
/// Notes a - b <= c. Tightens intervals too. False: infeasible. No memory: the relation is dropped, which is sound.
PST_MUST_USE bool vrel_add(struct verifier *v, vstate *s, const vvalue *a, const vvalue *b, int64_t c);
/// Appends a relation (state.c). Without memory it is dropped.
void vrel_push(struct verifier *v, vstate *s, const vrel *rel);
/// Tightens intervals along the relations of a symbol that was refined. False: infeasible.
PST_MUST_USE bool vrel_propagate(vstate *s, uint32_t sym);
/// Forgets a symbol, keeping what its relations said of others.
void vrel_drop(struct verifier *v, vstate *s, uint32_t sym);

// --- Multiples (scale.c) --------------------------------------------------------------------------------------

/// Whether a = factor * b + *c is known of two values (the number parts of both, kind V_NUMBER).
PST_MUST_USE bool vscale_holds(const vstate *s, const vvalue *a, const vvalue *b, int64_t factor, int64_t *c);
/// The only factor with which a can be a multiple of b, and a constant, for both pairs of constants. False: there is none.
PST_MUST_USE bool vscale_factor(const vvalue *a_old, const vvalue *b_old, const vvalue *a_now, const vvalue *b_now, int64_t *factor);
/// Whether it is small enough that nothing wraps.
bool vscale_is_factor(int64_t factor);
/// Notes a = factor * b + c, if there is room.
void vscale_add(vstate *s, uint32_t a, uint32_t b, int64_t factor, int64_t c);
/// Tightens intervals along all of them. False: infeasible.
PST_MUST_USE bool vscale_apply(vstate *s, bool *changed);

// --- Objects --------------------------------------------------------------------------------------------------

/// A new object (id assigned, other members from *like). Its index; UINT16_MAX: no memory.
uint16_t vobj_new(struct verifier *v, vstate *s, const vobj *like);
/// The one object of a map's value whose address is known at load (ld_imm64 of MAP_VALUE).
uint16_t vobj_direct(struct verifier *v, vstate *s, uint32_t map);
vobj *vobj_by_id(vstate *s, uint32_t id); // NULL: gone
/// Whether two objects are the same in all but identity, links and flags.
bool vobj_alike(const vobj *a, const vobj *b);
PST_INLINE vvalue vvalue_ptr(uint16_t obj) { return (vvalue){.kind = V_PTR, .obj = obj}; }
/// Whether an iterator has come to its end and is still there: asking it again goes on without end.
PST_INLINE bool vstate_has_drained(const vstate *s)
{
    for (uint32_t i = 0; i < s->obj_count; i++)
        if (s->objs[i].kind == VO_ITER && (s->objs[i].flags & VOBJ_DRAINED) != 0) return true;
    return false;
}
/// The object is now known to be null or not: pointers to it become 0, or it loses VOBJ_MAYBE_NULL; a null one is no reference any more.
void vobj_resolve_null(vstate *s, uint16_t obj, bool is_null);
/// Every pointer to objects with this id (or that have it as parent or ref) becomes an unknown number (privileged) or unreadable (strict);
/// the objects are freed, references with them.
void vobj_kill(struct verifier *v, vstate *s, uint32_t id);
/// Packet pointers and slices of the packet die; the packet's length is unknown again.
void vstate_packet_moved(struct verifier *v, vstate *s);
/// Calls fn on every value of the state: registers and cells of every frame. Inline, so that fn is too.
PST_INLINE void vstate_each_value(vstate *s, void (*fn)(void *user, vvalue *value), void *user)
{
    for (uint32_t f = 0; f < s->frame_count; f++) {
        vframe *frame = s->frames[f];
        for (unsigned r = 0; r < PST_REG_COUNT - 1; r++) fn(user, &frame->regs[r]);
        for (uint32_t c = 0; c < frame->cell_count; c++) {
            vcell *cell = &frame->cells[c];
            if (cell->lo_size) fn(user, &cell->lo);
            if (cell->hi_size) fn(user, &cell->hi);
        }
    }
}

// --- Text (explain.c) ---------------------------------------------------------------------------------------------

void vvalue_text(const struct verifier *v, const vstate *s, const vvalue *value, pst_text *out);
void vstate_text(const struct verifier *v, const vstate *s, pst_text *out);

#endif
