// call_subprog.c: calls between functions of the program, callbacks, and every kind of exit.
//
// Called by call.c (calls) and step.c (exit). A call pushes a frame and hands the state to the engine at the callee's start; an exit pops it and hands
// it on behind the call. A callback is a loop around the call that makes it: the state goes on behind the call (no more calls), and into the callback,
// whose exit arrives at the call again, so that it is called any number of times. That this ends is the helper's own affair.
// Source: Linux's check_func_call, push_callback_call, prepare_func_exit, check_return_code, check_max_stack_depth.
#include "verify/call.h"
#include "verify/summary.h"

#define LOOPS_MAX (1u << 23)  // turns of bpf_loop
#define TAIL_CALL_STACK 256u  // stack of the callers of a subprogram with tail calls
#define PRIVATE_STACK_MIN 64u // tracing programs: subprograms from this size on have a stack of their own

void vcall_clobber(vstate *s)
{
    for (unsigned reg = 0; reg <= PST_ARGS_MAX; reg++) vreg_set(s, reg, (vvalue){.kind = V_UNINIT});
}

static vframe *push(verifier *v, vstate *s, uint32_t subprog, vframe_kind kind, vcallback callback)
{
    vframe *frame = vstate_push_frame(v, s);
    if (frame == NULL) return NULL;
    frame->kind = (uint8_t)kind;
    frame->callback_kind = (uint8_t)callback;
    frame->subprog = (uint16_t)subprog;
    frame->call_pc = v->pc;
    return frame;
}

static vstep reject_depth(verifier *v)
{
    vstep step = vreject(v, PST_FINDING_CALL_DEPTH, -1, "calls nest deeper than %d functions", PST_FRAMES_MAX);
    vhint(v, "inline one of the functions (static __always_inline)");
    return step;
}

vstep vcall_subprog(verifier *v, vstate *s, uint32_t subprog)
{
    if ((v->sub_flags[subprog] & VSUB_GLOBAL) != 0) return vcall_global(v, s, subprog);
    if (s->frame_count == PST_FRAMES_MAX) return reject_depth(v);
    vvalue args[PST_ARGS_MAX + 1];
    for (unsigned reg = 1; reg <= PST_ARGS_MAX; reg++) args[reg] = vreg(s, reg);
    vcall_clobber(s);
    if (push(v, s, subprog, VFRAME_CALL, VCB_NONE) == NULL) return vnomem(v);
    for (unsigned reg = 1; reg <= PST_ARGS_MAX; reg++) vreg_set(s, reg, args[reg]);
    if (vsummary_wanted(v, s)) vstate_frame(s)->context = VCONTEXT_CALL;
    return vengine_fork(v, s, v->image->subprogs[subprog].start);
}

// --- Callbacks ------------------------------------------------------------------------------------------------------------------

static vcallback callback_of(const vcall_info *call)
{
    bool is_async = (call->proto->flags & PST_HELPER_ASYNC) != 0;
    if (is_async) return call->is_kfunc ? VCB_WORKQUEUE : VCB_TIMER;
    if (call->is_kfunc) return call->field != NULL ? VCB_RBTREE_LESS : VCB_NONE;
    switch (call->proto->id) {
    case 164: return VCB_FOR_EACH;
    case 170: return VCB_TIMER;
    case 180: return VCB_FIND_VMA;
    case 181: return VCB_LOOP;
    case 209: return VCB_DRAIN;
    default: return VCB_NONE;
    }
}

static bool can_iterate(uint32_t type)
{
    switch (type) {
    case PST_MAP_HASH:
    case PST_MAP_LRU_HASH:
    case PST_MAP_PERCPU_HASH:
    case PST_MAP_LRU_PERCPU_HASH:
    case PST_MAP_ARRAY:
    case PST_MAP_PERCPU_ARRAY: return true;
    default: return false;
    }
}

// Pointers to a key and a value of the call's map, in two registers. map_id: of the object in s that is the map, 0: a map of the program.
static vstep set_element(verifier *v, vstate *s, const vcall_info *call, uint32_t map_id, unsigned key_reg)
{
    vobj key = {.kind = VO_MEM, .flags = VOBJ_RDONLY, .size = call->view->key_size};
    uint16_t key_obj = vobj_new(v, s, &key);
    if (key_obj == VOBJ_NONE) return vnomem(v);
    uint16_t value_obj = vcall_new_map_value(v, s, call->view, call->map, map_id, 0);
    if (value_obj == VOBJ_NONE) return vnomem(v);
    vreg_set(s, key_reg, vvalue_ptr(key_obj));
    vreg_set(s, key_reg + 1, vvalue_ptr(value_obj));
    return VSTEP_NEXT;
}

