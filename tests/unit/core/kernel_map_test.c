// kernel_map_test.c: our maps against the host kernel's: the same random commands to both, results and values compared.
//
// Needs Linux and the right to call bpf(2); skipped elsewhere. What may differ: the order of keys in a hash map (whole walks are
// compared as sets), ids.
#include "core_fixture.h"
#include "value_types.h"

#ifdef __linux__

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEYS 24u // drawn from, while max_entries is less
#define VALUE_MAX 65536u

typedef struct pair {
    core_fixture ours;
    uint32_t btf, kernel_btf; // 0: none
    int64_t fd, kernel_fd;
    uint32_t type, key_size, value_size, max_entries, user_value;
    uint64_t random;
    uint8_t keys[KEYS][16];
    uint8_t value[VALUE_MAX], our_value[VALUE_MAX], kernel_value[VALUE_MAX];
} pair;

static uint32_t draw(pair *p, uint32_t below)
{
    p->random = p->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(p->random >> 33) % below;
}

static int64_t kernel(uint32_t number, pst_bpf_attr *attr)
{
    long result = syscall(SYS_bpf, number, attr, sizeof *attr);
    return result < 0 ? -errno : result;
}

static bool kernel_allows(void)
{
    pst_bpf_attr attr = {.map_type = PST_MAP_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    int64_t fd = kernel(PST_BPF_MAP_CREATE, &attr);
    if (fd >= 0) {
        close((int)fd);
        return true;
    }
    pst_test_skip("the host does not let this process call bpf(2)");
    return false;
}

// Linux's numbers of a pair, at most one line each.
static bool agree(int64_t ours, int64_t kernels, const char *what, const pair *p)
{
    if (ours == kernels) return true;
    pst_test_fail(__FILE__, __LINE__, "%s on map type %u: ours %lld, the kernel's %lld (%s)", what, p->type, (long long)ours, (long long)kernels,
                  pst_client_error(p->ours.client));
    return false;
}

static bool pair_create(pair *p, uint32_t type, uint32_t key_size, uint32_t value_size, uint32_t max_entries, uint32_t flags, uint32_t inner,
                        uint32_t kernel_inner)
{
    pst_bpf_attr attr = {.map_type = type, .key_size = key_size, .value_size = value_size, .max_entries = max_entries, .map_flags = flags,
                         .inner_map_fd = kernel_inner, .btf_fd = p->kernel_btf, .btf_key_type_id = p->kernel_btf ? KEY_TYPE : 0,
                         .btf_value_type_id = p->kernel_btf ? VALUE_TYPE : 0};
    p->type = type;
    p->key_size = key_size;
    p->value_size = value_size;
    p->max_entries = max_entries;
    bool percpu = type == PST_MAP_PERCPU_ARRAY || type == PST_MAP_PERCPU_HASH || type == PST_MAP_LRU_PERCPU_HASH;
    p->user_value = percpu ? (value_size + 7) / 8 * 8 * pst_pal_cpu_count() : value_size;
    p->kernel_fd = kernel(PST_BPF_MAP_CREATE, &attr);
    attr.inner_map_fd = inner;
    attr.btf_fd = p->btf;
    p->fd = cmd(&p->ours, PST_BPF_MAP_CREATE, &attr);
    if ((p->fd >= 0) == (p->kernel_fd >= 0) && (p->fd >= 0 || p->fd == p->kernel_fd)) return p->fd >= 0;
    pst_test_fail(__FILE__, __LINE__, "create type %u key %u value %u entries %u flags 0x%x: ours %lld, the kernel's %lld (%s)", type, key_size,
                  value_size, max_entries, flags, (long long)p->fd, (long long)p->kernel_fd, pst_client_error(p->ours.client));
    return false;
}

static void pair_close(pair *p)
{
    if (p->fd >= 0) CHECK_EQ(pst_core_close(p->ours.client, (int)p->fd), 0);
    if (p->kernel_fd >= 0) close((int)p->kernel_fd);
}

static bool both(pair *p, uint32_t number, const void *key, bool has_value, uint64_t flags, const char *what)
{
    pst_bpf_attr attr = {.map_fd = (uint32_t)p->fd, .key = PTR(key)}, kernels = {.map_fd = (uint32_t)p->kernel_fd, .key = PTR(key)};
    memset(p->our_value, 0x5a, p->user_value + 64);
    memset(p->kernel_value, 0x5a, p->user_value + 64);
    if (has_value) {
        bool in = number == PST_BPF_MAP_UPDATE_ELEM;
        attr.value = in ? PTR(p->value) : PTR(p->our_value);
        kernels.value = in ? PTR(p->value) : PTR(p->kernel_value);
        attr.flags = kernels.flags = flags;
    }
    int64_t ours = cmd(&p->ours, number, &attr), theirs = kernel(number, &kernels);
    if (!agree(ours, theirs, what, p)) return false;
    if (memcmp(p->our_value, p->kernel_value, p->user_value + 64) == 0) return true;
    pst_test_fail(__FILE__, __LINE__, "%s on map type %u: values differ", what, p->type);
    return false;
}

// Every key by GET_NEXT_KEY, sorted; returns how many.
static uint32_t walk(pair *p, bool ours, uint8_t out[][16], int64_t *end)
{
    uint32_t count = 0;
    uint8_t key[16] = {0};
    for (const void *at = NULL; count < 64; at = key) {
        uint8_t next[16] = {0};
        pst_bpf_attr attr = {.map_fd = (uint32_t)(ours ? p->fd : p->kernel_fd), .key = PTR(at), .next_key = PTR(next)};
        int64_t result = ours ? cmd(&p->ours, PST_BPF_MAP_GET_NEXT_KEY, &attr) : kernel(PST_BPF_MAP_GET_NEXT_KEY, &attr);
        if (result != 0) {
            *end = result;
            break;
        }
        memcpy(key, next, 16);
        memcpy(out[count++], next, 16);
    }
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = i + 1; j < count; j++)
            if (memcmp(out[i], out[j], 16) > 0) {
                uint8_t t[16];
                memcpy(t, out[i], 16);
                memcpy(out[i], out[j], 16);
                memcpy(out[j], t, 16);
            }
    return count;
}

