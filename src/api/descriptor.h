// descriptor.h: descriptors of the operating system, which stand for handles of a host.
#ifndef PST_API_DESCRIPTOR_H
#define PST_API_DESCRIPTOR_H

#include <stdbool.h>

/// False: fd is none. A negative fd is none.
bool api_descriptor_close(int fd);
/// -1: fd is none, or there is no room.
int api_descriptor_dup(int fd);

#endif
