// ir.c: see ir.h. Values, their lists, and blocks.
#include "jit/opt/ir.h"

#include <string.h>

#define WORK_MAX 20000000u // steps of all passes over one function, of a few nanoseconds each

// --- Values ---------------------------------------------------------------------------------------------------

bool opt_func_init(opt_func *func)
{
    func->spare = pst_arena_alloc(func->arena, sizeof *func->spare);
    if (!func->spare) return false;
    func->spare->args = pst_arena_array(func->arena, OPT_ARGS_MAX, sizeof *func->spare->args);
    if (!func->spare->args) return false;
    func->spare->spare = true;
    for (unsigned i = 0; i < OPT_ARGS_MAX; i++) func->spare->args[i] = func->spare;
    return true;
}

static opt_value *spare(opt_func *func)
{
    func->failed = true;
    return func->spare;
}

opt_value *opt_value_new(opt_func *func, unsigned kind, uint32_t arg_count)
{
    PST_STATIC_ASSERT(PST_ARGS_MAX + 1 <= OPT_ARGS_MAX, "a callx has the most arguments");
    opt_value *v = func->value_count < OPT_VALUES_MAX ? pst_arena_alloc(func->arena, sizeof *v) : NULL;
    if (!v) return spare(func);
    v->args = arg_count ? pst_arena_array(func->arena, arg_count, sizeof *v->args) : NULL;
    if (arg_count && !v->args) return spare(func);
    v->insn.kind = (uint8_t)kind;
    v->insn.width = 64;
    v->arg_count = arg_count;
    v->id = func->value_count++;
    v->hint = JIT_REGS_MAX;
    v->bits = PST_TNUM_TOP;
    return v;
}

opt_value *opt_phi_new(opt_func *func, opt_block *block)
{
    opt_value *v = opt_value_new(func, OPT_PHI, 0);
    if (v->spare) return v;
    v->args = pst_arena_array(func->arena, block->pred_count, sizeof *v->args);
    if (!v->args) return spare(func);
    v->arg_count = block->pred_count;
    v->origin = block->start;
    opt_prepend(block, v);
    return v;
}

opt_value *opt_const(opt_func *func, uint64_t number, uint32_t origin)
{
    opt_value *v = opt_value_new(func, OPT_CONST, 0);
    v->insn.imm = (int64_t)number;
    v->origin = origin;
    v->bits = pst_tnum_const(number);
    return v;
}

static void link_between(opt_block *block, opt_value *prev, opt_value *value, opt_value *next)
{
    if (value->spare) return;
    value->block = block;
    value->prev = prev;
    value->next = next;
    *(prev ? &prev->next : &block->first) = value;
    *(next ? &next->prev : &block->last) = value;
}

void opt_append(opt_block *block, opt_value *value) { link_between(block, block->last, value, NULL); }
void opt_prepend(opt_block *block, opt_value *value) { link_between(block, NULL, value, block->first); }

void opt_insert_before(opt_value *place, opt_value *value)
{
    if (!place->spare) link_between(place->block, place->prev, value, place);
}

void opt_remove(opt_value *value)
{
    opt_block *block = value->block;
    if (!block) return;
    *(value->prev ? &value->prev->next : &block->first) = value->next;
    *(value->next ? &value->next->prev : &block->last) = value->prev;
    value->block = NULL;
    value->prev = value->next = NULL;
}

opt_value *opt_resolve(opt_value *value)
{
    opt_value *end = value;
    while (end->same) end = end->same;
    while (value->same) { // the next one gets there in a step
        opt_value *next = value->same;
        value->same = end;
        value = next;
        if (next == end) break;
    }
    return end;
}

void opt_replace(opt_value *old, opt_value *value)
{
    value = opt_resolve(value);
    if (old == value || old->spare) return;
    opt_remove(old);
    old->same = value;
}

