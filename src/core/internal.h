// internal.h: the core and its clients from inside. Only files of this folder include it.
#ifndef PST_CORE_INTERNAL_H
#define PST_CORE_INTERNAL_H

#include <string.h>

#include "base/text.h"
#include "core/map/map.h"
#include "core/handle.h"
#include "core/provider.h"
#include "core/timer.h"
#include "verify/verify.h"

#define CORE_PROVIDERS_MAX 64u
#define CORE_HELPERS_MAX 256u // ids of the general helpers stay below
#define CORE_KFUNCS_MAX 512u  // that the catalog describes
#define CLIENT_ERROR_MAX 512u

typedef struct id_table {
    core_object **objects; // ascending ids
    size_t count, capacity;
    uint32_t last_id;
} id_table;

typedef struct core_pin core_pin;

/// Somebody sleeps in pst_core_wait.
typedef struct core_waiter {
    struct core_waiter *next;
    pst_event *event;
} core_waiter;

struct pst_core {
    const pst_env *host_env; // what the creator lent
    pst_env env;             // the same memory; messages are kept for the client whose command fails
    pst_env quiet_env;       // the same memory; for attempts whose failure nobody needs to hear of
    pst_core_options options;
    epoch_domain epoch;
    pst_mutex *lock; // of ids, pins, links' targets, providers
    id_table ids[OBJECT_KINDS];
    core_pin **pins; // by path
    size_t pin_count, pin_capacity;
    pst_provider *providers[CORE_PROVIDERS_MAX]; // never freed before the core: programs keep pointers
    uint32_t provider_count;
    pst_provider *retired_providers[CORE_PROVIDERS_MAX];
    uint32_t retired_provider_count;
    pst_helper helpers[CORE_HELPERS_MAX]; // by id; general ones
    pst_helper kfuncs[CORE_KFUNCS_MAX];   // in the catalog's order; fn NULL: described only
    uint32_t stats_users; // handles of ENABLE_STATS
    uint32_t clients;
    uint64_t born_ns;
    core_spin waiters_lock;
    uint32_t waiter_count;
    core_waiter *waiters;
    struct sample_hook *sample;
    struct core_attachment *attachments; // of PROG_ATTACH
    core_timers timers;
};

typedef struct client_handle {
    core_object *object; // NULL: free
    uint32_t mode;
} client_handle;

struct pst_client {
    pst_core *core;
    pst_mutex *lock; // of handles and error
    client_handle *handles;
    size_t capacity;
    size_t hint; // no free handle below
    int first; // number of handles[0]
    pst_client_identity identity;
    bool cancelled; // see pst_client_cancel
    bool unproved; // see pst_client_load_unproved
    uint32_t has_error;
    char error[CLIENT_ERROR_MAX];
};

/// One command while it is served.
typedef struct core_call {
    pst_client *client;
    pst_core *core;
    pst_bpf_attr *attr; // a private copy, zero beyond what the caller gave
    uint32_t size;      // of the caller's
    struct pst_core_native *native; // PROG_LOAD: machine code and proof come from this module; NULL: the core makes them
} core_call;

/// Leaves the sentence and returns -error. A text must say which field, why, and what to do where that is not plain.
int64_t core_refuse(core_call *call, int error, const char *fmt, ...) PST_PRINTF(3, 4);

/// 0 for a client with all rights, else -PST_EPERM after a sentence: "user N may not WHAT".
int64_t core_need_rights(core_call *call, const char *what);

/// The last error sentence that a lower module logged in this thread, "" if none since core_errors_clear.
const char *core_errors_last(void);
void core_errors_clear(void);
int core_errno_of_status(pst_status status);
const char *core_errno_text(int error);

/// Checks and copies an object name as Linux does (letters, digits, '_' and '.').
PST_MUST_USE bool core_name_copy(char out[PST_OBJ_NAME_LEN], const char *name);

/// Handle to object of one kind, with a reference, or NULL after a sentence; *error is -PST_EBADF or -PST_EINVAL.
core_object *core_call_object(core_call *call, uint32_t fd, object_kind kind, uint32_t *mode, int64_t *error);
/// The same for maps.
pst_map *core_call_map(core_call *call, uint32_t fd, uint32_t *mode, int64_t *error);

/// The map behind fd for a command with this access (HANDLE_*); a writer counts until core_map_end, so that freezing can refuse.
int64_t core_map_begin(core_call *call, uint32_t fd, unsigned access, pst_map **out);
void core_map_end(pst_map *map, unsigned access);
/// One key's update and delete, for the single and the batch commands. Outside of epochs: maps may wait for one to end.
int64_t core_map_update_key(core_call *call, pst_map *map, const void *key, const void *value, uint64_t flags);
int core_map_delete_key(pst_map *map, const void *key);

typedef struct core_btf {
    core_object object;
    uint8_t *bytes;
    uint32_t size;
    pst_btf *types; // bytes, parsed
} core_btf;

typedef struct prog_stats {
    PST_ALIGNED(64) uint64_t runs;
    uint64_t time_ns;
    uint64_t traps;
} prog_stats;

typedef struct core_prog {
    core_object object;
    pst_image *image;
    pst_verdict *verdict; // its proof; NULL: its client loads without proofs
    pst_exec *exec;
    pst_slot *slots; // as given, map references as ids
    uint32_t slot_count;
    struct pst_core_native *native; // the module that its machine code and its proof come from; NULL: none (native.h)
    uint32_t native_index;          // of the program in it
    uint32_t load_flags;            // prog_flags of its load
    const pst_provider *provider;
    pst_bindings bindings;
    pst_map **maps; // referenced by code or bound
    uint32_t map_count, map_capacity;
    pst_mutex *maps_lock; // PROG_BIND_MAP adds
    core_btf *btf;
    uint8_t *func_info, *line_info;
    uint32_t func_info_count, line_info_count;
    uint64_t load_time_ns;
    uint32_t uid;
    bool privileged; // its loader was
    bool strict;     // it was proved by the strict rules
    uint8_t tag[8];
    prog_stats *stats; // one a CPU
} core_prog;

