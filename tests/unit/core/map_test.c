// map_test.c: what maps promise, on every platform. kernel_map_test.c compares far more with Linux.
#include "core/internal.h"
#include "core/map/hash_map.h"
#include "core_fixture.h"

TEST(an_array_has_all_its_keys)
{
    core_fixture f;
    uint32_t key = 3, next;
    uint64_t value = 5;
    fixture_open(&f);
    int64_t fd = map_create(&f, PST_MAP_ARRAY, 4, 8, 4, 0);
    CHECK_EQ(fd, 3);
    CHECK_EQ(map_lookup(&f, fd, &key, &value), 0);
    CHECK_EQ(value, 0);
    value = 77;
    CHECK_EQ(map_update(&f, fd, &key, &value, PST_BPF_EXIST), 0);
    CHECK_EQ(map_update(&f, fd, &key, &value, PST_BPF_NOEXIST), -PST_EEXIST);
    CHECK_EQ(map_lookup(&f, fd, &key, &value), 0);
    CHECK_EQ(value, 77);
    CHECK_EQ(map_delete(&f, fd, &key), -PST_EINVAL);
    CHECK_EQ(map_next(&f, fd, NULL, &next), 0);
    CHECK_EQ(next, 0);
    CHECK_EQ(map_next(&f, fd, &key, &next), -PST_ENOENT);
    key = 4;
    CHECK_EQ(map_lookup(&f, fd, &key, &value), -PST_ENOENT);
    CHECK_EQ(map_update(&f, fd, &key, &value, 0), -PST_E2BIG);
    CHECK_EQ(map_take(&f, fd, &key, &value), -PST_ENOTSUPP);
    fixture_close(&f);
}

TEST(array_memory_is_shared_where_it_is_asked_for)
{
    core_fixture f;
    uint32_t key = 1, value = 9;
    size_t size;
    fixture_open(&f);
    int64_t plain = map_create(&f, PST_MAP_ARRAY, 4, 4, 4, 0), shared = map_create(&f, PST_MAP_ARRAY, 4, 4, 4, PST_F_MMAPABLE);
    CHECK(pst_core_map_memory(f.client, (int)plain, &size) == NULL);
    uint8_t *memory = pst_core_map_memory(f.client, (int)shared, &size);
    CHECK(memory != NULL);
    CHECK_EQ(size, 32);
    CHECK_EQ(map_update(&f, shared, &key, &value, 0), 0);
    CHECK_EQ(memory[8], 9);
    memory[8] = 10;
    CHECK_EQ(map_lookup(&f, shared, &key, &value), 0);
    CHECK_EQ(value, 10);
    fixture_close(&f);
}

static void fill_and_empty(uint32_t flags)
{
    core_fixture f;
    fixture_open(&f);
    enum { ENTRIES = 1000 };
    int64_t fd = map_create(&f, PST_MAP_HASH, 4, 8, ENTRIES, flags);
    for (unsigned round = 0; round < 5; round++) {
        for (uint32_t key = 0; key < ENTRIES; key++) CHECK_EQ(map_update(&f, fd, &key, &(uint64_t){key * 3u}, PST_BPF_NOEXIST), 0);
        uint32_t more = ENTRIES;
        CHECK_EQ(map_update(&f, fd, &more, &(uint64_t){1}, 0), -PST_E2BIG);
        // A full map still replaces.
        for (uint32_t key = 0; key < ENTRIES; key++) CHECK_EQ(map_update(&f, fd, &key, &(uint64_t){key * 5u}, 0), 0);
        for (uint32_t key = 0; key < ENTRIES; key++) {
            uint64_t value = 0;
            CHECK_EQ(map_lookup(&f, fd, &key, &value), 0);
            CHECK_EQ(value, key * 5u);
        }
        uint32_t seen = 0, key = 0;
        for (const void *at = NULL; map_next(&f, fd, at, &key) == 0; at = &key) seen++;
        CHECK_EQ(seen, ENTRIES);
        for (key = 0; key < ENTRIES; key++) CHECK_EQ(map_delete(&f, fd, &key), 0);
        CHECK_EQ(map_delete(&f, fd, &more), -PST_ENOENT);
        CHECK_EQ(map_next(&f, fd, NULL, &key), -PST_ENOENT);
    }
    fixture_close(&f);
}

TEST(a_hash_fills_empties_and_fills_again)
{
    fill_and_empty(0);
    fill_and_empty(PST_F_NO_PREALLOC);
}

