// core_relo_patch.c: puts the answer of a CO-RE relocation into its instruction.
//
// Called by core_relo.c. The instruction is decoded, changed and encoded again, so that what comes out is an instruction. What it holds is
// compared first with what the local types say: a relocation that is attached to the wrong instruction is found here.
#include "object/core_relo_internal.h"

static pst_status put(const core_work *work, pst_slot *slot, const pst_insn *insn)
{
    pst_slot out[2];
    size_t count = pst_insn_encode(insn, out);
    if (count == 0) return core_fail(work, PST_E_FORMAT, "would make an instruction that does not exist");
    for (size_t i = 0; i < count; i++) slot[i] = out[i];
    return PST_OK;
}

static pst_status poison(const core_work *work, pst_slot *slot, const pst_insn *insn)
{
    const pst_insn call = {.kind = PST_KIND_CALL, .op = PST_CALL_HELPER, .imm = PST_CORE_POISON};
    pst_log(work->env, PST_LOG_DEBUG, "%s: CO-RE relocation %u (type %s, path %s) found nothing: instruction %u must not be reached", work->what,
            work->index, pst_btf_get(work->local, work->relo->type).name, work->relo->access, work->relo->pc);
    // The second slot as well, lest it is taken for an instruction of its own.
    if (insn->kind == PST_KIND_IMM64) PST_TRY(put(work, slot + 1, &call));
    return put(work, slot, &call);
}

static pst_status unexpected(const core_work *work, int64_t held, const core_answer *answer)
{
    return core_fail(work, PST_E_FORMAT, "expects %lld in an instruction that holds %lld", (long long)answer->original, (long long)held);
}

static pst_status patch_imm(const core_work *work, pst_slot *slot, pst_insn insn, const core_answer *answer)
{
    if (answer->validate && (uint64_t)insn.imm != answer->original) return unexpected(work, insn.imm, answer);
    insn.imm = insn.kind == PST_KIND_ALU ? (int64_t)(int32_t)(uint32_t)answer->value : (int64_t)answer->value;
    return put(work, slot, &insn);
}

static pst_status patch_memory(const core_work *work, pst_slot *slot, pst_insn insn, const core_answer *answer)
{
    if (answer->validate && (uint64_t)(int64_t)insn.off != answer->original) return unexpected(work, insn.off, answer);
    if (answer->value > INT16_MAX)
        return core_fail(work, PST_E_UNSUPPORTED, "needs the offset %llu, and instructions reach 32767", (unsigned long long)answer->value);
    if (answer->bad_resize) {
        pst_log(work->env, PST_LOG_WARN, "%s: instruction %u accesses %u bytes where this host has %u, and it is neither a pointer nor unsigned",
                work->what, work->relo->pc, answer->original_size, answer->size);
        return poison(work, slot, &insn);
    }
    insn.off = (int16_t)answer->value;
    if (answer->size != answer->original_size) {
        if (insn.width != answer->original_size * 8)
            return core_fail(work, PST_E_FORMAT, "expects an access of %u bytes in one of %u", answer->original_size, insn.width / 8u);
        if (answer->size != 1 && answer->size != 2 && answer->size != 4 && answer->size != 8)
            return core_fail(work, PST_E_FORMAT, "needs an access of %u bytes", answer->size);
        insn.width = (uint8_t)(answer->size * 8);
    }
    return put(work, slot, &insn);
}

pst_status core_patch(core_work *work, pst_slot *slots, uint32_t slot_count, const core_answer *answer)
{
    pst_slot *slot = slots + work->relo->pc;
    pst_insn insn;
    pst_decode_result decoded = pst_insn_decode(slot, slot_count - work->relo->pc, &insn);
    if (decoded != PST_DECODE_OK) return core_fail(work, PST_E_FORMAT, "is for an instruction that cannot be: %s", pst_decode_text(decoded));
    if (answer->poison) return poison(work, slot, &insn);
    bool is_value = insn.kind == PST_KIND_IMM64 && insn.op == PST_IMM64_VALUE;
    if (is_value || (insn.kind == PST_KIND_ALU && (insn.flags & PST_INSN_IMM))) return patch_imm(work, slot, insn, answer);
    switch ((pst_kind)insn.kind) {
    case PST_KIND_LOAD:
    case PST_KIND_STORE:
    case PST_KIND_ATOMIC:
    case PST_KIND_LOAD_ACQUIRE:
    case PST_KIND_STORE_RELEASE: return patch_memory(work, slot, insn, answer);
    case PST_KIND_ALU:
    case PST_KIND_SWAP:
    case PST_KIND_IMM64:
    case PST_KIND_PADDING:
    case PST_KIND_LEGACY_LOAD:
    case PST_KIND_JUMP:
    case PST_KIND_BRANCH:
    case PST_KIND_MAY_GOTO:
    case PST_KIND_CALL:
    case PST_KIND_EXIT:
    case PST_KIND_CAST: break;
    }
    return core_fail(work, PST_E_FORMAT, "is for an instruction that has no place for a value");
}
