// checked.c: the checked interpreter: executes decoded instructions as they are, and looks before each access.
//
// Called by the core for programs without a proof, and by tests as the reference for the other engines: it shares isa.def with the fast
// interpreter but neither its code form nor its handlers. Nothing that the program does reaches memory without regions.c;
// a violation ends the run with a trap. No allocation during a run.
#include "interp/checked.h"

bool checked_trap(checked_run *c, pst_trap_code code, uint64_t address, uint32_t size)
{
    c->run->trap = (pst_trap){.code = code, .pc = c->pc, .address = address, .size = size};
    return false;
}

// --- Arithmetic and jumps: isa.def, expanded here so that the compiler sees constants ----------------------------

#define MEANINGS(type, stype, bits) \
    typedef type U PST_UNUSED;      \
    typedef stype S PST_UNUSED;     \
    enum { BITS = bits }

static uint32_t alu32(pst_alu_op op, uint32_t a, uint32_t b)
{
    MEANINGS(uint32_t, int32_t, 32);
    switch (op) {
#define X(name, code, off, text, group32, group64, meaning) \
    case PST_ALU_##name: return meaning;
        PST_ALU_LIST(X)
#undef X
    }
    PST_UNREACHABLE();
}

static uint64_t alu64(pst_alu_op op, uint64_t a, uint64_t b)
{
    MEANINGS(uint64_t, int64_t, 64);
    switch (op) {
#define X(name, code, off, text, group32, group64, meaning) \
    case PST_ALU_##name: return meaning;
        PST_ALU_LIST(X)
#undef X
    }
    PST_UNREACHABLE();
}

static bool jump64(pst_jump_op op, uint64_t a, uint64_t b)
{
    MEANINGS(uint64_t, int64_t, 64);
    switch (op) {
#define X(name, code, text, group32, group64, meaning) \
    case PST_JUMP_##name: return meaning;
        PST_JUMP_LIST(X)
#undef X
    }
    PST_UNREACHABLE();
}

static uint64_t operand(const checked_run *c, const pst_insn *insn)
{
    return insn->flags & PST_INSN_IMM ? (uint64_t)insn->imm : c->r[insn->src];
}

static void do_alu(checked_run *c, const pst_insn *insn)
{
    uint64_t a = c->r[insn->dst], b = operand(c, insn);
    pst_alu_op op = (pst_alu_op)insn->op;
    c->r[insn->dst] = insn->width == 32 ? alu32(op, (uint32_t)a, (uint32_t)b) : alu64(op, a, b);
}

static bool taken(const checked_run *c, const pst_insn *insn)
{
    uint64_t a = c->r[insn->dst], b = operand(c, insn);
    pst_jump_op op = (pst_jump_op)insn->op;
    // At 32 bits both are extended by sign, which keeps the order, signed or not, and what they have in common.
    return insn->width == 32 ? jump64(op, (uint64_t)(int64_t)(int32_t)(uint32_t)a, (uint64_t)(int64_t)(int32_t)(uint32_t)b)
                             : jump64(op, a, b);
}

// Of a loop that nothing bounds. False after a trap.
static bool count_turn(checked_run *c)
{
    const checked_program *prog = c->prog;
    if (PST_LIKELY(!prog->metered || !prog->metered[c->pc])) return true;
    if (c->run->turns >= prog->meter_turns) return checked_trap(c, PST_TRAP_BUDGET, 0, 0);
    c->run->turns++;
    return true;
}

// --- Memory ---------------------------------------------------------------------------------------------------

// Whether address is meant for the context; *off is then its ABI offset, which may be anything.
static bool is_context(const checked_run *c, uint64_t address, uint64_t *off)
{
    *off = address - PST_CHECKED_CTX;
    return c->prog->bindings.type && *off + CHECKED_CTX_SPAN < 2 * CHECKED_CTX_SPAN;
}

static void *memory_at(checked_run *c, uint64_t address, uint32_t size, bool write)
{
    pst_trap_code why;
    void *memory = checked_memory(c, address, size, write, &why);
    if (!memory) (void)checked_trap(c, why, address, size);
    return memory;
}