// One run removes and inserts far more often than the map has spare elements: within an epoch nothing becomes free, and still it works.
TEST(a_program_may_replace_for_ever)
{
    core_fixture f;
    char text[1024];
    uint32_t retval = 9, key = 1;
    uint64_t value = 0;
    fixture_open(&f);
    int fd = (int)map_create(&f, PST_MAP_HASH, 4, 8, 2, 0);
    snprintf(text, sizeof text,
             "r6 = 5000\n*(u32 *)(r10 - 4) = 1\n"
             "again: *(u64 *)(r10 - 16) = r6\nr1 = map[fd:%d]\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -16\nr4 = 0\ncall 2\n"
             "if r0 != 0 goto out\nr7 = r6\nr7 &= 1\nif r7 == 0 goto keep\nr1 = map[fd:%d]\nr2 = r10\nr2 += -4\ncall 3\nif r0 != 0 goto out\n"
             "keep: r6 += -1\nif r6 != 0 goto again\nr0 = 0\nexit\nout: r0 = -1\nexit",
             fd, fd);
    int64_t prog = prog_load_text(&f, PST_PROG_SAMPLE, text);
    CHECK_EQ(prog_run_sample(&f, prog, &retval), 0);
    CHECK_EQ(retval, 0);
    CHECK_EQ(map_lookup(&f, fd, &key, &value), -PST_ENOENT); // the last turn was odd: deleted
    fixture_close(&f);
}

// A reader stays in its epoch while commands replace and remove until no element is left: they wait for the reader before they steal one.
static void wait_for_a_reader(uint32_t type, uint32_t value_size)
{
    core_fixture f;
    uint32_t key = 1;
    uint64_t value[64] = {7};
    fixture_open(&f);
    int64_t fd = map_create(&f, type, 4, value_size, 1, 0);
    core_object *object = core_handle_get(f.client, fd, NULL);
    hash_map *hash = hash_of(core_map_of_object(object));
    core_object_put(object);
    CHECK_EQ(map_update(&f, fd, &key, value, 0), 0);
    pst_epoch_guard reader = pst_core_epoch_enter(f.core);
    hash_element *element;
    int error = 0;
    while ((element = hash_pool_take(hash, true, false, &error))) hash_pool_give(hash, element, false);
    CHECK_EQ(error, -PST_EAGAIN);
    CHECK_EQ(hash->pool.steals, 0);
    CHECK_EQ(map_update(&f, fd, &key, value, 0), 0);
    CHECK_EQ(map_delete(&f, fd, &key), 0);
    key = 2;
    CHECK_EQ(map_update(&f, fd, &key, value, 0), 0); // the reader outlasts the command's patience
    CHECK(hash->pool.steals > 0);
    uint32_t steals = hash->pool.steals;
    pst_core_epoch_exit(f.core, reader);
    for (unsigned i = 0; i < 100; i++) {
        CHECK_EQ(map_delete(&f, fd, &key), 0);
        CHECK_EQ(map_update(&f, fd, &key, value, PST_BPF_NOEXIST), 0);
    }
    CHECK_EQ(hash->pool.steals, steals);
    fixture_close(&f);
}

// Keys of each way to hash: one word, two, several, a part of one at the end, and too many.
TEST(keys_and_values_of_many_sizes)
{
    static const uint32_t sizes[] = {1, 2, 3, 4, 8, 12, 63, 64, 65, 200};
    core_fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < PST_COUNT(sizes); i++) {
        for (uint32_t flags = 0; flags <= PST_F_ZERO_SEED; flags += PST_F_ZERO_SEED) {
            uint8_t key[200] = {0}, value[200], got[200];
            int64_t fd = map_create(&f, PST_MAP_HASH, sizes[i], sizes[i], 200, flags);
            for (unsigned n = 0; n < 200; n++) {
                key[sizes[i] - 1] = (uint8_t)n;
                memset(value, (int)n, sizeof value);
                CHECK_EQ(map_update(&f, fd, key, value, PST_BPF_NOEXIST), 0);
            }
            for (unsigned n = 0; n < 200; n++) {
                key[sizes[i] - 1] = (uint8_t)n;
                memset(value, (int)n, sizeof value);
                CHECK_EQ(map_lookup(&f, fd, key, got), 0);
                CHECK_EQ(memcmp(got, value, sizes[i]), 0);
            }
            CHECK_EQ(pst_core_close(f.client, (int)fd), 0);
        }
    }
    fixture_close(&f);
}

