// plan_test.c: what a request carries, what it never carries, and that no pointer of a client stays in it.
#include "harness.h"

#include "base/bits.h"
#include "wire/wire.h"

#define ADDRESS 0x7f0000001000ull

typedef struct world {
    wire_shape shape;
    bool is_handle;
    const uint8_t *bytes;
} world;

static bool shape_of(void *user, uint32_t handle, wire_shape *out)
{
    const world *w = user;
    *out = w->shape;
    return w->is_handle && handle != 0;
}

static uint32_t string_size(void *user, uint32_t index, uint64_t ptr)
{
    (void)user, (void)index;
    return ptr == ADDRESS ? 9 : 0;
}

static const uint8_t *bytes_of(void *user, uint32_t index, uint64_t ptr, uint64_t size)
{
    (void)index, (void)ptr, (void)size;
    return ((const world *)user)->bytes;
}

static wire_verdict plan_of(uint32_t cmd, const pst_bpf_attr *attr, world *w, wire_plan *plan)
{
    const wire_side side = {.user = w, .shape = shape_of, .string_size = string_size, .bytes = bytes_of};
    return wire_plan_make(cmd, attr, &side, plan);
}

TEST(a_lookup_carries_a_key_and_brings_a_value)
{
    world w = {.shape = {.kind = PST_OBJECT_MAP, .map_type = PST_MAP_PERCPU_ARRAY, .key_size = 4, .value_size = 64}, .is_handle = true};
    pst_bpf_attr attr = {.map_fd = 5, .key = ADDRESS, .value = ADDRESS + 64};
    wire_plan plan;
    CHECK(plan_of(PST_BPF_MAP_LOOKUP_ELEM, &attr, &w, &plan) == WIRE_OK);
    CHECK_EQ(plan.count, 2);
    CHECK_EQ(plan.segments[0].size, 4);
    CHECK_EQ(plan.segments[0].dir, WIRE_IN);
    CHECK_EQ(plan.segments[1].size, 64); // of all CPUs
    CHECK(plan.segments[1].dir & WIRE_OUT);
    CHECK(!plan.makes_handle);
    CHECK_EQ(wire_used_bytes(&plan.segments[1], &attr, 0, NULL), 64);
    CHECK_EQ(wire_used_bytes(&plan.segments[1], &attr, -PST_ENOENT, NULL), 0);
}

TEST(what_is_no_handle_carries_nothing_and_keeps_no_pointer)
{
    world w = {0};
    pst_bpf_attr attr = {.map_fd = 5, .key = ADDRESS, .value = ADDRESS};
    wire_plan plan;
    CHECK(plan_of(PST_BPF_MAP_UPDATE_ELEM, &attr, &w, &plan) == WIRE_OK);
    CHECK_EQ(plan.count, 0);
    wire_pointers_clear(PST_BPF_MAP_UPDATE_ELEM, &plan, &attr, NULL, NULL);
    CHECK_EQ(attr.key, 0);
    CHECK_EQ(attr.value, 0);
    // A program where a map is meant is no map.
    w = (world){.shape = {.kind = PST_OBJECT_PROG}, .is_handle = true};
    attr.key = ADDRESS;
    CHECK(plan_of(PST_BPF_MAP_UPDATE_ELEM, &attr, &w, &plan) == WIRE_OK);
    CHECK_EQ(plan.count, 0);
}

TEST(batches_carry_as_many_as_their_count_says)
{
    world w = {.shape = {.kind = PST_OBJECT_MAP, .map_type = PST_MAP_HASH, .key_size = 12, .value_size = 20}, .is_handle = true};
    pst_bpf_attr attr = {.batch = {.in_batch = ADDRESS, .out_batch = ADDRESS, .keys = ADDRESS, .values = ADDRESS, .count = 10, .map_fd = 3}};
    wire_plan plan;
    CHECK(plan_of(PST_BPF_MAP_LOOKUP_BATCH, &attr, &w, &plan) == WIRE_OK);
    CHECK_EQ(plan.count, 4);
    CHECK_EQ(plan.segments[0].size, 4); // a hash's cursor is a bucket's number
    CHECK_EQ(plan.segments[2].size, 120);
    CHECK_EQ(plan.segments[3].size, 200);
    attr.batch.count = 3; // done, when there are no more
    CHECK_EQ(wire_used_bytes(&plan.segments[2], &attr, -PST_ENOENT, NULL), 36);
    CHECK_EQ(wire_used_bytes(&plan.segments[3], &attr, -PST_EFAULT, NULL), 0);
    attr.batch.count = 1000; // a core that claims more than there is room for
    CHECK_EQ(wire_used_bytes(&plan.segments[2], &attr, 0, NULL), 120);
    w.shape.map_type = PST_MAP_LPM_TRIE;
    attr.batch.count = 10;
    CHECK(plan_of(PST_BPF_MAP_LOOKUP_BATCH, &attr, &w, &plan) == WIRE_OK);
    CHECK_EQ(plan.segments[0].size, 12);
}

