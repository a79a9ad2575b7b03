// prog_test.c: programs: loading, refusals, test runs, tail calls, subprograms, maps in programs, statistics, traps.
#include "core_fixture.h"

#include "core/engines.h"
#include "program/image.h"

static char g_text[4096];

#define TEXT(...) (snprintf(g_text, sizeof g_text, __VA_ARGS__), g_text)

TEST(a_program_returns_a_number)
{
    core_fixture f;
    uint32_t retval = 0;
    fixture_open(&f);
    int64_t fd = prog_load_text(&f, PST_PROG_SAMPLE, "r0 = 42; exit");
    CHECK(fd >= 3);
    CHECK_EQ(prog_run_sample(&f, fd, &retval), 0);
    CHECK_EQ(retval, 42);
    fixture_close(&f);
}

TEST(a_program_reads_its_packet)
{
    core_fixture f;
    uint32_t retval = 0;
    fixture_open(&f);
    int64_t fd = prog_load_text(&f, PST_PROG_XDP,
                                "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr0 = 0\nr4 = r2\nr4 += 14\nif r4 > r3 goto out\n"
                                "r0 = *(u8 *)(r2 + 13)\nout: exit");
    CHECK_EQ(prog_run_sample(&f, fd, &retval), 0);
    CHECK_EQ(retval, 13);
    fixture_close(&f);
}

TEST(maps_are_used_by_programs)
{
    core_fixture f;
    uint32_t key = 7, retval = 0;
    uint64_t value = 0;
    fixture_open(&f);
    int64_t map = map_create(&f, PST_MAP_HASH, 4, 8, 10, 0);
    int64_t fd = prog_load_text(&f, PST_PROG_SAMPLE,
                                TEXT("*(u32 *)(r10 - 4) = 7\n*(u64 *)(r10 - 16) = 99\nr1 = map[fd:%d]\nr2 = r10\nr2 += -4\nr3 = r10\n"
                                     "r3 += -16\nr4 = 0\ncall 2\nr1 = map[fd:%d]\nr2 = r10\nr2 += -4\ncall 1\nif r0 == 0 goto out\n"
                                     "r1 = *(u64 *)(r0 + 0)\nr1 += 1\n*(u64 *)(r0 + 0) = r1\nr0 = r1\nr0 &= 127\nout: exit",
                                     (int)map, (int)map));
    CHECK_EQ(prog_run_sample(&f, fd, &retval), 0);
    CHECK_EQ(retval, 100);
    CHECK_EQ(map_lookup(&f, map, &key, &value), 0);
    CHECK_EQ(value, 100);
    // The program keeps the map.
    CHECK_EQ(pst_core_close(f.client, (int)map), 0);
    CHECK_EQ(prog_run_sample(&f, fd, &retval), 0);
    CHECK_EQ(retval, 100);
    fixture_close(&f);
}

TEST(global_data_is_addressed_directly)
{
    core_fixture f;
    uint32_t key = 0, retval = 0, value[4] = {1, 2, 3, 4};
    fixture_open(&f);
    int64_t map = map_create(&f, PST_MAP_ARRAY, 4, 16, 1, PST_F_RDONLY_PROG);
    CHECK_EQ(map_update(&f, map, &key, value, 0), 0);
    int64_t fd = prog_load_text(&f, PST_PROG_SAMPLE, TEXT("r1 = map[fd:%d][0]+8\nr0 = *(u8 *)(r1 + 0)\nexit", (int)map));
    CHECK_EQ(prog_run_sample(&f, fd, &retval), 0);
    CHECK_EQ(retval, 3);
    // Read-only for programs: nobody proves the write.
    fd = prog_load_as(&f, PST_PROG_SAMPLE, 0, "writes", TEXT("r1 = map[fd:%d][0]+8\n*(u32 *)(r1 + 0) = 5\nr0 = 0\nexit", (int)map));
    CHECK_EQ(fd, -PST_EACCES);
    CHECK(strstr(pst_client_error(f.client), "instruction 2") && strstr(pst_client_error(f.client), "may only read"));
    fixture_close(&f);
}

