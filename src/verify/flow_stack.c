// flow_stack.c: which instructions touch which slots of their frame's stack.
//
// Called by flow_live.c for one subprogram after another, callees first. A small forward analysis finds which registers hold fp + constant; with it
// each load, store and call becomes an event on slots (flow_internal.h). Invariant: a slot that an execution may read is in `reads` of the
// instruction that reads it; a slot in `kills` is always overwritten as a whole. What is not known is taken to be read: that costs the engine
// states that it could have merged, while a slot wrongly taken for dead would make it refuse good programs.
//
// It relies on what Linux's rules (and the engine's) forbid: a subprogram returns no pointer to a stack, stores none in a caller's
// frame, and numbers never become pointers again.
#include "base/bits.h"
#include "verify/flow_internal.h"

#define HELD_REGS 10u            // r10 is always fp + 0
#define OFFSET_MAX (1 << 29)     // Linux's BPF_MAX_VAR_OFF
#define OBJECT_END INT64_MAX     // a size: up to the frame pointer

// Ascending: a join of different values is never below either, see join.
typedef enum held_kind {
    HELD_NOTHING,  // not initialised, or not reached
    HELD_NUMBER,   // this constant
    HELD_MAP,      // the map with this index
    HELD_OTHER,    // anything but a pointer to a stack
    HELD_ARGUMENT, // or a pointer that the caller gave, or above it
    HELD_LOWERED,  // or such a pointer, moved down
    HELD_FRAME,    // fp + number
    HELD_ANY,      // anything, and if it is a pointer into this frame, into the slots of `taken`
} held_kind;

typedef struct held {
    int32_t kind; // held_kind
    int32_t number;
} held;

struct vflow_stack {
    vflow_builder *b;
    held *in;         // by block, HELD_REGS each: at its start
    uint32_t *queue;  // blocks whose start has changed; a ring as large as the subprogram
    uint8_t *queued;
    uint32_t queue_at, queue_count;
    uint32_t sub, event_count;
    bool has_caller;
    bool callbacks_dip; // some callback of the program may, so far as is known
    // Of the subprogram; these only grow while it is analysed.
    uint64_t taken;   // slots that pointers of unknown offset may point to
    uint64_t stored;  // slots that pointers in memory may point to
    bool stores_frame, stores_argument; // pointers of that kind were stored to memory
    bool dips;
};

static const held OTHER = {.kind = HELD_OTHER};

// --- Slots ----------------------------------------------------------------------------------------------------

// The slots that [fp + off, fp + off + size) touches.
static uint64_t slots_of(int64_t off, int64_t size)
{
    int64_t end = size >= -off ? 0 : off + size; // off + size, at most 0
    if (off < -512) off = -512;
    if (off >= end) return 0;
    unsigned lowest = (unsigned)(-off - 1) / 8, highest = (unsigned)-end / 8; // by address: a higher slot number is a lower address
    return pst_mask(lowest + 1) & ~pst_mask(highest);
}

// What an access of size bytes at pointer + off may touch of this frame.
static uint64_t touched(const vflow_stack *s, held pointer, int64_t off, int64_t size)
{
    if (pointer.kind == HELD_FRAME) return slots_of(pointer.number + off, size);
    if (pointer.kind != HELD_ANY) return 0;
    return off < 0 ? VFLOW_ALL_SLOTS : s->taken;
}

// --- Values ---------------------------------------------------------------------------------------------------

// value becomes a pointer whose offset is not known.
static held forget_offset(vflow_stack *s, held value)
{
    if (value.kind == HELD_FRAME) s->taken |= slots_of(value.number, OBJECT_END);
    return (held){.kind = HELD_ANY};
}

static held anywhere(vflow_stack *s)
{
    s->taken = VFLOW_ALL_SLOTS;
    return (held){.kind = HELD_ANY};
}

