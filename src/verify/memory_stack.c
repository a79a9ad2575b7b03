// memory_stack.c: loads from and stores to stack frames.
//
// A frame is 64 cells of 8 bytes (state.h). Numbers are kept where they start at byte 0 or 4 of a cell, pointers whole; of other bytes it is known
// whether they are initialised and whether they are 0. A store at an offset that is not one number weakens whatever it may touch.
// Source: Linux's check_stack_read, check_stack_write and check_stack_range_initialized.
#include <string.h>

#include "base/bits.h"
#include "verify/memory.h"
#include "verify/summary.h"

#define ALL_BYTES 0xffu

// --- One cell ----------------------------------------------------------------------------------------------------------

// Byte n of the frame (negative) is byte n & 7 of this slot.
static uint32_t slot_of(int64_t off) { return (uint32_t)(-off - 1) / 8; }
static unsigned byte_of(int64_t off) { return (unsigned)((uint64_t)off & 7); }

// Bytes of the slot that lie in [lo, hi).
static unsigned mask_of(uint32_t slot, int64_t lo, int64_t hi)
{
    int64_t start = -8 * ((int64_t)slot + 1);
    unsigned mask = ALL_BYTES;
    if (lo > start) mask &= ALL_BYTES << (lo - start);
    if (hi < start + 8) mask &= ALL_BYTES >> (start + 8 - hi);
    return mask & ALL_BYTES;
}

static unsigned part_mask(unsigned at, unsigned size) { return ((1u << size) - 1) << at; }

// Bytes of a number of size bytes that are known to be 0.
static unsigned zero_bytes_of(const vstate *s, const vvalue *value, unsigned size)
{
    if (value->kind != V_NUMBER) return 0;
    pst_scalar scalar = vvalue_scalar(s, value);
    uint64_t maybe = scalar.bits.value | scalar.bits.mask;
    unsigned zero = 0;
    for (unsigned i = 0; i < size; i++)
        if ((maybe >> 8 * i & 0xff) == 0) zero |= 1u << i;
    return zero;
}

static unsigned cell_zeros(const vstate *s, const vcell *cell)
{
    unsigned zero = cell->zero;
    if (cell->lo_size) zero |= zero_bytes_of(s, &cell->lo, cell->lo_size);
    if (cell->hi_size) zero |= zero_bytes_of(s, &cell->hi, cell->hi_size) << 4;
    return zero;
}

static bool holds_pointer(const vcell *cell) { return cell->lo_size == 8 && vvalue_is_pointer(&cell->lo); }

static bool is_address(const vvalue *value) { return vvalue_is_pointer(value) || (value->flags & VVALUE_CAST); }

// Bytes mask are about to change: of a number that has some of them, the others stay initialised, and known where they are 0. What is left of an
// address is none that a program may read.
static void cell_forget(const vstate *s, vcell *cell, unsigned mask)
{
    if (cell->lo_size && is_address(&cell->lo) && (part_mask(0, cell->lo_size) & mask)) cell->init = (uint8_t)(cell->init & ~part_mask(0, cell->lo_size));
    if (cell->hi_size && is_address(&cell->hi) && (part_mask(4, cell->hi_size) & mask)) cell->init = (uint8_t)(cell->init & ~part_mask(4, cell->hi_size));
    if (cell->lo_size && (part_mask(0, cell->lo_size) & mask)) {
        cell->zero = (uint8_t)(cell->zero | zero_bytes_of(s, &cell->lo, cell->lo_size));
        cell->lo_size = 0;
        memset(&cell->lo, 0, sizeof cell->lo);
    }
    if (cell->hi_size && (part_mask(4, cell->hi_size) & mask)) {
        cell->zero = (uint8_t)(cell->zero | zero_bytes_of(s, &cell->hi, cell->hi_size) << 4);
        cell->hi_size = 0;
        memset(&cell->hi, 0, sizeof cell->hi);
    }
    cell->zero = (uint8_t)(cell->zero & ~mask);
}

// The bits [shift, shift + bits) of a number, extended to 64. Shares the symbol where that is the number itself.
static vvalue number_part(verifier *v, vstate *s, const vvalue *value, unsigned shift, unsigned bits, bool is_signed)
{
    pst_scalar scalar = vvalue_scalar(s, value);
    if (shift == 0 && (bits == 64 || (!is_signed && scalar.umax <= pst_mask(bits)))) return *value;
    if (shift == 0 && is_signed) {
        int64_t top = (int64_t)pst_mask(bits - 1);
        if (scalar.smin >= -top - 1 && scalar.smax <= top) return *value;
    }
    if (shift) {
        pst_scalar count = pst_scalar_const(shift);
        scalar = pst_scalar_alu(PST_SCALAR_RSH, 64, &scalar, &count);
    }
    scalar = pst_scalar_extend(&scalar, bits, is_signed);
    vvalue part = vvalue_number(v, s, &scalar);
    part.flags = value->flags;
    return part;
}

