// pal.h: all that Postern asks of an operating system. linux/ and windows/ implement it, ntkernel/ will; fake/ wraps
// the host's and fails on request, for tests. Every call states its preconditions here, once.
//
// Only src/pal/<os>/ includes an operating-system header. Hook extensions (src/ext) talk to their own mechanism
// and are the one exception, each in files named for the system.
#ifndef PST_PAL_PAL_H
#define PST_PAL_PAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"

/// The default environment: the C heap, messages on standard error as "postern: TEXT" (errors and warnings only).
const pst_env *pst_pal_env(void);

// --- Memory ---------------------------------------------------------------------------------------------------

size_t pst_pal_page_size(void);
/// Zeroed pages, readable and writable; size is rounded up to pages by the callee. NULL without memory.
PST_MUST_USE void *pst_pal_pages_alloc(size_t size);
void pst_pal_pages_free(void *pages, size_t size);
/// Makes pages readable only (true) or writable again (false). pages and size are page-aligned.
PST_MUST_USE pst_status pst_pal_pages_protect(void *pages, size_t size, bool read_only);
/// Pages whose content [0, header) appears once and [header, header + data) appears twice in a row (a ring that never
/// splits a record). header and data are multiples of pst_pal_ring_granularity(). NULL when the platform refuses.
/// share (may be NULL) gets what another process needs to map it; header is then at least three granules.
typedef struct pst_ring_share {
    intptr_t front; // the last granule of the header but one: the other process may write it
    intptr_t back;  // the last granule of the header and the data: the other process can only read them
} pst_ring_share;   // descriptors (Linux: memfd), closed with pst_pal_share_close; -1: this platform has none
PST_MUST_USE void *pst_pal_ring_alloc(size_t header, size_t data, pst_ring_share *share);
void pst_pal_ring_free(void *ring, size_t header, size_t data);
size_t pst_pal_ring_granularity(void);
/// Zeroed pages that another process may map and write through *share (see above), freed by pst_pal_pages_free. NULL without memory.
PST_MUST_USE void *pst_pal_shared_alloc(size_t size, intptr_t *share);
/// A second descriptor of the same memory or event (pst_pal_event_handle), read_only: with which memory can only be read. -1: there is none.
intptr_t pst_pal_share_copy(intptr_t share, bool read_only);
void pst_pal_share_close(intptr_t share); // -1 is fine

typedef struct pst_code {
    uint8_t *bytes;
    size_t size;
    bool sealed; // false: writable. true: executable. Never both
    void *functions; // what the system's unwinder knows of it; the platform's own
} pst_code;
/// At an address that nobody can guess, near this library's own code where that is possible, between two pages that refuse every access.
/// PST_E_DENIED where the host refuses dynamic code.
PST_MUST_USE pst_status pst_pal_code_alloc(size_t size, pst_code *out);
PST_MUST_USE pst_status pst_pal_code_seal(pst_code *code); // flushes the instruction cache
/// Tells the system's unwinder where the functions of sealed code are: count entries of its own kind (Windows: RUNTIME_FUNCTION), ascending, at bytes + at;
/// what they refer to is in code, too. Called at most once; pst_pal_code_free takes it back. PST_E_UNSUPPORTED: it asks nobody.
PST_MUST_USE pst_status pst_pal_code_functions(pst_code *code, size_t at, uint32_t count);
void pst_pal_code_free(pst_code *code);

/// Tells profilers (Linux: perf, by /tmp/perf-PID.map) that machine code at bytes is called name, which has no white space. There is no way to take
/// it back: code that is gone keeps its line. Failure may be ignored: names are for people. PST_E_LIMIT: the file is large enough; PST_E_DENIED: it is not ours; PST_E_UNSUPPORTED: this platform has no such thing.
pst_status pst_pal_code_name(const void *bytes, size_t size, const char *name);

/// A fault that the machine raised in some thread: a refused access, an undefined instruction, a division that overflows.
typedef struct pst_fault {
    uint64_t pc;       // may be changed: where the thread goes on
    uint64_t regs[32]; // general registers as the machine numbers them; may be changed
    uint64_t address;  // of the refused access; 0 where there was none
} pst_fault;
/// From now on each fault is offered to handler first: false gives it to whoever handled faults before. It runs on the faulting thread, at any
/// instruction: no locks, no allocation. Called again with the same handler it does nothing. PST_E_UNSUPPORTED: the platform has no such thing.
typedef bool (*pst_fault_handler)(pst_fault *fault);
PST_MUST_USE pst_status pst_pal_fault_handler_set(pst_fault_handler handler);

// --- Threads and waiting --------------------------------------------------------------------------------------

typedef struct pst_mutex pst_mutex; // not recursive
PST_MUST_USE pst_status pst_pal_mutex_create(const pst_env *env, pst_mutex **out);
void pst_pal_mutex_free(pst_mutex *mutex); // unlocked
void pst_pal_mutex_lock(pst_mutex *mutex);
void pst_pal_mutex_unlock(pst_mutex *mutex);

/// An event that threads wait for. Signals are counted as one until a waiter takes it (auto-reset).
typedef struct pst_event pst_event;
PST_MUST_USE pst_status pst_pal_event_create(const pst_env *env, pst_event **out);
void pst_pal_event_free(pst_event *event); // no waiters
void pst_pal_event_signal(pst_event *event); // never blocks
/// PST_OK when signalled, PST_E_TIMEOUT after timeout_ns (UINT64_MAX: never).
PST_MUST_USE pst_status pst_pal_event_wait(pst_event *event, uint64_t timeout_ns);
/// A descriptor (Linux: eventfd) or HANDLE (Windows) that is readable/signalled with the event; -1 where there is none.
intptr_t pst_pal_event_handle(pst_event *event);

