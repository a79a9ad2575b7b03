// guess.c: PST_JIT_MASK: which values, places and calls a wrong guess of a branch may not decide, and from where on it matters whether one was guessed wrong.
//
// Called by analyse.c. Two questions, both answered backwards like liveness, over registers of the program:
//  - Where may what a load brings go to? What it reads on a wrong way may be anything. It tells that to the world as an address, as the condition of a branch
//    (which decides what is fetched next), or as what a subprogram gets or returns. Such loads are to be masked; sums that end in memory are not, since what
//    is loaded from there is looked at again. What the program returns to C is masked once, at its end.
//  - Where does somebody ask if the way is right? That is one more register that masks read, branches change on both their ways, and whoever waits for all
//    branches sets anew. A back end that has such a register keeps it up to date where it is live, and nowhere else.
#include "jit/guess.h"

#include <string.h>

#include "jit/bound.h"

#define SWEEPS_MAX 16u

typedef uint32_t flow; // low half: registers that may become an address or a condition; high half: those that main may return
#define RETURNS_SHIFT 16u
#define FLOW_ALL UINT32_MAX
#define FLOW_OF(reg) ((flow)(JIT_REG(reg) | (uint32_t)JIT_REG(reg) << RETURNS_SHIFT))

typedef struct guesses {
    jit_unit *unit;
    uint32_t straight; // slots of main before the first branch: there is nothing to guess
    bool trusts;       // loads that are bounded are not masked: so what is stored has to be
    flow *in;          // per slot: of registers before it
} guesses;

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

static bool is_load(const pst_insn *insn) { return insn->kind == PST_KIND_LOAD || insn->kind == PST_KIND_LOAD_ACQUIRE; }
static bool is_inlined(const jit_unit *unit, const pst_insn *insn, uint32_t pc)
{
    const pst_fact_call *fact;
    return insn->kind == PST_KIND_CALL && insn->op == PST_CALL_HELPER && jit_known_array(unit, pc, &fact);
}

// What comes from memory in a register; PST_REG_FP: nothing.
static unsigned loaded(const pst_insn *insn)
{
    if (is_load(insn)) return insn->dst;
    if (insn->kind != PST_KIND_ATOMIC || !(insn->flags & PST_INSN_FETCH)) return PST_REG_FP;
    return insn->op == PST_ATOMIC_CMPXCHG ? 0 : insn->src;
}

static uint32_t target_of(const pst_insn *insn, uint32_t pc) { return (uint32_t)((int64_t)pc + 1 + insn->target); }

static bool jumps(const pst_insn *insn)
{
    return insn->kind == PST_KIND_JUMP || insn->kind == PST_KIND_BRANCH || insn->kind == PST_KIND_MAY_GOTO;
}

// --- Where values go ------------------------------------------------------------------------------------------

static bool is_division(const pst_insn *insn)
{
    return insn->op == PST_ALU_DIV || insn->op == PST_ALU_MOD || insn->op == PST_ALU_SDIV || insn->op == PST_ALU_SMOD;
}

static flow computed(const pst_insn *insn, flow out, uint16_t uses)
{
    flow into = 0;
    if (out & JIT_REG(insn->dst)) into |= uses;
    if (out >> RETURNS_SHIFT & JIT_REG(insn->dst)) into |= (flow)uses << RETURNS_SHIFT;
    // How long a division takes, and whether it takes place, depends on its operands.
    if (insn->kind == PST_KIND_ALU && is_division(insn) && !(insn->flags & PST_INSN_IMM)) into |= uses;
    return into;
}

static flow flow_before(const guesses *g, const jit_func *func, const pst_insn *insn, uint32_t pc, flow out)
{
    const jit_unit *unit = g->unit;
    uint16_t uses = unit->effects[pc].uses, defs = unit->effects[pc].defs;
    flow kept = out & ~(flow)(defs | (uint32_t)defs << RETURNS_SHIFT);
    if (insn->kind == JIT_KIND_SELECT) return kept | computed(insn, out, uses);
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU:
    case PST_KIND_SWAP: return kept | computed(insn, out, uses);
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE: return kept | JIT_REG(insn->src);
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE:
    case PST_KIND_ATOMIC: return kept | (g->trusts ? uses : (flow)JIT_REG(insn->dst));
    case PST_KIND_BRANCH:
    case PST_KIND_LEGACY_LOAD: return kept | uses;
    case PST_KIND_CALL: return insn->op == PST_CALL_SUBPROG || insn->op == PST_CALL_REGISTER || is_inlined(unit, insn, pc) ? kept | uses : kept; // others get masked arguments
    case PST_KIND_EXIT: return func == &unit->funcs[0] && !unit->main_is_called ? (flow)JIT_REG(0) << RETURNS_SHIFT : JIT_REG(0);
    case PST_KIND_IMM64:
    case PST_KIND_PADDING:
    case PST_KIND_JUMP:
    case PST_KIND_MAY_GOTO:
    case PST_KIND_CAST: return kept;
    }
    PST_UNREACHABLE();
}

