// isa_cases.h: what the tests of this folder share: an environment that counts and can fail, and a walk over slots.
#ifndef PST_TESTS_ISA_CASES_H
#define PST_TESTS_ISA_CASES_H

#include <stdlib.h>

#include "isa/isa.h"

typedef struct isa_heap {
    size_t live_bytes; // allocated and not yet freed
    long fail_at;      // the allocation with this number (from 0) fails; -1: none
    long count;
} isa_heap;

static inline void *isa_heap_resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    isa_heap *heap = user;
    if (new_size == 0) {
        free(ptr);
        heap->live_bytes -= old_size;
        return NULL;
    }
    if (heap->count++ == heap->fail_at) return NULL;
    void *result = realloc(ptr, new_size);
    if (result) heap->live_bytes += new_size - old_size;
    return result;
}

static inline pst_env isa_heap_env(isa_heap *heap)
{
    *heap = (isa_heap){.fail_at = -1};
    return (pst_env){.resize = isa_heap_resize, .user = heap};
}

// Calls visit for each combination of opcode and interesting fields. slots[1] is a well-formed second half with next_imm.
typedef void (*isa_visit)(void *user, const pst_slot slots[2]);

static inline void isa_each_slot(isa_visit visit, void *user)
{
    static const uint8_t regs[] = {0, 1, 2, 3, 4, 5, 6, 10, 11, 15};
    static const int16_t offs[] = {0, 1, -1, 2, 8, 16, 32, INT16_MAX, INT16_MIN};
    static const int32_t imms[] = {0,    1,    -1,   2,    8,     10,    11,    16,      32,      64,        5,         0x40,      0x41,
                                   0x50, 0x51, 0xa0, 0xa1, 0xe0,  0xe1,  0xf0,  0xf1,    0x100,   0x101,     0x110,     0x111,     0x10000,
                                   0x10001, INT32_MAX, INT32_MIN};
    static const int32_t next_imms[] = {0, 1, -1, 0x11223344};
    for (unsigned opcode = 0; opcode < 256; opcode++)
        for (size_t d = 0; d < PST_COUNT(regs); d++)
            for (size_t s = 0; s < PST_COUNT(regs); s++)
                for (size_t o = 0; o < PST_COUNT(offs); o++)
                    for (size_t i = 0; i < PST_COUNT(imms); i++)
                        for (size_t n = 0; n < (opcode == 0x18 ? PST_COUNT(next_imms) : 1); n++) {
                            pst_slot slots[2] = {{(uint8_t)opcode, (uint8_t)(regs[d] | regs[s] << 4), offs[o], imms[i]}, {0}};
                            slots[1].imm = next_imms[n];
                            visit(user, slots);
                        }
}

#endif
