// guess.h: where it matters that a processor may have guessed a branch wrong (PST_JIT_MASK; README.md, "Wrong guesses"). Internal to src/jit.
#ifndef PST_JIT_GUESS_H
#define PST_JIT_GUESS_H

#include "jit/back_end.h"

/// Whether the access at pc may be elsewhere in its object, or beyond it, where a branch before was guessed wrong.
bool jit_is_moved(const jit_unit *unit, const pst_insn *insn, uint32_t pc);
/// Whether insn leaves the program for C code.
bool jit_calls_out(const pst_insn *insn);

/// Whether nobody knows behind insn whether the way is right unless everything waits: C code has branches of its own.
bool jit_settles_guesses(const jit_unit *unit, const pst_insn *insn, uint32_t pc);

/// JIT_GUESS_* of slot pc.
PST_INLINE uint8_t jit_guesses_at(const jit_unit *unit, uint32_t pc) { return unit->guesses && pc < unit->image->count ? unit->guesses[pc] : 0; }

/// Fills unit->guesses, asks and masks_result, where masks are wanted.
PST_MUST_USE pst_status jit_find_guesses(jit_unit *unit);

/// What the optimiser may use for unit: the register for wrong guesses is left to the back end.
jit_machine jit_machine_for(const jit_back_end *back_end, const jit_unit *unit);

#endif
