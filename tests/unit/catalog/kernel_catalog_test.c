// kernel_catalog_test.c: the descriptions against the host kernel's verifier: each access to a context, each helper, each return value.
//
// What may differ is listed with reasons.
#include "kernel_probe.h"

#ifdef __linux__

// --- Contexts ----------------------------------------------------------------------------------------------------

// Fields of eBPF for Windows, which the kernel does not have.
static bool windows_only(const pst_prog_type *type, uint32_t off, uint32_t size)
{
    switch (type->number) {
    case PST_PROG_XDP: return size == 8 || off >= 24;
    case PST_PROG_CGROUP_SOCK_ADDR: return off >= 72;
    case PST_PROG_SOCK_OPS: return off >= 224;
    default: return false;
    }
}

static bool access_agrees(const pst_prog_type *type, uint32_t attach_type, uint32_t off, uint32_t size, bool write)
{
    static const unsigned sizes[] = {[1] = 0x10, [2] = 0x08, [4] = 0x00, [8] = 0x18};
    uint64_t load = probe_insn(0x61 | sizes[size], 0, 1, (int)off, 0), store = probe_insn(0x62 | sizes[size], 1, 0, (int)off, 0);
    uint64_t insns[] = {write ? store : load, PROBE_RETURN(probe_result(type, attach_type))};
    bool ours = pst_ctx_access(type, attach_type, off, size, write) != NULL;
    return ours == probe_accepts(type, attach_type, insns, 3);
}

static void check_access(const pst_prog_type *type, uint32_t attach_type, uint32_t off, uint32_t size, bool write)
{
    if (windows_only(type, off, size) || access_agrees(type, attach_type, off, size, write)) return;
    pst_test_fail(__FILE__, __LINE__, "%s, attach type %u: %s of %u bytes at %u: the catalog differs", type->name, attach_type,
                  write ? "store" : "load", size, off);
}

static unsigned g_pairs; // of program type and attach type that were compared

static void check_context(const pst_prog_type *type, uint32_t attach_type)
{
    g_pairs++;
    uint32_t end = type->abi_size < 256 ? type->abi_size + 8 : 256;
    for (uint32_t off = 0; off < end; off++)
        for (uint32_t size = 1; size <= 8; size *= 2) {
            check_access(type, attach_type, off, size, false);
            check_access(type, attach_type, off, size, true);
        }
}

TEST(kernel_allows_the_same_accesses_to_contexts)
{
    if (!probe_kernel_is_ours()) return;
    probe_each(check_context);
    CHECK(g_pairs > 40);
    // The comparison sees a planted bug: mark may be written and read in parts, which this row denies.
    pst_ctx_field planted = {.name = "mark", .abi_off = 8, .abi_size = 4, .kind = PST_FIELD_SCALAR, .flags = PST_FIELD_READ | PST_FIELD_EXACT};
    pst_prog_type type = *pst_prog_type_by_number(PST_PROG_SCHED_CLS);
    type.fields = &planted;
    type.field_count = 1;
    CHECK(access_agrees(&type, 0, 8, 4, false));
    CHECK(!access_agrees(&type, 0, 8, 4, true));
    CHECK(!access_agrees(&type, 0, 8, 2, false));
}

// --- Sockets and flow keys ---------------------------------------------------------------------------------------

// Loads from what r6 points to, behind a prologue that fetches it.
static void check_struct(const pst_struct_desc *desc, uint32_t prog_type, const uint64_t *prologue, uint32_t count)
{
    static const unsigned sizes[] = {[1] = 0x10, [2] = 0x08, [4] = 0x00, [8] = 0x18};
    const pst_prog_type *type = pst_prog_type_by_number(prog_type);
    uint64_t insns[16];
    memcpy(insns, prologue, count * sizeof *insns);
    for (uint32_t i = 0; i < desc->size * 8; i++) {
        uint32_t off = i / 8, size = 1u << (i / 2 % 4);
        bool write = i % 2;
        uint64_t access[] = {write ? probe_insn(0x62 | sizes[size], 6, 0, (int)off, 0) : probe_insn(0x61 | sizes[size], 0, 6, (int)off, 0), PROBE_RETURN(0)};
        memcpy(insns + count, access, sizeof access);
        bool ours = pst_struct_field_at(desc, off, size, write) != NULL;
        if (ours == probe_accepts(type, type->attach_type_count ? type->attach_types[0].number : 0, insns, count + 3)) continue;
        pst_test_fail(__FILE__, __LINE__, "%s: %s of %u bytes at %u: the catalog says %s", desc->name, write ? "store" : "load", size, off,
                      ours ? "yes" : "no");
    }
}

#define NULL_CHECK(reg) probe_insn(0x55, reg, 0, 2, 0), PROBE_RETURN(0)
#define FETCH_SK probe_insn(0x79, 6, 1, 168, 0), NULL_CHECK(6)
#define CONVERT(id) probe_insn(0xbf, 1, 6, 0, 0), probe_insn(0x85, 0, 0, 0, id), NULL_CHECK(0), probe_insn(0xbf, 6, 0, 0, 0)

