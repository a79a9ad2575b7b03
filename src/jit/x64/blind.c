// blind.c: see blind.h. The pieces are emitted by the ordinary emitters, while blinding is off.
#include "jit/x64/blind.h"

#include "base/bits.h"
#include "program/run.h"

static jit_chance *pause(x64_code *code)
{
    jit_chance *chance = code->blind;
    code->blind = NULL;
    return chance;
}

// dst = dst + k, and the flags stay.
static void add_secret(x64_code *code, unsigned width, x64_reg dst, int32_t k) { x64_lea(code, width, dst, x64_at(dst, k)); }

// dst = value, where code->blind is paused.
static void load(x64_code *code, jit_chance *chance, x64_reg dst, uint64_t value)
{
    if (value <= UINT32_MAX) {
        uint32_t k = jit_chance_next(chance);
        x64_mov_ri(code, dst, (uint32_t)((uint32_t)value - k));
        add_secret(code, 32, dst, (int32_t)k);
        return;
    }
    if ((int64_t)value >= INT32_MIN && (int64_t)value < 0) {
        jit_split split = jit_chance_split(chance, (int32_t)(int64_t)value);
        x64_mov_ri(code, dst, (uint64_t)(int64_t)split.a);
        add_secret(code, 64, dst, split.b);
        return;
    }
    int32_t first = (int32_t)jit_chance_next(chance), second = (int32_t)jit_chance_next(chance);
    uint64_t turned = PST_BSWAP64(value - (uint64_t)(int64_t)second);
    x64_mov_ri(code, dst, turned - (uint64_t)(int64_t)first);
    add_secret(code, 64, dst, first);
    x64_bswap(code, 64, dst);
    add_secret(code, 64, dst, second);
}

void x64_blind_mov(x64_code *code, x64_reg dst, uint64_t value)
{
    jit_chance *chance = pause(code);
    load(code, chance, dst, value);
    code->blind = chance;
}

// An immediate of 32 bits as an operation of that width has it: with its sign.
static uint64_t extended(unsigned width, int32_t imm) { return width == 64 ? (uint64_t)(int64_t)imm : (uint32_t)imm; }

void x64_blind_alu(x64_code *code, x64_alu op, unsigned width, x64_reg dst, int32_t imm)
{
    jit_chance *chance = pause(code);
    if (op == ALU_ADD || op == ALU_SUB) {
        jit_split split = jit_chance_split(chance, imm);
        x64_alu_ri(code, op, width, dst, split.a);
        x64_alu_ri(code, op, width, dst, split.b);
    } else if (op == ALU_XOR) {
        int32_t k = (int32_t)jit_chance_next(chance);
        x64_alu_ri(code, op, width, dst, imm ^ k);
        x64_alu_ri(code, op, width, dst, k);
    } else {
        load(code, chance, (x64_reg)code->spare, extended(width, imm));
        x64_alu_rr(code, op, width, dst, (x64_reg)code->spare);
    }
    code->blind = chance;
}

void x64_blind_test(x64_code *code, unsigned width, x64_reg a, int32_t imm)
{
    jit_chance *chance = pause(code);
    load(code, chance, (x64_reg)code->spare, extended(width, imm));
    x64_test_rr(code, width, a, (x64_reg)code->spare);
    code->blind = chance;
}

void x64_blind_imul(x64_code *code, unsigned width, x64_reg dst, x64_reg src, int32_t imm)
{
    jit_chance *chance = pause(code);
    load(code, chance, (x64_reg)code->spare, extended(width, imm));
    if (dst != src) x64_mov_rr(code, width, dst, src);
    x64_imul_rr(code, width, dst, (x64_reg)code->spare);
    code->blind = chance;
}

void x64_blind_store(x64_code *code, unsigned width, x64_mem dst, int32_t value)
{
    jit_chance *chance = pause(code);
    load(code, chance, T0, extended(width, value));
    code->blind = chance; // the displacement may need it as well
    x64_store(code, width, dst, T0);
}

// Places that the program does not choose: fields of the run, and the stack.
static bool is_ours(x64_mem mem)
{
    bool frame = mem.base == RBP && mem.disp < 0 && mem.disp >= -PST_FRAME_BYTES;
    return mem.base == RUN || mem.base == RSP || frame;
}

x64_mem x64_blind_mem(x64_code *code, x64_mem mem)
{
    if (!x64_blinds(code, mem.disp) || is_ours(mem)) return mem;
    jit_chance *chance = pause(code);
    jit_split split = jit_chance_split(chance, mem.disp);
    mem.disp = split.a;
    x64_lea(code, 64, (x64_reg)code->spare, mem);
    code->blind = chance;
    return x64_at((x64_reg)code->spare, split.b);
}
