// cmd_show.c: `postern show`: tables of what is in an object, read by src/object without any core (only machine code needs one), and of what
// lives in the core at hand.
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "catalog/catalog.h"
#include "cli/show.h"
#include "pal/pal.h"

static const char *attach_name(uint32_t attach_type)
{
    return attach_type == PST_ATTACH_NONE ? "" : pst_attach_type_name(attach_type);
}

// --- Topics with a file ----------------------------------------------------------------------------------------------

static const char *section_type_name(uint32_t type)
{
    static const char *const names[] = {"NULL", "PROGBITS", "SYMTAB", "STRTAB", "RELA", "HASH", "DYNAMIC", "NOTE", "NOBITS", "REL"};
    if (type < PST_COUNT(names)) return names[type];
    return type == 0x6fff4c03 ? "LLVM_ADDRSIG" : "";
}

static cli_exit show_sections(const show_state *s)
{
    static const char *const columns[] = {"name", "kind", "Type", "flags", "Offset", "Size", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    for (uint32_t i = 0; i < s->object->section_count; i++) {
        const pst_object_section *section = &s->object->sections[i];
        cli_table_text(&table, section->name);
        cli_table_text(&table, section_type_name(section->type));
        cli_table_format(&table, "%u", section->type);
        cli_table_format(&table, "%s%s%s", section->flags & 1 ? "W" : "", section->flags & 2 ? "A" : "", section->flags & 4 ? "X" : "");
        cli_table_format(&table, "%llu", (unsigned long long)section->offset);
        cli_table_format(&table, "%llu", (unsigned long long)section->size);
    }
    return cli_table_end(&table, s->args->json);
}

static void type_cell(cli_table *table, const show_state *s, uint32_t type)
{
    pst_text text;
    pst_text_init(&text, cli_env());
    if (s->object->btf && type) pst_btf_type_text(s->object->btf, type, &text);
    cli_table_text(table, pst_text_cstr(&text));
    pst_text_free(&text);
}

static const char *map_note(const show_state *s, const pst_object_map *map)
{
    if (map->is_inner_template) return "inner template";
    if (map->inner >= 0) return s->object->maps[map->inner].name;
    if (map->pin_path) return map->pin_path;
    return map->pinning == PST_PIN_BY_NAME ? "pinned by name" : "";
}

static cli_exit show_maps(const show_state *s)
{
    static const char *const columns[] = {"name", "map type", "Key size", "Value size", "Max entries", "Flags", "key", "value", "section", "note", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    for (uint32_t i = 0; i < s->object->map_count; i++) {
        const pst_object_map *map = &s->object->maps[i];
        const char *type = pst_map_type_name(map->type);
        cli_table_text(&table, map->name);
        cli_table_format(&table, *type ? "%s" : "%s%u", type, map->type);
        cli_table_format(&table, "%u", map->key_size);
        cli_table_format(&table, "%u", map->value_size);
        cli_table_format(&table, "%u", map->max_entries);
        cli_table_format(&table, "0x%x", map->flags);
        type_cell(&table, s, map->btf_key_type);
        type_cell(&table, s, map->btf_value_type);
        cli_table_text(&table, map->section ? map->section : "");
        cli_table_text(&table, map_note(s, map));
    }
    return cli_table_end(&table, s->args->json);
}

static cli_exit show_programs(const show_state *s)
{
    static const char *const columns[] = {"name", "section", "program type", "attach type", "target", "Instructions", "Functions", "Lines", "note", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    for (uint32_t i = 0; i < s->object->program_count; i++) {
        const pst_object_program *program = &s->object->programs[i];
        cli_table_text(&table, program->name);
        cli_table_text(&table, program->section);
        cli_table_text(&table, program->prog_type ? pst_prog_type_name(program->prog_type) : "(none)");
        cli_table_text(&table, attach_name(program->attach_type));
        cli_table_text(&table, program->attach_target ? program->attach_target : "");
        cli_table_format(&table, "%u", program->count);
        cli_table_format(&table, "%u", program->func_count);
        cli_table_format(&table, "%u", program->line_count);
        cli_table_format(&table, "%s%s%s", program->autoload ? "" : "not loaded unless named", program->sleepable ? " sleepable" : "",
                         pst_prog_type_hosted(pst_prog_type_by_number(program->prog_type)) ? "" : " not hosted");
    }
    return cli_table_end(&table, s->args->json);
}

static bool calls(const pst_object_program *program, uint32_t pc, int32_t *id)
{
    pst_insn insn;
    if (pst_insn_decode(&program->slots[pc], program->count - pc, &insn) != PST_DECODE_OK) return false;
    if (insn.kind != PST_KIND_CALL || insn.op != PST_CALL_HELPER) return false;
    *id = (int32_t)insn.imm;
    return true;
}

// Skips the second slots of 64-bit immediates: their bytes mean nothing by themselves.
static uint32_t next_pc(const pst_object_program *program, uint32_t pc)
{
    return pc + (program->slots[pc].opcode == 0x18 ? 2 : 1);
}

static void helper_rows(cli_table *table, const pst_object_program *program)
{
    uint32_t seen[SHOW_HELPERS_MAX] = {0};
    for (uint32_t pc = 0; pc < program->count; pc = next_pc(program, pc)) {
        int32_t id;
        if (calls(program, pc, &id) && id >= 0 && id < SHOW_HELPERS_MAX) seen[id]++;
    }
    const pst_prog_type *type = pst_prog_type_by_number(program->prog_type);
    for (int32_t id = 0; id < SHOW_HELPERS_MAX; id++) {
        if (!seen[id]) continue;
        const pst_helper_proto *proto = type ? pst_prog_type_helper(type, id) : NULL;
        const pst_helper_proto *known = pst_helper_proto_by_id(id);
        cli_table_text(table, program->name);
        cli_table_format(table, "%d", id);
        cli_table_text(table, known ? known->name : "(unknown)");
        cli_table_format(table, "%u", seen[id]);
        cli_table_text(table, !type ? "type not described" : proto ? "yes" : "no");
    }
}

static cli_exit show_file_helpers(const show_state *s)
{
    static const char *const columns[] = {"program", "Id", "helper", "Calls", "allowed", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    for (uint32_t i = 0; i < s->object->program_count; i++) helper_rows(&table, &s->object->programs[i]);
    return cli_table_end(&table, s->args->json);
}

static cli_exit show_file_types(const show_state *s)
{
    static const char *const columns[] = {"program", "section", "Number", "program type", "attach type", "hosted", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    for (uint32_t i = 0; i < s->object->program_count; i++) {
        const pst_object_program *program = &s->object->programs[i];
        cli_table_text(&table, program->name);
        cli_table_text(&table, program->section);
        cli_table_format(&table, "%u", program->prog_type);
        cli_table_text(&table, pst_prog_type_name(program->prog_type));
        cli_table_text(&table, attach_name(program->attach_type));
        cli_table_text(&table, pst_prog_type_hosted(pst_prog_type_by_number(program->prog_type)) ? "yes" : "no");
    }
    return cli_table_end(&table, s->args->json);
}

// --- Topics without ----------------------------------------------------------------------------------------------------

static cli_exit show_all_helpers(const show_state *s)
{
    static const char *const columns[] = {"Id", "helper", "prototype", "program types", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    for (size_t i = 0; i < pst_helper_proto_count(); i++) {
        const pst_helper_proto *proto = pst_helper_proto_at(i);
        pst_text types, text;
        pst_text_init(&types, cli_env());
        pst_text_init(&text, cli_env());
        show_prototype(&text, proto);
        for (size_t t = 0; t < pst_prog_type_count(); t++) { // those that run here: with the others the list were too long to read
            const pst_prog_type *type = pst_prog_type_at(t);
            if (!pst_prog_type_hosted(type) || !pst_prog_type_helper(type, proto->id)) continue;
            pst_text_format(&types, "%s%s", types.size ? " " : "", type->name);
        }
        cli_table_format(&table, "%d", proto->id);
        cli_table_text(&table, proto->name);
        cli_table_text(&table, pst_text_cstr(&text));
        cli_table_text(&table, pst_text_cstr(&types));
        pst_text_free(&types);
        pst_text_free(&text);
    }
    return cli_table_end(&table, s->args->json);
}

static cli_exit show_all_types(const show_state *s)
{
    static const char *const columns[] = {"section", "program type", "attach type", "hosted", "note", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    for (size_t i = 0; i < pst_section_type_count(); i++) {
        const pst_section_type *row = pst_section_type_at(i);
        cli_table_format(&table, "%s%s", row->prefix, row->has_rest ? "[/...]" : "");
        cli_table_text(&table, pst_prog_type_name(row->prog_type));
        cli_table_text(&table, attach_name(row->attach_type));
        cli_table_text(&table, pst_prog_type_hosted(pst_prog_type_by_number(row->prog_type)) ? "yes" : "no");
        cli_table_format(&table, "%s%s", row->sleepable ? "sleepable" : "", row->windows ? "of eBPF for Windows" : "");
    }
    return cli_table_end(&table, s->args->json);
}

// --- The command -------------------------------------------------------------------------------------------------------

typedef struct topic {
    const char *name;
    cli_exit (*with_file)(const show_state *s);    // NULL: it takes no file
    cli_exit (*without_file)(const show_state *s); // NULL: a file is needed
    bool takes_name;
    bool loads; // with_file opens the file itself, in a core
} topic;

static const topic topics[] = {
    {"sections", show_sections, NULL, false, false},
    {"maps", show_maps, show_live_maps, false, false},
    {"programs", show_programs, show_live_programs, false, false},
    {"links", NULL, show_live_links, false, false},
    {"pins", NULL, show_live_pins, false, false},
    {"host", NULL, show_host, false, false},
    {"disassembly", show_disassembly, NULL, true, false},
    {"code", show_machine_code, NULL, true, true},
    {"btf", show_btf, NULL, true, false},
    {"helpers", show_file_helpers, show_all_helpers, false, false},
    {"types", show_file_types, show_all_types, false, false},
    {"groups", show_file_groups, show_all_groups, false, false},
};

static cli_exit exit_of_status(pst_status status)
{
    return status == PST_E_NOMEM ? CLI_FAILED : CLI_REJECTED;
}

static cli_exit open_object(show_state *s)
{
    uint8_t *bytes;
    const uint8_t *object;
    size_t size, object_size;
    pst_native *module;
    cli_exit code = cli_read_file(s->file, PST_OBJECT_BYTES_MAX, &bytes, &size);
    if (code != CLI_OK) return code;
    pst_object_options options = {.size = sizeof options, .file = s->file};
    pst_status status = PST_E_FORMAT;
    if (api_object_source(bytes, size, &object, &object_size, &module)) // what a native module was compiled from
        status = pst_object_open(cli_env(), object, object_size, &options, &s->object);
    pst_native_free(module);
    pst_free(cli_env(), bytes, size + 1);
    return status == PST_OK ? CLI_OK : cli_fail_last(exit_of_status(status), pst_status_text(status));
}

static cli_exit relocate(show_state *s, const char *path)
{
    struct btf *btf = btf__parse(path, NULL);
    if (!btf) return cli_fail_last(cli_exit_of_errno(errno), "the types cannot be read");
    uint32_t size;
    const void *bytes = btf__raw_data(btf, &size);
    pst_object_target target = {.size = sizeof target};
    pst_btf *types = NULL;
    pst_status status = pst_btf_parse(cli_env(), bytes, size, path, &types);
    target.btf = types;
    if (status == PST_OK) status = pst_object_relocate(s->object, &target);
    pst_btf_free(types);
    btf__free(btf);
    return status == PST_OK ? CLI_OK : cli_fail_last(exit_of_status(status), pst_status_text(status));
}

static cli_exit show_file(const topic *t, show_state *s)
{
    const char *btf = cli_value(s->args, "btf");
    if (!t->with_file) return cli_fail(CLI_USAGE, "show %s takes no file: it shows what lives in the core at hand", t->name);
    if (s->name && !t->takes_name) return cli_fail(CLI_USAGE, "show %s takes no name; usage: postern show %s FILE", t->name, t->name);
    if (t->loads) return t->with_file(s);
    static const char *const of_code[] = {"engine", "mode", "harden", "no-harden", "set", "map", "profile", "data", "ctx", "repeat"};
    for (size_t i = 0; i < PST_COUNT(of_code); i++)
        if (cli_value(s->args, of_code[i])) return cli_fail(CLI_USAGE, "--%s is for show code, not for show %s", of_code[i], t->name);
    cli_exit code = open_object(s);
    if (code == CLI_OK && btf) code = relocate(s, btf);
    if (code == CLI_OK) code = t->with_file(s);
    pst_object_close(s->object);
    return code;
}

cli_exit cli_show(const cli_args *args)
{
    show_state s = {.args = args, .file = args->argument[1], .name = args->argument[2]};
    for (size_t i = 0; i < PST_COUNT(topics); i++) {
        if (strcmp(topics[i].name, args->argument[0]) != 0) continue;
        if (s.file) return show_file(&topics[i], &s);
        if (topics[i].without_file) return topics[i].without_file(&s);
        return cli_fail(CLI_USAGE, "show %s needs a file; usage: postern show %s FILE", topics[i].name, topics[i].name);
    }
    return cli_fail(CLI_USAGE, "there is nothing to show by the name of %s; topics are sections, maps, programs, links, pins, host, disassembly, code, btf, helpers, types, groups",
                    args->argument[0]);
}
