// types_cgroup.c: the program types of control groups, cgroup_skb, cgroup_sock, cgroup_sock_addr, sock_ops, cgroup_device, cgroup_sysctl,
// cgroup_sockopt. Described, hosted nowhere here.
//
// Layouts are Linux's (uapi/linux/bpf.h). Behind those of cgroup_sock_addr and sock_ops come the fields that only eBPF for Windows has,
// as include/bpf/windows/ebpf_nethooks.h lays them out, so that one description serves programs of both kinds.
#include "catalog/skb_fields.h"

#define R PST_FIELD_READ
#define RW (PST_FIELD_READ | PST_FIELD_WRITE)
#define WHOLE (PST_FIELD_READ | PST_FIELD_EXACT)
#define WHOLE_RW (PST_FIELD_READ | PST_FIELD_WRITE | PST_FIELD_EXACT)
#define LOW (PST_FIELD_READ | PST_FIELD_LOW)
#define ROW(text, off, size, kind, access) PST_DESCRIBED_ROW(text, off, size, kind, access)
#define FIELD_FOR(text, off, access, readers) PST_DESCRIBED_ROW_FOR(text, off, 4, SCALAR, access, readers, 0)

static const pst_ret_meaning g_permits[] = {{0, "deny"}, {1, "allow"}};

// --- cgroup_skb --------------------------------------------------------------------------------------------------

static const pst_ctx_field g_skb_fields[] = {
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
    SKB_ADDRESSES,
    SKB_TSTAMP,
    SKB_TAIL,
    SKB_HWTSTAMP,
};

static const int32_t g_skb_helpers[] = {25, 26, 46, 47, 68, 79, 81, 83, 84, 85, 86, 95, 96, 97, 98, 99, 107, 108, 122, 128, 129, 136, 137, 138, 139, 140, 160, 178, 196};

static const pst_attach_type g_skb_attach[] = {
    PST_ATTACH_ROW(CGROUP_INET_INGRESS, "cgroup_inet_ingress"),
    PST_ATTACH_ROW_RET(CGROUP_INET_EGRESS, "cgroup_inet_egress", 0, 3), // 2 and 3 tell of congestion
};

const pst_prog_type pst_type_cgroup_skb = {
    .name = "cgroup_skb",
    .number = PST_PROG_CGROUP_SKB,
    .abi_size = SKB_SIZE,
    PST_FIELDS(g_skb_fields),
    .ret_lo = 0,
    .ret_hi = 1,
    PST_RETURNS(g_permits),
    PST_HELPERS(g_skb_helpers),
    PST_ATTACH_TYPES(g_skb_attach),
};

// --- cgroup_sock -------------------------------------------------------------------------------------------------

#define LIFE (PST_FOR(CGROUP_INET_SOCK_CREATE) | PST_FOR(CGROUP_INET_SOCK_RELEASE))
#define BOUND4 PST_FOR(CGROUP_INET4_POST_BIND)
#define BOUND6 PST_FOR(CGROUP_INET6_POST_BIND)

static const pst_ctx_field g_sock_fields[] = {
    FIELD_FOR("bound_dev_if", 0, WHOLE_RW, LIFE), ROW("family", 4, 4, SCALAR, LOW),
    ROW("type", 8, 4, SCALAR, LOW),               ROW("protocol", 12, 4, SCALAR, LOW),
    FIELD_FOR("mark", 16, WHOLE_RW, LIFE),        FIELD_FOR("priority", 20, WHOLE_RW, LIFE),
    FIELD_FOR("src_ip4", 24, R, BOUND4),          FIELD_FOR("src_ip6[0]", 28, R, BOUND6),
    FIELD_FOR("src_ip6[1]", 32, R, BOUND6),       FIELD_FOR("src_ip6[2]", 36, R, BOUND6),
    FIELD_FOR("src_ip6[3]", 40, R, BOUND6),       FIELD_FOR("src_port", 44, LOW, BOUND4 | BOUND6),
    ROW("dst_port", 48, 2, SCALAR, R),            ROW("dst_port", 48, 4, SCALAR, WHOLE),
    ROW("dst_ip4", 52, 4, SCALAR, R),             ROW("dst_ip6[0]", 56, 4, SCALAR, R),
    ROW("dst_ip6[1]", 60, 4, SCALAR, R),          ROW("dst_ip6[2]", 64, 4, SCALAR, R),
    ROW("dst_ip6[3]", 68, 4, SCALAR, R),          ROW("state", 72, 4, SCALAR, LOW),
    ROW("rx_queue_mapping", 76, 4, SCALAR, LOW),
};

