// field_test.c: special fields of values: locks are held one at a time, and no update or lookup touches such a field.
#include "core_fixture.h"

#include "base/bits.h"
#include "core/engines.h"
#include "value_types.h"

static char g_text[2048];

#define TEXT(...) (snprintf(g_text, sizeof g_text, __VA_ARGS__), g_text)
#define EACH_ENGINE(budget) for (uint64_t budget = 0; budget <= 100000; budget += 100000)

static int64_t types_load(core_fixture *f, const value_field *fields, uint32_t count, uint32_t value_size, uint32_t lock_size)
{
    uint8_t bytes[VALUE_TYPES_MAX];
    pst_bpf_attr attr = {.btf = PTR(bytes), .btf_size = value_types(bytes, fields, count, value_size, lock_size)};
    return cmd(f, PST_BPF_BTF_LOAD, &attr);
}

static int64_t fields_map(core_fixture *f, uint32_t type, uint32_t value_size, uint32_t flags, const value_field *fields, uint32_t count)
{
    int64_t btf = types_load(f, fields, count, value_size, 4);
    pst_bpf_attr attr = {.map_type = type, .key_size = 4, .value_size = value_size, .max_entries = 4, .map_flags = flags, .btf_fd = (uint32_t)btf,
                         .btf_key_type_id = KEY_TYPE, .btf_value_type_id = VALUE_TYPE};
    int64_t fd = cmd(f, PST_BPF_MAP_CREATE, &attr);
    CHECK_EQ(pst_core_close(f->client, (int)btf), 0);
    return fd;
}

static const value_field g_lock_at_8[] = {{FIELD_LOCK, 8}};

static int64_t lookup_locked(core_fixture *f, int64_t fd, uint32_t key, void *value)
{
    pst_bpf_attr attr = {.map_fd = (uint32_t)fd, .key = PTR(&key), .value = PTR(value), .flags = PST_BPF_F_LOCK};
    return cmd(f, PST_BPF_MAP_LOOKUP_ELEM, &attr);
}

// Looks up key 0, and with its lock held adds 1 to the first and to the third word of 8 bytes; returns the first.
static const char *count_text(int64_t map)
{
    return TEXT("*(u32 *)(r10 - 4) = 0\nr1 = map[fd:%d]\nr2 = r10\nr2 += -4\ncall 1\nif r0 == 0 goto out\nr6 = r0\nr1 = r0\nr1 += 8\ncall 93\n"
                "r7 = *(u64 *)(r6 + 0)\nr7 += 1\n*(u64 *)(r6 + 0) = r7\nr8 = *(u64 *)(r6 + 16)\nr8 += 1\n*(u64 *)(r6 + 16) = r8\n"
                "r1 = r6\nr1 += 8\ncall 94\nr0 = r7\nr0 &= 127\nout: exit", (int)map);
}

TEST(a_lock_is_neither_overwritten_nor_shown)
{
    static const uint32_t types[] = {PST_MAP_ARRAY, PST_MAP_HASH};
    EACH_ENGINE(budget)
        for (size_t t = 0; t < PST_COUNT(types); t++) {
            core_fixture f;
            uint32_t key = 0, retval = 0;
            fixture_open_with(&f, budget);
            int64_t map = fields_map(&f, types[t], 24, 0, g_lock_at_8, 1);
            uint64_t value[3] = {5, UINT64_MAX, 7}, seen[3];
            for (uint64_t flags = 0; flags <= PST_BPF_F_LOCK; flags += PST_BPF_F_LOCK) {
                CHECK_EQ(map_update(&f, map, &key, value, flags), 0);
                CHECK_EQ(flags ? lookup_locked(&f, map, key, seen) : map_lookup(&f, map, &key, seen), 0);
                CHECK(seen[0] == 5 && seen[1] == 0xffffffff00000000u && seen[2] == 7); // the lock would be all ones: nobody could take it
            }
            CHECK_EQ(prog_run_sample(&f, prog_load_text(&f, PST_PROG_SAMPLE, count_text(map)), &retval), 0);
            CHECK_EQ(retval, 6);
            CHECK_EQ(lookup_locked(&f, map, key, seen), 0);
            CHECK(seen[0] == 6 && seen[2] == 8);
            fixture_close(&f);
        }
}