static bool walks_agree(pair *p)
{
    static uint8_t ours[64][16], kernels[64][16];
    int64_t end = 0, kernels_end = 0;
    uint32_t count = walk(p, true, ours, &end), theirs = walk(p, false, kernels, &kernels_end);
    if (!agree(end, kernels_end, "the end of a walk", p)) return false;
    if (count == theirs && memcmp(ours, kernels, count * 16) == 0) return true;
    pst_test_fail(__FILE__, __LINE__, "walks of map type %u differ: %u and %u keys", p->type, count, theirs);
    return false;
}

static bool next_agrees(pair *p, const void *key)
{
    uint8_t next[16], kernels_next[16];
    pst_bpf_attr attr = {.map_fd = (uint32_t)p->fd, .key = PTR(key), .next_key = PTR(next)};
    pst_bpf_attr kernels = {.map_fd = (uint32_t)p->kernel_fd, .key = PTR(key), .next_key = PTR(kernels_next)};
    int64_t ours = cmd(&p->ours, PST_BPF_MAP_GET_NEXT_KEY, &attr), theirs = kernel(PST_BPF_MAP_GET_NEXT_KEY, &kernels);
    bool is_hash = p->type == PST_MAP_HASH || p->type == PST_MAP_PERCPU_HASH || p->type == PST_MAP_LRU_HASH || p->type == PST_MAP_LRU_PERCPU_HASH;
    if (is_hash) return true; // the order is free; walks are compared whole
    return agree(ours, theirs, "next key", p) && (ours != 0 || memcmp(next, kernels_next, p->key_size) == 0);
}

