// bound.c: accesses that stay in the values of one array whatever way a run, or a wrong guess, takes.
//
// Called by guess.c. Registers are followed through every edge of the program, and no branch tells anything: what is known of an index comes from masks,
// shifts, narrow loads and constants alone, what is known of a pointer from the instruction that loads its address, or from a lookup whose index is masked. So it
// holds on a wrong way too, of which the verifier's ranges say nothing. A bound that grows when a block is come to again is given up (a counter of a loop has none).
#include "jit/bound.h"

#include "base/bits.h"

#define NO_LIMIT UINT64_MAX
#define REACH_MAX ((uint64_t)1 << 40) // sums below do not wrap
#define ROUNDS_MAX 32u

// A number from 0 to most; or, with map, an address least to most bytes behind the values of map map - 1.
typedef struct value {
    uint32_t map;
    bool seen; // false: nothing came here yet
    uint64_t least, most;
} value;

typedef struct regs {
    value of[JIT_REGS_MAX];
} regs;

typedef struct walk {
    jit_unit *unit;
    uint32_t *entry;  // per slot: of entries, + 1; 0: nothing jumps there
    regs *entries;
    uint32_t entry_count;
    bool news;
} walk;

static const value unknown = {.seen = true, .most = NO_LIMIT};

static value number(uint64_t most) { return (value){.seen = true, .most = most}; }

static uint64_t limit_of(const value *v, unsigned width)
{
    uint64_t most = v->map ? NO_LIMIT : v->most;
    return width == 32 && most > UINT32_MAX ? UINT32_MAX : most;
}

// --- Single instructions --------------------------------------------------------------------------------------

static value sum(const value *a, const value *b, unsigned width)
{
    if (a->map && b->map) return unknown;
    if (a->most > REACH_MAX || b->most > REACH_MAX || (width == 32 && (a->map || b->map))) return number(width == 32 ? UINT32_MAX : NO_LIMIT);
    value out = {.seen = true, .map = a->map + b->map, .least = a->least + b->least, .most = a->most + b->most};
    if (width == 32 && out.most > UINT32_MAX) return number(UINT32_MAX);
    return out;
}

static uint64_t all_ones(uint64_t most) { return most ? NO_LIMIT >> PST_CLZ64(most) : 0; }

static uint64_t product(uint64_t a, uint64_t b, uint64_t mask) { return a && b > mask / a ? mask : a * b; }

// A machine may do what the proof says clears the upper half anyway (PST_FACT_UPPER_ZERO) at 64 bits, and leaves moves out. On a wrong way that clears nothing.
static unsigned width_of(const walk *w, const pst_insn *insn, uint32_t pc)
{
    bool clears = insn->op != PST_ALU_MOV && !(jit_facts_at(w->unit, pc) & PST_FACT_UPPER_ZERO);
    return insn->width == 32 && clears ? 32 : 64;
}

static value alu(const pst_insn *insn, unsigned width, const value *a, const value *b)
{
    unsigned count = (unsigned)b->most & (insn->width - 1u);
    uint64_t mask = pst_mask(width), x = limit_of(a, width), y = limit_of(b, width);
    bool by_imm = (insn->flags & PST_INSN_IMM) != 0;
    switch ((pst_alu_op)insn->op) {
    case PST_ALU_MOV: return insn->width == 64 ? *b : number(limit_of(b, 64));
    case PST_ALU_ADD: return sum(a, b, width);
    case PST_ALU_AND: return number(x < y ? x : y);
    case PST_ALU_OR:
    case PST_ALU_XOR: return number(all_ones(x > y ? x : y));
    case PST_ALU_MUL: return number(product(x, y, mask));
    case PST_ALU_LSH: return number(by_imm ? product(x, (uint64_t)1 << count, mask) : mask);
    case PST_ALU_RSH: return number(by_imm ? x >> count : x);
    case PST_ALU_MOD: return number(by_imm && y != 0 && y - 1 < x ? y - 1 : x);
    case PST_ALU_DIV: return number(x);
    case PST_ALU_SUB:
    case PST_ALU_NEG:
    case PST_ALU_ARSH:
    case PST_ALU_SDIV:
    case PST_ALU_SMOD:
    case PST_ALU_MOVSX8:
    case PST_ALU_MOVSX16:
    case PST_ALU_MOVSX32: break;
    }
    return number(mask);
}

static value constant(int64_t imm, unsigned width)
{
    return number(width == 32 ? (uint32_t)(uint64_t)imm : (uint64_t)imm);
}

static value join(const value *a, const value *b)
{
    if (!a->seen || !b->seen) return a->seen ? *a : *b;
    if (a->map != b->map) return unknown;
    return (value){.seen = true, .map = a->map, .least = a->least < b->least ? a->least : b->least, .most = a->most > b->most ? a->most : b->most};
}

static value address_of(const pst_insn *insn)
{
    uint64_t off = (uint64_t)insn->imm >> 32;
    if (insn->op == PST_IMM64_VALUE) return number((uint64_t)insn->imm);
    return insn->op == PST_IMM64_MAP_VALUE ? (value){.seen = true, .map = (uint32_t)insn->imm + 1, .least = off, .most = off} : unknown;
}

// The index of a lookup is masked, so it gives a value of the array also on a wrong way, or null, where nothing is.
static value looked_up(const walk *w, uint32_t pc)
{
    const pst_fact_call *fact;
    const pst_map_view *map = jit_known_array(w->unit, pc, &fact);
    if (!map || map->max_entries == 0) return unknown;
    return (value){.seen = true, .map = fact->map, .most = (uint64_t)(map->max_entries - 1) * map->value_stride};
}

