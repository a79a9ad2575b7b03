// unit.h: a program while it is compiled, and what analyse.c finds out about it before. Internal to this folder.
//
// Nothing here knows a machine: every back end reads the same unit.
#ifndef PST_JIT_UNIT_H
#define PST_JIT_UNIT_H

#include "jit/jit.h"

#define JIT_ALL_REGS 0xffffu // a set of registers: bit n is rn; those behind r10 are the optimiser's (machine.h)
#define JIT_REG(n) ((uint16_t)(1u << (n)))
#define JIT_CALLER_REGS 0x3fu // r0 to r5: a call destroys them

#define JIT_TARGET 0x1u    // jumps land here: nothing is known of what registers hold beyond their values
#define JIT_LOOP_HEAD 0x2u // one of them comes from behind

// Where it matters that a processor may have guessed a branch wrong: guess.h.
#define JIT_GUESS_ASKED 0x1u // something here or behind, before everything waits for the branches, depends on that they were guessed right
#define JIT_GUESS_VALUE 0x2u // what the instruction loads is to be masked
#define JIT_GUESS_BOUNDED 0x4u // the access stays in an array on every way (bound.h)

typedef struct jit_func {
    uint32_t start, end;  // slots
    uint16_t written;     // registers that its instructions write
    uint16_t stack_bytes; // below r10, a multiple of 8. 0: r10 is not used
    bool has_frame;       // r10 is needed, or a link of the chain of frames
    bool calls;           // anything: a subprogram, a helper, a function of the engine
    uint32_t callers;     // places that call it or take its address
} jit_func;

/// Registers that an instruction reads and writes. A call writes all that it may destroy.
typedef struct jit_effect {
    uint16_t uses, defs;
} jit_effect;

typedef struct jit_unit {
    const pst_env *env;
    const pst_image *image;  // what is compiled: source, or what the optimiser made of it, with the same subprograms in the same order
    const pst_image *source; // what was loaded
    const uint32_t *origins; // per slot of image: the slot of source that it comes from; NULL: the same
    const pst_bindings *bindings;
    const pst_facts *facts; // may be NULL
    uint32_t harden;        // PST_JIT_BLIND and so on
    bool walkable;          // every function has a frame
    uint32_t meter_turns;   // of all loops without a proved bound together, at most INT32_MAX
    jit_effect *effects;    // per slot
    uint16_t *live;         // per slot: registers whose value is used after it
    uint16_t entry_live;    // at the program's entry
    uint8_t *marks;         // per slot: JIT_*
    uint8_t *guesses;       // PST_JIT_MASK: per slot, JIT_GUESS_*; NULL without
    bool asks;              // any slot has one
    bool masks_result;      // what main returns may be of a load that nothing masks
    jit_func *funcs;        // as image->subprogs
    uint16_t written;       // by any of them
    bool has_frames;        // any of them has one
    bool counts_depth;      // calls are not bounded by the program's shape
    bool main_is_called;    // by a subprogram, or as a callback
    bool calls_back;        // calls a helper that calls back
    bool reads_stack;       // calls a helper that asks whether an address may be read
    bool has_may_goto;
    bool has_metered;       // jumps that are counted
    bool needs_run;         // something in it uses pst_run, or can fault
} jit_unit;

PST_INLINE uint8_t jit_facts_at(const jit_unit *unit, uint32_t pc)
{
    return unit->facts && unit->facts->flags ? unit->facts->flags[pc] : 0;
}
PST_INLINE bool jit_is_dead(const jit_unit *unit, uint32_t pc) { return (jit_facts_at(unit, pc) & PST_FACT_DEAD) != 0; }

/// The slot of the loaded program that pc comes from: what traps name.
PST_INLINE uint32_t jit_origin(const jit_unit *unit, uint32_t pc) { return unit->origins ? unit->origins[pc] : pc; }
/// The value of an IMM64_FUNC at pc: it names the function by its slot in the loaded program.
uint64_t jit_function_value(const jit_unit *unit, const pst_insn *insn, uint32_t pc);

/// Whether the access at pc is one of the context; its base register is then *base_off after the context's start.
bool jit_is_context(const jit_unit *unit, uint32_t pc, int32_t *base_off);

/// An access of the context in the provider's own struct: size bytes at off from the base register; 0 bytes: nothing is there (a narrow part of a
/// field whose native one is smaller).
typedef struct jit_access {
    int32_t off;
    uint32_t size;
    bool whole; // a pointer, or a field: its native size, whatever the ABI's
} jit_access;

/// Translates the load or store insn of the context. False: there is no such access.
bool jit_context_access(const jit_unit *unit, const pst_insn *insn, int32_t base_off, jit_access *out);

/// The array that the call at pc is known to look a value up in, whose values are at fixed addresses; NULL: it is no such call.
const pst_map_view *jit_known_array(const jit_unit *unit, uint32_t pc, const pst_fact_call **fact);
/// The function to call for the lookup at pc with the map and the key, instead of the helper; 0: there is none. Good only while the map lives.
uintptr_t jit_direct_lookup(const jit_unit *unit, uint32_t pc);

/// Registers that a function reads before it writes them.
uint16_t jit_live_in(const jit_unit *unit, uint32_t subprog);

/// The helper that a program can call under id, or NULL.
const pst_helper *jit_helper(const pst_bindings *bindings, int64_t id);
/// The helper or kfunc that a call instruction means, or NULL.
const pst_helper *jit_callee(const pst_bindings *bindings, const pst_insn *insn);

/// PST_JIT_MASK, for a back end that only waits: whether nothing may run at insn, which is at pc, before every branch in front of it is decided: what it
/// touches may be elsewhere where one was guessed wrong. After a call of a C function the same holds for what it returned.
bool jit_wants_barrier(const jit_unit *unit, const pst_insn *insn, uint32_t pc);

/// What opts, which may be NULL, allow for meter_turns.
PST_INLINE uint32_t jit_meter_turns(const pst_jit_opts *opts)
{
    uint64_t turns = opts && opts->meter_turns ? opts->meter_turns : PST_METER_TURNS;
    return turns < INT32_MAX ? (uint32_t)turns : INT32_MAX;
}

/// Fills the unit's analysis. PST_E_UNSUPPORTED after a sentence for what no back end compiles. jit_unit_free in any case.
PST_MUST_USE pst_status jit_analyse(jit_unit *unit);
void jit_unit_free(jit_unit *unit);

#endif