// Each place of the fields between 0 and the end: bytes around it arrive, its own do not.
TEST(bytes_around_fields_are_copied_wherever_they_are)
{
    for (uint32_t size = 4; size <= 21; size++)
        for (uint32_t at = 0; at + 4 <= size; at += 4) {
            core_fixture f;
            uint32_t key = 3;
            uint8_t value[24], seen[24];
            fixture_open(&f);
            int64_t map = fields_map(&f, size % 2 ? PST_MAP_ARRAY : PST_MAP_HASH, size, 0, &(value_field){FIELD_LOCK, at}, 1);
            for (uint32_t i = 0; i < sizeof value; i++) value[i] = (uint8_t)(i + 1);
            memset(seen, 0xaa, sizeof seen);
            CHECK_EQ(map_update(&f, map, &key, value, 0), 0);
            CHECK_EQ(map_lookup(&f, map, &key, seen), 0);
            for (uint32_t i = 0; i < sizeof seen; i++) CHECK_EQ(seen[i], i >= size ? 0xaa : i >= at && i < at + 4 ? 0 : i + 1);
            fixture_close(&f);
        }
}

TEST(programs_update_under_the_lock)
{
    core_fixture f;
    uint32_t key = 0, retval = 0;
    fixture_open(&f);
    int64_t map = fields_map(&f, PST_MAP_HASH, 24, 0, g_lock_at_8, 1), plain = map_create(&f, PST_MAP_HASH, 4, 24, 4, 0);
    static const char update[] = "*(u32 *)(r10 - 4) = 0\n*(u64 *)(r10 - 32) = 9\n*(u64 *)(r10 - 24) = -1\n*(u64 *)(r10 - 16) = 9\n"
                                 "r1 = map[fd:%d]\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -32\nr4 = 4\ncall 2\nr0 *= -1\nr0 &= 127\nexit";
    uint64_t seen[3];
    char text[512];
    snprintf(text, sizeof text, update, (int)map);
    for (int i = 0; i < 2; i++) { // a new key, and one that is there
        CHECK_EQ(prog_run_sample(&f, prog_load_text(&f, PST_PROG_SAMPLE, text), &retval), 0);
        CHECK_EQ(retval, 0);
        CHECK_EQ(lookup_locked(&f, map, key, seen), 0);
        CHECK(seen[0] == 9 && seen[2] == 9);
    }
    snprintf(text, sizeof text, update, (int)plain);
    CHECK_EQ(prog_run_sample(&f, prog_load_text(&f, PST_PROG_SAMPLE, text), &retval), 0);
    CHECK_EQ(retval, PST_EINVAL);
    CHECK_EQ(map_update(&f, plain, &key, seen, PST_BPF_F_LOCK), -PST_EINVAL);
    CHECK_EQ(lookup_locked(&f, plain, key, seen), -PST_EINVAL);
    fixture_close(&f);
}

// A run that the budget stops while it holds the lock gives it back: the next one and a command get it.
TEST(a_stopped_run_gives_its_lock_back)
{
    core_fixture f;
    uint32_t key = 0, retval = 0, stopped = 0;
    uint64_t value[3] = {0}, seen[3];
    fixture_open(&f);
    int64_t map = fields_map(&f, PST_MAP_ARRAY, 24, 0, g_lock_at_8, 1);
    CHECK_EQ(map_update(&f, map, &key, value, 0), 0);
    for (uint64_t budget = 1; budget <= 25; budget++) {
        core_fixture small;
        fixture_open_with(&small, budget);
        int64_t own = fields_map(&small, PST_MAP_ARRAY, 24, 0, g_lock_at_8, 1);
        stopped += prog_run_sample(&small, prog_load_text(&small, PST_PROG_SAMPLE, count_text(own)), &retval) != 0;
        CHECK_EQ(lookup_locked(&small, own, key, seen), 0);
        fixture_close(&small);
    }
    CHECK(stopped >= 10 && stopped < 25); // some end while they hold it, the last ones at the exit
    fixture_close(&f);
}

