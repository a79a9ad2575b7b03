// arm64_select.c: see arm64_select.h. The walk over a program, entries and ends of functions, cold code, and the way to sealed code.
#include "jit/arm64/arm64_select.h"

#include "jit/arm64/arm64.h"
#include "jit/arm64/arm64_layout.h"

#include <string.h>

// Random placement, in words: what stands in front of the program, of each function, and where nothing goes on; and how far apart moved instructions are.
#define PAD_PROGRAM 256u
#define PAD_FUNCTION 32u
#define PAD_GAP 8u
#define NOP_EVERY 64u

// --- For the handlers -----------------------------------------------------------------------------------------

arm64_label arm64_trap_label(arm64_select *x, pst_trap_code trap)
{
    arm64_code *code = x->state.code;
    pst_status status = pst_grow(code->env, &x->colds, &x->cold_capacity, (size_t)x->cold_count + 1, sizeof *x->colds);
    if (status != PST_OK) {
        if (code->status == PST_OK) code->status = status;
        return x->unwind;
    }
    arm64_cold *cold = &x->colds[x->cold_count++];
    *cold = (arm64_cold){.from = arm64_label_new(code), .pc = jit_origin(x->unit, x->pc), .trap = (uint8_t)trap};
    return cold->from;
}

const pst_insn *arm64_follower(const arm64_select *x, uint32_t n)
{
    for (uint32_t pc = x->pc + 1; pc <= x->pc + n; pc++) {
        if (pc >= x->func->end || x->unit->marks[pc] & JIT_TARGET || jit_is_dead(x->unit, pc)) return NULL;
        if (x->unit->image->insns[pc].kind == PST_KIND_PADDING) return NULL;
    }
    return &x->unit->image->insns[x->pc + n];
}

bool arm64_const_operand(const arm64_select *x, const pst_insn *insn, uint64_t *out)
{
    uint64_t value = (uint64_t)insn->imm;
    if (!(insn->flags & PST_INSN_IMM)) {
        arm64_value v = arm64_value_of(&x->state, insn->src);
        if (!arm64_is_const(v)) return false;
        value = (uint64_t)v.disp;
    }
    *out = insn->width == 32 ? (uint32_t)value : value;
    return true;
}

void arm64_operands(arm64_select *x, const pst_insn *insn, bool logical, arm64_reg *a, arm64_operand *b)
{
    arm64_state *s = &x->state;
    // Making one an operand may write the register that the other is a copy of, which then moves to its own: so the first is asked twice.
    (void)arm64_plain_of(s, insn->dst, insn->width);
    *b = arm64_operand_of(s, insn->src, insn->width, logical);
    *a = arm64_plain_of(s, insn->dst, insn->width);
}

// --- Instructions ---------------------------------------------------------------------------------------------

static void load_ref(arm64_select *x, unsigned reg, pst_jit_ref ref)
{
    arm64_state *s = &x->state;
    arm64_claim(s, reg);
    arm64_load_ref(s->code, arm64_of(s, reg), ref);
    arm64_wrote(s, reg, false);
}

void arm64_load_values(arm64_select *x, unsigned reg, uint32_t map, uint64_t off)
{
    arm64_state *s = &x->state;
    load_ref(x, reg, (pst_jit_ref){PST_JIT_REF_MAP_VALUES, map});
    if (off) arm64_add_const(s->code, 64, arm64_of(s, reg), arm64_of(s, reg), (int64_t)off);
}

