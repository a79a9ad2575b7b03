// ir.h: the form that the optimiser works on: a function as blocks of values in static single assignment form. Internal to this folder.
//
// A value is one instruction and what it computes. It is assigned once, so "which definition is this?" has one answer everywhere, and a pass
// that has found a better value for another says so once (opt_replace). Where control flow joins, a phi has one argument per predecessor.
// A value is described by the pst_insn that it came from: kind, op, width, flags, off and imm mean what isa.h says; registers are replaced by args.
//
//   kind                  args
//   ALU                   a, b; or a with PST_INSN_IMM or of one operand. Moves of 64 bits do not exist: their source is meant
//   SWAP                  a
//   LOAD, LOAD_ACQUIRE    base
//   STORE, STORE_RELEASE  base, value; or base with PST_INSN_IMM
//   ATOMIC                base, operand; CMPXCHG: base, operand, expected
//   CALL                  what the callee reads, r1 first; registers in mask. REGISTER: the callee's address comes last
//   LEGACY_LOAD           the offset, for IND
//   BRANCH                a, b; or a with PST_INSN_IMM. To succs[0] where the comparison holds, else to succs[1]
//   JUMP, MAY_GOTO        none. MAY_GOTO: to succs[0] when the turns are used up
//   EXIT                  r0
//
// Everything is allocated in the arena of one compilation, in which nothing is freed.
#ifndef PST_JIT_OPT_IR_H
#define PST_JIT_OPT_IR_H

#include "base/arena.h"
#include "domain/tnum.h"
#include "jit/opt/opt.h"

// Kinds of values that no eBPF instruction has, numbered behind pst_kind.
enum {
    OPT_CONST = 0x40, // the number imm
    OPT_ADDRESS,      // an IMM64 that is no number: op and imm as there; FUNC: imm is the number of the subprogram
    OPT_FRAME,        // r10 + imm
    OPT_PARAM,        // the register dst as it was at the function's entry
    OPT_PHI,          // args: one per predecessor of its block
    OPT_DEAD,         // no run gets here: ends a block
    OPT_SELECT,       // a (c, d), or with PST_INSN_IMM (c): the comparison op of args 0 and 1 (or of 0 and imm) chooses between the last two
    OPT_COPY,         // args[0]. In SSA: what went to the stack or comes from there, so that it can be somewhere else than in its register
};

// Where a mistake can be planted, to see tests find it (tests/diff/opt_plant_test.c).
#ifdef PST_OPT_PLANTED
extern int opt_planted;
#define OPT_PLANT(n) (opt_planted == (n))
#else
#define OPT_PLANT(n) false
#endif

#define OPT_VALUES_MAX 65536u // of one function
#define OPT_NO_WEB UINT32_MAX
#define OPT_FIXED JIT_REGS_MAX // webs below are registers

typedef struct opt_value opt_value;
typedef struct opt_block opt_block;
typedef struct opt_loop opt_loop;

struct opt_value {
    pst_insn insn;
    opt_value **args;
    uint32_t arg_count;
    uint32_t id;
    uint32_t origin;  // slot of the source
    uint8_t facts;    // PST_FACT_*, as they hold for this value
    uint8_t hint;     // the register that it had
    uint16_t mask;    // CALL: registers that hold the arguments
    opt_value *same;  // replaced by; NULL: lives
    opt_value *prev, *next;
    opt_block *block; // NULL: removed
    pst_tnum bits;    // what is known of the number
    uint32_t uses;    // opt_count_uses
    uint32_t web;     // after SSA: the variable that it is assigned to
    bool as_origin;   // its number is that of its origin's dst: facts about that hold
    bool spare;       // opt_func.spare: no list takes it
};

struct opt_block {
    uint32_t id; // in the order of the code
    opt_value *first, *last; // last ends the block
    opt_block *succs[2];
    opt_block **preds;
    uint32_t pred_count, pred_capacity;
    opt_block *idom;      // immediate dominator; the entry's is itself
    uint32_t order;       // reverse postorder; UINT32_MAX: not reached
    uint32_t dom_in, dom_out; // first and last number of its subtree of dominators: a dominates b if a's interval holds b's
    uint32_t dom_next;        // for flow.c: where the interval of the next child begins
    opt_loop *loop;       // the innermost one, or NULL
    opt_value **defs;     // while SSA is built: what variables hold at the end
    // Where it comes from, while the function is built.
    const struct opt_instance *instance;
    uint32_t start, end;
};

struct opt_loop {
    opt_block *head;
    opt_loop *parent;
    uint32_t depth; // 1: outermost
    bool calls;     // something in it calls
};

typedef struct opt_func {
    pst_arena *arena;
    const jit_unit *unit;
    const jit_machine *machine;
    uint32_t index;         // of the subprogram
    opt_block **blocks;     // in the order of the code; [0] is the entry
    size_t block_capacity;  // arena: by doubling
    uint32_t block_count;
    opt_block **order;      // reached blocks in reverse postorder
    uint32_t order_count;
    uint32_t value_count;   // ids given out
    uint32_t frame_bytes;   // stack in use, below r10
    uint32_t work;          // what passes have done: opt_work
    bool failed;            // no memory, or a limit was reached: the result is void
    uint32_t web_count;     // webs given out, registers included
    opt_value *fixed[OPT_FIXED]; // what registers stand for as arguments, once there are webs
    opt_value *spare;       // what passes get when there is no memory: it can be written and read, and is good for nothing
} opt_func;


