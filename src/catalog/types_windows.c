// types_windows.c: the program types that only eBPF for Windows and its extensions have, bind, process and netevent, and their helpers.
// Described, hosted nowhere here.
//
// Layouts are those of include/bpf/windows/ebpf_nethooks.h and ebpf_ntos_hooks.h. Programs are compiled against Linux's helper numbers;
// what Linux has not is 0x20000 plus its number there, and general to the types of this file.
#include "catalog/types.h"

#define R PST_FIELD_READ
#define RW (PST_FIELD_READ | PST_FIELD_WRITE)
#define ROW(text, off, size, kind, access) PST_DESCRIBED_ROW(text, off, size, kind, access)

#define HELPER(num, text, result, ...) {.id = 0x20000 + (num), .name = "bpf_" text, .ret = PST_RET_##result, .args = {__VA_ARGS__}}
#define ANY PST_ARG_ANYTHING

// Its own memory rules: each piece of memory is followed by its size.
static const pst_helper_proto g_own[] = {
    HELPER(4, "map_lookup_and_delete_elem", MAP_VALUE_OR_NULL, PST_ARG_MAP, PST_ARG_MAP_KEY),
    HELPER(20, "get_current_logon_id", INTEGER, PST_ARG_CTX), HELPER(21, "is_current_admin", INTEGER, PST_ARG_CTX),
    HELPER(22, "memcpy_s", INTEGER, PST_ARG_MEM_OUT, PST_ARG_SIZE_OR_ZERO, PST_ARG_MEM, PST_ARG_SIZE_OR_ZERO),
    HELPER(23, "memcmp_s", INTEGER, PST_ARG_MEM, PST_ARG_SIZE_OR_ZERO, PST_ARG_MEM, PST_ARG_SIZE_OR_ZERO),
    HELPER(24, "memset", INTEGER, PST_ARG_MEM_OUT, PST_ARG_SIZE_OR_ZERO, ANY),
    HELPER(25, "memmove_s", INTEGER, PST_ARG_MEM_OUT, PST_ARG_SIZE_OR_ZERO, PST_ARG_MEM, PST_ARG_SIZE_OR_ZERO),
    HELPER(27, "strncpy_s", INTEGER, PST_ARG_MEM_OUT, PST_ARG_SIZE_OR_ZERO, PST_ARG_MEM, PST_ARG_SIZE_OR_ZERO),
    HELPER(28, "strncat_s", INTEGER, PST_ARG_MEM_INOUT, PST_ARG_SIZE_OR_ZERO, PST_ARG_MEM, PST_ARG_SIZE_OR_ZERO),
    HELPER(29, "strnlen_s", INTEGER, PST_ARG_MEM, PST_ARG_SIZE_OR_ZERO),
    HELPER(33, "get_current_process_start_key", INTEGER, PST_ARG_NONE),
    HELPER(34, "get_current_thread_create_time", INTEGER, PST_ARG_NONE),
};

static const int32_t g_helpers[] = {25, 26, 28}; // perf_event_output, skb_load_bytes, csum_diff

// --- bind --------------------------------------------------------------------------------------------------------

// The path of the binding program is what other types have as a packet.
static const pst_ctx_field g_bind_fields[] = {
    ROW("app_id_start", 0, 8, PACKET_START, R),
    ROW("app_id_end", 8, 8, PACKET_END, R),
    ROW("process_id", 16, 8, SCALAR, R),
    ROW("socket_address[0..7]", 24, 8, SCALAR, RW | PST_FIELD_NARROW_WRITE),
    ROW("socket_address[8..15]", 32, 8, SCALAR, RW | PST_FIELD_NARROW_WRITE),
    ROW("socket_address_length", 40, 1, SCALAR, RW),
    ROW("operation", 44, 4, SCALAR, R),
    ROW("protocol", 48, 1, SCALAR, R),
};

static const pst_ret_meaning g_bind_returns[] = {
    {0, "BIND_PERMIT_SOFT"}, {1, "BIND_DENY"}, {2, "BIND_REDIRECT"}, {3, "BIND_PERMIT_HARD"},
};

