// catalog_test.c: the descriptions agree with themselves and with Linux's layouts, and a context access means what it says.
#include "catalog/catalog.h"

#include "catalog/contexts.h"
#include "catalog/types.h"
#include "harness.h"
#include "pal/pal.h"

TEST(helper_rows_are_dense_and_named)
{
    for (size_t i = 0; i < pst_helper_proto_count(); i++) {
        const pst_helper_proto *proto = pst_helper_proto_at(i);
        CHECK_EQ(proto->id, i + 1);
        CHECK(pst_helper_proto_by_id((int32_t)i + 1) == proto);
        CHECK(pst_helper_proto_by_name(proto->name) == proto);
        CHECK(pst_helper_proto_by_name(proto->name + 4) == proto);
    }
    CHECK_EQ(pst_helper_proto_count(), 211);
    CHECK(pst_helper_proto_by_id(0) == NULL);
    CHECK(pst_helper_proto_by_id(-1) == NULL);
    CHECK(pst_helper_proto_by_id(212) == NULL);
    CHECK(pst_helper_proto_at(211) == NULL);
    CHECK(pst_helper_proto_by_name("bpf_nothing") == NULL);
}

// Each size argument follows memory, each key and value follows a map, no argument follows a gap.
static bool proto_is_sane(const pst_helper_proto *proto)
{
    bool map = false, ended = false;
    for (unsigned i = 0; i < PST_ARGS_MAX; i++) {
        pst_arg_kind kind = proto->args[i];
        pst_arg_kind before = i ? proto->args[i - 1] : PST_ARG_NONE;
        if (kind == PST_ARG_NONE) ended = true;
        else if (ended) return false;
        if (kind == PST_ARG_MAP) map = true;
        bool memory = before == PST_ARG_MEM || before == PST_ARG_MEM_OR_NULL || before == PST_ARG_MEM_OUT ||
                      before == PST_ARG_MEM_INOUT || before == PST_ARG_MEM_OR_NULL_OUT;
        bool size = kind == PST_ARG_SIZE || kind == PST_ARG_SIZE_OR_ZERO;
        if (memory != size) return false;
        if ((kind == PST_ARG_MAP_KEY || kind == PST_ARG_MAP_VALUE || kind == PST_ARG_MAP_VALUE_OUT) && !map) return false;
    }
    if (proto->map_types && !map) return false;
    return true;
}

TEST(prototypes_are_sane)
{
    for (size_t i = 0; i < pst_helper_proto_count(); i++) {
        const pst_helper_proto *proto = pst_helper_proto_at(i);
        if (!proto_is_sane(proto)) pst_test_fail(__FILE__, __LINE__, "%s", proto->name);
    }
    // The checker sees a planted bug.
    pst_helper_proto bad = *pst_helper_proto_by_id(25);
    bad.args[4] = PST_ARG_ANYTHING;
    CHECK(!proto_is_sane(&bad));
    bad = *pst_helper_proto_by_id(1);
    bad.args[0] = PST_ARG_ANYTHING;
    CHECK(!proto_is_sane(&bad));
}

static void check_ascending(const char *name, const int32_t *ids, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        if (ids[i] <= ids[i - 1]) pst_test_fail(__FILE__, __LINE__, "%s: %d after %d", name, (int)ids[i], (int)ids[i - 1]);
    for (uint32_t i = 0; i < count; i++) CHECK(pst_helper_proto_by_id(ids[i]) != NULL);
}

TEST(types_are_consistent)
{
    check_ascending("general", pst_general_helpers, pst_general_helper_count);
    for (size_t i = 0; i < pst_prog_type_count(); i++) {
        const pst_prog_type *type = pst_prog_type_at(i);
        CHECK(pst_prog_type_by_number(type->number) == type);
        CHECK(pst_prog_type_by_name(type->name) == type);
        CHECK_STR(pst_prog_type_name(type->number), type->name);
        check_ascending(type->name, type->helpers, type->helper_count);
        for (uint32_t k = 0; k < type->field_count; k++) {
            const pst_ctx_field *field = &type->fields[k];
            CHECK(k == 0 || type->fields[k - 1].abi_off <= field->abi_off);
            CHECK(field->abi_off + field->abi_size <= type->abi_size);
            CHECK(field->kind != PST_FIELD_MEM || field->target);
            CHECK(field->kind != PST_FIELD_BTF_ID || field->btf);
            if (!pst_prog_type_hosted(type)) continue;
            CHECK(field->native_off + field->native_size <= type->native_size);
            CHECK(field->abi_off % field->abi_size == 0);
            CHECK(field->kind == PST_FIELD_SCALAR || field->native_size == sizeof(void *));
        }
        for (uint32_t k = 0; k < type->attach_type_count; k++)
            CHECK_STR(pst_attach_type_name(type->attach_types[k].number), type->attach_types[k].name);
    }
    CHECK(pst_prog_type_by_number(99) == NULL);
    CHECK(pst_prog_type_by_name("nothing") == NULL);
}

