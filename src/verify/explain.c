// explain.c: values and states as text for people.
#include "verify/explain.h"

#include <string.h>

#include "base/format.h"
#include "base/text.h"

static const char *obj_text(const vobj *o)
{
    switch ((vobj_kind)o->kind) {
    case VO_FREE: return "nothing";
    case VO_MAP: return "inner map";
    case VO_MAP_VALUE: return "map value";
    case VO_MEM: return "memory";
    case VO_RINGBUF: return "ring-buffer record";
    case VO_SOCK: return "socket";
    case VO_STRUCT: return "struct";
    case VO_BTF: return "host object";
    case VO_ALLOC: return "object";
    case VO_DYNPTR: return "dynptr";
    case VO_ITER: return "iterator";
    case VO_IRQ: return "interrupt flags";
    case VO_PERCPU: return "per-CPU object";
    case VO_REF: return "reference";
    }
    PST_UNREACHABLE();
}

const char *vkind_text(const vstate *s, const vvalue *value)
{
    switch ((vkind)value->kind) {
    case V_UNINIT: return "an uninitialised value";
    case V_NUMBER: return "a number";
    case V_CTX: return "the context pointer";
    case V_STACK: return "a stack pointer";
    case V_PACKET: return "a packet pointer";
    case V_META: return "a pointer to the packet's metadata";
    case V_PACKET_END: return "the end of the packet";
    case V_MAP: return "a map";
    case V_FUNC: return "a subprogram's address";
    case V_PTR: break;
    }
    switch ((vobj_kind)s->objs[value->obj].kind) {
    case VO_MAP: return "an inner map";
    case VO_MAP_VALUE: return "a pointer to a map value";
    case VO_MEM: return "a pointer to memory";
    case VO_RINGBUF: return "a ring-buffer record";
    case VO_SOCK: return "a socket";
    case VO_STRUCT: return "a pointer to a struct of the host";
    case VO_BTF: return "a pointer to an object of the host";
    case VO_ALLOC: return "a pointer to an object of the program";
    case VO_PERCPU: return "a pointer to a per-CPU object";
    case VO_FREE:
    case VO_DYNPTR:
    case VO_ITER:
    case VO_IRQ:
    case VO_REF: return "a pointer";
    }
    PST_UNREACHABLE();
}

static void range_text(const pst_scalar *k, pst_text *out)
{
    if (pst_scalar_is_const(k)) {
        pst_text_format(out, "%lld", (long long)k->smin);
        return;
    }
    if (pst_scalar_is_top(k)) {
        pst_text_format(out, "any number");
        return;
    }
    if (k->smin >= 0 || k->umax > INT64_MAX) {
        if (k->smin < 0) pst_text_format(out, "[%lld, %lld]", (long long)k->smin, (long long)k->smax);
        else pst_text_format(out, "[%llu, %llu]", (unsigned long long)k->umin, (unsigned long long)k->umax);
    } else {
        pst_text_format(out, "[%lld, %lld]", (long long)k->smin, (long long)k->smax);
    }
    uint64_t unknown = k->bits.mask, low = unknown & (0 - unknown); // the lowest bit that is not known
    if (unknown == UINT64_MAX || (unknown & (unknown + 1)) == 0) return;
    if ((unknown & (unknown + low)) == 0) pst_text_format(out, " in steps of %llu", (unsigned long long)low);
    else pst_text_format(out, " bits 0x%llx of 0x%llx", (unsigned long long)k->bits.value, (unsigned long long)~unknown);
}

static void offset_text(const vstate *s, const vvalue *value, pst_text *out)
{
    pst_scalar at = vvalue_scalar(s, value);
    if (pst_scalar_is_const(&at)) {
        if (at.smin) pst_text_format(out, "%s%lld", at.smin > 0 ? "+" : "", (long long)at.smin);
        return;
    }
    pst_text_format(out, "+");
    range_text(&at, out);
}

void vvalue_text(const verifier *v, const vstate *s, const vvalue *value, pst_text *out)
{
    static const char *const kinds[] = {"uninitialised", "", "ctx", "fp", "packet", "meta", "packet_end", "map", "", "subprogram"};
    (void)v;
    switch ((vkind)value->kind) {
    case V_UNINIT:
    case V_PACKET_END: pst_text_format(out, "%s", kinds[value->kind]); return;
    case V_NUMBER: {
        pst_scalar known = vvalue_scalar(s, value);
        range_text(&known, out);
        return;
    }
    case V_STACK:
        pst_text_format(out, "fp");
        if (value->obj + 1u != s->frame_count) pst_text_format(out, "[%u]", value->obj);
        break;
    case V_MAP:
    case V_FUNC: pst_text_format(out, "%s %u", kinds[value->kind], value->obj); return;
    case V_CTX:
    case V_PACKET:
    case V_META: pst_text_format(out, "%s", kinds[value->kind]); break;
    case V_PTR: {
        const vobj *o = &s->objs[value->obj];
        pst_text_format(out, "%s", obj_text(o));
        if (o->size) pst_text_format(out, "(%u bytes)", o->size);
        if (o->flags & VOBJ_MAYBE_NULL) pst_text_format(out, " or null");
        break;
    }
    }
    offset_text(s, value, out);
}