static held join(vflow_stack *s, held a, held b)
{
    if (a.kind == b.kind && a.number == b.number) return a;
    if (a.kind == HELD_NOTHING) return b;
    if (b.kind == HELD_NOTHING) return a;
    if (a.kind >= HELD_FRAME || b.kind >= HELD_FRAME) {
        (void)forget_offset(s, a);
        return forget_offset(s, b);
    }
    held out = {.kind = a.kind > b.kind ? a.kind : b.kind};
    return out.kind < HELD_OTHER ? OTHER : out;
}

static held number(int64_t value)
{
    return value == (int32_t)value ? (held){.kind = HELD_NUMBER, .number = (int32_t)value} : OTHER;
}

// value + delta
static held moved(vflow_stack *s, held value, int64_t delta)
{
    int64_t sum = value.number + delta;
    switch ((held_kind)value.kind) {
    case HELD_NOTHING: return value;
    case HELD_NUMBER: return number(sum);
    case HELD_MAP:
    case HELD_OTHER: return OTHER;
    case HELD_ARGUMENT: return delta < 0 ? (held){.kind = HELD_LOWERED} : value;
    case HELD_LOWERED: return value;
    case HELD_FRAME: return sum < -OFFSET_MAX || sum > OFFSET_MAX ? anywhere(s) : (held){.kind = HELD_FRAME, .number = (int32_t)sum};
    case HELD_ANY: return delta < 0 ? anywhere(s) : value;
    }
    PST_UNREACHABLE();
}

static held added(vflow_stack *s, held a, held b, bool subtract)
{
    if (a.kind == HELD_NOTHING || b.kind == HELD_NOTHING) return (held){.kind = HELD_NOTHING};
    if (b.kind == HELD_NUMBER) return moved(s, a, subtract ? -(int64_t)b.number : b.number);
    if (a.kind == HELD_NUMBER && !subtract) return moved(s, b, a.number);
    if (subtract && b.kind == HELD_FRAME) return OTHER; // a difference
    if (a.kind >= HELD_FRAME || b.kind >= HELD_FRAME) return anywhere(s);
    if (a.kind >= HELD_ARGUMENT || b.kind >= HELD_ARGUMENT) return (held){.kind = HELD_LOWERED};
    return OTHER;
}

static held get(const held *regs, unsigned reg) { return reg == PST_REG_FP ? (held){.kind = HELD_FRAME} : regs[reg]; }

static held operand(const held *regs, const pst_insn *insn)
{
    return insn->flags & PST_INSN_IMM ? number(insn->imm) : get(regs, insn->src);
}

static held after_alu(vflow_stack *s, const held *regs, const pst_insn *insn)
{
    held value = operand(regs, insn);
    if (insn->width != 64) {
        bool keeps = insn->op == PST_ALU_MOV && value.kind == HELD_NUMBER && value.number >= 0;
        return keeps ? value : OTHER;
    }
    if (insn->op == PST_ALU_MOV) return value;
    if (insn->op == PST_ALU_ADD || insn->op == PST_ALU_SUB) return added(s, get(regs, insn->dst), value, insn->op == PST_ALU_SUB);
    return OTHER;
}

// What a load yields: pointers are stored whole, and only in frames.
static held after_load(vflow_stack *s, held base, const pst_insn *insn)
{
    if (insn->width != 64 || base.kind < HELD_ARGUMENT) return OTHER;
    if (base.kind >= HELD_FRAME && s->stores_frame) return (held){.kind = HELD_ANY};
    if (base.kind >= HELD_FRAME && s->stores_argument) return (held){.kind = HELD_LOWERED};
    return base.kind == HELD_FRAME ? OTHER : (held){.kind = HELD_ARGUMENT};
}

static void note_store(vflow_stack *s, held value)
{
    if (value.kind == HELD_FRAME || value.kind == HELD_ANY) {
        (void)forget_offset(s, value); // it may be loaded again from anywhere
        s->stored |= value.kind == HELD_FRAME ? slots_of(value.number, OBJECT_END) : s->taken;
        s->stores_frame = true;
    }
    if (value.kind == HELD_ARGUMENT || value.kind == HELD_LOWERED || value.kind == HELD_ANY) s->stores_argument = true;
}

