// raw_program.h: any slots as a program in raw memory mode, for tests, benchmarks and the conformance program.
#ifndef PST_TESTS_RAW_PROGRAM_H
#define PST_TESTS_RAW_PROGRAM_H

#include "interp/interp.h"

typedef enum raw_engine {
    RAW_FAST,    // the fast interpreter, labels as values
    RAW_SWITCH,  // the same, as a switch
    RAW_CHECKED, // the checked interpreter
    RAW_JIT,     // compiled. This and what follows: where there is a compiler
    RAW_JIT_QUICK, // compiled by the quick tier
    RAW_JIT_PLAIN, // compiled for the oldest machine
    RAW_JIT_BLOB, // compiled to a blob, and bound from its bytes
    RAW_JIT_BLIND, // compiled with all hardening
    RAW_JIT_BLIND_QUICK, // the same by the quick tier
    RAW_ENGINES
} raw_engine;

const char *raw_engine_name(raw_engine engine); // "interp", "switch", "checked", "jit", "jit-plain" and so on
/// Engines that this machine has: the first so many of the list.
raw_engine raw_engine_count(void);
#define RAW_EACH(e) for (raw_engine e = RAW_FAST; e < raw_engine_count(); e++)

typedef struct raw_program {
    pst_image *image;
    pst_exec *exec;
} raw_program;

/// Helper 5 exists and returns its first argument. False: error has a sentence. Freed by raw_program_free in any case.
bool raw_program_make(raw_program *program, raw_engine engine, const pst_slot *slots, size_t count, char *error, size_t error_size);
void raw_program_free(raw_program *program);

/// Assembles text and makes the program.
bool raw_program_assemble(raw_program *program, raw_engine engine, const char *text, char *error, size_t error_size);

/// Hex digits to bytes, spaces allowed; the count, or -1 when text is no hex or more than max bytes.
long raw_hex(const char *text, uint8_t *out, size_t max);

/// The whole file as a string that the caller frees with free(), or NULL.
char *raw_file(const char *path);

#endif
