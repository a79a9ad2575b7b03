// net_frames_test.c: single frames through a bridge: what the program sees, and what arrives.
//
// Frames keep their order, so a frame that passes proves what became of those before it: no test waits for nothing to happen.
#include <pthread.h>
#include <unistd.h>

#include "core/engines.h"
#include "harness.h"
#include "net_fixture.h"

enum { VERDICT_PASS = 2 };

// Sends a frame with this mark from the client.
static bool send_mark(net_fixture *f, uint8_t mark)
{
    uint8_t frame[60];
    fixture_frame(frame, sizeof frame, mark);
    return netns_raw_send(f->c0, frame, sizeof frame);
}

// The next test frame at a raw socket has this mark and this size.
static bool receive_mark(int fd, uint8_t mark, size_t size)
{
    uint8_t got[FRAME_MAX];
    size_t n = netns_raw_receive(fd, TEST_ETHERTYPE, got, sizeof got, WAIT_MS);
    if (n != size || got[14] != mark) printf("got %zu bytes with mark %u\n", n, n ? got[14] : 0);
    return n == size && got[14] == mark;
}

static void check_transit(int from, int to, size_t size)
{
    uint8_t frame[FRAME_MAX], got[FRAME_MAX];
    fixture_frame(frame, size, VERDICT_PASS);
    REQUIRE(netns_raw_send(from, frame, size));
    size_t n = netns_raw_receive(to, TEST_ETHERTYPE, got, sizeof got, WAIT_MS);
    CHECK_EQ(n, size);
    CHECK(memcmp(frame, got, size) == 0);
}

TEST(frames_pass_both_ways_as_they_are)
{
    net_fixture f;
    if (!fixture_open_bridge(&f)) return;
    CHECK(netns_is_promiscuous(f.middle, "m0"));
    for (size_t size = 15; size <= 1514; size += size < 80 ? 1 : 239) check_transit(f.c0, f.s0, size); // without a program
    int program = fixture_load(&f, PROGRAM_HEAD "r0 = 2\nexit\n" PROGRAM_TAIL);
    CHECK(fixture_attach(&f, program, 2));
    for (size_t size = 15; size <= 1514; size += size < 80 ? 1 : 239) {
        check_transit(f.c0, f.s0, size);
        check_transit(f.s0, f.c0, size);
    }
    CHECK(fixture_stats(&f, 0).no_program > 0);
    CHECK(fixture_stats(&f, 0).passed > 0);
    CHECK_EQ(fixture_stats(&f, 0).tx_errors, 0);
    CHECK_EQ(fixture_stats(&f, 1).passed, fixture_stats(&f, 0).tx_frames);
    pst_bridge_close(f.bridge);
    f.bridge = NULL;
    CHECK(!netns_is_promiscuous(f.middle, "m0"));
    fixture_close(&f);
    CHECK(fixture_left_nothing());
}

// The mark is the verdict.
static const char *const verdict_program = PROGRAM_HEAD "r0 = *(u8 *)(r2 + 14)\nexit\n" PROGRAM_TAIL;

TEST(verdicts_are_enforced_and_counted)
{
    net_fixture f;
    if (!fixture_open_bridge(&f)) return;
    CHECK(fixture_attach(&f, fixture_load(&f, verdict_program), 2));
    CHECK(send_mark(&f, 1));  // drop
    CHECK(send_mark(&f, 0));  // aborted
    CHECK(send_mark(&f, 99)); // no action at all
    CHECK(send_mark(&f, 3));  // back
    CHECK(send_mark(&f, VERDICT_PASS));
    CHECK(receive_mark(f.s0, VERDICT_PASS, 60));
    CHECK(receive_mark(f.c0, 3, 60));
    pst_port_stats stats = fixture_stats(&f, 0);
    CHECK_EQ(stats.dropped, 1);
    CHECK_EQ(stats.aborted, 2);
    CHECK_EQ(stats.sent_back, 1);
    CHECK(stats.passed >= 1);
    CHECK_EQ(stats.kernel_drops, 0);
    CHECK(fixture_said("99, which is no XDP action"));
    fixture_close(&f);
}

