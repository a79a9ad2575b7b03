// verifier.h: what the files of this folder share while one program is verified.
//
// The order of work (engine.c): flow_*.c finds the shape; the engine walks abstract states through blocks; step.c interprets one instruction and
// calls step_alu.c, step_branch.c, memory*.c, call*.c; arriving states are compared and joined by merge.c; terminate.c proves that all
// loops end; facts are joined as instructions are interpreted.
//
// A step returns one of three: go on with the next instruction; the path ends here (exit, infeasible, or handed on to the engine); or
// a finding, after which the attempt is over. Every check calls vreject, which records the finding and returns VSTEP_REJECT.
#ifndef PST_VERIFY_VERIFIER_H
#define PST_VERIFY_VERIFIER_H

#include "base/arena.h"
#include "verify/state.h"

typedef enum vstep {
    VSTEP_NEXT,   // go on with the next instruction
    VSTEP_END,    // this path is over; successors, if any, were handed to the engine by vengine_arrive
    VSTEP_REJECT, // a finding was recorded
    VSTEP_NOMEM,  // no memory, or a limit: v->status or v->finding says which
} vstep;

// Tests only: whether to behave as if this mistake had been made (tests/diff/verify_plant_test.c says what each number is).
#ifdef PST_VERIFY_PLANTED
extern int verify_planted;
#define VPLANT(number) (verify_planted == (number))
#else
#define VPLANT(number) false
#endif

struct vengine;
struct vinspector;

typedef struct verifier {
    const pst_env *env;
    const pst_verify_input *input;
    const pst_image *image;
    const pst_prog_type *type;
    pst_verify_opts opts;     // defaults filled in
    bool strict;              // opts.mode
    vflow flow;
    pst_arena arena;          // of the whole verification
    uint64_t bytes, bytes_peak; // of states
    void *spare[VSPARE_CLASSES]; // by size, each a list: memory of states that are gone (state.c)
    uint32_t spare_bytes;
    uint64_t steps;           // instructions that were walked
    uint64_t compared;        // states that were compared
    pst_finding finding;
    bool blurred;             // the finding may be the fault of a join: larger limits may do without
    pst_status status;
    bool starved;             // an allocation failed: states may know less than they should
    struct vengine *engine;
    const struct vinspector *inspector; // of a test, NULL: none

    // The instruction that is interpreted now.
    uint32_t pc;

    uint32_t go;              // set by a step that returns VSTEP_NEXT: go on there instead of at the next instruction. VFLOW_NONE: not set

    uint8_t *fact_flags;      // by pc: what held each time; set by vfact only
    uint8_t *fact_denied;     // by pc: what did not hold at least once
    int16_t *fact_context;    // by pc
    struct vfact_call *fact_calls;   // by pc (facts.c)
    struct vfact_value *fact_values; // by pc; NULL: nobody asked
    uint32_t *insn_seen;      // by pc: what kind of memory operand was seen: see memory.c (one instruction, one kind of context access)
    uint32_t entry_subprog;   // the subprogram that is verified now: 0, or a global function, or an async callback
    uint32_t *scratch;        // see verifier_scratch
    uint32_t scratch_capacity;
    pst_scalar *scalars;
    uint32_t scalars_capacity;
    const struct vglobal *globals; // by subprogram: what BTF says (call_global.c)
    uint8_t *sub_flags;       // by subprogram: VSUB_*
    uint32_t *sub_stack;      // by subprogram: deepest stack use seen, in bytes
    uint8_t *loop_marks;      // by loop of flow: VLOOP_*; NULL: loops are not metered in this attempt (meter.c)
    uint8_t *loop_marks_kept; // where they are in an attempt that meters
    bool meters_global, calls_holding; // meter.c
    uint32_t metered;         // loops
    uint32_t chain_stack;     // of the deepest chain of calls (vcall_stack_check)
} verifier;

#define VSUB_GLOBAL 0x01u       // verified once on its own, by its BTF signature
#define VSUB_VERIFIED 0x02u
#define VSUB_WANTED 0x04u       // a global function that reached code calls
#define VSUB_ASYNC 0x08u        // runs as an async callback
#define VSUB_MOVES_PACKET 0x10u // it, or what it calls, may change packet pointers
#define VSUB_SLEEPS 0x20u
#define VSUB_ATOMIC 0x40u       // it, or what it calls, has atomic instructions

#define VLOOP_METERED 0x1u // its turns are counted
#define VLOOP_HELD 0x2u    // something is held while it turns
#define VLOOP_GLOBAL 0x4u  // it turns in a function that is walked without its callers

/// count zeroed words, or scalars of any content, until the next call; NULL: no memory. For normalise.c and merge.c.
uint32_t *verifier_scratch(verifier *v, uint32_t count);
pst_scalar *verifier_scalars(verifier *v, uint32_t count);

/// Records a finding about register reg (-1: none) at the current instruction. Returns VSTEP_REJECT. text is one sentence without "instruction N".
vstep vreject(verifier *v, pst_finding_kind kind, int reg, const char *fmt, ...) PST_PRINTF(4, 5);
/// Adds to the finding just recorded.
void vneeded(verifier *v, const char *fmt, ...) PST_PRINTF(2, 3);
void vknown(verifier *v, const vstate *s, const vvalue *value);
void vhint(verifier *v, const char *fmt, ...) PST_PRINTF(2, 3);
/// "r3", "the context pointer", "a number" ...: names of kinds for sentences.
const char *vkind_text(const vstate *s, const vvalue *value);
/// Out of memory in a step.
vstep vnomem(verifier *v);

