// lower.c: see lower.h. Instructions are written block by block; jumps lead past blocks that turn out to be empty.
#include "jit/opt/lower.h"

#include <string.h>

typedef struct lowering {
    opt_output *out;
    const opt_func *func;
    const uint8_t *colors;
    opt_block **target; // per block, by order: where a jump to it ends
    bool *empty;
    uint32_t *start;    // pcs
    opt_value **jumps;  // instructions whose target is a block
    uint32_t *jump_pcs;
    opt_block **jump_to;
    uint32_t jump_count;
} lowering;

// --- Output ---------------------------------------------------------------------------------------------------

static bool enlarge(pst_arena *arena, void *array_ptr, uint32_t used, uint32_t wanted, size_t elem)
{
    void **array = array_ptr, *more = pst_arena_array(arena, wanted, elem);
    if (!more) return false;
    if (used) memcpy(more, *array, used * elem);
    *array = more;
    return true;
}

static bool make_room(opt_output *out)
{
    if (out->count < out->capacity) return true;
    uint32_t wanted = out->capacity ? 2 * out->capacity : 256, used = out->count;
    bool fine = wanted <= 2 * PST_INSNS_MAX && enlarge(out->arena, &out->insns, used, wanted, sizeof *out->insns) &&
                enlarge(out->arena, &out->origins, used, wanted, sizeof *out->origins) && enlarge(out->arena, &out->flags, used, wanted, 1) &&
                enlarge(out->arena, &out->context_off, used, wanted, sizeof *out->context_off) &&
                enlarge(out->arena, &out->calls, used, wanted, sizeof *out->calls);
    if (fine) out->capacity = wanted;
    else out->failed = true;
    return fine;
}

// Facts are those of the value's origin, as far as they were kept.
static void put(opt_output *out, const pst_insn *insn, uint32_t origin, uint8_t facts)
{
    if (!make_room(out)) return;
    const pst_facts *known = out->unit->facts;
    uint32_t pc = out->count++;
    out->insns[pc] = *insn;
    out->origins[pc] = origin;
    out->flags[pc] = facts;
    if (known && known->context_off && facts & PST_FACT_CONTEXT) out->context_off[pc] = known->context_off[origin];
    if (known && known->calls && insn->kind == PST_KIND_CALL) out->calls[pc] = known->calls[origin];
}

static void refer(opt_output *out, uint32_t subprog)
{
    if (out->reference_count == out->reference_capacity) {
        uint32_t wanted = out->reference_capacity ? 2 * out->reference_capacity : 64;
        if (!enlarge(out->arena, &out->references, out->reference_count, wanted, sizeof *out->references)) {
            out->failed = true;
            return;
        }
        out->reference_capacity = wanted;
    }
    out->references[out->reference_count++] = (opt_reference){out->count, subprog};
}

// --- Single instructions --------------------------------------------------------------------------------------

static uint8_t reg_of(const lowering *l, const opt_value *v) { return v->web < OPT_FIXED ? (uint8_t)v->web : l->colors[v->web]; }

static void put_move(const lowering *l, uint8_t dst, uint8_t src, uint32_t origin)
{
    const pst_insn move = {.kind = PST_KIND_ALU, .op = PST_ALU_MOV, .dst = dst, .src = src, .width = 64};
    if (dst != src) put(l->out, &move, origin, 0);
}

static void put_number(const lowering *l, uint8_t dst, uint64_t number, uint32_t origin)
{
    pst_insn insn = {.kind = PST_KIND_ALU, .op = PST_ALU_MOV, .dst = dst, .width = 64, .flags = PST_INSN_IMM, .imm = (int64_t)number};
    if (!opt_is_i32(number) && number <= UINT32_MAX) {
        insn.width = 32;
        insn.imm = (int32_t)(uint32_t)number;
    } else if (!opt_is_i32(number)) {
        insn = (pst_insn){.kind = PST_KIND_IMM64, .op = PST_IMM64_VALUE, .dst = dst, .width = 64, .imm = (int64_t)number};
    }
    put(l->out, &insn, origin, 0);
    const pst_insn padding = {.kind = PST_KIND_PADDING};
    if (insn.kind == PST_KIND_IMM64) put(l->out, &padding, origin, 0);
}

