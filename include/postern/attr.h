/// attr.h: union bpf_attr and the info structs of Linux's bpf(2), byte for byte, under names of our own.
///
/// Members have Linux's names, so code written for bpf(2) reads the same. Pointers travel as 64-bit numbers. A caller zeroes the whole
/// union first: unused bytes must be 0. Source: Linux's uapi up to 6.18; tests/unit/core/attr_test.c compares the layout on Linux.
#ifndef POSTERN_ATTR_H
#define POSTERN_ATTR_H

#include <stdint.h>

#include "postern/abi.h"

typedef union pst_bpf_attr {
    struct { // MAP_CREATE
        uint32_t map_type, key_size, value_size, max_entries, map_flags;
        uint32_t inner_map_fd; // the template of a map of maps
        uint32_t numa_node;
        char map_name[PST_OBJ_NAME_LEN];
        uint32_t map_ifindex, btf_fd, btf_key_type_id, btf_value_type_id, btf_vmlinux_value_type_id;
        uint64_t map_extra;
        int32_t value_type_btf_obj_fd, map_token_fd;
        uint64_t excl_prog_hash;
        uint32_t excl_prog_hash_size;
    };
    struct { // MAP_*_ELEM, MAP_GET_NEXT_KEY, MAP_FREEZE
        uint32_t map_fd;
        uint64_t key;
        union {
            uint64_t value, next_key;
        };
        uint64_t flags;
    };
    struct { // MAP_*_BATCH
        uint64_t in_batch;  // where to start; 0: at the beginning
        uint64_t out_batch; // out: where to start next time
        uint64_t keys, values;
        uint32_t count; // in: capacity; out: elements done
        uint32_t map_fd;
        uint64_t elem_flags, flags;
    } batch;
    struct { // PROG_LOAD
        uint32_t prog_type, insn_cnt;
        uint64_t insns, license;
        uint32_t log_level, log_size;
        uint64_t log_buf;
        uint32_t kern_version, prog_flags;
        char prog_name[PST_OBJ_NAME_LEN];
        uint32_t prog_ifindex, expected_attach_type, prog_btf_fd, func_info_rec_size;
        uint64_t func_info;
        uint32_t func_info_cnt, line_info_rec_size;
        uint64_t line_info;
        uint32_t line_info_cnt, attach_btf_id;
        union {
            uint32_t attach_prog_fd, attach_btf_obj_fd;
        };
        uint32_t core_relo_cnt;
        uint64_t fd_array, core_relos;
        uint32_t core_relo_rec_size;
        uint32_t log_true_size; // out: bytes the whole log takes
        int32_t prog_token_fd;
        uint32_t fd_array_cnt;
        uint64_t signature;
        uint32_t signature_size;
        int32_t keyring_id;
    };
    struct { // OBJ_PIN, OBJ_GET
        uint64_t pathname;
        uint32_t bpf_fd, file_flags;
        int32_t path_fd;
    };
    struct { // PROG_ATTACH, PROG_DETACH
        union {
            uint32_t target_fd, target_ifindex;
        };
        uint32_t attach_bpf_fd, attach_type, attach_flags, replace_bpf_fd;
        union {
            uint32_t relative_fd, relative_id;
        };
        uint64_t expected_revision;
    };
    struct { // PROG_TEST_RUN
        uint32_t prog_fd;
        uint32_t retval;
        uint32_t data_size_in, data_size_out; // out: capacity, then the true size (ENOSPC when it did not fit)
        uint64_t data_in, data_out;
        uint32_t repeat, duration; // out: ns of a run, on average
        uint32_t ctx_size_in, ctx_size_out;
        uint64_t ctx_in, ctx_out;
        uint32_t flags, cpu, batch_size;
    } test;
    struct { // *_GET_NEXT_ID, *_GET_FD_BY_ID
        union {
            uint32_t start_id, prog_id, map_id, btf_id, link_id;
        };
        uint32_t next_id, open_flags;
        int32_t fd_by_id_token_fd;
    };
    struct { // OBJ_GET_INFO_BY_FD
        uint32_t bpf_fd, info_len;
        uint64_t info;
    } info;
    struct { // PROG_QUERY
        union {
            uint32_t target_fd, target_ifindex;
        };
        uint32_t attach_type, query_flags, attach_flags;
        uint64_t prog_ids;
        union {
            uint32_t prog_cnt, count;
        };
        uint32_t reserved; // Linux: unnamed
        uint64_t prog_attach_flags, link_ids, link_attach_flags, revision;
    } query;
    struct { // RAW_TRACEPOINT_OPEN
        uint64_t name;
        uint32_t prog_fd;
        uint32_t reserved;
        uint64_t cookie;
    } raw_tracepoint;
    struct { // BTF_LOAD
        uint64_t btf, btf_log_buf;
        uint32_t btf_size, btf_log_size, btf_log_level;
        uint32_t btf_log_true_size; // out
        uint32_t btf_flags;
        int32_t btf_token_fd;
    };
    struct { // TASK_FD_QUERY
        uint32_t pid, fd, flags, buf_len;
        uint64_t buf;
        uint32_t prog_id, fd_type;
        uint64_t probe_offset, probe_addr;
    } task_fd_query;
    struct { // LINK_CREATE
        union {
            uint32_t prog_fd, map_fd;
        };
        union {
            uint32_t target_fd, target_ifindex;
        };
        uint32_t attach_type, flags;
        union {
            uint32_t target_btf_id;
            struct {
                uint64_t iter_info;
                uint32_t iter_info_len;
            };
            struct {
                uint64_t bpf_cookie;
            } perf_event;
            struct {
                uint32_t flags, cnt;
                uint64_t syms, addrs, cookies;
            } kprobe_multi;
            struct {
                uint32_t target_btf_id;
                uint64_t cookie;
            } tracing;
            struct {
                uint32_t pf, hooknum;
                int32_t priority;
                uint32_t flags;
            } netfilter;
            struct {
                union {
                    uint32_t relative_fd, relative_id;
                };
                uint64_t expected_revision;
            } tcx;
            struct {
                uint64_t path, offsets, ref_ctr_offsets, cookies;
                uint32_t cnt, flags, pid;
            } uprobe_multi;
        };
    } link_create;
    struct { // LINK_UPDATE
        uint32_t link_fd;
        union {
            uint32_t new_prog_fd, new_map_fd;
        };
        uint32_t flags;
        union {
            uint32_t old_prog_fd, old_map_fd; // with PST_F_REPLACE
        };
    } link_update;
    struct { // LINK_DETACH
        uint32_t link_fd;
    } link_detach;
    struct { // ENABLE_STATS
        uint32_t type;
    } enable_stats;
    struct { // ITER_CREATE
        uint32_t link_fd, flags;
    } iter_create;
    struct { // PROG_BIND_MAP
        uint32_t prog_fd, map_fd, flags;
    } prog_bind_map;
} pst_bpf_attr;

