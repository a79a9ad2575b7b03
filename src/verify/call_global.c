// call_global.c: global functions: verified once, by the signature in BTF, and called by it.
//
// Called by the engine (vcall_prepare before the walk, vcall_entry for each thing that is verified on its own, vcall_next_global afterwards) and by
// call_subprog.c for calls. Without BTF every subprogram is static and is walked from each of its calls.
// Source: Linux's btf_prepare_func_args, btf_check_func_arg_match, mark_subprog_changes_pkt_data.
#include "verify/call.h"

#include <string.h>

#include "verify/meter.h"

#define LINKAGE_GLOBAL 1u

uint32_t vsubprog_at(const verifier *v, uint32_t pc)
{
    const pst_subprog *sub = pst_image_subprog_at(v->image, pc);
    return (uint32_t)(sub - v->image->subprogs);
}

const char *vsubprog_name(const verifier *v, uint32_t subprog)
{
    const char *name = v->globals != NULL ? v->globals[subprog].name : NULL;
    return name != NULL && name[0] != '\0' ? name : "of the program";
}

// --- Signatures ---------------------------------------------------------------------------------------------------------------

static const char *context_name(uint32_t prog_type)
{
    switch (prog_type) {
    case PST_PROG_SOCKET_FILTER:
    case PST_PROG_SCHED_CLS:
    case PST_PROG_SCHED_ACT:
    case PST_PROG_CGROUP_SKB:
    case PST_PROG_LWT_IN:
    case PST_PROG_LWT_OUT:
    case PST_PROG_LWT_XMIT:
    case PST_PROG_LWT_SEG6LOCAL:
    case PST_PROG_SK_SKB:
    case PST_PROG_FLOW_DISSECTOR: return "__sk_buff";
    case PST_PROG_XDP: return "xdp_md";
    case PST_PROG_CGROUP_SOCK: return "bpf_sock";
    case PST_PROG_CGROUP_SOCK_ADDR: return "bpf_sock_addr";
    case PST_PROG_SOCK_OPS: return "bpf_sock_ops";
    case PST_PROG_SK_MSG: return "sk_msg_md";
    case PST_PROG_KPROBE: return "pt_regs";
    case PST_PROG_PERF_EVENT: return "bpf_perf_event_data";
    case PST_PROG_RAW_TRACEPOINT:
    case PST_PROG_RAW_TRACEPOINT_WRITABLE: return "bpf_raw_tracepoint_args";
    case PST_PROG_CGROUP_DEVICE: return "bpf_cgroup_dev_ctx";
    case PST_PROG_CGROUP_SYSCTL: return "bpf_sysctl";
    case PST_PROG_CGROUP_SOCKOPT: return "bpf_sockopt";
    case PST_PROG_SK_LOOKUP: return "bpf_sk_lookup";
    case PST_PROG_SK_REUSEPORT: return "sk_reuseport_md";
    case PST_PROG_NETFILTER: return "bpf_nf_ctx";
    default: return "";
    }
}

static bool is_int(const pst_btf *btf, uint32_t id)
{
    pst_btf_kind kind = pst_btf_get(btf, pst_btf_strip(btf, id)).kind;
    return kind == PST_BTF_INT || kind == PST_BTF_ENUM || kind == PST_BTF_ENUM64;
}

#define TAG_CTX 0x01u
#define TAG_NONNULL 0x02u
#define TAG_NULLABLE 0x04u
#define TAG_TRUSTED 0x08u
#define TAG_UNTRUSTED 0x10u
#define TAG_ARENA 0x20u
#define TAG_UNKNOWN 0x40u

static uint32_t tag_bit(const char *name)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } tags[] = {{"ctx", TAG_CTX},         {"nonnull", TAG_NONNULL},     {"nullable", TAG_NULLABLE},
                {"trusted", TAG_TRUSTED}, {"untrusted", TAG_UNTRUSTED}, {"arena", TAG_ARENA}};
    for (size_t i = 0; i < PST_COUNT(tags); i++)
        if (strcmp(tags[i].name, name) == 0) return tags[i].bit;
    return TAG_UNKNOWN;
}