static void load_imm64(arm64_select *x, const pst_insn *insn)
{
    const pst_image *image = x->unit->image;
    uint32_t low = (uint32_t)insn->imm, high = (uint32_t)((uint64_t)insn->imm >> 32);
    uint64_t value = (uint64_t)insn->imm;
    if (x->state.code->refs && insn->op == PST_IMM64_MAP_FD) {
        load_ref(x, insn->dst, (pst_jit_ref){PST_JIT_REF_MAP, low});
        return;
    }
    if (x->state.code->refs && insn->op == PST_IMM64_MAP_VALUE) {
        arm64_load_values(x, insn->dst, low, high);
        return;
    }
    switch ((pst_imm64_op)insn->op) {
    case PST_IMM64_MAP_FD: value = (uint64_t)(uintptr_t)image->maps[low]; break;
    case PST_IMM64_MAP_VALUE: value = (uint64_t)(uintptr_t)(image->maps[low]->values + high); break;
    case PST_IMM64_FUNC: value = jit_function_value(x->unit, insn, x->pc); break;
    case PST_IMM64_VALUE:
    case PST_IMM64_BTF_ID: // refused before
    case PST_IMM64_MAP_IDX: // not in an image
    case PST_IMM64_MAP_IDX_VALUE: break;
    }
    arm64_set(&x->state, insn->dst, arm64_const(value), value <= UINT32_MAX);
}

void arm64_result(arm64_select *x)
{
    arm64_state *s = &x->state;
    for (unsigned reg = 0; reg <= 5; reg++) arm64_wrote(s, reg, false);
    arm64_set(s, 0, arm64_copy(1), false);
}

void arm64_pass_result(arm64_select *x) { arm64_move_to(&x->state, X0, 0); }

static void leave(arm64_select *x)
{
    arm64_pass_result(x);
    arm64_frame_leave(x->state.code, &x->frame, true);
}

// An instruction whose only effect is a register that nobody reads. Loads count: a proof says that they succeed.
static bool is_idle(const arm64_select *x, const pst_insn *insn)
{
    bool only_writes = insn->kind == JIT_KIND_SELECT || insn->kind == PST_KIND_ALU || insn->kind == PST_KIND_SWAP || insn->kind == PST_KIND_IMM64 || insn->kind == PST_KIND_LOAD;
    return only_writes && !(x->unit->live[x->pc] >> insn->dst & 1);
}

static void select_insn(arm64_select *x, const pst_insn *insn)
{
    if (is_idle(x, insn)) {
        x->state.pending &= (uint16_t)~JIT_REG(insn->dst);
        return;
    }
    if (insn->kind == JIT_KIND_SELECT) {
        arm64_select_choice(x, insn);
        return;
    }
    bool barrier = jit_wants_barrier(x->unit, insn, x->pc);
    if (barrier) arm64_guess_barrier(x->state.code);
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU: arm64_select_alu(x, insn); break;
    case PST_KIND_SWAP: arm64_select_swap(x, insn); break;
    case PST_KIND_IMM64: load_imm64(x, insn); break;
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE: arm64_select_load(x, insn); break;
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE: arm64_select_store(x, insn); break;
    case PST_KIND_ATOMIC: arm64_select_atomic(x, insn); break;
    case PST_KIND_LEGACY_LOAD: arm64_select_legacy(x, insn); break;
    case PST_KIND_JUMP: arm64_select_jump(x, insn); break;
    case PST_KIND_BRANCH: arm64_select_branch(x, insn); break;
    case PST_KIND_MAY_GOTO: arm64_select_may_goto(x, insn); break;
    case PST_KIND_CALL: arm64_select_call(x, insn); break;
    case PST_KIND_EXIT: leave(x); break;
    case PST_KIND_PADDING:
    case PST_KIND_CAST: break; // nothing to do; refused before
    }
    if (barrier && insn->kind == PST_KIND_CALL) arm64_guess_barrier(x->state.code);
}

// --- Functions ------------------------------------------------------------------------------------------------

static void store_number(arm64_select *x, arm64_mem field, uint32_t value)
{
    if (value) arm64_mov_i(x->state.code, T0, value);
    arm64_store(x->state.code, 32, field, value ? T0 : XZR);
}

