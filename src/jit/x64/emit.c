// emit.c: see emit.h. Source: Intel's manual, volume 2.
//
// Legend: an opcode is its last byte with flags for what stands in front of it.
//   M0F, M0F38  the opcode map          P66, PF2, PF3  a mandatory prefix (P66 also: 16 bits)        LOCK  the lock prefix
//   W           64 bits (REX.W)         B_REG, B_RM    the operand in ModRM.reg, ModRM.rm is a byte register
// An instruction is [lock] [66|F2|F3] [REX] [0F [38]] opcode ModRM [SIB] [displacement] [immediate].
#include "jit/x64/emit.h"

#include <string.h>

#include "base/bits.h"
#include "jit/x64/blind.h"

#define M0F 0x100u
#define M0F38 0x200u
#define P66 0x400u
#define PF2 0x800u
#define PF3 0x1000u
#define LOCK 0x2000u
#define W 0x4000u
#define B_REG 0x8000u
#define B_RM 0x10000u

static uint32_t wide(unsigned width) { return width == 64 ? W : 0; }

static void put(x64_code *code, unsigned byte) { code->bytes[code->size++] = (uint8_t)byte; }

static void put32(x64_code *code, uint32_t value)
{
    pst_store32(code->bytes + code->size, value);
    code->size += 4;
}

static bool is_i8(int64_t value) { return value >= INT8_MIN && value <= INT8_MAX; }

// Without REX, byte registers 4 to 7 are ah to bh.
static bool byte_needs_rex(uint32_t op, uint32_t flag, unsigned reg) { return (op & flag) && reg >= RSP && reg <= RDI; }

static void put_opcode(x64_code *code, uint32_t op, unsigned reg, unsigned index, unsigned rm, bool rm_is_reg)
{
    unsigned rex = (op & W ? 8u : 0) | (reg & 8) >> 1 | (index & 8) >> 2 | (rm & 8) >> 3;
    bool forced = byte_needs_rex(op, B_REG, reg) || (rm_is_reg && byte_needs_rex(op, B_RM, rm));
    if (op & LOCK) put(code, 0xf0);
    if (op & P66) put(code, 0x66);
    if (op & PF2) put(code, 0xf2);
    if (op & PF3) put(code, 0xf3);
    if (rex || forced) put(code, 0x40 | rex);
    if (op & (M0F | M0F38)) put(code, 0x0f);
    if (op & M0F38) put(code, 0x38);
    put(code, op & 0xff);
}

static void put_modrm(x64_code *code, unsigned mod, unsigned reg, unsigned rm) { put(code, mod << 6 | (reg & 7) << 3 | (rm & 7)); }

// Instruction with a register in ModRM.rm; reg is a register or the opcode's /digit.
static void op_rr(x64_code *code, uint32_t op, unsigned reg, unsigned rm)
{
    put_opcode(code, op, reg, 0, rm, true);
    put_modrm(code, 3, reg, rm);
}

static void put_disp(x64_code *code, unsigned mod, int32_t disp)
{
    if (mod == 1) put(code, (uint8_t)disp);
    if (mod == 2) put32(code, (uint32_t)disp);
}

// ModRM, SIB and displacement. A base of rsp or r12 needs a SIB byte, one of rbp or r13 a displacement; without a base it has 32 bits.
static void put_mem(x64_code *code, unsigned reg, x64_mem mem)
{
    unsigned mod = mem.disp == 0 && (mem.base & 7) != RBP ? 0 : is_i8(mem.disp) ? 1 : 2;
    if (mem.base == NO_REG) {
        put_modrm(code, 0, reg, RSP);
        put(code, (unsigned)mem.scale << 6 | (mem.index == NO_REG ? 4u : mem.index & 7u) << 3 | RBP);
        put32(code, (uint32_t)mem.disp);
    } else if (mem.index == NO_REG && (mem.base & 7) != RSP) {
        put_modrm(code, mod, reg, mem.base);
        put_disp(code, mod, mem.disp);
    } else {
        put_modrm(code, mod, reg, RSP);
        put(code, (unsigned)mem.scale << 6 | (mem.index == NO_REG ? 4u : mem.index & 7u) << 3 | (mem.base & 7u));
        put_disp(code, mod, mem.disp);
    }
}

