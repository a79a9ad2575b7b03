// remote_linux.c: the connection to a host, and what its descriptors stand for.
//
// A descriptor is one end of a pair of sockets (see src/host/grant_linux.c). Its cookie, which the kernel gives out once, tells which handle it is, whatever
// its number: so copies by dup(2) need no care, and a number that now belongs to another file is not taken for a handle.
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/format.h"
#include "pal/pal.h"
#include "remote/pack.h"
#include "remote/stream.h"

#define KNOWN_MAX 4096u // handles remembered; then all are forgotten, and asked for again

typedef struct known {
    uint64_t cookie; // 0: free
    int32_t handle;
    wire_shape shape;
} known;

struct pst_remote {
    const pst_env *env;
    pst_mutex *lock;
    struct sockaddr_un address;
    int fd;      // -1: not connected
    uint64_t cookie; // of fd
    pid_t owner; // the process that connected: a child of fork must not share the stream
    uint32_t sequence;
    known *known; // open addressing by cookie
    size_t known_count;
    uint8_t *answer;
    size_t answer_size, answer_capacity;
    char error[WIRE_TEXT_MAX + 1];
};

static int64_t fail(pst_remote *remote, int error, const char *text)
{
    (void)pst_format(remote->error, sizeof remote->error, "%s", text);
    return -error;
}

// --- The connection ------------------------------------------------------------------------------------------------

static void disconnect(pst_remote *remote)
{
    if (remote->fd >= 0) close(remote->fd);
    remote->fd = -1;
    if (remote->known) memset(remote->known, 0, KNOWN_MAX * 2 * sizeof *remote->known);
    remote->known_count = 0;
}

// Sends a frame and receives the answer into remote->answer. False: the connection is lost.
static bool exchange(pst_remote *remote, const uint8_t *frame, size_t size, int fd_out, stream_descriptors *came, wire_answer *out)
{
    came->count = 0;
    bool fine = stream_send(remote->fd, frame, size, &fd_out, fd_out >= 0) && stream_read(remote->fd, (uint8_t *)out, sizeof *out, came);
    fine = fine && out->size >= sizeof *out && out->size <= WIRE_FRAME_MAX && out->text_size <= WIRE_TEXT_MAX;
    fine = fine && pst_grow(remote->env, &remote->answer, &remote->answer_capacity, out->size, 1) == PST_OK;
    if (fine) {
        memcpy(remote->answer, out, sizeof *out);
        remote->answer_size = out->size;
        fine = stream_read(remote->fd, remote->answer + sizeof *out, out->size - sizeof *out, came);
    }
    if (fine) return true;
    stream_descriptors_close(came);
    disconnect(remote);
    return false;
}

static bool hello(pst_remote *remote)
{
    const wire_request request = {.size = sizeof request, .op = WIRE_HELLO, .cmd = WIRE_VERSION};
    wire_answer answer;
    stream_descriptors came;
    if (!exchange(remote, (const uint8_t *)&request, sizeof request, -1, &came, &answer)) return false;
    stream_descriptors_close(&came);
    return answer.result >= 0;
}

// Programs that become daemons close whatever is open: the number may be another file's by now.
static bool is_own(const pst_remote *remote)
{
    uint64_t cookie;
    return stream_cookie(remote->fd, &cookie) && cookie == remote->cookie;
}

// Connects unless this process is connected; errno says why not.
static bool reach(pst_remote *remote)
{
    if (!is_own(remote)) remote->fd = -1;
    if (remote->fd >= 0 && remote->owner == getpid()) return true;
    disconnect(remote);
    remote->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (remote->fd < 0) return false;
    remote->owner = getpid();
    if (!stream_cookie(remote->fd, &remote->cookie) || connect(remote->fd, (const struct sockaddr *)&remote->address, sizeof remote->address) != 0) {
        int saved = errno;
        disconnect(remote);
        errno = saved;
        return false;
    }
    errno = EACCES; // a host that hangs up at once refuses this user
    return hello(remote);
}

