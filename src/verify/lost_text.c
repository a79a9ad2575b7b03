// lost_text.c: one sentence that says where knowledge was lost, by the kind of the finding. See lost.c.
#include "verify/lost.h"

#include <stdarg.h>
#include <string.h>

#include "base/format.h"
#include "verify/call.h"

#define OFFSET_FAR ((int64_t)1 << 29)

static const char *const g_registers[PST_REG_COUNT] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10"};

static void say(vlost *l, uint32_t index, const char *fmt, ...) PST_PRINTF(3, 4);

static void say(vlost *l, uint32_t index, const char *fmt, ...)
{
    va_list args;
    pst_finding *f = &l->v->finding;
    va_start(args, fmt);
    (void)pst_format_v(f->lost, sizeof f->lost, fmt, args);
    va_end(args);
    f->lost_pc = index != VFLOW_NONE ? l->r.trace[index].pc : UINT32_MAX;
}

// --- Names ----------------------------------------------------------------------------------------------------------------

static const vtrace *step_at(const vlost *l, uint32_t index) { return &l->r.trace[index]; }
static const pst_insn *insn_at(const vlost *l, uint32_t index) { return &l->v->image->insns[l->r.trace[index].pc]; }

static const pst_helper_proto *proto_at(const vlost *l, uint32_t index)
{
    const pst_insn *insn = insn_at(l, index);
    if (insn->kind != PST_KIND_CALL) return NULL;
    if (insn->op == PST_CALL_KFUNC) return vflow_kfunc(l->v->input, step_at(l, index)->pc);
    return insn->op == PST_CALL_HELPER ? vflow_helper(l->v->input, (int32_t)insn->imm) : NULL;
}

static const char *call_text(const vlost *l, uint32_t index)
{
    const pst_insn *insn = insn_at(l, index);
    const pst_helper_proto *proto = proto_at(l, index);
    if (proto) return proto->name;
    if (insn->kind != PST_KIND_CALL || insn->op != PST_CALL_SUBPROG) return "the call";
    return vsubprog_name(l->v, vsubprog_at(l->v, (uint32_t)((int64_t)step_at(l, index)->pc + 1 + insn->target)));
}

static const char *range_of(const pst_scalar *k, char out[64])
{
    if (pst_scalar_is_const(k)) (void)pst_format(out, 64, "%lld", (long long)k->smin);
    else if (k->smin == INT64_MIN && k->smax == INT64_MAX) (void)pst_format(out, 64, "any number");
    else if (k->smin == INT64_MIN) (void)pst_format(out, 64, "a number of at most %lld", (long long)k->smax);
    else if (k->smax == INT64_MAX) (void)pst_format(out, 64, "a number of at least %lld", (long long)k->smin);
    else if (k->smin >= 0) (void)pst_format(out, 64, "a number in [%llu, %llu]", (unsigned long long)k->umin, (unsigned long long)k->umax);
    else (void)pst_format(out, 64, "a number in [%lld, %lld]", (long long)k->smin, (long long)k->smax);
    return out;
}

// What a load reads: "the packet", "the context's field len".
static const char *memory_text(const vlost *l, const vtrace *t, char out[96])
{
    const pst_insn *insn = &l->v->image->insns[t->pc];
    const pst_ctx_field *field = NULL;
    if (insn->kind == PST_KIND_LEGACY_LOAD) return "the packet";
    switch ((vkind)t->base.kind) {
    case V_PACKET: return "the packet";
    case V_META: return "the packet's metadata";
    case V_STACK: return "the stack, at an offset that is not constant";
    case V_MAP: return "the map's own fields";
    case V_CTX:
        if (t->base_fixed) field = pst_ctx_access(l->v->type, l->v->image->attach_type, (uint32_t)t->base_off, insn->width / 8u, false);
        if (!field) return "the context";
        (void)pst_format(out, 96, "the context's field %s", field->name);
        return out;
    case V_PTR: break;
    case V_UNINIT: case V_NUMBER: case V_PACKET_END: case V_FUNC: return "memory";
    }
    switch ((vobj_kind)t->base_kind) {
    case VO_MAP_VALUE: return "the map's value";
    case VO_RINGBUF: return "the ring-buffer record";
    case VO_SOCK:
    case VO_STRUCT:
        if (t->base_fixed && t->desc) field = pst_struct_field_at(t->desc, (uint32_t)t->base_off, insn->width / 8u, false);
        if (!field) return "the struct";
        (void)pst_format(out, 96, "the field %s of %s", field->name, t->desc->name);
        return out;
    case VO_BTF: return "an object of the host";
    case VO_ALLOC: return "an object of the program";
    case VO_FREE: case VO_MAP: case VO_MEM: case VO_DYNPTR: case VO_ITER: case VO_IRQ: case VO_PERCPU: case VO_REF: return "memory";
    }
    return "memory";
}

