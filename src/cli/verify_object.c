// verify_object.c: `postern verify FILE`: each program of an object as a subject.
//
// The object is opened and relocated as for a load, but nothing is created: maps become descriptions. All programs are looked at, also those that
// a load would leave out. Where the host cannot satisfy one program (a symbol that is not there), the others are opened anew without it.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "catalog/catalog.h"
#include "cli/verify_work.h"
#include "pal/pal.h"
#include "verify/record.h"

typedef struct object_state {
    verify_settings *settings;
    const char *path;
    struct bpf_object *object;
    pst_arena arena;       // of the descriptions
    verify_map **maps;
    const char **map_faults; // by map: why it cannot be; NULL: it can
    pst_btf *types;        // of the object; NULL: none
} object_state;

// --- Maps --------------------------------------------------------------------------------------------------------------

static pst_status describe_map(object_state *o, uint32_t index)
{
    const pst_object_map *def = &o->object->object->maps[index];
    verify_map *map = o->maps[index];
    pst_map_view *view = &map->view;
    map->name = def->name;
    map->btf_key = def->btf_key_type;
    map->btf_value = def->btf_value_type;
    view->type = def->type;
    view->key_size = def->key_size;
    view->value_size = def->value_size;
    view->max_entries = def->max_entries;
    if (def->type == PST_MAP_PERF_EVENT_ARRAY && !def->max_entries) view->max_entries = pst_pal_cpu_count();
    view->flags = def->flags;
    view->map_extra = def->map_extra;
    view->id = index + 1;
    view->values = def->initial;
    view->value_stride = def->initial ? def->value_size : 0;
    view->frozen = def->origin == PST_MAP_FROM_RODATA || def->origin == PST_MAP_FROM_KCONFIG;
    if (def->inner >= 0 && (uint32_t)def->inner < o->object->object->map_count) {
        map->inner = o->maps[def->inner];
        view->inner = &map->inner->view;
    }
    if (!o->types || !def->btf_value_type) return PST_OK;
    cli_forget_sentence();
    pst_status status = pst_verify_records(&o->arena, o->types, def->btf_value_type, &view->records, &view->record_count);
    if (status != PST_E_FORMAT && status != PST_E_LIMIT) return status;
    // Only programs that use the map suffer.
    const char *why = *cli_last_sentence() ? cli_last_sentence() : "it has too many fields of their own (locks, timers, kptrs, ...)";
    o->map_faults[index] = pst_arena_format(&o->arena, "the value of map %s: %s", def->name, why);
    return o->map_faults[index] ? PST_OK : PST_E_NOMEM;
}

static pst_status describe_maps(object_state *o)
{
    uint32_t count = o->object->object->map_count;
    o->maps = pst_arena_array(&o->arena, count + 1u, sizeof(verify_map *));
    o->map_faults = pst_arena_array(&o->arena, count + 1u, sizeof(const char *));
    if (!o->maps || !o->map_faults) return PST_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        o->maps[i] = pst_arena_alloc(&o->arena, sizeof(verify_map));
        if (!o->maps[i]) return PST_E_NOMEM;
    }
    for (uint32_t i = 0; i < count; i++) PST_TRY(describe_map(o, i));
    return PST_OK;
}

// --- Opening -----------------------------------------------------------------------------------------------------------

// Whether the host has a kfunc matters to a load; the verifier knows kfuncs by their names. Remembered by the address of the extern.
static void make_kfuncs_weak(pst_object *object, bool *were_strong)
{
    for (uint32_t i = 0; i < object->extern_count; i++) {
        pst_object_extern *e = &object->externs[i];
        were_strong[i] = e->kind == PST_EXTERN_KSYM_FUNCTION && !e->weak;
        if (were_strong[i]) e->weak = true;
    }
}

// An absent one was turned into an invalid helper call: that is right only for those that the program can do without.
static void restore_kfuncs(pst_object *object, const bool *were_strong)
{
    for (uint32_t p = 0; p < object->program_count; p++) {
        pst_object_program *program = &object->programs[p];
        for (uint32_t i = 0; i < program->ref_count; i++) {
            const pst_object_ref *ref = &program->refs[i];
            if (ref->kind != PST_REF_KFUNC || !were_strong[ref->index]) continue;
            pst_slot *slot = &program->slots[ref->pc];
            if (slot->regs >> 4 != 2) *slot = (pst_slot){.opcode = 0x85, .regs = 2 << 4, .imm = (int32_t)ref->index + 1};
        }
    }
}

static int relocate(struct bpf_object *object)
{
    bool *were_strong = calloc(object->object->extern_count + 1u, sizeof *were_strong);
    if (!were_strong) return api_fail(ENOMEM, "no memory");
    make_kfuncs_weak(object->object, were_strong);
    int err = api_object_relocate(object);
    if (!err) restore_kfuncs(object->object, were_strong);
    free(were_strong);
    return err;
}

