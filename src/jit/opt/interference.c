// interference.c: which webs live at the same time.
#include "jit/opt/allocate.h"

#include <string.h>

#define LIVE_WORDS_MAX (4u << 20) // of the sets of all blocks together
#define EDGES_MAX (2u << 20)

uint32_t graph_root(graph *g, uint32_t w)
{
    while (g->webs[w].root != w) {
        uint32_t up = g->webs[w].root;
        g->webs[w].root = g->webs[up].root;
        w = up;
    }
    return w;
}

// --- Edges ----------------------------------------------------------------------------------------------------

static uint64_t pair_of(uint32_t a, uint32_t b) { return a < b ? (uint64_t)b << 32 | a : (uint64_t)a << 32 | b; } // never 0: a is not b

static uint32_t slot_of(const graph *g, uint64_t pair)
{
    uint32_t at = (uint32_t)((pair * 0x9e3779b97f4a7c15u) >> 32) & g->pair_mask;
    while (g->pairs[at] && g->pairs[at] != pair) at = (at + 1) & g->pair_mask;
    return at;
}

bool graph_has(const graph *g, uint32_t a, uint32_t b) { return g->pairs[slot_of(g, pair_of(a, b))] != 0; }

static bool grow_pairs(graph *g)
{
    uint32_t old = g->pair_mask + 1;
    uint64_t *pairs = g->pairs;
    g->pairs = pst_arena_array(g->func->arena, 2 * (size_t)old, sizeof *g->pairs);
    if (!g->pairs) return false;
    g->pair_mask = 2 * old - 1;
    for (uint32_t i = 0; i < old; i++)
        if (pairs[i]) g->pairs[slot_of(g, pairs[i])] = pairs[i];
    return true;
}

static bool add_half(graph *g, uint32_t from, uint32_t to)
{
    if (g->edge_count == g->edge_capacity) {
        size_t wanted = 2 * g->edge_capacity;
        edge *more = wanted <= 2u * EDGES_MAX ? pst_arena_array(g->func->arena, wanted, sizeof *more) : NULL;
        if (!more) return false;
        memcpy(more, g->edges, g->edge_count * sizeof *more);
        g->edges = more;
        g->edge_capacity = wanted;
    }
    g->edges[g->edge_count] = (edge){to, g->webs[from].first_edge};
    g->webs[from].first_edge = g->edge_count++;
    g->webs[from].degree++;
    return true;
}

void graph_join(graph *g, uint32_t a, uint32_t b)
{
    if (a == b || g->func->failed) return;
    uint64_t pair = pair_of(a, b);
    uint32_t at = slot_of(g, pair);
    if (g->pairs[at]) return;
    g->pairs[at] = pair;
    bool fine = add_half(g, a, b) && add_half(g, b, a) && (++g->pair_count * 2 < g->pair_mask || grow_pairs(g));
    if (!fine) g->func->failed = true;
}

// --- What is live ---------------------------------------------------------------------------------------------

// A set of webs that can be walked: members in any order, and where each is.
typedef struct live_set {
    uint32_t *members, *where; // where[w]: its index + 1; 0: not there
    uint32_t count;
    uint16_t regs;
} live_set;

static void add(live_set *live, uint32_t w)
{
    if (live->where[w]) return;
    live->members[live->count++] = w;
    live->where[w] = live->count;
}

static void take(live_set *live, uint32_t w)
{
    uint32_t at = live->where[w];
    if (!at) return;
    uint32_t last = live->members[--live->count];
    live->members[at - 1] = last;
    live->where[last] = at;
    live->where[w] = 0;
}

typedef struct liveness {
    uint64_t *in; // per block: a bit per web
    uint32_t words;
} liveness;

static uint64_t *in_of(const liveness *l, const opt_block *b) { return l->in + (size_t)b->order * l->words; }

static void add_successors(const liveness *l, const opt_block *b, uint64_t *out)
{
    memset(out, 0, l->words * sizeof *out);
    for (unsigned s = 0; s < 2; s++) {
        const uint64_t *in = b->succs[s] ? in_of(l, b->succs[s]) : NULL;
        for (uint32_t i = 0; in && i < l->words; i++) out[i] |= in[i];
    }
}

static void step_back(const opt_func *func, const opt_value *v, uint64_t *live)
{
    opt_effect e = opt_effect_of(func, v);
    if (e.def != OPT_NO_WEB) live[e.def / 64] &= ~((uint64_t)1 << e.def % 64);
    for (unsigned i = 0; i < e.use_count; i++) live[e.uses[i] / 64] |= (uint64_t)1 << e.uses[i] % 64;
}

static bool find_live(graph *g, liveness *l)
{
    opt_func *func = g->func;
    l->words = (g->web_count + 63) / 64;
    if ((uint64_t)func->order_count * l->words > LIVE_WORDS_MAX) return false;
    l->in = pst_arena_array(func->arena, (size_t)func->order_count * l->words, sizeof *l->in);
    uint64_t *now = pst_arena_array(func->arena, l->words, sizeof *now);
    bool changed = l->in && now;
    if (!changed) return false;
    while (changed) {
        changed = false;
        for (uint32_t i = func->order_count; i-- > 0;) {
            opt_block *b = func->order[i];
            add_successors(l, b, now);
            uint32_t steps = 0;
            for (const opt_value *v = b->last; v; v = v->prev, steps++) step_back(func, v, now);
            if (!opt_work(func, steps + l->words / 8 + 1)) return false;
            if (memcmp(now, in_of(l, b), l->words * sizeof *now) == 0) continue;
            memcpy(in_of(l, b), now, l->words * sizeof *now);
            changed = true;
        }
    }
    return true;
}

