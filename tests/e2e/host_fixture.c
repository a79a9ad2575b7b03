// host_fixture.c: see host_fixture.h.
#include "host_fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli_fixture.h"
#include "harness.h"

static void start(host_place *p, const char *option, bool as_nobody)
{
    snprintf(p->folder, sizeof p->folder, "/tmp/postern-host-XXXXXX");
    REQUIRE(mkdtemp(p->folder) != NULL && chmod(p->folder, 0755) == 0);
    snprintf(p->socket, sizeof p->socket, "%s/socket", p->folder);
    snprintf(p->log, sizeof p->log, "%s/log", p->folder);
    const char *argv[] = {PST_POSTERND, "--socket", p->socket, "--verbose", option, NULL};
    if (as_nobody) REQUIRE(chown(p->folder, HOST_NOBODY, HOST_NOBODY) == 0);
    p->host = as_nobody ? cli_start_as_nobody(argv, "/dev/null", p->log) : cli_start(argv, "/dev/null", p->log);
    if (!cli_await(p->log, "ready at")) {
        char *said = cli_slurp(p->log);
        pst_test_fail(__FILE__, __LINE__, "the host does not start: %s", said ? said : "");
        free(said);
    }
    setenv("POSTERN_HOST", p->socket, 1);
}

void host_open(host_place *p, const char *option)
{
    start(p, option, false);
}

void host_open_as_nobody(host_place *p)
{
    start(p, NULL, true);
}

void host_close(host_place *p)
{
    kill(p->host, SIGTERM);
    CHECK_EQ(cli_wait(p->host), 0);
    CHECK_EQ(access(p->socket, F_OK), -1);
    unlink(p->log);
    rmdir(p->folder);
    unsetenv("POSTERN_HOST");
}
