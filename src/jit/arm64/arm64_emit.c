// arm64_emit.c: see arm64_emit.h. Source: Arm Architecture Reference Manual for A-profile, chapter C6 (instruction descriptions) and C4 (encodings).
//
// Legend: an instruction is a constant with fields in fixed places.
//   W64     bit 31: 64 bits (of registers; sizes of memory are in bits 31 and 30)
//   RD, RT  bits 4 to 0: what is written, or moved            RN  bits 9 to 5: first source, base address
//   RA, RT2 bits 14 to 10: third source, second of a pair     RM  bits 20 to 16: second source, index
#include "jit/arm64/arm64_emit.h"

#include "base/bits.h"

#define W64 0x80000000u

#define RD(reg) ((uint32_t)(reg) & 31)
#define RN(reg) (((uint32_t)(reg) & 31) << 5)
#define RA(reg) (((uint32_t)(reg) & 31) << 10)
#define RM(reg) (((uint32_t)(reg) & 31) << 16)
#define RT(reg) RD(reg)
#define RT2(reg) RA(reg)

// Where they stand in the word:
#define SUM_IMM 0x11000000u    // op << 29, shift << 22, imm12 << 10
#define SUM_REG 0x0b000000u    // op << 29, shift << 22, count << 10
#define LOGIC_IMM 0x12000000u  // op << 29, N:immr:imms << 10
#define LOGIC_REG 0x0a000000u  // op << 29, shift << 22, inverted << 21, count << 10
#define INVERTED 0x00200000u
#define MOVE_WIDE 0x12800000u  // op << 29, quarter << 21, imm16 << 5
#define BITFIELD 0x13000000u   // op << 29, N << 22, immr << 16, imms << 10
#define EXTRACT 0x13800000u    // N << 22, count << 10
#define TWO_SOURCES 0x1ac00000u // op << 10
#define MADD 0x1b000000u
#define MSUB 0x1b008000u
#define UMADDL 0x9ba00000u
#define UMULH 0x9bc07c00u
#define REV16 0x5ac00400u
#define REV32 0x5ac00800u
#define REV64 0xdac00c00u
#define CSEL 0x1a800000u       // cc << 12
#define LOAD_STORE 0x38000000u // size << 30, opc << 22; unscaled: imm9 << 12
#define SCALED 0x01000000u     // | LOAD_STORE: imm12 << 10
#define INDEXED 0x00206800u    // | LOAD_STORE: lsl, S << 12
#define PRE 0x00000c00u        // | LOAD_STORE, unscaled
#define POST 0x00000400u
#define OPC_LOAD (1u << 22)
#define OPC_LOAD_SIGNED (2u << 22)
#define PAIR 0x28000000u       // wide << 31, mode << 23, load << 22, imm7 << 15
#define EXCLUSIVE 0x08000000u  // size << 30
#define LDXR 0x005f7c00u
#define STLXR 0x0000fc00u
#define LDAR 0x00dffc00u
#define STLR 0x009ffc00u
#define CASAL 0x00e0fc00u
#define ATOMIC 0x38200000u     // size << 30, acquire << 23, release << 22, op << 12
#define ACQUIRE_RELEASE 0x00c00000u
#define DMB_ISH 0xd5033bbfu
#define RET 0xd65f0000u
#define BLR 0xd63f0000u
#define BTI_C 0xd503245fu
#define UDF 0x00000000u
#define NOP 0xd503201fu

static uint32_t wide(unsigned width) { return width == 64 ? W64 : 0; }

static uint32_t size_of(unsigned width) // log2 of the bytes, in bits 31 and 30
{
    return (width == 8 ? 0u : width == 16 ? 1u : width == 32 ? 2u : 3u) << 30;
}

static void put(arm64_code *code, uint32_t word) { code->words[code->size++] = word; }

// --- What fits ------------------------------------------------------------------------------------------------

bool arm64_fits_sum(uint64_t value) { return value <= 0xfff || (value <= 0xfff000 && (value & 0xfff) == 0); }

// A pattern is a run of ones, rotated, in an element of 2 to 64 bits that is repeated. N:immr:imms of it, or UINT32_MAX.
static uint32_t logic_code(unsigned width, uint64_t value)
{
    if (width == 32) value = (value & UINT32_MAX) | value << 32;
    if (value == 0 || value == UINT64_MAX) return UINT32_MAX;
    unsigned size = 64;
    while (size > 2 && ((value >> size / 2 ^ value) & pst_mask(size / 2)) == 0) size /= 2;
    uint64_t mask = pst_mask(size), element = value & mask;
    // Rotate until the run begins at bit 0.
    unsigned turn = (unsigned)PST_CTZ64(element);
    if (turn == 0 && element >> (size - 1)) turn = size - (unsigned)PST_CLZ64(~(element << (64 - size)));
    uint64_t run = turn == 0 ? element : (element >> turn | element << (size - turn)) & mask;
    if (!pst_is_pow2(run + 1)) return UINT32_MAX;
    unsigned ones = (unsigned)PST_POPCOUNT64(run);
    uint32_t n = size == 64, imms = (n ? 0 : ~(2u * size - 1) & 0x3f) | (ones - 1);
    return n << 12 | ((size - turn) & (size - 1)) << 6 | imms;
}

