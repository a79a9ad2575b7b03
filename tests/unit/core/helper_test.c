// helper_test.c: what helpers do, called from programs where that is short, directly where it is not.
#include "core_fixture.h"

#include "base/bits.h"
#include "core/builtin.h"
#include "core/helper/helpers.h"

static char g_out[256];

static int64_t format(const char *fmt, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t args[3] = {a, b, c};
    pst_run run = {0};
    memset(g_out, '#', sizeof g_out);
    return helper_format(&run, g_out, sizeof g_out, fmt, (uint32_t)strlen(fmt) + 1, args, 3);
}

#define FORMATS(want, fmt, a, b, c)                          \
    do {                                                     \
        CHECK_EQ(format(fmt, a, b, c), strlen(want));        \
        CHECK_STR(g_out, want);                              \
    } while (0)

TEST(formats_are_linuxs)
{
    FORMATS("plain\ttext", "plain\ttext", 0, 0, 0);
    FORMATS("-1 4294967295 ff", "%d %u %x", UINT64_MAX, UINT64_MAX, 0xff);
    FORMATS("-1 18446744073709551615 FF", "%lld %llu %lX", UINT64_MAX, UINT64_MAX, 0xff);
    FORMATS("   5|5   |0005", "%4d|%-4d|%04d", 5, 5, 5);
    FORMATS("+5 0x1f a%", "%+d %#x %c%%", 5, 31, 'a');
    FORMATS("000000000000beef", "%px", 0xbeef, 0, 0);
    FORMATS("0000000000000000.", "%p.", 0xbeef, 0, 0); // addresses are hidden
    FORMATS("", "", 0, 0, 0);
    CHECK_EQ(format("%d %d %d %d", 1, 2, 3), -PST_EINVAL); // one too many
    CHECK_EQ(format("%f", 1, 2, 3), -PST_EINVAL);
    CHECK_EQ(format("%n", 1, 2, 3), -PST_EINVAL);
    CHECK_EQ(format("%", 1, 2, 3), -PST_EINVAL);
    CHECK_EQ(format("%lll", 1, 2, 3), -PST_EINVAL);
    CHECK_EQ(format("%hd", 1, 2, 3), -PST_EINVAL);
    CHECK_EQ(format("%pq", 1, 2, 3), -PST_EINVAL);
    CHECK_EQ(format("%pi5", 1, 2, 3), -PST_EINVAL);
    CHECK_EQ(format("%999d", 1, 2, 3), -PST_EINVAL);
    CHECK_EQ(format("\x80", 1, 2, 3), -PST_EINVAL);
    CHECK_EQ(format("\x01", 1, 2, 3), -PST_EINVAL);
    pst_run run = {0};
    CHECK_EQ(helper_format(&run, g_out, sizeof g_out, "abc", 3, NULL, 0), -PST_EINVAL); // no NUL
    CHECK_EQ(helper_format(&run, g_out, 3, "abcdef", 7, NULL, 0), 6);
    CHECK_STR(g_out, "ab");
    CHECK_EQ(helper_format(&run, NULL, 0, "abcdef", 7, NULL, 0), 6);
}

static bool everything(const pst_run *run, uint64_t address, uint64_t size)
{
    return true;
}

TEST(strings_and_addresses_are_followed_where_the_program_may)
{
    static const uint8_t ip4[4] = {10, 0, 0, 7}, ip6[16] = {0x20, 1, 0xd, 0xb8, [15] = 9};
    pst_run run = {.can_read = everything};
    uint64_t args[3] = {PTR("text"), PTR(ip4), PTR(ip6)};
    CHECK_EQ(helper_format(&run, g_out, sizeof g_out, "%s %pI4 %pI6", 13, args, 3), 53);
    CHECK_STR(g_out, "text 10.0.0.7 2001:0db8:0000:0000:0000:0000:0000:0009");
    CHECK_EQ(helper_format(&run, g_out, sizeof g_out, "%6s|%pi4", 9, args, 3), 22);
    CHECK_STR(g_out, "  text|010.000.000.007");
    run.can_read = NULL; // no engine says so: nothing is followed
    CHECK_EQ(helper_format(&run, g_out, sizeof g_out, "[%s]", 5, args, 3), 2);
    CHECK_STR(g_out, "[]");
    args[0] = 1;
    CHECK_EQ(helper_format(&run, g_out, sizeof g_out, "[%pks]", 7, args, 3), 2);
}

