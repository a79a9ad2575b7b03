// net_errors_test.c: what cannot be done is refused with a sentence that names the interface, and leaves nothing behind.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "net_fixture.h"

static void check_refused(net_fixture *f, const char *a, const char *b, bool make_tap, pst_status want, const char *words)
{
    pst_bridge_options options = {.size = sizeof options, .port = {a, b}, .make_tap = {make_tap, make_tap}};
    pst_bridge *bridge = (pst_bridge *)f;
    fixture_forget();
    pst_status status = pst_bridge_open(f->net, &options, &bridge);
    CHECK_EQ(status, want);
    CHECK(bridge == NULL);
    CHECK(fixture_said(words));
    pst_bridge_close(bridge);
}

TEST(wrong_interfaces_are_refused_by_name)
{
    net_fixture f;
    if (!fixture_open(&f)) return;
    check_refused(&f, "nosuch", "m1", false, PST_E_NOTFOUND, "nosuch: there is no such interface");
    check_refused(&f, "m0", "nosuch", false, PST_E_NOTFOUND, "nosuch: there is no such interface");
    check_refused(&f, "m0", "m0", false, PST_E_INVALID, "m0: both ends of the bridge are the same interface");
    check_refused(&f, "", NULL, true, PST_E_INVALID, "name of the interface is empty");
    check_refused(&f, NULL, NULL, true, PST_E_INVALID, "needs the name of an interface");
    check_refused(&f, "pt%d", NULL, true, PST_E_NOTFOUND, "pt%d: no interface can have this name");
    check_refused(&f, "../../etc", NULL, true, PST_E_NOTFOUND, "no interface can have this name");
    check_refused(&f, "a-name-that-is-too-long", NULL, true, PST_E_NOTFOUND, "no interface name is longer than 15");
    check_refused(&f, "lo", "m1", false, PST_E_INVALID, "lo: the loopback interface can be watched");
    CHECK(!netns_is_promiscuous(f.middle, "m0"));
    fixture_close(&f);
    CHECK(fixture_left_nothing());
}

TEST(an_interface_that_is_not_ethernet_is_refused)
{
    net_fixture f;
    if (!fixture_open_tap(&f)) return;
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI, .ifr_name = "ptun0"};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0);
    check_refused(&f, "ptun0", "m1", false, PST_E_INVALID, "ptun0: not an Ethernet interface");
    close(fd);
    fixture_close(&f);
}

TEST(an_interface_that_is_down_or_addressed_is_warned_of)
{
    net_fixture f;
    if (!fixture_open(&f)) return;
    CHECK(netns_set_up(f.middle, "m0", false));
    CHECK(netns_address(f.middle, "m1", "10.78.0.1"));
    pst_bridge_options options = {.size = sizeof options, .port = {"m0", "m1"}};
    CHECK_EQ(pst_bridge_open(f.net, &options, &f.bridge), PST_OK);
    CHECK(fixture_said("m0: the interface is down"));
    CHECK(fixture_said("m1: the interface has an IP address"));
    fixture_close(&f);
}

TEST(a_headroom_beyond_reason_is_refused)
{
    net_fixture f;
    if (!fixture_open(&f)) return;
    pst_bridge_options options = {.size = sizeof options, .port = {"m0", "m1"}, .headroom = 1u << 20};
    CHECK_EQ(pst_bridge_open(f.net, &options, &f.bridge), PST_E_INVALID);
    CHECK(fixture_said("headroom"));
    options = (pst_bridge_options){.port = {"m0", "m1"}};
    CHECK_EQ(pst_bridge_open(f.net, &options, &f.bridge), PST_E_INVALID);
    fixture_close(&f);
}

