// jit_bench.c: the programs of bench/programs compiled, interpreted, natively and in the running kernel, in one run.
//
// A program is loaded, and so proved, by every host (bench_host.h) as the same instructions; those without maps of their own get the address of
// a map's value as their argument, and native code of the same source gets memory with the same bytes. One after the other takes a
// sample, in turn, so that other work on the machine hits all alike; the least time counts. What an empty program takes is measured beside and
// taken off. Everybody must return the same value.
#include "jit_bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_host.h"
#include "bench_object.h"
#include "pal/pal.h"

#define SAMPLE_NS 500000.0
#define REPEAT_MAX 1000000.0
#define SAMPLES 15

typedef uint64_t (*native_program)(uint8_t *mem, uint64_t size);

#define BENCH(name) uint64_t native_##name(uint8_t *mem, uint64_t size);
#include "bench_programs.def"
#undef BENCH

typedef struct bench_entry {
    const char *name;
    native_program native; // NULL: it has maps
} bench_entry;

static const bench_entry entries[] = {
#define BENCH(name) {#name, native_##name},
#define BENCH_MAPS(name) {#name, NULL},
#include "bench_programs.def"
#include "bench_maps.def"
#undef BENCH
#undef BENCH_MAPS
};

typedef struct options {
    const char *only, *plot;
    bool json, costs;
    unsigned samples;
} options;

static bench_host g_hosts[RUNNERS];
static bench_loaded g_empty[RUNNERS];
PST_ALIGNED(64) static uint64_t g_memory[BENCH_MEMORY_SIZE / 8];
static uint64_t g_initial[BENCH_MEMORY_SIZE / 8];

const char *jit_runner_name(jit_runner runner)
{
    static const char *const names[RUNNERS] = {
#define X(id, name, text) name,
        JIT_RUNNER_LIST(X)
#undef X
    };
    return names[runner];
}

double jit_mean(const jit_results *results, jit_runner runner, jit_runner base, unsigned *rows)
{
    double sum = 0;
    *rows = 0;
    for (unsigned i = 0; i < results->count; i++) {
        const jit_row *row = &results->rows[i];
        if (row->ns[runner] <= 0 || row->ns[base] <= 0) continue;
        sum += log(row->ns[runner] / row->ns[base]);
        ++*rows;
    }
    return *rows ? exp(sum / *rows) : 0;
}

// --- Time -------------------------------------------------------------------------------------------------------

static uint64_t native_empty(uint8_t *mem, uint64_t size)
{
    return 0;
}

static double time_native(native_program program, uint32_t repeat, uint32_t *retval)
{
    native_program volatile opaque = program;
    native_program run = opaque;
    uint64_t r0 = 0, begin = pst_pal_time_ns();
    for (uint32_t i = 0; i < repeat; i++) r0 = run((uint8_t *)g_memory, sizeof g_memory);
    uint64_t end = pst_pal_time_ns();
    *retval = (uint32_t)r0;
    return (double)(end - begin) / repeat;
}

// One program with one runner.
typedef struct contender {
    jit_runner runner;
    native_program native;
    bench_loaded loaded;
    bool runs, has_memory;
    uint32_t repeat, retval;
    double best, best_empty;
} contender;

static double time_once(contender *c, uint32_t repeat)
{
    if (c->runner == BY_NATIVE) {
        memcpy(g_memory, g_initial, sizeof g_memory);
        return time_native(c->native, repeat, &c->retval);
    }
    if (c->has_memory && !bench_fill(&c->loaded, g_initial)) return -1;
    return bench_run(&c->loaded, repeat, &c->retval);
}

static double time_empty(const contender *c, uint32_t repeat)
{
    uint32_t retval;
    return c->runner == BY_NATIVE ? time_native(native_empty, repeat, &retval) : bench_run(&g_empty[c->runner], repeat, &retval);
}

// How often a sample runs the program, from a first few runs.
static void calibrate(contender *c)
{
    double first = time_once(c, 1), ns = time_once(c, 20);
    c->runs = first >= 0 && ns >= 0;
    (void)time_once(c, 1); // the value that is compared is that of a first run
    c->repeat = (uint32_t)fmax(1, fmin(REPEAT_MAX, SAMPLE_NS / fmax(ns, 1)));
}

static void sample(contender *c)
{
    uint32_t value = c->retval;
    double ns = time_once(c, c->repeat), empty = time_empty(c, 20000);
    c->retval = value;
    if (ns < 0 || empty < 0) c->runs = false;
    if (ns < c->best) c->best = ns;
    if (empty < c->best_empty) c->best_empty = empty;
}

// A sample with so many frames more on the stack: where the stack begins is chance, and where its slots have the same place in a page as the data
// that a program works on, each load waits for a store. The least of samples in several places is free of that.
static void sample_deeper(contender *c, unsigned frames)
{
    volatile uint8_t pad[240];
    pad[0] = 0;
    if (frames) sample_deeper(c, frames - 1);
    else sample(c);
    pad[1] = pad[0]; // after the call, so that it is no jump
}

