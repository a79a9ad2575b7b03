// build.c: from a program's instructions to blocks of values.
//
// First the blocks: those of the function, and in the place of each call that is worth it those of the callee (an instance of it, with stack
// of its own below the caller's). Then the values, block by block in reverse postorder; registers are the variables of vars.h.
#include "jit/opt/vars.h"

#define INLINE_SLOTS_MAX 48u    // of a callee that is called in several places
#define INLINE_ONCE_MAX 1024u   // of a callee with one call
#define INLINE_TOTAL_MAX 2048u  // slots that one function may get by inlining
#define INSTANCES_MAX 64u       // of callees, in one function
#define DEPTH_MAX PST_FRAMES_MAX

// r0 to r5 are the same registers in caller and callee; r6 to r9 are each instance's own.
#define OWN_REGS 4u
#define VARS_OF(instances) (6u + OWN_REGS * (instances))

typedef struct opt_instance {
    const struct opt_instance *caller; // NULL: the function itself
    uint32_t subprog;
    uint32_t number;
    uint32_t frame_off; // its r10 is that of the function less this
    uint32_t depth;
    opt_block *back;    // where it returns to; NULL: out of the function
    opt_block **at;     // the block that begins at a slot, from its start on; NULL: none
} opt_instance;

typedef struct builder {
    opt_func *func;
    const jit_unit *unit;
    uint32_t instances, inlined_slots;
    opt_vars vars;
} builder;

static const pst_insn *insn_at(const builder *b, uint32_t pc) { return &b->unit->image->insns[pc]; }
static uint32_t target_of(const pst_insn *insn, uint32_t pc) { return (uint32_t)((int64_t)pc + 1 + insn->target); }

// --- Which calls are inlined ----------------------------------------------------------------------------------

static uint32_t callee_of(const builder *b, const pst_insn *insn, uint32_t pc)
{
    const pst_image *image = b->unit->image;
    return (uint32_t)(pst_image_subprog_at(image, target_of(insn, pc)) - image->subprogs);
}

// What an inlined callee may not do: what depends on being a function of its own.
static bool can_be_inlined(const builder *b, uint32_t subprog)
{
    const jit_func *f = &b->unit->funcs[subprog];
    for (uint32_t pc = f->start; pc < f->end; pc++) {
        const pst_insn *insn = insn_at(b, pc);
        if (insn->kind != PST_KIND_CALL || insn->op == PST_CALL_SUBPROG) continue;
        const pst_helper *helper = insn->op == PST_CALL_REGISTER ? NULL : jit_callee(b->unit->bindings, insn);
        if (!helper || helper->proto->flags & PST_HELPER_TAIL_CALL) return false;
    }
    return true;
}

static bool is_inlined(const builder *b, const opt_instance *at, uint32_t pc)
{
    const jit_unit *unit = b->unit;
    const pst_insn *insn = insn_at(b, pc);
    if (insn->kind != PST_KIND_CALL || insn->op != PST_CALL_SUBPROG || jit_is_dead(unit, pc)) return false;
    // Where something at run time counts frames, or walks them, they stay. Without such counting nothing is recursive.
    if (unit->counts_depth || unit->reads_stack || at->depth + 1 >= DEPTH_MAX || b->instances >= INSTANCES_MAX) return false;
    uint32_t subprog = callee_of(b, insn, pc);
    const jit_func *callee = &unit->funcs[subprog];
    uint32_t slots = callee->end - callee->start;
    if (slots > (callee->callers == 1 ? INLINE_ONCE_MAX : INLINE_SLOTS_MAX) || b->inlined_slots + slots > INLINE_TOTAL_MAX) return false;
    if (at->frame_off + unit->funcs[at->subprog].stack_bytes + callee->stack_bytes > PST_FRAME_BYTES) return false;
    return can_be_inlined(b, subprog);
}

// --- Blocks ---------------------------------------------------------------------------------------------------

