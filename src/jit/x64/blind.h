// blind.h: constants of a program that do not stand in its code.
//
// Whoever loads a program chooses its constants. If they stood in executable memory, a jump to the middle of an instruction would run what he
// wrote there ("JIT spraying"). So, with a secret for each (code->blind):
//     mov r, c       becomes  mov r, c - k; lea r, [r + k]           at 64 bits with a bswap, so that either half is hidden
//     add r, c                add r, c - k; add r, k                 also sub, xor
//     op r, c                 mov s, c blinded; op r, s
//     op [m + d]              lea s, [m + (d - k)]; op [s + k]
// The flags are left as the instruction itself leaves them. s is the third scratch register, which selection uses for nothing that is alive
// while an instruction with a constant is emitted; for stores of constants to memory T0 has the constant.
//
// emit.c calls this for every immediate and every displacement, so no way leads around it; handlers know nothing of it. What stays: constants
// of one byte (jit_is_harmless), offsets on the stack, offsets in pst_run, addresses of functions of ours: none of them is the program's choice.
#ifndef PST_JIT_X64_BLIND_H
#define PST_JIT_X64_BLIND_H

#include "jit/chance.h"
#include "jit/x64/emit.h"

PST_INLINE bool x64_blinds(const x64_code *code, int64_t value) { return code->blind && !jit_is_harmless(value); }

void x64_blind_mov(x64_code *code, x64_reg dst, uint64_t value);
void x64_blind_alu(x64_code *code, x64_alu op, unsigned width, x64_reg dst, int32_t imm);
void x64_blind_test(x64_code *code, unsigned width, x64_reg a, int32_t imm);
void x64_blind_imul(x64_code *code, unsigned width, x64_reg dst, x64_reg src, int32_t imm);
void x64_blind_store(x64_code *code, unsigned width, x64_mem dst, int32_t value);
/// mem, or what is the same address by a displacement that is a secret.
x64_mem x64_blind_mem(x64_code *code, x64_mem mem);

#endif
