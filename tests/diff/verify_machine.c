// verify_machine.c: see verify_machine.h.
#include "verify_machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static cframe *top(machine *m) { return &m->c.frames[m->c.frame_count - 1]; }

static uint64_t draw(uint64_t *rng)
{
    *rng ^= *rng << 13;
    *rng ^= *rng >> 7;
    *rng ^= *rng << 17;
    return *rng * 0x2545f4914f6cdd1du;
}

uint64_t machine_random(machine *m) { return draw(&m->rng); }

uint64_t machine_number(machine *m)
{
    uint64_t r = machine_random(m), edge = (uint64_t)1 << (r >> 8 & 63);
    switch (r & 7) {
    case 0: return r >> 32 & 7;
    case 1: return r >> 32 & 0xff;
    case 2: return edge - (r >> 40 & 3);
    case 3: return 0 - (r >> 32 & 0xff);
    case 4: return r & 8 ? INT64_MAX - (r >> 40 & 0xff) : 0x7fffffffu + (r >> 40 & 3);
    case 5: return r >> 32;
    case 6: return m->v->flow.threshold_count ? (uint64_t)m->v->flow.thresholds[r % m->v->flow.threshold_count] : r;
    default: return r;
    }
}

bool machine_wrong(machine *m, const char *fmt, ...)
{
    va_list args;
    int at = snprintf(m->why, sizeof m->why, "at %u: ", m->pc);
    va_start(args, fmt);
    vsnprintf(m->why + at, sizeof m->why - (size_t)at, fmt, args);
    va_end(args);
    m->end = MACHINE_WRONG;
    return false;
}

// --- Objects and memory ---------------------------------------------------------------------------------------

uint16_t machine_object(machine *m, const cobj *like)
{
    if (m->c.obj_count == COBJS_MAX) {
        m->end = MACHINE_TOO_LONG;
        return 0;
    }
    m->c.objs[m->c.obj_count] = *like;
    m->c.objs[m->c.obj_count].is_alive = true;
    return (uint16_t)m->c.obj_count++;
}

// An address range that nothing else has, as in a kernel or as in a process.
static uint64_t new_address(machine *m, uint64_t slack)
{
    uint64_t high = m->hidden & 1 ? 0xffff880000000000u : 0x0000550000000000u;
    return (high + ((uint64_t)m->c.obj_count << 32) + (draw(&m->hidden) & 0xffffff00u) + slack) & ~(uint64_t)15;
}

void machine_new_packet(machine *m)
{
    cstate *c = &m->c;
    static const uint32_t sizes[] = {0, 1, 14, 15, 20, 34, 40, 54, 60, 64};
    uint64_t r = machine_random(m);
    if (m->packet_obj) {
        machine_kill(m, m->packet_obj);
        machine_kill(m, m->meta_obj);
        machine_kill(m, m->end_obj);
    }
    c->packet_size = r & 1 ? sizes[r >> 8 & 7] + (r >> 16 & 1) : r >> 8 & 127;
    c->meta_size = r >> 32 & 3 ? 0 : 4 * (r >> 40 & 7);
    uint64_t start = new_address(m, 1024);
    uint8_t *bytes = m->packet + MACHINE_META_MAX;
    m->packet_obj = machine_object(m, &(cobj){.kind = CO_PACKET, .base = start, .size = c->packet_size, .bytes = bytes,
                                              .is_rdonly = !m->type->packet_writable});
    c->packet = m->packet_obj;
    m->meta_obj = machine_object(m, &(cobj){.kind = CO_META, .base = start - c->meta_size, .size = c->meta_size, .bytes = bytes - c->meta_size,
                                            .is_rdonly = !m->type->packet_writable});
    m->end_obj = machine_object(m, &(cobj){.kind = CO_END, .base = start + c->packet_size});
}

uint16_t machine_value(machine *m, uint32_t map, uint64_t index)
{
    const pst_map_view *view = m->image->maps[map];
    uint64_t at = m->value_at[map] + index * view->value_size;
    for (uint32_t i = 1; i < m->c.obj_count; i++)
        if (m->c.objs[i].kind == CO_VALUE && m->c.objs[i].bytes == m->values + at) return (uint16_t)i;
    return machine_object(m, &(cobj){.kind = CO_VALUE, .index = map, .base = new_address(m, 0), .size = view->value_size, .bytes = m->values + at});
}

static void note_depth(machine *m, uint32_t frame, uint64_t bytes)
{
    uint32_t sum = 0;
    if (m->c.frames[frame].depth < bytes) m->c.frames[frame].depth = (uint32_t)bytes;
    for (uint32_t f = 0; f < m->c.frame_count; f++) sum += (m->c.frames[f].depth + 15) & ~15u;
    if (sum > m->stack_max) m->stack_max = sum;
}