// --- Where it comes from -------------------------------------------------------------------------------------------------

// What the number is that was followed.
static const char *subject(const vlost *l)
{
    if ((int)l->end.place.reg != l->r.finding.reg) return l->r.finding.kind == PST_FINDING_BOUNDS ? "the size" : "what is added";
    if (l->r.finding.kind == PST_FINDING_POINTER_ARITHMETIC && l->end.value.value.kind == V_NUMBER) return "what is added";
    if (!l->w.number || l->end.value.value.kind <= V_NUMBER) return "it";
    return l->end.value.value.kind == V_PACKET ? "the offset" : "the index";
}

static bool may_be_null(const vlost *l) { return l->end.value.maybe_null; }

static uint32_t last_decision(const vlost *l)
{
    for (uint32_t i = l->r.count - 1; i-- > 0;)
        if (insn_at(l, i)->kind == PST_KIND_BRANCH) return i;
    return VFLOW_NONE;
}

static void say_unwritten(vlost *l, const char *what)
{
    uint32_t at = last_decision(l);
    if (l->first != 0) return; // what was before is not seen
    if (at == VFLOW_NONE) say(l, at, "no instruction before this one writes %s", what);
    else say(l, at, "no instruction of the path through the branch at %u writes %s", step_at(l, at)->pc, what);
}

static void say_result(vlost *l)
{
    const vslice *w = &l->w;
    const vseen *made = &w->seen[w->def + 1];
    char range[64];
    uint32_t pc = step_at(l, w->def)->pc;
    if (may_be_null(l)) say(l, w->def, "%s at %u returned it, and may return NULL", call_text(l, w->def), pc);
    else if (made->value.kind == V_NUMBER) say(l, w->def, "%s at %u returned %s: %s", call_text(l, w->def), pc, subject(l), range_of(&made->known, range));
    else say(l, w->def, "%s at %u returned it", call_text(l, w->def), pc);
}

static void say_load(vlost *l)
{
    const vslice *w = &l->w;
    const vtrace *t = step_at(l, w->def);
    const vseen *made = &w->seen[w->def + 1];
    char range[64], memory[96];
    const char *from = memory_text(l, t, memory);
    if (made->value.kind == V_NUMBER) say(l, w->def, "%s was loaded from %s at %u: %s", subject(l), from, t->pc, range_of(&made->known, range));
    else say(l, w->def, "it was loaded from %s at %u%s", from, t->pc, may_be_null(l) ? ", and may be null there" : "");
}