static bool ends_block(const pst_insn *insn)
{
    return insn->kind == PST_KIND_JUMP || insn->kind == PST_KIND_BRANCH || insn->kind == PST_KIND_MAY_GOTO || insn->kind == PST_KIND_EXIT;
}

static opt_block *new_block(builder *b, const opt_instance *at, uint32_t start)
{
    opt_block *block = opt_block_new(b->func);
    if (!block) return NULL;
    block->instance = at;
    block->start = block->end = start;
    return block;
}

static opt_instance *new_instance(builder *b, const opt_instance *caller, uint32_t subprog, opt_block *back)
{
    const jit_func *f = &b->unit->funcs[subprog];
    opt_instance *at = pst_arena_alloc(b->func->arena, sizeof *at);
    if (!at) return NULL;
    *at = (opt_instance){.caller = caller, .subprog = subprog, .number = b->instances++, .back = back};
    at->at = pst_arena_array(b->func->arena, (size_t)(f->end - f->start) + 1, sizeof *at->at);
    if (!at->at) return NULL;
    if (caller) {
        at->depth = caller->depth + 1;
        at->frame_off = caller->frame_off + b->unit->funcs[caller->subprog].stack_bytes;
    }
    if (at->frame_off + f->stack_bytes > b->func->frame_bytes) b->func->frame_bytes = at->frame_off + f->stack_bytes;
    return at;
}

// Marks the slots of an instance at which blocks begin, and makes the blocks in their order, with those of inlined callees between them.
static bool make_blocks(builder *b, opt_instance *at);

static bool make_callee(builder *b, opt_instance *at, opt_block *caller, uint32_t pc)
{
    const jit_func *f = &b->unit->funcs[at->subprog];
    uint32_t subprog = callee_of(b, insn_at(b, pc), pc);
    b->inlined_slots += b->unit->funcs[subprog].end - b->unit->funcs[subprog].start;
    opt_instance *callee = new_instance(b, at, subprog, NULL);
    uint32_t entry = b->func->block_count;
    if (!callee || !make_blocks(b, callee)) return false;
    opt_block *back = new_block(b, at, pc + 1);
    if (!back) return false;
    callee->back = back;
    at->at[pc + 1 - f->start] = back;
    caller->end = pc; // the call itself becomes the edge
    opt_add_edge(b->func, caller, 0, b->func->blocks[entry]);
    return true;
}

static bool make_blocks(builder *b, opt_instance *at)
{
    const jit_func *f = &b->unit->funcs[at->subprog];
    opt_block *block = NULL;
    for (uint32_t pc = f->start; pc < f->end; pc++) {
        const pst_insn *insn = insn_at(b, pc);
        if (insn->kind == PST_KIND_PADDING) continue;
        if (!block || b->unit->marks[pc] & JIT_TARGET) block = at->at[pc - f->start]; // made behind a call
        if (!block && !(block = at->at[pc - f->start] = new_block(b, at, pc))) return false;
        block->end = pc + (insn->kind == PST_KIND_IMM64 ? 2 : 1);
        if (jit_is_dead(b->unit, pc) || ends_block(insn)) {
            block = NULL;
        } else if (is_inlined(b, at, pc)) {
            if (!make_callee(b, at, block, pc)) return false;
            block = at->at[pc + 1 - f->start];
        }
    }
    return true;
}

static opt_block *block_at(const builder *b, const opt_instance *at, uint32_t pc)
{
    return at->at[pc - b->unit->funcs[at->subprog].start];
}

// The edges of a block, by its last instruction. A callee's end leads back.
static void connect(builder *b, opt_block *block)
{
    const opt_instance *at = block->instance;
    if (block->succs[0]) return; // to an inlined callee
    uint32_t last = block->end;
    while (last > block->start && insn_at(b, last - 1)->kind == PST_KIND_PADDING) last--;
    last = last > block->start ? last - 1 : last;
    const pst_insn *insn = insn_at(b, last);
    if (block->end > block->start && jit_is_dead(b->unit, last)) return;
    unsigned n = 0;
    bool empty = block->end == block->start; // what follows a call, where a block begins anyway
    if (!empty && insn->kind == PST_KIND_EXIT) {
        if (at->back) opt_add_edge(b->func, block, 0, at->back);
        return;
    }
    if (!empty && ends_block(insn)) opt_add_edge(b->func, block, n++, block_at(b, at, target_of(insn, last)));
    if (empty || insn->kind != PST_KIND_JUMP) opt_add_edge(b->func, block, n, block_at(b, at, block->end));
}

