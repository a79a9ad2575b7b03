// unsupported.c: systems where no program can take this one's place, and no interface carries programs; nothing is served.
#include <errno.h>

#include "cli/exec.h"
#include "cli/interface.h"
#include "cli/metrics_server.h"

bool cli_can_replace_process(void)
{
    return false;
}

bool cli_own_folder(char *out, size_t size)
{
    (void)out, (void)size;
    return false;
}

bool cli_is_readable(const char *path)
{
    (void)path;
    return false;
}

void cli_set_variable(const char *name, const char *value)
{
    (void)name, (void)value;
}

void cli_preload(const char *library)
{
    (void)library;
}

int cli_replace_process(char *const *argv)
{
    (void)argv;
    return ENOSYS;
}

uint32_t cli_interface_index(const char *name)
{
    (void)name;
    return 0;
}

cli_exit metrics_serve(const char *where, cli_exit (*make)(void *user, pst_text *out), void *user)
{
    (void)make, (void)user;
    return cli_fail(CLI_FAILED, "--listen %s: metrics are served on Linux only; `postern metrics` prints the same", where);
}
