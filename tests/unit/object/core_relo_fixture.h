// core_relo_fixture.h: one CO-RE relocation of one instruction, local types against target types.
#ifndef PST_TESTS_CORE_RELO_FIXTURE_H
#define PST_TESTS_CORE_RELO_FIXTURE_H

#include "harness.h"
#include "object/core_relo.h"
#include "unit/btf/btf_builder.h"

#define MOV_IMM 0xb7
#define ADD_IMM 0x07
#define LDX_B 0x71
#define LDX_H 0x69
#define LDX_W 0x61
#define LDX_DW 0x79
#define LDXS_W 0x81
#define STX_W 0x63
#define ST_W 0x62
#define ATOMIC_W 0xc3
#define LD_IMM64 0x18
#define CALL 0x85

typedef struct outcome {
    pst_status status;
    pst_slot slots[2];
} outcome;

// Relocates {opcode, r1, r2, off, imm} (and, for LD_IMM64, a second slot that holds high).
PST_UNUSED static outcome relocate_insn(const pst_btf *local, const pst_btf *target, uint32_t kind, uint32_t type, const char *access,
                                        pst_slot insn, int32_t high)
{
    outcome out = {.slots = {insn, {.imm = high}}};
    const pst_core_relo relo = {.pc = 0, .type = type, .access = access, .kind = kind};
    pst_core_relocator *relocator;
    const pst_btf *targets[] = {target};
    g_memory.error[0] = 0;
    out.status = pst_core_relocator_create(&g_env, local, targets, target ? 1 : 0, &relocator);
    if (out.status != PST_OK) return out;
    out.status = pst_core_relocate(relocator, out.slots, 2, &relo, 1, "prog");
    pst_core_relocator_free(relocator);
    return out;
}

// A move of an immediate, the usual form for sizes, shifts and existence.
PST_UNUSED static outcome relocate_imm(const pst_btf *local, const pst_btf *target, uint32_t kind, uint32_t type, const char *access, int32_t imm)
{
    return relocate_insn(local, target, kind, type, access, (pst_slot){.opcode = MOV_IMM, .regs = 1, .imm = imm}, 0);
}

PST_UNUSED static outcome relocate_off(const pst_btf *local, const pst_btf *target, uint32_t type, const char *access, uint8_t opcode, int16_t off)
{
    pst_slot insn = {.opcode = opcode, .regs = opcode == ST_W ? 0x01 : 0x21, .off = off};
    return relocate_insn(local, target, PST_CORE_FIELD_BYTE_OFFSET, type, access, insn, 0);
}

PST_UNUSED static bool is_poison(pst_slot slot)
{
    return slot.opcode == CALL && slot.regs == 0 && slot.off == 0 && slot.imm == PST_CORE_POISON;
}

#define CHECK_IMM(result, value)                                                                                          \
    do {                                                                                                                  \
        outcome out_ = (result);                                                                                          \
        if (out_.status != PST_OK) pst_test_fail(__FILE__, __LINE__, "status %d: %s", (int)out_.status, g_memory.error); \
        else CHECK_EQ(out_.slots[0].imm, value);                                                                          \
    } while (0)
#define CHECK_OFF(result, op, value)                                                                                      \
    do {                                                                                                                  \
        outcome out_ = (result);                                                                                          \
        if (out_.status != PST_OK) pst_test_fail(__FILE__, __LINE__, "status %d: %s", (int)out_.status, g_memory.error); \
        CHECK_EQ(out_.slots[0].opcode, op);                                                                               \
        CHECK_EQ(out_.slots[0].off, value);                                                                               \
    } while (0)
#define CHECK_POISON(result)                                \
    do {                                                    \
        outcome out_ = (result);                            \
        CHECK_EQ(out_.status, PST_OK);                      \
        CHECK(is_poison(out_.slots[0]));                    \
    } while (0)
#define CHECK_FAIL(result, want, part)                                                                   \
    do {                                                                                                 \
        outcome out_ = (result);                                                                         \
        CHECK_EQ(out_.status, want);                                                                     \
        if (!strstr(g_memory.error, part)) pst_test_fail(__FILE__, __LINE__, "it says: %s", g_memory.error); \
    } while (0)

#endif
