// runtime.c: see runtime.h. What compiled code leaves to C: tail calls, callx, callbacks, legacy loads.
//
// run->prog is the program whose code runs: pst_exec_run sets it, and whoever runs another program in between puts it back.
#include "jit/runtime.h"

#include "base/bits.h"

static const jit_program *program_of(const pst_run *run) { return (const jit_program *)(const void *)run->prog; }

static uint64_t stop(pst_run *run, pst_trap_code code, uint32_t pc)
{
    run->trap = (pst_trap){.code = code, .pc = pc};
    return 0;
}

// The function whose address value is, or NULL.
static const void *function_at(const jit_program *prog, uint64_t value)
{
    const pst_image *image = prog->exec.image;
    uint64_t pc = value ^ PST_FUNC_TAG;
    if (pc >= image->count) return NULL;
    const pst_subprog *sub = pst_image_subprog_at(image, (uint32_t)pc);
    return sub->start == pc ? prog->code.bytes + prog->functions[sub - image->subprogs] : NULL;
}

// --- Entry and callbacks --------------------------------------------------------------------------------------

static uint64_t call(const jit_program *prog, const void *function, pst_run *run, const uint64_t args[PST_ARGS_MAX])
{
    const uint64_t at = (uint64_t)(uintptr_t)prog->code.bytes + prog->call_offset;
    return ((jit_call_fn)(uintptr_t)at)(function, run, args);
}

static uint64_t call_back(pst_run *run, uint64_t func, const uint64_t args[PST_ARGS_MAX])
{
    const jit_program *prog = program_of(run);
    const void *function = function_at(prog, func);
    const pst_run_native outer = run->native;
    if (!function) return stop(run, PST_TRAP_CALL, 0);
    if (outer.depth + 1 >= PST_FRAMES_MAX) return stop(run, PST_TRAP_DEPTH, 0);
    run->native.depth = outer.depth + 1;
    run->native.may_goto_left = PST_MAY_GOTO_MAX;
    uint64_t r0 = call(prog, function, run, args);
    run->native = outer;
    return r0;
}

static bool lies_in(uint64_t begin, uint64_t bytes, uint64_t address, uint64_t size)
{
    uint64_t off = address - begin;
    return off <= bytes && size <= bytes - off;
}

static pst_packet_range packet_of(const jit_program *prog, const pst_run *run)
{
    if (prog->bindings.type) return pst_ctx_packet(prog->bindings.type, run->ctx);
    pst_packet_range all = {.start = run->ctx};
    all.end = run->ctx ? all.start + run->ctx_size : NULL;
    return all;
}

// The packet, and the stack of the frames from the one that called the helper up to the program's entry, or to the helper that called back.
static bool can_read(const pst_run *run, uint64_t address, uint64_t size)
{
    const jit_program *prog = program_of(run);
    pst_packet_range packet = packet_of(prog, run);
    if (packet.start && packet.end > packet.start &&
        lies_in((uint64_t)(uintptr_t)packet.start, (uint64_t)(packet.end - packet.start), address, size))
        return true;
    uint64_t frame = run->native.frame;
    for (unsigned i = 0; i < PST_FRAMES_MAX && frame && frame < run->native.unwind_sp; i++) {
        if (lies_in(frame - PST_FRAME_BYTES, PST_FRAME_BYTES, address, size)) return true;
        frame = pst_load64((const void *)(uintptr_t)frame); // the caller's
    }
    return false;
}

static uint64_t enter(const jit_program *prog, const void *function, pst_run *run, const uint64_t args[PST_ARGS_MAX])
{
    run->native = (pst_run_native){.may_goto_left = PST_MAY_GOTO_MAX};
    if (prog->reads_stack) run->can_read = can_read;
    run->call_back = call_back;
    uint64_t r0 = call(prog, function, run, args);
    run->can_read = NULL; // the stack goes
    run->call_back = NULL;
    return r0;
}

