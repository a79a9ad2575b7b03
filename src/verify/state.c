// state.c: memory of abstract states, their symbols, their objects.
//
// All memory is counted in verifier.bytes; at the limit an allocation fails and the engine ends with the finding "too complex". Where a
// failure can be answered by knowing less (a symbol, a relation), that is what happens: knowing less is always sound.
#include <string.h>

#include "verify/verifier.h"

// --- Memory ---------------------------------------------------------------------------------------------------

// States come and go with each branch, in a few sizes: what was given back is kept for the next one of its class, up to a limit.
#define BLOCK_STEP 64u
#define SPARE_BYTES_MAX (256u << 10)

static uint32_t class_of(size_t size)
{
    size_t class = (size + BLOCK_STEP - 1) / BLOCK_STEP;
    return class < VSPARE_CLASSES ? (uint32_t)class : 0;
}

static void *take(verifier *v, size_t size)
{
    uint32_t class = class_of(size);
    if (v->bytes + size > v->opts.bytes_max) return NULL;
    void *block = class ? v->spare[class] : NULL;
    if (block) {
        memcpy(&v->spare[class], block, sizeof v->spare[class]);
        v->spare_bytes -= class * BLOCK_STEP;
    } else {
        block = pst_alloc(v->env, class ? class * BLOCK_STEP : size);
        if (!block) {
            v->starved = true;
            return NULL;
        }
    }
    v->bytes += size;
    if (v->bytes > v->bytes_peak) v->bytes_peak = v->bytes;
    return block;
}

static void give(verifier *v, void *block, size_t size)
{
    uint32_t class = class_of(size);
    if (!block) return;
    v->bytes -= size;
    if (!class || v->spare_bytes + class * BLOCK_STEP > SPARE_BYTES_MAX) {
        pst_free(v->env, block, class ? class * BLOCK_STEP : size);
        return;
    }
    memcpy(block, &v->spare[class], sizeof v->spare[class]);
    v->spare[class] = block;
    v->spare_bytes += class * BLOCK_STEP;
}

void vstate_free_spare(verifier *v)
{
    for (uint32_t class = 1; class < VSPARE_CLASSES; class++)
        while (v->spare[class]) {
            void *block = v->spare[class];
            memcpy(&v->spare[class], block, sizeof v->spare[class]);
            pst_free(v->env, block, class * BLOCK_STEP);
        }
    v->spare_bytes = 0;
}

// Makes room for one more element of *array. False: no memory.
static bool grow(verifier *v, void *array_ptr, uint32_t *capacity, uint32_t count, size_t size)
{
    if (count < *capacity) return true;
    void *old, *block;
    uint32_t more = *capacity ? *capacity * 2 : 16;
    memcpy(&old, array_ptr, sizeof old);
    block = take(v, more * size);
    if (!block) return false;
    if (count) memcpy(block, old, count * size);
    give(v, old, *capacity * size);
    memcpy(array_ptr, &block, sizeof block);
    *capacity = more;
    return true;
}

static size_t frame_size(uint32_t cells) { return offsetof(vframe, cells) + cells * sizeof(vcell); }

static vframe *frame_new(verifier *v, uint32_t cells)
{
    vframe *frame = take(v, frame_size(cells));
    if (frame) frame->cell_capacity = cells;
    return frame;
}

static void frame_free(verifier *v, vframe *frame)
{
    if (frame) give(v, frame, frame_size(frame->cell_capacity));
}

static void frame_copy(vframe *to, const vframe *from)
{
    uint32_t capacity = to->cell_capacity;
    memcpy(to, from, frame_size(from->cell_count));
    to->cell_capacity = capacity;
}

static bool is_empty(const vcell *cell) { return cell->mode == VCELL_DATA && cell->init == 0; }

static uint64_t used_cells(const vframe *frame)
{
    uint64_t used = 0;
    if (frame->packed) return frame->used;
    for (uint32_t c = 0; c < frame->cell_count; c++)
        if (!is_empty(&frame->cells[c])) used |= (uint64_t)1 << c;
    return used;
}

