// text.c: a growing string.
//
// Invariant: data is NULL, or data[size] is NUL and size < capacity. After a failure nothing changes any more until clear.
#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/format.h"

void pst_text_init(pst_text *text, const pst_env *env)
{
    *text = (pst_text){.env = env};
}

void pst_text_free(pst_text *text)
{
    pst_free(text->env, text->data, text->capacity);
    pst_text_init(text, text->env);
}

void pst_text_clear(pst_text *text)
{
    text->size = 0;
    text->failed = false;
    if (text->data) text->data[0] = '\0';
}

// Makes room for size more bytes and the NUL; false after a failure.
static bool reserve(pst_text *text, size_t size)
{
    size_t need;
    if (text->failed) return false;
    if (PST_ADD_OVERFLOW(text->size, size, &need) || PST_ADD_OVERFLOW(need, (size_t)1, &need) ||
        pst_grow(text->env, &text->data, &text->capacity, need, 1) != PST_OK)
        text->failed = true;
    return !text->failed;
}

void pst_text_bytes(pst_text *text, const char *bytes, size_t size)
{
    if (!reserve(text, size)) return;
    if (size) memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void pst_text_add(pst_text *text, const char *string)
{
    pst_text_bytes(text, string, strlen(string));
}

void pst_text_format(pst_text *text, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    size_t size = pst_format_v(NULL, 0, fmt, args);
    if (reserve(text, size)) {
        (void)pst_format_v(text->data + text->size, size + 1, fmt, again);
        text->size += size;
    }
    va_end(again);
    va_end(args);
}

const char *pst_text_cstr(const pst_text *text)
{
    return text->data ? text->data : "";
}