static flow flow_after(const guesses *g, const jit_func *func, const pst_insn *insn, uint32_t pc)
{
    flow out = 0;
    if (insn->kind != PST_KIND_JUMP && insn->kind != PST_KIND_EXIT && pc + 1 < func->end) out = g->in[pc + 1];
    return jumps(insn) ? out | g->in[target_of(insn, pc)] : out;
}

// One sweep from the end of a subprogram to its beginning. True: a loop head has news.
static bool sweep_flow(guesses *g, const jit_func *func)
{
    const jit_unit *unit = g->unit;
    bool news = false;
    for (uint32_t pc = func->end; pc-- > func->start;) {
        const pst_insn *insn = &unit->image->insns[pc];
        flow before;
        if (insn->kind == PST_KIND_PADDING) before = pc + 1 < func->end ? g->in[pc + 1] : 0; // facts say nothing about it
        else if (jit_is_dead(unit, pc)) continue;
        else before = flow_before(g, func, insn, pc, flow_after(g, func, insn, pc));
        if (before != g->in[pc] && unit->marks[pc] & JIT_LOOP_HEAD) news = true;
        g->in[pc] = before;
    }
    return news;
}

// Where what is loaded at pc goes; 0: nowhere, or nothing is loaded.
static flow loaded_flow(const guesses *g, const jit_func *func, uint32_t pc)
{
    const jit_unit *unit = g->unit;
    const pst_insn *insn = &unit->image->insns[pc];
    unsigned reg = insn->kind == PST_KIND_PADDING ? PST_REG_FP : loaded(insn);
    if (reg == PST_REG_FP || jit_is_dead(unit, pc) || pc < g->straight) return 0;
    return flow_after(g, func, insn, pc) & FLOW_OF(reg);
}

static void follow(guesses *g)
{
    const jit_unit *unit = g->unit;
    memset(g->in, 0, unit->image->count * sizeof *g->in);
    for (uint32_t i = 0; i < unit->image->subprog_count; i++) {
        const jit_func *func = &unit->funcs[i];
        unsigned sweeps = 0;
        while (sweep_flow(g, func) && ++sweeps < SWEEPS_MAX) continue;
        for (uint32_t pc = func->start; sweeps == SWEEPS_MAX && pc < func->end; pc++) g->in[pc] = FLOW_ALL;
    }
}

// Marks the loads to be masked; how many.
static uint32_t mark_values(guesses *g, bool trusts)
{
    jit_unit *unit = g->unit;
    uint32_t count = 0;
    g->trusts = trusts;
    follow(g);
    unit->masks_result = false;
    for (uint32_t i = 0; i < unit->image->subprog_count; i++)
        for (uint32_t pc = unit->funcs[i].start; pc < unit->funcs[i].end; pc++) {
            flow to = trusts && unit->guesses[pc] & JIT_GUESS_BOUNDED ? 0 : loaded_flow(g, &unit->funcs[i], pc);
            bool masked = (to & JIT_ALL_REGS) != 0;
            unit->guesses[pc] = (uint8_t)((unit->guesses[pc] & ~JIT_GUESS_VALUE) | (masked ? JIT_GUESS_VALUE : 0));
            if (to && !masked) unit->masks_result = true;
            count += masked;
        }
    return count;
}

// --- Who asks -------------------------------------------------------------------------------------------------