// Without an engine that knows more: the program's own global data, each byte of it and none behind.
TEST(global_data_is_followed_in_any_case)
{
    static uint8_t values[16] = "0123456789abcde";
    pst_map_view view = {.type = PST_MAP_ARRAY, .values = values, .value_stride = 8, .max_entries = 2};
    pst_map_view *maps[] = {&view};
    pst_image image = {.maps = maps, .map_count = 1};
    pst_exec exec = {.image = &image};
    pst_run run = {.prog = &exec};
    uint64_t args[1] = {PTR(values + 10)};
    CHECK_EQ(helper_format(&run, g_out, sizeof g_out, "[%s]", 5, args, 1), 7);
    CHECK_STR(g_out, "[abcde]");
    values[15] = 'f'; // no end inside: nothing behind is read
    CHECK_EQ(helper_format(&run, g_out, sizeof g_out, "[%s]", 5, args, 1), 8);
    CHECK_STR(g_out, "[abcdef]");
    args[0] = PTR(values + 16);
    CHECK_EQ(helper_format(&run, g_out, sizeof g_out, "[%s]", 5, args, 1), 2);
    args[0] = PTR(values + 13); // four bytes reach over the end
    CHECK_EQ(helper_format(&run, g_out, sizeof g_out, "[%pI4]", 7, args, 1), helper_format(&(pst_run){0}, g_out, sizeof g_out, "[%pI4]", 7, args, 1));
}

TEST(programs_print)
{
    core_fixture f;
    uint32_t retval;
    fixture_open(&f);
    // "n=%d %s\n" on the stack, with a string on the stack.
    int64_t prog = prog_load_text(&f, PST_PROG_SAMPLE,
                                  "r1 = 0x73252064253d6e ll\n*(u64 *)(r10 - 16) = r1\n*(u64 *)(r10 - 8) = 0x0a\nr1 = 0x6968\n*(u64 *)(r10 - 24) = r1\n"
                                  "r1 = r10\nr1 += -16\nr2 = 8\nr3 = 5\nr4 = r10\nr4 += -24\nr5 = 0\ncall 6\nr0 &= 127\nexit");
    CHECK_EQ(prog_run_sample(&f, prog, &retval), 0);
    CHECK_EQ(retval, 6);
    CHECK_STR(f.trace, "n=5 hi\n");
    fixture_close(&f);
}

// --- Numbers --------------------------------------------------------------------------------------------------

static int64_t call_number(int32_t id, const char *text, uint64_t base, uint64_t *out)
{
    for (uint32_t i = 0; i < helper_text_table.count; i++)
        if (helper_text_table.rows[i].id == id)
            return (int64_t)helper_text_table.rows[i].fn(PTR(text), strlen(text), base, PTR(out), 0, NULL);
    return -1;
}