static void put_address(const lowering *l, const opt_value *v)
{
    pst_insn insn = v->insn;
    const pst_insn padding = {.kind = PST_KIND_PADDING};
    insn.kind = PST_KIND_IMM64;
    insn.dst = reg_of(l, v);
    if (insn.op == PST_IMM64_FUNC) {
        refer(l->out, (uint32_t)insn.imm);
        insn.imm = 0;
    }
    put(l->out, &insn, v->origin, 0);
    put(l->out, &padding, v->origin, 0);
}

static void put_frame(const lowering *l, const opt_value *v)
{
    const pst_insn add = {.kind = PST_KIND_ALU, .op = PST_ALU_ADD, .dst = reg_of(l, v), .width = 64, .flags = PST_INSN_IMM, .imm = v->insn.imm};
    put_move(l, add.dst, PST_REG_FP, v->origin);
    if (add.imm) put(l->out, &add, v->origin, 0);
}

static void put_memory(const lowering *l, const opt_value *v)
{
    pst_insn insn = v->insn;
    bool loads = insn.kind == PST_KIND_LOAD || insn.kind == PST_KIND_LOAD_ACQUIRE;
    uint8_t base = opt_is_frame_base(v, 0) ? PST_REG_FP : reg_of(l, v->args[0]);
    if (base == PST_REG_FP) insn.off = (int16_t)(insn.off + v->args[0]->insn.imm);
    insn.dst = loads ? reg_of(l, v) : base;
    insn.src = loads ? base : v->arg_count > 1 ? reg_of(l, v->args[1]) : 0;
    put(l->out, &insn, v->origin, v->facts);
}

static void put_call(const lowering *l, const opt_value *v)
{
    pst_insn insn = v->insn;
    if (insn.kind == PST_KIND_CALL && insn.op == PST_CALL_SUBPROG) {
        refer(l->out, (uint32_t)insn.imm);
        insn.imm = 0;
    }
    if (insn.kind == PST_KIND_CALL && insn.op == PST_CALL_REGISTER) insn.dst = reg_of(l, v->args[0]);
    if (insn.kind == PST_KIND_LEGACY_LOAD && v->arg_count) insn.src = reg_of(l, v->args[0]);
    put(l->out, &insn, v->origin, v->facts);
}

static void put_alu(const lowering *l, const opt_value *v)
{
    pst_insn insn = v->insn;
    insn.dst = reg_of(l, v);
    insn.src = 0;
    if (v->arg_count > 1) insn.src = reg_of(l, v->args[1]);
    else if (reg_of(l, v->args[0]) != insn.dst || insn.op == PST_ALU_MOV || insn.op == PST_ALU_MOVSX8 || insn.op == PST_ALU_MOVSX16 || insn.op == PST_ALU_MOVSX32)
        insn.src = reg_of(l, v->args[0]);
    put(l->out, &insn, v->origin, v->facts);
}

static void put_select(const lowering *l, const opt_value *v)
{
    pst_insn insn = v->insn;
    bool imm = opt_has_imm(v);
    insn.kind = JIT_KIND_SELECT;
    insn.dst = reg_of(l, v);
    insn.src = reg_of(l, v->args[v->arg_count - 2]);
    insn.off = (int16_t)(reg_of(l, v->args[0]) | (imm ? 0 : reg_of(l, v->args[1])) << 8);
    put(l->out, &insn, v->origin, 0);
}

