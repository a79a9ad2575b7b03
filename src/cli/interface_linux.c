// interface_linux.c: see interface.h.
#include "cli/interface.h"

#include <net/if.h>

uint32_t cli_interface_index(const char *name)
{
    return if_nametoindex(name);
}
