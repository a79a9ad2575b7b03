// call_arg.c: r1 to r5 of a call, checked against the prototype of the helper or kfunc.
//
// Called by call.c; maps are call_map.c's, things on the stack call_dynptr.c's, objects call_object.c's, locks call_lock.c's. The rules are those of
// Linux's check_func_arg and check_kfunc_args for a privileged loader; strict mode adds that no pointer is handed out as a number.
#include "base/format.h"
#include "verify/call.h"

#include <string.h>

#define SIZE_MAX_ARGUMENT (1ull << 29) // a size that is not known to be below is "unbounded", as in Linux
#define SPECIFIERS_MAX 64

vobj *vobj_if(const vstate *s, const vvalue *value, vobj_kind kind)
{
    vobj *obj = vobj_of(s, value);
    return obj != NULL && obj->kind == kind ? obj : NULL;
}

bool vvalue_offset(const vstate *s, const vvalue *value, int64_t *off)
{
    if (value->sym == VSYM_NONE) {
        *off = value->off;
        return true;
    }
    pst_scalar known = vvalue_scalar(s, value);
    *off = (int64_t)known.umin;
    return pst_scalar_is_const(&known);
}

bool vvalue_is_null(const vstate *s, const vvalue *value)
{
    int64_t number = -1;
    return value->kind == V_NUMBER && vvalue_offset(s, value, &number) && number == 0;
}

bool vvalue_maybe_null(const vstate *s, const vvalue *value)
{
    const vobj *obj = vobj_of(s, value);
    return obj != NULL && (obj->flags & VOBJ_MAYBE_NULL) != 0;
}

const pst_record *vrecord_at(const vobj *obj, int64_t off)
{
    for (uint32_t i = 0; i < obj->record_count; i++)
        if ((int64_t)obj->records[i].offset == off) return &obj->records[i];
    return NULL;
}

const char *vcall_name(const vcall_info *call)
{
    return call->proto->name;
}

vstep vreject_type(verifier *v, const vstate *s, unsigned reg, const vcall_info *call, const char *needed)
{
    vvalue value = vreg(s, reg);
    bool is_null = vvalue_is_null(s, &value) || vvalue_maybe_null(s, &value);
    vstep step = vreject(v, is_null ? PST_FINDING_NULL_POINTER : PST_FINDING_TYPE, (int)reg, "r%u of %s must be %s", reg, vcall_name(call), needed);
    vneeded(v, "%s", needed);
    vknown(v, s, &value);
    if (is_null) vhint(v, "test the pointer for 0 before the call");
    return step;
}

// --- Numbers and anything ---------------------------------------------------------------------------------------------

static vstep check_anything(verifier *v, vstate *s, const vcall_info *call, unsigned reg)
{
    vvalue value = vreg(s, reg);
    if (!v->strict || (!vvalue_is_pointer(&value) && (value.flags & VVALUE_CAST) == 0)) return VSTEP_NEXT;
    vstep step = vreject(v, PST_FINDING_POINTER_LEAK, (int)reg, "r%u hands an address to %s as a number", reg, vcall_name(call));
    vknown(v, s, &value);
    return step;
}

static vstep check_number(verifier *v, vstate *s, const vcall_info *call, unsigned reg)
{
    vvalue value = vreg(s, reg);
    if (value.kind == V_NUMBER) return check_anything(v, s, call, reg);
    return vreject_type(v, s, reg, call, "a number");
}

static vstep check_constant(verifier *v, vstate *s, vcall_info *call, unsigned reg)
{
    vstep step = check_number(v, s, call, reg);
    if (step != VSTEP_NEXT) return step;
    vvalue value = vreg(s, reg);
    int64_t number = 0;
    if (!vvalue_offset(s, &value, &number)) {
        step = vreject(v, PST_FINDING_ARGUMENT, (int)reg, "r%u of %s must be a constant", reg, vcall_name(call));
        vneeded(v, "one number that is known here");
        vknown(v, s, &value);
        return step;
    }
    call->constant = (uint64_t)number;
    call->has_constant = true;
    return VSTEP_NEXT;
}

