// verify_held.c: the part of the stepper that keeps account of what a run holds: dynptrs, iterators and saved flags on its stack, tasks and objects, a lock,
// sections, timers. See verify_machine.h.
//
// The account is the run's own: it does not look at the verifier's states. What the run acquires and does not give back, gives back twice, or uses afterwards is
// an error, whatever those say.
#include "verify_machine.h"

#include <string.h>

#define TURNS_MAX 20 // of an iterator: more would show nothing new

static cframe *top(machine *m) { return &m->c.frames[m->c.frame_count - 1]; }
static cword arg(machine *m, unsigned n) { return top(m)->regs[n + 1]; }
static bool is_special(const cobj *o) { return o->kind == CO_DYNPTR || o->kind == CO_ITER || o->kind == CO_IRQ; }

static uint32_t words_of(const cobj *o) { return o->kind == CO_DYNPTR ? 2 : 1; }

void machine_kill(machine *m, uint16_t obj)
{
    cobj *o = &m->c.objs[obj];
    if (!o->is_alive) return;
    o->is_alive = o->is_held = false;
    if (is_special(o))
        for (uint32_t i = 0; i < words_of(o); i++) m->c.frames[o->frame].special[cframe_word(o->slot) + i] = 0;
    for (uint32_t i = 1; i < m->c.obj_count; i++)
        if (m->c.objs[i].root == obj || m->c.objs[i].parent == obj) machine_kill(m, (uint16_t)i);
}

bool machine_nothing_held(machine *m, const char *what)
{
    for (uint32_t i = 1; i < m->c.obj_count; i++)
        if (m->c.objs[i].is_alive && m->c.objs[i].is_held) return machine_wrong(m, "a reference of kind %d is held %s", (int)m->c.objs[i].kind, what);
    if (m->c.lock) return machine_wrong(m, "a lock is held %s", what);
    if (m->c.rcu_depth || m->c.preempt_depth || m->c.irq_count) return machine_wrong(m, "a section is open %s", what);
    return true;
}

// --- Bytes that are not the program's ---------------------------------------------------------------------------

bool held_touch_stack(machine *m, uint32_t frame, uint64_t at, uint64_t size, bool write, bool by_call)
{
    cframe *f = &m->c.frames[frame];
    for (uint64_t n = at / 8; n <= (at + size - 1) / 8; n++) {
        if (!f->special[n]) continue;
        const cobj *o = &m->c.objs[f->special[n]];
        if (!write || by_call || o->kind != CO_DYNPTR || o->root) return machine_wrong(m, "what lies on the stack as kind %d is touched", (int)o->kind);
        machine_kill(m, f->special[n]);
    }
    return true;
}

bool held_touch_value(machine *m, const cobj *value, uint64_t at, uint64_t size, bool write, const pst_record **kptr)
{
    const pst_map_view *view = m->image->maps[value->index];
    for (uint32_t i = 0; i < view->record_count; i++) {
        const pst_record *r = &view->records[i];
        if (at + size <= r->offset || at >= r->offset + r->size) continue;
        if (r->kind != PST_RECORD_KPTR || write || at != r->offset || size != r->size)
            return machine_wrong(m, "the field at %u of a map's value is touched", r->offset);
        *kptr = r;
    }
    return true;
}

// The pointer in a field, from its bits. Those that a map had before the run may be any.
static uint64_t kptr_base(uint64_t bits) { return bits ? 0xffff88c000000000u | (bits & 0xfffffff8u) : 0; }

// A new struct of the host or object of the program; held: it is the run's.
static bool new_struct(machine *m, bool is_task, uint64_t base, bool held, cword *out)
{
    cobj like = {.kind = is_task ? CO_BTF : CO_ALLOC, .base = base, .is_held = held, .is_rdonly = !is_task && !held};
    *out = (cword){0};
    if (!is_task) {
        if (m->made_count == PST_COUNT(m->made)) {
            m->end = MACHINE_TOO_LONG;
            return false;
        }
        like.bytes = m->made[m->made_count++];
        like.size = 24;
    }
    uint16_t tag = machine_object(m, &like);
    if (tag && held) m->c.objs[tag].root = tag;
    *out = (cword){base, tag};
    return tag != 0;
}

static bool is_task_field(const pst_record *kptr) { return kptr->type_id == 0; }