// Update, delete and lookup batches over a few keys. Lookups of hash maps only where a batch takes everything.
static bool batch_agrees(pair *p)
{
    static uint8_t values[8 * 4096], keys[8 * 16], ours_keys[64 * 16], kernels_keys[64 * 16], ours_values[64 * 512], kernels_values[64 * 512];
    uint32_t count = draw(p, 5), number = PST_BPF_MAP_UPDATE_BATCH + draw(p, 2);
    uint8_t cursor[16], kernels_cursor[16];
    for (uint32_t i = 0; i < count; i++) memcpy(keys + i * p->key_size, p->keys[draw(p, KEYS)], p->key_size);
    for (uint32_t i = 0; i < sizeof values; i++) values[i] = (uint8_t)draw(p, 256);
    uint64_t elem_flags = draw(p, 8) == 0 ? draw(p, 5) : 0;
    if (elem_flags == 4 && !p->btf) elem_flags = 0;
    pst_bpf_attr attr = {.batch = {.keys = PTR(keys), .values = PTR(values), .count = count, .map_fd = (uint32_t)p->fd, .elem_flags = elem_flags}};
    pst_bpf_attr kernels = attr;
    kernels.batch.map_fd = (uint32_t)p->kernel_fd;
    if (number == PST_BPF_MAP_DELETE_BATCH) attr.batch.values = kernels.batch.values = 0;
    int64_t ours = cmd(&p->ours, number, &attr), theirs = kernel(number, &kernels);
    if (!agree(ours, theirs, "write batch", p) || !agree(attr.batch.count, kernels.batch.count, "write batch's count", p)) return false;
    if (p->user_value > 512) return true;
    number = draw(p, 4) == 0 ? PST_BPF_MAP_LOOKUP_AND_DELETE_BATCH : PST_BPF_MAP_LOOKUP_BATCH;
    attr = (pst_bpf_attr){.batch = {.out_batch = PTR(cursor), .keys = PTR(ours_keys), .values = PTR(ours_values), .count = 64, .map_fd = (uint32_t)p->fd}};
    kernels = attr;
    kernels.batch.out_batch = PTR(kernels_cursor);
    kernels.batch.keys = PTR(kernels_keys);
    kernels.batch.values = PTR(kernels_values);
    kernels.batch.map_fd = (uint32_t)p->kernel_fd;
    ours = cmd(&p->ours, number, &attr);
    theirs = kernel(number, &kernels);
    return agree(ours, theirs, "read batch", p) && agree(attr.batch.count, kernels.batch.count, "read batch's count", p) && walks_agree(p);
}

// Prefixes that contain each other, now and then one that is too long.
static void prefix_key(pair *p, uint8_t *key)
{
    uint32_t bits = (p->key_size - 4) * 8, length = draw(p, 12) == 0 ? bits + draw(p, 2) : draw(p, bits);
    memcpy(key, &length, 4);
    for (uint32_t i = 4; i < 16; i++) key[i] = draw(p, 3) == 0 ? 0x80 : draw(p, 2) == 0 ? 0xff : 0;
}

static void random_commands(pair *p, unsigned steps)
{
    bool fine = true;
    for (uint32_t i = 0; i < KEYS; i++) {
        for (uint32_t b = 0; b < 16; b++) p->keys[i][b] = (uint8_t)draw(p, 256);
        if (p->type == PST_MAP_ARRAY || p->type == PST_MAP_PERCPU_ARRAY) memcpy(p->keys[i], &i, 4);
        if (p->type == PST_MAP_LPM_TRIE) prefix_key(p, p->keys[i]);
    }
    for (unsigned step = 0; step < steps && fine; step++) {
        const uint8_t *key = p->keys[draw(p, KEYS)];
        for (uint32_t i = 0; i < p->user_value; i++) p->value[i] = (uint8_t)draw(p, 256);
        // The padding of a per-CPU value is copied by the kernel as it is; keep it 0 so that this is not compared.
        if (p->user_value != p->value_size)
            for (uint32_t i = 0; i < p->user_value; i++)
                if (i % ((p->value_size + 7) / 8 * 8) >= p->value_size) p->value[i] = 0;
        switch (draw(p, 8)) {
        case 0:
        case 1: fine = both(p, PST_BPF_MAP_UPDATE_ELEM, key, true, draw(p, 4) == 0 ? draw(p, 6) : 0, "update"); break;
        case 2: fine = both(p, PST_BPF_MAP_UPDATE_ELEM, key, true, 1 + draw(p, 2), "update"); break;
        case 3: fine = both(p, PST_BPF_MAP_LOOKUP_ELEM, key, true, draw(p, 16) == 0 ? draw(p, 6) : 0, "lookup"); break;
        case 4: fine = both(p, PST_BPF_MAP_DELETE_ELEM, key, false, 0, "delete"); break;
        case 5: fine = both(p, PST_BPF_MAP_LOOKUP_AND_DELETE_ELEM, key, true, draw(p, 16) == 0 ? draw(p, 6) : 0, "take"); break;
        case 6: fine = next_agrees(p, draw(p, 4) == 0 ? NULL : key); break;
        case 7: fine = step % 4 == 0 ? batch_agrees(p) : walks_agree(p); break;
        default: break;
        }
    }
}

