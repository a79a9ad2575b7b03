// types_sample.c: sample, a test type with every kind of field, and helpers of its own. The ABI layout is sample_md in
// include/bpf/bpf_sample.h: tests of verifier, engines and test run use it instead of a type whose details may move.
#include "catalog/contexts.h"
#include "catalog/types.h"

#define R PST_FIELD_READ
#define RW (PST_FIELD_READ | PST_FIELD_WRITE)
#define ROW(text, off, size, member, field_kind, access) PST_FIELD_ROW(pst_sample_ctx, text, off, size, member, field_kind, access)

static const pst_ctx_field g_fields[] = {
    ROW("data", 0, 8, data, PACKET_START, R),
    ROW("data_end", 8, 8, data_end, PACKET_END, R),
    ROW("data_meta", 16, 8, data_meta, PACKET_META, R),
    ROW("u64_rw", 24, 8, u64_rw, SCALAR, RW | PST_FIELD_NARROW_WRITE),
    ROW("u32_rw", 32, 4, u32_rw, SCALAR, RW),
    ROW("u16_rw", 36, 2, u16_rw, SCALAR, RW),
    ROW("u8_rw", 38, 1, u8_rw, SCALAR, RW),
    // Byte 39 is a gap: no access.
    ROW("u32_ro", 40, 4, u32_ro, SCALAR, R),
    // Bytes 44 to 47 are a gap.
    ROW("u64_ro", 48, 8, u64_ro, SCALAR, R),
    ROW("opaque", 56, 8, opaque, POINTER, R),
};

// Helpers of the type itself, with ids above 0xffff.
static const pst_helper_proto g_own_helpers[] = {
    {.id = 0x10001, .name = "sample_sum", .ret = PST_RET_INTEGER, .args = {PST_ARG_CTX, PST_ARG_MEM, PST_ARG_SIZE}},
    {.id = 0x10002, .name = "sample_fill", .ret = PST_RET_INTEGER, .args = {PST_ARG_MEM_OUT, PST_ARG_SIZE, PST_ARG_ANYTHING}},
};

static const int32_t g_helpers[] = {25};

static const pst_attach_type g_attach[] = {
    {.number = PST_ATTACH_SAMPLE, .name = "sample", .guid = {0xf788ef4b, 0x207d, 0x4dc3, {0x85, 0xcf, 0x0f, 0x2e, 0xa1, 0x07, 0x21, 0x3c}}},
};

const pst_prog_type pst_type_sample = {
    .name = "sample",
    .number = PST_PROG_SAMPLE,
    .guid = {0xf788ef4a, 0x207d, 0x4dc3, {0x85, 0xcf, 0x0f, 0x2e, 0xa1, 0x07, 0x21, 0x3c}},
    .abi_size = 64,
    .native_size = sizeof(pst_sample_ctx),
    .fields = g_fields,
    .field_count = PST_COUNT(g_fields),
    .ret_lo = -1,
    .ret_hi = 255,
    .helpers = g_helpers,
    .helper_count = PST_COUNT(g_helpers),
    .own_helpers = g_own_helpers,
    .own_helper_count = PST_COUNT(g_own_helpers),
    .attach_types = g_attach,
    .attach_type_count = PST_COUNT(g_attach),
    .packet_writable = true,
};