// --- The context --------------------------------------------------------------------------------------------------------

static vstep check_ctx(verifier *v, vstate *s, const vcall_info *call, unsigned reg, bool null_ok)
{
    vvalue value = vreg(s, reg);
    int64_t off = 0;
    if (null_ok && vvalue_is_null(s, &value)) return VSTEP_NEXT;
    // A program whose context is another one has its packet from there.
    const vobj *obj = vobj_if(s, &value, VO_BTF);
    bool is_packet = obj != NULL && obj->type_name != NULL && strcmp(obj->type_name, "sk_buff") == 0 && vobj_trusted(obj);
    if (is_packet && call->is_kfunc && (call->proto->flags & PST_HELPER_DYNPTR_SKB) != 0 && vvalue_offset(s, &value, &off) && off == 0) return VSTEP_NEXT;
    if (value.kind != V_CTX) return vreject_type(v, s, reg, call, null_ok ? "the context or NULL" : "the context");
    if (vvalue_offset(s, &value, &off) && off == 0) return VSTEP_NEXT;
    vstep step = vreject(v, PST_FINDING_ARGUMENT, (int)reg, "r%u of %s must point to the start of the context", reg, vcall_name(call));
    vknown(v, s, &value);
    return step;
}

// --- Memory ---------------------------------------------------------------------------------------------------------------

static bool is_memory_kind(pst_arg_kind kind)
{
    return kind == PST_ARG_MEM || kind == PST_ARG_MEM_OR_NULL || kind == PST_ARG_MEM_OUT || kind == PST_ARG_MEM_OR_NULL_OUT ||
           kind == PST_ARG_MEM_INOUT || kind == PST_ARG_MEM_OPT;
}

static uint32_t memory_access(const vcall_info *call, pst_arg_kind kind)
{
    uint32_t access = vcall_packet_access(call);
    bool is_out = kind == PST_ARG_MEM_OUT || kind == PST_ARG_MEM_OR_NULL_OUT;
    bool may_be_null = kind == PST_ARG_MEM_OR_NULL || kind == PST_ARG_MEM_OR_NULL_OUT || kind == PST_ARG_MEM_OPT;
    // A kfunc does not say whether it reads or writes: both must be allowed.
    access |= is_out ? VMEM_WRITE | VMEM_UNINIT : kind == PST_ARG_MEM_INOUT || call->is_kfunc ? VMEM_READ | VMEM_WRITE : VMEM_READ;
    return may_be_null ? access | VMEM_NULL_OK : access;
}

static vstep reject_size(verifier *v, const vstate *s, unsigned reg, const char *text, const char *hint)
{
    vvalue value = vreg(s, reg);
    vstep step = vreject(v, PST_FINDING_BOUNDS, (int)reg, "the size in r%u %s", reg, text);
    vneeded(v, "a number from %d to %llu", text[strlen(text) - 1] == '0', SIZE_MAX_ARGUMENT - 1);
    vknown(v, s, &value);
    vhint(v, "%s", hint);
    return step;
}

vstep vcall_memory(verifier *v, vstate *s, unsigned reg, uint64_t size_min, uint64_t size_max, uint32_t access)
{
    vvalue value = vreg(s, reg);
    bool is_maybe = (access & VMEM_NULL_OK) != 0 && vvalue_maybe_null(s, &value);
    if (is_maybe) s->objs[value.obj].flags &= ~VOBJ_MAYBE_NULL; // what is there must fit; the callee tests for NULL itself
    vstep step = vmem_argument(v, s, reg, size_min, size_max, access);
    if (is_maybe) s->objs[value.obj].flags |= VOBJ_MAYBE_NULL;
    return step;
}

