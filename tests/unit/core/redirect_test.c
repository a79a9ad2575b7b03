// redirect_test.c: bpf_redirect_map and the maps that it goes by. Frames themselves: tests/e2e/net_frames_test.c.
#include "core_fixture.h"

#include "catalog/contexts.h"

#define EACH_ENGINE(budget) for (uint64_t budget = 0; budget <= 100000; budget += 100000)

static int64_t redirect_load(core_fixture *f, int64_t map, uint32_t key, uint64_t flags)
{
    char text[256];
    snprintf(text, sizeof text, "r1 = map[fd:%d]\nr2 = %u\nr3 = %llu\ncall 51\nexit", (int)map, key, (unsigned long long)flags);
    return prog_load_text(f, PST_PROG_XDP, text);
}

static void check_verdict(core_fixture *f, int64_t map, uint32_t key, uint64_t flags, uint32_t want)
{
    uint8_t frame[64] = {0};
    uint32_t verdict = 99;
    int64_t prog = redirect_load(f, map, key, flags);
    CHECK_EQ(prog_run(f, prog, frame, sizeof frame, &verdict), 0);
    CHECK_EQ(verdict, want);
    CHECK_EQ(pst_core_close(f->client, (int)prog), 0);
}

TEST(an_entry_redirects_and_no_entry_is_what_the_flags_say)
{
    static const struct {
        uint32_t type, verdict;
    } rows[] = {{PST_MAP_DEVMAP, PST_XDP_REDIRECT}, {PST_MAP_DEVMAP_HASH, PST_XDP_REDIRECT}, {PST_MAP_CPUMAP, PST_XDP_PASS}};
    EACH_ENGINE(budget)
        for (size_t i = 0; i < PST_COUNT(rows); i++)
            for (uint32_t size = 4; size <= 8; size += 4) {
                core_fixture f;
                uint32_t key = 0, value[2] = {7, 0}, seen[2] = {0};
                fixture_open_with(&f, budget);
                int64_t map = map_create(&f, rows[i].type, 4, size, 4, 0);
                for (uint64_t flags = 0; flags < 4; flags++) check_verdict(&f, map, key, flags, (uint32_t)flags);
                CHECK_EQ(map_lookup(&f, map, &key, seen), -PST_ENOENT);
                CHECK_EQ(map_update(&f, map, &key, value, 0), 0);
                CHECK_EQ(map_lookup(&f, map, &key, seen), 0);
                CHECK(seen[0] == 7 && seen[1] == 0);
                for (uint64_t flags = 0; flags < 4; flags++) check_verdict(&f, map, key, flags, rows[i].verdict);
                check_verdict(&f, map, 4, 2, PST_XDP_PASS);        // beyond the map, or absent
                check_verdict(&f, map, key, 8, PST_XDP_ABORTED);   // a broadcast
                check_verdict(&f, map, key, 256, PST_XDP_ABORTED); // no flag at all
                CHECK_EQ(map_delete(&f, map, &key), 0);
                check_verdict(&f, map, key, 1, PST_XDP_DROP);
                fixture_close(&f);
            }
}

TEST(what_this_host_does_not_have_is_refused)
{
    core_fixture f;
    uint32_t key = 0, with_program[2] = {1, 5}, socket[1] = {5};
    fixture_open(&f);
    int64_t devices = map_create(&f, PST_MAP_DEVMAP, 4, 8, 4, 0), cpus = map_create(&f, PST_MAP_CPUMAP, 4, 8, 4, 0);
    int64_t names = map_create(&f, PST_MAP_DEVMAP_HASH, 4, 8, 4, 0), sockets = map_create(&f, PST_MAP_XSKMAP, 4, 4, 4, 0);
    CHECK_EQ(map_update(&f, devices, &key, with_program, 0), -PST_EOPNOTSUPP);
    CHECK_EQ(map_update(&f, names, &key, with_program, 0), -PST_EOPNOTSUPP);
    CHECK_EQ(map_update(&f, cpus, &key, with_program, 0), -PST_EOPNOTSUPP);
    CHECK_EQ(map_update(&f, sockets, &key, socket, 0), -PST_EOPNOTSUPP);
    check_verdict(&f, sockets, key, 2, PST_XDP_PASS);
    fixture_close(&f);
}

// A lookup leads a program to the entry, which it reads and does not write.
TEST(programs_read_entries_and_do_not_write_them)
{
    static const uint32_t types[] = {PST_MAP_DEVMAP, PST_MAP_DEVMAP_HASH};
    for (size_t i = 0; i < PST_COUNT(types); i++) {
        core_fixture f;
        char text[512];
        uint32_t key = 0, value = 3, verdict = 0;
        uint8_t frame[64] = {0};
        fixture_open(&f);
        int64_t map = map_create(&f, types[i], 4, 4, 4, 0);
        CHECK_EQ(map_update(&f, map, &key, &value, 0), 0);
        static const char look[] = "*(u32 *)(r10 - 4) = 0\nr1 = map[fd:%d]\nr2 = r10\nr2 += -4\ncall 1\nif r0 == 0 goto out\n%sout: exit";
        snprintf(text, sizeof text, look, (int)map, "r0 = *(u32 *)(r0 + 0)\n");
        CHECK_EQ(prog_run(&f, prog_load_text(&f, PST_PROG_XDP, text), frame, sizeof frame, &verdict), 0);
        CHECK_EQ(verdict, 3);
        snprintf(text, sizeof text, look, (int)map, "*(u32 *)(r0 + 0) = 9\nr0 = 0\n");
        CHECK_EQ(prog_load_as(&f, PST_PROG_XDP, 0, "writes", text), -PST_EACCES);
        fixture_close(&f);
    }
}
