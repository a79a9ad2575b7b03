// lost.c: settles the path that a finding is about, and follows the value that it is about. What is said of it: lost_text.c.
//
// Called by engine.c when the walk was ended by a finding. The path that first led there is walked again on its own (replay.h). If that meets the
// finding, all that is seen on the way is certain. If not, paths that made states on it grow are tried. If none does it, it is a join's fault: the first
// kept state of the path from which the finding is met again is where knowledge was lost.
#include "verify/lost.h"

#include <string.h>

#include "verify/call.h"

#define DETOURS_MAX 8u
#define STEPS_MAX 100000u // of all replays for one finding

// --- The end ------------------------------------------------------------------------------------------------------------

static const pst_insn *insn_at(const vlost *l, uint32_t index) { return &l->v->image->insns[l->r.trace[index].pc]; }

static void read_packet(vlost *l, const vstate *s, const vvalue *pointer)
{
    vvalue at = {.kind = V_NUMBER, .sym = pointer->sym, .off = pointer->off};
    vvalue length = {.kind = V_NUMBER, .sym = pointer->kind == V_META ? VSYM_META : VSYM_PACKET};
    int64_t past = vrel_bound(s, &at, &length), left = vrel_bound(s, &length, &at);
    const pst_insn *insn = insn_at(l, l->r.count - 1);
    l->end.proved = past < 0 && past > INT64_MIN ? -past : 0;
    l->end.is_limited = left < 0xffff;
    l->end.is_missing = insn->kind != PST_KIND_CALL && left < insn->off + insn->width / 8;
}

// The first byte from the pointer on that was never written.
static void read_stack(vlost *l, const vstate *s, const vvalue *pointer, int64_t off)
{
    const vframe *frame = s->frames[pointer->obj];
    for (int64_t at = off; at >= -PST_FRAME_BYTES && at < 0; at++) {
        const vcell *cell = vframe_cell(frame, (uint32_t)(-at - 1) / 8);
        if (cell->mode == VCELL_DATA && cell->init >> (7 - (uint32_t)(-at - 1) % 8) & 1) continue;
        l->end.has_bare = true;
        l->end.bare = at;
        return;
    }
}

static void read_objects(vlost *l, const vstate *s)
{
    static const char *const kinds[] = {[VO_RINGBUF] = "the record", [VO_SOCK] = "the socket", [VO_ALLOC] = "the object", [VO_BTF] = "the object",
                                        [VO_DYNPTR] = "the dynptr", [VO_ITER] = "the iterator"};
    for (uint32_t i = 0; i < s->obj_count && !l->end.leaked_id; i++) {
        const vobj *obj = &s->objs[i];
        if (obj->kind == VO_FREE || obj->kind == VO_IRQ || !(obj->flags & VOBJ_MUST_RELEASE)) continue;
        l->end.leaked_id = obj->id;
        l->end.leaked = obj->kind < PST_COUNT(kinds) && kinds[obj->kind] ? kinds[obj->kind] : "the reference";
    }
}

static bool is_number(const vstate *s, unsigned reg, bool unknown)
{
    vvalue value = vreg(s, reg);
    return value.kind == V_NUMBER && (!unknown || value.sym != VSYM_NONE);
}

// The register that the finding is about; of a memory argument whose address is known, the one that holds its size.
static bool pick_register(const vlost *l, const vstate *s, unsigned *reg)
{
    const pst_finding *f = &l->r.finding;
    if (f->reg < 0 || f->reg >= PST_REG_COUNT) return false;
    *reg = (unsigned)f->reg;
    vvalue value = vreg(s, *reg);
    const pst_insn *insn = &l->v->image->insns[f->pc];
    bool is_call = insn->kind == PST_KIND_CALL, adds = insn->kind == PST_KIND_ALU && !(insn->flags & PST_INSN_IMM);
    if (f->kind == PST_FINDING_POINTER_ARITHMETIC && adds) {
        if (is_number(s, insn->src, true)) *reg = insn->src;
        else if (is_number(s, insn->dst, true)) *reg = insn->dst;
    } else if (f->kind == PST_FINDING_BOUNDS && is_call && value.kind > V_NUMBER && value.sym == VSYM_NONE && *reg < 5 && is_number(s, *reg + 1, true)) ++*reg;
    return true;
}

static void read_end(void *user, const vreplay *r, const vstate *s, uint32_t index)
{
    vlost *l = user;
    unsigned reg;
    if (r->leg + 1 != r->leg_count || r->trace[index].pc != r->finding.pc) return;
    l->end = (vlost_end){.is_read = true, .held = r->trace[index].held};
    read_objects(l, s);
    if (!pick_register(l, s, &reg)) return;
    l->end.place = (vplace){.reg = (uint8_t)reg, .frame = s->frame_count - 1};
    l->end.place_known = true;
    l->end.value = vslice_see(s, &l->end.place);
    const vvalue *value = &l->end.value.value;
    if (value->kind == V_PACKET || value->kind == V_META) read_packet(l, s, value);
    const pst_insn *insn = &l->v->image->insns[r->finding.pc];
    if (value->kind == V_STACK && value->sym == VSYM_NONE) read_stack(l, s, value, value->off + (insn->kind == PST_KIND_CALL ? 0 : insn->off));
}

// --- The path -----------------------------------------------------------------------------------------------------------

static void show_path(const vlost *l)
{
    pst_finding *f = &l->v->finding;
    uint32_t count = l->r.leg_count, skipped = count > PST_FINDING_PATH_MAX ? count - PST_FINDING_PATH_MAX : 0;
    for (f->path_count = 0; f->path_count + skipped < count; f->path_count++)
        f->path[f->path_count] = l->v->flow.blocks[l->r.legs[f->path_count + skipped].block].start;
}