static vstep check_size(verifier *v, vstate *s, vcall_info *call, unsigned reg, bool zero_ok)
{
    vstep step = check_number(v, s, call, reg);
    if (step != VSTEP_NEXT) return step;
    vvalue size = vreg(s, reg), memory = vreg(s, reg - 1);
    pst_arg_kind kind = call->proto->args[reg - 2];
    // A buffer that may be left out is not looked at when it is.
    bool is_null = vvalue_is_null(s, &memory);
    if (kind == PST_ARG_MEM_OPT && is_null) return VSTEP_NEXT;
    pst_scalar known = vvalue_scalar(s, &size);
    if (known.smin < 0) return reject_size(v, s, reg, "may be negative", "use an unsigned type, or mask it: size &= CONSTANT");
    if (known.umin == 0 && !zero_ok) return reject_size(v, s, reg, "may be 0", "test it for 0 before the call");
    if (known.umax >= SIZE_MAX_ARGUMENT) return reject_size(v, s, reg, "has no bound", "mask it, or compare it with a constant before the call");
    call->mem_max = known.umax;
    if (!is_memory_kind(kind)) return VSTEP_NEXT;
    uint32_t access = memory_access(call, kind) | (zero_ok ? VMEM_ZERO_OK : 0);
    // Helpers want a pointer even to nothing, unless their prototype says "or NULL".
    if (is_null && known.umax == 0 && (call->is_kfunc || (access & VMEM_NULL_OK) != 0)) return VSTEP_NEXT;
    if (is_null) return vreject_type(v, s, reg - 1, call, "memory, since its size is not 0");
    return vcall_memory(v, s, reg - 1, known.umin, known.umax, access);
}

static vstep check_aligned_out(verifier *v, vstate *s, vcall_info *call, unsigned reg, uint32_t size)
{
    bool is_read = !call->is_kfunc && call->proto->id == 163; // bpf_check_mtu is told a length in what it puts the MTU into
    vstep step = vmem_argument(v, s, reg, size, size, VMEM_WRITE | (is_read ? VMEM_READ : VMEM_UNINIT) | vcall_packet_access(call));
    if (step != VSTEP_NEXT) return step;
    vvalue value = vreg(s, reg);
    pst_scalar known = vvalue_scalar(s, &value);
    if (((known.bits.mask | known.bits.value) & (size - 1)) == 0) return VSTEP_NEXT;
    step = vreject(v, PST_FINDING_ALIGNMENT, (int)reg, "r%u of %s must point to %u aligned bytes", reg, vcall_name(call), size);
    vknown(v, s, &value);
    return step;
}

static vstep check_string(verifier *v, vstate *s, vcall_info *call, unsigned reg)
{
    vvalue value = vreg(s, reg);
    uint64_t left = 0;
    const uint8_t *bytes = vmem_constant(v, s, &value, &left);
    for (uint64_t i = 0; bytes != NULL && i < left; i++)
        if (bytes[i] == 0) return VSTEP_NEXT;
    vstep step = vreject_type(v, s, reg, call, "a NUL-terminated string in read-only data");
    vhint(v, "declare it as `static const char text[] = \"...\"`, so that it lands in .rodata");
    return step;
}

static bool is_space_or_punctuation(uint8_t c)
{
    bool is_word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    return c == 0 || (c >= 9 && c <= 13) || (c >= ' ' && c <= '~' && !is_word);
}

