// program_gen.h: random programs that end and stay inside their memory, for comparing engines.
//
// r6 points to GEN_MEM_SIZE bytes of memory (r1 at entry); the stack's lowest GEN_STACK_SIZE bytes below r10 are in use. Nothing that
// depends on an address reaches r0 or the memory, so each engine must give the same r0 and leave the same bytes.
#ifndef PST_TESTS_PROGRAM_GEN_H
#define PST_TESTS_PROGRAM_GEN_H

#include "isa/isa.h"

#define GEN_MEM_SIZE 512u
#define GEN_STACK_SIZE 64u
#define GEN_SLOTS_MAX 4096u

/// Bytes decide what is generated: a seeded stream, or a fuzzer's input (zeros after its end).
typedef struct gen_source {
    const uint8_t *bytes; // NULL: take the stream of seed
    size_t size, pos;
    uint64_t seed;
} gen_source;

/// Writes a program to slots (GEN_SLOTS_MAX of them) and returns how many it has.
size_t gen_program(gen_source *source, pst_slot *slots);

#endif
