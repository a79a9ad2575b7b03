// catalog.h: program types, contexts and helpers as data.
//
// One description drives verifier, engines, disassembler, test run, `show`, and the program-info hash: a program that was verified against one
// description never runs against another. A provider outside this project writes the same structs. Everything here is constant;
// lookups are pure.
#ifndef PST_CATALOG_CATALOG_H
#define PST_CATALOG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "postern/abi.h"
#include "program/run.h"

// --- Helpers --------------------------------------------------------------------------------------------------

// Linux's argument kinds (bpf_arg_type), by meaning.
typedef enum pst_arg_kind {
    PST_ARG_NONE,              // not there
    PST_ARG_ANYTHING,          // any initialised value
    PST_ARG_ANYTHING_OPT,      // any value; need not be initialised (variadic tail of trace_printk)
    PST_ARG_CTX,               // the program's context
    PST_ARG_CTX_OR_NULL,
    PST_ARG_MAP,               // a map object of the types in proto->map_types (0: any)
    PST_ARG_MAP_KEY,           // readable memory of the map's key_size (the map is the preceding PST_ARG_MAP)
    PST_ARG_MAP_VALUE,         // readable memory of the map's value_size
    PST_ARG_MAP_VALUE_OR_NULL, // the same, or NULL (what a storage starts with)
    PST_ARG_MAP_VALUE_OUT,     // writable, may be uninitialised, value_size
    PST_ARG_MEM,               // readable memory; the next argument is its size
    PST_ARG_MEM_OR_NULL,
    PST_ARG_MEM_OUT,           // writable memory, may be uninitialised; the next argument is its size
    PST_ARG_MEM_OR_NULL_OUT,
    PST_ARG_MEM_20,            // readable memory of 20 bytes (an IPv4 or TCP header); no size argument follows
    PST_ARG_MEM_40,            // readable memory of 40 bytes (an IPv6 header)
    PST_ARG_MEM_INOUT,         // writable and initialised
    PST_ARG_SIZE,              // size in bytes of the preceding memory, > 0
    PST_ARG_SIZE_OR_ZERO,
    PST_ARG_ALLOC_SIZE,        // a constant: size of the memory that is returned
    PST_ARG_ALLOCATED,         // memory that a call with PST_RET_ALLOC returned: released by this call if flagged so
    PST_ARG_STRING,            // NUL-terminated, in a read-only map
    PST_ARG_FUNC,              // address of a subprogram (callback)
    PST_ARG_STACK_OR_NULL,     // memory on the stack (callback context), or NULL
    PST_ARG_INT_OUT,           // aligned writable 4 bytes
    PST_ARG_LONG_OUT,          // aligned writable 8 bytes
    PST_ARG_SPIN_LOCK,         // a spin lock in a map value
    PST_ARG_TIMER,
    PST_ARG_KPTR,
    PST_ARG_DYNPTR,            // initialised dynptr on the stack
    PST_ARG_DYNPTR_OUT,        // uninitialised dynptr on the stack
    PST_ARG_DYNPTR_OR_NULL,
    PST_ARG_SOCK,              // any socket: sock_common, full, TCP, or one that BTF describes
    PST_ARG_SOCK_OR_NULL,
    PST_ARG_FULL_SOCK,         // a full socket only
    PST_ARG_BTF_ID,            // pointer to the BTF type proto->btf_args[i] (trusted), or one that starts with it
    PST_ARG_BTF_ID_OR_NULL,
    PST_ARG_PERCPU_BTF_ID,
    // The rest is for kfuncs (the suffixes and kinds that Linux reads from their BTF).
    PST_ARG_NUMBER,            // a number, no pointer
    PST_ARG_CONST,             // a known constant ("__k")
    PST_ARG_IGNORED,           // anything, even uninitialised ("__ign")
    PST_ARG_TYPE_ID,           // constant: a struct of the program's BTF ("local_type_id__k")
    PST_ARG_OBJECT,            // owning reference to an object of the program's own type (bpf_obj_drop, bpf_refcount_acquire)
    PST_ARG_PERCPU_OBJECT,
    PST_ARG_ITER_NEW,          // uninitialised stack for the iterator proto->iter
    PST_ARG_ITER,              // an initialised one
    PST_ARG_LIST_HEAD,         // a list head in a map value or in an object
    PST_ARG_LIST_NODE,
    PST_ARG_RB_ROOT,
    PST_ARG_RB_NODE,           // owning (bpf_rbtree_add) or not (remove, left, right)
    PST_ARG_WORKQUEUE,         // bpf_wq in a map value
    PST_ARG_IRQ_FLAG_NEW,      // 8 bytes of stack for saved interrupt flags
    PST_ARG_IRQ_FLAG,
    PST_ARG_RES_SPIN_LOCK,
    PST_ARG_MEM_FIXED,         // readable and writable memory; its size in digits is proto->btf_args[i]
    PST_ARG_MEM_OPT,           // as PST_ARG_MEM, or NULL whatever the size ("__opt"): the buffer of bpf_dynptr_slice
    PST_ARG_SIZE_CONST,        // constant size of the memory before it ("__szk")
    PST_ARG_CONST_STRING,      // NUL-terminated, in a read-only map ("__str")
    PST_ARG_UNTRUSTED_PTR,     // any pointer or number that is only compared or read under protection (bpf_rdonly_cast)
} pst_arg_kind;

