// wire_in_memory.h: a command packed as a client does, served as the host does, and unpacked, without a socket between.
#ifndef PST_TESTS_WIRE_IN_MEMORY_H
#define PST_TESTS_WIRE_IN_MEMORY_H

#include "core/core.h"

/// Handles are client's own numbers on both sides. Results as pst_core_command's.
int64_t wire_command_in_memory(pst_core *core, pst_client *client, uint32_t cmd, void *attr, uint32_t size);

#endif