// Memory at base + off is accessed.
static void note_access(vflow_stack *s, held base, int64_t off)
{
    if (base.kind == HELD_LOWERED || base.kind == HELD_ANY || (base.kind == HELD_ARGUMENT && off < 0)) s->dips = true;
}

// --- One instruction ------------------------------------------------------------------------------------------

static void clobber(held *regs)
{
    for (unsigned i = 1; i <= PST_ARGS_MAX; i++) regs[i] = (held){.kind = HELD_NOTHING};
    regs[0] = OTHER;
}

static held after_imm64(const pst_insn *insn)
{
    if (insn->op == PST_IMM64_VALUE) return number(insn->imm);
    return insn->op == PST_IMM64_MAP_FD ? (held){.kind = HELD_MAP, .number = (int32_t)insn->imm} : OTHER;
}

static void step(vflow_stack *s, held *regs, const pst_insn *insn)
{
    switch ((pst_kind)insn->kind) {
    case PST_KIND_ALU: regs[insn->dst] = after_alu(s, regs, insn); break;
    case PST_KIND_CAST:
        if (insn->dst != PST_REG_FP) regs[insn->dst] = OTHER; // else a write to r10, which will be refused
        break;
    case PST_KIND_SWAP: regs[insn->dst] = OTHER; break;
    case PST_KIND_IMM64: regs[insn->dst] = after_imm64(insn); break;
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE:
        note_access(s, get(regs, insn->src), insn->off);
        regs[insn->dst] = after_load(s, get(regs, insn->src), insn);
        break;
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE:
        note_access(s, get(regs, insn->dst), insn->off);
        if (insn->width == 64 && !(insn->flags & PST_INSN_IMM)) note_store(s, get(regs, insn->src));
        break;
    case PST_KIND_ATOMIC:
        note_access(s, get(regs, insn->dst), insn->off);
        if (insn->op == PST_ATOMIC_CMPXCHG) regs[0] = OTHER;
        else if (insn->flags & PST_INSN_FETCH) regs[insn->src] = OTHER;
        break;
    case PST_KIND_LEGACY_LOAD:
    case PST_KIND_CALL: clobber(regs); break;
    case PST_KIND_PADDING:
    case PST_KIND_JUMP:
    case PST_KIND_BRANCH:
    case PST_KIND_MAY_GOTO:
    case PST_KIND_EXIT: break;
    }
}

// --- What a call reads ----------------------------------------------------------------------------------------

// What whoever gets pointer may read through it: all of the object, and from there on what pointers in memory lead to.
static uint64_t handed(vflow_stack *s, held pointer, bool dips)
{
    if (pointer.kind < HELD_ARGUMENT) return 0;
    if (pointer.kind != HELD_FRAME && (dips || pointer.kind != HELD_ARGUMENT)) s->dips = true;
    if (pointer.kind < HELD_FRAME) return 0;
    if (s->stores_argument && dips) s->dips = true;
    return dips ? VFLOW_ALL_SLOTS : touched(s, pointer, 0, OBJECT_END) | s->stored;
}

static const pst_map_view *map_before(const vflow_stack *s, const held *regs, const pst_helper_proto *proto, unsigned arg)
{
    for (unsigned i = arg; i-- > 0;)
        if (proto->args[i] == PST_ARG_MAP && regs[i + 1].kind == HELD_MAP) return s->b->image->maps[regs[i + 1].number];
    return NULL;
}

static int64_t size_after(const held *regs, const pst_helper_proto *proto, unsigned arg)
{
    if (arg + 1 >= PST_ARGS_MAX || regs[arg + 2].kind != HELD_NUMBER || regs[arg + 2].number < 0) return OBJECT_END;
    pst_arg_kind next = proto->args[arg + 1];
    bool is_size = next == PST_ARG_SIZE || next == PST_ARG_SIZE_OR_ZERO || next == PST_ARG_SIZE_CONST;
    return is_size ? regs[arg + 2].number : OBJECT_END;
}