TEST(redirect_reaches_either_port_and_no_other)
{
    net_fixture f;
    char text[512];
    if (!fixture_open_bridge(&f)) return;
    // The mark chooses the target: 1 the other port, 2 its own, 3 none of this bridge; 4 passes.
    snprintf(text, sizeof text,
             PROGRAM_HEAD "r7 = *(u8 *)(r2 + 14)\nr2 = 0\nr1 = %u\nif r7 == 1 goto go\nr1 = %u\nif r7 == 2 goto go\nr1 = 12345\n"
                          "if r7 == 3 goto go\ngoto pass\ngo: call 23\nexit\n" PROGRAM_TAIL,
             pst_bridge_ifindex(f.bridge, 1), pst_bridge_ifindex(f.bridge, 0));
    CHECK(fixture_attach(&f, fixture_load(&f, text), 0));
    for (uint8_t mark = 1; mark <= 4; mark++) CHECK(send_mark(&f, mark));
    CHECK(receive_mark(f.s0, 1, 60));
    CHECK(receive_mark(f.s0, 4, 60));
    CHECK(receive_mark(f.c0, 2, 60));
    CHECK_EQ(fixture_stats(&f, 0).redirected, 3);
    CHECK_EQ(fixture_stats(&f, 0).tx_errors, 1);
    fixture_close(&f);
}

static int64_t make_targets(net_fixture *f, uint32_t type, const uint32_t *keys, const uint32_t *values, uint32_t count)
{
    pst_bpf_attr attr = {.map_type = type, .key_size = 4, .value_size = 4, .max_entries = 8};
    int64_t fd = pst_core_command(f->user, PST_BPF_MAP_CREATE, &attr, sizeof attr);
    for (uint32_t i = 0; i < count; i++) {
        attr = (pst_bpf_attr){.map_fd = (uint32_t)fd, .key = (uint64_t)(uintptr_t)&keys[i], .value = (uint64_t)(uintptr_t)&values[i]};
        CHECK_EQ(pst_core_command(f->user, PST_BPF_MAP_UPDATE_ELEM, &attr, sizeof attr), 0);
    }
    return fd;
}

// The mark is the key. 1: the other port, 2: its own, 3: no port of this bridge, 4: no entry, which drops; 5: passes, after all of these.
TEST(redirect_into_a_map_reaches_the_ports_in_it)
{
    static const uint32_t types[] = {PST_MAP_DEVMAP, PST_MAP_DEVMAP_HASH};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        net_fixture f;
        char text[512];
        if (!fixture_open_bridge(&f)) return;
        uint32_t keys[] = {1, 2, 3}, ports[] = {pst_bridge_ifindex(f.bridge, 1), pst_bridge_ifindex(f.bridge, 0), 12345};
        int64_t map = make_targets(&f, types[t], keys, ports, 3);
        snprintf(text, sizeof text,
                 PROGRAM_HEAD "r7 = *(u8 *)(r2 + 14)\nif r7 == 5 goto pass\nr1 = map[fd:%d]\nr2 = r7\nr3 = 1\ncall 51\nexit\n" PROGRAM_TAIL, (int)map);
        CHECK(fixture_attach(&f, fixture_load(&f, text), 0));
        for (uint8_t mark = 1; mark <= 5; mark++) CHECK(send_mark(&f, mark));
        CHECK(receive_mark(f.s0, 1, 60));
        CHECK(receive_mark(f.s0, 5, 60));
        CHECK(receive_mark(f.c0, 2, 60));
        CHECK_EQ(fixture_stats(&f, 0).redirected, 3);
        CHECK_EQ(fixture_stats(&f, 0).tx_errors, 1);
        CHECK_EQ(fixture_stats(&f, 0).dropped, 1);
        fixture_close(&f);
    }
}

TEST(rewritten_bytes_arrive)
{
    net_fixture f;
    uint8_t got[FRAME_MAX];
    if (!fixture_open_bridge(&f)) return;
    CHECK(fixture_attach(&f, fixture_load(&f, PROGRAM_HEAD "*(u16 *)(r2 + 16) = 0x3412\nr0 = 2\nexit\n" PROGRAM_TAIL), 0));
    CHECK(send_mark(&f, 1));
    CHECK_EQ(netns_raw_receive(f.s0, TEST_ETHERTYPE, got, sizeof got, WAIT_MS), 60);
    CHECK_EQ(got[16] << 8 | got[17], 0x1234);
    CHECK_EQ(got[18], 18 * 7);
    fixture_close(&f);
}

