// show_group.c: `postern show groups`: which conformance groups of RFC 9669 a program needs, and where it first does.
#include "cli/show.h"

#define NO_INSTRUCTION PST_GROUP_COUNT // what does not decode is counted behind the groups

typedef struct group_use {
    uint32_t count, first; // instructions; pc of the first
} group_use;

static uint32_t count_at(const pst_object_program *program, uint32_t pc, group_use uses[PST_GROUP_COUNT + 1])
{
    pst_insn insn;
    bool known = pst_insn_decode(&program->slots[pc], program->count - pc, &insn) == PST_DECODE_OK;
    group_use *use = &uses[known ? pst_insn_group(&insn) : NO_INSTRUCTION];
    if (use->count++ == 0) use->first = pc;
    return known && insn.kind == PST_KIND_IMM64 ? 2 : 1;
}

static void first_cell(cli_table *table, const pst_object_program *program, uint32_t pc)
{
    pst_text text;
    pst_insn insn;
    pst_text_init(&text, cli_env());
    pst_decode_result result = pst_insn_decode(&program->slots[pc], program->count - pc, &insn);
    if (result == PST_DECODE_OK) pst_disasm_insn(&text, &insn, pc, NULL);
    else pst_text_add(&text, pst_decode_text(result));
    cli_table_text(table, pst_text_cstr(&text));
    pst_text_free(&text);
}

static void program_rows(cli_table *table, const pst_object_program *program)
{
    group_use uses[PST_GROUP_COUNT + 1] = {0};
    for (uint32_t pc = 0; pc < program->count;) pc += count_at(program, pc, uses);
    for (uint32_t group = 0; group <= NO_INSTRUCTION; group++) {
        if (!uses[group].count) continue;
        cli_table_text(table, program->name);
        cli_table_text(table, group == NO_INSTRUCTION ? "(no instruction)" : pst_group_name((pst_group)group));
        cli_table_format(table, "%u", uses[group].count);
        cli_table_format(table, "%u", uses[group].first);
        first_cell(table, program, uses[group].first);
    }
}

cli_exit show_file_groups(const show_state *s)
{
    static const char *const columns[] = {"program", "group", "Instructions", "First", "first instruction", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    for (uint32_t i = 0; i < s->object->program_count; i++) program_rows(&table, &s->object->programs[i]);
    return cli_table_end(&table, s->args->json);
}

cli_exit show_all_groups(const show_state *s)
{
    static const char *const columns[] = {"group", "includes", "what is in it", NULL};
    cli_table table;
    cli_table_begin(&table, columns);
    for (uint32_t i = 0; i < PST_GROUP_COUNT; i++) {
        pst_group includes = pst_group_includes((pst_group)i);
        cli_table_text(&table, pst_group_name((pst_group)i));
        cli_table_text(&table, includes == PST_GROUP_none ? "" : pst_group_name(includes));
        cli_table_text(&table, pst_group_text((pst_group)i));
    }
    return cli_table_end(&table, s->args->json);
}
