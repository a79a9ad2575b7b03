// call_dynptr.c: what lies on the stack and is more than bytes: dynptrs, iterators, saved interrupt flags.
//
// Called by call_arg.c for the arguments and by call.c for what the call does. Such a thing is an object (VO_DYNPTR, VO_ITER, VO_IRQ) that says where it
// lies; its cells are VCELL_SPECIAL and name the object. memory_stack.c keeps programs from touching the cells; vobj_kill empties them again.
// Source: Linux's process_dynptr_func, process_iter_arg, process_irq_flag.
#include "verify/call.h"

#include <string.h>

#define DYNPTR_BYTES 16u
#define IRQ_BYTES 8u
#define FRAME_NONE UINT32_MAX // a constant dynptr: not on the stack

// The slot of the lowest byte that the pointer points to, if size bytes from there are aligned and on the stack.
static bool slot_of(const vstate *s, const vvalue *value, uint32_t size, uint32_t *slot)
{
    int64_t off = 0;
    if (value->kind != V_STACK || !vvalue_offset(s, value, &off)) return false;
    if ((off & 7) != 0 || off < -PST_FRAME_BYTES || off + (int64_t)size > 0) return false;
    *slot = (uint32_t)(-off / 8) - 1;
    return true;
}

// The object whose lowest slot this is, VOBJ_NONE.
static uint16_t special_at(const vstate *s, const vvalue *value, uint32_t slot, vobj_kind kind)
{
    const vframe *frame = s->frames[value->obj];
    if (slot >= frame->cell_count || frame->cells[slot].mode != VCELL_SPECIAL) return VOBJ_NONE;
    uint16_t index = frame->cells[slot].obj;
    const vobj *obj = &s->objs[index];
    return obj->kind == kind && obj->frame == value->obj && obj->slot == slot ? index : VOBJ_NONE;
}

static vstep reject_place(verifier *v, const vstate *s, const vcall_info *call, pst_finding_kind kind, unsigned reg, const char *what, uint32_t size)
{
    vvalue value = vreg(s, reg);
    vstep step = vreject(v, kind, (int)reg, "r%u of %s must point to the stack, where %s goes", reg, vcall_name(call), what);
    vneeded(v, "a constant offset that is a multiple of 8, with %u bytes of the frame behind it", size);
    vknown(v, s, &value);
    return step;
}

static vstep occupy(verifier *v, vstate *s, const vvalue *at, vobj like, uint32_t slot, uint32_t size, uint16_t *out)
{
    like.frame = at->obj;
    like.slot = slot;
    uint16_t index = vobj_new(v, s, &like);
    if (index == VOBJ_NONE) return vnomem(v);
    for (uint32_t i = 0; i < size / 8; i++) {
        vcell *cell = vstack_cell(s, at->obj, slot - i);
        memset(cell, 0, sizeof *cell);
        cell->mode = VCELL_SPECIAL;
        cell->init = 0xff;
        cell->obj = index;
    }
    *out = index;
    return VSTEP_NEXT;
}

static unsigned register_of(const vcall_info *call, pst_arg_kind kind)
{
    for (unsigned reg = 1; reg <= PST_ARGS_MAX; reg++)
        if (call->proto->args[reg - 1] == kind) return reg;
    return 0;
}

// --- Dynptrs --------------------------------------------------------------------------------------------------------------------

