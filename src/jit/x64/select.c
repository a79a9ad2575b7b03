// select.c: see select.h. The walk over a program, entries and ends of functions, cold code, and the way to sealed code.
#include "jit/x64/select.h"

#include "base/bits.h"
#include "jit/x64/layout.h"
#include "jit/x64/unwind_info.h"
#include "jit/x64/x64.h"

#include <string.h>

// Random placement: what stands in front of the program, of each function, and where nothing goes on; and how far apart moved instructions are.
#define PAD_PROGRAM 1024u
#define PAD_FUNCTION 64u
#define PAD_GAP 16u
#define NOP_EVERY 64u

// --- For the handlers -----------------------------------------------------------------------------------------

x64_cold *x64_cold_new(x64_select *x, x64_cold_kind kind)
{
    static const x64_cold none;
    x64_code *code = x->state.code;
    pst_status status = pst_grow(code->env, &x->colds, &x->cold_capacity, (size_t)x->cold_count + 1, sizeof *x->colds);
    if (status != PST_OK) {
        if (code->status == PST_OK) code->status = status;
        x->cold_count = 0; // there was one before, or nothing was ever allocated
        if (!x->colds) return &x->spare;
    }
    x64_cold *cold = &x->colds[x->cold_count++];
    *cold = none;
    cold->kind = (uint8_t)kind;
    cold->from = x64_label_new(code);
    return cold;
}

void x64_trap_here(x64_select *x, pst_trap_code trap)
{
    x64_cold *cold = x64_cold_new(x, COLD_TRAP);
    cold->trap = (uint8_t)trap;
    cold->pc = jit_origin(x->unit, x->pc);
    x64_jump(x->state.code, CC_ALWAYS, cold->from);
}

const pst_insn *x64_follower(const x64_select *x, uint32_t n)
{
    for (uint32_t pc = x->pc + 1; pc <= x->pc + n; pc++) {
        if (pc >= x->func->end || x->unit->marks[pc] & JIT_TARGET || jit_is_dead(x->unit, pc)) return NULL;
        if (x->unit->image->insns[pc].kind == PST_KIND_PADDING) return NULL;
    }
    return &x->unit->image->insns[x->pc + n];
}

// --- Instructions ---------------------------------------------------------------------------------------------

static void load_ref(x64_select *x, unsigned reg, pst_jit_ref ref)
{
    x64_state *s = &x->state;
    x64_claim(s, reg);
    x64_load_ref(s->code, x64_of(s, reg), ref);
    x64_wrote(s, reg, false);
}

void x64_load_values(x64_select *x, unsigned reg, uint32_t map, uint64_t off)
{
    x64_state *s = &x->state;
    load_ref(x, reg, (pst_jit_ref){PST_JIT_REF_MAP_VALUES, map});
    if (off > INT32_MAX) { // no displacement holds it
        x64_mov_ri(s->code, T0, off);
        x64_alu_rr(s->code, ALU_ADD, 64, x64_of(s, reg), T0);
    } else if (off) {
        x64_set(s, reg, (x64_value){(uint8_t)reg, NO_REG, 0, false, (int64_t)off}, false);
    }
}

