// linux/tcp.h: the TCP header (RFC 9293) under Linux's names.
#ifndef _LINUX_TCP_H
#define _LINUX_TCP_H

#include <linux/types.h>

struct tcphdr {
    __be16 source, dest;
    __be32 seq, ack_seq;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    __u16 res1 : 4, doff : 4, fin : 1, syn : 1, rst : 1, psh : 1, ack : 1, urg : 1, ece : 1, cwr : 1;
#else
    __u16 doff : 4, res1 : 4, cwr : 1, ece : 1, urg : 1, ack : 1, psh : 1, rst : 1, syn : 1, fin : 1;
#endif
    __be16 window;
    __sum16 check;
    __be16 urg_ptr;
};

#endif