static bool leads_to_sock(const pst_ctx_field *field)
{
    return field->kind == PST_FIELD_SOCK || field->kind == PST_FIELD_SOCK_OR_NULL || field->kind == PST_FIELD_SOCK_COMMON_OR_NULL;
}

static bool context_read(checked_run *c, uint64_t off, uint32_t size, uint64_t *out)
{
    const pst_prog_type *type = c->prog->bindings.type;
    if (off >= type->abi_size || !pst_ctx_read(type, c->run->ctx, (uint32_t)off, size, out))
        return checked_trap(c, PST_TRAP_CONTEXT, off, size);
    if (!c->prog->has_sock_field || *out == 0) return true;
    const pst_ctx_field *field = pst_ctx_field_at(type, (uint32_t)off, size, false);
    if (!field || !leads_to_sock(field)) return true;
    return checked_region_add(c, (region){.base = *out, .kind = REGION_OBJECT});
}

static uint64_t load_sized(const void *at, unsigned width)
{
    switch (width) {
    case 8: return *(const uint8_t *)at;
    case 16: return pst_load16(at);
    case 32: return pst_load32(at);
    default: return pst_load64(at);
    }
}

static void store_sized(void *at, unsigned width, uint64_t value)
{
    switch (width) {
    case 8: *(uint8_t *)at = (uint8_t)value; break;
    case 16: pst_store16(at, (uint16_t)value); break;
    case 32: pst_store32(at, (uint32_t)value); break;
    default: pst_store64(at, value); break;
    }
}

static bool do_load(checked_run *c, const pst_insn *insn)
{
    uint64_t address = c->r[insn->src] + (uint64_t)(int64_t)insn->off, off, value = 0;
    uint32_t size = insn->width / 8u;
    if (is_context(c, address, &off)) {
        if (!context_read(c, off, size, &value)) return false;
    } else {
        const void *at = memory_at(c, address, size, false);
        if (!at) return false;
        value = load_sized(at, insn->width);
    }
    c->r[insn->dst] = insn->flags & PST_INSN_SIGNED ? (uint64_t)pst_sign_extend(value, insn->width) : value;
    return true;
}

static bool do_store(checked_run *c, const pst_insn *insn)
{
    uint64_t address = c->r[insn->dst] + (uint64_t)(int64_t)insn->off, off, value = operand(c, insn);
    const pst_prog_type *type = c->prog->bindings.type;
    uint32_t size = insn->width / 8u;
    if (is_context(c, address, &off)) {
        bool done = off < type->abi_size && pst_ctx_write(type, c->run->ctx, (uint32_t)off, size, value);
        return done || checked_trap(c, PST_TRAP_CONTEXT, off, size);
    }
    void *at = memory_at(c, address, size, true);
    if (!at) return false;
    store_sized(at, insn->width, value);
    return true;
}

// Memory for an atomic access: aligned, and never the context.
static void *atomic_at(checked_run *c, uint64_t address, uint32_t size, bool write)
{
    uint64_t off;
    if (is_context(c, address, &off)) {
        (void)checked_trap(c, PST_TRAP_CONTEXT, off, size);
        return NULL;
    }
    if (address % size != 0) {
        (void)checked_trap(c, PST_TRAP_ALIGNMENT, address, size);
        return NULL;
    }
    return memory_at(c, address, size, write);
}

static bool do_atomic(checked_run *c, const pst_insn *insn)
{
    uint64_t address = c->r[insn->dst] + (uint64_t)(int64_t)insn->off, value = c->r[insn->src], old;
    void *at = atomic_at(c, address, insn->width / 8u, true);
    pst_atomic_op op = (pst_atomic_op)insn->op;
    if (!at) return false;
    if (insn->width == 32) old = interp_atomic32(op, at, (uint32_t)value, (uint32_t)c->r[0]);
    else old = interp_atomic64(op, at, value, c->r[0]);
    if (insn->flags & PST_INSN_FETCH) c->r[op == PST_ATOMIC_CMPXCHG ? 0 : insn->src] = old;
    return true;
}

