// metrics_server.h: metrics over HTTP, for `postern metrics --listen`. metrics_server_linux.c has it where the build has found libmicrohttpd; elsewhere
// there is none (unsupported.c).
#ifndef PST_CLI_METRICS_SERVER_H
#define PST_CLI_METRICS_SERVER_H

#include "cli/cli.h"

/// Answers GET of /metrics at "ADDRESS:PORT" (numbers; "[::1]:9435" for IPv6) with what make appends, until SIGINT or SIGTERM. make is called on one thread at
/// a time; anything but CLI_OK becomes 503.
cli_exit metrics_serve(const char *where, cli_exit (*make)(void *user, pst_text *out), void *user);

#endif
