// conn_linux.c: a connection: who is there, its requests one after the other, the answers with their descriptors.
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bits.h"
#include "host/server.h"
#include "remote/stream.h"

#define GROUPS_MAX 256

// --- Requests ----------------------------------------------------------------------------------------------------

static pst_status serve_describe(host_conn *conn, const wire_request *request, int fd, host_answer *out)
{
    int64_t result = fd >= 0 ? host_grant_find(conn, fd) : -PST_EBADF;
    pst_handle_shape shape = {0};
    if (result >= 0 && !pst_client_shape(conn->client, (int)result, &shape)) result = -PST_EBADF;
    PST_TRY(host_answer_plain(conn->server->env, request, result, result < 0 ? "the descriptor is no handle of this host" : NULL, out));
    wire_answer header;
    memcpy(&header, out->bytes, sizeof header);
    header.shape = (wire_shape){shape.kind, shape.map_type, shape.key_size, shape.value_size};
    memcpy(out->bytes, &header, sizeof header);
    return PST_OK;
}

static pst_status serve_client_next(host_conn *conn, const wire_request *request, host_answer *out)
{
    host_server *server = conn->server;
    uint32_t next = UINT32_MAX;
    if (!conn->identity.privileged)
        return host_answer_plain(server->env, request, -PST_EPERM, "who else uses the host is told to root and to the host's group", out);
    pst_pal_mutex_lock(server->lock);
    for (const host_conn *other = server->conns; other; other = other->next) {
        uint32_t pid = (uint32_t)other->pid;
        if (!PST_ATOMIC_LOAD(&other->done) && other->pid > 0 && pid > request->cmd && pid < next) next = pid;
    }
    pst_pal_mutex_unlock(server->lock);
    return host_answer_plain(server->env, request, next == UINT32_MAX ? -PST_ENOENT : (int64_t)next, NULL, out);
}

static pst_status serve_one(host_conn *conn, const wire_request *request, const uint8_t *frame, int fd, host_answer *out)
{
    const pst_env *env = conn->server->env;
    if (request->op == WIRE_HELLO) {
        bool fits = request->cmd == WIRE_VERSION;
        return host_answer_plain(env, request, fits ? 0 : -PST_EOPNOTSUPP, fits ? NULL : "the host speaks version 1 of its protocol", out);
    }
    if (request->op == WIRE_DESCRIBE) return serve_describe(conn, request, fd, out);
    if (request->op == WIRE_CLIENT_NEXT) return serve_client_next(conn, request, out);
    return host_serve(env, conn->server->core, conn->client, frame, request->size, out);
}

// The descriptors that go with an answer, and how many. Without room for a new handle the answer becomes a refusal.
static size_t descriptors_for(host_conn *conn, const wire_request *request, host_answer *answer, int fds[WIRE_DESCRIPTORS_MAX])
{
    size_t count = answer->share.count;
    for (size_t i = 0; i < count; i++) fds[i] = (int)answer->share.handles[i];
    if (answer->new_handle >= 0) {
        fds[0] = host_grant_new(conn, (int)answer->new_handle);
        count = fds[0] >= 0;
    }
    if (answer->new_handle >= 0 && count == 0) {
        pst_free(conn->server->env, answer->bytes, answer->capacity);
        if (host_answer_plain(conn->server->env, request, -PST_EMFILE, "there are too many handles: close some", answer) != PST_OK) answer->bytes = NULL;
        return 0;
    }
    wire_answer header;
    memcpy(&header, answer->bytes, sizeof header);
    header.descriptors = (uint16_t)count;
    memcpy(answer->bytes, &header, sizeof header);
    return count;
}

// One request and its answer; false: the connection ends.
static bool serve_next(host_conn *conn)
{
    const pst_env *env = conn->server->env;
    uint8_t head[sizeof(wire_request)];
    wire_request request;
    stream_descriptors came = {0};
    if (!stream_read(conn->fd, head, sizeof head, &came) || host_request_read(head, sizeof head, &request) != PST_OK) {
        stream_descriptors_close(&came);
        return false;
    }
    host_answer answer = {0};
    uint8_t *frame = pst_alloc(env, request.size);
    bool fine = frame != NULL;
    if (fine) {
        memcpy(frame, head, sizeof head);
        fine = stream_read(conn->fd, frame + sizeof head, request.size - sizeof head, &came) &&
               serve_one(conn, &request, frame, came.count > 0 ? came.fds[0] : -1, &answer) == PST_OK;
    }
    pst_free(env, frame, frame ? request.size : 0);
    stream_descriptors_close(&came);
    if (!fine) return false;
    int fds[WIRE_DESCRIPTORS_MAX];
    size_t count = descriptors_for(conn, &request, &answer, fds);
    fine = answer.bytes && stream_send(conn->fd, answer.bytes, answer.size, fds, count);
    for (size_t i = 0; i < count; i++) close(fds[i]); // the client has its own now, or nobody has
    pst_free(env, answer.bytes, answer.bytes ? answer.capacity : 0);
    return fine;
}