static void op_rm(x64_code *code, uint32_t op, unsigned reg, x64_mem mem)
{
    mem = x64_blind_mem(code, mem);
    // An unscaled index may be the base as well: the one without an extra displacement byte.
    if (mem.index != NO_REG && mem.scale == 0 && mem.disp == 0 && (mem.base & 7) == RBP && mem.index != RSP && (mem.index & 7) != RBP)
        mem = (x64_mem){mem.index, mem.base, 0, 0};
    put_opcode(code, op, reg, mem.index == NO_REG ? 0 : mem.index, mem.base == NO_REG ? 0 : mem.base, false);
    put_mem(code, reg, mem);
}

// --- Moves ----------------------------------------------------------------------------------------------------

void x64_mov_rr(x64_code *code, unsigned width, x64_reg dst, x64_reg src) { op_rr(code, 0x89 | wide(width), src, dst); }

void x64_mov_ri(x64_code *code, x64_reg dst, uint64_t value)
{
    if (x64_blinds(code, (int64_t)value)) {
        x64_blind_mov(code, dst, value);
    } else if (value == 0) { // destroys the flags: selection sets none before it
        op_rr(code, 0x31, dst, dst);
    } else if (value <= UINT32_MAX) {
        put_opcode(code, 0xb8 | (dst & 7), 0, 0, dst, true);
        put32(code, (uint32_t)value);
    } else if ((int64_t)value >= INT32_MIN && (int64_t)value < 0) {
        op_rr(code, 0xc7 | W, 0, dst);
        put32(code, (uint32_t)value);
    } else {
        put_opcode(code, 0xb8 | (dst & 7) | W, 0, 0, dst, true);
        put32(code, (uint32_t)value);
        put32(code, (uint32_t)(value >> 32));
    }
}

void x64_load(x64_code *code, unsigned width, x64_reg dst, x64_mem src)
{
    op_rm(code, width == 8 ? M0F | 0xb6 : width == 16 ? M0F | 0xb7 : 0x8b | wide(width), dst, src);
}

void x64_load_signed(x64_code *code, unsigned width, x64_reg dst, x64_mem src)
{
    op_rm(code, (width == 8 ? M0F | 0xbe : width == 16 ? M0F | 0xbf : 0x63) | W, dst, src);
}

// Opcode of a form that has a byte variant one below it.
static uint32_t sized(uint32_t op, unsigned width)
{
    if (width == 8) return (op - 1) | B_REG;
    return width == 16 ? op | P66 : op | wide(width);
}

void x64_store(x64_code *code, unsigned width, x64_mem dst, x64_reg src) { op_rm(code, sized(0x89, width), src, dst); }

void x64_store_i(x64_code *code, unsigned width, x64_mem dst, int32_t value)
{
    if (width > 8 && x64_blinds(code, width == 16 ? (int16_t)value : value)) {
        x64_blind_store(code, width, dst, value);
        return;
    }
    op_rm(code, sized(0xc7, width) & ~B_REG, 0, dst);
    if (width == 8) {
        put(code, (uint8_t)value);
    } else if (width == 16) {
        put(code, (uint8_t)value);
        put(code, (uint8_t)(value >> 8));
    } else {
        put32(code, (uint32_t)value);
    }
}

void x64_movbe_load(x64_code *code, unsigned width, x64_reg dst, x64_mem src) { op_rm(code, M0F38 | 0xf0 | wide(width), dst, src); }

void x64_movbe_store(x64_code *code, unsigned width, x64_mem dst, x64_reg src)
{
    op_rm(code, M0F38 | 0xf1 | (width == 16 ? P66 : wide(width)), src, dst);
}

void x64_lea(x64_code *code, unsigned width, x64_reg dst, x64_mem src) { op_rm(code, 0x8d | wide(width), dst, src); }

void x64_movzx(x64_code *code, unsigned from, x64_reg dst, x64_reg src)
{
    op_rr(code, from == 8 ? M0F | B_RM | 0xb6 : M0F | 0xb7, dst, src);
}

void x64_movsx(x64_code *code, unsigned width, unsigned from, x64_reg dst, x64_reg src)
{
    op_rr(code, (from == 8 ? M0F | B_RM | 0xbe : from == 16 ? M0F | 0xbf : 0x63) | wide(width), dst, src);
}

// --- Arithmetic -----------------------------------------------------------------------------------------------

