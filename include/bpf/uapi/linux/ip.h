// linux/ip.h: the IPv4 header (RFC 791) under Linux's names.
#ifndef _LINUX_IP_H
#define _LINUX_IP_H

#include <linux/types.h>

struct iphdr {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    __u8 ihl : 4, version : 4;
#else
    __u8 version : 4, ihl : 4;
#endif
    __u8 tos;
    __be16 tot_len, id, frag_off;
    __u8 ttl, protocol;
    __sum16 check;
    union {
        struct {
            __be32 saddr, daddr;
        };
        struct {
            __be32 saddr, daddr;
        } addrs;
    };
};

#endif
