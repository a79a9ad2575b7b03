// encode.c: from instructions to slots; the inverse of decode.c.
//
// Called by the assembler, by whoever rewrites an image (linker, CO-RE), and by tests.
// Invariant: what it returns decodes to the same instruction. It makes sure by decoding it again: encoding is rare, and so
// the rules for what is valid exist once, in decode.c.
#include "isa/isa.h"
#include "isa/opcode.h"

bool pst_insn_equal(const pst_insn *a, const pst_insn *b)
{
    return a->kind == b->kind && a->op == b->op && a->dst == b->dst && a->src == b->src && a->width == b->width &&
           a->flags == b->flags && a->off == b->off && a->target == b->target && a->imm == b->imm;
}

static uint8_t width_size(unsigned width)
{
    switch (width) {
    case 8: return OPC_B;
    case 16: return OPC_H;
    case 32: return OPC_W;
    default: return OPC_DW;
    }
}

static unsigned operand_bit(const pst_insn *insn)
{
    return insn->flags & PST_INSN_IMM ? 0 : OPC_REGISTER;
}

static void encode_alu(const pst_insn *insn, pst_slot *slot)
{
    static const struct {
        uint8_t code, off;
    } rows[] = {
#define X(name, code, off, ...) {code, off},
        PST_ALU_LIST(X)
#undef X
    };
    if (insn->op >= PST_COUNT(rows)) return;
    slot->opcode = (uint8_t)((insn->width == 32 ? OPC_ALU : OPC_ALU64) | operand_bit(insn) | rows[insn->op].code);
    slot->off = rows[insn->op].off;
}

static void encode_swap(const pst_insn *insn, pst_slot *slot)
{
    static const uint8_t keys[] = {
#define X(name, klass, source, text) OPC_SWAP_KEY(klass, source),
        PST_SWAP_LIST(X)
#undef X
    };
    if (insn->op >= PST_COUNT(keys)) return;
    slot->opcode = (uint8_t)(keys[insn->op] | OPC_END);
    slot->imm = insn->width;
}

static void encode_imm64(const pst_insn *insn, pst_slot out[2])
{
    static const uint8_t sources[] = {
#define X(name, src, ...) src,
        PST_IMM64_LIST(X)
#undef X
    };
    if (insn->op >= PST_COUNT(sources)) return;
    out[0].opcode = OPC_IMM64;
    out[0].regs = (uint8_t)(insn->dst | sources[insn->op] << 4);
    out[0].imm = insn->op == PST_IMM64_FUNC ? insn->target : (int32_t)(uint32_t)insn->imm;
    out[1].imm = (int32_t)(uint32_t)((uint64_t)insn->imm >> 32);
}

static void encode_atomic(const pst_insn *insn, pst_slot *slot)
{
    static const uint8_t codes[] = {
#define X(name, imm, ...) imm,
        PST_ATOMIC_LIST(X)
#undef X
    };
    if (insn->op >= PST_COUNT(codes)) return;
    slot->opcode = (uint8_t)(OPC_STX | OPC_ATOMIC | width_size(insn->width));
    slot->imm = codes[insn->op] | (insn->flags & PST_INSN_FETCH ? OPC_FETCH : 0);
}

static void encode_ordered(const pst_insn *insn, pst_slot *slot)
{
    slot->opcode = (uint8_t)(OPC_STX | OPC_ATOMIC | width_size(insn->width));
    slot->imm = insn->kind == PST_KIND_LOAD_ACQUIRE ? OPC_LOAD_ACQUIRE : OPC_STORE_RELEASE;
}

static void encode_jump(const pst_insn *insn, pst_slot *slot)
{
    bool is_long = (insn->flags & PST_INSN_LONG) != 0;
    slot->opcode = (uint8_t)((is_long ? OPC_JMP32 : OPC_JMP) | OPC_JA);
    if (is_long) slot->imm = insn->target;
    else slot->off = (int16_t)insn->target; // one that does not fit is found by decoding again
}

static void encode_branch(const pst_insn *insn, pst_slot *slot)
{
    static const uint8_t codes[] = {
#define X(name, code, ...) code,
        PST_JUMP_LIST(X)
#undef X
    };
    if (insn->op >= PST_COUNT(codes)) return;
    slot->opcode = (uint8_t)((insn->width == 32 ? OPC_JMP32 : OPC_JMP) | operand_bit(insn) | codes[insn->op]);
    slot->off = (int16_t)insn->target;
}

