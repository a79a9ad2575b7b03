// fields.h: values with special fields (locks, timers, kptrs: pst_record), which no update overwrites and no lookup shows.
//
// A map without such fields takes the way of values.h. Who copies a whole value in or out of a live one calls these.
#ifndef PST_CORE_MAP_FIELDS_H
#define PST_CORE_MAP_FIELDS_H

#include "core/map/map.h"
#include "core/map/values.h"
#include "core/timer.h"

/// Stores size bytes of a value but for its special fields, which stay as they are.
void core_fields_store(const pst_map *map, void *live, const void *from, uint32_t size);
/// Loads a value; special fields read as 0.
void core_fields_load(const pst_map *map, void *to, const void *live, uint32_t size);
/// The same under the value's own lock (BPF_F_LOCK), in maps whose has_lock is set.
void core_fields_store_locked(const pst_map *map, void *live, const void *from);
void core_fields_load_locked(const pst_map *map, void *to, void *live);

/// Linux's rules for a map whose values have these fields: 0 or -errno, *why is the sentence.
PST_MUST_USE int core_fields_check(const pst_map *map, const char **why);
/// Whether programs find the same fields in values of both.
PST_MUST_USE bool core_fields_equal(const pst_map_view *a, const pst_map_view *b);

/// An element's life ends, or its value was replaced: its timer goes.
PST_INLINE void core_fields_release(pst_map *map, void *live)
{
    if (PST_UNLIKELY(map->has_timer)) core_timer_release(map, live);
}

PST_INLINE void core_map_store(const pst_map *map, void *live, const void *from, uint32_t size)
{
    if (PST_LIKELY(map->view.record_count == 0)) core_value_store(live, from, size);
    else core_fields_store(map, live, from, size);
}
PST_INLINE void core_map_load(const pst_map *map, void *to, const void *live, uint32_t size)
{
    if (PST_LIKELY(map->view.record_count == 0)) core_value_load(to, live, size);
    else core_fields_load(map, to, live, size);
}

#endif
