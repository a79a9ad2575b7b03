// bpf_endian.h: byte order, with the short names that eBPF for Windows adds.
#ifndef POSTERN_EBPF_ENDIAN_H
#define POSTERN_EBPF_ENDIAN_H

#include "../bpf_endian.h"

#ifndef ntohs
#define ntohs bpf_ntohs
#endif
#ifndef htons
#define htons bpf_htons
#endif
#ifndef ntohl
#define ntohl bpf_ntohl
#endif
#ifndef htonl
#define htonl bpf_htonl
#endif

#endif
