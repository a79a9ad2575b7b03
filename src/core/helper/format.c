// format.c: the format language of bpf_trace_printk, bpf_trace_vprintk and bpf_snprintf.
//
// %d %i %u %x %X with l and ll, %c, %s, %p %px %pK %ps %pS %pB, %pks %pus, %pi4 %pI4 %pi6 %pI6, %%, flags and width. Source: Linux's
// bpf_bprintf_prepare. A string or address argument is a plain number: it is followed only where the engine says that the program could
// read there itself; elsewhere the string is empty, as on Linux after a fault.
#include "base/bits.h"
#include "base/format.h"
#include "core/helper/helpers.h"

#define STRING_MAX 512u

typedef struct writer {
    const pst_run *run;
    char *out;
    size_t capacity, length;
    const uint64_t *args;
    uint32_t arg_count, arg;
} writer;

typedef struct spec {
    char flags[24]; // "%-08" and so on, for format.h
    unsigned length;
} spec;

static void put_text(writer *w, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++, w->length++)
        if (w->length + 1 < w->capacity) w->out[w->length] = text[i];
}

static bool can_read(const pst_run *run, uint64_t address, uint64_t size)
{
    if (run->can_read) return run->can_read(run, address, size);
    // An engine that does not know: global data of the program is safe in any case.
    const pst_image *image = run->prog ? run->prog->image : NULL;
    for (uint32_t i = 0; image && i < image->map_count; i++) {
        const pst_map_view *view = image->maps[i];
        uint64_t begin = (uintptr_t)view->values, bytes = (uint64_t)view->value_stride * view->max_entries;
        if (begin != 0 && address >= begin && address - begin < bytes && size <= bytes - (address - begin)) return true;
    }
    return false;
}

static size_t string_length(const pst_run *run, uint64_t address)
{
    size_t length = 0;
    while (length < STRING_MAX && can_read(run, address + length, 1) && *HELPER_POINTER(const char *, address + length)) length++;
    return length;
}

// Formats one value by a conversion of format.h, with the flags and width of the program.
static void put_number(writer *w, const spec *s, const char *conversion, uint64_t value)
{
    char format[40], text[80];
    (void)pst_format(format, sizeof format, "%s%s", s->flags, conversion);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    size_t length = pst_format(text, sizeof text, format, (unsigned long long)value);
#pragma GCC diagnostic pop
    put_text(w, text, length < sizeof text ? length : sizeof text - 1);
}

static void put_string(writer *w, const spec *s, uint64_t address)
{
    size_t length = string_length(w->run, address), width = 0;
    bool left = strchr(s->flags, '-') != NULL;
    for (const char *at = s->flags + 1; *at; at++)
        if (*at >= '0' && *at <= '9') width = width * 10 + (size_t)(*at - '0');
    for (size_t i = length; i < width && !left; i++) put_text(w, " ", 1);
    put_text(w, HELPER_POINTER(const char *, address), length);
    for (size_t i = length; i < width && left; i++) put_text(w, " ", 1);
}

