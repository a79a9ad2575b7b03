// descriptor_linux.c: see descriptor.h.
#include "api/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

bool api_descriptor_close(int fd)
{
    return fd >= 0 && close(fd) == 0;
}

int api_descriptor_dup(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}
