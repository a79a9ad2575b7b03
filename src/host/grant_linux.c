// grant_linux.c: a handle outside is one end of a pair of sockets, whose other end is here.
//
// So close, dup, fork and passing over a socket mean what they mean for every descriptor: when the last copy is gone there is a hang-up, and the object
// loses a reference. The keeper holds that reference, so that a descriptor outlives the connection over which it came. A pair is known by
// the cookie of the far end, which the kernel gives out once.
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/server.h"
#include "remote/stream.h"

// A connection that knows the handle under a number of its own.
typedef struct holder {
    struct holder *next;
    host_conn *conn;
    int handle;
} holder;

struct host_grant {
    host_watched watched; // first
    host_grant *next;
    int end;
    uint64_t cookie;
    int kept; // the keeper's handle
    uint32_t uid;
    holder *holders;
};

static bool has_room(const host_conn *conn)
{
    const host_server *server = conn->server;
    uint32_t own = 0;
    if (server->grant_count >= HOST_HANDLES_MAX) return false;
    if (conn->identity.privileged) return true;
    for (const host_grant *grant = server->grants; grant; grant = grant->next) own += grant->uid == conn->identity.uid;
    return own < HOST_HANDLES_OF_USER_MAX;
}

static bool hold(const pst_env *env, host_grant *grant, host_conn *conn, int handle)
{
    holder *held = pst_alloc(env, sizeof *held);
    if (!held) return false;
    *held = (holder){grant->holders, conn, handle};
    grant->holders = held;
    return true;
}

// Under the server's lock: makes the grant known, or not at all.
static bool grant_add(host_conn *conn, host_grant *grant, int handle)
{
    host_server *server = conn->server;
    struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = grant};
    if (!has_room(conn) || !hold(server->env, grant, conn, handle)) return false;
    if (epoll_ctl(server->poll, EPOLL_CTL_ADD, grant->end, &event) != 0) return false;
    grant->next = server->grants;
    server->grants = grant;
    server->grant_count++;
    return true;
}

static void grant_free(const pst_env *env, host_grant *grant)
{
    while (grant->holders) {
        holder *held = grant->holders;
        grant->holders = held->next;
        pst_free(env, held, sizeof *held);
    }
    if (grant->end >= 0) close(grant->end);
    pst_free(env, grant, sizeof *grant);
}

int host_grant_new(host_conn *conn, int handle)
{
    host_server *server = conn->server;
    int pair[2] = {-1, -1};
    bool fine = false;
    host_grant *grant = pst_alloc_zero(server->env, 1, sizeof *grant);
    if (grant) grant->end = -1;
    int64_t kept = grant ? pst_client_share(conn->client, handle, server->keeper) : -1;
    if (kept >= 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0) {
        *grant = (host_grant){.watched = HOST_WATCHED_GRANT, .end = pair[0], .kept = (int)kept, .uid = conn->identity.uid};
        fine = stream_cookie(pair[1], &grant->cookie);
        pst_pal_mutex_lock(server->lock);
        fine = fine && grant_add(conn, grant, handle);
        pst_pal_mutex_unlock(server->lock);
    }
    if (fine) return pair[1];
    if (pair[1] >= 0) close(pair[1]);
    if (kept >= 0) (void)pst_core_close(server->keeper, (int)kept);
    if (grant) grant_free(server->env, grant);
    (void)pst_core_close(conn->client, handle);
    return -1;
}

int64_t host_grant_find(host_conn *conn, int fd)
{
    host_server *server = conn->server;
    uint64_t cookie;
    int64_t result = -PST_EBADF;
    if (!stream_cookie(fd, &cookie)) return result;
    pst_pal_mutex_lock(server->lock);
    host_grant *grant = server->grants;
    while (grant && grant->cookie != cookie) grant = grant->next;
    const holder *held = grant ? grant->holders : NULL;
    while (held && held->conn != conn) held = held->next;
    if (held) {
        result = held->handle;
    } else if (grant) {
        result = pst_client_share(server->keeper, grant->kept, conn->client);
        if (result >= 0 && !hold(server->env, grant, conn, (int)result)) {
            (void)pst_core_close(conn->client, (int)result);
            result = -PST_ENOMEM;
        }
    }
    pst_pal_mutex_unlock(server->lock);
    return result;
}

// Outside of the lock: closing the last handle of a link takes a program off its hook, which waits.
static void close_everywhere(host_server *server, host_grant *grant)
{
    for (const holder *held = grant->holders; held; held = held->next) {
        (void)pst_core_close(held->conn->client, held->handle);
        host_conn_put(held->conn);
    }
    (void)pst_core_close(server->keeper, grant->kept);
    grant_free(server->env, grant);
}

void host_grant_end(host_server *server, host_grant *grant)
{
    pst_pal_mutex_lock(server->lock);
    host_grant **at = &server->grants;
    while (*at != grant) at = &(*at)->next;
    *at = grant->next;
    server->grant_count--;
    for (const holder *held = grant->holders; held; held = held->next) (void)PST_ATOMIC_ADD(&held->conn->refs, 1u);
    pst_pal_mutex_unlock(server->lock);
    (void)epoll_ctl(server->poll, EPOLL_CTL_DEL, grant->end, NULL);
    close_everywhere(server, grant);
}

void host_grants_forget(host_conn *conn)
{
    host_server *server = conn->server;
    pst_pal_mutex_lock(server->lock);
    for (host_grant *grant = server->grants; grant; grant = grant->next) {
        holder **at = &grant->holders;
        while (*at) {
            holder *held = *at;
            if (held->conn == conn) {
                *at = held->next;
                pst_free(server->env, held, sizeof *held);
            } else {
                at = &held->next;
            }
        }
    }
    pst_pal_mutex_unlock(server->lock);
}

void host_grants_free(host_server *server)
{
    while (server->grants) {
        host_grant *grant = server->grants;
        server->grants = grant->next;
        (void)pst_core_close(server->keeper, grant->kept);
        grant_free(server->env, grant);
    }
}
