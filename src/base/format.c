// format.c: C99 integer and string formatting.
//
// Called by everything that makes text. Writes into the caller's buffer only, so it never fails; a text that does not fit is cut
// and its full length returned. Left out on purpose: floating point, %n, wide characters, octal.
#include "base/format.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct output {
    char *at;
    size_t capacity; // bytes that may be written, NUL not included
    size_t length;   // of the whole text, written or not
} output;

typedef struct spec {
    bool left, zero, plus, space, alternate, upper;
    size_t width;
    size_t precision;
    bool has_precision;
    char conversion;
} spec;

typedef enum length_mod { LEN_INT, LEN_CHAR, LEN_SHORT, LEN_LONG, LEN_LLONG, LEN_SIZE, LEN_MAX, LEN_PTRDIFF } length_mod;

// va_list may be an array, which a function cannot take by reference; a struct can be.
typedef struct arguments {
    va_list list;
} arguments;

static void put(output *out, char c)
{
    if (out->length < out->capacity) out->at[out->length] = c;
    out->length++;
}

static void put_bytes(output *out, const char *bytes, size_t size)
{
    if (out->length < out->capacity) {
        size_t room = out->capacity - out->length;
        memcpy(out->at + out->length, bytes, size < room ? size : room);
    }
    out->length += size;
}

static void put_repeated(output *out, char c, size_t count)
{
    // A hostile width is one huge number: write what fits and count the rest.
    while (count > 0 && out->length < out->capacity) {
        put(out, c);
        count--;
    }
    out->length += count;
}

static void put_padded(output *out, const spec *s, const char *text, size_t size)
{
    size_t padding = s->width > size ? s->width - size : 0;
    if (!s->left) put_repeated(out, ' ', padding);
    put_bytes(out, text, size);
    if (s->left) put_repeated(out, ' ', padding);
}

static void put_string(output *out, const spec *s, const char *text)
{
    size_t size = 0;
    if (!text) text = "(null)";
    while ((!s->has_precision || size < s->precision) && text[size]) size++;
    put_padded(out, s, text, size);
}

static void put_number(output *out, const spec *s, const char *prefix, uint64_t value, unsigned base)
{
    const char *alphabet = s->upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[20]; // 2^64 - 1 has 20 decimal digits
    size_t count = 0, prefix_size = strlen(prefix);
    for (uint64_t rest = value; rest; rest /= base) digits[sizeof digits - ++count] = alphabet[rest % base];
    size_t minimum = s->has_precision ? s->precision : 1;
    size_t zeros = minimum > count ? minimum - count : 0;
    size_t size = prefix_size + zeros + count;
    size_t padding = s->width > size ? s->width - size : 0;
    if (s->zero && !s->left && !s->has_precision) {
        zeros += padding;
        padding = 0;
    }
    if (!s->left) put_repeated(out, ' ', padding);
    put_bytes(out, prefix, prefix_size);
    put_repeated(out, '0', zeros);
    put_bytes(out, digits + sizeof digits - count, count);
    if (s->left) put_repeated(out, ' ', padding);
}

static int64_t take_signed(arguments *args, length_mod length)
{
    switch (length) {
    case LEN_INT: return va_arg(args->list, int);
    case LEN_CHAR: return (signed char)va_arg(args->list, int);
    case LEN_SHORT: return (short)va_arg(args->list, int);
    case LEN_LONG: return va_arg(args->list, long);
    case LEN_LLONG: return va_arg(args->list, long long);
    case LEN_SIZE: return (int64_t)va_arg(args->list, size_t);
    case LEN_MAX: return va_arg(args->list, intmax_t);
    case LEN_PTRDIFF: return va_arg(args->list, ptrdiff_t);
    }
    return 0;
}

static uint64_t take_unsigned(arguments *args, length_mod length)
{
    switch (length) {
    case LEN_INT: return va_arg(args->list, unsigned);
    case LEN_CHAR: return (unsigned char)va_arg(args->list, int);
    case LEN_SHORT: return (unsigned short)va_arg(args->list, int);
    case LEN_LONG: return va_arg(args->list, unsigned long);
    case LEN_LLONG: return va_arg(args->list, unsigned long long);
    case LEN_SIZE: return va_arg(args->list, size_t);
    case LEN_MAX: return va_arg(args->list, uintmax_t);
    case LEN_PTRDIFF: return (uint64_t)va_arg(args->list, ptrdiff_t);
    }
    return 0;
}