pst_status pst_remote_open(const pst_env *env, const char *path, pst_remote **out)
{
    *out = NULL;
    size_t length = strlen(path);
    pst_remote *remote = pst_alloc_zero(env, 1, sizeof *remote);
    if (!remote) return PST_E_NOMEM;
    *remote = (pst_remote){.env = env, .fd = -1, .address.sun_family = AF_UNIX};
    pst_status status = length > 0 && length < sizeof remote->address.sun_path ? PST_OK : PST_E_INVALID;
    if (status == PST_OK) memcpy(remote->address.sun_path, path, length);
    if (status == PST_OK) status = pst_pal_mutex_create(env, &remote->lock);
    if (status == PST_OK && !(remote->known = pst_alloc_zero(env, (size_t)KNOWN_MAX * 2, sizeof *remote->known))) status = PST_E_NOMEM;
    if (status == PST_OK && !reach(remote)) {
        bool denied = errno == EACCES || errno == EPERM;
        status = pst_fail(env, denied ? PST_E_DENIED : PST_E_NOTFOUND, "no host answers at %s: %s", path,
                          denied ? "this user may not connect (see posternd --group and --open)" : strerror(errno));
    }
    if (status == PST_OK) *out = remote;
    else pst_remote_close(remote);
    return status;
}

void pst_remote_close(pst_remote *remote)
{
    if (!remote) return;
    disconnect(remote);
    pst_free(remote->env, remote->answer, remote->answer_capacity);
    pst_free(remote->env, remote->known, remote->known ? (size_t)KNOWN_MAX * 2 * sizeof *remote->known : 0);
    pst_pal_mutex_free(remote->lock);
    pst_free(remote->env, remote, sizeof *remote);
}

// --- What descriptors stand for ------------------------------------------------------------------------------------

// The entry of cookie, or the free one where it would be.
static known *known_at(pst_remote *remote, uint64_t cookie)
{
    size_t mask = (size_t)KNOWN_MAX * 2 - 1, at = (size_t)(cookie * 0x9e3779b97f4a7c15ull >> 40) & mask;
    while (remote->known[at].cookie != 0 && remote->known[at].cookie != cookie) at = (at + 1) & mask;
    return &remote->known[at];
}

static void remember(pst_remote *remote, uint64_t cookie, int32_t handle, const wire_shape *shape)
{
    if (remote->known_count == KNOWN_MAX) {
        memset(remote->known, 0, KNOWN_MAX * 2 * sizeof *remote->known);
        remote->known_count = 0;
    }
    known *entry = known_at(remote, cookie);
    remote->known_count += entry->cookie == 0;
    *entry = (known){cookie, handle, *shape};
}

// The lock is held, and the connection is there.
static bool find(void *user, int fd, int32_t *handle, wire_shape *shape)
{
    pst_remote *remote = user;
    uint64_t cookie;
    if (!stream_cookie(fd, &cookie)) return false;
    const known *entry = known_at(remote, cookie);
    if (entry->cookie == 0) {
        const wire_request request = {.size = sizeof request, .op = WIRE_DESCRIBE, .sequence = ++remote->sequence};
        wire_answer answer;
        stream_descriptors none;
        if (remote->fd < 0 || !exchange(remote, (const uint8_t *)&request, sizeof request, fd, &none, &answer)) return false;
        stream_descriptors_close(&none);
        if (answer.result < 0) return false;
        remember(remote, cookie, answer.result, &answer.shape);
        entry = known_at(remote, cookie);
    }
    *handle = entry->handle;
    *shape = entry->shape;
    return true;
}

bool pst_remote_shape(pst_remote *remote, int fd, wire_shape *out)
{
    int32_t handle;
    pst_pal_mutex_lock(remote->lock);
    bool found = reach(remote) && find(remote, fd, &handle, out);
    pst_pal_mutex_unlock(remote->lock);
    return found;
}

// --- Commands ------------------------------------------------------------------------------------------------------

static void take_text(pst_remote *remote, const wire_answer *answer)
{
    size_t at = sizeof *answer + (size_t)pst_align_up(answer->attr_size, 8);
    if (answer->text_size == 0 || at + answer->text_size > remote->answer_size) return;
    memcpy(remote->error, remote->answer + at, answer->text_size);
    remote->error[answer->text_size] = '\0';
}

static int64_t finish(pst_remote *remote, pack *p, const wire_answer *answer, stream_descriptors *came)
{
    bool fine = answer->sequence == remote->sequence && pack_finish(p, remote->answer, remote->answer_size);
    if (!fine || (answer->result >= 0 && p->plan.makes_handle && came->count != 1)) {
        stream_descriptors_close(came);
        disconnect(remote);
        return fail(remote, PST_EIO, "the host's answer makes no sense: are its version and this one's the same?");
    }
    take_text(remote, answer);
    if (answer->result < 0 || !p->plan.makes_handle) {
        stream_descriptors_close(came);
        return answer->result;
    }
    uint64_t cookie;
    if (stream_cookie(came->fds[0], &cookie)) remember(remote, cookie, answer->result, &answer->shape);
    return came->fds[0];
}

