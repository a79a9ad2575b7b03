// select_guess.c: PST_JIT_MASK on x86-64: what a wrong guess of a branch may not move.
//
// A register that the program does not use (x->guess) holds all ones while every branch was guessed right, else 0. Behind each branch, on both its ways, a
// conditional move makes it 0 where the condition says that this is the wrong way: conditional moves are not guessed, they wait for the flags. What
// may be elsewhere on a wrong way has its address, and a C function its arguments, combined with it. So a wrong way gets to one place that no data chose.
// T1 holds the 0 to move. Both are right where guess.h says that somebody asks, and nobody keeps them elsewhere: the flags of a branch whose way is not
// asked about cost nothing. Without a free register everything waits (lfence).
#include "jit/guess.h"
#include "jit/x64/select.h"

static bool asked(const x64_select *x, uint32_t pc) { return x->guess != NO_REG && jit_guesses_at(x->unit, pc) & JIT_GUESS_ASKED; }

static bool asked_behind(const x64_select *x) { return asked(x, x->pc + x->taken); }

// --- The register ---------------------------------------------------------------------------------------------

// One of r6 to r9, which C functions keep.
static x64_reg free_register(const x64_select *x)
{
    const jit_unit *unit = x->unit;
    uint16_t used = unit->entry_live;
    for (uint32_t pc = 0; pc < unit->image->count; pc++) used |= unit->effects[pc].uses | unit->effects[pc].defs;
    for (unsigned reg = 9; reg >= 6; reg--)
        if (!(used >> reg & 1)) return x64_of(&x->state, reg);
    return NO_REG;
}

// One branch to each target may become 0 right in front of it, in the way of nobody else: the last of those that close a loop, or the first one where nothing
// falls into the target. The others go round by cold code.
static void choose_pads(x64_select *x)
{
    const jit_unit *unit = x->unit;
    for (uint32_t pc = 0; pc < unit->image->count; pc++) {
        const pst_insn *insn = &unit->image->insns[pc];
        if (insn->kind != PST_KIND_BRANCH || jit_is_dead(unit, pc)) continue;
        uint32_t target = (uint32_t)((int64_t)pc + 1 + insn->target), *pad = &x->pads[target];
        const pst_insn *before = target > pc ? &unit->image->insns[target - 1] : NULL;
        bool closed = before && target - 1 != pc && !jit_is_dead(unit, target - 1) &&
                      (before->kind == PST_KIND_EXIT || (before->kind == PST_KIND_JUMP && before->target != 0));
        if (target <= pc || (closed && *pad == 0)) *pad = pc + 1;
    }
}

pst_status x64_guess_init(x64_select *x)
{
    x->guess = NO_REG;
    if (!x->unit->asks) return PST_OK;
    x->guess = (uint8_t)free_register(x);
    if (x->guess == NO_REG) return PST_OK;
    x->pads = pst_alloc_zero(x->unit->env, x->unit->image->count, sizeof *x->pads);
    if (!x->pads) return PST_E_NOMEM;
    choose_pads(x);
    return PST_OK;
}

void x64_guess_enter(x64_select *x)
{
    if (x->guess == NO_REG) return;
    x64_mov_ri(x->state.code, (x64_reg)x->guess, UINT64_MAX);
    x64_mov_ri(x->state.code, T1, 0);
}

void x64_guess_wait(x64_select *x)
{
    x64_lfence(x->state.code);
    if (x->guess != NO_REG) x64_mov_ri(x->state.code, T1, 0);
}

// --- Branches -------------------------------------------------------------------------------------------------

static void wrong_if(x64_select *x, x64_cc cc) { x64_cmov(x->state.code, 64, cc, (x64_reg)x->guess, T1); }

x64_label x64_guess_taken(x64_select *x, x64_cc cc, uint32_t target)
{
    if (!asked(x, target)) return target;
    if (x->pads[target] == x->pc + 1) return x->pad_labels + target;
    x64_cold *cold = x64_cold_new(x, COLD_GUESS);
    cold->cc = (uint8_t)(cc ^ 1);
    cold->guesses = true;
    cold->back = target;
    return cold->from;
}

void x64_guess_other(x64_select *x, x64_cc cc, uint32_t other)
{
    if (asked(x, other)) wrong_if(x, cc);
}

bool x64_guess_asks(const x64_select *x, uint32_t pc) { return asked(x, pc); }

void x64_guess_wrong_if(x64_select *x, x64_cc cc, x64_cold *cold)
{
    if (x->guess == NO_REG) return;
    wrong_if(x, cc);
    cold->cc = (uint8_t)(cc ^ 1);
    cold->guesses = true;
}

void x64_guess_settle(x64_select *x)
{
    if (asked_behind(x)) x64_guess_wait(x);
}

void x64_guess_cold(x64_select *x, const x64_cold *cold)
{
    if (cold->guesses) wrong_if(x, (x64_cc)cold->cc);
}

static x64_cc condition_of(const x64_select *x, uint32_t pc) { return x64_cc_of((pst_jump_op)x->unit->image->insns[pc].op); }