typedef enum pst_ret_kind {
    PST_RET_INTEGER,
    PST_RET_VOID,                 // r0 holds nothing
    PST_RET_MAP_VALUE_OR_NULL,    // value of the map in the PST_ARG_MAP argument; map-in-map: the inner map
    PST_RET_MAP_VALUE,
    PST_RET_ALLOC_OR_NULL,        // writable memory of PST_ARG_ALLOC_SIZE bytes
    PST_RET_MEM,                  // memory of fixed size proto->ret_size
    PST_RET_MEM_OR_NULL,
    PST_RET_SOCK_OR_NULL,         // a full socket
    PST_RET_SOCK_COMMON_OR_NULL,
    PST_RET_TCP_SOCK_OR_NULL,
    PST_RET_BTF_ID,               // of type proto->btf_ret
    PST_RET_BTF_ID_OR_NULL,
    PST_RET_MEM_OR_BTF_ID,        // what the PST_ARG_PERCPU_BTF_ID points to, on one CPU (or_null by the flag PST_HELPER_RET_NULL)
    PST_RET_DYNPTR_MEM_OR_NULL,   // slice of a dynptr; size by the argument
    // kfuncs only
    PST_RET_OBJECT_OR_NULL,       // new object of the type in PST_ARG_TYPE_ID
    PST_RET_SAME_OBJECT,          // another owning reference to the argument's object (or_null by flag)
    PST_RET_LIST_NODE_OR_NULL,    // node taken out of the argument's list: an owning reference to its object
    PST_RET_RB_NODE_OR_NULL,      // owning (remove) or not (first, left, right, root), by PST_HELPER_ACQUIRES
    PST_RET_ITER_ELEMENT,         // what bpf_iter_*_next yields: memory of ret_size, or a BTF type btf_ret, or NULL at the end
    PST_RET_KERN_CTX,             // bpf_cast_to_kern_ctx
    PST_RET_RDONLY_CAST,          // bpf_rdonly_cast: untrusted BTF pointer of the type in the constant argument
    PST_RET_MEM_BY_ARG_OR_NULL,   // memory whose size is the constant argument ("rdonly_buf_size", "rdwr_buf_size")
} pst_ret_kind;