static void load_imm64(x64_select *x, const pst_insn *insn)
{
    const pst_image *image = x->unit->image;
    uint32_t low = (uint32_t)insn->imm, high = (uint32_t)((uint64_t)insn->imm >> 32);
    uint64_t value = (uint64_t)insn->imm;
    if (x->state.code->refs && insn->op == PST_IMM64_MAP_FD) {
        load_ref(x, insn->dst, (pst_jit_ref){PST_JIT_REF_MAP, low});
        return;
    }
    if (x->state.code->refs && insn->op == PST_IMM64_MAP_VALUE) {
        x64_load_values(x, insn->dst, low, high);
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
    x64_set(&x->state, insn->dst, x64_const(value), value <= UINT32_MAX);
}

static void leave(x64_select *x)
{
    x64_state *s = &x->state;
    (void)x64_settle(s, 0);
    x64_guess_result(x);
    x64_frame_leave(s->code, &x->frame, true);
}

// An instruction whose only effect is a register that nobody reads. Loads count: a proof says that they succeed.
static bool is_idle(const x64_select *x, const pst_insn *insn)
{
    bool only_writes = insn->kind == JIT_KIND_SELECT || insn->kind == PST_KIND_ALU || insn->kind == PST_KIND_SWAP || insn->kind == PST_KIND_IMM64 || insn->kind == PST_KIND_LOAD;
    return only_writes && !(x->unit->live[x->pc] >> insn->dst & 1);
}

static void select_insn(x64_select *x, const pst_insn *insn)
{
    if (is_idle(x, insn) && !(insn->kind == PST_KIND_ALU && insn->op == PST_ALU_MOV)) { // a rotate begins with a move
        x->state.pending &= (uint16_t)~JIT_REG(insn->dst);
        return;
    }
    if (insn->kind == JIT_KIND_SELECT) {
        x64_select_select(x, insn);
        return;
    }
    x64_guess_before(x, insn);
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU: x64_select_alu(x, insn); break;
    case PST_KIND_SWAP: x64_select_swap(x, insn); break;
    case PST_KIND_IMM64: load_imm64(x, insn); break;
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE: x64_select_load(x, insn); break;
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE: x64_select_store(x, insn); break;
    case PST_KIND_ATOMIC: x64_select_atomic(x, insn); break;
    case PST_KIND_LEGACY_LOAD: x64_select_legacy(x, insn); break;
    case PST_KIND_JUMP: x64_select_jump(x, insn); break;
    case PST_KIND_BRANCH: x64_select_branch(x, insn); break;
    case PST_KIND_MAY_GOTO: x64_select_may_goto(x, insn); break;
    case PST_KIND_CALL: x64_select_call(x, insn); break;
    case PST_KIND_EXIT: leave(x); break;
    case PST_KIND_PADDING:
    case PST_KIND_CAST: break; // nothing to do; refused before
    }
    x64_guess_after(x, insn);
}

// --- Functions ------------------------------------------------------------------------------------------------

// What C passes to a program: rdi or rcx is the exec, which nobody needs, the second argument the run.
static void enter_from_c(x64_select *x)
{
    x64_state *s = &x->state;
    x64_code *code = s->code;
    const jit_unit *unit = x->unit;
    x64_endbr64(code);
    x64_frame_enter(code, &x->frame);
    x64_reg run = unit->needs_run ? RUN : (x64_reg)s->abi->args[1];
    if (unit->needs_run) {
        x64_mov_rr(code, 64, RUN, (x64_reg)s->abi->args[1]);
        x64_store(code, 64, RUN_FIELD(native.unwind_sp), RSP);
    }
    if (unit->counts_depth) x64_store_i(code, 32, RUN_FIELD(native.depth), 0);
    if (unit->has_may_goto) x64_store_i(code, 32, RUN_FIELD(native.may_goto_left), (int32_t)PST_MAY_GOTO_MAX);
    // r1 last where it is in the place of the run: on neither convention it is; r2 is, so it comes last.
    if (unit->entry_live & JIT_REG(1)) x64_load(code, 64, x64_of(s, 1), x64_at(run, (int32_t)offsetof(pst_run, ctx)));
    if (unit->entry_live & JIT_REG(2)) x64_load(code, 64, x64_of(s, 2), x64_at(run, (int32_t)offsetof(pst_run, ctx_size)));
    for (unsigned reg = 0; reg < PST_REG_FP; reg++) // nothing that is proved reads them
        if (reg != 1 && reg != 2 && unit->entry_live >> reg & 1) x64_mov_ri(code, x64_of(s, reg), 0);
    x64_guess_enter(x);
}

