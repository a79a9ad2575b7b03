// endless.c: which variable of a loop does not progress.
//
// Called by terminate.c once a loop was found that nothing bounds. Reads the program only, no states: for each branch that leaves the loop, what it tests is
// followed backwards around the loop, through moves, arithmetic with constants, and spills relative to r10. What is said holds for the text of the loop.
#include "verify/endless.h"

#include <string.h>

#include "base/format.h"
#include "verify/call.h"

#define DEFS_MAX 4u
#define FOLLOW_MAX 24u

// By how much is known of it: the finding tells of the greatest.
typedef enum progress {
    PROGRESS_NONE,      // no branch leaves the loop
    PROGRESS_MANY,      // set at several places
    PROGRESS_CONST,     // always the same number
    PROGRESS_UNCHANGED, // no turn changes it
    PROGRESS_LOADED,    // anew from memory
    PROGRESS_RETURNED,  // anew from a call
    PROGRESS_STEPS,     // each turn adds to it
    PROGRESS_SKIPS,     // a turn may add to it
} progress;

typedef struct variable {
    progress how;
    uint32_t branch, def; // pcs
    uint8_t reg;          // that the branch tests
    bool by_reg;          // what is added is in a register
    uint8_t added_reg;
    int64_t added;
} variable;

typedef struct turn {
    const verifier *v;
    pst_arena arena;
    uint32_t loop;
    uint32_t *seen; // by block: mark of the last search
    uint32_t *todo; // blocks
    uint32_t mark;
    const uint32_t *pred_start, *preds;
} turn;

// --- The loop's blocks ---------------------------------------------------------------------------------------------------

static bool inside(const turn *w, uint32_t block) { return block != VFLOW_NONE && vflow_in_loop(&w->v->flow, block, w->loop); }

static bool writes_reg(const pst_insn *insn, uint8_t reg)
{
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU:
    case PST_KIND_SWAP:
    case PST_KIND_IMM64:
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE:
    case PST_KIND_CAST: return insn->dst == reg;
    case PST_KIND_ATOMIC: return (insn->flags & PST_INSN_FETCH) && reg == (insn->op == PST_ATOMIC_CMPXCHG ? 0 : insn->src);
    case PST_KIND_CALL:
    case PST_KIND_LEGACY_LOAD: return reg <= 5;
    case PST_KIND_PADDING:
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE:
    case PST_KIND_JUMP:
    case PST_KIND_BRANCH:
    case PST_KIND_MAY_GOTO:
    case PST_KIND_EXIT: return false;
    }
    return false;
}

// A register, or eight bytes relative to r10.
typedef struct cell {
    bool on_stack;
    uint8_t reg;
    int16_t off;
} cell;

static bool writes(const pst_insn *insn, const cell *c)
{
    if (!c->on_stack) return writes_reg(insn, c->reg);
    bool stores = insn->kind == PST_KIND_STORE || insn->kind == PST_KIND_STORE_RELEASE || insn->kind == PST_KIND_ATOMIC;
    return stores && insn->dst == PST_REG_FP && insn->off == c->off;
}

// The instructions of the loop that c may have its value from before pc; more than DEFS_MAX are not told apart.
static uint32_t find_defs(turn *w, const cell *c, uint32_t pc, uint32_t defs[DEFS_MAX])
{
    const vflow *flow = &w->v->flow;
    uint32_t count = 0, todo = 0, block = flow->block_of[pc], at = pc;
    bool is_first = true;
    w->mark++;
    w->todo[todo++] = block;
    while (todo > 0) {
        block = w->todo[--todo];
        at = is_first ? pc : flow->blocks[block].last + 1;
        is_first = false;
        while (at > flow->blocks[block].start && !writes(&w->v->image->insns[at - 1], c)) at--;
        if (at > flow->blocks[block].start) {
            bool known = false;
            for (uint32_t i = 0; i < count; i++) known |= defs[i] == at - 1;
            if (!known && count < DEFS_MAX) defs[count++] = at - 1;
            continue;
        }
        for (uint32_t i = w->pred_start[block]; i < w->pred_start[block + 1]; i++) {
            uint32_t before = w->preds[i];
            if (!inside(w, before) || w->seen[before] == w->mark) continue;
            w->seen[before] = w->mark;
            w->todo[todo++] = before;
        }
    }
    return count;
}