static void conn_body(void *arg)
{
    host_conn *conn = arg;
    while (serve_next(conn)) {}
    (void)shutdown(conn->fd, SHUT_RDWR);
    host_grants_forget(conn);
    PST_ATOMIC_STORE(&conn->done, true);
    uint64_t one = 1;
    while (write(conn->server->wake, &one, sizeof one) < 0 && errno == EINTR) {}
}

// --- Coming and going ----------------------------------------------------------------------------------------------

static bool in_group(int fd, uint32_t gid, uint32_t group)
{
    gid_t groups[GROUPS_MAX];
    socklen_t size = sizeof groups;
    if (group == UINT32_MAX) return false;
    if (gid == group) return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0) return false;
    for (size_t i = 0; i < size / sizeof *groups; i++)
        if (groups[i] == group) return true;
    return false;
}

static const char *identify(const host_server *server, int fd, host_conn *conn)
{
    struct ucred who;
    socklen_t size = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return "it cannot be told who it is";
    conn->pid = who.pid;
    conn->identity = (pst_client_identity){.uid = who.uid, .privileged = who.uid == 0 || who.uid == geteuid() || in_group(fd, who.gid, server->group)};
    if (conn->identity.privileged) return NULL;
    if (!server->options->open) return "only root, the host's own user and its group may connect";
    uint32_t own = 0;
    for (const host_conn *other = server->conns; other; other = other->next) own += other->identity.uid == who.uid && !PST_ATOMIC_LOAD(&other->done);
    return own < HOST_CONNECTIONS_OF_USER_MAX ? NULL : "its user has too many connections";
}

static const char *conn_admit(host_server *server, host_conn *conn)
{
    const char *refused = server->conn_count < HOST_CONNECTIONS_MAX ? identify(server, conn->fd, conn) : "there are too many connections";
    if (refused) return refused;
    if (pst_client_create(server->core, &conn->client) != PST_OK) return "there is no memory";
    pst_client_identify(conn->client, &conn->identity);
    pst_client_number_from(conn->client, WIRE_HANDLE_FIRST);
    return NULL;
}

// In the list before its thread begins: its first request may be who is connected. Its hang-up, which its thread does not see while it serves a request,
// is watched for.
static const char *conn_start(host_server *server, host_conn *conn)
{
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.ptr = conn};
    if (epoll_ctl(server->poll, EPOLL_CTL_ADD, conn->fd, &event) != 0) return "it cannot be watched";
    pst_pal_mutex_lock(server->lock);
    conn->next = server->conns;
    server->conns = conn;
    server->conn_count++;
    pst_pal_mutex_unlock(server->lock);
    if (pst_pal_thread_create(server->env, conn_body, conn, &conn->thread) == PST_OK) return NULL;
    pst_pal_mutex_lock(server->lock);
    server->conns = conn->next; // only this thread changes the list
    server->conn_count--;
    pst_pal_mutex_unlock(server->lock);
    return "there is no memory for a thread";
}

void host_conn_open(host_server *server, int fd)
{
    host_conn *conn = pst_alloc_zero(server->env, 1, sizeof *conn);
    if (!conn) {
        close(fd);
        return;
    }
    *conn = (host_conn){.watched = HOST_WATCHED_CONN, .server = server, .fd = fd, .refs = 1};
    const char *refused = conn_admit(server, conn);
    if (!refused) refused = conn_start(server, conn);
    if (refused) {
        pst_log(server->env, PST_LOG_WARN, "a client (process %d, user %u) is refused: %s", conn->pid, conn->identity.uid, refused);
        host_conn_put(conn);
    }
}

void host_conn_put(host_conn *conn)
{
    if (PST_ATOMIC_SUB(&conn->refs, 1u) != 1) return;
    pst_client_free(conn->client);
    close(conn->fd);
    pst_free(conn->server->env, conn, sizeof *conn);
}

void host_conns_reap(host_server *server, bool everything)
{
    host_conn **at = &server->conns; // only this thread changes the list
    while (*at) {
        host_conn *conn = *at;
        if (everything) {
            pst_client_cancel(conn->client);
            (void)shutdown(conn->fd, SHUT_RDWR);
        }
        if (!everything && !PST_ATOMIC_LOAD(&conn->done)) {
            at = &conn->next;
            continue;
        }
        pst_pal_thread_join(conn->thread);
        pst_pal_mutex_lock(server->lock);
        *at = conn->next;
        server->conn_count--;
        pst_pal_mutex_unlock(server->lock);
        host_conn_put(conn);
    }
}