static void say_origin(vlost *l)
{
    const vslice *w = &l->w;
    uint32_t pc = step_at(l, w->def)->pc;
    char range[64];
    switch (w->origin) {
    case VORIGIN_START: break;
    case VORIGIN_LOAD: say_load(l); break;
    case VORIGIN_CONST:
        if (insn_at(l, w->def)->kind != PST_KIND_IMM64) say(l, w->def, "%s was set at %u: %s", subject(l), pc, range_of(&w->seen[w->def + 1].known, range));
        break;
    case VORIGIN_COMPUTED:
        say(l, w->def, "%s was computed from two unknown values at %u: %s", subject(l), pc, range_of(&w->seen[w->def + 1].known, range));
        break;
    case VORIGIN_RESULT: say_result(l); break;
    case VORIGIN_CLOBBER:
        if (insn_at(l, w->def)->kind == PST_KIND_LEGACY_LOAD) say(l, w->def, "the packet load at %u destroyed r%u, as every one does with r1 to r5", pc, w->at[w->def].reg);
        else say(l, w->def, "the call of %s at %u destroyed r%u, as every call does with r1 to r5", call_text(l, w->def), pc, w->at[w->def].reg);
        break;
    case VORIGIN_FILLED: say(l, w->def, "%s at %u wrote it to the stack", call_text(l, w->def), pc); break;
    case VORIGIN_ARGUMENT: say(l, w->def, "%s at %u hands it to the callback", call_text(l, w->def), pc); break;
    case VORIGIN_PIECES: say(l, w->def, "its stack bytes are overwritten in part at %u", pc); break;
    case VORIGIN_UNWRITTEN: say(l, w->def, "the function that is called at %u starts with nothing in r%u", pc, w->at[w->def].reg); break;
    }
}

// --- Numbers --------------------------------------------------------------------------------------------------------------

static bool same_scalar(const pst_scalar *a, const pst_scalar *b)
{
    return a->umin == b->umin && a->umax == b->umax && a->smin == b->smin && a->smax == b->smax && a->bits.mask == b->bits.mask && a->bits.value == b->bits.value;
}

// Whether the branch at index tests the followed value.
static bool tests_value(const vlost *l, uint32_t index)
{
    const vslice *w = &l->w;
    const vtrace *t = step_at(l, index);
    const pst_insn *insn = insn_at(l, index);
    const vplace *p = &w->at[index];
    uint32_t sym = w->seen[index].value.sym;
    if (insn->kind != PST_KIND_BRANCH || index <= w->def) return false;
    bool by_reg = !(insn->flags & PST_INSN_IMM);
    if (!p->on_stack && p->frame == t->frame && (p->reg == insn->dst || (by_reg && p->reg == insn->src))) return true;
    if (sym == VSYM_NONE || sym == VSYM_ANY) return false;
    return t->dst.sym == sym || (by_reg && t->src.sym == sym);
}

static void say_joined(vlost *l)
{
    const vengine *e = l->v->engine;
    const vslot *slot = &e->slots[l->joined];
    const vseen *now = &l->w.seen[0];
    uint32_t pc = step_at(l, 0)->pc;
    char was[64], is[64];
    const char *how = slot->widenings ? "the turns of the loop were summed up" : "paths that differed were joined";
    bool has_range = l->end.place_known && l->w.origin == VORIGIN_START && l->before_known && !same_scalar(&l->before.known, &now->known) &&
                     l->before.value.kind == now->value.kind && now->value.kind != V_UNINIT;
    if (has_range) say(l, 0, "%s at %u: %s became %s", how, pc, range_of(&l->before.known, was), range_of(&now->known, is));
    else say(l, 0, "%s at %u, and what this path alone knew was given up there", how, pc);
}

// The last mask or remainder that limits the followed number; VFLOW_NONE: none.
static uint32_t last_mask(const vlost *l)
{
    for (uint32_t i = l->w.end; i-- > l->w.def + 1;) {
        const pst_insn *insn = insn_at(l, i);
        const vplace *p = &l->w.at[i + 1];
        bool limits = insn->kind == PST_KIND_ALU && (insn->flags & PST_INSN_IMM) && (insn->op == PST_ALU_AND || insn->op == PST_ALU_MOD);
        if (limits && !p->on_stack && p->frame == step_at(l, i)->frame && p->reg == insn->dst) return i;
    }
    return VFLOW_NONE;
}

// What a comparison of this width and sign sees of a number.
static pst_scalar view(const pst_scalar *k, const pst_insn *insn)
{
    bool is_signed = insn->op == PST_JUMP_JSGT || insn->op == PST_JUMP_JSGE || insn->op == PST_JUMP_JSLT || insn->op == PST_JUMP_JSLE;
    if (insn->width != 32) return *k;
    pst_scalar low = *k;
    low.smin = is_signed ? k->smin32 : (int64_t)k->umin32;
    low.smax = is_signed ? k->smax32 : (int64_t)k->umax32;
    low.umin = k->umin32, low.umax = k->umax32;
    return low;
}