/// Notes whether the fact (PST_FACT_*) holds this time at the current instruction; it is handed out only if it held every time.
PST_INLINE void vfact(verifier *v, uint8_t fact, bool holds)
{
    if (holds) v->fact_flags[v->pc] |= fact;
    else v->fact_denied[v->pc] |= fact;
}

// --- facts.c: what else is handed to engines --------------------------------------------------------------------------------

PST_MUST_USE bool vfacts_alloc(verifier *v);
void vfacts_reset(verifier *v); // before an attempt
/// The call at v->pc gets map index (VFLOW_NONE: none, or an inner map) and the constant key (-1: unknown).
void vfacts_call(verifier *v, uint32_t map, int64_t key);
/// After the instruction, if somebody asked for values.
void vfacts_value(verifier *v, const vstate *s, const pst_insn *insn);
/// Before a 32-bit operation on numbers, likewise.
void vfacts_operands(verifier *v, pst_scalar_op op, const pst_scalar *a, const pst_scalar *b);
/// Copies all facts into arena.
PST_MUST_USE pst_status vfacts_keep(const verifier *v, pst_arena *arena, pst_facts *out);

// --- engine.c -----------------------------------------------------------------------------------------------------

/// Hands a state that goes on at pc (the start of a block) to the engine, which takes s (and frees it).
vstep vengine_arrive(verifier *v, vstate *s, uint32_t pc);
/// The same with a copy of s; s stays the caller's. For forks: the copy goes one way, s the other.
vstep vengine_fork(verifier *v, const vstate *s, uint32_t pc);
/// An async callback (timer, work queue) to be verified with this initial state, which the engine takes.
vstep vengine_async(verifier *v, vstate *s);

// --- step.c -------------------------------------------------------------------------------------------------------

/// Interprets the instruction at v->pc on s.
vstep vstep_insn(verifier *v, vstate *s, const pst_insn *insn);
/// A register that the instruction reads: VSTEP_REJECT if it is uninitialised.
vstep vstep_use(verifier *v, vstate *s, unsigned reg);
vstep vstep_alu(verifier *v, vstate *s, const pst_insn *insn);    // ALU, SWAP
vstep vstep_branch(verifier *v, vstate *s, const pst_insn *insn); // BRANCH; hands both ways to the engine
/// The value of a register; r10 gives the frame pointer.
vvalue vreg(const vstate *s, unsigned reg);
void vreg_set(vstate *s, unsigned reg, vvalue value); // reg is not r10

// --- memory.c: loads, stores, atomics, and memory arguments of calls --------------------------------------------------------

vstep vmem_load(verifier *v, vstate *s, const pst_insn *insn);   // LOAD, LOAD_ACQUIRE
vstep vmem_store(verifier *v, vstate *s, const pst_insn *insn);  // STORE, STORE_RELEASE
vstep vmem_atomic(verifier *v, vstate *s, const pst_insn *insn);
vstep vmem_legacy(verifier *v, vstate *s, const pst_insn *insn);

#define VMEM_READ 1u
#define VMEM_WRITE 2u
#define VMEM_UNINIT 4u // a write that makes the bytes initialised (output argument): they need not be before
#define VMEM_PACKET_OK 8u // packet memory is allowed as an argument (read; written only where the type's packets are writable)
#define VMEM_ZERO_OK 16u  // size may be 0
#define VMEM_NULL_OK 32u  // with a size that may be 0, the pointer may be the number 0
#define VMEM_OBJECT 64u   // the call makes a dynptr, an iterator or saved flags there: a dynptr that holds nothing may be overwritten
/// Checks that the call at v->pc may access the memory at register reg: size bytes, whose least and greatest value are given. Written bytes become
/// unknown numbers.
vstep vmem_argument(verifier *v, vstate *s, unsigned reg, uint64_t size_min, uint64_t size_max, uint32_t access);
/// Whether the pointer is known to be a multiple of size (a power of two, at most 8), if that is so of memory that calls hand over.
bool vmem_aligned(const vstate *s, const vvalue *ptr, uint64_t size);
/// The constant bytes of read-only memory (a frozen map of read-only data) at value; NULL when not known. *left: how many follow.
const uint8_t *vmem_constant(const verifier *v, const vstate *s, const vvalue *value, uint64_t *left);
/// Stack bytes [off, off + size) of frame become unknown but initialised numbers.
void vstack_clobber(verifier *v, vstate *s, uint32_t frame, int64_t off, uint64_t size);
/// Makes room: the cell with the given slot exists (cells below it uninitialised). Never NULL for slot < VCELLS.
vcell *vstack_cell(vstate *s, uint32_t frame, uint32_t slot);

// --- call*.c: calls --------------------------------------------------------------------------------------------------

vstep vcall(verifier *v, vstate *s, const pst_insn *insn);  // CALL of every kind
vstep vexit(verifier *v, vstate *s);                        // EXIT: of the program, a subprogram, a callback
/// A legacy load whose bytes are not there: on Linux it is the end of the function, which returns 0.
vstep vcall_early_return(verifier *v, const vstate *s);
/// Before the walk: what BTF says of global functions, and which subprograms move packets or sleep.
PST_MUST_USE pst_status vcall_prepare(verifier *v);
/// The state at the entry of v->entry_subprog (main program or global function). NULL: v->finding or v->status says why.
vstate *vcall_entry(verifier *v);
/// Once everything is walked: global functions that were called and are not yet verified. VFLOW_NONE: none left.
uint32_t vcall_next_global(const verifier *v);
/// Whether callback frames that return to the call at pc have been bounded by the callback's own meaning (they always are).
vstep vcall_stack_check(verifier *v); // stack depth of every chain of calls

#endif
