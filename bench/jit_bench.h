// jit_bench.h: what the files of jit_bench share: who runs programs, and what was measured.
#ifndef JIT_BENCH_H
#define JIT_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Who runs the programs: a column each. name, and what a reader is told.
#define JIT_RUNNER_LIST(X)                                     \
    X(NATIVE, "native", "clang -O2, the same source")          \
    X(JIT, "jit", "compiled")                                  \
    X(QUICK, "jit-quick", "compiled by the quick tier")        \
    X(HARDENED, "hardened", "compiled: constants blinded, random places") \
    X(STRICT, "strict", "the same, strict proofs with masks")  \
    X(INTERP, "interp", "the fast interpreter")                \
    X(CHECKED, "checked", "the checked interpreter")           \
    X(LINUX, "linux", "the running kernel, the same instructions")

typedef enum jit_runner {
#define X(id, name, text) BY_##id,
    JIT_RUNNER_LIST(X)
#undef X
    RUNNERS,
} jit_runner;

const char *jit_runner_name(jit_runner runner);

#define JIT_ROWS_MAX 128

typedef struct jit_row {
    char name[48];
    double ns[RUNNERS];    // of one run, without what an empty program takes there. Negative: not measured
    char why_not[160];     // the last sentence about that, "" if none
    uint32_t insns;
    size_t bytes[RUNNERS]; // of machine code; 0: not known
} jit_row;

typedef struct jit_call_costs { // ns
    double empty, helper, local;
} jit_call_costs;

typedef struct jit_compile_costs { // of all of bench/programs together, without what pages cost
    double ns_per_insn, bytes_per_insn, pages_us;
    size_t insns;
} jit_compile_costs;

#define JIT_TIERS 2 // the optimising one, the quick one

typedef struct jit_results {
    jit_row rows[JIT_ROWS_MAX];
    unsigned count;
    double empty_ns[RUNNERS]; // what was taken off
    bool has[RUNNERS];
    jit_call_costs calls[JIT_TIERS + 1]; // the last: the fast interpreter
    jit_compile_costs compile[JIT_TIERS];
} jit_results;

/// Geometric mean of time over that of base in the rows that both have; *rows: how many those are. 0: none.
double jit_mean(const jit_results *results, jit_runner runner, jit_runner base, unsigned *rows);

/// Measures calls and the compiler (jit_costs.c). False after a sentence.
bool jit_costs_measure(jit_results *results);

// jit_report.c, jit_plot.c
void jit_print_text(const jit_results *results);
void jit_print_json(const jit_results *results);
/// Writes the plot. False after a sentence.
bool jit_write_plot(const jit_results *results, const char *path);

#endif
