// interp_bench.c: nanoseconds per eBPF instruction, compiled and in the interpreters, and their time as a multiple of native code.
//
// For each program of bench/programs: counts its instructions with the checked interpreter, sees that each engine computes what the
// native build does, then takes the best of several runs. Output is a table; run by bench/run.
// UBPF_TEST_BIN=PATH of a ubpf_test that somebody built adds a column: its interpreter on the same objects and memory, timed around the
// whole process, less the time of a process that runs no round.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_object.h"
#include "pal/pal.h"
#include "raw_program.h"

#define MEM_SIZE 8192u
#define TARGET_INSNS 4000000u // of one measured run
#define BEST_OF 5

#define BENCH(name) uint64_t native_##name(uint8_t *mem, uint64_t size);
#include "bench_programs.def"
#undef BENCH

typedef struct bench_row {
    const char *name;
    uint64_t (*native)(uint8_t *mem, uint64_t size);
} bench_row;

static const bench_row rows[] = {
#define BENCH(name) {#name, native_##name},
#include "bench_programs.def"
#undef BENCH
};

#if PST_HOST_X64
static const raw_engine engines[] = {RAW_JIT, RAW_FAST, RAW_SWITCH, RAW_CHECKED};
#else
static const raw_engine engines[] = {RAW_FAST, RAW_SWITCH, RAW_CHECKED};
#endif
#define ENGINE_COUNT PST_COUNT(engines)

typedef struct outcome {
    uint64_t r0, insns; // insns: counted by the checked interpreter only
    double ns;
} outcome;

static void fill(uint64_t *mem, uint64_t rounds)
{
    uint64_t x = 0x2545f4914f6cdd1d;
    for (unsigned i = 0; i < MEM_SIZE / 8; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        mem[i] = x;
    }
    mem[0] = rounds;
}

static outcome run_once(const bench_row *row, const raw_program *program, uint64_t rounds)
{
    PST_ALIGNED(64) static uint64_t mem[MEM_SIZE / 8];
    outcome out = {0};
    pst_run run = {0};
    fill(mem, rounds);
    uint64_t start = pst_pal_time_ns();
    out.r0 = program ? pst_exec_run_raw(program->exec, (pst_raw_memory){mem, MEM_SIZE}, &run) : row->native((uint8_t *)mem, MEM_SIZE);
    out.ns = (double)(pst_pal_time_ns() - start);
    out.insns = run.insn_count;
    if (run.trap.code != PST_TRAP_NONE) {
        fprintf(stderr, "interp_bench: %s traps at %u: %s\n", row->name, run.trap.pc, pst_trap_text(run.trap.code));
        exit(1);
    }
    return out;
}

static outcome best(const bench_row *row, const raw_program *program, uint64_t rounds)
{
    outcome least = run_once(row, program, rounds);
    for (int i = 1; i < BEST_OF; i++) {
        outcome again = run_once(row, program, rounds);
        if (again.ns < least.ns) least = again;
    }
    return least;
}

static bool make_all(const bench_row *row, const bench_object *object, raw_program *programs)
{
    char error[256] = "";
    bool made = true;
    for (unsigned e = 0; e < ENGINE_COUNT; e++)
        made = raw_program_make(&programs[e], engines[e], object->slots, object->count, error, sizeof error) && made;
    if (!made) fprintf(stderr, "interp_bench: %s: %s\n", row->name, error);
    return made;
}

// --- An engine outside this program ---------------------------------------------------------------------------

static bool write_memory(const char *path, uint64_t rounds)
{
    static uint64_t mem[MEM_SIZE / 8];
    FILE *file = fopen(path, "wb");
    if (!file) return false;
    fill(mem, rounds);
    bool fine = fwrite(mem, sizeof mem, 1, file) == 1;
    return fclose(file) == 0 && fine;
}

// Runs command as often as BEST_OF says; the best time in ns, and what it printed as a number. Negative: it failed.
static double time_process(const char *command, uint64_t *r0)
{
    double least = -1;
    for (int i = 0; i < BEST_OF; i++) {
        char line[128] = "";
        uint64_t start = pst_pal_time_ns();
        FILE *output = popen(command, "r");
        if (!output) return -1;
        bool printed = fgets(line, sizeof line, output) != NULL;
        if (pclose(output) != 0 || !printed) return -1;
        double ns = (double)(pst_pal_time_ns() - start);
        if (least < 0 || ns < least) least = ns;
        *r0 = strtoull(line, NULL, 16);
    }
    return least;
}