TEST(links_need_an_open_port_that_is_free)
{
    net_fixture f;
    if (!fixture_open_bridge(&f)) return;
    int program = fixture_load(&f, "r0 = 2\nexit\n");
    CHECK(fixture_link(&f, program, 99999, 0) < 0);
    CHECK(fixture_said("no bridge is open on the interface with index 99999"));
    uint32_t m0 = pst_bridge_ifindex(f.bridge, 0);
    CHECK(fixture_link(&f, program, m0, 1u << 3) < 0);
    CHECK(fixture_said("XDP_FLAGS_HW_MODE"));
    CHECK(fixture_link(&f, program, m0, 1u << 20) < 0);
    CHECK(fixture_attach(&f, program, 0));
    CHECK_EQ(fixture_link(&f, program, m0, 0), -PST_EBUSY);
    CHECK(fixture_said("m0: a program is attached already"));
    fixture_detach(&f, 0);
    CHECK(fixture_attach(&f, program, 0)); // free again
    fixture_close(&f);
}

// The child has given up its capabilities, so the fixture of the parent is of no use to it.
static int without_rights(const char *a, const char *b, bool make_tap)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    if (syscall(SYS_capset, &header, none) != 0) return 2;
    pst_core *core;
    pst_net *net;
    pst_bridge *bridge;
    pst_core_options options = {.size = sizeof options};
    pst_bridge_options ports = {.size = sizeof ports, .port = {a, b}, .make_tap = {make_tap, make_tap}};
    if (pst_core_create(fixture_env(), &options, &core) != PST_OK || pst_net_create(fixture_env(), core, &net) != PST_OK) return 3;
    pst_status status = pst_bridge_open(net, &ports, &bridge);
    bool said = fixture_said(make_tap ? "TAP device" : "CAP_NET_RAW") && fixture_said(a);
    pst_net_free(net);
    pst_core_free(core);
    return status == PST_E_DENIED && said ? 0 : 1;
}

static void check_without_rights(const char *a, const char *b, bool make_tap)
{
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        int code = without_rights(a, b, make_tap);
        fflush(stdout);
        _exit(code);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
}

TEST(missing_rights_are_named)
{
    net_fixture f;
    if (!fixture_open(&f)) return;
    check_without_rights("m0", "m1", false);
    if (access("/dev/net/tun", R_OK | W_OK) == 0) check_without_rights("pt0", NULL, true);
    fixture_close(&f);
}

// --- Each allocation fails once -------------------------------------------------------------------------------------

static unsigned g_allocations_left;

static void *fail_in_turn(void *user, void *ptr, size_t old_size, size_t new_size)
{
    if (new_size != 0 && new_size > old_size && g_allocations_left-- == 0) {
        g_allocations_left = UINT32_MAX; // the others work
        return NULL;
    }
    return fixture_env()->resize(fixture_env()->user, ptr, old_size, new_size);
}

static pst_status open_and_close(net_fixture *f, const pst_env *env, const char *second)
{
    pst_net *net;
    pst_bridge *bridge;
    pst_bridge_options options = {.size = sizeof options, .port = {"m0", second}, .make_tap = {false, true}};
    PST_TRY(pst_net_create(env, f->core, &net));
    pst_status status = pst_bridge_open(net, &options, &bridge);
    pst_bridge_close(bridge); // NULL after a failure
    pst_net_free(net);
    return status;
}

static void check_allocations(net_fixture *f, const char *second)
{
    pst_env env = {.resize = fail_in_turn, .log = fixture_env()->log, .user = NULL};
    unsigned failures = 0;
    for (;; failures++) {
        g_allocations_left = failures;
        pst_status status = open_and_close(f, &env, second);
        if (status == PST_OK) break;
        CHECK_EQ(status, PST_E_NOMEM);
        CHECK(!netns_is_promiscuous(f->middle, "m0"));
        if (failures == 100) break;
    }
    CHECK(failures > 5 && failures < 100);
}

TEST(each_allocation_may_fail)
{
    net_fixture f;
    if (!fixture_open(&f)) return;
    check_allocations(&f, "m1");
    if (access("/dev/net/tun", R_OK | W_OK) == 0) check_allocations(&f, "pt0");
    fixture_close(&f);
    CHECK(fixture_left_nothing());
}