TEST(numbers_are_read_like_linux_does)
{
    uint64_t n = 0;
    CHECK_EQ(call_number(105, "  -42x", 0, &n), 5);
    CHECK_EQ(n, (uint64_t)-42);
    CHECK_EQ(call_number(105, "0x7f", 0, &n), 4);
    CHECK_EQ(n, 0x7f);
    CHECK_EQ(call_number(105, "0x7f", 16, &n), 4);
    CHECK_EQ(call_number(105, "017", 0, &n), 3);
    CHECK_EQ(n, 15);
    CHECK_EQ(call_number(105, "-9223372036854775808", 10, &n), 20);
    CHECK_EQ(n, (uint64_t)INT64_MIN);
    CHECK_EQ(call_number(105, "9223372036854775808", 10, &n), -PST_ERANGE);
    CHECK_EQ(call_number(106, "18446744073709551615", 10, &n), 20);
    CHECK_EQ(n, UINT64_MAX);
    CHECK_EQ(call_number(106, "18446744073709551616", 10, &n), -PST_ERANGE);
    CHECK_EQ(call_number(106, "-1", 10, &n), -PST_EINVAL);
    CHECK_EQ(call_number(105, "", 10, &n), -PST_EINVAL);
    CHECK_EQ(call_number(105, "x", 10, &n), -PST_EINVAL);
    CHECK_EQ(call_number(105, "-", 10, &n), -PST_EINVAL);
    CHECK_EQ(call_number(105, "1", 7, &n), -PST_EINVAL);
}

static int64_t call_on(const helper_table *table, pst_run *run, int32_t id, uint64_t r1, uint64_t r2, uint64_t r3,
                       uint64_t r4, uint64_t r5)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (table->rows[i].id == id) return (int64_t)table->rows[i].fn(r1, r2, r3, r4, r5, run);
    pst_test_fail(__FILE__, __LINE__, "no helper %d", id);
    return 0;
}

TEST(texts_are_compared_and_formatted_from_arrays)
{
    core_fixture f;
    char out[32], wide[] = "0xAb";
    uint64_t args[13] = {7, 9}, n = 0;
    pst_run run = {0};
    fixture_open(&f);
    memset(out, '#', sizeof out);
    CHECK_EQ(call_on(&helper_text_table, &run, 165, PTR(out), 8, PTR("%d-%d"), PTR(args), 16), 4); // with the NUL
    CHECK_STR(out, "7-9");
    CHECK_EQ(call_on(&helper_text_table, &run, 165, PTR(out), 8, PTR("%d-%d"), PTR(args), 8),
             -PST_EINVAL); // an argument is missing
    CHECK_EQ(call_on(&helper_text_table, &run, 165, PTR(out), 8, PTR("%d"), PTR(args), 12), -PST_EINVAL); // half of one
    CHECK_EQ(call_on(&helper_text_table, &run, 165, PTR(out), 8, PTR("%d"), PTR(args), 13 * 8),
             -PST_EINVAL); // more than Linux takes
    CHECK_EQ(call_on(&helper_text_table, &run, 165, PTR(out), 8, PTR("%d"), 0, 8), -PST_EINVAL);
    CHECK_EQ(call_on(&helper_text_table, &run, 165, PTR(out), 8, PTR("text"), 0, 0), 5);
    CHECK_EQ(call_on(&helper_text_table, &run, 177, PTR("%d"), 3, PTR(args), 9, 0), -PST_EINVAL);
    CHECK_EQ(call_on(&helper_text_table, &run, 182, PTR("abc"), 3, PTR("abd"), 0, 0) < 0, true);
    CHECK_EQ(call_on(&helper_text_table, &run, 182, PTR("abc"), 2, PTR("abd"), 0, 0), 0);
    CHECK_EQ(call_on(&helper_text_table, &run, 106, PTR(wide), 4, 16, PTR(&n), 0), 4);
    CHECK_EQ(n, 0xab);
    fixture_close(&f);
}

// --- Packets --------------------------------------------------------------------------------------------------

static uint64_t on_table(const helper_table *table, int32_t id, void *ctx, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
    pst_run run = {.ctx = ctx};
    return (uint64_t)call_on(table, &run, id, r1, r2, r3, r4, r5);
}

#define XDP_CALL(id, r2, r3, r4) (int64_t)on_table(&helper_xdp_table, id, &xdp, PTR(&xdp), (uint64_t)(r2), r3, r4, 0)

