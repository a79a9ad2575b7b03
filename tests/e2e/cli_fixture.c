// cli_fixture.c: processes for tests of `postern`: started, waited for with a limit, never left behind.
#include "cli_fixture.h"

#include <fcntl.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOBODY 65534

static void nap(void)
{
    struct timespec ten_ms = {.tv_nsec = 10000000};
    nanosleep(&ten_ms, NULL);
}

static pid_t start(const char *const *argv, int out, int err, bool as_nobody)
{
    pid_t pid = fork();
    if (pid) return pid;
    int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(out, 1);
    dup2(err, 2);
    for (int fd = 3; fd < 256; fd++) close(fd); // a program's first descriptor is then 3, as when a shell starts it
    if (as_nobody && (setgid(NOBODY) || setuid(NOBODY))) _exit(126);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

int cli_wait(pid_t pid)
{
    int status;
    for (int i = 0; i < 6000; i++) {
        pid_t done = waitpid(pid, &status, WNOHANG);
        if (done == pid) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        nap();
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return -1;
}

static char *read_all(int fd)
{
    char *text = calloc(1, CLI_OUTPUT_MAX);
    ssize_t size = text ? pread(fd, text, CLI_OUTPUT_MAX - 1, 0) : -1;
    if (size >= 0) text[size] = '\0';
    close(fd);
    return text;
}

// An unnamed file: no pipe can fill up.
static int scratch(void)
{
    char path[] = "/tmp/postern-cli-XXXXXX";
    int fd = mkstemp(path);
    if (fd >= 0) unlink(path);
    return fd;
}

// Without the lines in which a program built for coverage says that it may not write its counts.
static void drop_coverage_lines(char *text)
{
    char *to = text;
    for (char *line = text; *line;) {
        size_t length = strcspn(line, "\n") + (strchr(line, '\n') != NULL);
        if (strncmp(line, "profiling:", 10) != 0) {
            memmove(to, line, length);
            to += length;
        }
        line += length;
    }
    *to = '\0';
}

cli_result cli_execute(const char *const *argv, bool as_nobody)
{
    int out = scratch(), err = scratch();
    cli_result result = {.code = -1};
    if (out >= 0 && err >= 0) result.code = cli_wait(start(argv, out, err, as_nobody));
    result.out = read_all(out);
    result.err = read_all(err);
    if (result.err) drop_coverage_lines(result.err);
    return result;
}

void cli_result_free(cli_result *result)
{
    free(result->out);
    free(result->err);
}

static pid_t start_into_files(const char *const *argv, const char *out_path, const char *err_path, bool as_nobody)
{
    int out = open(out_path, O_CREAT | O_TRUNC | O_WRONLY, 0600), err = open(err_path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    pid_t pid = start(argv, out, err, as_nobody);
    close(out);
    close(err);
    return pid;
}

pid_t cli_start(const char *const *argv, const char *out_path, const char *err_path)
{
    return start_into_files(argv, out_path, err_path, false);
}

pid_t cli_start_as_nobody(const char *const *argv, const char *out_path, const char *err_path)
{
    return start_into_files(argv, out_path, err_path, true);
}

char *cli_slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    return fd < 0 ? calloc(1, 1) : read_all(fd);
}

bool cli_await(const char *path, const char *text)
{
    for (int i = 0; i < 2000; i++) {
        char *content = cli_slurp(path);
        bool found = content && strstr(content, text);
        free(content);
        if (found) return true;
        nap();
    }
    return false;
}