void opt_resolve_all(opt_func *func)
{
    OPT_EACH_BLOCK(b, func) OPT_EACH_VALUE(v, b) for (uint32_t i = 0; i < v->arg_count; i++) v->args[i] = opt_resolve(v->args[i]);
}

void opt_count_uses(opt_func *func)
{
    OPT_EACH_BLOCK(b, func) OPT_EACH_VALUE(v, b) v->uses = 0;
    OPT_EACH_BLOCK(b, func) OPT_EACH_VALUE(v, b) for (uint32_t i = 0; i < v->arg_count; i++) v->args[i]->uses++;
}

bool opt_is_pure(const opt_value *v)
{
    switch (v->insn.kind) {
    case OPT_CONST:
    case OPT_ADDRESS:
    case OPT_FRAME:
    case OPT_SELECT:
    case OPT_COPY:
    case PST_KIND_ALU:
    case PST_KIND_SWAP: return true;
    default: return false;
    }
}

bool opt_is_end(const opt_value *v)
{
    switch (v->insn.kind) {
    case PST_KIND_JUMP:
    case PST_KIND_BRANCH:
    case PST_KIND_MAY_GOTO:
    case PST_KIND_EXIT:
    case OPT_DEAD: return true;
    default: return false;
    }
}

bool opt_has_result(const opt_value *v)
{
    switch (v->insn.kind) {
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE: return false;
    case PST_KIND_ATOMIC: return (v->insn.flags & PST_INSN_FETCH) != 0;
    default: return !opt_is_end(v);
    }
}

bool opt_work(opt_func *func, uint32_t amount)
{
    func->work += amount;
    if (func->work > WORK_MAX) func->failed = true;
    return !func->failed;
}

// --- Blocks ---------------------------------------------------------------------------------------------------

// Doubles an array in the arena. False: there is no memory.
static bool grow(opt_func *func, void *array_ptr, size_t *capacity, size_t need, size_t elem)
{
    void **array = array_ptr;
    if (need <= *capacity) return true;
    size_t wanted = *capacity ? 2 * *capacity : 4;
    void *more = pst_arena_array(func->arena, wanted, elem);
    if (!more) {
        func->failed = true;
        return false;
    }
    if (*capacity) memcpy(more, *array, *capacity * elem);
    *array = more;
    *capacity = wanted;
    return true;
}

opt_block *opt_block_new(opt_func *func)
{
    opt_block *block = pst_arena_alloc(func->arena, sizeof *block);
    if (!block || !grow(func, &func->blocks, &func->block_capacity, (size_t)func->block_count + 1, sizeof *func->blocks)) {
        func->failed = true;
        return NULL;
    }
    block->id = func->block_count;
    block->order = UINT32_MAX;
    func->blocks[func->block_count++] = block;
    return block;
}

void opt_add_edge(opt_func *func, opt_block *from, unsigned which, opt_block *to)
{
    size_t capacity = to->pred_capacity;
    if (!grow(func, &to->preds, &capacity, (size_t)to->pred_count + 1, sizeof *to->preds)) return;
    to->pred_capacity = (uint32_t)capacity;
    to->preds[to->pred_count++] = from;
    from->succs[which] = to;
}

void opt_cut_edge(opt_block *from, unsigned which)
{
    opt_block *to = from->succs[which];
    uint32_t n = 0;
    from->succs[which] = NULL;
    if (!to) return;
    while (n < to->pred_count && to->preds[n] != from) n++;
    if (n == to->pred_count) return;
    to->pred_count--;
    for (uint32_t i = n; i < to->pred_count; i++) to->preds[i] = to->preds[i + 1];
    for (opt_value *v = to->first; v && v->insn.kind == OPT_PHI; v = v->next) {
        if (v->arg_count != to->pred_count + 1) continue; // still being built
        v->arg_count--;
        for (uint32_t i = n; i < v->arg_count; i++) v->args[i] = v->args[i + 1];
    }
}
