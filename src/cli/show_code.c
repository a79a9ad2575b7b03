// show_code.c: `postern show disassembly`: instructions with the names of maps, helpers and functions, and the source between them. The text of
// an instruction and its source line are also what show_machine.c puts beside machine code.
#include <string.h>

#include "cli/show.h"

typedef struct code_names {
    const pst_object *object;
    const pst_object_program *program;
} code_names;

static const pst_object_ref *ref_at(const pst_object_program *program, size_t pc)
{
    for (uint32_t i = 0; i < program->ref_count; i++)
        if (program->refs[i].pc == pc) return &program->refs[i];
    return NULL;
}

static const char *helper_name(void *user, int32_t id)
{
    const pst_helper_proto *proto = pst_helper_proto_by_id(id);
    return proto ? proto->name : NULL;
}

static const char *map_name(void *user, size_t pc, const pst_insn *insn)
{
    const code_names *names = user;
    const pst_object_ref *ref = ref_at(names->program, pc);
    if (!ref || (ref->kind != PST_REF_MAP && ref->kind != PST_REF_MAP_VALUE)) return NULL;
    return names->object->maps[ref->index].name;
}

const char *show_function_at(const pst_object_program *program, size_t pc)
{
    for (uint32_t i = 0; i < program->func_count; i++)
        if (program->funcs[i].pc == pc) return program->funcs[i].name;
    return NULL;
}

static const char *func_name(void *user, size_t pc)
{
    const code_names *names = user;
    return show_function_at(names->program, pc);
}

const pst_object_line *show_line_at(const pst_object_program *program, uint32_t pc)
{
    for (uint32_t i = 0; i < program->line_count; i++)
        if (program->lines[i].pc == pc) return &program->lines[i];
    return NULL;
}

const char *show_trimmed(const char *text)
{
    while (*text == ' ' || *text == '\t') text++;
    return text;
}

uint32_t show_insn(const pst_object *object, const pst_object_program *program, uint32_t pc, pst_text *out)
{
    code_names names = {object, program};
    pst_disasm_names with = {.user = &names, .helper = helper_name, .map = map_name, .subprog = func_name};
    pst_insn insn;
    pst_decode_result result = pst_insn_decode(&program->slots[pc], program->count - pc, &insn);
    const pst_object_ref *ref = ref_at(program, pc);
    if (result != PST_DECODE_OK) {
        pst_text_format(out, "(opcode 0x%02x: %s)", program->slots[pc].opcode, pst_decode_text(result));
        return 1;
    }
    pst_disasm_insn(out, &insn, pc, &with);
    if (ref && (ref->kind == PST_REF_KFUNC || ref->kind == PST_REF_KSYM)) pst_text_format(out, "  // %s", object->externs[ref->index].name);
    return insn.kind == PST_KIND_IMM64 ? 2 : 1;
}

static void bytes_text(const pst_object_program *program, uint32_t pc, uint32_t slots, pst_text *out)
{
    const uint8_t *bytes = (const void *)&program->slots[pc];
    for (uint32_t i = 0; i < slots * PST_SLOT_SIZE; i++) pst_text_format(out, "%02x", bytes[i]);
}

// --- Text ------------------------------------------------------------------------------------------------------------

void show_source(const pst_object *object, const pst_object_program *program, uint32_t pc, pst_text *out)
{
    const pst_object_line *line = show_line_at(program, pc);
    if (!line || !object->btf) return;
    const char *text = show_trimmed(pst_btf_string(object->btf, line->text_off)), *file = pst_btf_string(object->btf, line->file_off);
    const char *base = strrchr(file, '/');
    pst_text_format(out, "%s        ; %s%s// %s:%u%s\n", cli_colour_on(CLI_DIM), text, *text ? "  " : "", base ? base + 1 : file, line->line, cli_colour_off());
}

static void program_text(const show_state *s, const pst_object_program *program)
{
    pst_text out;
    pst_text_init(&out, cli_env());
    pst_text_format(&out, "%s%s%s (section %s, %u instructions)\n", cli_colour_on(CLI_BOLD), program->name, cli_colour_off(), program->section,
                    program->count);
    for (uint32_t pc = 0; pc < program->count;) {
        const char *function = show_function_at(program, pc);
        if (function) pst_text_format(&out, "%s%s:%s\n", cli_colour_on(CLI_CYAN), function, cli_colour_off());
        show_source(s->object, program, pc, &out);
        pst_text_format(&out, "%6u: ", pc);
        pc += show_insn(s->object, program, pc, &out);
        if (pc < program->count) pst_text_add(&out, "\n");
    }
    cli_emit(&out);
}

// --- JSON ------------------------------------------------------------------------------------------------------------

static void insn_json(const show_state *s, const pst_object_program *program, uint32_t *pc, pst_json *json)
{
    const pst_object_line *line = show_line_at(program, *pc);
    pst_text text, bytes;
    pst_text_init(&text, cli_env());
    pst_text_init(&bytes, cli_env());
    uint32_t slots = show_insn(s->object, program, *pc, &text);
    bytes_text(program, *pc, slots, &bytes);
    pst_json_object_begin(json);
    pst_json_key(json, "pc");
    pst_json_u64(json, *pc);
    pst_json_key(json, "bytes");
    pst_json_string(json, pst_text_cstr(&bytes));
    pst_json_key(json, "text");
    pst_json_string(json, pst_text_cstr(&text));
    if (line && s->object->btf) {
        pst_json_key(json, "file");
        pst_json_string(json, pst_btf_string(s->object->btf, line->file_off));
        pst_json_key(json, "line");
        pst_json_u64(json, line->line);
        pst_json_key(json, "source");
        pst_json_string(json, show_trimmed(pst_btf_string(s->object->btf, line->text_off)));
    }
    pst_json_object_end(json);
    pst_text_free(&text);
    pst_text_free(&bytes);
    *pc += slots;
}

static void program_json(const show_state *s, const pst_object_program *program, pst_json *json)
{
    pst_json_object_begin(json);
    pst_json_key(json, "program");
    pst_json_string(json, program->name);
    pst_json_key(json, "section");
    pst_json_string(json, program->section);
    pst_json_key(json, "instructions");
    pst_json_array_begin(json);
    for (uint32_t pc = 0; pc < program->count;) insn_json(s, program, &pc, json);
    pst_json_array_end(json);
    pst_json_object_end(json);
}

static bool is_wanted(const show_state *s, const pst_object_program *program)
{
    const char *section = program->section;
    if (!s->name) return true;
    return strcmp(program->name, s->name) == 0 || strcmp(section, s->name) == 0 || (section[0] == '?' && strcmp(section + 1, s->name) == 0);
}

cli_exit show_disassembly(const show_state *s)
{
    uint32_t shown = 0;
    pst_text text;
    pst_json json;
    pst_text_init(&text, cli_env());
    pst_json_init(&json, &text, true);
    if (s->args->json) pst_json_array_begin(&json);
    for (uint32_t i = 0; i < s->object->program_count; i++) {
        if (!is_wanted(s, &s->object->programs[i])) continue;
        if (s->args->json)
            program_json(s, &s->object->programs[i], &json);
        else
            program_text(s, &s->object->programs[i]);
        shown++;
    }
    if (!shown && s->name) {
        pst_text_free(&text);
        return cli_fail(CLI_MISSING, "%s: no program or section is called %s; `postern show programs %s` lists them", s->file, s->name, s->file);
    }
    if (s->args->json) {
        pst_json_array_end(&json);
        cli_emit(&text);
    } else {
        pst_text_free(&text);
    }
    return CLI_OK;
}
