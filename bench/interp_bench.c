// interp_bench.c: nanoseconds per eBPF instruction of the interpreters, and their time as a multiple of native code.
//
// For each program of bench/programs: counts its instructions with the checked interpreter, sees that each engine computes what the
// native build does, then takes the best of several runs. Output is a table; run by bench/run.
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

static const raw_engine engines[] = {RAW_FAST, RAW_SWITCH, RAW_CHECKED};
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

// Prints a row and adds the logarithms of its figures to *sums: ns per instruction of each engine, then its ratio to native.
static bool measure(const bench_row *row, const bench_object *object, double sums[2 * ENGINE_COUNT])
{
    raw_program programs[ENGINE_COUNT];
    bool fine = make_all(row, object, programs);
    if (fine) {
        uint64_t per_round = run_once(row, &programs[ENGINE_COUNT - 1], 2).insns - run_once(row, &programs[ENGINE_COUNT - 1], 1).insns;
        uint64_t rounds = TARGET_INSNS / per_round + 1;
        double insns = (double)run_once(row, &programs[ENGINE_COUNT - 1], rounds).insns;
        outcome native = best(row, NULL, rounds);
        printf("%-14s %8.2f ms", row->name, native.ns / 1e6);
        for (unsigned e = 0; e < ENGINE_COUNT; e++) {
            outcome got = best(row, &programs[e], rounds);
            printf("  %6.2f %6.1fx", got.ns / insns, got.ns / native.ns);
            sums[2 * e] += log(got.ns / insns);
            sums[2 * e + 1] += log(got.ns / native.ns);
            if (got.r0 == native.r0) continue;
            fine = false;
            fprintf(stderr, "interp_bench: %s: %s computes 0x%llx, native code 0x%llx\n", row->name, raw_engine_name(engines[e]),
                    (unsigned long long)got.r0, (unsigned long long)native.r0);
        }
        printf("\n");
    }
    for (unsigned e = 0; e < ENGINE_COUNT; e++) raw_program_free(&programs[e]);
    return fine;
}

// interp_bench --mem ROUNDS FILE: writes the memory of a run, for engines outside this program.
static int write_memory(const char *rounds, const char *path)
{
    static uint64_t mem[MEM_SIZE / 8];
    FILE *file = fopen(path, "wb");
    if (!file) return 1;
    fill(mem, strtoull(rounds, NULL, 10));
    bool fine = fwrite(mem, sizeof mem, 1, file) == 1;
    return fclose(file) == 0 && fine ? 0 : 1;
}

int main(int argc, char **argv)
{
    double sums[2 * ENGINE_COUNT] = {0};
    unsigned count = 0;
    bool fine = true;
    if (argc == 4 && strcmp(argv[1], "--mem") == 0) return write_memory(argv[2], argv[3]);
    printf("%-14s %11s", "program", "native");
    for (unsigned e = 0; e < ENGINE_COUNT; e++) printf("  %6s %7s", raw_engine_name(engines[e]), "/native");
    printf("   (ns per instruction; time as a multiple of native)\n");
    for (unsigned i = 0; i < PST_COUNT(rows); i++) {
        char path[1024];
        bench_object object;
        if (argc > 1 && !strstr(rows[i].name, argv[1])) continue;
        snprintf(path, sizeof path, "%s/%s.bpf.o", BENCH_PROGRAMS_DIR, rows[i].name);
        if (!bench_object_read(path, &object)) {
            fprintf(stderr, "interp_bench: cannot read %s\n", path);
            return 1;
        }
        fine &= measure(&rows[i], &object, sums);
        free(object.bytes);
        count++;
    }
    printf("%-14s %11s", "geometric mean", "");
    for (unsigned e = 0; e < ENGINE_COUNT && count; e++) printf("  %6.2f %6.1fx", exp(sums[2 * e] / count), exp(sums[2 * e + 1] / count));
    printf("\n");
    return fine ? 0 : 1;
}
