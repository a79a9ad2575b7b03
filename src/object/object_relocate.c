// object_relocate.c: fits an opened object to a host: CO-RE relocations, configuration, kernel symbols.
//
// The second half of loading, after the caller had its chance to change global data and autoload. Works on the linked programs: a function that
// several programs share is relocated in each. Called by src/api and the tools.
#include <string.h>

#include "object/core_relo.h"
#include "object/core_relo_internal.h"
#include "object/object_internal.h"

// What a call of an absent weak function becomes: an invalid helper call that tells which extern it was. libbpf's number.
#define POISONED_KFUNC 2002000000

typedef struct relocating {
    pst_object *o;
    pst_object_target target;
    pst_core_relocator *core; // NULL when no program needs it
} relocating;

static uint32_t count_core(const pst_object *o, const object_parts *parts)
{
    const object_info_table *table = &o->internal->info[PST_BTF_EXT_RELOS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < parts->count; i++) {
        const object_function *f = &o->internal->functions[parts->list[i].function];
        count += object_first_row(table, f->section, f->start + f->count) - object_first_row(table, f->section, f->start);
    }
    return count;
}

// The relocations of a program, at the places where its functions ended up.
static uint32_t collect_core(const pst_object *o, const object_parts *parts, pst_core_relo *out)
{
    const struct pst_object_internal *in = o->internal;
    const object_info_table *table = &in->info[PST_BTF_EXT_RELOS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < parts->count; i++) {
        const object_function *f = &in->functions[parts->list[i].function];
        uint32_t end = object_first_row(table, f->section, f->start + f->count);
        for (uint32_t k = object_first_row(table, f->section, f->start); k < end; k++) {
            const object_info_row *row = &table->rows[k];
            pst_btf_ext_section s = pst_btf_ext_section_at(in->ext, PST_BTF_EXT_RELOS, row->table_section);
            pst_btf_ext_relo relo = pst_btf_ext_relo_at(&s, row->record);
            out[count++] = (pst_core_relo){.pc = parts->list[i].at + (row->slot - f->start), .type = relo.type, .kind = relo.kind,
                                           .access = pst_btf_string(o->btf, relo.access_off)};
        }
    }
    return count;
}

static pst_status relocate_core(relocating *r, uint32_t program)
{
    pst_object *o = r->o;
    const object_parts *parts = &o->internal->parts[program];
    pst_object_program *p = &o->programs[program];
    uint32_t count = o->core_count ? count_core(o, parts) : 0;
    if (count == 0) return PST_OK;
    pst_core_relo *relos = pst_arena_array(&o->arena, count, sizeof *relos);
    const char *what = pst_arena_format(&o->arena, "%s: program %s", o->file, p->name);
    if (!relos || !what) return object_no_memory(o, "CO-RE relocations");
    collect_core(o, parts, relos);
    if (!r->core) {
        uint32_t target_count = r->target.btf ? 1 + r->target.module_count : 0;
        const pst_btf **targets = pst_arena_array(&o->arena, target_count, sizeof *targets);
        if (!targets) return object_no_memory(o, "CO-RE relocations");
        for (uint32_t i = 0; i < target_count; i++) targets[i] = i == 0 ? r->target.btf : r->target.modules[i - 1];
        PST_TRY(pst_core_relocator_create(o->arena.env, o->btf, targets, target_count, &r->core));
    }
    return pst_core_relocate(r->core, p->slots, p->count, relos, count, what);
}

// Whether the host's type is what the object declares; names do not count.
static pst_status types_agree(const relocating *r, const pst_object_extern *e, uint32_t local, uint32_t target, bool *agree)
{
    pst_core_relo relo = {.type = local, .access = "0", .kind = PST_CORE_TYPE_EXISTS};
    core_work work = {.env = r->o->arena.env, .local = r->o->btf, .what = e->name, .relo = &relo, .left = CORE_WORK_MAX};
    return core_types_compatible(&work, local, r->target.btf, target, agree);
}