static void close_object(object_state *o)
{
    pst_arena_free(&o->arena);
    pst_btf_free(o->types);
    bpf_object__close(o->object);
    o->object = NULL;
    o->types = NULL;
    o->maps = NULL;
}

static bool open_object(object_state *o)
{
    struct bpf_object_open_opts opts = {.sz = sizeof opts, .btf_custom_path = o->settings->btf_path};
    cli_forget_sentence();
    o->object = bpf_object__open_file(o->path, &opts);
    if (!o->object) return false;
    pst_arena_init(&o->arena, cli_env(), 0);
    o->types = cli_types(o->object);
    return true;
}

// only UINT32_MAX: all programs.
static bool fit_to_host(object_state *o, uint32_t only)
{
    const pst_object *object = o->object->object;
    for (uint32_t i = 0; i < object->program_count; i++) object->programs[i].autoload = only == UINT32_MAX || i == only;
    if (relocate(o->object)) return false;
    pst_status status = describe_maps(o);
    if (status != PST_OK && !*cli_last_sentence()) (void)pst_fail(cli_env(), status, "%s: %s", o->path, pst_status_text(status));
    return status == PST_OK;
}

// --- Programs ----------------------------------------------------------------------------------------------------------

static bool add_lines(object_state *o, const pst_object_program *p, verify_subject *s)
{
    pst_line *lines = pst_arena_array(&o->arena, p->line_count, sizeof *lines);
    if (!lines) return false;
    for (uint32_t i = 0; o->types && i < p->line_count; i++) {
        const pst_object_line *from = &p->lines[i];
        lines[i] = (pst_line){.pc = from->pc, .line = from->line, .column = from->column, .file = pst_btf_string(o->types, from->file_off),
                              .text = pst_btf_string(o->types, from->text_off)};
    }
    s->lines = lines;
    s->line_count = o->types ? p->line_count : 0;
    return true;
}

static bool add_funcs(object_state *o, const pst_object_program *p, verify_subject *s)
{
    pst_func_info *funcs = pst_arena_array(&o->arena, p->func_count, sizeof *funcs);
    if (!funcs) return false;
    for (uint32_t i = 0; o->types && i < p->func_count; i++)
        if (p->funcs[i].btf_type) funcs[s->func_count++] = (pst_func_info){p->funcs[i].pc, p->funcs[i].btf_type};
    s->funcs = funcs;
    return true;
}

// Slots name maps by index, and calls of kfuncs get the names of the externs, without their flavor.
static bool resolve_refs(object_state *o, const pst_object_program *p, verify_subject *s)
{
    verify_kfunc *kfuncs = pst_arena_array(&o->arena, p->ref_count, sizeof *kfuncs);
    if (!kfuncs) return false;
    for (uint32_t i = 0; i < p->ref_count; i++) {
        const pst_object_ref *ref = &p->refs[i];
        pst_slot *slot = &p->slots[ref->pc];
        if (ref->kind == PST_REF_MAP || ref->kind == PST_REF_MAP_VALUE) slot->imm = (int32_t)ref->index;
        if (ref->kind != PST_REF_KFUNC || slot->regs >> 4 != 2) continue;
        const char *name = o->object->object->externs[ref->index].name;
        verify_kfunc *k = &kfuncs[s->kfunc_count++];
        *k = (verify_kfunc){ref->pc, pst_arena_string(&o->arena, name, pst_btf_essential_length(name))};
        if (!k->name) return false;
    }
    s->kfuncs = kfuncs;
    return true;
}

static bool make_subject(object_state *o, uint32_t index, verify_subject *s)
{
    const pst_object *object = o->object->object;
    const pst_object_program *p = &object->programs[index];
    *s = (verify_subject){
        .program = p->name,
        .section = p->section,
        .prog_type = p->prog_type,
        .attach_type = p->attach_type == PST_ATTACH_NONE ? 0 : p->attach_type,
        .sleepable = p->sleepable,
        .license = object->license,
        .gpl_compatible = verify_license_is_gpl(object->license),
        .slots = p->slots,
        .count = p->count,
        .maps = o->maps,
        .map_count = o->maps ? object->map_count : 0,
        .btf = o->types,
        .btf_bytes = o->types ? object->btf_bytes : NULL,
        .btf_size = object->btf_size,
        .mode = o->settings->opts.mode,
    };
    return add_lines(o, p, s) && add_funcs(o, p, s) && resolve_refs(o, p, s);
}

// The first reference to a map that cannot be; NULL: all can.
static const pst_object_ref *find_faulty_map(const object_state *o, const pst_object_program *p)
{
    for (uint32_t i = 0; i < p->ref_count; i++) {
        const pst_object_ref *ref = &p->refs[i];
        if ((ref->kind == PST_REF_MAP || ref->kind == PST_REF_MAP_VALUE) && o->map_faults[ref->index]) return ref;
    }
    return NULL;
}