// "arg:..." tags of the parameters of every function, in one pass over the types: tags[subprog * PST_ARGS_MAX + parameter].
static void collect_tags(const verifier *v, const uint32_t *func_ids, uint32_t *tags)
{
    const pst_btf *btf = v->input->btf;
    uint32_t count = pst_btf_count(btf);
    for (uint32_t id = pst_btf_first(btf); id < count; id++) {
        pst_btf_type t = pst_btf_get(btf, id);
        if (t.kind != PST_BTF_DECL_TAG || t.component < 0 || t.component >= PST_ARGS_MAX || strncmp(t.name, "arg:", 4) != 0) continue;
        for (uint32_t i = 0; i < v->image->subprog_count; i++)
            if (func_ids[i] == t.type) tags[i * PST_ARGS_MAX + (uint32_t)t.component] |= tag_bit(t.name + 4);
    }
}

// Raw tracepoints may see their context as an array of words.
static bool is_word_context(const verifier *v, const pst_btf_type *to)
{
    bool is_raw = v->image->prog_type == PST_PROG_RAW_TRACEPOINT || v->image->prog_type == PST_PROG_RAW_TRACEPOINT_WRITABLE;
    return is_raw && to->kind == PST_BTF_INT && to->size == 8;
}

// The name of a struct without its flavor ("task_struct___old" is how a program calls its own view of task_struct). NULL: no memory.
static const char *essential_name(verifier *v, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = length; i-- > 1;) {
        if (strncmp(name + i, "___", 3) != 0 || name[i - 1] == '_' || name[i + 3] == '_' || name[i + 3] == '\0') continue;
        char *essential = pst_arena_alloc(&v->arena, i + 1);
        if (essential != NULL) memcpy(essential, name, i);
        return essential;
    }
    return name;
}

// Whether a pointer to this type is the context of programs of this type. Programs of kprobes and perf events see registers, by several names.
static bool is_context(const verifier *v, uint32_t type_id, const pst_btf_type *to, bool is_tagged)
{
    const pst_btf *btf = v->input->btf;
    uint32_t prog_type = v->image->prog_type;
    const char *context = context_name(prog_type);
    bool is_struct = to->kind == PST_BTF_STRUCT || to->kind == PST_BTF_UNION || to->kind == PST_BTF_FWD;
    if (is_struct && context[0] != '\0' && strcmp(to->name, context) == 0) return true;
    if (prog_type != PST_PROG_KPROBE && !(is_tagged && prog_type == PST_PROG_PERF_EVENT)) return false;
    if (is_struct && (strcmp(to->name, "bpf_user_pt_regs_t") == 0 || strcmp(to->name, "pt_regs") == 0)) return true;
    for (unsigned depth = 0; depth < PST_BTF_CHAIN_MAX; depth++) {
        pst_btf_type t = pst_btf_get(btf, type_id);
        if (t.kind == PST_BTF_TYPEDEF && strcmp(t.name, "bpf_user_pt_regs_t") == 0) return true;
        if (t.kind != PST_BTF_CONST && t.kind != PST_BTF_VOLATILE && t.kind != PST_BTF_RESTRICT && t.kind != PST_BTF_TYPE_TAG && t.kind != PST_BTF_TYPEDEF)
            return false;
        type_id = t.type;
    }
    return false;
}

