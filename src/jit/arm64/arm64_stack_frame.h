// arm64_stack_frame.h: what functions put on the stack.
//
//   kept registers
//   caller's x29, return address   <- x29 = r10, if there is a record
//   stack of the program           <- sp
//
// A function has a record when it calls anything or uses r10. Without one it keeps what it must in the same order.
#ifndef PST_JIT_ARM64_STACK_FRAME_H
#define PST_JIT_ARM64_STACK_FRAME_H

#include "jit/arm64/arm64_emit.h"
#include "jit/unit.h"

typedef struct arm64_frame {
    bool has_record;
    uint32_t stack_bytes; // below the record, a multiple of 16
    uint32_t kept;        // registers that are saved
} arm64_frame;

/// The frame of an ordinary function, or of one that C calls (entry): that keeps what C wants kept. leaf: no function of the program calls anything.
arm64_frame arm64_frame_of(const jit_unit *unit, const jit_func *func, const arm64_abi *abi, bool entry, bool leaf);
/// The frame of the stub through which C calls any function of a program.
arm64_frame arm64_frame_of_stub(const arm64_abi *abi);
void arm64_frame_enter(arm64_code *code, const arm64_frame *frame);
/// Back to the caller. sp_intact: sp is where frame_enter left it; else only x29 is.
void arm64_frame_leave(arm64_code *code, const arm64_frame *frame, bool sp_intact);

#endif