static bool has_start(const vreplay *r, uint32_t leg)
{
    const vengine *e = r->v->engine;
    uint32_t slot = r->legs[leg].slot;
    return slot != VFLOW_NONE && (leg == 0 || (e->slots[slot].state && !e->slots[slot].retired));
}

static uint32_t steps_from(const vreplay *r, uint32_t leg)
{
    uint64_t steps = 0;
    for (; leg < r->leg_count; leg++) steps += r->legs[leg].exit_pc - r->v->flow.blocks[r->legs[leg].block].start + 1;
    return steps < UINT32_MAX ? (uint32_t)steps : UINT32_MAX;
}

static bool meets(vlost *l, uint32_t first)
{
    uint32_t steps = steps_from(&l->r, first);
    l->first = first;
    l->end.is_read = false;
    if (steps > l->steps_left) return false;
    l->steps_left -= steps;
    return vreplay_run(&l->r, first, true, read_end, l) && l->end.is_read;
}

// The first leg that the replay can start with: the entry, or far enough behind it.
static uint32_t first_leg(const vreplay *r)
{
    for (uint32_t leg = 0; leg < r->leg_count; leg++)
        if (has_start(r, leg) && steps_from(r, leg) <= VREPLAY_STEPS_MAX) return leg;
    return VFLOW_NONE;
}

static bool try_path(vlost *l, uint32_t detour)
{
    if (!vreplay_find(&l->r, l->v, detour)) return false;
    uint32_t first = first_leg(&l->r);
    return first != VFLOW_NONE && meets(l, first);
}

static uint32_t grown_slots(const vreplay *r, uint32_t slots[DETOURS_MAX])
{
    uint32_t count = 0;
    for (uint32_t leg = r->leg_count; leg-- > 0 && count < DETOURS_MAX;) {
        uint32_t slot = r->legs[leg].slot;
        if (slot != VFLOW_NONE && r->v->engine->slots[slot].grown_from != VFLOW_NONE) slots[count++] = slot;
    }
    return count;
}

// The earliest kept state of an unbroken row, back from the end, from which the finding is met.
static void blame_join(vlost *l)
{
    uint32_t best = VFLOW_NONE, tries = 0;
    for (uint32_t leg = l->r.leg_count; leg-- > 0 && tries < 64 && steps_from(&l->r, leg) <= VREPLAY_STEPS_MAX;) {
        uint32_t slot = l->r.legs[leg].slot;
        if (slot == VFLOW_NONE) continue;
        if (leg == 0 || !has_start(&l->r, leg) || !meets(l, leg)) break;
        best = leg;
        tries++;
    }
    l->joined = best != VFLOW_NONE && tries < 64 ? l->r.legs[best].slot : VFLOW_NONE;
    if (best != VFLOW_NONE) meets(l, best);
}

// False: nothing certain is known of the path.
static bool settle(vlost *l)
{
    uint32_t slots[DETOURS_MAX], count = 0;
    l->joined = VFLOW_NONE;
    l->is_exact = try_path(l, VFLOW_NONE);
    if (l->is_exact) return true;
    count = grown_slots(&l->r, slots);
    for (uint32_t i = 0; i < count; i++) {
        vreplay_free(&l->r);
        l->is_exact = try_path(l, slots[i]);
        if (l->is_exact) return true;
    }
    if (count) {
        vreplay_free(&l->r);
        if (!vreplay_find(&l->r, l->v, VFLOW_NONE)) return false;
    }
    blame_join(l);
    return l->joined != VFLOW_NONE;
}

// --- The value ----------------------------------------------------------------------------------------------------------

static void see_before(void *user, const vreplay *r, const vstate *s, uint32_t index)
{
    vlost *l = user;
    (void)index;
    if (r->leg != l->first || l->before_known) return;
    l->before = vslice_see(s, &l->w.at[0]);
    l->before_known = true;
}

static bool follow(vlost *l)
{
    pst_finding_kind kind = l->r.finding.kind;
    vslice *w = &l->w;
    bool number = kind == PST_FINDING_BOUNDS || kind == PST_FINDING_ARGUMENT || kind == PST_FINDING_RETURN || kind == PST_FINDING_POINTER_ARITHMETIC ||
                  kind == PST_FINDING_ALIGNMENT;
    w->at = pst_arena_array(&l->r.arena, l->r.count + 1, sizeof *w->at);
    w->seen = pst_arena_array(&l->r.arena, l->r.count + 1, sizeof *w->seen);
    if (!w->at || !w->seen) return false;
    w->end = l->r.count - 1;
    w->def = w->end;
    if (!l->end.place_known) return true;
    uint32_t count = l->r.count;
    vslice_back(w, &l->r, count - 1, &l->end.place, number && l->end.value.value.sym != VSYM_NONE);
    if (!vreplay_run(&l->r, l->first, true, vslice_watch, w)) return false;
    vslice_find_filler(w);
    if (l->is_exact || w->origin != VORIGIN_START) return true;
    // What the path alone knows there. It does not meet the finding, but comes this far.
    uint32_t first = first_leg(&l->r);
    if (first != VFLOW_NONE && first < l->first) vreplay_run(&l->r, first, true, see_before, l);
    return vreplay_run(&l->r, l->first, true, NULL, NULL);
}

void vlost_note(verifier *v)
{
    vlost l = {.v = v, .steps_left = STEPS_MAX};
    bool known = settle(&l) && follow(&l);
    if (l.r.leg_count) show_path(&l); // a replay leaves the finding as the walk had it
    if (known) vlost_explain(&l);
    vreplay_free(&l.r);
}
