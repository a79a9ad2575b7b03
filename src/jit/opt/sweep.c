// sweep.c: values that nobody uses go. A load is one of them: a proof says that it would have succeeded.
#include "jit/opt/ir.h"

static bool is_needed(const opt_value *v)
{
    if (OPT_PLANT(9) && v->insn.kind == PST_KIND_ATOMIC && !(v->insn.flags & PST_INSN_FETCH)) return false;
    return !opt_is_pure(v) && v->insn.kind != OPT_PHI && v->insn.kind != OPT_PARAM && v->insn.kind != PST_KIND_LOAD;
}

typedef struct marks {
    opt_value **stack;
    uint8_t *seen; // by id
    uint32_t depth;
} marks;

static void mark(marks *m, opt_value *v)
{
    if (m->seen[v->id]) return;
    m->seen[v->id] = 1;
    m->stack[m->depth++] = v;
}

void opt_sweep(opt_func *func)
{
    marks m = {.stack = pst_arena_array(func->arena, func->value_count, sizeof *m.stack), .seen = pst_arena_array(func->arena, func->value_count, 1)};
    if (!m.stack || !m.seen) func->failed = true;
    if (func->failed) return;
    OPT_EACH_BLOCK(b, func) OPT_EACH_VALUE(v, b) if (is_needed(v)) mark(&m, v);
    while (m.depth > 0 && opt_work(func, 1)) {
        opt_value *v = m.stack[--m.depth];
        for (uint32_t i = 0; i < v->arg_count; i++) mark(&m, v->args[i]);
    }
    if (func->failed) return;
    OPT_EACH_BLOCK(b, func) OPT_EACH_VALUE(v, b) if (!m.seen[v->id]) opt_remove(v);
}
