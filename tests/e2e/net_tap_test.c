// net_tap_test.c: TAP devices as ports, and interfaces that are only watched.
#include <unistd.h>

#include "harness.h"
#include "net_fixture.h"

static bool open_ports(net_fixture *f, const char *a, const char *b)
{
    pst_bridge_options options = {.size = sizeof options, .port = {a, b}, .make_tap = {true, true}};
    pst_status status = pst_bridge_open(f->net, &options, &f->bridge);
    CHECK_EQ(status, PST_OK);
    return status == PST_OK;
}

static void send_mark(int fd, size_t size, uint8_t mark)
{
    uint8_t frame[FRAME_MAX];
    fixture_frame(frame, size, mark);
    CHECK(netns_raw_send(fd, frame, size));
}

static void check_mark(int fd, size_t size, uint8_t mark)
{
    uint8_t got[FRAME_MAX];
    CHECK_EQ(netns_raw_receive(fd, TEST_ETHERTYPE, got, sizeof got, WAIT_MS), size);
    CHECK_EQ(got[14], mark);
}

TEST(a_single_tap_answers_with_tx)
{
    net_fixture f;
    if (!fixture_open_tap(&f)) return;
    if (open_ports(&f, "pt0", NULL)) {
        CHECK_EQ(pst_bridge_port_kind(f.bridge, 0), PST_PORT_TAP);
        CHECK_EQ(pst_bridge_ifindex(f.bridge, 0), netns_ifindex(f.middle, "pt0"));
        CHECK_EQ(pst_bridge_ifindex(f.bridge, 1), 0);
        int raw = netns_raw_open(f.middle, "pt0");
        // 1 passes, which ends a frame here; everything else is answered.
        CHECK(fixture_attach(&f, fixture_load(&f, PROGRAM_HEAD "r1 = *(u8 *)(r2 + 14)\nif r1 == 1 goto pass\nr1 += 100\n"
                                                               "*(u8 *)(r2 + 14) = r1\nr0 = 3\nexit\n" PROGRAM_TAIL), 0));
        send_mark(raw, 60, 1);
        send_mark(raw, 60, 2);
        send_mark(raw, 1514, 3);
        check_mark(raw, 60, 102);
        check_mark(raw, 1514, 103);
        CHECK_EQ(fixture_stats(&f, 0).sent_back, 2);
        close(raw);
    }
    pst_bridge_close(f.bridge);
    f.bridge = NULL;
    CHECK_EQ(netns_ifindex(f.middle, "pt0"), 0); // it was made here, so it went
    fixture_close(&f);
    CHECK(fixture_left_nothing());
}

TEST(two_taps_are_joined)
{
    net_fixture f;
    if (!fixture_open_tap(&f)) return;
    if (open_ports(&f, "pt0", "pt1")) {
        int a = netns_raw_open(f.middle, "pt0"), b = netns_raw_open(f.middle, "pt1");
        send_mark(a, 60, 1);
        check_mark(b, 60, 1);
        CHECK(fixture_attach(&f, fixture_load(&f, PROGRAM_HEAD "r1 = *(u8 *)(r2 + 14)\nif r1 != 9 goto pass\nr0 = 1\nexit\n" PROGRAM_TAIL), 1));
        send_mark(b, 60, 9);
        send_mark(b, 100, 2);
        check_mark(a, 100, 2);
        CHECK_EQ(fixture_stats(&f, 1).dropped, 1);
        close(a);
        close(b);
    }
    fixture_close(&f);
}

TEST(a_tap_that_another_process_holds_is_joined_from_outside)
{
    net_fixture f;
    pst_bridge *holder = NULL;
    if (!fixture_open_tap(&f)) return;
    pst_bridge_options options = {.size = sizeof options, .port = {"pt0"}, .make_tap = {true}};
    CHECK_EQ(pst_bridge_open(f.net, &options, &holder), PST_OK);
    if (holder && open_ports(&f, "pt0", "m1")) {
        CHECK_EQ(pst_bridge_port_kind(f.bridge, 0), PST_PORT_PACKET);
        CHECK(fixture_said("another process holds this TAP device"));
    }
    pst_bridge_close(f.bridge);
    f.bridge = NULL;
    pst_bridge_close(holder);
    fixture_close(&f);
}

TEST(a_tap_that_is_deleted_does_not_disturb_the_rest)
{
    net_fixture f;
    if (!fixture_open_tap(&f)) return;
    if (open_ports(&f, "m0", "pt0")) {
        CHECK(netns_delete(f.middle, "pt0"));
        CHECK(fixture_attach(&f, fixture_load(&f, PROGRAM_HEAD "r0 = 3\nexit\n" PROGRAM_TAIL), 0));
        send_mark(f.c0, 60, 1);
        check_mark(f.c0, 60, 1);
    }
    fixture_close(&f);
}

TEST(an_interface_alone_is_watched)
{
    net_fixture f;
    if (!fixture_open(&f)) return;
    if (open_ports(&f, "m0", NULL)) {
        CHECK_EQ(pst_bridge_port_kind(f.bridge, 0), PST_PORT_WATCH);
        CHECK(fixture_said("m0: alone it is only watched"));
        int raw = netns_raw_open(f.middle, "m0");
        CHECK(fixture_attach(&f, fixture_load(&f, PROGRAM_HEAD "r0 = *(u8 *)(r2 + 14)\n*(u8 *)(r2 + 14) = 55\nexit\n" PROGRAM_TAIL), 0));
        for (uint8_t verdict = 0; verdict <= 4; verdict++) send_mark(f.c0, 60, verdict);
        for (uint8_t verdict = 0; verdict <= 4; verdict++) check_mark(raw, 60, verdict); // nothing was held back or changed
        for (int i = 0; i < WAIT_MS && fixture_stats(&f, 0).redirected == 0; i++) usleep(1000);
        pst_port_stats stats = fixture_stats(&f, 0);
        CHECK_EQ(stats.aborted, 1);
        CHECK_EQ(stats.dropped, 1);
        CHECK_EQ(stats.sent_back, 1);
        CHECK_EQ(stats.redirected, 1);
        CHECK_EQ(stats.tx_frames, 0);
        CHECK_EQ(stats.tx_errors, 0);
        close(raw);
    }
    fixture_close(&f);
}

TEST(a_port_that_goes_down_comes_back)
{
    net_fixture f;
    if (!fixture_open_bridge(&f)) return;
    CHECK(netns_set_up(f.middle, "m1", false));
    send_mark(f.c0, 60, 1); // has nowhere to go
    CHECK(netns_set_up(f.middle, "m1", true));
    send_mark(f.c0, 60, 2);
    uint8_t got[FRAME_MAX];
    // The first may have waited in the ring, or not: the second arrives.
    size_t size;
    do size = netns_raw_receive(f.s0, TEST_ETHERTYPE, got, sizeof got, WAIT_MS);
    while (size == 60 && got[14] == 1);
    CHECK_EQ(size, 60);
    CHECK_EQ(got[14], 2);
    CHECK(fixture_said("m1: the interface went down"));
    fixture_close(&f);
}

TEST(a_port_that_goes_away_can_be_closed)
{
    net_fixture f;
    if (!fixture_open_bridge(&f)) return;
    CHECK(netns_delete(f.middle, "m0"));
    for (int i = 0; i < 3; i++) send_mark(f.s0, 60, 1);
    CHECK(fixture_attach(&f, fixture_load(&f, "r0 = 2\nexit\n"), 1));
    fixture_close(&f);
    CHECK(fixture_left_nothing());
}
