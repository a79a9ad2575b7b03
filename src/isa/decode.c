// decode.c: from slots to instructions.
//
// Called by the object loader, the assembler's tests and the core, on bytes that nobody has looked at. One function per
// class; operations are found by expanding isa.def into cases, so that two rows with one encoding do not compile.
// Invariant: what is accepted has each field either meaningful or zero, so that encode.c gives the same bytes back.
// Leaves out: whatever needs a second instruction (jump targets, padding) and what RFC 9669 defines although Linux's
// verifier refuses it (division by an immediate 0, shift counts beyond the width).
//
// Source: RFC 9669; for reserved fields also check_alu_op, check_ld_imm, check_ld_abs, resolve_pseudo_ldimm64 and
// do_check of Linux's kernel/bpf/verifier.c.
#include "isa/isa.h"
#include "isa/opcode.h"

// Which fields an instruction uses. All others must be zero.
#define USES_DST 0x01u
#define USES_SRC 0x02u
#define USES_OFF 0x04u
#define USES_IMM 0x08u
#define WRITES_DST (USES_DST | 0x10u) // the instruction writes the register: not r10
#define WRITES_SRC (USES_SRC | 0x20u)

const char *pst_decode_text(pst_decode_result result)
{
    switch (result) {
#define X(name, text) \
    case PST_DECODE_##name: return text;
        PST_DECODE_LIST(X)
#undef X
    }
    return "unknown result";
}

static unsigned slot_dst(const pst_slot *s) { return s->regs & 0x0fu; }
static unsigned slot_src(const pst_slot *s) { return (unsigned)s->regs >> 4; }

// Takes the fields that are used into *out, and checks that the others are zero.
static pst_decode_result take(const pst_slot *s, unsigned uses, pst_insn *out)
{
    unsigned dst = slot_dst(s), src = slot_src(s);
    if (!(uses & USES_DST) && dst != 0) return PST_DECODE_RESERVED;
    if (!(uses & USES_SRC) && src != 0) return PST_DECODE_RESERVED;
    if (!(uses & USES_OFF) && s->off != 0) return PST_DECODE_RESERVED;
    if (!(uses & USES_IMM) && s->imm != 0) return PST_DECODE_RESERVED;
    if (dst >= PST_REG_COUNT || src >= PST_REG_COUNT) return PST_DECODE_REGISTER;
    if ((uses & WRITES_DST) == WRITES_DST && dst == PST_REG_FP) return PST_DECODE_FRAME_POINTER;
    if ((uses & WRITES_SRC) == WRITES_SRC && src == PST_REG_FP) return PST_DECODE_FRAME_POINTER;
    out->dst = (uint8_t)dst;
    out->src = (uint8_t)src;
    out->off = s->off;
    out->imm = s->imm;
    return PST_DECODE_OK;
}

static uint8_t size_width(unsigned opcode)
{
    switch (OPC_SIZE(opcode)) {
    case OPC_B: return 8;
    case OPC_H: return 16;
    case OPC_W: return 32;
    default: return 64;
    }
}

// The row with this code and discriminator. known: some row has the code.
static bool alu_find(unsigned code, int off, uint8_t *op, bool *known)
{
    *known = true;
    switch (code | (unsigned)(uint16_t)off << 8) {
#define X(name, code_, off_, ...) \
    case (code_) | (off_) << 8: *op = PST_ALU_##name; return true;
        PST_ALU_LIST(X)
#undef X
    default: break;
    }
    *known = false;
#define X(name, code_, ...) *known |= (code_) == code;
    PST_ALU_LIST(X)
#undef X
    return false;
}