uint8_t *machine_memory(machine *m, cword w, int64_t off, uint64_t size, bool write)
{
    static uint8_t nothing;
    const cobj *o = &m->c.objs[w.tag];
    uint64_t at = w.bits + (uint64_t)off - o->base;
    if (w.tag == 0 || !o->is_alive) {
        machine_wrong(m, "access through %s 0x%llx", w.tag ? "a dead pointer" : "a number", (unsigned long long)w.bits);
        return NULL;
    }
    if (o->kind == CO_STACK) at += PST_FRAME_BYTES;
    uint64_t limit = o->kind == CO_STACK ? PST_FRAME_BYTES : o->size;
    if (!o->bytes || at > limit || size > limit - at) {
        machine_wrong(m, "access of %llu bytes at %lld of an object of kind %d and %llu bytes", (unsigned long long)size,
                      (long long)(w.bits + (uint64_t)off - o->base), (int)o->kind, (unsigned long long)o->size);
        return NULL;
    }
    if (write && o->is_rdonly) {
        machine_wrong(m, "write to read-only memory of kind %d", (int)o->kind);
        return NULL;
    }
    if (size == 0) return &nothing;
    if (o->kind == CO_STACK) note_depth(m, o->index, PST_FRAME_BYTES - at);
    return o->bytes + at;
}

void machine_written(machine *m, cword w, int64_t off, uint64_t size)
{
    const cobj *o = &m->c.objs[w.tag];
    if (o->kind != CO_STACK || size == 0) return;
    cframe *f = &m->c.frames[o->index];
    uint64_t at = w.bits + (uint64_t)off - o->base + PST_FRAME_BYTES;
    memset(f->init + at, 1, size);
    for (uint64_t n = at / 8; n <= (at + size - 1) / 8; n++) f->tags[n] = 0;
}

// --- Blocks ---------------------------------------------------------------------------------------------------

// Counts loops as engine.c's count_loops says: what is entered starts at 0, coming back to the head counts.
static void count_turns(machine *m, cframe *f, uint32_t from, uint32_t to)
{
    const vflow *flow = &m->v->flow;
    for (uint32_t loop = 0; loop < flow->loop_count; loop++) {
        if (!vflow_in_loop(flow, to, loop)) f->turns[loop] = -1;
        else if (f->turns[loop] < 0 || from == VFLOW_NONE || !vflow_in_loop(flow, from, loop)) f->turns[loop] = 0;
        else if (flow->loops[loop].head == to) f->turns[loop]++;
        if (f->turns[loop] > (int64_t)m->turns_max) m->turns_max = (uint64_t)f->turns[loop];
    }
}

// The run goes on at m->pc, the start of a block; from is the block before in this frame.
static bool enter_block(machine *m, uint32_t from, bool returns)
{
    cframe *f = top(m);
    f->block = m->v->flow.block_of[m->pc];
    count_turns(m, f, from, f->block);
    if (f->is_blind || (!m->v->flow.blocks[f->block].is_join && !returns)) return true;
    char why[160];
    m->checks++;
    if (describe_kept(m->v, &m->c, f->block, why, sizeof why)) {
        if (m->at_head) m->at_head(m->user, m, f->block);
        return true;
    }
    return machine_wrong(m, "no kept state describes the run (%s)", why);
}

static bool go(machine *m, uint32_t pc)
{
    uint32_t block = m->v->flow.block_of[pc];
    m->pc = pc;
    return pc != m->v->flow.blocks[block].start || enter_block(m, top(m)->block, false);
}

// --- Frames ---------------------------------------------------------------------------------------------------

static void garbage(machine *m, cword *w) { *w = (cword){.bits = draw(&m->hidden)}; }

static bool push_frame(machine *m, uint32_t subprog, vframe_kind kind)
{
    cstate *c = &m->c;
    if (c->frame_count == PST_FRAMES_MAX) return machine_wrong(m, "calls nest too deeply");
    cframe *f = &c->frames[c->frame_count];
    uint64_t base = new_address(m, 1024);
    memset(f, 0, sizeof *f);
    f->subprog = subprog, f->kind = kind, f->call_pc = m->pc, f->turns = m->turns[c->frame_count];
    f->is_blind = c->frame_count > 0 && (f[-1].is_blind || (kind == VFRAME_CALL && (m->v->sub_flags[subprog] & VSUB_GLOBAL)));
    for (uint32_t i = 0; i < PST_FRAME_BYTES; i += 8) {
        uint64_t word = draw(&m->hidden);
        memcpy(f->bytes + i, &word, 8);
    }
    for (uint32_t loop = 0; loop < m->v->flow.loop_count; loop++) f->turns[loop] = -1;
    for (unsigned r = 0; r < PST_REG_FP; r++) garbage(m, &f->regs[r]);
    f->self = machine_object(m, &(cobj){.kind = CO_STACK, .index = c->frame_count, .base = base, .bytes = f->bytes});
    f->regs[PST_REG_FP] = (cword){base, f->self};
    c->frame_count++;
    return m->end != MACHINE_TOO_LONG;
}