#define PST_HELPER_CHANGES_PACKET 0x001u // packet pointers die
#define PST_HELPER_MAY_SLEEP      0x002u // sleepable programs only
#define PST_HELPER_GPL            0x004u // GPL-compatible programs only
#define PST_HELPER_ACQUIRES       0x008u // the result is a reference that must be released
#define PST_HELPER_RELEASES       0x010u // releases the reference in the first argument that is one
#define PST_HELPER_TAIL_CALL      0x020u // tail call: engines implement it
#define PST_HELPER_CALLBACK       0x040u // calls the subprogram in its PST_ARG_FUNC
#define PST_HELPER_PURE           0x080u // result depends on arguments only
#define PST_HELPER_LOCK           0x100u
#define PST_HELPER_UNLOCK         0x200u
#define PST_HELPER_RET_NULL       0x400u  // a kfunc's pointer result may be NULL ("KF_RET_NULL")
#define PST_HELPER_RCU            0x800u  // "KF_RCU": arguments may be RCU-protected instead of trusted
#define PST_HELPER_RCU_PROTECTED  0x1000u // must be called in an RCU read-side section
#define PST_HELPER_RCU_LOCK       0x2000u
#define PST_HELPER_RCU_UNLOCK     0x4000u
#define PST_HELPER_PREEMPT_OFF    0x8000u
#define PST_HELPER_PREEMPT_ON     0x10000u
#define PST_HELPER_ITER_NEW       0x20000u
#define PST_HELPER_ITER_NEXT      0x40000u
#define PST_HELPER_ITER_DESTROY   0x80000u
#define PST_HELPER_ASYNC          0x100000u // its callback runs later, on its own (timers, work queues)
#define PST_HELPER_RDONLY_RET     0x200000u // the memory that it returns is read-only
#define PST_HELPER_THROW          0x400000u // does not return (bpf_throw)
#define PST_HELPER_DYNPTR_SKB     0x800000u // makes a dynptr of the packet: PST_ARG_DYNPTR_OUT is invalidated with packet pointers
#define PST_HELPER_IRQ_SAVE       0x1000000u
#define PST_HELPER_IRQ_RESTORE    0x2000000u
#define PST_HELPER_TRUSTED_NULL   0x4000000u // BTF arguments may be NULL
#define PST_HELPER_DYNPTR_CLONE   0x8000000u // the result dynptr is a copy of the argument (bpf_dynptr_clone)
#define PST_HELPER_NO_LOCK        0x10000000u // may not be called while a spin lock is held although it does not sleep
#define PST_HELPER_PACKET_ARGS    0x20000000u // memory arguments may lie in the packet (of a kfunc: always)
#define PST_HELPER_TRUSTED        0x40000000u // "KF_TRUSTED_ARGS": BTF arguments must be trusted
#define PST_HELPER_UNTRUSTED_RET  0x80000000u // the BTF pointer that it returns may be anything: loads through it are guarded, nothing takes it

#define PST_ARGS_MAX 5

typedef struct pst_helper_proto {
    int32_t id;        // Linux's number; a provider's own from 0x10000 up
    const char *name;  // "bpf_map_lookup_elem"
    pst_ret_kind ret;
    pst_arg_kind args[PST_ARGS_MAX];
    uint32_t flags;     // PST_HELPER_*
    uint64_t map_types; // bit n: map type n is allowed as PST_ARG_MAP; 0: any
    uint32_t ret_size;
    const char *btf_ret;                  // name of the BTF type of the result ("task_struct"); NULL: none
    const char *btf_args[PST_ARGS_MAX];   // the same for PST_ARG_BTF_ID; for PST_ARG_MEM_FIXED its size ("4")
    const char *iter;                     // kfuncs of iterators: "num", "bits", "task", ...
    uint32_t iter_size;                   // bytes of stack that the iterator takes
    uint64_t prog_types;                  // kfuncs: bit n: programs of Linux's type n may call it; 0: every type
} pst_helper_proto;

/// A kfunc by its name, for the verifier; its id is 0. NULL: the catalog does not describe it.
const pst_helper_proto *pst_kfunc_proto_by_name(const char *name);
/// Bytes of a PST_ARG_MEM_FIXED argument (0 to 4); 0 when it is none.
uint32_t pst_proto_fixed_size(const pst_helper_proto *proto, unsigned arg);
size_t pst_kfunc_proto_count(void);
const pst_helper_proto *pst_kfunc_proto_at(size_t index);