TEST(subprograms_are_called)
{
    core_fixture f;
    uint32_t retval = 0;
    fixture_open(&f);
    int64_t fd = prog_load_text(&f, PST_PROG_SAMPLE, "r1 = 5\ncall pc+2\nr0 += 1\nexit\nr0 = r1\nr0 *= 2\nexit");
    CHECK_EQ(prog_run_sample(&f, fd, &retval), 0);
    CHECK_EQ(retval, 11);
    fixture_close(&f);
}

// A program that counts in a global and tail-calls itself stops at the limit: it runs 1 + 33 times.
TEST(tail_calls_stop_at_33)
{
    core_fixture f;
    uint32_t zero = 0, retval = 0, runs = 0;
    fixture_open(&f);
    int64_t count = map_create(&f, PST_MAP_ARRAY, 4, 4, 1, 0), jumps = map_create(&f, PST_MAP_PROG_ARRAY, 4, 4, 2, 0);
    int64_t fd = prog_load_text(&f, PST_PROG_SAMPLE,
                                TEXT("r6 = r1\nr1 = map[fd:%d][0]+0\nr2 = *(u32 *)(r1 + 0)\nr2 += 1\n*(u32 *)(r1 + 0) = r2\n"
                                     "r1 = r6\nr2 = map[fd:%d]\nr3 = 0\ncall 12\nr0 = 77\nexit",
                                     (int)count, (int)jumps));
    CHECK_EQ(map_update(&f, jumps, &zero, &(uint32_t){(uint32_t)fd}, 0), 0);
    CHECK_EQ(prog_run_sample(&f, fd, &retval), 0);
    CHECK_EQ(retval, 77);
    CHECK_EQ(map_lookup(&f, count, &zero, &runs), 0);
    CHECK_EQ(runs, 34);
    // The program in the array uses the array: closing the handles must break the cycle (fixture_close counts).
    fixture_close(&f);
}

TEST(a_tail_call_into_an_empty_slot_falls_through)
{
    core_fixture f;
    uint32_t retval = 0;
    fixture_open(&f);
    int64_t jumps = map_create(&f, PST_MAP_PROG_ARRAY, 4, 4, 2, 0);
    int64_t fd = prog_load_text(&f, PST_PROG_SAMPLE, TEXT("r2 = map[fd:%d]\nr3 = 5\ncall 12\nr0 = 3\nexit", (int)jumps));
    CHECK_EQ(prog_run_sample(&f, fd, &retval), 0);
    CHECK_EQ(retval, 3);
    fixture_close(&f);
}

TEST(prog_arrays_take_one_kind_of_program)
{
    core_fixture f;
    uint32_t zero = 0, id = 0;
    fixture_open(&f);
    int64_t jumps = map_create(&f, PST_MAP_PROG_ARRAY, 4, 4, 2, 0);
    uint32_t sample = (uint32_t)prog_load_text(&f, PST_PROG_SAMPLE, "r0 = 0; exit");
    uint32_t xdp = (uint32_t)prog_load_text(&f, PST_PROG_XDP, "r0 = 0; exit"), not_prog = (uint32_t)jumps, bad = 9999;
    CHECK_EQ(map_lookup(&f, jumps, &zero, &id), -PST_ENOENT);
    CHECK_EQ(map_delete(&f, jumps, &zero), -PST_ENOENT);
    CHECK_EQ(map_update(&f, jumps, &zero, &sample, PST_BPF_NOEXIST), -PST_EINVAL);
    CHECK_EQ(map_update(&f, jumps, &zero, &sample, 0), 0);
    CHECK_EQ(map_update(&f, jumps, &zero, &xdp, 0), -PST_EINVAL);
    CHECK_EQ(map_update(&f, jumps, &zero, &not_prog, 0), -PST_EINVAL);
    CHECK_EQ(map_update(&f, jumps, &zero, &bad, 0), -PST_EBADF);
    CHECK_EQ(map_update(&f, jumps, &(uint32_t){2}, &sample, 0), -PST_E2BIG);
    CHECK_EQ(map_delete(&f, jumps, &(uint32_t){2}), -PST_E2BIG);
    CHECK_EQ(map_lookup(&f, jumps, &zero, &id), 0);
    CHECK_EQ(id, 1);
    // A program of another type cannot even use the array.
    CHECK_EQ(prog_load_as(&f, PST_PROG_XDP, 0, "x", TEXT("r2 = map[fd:%d]\nr3 = 0\ncall 12\nr0 = 0\nexit", (int)jumps)), -PST_EINVAL);
    CHECK_EQ(map_delete(&f, jumps, &zero), 0);
    CHECK_EQ(map_delete(&f, jumps, &zero), -PST_ENOENT);
    fixture_close(&f);
}