static uint32_t subprog_at(const machine *m, uint32_t pc) { return (uint32_t)(pst_image_subprog_at(m->image, pc) - m->image->subprogs); }

static bool call_subprog(machine *m, uint32_t target)
{
    cword args[6];
    cframe *caller = top(m);
    if (m->c.lock && (m->v->sub_flags[subprog_at(m, target)] & VSUB_GLOBAL)) return machine_wrong(m, "a global function is called while a lock is held");
    for (unsigned r = 1; r <= PST_ARGS_MAX; r++) args[r] = caller->regs[r];
    for (unsigned r = 0; r <= PST_ARGS_MAX; r++) garbage(m, &caller->regs[r]);
    if (!push_frame(m, subprog_at(m, target), VFRAME_CALL)) return false;
    for (unsigned r = 1; r <= PST_ARGS_MAX; r++) top(m)->regs[r] = top(m)->args[r] = args[r];
    top(m)->packet_then = m->c.packet;
    m->pc = target;
    return enter_block(m, VFLOW_NONE, false);
}

// What lies on the frame's stack goes with it; references that it holds are lost.
static void leave_stack(machine *m, const cframe *f)
{
    for (uint32_t n = 0; n < VCELLS; n++)
        if (f->special[n] && !m->c.objs[f->special[n]].root) {
            uint16_t index = f->special[n];
            for (uint32_t i = 1; i < m->c.obj_count; i++)
                if (m->c.objs[i].parent == index) m->c.objs[i].parent = 0; // slices live on
            machine_kill(m, index);
        }
    m->c.objs[f->self].is_alive = false;
}

static bool leave(machine *m)
{
    cframe *f = top(m);
    cword r0 = f->regs[0];
    uint32_t back = f->call_pc;
    bool is_callback = f->kind == VFRAME_CALLBACK;
    if (is_callback && (r0.tag || r0.bits > 1)) return machine_wrong(m, "a callback returns 0x%llx", (unsigned long long)r0.bits);
    bool was_blind = f->is_blind;
    leave_stack(m, f);
    m->c.frame_count--;
    if (is_callback) {
        if (r0.bits == 1) top(m)->calls_left = 0;
        m->pc = back;
        if (enter_block(m, m->v->flow.block_of[back], true)) return true;
        // The engine calls a loop of one turn, which has turned, one of none (vcall_return). r1 is read by the call only.
        cword *turns = &top(m)->regs[1];
        if (m->image->insns[back].imm != 181 || turns->bits != 1) return false;
        turns->bits = 0;
        m->end = MACHINE_DONE;
        return enter_block(m, m->v->flow.block_of[back], true);
    }
    if (was_blind && !top(m)->is_blind && r0.tag) return machine_wrong(m, "a global function returns a pointer");
    top(m)->regs[0] = r0;
    m->pc = back + 1;
    return enter_block(m, m->v->flow.block_of[back], false);
}

static bool finish(machine *m)
{
    bool any = false;
    int64_t lo = 0, hi = 0;
    cword r0 = top(m)->regs[0];
    if (m->c.wakes || m->v->entry_subprog != 0) any = !m->c.wakes;
    else pst_ret_range(m->type, m->image->attach_type, &any, &lo, &hi);
    if (!any && ((int64_t)r0.bits < lo || (int64_t)r0.bits > hi)) return machine_wrong(m, "the program returns 0x%llx", (unsigned long long)r0.bits);
    if ((m->v->strict || m->v->entry_subprog != 0) && r0.tag) return machine_wrong(m, "the program returns an address");
    if (!machine_nothing_held(m, "at the end")) return false;
    m->is_over = true;
    return true;
}

// --- Callbacks ------------------------------------------------------------------------------------------------

static bool begin_callbacks(machine *m, const pst_helper_proto *proto)
{
    cframe *f = top(m);
    const cobj *map = &m->c.objs[f->regs[1].tag], *func = &m->c.objs[f->regs[2].tag];
    if (func->kind != CO_FUNC) return machine_wrong(m, "a call back to something that is no function");
    f->calls_left = proto->id == 181 ? f->regs[1].bits : 4;
    if (proto->id == 181 && f->regs[1].bits > 1u << 23) f->calls_left = 0;
    else if (proto->id == 181 && f->calls_left > 20) f->calls_left = 20; // the rest would show nothing new
    else if (proto->id != 181 && (f->regs[1].tag == 0 || map->kind != CO_MAP)) return machine_wrong(m, "a walk through something that is no map");
    f->calls_back = true;
    f->call_at = 0;
    return true;
}