static void compare_type(uint32_t type, uint32_t key_size, uint32_t value_size, uint32_t max_entries, uint32_t flags)
{
    static pair p;
    p = (pair){.random = type * 7919u + key_size * 31u + value_size};
    fixture_open(&p.ours);
    if (pair_create(&p, type, key_size, value_size, max_entries, flags, 0, 0)) {
        random_commands(&p, 1500);
        // Frozen: reads go on, writes end.
        pst_bpf_attr attr = {.map_fd = (uint32_t)p.fd}, kernels = {.map_fd = (uint32_t)p.kernel_fd};
        agree(cmd(&p.ours, PST_BPF_MAP_FREEZE, &attr), kernel(PST_BPF_MAP_FREEZE, &kernels), "freeze", &p);
        agree(cmd(&p.ours, PST_BPF_MAP_FREEZE, &attr), kernel(PST_BPF_MAP_FREEZE, &kernels), "freeze again", &p);
        random_commands(&p, 100);
    }
    pair_close(&p);
    fixture_close(&p.ours);
}

TEST(arrays_are_the_kernels)
{
    if (!kernel_allows()) return;
    compare_type(PST_MAP_ARRAY, 4, 4, 16, 0);
    compare_type(PST_MAP_ARRAY, 4, 13, 8, PST_F_MMAPABLE);
    compare_type(PST_MAP_ARRAY, 4, 100, 1, PST_F_RDONLY_PROG);
    compare_type(PST_MAP_PERCPU_ARRAY, 4, 4, 16, 0);
    compare_type(PST_MAP_PERCPU_ARRAY, 4, 16, 7, 0);
}

TEST(hashes_are_the_kernels)
{
    if (!kernel_allows()) return;
    compare_type(PST_MAP_HASH, 4, 8, 16, PST_F_NO_PREALLOC);
    compare_type(PST_MAP_HASH, 8, 4, 16, 0);
    compare_type(PST_MAP_HASH, 16, 33, 12, 0);
    compare_type(PST_MAP_HASH, 13, 1, 20, PST_F_NO_PREALLOC);
    compare_type(PST_MAP_HASH, 1, 8, 1, 0);
    compare_type(PST_MAP_PERCPU_HASH, 4, 8, 16, 0);
    compare_type(PST_MAP_PERCPU_HASH, 6, 12, 16, PST_F_NO_PREALLOC);
}

TEST(lru_hashes_that_are_not_full_are_the_kernels)
{
    if (!kernel_allows()) return;
    compare_type(PST_MAP_LRU_HASH, 4, 8, 4096, 0);
    compare_type(PST_MAP_LRU_HASH, 16, 33, 4096, PST_F_NO_COMMON_LRU);
    compare_type(PST_MAP_LRU_PERCPU_HASH, 4, 12, 4096, 0);
}

