// memory_shim_linux.c: mmap(2) and epoll_ctl(2) of maps.
//
// libbpf maps a ring buffer in two parts: the consumer's page at offset 0, the producers' page with the data twice in a row behind it. The host
// gives a file for each; here they are put where the program asked. An epoll set watches the map's event instead of the map.
#include <errno.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pal/pal.h"
#include "shim/shim.h"

typedef void *(*mmap_fn)(void *, size_t, int, int, int, off_t);

// The events that stand for maps in epoll sets, by the map's descriptor. They live as long as the process: a set may outlive the map's descriptor.
#define EVENTS_MAX 1024u
static struct {
    int map_fd, event;
} g_events[EVENTS_MAX];
static uint32_t g_event_count;

static mmap_fn next_mmap(void)
{
    static mmap_fn next;
    if (!next) next = SHIM_NEXT(mmap_fn, "mmap");
    return next;
}

static void close_all(const int *fds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) close(fds[i]);
}

// The producers' page and the data, then the data again, at addr or wherever there is room.
static void *map_data(void *addr, size_t length, int flags, int fd, uint64_t bytes)
{
    size_t page = pst_pal_page_size(), span = page + 2 * (size_t)bytes;
    if (length > span) return errno = EINVAL, MAP_FAILED;
    if (length <= page + bytes) return next_mmap()(addr, length, PROT_READ, flags, fd, 0);
    uint8_t *base = next_mmap()(addr, length, PROT_NONE, (flags & MAP_FIXED) | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) return MAP_FAILED;
    bool fine = next_mmap()(base, page + (size_t)bytes, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED;
    size_t rest = length - page - (size_t)bytes;
    fine = fine && next_mmap()(base + page + bytes, rest, PROT_READ, MAP_SHARED | MAP_FIXED, fd, (off_t)page) != MAP_FAILED;
    if (fine) return base;
    munmap(base, length);
    return MAP_FAILED;
}

static void *map_handle(pst_remote *remote, void *addr, size_t length, int protection, int flags, int fd, off_t offset)
{
    int fds[WIRE_DESCRIPTORS_MAX];
    uint32_t count;
    uint64_t bytes;
    void *result = MAP_FAILED;
    if (pst_remote_memory_fds(remote, fd, fds, &count, &bytes) != PST_OK) return errno = EINVAL, MAP_FAILED;
    if (count == 1) {
        result = next_mmap()(addr, length, protection, flags, fds[0], offset);
    } else if (offset == 0) {
        result = length <= pst_pal_page_size() ? next_mmap()(addr, length, protection, flags, fds[0], 0) : (errno = EINVAL, MAP_FAILED);
    } else if ((size_t)offset == pst_pal_page_size() && !(protection & PROT_WRITE)) {
        result = map_data(addr, length, flags, fds[1], bytes);
    } else {
        errno = EPERM;
    }
    int saved = errno;
    close_all(fds, count);
    errno = saved;
    return result;
}

SHIM_API void *mmap(void *addr, size_t length, int protection, int flags, int fd, off_t offset)
{
    pst_remote *remote = fd >= 0 && (flags & MAP_SHARED) ? shim_remote_if() : NULL;
    wire_shape shape;
    if (remote && pst_remote_shape(remote, fd, &shape) && shape.kind == PST_OBJECT_MAP) return map_handle(remote, addr, length, protection, flags, fd, offset);
    return next_mmap()(addr, length, protection, flags, fd, offset);
}

SHIM_API void *mmap64(void *addr, size_t length, int protection, int flags, int fd, off_t offset);
SHIM_API void *mmap64(void *addr, size_t length, int protection, int flags, int fd, off_t offset)
{
    return mmap(addr, length, protection, flags, fd, offset);
}

// The event of a map; -1: it has none.
static int event_of(pst_remote *remote, int map_fd)
{
    int fds[WIRE_DESCRIPTORS_MAX];
    uint32_t count, at;
    uint64_t bytes;
    if (pst_remote_memory_fds(remote, map_fd, fds, &count, &bytes) != PST_OK) return -1;
    int event = fds[count - 1];
    close_all(fds, count - 1);
    at = PST_ATOMIC_ADD(&g_event_count, 1u);
    if (at < EVENTS_MAX) {
        g_events[at].event = event;
        PST_ATOMIC_STORE(&g_events[at].map_fd, map_fd);
    }
    return event;
}

static int known_event(int map_fd)
{
    uint32_t count = PST_ATOMIC_LOAD(&g_event_count);
    for (uint32_t i = count < EVENTS_MAX ? count : EVENTS_MAX; i-- > 0;)
        if (PST_ATOMIC_LOAD(&g_events[i].map_fd) == map_fd) return g_events[i].event;
    return -1;
}

SHIM_API int epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    typedef int (*epoll_ctl_fn)(int, int, int, struct epoll_event *);
    epoll_ctl_fn next = SHIM_NEXT(epoll_ctl_fn, "epoll_ctl");
    pst_remote *remote = shim_remote_if();
    wire_shape shape;
    if (!remote || !pst_remote_shape(remote, fd, &shape) || shape.kind != PST_OBJECT_MAP) return next(set, operation, fd, event);
    int watched = operation == EPOLL_CTL_ADD ? event_of(remote, fd) : known_event(fd);
    return next(set, operation, watched >= 0 ? watched : fd, event);
}
