// group.c: conformance groups: what an implementation of RFC 9669 may leave out, and which group an instruction needs.
//
// Called by whoever tells users what a program asks of an engine. Arithmetic, jumps and atomic operations have their groups in isa.def; for the
// other kinds they follow from the width.
//
// Source: RFC 9669, section 2.4 and the notes on groups in sections 4 and 5. Where its list of opcodes and its text differ, the text counts:
// sign-extending loads are base32, negation at 64 bits is base64.
#include "isa/isa.h"

static pst_group by_width(const pst_insn *insn, pst_group narrow, pst_group wide)
{
    return insn->width == 64 ? wide : narrow;
}

static pst_group alu_group(const pst_insn *insn)
{
    switch ((pst_alu_op)insn->op) {
#define X(name, code, off, text, group32, group64, meaning) \
    case PST_ALU_##name: return by_width(insn, PST_GROUP_##group32, PST_GROUP_##group64);
        PST_ALU_LIST(X)
#undef X
    }
    PST_UNREACHABLE();
}

static pst_group jump_group(const pst_insn *insn)
{
    switch ((pst_jump_op)insn->op) {
#define X(name, code, text, group32, group64, meaning) \
    case PST_JUMP_##name: return by_width(insn, PST_GROUP_##group32, PST_GROUP_##group64);
        PST_JUMP_LIST(X)
#undef X
    }
    PST_UNREACHABLE();
}

static pst_group atomic_group(const pst_insn *insn)
{
    switch ((pst_atomic_op)insn->op) {
#define X(name, imm, text, group32, group64) \
    case PST_ATOMIC_##name: return by_width(insn, PST_GROUP_##group32, PST_GROUP_##group64);
        PST_ATOMIC_LIST(X)
#undef X
    }
    PST_UNREACHABLE();
}

pst_group pst_insn_group(const pst_insn *insn)
{
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU: return alu_group(insn);
    case PST_KIND_BRANCH: return jump_group(insn);
    case PST_KIND_ATOMIC: return atomic_group(insn);
    case PST_KIND_SWAP:
    case PST_KIND_LOAD:
    case PST_KIND_STORE: return by_width(insn, PST_GROUP_base32, PST_GROUP_base64);
    case PST_KIND_IMM64:
    case PST_KIND_PADDING: return PST_GROUP_base64;
    case PST_KIND_JUMP:
    case PST_KIND_EXIT: return PST_GROUP_base32;
    case PST_KIND_CALL: return insn->op == PST_CALL_REGISTER ? PST_GROUP_none : PST_GROUP_base32;
    case PST_KIND_LEGACY_LOAD: return PST_GROUP_packet;
    case PST_KIND_LOAD_ACQUIRE:
    case PST_KIND_STORE_RELEASE:
    case PST_KIND_MAY_GOTO:
    case PST_KIND_CAST: return PST_GROUP_none;
    }
    PST_UNREACHABLE();
}

static const struct {
    const char *name, *text;
    pst_group includes;
} rows[] = {
#define X(name, includes, text) {#name, text, PST_GROUP_##includes},
    PST_GROUP_LIST(X)
#undef X
};

const char *pst_group_name(pst_group group)
{
    return rows[group].name;
}

const char *pst_group_text(pst_group group)
{
    return rows[group].text;
}

pst_group pst_group_includes(pst_group group)
{
    return rows[group].includes;
}