static int64_t command(pst_remote *remote, uint32_t cmd, void *attr, uint32_t size)
{
    const pack_names names = {.user = remote, .find = find};
    const char *why;
    pack p;
    if (!reach(remote)) return fail(remote, PST_ENOTCONN, "the host does not answer: is posternd running?");
    uint32_t sequence = ++remote->sequence;
    int64_t result = pack_make(remote->env, cmd, attr, size, &names, sequence, &p, &why);
    if (result < 0) {
        (void)fail(remote, (int)-result, why);
    } else if (remote->fd < 0) { // lost while it was asked about a descriptor
        result = fail(remote, PST_ENOTCONN, "the host went away");
    } else {
        wire_answer answer;
        stream_descriptors came;
        // Asking about descriptors took numbers.
        remote->sequence = sequence = remote->sequence + 1;
        memcpy(p.frame + offsetof(wire_request, sequence), &sequence, sizeof sequence);
        if (exchange(remote, p.frame, p.frame_size, -1, &came, &answer)) result = finish(remote, &p, &answer, &came);
        else result = fail(remote, PST_ENOTCONN, "the host went away while it was asked");
    }
    pack_free(&p);
    return result;
}

int64_t pst_remote_command(pst_remote *remote, uint32_t cmd, void *attr, uint32_t size)
{
    pst_pal_mutex_lock(remote->lock);
    remote->error[0] = '\0';
    int64_t result = command(remote, cmd, attr, size);
    pst_pal_mutex_unlock(remote->lock);
    return result;
}

// The lock is held; the answer is kept.
static int64_t ask_locked(pst_remote *remote, wire_op op, uint32_t cmd, const char *text)
{
    uint8_t *frame;
    size_t size;
    wire_answer answer;
    stream_descriptors came;
    int64_t result = -PST_ENOTCONN;
    remote->error[0] = '\0';
    if (reach(remote) && pack_text(remote->env, op, cmd, ++remote->sequence, text, &frame, &size) == PST_OK) {
        if (exchange(remote, frame, size, -1, &came, &answer)) {
            result = answer.result;
            take_text(remote, &answer);
            stream_descriptors_close(&came);
        }
        pst_free(remote->env, frame, size);
    }
    return result;
}

static int64_t ask(pst_remote *remote, wire_op op, uint32_t cmd, const char *text)
{
    pst_pal_mutex_lock(remote->lock);
    int64_t result = ask_locked(remote, op, cmd, text);
    pst_pal_mutex_unlock(remote->lock);
    return result;
}

// What an answer has in place of attr, and the bytes behind; false: it is shorter.
static bool body_take(const pst_remote *remote, void *body, size_t body_size, const uint8_t **more, size_t *more_size)
{
    size_t at = sizeof(wire_answer) + (size_t)pst_align_up(body_size, 8);
    if (remote->answer_size < at) return false;
    memcpy(body, remote->answer + sizeof(wire_answer), body_size);
    *more = remote->answer + at;
    *more_size = remote->answer_size - at;
    return true;
}

int64_t pst_remote_pin_next(pst_remote *remote, const char *after, wire_pin *out, char path[WIRE_STRING_MAX])
{
    const uint8_t *more;
    size_t size;
    pst_pal_mutex_lock(remote->lock);
    int64_t result = ask_locked(remote, WIRE_PIN_NEXT, 0, after);
    if (result >= 0) {
        bool fine = body_take(remote, out, sizeof *out, &more, &size) && out->path_size > 0 && out->path_size <= WIRE_STRING_MAX &&
                    out->path_size <= size && more[out->path_size - 1] == '\0';
        if (fine) memcpy(path, more, out->path_size);
        else result = fail(remote, PST_EIO, "the host's answer makes no sense: are its version and this one's the same?");
    }
    pst_pal_mutex_unlock(remote->lock);
    return result;
}

int64_t pst_remote_unpin(pst_remote *remote, const char *path)
{
    return ask(remote, WIRE_UNPIN, 0, path);
}

