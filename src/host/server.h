// server.h: the host: a core behind a Unix socket. Internal to this folder; Linux only.
//
// One thread accepts and watches handles; each connection has a thread of its own, which reads a request, serves it, and answers. So a client can
// keep only itself waiting, and the core, which is thread-safe, needs no queue.
#ifndef PST_HOST_SERVER_H
#define PST_HOST_SERVER_H

#include "host/serve.h"
#include "pal/pal.h"

#define HOST_CONNECTIONS_MAX 1024u
#define HOST_CONNECTIONS_OF_USER_MAX 128u // without privileges
#define HOST_HANDLES_MAX 65536u
#define HOST_HANDLES_OF_USER_MAX 4096u // without privileges

typedef struct host_options {
    const char *socket_path;
    const char *group;  // its members have all rights, as root and the host's own user have; NULL: nobody else
    bool open;          // others may connect too: they see what they made, load by the strict rules, and attach nothing
    bool dynamic_code;  // false: programs are interpreted
    void (*ready)(void *user); // called once clients can connect; may be NULL
    void *user;
} host_options;

typedef struct host_conn host_conn;
typedef struct host_grant host_grant;

/// What the server's epoll set watches besides its own descriptors: the first member of each.
typedef enum host_watched { HOST_WATCHED_CONN, HOST_WATCHED_GRANT } host_watched;

typedef struct host_server {
    const pst_env *env;
    const host_options *options;
    pst_core *core;
    pst_client *keeper; // holds what descriptors outside stand for
    int listener, poll, signals, wake; // wake: an eventfd that a thread writes when it ends
    bool is_bound; // to a file of our own; else the service manager has made the listener
    uint32_t group; // its id, UINT32_MAX: none
    pst_mutex *lock; // of what follows
    host_conn *conns;
    uint32_t conn_count;
    host_grant *grants;
    uint32_t grant_count;
} host_server;

struct host_conn {
    host_watched watched; // first
    host_conn *next;
    host_server *server;
    pst_client *client;
    pst_thread *thread;
    int fd;
    pst_client_identity identity;
    int32_t pid;
    uint32_t refs; // the thread's, and those of whoever closes handles of it
    bool done;     // its thread has ended
};

/// Serves until SIGTERM or SIGINT. The core outlives it; extensions are taken off by the caller.
PST_MUST_USE pst_status host_run(const pst_env *env, pst_core *core, const host_options *options);

// --- Connections (conn_linux.c) ----------------------------------------------------------------------------------

/// Takes over fd. Logs and closes it when it is refused.
void host_conn_open(host_server *server, int fd);
void host_conn_put(host_conn *conn);
/// Joins threads that have ended; all of them, after ending them, with everything.
void host_conns_reap(host_server *server, bool everything);

// --- Handles as descriptors (grant_linux.c) ------------------------------------------------------------------------

/// A descriptor for conn's new handle: one end of a pair whose other end the server watches. -1: there is no room; the handle is closed.
int host_grant_new(host_conn *conn, int handle);
/// conn's handle for what a descriptor stands for; -errno of Linux.
int64_t host_grant_find(host_conn *conn, int fd);
/// The last copy of a descriptor is closed.
void host_grant_end(host_server *server, host_grant *grant);
/// conn ends: it holds nothing any more.
void host_grants_forget(host_conn *conn);
void host_grants_free(host_server *server);

#endif
