// chance.h: random numbers for hardening, from the system, a pool at a time. Internal to this folder.
//
// Called by back ends while they emit. Nothing that an attacker sees of a program tells him the rest: every number is fresh from the system.
#ifndef PST_JIT_CHANCE_H
#define PST_JIT_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

#define JIT_CHANCE_POOL 64u

typedef struct jit_chance {
    uint32_t pool[JIT_CHANCE_POOL];
    uint32_t left; // numbers of the pool that nobody had yet; 0 at first
} jit_chance;

uint32_t jit_chance_next(jit_chance *chance);
/// Below bound, which is at least 1.
uint32_t jit_chance_below(jit_chance *chance, uint32_t bound);

/// Two numbers whose sum is value: a is chance, and both fit 32 bits. So is either alone, to who knows value only.
typedef struct jit_split {
    int32_t a, b;
} jit_split;
jit_split jit_chance_split(jit_chance *chance, int32_t value);

/// Whether a constant may stand in the code although constants are blinded: it has one byte of the program's choice, and what surrounds it (a
/// sign, the next opcode) has not. No instruction of use to an attacker fits there.
PST_INLINE bool jit_is_harmless(int64_t value) { return value >= INT8_MIN && value <= UINT8_MAX; }

#endif