TEST(kernel_allows_the_same_accesses_to_structs)
{
    if (!probe_kernel_is_ours()) return;
    const uint64_t common[] = {FETCH_SK}, full[] = {FETCH_SK, CONVERT(95)}, tcp[] = {FETCH_SK, CONVERT(96)}, keys[] = {probe_insn(0x79, 6, 1, 144, 0)};
    check_struct(&pst_struct_sock_common, PST_PROG_SCHED_CLS, common, PST_COUNT(common));
    check_struct(&pst_struct_sock, PST_PROG_SCHED_CLS, full, PST_COUNT(full));
    check_struct(&pst_struct_tcp_sock, PST_PROG_SCHED_CLS, tcp, PST_COUNT(tcp));
    check_struct(&pst_struct_flow_keys, PST_PROG_FLOW_DISSECTOR, keys, PST_COUNT(keys));
}

// --- Helpers -----------------------------------------------------------------------------------------------------

// Known differences: what a kernel has by its configuration, and what this one refuses at the call rather than in its table.
static bool depends_on_kernel(const pst_prog_type *type, int32_t id)
{
    if (id == 36) return type->tracing;                  // probe_write_user: not when the kernel is locked down
    return id == 58 && type->number == PST_PROG_KPROBE;  // override_return: a kernel with error injection
}

static void check_helpers(const pst_prog_type *type, uint32_t attach_type)
{
    for (int32_t id = 1; id <= (int32_t)pst_helper_proto_count(); id++) {
        uint64_t insns[] = {probe_insn(0x85, 0, 0, 0, id), PROBE_RETURN(probe_result(type, attach_type))};
        bool theirs = probe_accepts(type, attach_type, insns, 3) || !(strstr(probe_log, "cannot use helper") || strstr(probe_log, "not supported for program") ||
                                                                strstr(probe_log, "not allowed in probe"));
        bool ours = pst_prog_type_helper_at(type, attach_type, id) != NULL;
        if (ours == theirs || depends_on_kernel(type, id)) continue;
        pst_test_fail(__FILE__, __LINE__, "%s, attach type %u: %s: the catalog says %s, the kernel: %s", type->name, attach_type,
                      pst_helper_proto_by_id(id)->name, ours ? "yes" : "no", probe_log);
    }
}

TEST(kernel_allows_the_same_helpers)
{
    if (probe_kernel_is_ours()) probe_each(check_helpers);
}

// --- Results and flags -------------------------------------------------------------------------------------------

static void check_returns(const pst_prog_type *type, uint32_t attach_type)
{
    static const int32_t values[] = {INT32_MIN, -1000, -2, -1, 0, 1, 2, 3, 4, 5, 7, 100, INT32_MAX};
    bool any;
    int64_t lo, hi;
    pst_ret_range(type, attach_type, &any, &lo, &hi);
    for (size_t i = 0; i < PST_COUNT(values); i++) {
        uint64_t insns[] = {PROBE_RETURN(values[i])};
        bool ours = any || (values[i] >= lo && values[i] <= hi);
        if (ours == probe_accepts(type, attach_type, insns, 2)) continue;
        pst_test_fail(__FILE__, __LINE__, "%s, attach type %u: the catalog says %s to a result of %d", type->name, attach_type, ours ? "yes" : "no",
                      (int)values[i]);
    }
}

TEST(kernel_allows_the_same_results)
{
    if (probe_kernel_is_ours()) probe_each(check_returns);
}

// A packet's pointers are fetched as the descriptor says, compared, and the first byte is written.
static void check_packet_and_legacy(const pst_prog_type *type, uint32_t attach_type)
{
    int result = probe_result(type, attach_type);
    uint64_t legacy[] = {probe_insn(0xbf, 6, 1, 0, 0), probe_insn(0x20, 0, 0, 0, 0), PROBE_RETURN(result)};
    bool theirs = probe_accepts(type, attach_type, legacy, PST_COUNT(legacy));
    if (theirs != type->legacy_loads) pst_test_fail(__FILE__, __LINE__, "%s: legacy_loads", type->name);
    const pst_ctx_field *start = NULL, *end = NULL;
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (type->fields[i].kind == PST_FIELD_PACKET_START && !start) start = &type->fields[i];
        if (type->fields[i].kind == PST_FIELD_PACKET_END && !end) end = &type->fields[i];
    }
    if (!start || !end) return;
    unsigned op = start->abi_size == 8 ? 0x79 : 0x61;
    uint64_t store[] = {probe_insn(op, 2, 1, start->abi_off, 0), probe_insn(op, 3, 1, end->abi_off, 0), probe_insn(0xbf, 4, 2, 0, 0), probe_insn(0x07, 4, 0, 0, 1),
                        probe_insn(0x2d, 4, 3, 1, 0),            probe_insn(0x72, 2, 0, 0, 0),          PROBE_RETURN(result)};
    theirs = probe_accepts(type, attach_type, store, PST_COUNT(store));
    if (theirs != type->packet_writable) pst_test_fail(__FILE__, __LINE__, "%s: packet_writable: %s", type->name, probe_log);
}

TEST(kernel_allows_the_same_packet_writes_and_legacy_loads)
{
    if (probe_kernel_is_ours()) probe_each(check_packet_and_legacy);
}

#endif
