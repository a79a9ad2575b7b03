// copies.c: from SSA to instructions of two operands, over variables ("webs") that registers are then found for.
//
// A phi becomes copies: of each argument into one variable at the ends of the predecessors, and of that into the phi's own at its beginning. All
// these variables are new, so the copies of several phis do not disturb each other in any order; most of them are found unnecessary
// by allocate.c. An instruction of two operands writes over its first: it gets a copy. Arguments and results of calls have their registers.
#include "jit/opt/ir.h"

uint32_t opt_web_new(opt_func *func) { return func->web_count++; }

// Made where it is used, instead of being kept: it costs no more than a copy.
static bool is_cheap(const opt_value *v)
{
    if (v->insn.kind == OPT_FRAME) return true;
    return opt_is_const(v) && (opt_is_i32((uint64_t)v->insn.imm) || (uint64_t)v->insn.imm <= UINT32_MAX);
}

bool opt_is_frame_base(const opt_value *v, uint32_t arg)
{
    bool accesses = v->insn.kind == PST_KIND_LOAD || v->insn.kind == PST_KIND_STORE || v->insn.kind == PST_KIND_ATOMIC ||
                    v->insn.kind == PST_KIND_LOAD_ACQUIRE || v->insn.kind == PST_KIND_STORE_RELEASE;
    if (!accesses || arg != 0 || v->args[0]->insn.kind != OPT_FRAME) return false;
    int64_t off = v->args[0]->insn.imm + v->insn.off;
    return off >= INT16_MIN && off <= INT16_MAX;
}

opt_value *opt_clone(opt_func *func, const opt_value *v)
{
    opt_value *c = opt_value_new(func, v->insn.kind, 0);
    c->insn = v->insn;
    c->origin = v->origin;
    c->hint = v->hint;
    return c;
}

// web = source, in front of place.
static opt_value *copy_to(opt_func *func, opt_value *place, uint32_t web, opt_value *source, uint8_t hint)
{
    opt_value *c = is_cheap(source) ? opt_clone(func, source) : opt_value_new(func, OPT_COPY, 1);
    if (c->arg_count) c->args[0] = source;
    c->web = web;
    c->hint = hint;
    c->origin = place->origin;
    opt_insert_before(place, c);
    return c;
}

static bool result_in_r0(const opt_value *v) { return v->insn.kind == PST_KIND_ATOMIC && v->insn.op == PST_ATOMIC_CMPXCHG; }

// --- Effects --------------------------------------------------------------------------------------------------

static uint16_t clobbered(const opt_func *func)
{
    return (uint16_t)(func->machine->regs & ~func->machine->kept & (OPT_PLANT(10) ? ~JIT_REG(3) : ~0));
}

static void call_effect(const opt_func *func, const opt_value *v, opt_effect *e)
{
    e->reads = v->mask;
    e->writes = clobbered(func);
    // What is left in args is read from wherever it is.
    for (uint32_t i = 0; i < v->arg_count; i++) e->uses[e->use_count++] = v->args[i]->web;
}

opt_effect opt_effect_of(const opt_func *func, const opt_value *v)
{
    opt_effect e = {.def = OPT_NO_WEB};
    switch (v->insn.kind) {
    case PST_KIND_CALL:
    case PST_KIND_LEGACY_LOAD: call_effect(func, v, &e); return e;
    case PST_KIND_EXIT: e.reads = JIT_REG(0); return e;
    case OPT_COPY: e.copies = true; break;
    default: break;
    }
    for (uint32_t i = 0; i < v->arg_count; i++) {
        if (opt_is_frame_base(v, i)) continue;
        uint32_t web = v->args[i]->web;
        if (web < OPT_FIXED) e.reads |= (uint16_t)(1u << web);
        else e.uses[e.use_count++] = web;
    }
    if (result_in_r0(v)) e.writes = JIT_REG(0);
    else if (v->web < OPT_FIXED) e.writes = (uint16_t)(1u << v->web);
    else e.def = v->web;
    return e;
}

// --- Single instructions --------------------------------------------------------------------------------------

static bool writes_over_first(const opt_value *v)
{
    if (v->insn.kind == PST_KIND_SWAP) return true;
    if (v->insn.kind != PST_KIND_ALU) return false;
    return v->insn.op != PST_ALU_MOV && v->insn.op != PST_ALU_MOVSX8 && v->insn.op != PST_ALU_MOVSX16 && v->insn.op != PST_ALU_MOVSX32;
}

// Constants that are not immediates get a register in front of their use.
static void place_constants(opt_func *func, opt_value *v, uint32_t from)
{
    for (uint32_t i = from; i < v->arg_count; i++)
        if (is_cheap(v->args[i]) && v->args[i]->web == OPT_NO_WEB && !opt_is_frame_base(v, i))
            v->args[i] = copy_to(func, v, opt_web_new(func), v->args[i], v->args[i]->hint);
}

