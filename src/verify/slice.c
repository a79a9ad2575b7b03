// slice.c: follows a value backwards through moves, arithmetic with constants, spills, fills, calls and returns. See slice.h.
//
// Purely by instructions and by the values that they read; what is not followed for certain is an origin.
#include "verify/slice.h"

#include <string.h>

static bool is_fixed(const vvalue *value) { return value->sym == VSYM_NONE; }

// Sets *p to the operand that the result's unknown part comes from. True: both are unknown, so it was made here.
static bool back_alu(vslice *w, const vtrace *t, const pst_insn *insn, vplace *p)
{
    if (insn->flags & PST_INSN_IMM) {
        w->origin = VORIGIN_CONST;
        return insn->op == PST_ALU_MOV;
    }
    if (insn->op == PST_ALU_NEG) return false;
    bool dst_points = t->dst.kind > V_NUMBER, src_points = t->src.kind > V_NUMBER;
    if (insn->op == PST_ALU_MOV || insn->op == PST_ALU_MOVSX8 || insn->op == PST_ALU_MOVSX16 || insn->op == PST_ALU_MOVSX32) {
        p->reg = insn->src;
        return false;
    }
    w->origin = VORIGIN_COMPUTED;
    if (dst_points && src_points) return true;
    if (!w->number && (dst_points || src_points)) {
        if (src_points) p->reg = insn->src;
        return false;
    }
    if (is_fixed(&t->src)) return false;
    if (!is_fixed(&t->dst)) return true;
    p->reg = insn->src;
    return false;
}

// The instruction ran in another frame than the register's.
static bool back_frames(vslice *w, const vtrace *t, const pst_insn *insn, vplace *p)
{
    if (t->frame == p->frame + 1 && insn->kind == PST_KIND_EXIT && t->frame_kind == VFRAME_CALL && p->reg == 0) p->frame = t->frame;
    if (t->frame + 1 != p->frame || insn->kind != PST_KIND_CALL) return false;
    bool is_passed = p->reg >= 1 && p->reg <= 5;
    if (is_passed && insn->op == PST_CALL_SUBPROG) {
        p->frame = t->frame;
        return false;
    }
    w->origin = is_passed ? VORIGIN_ARGUMENT : VORIGIN_UNWRITTEN;
    return true;
}

static bool back_register(vslice *w, const vtrace *t, const pst_insn *insn, vplace *p)
{
    if (t->frame != p->frame) return back_frames(w, t, insn, p);
    switch ((pst_kind)insn->kind) {
    case PST_KIND_CALL:
    case PST_KIND_LEGACY_LOAD:
        w->origin = p->reg != 0 ? VORIGIN_CLOBBER : insn->kind == PST_KIND_CALL ? VORIGIN_RESULT : VORIGIN_LOAD;
        return p->reg <= 5;
    case PST_KIND_IMM64: w->origin = VORIGIN_CONST; return insn->dst == p->reg;
    case PST_KIND_LOAD:
    case PST_KIND_LOAD_ACQUIRE:
        if (insn->dst != p->reg) return false;
        w->origin = VORIGIN_LOAD;
        if (t->base.kind != V_STACK || !t->base_fixed) return true;
        *p = (vplace){.on_stack = true, .size = insn->width / 8, .frame = t->base.obj, .off = t->base_off};
        return false;
    case PST_KIND_ATOMIC:
        w->origin = VORIGIN_LOAD;
        return (insn->flags & PST_INSN_FETCH) && p->reg == (insn->op == PST_ATOMIC_CMPXCHG ? 0 : insn->src);
    case PST_KIND_ALU: return insn->dst == p->reg && back_alu(w, t, insn, p);
    case PST_KIND_SWAP:
    case PST_KIND_PADDING:
    case PST_KIND_STORE:
    case PST_KIND_STORE_RELEASE:
    case PST_KIND_JUMP:
    case PST_KIND_BRANCH:
    case PST_KIND_MAY_GOTO:
    case PST_KIND_EXIT:
    case PST_KIND_CAST: return false;
    }
    return false;
}