static void frame_pack(vframe *to, const vframe *from, uint64_t used)
{
    uint32_t capacity = to->cell_capacity, count = 0;
    memcpy(to, from, offsetof(vframe, cells));
    for (uint32_t c = 0; used >> c; c++) {
        if (used >> c & 1) to->cells[count++] = *vframe_cell(from, c);
        if (c + 1 == VCELLS) break;
    }
    to->cell_capacity = capacity;
    to->cell_count = count;
    to->packed = true;
    to->used = used;
}

static void frame_unpack(vframe *to, const vframe *from)
{
    uint32_t capacity = to->cell_capacity, span = vframe_span(from);
    memcpy(to, from, offsetof(vframe, cells));
    for (uint32_t c = 0; c < span; c++) to->cells[c] = *vframe_cell(from, c);
    to->cell_capacity = capacity;
    to->cell_count = span;
    to->packed = false;
    to->used = 0;
}

const vcell *vframe_cell(const vframe *frame, uint32_t c)
{
    static const vcell empty;
    if (!frame->packed) return c < frame->cell_count ? &frame->cells[c] : &empty;
    if (!(frame->used >> c & 1)) return &empty;
    return &frame->cells[PST_POPCOUNT64(frame->used & (((uint64_t)1 << c) - 1))];
}

uint32_t vframe_span(const vframe *frame)
{
    if (!frame->packed) return frame->cell_count;
    return frame->used ? 64 - (uint32_t)PST_CLZ64(frame->used) : 0;
}

vstate *vstate_new(verifier *v)
{
    vstate *s = take(v, sizeof *s);
    if (!s) return NULL;
    memset(s, 0, sizeof *s);
    s->next_id = 1;
    s->origin = VFLOW_NONE;
    const pst_scalar length = vsym_length();
    while (s->sym_count < VSYM_FIRST) {
        if (!grow(v, &s->syms, &s->sym_capacity, s->sym_count, sizeof *s->syms)) {
            vstate_free(v, s);
            return NULL;
        }
        s->syms[s->sym_count++] = length;
    }
    return s;
}

void vstate_free(verifier *v, vstate *s)
{
    if (!s) return;
    for (uint32_t i = 0; i < PST_FRAMES_MAX; i++) frame_free(v, s->frames[i]);
    give(v, s->syms, s->sym_capacity * sizeof *s->syms);
    give(v, s->objs, s->obj_capacity * sizeof *s->objs);
    give(v, s->rels, s->rel_capacity * sizeof *s->rels);
    give(v, s->ghosts, s->ghost_capacity * sizeof *s->ghosts);
    give(v, s, sizeof *s);
}

// A copy of an array with just the room it needs; false: no memory. An empty one is NULL.
static bool copy_trimmed(verifier *v, void *to_ptr, uint32_t *capacity, const void *from, uint32_t count, size_t size)
{
    void *block = NULL;
    if (count) {
        block = take(v, count * size);
        if (!block) return false;
        memcpy(block, from, count * size);
    }
    memcpy(to_ptr, &block, sizeof block);
    *capacity = count;
    return true;
}

static vstate *copy(verifier *v, const vstate *s, bool pack)
{
    vstate *to = take(v, sizeof *to);
    if (!to) return NULL;
    *to = *s;
    memset(to->frames, 0, sizeof to->frames);
    to->syms = NULL, to->objs = NULL, to->rels = NULL, to->ghosts = NULL;
    to->sym_capacity = to->obj_capacity = to->rel_capacity = to->ghost_capacity = 0;
    memset(to->differs, 0, sizeof to->differs);
    bool done = copy_trimmed(v, &to->syms, &to->sym_capacity, s->syms, s->sym_count, sizeof *s->syms) &&
                copy_trimmed(v, &to->objs, &to->obj_capacity, s->objs, s->obj_count, sizeof *s->objs) &&
                copy_trimmed(v, &to->rels, &to->rel_capacity, s->rels, s->rel_count, sizeof *s->rels) &&
                copy_trimmed(v, &to->ghosts, &to->ghost_capacity, s->ghosts, s->ghost_count, sizeof *s->ghosts);
    for (uint32_t i = 0; done && i < s->frame_count; i++) {
        uint64_t used = pack ? used_cells(s->frames[i]) : 0;
        to->frames[i] = frame_new(v, pack ? (uint32_t)PST_POPCOUNT64(used) : s->frames[i]->cell_count);
        done = to->frames[i] != NULL;
        if (done && pack) frame_pack(to->frames[i], s->frames[i], used);
        else if (done) frame_copy(to->frames[i], s->frames[i]);
    }
    if (done) return to;
    vstate_free(v, to);
    return NULL;
}

