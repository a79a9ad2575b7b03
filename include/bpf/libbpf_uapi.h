/// libbpf_uapi.h: the part of Linux's <linux/bpf.h> and <linux/btf.h> that loaders use, for hosts without Linux's headers.
///
/// Included by libbpf_common.h; the part that programs use is bpf/uapi/linux/bpf.h. Numbers and layouts are Linux's.
#ifndef POSTERN_LIBBPF_UAPI_H
#define POSTERN_LIBBPF_UAPI_H

#include <stdint.h>

#include <linux/bpf.h> // ours: include/bpf/uapi is on the include path
#include <postern/attr.h>

struct bpf_insn {
    __u8 code;
    __u8 dst_reg : 4;
    __u8 src_reg : 4;
    __s16 off;
    __s32 imm;
};

enum bpf_link_type {
    BPF_LINK_TYPE_UNSPEC = 0,
    BPF_LINK_TYPE_RAW_TRACEPOINT = 1,
    BPF_LINK_TYPE_TRACING = 2,
    BPF_LINK_TYPE_CGROUP = 3,
    BPF_LINK_TYPE_ITER = 4,
    BPF_LINK_TYPE_NETNS = 5,
    BPF_LINK_TYPE_XDP = 6,
    BPF_LINK_TYPE_PERF_EVENT = 7,
    BPF_LINK_TYPE_KPROBE_MULTI = 8,
    BPF_LINK_TYPE_STRUCT_OPS = 9,
    BPF_LINK_TYPE_NETFILTER = 10,
    BPF_LINK_TYPE_TCX = 11,
    BPF_LINK_TYPE_UPROBE_MULTI = 12,
    BPF_LINK_TYPE_NETKIT = 13,
};

enum bpf_stats_type { BPF_STATS_RUN_TIME = 0 };

// The records of bpf_obj_get_info_by_fd are those of postern/attr.h, whose members have Linux's names.
#define bpf_prog_info pst_bpf_prog_info
#define bpf_map_info pst_bpf_map_info
#define bpf_btf_info pst_bpf_btf_info
#define bpf_link_info pst_bpf_link_info
#define bpf_func_info pst_bpf_func_info
#define bpf_line_info pst_bpf_line_info

// --- BTF ----------------------------------------------------------------------------------------------------------

enum {
    BTF_KIND_UNKN = 0, BTF_KIND_INT = 1, BTF_KIND_PTR = 2, BTF_KIND_ARRAY = 3, BTF_KIND_STRUCT = 4, BTF_KIND_UNION = 5,
    BTF_KIND_ENUM = 6, BTF_KIND_FWD = 7, BTF_KIND_TYPEDEF = 8, BTF_KIND_VOLATILE = 9, BTF_KIND_CONST = 10,
    BTF_KIND_RESTRICT = 11, BTF_KIND_FUNC = 12, BTF_KIND_FUNC_PROTO = 13, BTF_KIND_VAR = 14, BTF_KIND_DATASEC = 15,
    BTF_KIND_FLOAT = 16, BTF_KIND_DECL_TAG = 17, BTF_KIND_TYPE_TAG = 18, BTF_KIND_ENUM64 = 19,
};

struct btf_type {
    __u32 name_off;
    __u32 info; // members in bits 0 to 15, kind in 24 to 28, flag in 31
    union {
        __u32 size;
        __u32 type;
    };
};

struct btf_array {
    __u32 type, index_type, nelems;
};

struct btf_enum {
    __u32 name_off;
    __s32 val;
};

struct btf_member {
    __u32 name_off, type, offset;
};

struct btf_param {
    __u32 name_off, type;
};

struct btf_var {
    __u32 linkage;
};

struct btf_var_secinfo {
    __u32 type, offset, size;
};

#endif