static bool back_stack(vslice *w, const vtrace *t, const pst_insn *insn, vplace *p)
{
    bool stores = insn->kind == PST_KIND_STORE || insn->kind == PST_KIND_STORE_RELEASE;
    if (insn->kind == PST_KIND_CALL && t->frame + 1 == p->frame) {
        w->origin = VORIGIN_UNWRITTEN;
        return true;
    }
    if ((!stores && insn->kind != PST_KIND_ATOMIC) || t->base.kind != V_STACK || t->base.obj != p->frame) return false;
    int64_t size = insn->width / 8;
    if (t->base_fixed && (t->base_off >= p->off + p->size || t->base_off + size <= p->off)) return false;
    w->origin = VORIGIN_PIECES;
    if (!stores || !t->base_fixed || t->base_off != p->off || size < p->size) return true;
    w->origin = VORIGIN_CONST;
    if (insn->flags & PST_INSN_IMM) return true;
    *p = (vplace){.reg = insn->src, .frame = t->frame};
    return false;
}

void vslice_back(vslice *w, const vreplay *r, uint32_t end, const vplace *place, bool number)
{
    w->r = r;
    w->end = end;
    w->number = number;
    w->at[end] = *place;
    for (uint32_t i = end; i-- > 0;) {
        const vtrace *t = &r->trace[i];
        const pst_insn *insn = &r->v->image->insns[t->pc];
        w->at[i] = w->at[i + 1];
        w->def = i;
        if (w->at[i].on_stack ? back_stack(w, t, insn, &w->at[i]) : back_register(w, t, insn, &w->at[i])) return;
    }
    w->def = 0;
    w->origin = VORIGIN_START;
}

// --- Watching -----------------------------------------------------------------------------------------------------------

static vvalue stack_value(const vframe *frame, const vplace *p)
{
    int64_t from = -p->off;
    uint32_t slot = (uint32_t)(from - 1) / 8, byte = (uint32_t)(8 * (slot + 1)) - (uint32_t)from;
    const vcell *cell = vframe_cell(frame, slot < VCELLS ? slot : VCELLS - 1);
    if (byte == 0 && cell->lo_size >= p->size) return cell->lo;
    if (byte == 4 && cell->hi_size >= p->size) return cell->hi;
    return cell->init ? vvalue_any() : (vvalue){.kind = V_UNINIT};
}

vseen vslice_see(const vstate *s, const vplace *place)
{
    vseen seen = {.known = PST_SCALAR_TOP};
    if (place->frame >= s->frame_count || (place->on_stack && place->off >= 0)) return seen;
    const vframe *frame = s->frames[place->frame];
    if (place->on_stack) seen.value = stack_value(frame, place);
    else if (place->reg == PST_REG_FP) seen.value = (vvalue){.kind = V_STACK, .obj = (uint16_t)place->frame};
    else seen.value = frame->regs[place->reg];
    if (seen.value.kind != V_UNINIT) seen.known = vvalue_scalar(s, &seen.value);
    if (seen.value.kind != V_PTR) return seen;
    seen.obj_id = s->objs[seen.value.obj].id;
    seen.maybe_null = s->objs[seen.value.obj].flags & VOBJ_MAYBE_NULL;
    return seen;
}

void vslice_watch(void *slice, const vreplay *r, const vstate *s, uint32_t index)
{
    vslice *w = slice;
    (void)r;
    bool follows = index > w->def || w->origin == VORIGIN_START;
    if (follows && index <= w->end) w->seen[index] = vslice_see(s, &w->at[index]);
}

static bool same_value(const vvalue *a, const vvalue *b) { return a->kind == b->kind && a->sym == b->sym && a->off == b->off && a->obj == b->obj; }

void vslice_find_filler(vslice *w)
{
    for (uint32_t i = w->end; i-- > w->def + 1;) {
        const pst_insn *insn = &w->r->v->image->insns[w->r->trace[i].pc];
        bool calls = insn->kind == PST_KIND_CALL && insn->op != PST_CALL_SUBPROG && w->at[i].on_stack && w->at[i + 1].on_stack;
        if (!calls || same_value(&w->seen[i].value, &w->seen[i + 1].value) || w->seen[i].value.kind > V_NUMBER) continue;
        w->def = i;
        w->origin = VORIGIN_FILLED;
        return;
    }
}