bool held_load_kptr(machine *m, const pst_record *kptr, uint64_t bits, cword *out)
{
    *out = (cword){0};
    return !bits || new_struct(m, is_task_field(kptr), kptr_base(bits), false, out);
}

// --- Arguments --------------------------------------------------------------------------------------------------

// The special object whose lowest byte w points to.
static bool special_argument(machine *m, cword w, cobj_kind kind, uint16_t *out)
{
    const cobj *stack = &m->c.objs[w.tag];
    uint64_t at = w.bits - stack->base + PST_FRAME_BYTES;
    if (w.tag == 0 || stack->kind != CO_STACK || !stack->is_alive || at % 8 || at >= PST_FRAME_BYTES) return machine_wrong(m, "an argument does not point to the stack");
    *out = m->c.frames[stack->index].special[at / 8];
    const cobj *o = &m->c.objs[*out];
    if (*out && o->kind == kind && o->is_alive && cframe_word(o->slot) == at / 8) return true;
    return machine_wrong(m, "an argument is no initialised object of kind %d", (int)kind);
}

// Where the call makes something of size bytes.
static bool new_place(machine *m, machine_args *k, cword w, uint32_t size)
{
    const cobj *stack = &m->c.objs[w.tag];
    uint64_t at = w.bits - stack->base + PST_FRAME_BYTES;
    if (w.tag == 0 || stack->kind != CO_STACK || !stack->is_alive || at % 8 || at > PST_FRAME_BYTES - size) return machine_wrong(m, "there is no place on the stack");
    k->place = w;
    if (!machine_memory(m, w, 0, size, true)) return false;
    return held_touch_stack(m, stack->index, at, size, true, false); // a dynptr that holds nothing ends
}

static bool field_argument(machine *m, machine_args *k, cword w, pst_record_kind kind)
{
    const cobj *value = &m->c.objs[w.tag];
    if (w.tag == 0 || value->kind != CO_VALUE || !value->is_alive) return machine_wrong(m, "0x%llx is no value of a map", (unsigned long long)w.bits);
    const pst_map_view *view = m->image->maps[value->index];
    k->field = NULL;
    for (uint32_t i = 0; i < view->record_count; i++)
        if (view->records[i].kind == kind && view->records[i].offset == w.bits - value->base) k->field = &view->records[i];
    k->value = w.tag;
    return k->field || machine_wrong(m, "no field of kind %d at %llu of the value", (int)kind, (unsigned long long)(w.bits - value->base));
}

static bool struct_argument(machine *m, machine_args *k, cword w, bool is_task, bool gives_back)
{
    const cobj *o = &m->c.objs[w.tag];
    if (w.tag == 0 || o->kind != (is_task ? CO_BTF : CO_ALLOC) || !o->is_alive || w.bits != o->base)
        return machine_wrong(m, "0x%llx is no %s", (unsigned long long)w.bits, is_task ? "task" : "object");
    if (gives_back && !o->is_held) return machine_wrong(m, "something is given back that is not held");
    k->object = w.tag;
    return true;
}

static bool dynptr_argument(machine *m, machine_args *k, cword w)
{
    if (!special_argument(m, w, CO_DYNPTR, &k->dynptr)) return false;
    const cobj *o = &m->c.objs[k->dynptr];
    if (!(k->proto->flags & PST_HELPER_RELEASES) || (o->root && m->c.objs[o->root].is_held && o->dynptr == VDYN_RINGBUF)) return true;
    return machine_wrong(m, "a dynptr is given back that holds nothing");
}

static bool function_argument(machine *m, machine_args *k, cword w)
{
    const cobj *o = &m->c.objs[w.tag];
    k->func = o->index;
    return (w.tag && o->kind == CO_FUNC) || machine_wrong(m, "a callback that is no function");
}