static void enter_function(x64_select *x)
{
    const jit_unit *unit = x->unit;
    bool main = x->func == &unit->funcs[0];
    x->entered_here = main && !x->by_stub;
    uint16_t more = (uint16_t)(x->entered_here && x->guess != NO_REG ? 1u << x->guess : 0u);
    x->frame = x64_frame_of(unit, x->func, x->state.abi, x->entered_here, more);
    if (x->entered_here) {
        enter_from_c(x);
        return;
    }
    if (unit->counts_depth || main) x64_endbr64(x->state.code); // called through a register
    x64_frame_enter(x->state.code, &x->frame);
    for (unsigned reg = 6; main && reg <= 9; reg++) // nothing that is proved reads them
        if (unit->entry_live >> reg & 1) x64_mov_ri(x->state.code, x64_of(&x->state, reg), 0);
}

static bool falls_through(const pst_insn *insn) { return insn->kind != PST_KIND_JUMP && insn->kind != PST_KIND_EXIT; }

// Whether code at pc can be reached by a jump or from the block before.
static bool starts_block(const x64_select *x, uint32_t pc) { return pc < x->func->end && x->unit->marks[pc] & JIT_TARGET; }

// --- Placement ------------------------------------------------------------------------------------------------

// Fewer than most bytes that nothing runs and that trap, where nothing falls through.
static void pad(x64_select *x, uint32_t most)
{
    if (!x->place) return;
    for (uint32_t bytes = jit_chance_below(x->place, most); bytes > 0;) {
        uint32_t now = bytes < X64_ROOM ? bytes : X64_ROOM;
        x64_room(x->state.code);
        x64_traps(x->state.code, now);
        bytes -= now;
    }
}

// Whether the code ends with a jump or a return: where a branch is always taken to what follows, no jump stands although nothing is open.
static bool nothing_falls_through(const x64_select *x)
{
    const x64_code *code = x->state.code;
    const x64_item *last = code->item_count ? &code->items[code->item_count - 1] : NULL;
    if (x->unit->image->insns[x->pc - 1].kind == PST_KIND_EXIT) return true;
    return last && last->kind == ITEM_JUMP && last->cc == CC_ALWAYS && last->at == code->size;
}

// In straight code: the distance of a branch is a constant in the code, too, and the program chooses what it jumps over.
static void move_a_little(x64_select *x)
{
    if (!x->place || x->until_nop-- > 0) return;
    x->until_nop = jit_chance_below(x->place, NOP_EVERY);
    x64_nop(x->state.code, 1 + jit_chance_below(x->place, X64_NOP_MAX));
}

static void begin_function(x64_select *x)
{
    if (x->place) pad(x, x->func == &x->unit->funcs[0] ? PAD_PROGRAM : PAD_FUNCTION);
    else if (x->func != &x->unit->funcs[0]) x64_align(x->state.code, X64_LOOP_ALIGN);
    x64_room(x->state.code);
}

static void select_at(x64_select *x)
{
    x64_state *s = &x->state;
    const pst_insn *insn = &x->unit->image->insns[x->pc];
    x64_room(s->code);
    move_a_little(x);
    if (x->unit->marks[x->pc] & JIT_TARGET) {
        x64_forget(s);
        if (x64_guess_asks(x, x->pc) && x->pads[x->pc]) x64_guess_pad(x);
        else if (x->unit->marks[x->pc] & JIT_LOOP_HEAD) x64_align(s->code, X64_LOOP_ALIGN);
    }
    x64_bind(s->code, x->pc);
    s->live = x->unit->live[x->pc];
    s->uses = x->unit->effects[x->pc].uses;
    x->taken = 1;
    x->closed = false;
    select_insn(x, insn);
}

// Binds the slots that the last handler took, and ends the block before a target.
static bool finish_insn(x64_select *x)
{
    x64_state *s = &x->state;
    uint32_t last = x->pc + x->taken - 1;
    const pst_insn *insn = &x->unit->image->insns[last];
    // The labels of "if c goto +1; goto X" that became one branch: falling through goes on at the slot after both.
    bool open = falls_through(insn) || (x->taken == 2 && insn->kind == PST_KIND_JUMP);
    if (insn->kind == PST_KIND_IMM64) last++;
    for (uint32_t pc = x->pc + 1; pc <= last; pc++) x64_bind(s->code, pc);
    s->live = x->unit->live[x->pc + x->taken - 1];
    s->uses = 0;
    if (open && starts_block(x, last + 1)) x64_settle_all(s);
    x->pc = last + 1;
    return open && !x->closed;
}

