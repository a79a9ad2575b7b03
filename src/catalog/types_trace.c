// types_trace.c: program types of tracing, syscall and lirc_mode2, as far as their context and helpers go. Described, hosted nowhere here.
//
// Programs with a BTF target (tracing, lsm, struct_ops, ext) are not: their context is the target's signature.
#include "catalog/types.h"

#define R PST_FIELD_READ
#define RW (PST_FIELD_READ | PST_FIELD_WRITE)
#define WHOLE (PST_FIELD_READ | PST_FIELD_EXACT)
#define ROW(text, off, size, kind, access) PST_DESCRIBED_ROW(text, off, size, kind, access)
#define REG(text, off, access) ROW(text, off, 8, SCALAR, access)

// struct pt_regs of x86-64.
#define REGISTERS(access)                                                                                                  \
    REG("r15", 0, access), REG("r14", 8, access), REG("r13", 16, access), REG("r12", 24, access), \
    REG("bp", 32, access), REG("bx", 40, access), REG("r11", 48, access), REG("r10", 56, access), \
    REG("r9", 64, access), REG("r8", 72, access), REG("ax", 80, access), REG("cx", 88, access), \
    REG("dx", 96, access), REG("si", 104, access), REG("di", 112, access), REG("orig_ax", 120, access), \
    REG("ip", 128, access), REG("cs", 136, access), REG("flags", 144, access), REG("sp", 152, access), \
    REG("ss", 160, access)

// --- kprobe and its kin ------------------------------------------------------------------------------------------

static const pst_ctx_field g_kprobe_fields[] = {REGISTERS(R)};

// probe_write_user and override_return depend on how the kernel was built.
static const int32_t g_kprobe_helpers[] = {4, 25, 27, 36, 45, 58, 67, 173, 174};

static const pst_attach_type g_kprobe_attach[] = {
    PST_ATTACH_ROW(TRACE_KPROBE_MULTI, "trace_kprobe_multi"),
    PST_ATTACH_ROW(TRACE_UPROBE_MULTI, "trace_uprobe_multi"),
    PST_ATTACH_ROW_RET(TRACE_KPROBE_SESSION, "trace_kprobe_session", 0, 1),
    PST_ATTACH_ROW_RET(TRACE_UPROBE_SESSION, "trace_uprobe_session", 0, 1),
};

const pst_prog_type pst_type_kprobe = {
    .name = "kprobe",
    .number = PST_PROG_KPROBE,
    .abi_size = 168,
    PST_FIELDS(g_kprobe_fields),
    .ret_any = true,
    PST_HELPERS(g_kprobe_helpers),
    PST_ATTACH_TYPES(g_kprobe_attach),
    .sleepable = true,
    .tracing = true,
};

// --- Tracepoints -------------------------------------------------------------------------------------------------

// The first eight bytes are the kernel's.
static const pst_ctx_field g_tracepoint_fields[] = {ROW("record", 8, 8184, SCALAR, R)};

static const int32_t g_tracepoint_helpers[] = {4, 25, 27, 36, 45, 67, 174};

const pst_prog_type pst_type_tracepoint = {
    .name = "tracepoint",
    .number = PST_PROG_TRACEPOINT,
    .abi_size = 8192,
    PST_FIELDS(g_tracepoint_fields),
    .ret_any = true,
    PST_HELPERS(g_tracepoint_helpers),
    .raw_ctx = true,
    .tracing = true,
};

static const pst_ctx_field g_raw_tracepoint_fields[] = {ROW("args", 0, 96, SCALAR, R)};

const pst_prog_type pst_type_raw_tracepoint = {
    .name = "raw_tracepoint",
    .number = PST_PROG_RAW_TRACEPOINT,
    .abi_size = 96,
    PST_FIELDS(g_raw_tracepoint_fields),
    .ret_any = true,
    PST_HELPERS(g_tracepoint_helpers),
    .raw_ctx = true,
    .tracing = true,
};

