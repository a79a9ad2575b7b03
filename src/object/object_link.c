// object_link.c: puts each program together with the functions that it reaches, and applies relocations.
//
// Functions are appended in the order in which they are first called, each followed by what it calls in turn, before its caller goes on:
// that is libbpf's order, so the instructions equal libbpf's. A function that several programs call is copied into each.
// Two passes: the first decides who stands where, the second copies and patches. Depth and size are limited; no recursion.
#include <string.h>

#include "object/object_internal.h"

#define NOT_LINKED UINT32_MAX

typedef struct visit {
    uint32_t function, next; // slot of the function to look at next
    uint32_t reloc;          // first relocation of its section that is not passed
} visit;

// A program's function that catches its exceptions. Nobody calls it, so it must be appended by name.
typedef struct catcher {
    const char *program, *function;
} catcher;

typedef struct linking {
    pst_object *o;
    catcher *catchers;
    uint32_t catcher_count;
    visit stack[OBJECT_SUBPROGS_MAX + 1];
    object_part parts[OBJECT_SUBPROGS_MAX + 1];
    uint32_t depth, part_count, slots;
    uint64_t slots_of_all;
} linking;

static uint32_t first_reloc(const object_code *code, uint32_t slot)
{
    uint32_t lo = 0, hi = code->reloc_count;
    while (lo < hi) {
        uint32_t middle = lo + (hi - lo) / 2;
        if (code->relocs[middle].slot < slot) lo = middle + 1;
        else hi = middle;
    }
    return lo;
}

static pst_status refuse(const linking *l, const object_function *f, uint32_t slot, const char *why)
{
    return pst_fail(l->o->arena.env, PST_E_FORMAT, "%s: section %s, offset 0x%llx: in function %s, %s", l->o->file,
                    l->o->internal->elf.sections[f->section].name, (unsigned long long)(f->start + slot) * PST_SLOT_SIZE, f->name, why);
}

static pst_status enter(linking *l, uint32_t function)
{
    const struct pst_object_internal *in = l->o->internal;
    object_function *f = &in->functions[function];
    const char *program = in->functions[l->part_count ? l->parts[0].function : function].name;
    if (l->part_count > OBJECT_SUBPROGS_MAX)
        return pst_fail(l->o->arena.env, PST_E_LIMIT, "%s: program %s reaches more than %u functions", l->o->file, program, OBJECT_SUBPROGS_MAX);
    if (f->count > OBJECT_PROGRAM_SLOTS_MAX - l->slots)
        return pst_fail(l->o->arena.env, PST_E_LIMIT, "%s: program %s has more than %u instructions with its functions", l->o->file, program,
                        OBJECT_PROGRAM_SLOTS_MAX);
    f->at = l->slots;
    l->slots += f->count;
    l->parts[l->part_count++] = (object_part){.function = function, .at = f->at};
    l->stack[l->depth++] = (visit){.function = function, .reloc = first_reloc(&in->codes[f->section], f->start)};
    return PST_OK;
}

// The relocation of a function's slot, NULL: none. Slots are asked for in rising order.
static const object_reloc *reloc_of(const object_code *code, uint32_t slot, uint32_t *next)
{
    while (*next < code->reloc_count && code->relocs[*next].slot < slot) (*next)++;
    return *next < code->reloc_count && code->relocs[*next].slot == slot ? &code->relocs[*next] : NULL;
}

static bool is_subprog_call(const pst_slot *insn)
{
    return insn->opcode == OPCODE_CALL && insn->regs == CALL_SUBPROG << 4 && insn->off == 0;
}

// The function that slot `slot` of f refers to by a call or an address; *callee NULL: it refers to none.
static pst_status callee_at(const linking *l, const object_function *f, uint32_t slot, const object_reloc *reloc, object_function **callee)
{
    const struct pst_object_internal *in = l->o->internal;
    const pst_slot *insn = &in->codes[f->section].slots[f->start + slot];
    *callee = NULL;
    if (reloc) {
        if (reloc->kind == RELOC_CALL || reloc->kind == RELOC_FUNC) *callee = object_function_at(l->o, reloc->index, reloc->offset);
        return PST_OK;
    }
    if (insn->opcode == OPCODE_IMM64 && insn->regs >> 4 == IMM64_FUNC)
        return refuse(l, f, slot, "the address of a function is taken without a relocation that says which");
    if (!is_subprog_call(insn)) return PST_OK;
    // Calls within a section need no relocation: the displacement is right as it is, in the section.
    int64_t target = (int64_t)f->start + slot + 1 + insn->imm;
    if (target >= 0 && target < in->codes[f->section].count) *callee = object_function_at(l->o, f->section, (uint32_t)target);
    if (!*callee || (*callee)->start != (uint64_t)target) return refuse(l, f, slot, "a call leads to a place where no function begins");
    return PST_OK;
}

