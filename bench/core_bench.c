// core_bench.c: what the core costs: map operations as helpers do them, ring buffer records, epochs, a link's run, a lookup by command.
//
// Each figure is the best of many short measurements, in nanoseconds an operation, on keys in random order. One thread. Compare only figures of one
// run: machines differ. Where the process may call bpf(2), the kernel's maps are measured beside ours, in a program
// that draws random keys, less the time of a program that only draws. Each figure appears when it is known, and takes a second at most on
// a machine that has other work.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/builtin.h"
#include "core/internal.h"
#include "core/map/ringbuf.h"

#define KEYS (1u << 20)
#define SLICE 20000u // operations of one measurement: short, so that some are not interrupted
#define SLICES 100u
#define SLICES_MIN 5u
#define FIGURE_NS 1000000000u // no further slice after that

static pst_core *g_core;
static pst_client *g_client;
static uint32_t *g_keys; // random order, each below the number of entries
static volatile uint64_t g_sink;

static uint32_t next_random(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15u;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint32_t)(state >> 32);
}

static int64_t command(uint32_t cmd, pst_bpf_attr attr)
{
    int64_t result = pst_core_command(g_client, cmd, &attr, sizeof attr);
    if (result < 0) {
        fprintf(stderr, "core_bench: %s\n", pst_client_error(g_client));
        exit(1);
    }
    return result;
}

static pst_map *map_of(int64_t fd)
{
    core_object *object = core_handle_get(g_client, fd, NULL);
    core_object_put(object); // the handle keeps it
    return core_map_of_object(object);
}

typedef uint64_t (*body)(void *arg, uint32_t first, uint32_t count);

// False: enough was measured, of a figure that was begun at a time.
static bool goes_on(uint32_t slice, uint32_t slices, uint64_t since)
{
    return slice < slices && (slice < SLICES_MIN || pst_pal_time_ns() - since < FIGURE_NS);
}

static double measure(body run, void *arg)
{
    double best = 1e18;
    uint64_t since = pst_pal_time_ns();
    for (uint32_t i = 0; goes_on(i, SLICES, since); i++) {
        uint64_t begin = pst_pal_time_ns();
        g_sink += run(arg, i * SLICE, SLICE);
        double ns = (double)(pst_pal_time_ns() - begin) / SLICE;
        if (ns < best) best = ns;
    }
    return best;
}

// --- Maps -----------------------------------------------------------------------------------------------------

static uint64_t lookup(void *arg, uint32_t first, uint32_t count)
{
    pst_map *map = arg;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t *value = map->ops->lookup(map, &g_keys[(first + i) % KEYS]);
        sum += value ? *value : 1;
    }
    return sum;
}

static uint64_t update(void *arg, uint32_t first, uint32_t count)
{
    pst_map *map = arg;
    uint64_t errors = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t value = i;
        errors += map->ops->update(map, &g_keys[(first + i) % KEYS], &value, 0) != 0;
    }
    return errors;
}

static uint64_t replace(void *arg, uint32_t first, uint32_t count)
{
    pst_map *map = arg;
    uint64_t errors = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t value = i;
        errors += map->ops->remove(map, &g_keys[(first + i) % KEYS]) != 0;
        errors += map->ops->update(map, &g_keys[(first + i) % KEYS], &value, 0) != 0;
    }
    return errors;
}

static uint64_t miss(void *arg, uint32_t first, uint32_t count)
{
    pst_map *map = arg;
    uint64_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key = g_keys[(first + i) % KEYS] | 1u << 31;
        found += map->ops->lookup(map, &key) != NULL;
    }
    return found;
}

static void bench_map(const char *name, uint32_t type, uint32_t entries)
{
    int64_t fd = command(PST_BPF_MAP_CREATE, (pst_bpf_attr){.map_type = type, .key_size = 4, .value_size = 8, .max_entries = entries});
    pst_map *map = map_of(fd);
    bool is_hash = type == PST_MAP_HASH || type == PST_MAP_PERCPU_HASH || type == PST_MAP_LRU_HASH;
    for (uint32_t i = 0; i < KEYS; i++) g_keys[i] = next_random() % entries;
    for (uint32_t i = 0; i < entries; i++) {
        uint64_t value = i;
        if (map->ops->update(map, &i, &value, 0)) exit(1);
    }
    printf("%-14s %9u  ", name, entries);
    printf("%8.1f ", measure(lookup, map));
    if (is_hash)
        printf("%8.1f ", measure(miss, map));
    else
        printf("%8s ", "-");
    printf("%8.1f ", measure(update, map));
    if (is_hash)
        printf("%15.1f\n", measure(replace, map));
    else
        printf("%15s\n", "-");
    if (pst_core_close(g_client, (int)fd) != 0) exit(1);
}