// The call at m->pc has a callback: into it, or (*done) behind it.
static bool call_back(machine *m, const pst_helper_proto *proto, bool *done)
{
    cframe *f = top(m);
    *done = false;
    if (!f->calls_back && !begin_callbacks(m, proto)) return false;
    if (f->calls_left == 0) {
        f->calls_back = false;
        *done = true;
        return true;
    }
    cword map = f->regs[1], func = f->regs[2], data = f->regs[3], key = {0}, value = {0};
    uint64_t index = f->call_at++;
    f->calls_left--;
    if (proto->id == 164) {
        uint32_t of = m->c.objs[map.tag].index;
        const pst_map_view *view = m->image->maps[of];
        static const uint8_t zeros[64];
        value.tag = machine_value(m, of, index % view->max_entries);
        value.bits = m->c.objs[value.tag].base;
        key.tag = machine_object(m, &(cobj){.kind = CO_MEM, .base = new_address(m, 0), .size = view->key_size, .bytes = (uint8_t *)(uintptr_t)zeros,
                                            .is_rdonly = true});
        key.bits = m->c.objs[key.tag].base;
    }
    uint32_t sub = m->c.objs[func.tag].index;
    if (m->end == MACHINE_TOO_LONG || !push_frame(m, sub, VFRAME_CALLBACK)) return false;
    cword *regs = top(m)->regs;
    if (proto->id == 181) regs[1] = (cword){.bits = index}, regs[2] = data;
    else regs[1] = map, regs[2] = key, regs[3] = value, regs[4] = data;
    m->pc = m->image->subprogs[sub].start;
    return enter_block(m, VFLOW_NONE, false);
}

static bool call_proto(machine *m, const pst_helper_proto *proto, bool is_kfunc)
{
    cword result;
    cframe *f = top(m);
    garbage(m, &result);
    if (!is_kfunc && (proto->id == 181 || proto->id == 164)) {
        bool done;
        if (!held_allows(m, proto, false) || !call_back(m, proto, &done)) return false;
        if (!done) return true;
        result.bits = f->call_at; // how often it called
    } else if (!machine_call(m, proto, is_kfunc, &result)) {
        return false;
    }
    if (m->is_over) return true;
    for (unsigned r = 1; r <= PST_ARGS_MAX; r++) garbage(m, &f->regs[r]);
    f->regs[0] = result;
    if (result.bits == 0 && result.tag == 0) m->seen[m->pc] |= SEEN_NULL;
    return go(m, m->pc + 1);
}

static bool call(machine *m, const pst_insn *insn, uint32_t target)
{
    bool is_kfunc = insn->op == PST_CALL_KFUNC;
    if (insn->op == PST_CALL_SUBPROG) return call_subprog(m, target);
    if (!is_kfunc && insn->op != PST_CALL_HELPER) return machine_wrong(m, "a call of an unknown kind");
    const pst_helper_proto *proto = is_kfunc ? vflow_kfunc(m->v->input, m->pc) : pst_prog_type_helper(m->type, (int32_t)insn->imm);
    return proto ? call_proto(m, proto, is_kfunc) : machine_wrong(m, "call of helper %lld", (long long)insn->imm);
}

// --- Arithmetic -----------------------------------------------------------------------------------------------

static cword operand(machine *m, const pst_insn *insn)
{
    return insn->flags & PST_INSN_IMM ? (cword){.bits = (uint64_t)insn->imm} : top(m)->regs[insn->src];
}

static void alu(machine *m, const pst_insn *insn)
{
    cword *dst = &top(m)->regs[insn->dst], b = operand(m, insn), a = *dst;
    bool divides = insn->op == PST_ALU_DIV || insn->op == PST_ALU_MOD || insn->op == PST_ALU_SDIV || insn->op == PST_ALU_SMOD;
    if (divides && (insn->width == 32 ? (uint32_t)b.bits : b.bits) == 0) m->seen[m->pc] |= SEEN_ZERO_DIVISOR;
    dst->bits = pst_alu_eval((pst_alu_op)insn->op, insn->width, a.bits, b.bits);
    dst->tag = 0;
    if (insn->width != 64) return;
    if (insn->op == PST_ALU_MOV) dst->tag = b.tag;
    else if (insn->op == PST_ALU_ADD && (a.tag == 0) != (b.tag == 0)) dst->tag = a.tag ? a.tag : b.tag;
    else if (insn->op == PST_ALU_SUB && b.tag == 0) dst->tag = a.tag;
}

