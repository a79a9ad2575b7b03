// command_table.h: the table of commands, what is made of it, and the command line that is read by it.
#ifndef PST_MAIN_COMMAND_TABLE_H
#define PST_MAIN_COMMAND_TABLE_H

#include "cli/cli.h"

extern const cli_command cli_commands[];
extern const size_t cli_command_count;
extern const cli_option cli_global_options[];
extern const size_t cli_global_option_count;
extern const char *const cli_show_topics[]; // ends with NULL

const cli_command *cli_find_command(const char *name);

/// Fills *out from argv[1..]; CLI_USAGE after the sentence.
cli_exit cli_parse(int argc, char **argv, cli_args *out);

cli_exit cli_help(const cli_args *args);
/// The manual of one command, or of the program.
void cli_print_help(const cli_command *command);

#endif
