// guess.c: PST_JIT_MASK: what a wrong guess of a branch may not move, and from where on it matters whether one was guessed wrong.
//
// Called by analyse.c. "It matters" is liveness of one more register: an access whose place a wrong guess can move reads it, and so does a call that gets
// arguments; a branch changes it, on both its ways; what waits for all branches sets it anew. A back end that has such a register (it holds whether the
// way is the right one) keeps it up to date where it is live and nowhere else.
#include "jit/guess.h"

#define SWEEPS_MAX 16u

bool jit_is_moved(const jit_unit *unit, const pst_insn *insn, uint32_t pc)
{
    uint8_t facts = jit_facts_at(unit, pc);
    bool steady = (facts & (PST_FACT_STEADY | PST_FACT_CONTEXT)) != 0;
    if (insn->kind == PST_KIND_LOAD || insn->kind == PST_KIND_LOAD_ACQUIRE) return !steady && insn->src != PST_REG_FP;
    bool stores = insn->kind == PST_KIND_STORE || insn->kind == PST_KIND_STORE_RELEASE || insn->kind == PST_KIND_ATOMIC;
    return stores && !steady && insn->dst != PST_REG_FP;
}

bool jit_calls_out(const pst_insn *insn)
{
    return insn->kind == PST_KIND_LEGACY_LOAD || (insn->kind == PST_KIND_CALL && insn->op != PST_CALL_SUBPROG);
}

bool jit_wants_barrier(const jit_unit *unit, const pst_insn *insn, uint32_t pc)
{
    return unit->harden & PST_JIT_MASK && (jit_is_moved(unit, insn, pc) || jit_calls_out(insn));
}

// Whether insn asks if the way is right. A subprogram goes on with its caller's answer, and the caller with the subprogram's.
static bool asks(const jit_unit *unit, const jit_func *func, const pst_insn *insn, uint32_t pc)
{
    if (insn->kind == PST_KIND_CALL && insn->op == PST_CALL_SUBPROG) return true;
    if (insn->kind == PST_KIND_EXIT) return func != &unit->funcs[0] || unit->main_is_called;
    if (insn->kind == PST_KIND_CALL) return (unit->effects[pc].uses & ~JIT_REG(0)) != 0;
    return jit_is_moved(unit, insn, pc);
}

bool jit_settles_guesses(const jit_unit *unit, const pst_insn *insn, uint32_t pc)
{
    const pst_fact_call *fact;
    bool inlined = insn->kind == PST_KIND_CALL && insn->op == PST_CALL_HELPER && jit_known_array(unit, pc, &fact);
    return jit_calls_out(insn) && !inlined;
}

// One sweep from the end of a subprogram to its beginning. True: a loop head has news.
static bool sweep(const jit_unit *unit, const jit_func *func, bool *asked)
{
    bool news = false;
    for (uint32_t pc = func->end; pc-- > func->start;) {
        const pst_insn *insn = &unit->image->insns[pc];
        bool next = pc + 1 < func->end && asked[pc + 1], before = next;
        if (insn->kind != PST_KIND_PADDING) { // facts say nothing about it
            bool jumps = insn->kind == PST_KIND_JUMP || insn->kind == PST_KIND_BRANCH || insn->kind == PST_KIND_MAY_GOTO;
            if (jit_is_dead(unit, pc)) continue;
            if (insn->kind == PST_KIND_JUMP || insn->kind == PST_KIND_EXIT) before = false;
            if (jumps) before |= asked[(uint32_t)((int64_t)pc + 1 + insn->target)];
            if (jit_settles_guesses(unit, insn, pc)) before = false;
            before |= asks(unit, func, insn, pc);
        }
        if (before != asked[pc] && unit->marks[pc] & JIT_LOOP_HEAD) news = true;
        asked[pc] = before;
    }
    return news;
}

static bool has_cause(const jit_unit *unit)
{
    for (uint32_t pc = 0; pc < unit->image->count; pc++) {
        const pst_insn *insn = &unit->image->insns[pc];
        if (insn->kind != PST_KIND_PADDING && !jit_is_dead(unit, pc) && jit_wants_barrier(unit, insn, pc)) return true;
    }
    return false;
}

pst_status jit_find_guesses(jit_unit *unit)
{
    if (!has_cause(unit)) return PST_OK;
    unit->asked = pst_alloc_zero(unit->env, unit->image->count, sizeof *unit->asked);
    if (!unit->asked) return PST_E_NOMEM;
    for (uint32_t i = 0; i < unit->image->subprog_count; i++) {
        const jit_func *func = &unit->funcs[i];
        unsigned sweeps = 0;
        while (sweep(unit, func, unit->asked) && ++sweeps < SWEEPS_MAX) continue;
        for (uint32_t pc = func->start; sweeps == SWEEPS_MAX && pc < func->end; pc++) unit->asked[pc] = true;
    }
    return PST_OK;
}

jit_machine jit_machine_for(const jit_back_end *back_end, const jit_unit *unit)
{
    jit_machine machine = back_end->machine;
    if (unit->asked) machine.regs &= (uint16_t)~back_end->guess_reg;
    return machine;
}
