/// bpf.h: the low-level calls of libbpf: one call a command of bpf(2), carried out by Postern's core.
///
/// Same names, signatures and results as libbpf 1.x: a descriptor or 0 on success, a negative errno on failure, with errno set.
///
/// Descriptors name objects of the core that this process talks to. They are not descriptors of the operating system: close them with
/// postern_close() of postern/postern.h; close(2) refuses their numbers (EBADF) and closes nobody else's file.
/// All calls may be made from any thread.
#ifndef POSTERN_BPF_BPF_H
#define POSTERN_BPF_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf_common.h>
#include <bpf/libbpf_legacy.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Does nothing (Postern charges no locked memory); 0.
LIBBPF_API int libbpf_set_memlock_rlim(size_t memlock_bytes);

// --- Maps -------------------------------------------------------------------------------------------------------

struct bpf_map_create_opts {
    size_t sz; // sizeof(struct bpf_map_create_opts)
    __u32 btf_fd;
    __u32 btf_key_type_id;
    __u32 btf_value_type_id;
    __u32 btf_vmlinux_value_type_id;
    __u32 inner_map_fd;
    __u32 map_flags;
    __u64 map_extra;
    __u32 numa_node;
    __u32 map_ifindex;
    __s32 value_type_btf_obj_fd;
    __u32 token_fd;
    size_t : 0;
};
#define bpf_map_create_opts__last_field token_fd
LIBBPF_API int bpf_map_create(enum bpf_map_type map_type, const char *map_name, __u32 key_size, __u32 value_size,
                              __u32 max_entries, const struct bpf_map_create_opts *opts);

LIBBPF_API int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags);
LIBBPF_API int bpf_map_lookup_elem(int fd, const void *key, void *value);
LIBBPF_API int bpf_map_lookup_elem_flags(int fd, const void *key, void *value, __u64 flags);
LIBBPF_API int bpf_map_lookup_and_delete_elem(int fd, const void *key, void *value);
LIBBPF_API int bpf_map_lookup_and_delete_elem_flags(int fd, const void *key, void *value, __u64 flags);
LIBBPF_API int bpf_map_delete_elem(int fd, const void *key);
LIBBPF_API int bpf_map_delete_elem_flags(int fd, const void *key, __u64 flags);
/// key NULL: the first key. -ENOENT after the last.
LIBBPF_API int bpf_map_get_next_key(int fd, const void *key, void *next_key);
/// User space writes the map no more.
LIBBPF_API int bpf_map_freeze(int fd);

struct bpf_map_batch_opts {
    size_t sz; // sizeof(struct bpf_map_batch_opts)
    __u64 elem_flags;
    __u64 flags;
};
#define bpf_map_batch_opts__last_field flags
/// *count is in and out: how many elements there are room for or given, then how many were done (also on failure).
LIBBPF_API int bpf_map_delete_batch(int fd, const void *keys, __u32 *count, const struct bpf_map_batch_opts *opts);
LIBBPF_API int bpf_map_lookup_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values, __u32 *count,
                                    const struct bpf_map_batch_opts *opts);
LIBBPF_API int bpf_map_lookup_and_delete_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values, __u32 *count,
                                               const struct bpf_map_batch_opts *opts);
LIBBPF_API int bpf_map_update_batch(int fd, const void *keys, const void *values, __u32 *count,
                                    const struct bpf_map_batch_opts *opts);

// --- Programs and BTF -------------------------------------------------------------------------------------------

struct bpf_prog_load_opts {
    size_t sz; // sizeof(struct bpf_prog_load_opts)
    int attempts; // 0: default. Postern's core never asks for another attempt
    enum bpf_attach_type expected_attach_type;
    __u32 prog_btf_fd;
    __u32 prog_flags;
    __u32 prog_ifindex;
    __u32 kern_version;
    __u32 attach_btf_id;
    __u32 attach_prog_fd;
    __u32 attach_btf_obj_fd;
    const int *fd_array;
    const void *func_info;
    __u32 func_info_cnt;
    __u32 func_info_rec_size;
    const void *line_info;
    __u32 line_info_cnt;
    __u32 line_info_rec_size;
    __u32 log_level;
    __u32 log_size;
    char *log_buf;
    __u32 log_true_size; // out
    __u32 token_fd;
    __u32 fd_array_cnt;
    size_t : 0;
};
#define bpf_prog_load_opts__last_field fd_array_cnt
LIBBPF_API int bpf_prog_load(enum bpf_prog_type prog_type, const char *prog_name, const char *license,
                             const struct bpf_insn *insns, size_t insn_cnt, struct bpf_prog_load_opts *opts);