void x64_guess_pad(x64_select *x)
{
    uint32_t from = x->pads[x->pc] - 1;
    const pst_insn *before = x->pc > x->func->start ? &x->unit->image->insns[x->pc - 1] : NULL;
    bool closed = before && !jit_is_dead(x->unit, x->pc - 1) && (before->kind == PST_KIND_EXIT || (before->kind == PST_KIND_JUMP && before->target != 0));
    if (!closed) x64_jump(x->state.code, CC_ALWAYS, x->pc);
    if (x->unit->marks[x->pc] & JIT_LOOP_HEAD) x64_align(x->state.code, X64_LOOP_ALIGN);
    x64_bind(x->state.code, x->pad_labels + x->pc);
    wrong_if(x, condition_of(x, from) ^ 1);
}

// --- Accesses and calls ---------------------------------------------------------------------------------------

x64_mem x64_guess_operand(x64_select *x, x64_mem mem, x64_reg scratch)
{
    x64_code *code = x->state.code;
    if (!x->moved) return mem;
    if (mem.index == NO_REG) {
        x64_mov_rr(code, 64, scratch, (x64_reg)mem.base);
    } else {
        x64_lea(code, 64, scratch, (x64_mem){mem.base, mem.index, mem.scale, mem.base == NO_REG ? mem.disp : 0});
        if (mem.base == NO_REG) mem.disp = 0;
    }
    x64_alu_rr(code, ALU_AND, 64, scratch, (x64_reg)x->guess);
    return x64_at(scratch, mem.disp);
}

void x64_guess_value(x64_select *x, const pst_insn *insn, unsigned reg)
{
    x64_state *s = &x->state;
    if (x->guess == NO_REG || !(jit_guesses_at(x->unit, (uint32_t)(insn - x->unit->image->insns)) & JIT_GUESS_VALUE)) return;
    if (!(s->pending & JIT_REG(reg))) x64_alu_rr(s->code, ALU_AND, 64, x64_of(s, reg), (x64_reg)x->guess); // else it is a constant
}

void x64_guess_result(x64_select *x)
{
    if (!x->unit->asks || x->func != &x->unit->funcs[0] || !x->unit->masks_result) return;
    if (x->guess == NO_REG) x64_lfence(x->state.code);
    else x64_alu_rr(x->state.code, ALU_AND, 64, x64_of(&x->state, 0), (x64_reg)x->guess);
}

void x64_guess_arguments(x64_select *x)
{
    if (x->guess == NO_REG) return;
    for (unsigned reg = 1; reg <= PST_ARGS_MAX; reg++)
        if (x->state.uses >> reg & 1) x64_alu_rr(x->state.code, ALU_AND, 64, x64_of(&x->state, reg), (x64_reg)x->guess);
}

// Instructions whose code needs more registers than there are beside the two, or which are rare: they wait.
static bool only_waits(const x64_select *x, const pst_insn *insn)
{
    if (x->guess == NO_REG) return jit_wants_barrier(x->unit, insn, x->pc) || jit_guesses_at(x->unit, x->pc) & JIT_GUESS_VALUE;
    if (insn->kind == PST_KIND_ATOMIC && jit_is_moved(x->unit, insn, x->pc))
        return insn->flags & PST_INSN_FETCH && insn->op != PST_ATOMIC_ADD && insn->op != PST_ATOMIC_XCHG && insn->op != PST_ATOMIC_CMPXCHG;
    if (insn->kind == PST_KIND_LEGACY_LOAD) return true;
    if (insn->kind != PST_KIND_CALL) return false;
    const pst_helper *helper = jit_callee(x->unit->bindings, insn);
    return insn->op == PST_CALL_REGISTER || (insn->op == PST_CALL_HELPER && helper && helper->proto->flags & PST_HELPER_TAIL_CALL);
}

void x64_guess_before(x64_select *x, const pst_insn *insn)
{
    x->moved = false;
    if (!x->unit->asks) return;
    if (only_waits(x, insn)) x64_lfence(x->state.code);
    else x->moved = x->guess != NO_REG && jit_is_moved(x->unit, insn, x->pc) && !(jit_guesses_at(x->unit, x->pc) & JIT_GUESS_BOUNDED);
}

// Whether selection has used T1 for something else.
static bool used_t1(const x64_select *x, const pst_insn *insn)
{
    if (insn->kind == PST_KIND_ATOMIC || (insn->kind == PST_KIND_STORE && x->moved && x->state.code->blind)) return true;
    return insn->kind == PST_KIND_ALU && (insn->op == PST_ALU_DIV || insn->op == PST_ALU_MOD || insn->op == PST_ALU_SDIV || insn->op == PST_ALU_SMOD);
}

void x64_guess_after(x64_select *x, const pst_insn *insn)
{
    if (!x->unit->asks) return;
    if (x->guess == NO_REG) { // what a C function returned
        if (jit_calls_out(insn)) x64_lfence(x->state.code);
    } else if (insn->kind == PST_KIND_LEGACY_LOAD) { // what it brings is of a packet, and C looked at its length
        x64_guess_wait(x);
    } else if (asked_behind(x)) {
        if (jit_settles_guesses(x->unit, insn, x->pc)) x64_guess_wait(x);
        else if (used_t1(x, insn)) x64_mov_ri(x->state.code, T1, 0);
    }
}