TEST(refused_programs_say_why)
{
    core_fixture f;
    pst_slot exit_slot = {.opcode = 0x95}, bad_slot = {.opcode = 0xff};
    char log[256] = "";
    fixture_open(&f);
    pst_bpf_attr base = {.prog_type = PST_PROG_XDP, .insn_cnt = 1, .insns = PTR(&exit_slot), .license = PTR("GPL")};
    pst_bpf_attr attr = base;
    attr.insn_cnt = 0;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_E2BIG);
    attr = base;
    attr.insn_cnt = PST_INSNS_MAX + 1;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_E2BIG);
    attr = base;
    attr.prog_type = 12345;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_EINVAL);
    attr = base;
    attr.prog_type = PST_PROG_SK_MSG;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_EINVAL);
    CHECK(strstr(pst_client_error(f.client), "nothing on this host runs it") != NULL);
    attr = base;
    attr.insns = 0;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_EFAULT);
    attr = base;
    attr.prog_flags = 1u << 31;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_EINVAL);
    attr = base;
    attr.prog_ifindex = 1;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_EINVAL);
    attr = base;
    memcpy(attr.prog_name, "a-b", 4);
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_EINVAL);
    attr = base;
    memset(attr.prog_name, 'a', sizeof attr.prog_name);
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_EINVAL);
    attr = base;
    attr.log_level = 1;
    attr.log_size = 10;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_EINVAL);
    attr = base;
    attr.insns = PTR(&bad_slot);
    attr.log_level = 1;
    attr.log_size = sizeof log;
    attr.log_buf = PTR(log);
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_EINVAL);
    CHECK(strstr(log, "instruction 0") != NULL);
    CHECK_EQ(attr.log_true_size, strlen(log) + 1);
    attr.log_size = 8; // cut, but terminated
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_EINVAL);
    CHECK_EQ(strlen(log), 7);
    attr = base;
    attr.attach_btf_id = 1;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_EINVAL);
    CHECK_EQ(prog_load_as(&f, PST_PROG_XDP, 0, "x", "r1 = map[fd:77]\nr0 = 0\nexit"), -PST_EBADF);
    fixture_close(&f);
}

typedef struct unsafe_case {
    int error;
    const char *text, *sentence, *log; // parts of both
} unsafe_case;

TEST(unsafe_programs_are_refused)
{
    static const unsafe_case cases[] = {
        {PST_EACCES, "r1 = 4096\nr0 = *(u64 *)(r1 + 0)\nexit", "instruction 1: ", "\nknown: "},
        {PST_EACCES, "r2 = *(u64 *)(r1 + 0)\nr0 = *(u8 *)(r2 + 0)\nexit", "instruction 1: ", "\nneeded: "},
        {PST_EACCES, "r0 = r3\nexit", "instruction 0: r3 is read", "\nhint: "},
        {PST_EACCES, "r0 = 1000\nexit", "instruction 1: r0 may be outside", "needed: a number from -1 to 255"},
        {PST_EOPNOTSUPP, "call 999\nr0 = 0\nexit", "instruction 0: ", "0: call 999"},
        {PST_EACCES, "r2 = 0\ncall 44\nr0 = 0\nexit", "instruction 1: ", "1: call "},
        {PST_EACCES, "r0 = 0\nr1 = *(u32 *)(r1 + 40)\nagain: if r1 != 5 goto again\nexit", "loop", NULL},
        {PST_EINVAL, "r0 = 0\nexit\nr0 = 1\nexit", NULL, NULL},
    };
    core_fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < PST_COUNT(cases); i++) {
        const unsafe_case *c = &cases[i];
        CHECK_EQ(prog_load_as(&f, PST_PROG_SAMPLE, 0, "unsafe", c->text), -c->error);
        CHECK(strstr(pst_client_error(f.client), "program \"unsafe\" is not proved safe: ") == pst_client_error(f.client));
        CHECK(!c->sentence || strstr(pst_client_error(f.client), c->sentence));
        CHECK(!c->log || strstr(f.log, c->log));
        CHECK(strstr(f.log, pst_client_error(f.client)) != NULL); // the log ends with the sentence
    }
    // Linux's sentence in the log of a program that is accepted.
    CHECK(prog_load_as(&f, PST_PROG_SAMPLE, 0, "safe", "r0 = 0\nexit") >= 3);
    CHECK(strstr(f.log, "processed 2 insns") != NULL);
    fixture_close(&f);
}

