// linux/udp.h: the UDP header (RFC 768) under Linux's names.
#ifndef _LINUX_UDP_H
#define _LINUX_UDP_H

#include <linux/types.h>

struct udphdr {
    __be16 source, dest, len;
    __sum16 check;
};

#endif
