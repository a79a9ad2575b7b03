// fast.c: the fast interpreter with labels as values, and how its programs are made and entered.
//
// Called by the core for proved programs, and by tests. See fast_loop.h for the handlers.
#define LOOP_NAME fast_loop
#include "interp/fast_loop.h"

// --- Callbacks ------------------------------------------------------------------------------------------------

// The frame that a helper calls back from; run->engine while it does.
typedef struct fast_frame {
    const fast_program *prog;
    uint8_t *above;  // where the callback's frame begins
    unsigned depth;  // of the calling frame, from 0
    void *stack;     // run->engine otherwise
} fast_frame;

static uint64_t stop(pst_run *run, pst_trap_code code)
{
    run->trap = (pst_trap){.code = code};
    return 0;
}

static uint64_t call_back(pst_run *run, uint64_t func, const uint64_t args[PST_ARGS_MAX])
{
    fast_frame *frame = run->engine;
    const fast_program *prog = frame->prog;
    const pst_subprog *sub = interp_func(prog->exec.image, func);
    if (!sub) return stop(run, PST_TRAP_CALL);
    if (frame->depth + 1 >= PST_FRAMES_MAX) return stop(run, PST_TRAP_DEPTH);
    fast_start start = {.pc = prog->code + sub->start, .depth = frame->depth + 1};
    memcpy(start.args, args, sizeof start.args);
    run->engine = frame->stack;
    uint64_t r0 = prog->loop(prog, run, frame->above, &start);
    run->engine = frame;
    return r0;
}

// Not inlined into the loop, where one more address taken costs every handler.
PST_NOINLINE uint64_t fast_call_back_helper(const fast_program *prog, pst_run *run, const uint64_t *r, pst_helper_fn fn, unsigned depth)
{
    fast_frame frame = {.prog = prog, .above = (uint8_t *)(uintptr_t)r[PST_REG_FP], .depth = depth, .stack = run->engine};
    uint64_t (*outer)(pst_run *, uint64_t, const uint64_t *) = run->call_back;
    run->engine = &frame;
    run->call_back = call_back;
    uint64_t r0 = fn(r[1], r[2], r[3], r[4], r[5], run);
    run->engine = frame.stack;
    run->call_back = outer;
    return r0;
}

// --- Making and entering --------------------------------------------------------------------------------------

static bool lies_in(const void *begin, uint64_t bytes, uint64_t address, uint64_t size)
{
    uint64_t off = address - (uint64_t)(uintptr_t)begin;
    return off <= bytes && size <= bytes - off;
}

// The whole stack of the run: what a program has not written there it may read by its loads too.
static bool can_read(const pst_run *run, uint64_t address, uint64_t size)
{
    const fast_program *prog = (const fast_program *)(const void *)run->prog;
    pst_packet_range packet = interp_packet(&prog->bindings, run);
    if (lies_in(run->engine, (uint64_t)prog->stack_bytes, address, size)) return true;
    return packet.start && packet.end > packet.start && lies_in(packet.start, (uint64_t)(packet.end - packet.start), address, size);
}

uint64_t fast_tail_nested(const pst_exec *target, pst_run *run)
{
    pst_run outer = *run;
    uint64_t r0 = interp_tail_nested(target, run);
    run->engine = outer.engine;
    run->can_read = outer.can_read;
    run->call_back = outer.call_back;
    return r0;
}

static uint64_t enter(const fast_program *prog, pst_run *run, uint8_t *stack, fast_start *start)
{
    run->engine = stack;
    run->can_read = can_read;
    uint64_t r0 = prog->loop(prog, run, stack, start);
    run->engine = NULL; // the stack goes
    run->can_read = NULL;
    return r0;
}

// Two ways in, so that a program without calls needs one frame of the host's stack only.
static uint64_t enter_flat(const pst_exec *exec, pst_run *run)
{
    PST_ALIGNED(16) uint8_t stack[PST_FRAME_BYTES];
    return enter((const fast_program *)(const void *)exec, run, stack, NULL);
}

static uint64_t enter_deep(const pst_exec *exec, pst_run *run)
{
    PST_ALIGNED(16) uint8_t stack[PST_FRAME_BYTES * PST_FRAMES_MAX];
    return enter((const fast_program *)(const void *)exec, run, stack, NULL);
}