static void select_function(x64_select *x, const jit_func *func)
{
    x->func = func;
    x->pc = func->start;
    x64_forget(&x->state);
    begin_function(x);
    x64_bind(x->state.code, x->calls + (x64_label)(func - x->unit->funcs));
    enter_function(x);
    bool open = true;
    while (x->pc < func->end) {
        if (!jit_is_dead(x->unit, x->pc)) {
            select_at(x);
            open = finish_insn(x);
            if (!open && nothing_falls_through(x)) pad(x, PAD_GAP);
            continue;
        }
        x64_room(x->state.code);
        x64_bind(x->state.code, x->pc);
        if (open) x64_ud2(x->state.code); // a wrong proof ends here and not in the code behind
        open = false;
        x->pc++;
    }
}

// --- Behind the program ---------------------------------------------------------------------------------------

static void emit_cold(x64_select *x, const x64_cold *cold)
{
    x64_code *code = x->state.code;
    x64_room(code);
    x64_bind(code, cold->from);
    x64_guess_cold(x, cold);
    switch ((x64_cold_kind)cold->kind) {
    case COLD_ZERO: x64_mov_ri(code, (x64_reg)cold->reg, 0); break;
    case COLD_NARROW: x64_mov_rr(code, 32, (x64_reg)cold->reg, (x64_reg)cold->reg); break;
    case COLD_MAY_GOTO: x64_store_i(code, 32, RUN_FIELD(native.may_goto_left), 0); break;
    case COLD_GUESS: break;
    case COLD_TRAP:
        x64_store_i(code, 32, RUN_FIELD(trap.code), cold->trap);
        x64_store_i(code, 32, RUN_FIELD(trap.pc), (int32_t)cold->pc);
        x64_store_i(code, 64, RUN_FIELD(trap.address), 0);
        x64_store_i(code, 32, RUN_FIELD(trap.size), 0);
        x64_jump(code, CC_ALWAYS, x->unwind);
        return;
    }
    x64_jump(code, CC_ALWAYS, cold->back);
}

// The way out of a run that ends early, from any depth: back to the stack pointer of the entry.
static void emit_unwind(x64_select *x, const x64_frame *entry)
{
    x64_code *code = x->state.code;
    x64_room(code);
    x64_bind(code, x->unwind);
    x64_load(code, 64, RSP, RUN_FIELD(native.unwind_sp));
    x64_mov_ri(code, RAX, 0);
    x64_frame_leave(code, entry, false);
}

// uint64_t call(target, run, args): see jit_call_fn.
static void emit_stub(x64_select *x, x64_label at, const x64_frame *frame)
{
    x64_state *s = &x->state;
    x64_code *code = s->code;
    pad(x, PAD_FUNCTION);
    x64_room(code);
    x64_bind(code, at);
    x64_endbr64(code);
    x64_frame_enter(code, frame);
    x64_mov_rr(code, 64, RUN, (x64_reg)s->abi->args[1]);
    x64_mov_rr(code, 64, RAX, (x64_reg)s->abi->args[0]);
    x64_mov_rr(code, 64, T0, (x64_reg)s->abi->args[2]);
    x64_store(code, 64, RUN_FIELD(native.unwind_sp), RSP);
    for (unsigned i = 0; i < PST_ARGS_MAX; i++) x64_load(code, 64, x64_of(s, i + 1), x64_at(T0, (int32_t)(8 * i)));
    if (x->unit->asks) x64_lfence(code); // C code has branches of its own
    x64_guess_enter(x);
    x64_call_r(code, RAX);
    x64_frame_leave(code, frame, true);
}

// --- All together ---------------------------------------------------------------------------------------------

