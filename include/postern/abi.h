/// abi.h: the numbers and layouts of Linux's bpf(2), under names of our own, for hosts with and without Linux headers.
///
/// The core has one entry that takes these commands (src/core/core.h). Layouts equal Linux's byte for byte
/// (tests/unit/core/abi_test.c compares them on Linux). Source: Linux's uapi and man bpf(2).
#ifndef POSTERN_ABI_H
#define POSTERN_ABI_H

#include <stdint.h>

typedef enum pst_bpf_cmd {
    PST_BPF_MAP_CREATE = 0,
    PST_BPF_MAP_LOOKUP_ELEM = 1,
    PST_BPF_MAP_UPDATE_ELEM = 2,
    PST_BPF_MAP_DELETE_ELEM = 3,
    PST_BPF_MAP_GET_NEXT_KEY = 4,
    PST_BPF_PROG_LOAD = 5,
    PST_BPF_OBJ_PIN = 6,
    PST_BPF_OBJ_GET = 7,
    PST_BPF_PROG_ATTACH = 8,
    PST_BPF_PROG_DETACH = 9,
    PST_BPF_PROG_TEST_RUN = 10,
    PST_BPF_PROG_GET_NEXT_ID = 11,
    PST_BPF_MAP_GET_NEXT_ID = 12,
    PST_BPF_PROG_GET_FD_BY_ID = 13,
    PST_BPF_MAP_GET_FD_BY_ID = 14,
    PST_BPF_OBJ_GET_INFO_BY_FD = 15,
    PST_BPF_PROG_QUERY = 16,
    PST_BPF_RAW_TRACEPOINT_OPEN = 17,
    PST_BPF_BTF_LOAD = 18,
    PST_BPF_BTF_GET_FD_BY_ID = 19,
    PST_BPF_TASK_FD_QUERY = 20,
    PST_BPF_MAP_LOOKUP_AND_DELETE_ELEM = 21,
    PST_BPF_MAP_FREEZE = 22,
    PST_BPF_BTF_GET_NEXT_ID = 23,
    PST_BPF_MAP_LOOKUP_BATCH = 24,
    PST_BPF_MAP_LOOKUP_AND_DELETE_BATCH = 25,
    PST_BPF_MAP_UPDATE_BATCH = 26,
    PST_BPF_MAP_DELETE_BATCH = 27,
    PST_BPF_LINK_CREATE = 28,
    PST_BPF_LINK_UPDATE = 29,
    PST_BPF_LINK_GET_FD_BY_ID = 30,
    PST_BPF_LINK_GET_NEXT_ID = 31,
    PST_BPF_ENABLE_STATS = 32,
    PST_BPF_ITER_CREATE = 33,
    PST_BPF_LINK_DETACH = 34,
    PST_BPF_PROG_BIND_MAP = 35,
} pst_bpf_cmd;

#define PST_MAP_TYPE_LIST(X)                                                                                       \
    X(UNSPEC, 0, "unspec") X(HASH, 1, "hash") X(ARRAY, 2, "array") X(PROG_ARRAY, 3, "prog_array")                    \
    X(PERF_EVENT_ARRAY, 4, "perf_event_array") X(PERCPU_HASH, 5, "percpu_hash") X(PERCPU_ARRAY, 6, "percpu_array")   \
    X(STACK_TRACE, 7, "stack_trace") X(CGROUP_ARRAY, 8, "cgroup_array") X(LRU_HASH, 9, "lru_hash")                   \
    X(LRU_PERCPU_HASH, 10, "lru_percpu_hash") X(LPM_TRIE, 11, "lpm_trie") X(ARRAY_OF_MAPS, 12, "array_of_maps")      \
    X(HASH_OF_MAPS, 13, "hash_of_maps") X(DEVMAP, 14, "devmap") X(SOCKMAP, 15, "sockmap") X(CPUMAP, 16, "cpumap")    \
    X(XSKMAP, 17, "xskmap") X(SOCKHASH, 18, "sockhash") X(CGROUP_STORAGE, 19, "cgroup_storage")                      \
    X(REUSEPORT_SOCKARRAY, 20, "reuseport_sockarray") X(PERCPU_CGROUP_STORAGE, 21, "percpu_cgroup_storage")          \
    X(QUEUE, 22, "queue") X(STACK, 23, "stack") X(SK_STORAGE, 24, "sk_storage") X(DEVMAP_HASH, 25, "devmap_hash")    \
    X(STRUCT_OPS, 26, "struct_ops") X(RINGBUF, 27, "ringbuf") X(INODE_STORAGE, 28, "inode_storage")                  \
    X(TASK_STORAGE, 29, "task_storage") X(BLOOM_FILTER, 30, "bloom_filter") X(USER_RINGBUF, 31, "user_ringbuf")      \
    X(CGRP_STORAGE, 32, "cgrp_storage") X(ARENA, 33, "arena")