static void step(const walk *w, regs *r, const pst_insn *insn, uint32_t pc)
{
    value result = unknown;
    if (insn->kind == JIT_KIND_SELECT) {
        r->of[insn->dst] = join(&r->of[insn->dst], &r->of[insn->src]);
        return;
    }
    if (insn->kind == PST_KIND_ALU) {
        unsigned width = width_of(w, insn, pc);
        value b = insn->flags & PST_INSN_IMM ? constant(insn->imm, insn->op == PST_ALU_MOV ? insn->width : width) : r->of[insn->src];
        r->of[insn->dst] = alu(insn, width, &r->of[insn->dst], &b);
        return;
    }
    if (insn->kind == PST_KIND_IMM64) result = address_of(insn);
    if (insn->kind == PST_KIND_SWAP || (insn->kind == PST_KIND_LOAD && !(insn->flags & PST_INSN_SIGNED))) result = number(pst_mask(insn->width));
    if (insn->kind == PST_KIND_CALL && insn->op == PST_CALL_HELPER) result = looked_up(w, pc);
    uint16_t defs = w->unit->effects[pc].defs;
    for (unsigned reg = 0; reg < JIT_REGS_MAX; reg++)
        if (defs >> reg & 1) r->of[reg] = insn->kind == PST_KIND_CALL && reg != 0 ? unknown : result;
}

static bool same(const value *a, const value *b) { return a->map == b->map && a->seen == b->seen && a->least == b->least && a->most == b->most; }

// --- The walk -------------------------------------------------------------------------------------------------

static void come_to(walk *w, uint32_t pc, const regs *now)
{
    regs *there = &w->entries[w->entry[pc] - 1];
    for (unsigned reg = 0; reg < JIT_REGS_MAX; reg++) {
        value both = join(&there->of[reg], &now->of[reg]);
        if (same(&both, &there->of[reg])) continue;
        there->of[reg] = there->of[reg].seen ? unknown : both;
        w->news = true;
    }
}

static bool is_bounded(const walk *w, const regs *r, const pst_insn *insn)
{
    bool loads = insn->kind == PST_KIND_LOAD || insn->kind == PST_KIND_LOAD_ACQUIRE;
    if (!loads && insn->kind != PST_KIND_STORE && insn->kind != PST_KIND_STORE_RELEASE && insn->kind != PST_KIND_ATOMIC) return false;
    const value *base = &r->of[loads ? insn->src : insn->dst];
    if (!base->map || base->most > REACH_MAX) return false;
    const pst_map_view *map = w->unit->image->maps[base->map - 1];
    if (map->type != PST_MAP_ARRAY || map->max_entries == 0) return false;
    uint64_t bytes = (uint64_t)(map->max_entries - 1) * map->value_stride + map->value_size;
    int64_t first = (int64_t)base->least + insn->off, last = (int64_t)base->most + insn->off;
    return first >= 0 && (uint64_t)last + insn->width / 8u <= bytes;
}

static void walk_function(walk *w, const jit_func *func, bool mark)
{
    const jit_unit *unit = w->unit;
    regs now;
    for (unsigned reg = 0; reg < JIT_REGS_MAX; reg++) now.of[reg] = unknown;
    if (w->entry[func->start]) come_to(w, func->start, &now);
    bool open = true;
    for (uint32_t pc = func->start; pc < func->end; pc++) {
        const pst_insn *insn = &unit->image->insns[pc];
        if (insn->kind == PST_KIND_PADDING) continue;
        if (jit_is_dead(unit, pc)) {
            open = false;
            continue;
        }
        if (w->entry[pc]) {
            if (open) come_to(w, pc, &now);
            now = w->entries[w->entry[pc] - 1];
            open = now.of[0].seen;
        }
        if (!open) continue;
        if (mark && is_bounded(w, &now, insn)) unit->guesses[pc] |= JIT_GUESS_BOUNDED;
        step(w, &now, insn, pc);
        if (insn->kind == PST_KIND_JUMP || insn->kind == PST_KIND_BRANCH || insn->kind == PST_KIND_MAY_GOTO) {
            uint32_t target = (uint32_t)((int64_t)pc + 1 + insn->target);
            if (!jit_is_dead(unit, target)) come_to(w, target, &now);
        }
        open = insn->kind != PST_KIND_JUMP && insn->kind != PST_KIND_EXIT;
    }
}

pst_status jit_find_bounded(jit_unit *unit)
{
    uint32_t count = unit->image->count;
    walk w = {.unit = unit, .entry = pst_alloc_zero(unit->env, count, sizeof *w.entry)};
    if (!w.entry) return PST_E_NOMEM;
    for (uint32_t pc = 0; pc < count; pc++)
        if (unit->marks[pc] & JIT_TARGET) w.entry[pc] = ++w.entry_count;
    w.entries = pst_alloc_zero(unit->env, w.entry_count, sizeof *w.entries);
    for (uint32_t i = 0; w.entries && i < unit->image->subprog_count; i++) {
        unsigned rounds = 0;
        do {
            w.news = false;
            walk_function(&w, &unit->funcs[i], false);
        } while (w.news && ++rounds < ROUNDS_MAX);
        if (!w.news) walk_function(&w, &unit->funcs[i], true);
    }
    pst_status status = w.entries ? PST_OK : PST_E_NOMEM;
    if (w.entries) pst_free(unit->env, w.entries, w.entry_count * sizeof *w.entries);
    pst_free(unit->env, w.entry, count * sizeof *w.entry);
    return status;
}