TEST(a_proved_program_that_nothing_runs_is_refused)
{
    core_fixture f;
    fixture_open(&f);
    // A helper that Linux has and this core has not.
    CHECK_EQ(prog_load_as(&f, PST_PROG_SAMPLE, 0, "ahead", "call 80\nr0 = 0\nexit"), -PST_EOPNOTSUPP);
    CHECK_STR(pst_client_error(f.client),
              "program \"ahead\" is proved safe, but cannot run: instruction 0 calls bpf_get_current_cgroup_id, which this host does not have yet");
    // Where no run gets to it, it does not matter.
    CHECK(prog_load_as(&f, PST_PROG_SAMPLE, 0, "careful", "r1 = 0\nif r1 == 0 goto out\ncall 80\nout: r0 = 0\nexit") >= 3);
    fixture_close(&f);
}

// The address of a stack slot as a number: Linux's rules for a privileged loader allow it, the strict ones do not.
TEST(a_strict_core_lets_no_address_out)
{
    static const char *const leak = "r0 = r10\nr0 &= 0\nexit", *const number = "r1 = r10\n*(u64 *)(r10 - 8) = r1\nr0 = *(u64 *)(r10 - 8)\nr0 -= r10\nr0 &= 1\nexit";
    core_fixture f;
    fixture_open(&f);
    CHECK(prog_load_as(&f, PST_PROG_SAMPLE, 0, "leak", number) >= 3);
    CHECK_EQ(prog_load_as(&f, PST_PROG_SAMPLE, 0, "mask", leak), -PST_EACCES); // no arithmetic of bits with pointers in any mode
    fixture_close(&f);
    fixture_open_strict(&f);
    CHECK_EQ(prog_load_as(&f, PST_PROG_SAMPLE, 0, "leak", number), -PST_EACCES);
    CHECK(prog_load_as(&f, PST_PROG_SAMPLE, 0, "plain", "r0 = 0\nexit") >= 3);
    fixture_close(&f);
}

TEST(a_budget_stops_a_run)
{
    core_fixture f;
    uint32_t retval = 1;
    fixture_open_with(&f, 1000);
    int64_t fd = prog_load_as(&f, PST_PROG_SAMPLE, 0, "endless", "r0 = 0\nr1 = 0\nagain: r1 += 1\nif r1 < 1000000 goto again\nexit");
    CHECK_EQ(prog_run_sample(&f, fd, &retval), -PST_EFAULT);
    CHECK(strstr(f.trap, "endless: the instruction budget is used up") == f.trap);
    CHECK_EQ(prog_run_sample(&f, prog_load_text(&f, PST_PROG_SAMPLE, "r0 = 7\nexit"), &retval), 0);
    CHECK_EQ(retval, 7);
    fixture_close(&f);
}

// A log that was cut takes the program with it, as on Linux: ENOSPC, and no handle is left.
TEST(a_log_without_room_gives_the_program_back)
{
    static const pst_slot slots[] = {{.opcode = 0xb7, .imm = 1}, {.opcode = 0x95}};
    core_fixture f;
    char log[512] = "";
    fixture_open(&f);
    pst_bpf_attr base = {.prog_type = PST_PROG_XDP, .insn_cnt = 2, .insns = PTR(slots), .license = PTR("GPL"),
                         .log_level = 1, .log_size = sizeof log, .log_buf = PTR(log)}, attr = base;
    int64_t fd = cmd(&f, PST_BPF_PROG_LOAD, &attr);
    CHECK(fd >= 3);
    uint32_t whole = attr.log_true_size;
    CHECK_EQ(pst_core_close(f.client, (int)fd), 0);
    attr = base;
    attr.log_size = 1;
    log[1] = '#';
    int64_t again = cmd(&f, PST_BPF_PROG_LOAD, &attr);
    CHECK_EQ(again, whole > 1 ? -PST_ENOSPC : fd);
    CHECK_EQ(attr.log_true_size, whole);
    CHECK(log[0] == '\0' && log[1] == '#');
    if (again >= 0) CHECK_EQ(pst_core_close(f.client, (int)again), 0);
    fixture_close(&f);
}