TEST(xdp_frames_are_adjusted_inside_their_buffer)
{
    uint8_t buffer[256], bytes[8];
    pst_xdp_ctx xdp = {.hard_start = buffer, .hard_end = buffer + 256, .data = buffer + 64, .data_meta = buffer + 64, .data_end = buffer + 128};
    for (unsigned i = 0; i < 256; i++) buffer[i] = (uint8_t)i;
    CHECK_EQ(XDP_CALL(188, 0, 0, 0), 64);
    CHECK_EQ(XDP_CALL(44, -65, 0, 0), -PST_EINVAL);
    CHECK_EQ(XDP_CALL(44, 51, 0, 0), -PST_EINVAL); // fewer than 14 bytes left
    CHECK_EQ(XDP_CALL(54, -8, 0, 0), 0);
    CHECK(xdp.data_meta == buffer + 56);
    CHECK_EQ(XDP_CALL(54, -3, 0, 0), -PST_EACCES);
    CHECK_EQ(XDP_CALL(54, 9, 0, 0), -PST_EINVAL);
    CHECK_EQ(XDP_CALL(54, -80, 0, 0), -PST_EINVAL);
    // The metadata moves with the head.
    CHECK_EQ(XDP_CALL(44, -16, 0, 0), 0);
    CHECK(xdp.data == buffer + 48 && xdp.data_meta == buffer + 40 && buffer[40] == 56 && buffer[47] == 63);
    CHECK_EQ(XDP_CALL(44, -41, 0, 0), -PST_EINVAL); // metadata needs its room
    CHECK_EQ(XDP_CALL(44, 50, 0, 0), 0);
    CHECK_EQ(XDP_CALL(65, -17, 0, 0), -PST_EINVAL);
    CHECK_EQ(XDP_CALL(65, 129, 0, 0), -PST_EINVAL);
    CHECK_EQ(XDP_CALL(65, 128, 0, 0), 0);
    CHECK(xdp.data_end == buffer + 256 && buffer[128] == 0 && buffer[255] == 0);
    CHECK_EQ(XDP_CALL(65, INT32_MAX, 0, 0), -PST_EINVAL);
    CHECK_EQ(XDP_CALL(65, INT32_MIN, 0, 0), -PST_EINVAL);
    CHECK_EQ(XDP_CALL(44, INT32_MIN, 0, 0), -PST_EINVAL);
    CHECK_EQ(XDP_CALL(44, INT32_MAX, 0, 0), -PST_EINVAL);
    CHECK_EQ(XDP_CALL(54, INT32_MIN, 0, 0), -PST_EINVAL);
    CHECK_EQ(XDP_CALL(54, INT32_MAX, 0, 0), -PST_EINVAL);
    CHECK_EQ(XDP_CALL(189, 0, PTR(bytes), 8), 0);
    CHECK_EQ(bytes[0], 98);
    CHECK_EQ(XDP_CALL(189, 151, PTR(bytes), 8), -PST_EINVAL);
    CHECK_EQ(XDP_CALL(189, 0x10000, PTR(bytes), 8), -PST_EFAULT);
    CHECK_EQ(XDP_CALL(190, 150, PTR(bytes), 8), 0);
    CHECK_EQ(buffer[248], 98);
    CHECK_EQ(XDP_CALL(190, UINT32_MAX, PTR(bytes), 8), -PST_EFAULT);
    CHECK_EQ((int64_t)on_table(&helper_xdp_table, 23, &xdp, 9, 0, 0, 0, 0), PST_XDP_REDIRECT);
    CHECK_EQ(xdp.redirect_ifindex, 9);
    CHECK_EQ((int64_t)on_table(&helper_xdp_table, 23, &xdp, 9, 1, 0, 0, 0), PST_XDP_ABORTED);
}

// The plain definition of RFC 1071, slowly.
static uint16_t slow_sum(const uint8_t *bytes, size_t size)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i += 2) sum += (uint64_t)(bytes[i] | bytes[i + 1] << 8);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

