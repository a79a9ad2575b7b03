// types_net.c: the program types of the network: xdp, socket_filter, sched_cls.
//
// Layouts are Linux's (uapi/linux/bpf.h); for xdp also that of eBPF for Windows, whose pointers are 8 bytes wide: Linux has no 8-byte
// access to struct xdp_md, so the size of the access says which view a program was compiled for.
#include <stddef.h>

#include "catalog/contexts.h"
#include "catalog/types.h"

#define R PST_FIELD_READ
#define RW (PST_FIELD_READ | PST_FIELD_WRITE)

#define XDP(text, off, size, member, field_kind, access) \
    PST_FIELD_ROW(pst_xdp_ctx, text, off, size, member, field_kind, access)

static const pst_ctx_field g_xdp_fields[] = {
    XDP("data", 0, 4, data, PACKET_START, R),
    XDP("data", 0, 8, data, PACKET_START, R), // eBPF for Windows
    XDP("data_end", 4, 4, data_end, PACKET_END, R),
    XDP("data_meta", 8, 4, data_meta, PACKET_META, R),
    XDP("data_end", 8, 8, data_end, PACKET_END, R), // eBPF for Windows
    XDP("ingress_ifindex", 12, 4, ingress_ifindex, SCALAR, R),
    XDP("rx_queue_index", 16, 4, rx_queue_index, SCALAR, R),
    XDP("data_meta", 16, 8, data_meta, PACKET_META, R), // eBPF for Windows
    XDP("egress_ifindex", 20, 4, egress_ifindex, SCALAR, R),
    XDP("ingress_ifindex", 24, 4, ingress_ifindex, SCALAR, R), // eBPF for Windows
};

static const pst_ret_meaning g_xdp_returns[] = {
    {PST_XDP_ABORTED, "XDP_ABORTED"}, {PST_XDP_DROP, "XDP_DROP"},         {PST_XDP_PASS, "XDP_PASS"},
    {PST_XDP_TX, "XDP_TX"},           {PST_XDP_REDIRECT, "XDP_REDIRECT"},
};

static const int32_t g_xdp_helpers[] = {
    23, 25, 28, 44, 51, 54, 65, 69, 84, 85, 86, 99, 100, 110, 163, 188, 189, 190, 204, 205, 206, 207,
};

static const pst_attach_type g_xdp_attach[] = {
    {.number = PST_ATTACH_XDP, .name = "xdp", .guid = {0x85e0d8ef, 0x579e, 0x4931, {0xb0, 0x72, 0x8e, 0xe2, 0x26, 0xbb, 0x2e, 0x9d}}},
    {.number = PST_ATTACH_XDP_DEVMAP, .name = "xdp_devmap"},
    {.number = PST_ATTACH_XDP_CPUMAP, .name = "xdp_cpumap"},
};

const pst_prog_type pst_type_xdp = {
    .name = "xdp",
    .number = PST_PROG_XDP,
    .guid = {0xf1832a85, 0x85d5, 0x45b0, {0x98, 0xa0, 0x70, 0x69, 0xd6, 0x30, 0x13, 0xb0}},
    .abi_size = 28,
    .native_size = sizeof(pst_xdp_ctx),
    .fields = g_xdp_fields,
    .field_count = PST_COUNT(g_xdp_fields),
    .ret_any = true, // an unknown action is ABORTED, as on Linux
    .ret_meanings = g_xdp_returns,
    .ret_meaning_count = PST_COUNT(g_xdp_returns),
    .helpers = g_xdp_helpers,
    .helper_count = PST_COUNT(g_xdp_helpers),
    .attach_types = g_xdp_attach,
    .attach_type_count = PST_COUNT(g_xdp_attach),
    .packet_writable = true,
};

#define SKB(text, off, size, member, field_kind, access) \
    PST_FIELD_ROW(pst_skb_ctx, text, off, size, member, field_kind, access)
