// stack_frame.h: what functions put on the stack.
//
//   with a frame (r10 is used)           without
//   return address                       return address
//   caller's rbp     <- rbp = r10        kept registers
//   stack of the program, padding        padding
//   kept registers                       room for calls   <- rsp
//   room for calls   <- rsp
//
// Prologues have this one form, which unwind_info.c reads back.
#ifndef PST_JIT_X64_STACK_FRAME_H
#define PST_JIT_X64_STACK_FRAME_H

#include "jit/unit.h"
#include "jit/x64/emit.h"

typedef struct x64_frame {
    bool has_rbp;
    uint32_t stack_bytes; // between rbp and the kept registers
    uint16_t kept;        // registers that are pushed, ascending
    uint32_t below_bytes; // between the kept registers and rsp
} x64_frame;

/// The frame of an ordinary function, or of one that C calls (entry): that keeps what C wants kept. more: registers that it keeps besides.
x64_frame x64_frame_of(const jit_unit *unit, const jit_func *func, const x64_abi *abi, bool entry, uint16_t more);
/// The frame of the stub through which C calls any function of a program.
x64_frame x64_frame_of_stub(const x64_abi *abi);
void x64_frame_enter(x64_code *code, const x64_frame *frame);
/// From the frame's rsp to the caller. rbp_intact: rbp is still the frame's, which makes this shorter.
void x64_frame_leave(x64_code *code, const x64_frame *frame, bool rbp_intact);

#endif
