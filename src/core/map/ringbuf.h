// ringbuf.h: BPF_MAP_TYPE_RINGBUF for helpers and consumers.
#ifndef PST_CORE_MAP_RINGBUF_H
#define PST_CORE_MAP_RINGBUF_H

#include "core/map/map.h"

/// A record of size bytes to fill, or NULL: no room, or too large. Ends with core_ringbuf_commit.
void *core_ringbuf_reserve(pst_map *map, uint64_t size);
/// Hands a reserved record to the consumer, or makes it skip the record. flags: PST_RB_*_WAKEUP.
void core_ringbuf_commit(void *record, uint64_t flags, bool discard);
uint64_t core_ringbuf_query(const pst_map *map, uint64_t what);
/// What another process needs to map it; -1 where nothing is shared.
pst_ring_share core_ringbuf_share(const pst_map *map);
void core_ringbuf_view(pst_map *map, pst_ringbuf_view *out);
/// A record waits for the consumer.
bool core_ringbuf_ready(pst_map *map);
/// The map's own event if it has one.
pst_event *core_ringbuf_event_if(pst_map *map);
/// The map's own event, created on first use; NULL without memory.
pst_event *core_ringbuf_event(pst_map *map);

#endif
