// checked.h: the state of one run of the checked interpreter. Internal to this folder.
#ifndef PST_INTERP_CHECKED_H
#define PST_INTERP_CHECKED_H

#include "interp/shared.h"

// Frames are apart, so that an access below the own frame hits nothing instead of the caller's.
#define CHECKED_FRAME_STRIDE (2 * PST_FRAME_BYTES)
#define CHECKED_CTX_SPAN 0x10000u // addresses this near to PST_CHECKED_CTX are meant for the context
#define CHECKED_SIZE_MAX (1u << 29) // of memory for a helper; Linux's BPF_MAX_VAR_SIZ

typedef enum region_kind {
    REGION_VALUE,  // a map value
    REGION_MEMORY, // other memory that a helper returned
    REGION_OBJECT, // something opaque with this address: no memory
} region_kind;

typedef struct region {
    uint64_t base, size;
    uint64_t used; // when it was used last, in ticks
    region_kind kind;
    bool readable, writable;
    bool constant;  // nobody can write it any more
    bool reference; // must be released before the program ends
} region;

typedef struct checked_program {
    pst_exec exec; // first: what the caller holds
    const pst_env *env;
    pst_bindings bindings;
    const pst_helper **helpers; // by slot, for calls of helpers and kfuncs; NULL: not provided
    bool has_sock_field;
    uint64_t *counts; // by slot: how often it was executed; NULL: nobody asks
    uint8_t *metered;     // by slot; NULL: no jump is counted
    uint64_t meter_turns;
} checked_program;

typedef struct checked_frame {
    uint32_t pc; // of the call
    uint64_t saved[4]; // r6 to r9
} checked_frame;

typedef struct checked_run {
    const checked_program *prog;
    pst_run *run;
    uint8_t *stack;
    unsigned depth; // of the current frame, from 0
    checked_frame frames[PST_FRAMES_MAX - 1];
    uint64_t r[PST_REG_COUNT];
    uint32_t pc, may_goto_left;
    const pst_map_view *walked; // a helper that calls back goes through this map; NULL: none does
    bool lock_held;
    unsigned region_count;
    uint64_t ticks;
    region regions[PST_CHECKED_REGIONS_MAX];
    unsigned inner_count; // all that were ever stored; the newest PST_CHECKED_INNER_MAPS_MAX are kept
    const pst_map_view *inner[PST_CHECKED_INNER_MAPS_MAX];
} checked_run;

/// Stores the trap and returns false, for `return checked_trap(...)`. The pc is the current one.
bool checked_trap(checked_run *c, pst_trap_code code, uint64_t address, uint32_t size);

// --- regions.c ---

/// The memory at [address, address + size), or NULL and, in *why, what forbids the access (MEMORY or READ_ONLY).
void *checked_memory(checked_run *c, uint64_t address, uint64_t size, bool write, pst_trap_code *why);
bool checked_on_stack(const checked_run *c, uint64_t address, uint64_t size);
/// The region that contains [address, address + size), size 0 included, or NULL.
region *checked_region(checked_run *c, uint64_t address, uint64_t size);
/// Remembers a region. False after a trap: there are too many references.
PST_MUST_USE bool checked_region_add(checked_run *c, region add);
void checked_region_remove(checked_run *c, region *gone);
PST_MUST_USE bool checked_value_add(checked_run *c, const pst_map_view *map, const void *value);
/// What a callback gets of a map's element: its key to read, its value. The key's memory is forgotten by checked_key_remove.
PST_MUST_USE bool checked_element_add(checked_run *c, const pst_map_view *map, uint64_t key, uint64_t value);
void checked_key_remove(checked_run *c, uint64_t key);
void checked_inner_add(checked_run *c, const pst_map_view *map);
bool checked_knows_map(const checked_run *c, uint64_t address);

// --- args.c ---

/// Checks the arguments of a call of helper in r1 to r5, calls it, and notes what it returns. False after a trap. A tail call is
/// checked only.
PST_MUST_USE bool checked_call_helper(checked_run *c, const pst_helper *helper);

#endif
