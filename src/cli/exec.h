// exec.h: becoming another program, for `postern shim`. exec_linux.c has it; elsewhere there is none (unsupported.c).
#ifndef PST_CLI_EXEC_H
#define PST_CLI_EXEC_H

#include <stdbool.h>
#include <stddef.h>

#define CLI_PATH_MAX 4096

/// False: the functions below do nothing here.
bool cli_can_replace_process(void);
/// The folder of this program's file.
bool cli_own_folder(char *out, size_t size);
bool cli_is_readable(const char *path);
void cli_set_variable(const char *name, const char *value);
/// Puts library in front of those that the next program preloads.
void cli_preload(const char *library);
/// Becomes argv[0], looked up as a shell does. Returns an errno when that fails.
int cli_replace_process(char *const *argv);

#endif
