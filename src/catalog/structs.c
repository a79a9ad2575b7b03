// structs.c: memory that programs reach through a pointer and that is described field by field: sockets and flow keys.
//
// Layouts are Linux's (uapi/linux/bpf.h): struct bpf_sock, struct bpf_tcp_sock, struct bpf_flow_keys. Everything but flow keys and the
// buffer of a tracepoint is read only.
#include "catalog/types.h"

#define R PST_FIELD_READ
#define WHOLE (PST_FIELD_READ | PST_FIELD_EXACT)
#define LOW (PST_FIELD_READ | PST_FIELD_LOW)
#define ROW(text, off, size, access) PST_DESCRIBED_ROW(text, off, size, SCALAR, access)

// What every socket has, at the same places. The port is two bytes wide; four may be read too.
#define SOCK_ADDRESSES                                                                                                    \
    ROW("src_ip4", 24, 4, R), ROW("src_ip6[0]", 28, 4, R), ROW("src_ip6[1]", 32, 4, R), ROW("src_ip6[2]", 36, 4, R),      \
    ROW("src_ip6[3]", 40, 4, R), ROW("src_port", 44, 4, LOW), ROW("dst_port", 48, 2, R), ROW("dst_port", 48, 4, WHOLE),   \
    ROW("dst_ip4", 52, 4, R), ROW("dst_ip6[0]", 56, 4, R), ROW("dst_ip6[1]", 60, 4, R), ROW("dst_ip6[2]", 64, 4, R),      \
    ROW("dst_ip6[3]", 68, 4, R), ROW("state", 72, 4, LOW), ROW("rx_queue_mapping", 76, 4, LOW)

static const pst_ctx_field g_sock_common[] = {ROW("bound_dev_if", 0, 4, WHOLE), ROW("family", 4, 4, LOW), SOCK_ADDRESSES};

static const pst_ctx_field g_sock[] = {
    ROW("bound_dev_if", 0, 4, WHOLE), ROW("family", 4, 4, LOW),  ROW("type", 8, 4, LOW),
    ROW("protocol", 12, 4, LOW),      ROW("mark", 16, 4, WHOLE), ROW("priority", 20, 4, WHOLE),
    SOCK_ADDRESSES,
};

static const pst_ctx_field g_tcp_sock[] = {
    ROW("snd_cwnd", 0, 4, WHOLE),          ROW("srtt_us", 4, 4, WHOLE),        ROW("rtt_min", 8, 4, WHOLE),
    ROW("snd_ssthresh", 12, 4, WHOLE),     ROW("rcv_nxt", 16, 4, WHOLE),       ROW("snd_nxt", 20, 4, WHOLE),
    ROW("snd_una", 24, 4, WHOLE),          ROW("mss_cache", 28, 4, WHOLE),     ROW("ecn_flags", 32, 4, WHOLE),
    ROW("rate_delivered", 36, 4, WHOLE),   ROW("rate_interval_us", 40, 4, WHOLE), ROW("packets_out", 44, 4, WHOLE),
    ROW("retrans_out", 48, 4, WHOLE),      ROW("total_retrans", 52, 4, WHOLE), ROW("segs_in", 56, 4, WHOLE),
    ROW("data_segs_in", 60, 4, WHOLE),     ROW("segs_out", 64, 4, WHOLE),      ROW("data_segs_out", 68, 4, WHOLE),
    ROW("lost_out", 72, 4, WHOLE),         ROW("sacked_out", 76, 4, WHOLE),    ROW("bytes_received", 80, 8, WHOLE),
    ROW("bytes_acked", 88, 8, WHOLE),      ROW("dsack_dups", 96, 4, WHOLE),    ROW("delivered", 100, 4, WHOLE),
    ROW("delivered_ce", 104, 4, WHOLE),    ROW("icsk_retransmits", 108, 4, WHOLE),
};

// Linux checks no more than the bounds of these two.
#define BYTES (PST_FIELD_READ | PST_FIELD_WRITE | PST_FIELD_NARROW_WRITE | PST_FIELD_UNALIGNED)
static const pst_ctx_field g_flow_keys[] = {ROW("keys", 0, 56, BYTES)};
static const pst_ctx_field g_tp_buffer[] = {ROW("buffer", 0, 4096, BYTES)};

#define DESC(id, text, bytes, rows) \
    const pst_struct_desc id = {.name = (text), .size = (bytes), .fields = (rows), .field_count = PST_COUNT(rows)}

DESC(pst_struct_sock, "bpf_sock", 80, g_sock);
DESC(pst_struct_sock_common, "bpf_sock_common", 80, g_sock_common);
DESC(pst_struct_tcp_sock, "bpf_tcp_sock", 112, g_tcp_sock);
DESC(pst_struct_flow_keys, "bpf_flow_keys", 56, g_flow_keys);
DESC(pst_struct_tp_buffer, "tp_buffer", 4096, g_tp_buffer);
