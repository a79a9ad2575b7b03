// opcode.h: the bits of the opcode byte. Internal to this folder: everyone else uses decoded instructions.
//
// Source: RFC 9669, sections 3 to 5; names without the BPF_ prefix.
#ifndef PST_ISA_OPCODE_H
#define PST_ISA_OPCODE_H

#include <stdint.h>

#include "isa/isa.h"

// Class: the low three bits.
#define OPC_CLASS(opcode) ((opcode) & 0x07u)
#define OPC_LD 0x00u
#define OPC_LDX 0x01u
#define OPC_ST 0x02u
#define OPC_STX 0x03u
#define OPC_ALU 0x04u
#define OPC_JMP 0x05u
#define OPC_JMP32 0x06u
#define OPC_ALU64 0x07u

// Arithmetic and jumps: the operation above, the source bit below it.
#define OPC_CODE(opcode) ((opcode) & 0xf0u)
#define OPC_REGISTER 0x08u // the second operand is src, not imm
#define OPC_END 0xd0u      // byte order, in both arithmetic classes
#define OPC_JA 0x00u
#define OPC_CALL 0x80u
#define OPC_EXIT 0x90u
#define OPC_JCOND 0xe0u // linux: may_goto

// Loads and stores: mode in the upper three bits, size in the two below.
#define OPC_MODE(opcode) ((opcode) & 0xe0u)
#define OPC_IMM 0x00u
#define OPC_ABS 0x20u
#define OPC_IND 0x40u
#define OPC_MEM 0x60u
#define OPC_MEMSX 0x80u
#define OPC_ATOMIC 0xc0u
#define OPC_SIZE(opcode) ((opcode) & 0x18u)
#define OPC_W 0x00u
#define OPC_H 0x08u
#define OPC_B 0x10u
#define OPC_DW 0x18u
#define OPC_IMM64 (OPC_LD | OPC_IMM | OPC_DW)

// Mode ATOMIC: in imm.
#define OPC_FETCH 0x01
#define OPC_LOAD_ACQUIRE 0x100
#define OPC_STORE_RELEASE 0x110

// Address-space cast: a move between registers with this offset (Linux's BPF_ADDR_SPACE_CAST).
#define OPC_CAST (OPC_ALU64 | 0xb0u | OPC_REGISTER)
#define OPC_CAST_OFF 1

// The kind of a call, in the source field.
enum {
#define X(name, src, ...) CALL_SRC_##name = src,
    PST_CALL_LIST(X)
#undef X
};

// isa.def's class and source columns of PST_SWAP_LIST, as bits of the opcode.
#define OPC_SWAP_KEY(klass, source) ((klass) | ((source) ? OPC_REGISTER : 0u))

/// As pst_insn_encode, and says why not: the reason that decode.c has against the slots, or RESERVED if they would mean
/// another instruction. *count is written on OK.
PST_MUST_USE pst_decode_result pst_insn_encode_why(const pst_insn *insn, pst_slot out[2], size_t *count);

#endif
