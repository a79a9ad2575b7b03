// server_linux.c: the socket, who may use it, and the thread that accepts connections and watches handles.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/server.h"

#define EVENTS_MAX 64
#define ACTIVATED_FD 3 // the first descriptor of socket activation

// --- The socket ----------------------------------------------------------------------------------------------------

static bool address_of(const char *path, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof out->sun_path) return false;
    memcpy(out->sun_path, path, length);
    return true;
}

// A socket file that nobody listens at is left over from a host that was killed.
static pst_status remove_stale(const host_server *server, const struct sockaddr_un *address)
{
    struct stat info;
    if (lstat(address->sun_path, &info) != 0) return PST_OK;
    if (!S_ISSOCK(info.st_mode))
        return pst_fail(server->env, PST_E_EXISTS, "%s exists and is no socket: choose another --socket", address->sun_path);
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool alive = probe >= 0 && connect(probe, (const struct sockaddr *)address, sizeof *address) == 0;
    if (probe >= 0) close(probe);
    if (alive) return pst_fail(server->env, PST_E_BUSY, "another host listens at %s", address->sun_path);
    return unlink(address->sun_path) == 0 ? PST_OK : pst_fail(server->env, PST_E_DENIED, "cannot remove the stale socket %s: %s", address->sun_path, strerror(errno));
}

// From a service manager, which has made the socket (LISTEN_FDS, for this process).
static bool activated(host_server *server)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    if (!pid || !count || strtol(pid, NULL, 10) != getpid() || strtol(count, NULL, 10) != 1) return false;
    (void)fcntl(ACTIVATED_FD, F_SETFD, FD_CLOEXEC);
    server->listener = ACTIVATED_FD;
    return true;
}

static pst_status socket_open(host_server *server)
{
    const char *path = server->options->socket_path;
    struct sockaddr_un address;
    if (activated(server)) return PST_OK;
    if (!address_of(path, &address)) return pst_fail(server->env, PST_E_INVALID, "--socket: a path of 1 to %zu bytes", sizeof address.sun_path - 1);
    PST_TRY(remove_stale(server, &address));
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t old = umask(0177);
    bool bound = server->listener >= 0 && bind(server->listener, (const struct sockaddr *)&address, sizeof address) == 0;
    int error = errno;
    umask(old);
    server->is_bound = bound;
    if (!bound) return pst_fail(server->env, PST_E_IO, "cannot listen at %s: %s", path, strerror(error));
    if (server->group != UINT32_MAX && chown(path, (uid_t)-1, server->group) != 0)
        return pst_fail(server->env, PST_E_DENIED, "cannot give %s to the group: %s", path, strerror(errno));
    if (chmod(path, server->options->open ? 0666 : 0660) != 0 || listen(server->listener, 128) != 0)
        return pst_fail(server->env, PST_E_IO, "cannot listen at %s: %s", path, strerror(errno));
    return PST_OK;
}

static pst_status group_find(host_server *server)
{
    const char *name = server->options->group;
    server->group = UINT32_MAX;
    if (!name) return PST_OK;
    const struct group *found = getgrnam(name);
    if (!found) return pst_fail(server->env, PST_E_NOTFOUND, "there is no group \"%s\": add it, or leave --group out", name);
    server->group = found->gr_gid;
    return PST_OK;
}

// --- Events --------------------------------------------------------------------------------------------------------

static bool watch(const host_server *server, int fd, void *tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};
    return fd >= 0 && epoll_ctl(server->poll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static pst_status events_open(host_server *server)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0) return PST_E_IO;
    server->poll = epoll_create1(EPOLL_CLOEXEC);
    server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool fine = server->poll >= 0 && watch(server, server->listener, &server->listener) && watch(server, server->signals, &server->signals) &&
                watch(server, server->wake, &server->wake);
    return fine ? PST_OK : pst_fail(server->env, PST_E_IO, "cannot watch the socket: %s", strerror(errno));
}

static void accept_all(host_server *server)
{
    for (;;) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            host_conn_open(server, fd);
        } else if (errno != EINTR) {
            if (errno != EAGAIN) pst_log(server->env, PST_LOG_WARN, "a connection cannot be accepted: %s", strerror(errno));
            if (errno == EMFILE || errno == ENFILE) pst_pal_sleep_ns(10000000); // it stays readable
            return;
        }
    }
}

static void handle_hangup(host_server *server, void *watched)
{
    switch (*(const host_watched *)watched) {
    case HOST_WATCHED_CONN: pst_client_cancel(((host_conn *)watched)->client); break; // its thread sees the rest by itself
    case HOST_WATCHED_GRANT: host_grant_end(server, watched); break;
    }
}

// False: the host ends. *ended: a connection's thread has.
static bool handle_event(host_server *server, const struct epoll_event *event, bool *ended)
{
    uint64_t count;
    if (event->data.ptr == &server->signals) return false;
    if (event->data.ptr == &server->listener) {
        accept_all(server);
    } else if (event->data.ptr == &server->wake) {
        while (read(server->wake, &count, sizeof count) > 0) {}
        *ended = true;
    } else if (event->events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR)) {
        handle_hangup(server, event->data.ptr);
    }
    return true;
}

static void serve(host_server *server)
{
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        bool ended = false;
        int count = epoll_wait(server->poll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++)
            if (!handle_event(server, &events[i], &ended)) return;
        if (count < 0 && errno != EINTR) return;
        if (ended) host_conns_reap(server, false); // last: another event of this round may be about one of them
    }
}

// --- Beginning and end -----------------------------------------------------------------------------------------------

static void descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void server_close(host_server *server)
{
    host_conns_reap(server, true);
    host_grants_free(server);
    pst_client_free(server->keeper);
    if (server->listener >= 0) close(server->listener);
    if (server->is_bound) (void)unlink(server->options->socket_path);
    if (server->signals >= 0) close(server->signals);
    if (server->wake >= 0) close(server->wake);
    if (server->poll >= 0) close(server->poll);
    pst_pal_mutex_free(server->lock);
}

pst_status host_run(const pst_env *env, pst_core *core, const host_options *options)
{
    host_server server = {.env = env, .options = options, .core = core, .listener = -1, .poll = -1, .signals = -1, .wake = -1};
    descriptors_raise();
    PST_TRY(pst_pal_mutex_create(env, &server.lock));
    pst_status status = group_find(&server);
    if (status == PST_OK) status = pst_client_create(core, &server.keeper);
    if (status == PST_OK) status = socket_open(&server);
    if (status == PST_OK) status = events_open(&server);
    if (status == PST_OK) {
        if (options->ready) options->ready(options->user);
        serve(&server);
    }
    server_close(&server);
    return status;
}
