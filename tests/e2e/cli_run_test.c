// cli_run_test.c: `postern run` between two interfaces of a namespace of its own: frames, signals, the orderly end.
#include <signal.h>
#include <unistd.h>

#include "cli_fixture.h"
#include "harness.h"
#include "netns.h"

#define OBJECT PST_SOURCE_DIR "/tests/unit/api/data/api.bpf.o"
#define OUT PST_BINARY_DIR "/cli_run_test.out"
#define ERR PST_BINARY_DIR "/cli_run_test.err"
#define ETHERTYPE 0x88b5 // for local experiments

typedef struct place {
    int peer; // namespace of the far ends
    int sender, receiver;
} place;

// far0 -- near0 [postern] near1 -- far1
static bool place_make(place *p)
{
    const char *why;
    if (!netns_enter(&why)) {
        pst_test_skip(why);
        return false;
    }
    int here = netns_current();
    p->peer = netns_new();
    bool made = p->peer >= 0 && netns_veth(here, "near0", 1, p->peer, "far0", 2) && netns_veth(here, "near1", 3, p->peer, "far1", 4);
    p->sender = made ? netns_raw_open(p->peer, "far0") : -1;
    p->receiver = made ? netns_raw_open(p->peer, "far1") : -1;
    if (p->sender >= 0 && p->receiver >= 0) return true;
    pst_test_fail(__FILE__, __LINE__, "the test's interfaces cannot be made");
    return false;
}

static void place_end(place *p)
{
    close(p->sender);
    close(p->receiver);
    netns_delete(netns_current(), "near0");
    netns_delete(netns_current(), "near1");
    close(p->peer);
}

static const unsigned char g_frame[64] = {2, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, 2, ETHERTYPE >> 8, ETHERTYPE & 0xff, 42};

// Sends until one arrives (the first may meet interfaces that are not up yet); its first byte, -1: none came.
static int first_byte_of_arrival(place *p)
{
    unsigned char got[256];
    for (int i = 0; i < 20; i++) {
        if (!netns_raw_send(p->sender, g_frame, sizeof g_frame)) continue;
        if (netns_raw_receive(p->receiver, ETHERTYPE, got, sizeof got, 500)) return got[0];
    }
    return -1;
}

static pid_t start_run(const char *extra, const char *value)
{
    const char *const argv[] = {PST_POSTERN, "run", OBJECT, "--hook", "xdp:near0,near1", "--program", "count", "--stats-interval", "0.2", extra, value, NULL};
    return cli_start(argv, OUT, ERR);
}

TEST(run_decides_about_frames_and_lets_go)
{
    place p;
    if (!place_make(&p)) return;
    pid_t pid = start_run(NULL, NULL);
    CHECK(cli_await(OUT, "running count"));
    CHECK_EQ(first_byte_of_arrival(&p), 0xaa); // the program rewrote it
    CHECK(cli_await(OUT, "event"));
    CHECK(cli_await(OUT, "stats"));
    CHECK(netns_is_promiscuous(netns_current(), "near0"));
    kill(pid, SIGUSR1);
    CHECK(cli_await(OUT, "detached"));
    while (first_byte_of_arrival(&p) == 0xaa) {} // what was under way before
    CHECK_EQ(first_byte_of_arrival(&p), 2);      // forwarded, not seen
    kill(pid, SIGINT);
    CHECK_EQ(cli_wait(pid), 0);
    char *out = cli_slurp(OUT), *err = cli_slurp(ERR);
    CHECK(strstr(out, "summary") && strstr(out, "seen = ") && strstr(out, "counts"));
    CHECK_STR(err, "");
    CHECK(!netns_is_promiscuous(netns_current(), "near0"));
    free(out), free(err);
    place_end(&p);
}

TEST(run_blocks_what_the_program_drops)
{
    place p;
    if (!place_make(&p)) return;
    pid_t pid = start_run("--map", "blocked=1=1");
    CHECK(cli_await(OUT, "running count"));
    CHECK_EQ(first_byte_of_arrival(&p), -1);
    kill(pid, SIGTERM);
    CHECK_EQ(cli_wait(pid), 0);
    char *out = cli_slurp(OUT);
    CHECK(strstr(out, "dropped"));
    free(out);
    place_end(&p);
}

TEST(run_prints_json_lines_and_ends_by_itself)
{
    place p;
    if (!place_make(&p)) return;
    const char *const argv[] = {PST_POSTERN, "run", OBJECT, "--hook", "xdp:near0,near1", "--program", "count", "-j", "--duration", "3", "--detach-after",
                                "2", "--stats-interval", "0.3", NULL};
    pid_t pid = cli_start(argv, OUT, ERR);
    CHECK(cli_await(OUT, "\"start\""));
    CHECK_EQ(first_byte_of_arrival(&p), 0xaa);
    CHECK_EQ(cli_wait(pid), 0);
    char *out = cli_slurp(OUT);
    CHECK(json_lines_valid(out));
    CHECK(strstr(out, "\"type\":\"event\"") && strstr(out, "\"tag\":\"ring\"") && strstr(out, "\"type\":\"stats\""));
    CHECK(strstr(out, "\"type\":\"detached\"") && strstr(out, "\"type\":\"summary\""));
    free(out);
    place_end(&p);
}

TEST(run_reports_traps_and_goes_on)
{
    place p;
    if (!place_make(&p)) return;
    const char *const argv[] = {PST_POSTERN, "run", OBJECT, "--hook", "xdp:near0,near1", "--program", "slow", "--budget", "1000", "--one-way", NULL};
    pid_t pid = cli_start(argv, OUT, ERR);
    CHECK(cli_await(OUT, "running slow"));
    netns_raw_send(p.sender, g_frame, sizeof g_frame);
    CHECK(cli_await(OUT, "api.bpf.c:100"));
    kill(pid, SIGINT);
    CHECK_EQ(cli_wait(pid), 0);
    char *out = cli_slurp(OUT);
    CHECK(strstr(out, "aborted") && strstr(out, "traps"));
    free(out);
    place_end(&p);
    unlink(OUT);
    unlink(ERR);
}
