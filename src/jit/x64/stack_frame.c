// stack_frame.c: see stack_frame.h. Calls need rsp on a multiple of 16; at a function's entry it is 8 off, for the return address.
#include "jit/x64/stack_frame.h"

#include "base/bits.h"

static uint32_t count_bits(uint16_t set)
{
    uint32_t count = 0;
    for (; set; set &= (uint16_t)(set - 1)) count++;
    return count;
}

static x64_frame align(x64_frame frame)
{
    uint32_t above = 8 + (frame.has_rbp ? 8u : 0u) + frame.stack_bytes + 8 * count_bits(frame.kept) + frame.below_bytes;
    uint32_t padding = (0u - above) & 15;
    if (frame.has_rbp) frame.stack_bytes += padding;
    else frame.below_bytes += padding;
    return frame;
}

x64_frame x64_frame_of(const jit_unit *unit, const jit_func *func, const x64_abi *abi, bool entry, uint16_t more)
{
    x64_frame frame = {.has_rbp = func->has_frame, .stack_bytes = func->stack_bytes, .kept = more};
    // A run that ends early comes from any function straight to the entry: that has to have kept what the others have written.
    uint16_t written = entry ? unit->written | unit->entry_live : func->written; // what is live at the entry is made 0 there
    if (entry && unit->has_frames) frame.has_rbp = true;
    for (unsigned reg = 6; reg <= 9; reg++)
        if (written & JIT_REG(reg)) frame.kept |= (uint16_t)(1u << abi->of[reg]);
    if (entry) {
        if (unit->needs_run) frame.kept |= 1u << RUN;
        // Registers that are the callee's in C and everybody's in our functions.
        for (unsigned reg = 0; reg <= 5; reg++) frame.kept |= (uint16_t)(abi->kept & 1u << abi->of[reg]);
        frame.kept |= (uint16_t)(abi->kept & 1u << abi->t2);
    }
    if (!func->calls) return frame;
    frame.below_bytes = abi->call_bytes;
    return align(frame);
}

x64_frame x64_frame_of_stub(const x64_abi *abi)
{
    x64_frame frame = {.has_rbp = true, .kept = abi->kept & (uint16_t)~(1u << RBP)};
    return align(frame);
}

void x64_frame_enter(x64_code *code, const x64_frame *frame)
{
    if (frame->has_rbp) {
        x64_push(code, RBP);
        x64_mov_rr(code, 64, RBP, RSP);
    }
    if (frame->stack_bytes) x64_alu_ri(code, ALU_SUB, 64, RSP, (int32_t)frame->stack_bytes);
    for (unsigned reg = 0; reg < 16; reg++)
        if (frame->kept >> reg & 1) x64_push(code, (x64_reg)reg);
    if (frame->below_bytes == 8) x64_push(code, RAX); // shorter than a subtraction
    else if (frame->below_bytes) x64_alu_ri(code, ALU_SUB, 64, RSP, (int32_t)frame->below_bytes);
}

void x64_frame_leave(x64_code *code, const x64_frame *frame, bool rbp_intact)
{
    if (frame->below_bytes) x64_alu_ri(code, ALU_ADD, 64, RSP, (int32_t)frame->below_bytes);
    for (unsigned reg = 16; reg-- > 0;)
        if (frame->kept >> reg & 1) x64_pop(code, (x64_reg)reg);
    if (frame->has_rbp && frame->stack_bytes && rbp_intact) {
        x64_leave(code);
    } else {
        if (frame->stack_bytes) x64_alu_ri(code, ALU_ADD, 64, RSP, (int32_t)frame->stack_bytes);
        if (frame->has_rbp) x64_pop(code, RBP);
    }
    x64_ret(code);
}
