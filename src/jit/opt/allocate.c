// allocate.c: a register for every web. See allocate.h.
#include "jit/opt/allocate.h"

#include "base/bits.h"

#include <string.h>

#define ROUNDS_MAX 8u

static unsigned colors_left(const graph *g, const web *w)
{
    return (unsigned)PST_POPCOUNT64((uint64_t)(g->func->machine->regs & (uint16_t)~w->forbidden));
}

// --- Neighbours -----------------------------------------------------------------------------------------------

// Each root among w's neighbours once. *at is the cursor.
static bool next_neighbour(graph *g, uint32_t *at, uint32_t *out)
{
    while (*at != NO_EDGE) {
        const edge *e = &g->edges[*at];
        uint32_t n = graph_root(g, e->to);
        *at = e->next;
        if (g->stamps[n] == g->stamp) continue;
        g->stamps[n] = g->stamp;
        *out = n;
        return true;
    }
    return false;
}

static void begin_walk(graph *g) { g->stamp++; }

// --- Copies that need not be ------------------------------------------------------------------------------------

// Briggs: the joined web has fewer hard neighbours than registers, so it stays as easy to colour as it was.
static bool stays_easy(graph *g, uint32_t a, uint32_t b)
{
    unsigned hard = 0, steps = 0;
    unsigned colors = (unsigned)PST_POPCOUNT64((uint64_t)(g->func->machine->regs & ~(unsigned)(g->webs[a].forbidden | g->webs[b].forbidden)));
    begin_walk(g);
    for (unsigned side = 0; side < 2; side++) {
        uint32_t at = g->webs[side ? b : a].first_edge, n;
        while (next_neighbour(g, &at, &n)) {
            if (++steps > 400) return false;
            hard += g->webs[n].degree >= colors_left(g, &g->webs[n]);
        }
    }
    return hard < colors;
}

static void merge(graph *g, uint32_t a, uint32_t b)
{
    web *into = &g->webs[a], *gone = &g->webs[b];
    gone->root = a;
    into->forbidden |= gone->forbidden;
    if (into->hint == NO_COLOR || (gone->hint != NO_COLOR && gone->cost > into->cost)) into->hint = gone->hint;
    into->cost += gone->cost;
    into->whole &= gone->whole;
    for (uint32_t at = gone->first_edge; at != NO_EDGE && !g->func->failed; at = g->edges[at].next) {
        uint32_t n = graph_root(g, g->edges[at].to);
        if (n == a) continue;
        if (graph_has(g, a, n)) {
            g->webs[n].degree -= g->webs[n].degree > 0; // it had both
        } else {
            uint32_t before = g->webs[n].degree;
            graph_join(g, a, n);
            g->webs[n].degree = before; // the one instead of the other
        }
    }
}

static bool try_merge(graph *g, const copy *c)
{
    if (c->to < OPT_FIXED || c->from < OPT_FIXED) return false;
    uint32_t a = graph_root(g, c->to), b = graph_root(g, c->from);
    if (a == b || graph_has(g, a, b)) return false;
    uint16_t forbidden = g->webs[a].forbidden | g->webs[b].forbidden;
    if ((g->func->machine->regs & (uint16_t)~forbidden) == 0) return false;
    if (!stays_easy(g, a, b)) return false;
    if (g->webs[a].degree < g->webs[b].degree) merge(g, b, a);
    else merge(g, a, b);
    return true;
}

static void coalesce(graph *g)
{
    static const uint32_t weights[] = {10000, 1000, 100, 10, 1}; // inner loops first
    for (unsigned i = 0; i < PST_COUNT(weights); i++)
        for (uint32_t c = 0; c < g->copy_count && opt_work(g->func, 1); c++)
            if (g->copies[c].weight == weights[i]) (void)try_merge(g, &g->copies[c]);
}

// --- Taking the graph apart -----------------------------------------------------------------------------------

typedef struct pile {
    uint32_t *webs; // in the order in which they were taken
    uint32_t count;
    uint32_t *easy; // to be taken next
    uint32_t easy_count;
    uint32_t *order; // the others, cheapest to spill first
    uint32_t order_count, order_next;
} pile;

static bool is_easy(const graph *g, const web *w) { return w->degree < colors_left(g, w); }

static void take_web(graph *g, pile *p, uint32_t w)
{
    uint32_t at = g->webs[w].first_edge, n;
    g->webs[w].removed = true;
    p->webs[p->count++] = w;
    begin_walk(g);
    while (next_neighbour(g, &at, &n) && opt_work(g->func, 1)) {
        web *other = &g->webs[n];
        if (other->removed || n == w) continue;
        bool was_easy = is_easy(g, other);
        if (other->degree > 0) other->degree--;
        if (!was_easy && is_easy(g, other)) p->easy[p->easy_count++] = n;
    }
}

// What spilling costs, per neighbour that it helps.
static uint64_t price(const web *w) { return w->whole ? UINT64_MAX : w->cost * 1024 / (w->degree + 1); }

// Heap sort: no recursion, no worst case.
static void sift(const graph *g, uint32_t *heap, uint32_t at, uint32_t count)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= count) return;
        if (child + 1 < count && price(&g->webs[heap[child + 1]]) > price(&g->webs[heap[child]])) child++;
        if (price(&g->webs[heap[at]]) >= price(&g->webs[heap[child]])) return;
        uint32_t other = heap[at];
        heap[at] = heap[child];
        heap[child] = other;
        at = child;
    }
}