bool arm64_fits_logic(unsigned width, uint64_t value) { return logic_code(width, value) != UINT32_MAX; }

static bool fits_scaled(unsigned width, int64_t disp)
{
    unsigned bytes = width / 8;
    return disp >= 0 && disp % bytes == 0 && disp / bytes <= 4095;
}

bool arm64_fits_disp(unsigned width, int64_t disp) { return fits_scaled(width, disp) || (disp >= -256 && disp <= 255); }

bool arm64_fits_pair(unsigned width, int64_t disp)
{
    int64_t bytes = width / 8;
    return disp % bytes == 0 && disp / bytes >= -64 && disp / bytes <= 63;
}

// --- Arithmetic -----------------------------------------------------------------------------------------------

void arm64_sum_i(arm64_code *code, arm64_sum op, unsigned width, arm64_reg dst, arm64_reg a, uint32_t imm)
{
    uint32_t field = imm <= 0xfff ? imm << 10 : 1u << 22 | imm >> 12 << 10;
    put(code, SUM_IMM | wide(width) | (uint32_t)op << 29 | field | RN(a) | RD(dst));
}

static uint32_t shifted(arm64_operand b) { return RM(b.reg) | (uint32_t)b.shift << 22 | (uint32_t)b.count << 10; }

void arm64_sum_r(arm64_code *code, arm64_sum op, unsigned width, arm64_reg dst, arm64_reg a, arm64_operand b)
{
    put(code, SUM_REG | wide(width) | (uint32_t)op << 29 | shifted(b) | RN(a) | RD(dst));
}

void arm64_logic_i(arm64_code *code, arm64_logic op, unsigned width, arm64_reg dst, arm64_reg a, uint64_t imm)
{
    put(code, LOGIC_IMM | wide(width) | (uint32_t)op << 29 | (logic_code(width, imm) & 0x1fff) << 10 | RN(a) | RD(dst));
}

void arm64_logic_r(arm64_code *code, arm64_logic op, unsigned width, arm64_reg dst, arm64_reg a, arm64_operand b)
{
    put(code, LOGIC_REG | wide(width) | (uint32_t)op << 29 | shifted(b) | RN(a) | RD(dst));
}

void arm64_orn(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg a, arm64_operand b)
{
    put(code, LOGIC_REG | INVERTED | wide(width) | (uint32_t)LOGIC_ORR << 29 | shifted(b) | RN(a) | RD(dst));
}

void arm64_mov_r(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg src) { arm64_logic_r(code, LOGIC_ORR, width, dst, XZR, arm64_plain(src)); }

void arm64_mov_wide(arm64_code *code, arm64_move op, unsigned width, arm64_reg dst, unsigned imm16, unsigned at)
{
    put(code, MOVE_WIDE | wide(width) | (uint32_t)op << 29 | at / 16 << 21 | imm16 << 5 | RD(dst));
}

static unsigned quarter_of(uint64_t value, unsigned at) { return (unsigned)(value >> at & 0xffff); }

// How many of value's quarters are not what a move fills the others with.
static unsigned quarters_but(uint64_t value, unsigned width, unsigned fill)
{
    unsigned count = 0;
    for (unsigned at = 0; at < width; at += 16) count += quarter_of(value, at) != fill;
    return count;
}

// dst = value, put together from two halves that say nothing of it. The flags stay.
static void move_blinded(arm64_code *code, arm64_reg dst, uint64_t value)
{
    jit_chance *chance = code->blind;
    uint64_t secret = jit_chance_next(chance);
    if (value > UINT32_MAX) secret |= (uint64_t)jit_chance_next(chance) << 32;
    code->blind = NULL;
    arm64_mov_i(code, T5, secret);
    arm64_mov_i(code, dst, value ^ secret);
    arm64_logic_r(code, LOGIC_EOR, 64, dst, dst, arm64_plain(T5));
    code->blind = chance;
}

