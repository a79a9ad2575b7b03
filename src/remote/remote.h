// remote.h: the core of a host, seen from another process.
//
// Handles are descriptors of this process: closed with close(2), shared by fork(2), passed over sockets. A child of fork gets a connection of its own
// with its first command. When the host is gone, commands fail with -PST_ENOTCONN until it is back; then they work again, and older handles do not.
#ifndef PST_REMOTE_REMOTE_H
#define PST_REMOTE_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "wire/wire.h"

#define PST_REMOTE_DEFAULT "/run/postern/host.sock"

typedef struct pst_remote pst_remote;

/// Connects to the host that listens at path. PST_E_NOTFOUND, PST_E_DENIED, PST_E_UNSUPPORTED (a system without hosts), each after one sentence.
PST_MUST_USE pst_status pst_remote_open(const pst_env *env, const char *path, pst_remote **out);
/// Descriptors stay open; they are worth nothing to this process any more.
void pst_remote_close(pst_remote *remote);

/// bpf(2), with the kernel's results: >= 0 or a negative errno of Linux. Thread-safe: one command at a time.
int64_t pst_remote_command(pst_remote *remote, uint32_t cmd, void *attr, uint32_t size);
/// Takes a pin away.
int64_t pst_remote_unpin(pst_remote *remote, const char *path);
/// The pin behind after, by the bytes of their paths: 0, -PST_ENOENT at the end, or another negative errno.
int64_t pst_remote_pin_next(pst_remote *remote, const char *after, wire_pin *out, char path[WIRE_STRING_MAX]);
int64_t pst_remote_about(pst_remote *remote, wire_about *out);
/// The id of the next process behind pid that is connected to the host, -PST_ENOENT at the end, -PST_EPERM without rights.
int64_t pst_remote_client_next(pst_remote *remote, uint32_t pid);
/// The number that a call of a kfunc holds; 0: the host does not know the name.
int32_t pst_remote_kfunc_number(pst_remote *remote, const char *name, bool provided);
/// The sentence of the last command that failed, "" if none. Valid until the next command.
const char *pst_remote_error(const pst_remote *remote);
/// A ring buffer of the host, mapped: records are read in place.
typedef struct pst_remote_ring {
    uint64_t *consumer_pos;       // written by this process
    const uint64_t *producer_pos; // read only, as data is
    const uint8_t *data;          // mapped twice in a row
    uint64_t data_size;
    void *mapping;
    size_t mapping_size;
    int event; // a descriptor that is readable when there may be data
} pst_remote_ring;
PST_MUST_USE pst_status pst_remote_ring_map(pst_remote *remote, int fd, pst_remote_ring *out);
void pst_remote_ring_unmap(pst_remote_ring *ring);
/// The values of an array with BPF_F_MMAPABLE; read only if the handle or the map is. Unmapped with pst_remote_memory_unmap.
PST_MUST_USE pst_status pst_remote_memory_map(pst_remote *remote, int fd, void **out, size_t *size);
void pst_remote_memory_unmap(void *memory, size_t size);
/// The descriptors behind a map's memory, for whoever maps them himself: see pst_core_map_share. The caller closes them.
PST_MUST_USE pst_status pst_remote_memory_fds(pst_remote *remote, int fd, int fds[WIRE_DESCRIPTORS_MAX], uint32_t *count, uint64_t *bytes);
/// The oldest record of a CPU's ring of a perf event array: as pst_core_perf_read.
PST_MUST_USE pst_status pst_remote_perf_read(pst_remote *remote, int fd, uint32_t cpu, void *out, size_t *size, uint64_t *lost);
/// Waits until one of the descriptors is readable, at most timeout_ns. PST_OK or PST_E_TIMEOUT.
PST_MUST_USE pst_status pst_remote_poll(const int *fds, size_t count, uint64_t timeout_ns);

/// Whether fd is a handle of this host, and of what.
PST_MUST_USE bool pst_remote_shape(pst_remote *remote, int fd, wire_shape *out);

#endif
