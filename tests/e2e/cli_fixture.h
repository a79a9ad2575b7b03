// cli_fixture.h: runs `postern` as a process and keeps what it says; checks JSON.
#ifndef PST_TESTS_E2E_CLI_FIXTURE_H
#define PST_TESTS_E2E_CLI_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CLI_OUTPUT_MAX (4u << 20)

typedef struct cli_result {
    int code; // exit code; 128 + n: signal n; -1: it ran out of time
    char *out, *err;
} cli_result;

/// Runs a program (argv[0] is its path) to its end, at most 60 seconds. as_nobody: without any rights.
cli_result cli_execute(const char *const *argv, bool as_nobody);
void cli_result_free(cli_result *result);

/// Starts without waiting; standard output and error go to the files.
pid_t cli_start(const char *const *argv, const char *out_path, const char *err_path);
pid_t cli_start_as_nobody(const char *const *argv, const char *out_path, const char *err_path);
/// Waits at most 60 seconds; the exit code as above.
int cli_wait(pid_t pid);
/// Waits at most 20 seconds until a file contains text.
bool cli_await(const char *path, const char *text);
char *cli_slurp(const char *path);

/// Whether text is exactly one JSON value (RFC 8259) and white space.
bool json_valid(const char *text);
/// Whether each line is one, and there is at least one.
bool json_lines_valid(const char *text);

#endif