void arm64_mov_i(arm64_code *code, arm64_reg dst, uint64_t value)
{
    if (arm64_blinds(code, (int64_t)value)) {
        move_blinded(code, dst, value);
        return;
    }
    // A write of 32 bits clears the others, so numbers below 2^32 have two quarters.
    unsigned width = value <= UINT32_MAX ? 32 : 64;
    unsigned from_zero = quarters_but(value, width, 0), from_ones = quarters_but(value, width, 0xffff);
    if (from_zero > 1 && from_ones > 1 && arm64_fits_logic(width, value)) {
        arm64_logic_i(code, LOGIC_ORR, width, dst, XZR, value);
        return;
    }
    bool inverted = from_ones < from_zero, first = true;
    unsigned fill = inverted ? 0xffff : 0;
    for (unsigned at = 0; at < width; at += 16) {
        unsigned quarter = quarter_of(value, at);
        if (quarter == fill) continue;
        if (first) arm64_mov_wide(code, inverted ? MOVE_N : MOVE_Z, width, dst, quarter ^ fill, at);
        else arm64_mov_wide(code, MOVE_K, width, dst, quarter, at);
        first = false;
    }
    if (first) arm64_mov_wide(code, inverted ? MOVE_N : MOVE_Z, width, dst, 0, 0);
}

void arm64_add_const(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg a, int64_t value)
{
    uint64_t size = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    arm64_sum op = value < 0 ? SUM_SUB : SUM_ADD;
    if (arm64_takes_sum(code, size)) {
        arm64_sum_i(code, op, width, dst, a, (uint32_t)size);
    } else if (size <= 0xffffff && !arm64_blinds(code, value)) {
        arm64_sum_i(code, op, width, dst, a, (uint32_t)(size & 0xfff000));
        arm64_sum_i(code, op, width, dst, dst, (uint32_t)(size & 0xfff));
    } else {
        arm64_mov_i(code, T0, width == 32 ? (uint32_t)(uint64_t)value : (uint64_t)value);
        arm64_sum_r(code, SUM_ADD, width, dst, a, arm64_plain(T0));
    }
}

void arm64_bitfield(arm64_code *code, arm64_field op, unsigned width, arm64_reg dst, arm64_reg src, unsigned rotate, unsigned last)
{
    uint32_t n = width == 64 ? 1u << 22 : 0;
    put(code, BITFIELD | wide(width) | (uint32_t)op << 29 | n | rotate << 16 | last << 10 | RN(src) | RD(dst));
}

void arm64_shift_i(arm64_code *code, arm64_shift op, unsigned width, arm64_reg dst, arm64_reg src, unsigned count)
{
    switch (op) {
    case SHIFT_LSL: arm64_bitfield(code, FIELD_U, width, dst, src, (width - count) & (width - 1), width - 1 - count); break;
    case SHIFT_LSR: arm64_bitfield(code, FIELD_U, width, dst, src, count, width - 1); break;
    case SHIFT_ASR: arm64_bitfield(code, FIELD_S, width, dst, src, count, width - 1); break;
    case SHIFT_ROR: arm64_extr(code, width, dst, src, src, count); break;
    }
}

void arm64_extr(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg high, arm64_reg low, unsigned count)
{
    uint32_t n = width == 64 ? 1u << 22 : 0;
    put(code, EXTRACT | wide(width) | n | RM(low) | count << 10 | RN(high) | RD(dst));
}

void arm64_two_sources(arm64_code *code, arm64_two op, unsigned width, arm64_reg dst, arm64_reg a, arm64_reg b)
{
    put(code, TWO_SOURCES | wide(width) | (uint32_t)op << 10 | RM(b) | RN(a) | RD(dst));
}

void arm64_madd(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg a, arm64_reg b, arm64_reg c)
{
    put(code, MADD | wide(width) | RM(b) | RA(c) | RN(a) | RD(dst));
}

void arm64_msub(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg a, arm64_reg b, arm64_reg c)
{
    put(code, MSUB | wide(width) | RM(b) | RA(c) | RN(a) | RD(dst));
}

void arm64_umull(arm64_code *code, arm64_reg dst, arm64_reg a, arm64_reg b) { put(code, UMADDL | RM(b) | RA(XZR) | RN(a) | RD(dst)); }
void arm64_umulh(arm64_code *code, arm64_reg dst, arm64_reg a, arm64_reg b) { put(code, UMULH | RM(b) | RN(a) | RD(dst)); }
void arm64_rev(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg src) { put(code, (width == 64 ? REV64 : REV32) | RN(src) | RD(dst)); }
void arm64_rev16(arm64_code *code, arm64_reg dst, arm64_reg src) { put(code, REV16 | RN(src) | RD(dst)); }

void arm64_csel(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg a, arm64_reg b, arm64_cc cc)
{
    put(code, CSEL | wide(width) | RM(b) | (uint32_t)cc << 12 | RN(a) | RD(dst));
}

// --- Memory ---------------------------------------------------------------------------------------------------