TEST(checksums_follow_the_rfc)
{
    uint8_t packet[64], other[64];
    uint32_t random = 12345;
    for (unsigned round = 0; round < 500; round++) {
        for (unsigned i = 0; i < sizeof packet; i++) {
            random = random * 1103515245u + 12345u;
            packet[i] = other[i] = (uint8_t)(random >> 16);
        }
        CHECK_EQ(helper_csum_fold(helper_csum(packet, 64, 0)), slow_sum(packet, 64));
        uint64_t plain = on_table(&helper_sum_table, 28, NULL, 0, 0, PTR(packet), 64, 0);
        CHECK_EQ(plain, slow_sum(packet, 64));
        // A packet with its checksum at 10; replacing 4 bytes by the helpers keeps it right.
        pst_skb_ctx skb = {.data = packet, .data_end = packet + 64};
        pst_store16(packet + 10, 0);
        pst_store16(packet + 10, (uint16_t)~slow_sum(packet, 64));
        uint32_t from = pst_load32(packet + 20), to = random;
        pst_store32(packet + 20, to);
        bool pair = round % 2;
        uint64_t diff = on_table(&helper_sum_table, 28, NULL, PTR(&from), 4, PTR(&to), 4, 0);
        uint64_t result = pair ? on_table(&helper_skb_table, 10, &skb, 0, 10, from, to, 4)
                               : on_table(&helper_skb_table, 11, &skb, 0, 10, 0, diff, 0);
        CHECK_EQ(result, 0);
        CHECK_EQ(slow_sum(packet, 64), 0xffff);
    }
    pst_skb_ctx skb = {.data = packet, .data_end = packet + 64};
    CHECK_EQ(on_table(&helper_sum_table, 28, NULL, PTR(packet), 3, 0, 0, 0), (uint64_t)-PST_EINVAL);
    CHECK_EQ(on_table(&helper_skb_table, 10, &skb, 0, 11, 0, 0, 2), (uint64_t)-PST_EFAULT);
    CHECK_EQ(on_table(&helper_skb_table, 10, &skb, 0, 64, 0, 0, 2), (uint64_t)-PST_EFAULT);
    CHECK_EQ(on_table(&helper_skb_table, 10, &skb, 0, 10, 0, 0, 3), (uint64_t)-PST_EINVAL);
    CHECK_EQ(on_table(&helper_skb_table, 10, &skb, 0, 10, 1, 0, 0), (uint64_t)-PST_EINVAL);
    pst_store16(packet, 0); // a UDP packet without checksum stays without
    CHECK_EQ(on_table(&helper_skb_table, 11, &skb, 0, 0, 1, 2, 0x22), 0);
    CHECK_EQ(pst_load16(packet), 0);
}

TEST(packet_bytes_are_copied_inside_the_packet)
{
    uint8_t packet[32], out[16];
    pst_skb_ctx skb = {.data = packet, .data_end = packet + 32, .hash = 5};
    for (unsigned i = 0; i < 32; i++) packet[i] = (uint8_t)i;
    memset(out, 0xee, sizeof out);
    CHECK_EQ(on_table(&helper_skb_table, 26, &skb, 0, 30, PTR(out), 4, 0), (uint64_t)-PST_EFAULT);
    CHECK(pst_load32(out) == 0 && out[4] == 0xee); // cleared, no more
    CHECK_EQ(on_table(&helper_skb_table, 26, &skb, 0, 28, PTR(out), 4, 0), 0);
    CHECK_EQ(out[0], 28);
    CHECK_EQ(on_table(&helper_skb_table, 26, &skb, 0, UINT32_MAX, PTR(out), 4, 0), (uint64_t)-PST_EFAULT);
    CHECK_EQ(on_table(&helper_skb_table, 68, &skb, 0, 0, PTR(out), 4, 1), 0);
    CHECK_EQ(out[0], 14);
    CHECK_EQ(on_table(&helper_skb_table, 68, &skb, 0, 0, PTR(out), 4, 2), (uint64_t)-PST_EFAULT);
    CHECK_EQ(on_table(&helper_skb_table, 9, &skb, 0, 0, PTR(out), 4, 2), 0);
    CHECK(packet[0] == 0 && skb.hash == 0);
    CHECK_EQ(on_table(&helper_skb_table, 9, &skb, 0, 0, PTR(out), 4, 4), (uint64_t)-PST_EINVAL);
    CHECK_EQ(on_table(&helper_skb_table, 9, &skb, 0, 30, PTR(out), 4, 0), (uint64_t)-PST_EFAULT);
    CHECK_EQ(on_table(&helper_skb_table, 39, &skb, 0, 32, 0, 0, 0), 0);
    CHECK_EQ(on_table(&helper_skb_table, 39, &skb, 0, 33, 0, 0, 0), (uint64_t)-PST_ENOMEM);
    CHECK_EQ(on_table(&helper_skb_table, 23, &skb, 4, 1, 0, 0, 0), 7);
    CHECK_EQ(on_table(&helper_skb_table, 23, &skb, 4, 2, 0, 0, 0), 2);
}