vstate *vstate_clone(verifier *v, const vstate *s) { return copy(v, s, false); }

vstate *vstate_pack(verifier *v, const vstate *s) { return copy(v, s, true); }

// Copies count elements over what *array holds, which keeps its room.
static bool copy_over(verifier *v, void *to_ptr, uint32_t *capacity, const void *from, uint32_t count, size_t size)
{
    void *block;
    memcpy(&block, to_ptr, sizeof block);
    if (count > *capacity) {
        void *more = take(v, count * size);
        if (!more) return false;
        give(v, block, *capacity * size);
        memcpy(to_ptr, &more, sizeof more);
        *capacity = count;
        block = more;
    }
    if (count) memcpy(block, from, count * size);
    return true;
}

bool vstate_assign(verifier *v, vstate *to, const vstate *s)
{
    vstate old = *to;
    *to = *s;
    memcpy(to->frames, old.frames, sizeof old.frames);
    to->syms = old.syms, to->sym_capacity = old.sym_capacity;
    to->objs = old.objs, to->obj_capacity = old.obj_capacity;
    to->rels = old.rels, to->rel_capacity = old.rel_capacity;
    to->ghosts = old.ghosts, to->ghost_capacity = old.ghost_capacity;
    if (!copy_over(v, &to->syms, &to->sym_capacity, s->syms, s->sym_count, sizeof *s->syms) ||
        !copy_over(v, &to->objs, &to->obj_capacity, s->objs, s->obj_count, sizeof *s->objs) ||
        !copy_over(v, &to->rels, &to->rel_capacity, s->rels, s->rel_count, sizeof *s->rels) ||
        !copy_over(v, &to->ghosts, &to->ghost_capacity, s->ghosts, s->ghost_count, sizeof *s->ghosts))
        return false;
    for (uint32_t i = 0; i < s->frame_count; i++) {
        if (to->frames[i] && to->frames[i]->cell_capacity < VCELLS) {
            frame_free(v, to->frames[i]);
            to->frames[i] = NULL;
        }
        if (!to->frames[i]) to->frames[i] = frame_new(v, VCELLS);
        if (!to->frames[i]) return false;
        if (s->frames[i]->packed) frame_unpack(to->frames[i], s->frames[i]);
        else frame_copy(to->frames[i], s->frames[i]);
    }
    return true;
}

vframe *vstate_push_frame(verifier *v, vstate *s)
{
    vframe **at = &s->frames[s->frame_count];
    if (*at && (*at)->cell_capacity < VCELLS) {
        frame_free(v, *at);
        *at = NULL;
    }
    if (!*at) *at = frame_new(v, VCELLS);
    if (!*at) return NULL;
    memset(*at, 0, offsetof(vframe, cell_capacity));
    s->frame_count++;
    return *at;
}

// Keeps the frame's memory: states that are stepped call again.
void vstate_pop_frame(verifier *v, vstate *s)
{
    (void)v;
    uint32_t gone = --s->frame_count, kept = 0;
    for (uint32_t i = 0; i < s->ghost_count; i++)
        if (s->ghosts[i].frame != gone) s->ghosts[kept++] = s->ghosts[i];
    s->ghost_count = kept;
}

