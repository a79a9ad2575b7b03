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

static uint64_t attach_bits(const pst_prog_type *type)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < type->attach_type_count; i++)
        if (type->attach_types[i].number < 64) bits |= (uint64_t)1 << type->attach_types[i].number;
    return bits;
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
            CHECK((field->attach_mask & ~attach_bits(type)) == 0 && (field->write_mask & ~attach_bits(type)) == 0);
            CHECK(field->write_mask == 0 || field->flags & PST_FIELD_WRITE);
            CHECK(!(field->flags & PST_FIELD_NARROW_WRITE) || field->flags & PST_FIELD_WRITE);
            CHECK(field->kind != PST_FIELD_BTF_ID || field->btf);
            if (!pst_prog_type_hosted(type)) continue;
            CHECK(field->native_off + field->native_size <= type->native_size);
            CHECK(field->abi_off % field->abi_size == 0);
            CHECK(field->kind == PST_FIELD_SCALAR || field->native_size == sizeof(void *));
        }
        for (uint32_t k = 0; k < type->own_helper_count; k++) CHECK(pst_prog_type_helper(type, type->own_helpers[k].id) == &type->own_helpers[k]);
        for (uint32_t k = 0; k < type->helper_limit_count; k++) {
            CHECK(pst_prog_type_helper(type, type->helper_limits[k].id) != NULL);
            CHECK((type->helper_limits[k].attach_mask & ~attach_bits(type)) == 0);
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

static bool is_size(pst_arg_kind kind)
{
    return kind == PST_ARG_SIZE || kind == PST_ARG_SIZE_OR_ZERO || kind == PST_ARG_SIZE_CONST;
}

static bool is_sized_memory(pst_arg_kind kind)
{
    return kind == PST_ARG_MEM || kind == PST_ARG_MEM_OR_NULL || kind == PST_ARG_MEM_OUT || kind == PST_ARG_MEM_OR_NULL_OUT ||
           kind == PST_ARG_MEM_INOUT || kind == PST_ARG_MEM_OPT;
}

static bool names_a_type(pst_arg_kind kind)
{
    return kind == PST_ARG_BTF_ID || kind == PST_ARG_BTF_ID_OR_NULL;
}

// Memory and its size come in pairs, a typed pointer names its type, nothing else does, an iterator has a size.
static bool kfunc_is_sane(const pst_helper_proto *proto)
{
    bool iterates = false;
    for (unsigned i = 0; i < PST_ARGS_MAX; i++) {
        pst_arg_kind kind = proto->args[i], before = i ? proto->args[i - 1] : PST_ARG_NONE;
        if (is_sized_memory(before) != is_size(kind)) return false;
        if ((names_a_type(kind) || kind == PST_ARG_MEM_FIXED) != (proto->btf_args[i] != NULL)) return false;
        if ((kind == PST_ARG_MEM_FIXED) != (pst_proto_fixed_size(proto, i) != 0)) return false;
        iterates |= kind == PST_ARG_ITER || kind == PST_ARG_ITER_NEW;
    }
    bool yields_type = proto->ret == PST_RET_BTF_ID || proto->ret == PST_RET_BTF_ID_OR_NULL;
    if (proto->ret == PST_RET_ITER_ELEMENT) return iterates && (proto->ret_size != 0) != (proto->btf_ret != NULL);
    return yields_type == (proto->btf_ret != NULL) && iterates == (proto->iter != NULL && proto->iter_size != 0);
}

TEST(kfuncs_are_sane)
{
    CHECK(pst_kfunc_proto_count() > 150);
    for (size_t i = 0; i < pst_kfunc_proto_count(); i++) {
        const pst_helper_proto *proto = pst_kfunc_proto_at(i);
        CHECK(pst_kfunc_proto_by_name(proto->name) == proto); // no name twice
        if (!kfunc_is_sane(proto)) pst_test_fail(__FILE__, __LINE__, "%s", proto->name);
    }
    CHECK(pst_kfunc_proto_at(pst_kfunc_proto_count()) == NULL);
    CHECK(pst_kfunc_proto_by_name("bpf_nothing") == NULL);
    pst_helper_proto bad = *pst_kfunc_proto_by_name("bpf_task_acquire");
    bad.btf_args[0] = NULL;
    CHECK(!kfunc_is_sane(&bad));
    bad = *pst_kfunc_proto_by_name("bpf_iter_num_new");
    bad.iter_size = 0;
    CHECK(!kfunc_is_sane(&bad));
    CHECK(pst_prog_type_kfunc(&pst_type_xdp, "bpf_xdp_ct_lookup") != NULL);
    CHECK(pst_prog_type_kfunc(&pst_type_socket_filter, "bpf_xdp_ct_lookup") == NULL);
    CHECK(pst_prog_type_kfunc(&pst_type_socket_filter, "bpf_iter_num_next") != NULL);
    CHECK(pst_prog_type_kfunc(&pst_type_bind, "bpf_task_acquire") == NULL);
    CHECK_EQ(pst_proto_fixed_size(pst_kfunc_proto_by_name("bpf_ct_set_nat_info"), 1), 16);
}

TEST(hosted_and_described_types)
{
    CHECK(pst_prog_type_hosted(&pst_type_xdp) && pst_prog_type_hosted(&pst_type_sample));
    CHECK(!pst_prog_type_hosted(&pst_type_sk_msg) && !pst_prog_type_hosted(&pst_type_sched_act) && !pst_prog_type_hosted(NULL));
    CHECK(pst_prog_type_by_number(PST_PROG_TRACING) == NULL); // its context is its target's
}

TEST(rules_by_attach_type)
{
    bool any = true;
    int64_t lo = 9, hi = 9;
    pst_ret_range(&pst_type_cgroup_skb, PST_ATTACH_CGROUP_INET_EGRESS, &any, &lo, &hi);
    CHECK(!any && lo == 0 && hi == 3);
    pst_ret_range(&pst_type_cgroup_skb, PST_ATTACH_CGROUP_INET_INGRESS, &any, &lo, &hi);
    CHECK(!any && lo == 0 && hi == 1);
    pst_ret_range(&pst_type_xdp, PST_ATTACH_XDP, &any, &lo, &hi);
    CHECK(any);
    const pst_prog_type *addr = &pst_type_cgroup_sock_addr;
    CHECK(pst_ctx_access(addr, PST_ATTACH_CGROUP_INET6_BIND, 8, 8, true) != NULL);
    CHECK(pst_ctx_access(addr, PST_ATTACH_CGROUP_INET4_BIND, 8, 8, true) == NULL);
    CHECK(pst_ctx_access(addr, PST_ATTACH_WINDOWS_LISTEN6, 8, 4, false) != NULL); // not one of Linux's: everything
    CHECK(pst_prog_type_helper_at(addr, PST_ATTACH_CGROUP_INET4_CONNECT, 64) != NULL);
    CHECK(pst_prog_type_helper_at(addr, PST_ATTACH_CGROUP_INET4_BIND, 64) == NULL);
    CHECK(pst_prog_type_helper(addr, 64) != NULL);
    CHECK(pst_prog_type_helper(&pst_type_sched_cls, 17)->args[0] == PST_ARG_CTX);
    CHECK(pst_prog_type_helper(&pst_type_xdp, 17)->args[0] == PST_ARG_NONE);
}

TEST(structs_are_read_by_field)
{
    CHECK(pst_struct_field_at(&pst_struct_sock, 8, 4, false) != NULL);
    CHECK(pst_struct_field_at(&pst_struct_sock_common, 8, 4, false) == NULL);
    CHECK(pst_struct_field_at(&pst_struct_sock, 8, 4, true) == NULL);
    CHECK(pst_struct_field_at(&pst_struct_tcp_sock, 80, 8, false) != NULL);
    CHECK(pst_struct_field_at(&pst_struct_tcp_sock, 112, 4, false) == NULL);
    CHECK(pst_struct_field_at(&pst_struct_flow_keys, 49, 4, true) != NULL); // bytes, unaligned
    CHECK(pst_struct_field_at(&pst_struct_flow_keys, 53, 4, true) == NULL);
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
    memcpy(fields, pst_type_xdp.fields, changed.field_count * sizeof *fields);
    fields[2].attach_mask = 2;
    CHECK(pst_prog_info_hash(pst_pal_env(), &changed, ids, 3, b) == PST_OK && memcmp(a, b, sizeof a) != 0);
    changed = pst_type_xdp;
    changed.sleepable = true;
    CHECK(pst_prog_info_hash(pst_pal_env(), &changed, ids, 3, b) == PST_OK && memcmp(a, b, sizeof a) != 0);
    pst_attach_type attach[] = {pst_type_xdp.attach_types[1], pst_type_xdp.attach_types[2], pst_type_xdp.attach_types[0]};
    changed = pst_type_xdp;
    changed.attach_types = attach; // another order is the same description
    CHECK(pst_prog_info_hash(pst_pal_env(), &changed, ids, 3, b) == PST_OK && memcmp(a, b, sizeof a) == 0);
    attach[0].has_ret = true;
    CHECK(pst_prog_info_hash(pst_pal_env(), &changed, ids, 3, b) == PST_OK && memcmp(a, b, sizeof a) != 0);
    static const char *const kfuncs[] = {"bpf_iter_num_destroy", "bpf_iter_num_new"};
    CHECK(pst_prog_info_hash_with(pst_pal_env(), &pst_type_xdp, ids, 3, kfuncs, 2, b) == PST_OK && memcmp(a, b, sizeof a) != 0);
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
    static const char *const backwards[] = {"bpf_iter_num_new", "bpf_iter_num_destroy"};
    CHECK(pst_prog_info_hash_with(&env, &pst_type_xdp, NULL, 0, backwards, 2, out) == PST_E_INVALID);
    static const char *const none[] = {"bpf_iter_nothing_new"};
    CHECK(pst_prog_info_hash_with(&env, &pst_type_xdp, NULL, 0, none, 1, out) == PST_E_NOTFOUND);
    CHECK_STR(g_said, "programs of type xdp have no kfunc bpf_iter_nothing_new");
}
