// show.h: the state of `postern show` and its larger topics.
#ifndef PST_CLI_SHOW_H
#define PST_CLI_SHOW_H

#include "catalog/catalog.h"
#include "cli/cli.h"

#define SHOW_HELPERS_MAX 1024 // ids of Linux's helpers are far below

typedef struct show_state {
    const cli_args *args;
    const char *file;
    const char *name; // third argument, NULL: none
    pst_object *object;
} show_state;

cli_exit show_disassembly(const show_state *s); // show_code.c
cli_exit show_machine_code(const show_state *s); // show_machine.c: without s->object, it opens and loads the file itself
cli_exit show_btf(const show_state *s);         // show_btf.c
cli_exit show_file_groups(const show_state *s); // show_group.c
cli_exit show_all_groups(const show_state *s);
/// Of the core at hand (show_live.c).
cli_exit show_live_programs(const show_state *s);
cli_exit show_live_maps(const show_state *s);
cli_exit show_live_links(const show_state *s);
cli_exit show_live_pins(const show_state *s);
cli_exit show_host(const show_state *s);

// --- Parts of listings (show_code.c) -----------------------------------------------------------------------------------

/// Appends the instruction at pc as text; returns how many slots it takes.
uint32_t show_insn(const pst_object *object, const pst_object_program *program, uint32_t pc, pst_text *out);
/// Appends the source line that begins at pc as a line of a listing, if one does.
void show_source(const pst_object *object, const pst_object_program *program, uint32_t pc, pst_text *out);
/// The function, or the row of line information, that begins at pc, or NULL.
const char *show_function_at(const pst_object_program *program, size_t pc);
const pst_object_line *show_line_at(const pst_object_program *program, uint32_t pc);
/// text without the white space in front.
const char *show_trimmed(const char *text);

/// "integer (map, map key, map value, anything)"
void show_prototype(pst_text *out, const pst_helper_proto *proto); // show_helper.c

#endif