static bool do_load_acquire(checked_run *c, const pst_insn *insn)
{
    const void *at = atomic_at(c, c->r[insn->src] + (uint64_t)(int64_t)insn->off, insn->width / 8u, false);
    if (!at) return false;
    uint64_t *dst = &c->r[insn->dst];
    switch (insn->width) {
    case 8: *dst = PST_ATOMIC_LOAD((const uint8_t *)at); break;
    case 16: *dst = PST_ATOMIC_LOAD((const uint16_t *)at); break;
    case 32: *dst = PST_ATOMIC_LOAD((const uint32_t *)at); break;
    default: *dst = PST_ATOMIC_LOAD((const uint64_t *)at); break;
    }
    return true;
}

static bool do_store_release(checked_run *c, const pst_insn *insn)
{
    void *at = atomic_at(c, c->r[insn->dst] + (uint64_t)(int64_t)insn->off, insn->width / 8u, true);
    if (!at) return false;
    uint64_t value = c->r[insn->src];
    switch (insn->width) {
    case 8: PST_ATOMIC_STORE((uint8_t *)at, (uint8_t)value); break;
    case 16: PST_ATOMIC_STORE((uint16_t *)at, (uint16_t)value); break;
    case 32: PST_ATOMIC_STORE((uint32_t *)at, (uint32_t)value); break;
    default: PST_ATOMIC_STORE((uint64_t *)at, value); break;
    }
    return true;
}

static bool do_imm64(checked_run *c, const pst_insn *insn)
{
    const pst_image *image = c->prog->exec.image;
    uint32_t low = (uint32_t)insn->imm, high = (uint32_t)((uint64_t)insn->imm >> 32);
    uint64_t *dst = &c->r[insn->dst];
    switch ((pst_imm64_op)insn->op) {
    case PST_IMM64_MAP_FD: *dst = (uint64_t)(uintptr_t)image->maps[low]; return true;
    case PST_IMM64_MAP_VALUE:
        *dst = (uint64_t)(uintptr_t)(image->maps[low]->values + high);
        return checked_value_add(c, image->maps[low], image->maps[low]->values);
    case PST_IMM64_FUNC: *dst = PST_FUNC_TAG | (uint64_t)((int64_t)c->pc + 1 + insn->target); return true;
    case PST_IMM64_VALUE:
    case PST_IMM64_BTF_ID:      // refused before
    case PST_IMM64_MAP_IDX:     // not in an image
    case PST_IMM64_MAP_IDX_VALUE: *dst = (uint64_t)insn->imm; return true;
    }
    PST_UNREACHABLE();
}

// --- Calls ----------------------------------------------------------------------------------------------------

static uint8_t *frame_of(const checked_run *c) { return c->stack + (size_t)c->depth * CHECKED_FRAME_STRIDE; }

static void frame_begin(checked_run *c)
{
    uint8_t *frame = frame_of(c);
    memset(frame, 0, PST_FRAME_BYTES);
    c->r[PST_REG_FP] = (uint64_t)(uintptr_t)frame + PST_FRAME_BYTES;
}

// Goes to the subprogram that starts at target; the slot after the one that c->pc gets counts as next.
static bool call_subprog(checked_run *c, uint32_t target)
{
    if (c->depth == PST_FRAMES_MAX - 1) return checked_trap(c, PST_TRAP_DEPTH, 0, 0);
    checked_frame *frame = &c->frames[c->depth++];
    frame->pc = c->pc;
    memcpy(frame->saved, &c->r[6], sizeof frame->saved);
    frame_begin(c);
    c->pc = target - 1;
    return true;
}

static void return_from_subprog(checked_run *c)
{
    const checked_frame *frame = &c->frames[--c->depth];
    memcpy(&c->r[6], frame->saved, sizeof frame->saved);
    c->r[PST_REG_FP] = (uint64_t)(uintptr_t)frame_of(c) + PST_FRAME_BYTES;
    c->pc = frame->pc;
}

