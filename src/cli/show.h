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
cli_exit show_btf(const show_state *s);         // show_btf.c
cli_exit show_file_groups(const show_state *s); // show_group.c
cli_exit show_all_groups(const show_state *s);
/// "integer (map, map key, map value, anything)"
void show_prototype(pst_text *out, const pst_helper_proto *proto); // show_helper.c

#endif
