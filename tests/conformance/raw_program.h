// raw_program.h: any slots as a program in raw memory mode, for tests, benchmarks and the conformance program.
#ifndef PST_TESTS_RAW_PROGRAM_H
#define PST_TESTS_RAW_PROGRAM_H

#include "interp/interp.h"
#include "jit/opt/opt.h"

typedef enum raw_engine {
    RAW_FAST,    // the fast interpreter, labels as values
    RAW_SWITCH,  // the same, as a switch
    RAW_CHECKED, // the checked interpreter
    RAW_OPTIMISED, // what the optimiser makes of it, in the checked interpreter
    RAW_JIT,     // compiled. This and what follows: where there is a compiler
    RAW_JIT_QUICK, // compiled by the quick tier
    RAW_JIT_PLAIN, // compiled for the oldest machine
    RAW_JIT_BLOB, // compiled to a blob, and bound from its bytes
    RAW_JIT_BLIND, // compiled with all hardening
    RAW_JIT_BLIND_QUICK, // the same by the quick tier
    RAW_ENGINES
} raw_engine;

const char *raw_engine_name(raw_engine engine); // "interp", "switch", "checked", "optimised", "jit", "jit-plain" and so on
/// Engines that this machine has: the first so many of the list.
raw_engine raw_engine_count(void);
#define RAW_EACH(e) for (raw_engine e = RAW_FAST; e < raw_engine_count(); e++)

/// What the optimiser makes of an image for a machine that has eBPF's registers and nothing else: eBPF again.
typedef struct raw_optimised {
    pst_arena arena;
    jit_unit unit;
    opt_result result;
    bool used;
} raw_optimised;
PST_MUST_USE pst_status raw_optimise(raw_optimised *out, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts);
void raw_optimised_free(raw_optimised *o); // also after a failure

typedef struct raw_program {
    pst_image *image;
    pst_exec *exec;
    raw_optimised optimised; // RAW_OPTIMISED
} raw_program;

/// The bindings of raw programs.
extern const pst_bindings raw_bindings;

/// Helper 5 exists and returns its first argument. False: error has a sentence. Freed by raw_program_free in any case.
bool raw_program_make(raw_program *program, raw_engine engine, const pst_slot *slots, size_t count, char *error, size_t error_size);
/// The same, compiled with these options: every combination of them is one.
bool raw_program_compile(raw_program *program, const pst_jit_opts *opts, const pst_slot *slots, size_t count, char *error, size_t error_size);
/// The slot of the program that an engine's pc means.
uint32_t raw_slot_of(const raw_program *program, uint32_t pc);
void raw_program_free(raw_program *program);

/// Assembles text and makes the program.
bool raw_program_assemble(raw_program *program, raw_engine engine, const char *text, char *error, size_t error_size);

/// Hex digits to bytes, spaces allowed; the count, or -1 when text is no hex or more than max bytes.
long raw_hex(const char *text, uint8_t *out, size_t max);

/// The whole file as a string that the caller frees with free(), or NULL.
char *raw_file(const char *path);

#endif