static bool imm64(machine *m, const pst_insn *insn)
{
    cword *dst = &top(m)->regs[insn->dst];
    uint32_t index = (uint32_t)insn->imm;
    *dst = (cword){.bits = (uint64_t)insn->imm};
    switch ((pst_imm64_op)insn->op) {
    case PST_IMM64_VALUE: return true;
    case PST_IMM64_MAP_FD:
        for (uint32_t i = 1; i < m->c.obj_count && !dst->tag; i++)
            if (m->c.objs[i].kind == CO_MAP && m->c.objs[i].index == index) dst->tag = (uint16_t)i;
        break;
    case PST_IMM64_MAP_VALUE: dst->tag = machine_value(m, index, 0); break;
    case PST_IMM64_FUNC: {
        uint32_t sub = subprog_at(m, (uint32_t)((int64_t)m->pc + 1 + insn->target));
        dst->tag = machine_object(m, &(cobj){.kind = CO_FUNC, .index = sub, .base = 0x7000000000u + sub * 16});
        break;
    }
    case PST_IMM64_BTF_ID: case PST_IMM64_MAP_IDX: case PST_IMM64_MAP_IDX_VALUE: break;
    }
    if (!dst->tag) {
        m->end = m->end == MACHINE_DONE ? MACHINE_UNKNOWN : m->end;
        return false;
    }
    dst->bits = m->c.objs[dst->tag].base + (insn->op == PST_IMM64_MAP_VALUE ? (uint64_t)insn->imm >> 32 : 0);
    return true;
}

// --- Memory ---------------------------------------------------------------------------------------------------

static bool context_load(machine *m, const pst_insn *insn, cword base, cword *out)
{
    uint64_t off = base.bits + (uint64_t)(int64_t)insn->off - m->c.objs[base.tag].base;
    unsigned size = insn->width / 8u;
    const pst_ctx_field *field = off < m->type->abi_size ? pst_ctx_access(m->type, m->image->attach_type, (uint32_t)off, size, false) : NULL;
    if (!field) return machine_wrong(m, "read of %u bytes at %llu of the context", size, (unsigned long long)off);
    *out = (cword){0};
    switch (field->kind) {
    case PST_FIELD_PACKET_START: *out = (cword){m->c.objs[m->packet_obj].base, m->packet_obj}; return true;
    case PST_FIELD_PACKET_END: *out = (cword){m->c.objs[m->end_obj].base, m->end_obj}; return true;
    case PST_FIELD_PACKET_META: *out = (cword){m->c.objs[m->meta_obj].base, m->meta_obj}; return true;
    case PST_FIELD_SCALAR:
    case PST_FIELD_POINTER: break;
    case PST_FIELD_SOCK_OR_NULL: case PST_FIELD_SOCK: case PST_FIELD_SOCK_COMMON_OR_NULL: case PST_FIELD_MEM: case PST_FIELD_BTF_ID:
        m->end = MACHINE_UNKNOWN;
        return false;
    }
    if (off + size > sizeof m->ctx) return machine_wrong(m, "context");
    memcpy(&out->bits, m->ctx + off, size);
    return true;
}

static bool aligned(machine *m, cword base, int64_t off, unsigned size, bool is_atomic)
{
    // To a global function the stack of its caller is memory like any other.
    bool on_stack = m->c.objs[base.tag].kind == CO_STACK && (!top(m)->is_blind || m->c.objs[base.tag].index + 1 == m->c.frame_count);
    if (!on_stack && !is_atomic) return true;
    if (((base.bits + (uint64_t)off) & (size - 1)) == 0) return true;
    return machine_wrong(m, "an access of %u bytes is not aligned", size);
}

static bool check_initialised(machine *m, cword base, const uint8_t *at, unsigned size)
{
    const cobj *o = &m->c.objs[base.tag];
    if (!m->v->strict || o->kind != CO_STACK) return true;
    const cframe *f = &m->c.frames[o->index];
    for (unsigned i = 0; i < size; i++)
        if (!f->init[at - f->bytes + i]) return machine_wrong(m, "a byte is read that was never written");
    return true;
}

static bool socket_load(machine *m, const pst_insn *insn, cword base, cword *out)
{
    const cobj *o = &m->c.objs[base.tag];
    uint64_t off = base.bits + (uint64_t)(int64_t)insn->off - o->base;
    if (!o->is_alive) return machine_wrong(m, "a socket is read that was given back");
    if (off >= o->size || !pst_struct_field_at(o->desc, (uint32_t)off, insn->width / 8u, false))
        return machine_wrong(m, "read of %u bits at %llu of a socket", insn->width, (unsigned long long)off);
    *out = (cword){.bits = insn->width == 64 ? machine_number(m) : machine_number(m) & (((uint64_t)1 << insn->width) - 1)};
    return true;
}

