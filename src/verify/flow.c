// flow.c: blocks, what is reached, who calls whom; and the order in which the other passes run.
//
// Called by the engine once a program. Relies on what image.h promises: jumps land on instructions of the same subprogram, nothing runs off a
// subprogram's end. Invariant: when it returns without a finding every block is reached, and direct calls form no cycle.
// What counts as reached, as recursion and as too deep is Linux's (check_cfg, check_max_stack_depth): a branch goes both ways, an instruction that
// no path leads to is refused wherever it stands, a subprogram whose address is taken is reached, and only direct calls are frames.
#include "verify/flow.h"

#include <stdarg.h>
#include <string.h>

#include "base/format.h"
#include "base/hash.h"
#include "verify/flow_internal.h"

void vflow_fail(vflow_builder *b, pst_finding_kind kind, uint32_t pc, const char *fmt, ...)
{
    va_list args;
    memset(b->finding, 0, sizeof *b->finding);
    b->finding->kind = kind;
    b->finding->pc = pc;
    b->finding->reg = -1;
    b->finding->lost_pc = UINT32_MAX;
    va_start(args, fmt);
    (void)pst_format_v(b->finding->text, sizeof b->finding->text, fmt, args);
    va_end(args);
}

uint32_t vflow_sub_at(const vflow_builder *b, uint32_t pc)
{
    return (uint32_t)(pst_image_subprog_at(b->image, pc) - b->image->subprogs);
}

// --- Prototypes -----------------------------------------------------------------------------------------------

const pst_helper_proto *vflow_kfunc(const pst_verify_input *input, uint32_t pc)
{
    const pst_insn *insn = &input->image->insns[pc];
    if (insn->kind != PST_KIND_CALL || insn->op != PST_CALL_KFUNC || !input->kfunc_name) return NULL;
    const char *name = input->kfunc_name(input->user, pc, insn);
    return name ? pst_kfunc_proto_by_name(name) : NULL;
}

const pst_helper_proto *vflow_helper(const pst_verify_input *input, int32_t id)
{
    return input->type ? pst_prog_type_helper(input->type, id) : pst_helper_proto_by_id(id);
}

bool vflow_takes_callback(const pst_helper_proto *proto)
{
    if (!proto) return false;
    if (proto->flags & PST_HELPER_CALLBACK) return true;
    for (unsigned i = 0; i < PST_ARGS_MAX; i++)
        if (proto->args[i] == PST_ARG_FUNC) return true;
    return false;
}

// Catalogs are searched by walking them; a program calls the same few functions again and again.
#define CACHE_SIZE 64u // a power of two

static void find_protos(vflow_builder *b)
{
    const pst_helper_proto *cache[CACHE_SIZE] = {0};
    int32_t cached_id[CACHE_SIZE] = {0};
    const pst_verify_input *input = b->input;
    for (uint32_t pc = 0; pc < b->image->count; pc++) {
        const pst_insn *insn = &b->image->insns[pc];
        if (insn->kind != PST_KIND_CALL) continue;
        if (insn->op == PST_CALL_HELPER) {
            uint32_t at = (uint32_t)insn->imm & (CACHE_SIZE - 1);
            if (!cache[at] || cached_id[at] != (int32_t)insn->imm) cache[at] = vflow_helper(input, (int32_t)insn->imm);
            cached_id[at] = (int32_t)insn->imm;
            b->protos[pc] = cache[at];
        }
    }
    memset(cache, 0, sizeof cache);
    for (uint32_t pc = 0; pc < b->image->count && input->kfunc_name; pc++) {
        const pst_insn *insn = &b->image->insns[pc];
        if (insn->kind != PST_KIND_CALL || insn->op != PST_CALL_KFUNC) continue;
        const char *name = input->kfunc_name(input->user, pc, insn);
        if (!name) continue;
        const pst_helper_proto **at = &cache[pst_hash_plain(name, strlen(name)) & (CACHE_SIZE - 1)];
        if (!*at || strcmp((*at)->name, name) != 0) *at = pst_kfunc_proto_by_name(name);
        b->protos[pc] = *at;
    }
}

// --- Blocks ---------------------------------------------------------------------------------------------------

static bool has_target(const pst_insn *insn)
{
    return insn->kind == PST_KIND_JUMP || insn->kind == PST_KIND_BRANCH || insn->kind == PST_KIND_MAY_GOTO;
}