bool held_argument(machine *m, machine_args *k, unsigned n, cword w)
{
    bool gives_back = (k->proto->flags & PST_HELPER_RELEASES) != 0;
    switch ((int)k->proto->args[n]) {
    case PST_ARG_IGNORED: return true;
    case PST_ARG_NUMBER: return w.tag == 0 || machine_wrong(m, "a pointer instead of a number");
    case PST_ARG_CONST: case PST_ARG_TYPE_ID: case PST_ARG_SIZE_CONST: k->constant = w.bits; return true;
    case PST_ARG_MEM_OPT: return (w.bits == 0 && w.tag == 0) || machine_argument_memory(m, w, arg(m, n + 1).bits, true, true);
    case PST_ARG_DYNPTR: return dynptr_argument(m, k, w);
    case PST_ARG_DYNPTR_OUT: return new_place(m, k, w, 16);
    case PST_ARG_ITER_NEW: return new_place(m, k, w, k->proto->iter_size);
    case PST_ARG_ITER: return special_argument(m, w, CO_ITER, &k->iter);
    case PST_ARG_IRQ_FLAG_NEW: return new_place(m, k, w, 8);
    case PST_ARG_IRQ_FLAG: return special_argument(m, w, CO_IRQ, &k->irq);
    case PST_ARG_SPIN_LOCK: return field_argument(m, k, w, PST_RECORD_SPIN_LOCK);
    case PST_ARG_TIMER: return field_argument(m, k, w, PST_RECORD_TIMER);
    case PST_ARG_KPTR: return field_argument(m, k, w, PST_RECORD_KPTR);
    case PST_ARG_FUNC: return function_argument(m, k, w);
    case PST_ARG_OBJECT: return struct_argument(m, k, w, false, gives_back);
    case PST_ARG_BTF_ID: case PST_ARG_BTF_ID_OR_NULL:
        if (k->proto->args[n] == PST_ARG_BTF_ID_OR_NULL && w.bits == 0 && w.tag == 0) return true;
        return struct_argument(m, k, w, !k->field || is_task_field(k->field), gives_back);
    default: break;
    }
    m->end = MACHINE_UNKNOWN;
    return false;
}

bool held_allows(machine *m, const pst_helper_proto *proto, bool is_kfunc)
{
    bool is_number = is_kfunc && strncmp(proto->name, "bpf_iter_num_", 13) == 0;
    if (m->c.lock && !is_number && !(proto->flags & PST_HELPER_UNLOCK)) return machine_wrong(m, "%s is called while a lock is held", proto->name);
    bool may_not_sleep = m->c.lock || m->c.rcu_depth || m->c.preempt_depth || m->c.irq_count || !m->image->sleepable;
    return !(proto->flags & PST_HELPER_MAY_SLEEP) || !may_not_sleep || machine_wrong(m, "%s sleeps", proto->name);
}

// --- Effects ----------------------------------------------------------------------------------------------------

static bool set_lock(machine *m, const machine_args *k)
{
    bool takes = (k->proto->flags & PST_HELPER_LOCK) != 0;
    if (takes && m->c.lock) return machine_wrong(m, "a second lock is taken");
    if (!takes && (!m->c.lock || m->c.objs[m->c.lock].bytes != m->c.objs[k->value].bytes)) return machine_wrong(m, "a lock is released that is not held");
    m->c.lock = takes ? k->value : 0;
    return true;
}

static bool set_section(machine *m, const machine_args *k)
{
    uint32_t flags = k->proto->flags;
    // A global function is proved without its caller's section, and may open one inside of it, as on Linux.
    bool is_apart = m->c.frames[m->c.frame_count - 1].is_blind;
    if ((flags & PST_HELPER_RCU_LOCK) && m->c.rcu_depth++ && !is_apart) return machine_wrong(m, "an RCU section in another");
    if ((flags & PST_HELPER_RCU_UNLOCK) && m->c.rcu_depth-- == 0) return machine_wrong(m, "no RCU section to leave");
    if (flags & PST_HELPER_PREEMPT_OFF) m->c.preempt_depth++;
    if ((flags & PST_HELPER_PREEMPT_ON) && m->c.preempt_depth-- == 0) return machine_wrong(m, "preemption is on already");
    if (!(flags & PST_HELPER_IRQ_RESTORE)) return true;
    if (m->c.irq_count == 0 || m->c.irqs[m->c.irq_count - 1] != k->irq) return machine_wrong(m, "interrupt flags are restored out of order");
    m->c.irq_count--;
    machine_kill(m, k->irq);
    return true;
}

// An object of the kind at k->place.
static uint16_t occupy(machine *m, const machine_args *k, cobj like)
{
    const cobj *stack = &m->c.objs[k->place.tag];
    uint32_t word = (uint32_t)((k->place.bits - stack->base + PST_FRAME_BYTES) / 8);
    like.frame = stack->index;
    like.slot = VCELLS - 1 - word;
    uint16_t index = machine_object(m, &like);
    if (!index) return 0;
    machine_written(m, k->place, 0, 8 * words_of(&like));
    for (uint32_t i = 0; i < words_of(&like); i++) m->c.frames[like.frame].special[word + i] = index;
    return index;
}