TEST(the_system_answers)
{
    uint64_t now = pst_pal_time_ns();
    char comm[16];
    CHECK(on_table(&helper_system_table, 5, NULL, 0, 0, 0, 0, 0) >= now);
    CHECK(on_table(&helper_system_table, 125, NULL, 0, 0, 0, 0, 0) > 0);
    CHECK(on_table(&helper_system_table, 8, NULL, 0, 0, 0, 0, 0) < pst_pal_cpu_count());
    CHECK(on_table(&helper_system_table, 208, NULL, 0, 0, 0, 0, 0) > 1000000000000000000); // of this century
    CHECK(on_table(&helper_system_table, 118, NULL, 0, 0, 0, 0, 0) <= pst_pal_time_ns());
    CHECK_EQ(on_table(&helper_system_table, 15, NULL, 0, 0, 0, 0, 0), pst_pal_uid_gid());
    CHECK_EQ(on_table(&helper_system_table, 42, NULL, 0, 0, 0, 0, 0), 0);
    CHECK_EQ(on_table(&helper_system_table, 14, NULL, 0, 0, 0, 0, 0), pst_pal_pid_tgid());
    uint64_t a = on_table(&helper_system_table, 7, NULL, 0, 0, 0, 0, 0), b = 0;
    for (unsigned i = 0; i < 10 && (b == 0 || b == a); i++) b = on_table(&helper_system_table, 7, NULL, 0, 0, 0, 0, 0);
    CHECK(a <= UINT32_MAX && a != b);
    memset(comm, 1, sizeof comm);
    CHECK_EQ(on_table(&helper_system_table, 16, NULL, PTR(comm), sizeof comm, 0, 0, 0), 0);
    CHECK(comm[0] != '\0' && comm[15] == '\0');
}

// Every helper that the core has is described, and each hosted type may call something of it.
TEST(every_helper_has_its_prototype)
{
    core_fixture f;
    fixture_open(&f);
    unsigned count = 0;
    for (int32_t id = 0; id < (int32_t)CORE_HELPERS_MAX; id++) {
        const pst_helper *helper = &f.core->helpers[id];
        if (!helper->proto) {
            CHECK(helper->fn == NULL);
            continue;
        }
        CHECK_EQ(helper->proto->id, id);
        CHECK(helper->fn != NULL || (helper->proto->flags & PST_HELPER_TAIL_CALL));
        count++;
    }
    CHECK(count >= 28);
    uint32_t xdp = 0, skb = 0;
    const pst_helper *helpers = pst_builtin_xdp_helpers(&xdp);
    for (uint32_t i = 0; i < xdp; i++) CHECK(pst_prog_type_helper(pst_prog_type_by_number(PST_PROG_XDP), helpers[i].proto->id) != NULL);
    helpers = pst_builtin_skb_helpers(&skb);
    for (uint32_t i = 0; i < skb; i++) CHECK(pst_prog_type_helper(pst_prog_type_by_number(PST_PROG_SCHED_CLS), helpers[i].proto->id) != NULL);
    fixture_close(&f);
}