static void sort_by_price(const graph *g, uint32_t *webs, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;) sift(g, webs, i, count);
    for (uint32_t end = count; end-- > 1;) {
        uint32_t most = webs[0];
        webs[0] = webs[end];
        webs[end] = most;
        sift(g, webs, 0, end);
    }
}

static bool take_apart(graph *g, pile *p)
{
    pst_arena *arena = g->func->arena;
    p->webs = pst_arena_array(arena, g->web_count, sizeof *p->webs);
    p->easy = pst_arena_array(arena, 2 * (size_t)g->web_count, sizeof *p->easy);
    p->order = pst_arena_array(arena, g->web_count, sizeof *p->order);
    if (!p->webs || !p->easy || !p->order) return false;
    for (uint32_t w = g->web_count; w-- > OPT_FIXED;) {
        if (g->webs[w].root != w) continue;
        if (is_easy(g, &g->webs[w])) p->easy[p->easy_count++] = w;
        else p->order[p->order_count++] = w;
    }
    sort_by_price(g, p->order, p->order_count);
    while (!g->func->failed) {
        if (p->easy_count > 0) {
            uint32_t w = p->easy[--p->easy_count];
            if (!g->webs[w].removed) take_web(g, p, w);
        } else if (p->order_next < p->order_count) {
            uint32_t w = p->order[p->order_next++];
            if (!g->webs[w].removed) take_web(g, p, w);
        } else {
            return true;
        }
    }
    return false;
}

// --- Colours --------------------------------------------------------------------------------------------------

// Lists of each web's copies, for what it would like to be.
static void link_copies(graph *g, uint32_t *first)
{
    for (uint32_t w = 0; w < g->web_count; w++) first[w] = NO_EDGE;
    for (uint32_t i = 0; i < g->copy_count; i++) {
        copy *c = &g->copies[i];
        uint32_t to = graph_root(g, c->to), from = graph_root(g, c->from);
        c->next_to = c->next_from = NO_EDGE;
        if (to == from) continue;
        c->next_to = first[to];
        first[to] = i;
        c->next_from = first[from];
        first[from] = i;
    }
}

static void count_wishes(graph *g, uint32_t w, uint32_t first, int64_t score[OPT_FIXED])
{
    unsigned steps = 0;
    for (uint32_t at = first; at != NO_EDGE && ++steps < 64;) {
        const copy *c = &g->copies[at];
        uint32_t to = graph_root(g, c->to), from = graph_root(g, c->from), other = to == w ? from : to;
        if (g->webs[other].color != NO_COLOR) score[g->webs[other].color] += 16 * (int64_t)c->weight;
        at = to == w ? c->next_to : c->next_from;
    }
    if (g->webs[w].hint < OPT_FIXED) score[g->webs[w].hint] += 10;
}

static void color_web(graph *g, uint32_t w, uint32_t first_copy)
{
    // What a call destroys anyway comes first: it need not be kept for the caller.
    static const uint8_t order[OPT_FIXED] = {1, 2, 3, 4, 5, 0, 11, 12, 13, 14, 15, 6, 7, 8, 9, 10};
    int64_t score[OPT_FIXED] = {0}, most = 0;
    uint16_t free = g->func->machine->regs & (uint16_t)~g->webs[w].forbidden;
    for (uint32_t at = g->webs[w].first_edge; at != NO_EDGE; at = g->edges[at].next) {
        uint8_t color = g->webs[graph_root(g, g->edges[at].to)].color;
        uint8_t wish = g->webs[graph_root(g, g->edges[at].to)].hint;
        if (color != NO_COLOR) free &= (uint16_t)~(1u << color);
        else if (wish < OPT_FIXED && score[wish] > -8) score[wish]--; // rather not what a neighbour will ask for
    }
    uint8_t best = NO_COLOR;
    count_wishes(g, w, first_copy, score);
    for (unsigned i = 0; i < OPT_FIXED; i++) {
        uint8_t reg = order[i];
        if (!(free >> reg & 1) || (best != NO_COLOR && score[reg] <= most)) continue;
        best = reg;
        most = score[reg];
    }
    g->webs[w].color = best;
}

// Whether every web has a register; the others are marked.
static bool color(graph *g, const pile *p)
{
    bool all = true;
    uint32_t *first = pst_arena_array(g->func->arena, g->web_count, sizeof *first);
    if (!first) {
        g->func->failed = true;
        return false;
    }
    link_copies(g, first);
    for (uint32_t i = p->count; i-- > 0 && opt_work(g->func, 1);) {
        uint32_t w = p->webs[i];
        color_web(g, w, first[w]);
        if (g->webs[w].color != NO_COLOR) continue;
        g->webs[w].spilled = true;
        all = false;
    }
    return all;
}

const uint8_t *opt_allocate(opt_func *func)
{
    uint32_t whole_from = func->web_count;
    for (unsigned round = 0; round < ROUNDS_MAX && !func->failed; round++) {
        graph g = {.func = func, .web_count = func->web_count};
        pile p = {0};
        if (!graph_build(&g)) break;
        for (uint32_t w = whole_from; w < g.web_count; w++) g.webs[w].whole = true;
        coalesce(&g);
        if (func->failed || !take_apart(&g, &p)) break;
        if (color(&g, &p)) {
            uint8_t *colors = pst_arena_array(func->arena, g.web_count, 1);
            for (uint32_t w = 0; colors && w < g.web_count; w++) colors[w] = g.webs[graph_root(&g, w)].color;
            return colors;
        }
        if (!func->failed) graph_spill(&g);
    }
    func->failed = true;
    return NULL;
}