void x64_alu_rr(x64_code *code, x64_alu op, unsigned width, x64_reg dst, x64_reg src)
{
    op_rr(code, (uint32_t)op * 8 + 1 + wide(width), src, dst);
}

void x64_alu_ri(x64_code *code, x64_alu op, unsigned width, x64_reg dst, int32_t imm)
{
    if (x64_blinds(code, imm) && dst != RSP) { // how large a frame is, is not the program's choice
        x64_blind_alu(code, op, width, dst, imm);
        return;
    }
    if (imm == 128 && (op == ALU_ADD || op == ALU_SUB)) { // -128 has a byte, 128 has none. The carry differs; nothing here reads it
        op = op == ALU_ADD ? ALU_SUB : ALU_ADD;
        imm = -128;
    }
    if (is_i8(imm)) {
        op_rr(code, 0x83 | wide(width), op, dst);
        put(code, (uint8_t)imm);
        return;
    }
    if (dst == RAX) put_opcode(code, (uint32_t)op * 8 + 5 + wide(width), 0, 0, 0, true);
    else op_rr(code, 0x81 | wide(width), op, dst);
    put32(code, (uint32_t)imm);
}

void x64_alu_mi(x64_code *code, x64_alu op, unsigned width, x64_mem dst, int32_t imm)
{
    if (x64_blinds(code, imm)) {
        x64_blind_mov(code, T0, width == 64 ? (uint64_t)(int64_t)imm : (uint32_t)imm);
        op_rm(code, ((uint32_t)op * 8 + 1) | wide(width), T0, dst);
        return;
    }
    op_rm(code, (is_i8(imm) ? 0x83u : 0x81u) | wide(width), op, dst);
    if (is_i8(imm)) put(code, (uint8_t)imm);
    else put32(code, (uint32_t)imm);
}

void x64_lock_alu_mr(x64_code *code, x64_alu op, unsigned width, x64_mem dst, x64_reg src)
{
    op_rm(code, LOCK | ((uint32_t)op * 8 + 1) | wide(width), src, dst);
}

void x64_test_rr(x64_code *code, unsigned width, x64_reg a, x64_reg b) { op_rr(code, 0x85 | wide(width), b, a); }

void x64_test_ri(x64_code *code, unsigned width, x64_reg a, int32_t imm)
{
    if (x64_blinds(code, imm)) {
        x64_blind_test(code, width, a, imm);
        return;
    }
    if (imm >= 0 && imm <= 0xff) { // the low byte decides, and its form has no sign to extend
        if (a == RAX) put(code, 0xa8);
        else op_rr(code, B_RM | 0xf6, 0, a);
        put(code, (uint8_t)imm);
        return;
    }
    if (imm >= 0) width = 32;
    if (a == RAX) put_opcode(code, 0xa9 | wide(width), 0, 0, 0, true);
    else op_rr(code, 0xf7 | wide(width), 0, a);
    put32(code, (uint32_t)imm);
}

void x64_unary(x64_code *code, x64_op1 op, unsigned width, x64_reg reg) { op_rr(code, 0xf7 | wide(width), op, reg); }

void x64_cmov(x64_code *code, unsigned width, x64_cc cc, x64_reg dst, x64_reg src) { op_rr(code, M0F | 0x40 | (unsigned)cc | wide(width), dst, src); }

void x64_imul_rr(x64_code *code, unsigned width, x64_reg dst, x64_reg src) { op_rr(code, M0F | 0xaf | wide(width), dst, src); }

void x64_imul_rri(x64_code *code, unsigned width, x64_reg dst, x64_reg src, int32_t imm)
{
    if (x64_blinds(code, imm)) {
        x64_blind_imul(code, width, dst, src, imm);
        return;
    }
    op_rr(code, (is_i8(imm) ? 0x6bu : 0x69u) | wide(width), dst, src);
    if (is_i8(imm)) put(code, (uint8_t)imm);
    else put32(code, (uint32_t)imm);
}

void x64_sign_rdx(x64_code *code, unsigned width)
{
    if (width == 64) put(code, 0x48);
    put(code, 0x99);
}

void x64_shift_ri(x64_code *code, x64_shift op, unsigned width, x64_reg reg, unsigned count)
{
    op_rr(code, (count == 1 ? 0xd1u : 0xc1u) | wide(width), op, reg);
    if (count != 1) put(code, count);
}