static bool is_described(const pst_object_program *p, verify_answer *answer)
{
    const char *name = pst_prog_type_name(p->prog_type);
    if (pst_prog_type_by_number(p->prog_type)) return true;
    if (p->prog_type == PST_PROG_UNSPEC)
        verify_answer_own(answer, PST_VERDICT_UNSUPPORTED, PST_FINDING_UNSUPPORTED, 0, "section %.128s names no program type", p->section);
    else
        verify_answer_own(answer, PST_VERDICT_UNSUPPORTED, PST_FINDING_UNSUPPORTED, 0, "program type %s is not described", name);
    return false;
}

static void prove_made(verify_settings *settings, verify_subject *s, verify_answer *answer)
{
    verify_data certificate;
    if (settings->recheck && !verify_certificates_find(settings->recheck, s->program, &certificate)) {
        verify_answer_own(answer, PST_VERDICT_REJECT, PST_FINDING_CERTIFICATE, 0, "the file of certificates has none for this program");
        return;
    }
    if (settings->recheck) s->certificate = &certificate;
    verify_prove(settings, s, answer);
    s->certificate = NULL; // it was on this stack
}

static void prove_program(object_state *o, uint32_t index, verify_subject *s, verify_answer *answer)
{
    const pst_object_program *p = &o->object->object->programs[index];
    bool made = make_subject(o, index, s);
    if (!is_described(p, answer)) return;
    const pst_object_ref *faulty = find_faulty_map(o, p);
    if (!made)
        verify_answer_own(answer, PST_VERDICT_REJECT, PST_FINDING_COMPLEXITY, 0, "no answer was reached: there is not enough memory");
    else if (faulty)
        verify_answer_own(answer, PST_VERDICT_REJECT, PST_FINDING_MAP, faulty->pc, "%s", o->map_faults[faulty->index]);
    else
        prove_made(o->settings, s, answer);
}

// The program alone could not be fitted to the host: that is the finding, with the loader's sentence.
static void refuse_unfit(object_state *o, uint32_t index, verify_subject *s, verify_answer *answer)
{
    const char *kept = cli_last_sentence(), *why = *kept ? kept : postern_last_error();
    (void)make_subject(o, index, s); // for its name
    if (!is_described(&o->object->object->programs[index], answer)) return;
    verify_answer_own(answer, PST_VERDICT_REJECT, PST_FINDING_BTF, 0, "%s", *why ? why : "it does not fit this host");
}

static void report(object_state *o, const verify_subject *s, const verify_answer *answer)
{
    verify_count(o->settings, answer);
    if (o->settings->visit) {
        o->settings->visit(o->settings->visit_user, s, answer);
        return;
    }
    if (o->settings->args->json)
        verify_report_json(s, answer);
    else
        verify_report_text(o->settings, s, answer);
    if (o->settings->page) verify_page_program(o->settings, s, answer);
    if (o->settings->certificates) verify_certificates_add(o->settings->certificates, s, answer);
}

static bool is_wanted(const pst_object_program *p, const char *name)
{
    const char *section = p->section;
    return !name || strcmp(p->name, name) == 0 || strcmp(section, name) == 0 || (section[0] == '?' && strcmp(section + 1, name) == 0);
}

static cli_exit each_alone(object_state *o, const char *name, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        verify_subject subject;
        verify_answer answer = {0};
        if (!is_wanted(&o->object->object->programs[i], name)) continue;
        close_object(o);
        if (!open_object(o)) return cli_fail_last((cli_exit)VERIFY_UNREADABLE, "the object cannot be opened");
        if (fit_to_host(o, i)) prove_program(o, i, &subject, &answer);
        else refuse_unfit(o, i, &subject, &answer);
        report(o, &subject, &answer);
        verify_answer_free(&answer);
    }
    return verify_exit_code(o->settings);
}

static cli_exit each_program(object_state *o, const char *name)
{
    const pst_object *object = o->object->object;
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < object->program_count; i++) wanted += is_wanted(&object->programs[i], name);
    if (!wanted && name)
        return cli_fail(CLI_MISSING, "%s: no program or section is called %s; `postern show programs %s` lists them", o->path, name, o->path);
    if (!wanted) return cli_fail((cli_exit)VERIFY_UNREADABLE, "%s: there is no program in it", o->path);
    if (!fit_to_host(o, UINT32_MAX)) return each_alone(o, name, object->program_count);
    for (uint32_t i = 0; i < object->program_count; i++) {
        verify_subject subject;
        verify_answer answer = {0};
        if (!is_wanted(&object->programs[i], name)) continue;
        prove_program(o, i, &subject, &answer);
        report(o, &subject, &answer);
        verify_answer_free(&answer);
    }
    return verify_exit_code(o->settings);
}

cli_exit verify_file(verify_settings *settings, const char *path, const char *name)
{
    object_state o = {.settings = settings, .path = path};
    if (!open_object(&o)) return cli_fail_last((cli_exit)VERIFY_UNREADABLE, "the object cannot be opened");
    cli_exit code = each_program(&o, name);
    close_object(&o);
    return code;
}