TEST(traps_are_reported_with_their_place)
{
    core_fixture f;
    uint32_t retval = 1;
    fixture_open(&f);
    pst_client_load_unproved(f.client);
    int64_t fd = prog_load_as(&f, PST_PROG_SAMPLE, 0, "culprit", "r1 = 4096\nr0 = *(u64 *)(r1 + 0)\nexit");
    CHECK_EQ(prog_run_sample(&f, fd, &retval), -PST_EFAULT);
    CHECK(strstr(f.trap, "culprit") == f.trap);
    CHECK(strstr(f.trap, "instruction 1") != NULL);
    CHECK(strstr(pst_client_error(f.client), "instruction 1") != NULL);
    fixture_close(&f);
}

TEST(test_run_follows_the_rules_of_sizes)
{
    core_fixture f;
    uint8_t in[64] = {0}, out[64], ctx[24] = {0};
    fixture_open(&f);
    int64_t fd = prog_load_text(&f, PST_PROG_XDP, "r0 = 2; exit");
    pst_bpf_attr base = {.test = {.prog_fd = (uint32_t)fd, .data_in = PTR(in), .data_size_in = sizeof in}}, attr = base;
    attr.test.data_size_in = 13;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_TEST_RUN, &attr), -PST_EINVAL);
    attr = base;
    attr.test.ctx_size_in = 24;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_TEST_RUN, &attr), -PST_EINVAL);
    attr = base;
    attr.test.ctx_out = PTR(ctx);
    CHECK_EQ(cmd(&f, PST_BPF_PROG_TEST_RUN, &attr), -PST_EINVAL);
    attr.test.ctx_size_out = 23;
    memset(ctx, 0xee, sizeof ctx);
    CHECK_EQ(cmd(&f, PST_BPF_PROG_TEST_RUN, &attr), -PST_ENOSPC);
    CHECK(attr.test.ctx_size_out == 24 && ctx[4] == 64 && ctx[23] == 0xee);
    memset(ctx, 0, sizeof ctx);
    attr = base;
    attr.test.flags = 2;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_TEST_RUN, &attr), -PST_EINVAL);
    attr = base;
    attr.test.batch_size = 2;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_TEST_RUN, &attr), -PST_EINVAL);
    attr = base;
    attr.test.prog_fd = 1234;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_TEST_RUN, &attr), -PST_EBADF);
    attr = base;
    attr.test.data_out = PTR(out);
    attr.test.data_size_out = 10;
    memset(out, 0xee, sizeof out);
    CHECK_EQ(cmd(&f, PST_BPF_PROG_TEST_RUN, &attr), -PST_ENOSPC);
    CHECK_EQ(attr.test.data_size_out, 64);
    CHECK_EQ(attr.test.retval, 2);
    CHECK_EQ(out[9], 0);
    CHECK_EQ(out[10], 0xee);
    // A context with metadata: data_in begins with 8 bytes of it.
    pst_bpf_attr meta = base;
    ctx[0] = 8;
    ctx[4] = sizeof in;
    meta.test.ctx_in = PTR(ctx);
    meta.test.ctx_size_in = sizeof ctx;
    meta.test.ctx_out = PTR(ctx);
    meta.test.ctx_size_out = sizeof ctx;
    meta.test.repeat = 100;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_TEST_RUN, &meta), 0);
    CHECK_EQ(meta.test.ctx_size_out, 24);
    CHECK_EQ(ctx[0], 8);
    CHECK_EQ(ctx[4], 64);
    ctx[8] = 1; // data_meta must be 0
    CHECK_EQ(cmd(&f, PST_BPF_PROG_TEST_RUN, &meta), -PST_EINVAL);
    fixture_close(&f);
}

#define SKB_SIZE 192