// What must be over when the program ends or hands over to another.
static bool check_released(checked_run *c)
{
    bool held = c->lock_held;
    for (unsigned i = 0; i < c->region_count; i++) held |= c->regions[i].reference;
    return !held || checked_trap(c, PST_TRAP_LOCK, 0, 0);
}

static bool can_read(const pst_run *run, uint64_t address, uint64_t size)
{
    pst_trap_code why;
    return checked_memory(run->engine, address, size, false, &why) != NULL;
}

static void offer_can_read(checked_run *c)
{
    c->run->engine = c;
    c->run->can_read = can_read;
}

// False: the run of this program is over.
static bool do_tail_call(checked_run *c)
{
    bool nested = c->depth > 0;
    if (!nested && !check_released(c)) return false;
    const pst_exec *target = interp_tail_target(&c->prog->bindings, c->run, c->r[2], c->r[3], nested);
    if (!target) return true;
    if (!nested) {
        c->run->tail_next = target;
        return false;
    }
    uint64_t (*outer)(pst_run *, uint64_t, const uint64_t *) = c->run->call_back;
    c->r[0] = interp_tail_nested(target, c->run);
    c->run->call_back = outer;
    offer_can_read(c);
    if (c->run->trap.code != PST_TRAP_NONE) return false;
    return_from_subprog(c);
    return true;
}

static bool do_helper(checked_run *c, const pst_helper *helper)
{
    if (!checked_call_helper(c, helper)) return false;
    return helper->proto->flags & PST_HELPER_TAIL_CALL ? do_tail_call(c) : true;
}

static bool do_call(checked_run *c, const pst_insn *insn)
{
    const pst_image *image = c->prog->exec.image;
    switch ((pst_call_op)insn->op) {
    case PST_CALL_KFUNC:
    case PST_CALL_HELPER: {
        const pst_helper *helper = c->prog->helpers[c->pc];
        return helper ? do_helper(c, helper) : checked_trap(c, PST_TRAP_HELPER, 0, 0);
    }
    case PST_CALL_SUBPROG: return call_subprog(c, (uint32_t)((int64_t)c->pc + 1 + insn->target));
    case PST_CALL_REGISTER: {
        uint64_t value = c->r[insn->dst];
        const pst_subprog *sub = interp_func(image, value);
        if (sub) return call_subprog(c, sub->start);
        const pst_helper *helper = interp_helper(&c->prog->bindings, (int64_t)value);
        bool callable = helper && !(helper->proto->flags & (PST_HELPER_TAIL_CALL | PST_HELPER_CALLBACK));
        return callable ? do_helper(c, helper) : checked_trap(c, PST_TRAP_CALL, value, 0);
    }
    }
    PST_UNREACHABLE();
}

static bool do_legacy_load(checked_run *c, const pst_insn *insn)
{
    const pst_prog_type *type = c->prog->bindings.type;
    uint64_t offset = (uint64_t)insn->imm + (insn->op == PST_LEGACY_IND ? c->r[insn->src] : 0);
    if (type && !type->legacy_loads) return checked_trap(c, PST_TRAP_INSTRUCTION, 0, 0);
    if (interp_legacy_load(&c->prog->bindings, c->run, insn->width, offset, &c->r[0])) return true;
    c->r[0] = 0;
    (void)check_released(c);
    return false;
}

// False: the program ended.
static bool do_exit(checked_run *c)
{
    if (c->depth == 0) {
        (void)check_released(c);
        return false;
    }
    return_from_subprog(c);
    return true;
}

static void jump_by(checked_run *c, int32_t distance) { c->pc = (uint32_t)((int64_t)c->pc + distance); }

// --- The loop -------------------------------------------------------------------------------------------------

