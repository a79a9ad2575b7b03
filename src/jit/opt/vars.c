// vars.c: see vars.h.
#include "jit/opt/vars.h"

void opt_vars_init(opt_vars *vars, opt_func *func, uint32_t count)
{
    *vars = (opt_vars){.func = func, .count = count};
    for (uint32_t i = 0; i < func->order_count && opt_work(func, count / 8 + 1); i++) {
        func->order[i]->defs = pst_arena_array(func->arena, count, sizeof *func->order[i]->defs);
        if (!func->order[i]->defs) func->failed = true;
    }
}

static opt_value *open_phi(opt_vars *vars, opt_block *block, uint32_t var)
{
    opt_value *phi = opt_phi_new(vars->func, block);
    if (phi->spare) return phi;
    phi->insn.imm = var;
    if (vars->open_count == vars->open_capacity) {
        size_t wanted = vars->open_capacity ? 2 * vars->open_capacity : 64;
        opt_value **more = pst_arena_array(vars->func->arena, wanted, sizeof *more);
        if (!more) {
            vars->func->failed = true;
            return phi;
        }
        for (uint32_t i = 0; i < vars->open_count; i++) more[i] = vars->open[i];
        vars->open = more;
        vars->open_capacity = wanted;
    }
    vars->open[vars->open_count++] = phi;
    return phi;
}

opt_value *opt_vars_read(opt_vars *vars, opt_block *from, uint32_t var)
{
    opt_block *block = from;
    while (!block->defs[var] && block->pred_count == 1 && opt_work(vars->func, 1)) block = block->preds[0];
    opt_value *value = block->defs[var];
    if (!value && block->pred_count == 0) {
        value = opt_const(vars->func, 0, block->start); // nothing that is proved reads it
        opt_prepend(block, value);
    } else if (!value) {
        value = open_phi(vars, block, var);
    }
    for (;; from = from->preds[0]) {
        from->defs[var] = value;
        if (from == block) return opt_resolve(value);
    }
}

void opt_vars_close(opt_vars *vars, uint8_t (*hint_of)(uint32_t var))
{
    // Closing one can open others.
    for (uint32_t i = 0; i < vars->open_count && !vars->func->failed; i++) {
        opt_value *phi = vars->open[i];
        uint32_t var = (uint32_t)phi->insn.imm;
        phi->insn.imm = 0;
        if (hint_of) phi->hint = hint_of(var);
        for (uint32_t p = 0; p < phi->arg_count; p++) phi->args[p] = opt_vars_read(vars, phi->block->preds[p], var);
    }
}