// The specifier at f[0] after '%'. Its length, 0: there is no such specifier.
static size_t specifier_length(const uint8_t *f)
{
    const uint8_t *p = f;
    while (*p == '0' || *p == '+' || *p == '-' || *p == ' ') p++;
    if (*p >= '1' && *p <= '9')
        while (*p >= '0' && *p <= '9') p++;
    if (*p == 'p') {
        if ((p[1] == 'k' || p[1] == 'u') && p[2] == 's') return is_space_or_punctuation(p[3]) ? (size_t)(p + 3 - f) : 0;
        if (is_space_or_punctuation(p[1])) return (size_t)(p + 1 - f);
        if (p[1] == 'K' || p[1] == 'x' || p[1] == 's' || p[1] == 'S' || p[1] == 'B') return (size_t)(p + 2 - f);
        if ((p[1] == 'i' || p[1] == 'I') && (p[2] == '4' || p[2] == '6')) return (size_t)(p + 3 - f);
        return 0;
    }
    if (*p == 's') return is_space_or_punctuation(p[1]) ? (size_t)(p + 1 - f) : 0;
    if (*p == 'c') return (size_t)(p + 1 - f);
    if (*p == 'l') p++;
    if (*p == 'l') p++;
    return *p == 'i' || *p == 'd' || *p == 'u' || *p == 'x' || *p == 'X' ? (size_t)(p + 1 - f) : 0;
}

// bpf_snprintf's format is checked before the program runs: every specifier is known and has an argument.
static vstep check_format(verifier *v, vstate *s, vcall_info *call)
{
    vvalue value = vreg(s, 3), data = vreg(s, 5);
    uint64_t left = 0;
    const uint8_t *f = vmem_constant(v, s, &value, &left);
    pst_scalar size = vvalue_scalar(s, &data);
    uint64_t arguments = size.umin / 8, used = 0;
    bool is_valid = f != NULL;
    for (size_t i = 0; is_valid && f[i] != 0; i++) {
        bool is_text = (f[i] >= ' ' && f[i] <= '~') || (f[i] >= 9 && f[i] <= 13);
        if (!is_text) is_valid = false;
        if (f[i] != '%') continue;
        if (f[i + 1] == '%') {
            i++;
            continue;
        }
        size_t length = specifier_length(f + i + 1);
        if (length == 0 || used++ >= arguments || used > SPECIFIERS_MAX) is_valid = false;
        i += length;
    }
    if (is_valid) return VSTEP_NEXT;
    vstep step = vreject(v, PST_FINDING_ARGUMENT, 3, "the format of %s has a specifier that does not exist or has no argument", vcall_name(call));
    vneeded(v, "one 8-byte argument in r4 for each specifier");
    return step;
}

// --- Functions, sockets and the host's structs ------------------------------------------------------------------------------

static vstep check_function(verifier *v, vstate *s, vcall_info *call, unsigned reg)
{
    vvalue value = vreg(s, reg);
    if (value.kind != V_FUNC) return vreject_type(v, s, reg, call, "the address of a function of the program");
    call->func = value.obj;
    if (v->sub_flags == NULL || (v->sub_flags[value.obj] & VSUB_GLOBAL) == 0) return VSTEP_NEXT;
    vstep step = vreject(v, PST_FINDING_CALLBACK, (int)reg, "the callback %s is not static", vsubprog_name(v, value.obj));
    vhint(v, "declare the callback as a static function");
    return step;
}

// The name under which a pointer's object is known to the host's BTF, NULL: none.
static const char *host_name(const vobj *obj)
{
    if (obj == NULL) return NULL;
    if (obj->kind == VO_BTF) return obj->type_name;
    if (obj->kind != VO_SOCK) return NULL;
    if (obj->desc == &pst_struct_tcp_sock) return "tcp_sock";
    return obj->desc == &pst_struct_sock_common ? "sock_common" : "sock";
}

