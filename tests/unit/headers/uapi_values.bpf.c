// uapi_values.bpf.c: numbers and layouts as data, compiled once with our headers and once with Linux's. headers_test.c compares.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#define N(name) const long long value_##name = name;
#define S(type) const long long value_size_##type = sizeof(struct type);
#define O(type, field) const long long value_off_##type##_##field = __builtin_offsetof(struct type, field);

S(xdp_md) S(__sk_buff) S(bpf_sock) S(bpf_sock_tuple) S(bpf_sock_addr) S(sk_msg_md) S(sk_reuseport_md) S(bpf_sk_lookup)
S(bpf_cgroup_dev_ctx) S(bpf_sysctl) S(bpf_sockopt) S(bpf_spin_lock) S(bpf_timer) S(bpf_tunnel_key) S(bpf_redir_neigh) S(bpf_fib_lookup)
S(bpf_perf_event_value) S(bpf_pidns_info) S(bpf_devmap_val) S(bpf_cpumap_val) S(ethhdr) S(iphdr) S(ipv6hdr) S(tcphdr) S(udphdr) S(in6_addr)

O(xdp_md, data_meta) O(xdp_md, egress_ifindex) O(__sk_buff, cb) O(__sk_buff, data) O(__sk_buff, family) O(__sk_buff, data_meta)
O(__sk_buff, flow_keys) O(__sk_buff, tstamp) O(__sk_buff, wire_len) O(__sk_buff, sk) O(__sk_buff, gso_size) O(__sk_buff, hwtstamp)
O(bpf_sock, dst_port) O(bpf_sock, rx_queue_mapping) O(bpf_sock_addr, user_port) O(bpf_sock_addr, msg_src_ip6) O(bpf_sock_addr, sk)
O(bpf_sock_ops, remote_port) O(bpf_sock_ops, srtt_us) O(bpf_sock_ops, mss_cache) O(bpf_sock_ops, ecn_flags) O(bpf_sock_ops, sk_txhash)
O(bpf_sock_ops, bytes_acked) O(bpf_sock_ops, skb_tcp_flags) O(sk_reuseport_md, migrating_sk) O(bpf_sk_lookup, local_port)
O(bpf_fib_lookup, tot_len) O(bpf_fib_lookup, ipv6_dst) O(bpf_fib_lookup, smac) O(bpf_tunnel_key, tunnel_label) O(bpf_sockopt, retval)
O(iphdr, check) O(iphdr, daddr) O(ipv6hdr, daddr) O(tcphdr, window) O(udphdr, check)

N(BPF_MAP_TYPE_HASH) N(BPF_MAP_TYPE_LPM_TRIE) N(BPF_MAP_TYPE_XSKMAP) N(BPF_MAP_TYPE_RINGBUF) N(BPF_MAP_TYPE_USER_RINGBUF)
N(BPF_PROG_TYPE_XDP) N(BPF_PROG_TYPE_CGROUP_SOCK_ADDR) N(BPF_PROG_TYPE_SYSCALL) N(BPF_XDP) N(BPF_CGROUP_INET4_CONNECT) N(BPF_LSM_CGROUP)
N(BPF_FUNC_map_lookup_elem) N(BPF_FUNC_tail_call) N(BPF_FUNC_csum_diff) N(BPF_FUNC_ringbuf_query) N(BPF_FUNC_loop) N(BPF_FUNC_dynptr_data)
N(BPF_NOEXIST) N(BPF_F_NO_PREALLOC) N(BPF_F_MMAPABLE) N(BPF_F_INNER_MAP) N(BPF_F_CURRENT_CPU) N(BPF_F_CTXLEN_MASK) N(BPF_F_RECOMPUTE_CSUM)
N(BPF_RB_FORCE_WAKEUP) N(BPF_RB_PROD_POS) N(BPF_FIB_LOOKUP_OUTPUT) N(BPF_FIB_LKUP_RET_NO_NEIGH) N(BPF_SK_STORAGE_GET_F_CREATE)
N(BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB) N(BPF_SOCK_OPS_WRITE_HDR_OPT_CB) N(BPF_TCP_NEW_SYN_RECV) N(XDP_REDIRECT) N(SK_PASS) N(TC_ACT_SHOT)
N(TC_ACT_TRAP) N(ETH_P_IPV6) N(ETH_P_8021AD) N(ETH_HLEN) N(IPPROTO_ICMPV6) N(IPPROTO_SCTP)

// Bit fields have no offset: their place shows in a byte pattern.
const struct iphdr value_iphdr = {.version = 4, .ihl = 5};
const struct ipv6hdr value_ipv6hdr = {.version = 6, .priority = 1};
const struct tcphdr value_tcphdr = {.doff = 5, .syn = 1, .cwr = 1};
