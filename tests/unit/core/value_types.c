// value_types.c: see value_types.h.
#include "value_types.h"

#include <string.h>

#include "base/bits.h"

#define HEADER 24u
#define KIND_INT 1u
#define KIND_STRUCT 4u

static uint32_t put(uint8_t *out, uint32_t at, const uint32_t *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) pst_store32(out + at + i * 4, words[i]);
    return at + count * 4;
}

uint32_t value_types(uint8_t *out, const value_field *fields, uint32_t count, uint32_t value_size, uint32_t lock_size)
{
    static const char strings[] = "\0int\0bpf_spin_lock\0bpf_timer\0bpf_list_node\0value\0f";
    uint32_t at = put(out, HEADER, (uint32_t[]){1, KIND_INT << 24, 4, 32}, 4);
    at = put(out, at, (uint32_t[]){5, KIND_STRUCT << 24, lock_size}, 3);
    at = put(out, at, (uint32_t[]){19, KIND_STRUCT << 24, 16}, 3);
    at = put(out, at, (uint32_t[]){29, KIND_STRUCT << 24, 24}, 3);
    at = put(out, at, (uint32_t[]){43, KIND_STRUCT << 24 | count, value_size}, 3);
    for (uint32_t i = 0; i < count; i++) at = put(out, at, (uint32_t[]){i == 0 ? 49u : 0u, fields[i].kind + 2u, fields[i].offset * 8}, 3);
    (void)put(out, 0, (uint32_t[]){0x0001eb9fu, HEADER, 0, at - HEADER, at - HEADER, sizeof strings}, 6);
    memcpy(out + at, strings, sizeof strings);
    return at + (uint32_t)sizeof strings;
}
