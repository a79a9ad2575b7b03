// flow.c: the order of blocks, dominators, loops.
//
// Dominators: Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm". Loops: natural ones; blocks of inner loops are not walked
// again for outer ones, so that all of it is linear.
#include "jit/opt/ir.h"

// --- Reverse postorder ----------------------------------------------------------------------------------------

typedef struct step {
    opt_block *block;
    unsigned next;
} step;

static void number_blocks(opt_func *func)
{
    step *stack = pst_arena_array(func->arena, func->block_count, sizeof *stack);
    uint32_t depth = 0, left = func->block_count;
    opt_block **order = pst_arena_array(func->arena, func->block_count, sizeof *order);
    if (!stack || !order) {
        func->failed = true;
        func->order_count = 0;
        return;
    }
    for (uint32_t i = 0; i < func->block_count; i++) func->blocks[i]->order = UINT32_MAX;
    func->blocks[0]->order = 0;
    stack[depth++] = (step){func->blocks[0], 0};
    while (depth > 0) {
        step *top = &stack[depth - 1];
        if (top->next == 2) {
            order[--left] = top->block;
            depth--;
            continue;
        }
        // The second successor, where falling through goes on, comes last, and so in front of the other in the reverse.
        opt_block *succ = top->block->succs[top->next++];
        if (!succ || succ->order != UINT32_MAX) continue;
        succ->order = 0;
        stack[depth++] = (step){succ, 0};
    }
    func->order = order + left;
    func->order_count = func->block_count - left;
    for (uint32_t i = 0; i < func->order_count; i++) func->order[i]->order = i;
}

static void drop_unreached(opt_func *func)
{
    for (uint32_t i = 0; i < func->block_count; i++)
        for (unsigned s = 0; s < 2 && func->blocks[i]->order == UINT32_MAX; s++) opt_cut_edge(func->blocks[i], s);
}

// --- Dominators -----------------------------------------------------------------------------------------------

static opt_block *meet(opt_block *a, opt_block *b)
{
    while (a != b) {
        while (a->order > b->order) a = a->idom;
        while (b->order > a->order) b = b->idom;
    }
    return a;
}

static void find_dominators(opt_func *func)
{
    bool changed = true;
    OPT_EACH_BLOCK(b, func) b->idom = NULL;
    func->order[0]->idom = func->order[0];
    while (changed && opt_work(func, func->order_count)) {
        changed = false;
        for (uint32_t i = 1; i < func->order_count; i++) {
            opt_block *b = func->order[i], *dom = NULL;
            for (uint32_t p = 0; p < b->pred_count; p++)
                if (b->preds[p]->idom) dom = dom ? meet(b->preds[p], dom) : b->preds[p];
            if (b->idom == dom) continue;
            b->idom = dom;
            changed = true;
        }
    }
}

// Intervals of a walk through the tree. In reverse postorder parents come before their children.
static void number_tree(opt_func *func)
{
    OPT_EACH_BLOCK(b, func) b->dom_out = 1; // first: the size of its subtree
    for (uint32_t i = func->order_count; i-- > 1;) func->order[i]->idom->dom_out += func->order[i]->dom_out;
    for (uint32_t i = 0; i < func->order_count; i++) {
        opt_block *b = func->order[i];
        uint32_t size = b->dom_out;
        b->dom_in = i == 0 ? 0 : b->idom->dom_next;
        if (i > 0) b->idom->dom_next += size;
        b->dom_next = b->dom_in + 1;
        b->dom_out = b->dom_in + size - 1;
    }
}

// --- Loops ----------------------------------------------------------------------------------------------------

static opt_loop *outermost(opt_loop *loop)
{
    while (loop && loop->parent) loop = loop->parent;
    return loop;
}

// A block of loop that is new to it: the outermost loop that it was in is then one inside, and its head stands for it.
static opt_block *enter(opt_loop *loop, opt_block *b)
{
    opt_loop *inner = outermost(b->loop);
    if (inner == loop) return NULL;
    if (inner) {
        inner->parent = loop;
        return inner->head;
    }
    b->loop = loop;
    return b;
}

// Puts what leads to a back edge of loop into it. Each block enters once, so the stack has room for all.
static void fill_loop(opt_func *func, opt_loop *loop, opt_block **stack)
{
    uint32_t depth = 0;
    opt_block *head = loop->head, *next;
    head->loop = loop;
    for (uint32_t p = 0; p < head->pred_count; p++)
        if (opt_dominates(head, head->preds[p]) && (next = enter(loop, head->preds[p])) != NULL) stack[depth++] = next;
    while (depth > 0 && opt_work(func, 1)) {
        opt_block *b = stack[--depth];
        for (uint32_t p = 0; p < b->pred_count; p++)
            if ((next = enter(loop, b->preds[p])) != NULL) stack[depth++] = next;
    }
}

static void find_loops(opt_func *func)
{
    opt_block **stack = pst_arena_array(func->arena, func->block_count, sizeof *stack);
    OPT_EACH_BLOCK(b, func) b->loop = NULL;
    if (!stack) {
        func->failed = true;
        return;
    }
    for (uint32_t i = func->order_count; i-- > 0;) {
        opt_block *b = func->order[i];
        bool is_head = false;
        for (uint32_t p = 0; p < b->pred_count; p++) is_head |= opt_dominates(b, b->preds[p]);
        if (!is_head) continue;
        opt_loop *loop = pst_arena_alloc(func->arena, sizeof *loop);
        if (!loop) {
            func->failed = true;
            return;
        }
        loop->head = b;
        fill_loop(func, loop, stack);
    }
    OPT_EACH_BLOCK(b, func) // heads of outer loops come first
        if (b->loop && b->loop->depth == 0) b->loop->depth = b->loop->parent ? b->loop->parent->depth + 1 : 1;
}

void opt_flow(opt_func *func)
{
    if (func->failed) return;
    number_blocks(func);
    if (func->failed) return;
    drop_unreached(func);
    find_dominators(func);
    number_tree(func);
    find_loops(func);
}