static vstep set_index(verifier *v, vstate *s, const vcall_info *call)
{
    vvalue turns = call->args[1];
    pst_scalar known = vvalue_scalar(s, &turns);
    uint64_t last = (known.umax < LOOPS_MAX ? known.umax : LOOPS_MAX) - 1;
    pst_scalar range = pst_scalar_range(0, last);
    vvalue index = vvalue_number(v, s, &range);
    vreg_set(s, 1, VPLANT(57) ? vvalue_const(0) : index);
    // The index stays below the number of turns, even where that is not known.
    bool is_related = known.umax <= LOOPS_MAX && turns.sym != VSYM_ANY;
    return is_related && !vrel_add(v, s, &index, &turns, -1) ? VSTEP_END : VSTEP_NEXT;
}

// The map that an async callback is given, as its first argument.
static vstep set_map(verifier *v, vstate *s, const vcall_info *call, uint32_t *map_id)
{
    *map_id = 0;
    vreg_set(s, 1, (vvalue){.kind = V_MAP, .obj = call->map});
    if (call->map_id == 0) return VSTEP_NEXT;
    vobj map = {.kind = VO_MAP, .map = call->map, .view = call->view};
    uint16_t index = vobj_new(v, s, &map);
    if (index == VOBJ_NONE) return vnomem(v);
    *map_id = s->objs[index].id;
    vreg_set(s, 1, vvalue_ptr(index));
    return VSTEP_NEXT;
}

static vstep set_object(verifier *v, vstate *s, unsigned reg, uint16_t object)
{
    if (object == VOBJ_NONE) return vnomem(v);
    vreg_set(s, reg, vvalue_ptr(object));
    return VSTEP_NEXT;
}

// r1 to r5 of the callback. VSTEP_END: it is never called.
static vstep set_arguments(verifier *v, vstate *s, const vcall_info *call, vcallback kind)
{
    vstep step = VSTEP_NEXT;
    uint32_t map_id = 0;
    switch (kind) {
    case VCB_FOR_EACH:
        vreg_set(s, 1, call->args[1]);
        vreg_set(s, 4, call->args[3]);
        return set_element(v, s, call, call->map_id, 2);
    case VCB_LOOP: vreg_set(s, 2, call->args[3]); return set_index(v, s, call);
    case VCB_FIND_VMA:
        vreg_set(s, 1, call->args[1]);
        vreg_set(s, 3, call->args[4]);
        return set_object(v, s, 2, vcall_new_btf(v, s, "vm_area_struct", 0));
    case VCB_DRAIN: {
        vobj dynptr = {.kind = VO_DYNPTR, .dynptr = VDYN_LOCAL, .frame = UINT32_MAX};
        vreg_set(s, 2, call->args[3]);
        return set_object(v, s, 1, vobj_new(v, s, &dynptr));
    }
    case VCB_RBTREE_LESS:
        step = vobject_new_node(v, s, call->field, VOBJ_NON_OWNING, 1);
        return step == VSTEP_NEXT ? vobject_new_node(v, s, call->field, VOBJ_NON_OWNING, 2) : step;
    case VCB_TIMER:
    case VCB_WORKQUEUE:
        step = set_map(v, s, call, &map_id);
        return step == VSTEP_NEXT ? set_element(v, s, call, map_id, 2) : step;
    case VCB_NONE: break;
    }
    return step;
}

// Async callbacks that were handed to the engine, so that each is verified once.
typedef struct vasync {
    struct vasync *next;
    uint32_t subprog;
    vcallback kind;
    const pst_map_view *view;
} vasync;