// Walks on in the innermost function until it meets one that has no place yet.
static pst_status walk(linking *l)
{
    const struct pst_object_internal *in = l->o->internal;
    visit *v = &l->stack[l->depth - 1];
    const object_function *f = &in->functions[v->function];
    const object_code *code = &in->codes[f->section];
    while (v->next < f->count) {
        uint32_t slot = v->next;
        bool wide = code->slots[f->start + slot].opcode == OPCODE_IMM64;
        v->next += wide ? 2 : 1;
        const object_reloc *reloc = reloc_of(code, f->start + slot, &v->reloc);
        if (wide && reloc && slot + 1 >= f->count) return refuse(l, f, slot, "the second half of a 64-bit immediate is missing");
        object_function *callee;
        PST_TRY(callee_at(l, f, slot, reloc, &callee));
        if (callee && callee->at == NOT_LINKED) return enter(l, (uint32_t)(callee - in->functions));
    }
    l->depth--;
    return PST_OK;
}

static void set_source(pst_slot *insn, uint8_t source)
{
    insn->regs = (uint8_t)((insn->regs & 15u) | (unsigned)source << 4);
}

// Applies a relocation to an instruction of the finished program. What only the loader or the host knows becomes a reference.
static void patch(pst_slot *insn, const object_reloc *r, pst_object_ref *ref)
{
    ref->index = r->index;
    switch (r->kind) {
    case RELOC_MAP:
        ref->kind = PST_REF_MAP;
        set_source(insn, IMM64_MAP_FD);
        insn[0].imm = (int32_t)r->index;
        break;
    case RELOC_MAP_VALUE:
        ref->kind = PST_REF_MAP_VALUE;
        set_source(insn, IMM64_MAP_VALUE);
        insn[0].imm = (int32_t)r->index;
        insn[1].imm = (int32_t)r->offset;
        break;
    case RELOC_KFUNC:
        ref->kind = PST_REF_KFUNC;
        set_source(insn, CALL_KFUNC);
        break;
    case RELOC_KSYM: ref->kind = PST_REF_KSYM; break;
    case RELOC_CALL:
    case RELOC_FUNC: break;
    }
}

// Copies a function to its place in the program and patches it there.
static pst_status place_function(const linking *l, const object_part *part, pst_object_program *p, pst_object_ref *refs)
{
    const struct pst_object_internal *in = l->o->internal;
    const object_function *f = &in->functions[part->function];
    const object_code *code = &in->codes[f->section];
    pst_slot *slots = p->slots + part->at;
    memcpy(slots, code->slots + f->start, f->count * sizeof *slots);
    uint32_t next = first_reloc(code, f->start);
    for (uint32_t slot = 0; slot < f->count;) {
        bool wide = slots[slot].opcode == OPCODE_IMM64;
        const object_reloc *reloc = reloc_of(code, f->start + slot, &next);
        object_function *callee;
        PST_TRY(callee_at(l, f, slot, reloc, &callee));
        if (callee) {
            if (wide) set_source(&slots[slot], IMM64_FUNC);
            slots[slot].imm = (int32_t)callee->at - (int32_t)(part->at + slot) - 1;
        } else if (reloc) {
            pst_object_ref *ref = &refs[p->ref_count++];
            ref->pc = part->at + slot;
            patch(&slots[slot], reloc, ref);
        }
        slot += wide ? 2 : 1;
    }
    return PST_OK;
}

static pst_status build_program(linking *l, uint32_t program)
{
    pst_object *o = l->o;
    struct pst_object_internal *in = o->internal;
    pst_object_program *p = &o->programs[program];
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < l->part_count; i++) {
        const object_function *f = &in->functions[l->parts[i].function];
        const object_code *code = &in->codes[f->section];
        capacity += first_reloc(code, f->start + f->count) - first_reloc(code, f->start);
    }
    p->count = l->slots;
    p->slots = pst_arena_array(&o->arena, p->count, sizeof *p->slots);
    pst_object_ref *refs = pst_arena_array(&o->arena, capacity, sizeof *refs);
    object_parts *parts = &in->parts[program];
    parts->list = pst_arena_array(&o->arena, l->part_count, sizeof *parts->list);
    if (!p->slots || !refs || !parts->list) return object_no_memory(o, "instructions");
    memcpy(parts->list, l->parts, l->part_count * sizeof *parts->list);
    parts->count = l->part_count;
    p->refs = refs;
    for (uint32_t i = 0; i < l->part_count; i++) PST_TRY(place_function(l, &l->parts[i], p, refs));
    return PST_OK;
}

