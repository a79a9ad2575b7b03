// object_extern.c: symbols that the object uses and the host supplies: CONFIG_* values and kernel symbols.
//
// Called by object_btf.c. An extern is an undefined untyped symbol whose declaration stands in BTF, in DATASEC .kconfig or .ksyms. An
// undefined symbol without such a declaration is listed too, last: no host can resolve it, but only the programs that use it suffer.
// Order: .kconfig first, by falling alignment, rising size, name (which is also the layout of the .kconfig map); then .ksyms by name.
// That is libbpf's order, which poisoned calls of absent functions show.
#include <string.h>

#include "object/object_internal.h"

#define LINKAGE_EXTERN 2u

typedef struct extern_list {
    pst_object_extern *externs;
    object_extern_detail *details;
    uint32_t count;
} extern_list;

static bool is_undefined(const pst_elf_symbol *s)
{
    return s->section == PST_SHN_UNDEF && s->bind != PST_STB_LOCAL && s->type == PST_STT_NOTYPE && s->name[0] != 0;
}

// By type id: the DATASEC that holds it, 0: none.
static uint32_t *index_sections(pst_object *o, const pst_btf *btf)
{
    uint32_t count = pst_btf_count(btf);
    uint32_t *section_of = pst_arena_array(&o->arena, count, sizeof *section_of);
    for (uint32_t id = 1; section_of && id < count; id++) {
        pst_btf_type t = pst_btf_get(btf, id);
        if (t.kind != PST_BTF_DATASEC) continue;
        for (uint32_t i = 0; i < t.count; i++) {
            uint32_t *owner = &section_of[pst_btf_member_at(btf, id, i).type];
            if (*owner == 0) *owner = id;
        }
    }
    return section_of;
}

// The declaration of an extern: the first variable or function of that name.
static uint32_t find_declaration(const pst_btf *btf, const char *name)
{
    uint32_t variable = pst_btf_find(btf, name, PST_BTF_VAR), function = pst_btf_find(btf, name, PST_BTF_FUNC);
    if (variable == 0 || function == 0) return variable + function;
    return variable < function ? variable : function;
}

// What kind of value a .kconfig extern holds; false: none that configurations have.
static bool config_type(const pst_btf *btf, uint32_t id, object_extern_detail *d)
{
    pst_btf_type t = pst_btf_get(btf, pst_btf_strip(btf, id));
    if (t.kind == PST_BTF_ARRAY) {
        object_extern_detail element = {0};
        pst_btf_type e = pst_btf_get(btf, pst_btf_strip(btf, t.type));
        d->config = CONFIG_STRING;
        return t.count > 0 && e.kind == PST_BTF_INT && config_type(btf, t.type, &element) && element.config == CONFIG_CHAR;
    }
    d->config = CONFIG_TRISTATE;
    if (t.kind == PST_BTF_ENUM || t.kind == PST_BTF_ENUM64) return (t.kind == PST_BTF_ENUM64 || t.size == 4) && strcmp(t.name, "libbpf_tristate") == 0;
    if (t.kind != PST_BTF_INT) return false;
    d->is_signed = (t.int_encoding & 1u) != 0;
    d->config = CONFIG_BOOL;
    if (t.int_encoding & 4u) return t.size == 1;
    d->config = t.size == 1 ? CONFIG_CHAR : CONFIG_INT;
    return t.size == 1 || t.size == 2 || t.size == 4 || t.size == 8;
}

static pst_status describe_config(pst_object *o, const pst_btf *btf, const pst_btf_type *declaration, object_extern_detail *d)
{
    uint64_t size = 0;
    if (declaration->kind != PST_BTF_VAR)
        return pst_fail(o->arena.env, PST_E_UNSUPPORTED, "%s: section .kconfig: %s is a function; only variables have a configured value", o->file,
                        declaration->name);
    if (!config_type(btf, declaration->type, d) || !pst_btf_size(btf, declaration->type, &size) || size == 0 || size > 1u << 20)
        return pst_fail(o->arena.env, PST_E_UNSUPPORTED,
                        "%s: section .kconfig: the type of %s is none of bool, char, integer, enum libbpf_tristate, char array", o->file,
                        declaration->name);
    d->size = (uint32_t)size;
    d->align = d->config == CONFIG_STRING ? 1 : d->size > 8 ? 8 : d->size;
    return PST_OK;
}