TEST(sizes_have_a_limit_and_do_not_wrap)
{
    world w = {.shape = {.kind = PST_OBJECT_MAP, .map_type = PST_MAP_HASH, .key_size = UINT32_MAX, .value_size = UINT32_MAX}, .is_handle = true};
    pst_bpf_attr attr = {.batch = {.keys = ADDRESS, .values = ADDRESS, .count = UINT32_MAX, .map_fd = 3}};
    wire_plan plan;
    CHECK(plan_of(PST_BPF_MAP_UPDATE_BATCH, &attr, &w, &plan) == WIRE_TOO_LARGE);
    attr = (pst_bpf_attr){.btf = ADDRESS, .btf_size = UINT32_MAX};
    CHECK(plan_of(PST_BPF_BTF_LOAD, &attr, &w, &plan) == WIRE_TOO_LARGE);
    CHECK(plan_of(12345, &attr, &w, &plan) == WIRE_UNKNOWN);
    attr = (pst_bpf_attr){.pathname = 1};
    CHECK(plan_of(PST_BPF_OBJ_GET, &attr, &w, &plan) == WIRE_BAD_STRING);
}

TEST(arrays_of_an_info_struct_are_segments_of_their_own)
{
    pst_bpf_prog_info info = {.xlated_prog_len = 80, .xlated_prog_insns = ADDRESS, .nr_map_ids = 3, .map_ids = ADDRESS, .jited_prog_insns = ADDRESS};
    world w = {.shape = {.kind = PST_OBJECT_PROG}, .is_handle = true, .bytes = (const uint8_t *)&info};
    pst_bpf_attr attr = {.info = {.bpf_fd = 3, .info_len = sizeof info, .info = ADDRESS}};
    wire_plan plan;
    CHECK(plan_of(PST_BPF_OBJ_GET_INFO_BY_FD, &attr, &w, &plan) == WIRE_OK);
    CHECK_EQ(plan.count, 4);
    CHECK_EQ(plan.segments[1].size, 0); // no machine code is asked for
    CHECK_EQ(plan.segments[2].size, 80);
    CHECK_EQ(plan.segments[3].size, 12);
    CHECK_EQ(plan.segments[3].parent, 0);
    // An old caller's struct ends before the arrays: the rest of it is not looked at.
    attr.info.info_len = offsetof(pst_bpf_prog_info, map_ids);
    CHECK(plan_of(PST_BPF_OBJ_GET_INFO_BY_FD, &attr, &w, &plan) == WIRE_OK);
    CHECK_EQ(plan.count, 3);
    // For another kind the same bytes point at nothing, and nothing of them is left to follow.
    w.shape.kind = PST_OBJECT_BTF;
    attr.info.info_len = sizeof(pst_bpf_btf_info);
    pst_bpf_btf_info types = {.btf = 0, .name = ADDRESS, .name_len = 0};
    w.bytes = (const uint8_t *)&types;
    CHECK(plan_of(PST_BPF_OBJ_GET_INFO_BY_FD, &attr, &w, &plan) == WIRE_OK);
    plan.count = 1; // as if the name had no segment
    wire_pointers_clear(PST_BPF_OBJ_GET_INFO_BY_FD, &plan, &attr, &w.shape, (uint8_t *)&types);
    CHECK_EQ(types.name, 0);
}

static void add_hundred(void *user, int32_t *handle)
{
    ++*(int *)user;
    *handle += 100;
}

TEST(handles_are_found_wherever_they_stand)
{
    uint8_t insns[40] = {0x18, 0x11, 0, 0, 7, 0, 0, 0,   0x18, 0, 0, 0, 9, 0, 0, 0, // map 7; its second half looks like another one
                         0x18, 0x01, 0, 0, 5, 0, 0, 0,   0, 0, 0, 0, 0, 0, 0, 0,    // a number
                         0x95, 0, 0, 0, 0, 0, 0, 0};
    uint8_t *bytes[WIRE_SEGMENTS_MAX] = {insns};
    world w = {.bytes = insns};
    pst_bpf_attr attr = {.prog_type = PST_PROG_XDP, .insn_cnt = 5, .insns = ADDRESS, .prog_btf_fd = 4};
    wire_plan plan;
    int seen = 0;
    CHECK(plan_of(PST_BPF_PROG_LOAD, &attr, &w, &plan) == WIRE_OK);
    wire_handles(PST_BPF_PROG_LOAD, &attr, &plan, bytes, NULL, add_hundred, &seen);
    CHECK_EQ(seen, 2);
    CHECK_EQ(insns[4], 107);
    CHECK_EQ(insns[12], 9);
    CHECK_EQ(insns[20], 5);
    CHECK_EQ(attr.prog_btf_fd, 104);
    // In the values of a map of programs, but not of a map of numbers.
    wire_shape map = {.kind = PST_OBJECT_MAP, .map_type = PST_MAP_PROG_ARRAY, .key_size = 4, .value_size = 4};
    uint8_t key[4] = {0}, value[4] = {8};
    uint8_t *elem[WIRE_SEGMENTS_MAX] = {key, value};
    attr = (pst_bpf_attr){.map_fd = 3, .key = ADDRESS, .value = ADDRESS};
    w = (world){.shape = map, .is_handle = true};
    CHECK(plan_of(PST_BPF_MAP_UPDATE_ELEM, &attr, &w, &plan) == WIRE_OK);
    wire_handles(PST_BPF_MAP_UPDATE_ELEM, &attr, &plan, elem, &map, add_hundred, &seen);
    CHECK_EQ(value[0], 108);
    CHECK_EQ(attr.map_fd, 103);
    map.map_type = PST_MAP_ARRAY;
    wire_handles(PST_BPF_MAP_UPDATE_ELEM, &attr, &plan, elem, &map, add_hundred, &seen);
    CHECK_EQ(value[0], 108);
}
