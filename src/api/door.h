// door.h: the way from the library to a core: in this process, or in a host's.
//
// Every call of the library that needs a core goes through the one table that api_door returns; nothing else differs between the two.
#ifndef PST_API_DOOR_H
#define PST_API_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/core.h"
#include "postern/postern.h"

/// A ring buffer that is read in place.
typedef struct api_ring {
    pst_ringbuf_view view;
    void *mapping; // of a host's ring; NULL in this process
    size_t mapping_size;
    int event; // of a host's ring, -1 in this process
} api_ring;

typedef struct api_door {
    bool is_remote;
    /// bpf(2): >= 0 or a negative errno of Linux.
    int64_t (*command)(uint32_t cmd, void *attr, uint32_t size);
    /// The sentence of the last command that failed, "" if none.
    const char *(*why)(void);
    int64_t (*close)(int fd);
    int64_t (*dup)(int fd);
    int64_t (*unpin)(const char *path);
    /// The pin behind after: 0, -PST_ENOENT at the end, or another negative errno of Linux.
    int64_t (*pin_next)(const char *after, pst_pin_info *out);
    /// 0 or a negative errno of Linux.
    int64_t (*about)(struct postern_about *out);
    /// The next process behind pid that uses the core, or a negative errno.
    int64_t (*client_next)(uint32_t pid);
    int32_t (*kfunc_number)(const char *name, bool provided);
    pst_status (*ring_open)(int map_fd, api_ring *out);
    void (*ring_close)(api_ring *ring);
    /// Waits until one of the maps has data. rings: those of ring buffers among map_fds, in order; may be NULL for perf arrays.
    pst_status (*wait)(const int *map_fds, const api_ring *rings, size_t count, uint64_t timeout_ns);
    /// A descriptor to poll for a map's data, -1: there is none. It belongs to the map, or to ring.
    intptr_t (*wait_handle)(int map_fd, const api_ring *ring);
    void *(*map_memory)(int map_fd, size_t *size);
    pst_status (*perf_read)(int map_fd, uint32_t cpu, void *out, size_t *size, uint64_t *lost);
} api_door;

/// The door of this process, opened on first use; NULL with errno.
const api_door *api_door_get(void);

/// local_door.c: the core of this process, which runtime.c creates and frees.
extern const api_door api_local_door;

/// remote_door.c: a host.
extern const api_door api_remote_door;
PST_MUST_USE pst_status api_remote_open(const char *path);
void api_remote_close(void);

#endif