static const int32_t g_sock_helpers[] = {25, 46, 81, 107, 122, 160, 186, 187};

// The context is the socket.
static const pst_helper_proto g_sock_own[] = {
    {.id = 107,
     .name = "bpf_sk_storage_get",
     .ret = PST_RET_MAP_VALUE_OR_NULL,
     .args = {PST_ARG_MAP, PST_ARG_CTX, PST_ARG_MAP_VALUE_OR_NULL, PST_ARG_ANYTHING},
     .map_types = (uint64_t)1 << PST_MAP_SK_STORAGE},
};

static const pst_attach_type g_sock_attach[] = {
    PST_ATTACH_ROW(CGROUP_INET_SOCK_CREATE, "cgroup_inet_sock_create"),
    PST_ATTACH_ROW(CGROUP_INET_SOCK_RELEASE, "cgroup_inet_sock_release"),
    PST_ATTACH_ROW(CGROUP_INET4_POST_BIND, "cgroup_inet4_post_bind"),
    PST_ATTACH_ROW(CGROUP_INET6_POST_BIND, "cgroup_inet6_post_bind"),
};

const pst_prog_type pst_type_cgroup_sock = {
    .name = "cgroup_sock",
    .number = PST_PROG_CGROUP_SOCK,
    .abi_size = 80,
    PST_FIELDS(g_sock_fields),
    .ret_lo = 0,
    .ret_hi = 1,
    PST_RETURNS(g_permits),
    PST_HELPERS(g_sock_helpers),
    PST_OWN_HELPERS(g_sock_own),
    PST_ATTACH_TYPES(g_sock_attach),
};

// --- cgroup_sock_addr --------------------------------------------------------------------------------------------

#define INET4                                                                                                         \
    (PST_FOR(CGROUP_INET4_BIND) | PST_FOR(CGROUP_INET4_CONNECT) | PST_FOR(CGROUP_UDP4_SENDMSG) |                      \
     PST_FOR(CGROUP_UDP4_RECVMSG) | PST_FOR(CGROUP_INET4_GETPEERNAME) | PST_FOR(CGROUP_INET4_GETSOCKNAME))
#define INET6                                                                                                         \
    (PST_FOR(CGROUP_INET6_BIND) | PST_FOR(CGROUP_INET6_CONNECT) | PST_FOR(CGROUP_UDP6_SENDMSG) |                      \
     PST_FOR(CGROUP_UDP6_RECVMSG) | PST_FOR(CGROUP_INET6_GETPEERNAME) | PST_FOR(CGROUP_INET6_GETSOCKNAME))
#define SEND4 PST_FOR(CGROUP_UDP4_SENDMSG)
#define SEND6 PST_FOR(CGROUP_UDP6_SENDMSG)

static const pst_ctx_field g_addr_fields[] = {
    ROW("user_family", 0, 4, SCALAR, WHOLE),
    FIELD_FOR("user_ip4", 4, RW, INET4),
    FIELD_FOR("user_ip6[0]", 8, RW | PST_FIELD_WIDE, INET6),
    FIELD_FOR("user_ip6[1]", 12, RW, INET6),
    FIELD_FOR("user_ip6[2]", 16, RW | PST_FIELD_WIDE, INET6),
    FIELD_FOR("user_ip6[3]", 20, RW, INET6),
    ROW("user_port", 24, 4, SCALAR, RW),
    ROW("family", 28, 4, SCALAR, WHOLE),
    ROW("type", 32, 4, SCALAR, WHOLE),
    ROW("protocol", 36, 4, SCALAR, WHOLE),
    FIELD_FOR("msg_src_ip4", 40, RW, SEND4),
    FIELD_FOR("msg_src_ip6[0]", 44, RW, SEND6),
    FIELD_FOR("msg_src_ip6[1]", 48, RW | PST_FIELD_WIDE, SEND6), // aligned to 8, unlike the first
    FIELD_FOR("msg_src_ip6[2]", 52, RW, SEND6),
    FIELD_FOR("msg_src_ip6[3]", 56, RW, SEND6),
    ROW("sk", 64, 8, SOCK, R),
    // eBPF for Windows
    ROW("msg_src_port", 72, 2, SCALAR, R),
    ROW("compartment_id", 76, 4, SCALAR, R),
    ROW("interface_luid", 80, 8, SCALAR, R),
};

static const int32_t g_addr_helpers[] = {25, 46, 49, 57, 64, 81, 84, 85, 86, 99, 107, 108, 122, 136, 137, 138, 139, 140, 160, 178, 186, 187, 196};