// Whether the loop can be gone round without the instruction at pc.
static bool can_skip(turn *w, uint32_t pc)
{
    const vflow *flow = &w->v->flow;
    uint32_t head = flow->loops[w->loop].head, avoided = flow->block_of[pc], todo = 0;
    if (avoided == head) return false;
    w->mark++;
    w->todo[todo++] = head;
    while (todo > 0) {
        uint32_t block = w->todo[--todo];
        for (uint32_t i = w->pred_start[block]; i < w->pred_start[block + 1]; i++) {
            uint32_t before = w->preds[i];
            if (before == head && inside(w, block)) return true;
            if (!inside(w, before) || before == avoided || w->seen[before] == w->mark) continue;
            w->seen[before] = w->mark;
            w->todo[todo++] = before;
        }
    }
    return false;
}

// --- The variable --------------------------------------------------------------------------------------------------------

static bool is_move(const pst_insn *insn) { return insn->kind == PST_KIND_ALU && insn->op >= PST_ALU_MOV && insn->op <= PST_ALU_MOVSX32; }

// Sets *c to what the instruction made it of. False: out->how says what it is.
static bool follow_def(const pst_insn *insn, cell *c, variable *out)
{
    bool by_imm = insn->flags & PST_INSN_IMM;
    if (c->on_stack) {
        out->how = insn->kind == PST_KIND_ATOMIC ? PROGRESS_MANY : PROGRESS_CONST;
        if (insn->kind == PST_KIND_ATOMIC || by_imm) return false;
        *c = (cell){.reg = insn->src};
        return true;
    }
    switch ((pst_kind)insn->kind) {
    case PST_KIND_LOAD:
        out->how = PROGRESS_LOADED;
        if (insn->src != PST_REG_FP) return false;
        *c = (cell){.on_stack = true, .off = insn->off};
        return true;
    case PST_KIND_ALU:
        out->how = PROGRESS_CONST;
        if (is_move(insn) && by_imm) return false;
        if (is_move(insn)) c->reg = insn->src;
        if (insn->op != PST_ALU_ADD && insn->op != PST_ALU_SUB) return true;
        out->by_reg = !by_imm;
        out->added_reg = insn->src;
        out->added = insn->op == PST_ALU_ADD ? insn->imm : -insn->imm;
        out->def = UINT32_MAX; // set by the caller
        return true;
    case PST_KIND_SWAP: return true;
    case PST_KIND_CALL: out->how = PROGRESS_RETURNED; return false;
    case PST_KIND_IMM64: out->how = PROGRESS_CONST; return false;
    default: out->how = PROGRESS_LOADED; return false;
    }
}

// What the branch at pc tests in reg.
static variable follow(turn *w, uint32_t branch, uint8_t reg)
{
    variable out = {.branch = branch, .def = branch, .reg = reg};
    cell c = {.reg = reg};
    uint32_t pc = branch, visited[FOLLOW_MAX], step = UINT32_MAX;
    for (uint32_t n = 0; n < FOLLOW_MAX; n++) {
        uint32_t defs[DEFS_MAX], count = find_defs(w, &c, pc, defs);
        if (count != 1) {
            out.how = count ? PROGRESS_MANY : PROGRESS_UNCHANGED;
            out.def = count ? defs[0] : branch;
            return out;
        }
        for (uint32_t i = 0; i < n; i++) {
            if (visited[i] != defs[0]) continue;
            out.def = step != UINT32_MAX ? step : defs[0];
            out.how = step == UINT32_MAX ? PROGRESS_UNCHANGED : can_skip(w, step) ? PROGRESS_SKIPS : PROGRESS_STEPS;
            return out;
        }
        pc = visited[n] = defs[0];
        out.def = pc;
        if (!follow_def(&w->v->image->insns[pc], &c, &out)) return out;
        if (out.def == UINT32_MAX) out.def = step = pc;
    }
    out.how = PROGRESS_MANY;
    return out;
}

static variable better(variable a, variable b) { return b.how > a.how ? b : a; }

static variable find_variable(turn *w)
{
    const vflow *flow = &w->v->flow;
    variable best = {.how = PROGRESS_NONE};
    const vflow_sub *sub = &flow->subs[flow->blocks[flow->loops[w->loop].head].subprog];
    for (uint32_t b = sub->first_block; b < sub->first_block + sub->block_count; b++) {
        const vflow_block *block = &flow->blocks[b];
        const pst_insn *insn = &w->v->image->insns[block->last];
        if (!inside(w, b) || insn->kind != PST_KIND_BRANCH || (inside(w, block->next) && inside(w, block->target))) continue;
        variable tested = follow(w, block->last, insn->dst);
        if (!(insn->flags & PST_INSN_IMM)) {
            variable other = follow(w, block->last, insn->src);
            bool first = other.how == PROGRESS_UNCHANGED || other.how == PROGRESS_CONST || tested.how > other.how;
            if (!first || tested.how == PROGRESS_UNCHANGED || tested.how == PROGRESS_CONST) tested = better(tested, other);
        }
        best = better(best, tested);
    }
    return best;
}

