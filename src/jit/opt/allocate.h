// allocate.h: what the files of register allocation share: allocate.c colours, interference.c builds the graph, spill.c rewrites. Internal to this folder.
//
// After Chaitin and Briggs: webs that live at the same time are joined by an edge; copies whose sides are not become one web where that makes colouring no harder; the graph is
// taken apart from its easy ends and coloured on the way back, where a web prefers the register that saves a copy, and then the one that the
// program had it in, which keeps what its compiler did well. What finds no register gets a place on the stack, and all begins again.
#ifndef PST_JIT_OPT_ALLOCATE_H
#define PST_JIT_OPT_ALLOCATE_H

#include "jit/opt/ir.h"

#define NO_EDGE UINT32_MAX
#define NO_COLOR 0xffu

typedef struct web {
    uint32_t root;       // the web that this one has become; itself: none
    uint32_t first_edge;
    uint32_t degree;
    uint64_t cost;       // of its uses and assignments, by how deep in loops
    uint16_t forbidden;  // registers that are in use while it lives
    uint8_t hint, color;
    bool whole;          // made by spilling: no use in spilling it again
    bool spilled, removed;
    int32_t place;       // on the stack, from r10
} web;

typedef struct edge {
    uint32_t to, next;
} edge;

typedef struct copy {
    uint32_t to, from; // webs; below OPT_FIXED: registers
    uint32_t weight;
    uint32_t next_to, next_from; // of the same web's copies
} copy;

typedef struct graph {
    opt_func *func;
    web *webs;
    uint32_t web_count;
    edge *edges;
    size_t edge_capacity;
    uint32_t edge_count;
    uint64_t *pairs; // hash set: which edges there are. 0: free
    uint32_t pair_mask, pair_count;
    copy *copies;
    uint32_t copy_count;
    uint32_t *stamps, stamp; // who was counted, in walks over neighbours
} graph;

uint32_t graph_root(graph *g, uint32_t w);
bool graph_has(const graph *g, uint32_t a, uint32_t b);
void graph_join(graph *g, uint32_t a, uint32_t b);
/// Webs, edges and copies of the function as it is. False: func->failed.
PST_MUST_USE bool graph_build(graph *g);
/// Loads and stores in the place of webs that are marked as spilled.
void graph_spill(graph *g);

PST_INLINE uint32_t opt_weight(const opt_block *b)
{
    static const uint32_t weights[] = {1, 10, 100, 1000, 10000};
    uint32_t depth = b->loop ? b->loop->depth : 0;
    return weights[depth < 4 ? depth : 4];
}

#endif
