// metrics_server_linux.c: see metrics_server.h. libmicrohttpd (Debian: libmicrohttpd-dev) speaks HTTP; this file knows the one page there is.
#include "cli/metrics_server.h"

#ifdef PST_HAVE_MICROHTTPD
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECTIONS_MAX 16u
#define IDLE_SECONDS_MAX 10u
#define PORT_ANY_ADDRESS "127.0.0.1" // of ":9435": who wants to be heard outside says so

typedef struct page {
    cli_exit (*make)(void *user, pst_text *out);
    void *user;
} page;

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type, const char *bytes, size_t size)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(size, (void *)(uintptr_t)bytes, MHD_RESPMEM_MUST_COPY);
    if (!response) return MHD_NO;
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status, const char *text)
{
    return answer(connection, status, "text/plain; charset=utf-8", text, strlen(text));
}

static enum MHD_Result request(void *user, struct MHD_Connection *connection, const char *url, const char *method, const char *version, const char *upload,
                               size_t *upload_size, void **state)
{
    const page *p = user;
    pst_text out;
    (void)version, (void)upload, (void)upload_size, (void)state;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET is answered\n");
    if (strcmp(url, "/metrics") != 0) return answer_text(connection, MHD_HTTP_NOT_FOUND, "there is /metrics\n");
    pst_text_init(&out, cli_env());
    cli_exit code = p->make(p->user, &out);
    enum MHD_Result result = code == CLI_OK ? answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", pst_text_cstr(&out), out.size)
                                            : answer_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "the host does not answer\n");
    pst_text_free(&out);
    return result;
}

// getaddrinfo takes any number, and the port is then what is left of it.
static bool is_port(const char *text)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && port <= UINT16_MAX;
}

// "1.2.3.4:80", "[::1]:80", ":80".
static bool address_of(const char *where, struct sockaddr_storage *out)
{
    char host[64];
    const char *colon = strrchr(where, ':');
    size_t length = colon ? (size_t)(colon - where) : 0;
    bool brackets = length >= 2 && where[0] == '[' && colon[-1] == ']';
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    if (!colon || length >= sizeof host || !is_port(colon + 1)) return false;
    memcpy(host, where + brackets, length - 2u * brackets);
    host[length - 2u * brackets] = '\0';
    if (getaddrinfo(length ? host : PORT_ANY_ADDRESS, colon + 1, &hints, &found) != 0) return false;
    bool fits = found->ai_addrlen <= sizeof *out;
    if (fits) memcpy(out, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return fits;
}

cli_exit metrics_serve(const char *where, cli_exit (*make)(void *user, pst_text *out), void *user)
{
    page p = {make, user};
    struct sockaddr_storage address = {0};
    sigset_t ends;
    int ended;
    if (!address_of(where, &address)) return cli_fail(CLI_USAGE, "--listen %s: ADDRESS:PORT is expected, in numbers", where);
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &ends, NULL); // before there is another thread that could be given them
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | (address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0u);
    errno = 0;
    struct MHD_Daemon *server = MHD_start_daemon(flags, 0, NULL, NULL, request, &p, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_CONNECTION_LIMIT,
                                                 CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS_MAX, MHD_OPTION_END);
    if (!server) return cli_fail(errno == EACCES ? CLI_DENIED : CLI_FAILED, "--listen %s: %s", where, errno ? strerror(errno) : "it cannot be listened there");
    while (sigwait(&ends, &ended) == EINTR) {}
    MHD_stop_daemon(server);
    return CLI_OK;
}

#else

cli_exit metrics_serve(const char *where, cli_exit (*make)(void *user, pst_text *out), void *user)
{
    (void)make, (void)user;
    return cli_fail(CLI_FAILED, "--listen %s: this build has found no libmicrohttpd (Debian: libmicrohttpd-dev); `postern metrics` prints the same", where);
}

#endif