#define REFUSES                                                                                                       \
    (PST_FOR(CGROUP_INET4_BIND) | PST_FOR(CGROUP_INET6_BIND) | PST_FOR(CGROUP_INET4_CONNECT) |                        \
     PST_FOR(CGROUP_INET6_CONNECT) | PST_FOR(CGROUP_UDP4_SENDMSG) | PST_FOR(CGROUP_UDP6_SENDMSG) |                    \
     PST_FOR(CGROUP_UNIX_CONNECT) | PST_FOR(CGROUP_UNIX_SENDMSG))

static const pst_helper_limit g_addr_limits[] = {
    {64, PST_FOR(CGROUP_INET4_CONNECT) | PST_FOR(CGROUP_INET6_CONNECT)}, // bind
    {186, REFUSES},                                                      // get_retval
    {187, REFUSES},                                                      // set_retval
};

// Of eBPF for Windows.
static const pst_helper_proto g_addr_own[] = {
    {.id = 0x20102,
     .name = "bpf_sock_addr_set_redirect_context",
     .ret = PST_RET_INTEGER,
     .args = {PST_ARG_CTX, PST_ARG_MEM, PST_ARG_SIZE}},
    {.id = 0x20103,
     .name = "bpf_sock_addr_get_network_context",
     .ret = PST_RET_INTEGER,
     .args = {PST_ARG_CTX, PST_ARG_MEM_OUT, PST_ARG_SIZE}},
};

static const pst_attach_type g_addr_attach[] = {
    PST_ATTACH_ROW_RET(CGROUP_INET4_BIND, "cgroup_inet4_bind", 0, 3),
    PST_ATTACH_ROW_RET(CGROUP_INET6_BIND, "cgroup_inet6_bind", 0, 3),
    PST_ATTACH_ROW(CGROUP_INET4_CONNECT, "cgroup_inet4_connect"),
    PST_ATTACH_ROW(CGROUP_INET6_CONNECT, "cgroup_inet6_connect"),
    PST_ATTACH_ROW(CGROUP_UDP4_SENDMSG, "cgroup_udp4_sendmsg"),
    PST_ATTACH_ROW(CGROUP_UDP6_SENDMSG, "cgroup_udp6_sendmsg"),
    PST_ATTACH_ROW_RET(CGROUP_UDP4_RECVMSG, "cgroup_udp4_recvmsg", 1, 1),
    PST_ATTACH_ROW_RET(CGROUP_UDP6_RECVMSG, "cgroup_udp6_recvmsg", 1, 1),
    PST_ATTACH_ROW_RET(CGROUP_INET4_GETPEERNAME, "cgroup_inet4_getpeername", 1, 1),
    PST_ATTACH_ROW_RET(CGROUP_INET6_GETPEERNAME, "cgroup_inet6_getpeername", 1, 1),
    PST_ATTACH_ROW_RET(CGROUP_INET4_GETSOCKNAME, "cgroup_inet4_getsockname", 1, 1),
    PST_ATTACH_ROW_RET(CGROUP_INET6_GETSOCKNAME, "cgroup_inet6_getsockname", 1, 1),
    PST_ATTACH_ROW(CGROUP_UNIX_CONNECT, "cgroup_unix_connect"),
    PST_ATTACH_ROW(CGROUP_UNIX_SENDMSG, "cgroup_unix_sendmsg"),
    PST_ATTACH_ROW_RET(CGROUP_UNIX_RECVMSG, "cgroup_unix_recvmsg", 1, 1),
    PST_ATTACH_ROW_RET(CGROUP_UNIX_GETPEERNAME, "cgroup_unix_getpeername", 1, 1),
    PST_ATTACH_ROW_RET(CGROUP_UNIX_GETSOCKNAME, "cgroup_unix_getsockname", 1, 1),
    // Of eBPF for Windows, where 2 lets a connection through for good.
    PST_ATTACH_ROW_RET(WINDOWS_CONNECT_AUTHORIZATION4, "cgroup_inet4_connect_authorization", 0, 2),
    PST_ATTACH_ROW_RET(WINDOWS_CONNECT_AUTHORIZATION6, "cgroup_inet6_connect_authorization", 0, 2),
    PST_ATTACH_ROW_RET(WINDOWS_RECV_ACCEPT4, "cgroup_inet4_recv_accept", 0, 2),
    PST_ATTACH_ROW_RET(WINDOWS_RECV_ACCEPT6, "cgroup_inet6_recv_accept", 0, 2),
    PST_ATTACH_ROW_RET(WINDOWS_LISTEN4, "cgroup_inet4_listen", 0, 2),
    PST_ATTACH_ROW_RET(WINDOWS_LISTEN6, "cgroup_inet6_listen", 0, 2),
};