static bool ends_block(const pst_insn *insn) { return has_target(insn) || insn->kind == PST_KIND_EXIT || vflow_is_sub_call(insn); }

// Whether the engine comes back to the call at pc: then it is a block of its own.
static bool is_alone(const vflow_builder *b, uint32_t pc)
{
    const pst_helper_proto *proto = b->protos[pc];
    if (!proto) return false;
    // Taking a lock that can fail goes on in two ways.
    bool may_fail = (proto->flags & PST_HELPER_LOCK) && proto->ret == PST_RET_INTEGER;
    return may_fail || (proto->flags & PST_HELPER_ITER_NEXT) || vflow_takes_callback(proto);
}

static uint32_t mark_leaders(vflow_builder *b, uint8_t *leads)
{
    const pst_image *image = b->image;
    uint32_t count = 0;
    for (uint32_t i = 0; i < image->subprog_count; i++) leads[image->subprogs[i].start] = 1;
    for (uint32_t pc = 0; pc < image->count; pc++) {
        const pst_insn *insn = &image->insns[pc];
        if (has_target(insn)) leads[vflow_target_pc(pc, insn)] = 1;
        if (is_alone(b, pc)) leads[pc] = 1;
        if (ends_block(insn) || is_alone(b, pc)) leads[pc + 1] = 1; // leads has one more than the image
    }
    for (uint32_t pc = 0; pc < image->count; pc++) count += leads[pc];
    return count;
}

static void cut_blocks(vflow_builder *b, const uint8_t *leads)
{
    const pst_image *image = b->image;
    uint32_t at = VFLOW_NONE, sub = 0;
    for (uint32_t pc = 0; pc < image->count; pc++) {
        if (sub + 1 < image->subprog_count && pc >= image->subprogs[sub + 1].start) sub++;
        if (leads[pc]) {
            vflow_block *block = &b->blocks[++at];
            block->start = pc;
            block->subprog = sub;
            block->loop = VFLOW_NONE;
            if (pc == image->subprogs[sub].start) b->subs[sub].entry = b->subs[sub].first_block = at;
            b->subs[sub].block_count++;
        }
        b->block_of[pc] = at;
        if (image->insns[pc].kind != PST_KIND_PADDING) b->blocks[at].last = pc;
    }
}

static void link_blocks(vflow_builder *b)
{
    for (uint32_t i = 0; i < b->block_count; i++) {
        vflow_block *block = &b->blocks[i];
        const pst_insn *last = &b->image->insns[block->last];
        bool falls = last->kind != PST_KIND_JUMP && last->kind != PST_KIND_EXIT;
        block->target = has_target(last) ? b->block_of[vflow_target_pc(block->last, last)] : VFLOW_NONE;
        block->next = falls ? i + 1 : VFLOW_NONE;
        if (falls && (i + 1 == b->block_count || b->blocks[i + 1].subprog != block->subprog)) {
            vflow_fail(b, PST_FINDING_STRUCTURE, block->last, "instruction %u runs on into another subprogram", block->last);
            return;
        }
    }
}

static pst_status make_blocks(vflow_builder *b)
{
    const pst_image *image = b->image;
    uint8_t *leads = pst_arena_array(&b->scratch, (size_t)image->count + 1, 1);
    b->protos = pst_arena_array(&b->scratch, image->count, sizeof *b->protos);
    b->block_of = pst_arena_array(b->arena, image->count, sizeof *b->block_of);
    b->subs = pst_arena_array(b->arena, image->subprog_count, sizeof *b->subs);
    if (!leads || !b->protos || !b->block_of || !b->subs) return PST_E_NOMEM;
    find_protos(b);
    b->block_count = mark_leaders(b, leads);
    b->blocks = pst_arena_array(b->arena, b->block_count, sizeof *b->blocks);
    if (!b->blocks) return PST_E_NOMEM;
    cut_blocks(b, leads);
    link_blocks(b);
    return PST_OK;
}

// --- The exception callback -----------------------------------------------------------------------------------

// The BTF FUNC of a subprogram; 0: unknown.
static uint32_t func_of(const vflow_builder *b, uint32_t sub)
{
    const pst_verify_input *input = b->input;
    for (uint32_t i = 0; input->func_info && i < input->func_info_count; i++)
        if (input->func_info[i].pc == b->image->subprogs[sub].start && input->func_info[i].type_id < pst_btf_count(input->btf))
            return input->func_info[i].type_id;
    return 0;
}