// --- Values ---------------------------------------------------------------------------------------------------

static uint32_t var_of(const opt_instance *at, unsigned reg) { return reg < 6 ? reg : VARS_OF(at->number) + reg - 6; }
static uint8_t reg_of(uint32_t var) { return (uint8_t)(var < 6 ? var : 6 + (var - 6) % OWN_REGS); }

typedef struct place {
    builder *b;
    opt_block *block;
    const opt_instance *at;
    uint32_t pc;
} place;

static opt_value *read_reg(const place *p, unsigned reg)
{
    if (reg != PST_REG_FP) return opt_vars_read(&p->b->vars, p->block, var_of(p->at, reg));
    opt_value *frame = opt_value_new(p->b->func, OPT_FRAME, 0);
    frame->insn.imm = OPT_PLANT(15) ? 0 : -(int64_t)p->at->frame_off;
    frame->origin = p->pc;
    opt_append(p->block, frame);
    return frame;
}

static void write_reg(const place *p, unsigned reg, opt_value *value)
{
    if (value->hint >= JIT_REGS_MAX) value->hint = (uint8_t)reg;
    opt_vars_write(p->block, var_of(p->at, reg), value);
}

static opt_value *start_value(const place *p, const pst_insn *insn, uint32_t arg_count)
{
    opt_value *v = opt_value_new(p->b->func, insn->kind, arg_count);
    v->insn = *insn;
    v->origin = p->pc;
    v->facts = jit_facts_at(p->b->unit, p->pc);
    v->as_origin = true;
    return v;
}

static opt_value *number(const place *p, uint64_t value)
{
    opt_value *v = opt_const(p->b->func, value, p->pc);
    opt_append(p->block, v);
    return v;
}

// Appends v, or what it turns out to be, which reg then holds.
static void define(const place *p, unsigned reg, opt_value *v)
{
    opt_append(p->block, v);
    v->hint = (uint8_t)reg;
    opt_value *simpler = opt_fold_value(p->b->func, v);
    if (simpler != v) opt_replace(v, simpler);
    write_reg(p, reg, simpler);
}

static void build_alu(const place *p, const pst_insn *insn)
{
    bool unary = insn->op == PST_ALU_NEG || insn->op == PST_ALU_MOVSX8 || insn->op == PST_ALU_MOVSX16 || insn->op == PST_ALU_MOVSX32;
    bool imm = (insn->flags & PST_INSN_IMM) != 0;
    if (insn->op == PST_ALU_MOV) {
        if (imm) {
            write_reg(p, insn->dst, number(p, insn->width == 32 ? (uint32_t)(uint64_t)insn->imm : (uint64_t)insn->imm));
        } else if (insn->width == 64) {
            write_reg(p, insn->dst, read_reg(p, insn->src));
        } else {
            opt_value *v = start_value(p, insn, 1);
            v->args[0] = read_reg(p, insn->src);
            define(p, insn->dst, v);
        }
        return;
    }
    opt_value *v = start_value(p, insn, unary || imm ? 1 : 2);
    v->args[0] = read_reg(p, unary && insn->op != PST_ALU_NEG ? insn->src : insn->dst);
    if (!unary && !imm) v->args[1] = read_reg(p, insn->src);
    define(p, insn->dst, v);
}