// Runs a program on an skb with that context, which comes back as the program left it.
static int64_t run_skb(core_fixture *f, int64_t prog, uint8_t *frame, uint32_t size, uint8_t *ctx, uint32_t ctx_size,
                       pst_bpf_attr *attr)
{
    *attr = (pst_bpf_attr){.test = {.prog_fd = (uint32_t)prog,
                                    .data_in = PTR(frame),
                                    .data_size_in = size,
                                    .data_out = PTR(frame),
                                    .data_size_out = size,
                                    .ctx_in = PTR(ctx),
                                    .ctx_size_in = ctx_size,
                                    .ctx_out = PTR(ctx),
                                    .ctx_size_out = ctx_size}};
    return cmd(f, PST_BPF_PROG_TEST_RUN, attr);
}

TEST(an_skb_has_the_fields_of_its_context)
{
    core_fixture f;
    uint8_t frame[64] = {[12] = 8, [63] = 5}, ctx[SKB_SIZE] = {0};
    pst_bpf_attr attr;
    fixture_open(&f);
    // Returns len + mark, and writes mark and cb[1].
    int64_t fd = prog_load_text(&f, PST_PROG_SCHED_CLS,
                                "r0 = *(u32 *)(r1 + 0)\nr2 = *(u32 *)(r1 + 8)\nr0 += r2\nr2 = 77\n*(u32 *)(r1 + 8) = "
                                "r2\n*(u32 *)(r1 + 52) = r2\nexit");
    ctx[8] = 3;   // mark
    ctx[40] = 2;  // ifindex
    ctx[152] = 9; // tstamp
    CHECK_EQ(run_skb(&f, fd, frame, sizeof frame, ctx, sizeof ctx, &attr), 0);
    CHECK_EQ(attr.test.retval, 64 + 3);
    CHECK_EQ(attr.test.data_size_out, 64);
    CHECK_EQ(frame[63], 5);
    CHECK_EQ(attr.test.ctx_size_out, SKB_SIZE);
    CHECK(ctx[8] == 77 && ctx[52] == 77 && ctx[152] == 9);
    CHECK(ctx[36] == 1 && ctx[40] == 2); // where it came in: the loopback device, as nothing else was said
    CHECK_EQ(ctx[160], 64);              // wire_len
    // A socket filter begins behind the link header, but the frame comes back whole.
    fd = prog_load_text(&f, PST_PROG_SOCKET_FILTER, "r0 = *(u32 *)(r1 + 0)\nexit");
    memset(ctx, 0, sizeof ctx);
    CHECK_EQ(run_skb(&f, fd, frame, sizeof frame, ctx, sizeof ctx, &attr), 0);
    CHECK_EQ(attr.test.retval, 50);
    CHECK_EQ(attr.test.data_size_out, 64);
    fixture_close(&f);
}

TEST(an_skb_knows_whom_it_is_for)
{
    static const struct {
        uint8_t destination[6];
        uint32_t type; // PACKET_HOST, BROADCAST, MULTICAST, OTHERHOST
    } cases[] = {{{0}, 0}, {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 1}, {{1, 0, 0x5e}, 2}, {{2, 0, 0, 0, 0, 1}, 3}};
    core_fixture f;
    uint32_t retval = 9;
    fixture_open(&f);
    int64_t type = prog_load_text(&f, PST_PROG_SCHED_CLS, "r0 = *(u32 *)(r1 + 4)\nexit");
    int64_t protocol = prog_load_text(&f, PST_PROG_SCHED_CLS, "r0 = *(u32 *)(r1 + 16)\nexit");
    for (size_t i = 0; i < PST_COUNT(cases); i++) {
        uint8_t frame[64] = {[12] = 0x86, [13] = 0xdd};
        memcpy(frame, cases[i].destination, 6);
        CHECK_EQ(prog_run(&f, type, frame, sizeof frame, &retval), 0);
        CHECK_EQ(retval, cases[i].type);
        CHECK_EQ(prog_run(&f, protocol, frame, sizeof frame, &retval), 0);
        CHECK_EQ(retval, 0xdd86); // in network order
    }
    fixture_close(&f);
}