// A variable or function that the host describes by BTF, or numbers. Not finding it is no failure here.
static pst_status resolve_typed(relocating *r, uint32_t index)
{
    pst_object *o = r->o;
    pst_object_extern *e = &o->externs[index];
    bool function = e->kind == PST_EXTERN_KSYM_FUNCTION, agree = false;
    size_t length = pst_btf_essential_length(e->name);
    const char *name = function && e->name[length] ? pst_arena_string(&o->arena, e->name, length) : e->name;
    if (!name) return object_no_memory(o, "kernel symbols");
    if (function && r->target.kfunc) {
        e->address = (uint64_t)(uint32_t)r->target.kfunc(r->target.user, name, e->weak);
        e->resolved = e->numbered = e->address != 0;
        return PST_OK;
    }
    if (!r->target.btf || o->internal->details[index].undeclared) return PST_OK;
    uint32_t id = pst_btf_find(r->target.btf, name, function ? PST_BTF_FUNC : PST_BTF_VAR);
    if (id == 0) return PST_OK;
    uint32_t type = pst_btf_get(r->target.btf, id).type;
    PST_TRY(types_agree(r, e, o->internal->details[index].type, function ? type : pst_btf_strip(r->target.btf, type), &agree));
    if (!agree && function && e->weak) return PST_OK;
    if (!agree)
        return pst_fail(o->arena.env, PST_E_FORMAT, "%s: section .ksyms: %s has another type on this host (type %u of its BTF)", o->file, e->name, id);
    e->resolved = true;
    e->address = id;
    return PST_OK;
}

static pst_status resolve_symbol(relocating *r, const char *program, uint32_t index)
{
    pst_object_extern *e = &r->o->externs[index];
    bool undeclared = r->o->internal->details[index].undeclared;
    if (e->kind == PST_EXTERN_KSYM_TYPELESS && !undeclared) {
        e->address = r->target.ksym ? r->target.ksym(r->target.user, e->name) : 0;
        e->resolved = e->address != 0;
    } else {
        PST_TRY(resolve_typed(r, index));
    }
    if (e->resolved) return PST_OK;
    if (!e->weak && undeclared)
        return pst_fail(r->o->arena.env, PST_E_NOTFOUND, "%s: program %s refers to %s, which the object neither defines nor declares as an extern of .ksyms "
                                                         "or .kconfig: link it in, or make it a static inline function", r->o->file, program, e->name);
    if (!e->weak)
        return pst_fail(r->o->arena.env, PST_E_NOTFOUND, "%s: section .ksyms: this host has no %s %s: declare it __weak if the program can do without", r->o->file,
                        e->kind == PST_EXTERN_KSYM_FUNCTION ? "function" : "variable", e->name);
    e->resolved = true;
    e->address = 0;
    return PST_OK;
}

static bool is_symbol(const pst_object_ref *ref)
{
    return ref->kind == PST_REF_KFUNC || ref->kind == PST_REF_KSYM;
}

static void patch_symbol(pst_slot *insn, const pst_object_ref *ref, const pst_object_extern *e)
{
    if (ref->kind == PST_REF_KFUNC) {
        insn->off = 0;
        insn->imm = e->address ? (int32_t)e->address : POISONED_KFUNC + (int32_t)ref->index;
        if (!e->address) insn->regs = 0;
        return;
    }
    bool typed = e->kind != PST_EXTERN_KSYM_TYPELESS && e->address != 0 && !e->numbered; // a number only says that the function is there
    if (typed) insn[0].regs = (uint8_t)((insn[0].regs & 15u) | IMM64_BTF_ID << 4);
    insn[0].imm = (int32_t)(uint32_t)e->address;
    insn[1].imm = (int32_t)(uint32_t)(e->address >> 32);
}

static pst_status relocate_program(relocating *r, uint32_t program)
{
    pst_object *o = r->o;
    pst_object_program *p = &o->programs[program];
    PST_TRY(relocate_core(r, program));
    for (uint32_t i = 0; i < p->ref_count; i++) {
        const pst_object_ref *ref = &p->refs[i];
        if (!is_symbol(ref)) continue;
        if (!o->externs[ref->index].resolved) PST_TRY(resolve_symbol(r, p->name, ref->index));
        patch_symbol(&p->slots[ref->pc], ref, &o->externs[ref->index]);
    }
    return PST_OK;
}

static pst_status relocate_all(relocating *r)
{
    pst_object *o = r->o;
    PST_TRY(object_resolve_config(o, &r->target));
    for (uint32_t i = 0; i < o->program_count; i++)
        if (o->programs[i].autoload) PST_TRY(relocate_program(r, i));
    return PST_OK;
}

pst_status pst_object_relocate(pst_object *object, const pst_object_target *target)
{
    if (object->internal->relocated)
        return pst_fail(object->arena.env, PST_E_INVALID, "%s: an object is relocated once; open it again for another host", object->file);
    relocating r = {.o = object};
    if (target) memcpy(&r.target, target, target->size < sizeof r.target ? target->size : sizeof r.target);
    object->internal->relocated = true;
    pst_status status = relocate_all(&r);
    pst_core_relocator_free(r.core);
    return status;
}