// The mark is a signed number of bytes: how far adjust_head (44) or adjust_tail (65) moves. A failure of the helper drops.
static const char *const adjust_text = PROGRAM_HEAD "r7 = *(s8 *)(r2 + 14)\n"
                                                    "r8 = *(u32 *)(r2 + 0)\nr9 = *(u64 *)(r2 + 4)\nr1 = *(u32 *)(r2 + 12)\n*(u32 *)(r10 - 8) = r1\n"
                                                    "r1 = r6\nr2 = r7\ncall %d\nif r0 != 0 goto drop\n"
                                                    "r2 = *(u32 *)(r6 + 0)\nr3 = *(u32 *)(r6 + 4)\nr4 = r2\nr4 += 16\nif r4 > r3 goto drop\n"
                                                    "*(u32 *)(r2 + 0) = r8\n*(u64 *)(r2 + 4) = r9\nr1 = *(u32 *)(r10 - 8)\n*(u32 *)(r2 + 12) = r1\n"
                                                    "r0 = 2\nexit\ndrop: r0 = 1\nexit\n" PROGRAM_TAIL;

static void check_adjust(int helper, const int8_t *deltas, size_t count)
{
    net_fixture f;
    char text[1024];
    if (!fixture_open_bridge(&f)) return;
    snprintf(text, sizeof text, adjust_text, helper);
    CHECK(fixture_attach(&f, fixture_load(&f, text), 0));
    for (size_t i = 0; i < count; i++) {
        CHECK(send_mark(&f, (uint8_t)deltas[i]));
        CHECK(receive_mark(f.s0, (uint8_t)deltas[i], (size_t)(60 + (helper == 44 ? -deltas[i] : deltas[i]))));
    }
    CHECK_EQ(fixture_stats(&f, 0).dropped, 0);
    CHECK(send_mark(&f, helper == 44 ? 61 : (uint8_t)-61)); // beyond the frame: the helper refuses
    CHECK(send_mark(&f, 0));
    CHECK(receive_mark(f.s0, 0, 60));
    CHECK_EQ(fixture_stats(&f, 0).dropped, 1);
    fixture_close(&f);
}

TEST(the_head_moves_both_ways)
{
    static const int8_t deltas[] = {0, -4, -20, -128, 4, 20, 40};
    check_adjust(44, deltas, sizeof deltas);
}

TEST(the_tail_moves_both_ways)
{
    static const int8_t deltas[] = {0, -1, -40, 1, 100, 127};
    check_adjust(65, deltas, sizeof deltas);
}

TEST(metadata_in_front_of_the_frame_is_the_programs_own)
{
    net_fixture f;
    if (!fixture_open_bridge(&f)) return;
    static const char *const text = PROGRAM_HEAD "r1 = r6\nr2 = -8\ncall 54\nif r0 != 0 goto drop\n"
                                                 "r1 = *(u32 *)(r6 + 8)\nr2 = *(u32 *)(r6 + 0)\nr3 = r1\nr3 += 8\nif r3 > r2 goto drop\n"
                                                 "*(u32 *)(r1 + 0) = 0x11223344\n*(u32 *)(r1 + 4) = 0x11223344\nr0 = 2\nexit\n"
                                                 "drop: r0 = 1\nexit\n" PROGRAM_TAIL;
    CHECK(fixture_attach(&f, fixture_load(&f, text), 0));
    check_transit(f.c0, f.s0, 60);
    CHECK_EQ(fixture_stats(&f, 0).dropped, 0);
    fixture_close(&f);
}

TEST(the_context_names_the_port)
{
    net_fixture f;
    char text[512];
    if (!fixture_open_bridge(&f)) return;
    snprintf(text, sizeof text, PROGRAM_HEAD "r1 = *(u32 *)(r6 + 12)\nr0 = 2\nif r1 == %u goto +1\nr0 = 1\nexit\n" PROGRAM_TAIL,
             pst_bridge_ifindex(f.bridge, 0));
    CHECK(fixture_attach(&f, fixture_load(&f, text), 0));
    check_transit(f.c0, f.s0, 60);
    fixture_close(&f);
}