static vstep check_reference(verifier *v, vstate *s, vcall_info *call, unsigned reg, const vobj *obj)
{
    // At least one argument carries the reference; the first that does is what is given back.
    if (obj->ref != 0 && call->ref == 0) call->ref = obj->ref;
    bool releases = (call->proto->flags & PST_HELPER_RELEASES) != 0 && call->release_reg == 0;
    if (!releases) return VSTEP_NEXT;
    vvalue value = vreg(s, reg);
    int64_t off = 0;
    if (obj->ref == 0) {
        vstep step = vreject(v, PST_FINDING_REFERENCE, (int)reg, "%s gives back a reference that r%u does not hold", vcall_name(call), reg);
        vneeded(v, "a pointer from a call that acquires it, not released yet");
        vknown(v, s, &value);
        return step;
    }
    if (!vvalue_offset(s, &value, &off) || off != 0) {
        vstep step = vreject(v, PST_FINDING_REFERENCE, (int)reg, "%s needs the pointer as it was acquired, without an offset", vcall_name(call));
        vknown(v, s, &value);
        return step;
    }
    call->release_reg = reg;
    return VSTEP_NEXT;
}

static vstep check_socket(verifier *v, vstate *s, vcall_info *call, unsigned reg, bool null_ok, bool is_full)
{
    vvalue value = vreg(s, reg);
    if (null_ok && vvalue_is_null(s, &value)) return VSTEP_NEXT;
    const vobj *obj = vobj_of(s, &value);
    const char *name = host_name(obj);
    const char *needed = is_full ? "a full socket" : "a socket";
    bool fits = name != NULL && (obj->flags & (VOBJ_UNTRUSTED | VOBJ_MAYBE_NULL)) == 0;
    int64_t off = 0;
    if (fits && (!vvalue_offset(s, &value, &off) || !vcall_btf_fits(v, name, off, is_full ? "sock" : "sock_common"))) fits = false;
    if (!fits) return vreject_type(v, s, reg, call, needed);
    return check_reference(v, s, call, reg, obj);
}

// KF_TRUSTED_ARGS and releases want trust, KF_RCU is content with RCU, everything else with what is not known to be bad.
static bool is_trusted_enough(const verifier *v, const vstate *s, const vcall_info *call, const vobj *obj)
{
    uint32_t flags = call->proto->flags;
    if (vobj_trusted(obj)) return true;
    if ((obj->flags & VOBJ_UNTRUSTED) != 0) return false;
    bool by_rcu = (obj->flags & VOBJ_RCU) != 0 && vstate_in_rcu(v, s);
    if (!call->is_kfunc) return (obj->flags & VOBJ_RCU) == 0 || by_rcu;
    if ((flags & (PST_HELPER_TRUSTED | PST_HELPER_RELEASES)) != 0) return false;
    return (flags & PST_HELPER_RCU) == 0 || by_rcu;
}

// "nf_conn___init" is no nf_conn yet: names that differ in this suffix alone are never taken for each other.
static bool is_unfinished(const char *name, const char *other)
{
    size_t length = strlen(other);
    return strncmp(name, other, length) == 0 && strcmp(name + length, "___init") == 0;
}

// What gives a reference back needs the very type; all else takes a struct that starts with it.
static bool is_exact_enough(const vcall_info *call, const vobj *obj, const char *name, const char *want)
{
    bool releases = call->is_kfunc && (call->proto->flags & PST_HELPER_RELEASES) != 0 && obj->ref != 0;
    bool is_alias = call->is_kfunc && (is_unfinished(name, want) || is_unfinished(want, name));
    return (!releases && !is_alias) || strcmp(name, want) == 0;
}