vghost *vghost_find(vstate *s, uint32_t frame, uint32_t loop)
{
    for (uint32_t i = 0; i < s->ghost_count; i++)
        if (s->ghosts[i].frame == frame && s->ghosts[i].loop == loop) return &s->ghosts[i];
    return NULL;
}

void vghost_remove(vstate *s, uint32_t frame, uint32_t loop)
{
    vghost *ghost = vghost_find(s, frame, loop);
    if (ghost) *ghost = s->ghosts[--s->ghost_count];
}

// A count that nothing bounds is not a count any more once it may wrap; its interval then has no bound either.
void vghost_count(vghost *ghost)
{
    ghost->up.off = (int64_t)((uint64_t)ghost->up.off + 1);
    ghost->down.off = (int64_t)((uint64_t)ghost->down.off - 1);
}

bool vghost_add(verifier *v, vstate *s, const vghost *ghost)
{
    if (!grow(v, &s->ghosts, &s->ghost_capacity, s->ghost_count, sizeof *s->ghosts)) return false;
    s->ghosts[s->ghost_count++] = *ghost;
    return true;
}

void vrel_push(verifier *v, vstate *s, const vrel *rel)
{
    if (!grow(v, &s->rels, &s->rel_capacity, s->rel_count, sizeof *s->rels)) return;
    s->rels[s->rel_count++] = *rel;
}

// --- Values ---------------------------------------------------------------------------------------------------

uint32_t vsym_new(verifier *v, vstate *s, const pst_scalar *scalar)
{
    if (!grow(v, &s->syms, &s->sym_capacity, s->sym_count, sizeof *s->syms)) return 0;
    s->syms[s->sym_count] = *scalar;
    return s->sym_count++;
}

vvalue vvalue_number(verifier *v, vstate *s, const pst_scalar *scalar)
{
    if (pst_scalar_is_const(scalar)) return vvalue_const(scalar->umin);
    if (pst_scalar_is_top(scalar)) return vvalue_any();
    uint32_t sym = vsym_new(v, s, scalar);
    if (!sym) return vvalue_any(); // knows less
    return (vvalue){.kind = V_NUMBER, .sym = sym};
}

pst_scalar vsym_scalar(const vstate *s, uint32_t sym)
{
    if (sym == VSYM_NONE) return pst_scalar_const(0);
    if (sym == VSYM_ANY) return PST_SCALAR_TOP;
    return s->syms[sym];
}

pst_scalar vvalue_scalar(const vstate *s, const vvalue *a)
{
    if (a->sym == VSYM_NONE) return pst_scalar_const((uint64_t)a->off);
    if (a->sym == VSYM_ANY) return PST_SCALAR_TOP;
    return a->off ? pst_scalar_add_const(&s->syms[a->sym], a->off) : s->syms[a->sym];
}

bool vstate_own(verifier *v, vstate *s, vvalue *a)
{
    if (a->sym != VSYM_ANY) return true;
    uint32_t sym = vsym_new(v, s, &PST_SCALAR_TOP);
    if (!sym) return false;
    a->sym = sym;
    a->off = 0;
    return true;
}

bool vvalue_refine(vstate *s, const vvalue *a, const pst_scalar *scalar)
{
    if (a->sym == VSYM_ANY) return true;
    if (a->sym == VSYM_NONE) return pst_scalar_has(scalar, (uint64_t)a->off);
    pst_scalar moved = a->off ? pst_scalar_add_const(scalar, (int64_t)(0 - (uint64_t)a->off)) : *scalar, met;
    if (!pst_scalar_meet(&s->syms[a->sym], &moved, &met)) return false;
    if (pst_scalar_equal(&met, &s->syms[a->sym])) return true;
    s->syms[a->sym] = met;
    return vrel_propagate(s, a->sym);
}

// --- Objects --------------------------------------------------------------------------------------------------