// Writes size bytes of value at byte at; NULL: unknown bytes. A pointer fills the cell.
static void cell_store(verifier *v, vstate *s, vcell *cell, unsigned at, unsigned size, const vvalue *value)
{
    unsigned mask = part_mask(at, size);
    cell_forget(s, cell, mask);
    cell->init = (uint8_t)(cell->init | mask);
    if (!value) return;
    if (at != 0 && at != 4) {
        cell->zero = (uint8_t)(cell->zero | zero_bytes_of(s, value, size) << at);
        return;
    }
    vvalue part = vvalue_is_pointer(value) ? *value : number_part(v, s, value, 0, size * 8, false);
    if (at == 0) {
        cell->lo = part;
        cell->lo_size = (uint8_t)size;
    } else {
        cell->hi = part;
        cell->hi_size = (uint8_t)size;
    }
}

// A value that died (its object was released): as if its bytes had never been written.
static bool holds_dead(const vcell *cell, unsigned mask)
{
    return (cell->lo_size && cell->lo.kind == V_UNINIT && (part_mask(0, cell->lo_size) & mask)) ||
           (cell->hi_size && cell->hi.kind == V_UNINIT && (part_mask(4, cell->hi_size) & mask));
}

static vvalue cell_value(verifier *v, vstate *s, vcell *cell, unsigned at, const vaccess *a)
{
    unsigned size = (unsigned)a->size, bits = size * 8, mask = part_mask(at, size), zeros = cell_zeros(s, cell);
    if (holds_dead(cell, mask)) return vmem_unknown(v, s, a);
    if ((zeros & mask) == mask) return vvalue_const(0);
    // A number and zeros above it are the number.
    unsigned rest_lo = mask & ~part_mask(0, cell->lo_size), rest_hi = mask & ~part_mask(4, cell->hi_size);
    if (cell->lo_size > at && (zeros & rest_lo) == rest_lo) {
        if (!vstate_own(v, s, &cell->lo)) return vmem_unknown(v, s, a);
        bool sign = a->is_signed && (!rest_lo || VPLANT(11)); // zeros above: no sign to extend
        return number_part(v, s, &cell->lo, at * 8, rest_lo ? (cell->lo_size - at) * 8u : bits, sign);
    }
    if (at >= 4 && cell->hi_size > at - 4 && (zeros & rest_hi) == rest_hi) {
        if (!vstate_own(v, s, &cell->hi)) return vmem_unknown(v, s, a);
        bool sign = a->is_signed && !rest_hi;
        return number_part(v, s, &cell->hi, (at - 4) * 8, rest_hi ? (cell->hi_size - (at - 4)) * 8u : bits, sign);
    }
    if (size == 8 && cell->lo_size == 4 && cell->hi_size == 4 && vvalue_is_const(&cell->lo) && vvalue_is_const(&cell->hi))
        return vvalue_const((uint64_t)cell->lo.off | (uint64_t)cell->hi.off << 32);
    return vmem_unknown(v, s, a);
}

// --- Special cells -----------------------------------------------------------------------------------------------------

static vstep refuse_special(verifier *v, const vaccess *a, const vobj *obj)
{
    const char *verb = a->write ? "overwritten" : "read";
    if (obj->kind == VO_ITER) return vreject(v, PST_FINDING_ITERATOR, (int)a->reg, "the iterator on the stack at r%u may not be %s", a->reg, verb);
    if (obj->kind == VO_IRQ) return vreject(v, PST_FINDING_LOCK, (int)a->reg, "the saved interrupt flags at r%u may not be %s", a->reg, verb);
    return vreject(v, PST_FINDING_DYNPTR, (int)a->reg, "the dynptr on the stack at r%u may not be %s%s", a->reg, verb,
                   a->write && !a->is_argument ? " while it holds a reference" : "");
}

// The dynptr, iterator or saved flags that the slot belongs to; UINT16_MAX: none. The objects are asked, not the cell: a cell that nothing reads
// before it is overwritten is dropped at the head of a block, and the object that it was a part of may live on.
static uint16_t special_in(const vstate *s, uint32_t frame, uint32_t slot)
{
    for (uint32_t i = 0; i < s->obj_count; i++) {
        const vobj *obj = &s->objs[i];
        uint32_t slots = obj->kind == VO_DYNPTR ? 2 : obj->kind == VO_ITER ? obj->size / 8 : obj->kind == VO_IRQ ? 1 : 0;
        if (slots && obj->frame == frame && slot <= obj->slot && slot + slots > obj->slot) return (uint16_t)i;
    }
    return UINT16_MAX;
}