// Values with locks and timers: all commands, with and without BPF_F_LOCK; which map types take them.
TEST(values_with_fields_are_the_kernels)
{
    static const struct {
        value_field fields[2];
        uint32_t count, value_size;
    } rows[] = {{{{FIELD_LOCK, 0}}, 1, 12}, {{{FIELD_LOCK, 8}}, 1, 33}, {{{FIELD_LOCK, 4}, {FIELD_TIMER, 8}}, 2, 40}, {{{FIELD_LOCK, 0}}, 1, 4},
                {{{FIELD_TIMER, 0}}, 1, 16}};
    static const uint32_t types[] = {PST_MAP_ARRAY, PST_MAP_HASH, PST_MAP_PERCPU_ARRAY, PST_MAP_PERCPU_HASH, PST_MAP_LRU_HASH, PST_MAP_LRU_PERCPU_HASH,
                                     PST_MAP_QUEUE, PST_MAP_LPM_TRIE};
    static const uint32_t flags[] = {0, PST_F_NO_PREALLOC, PST_F_RDONLY_PROG};
    static pair p;
    uint8_t bytes[VALUE_TYPES_MAX];
    if (!kernel_allows()) return;
    for (size_t r = 0; r < PST_COUNT(rows); r++)
        for (size_t t = 0; t < PST_COUNT(types); t++)
            for (size_t i = 0; i < PST_COUNT(flags); i++) {
                bool keyless = types[t] == PST_MAP_QUEUE, lru = types[t] == PST_MAP_LRU_HASH || types[t] == PST_MAP_LRU_PERCPU_HASH;
                p = (pair){.random = r * 77 + t};
                fixture_open(&p.ours);
                pst_bpf_attr attr = {.btf = PTR(bytes), .btf_size = value_types(bytes, rows[r].fields, rows[r].count, rows[r].value_size, 4)};
                int64_t kernel_btf = kernel(PST_BPF_BTF_LOAD, &attr), btf = cmd(&p.ours, PST_BPF_BTF_LOAD, &attr);
                CHECK(btf >= 0 && kernel_btf >= 0);
                p.btf = (uint32_t)btf;
                p.kernel_btf = (uint32_t)kernel_btf;
                p.kernel_fd = p.fd = -1;
                if (pair_create(&p, types[t], keyless ? 0 : 4, rows[r].value_size, lru ? 4096 : 16, flags[i], 0, 0) && !keyless) random_commands(&p, 400);
                pair_close(&p);
                close((int)kernel_btf);
                fixture_close(&p.ours);
            }
}

// Entries that name no interface (0), the first one of every host (1), queues that are too long, CPUs that there are and are not; no programs.
TEST(maps_of_targets_are_the_kernels)
{
    static const struct {
        uint32_t type, value_size, entries;
    } rows[] = {{PST_MAP_DEVMAP, 4, 6}, {PST_MAP_DEVMAP, 8, 6}, {PST_MAP_DEVMAP_HASH, 4, 3}, {PST_MAP_DEVMAP_HASH, 8, 6}, {PST_MAP_CPUMAP, 4, 6}, {PST_MAP_CPUMAP, 8, 6}};
    static const uint32_t targets[] = {0, 1, 1, 1};
    static const uint32_t queues[] = {0, 1, 16384, 16385};
    static pair p;
    if (!kernel_allows()) return;
    for (size_t r = 0; r < PST_COUNT(rows); r++) {
        p = (pair){.random = r + 5, .fd = -1, .kernel_fd = -1};
        fixture_open(&p.ours);
        bool fine = pair_create(&p, rows[r].type, 4, rows[r].value_size, rows[r].entries, 0, 0, 0);
        for (unsigned step = 0; step < 400 && fine; step++) {
            uint32_t key = draw(&p, 8), value[2] = {(rows[r].type == PST_MAP_CPUMAP ? queues : targets)[draw(&p, 4)], draw(&p, 2) ? UINT32_MAX : 0};
            memcpy(p.value, value, sizeof value);
            switch (draw(&p, 6)) {
            case 0:
            case 1: fine = both(&p, PST_BPF_MAP_UPDATE_ELEM, &key, true, draw(&p, 4) == 0 ? draw(&p, 6) : 0, "update"); break;
            case 2: fine = both(&p, PST_BPF_MAP_DELETE_ELEM, &key, false, 0, "delete"); break;
            case 3: fine = both(&p, PST_BPF_MAP_LOOKUP_ELEM, &key, true, draw(&p, 16) == 0 ? draw(&p, 6) : 0, "lookup"); break;
            case 4: fine = both(&p, PST_BPF_MAP_LOOKUP_AND_DELETE_ELEM, &key, true, 0, "take"); break;
            default: fine = rows[r].type == PST_MAP_DEVMAP_HASH ? walks_agree(&p) : next_agrees(&p, draw(&p, 4) ? &key : NULL); break;
            }
        }
        pair_close(&p);
        fixture_close(&p.ours);
    }
}

