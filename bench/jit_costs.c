// jit_costs.c: what compiled programs cost beside their work: a call, a helper call, a local call; compiling, per instruction; bytes, per instruction.
//
// Raw programs, without a core: the best of many short runs, so that some are not interrupted on a busy machine.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_object.h"
#include "jit/jit.h"
#include "jit_bench.h"
#include "pal/pal.h"
#include "raw_program.h"

#define CALLS 20000u
#define BEST_OF 100
#define COMPILATIONS 40

static const pst_jit_tier g_tiers[JIT_TIERS] = {PST_JIT_OPTIMISED, PST_JIT_QUICK};

static const char *const g_programs[] = {
#define BENCH(name) #name,
#include "bench_programs.def"
#undef BENCH
};

static double per_call(const pst_exec *exec)
{
    double least = 0;
    for (int i = 0; i < BEST_OF; i++) {
        uint64_t begin = pst_pal_time_ns();
        for (unsigned n = 0; n < CALLS; n++) {
            pst_run run;
            pst_run_begin(&run, NULL, NULL);
            (void)pst_exec_run(exec, &run);
        }
        double ns = (double)(pst_pal_time_ns() - begin) / CALLS;
        if (i == 0 || ns < least) least = ns;
    }
    return least;
}

static bool time_of(raw_engine engine, const char *text, double *ns)
{
    char error[256];
    raw_program program;
    bool made = raw_program_assemble(&program, engine, text, error, sizeof error);
    if (made) *ns = per_call(program.exec);
    else fprintf(stderr, "jit_bench: %s\n", error);
    raw_program_free(&program);
    return made;
}

static bool measure_calls(raw_engine engine, jit_call_costs *out)
{
    static const char helpers[] = "r1 = 1; call 5; call 5; call 5; call 5; call 5; call 5; call 5; call 5; call 5; call 5; exit";
    static const char calls[] =
        "call f; call f; call f; call f; call f; call f; call f; call f; call f; call f; r0 = 0; exit; f: r0 = r1; r0 &= 15; exit";
    double helper, local;
    if (!time_of(engine, "r0 = 0; exit", &out->empty) || !time_of(engine, helpers, &helper) || !time_of(engine, calls, &local)) return false;
    out->helper = (helper - out->empty) / 10;
    out->local = (local - out->empty) / 10;
    return true;
}

// --- Compiling --------------------------------------------------------------------------------------------------

typedef struct cost {
    double ns;
    size_t bytes, insns;
} cost;

static bool compile(const pst_image *image, pst_jit_tier tier, cost *out)
{
    const pst_bindings bindings = {0};
    const pst_jit_opts opts = {.size = sizeof opts, .tier = tier};
    for (int i = 0; i < COMPILATIONS; i++) {
        pst_exec *exec;
        pst_jit_code code = {0};
        uint64_t begin = pst_pal_time_ns();
        if (pst_jit_create(pst_pal_env(), image, &bindings, NULL, &opts, &exec) != PST_OK) return false;
        double ns = (double)(pst_pal_time_ns() - begin);
        if (i == 0 || ns < out->ns) out->ns = ns;
        if (pst_jit_code_of(exec, &code)) out->bytes = code.size;
        exec->free(exec);
    }
    out->insns = image->count;
    return true;
}

static bool compile_slots(const pst_slot *slots, size_t count, pst_jit_tier tier, cost *out)
{
    pst_image_input input = {.size = sizeof input, .slots = slots, .count = (uint32_t)count};
    pst_image *image = NULL;
    *out = (cost){0};
    bool fine = pst_image_build(pst_pal_env(), &input, NULL, &image) == PST_OK && compile(image, tier, out);
    pst_image_free(image);
    return fine;
}

static bool add_program(const char *name, pst_jit_tier tier, double pages_ns, cost *all)
{
    char path[1024];
    bench_object object;
    cost own;
    snprintf(path, sizeof path, "%s/%s.bpf.o", BENCH_PROGRAMS_DIR, name);
    if (!bench_object_read(path, &object)) return false;
    bool fine = compile_slots(object.slots, object.count, tier, &own);
    free(object.bytes);
    if (!fine) return false;
    all->ns += own.ns - pages_ns;
    all->bytes += own.bytes;
    all->insns += own.insns;
    return true;
}

static bool measure_compiler(pst_jit_tier tier, jit_compile_costs *out)
{
    static const pst_slot smallest[] = {{0xb7, 0, 0, 0}, {0x95, 0, 0, 0}}; // what mapping, sealing and unmapping its pages costs is the system's
    cost least, all = {0};
    if (!compile_slots(smallest, PST_COUNT(smallest), tier, &least)) return false;
    for (size_t i = 0; i < PST_COUNT(g_programs); i++) {
        if (add_program(g_programs[i], tier, least.ns, &all)) continue;
        fprintf(stderr, "jit_bench: %s cannot be compiled\n", g_programs[i]);
        return false;
    }
    *out = (jit_compile_costs){all.ns / (double)all.insns, (double)all.bytes / (double)all.insns, least.ns / 1000, all.insns};
    return true;
}

bool jit_costs_measure(jit_results *results)
{
    bool fine = measure_calls(RAW_FAST, &results->calls[JIT_TIERS]);
    for (int tier = 0; fine && tier < JIT_TIERS && pst_jit_supported(); tier++)
        fine = measure_calls(tier == 0 ? RAW_JIT : RAW_JIT_QUICK, &results->calls[tier]) && measure_compiler(g_tiers[tier], &results->compile[tier]);
    return fine;
}