static vstep start_async(verifier *v, vstate *s, const vcall_info *call, vcallback kind)
{
    if (call->view == NULL) return vreject(v, PST_FINDING_CALLBACK, 1, "%s is given no map value", vcall_name(call));
    vasync **list = v->globals[0].asyncs;
    for (const vasync *at = *list; at != NULL; at = at->next)
        if (at->subprog == call->func && (at->kind == kind || VPLANT(46)) && (at->view == call->view || VPLANT(46))) return VSTEP_NEXT;
    vasync *mine = pst_arena_alloc(&v->arena, sizeof *mine);
    vstate *later = mine != NULL ? vstate_new(v) : NULL;
    vframe *frame = later != NULL ? push(v, later, call->func, VFRAME_ASYNC, kind) : NULL;
    vstep step = frame != NULL ? set_arguments(v, later, call, kind) : vnomem(v);
    if (step != VSTEP_NEXT) {
        vstate_free(v, later);
        return step;
    }
    *mine = (vasync){.next = *list, .subprog = call->func, .kind = kind, .view = call->view};
    *list = mine;
    v->sub_flags[call->func] |= VSUB_ASYNC;
    later->pc = v->image->subprogs[call->func].start;
    later->wakes = true;
    later->blurred = s->blurred;
    return vengine_async(v, later);
}

vstep vcall_callback(verifier *v, vstate *s, const vcall_info *call)
{
    vcallback kind = callback_of(call);
    if (call->func == VFLOW_NONE || kind == VCB_NONE)
        return vreject(v, PST_FINDING_UNSUPPORTED, -1, "what %s calls back with is not described", vcall_name(call));
    if (kind == VCB_TIMER || kind == VCB_WORKQUEUE) {
        vstep step = start_async(v, s, call, kind);
        return step == VSTEP_END ? VSTEP_NEXT : step;
    }
    if (kind == VCB_FOR_EACH && !can_iterate(call->view->type)) {
        return vreject(v, PST_FINDING_CALLBACK, 1, "%s does not go through maps of type %s", vcall_name(call), pst_map_type_name(call->view->type));
    }
    if (kind == VCB_LOOP && vvalue_scalar(s, &call->args[1]).umax == 0) return VSTEP_NEXT;
    if (s->frame_count == PST_FRAMES_MAX) return reject_depth(v);
    vstate *in = vstate_clone(v, s);
    bool is_made = in != NULL && push(v, in, call->func, VFRAME_CALLBACK, kind) != NULL;
    vstep step = is_made ? set_arguments(v, in, call, kind) : vnomem(v);
    if (step != VSTEP_NEXT) {
        vstate_free(v, in);
        return step == VSTEP_END ? VSTEP_NEXT : step;
    }
    step = vengine_arrive(v, in, v->image->subprogs[call->func].start);
    return step == VSTEP_END ? VSTEP_NEXT : step;
}

// --- Exits ----------------------------------------------------------------------------------------------------------------------

static vstep reject_range(verifier *v, const vstate *s, unsigned reg, int64_t lo, int64_t hi, const char *what)
{
    vvalue value = vreg(s, reg);
    vstep step = vreject(v, PST_FINDING_RETURN, (int)reg, "r%u may be outside of what %s returns", reg, what);
    if (lo == hi) vneeded(v, "%lld", (long long)lo);
    else vneeded(v, "a number from %lld to %lld", (long long)lo, (long long)hi);
    vknown(v, s, &value);
    vhint(v, "return a constant, or test the value before it is returned");
    return step;
}

static vstep check_range(verifier *v, vstate *s, unsigned reg, int64_t lo, int64_t hi, bool by_half, const char *what)
{
    vstep step = vstep_use(v, s, reg);
    if (step != VSTEP_NEXT) return step;
    vvalue value = vreg(s, reg);
    if (value.kind != V_NUMBER) return reject_range(v, s, reg, lo, hi, what);
    pst_scalar known = vvalue_scalar(s, &value);
    bool fits = by_half ? known.smin32 >= lo && known.smax32 <= hi : known.smin >= lo && known.smax <= hi;
    return fits ? VSTEP_NEXT : reject_range(v, s, reg, lo, hi, what);
}

vstep vcall_check_return_range(verifier *v, vstate *s, unsigned reg)
{
    bool any = false;
    int64_t lo = 0, hi = 0;
    pst_ret_range(v->type, v->image->attach_type, &any, &lo, &hi);
    vstep step = vstep_use(v, s, reg);
    if (step != VSTEP_NEXT) return step;
    vvalue value = vreg(s, reg);
    if (v->strict && (vvalue_is_pointer(&value) || (value.flags & VVALUE_CAST) != 0)) {
        step = vreject(v, PST_FINDING_POINTER_LEAK, (int)reg, "r%u returns an address to the host", reg);
        vknown(v, s, &value);
        return step;
    }
    if (any) return VSTEP_NEXT;
    // LSM hooks return an int; so do the types that Linux does not have.
    bool by_half = v->image->prog_type == PST_PROG_LSM || v->image->prog_type >= 0x10000u;
    return check_range(v, s, reg, lo, hi, by_half, "a program of this type");
}