typedef struct pst_thread pst_thread;
PST_MUST_USE pst_status pst_pal_thread_create(const pst_env *env, void (*body)(void *arg), void *arg, pst_thread **out);
void pst_pal_thread_join(pst_thread *thread); // and frees it
void pst_pal_yield(void);
void pst_pal_sleep_ns(uint64_t ns);

// --- Processors, time, identity, chance -----------------------------------------------------------------------

/// Number of possible CPUs; constant for the life of the process, at least 1, at most PST_CPUS_MAX.
#define PST_CPUS_MAX 1024
uint32_t pst_pal_cpu_count(void);
/// The CPU the caller runs on now, below pst_pal_cpu_count(). A few ns.
uint32_t pst_pal_cpu_id(void);
// What processors have beyond the base instruction set of their kind.
#define PST_CPU_ARM64_ATOMICS 0x1u // FEAT_LSE
#define PST_CPU_ARM64_BTI 0x2u     // FEAT_BTI: indirect branches go to landing pads only, in pages that ask for it
/// PST_CPU_*, as far as the system has to say so (on x86-64 the machine itself does: pst_cpuid).
uint32_t pst_pal_cpu_features(void);
/// Pins the calling thread to a CPU.
PST_MUST_USE pst_status pst_pal_cpu_pin(uint32_t cpu);

uint64_t pst_pal_time_ns(void);      // monotonic, does not count suspension
uint64_t pst_pal_boot_time_ns(void); // monotonic, counts suspension
uint64_t pst_pal_wall_time_ns(void); // since 1970, UTC

/// Thread-group id in the upper half, thread id in the lower, as bpf_get_current_pid_tgid.
uint64_t pst_pal_pid_tgid(void);
/// gid in the upper half, uid in the lower; 0 on systems without them.
uint64_t pst_pal_uid_gid(void);
/// The caller's command name, cut to size - 1 bytes and NUL-terminated. size >= 1.
void pst_pal_comm(char *out, size_t size);

/// Whether the process may do to the system what it likes: Linux: it has CAP_SYS_ADMIN or CAP_BPF; Windows: an elevated token.
bool pst_pal_is_privileged(void);

/// Unpredictable bytes from the system. Aborts the process if the system has none: nothing secret may be guessable.
void pst_pal_random(void *out, size_t size);

/// Whether standard output is a terminal (for colours and progress).
bool pst_pal_stdout_is_terminal(void);

// --- Files and crypto (user mode) -----------------------------------------------------------------------------

/// Reads a whole file into a block of *size bytes that the caller frees with pst_free(env, *out, *size + 1): one NUL
/// byte follows the content. PST_E_NOTFOUND, PST_E_DENIED, PST_E_LIMIT (over limit bytes) or PST_E_IO (also for a
/// directory), each after one logged sentence that names the path.
PST_MUST_USE pst_status pst_pal_file_read(const pst_env *env, const char *path, size_t limit, uint8_t **out, size_t *size);
/// Replaces or creates a file at once: readers see the old content or the new.
PST_MUST_USE pst_status pst_pal_file_write(const pst_env *env, const char *path, const void *bytes, size_t size);
/// Creates a file with a key; is_private: nobody but its owner may read it (as far as the system knows owners). PST_E_EXISTS: there is one already,
/// which is left alone; PST_E_DENIED, PST_E_IO; each after one sentence.
PST_MUST_USE pst_status pst_pal_file_create(const pst_env *env, const char *path, const void *bytes, size_t size, bool is_private);

#define PST_SHA256_SIZE 32
/// PST_E_UNSUPPORTED in builds without a crypto library.
PST_MUST_USE pst_status pst_pal_sha256(const void *bytes, size_t size, uint8_t out[PST_SHA256_SIZE]);

// ECDSA on the curve P-256. A public key is a point: two numbers of 32 bytes, big-endian; a private key has its secret number behind them. A
// signature is two numbers. All of these are PST_E_UNSUPPORTED in builds without a crypto library.
#define PST_PUBLIC_KEY_SIZE 64
#define PST_PRIVATE_KEY_SIZE 96
#define PST_SIGNATURE_SIZE 64
PST_MUST_USE pst_status pst_pal_key_create(uint8_t out[PST_PRIVATE_KEY_SIZE]);
/// PST_E_INVALID: key is none.
PST_MUST_USE pst_status pst_pal_sign(const uint8_t key[PST_PRIVATE_KEY_SIZE], const uint8_t digest[PST_SHA256_SIZE], uint8_t out[PST_SIGNATURE_SIZE]);
/// PST_E_DENIED: the signature is not one of this key over this digest.
PST_MUST_USE pst_status pst_pal_signature_check(const uint8_t public_key[PST_PUBLIC_KEY_SIZE], const uint8_t digest[PST_SHA256_SIZE],
                                                const uint8_t signature[PST_SIGNATURE_SIZE]);

/// A shared object or DLL in this process: pages of a file, executable where the host allows no dynamic code.
typedef struct pst_module pst_module;
/// Loads the file at path, whose content was read before and must still be these bytes. They are checked by whoever read them: loading runs what the
/// file wants to be run. PST_E_NOTFOUND, or PST_E_DENIED where the file changed or the host refuses it, after one sentence.
PST_MUST_USE pst_status pst_pal_module_open(const pst_env *env, const char *path, const void *bytes, size_t size, pst_module **out);
void *pst_pal_module_symbol(pst_module *module, const char *name); // NULL: there is none
void pst_pal_module_close(pst_module *module); // NULL is fine. Nothing of it is used any more

#endif
