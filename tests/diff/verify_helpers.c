// verify_helpers.c: stand-ins for helpers: each argument is held to its prototype, then something that the helper may do is done.
#include "verify_machine.h"

#include <string.h>

static cword arg(const machine *m, unsigned n) { return m->c.frames[m->c.frame_count - 1].regs[n + 1]; }

static void fill(machine *m, uint8_t *at, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++) at[i] = (uint8_t)machine_number(m);
}

static bool initialised(machine *m, cword w, const uint8_t *at, uint64_t size)
{
    const cobj *o = &m->c.objs[w.tag];
    if (!m->v->strict || o->kind != CO_STACK) return true;
    for (uint64_t i = 0; i < size; i++)
        if (!m->c.frames[o->index].init[at - o->bytes + (int64_t)i]) return machine_wrong(m, "a helper reads a byte that was never written");
    return true;
}

// What a call accesses holds no dynptr, lock and the like.
static bool touch(machine *m, cword w, const uint8_t *at, uint64_t size, bool writes)
{
    const cobj *o = &m->c.objs[w.tag];
    const pst_record *kptr = NULL;
    if (o->kind == CO_STACK) return held_touch_stack(m, o->index, (uint64_t)(at - o->bytes), size, writes, true);
    if (o->kind == CO_VALUE && !held_touch_value(m, o, (uint64_t)(at - o->bytes), size, writes, &kptr)) return false;
    return !kptr || machine_wrong(m, "a call reads a field that owns what it points to");
}

bool machine_argument_memory(machine *m, cword w, uint64_t size, bool reads, bool writes)
{
    if (size > INT32_MAX) return machine_wrong(m, "a size of 0x%llx", (unsigned long long)size);
    if (size == 0 && w.tag == 0) return w.bits == 0 || machine_wrong(m, "no bytes at a number");
    uint8_t *at = machine_memory(m, w, 0, size, writes);
    if (at && size && !touch(m, w, at, size, writes)) return false;
    if (!at || (reads && !initialised(m, w, at, size))) return false;
    if (!writes) return true;
    fill(m, at, size);
    machine_written(m, w, 0, size);
    return true;
}

static const pst_map_view *view_of(machine *m, cword w, uint32_t *index)
{
    const cobj *o = &m->c.objs[w.tag];
    if (w.tag == 0 || o->kind != CO_MAP || w.bits != o->base) {
        machine_wrong(m, "0x%llx is no map", (unsigned long long)w.bits);
        return NULL;
    }
    *index = o->index;
    return m->image->maps[o->index];
}

static bool release(machine *m, cword w)
{
    cobj *o = &m->c.objs[w.tag];
    if (w.tag == 0 || o->kind != CO_RINGBUF || !o->is_alive || !o->is_held || w.bits != o->base) return machine_wrong(m, "0x%llx is no reservation", (unsigned long long)w.bits);
    machine_kill(m, w.tag);
    return true;
}

// A socket that lives, or (gives_back) whose reference goes now and with it all views.
static bool socket_argument(machine *m, cword w, bool gives_back, uint16_t *root)
{
    cobj *o = &m->c.objs[w.tag];
    if (w.tag == 0 || o->kind != CO_SOCK || !o->is_alive || w.bits != o->base) return machine_wrong(m, "0x%llx is no socket", (unsigned long long)w.bits);
    *root = o->root;
    if (!gives_back) return true;
    if (!m->c.objs[o->root].is_held) return machine_wrong(m, "a socket is given back that is not held");
    machine_kill(m, o->root);
    return true;
}

// What a lookup finds, or another view of the socket root.
static void new_socket(machine *m, const pst_struct_desc *desc, uint16_t root, cword *result)
{
    *result = (cword){0};
    if (machine_random(m) % 3 == 0) return;
    uint64_t base = root ? m->c.objs[root].base + 4096 : (0xffff8a0000000000u + ((uint64_t)m->c.obj_count << 32));
    result->tag = machine_object(m, &(cobj){.kind = CO_SOCK, .base = base, .size = desc->size, .desc = desc, .root = root, .is_held = root == 0});
    result->bits = base;
    if (root == 0) m->c.objs[result->tag].root = result->tag;
}

