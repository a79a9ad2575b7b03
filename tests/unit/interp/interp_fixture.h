// interp_fixture.h: a small world for programs: a sample context with a packet, maps, and a helper for each kind of argument.
#ifndef PST_TESTS_INTERP_FIXTURE_H
#define PST_TESTS_INTERP_FIXTURE_H

#include "catalog/contexts.h"
#include "interp/code.h"
#include "interp/interp.h"

typedef enum fixture_engine { FIXTURE_FAST, FIXTURE_SWITCH, FIXTURE_CHECKED, FIXTURE_JIT, FIXTURE_JIT_PLAIN, FIXTURE_JIT_HARD, FIXTURE_JIT_BLOB, FIXTURE_ENGINES } fixture_engine;
/// Engines that this machine has: the first so many.
fixture_engine fixture_engine_count(void);
extern const char *const fixture_engine_names[FIXTURE_ENGINES];

// Map descriptors in programs.
//   1 array of 4 values of 16 bytes      2 array, read-only and frozen, one value: "text", NUL, then 'x' to the end (32 bytes)
//   3 hash, u32 to u64: 0 to 199 exist   4 array that programs may only write
//   5 hash of maps: 0 is map 1           6 ring buffer               7 program array
// Helpers: see g_helpers in interp_fixture.c.

#define FIXTURE_TURNS 100 // of loops that are metered
#define FIXTURE_HEADROOM 32
#define FIXTURE_PACKET 64

typedef struct fixture_world {
    pst_sample_ctx ctx;
    uint8_t frame[FIXTURE_HEADROOM + FIXTURE_PACKET + 32]; // packet byte n is n
    const pst_exec *targets[8]; // of the program array
    unsigned calls;             // of helpers so far
    uint64_t seen;              // what the last helper that stores something here was given
} fixture_world;

extern fixture_world g_world;

void fixture_reset(void);

/// Assembles text (find_map knows the maps above) and makes it executable; NULL after a failed check. facts may be NULL.
pst_exec *fixture_make(fixture_engine engine, const char *text, const pst_facts *facts);
/// The image's owner as well.
void fixture_free(pst_exec *exec);

/// Resets the world, runs text once in engine and returns r0; *run holds the trap.
uint64_t fixture_run(fixture_engine engine, const char *text, pst_run *run);

const pst_bindings *fixture_bindings(void);
/// Assembles text; NULL after a failed check.
pst_image *fixture_image(const char *text);
/// Makes image executable in engine, with these bindings. facts may be NULL.
pst_status fixture_create(fixture_engine engine, const pst_image *image, const pst_bindings *bindings, const pst_facts *facts, pst_exec **out);
uint64_t *fixture_value(int32_t map, unsigned index); // arrays and map 3

#endif