static vstep check_btf(verifier *v, vstate *s, vcall_info *call, unsigned reg, bool null_ok)
{
    vvalue value = vreg(s, reg);
    const char *want = call->proto->btf_args[reg - 1];
    if ((null_ok || (call->proto->flags & PST_HELPER_TRUSTED_NULL) != 0) && vvalue_is_null(s, &value)) return VSTEP_NEXT;
    const vobj *obj = vobj_of(s, &value);
    const char *name = host_name(obj);
    int64_t off = 0;
    if (name == NULL || ((obj->flags & VOBJ_MAYBE_NULL) != 0 && (call->is_kfunc || !null_ok)) ||
        !vvalue_offset(s, &value, &off) || (want != NULL && (!vcall_btf_fits(v, name, off, want) || !is_exact_enough(call, obj, name, want)))) {
        char needed[96];
        pst_format(needed, sizeof needed, "a pointer to struct %s", want != NULL ? want : "of the host");
        return vreject_type(v, s, reg, call, needed);
    }
    if (!is_trusted_enough(v, s, call, obj)) {
        vstep step = vreject(v, PST_FINDING_TYPE, (int)reg, "r%u of %s must be a trusted pointer", reg, vcall_name(call));
        vneeded(v, "a pointer with a reference, or one that the hook or an RCU section vouches for");
        vknown(v, s, &value);
        vhint(v, "acquire a reference first, or take the pointer from the hook's arguments");
        return step;
    }
    call->object = value.obj;
    return check_reference(v, s, call, reg, obj);
}

static vstep check_allocated(verifier *v, vstate *s, vcall_info *call, unsigned reg)
{
    vvalue value = vreg(s, reg);
    const vobj *obj = vobj_if(s, &value, VO_RINGBUF);
    if (obj == NULL || (obj->flags & VOBJ_MAYBE_NULL) != 0) return vreject_type(v, s, reg, call, "a reservation of a ring buffer");
    return check_reference(v, s, call, reg, obj);
}

static vstep check_percpu(verifier *v, vstate *s, vcall_info *call, unsigned reg)
{
    vvalue value = vreg(s, reg);
    const vobj *obj = vobj_if(s, &value, VO_PERCPU);
    if (obj == NULL || (obj->flags & VOBJ_MAYBE_NULL) != 0) return vreject_type(v, s, reg, call, "a per-CPU variable");
    call->object = value.obj;
    return VSTEP_NEXT;
}

static vstep check_stack(verifier *v, vstate *s, vcall_info *call, unsigned reg)
{
    vvalue value = vreg(s, reg);
    if (value.kind == V_STACK || vvalue_is_null(s, &value)) return VSTEP_NEXT;
    return vreject_type(v, s, reg, call, "a pointer to the stack, or NULL");
}

// A timer or work queue: at its place in the value of a map.
static vstep check_timer(verifier *v, vstate *s, vcall_info *call, unsigned reg, pst_record_kind kind)
{
    vvalue value = vreg(s, reg);
    const vobj *obj = vobj_if(s, &value, VO_MAP_VALUE);
    const char *needed = kind == PST_RECORD_TIMER ? "a bpf_timer in a map's value" : "a bpf_wq in a map's value";
    int64_t off = 0;
    if (obj == NULL || (obj->flags & VOBJ_MAYBE_NULL) != 0) return vreject_type(v, s, reg, call, needed);
    const pst_record *record = vvalue_offset(s, &value, &off) ? vrecord_at(obj, off) : NULL;
    if (record == NULL || record->kind != kind) return vreject_type(v, s, reg, call, needed);
    call->view = obj->view;
    call->map = obj->map;
    call->map_id = obj->parent;
    return VSTEP_NEXT;
}

// --- All of them ------------------------------------------------------------------------------------------------------------

static vstep check_map_value(verifier *v, vstate *s, vcall_info *call, unsigned reg)
{
    // The values of socket maps are sockets to the program that stores them.
    if (call->view->type == PST_MAP_SOCKMAP || call->view->type == PST_MAP_SOCKHASH) return check_socket(v, s, call, reg, false, false);
    return vcall_map_value(v, s, call, reg, false);
}

static vstep check_fixed_memory(verifier *v, vstate *s, vcall_info *call, unsigned reg)
{
    uint32_t size = pst_proto_fixed_size(call->proto, reg - 1);
    vvalue value = vreg(s, reg);
    if (vvalue_is_null(s, &value)) return vreject_type(v, s, reg, call, "memory");
    return vmem_argument(v, s, reg, size, size, VMEM_READ | VMEM_WRITE | VMEM_PACKET_OK);
}

