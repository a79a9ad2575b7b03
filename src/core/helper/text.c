// text.c: trace_printk, trace_vprintk, snprintf, strncmp, strtol, strtoul.
#include "base/bits.h"
#include "core/helper/helpers.h"

#define TRACE_MAX 1024u
#define VARARGS_MAX 12u // Linux's MAX_BPRINTF_VARARGS

static uint64_t trace(pst_run *run, const char *fmt, uint64_t fmt_size, const uint64_t *args, uint32_t count)
{
    char line[TRACE_MAX];
    const pst_core *core = run->host;
    int64_t length = fmt_size <= UINT32_MAX ? helper_format(run, line, sizeof line, fmt, (uint32_t)fmt_size, args, count) : -PST_EINVAL;
    if (length < 0) return (uint64_t)length;
    size_t end = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    if (end > 0 && line[end - 1] == '\n') line[end - 1] = '\0';
    if (core->options.trace) core->options.trace(core->options.user, line);
    return (uint64_t)length;
}

HELPER(trace_printk)
{
    uint64_t args[3] = {r3, r4, r5};
    return trace(run, HELPER_POINTER(const char *, r1), r2, args, 3);
}

// Arguments as an array of 64-bit numbers; false when its size is not of that form.
static bool varargs(uint64_t data, uint64_t size, uint64_t args[VARARGS_MAX], uint32_t *count)
{
    if (size % 8 != 0 || size > VARARGS_MAX * 8 || (size > 0 && data == 0)) return false;
    if (size > 0) memcpy(args, HELPER_POINTER(const void *, data), (size_t)size);
    *count = (uint32_t)(size / 8);
    return true;
}

HELPER(trace_vprintk)
{
    uint64_t args[VARARGS_MAX];
    uint32_t count;
    if (!varargs(r3, r4, args, &count)) return helper_error(PST_EINVAL);
    return trace(run, HELPER_POINTER(const char *, r1), r2, args, count);
}

HELPER(snprintf_helper)
{
    uint64_t args[VARARGS_MAX];
    uint32_t count;
    const char *fmt = HELPER_POINTER(const char *, r3);
    if (!varargs(r4, r5, args, &count)) return helper_error(PST_EINVAL);
    int64_t length = helper_format(run, HELPER_POINTER(char *, r1), (size_t)r2, fmt, (uint32_t)strlen(fmt) + 1, args, count);
    return length < 0 ? (uint64_t)length : (uint64_t)length + 1; // the NUL counts
}

HELPER(strncmp_helper)
{
    return helper_result(strncmp(HELPER_POINTER(const char *, r1), HELPER_POINTER(const char *, r3), (size_t)r2));
}

// --- Numbers --------------------------------------------------------------------------------------------------

typedef struct number {
    bool negative;
    uint64_t magnitude;
    uint32_t used; // bytes, spaces and sign included
} number;

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9') return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'z') return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'Z') return (unsigned)(c - 'A') + 10;
    return 255;
}

// Base 0 in a text: 0x is 16, a leading 0 is 8, else 10. Base 16 skips 0x.
static uint32_t read_base(const char *text, uint32_t at, uint32_t size, uint64_t *base)
{
    bool hex = at + 2 < size && text[at] == '0' && (text[at + 1] == 'x' || text[at + 1] == 'X') && digit_of(text[at + 2]) < 16;
    if (*base == 0) *base = hex ? 16 : at < size && text[at] == '0' ? 8 : 10;
    return *base == 16 && hex ? at + 2 : at;
}

// 0, -PST_EINVAL (no digits, wrong base) or -PST_ERANGE.
static int read_number(const char *text, uint64_t size, uint64_t base, number *out)
{
    uint32_t at = 0, limit = size < 64 ? (uint32_t)size : 64, first;
    if (base != 0 && base != 8 && base != 10 && base != 16) return -PST_EINVAL;
    *out = (number){0};
    while (at < limit && is_space(text[at])) at++;
    if (at < limit && text[at] == '-') {
        out->negative = true;
        at++;
    }
    at = read_base(text, at, limit, &base);
    for (first = at; at < limit && digit_of(text[at]) < base; at++)
        if (PST_MUL_OVERFLOW(out->magnitude, base, &out->magnitude) ||
            PST_ADD_OVERFLOW(out->magnitude, (uint64_t)digit_of(text[at]), &out->magnitude))
            return -PST_ERANGE;
    out->used = at;
    return at == first ? -PST_EINVAL : 0;
}

HELPER(strtol_helper)
{
    number n;
    int error = read_number(HELPER_POINTER(const char *, r1), r2, r3, &n);
    if (error) return helper_result(error);
    if (n.magnitude > (uint64_t)INT64_MAX + n.negative) return helper_error(PST_ERANGE);
    pst_store64(HELPER_POINTER(void *, r4), n.negative ? 0 - n.magnitude : n.magnitude);
    return n.used;
}

HELPER(strtoul_helper)
{
    number n;
    int error = read_number(HELPER_POINTER(const char *, r1), r2, r3, &n);
    if (error) return helper_result(error);
    if (n.negative) return helper_error(PST_EINVAL);
    pst_store64(HELPER_POINTER(void *, r4), n.magnitude);
    return n.used;
}

static const helper_row g_rows[] = {
    {6, trace_printk},     {105, strtol_helper},   {106, strtoul_helper},
    {165, snprintf_helper}, {177, trace_vprintk}, {182, strncmp_helper},
};
const helper_table helper_text_table = {g_rows, PST_COUNT(g_rows)};
