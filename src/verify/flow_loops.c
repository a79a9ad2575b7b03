// flow_loops.c: loops and the weak topological order, in near linear time.
//
// Called by vflow_build when each block is reached. Source: Bourdoncle, "Efficient chaotic iteration strategies with widenings" (1993), for what a
// weak topological order is: components nest, each is contiguous and its head is first, and an edge goes forward or to the head of a component
// around its start. His own algorithm is quadratic on nested loops, so we find the nesting as Havlak and Ramalingam do ("Identifying loops in almost linear
// time", 1999): one depth-first search; then, from its last block to its first, each block that an edge leads back to takes in all that reaches
// it inside its subtree, and what was taken in counts as one block from then on (union-find). A forward or cross edge is looked at from the moment when
// the lowest common ancestor of its ends is at hand: nothing before it can contain both. Inside each component the order is the reverse postorder
// of the search; that it is a weak topological order, for irreducible graphs too, is what flow_test.c checks edge by edge.
//
// Whether a loop is bounded by its meaning is the same question on the graph without the edges that count: does the head still reach itself? Going on
// behind a may_goto counts (its jump, once the budget is used up, does not), and so does leaving the call that yields an iterator's next element,
// unless the loop makes iterators too. So the same pass runs again with these edges cut. What reaches the head but is not reached from it
// there can never be part of a way round; it is put away as one dead block, so that nothing is walked twice. (Where an irreducible edge enters
// such a block later it leads to the head as a whole; this may call a bounded loop unbounded; never the reverse.)
#include <string.h>

#include "verify/flow_internal.h"

// Edge e leads out of block e / 2: its next (even) or its target (odd).
typedef struct loops {
    vflow_builder *b;
    uint32_t *pre;       // by number in the search: block; the rest by block
    uint32_t *number;    // in the search, from 1; 0: not visited
    uint32_t *post;      // block by place in postorder
    uint32_t *parent;    // in the tree of the search
    uint8_t *done;
    uint32_t *uf;        // union-find: first of the search's ancestors, then of what was taken in
    uint32_t *latches, *extras; // lists of edges, by head and by lowest common ancestor, through next_edge
    uint32_t *next_edge;
    uint32_t *incoming;  // forward and cross edges into what this block stands for, a list too
    uint32_t *next_incoming;
    uint32_t *dead_pred; // of a head: the dead block that leads to it
    uint32_t *container; // head of the innermost loop around it, itself left out
    uint32_t *mark, *body;
    uint32_t *tree_edge; // by block: the edge that led to it first
    uint8_t *cut;        // by edge
    uint8_t *is_head, *dead, *turns; // turns: the head of an unbounded loop
    uint8_t *unbounded;  // likewise, by what is_bounded will say
    uint32_t *arc_to, *arc_next, *first_arc;
    uint32_t arc_count, body_count;
    uint32_t *stack;
} loops;

static uint32_t find(uint32_t *uf, uint32_t x)
{
    while (uf[x] != x) x = uf[x] = uf[uf[x]];
    return x;
}

static uint32_t edge_to(const loops *l, uint32_t edge) { return vflow_successor(&l->b->blocks[edge / 2], edge % 2); }

// --- Depth-first search ---------------------------------------------------------------------------------------

static void enter(loops *l, uint32_t block, uint32_t parent, uint32_t *count)
{
    l->parent[block] = parent;
    l->pre[*count] = block;
    l->number[block] = ++*count;
    l->body[block] = 0; // here: how many of its edges were followed
}

static void push_edge(uint32_t *list, uint32_t *next, uint32_t edge)
{
    next[edge] = *list;
    *list = edge;
}