TEST(what_is_no_lock_is_refused)
{
    core_fixture f;
    fixture_open(&f);
    static const value_field unaligned[] = {{FIELD_LOCK, 2}}, twice[] = {{FIELD_LOCK, 0}, {FIELD_LOCK, 8}}, node[] = {{FIELD_LIST_NODE, 0}};
    CHECK_EQ(fields_map(&f, PST_MAP_ARRAY, 24, 0, unaligned, 1), -PST_EINVAL);
    CHECK_EQ(fields_map(&f, PST_MAP_ARRAY, 24, 0, twice, 2), -PST_EINVAL);
    CHECK_EQ(fields_map(&f, PST_MAP_PERCPU_ARRAY, 24, 0, g_lock_at_8, 1), -PST_EOPNOTSUPP);
    CHECK_EQ(fields_map(&f, PST_MAP_LRU_HASH, 24, 0, g_lock_at_8, 1), -PST_EOPNOTSUPP);
    CHECK_EQ(fields_map(&f, PST_MAP_HASH, 24, PST_F_RDONLY_PROG, g_lock_at_8, 1), -PST_EACCES);
    CHECK_EQ(fields_map(&f, PST_MAP_HASH, 24, 0, node, 1), -PST_EOPNOTSUPP);
    // A type of the name but of another size is no lock: its bytes are plain.
    int64_t btf = types_load(&f, g_lock_at_8, 1, 24, 8);
    pst_bpf_attr attr = {.map_type = PST_MAP_ARRAY, .key_size = 4, .value_size = 24, .max_entries = 1, .btf_fd = (uint32_t)btf,
                         .btf_key_type_id = KEY_TYPE, .btf_value_type_id = VALUE_TYPE};
    int64_t map = cmd(&f, PST_BPF_MAP_CREATE, &attr);
    CHECK(map >= 3);
    uint32_t key = 0;
    uint64_t value[3] = {1, 2, 3}, seen[3];
    CHECK_EQ(map_update(&f, map, &key, value, PST_BPF_F_LOCK), -PST_EINVAL);
    CHECK_EQ(map_update(&f, map, &key, value, 0), 0);
    CHECK_EQ(map_lookup(&f, map, &key, seen), 0);
    CHECK(memcmp(value, seen, sizeof seen) == 0);
    // The type of the value is as large as the value.
    attr.value_size = 16;
    CHECK_EQ(cmd(&f, PST_BPF_MAP_CREATE, &attr), -PST_EINVAL);
    // Without a proof nothing keeps a program from writing over the lock, so it gets none.
    int64_t locked = fields_map(&f, PST_MAP_ARRAY, 24, 0, g_lock_at_8, 1);
    pst_client_load_unproved(f.client);
    uint32_t retval = 0;
    CHECK(prog_run_sample(&f, prog_load_text(&f, PST_PROG_SAMPLE, count_text(locked)), &retval) != 0);
    fixture_close(&f);
}