// NULL: *out describes the parameter; else why it cannot be checked.
static const char *read_param(verifier *v, uint32_t type_id, uint32_t tags, vparam *out)
{
    const pst_btf *btf = v->input->btf;
    pst_btf_type t = pst_btf_get(btf, pst_btf_strip(btf, type_id));
    if ((tags & TAG_UNKNOWN) != 0) return "it has a tag that is not known";
    if (t.kind != PST_BTF_PTR) {
        if (tags != 0) return "it has a pointer's tag, but is no pointer";
        out->kind = VPARAM_NUMBER;
        return is_int(btf, type_id) ? NULL : "its type is neither a number nor a pointer";
    }
    pst_btf_type to = pst_btf_get(btf, pst_btf_strip(btf, t.type));
    bool is_struct = to.kind == PST_BTF_STRUCT || to.kind == PST_BTF_UNION || to.kind == PST_BTF_FWD;
    bool is_tagged = (tags & TAG_CTX) != 0;
    if (is_tagged || is_context(v, t.type, &to, false)) {
        out->kind = VPARAM_CTX;
        if ((tags & ~TAG_CTX) != 0) return "its tags contradict each other";
        bool is_any = to.kind == PST_BTF_VOID || context_name(v->image->prog_type)[0] == '\0';
        return is_any || is_context(v, t.type, &to, is_tagged) || is_word_context(v, &to) ? NULL : "it is tagged as the context, but points to another struct";
    }
    if (is_struct && strcmp(to.name, "bpf_dynptr") == 0) {
        out->kind = VPARAM_DYNPTR;
        return tags != 0 ? "a dynptr takes no tags" : NULL;
    }
    if ((tags & TAG_ARENA) != 0) return "arena pointers are not supported";
    if ((tags & (TAG_TRUSTED | TAG_UNTRUSTED)) != 0) {
        out->kind = (tags & TAG_TRUSTED) != 0 ? VPARAM_BTF : VPARAM_UNTRUSTED;
        out->null_ok = (tags & TAG_NULLABLE) != 0;
        out->type_name = is_struct ? essential_name(v, to.name) : NULL;
        if (is_struct && out->type_name == NULL) return "there is no memory to look at it";
        if ((tags & TAG_NONNULL) != 0 || (tags & (TAG_TRUSTED | TAG_UNTRUSTED)) == (TAG_TRUSTED | TAG_UNTRUSTED)) return "its tags contradict each other";
        return out->kind == VPARAM_BTF && !is_struct ? "a trusted pointer must point to a struct of the host" : NULL;
    }
    if ((tags & TAG_NULLABLE) != 0) return "its tags contradict each other";
    uint64_t size = 0;
    if (!pst_btf_size(btf, t.type, &size) || size == 0 || size > UINT32_MAX) return "the size of what it points to is not known";
    *out = (vparam){.kind = VPARAM_MEM, .null_ok = (tags & TAG_NONNULL) == 0, .size = (uint32_t)size};
    return NULL;
}

static void read_signature(verifier *v, uint32_t func_id, const uint32_t *tags, vglobal *out)
{
    const pst_btf *btf = v->input->btf;
    pst_btf_type func = pst_btf_get(btf, func_id);
    out->name = func.name;
    out->is_static = func.linkage != LINKAGE_GLOBAL;
    pst_btf_type proto = pst_btf_get(btf, func.type);
    if (proto.kind != PST_BTF_FUNC_PROTO) {
        out->wrong = "it has no prototype";
        return;
    }
    if (proto.count > PST_ARGS_MAX) {
        out->wrong = "it has more than 5 parameters";
        return;
    }
    out->returns_void = !is_int(btf, proto.type);
    if (out->returns_void) {
        out->wrong = "it does not return a number";
        return;
    }
    out->count = proto.count;
    for (uint32_t i = 0; i < proto.count && out->wrong == NULL; i++) {
        out->wrong = read_param(v, pst_btf_member_at(btf, func.type, i).type, tags[i], &out->params[i]);
        out->wrong_param = i + 1;
    }
}

