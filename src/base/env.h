// env.h: what a caller lends to the library: memory and a place for messages.
//
// Passed as a const pointer to everything that allocates or explains itself. pal supplies a default
// (pst_pal_env); tests supply one that fails on request; a driver supplies pool memory.
#ifndef PST_BASE_ENV_H
#define PST_BASE_ENV_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"

typedef enum pst_log_level {
    PST_LOG_ERROR, // why the operation that now fails did fail: one sentence that names what, where, and what to do
    PST_LOG_WARN,
    PST_LOG_INFO,
    PST_LOG_DEBUG,
} pst_log_level;

typedef struct pst_env {
    /// Resizes a block: ptr NULL allocates, new_size 0 frees. Alignment is 16 bytes. NULL when there is no memory;
    /// the old block is then untouched. old_size is the block's size in bytes. Thread-safe.
    void *(*resize)(void *user, void *ptr, size_t old_size, size_t new_size);
    /// Receives a message (no newline). May be NULL. Thread-safe.
    void (*log)(void *user, pst_log_level level, const char *text);
    void *user;
} pst_env;

/// Uninitialised memory, or NULL.
PST_MUST_USE void *pst_alloc(const pst_env *env, size_t size);
/// Zeroed memory for count elements of size bytes, or NULL (also on overflow of the product).
PST_MUST_USE void *pst_alloc_zero(const pst_env *env, size_t count, size_t size);
/// size is what was allocated. ptr may be NULL.
void pst_free(const pst_env *env, void *ptr, size_t size);

/// Grows *array (of elements of elem_size bytes, capacity *capacity) so that it holds need elements. Amortised O(1).
PST_MUST_USE pst_status pst_grow(const pst_env *env, void *array_ptr, size_t *capacity, size_t need, size_t elem_size);

/// Formats a message (format.h) and hands it to the sink. Longer than 1,023 bytes is cut; control characters become '?'.
void pst_log(const pst_env *env, pst_log_level level, const char *fmt, ...) PST_PRINTF(3, 4);

/// Logs an error sentence and returns status: `return pst_fail(env, PST_E_FORMAT, "...", ...)`.
pst_status pst_fail(const pst_env *env, pst_status status, const char *fmt, ...) PST_PRINTF(3, 4);

#endif
