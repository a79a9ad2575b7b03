// map.h: what every map has, and the one table of functions behind which the types differ.
//
// Results are 0 or a negative PST_E* errno of abi.h, as on Linux. A map's address is the address of its view: that is the value of a map
// register in a running program.
#ifndef PST_CORE_MAP_MAP_H
#define PST_CORE_MAP_MAP_H

#include "core/handle.h"
#include "base/arena.h"
#include "pal/pal.h"
#include "program/image.h"

typedef struct map_ops map_ops;

typedef struct pst_map {
    pst_map_view view; // first
    const map_ops *ops;
    core_object object;
    uint32_t cpus;         // areas of a per-CPU value; 1 otherwise
    uint32_t value_bytes;  // one CPU's part of a value, rounded up to 8
    uint32_t lock_offset;  // of the bpf_spin_lock in a value, where has_lock
    bool has_lock;
    bool has_timer;
    uint32_t timer_offset; // of the bpf_timer, where has_timer
    uint32_t writers;      // commands that write right now; freezing waits for none: it is refused
    uint32_t btf_key_type, btf_value_type;
    struct core_btf *btf;  // NULL: none
    pst_arena arena;       // of view.records; env NULL: not used
    struct map_template *inner;
} pst_map;

/// What a map of maps remembers of the map it was created with: only the shape, not the map.
typedef struct map_template {
    pst_map_view view;
    const map_ops *ops;
} map_template;

typedef struct map_batch {
    void *cursor;        // in: key_size bytes (hash: 4), NULL at the beginning
    void *next_cursor;   // out
    uint8_t *keys, *values;
    uint32_t capacity, done;
    bool remove;         // lookup and delete
    bool locked;         // BPF_F_LOCK: each value is copied under its lock
} map_batch;

/// False: no more elements.
typedef bool (*map_visit)(void *user, const void *key, void *value);

struct map_ops {
    size_t object_size; // of the struct that embeds pst_map
    /// Refuses attributes that the type does not take; *why is the sentence.
    int (*check)(const pst_bpf_attr *attr, const char **why);
    /// Completes a zeroed map whose view, ops and object are set. On failure nothing stays allocated.
    int (*create)(pst_map *map);
    /// Frees what create and the elements own, not the map.
    void (*destroy)(pst_map *map);
    /// For running programs, inside an epoch. lookup: NULL when absent; may be NULL itself: the type has none.
    void *(*lookup)(pst_map *map, const void *key);
    int (*update)(pst_map *map, const void *key, const void *value, uint64_t flags);
    int (*remove)(pst_map *map, const void *key);
    /// Goes through the elements, in a per-CPU map those of this CPU, and returns how many were visited; never more than there is room for. May
    /// be NULL.
    uint64_t (*walk)(pst_map *map, map_visit visit, void *user);
    /// For commands; values have the user's layout (core_map_user_value_size). NULL: not supported. Those that read run inside an epoch,
    /// write, remove and set_object outside: they may wait for one to end. Of maps without keys programs call them too (push, pop, peek), with a key of NULL:
    /// these never wait.
    int (*read)(pst_map *map, const void *key, void *value);
    int (*write)(pst_map *map, const void *key, const void *value, uint64_t flags);
    int (*next_key)(pst_map *map, const void *key, void *next);
    int (*take)(pst_map *map, const void *key, void *value); // look up and delete
    int (*read_batch)(pst_map *map, map_batch *batch);       // NULL: key by key
    /// read and take under the value's lock (BPF_F_LOCK), for maps whose has_lock is set. write gets the flag.
    int (*read_locked)(pst_map *map, const void *key, void *value);
    int (*take_locked)(pst_map *map, const void *key, void *value);
    /// For maps whose values are descriptors: target is the object, or NULL to delete. The map takes its own reference.
    int (*set_object)(pst_map *map, const void *key, core_object *target, uint64_t flags);
    /// What Linux checks before it looks at the descriptor. May be NULL.
    int (*set_check)(const pst_map *map, const void *key, uint64_t flags);
    /// The last handle or pin is gone: break cycles. May be NULL.
    void (*release_users)(pst_map *map);
    /// Value and size of a CPU's part, for bpf_map_lookup_percpu_elem. May be NULL.
    void *(*lookup_cpu)(pst_map *map, const void *key, uint32_t cpu);
    bool batch;             // batch commands work key by key through read, write, remove
    bool batch_delete;      // delete batches work
    bool batch_take;        // lookup-and-delete batches work
    bool may_be_inner;      // can be the template of a map of maps
    bool inner_same_length; // as an inner map its max_entries must equal the template's (unless PST_F_INNER_MAP)
    uint32_t object_kind;   // of set_object
};

/// NULL when the type is not there.
const map_ops *core_map_ops(uint32_t type);

extern const map_ops map_array_ops, map_percpu_array_ops, map_prog_array_ops, map_array_of_maps_ops, map_perf_array_ops;
extern const map_ops map_hash_ops, map_percpu_hash_ops, map_hash_of_maps_ops, map_ringbuf_ops;
extern const map_ops map_lru_hash_ops, map_lru_percpu_hash_ops, map_lpm_ops, map_queue_ops, map_bloom_ops;
extern const map_ops map_devmap_ops, map_devmap_hash_ops, map_xskmap_ops; // a cpumap is a devmap of CPUs

/// What a tail call through a prog_array reaches: pst_bindings.tail_target.
const pst_exec *core_prog_array_target(void *map_view, uint32_t index);

/// Bytes of a value in a command: all CPUs of a per-CPU value, 4 for descriptors.
uint32_t core_map_user_value_size(const pst_map *map);
/// True when inner can be stored in a map with this template.
PST_MUST_USE bool core_map_fits_template(const map_template *meta, const pst_map *inner);

PST_INLINE pst_map *core_map_of_object(core_object *object)
{
    return (pst_map *)(void *)((uint8_t *)object - offsetof(pst_map, object));
}
PST_INLINE const pst_env *core_map_env(const pst_map *map)
{
    return core_object_env(&map->object);
}
/// The event at *at, created on first use by whichever thread is first; NULL without memory.
pst_event *core_map_event(const pst_env *env, pst_event **at);
/// In a helper: the map that a register names.
PST_INLINE pst_map *core_map_of_register(uint64_t value)
{
    return (pst_map *)(uintptr_t)value;
}

#define MAP_ACCESS_FLAGS (PST_F_RDONLY | PST_F_WRONLY | PST_F_RDONLY_PROG | PST_F_WRONLY_PROG)
/// The rule of all types: not both of the program's restrictions.
PST_INLINE bool map_access_ok(uint32_t flags)
{
    return (flags & (PST_F_RDONLY_PROG | PST_F_WRONLY_PROG)) != (PST_F_RDONLY_PROG | PST_F_WRONLY_PROG);
}
#define MAP_PERCPU_VALUE_MAX 32768u // Linux's PCPU_MIN_UNIT_SIZE

#endif