#define BPF_LOG_BUF_SIZE (UINT32_MAX >> 8)

struct bpf_btf_load_opts {
    size_t sz; // sizeof(struct bpf_btf_load_opts)
    char *log_buf;
    __u32 log_level;
    __u32 log_size;
    __u32 log_true_size; // out
    __u32 btf_flags;
    __u32 token_fd;
    size_t : 0;
};
#define bpf_btf_load_opts__last_field token_fd
LIBBPF_API int bpf_btf_load(const void *btf_data, size_t btf_size, struct bpf_btf_load_opts *opts);

struct bpf_test_run_opts {
    size_t sz; // sizeof(struct bpf_test_run_opts)
    const void *data_in;
    void *data_out;
    __u32 data_size_in;
    __u32 data_size_out; // in: room; out: size of the data
    const void *ctx_in;
    void *ctx_out;
    __u32 ctx_size_in;
    __u32 ctx_size_out; // in: room; out: size of the context
    __u32 retval;       // out
    int repeat;
    __u32 duration;     // out: average nanoseconds of a repetition
    __u32 flags;
    __u32 cpu;
    __u32 batch_size;
};
#define bpf_test_run_opts__last_field batch_size
LIBBPF_API int bpf_prog_test_run_opts(int prog_fd, struct bpf_test_run_opts *opts);

// --- Pins -------------------------------------------------------------------------------------------------------

struct bpf_obj_pin_opts {
    size_t sz; // sizeof(struct bpf_obj_pin_opts)
    __u32 file_flags;
    int path_fd;
    size_t : 0;
};
#define bpf_obj_pin_opts__last_field path_fd
LIBBPF_API int bpf_obj_pin(int fd, const char *pathname);
LIBBPF_API int bpf_obj_pin_opts(int fd, const char *pathname, const struct bpf_obj_pin_opts *opts);

struct bpf_obj_get_opts {
    size_t sz; // sizeof(struct bpf_obj_get_opts)
    __u32 file_flags;
    int path_fd;
    size_t : 0;
};
#define bpf_obj_get_opts__last_field path_fd
LIBBPF_API int bpf_obj_get(const char *pathname);
LIBBPF_API int bpf_obj_get_opts(const char *pathname, const struct bpf_obj_get_opts *opts);

// --- Attachment -------------------------------------------------------------------------------------------------

LIBBPF_API int bpf_prog_attach(int prog_fd, int attachable_fd, enum bpf_attach_type type, unsigned int flags);
LIBBPF_API int bpf_prog_detach(int attachable_fd, enum bpf_attach_type type);
LIBBPF_API int bpf_prog_detach2(int prog_fd, int attachable_fd, enum bpf_attach_type type);

struct bpf_prog_attach_opts {
    size_t sz; // sizeof(struct bpf_prog_attach_opts)
    __u32 flags;
    union {
        int replace_prog_fd;
        int replace_fd;
    };
    int relative_fd;
    __u32 relative_id;
    __u64 expected_revision;
    size_t : 0;
};
#define bpf_prog_attach_opts__last_field expected_revision
LIBBPF_API int bpf_prog_attach_opts(int prog_fd, int target, enum bpf_attach_type type, const struct bpf_prog_attach_opts *opts);

union bpf_iter_link_info;
struct bpf_link_create_opts {
    size_t sz; // sizeof(struct bpf_link_create_opts)
    __u32 flags;
    union bpf_iter_link_info *iter_info;
    __u32 iter_info_len;
    __u32 target_btf_id;
    union {
        struct {
            __u64 bpf_cookie;
        } perf_event;
        struct {
            __u32 flags;
            __u32 cnt;
            const char **syms;
            const unsigned long *addrs;
            const __u64 *cookies;
        } kprobe_multi;
        struct {
            __u32 flags;
            __u32 cnt;
            const char *path;
            const unsigned long *offsets;
            const unsigned long *ref_ctr_offsets;
            const __u64 *cookies;
            __u32 pid;
        } uprobe_multi;
        struct {
            __u64 cookie;
        } tracing;
        struct {
            __u32 pf;
            __u32 hooknum;
            __s32 priority;
            __u32 flags;
        } netfilter;
        struct {
            __u32 relative_fd;
            __u32 relative_id;
            __u64 expected_revision;
        } tcx;
        struct {
            __u32 relative_fd;
            __u32 relative_id;
            __u64 expected_revision;
        } netkit;
    };
    size_t : 0;
};
#define bpf_link_create_opts__last_field uprobe_multi.pid
/// target_fd is what the attach type takes: an interface index for BPF_XDP.
LIBBPF_API int bpf_link_create(int prog_fd, int target_fd, enum bpf_attach_type attach_type,
                               const struct bpf_link_create_opts *opts);