int64_t pst_remote_about(pst_remote *remote, wire_about *out)
{
    const uint8_t *more;
    size_t size;
    pst_pal_mutex_lock(remote->lock);
    int64_t result = ask_locked(remote, WIRE_ABOUT, 0, "");
    if (result >= 0 && !body_take(remote, out, sizeof *out, &more, &size))
        result = fail(remote, PST_EIO, "the host's answer makes no sense: are its version and this one's the same?");
    pst_pal_mutex_unlock(remote->lock);
    out->version[sizeof out->version - 1] = '\0';
    return result;
}

int64_t pst_remote_client_next(pst_remote *remote, uint32_t pid)
{
    return ask(remote, WIRE_CLIENT_NEXT, pid, "");
}

int32_t pst_remote_kfunc_number(pst_remote *remote, const char *name, bool provided)
{
    int64_t number = ask(remote, WIRE_KFUNC, provided, name);
    return number > 0 ? (int32_t)number : 0;
}

// --- Memory and records --------------------------------------------------------------------------------------------

// Asks about a handle with body in the place of attr. The lock is held; the answer's body comes back in body.
static int64_t ask_about(pst_remote *remote, wire_op op, int fd, void *body, uint32_t body_size, stream_descriptors *came)
{
    struct {
        wire_request head;
        uint8_t body[16];
    } request = {.head = {.op = (uint16_t)op, .attr_size = body_size}};
    wire_answer answer;
    wire_shape shape;
    int32_t handle;
    came->count = 0;
    if (!reach(remote)) return -PST_ENOTCONN;
    if (!find(remote, fd, &handle, &shape)) return -PST_EBADF;
    request.head.size = (uint32_t)(sizeof request.head + pst_align_up(body_size, 8));
    request.head.cmd = (uint32_t)handle;
    request.head.sequence = ++remote->sequence;
    memcpy(request.body, body, body_size);
    if (!exchange(remote, (const uint8_t *)&request, request.head.size, -1, came, &answer)) return -PST_ENOTCONN;
    take_text(remote, &answer);
    if (answer.attr_size <= body_size && sizeof answer + answer.attr_size <= remote->answer_size)
        memcpy(body, remote->answer + sizeof answer, answer.attr_size);
    if (answer.result < 0) stream_descriptors_close(came);
    return answer.result;
}

static pst_status status_of(int64_t result)
{
    switch (result) {
    case -PST_EAGAIN: return PST_E_AGAIN;
    case -PST_ENOSPC: return PST_E_NOSPACE;
    case -PST_EMFILE: return PST_E_LIMIT;
    case -PST_ENOTCONN: return PST_E_IO;
    default: return result < 0 ? PST_E_INVALID : PST_OK;
    }
}

pst_status pst_remote_memory_fds(pst_remote *remote, int fd, int fds[WIRE_DESCRIPTORS_MAX], uint32_t *count, uint64_t *bytes)
{
    wire_memory memory = {0};
    stream_descriptors came;
    pst_pal_mutex_lock(remote->lock);
    pst_status status = status_of(ask_about(remote, WIRE_MAP_MEMORY, fd, &memory, sizeof memory, &came));
    pst_pal_mutex_unlock(remote->lock);
    for (uint32_t i = 0; i < came.count; i++) fds[i] = came.fds[i];
    *count = came.count;
    *bytes = memory.bytes;
    return status == PST_OK && came.count == 0 ? PST_E_LIMIT : status; // this process has no room for them
}

pst_status pst_remote_perf_read(pst_remote *remote, int fd, uint32_t cpu, void *out, size_t *size, uint64_t *lost)
{
    wire_perf perf = {.cpu = cpu, .size = *size < WIRE_RECORD_MAX ? (uint32_t)*size : WIRE_RECORD_MAX};
    stream_descriptors none;
    pst_pal_mutex_lock(remote->lock);
    pst_status status = status_of(ask_about(remote, WIRE_PERF_READ, fd, &perf, sizeof perf, &none));
    stream_descriptors_close(&none);
    size_t at = sizeof(wire_answer) + pst_align_up(sizeof perf, 8);
    if (status == PST_OK && (perf.size > *size || at + perf.size > remote->answer_size)) status = PST_E_IO;
    if (status == PST_OK) memcpy(out, remote->answer + at, perf.size);
    pst_pal_mutex_unlock(remote->lock);
    *size = perf.size;
    if (lost) *lost = perf.lost;
    return status;
}

const char *pst_remote_error(const pst_remote *remote)
{
    return remote->error;
}