/// A prototype with the function behind it; what the core gives to an engine.
typedef struct pst_helper {
    const pst_helper_proto *proto;
    pst_helper_fn fn; // NULL: described (for the verifier) but not provided by this host
} pst_helper;

/// What an engine needs of its surroundings to make a program executable.
typedef struct pst_bindings {
    const struct pst_prog_type *type;
    /// The helper with this id for this program type, or NULL.
    const pst_helper *(*find_helper)(void *user, int32_t id);
    /// The kfunc that a call names by number, or NULL. May be NULL: there are none.
    const pst_helper *(*find_kfunc)(void *user, int32_t number);
    /// Resolves a tail call at run time: the program in slot index of a prog_array, or NULL. Called inside the epoch; no locks.
    const pst_exec *(*tail_target)(void *map_view, uint32_t index);
    void *user;
    bool proved; // the program is: what only a proof keeps from being forged (dynptrs, iterators) may be passed to helpers by the checked interpreter
} pst_bindings;

/// The prototype of a helper of Linux (ids 1 to 211) or of Postern's general ones; NULL when there is none.
const pst_helper_proto *pst_helper_proto_by_id(int32_t id);
const pst_helper_proto *pst_helper_proto_by_name(const char *name); // with or without "bpf_"
size_t pst_helper_proto_count(void);
const pst_helper_proto *pst_helper_proto_at(size_t index);

// --- Contexts and program types -------------------------------------------------------------------------------

typedef enum pst_field_kind {
    PST_FIELD_SCALAR,
    PST_FIELD_PACKET_START, // a load yields the packet pointer, whatever the ABI width
    PST_FIELD_PACKET_END,
    PST_FIELD_PACKET_META,  // start of the metadata in front of the packet
    PST_FIELD_SOCK_OR_NULL, // a load yields a full socket, or NULL
    PST_FIELD_SOCK,         // a full socket
    PST_FIELD_SOCK_COMMON_OR_NULL,
    PST_FIELD_MEM,          // a load yields a pointer to memory of target->size bytes described by target (bpf_flow_keys)
    PST_FIELD_BTF_ID,       // a load yields a trusted pointer to the BTF type btf (netfilter's sk_buff)
    PST_FIELD_POINTER,      // a load yields an opaque pointer (number to the program)
} pst_field_kind;

#define PST_FIELD_READ 0x1u
#define PST_FIELD_WRITE 0x2u
#define PST_FIELD_WIDE 0x4u // may also be accessed 8 bytes at a time together with its successor, which follows it natively too
#define PST_FIELD_NARROW_WRITE 0x8u // a part of it may be written; without it writes have the field's size
#define PST_FIELD_EXACT 0x10u // read whole only
#define PST_FIELD_LOW 0x20u   // parts may be read at the field's own offset only
#define PST_FIELD_UNALIGNED 0x40u // bytes without a structure: accesses need no alignment
// Without EXACT and LOW any part of a scalar (aligned to its size) may be read. Pointers are read whole, at exactly abi_size.

typedef struct pst_ctx_field {
    const char *name;
    uint16_t abi_off, abi_size;       // as programs see it (Linux's layout)
    uint16_t native_off, native_size; // in the provider's struct
    pst_field_kind kind;
    uint32_t flags; // PST_FIELD_*
    uint64_t attach_mask; // bit n: accessible for programs of attach type n (below 64); 0: for all
    uint64_t write_mask;  // the same for writing; 0: for all
    const struct pst_struct_desc *target; // of PST_FIELD_MEM
    const char *btf;                      // of PST_FIELD_BTF_ID
} pst_ctx_field;
// Row-literals may leave the masks out. Attach types from 64 up (those that Linux does not have) may access every field.

