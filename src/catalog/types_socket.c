// types_socket.c: program types on sockets and streams: sk_skb, sk_msg, sk_lookup, sk_reuseport, flow_dissector, netfilter. Described,
// hosted nowhere here. Layouts are Linux's (uapi/linux/bpf.h).
#include "catalog/skb_fields.h"

#define R PST_FIELD_READ
#define WHOLE (PST_FIELD_READ | PST_FIELD_EXACT)
#define ROW(text, off, size, kind, access) PST_DESCRIBED_ROW(text, off, size, kind, access)

static const pst_ret_meaning g_verdicts[] = {{0, "SK_DROP"}, {1, "SK_PASS"}};

// --- sk_skb ------------------------------------------------------------------------------------------------------

static const pst_ctx_field g_sk_skb_fields[] = {
    SKB_LEN,
    SKB_QUEUE(SKB_R),
    SKB_VLAN,
    SKB_PRIORITY(SKB_RW),
    SKB_IFINDEX,
    SKB_TC_INDEX(SKB_RW),
    SKB_CB(SKB_R),
    SKB_HASH,
    SKB_PACKET,
    SKB_NAPI,
    SKB_ADDRESSES,
    SKB_TAIL,
};

static const int32_t g_sk_skb_helpers[] = {9, 25, 26, 38, 39, 43, 46, 47, 50, 52, 72, 84, 85, 86, 99, 136, 137, 138, 139, 140, 160, 178, 196};

static const pst_attach_type g_sk_skb_attach[] = {
    PST_ATTACH_ROW(SK_SKB_STREAM_PARSER, "sk_skb_stream_parser"),
    PST_ATTACH_ROW(SK_SKB_STREAM_VERDICT, "sk_skb_stream_verdict"),
    PST_ATTACH_ROW(SK_SKB_VERDICT, "sk_skb_verdict"),
};

const pst_prog_type pst_type_sk_skb = {
    .name = "sk_skb",
    .number = PST_PROG_SK_SKB,
    .abi_size = SKB_SIZE,
    PST_FIELDS(g_sk_skb_fields),
    .ret_any = true, // a parser returns a length
    PST_RETURNS(g_verdicts),
    PST_HELPERS(g_sk_skb_helpers),
    PST_ATTACH_TYPES(g_sk_skb_attach),
    .packet_writable = true,
};

// --- sk_msg ------------------------------------------------------------------------------------------------------

static const pst_ctx_field g_sk_msg_fields[] = {
    ROW("data", 0, 8, PACKET_START, R),        ROW("data_end", 8, 8, PACKET_END, R),
    ROW("family", 16, 4, SCALAR, WHOLE),       ROW("remote_ip4", 20, 4, SCALAR, WHOLE),
    ROW("local_ip4", 24, 4, SCALAR, WHOLE),    ROW("remote_ip6[0]", 28, 4, SCALAR, WHOLE),
    ROW("remote_ip6[1]", 32, 4, SCALAR, WHOLE), ROW("remote_ip6[2]", 36, 4, SCALAR, WHOLE),
    ROW("remote_ip6[3]", 40, 4, SCALAR, WHOLE), ROW("local_ip6[0]", 44, 4, SCALAR, WHOLE),
    ROW("local_ip6[1]", 48, 4, SCALAR, WHOLE), ROW("local_ip6[2]", 52, 4, SCALAR, WHOLE),
    ROW("local_ip6[3]", 56, 4, SCALAR, WHOLE), ROW("remote_port", 60, 4, SCALAR, WHOLE),
    ROW("local_port", 64, 4, SCALAR, WHOLE),   ROW("size", 68, 4, SCALAR, WHOLE),
    ROW("sk", 72, 8, SOCK, R),
};

static const int32_t g_sk_msg_helpers[] = {25, 60, 61, 62, 63, 71, 90, 91, 107, 108, 122, 136, 137, 138, 139, 140, 160, 178, 196};

static const pst_attach_type g_sk_msg_attach[] = {PST_ATTACH_ROW(SK_MSG_VERDICT, "sk_msg_verdict")};

const pst_prog_type pst_type_sk_msg = {
    .name = "sk_msg",
    .number = PST_PROG_SK_MSG,
    .abi_size = 80,
    PST_FIELDS(g_sk_msg_fields),
    .ret_any = true,
    PST_RETURNS(g_verdicts),
    PST_HELPERS(g_sk_msg_helpers),
    PST_ATTACH_TYPES(g_sk_msg_attach),
    .packet_writable = true,
};

// --- sk_lookup ---------------------------------------------------------------------------------------------------

static const pst_ctx_field g_sk_lookup_fields[] = {
    ROW("sk", 0, 8, SOCK_OR_NULL, R),       ROW("family", 8, 4, SCALAR, R),          ROW("protocol", 12, 4, SCALAR, R),
    ROW("remote_ip4", 16, 4, SCALAR, R),    ROW("remote_ip6[0]", 20, 4, SCALAR, R),  ROW("remote_ip6[1]", 24, 4, SCALAR, R),
    ROW("remote_ip6[2]", 28, 4, SCALAR, R), ROW("remote_ip6[3]", 32, 4, SCALAR, R),  ROW("remote_port", 36, 4, SCALAR, R),
    ROW("local_ip4", 40, 4, SCALAR, R),     ROW("local_ip6[0]", 44, 4, SCALAR, R),   ROW("local_ip6[1]", 48, 4, SCALAR, R),
    ROW("local_ip6[2]", 52, 4, SCALAR, R),  ROW("local_ip6[3]", 56, 4, SCALAR, R),   ROW("local_port", 60, 4, SCALAR, R),
    ROW("ingress_ifindex", 64, 4, SCALAR, R),
};

