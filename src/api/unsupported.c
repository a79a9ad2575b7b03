// unsupported.c: systems without hosts have no such descriptors.
#include "api/descriptor.h"

bool api_descriptor_close(int fd)
{
    (void)fd;
    return false;
}

int api_descriptor_dup(int fd)
{
    (void)fd;
    return -1;
}
