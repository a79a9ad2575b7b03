// arm64_select.h: from eBPF instructions to machine instructions: what the arm64_select*.c files share.
//
// arm64_select.c walks a program once and hands each instruction to the file of its family. A handler may look ahead and take more than one
// instruction (s->taken); it never looks back. Order inside a handler: claim what will be written, find the register operands, make the memory
// operand, emit, say what was written. Instructions have a destination of their own here: operands stay where they are (arm64_plain_of), and only
// the last instruction that a handler emits writes dst.
#ifndef PST_JIT_ARM64_SELECT_H
#define PST_JIT_ARM64_SELECT_H

#include "jit/arm64/arm64_stack_frame.h"
#include "jit/arm64/arm64_value.h"

// Code behind the program that ends the run with trap at pc.
typedef struct arm64_cold {
    arm64_label from;
    uint32_t pc;
    uint8_t trap; // pst_trap_code
} arm64_cold;

typedef struct arm64_select {
    arm64_state state;
    const jit_unit *unit;
    const jit_func *func;
    arm64_frame frame; // of func
    bool entered_here; // func is the program's entry and has the prologue of a C function
    bool leaf;         // no function of the program calls anything: x30 and sp are the entry's everywhere
    arm64_reg run;     // where pst_run * is
    unsigned features; // ARM64_LSE
    uint32_t harden;    // PST_JIT_*
    jit_chance *place;  // random placement; NULL: none
    uint32_t until_nop; // instructions until one that does nothing
    uint32_t pc;
    uint32_t taken;    // slots that the last handler took
    bool closed;       // its fall-through is proved dead
    arm64_label unwind; // ends the run with r0 = 0
    arm64_label calls;  // labels of the functions, in the order of unit->funcs; those of slots are before them
    bool by_stub;       // C enters the program through the stub
    arm64_cold *colds;
    size_t cold_capacity;
    uint32_t cold_count;
    uint64_t test_mask; // not 0: the branch that comes now compares dst & test_mask with 0, which was not computed
} arm64_select;

void arm64_select_alu(arm64_select *x, const pst_insn *insn);
void arm64_select_divide(arm64_select *x, const pst_insn *insn);
void arm64_select_shift(arm64_select *x, const pst_insn *insn, arm64_shift op);
/// Whether dst op= src joins the two halves of a rotation; it is done then.
bool arm64_select_rotate(arm64_select *x, const pst_insn *insn);
void arm64_select_swap(arm64_select *x, const pst_insn *insn);
void arm64_select_load(arm64_select *x, const pst_insn *insn);
void arm64_select_store(arm64_select *x, const pst_insn *insn);
void arm64_select_atomic(arm64_select *x, const pst_insn *insn);
void arm64_select_legacy(arm64_select *x, const pst_insn *insn);
void arm64_select_jump(arm64_select *x, const pst_insn *insn);
void arm64_select_branch(arm64_select *x, const pst_insn *insn);
void arm64_select_choice(arm64_select *x, const pst_insn *insn); // JIT_KIND_SELECT
void arm64_select_may_goto(arm64_select *x, const pst_insn *insn);
void arm64_select_call(arm64_select *x, const pst_insn *insn);

/// reg = off bytes into the values of the map with this index, where code is bound later.
void arm64_load_values(arm64_select *x, unsigned reg, uint32_t map, uint64_t off);

/// Where a branch goes that ends the run with a trap of this instruction.
arm64_label arm64_trap_label(arm64_select *x, pst_trap_code code);
/// Ends the run here.
PST_INLINE void arm64_trap_here(arm64_select *x, pst_trap_code code) { arm64_jump(x->state.code, arm64_trap_label(x, code)); }
/// The second operand, if it is a constant: at 32 bits without an upper half.
bool arm64_const_operand(const arm64_select *x, const pst_insn *insn, uint64_t *out);
/// Whether reg's value is below 2^32.
PST_INLINE bool arm64_upper_is_zero(const arm64_select *x, unsigned reg) { return (x->state.zero_upper & JIT_REG(reg)) != 0; }

/// The operands of dst = dst op src at width bits; see arm64_operand_of. Claim dst before.
void arm64_operands(arm64_select *x, const pst_insn *insn, bool logical, arm64_reg *a, arm64_operand *b);
/// dst's machine register was just written.
PST_INLINE void arm64_wrote_dst(arm64_select *x, const pst_insn *insn) { arm64_wrote(&x->state, insn->dst, insn->width == 32); }

/// After a call: r0 to r5 are gone, and the result is in x0, which is r1's. r0 becomes a copy of it.
void arm64_result(arm64_select *x);
/// Function results: r0's value goes to x0.
void arm64_pass_result(arm64_select *x);

/// The instruction after n more slots, if it is certain to run after this one and nothing jumps to it; else NULL.
const pst_insn *arm64_follower(const arm64_select *x, uint32_t n);

// Places in pst_run, from its register.
#define RUN_FIELD(x, member) arm64_at((x)->run, (int32_t)offsetof(pst_run, member))

#endif