static pst_status read_globals(verifier *v)
{
    const pst_verify_input *input = v->input;
    uint32_t count = v->image->subprog_count;
    vglobal *globals = pst_arena_array(&v->arena, count, sizeof *globals);
    uint32_t *ids = pst_arena_array(&v->arena, count, sizeof *ids);
    uint32_t *tags = pst_arena_array(&v->arena, count, PST_ARGS_MAX * sizeof *tags);
    struct vrecords **records = pst_arena_alloc(&v->arena, sizeof *records);
    struct vasync **asyncs = pst_arena_alloc(&v->arena, sizeof *asyncs);
    vprotos *protos = pst_arena_alloc(&v->arena, sizeof *protos);
    if (globals == NULL || ids == NULL || tags == NULL || records == NULL || asyncs == NULL || protos == NULL) return PST_E_NOMEM;
    globals[0].records = records;
    globals[0].asyncs = asyncs;
    globals[0].protos = protos;
    v->globals = globals;
    if (input->btf == NULL || input->func_info == NULL) return PST_OK;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < input->func_info_count && ids[i] == 0; k++) {
            uint32_t id = input->func_info[k].type_id;
            if (input->func_info[k].pc != v->image->subprogs[i].start || id >= pst_btf_count(input->btf)) continue;
            if (pst_btf_get(input->btf, id).kind == PST_BTF_FUNC) ids[i] = id;
        }
    collect_tags(v, ids, tags);
    for (uint32_t i = 0; i < count; i++) {
        if (ids[i] == 0) continue;
        read_signature(v, ids[i], tags + i * PST_ARGS_MAX, &globals[i]);
        if (i != 0 && !globals[i].is_static) v->sub_flags[i] |= VSUB_GLOBAL;
    }
    return PST_OK;
}

// --- What subprograms do -------------------------------------------------------------------------------------------------------

static uint32_t insn_effects(const verifier *v, uint32_t pc)
{
    const pst_insn *insn = &v->image->insns[pc];
    if (insn->kind == PST_KIND_ATOMIC || insn->kind == PST_KIND_LOAD_ACQUIRE || insn->kind == PST_KIND_STORE_RELEASE) return VSUB_ATOMIC;
    if (insn->kind != PST_KIND_CALL) return 0;
    const pst_helper_proto *proto = NULL;
    if (insn->op == PST_CALL_HELPER) proto = vflow_helper(v->input, (int32_t)insn->imm);
    if (insn->op == PST_CALL_KFUNC) proto = vflow_kfunc(v->input, pc);
    if (proto == NULL) return 0;
    uint32_t effects = 0;
    if ((proto->flags & (PST_HELPER_CHANGES_PACKET | PST_HELPER_TAIL_CALL)) != 0) effects |= VSUB_MOVES_PACKET;
    if ((proto->flags & PST_HELPER_MAY_SLEEP) != 0) effects |= VSUB_SLEEPS;
    return effects;
}

// The subprogram that the instruction calls or takes the address of, VFLOW_NONE.
static uint32_t mentioned(const verifier *v, uint32_t pc)
{
    const pst_insn *insn = &v->image->insns[pc];
    bool calls = insn->kind == PST_KIND_CALL && insn->op == PST_CALL_SUBPROG;
    bool takes = insn->kind == PST_KIND_IMM64 && insn->op == PST_IMM64_FUNC;
    if (!calls && !takes) return VFLOW_NONE;
    // Displacements count from the next slot; of a 64-bit immediate, from the slot after its first half.
    return vsubprog_at(v, (uint32_t)((int64_t)pc + 1 + insn->target));
}

static void spread_effects(verifier *v)
{
    const pst_image *image = v->image;
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < image->subprog_count; i++) {
            const pst_subprog *sub = &image->subprogs[i];
            uint8_t flags = v->sub_flags[i];
            for (uint32_t pc = sub->start; pc < sub->start + sub->count; pc++) {
                uint32_t callee = mentioned(v, pc);
                if (callee == VFLOW_NONE) flags |= (uint8_t)insn_effects(v, pc);
                else flags |= v->sub_flags[callee] & (VSUB_MOVES_PACKET | VSUB_SLEEPS | VSUB_ATOMIC);
            }
            if (flags == v->sub_flags[i]) continue;
            v->sub_flags[i] = flags;
            more = true;
        }
    }
}

pst_status vcall_prepare(verifier *v)
{
    uint32_t count = v->image->subprog_count;
    v->sub_flags = pst_arena_alloc(&v->arena, count);
    v->sub_stack = pst_arena_array(&v->arena, count, sizeof *v->sub_stack);
    if (v->sub_flags == NULL || v->sub_stack == NULL) return PST_E_NOMEM;
    PST_TRY(read_globals(v));
    spread_effects(v);
    return PST_OK;
}