TEST(commands_without_memory_are_refused)
{
    core_fixture f;
    uint32_t key = 1, cursor = 0;
    fixture_open(&f);
    int64_t fd = map_create(&f, PST_MAP_HASH, 4, 8, 4, 0);
    CHECK_EQ(map_update(&f, fd, &key, &(uint64_t){1}, 0), 0);
    CHECK_EQ(map_next(&f, fd, &key, NULL), -PST_EFAULT);
    CHECK_EQ(map_lookup(&f, fd, NULL, &(uint64_t){0}), -PST_EFAULT);
    CHECK_EQ(map_lookup(&f, fd, &key, NULL), -PST_EFAULT);
    CHECK_EQ(map_update(&f, fd, &key, NULL, 0), -PST_EFAULT);
    CHECK_EQ(map_delete(&f, fd, NULL), -PST_EFAULT);
    static const uint32_t commands[] = {PST_BPF_MAP_UPDATE_BATCH, PST_BPF_MAP_LOOKUP_BATCH, PST_BPF_MAP_LOOKUP_AND_DELETE_BATCH};
    for (size_t i = 0; i < PST_COUNT(commands); i++) {
        pst_bpf_attr attr = {.batch = {.keys = PTR(&key), .count = 1, .map_fd = (uint32_t)fd}};
        if (i > 0) attr.batch.out_batch = PTR(&cursor);
        CHECK_EQ(cmd(&f, commands[i], &attr), -PST_EFAULT);
    }
    pst_bpf_attr attr = {.batch = {.count = 1, .map_fd = (uint32_t)fd}};
    CHECK_EQ(cmd(&f, PST_BPF_MAP_DELETE_BATCH, &attr), -PST_EFAULT);
    pst_bpf_attr named = {.map_type = PST_MAP_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    memset(named.map_name, 'a', sizeof named.map_name);
    CHECK_EQ(cmd(&f, PST_BPF_MAP_CREATE, &named), -PST_EINVAL); // no end
    fixture_close(&f);
}

TEST(a_command_waits_for_readers_before_it_steals)
{
    wait_for_a_reader(PST_MAP_HASH, 24);
    wait_for_a_reader(PST_MAP_HASH, 8);
    wait_for_a_reader(PST_MAP_PERCPU_HASH, 8);
}

TEST(a_per_cpu_value_has_a_part_for_each_cpu)
{
    core_fixture f;
    uint32_t cpus = pst_pal_cpu_count(), key = 2, retval;
    char text[512];
    fixture_open(&f);
    for (unsigned hash = 0; hash < 2; hash++) {
        static uint64_t values[PST_CPUS_MAX], out[PST_CPUS_MAX];
        int64_t fd = map_create(&f, hash ? PST_MAP_PERCPU_HASH : PST_MAP_PERCPU_ARRAY, 4, 5, 4, 0);
        for (uint32_t cpu = 0; cpu < cpus; cpu++) values[cpu] = 100 + cpu;
        CHECK_EQ(map_update(&f, fd, &key, values, 0), 0);
        // The program sees its CPU's part and changes only that.
        snprintf(text, sizeof text,
                 "*(u32 *)(r10 - 4) = 2\nr1 = map[fd:%d]\nr2 = r10\nr2 += -4\ncall 1\nif r0 == 0 goto out\nr1 = *(u8 *)(r0 + 0)\nr1 += 50\n"
                 "*(u8 *)(r0 + 0) = r1\nr0 = 1\nout: exit",
                 (int)fd);
        int64_t prog = prog_load_text(&f, PST_PROG_SAMPLE, text);
        CHECK_EQ(prog_run_sample(&f, prog, &retval), 0);
        CHECK_EQ(retval, 1);
        CHECK_EQ(map_lookup(&f, fd, &key, out), 0);
        uint32_t changed = 0;
        for (uint32_t cpu = 0; cpu < cpus; cpu++) {
            if (out[cpu] == 150 + cpu) changed++;
            else CHECK_EQ(out[cpu], 100 + cpu);
        }
        CHECK_EQ(changed, 1);
    }
    fixture_close(&f);
}

// Helper 195 finds another CPU's part; 2 writes the own part and, of a new key, zeros the others.
TEST(programs_reach_the_parts_of_other_cpus)
{
    core_fixture f;
    uint32_t key = 2, retval = 0, cpus = pst_pal_cpu_count();
    char text[768];
    fixture_open(&f);
    for (unsigned hash = 0; hash < 2; hash++) {
        static uint64_t values[PST_CPUS_MAX];
        int64_t fd = map_create(&f, hash ? PST_MAP_PERCPU_HASH : PST_MAP_PERCPU_ARRAY, 4, 8, 4, 0);
        snprintf(text, sizeof text,
                 "*(u32 *)(r10 - 4) = 2\n*(u64 *)(r10 - 16) = 9\nr1 = map[fd:%d]\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += "
                 "-16\nr4 = 0\ncall 2\nr0 &= 127\nexit",
                 (int)fd);
        CHECK_EQ(prog_run_sample(&f, prog_load_text(&f, PST_PROG_SAMPLE, text), &retval), 0);
        CHECK_EQ(retval, 0);
        CHECK_EQ(map_lookup(&f, fd, &key, values), 0);
        uint64_t sum = 0;
        for (uint32_t cpu = 0; cpu < cpus; cpu++) sum += values[cpu];
        CHECK_EQ(sum, 9);
        for (uint32_t cpu = 0; cpu < cpus; cpu++) values[cpu] = 100 + cpu;
        CHECK_EQ(map_update(&f, fd, &key, values, 0), 0);
        for (uint32_t cpu = 0; cpu <= cpus; cpu++) {
            snprintf(text, sizeof text,
                     "*(u32 *)(r10 - 4) = 2\nr1 = map[fd:%d]\nr2 = r10\nr2 += -4\nr3 = %u\ncall 195\nif r0 == 0 goto "
                     "out\nr0 = *(u8 *)(r0 + 0)\nexit\nout: r0 = 0\nexit",
                     (int)fd, cpu);
            CHECK_EQ(prog_run_sample(&f, prog_load_text(&f, PST_PROG_SAMPLE, text), &retval), 0);
            CHECK_EQ(retval, cpu < cpus ? (100 + cpu) & 255 : 0); // there is no such CPU
        }
    }
    fixture_close(&f);
}

TEST(a_frozen_map_is_read_only_for_commands)
{
    core_fixture f;
    uint32_t key = 1;
    uint64_t value = 3;
    fixture_open(&f);
    int64_t fd = map_create(&f, PST_MAP_HASH, 4, 8, 4, 0);
    CHECK_EQ(map_update(&f, fd, &key, &value, 0), 0);
    CHECK_EQ(map_freeze(&f, fd), 0);
    CHECK_EQ(map_update(&f, fd, &key, &value, 0), -PST_EPERM);
    CHECK_EQ(map_delete(&f, fd, &key), -PST_EPERM);
    CHECK_EQ(map_take(&f, fd, &key, &value), -PST_EPERM);
    CHECK_EQ(map_lookup(&f, fd, &key, &value), 0);
    CHECK_EQ(map_freeze(&f, fd), -PST_EPERM);
    fixture_close(&f);
}

TEST(inner_maps_are_found_by_programs)
{
    core_fixture f;
    char text[512];
    uint32_t key = 1, zero = 0, id = 0, retval;
    fixture_open(&f);
    for (uint32_t type = PST_MAP_ARRAY_OF_MAPS; type <= PST_MAP_HASH_OF_MAPS; type++) {
        uint32_t inner = (uint32_t)map_create(&f, PST_MAP_ARRAY, 4, 8, 1, 0);
        pst_bpf_attr attr = {.map_type = type, .key_size = 4, .value_size = 4, .max_entries = 4, .inner_map_fd = inner};
        int64_t outer = cmd(&f, PST_BPF_MAP_CREATE, &attr);
        CHECK_EQ(map_update(&f, inner, &zero, &(uint64_t){type}, 0), 0);
        CHECK_EQ(map_update(&f, outer, &key, &inner, 0), 0);
        CHECK_EQ(map_lookup(&f, outer, &key, &id), 0);
        CHECK(id > 0);
        CHECK_EQ(pst_core_close(f.client, (int)inner), 0); // the outer map keeps it
        snprintf(text, sizeof text,
                 "*(u32 *)(r10 - 4) = 1\n*(u32 *)(r10 - 8) = 0\nr1 = map[fd:%d]\nr2 = r10\nr2 += -4\ncall 1\nif r0 == 0 goto out\nr1 = r0\n"
                 "r2 = r10\nr2 += -8\ncall 1\nif r0 == 0 goto out\nr0 = *(u8 *)(r0 + 0)\nexit\nout: r0 = 0\nexit",
                 (int)outer);
        int64_t prog = prog_load_text(&f, PST_PROG_SAMPLE, text);
        CHECK_EQ(prog_run_sample(&f, prog, &retval), 0);
        CHECK_EQ(retval, type);
        CHECK_EQ(map_delete(&f, outer, &key), 0);
        CHECK_EQ(prog_run_sample(&f, prog, &retval), 0);
        CHECK_EQ(retval, 0);
        pst_bpf_attr by_id = {.map_id = id};
        CHECK_EQ(cmd(&f, PST_BPF_MAP_GET_FD_BY_ID, &by_id), -PST_ENOENT);
    }
    fixture_close(&f);
}

TEST(batches_go_through_a_whole_map)
{
    core_fixture f;
    enum { ENTRIES = 300 };
    static uint32_t keys[ENTRIES];
    static uint64_t values[ENTRIES];
    fixture_open(&f);
    for (uint32_t type = PST_MAP_HASH; type <= PST_MAP_ARRAY; type++) {
        int64_t fd = map_create(&f, type, 4, 8, ENTRIES, 0);
        for (uint32_t i = 0; i < ENTRIES; i++) keys[i] = i, values[i] = i * 7u;
        pst_bpf_attr attr = {.batch = {.keys = PTR(keys), .values = PTR(values), .count = ENTRIES, .map_fd = (uint32_t)fd}};
        CHECK_EQ(cmd(&f, PST_BPF_MAP_UPDATE_BATCH, &attr), 0);
        CHECK_EQ(attr.batch.count, ENTRIES);
        uint64_t sum = 0, cursor = 0;
        uint32_t seen = 0;
        for (unsigned turn = 0; turn < ENTRIES; turn++) {
            attr = (pst_bpf_attr){.batch = {.in_batch = turn ? PTR(&cursor) : 0, .out_batch = PTR(&cursor), .keys = PTR(keys),
                                            .values = PTR(values), .count = 40, .map_fd = (uint32_t)fd}};
            int64_t result = cmd(&f, PST_BPF_MAP_LOOKUP_BATCH, &attr);
            for (uint32_t i = 0; i < attr.batch.count; i++) {
                CHECK_EQ(values[i], keys[i] * 7u);
                sum += keys[i];
            }
            seen += attr.batch.count;
            if (result == -PST_ENOENT) break;
            CHECK_EQ(result, 0);
        }
        CHECK_EQ(seen, ENTRIES);
        CHECK_EQ(sum, ENTRIES * (ENTRIES - 1) / 2);
    }
    fixture_close(&f);
}

TEST(a_batch_too_small_for_a_bucket_says_so)
{
    core_fixture f;
    uint32_t keys[64], cursor;
    uint64_t values[64] = {0};
    fixture_open(&f);
    int64_t fd = map_create(&f, PST_MAP_HASH, 4, 8, 64, PST_F_ZERO_SEED);
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t key = i * i * 7919u;
        CHECK_EQ(map_update(&f, fd, &key, values, 0), 0);
    }
    // 64 keys in 64 buckets: some bucket has two or more (always the same, by this seed), so going one by one must stop with ENOSPC.
    pst_bpf_attr attr = {.batch = {.out_batch = PTR(&cursor), .keys = PTR(keys), .values = PTR(values), .map_fd = (uint32_t)fd}};
    int64_t result = 0;
    for (unsigned turn = 0; turn < 100 && result == 0; turn++) {
        attr.batch.count = 1;
        result = cmd(&f, PST_BPF_MAP_LOOKUP_BATCH, &attr);
        attr.batch.in_batch = PTR(&cursor);
    }
    CHECK_EQ(result, -PST_ENOSPC);
    fixture_close(&f);
}

