// call.c: calls of helpers, kfuncs and functions of the program, from the instruction to its end.
//
// Called by step.c. The order is Linux's (check_helper_call, check_kfunc_call): may the program make the call at all, may it here, do the arguments fit,
// then what the call does (callbacks first, which see the state as it was), then r0. See call.h for where each part lives.
#include "verify/call.h"

#include <string.h>

// --- May the program make this call? ------------------------------------------------------------------------------------------------

static vstep reject_helper(verifier *v, int32_t id)
{
    const pst_helper_proto *known = pst_helper_proto_by_id(id);
    if (known == NULL) return vreject(v, PST_FINDING_UNSUPPORTED, -1, "there is no helper with the number %d", (int)id);
    vstep step = vreject(v, PST_FINDING_HELPER, -1, "a program of type %s cannot call %s", v->type->name, known->name);
    vhint(v, "see which helpers the program type has, or use another type");
    return step;
}

// Helpers that read any memory of the host, or tell its addresses: Linux wants CAP_PERFMON for them.
static bool reads_host(const pst_helper_proto *proto)
{
    switch (proto->id) {
    case 4:   // probe_read
    case 35:  // get_current_task
    case 45:  // probe_read_str
    case 67:  // get_stack
    case 113: // probe_read_kernel
    case 115: // probe_read_kernel_str
    case 141: // get_task_stack
    case 149: // snprintf_btf
    case 158: // get_current_task_btf
    case 173: // get_func_ip
    case 175: // task_pt_regs
    case 179: return true; // kallsyms_lookup_name
    default: return false;
    }
}

static vstep check_allowed(verifier *v, vstate *s, const vcall_info *call)
{
    if (v->strict && !call->is_kfunc && reads_host(call->proto)) {
        vstep step = vreject(v, PST_FINDING_POINTER_LEAK, -1, "%s reads the host's own memory, or tells its addresses", vcall_name(call));
        vhint(v, "strict mode lets nothing of the host leak: verify the program in privileged mode, if whoever loads it may see all");
        return step;
    }
    if ((call->proto->flags & PST_HELPER_GPL) != 0 && !v->image->gpl_compatible) {
        vstep step = vreject(v, PST_FINDING_HELPER, -1, "%s is for programs with a GPL-compatible licence only", vcall_name(call));
        vhint(v, "char LICENSE[] SEC(\"license\") = \"GPL\"; if that is the program's licence");
        return step;
    }
    return vcall_allowed_here(v, s, call);
}

// --- What the call does -----------------------------------------------------------------------------------------------------------------

// The reference that an argument holds is given back.
static void release(verifier *v, vstate *s, const vcall_info *call)
{
    if (call->release_reg == 0 || call->ref == 0 || (call->kptr && VPLANT(43))) return;
    const vobj *obj = vobj_of(s, &call->args[call->release_reg]);
    bool stays = call->kptr != NULL && obj != NULL && obj->kind == VO_PERCPU && vstate_in_rcu(v, s);
    if (!stays) {
        vref_release(v, s, call->ref);
        return;
    }
    // A per-CPU object that went into a map may be used until the RCU section ends.
    vobj *kept = &s->objs[call->args[call->release_reg].obj];
    kept->flags = (kept->flags & ~VOBJ_MUST_RELEASE) | VOBJ_RCU;
    kept->ref = 0;
}

// Writing through the dynptr of an skb may make its data its own first; frames of XDP are written where they are.
static bool writes_packet_dynptr(const vstate *s, const vcall_info *call)
{
    if (call->is_kfunc || call->proto->id != 202 || call->dynptr == VOBJ_NONE) return false;
    return s->objs[call->dynptr].dynptr == VDYN_SKB;
}

static vstep apply_stack(verifier *v, vstate *s, vcall_info *call)
{
    vstep step = vdynptr_make(v, s, call);
    if (step == VSTEP_NEXT) step = viter_effect(v, s, call);
    if (step == VSTEP_NEXT) step = virq_effect(v, s, call);
    return step;
}

