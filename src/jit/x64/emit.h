// emit.h: one function per machine instruction, appending its bytes.
//
// Called by selection (select*.c), which has made room before: x64_room(code) once per eBPF instruction, for at most X64_ROOM bytes.
// The emitters choose the shortest encoding of what they are asked for; they do not optimise. Branches and alignment have no bytes yet:
// they are items, which layout.c sizes when everything is known.
//
// With code->blind, constants are emitted in a form that hides them (blind.h). An emitter with an immediate asks x64_blinds first; displacements
// are op_rm's affair.
//
// Width is that of the operation in bits: 32 (which clears the upper half of a register that is written) or 64, for memory also 8 and 16.
#ifndef PST_JIT_X64_EMIT_H
#define PST_JIT_X64_EMIT_H

#include "jit/chance.h"
#include "jit/refs.h"
#include "jit/x64/registers.h"

#define X64_ROOM 512u
#define X64_NOP_MAX 10u
#define X64_TRAP_BYTE 0xccu // int3
#define X64_CODE_MAX (64u << 20) // bytes of one program

/// [base + (index << scale) + disp]. base, index: registers or NO_REG; rsp is no index.
typedef struct x64_mem {
    uint8_t base, index, scale;
    int32_t disp;
} x64_mem;

PST_INLINE x64_mem x64_at(x64_reg base, int32_t disp) { return (x64_mem){(uint8_t)base, NO_REG, 0, disp}; }

// Conditions, as in encodings. cc ^ 1 is the opposite.
typedef enum x64_cc { CC_O, CC_NO, CC_B, CC_AE, CC_E, CC_NE, CC_BE, CC_A, CC_S, CC_NS, CC_P, CC_NP, CC_L, CC_GE, CC_LE, CC_G, CC_ALWAYS } x64_cc;

// Values are the /digit of the immediate form; opcode of the register form is 8 * value + 1 (memory, register) or + 3.
typedef enum x64_alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP } x64_alu;
// Values are the /digit.
typedef enum x64_shift { SHIFT_ROL, SHIFT_ROR, SHIFT_SHL = 4, SHIFT_SHR, SHIFT_SAR = 7 } x64_shift;
typedef enum x64_unary { UNARY_NOT = 2, UNARY_NEG, UNARY_MUL, UNARY_IMUL, UNARY_DIV, UNARY_IDIV } x64_op1;

typedef uint32_t x64_label;

typedef enum x64_item_kind { ITEM_JUMP, ITEM_CALL, ITEM_CALL_OUT, ITEM_CALL_REF, ITEM_LOAD_REF, ITEM_ALIGN } x64_item_kind;

// What layout.c puts between the bytes at offset at and those before.
typedef struct x64_item {
    uint32_t at;
    uint8_t kind; // x64_item_kind
    uint8_t cc;   // JUMP
    uint8_t reg;  // LOAD_REF
    uint8_t size; // bytes, by layout.c
    union {
        x64_label label;  // JUMP, CALL
        uint64_t address; // CALL_OUT: of a C function
        uint32_t align;   // ALIGN: a power of two
        uint32_t ref;     // CALL_REF, LOAD_REF: entry of the table of addresses
    };
} x64_item;

typedef struct x64_place {
    uint32_t at;   // offset in bytes[]
    uint32_t item; // items in front of it
} x64_place;
#define X64_UNBOUND UINT32_MAX

typedef struct x64_code {
    const pst_env *env;
    uint8_t *bytes;
    size_t capacity;
    uint32_t size;
    x64_item *items;
    size_t item_capacity;
    uint32_t item_count;
    x64_place *labels;
    size_t label_capacity;
    uint32_t label_count;
    jit_refs *refs; // of code that is bound later; NULL: addresses stand in the code
    jit_chance *blind; // NULL: constants stand as they are
    uint8_t spare;     // register that blinding may destroy
    pst_status status; // the first failure; emitters go on, writing over the same bytes
} x64_code;

/// The first labels are 0 to labels - 1.
PST_MUST_USE pst_status x64_code_init(x64_code *code, const pst_env *env, uint32_t labels);
void x64_code_free(x64_code *code);
/// Room for one more instruction's bytes, items and labels.
void x64_room(x64_code *code);