// --- Values ---------------------------------------------------------------------------------------------------

#define OPT_ARGS_MAX 8u // but for phis

/// Empty, but for memory in its arena. False: there is none.
PST_MUST_USE bool opt_func_init(opt_func *func);
/// A new value that is in no block yet, with its args still to be set. Never NULL: see opt_func.spare.
opt_value *opt_value_new(opt_func *func, unsigned kind, uint32_t arg_count);
/// A phi at the beginning of block, its args NULL. Never NULL; the spare has no args.
opt_value *opt_phi_new(opt_func *func, opt_block *block);
opt_value *opt_const(opt_func *func, uint64_t number, uint32_t origin);
void opt_append(opt_block *block, opt_value *value);
void opt_prepend(opt_block *block, opt_value *value);
void opt_insert_before(opt_value *place, opt_value *value);
void opt_remove(opt_value *value);
/// Every use of old is one of value from now on. (They are rewritten by opt_resolve_all.)
void opt_replace(opt_value *old, opt_value *value);
opt_value *opt_resolve(opt_value *value);
void opt_resolve_all(opt_func *func);
void opt_count_uses(opt_func *func);

PST_INLINE bool opt_is_const(const opt_value *v) { return v->insn.kind == OPT_CONST; }
PST_INLINE bool opt_has_imm(const opt_value *v) { return (v->insn.flags & PST_INSN_IMM) != 0; }
PST_INLINE bool opt_is_i32(uint64_t number) { return (uint64_t)(int64_t)(int32_t)(uint32_t)number == number; }
/// Computes a number from its arguments and nothing else, and can be computed any time they are there.
bool opt_is_pure(const opt_value *v);
/// Whether the value is a number that somebody may use.
bool opt_has_result(const opt_value *v);
/// Ends its block.
bool opt_is_end(const opt_value *v);

// --- Blocks ---------------------------------------------------------------------------------------------------

opt_block *opt_block_new(opt_func *func);
void opt_add_edge(opt_func *func, opt_block *from, unsigned which, opt_block *to);
/// Takes from's edge to its successor away, with the arguments of phis there.
void opt_cut_edge(opt_block *from, unsigned which);
PST_INLINE unsigned opt_succ_count(const opt_block *block) { return (block->succs[0] ? 1u : 0u) + (block->succs[1] ? 1u : 0u); }

/// Order, dominators and loops. Blocks that are not reached any more lose their edges.
void opt_flow(opt_func *func);
PST_INLINE bool opt_dominates(const opt_block *a, const opt_block *b) { return a->dom_in <= b->dom_in && b->dom_out <= a->dom_out; }

/// False once a compilation has used up its budget: then func->failed.
bool opt_work(opt_func *func, uint32_t amount);

#define OPT_EACH_BLOCK(b, func) for (uint32_t b##_i = 0; b##_i < (func)->order_count; b##_i++) for (opt_block *b = (func)->order[b##_i]; b; b = NULL)
#define OPT_EACH_VALUE(v, block) for (opt_value *v = (block)->first, *v##_next; v && (v##_next = v->next, true); v = v##_next)

// --- Passes: each takes a function that is resolved, and leaves one ---------------------------------------------

/// build.c: the function of that number, with the calls that are worth it replaced by what they call.
void opt_build(opt_func *func);
/// promote.c: stack whose address nobody else has becomes values.
void opt_promote(opt_func *func);
/// fold.c: constants, identities, known bits. opt_fold_value: what v is the same as, perhaps itself.
void opt_fold(opt_func *func);
opt_value *opt_fold_value(opt_func *func, opt_value *v);
void opt_simplify_phis(opt_func *func);
/// bits.c: what is known of the number that v computes, from its arguments.
pst_tnum opt_bits_of(const opt_func *func, const opt_value *v);
/// number.c: values that are computed twice.
void opt_number(opt_func *func);
/// select.c: short branches around a move.
void opt_select(opt_func *func);
/// hoist.c: what loops compute again and again.
void opt_hoist(opt_func *func);
/// sweep.c: what nobody uses; blocks without purpose.
void opt_sweep(opt_func *func);

// --- After SSA ------------------------------------------------------------------------------------------------

/// What an instruction does with webs, once there are some.
typedef struct opt_effect {
    uint32_t uses[4];
    unsigned use_count;
    uint32_t def;            // OPT_NO_WEB: none
    uint16_t reads, writes;  // registers
    bool copies;             // from uses[0], or from the one register in reads
} opt_effect;
opt_effect opt_effect_of(const opt_func *func, const opt_value *v);

/// copies.c: from SSA to instructions of two operands: phis become copies, calls take and leave what they do in registers, constants are
/// made where they are used. Each web is a variable with any number of assignments.
void opt_copies(opt_func *func);
uint32_t opt_web_new(opt_func *func);
/// A base that is an address in the frame needs no register.
bool opt_is_frame_base(const opt_value *v, uint32_t arg);
/// A copy of a constant, to be placed.
opt_value *opt_clone(opt_func *func, const opt_value *v);

/// allocate.c: a register for every web, or a place on the stack and copies from and to it. *colors: a register per web, in the arena. NULL: it failed.
const uint8_t *opt_allocate(opt_func *func);

#endif