static void encode_call(const pst_insn *insn, pst_slot *slot)
{
    static const uint8_t sources[] = {
#define X(name, src, ...) src,
        PST_CALL_LIST(X)
#undef X
    };
    if (insn->op >= PST_COUNT(sources)) return;
    slot->opcode = OPC_JMP | OPC_CALL;
    slot->regs = (uint8_t)(sources[insn->op] << 4);
    if (insn->op == PST_CALL_SUBPROG) slot->imm = insn->target;
    if (insn->op != PST_CALL_REGISTER) return;
    slot->opcode |= OPC_REGISTER;
    if (insn->flags & PST_INSN_IMM_CALL) slot->imm = insn->dst;
    else slot->regs = insn->dst;
}

// Leaves opcode 0, which no instruction has, where insn is of no kind.
static void encode_kind(const pst_insn *insn, pst_slot out[2])
{
    pst_slot *slot = out;
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU: encode_alu(insn, slot); break;
    case PST_KIND_SWAP: encode_swap(insn, slot); break;
    case PST_KIND_IMM64: encode_imm64(insn, out); break;
    case PST_KIND_PADDING: break;
    case PST_KIND_LOAD:
        slot->opcode = (uint8_t)(OPC_LDX | (insn->flags & PST_INSN_SIGNED ? OPC_MEMSX : OPC_MEM) | width_size(insn->width));
        break;
    case PST_KIND_STORE:
        slot->opcode = (uint8_t)((insn->flags & PST_INSN_IMM ? OPC_ST : OPC_STX) | OPC_MEM | width_size(insn->width));
        break;
    case PST_KIND_ATOMIC: encode_atomic(insn, slot); break;
    case PST_KIND_LOAD_ACQUIRE:
    case PST_KIND_STORE_RELEASE: encode_ordered(insn, slot); break;
    case PST_KIND_LEGACY_LOAD:
        slot->opcode = (uint8_t)(OPC_LD | (insn->op == PST_LEGACY_ABS ? OPC_ABS : OPC_IND) | width_size(insn->width));
        break;
    case PST_KIND_JUMP: encode_jump(insn, slot); break;
    case PST_KIND_BRANCH: encode_branch(insn, slot); break;
    case PST_KIND_MAY_GOTO:
        slot->opcode = OPC_JMP | OPC_JCOND;
        slot->off = (int16_t)insn->target;
        break;
    case PST_KIND_CALL: encode_call(insn, slot); break;
    case PST_KIND_EXIT: slot->opcode = OPC_JMP | OPC_EXIT; break;
    case PST_KIND_CAST:
        slot->opcode = OPC_CAST;
        slot->off = OPC_CAST_OFF;
        break;
    }
}

pst_decode_result pst_insn_encode_why(const pst_insn *insn, pst_slot out[2], size_t *count)
{
    bool own_fields = insn->kind == PST_KIND_IMM64 || (insn->kind == PST_KIND_CALL && insn->op == PST_CALL_REGISTER);
    if (insn->dst >= PST_REG_COUNT || insn->src >= PST_REG_COUNT) return PST_DECODE_REGISTER;
    out[0] = out[1] = (pst_slot){0};
    if (!own_fields) {
        out[0].regs = (uint8_t)(insn->dst | insn->src << 4);
        out[0].off = insn->off;
        out[0].imm = (int32_t)(uint32_t)insn->imm;
    }
    encode_kind(insn, out);

    pst_insn again;
    pst_decode_result result = pst_insn_decode(out, 2, &again);
    if (result != PST_DECODE_OK) return result;
    if (!pst_insn_equal(insn, &again)) return PST_DECODE_RESERVED;
    *count = insn->kind == PST_KIND_IMM64 ? 2 : 1;
    return PST_DECODE_OK;
}

size_t pst_insn_encode(const pst_insn *insn, pst_slot out[2])
{
    size_t count;
    return pst_insn_encode_why(insn, out, &count) == PST_DECODE_OK ? count : 0;
}