static void check_tag(net_fixture *f, uint16_t tpid, uint16_t tci)
{
    uint8_t frame[FRAME_MAX], got[FRAME_MAX];
    fixture_frame(frame + 4, 100, 7);
    memmove(frame, frame + 4, 12);
    uint8_t tag[4] = {(uint8_t)(tpid >> 8), (uint8_t)tpid, (uint8_t)(tci >> 8), (uint8_t)tci};
    memcpy(frame + 12, tag, 4);
    REQUIRE(netns_raw_send(f->c0, frame, 104));
    CHECK_EQ(netns_raw_receive(f->s0, tpid, got, sizeof got, WAIT_MS), 104);
    frame[13 + 6] = 0x5a; // what the program wrote, behind the tag
    CHECK(memcmp(frame, got, 104) == 0);
}

TEST(vlan_tags_are_seen_and_kept)
{
    net_fixture f;
    if (!fixture_open_bridge(&f)) return;
    static const char *const text = "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr4 = r2\nr4 += 20\nif r4 > r3 goto pass\n"
                                    "r5 = *(u16 *)(r2 + 16)\nif r5 != 0xb588 goto pass\n*(u8 *)(r2 + 19) = 0x5a\n" PROGRAM_TAIL;
    CHECK(fixture_attach(&f, fixture_load(&f, text), 0));
    check_tag(&f, 0x8100, 5);
    check_tag(&f, 0x8100, 0xefff);
    check_tag(&f, 0x88a8, 100);
    check_tag(&f, 0x8100, 0); // priority only
    fixture_close(&f);
}

TEST(a_trap_aborts_the_frame)
{
    net_fixture f;
    if (!fixture_open_bridge(&f)) return;
    pst_client_load_unproved(f.user); // a proved program does not trap
    CHECK(fixture_attach(&f, fixture_load(&f, PROGRAM_HEAD "r1 = *(u8 *)(r2 + 14)\nif r1 != 1 goto pass\n"
                                                           "r0 = *(u64 *)(r3 + 4096)\nexit\n" PROGRAM_TAIL), 0));
    CHECK(send_mark(&f, 1));
    CHECK(send_mark(&f, 2));
    CHECK(receive_mark(f.s0, 2, 60));
    CHECK_EQ(fixture_stats(&f, 0).aborted, 1);
    fixture_close(&f);
}

TEST(jumbo_frames_pass_and_the_smaller_mtu_rules)
{
    net_fixture f;
    uint8_t frame[FRAME_MAX];
    if (!fixture_open(&f)) return;
    CHECK(netns_set_mtu(f.client, "c0", 9000) && netns_set_mtu(f.middle, "m0", 9000) && netns_set_mtu(f.server, "s0", 9000));
    pst_bridge_options options = {.size = sizeof options, .port = {"m0", "m1"}};
    CHECK_EQ(pst_bridge_open(f.net, &options, &f.bridge), PST_OK);
    fixture_frame(frame, 9014, 1);
    CHECK(netns_raw_send(f.c0, frame, 9014));
    CHECK(send_mark(&f, 2));
    CHECK(receive_mark(f.s0, 2, 60));
    CHECK_EQ(fixture_stats(&f, 1).tx_errors, 1);
    CHECK(fixture_said("m1: a frame of 9014 bytes is larger than the interface's MTU of 1500"));
    CHECK(netns_set_mtu(f.middle, "m1", 9000)); // while the bridge runs
    check_transit(f.c0, f.s0, 9014);
    check_transit(f.c0, f.s0, 4096);
    CHECK(fixture_attach(&f, fixture_load(&f, PROGRAM_HEAD "r0 = 2\nexit\n" PROGRAM_TAIL), 0));
    check_transit(f.c0, f.s0, 9014);
    fixture_close(&f);
}

// --- Changing programs under traffic --------------------------------------------------------------------------------

enum { SWAP_FRAMES = 4096, SWAP_WINDOW = 32 };

typedef struct swap_traffic {
    net_fixture *f;
    unsigned received, other; // frames that arrived; with a mark that no program writes
    unsigned marks[3];
    uint32_t done;
} swap_traffic;