static void build_imm64(const place *p, const pst_insn *insn)
{
    if (insn->op == PST_IMM64_VALUE) {
        write_reg(p, insn->dst, number(p, (uint64_t)insn->imm));
        return;
    }
    opt_value *v = start_value(p, insn, 0);
    v->insn.kind = OPT_ADDRESS;
    if (insn->op == PST_IMM64_FUNC) v->insn.imm = callee_of(p->b, insn, p->pc);
    opt_append(p->block, v);
    write_reg(p, insn->dst, v);
}

static void build_memory(const place *p, const pst_insn *insn)
{
    bool loads = insn->kind == PST_KIND_LOAD || insn->kind == PST_KIND_LOAD_ACQUIRE;
    if (loads) {
        opt_value *v = start_value(p, insn, 1);
        v->args[0] = read_reg(p, insn->src);
        define(p, insn->dst, v);
        return;
    }
    bool exchange = insn->kind == PST_KIND_ATOMIC && insn->op == PST_ATOMIC_CMPXCHG;
    opt_value *v = start_value(p, insn, exchange ? 3 : insn->flags & PST_INSN_IMM ? 1 : 2);
    v->args[0] = read_reg(p, insn->dst);
    if (v->arg_count > 1) v->args[1] = read_reg(p, insn->src);
    if (exchange) v->args[2] = read_reg(p, 0);
    opt_append(p->block, v);
    if (insn->kind == PST_KIND_ATOMIC && insn->flags & PST_INSN_FETCH) write_reg(p, exchange ? 0 : insn->src, v);
}

// r1 to r5 hold nothing after a call. (The programs that would read them are not proved.)
static void build_call(const place *p, const pst_insn *insn)
{
    const jit_unit *unit = p->b->unit;
    uint16_t mask = unit->effects[p->pc].uses & JIT_CALLER_REGS & (uint16_t)~JIT_REG(0);
    bool by_register = insn->kind == PST_KIND_CALL && insn->op == PST_CALL_REGISTER, legacy = insn->kind == PST_KIND_LEGACY_LOAD;
    if (insn->kind == PST_KIND_CALL && insn->op == PST_CALL_SUBPROG) mask &= jit_live_in(unit, callee_of(p->b, insn, p->pc));
    if (legacy) mask = 0;
    uint32_t count = 0;
    bool extra = by_register || (legacy && insn->op == PST_LEGACY_IND);
    for (unsigned reg = 1; reg <= PST_ARGS_MAX; reg++) count += mask >> reg & 1;
    opt_value *v = start_value(p, insn, count + extra);
    v->mask = mask;
    if (insn->kind == PST_KIND_CALL && insn->op == PST_CALL_SUBPROG) v->insn.imm = callee_of(p->b, insn, p->pc);
    count = 0;
    for (unsigned reg = 1; reg <= PST_ARGS_MAX; reg++)
        if (mask >> reg & 1) v->args[count++] = read_reg(p, reg);
    if (extra) v->args[count] = read_reg(p, by_register ? insn->dst : insn->src);
    opt_append(p->block, v);
    write_reg(p, 0, v);
    opt_value *nothing = opt_const(p->b->func, 0, p->pc);
    opt_append(p->block, nothing);
    for (unsigned reg = 1; reg <= PST_ARGS_MAX; reg++) opt_vars_write(p->block, reg, nothing);
}

static void build_end(const place *p, const pst_insn *insn)
{
    if (insn->kind == PST_KIND_EXIT && p->at->back) return; // build_block adds the jump
    bool branch = insn->kind == PST_KIND_BRANCH, imm = (insn->flags & PST_INSN_IMM) != 0;
    opt_value *v = start_value(p, insn, branch ? (imm ? 1 : 2) : insn->kind == PST_KIND_EXIT ? 1 : 0);
    if (insn->kind == PST_KIND_EXIT) v->args[0] = read_reg(p, 0);
    if (branch) v->args[0] = read_reg(p, insn->dst);
    if (branch && !imm) v->args[1] = read_reg(p, insn->src);
    opt_append(p->block, v);
}