static bool make_dynptr(machine *m, machine_args *k)
{
    cobj like = {.kind = CO_DYNPTR, .dynptr = VDYN_LOCAL};
    bool is_packet = (k->proto->flags & PST_HELPER_DYNPTR_SKB) != 0, is_ring = !k->is_kfunc && k->proto->id == 198;
    if (k->proto->flags & PST_HELPER_DYNPTR_CLONE) {
        const cobj *o = &m->c.objs[k->dynptr];
        like = (cobj){.kind = CO_DYNPTR, .dynptr = o->dynptr, .base = o->base, .size = o->size, .bytes = o->bytes, .is_rdonly = o->is_rdonly, .root = o->root};
    } else if (is_packet) {
        like.dynptr = strstr(k->proto->name, "xdp") ? VDYN_XDP : VDYN_SKB;
    } else if (is_ring) {
        bool fails = machine_random(m) % 3 == 0 || arg(m, 1).bits > sizeof m->made[0] || m->made_count == PST_COUNT(m->made);
        like.dynptr = VDYN_RINGBUF;
        like.is_held = true;
        like.base = 0xffff910000000000u + ((uint64_t)m->c.obj_count << 32);
        if (!fails) like.bytes = m->made[m->made_count++], like.size = arg(m, 1).bits;
    } else {
        const cobj *memory = &m->c.objs[arg(m, 0).tag];
        if (memory->kind != CO_VALUE) return machine_wrong(m, "a dynptr of memory that is not a map's");
        uint64_t off = arg(m, 0).bits - memory->base;
        like.base = arg(m, 0).bits, like.bytes = memory->bytes + off, like.size = arg(m, 1).bits;
    }
    uint16_t index = occupy(m, k, like);
    if (index && is_ring) m->c.objs[index].root = index;
    return index != 0;
}

// The bytes that a dynptr describes now.
static void dynptr_data(const machine *m, const cobj *o, uint64_t *base, uint64_t *size, uint8_t **bytes)
{
    bool is_packet = o->dynptr == VDYN_SKB || o->dynptr == VDYN_XDP;
    const cobj *at = is_packet ? &m->c.objs[m->packet_obj] : o;
    *base = at->base, *size = at->size, *bytes = at->bytes;
}

static bool slice(machine *m, const machine_args *k, cword *result)
{
    const cobj *o = &m->c.objs[k->dynptr];
    bool is_packet = o->dynptr == VDYN_SKB || o->dynptr == VDYN_XDP, is_rdonly = (k->proto->flags & PST_HELPER_RDONLY_RET) != 0;
    uint64_t base, size, off = arg(m, 1).bits & UINT32_MAX;
    uint8_t *bytes;
    dynptr_data(m, o, &base, &size, &bytes);
    *result = (cword){0};
    if (!bytes || off > size || k->constant > size - off || machine_random(m) % 8 == 0) return true;
    if (!is_rdonly && is_packet && !m->type->packet_writable) return true;
    result->bits = base + off;
    result->tag = machine_object(m, &(cobj){.kind = CO_MEM, .base = base + off, .size = k->constant, .bytes = bytes + off, .is_rdonly = is_rdonly,
                                            .parent = k->dynptr, .root = is_packet ? m->packet_obj : o->root});
    return result->tag != 0;
}

// write and adjust
static void change_dynptr(machine *m, const machine_args *k)
{
    cobj *o = &m->c.objs[k->dynptr];
    uint64_t from = arg(m, 1).bits, to = arg(m, 2).bits;
    if (!k->is_kfunc && k->proto->id == 202) {
        if (o->dynptr == VDYN_SKB) machine_new_packet(m);
        else if (o->bytes && o->size) o->bytes[from % o->size] = (uint8_t)machine_random(m);
    } else if (k->is_kfunc && strcmp(k->proto->name, "bpf_dynptr_adjust") == 0 && o->bytes && from <= to && to <= o->size) {
        o->base += from, o->bytes += from, o->size = to - from;
    }
}

