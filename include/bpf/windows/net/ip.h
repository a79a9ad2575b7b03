// net/ip.h: IPv4 (RFC 791) and IPv6 (RFC 8200) headers under eBPF for Windows' and Linux's names.
#ifndef POSTERN_NET_IP_H
#define POSTERN_NET_IP_H

#include <stdint.h>

#define IPPROTO_ICMP 1
#define IPPROTO_IPV4 4
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_IPV6 41
#define IPPROTO_ICMPV6 58

// Linux's numbers of address families, which contexts have on every host (Windows' own AF_INET6 is 23).
#define AF_INET 2
#define AF_INET6 10

#ifndef DEFAULT_COMPARTMENT_ID
#define DEFAULT_COMPARTMENT_ID 1
#endif

typedef struct iphdr {
    union {
        uint8_t VersionAndHeaderLength;
        struct {
            uint8_t HeaderLength : 4, Version : 4;
        };
        struct {
            uint8_t ihl : 4, version : 4;
        };
    };
    union {
        uint8_t TypeOfServiceAndEcnField, tos;
        struct {
            uint8_t EcnField : 2, TypeOfService : 6;
        };
    };
    union {
        uint16_t TotalLength, tot_len;
    };
    union {
        uint16_t Identification, id;
    };
    union {
        uint16_t FlagsAndOffset, frag_off;
        struct {
            uint16_t DontUse1 : 5, MoreFragments : 1, DontFragment : 1, Reserved : 1, DontUse2 : 8;
        };
    };
    union {
        uint8_t TimeToLive, ttl;
    };
    union {
        uint8_t Protocol, protocol;
    };
    union {
        uint16_t HeaderChecksum, check;
    };
    union {
        uint32_t SourceAddress, saddr;
    };
    union {
        uint32_t DestinationAddress, daddr;
    };
} IPV4_HEADER, *PIPV4_HEADER;
#define _IPV4_HEADER iphdr

typedef uint8_t ipv6_address_t[16];

typedef struct _IPV6_HEADER {
    union {
        uint32_t VersionClassFlow;
        struct {
            uint32_t : 4, Version : 4, : 24;
        };
    };
    uint16_t PayloadLength;
    uint8_t NextHeader, HopLimit;
    ipv6_address_t SourceAddress, DestinationAddress;
} IPV6_HEADER, *PIPV6_HEADER;

#endif