static uint64_t enter_callback(const pst_exec *exec, pst_run *run, uint64_t func, const uint64_t args[PST_ARGS_MAX])
{
    PST_ALIGNED(16) uint8_t stack[PST_FRAME_BYTES * PST_FRAMES_MAX];
    const fast_program *prog = (const fast_program *)(const void *)exec;
    const pst_subprog *sub = interp_func(exec->image, func);
    if (!sub) return stop(run, PST_TRAP_CALL);
    fast_start start = {.pc = prog->code + sub->start};
    memcpy(start.args, args, sizeof start.args);
    return enter(prog, run, stack, &start);
}

static void fast_free(pst_exec *exec)
{
    fast_program *prog = (fast_program *)(void *)exec;
    pst_free(prog->env, prog->code, prog->exec.image->count * sizeof *prog->code);
    pst_free(prog->env, prog->waiting, prog->waiting ? prog->exec.image->count * sizeof *prog->waiting : 0);
    pst_free(prog->env, prog, sizeof *prog);
}

static void set_op(fast_code *code, const void *const *labels, fast_op op)
{
    if (labels) code->label = labels[op];
    else code->op = op;
}

static pst_status make_code(fast_program *prog, const pst_facts *facts)
{
    const pst_image *image = prog->exec.image;
    fast_start start = {0};
    (void)prog->loop(NULL, NULL, NULL, &start);
    const void *const *labels = start.labels;
    fast_op *ops = pst_alloc_zero(prog->env, image->count, sizeof *ops);
    if (!ops) return PST_E_NOMEM;
    for (uint32_t pc = 0; pc < image->count; pc++) {
        ops[pc] = FAST_TRAP_HELPER;
        if (image->insns[pc].kind == PST_KIND_PADDING) continue; // written with its first slot
        ops[pc] = fast_predecode(prog, facts, pc, &prog->code[pc]);
        if (!prog->waiting || !fast_waits(image, facts, pc)) continue;
        set_op(&prog->waiting[pc], labels, ops[pc]);
        ops[pc] = FAST_WAIT;
    }
    for (uint32_t pc = 0; pc < image->count; pc++) {
        if (image->insns[pc].kind == PST_KIND_PADDING) continue;
        set_op(&prog->code[pc], labels, fast_fuse(ops, prog->code, image->count, pc));
    }
    pst_free(prog->env, ops, image->count * sizeof *ops);
    return PST_OK;
}

bool fast_metered_taken(const pst_insn *insn, const uint64_t *r)
{
    if (insn->kind == PST_KIND_JUMP) return true;
    uint64_t b = insn->flags & PST_INSN_IMM ? (uint64_t)insn->imm : r[insn->src];
    return pst_jump_eval((pst_jump_op)insn->op, insn->width, r[insn->dst], b);
}

pst_status fast_create(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                       fast_loop_fn loop, pst_exec **out)
{
    return fast_create_with(env, image, bindings, facts, NULL, loop, out);
}

pst_status fast_create_with(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                            const pst_interp_opts *opts, fast_loop_fn loop, pst_exec **out)
{
    *out = NULL;
    if (opts && opts->size < sizeof *opts) return PST_E_INVALID;
    PST_TRY(interp_check_runnable(env, image, bindings, facts));
    fast_program *prog = pst_alloc_zero(env, 1, sizeof *prog);
    if (!prog) return PST_E_NOMEM;
    *prog = (fast_program){.env = env, .bindings = *bindings, .loop = loop, .meter_turns = interp_meter_turns(opts)};
    prog->stack_bytes = interp_frames(image) * PST_FRAME_BYTES;
    prog->exec.enter = prog->stack_bytes == PST_FRAME_BYTES ? enter_flat : enter_deep;
    prog->exec.enter_callback = enter_callback;
    prog->exec.free = fast_free;
    prog->exec.image = image;
    prog->code = pst_alloc_zero(env, image->count, sizeof *prog->code);
    bool waits = opts && opts->waits;
    if (waits) prog->waiting = pst_alloc_zero(env, image->count, sizeof *prog->waiting);
    pst_status status = prog->code && (prog->waiting || !waits) ? make_code(prog, facts) : PST_E_NOMEM;
    if (status == PST_OK) *out = &prog->exec;
    else fast_free(&prog->exec);
    return status;
}

pst_status pst_interp_create(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                             pst_exec **out)
{
    return fast_create(env, image, bindings, facts, fast_loop, out);
}

pst_status pst_interp_create_with(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                                  const pst_interp_opts *opts, pst_exec **out)
{
    return fast_create_with(env, image, bindings, facts, opts, fast_loop, out);
}