// A store over a dynptr that holds nothing makes it none, as on Linux; its slices die with it.
static vstep break_special(verifier *v, vstate *s, const vaccess *a, uint32_t slot)
{
    uint16_t index = special_in(s, a->ptr.obj, slot);
    if (index == UINT16_MAX) return VSTEP_NEXT;
    const vobj *obj = &s->objs[index];
    bool is_held = obj->kind != VO_DYNPTR || obj->ref || (obj->flags & VOBJ_MUST_RELEASE) || obj->dynptr == VDYN_RINGBUF || obj->dynptr == VDYN_FILE;
    if (is_held) return refuse_special(v, a, obj);
    vframe *frame = s->frames[a->ptr.obj];
    for (uint32_t i = 0; i < frame->cell_count; i++)
        if (frame->cells[i].mode == VCELL_SPECIAL && frame->cells[i].obj == index) memset(&frame->cells[i], 0, sizeof frame->cells[i]);
    vobj_kill(v, s, obj->id);
    return VSTEP_NEXT;
}

// --- Bounds ------------------------------------------------------------------------------------------------------------

static vstep refuse_variable(verifier *v, const vstate *s, const vaccess *a)
{
    vreject(v, PST_FINDING_BOUNDS, (int)a->reg, "r%u is a stack pointer whose offset is not one known number, which is not allowed here", a->reg);
    vknown(v, s, &a->ptr);
    vhint(v, "keep arrays that are indexed by variables in a map");
    return VSTEP_REJECT;
}

// The access is inside its frame, from [*lo, *hi] on; the frame's depth grows to it.
static vstep check_bounds(verifier *v, vstate *s, const vaccess *a, int64_t *lo, int64_t *hi)
{
    vmem_range(s, &a->ptr, lo, hi);
    if (*lo != *hi && v->strict) return refuse_variable(v, s, a);
    if (*lo < -PST_FRAME_BYTES || *lo >= 0 || *hi >= 0 || a->size > (uint64_t)-*hi) {
        vreject(v, PST_FINDING_BOUNDS, (int)a->reg, "%s may leave the stack frame at r%u", a->is_argument ? "the call" : a->write ? "the store" : "the load",
                a->reg);
        vneeded(v, "%llu bytes between r10-%d and r10", (unsigned long long)a->size, PST_FRAME_BYTES);
        vknown(v, s, &a->ptr);
        if (*lo != *hi) vhint(v, "compare the index with its limit first, or mask it");
        else if (a->is_argument) vhint(v, "the call accesses %llu bytes there: give it as many, or limit the size where it takes one", (unsigned long long)a->size);
        else vhint(v, "a frame has %d bytes: keep large objects in a map of one element", PST_FRAME_BYTES);
        return VSTEP_REJECT;
    }
    vframe *frame = s->frames[a->ptr.obj];
    uint32_t depth = (uint32_t)-*lo;
    if (frame->depth_bytes < depth) frame->depth_bytes = depth;
    if (frame->parked) vsummary_note_depth(v, s, a->ptr.obj, depth);
    else if (v->sub_stack && v->sub_stack[frame->subprog] < depth) v->sub_stack[frame->subprog] = depth;
    return VSTEP_NEXT;
}

static vstep refuse_uninitialised(verifier *v, const vaccess *a, int64_t at)
{
    vreject(v, PST_FINDING_UNINITIALISED, (int)a->reg, "the stack byte at r10%lld is read, but was never written", (long long)at);
    vhint(v, "initialise the whole object, padding included ('= {0}' or memset)");
    return VSTEP_REJECT;
}

// An address of which bytes would be read as a number; NULL: none. A plain load of all of a number that tells one yields just that number.
static const vvalue *address_in(const verifier *v, const vaccess *a, const vcell *cell, unsigned mask)
{
    unsigned lo = part_mask(0, cell->lo_size), hi = part_mask(4, cell->hi_size);
    bool is_plain = !a->is_argument && !a->is_atomic;
    if ((lo & mask) && vmem_leaks(v, &cell->lo) && (vvalue_is_pointer(&cell->lo) || !is_plain || lo != mask)) return &cell->lo;
    if ((hi & mask) && vmem_leaks(v, &cell->hi) && (vvalue_is_pointer(&cell->hi) || !is_plain || hi != mask)) return &cell->hi;
    return NULL;
}

