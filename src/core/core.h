// core.h: the execution core: it owns programs, maps and links, and runs programs on events.
//
// One entry takes commands, with Linux's numbers, layouts and errno values; a call in process, a socket message and a
// DeviceIoControl are three transports of it. Hook extensions use provider.h. Thread-safe throughout; running a program
// allocates nothing, locks nothing and writes nothing shared.
#ifndef PST_CORE_CORE_H
#define PST_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "postern/abi.h"
#include "postern/attr.h"
#include "program/run.h"

typedef struct pst_core pst_core;
typedef struct pst_client pst_client;

/// Which engine runs proved programs.
typedef enum pst_core_engine {
    PST_CORE_ENGINE_ANY,    // compiled where machine, host and program allow it, else interpreted
    PST_CORE_ENGINE_INTERP, // interpreted
    PST_CORE_ENGINE_JIT,    // compiled; what cannot be is refused
    PST_CORE_ENGINE_JIT_QUICK, // the same by the quick tier: sooner ready, slower code
    PST_CORE_ENGINE_CHECKED,   // interpreted with every access checked and every instruction counted
} pst_core_engine;

/// Whether machine code is hardened against who loads programs: constants blinded, random places (jit.h).
typedef enum pst_core_harden {
    PST_CORE_HARDEN_AUTO, // where this process is not privileged: its programs may come from anyone
    PST_CORE_HARDEN_ON,
    PST_CORE_HARDEN_OFF,
} pst_core_harden;

typedef struct pst_core_options {
    size_t size; // sizeof(pst_core_options)
    /// Receives each bpf_trace_printk message (one line, no newline). May be NULL. Called from running programs.
    void (*trace)(void *user, const char *text);
    /// Receives each trap: which program, where, why. May be NULL.
    void (*trap)(void *user, const char *program, const char *text);
    void *user;
    uint64_t budget; // instructions that a run may take; not 0: every program runs in the checked interpreter, which counts them. 0: no limit but the proof
    uint32_t engine; // pst_core_engine
    bool strict;     // programs are proved by the strict rules: nothing of the host leaks into what they put out, and their accesses are masked against wrong guesses
    uint32_t harden; // pst_core_harden
} pst_core_options;

/// Creates a core with the general helpers and the providers that need no host mechanism (test run works for every hosted type).
PST_MUST_USE pst_status pst_core_create(const pst_env *env, const pst_core_options *options, pst_core **out);
/// All clients are gone and all hooks detached before.
void pst_core_free(pst_core *core);

/// A client owns handles ("fds"): small numbers, its own. Freed clients close them.
PST_MUST_USE pst_status pst_client_create(pst_core *core, pst_client **out);
void pst_client_free(pst_client *client);
/// Handles are numbered from first (default 3; at most INT32_MAX - 65536). Before the first handle. A client whose users may also close(2) what
/// they take for a descriptor chooses numbers that the system never gives out.
void pst_client_number_from(pst_client *client, int first);

/// bpf(2): returns >= 0, or a negative PST_E* errno of abi.h. attr's bytes beyond what this core knows must be 0 (else -PST_E2BIG); attr is
/// read and written (out fields). Pointers in attr are addresses of the caller's memory.
int64_t pst_core_command(pst_client *client, uint32_t cmd, void *attr, uint32_t size);
/// close(2) and dup(2) of a handle: 0 / a new handle, or -PST_EBADF, -PST_EMFILE.
int64_t pst_core_close(pst_client *client, int fd);
int64_t pst_core_dup(pst_client *client, int fd);

/// The parts of a ring buffer map that a consumer uses, without copies. Valid while the handle is open.
typedef struct pst_ringbuf_view {
    uint64_t *consumer_pos; // written by the consumer
    uint64_t *producer_pos; // read only
    uint8_t *data;          // mapped twice in a row: a record never wraps
    uint64_t data_size;     // power of two
} pst_ringbuf_view;
PST_MUST_USE pst_status pst_core_ringbuf_view(pst_client *client, int map_fd, pst_ringbuf_view *out);
/// Waits until one of the ring buffers or perf arrays has data for its consumer, at most timeout_ns (UINT64_MAX: for ever). PST_OK or PST_E_TIMEOUT.
PST_MUST_USE pst_status pst_core_wait(pst_client *client, const int *map_fds, size_t count, uint64_t timeout_ns);
/// The waitable descriptor or HANDLE of a ring buffer (pal.h: pst_pal_event_handle); -1 when it has none.
intptr_t pst_core_wait_handle(pst_client *client, int map_fd);
/// The value memory of an array map (BPF_F_MMAPABLE), NULL when it cannot be mapped.
void *pst_core_map_memory(pst_client *client, int map_fd, size_t *size);

/// How a perf event array delivers (the in-process form of the perf ring): takes the oldest record of a CPU.
/// PST_E_AGAIN: empty. *lost counts records dropped since the last call. *size is in/out.
PST_MUST_USE pst_status pst_core_perf_read(pst_client *client, int map_fd, uint32_t cpu, void *out, size_t *size, uint64_t *lost);

/// What a call of this kfunc holds in place of a BTF id of Linux; 0: the core does not know the name, or provided is asked for and it has no function.
int32_t pst_core_kfunc_number(const pst_core *core, const char *name, bool provided);

/// unlink(2) of a pin; on Linux pins lie in a file system. 0, -PST_ENOENT or -PST_EINVAL.
int64_t pst_core_unpin(pst_core *core, const char *path);
/// The path of the pin number index (from 0); false: there are not so many, or the path does not fit.
PST_MUST_USE bool pst_core_pin_at(pst_core *core, size_t index, char *path, size_t size);

/// The sentence that explains the client's last failed command (which field, why, what to do), "" if none. Owned by the client; valid until
/// its next command. Not thread-safe per client.
const char *pst_client_error(const pst_client *client);

#endif
