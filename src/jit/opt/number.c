// number.c: values that are computed twice: the second one is the first, where the first is certain to come before it.
//
// Blocks are walked in an order in which dominators come first; a table finds earlier values that compute the same from the same arguments.
#include "jit/opt/ir.h"

#include "base/hash.h"

typedef struct table {
    opt_value **slots;
    uint32_t mask;
} table;

// What may be one value although it is two instructions. Constants and addresses of the frame are made where they are used (copies.c).
static bool is_shared(const opt_value *v)
{
    return v->insn.kind == PST_KIND_ALU || v->insn.kind == PST_KIND_SWAP || v->insn.kind == OPT_SELECT;
}

static uint64_t mix(uint64_t hash, uint64_t more) { return (hash ^ more) * 0x9e3779b97f4a7c15u ^ (hash >> 29); }

static uint64_t key_of(const opt_value *v)
{
    uint64_t hash = mix(v->insn.kind, (uint64_t)v->insn.op << 16 | v->insn.width);
    if (!OPT_PLANT(5)) hash = mix(hash, (uint64_t)v->insn.imm);
    for (uint32_t i = 0; i < v->arg_count; i++) hash = mix(hash, opt_is_const(v->args[i]) ? (uint64_t)v->args[i]->insn.imm : v->args[i]->id);
    return hash ^ hash >> 32;
}

static bool same_argument(const opt_value *a, const opt_value *b)
{
    return a == b || (opt_is_const(a) && opt_is_const(b) && a->insn.imm == b->insn.imm);
}

static bool same_value(const opt_value *a, const opt_value *b)
{
    if (a->insn.kind != b->insn.kind || a->insn.op != b->insn.op || a->insn.width != b->insn.width || a->arg_count != b->arg_count) return false;
    if (opt_has_imm(a) != opt_has_imm(b) || (opt_has_imm(a) && a->insn.imm != b->insn.imm && !OPT_PLANT(5))) return false;
    for (uint32_t i = 0; i < a->arg_count; i++)
        if (!same_argument(a->args[i], b->args[i])) return false;
    return true;
}

// The earlier value that v is, or NULL after v was noted.
static opt_value *find(opt_func *func, table *t, opt_value *v)
{
    uint32_t at = (uint32_t)key_of(v) & t->mask;
    for (uint32_t probes = 0; probes < 16 && opt_work(func, 1); probes++, at = (at + 1) & t->mask) {
        opt_value *other = t->slots[at];
        if (!other) break;
        if (same_value(other, v) && other->block && (opt_dominates(other->block, v->block) || OPT_PLANT(6))) return other;
    }
    t->slots[at] = v; // a chain that is too long loses its end
    return NULL;
}

void opt_number(opt_func *func)
{
    table t = {.mask = 63};
    while (t.mask < 2 * func->value_count) t.mask = 2 * t.mask + 1;
    t.slots = pst_arena_array(func->arena, (size_t)t.mask + 1, sizeof *t.slots);
    if (!t.slots) func->failed = true;
    for (uint32_t i = 0; i < func->order_count && !func->failed; i++)
        OPT_EACH_VALUE(v, func->order[i]) {
            for (uint32_t n = 0; n < v->arg_count; n++) v->args[n] = opt_resolve(v->args[n]);
            opt_value *earlier = is_shared(v) ? find(func, &t, v) : NULL;
            if (earlier) opt_replace(v, earlier);
        }
    if (!func->failed) opt_simplify_phis(func);
}