// --- Calls ----------------------------------------------------------------------------------------------------------------------

static vstep refuse_argument(verifier *v, const vstate *s, uint32_t subprog, unsigned reg, const char *needed)
{
    vvalue value = vreg(s, reg);
    vstep step = vreject(v, PST_FINDING_ARGUMENT, (int)reg, "r%u does not fit the signature of the global function %s", reg, vsubprog_name(v, subprog));
    vneeded(v, "%s", needed);
    vknown(v, s, &value);
    vhint(v, "make the function static, so that it is verified with what each caller passes");
    return step;
}

static vstep check_btf_param(verifier *v, vstate *s, uint32_t subprog, unsigned reg, const vparam *param)
{
    vvalue value = vreg(s, reg);
    if (param->null_ok && vvalue_is_null(s, &value)) return VSTEP_NEXT;
    const vobj *obj = vobj_if(s, &value, VO_BTF);
    int64_t off = 0;
    bool fits = obj != NULL && obj->type_name != NULL && vvalue_offset(s, &value, &off) && vcall_btf_fits(v, obj->type_name, off, param->type_name) &&
                (obj->flags & VOBJ_UNTRUSTED) == 0 && (param->null_ok || (obj->flags & VOBJ_MAYBE_NULL) == 0) &&
                (obj->ref != 0 || (obj->flags & VOBJ_TRUSTED) != 0);
    return fits ? VSTEP_NEXT : refuse_argument(v, s, subprog, reg, "a trusted pointer to the struct");
}

// A function with atomic instructions counts on it that its memory starts where the largest of them may.
static bool starts_well(const verifier *v, const vstate *s, uint32_t subprog, const vvalue *value, uint32_t size)
{
    return !(v->sub_flags[subprog] & VSUB_ATOMIC) || size < 4 || vmem_aligned(s, value, size < 8 ? 4 : 8);
}

static vstep check_param(verifier *v, vstate *s, uint32_t subprog, unsigned reg, const vparam *param)
{
    vvalue value = vreg(s, reg);
    int64_t off = 0;
    switch (param->kind) {
    case VPARAM_UNTRUSTED: return VSTEP_NEXT;
    case VPARAM_NUMBER: return value.kind == V_NUMBER ? VSTEP_NEXT : refuse_argument(v, s, subprog, reg, "a number");
    case VPARAM_CTX:
        if (value.kind == V_CTX && vvalue_offset(s, &value, &off) && off == 0) return VSTEP_NEXT;
        return refuse_argument(v, s, subprog, reg, "the context");
    case VPARAM_DYNPTR: {
        static const pst_helper_proto reads = {.name = "the global function"};
        vcall_info call = {.proto = &reads, .is_kfunc = true, .dynptr = VOBJ_NONE};
        return vdynptr_argument(v, s, &call, reg, false);
    }
    case VPARAM_BTF: return check_btf_param(v, s, subprog, reg, param);
    case VPARAM_MEM: break;
    }
    if (vvalue_is_null(s, &value)) return param->null_ok ? VSTEP_NEXT : refuse_argument(v, s, subprog, reg, "a pointer that is not null");
    if (!param->null_ok && vvalue_maybe_null(s, &value)) return refuse_argument(v, s, subprog, reg, "a pointer that is not null");
    if (!starts_well(v, s, subprog, &value, param->size))
        return refuse_argument(v, s, subprog, reg, "memory that starts at a multiple of 8, for the function has atomic instructions");
    uint32_t access = VMEM_READ | (VPLANT(48) ? 0 : VMEM_WRITE) | VMEM_PACKET_OK | (param->null_ok ? VMEM_NULL_OK : 0);
    return vcall_memory(v, s, reg, param->size, param->size, access);
}