static bool new_iterator(machine *m, const machine_args *k)
{
    int64_t start = (int32_t)arg(m, 1).bits, end = (int32_t)arg(m, 2).bits;
    if (m->element_count == MACHINE_ELEMENTS_MAX) {
        m->end = MACHINE_TOO_LONG;
        return false;
    }
    if (end > start + TURNS_MAX) end = start + TURNS_MAX;
    uint16_t index = occupy(m, k, (cobj){.kind = CO_ITER, .is_held = true, .next = start, .end = end});
    if (!index) return false;
    m->c.objs[index].root = index;
    uint64_t base = 0xffff920000000000u + ((uint64_t)m->c.obj_count << 32);
    uint16_t element = machine_object(m, &(cobj){.kind = CO_MEM, .base = base, .size = 4, .bytes = (uint8_t *)&m->elements[m->element_count++], .is_rdonly = true,
                                                .parent = index});
    m->c.objs[index].element = element;
    return element != 0;
}

static void next_element(machine *m, const machine_args *k, cword *result)
{
    cobj *iter = &m->c.objs[k->iter];
    cobj *element = &m->c.objs[iter->element];
    *result = (cword){0};
    iter->is_drained = iter->is_drained || iter->next >= iter->end;
    if (iter->is_drained) return;
    int32_t value = (int32_t)iter->next++;
    memcpy(element->bytes, &value, sizeof value);
    iter->handed++;
    *result = (cword){element->base, iter->element};
}

// What the field had comes out, what is given goes in.
static bool exchange(machine *m, const machine_args *k, cword *result)
{
    uint8_t *at = m->c.objs[k->value].bytes + k->field->offset;
    uint64_t old, set = k->object ? m->c.objs[k->object].base : 0;
    memcpy(&old, at, sizeof old);
    memcpy(at, &set, sizeof set);
    if (k->object) machine_kill(m, k->object);
    *result = (cword){0};
    return !old || new_struct(m, is_task_field(k->field), kptr_base(old), true, result);
}

static bool set_timer(machine *m, const machine_args *k)
{
    if (m->timer_count == MACHINE_TIMERS_MAX || m->c.wakes) return true;
    bool is_blind = top(m)->is_blind || m->v->entry_subprog != 0;
    m->timers[m->timer_count++] = (machine_timer){.subprog = k->func, .map = m->c.objs[k->value].index, .value = k->value, .is_blind = is_blind};
    return true;
}

static bool new_reference(machine *m, bool is_task, cword *result)
{
    *result = (cword){0};
    if (machine_random(m) % 3 == 0) return true;
    return new_struct(m, is_task, 0xffff930000000000u + ((uint64_t)m->c.obj_count << 32), true, result);
}

bool held_effect(machine *m, machine_args *k, cword *result)
{
    uint32_t flags = k->proto->flags;
    if ((flags & (PST_HELPER_LOCK | PST_HELPER_UNLOCK)) && !set_lock(m, k)) return false;
    if (!set_section(m, k)) return false;
    if (k->field && k->proto->id == 194) return exchange(m, k, result);
    if (flags & PST_HELPER_RELEASES) {
        if (k->dynptr) machine_kill(m, m->c.objs[k->dynptr].root);
        else if (k->object) machine_kill(m, k->object);
    } else if (k->dynptr) {
        change_dynptr(m, k);
    }
    if (k->iter && (flags & PST_HELPER_ITER_DESTROY)) machine_kill(m, k->iter);
    if ((flags & PST_HELPER_ASYNC) && !set_timer(m, k)) return false;
    if (flags & PST_HELPER_ITER_NEW) return new_iterator(m, k);
    if (flags & PST_HELPER_IRQ_SAVE) {
        uint16_t saved = occupy(m, k, (cobj){.kind = CO_IRQ, .is_held = true});
        m->c.irqs[m->c.irq_count++] = saved;
        return saved != 0;
    }
    if (k->place.tag) return make_dynptr(m, k);
    switch ((int)k->proto->ret) {
    case PST_RET_DYNPTR_MEM_OR_NULL: return slice(m, k, result);
    case PST_RET_ITER_ELEMENT: next_element(m, k, result); return true;
    case PST_RET_BTF_ID_OR_NULL: return new_reference(m, true, result);
    case PST_RET_OBJECT_OR_NULL: return new_reference(m, false, result);
    default: return true;
    }
}
