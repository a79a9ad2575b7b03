// call_lock.c: what a program can hold besides references: locks, RCU and preemption sections, disabled interrupts.
//
// Called by call.c and call_subprog.c. The state counts them (state.h); what is forbidden while one is held follows Linux: no calls under a lock but those of
// lists, trees and number iterators, nothing that sleeps in any section, and all of it given back before the program ends.
#include "verify/call.h"

#include <string.h>

#define LOCK_IRQ 0x80u // in vlock.kind: taken together with the interrupts

bool vstate_sleepable(const verifier *v, const vstate *s)
{
    const vframe *first = s->frames[0];
    if (first->kind == VFRAME_ASYNC) return first->callback_kind == VCB_WORKQUEUE;
    return v->image->sleepable;
}

bool vstate_in_rcu(const verifier *v, const vstate *s)
{
    return s->rcu_depth != 0 || s->lock_count != 0 || !vstate_sleepable(v, s);
}

bool vstate_in_less(const vstate *s)
{
    for (uint32_t i = 1; i < s->frame_count; i++)
        if (s->frames[i]->kind == VFRAME_CALLBACK && s->frames[i]->callback_kind == VCB_RBTREE_LESS) return true;
    return false;
}

// --- Where calls are allowed ---------------------------------------------------------------------------------------------------

// Linux's kfunc_spin_allowed: graphs, numbers, resilient locks.
static bool may_run_locked(const vcall_info *call)
{
    static const char *const prefixes[] = {"bpf_list_", "bpf_rbtree_", "bpf_refcount_acquire", "bpf_iter_num_", "bpf_res_spin_", "bpf_arena_"};
    if (!call->is_kfunc) return (call->proto->flags & PST_HELPER_UNLOCK) != 0;
    if ((call->proto->flags & PST_HELPER_NO_LOCK) != 0) return false;
    for (size_t i = 0; i < PST_COUNT(prefixes); i++)
        if (strncmp(call->proto->name, prefixes[i], strlen(prefixes[i])) == 0) return true;
    return false;
}

static const char *sleepless_section(const vstate *s)
{
    if (s->rcu_depth != 0) return "inside an RCU read-side section";
    if (s->preempt_depth != 0) return "while preemption is off";
    if (s->irq_id != 0) return "while interrupts are off";
    return s->lock_count != 0 ? "while a lock is held" : NULL;
}

vstep vcall_allowed_here(verifier *v, vstate *s, const vcall_info *call)
{
    if (s->lock_count != 0 && !may_run_locked(call) && !VPLANT(42)) {
        vstep step = vreject(v, PST_FINDING_LOCK, -1, "%s is called while a lock is held", vcall_name(call));
        vhint(v, "release the lock first, or move the call in front of it");
        return step;
    }
    if (vstate_in_less(s) && (call->proto->flags & (PST_HELPER_RCU_LOCK | PST_HELPER_RCU_UNLOCK)) != 0)
        return vreject(v, PST_FINDING_LOCK, -1, "%s is called in the comparison of a tree", vcall_name(call));
    if ((call->proto->flags & PST_HELPER_RCU_PROTECTED) != 0 && !vstate_in_rcu(v, s)) {
        vstep step = vreject(v, PST_FINDING_LOCK, -1, "%s is called outside of an RCU read-side section", vcall_name(call));
        vhint(v, "call bpf_rcu_read_lock() first");
        return step;
    }
    if ((call->proto->flags & PST_HELPER_MAY_SLEEP) == 0) return VSTEP_NEXT;
    const char *section = sleepless_section(s);
    if (vstate_sleepable(v, s) && section == NULL) return VSTEP_NEXT;
    vstep step = vreject(v, section == NULL ? PST_FINDING_HELPER : PST_FINDING_LOCK, -1, "%s may sleep, which is not allowed %s", vcall_name(call),
                         section != NULL ? section : "here");
    vhint(v, section == NULL ? "make the program sleepable (SEC(\"....s/\")), if its type can be" : "leave the section first");
    return step;
}