vstep vcall_global(verifier *v, vstate *s, uint32_t subprog)
{
    const vglobal *global = &v->globals[subprog];
    if (s->lock_count != 0) {
        vstep step = vreject(v, PST_FINDING_LOCK, -1, "the global function %s is called while a lock is held", vsubprog_name(v, subprog));
        vhint(v, "make the function static");
        return step;
    }
    vmeter_note_call(v, s);
    bool no_sleep = s->rcu_depth != 0 || s->preempt_depth != 0 || s->irq_id != 0 || !vstate_sleepable(v, s);
    if ((v->sub_flags[subprog] & VSUB_SLEEPS) != 0 && no_sleep)
        return vreject(v, PST_FINDING_LOCK, -1, "the global function %s may sleep, which is not allowed here", vsubprog_name(v, subprog));
    if (global->wrong != NULL) {
        const char *name = vsubprog_name(v, subprog);
        if (global->wrong_param == 0) return vreject(v, PST_FINDING_BTF, -1, "the signature of the global function %s cannot be checked: %s", name, global->wrong);
        vstep step = vreject(v, PST_FINDING_BTF, (int)global->wrong_param, "parameter %u of the global function %s cannot be checked: %s", global->wrong_param,
                             name, global->wrong);
        vhint(v, "give the parameter a type whose size is known (struct x *, not void *), or make the function static");
        return step;
    }
    for (unsigned reg = 1; reg <= global->count; reg++) {
        vstep step = vstep_use(v, s, reg);
        if (step == VSTEP_NEXT) step = check_param(v, s, subprog, reg, &global->params[reg - 1]);
        if (step != VSTEP_NEXT) return step;
    }
    if ((v->sub_flags[subprog] & VSUB_MOVES_PACKET) != 0) vstate_packet_moved(v, s);
    if (!VPLANT(50)) v->sub_flags[subprog] |= VSUB_WANTED;
    vcall_clobber(s);
    vreg_set(s, 0, vvalue_any());
    return VSTEP_NEXT;
}

// --- Entries ----------------------------------------------------------------------------------------------------------------------

static bool set_param(verifier *v, vstate *s, unsigned reg, const vparam *param)
{
    vvalue value = vvalue_any();
    vobj like = {.flags = param->null_ok && !VPLANT(49) ? VOBJ_MAYBE_NULL : 0};
    uint16_t index = VOBJ_NONE;
    switch (param->kind) {
    case VPARAM_NUMBER: break;
    case VPARAM_CTX: value = (vvalue){.kind = V_CTX}; break;
    case VPARAM_MEM:
        like.kind = VO_MEM;
        like.size = param->size;
        index = vobj_new(v, s, &like);
        break;
    case VPARAM_DYNPTR:
        like.kind = VO_DYNPTR;
        like.dynptr = VDYN_LOCAL;
        like.frame = UINT32_MAX;
        index = vobj_new(v, s, &like);
        break;
    case VPARAM_BTF: index = vcall_new_btf(v, s, param->type_name, VOBJ_TRUSTED | like.flags); break;
    case VPARAM_UNTRUSTED: index = vcall_new_btf(v, s, param->type_name, VOBJ_UNTRUSTED); break;
    }
    bool is_pointer = param->kind != VPARAM_NUMBER && param->kind != VPARAM_CTX;
    if (is_pointer && index == VOBJ_NONE) return false;
    vreg_set(s, reg, is_pointer ? vvalue_ptr(index) : value);
    return true;
}

static bool fits_sleepable(uint32_t type)
{
    switch (type) {
    case PST_MAP_HASH:
    case PST_MAP_LRU_HASH:
    case PST_MAP_ARRAY:
    case PST_MAP_PERCPU_HASH:
    case PST_MAP_PERCPU_ARRAY:
    case PST_MAP_LRU_PERCPU_HASH:
    case PST_MAP_ARRAY_OF_MAPS:
    case PST_MAP_HASH_OF_MAPS:
    case PST_MAP_RINGBUF:
    case PST_MAP_USER_RINGBUF:
    case PST_MAP_INODE_STORAGE:
    case PST_MAP_SK_STORAGE:
    case PST_MAP_TASK_STORAGE:
    case PST_MAP_CGRP_STORAGE:
    case PST_MAP_QUEUE:
    case PST_MAP_STACK:
    case PST_MAP_ARENA: return true;
    default: return false;
    }
}