// Fills in the next extern.
static pst_status add_extern(pst_object *o, const pst_btf *btf, const uint32_t *section_of, uint32_t symbol, extern_list *list)
{
    const pst_elf_symbol *s = &o->internal->elf.symbols[symbol];
    pst_object_extern *e = &list->externs[list->count];
    object_extern_detail *d = &list->details[list->count++];
    *e = (pst_object_extern){.name = s->name, .kind = PST_EXTERN_KSYM_TYPELESS, .weak = s->bind == PST_STB_WEAK};
    *d = (object_extern_detail){.symbol = symbol, .undeclared = true};
    uint32_t id = btf ? find_declaration(btf, s->name) : 0;
    pst_btf_type t = id ? pst_btf_get(btf, id) : (pst_btf_type){0};
    if (id == 0 || section_of[id] == 0 || t.linkage != LINKAGE_EXTERN) return PST_OK;
    const char *section = pst_btf_get(btf, section_of[id]).name;
    if (strcmp(section, ".kconfig") != 0 && strcmp(section, ".ksyms") != 0) return PST_OK;
    d->undeclared = false;
    e->btf_id = id;
    if (strcmp(section, ".kconfig") == 0) {
        e->kind = PST_EXTERN_KCONFIG;
        PST_TRY(describe_config(o, btf, &t, d));
    } else {
        d->type = t.kind == PST_BTF_FUNC ? t.type : pst_btf_strip(btf, t.type);
        e->kind = t.kind == PST_BTF_FUNC ? PST_EXTERN_KSYM_FUNCTION : d->type ? PST_EXTERN_KSYM_VARIABLE : PST_EXTERN_KSYM_TYPELESS;
    }
    return PST_OK;
}

static bool by_libbpf_order(const void *user, uint32_t a, uint32_t b)
{
    const extern_list *list = user;
    const pst_object_extern *ea = &list->externs[a], *eb = &list->externs[b];
    const object_extern_detail *da = &list->details[a], *db = &list->details[b];
    bool config = ea->kind == PST_EXTERN_KCONFIG;
    if (config != (eb->kind == PST_EXTERN_KCONFIG)) return config;
    if (da->undeclared != db->undeclared) return db->undeclared;
    if (config && da->align != db->align) return da->align > db->align;
    if (config && da->size != db->size) return da->size < db->size;
    return strcmp(ea->name, eb->name) < 0;
}

static pst_status lay_out(pst_object *o, const extern_list *list)
{
    struct pst_object_internal *in = o->internal;
    uint32_t *order = index_sorted(&o->arena, list->count, by_libbpf_order, list);
    o->externs = pst_arena_array(&o->arena, list->count, sizeof *o->externs);
    in->details = pst_arena_array(&o->arena, list->count, sizeof *in->details);
    if (!order || !o->externs || !in->details) return object_no_memory(o, "externs");
    uint64_t end = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        o->externs[i] = list->externs[order[i]];
        in->details[i] = list->details[order[i]];
        in->extern_of[in->details[i].symbol] = i + 1;
        if (o->externs[i].kind != PST_EXTERN_KCONFIG) continue;
        uint64_t align = in->details[i].align;
        end = (end + align - 1) & ~(align - 1);
        in->details[i].offset = (uint32_t)end;
        end += in->details[i].size;
        if (end > PST_OBJECT_BYTES_MAX)
            return pst_fail(o->arena.env, PST_E_LIMIT, "%s: section .kconfig: more than %u bytes of values", o->file, PST_OBJECT_BYTES_MAX);
    }
    o->extern_count = list->count;
    return PST_OK;
}

pst_status object_collect_externs(pst_object *o, const pst_btf *btf)
{
    struct pst_object_internal *in = o->internal;
    in->extern_of = pst_arena_array(&o->arena, in->elf.symbol_count, sizeof *in->extern_of);
    if (!in->extern_of) return object_no_memory(o, "externs");
    uint32_t undefined = 0;
    for (uint32_t i = 0; i < in->elf.symbol_count; i++) undefined += is_undefined(&in->elf.symbols[i]);
    if (undefined == 0) return PST_OK;
    extern_list list = {.externs = pst_arena_array(&o->arena, undefined, sizeof *list.externs),
                        .details = pst_arena_array(&o->arena, undefined, sizeof *list.details)};
    uint32_t *section_of = btf ? index_sections(o, btf) : NULL;
    if (!list.externs || !list.details || (btf && !section_of)) return object_no_memory(o, "externs");
    for (uint32_t i = 0; i < in->elf.symbol_count; i++)
        if (is_undefined(&in->elf.symbols[i])) PST_TRY(add_extern(o, btf, section_of, i, &list));
    return lay_out(o, &list);
}