// Bytes that the function reads at argument arg (from 0), as far as the prototype tells.
static int64_t bytes_read(const vflow_stack *s, const held *regs, const pst_helper_proto *proto, unsigned arg)
{
    const pst_map_view *map = NULL;
    switch (proto->args[arg]) {
    case PST_ARG_MEM_OUT:
    case PST_ARG_MEM_OR_NULL_OUT:
    case PST_ARG_MAP_VALUE_OUT:
    case PST_ARG_LONG_OUT:
    case PST_ARG_INT_OUT:
    case PST_ARG_DYNPTR_OUT:
    case PST_ARG_ITER_NEW:
    case PST_ARG_IRQ_FLAG_NEW: return 0;
    case PST_ARG_MAP_KEY: map = map_before(s, regs, proto, arg); return map ? map->key_size : OBJECT_END;
    case PST_ARG_MAP_VALUE: map = map_before(s, regs, proto, arg); return map ? map->value_size : OBJECT_END;
    case PST_ARG_MEM:
    case PST_ARG_MEM_OR_NULL:
    case PST_ARG_MEM_INOUT:
    case PST_ARG_MEM_OPT: return size_after(regs, proto, arg);
    case PST_ARG_MEM_20: return 20;
    case PST_ARG_MEM_40: return 40;
    case PST_ARG_DYNPTR: return 16;
    case PST_ARG_IRQ_FLAG: return 8;
    case PST_ARG_ITER: return proto->iter_size ? (int64_t)proto->iter_size : OBJECT_END;
    default: return OBJECT_END; // the many kinds whose objects are not on the stack, or whose size is not known
    }
}

static bool is_number(pst_arg_kind kind)
{
    return kind == PST_ARG_ANYTHING || kind == PST_ARG_ANYTHING_OPT || kind == PST_ARG_IGNORED || kind == PST_ARG_SIZE ||
           kind == PST_ARG_SIZE_OR_ZERO || kind == PST_ARG_SIZE_CONST || kind == PST_ARG_ALLOC_SIZE || kind == PST_ARG_NUMBER ||
           kind == PST_ARG_CONST || kind == PST_ARG_TYPE_ID;
}

// An array's key decides whether the lookup can fail, so its number matters.
static bool key_matters(const pst_map_view *map)
{
    if (!map) return true;
    return map->type == PST_MAP_ARRAY || map->type == PST_MAP_PERCPU_ARRAY || map->type == PST_MAP_ARRAY_OF_MAPS;
}

static void proto_event(vflow_stack *s, const held *regs, const pst_helper_proto *proto, vflow_event *event)
{
    for (unsigned i = 0; i < PST_ARGS_MAX; i++) {
        held value = regs[i + 1];
        pst_arg_kind kind = proto->args[i];
        if (kind == PST_ARG_NONE || value.kind < HELD_ARGUMENT) continue;
        if (kind == PST_ARG_STACK_OR_NULL) { // a callback gets it
            uint64_t slots = handed(s, value, s->callbacks_dip);
            event->reads |= slots;
            event->wants |= slots;
            continue;
        }
        int64_t size = bytes_read(s, regs, proto, i);
        uint64_t slots = size ? touched(s, value, 0, size) : 0;
        if (!is_number(kind)) note_access(s, value, 0);
        event->reads |= slots;
        if (kind == PST_ARG_MAP_KEY && key_matters(map_before(s, regs, proto, i))) event->wants |= slots;
    }
}

static void call_event(vflow_stack *s, const held *regs, uint32_t pc, vflow_event *event)
{
    const pst_insn *insn = &s->b->image->insns[pc];
    const pst_helper_proto *proto = s->b->protos[pc];
    if (proto) {
        proto_event(s, regs, proto, event);
        return;
    }
    vflow_summary callee = {.dips = true, .live_args = VFLOW_ARGS};
    if (vflow_is_sub_call(insn)) {
        const vflow_summary *known = &s->b->summaries[vflow_sub_at(s->b, vflow_target_pc(pc, insn))];
        if (known->is_done) callee = *known;
    }
    for (unsigned i = 1; i <= PST_ARGS_MAX; i++)
        if (callee.live_args & VFLOW_REG(i)) event->reads |= handed(s, regs[i], callee.dips);
    event->wants = event->reads;
}

