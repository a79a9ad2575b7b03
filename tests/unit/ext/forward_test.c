// forward_test.c: verdicts between ports that are arrays, with functions for programs.
#include "ext/net/forward.h"

#include "base/bits.h"
#include "harness.h"

enum { SENT_MAX = 128, HEADROOM = 256 };

typedef struct fake_port {
    pst_port port;
    uint8_t *sent[SENT_MAX];
    size_t size[SENT_MAX];
    pst_vnet vnet[SENT_MAX];
    unsigned count, refreshes;
    uint32_t true_mtu;
    bool full;
} fake_port;

static bool fake_send(pst_port *port, const pst_frame *frame)
{
    fake_port *f = (fake_port *)port;
    if (f->full || f->count == SENT_MAX) return false;
    f->size[f->count] = pst_frame_size(frame);
    f->sent[f->count] = malloc(pst_frame_size(frame));
    f->vnet[f->count] = frame->vnet;
    memcpy(f->sent[f->count++], frame->data, pst_frame_size(frame));
    return true;
}

static void fake_refresh(pst_port *port)
{
    fake_port *f = (fake_port *)port;
    f->refreshes++;
    port->mtu = f->true_mtu;
}

static const pst_port_ops fake_ops = {.send = fake_send, .refresh = fake_refresh};

static char g_log[512];
static void keep_log(void *user, pst_log_level level, const char *text) { snprintf(g_log, sizeof g_log, "%s", text); }
static pst_env g_env;

static fake_port g_a, g_b;
static pst_forward g_forward;
static uint8_t g_scratch[2][PST_LARGE_FRAME_MAX + HEADROOM + PST_PORT_TAILROOM];

typedef uint64_t (*program)(pst_xdp_ctx *ctx);
static program g_program;
static unsigned g_runs;
static uint64_t run(void *hook, pst_xdp_ctx *ctx)
{
    g_runs++;
    return g_program(ctx);
}

static void port_init(fake_port *f, const char *name, uint32_t ifindex)
{
    for (unsigned i = 0; i < f->count; i++) free(f->sent[i]);
    memset(f, 0, sizeof *f);
    f->port = (pst_port){.ops = &fake_ops, .env = &g_env, .ifindex = ifindex, .mtu = 1500, .kind = PST_PORT_PACKET, .fd = -1};
    f->true_mtu = 1500;
    memcpy(f->port.name, name, strlen(name) + 1);
}

static void set_up(program p)
{
    g_env = (pst_env){.log = keep_log};
    port_init(&g_a, "a", 11);
    port_init(&g_b, "b", 12);
    g_forward = (pst_forward){.port = {&g_a.port, &g_b.port}, .run = run, .headroom = HEADROOM, .scratch = {g_scratch[0], g_scratch[1]}};
    g_program = p;
    g_a.port.hook = p ? &g_program : NULL;
    g_runs = 0;
    g_log[0] = 0;
}

static uint8_t g_buffer[PST_LARGE_FRAME_MAX + 1024];

static pst_frame make_frame(size_t size)
{
    pst_frame frame = {.hard_start = g_buffer, .data = g_buffer + HEADROOM, .hard_end = g_buffer + sizeof g_buffer};
    frame.end = frame.data + size;
    for (size_t i = 0; i < size; i++) frame.data[i] = (uint8_t)i;
    if (size >= 14) pst_store_be16(frame.data + 12, 0x88b5);
    return frame;
}

static void forward(size_t size)
{
    pst_frame frame = make_frame(size);
    pst_forward_frame(&g_forward, &g_a.port, &frame);
}

