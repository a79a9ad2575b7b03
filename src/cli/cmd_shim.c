// cmd_shim.c: `postern shim`: runs a program whose bpf(2) system calls go to a host.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/exec.h"

#define NAME "libpostern-shim.so"

// Where the library lies: beside the program as it is built, or as it is installed. False: nowhere.
static bool find_library(char *out, size_t size)
{
    static const char *const folders[] = {"../lib", "../lib/postern"};
    char own[CLI_PATH_MAX];
    const char *named = getenv("POSTERN_SHIM");
    // The loader goes on without a library that it does not find, and the program would talk to the kernel.
    if (named && *named) return snprintf(out, size, "%s", named) < (int)size && cli_is_readable(out);
    if (!cli_own_folder(own, sizeof own)) return false;
    for (size_t i = 0; i < PST_COUNT(folders); i++)
        if (snprintf(out, size, "%s/%s/%s", own, folders[i], NAME) < (int)size && cli_is_readable(out)) return true;
    return false;
}

cli_exit cli_shim(const cli_args *args)
{
    char library[CLI_PATH_MAX + 64];
    const char *host = cli_value(args, "host");
    if (!args->rest) return cli_fail(CLI_USAGE, "shim needs a command; usage: postern shim %s", args->command->arguments);
    if (!cli_can_replace_process()) return cli_fail(CLI_FAILED, "shim: this system has no bpf(2) to stand in for");
    if (!find_library(library, sizeof library)) return cli_fail(CLI_MISSING, "%s is neither beside this program nor where POSTERN_SHIM says: set that to its path", NAME);
    if (host) cli_set_variable("POSTERN_HOST", host);
    cli_preload(library);
    int error = cli_replace_process(args->rest);
    return cli_fail(cli_exit_of_errno(error), "%s cannot be started: %s", args->rest[0], strerror(error));
}