typedef struct pst_bpf_prog_info {
    uint32_t type, id;
    uint8_t tag[8];
    uint32_t jited_prog_len, xlated_prog_len; // xlated_prog_len: in capacity, out bytes
    uint64_t jited_prog_insns, xlated_prog_insns;
    uint64_t load_time; // ns since boot
    uint32_t created_by_uid, nr_map_ids;
    uint64_t map_ids;
    char name[PST_OBJ_NAME_LEN];
    uint32_t ifindex;
    uint32_t gpl_compatible; // Linux: one bit
    uint64_t netns_dev, netns_ino;
    uint32_t nr_jited_ksyms, nr_jited_func_lens;
    uint64_t jited_ksyms, jited_func_lens;
    uint32_t btf_id, func_info_rec_size;
    uint64_t func_info;
    uint32_t nr_func_info, nr_line_info;
    uint64_t line_info, jited_line_info;
    uint32_t nr_jited_line_info, line_info_rec_size, jited_line_info_rec_size, nr_prog_tags;
    uint64_t prog_tags;
    uint64_t run_time_ns, run_cnt, recursion_misses; // while statistics are enabled
    uint32_t verified_insns, attach_btf_obj_id, attach_btf_id;
    uint32_t reserved;
} pst_bpf_prog_info;