// --- LRU, queues, filters -----------------------------------------------------------------------------------------

static pst_map *map_of(core_fixture *f, int64_t fd)
{
    core_object *object = core_handle_get(f->client, fd, NULL);
    core_object_put(object); // the handle keeps it
    return core_map_of_object(object);
}

static bool looks_up(core_fixture *f, int64_t fd, uint32_t key)
{
    pst_map *map = map_of(f, fd);
    pst_epoch_guard guard = pst_core_epoch_enter(f->core);
    bool found = map->ops->lookup(map, &key) != NULL;
    pst_core_epoch_exit(f->core, guard);
    return found;
}

static uint32_t count_keys(core_fixture *f, int64_t fd)
{
    uint32_t key, next, count = 0;
    for (const void *at = NULL; map_next(f, fd, at, &next) == 0 && count < 100000; at = &key, count++) key = next;
    return count;
}

static void check_lru(uint32_t type)
{
    core_fixture f;
    uint64_t value[64] = {7};
    fixture_open(&f);
    int64_t fd = map_create(&f, type, 4, 8, 256, 0);
    for (uint32_t key = 0; key < 256; key++) CHECK_EQ(map_update(&f, fd, &key, value, PST_BPF_ANY), 0);
    CHECK_EQ(count_keys(&f, fd), 256);
    // What programs look up all the time stays, whatever comes and goes.
    for (uint32_t round = 0; round < 1000; round++) {
        uint32_t key = 1000 + round;
        for (uint32_t kept = 0; kept < 16; kept++) CHECK(looks_up(&f, fd, kept));
        CHECK_EQ(map_update(&f, fd, &key, value, PST_BPF_NOEXIST), 0);
        CHECK_EQ(count_keys(&f, fd), 256);
        CHECK_EQ(map_lookup(&f, fd, &key, value), 0);
    }
    uint32_t gone = 100, kept = 3;
    CHECK_EQ(map_lookup(&f, fd, &gone, value), -PST_ENOENT);
    CHECK_EQ(map_delete(&f, fd, &kept), 0);
    CHECK_EQ(map_update(&f, fd, &kept, value, PST_BPF_EXIST), -PST_ENOENT);
    fixture_close(&f);
}