// --- Events ---------------------------------------------------------------------------------------------------

static void store_event(const vflow_stack *s, const held *regs, const pst_insn *insn, vflow_event *event)
{
    held base = get(regs, insn->dst);
    uint64_t slots = touched(s, base, insn->off, insn->width / 8);
    bool aligned = base.kind == HELD_FRAME && insn->width == 64 && (base.number + insn->off) % 8 == 0;
    event->kills = aligned ? slots : 0;
    event->writes = slots;
    event->wants_stored = s->has_caller && base.kind >= HELD_ARGUMENT && base.kind != HELD_FRAME;
}

static void note_constant(vflow_stack *s, const held *regs, const pst_insn *insn)
{
    held right = operand(regs, insn), left = get(regs, insn->dst);
    bool wide = (insn->flags & PST_INSN_IMM) != 0;
    if (!wide && right.kind != HELD_NUMBER && left.kind != HELD_NUMBER) return;
    int64_t value = wide ? insn->imm : right.kind == HELD_NUMBER ? right.number : left.number;
    vflow_builder *b = s->b;
    b->constants[b->constant_count++] = value;
    if (insn->width == 32 && value < 0) b->constants[b->constant_count++] = (int64_t)(uint32_t)value;
}

static void emit(vflow_stack *s, const held *regs, uint32_t pc)
{
    const pst_insn *insn = &s->b->image->insns[pc];
    vflow_event event = {.pc = pc};
    switch ((pst_kind)insn->kind) {
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE:
        event.reads = touched(s, get(regs, insn->src), insn->off, insn->width / 8);
        event.is_load = true;
        break;
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE: store_event(s, regs, insn, &event); break;
    case PST_KIND_ATOMIC: event.reads = touched(s, get(regs, insn->dst), insn->off, insn->width / 8); break;
    case PST_KIND_CALL: call_event(s, regs, pc, &event); break;
    case PST_KIND_BRANCH: note_constant(s, regs, insn); return;
    case PST_KIND_ALU:
    case PST_KIND_SWAP:
    case PST_KIND_IMM64:
    case PST_KIND_PADDING:
    case PST_KIND_LEGACY_LOAD:
    case PST_KIND_JUMP:
    case PST_KIND_MAY_GOTO:
    case PST_KIND_EXIT:
    case PST_KIND_CAST: return;
    }
    if (event.reads | event.writes | event.wants || event.wants_stored) s->b->events[s->event_count++] = event;
}

// --- The subprogram -------------------------------------------------------------------------------------------

static held *regs_at(const vflow_stack *s, uint32_t block)
{
    return &s->in[(size_t)(block - s->b->subs[s->sub].first_block) * HELD_REGS];
}

static void enqueue(vflow_stack *s, uint32_t block)
{
    uint32_t size = s->b->subs[s->sub].block_count, at = block - s->b->subs[s->sub].first_block;
    if (s->queued[at]) return;
    s->queued[at] = 1;
    s->queue[(s->queue_at + s->queue_count++) % size] = block;
}

static void flow_into(vflow_stack *s, uint32_t block, const held *regs)
{
    if (block == VFLOW_NONE) return;
    held *in = regs_at(s, block);
    bool changed = false;
    for (unsigned i = 0; i < HELD_REGS; i++) {
        held value = join(s, in[i], regs[i]);
        changed |= value.kind != in[i].kind || value.number != in[i].number;
        in[i] = value;
    }
    if (changed) enqueue(s, block);
}

static void walk(vflow_stack *s, const vflow_block *block, held *regs, bool emits)
{
    for (uint32_t pc = block->start; pc <= block->last; pc++) {
        if (emits) emit(s, regs, pc);
        step(s, regs, &s->b->image->insns[pc]);
    }
}