static uint64_t pass(pst_xdp_ctx *ctx) { return PST_XDP_PASS; }
static uint64_t drop(pst_xdp_ctx *ctx) { return PST_XDP_DROP; }
static uint64_t aborted(pst_xdp_ctx *ctx) { return PST_XDP_ABORTED; }
static uint64_t tx(pst_xdp_ctx *ctx) { return PST_XDP_TX; }
static uint64_t unknown(pst_xdp_ctx *ctx) { return 77; }
static uint64_t redirect_12(pst_xdp_ctx *ctx)
{
    ctx->redirect_ifindex = 12;
    return PST_XDP_REDIRECT;
}
static uint64_t redirect_self(pst_xdp_ctx *ctx)
{
    ctx->redirect_ifindex = ctx->ingress_ifindex;
    return PST_XDP_REDIRECT;
}
static uint64_t redirect_away(pst_xdp_ctx *ctx)
{
    ctx->redirect_ifindex = 99;
    return PST_XDP_REDIRECT;
}

TEST(each_verdict_does_what_it_says)
{
    set_up(pass);
    forward(60);
    CHECK_EQ(g_b.count, 1);
    CHECK_EQ(g_a.port.stats.passed, 1);
    CHECK_EQ(g_b.port.stats.tx_bytes, 60);
    set_up(drop);
    forward(60);
    CHECK_EQ(g_a.count + g_b.count, 0);
    CHECK_EQ(g_a.port.stats.dropped, 1);
    set_up(aborted);
    forward(60);
    CHECK_EQ(g_a.count + g_b.count, 0);
    CHECK_EQ(g_a.port.stats.aborted, 1);
    set_up(tx);
    forward(60);
    CHECK_EQ(g_a.count, 1);
    CHECK_EQ(g_b.count, 0);
    CHECK_EQ(g_a.port.stats.sent_back, 1);
    set_up(redirect_12);
    forward(60);
    CHECK_EQ(g_b.count, 1);
    CHECK_EQ(g_a.port.stats.redirected, 1);
    set_up(redirect_self);
    forward(60);
    CHECK_EQ(g_a.count, 1);
    set_up(redirect_away);
    forward(60);
    CHECK_EQ(g_a.count + g_b.count, 0);
    CHECK_EQ(g_a.port.stats.tx_errors, 1);
}

TEST(an_unknown_verdict_is_an_abort_and_is_said_once)
{
    set_up(unknown);
    forward(60);
    CHECK(strstr(g_log, "77"));
    g_log[0] = 0;
    forward(60);
    CHECK_STR(g_log, "");
    CHECK_EQ(g_a.port.stats.aborted, 2);
    CHECK_EQ(g_b.count, 0);
}