// Whether insn asks if the way is right. A subprogram goes on with its caller's answer, and the caller with the subprogram's.
static bool asks(const guesses *g, const jit_func *func, const pst_insn *insn, uint32_t pc)
{
    const jit_unit *unit = g->unit;
    if (pc < g->straight) return false;
    if (insn->kind == PST_KIND_CALL && insn->op == PST_CALL_SUBPROG) return true;
    if (insn->kind == PST_KIND_EXIT) return func != &unit->funcs[0] || unit->main_is_called || unit->masks_result;
    if (insn->kind == PST_KIND_LEGACY_LOAD) return true;
    if (insn->kind == PST_KIND_CALL) return (unit->effects[pc].uses & ~JIT_REG(0)) != 0;
    return unit->guesses[pc] & JIT_GUESS_VALUE || (!is_load(insn) && jit_is_moved(unit, insn, pc) && !(unit->guesses[pc] & JIT_GUESS_BOUNDED));
}

bool jit_settles_guesses(const jit_unit *unit, const pst_insn *insn, uint32_t pc) { return jit_calls_out(insn) && !is_inlined(unit, insn, pc); }

static bool sweep_asked(const guesses *g, const jit_func *func)
{
    const jit_unit *unit = g->unit;
    bool news = false;
    for (uint32_t pc = func->end; pc-- > func->start;) {
        const pst_insn *insn = &unit->image->insns[pc];
        bool before = pc + 1 < func->end && unit->guesses[pc + 1] & JIT_GUESS_ASKED;
        if (insn->kind != PST_KIND_PADDING) {
            if (jit_is_dead(unit, pc)) continue;
            if (insn->kind == PST_KIND_JUMP || insn->kind == PST_KIND_EXIT) before = false;
            if (jumps(insn)) before |= (unit->guesses[target_of(insn, pc)] & JIT_GUESS_ASKED) != 0;
            if (jit_settles_guesses(unit, insn, pc)) before = false;
            before |= asks(g, func, insn, pc);
        }
        if (before != ((unit->guesses[pc] & JIT_GUESS_ASKED) != 0) && unit->marks[pc] & JIT_LOOP_HEAD) news = true;
        if (before) unit->guesses[pc] |= JIT_GUESS_ASKED; // it only grows
    }
    return news;
}

// --- All together ---------------------------------------------------------------------------------------------

static uint32_t straight_slots(const jit_unit *unit)
{
    uint32_t pc = 0;
    if (unit->main_is_called || unit->marks[0] & JIT_LOOP_HEAD) return 0;
    for (; pc < unit->funcs[0].end && (pc == 0 || !(unit->marks[pc] & JIT_TARGET)); pc++) {
        const pst_insn *insn = &unit->image->insns[pc];
        bool divides = insn->kind == PST_KIND_ALU && is_division(insn);
        if (jumps(insn) || insn->kind == PST_KIND_EXIT || insn->kind == PST_KIND_CALL || insn->kind == PST_KIND_LEGACY_LOAD || divides) return pc;
    }
    return pc;
}

pst_status jit_find_guesses(jit_unit *unit)
{
    uint32_t count = unit->image->count;
    if (!(unit->harden & PST_JIT_MASK)) return PST_OK;
    guesses g = {.unit = unit, .straight = straight_slots(unit)};
    unit->guesses = pst_alloc_zero(unit->env, count, sizeof *unit->guesses);
    if (!unit->guesses) return PST_E_NOMEM;
    PST_TRY(jit_find_bounded(unit));
    g.in = pst_alloc_zero(unit->env, count, sizeof *g.in);
    if (!g.in) return PST_E_NOMEM;
    // Either memory holds nothing of a wrong way, and bounded loads are free, or every load is looked at: whichever masks less.
    uint32_t masked = mark_values(&g, false);
    if (mark_values(&g, true) > masked) (void)mark_values(&g, false);
    for (uint32_t i = 0; i < unit->image->subprog_count; i++) {
        const jit_func *func = &unit->funcs[i];
        unsigned sweeps = 0;
        while (sweep_asked(&g, func) && ++sweeps < SWEEPS_MAX) continue;
        for (uint32_t pc = func->start; sweeps == SWEEPS_MAX && pc < func->end; pc++) unit->guesses[pc] |= JIT_GUESS_ASKED;
    }
    for (uint32_t pc = 0; pc < count; pc++) unit->asks |= (unit->guesses[pc] & (JIT_GUESS_ASKED | JIT_GUESS_VALUE)) != 0;
    pst_free(unit->env, g.in, count * sizeof *g.in);
    return PST_OK;
}

jit_machine jit_machine_for(const jit_back_end *back_end, const jit_unit *unit)
{
    jit_machine machine = back_end->machine;
    if (unit->asks) machine.regs &= (uint16_t)~back_end->guess_reg;
    return machine;
}
