// suite.h: the cases of the public suite (public_suite.txt).
#ifndef PST_TESTS_SUITE_H
#define PST_TESTS_SUITE_H

#include "isa/isa.h"

#define SUITE_MEM_MAX 4096
#define SUITE_SLOTS_MAX 4096

typedef struct suite_case {
    char name[64];
    uint8_t mem[SUITE_MEM_MAX];
    size_t mem_size;
    pst_slot slots[SUITE_SLOTS_MAX];
    size_t slot_count;
    uint64_t expected;
} suite_case;

/// Visits each case and returns how many lines are one; a line that is none is visited as NULL.
unsigned suite_each(void (*visit)(void *user, const suite_case *c), void *user);

#endif
