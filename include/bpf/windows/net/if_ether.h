// net/if_ether.h: Ethernet frames under eBPF for Windows' and Linux's names.
#ifndef POSTERN_NET_IF_ETHER_H
#define POSTERN_NET_IF_ETHER_H

#include <stdint.h>

typedef uint8_t mac_address_t[6];

#define ETH_ALEN 6
#define ETHERNET_TYPE_IPV4 0x0800
#define ETHERNET_TYPE_IPV6 0x86dd
#define ETH_P_IP ETHERNET_TYPE_IPV4
#define ETH_P_IPV6 ETHERNET_TYPE_IPV6

typedef struct ethhdr {
    union {
        uint8_t Destination[6], h_dest[6];
    };
    union {
        uint8_t Source[6], h_source[6];
    };
    union {
        uint16_t Type, Length, h_proto;
    };
} ETHERNET_HEADER, *PETHERNET_HEADER;
#define _ETHERNET_HEADER ethhdr

#endif