static vstep check_constant_size(verifier *v, vstate *s, vcall_info *call, unsigned reg)
{
    vstep step = check_constant(v, s, call, reg);
    return step != VSTEP_NEXT ? step : check_size(v, s, call, reg, true);
}

static vstep check_argument(verifier *v, vstate *s, vcall_info *call, unsigned reg, pst_arg_kind kind)
{
    vvalue value = vreg(s, reg);
    bool is_null = vvalue_is_null(s, &value);
    switch (kind) {
    case PST_ARG_NONE: case PST_ARG_IGNORED: case PST_ARG_UNTRUSTED_PTR: return VSTEP_NEXT;
    case PST_ARG_ANYTHING: return check_anything(v, s, call, reg);
    case PST_ARG_ANYTHING_OPT: return value.kind == V_UNINIT ? VSTEP_NEXT : check_anything(v, s, call, reg);
    case PST_ARG_CTX: return check_ctx(v, s, call, reg, false);
    case PST_ARG_CTX_OR_NULL: return check_ctx(v, s, call, reg, true);
    case PST_ARG_MAP: return vcall_map_argument(v, s, call, reg);
    case PST_ARG_MAP_KEY: return vcall_map_key(v, s, call, reg);
    case PST_ARG_MAP_VALUE: return check_map_value(v, s, call, reg);
    case PST_ARG_MAP_VALUE_OR_NULL: return is_null ? VSTEP_NEXT : check_map_value(v, s, call, reg);
    case PST_ARG_MAP_VALUE_OUT: return vcall_map_value(v, s, call, reg, true);
    case PST_ARG_MEM: case PST_ARG_MEM_OR_NULL: case PST_ARG_MEM_OUT: case PST_ARG_MEM_OR_NULL_OUT: case PST_ARG_MEM_OPT:
    case PST_ARG_MEM_INOUT: return VSTEP_NEXT; // with the size that follows
    case PST_ARG_MEM_20: return vmem_argument(v, s, reg, 20, 20, VMEM_READ | vcall_packet_access(call));
    case PST_ARG_MEM_40: return vmem_argument(v, s, reg, 40, 40, VMEM_READ | vcall_packet_access(call));
    case PST_ARG_MEM_FIXED: return check_fixed_memory(v, s, call, reg);
    case PST_ARG_SIZE: return check_size(v, s, call, reg, call->is_kfunc);
    case PST_ARG_SIZE_OR_ZERO: return check_size(v, s, call, reg, true);
    case PST_ARG_SIZE_CONST: return check_constant_size(v, s, call, reg);
    case PST_ARG_ALLOC_SIZE: case PST_ARG_CONST: case PST_ARG_TYPE_ID: return check_constant(v, s, call, reg);
    case PST_ARG_NUMBER: return check_number(v, s, call, reg);
    case PST_ARG_ALLOCATED: return check_allocated(v, s, call, reg);
    case PST_ARG_STRING: case PST_ARG_CONST_STRING: return check_string(v, s, call, reg);
    case PST_ARG_FUNC: return check_function(v, s, call, reg);
    case PST_ARG_STACK_OR_NULL: return check_stack(v, s, call, reg);
    case PST_ARG_INT_OUT: return check_aligned_out(v, s, call, reg, 4);
    case PST_ARG_LONG_OUT: return check_aligned_out(v, s, call, reg, 8);
    case PST_ARG_SPIN_LOCK: return vcall_lock_argument(v, s, call, reg, PST_RECORD_SPIN_LOCK);
    case PST_ARG_RES_SPIN_LOCK: return vcall_lock_argument(v, s, call, reg, PST_RECORD_RES_SPIN_LOCK);
    case PST_ARG_TIMER: return check_timer(v, s, call, reg, PST_RECORD_TIMER);
    case PST_ARG_WORKQUEUE: return check_timer(v, s, call, reg, PST_RECORD_WORKQUEUE);
    case PST_ARG_KPTR: return vkptr_argument(v, s, call, reg);
    case PST_ARG_DYNPTR: return vdynptr_argument(v, s, call, reg, false);
    case PST_ARG_DYNPTR_OR_NULL: return is_null ? VSTEP_NEXT : vdynptr_argument(v, s, call, reg, false);
    case PST_ARG_DYNPTR_OUT: return vdynptr_argument(v, s, call, reg, true);
    case PST_ARG_ITER_NEW: return viter_argument(v, s, call, reg, true);
    case PST_ARG_ITER: return viter_argument(v, s, call, reg, false);
    case PST_ARG_IRQ_FLAG_NEW: return virq_argument(v, s, call, reg, true);
    case PST_ARG_IRQ_FLAG: return virq_argument(v, s, call, reg, false);
    case PST_ARG_SOCK: return check_socket(v, s, call, reg, false, false);
    case PST_ARG_SOCK_OR_NULL: return check_socket(v, s, call, reg, true, false);
    case PST_ARG_FULL_SOCK: return check_socket(v, s, call, reg, false, true);
    case PST_ARG_BTF_ID: return call->kptr != NULL ? vkptr_value(v, s, call, reg) : check_btf(v, s, call, reg, false);
    case PST_ARG_BTF_ID_OR_NULL: return call->kptr != NULL ? vkptr_value(v, s, call, reg) : check_btf(v, s, call, reg, true);
    case PST_ARG_PERCPU_BTF_ID: return check_percpu(v, s, call, reg);
    case PST_ARG_OBJECT: return vobject_argument(v, s, call, reg, VO_ALLOC);
    case PST_ARG_PERCPU_OBJECT: return vobject_argument(v, s, call, reg, VO_PERCPU);
    case PST_ARG_LIST_HEAD: return vgraph_root_argument(v, s, call, reg, PST_RECORD_LIST_HEAD);
    case PST_ARG_RB_ROOT: return vgraph_root_argument(v, s, call, reg, PST_RECORD_RB_ROOT);
    case PST_ARG_LIST_NODE: return vgraph_node_argument(v, s, call, reg, PST_RECORD_LIST_NODE);
    case PST_ARG_RB_NODE: return vgraph_node_argument(v, s, call, reg, PST_RECORD_RB_NODE);
    }
    return VSTEP_NEXT;
}