// The result of v is in a register: its web is a copy of that, made behind it.
static void take_result(opt_func *func, opt_value *v, unsigned reg)
{
    if (v->uses == 0) return;
    opt_value *c = opt_value_new(func, OPT_COPY, 1);
    c->args[0] = func->fixed[reg];
    c->web = v->web;
    c->hint = v->hint;
    c->origin = v->origin;
    opt_insert_before(v->next, c);
}

// Of v's arguments from first on, those whose registers are in mask go there; what is left stays.
static void pass_arguments(opt_func *func, opt_value *v)
{
    uint32_t n = 0, left = 0;
    for (unsigned reg = 1; reg <= PST_ARGS_MAX; reg++)
        if (v->mask >> reg & 1) (void)copy_to(func, v, reg, v->args[n++], (uint8_t)reg);
    while (n < v->arg_count) v->args[left++] = v->args[n++];
    v->arg_count = left;
}

static void lower_atomic(opt_func *func, opt_value *v)
{
    bool exchange = result_in_r0(v);
    place_constants(func, v, 0);
    if (exchange) {
        (void)copy_to(func, v, 0, v->args[2], 0);
        v->args[2] = func->fixed[0];
        take_result(func, v, 0);
    } else if (v->insn.flags & PST_INSN_FETCH) {
        v->args[1] = copy_to(func, v, v->web, v->args[1], v->hint);
    }
}

static void lower_value(opt_func *func, opt_value *v)
{
    switch (v->insn.kind) {
    case OPT_PARAM:
        v->args = &func->fixed[v->insn.dst];
        v->arg_count = 1;
        v->insn.kind = OPT_COPY;
        return;
    case PST_KIND_CALL:
    case PST_KIND_LEGACY_LOAD:
        if (v->insn.kind == PST_KIND_CALL) pass_arguments(func, v);
        place_constants(func, v, 0);
        take_result(func, v, 0);
        return;
    case PST_KIND_EXIT:
        (void)copy_to(func, v, 0, v->args[0], 0);
        v->arg_count = 0;
        return;
    case PST_KIND_ATOMIC: lower_atomic(func, v); return;
    default: break;
    }
    if (v->insn.kind == OPT_SELECT) {
        uint32_t last = v->arg_count - 1;
        opt_value *otherwise = v->args[last];
        v->arg_count--;
        place_constants(func, v, 0);
        v->arg_count++;
        v->args[last] = copy_to(func, v, v->web, otherwise, v->hint);
        return;
    }
    bool over = writes_over_first(v);
    place_constants(func, v, over ? 1 : 0);
    if (over) v->args[0] = copy_to(func, v, v->web, v->args[0], v->hint);
}

// --- Phis -----------------------------------------------------------------------------------------------------

static void lower_phi(opt_func *func, opt_value *phi)
{
    opt_block *b = phi->block;
    opt_value *joined = opt_value_new(func, OPT_COPY, 0); // in no block: what the copies are called
    uint32_t web = joined->web = opt_web_new(func);
    for (uint32_t p = 0; p < b->pred_count && !func->failed; p++) (void)copy_to(func, b->preds[p]->last, web, phi->args[OPT_PLANT(11) ? 0 : p], phi->hint);
    opt_value **args = pst_arena_array(func->arena, 1, sizeof *args);
    if (!args) {
        func->failed = true;
        return;
    }
    args[0] = joined;
    phi->insn.kind = OPT_COPY;
    phi->args = args;
    phi->arg_count = 1;
}

// --- All of it ------------------------------------------------------------------------------------------------

static void name_webs(opt_func *func)
{
    func->web_count = OPT_FIXED;
    for (unsigned reg = 0; reg < OPT_FIXED; reg++) {
        func->fixed[reg] = opt_value_new(func, OPT_COPY, 0);
        func->fixed[reg]->web = reg;
    }
    OPT_EACH_BLOCK(b, func) OPT_EACH_VALUE(v, b) v->web = opt_has_result(v) && !is_cheap(v) ? opt_web_new(func) : OPT_NO_WEB;
}

void opt_copies(opt_func *func)
{
    if (func->failed) return;
    opt_count_uses(func);
    name_webs(func);
    // Instructions first: what they put in front of a block's end then stands before the copies of phis.
    for (uint32_t i = 0; i < func->order_count && !func->failed; i++)
        OPT_EACH_VALUE(v, func->order[i]) {
            if (is_cheap(v)) opt_remove(v);
            else if (v->insn.kind != OPT_PHI) lower_value(func, v);
        }
    for (uint32_t i = 0; i < func->order_count && !func->failed; i++)
        OPT_EACH_VALUE(v, func->order[i])
            if (v->insn.kind == OPT_PHI) lower_phi(func, v);
}