static bool same_range(const pst_scalar *a, const pst_scalar *b)
{
    return a->umin == b->umin && a->umax == b->umax && a->smin == b->smin && a->smax == b->smax;
}

// The last comparison that taught something of the followed number; VFLOW_NONE: none.
static uint32_t last_test(const vlost *l)
{
    for (uint32_t i = l->r.count - 1; i-- > l->w.def + 1;) {
        if (!tests_value(l, i)) continue;
        pst_scalar before = view(&l->w.seen[i].known, insn_at(l, i)), after = view(&l->w.seen[i + 1].known, insn_at(l, i));
        if (!same_range(&before, &after)) return i;
    }
    return VFLOW_NONE;
}

static void say_number(vlost *l)
{
    const vslice *w = &l->w;
    uint32_t test = last_test(l), mask = last_mask(l);
    char is[64], here[64];
    say_origin(l);
    if (mask != VFLOW_NONE && (test == VFLOW_NONE || mask > test)) {
        say(l, mask, "after the mask at %u %s is %s", step_at(l, mask)->pc, subject(l), range_of(&w->seen[mask + 1].known, is));
        return;
    }
    if (test == VFLOW_NONE) return;
    uint32_t pc = step_at(l, test)->pc;
    const pst_insn *insn = insn_at(l, test);
    pst_scalar after = view(&w->seen[test + 1].known, insn);
    if (insn->width == 32 && l->end.value.known.umax > UINT32_MAX && w->seen[w->end].value.sym == w->seen[test + 1].value.sym)
        say(l, test, "the comparison at %u tests the lower 32 bits of %s only", pc, subject(l));
    else if (after.smin < 0 && after.smax < OFFSET_FAR) say(l, test, "the comparison at %u limits %s from above only: it may still be negative", pc, subject(l));
    else if (w->seen[w->end].value.kind != V_NUMBER || same_range(&after, &w->seen[w->end].known) || insn->width == 32)
        say(l, test, "after the comparison at %u %s is %s", pc, subject(l), range_of(&after, is));
    else say(l, test, "after the comparison at %u %s is %s, and here %s", pc, subject(l), range_of(&after, is), range_of(&w->seen[w->end].known, here));
}

// An access at a constant place: what was added to the pointer last.
static void say_added(vlost *l)
{
    const vslice *w = &l->w;
    for (uint32_t i = w->end; i-- > w->def;) {
        const vtrace *t = step_at(l, i);
        const pst_insn *insn = insn_at(l, i);
        bool adds = insn->kind == PST_KIND_ALU && insn->op == PST_ALU_ADD && !(insn->flags & PST_INSN_IMM) && t->frame == w->at[i + 1].frame;
        if (!adds || w->at[i + 1].on_stack || insn->dst != w->at[i + 1].reg) continue;
        const vvalue *number = t->src.kind == V_NUMBER ? &t->src : &t->dst;
        if (number->sym != VSYM_NONE) return;
        say(l, i, "the number that is added to the pointer at %u is %lld on this path", t->pc, (long long)number->off);
        return;
    }
    say_origin(l);
}

// --- Packets -------------------------------------------------------------------------------------------------------------

static bool is_packet_test(const vlost *l, uint32_t index)
{
    const vtrace *t = step_at(l, index);
    const pst_insn *insn = insn_at(l, index);
    if (insn->kind != PST_KIND_BRANCH || (insn->flags & PST_INSN_IMM)) return false;
    return (t->dst.kind == V_PACKET && t->src.kind == V_PACKET_END) || (t->dst.kind == V_PACKET_END && t->src.kind == V_PACKET);
}

static bool moves_packet(const vlost *l, uint32_t index)
{
    const pst_helper_proto *proto = proto_at(l, index);
    const pst_insn *insn = insn_at(l, index);
    if (proto) return proto->flags & PST_HELPER_CHANGES_PACKET;
    if (insn->kind != PST_KIND_CALL || insn->op != PST_CALL_SUBPROG || step_at(l, index + 1)->frame != step_at(l, index)->frame) return false;
    return l->v->sub_flags[vsubprog_at(l->v, (uint32_t)((int64_t)step_at(l, index)->pc + 1 + insn->target))] & VSUB_MOVES_PACKET;
}

