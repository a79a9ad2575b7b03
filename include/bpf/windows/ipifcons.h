// ipifcons.h: types of interfaces (IANA ifType) and tunnels (IANA tunnelType), those that programs ask for.
#ifndef POSTERN_IPIFCONS_H
#define POSTERN_IPIFCONS_H

#define IF_TYPE_OTHER 1
#define IF_TYPE_ETHERNET_CSMACD 6
#define IF_TYPE_PPP 23
#define IF_TYPE_SOFTWARE_LOOPBACK 24
#define IF_TYPE_IEEE80211 71
#define IF_TYPE_TUNNEL 131

#define TUNNEL_TYPE_NONE 0
#define TUNNEL_TYPE_OTHER 1
#define TUNNEL_TYPE_DIRECT 2
#define TUNNEL_TYPE_6TO4 11
#define TUNNEL_TYPE_ISATAP 13
#define TUNNEL_TYPE_TEREDO 14
#define TUNNEL_TYPE_IPHTTPS 15

#endif