// --- Programs ---------------------------------------------------------------------------------------------------

static bool same_results(const bench_entry *entry, const contender *all)
{
    const contender *first = NULL;
    bool same = true;
    for (int r = 0; r < RUNNERS; r++) {
        if (!all[r].runs) continue;
        if (!first) first = &all[r];
        if (all[r].retval == first->retval) continue;
        same = false;
        fprintf(stderr, "jit_bench: %s: %s returns 0x%x, %s 0x%x\n", entry->name, jit_runner_name((jit_runner)r), all[r].retval,
                jit_runner_name(first->runner), first->retval);
    }
    return same;
}

static void load_all(const bench_entry *entry, const bench_subject *subject, contender *all, jit_row *row)
{
    for (int r = 0; r < RUNNERS; r++) {
        contender *c = &all[r];
        *c = (contender){.runner = (jit_runner)r, .native = entry->native, .has_memory = entry->native != NULL, .best = INFINITY, .best_empty = INFINITY};
        if (r == BY_NATIVE) c->runs = entry->native != NULL;
        else if (g_hosts[r].command) c->runs = bench_load(&g_hosts[r], subject, &c->loaded, row->why_not, sizeof row->why_not);
        if (g_hosts[r].command && !c->runs) fprintf(stderr, "jit_bench: %s does not take %s: %s\n", jit_runner_name((jit_runner)r), entry->name, row->why_not);
        if (c->runs) calibrate(c);
    }
}

static bool measure(const bench_entry *entry, const bench_subject *subject, const options *opts, jit_row *row)
{
    static contender all[RUNNERS];
    *row = (jit_row){0};
    snprintf(row->name, sizeof row->name, "%s", entry->name);
    for (uint32_t i = 0; i < subject->program_count; i++) row->insns += subject->programs[i].count;
    load_all(entry, subject, all, row);
    bool fine = same_results(entry, all) && all[BY_JIT].runs + all[BY_INTERP].runs > 0;
    for (unsigned s = 0; s < opts->samples; s++)
        for (int r = 0; r < RUNNERS; r++)
            if (all[r].runs) sample_deeper(&all[r], s % 15);
    for (int r = 0; r < RUNNERS; r++) {
        row->ns[r] = all[r].runs ? fmax(all[r].best - all[r].best_empty, 0.1) : -1;
        if (all[r].runs && r != BY_NATIVE) row->bytes[r] = bench_code_size(&all[r].loaded);
        bench_unload(&all[r].loaded);
    }
    return fine;
}

// A program without maps: its code section behind two instructions that make its arguments.
static bool measure_plain(const bench_entry *entry, const bench_object *object, const options *opts, jit_row *row)
{
    static const pst_slot arguments[] = {{0x18, 0x21, 0, 0}, {0, 0, 0, 0}, {0xb7, 2, 0, BENCH_MEMORY_SIZE}}; // r1 = the value; r2 = its size
    const pst_object_ref ref = {.pc = 0, .kind = PST_REF_MAP_VALUE};
    const pst_object_map memory = {.name = "memory", .type = PST_MAP_ARRAY, .key_size = 4, .value_size = BENCH_MEMORY_SIZE, .max_entries = 1};
    pst_slot *slots = malloc((PST_COUNT(arguments) + object->count) * sizeof *slots);
    if (!slots) return false;
    memcpy(slots, arguments, sizeof arguments);
    memcpy(slots + PST_COUNT(arguments), object->slots, object->count * sizeof *slots);
    const pst_object_program program = {.slots = slots, .count = (uint32_t)(PST_COUNT(arguments) + object->count), .refs = &ref, .ref_count = 1};
    const bench_subject subject = {.maps = &memory, .map_count = 1, .programs = &program, .program_count = 1};
    bool fine = measure(entry, &subject, opts, row);
    free(slots);
    return fine;
}

static bool measure_object(const bench_entry *entry, const char *path, const options *opts, jit_row *row)
{
    pst_object *object = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    pst_status status = pst_pal_file_read(pst_pal_env(), path, PST_OBJECT_BYTES_MAX, &bytes, &size);
    if (status != PST_OK) return false;
    status = pst_object_open(pst_pal_env(), bytes, size, NULL, &object);
    pst_free(pst_pal_env(), bytes, size + 1);
    if (status == PST_OK) status = pst_object_relocate(object, NULL);
    bool fine = false;
    if (status == PST_OK) {
        const bench_subject subject = {object->maps, object->map_count, object->programs, object->program_count};
        fine = measure(entry, &subject, opts, row);
    }
    pst_object_close(object);
    return fine;
}

static bool measure_entry(const bench_entry *entry, const options *opts, jit_row *row)
{
    char path[1024];
    bench_object object;
    snprintf(path, sizeof path, "%s/%s.%s.o", BENCH_PROGRAMS_DIR, entry->name, entry->native ? "bounded" : "maps");
    if (!entry->native) return measure_object(entry, path, opts, row);
    if (!bench_object_read(path, &object)) {
        fprintf(stderr, "jit_bench: cannot read %s\n", path);
        return false;
    }
    bool fine = measure_plain(entry, &object, opts, row);
    free(object.bytes);
    return fine;
}

