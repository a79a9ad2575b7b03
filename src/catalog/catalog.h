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
    PST_ARG_SOCK,              // a socket (sock_common and up)
    PST_ARG_SOCK_OR_NULL,
    PST_ARG_BTF_ID,            // pointer to a BTF type
    PST_ARG_PERCPU_BTF_ID,
} pst_arg_kind;

typedef enum pst_ret_kind {
    PST_RET_INTEGER,
    PST_RET_VOID,                 // r0 holds nothing
    PST_RET_MAP_VALUE_OR_NULL,    // value of the map in the PST_ARG_MAP argument; map-in-map: the inner map
    PST_RET_MAP_VALUE,
    PST_RET_ALLOC_OR_NULL,        // writable memory of PST_ARG_ALLOC_SIZE bytes
    PST_RET_MEM,                  // memory of fixed size proto->ret_size
    PST_RET_MEM_OR_NULL,
    PST_RET_SOCK_OR_NULL,
    PST_RET_BTF_ID,
    PST_RET_BTF_ID_OR_NULL,
    PST_RET_DYNPTR_MEM_OR_NULL,   // slice of a dynptr; size by the argument
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

#define PST_ARGS_MAX 5

typedef struct pst_helper_proto {
    int32_t id;        // Linux's number; a provider's own from 0x10000 up
    const char *name;  // "bpf_map_lookup_elem"
    pst_ret_kind ret;
    pst_arg_kind args[PST_ARGS_MAX];
    uint32_t flags;     // PST_HELPER_*
    uint64_t map_types; // bit n: map type n is allowed as PST_ARG_MAP; 0: any
    uint32_t ret_size;
} pst_helper_proto;

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
    /// Resolves a tail call at run time: the program in slot index of a prog_array, or NULL. Called inside the epoch; no locks.
    const pst_exec *(*tail_target)(void *map_view, uint32_t index);
    void *user;
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
    PST_FIELD_SOCK_OR_NULL, // a load yields a socket pointer
    PST_FIELD_POINTER,      // a load yields an opaque pointer (number to the program)
} pst_field_kind;

#define PST_FIELD_READ 0x1u
#define PST_FIELD_WRITE 0x2u
#define PST_FIELD_WIDE 0x4u // may also be accessed 8 bytes at a time together with its successor, which follows it natively too
#define PST_FIELD_NARROW_WRITE 0x8u // a part of it may be written; without it writes have the field's size
// A part of a scalar (1, 2 or 4 bytes, aligned to its size) may always be read. Pointers are read whole, at exactly abi_size.

typedef struct pst_ctx_field {
    const char *name;
    uint16_t abi_off, abi_size;       // as programs see it (Linux's layout)
    uint16_t native_off, native_size; // in the provider's struct
    pst_field_kind kind;
    uint32_t flags; // PST_FIELD_*
} pst_ctx_field;

typedef struct pst_guid {
    uint32_t d1;
    uint16_t d2, d3;
    uint8_t d4[8];
} pst_guid;

typedef struct pst_attach_type {
    uint32_t number; // Linux's BPF_* attach type
    const char *name; // as bpftool writes it ("xdp", "cgroup_inet4_connect")
    pst_guid guid;    // zero when the reference system has none
} pst_attach_type;

typedef struct pst_ret_meaning {
    int64_t value;
    const char *name; // "XDP_DROP"
} pst_ret_meaning;

typedef struct pst_prog_type {
    const char *name; // "xdp"
    uint32_t number;  // PST_PROG_*
    pst_guid guid;
    uint32_t abi_size, native_size; // of the context
    const pst_ctx_field *fields;    // by abi_off; gaps are inaccessible. Rows overlap only where a pointer's exact size tells them
                                    // apart: xdp has Linux's view (4-byte loads) and that of eBPF for Windows (8-byte loads)
    uint32_t field_count;
    int64_t ret_lo, ret_hi;         // what the verifier demands of r0 (as signed 32-bit unless ret_64)
    bool ret_any;                   // any value is fine
    const pst_ret_meaning *ret_meanings;
    uint32_t ret_meaning_count;
    const int32_t *helpers;         // ids that programs of this type may call besides the general ones, ascending
    uint32_t helper_count;
    const pst_helper_proto *own_helpers; // prototypes of ids from 0x10000 up
    uint32_t own_helper_count;
    const pst_attach_type *attach_types;
    uint32_t attach_type_count;
    bool packet_writable;           // programs may write the packet
    bool legacy_loads;              // BPF_ABS and BPF_IND are allowed
} pst_prog_type;

/// The hosted types known at build time: xdp, socket_filter, sched_cls, sample. NULL when the type is not hosted.
const pst_prog_type *pst_prog_type_by_number(uint32_t number);
const pst_prog_type *pst_prog_type_by_name(const char *name);
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

#define PST_INFO_HASH_SIZE 32
/// SHA-256 over everything in the descriptor that a proof can depend on (layouts, ranges, prototypes of the helper ids given,
/// in canonical form, little-endian; not over addresses). ids are ascending.
PST_MUST_USE pst_status pst_prog_info_hash(const pst_env *env, const pst_prog_type *type, const int32_t *ids, size_t id_count,
                                           uint8_t out[PST_INFO_HASH_SIZE]);

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
