// format.h: formatting without a C library, the same on every platform and in a driver.
//
// Supports %d %i %u %x %X %c %s %p %% with flags '-', '0', '+', '#', ' ', width and precision (also '*'), and length
// modifiers hh, h, l, ll, z, j, t. No floating point.
#ifndef PST_BASE_FORMAT_H
#define PST_BASE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

#include "base/compiler.h"

/// Like C99 snprintf: writes at most capacity bytes, NUL included, and returns the full length without the NUL.
size_t pst_format(char *out, size_t capacity, const char *fmt, ...) PST_PRINTF(3, 4);
size_t pst_format_v(char *out, size_t capacity, const char *fmt, va_list args) PST_PRINTF(3, 0);

#endif