static void put_ipv4(writer *w, const uint8_t *ip, bool padded)
{
    char text[16];
    size_t length = padded ? pst_format(text, sizeof text, "%03u.%03u.%03u.%03u", ip[0], ip[1], ip[2], ip[3])
                           : pst_format(text, sizeof text, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
    put_text(w, text, length);
}

static void put_ipv6(writer *w, const uint8_t *ip, bool colons)
{
    char text[8];
    for (unsigned i = 0; i < 16; i += 2) {
        size_t length = pst_format(text, sizeof text, "%s%02x%02x", colons && i > 0 ? ":" : "", ip[i], ip[i + 1]);
        put_text(w, text, length);
    }
}

static bool next_arg(writer *w, uint64_t *out)
{
    if (w->arg >= w->arg_count) return false;
    *out = w->args[w->arg++];
    return true;
}

// %pi4 %pI4 %pi6 %pI6 at fmt ("i4"). Linux's lower-case forms pad and leave the colons out.
static bool put_address(writer *w, const char *fmt, uint64_t address)
{
    bool v4 = fmt[1] == '4', plain = fmt[0] == 'I';
    if (!v4 && fmt[1] != '6') return false;
    uint8_t bytes[16] = {0};
    size_t size = v4 ? 4 : 16;
    if (can_read(w->run, address, size)) memcpy(bytes, HELPER_POINTER(const void *, address), size);
    if (v4)
        put_ipv4(w, bytes, !plain);
    else
        put_ipv6(w, bytes, plain);
    return true;
}

// What follows %p; returns how many characters it takes, or -1.
static int put_pointer(writer *w, const spec *s, const char *fmt)
{
    uint64_t value;
    if (!next_arg(w, &value)) return -1;
    if ((fmt[0] == 'k' || fmt[0] == 'u') && fmt[1] == 's') {
        put_string(w, s, value);
        return 2;
    }
    if (fmt[0] == 'i' || fmt[0] == 'I') return put_address(w, fmt, value) ? 2 : -1;
    bool known = fmt[0] == 'x' || fmt[0] == 'K' || fmt[0] == 's' || fmt[0] == 'S' || fmt[0] == 'B';
    bool ends = fmt[0] == '\0' || !((fmt[0] >= 'a' && fmt[0] <= 'z') || (fmt[0] >= 'A' && fmt[0] <= 'Z') || (fmt[0] >= '0' && fmt[0] <= '9'));
    if (!known && !ends) return -1;
    // Addresses are hidden but with %px, as on Linux.
    put_number(w, s, "016llx", fmt[0] == 'x' ? value : 0);
    return known ? 1 : 0;
}

// %d and its like, with l and ll; returns how many characters the conversion takes, or -1.
static int put_integer(writer *w, const spec *s, const char *fmt)
{
    int longs = 0;
    uint64_t value;
    while (longs < 2 && fmt[longs] == 'l') longs++;
    char kind = fmt[longs];
    if (kind != 'd' && kind != 'i' && kind != 'u' && kind != 'x' && kind != 'X') return -1;
    if (!next_arg(w, &value)) return -1;
    bool is_signed = kind == 'd' || kind == 'i';
    if (longs == 0) value = is_signed ? (uint64_t)(int64_t)(int32_t)(uint32_t)value : (uint32_t)value;
    char conversion[4] = {'l', 'l', kind, '\0'};
    put_number(w, s, conversion, value);
    return longs + 1;
}

// Flags and width after '%'; returns how many characters they take, or -1 when they are absurdly long.
static int read_spec(spec *s, const char *fmt)
{
    int at = 0;
    *s = (spec){.flags = "%", .length = 1};
    while (fmt[at] == '0' || fmt[at] == '+' || fmt[at] == '-' || fmt[at] == ' ' || fmt[at] == '#') {
        if (s->length >= 8) return -1;
        s->flags[s->length++] = fmt[at++];
    }
    for (unsigned digits = 0; fmt[at] >= '0' && fmt[at] <= '9'; digits++) {
        if (digits >= 2) return -1; // a width of at most 99 fits every buffer here
        s->flags[s->length++] = fmt[at++];
    }
    s->flags[s->length] = '\0';
    return at;
}

// The conversion after '%'; returns how many characters it takes, or -1.
static int put_conversion(writer *w, const char *fmt)
{
    spec s;
    uint64_t value;
    if (fmt[0] == '%') {
        put_text(w, "%", 1);
        return 1;
    }
    int at = read_spec(&s, fmt), used = -1;
    if (at < 0) return -1;
    switch (fmt[at]) {
    case 's':
        if (!next_arg(w, &value)) return -1;
        put_string(w, &s, value);
        used = 1;
        break;
    case 'c':
        if (!next_arg(w, &value)) return -1;
        put_text(w, (const char[]){(char)value}, 1);
        used = 1;
        break;
    case 'p':
        used = put_pointer(w, &s, fmt + at + 1);
        if (used >= 0) used++;
        break;
    default: used = put_integer(w, &s, fmt + at); break;
    }
    return used < 0 ? -1 : at + used;
}

int64_t helper_format(const pst_run *run, char *out, size_t capacity, const char *fmt, uint32_t fmt_size, const uint64_t *args,
                      uint32_t arg_count)
{
    writer w = {run, out, capacity, 0, args, arg_count, 0};
    const char *end = memchr(fmt, '\0', fmt_size);
    if (!end) return -PST_EINVAL;
    while (fmt < end) {
        unsigned char c = (unsigned char)*fmt;
        if (c >= 0x7f || (c < 0x20 && !(c >= '\t' && c <= '\r'))) return -PST_EINVAL; // ASCII, printable or space
        fmt++;
        if (c != '%') {
            put_text(&w, (const char *)&c, 1);
            continue;
        }
        int used = put_conversion(&w, fmt);
        if (used < 0) return -PST_EINVAL;
        fmt += used;
    }
    if (capacity > 0) out[w.length < capacity ? w.length : capacity - 1] = '\0';
    return (int64_t)w.length;
}