TEST(contexts_that_cannot_be_are_refused)
{
    core_fixture f;
    static uint8_t frame[65537], ctx[SKB_SIZE + 8];
    pst_bpf_attr attr;
    fixture_open(&f);
    int64_t skb = prog_load_text(&f, PST_PROG_SCHED_CLS, "r0 = 0; exit"),
            xdp = prog_load_text(&f, PST_PROG_XDP, "r0 = 0; exit");
    memset(ctx, 0, sizeof ctx);
    CHECK_EQ(run_skb(&f, skb, frame, 13, ctx, SKB_SIZE, &attr), -PST_EINVAL);
    CHECK_EQ(run_skb(&f, skb, frame, 65537, ctx, SKB_SIZE, &attr), -PST_EINVAL);
    CHECK_EQ(run_skb(&f, skb, frame, 65536, ctx, SKB_SIZE, &attr), 0);
    // Each byte outside of the fields that may be set must be 0.
    for (uint32_t i = 0; i < SKB_SIZE; i++) {
        bool may = (i >= 8 && i < 12) || (i >= 32 && i < 44) || (i >= 48 && i < 68) || (i >= 152 && i < 168) ||
                   (i >= 176 && i < 180) || i >= 184;
        memset(ctx, 0, sizeof ctx);
        ctx[i] = 1;
        int64_t result = run_skb(&f, skb, frame, 64, ctx, SKB_SIZE, &attr);
        if (result != (may ? 0 : -PST_EINVAL))
            pst_test_fail(__FILE__, __LINE__, "byte %u of the context: %d", i, (int)result);
    }
    memset(ctx, 0, sizeof ctx);
    CHECK_EQ(run_skb(&f, skb, frame, 64, ctx, sizeof ctx, &attr), 0);
    memset(ctx, 0, sizeof ctx);
    ctx[SKB_SIZE] = 1;
    CHECK_EQ(run_skb(&f, skb, frame, 64, ctx, sizeof ctx, &attr), -PST_E2BIG);
    // xdp: the queue of no interface; metadata that is too long, or not in words.
    static const uint8_t wrong[][24] = {
        {[4] = 64, [16] = 1}, {0, [4] = 64, [20] = 1}, {6, [4] = 64}, {0, [4] = 63}, {68, [4] = 64}};
    for (size_t i = 0; i < PST_COUNT(wrong); i++) {
        memcpy(ctx, wrong[i], 24);
        CHECK_EQ(run_skb(&f, xdp, frame, 64, ctx, 24, &attr), -PST_EINVAL);
    }
    fixture_close(&f);
}

TEST(statistics_count_while_enabled)
{
    core_fixture f;
    uint32_t retval;
    fixture_open(&f);
    int64_t fd = prog_load_text(&f, PST_PROG_SAMPLE, "r0 = 0; exit");
    pst_bpf_prog_info info = {0};
    pst_bpf_attr get = {.info = {.bpf_fd = (uint32_t)fd, .info_len = sizeof info, .info = PTR(&info)}};
    CHECK_EQ(prog_run_sample(&f, fd, &retval), 0);
    pst_bpf_attr enable = {.enable_stats = {0}};
    int64_t stats = cmd(&f, PST_BPF_ENABLE_STATS, &enable);
    CHECK(stats >= 3);
    for (int i = 0; i < 5; i++) CHECK_EQ(prog_run_sample(&f, fd, &retval), 0);
    CHECK_EQ(pst_core_close(f.client, (int)stats), 0);
    CHECK_EQ(prog_run_sample(&f, fd, &retval), 0);
    CHECK_EQ(cmd(&f, PST_BPF_OBJ_GET_INFO_BY_FD, &get), 0);
    CHECK_EQ(info.run_cnt, 5);
    CHECK(info.run_time_ns > 0);
    enable.enable_stats.type = 1;
    CHECK_EQ(cmd(&f, PST_BPF_ENABLE_STATS, &enable), -PST_EINVAL);
    fixture_close(&f);
}