// Each byte of [lo, hi) may be read as a number. *zeros: all of them are 0.
static vstep check_readable(verifier *v, vstate *s, const vaccess *a, int64_t lo, int64_t hi, bool *zeros)
{
    const vframe *frame = s->frames[a->ptr.obj];
    *zeros = true;
    for (uint32_t first = slot_of(hi - 1), slot = slot_of(lo) + 1; slot-- > first;) { // the lowest address first
        unsigned mask = mask_of(slot, lo, hi);
        int64_t start = -8 * ((int64_t)slot + 1);
        if (slot >= frame->cell_count) {
            *zeros = false;
            if (v->strict) return refuse_uninitialised(v, a, start + PST_CTZ64(mask));
            continue;
        }
        const vcell *cell = &frame->cells[slot];
        if (cell->mode == VCELL_SPECIAL) return refuse_special(v, a, &s->objs[cell->obj]);
        if (v->strict && (mask & ~cell->init)) return refuse_uninitialised(v, a, start + PST_CTZ64(mask & ~(unsigned)cell->init));
        if (v->strict && holds_dead(cell, mask)) return refuse_uninitialised(v, a, start + PST_CTZ64(mask));
        const vvalue *address = address_in(v, a, cell, mask);
        if (address) {
            vreject(v, PST_FINDING_POINTER_LEAK, (int)a->reg, "the stack at r10%lld holds a pointer, which would be read as a number", (long long)start);
            vknown(v, s, address);
            return VSTEP_REJECT;
        }
        if ((cell_zeros(s, cell) & mask) != mask) *zeros = false;
    }
    return VSTEP_NEXT;
}

// --- Loads -------------------------------------------------------------------------------------------------------------

static vstep load_variable(verifier *v, vstate *s, const vaccess *a, int64_t lo, int64_t hi, vvalue *out)
{
    bool zeros;
    if (!out) return refuse_variable(v, s, a);
    vstep step = check_readable(v, s, a, lo, hi + (int64_t)a->size, &zeros);
    if (step == VSTEP_NEXT) *out = zeros ? vvalue_const(0) : vmem_unknown(v, s, a);
    return step;
}

vstep vstack_load(verifier *v, vstate *s, const vaccess *a, vvalue *out)
{
    int64_t lo, hi;
    vstep step = check_bounds(v, s, a, &lo, &hi);
    if (step != VSTEP_NEXT) return step;
    if (lo != hi) return load_variable(v, s, a, lo, hi, out);
    vframe *frame = s->frames[a->ptr.obj];
    uint32_t slot = slot_of(lo);
    if (slot < frame->cell_count && holds_pointer(&frame->cells[slot]) && frame->cells[slot].mode == VCELL_DATA) {
        const vcell *cell = &frame->cells[slot];
        if (a->size != 8) {
            vreject(v, PST_FINDING_TYPE, (int)a->reg, "%llu bytes of the pointer on the stack at r10%lld are loaded: a pointer is loaded whole or not at all",
                    (unsigned long long)a->size, (long long)-8 * ((long long)slot + 1));
            vknown(v, s, &cell->lo);
            return VSTEP_REJECT;
        }
        if (out) {
            *out = cell->lo;
            return VSTEP_NEXT;
        }
    }
    bool zeros;
    step = check_readable(v, s, a, lo, lo + (int64_t)a->size, &zeros);
    if (step != VSTEP_NEXT || !out) return step;
    if (slot >= frame->cell_count) *out = vmem_unknown(v, s, a);
    else *out = cell_value(v, s, &frame->cells[slot], byte_of(lo), a);
    return VSTEP_NEXT;
}

// --- Stores ------------------------------------------------------------------------------------------------------------

// One of the places in [lo, hi) is written, nobody knows which: what was known there is not known any more.
static vstep weaken(verifier *v, vstate *s, const vaccess *a, int64_t lo, int64_t hi, bool is_zero)
{
    for (uint32_t slot = slot_of(hi - 1), last = slot_of(lo); slot <= last; slot++) {
        vstep step = break_special(v, s, a, slot);
        if (step != VSTEP_NEXT) return step;
        if (s->frames[a->ptr.obj]->parked && !VPLANT(35)) s->frames[a->ptr.obj]->written |= (uint64_t)1 << slot;
        if (slot >= s->frames[a->ptr.obj]->cell_count) continue;
        vcell *cell = &s->frames[a->ptr.obj]->cells[slot];
        unsigned mask = mask_of(slot, lo, hi), zeros = is_zero ? cell_zeros(s, cell) & mask : 0;
        if (zeros == mask || VPLANT(10)) continue; // 0 over 0
        cell_forget(s, cell, mask & ~zeros);
        cell->zero = (uint8_t)(cell->zero | (zeros & ~(part_mask(0, cell->lo_size) | part_mask(4, cell->hi_size))));
    }
    return VSTEP_NEXT;
}

