// fast.c: the fast interpreter with labels as values, and how its programs are made and entered.
//
// Called by the core for proved programs, and by tests. See fast_loop.h for the handlers.
#define LOOP_NAME fast_loop
#include "interp/fast_loop.h"

// Two ways in, so that a program without calls needs one frame of the host's stack only.
static uint64_t enter_flat(const pst_exec *exec, pst_run *run)
{
    PST_ALIGNED(16) uint8_t stack[PST_FRAME_BYTES];
    const fast_program *prog = (const fast_program *)(const void *)exec;
    return prog->loop(prog, run, stack, NULL);
}

static uint64_t enter_deep(const pst_exec *exec, pst_run *run)
{
    PST_ALIGNED(16) uint8_t stack[PST_FRAME_BYTES * PST_FRAMES_MAX];
    const fast_program *prog = (const fast_program *)(const void *)exec;
    return prog->loop(prog, run, stack, NULL);
}

static void fast_free(pst_exec *exec)
{
    fast_program *prog = (fast_program *)(void *)exec;
    pst_free(prog->env, prog->code, prog->exec.image->count * sizeof *prog->code);
    pst_free(prog->env, prog, sizeof *prog);
}

static pst_status make_code(fast_program *prog, const pst_facts *facts)
{
    const pst_image *image = prog->exec.image;
    const void *const *labels = NULL;
    (void)prog->loop(NULL, NULL, NULL, &labels);
    fast_op *ops = pst_alloc_zero(prog->env, image->count, sizeof *ops);
    if (!ops) return PST_E_NOMEM;
    for (uint32_t pc = 0; pc < image->count; pc++) {
        ops[pc] = FAST_TRAP_HELPER;
        if (image->insns[pc].kind == PST_KIND_PADDING) continue; // written with its first slot
        ops[pc] = fast_predecode(prog, facts, pc, &prog->code[pc]);
    }
    for (uint32_t pc = 0; pc < image->count; pc++) {
        if (image->insns[pc].kind == PST_KIND_PADDING) continue;
        fast_op op = fast_fuse(ops, prog->code, image->count, pc);
        if (labels) prog->code[pc].label = labels[op];
        else prog->code[pc].op = op;
    }
    pst_free(prog->env, ops, image->count * sizeof *ops);
    return PST_OK;
}

pst_status fast_create(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                       fast_loop_fn loop, pst_exec **out)
{
    *out = NULL;
    PST_TRY(interp_check_runnable(env, image, bindings));
    fast_program *prog = pst_alloc_zero(env, 1, sizeof *prog);
    if (!prog) return PST_E_NOMEM;
    *prog = (fast_program){.env = env, .bindings = *bindings, .loop = loop};
    prog->exec.enter = interp_frames(image) == 1 ? enter_flat : enter_deep;
    prog->exec.free = fast_free;
    prog->exec.image = image;
    prog->code = pst_alloc_zero(env, image->count, sizeof *prog->code);
    pst_status status = prog->code ? make_code(prog, facts) : PST_E_NOMEM;
    if (status == PST_OK) *out = &prog->exec;
    else fast_free(&prog->exec);
    return status;
}

pst_status pst_interp_create(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                             pst_exec **out)
{
    return fast_create(env, image, bindings, facts, fast_loop, out);
}