TEST(xdp_context_in_both_views)
{
    uint8_t frame[64];
    pst_xdp_ctx ctx = {.data = frame + 8, .data_end = frame + 60, .data_meta = frame + 4, .ingress_ifindex = 0x01020304, .rx_queue_index = 5};
    const pst_prog_type *type = &pst_type_xdp;
    uint64_t v = 0;
    CHECK(pst_ctx_read(type, &ctx, 0, 4, &v) && v == (uintptr_t)ctx.data);
    CHECK(pst_ctx_read(type, &ctx, 4, 4, &v) && v == (uintptr_t)ctx.data_end);
    CHECK(pst_ctx_read(type, &ctx, 8, 4, &v) && v == (uintptr_t)ctx.data_meta);
    CHECK(pst_ctx_read(type, &ctx, 12, 4, &v) && v == 0x01020304);
    CHECK(pst_ctx_read(type, &ctx, 16, 4, &v) && v == 5);
    CHECK(pst_ctx_read(type, &ctx, 0, 8, &v) && v == (uintptr_t)ctx.data);
    CHECK(pst_ctx_read(type, &ctx, 8, 8, &v) && v == (uintptr_t)ctx.data_end);
    CHECK(pst_ctx_read(type, &ctx, 16, 8, &v) && v == (uintptr_t)ctx.data_meta);
    CHECK(pst_ctx_read(type, &ctx, 24, 4, &v) && v == 0x01020304);
    // Whole fields only, as on Linux; nothing crosses a field or the end.
    CHECK(!pst_ctx_read(type, &ctx, 12, 1, &v));
    CHECK(!pst_ctx_read(type, &ctx, 14, 2, &v));
    CHECK(!pst_ctx_read(type, &ctx, 0, 2, &v));
    CHECK(!pst_ctx_read(type, &ctx, 13, 2, &v));
    CHECK(!pst_ctx_read(type, &ctx, 24, 8, &v));
    CHECK(!pst_ctx_read(type, &ctx, 28, 4, &v));
    CHECK(!pst_ctx_read(type, &ctx, UINT32_MAX, 4, &v));
    CHECK(!pst_ctx_read(type, &ctx, 12, 3, &v));
    CHECK(!pst_ctx_read(type, &ctx, 12, 0, &v));
    CHECK(!pst_ctx_write(type, &ctx, 12, 4, 1));
    pst_packet_range range = pst_ctx_packet(type, &ctx);
    CHECK(range.meta == frame + 4 && range.start == frame + 8 && range.end == frame + 60);
}

TEST(skb_scratch_and_writes)
{
    pst_skb_ctx ctx = {.mark = 7};
    const pst_prog_type *cls = &pst_type_sched_cls, *filter = &pst_type_socket_filter;
    uint64_t v = 0;
    CHECK(pst_ctx_write(cls, &ctx, 48, 8, 0x1122334455667788u) && ctx.cb[0] == 0x55667788 && ctx.cb[1] == 0x11223344);
    CHECK(pst_ctx_read(cls, &ctx, 48, 8, &v) && v == 0x1122334455667788u);
    CHECK(!pst_ctx_write(cls, &ctx, 52, 8, 0)); // not aligned
    CHECK(!pst_ctx_write(cls, &ctx, 64, 8, 0)); // cb[4] has no successor
    CHECK(pst_ctx_write(cls, &ctx, 50, 1, 0xaabb) && ctx.cb[0] == 0x55bb7788);
    CHECK(pst_ctx_write(cls, &ctx, 8, 4, 0xffffffff12345678u) && ctx.mark == 0x12345678);
    CHECK(!pst_ctx_write(cls, &ctx, 8, 2, 1));     // mark is written whole
    CHECK(!pst_ctx_write(filter, &ctx, 8, 4, 1));  // and by tc only
    CHECK(pst_ctx_write(cls, &ctx, 152, 8, 99) && ctx.tstamp == 99);
    CHECK(!pst_ctx_read(filter, &ctx, 76, 4, &v)); // a filter has no packet pointers
    CHECK(!pst_ctx_read(cls, &ctx, 92, 4, &v));    // remote_ip4 belongs to sk_skb
}

TEST(sample_context_has_gaps)
{
    pst_sample_ctx ctx = {.u64_rw = 1, .u16_rw = 0x1234, .opaque = 0xdeadbeefcafef00du};
    const pst_prog_type *type = &pst_type_sample;
    uint64_t v = 0;
    CHECK(pst_ctx_read(type, &ctx, 36, 2, &v) && v == 0x1234);
    CHECK(!pst_ctx_read(type, &ctx, 39, 1, &v));
    CHECK(!pst_ctx_read(type, &ctx, 44, 4, &v));
    CHECK(!pst_ctx_read(type, &ctx, 40, 8, &v));
    CHECK(!pst_ctx_write(type, &ctx, 40, 4, 1));
    CHECK(pst_ctx_write(type, &ctx, 28, 4, 5) && ctx.u64_rw == 0x500000001u);
    CHECK(pst_ctx_read(type, &ctx, 56, 8, &v) && v == 0xdeadbeefcafef00du);
    CHECK(!pst_ctx_read(type, &ctx, 56, 4, &v));
}