struct pst_link {
    core_object object;
    core_prog *prog;          // PST_ATOMIC: LINK_UPDATE replaces it
    const pst_exec *exec;     // of prog, also replaced; what runs read
    const pst_provider *provider;
    void *hook;
    uint32_t attach_type, target;
    bool attached;            // under the core's lock
};

PST_INLINE core_prog *core_prog_of(core_object *object)
{
    return (core_prog *)(void *)((uint8_t *)object - offsetof(core_prog, object));
}
PST_INLINE core_btf *core_btf_of(core_object *object)
{
    return (core_btf *)(void *)((uint8_t *)object - offsetof(core_btf, object));
}
PST_INLINE pst_link *core_link_of(core_object *object)
{
    return (pst_link *)(void *)((uint8_t *)object - offsetof(pst_link, object));
}

// What ends an object of each kind: called when its last reference goes (close, outside of locks), then after the epoch (free).
void core_map_free(core_object *object);
void core_prog_free(core_object *object);
void core_btf_free(core_object *object);
void core_link_close(core_object *object);
void core_link_free(core_object *object);
void core_stats_close(core_object *object);
void core_stats_free(core_object *object);

/// A new, attached link with the caller's user reference; 0 or -errno after a sentence.
int64_t core_link_open(core_call *call, core_prog *prog, uint32_t attach_type, uint32_t target, uint32_t flags, pst_link **out);
/// HANDLE_* for open_flags and file_flags.
int64_t core_open_mode(core_call *call, uint32_t flags, uint32_t *mode);

/// Runs exec for owner and counts; inside an epoch.
uint64_t core_run(const pst_exec *exec, void *native_ctx, bool *trapped, pst_trap *trap);
/// Runs a subprogram that a timer calls back, with nothing of an event; inside an epoch. See pst_exec.enter_callback.
void core_run_callback(core_prog *prog, uint64_t func, const uint64_t args[PST_ARGS_MAX]);
PST_INLINE core_prog *core_exec_prog(const pst_exec *exec)
{
    return exec->owner;
}

/// Proves the program's image: 0, or -errno after a sentence. *log gets what a person needs to mend it.
int64_t core_prog_verify(core_call *call, core_prog *prog, pst_text *log);

/// The one place that chooses the engine of a program. PST_E_UNSUPPORTED after a sentence: no engine runs it yet.
PST_MUST_USE pst_status core_engine_create(pst_core *core, const core_prog *prog, pst_exec **out);

/// Tells pst_core_options.code what was compiled. The program's tag is known.
void core_name_code(const core_prog *prog);

/// What every prog_array demands of its programs; false: not compatible. The first program decides.
PST_MUST_USE bool core_prog_array_accepts(pst_map *map, const core_prog *prog);

const pst_provider *core_provider_find(const pst_core *core, uint32_t prog_type);
PST_MUST_USE pst_status core_builtin_register(pst_core *core);
void core_builtin_free(pst_core *core);
/// Fills core->helpers and core->kfuncs.
void core_helpers_init(pst_core *core);
void core_kfuncs_init(pst_core *core);
/// The kfunc that a call in a program names by number, or NULL.
const pst_helper *core_kfunc_find(const pst_core *core, int32_t number);

void core_pins_free(pst_core *core);
void core_attachments_free(pst_core *core);

/// Wakes whoever sleeps in pst_core_wait.
void core_wake(pst_core *core);

// Handlers of commands (command.c has the table).
int64_t core_cmd_map_create(core_call *call);
int64_t core_cmd_map_lookup(core_call *call);
int64_t core_cmd_map_update(core_call *call);
int64_t core_cmd_map_delete(core_call *call);
int64_t core_cmd_map_next_key(core_call *call);
int64_t core_cmd_map_take(core_call *call);
int64_t core_cmd_map_freeze(core_call *call);
int64_t core_cmd_map_lookup_batch(core_call *call);
int64_t core_cmd_map_take_batch(core_call *call);
int64_t core_cmd_map_update_batch(core_call *call);
int64_t core_cmd_map_delete_batch(core_call *call);
int64_t core_cmd_prog_load(core_call *call);
int64_t core_cmd_prog_bind_map(core_call *call);
int64_t core_cmd_prog_test_run(core_call *call);
int64_t core_cmd_prog_attach(core_call *call);
int64_t core_cmd_prog_detach(core_call *call);
int64_t core_cmd_prog_query(core_call *call);
int64_t core_cmd_prog_next_id(core_call *call);
int64_t core_cmd_map_next_id(core_call *call);
int64_t core_cmd_btf_next_id(core_call *call);
int64_t core_cmd_link_next_id(core_call *call);
int64_t core_cmd_prog_by_id(core_call *call);
int64_t core_cmd_map_by_id(core_call *call);
int64_t core_cmd_btf_by_id(core_call *call);
int64_t core_cmd_link_by_id(core_call *call);
int64_t core_cmd_obj_pin(core_call *call);
int64_t core_cmd_obj_get(core_call *call);
int64_t core_cmd_obj_info(core_call *call);
int64_t core_cmd_btf_load(core_call *call);
int64_t core_cmd_link_create(core_call *call);
int64_t core_cmd_link_update(core_call *call);
int64_t core_cmd_link_detach(core_call *call);
int64_t core_cmd_enable_stats(core_call *call);

#define CORE_POINTER(type, number) ((type)(uintptr_t)(number))

#endif
