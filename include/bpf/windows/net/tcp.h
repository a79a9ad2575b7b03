// net/tcp.h: the TCP header (RFC 9293) under Linux's names, as in eBPF for Windows.
#ifndef POSTERN_NET_TCP_H
#define POSTERN_NET_TCP_H

#include <stdint.h>

struct tcphdr {
    uint16_t source, dest;
    uint32_t seq, ack_seq;
    uint16_t ns : 1, reserved : 3, doff : 4, fin : 1, syn : 1, rst : 1, psh : 1, ack : 1, urg : 1, ece : 1, cwr : 1;
    uint16_t window, check, urg_ptr;
};

#endif
