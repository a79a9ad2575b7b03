// verify_gen.h: programs near the border of what the verifier accepts, and mutants of them.
//
// Not near it by chance: a program is put together from what real ones do (bounds checks in every form, null checks, loops of every style, spills,
// calls, reservations), each with its constant now and then off by one.
#ifndef PST_TESTS_VERIFY_GEN_H
#define PST_TESTS_VERIFY_GEN_H

#include <stddef.h>
#include <stdint.h>

#include "isa/isa.h"

#define VGEN_SLOTS_MAX 700u

// Maps by descriptor.
enum { VGEN_ARRAY = 3, VGEN_HASH = 4, VGEN_RING = 5, VGEN_GLOBAL = 6, VGEN_MAPS_END = 7 };
#define VGEN_ARRAY_SIZE 48u // bytes of a value
#define VGEN_ARRAY_ENTRIES 4u
#define VGEN_HASH_SIZE 24u
#define VGEN_GLOBAL_SIZE 64u

typedef enum vgen_type { VGEN_XDP, VGEN_SCHED_CLS, VGEN_CGROUP_SKB, VGEN_TYPES } vgen_type;
extern const char *const vgen_type_names[VGEN_TYPES];

/// Bytes decide what is generated: a seeded stream, or a fuzzer's input (zeros after its end).
typedef struct vgen_source {
    const uint8_t *bytes; // NULL: take the stream of seed
    size_t size, pos;
    uint64_t seed;        // not 0
} vgen_source;

/// Writes a program for the type to slots (VGEN_SLOTS_MAX of them) and returns how many it has.
size_t vgen_program(vgen_source *source, vgen_type type, pst_slot *slots);
/// Changes one thing: drops an instruction, moves a constant by one, turns a comparison around, widens an access, exchanges registers ...
/// False: what was drawn does not apply.
bool vgen_mutate(vgen_source *source, pst_slot *slots, size_t count);
uint32_t vgen_next(vgen_source *source, uint32_t below);

#endif
