// main.c: the program `postern`: parses the command line and calls the command.
#include <stdio.h>

#include "main/command_table.h"

static cli_exit dispatch(const cli_args *args)
{
    if (args->version) {
        printf("postern %s\n", postern_version());
        return CLI_OK;
    }
    if (args->help || !args->command) {
        cli_print_help(args->command);
        return CLI_OK;
    }
    return args->command->run(args);
}

int main(int argc, char **argv)
{
    static cli_args args; // too large for a stack
    cli_exit code = cli_parse(argc, argv, &args);
    if (code != CLI_OK) return (int)code;
    cli_route_messages(args.verbose);
    code = dispatch(&args);
    postern_shutdown();
    // A full disk or a closed pipe must not look like success.
    if ((fflush(stdout) || ferror(stdout)) && code == CLI_OK) code = cli_fail(CLI_FAILED, "standard output cannot be written");
    return (int)code;
}