TEST(info_of_a_program_is_complete)
{
    core_fixture f;
    fixture_open(&f);
    int64_t map = map_create(&f, PST_MAP_ARRAY, 4, 8, 1, 0), other = map_create(&f, PST_MAP_ARRAY, 4, 8, 1, 0);
    int64_t fd = prog_load_as(&f, PST_PROG_SAMPLE, 0, "informed", TEXT("r1 = map[fd:%d]\nr0 = 0\nexit", (int)map));
    pst_bpf_attr bind = {.prog_bind_map = {.prog_fd = (uint32_t)fd, .map_fd = (uint32_t)other}};
    CHECK_EQ(cmd(&f, PST_BPF_PROG_BIND_MAP, &bind), 0);
    CHECK_EQ(cmd(&f, PST_BPF_PROG_BIND_MAP, &bind), 0); // again: nothing happens
    uint32_t ids[4] = {0};
    pst_slot slots[4];
    pst_bpf_prog_info info = {.nr_map_ids = 4, .map_ids = PTR(ids), .xlated_prog_len = sizeof slots, .xlated_prog_insns = PTR(slots)};
    pst_bpf_attr get = {.info = {.bpf_fd = (uint32_t)fd, .info_len = sizeof info, .info = PTR(&info)}};
    CHECK_EQ(cmd(&f, PST_BPF_OBJ_GET_INFO_BY_FD, &get), 0);
    CHECK_EQ(info.type, PST_PROG_SAMPLE);
    CHECK_EQ(info.id, 1);
    CHECK_STR(info.name, "informed");
    CHECK_EQ(info.nr_map_ids, 2);
    CHECK(ids[0] == 1 && ids[1] == 2);
    CHECK_EQ(info.xlated_prog_len, 32);
    CHECK_EQ(slots[0].imm, 1); // the map's id
    CHECK_EQ(slots[3].opcode, 0x95);
    CHECK_EQ(info.jited_prog_len != 0, pst_jit_supported());
    CHECK_EQ(info.gpl_compatible, 1);
    CHECK(info.load_time > 0);
    // The tag does not depend on the map.
    int64_t twin = prog_load_as(&f, PST_PROG_SAMPLE, 0, "twin", TEXT("r1 = map[fd:%d]\nr0 = 0\nexit", (int)other));
    pst_bpf_prog_info twin_info = {0};
    pst_bpf_attr get_twin = {.info = {.bpf_fd = (uint32_t)twin, .info_len = sizeof twin_info, .info = PTR(&twin_info)}};
    CHECK_EQ(cmd(&f, PST_BPF_OBJ_GET_INFO_BY_FD, &get_twin), 0);
    CHECK(memcmp(info.tag, twin_info.tag, 8) == 0);
    CHECK(memcmp(info.tag, (uint8_t[8]){0}, 8) != 0);
    fixture_close(&f);
}

TEST(maps_of_the_fd_array_belong_to_the_program)
{
    core_fixture f;
    // r1 = map[idx:1]; r0 = 0; exit
    pst_slot slots[] = {{.opcode = 0x18, .regs = 5 << 4 | 1, .imm = 1}, {0}, {.opcode = 0xb7}, {.opcode = 0x95}};
    uint32_t fds[3], ids[4] = {0};
    fixture_open(&f);
    fds[0] = (uint32_t)map_create(&f, PST_MAP_ARRAY, 4, 8, 1, 0);
    fds[1] = (uint32_t)map_create(&f, PST_MAP_HASH, 4, 8, 1, 0);
    fds[2] = 777;
    pst_bpf_attr load = {.prog_type = PST_PROG_SAMPLE, .insn_cnt = 4, .insns = PTR(slots), .license = PTR("GPL"), .fd_array = PTR(fds), .fd_array_cnt = 3};
    pst_bpf_attr attr = load;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_EBADF);
    attr = load;
    attr.fd_array_cnt = 1;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_EINVAL); // index 1 is outside
    attr = load;
    attr.fd_array_cnt = 100000;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_EINVAL);
    for (uint32_t count = 0; count <= 2; count += 2) {
        attr = load;
        attr.fd_array_cnt = count;
        int64_t prog = cmd(&f, PST_BPF_PROG_LOAD, &attr);
        CHECK(prog >= 3);
        pst_bpf_prog_info info = {.nr_map_ids = 4, .map_ids = PTR(ids)};
        pst_bpf_attr get = {.info = {.bpf_fd = (uint32_t)prog, .info_len = sizeof info, .info = PTR(&info)}};
        CHECK_EQ(cmd(&f, PST_BPF_OBJ_GET_INFO_BY_FD, &get), 0);
        CHECK_EQ(info.nr_map_ids, count ? 2 : 1);
    }
    fds[1] = (uint32_t)prog_load_text(&f, PST_PROG_SAMPLE, "r0 = 0; exit");
    attr = load;
    attr.fd_array_cnt = 2;
    CHECK_EQ(cmd(&f, PST_BPF_PROG_LOAD, &attr), -PST_EINVAL);
    fixture_close(&f);
}
