// json.h: writes JSON (RFC 8259) into a text. Commas and nesting are kept by the writer, so output is always well-formed.
//
// Reading JSON is in json_read.h.
#ifndef PST_BASE_JSON_H
#define PST_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define PST_JSON_DEPTH_MAX 32

typedef struct pst_json {
    pst_text *out;
    unsigned depth;
    bool pretty;                         // indented, two spaces
    bool has_items[PST_JSON_DEPTH_MAX + 1];
    bool after_key;
} pst_json;

void pst_json_init(pst_json *json, pst_text *out, bool pretty);
void pst_json_object_begin(pst_json *json);
void pst_json_object_end(pst_json *json);
void pst_json_array_begin(pst_json *json);
void pst_json_array_end(pst_json *json);
void pst_json_key(pst_json *json, const char *key);
void pst_json_string(pst_json *json, const char *value); // invalid UTF-8 becomes U+FFFD; NULL writes null
void pst_json_u64(pst_json *json, uint64_t value);
void pst_json_i64(pst_json *json, int64_t value);
void pst_json_bool(pst_json *json, bool value);
void pst_json_null(pst_json *json);
/// A number as it is written, for those that were read by json_read.h.
void pst_json_number(pst_json *json, const char *text);
/// Bytes as a lower-case hex string.
void pst_json_hex(pst_json *json, const void *bytes, size_t size);

#endif