// The first argument is a buffer that the program may write; the context itself stays read only.
static const pst_ctx_field g_raw_tracepoint_writable_fields[] = {
    {.name = "buffer", .abi_off = 0, .abi_size = 8, .kind = PST_FIELD_MEM, .flags = R, .target = &pst_struct_tp_buffer},
    ROW("args", 1, 95, SCALAR, R),
};

const pst_prog_type pst_type_raw_tracepoint_writable = {
    .name = "raw_tracepoint_writable",
    .number = PST_PROG_RAW_TRACEPOINT_WRITABLE,
    .abi_size = 96,
    PST_FIELDS(g_raw_tracepoint_writable_fields),
    .ret_any = true,
    PST_HELPERS(g_tracepoint_helpers),
    .tracing = true,
};

// --- perf_event --------------------------------------------------------------------------------------------------

static const pst_ctx_field g_perf_event_fields[] = {
    REGISTERS(WHOLE),
    ROW("sample_period", 168, 8, SCALAR, R),
    ROW("addr", 176, 8, SCALAR, R),
};

static const int32_t g_perf_event_helpers[] = {4, 25, 27, 36, 45, 56, 67, 119, 174};

// Of this type it is not for GPL only.
static const pst_helper_proto g_perf_event_own[] = {
    {.id = 27,
     .name = "bpf_get_stackid",
     .ret = PST_RET_INTEGER,
     .args = {PST_ARG_CTX, PST_ARG_MAP, PST_ARG_ANYTHING},
     .map_types = (uint64_t)1 << PST_MAP_STACK_TRACE},
};

static const pst_attach_type g_perf_event_attach[] = {PST_ATTACH_ROW(PERF_EVENT, "perf_event")};

const pst_prog_type pst_type_perf_event = {
    .name = "perf_event",
    .number = PST_PROG_PERF_EVENT,
    .abi_size = 184,
    PST_FIELDS(g_perf_event_fields),
    .ret_any = true,
    PST_HELPERS(g_perf_event_helpers),
    PST_OWN_HELPERS(g_perf_event_own),
    PST_ATTACH_TYPES(g_perf_event_attach),
    .tracing = true,
};

// --- syscall -----------------------------------------------------------------------------------------------------

static const pst_ctx_field g_syscall_fields[] = {ROW("ctx", 0, 65535, SCALAR, RW | PST_FIELD_NARROW_WRITE)};

static const int32_t g_syscall_helpers[] = {4, 25, 27, 36, 45, 46, 67, 111, 121, 136, 137, 138, 139, 140, 162, 166, 167, 168, 178, 179, 188, 196};

// These take what other programs pass on, where the same helper of a network program takes the context.
static const pst_helper_proto g_syscall_own[] = {
    PST_PROTO(46, "get_socket_cookie", INTEGER, PST_ARG_SOCK_OR_NULL),
    {.id = 188, .name = "bpf_xdp_get_buff_len", .ret = PST_RET_INTEGER, .args = {PST_ARG_BTF_ID}, .btf_args = {"xdp_buff"}},
};

const pst_prog_type pst_type_syscall = {
    .name = "syscall",
    .number = PST_PROG_SYSCALL,
    .abi_size = 65535,
    PST_FIELDS(g_syscall_fields),
    .ret_any = true,
    PST_HELPERS(g_syscall_helpers),
    PST_OWN_HELPERS(g_syscall_own),
    .raw_ctx = true,
    .raw_ctx_write = true,
    .sleepable = true,
    .tracing = true,
};

// --- lirc_mode2 --------------------------------------------------------------------------------------------------

static const pst_ctx_field g_lirc_fields[] = {ROW("sample", 0, 4, SCALAR, WHOLE)};

static const int32_t g_lirc_helpers[] = {77, 78, 92};

static const pst_attach_type g_lirc_attach[] = {PST_ATTACH_ROW(LIRC_MODE2, "lirc_mode2")};

const pst_prog_type pst_type_lirc_mode2 = {
    .name = "lirc_mode2",
    .number = PST_PROG_LIRC_MODE2,
    .abi_size = 4,
    PST_FIELDS(g_lirc_fields),
    .ret_any = true,
    PST_HELPERS(g_lirc_helpers),
    PST_ATTACH_TYPES(g_lirc_attach),
};