uint16_t vobj_new(verifier *v, vstate *s, const vobj *like)
{
    uint32_t at = 0;
    while (at < s->obj_count && s->objs[at].kind != VO_FREE) at++;
    if (at == s->obj_count) {
        if (at == UINT16_MAX || !grow(v, &s->objs, &s->obj_capacity, s->obj_count, sizeof *s->objs)) return UINT16_MAX;
        s->obj_count++;
    }
    s->objs[at] = *like;
    s->objs[at].id = s->next_id++;
    return (uint16_t)at;
}

uint16_t vobj_direct(verifier *v, vstate *s, uint32_t map)
{
    for (uint32_t i = 0; i < s->obj_count; i++)
        if (s->objs[i].kind == VO_MAP_VALUE && (s->objs[i].flags & VOBJ_DIRECT) && s->objs[i].map == map) return (uint16_t)i;
    const pst_map_view *view = v->image->maps[map];
    vobj like = {.kind = VO_MAP_VALUE, .map = (uint16_t)map, .flags = VOBJ_DIRECT, .size = view->value_size, .view = view,
                 .records = view->records, .record_count = view->record_count};
    return vobj_new(v, s, &like);
}

bool vobj_alike(const vobj *a, const vobj *b)
{
    return a->kind == b->kind && a->dynptr == b->dynptr && a->map == b->map && a->size == b->size && a->type_id == b->type_id &&
           a->view == b->view && a->desc == b->desc && a->records == b->records && a->type_name == b->type_name && a->frame == b->frame &&
           a->slot == b->slot;
}

vobj *vobj_by_id(vstate *s, uint32_t id)
{
    for (uint32_t i = 0; i < s->obj_count; i++)
        if (s->objs[i].kind != VO_FREE && s->objs[i].id == id) return &s->objs[i];
    return NULL;
}

typedef struct null_walk {
    uint16_t obj;
} null_walk;

static void make_null(void *user, vvalue *value)
{
    const null_walk *walk = user;
    if (value->kind == V_PTR && value->obj == walk->obj) *value = vvalue_const(0);
}

void vobj_resolve_null(vstate *s, uint16_t obj, bool is_null)
{
    vobj *o = &s->objs[obj];
    o->flags &= ~VOBJ_MAYBE_NULL;
    if (!is_null || VPLANT(8)) return;
    null_walk walk = {obj};
    vstate_each_value(s, make_null, &walk);
    o->kind = VO_FREE; // a reference to nothing need not be given back
}

typedef struct kill_walk {
    const vstate *s;
    bool strict, packets;
} kill_walk;

static vvalue dead_value(bool strict) { return strict ? (vvalue){.kind = V_UNINIT} : vvalue_any(); }

// Objects that are being killed are marked by size UINT32_MAX and kind VO_REF.
static bool is_doomed(const vobj *o) { return o->kind == VO_REF && o->size == UINT32_MAX; }

static void kill_value(void *user, vvalue *value)
{
    const kill_walk *walk = user;
    bool packet = value->kind == V_PACKET || value->kind == V_META || value->kind == V_PACKET_END;
    if ((packet && walk->packets) || (value->kind == V_PTR && is_doomed(&walk->s->objs[value->obj]))) *value = dead_value(walk->strict);
}

static void clear_doomed_cells(vstate *s)
{
    for (uint32_t f = 0; f < s->frame_count; f++)
        for (uint32_t c = 0; c < s->frames[f]->cell_count; c++) {
            vcell *cell = &s->frames[f]->cells[c];
            if (cell->mode == VCELL_SPECIAL && is_doomed(&s->objs[cell->obj])) memset(cell, 0, sizeof *cell);
        }
}

static void doom(vobj *o)
{
    o->kind = VO_REF;
    o->size = UINT32_MAX;
}

