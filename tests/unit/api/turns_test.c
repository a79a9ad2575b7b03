// turns_test.c: programs whose loops the host bounds, from an object to their results.
#include "fixture.h"

#define TURNS_OBJECT PST_SOURCE_DIR "/tests/unit/api/data/turns.bpf.o"

static struct bpf_object *open_turns(void)
{
    quiet();
    struct bpf_object *obj = bpf_object__open(TURNS_OBJECT);
    if (obj && bpf_object__load(obj) != 0) pst_test_fail(__FILE__, __LINE__, "%s", postern_last_error());
    return obj;
}

// What the program left in the variable total.
static uint64_t total_of(struct bpf_object *obj, const char *name, const void *packet, uint32_t size)
{
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = size);
    CHECK_EQ(bpf_prog_test_run_opts(bpf_program__fd(bpf_object__find_program_by_name(obj, name)), &opts), 0);
    CHECK_EQ(opts.retval, XDP_PASS);
    size_t bytes = 0;
    const uint64_t *total = bpf_map__initial_value(bpf_object__find_map_by_name(obj, ".bss"), &bytes);
    return total && bytes >= 8 ? total[0] : UINT64_MAX;
}

TEST(callbacks_and_iterators_run)
{
    uint8_t packet[70];
    struct bpf_object *obj = open_turns();
    REQUIRE(obj);
    for (unsigned i = 0; i < sizeof packet; i++) packet[i] = (uint8_t)i;
    CHECK_EQ(total_of(obj, "looped", packet, sizeof packet), 45 * 100 + 10);
    struct bpf_map *prices = bpf_object__find_map_by_name(obj, "prices");
    for (uint32_t key = 1; key <= 3; key++) {
        uint64_t price = 10;
        CHECK_EQ(bpf_map__update_elem(prices, &key, sizeof key, &price, sizeof price, BPF_ANY), 0);
    }
    CHECK_EQ(total_of(obj, "walked", packet, sizeof packet), 60 * 100 + 3);
    CHECK_EQ(total_of(obj, "walked", packet, sizeof packet), 66 * 100 + 3); // each price rose by one
    CHECK_EQ(total_of(obj, "iterated", packet, sizeof packet), 63 * 64 / 2);
    CHECK_EQ(total_of(obj, "iterated", packet, 20), 19 * 20 / 2); // the packet ends first
    (void)total_of(obj, "careful", packet, sizeof packet);
    bpf_object__close(obj);
}