typedef struct pst_bpf_map_info {
    uint32_t type, id, key_size, value_size, max_entries, map_flags;
    char name[PST_OBJ_NAME_LEN];
    uint32_t ifindex, btf_vmlinux_value_type_id;
    uint64_t netns_dev, netns_ino;
    uint32_t btf_id, btf_key_type_id, btf_value_type_id, btf_vmlinux_id;
    uint64_t map_extra;
    uint64_t hash; // in: 0; Postern does not hash maps
    uint32_t hash_size, reserved;
} pst_bpf_map_info;

typedef struct pst_bpf_btf_info {
    uint64_t btf;
    uint32_t btf_size; // in capacity, out bytes
    uint32_t id;
    uint64_t name;
    uint32_t name_len;
    uint32_t kernel_btf;
} pst_bpf_btf_info;

typedef struct pst_bpf_link_info {
    uint32_t type, id, prog_id;
    union {
        struct {
            uint32_t ifindex;
        } xdp;
        struct {
            uint32_t ifindex, attach_type;
        } tcx;
        struct {
            uint64_t cgroup_id;
            uint32_t attach_type;
        } cgroup;
        struct {
            uint32_t attach_type, target_obj_id, target_btf_id;
        } tracing;
        uint64_t room[6]; // the size of Linux's union
    };
} pst_bpf_link_info;

// bpf_link_info.type
enum { PST_LINK_UNSPEC = 0, PST_LINK_CGROUP = 3, PST_LINK_XDP = 6, PST_LINK_TCX = 11, PST_LINK_SAMPLE = 0x10009 };

// func_info and line_info records; callers may pass longer records whose tails are zero.
typedef struct pst_bpf_func_info {
    uint32_t insn_off, type_id;
} pst_bpf_func_info;

typedef struct pst_bpf_line_info {
    uint32_t insn_off, file_name_off, line_off;
    uint32_t line_col; // line << 10 | column
} pst_bpf_line_info;

// Flags of PROG_LOAD.
enum {
    PST_F_STRICT_ALIGNMENT = 1u << 0, PST_F_ANY_ALIGNMENT = 1u << 1, PST_F_TEST_RND_HI32 = 1u << 2,
    PST_F_TEST_STATE_FREQ = 1u << 3, PST_F_SLEEPABLE = 1u << 4, PST_F_XDP_HAS_FRAGS = 1u << 5,
    PST_F_XDP_DEV_BOUND_ONLY = 1u << 6, PST_F_TEST_REG_INVARIANTS = 1u << 7,
};

// Flags of PROG_ATTACH, LINK_CREATE and LINK_UPDATE.
enum { PST_F_ALLOW_OVERRIDE = 1u << 0, PST_F_ALLOW_MULTI = 1u << 1, PST_F_REPLACE = 1u << 2 };

// Ring buffers: the 8-byte header of a record is {length and bits, page offset}; flags of reserve, submit, output, query.
#define PST_RINGBUF_BUSY 0x80000000u    // the producer still writes
#define PST_RINGBUF_DISCARD 0x40000000u // the consumer skips the record
#define PST_RINGBUF_HEADER_SIZE 8u
enum { PST_RB_NO_WAKEUP = 1u << 0, PST_RB_FORCE_WAKEUP = 1u << 1 };
enum { PST_RB_AVAIL_DATA = 0, PST_RB_RING_SIZE = 1, PST_RB_CONS_POS = 2, PST_RB_PROD_POS = 3 };

#define PST_F_INDEX_MASK 0xffffffffull
#define PST_F_CURRENT_CPU PST_F_INDEX_MASK
#define PST_F_CTXLEN_MASK (0xfffffull << 32)

#endif