// Programs go by the fields of the template, so a map with others does not go in.
TEST(an_inner_map_has_the_templates_fields)
{
    core_fixture f;
    uint32_t key = 0;
    static const value_field at_0[] = {{FIELD_LOCK, 0}};
    fixture_open(&f);
    uint32_t with = (uint32_t)fields_map(&f, PST_MAP_HASH, 24, 0, g_lock_at_8, 1), other = (uint32_t)fields_map(&f, PST_MAP_HASH, 24, 0, at_0, 1);
    uint32_t again = (uint32_t)fields_map(&f, PST_MAP_HASH, 24, 0, g_lock_at_8, 1), plain = (uint32_t)map_create(&f, PST_MAP_HASH, 4, 24, 4, 0);
    pst_bpf_attr attr = {.map_type = PST_MAP_ARRAY_OF_MAPS, .key_size = 4, .value_size = 4, .max_entries = 1, .inner_map_fd = with};
    int64_t outer = cmd(&f, PST_BPF_MAP_CREATE, &attr);
    CHECK_EQ(map_update(&f, outer, &key, &again, 0), 0);
    CHECK_EQ(map_update(&f, outer, &key, &other, 0), -PST_EINVAL);
    CHECK_EQ(map_update(&f, outer, &key, &plain, 0), -PST_EINVAL);
    attr.inner_map_fd = plain;
    outer = cmd(&f, PST_BPF_MAP_CREATE, &attr);
    CHECK_EQ(map_update(&f, outer, &key, &with, 0), -PST_EINVAL);
    fixture_close(&f);
}

// --- Threads ------------------------------------------------------------------------------------------------------

#define RUNS 3000u

typedef struct counting {
    core_fixture *f;
    int64_t prog, map;
    uint32_t wrong, done;
} counting;

static void run_counts(void *arg)
{
    counting *c = arg;
    pst_client *client;
    uint64_t data[8] = {0};
    if (pst_client_create(c->f->core, &client) != PST_OK) return;
    pst_bpf_attr open = {.map_id = 1};
    int64_t prog = pst_core_command(client, PST_BPF_PROG_GET_FD_BY_ID, &open, sizeof open);
    for (uint32_t i = 0; i < RUNS; i++) {
        pst_bpf_attr attr = {.test = {.prog_fd = (uint32_t)prog, .data_in = PTR(data), .data_size_in = sizeof data}};
        if (pst_core_command(client, PST_BPF_PROG_TEST_RUN, &attr, sizeof attr) != 0) (void)PST_ATOMIC_ADD(&c->wrong, 1u);
    }
    pst_client_free(client);
    (void)PST_ATOMIC_ADD(&c->done, 1u);
}

// Programs in threads count under the lock, commands look under it: both words are always the same, and none of the counts is lost.
TEST(counts_under_a_lock_are_never_lost_or_torn)
{
    static const uint32_t types[] = {PST_MAP_ARRAY, PST_MAP_HASH};
    for (size_t t = 0; t < PST_COUNT(types); t++) {
        core_fixture f;
        pst_thread *threads[3];
        uint32_t key = 0;
        uint64_t value[3] = {0}, seen[3] = {0};
        fixture_open(&f);
        counting c = {.f = &f, .map = fields_map(&f, types[t], 24, 0, g_lock_at_8, 1)};
        CHECK_EQ(map_update(&f, c.map, &key, value, 0), 0);
        c.prog = prog_load_text(&f, PST_PROG_SAMPLE, count_text(c.map));
        for (size_t i = 0; i < PST_COUNT(threads); i++) CHECK(pst_pal_thread_create(pst_pal_env(), run_counts, &c, &threads[i]) == PST_OK);
        while (PST_ATOMIC_LOAD(&c.done) < PST_COUNT(threads)) {
            CHECK_EQ(lookup_locked(&f, c.map, key, seen), 0);
            if (seen[0] != seen[2]) (void)PST_ATOMIC_ADD(&c.wrong, 1u);
        }
        for (size_t i = 0; i < PST_COUNT(threads); i++) pst_pal_thread_join(threads[i]);
        CHECK_EQ(c.wrong, 0);
        CHECK_EQ(lookup_locked(&f, c.map, key, seen), 0);
        CHECK_EQ(seen[0], RUNS * PST_COUNT(threads));
        fixture_close(&f);
    }
}