TEST(without_a_program_frames_pass_untouched)
{
    set_up(NULL);
    pst_frame frame = make_frame(100);
    frame.vnet = (pst_vnet){.flags = PST_VNET_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
    pst_forward_frame(&g_forward, &g_a.port, &frame);
    REQUIRE(g_b.count == 1);
    CHECK_EQ(g_b.vnet[0].flags, PST_VNET_NEEDS_CSUM);
    CHECK_EQ(g_a.port.stats.no_program, 1);
    CHECK_EQ(g_runs, 0);
}

TEST(a_frame_beyond_the_mtu_is_refused_and_said_once)
{
    set_up(pass);
    forward(1514);
    CHECK_EQ(g_b.count, 1);
    CHECK_EQ(g_b.refreshes, 0);
    forward(1515);
    CHECK_EQ(g_b.count, 1);
    CHECK_EQ(g_b.refreshes, 1); // it asked again before refusing
    CHECK_EQ(g_b.port.stats.tx_errors, 1);
    CHECK(strstr(g_log, "b: ") && strstr(g_log, "1515") && strstr(g_log, "MTU of 1500"));
    g_b.true_mtu = 9000; // it was raised meanwhile
    forward(1515);
    CHECK_EQ(g_b.count, 2);
}

TEST(tags_do_not_count_towards_the_mtu)
{
    set_up(pass);
    pst_frame frame = make_frame(1522);
    pst_store_be16(frame.data + 12, 0x88a8);
    pst_store_be16(frame.data + 16, 0x8100);
    pst_forward_frame(&g_forward, &g_a.port, &frame);
    CHECK_EQ(g_b.count, 1);
}

TEST(a_full_port_and_a_runt_are_counted_as_errors)
{
    set_up(pass);
    g_b.full = true;
    forward(60);
    CHECK_EQ(g_b.port.stats.tx_errors, 1);
    g_b.full = false;
    forward(13);
    CHECK_EQ(g_b.port.stats.tx_errors, 2);
    CHECK_EQ(g_b.port.stats.tx_frames, 0);
}

static uint64_t shift(pst_xdp_ctx *ctx)
{
    CHECK_EQ(ctx->data - ctx->hard_start, HEADROOM);
    CHECK(ctx->data_meta == ctx->data);
    CHECK(ctx->hard_end - ctx->data_end >= PST_PORT_TAILROOM);
    ctx->data -= 20;
    ctx->data_end += 3;
    memset(ctx->data, 0xab, 20);
    return PST_XDP_PASS;
}

TEST(a_program_may_move_both_ends)
{
    set_up(shift);
    forward(60);
    REQUIRE(g_b.count == 1);
    CHECK_EQ(g_b.size[0], 83);
    CHECK_EQ(g_b.sent[0][19], 0xab);
    CHECK_EQ(g_b.sent[0][20], 0);
}

TEST(a_checksum_outside_the_frame_ends_it)
{
    set_up(pass);
    pst_frame frame = make_frame(100);
    frame.vnet = (pst_vnet){.flags = PST_VNET_NEEDS_CSUM, .csum_start = 200};
    pst_forward_frame(&g_forward, &g_a.port, &frame);
    CHECK_EQ(g_runs, 0);
    CHECK_EQ(g_b.count, 0);
    CHECK_EQ(g_a.port.stats.aborted, 1);
}

TEST(alone_a_tap_answers_and_a_watcher_does_not)
{
    set_up(tx);
    g_forward.port[1] = NULL;
    g_a.port.kind = PST_PORT_TAP;
    forward(60);
    CHECK_EQ(g_a.count, 1);
    set_up(tx);
    g_forward.port[1] = NULL;
    g_a.port.kind = PST_PORT_WATCH;
    forward(60);
    CHECK_EQ(g_a.count, 0);
    CHECK_EQ(g_a.port.stats.sent_back, 1);
    g_program = redirect_self;
    forward(60);
    CHECK_EQ(g_a.count, 0);
    CHECK_EQ(g_a.port.stats.tx_errors, 0);
    g_program = pass;
    forward(60);
    CHECK_EQ(g_a.port.stats.passed, 1);
}

// --- Large frames -------------------------------------------------------------------------------------------------

enum { SEGMENT = 1000, SEGMENTS = 10 };

static pst_frame make_large(void)
{
    pst_frame frame = make_frame(54 + SEGMENT * SEGMENTS);
    uint8_t *p = frame.data;
    memset(p, 0, 54);
    pst_store_be16(p + 12, 0x0800);
    p[14] = 0x45;
    p[14 + 9] = 6;
    p[34 + 12] = 0x50;
    frame.vnet = (pst_vnet){.flags = PST_VNET_NEEDS_CSUM, .gso_type = PST_GSO_TCP4, .gso_size = SEGMENT, .csum_start = 34, .csum_offset = 16,
                            .hdr_len = 54};
    return frame;
}

static void forward_one_large(void)
{
    pst_frame frame = make_large();
    pst_forward_frame(&g_forward, &g_a.port, &frame);
}

static uint64_t pass_segment(pst_xdp_ctx *ctx)
{
    CHECK_EQ(ctx->data_end - ctx->data, 54 + SEGMENT);
    return PST_XDP_PASS;
}

TEST(a_large_frame_is_shown_in_segments_and_travels_whole)
{
    set_up(pass_segment);
    forward_one_large();
    CHECK_EQ(g_runs, SEGMENTS);
    REQUIRE(g_b.count == 1);
    CHECK_EQ(g_b.size[0], 54 + SEGMENT * SEGMENTS);
    CHECK_EQ(g_b.vnet[0].gso_size, SEGMENT);
    CHECK_EQ(g_b.vnet[0].flags, PST_VNET_NEEDS_CSUM);
    CHECK_EQ(g_a.port.stats.passed, SEGMENTS);
    CHECK_EQ(g_a.port.stats.rx_frames, SEGMENTS);
    CHECK_EQ(g_b.port.stats.tx_frames, SEGMENTS);
}

static uint64_t drop_fourth(pst_xdp_ctx *ctx) { return g_runs == 4 ? PST_XDP_DROP : PST_XDP_PASS; }
static uint64_t change_fourth(pst_xdp_ctx *ctx)
{
    if (g_runs == 4) ctx->data[54] ^= 0xff;
    return PST_XDP_PASS;
}
static uint64_t change_last_byte(pst_xdp_ctx *ctx)
{
    ctx->data_end[-1] ^= 0xff;
    return PST_XDP_PASS;
}
static uint64_t change_header(pst_xdp_ctx *ctx)
{
    ctx->data[0] ^= 0xff;
    return PST_XDP_PASS;
}
static uint64_t grow(pst_xdp_ctx *ctx)
{
    ctx->data -= 4;
    memset(ctx->data, 0, 4);
    return PST_XDP_PASS;
}

// Sequence numbers tell which segments arrived, in which order.
static void check_order(unsigned first_missing, unsigned count)
{
    REQUIRE(g_b.count == count);
    for (unsigned i = 0; i < count; i++) {
        unsigned index = i >= first_missing ? i + 1 : i;
        CHECK_EQ(pst_load_be32(g_b.sent[i] + 38), index * SEGMENT);
        CHECK_EQ(g_b.vnet[i].flags | g_b.vnet[i].gso_type, 0);
        CHECK_EQ(g_b.size[i], 54 + SEGMENT);
    }
}

TEST(from_the_first_dropped_segment_on_they_travel_alone)
{
    set_up(drop_fourth);
    forward_one_large();
    check_order(3, SEGMENTS - 1);
    CHECK_EQ(g_a.port.stats.dropped, 1);
    CHECK_EQ(g_a.port.stats.passed, SEGMENTS - 1);
}

TEST(a_changed_segment_arrives_changed_and_the_others_do_not)
{
    set_up(change_fourth);
    forward_one_large();
    check_order(SEGMENTS, SEGMENTS);
    for (unsigned i = 0; i < SEGMENTS; i++) CHECK_EQ(g_b.sent[i][54], (uint8_t)((54 + i * SEGMENT) ^ (i == 3 ? 0xff : 0)));
    set_up(change_last_byte);
    forward_one_large();
    CHECK_EQ(g_b.count, SEGMENTS);
    set_up(change_header);
    forward_one_large();
    CHECK_EQ(g_b.count, SEGMENTS);
    set_up(grow);
    forward_one_large();
    CHECK_EQ(g_b.count, SEGMENTS);
    CHECK_EQ(g_b.size[0], 54 + SEGMENT + 4);
}

TEST(tcp_segments_are_cut_to_the_other_ports_mtu)
{
    set_up(NULL);
    g_b.port.mtu = g_b.true_mtu = 540;
    forward_one_large();
    REQUIRE(g_b.count == 1);
    CHECK_EQ(g_b.vnet[0].gso_size, 500);
    set_up(NULL);
    g_b.port.mtu = g_b.true_mtu = 40; // no payload fits
    forward_one_large();
    CHECK_EQ(g_b.count, 0);
    CHECK_EQ(g_b.port.stats.tx_errors, SEGMENTS);
}

TEST(a_large_frame_of_unknown_headers_is_shown_as_it_is)
{
    set_up(pass);
    pst_frame frame = make_large();
    pst_store_be16(frame.data + 12, 0x8847); // MPLS
    pst_forward_frame(&g_forward, &g_a.port, &frame);
    CHECK_EQ(g_runs, 1);
    REQUIRE(g_b.count == 1);
    CHECK_EQ(g_b.vnet[0].gso_type, PST_GSO_TCP4);
}