/// Memory that programs reach through a pointer and whose fields are described like a context's: bpf_sock, bpf_tcp_sock, bpf_flow_keys,
/// bpf_sock_common (the part of bpf_sock that every socket has).
typedef struct pst_struct_desc {
    const char *name;
    uint32_t size;
    const pst_ctx_field *fields;
    uint32_t field_count;
} pst_struct_desc;
extern const pst_struct_desc pst_struct_sock, pst_struct_sock_common, pst_struct_tcp_sock, pst_struct_flow_keys;
/// The buffer that a writable raw tracepoint passes. Its size is the tracepoint's, checked when a program is attached; this is the most.
extern const pst_struct_desc pst_struct_tp_buffer;
/// As pst_ctx_field_at, in such a struct.
const pst_ctx_field *pst_struct_field_at(const pst_struct_desc *desc, uint32_t off, uint32_t size, bool write);

typedef struct pst_guid {
    uint32_t d1;
    uint16_t d2, d3;
    uint8_t d4[8];
} pst_guid;

typedef struct pst_attach_type {
    uint32_t number; // Linux's BPF_* attach type
    const char *name; // as bpftool writes it ("xdp", "cgroup_inet4_connect")
    pst_guid guid;    // zero when the reference system has none
    bool has_ret;     // ret_lo, ret_hi and ret_any replace the type's
    bool ret_any;
    int64_t ret_lo, ret_hi;
} pst_attach_type;

typedef struct pst_helper_limit {
    int32_t id;
    uint64_t attach_mask; // bit n: attach type n may call it
} pst_helper_limit;

typedef struct pst_ret_meaning {
    int64_t value;
    const char *name; // "XDP_DROP"
} pst_ret_meaning;

typedef struct pst_prog_type {
    const char *name; // "xdp"
    uint32_t number;  // PST_PROG_*
    pst_guid guid;
    uint32_t abi_size, native_size; // of the context. native_size 0: described for the verifier, not hosted here
    const pst_ctx_field *fields;    // by abi_off; gaps are inaccessible. Rows overlap only where a pointer's exact size tells them
                                    // apart: xdp has Linux's view (4-byte loads) and that of eBPF for Windows (8-byte loads)
    uint32_t field_count;
    int64_t ret_lo, ret_hi;         // what the verifier demands of r0 (as signed 32-bit unless ret_64)
    bool ret_any;                   // any value is fine
    const pst_ret_meaning *ret_meanings;
    uint32_t ret_meaning_count;
    const int32_t *helpers;         // ids that programs of this type may call besides the general ones, ascending
    uint32_t helper_count;
    const pst_helper_proto *own_helpers; // prototypes of ids from 0x10000 up, and those that differ from the general row for this type
    uint32_t own_helper_count;
    const pst_helper_limit *helper_limits; // ids that only some attach types may call
    uint32_t helper_limit_count;
    const pst_attach_type *attach_types;
    uint32_t attach_type_count;
    bool packet_writable;           // programs may write the packet
    bool legacy_loads;              // BPF_ABS and BPF_IND are allowed
    bool raw_ctx;                   // the context is plain readable memory of abi_size bytes (raw_tracepoint: 8-byte loads of arguments;
                                    // tracepoint, syscall): aligned loads anywhere below abi_size; fields may be empty
    bool raw_ctx_write;             // and it may be written (syscall, raw_tracepoint_writable)
    bool sleepable;                 // programs of this type may be loaded as sleepable
    bool tracing;                   // tracing helpers and rules (kprobe, tracepoint, perf_event, raw_tracepoint)
} pst_prog_type;

/// The field that an access hits for programs of this attach type, see pst_ctx_field_at.
const pst_ctx_field *pst_ctx_access(const pst_prog_type *type, uint32_t attach_type, uint32_t off, uint32_t size, bool write);
/// What r0 must be at the end: *any, or within [*lo, *hi] (as signed 32 bits).
void pst_ret_range(const pst_prog_type *type, uint32_t attach_type, bool *any, int64_t *lo, int64_t *hi);

/// The types known at build time, hosted or only described (native_size 0). NULL: unknown.
const pst_prog_type *pst_prog_type_by_number(uint32_t number);
const pst_prog_type *pst_prog_type_by_name(const char *name);
/// Whether something here may run programs of this type: false for NULL and for a type that is only described.
bool pst_prog_type_hosted(const pst_prog_type *type);
size_t pst_prog_type_count(void);
const pst_prog_type *pst_prog_type_at(size_t index);