TEST(an_lru_map_keeps_what_is_looked_up)
{
    check_lru(PST_MAP_LRU_HASH);
    check_lru(PST_MAP_LRU_PERCPU_HASH);
}

// Far more keys than places, from two threads: no update is refused, and the map never holds more than it may.
typedef struct storm {
    core_fixture *f;
    int64_t fd;
    uint32_t first;
    uint32_t refused;
} storm;

static void storm_body(void *arg)
{
    storm *s = arg;
    pst_map *map = map_of(s->f, s->fd);
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t key = s->first + i;
        uint64_t value = key;
        pst_epoch_guard guard = pst_core_epoch_enter(s->f->core);
        s->refused += map->ops->update(map, &key, &value, PST_BPF_ANY) != 0;
        const uint64_t *found = map->ops->lookup(map, &key);
        (void)found;
        pst_core_epoch_exit(s->f->core, guard);
    }
}

TEST(an_lru_map_takes_whatever_comes_from_two_threads)
{
    core_fixture f;
    fixture_open(&f);
    int64_t fd = map_create(&f, PST_MAP_LRU_HASH, 4, 8, 64, 0);
    storm one = {&f, fd, 0, 0}, two = {&f, fd, 10000, 0};
    pst_thread *thread;
    CHECK(pst_pal_thread_create(pst_pal_env(), storm_body, &one, &thread) == PST_OK);
    storm_body(&two);
    pst_pal_thread_join(thread);
    CHECK_EQ(one.refused + two.refused, 0);
    CHECK(count_keys(&f, fd) <= 64);
    fixture_close(&f);
}