// Inserting into a full LRU map: each insertion pushes something out.
static void bench_evict(uint32_t entries)
{
    int64_t fd = command(PST_BPF_MAP_CREATE, (pst_bpf_attr){.map_type = PST_MAP_LRU_HASH, .key_size = 4, .value_size = 8, .max_entries = entries});
    for (uint32_t i = 0; i < KEYS; i++) g_keys[i] = next_random(); // hardly any of them twice
    printf("%-14s %9u  %8s %8s %8s %15.1f\n", "lru, evicting", entries, "-", "-", "-", measure(update, map_of(fd)));
    if (pst_core_close(g_client, (int)fd) != 0) exit(1);
}

static uint64_t lookup_prefix(void *arg, uint32_t first, uint32_t count)
{
    pst_map *map = arg;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key[2] = {32, g_keys[(first + i) % KEYS]};
        const uint64_t *value = map->ops->lookup(map, key);
        sum += value ? *value : 1;
    }
    return sum;
}

// Prefixes of 16 to 32 bits, asked for addresses that begin with one of them.
static void bench_lpm(uint32_t entries)
{
    int64_t fd = command(PST_BPF_MAP_CREATE, (pst_bpf_attr){.map_type = PST_MAP_LPM_TRIE, .key_size = 8, .value_size = 8, .max_entries = entries,
                                                            .map_flags = PST_F_NO_PREALLOC});
    pst_map *map = map_of(fd);
    for (uint32_t i = 0; i < entries; i++) {
        uint32_t key[2] = {16 + i % 17, i * 2654435761u};
        uint64_t value = i;
        if (map->ops->update(map, key, &value, 0)) exit(1);
    }
    for (uint32_t i = 0; i < KEYS; i++) g_keys[i] = next_random() % entries * 2654435761u;
    printf("%-14s %9u  %8.1f %8s %8s %15s\n", "lpm_trie", entries, measure(lookup_prefix, map), "-", "-", "-");
    if (pst_core_close(g_client, (int)fd) != 0) exit(1);
}

// --- The kernel's maps ----------------------------------------------------------------------------------------

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>

static double kernel_run(const char *text)
{
    static uint8_t frame[64];
    pst_slot *slots;
    size_t count;
    pst_asm_error error;
    if (pst_assemble(pst_pal_env(), text, &slots, &count, &error) != PST_OK) return -1;
    pst_bpf_attr load = {.prog_type = PST_PROG_XDP, .insn_cnt = (uint32_t)count, .insns = (uintptr_t)slots, .license = (uintptr_t)"GPL"};
    long prog = syscall(SYS_bpf, PST_BPF_PROG_LOAD, &load, sizeof load);
    pst_free(pst_pal_env(), slots, count * sizeof *slots);
    if (prog < 0) return -1;
    double best = 1e18;
    uint64_t since = pst_pal_time_ns();
    for (uint32_t i = 0; goes_on(i, SLICES / 2, since); i++) {
        pst_bpf_attr run = {.test = {.prog_fd = (uint32_t)prog, .data_in = (uintptr_t)frame, .data_size_in = sizeof frame, .repeat = SLICE}};
        if (syscall(SYS_bpf, PST_BPF_PROG_TEST_RUN, &run, sizeof run) != 0) break;
        if (run.test.duration < best) best = run.test.duration;
    }
    close((int)prog);
    return best;
}

#define DRAW "call 7\nr0 %%= %u\n*(u32 *)(r10 - 4) = r0\n*(u64 *)(r10 - 16) = r0\n"
#define ARGUMENTS "r1 = map[fd:%d]\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -16\nr4 = 0\n"

