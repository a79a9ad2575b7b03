// devmap.h: where bpf_redirect_map sends a frame.
#ifndef PST_CORE_MAP_DEVMAP_H
#define PST_CORE_MAP_DEVMAP_H

#include "core/map/map.h"

/// The interface's index (devmaps) or the queue's length (cpumap) of an entry, inside an epoch; 0: there is no such entry.
uint32_t core_redirect_target(pst_map *map, uint32_t key);

#endif