typedef struct ends {
    x64_label stub;
} ends;

static void select_program(x64_select *x, ends *out)
{
    const jit_unit *unit = x->unit;
    x64_frame stub_frame = x64_frame_of_stub(x->state.abi), entry = stub_frame;
    for (uint32_t i = 0; i < unit->image->subprog_count; i++) {
        select_function(x, &unit->funcs[i]);
        if (i == 0 && x->entered_here) entry = x->frame;
    }
    for (uint32_t i = 0; i < x->cold_count; i++) emit_cold(x, &x->colds[i]);
    if (unit->needs_run) emit_unwind(x, &entry);
    x64_room(x->state.code);
    out->stub = x64_label_new(x->state.code);
    if (x->by_stub) emit_stub(x, out->stub, &stub_frame);
}

static pst_status place(const jit_unit *unit, const x64_select *x, const x64_layout *layout, const ends *end, jit_program *prog)
{
    const x64_code *code = x->state.code;
    uint32_t count = unit->image->count;
    prog->offsets = pst_alloc(unit->env, ((size_t)count + 1) * sizeof *prog->offsets);
    if (!prog->offsets) return PST_E_NOMEM;
    for (uint32_t pc = 0; pc < count; pc++) prog->offsets[pc] = x64_layout_offset(code, layout, pc);
    prog->offsets[count] = layout->size;
    prog->functions = pst_alloc(unit->env, unit->image->subprog_count * sizeof *prog->functions);
    if (!prog->functions) return PST_E_NOMEM;
    for (uint32_t i = 0; i < unit->image->subprog_count; i++) prog->functions[i] = x64_layout_offset(code, layout, x->calls + i);
    prog->code_bytes = layout->size;
    prog->call_offset = x->by_stub ? x64_layout_offset(code, layout, end->stub) : UINT32_MAX;
    prog->unwind_offset = unit->needs_run ? x64_layout_offset(code, layout, x->unwind) : UINT32_MAX;
    prog->run_reg = RUN;
    return PST_OK;
}

static pst_status finish(const jit_unit *unit, x64_select *x, const ends *end, jit_program *prog)
{
    x64_code *code = x->state.code;
    x64_layout layout;
    if (code->status != PST_OK) return code->status;
    uint32_t unwind_room = jit_unwind_room(unit->image->subprog_count);
    pst_status status = pst_pal_code_alloc(pst_align_up(x64_layout_bound(code), pst_pal_page_size()) + unwind_room, &prog->code);
    if (status != PST_OK) return status;
    uint64_t base = (uint64_t)(uintptr_t)prog->code.bytes;
    status = x64_layout_make(code, base, &layout);
    if (status == PST_OK) status = place(unit, x, &layout, end, prog);
    if (status == PST_OK) {
        x64_layout_write(code, &layout, base, prog->code.bytes);
        memset(prog->code.bytes + layout.size, X64_TRAP_BYTE, prog->code.size - layout.size);
    }
    x64_layout_free(code, &layout);
    return status == PST_OK ? jit_unwind_seal(prog, (uint32_t)prog->code.size - unwind_room) : status;
}

static void harden(x64_select *x, jit_chance *chance)
{
    x->state.code->spare = x->state.abi->t2;
    if (x->harden & PST_JIT_BLIND) x->state.code->blind = chance;
    if (!(x->harden & PST_JIT_PLACE)) return;
    x->place = chance;
    x->until_nop = jit_chance_below(chance, NOP_EVERY);
}

// The same as data: bytes that mean the same wherever they lie, and what they refer to.
static pst_status write_blob(const x64_code *code, const x64_layout *layout, pst_jit_blob *blob)
{
    const pst_env *env = code->env;
    blob->code = pst_alloc(env, layout->size);
    if (!blob->code) return PST_E_NOMEM;
    blob->code_bytes = layout->size;
    x64_layout_write(code, layout, 0, blob->code);
    blob->patch_count = x64_layout_patches(code, layout, NULL);
    blob->ref_count = code->refs->count;
    if (blob->patch_count == 0) return PST_OK;
    blob->patches = pst_alloc(env, blob->patch_count * sizeof *blob->patches);
    blob->refs = pst_alloc(env, blob->ref_count * sizeof *blob->refs);
    if (!blob->patches || !blob->refs) return PST_E_NOMEM;
    (void)x64_layout_patches(code, layout, blob->patches);
    memcpy(blob->refs, code->refs->refs, blob->ref_count * sizeof *blob->refs);
    return PST_OK;
}