// Numbers the blocks of one subprogram and sorts its edges; *count goes on from what it is.
static void search(loops *l, uint32_t entry, uint32_t *count, uint32_t *post_count)
{
    uint32_t depth = 0;
    enter(l, entry, VFLOW_NONE, count);
    l->stack[depth++] = entry;
    while (depth) {
        uint32_t block = l->stack[depth - 1];
        if (l->body[block] == 2) {
            l->done[block] = 1;
            l->post[(*post_count)++] = block;
            if (l->parent[block] != VFLOW_NONE) l->uf[block] = l->parent[block];
            depth--;
            continue;
        }
        uint32_t edge = 2 * block + l->body[block]++, to = edge_to(l, edge);
        if (to == VFLOW_NONE) continue;
        if (!l->number[to]) {
            enter(l, to, block, count);
            l->tree_edge[to] = edge;
            l->stack[depth++] = to;
        } else if (!l->done[to]) {
            push_edge(&l->latches[to], l->next_edge, edge);
        } else {
            push_edge(&l->extras[find(l->uf, to)], l->next_edge, edge); // the ancestor of to that is still open
        }
    }
}

// --- Nesting --------------------------------------------------------------------------------------------------

// from (what it stands for) leads to the block `to` of the body, or to the head.
static void take_in(loops *l, uint32_t head, uint32_t from, uint32_t to)
{
    from = find(l->uf, from);
    l->arc_to[l->arc_count] = to;
    l->arc_next[l->arc_count] = l->first_arc[from];
    l->first_arc[from] = l->arc_count++;
    if (from == head || l->mark[from] == head) return;
    l->mark[from] = head;
    l->body[l->body_count++] = from;
}

static void take_edge(loops *l, uint32_t head, uint32_t edge, uint32_t to)
{
    if (!l->cut[edge]) take_in(l, head, edge / 2, to);
}

// All that reaches head inside its subtree, each with the arcs between them. A graph without cut edges has no need of the arcs.
static void collect_body(loops *l, uint32_t head)
{
    l->body_count = l->arc_count = 0;
    for (uint32_t e = l->latches[head]; e != VFLOW_NONE; e = l->next_edge[e]) take_edge(l, head, e, head);
    for (uint32_t i = 0; i < l->body_count; i++) {
        uint32_t block = l->body[i];
        if (!l->dead[block]) take_edge(l, head, l->tree_edge[block], block);
        if (l->dead_pred[block] != VFLOW_NONE) take_in(l, head, l->dead_pred[block], block);
        for (uint32_t e = l->incoming[block]; e != VFLOW_NONE; e = l->next_incoming[e]) take_edge(l, head, e, block);
    }
}

// Follows the arcs from head. True when head is reached again; mark of what is reached becomes VFLOW_NONE.
static bool reaches_itself(loops *l, uint32_t head)
{
    uint32_t depth = 0;
    bool around = false;
    l->stack[depth++] = head;
    while (depth) {
        for (uint32_t arc = l->first_arc[l->stack[--depth]]; arc != VFLOW_NONE; arc = l->arc_next[arc]) {
            uint32_t to = l->arc_to[arc];
            if (to == head) around = true;
            if (to == head || l->mark[to] == VFLOW_NONE) continue;
            l->mark[to] = VFLOW_NONE;
            l->stack[depth++] = to;
        }
    }
    return around;
}

static void close_loop(loops *l, uint32_t head)
{
    uint32_t dead = VFLOW_NONE;
    collect_body(l, head);
    l->turns[head] = reaches_itself(l, head);
    l->first_arc[head] = VFLOW_NONE;
    for (uint32_t i = 0; i < l->body_count; i++) {
        uint32_t block = l->body[i];
        l->first_arc[block] = VFLOW_NONE;
        if (l->turns[head] && l->mark[block] == VFLOW_NONE) {
            l->uf[block] = head;
            l->container[block] = head;
            continue;
        }
        if (dead == VFLOW_NONE) dead = block;
        l->uf[block] = dead;
        l->dead[block] = 1;
        l->incoming[block] = VFLOW_NONE;
    }
    l->dead_pred[head] = dead;
}

// One round over blocks [first, last) of the search.
static void nest(loops *l, uint32_t first, uint32_t last)
{
    for (uint32_t n = last; n-- > first;) {
        uint32_t head = l->pre[n];
        for (uint32_t e = l->extras[head]; e != VFLOW_NONE; e = l->next_edge[e])
            push_edge(&l->incoming[find(l->uf, edge_to(l, e))], l->next_incoming, e);
        if (l->latches[head] != VFLOW_NONE) close_loop(l, head);
    }
}