// A struct of the host: nothing is known of what is in it.
static bool struct_load(machine *m, const pst_insn *insn, cword base, cword *out)
{
    if (!m->c.objs[base.tag].is_alive) return machine_wrong(m, "a struct is read that was given back");
    *out = (cword){.bits = insn->width == 64 ? machine_number(m) : machine_number(m) & (((uint64_t)1 << insn->width) - 1)};
    return true;
}

// What the bytes at at, which base points to, are to a load.
static bool memory_load(machine *m, const pst_insn *insn, cword base, const uint8_t *at, cword *out)
{
    const cobj *o = &m->c.objs[base.tag];
    unsigned size = insn->width / 8u;
    const pst_record *kptr = NULL;
    memcpy(&out->bits, at, size);
    if (o->kind == CO_STACK) {
        if (!held_touch_stack(m, o->index, (uint64_t)(at - o->bytes), size, false, false)) return false;
        if (size == 8) out->tag = m->c.frames[o->index].tags[(at - o->bytes) / 8];
        return true;
    }
    if (o->kind != CO_VALUE) return true;
    if (!held_touch_value(m, o, (uint64_t)(at - o->bytes), size, false, &kptr)) return false;
    return !kptr || held_load_kptr(m, kptr, out->bits, out);
}

static bool load(machine *m, const pst_insn *insn)
{
    cword base = top(m)->regs[insn->src], out = {0};
    unsigned size = insn->width / 8u;
    bool is_ctx = m->c.objs[base.tag].kind == CO_CTX && base.tag;
    m->seen[m->pc] |= is_ctx ? SEEN_CONTEXT : SEEN_NO_CONTEXT;
    if (is_ctx) {
        if (!context_load(m, insn, base, &out)) return false;
    } else if (base.tag && m->c.objs[base.tag].kind == CO_SOCK) {
        if (!socket_load(m, insn, base, &out)) return false;
    } else if (base.tag && m->c.objs[base.tag].kind == CO_BTF) {
        if (!struct_load(m, insn, base, &out)) return false;
    } else {
        const uint8_t *at = machine_memory(m, base, insn->off, size, false);
        if (!at || !aligned(m, base, insn->off, size, insn->kind == PST_KIND_LOAD_ACQUIRE) || !check_initialised(m, base, at, size)) return false;
        if (!memory_load(m, insn, base, at, &out)) return false;
    }
    if (insn->flags & PST_INSN_SIGNED && size < 8) {
        uint64_t sign = (uint64_t)1 << (insn->width - 1);
        out.bits = (out.bits ^ sign) - sign;
    }
    top(m)->regs[insn->dst] = out;
    return true;
}

static bool context_store(machine *m, const pst_insn *insn, cword base, uint64_t bits)
{
    uint64_t off = base.bits + (uint64_t)(int64_t)insn->off - m->c.objs[base.tag].base;
    unsigned size = insn->width / 8u;
    if (off >= m->type->abi_size || !pst_ctx_access(m->type, m->image->attach_type, (uint32_t)off, size, true))
        return machine_wrong(m, "write of %u bytes at %llu of the context", size, (unsigned long long)off);
    memcpy(m->ctx + off, &bits, size);
    return true;
}

// A store, or (is_store not set) an atomic operation, which reads as well.
static bool may_touch(machine *m, cword base, const uint8_t *at, unsigned size, bool is_store)
{
    const cobj *o = &m->c.objs[base.tag];
    const pst_record *kptr;
    if (o->kind == CO_STACK) return held_touch_stack(m, o->index, (uint64_t)(at - o->bytes), size, is_store, false);
    return o->kind != CO_VALUE || held_touch_value(m, o, (uint64_t)(at - o->bytes), size, true, &kptr);
}

static bool store(machine *m, const pst_insn *insn)
{
    cword base = top(m)->regs[insn->dst], value = operand(m, insn);
    unsigned size = insn->width / 8u;
    bool is_ctx = m->c.objs[base.tag].kind == CO_CTX && base.tag;
    m->seen[m->pc] |= is_ctx ? SEEN_CONTEXT : SEEN_NO_CONTEXT;
    if (is_ctx) return context_store(m, insn, base, value.bits);
    uint8_t *at = machine_memory(m, base, insn->off, size, true);
    if (!at || !aligned(m, base, insn->off, size, insn->kind == PST_KIND_STORE_RELEASE) || !may_touch(m, base, at, size, true)) return false;
    memcpy(at, &value.bits, size);
    machine_written(m, base, insn->off, size);
    const cobj *o = &m->c.objs[base.tag];
    if (o->kind == CO_STACK && size == 8) m->c.frames[o->index].tags[(at - o->bytes) / 8] = value.tag;
    else if (m->v->strict && value.tag) return machine_wrong(m, "an address is stored where others may read it");
    return true;
}