// --- The graph ------------------------------------------------------------------------------------------------

// Copies in front of v, in a row, that give their webs what v gives its own: those hold the same number, and may be the same register.
#define TWINS_MAX 8u
typedef struct twins {
    uint32_t webs[TWINS_MAX];
    unsigned count;
} twins;

static bool gives_same(const opt_value *a, const opt_value *b)
{
    if (a->insn.kind != b->insn.kind) return false;
    if (a->insn.kind == OPT_COPY) return a->args[0]->web == b->args[0]->web;
    return a->insn.kind == OPT_CONST && a->insn.imm == b->insn.imm;
}

static twins twins_of(const opt_value *v)
{
    twins t = {.count = 0};
    for (const opt_value *u = v->prev; u && t.count < TWINS_MAX && (u->insn.kind == OPT_COPY || u->insn.kind == OPT_CONST); u = u->prev) {
        bool changes_source = v->insn.kind == OPT_COPY && u->web == v->args[0]->web;
        if (changes_source || u->web == v->web) break;
        if (gives_same(u, v)) t.webs[t.count++] = u->web;
    }
    return t;
}

static bool is_twin(const twins *t, uint32_t w)
{
    for (unsigned i = 0; i < t->count; i++)
        if (t->webs[i] == w) return true;
    return false;
}

static void note(graph *g, const opt_value *v, live_set *live, uint32_t weight)
{
    opt_effect e = opt_effect_of(g->func, v);
    uint32_t source = e.copies && e.use_count ? e.uses[0] : OPT_NO_WEB;
    if (e.def != OPT_NO_WEB) {
        web *def = &g->webs[e.def];
        take(live, e.def);
        def->cost += weight;
        if (v->hint < OPT_FIXED) def->hint = v->hint;
        def->forbidden |= (uint16_t)(live->regs & (e.copies ? ~e.reads : ~0));
        twins same = {.count = 0};
        if (v->insn.kind == OPT_COPY || v->insn.kind == OPT_CONST) same = twins_of(v);
        for (uint32_t i = 0; i < live->count; i++)
            if (live->members[i] != source && !is_twin(&same, live->members[i]) && !(OPT_PLANT(12) && v->insn.kind == PST_KIND_LOAD)) graph_join(g, e.def, live->members[i]);
    }
    for (uint32_t i = 0; e.writes && i < live->count; i++)
        if (live->members[i] != source) g->webs[live->members[i]].forbidden |= e.writes;
    live->regs = (uint16_t)((live->regs & ~e.writes) | e.reads);
    for (unsigned i = 0; i < e.use_count; i++) {
        g->webs[e.uses[i]].cost += weight;
        add(live, e.uses[i]);
    }
    if (!e.copies) return;
    copy *c = &g->copies[g->copy_count++];
    *c = (copy){.weight = weight, .to = v->web, .from = v->args[0]->web};
}

static uint32_t count_copies(const opt_func *func)
{
    uint32_t count = 0;
    OPT_EACH_BLOCK(b, func) OPT_EACH_VALUE(v, b) count += v->insn.kind == OPT_COPY;
    return count;
}

static bool make_room(graph *g)
{
    pst_arena *arena = g->func->arena;
    g->webs = pst_arena_array(arena, g->web_count, sizeof *g->webs);
    g->copies = pst_arena_array(arena, count_copies(g->func), sizeof *g->copies);
    g->stamps = pst_arena_array(arena, g->web_count, sizeof *g->stamps);
    g->edge_capacity = 1024;
    g->edges = pst_arena_array(arena, g->edge_capacity, sizeof *g->edges);
    g->pair_mask = 1023;
    g->pairs = pst_arena_array(arena, g->pair_mask + 1, sizeof *g->pairs);
    if (!g->webs || !g->copies || !g->stamps || !g->edges || !g->pairs) return false;
    for (uint32_t w = 0; w < g->web_count; w++)
        g->webs[w] = (web){.root = w, .first_edge = NO_EDGE, .hint = NO_COLOR, .color = w < OPT_FIXED ? (uint8_t)w : NO_COLOR};
    return true;
}

bool graph_build(graph *g)
{
    opt_func *func = g->func;
    liveness l;
    live_set live = {.members = pst_arena_array(func->arena, g->web_count, sizeof *live.members),
                     .where = pst_arena_array(func->arena, g->web_count, sizeof *live.where)};
    if (!live.members || !live.where || !make_room(g) || !find_live(g, &l)) func->failed = true;
    uint64_t *out = func->failed ? NULL : pst_arena_array(func->arena, l.words, sizeof *out);
    if (!out) func->failed = true;
    for (uint32_t i = 0; i < func->order_count && !func->failed; i++) {
        opt_block *b = func->order[i];
        add_successors(&l, b, out);
        for (uint32_t w = 0; w < g->web_count; w++)
            if (out[w / 64] >> w % 64 & 1) add(&live, w);
            else if (out[w / 64] == 0) w |= 63;
        for (const opt_value *v = b->last; v && opt_work(func, live.count / 4 + 1); v = v->prev) note(g, v, &live, opt_weight(b));
        while (live.count) take(&live, live.members[0]);
        live.regs = 0;
    }
    return !func->failed;
}
