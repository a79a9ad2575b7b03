// json_read.h: reads JSON (RFC 8259) from hostile bytes into a tree that lies in an arena.
//
// Stricter than the RFC where that keeps readers simple: a string holds no NUL, and values nest at most PST_JSON_DEPTH_MAX deep. Numbers stay
// text until somebody asks for an integer, so none is rounded. Memory is bounded by the arena's limit.
#ifndef PST_BASE_JSON_READ_H
#define PST_BASE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

typedef enum pst_json_kind {
    PST_JSON_NULL,
    PST_JSON_BOOL,
    PST_JSON_NUMBER,
    PST_JSON_STRING,
    PST_JSON_ARRAY,
    PST_JSON_OBJECT,
} pst_json_kind;

typedef struct pst_json_value {
    pst_json_kind kind;
    bool boolean;
    uint32_t count;    // ARRAY, OBJECT: how many there are
    const char *key;   // the name of a member; NULL for others
    const char *text;  // STRING: without escapes; NUMBER: as written. NUL-terminated, else NULL
    size_t length;     // of text
    const struct pst_json_value *first, *next; // elements or members, in the order of the text
} pst_json_value;

typedef struct pst_json_error {
    size_t offset;    // in bytes
    const char *text; // what is wrong there
} pst_json_error;

/// Reads exactly one value with white space around it. PST_E_FORMAT with *error; PST_E_LIMIT when it nests too deep (with *error); PST_E_NOMEM.
PST_MUST_USE pst_status pst_json_read(pst_arena *arena, const void *bytes, size_t size, pst_json_error *error, const pst_json_value **out);
/// The first member of this name; NULL when there is none or value is no object (or NULL).
const pst_json_value *pst_json_member(const pst_json_value *value, const char *key);
/// A whole number from 0 to max, written without fraction or exponent.
PST_MUST_USE bool pst_json_to_u64(const pst_json_value *value, uint64_t max, uint64_t *out);

#endif
