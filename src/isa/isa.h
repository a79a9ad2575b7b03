// isa.h: eBPF instructions: what they are, decoded once from bytes, and back again.
//
// Program images are arrays of pst_insn with one entry per 8-byte slot, so a program counter is a slot index
// everywhere; the second slot of a 64-bit immediate is PST_KIND_PADDING. Engines switch over kind, then op, with no default, so
// that a new row in isa.def breaks each consumer at compile time.
//
// Source: RFC 9669 and Linux's uapi; see isa.def. Pure and freestanding.
#ifndef PST_ISA_ISA_H
#define PST_ISA_ISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "isa/isa.def"

#define PST_REG_COUNT 11 // r0 to r10
#define PST_REG_FP 10
#define PST_SLOT_SIZE 8

/// One slot as it is in an object: 8 bytes, little-endian.
typedef struct pst_slot {
    uint8_t opcode;
    uint8_t regs; // dst in the low nibble, src in the high one
    int16_t off;
    int32_t imm;
} pst_slot;

typedef enum pst_alu_op {
#define X(name, ...) PST_ALU_##name,
    PST_ALU_LIST(X)
#undef X
} pst_alu_op;

typedef enum pst_swap_op {
#define X(name, ...) PST_SWAP_##name,
    PST_SWAP_LIST(X)
#undef X
} pst_swap_op;

typedef enum pst_jump_op {
#define X(name, ...) PST_JUMP_##name,
    PST_JUMP_LIST(X)
#undef X
} pst_jump_op;

typedef enum pst_atomic_op {
#define X(name, ...) PST_ATOMIC_##name,
    PST_ATOMIC_LIST(X)
#undef X
} pst_atomic_op;

typedef enum pst_imm64_op {
#define X(name, ...) PST_IMM64_##name,
    PST_IMM64_LIST(X)
#undef X
} pst_imm64_op;

typedef enum pst_call_op {
#define X(name, ...) PST_CALL_##name,
    PST_CALL_LIST(X)
#undef X
} pst_call_op;

typedef enum pst_group {
#define X(name, ...) PST_GROUP_##name,
    PST_GROUP_LIST(X)
#undef X
    PST_GROUP_COUNT
} pst_group;

typedef enum pst_legacy_op {
    PST_LEGACY_ABS, // r0 = *(width *)skb[imm]
    PST_LEGACY_IND, // r0 = *(width *)skb[src + imm]
} pst_legacy_op;

//                     what it does; which of pst_insn's fields count
typedef enum pst_kind {
    PST_KIND_ALU,           // dst = dst op operand, at width 32 (upper half zeroed) or 64. op: pst_alu_op
    PST_KIND_SWAP,          // byte order of dst at width 16, 32, 64. op: pst_swap_op
    PST_KIND_IMM64,         // dst = imm, 64 bits; two slots. op: pst_imm64_op
    PST_KIND_PADDING,       // the second slot of PST_KIND_IMM64; never executed, never a jump target
    PST_KIND_LOAD,          // dst = *(width *)(src + off); PST_INSN_SIGNED extends the sign
    PST_KIND_STORE,         // *(width *)(dst + off) = operand
    PST_KIND_ATOMIC,        // *(width *)(dst + off) op= src, PST_INSN_FETCH: src (CMPXCHG: r0) = old value. op: pst_atomic_op
    PST_KIND_LOAD_ACQUIRE,  // dst = *(width *)(src + off)
    PST_KIND_STORE_RELEASE, // *(width *)(dst + off) = src
    PST_KIND_LEGACY_LOAD,   // r0 = packet bytes at imm (+ src) in network order; ends the program with 0 when outside. op: pst_legacy_op
    PST_KIND_JUMP,          // goto target
    PST_KIND_BRANCH,        // if dst op operand goto target, at width 32 or 64. op: pst_jump_op
    PST_KIND_MAY_GOTO,      // goto target once the program's loop budget is used up
    PST_KIND_CALL,          // op: pst_call_op. HELPER: imm; SUBPROG: target; KFUNC: imm, off; REGISTER: dst
    PST_KIND_EXIT,
    PST_KIND_CAST,          // address-space cast: recognised, refused by whoever would run it
} pst_kind;

#define PST_INSN_IMM 0x01u    // the operand is imm, not src
#define PST_INSN_SIGNED 0x02u // PST_KIND_LOAD extends the sign
#define PST_INSN_FETCH 0x04u  // PST_KIND_ATOMIC returns the old value (always set for XCHG and CMPXCHG)
#define PST_INSN_LONG 0x08u   // PST_KIND_JUMP was written as gotol (32-bit displacement)
#define PST_INSN_IMM_CALL 0x10u // PST_CALL_REGISTER: written with the register in imm, as clang before 19 did. dst has it either way