static vstep exit_main(verifier *v, vstate *s)
{
    const vframe *frame = s->frames[0];
    const char *what = frame->kind == VFRAME_ASYNC ? "the end of the callback" : frame->subprog == 0 ? "the end of the program" : "the end of the global function";
    vstep step = vcall_nothing_held(v, s, true, what);
    if (step != VSTEP_NEXT) return step;
    if (frame->kind == VFRAME_ASYNC && !VPLANT(47)) {
        step = check_range(v, s, 0, 0, 0, false, "an async callback");
    } else if (frame->subprog == 0 || frame->subprog == v->flow.exception_callback) {
        step = vcall_check_return_range(v, s, 0);
    } else {
        vvalue value = vreg(s, 0);
        step = vstep_use(v, s, 0);
        if (step == VSTEP_NEXT && value.kind != V_NUMBER) {
            step = vreject(v, PST_FINDING_RETURN, 0, "the global function %s must return a number", vsubprog_name(v, frame->subprog));
            vknown(v, s, &value);
        }
    }
    return step == VSTEP_NEXT ? VSTEP_END : step;
}

// What lay on the frame's stack goes with it. What had to be released is a leak from now on.
static void leave_frame(verifier *v, vstate *s)
{
    uint32_t gone = s->frame_count - 1;
    for (uint32_t i = 0; i < s->obj_count; i++) {
        vobj *obj = &s->objs[i];
        bool is_on_stack = obj->kind == VO_DYNPTR || obj->kind == VO_ITER || obj->kind == VO_IRQ;
        if (!is_on_stack || obj->frame != gone || (obj->flags & VOBJ_MUST_RELEASE) != 0) continue;
        for (uint32_t k = 0; k < s->obj_count; k++)
            if (s->objs[k].parent == obj->id) s->objs[k].parent = 0; // slices live on
        obj->kind = VO_FREE;
    }
    vstate_pop_frame(v, s);
}

typedef struct reach {
    const vstate *s;
    uint32_t ref;
    bool found;
} reach;

static void reach_value(void *user, vvalue *value)
{
    reach *r = user;
    if (value->kind == V_PTR && r->s->objs[value->obj].ref == r->ref) r->found = true;
}

static bool is_reachable(vstate *s, const vobj *obj)
{
    reach r = {.s = s, .ref = obj->ref};
    vstate_each_value(s, reach_value, &r);
    for (uint32_t f = 0; f < s->frame_count && !r.found; f++)
        for (uint32_t c = 0; c < s->frames[f]->cell_count; c++) {
            const vcell *cell = &s->frames[f]->cells[c];
            if (cell->mode == VCELL_SPECIAL && s->objs[cell->obj].ref == r.ref) r.found = true;
        }
    return r.found;
}

vstep vcall_check_lost(verifier *v, vstate *s, const char *what)
{
    for (uint32_t i = 0; i < s->obj_count; i++) {
        const vobj *obj = &s->objs[i];
        if (obj->kind == VO_FREE || (obj->flags & VOBJ_MUST_RELEASE) == 0 || obj->ref == 0 || is_reachable(s, obj)) continue;
        vvalue value = vvalue_ptr((uint16_t)i);
        vstep step = vreject(v, PST_FINDING_REFERENCE, -1, "a reference is lost %s", what);
        vneeded(v, "every reference released, or handed to the caller");
        vknown(v, s, &value);
        vhint(v, "release what was acquired also on the paths that fail");
        return step;
    }
    return VSTEP_NEXT;
}

// The run goes on behind the call; that of a context behind every call that was given to it.
static vstep go_back(verifier *v, const vstate *s, uint32_t context, uint32_t call_pc)
{
    bool in_context = context != 0 && context != VCONTEXT_CALL; // a call that a replay walks has no context
    return in_context ? vsummary_exit(v, s, context) : vengine_fork(v, s, call_pc + 1);
}