// Kills the objects that are doomed, and those that die with them.
static void finish_kill(verifier *v, vstate *s, bool packets)
{
    for (bool more = true; more;) {
        more = false;
        for (uint32_t i = 0; i < s->obj_count; i++) {
            if (!is_doomed(&s->objs[i])) continue;
            for (uint32_t j = 0; j < s->obj_count; j++) {
                vobj *o = &s->objs[j];
                if (o->kind == VO_FREE || is_doomed(o) || o->parent != s->objs[i].id) continue;
                doom(o);
                more = true;
            }
        }
    }
    kill_walk walk = {s, v->strict, packets};
    if (!VPLANT(7)) vstate_each_value(s, kill_value, &walk);
    clear_doomed_cells(s);
    for (uint32_t i = 0; i < s->obj_count; i++)
        if (is_doomed(&s->objs[i])) s->objs[i].kind = VO_FREE;
}

void vobj_kill(verifier *v, vstate *s, uint32_t id)
{
    for (uint32_t i = 0; i < s->obj_count; i++) {
        vobj *o = &s->objs[i];
        if (o->kind != VO_FREE && (o->id == id || (id && !VPLANT(27) && (o->parent == id || o->ref == id)))) doom(o);
    }
    finish_kill(v, s, false);
}

// --- Packets --------------------------------------------------------------------------------------------------

typedef struct rename_walk {
    uint32_t from, to;
    bool used;
} rename_walk;

static void rename_number(void *user, vvalue *value)
{
    rename_walk *walk = user;
    if (value->kind == V_UNINIT || value->sym != walk->from) return;
    walk->used = true;
    if (walk->to) value->sym = walk->to;
}

// Numbers that were measured by the old length keep it under a name of their own.
static void renew_length(verifier *v, vstate *s, uint32_t length)
{
    rename_walk walk = {.from = length};
    vstate_each_value(s, rename_number, &walk);
    for (uint32_t i = 0; i < s->ghost_count; i++) {
        rename_number(&walk, &s->ghosts[i].up);
        rename_number(&walk, &s->ghosts[i].down);
    }
    if (walk.used) {
        pst_scalar known = s->syms[length];
        walk.to = vsym_new(v, s, &known);
        if (!walk.to) walk.to = VSYM_ANY; // knows less; offsets with it are unbounded
        vstate_each_value(s, rename_number, &walk);
        for (uint32_t i = 0; i < s->ghost_count; i++) {
            rename_number(&walk, &s->ghosts[i].up);
            rename_number(&walk, &s->ghosts[i].down);
        }
        for (uint32_t i = 0; walk.to != VSYM_ANY && i < s->rel_count; i++) {
            if (s->rels[i].a == length) s->rels[i].a = walk.to;
            if (s->rels[i].b == length) s->rels[i].b = walk.to;
        }
    }
    vrel_drop(v, s, length);
    s->syms[length] = pst_scalar_range(0, VPACKET_MAX);
}

void vstate_packet_moved(verifier *v, vstate *s)
{
    if (VPLANT(6)) return;
    for (uint32_t i = 0; i < s->obj_count; i++)
        if (s->objs[i].kind != VO_FREE && (s->objs[i].flags & VOBJ_SLICE_OF_PACKET) && !VPLANT(36)) doom(&s->objs[i]);
    finish_kill(v, s, true);
    renew_length(v, s, VSYM_PACKET);
    renew_length(v, s, VSYM_META);
}

// --- Registers and cells --------------------------------------------------------------------------------------------

vvalue vreg(const vstate *s, unsigned reg)
{
    if (reg == PST_REG_FP) return (vvalue){.kind = V_STACK, .obj = (uint16_t)(s->frame_count - 1)};
    return vstate_frame(s)->regs[reg];
}

void vreg_set(vstate *s, unsigned reg, vvalue value) { vstate_frame(s)->regs[reg] = value; }

vcell *vstack_cell(vstate *s, uint32_t frame, uint32_t slot)
{
    vframe *f = s->frames[frame];
    if (slot >= f->cell_count) {
        memset(&f->cells[f->cell_count], 0, (slot + 1 - f->cell_count) * sizeof(vcell));
        f->cell_count = slot + 1;
    }
    if (f->parked) f->written |= (uint64_t)1 << slot;
    return &f->cells[slot];
}