static pst_status finish_blob(const jit_unit *unit, x64_select *x, const ends *end, pst_jit_blob *blob)
{
    x64_layout layout;
    jit_program places = {0};
    PST_TRY(x64_layout_make(x->state.code, 0, &layout));
    pst_status status = place(unit, x, &layout, end, &places);
    blob->piece_count = unit->image->count;
    blob->function_count = unit->image->subprog_count;
    blob->offsets = places.offsets;
    blob->functions = places.functions;
    blob->call_offset = places.call_offset;
    blob->unwind_offset = places.unwind_offset;
    if (status == PST_OK) status = write_blob(x->state.code, &layout, blob);
    x64_layout_free(x->state.code, &layout);
    return status;
}

// Fills in prog, or blob: code with addresses, or code that is bound later.
static pst_status compile(const jit_unit *unit, x64_select *x, jit_program *prog, pst_jit_blob *blob)
{
    ends end;
    x64_code code;
    jit_chance chance = {.left = 0};
    jit_refs refs = {.env = unit->env};
    uint32_t count = unit->image->count, functions = unit->image->subprog_count;
    x->unit = unit;
    x->calls = count;
    x->state.code = &code;
    x->state.flags_reg = NO_REG;
    x->meter_turns = unit->meter_turns;
    x->by_stub = unit->main_is_called || unit->calls_back || unit->reads_stack;
    x->unwind = count + functions;
    x->pad_labels = x->unwind + 1;
    pst_status status = x64_guess_init(x);
    if (status == PST_OK) status = x64_code_init(&code, unit->env, count + functions + 1 + (x->pads ? count : 0));
    if (status == PST_OK && blob) {
        status = jit_refs_init(&refs, unit->env);
        code.refs = &refs;
    }
    if (status == PST_OK) {
        harden(x, &chance);
        select_program(x, &end);
        status = prog ? finish(unit, x, &end, prog) : finish_blob(unit, x, &end, blob);
    }
    pst_free(unit->env, x->pads, x->pads ? count * sizeof *x->pads : 0);
    pst_free(unit->env, x->colds, x->cold_capacity * sizeof *x->colds);
    jit_refs_free(&refs);
    x64_code_free(&code);
    return status;
}

static pst_status compile_program(const jit_unit *unit, const pst_jit_opts *opts, jit_program *prog)
{
    x64_select x = {.features = opts && opts->plain_machine ? 0 : x64_host_features(), .state = {.abi = x64_host_abi()}, .harden = opts ? opts->harden : 0};
    return compile(unit, &x, prog, NULL);
}

static pst_status compile_blob(const jit_unit *unit, const pst_jit_opts *opts, pst_jit_blob *blob)
{
    // The base instruction set, since who knows on which machine this will run; and nothing random, since everybody may read the file.
    x64_select x = {.harden = opts ? opts->harden & PST_JIT_MASK : 0, .state = {.abi = blob->target == PST_JIT_TARGET_X64_WINDOWS ? &x64_win64 : &x64_sysv}};
    return compile(unit, &x, NULL, blob);
}

const jit_back_end x64_back_end = {.machine = {.regs = 0x3ff, .kept = 0x3c0, .kinds = JIT_HAS_SELECT}, .guess_reg = JIT_REG(9), .compile = compile_program, .compile_blob = compile_blob, .host_features = x64_host_features, .meters = true, .run_reg = RUN,
                                   .unwind_bound = x64_unwind_bound, .unwind_write = x64_unwind_write};
