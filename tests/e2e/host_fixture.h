// host_fixture.h: a posternd of one's own, in a folder of its own.
#ifndef PST_TESTS_E2E_HOST_FIXTURE_H
#define PST_TESTS_E2E_HOST_FIXTURE_H

#include <sys/types.h>

#define HOST_NOBODY 65534

typedef struct host_place {
    char folder[64], socket[96], log[96];
    pid_t host;
} host_place;

/// Starts a host with one more option (NULL: none) and waits until it is ready; POSTERN_HOST names it from then on.
void host_open(host_place *p, const char *option);
/// The same, the host run by a user without rights (id HOST_NOBODY).
void host_open_as_nobody(host_place *p);
/// Ends it, and checks that it ends well.
void host_close(host_place *p);

#endif