// What C passes to a program: x0 is the exec, which nobody needs, x1 the run.
static void enter_from_c(arm64_select *x)
{
    arm64_state *s = &x->state;
    arm64_code *code = s->code;
    const jit_unit *unit = x->unit;
    arm64_bti_c(code);
    arm64_frame_enter(code, &x->frame);
    arm64_reg run = unit->needs_run ? x->run : (arm64_reg)s->abi->args[1];
    if (unit->needs_run) arm64_mov_r(code, 64, x->run, (arm64_reg)s->abi->args[1]);
    if (unit->needs_run && !x->leaf) arm64_store(code, 64, RUN_FIELD(x, native.unwind_sp), FP);
    if (unit->counts_depth) store_number(x, RUN_FIELD(x, native.depth), 0);
    if (unit->has_may_goto) store_number(x, RUN_FIELD(x, native.may_goto_left), PST_MAY_GOTO_MAX);
    // r1 is not in the place of the run; r2 is, so it comes last.
    if (unit->entry_live & JIT_REG(1)) arm64_load(code, 64, arm64_of(s, 1), arm64_at(run, (int32_t)offsetof(pst_run, ctx)));
    if (unit->entry_live & JIT_REG(2)) arm64_load(code, 64, arm64_of(s, 2), arm64_at(run, (int32_t)offsetof(pst_run, ctx_size)));
    for (unsigned reg = 0; reg < PST_REG_FP; reg++) // nothing that is proved reads them
        if (reg != 1 && reg != 2 && unit->entry_live >> reg & 1) arm64_mov_i(code, arm64_of(s, reg), 0);
}

static void enter_function(arm64_select *x)
{
    const jit_unit *unit = x->unit;
    bool main = x->func == &unit->funcs[0];
    x->entered_here = main && !x->by_stub;
    x->frame = arm64_frame_of(unit, x->func, x->state.abi, x->entered_here, x->leaf);
    x->state.stack_bytes = x->frame.stack_bytes;
    if (x->entered_here) {
        enter_from_c(x);
        return;
    }
    if (unit->counts_depth || main) arm64_bti_c(x->state.code); // called through a register
    arm64_frame_enter(x->state.code, &x->frame);
    for (unsigned reg = 0; main && reg < PST_REG_FP; reg++) // nothing that is proved reads them
        if ((reg == 0 || reg > 5) && unit->entry_live >> reg & 1) arm64_mov_i(x->state.code, arm64_of(&x->state, reg), 0);
}

static bool falls_through(const pst_insn *insn) { return insn->kind != PST_KIND_JUMP && insn->kind != PST_KIND_EXIT; }

// Whether code at pc can be reached by a jump or from the block before.
static bool starts_block(const arm64_select *x, uint32_t pc) { return pc < x->func->end && x->unit->marks[pc] & JIT_TARGET; }

// --- Placement ------------------------------------------------------------------------------------------------

// Fewer than most words that nothing runs and that trap, where nothing falls through.
static void pad(arm64_select *x, uint32_t most)
{
    if (!x->place) return;
    for (uint32_t words = jit_chance_below(x->place, most); words > 0; words--) {
        if (words % ARM64_ROOM == 0) arm64_room(x->state.code);
        arm64_udf(x->state.code);
    }
    arm64_room(x->state.code);
}

// Whether the code ends with a jump or a return: where a branch is always taken to what follows, no jump stands although nothing is open.
static bool nothing_falls_through(const arm64_select *x)
{
    const arm64_code *code = x->state.code;
    const arm64_item *last = code->item_count ? &code->items[code->item_count - 1] : NULL;
    if (x->unit->image->insns[x->pc - 1].kind == PST_KIND_EXIT) return true;
    return last && last->kind == ITEM_JUMP && last->at == code->size;
}

// In straight code: the distance of a branch is a constant in the code, too, and the program chooses what it jumps over.
static void move_a_little(arm64_select *x)
{
    if (!x->place || x->until_nop-- > 0) return;
    x->until_nop = jit_chance_below(x->place, NOP_EVERY);
    arm64_nop(x->state.code);
}

static void select_at(arm64_select *x)
{
    arm64_state *s = &x->state;
    const pst_insn *insn = &x->unit->image->insns[x->pc];
    arm64_room(s->code);
    move_a_little(x);
    if (x->unit->marks[x->pc] & JIT_TARGET) arm64_forget(s);
    arm64_bind(s->code, x->pc);
    s->live = x->unit->live[x->pc];
    s->uses = x->unit->effects[x->pc].uses;
    x->taken = 1;
    x->closed = false;
    select_insn(x, insn);
}