#define EXCEPTION_TAG "exception_callback:"

// What bpf_throw ends in is named by a tag on the program. Source: Linux's bpf_find_exception_callback_insn_off.
static uint32_t find_exception_callback(vflow_builder *b)
{
    const pst_btf *btf = b->input->btf;
    uint32_t main = btf ? func_of(b, 0) : 0;
    const char *name = NULL;
    for (uint32_t id = main ? pst_btf_first(btf) : 0; main && id < pst_btf_count(btf); id++) {
        pst_btf_type tag = pst_btf_get(btf, id);
        if (tag.kind != PST_BTF_DECL_TAG || tag.type != main || tag.component != -1) continue;
        if (strncmp(tag.name, EXCEPTION_TAG, sizeof EXCEPTION_TAG - 1) != 0) continue;
        if (name) {
            vflow_fail(b, PST_FINDING_BTF, 0, "the program names two exception callbacks");
            return VFLOW_NONE;
        }
        name = tag.name + sizeof EXCEPTION_TAG - 1;
    }
    for (uint32_t i = 1; name && i < b->image->subprog_count; i++) {
        pst_btf_type func = pst_btf_get(btf, func_of(b, i));
        if (func.kind == PST_BTF_FUNC && strcmp(func.name, name) == 0 && func.linkage == 1) return i;
    }
    if (name) vflow_fail(b, PST_FINDING_BTF, 0, "the exception callback %s is no global function of the program", name);
    return VFLOW_NONE;
}

// --- What is reached ------------------------------------------------------------------------------------------

typedef struct reach {
    uint8_t *seen;   // by block
    uint32_t *stack; // of blocks; one holds each block at most once
    uint32_t depth;
} reach;

static void push_block(reach *r, uint32_t block)
{
    if (block == VFLOW_NONE || r->seen[block]) return;
    r->seen[block] = 1;
    r->stack[r->depth++] = block;
}

static bool names_sub(const pst_insn *insn)
{
    return vflow_is_sub_call(insn) || (insn->kind == PST_KIND_IMM64 && insn->op == PST_IMM64_FUNC);
}

static void push_subs(vflow_builder *b, reach *r, const vflow_block *block)
{
    for (uint32_t pc = block->start; pc <= block->last; pc++) {
        const pst_insn *insn = &b->image->insns[pc];
        if (!names_sub(insn)) continue;
        vflow_sub *sub = &b->subs[vflow_sub_at(b, vflow_target_pc(pc, insn))];
        sub->is_reached = true;
        if (insn->kind == PST_KIND_IMM64) sub->is_callback = true;
        push_block(r, sub->entry);
    }
}

static pst_status check_reach(vflow_builder *b)
{
    reach r = {.seen = pst_arena_array(&b->scratch, b->block_count, 1),
               .stack = pst_arena_array(&b->scratch, b->block_count, sizeof *r.stack)};
    if (!r.seen || !r.stack) return PST_E_NOMEM;
    b->subs[0].is_reached = true;
    push_block(&r, b->subs[0].entry);
    if (b->exception_callback != VFLOW_NONE) {
        b->subs[b->exception_callback].is_reached = true;
        push_block(&r, b->subs[b->exception_callback].entry);
    }
    while (r.depth) {
        const vflow_block *block = &b->blocks[r.stack[--r.depth]];
        push_subs(b, &r, block);
        push_block(&r, block->next);
        push_block(&r, block->target);
    }
    for (uint32_t i = 0; i < b->block_count; i++) {
        if (r.seen[i]) continue;
        vflow_fail(b, PST_FINDING_UNREACHABLE, b->blocks[i].start, "instruction %u is never reached", b->blocks[i].start);
        break;
    }
    return PST_OK;
}

static pst_status find_preds(vflow_builder *b)
{
    uint32_t n = b->block_count;
    b->pred_start = pst_arena_array(&b->scratch, (size_t)n + 2, sizeof *b->pred_start);
    b->preds = pst_arena_array(&b->scratch, 2 * (size_t)n, sizeof *b->preds);
    if (!b->pred_start || !b->preds) return PST_E_NOMEM;
    uint32_t *at = b->pred_start + 1; // where the edges into a block go next; its end when all are there
    for (uint32_t i = 0; i < n; i++)
        for (unsigned w = 0; w < 2; w++)
            if (vflow_successor(&b->blocks[i], w) != VFLOW_NONE) at[vflow_successor(&b->blocks[i], w) + 1]++;
    for (uint32_t i = 0; i < n; i++) at[i + 1] += at[i];
    for (uint32_t i = 0; i < n; i++)
        for (unsigned w = 0; w < 2; w++)
            if (vflow_successor(&b->blocks[i], w) != VFLOW_NONE) b->preds[at[vflow_successor(&b->blocks[i], w)]++] = i;
    return PST_OK;
}