static void say_test_of_packet(vlost *l, uint32_t test)
{
    const vtrace *t = step_at(l, test);
    const vvalue *tested = t->dst.kind == V_PACKET ? &t->dst : &t->src;
    const pst_insn *insn = insn_at(l, l->r.count - 1);
    unsigned reg = l->end.place.reg;
    long long needed = insn->off + insn->width / 8;
    if (l->end.is_missing) say(l, test, "on this path the comparison at %u found that the bytes are not there", t->pc);
    else if (l->end.proved == 0 && l->end.is_limited && tested->sym == l->end.value.value.sym)
        say(l, test, "on this path the comparison at %u says how long the packet is at most, not at least", t->pc);
    else if (tested->sym != l->end.value.value.sym) say(l, test, "the comparison at %u is of another pointer: it says nothing of r%u", t->pc, reg);
    else if (insn->kind == PST_KIND_CALL) say(l, test, "the comparison at %u proves no more than %lld of the bytes from r%u on", t->pc, (long long)l->end.proved, reg);
    else say(l, test, "the comparison at %u proves %lld of the bytes from r%u on, %lld are needed", t->pc, (long long)l->end.proved, reg, needed);
}

static void say_packet(vlost *l)
{
    pst_finding *f = &l->v->finding;
    const pst_scalar *at = &l->end.value.known;
    size_t length = strlen(f->known);
    (void)pst_format(f->known + length, sizeof f->known - length, "; %lld byte%s proved from r%u on", (long long)l->end.proved,
                     l->end.proved == 1 ? "" : "s", l->end.place.reg);
    if (at->smin < 0 || at->smax >= OFFSET_FAR) {
        say_number(l);
        return;
    }
    uint32_t test = VFLOW_NONE, moved = VFLOW_NONE;
    for (uint32_t i = l->r.count - 1; i-- > 0 && test == VFLOW_NONE;) {
        if (is_packet_test(l, i)) test = i;
        else if (moved == VFLOW_NONE && moves_packet(l, i)) moved = i;
    }
    if (moved != VFLOW_NONE && test != VFLOW_NONE) {
        say(l, moved, "%s at %u may move the packet, so the comparison at %u proves nothing any more", call_text(l, moved), step_at(l, moved)->pc, step_at(l, test)->pc);
        (void)pst_format(f->hint, sizeof f->hint, "compare the pointer with data_end again after the call");
    } else if (test != VFLOW_NONE) say_test_of_packet(l, test);
    else if (l->w.number || l->w.origin != VORIGIN_LOAD) say(l, VFLOW_NONE, "nothing on this path compares a packet pointer with the end");
    else say(l, l->w.def, "nothing on this path compares it with the end since it was loaded at %u", step_at(l, l->w.def)->pc);
}

// --- Pointers ------------------------------------------------------------------------------------------------------------

// The step after which the followed pointer is none any more; VFLOW_NONE: there is none.
static uint32_t find_end_of_pointer(const vlost *l)
{
    const vslice *w = &l->w;
    for (uint32_t i = w->end; i-- > w->def + 1;)
        if (w->seen[i].value.kind > V_NUMBER && w->seen[i + 1].value.kind <= V_NUMBER) return i;
    return VFLOW_NONE;
}

