// values.h: memory of values and copies of values that other threads may access at the same time.
#ifndef PST_CORE_MAP_VALUES_H
#define PST_CORE_MAP_VALUES_H

#include "base/bits.h"
#include "base/env.h"

/// Zeroed memory for a table; large ones are pages, which the system fills in on first touch. NULL without memory.
PST_MUST_USE void *core_area_alloc(const pst_env *env, size_t size);
void core_area_free(const pst_env *env, void *area, size_t size);

/// Copies into a live value, which is aligned to 8: whole words at a time, so that a reader may see old and new words but no torn one. Sizes 1, 2
/// and 4 are one store as well.
void core_value_store(void *live, const void *from, uint32_t size);
/// Copies out of a live value.
void core_value_load(void *to, const void *live, uint32_t size);
/// Zeroes a live value.
void core_value_clear(void *live, uint32_t size);

#endif
