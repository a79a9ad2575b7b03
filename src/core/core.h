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
    bool strict;     // programs are proved by the strict rules: nothing of the host leaks into what they put out, and in machine code no wrong guess of a branch moves an access
    uint32_t harden; // pst_core_harden
    bool share_memory; // ring buffers and arrays with BPF_F_MMAPABLE are made so that other processes can map them (pst_core_map_share)
    const struct pst_trust *trust; // whose native modules may run here (jit/native/module.h); lives as long as the core. NULL: nobody's
    bool allow_unsigned; // native modules without a signature run too: whoever can load programs here may bring any machine code
    bool meter;           // loops without a proved bound are no reason to refuse a program: their turns are counted when it runs
    uint64_t meter_turns; // with meter: so many of them in one run, then it is stopped. 0: PST_METER_TURNS
    /// Receives each function of a program that was compiled: where its machine code lies, and a name of letters, digits, '_' and '.'. For profilers,
    /// for whose sake compiled functions keep frame pointers then. May be NULL. Called from whoever loads the program, before anybody can run it.
    void (*code)(void *user, const char *name, const void *bytes, size_t size);
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

/// On whose behalf a client asks. A client without rights sees, opens and pins over only what its user has made. Before the first command;
/// by default it is the process's own user with all rights.
typedef struct pst_client_identity {
    uint32_t uid;
    bool privileged;
} pst_client_identity;
void pst_client_identify(pst_client *client, const pst_client_identity *identity);

/// The client is gone, or is to go: what it runs for long (test runs) ends soon, with -PST_EINTR. From any thread, while the client lives.
void pst_client_cancel(pst_client *client);

/// A new handle of another client of the same core to what fd names, with the same rights to it. -PST_EBADF, -PST_EMFILE, -PST_ENOMEM.
int64_t pst_client_share(pst_client *from, int fd, pst_client *to);

/// What a client that sits elsewhere has to know of an object.
typedef struct pst_handle_shape {
    uint32_t kind; // pst_object_kind
    uint32_t map_type, key_size;
    uint32_t value_size; // as commands see it: all CPUs of a per-CPU map
} pst_handle_shape;
/// False: fd is no handle.
PST_MUST_USE bool pst_client_shape(pst_client *client, int fd, pst_handle_shape *out);

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
/// The waitable descriptor or HANDLE of a ring buffer or perf array (pal.h: pst_pal_event_handle); -1 when it has none.
intptr_t pst_core_wait_handle(pst_client *client, int map_fd);
/// The value memory of an array map (BPF_F_MMAPABLE), NULL when it cannot be mapped.
void *pst_core_map_memory(pst_client *client, int map_fd, size_t *size);

/// The memory of a map for another process.
typedef struct pst_map_share {
    intptr_t handles[3]; // copies that the caller closes (pst_pal_share_close). Ring buffer: the consumer's page; the producers' page and the data, to be read only; an event. Perf array: an event. Array: its values
    uint32_t count;      // 0: this map has no memory to share
    uint64_t bytes;      // of the data, or of all values
} pst_map_share;
/// An array is shared to be written if the handle may write and the map is not frozen; it cannot be frozen from then on. PST_E_INVALID: no handle of
/// a map. PST_E_LIMIT: there are too many descriptors.
PST_MUST_USE pst_status pst_core_map_share(pst_client *client, int map_fd, pst_map_share *out);

/// How a perf event array delivers (the in-process form of the perf ring): takes the oldest record of a CPU.
/// PST_E_AGAIN: empty. *lost counts records dropped since the last call. *size is in/out.
PST_MUST_USE pst_status pst_core_perf_read(pst_client *client, int map_fd, uint32_t cpu, void *out, size_t *size, uint64_t *lost);

/// What a call of this kfunc holds in place of a BTF id of Linux; 0: the core does not know the name, or provided is asked for and it has no function.
int32_t pst_core_kfunc_number(const pst_core *core, const char *name, bool provided);

/// unlink(2) of a pin; on Linux pins lie in a file system. 0, -PST_ENOENT, -PST_EACCES (another user's) or -PST_EINVAL.
int64_t pst_core_unpin(pst_client *client, const char *path);

#define PST_PIN_ROOT "/sys/fs/bpf"       // of the names of pins
#define PST_PIN_ALIAS "/ebpf/global"     // the same, as are "BPF:" and "BPF:\\"
#define PST_PIN_PATH_MAX 4096u           // bytes, NUL included

typedef struct pst_pin_info {
    uint32_t kind; // pst_object_kind
    uint32_t id;
    char path[PST_PIN_PATH_MAX]; // as pst_core_pin_path writes it
} pst_pin_info;

/// The client's pins in the order of their paths' bytes: the first behind after ("": the first of all). Others' pins are not seen by a client without
/// rights. False: there is none.
PST_MUST_USE bool pst_core_pin_next(pst_client *client, const char *after, pst_pin_info *out);
/// The one form of a pin's name: absolute, below PST_PIN_ROOT for each of its roots, without "." and empty components. False: it is no name of a pin,
/// or does not fit into size bytes.
PST_MUST_USE bool pst_core_pin_path(const char *path, char *out, size_t size);

/// Why programs run in the engine that they run in.
typedef enum pst_core_why {
    PST_CORE_WHY_FASTEST,     // it is the fastest of this machine
    PST_CORE_WHY_CHOSEN,      // whoever made the core chose it
    PST_CORE_WHY_COUNTED,     // instructions are counted (pst_core_options.budget)
    PST_CORE_WHY_NO_COMPILER, // there is no compiler for this machine
    PST_CORE_WHY_REFUSED,     // the host allows no dynamic code
} pst_core_why;

typedef struct pst_core_about {
    uint32_t engine;   // pst_core_engine, never ANY: of programs that are loaded now and that it can run
    uint32_t why;      // pst_core_why
    bool dynamic_code; // machine code may be made
    bool strict;       // every program is proved by the strict rules
    bool statistics;   // somebody holds BPF_ENABLE_STATS
    uint64_t uptime_ns;
} pst_core_about;
void pst_core_about_get(pst_core *core, pst_core_about *out);

/// The sentence that explains the client's last failed command (which field, why, what to do), "" if none. Owned by the client; valid until
/// its next command. Not thread-safe per client.
const char *pst_client_error(const pst_client *client);

#endif