typedef struct pst_insn {
    uint8_t kind;   // pst_kind
    uint8_t op;     // by kind, see above; else 0
    uint8_t dst;    // 0 to 10
    uint8_t src;    // 0 to 10
    uint8_t width;  // operand width in bits: 8, 16, 32, 64
    uint8_t flags;  // PST_INSN_*
    int16_t off;    // memory displacement in bytes; KFUNC: BTF index
    int32_t target; // JUMP, BRANCH, MAY_GOTO, SUBPROG and IMM64_FUNC: displacement in slots from the next slot
    int64_t imm;    // sign-extended; IMM64: all 64 bits (for MAP_* kinds: low half first imm, high half second imm). 0 where target counts
} pst_insn;

PST_STATIC_ASSERT(sizeof(pst_insn) == 24, "one decoded instruction is three words");

/// The operand expression of isa.def at one width; used by everything that folds or executes.
PST_MUST_USE uint64_t pst_alu_eval(pst_alu_op op, unsigned width, uint64_t a, uint64_t b);
PST_MUST_USE uint64_t pst_swap_eval(pst_swap_op op, unsigned width, uint64_t a);
PST_MUST_USE bool pst_jump_eval(pst_jump_op op, unsigned width, uint64_t a, uint64_t b);

/// The conformance group of RFC 9669 that a decoded instruction needs; none: a group cannot promise it.
PST_MUST_USE pst_group pst_insn_group(const pst_insn *insn);
const char *pst_group_name(pst_group group);
const char *pst_group_text(pst_group group); // what is in it
/// The group that this one includes; none: no other.
pst_group pst_group_includes(pst_group group);

#define PST_DECODE_LIST(X)                                                                                 \
    X(OK, "")                                                                                              \
    X(TRUNCATED, "the second half of a 64-bit immediate is missing")                                       \
    X(OPCODE, "no instruction has this opcode")                                                            \
    X(REGISTER, "there is no such register (r0 to r10)")                                                   \
    X(RESERVED, "a reserved field is not zero")                                                            \
    X(FRAME_POINTER, "r10 is read-only")                                                                   \
    X(WIDTH, "the operation does not exist at this width")                                                 \
    X(ATOMIC, "no atomic operation has this code")                                                         \
    X(PSEUDO, "no kind of call or of 64-bit immediate has this number")

typedef enum pst_decode_result {
#define X(name, text) PST_DECODE_##name,
    PST_DECODE_LIST(X)
#undef X
} pst_decode_result;

const char *pst_decode_text(pst_decode_result result);

/// Each field equal. (Instructions have padding: do not compare their bytes.)
PST_MUST_USE bool pst_insn_equal(const pst_insn *a, const pst_insn *b);

/// Decodes the instruction at slots[0]; left is the number of slots from there, >= 1. Checks all that one instruction can
/// be checked for alone: opcode, registers, reserved fields (by RFC 9669), widths. *out is written only on OK.
/// The caller writes PST_KIND_PADDING for the second slot after PST_KIND_IMM64.
PST_MUST_USE pst_decode_result pst_insn_decode(const pst_slot *slots, size_t left, pst_insn *out);

/// Encodes into one slot, or two for PST_KIND_IMM64; returns how many, 0 when insn is none that decode can produce.
PST_MUST_USE size_t pst_insn_encode(const pst_insn *insn, pst_slot out[2]);

/// What the disassembler may ask of its caller; each function may be NULL or return NULL for "no name".
typedef struct pst_disasm_names {
    void *user;
    const char *(*helper)(void *user, int32_t id);
    const char *(*kfunc)(void *user, int32_t btf_id, int16_t off);
    const char *(*map)(void *user, size_t pc, const pst_insn *insn);
    const char *(*subprog)(void *user, size_t pc); // pc of the callee
} pst_disasm_names;

/// Appends one instruction in the kernel's syntax (as bpftool and llvm-objdump write it), without newline; pc is its slot.
/// names may be NULL: helpers then appear as "call 5". With names == NULL the text assembles back to the same bytes.
void pst_disasm_insn(pst_text *out, const pst_insn *insn, size_t pc, const pst_disasm_names *names);

#define PST_ASM_SLOTS_MAX (1u << 20)  // slots that one text may assemble to
#define PST_ASM_LABELS_MAX (1u << 16) // labels that it may define

typedef struct pst_asm_error {
    unsigned line;  // from 1
    char text[160]; // one sentence
} pst_asm_error;

/// Assembles text in the disassembler's syntax and llvm's variants of it, one instruction a line or separated by ';'. See
/// asm.c for the grammar: labels ("out:"), comments ("#", "//"), jumps to labels or relative "+3", decimal and hex numbers.
/// *slots is allocated from env (free with *count * sizeof(pst_slot)); an empty text gives NULL and 0.
/// PST_E_FORMAT: *error says where and why. PST_E_LIMIT: so it does, the program is larger than the limits above.
PST_MUST_USE pst_status pst_assemble(const pst_env *env, const char *text, pst_slot **slots, size_t *count, pst_asm_error *error);

#endif