static void put_value(const lowering *l, const opt_value *v)
{
    switch (v->insn.kind) {
    case OPT_SELECT: put_select(l, v); break;
    case OPT_CONST: put_number(l, reg_of(l, v), (uint64_t)v->insn.imm, v->origin); break;
    case OPT_ADDRESS: put_address(l, v); break;
    case OPT_FRAME: put_frame(l, v); break;
    case OPT_COPY: put_move(l, reg_of(l, v), reg_of(l, v->args[0]), v->origin); break;
    case PST_KIND_ALU:
    case PST_KIND_SWAP: put_alu(l, v); break;
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE:
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE:
    case PST_KIND_ATOMIC: put_memory(l, v); break;
    case PST_KIND_CALL:
    case PST_KIND_LEGACY_LOAD: put_call(l, v); break;
    default: l->out->failed = true; break; // ends are put_end's, and nothing else is left
    }
}

// --- Ends of blocks -------------------------------------------------------------------------------------------

static void put_jump(lowering *l, const opt_value *v, pst_insn insn, opt_block *to, uint8_t facts)
{
    l->jump_pcs[l->jump_count] = l->out->count;
    l->jump_to[l->jump_count++] = to;
    put(l->out, &insn, v->origin, facts);
}

static void put_goto(lowering *l, const opt_value *v, opt_block *to, const opt_block *next, uint8_t facts)
{
    if (to != next || facts) put_jump(l, v, (pst_insn){.kind = PST_KIND_JUMP, .flags = PST_INSN_LONG}, to, facts);
}

static bool inverse(pst_jump_op op, pst_jump_op *out)
{
    static const pst_jump_op of[] = {
        [PST_JUMP_JEQ] = PST_JUMP_JNE,   [PST_JUMP_JNE] = PST_JUMP_JEQ,   [PST_JUMP_JGT] = PST_JUMP_JLE,   [PST_JUMP_JLE] = PST_JUMP_JGT,
        [PST_JUMP_JGE] = PST_JUMP_JLT,   [PST_JUMP_JLT] = PST_JUMP_JGE,   [PST_JUMP_JSGT] = PST_JUMP_JSLE, [PST_JUMP_JSLE] = PST_JUMP_JSGT,
        [PST_JUMP_JSGE] = PST_JUMP_JSLT, [PST_JUMP_JSLT] = PST_JUMP_JSGE, [PST_JUMP_JSET] = PST_JUMP_JSET,
    };
    *out = OPT_PLANT(14) && op == PST_JUMP_JSGT ? PST_JUMP_JSLT : of[op];
    return op != PST_JUMP_JSET;
}

static void put_branch(lowering *l, const opt_value *v, const opt_block *next)
{
    opt_block *taken = l->target[v->block->succs[0]->order], *other = l->target[v->block->succs[1]->order];
    pst_insn insn = v->insn;
    pst_jump_op opposite;
    uint8_t facts = v->facts & PST_FACT_METERED;
    if (taken == other && !facts) {
        put_goto(l, v, taken, next, 0);
        return;
    }
    insn.dst = reg_of(l, v->args[0]);
    insn.src = v->arg_count > 1 ? reg_of(l, v->args[1]) : 0;
    if (taken == next && !facts && inverse((pst_jump_op)insn.op, &opposite)) {
        insn.op = (uint8_t)opposite;
        put_jump(l, v, insn, other, 0);
        return;
    }
    put_jump(l, v, insn, taken, facts);
    put_goto(l, v, other, next, 0);
}

static void put_end(lowering *l, const opt_value *v, const opt_block *next)
{
    const pst_insn exit = {.kind = PST_KIND_EXIT};
    const opt_block *b = v->block;
    switch (v->insn.kind) {
    case PST_KIND_JUMP: put_goto(l, v, l->target[b->succs[0]->order], next, v->facts & PST_FACT_METERED); break;
    case PST_KIND_BRANCH: put_branch(l, v, next); break;
    case PST_KIND_MAY_GOTO:
        put_jump(l, v, v->insn, l->target[b->succs[0]->order], v->facts & PST_FACT_METERED);
        put_goto(l, v, l->target[b->succs[1]->order], next, 0);
        break;
    case PST_KIND_EXIT: put(l->out, &exit, v->origin, 0); break;
    default: put(l->out, &exit, v->origin, PST_FACT_DEAD); break;
    }
}