// Binds the slots that the last handler took, and ends the block before a target.
static bool finish_insn(arm64_select *x)
{
    arm64_state *s = &x->state;
    uint32_t last = x->pc + x->taken - 1;
    const pst_insn *insn = &x->unit->image->insns[last];
    // The labels of "if c goto +1; goto X" that became one branch: falling through goes on at the slot after both.
    bool open = falls_through(insn) || (x->taken == 2 && insn->kind == PST_KIND_JUMP);
    if (insn->kind == PST_KIND_IMM64) last++;
    for (uint32_t pc = x->pc + 1; pc <= last; pc++) arm64_bind(s->code, pc);
    s->live = x->unit->live[x->pc + x->taken - 1];
    s->uses = 0;
    if (open && starts_block(x, last + 1)) arm64_settle_all(s);
    x->pc = last + 1;
    return open && !x->closed;
}

static void select_function(arm64_select *x, const jit_func *func)
{
    x->func = func;
    x->pc = func->start;
    arm64_room(x->state.code);
    arm64_forget(&x->state);
    pad(x, func == &x->unit->funcs[0] ? PAD_PROGRAM : PAD_FUNCTION);
    arm64_bind(x->state.code, x->calls + (arm64_label)(func - x->unit->funcs));
    enter_function(x);
    bool open = true;
    while (x->pc < func->end) {
        if (!jit_is_dead(x->unit, x->pc)) {
            select_at(x);
            open = finish_insn(x);
            if (!open && nothing_falls_through(x)) pad(x, PAD_GAP);
            continue;
        }
        arm64_room(x->state.code);
        arm64_bind(x->state.code, x->pc);
        if (open) arm64_udf(x->state.code); // a wrong proof ends here and not in the code behind
        open = false;
        x->pc++;
    }
}

// --- Behind the program ---------------------------------------------------------------------------------------

static void emit_cold(arm64_select *x, const arm64_cold *cold)
{
    arm64_code *code = x->state.code;
    arm64_room(code);
    arm64_bind(code, cold->from);
    store_number(x, RUN_FIELD(x, trap.code), cold->trap);
    store_number(x, RUN_FIELD(x, trap.pc), cold->pc);
    arm64_store(code, 64, RUN_FIELD(x, trap.address), XZR);
    store_number(x, RUN_FIELD(x, trap.size), 0);
    arm64_jump(code, x->unwind);
}

// The way out of a run that ends early, from any depth: back to the frame of the entry.
static void emit_unwind(arm64_select *x, const arm64_frame *entry)
{
    arm64_code *code = x->state.code;
    arm64_room(code);
    arm64_bind(code, x->unwind);
    if (!x->leaf) arm64_load(code, 64, FP, RUN_FIELD(x, native.unwind_sp));
    arm64_mov_i(code, X0, 0);
    arm64_frame_leave(code, entry, x->leaf);
}

// uint64_t call(target, run, args): see jit_call_fn.
static void emit_stub(arm64_select *x, arm64_label at, const arm64_frame *frame)
{
    arm64_state *s = &x->state;
    arm64_code *code = s->code;
    arm64_room(code);
    pad(x, PAD_FUNCTION);
    arm64_bind(code, at);
    arm64_bti_c(code);
    arm64_frame_enter(code, frame);
    arm64_mov_r(code, 64, T0, (arm64_reg)s->abi->args[0]);
    arm64_mov_r(code, 64, x->run, (arm64_reg)s->abi->args[1]);
    arm64_mov_r(code, 64, T1, (arm64_reg)s->abi->args[2]);
    arm64_store(code, 64, RUN_FIELD(x, native.unwind_sp), FP);
    for (unsigned i = 0; i < PST_ARGS_MAX; i++) arm64_load(code, 64, arm64_of(s, i + 1), arm64_at(T1, (int32_t)(8 * i)));
    arm64_call_r(code, T0);
    arm64_frame_leave(code, frame, true);
}

