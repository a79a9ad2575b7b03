// types_net.c: the program types of the network that hosts have: xdp, socket_filter, sched_cls and its sister sched_act.
//
// Layouts are Linux's (uapi/linux/bpf.h); for xdp also that of eBPF for Windows, whose pointers are 8 bytes wide: Linux has no 8-byte
// access to struct xdp_md, so the size of the access says which view a program was compiled for.
#include <stddef.h>

#include "catalog/skb_fields.h"

#define R PST_FIELD_READ
#define WHOLE (PST_FIELD_READ | PST_FIELD_EXACT)

#define XDP(text, off, size, member, field_kind, access) \
    PST_FIELD_ROW(pst_xdp_ctx, text, off, size, member, field_kind, access)

static const pst_ctx_field g_xdp_fields[] = {
    XDP("data", 0, 4, data, PACKET_START, R),
    XDP("data", 0, 8, data, PACKET_START, R), // eBPF for Windows
    XDP("data_end", 4, 4, data_end, PACKET_END, R),
    XDP("data_meta", 8, 4, data_meta, PACKET_META, R),
    XDP("data_end", 8, 8, data_end, PACKET_END, R), // eBPF for Windows
    XDP("ingress_ifindex", 12, 4, ingress_ifindex, SCALAR, WHOLE),
    XDP("rx_queue_index", 16, 4, rx_queue_index, SCALAR, WHOLE),
    XDP("data_meta", 16, 8, data_meta, PACKET_META, R), // eBPF for Windows
    {.name = "egress_ifindex",
     .abi_off = 20,
     .abi_size = 4,
     .native_off = (uint16_t)offsetof(pst_xdp_ctx, egress_ifindex),
     .native_size = 4,
     .kind = PST_FIELD_SCALAR,
     .flags = WHOLE,
     .attach_mask = PST_FOR(XDP_DEVMAP)}, // only a device map sends a frame somewhere before the program runs
    XDP("ingress_ifindex", 24, 4, ingress_ifindex, SCALAR, R), // eBPF for Windows
};

static const pst_ret_meaning g_xdp_returns[] = {
    {PST_XDP_ABORTED, "XDP_ABORTED"}, {PST_XDP_DROP, "XDP_DROP"},         {PST_XDP_PASS, "XDP_PASS"},
    {PST_XDP_TX, "XDP_TX"},           {PST_XDP_REDIRECT, "XDP_REDIRECT"},
};

static const int32_t g_xdp_helpers[] = {
    23, 25, 28, 44, 51, 54, 65, 69, 84, 85, 86, 99, 100, 110, 136, 137, 138, 139, 140, 160, 163, 178, 188, 189, 190, 196, 204, 205,
    206, 207,
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

static const pst_ctx_field g_filter_fields[] = {
    SKB_LEN,        SKB_MARK(R),     SKB_QUEUE(R),
    SKB_VLAN,       SKB_PRIORITY(R), SKB_IFINDEX,
    SKB_TC_INDEX(R), SKB_CB(SKB_RW | PST_FIELD_NARROW_WRITE), SKB_HASH,
    SKB_NAPI,       SKB_TAIL,
};

static const int32_t g_filter_helpers[] = {25, 26, 46, 47, 68, 122, 136, 137, 138, 139, 140, 160, 178, 196};

const pst_prog_type pst_type_socket_filter = {
    .name = "socket_filter",
    .number = PST_PROG_SOCKET_FILTER,
    .abi_size = SKB_SIZE,
    .native_size = sizeof(pst_skb_ctx),
    PST_FIELDS(g_filter_fields),
    .ret_any = true, // the number of bytes to keep
    PST_HELPERS(g_filter_helpers),
    .legacy_loads = true,
};

static const pst_ctx_field g_cls_fields[] = {
    SKB_LEN,
    SKB_MARK(SKB_RW),
    SKB_QUEUE(SKB_RW),
    SKB_VLAN,
    SKB_PRIORITY(SKB_RW),
    SKB_IFINDEX,
    SKB_TC_INDEX(SKB_RW),
    SKB_CB(SKB_RW | PST_FIELD_NARROW_WRITE),
    SKB_HASH,
    SKB("tc_classid", 72, 4, tc_classid, SCALAR, SKB_RW),
    SKB_PACKET,
    SKB_NAPI,
    SKB_META,
    SKB_TSTAMP,
    SKB("wire_len", 160, 4, wire_len, SCALAR, R),
    SKB_TAIL,
    SKB("tstamp_type", 180, 1, tstamp_type, SCALAR, R),
    SKB_HWTSTAMP,
};

static const pst_ret_meaning g_cls_returns[] = {
    {-1, "TC_ACT_UNSPEC"}, {0, "TC_ACT_OK"},     {1, "TC_ACT_RECLASSIFY"}, {2, "TC_ACT_SHOT"},
    {3, "TC_ACT_PIPE"},    {4, "TC_ACT_STOLEN"}, {5, "TC_ACT_QUEUED"},     {7, "TC_ACT_REDIRECT"},
};

static const int32_t g_cls_helpers[] = {
    9, 10, 11, 13, 18, 19, 20, 21, 23, 24, 25, 26, 28, 29, 30, 31, 32, 33, 34, 38, 39, 40, 41, 43, 46, 47, 48, 50, 66, 68, 69, 79, 83,
    84, 85, 86, 95, 96, 97, 98, 99, 100, 107, 108, 110, 122, 124, 135, 136, 137, 138, 139, 140, 151, 152, 155, 160, 163, 178, 192,
    196, 204, 205, 206, 207,
};

static const pst_helper_proto g_cls_own[] = {PST_PROTO(17, "get_cgroup_classid", INTEGER, PST_ARG_CTX)};

static const pst_attach_type g_cls_attach[] = {
    PST_ATTACH_ROW(TCX_INGRESS, "tcx_ingress"),
    PST_ATTACH_ROW(TCX_EGRESS, "tcx_egress"),
    PST_ATTACH_ROW(NETKIT_PRIMARY, "netkit_primary"),
    PST_ATTACH_ROW(NETKIT_PEER, "netkit_peer"),
};

#define CLASSIFIER                                                                                     \
    .abi_size = SKB_SIZE, PST_FIELDS(g_cls_fields), .ret_any = true, PST_RETURNS(g_cls_returns),       \
    PST_HELPERS(g_cls_helpers), PST_OWN_HELPERS(g_cls_own), .packet_writable = true, .legacy_loads = true

const pst_prog_type pst_type_sched_cls = {
    .name = "sched_cls",
    .number = PST_PROG_SCHED_CLS,
    .native_size = sizeof(pst_skb_ctx),
    CLASSIFIER,
    PST_ATTACH_TYPES(g_cls_attach),
};

// An action of the traffic control: a classifier's view without hooks of its own.
const pst_prog_type pst_type_sched_act = {
    .name = "sched_act",
    .number = PST_PROG_SCHED_ACT,
    CLASSIFIER,
};