// Linux's check_map_prog_compatibility: maps that programs of this kind may not use at all.
static vstep check_maps(verifier *v)
{
    const pst_image *image = v->image;
    bool is_tracing = image->prog_type == PST_PROG_KPROBE || image->prog_type == PST_PROG_TRACEPOINT || image->prog_type == PST_PROG_PERF_EVENT ||
                      image->prog_type == PST_PROG_RAW_TRACEPOINT || image->prog_type == PST_PROG_RAW_TRACEPOINT_WRITABLE;
    for (uint32_t i = 0; i < image->map_count; i++) {
        const pst_map_view *view = image->maps[i];
        if (image->sleepable && !fits_sleepable(view->type))
            return vreject(v, PST_FINDING_MAP, -1, "a sleepable program may not use maps of type %s", pst_map_type_name(view->type));
        for (uint32_t k = 0; k < view->record_count; k++) {
            pst_record_kind kind = view->records[k].kind;
            bool is_lock = kind == PST_RECORD_SPIN_LOCK || kind == PST_RECORD_RES_SPIN_LOCK;
            bool is_refused = is_tracing && (is_lock || kind == PST_RECORD_TIMER || kind == PST_RECORD_WORKQUEUE || kind == PST_RECORD_LIST_HEAD ||
                                             kind == PST_RECORD_RB_ROOT);
            if (is_lock && image->prog_type == PST_PROG_SOCKET_FILTER) is_refused = true;
            if (is_refused)
                return vreject(v, PST_FINDING_MAP, -1, "programs of type %s may not use maps whose values hold locks, timers, lists or trees", v->type->name);
        }
    }
    return VSTEP_NEXT;
}

// The exception callback is called by the host: with the number that bpf_throw was given.
static vstep check_exception_callback(verifier *v)
{
    const vglobal *global = &v->globals[v->entry_subprog];
    const char *name = vsubprog_name(v, v->entry_subprog);
    if (global->wrong != NULL && global->wrong_param == 0) return vreject(v, PST_FINDING_BTF, -1, "the exception callback %s: %s", name, global->wrong);
    if (global->wrong == NULL && global->count == 1 && global->params[0].kind == VPARAM_NUMBER) return VSTEP_NEXT;
    return vreject(v, PST_FINDING_BTF, -1, "the exception callback %s does not take one number", name);
}

vstate *vcall_entry(verifier *v)
{
    uint32_t subprog = v->entry_subprog;
    v->pc = v->image->subprogs[subprog].start;
    if (subprog == 0 && check_maps(v) != VSTEP_NEXT) return NULL;
    if (subprog == 0 && v->flow.exception_callback != VFLOW_NONE) v->sub_flags[v->flow.exception_callback] |= VSUB_WANTED;
    if (subprog != 0 && subprog == v->flow.exception_callback && check_exception_callback(v) != VSTEP_NEXT) return NULL;
    if (subprog == 0) *v->globals[0].asyncs = NULL; // a new attempt
    vstate *s = vstate_new(v);
    vframe *frame = s != NULL ? vstate_push_frame(v, s) : NULL;
    bool done = frame != NULL;
    if (done) {
        frame->kind = VFRAME_MAIN;
        frame->subprog = (uint16_t)subprog;
        s->pc = v->pc;
        vreg_set(s, 1, (vvalue){.kind = V_CTX});
    }
    if (done && subprog != 0) {
        const vglobal *global = &v->globals[subprog];
        vreg_set(s, 1, (vvalue){.kind = V_UNINIT});
        for (unsigned reg = 1; done && reg <= global->count; reg++) done = set_param(v, s, reg, &global->params[reg - 1]);
    }
    if (done) return s;
    vstate_free(v, s);
    (void)vnomem(v);
    return NULL;
}

uint32_t vcall_next_global(const verifier *v)
{
    for (uint32_t i = 1; i < v->image->subprog_count; i++)
        if ((v->sub_flags[i] & VSUB_WANTED) != 0 && (v->sub_flags[i] & VSUB_VERIFIED) == 0) return i;
    return VFLOW_NONE;
}