// Nanoseconds of rounds rounds in uBPF's interpreter; negative: not asked for, or it failed after a sentence.
static double time_ubpf(const bench_row *row, uint64_t rounds, uint64_t want)
{
    const char *program = getenv("UBPF_TEST_BIN"), *memory = BENCH_PROGRAMS_DIR "/memory.bin";
    char command[2048];
    uint64_t nothing, r0 = 0;
    if (!program) return -1;
    snprintf(command, sizeof command, "'%s' --mem '%s' '%s/%s.bpf.o'", program, memory, BENCH_PROGRAMS_DIR, row->name);
    double start_up = write_memory(memory, 0) ? time_process(command, &nothing) : -1;
    double whole = start_up >= 0 && write_memory(memory, rounds) ? time_process(command, &r0) : -1;
    (void)remove(memory);
    if (whole >= 0 && r0 == want) return whole - start_up;
    fprintf(stderr, "interp_bench: uBPF fails on %s\n", row->name);
    return -1;
}

// --- The table ------------------------------------------------------------------------------------------------

// Sums of the logarithms of the figures of all rows, for the geometric means.
typedef struct totals {
    double per_insn[ENGINE_COUNT], per_native[ENGINE_COUNT], ubpf_per_insn, ubpf_per_fast;
    unsigned rows, ubpf_rows;
} totals;

static void add_ubpf(const bench_row *row, uint64_t rounds, double insns, double fast_ns, uint64_t r0, totals *all)
{
    double ns = time_ubpf(row, rounds, r0);
    if (ns < 0) return;
    printf("  %6.2f %6.1fx", ns / insns, ns / fast_ns);
    all->ubpf_per_insn += log(ns / insns);
    all->ubpf_per_fast += log(ns / fast_ns);
    all->ubpf_rows++;
}

static bool measure_made(const bench_row *row, const raw_program *programs, totals *all)
{
    const raw_program *counter = &programs[ENGINE_COUNT - 1]; // the checked interpreter
    uint64_t per_round = run_once(row, counter, 2).insns - run_once(row, counter, 1).insns, rounds = TARGET_INSNS / per_round + 1;
    double insns = (double)run_once(row, counter, rounds).insns, fast_ns = 0;
    outcome native = best(row, NULL, rounds);
    bool fine = true;
    printf("%-14s %8.2f ms", row->name, native.ns / 1e6);
    for (unsigned e = 0; e < ENGINE_COUNT; e++) {
        outcome got = best(row, &programs[e], rounds);
        printf("  %6.2f %6.2fx", got.ns / insns, got.ns / native.ns);
        all->per_insn[e] += log(got.ns / insns);
        all->per_native[e] += log(got.ns / native.ns);
        if (engines[e] == RAW_FAST) fast_ns = got.ns;
        if (got.r0 == native.r0) continue;
        fine = false;
        fprintf(stderr, "interp_bench: %s: %s computes 0x%llx, native code 0x%llx\n", row->name, raw_engine_name(engines[e]),
                (unsigned long long)got.r0, (unsigned long long)native.r0);
    }
    all->rows++;
    add_ubpf(row, rounds, insns, fast_ns, native.r0, all);
    printf("\n");
    return fine;
}

static bool measure(const bench_row *row, totals *all)
{
    char path[1024];
    bench_object object;
    raw_program programs[ENGINE_COUNT];
    snprintf(path, sizeof path, "%s/%s.bpf.o", BENCH_PROGRAMS_DIR, row->name);
    if (!bench_object_read(path, &object)) {
        fprintf(stderr, "interp_bench: cannot read %s\n", path);
        return false;
    }
    bool fine = make_all(row, &object, programs) && measure_made(row, programs, all);
    for (unsigned e = 0; e < ENGINE_COUNT; e++) raw_program_free(&programs[e]);
    free(object.bytes);
    return fine;
}

static void print_means(const totals *all)
{
    if (all->rows == 0) return;
    printf("%-14s %11s", "geometric mean", "");
    for (unsigned e = 0; e < ENGINE_COUNT; e++)
        printf("  %6.2f %6.2fx", exp(all->per_insn[e] / all->rows), exp(all->per_native[e] / all->rows));
    if (all->ubpf_rows) printf("  %6.2f %6.1fx", exp(all->ubpf_per_insn / all->ubpf_rows), exp(all->ubpf_per_fast / all->ubpf_rows));
    printf("\n");
}

// The argument, if any, is a part of the names to run.
int main(int argc, char **argv)
{
    totals all = {0};
    bool fine = true;
    printf("ns per instruction, and time as a multiple of native code%s\n", getenv("UBPF_TEST_BIN") ? " (uBPF: of interp)" : "");
    printf("%-14s %11s", "program", "native");
    for (unsigned e = 0; e < ENGINE_COUNT; e++) printf("  %14s", raw_engine_name(engines[e]));
    printf("%s\n", getenv("UBPF_TEST_BIN") ? "            uBPF" : "");
    for (unsigned i = 0; i < PST_COUNT(rows); i++)
        if (argc < 2 || strstr(rows[i].name, argv[1])) fine &= measure(&rows[i], &all);
    print_means(&all);
    return fine ? 0 : 1;
}
