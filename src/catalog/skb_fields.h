// skb_fields.h: rows of struct __sk_buff, of which each type of program on packets in socket buffers sees its part. Private to the catalog.
//
// Native places are those of pst_skb_ctx; types that nothing here hosts carry them too and never use them.
#ifndef PST_CATALOG_SKB_FIELDS_H
#define PST_CATALOG_SKB_FIELDS_H

#include "catalog/contexts.h"
#include "catalog/types.h"

#define SKB_SIZE 192 // sizeof(struct __sk_buff)

#define SKB_R PST_FIELD_READ
#define SKB_RW (PST_FIELD_READ | PST_FIELD_WRITE)
#define SKB_WHOLE (PST_FIELD_READ | PST_FIELD_EXACT)

#define SKB(text, off, size, member, field_kind, access) PST_FIELD_ROW(pst_skb_ctx, text, off, size, member, field_kind, access)

#define SKB_LEN SKB("len", 0, 4, len, SCALAR, SKB_R), SKB("pkt_type", 4, 4, pkt_type, SCALAR, SKB_R)
#define SKB_MARK(access) SKB("mark", 8, 4, mark, SCALAR, access)
#define SKB_QUEUE(access) SKB("queue_mapping", 12, 4, queue_mapping, SCALAR, access)
#define SKB_VLAN                                           \
    SKB("protocol", 16, 4, protocol, SCALAR, SKB_R),       \
    SKB("vlan_present", 20, 4, vlan_present, SCALAR, SKB_R), \
    SKB("vlan_tci", 24, 4, vlan_tci, SCALAR, SKB_R),       \
    SKB("vlan_proto", 28, 4, vlan_proto, SCALAR, SKB_R)
#define SKB_PRIORITY(access) SKB("priority", 32, 4, priority, SCALAR, access)
#define SKB_IFINDEX                                              \
    SKB("ingress_ifindex", 36, 4, ingress_ifindex, SCALAR, SKB_R), \
    SKB("ifindex", 40, 4, ifindex, SCALAR, SKB_R)
#define SKB_TC_INDEX(access) SKB("tc_index", 44, 4, tc_index, SCALAR, access)
// cb is the program's scratch: any part, and two words at once where they are aligned.
#define SKB_CB_WORD(index, access) SKB("cb[" #index "]", 48 + 4 * index, 4, cb[index], SCALAR, access)
#define SKB_CB(access)                                                                                               \
    SKB_CB_WORD(0, (access) | PST_FIELD_WIDE), SKB_CB_WORD(1, access), SKB_CB_WORD(2, (access) | PST_FIELD_WIDE), \
    SKB_CB_WORD(3, access), SKB_CB_WORD(4, access)
#define SKB_HASH SKB("hash", 68, 4, hash, SCALAR, SKB_R)
#define SKB_PACKET SKB("data", 76, 4, data, PACKET_START, SKB_R), SKB("data_end", 80, 4, data_end, PACKET_END, SKB_R)
#define SKB_NAPI SKB("napi_id", 84, 4, napi_id, SCALAR, SKB_R)
#define SKB_ADDRESSES                                                  \
    SKB("family", 88, 4, family, SCALAR, SKB_R),                       \
    SKB("remote_ip4", 92, 4, remote_ip4, SCALAR, SKB_WHOLE),           \
    SKB("local_ip4", 96, 4, local_ip4, SCALAR, SKB_WHOLE),             \
    SKB("remote_ip6[0]", 100, 4, remote_ip6[0], SCALAR, SKB_WHOLE),    \
    SKB("remote_ip6[1]", 104, 4, remote_ip6[1], SCALAR, SKB_WHOLE),    \
    SKB("remote_ip6[2]", 108, 4, remote_ip6[2], SCALAR, SKB_WHOLE),    \
    SKB("remote_ip6[3]", 112, 4, remote_ip6[3], SCALAR, SKB_WHOLE),    \
    SKB("local_ip6[0]", 116, 4, local_ip6[0], SCALAR, SKB_WHOLE),      \
    SKB("local_ip6[1]", 120, 4, local_ip6[1], SCALAR, SKB_WHOLE),      \
    SKB("local_ip6[2]", 124, 4, local_ip6[2], SCALAR, SKB_WHOLE),      \
    SKB("local_ip6[3]", 128, 4, local_ip6[3], SCALAR, SKB_WHOLE),      \
    SKB("remote_port", 132, 4, remote_port, SCALAR, SKB_R),            \
    SKB("local_port", 136, 4, local_port, SCALAR, SKB_R)
#define SKB_META SKB("data_meta", 140, 4, data_meta, PACKET_META, SKB_R)
#define SKB_TSTAMP SKB("tstamp", 152, 8, tstamp, SCALAR, SKB_RW | PST_FIELD_EXACT)
#define SKB_TAIL                                              \
    SKB("gso_segs", 164, 4, gso_segs, SCALAR, SKB_R),         \
    SKB("sk", 168, 8, sk, SOCK_COMMON_OR_NULL, SKB_R),        \
    SKB("gso_size", 176, 4, gso_size, SCALAR, SKB_R)
#define SKB_HWTSTAMP SKB("hwtstamp", 184, 8, hwtstamp, SCALAR, SKB_WHOLE)

#endif
