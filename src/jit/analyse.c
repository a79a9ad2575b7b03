// analyse.c: what selection wants to know of a program: targets of jumps, live registers, frames, how deep calls go.
//
// Called by jit.c for each program. Every pass is linear in the number of slots; liveness repeats while loops bring news, at most SWEEPS_MAX times,
// after which every register counts as live (which is always right).
#include "jit/guess.h"

#include <string.h>

#define SWEEPS_MAX 16u

// --- Single instructions --------------------------------------------------------------------------------------

const pst_helper *jit_helper(const pst_bindings *bindings, int64_t id)
{
    if (!bindings->find_helper || id <= 0 || id > INT32_MAX) return NULL;
    const pst_helper *helper = bindings->find_helper(bindings->user, (int32_t)id);
    bool callable = helper && (helper->fn || helper->proto->flags & PST_HELPER_TAIL_CALL);
    return callable ? helper : NULL;
}

const pst_helper *jit_callee(const pst_bindings *bindings, const pst_insn *insn)
{
    if (insn->op == PST_CALL_HELPER) return jit_helper(bindings, insn->imm);
    if (insn->op != PST_CALL_KFUNC || !bindings->find_kfunc || insn->off != 0) return NULL;
    const pst_helper *kfunc = bindings->find_kfunc(bindings->user, (int32_t)insn->imm);
    return kfunc && kfunc->fn && !(kfunc->proto->flags & PST_HELPER_CALLBACK) ? kfunc : NULL;
}

// A helper that prints follows pointers which no prototype describes: it asks first.
static bool asks_can_read(const pst_helper *helper)
{
    return helper->proto->name && strstr(helper->proto->name, "print") != NULL;
}

static uint16_t callee_uses(const jit_unit *unit, const pst_insn *insn)
{
    const pst_helper *helper = jit_callee(unit->bindings, insn);
    uint16_t uses = 0;
    for (unsigned i = 0; helper && i < PST_ARGS_MAX && helper->proto->args[i] != PST_ARG_NONE; i++) uses |= JIT_REG(i + 1);
    return uses;
}

static jit_effect call_effect(const jit_unit *unit, const pst_insn *insn)
{
    jit_effect effect = {.uses = JIT_CALLER_REGS & (uint16_t)~JIT_REG(0), .defs = JIT_CALLER_REGS};
    if (insn->op == PST_CALL_HELPER || insn->op == PST_CALL_KFUNC) effect.uses = callee_uses(unit, insn);
    if (insn->op == PST_CALL_REGISTER) effect.uses |= JIT_REG(insn->dst);
    return effect;
}

static jit_effect select_effect(const pst_insn *insn)
{
    uint16_t uses = JIT_REG(insn->dst) | JIT_REG(insn->src) | JIT_REG(jit_select_a(insn));
    if (!(insn->flags & PST_INSN_IMM)) uses |= JIT_REG(jit_select_b(insn));
    return (jit_effect){uses, JIT_REG(insn->dst)};
}

static jit_effect effect_of(const jit_unit *unit, const pst_insn *insn)
{
    if (insn->kind == JIT_KIND_SELECT) return select_effect(insn);
    uint16_t dst = JIT_REG(insn->dst), src = JIT_REG(insn->src), operand = insn->flags & PST_INSN_IMM ? 0 : src;
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU:
        if (insn->op == PST_ALU_NEG) return (jit_effect){dst, dst};
        if (insn->op == PST_ALU_MOV || insn->op == PST_ALU_MOVSX8 || insn->op == PST_ALU_MOVSX16 || insn->op == PST_ALU_MOVSX32)
            return (jit_effect){operand, dst};
        return (jit_effect){dst | operand, dst};
    case PST_KIND_SWAP: return (jit_effect){dst, dst};
    case PST_KIND_IMM64: return (jit_effect){0, dst};
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE: return (jit_effect){src, dst};
    case PST_KIND_STORE: return (jit_effect){dst | operand, 0};
    case PST_KIND_STORE_RELEASE: return (jit_effect){dst | src, 0};
    case PST_KIND_ATOMIC:
        if (insn->op == PST_ATOMIC_CMPXCHG) return (jit_effect){dst | src | JIT_REG(0), JIT_REG(0)};
        return (jit_effect){dst | src, insn->flags & PST_INSN_FETCH ? src : 0};
    case PST_KIND_LEGACY_LOAD: return (jit_effect){insn->op == PST_LEGACY_IND ? src : 0, JIT_CALLER_REGS};
    case PST_KIND_BRANCH: return (jit_effect){dst | operand, 0};
    case PST_KIND_CALL: return call_effect(unit, insn);
    case PST_KIND_EXIT: return (jit_effect){JIT_REG(0), 0};
    case PST_KIND_PADDING:
    case PST_KIND_JUMP:
    case PST_KIND_MAY_GOTO:
    case PST_KIND_CAST: return (jit_effect){0, 0};
    }
    PST_UNREACHABLE();
}