static void reset(loops *l, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        l->uf[i] = i;
        l->incoming[i] = l->first_arc[i] = l->dead_pred[i] = VFLOW_NONE;
        l->mark[i] = VFLOW_NONE - 1; // no block
        l->dead[i] = 0;
    }
}

// Cuts the edges that count: of may_gotos, and of iterators if wanted. False: there are none.
static bool cut_edges(loops *l, uint32_t n, bool iterators)
{
    bool any = false;
    memset(l->cut, 0, 2 * (size_t)n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t last = l->b->blocks[i].last;
        const pst_helper_proto *proto = l->b->protos[last];
        bool next = iterators && proto && (proto->flags & PST_HELPER_ITER_NEXT);
        if (!next && l->b->image->insns[last].kind != PST_KIND_MAY_GOTO) continue;
        l->cut[2 * i] = 1;
        l->cut[2 * i + 1] = next;
        any = true;
    }
    return any;
}

// The heads of loops in which iterators are made (by block, from the first round's containers).
static void mark_makers(const loops *l, uint32_t n, uint8_t *makes)
{
    for (uint32_t i = 0; i < n; i++) {
        const vflow_block *block = &l->b->blocks[i];
        bool found = false;
        for (uint32_t pc = block->start; pc <= block->last; pc++) {
            const pst_helper_proto *proto = l->b->protos[pc];
            found |= proto && (proto->flags & PST_HELPER_ITER_NEW);
        }
        for (uint32_t head = l->is_head[i] ? i : l->container[i]; found && head != VFLOW_NONE && !makes[head]; head = l->container[head]) makes[head] = 1;
    }
}

// Whether a subprogram advances an iterator that it does not make: then it is its caller's loops that the iterator bounds.
static bool advances_for_callers(const loops *l)
{
    const vflow_builder *b = l->b;
    for (uint32_t sub = 0; sub < b->image->subprog_count; sub++) {
        const pst_subprog *text = &b->image->subprogs[sub];
        uint32_t seen = 0;
        for (uint32_t pc = text->start; pc < text->start + text->count; pc++) seen |= b->protos[pc] ? b->protos[pc]->flags : 0;
        if ((seen & PST_HELPER_ITER_NEXT) && !(seen & PST_HELPER_ITER_NEW)) return true;
    }
    return false;
}

static void nest_all(loops *l, uint32_t n, uint8_t *makes)
{
    memset(l->cut, 0, 2 * (size_t)n);
    reset(l, n);
    nest(l, 0, n);
    memcpy(l->is_head, l->turns, n);
    memcpy(l->unbounded, l->turns, n);
    memcpy(l->post + n, l->container, n * sizeof *l->container); // later rounds must not change it
    mark_makers(l, n, makes);
    l->b->counts_iterators = advances_for_callers(l);
    for (unsigned iterators = 0; iterators < 2; iterators++) {
        if (!cut_edges(l, n, iterators)) continue;
        reset(l, n);
        memset(l->turns, 0, n);
        nest(l, 0, n);
        memcpy(l->container, l->post + n, n * sizeof *l->container);
        for (uint32_t i = 0; i < n; i++) {
            if (!l->is_head[i]) continue;
            if (!l->turns[i] && iterators && makes[i] && l->unbounded[i]) l->b->counts_iterators = true;
            else if (!l->turns[i]) l->unbounded[i] = 0;
        }
    }
}

// --- Order ----------------------------------------------------------------------------------------------------