TEST(tries_of_prefixes_are_the_kernels)
{
    if (!kernel_allows()) return;
    compare_type(PST_MAP_LPM_TRIE, 5, 4, 64, PST_F_NO_PREALLOC);
    compare_type(PST_MAP_LPM_TRIE, 8, 8, 64, PST_F_NO_PREALLOC);
    compare_type(PST_MAP_LPM_TRIE, 8, 3, 9, PST_F_NO_PREALLOC); // it is full now and then
    compare_type(PST_MAP_LPM_TRIE, 9, 1, 64, PST_F_NO_PREALLOC);
    compare_type(PST_MAP_LPM_TRIE, 13, 16, 64, PST_F_NO_PREALLOC);
    compare_type(PST_MAP_LPM_TRIE, 16, 40, 64, PST_F_NO_PREALLOC);
}

static void compare_keyless(uint32_t type, uint32_t value_size, uint32_t max_entries)
{
    static pair p;
    uint32_t key = 0;
    p = (pair){.random = type * 31u + value_size};
    fixture_open(&p.ours);
    bool fine = pair_create(&p, type, 0, value_size, max_entries, 0, 0, 0);
    for (unsigned step = 0; step < 2000 && fine; step++) {
        for (uint32_t i = 0; i < value_size; i++) p.value[i] = (uint8_t)draw(&p, 256);
        switch (draw(&p, 8)) {
        case 0:
        case 1:
        case 2: fine = both(&p, PST_BPF_MAP_UPDATE_ELEM, NULL, true, draw(&p, 3) == 0 ? draw(&p, 6) : 0, "push"); break;
        case 3: fine = both(&p, PST_BPF_MAP_LOOKUP_ELEM, NULL, true, draw(&p, 16) == 0 ? draw(&p, 6) : 0, "peek"); break;
        case 4:
        case 5: fine = both(&p, PST_BPF_MAP_LOOKUP_AND_DELETE_ELEM, NULL, true, draw(&p, 16) == 0 ? draw(&p, 6) : 0, "pop"); break;
        case 6: fine = both(&p, PST_BPF_MAP_DELETE_ELEM, draw(&p, 2) ? &key : NULL, false, 0, "delete"); break;
        case 7: fine = next_agrees(&p, draw(&p, 2) ? &key : NULL) && both(&p, PST_BPF_MAP_UPDATE_ELEM, &key, true, 0, "push with a key"); break;
        default: break;
        }
    }
    pair_close(&p);
    fixture_close(&p.ours);
}

TEST(queues_and_stacks_are_the_kernels)
{
    if (!kernel_allows()) return;
    compare_keyless(PST_MAP_QUEUE, 4, 1);
    compare_keyless(PST_MAP_QUEUE, 8, 7);
    compare_keyless(PST_MAP_QUEUE, 33, 5);
    compare_keyless(PST_MAP_STACK, 4, 1);
    compare_keyless(PST_MAP_STACK, 13, 6);
}

// Each combination of a few sizes and flags: both create the map, or both refuse with the same errno.
TEST(creation_is_refused_like_the_kernel_does)
{
    static const uint32_t types[] = {PST_MAP_HASH, PST_MAP_ARRAY, PST_MAP_PERCPU_HASH, PST_MAP_PERCPU_ARRAY, PST_MAP_PROG_ARRAY,
                                     PST_MAP_PERF_EVENT_ARRAY, PST_MAP_RINGBUF, PST_MAP_LRU_HASH, PST_MAP_LRU_PERCPU_HASH, PST_MAP_LPM_TRIE,
                                     PST_MAP_QUEUE, PST_MAP_STACK, PST_MAP_BLOOM_FILTER, PST_MAP_DEVMAP, PST_MAP_DEVMAP_HASH, PST_MAP_CPUMAP,
                                     PST_MAP_XSKMAP};
    static const uint32_t key_sizes[] = {0, 4, 8, 4096}, value_sizes[] = {0, 4, 5, 40000, 0x80000000u, 0xffffffffu};
    static const uint32_t entries[] = {0, 1, 3, 4096, 12288};
    static pair p;
    if (!kernel_allows()) return;
    p = (pair){0};
    fixture_open(&p.ours);
    for (size_t t = 0; t < PST_COUNT(types); t++)
        for (size_t k = 0; k < PST_COUNT(key_sizes); k++)
            for (size_t v = 0; v < PST_COUNT(value_sizes); v++)
                for (size_t e = 0; e < PST_COUNT(entries); e++) {
                    // 40000 bytes for 4096 entries is memory, not semantics.
                    if (value_sizes[v] == 40000 && entries[e] > 3) continue;
                    (void)pair_create(&p, types[t], key_sizes[k], value_sizes[v], entries[e], 0, 0, 0);
                    pair_close(&p);
                }
    for (size_t t = 0; t < PST_COUNT(types); t++)
        for (unsigned bit = 0; bit < 32; bit++) {
            if (bit == 6 || bit == 9 || bit > 12) continue; // zero seed needs a privilege that both have; clones are others' business
            bool ring = types[t] == PST_MAP_RINGBUF;
            (void)pair_create(&p, types[t], ring ? 0 : 4, ring ? 0 : 4, ring ? 4096 : 4, 1u << bit, 0, 0);
            pair_close(&p);
            (void)pair_create(&p, types[t], ring ? 0 : 4, ring ? 0 : 4, ring ? 4096 : 4, 1u << bit | PST_F_WRONLY_PROG, 0, 0);
            pair_close(&p);
            (void)pair_create(&p, types[t], ring ? 0 : 4, ring ? 0 : 4, ring ? 4096 : 4, 1u << bit | PST_F_RDONLY, 0, 0);
            pair_close(&p);
        }
    fixture_close(&p.ours);
}