static void *swap_thread(void *arg)
{
    swap_traffic *t = arg;
    uint8_t got[FRAME_MAX];
    for (unsigned sent = 0; sent < SWAP_FRAMES; sent += SWAP_WINDOW) {
        for (unsigned i = 0; i < SWAP_WINDOW; i++) (void)send_mark(t->f, 0);
        for (unsigned i = 0; i < SWAP_WINDOW; i++) {
            if (netns_raw_receive(t->f->s0, TEST_ETHERTYPE, got, sizeof got, WAIT_MS) != 60) continue;
            t->received++;
            if (got[14] < 3) t->marks[got[14]]++;
        }
    }
    PST_ATOMIC_STORE(&t->done, 1);
    return NULL;
}

static const char *const mark_text = PROGRAM_HEAD "*(u8 *)(r2 + 14) = %d\nr0 = 2\nexit\n" PROGRAM_TAIL;

TEST(programs_change_under_traffic_without_a_loss)
{
    net_fixture f;
    pthread_t thread;
    char text[512];
    int program[2];
    if (!fixture_open_bridge(&f)) return;
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text, mark_text, i + 1);
        program[i] = fixture_load(&f, text);
    }
    CHECK(fixture_attach(&f, program[0], 0));
    swap_traffic t = {.f = &f};
    REQUIRE(pthread_create(&thread, NULL, swap_thread, &t) == 0);
    for (unsigned i = 1; !PST_ATOMIC_LOAD(&t.done); i++) {
        pst_bpf_attr attr;
        memset(&attr, 0, sizeof attr);
        attr.link_update.link_fd = (uint32_t)f.link[0];
        attr.link_update.new_prog_fd = (uint32_t)program[i % 2];
        if (pst_core_command(f.user, PST_BPF_LINK_UPDATE, &attr, sizeof attr) != 0) break;
        usleep(100);
    }
    pthread_join(thread, NULL);
    CHECK_EQ(t.received, SWAP_FRAMES);
    CHECK_EQ(t.marks[0], 0); // no frame slipped past both
    CHECK_EQ(t.marks[1] + t.marks[2], SWAP_FRAMES);
    CHECK(t.marks[1] && t.marks[2]);
    fixture_close(&f);
    CHECK(fixture_left_nothing());
}

TEST(programs_come_and_go_under_traffic_without_a_loss)
{
    net_fixture f;
    pthread_t thread;
    char text[512];
    if (!fixture_open_bridge(&f)) return;
    snprintf(text, sizeof text, mark_text, 1);
    int program = fixture_load(&f, text);
    swap_traffic t = {.f = &f};
    REQUIRE(pthread_create(&thread, NULL, swap_thread, &t) == 0);
    while (!PST_ATOMIC_LOAD(&t.done)) {
        if (!fixture_attach(&f, program, 0)) break;
        usleep(100);
        fixture_detach(&f, 0);
    }
    pthread_join(thread, NULL);
    CHECK_EQ(t.received, SWAP_FRAMES);
    CHECK_EQ(t.marks[0] + t.marks[1], SWAP_FRAMES);
    fixture_close(&f);
}

TEST(after_detach_frames_flow_again)
{
    net_fixture f;
    if (!fixture_open_bridge(&f)) return;
    CHECK(fixture_attach(&f, fixture_load(&f, verdict_program), 0));
    CHECK(send_mark(&f, 1));
    CHECK(send_mark(&f, VERDICT_PASS));
    CHECK(receive_mark(f.s0, VERDICT_PASS, 60)); // the first was dropped
    fixture_detach(&f, 0);
    CHECK(send_mark(&f, 1));
    CHECK(receive_mark(f.s0, 1, 60));
    fixture_close(&f);
}

TEST(a_link_outlives_its_bridge)
{
    net_fixture f;
    if (!fixture_open_bridge(&f)) return;
    CHECK(fixture_attach(&f, fixture_load(&f, verdict_program), 2));
    pst_bridge_close(f.bridge);
    f.bridge = NULL;
    fixture_detach(&f, 0); // of a port that is gone
    pst_bridge_options options = {.size = sizeof options, .port = {"m0", "m1"}};
    CHECK_EQ(pst_bridge_open(f.net, &options, &f.bridge), PST_OK);
    check_transit(f.c0, f.s0, 60);
    fixture_close(&f);
}
