// interface.h: network interfaces by name. interface_linux.c has them; elsewhere there are none (unsupported.c).
#ifndef PST_CLI_INTERFACE_H
#define PST_CLI_INTERFACE_H

#include <stdint.h>

/// The index of the interface called name, 0: there is none.
uint32_t cli_interface_index(const char *name);

#endif
