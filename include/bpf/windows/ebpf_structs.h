// ebpf_structs.h: numbers and types under the names that eBPF for Windows gives them.
//
// The numbers are Linux's, from ../uapi/linux/bpf.h: an object compiled with these headers runs on any host of Postern, and its maps
// and helpers on Linux. Contexts are in ebpf_nethooks.h. What Linux has no number for takes one from 0x10000 up (include/postern/abi.h).
#ifndef POSTERN_EBPF_STRUCTS_H
#define POSTERN_EBPF_STRUCTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Linux's contexts of these names are not eBPF for Windows': they stay reachable under other tags.
#define xdp_md linux_xdp_md
#define bpf_sock_addr linux_bpf_sock_addr
#define bpf_sock_ops linux_bpf_sock_ops
#include "../uapi/linux/bpf.h"
#undef xdp_md
#undef bpf_sock_addr
#undef bpf_sock_ops

#define MAX_TAIL_CALL_CNT 33
#define BPF_OBJ_NAME_LEN 64
#define BPF_ENUM_TO_STRING(x) #x
#define EBPF_ID_NONE 0
#define XDP_FLAGS_REPLACE 0x01

typedef uint32_t ebpf_id_t;
typedef enum bpf_map_type ebpf_map_type_t;
typedef uint32_t ebpf_pin_type_t; // LIBBPF_PIN_*
typedef uint8_t GUID[16];
typedef GUID ebpf_program_type_t;
typedef GUID ebpf_attach_type_t;

typedef enum ebpf_map_option {
    EBPF_ANY = BPF_ANY,
    EBPF_NOEXIST = BPF_NOEXIST,
    EBPF_EXIST = BPF_EXIST,
} ebpf_map_option_t;

// Parts of the flags of bpf_perf_event_output: the CPU, and how many bytes of the packet follow the data.
#define EBPF_MAP_FLAG_INDEX_MASK BPF_F_INDEX_MASK
#define EBPF_MAP_FLAG_INDEX_SHIFT 0
#define EBPF_MAP_FLAG_CURRENT_CPU BPF_F_CURRENT_CPU
#define EBPF_MAP_FLAG_CTX_LENGTH_SHIFT 32
#define EBPF_MAP_FLAG_CTX_LENGTH_MAX 0xfffffULL
#define EBPF_MAP_FLAG_CTX_LENGTH_MASK BPF_F_CTXLEN_MASK

enum {
    BPF_PROG_TYPE_BIND = 0x10002,
    BPF_PROG_TYPE_NETEVENT = 0x10005,
    BPF_PROG_TYPE_PROCESS = 0x10006,
    BPF_PROG_TYPE_SAMPLE = 0x103e7,
};
typedef enum bpf_prog_type bpf_prog_type_t;

enum {
    BPF_ATTACH_TYPE_BIND = 0x10000,
    BPF_CGROUP_INET4_CONNECT_AUTHORIZATION = 0x10001,
    BPF_CGROUP_INET6_CONNECT_AUTHORIZATION = 0x10002,
    BPF_CGROUP_INET4_RECV_ACCEPT = 0x10003,
    BPF_CGROUP_INET6_RECV_ACCEPT = 0x10004,
    BPF_CGROUP_INET4_LISTEN = 0x10005,
    BPF_CGROUP_INET6_LISTEN = 0x10006,
    BPF_ATTACH_TYPE_PROCESS = 0x10007,
    BPF_ATTACH_TYPE_NETEVENT = 0x10008,
    BPF_ATTACH_TYPE_SAMPLE = 0x10009,
};
typedef enum bpf_attach_type bpf_attach_type_t;

// A map in section "maps", the form before BTF. The first five words are libbpf's; designated initialisers fit both.
typedef struct _ebpf_map_definition_in_file {
    ebpf_map_type_t type;
    uint32_t key_size, value_size, max_entries;
    uint32_t map_flags;
    uint32_t inner_map_idx; // for maps of maps: the template's index in the section
    ebpf_pin_type_t pinning;
    uint32_t id, inner_id; // and by id
} ebpf_map_definition_in_file_t;

#endif