// Executes one instruction; c->pc + 1 is the next. False: the run of this program is over.
static inline bool step(checked_run *c, const pst_insn *insn)
{
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU: do_alu(c, insn); return true;
    case PST_KIND_SWAP:
        c->r[insn->dst] = pst_swap_eval((pst_swap_op)insn->op, insn->width, c->r[insn->dst]);
        return true;
    case PST_KIND_IMM64:
        if (!do_imm64(c, insn)) return false;
        c->pc++;
        return true;
    case PST_KIND_LOAD: return do_load(c, insn);
    case PST_KIND_STORE: return do_store(c, insn);
    case PST_KIND_ATOMIC: return do_atomic(c, insn);
    case PST_KIND_LOAD_ACQUIRE: return do_load_acquire(c, insn);
    case PST_KIND_STORE_RELEASE: return do_store_release(c, insn);
    case PST_KIND_LEGACY_LOAD: return do_legacy_load(c, insn);
    case PST_KIND_JUMP:
        if (!count_turn(c)) return false;
        jump_by(c, insn->target);
        return true;
    case PST_KIND_BRANCH:
        if (!count_turn(c)) return false;
        if (taken(c, insn)) jump_by(c, insn->target);
        return true;
    case PST_KIND_MAY_GOTO:
        if (c->may_goto_left == 0) jump_by(c, insn->target);
        else c->may_goto_left--;
        return true;
    case PST_KIND_CALL: return do_call(c, insn);
    case PST_KIND_EXIT: return do_exit(c);
    case PST_KIND_PADDING:
    case PST_KIND_CAST: break; // never reached; refused before
    }
    return checked_trap(c, PST_TRAP_INSTRUCTION, 0, 0);
}

// Executes from the current instruction on, until the run of this program is over or the frame at depth has returned.
static void run_frames(checked_run *c, unsigned depth)
{
    const pst_insn *insns = c->prog->exec.image->insns;
    uint64_t *counts = c->prog->counts;
    pst_run *run = c->run;
    uint64_t limit = run->budget ? run->budget : PST_CHECKED_BUDGET_DEFAULT;
    for (;; c->pc++) {
        if (PST_UNLIKELY(run->insn_count >= limit)) {
            (void)checked_trap(c, PST_TRAP_BUDGET, 0, 0);
            return;
        }
        run->insn_count++;
        if (counts) counts[c->pc]++;
        if (!step(c, &insns[c->pc]) || c->depth < depth) return;
    }
}

static uint64_t call_back(pst_run *run, uint64_t func, const uint64_t args[PST_ARGS_MAX])
{
    checked_run *c = run->engine;
    const pst_map_view *walked = c->walked;
    const pst_subprog *sub = interp_func(c->prog->exec.image, func);
    if (!sub) (void)checked_trap(c, PST_TRAP_CALL, func, 0);
    if (!sub || !call_subprog(c, sub->start) || (walked && !checked_element_add(c, walked, args[1], args[2]))) return 0;
    memcpy(&c->r[1], args, PST_ARGS_MAX * sizeof *args);
    c->pc++;
    uint32_t may_goto_left = c->may_goto_left;
    c->may_goto_left = PST_MAY_GOTO_MAX;
    run_frames(c, c->depth);
    c->may_goto_left = may_goto_left;
    if (walked) checked_key_remove(c, args[1]);
    return run->trap.code == PST_TRAP_NONE ? c->r[0] : 0;
}

// From c->pc on, with r1 to r5 set.
static uint64_t run_from(checked_run *c)
{
    pst_run *run = c->run;
    c->may_goto_left = PST_MAY_GOTO_MAX;
    offer_can_read(c);
    run->call_back = call_back;
    frame_begin(c);
    run_frames(c, 0);
    run->engine = NULL;
    run->can_read = NULL;
    run->call_back = NULL;
    if (run->trap.code == PST_TRAP_NONE) return c->r[0];
    run->tail_next = NULL;
    return 0;
}

static uint64_t run_program(checked_run *c)
{
    c->r[1] = c->prog->bindings.type ? PST_CHECKED_CTX : (uint64_t)(uintptr_t)c->run->ctx;
    c->r[2] = c->run->ctx_size;
    return run_from(c);
}

static uint64_t enter_flat(const pst_exec *exec, pst_run *run)
{
    PST_ALIGNED(16) uint8_t stack[PST_FRAME_BYTES];
    checked_run c = {.prog = (const checked_program *)(const void *)exec, .run = run, .stack = stack};
    return run_program(&c);
}