static pst_decode_result decode_swap(const pst_slot *s, pst_insn *out)
{
    out->kind = PST_KIND_SWAP;
    switch (OPC_CLASS(s->opcode) | (s->opcode & OPC_REGISTER)) {
#define X(name, klass, source, text) \
    case OPC_SWAP_KEY(klass, source): out->op = PST_SWAP_##name; break;
        PST_SWAP_LIST(X)
#undef X
    default: return PST_DECODE_OPCODE;
    }
    if (s->imm != 16 && s->imm != 32 && s->imm != 64) return PST_DECODE_WIDTH;
    out->width = (uint8_t)s->imm;
    pst_decode_result result = take(s, WRITES_DST | USES_IMM, out);
    out->imm = 0; // it was the width
    return result;
}

static pst_decode_result decode_cast(const pst_slot *s, pst_insn *out)
{
    out->kind = PST_KIND_CAST;
    out->width = 64;
    if (s->imm != 1 && s->imm != 1 << 16) return PST_DECODE_RESERVED;
    pst_decode_result result = take(s, WRITES_DST | USES_SRC | USES_OFF | USES_IMM, out);
    out->off = 0; // it was part of the operation
    return result;
}

static pst_decode_result decode_alu(const pst_slot *s, pst_insn *out)
{
    bool wide = OPC_CLASS(s->opcode) == OPC_ALU64, reg = (s->opcode & OPC_REGISTER) != 0, known;
    unsigned code = OPC_CODE(s->opcode);
    if (code == OPC_END) return decode_swap(s, out);
    if (s->opcode == OPC_CAST && s->off == OPC_CAST_OFF) return decode_cast(s, out);

    out->kind = PST_KIND_ALU;
    out->width = wide ? 64 : 32;
    if (!alu_find(code, s->off, &out->op, &known)) return known ? PST_DECODE_RESERVED : PST_DECODE_OPCODE;

    unsigned uses = WRITES_DST | USES_OFF | (reg ? USES_SRC : USES_IMM);
    if (!reg) out->flags = PST_INSN_IMM;
    if (out->op == PST_ALU_NEG) {
        if (reg) return PST_DECODE_OPCODE;
        uses &= ~USES_IMM;
    }
    bool extends = out->op == PST_ALU_MOVSX8 || out->op == PST_ALU_MOVSX16 || out->op == PST_ALU_MOVSX32;
    if (extends && !reg) return PST_DECODE_RESERVED;
    if (out->op == PST_ALU_MOVSX32 && !wide) return PST_DECODE_WIDTH;
    pst_decode_result result = take(s, uses, out);
    out->off = 0; // it was part of the operation
    return result;
}

static pst_decode_result decode_imm64(const pst_slot *slots, size_t left, pst_insn *out)
{
    out->kind = PST_KIND_IMM64;
    out->width = 64;
    if (left < 2) return PST_DECODE_TRUNCATED;
    const pst_slot *next = slots + 1;
    if (next->opcode != 0 || next->regs != 0 || next->off != 0) return PST_DECODE_RESERVED;

    bool second = false; // the second immediate has a meaning
    switch (slot_src(slots)) {
#define X(name, src, second_, text) \
    case src: out->op = PST_IMM64_##name; second = second_; break;
        PST_IMM64_LIST(X)
#undef X
    default: return PST_DECODE_PSEUDO;
    }
    if (!second && next->imm != 0) return PST_DECODE_RESERVED;

    pst_slot first = *slots;
    first.regs &= 0x0f; // src was the pseudo kind
    pst_decode_result result = take(&first, WRITES_DST | USES_IMM, out);
    out->imm = (int64_t)((uint64_t)(uint32_t)slots->imm | (uint64_t)(uint32_t)next->imm << 32);
    if (out->op == PST_IMM64_FUNC) {
        out->target = slots->imm;
        out->imm = 0;
    }
    return result;
}