static void build_insn(const place *p)
{
    const pst_insn *insn = insn_at(p->b, p->pc);
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU: build_alu(p, insn); break;
    case PST_KIND_SWAP: {
        opt_value *v = start_value(p, insn, 1);
        v->args[0] = read_reg(p, insn->dst);
        define(p, insn->dst, v);
        break;
    }
    case PST_KIND_IMM64: build_imm64(p, insn); break;
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE:
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE:
    case PST_KIND_ATOMIC: build_memory(p, insn); break;
    case PST_KIND_CALL:
    case PST_KIND_LEGACY_LOAD: build_call(p, insn); break;
    case PST_KIND_JUMP:
    case PST_KIND_BRANCH:
    case PST_KIND_MAY_GOTO:
    case PST_KIND_EXIT: build_end(p, insn); break;
    case PST_KIND_PADDING:
    case PST_KIND_CAST: break; // nothing; refused before
    }
}

static void build_block(builder *b, opt_block *block)
{
    place p = {b, block, block->instance, block->start};
    bool dead = false;
    for (; p.pc < block->end && !dead; p.pc++) {
        if (insn_at(b, p.pc)->kind == PST_KIND_PADDING) continue;
        dead = jit_is_dead(b->unit, p.pc);
        if (!dead) build_insn(&p);
    }
    if (block->last && opt_is_end(block->last)) return;
    if (p.pc > block->start && p.pc == block->end) p.pc--; // ends are named by what comes last
    pst_insn jump = {.kind = PST_KIND_JUMP};
    opt_value *end = start_value(&p, &jump, 0);
    end->facts = 0;
    if (dead || !block->succs[0]) end->insn.kind = OPT_DEAD;
    opt_append(block, end);
}

// What registers hold where the function begins.
static void build_params(builder *b)
{
    opt_block *entry = b->func->blocks[0];
    place p = {b, entry, entry->instance, entry->start};
    const jit_unit *unit = b->unit;
    bool main = b->func->index == 0 && !unit->main_is_called;
    for (unsigned reg = 0; reg < PST_REG_FP; reg++) {
        bool given = main ? reg == 1 || reg == 2 : reg >= 1 && reg <= PST_ARGS_MAX;
        if (!given) continue; // it is 0
        opt_value *v = opt_value_new(b->func, OPT_PARAM, 0);
        v->insn.dst = (uint8_t)reg;
        v->origin = p.pc;
        opt_append(entry, v);
        write_reg(&p, reg, v);
    }
}

// The entry must have no predecessor: what is there once must not be in a loop.
static bool split_entry(builder *b)
{
    opt_func *func = b->func;
    opt_block *first = func->blocks[0];
    opt_block *entry = new_block(b, first->instance, first->start);
    if (!entry) return false;
    for (uint32_t i = func->block_count - 1; i > 0; i--) func->blocks[i] = func->blocks[i - 1];
    func->blocks[0] = entry;
    for (uint32_t i = 0; i < func->block_count; i++) func->blocks[i]->id = i;
    opt_add_edge(func, entry, 0, first);
    return !func->failed;
}

static bool make_graph(builder *b)
{
    opt_func *func = b->func;
    opt_instance *self = new_instance(b, NULL, func->index, NULL);
    if (!self || !make_blocks(b, self)) return false;
    for (uint32_t i = 0; i < func->block_count; i++) connect(b, func->blocks[i]);
    if (func->failed || !split_entry(b)) return false;
    opt_flow(func);
    if (func->failed) return false;
    opt_vars_init(&b->vars, func, VARS_OF(b->instances));
    return !func->failed;
}

void opt_build(opt_func *func)
{
    builder b = {.func = func, .unit = func->unit};
    if (!make_graph(&b)) {
        func->failed = true;
        return;
    }
    build_params(&b);
    for (uint32_t i = 0; i < func->order_count && !func->failed; i++) build_block(&b, func->order[i]);
    opt_vars_close(&b.vars, reg_of);
    if (func->failed) return;
    opt_resolve_all(func);
    opt_simplify_phis(func);
}