TEST(programs_push_pop_and_peek)
{
    core_fixture f;
    uint32_t retval = 0;
    uint64_t value = 0;
    fixture_open(&f);
    static const uint32_t types[] = {PST_MAP_QUEUE, PST_MAP_STACK};
    for (size_t i = 0; i < PST_COUNT(types); i++) {
        char text[512];
        int64_t map = map_create(&f, types[i], 0, 8, 2, 0);
        snprintf(text, sizeof text,
                 "*(u64 *)(r10 - 8) = 11\nr1 = map[fd:%d]\nr2 = r10\nr2 += -8\nr3 = 0\ncall 87\n"
                 "*(u64 *)(r10 - 8) = 22\nr1 = map[fd:%d]\nr2 = r10\nr2 += -8\nr3 = 0\ncall 87\n"
                 "r1 = map[fd:%d]\nr2 = r10\nr2 += -8\ncall 89\nr6 = *(u64 *)(r10 - 8)\n"
                 "r1 = map[fd:%d]\nr2 = r10\nr2 += -8\ncall 88\nr7 = *(u64 *)(r10 - 8)\nr6 *= 4\nr6 += r7\nr0 = r6\nr0 &= 127\nexit",
                 (int)map, (int)map, (int)map, (int)map);
        int64_t prog = prog_load_text(&f, PST_PROG_SAMPLE, text);
        CHECK_EQ(prog_run_sample(&f, prog, &retval), 0);
        CHECK_EQ(retval, types[i] == PST_MAP_QUEUE ? 55 : 110);
        CHECK_EQ(map_take(&f, map, NULL, &value), 0);
        CHECK_EQ(value, types[i] == PST_MAP_QUEUE ? 22 : 11);
        CHECK_EQ(map_take(&f, map, NULL, &value), -PST_ENOENT);
    }
    fixture_close(&f);
}