// cb is the program's scratch: any part, and two words at once where they are aligned.
#define CB(index, extra) \
    SKB("cb[" #index "]", 48 + 4 * index, 4, cb[index], SCALAR, RW | PST_FIELD_NARROW_WRITE | (extra))
// What both types read at the start of struct __sk_buff; writable says what tc may write.
#define SKB_HEAD(writable)                                                 \
    SKB("len", 0, 4, len, SCALAR, R),                                      \
    SKB("pkt_type", 4, 4, pkt_type, SCALAR, R),                            \
    SKB("mark", 8, 4, mark, SCALAR, writable),                             \
    SKB("queue_mapping", 12, 4, queue_mapping, SCALAR, writable),          \
    SKB("protocol", 16, 4, protocol, SCALAR, R),                           \
    SKB("vlan_present", 20, 4, vlan_present, SCALAR, R),                   \
    SKB("vlan_tci", 24, 4, vlan_tci, SCALAR, R),                           \
    SKB("vlan_proto", 28, 4, vlan_proto, SCALAR, R),                       \
    SKB("priority", 32, 4, priority, SCALAR, writable),                    \
    SKB("ingress_ifindex", 36, 4, ingress_ifindex, SCALAR, R),             \
    SKB("ifindex", 40, 4, ifindex, SCALAR, R),                             \
    SKB("tc_index", 44, 4, tc_index, SCALAR, writable),                    \
    CB(0, PST_FIELD_WIDE), CB(1, 0), CB(2, PST_FIELD_WIDE), CB(3, 0), CB(4, 0), \
    SKB("hash", 68, 4, hash, SCALAR, R)

static const pst_ctx_field g_filter_fields[] = {
    SKB_HEAD(R),
    SKB("napi_id", 84, 4, napi_id, SCALAR, R),
    SKB("gso_segs", 164, 4, gso_segs, SCALAR, R),
    SKB("gso_size", 176, 4, gso_size, SCALAR, R),
};

static const int32_t g_filter_helpers[] = {25, 26, 46, 47, 68, 122};

const pst_prog_type pst_type_socket_filter = {
    .name = "socket_filter",
    .number = PST_PROG_SOCKET_FILTER,
    .abi_size = 192,
    .native_size = sizeof(pst_skb_ctx),
    .fields = g_filter_fields,
    .field_count = PST_COUNT(g_filter_fields),
    .ret_any = true, // the number of bytes to keep
    .helpers = g_filter_helpers,
    .helper_count = PST_COUNT(g_filter_helpers),
    .legacy_loads = true,
};

static const pst_ctx_field g_cls_fields[] = {
    SKB_HEAD(RW),
    SKB("tc_classid", 72, 4, tc_classid, SCALAR, RW),
    SKB("data", 76, 4, data, PACKET_START, R),
    SKB("data_end", 80, 4, data_end, PACKET_END, R),
    SKB("napi_id", 84, 4, napi_id, SCALAR, R),
    SKB("data_meta", 140, 4, data_meta, PACKET_META, R),
    SKB("tstamp", 152, 8, tstamp, SCALAR, RW),
    SKB("wire_len", 160, 4, wire_len, SCALAR, R),
    SKB("gso_segs", 164, 4, gso_segs, SCALAR, R),
    SKB("gso_size", 176, 4, gso_size, SCALAR, R),
    SKB("hwtstamp", 184, 8, hwtstamp, SCALAR, R),
};

static const pst_ret_meaning g_cls_returns[] = {
    {-1, "TC_ACT_UNSPEC"}, {0, "TC_ACT_OK"},     {1, "TC_ACT_RECLASSIFY"}, {2, "TC_ACT_SHOT"},
    {3, "TC_ACT_PIPE"},    {4, "TC_ACT_STOLEN"}, {5, "TC_ACT_QUEUED"},     {7, "TC_ACT_REDIRECT"},
};

static const int32_t g_cls_helpers[] = {
    9,  10, 11, 13, 17, 18, 19, 20, 21, 23, 24, 25, 26, 28, 29, 30,  31,  32,  33,  34,  38,  39,  40,  41,  43,  46,  47,  48,  50,  51,  66,  68,
    69, 79, 83, 84, 85, 86, 95, 96, 97, 98, 99, 100, 107, 108, 110, 122, 124, 135, 151, 152, 155, 163, 192, 204, 205, 206, 207,
};

static const pst_attach_type g_cls_attach[] = {
    {.number = PST_ATTACH_TCX_INGRESS, .name = "tcx_ingress"},
    {.number = PST_ATTACH_TCX_EGRESS, .name = "tcx_egress"},
};

const pst_prog_type pst_type_sched_cls = {
    .name = "sched_cls",
    .number = PST_PROG_SCHED_CLS,
    .abi_size = 192,
    .native_size = sizeof(pst_skb_ctx),
    .fields = g_cls_fields,
    .field_count = PST_COUNT(g_cls_fields),
    .ret_any = true,
    .ret_meanings = g_cls_returns,
    .ret_meaning_count = PST_COUNT(g_cls_returns),
    .helpers = g_cls_helpers,
    .helper_count = PST_COUNT(g_cls_helpers),
    .attach_types = g_cls_attach,
    .attach_type_count = PST_COUNT(g_cls_attach),
    .packet_writable = true,
    .legacy_loads = true,
};
