// arena.h: memory of one phase (load, verify, compile), freed at once.
//
// Blocks are chained; an allocation never moves. Not thread-safe: one owner at a time.
#ifndef PST_BASE_ARENA_H
#define PST_BASE_ARENA_H

#include <stddef.h>

#include "base/env.h"

typedef struct pst_arena_block pst_arena_block;

typedef struct pst_arena {
    const pst_env *env;
    pst_arena_block *blocks; // newest first
    size_t used_bytes;       // handed out so far
    size_t limit_bytes;      // 0: none. Reaching it makes allocations fail
} pst_arena;

void pst_arena_init(pst_arena *arena, const pst_env *env, size_t limit_bytes);
/// Frees everything. The arena may be used again.
void pst_arena_free(pst_arena *arena);
/// Zeroed, aligned to 16 bytes; NULL without memory or at the limit. size 0 gives a valid pointer.
PST_MUST_USE void *pst_arena_alloc(pst_arena *arena, size_t size);
/// Zeroed array; NULL also when count * size overflows.
PST_MUST_USE void *pst_arena_array(pst_arena *arena, size_t count, size_t size);
/// A NUL-terminated copy of length bytes.
PST_MUST_USE char *pst_arena_string(pst_arena *arena, const char *text, size_t length);
/// A formatted string (format.h); NULL without memory.
PST_MUST_USE char *pst_arena_format(pst_arena *arena, const char *fmt, ...) PST_PRINTF(2, 3);

#endif