static void bench_kernel(const char *name, uint32_t type, uint32_t entries)
{
    char text[1024];
    pst_bpf_attr attr = {.map_type = type, .key_size = 4, .value_size = 8, .max_entries = entries};
    int fd = (int)syscall(SYS_bpf, PST_BPF_MAP_CREATE, &attr, sizeof attr);
    if (fd < 0) return;
    for (uint32_t i = 0; i < entries; i++) {
        uint64_t value = i;
        pst_bpf_attr set = {.map_fd = (uint32_t)fd, .key = (uintptr_t)&i, .value = (uintptr_t)&value};
        if (syscall(SYS_bpf, PST_BPF_MAP_UPDATE_ELEM, &set, sizeof set) != 0) break;
    }
    snprintf(text, sizeof text, DRAW "r0 = 0\nexit", entries);
    double draw = kernel_run(text);
    snprintf(text, sizeof text, DRAW ARGUMENTS "call 1\nif r0 == 0 goto out\nr0 = *(u64 *)(r0 + 0)\nout: r0 = 0\nexit", entries, fd);
    double hit = kernel_run(text);
    snprintf(text, sizeof text, DRAW ARGUMENTS "call 2\nr0 = 0\nexit", entries, fd);
    double set = kernel_run(text);
    snprintf(text, sizeof text, DRAW ARGUMENTS "call 3\n" ARGUMENTS "call 2\nr0 = 0\nexit", entries, fd, fd);
    double both = kernel_run(text);
    close(fd);
    if (draw < 0 || hit < 0 || set < 0 || both < 0) return;
    printf("%-14s %9u  %8.1f %8s %8.1f %15.1f\n", name, entries, hit - draw, "-", set - draw, both - draw);
}
static void bench_kernel_evict(uint32_t entries)
{
    char text[1024];
    pst_bpf_attr attr = {.map_type = PST_MAP_LRU_HASH, .key_size = 4, .value_size = 8, .max_entries = entries};
    int fd = (int)syscall(SYS_bpf, PST_BPF_MAP_CREATE, &attr, sizeof attr);
    if (fd < 0) return;
    snprintf(text, sizeof text, DRAW "r0 = 0\nexit", 0x7fffffff);
    double draw = kernel_run(text);
    snprintf(text, sizeof text, DRAW ARGUMENTS "call 2\nr0 = 0\nexit", 0x7fffffff, fd);
    double set = kernel_run(text);
    close(fd);
    if (draw >= 0 && set >= 0) printf("%-14s %9u  %8s %8s %8s %15.1f\n", "  Linux", entries, "-", "-", "-", set - draw);
}

static void bench_kernel_lpm(uint32_t entries)
{
    char text[1024];
    pst_bpf_attr attr = {.map_type = PST_MAP_LPM_TRIE, .key_size = 8, .value_size = 8, .max_entries = entries, .map_flags = PST_F_NO_PREALLOC};
    int fd = (int)syscall(SYS_bpf, PST_BPF_MAP_CREATE, &attr, sizeof attr);
    if (fd < 0) return;
    for (uint32_t i = 0; i < entries; i++) {
        uint32_t key[2] = {16 + i % 17, i * 2654435761u};
        uint64_t value = i;
        pst_bpf_attr set = {.map_fd = (uint32_t)fd, .key = (uintptr_t)key, .value = (uintptr_t)&value};
        if (syscall(SYS_bpf, PST_BPF_MAP_UPDATE_ELEM, &set, sizeof set) != 0) break;
    }
#define DRAW_PREFIX "call 7\nr0 %%= %u\nw0 *= 0x9e3779b1\n*(u32 *)(r10 - 8) = 32\n*(u32 *)(r10 - 4) = r0\n"
    snprintf(text, sizeof text, DRAW_PREFIX "r0 = 0\nexit", entries);
    double draw = kernel_run(text);
    snprintf(text, sizeof text, DRAW_PREFIX "r1 = map[fd:%d]\nr2 = r10\nr2 += -8\ncall 1\nif r0 == 0 goto out\nr0 = *(u64 *)(r0 + 0)\nout: r0 = 0\nexit",
             entries, fd);
    double hit = kernel_run(text);
    close(fd);
    if (draw >= 0 && hit >= 0) printf("%-14s %9u  %8.1f %8s %8s %15s\n", "  Linux", entries, hit - draw, "-", "-", "-");
}
#else
static void bench_kernel_evict(uint32_t entries)
{
}
static void bench_kernel_lpm(uint32_t entries)
{
}
static void bench_kernel(const char *name, uint32_t type, uint32_t entries)
{
}
#endif

// --- The rest -------------------------------------------------------------------------------------------------

typedef struct ring {
    pst_map *map;
    pst_ringbuf_view view;
} ring;

static uint64_t records(void *arg, uint32_t first, uint32_t count)
{
    ring *r = arg;
    uint64_t lost = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t *record = core_ringbuf_reserve(r->map, 64);
        if (!record) {
            lost++;
            continue;
        }
        record[0] = i;
        core_ringbuf_commit(record, PST_RB_NO_WAKEUP, false);
        if (i % 32 == 31) PST_ATOMIC_STORE(r->view.consumer_pos, PST_ATOMIC_LOAD(r->view.producer_pos));
    }
    return lost;
}