vstep vcall_return(verifier *v, vstate *s)
{
    vframe *frame = vstate_frame(s);
    uint32_t call_pc = frame->call_pc;
    vvalue result = vreg(s, 0);
    if (frame->kind == VFRAME_CALLBACK) {
        vstep step = check_range(v, s, 0, 0, 1, false, "a callback");
        if (step != VSTEP_NEXT) return step;
        bool is_loop = frame->callback_kind == VCB_LOOP;
        leave_frame(v, s);
        // What was to turn at most once has turned.
        vvalue turns = vreg(s, 1);
        if (is_loop && turns.kind == V_NUMBER && vvalue_scalar(s, &turns).umax == 1) vreg_set(s, 1, vvalue_const(0));
        step = vcall_check_lost(v, s, "when the callback returns");
        return step == VSTEP_NEXT ? vengine_fork(v, s, call_pc) : step;
    }
    if (result.kind == V_STACK) {
        vstep step = vreject(v, PST_FINDING_TYPE, 0, "the function returns a pointer to the stack");
        vknown(v, s, &result);
        vhint(v, "let the caller pass a pointer to its own variable");
        return step;
    }
    uint32_t context = frame->context;
    leave_frame(v, s);
    vreg_set(s, 0, result);
    vstep step = vcall_check_lost(v, s, "when the function returns");
    return step == VSTEP_NEXT ? go_back(v, s, context, call_pc) : step;
}

vstep vexit(verifier *v, vstate *s)
{
    return s->frame_count == 1 ? exit_main(v, s) : vcall_return(v, s);
}

vstep vcall_tail_return(verifier *v, const vstate *s)
{
    if (vstate_frame(s)->kind != VFRAME_CALL) return VSTEP_NEXT;
    vstate *after = vstate_clone(v, s);
    if (after == NULL) return vnomem(v);
    uint32_t call_pc = vstate_frame(after)->call_pc, context = vstate_frame(after)->context;
    leave_frame(v, after);
    vstate_packet_moved(v, after);
    vreg_set(after, 0, vvalue_any());
    vstep step = go_back(v, after, context, call_pc);
    vstate_free(v, after);
    return step == VSTEP_END ? VSTEP_NEXT : step;
}

vstep vcall_early_return(verifier *v, const vstate *s)
{
    for (uint32_t i = 0; i < s->frame_count; i++)
        if (s->frames[i]->kind == VFRAME_CALLBACK || s->frames[i]->kind == VFRAME_ASYNC)
            return vreject(v, PST_FINDING_CALLBACK, -1, "a callback may not use the legacy packet loads (BPF_ABS, BPF_IND)");
    const vframe *frame = vstate_frame(s);
    if (frame->subprog != 0 && v->globals[frame->subprog].returns_void)
        return vreject(v, PST_FINDING_HELPER, -1, "a function that uses the legacy packet loads must return int: it ends at a load that fails");
    if (frame->kind != VFRAME_CALL) return VSTEP_NEXT;
    vstate *after = vstate_clone(v, s);
    if (after == NULL) return vnomem(v);
    uint32_t call_pc = frame->call_pc, context = frame->context;
    leave_frame(v, after);
    vreg_set(after, 0, vvalue_const(0));
    vstep step = go_back(v, after, context, call_pc);
    vstate_free(v, after);
    return step == VSTEP_END ? VSTEP_NEXT : step;
}

vstep vcall_throw(verifier *v, vstate *s)
{
    for (uint32_t i = 0; i < s->frame_count; i++)
        if (s->frames[i]->kind == VFRAME_CALLBACK || s->frames[i]->kind == VFRAME_ASYNC)
            return vreject(v, PST_FINDING_CALLBACK, -1, "bpf_throw is called from a callback");
    vstep step = vcall_nothing_held(v, s, true, "bpf_throw");
    if (step != VSTEP_NEXT) return step;
    uint32_t callback = v->flow.exception_callback;
    if (v->entry_subprog != 0 && v->entry_subprog == callback)
        return vreject(v, PST_FINDING_CALLBACK, -1, "bpf_throw is called from the exception callback");
    if (callback == VFLOW_NONE) step = vcall_check_return_range(v, s, 1);
    return step == VSTEP_NEXT ? VSTEP_END : step;
}

// --- The stack of chains of calls -----------------------------------------------------------------------------------------------------

static bool is_traced(const verifier *v)
{
    switch (v->image->prog_type) {
    case PST_PROG_KPROBE:
    case PST_PROG_TRACEPOINT:
    case PST_PROG_PERF_EVENT:
    case PST_PROG_RAW_TRACEPOINT:
    case PST_PROG_TRACING:
    case PST_PROG_LSM: return true;
    default: return false;
    }
}

