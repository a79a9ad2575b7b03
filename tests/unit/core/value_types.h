// value_types.h: BTF of values with special fields, for tests of maps: type 1 is the key (an int of 4 bytes), VALUE_TYPE the value.
#ifndef PST_TESTS_VALUE_TYPES_H
#define PST_TESTS_VALUE_TYPES_H

#include <stdint.h>

typedef enum value_field_kind { FIELD_LOCK, FIELD_TIMER, FIELD_LIST_NODE } value_field_kind;

typedef struct value_field {
    value_field_kind kind;
    uint32_t offset; // bytes
} value_field;

#define KEY_TYPE 1u
#define VALUE_TYPE 5u
#define VALUE_TYPES_MAX 512u

/// A struct of value_size bytes with these fields and nothing else; lock_size is what it says of bpf_spin_lock (4 where it is one). Returns the BTF's
/// size, at most VALUE_TYPES_MAX.
uint32_t value_types(uint8_t *out, const value_field *fields, uint32_t count, uint32_t value_size, uint32_t lock_size);

#endif