static bool say_end_of_pointer(vlost *l)
{
    uint32_t at = find_end_of_pointer(l);
    if (at == VFLOW_NONE) return false;
    uint32_t pc = step_at(l, at)->pc;
    pst_finding *f = &l->v->finding;
    const pst_helper_proto *proto = proto_at(l, at);
    bool is_arithmetic = insn_at(l, at)->kind == PST_KIND_ALU || insn_at(l, at)->kind == PST_KIND_SWAP;
    bool releases = proto && (proto->flags & PST_HELPER_RELEASES);
    vkind kind = (vkind)l->w.seen[at].value.kind;
    bool packet = kind == V_PACKET || kind == V_META || kind == V_PACKET_END || (proto && (proto->flags & PST_HELPER_CHANGES_PACKET));
    if (insn_at(l, at)->kind == PST_KIND_BRANCH) say(l, at, "the comparison at %u found it null on this path", pc);
    else if (is_arithmetic) say(l, at, "the arithmetic at %u makes a number of the pointer", pc);
    else if (insn_at(l, at)->kind != PST_KIND_CALL) return false;
    else if (l->w.at[at].on_stack && !packet && !releases) say(l, at, "%s at %u overwrote it on the stack", call_text(l, at), pc);
    else if (packet) say(l, at, "%s at %u may move the packet: pointers into it from before are void", call_text(l, at), pc);
    else if (releases) say(l, at, "%s at %u released what it points to", call_text(l, at), pc);
    else say(l, at, "what it points to may be gone after the call of %s at %u", call_text(l, at), pc);
    const char *hint = insn_at(l, at)->kind == PST_KIND_BRANCH ? "use the pointer on the other way out of that test, where it is not null"
                       : is_arithmetic ? "copy all 64 bits, and add to pointers or subtract from them only"
                       : packet ? "load data and data_end again after the call, and compare them again"
                       : releases ? "use the pointer before it is released, and release it once on every path" : NULL;
    if (hint) (void)pst_format(f->hint, sizeof f->hint, "%s", hint);
    return true;
}

static void say_null(vlost *l)
{
    const vslice *w = &l->w;
    if (say_end_of_pointer(l)) return;
    say_origin(l);
    for (uint32_t i = w->end; may_be_null(l) && i-- > w->def + 1;) {
        const vtrace *t = step_at(l, i);
        const pst_insn *insn = insn_at(l, i);
        bool tests_null = insn->kind == PST_KIND_BRANCH && (insn->flags & PST_INSN_IMM) && insn->imm == 0 && (insn->op == PST_JUMP_JEQ || insn->op == PST_JUMP_JNE);
        if (!tests_null || t->dst.kind != V_PTR || t->dst.obj == w->seen[i].value.obj) continue;
        say(l, w->def, "%s at %u returned it, and may return NULL; the test at %u is of another pointer", call_text(l, w->def), step_at(l, w->def)->pc, t->pc);
        return;
    }
}

static void say_stack(vlost *l)
{
    char what[48];
    (void)pst_format(what, sizeof what, "r10%lld is", (long long)l->end.bare);
    if (!strstr(l->r.finding.text, what)) return; // the finding is about a byte that was written, but holds nothing any more
    for (uint32_t i = l->r.count - 1; i-- > 0;) {
        const vtrace *t = step_at(l, i);
        const pst_insn *insn = insn_at(l, i);
        bool stores = insn->kind == PST_KIND_STORE && t->base.kind == V_STACK && t->base.obj == l->end.value.value.obj && t->base_fixed;
        if (!stores || t->base_off + insn->width / 8 != l->end.bare) continue;
        say(l, i, "the store at %u writes the bytes before it, and no other store on this path writes r10%lld", t->pc, (long long)l->end.bare);
        return;
    }
    (void)pst_format(what, sizeof what, "the byte at r10%lld", (long long)l->end.bare);
    say_unwritten(l, what);
}

// --- What is held --------------------------------------------------------------------------------------------------------

static void say_leak(vlost *l)
{
    for (uint32_t i = l->r.count - 1; i-- > 0;) {
        if (step_at(l, i)->next_id > l->end.leaked_id || step_at(l, i + 1)->next_id <= l->end.leaked_id) continue;
        if (insn_at(l, i)->kind == PST_KIND_CALL) say(l, i, "%s at %u acquired %s", call_text(l, i), step_at(l, i)->pc, l->end.leaked);
        return;
    }
}

static void say_held(vlost *l)
{
    for (uint32_t i = l->r.count - 1; l->end.held && i-- > 0;) {
        if (step_at(l, i)->held >= l->end.held) continue;
        const pst_helper_proto *proto = proto_at(l, i);
        bool locks = proto && (proto->flags & PST_HELPER_LOCK);
        if (proto) say(l, i, "%s at %u %s", proto->name, step_at(l, i)->pc, locks ? "took the lock" : "began the section");
        return;
    }
}