void x64_shift_rcl(x64_code *code, x64_shift op, unsigned width, x64_reg reg) { op_rr(code, 0xd3 | wide(width), op, reg); }

// VEX in three bytes: map 2 or 3, pp as the legacy prefix (1: 66, 2: F3, 3: F2), vvvv the second source.
static void put_vex(x64_code *code, unsigned map, unsigned pp, unsigned width, unsigned reg, unsigned vvvv, unsigned rm)
{
    put(code, 0xc4);
    put(code, (~reg & 8) << 4 | 0x40 | (~rm & 8) << 2 | map);
    put(code, (width == 64 ? 0x80u : 0) | (~vvvv & 15) << 3 | pp);
}

void x64_shiftx(x64_code *code, x64_shift op, unsigned width, x64_reg dst, x64_reg src, x64_reg count)
{
    put_vex(code, 2, op == SHIFT_SHL ? 1 : op == SHIFT_SAR ? 2 : 3, width, dst, count, src);
    put(code, 0xf7);
    put_modrm(code, 3, dst, src);
}

void x64_rorx(x64_code *code, unsigned width, x64_reg dst, x64_reg src, unsigned count)
{
    put_vex(code, 3, 3, width, dst, 0, src);
    put(code, 0xf0);
    put_modrm(code, 3, dst, src);
    put(code, count);
}

void x64_rol16(x64_code *code, x64_reg reg, unsigned count)
{
    op_rr(code, P66 | 0xc1, SHIFT_ROL, reg);
    put(code, count);
}

void x64_bswap(x64_code *code, unsigned width, x64_reg reg) { put_opcode(code, M0F | 0xc8 | (reg & 7) | wide(width), 0, 0, reg, true); }

// --- Atomic ---------------------------------------------------------------------------------------------------

void x64_xchg_rr(x64_code *code, x64_reg a, x64_reg b) { op_rr(code, 0x87 | W, a, b); }
void x64_xchg_mr(x64_code *code, unsigned width, x64_mem mem, x64_reg reg) { op_rm(code, 0x87 | wide(width), reg, mem); } // locks by itself
void x64_lock_xadd(x64_code *code, unsigned width, x64_mem mem, x64_reg reg) { op_rm(code, LOCK | M0F | 0xc1 | wide(width), reg, mem); }
void x64_lock_cmpxchg(x64_code *code, unsigned width, x64_mem mem, x64_reg reg) { op_rm(code, LOCK | M0F | 0xb1 | wide(width), reg, mem); }

// --- Control --------------------------------------------------------------------------------------------------

void x64_push(x64_code *code, x64_reg reg) { put_opcode(code, 0x50 | (reg & 7), 0, 0, reg, true); }
void x64_pop(x64_code *code, x64_reg reg) { put_opcode(code, 0x58 | (reg & 7), 0, 0, reg, true); }
void x64_leave(x64_code *code) { put(code, 0xc9); }
void x64_ret(x64_code *code) { put(code, 0xc3); }
void x64_call_r(x64_code *code, x64_reg reg) { op_rr(code, 0xff, 2, reg); }

void x64_ud2(x64_code *code)
{
    put(code, 0x0f);
    put(code, 0x0b);
}

void x64_endbr64(x64_code *code) { put32(code, 0xfa1e0ff3); }

void x64_lfence(x64_code *code)
{
    put(code, 0x0f);
    put(code, 0xae);
    put(code, 0xe8);
}

// --- Nothing --------------------------------------------------------------------------------------------------

const uint8_t x64_nops[X64_NOP_MAX][X64_NOP_MAX] = {
    {0x90},
    {0x66, 0x90},
    {0x0f, 0x1f, 0x00},
    {0x0f, 0x1f, 0x40, 0x00},
    {0x0f, 0x1f, 0x44, 0x00, 0x00},
    {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
    {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
    {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
    {0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
    {0x66, 0x2e, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
};

void x64_nop(x64_code *code, uint32_t bytes)
{
    memcpy(code->bytes + code->size, x64_nops[bytes - 1], bytes);
    code->size += bytes;
}

void x64_traps(x64_code *code, uint32_t bytes)
{
    memset(code->bytes + code->size, X64_TRAP_BYTE, bytes);
    code->size += bytes;
}
