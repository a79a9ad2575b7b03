// perf_array.h: BPF_MAP_TYPE_PERF_EVENT_ARRAY for the helper and the reader.
#ifndef PST_CORE_MAP_PERF_ARRAY_H
#define PST_CORE_MAP_PERF_ARRAY_H

#include "core/map/map.h"

/// Appends a record of two parts to a CPU's ring. 0, -PST_E2BIG (no such slot), -PST_ENOENT (no such CPU), -PST_ENOSPC (full: counted as lost).
int core_perf_write(pst_map *map, uint32_t cpu, const void *first, uint32_t first_size, const void *second, uint32_t second_size);
/// See pst_core_perf_read. PST_E_NOSPACE: *size says what the record needs.
PST_MUST_USE pst_status core_perf_take(pst_map *map, uint32_t cpu, void *out, size_t *size, uint64_t *lost);
bool core_perf_ready(pst_map *map);
/// The map's own event, created on first use; NULL without memory. Signalled when a ring that was empty has a record.
pst_event *core_perf_event(pst_map *map);

#endif
