// text.h: a growing string.
//
// Appending after a failed allocation does nothing, so a writer checks once at the end.
#ifndef PST_BASE_TEXT_H
#define PST_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/env.h"

typedef struct pst_text {
    const pst_env *env;
    char *data; // NUL-terminated once anything was appended, else NULL
    size_t size, capacity;
    bool failed;
} pst_text;

void pst_text_init(pst_text *text, const pst_env *env);
void pst_text_free(pst_text *text);
void pst_text_clear(pst_text *text); // keeps the memory
void pst_text_bytes(pst_text *text, const char *bytes, size_t size);
void pst_text_add(pst_text *text, const char *string);
void pst_text_format(pst_text *text, const char *fmt, ...) PST_PRINTF(2, 3);
/// The string so far, "" if empty. Valid until the next append.
const char *pst_text_cstr(const pst_text *text);

#endif