uint64_t jit_enter_by_stub(const pst_exec *exec, pst_run *run)
{
    const jit_program *prog = (const jit_program *)(const void *)exec;
    const uint64_t args[PST_ARGS_MAX] = {(uint64_t)(uintptr_t)run->ctx, run->ctx_size};
    return enter(prog, prog->code.bytes + prog->functions[0], run, args);
}

uint64_t jit_enter_callback(const pst_exec *exec, pst_run *run, uint64_t func, const uint64_t args[PST_ARGS_MAX])
{
    const jit_program *prog = (const jit_program *)(const void *)exec;
    const void *function = function_at(prog, func);
    // A program that hands out callbacks has the stub.
    if (!function || prog->call_offset == UINT32_MAX) return stop(run, PST_TRAP_CALL, 0);
    return enter(prog, function, run, args);
}

// --- Called by compiled code ----------------------------------------------------------------------------------

// The target takes the place of a subprogram: it runs to its end, and the run is again the caller's.
static jit_tail tail_nested(const pst_exec *target, pst_run *run)
{
    const pst_run outer = *run;
    run->tail_nested++;
    uint64_t r0 = pst_exec_run(target, run);
    run->tail_nested--;
    run->native = outer.native;
    run->engine = outer.engine;
    run->can_read = outer.can_read;
    run->call_back = outer.call_back;
    if (run->trap.code != PST_TRAP_NONE) return JIT_TAIL_ENDED; // run->prog is the one that the trap describes
    run->prog = outer.prog;
    run->native.result = r0;
    return JIT_TAIL_RETURNED;
}

uint64_t jit_tail_call(pst_run *run, uint64_t map, uint64_t index, uint64_t subprog)
{
    const pst_bindings *bindings = &program_of(run)->bindings;
    bool nested = subprog || (program_of(run)->counts_depth && run->native.depth > 0);
    if (!bindings->tail_target || run->tail_calls >= PST_TAIL_CALLS_MAX) return JIT_TAIL_FAILED;
    if (nested && run->tail_nested >= PST_TAIL_NESTED_MAX) return JIT_TAIL_FAILED;
    const pst_exec *target = bindings->tail_target((void *)(uintptr_t)map, (uint32_t)index);
    if (!target) return JIT_TAIL_FAILED;
    run->tail_calls++;
    if (nested) return tail_nested(target, run);
    run->tail_next = target;
    return JIT_TAIL_ENDED;
}

uint64_t jit_legacy_load(pst_run *run, uint64_t offset, uint64_t width)
{
    // As in Linux the offset is a signed 32-bit number. Its negative ones reach into protocol headers there; we have none.
    int32_t at = (int32_t)(uint32_t)offset;
    pst_packet_range packet = packet_of(program_of(run), run);
    if (at < 0 || !packet.start || packet.end < packet.start) return UINT64_MAX;
    uint64_t size = (uint64_t)(packet.end - packet.start), need = width / 8;
    if (need > size || (uint64_t)at > size - need) return UINT64_MAX;
    const uint8_t *p = packet.start + at;
    switch (width) {
    case 8: return *p;
    case 16: return PST_BSWAP16(pst_load16(p));
    default: return PST_BSWAP32(pst_load32(p));
    }
}

uint64_t jit_callx(pst_run *run, uint64_t value, uint64_t pc)
{
    const jit_program *prog = program_of(run);
    const void *function = function_at(prog, value);
    if (!function) {
        const pst_helper *helper = jit_helper(&prog->bindings, (int64_t)value);
        if (!helper || !helper->fn || helper->proto->flags & PST_HELPER_CALLBACK) return stop(run, PST_TRAP_CALL, (uint32_t)pc);
        run->native.depth++; // taken back after the call, as for a function
        return (uint64_t)(uintptr_t)helper->fn;
    }
    if (run->native.depth >= PST_FRAMES_MAX - 1) return stop(run, PST_TRAP_DEPTH, (uint32_t)pc);
    run->native.depth++;
    return (uint64_t)(uintptr_t)function;
}
