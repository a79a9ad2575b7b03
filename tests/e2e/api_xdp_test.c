// api_xdp_test.c: the library's ways to attach to a port: bpf_xdp_attach, which keeps no link, and bpf_link__*, on a real interface.
#include <errno.h>
#include <unistd.h>

#include "bpf/bpf.h"
#include "bpf/libbpf.h"
#include "harness.h"
#include "netns.h"
#include "postern/postern.h"

#define OBJECT     PST_SOURCE_DIR "/tests/unit/api/data/api.bpf.o"
#define IF_NOEXIST 1u // XDP_FLAGS_UPDATE_IF_NOEXIST

typedef struct port {
    struct postern_bridge *bridge;
    int ifindex;
    struct bpf_object *object;
    struct bpf_program *count, *other; // loaded
    int peer;                        // the namespace of the other end
} port;

static bool fail(const char *what)
{
    pst_test_fail(__FILE__, __LINE__, "%s: %s", what, postern_last_error());
    return false;
}

static bool open_port(port *p)
{
    const char *why;
    libbpf_set_print(NULL);
    if (!netns_enter(&why)) {
        pst_test_skip(why);
        return false;
    }
    *p = (port){.peer = netns_new()};
    struct postern_bridge_options options = {.size = sizeof options, .port = {"m0"}};
    if (!netns_veth(p->peer, "c0", 1, netns_current(), "m0", 2)) return fail("no pair of interfaces");
    p->bridge = postern_bridge_open(&options);
    if (!p->bridge) return fail("no bridge");
    p->ifindex = (int)postern_bridge_ifindex(p->bridge, 0);
    p->object = bpf_object__open(OBJECT);
    if (!p->object) return fail("no object");
    p->count = bpf_object__find_program_by_name(p->object, "count");
    p->other = bpf_object__find_program_by_name(p->object, "tail_target");
    struct bpf_program *prog;
    bpf_object__for_each_program(prog, p->object) bpf_program__set_autoload(prog, prog == p->count || prog == p->other);
    CHECK_EQ(bpf_object__load(p->object), 0);
    return true;
}

static void close_port(port *p)
{
    postern_bridge_close(p->bridge);
    bpf_object__close(p->object);
    netns_delete(netns_current(), "m0");
    close(p->peer);
    postern_shutdown();
}

static uint32_t attached(const port *p)
{
    uint32_t id = 0;
    CHECK_EQ(bpf_xdp_query_id(p->ifindex, 0, &id), 0);
    return id;
}

static uint32_t id_of(const struct bpf_program *prog)
{
    struct bpf_prog_info info = {0};
    uint32_t size = sizeof info;
    CHECK_EQ(bpf_prog_get_info_by_fd(bpf_program__fd(prog), &info, &size), 0);
    return info.id;
}

TEST(xdp_is_attached_replaced_and_detached_without_a_link)
{
    port p;
    if (!open_port(&p)) return;
    int count = bpf_program__fd(p.count), other = bpf_program__fd(p.other);
    LIBBPF_OPTS(bpf_xdp_attach_opts, in_place_of_other, .old_prog_fd = other);
    LIBBPF_OPTS(bpf_xdp_attach_opts, in_place_of_count, .old_prog_fd = count);
    LIBBPF_OPTS(bpf_xdp_attach_opts, in_place_of_nothing, .old_prog_fd = 12345);
    CHECK_EQ(attached(&p), 0);
    CHECK_EQ(bpf_xdp_detach(p.ifindex, 0, NULL), 0); // nothing is there: nothing to do
    CHECK_EQ(bpf_xdp_attach(p.ifindex, count, 0, &in_place_of_other), -EEXIST);
    CHECK_EQ(bpf_xdp_detach(p.ifindex, 0, &in_place_of_other), -EEXIST);
    CHECK_EQ(bpf_xdp_attach(p.ifindex, count, IF_NOEXIST, NULL), 0);
    CHECK_EQ(attached(&p), id_of(p.count));
    CHECK_EQ(bpf_xdp_attach(p.ifindex, other, IF_NOEXIST, NULL), -EBUSY);
    CHECK_EQ(bpf_xdp_attach(p.ifindex, other, 0, &in_place_of_other), -EEXIST);
    CHECK_EQ(bpf_xdp_attach(p.ifindex, other, 0, &in_place_of_nothing), -EBADF);
    CHECK_EQ(attached(&p), id_of(p.count));
    CHECK_EQ(bpf_xdp_attach(p.ifindex, other, 0, &in_place_of_count), 0);
    CHECK_EQ(attached(&p), id_of(p.other));
    CHECK_EQ(bpf_xdp_attach(p.ifindex, count, 0, NULL), 0);
    // Who names the program that is to go takes no other one off.
    CHECK_EQ(bpf_xdp_detach(p.ifindex, 0, &in_place_of_other), -EEXIST);
    CHECK_EQ(attached(&p), id_of(p.count));
    CHECK_EQ(bpf_xdp_detach(p.ifindex, 0, &in_place_of_count), 0);
    CHECK_EQ(attached(&p), 0);
    CHECK_EQ(bpf_xdp_attach(p.ifindex, 12345, 0, NULL), -EBADF);
    close_port(&p);
}

TEST(links_are_updated_pinned_and_found_again)
{
    port p;
    if (!open_port(&p)) return;
    struct bpf_link *link = bpf_program__attach_xdp(p.count, p.ifindex);
    REQUIRE(link);
    CHECK(bpf_link__fd(link) > 0);
    CHECK_EQ(attached(&p), id_of(p.count));
    CHECK_EQ(bpf_xdp_attach(p.ifindex, bpf_program__fd(p.other), 0, NULL), -EBUSY); // the link has the port
    CHECK_EQ(bpf_link__update_program(link, p.other), 0);
    CHECK_EQ(attached(&p), id_of(p.other));
    CHECK(bpf_link__update_program(link, bpf_object__find_program_by_name(p.object, "perf")) == -EINVAL); // not loaded
    CHECK(bpf_link__unpin(link) == -EINVAL);
    CHECK(bpf_link__pin(link, NULL) == -EINVAL);
    CHECK_EQ(bpf_link__pin(link, "/sys/fs/bpf/link"), 0);
    CHECK_STR(bpf_link__pin_path(link), "/sys/fs/bpf/link");
    CHECK(bpf_link__pin(link, "/sys/fs/bpf/other") == -EBUSY);
    CHECK_EQ(bpf_link__destroy(link), 0);
    CHECK_EQ(attached(&p), id_of(p.other)); // the pin keeps it
    link = bpf_link__open("/sys/fs/bpf/link");
    REQUIRE(link);
    CHECK_EQ(bpf_link__unpin(link), 0);
    CHECK(!bpf_link__open("/sys/fs/bpf/link") && errno == ENOENT);
    CHECK_EQ(attached(&p), id_of(p.other));
    CHECK_EQ(bpf_link__detach(link), 0);
    CHECK_EQ(attached(&p), 0);
    CHECK_EQ(bpf_link__destroy(link), 0);
    // A link that its owner let go stays.
    link = bpf_program__attach_xdp(p.count, p.ifindex);
    REQUIRE(link);
    bpf_link__disconnect(link);
    CHECK_EQ(bpf_link__destroy(link), 0);
    CHECK_EQ(attached(&p), id_of(p.count));
    close_port(&p);
}