// --- The sentence --------------------------------------------------------------------------------------------------------

static const char *called(const verifier *v, uint32_t pc)
{
    const pst_insn *insn = &v->image->insns[pc];
    const pst_helper_proto *proto = NULL;
    if (insn->op == PST_CALL_HELPER) proto = vflow_helper(v->input, (int32_t)insn->imm);
    if (insn->op == PST_CALL_KFUNC) proto = vflow_kfunc(v->input, pc);
    if (proto) return proto->name;
    return insn->op == PST_CALL_SUBPROG ? vsubprog_name(v, vsubprog_at(v, (uint32_t)((int64_t)pc + 1 + insn->target))) : "the call";
}

static void say(verifier *v, const variable *x)
{
    pst_finding *f = &v->finding;
    char by[32];
    f->lost_pc = x->def;
    f->reg = x->reg;
    if (x->by_reg) (void)pst_format(by, sizeof by, "r%u", x->added_reg);
    else (void)pst_format(by, sizeof by, "%lld", (long long)x->added);
    switch (x->how) {
    case PROGRESS_NONE:
        (void)pst_format(f->lost, sizeof f->lost, "no branch leaves the loop");
        f->lost_pc = UINT32_MAX;
        f->reg = -1;
        return;
    case PROGRESS_MANY:
        (void)pst_format(f->lost, sizeof f->lost, "the branch at %u leaves the loop by r%u, whose value the turns set in several ways, one of them at %u",
                         x->branch, x->reg, x->def);
        return;
    case PROGRESS_CONST:
    case PROGRESS_UNCHANGED:
        (void)pst_format(f->lost, sizeof f->lost, "the branch at %u leaves the loop by r%u, which no turn changes", x->branch, x->reg);
        f->lost_pc = x->branch;
        return;
    case PROGRESS_LOADED:
        (void)pst_format(f->lost, sizeof f->lost, "the branch at %u leaves the loop by r%u, which each turn loads from memory at %u: it may be anything", x->branch,
                         x->reg, x->def);
        return;
    case PROGRESS_RETURNED:
        (void)pst_format(f->lost, sizeof f->lost, "the branch at %u leaves the loop by what %s at %u returns in that turn: it may be anything", x->branch,
                         called(v, x->def), x->def);
        return;
    case PROGRESS_STEPS:
        (void)pst_format(f->lost, sizeof f->lost, "the branch at %u leaves the loop by r%u, to which each turn adds %s at %u: %s", x->branch, x->reg, by, x->def,
                         x->by_reg ? "that may be 0" : "it may pass its limit or never reach it");
        return;
    case PROGRESS_SKIPS:
        (void)pst_format(f->lost, sizeof f->lost, "the branch at %u leaves the loop by r%u, but a turn may pass by the instruction at %u, which adds %s to it",
                         x->branch, x->reg, x->def, by);
        return;
    }
}

static bool prepare(turn *w)
{
    const vflow *flow = &w->v->flow;
    uint32_t *start = pst_arena_array(&w->arena, flow->block_count + 2, sizeof *start);
    uint32_t *preds = pst_arena_array(&w->arena, 2 * (size_t)flow->block_count + 1, sizeof *preds);
    w->seen = pst_arena_array(&w->arena, flow->block_count + 1, sizeof *w->seen);
    w->todo = pst_arena_array(&w->arena, 2 * (size_t)flow->block_count + 2, sizeof *w->todo);
    if (!start || !preds || !w->seen || !w->todo) return false;
    for (uint32_t pass = 0; pass < 2; pass++) { // counts, then places; start[b + 1] is where the list of b goes on
        for (uint32_t b = 0; b < flow->block_count; b++) {
            const uint32_t to[] = {flow->blocks[b].next, flow->blocks[b].target};
            for (uint32_t i = 0; i < 2; i++) {
                if (to[i] == VFLOW_NONE || (i == 1 && to[1] == to[0])) continue;
                if (pass == 0) start[to[i] + 2]++;
                else preds[start[to[i] + 1]++] = b;
            }
        }
        for (uint32_t b = 0; pass == 0 && b < flow->block_count; b++) start[b + 1] += start[b];
    }
    w->pred_start = start;
    w->preds = preds;
    return true;
}

void vendless_explain(verifier *v, uint32_t head)
{
    turn w = {.v = v, .loop = v->flow.blocks[head].loop};
    if (w.loop == VFLOW_NONE) return;
    pst_arena_init(&w.arena, v->env, 0);
    if (prepare(&w)) {
        variable x = find_variable(&w);
        say(v, &x);
    }
    pst_arena_free(&w.arena);
}