static vstep check_initialised(verifier *v, vstate *s, vcall_info *call, unsigned reg)
{
    vvalue value = vreg(s, reg);
    uint32_t slot = 0;
    uint16_t index = VOBJ_NONE;
    int64_t off = 0;
    if (vobj_if(s, &value, VO_DYNPTR) != NULL) index = vvalue_offset(s, &value, &off) && off == 0 ? value.obj : VOBJ_NONE;
    else if (slot_of(s, &value, DYNPTR_BYTES, &slot)) index = special_at(s, &value, slot, VO_DYNPTR);
    if (index == VOBJ_NONE) {
        vstep step = vreject(v, PST_FINDING_DYNPTR, (int)reg, "r%u of %s must point to an initialised dynptr", reg, vcall_name(call));
        vknown(v, s, &value);
        vhint(v, "initialise it on every path that leads here; what was submitted or discarded is none any more");
        return step;
    }
    const vobj *obj = &s->objs[index];
    bool releases = (call->proto->flags & PST_HELPER_RELEASES) != 0;
    if (releases && (obj->ref == 0 || obj->frame == FRAME_NONE || obj->dynptr != VDYN_RINGBUF)) {
        vstep step = vreject(v, PST_FINDING_DYNPTR, (int)reg, "%s needs a dynptr that holds a reservation", vcall_name(call));
        vhint(v, "only dynptrs of bpf_ringbuf_reserve_dynptr are submitted or discarded");
        return step;
    }
    call->dynptr = index;
    if (call->ref == 0) call->ref = obj->ref;
    if (releases) call->release_reg = reg;
    return VSTEP_NEXT;
}

vstep vdynptr_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg, bool is_new)
{
    if (!is_new) return check_initialised(v, s, call, reg);
    vvalue value = vreg(s, reg);
    uint32_t slot = 0;
    if (!slot_of(s, &value, DYNPTR_BYTES, &slot)) return reject_place(v, s, call, PST_FINDING_DYNPTR, reg, "a dynptr", DYNPTR_BYTES);
    return vmem_argument(v, s, reg, DYNPTR_BYTES, DYNPTR_BYTES, VMEM_WRITE | VMEM_UNINIT | VMEM_OBJECT);
}

static vdynptr_kind kind_of(const vstate *s, const vcall_info *call)
{
    uint32_t flags = call->proto->flags;
    if ((flags & PST_HELPER_DYNPTR_CLONE) != 0 && call->dynptr != VOBJ_NONE) return s->objs[call->dynptr].dynptr;
    if ((flags & PST_HELPER_DYNPTR_SKB) != 0) return strstr(call->proto->name, "xdp") != NULL ? VDYN_XDP : VDYN_SKB;
    if (call->is_kfunc && strstr(call->proto->name, "_from_skb") != NULL) return VDYN_SKB; // the metadata in front of it
    if (!call->is_kfunc && call->proto->id == 198) return VDYN_RINGBUF;
    return call->is_kfunc && strstr(call->proto->name, "file") != NULL ? VDYN_FILE : VDYN_LOCAL;
}

vstep vdynptr_make(verifier *v, vstate *s, vcall_info *call)
{
    unsigned reg = register_of(call, PST_ARG_DYNPTR_OUT);
    uint32_t slot = 0;
    if (reg == 0 || !slot_of(s, &call->args[reg], DYNPTR_BYTES, &slot)) return VSTEP_NEXT;
    if (!call->is_kfunc && call->proto->id == 197 && vobj_if(s, &call->args[1], VO_MAP_VALUE) == NULL) {
        vstep step = vreject(v, PST_FINDING_DYNPTR, 1, "%s takes memory of a map's value only", vcall_name(call));
        vknown(v, s, &call->args[1]);
        return step;
    }
    vobj like = {.kind = VO_DYNPTR, .dynptr = (uint8_t)kind_of(s, call)};
    bool is_clone = (call->proto->flags & PST_HELPER_DYNPTR_CLONE) != 0 && call->dynptr != VOBJ_NONE;
    if (is_clone) {
        like.flags = s->objs[call->dynptr].flags & VOBJ_RDONLY;
        like.ref = s->objs[call->dynptr].ref;
    }
    bool is_packet = like.dynptr == VDYN_SKB || like.dynptr == VDYN_XDP;
    if (is_packet && !v->type->packet_writable) like.flags |= VOBJ_RDONLY;
    bool acquires = !is_clone && (like.dynptr == VDYN_RINGBUF || like.dynptr == VDYN_FILE);
    if (acquires && !VPLANT(52)) like.flags |= VOBJ_MUST_RELEASE;
    uint16_t index = VOBJ_NONE;
    vstep step = occupy(v, s, &call->args[reg], like, slot, DYNPTR_BYTES, &index);
    if (step == VSTEP_NEXT && acquires) s->objs[index].ref = s->objs[index].id;
    return step;
}

