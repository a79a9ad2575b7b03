// walk.h: walking the stack by what a system knows of functions.
#ifndef PST_TESTS_WALK_H
#define PST_TESTS_WALK_H

#include <stdint.h>

typedef struct walk_step {
    uint64_t pc;
    uint64_t function; // where the function begins that pc lies in; 0: the system does not know
} walk_step;

/// The callers of this function, innermost first; returns how many.
unsigned walk_by_system(walk_step *out, unsigned max);

#endif