// Ends since values only ascend: at most six times a register and block. Pointers that turn out to be stored change what loads yield, once.
static void solve(vflow_stack *s)
{
    const vflow_sub *sub = &s->b->subs[s->sub];
    bool frame, argument;
    do {
        frame = s->stores_frame;
        argument = s->stores_argument;
        for (uint32_t i = 0; i < sub->block_count; i++) enqueue(s, s->b->by_order[sub->first_block + i]);
        while (s->queue_count) {
            uint32_t at = s->queue[s->queue_at];
            held regs[HELD_REGS];
            s->queue_at = (s->queue_at + 1) % sub->block_count;
            s->queue_count--;
            s->queued[at - sub->first_block] = 0;
            const held *in = regs_at(s, at);
            for (unsigned i = 0; i < HELD_REGS; i++) regs[i] = in[i];
            walk(s, &s->b->blocks[at], regs, false);
            flow_into(s, s->b->blocks[at].next, regs);
            flow_into(s, s->b->blocks[at].target, regs);
        }
    } while (frame != s->stores_frame || argument != s->stores_argument);
}

void vflow_stack_run(vflow_stack *s, uint32_t index)
{
    vflow_builder *b = s->b;
    const vflow_sub *sub = &b->subs[index];
    s->sub = index;
    s->callbacks_dip = false;
    for (uint32_t i = 0; i < b->image->subprog_count; i++)
        s->callbacks_dip |= b->subs[i].is_callback && (!b->summaries[i].is_done || b->summaries[i].dips);
    s->has_caller = index != 0 || sub->is_callback;
    s->taken = s->stored = 0;
    s->stores_frame = s->stores_argument = s->dips = false;
    s->queue_at = s->queue_count = s->event_count = 0;
    for (size_t i = 0; i < (size_t)sub->block_count * HELD_REGS; i++) s->in[i] = (held){.kind = HELD_NOTHING};
    held *in = regs_at(s, sub->entry);
    for (unsigned i = 1; i <= PST_ARGS_MAX; i++) in[i].kind = s->has_caller ? HELD_ARGUMENT : HELD_OTHER;
    solve(s);
    for (uint32_t i = sub->first_block; i < sub->first_block + sub->block_count; i++) {
        b->event_start[i] = s->event_count;
        walk(s, &b->blocks[i], regs_at(s, i), true);
    }
    b->event_start[sub->first_block + sub->block_count] = s->event_count;
    b->summaries[index].dips = s->dips;
}

pst_status vflow_stack_create(vflow_builder *b, vflow_stack **out)
{
    uint32_t blocks = 0, events = 0, branches = 0;
    for (uint32_t i = 0; i < b->image->subprog_count; i++)
        if (b->subs[i].block_count > blocks) blocks = b->subs[i].block_count;
    for (uint32_t pc = 0; pc < b->image->count; pc++) {
        uint8_t kind = b->image->insns[pc].kind;
        branches += kind == PST_KIND_BRANCH;
        events += kind == PST_KIND_LOAD || kind == PST_KIND_STORE || kind == PST_KIND_ATOMIC || kind == PST_KIND_LOAD_ACQUIRE ||
                  kind == PST_KIND_STORE_RELEASE || kind == PST_KIND_CALL;
    }
    vflow_stack *s = *out = pst_arena_alloc(&b->scratch, sizeof *s);
    if (!s) return PST_E_NOMEM;
    s->b = b;
    s->in = pst_arena_array(&b->scratch, (size_t)blocks * HELD_REGS, sizeof *s->in);
    s->queue = pst_arena_array(&b->scratch, blocks, sizeof *s->queue);
    s->queued = pst_arena_array(&b->scratch, blocks, 1);
    b->events = pst_arena_array(&b->scratch, events, sizeof *b->events);
    b->event_start = pst_arena_array(&b->scratch, (size_t)b->block_count + 1, sizeof *b->event_start);
    b->constants = pst_arena_array(&b->scratch, 2 * (size_t)branches, sizeof *b->constants);
    return s->in && s->queue && s->queued && b->events && b->event_start && b->constants ? PST_OK : PST_E_NOMEM;
}