#define CATCHER_TAG "exception_callback:"

// The declaration tags of BTF that name a catcher, as libbpf reads them.
static pst_status find_catchers(linking *l)
{
    const pst_btf *btf = l->o->btf;
    uint32_t count = btf ? pst_btf_count(btf) : 0, capacity = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t id = 1; id < count; id++) {
            pst_btf_type tag = pst_btf_get(btf, id);
            if (tag.kind != PST_BTF_DECL_TAG || tag.component != -1 || strncmp(tag.name, CATCHER_TAG, sizeof CATCHER_TAG - 1) != 0) continue;
            if (pass == 0) capacity++;
            else l->catchers[l->catcher_count++] = (catcher){pst_btf_get(btf, tag.type).name, tag.name + sizeof CATCHER_TAG - 1};
        }
        if (capacity > PST_OBJECT_PROGRAMS_MAX)
            return pst_fail(l->o->arena.env, PST_E_LIMIT, "%s: section .BTF: %u exception callbacks; the limit is %u", l->o->file, capacity,
                            PST_OBJECT_PROGRAMS_MAX);
        if (pass == 0) l->catchers = pst_arena_array(&l->o->arena, capacity, sizeof *l->catchers);
        if (!l->catchers) return object_no_memory(l->o, "linking");
    }
    return PST_OK;
}

static object_function *global_in_text(const pst_object *o, const char *name)
{
    const struct pst_object_internal *in = o->internal;
    for (uint32_t i = 0; i < in->function_count; i++) {
        object_function *f = &in->functions[i];
        if (f->section == in->text && f->global && !f->hidden && strcmp(f->name, name) == 0) return f;
    }
    return NULL;
}

static pst_status enter_catcher(linking *l, uint32_t program)
{
    const char *name = l->o->programs[program].name, *function = NULL;
    for (uint32_t i = 0; i < l->catcher_count; i++) {
        if (strcmp(l->catchers[i].program, name) != 0) continue;
        if (function) return PST_OK; // two: the verifier's to refuse
        function = l->catchers[i].function;
    }
    if (!function) return PST_OK;
    const object_function *f = global_in_text(l->o, function);
    if (!f)
        return pst_fail(l->o->arena.env, PST_E_FORMAT, "%s: program %s: its exception callback %s is no global function of section .text", l->o->file, name,
                        function);
    return f->at == NOT_LINKED ? enter(l, (uint32_t)(f - l->o->internal->functions)) : PST_OK;
}

// Gives each function that program i reaches its place, then builds the program.
static pst_status link_program(linking *l, uint32_t program)
{
    struct pst_object_internal *in = l->o->internal;
    l->depth = l->part_count = l->slots = 0;
    PST_TRY(enter(l, in->program_function[program]));
    while (l->depth) PST_TRY(walk(l));
    PST_TRY(enter_catcher(l, program));
    while (l->depth) PST_TRY(walk(l));
    l->slots_of_all += l->slots;
    if (l->slots_of_all > OBJECT_SLOTS_MAX)
        return pst_fail(l->o->arena.env, PST_E_LIMIT, "%s: more than %u instructions in all programs together", l->o->file, OBJECT_SLOTS_MAX);
    pst_status status = build_program(l, program);
    for (uint32_t i = 0; i < l->part_count; i++) in->functions[l->parts[i].function].at = NOT_LINKED;
    return status;
}

pst_status object_link_programs(pst_object *o)
{
    struct pst_object_internal *in = o->internal;
    linking *l = pst_arena_alloc(&o->arena, sizeof *l);
    if (!l) return object_no_memory(o, "linking");
    l->o = o;
    PST_TRY(find_catchers(l));
    for (uint32_t i = 0; i < in->function_count; i++) in->functions[i].at = NOT_LINKED;
    for (uint32_t i = 0; i < o->program_count; i++) PST_TRY(link_program(l, i));
    return PST_OK;
}