vstep vcall_nothing_held(verifier *v, vstate *s, bool references, const char *what)
{
    if (s->lock_count != 0 && !VPLANT(40)) {
        vstep step = vreject(v, PST_FINDING_LOCK, -1, "a lock is still held at %s", what);
        vhint(v, "unlock on every path");
        return step;
    }
    for (uint32_t i = 0; references && i < s->obj_count; i++) {
        const vobj *obj = &s->objs[i];
        if (obj->kind == VO_FREE || obj->kind == VO_IRQ || (obj->flags & VOBJ_MUST_RELEASE) == 0) continue;
        vvalue value = vvalue_ptr((uint16_t)i);
        vstep step = vreject(v, PST_FINDING_REFERENCE, -1, "a reference is not given back at %s", what);
        vneeded(v, "every reference released on every path");
        vknown(v, s, &value);
        vhint(v, "release what was acquired also on the paths that fail");
        return step;
    }
    if (VPLANT(51)) return VSTEP_NEXT;
    if (s->irq_id != 0) return vreject(v, PST_FINDING_LOCK, -1, "interrupts are still off at %s", what);
    if (s->rcu_depth != 0) return vreject(v, PST_FINDING_LOCK, -1, "an RCU read-side section is still open at %s", what);
    if (s->preempt_depth != 0) return vreject(v, PST_FINDING_LOCK, -1, "preemption is still off at %s", what);
    return VSTEP_NEXT;
}

// --- Locks ---------------------------------------------------------------------------------------------------------------------

static bool lock_of(const vstate *s, const vvalue *value, vlock *out)
{
    const vobj *obj = vobj_of(s, value);
    int64_t off = 0;
    if (obj == NULL || !vvalue_offset(s, value, &off)) return false;
    out->obj_id = (obj->flags & VOBJ_DIRECT) != 0 ? 0x80000000u | obj->map : obj->id;
    out->offset = (uint32_t)off;
    return true;
}

vstep vcall_lock_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg, pst_record_kind kind)
{
    vvalue value = vreg(s, reg);
    const vobj *obj = vobj_of(s, &value);
    const char *needed = kind == PST_RECORD_SPIN_LOCK ? "a bpf_spin_lock" : "a bpf_res_spin_lock";
    bool fits = obj != NULL && (obj->kind == VO_MAP_VALUE || obj->kind == VO_ALLOC) && (obj->flags & VOBJ_MAYBE_NULL) == 0;
    int64_t off = 0;
    if (!fits) return vreject_type(v, s, reg, call, needed);
    const pst_record *record = vvalue_offset(s, &value, &off) ? vrecord_at(obj, off) : NULL;
    if (record == NULL || record->kind != kind) return vreject_type(v, s, reg, call, needed);
    if (vstate_in_less(s)) return vreject(v, PST_FINDING_LOCK, (int)reg, "%s is called in the comparison of a tree", vcall_name(call));
    call->lock = value;
    return VSTEP_NEXT;
}

static uint8_t lock_kind(const vcall_info *call)
{
    bool is_resilient = call->is_kfunc;
    uint8_t kind = is_resilient ? PST_RECORD_RES_SPIN_LOCK : PST_RECORD_SPIN_LOCK;
    bool with_irq = (call->proto->flags & (PST_HELPER_IRQ_SAVE | PST_HELPER_IRQ_RESTORE)) != 0;
    return (uint8_t)(with_irq ? kind | LOCK_IRQ : kind);
}

static vstep take_lock(verifier *v, vstate *s, const vcall_info *call, vlock lock)
{
    bool is_resilient = (lock.kind & ~LOCK_IRQ) == PST_RECORD_RES_SPIN_LOCK;
    if (!is_resilient && s->lock_count != 0) {
        vstep step = vreject(v, PST_FINDING_LOCK, 1, "%s takes a second lock", vcall_name(call));
        vhint(v, "only one bpf_spin_lock may be held at a time");
        return step;
    }
    for (uint32_t i = 0; i < s->lock_count; i++)
        if (s->locks[i].obj_id == lock.obj_id && s->locks[i].offset == lock.offset)
            return vreject(v, PST_FINDING_LOCK, 1, "%s takes a lock that is held already", vcall_name(call));
    if (s->lock_count == VLOCKS_MAX) return vreject(v, PST_FINDING_LOCK, 1, "more than %d locks are held", VLOCKS_MAX);
    if (!is_resilient) {
        s->locks[s->lock_count++] = lock;
        return VSTEP_NEXT;
    }
    // Taking a resilient lock may fail: r0 < 0, and it is not held.
    vstate *failed = vstate_clone(v, s);
    if (failed == NULL) return vnomem(v);
    s->locks[s->lock_count++] = lock;
    pst_scalar error = pst_scalar_signed_range(-4095, -1);
    vcall_clobber(failed);
    vreg_set(failed, 0, vvalue_number(v, failed, &error));
    vstep step = vengine_arrive(v, failed, v->pc + 1);
    return step == VSTEP_END ? VSTEP_NEXT : step;
}