static const char *unsupported(const jit_unit *unit, const pst_insn *insn)
{
    if (insn->kind == PST_KIND_CAST) return insn->dst == PST_REG_FP ? "a write to r10, which is read-only," : "an address-space cast";
    if (insn->kind == PST_KIND_CALL && insn->op == PST_CALL_KFUNC && !jit_callee(unit->bindings, insn)) return "a call of a kernel function";
    if (insn->kind == PST_KIND_IMM64 && insn->op == PST_IMM64_BTF_ID) return "the address of a kernel variable";
    return NULL;
}

static bool jumps(const pst_insn *insn)
{
    return insn->kind == PST_KIND_JUMP || insn->kind == PST_KIND_BRANCH || insn->kind == PST_KIND_MAY_GOTO;
}

static uint32_t target_of(const pst_insn *insn, uint32_t pc) { return (uint32_t)((int64_t)pc + 1 + insn->target); }

uint64_t jit_function_value(const jit_unit *unit, const pst_insn *insn, uint32_t pc)
{
    const pst_subprog *callee = pst_image_subprog_at(unit->image, target_of(insn, pc));
    return PST_FUNC_TAG | unit->source->subprogs[callee - unit->image->subprogs].start;
}

// --- Subprograms ----------------------------------------------------------------------------------------------

static bool uses_fp_as_base_only(const pst_insn *insn)
{
    if (insn->kind == PST_KIND_LOAD || insn->kind == PST_KIND_LOAD_ACQUIRE) return true;
    bool stores = insn->kind == PST_KIND_STORE || insn->kind == PST_KIND_ATOMIC || insn->kind == PST_KIND_STORE_RELEASE;
    return stores && (insn->flags & PST_INSN_IMM || insn->src != PST_REG_FP);
}

// Stack that one instruction which uses r10 can reach: what it names, or all of it where r10 becomes a value.
static uint16_t stack_of(const pst_insn *insn)
{
    if (!uses_fp_as_base_only(insn) || insn->off >= 0 || insn->off < -PST_FRAME_BYTES) return PST_FRAME_BYTES;
    return (uint16_t)((-insn->off + 7) & ~7);
}

static bool can_fault(const pst_insn *insn)
{
    if (insn->kind == JIT_KIND_SELECT) return false;
    switch ((pst_kind)insn->kind) {
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE: return insn->src != PST_REG_FP;
    case PST_KIND_STORE:
    case PST_KIND_ATOMIC:
    case PST_KIND_STORE_RELEASE: return insn->dst != PST_REG_FP;
    case PST_KIND_CALL:
    case PST_KIND_LEGACY_LOAD:
    case PST_KIND_MAY_GOTO: return true; // uses the run in any case
    case PST_KIND_ALU:
    case PST_KIND_SWAP:
    case PST_KIND_IMM64:
    case PST_KIND_PADDING:
    case PST_KIND_JUMP:
    case PST_KIND_BRANCH:
    case PST_KIND_EXIT:
    case PST_KIND_CAST: return false;
    }
    PST_UNREACHABLE();
}

static void note_caller(jit_unit *unit, uint32_t callee)
{
    unit->funcs[pst_image_subprog_at(unit->image, callee) - unit->image->subprogs].callers++;
}