static pst_decode_result decode_ld(const pst_slot *slots, size_t left, pst_insn *out)
{
    unsigned mode = OPC_MODE(slots->opcode);
    if (slots->opcode == OPC_IMM64) return decode_imm64(slots, left, out);
    if (mode != OPC_ABS && mode != OPC_IND) return PST_DECODE_OPCODE;
    if (OPC_SIZE(slots->opcode) == OPC_DW) return PST_DECODE_WIDTH;
    out->kind = PST_KIND_LEGACY_LOAD;
    out->op = mode == OPC_ABS ? PST_LEGACY_ABS : PST_LEGACY_IND;
    out->width = size_width(slots->opcode);
    return take(slots, USES_IMM | (mode == OPC_IND ? USES_SRC : 0u), out);
}

static pst_decode_result decode_ldx(const pst_slot *s, pst_insn *out)
{
    unsigned mode = OPC_MODE(s->opcode);
    if (mode != OPC_MEM && mode != OPC_MEMSX) return PST_DECODE_OPCODE;
    out->kind = PST_KIND_LOAD;
    out->width = size_width(s->opcode);
    if (mode == OPC_MEMSX) {
        if (out->width == 64) return PST_DECODE_WIDTH;
        out->flags = PST_INSN_SIGNED;
    }
    return take(s, WRITES_DST | USES_SRC | USES_OFF, out);
}

static bool atomic_find(int32_t imm, uint8_t *op)
{
    switch (imm) {
#define X(name, imm_, ...) \
    case imm_: *op = PST_ATOMIC_##name; return true;
        PST_ATOMIC_LIST(X)
#undef X
    default: return false;
    }
}

static pst_decode_result decode_atomic(const pst_slot *s, pst_insn *out)
{
    unsigned uses = USES_OFF | USES_IMM;
    out->width = size_width(s->opcode);
    if (s->imm == OPC_LOAD_ACQUIRE) {
        out->kind = PST_KIND_LOAD_ACQUIRE;
        uses |= WRITES_DST | USES_SRC;
    } else if (s->imm == OPC_STORE_RELEASE) {
        out->kind = PST_KIND_STORE_RELEASE;
        uses |= USES_DST | USES_SRC;
    } else {
        out->kind = PST_KIND_ATOMIC;
        if (s->imm & OPC_FETCH) out->flags = PST_INSN_FETCH;
        // XCHG and CMPXCHG have the fetch bit in their row; to the others it is added.
        if (!atomic_find(s->imm, &out->op) && !(out->flags && atomic_find(s->imm & ~OPC_FETCH, &out->op)))
            return PST_DECODE_ATOMIC;
        if (out->width < 32) return PST_DECODE_WIDTH;
        bool writes_src = out->flags && out->op != PST_ATOMIC_CMPXCHG; // CMPXCHG writes r0
        uses |= USES_DST | (writes_src ? WRITES_SRC : USES_SRC);
    }
    pst_decode_result result = take(s, uses, out);
    out->imm = 0; // it was the operation
    return result;
}

static pst_decode_result decode_store(const pst_slot *s, pst_insn *out)
{
    bool reg = OPC_CLASS(s->opcode) == OPC_STX;
    if (reg && OPC_MODE(s->opcode) == OPC_ATOMIC) return decode_atomic(s, out);
    if (OPC_MODE(s->opcode) != OPC_MEM) return PST_DECODE_OPCODE;
    out->kind = PST_KIND_STORE;
    out->width = size_width(s->opcode);
    if (!reg) out->flags = PST_INSN_IMM;
    return take(s, USES_DST | USES_OFF | (reg ? USES_SRC : USES_IMM), out);
}

static pst_decode_result decode_call(const pst_slot *s, pst_insn *out)
{
    out->kind = PST_KIND_CALL;
    pst_slot fields = *s;
    fields.regs &= 0x0f; // src is the kind of call
    switch (slot_src(s)) {
    case CALL_SRC_HELPER: out->op = PST_CALL_HELPER; return take(&fields, USES_IMM, out);
    case CALL_SRC_SUBPROG: {
        out->op = PST_CALL_SUBPROG;
        out->target = s->imm;
        pst_decode_result result = take(&fields, USES_IMM, out);
        out->imm = 0; // it was the target
        return result;
    }
    case CALL_SRC_KFUNC: out->op = PST_CALL_KFUNC; return take(&fields, USES_OFF | USES_IMM, out);
    default: return PST_DECODE_PSEUDO;
    }
}