// Lists the children of each component in reverse postorder, then walks the tree of components.
static void number_sub(loops *l, const vflow_sub *sub, const uint32_t *post, uint32_t *ends)
{
    vflow_builder *b = l->b;
    uint32_t *child = l->latches, *sibling = l->extras; // not needed any more
    uint32_t roots = VFLOW_NONE, depth = 0, order = 0, open = VFLOW_NONE;
    for (uint32_t i = 0; i < sub->block_count; i++) child[sub->first_block + i] = VFLOW_NONE;
    for (uint32_t i = 0; i < sub->block_count; i++) {
        uint32_t *list = l->container[post[i]] == VFLOW_NONE ? &roots : &child[l->container[post[i]]];
        sibling[post[i]] = *list;
        *list = post[i];
    }
    for (uint32_t at = roots; at != VFLOW_NONE || depth;) {
        if (at == VFLOW_NONE) {
            ends[open] = b->loop_count;
            open = b->loops[open].parent;
            at = sibling[l->stack[--depth]];
            continue;
        }
        vflow_block *block = &b->blocks[at];
        block->order = order;
        b->by_order[sub->first_block + order++] = at;
        if (l->is_head[at]) {
            b->loops[b->loop_count] = (vflow_loop){.head = at, .parent = open, .depth = depth, .is_bounded = !l->unbounded[at]};
            open = b->loop_count++;
            block->is_head = true;
            l->stack[depth++] = at;
        }
        block->loop = open;
        at = block->is_head ? child[at] : sibling[at];
    }
}

static bool allocate(loops *l, size_t n)
{
    uint32_t **words[] = {&l->pre,        &l->number, &l->parent, &l->uf,       &l->latches, &l->extras,
                          &l->container, &l->mark,   &l->body,   &l->first_arc, &l->stack,   &l->incoming, &l->dead_pred,
                          &l->tree_edge};
    uint8_t **bytes[] = {&l->done, &l->is_head, &l->unbounded, &l->dead, &l->turns};
    pst_arena *scratch = &l->b->scratch;
    for (size_t i = 0; i < PST_COUNT(words); i++)
        if (!(*words[i] = pst_arena_array(scratch, n, sizeof(uint32_t)))) return false;
    for (size_t i = 0; i < PST_COUNT(bytes); i++)
        if (!(*bytes[i] = pst_arena_array(scratch, n, 1))) return false;
    l->post = pst_arena_array(scratch, 2 * n, sizeof(uint32_t));
    l->next_edge = pst_arena_array(scratch, 2 * n, sizeof(uint32_t));
    l->next_incoming = pst_arena_array(scratch, 2 * n, sizeof(uint32_t));
    // Arcs of one loop: the head's latches and what else comes in, each edge once; for each block of the body its parent and a dead block.
    l->arc_to = pst_arena_array(scratch, 4 * n, sizeof(uint32_t));
    l->arc_next = pst_arena_array(scratch, 4 * n, sizeof(uint32_t));
    l->cut = pst_arena_array(scratch, 2 * n, 1);
    l->b->by_order = pst_arena_array(scratch, n, sizeof(uint32_t));
    return l->post && l->next_edge && l->next_incoming && l->arc_to && l->arc_next && l->cut && l->b->by_order;
}

pst_status vflow_find_loops(vflow_builder *b)
{
    loops l = {.b = b};
    uint32_t n = b->block_count, count = 0, post_count = 0, heads = 0;
    if (!allocate(&l, n)) return PST_E_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        l.uf[i] = i;
        l.latches[i] = l.extras[i] = l.container[i] = VFLOW_NONE;
    }
    for (uint32_t s = 0; s < b->image->subprog_count; s++) search(&l, b->subs[s].entry, &count, &post_count);
    uint8_t *makes = pst_arena_array(&b->scratch, n, 1);
    if (!makes) return PST_E_NOMEM;
    nest_all(&l, n, makes);
    for (uint32_t i = 0; i < n; i++) heads += l.is_head[i];
    // Behind the loops stands, for each, the number after its last inner loop: loops are numbered in their order, outer ones first.
    b->loops = pst_arena_alloc(b->arena, heads * (sizeof *b->loops + sizeof(uint32_t)));
    if (!b->loops) return PST_E_NOMEM;
    uint32_t *ends = (uint32_t *)(void *)(b->loops + heads);
    for (uint32_t s = 0; s < b->image->subprog_count; s++) number_sub(&l, &b->subs[s], l.post + b->subs[s].first_block, ends);
    return PST_OK;
}

bool vflow_in_loop(const vflow *flow, uint32_t block, uint32_t loop)
{
    const uint32_t *ends = (const uint32_t *)(const void *)(flow->loops + flow->loop_count);
    uint32_t inner = flow->blocks[block].loop;
    return inner != VFLOW_NONE && inner >= loop && inner < ends[loop];
}
