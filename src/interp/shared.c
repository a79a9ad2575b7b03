// shared.c: see shared.h.
#include "interp/shared.h"

static const char *unsupported(const pst_bindings *bindings, const pst_insn *insn)
{
    switch ((pst_kind)insn->kind) {
    case PST_KIND_CAST: return insn->dst == PST_REG_FP ? "a write to r10, which is read-only," : "an address-space cast";
    case PST_KIND_CALL: return insn->op == PST_CALL_KFUNC && !interp_callee(bindings, insn) ? "a call of a kernel function" : NULL;
    case PST_KIND_IMM64: return insn->op == PST_IMM64_BTF_ID ? "the address of a kernel variable" : NULL;
    case PST_KIND_ALU:
    case PST_KIND_SWAP:
    case PST_KIND_PADDING:
    case PST_KIND_LOAD:
    case PST_KIND_STORE:
    case PST_KIND_ATOMIC:
    case PST_KIND_LOAD_ACQUIRE:
    case PST_KIND_STORE_RELEASE:
    case PST_KIND_LEGACY_LOAD:
    case PST_KIND_JUMP:
    case PST_KIND_BRANCH:
    case PST_KIND_MAY_GOTO:
    case PST_KIND_EXIT: return NULL;
    }
    PST_UNREACHABLE();
}

pst_status interp_check_runnable(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts)
{
    for (uint32_t pc = 0; pc < image->count; pc++) {
        const char *what = interp_is_dead(facts, pc) ? NULL : unsupported(bindings, &image->insns[pc]);
        if (what) return pst_fail(env, PST_E_UNSUPPORTED, "instruction %u is %s, which no interpreter here runs yet", pc, what);
    }
    return PST_OK;
}

const pst_helper *interp_helper(const pst_bindings *bindings, int64_t id)
{
    if (!bindings->find_helper || id <= 0 || id > INT32_MAX) return NULL;
    const pst_helper *helper = bindings->find_helper(bindings->user, (int32_t)id);
    bool callable = helper && (helper->fn || helper->proto->flags & PST_HELPER_TAIL_CALL);
    return callable ? helper : NULL;
}

const pst_helper *interp_callee(const pst_bindings *bindings, const pst_insn *insn)
{
    if (insn->op == PST_CALL_HELPER) return interp_helper(bindings, insn->imm);
    if (insn->op != PST_CALL_KFUNC || !bindings->find_kfunc || insn->off != 0) return NULL;
    const pst_helper *kfunc = bindings->find_kfunc(bindings->user, (int32_t)insn->imm);
    return kfunc && kfunc->fn && !(kfunc->proto->flags & PST_HELPER_CALLBACK) ? kfunc : NULL;
}

pst_packet_range interp_packet(const pst_bindings *bindings, const pst_run *run)
{
    if (bindings->type) return pst_ctx_packet(bindings->type, run->ctx);
    pst_packet_range all = {.start = run->ctx};
    all.end = run->ctx ? all.start + run->ctx_size : NULL;
    return all;
}

bool interp_legacy_load(const pst_bindings *bindings, const pst_run *run, unsigned width, uint64_t offset, uint64_t *out)
{
    // As in Linux the offset is a signed 32-bit number. Its negative ones reach into protocol headers there; we have none.
    int32_t at = (int32_t)(uint32_t)offset;
    pst_packet_range packet = interp_packet(bindings, run);
    if (at < 0 || !packet.start || packet.end < packet.start) return false;
    uint64_t size = (uint64_t)(packet.end - packet.start), need = width / 8;
    if (need > size || (uint64_t)at > size - need) return false;
    const uint8_t *p = packet.start + at;
    switch (width) {
    case 8: *out = *p; break;
    case 16: *out = PST_BSWAP16(pst_load16(p)); break;
    default: *out = PST_BSWAP32(pst_load32(p)); break;
    }
    return true;
}

const pst_exec *interp_tail_target(const pst_bindings *bindings, pst_run *run, uint64_t map, uint64_t index, bool nested)
{
    if (!bindings->tail_target || run->tail_calls >= PST_TAIL_CALLS_MAX) return NULL;
    if (nested && run->tail_nested >= PST_TAIL_NESTED_MAX) return NULL;
    const pst_exec *target = bindings->tail_target((void *)(uintptr_t)map, (uint32_t)index);
    if (target) run->tail_calls++;
    return target;
}

uint64_t interp_tail_nested(const pst_exec *target, pst_run *run)
{
    const pst_exec *caller = run->prog;
    run->tail_nested++;
    uint64_t r0 = pst_exec_run(target, run);
    run->tail_nested--;
    if (run->trap.code == PST_TRAP_NONE) run->prog = caller; // a trap is described by the program that it is in
    return r0;
}

const pst_subprog *interp_func(const pst_image *image, uint64_t value)
{
    uint64_t pc = value ^ PST_FUNC_TAG;
    if (pc >= image->count) return NULL;
    const pst_subprog *sub = pst_image_subprog_at(image, (uint32_t)pc);
    return sub->start == pc ? sub : NULL;
}

unsigned interp_frames(const pst_image *image)
{
    for (uint32_t pc = 0; pc < image->count; pc++) {
        const pst_insn *insn = &image->insns[pc];
        if (insn->kind == PST_KIND_CALL && (insn->op == PST_CALL_SUBPROG || insn->op == PST_CALL_REGISTER)) return PST_FRAMES_MAX;
        if (insn->kind == PST_KIND_IMM64 && insn->op == PST_IMM64_FUNC) return PST_FRAMES_MAX;
    }
    return 1;
}

uint64_t pst_exec_run_raw(const pst_exec *exec, pst_raw_memory memory, pst_run *run)
{
    uint64_t budget = run->budget;
    pst_run_begin(run, memory.bytes, run->host);
    run->ctx_size = memory.size;
    run->budget = budget;
    return pst_exec_run(exec, run);
}
