// unwind_info.h: how Windows gets out of our functions: RUNTIME_FUNCTION and UNWIND_INFO, made from their prologues.
//
// Prologues have one form (stack_frame.c), which is read back from the code: so this works for code from a file as well, and nobody has to
// remember frames. It holds from the end of the prologue to the epilogue. What all functions share (rare ways, the way out) has no data
// of its own, or that of the last function: no call and no access is there.
// Source: Microsoft, "x64 exception handling".
#ifndef PST_JIT_X64_UNWIND_INFO_H
#define PST_JIT_X64_UNWIND_INFO_H

#include "jit/unwind.h"

/// Bytes that x64_unwind_write writes at most.
uint32_t x64_unwind_bound(uint32_t functions);
/// Writes UNWIND_INFOs to out, and behind them, at *table, one RUNTIME_FUNCTION for each function and the stub, ascending; returns how many of those.
/// code_rva and out_rva: what is added to offsets in the code, and to offsets in out, to make addresses relative to the image or table base.
uint32_t x64_unwind_write(const jit_places *places, uint32_t code_rva, uint32_t out_rva, uint8_t *out, uint32_t *table);

#endif
