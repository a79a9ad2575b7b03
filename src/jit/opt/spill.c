// spill.c: webs without a register live on the stack: loaded in front of each use, stored behind each assignment.
#include "jit/opt/allocate.h"

typedef struct spill {
    graph *g;
    opt_func *func;
    const uint32_t *web_of; // per id: the web before anything was rewritten
} spill;

static opt_value *frame_of(const spill *s, const web *w)
{
    opt_value *frame = opt_value_new(s->func, OPT_FRAME, 0);
    frame->insn.imm = w->place;
    frame->web = OPT_NO_WEB;
    return frame;
}

static web *spilled(const spill *s, const opt_value *v, uint32_t known)
{
    uint32_t w = v->id < known ? s->web_of[v->id] : v->web;
    if (w == OPT_NO_WEB || w < OPT_FIXED || w >= s->g->web_count) return NULL;
    web *root = &s->g->webs[graph_root(s->g, w)];
    return root->spilled ? root : NULL;
}

static opt_value *load_in_front(const spill *s, opt_value *v, const web *w)
{
    opt_value *load = opt_value_new(s->func, PST_KIND_LOAD, 1);
    load->args[0] = frame_of(s, w);
    load->origin = v->origin;
    load->web = opt_web_new(s->func);
    opt_insert_before(v, load);
    return load;
}

static opt_value *store_in_front(const spill *s, opt_value *place, const web *w, opt_value *value)
{
    opt_value *store = opt_value_new(s->func, PST_KIND_STORE, 2);
    store->args[0] = frame_of(s, w);
    store->args[1] = value;
    store->origin = place->origin;
    store->web = OPT_NO_WEB;
    opt_insert_before(place, store);
    return store;
}

static void rewrite(const spill *s, opt_value *v, uint32_t known)
{
    web *to = opt_effect_of(s->func, v).def != OPT_NO_WEB ? spilled(s, v, known) : NULL; // calls leave theirs in r0
    if (v->insn.kind == OPT_COPY && to) {
        web *from = v->args[0]->web < OPT_FIXED ? NULL : spilled(s, v->args[0], known);
        if (from != to) (void)store_in_front(s, v, to, from ? load_in_front(s, v, from) : v->args[0]);
        opt_remove(v);
        return;
    }
    uint32_t own = v->id < known ? s->web_of[v->id] : v->web;
    opt_value *over = NULL; // the operand that v writes over
    for (uint32_t i = 0; i < v->arg_count; i++) {
        web *w = opt_is_frame_base(v, i) || v->args[i]->web < OPT_FIXED ? NULL : spilled(s, v->args[i], known);
        if (!w) continue;
        bool same = to && s->web_of[v->args[i]->id] == own;
        opt_value *load = load_in_front(s, v, w);
        if (same) over = load;
        // Args may be shared with func->fixed: those are registers and were left out.
        v->args[i] = load;
    }
    if (!to || OPT_PLANT(13)) return;
    v->web = over ? over->web : opt_web_new(s->func);
    opt_value *result = opt_value_new(s->func, OPT_COPY, 0); // in no block: the name of the web
    result->web = v->web;
    (void)store_in_front(s, v->next, to, result);
}

void graph_spill(graph *g)
{
    opt_func *func = g->func;
    uint32_t known = func->value_count;
    uint32_t *web_of = pst_arena_array(func->arena, known, sizeof *web_of);
    if (!web_of) func->failed = true;
    for (uint32_t w = OPT_FIXED; w < g->web_count && !func->failed; w++) {
        if (!g->webs[w].spilled || g->webs[w].root != w) continue;
        func->frame_bytes = ((func->frame_bytes + 7) & ~7u) + 8;
        g->webs[w].place = -(int32_t)func->frame_bytes;
        if (func->frame_bytes > PST_FRAME_BYTES) func->failed = true;
    }
    if (func->failed) return;
    OPT_EACH_BLOCK(b, func) OPT_EACH_VALUE(v, b) {
        web_of[v->id] = v->web;
        for (uint32_t i = 0; i < v->arg_count; i++) web_of[v->args[i]->id] = v->args[i]->web;
    }
    const spill s = {g, func, web_of};
    for (uint32_t i = 0; i < func->order_count && !func->failed; i++) OPT_EACH_VALUE(v, func->order[i]) rewrite(&s, v, known);
}
