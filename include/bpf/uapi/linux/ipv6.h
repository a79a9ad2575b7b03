// linux/ipv6.h: the IPv6 header (RFC 8200) under Linux's names.
#ifndef _LINUX_IPV6_H
#define _LINUX_IPV6_H

#include <linux/in6.h>
#include <linux/types.h>

struct ipv6hdr {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    __u8 priority : 4, version : 4;
#else
    __u8 version : 4, priority : 4;
#endif
    __u8 flow_lbl[3];
    __be16 payload_len;
    __u8 nexthdr, hop_limit;
    union {
        struct {
            struct in6_addr saddr, daddr;
        };
        struct {
            struct in6_addr saddr, daddr;
        } addrs;
    };
};

// Options, routing and most other extension headers: hdrlen in units of 8 bytes behind the first 8.
struct ipv6_opt_hdr {
    __u8 nexthdr, hdrlen;
} __attribute__((packed));

#endif