TEST(a_bloom_filter_forgets_nothing)
{
    core_fixture f;
    uint32_t strangers = 0;
    fixture_open(&f);
    int64_t fd = map_create(&f, PST_MAP_BLOOM_FILTER, 0, 4, 1000, PST_F_ZERO_SEED);
    for (uint32_t value = 0; value < 1000; value++) CHECK_EQ(map_lookup(&f, fd, NULL, &value), -PST_ENOENT); // nothing is in an empty one
    for (uint32_t value = 0; value < 1000; value++) CHECK_EQ(map_update(&f, fd, NULL, &value, 0), 0);
    for (uint32_t value = 0; value < 1000; value++) CHECK_EQ(map_lookup(&f, fd, NULL, &value), 0);
    for (uint32_t value = 1000; value < 11000; value++) strangers += map_lookup(&f, fd, NULL, &value) == 0;
    CHECK(strangers < 1000); // of 10,000: about one in thirty is expected
    uint32_t value = 1;
    CHECK_EQ(map_update(&f, fd, NULL, &value, PST_BPF_NOEXIST), -PST_EINVAL);
    CHECK_EQ(map_delete(&f, fd, NULL), -PST_EOPNOTSUPP);
    CHECK_EQ(map_take(&f, fd, NULL, &value), -PST_ENOTSUPP);
    fixture_close(&f);
}

static int64_t add_prefix(core_fixture *f, int64_t fd, uint32_t length, uint32_t address, uint32_t value)
{
    uint8_t key[8] = {(uint8_t)length, 0, 0, 0, (uint8_t)(address >> 24), (uint8_t)(address >> 16), (uint8_t)(address >> 8), (uint8_t)address};
    return map_update(f, fd, key, &value, PST_BPF_ANY);
}

static uint32_t route(core_fixture *f, int64_t fd, uint32_t address)
{
    uint32_t value = 0;
    uint8_t key[8] = {32, 0, 0, 0, (uint8_t)(address >> 24), (uint8_t)(address >> 16), (uint8_t)(address >> 8), (uint8_t)address};
    return map_lookup(f, fd, key, &value) == 0 ? value : 0;
}

TEST(the_longest_prefix_wins)
{
    core_fixture f;
    fixture_open(&f);
    int64_t fd = map_create(&f, PST_MAP_LPM_TRIE, 8, 4, 4096, PST_F_NO_PREALLOC);
    CHECK_EQ(add_prefix(&f, fd, 0, 0, 1), 0);
    CHECK_EQ(add_prefix(&f, fd, 8, 0x0a000000, 2), 0);
    CHECK_EQ(add_prefix(&f, fd, 16, 0x0a010000, 3), 0);
    CHECK_EQ(add_prefix(&f, fd, 32, 0x0a010203, 4), 0);
    CHECK_EQ(route(&f, fd, 0x0b000000), 1);
    CHECK_EQ(route(&f, fd, 0x0a020000), 2);
    CHECK_EQ(route(&f, fd, 0x0a01ffff), 3);
    CHECK_EQ(route(&f, fd, 0x0a010203), 4);
    uint8_t key[8] = {16, 0, 0, 0, 10, 1, 0, 0};
    CHECK_EQ(map_delete(&f, fd, key), 0);
    CHECK_EQ(map_delete(&f, fd, key), -PST_ENOENT);
    CHECK_EQ(route(&f, fd, 0x0a01ffff), 2);
    CHECK_EQ(route(&f, fd, 0x0a010203), 4);
    // Many, so that the end of the map has a tree to free.
    for (uint32_t i = 0; i < 2000; i++) CHECK_EQ(add_prefix(&f, fd, 16 + i % 17, i * 2654435761u, 100 + i), 0);
    fixture_close(&f);
}