static const char *read_flags(const char *fmt, spec *s)
{
    for (;; fmt++) {
        switch (*fmt) {
        case '-': s->left = true; break;
        case '0': s->zero = true; break;
        case '+': s->plus = true; break;
        case ' ': s->space = true; break;
        case '#': s->alternate = true; break;
        default: return fmt;
        }
    }
}

static const char *read_count(const char *fmt, size_t *out)
{
    size_t value = 0;
    for (; *fmt >= '0' && *fmt <= '9'; fmt++)
        if (value < INT32_MAX) value = value * 10 + (size_t)(*fmt - '0');
    *out = value;
    return fmt;
}

static const char *read_width(const char *fmt, spec *s, arguments *args)
{
    if (*fmt != '*') return read_count(fmt, &s->width);
    int64_t width = va_arg(args->list, int);
    if (width < 0) s->left = true;
    s->width = (size_t)(width < 0 ? -width : width);
    return fmt + 1;
}

static const char *read_precision(const char *fmt, spec *s, arguments *args)
{
    if (*fmt != '.') return fmt;
    fmt++;
    s->has_precision = true;
    if (*fmt != '*') return read_count(fmt, &s->precision);
    int precision = va_arg(args->list, int);
    if (precision < 0) s->has_precision = false;
    else s->precision = (size_t)precision;
    return fmt + 1;
}

static const char *read_length(const char *fmt, length_mod *length)
{
    *length = LEN_INT;
    switch (*fmt) {
    case 'h': *length = fmt[1] == 'h' ? LEN_CHAR : LEN_SHORT; break;
    case 'l': *length = fmt[1] == 'l' ? LEN_LLONG : LEN_LONG; break;
    case 'z': *length = LEN_SIZE; break;
    case 'j': *length = LEN_MAX; break;
    case 't': *length = LEN_PTRDIFF; break;
    default: return fmt;
    }
    return fmt + (*length == LEN_CHAR || *length == LEN_LLONG ? 2 : 1);
}

static void convert_signed(output *out, const spec *s, int64_t value)
{
    const char *prefix = value < 0 ? "-" : s->plus ? "+" : s->space ? " " : "";
    put_number(out, s, prefix, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10);
}

static void convert_hex(output *out, const spec *s, uint64_t value)
{
    const char *prefix = !s->alternate || value == 0 ? "" : s->upper ? "0X" : "0x";
    put_number(out, s, prefix, value, 16);
}

// Converts one argument; false if the conversion is unknown.
static bool convert(output *out, spec *s, length_mod length, arguments *args)
{
    char c;
    switch (s->conversion) {
    case 'd':
    case 'i': convert_signed(out, s, take_signed(args, length)); return true;
    case 'u': put_number(out, s, "", take_unsigned(args, length), 10); return true;
    case 'X': s->upper = true; PST_FALLTHROUGH;
    case 'x': convert_hex(out, s, take_unsigned(args, length)); return true;
    case 'p': put_number(out, s, "0x", (uintptr_t)va_arg(args->list, void *), 16); return true;
    case 's': put_string(out, s, va_arg(args->list, const char *)); return true;
    case 'c':
        c = (char)va_arg(args->list, int);
        put_padded(out, s, &c, 1);
        return true;
    case '%': put(out, '%'); return true;
    default: return false;
    }
}

size_t pst_format_v(char *text, size_t capacity, const char *fmt, va_list list)
{
    output out = {.at = text, .capacity = capacity ? capacity - 1 : 0};
    arguments args;
    va_copy(args.list, list);
    while (*fmt) {
        const char *literal = fmt;
        while (*fmt && *fmt != '%') fmt++;
        put_bytes(&out, literal, (size_t)(fmt - literal));
        if (!*fmt) break;
        const char *start = fmt;
        spec s = {0};
        length_mod length;
        fmt = read_flags(fmt + 1, &s);
        fmt = read_width(fmt, &s, &args);
        fmt = read_precision(fmt, &s, &args);
        fmt = read_length(fmt, &length);
        s.conversion = *fmt;
        if (*fmt) fmt++;
        // The compiler checks formats, so this is a bug of ours: show it, without reading arguments of unknown size.
        if (!convert(&out, &s, length, &args)) put_bytes(&out, start, (size_t)(fmt - start));
    }
    va_end(args.list);
    if (capacity) text[out.length < out.capacity ? out.length : out.capacity] = '\0';
    return out.length;
}

size_t pst_format(char *text, size_t capacity, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    size_t length = pst_format_v(text, capacity, fmt, args);
    va_end(args);
    return length;
}