typedef enum pst_map_type {
#define X(name, number, text) PST_MAP_##name = number,
    PST_MAP_TYPE_LIST(X)
#undef X
} pst_map_type;

#define PST_PROG_TYPE_LIST(X)                                                                                          \
    X(UNSPEC, 0, "unspec") X(SOCKET_FILTER, 1, "socket_filter") X(KPROBE, 2, "kprobe") X(SCHED_CLS, 3, "sched_cls")      \
    X(SCHED_ACT, 4, "sched_act") X(TRACEPOINT, 5, "tracepoint") X(XDP, 6, "xdp") X(PERF_EVENT, 7, "perf_event")          \
    X(CGROUP_SKB, 8, "cgroup_skb") X(CGROUP_SOCK, 9, "cgroup_sock") X(LWT_IN, 10, "lwt_in") X(LWT_OUT, 11, "lwt_out")    \
    X(LWT_XMIT, 12, "lwt_xmit") X(SOCK_OPS, 13, "sock_ops") X(SK_SKB, 14, "sk_skb") X(CGROUP_DEVICE, 15, "cgroup_device") \
    X(SK_MSG, 16, "sk_msg") X(RAW_TRACEPOINT, 17, "raw_tracepoint") X(CGROUP_SOCK_ADDR, 18, "cgroup_sock_addr")          \
    X(LWT_SEG6LOCAL, 19, "lwt_seg6local") X(LIRC_MODE2, 20, "lirc_mode2") X(SK_REUSEPORT, 21, "sk_reuseport")            \
    X(FLOW_DISSECTOR, 22, "flow_dissector") X(CGROUP_SYSCTL, 23, "cgroup_sysctl")                                        \
    X(RAW_TRACEPOINT_WRITABLE, 24, "raw_tracepoint_writable") X(CGROUP_SOCKOPT, 25, "cgroup_sockopt")                    \
    X(TRACING, 26, "tracing") X(STRUCT_OPS, 27, "struct_ops") X(EXT, 28, "ext") X(LSM, 29, "lsm")                        \
    X(SK_LOOKUP, 30, "sk_lookup") X(SYSCALL, 31, "syscall") X(NETFILTER, 32, "netfilter")                                \
    /* Types that Linux does not have, far above its numbers. */                                                         \
    X(BIND, 0x10002, "bind") X(NETEVENT, 0x10005, "netevent") X(PROCESS, 0x10006, "process") X(FILE, 0x10007, "file") X(SAMPLE, 0x103e7, "sample")

typedef enum pst_prog_type_number {
#define X(name, number, text) PST_PROG_##name = number,
    PST_PROG_TYPE_LIST(X)
#undef X
} pst_prog_type_number;