static bool has_tail_call(const verifier *v, uint32_t subprog)
{
    const pst_subprog *sub = &v->image->subprogs[subprog];
    for (uint32_t pc = sub->start; pc < sub->start + sub->count; pc++) {
        const pst_insn *insn = &v->image->insns[pc];
        if (insn->kind == PST_KIND_CALL && insn->op == PST_CALL_HELPER && insn->imm == 12) return true;
    }
    return false;
}

typedef struct chain {
    uint32_t subprog, pc, depth; // where its walk is; stack below and with it
} chain;

// Bytes that a frame of the subprogram adds to the common stack.
static uint32_t frame_bytes(const verifier *v, uint32_t subprog, bool private_stacks)
{
    uint32_t bytes = (v->sub_stack[subprog] + 15) & ~15u;
    return private_stacks && bytes >= PRIVATE_STACK_MIN ? 0 : bytes;
}

static uint32_t callee_at(const verifier *v, uint32_t pc)
{
    const pst_insn *insn = &v->image->insns[pc];
    bool calls = insn->kind == PST_KIND_CALL && insn->op == PST_CALL_SUBPROG;
    bool takes = insn->kind == PST_KIND_IMM64 && insn->op == PST_IMM64_FUNC;
    if (!calls && !takes) return VFLOW_NONE;
    uint32_t callee = vsubprog_at(v, (uint32_t)((int64_t)pc + 1 + insn->target));
    // What runs later has a stack of its own.
    return takes && (v->sub_flags[callee] & VSUB_ASYNC) != 0 ? VFLOW_NONE : callee;
}

static vstep reject_stack(verifier *v, uint32_t pc, uint32_t depth, uint32_t limit)
{
    v->pc = pc;
    vstep step = vreject(v, PST_FINDING_STACK_DEPTH, -1, "the chain of calls that ends here uses %u bytes of stack", depth);
    vneeded(v, "at most %u bytes in all", limit);
    vhint(v, "keep large objects in a map of one element, or make the functions smaller");
    return step;
}

// Walks every chain of calls from root.
static vstep check_chains(verifier *v, uint32_t root, bool private_stacks)
{
    chain stack[PST_FRAMES_MAX];
    unsigned top = 0;
    uint32_t limit = v->opts.stack_max;
    stack[0] = (chain){root, v->image->subprogs[root].start, frame_bytes(v, root, private_stacks)};
    if (stack[0].depth > limit) return reject_stack(v, stack[0].pc, stack[0].depth, limit);
    if (stack[0].depth > v->chain_stack) v->chain_stack = stack[0].depth;
    for (;;) {
        chain *at = &stack[top];
        const pst_subprog *sub = &v->image->subprogs[at->subprog];
        uint32_t callee = VFLOW_NONE;
        while (at->pc < sub->start + sub->count && callee == VFLOW_NONE) callee = callee_at(v, at->pc++);
        if (callee == VFLOW_NONE) {
            if (top == 0) return VSTEP_NEXT;
            top--;
            continue;
        }
        uint32_t pc = at->pc - 1;
        v->pc = pc;
        if (callee == v->flow.exception_callback) return vreject(v, PST_FINDING_CALLBACK, -1, "the exception callback is called by the program itself");
        if (top + 1 == PST_FRAMES_MAX) return reject_depth(v);
        if (has_tail_call(v, callee) && at->depth >= TAIL_CALL_STACK) return reject_stack(v, pc, at->depth, TAIL_CALL_STACK - 1);
        uint32_t depth = at->depth + frame_bytes(v, callee, private_stacks);
        if (depth > limit) return reject_stack(v, pc, depth, limit);
        if (depth > v->chain_stack) v->chain_stack = depth;
        stack[++top] = (chain){callee, v->image->subprogs[callee].start, depth};
    }
}

vstep vcall_stack_check(verifier *v)
{
    bool tail_calls = false;
    for (uint32_t i = 0; i < v->image->subprog_count; i++) tail_calls = tail_calls || has_tail_call(v, i);
    vstep step = check_chains(v, 0, is_traced(v) && !tail_calls);
    for (uint32_t i = 1; i < v->image->subprog_count && step == VSTEP_NEXT; i++)
        if ((v->sub_flags[i] & VSUB_ASYNC) != 0) step = check_chains(v, i, false);
    return step;
}
