// jit_bench.c: what compiled programs cost: a call, a helper call, a tail call; compiling, per instruction; bytes, per instruction.
//
// Times are the best of several runs. Programs are those of bench/programs, one after the other in one image where the compiler itself is
// measured. How fast their code runs is in interp_bench, against native code and the interpreters.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_object.h"
#include "jit/jit.h"
#include "pal/pal.h"
#include "raw_program.h"

#define CALLS 20000u
#define BEST_OF 200 // short runs, so that some are not interrupted on a busy machine

static double per_call(const pst_exec *exec, unsigned calls)
{
    double least = 0;
    for (int i = 0; i < BEST_OF; i++) {
        uint64_t begin = pst_pal_time_ns();
        for (unsigned n = 0; n < calls; n++) {
            pst_run run;
            pst_run_begin(&run, NULL, NULL);
            (void)pst_exec_run(exec, &run);
        }
        double ns = (double)(pst_pal_time_ns() - begin) / calls;
        if (i == 0 || ns < least) least = ns;
    }
    return least;
}

static double time_of(raw_engine engine, const char *text)
{
    char error[256];
    raw_program program;
    if (!raw_program_assemble(&program, engine, text, error, sizeof error)) {
        fprintf(stderr, "jit_bench: %s\n", error);
        exit(1);
    }
    double ns = per_call(program.exec, CALLS);
    raw_program_free(&program);
    return ns;
}

static const char g_helpers[] = "r1 = 1; call 5; call 5; call 5; call 5; call 5; call 5; call 5; call 5; call 5; call 5; exit";
static const char g_calls[] = "call f; call f; call f; call f; call f; call f; call f; call f; call f; call f; r0 = 0; exit; f: r0 = 1; exit";

static void print_calls(void)
{
    static const raw_engine engines[] = {RAW_JIT, RAW_FAST};
    printf("%-10s %14s %14s %14s\n", "ns", "empty program", "helper call", "local call");
    for (unsigned i = 0; i < PST_COUNT(engines); i++) {
        double empty = time_of(engines[i], "r0 = 0; exit");
        double helper = (time_of(engines[i], g_helpers) - empty) / 10, call = (time_of(engines[i], g_calls) - empty) / 10;
        printf("%-10s %14.2f %14.2f %14.2f\n", raw_engine_name(engines[i]), empty, helper, call);
    }
}

// --- Compiling ------------------------------------------------------------------------------------------------

typedef struct cost {
    double ns;
    size_t bytes, insns;
} cost;

static bool measure_image(const pst_image *image, cost *out)
{
    const pst_bindings bindings = {0};
    double least = 0;
    for (int i = 0; i < 50; i++) {
        pst_exec *exec;
        pst_jit_code code = {0};
        uint64_t begin = pst_pal_time_ns();
        if (pst_jit_create(pst_pal_env(), image, &bindings, NULL, NULL, &exec) != PST_OK) return false;
        double ns = (double)(pst_pal_time_ns() - begin);
        if (i == 0 || ns < least) least = ns;
        if (pst_jit_code_of(exec, &code)) out->bytes = code.size;
        exec->free(exec);
    }
    out->ns = least;
    out->insns = image->count;
    return true;
}

static bool measure_slots(const pst_slot *slots, uint32_t count, cost *out)
{
    pst_image_input input = {.size = sizeof input, .slots = slots, .count = count};
    pst_image *image = NULL;
    bool fine = pst_image_build(pst_pal_env(), &input, NULL, &image) == PST_OK && measure_image(image, out);
    pst_image_free(image);
    return fine;
}

// The smallest program: what mapping, sealing and unmapping its pages costs, which is the system's.
static cost smallest(void)
{
    static const pst_slot slots[] = {{0xb7, 0, 0, 0}, {0x95, 0, 0, 0}};
    cost c = {0};
    (void)measure_slots(slots, 2, &c);
    return c;
}

static bool add_program(const char *name, const cost *least, cost *all)
{
    char path[1024];
    bench_object object;
    cost c = {0};
    snprintf(path, sizeof path, "%s/%s.bpf.o", BENCH_PROGRAMS_DIR, name);
    bool fine = bench_object_read(path, &object) && measure_slots(object.slots, (uint32_t)object.count, &c);
    if (!fine) {
        fprintf(stderr, "jit_bench: %s cannot be compiled\n", path);
        return false;
    }
    free(object.bytes);
    printf("%-16s %6zu %10.1f %12.2f\n", name, c.insns, (c.ns - least->ns) / (double)c.insns, (double)c.bytes / (double)c.insns);
    all->ns += c.ns - least->ns;
    all->bytes += c.bytes;
    all->insns += c.insns;
    return true;
}

static const char *const g_programs[] = {
#define BENCH(name) #name,
#include "bench_programs.def"
#undef BENCH
};

int main(void)
{
    if (!pst_jit_supported()) {
        printf("there is no compiler for this machine\n");
        return 0;
    }
    print_calls();
    cost least = smallest(), all = {0};
    bool fine = true;
    printf("\npages of a program (allocate, seal): %.1f us\n%-16s %6s %10s %12s\n", least.ns / 1000, "program", "insns", "ns / insn", "bytes / insn");
    for (unsigned i = 0; i < PST_COUNT(g_programs); i++) fine &= add_program(g_programs[i], &least, &all);
    printf("%-16s %6zu %10.1f %12.2f\n", "all", all.insns, all.ns / (double)all.insns, (double)all.bytes / (double)all.insns);
    return fine ? 0 : 1;
}