// --- The call graph -------------------------------------------------------------------------------------------

// The instructions that name subprograms, in order of text; those of subprogram s are at[s] up to at[s + 1].
typedef struct call_graph {
    uint32_t *pcs, *at;
    uint32_t *cursor, *stack; // by subprogram: of a depth-first search
    uint8_t *state;           // 0: not seen, 1: on the stack, 2: done
    uint32_t *height;         // frames of the longest chain of direct calls from here
} call_graph;

static pst_status make_graph(vflow_builder *b, call_graph *g)
{
    const pst_image *image = b->image;
    size_t subs = image->subprog_count;
    uint32_t count = 0;
    for (uint32_t pc = 0; pc < image->count; pc++) count += names_sub(&image->insns[pc]);
    g->pcs = pst_arena_array(&b->scratch, count, sizeof *g->pcs);
    g->at = pst_arena_array(&b->scratch, subs + 1, sizeof *g->at);
    g->cursor = pst_arena_array(&b->scratch, subs, sizeof *g->cursor);
    g->stack = pst_arena_array(&b->scratch, subs, sizeof *g->stack);
    g->state = pst_arena_array(&b->scratch, subs, 1);
    g->height = pst_arena_array(&b->scratch, subs, sizeof *g->height);
    b->sub_order = pst_arena_array(&b->scratch, subs, sizeof *b->sub_order);
    b->summaries = pst_arena_array(&b->scratch, subs, sizeof *b->summaries);
    if (!g->pcs || !g->at || !g->cursor || !g->stack || !g->state || !g->height || !b->sub_order || !b->summaries) return PST_E_NOMEM;
    count = 0;
    for (uint32_t s = 0; s < subs; s++) {
        uint32_t end = image->subprogs[s].start + image->subprogs[s].count;
        g->at[s] = count;
        for (uint32_t pc = image->subprogs[s].start; pc < end; pc++)
            if (names_sub(&image->insns[pc])) g->pcs[count++] = pc;
    }
    g->at[subs] = count;
    return PST_OK;
}

// Depth first from root; done subprograms are appended to out. direct: along direct calls only, where a cycle is a finding.
static uint32_t search_calls(vflow_builder *b, call_graph *g, uint32_t root, bool direct, uint32_t *out, uint32_t count)
{
    uint32_t depth = 0;
    if (g->state[root]) return count;
    g->stack[depth++] = root;
    g->state[root] = 1;
    g->cursor[root] = g->at[root];
    while (depth) {
        uint32_t sub = g->stack[depth - 1];
        if (g->cursor[sub] == g->at[sub + 1]) {
            g->state[sub] = 2;
            out[count++] = sub;
            depth--;
            continue;
        }
        uint32_t pc = g->pcs[g->cursor[sub]++];
        const pst_insn *insn = &b->image->insns[pc];
        if (direct && insn->kind != PST_KIND_CALL) continue;
        uint32_t callee = vflow_sub_at(b, vflow_target_pc(pc, insn));
        if (g->state[callee] == 1 && direct) {
            vflow_fail(b, PST_FINDING_RECURSION, pc, "the call at instruction %u is recursive: the subprogram that starts at %u is being run already",
                       pc, b->image->subprogs[callee].start);
            return count;
        }
        if (g->state[callee]) continue;
        g->stack[depth++] = callee;
        g->state[callee] = 1;
        g->cursor[callee] = g->at[callee];
    }
    return count;
}