/// The field that an access of size bytes (1, 2, 4, 8) at ABI offset off hits, or NULL when no such access exists. write: also
/// asks whether it may be written.
const pst_ctx_field *pst_ctx_field_at(const pst_prog_type *type, uint32_t off, uint32_t size, bool write);
/// Reads size bytes (1, 2, 4, 8) at ABI offset off of the native context; pointers come whole. False: no such access.
PST_MUST_USE bool pst_ctx_read(const pst_prog_type *type, const void *native, uint32_t off, uint32_t size, uint64_t *out);
PST_MUST_USE bool pst_ctx_write(const pst_prog_type *type, void *native, uint32_t off, uint32_t size, uint64_t value);
/// The pointers that the descriptor names in a native context; NULL members where the type has no packet.
typedef struct pst_packet_range {
    uint8_t *meta, *start, *end;
} pst_packet_range;
pst_packet_range pst_ctx_packet(const pst_prog_type *type, const void *native);

/// Ids that programs of every type may call (maps, time, chance, strings, ring buffers, ...), ascending.
extern const int32_t pst_general_helpers[];
extern const uint32_t pst_general_helper_count;

/// The prototype that a program of this type sees under id; NULL when it may not call it.
const pst_helper_proto *pst_prog_type_helper(const pst_prog_type *type, int32_t id);
/// The same for programs of one attach type.
const pst_helper_proto *pst_prog_type_helper_at(const pst_prog_type *type, uint32_t attach_type, int32_t id);
/// The kfunc of this name that programs of this type may call, or NULL.
const pst_helper_proto *pst_prog_type_kfunc(const pst_prog_type *type, const char *name);

#define PST_INFO_HASH_SIZE 32
/// SHA-256 over everything in the descriptor that a proof can depend on (layouts, ranges, prototypes of the helper ids given,
/// in canonical form, little-endian; not over addresses). ids are ascending.
PST_MUST_USE pst_status pst_prog_info_hash(const pst_env *env, const pst_prog_type *type, const int32_t *ids, size_t id_count,
                                           uint8_t out[PST_INFO_HASH_SIZE]);
/// The same for a program that calls kfuncs too: their names ascend by strcmp.
PST_MUST_USE pst_status pst_prog_info_hash_with(const pst_env *env, const pst_prog_type *type, const int32_t *ids, size_t id_count,
                                                const char *const *kfuncs, size_t kfunc_count, uint8_t out[PST_INFO_HASH_SIZE]);

// --- Names of types and sections ------------------------------------------------------------------------------

/// Linux's or Postern's name of a number, "" when there is none; and back, false when unknown.
const char *pst_map_type_name(uint32_t number);
PST_MUST_USE bool pst_map_type_by_name(const char *name, uint32_t *number);
const char *pst_prog_type_name(uint32_t number);
PST_MUST_USE bool pst_prog_type_number_by_name(const char *name, uint32_t *number);
const char *pst_attach_type_name(uint32_t number);
PST_MUST_USE bool pst_attach_type_number_by_name(const char *name, uint32_t *number);

#define PST_ATTACH_NONE UINT32_MAX // a section that names no attach type

typedef struct pst_section_type {
    const char *prefix;    // "xdp", "cgroup/connect4", "kprobe/..."
    bool has_rest;         // matches "prefix/anything" too ("kprobe/sys_open"); else the name must be equal
    uint32_t prog_type;    // PST_PROG_*
    uint32_t attach_type;  // Linux's number, PST_ATTACH_NONE when the type has none
    bool sleepable;
    bool windows;          // a name of eBPF for Windows that libbpf does not know
} pst_section_type;

/// Finds the row for an ELF section name as libbpf does ("?" prefix = not auto-loaded is stripped by the caller); NULL: unknown section.
const pst_section_type *pst_section_type_find(const char *section);
size_t pst_section_type_count(void);
const pst_section_type *pst_section_type_at(size_t index);

#endif
