// select.h: from eBPF instructions to machine instructions: what the select*.c files share.
//
// select.c walks a program once and hands each instruction to the file of its family. A handler may look ahead and take more than one
// instruction (s->taken); it never looks back. Order inside a handler: claim what will be written, settle register operands, make the memory
// operand, emit, say what was written.
#ifndef PST_JIT_X64_SELECT_H
#define PST_JIT_X64_SELECT_H

#include "jit/machine.h"
#include "jit/x64/stack_frame.h"
#include "jit/x64/value.h"

#define X64_LOOP_ALIGN 16u

// Code that is seldom run, put behind the program.
typedef enum x64_cold_kind {
    COLD_ZERO,     // reg = 0, back
    COLD_NARROW,   // reg = its low half, back
    COLD_TRAP,     // the run ends with trap at pc
    COLD_MAY_GOTO, // no turns are left: stays so; to back
    COLD_GUESS,    // nothing but what a wrong guess does; to back
} x64_cold_kind;

typedef struct x64_cold {
    x64_label from, back;
    uint32_t pc;
    uint8_t kind; // x64_cold_kind
    uint8_t reg;
    uint8_t trap;
    uint8_t cc;    // with guesses: it is a wrong guess that came here while the flags say so
    bool guesses;
} x64_cold;

typedef struct x64_select {
    x64_state state;
    const jit_unit *unit;
    const jit_func *func;
    x64_frame frame; // of func
    bool entered_here; // func is the program's entry and has the prologue of a C function
    unsigned features; // X64_BMI2, X64_MOVBE
    uint32_t pc;
    uint32_t taken;    // slots that the last handler took
    bool closed;       // its fall-through is proved dead
    x64_label unwind;  // ends the run with r0 = 0
    x64_label calls;   // labels of the functions, in the order of unit->funcs; those of slots are before them
    uint32_t harden;   // PST_JIT_*
    uint32_t meter_turns;
    jit_chance *place; // NULL: functions begin where they happen to
    uint32_t until_nop; // instructions before the next one that is only there to move what follows
    uint8_t guess;     // select_guess.c: machine register that is 0 after a wrong guess; NO_REG: there is none
    bool moved;        // a wrong guess can move the memory operand, and guess is to stop it
    uint32_t *pads;    // per slot: the branch to it, + 1, whose guess is looked at right in front of it; 0: none
    x64_label pad_labels; // of slot 0's
    bool by_stub;      // C enters the program through the stub
    x64_cold *colds;
    size_t cold_capacity;
    uint32_t cold_count;
    x64_cold spare; // where there is no memory
} x64_select;

void x64_select_alu(x64_select *x, const pst_insn *insn);
void x64_select_divide(x64_select *x, const pst_insn *insn);
void x64_select_swap(x64_select *x, const pst_insn *insn);
/// Whether a rotate begins here; it is emitted then.
bool x64_select_rotate(x64_select *x, const pst_insn *insn);
void x64_select_load(x64_select *x, const pst_insn *insn);
void x64_select_store(x64_select *x, const pst_insn *insn);
void x64_select_atomic(x64_select *x, const pst_insn *insn);
void x64_select_legacy(x64_select *x, const pst_insn *insn);
void x64_select_jump(x64_select *x, const pst_insn *insn);
void x64_select_branch(x64_select *x, const pst_insn *insn);
void x64_select_select(x64_select *x, const pst_insn *insn);
void x64_select_may_goto(x64_select *x, const pst_insn *insn);
void x64_select_call(x64_select *x, const pst_insn *insn);

x64_cc x64_cc_of(pst_jump_op op);

// select_guess.c: PST_JIT_MASK.
/// Chooses the register. After unit and abi are set.
PST_MUST_USE pst_status x64_guess_init(x64_select *x);
/// At an entry from C: all is well so far.
void x64_guess_enter(x64_select *x);
/// Everything before is decided from here on.
void x64_guess_wait(x64_select *x);
/// Around each instruction.
void x64_guess_before(x64_select *x, const pst_insn *insn);
void x64_guess_after(x64_select *x, const pst_insn *insn);
/// In front of slot pc, which jumps land on.
void x64_guess_pad(x64_select *x);
/// Where a branch to target on cc has to go; and behind it, where it goes on at slot other.
x64_label x64_guess_taken(x64_select *x, x64_cc cc, uint32_t target);
void x64_guess_other(x64_select *x, x64_cc cc, uint32_t other);
/// Whether anybody at slot pc or behind asks.
bool x64_guess_asks(const x64_select *x, uint32_t pc);
/// In the code of the instruction itself: this is the wrong way where cc says so; cold code that is entered by the opposite.
void x64_guess_wrong_if(x64_select *x, x64_cc cc, x64_cold *cold);
void x64_guess_cold(x64_select *x, const x64_cold *cold);
/// mem, or the same by scratch where a wrong guess could move it. Emits; right before the access.
x64_mem x64_guess_operand(x64_select *x, x64_mem mem, x64_reg scratch);
/// insn has loaded reg: it is 0 on a wrong way, if that matters.
void x64_guess_value(x64_select *x, const pst_insn *insn, unsigned reg);
/// So is what main returns.
void x64_guess_result(x64_select *x);
/// The arguments of a C function that is called next are 0 on a wrong way.
void x64_guess_arguments(x64_select *x);
/// The instruction has branches of its own, which nobody looked at: they are decided from here on, if anybody asks.
void x64_guess_settle(x64_select *x);

/// reg = off bytes into the values of the map with this index, where code is bound later.
void x64_load_values(x64_select *x, unsigned reg, uint32_t map, uint64_t off);

/// A new piece of cold code, entered at .from; the caller fills in the rest. Never NULL.
x64_cold *x64_cold_new(x64_select *x, x64_cold_kind kind);
/// Ends the run here.
void x64_trap_here(x64_select *x, pst_trap_code code);
/// After a call of a C function: r0 to r5 are gone.
void x64_forget_caller_regs(x64_select *x);

/// The instruction after n more slots, if it is certain to run after this one and nothing jumps to it; else NULL.
const pst_insn *x64_follower(const x64_select *x, uint32_t n);

// Places in pst_run, from its register.
#define RUN_FIELD(member) x64_at(RUN, (int32_t)offsetof(pst_run, member))

#endif