static uint64_t epochs(void *arg, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) pst_core_epoch_exit(g_core, pst_core_epoch_enter(g_core));
    return 0;
}

static uint64_t runs(void *arg, uint32_t first, uint32_t count)
{
    pst_link *link = arg;
    pst_sample_ctx ctx = {0};
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += pst_link_run(link, &ctx, NULL);
    return sum;
}

static uint64_t lookups_by_command(void *arg, uint32_t first, uint32_t count)
{
    const int64_t *fd = arg;
    uint64_t value, sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        pst_bpf_attr attr = {.map_fd = (uint32_t)*fd, .key = (uintptr_t)&g_keys[(first + i) % KEYS], .value = (uintptr_t)&value};
        if (pst_core_command(g_client, PST_BPF_MAP_LOOKUP_ELEM, &attr, 32) == 0) sum += value;
    }
    return sum;
}

static int64_t load(const pst_slot *slots, uint32_t count)
{
    return command(PST_BPF_PROG_LOAD, (pst_bpf_attr){.prog_type = PST_PROG_SAMPLE, .insn_cnt = count, .insns = (uintptr_t)slots,
                                                     .license = (uintptr_t)"GPL"});
}

static void bench_rest(void)
{
    static const pst_slot empty[] = {{.opcode = 0xb7, .imm = 1}, {.opcode = 0x95}}; // r0 = 1; exit
    ring r;
    int64_t fd = command(PST_BPF_MAP_CREATE, (pst_bpf_attr){.map_type = PST_MAP_RINGBUF, .max_entries = 1 << 20});
    r.map = map_of(fd);
    if (pst_core_ringbuf_view(g_client, (int)fd, &r.view) != PST_OK) exit(1);
    printf("\nring buffer, reserve and submit 64 bytes  %8.1f\n", measure(records, &r));
    printf("epoch, enter and leave                    %8.1f\n", measure(epochs, NULL));
    int64_t prog = load(empty, 2);
    int64_t link = command(PST_BPF_LINK_CREATE, (pst_bpf_attr){.link_create = {.prog_fd = (uint32_t)prog, .attach_type = PST_ATTACH_SAMPLE}});
    core_object *object = core_handle_get(g_client, link, NULL);
    core_object_put(object);
    printf("link run, empty program (checked)         %8.1f\n", measure(runs, core_link_of(object)));
    fd = command(PST_BPF_MAP_CREATE, (pst_bpf_attr){.map_type = PST_MAP_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1024});
    for (uint32_t i = 0; i < KEYS; i++) g_keys[i] = next_random() % 1024;
    printf("array lookup by command                   %8.1f\n", measure(lookups_by_command, &fd));
}

int main(void)
{
    setbuf(stdout, NULL); // a figure at a time, into pipes too
    g_keys = malloc(KEYS * sizeof *g_keys);
    if (!g_keys || pst_core_create(pst_pal_env(), NULL, &g_core) != PST_OK || pst_client_create(g_core, &g_client) != PST_OK) return 1;
    printf("ns an operation; keys of 4 bytes, values of 8\n%-14s %9s  %8s %8s %8s %15s\n", "map", "entries", "hit", "miss", "update",
           "delete + insert");
    bench_map("array", PST_MAP_ARRAY, 1024);
    bench_kernel("  Linux", PST_MAP_ARRAY, 1024);
    bench_map("percpu_array", PST_MAP_PERCPU_ARRAY, 1024);
    bench_map("hash", PST_MAP_HASH, 1000);
    bench_kernel("  Linux", PST_MAP_HASH, 1000);
    bench_map("hash", PST_MAP_HASH, 100000);
    bench_kernel("  Linux", PST_MAP_HASH, 100000);
    bench_map("hash", PST_MAP_HASH, 1000000);
    bench_kernel("  Linux", PST_MAP_HASH, 1000000);
    bench_map("percpu_hash", PST_MAP_PERCPU_HASH, 1000);
    for (uint32_t entries = 1000; entries <= 1000000; entries *= 1000) {
        bench_map("lru_hash", PST_MAP_LRU_HASH, entries);
        bench_kernel("  Linux", PST_MAP_LRU_HASH, entries);
        bench_evict(entries);
        bench_kernel_evict(entries);
        bench_lpm(entries);
        bench_kernel_lpm(entries);
    }
    bench_rest();
    pst_client_free(g_client);
    pst_core_free(g_core);
    free(g_keys);
    return 0;
}