// --- All together ---------------------------------------------------------------------------------------------

static void select_program(arm64_select *x, arm64_label *stub)
{
    const jit_unit *unit = x->unit;
    arm64_frame stub_frame = arm64_frame_of_stub(x->state.abi), entry = stub_frame;
    for (uint32_t i = 0; i < unit->image->subprog_count; i++) {
        select_function(x, &unit->funcs[i]);
        if (i == 0 && x->entered_here) entry = x->frame;
    }
    for (uint32_t i = 0; i < x->cold_count; i++) emit_cold(x, &x->colds[i]);
    if (unit->needs_run) emit_unwind(x, &entry);
    arm64_room(x->state.code);
    *stub = arm64_label_new(x->state.code);
    if (x->by_stub) emit_stub(x, *stub, &stub_frame);
}

static pst_status place(const jit_unit *unit, const arm64_select *x, const arm64_layout *layout, arm64_label stub, jit_program *prog)
{
    const arm64_code *code = x->state.code;
    uint32_t count = unit->image->count;
    prog->offsets = pst_alloc(unit->env, ((size_t)count + 1) * sizeof *prog->offsets);
    if (!prog->offsets) return PST_E_NOMEM;
    for (uint32_t pc = 0; pc < count; pc++) prog->offsets[pc] = 4 * arm64_layout_index(code, layout, pc);
    prog->offsets[count] = 4 * layout->size;
    prog->functions = pst_alloc(unit->env, unit->image->subprog_count * sizeof *prog->functions);
    if (!prog->functions) return PST_E_NOMEM;
    for (uint32_t i = 0; i < unit->image->subprog_count; i++) prog->functions[i] = 4 * arm64_layout_index(code, layout, x->calls + i);
    prog->code_bytes = 4 * layout->size;
    prog->call_offset = x->by_stub ? 4 * arm64_layout_index(code, layout, stub) : UINT32_MAX;
    prog->unwind_offset = unit->needs_run ? 4 * arm64_layout_index(code, layout, x->unwind) : UINT32_MAX;
    prog->run_reg = (uint8_t)x->run;
    return PST_OK;
}

static pst_status finish(const jit_unit *unit, arm64_select *x, arm64_label stub, jit_program *prog)
{
    arm64_code *code = x->state.code;
    arm64_layout layout;
    if (code->status != PST_OK) return code->status;
    // Fresh pages are zero, which is an undefined instruction: whatever runs behind the program traps.
    pst_status status = pst_pal_code_alloc(4 * (size_t)arm64_layout_bound(code), &prog->code);
    if (status != PST_OK) return status;
    uint64_t base = (uint64_t)(uintptr_t)prog->code.bytes;
    status = arm64_layout_make(code, base, &layout);
    if (status == PST_OK) status = place(unit, x, &layout, stub, prog);
    if (status == PST_OK) arm64_layout_write(code, &layout, base, prog->code.bytes);
    arm64_layout_free(code, &layout);
    return status == PST_OK ? pst_pal_code_seal(&prog->code) : status;
}

static bool calls_nothing(const jit_unit *unit)
{
    for (uint32_t i = 0; i < unit->image->subprog_count; i++)
        if (unit->funcs[i].calls) return false;
    return true;
}

static void harden(arm64_select *x, jit_chance *chance)
{
    if (x->harden & PST_JIT_BLIND) x->state.code->blind = chance;
    if (!(x->harden & PST_JIT_PLACE)) return;
    x->place = chance;
    x->until_nop = jit_chance_below(chance, NOP_EVERY);
}