static uint64_t enter_deep(const pst_exec *exec, pst_run *run)
{
    PST_ALIGNED(16) uint8_t stack[PST_FRAMES_MAX * CHECKED_FRAME_STRIDE];
    checked_run c = {.prog = (const checked_program *)(const void *)exec, .run = run, .stack = stack};
    return run_program(&c);
}

static uint64_t enter_callback(const pst_exec *exec, pst_run *run, uint64_t func, const uint64_t args[PST_ARGS_MAX])
{
    PST_ALIGNED(16) uint8_t stack[PST_FRAMES_MAX * CHECKED_FRAME_STRIDE];
    checked_run c = {.prog = (const checked_program *)(const void *)exec, .run = run, .stack = stack};
    const pst_map_view *map = (const pst_map_view *)(uintptr_t)args[0];
    const pst_subprog *sub = interp_func(exec->image, func);
    if (!sub) (void)checked_trap(&c, PST_TRAP_CALL, func, 0);
    if (!sub || !checked_element_add(&c, map, args[1], args[2])) return 0;
    checked_inner_add(&c, map);
    memcpy(&c.r[1], args, PST_ARGS_MAX * sizeof *args);
    c.pc = sub->start;
    return run_from(&c);
}

// --- Making it ------------------------------------------------------------------------------------------------

static void checked_free(pst_exec *exec)
{
    checked_program *prog = (checked_program *)(void *)exec;
    pst_free(prog->env, prog->helpers, prog->exec.image->count * sizeof(*prog->helpers));
    pst_free(prog->env, prog->metered, prog->exec.image->count);
    pst_free(prog->env, prog, sizeof *prog);
}

static bool type_has_sock(const pst_prog_type *type)
{
    for (uint32_t i = 0; type && i < type->field_count; i++)
        if (leads_to_sock(&type->fields[i])) return true;
    return false;
}

static pst_status keep_metered(checked_program *prog, const pst_facts *facts)
{
    uint32_t count = prog->exec.image->count, first = 0;
    while (first < count && !interp_is_metered(facts, first)) first++;
    if (first == count) return PST_OK;
    prog->metered = pst_alloc_zero(prog->env, count, 1);
    if (!prog->metered) return PST_E_NOMEM;
    for (uint32_t pc = first; pc < count; pc++) prog->metered[pc] = interp_is_metered(facts, pc);
    return PST_OK;
}

pst_status pst_checked_create(const pst_env *env, const pst_image *image, const pst_bindings *bindings, pst_exec **out)
{
    return pst_checked_create_with(env, image, bindings, NULL, NULL, out);
}

pst_status pst_checked_create_with(const pst_env *env, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts,
                                   const pst_interp_opts *opts, pst_exec **out)
{
    *out = NULL;
    if (opts && opts->size < sizeof *opts) return PST_E_INVALID;
    PST_TRY(interp_check_runnable(env, image, bindings, NULL));
    checked_program *prog = pst_alloc_zero(env, 1, sizeof *prog);
    if (!prog) return PST_E_NOMEM;
    *prog = (checked_program){.env = env, .bindings = *bindings, .has_sock_field = type_has_sock(bindings->type)};
    prog->exec.enter = interp_frames(image) == 1 ? enter_flat : enter_deep;
    prog->exec.enter_callback = enter_callback;
    prog->exec.free = checked_free;
    prog->exec.image = image;
    prog->helpers = pst_alloc_zero(env, image->count, sizeof(*prog->helpers));
    prog->meter_turns = interp_meter_turns(opts);
    if (!prog->helpers || keep_metered(prog, facts) != PST_OK) {
        checked_free(&prog->exec);
        return PST_E_NOMEM;
    }
    for (uint32_t pc = 0; pc < image->count; pc++) {
        const pst_insn *insn = &image->insns[pc];
        if (insn->kind == PST_KIND_CALL) prog->helpers[pc] = interp_callee(bindings, insn);
    }
    *out = &prog->exec;
    return PST_OK;
}

bool pst_checked_count(pst_exec *exec, uint64_t *counts)
{
    if (exec->free != checked_free) return false;
    ((checked_program *)(void *)exec)->counts = counts;
    return true;
}
