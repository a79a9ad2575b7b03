// types.h: what the files that describe program types share. Private to the catalog.
#ifndef PST_CATALOG_TYPES_H
#define PST_CATALOG_TYPES_H

#include <stddef.h>

#include "catalog/catalog.h"

// One field: its ABI place, and the member of the native struct that holds it.
#define PST_FIELD_ROW(native, text, off, size, member, field_kind, access)              \
    {.name = (text),                                                                    \
     .abi_off = (off),                                                                  \
     .abi_size = (size),                                                                \
     .native_off = (uint16_t)offsetof(native, member),                                  \
     .native_size = (uint16_t)sizeof(((native *)0)->member),                            \
     .kind = PST_FIELD_##field_kind,                                                    \
     .flags = (access)}

// A field of a type that nothing here hosts; the second one only for the attach types given.
#define PST_DESCRIBED_ROW(text, off, size, field_kind, access) \
    {.name = (text), .abi_off = (off), .abi_size = (size), .kind = PST_FIELD_##field_kind, .flags = (access)}
#define PST_DESCRIBED_ROW_FOR(text, off, size, field_kind, access, readers, writers)                                       \
    {.name = (text), .abi_off = (off), .abi_size = (size), .kind = PST_FIELD_##field_kind, .flags = (access),              \
     .attach_mask = (readers), .write_mask = (writers)}

#define PST_FOR(attach) ((uint64_t)1 << PST_ATTACH_##attach) // the bit of an attach type

// Attach type rows: without a range of its own, and with one.
#define PST_ATTACH_ROW(id, text) {.number = PST_ATTACH_##id, .name = (text)}
#define PST_ATTACH_ROW_RET(id, text, lo, hi) {.number = PST_ATTACH_##id, .name = (text), .has_ret = true, .ret_lo = (lo), .ret_hi = (hi)}

#define PST_FIELDS(rows) .fields = (rows), .field_count = PST_COUNT(rows)
#define PST_HELPERS(ids) .helpers = (ids), .helper_count = PST_COUNT(ids)
#define PST_OWN_HELPERS(rows) .own_helpers = (rows), .own_helper_count = PST_COUNT(rows)
#define PST_LIMITS(rows) .helper_limits = (rows), .helper_limit_count = PST_COUNT(rows)
#define PST_ATTACH_TYPES(rows) .attach_types = (rows), .attach_type_count = PST_COUNT(rows)
#define PST_RETURNS(rows) .ret_meanings = (rows), .ret_meaning_count = PST_COUNT(rows)

// Helpers whose context argument is another thing for some types.
#define PST_PROTO(num, text, result, ...) {.id = (num), .name = "bpf_" text, .ret = PST_RET_##result, .args = {__VA_ARGS__}}

#define PST_TYPE_LIST(X)                                                                                                              \
    X(xdp) X(socket_filter) X(sched_cls) X(sched_act) X(sample)                                                                       \
    X(cgroup_skb) X(cgroup_sock) X(cgroup_sock_addr) X(sock_ops) X(cgroup_device) X(cgroup_sysctl) X(cgroup_sockopt)                  \
    X(sk_skb) X(sk_msg) X(sk_lookup) X(sk_reuseport) X(flow_dissector) X(netfilter)                                                   \
    X(lwt_in) X(lwt_out) X(lwt_xmit) X(lwt_seg6local)                                                                                 \
    X(kprobe) X(tracepoint) X(raw_tracepoint) X(raw_tracepoint_writable) X(perf_event) X(syscall) X(lirc_mode2)                       \
    X(bind) X(process) X(netevent)

#define X(name) extern const pst_prog_type pst_type_##name;
PST_TYPE_LIST(X)
#undef X

#endif