static void access(arm64_code *code, uint32_t opc, unsigned width, arm64_reg reg, arm64_mem mem)
{
    uint32_t word = LOAD_STORE | size_of(width) | opc | RN(mem.base) | RT(reg);
    if (mem.index != NO_REG) put(code, word | INDEXED | RM(mem.index) | (mem.count ? 1u << 12 : 0));
    else if (fits_scaled(width, mem.disp)) put(code, word | SCALED | (uint32_t)mem.disp / (width / 8) << 10);
    else put(code, word | ((uint32_t)mem.disp & 0x1ff) << 12);
}

void arm64_load(arm64_code *code, unsigned width, arm64_reg dst, arm64_mem src) { access(code, OPC_LOAD, width, dst, src); }
void arm64_load_signed(arm64_code *code, unsigned width, arm64_reg dst, arm64_mem src) { access(code, OPC_LOAD_SIGNED, width, dst, src); }
void arm64_store(arm64_code *code, unsigned width, arm64_mem dst, arm64_reg src) { access(code, 0, width, src, dst); }

static void pair(arm64_code *code, uint32_t load, unsigned width, arm64_pair mode, arm64_reg a, arm64_reg b, arm64_reg base, int32_t disp)
{
    uint32_t imm7 = (uint32_t)(disp / (int32_t)(width / 8)) & 0x7f;
    put(code, PAIR | wide(width) | (uint32_t)mode << 23 | load << 22 | imm7 << 15 | RT2(b) | RN(base) | RT(a));
}

void arm64_load_pair(arm64_code *code, unsigned width, arm64_pair mode, arm64_reg a, arm64_reg b, arm64_reg base, int32_t disp)
{
    pair(code, 1, width, mode, a, b, base, disp);
}

void arm64_store_pair(arm64_code *code, unsigned width, arm64_pair mode, arm64_reg a, arm64_reg b, arm64_reg base, int32_t disp)
{
    pair(code, 0, width, mode, a, b, base, disp);
}

void arm64_store_pre(arm64_code *code, arm64_reg src, arm64_reg base, int32_t disp)
{
    put(code, LOAD_STORE | size_of(64) | PRE | ((uint32_t)disp & 0x1ff) << 12 | RN(base) | RT(src));
}

void arm64_load_post(arm64_code *code, arm64_reg dst, arm64_reg base, int32_t disp)
{
    put(code, LOAD_STORE | size_of(64) | OPC_LOAD | POST | ((uint32_t)disp & 0x1ff) << 12 | RN(base) | RT(dst));
}

static void exclusive(arm64_code *code, uint32_t op, unsigned width, uint32_t status, arm64_reg reg, arm64_reg base)
{
    put(code, EXCLUSIVE | op | size_of(width) | status | RN(base) | RT(reg));
}

void arm64_load_acquire(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg base) { exclusive(code, LDAR, width, 0, dst, base); }
void arm64_store_release(arm64_code *code, unsigned width, arm64_reg src, arm64_reg base) { exclusive(code, STLR, width, 0, src, base); }
void arm64_load_exclusive(arm64_code *code, unsigned width, arm64_reg dst, arm64_reg base) { exclusive(code, LDXR, width, 0, dst, base); }

void arm64_store_exclusive_release(arm64_code *code, unsigned width, arm64_reg failed, arm64_reg src, arm64_reg base)
{
    exclusive(code, STLXR, width, RM(failed), src, base);
}

void arm64_atomic_op(arm64_code *code, arm64_atomic op, bool ordered, unsigned width, arm64_reg src, arm64_reg dst, arm64_reg base)
{
    put(code, ATOMIC | size_of(width) | (ordered ? ACQUIRE_RELEASE : 0) | RM(src) | (uint32_t)op << 12 | RN(base) | RT(dst));
}

void arm64_cas(arm64_code *code, unsigned width, arm64_reg expected, arm64_reg src, arm64_reg base)
{
    exclusive(code, CASAL, width, RM(expected), src, base);
}

void arm64_barrier(arm64_code *code) { put(code, DMB_ISH); }

// --- Control --------------------------------------------------------------------------------------------------

void arm64_ret(arm64_code *code) { put(code, RET | RN(LR)); }
void arm64_call_r(arm64_code *code, arm64_reg reg) { put(code, BLR | RN(reg)); }
void arm64_bti_c(arm64_code *code) { put(code, BTI_C); }
void arm64_udf(arm64_code *code) { put(code, UDF); }
void arm64_nop(arm64_code *code) { put(code, NOP); }

void arm64_guess_barrier(arm64_code *code)
{
    put(code, 0xd5033f9fu); // dsb sy
    put(code, 0xd5033fdfu); // isb
}