// Attach types; those from 0x10000 up are eBPF for Windows' and Postern's own. Names are bpftool's.
#define PST_ATTACH_TYPE_LIST(X)                                                                               \
    X(CGROUP_INET_INGRESS, 0, "cgroup_inet_ingress")                                                          \
    X(CGROUP_INET_EGRESS, 1, "cgroup_inet_egress")                                                            \
    X(CGROUP_INET_SOCK_CREATE, 2, "cgroup_inet_sock_create")                                                  \
    X(CGROUP_SOCK_OPS, 3, "cgroup_sock_ops")                                                                  \
    X(SK_SKB_STREAM_PARSER, 4, "sk_skb_stream_parser")                                                        \
    X(SK_SKB_STREAM_VERDICT, 5, "sk_skb_stream_verdict")                                                      \
    X(CGROUP_DEVICE, 6, "cgroup_device")                                                                      \
    X(SK_MSG_VERDICT, 7, "sk_msg_verdict")                                                                    \
    X(CGROUP_INET4_BIND, 8, "cgroup_inet4_bind")                                                              \
    X(CGROUP_INET6_BIND, 9, "cgroup_inet6_bind")                                                              \
    X(CGROUP_INET4_CONNECT, 10, "cgroup_inet4_connect")                                                       \
    X(CGROUP_INET6_CONNECT, 11, "cgroup_inet6_connect")                                                       \
    X(CGROUP_INET4_POST_BIND, 12, "cgroup_inet4_post_bind")                                                   \
    X(CGROUP_INET6_POST_BIND, 13, "cgroup_inet6_post_bind")                                                   \
    X(CGROUP_UDP4_SENDMSG, 14, "cgroup_udp4_sendmsg")                                                         \
    X(CGROUP_UDP6_SENDMSG, 15, "cgroup_udp6_sendmsg")                                                         \
    X(LIRC_MODE2, 16, "lirc_mode2")                                                                           \
    X(FLOW_DISSECTOR, 17, "flow_dissector")                                                                   \
    X(CGROUP_SYSCTL, 18, "cgroup_sysctl")                                                                     \
    X(CGROUP_UDP4_RECVMSG, 19, "cgroup_udp4_recvmsg")                                                         \
    X(CGROUP_UDP6_RECVMSG, 20, "cgroup_udp6_recvmsg")                                                         \
    X(CGROUP_GETSOCKOPT, 21, "cgroup_getsockopt")                                                             \
    X(CGROUP_SETSOCKOPT, 22, "cgroup_setsockopt")                                                             \
    X(TRACE_RAW_TP, 23, "trace_raw_tp")                                                                       \
    X(TRACE_FENTRY, 24, "trace_fentry")                                                                       \
    X(TRACE_FEXIT, 25, "trace_fexit")                                                                         \
    X(MODIFY_RETURN, 26, "modify_return")                                                                     \
    X(LSM_MAC, 27, "lsm_mac")                                                                                 \
    X(TRACE_ITER, 28, "trace_iter")                                                                           \
    X(CGROUP_INET4_GETPEERNAME, 29, "cgroup_inet4_getpeername")                                               \
    X(CGROUP_INET6_GETPEERNAME, 30, "cgroup_inet6_getpeername")                                               \
    X(CGROUP_INET4_GETSOCKNAME, 31, "cgroup_inet4_getsockname")                                               \
    X(CGROUP_INET6_GETSOCKNAME, 32, "cgroup_inet6_getsockname")                                               \
    X(XDP_DEVMAP, 33, "xdp_devmap")                                                                           \
    X(CGROUP_INET_SOCK_RELEASE, 34, "cgroup_inet_sock_release")                                               \
    X(XDP_CPUMAP, 35, "xdp_cpumap")                                                                           \
    X(SK_LOOKUP, 36, "sk_lookup")                                                                             \
    X(XDP, 37, "xdp")                                                                                         \
    X(SK_SKB_VERDICT, 38, "sk_skb_verdict")                                                                   \
    X(SK_REUSEPORT_SELECT, 39, "sk_reuseport_select")                                                         \
    X(SK_REUSEPORT_SELECT_OR_MIGRATE, 40, "sk_reuseport_select_or_migrate")                                   \
    X(PERF_EVENT, 41, "perf_event")                                                                           \
    X(TRACE_KPROBE_MULTI, 42, "trace_kprobe_multi")                                                           \
    X(LSM_CGROUP, 43, "lsm_cgroup")                                                                           \
    X(STRUCT_OPS, 44, "struct_ops")                                                                           \
    X(NETFILTER, 45, "netfilter")                                                                             \
    X(TCX_INGRESS, 46, "tcx_ingress")                                                                         \
    X(TCX_EGRESS, 47, "tcx_egress")                                                                           \
    X(TRACE_UPROBE_MULTI, 48, "trace_uprobe_multi")                                                           \
    X(CGROUP_UNIX_CONNECT, 49, "cgroup_unix_connect")                                                         \
    X(CGROUP_UNIX_SENDMSG, 50, "cgroup_unix_sendmsg")                                                         \
    X(CGROUP_UNIX_RECVMSG, 51, "cgroup_unix_recvmsg")                                                         \
    X(CGROUP_UNIX_GETPEERNAME, 52, "cgroup_unix_getpeername")                                                 \
    X(CGROUP_UNIX_GETSOCKNAME, 53, "cgroup_unix_getsockname")                                                 \
    X(NETKIT_PRIMARY, 54, "netkit_primary")                                                                   \
    X(NETKIT_PEER, 55, "netkit_peer")                                                                         \
    X(TRACE_KPROBE_SESSION, 56, "trace_kprobe_session")                                                       \
    X(TRACE_UPROBE_SESSION, 57, "trace_uprobe_session")                                                       \
    X(TRACE_FSESSION, 58, "trace_fsession")                                                                   \
    X(WINDOWS_BIND, 0x10000, "bind")                                                                          \
    X(WINDOWS_CONNECT_AUTHORIZATION4, 0x10001, "cgroup_inet4_connect_authorization")                          \
    X(WINDOWS_CONNECT_AUTHORIZATION6, 0x10002, "cgroup_inet6_connect_authorization")                          \
    X(WINDOWS_RECV_ACCEPT4, 0x10003, "cgroup_inet4_recv_accept")                                              \
    X(WINDOWS_RECV_ACCEPT6, 0x10004, "cgroup_inet6_recv_accept")                                              \
    X(WINDOWS_LISTEN4, 0x10005, "cgroup_inet4_listen")                                                        \
    X(WINDOWS_LISTEN6, 0x10006, "cgroup_inet6_listen")                                                        \
    X(WINDOWS_PROCESS, 0x10007, "process")                                                                    \
    X(WINDOWS_NETEVENT, 0x10008, "netevent")                                                                  \
    X(SAMPLE, 0x10009, "sample")