static const int32_t g_sk_lookup_helpers[] = {25, 86, 124, 136, 137, 138, 139, 140, 160, 178, 196};

// The socket may be NULL: that takes back an earlier choice.
static const pst_helper_proto g_sk_lookup_own[] = {PST_PROTO(124, "sk_assign", INTEGER, PST_ARG_CTX, PST_ARG_SOCK_OR_NULL, PST_ARG_ANYTHING)};

static const pst_attach_type g_sk_lookup_attach[] = {PST_ATTACH_ROW(SK_LOOKUP, "sk_lookup")};

const pst_prog_type pst_type_sk_lookup = {
    .name = "sk_lookup",
    .number = PST_PROG_SK_LOOKUP,
    .abi_size = 72,
    PST_FIELDS(g_sk_lookup_fields),
    .ret_lo = 0,
    .ret_hi = 1,
    PST_RETURNS(g_verdicts),
    PST_HELPERS(g_sk_lookup_helpers),
    PST_OWN_HELPERS(g_sk_lookup_own),
    PST_ATTACH_TYPES(g_sk_lookup_attach),
};

// --- sk_reuseport ------------------------------------------------------------------------------------------------

// The protocol of the link is two bytes; both halves of the field and the whole are readable, single bytes are not.
static const pst_ctx_field g_sk_reuseport_fields[] = {
    ROW("data", 0, 8, PACKET_START, R),        ROW("data_end", 8, 8, PACKET_END, R),       ROW("len", 16, 4, SCALAR, R),
    ROW("eth_protocol", 20, 4, SCALAR, WHOLE), ROW("eth_protocol", 20, 2, SCALAR, WHOLE),  ROW("eth_protocol", 22, 2, SCALAR, WHOLE),
    ROW("ip_protocol", 24, 4, SCALAR, R),      ROW("bind_inany", 28, 4, SCALAR, R),        ROW("hash", 32, 4, SCALAR, WHOLE),
    ROW("sk", 40, 8, SOCK, R),                 ROW("migrating_sk", 48, 8, SOCK_COMMON_OR_NULL, R),
};

static const int32_t g_sk_reuseport_helpers[] = {26, 46, 68, 82, 160};

static const pst_helper_proto g_sk_reuseport_own[] = {PST_PROTO(46, "get_socket_cookie", INTEGER, PST_ARG_SOCK_OR_NULL)};

static const pst_attach_type g_sk_reuseport_attach[] = {
    PST_ATTACH_ROW(SK_REUSEPORT_SELECT, "sk_reuseport_select"),
    PST_ATTACH_ROW(SK_REUSEPORT_SELECT_OR_MIGRATE, "sk_reuseport_select_or_migrate"),
};

const pst_prog_type pst_type_sk_reuseport = {
    .name = "sk_reuseport",
    .number = PST_PROG_SK_REUSEPORT,
    .abi_size = 56,
    PST_FIELDS(g_sk_reuseport_fields),
    .ret_any = true,
    PST_RETURNS(g_verdicts),
    PST_HELPERS(g_sk_reuseport_helpers),
    PST_OWN_HELPERS(g_sk_reuseport_own),
    PST_ATTACH_TYPES(g_sk_reuseport_attach),
};

// --- flow_dissector ----------------------------------------------------------------------------------------------

static const pst_ctx_field g_flow_dissector_fields[] = {
    SKB_PACKET,
    {.name = "flow_keys", .abi_off = 144, .abi_size = 8, .kind = PST_FIELD_MEM, .flags = R, .target = &pst_struct_flow_keys},
};

static const pst_ret_meaning g_flow_dissector_returns[] = {{0, "BPF_OK"}, {2, "BPF_DROP"}, {129, "BPF_FLOW_DISSECTOR_CONTINUE"}};

static const int32_t g_flow_dissector_helpers[] = {26, 136, 137, 138, 139, 140, 160, 178, 196};

static const pst_attach_type g_flow_dissector_attach[] = {PST_ATTACH_ROW(FLOW_DISSECTOR, "flow_dissector")};

const pst_prog_type pst_type_flow_dissector = {
    .name = "flow_dissector",
    .number = PST_PROG_FLOW_DISSECTOR,
    .abi_size = SKB_SIZE,
    PST_FIELDS(g_flow_dissector_fields),
    .ret_any = true,
    PST_RETURNS(g_flow_dissector_returns),
    PST_HELPERS(g_flow_dissector_helpers),
    PST_ATTACH_TYPES(g_flow_dissector_attach),
};

// --- netfilter ---------------------------------------------------------------------------------------------------

static const pst_ctx_field g_netfilter_fields[] = {
    {.name = "state", .abi_off = 0, .abi_size = 8, .kind = PST_FIELD_BTF_ID, .flags = R, .btf = "nf_hook_state"},
    {.name = "skb", .abi_off = 8, .abi_size = 8, .kind = PST_FIELD_BTF_ID, .flags = R, .btf = "sk_buff"},
};

static const pst_ret_meaning g_netfilter_returns[] = {{0, "NF_DROP"}, {1, "NF_ACCEPT"}};

static const pst_attach_type g_netfilter_attach[] = {PST_ATTACH_ROW(NETFILTER, "netfilter")};

const pst_prog_type pst_type_netfilter = {
    .name = "netfilter",
    .number = PST_PROG_NETFILTER,
    .abi_size = 16,
    PST_FIELDS(g_netfilter_fields),
    .ret_lo = 0,
    .ret_hi = 1,
    PST_RETURNS(g_netfilter_returns),
    PST_ATTACH_TYPES(g_netfilter_attach),
};