// --- The run ----------------------------------------------------------------------------------------------------

static bool open_hosts(jit_results *results)
{
    static const pst_core_engine engines[RUNNERS] = {
        [BY_JIT] = PST_CORE_ENGINE_JIT,      [BY_QUICK] = PST_CORE_ENGINE_JIT_QUICK,    [BY_HARDENED] = PST_CORE_ENGINE_JIT,
        [BY_STRICT] = PST_CORE_ENGINE_JIT,
        [BY_INTERP] = PST_CORE_ENGINE_INTERP, [BY_CHECKED] = PST_CORE_ENGINE_CHECKED};
    static const pst_slot slots[] = {{0xb7, 0, 0, 0}, {0x95, 0, 0, 0}}; // r0 = 0; exit
    const pst_object_program program = {.slots = (pst_slot *)(uintptr_t)slots, .count = PST_COUNT(slots)};
    const bench_subject empty = {.programs = &program, .program_count = 1};
    char why[160];
    results->has[BY_NATIVE] = true;
    for (int r = BY_NATIVE + 1; r < RUNNERS; r++) {
        bool opened = r == BY_LINUX ? bench_kernel_open(&g_hosts[r]) : bench_core_open(&g_hosts[r], engines[r], r == BY_HARDENED || r == BY_STRICT, r == BY_STRICT);
        results->has[r] = opened && bench_load(&g_hosts[r], &empty, &g_empty[r], why, sizeof why);
        if (!results->has[r]) g_hosts[r].command = NULL;
    }
    return results->has[BY_INTERP];
}

static void close_hosts(void)
{
    for (int r = BY_NATIVE + 1; r < RUNNERS; r++) {
        if (!g_hosts[r].command) continue;
        bench_unload(&g_empty[r]);
        if (r != BY_LINUX) bench_core_close(&g_hosts[r]);
    }
}

static void fill_memory(void)
{
    uint64_t x = 0x2545f4914f6cdd1d;
    for (unsigned i = 0; i < PST_COUNT(g_initial); i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        g_initial[i] = x;
    }
    g_initial[0] = UINT64_MAX; // as many rounds as the program allows
}

static void measure_empty(jit_results *results, unsigned samples)
{
    for (int r = 0; r < RUNNERS; r++) {
        contender c = {.runner = (jit_runner)r};
        results->empty_ns[r] = INFINITY;
        for (unsigned s = 0; results->has[r] && s < samples; s++) results->empty_ns[r] = fmin(results->empty_ns[r], time_empty(&c, 20000));
    }
}

static int usage(FILE *to)
{
    fputs("usage: jit_bench [-j] [--svg OUT] [--samples N] [--programs-only] [NAME]\n"
          "Times the programs of bench/programs whose names have NAME in them: natively, in each engine, and in the running kernel where\n"
          "bpf(2) may be called. Prints a table, or JSON with -j; --svg writes a plot as well.\n"
          "  --samples N      samples of each program and engine, in turn; the least counts (default 15)\n"
          "  --programs-only  without the cost of calls and of compiling\n", to);
    return to == stderr ? 2 : 0;
}

static int run(const options *opts)
{
    static jit_results results;
    bool fine = open_hosts(&results);
    if (!fine) fprintf(stderr, "jit_bench: the core cannot be started\n");
    fill_memory();
    measure_empty(&results, opts->samples);
    bool started = fine;
    for (unsigned i = 0; started && i < PST_COUNT(entries) && results.count < JIT_ROWS_MAX; i++) {
        if (opts->only && !strstr(entries[i].name, opts->only)) continue;
        if (!measure_entry(&entries[i], opts, &results.rows[results.count++])) {
            fprintf(stderr, "jit_bench: %s cannot be measured\n", entries[i].name);
            fine = false;
        }
    }
    close_hosts();
    if (opts->costs) fine = jit_costs_measure(&results) && fine;
    if (opts->json) jit_print_json(&results);
    else jit_print_text(&results);
    if (opts->plot) fine = jit_write_plot(&results, opts->plot) && fine;
    return fine ? 0 : 1;
}

int main(int argc, char **argv)
{
    options opts = {.samples = SAMPLES, .costs = true};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) return usage(stdout);
        if (strcmp(argv[i], "-j") == 0) opts.json = true;
        else if (strcmp(argv[i], "--programs-only") == 0) opts.costs = false;
        else if (strcmp(argv[i], "--svg") == 0 && i + 1 < argc) opts.plot = argv[++i];
        else if (strcmp(argv[i], "--samples") == 0 && i + 1 < argc) opts.samples = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (argv[i][0] != '-' && !opts.only) opts.only = argv[i];
        else return usage(stderr);
    }
    return opts.samples ? run(&opts) : usage(stderr);
}
