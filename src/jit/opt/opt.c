// opt.c: see opt.h. The order of passes, and which functions there will be.
#include "jit/opt/lower.h"

#define BYTES_MAX (256u << 20) // memory of one program's optimisation

typedef struct program {
    const jit_unit *unit;
    const jit_machine *machine;
    pst_arena *arena;
    opt_func **funcs; // per subprogram; NULL: not needed so far
    const uint8_t **colors;
    uint32_t *todo, todo_count;
    bool *wanted;
} program;

// --- One function ---------------------------------------------------------------------------------------------

static void run_passes(opt_func *func)
{
    static void (*const passes[])(opt_func *) = {opt_build, opt_fold, opt_promote, opt_fold, opt_number, opt_fold, opt_sweep, opt_select, opt_fold, opt_sweep, opt_copies};
    for (unsigned i = 0; i < PST_COUNT(passes) && !func->failed; i++) passes[i](func);
}

static void want(program *p, uint32_t subprog)
{
    if (p->wanted[subprog]) return;
    p->wanted[subprog] = true;
    p->todo[p->todo_count++] = subprog;
}

// The functions that func still refers to.
static void want_callees(program *p, const opt_func *func)
{
    OPT_EACH_BLOCK(b, func) OPT_EACH_VALUE(v, b) {
        bool calls = v->insn.kind == PST_KIND_CALL && v->insn.op == PST_CALL_SUBPROG;
        bool names = v->insn.kind == OPT_ADDRESS && v->insn.op == PST_IMM64_FUNC;
        if (calls || names) want(p, (uint32_t)v->insn.imm);
    }
}

static pst_status optimise(program *p, uint32_t subprog)
{
    opt_func *func = pst_arena_alloc(p->arena, sizeof *func);
    if (!func) return PST_E_NOMEM;
    *func = (opt_func){.arena = p->arena, .unit = p->unit, .machine = p->machine, .index = subprog};
    if (!opt_func_init(func)) return PST_E_NOMEM;
    run_passes(func);
    if (!func->failed) p->colors[subprog] = opt_allocate(func);
    if (func->failed) return PST_E_LIMIT;
    p->funcs[subprog] = func;
    want_callees(p, func);
    return PST_OK;
}

// --- The program ----------------------------------------------------------------------------------------------

// A function that reads what its caller did not pass does what nothing that is proved does.
static bool keeps_to_convention(const jit_unit *unit, uint32_t subprog)
{
    if (subprog == 0 && !unit->main_is_called) return true;
    const uint16_t passed = JIT_CALLER_REGS & (uint16_t)~JIT_REG(0);
    return (jit_live_in(unit, subprog) & (uint16_t)~(passed | JIT_REG(PST_REG_FP))) == 0;
}

// What runs, and what nothing in the program refers to: somebody outside may know it (exception callbacks).
static pst_status choose(program *p)
{
    for (uint32_t i = 0; i < p->unit->image->subprog_count; i++) {
        if (!keeps_to_convention(p->unit, i)) return PST_E_UNSUPPORTED;
        if (i == 0 || p->unit->funcs[i].callers == 0) want(p, i);
    }
    return PST_OK;
}

static pst_status lower(program *p, opt_result *out)
{
    const pst_image *image = p->unit->image;
    opt_output code = {.arena = p->arena, .unit = p->unit};
    pst_subprog *subprogs = pst_arena_array(p->arena, image->subprog_count, sizeof *subprogs);
    if (!subprogs) return PST_E_NOMEM;
    for (uint32_t i = 0; i < image->subprog_count && !code.failed; i++) {
        subprogs[i].start = code.count;
        if (p->funcs[i]) opt_lower(&code, p->funcs[i], p->colors[i]);
        else opt_lower_nothing(&code, image->subprogs[i].start);
        subprogs[i].count = code.count - subprogs[i].start;
    }
    opt_lower_references(&code, subprogs);
    if (code.failed) return PST_E_LIMIT;
    out->image = *image;
    out->image.insns = code.insns;
    out->image.count = code.count;
    out->image.subprogs = subprogs;
    out->image.lines = NULL; // they name slots of the original
    out->image.line_count = 0;
    out->facts = (pst_facts){.flags = code.flags, .context_off = code.context_off, .calls = code.calls};
    out->origins = code.origins;
    return PST_OK;
}

pst_status opt_run(const jit_unit *unit, const jit_machine *machine, pst_arena *arena, opt_result *out)
{
    uint32_t count = unit->image->subprog_count;
    program p = {.unit = unit, .machine = machine, .arena = arena};
    if (unit->image->count > OPT_SLOTS_MAX) return PST_E_LIMIT;
    p.funcs = pst_arena_array(arena, count, sizeof(opt_func *));
    p.colors = pst_arena_array(arena, count, sizeof(const uint8_t *));
    p.todo = pst_arena_array(arena, count, sizeof *p.todo);
    p.wanted = pst_arena_array(arena, count, sizeof *p.wanted);
    if (!p.funcs || !p.colors || !p.todo || !p.wanted) return PST_E_NOMEM;
    PST_TRY(choose(&p));
    for (uint32_t i = 0; i < p.todo_count; i++) PST_TRY(optimise(&p, p.todo[i]));
    return lower(&p, out);
}

// --- The tier -------------------------------------------------------------------------------------------------

// Passes that run into the arena's limit end like those that run out of memory: this tells them apart.
static void *resize_noted(void *user, void *ptr, size_t old_size, size_t new_size)
{
    opt_better *better = user;
    void *block = better->outer->resize(better->outer->user, ptr, old_size, new_size);
    if (!block && new_size) better->no_memory = true;
    return block;
}

pst_status opt_better_make(opt_better *better, const jit_unit *unit, const jit_machine *machine, const pst_jit_opts *opts, const jit_unit **out)
{
    *out = unit;
    better->outer = unit->env;
    better->env = (pst_env){.resize = resize_noted, .user = better};
    better->no_memory = better->analysed = false;
    pst_arena_init(&better->arena, &better->env, BYTES_MAX);
    if (opts && opts->tier != PST_JIT_OPTIMISED) return PST_OK;
    pst_status status = opt_run(unit, machine, &better->arena, &better->result);
    if (better->no_memory) return PST_E_NOMEM;
    if (status != PST_OK) return PST_OK;
    better->unit = (jit_unit){.env = unit->env, .image = &better->result.image, .source = unit->source, .origins = better->result.origins,
                              .bindings = unit->bindings, .facts = &better->result.facts, .harden = unit->harden, .walkable = unit->walkable, .meter_turns = unit->meter_turns};
    better->analysed = true;
    *out = &better->unit;
    return jit_analyse(&better->unit);
}

void opt_better_free(opt_better *better)
{
    if (better->analysed) jit_unit_free(&better->unit);
    pst_arena_free(&better->arena);
}