// The register of an indirect call stands in dst (clang 19 and later, gcc) or in imm (older clang). r0 is the same in both.
static pst_decode_result decode_callx(const pst_slot *s, pst_insn *out)
{
    out->kind = PST_KIND_CALL;
    out->op = PST_CALL_REGISTER;
    if (s->imm == 0) return take(s, USES_DST, out);
    if (s->imm < 0 || s->imm >= PST_REG_COUNT) return PST_DECODE_REGISTER;
    out->flags = PST_INSN_IMM_CALL;
    pst_decode_result result = take(s, USES_IMM, out);
    out->dst = (uint8_t)s->imm;
    out->imm = 0;
    return result;
}

static pst_decode_result decode_goto(const pst_slot *s, pst_insn *out)
{
    bool is_long = OPC_CLASS(s->opcode) == OPC_JMP32;
    out->kind = PST_KIND_JUMP;
    pst_decode_result result = take(s, is_long ? USES_IMM : USES_OFF, out);
    if (is_long) out->flags = PST_INSN_LONG;
    out->target = is_long ? s->imm : s->off;
    out->off = 0;
    out->imm = 0;
    return result;
}

static bool jump_find(unsigned code, uint8_t *op)
{
    switch (code) {
#define X(name, code_, ...) \
    case code_: *op = PST_JUMP_##name; return true;
        PST_JUMP_LIST(X)
#undef X
    default: return false;
    }
}

static pst_decode_result decode_branch(const pst_slot *s, pst_insn *out)
{
    bool reg = (s->opcode & OPC_REGISTER) != 0;
    unsigned uses = USES_OFF;
    if (OPC_CODE(s->opcode) == OPC_JCOND) {
        if (s->opcode != (OPC_JMP | OPC_JCOND)) return PST_DECODE_OPCODE;
        out->kind = PST_KIND_MAY_GOTO;
    } else {
        out->kind = PST_KIND_BRANCH;
        if (!jump_find(OPC_CODE(s->opcode), &out->op)) return PST_DECODE_OPCODE;
        out->width = OPC_CLASS(s->opcode) == OPC_JMP32 ? 32 : 64;
        if (!reg) out->flags = PST_INSN_IMM;
        uses |= USES_DST | (reg ? USES_SRC : USES_IMM);
    }
    pst_decode_result result = take(s, uses, out);
    out->target = s->off;
    out->off = 0;
    return result;
}

static pst_decode_result decode_jmp(const pst_slot *s, pst_insn *out)
{
    switch (s->opcode) {
    case OPC_JMP | OPC_JA:
    case OPC_JMP32 | OPC_JA: return decode_goto(s, out);
    case OPC_JMP | OPC_CALL: return decode_call(s, out);
    case OPC_JMP | OPC_CALL | OPC_REGISTER: return decode_callx(s, out);
    case OPC_JMP | OPC_EXIT: out->kind = PST_KIND_EXIT; return take(s, 0, out);
    default: return decode_branch(s, out);
    }
}

pst_decode_result pst_insn_decode(const pst_slot *slots, size_t left, pst_insn *out)
{
    pst_insn insn = {0};
    pst_decode_result result;
    switch (OPC_CLASS(slots->opcode)) {
    case OPC_LD: result = decode_ld(slots, left, &insn); break;
    case OPC_LDX: result = decode_ldx(slots, &insn); break;
    case OPC_ST:
    case OPC_STX: result = decode_store(slots, &insn); break;
    case OPC_JMP:
    case OPC_JMP32: result = decode_jmp(slots, &insn); break;
    default: result = decode_alu(slots, &insn); break;
    }
    if (result == PST_DECODE_OK) *out = insn;
    return result;
}