static const pst_attach_type g_bind_attach[] = {
    {.number = PST_ATTACH_WINDOWS_BIND,
     .name = "bind",
     .guid = {0xb9707e04, 0x8127, 0x4c72, {0x83, 0x3e, 0x05, 0xb1, 0xfb, 0x43, 0x94, 0x96}}},
};

const pst_prog_type pst_type_bind = {
    .name = "bind",
    .number = PST_PROG_BIND,
    .guid = {0x608c517c, 0x6c52, 0x4a26, {0xb6, 0x77, 0xbb, 0x1c, 0x34, 0x42, 0x5a, 0xdf}},
    .abi_size = 56,
    PST_FIELDS(g_bind_fields),
    .ret_lo = 0,
    .ret_hi = 3,
    PST_RETURNS(g_bind_returns),
    PST_HELPERS(g_helpers),
    PST_OWN_HELPERS(g_own),
    PST_ATTACH_TYPES(g_bind_attach),
};

// --- process -----------------------------------------------------------------------------------------------------

static const pst_ctx_field g_process_fields[] = {
    ROW("command_start", 0, 8, PACKET_START, R),       ROW("command_end", 8, 8, PACKET_END, R),
    ROW("process_id", 16, 8, SCALAR, R),               ROW("parent_process_id", 24, 8, SCALAR, R),
    ROW("creating_process_id", 32, 8, SCALAR, R),      ROW("creating_thread_id", 40, 8, SCALAR, R),
    ROW("creation_time", 48, 8, SCALAR, R),            ROW("exit_time", 56, 8, SCALAR, R),
    ROW("process_exit_code", 64, 4, SCALAR, R),        ROW("operation", 68, 1, SCALAR, R),
};

static const pst_ret_meaning g_process_returns[] = {{0, "permit"}};

static const pst_attach_type g_process_attach[] = {
    {.number = PST_ATTACH_WINDOWS_PROCESS,
     .name = "process",
     .guid = {0x66e20687, 0x9805, 0x4458, {0xa0, 0xdb, 0x38, 0xe2, 0x20, 0xd3, 0x16, 0x85}}},
};

const pst_prog_type pst_type_process = {
    .name = "process",
    .number = PST_PROG_PROCESS,
    .guid = {0x22ea7b37, 0x1043, 0x4d0d, {0xb6, 0x0d, 0xca, 0xfa, 0x1c, 0x7b, 0x63, 0x8e}},
    .abi_size = 72,
    PST_FIELDS(g_process_fields),
    .ret_any = true, // an NTSTATUS
    PST_RETURNS(g_process_returns),
    PST_HELPERS(g_helpers),
    PST_OWN_HELPERS(g_own),
    PST_ATTACH_TYPES(g_process_attach),
};

// --- netevent ----------------------------------------------------------------------------------------------------

static const pst_ctx_field g_netevent_fields[] = {
    ROW("event_data_start", 0, 8, PACKET_START, R),
    ROW("event_data_end", 8, 8, PACKET_END, R),
};

static const pst_attach_type g_netevent_attach[] = {
    {.number = PST_ATTACH_WINDOWS_NETEVENT,
     .name = "netevent",
     .guid = {0x68011b08, 0xab6b, 0x4b46, {0x85, 0xe4, 0x67, 0xba, 0xe1, 0xaf, 0xe7, 0x41}}},
};

const pst_prog_type pst_type_netevent = {
    .name = "netevent",
    .number = PST_PROG_NETEVENT,
    .guid = {0xfc4adc85, 0x49c3, 0x4f0a, {0x83, 0x93, 0xfa, 0xcc, 0xe8, 0x9c, 0xde, 0x91}},
    .abi_size = 16,
    PST_FIELDS(g_netevent_fields),
    .ret_any = true,
    PST_HELPERS(g_helpers),
    PST_OWN_HELPERS(g_own),
    PST_ATTACH_TYPES(g_netevent_attach),
};