vstep vcall_arguments(verifier *v, vstate *s, vcall_info *call)
{
    for (unsigned reg = 1; reg <= PST_ARGS_MAX; reg++) call->args[reg] = vreg(s, reg);
    for (unsigned reg = 1; reg <= PST_ARGS_MAX; reg++) {
        pst_arg_kind kind = call->proto->args[reg - 1];
        if (kind == PST_ARG_NONE) break;
        bool is_optional = kind == PST_ARG_ANYTHING_OPT || kind == PST_ARG_IGNORED;
        vstep step = is_optional ? VSTEP_NEXT : vstep_use(v, s, reg);
        if (step == VSTEP_NEXT) step = check_argument(v, s, call, reg, kind);
        if (step != VSTEP_NEXT) return step;
    }
    if (call->proto->id == 165 && !call->is_kfunc) return check_format(v, s, call);
    if (call->proto->id == 81 && !call->is_kfunc && !vvalue_is_null(s, &call->args[2]))
        return vreject(v, PST_FINDING_ARGUMENT, 2, "%s takes no flags: r2 must be 0", vcall_name(call));
    bool releases = (call->proto->flags & PST_HELPER_RELEASES) != 0;
    if (!releases || call->release_reg != 0 || call->kptr != NULL || call->dynptr != VOBJ_NONE) return VSTEP_NEXT;
    vstep step = vreject(v, PST_FINDING_REFERENCE, 1, "%s gives back a reference, but no argument holds one", vcall_name(call));
    vneeded(v, "a pointer from a call that acquires it");
    return step;
}