static void note_call(jit_unit *unit, const pst_insn *insn, uint32_t pc)
{
    bool names = insn->kind == PST_KIND_IMM64 && insn->op == PST_IMM64_FUNC;
    if (names || (insn->kind == PST_KIND_CALL && insn->op == PST_CALL_SUBPROG)) note_caller(unit, target_of(insn, pc));
    if (insn->kind == PST_KIND_IMM64 && insn->op == PST_IMM64_FUNC) {
        unit->counts_depth = true;
        if (target_of(insn, pc) == 0) unit->main_is_called = true;
    }
    if (insn->kind != PST_KIND_CALL) return;
    if (insn->op == PST_CALL_SUBPROG && target_of(insn, pc) == 0) unit->main_is_called = true;
    if (insn->op == PST_CALL_REGISTER) unit->counts_depth = true;
    if (insn->op != PST_CALL_HELPER) return;
    const pst_helper *helper = jit_helper(unit->bindings, insn->imm);
    if (helper && helper->proto->flags & PST_HELPER_CALLBACK) unit->calls_back = unit->counts_depth = true;
    if (helper && asks_can_read(helper)) unit->reads_stack = true;
}

static void study_insn(jit_unit *unit, jit_func *func, const pst_insn *insn, uint32_t pc)
{
    jit_effect effect = unit->effects[pc] = effect_of(unit, insn);
    func->written |= effect.defs;
    if (effect.uses & JIT_REG(PST_REG_FP)) {
        uint16_t bytes = stack_of(insn);
        func->has_frame = true;
        if (bytes > func->stack_bytes) func->stack_bytes = bytes;
    }
    if (insn->kind == PST_KIND_CALL || insn->kind == PST_KIND_LEGACY_LOAD) func->calls = true;
    if (insn->kind == PST_KIND_CALL && insn->op == PST_CALL_REGISTER) func->has_frame = true; // it moves the stack pointer: unwinders need another
    if (insn->kind == PST_KIND_MAY_GOTO) unit->has_may_goto = true;
    if (jit_facts_at(unit, pc) & PST_FACT_METERED) unit->has_metered = true;
    if (can_fault(insn) || unit->has_metered) unit->needs_run = true;
    note_call(unit, insn, pc);
    if (!jumps(insn)) return;
    uint32_t target = target_of(insn, pc);
    unit->marks[target] |= JIT_TARGET;
    if (target <= pc) unit->marks[target] |= JIT_LOOP_HEAD;
}

static pst_status study(jit_unit *unit)
{
    const pst_image *image = unit->image;
    for (uint32_t i = 0; i < image->subprog_count; i++) {
        jit_func *func = &unit->funcs[i];
        func->start = image->subprogs[i].start;
        func->end = func->start + image->subprogs[i].count;
        unit->marks[func->start] |= JIT_TARGET;
        for (uint32_t pc = func->start; pc < func->end; pc++) {
            const pst_insn *insn = &image->insns[pc];
            if (insn->kind == PST_KIND_PADDING) continue;
            if (jit_is_dead(unit, pc)) {
                unit->needs_run = true; // should the proof be wrong, it faults there
                continue;
            }
            const char *what = unsupported(unit, insn);
            if (what) return pst_fail(unit->env, PST_E_UNSUPPORTED, "instruction %u is %s, which no compiler here translates yet", pc, what);
            study_insn(unit, func, insn, pc);
        }
    }
    // Frames of known size that form a chain are what can_read walks.
    for (uint32_t i = 0; unit->reads_stack && i < image->subprog_count; i++) {
        unit->funcs[i].has_frame = true;
        unit->funcs[i].stack_bytes = PST_FRAME_BYTES;
    }
    for (uint32_t i = 0; i < image->subprog_count; i++) {
        unit->funcs[i].has_frame |= unit->walkable;
        unit->written |= unit->funcs[i].written;
        unit->has_frames |= unit->funcs[i].has_frame;
    }
    return PST_OK;
}

// Levels of the call graph by repeated relaxation: as many rounds as there may be frames. A graph that is deeper, or has cycles, is left to
// a counter at run time.
static pst_status measure_depth(jit_unit *unit)
{
    const pst_image *image = unit->image;
    uint8_t *level = pst_alloc_zero(unit->env, image->subprog_count, 1);
    if (!level) return PST_E_NOMEM;
    bool changed = true;
    for (unsigned round = 0; changed && !unit->counts_depth; round++) {
        changed = false;
        for (uint32_t i = 0; i < image->subprog_count; i++)
            for (uint32_t pc = unit->funcs[i].start; unit->funcs[i].calls && pc < unit->funcs[i].end; pc++) {
                const pst_insn *insn = &image->insns[pc];
                if (insn->kind != PST_KIND_CALL || insn->op != PST_CALL_SUBPROG || jit_is_dead(unit, pc)) continue;
                uint8_t *callee = &level[pst_image_subprog_at(image, target_of(insn, pc)) - image->subprogs];
                if (*callee > level[i]) continue;
                *callee = (uint8_t)(level[i] + 1);
                changed = true;
                if (*callee >= PST_FRAMES_MAX) unit->counts_depth = true;
            }
    }
    pst_free(unit->env, level, image->subprog_count);
    return PST_OK;
}