LIBBPF_API int bpf_link_detach(int link_fd);

struct bpf_link_update_opts {
    size_t sz; // sizeof(struct bpf_link_update_opts)
    __u32 flags;
    __u32 old_prog_fd;
    __u32 old_map_fd;
};
#define bpf_link_update_opts__last_field old_map_fd
LIBBPF_API int bpf_link_update(int link_fd, int new_prog_fd, const struct bpf_link_update_opts *opts);

struct bpf_prog_query_opts {
    size_t sz; // sizeof(struct bpf_prog_query_opts)
    __u32 query_flags;
    __u32 attach_flags; // out
    __u32 *prog_ids;
    union {
        __u32 prog_cnt; // in: room; out: how many
        __u32 count;
    };
    __u32 *prog_attach_flags;
    __u32 *link_ids;
    __u32 *link_attach_flags;
    __u64 revision;
    size_t : 0;
};
#define bpf_prog_query_opts__last_field revision
LIBBPF_API int bpf_prog_query_opts(int target, enum bpf_attach_type type, struct bpf_prog_query_opts *opts);
LIBBPF_API int bpf_prog_query(int target_fd, enum bpf_attach_type type, __u32 query_flags, __u32 *attach_flags,
                              __u32 *prog_ids, __u32 *prog_cnt);

// --- Finding objects --------------------------------------------------------------------------------------------

LIBBPF_API int bpf_prog_get_next_id(__u32 start_id, __u32 *next_id);
LIBBPF_API int bpf_map_get_next_id(__u32 start_id, __u32 *next_id);
LIBBPF_API int bpf_btf_get_next_id(__u32 start_id, __u32 *next_id);
LIBBPF_API int bpf_link_get_next_id(__u32 start_id, __u32 *next_id);

struct bpf_get_fd_by_id_opts {
    size_t sz; // sizeof(struct bpf_get_fd_by_id_opts)
    __u32 open_flags;
    __u32 token_fd;
    size_t : 0;
};
#define bpf_get_fd_by_id_opts__last_field token_fd
LIBBPF_API int bpf_prog_get_fd_by_id(__u32 id);
LIBBPF_API int bpf_prog_get_fd_by_id_opts(__u32 id, const struct bpf_get_fd_by_id_opts *opts);
LIBBPF_API int bpf_map_get_fd_by_id(__u32 id);
LIBBPF_API int bpf_map_get_fd_by_id_opts(__u32 id, const struct bpf_get_fd_by_id_opts *opts);
LIBBPF_API int bpf_btf_get_fd_by_id(__u32 id);
LIBBPF_API int bpf_btf_get_fd_by_id_opts(__u32 id, const struct bpf_get_fd_by_id_opts *opts);
LIBBPF_API int bpf_link_get_fd_by_id(__u32 id);
LIBBPF_API int bpf_link_get_fd_by_id_opts(__u32 id, const struct bpf_get_fd_by_id_opts *opts);

/// info is the struct bpf_*_info of the descriptor's kind, *info_len its size (in: what the caller has; out: what was filled).
LIBBPF_API int bpf_obj_get_info_by_fd(int bpf_fd, void *info, __u32 *info_len);
LIBBPF_API int bpf_prog_get_info_by_fd(int prog_fd, struct bpf_prog_info *info, __u32 *info_len);
LIBBPF_API int bpf_map_get_info_by_fd(int map_fd, struct bpf_map_info *info, __u32 *info_len);
LIBBPF_API int bpf_btf_get_info_by_fd(int btf_fd, struct bpf_btf_info *info, __u32 *info_len);
LIBBPF_API int bpf_link_get_info_by_fd(int link_fd, struct bpf_link_info *info, __u32 *info_len);

#ifdef __cplusplus
LIBBPF_API int bpf_enable_stats(int type);
#else
enum bpf_stats_type;
LIBBPF_API int bpf_enable_stats(enum bpf_stats_type type);
#endif

struct bpf_prog_bind_opts {
    size_t sz; // sizeof(struct bpf_prog_bind_opts)
    __u32 flags;
};
#define bpf_prog_bind_opts__last_field flags
LIBBPF_API int bpf_prog_bind_map(int prog_fd, int map_fd, const struct bpf_prog_bind_opts *opts);

#ifdef __cplusplus
}
#endif

#endif