void vref_release(verifier *v, vstate *s, uint32_t ref)
{
    if (ref != 0) vobj_kill(v, s, ref);
}

// --- Iterators ------------------------------------------------------------------------------------------------------------------

vstep viter_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg, bool is_new)
{
    vvalue value = vreg(s, reg);
    uint32_t slot = 0, size = call->proto->iter_size;
    if (!slot_of(s, &value, size, &slot)) return reject_place(v, s, call, PST_FINDING_ITERATOR, reg, "an iterator", size);
    if (is_new) return vmem_argument(v, s, reg, size, size, VMEM_WRITE | VMEM_UNINIT | VMEM_OBJECT);
    uint16_t index = special_at(s, &value, slot, VO_ITER);
    const vobj *obj = index != VOBJ_NONE ? &s->objs[index] : NULL;
    if (obj == NULL || strcmp(obj->type_name, call->proto->iter) != 0) {
        vstep step = vreject(v, PST_FINDING_ITERATOR, (int)reg, "r%u of %s must point to an initialised iterator", reg, vcall_name(call));
        vneeded(v, "an iterator of kind %s between new and destroy", call->proto->iter);
        vhint(v, "call bpf_iter_%s_new on every path that leads here", call->proto->iter);
        return step;
    }
    if ((obj->flags & VOBJ_UNTRUSTED) != 0)
        return vreject(v, PST_FINDING_ITERATOR, (int)reg, "%s needs the RCU read-side section in which the iterator was made", vcall_name(call));
    call->iter = index;
    return VSTEP_NEXT;
}

vstep viter_effect(verifier *v, vstate *s, const vcall_info *call)
{
    uint32_t flags = call->proto->flags;
    if ((flags & PST_HELPER_ITER_DESTROY) != 0 && call->iter != VOBJ_NONE) {
        vghost_remove(s, s->objs[call->iter].frame, VGHOST_ITER | s->objs[call->iter].slot);
        vobj_kill(v, s, s->objs[call->iter].id);
    }
    unsigned reg = register_of(call, PST_ARG_ITER_NEW);
    uint32_t slot = 0;
    if (reg == 0 || !slot_of(s, &call->args[reg], call->proto->iter_size, &slot)) return VSTEP_NEXT;
    vobj like = {.kind = VO_ITER, .flags = (VPLANT(38) ? 0 : VOBJ_MUST_RELEASE) | VOBJ_ACTIVE, .size = call->proto->iter_size, .type_name = call->proto->iter};
    if ((flags & PST_HELPER_RCU_PROTECTED) != 0) like.flags |= VOBJ_RCU;
    uint16_t index = VOBJ_NONE;
    vstep step = occupy(v, s, &call->args[reg], like, slot, call->proto->iter_size, &index);
    if (step != VSTEP_NEXT) return step;
    s->objs[index].ref = s->objs[index].id;
    vghost count = {.loop = VGHOST_ITER | s->objs[index].slot, .frame = s->objs[index].frame, .up = vvalue_const(0), .down = vvalue_const(0)};
    return !v->flow.counts_iterators || vghost_add(v, s, &count) ? VSTEP_NEXT : vnomem(v);
}

// One more element was handed out. False: an iterator does not have so many.
static bool count_element(vstate *s, const vobj *iter)
{
    vghost *count = vghost_find(s, iter->frame, VGHOST_ITER | iter->slot);
    if (count == NULL) return true;
    vghost_count(count);
    pst_scalar most = pst_scalar_range(0, VITER_MAX);
    return vvalue_refine(s, &count->up, &most);
}