static vstep apply(verifier *v, vstate *s, vcall_info *call)
{
    uint32_t flags = call->proto->flags;
    vstep step = VSTEP_NEXT;
    if ((flags & PST_HELPER_TAIL_CALL) != 0) {
        step = vcall_nothing_held(v, s, s->frame_count == 1, "a tail call");
        if (step == VSTEP_NEXT && vstate_frame(s)->kind == VFRAME_CALLBACK)
            step = vreject(v, PST_FINDING_CALLBACK, -1, "a callback cannot make a tail call");
        if (step == VSTEP_NEXT && s->frame_count > 1 && v->globals[vstate_frame(s)->subprog].returns_void)
            step = vreject(v, PST_FINDING_HELPER, -1, "a function with a tail call must return int");
        return step == VSTEP_NEXT ? vcall_tail_return(v, s) : step; // here the packet is as it was: the tail call failed
    }
    if ((flags & PST_HELPER_CALLBACK) != 0) step = vcall_callback(v, s, call);
    if (step == VSTEP_NEXT) step = vcall_lock_effect(v, s, call);
    if (step == VSTEP_NEXT) step = vcall_section_effect(v, s, call);
    if (step == VSTEP_NEXT) step = vobject_effect(v, s, call);
    if (step != VSTEP_NEXT) return step;
    bool moves = (flags & PST_HELPER_CHANGES_PACKET) != 0 || writes_packet_dynptr(s, call);
    step = apply_stack(v, s, call);
    if (step != VSTEP_NEXT) return step;
    release(v, s, call);
    if (moves) vstate_packet_moved(v, s);
    return VSTEP_NEXT;
}

static vstep call_proto(verifier *v, vstate *s, const pst_helper_proto *proto, bool is_kfunc)
{
    vcall_info call = {.proto = proto, .is_kfunc = is_kfunc, .map_key = -1, .func = VFLOW_NONE,
                       .dynptr = VOBJ_NONE, .iter = VOBJ_NONE, .irq = VOBJ_NONE, .object = VOBJ_NONE};
    vstep step = check_allowed(v, s, &call);
    if (step == VSTEP_NEXT) step = vcall_arguments(v, s, &call);
    if (step == VSTEP_NEXT) vfacts_call(v, call.view != NULL && call.map_id == 0 ? call.map : VFLOW_NONE, call.map_key);
    if (step == VSTEP_NEXT && (proto->flags & PST_HELPER_THROW) != 0) return vcall_throw(v, s);
    if (step == VSTEP_NEXT) step = apply(v, s, &call);
    if (step != VSTEP_NEXT) return step;
    vcall_clobber(s);
    return vcall_result(v, s, &call);
}

// The prototype of the call at v->pc if the program may make it, else NULL.
static const pst_helper_proto *find_proto(verifier *v, const pst_insn *insn)
{
    bool is_kfunc = insn->op == PST_CALL_KFUNC;
    int64_t key = is_kfunc ? (int64_t)v->pc : -1 - (insn->imm & INT32_MAX);
    vprotos *cache = v->globals[0].protos;
    uint32_t at = (uint32_t)key & (VPROTOS - 1);
    if (cache->proto[at] != NULL && cache->key[at] == key) return cache->proto[at];
    const pst_helper_proto *proto = is_kfunc ? vflow_kfunc(v->input, v->pc) : vflow_helper(v->input, (int32_t)insn->imm);
    if (proto == NULL) return NULL;
    bool may = is_kfunc ? pst_prog_type_kfunc(v->type, proto->name) != NULL
                        : pst_prog_type_helper_at(v->type, v->image->attach_type, (int32_t)insn->imm) != NULL;
    if (!may) return NULL;
    cache->proto[at] = proto;
    cache->key[at] = key;
    return proto;
}

static vstep reject_kfunc(verifier *v, const pst_insn *insn)
{
    const char *name = v->input->kfunc_name != NULL ? v->input->kfunc_name(v->input->user, v->pc, insn) : NULL;
    if (vflow_kfunc(v->input, v->pc) != NULL) return vreject(v, PST_FINDING_HELPER, -1, "a program of type %s cannot call %s", v->type->name, name);
    return vreject(v, PST_FINDING_UNSUPPORTED, -1, "the kfunc %s is not described", name != NULL ? name : "of this call");
}

vstep vcall(verifier *v, vstate *s, const pst_insn *insn)
{
    const pst_helper_proto *proto = NULL;
    switch ((pst_call_op)insn->op) {
    case PST_CALL_HELPER:
        proto = find_proto(v, insn);
        return proto != NULL ? call_proto(v, s, proto, false) : reject_helper(v, (int32_t)insn->imm);
    case PST_CALL_KFUNC:
        proto = find_proto(v, insn);
        return proto != NULL ? call_proto(v, s, proto, true) : reject_kfunc(v, insn);
    case PST_CALL_SUBPROG: return vcall_subprog(v, s, vsubprog_at(v, (uint32_t)((int64_t)v->pc + 1 + insn->target)));
    case PST_CALL_REGISTER: break;
    }
    vstep step = vreject(v, PST_FINDING_INSTRUCTION, (int)insn->dst, "a call through a register is not allowed");
    vhint(v, "call the function by its name; with clang, inline what takes a function pointer");
    return step;
}
