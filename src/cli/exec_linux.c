// exec_linux.c: see exec.h.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/exec.h"

bool cli_can_replace_process(void)
{
    return true;
}

bool cli_own_folder(char *out, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", out, size);
    if (length <= 0 || (size_t)length >= size) return false;
    out[length] = '\0';
    char *slash = strrchr(out, '/');
    if (!slash) return false;
    *slash = '\0';
    return true;
}

bool cli_is_readable(const char *path)
{
    return access(path, R_OK) == 0;
}

void cli_set_variable(const char *name, const char *value)
{
    (void)setenv(name, value, 1);
}

void cli_preload(const char *library)
{
    char list[2 * CLI_PATH_MAX];
    const char *before = getenv("LD_PRELOAD");
    bool more = before && *before;
    (void)snprintf(list, sizeof list, "%s%s%s", library, more ? ":" : "", more ? before : "");
    (void)setenv("LD_PRELOAD", list, 1);
}

int cli_replace_process(char *const *argv)
{
    (void)execvp(argv[0], argv);
    return errno;
}