x64_label x64_label_new(x64_code *code);
void x64_bind(x64_code *code, x64_label label); // label is here
void x64_jump(x64_code *code, x64_cc cc, x64_label label);
void x64_call(x64_code *code, x64_label label);
/// Calls a C function; destroys T0.
void x64_call_out(x64_code *code, uint64_t address);
/// The same through the table of addresses; destroys nothing.
void x64_call_ref(x64_code *code, pst_jit_ref ref);
/// dst = the entry of the table of addresses.
void x64_load_ref(x64_code *code, x64_reg dst, pst_jit_ref ref);
void x64_align(x64_code *code, uint32_t align);
/// The recommended no-operations of 1 to 10 bytes (Intel's manual, NOP), one each.
extern const uint8_t x64_nops[X64_NOP_MAX][X64_NOP_MAX];
void x64_traps(x64_code *code, uint32_t bytes); // int3: nothing runs there
void x64_nop(x64_code *code, uint32_t bytes);   // one instruction of 1 to X64_NOP_MAX bytes that does nothing

void x64_mov_rr(x64_code *code, unsigned width, x64_reg dst, x64_reg src);
void x64_mov_ri(x64_code *code, x64_reg dst, uint64_t value);
void x64_load(x64_code *code, unsigned width, x64_reg dst, x64_mem src);        // zero-extends to 64 bits
void x64_load_signed(x64_code *code, unsigned width, x64_reg dst, x64_mem src); // sign-extends to 64 bits
void x64_store(x64_code *code, unsigned width, x64_mem dst, x64_reg src);
void x64_store_i(x64_code *code, unsigned width, x64_mem dst, int32_t value);
void x64_movbe_load(x64_code *code, unsigned width, x64_reg dst, x64_mem src);  // 32, 64
void x64_movbe_store(x64_code *code, unsigned width, x64_mem dst, x64_reg src); // 16, 32, 64
void x64_lea(x64_code *code, unsigned width, x64_reg dst, x64_mem src);
void x64_movzx(x64_code *code, unsigned from, x64_reg dst, x64_reg src);                 // from 8 or 16 to 64
void x64_movsx(x64_code *code, unsigned width, unsigned from, x64_reg dst, x64_reg src); // from 8, 16, 32

void x64_alu_rr(x64_code *code, x64_alu op, unsigned width, x64_reg dst, x64_reg src);
void x64_alu_ri(x64_code *code, x64_alu op, unsigned width, x64_reg dst, int32_t imm);
void x64_alu_mi(x64_code *code, x64_alu op, unsigned width, x64_mem dst, int32_t imm);      // 32, 64
void x64_lock_alu_mr(x64_code *code, x64_alu op, unsigned width, x64_mem dst, x64_reg src); // 32, 64
void x64_test_rr(x64_code *code, unsigned width, x64_reg a, x64_reg b);
void x64_test_ri(x64_code *code, unsigned width, x64_reg a, int32_t imm);
void x64_unary(x64_code *code, x64_op1 op, unsigned width, x64_reg reg);
void x64_cmov(x64_code *code, unsigned width, x64_cc cc, x64_reg dst, x64_reg src); // 32, 64
void x64_imul_rr(x64_code *code, unsigned width, x64_reg dst, x64_reg src);
void x64_imul_rri(x64_code *code, unsigned width, x64_reg dst, x64_reg src, int32_t imm);
void x64_sign_rdx(x64_code *code, unsigned width); // cdq, cqo: rdx = sign of rax
void x64_shift_ri(x64_code *code, x64_shift op, unsigned width, x64_reg reg, unsigned count);
void x64_shift_rcl(x64_code *code, x64_shift op, unsigned width, x64_reg reg); // by cl
/// BMI2, SHL, SHR and SAR: dst = src shifted by count.
void x64_shiftx(x64_code *code, x64_shift op, unsigned width, x64_reg dst, x64_reg src, x64_reg count);
void x64_rorx(x64_code *code, unsigned width, x64_reg dst, x64_reg src, unsigned count); // BMI2
void x64_rol16(x64_code *code, x64_reg reg, unsigned count);                            // the low 16 bits only
void x64_bswap(x64_code *code, unsigned width, x64_reg reg);

void x64_xchg_rr(x64_code *code, x64_reg a, x64_reg b); // 64
void x64_xchg_mr(x64_code *code, unsigned width, x64_mem mem, x64_reg reg);
void x64_lock_xadd(x64_code *code, unsigned width, x64_mem mem, x64_reg reg);
void x64_lock_cmpxchg(x64_code *code, unsigned width, x64_mem mem, x64_reg reg);

void x64_push(x64_code *code, x64_reg reg);
void x64_pop(x64_code *code, x64_reg reg);
void x64_leave(x64_code *code);
void x64_ret(x64_code *code);
void x64_call_r(x64_code *code, x64_reg reg);
void x64_ud2(x64_code *code);
void x64_endbr64(x64_code *code);
void x64_lfence(x64_code *code); // what follows waits until every branch before it is decided

#endif