const pst_prog_type pst_type_cgroup_sock_addr = {
    .name = "cgroup_sock_addr",
    .number = PST_PROG_CGROUP_SOCK_ADDR,
    .guid = {0x92ec8e39, 0xaeec, 0x11ec, {0x9a, 0x30, 0x18, 0x60, 0x24, 0x89, 0xbe, 0xee}},
    .abi_size = 88,
    PST_FIELDS(g_addr_fields),
    .ret_lo = 0,
    .ret_hi = 1,
    PST_RETURNS(g_permits),
    PST_HELPERS(g_addr_helpers),
    PST_OWN_HELPERS(g_addr_own),
    PST_LIMITS(g_addr_limits),
    PST_ATTACH_TYPES(g_addr_attach),
};

// --- sock_ops ----------------------------------------------------------------------------------------------------

#define WORD(text, off) ROW(text, off, 4, SCALAR, WHOLE)

static const pst_ctx_field g_ops_fields[] = {
    WORD("op", 0),
    ROW("args[0]", 4, 4, SCALAR, WHOLE_RW), // also the reply
    WORD("args[1]", 8), WORD("args[2]", 12), WORD("args[3]", 16),
    WORD("family", 20), WORD("remote_ip4", 24), WORD("local_ip4", 28),
    WORD("remote_ip6[0]", 32), WORD("remote_ip6[1]", 36), WORD("remote_ip6[2]", 40), WORD("remote_ip6[3]", 44),
    WORD("local_ip6[0]", 48), WORD("local_ip6[1]", 52), WORD("local_ip6[2]", 56), WORD("local_ip6[3]", 60),
    WORD("remote_port", 64), WORD("local_port", 68), WORD("is_fullsock", 72),
    WORD("snd_cwnd", 76), WORD("srtt_us", 80), WORD("bpf_sock_ops_cb_flags", 84),
    WORD("state", 88), WORD("rtt_min", 92), WORD("snd_ssthresh", 96),
    WORD("rcv_nxt", 100), WORD("snd_nxt", 104), WORD("snd_una", 108),
    WORD("mss_cache", 112), WORD("ecn_flags", 116), WORD("rate_delivered", 120),
    WORD("rate_interval_us", 124), WORD("packets_out", 128), WORD("retrans_out", 132),
    WORD("total_retrans", 136), WORD("segs_in", 140), WORD("data_segs_in", 144),
    WORD("segs_out", 148), WORD("data_segs_out", 152), WORD("lost_out", 156),
    WORD("sacked_out", 160),
    ROW("sk_txhash", 164, 4, SCALAR, WHOLE_RW),
    ROW("bytes_received", 168, 8, SCALAR, WHOLE),
    ROW("bytes_acked", 176, 8, SCALAR, WHOLE),
    ROW("sk", 184, 8, SOCK_OR_NULL, R),
    ROW("skb_data", 192, 8, PACKET_START, R),
    ROW("skb_data_end", 200, 8, PACKET_END, R),
    WORD("skb_len", 208),
    ROW("skb_tcp_flags", 212, 4, SCALAR, LOW),
    ROW("skb_hwtstamp", 216, 8, SCALAR, WHOLE),
    // eBPF for Windows
    ROW("protocol", 224, 1, SCALAR, R),
    ROW("compartment_id", 228, 4, SCALAR, R),
    ROW("interface_luid", 232, 8, SCALAR, R),
};

static const int32_t g_ops_helpers[] = {25, 46, 49, 53, 57, 59, 70, 81, 96, 107, 108, 122, 136, 137, 138, 139, 140, 142, 143, 144, 160, 178, 196};

// Of eBPF for Windows.
static const pst_helper_proto g_ops_own[] = {{.id = 0x20201, .name = "bpf_sock_ops_get_flow_id", .ret = PST_RET_INTEGER, .args = {PST_ARG_CTX}}};

static const pst_attach_type g_ops_attach[] = {
    {.number = PST_ATTACH_CGROUP_SOCK_OPS,
     .name = "cgroup_sock_ops",
     .guid = {0x837d02cd, 0x3251, 0x4632, {0x8d, 0x94, 0x60, 0xd3, 0xb4, 0x57, 0x69, 0xf2}}},
};

const pst_prog_type pst_type_sock_ops = {
    .name = "sock_ops",
    .number = PST_PROG_SOCK_OPS,
    .guid = {0x43fb224d, 0x68f8, 0x46d6, {0xaa, 0x3f, 0xc8, 0x56, 0x51, 0x8c, 0xbb, 0x32}},
    .abi_size = 240,
    PST_FIELDS(g_ops_fields),
    .ret_lo = 0,
    .ret_hi = 1,
    PST_HELPERS(g_ops_helpers),
    PST_OWN_HELPERS(g_ops_own),
    PST_ATTACH_TYPES(g_ops_attach),
};

