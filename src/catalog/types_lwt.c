// types_lwt.c: the program types of lightweight tunnels, lwt_in, lwt_out, lwt_xmit and lwt_seg6local: described, hosted nowhere here.
//
// All see the same part of struct __sk_buff; only lwt_xmit may write the packet.
#include "catalog/skb_fields.h"

static const pst_ctx_field g_fields[] = {
    SKB_LEN,
    SKB_MARK(SKB_RW),
    SKB_QUEUE(SKB_R),
    SKB_VLAN,
    SKB_PRIORITY(SKB_RW),
    SKB_IFINDEX,
    SKB_TC_INDEX(SKB_R),
    SKB_CB(SKB_RW | PST_FIELD_NARROW_WRITE),
    SKB_HASH,
    SKB_PACKET,
    SKB_NAPI,
    SKB_TAIL,
};

static const pst_ret_meaning g_returns[] = {{0, "BPF_OK"}, {2, "BPF_DROP"}, {7, "BPF_REDIRECT"}, {128, "BPF_LWT_REROUTE"}};

static const int32_t g_in_helpers[] = {24, 25, 26, 28, 33, 34, 39, 73, 136, 137, 138, 139, 140, 160, 178, 196};
static const int32_t g_out_helpers[] = {24, 25, 26, 28, 33, 34, 39, 136, 137, 138, 139, 140, 160, 178, 196};
static const int32_t g_xmit_helpers[] = {9, 10, 11, 13, 20, 21, 23, 24, 25, 26, 28, 29, 30, 33, 34, 38, 39, 40, 41, 43, 73, 135, 136, 137, 138, 139, 140, 160, 178, 196};
static const int32_t g_seg6local_helpers[] = {24, 25, 26, 28, 33, 34, 39, 74, 75, 76, 136, 137, 138, 139, 140, 160, 178, 196};

static const pst_helper_proto g_own[] = {PST_PROTO(17, "get_cgroup_classid", INTEGER, PST_ARG_CTX)};

#define TUNNEL(id, upper, ids)                                                                                       \
    .name = id, .number = PST_PROG_##upper, .abi_size = SKB_SIZE, PST_FIELDS(g_fields), .ret_any = true,             \
    PST_RETURNS(g_returns), PST_HELPERS(ids), PST_OWN_HELPERS(g_own)

const pst_prog_type pst_type_lwt_in = {TUNNEL("lwt_in", LWT_IN, g_in_helpers)};
const pst_prog_type pst_type_lwt_out = {TUNNEL("lwt_out", LWT_OUT, g_out_helpers)};
const pst_prog_type pst_type_lwt_xmit = {TUNNEL("lwt_xmit", LWT_XMIT, g_xmit_helpers), .packet_writable = true};
const pst_prog_type pst_type_lwt_seg6local = {TUNNEL("lwt_seg6local", LWT_SEG6LOCAL, g_seg6local_helpers)};