static vstep store_pointer_check(verifier *v, const vstate *s, const vaccess *a, const vvalue *value)
{
    if (a->size != 8) {
        vreject(v, PST_FINDING_TYPE, (int)a->reg, "%llu bytes of a pointer are stored to the stack: a pointer is stored whole", (unsigned long long)a->size);
        vknown(v, s, value);
        return VSTEP_REJECT;
    }
    if (value->kind == V_STACK && a->ptr.obj != s->frame_count - 1) {
        vreject(v, PST_FINDING_TYPE, (int)a->reg, "a pointer to the stack is stored in a frame of a caller, which may outlive it");
        vknown(v, s, value);
        return VSTEP_REJECT;
    }
    return VSTEP_NEXT;
}

vstep vstack_store(verifier *v, vstate *s, const vaccess *a, const vvalue *value)
{
    int64_t lo, hi;
    vstep step = check_bounds(v, s, a, &lo, &hi);
    if (step != VSTEP_NEXT) return step;
    if (lo != hi) return weaken(v, s, a, lo, hi + (int64_t)a->size, value && vmem_is_null(s, value));
    uint32_t slot = slot_of(lo);
    const vframe *frame = s->frames[a->ptr.obj];
    if (v->strict && a->size != 8 && slot < frame->cell_count && holds_pointer(&frame->cells[slot])) {
        vreject(v, PST_FINDING_POINTER_LEAK, (int)a->reg, "the store would overwrite a part of the pointer on the stack at r10%lld",
                (long long)-8 * ((long long)slot + 1));
        vknown(v, s, &frame->cells[slot].lo);
        return VSTEP_REJECT;
    }
    step = break_special(v, s, a, slot);
    if (step == VSTEP_NEXT && value && vvalue_is_pointer(value)) step = store_pointer_check(v, s, a, value);
    if (step != VSTEP_NEXT) return step;
    cell_store(v, s, vstack_cell(s, a->ptr.obj, slot), byte_of(lo), (unsigned)a->size, value);
    return VSTEP_NEXT;
}

// --- Arguments of calls ------------------------------------------------------------------------------------------------

void vstack_clobber(verifier *v, vstate *s, uint32_t frame, int64_t off, uint64_t size)
{
    (void)v;
    if (size == 0 || VPLANT(9)) return;
    int64_t end = off + (int64_t)size;
    for (uint32_t slot = slot_of(end - 1), last = slot_of(off); slot <= last; slot++) {
        vcell *cell = vstack_cell(s, frame, slot);
        unsigned mask = mask_of(slot, off, end);
        cell_forget(s, cell, mask);
        cell->init = (uint8_t)(cell->init | mask);
    }
}

// What a call fills may not hold a dynptr; where it makes one itself, one that holds nothing may have been.
static vstep check_fillable(verifier *v, vstate *s, const vaccess *a, int64_t lo, int64_t hi, bool makes_object)
{
    for (uint32_t slot = slot_of(hi - 1), last = slot_of(lo); slot <= last; slot++) {
        uint16_t index = special_in(s, a->ptr.obj, slot);
        if (index == UINT16_MAX) continue;
        if (!makes_object) return refuse_special(v, a, &s->objs[index]);
        vstep step = break_special(v, s, a, slot);
        if (step != VSTEP_NEXT) return step;
    }
    return VSTEP_NEXT;
}

vstep vstack_argument(verifier *v, vstate *s, const vaccess *a, bool exact, uint32_t access)
{
    int64_t lo, hi;
    vstep step = check_bounds(v, s, a, &lo, &hi);
    if (step != VSTEP_NEXT || a->size == 0) return step;
    int64_t end = hi + (int64_t)a->size;
    bool fills = (access & VMEM_UNINIT) && lo == hi && exact, zeros;
    step = fills ? check_fillable(v, s, a, lo, end, (access & VMEM_OBJECT) != 0) : check_readable(v, s, a, lo, end, &zeros);
    if (step != VSTEP_NEXT || !a->write) return step;
    if (fills || (lo == hi && v->strict)) {
        vstack_clobber(v, s, a->ptr.obj, lo, a->size);
        return VSTEP_NEXT;
    }
    return weaken(v, s, a, lo, end, false);
}