TEST(sections)
{
    const pst_section_type *row = pst_section_type_find("xdp");
    REQUIRE(row);
    CHECK(row->prog_type == PST_PROG_XDP && row->attach_type == PST_ATTACH_XDP && !row->sleepable);
    CHECK(pst_section_type_find("xdp_prog") == NULL);
    CHECK(pst_section_type_find("") == NULL);
    row = pst_section_type_find("kprobe/sys_open");
    CHECK(row && row->prog_type == PST_PROG_KPROBE && row->attach_type == PST_ATTACH_NONE);
    row = pst_section_type_find("kprobe.multi/x*");
    CHECK(row && row->attach_type == PST_ATTACH_TRACE_KPROBE_MULTI);
    row = pst_section_type_find("fentry.s/f");
    CHECK(row && row->sleepable);
    row = pst_section_type_find("cgroup/connect4");
    CHECK(row && row->prog_type == PST_PROG_CGROUP_SOCK_ADDR && row->attach_type == PST_ATTACH_CGROUP_INET4_CONNECT && !row->windows);
    row = pst_section_type_find("bind");
    CHECK(row && row->prog_type == PST_PROG_BIND && row->windows);
    for (size_t i = 0; i < pst_section_type_count(); i++) {
        const pst_section_type *at = pst_section_type_at(i);
        CHECK(pst_section_type_find(at->prefix) == at); // no row hides another
        if (at->attach_type != PST_ATTACH_NONE) CHECK(pst_attach_type_name(at->attach_type)[0] != '\0');
        CHECK(pst_prog_type_name(at->prog_type)[0] != '\0');
    }
}

TEST(names)
{
    uint32_t n = 0;
    CHECK_STR(pst_map_type_name(27), "ringbuf");
    CHECK(pst_map_type_by_name("lpm_trie", &n) && n == 11);
    CHECK(!pst_map_type_by_name("nothing", &n));
    CHECK_STR(pst_map_type_name(1000), "");
    CHECK(pst_prog_type_number_by_name("sched_cls", &n) && n == 3);
    CHECK(pst_attach_type_number_by_name("xdp", &n) && n == 37);
}

TEST(info_hash_sees_every_change)
{
    static const int32_t ids[] = {1, 5, 44};
    uint8_t a[PST_INFO_HASH_SIZE], b[PST_INFO_HASH_SIZE];
    pst_status status = pst_prog_info_hash(pst_pal_env(), &pst_type_xdp, ids, 3, a);
    if (status == PST_E_UNSUPPORTED) {
        pst_test_skip("built without a crypto library");
        return;
    }
    CHECK(status == PST_OK);
    CHECK(pst_prog_info_hash(pst_pal_env(), &pst_type_xdp, ids, 3, b) == PST_OK && memcmp(a, b, sizeof a) == 0);
    CHECK(pst_prog_info_hash(pst_pal_env(), &pst_type_xdp, ids, 2, b) == PST_OK && memcmp(a, b, sizeof a) != 0);
    pst_prog_type changed = pst_type_xdp;
    pst_ctx_field fields[16];
    REQUIRE(changed.field_count <= PST_COUNT(fields));
    memcpy(fields, changed.fields, changed.field_count * sizeof *fields);
    fields[2].native_off ^= 8;
    changed.fields = fields;
    CHECK(pst_prog_info_hash(pst_pal_env(), &changed, ids, 3, b) == PST_OK && memcmp(a, b, sizeof a) != 0);
    changed = pst_type_xdp;
    changed.ret_any = false;
    CHECK(pst_prog_info_hash(pst_pal_env(), &changed, ids, 3, b) == PST_OK && memcmp(a, b, sizeof a) != 0);
}

// Prints what it was told, so that the sentence can be checked.
static char g_said[256];
static void hear(void *user, pst_log_level level, const char *text)
{
    (void)user;
    (void)level;
    snprintf(g_said, sizeof g_said, "%s", text);
}

TEST(info_hash_refuses_wrong_ids)
{
    pst_env env = *pst_pal_env();
    uint8_t out[PST_INFO_HASH_SIZE];
    env.log = hear;
    static const int32_t foreign[] = {9};
    CHECK(pst_prog_info_hash(&env, &pst_type_xdp, foreign, 1, out) == PST_E_NOTFOUND);
    CHECK_STR(g_said, "programs of type xdp have no helper 9");
    static const int32_t unordered[] = {5, 1};
    CHECK(pst_prog_info_hash(&env, &pst_type_xdp, unordered, 2, out) == PST_E_INVALID);
}