static vstep drop_lock(verifier *v, vstate *s, const vcall_info *call, vlock lock)
{
    uint32_t at = s->lock_count;
    while (at > 0 && !VPLANT(41) && (s->locks[at - 1].obj_id != lock.obj_id || s->locks[at - 1].offset != lock.offset || s->locks[at - 1].kind != lock.kind)) at--;
    if (at == 0 || at != s->lock_count) {
        if (s->lock_count == 0) return vreject(v, PST_FINDING_LOCK, 1, "%s releases a lock that is not held", vcall_name(call));
        if (at == 0) return vreject(v, PST_FINDING_LOCK, 1, "%s releases another lock than the one that is held", vcall_name(call));
        return vreject(v, PST_FINDING_LOCK, 1, "%s releases locks in another order than they were taken", vcall_name(call));
    }
    s->lock_count--;
    vobj_drop_non_owning(v, s);
    return VSTEP_NEXT;
}

vstep vcall_lock_effect(verifier *v, vstate *s, const vcall_info *call)
{
    vlock lock = {.kind = lock_kind(call)};
    if ((call->proto->flags & (PST_HELPER_LOCK | PST_HELPER_UNLOCK)) == 0 || !lock_of(s, &call->lock, &lock)) return VSTEP_NEXT;
    if ((call->proto->flags & PST_HELPER_LOCK) != 0) return take_lock(v, s, call, lock);
    return drop_lock(v, s, call, lock);
}

bool vlock_held(const vstate *s, const vvalue *value)
{
    vlock lock = {0};
    if (!lock_of(s, value, &lock)) return false;
    for (uint32_t i = 0; i < s->lock_count; i++)
        if (s->locks[i].obj_id == lock.obj_id) return true;
    return false;
}

// --- RCU and preemption -----------------------------------------------------------------------------------------------------------

// What RCU protected may be freed now: it can be read with care, no more.
static void end_rcu(vstate *s)
{
    for (uint32_t i = 0; i < s->obj_count; i++) {
        vobj *obj = &s->objs[i];
        if (obj->kind == VO_FREE || (obj->flags & VOBJ_RCU) == 0) continue;
        obj->flags = (obj->flags & ~(VOBJ_RCU | VOBJ_MAYBE_NULL)) | VOBJ_UNTRUSTED;
    }
}

vstep vcall_section_effect(verifier *v, vstate *s, const vcall_info *call)
{
    uint32_t flags = call->proto->flags;
    if ((flags & PST_HELPER_RCU_LOCK) != 0 && s->rcu_depth++ != 0) {
        vstep step = vreject(v, PST_FINDING_LOCK, -1, "%s opens an RCU read-side section in another one", vcall_name(call));
        vhint(v, "one section around both is enough");
        return step;
    }
    if ((flags & PST_HELPER_PREEMPT_OFF) != 0) s->preempt_depth++;
    if ((flags & PST_HELPER_RCU_UNLOCK) != 0) {
        if (s->rcu_depth == 0) return vreject(v, PST_FINDING_LOCK, -1, "%s: no RCU read-side section is open", vcall_name(call));
        if (--s->rcu_depth == 0) end_rcu(s);
    }
    if ((flags & PST_HELPER_PREEMPT_ON) != 0) {
        if (s->preempt_depth == 0) return vreject(v, PST_FINDING_LOCK, -1, "%s: preemption is not off", vcall_name(call));
        s->preempt_depth--;
    }
    return VSTEP_NEXT;
}