// Maps that were opened for one direction, and maps without elements.
TEST(refusals_of_elements_are_the_kernels)
{
    static pair p;
    static const struct {
        uint32_t type, key_size, value_size, entries, flags;
    } rows[] = {
        {PST_MAP_ARRAY, 4, 4, 4, PST_F_RDONLY},      {PST_MAP_ARRAY, 4, 4, 4, PST_F_WRONLY}, {PST_MAP_HASH, 4, 4, 4, PST_F_RDONLY},
        {PST_MAP_HASH, 4, 4, 4, PST_F_WRONLY},       {PST_MAP_RINGBUF, 0, 0, 4096, 0},       {PST_MAP_PROG_ARRAY, 4, 4, 4, 0},
    };
    if (!kernel_allows()) return;
    for (size_t i = 0; i < PST_COUNT(rows); i++) {
        p = (pair){0};
        fixture_open(&p.ours);
        if (pair_create(&p, rows[i].type, rows[i].key_size, rows[i].value_size, rows[i].entries, rows[i].flags, 0, 0)) {
            uint32_t key = 1;
            memset(p.value, 0xff, 8); // as a handle: none
            for (uint64_t flags = 0; flags < 6; flags++) {
                (void)both(&p, PST_BPF_MAP_UPDATE_ELEM, &key, true, flags, "update");
                (void)both(&p, PST_BPF_MAP_LOOKUP_ELEM, &key, true, flags, "lookup");
                (void)both(&p, PST_BPF_MAP_LOOKUP_AND_DELETE_ELEM, &key, true, flags, "take");
            }
            (void)both(&p, PST_BPF_MAP_DELETE_ELEM, &key, false, 0, "delete");
            (void)both(&p, PST_BPF_MAP_UPDATE_ELEM, NULL, true, 0, "update without key");
            (void)both(&p, PST_BPF_MAP_LOOKUP_ELEM, NULL, true, 0, "lookup without key");
            (void)both(&p, PST_BPF_MAP_DELETE_ELEM, NULL, false, 0, "delete without key");
            (void)next_agrees(&p, &key);
            (void)next_agrees(&p, NULL);
            (void)batch_agrees(&p);
            key = 4;
            (void)both(&p, PST_BPF_MAP_UPDATE_ELEM, &key, true, 0, "update beyond the end");
            (void)both(&p, PST_BPF_MAP_DELETE_ELEM, &key, false, 0, "delete beyond the end");
        }
        pair_close(&p);
        fixture_close(&p.ours);
    }
}