// --- cgroup_device, cgroup_sysctl, cgroup_sockopt ----------------------------------------------------------------

static const pst_ctx_field g_device_fields[] = {ROW("access_type", 0, 4, SCALAR, R), WORD("major", 4), WORD("minor", 8)};

static const int32_t g_device_helpers[] = {25, 81, 186, 187};

static const pst_attach_type g_device_attach[] = {PST_ATTACH_ROW(CGROUP_DEVICE, "cgroup_device")};

const pst_prog_type pst_type_cgroup_device = {
    .name = "cgroup_device",
    .number = PST_PROG_CGROUP_DEVICE,
    .abi_size = 12,
    PST_FIELDS(g_device_fields),
    .ret_lo = 0,
    .ret_hi = 1,
    PST_RETURNS(g_permits),
    PST_HELPERS(g_device_helpers),
    PST_ATTACH_TYPES(g_device_attach),
};

static const pst_ctx_field g_sysctl_fields[] = {ROW("write", 0, 4, SCALAR, R), ROW("file_pos", 4, 4, SCALAR, RW)};

static const int32_t g_sysctl_helpers[] = {25, 81, 101, 102, 103, 104, 160, 186, 187};

static const pst_attach_type g_sysctl_attach[] = {PST_ATTACH_ROW(CGROUP_SYSCTL, "cgroup_sysctl")};

const pst_prog_type pst_type_cgroup_sysctl = {
    .name = "cgroup_sysctl",
    .number = PST_PROG_CGROUP_SYSCTL,
    .abi_size = 8,
    PST_FIELDS(g_sysctl_fields),
    .ret_lo = 0,
    .ret_hi = 1,
    PST_RETURNS(g_permits),
    PST_HELPERS(g_sysctl_helpers),
    PST_ATTACH_TYPES(g_sysctl_attach),
};

#define SETS PST_FOR(CGROUP_SETSOCKOPT)
#define GETS PST_FOR(CGROUP_GETSOCKOPT)

static const pst_ctx_field g_sockopt_fields[] = {
    ROW("sk", 0, 8, SOCK, R),
    ROW("optval", 8, 8, PACKET_START, R),
    ROW("optval_end", 16, 8, PACKET_END, R),
    PST_DESCRIBED_ROW_FOR("level", 24, 4, SCALAR, WHOLE_RW, 0, SETS),
    PST_DESCRIBED_ROW_FOR("optname", 28, 4, SCALAR, WHOLE_RW, 0, SETS),
    ROW("optlen", 32, 4, SCALAR, WHOLE_RW),
    PST_DESCRIBED_ROW_FOR("retval", 36, 4, SCALAR, WHOLE_RW, GETS, GETS),
};

static const int32_t g_sockopt_helpers[] = {25, 49, 57, 81, 96, 107, 108, 122, 186, 187};

static const pst_helper_limit g_sockopt_limits[] = {{49, SETS}, {57, SETS}}; // setsockopt, getsockopt

static const pst_helper_proto g_sockopt_own[] = {
    PST_PROTO(49, "setsockopt", INTEGER, PST_ARG_SOCK, PST_ARG_ANYTHING, PST_ARG_ANYTHING, PST_ARG_MEM, PST_ARG_SIZE),
    PST_PROTO(57, "getsockopt", INTEGER, PST_ARG_SOCK, PST_ARG_ANYTHING, PST_ARG_ANYTHING, PST_ARG_MEM_OUT, PST_ARG_SIZE),
};

static const pst_attach_type g_sockopt_attach[] = {
    PST_ATTACH_ROW(CGROUP_GETSOCKOPT, "cgroup_getsockopt"),
    PST_ATTACH_ROW(CGROUP_SETSOCKOPT, "cgroup_setsockopt"),
};

const pst_prog_type pst_type_cgroup_sockopt = {
    .name = "cgroup_sockopt",
    .number = PST_PROG_CGROUP_SOCKOPT,
    .abi_size = 40,
    PST_FIELDS(g_sockopt_fields),
    .ret_lo = 0,
    .ret_hi = 1,
    PST_RETURNS(g_permits),
    PST_HELPERS(g_sockopt_helpers),
    PST_OWN_HELPERS(g_sockopt_own),
    PST_LIMITS(g_sockopt_limits),
    PST_ATTACH_TYPES(g_sockopt_attach),
    .packet_writable = true, // the option's value
};