static void cells_text(const verifier *v, const vstate *s, const vframe *frame, pst_text *out)
{
    for (uint32_t c = 0; c < vframe_span(frame); c++) {
        const vcell *cell = vframe_cell(frame, c);
        if (cell->mode == VCELL_SPECIAL) {
            pst_text_format(out, " fp-%u=%s", 8 * (c + 1), obj_text(&s->objs[cell->obj]));
        } else if (cell->lo_size) {
            pst_text_format(out, " fp-%u=", 8 * (c + 1));
            vvalue_text(v, s, &cell->lo, out);
        } else if (cell->init) {
            pst_text_format(out, " fp-%u=%s", 8 * (c + 1), cell->init == 0xff ? cell->zero == 0xff ? "0" : "bytes" : "some bytes");
        }
        if (cell->hi_size) {
            pst_text_format(out, " fp-%u=", 8 * (c + 1) - 4);
            vvalue_text(v, s, &cell->hi, out);
        }
    }
}

void vstate_text(const verifier *v, const vstate *s, pst_text *out)
{
    const vframe *frame = vstate_frame(s);
    const char *space = "";
    for (unsigned r = 0; r < PST_REG_COUNT - 1; r++) {
        if (frame->regs[r].kind == V_UNINIT) continue;
        pst_text_format(out, "%sr%u=", space, r);
        vvalue_text(v, s, &frame->regs[r], out);
        space = " ";
    }
    cells_text(v, s, frame, out);
    const pst_scalar *length = &s->syms[VSYM_PACKET];
    if (length->umin > 0) pst_text_format(out, " packet of at least %llu bytes", (unsigned long long)length->umin);
    for (uint32_t i = 0; i < s->ghost_count; i++) {
        pst_scalar turns = vvalue_scalar(s, &s->ghosts[i].up);
        pst_text_format(out, " turns of loop at %u=", v->flow.blocks[v->flow.loops[s->ghosts[i].loop].head].start);
        range_text(&turns, out);
    }
    if (s->lock_count) pst_text_format(out, " locks=%u", s->lock_count);
}

void vknown(verifier *v, const vstate *s, const vvalue *value)
{
    pst_text text;
    pst_text_init(&text, v->env);
    vvalue_text(v, s, value, &text);
    (void)pst_format(v->finding.known, sizeof v->finding.known, "%s", pst_text_cstr(&text));
    pst_text_free(&text);
}

static uint32_t start_of(const verifier *v, uint32_t slot) { return v->flow.blocks[v->engine->slots[slot].state->block].start; }

// Slots by the place they stand at; Shell's sort, since there may be tens of thousands.
static void sort_slots(const verifier *v, uint32_t *slots, uint32_t count)
{
    for (uint32_t gap = count / 2; gap > 0; gap /= 2)
        for (uint32_t i = gap; i < count; i++) {
            uint32_t moving = slots[i], j = i;
            for (; j >= gap && start_of(v, slots[j - gap]) > start_of(v, moving); j -= gap) slots[j] = slots[j - gap];
            slots[j] = moving;
        }
}

static pst_status explain_slot(const verifier *v, pst_arena *arena, uint32_t slot, pst_verdict_state *row)
{
    const vstate *s = v->engine->slots[slot].state;
    pst_text text;
    pst_text_init(&text, v->env);
    vstate_text(v, s, &text);
    char *copy = pst_arena_string(arena, pst_text_cstr(&text), text.size);
    pst_text_free(&text);
    if (!copy) return PST_E_NOMEM;
    *row = (pst_verdict_state){.pc = start_of(v, slot), .frame = s->frame_count - 1, .text = copy};
    return PST_OK;
}

pst_status vexplain_states(verifier *v, pst_arena *arena, pst_verdict *verdict)
{
    const vengine *e = v->engine;
    uint32_t count = 0, old = verdict->explained_count;
    uint32_t *slots = pst_arena_array(arena, e->slot_count + 1, sizeof *slots);
    pst_verdict_state *rows = pst_arena_array(arena, old + e->slot_count + 1, sizeof *rows);
    if (!rows || !slots) return PST_E_NOMEM;
    for (uint32_t i = 0; i < e->slot_count; i++)
        if (e->slots[i].covered_by == VFLOW_NONE && !e->slots[i].retired) slots[count++] = i;
    sort_slots(v, slots, count);
    if (old) memcpy(rows, verdict->explained, old * sizeof *rows);
    for (uint32_t i = 0; i < count; i++) PST_TRY(explain_slot(v, arena, slots[i], &rows[old + i]));
    verdict->explained = rows;
    verdict->explained_count = old + count;
    return PST_OK;
}