// Maps of maps: template rules, then what fits into them.
TEST(maps_of_maps_are_the_kernels)
{
    static pair outer;
    static const struct {
        uint32_t type, key_size, value_size, entries, flags;
    } kinds[] = {
        {PST_MAP_ARRAY, 4, 8, 4, 0},   {PST_MAP_ARRAY, 4, 8, 5, 0},        {PST_MAP_ARRAY, 4, 8, 5, PST_F_INNER_MAP}, {PST_MAP_ARRAY, 4, 4, 4, 0},
        {PST_MAP_HASH, 4, 8, 4, 0},    {PST_MAP_HASH, 4, 8, 9, 0},         {PST_MAP_HASH, 8, 8, 4, 0},                {PST_MAP_HASH, 4, 8, 4, 1},
        {PST_MAP_RINGBUF, 0, 0, 4096, 0}, {PST_MAP_PROG_ARRAY, 4, 4, 4, 0}, {PST_MAP_PERF_EVENT_ARRAY, 4, 4, 4, 0},    {PST_MAP_PERCPU_ARRAY, 4, 8, 4, 0},
    };
    if (!kernel_allows()) return;
    outer = (pair){0};
    fixture_open(&outer.ours);
    int64_t fds[PST_COUNT(kinds)], kernel_fds[PST_COUNT(kinds)];
    for (size_t i = 0; i < PST_COUNT(kinds); i++) {
        CHECK(pair_create(&outer, kinds[i].type, kinds[i].key_size, kinds[i].value_size, kinds[i].entries, kinds[i].flags, 0, 0));
        fds[i] = outer.fd;
        kernel_fds[i] = outer.kernel_fd;
    }
    for (uint32_t type = PST_MAP_ARRAY_OF_MAPS; type <= PST_MAP_HASH_OF_MAPS; type++)
        for (size_t t = 0; t < PST_COUNT(kinds); t++) {
            if (!pair_create(&outer, type, 4, 4, 4, 0, (uint32_t)fds[t], (uint32_t)kernel_fds[t])) continue;
            for (size_t i = 0; i < PST_COUNT(kinds); i++)
                for (uint64_t flags = 0; flags < 4; flags++) {
                    uint32_t key = (uint32_t)i % 5;
                    uint32_t fd = (uint32_t)fds[i], kernel_fd = (uint32_t)kernel_fds[i];
                    pst_bpf_attr attr = {.map_fd = (uint32_t)outer.fd, .key = PTR(&key), .value = PTR(&fd), .flags = flags};
                    pst_bpf_attr kernels = {.map_fd = (uint32_t)outer.kernel_fd, .key = PTR(&key), .value = PTR(&kernel_fd), .flags = flags};
                    agree(cmd(&outer.ours, PST_BPF_MAP_UPDATE_ELEM, &attr), kernel(PST_BPF_MAP_UPDATE_ELEM, &kernels), "update", &outer);
                    key = (uint32_t)(i + flags) % 6;
                    uint32_t id, kernel_id;
                    attr = (pst_bpf_attr){.map_fd = (uint32_t)outer.fd, .key = PTR(&key), .value = PTR(&id)};
                    kernels = (pst_bpf_attr){.map_fd = (uint32_t)outer.kernel_fd, .key = PTR(&key), .value = PTR(&kernel_id)};
                    agree(cmd(&outer.ours, PST_BPF_MAP_LOOKUP_ELEM, &attr), kernel(PST_BPF_MAP_LOOKUP_ELEM, &kernels), "lookup", &outer);
                    attr.value = kernels.value = 0;
                    if (flags == 3)
                        agree(cmd(&outer.ours, PST_BPF_MAP_DELETE_ELEM, &attr), kernel(PST_BPF_MAP_DELETE_ELEM, &kernels), "delete", &outer);
                }
            pair_close(&outer);
        }
    // A map of maps is no template.
    CHECK(pair_create(&outer, PST_MAP_ARRAY_OF_MAPS, 4, 4, 4, 0, (uint32_t)fds[0], (uint32_t)kernel_fds[0]));
    int64_t fd = outer.fd, kernel_fd = outer.kernel_fd;
    CHECK(!pair_create(&outer, PST_MAP_HASH_OF_MAPS, 4, 4, 4, 0, (uint32_t)fd, (uint32_t)kernel_fd));
    CHECK(!pair_create(&outer, PST_MAP_HASH_OF_MAPS, 4, 4, 4, 0, 5000, 5000));
    CHECK(!pair_create(&outer, PST_MAP_HASH_OF_MAPS, 4, 8, 4, 0, (uint32_t)fds[0], (uint32_t)kernel_fds[0]));
    close((int)kernel_fd);
    for (size_t i = 0; i < PST_COUNT(kinds); i++) close((int)kernel_fds[i]);
    fixture_close(&outer.ours);
}

#endif