// The call that makes the longest chain from root too long.
static void fail_depth(vflow_builder *b, const call_graph *g, uint32_t root)
{
    uint32_t sub = root, pc = 0;
    for (uint32_t frames = 1; frames <= PST_FRAMES_MAX; frames++) {
        uint32_t next = sub;
        for (uint32_t i = g->at[sub]; i < g->at[sub + 1]; i++) {
            const pst_insn *insn = &b->image->insns[g->pcs[i]];
            uint32_t callee = vflow_sub_at(b, vflow_target_pc(g->pcs[i], insn));
            if (insn->kind != PST_KIND_CALL || g->height[callee] + 1 != g->height[sub]) continue;
            pc = g->pcs[i];
            next = callee;
            break;
        }
        sub = next;
    }
    vflow_fail(b, PST_FINDING_CALL_DEPTH, pc, "the call at instruction %u nests calls %u frames deep; the limit is %u", pc, PST_FRAMES_MAX + 1,
               PST_FRAMES_MAX);
}

static void check_depth(vflow_builder *b, call_graph *g, const uint32_t *order, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++) {
        uint32_t sub = order[k];
        g->height[sub] = 1;
        for (uint32_t i = g->at[sub]; i < g->at[sub + 1]; i++) {
            const pst_insn *insn = &b->image->insns[g->pcs[i]];
            if (insn->kind != PST_KIND_CALL) continue;
            uint32_t above = g->height[vflow_sub_at(b, vflow_target_pc(g->pcs[i], insn))] + 1;
            if (above > g->height[sub]) g->height[sub] = above;
        }
    }
    for (uint32_t s = 0; s < b->image->subprog_count; s++) {
        if ((s != 0 && !b->subs[s].is_callback) || g->height[s] <= PST_FRAMES_MAX) continue;
        fail_depth(b, g, s);
        return;
    }
}

static pst_status check_calls(vflow_builder *b)
{
    call_graph g = {0};
    uint32_t subs = b->image->subprog_count, count = 0;
    PST_TRY(make_graph(b, &g));
    for (uint32_t s = 0; s < subs && !b->finding->kind; s++) count = search_calls(b, &g, s, true, b->sub_order, count);
    if (!b->finding->kind) check_depth(b, &g, b->sub_order, count);
    if (b->finding->kind) return PST_OK;
    memset(g.state, 0, subs);
    b->sub_order_count = search_calls(b, &g, 0, false, b->sub_order, 0);
    if (b->exception_callback != VFLOW_NONE) b->sub_order_count = search_calls(b, &g, b->exception_callback, false, b->sub_order, b->sub_order_count);
    return PST_OK;
}

// --- All together ---------------------------------------------------------------------------------------------

static void mark_joins(vflow_builder *b)
{
    for (uint32_t i = 0; i < b->block_count; i++) {
        vflow_block *block = &b->blocks[i];
        const pst_insn *last = &b->image->insns[block->last];
        if (b->pred_start[i + 1] - b->pred_start[i] > 1 || block->is_head || b->subs[block->subprog].entry == i) block->is_join = true;
        if (vflow_is_sub_call(last)) b->blocks[block->next].is_join = true;
        // A callback returns to the call, which may run it again, or to what follows it.
        if (vflow_takes_callback(b->protos[block->last])) block->is_join = b->blocks[block->next].is_join = true;
    }
}

static pst_status build(vflow_builder *b, vflow *out)
{
    PST_TRY(make_blocks(b));
    if (!b->finding->kind) b->exception_callback = find_exception_callback(b);
    if (!b->finding->kind) PST_TRY(check_reach(b));
    if (!b->finding->kind) PST_TRY(check_calls(b));
    if (b->finding->kind) return PST_OK;
    PST_TRY(find_preds(b));
    PST_TRY(vflow_find_loops(b));
    mark_joins(b);
    PST_TRY(vflow_find_live(b));
    PST_TRY(vflow_find_thresholds(b, &out->thresholds, &out->threshold_count));
    out->blocks = b->blocks;
    out->block_count = b->block_count;
    out->block_of = b->block_of;
    out->loops = b->loops;
    out->loop_count = b->loop_count;
    out->counts_iterators = b->counts_iterators;
    out->subs = b->subs;
    out->exception_callback = b->exception_callback;
    return PST_OK;
}

pst_status vflow_build(pst_arena *arena, const pst_verify_input *input, pst_finding *finding, vflow *out)
{
    vflow_builder b = {.input = input, .image = input->image, .finding = finding, .arena = arena, .exception_callback = VFLOW_NONE};
    memset(finding, 0, sizeof *finding);
    *out = (vflow){0};
    pst_arena_init(&b.scratch, arena->env, arena->limit_bytes);
    pst_status status = build(&b, out);
    pst_arena_free(&b.scratch);
    return status;
}