static bool atomic(machine *m, const pst_insn *insn)
{
    cword *regs = top(m)->regs, base = regs[insn->dst];
    unsigned size = insn->width / 8u;
    uint64_t old = 0, mask = insn->width == 64 ? UINT64_MAX : UINT32_MAX, b = regs[insn->src].bits & mask, set = 0;
    m->seen[m->pc] |= SEEN_NO_CONTEXT;
    uint8_t *at = machine_memory(m, base, insn->off, size, true);
    if (!at || !aligned(m, base, insn->off, size, true) || !check_initialised(m, base, at, size) || !may_touch(m, base, at, size, false)) return false;
    memcpy(&old, at, size);
    switch ((pst_atomic_op)insn->op) {
    case PST_ATOMIC_ADD: set = old + b; break;
    case PST_ATOMIC_OR: set = old | b; break;
    case PST_ATOMIC_AND: set = old & b; break;
    case PST_ATOMIC_XOR: set = old ^ b; break;
    case PST_ATOMIC_XCHG: set = b; break;
    case PST_ATOMIC_CMPXCHG: set = old == (regs[0].bits & mask) ? b : old; break;
    }
    memcpy(at, &set, size);
    machine_written(m, base, insn->off, size);
    if (insn->flags & PST_INSN_FETCH) regs[insn->op == PST_ATOMIC_CMPXCHG ? 0 : insn->src] = (cword){.bits = old};
    return true;
}

// --- Steps ----------------------------------------------------------------------------------------------------

static bool legacy(machine *m, const pst_insn *insn)
{
    cword *regs = top(m)->regs;
    if (regs[6].tag != m->ctx_obj) return machine_wrong(m, "r6 is not the context");
    if (machine_random(m) & 1) { // outside: the end of the function
        regs[0] = (cword){0};
        return m->c.frame_count > 1 ? leave(m) : finish(m);
    }
    for (unsigned r = 1; r <= PST_ARGS_MAX; r++) garbage(m, &regs[r]);
    regs[0] = (cword){.bits = machine_number(m) & (insn->width == 8 ? 0xff : insn->width == 16 ? 0xffff : UINT32_MAX)};
    return true;
}

static bool step(machine *m)
{
    const pst_insn *insn = &m->image->insns[m->pc];
    uint32_t next = m->pc + 1, target = (uint32_t)((int64_t)m->pc + 1 + insn->target);
    cword *regs = top(m)->regs;
    bool fine = true;
    m->seen[m->pc] |= SEEN_RUN;
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU: alu(m, insn); break;
    case PST_KIND_SWAP: regs[insn->dst] = (cword){.bits = pst_swap_eval((pst_swap_op)insn->op, insn->width, regs[insn->dst].bits)}; break;
    case PST_KIND_IMM64: fine = imm64(m, insn), next++; break;
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE: fine = load(m, insn); break;
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE: fine = store(m, insn); break;
    case PST_KIND_ATOMIC: fine = atomic(m, insn); break;
    case PST_KIND_LEGACY_LOAD: return legacy(m, insn) && (m->is_over || m->pc != next - 1 || go(m, next));
    case PST_KIND_JUMP: next = target; break;
    case PST_KIND_BRANCH:
        if (pst_jump_eval((pst_jump_op)insn->op, insn->width, regs[insn->dst].bits, operand(m, insn).bits)) next = target;
        break;
    case PST_KIND_MAY_GOTO:
        if ((machine_random(m) & 15) == 0) next = target;
        break;
    case PST_KIND_CALL: return call(m, insn, target);
    case PST_KIND_EXIT: return m->c.frame_count > 1 ? leave(m) : finish(m);
    case PST_KIND_PADDING:
    case PST_KIND_CAST: return machine_wrong(m, "no instruction");
    }
    return fine && (m->is_over || go(m, next));
}

