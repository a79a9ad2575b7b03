// net/udp.h: the UDP header (RFC 768) under eBPF for Windows' and Linux's names.
#ifndef POSTERN_NET_UDP_H
#define POSTERN_NET_UDP_H

#include <stdint.h>

typedef struct udphdr {
    union {
        uint16_t srcPort, source;
    };
    union {
        uint16_t destPort, dest;
    };
    union {
        uint16_t length, len;
    };
    union {
        uint16_t checksum, check;
    };
} UDP_HEADER;
#define UDP_HEADER_ udphdr

#endif