// --- Liveness -------------------------------------------------------------------------------------------------

static bool falls_through(const pst_insn *insn) { return insn->kind != PST_KIND_JUMP && insn->kind != PST_KIND_EXIT; }

// One sweep from the end of a subprogram to its beginning. in[pc]: registers live before pc. True: a loop head has news.
static bool sweep(jit_unit *unit, const jit_func *func, uint16_t *in)
{
    bool news = false;
    for (uint32_t pc = func->end; pc-- > func->start;) {
        const pst_insn *insn = &unit->image->insns[pc];
        uint16_t live = 0;
        if (insn->kind == PST_KIND_PADDING) { // facts say nothing about it
            in[pc] = pc + 1 < func->end ? in[pc + 1] : 0;
            continue;
        }
        if (jit_is_dead(unit, pc)) continue;
        if (falls_through(insn) && pc + 1 < func->end) live = in[pc + 1];
        if (jumps(insn)) live |= in[target_of(insn, pc)];
        unit->live[pc] = live;
        uint16_t before = (uint16_t)((live & ~unit->effects[pc].defs) | unit->effects[pc].uses);
        if (before != in[pc] && unit->marks[pc] & JIT_LOOP_HEAD) news = true;
        in[pc] = before;
    }
    return news;
}

uint16_t jit_live_in(const jit_unit *unit, uint32_t subprog)
{
    uint32_t start = unit->funcs[subprog].start;
    const jit_effect *effect = &unit->effects[start];
    return (uint16_t)((unit->live[start] & ~effect->defs) | effect->uses);
}

static pst_status find_live(jit_unit *unit)
{
    uint32_t count = unit->image->count;
    uint16_t *in = pst_alloc_zero(unit->env, count, sizeof *in);
    if (!in) return PST_E_NOMEM;
    for (uint32_t i = 0; i < unit->image->subprog_count; i++) {
        const jit_func *func = &unit->funcs[i];
        unsigned sweeps = 0;
        while (sweep(unit, func, in) && ++sweeps < SWEEPS_MAX) continue;
        for (uint32_t pc = func->start; sweeps == SWEEPS_MAX && pc < func->end; pc++) unit->live[pc] = JIT_ALL_REGS;
    }
    unit->entry_live = in[0];
    pst_free(unit->env, in, count * sizeof *in);
    return PST_OK;
}

pst_status jit_analyse(jit_unit *unit)
{
    const pst_image *image = unit->image;
    unit->effects = pst_alloc_zero(unit->env, image->count, sizeof *unit->effects);
    unit->live = pst_alloc_zero(unit->env, image->count, sizeof *unit->live);
    unit->marks = pst_alloc_zero(unit->env, image->count, sizeof *unit->marks);
    unit->funcs = pst_alloc_zero(unit->env, image->subprog_count, sizeof *unit->funcs);
    if (!unit->effects || !unit->live || !unit->marks || !unit->funcs) return PST_E_NOMEM;
    PST_TRY(study(unit));
    PST_TRY(measure_depth(unit));
    PST_TRY(find_live(unit));
    return jit_find_guesses(unit);
}

void jit_unit_free(jit_unit *unit)
{
    pst_free(unit->env, unit->effects, unit->image->count * sizeof *unit->effects);
    pst_free(unit->env, unit->live, unit->image->count * sizeof *unit->live);
    pst_free(unit->env, unit->guesses, unit->image->count * sizeof *unit->guesses);
    pst_free(unit->env, unit->marks, unit->image->count * sizeof *unit->marks);
    pst_free(unit->env, unit->funcs, unit->image->subprog_count * sizeof *unit->funcs);
}