vstep viter_next(verifier *v, vstate *s, const vcall_info *call)
{
    if (call->iter == VOBJ_NONE) return vreject(v, PST_FINDING_ITERATOR, -1, "%s is given no iterator", vcall_name(call));
    vstep step = vcall_check_lost(v, s, "in a turn of the loop");
    if (step != VSTEP_NEXT) return step;
    if ((s->objs[call->iter].flags & VOBJ_DRAINED) != 0) {
        vreg_set(s, 0, vvalue_const(0));
        return VSTEP_NEXT;
    }
    vstate *ended = vstate_clone(v, s);
    if (ended == NULL) return vnomem(v);
    vobj *iter = &ended->objs[call->iter];
    iter->flags = (iter->flags & ~VOBJ_ACTIVE) | VOBJ_DRAINED;
    vreg_set(ended, 0, vvalue_const(0));
    if (VPLANT(58) && s->objs[call->iter].slot) vstate_free(v, ended), step = VSTEP_END;
    else step = vengine_arrive(v, ended, v->pc + 1);
    if (step != VSTEP_END) return step;
    if (!count_element(s, &s->objs[call->iter])) return VSTEP_END;
    uint16_t index = VOBJ_NONE;
    if (call->proto->btf_ret != NULL) {
        bool is_rcu = (s->objs[call->iter].flags & VOBJ_RCU) != 0;
        index = vcall_new_btf(v, s, call->proto->btf_ret, is_rcu ? VOBJ_RCU : VOBJ_TRUSTED);
    } else {
        // It is inside of the iterator.
        vobj like = {.kind = VO_MEM, .size = call->proto->ret_size, .flags = VOBJ_RDONLY, .ref = VPLANT(39) ? 0 : s->objs[call->iter].ref};
        index = vobj_new(v, s, &like);
    }
    if (index == VOBJ_NONE) return vnomem(v);
    vreg_set(s, 0, vvalue_ptr(index));
    return VSTEP_NEXT;
}

// --- Saved interrupt flags --------------------------------------------------------------------------------------------------------

vstep virq_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg, bool is_new)
{
    vvalue value = vreg(s, reg);
    uint32_t slot = 0;
    if (!slot_of(s, &value, IRQ_BYTES, &slot)) return reject_place(v, s, call, PST_FINDING_LOCK, reg, "the saved interrupt flags", IRQ_BYTES);
    if (is_new) return vmem_argument(v, s, reg, IRQ_BYTES, IRQ_BYTES, VMEM_WRITE | VMEM_UNINIT | VMEM_OBJECT);
    uint16_t index = special_at(s, &value, slot, VO_IRQ);
    if (index == VOBJ_NONE) return vreject(v, PST_FINDING_LOCK, (int)reg, "r%u of %s must point to saved interrupt flags", reg, vcall_name(call));
    bool by_lock = (call->proto->flags & PST_HELPER_UNLOCK) != 0;
    if (by_lock != (s->objs[index].size != 0)) // size marks flags that a resilient lock saved
        return vreject(v, PST_FINDING_LOCK, (int)reg, "%s restores interrupt flags that another kind of call saved", vcall_name(call));
    if (s->objs[index].id != s->irq_id) {
        vstep step = vreject(v, PST_FINDING_LOCK, (int)reg, "%s restores interrupt flags out of order", vcall_name(call));
        vhint(v, "restore what was saved last first");
        return step;
    }
    call->irq = index;
    return VSTEP_NEXT;
}

vstep virq_effect(verifier *v, vstate *s, const vcall_info *call)
{
    if ((call->proto->flags & PST_HELPER_IRQ_RESTORE) != 0 && call->irq != VOBJ_NONE) {
        uint32_t outer = s->objs[call->irq].parent; // the flags that were saved before these
        uint32_t id = s->irq_id;
        s->irq_id = outer;
        vobj_kill(v, s, id);
    }
    unsigned reg = register_of(call, PST_ARG_IRQ_FLAG_NEW);
    uint32_t slot = 0;
    if (reg == 0 || !slot_of(s, &call->args[reg], IRQ_BYTES, &slot)) return VSTEP_NEXT;
    bool by_lock = (call->proto->flags & PST_HELPER_LOCK) != 0;
    vobj like = {.kind = VO_IRQ, .flags = VOBJ_MUST_RELEASE, .parent = s->irq_id, .size = by_lock ? IRQ_BYTES : 0};
    uint16_t index = VOBJ_NONE;
    vstep step = occupy(v, s, &call->args[reg], like, slot, IRQ_BYTES, &index);
    if (step == VSTEP_NEXT) s->irq_id = s->objs[index].id;
    return step;
}