// An unlock where nothing is held.
static void say_unlocked(vlost *l)
{
    uint32_t at = last_decision(l);
    if (l->first != 0) return;
    for (uint32_t i = l->r.count - 1; i-- > 0;)
        if (step_at(l, i)->held) {
            say(l, i, "%s at %u has released it already", call_text(l, i), step_at(l, i)->pc);
            return;
        }
    if (at == VFLOW_NONE) say(l, at, "no call before this one takes the lock");
    else say(l, at, "no call on the path through the branch at %u takes the lock", step_at(l, at)->pc);
}

static void say_context(vlost *l)
{
    const vslice *w = &l->w;
    if (l->end.value.value.kind != V_CTX || (l->end.value.value.sym == VSYM_NONE && l->end.value.value.off == 0)) return;
    for (uint32_t i = w->end; i-- > w->def;) {
        const pst_insn *insn = insn_at(l, i);
        if (insn->kind != PST_KIND_ALU || insn->op == PST_ALU_MOV || step_at(l, i)->dst.kind != V_CTX || w->at[i + 1].reg != insn->dst) continue;
        say(l, i, "the offset was added to the context pointer at %u", step_at(l, i)->pc);
        return;
    }
}

// --- By kind --------------------------------------------------------------------------------------------------------------

static void explain_value(vlost *l)
{
    const vvalue *value = &l->end.value.value;
    char range[64];
    switch (l->r.finding.kind) {
    case PST_FINDING_UNINITIALISED:
        if (value->kind == V_STACK && l->end.has_bare) say_stack(l);
        else if (value->kind != V_UNINIT) return;
        else if (l->w.origin != VORIGIN_START) say_origin(l);
        else say_unwritten(l, g_registers[l->end.place.reg]);
        return;
    case PST_FINDING_BOUNDS:
        if (value->kind == V_PACKET) say_packet(l);
        else if (value->sym != VSYM_NONE) say_number(l);
        else if (value->kind != V_CTX) say_added(l);
        return;
    case PST_FINDING_RETURN:
    case PST_FINDING_ARGUMENT: say_number(l); return;
    case PST_FINDING_STRUCTURE: case PST_FINDING_MAP: case PST_FINDING_BTF: case PST_FINDING_DYNPTR: return;
    case PST_FINDING_NULL_POINTER: say_null(l); return;
    case PST_FINDING_CONTEXT: say_context(l); return;
    case PST_FINDING_LOCK:
        if (l->end.held == 0 && proto_at(l, l->r.count - 1) && (proto_at(l, l->r.count - 1)->flags & PST_HELPER_UNLOCK)) say_unlocked(l);
        else if (!say_end_of_pointer(l)) say_origin(l);
        return;
    case PST_FINDING_POINTER_ARITHMETIC:
        if (l->w.number && value->kind == V_NUMBER && !l->v->finding.known[0])
            (void)pst_format(l->v->finding.known, sizeof l->v->finding.known, "what is added: %s", range_of(&l->end.value.known, range));
        if (l->w.number) say_number(l);
        else if (!say_end_of_pointer(l)) say_origin(l);
        return;
    default:
        if (say_end_of_pointer(l)) return;
        say_origin(l);
        if (l->r.finding.kind == PST_FINDING_TYPE && value->kind == V_NUMBER && l->w.origin == VORIGIN_LOAD && !l->end.place.on_stack)
            (void)pst_format(l->v->finding.hint, sizeof l->v->finding.hint,
                             "what is loaded from memory is a number, whatever was stored there: read what it points to by bpf_probe_read_kernel");
        return;
    }
}

void vlost_explain(vlost *l)
{
    pst_finding_kind kind = l->r.finding.kind;
    if (!l->is_exact) say_joined(l);
    else if (kind == PST_FINDING_REFERENCE && l->r.finding.reg < 0) say_leak(l);
    else if (kind == PST_FINDING_LOCK && l->r.finding.reg < 0) say_held(l);
    else if (l->end.place_known) explain_value(l);
}