static void set_up(machine *m)
{
    cstate *c = &m->c;
    uint32_t at = 0;
    memset(c, 0, sizeof *c);
    m->timer_count = m->element_count = 0;
    c->flow = &m->v->flow;
    c->obj_count = 1;
    m->packet_obj = 0;
    for (size_t i = 0; i + 8 <= sizeof m->values; i += 8) {
        uint64_t word = machine_number(m);
        memcpy(m->values + i, &word, 8);
    }
    for (size_t i = 0; i < sizeof m->packet; i++) m->packet[i] = (uint8_t)machine_number(m);
    for (size_t i = 0; i + 4 <= sizeof m->ctx; i += 4) {
        uint64_t word = machine_number(m);
        memcpy(m->ctx + i, &word, 4);
    }
    m->ctx_obj = machine_object(m, &(cobj){.kind = CO_CTX, .base = new_address(m, 0), .size = m->type->abi_size});
    machine_new_packet(m);
    for (uint32_t i = 0; i < m->image->map_count && i < PST_COUNT(m->value_at); i++) {
        const pst_map_view *view = m->image->maps[i];
        (void)machine_object(m, &(cobj){.kind = CO_MAP, .index = i, .base = new_address(m, 0)});
        m->value_at[i] = at;
        at += (view->value_size * (view->max_entries < 8 ? view->max_entries : 8) + 7) & ~7u;
    }
}

static void add_output(machine *m, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) m->output = (m->output ^ at[i]) * 0x100000001b3u;
}

static void sum_up(machine *m)
{
    m->output = 0xcbf29ce484222325u;
    add_output(m, &m->c.frames[0].regs[0].bits, 8);
    add_output(m, m->packet, sizeof m->packet);
    add_output(m, m->values, sizeof m->values);
    add_output(m, m->made, sizeof m->made[0] * m->made_count);
    add_output(m, &m->steps, sizeof m->steps);
}

static bool steps(machine *m)
{
    for (uint32_t count = 0; !m->is_over; count++) {
        m->steps++;
        if (!step(m)) return false;
        if (count < MACHINE_STEPS_MAX) continue;
        m->end = MACHINE_TOO_LONG;
        return false;
    }
    return true;
}

// r1 to r3 of a global function: verify_types.c has its signature.
static void set_parameters(machine *m)
{
    cword *regs = top(m)->regs;
    cword ctx = regs[1];
    garbage(m, &regs[1]);
    regs[1] = (cword){.bits = machine_number(m)};
    regs[2] = (cword){0};
    regs[3] = ctx;
    if (machine_random(m) % 3 == 0) return;
    regs[2].tag = machine_object(m, &(cobj){.kind = CO_MEM, .base = new_address(m, 0), .size = 24, .bytes = m->made[m->made_count++]});
    regs[2].bits = m->c.objs[regs[2].tag].base;
}

// The callbacks of the timers that were set, each once.
static bool run_timers(machine *m)
{
    static uint8_t key[8];
    for (uint32_t i = 0; i < m->timer_count; i++) {
        machine_timer *t = &m->timers[i];
        m->c.frame_count = 0;
        m->c.wakes = true;
        m->is_over = false;
        m->pc = m->image->subprogs[t->subprog].start;
        if (!push_frame(m, t->subprog, VFRAME_ASYNC)) return false;
        top(m)->is_blind = t->is_blind;
        cword *regs = top(m)->regs;
        for (uint32_t k = 1; k < m->c.obj_count; k++)
            if (m->c.objs[k].kind == CO_MAP && m->c.objs[k].index == t->map) regs[1] = (cword){m->c.objs[k].base, (uint16_t)k};
        regs[2].tag = machine_object(m, &(cobj){.kind = CO_MEM, .base = new_address(m, 0), .size = m->image->maps[t->map]->key_size, .bytes = key, .is_rdonly = true});
        regs[2].bits = m->c.objs[regs[2].tag].base;
        regs[3] = (cword){m->c.objs[t->value].base, t->value};
        if (m->end != MACHINE_DONE || !enter_block(m, VFLOW_NONE, false) || !steps(m)) return false;
    }
    return true;
}

machine_end machine_run(machine *m)
{
    uint32_t entry = m->v->entry_subprog;
    set_up(m);
    if (m->v->flow.loop_count > 64 || m->image->map_count > PST_COUNT(m->value_at)) return MACHINE_UNKNOWN;
    m->end = MACHINE_DONE;
    m->is_over = false;
    m->made_count = 0;
    m->pc = m->image->subprogs[entry].start;
    bool fine = push_frame(m, entry, VFRAME_MAIN);
    m->c.frames[0].call_pc = 0;
    m->c.frames[0].regs[1] = (cword){m->c.objs[m->ctx_obj].base, m->ctx_obj};
    if (entry != 0) set_parameters(m);
    if (fine) fine = enter_block(m, VFLOW_NONE, false);
    if (fine) fine = steps(m);
    sum_up(m);
    if (fine) (void)run_timers(m);
    return m->end;
}