typedef enum pst_attach_type_number {
#define X(name, number, text) PST_ATTACH_##name = number,
    PST_ATTACH_TYPE_LIST(X)
#undef X
} pst_attach_type_number;

// Kinds of objects that have ids, handles and pins, as Postern numbers them: in its own calls, and between a host and its clients.
typedef enum pst_object_kind { PST_OBJECT_MAP, PST_OBJECT_PROG, PST_OBJECT_BTF, PST_OBJECT_LINK, PST_OBJECT_STATS } pst_object_kind;

// Flags of MAP_UPDATE_ELEM.
enum { PST_BPF_ANY = 0, PST_BPF_NOEXIST = 1, PST_BPF_EXIST = 2, PST_BPF_F_LOCK = 4 };

// Flags of MAP_CREATE.
enum {
    PST_F_NO_PREALLOC = 1u << 0, PST_F_NO_COMMON_LRU = 1u << 1, PST_F_NUMA_NODE = 1u << 2, PST_F_RDONLY = 1u << 3,
    PST_F_WRONLY = 1u << 4, PST_F_STACK_BUILD_ID = 1u << 5, PST_F_ZERO_SEED = 1u << 6, PST_F_RDONLY_PROG = 1u << 7,
    PST_F_WRONLY_PROG = 1u << 8, PST_F_CLONE = 1u << 9, PST_F_MMAPABLE = 1u << 10, PST_F_PRESERVE_ELEMS = 1u << 11,
    PST_F_INNER_MAP = 1u << 12,
};

#define PST_OBJ_NAME_LEN 16

// Linux's errno values, which the command entry returns negated on every host.
#define PST_ERRNO_LIST(X)                                                                                              \
    X(EPERM, 1) X(ENOENT, 2) X(EINTR, 4) X(EIO, 5) X(E2BIG, 7) X(EBADF, 9) X(EAGAIN, 11) X(ENOMEM, 12) X(EACCES, 13)     \
    X(EFAULT, 14) X(EBUSY, 16) X(EEXIST, 17) X(ENODEV, 19) X(EINVAL, 22) X(EMFILE, 24) X(EFBIG, 27) X(ENOSPC, 28)        \
    X(ERANGE, 34) X(EDEADLK, 35) X(EDOM, 33) X(ENAMETOOLONG, 36) X(ENOSYS, 38) X(ELOOP, 40) X(ENOLINK, 67) X(EOVERFLOW, 75) X(EOPNOTSUPP, 95)          \
    X(ENOTCONN, 107) X(ETIMEDOUT, 110) X(ENOTSUPP, 524)

enum {
#define X(name, number) PST_##name = number,
    PST_ERRNO_LIST(X)
#undef X
};

#endif
