// step.c: interprets one instruction; what is not arithmetic, branch, memory or call.
#include "verify/verifier.h"

vstep vstep_use(verifier *v, vstate *s, unsigned reg)
{
    if (vreg(s, reg).kind != V_UNINIT) return VSTEP_NEXT;
    vstep step = vreject(v, PST_FINDING_UNINITIALISED, (int)reg, "r%u is read, and it may hold nothing the program put there", reg);
    vneeded(v, "a value in r%u on every path that leads here", reg);
    vhint(v, reg >= 1 && reg <= 5 ? "calls destroy r1 to r5: keep the value in r6 to r9 or on the stack" : "initialise the variable on every path");
    return step;
}

// A variable of the host that a ksym extern names.
static vstep load_host_variable(verifier *v, vstate *s, const pst_insn *insn)
{
    const pst_btf *btf = v->input->host_btf;
    uint32_t id = (uint32_t)insn->imm;
    pst_btf_kind kind = btf && id != 0 && id < pst_btf_count(btf) ? pst_btf_get(btf, id).kind : PST_BTF_VOID;
    if (kind == PST_BTF_FUNC) { // a function that a program tests the presence of: an address, with nothing to read
        uint16_t func = vobj_new(v, s, &(vobj){.kind = VO_MEM, .flags = VOBJ_RDONLY});
        if (func == UINT16_MAX) return vnomem(v);
        vreg_set(s, insn->dst, vvalue_ptr(func));
        return VSTEP_NEXT;
    }
    if (kind != PST_BTF_VAR) {
        vstep step = vreject(v, PST_FINDING_UNSUPPORTED, insn->dst, "the host variable with BTF id %u is not known here", id);
        vhint(v, "give the host's BTF, or make the extern weak and test it");
        return step;
    }
    pst_btf_type var = pst_btf_get(btf, id);
    uint32_t type_id = pst_btf_strip(btf, var.type);
    pst_btf_type type = pst_btf_get(btf, type_id);
    uint64_t size = 0;
    if (!pst_btf_size(btf, type_id, &size) || size > VPACKET_MAX) size = 0;
    vobj like = {.kind = VO_MEM, .flags = VOBJ_RDONLY, .size = (uint32_t)size};
    if (type.kind == PST_BTF_STRUCT || type.kind == PST_BTF_UNION)
        like = (vobj){.kind = VO_BTF, .flags = VOBJ_TRUSTED | VOBJ_HOST_BTF, .type_id = type_id, .type_name = type.name, .size = (uint32_t)size};
    uint16_t obj = vobj_new(v, s, &like);
    if (obj == UINT16_MAX) return vnomem(v);
    vreg_set(s, insn->dst, vvalue_ptr(obj));
    return VSTEP_NEXT;
}

static vstep load_imm64(verifier *v, vstate *s, const pst_insn *insn)
{
    uint32_t index = (uint32_t)insn->imm;
    switch ((pst_imm64_op)insn->op) {
    case PST_IMM64_VALUE: vreg_set(s, insn->dst, vvalue_const((uint64_t)insn->imm)); return VSTEP_NEXT;
    case PST_IMM64_MAP_FD: vreg_set(s, insn->dst, (vvalue){.kind = V_MAP, .obj = (uint16_t)index}); return VSTEP_NEXT;
    case PST_IMM64_MAP_VALUE: {
        uint16_t obj = vobj_direct(v, s, index);
        if (obj == UINT16_MAX) return vnomem(v);
        vvalue value = vvalue_ptr(obj);
        value.off = (int64_t)((uint64_t)insn->imm >> 32);
        vreg_set(s, insn->dst, value);
        return VSTEP_NEXT;
    }
    case PST_IMM64_FUNC: {
        const pst_subprog *sub = pst_image_subprog_at(v->image, (uint32_t)((int64_t)v->pc + 1 + insn->target));
        vreg_set(s, insn->dst, (vvalue){.kind = V_FUNC, .obj = (uint16_t)(sub - v->image->subprogs)});
        return VSTEP_NEXT;
    }
    case PST_IMM64_BTF_ID: return load_host_variable(v, s, insn);
    case PST_IMM64_MAP_IDX:
    case PST_IMM64_MAP_IDX_VALUE: break; // not in an image
    }
    return vreject(v, PST_FINDING_STRUCTURE, insn->dst, "a map index that was not resolved");
}

static uint32_t target_of(const verifier *v, const pst_insn *insn) { return (uint32_t)((int64_t)v->pc + 1 + insn->target); }

vstep vstep_insn(verifier *v, vstate *s, const pst_insn *insn)
{
    vfact(v, PST_FACT_DEAD, false);
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU:
    case PST_KIND_SWAP: return vstep_alu(v, s, insn);
    case PST_KIND_IMM64: return load_imm64(v, s, insn);
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE: return vmem_load(v, s, insn);
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE: return vmem_store(v, s, insn);
    case PST_KIND_ATOMIC: return vmem_atomic(v, s, insn);
    case PST_KIND_LEGACY_LOAD: return vmem_legacy(v, s, insn);
    case PST_KIND_JUMP: v->go = target_of(v, insn); return VSTEP_NEXT;
    case PST_KIND_BRANCH: return vstep_branch(v, s, insn);
    case PST_KIND_MAY_GOTO: {
        vstep step = VPLANT(53) ? VSTEP_END : vengine_fork(v, s, target_of(v, insn));
        return step == VSTEP_END ? VSTEP_NEXT : step;
    }
    case PST_KIND_CALL: return vcall(v, s, insn);
    case PST_KIND_EXIT: return vexit(v, s);
    case PST_KIND_CAST: {
        if (insn->dst == PST_REG_FP) return vreject(v, PST_FINDING_STRUCTURE, PST_REG_FP, "r10 is read-only: it is the frame pointer");
        vstep step = vreject(v, PST_FINDING_INSTRUCTION, insn->dst, "address-space casts belong to arenas, which nothing here provides");
        vhint(v, "use a map instead of an arena");
        return step;
    }
    case PST_KIND_PADDING: break;
    }
    return vreject(v, PST_FINDING_STRUCTURE, -1, "this is no instruction");
}