static bool check_argument(machine *m, unsigned n, machine_args *k)
{
    const pst_helper_proto *proto = k->proto;
    cword w = arg(m, n);
    uint64_t size = n + 1 < PST_ARGS_MAX ? arg(m, n + 1).bits : 0;
    switch ((int)proto->args[n]) {
    case PST_ARG_NONE: case PST_ARG_ANYTHING: case PST_ARG_ANYTHING_OPT: case PST_ARG_SIZE_OR_ZERO: return true;
    case PST_ARG_SIZE: return w.bits != 0 || machine_wrong(m, "a size of 0");
    case PST_ARG_CTX: return (w.tag == m->ctx_obj && w.bits == m->c.objs[w.tag].base) || machine_wrong(m, "0x%llx is no context", (unsigned long long)w.bits);
    case PST_ARG_MAP: return (k->view = view_of(m, w, &k->map)) != NULL;
    case PST_ARG_MAP_KEY: {
        if (!machine_argument_memory(m, w, k->view->key_size, true, false)) return false;
        const uint8_t *at = machine_memory(m, w, 0, k->view->key_size, false);
        memcpy(&k->key, at, k->view->key_size < 8 ? k->view->key_size : 8);
        return true;
    }
    case PST_ARG_MAP_VALUE: return machine_argument_memory(m, w, k->view->value_size, true, false);
    case PST_ARG_MEM: case PST_ARG_MEM_OR_NULL: return machine_argument_memory(m, w, size, true, false);
    case PST_ARG_MEM_OUT: case PST_ARG_MEM_OR_NULL_OUT: return machine_argument_memory(m, w, size, false, true);
    case PST_ARG_ALLOC_SIZE: k->constant = w.bits; return true;
    case PST_ARG_ALLOCATED: return release(m, w);
    case PST_ARG_SOCK: return socket_argument(m, w, (proto->flags & PST_HELPER_RELEASES) != 0, &k->root);
    default: return held_argument(m, k, n, w);
    }
}

static void lookup(machine *m, const machine_args *k, cword *result)
{
    bool is_array = k->view->type == PST_MAP_ARRAY;
    uint64_t index = is_array ? k->key & UINT32_MAX : machine_random(m) % 4;
    *result = (cword){0};
    if (is_array ? index >= k->view->max_entries : index == 0) return;
    result->tag = machine_value(m, k->map, index % 8);
    result->bits = m->c.objs[result->tag].base;
}

static void reserve(machine *m, const machine_args *k, cword *result)
{
    *result = (cword){0};
    if (machine_random(m) % 3 == 0 || k->constant > sizeof m->made[0] || m->made_count == PST_COUNT(m->made)) return;
    result->tag = machine_object(m, &(cobj){.kind = CO_RINGBUF, .index = k->map, .base = (0xffff900000000000u + ((uint64_t)m->c.obj_count << 32)) & ~(uint64_t)15,
                                            .size = k->constant, .bytes = m->made[m->made_count++], .is_held = true});
    result->bits = m->c.objs[result->tag].base;
}

// r0, where verify_held.c has not set it.
static bool set_result(machine *m, const machine_args *k, cword *result)
{
    const pst_helper_proto *proto = k->proto;
    switch ((int)proto->ret) {
    case PST_RET_VOID: return true;
    case PST_RET_INTEGER: *result = (cword){.bits = machine_number(m)}; return true;
    case PST_RET_MAP_VALUE_OR_NULL:
        if (proto->id != 1) break;
        lookup(m, k, result);
        return m->end == MACHINE_DONE;
    case PST_RET_SOCK_OR_NULL: new_socket(m, &pst_struct_sock, k->root, result); return m->end == MACHINE_DONE;
    case PST_RET_TCP_SOCK_OR_NULL: new_socket(m, &pst_struct_tcp_sock, k->root, result); return m->end == MACHINE_DONE;
    case PST_RET_ALLOC_OR_NULL: reserve(m, k, result); return m->end == MACHINE_DONE;
    case PST_RET_DYNPTR_MEM_OR_NULL: case PST_RET_ITER_ELEMENT: case PST_RET_BTF_ID_OR_NULL: case PST_RET_OBJECT_OR_NULL: return m->end == MACHINE_DONE;
    default: break;
    }
    m->end = MACHINE_UNKNOWN;
    return false;
}

bool machine_call(machine *m, const pst_helper_proto *proto, bool is_kfunc, cword *result)
{
    machine_args k = {.proto = proto, .is_kfunc = is_kfunc};
    if (!held_allows(m, proto, is_kfunc)) return false;
    for (unsigned n = 0; n < PST_ARGS_MAX; n++)
        if (!check_argument(m, n, &k)) return false;
    if (proto->flags & PST_HELPER_CHANGES_PACKET) machine_new_packet(m);
    if (proto->flags & PST_HELPER_TAIL_CALL) {
        if (!machine_nothing_held(m, "at a tail call")) return false;
        if (machine_random(m) & 1) m->is_over = true; // another program goes on
        *result = (cword){.bits = machine_number(m)};
        return true;
    }
    return held_effect(m, &k, result) && set_result(m, &k, result);
}