// --- Blocks ---------------------------------------------------------------------------------------------------

static bool is_empty(const lowering *l, const opt_block *b)
{
    if (b->last->insn.kind != PST_KIND_JUMP || b->last->facts & PST_FACT_METERED) return false;
    for (const opt_value *v = b->first; v != b->last; v = v->next)
        if (v->insn.kind != OPT_COPY || reg_of(l, v) != reg_of(l, v->args[0])) return false;
    return true;
}

// A chain that is too long, or closed, ends at a block that is written.
static void find_targets(lowering *l)
{
    const opt_func *func = l->func;
    for (uint32_t i = 0; i < func->order_count; i++) l->empty[i] = is_empty(l, func->order[i]);
    for (uint32_t i = 0; i < func->order_count; i++) {
        opt_block *b = func->order[i];
        for (unsigned steps = 0; l->empty[b->order] && steps < 32; steps++) b = b->succs[0];
        l->empty[b->order] = false;
        l->target[i] = b;
    }
}

static const opt_block *next_written(const lowering *l, uint32_t id)
{
    const opt_func *func = l->func;
    while (++id < func->block_count) {
        const opt_block *b = func->blocks[id];
        if (b->order != UINT32_MAX && !l->empty[b->order]) return b;
    }
    return NULL;
}

static bool prepare(lowering *l)
{
    pst_arena *arena = l->func->arena;
    size_t count = l->func->order_count;
    l->target = pst_arena_array(arena, count, sizeof *l->target);
    l->empty = pst_arena_array(arena, count, sizeof *l->empty);
    l->start = pst_arena_array(arena, count, sizeof *l->start);
    l->jump_pcs = pst_arena_array(arena, 2 * count, sizeof *l->jump_pcs);
    l->jump_to = pst_arena_array(arena, 2 * count, sizeof *l->jump_to);
    return l->target && l->empty && l->start && l->jump_pcs && l->jump_to;
}

void opt_lower(opt_output *out, const opt_func *func, const uint8_t *colors)
{
    lowering l = {.out = out, .func = func, .colors = colors};
    if (!prepare(&l)) {
        out->failed = true;
        return;
    }
    find_targets(&l);
    const opt_block *first = l.target[0], *b = next_written(&l, UINT32_MAX);
    if (b && b != first) { // the entry is empty, and what it leads to is not what comes next
        const opt_value jump = {.origin = func->order[0]->start};
        put_goto(&l, &jump, l.target[0], b, 0);
    }
    while (b && !out->failed) {
        const opt_block *next = next_written(&l, b->id);
        l.start[b->order] = out->count;
        for (const opt_value *v = b->first; v != b->last; v = v->next) put_value(&l, v);
        put_end(&l, b->last, next);
        b = next;
    }
    for (uint32_t i = 0; i < l.jump_count && !out->failed; i++)
        out->insns[l.jump_pcs[i]].target = (int32_t)(l.start[l.jump_to[i]->order] - l.jump_pcs[i] - 1);
}

void opt_lower_nothing(opt_output *out, uint32_t origin)
{
    const pst_insn exit = {.kind = PST_KIND_EXIT};
    put(out, &exit, origin, PST_FACT_DEAD);
}

void opt_lower_references(opt_output *out, const pst_subprog *subprogs)
{
    for (uint32_t i = 0; i < out->reference_count && !out->failed; i++) {
        const opt_reference *r = &out->references[i];
        out->insns[r->pc].target = (int32_t)(subprogs[r->subprog].start - r->pc - 1);
    }
}