// The same as data: bytes that mean the same wherever they lie, and what they refer to.
static pst_status write_blob(const arm64_code *code, const arm64_layout *layout, pst_jit_blob *blob)
{
    const pst_env *env = code->env;
    blob->code_bytes = 4 * layout->size;
    blob->code = pst_alloc(env, blob->code_bytes);
    if (!blob->code) return PST_E_NOMEM;
    arm64_layout_write(code, layout, 0, blob->code);
    blob->patch_count = arm64_layout_patches(code, layout, NULL);
    blob->ref_count = code->refs->count;
    if (blob->patch_count == 0) return PST_OK;
    blob->patches = pst_alloc(env, blob->patch_count * sizeof *blob->patches);
    blob->refs = pst_alloc(env, blob->ref_count * sizeof *blob->refs);
    if (!blob->patches || !blob->refs) return PST_E_NOMEM;
    (void)arm64_layout_patches(code, layout, blob->patches);
    memcpy(blob->refs, code->refs->refs, blob->ref_count * sizeof *blob->refs);
    return PST_OK;
}

static pst_status finish_blob(const jit_unit *unit, arm64_select *x, arm64_label stub, pst_jit_blob *blob)
{
    arm64_layout layout;
    jit_program places = {0};
    PST_TRY(arm64_layout_make(x->state.code, 0, &layout));
    pst_status status = place(unit, x, &layout, stub, &places);
    blob->piece_count = unit->image->count;
    blob->function_count = unit->image->subprog_count;
    blob->offsets = places.offsets;
    blob->functions = places.functions;
    blob->call_offset = places.call_offset;
    blob->unwind_offset = places.unwind_offset;
    if (status == PST_OK) status = write_blob(x->state.code, &layout, blob);
    arm64_layout_free(x->state.code, &layout);
    return status;
}

// Fills in prog, or blob: code with addresses, or code that is bound later.
static pst_status compile(const jit_unit *unit, arm64_select *x, jit_program *prog, pst_jit_blob *blob)
{
    arm64_code code;
    arm64_label stub = 0;
    jit_chance chance = {.left = 0};
    jit_refs refs = {.env = unit->env};
    uint32_t count = unit->image->count, functions = unit->image->subprog_count;
    x->unit = unit;
    x->calls = count;
    x->state.code = &code;
    x->by_stub = unit->main_is_called || unit->calls_back || unit->reads_stack;
    x->leaf = calls_nothing(unit) && !x->by_stub;
    x->run = x->leaf ? RUN_LEAF : RUN;
    if (x->leaf) x->state.abi = x->state.abi->leaf;
    if (x->leaf && blob) blob->flags |= PST_JIT_BLOB_LEAF;
    x->unwind = count + functions;
    pst_status status = arm64_code_init(&code, unit->env, count + functions + 1);
    if (status == PST_OK && blob) {
        status = jit_refs_init(&refs, unit->env);
        code.refs = &refs;
    }
    if (status == PST_OK) {
        harden(x, &chance);
        select_program(x, &stub);
        status = prog ? finish(unit, x, stub, prog) : finish_blob(unit, x, stub, blob);
    }
    pst_free(unit->env, x->colds, x->cold_capacity * sizeof *x->colds);
    jit_refs_free(&refs);
    arm64_code_free(&code);
    return status;
}

static pst_status compile_program(const jit_unit *unit, const pst_jit_opts *opts, jit_program *prog)
{
    arm64_select x = {.features = opts && opts->plain_machine ? 0 : arm64_host_features(), .state = {.abi = arm64_host_abi()}, .harden = opts ? opts->harden : 0};
    return compile(unit, &x, prog, NULL);
}

static pst_status compile_blob(const jit_unit *unit, const pst_jit_opts *opts, pst_jit_blob *blob)
{
    // The base instruction set, since who knows on which machine this will run; and nothing random, since everybody may read the file.
    arm64_select x = {.harden = opts ? opts->harden & PST_JIT_MASK : 0, .state = {.abi = &arm64_aapcs}};
    return compile(unit, &x, NULL, blob);
}

// The optimiser gets five registers more, r11 to r15.
const jit_back_end arm64_back_end = {
    .machine = {.regs = 0xfbff, .kept = 0xfbc0, .kinds = JIT_HAS_SELECT},
    .compile = compile_program,
    .compile_blob = compile_blob,
    .host_features = arm64_host_features,
    .meters = true,
    .run_reg = RUN,
    .leaf_run_reg = RUN_LEAF,
};
