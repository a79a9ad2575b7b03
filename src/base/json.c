// json.c: a JSON writer.
//
// Called by whatever prints for machines. The writer keeps commas, colons and indentation; the caller keeps begin and end paired.
// Deeper than PST_JSON_DEPTH_MAX marks the text as failed instead of writing something malformed.
#include "base/json.h"

#include <stddef.h>
#include <string.h>

#include "base/bits.h"

void pst_json_init(pst_json *json, pst_text *out, bool pretty)
{
    *json = (pst_json){.out = out, .pretty = pretty};
}

static void line_break(pst_json *json)
{
    if (!json->pretty) return;
    pst_text_add(json->out, "\n");
    for (unsigned i = 0; i < json->depth; i++) pst_text_add(json->out, "  ");
}

// What goes in front of a value or a key.
static void separate(pst_json *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->has_items[json->depth]) pst_text_add(json->out, ",");
    json->has_items[json->depth] = true;
    if (json->depth > 0) line_break(json);
}

static void begin(pst_json *json, const char *bracket)
{
    separate(json);
    pst_text_add(json->out, bracket);
    if (json->depth == PST_JSON_DEPTH_MAX) {
        json->out->failed = true;
        return;
    }
    json->has_items[++json->depth] = false;
}

static void end(pst_json *json, const char *bracket)
{
    if (json->depth == 0) {
        json->out->failed = true;
        return;
    }
    bool had_items = json->has_items[json->depth--];
    if (had_items) line_break(json);
    pst_text_add(json->out, bracket);
}

void pst_json_object_begin(pst_json *json) { begin(json, "{"); }
void pst_json_object_end(pst_json *json) { end(json, "}"); }
void pst_json_array_begin(pst_json *json) { begin(json, "["); }
void pst_json_array_end(pst_json *json) { end(json, "]"); }

// The length of the valid UTF-8 sequence at s, or 0 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
static size_t utf8_length(const uint8_t *s)
{
    if (s[0] < 0x80) return 1;
    size_t length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4) return 0;
    // A NUL is no continuation byte, so this stops at the end of the string.
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if (s[0] == 0xe0 && s[1] < 0xa0) return 0;
    if (s[0] == 0xed && s[1] > 0x9f) return 0;
    if (s[0] == 0xf0 && s[1] < 0x90) return 0;
    if (s[0] == 0xf4 && s[1] > 0x8f) return 0;
    return length;
}

static void ascii(pst_text *out, char c)
{
    switch (c) {
    case '"': pst_text_add(out, "\\\""); return;
    case '\\': pst_text_add(out, "\\\\"); return;
    case '\n': pst_text_add(out, "\\n"); return;
    case '\r': pst_text_add(out, "\\r"); return;
    case '\t': pst_text_add(out, "\\t"); return;
    default: break;
    }
    if ((uint8_t)c < 0x20 || c == 0x7f) pst_text_format(out, "\\u%04x", (unsigned)(uint8_t)c);
    else pst_text_bytes(out, &c, 1);
}

static void quoted(pst_text *out, const char *value)
{
    pst_text_add(out, "\"");
    while (*value) {
        size_t length = utf8_length((const uint8_t *)value);
        if (length == 1) ascii(out, *value);
        else if (length == 0) pst_text_add(out, "\xef\xbf\xbd"); // U+FFFD
        else pst_text_bytes(out, value, length);
        value += length ? length : 1;
    }
    pst_text_add(out, "\"");
}

void pst_json_key(pst_json *json, const char *key)
{
    separate(json);
    quoted(json->out, key);
    pst_text_add(json->out, json->pretty ? ": " : ":");
    json->after_key = true;
}

void pst_json_string(pst_json *json, const char *value)
{
    if (!value) {
        pst_json_null(json);
        return;
    }
    separate(json);
    quoted(json->out, value);
}

void pst_json_u64(pst_json *json, uint64_t value)
{
    separate(json);
    pst_text_format(json->out, "%llu", (unsigned long long)value);
}

void pst_json_i64(pst_json *json, int64_t value)
{
    separate(json);
    pst_text_format(json->out, "%lld", (long long)value);
}

void pst_json_bool(pst_json *json, bool value)
{
    separate(json);
    pst_text_add(json->out, value ? "true" : "false");
}

void pst_json_null(pst_json *json)
{
    separate(json);
    pst_text_add(json->out, "null");
}

void pst_json_number(pst_json *json, const char *text)
{
    separate(json);
    pst_text_add(json->out, text);
}

void pst_json_hex(pst_json *json, const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = bytes;
    separate(json);
    pst_text_add(json->out, "\"");
    for (size_t i = 0; i < size; i++) {
        char pair[2] = {digits[at[i] >> 4], digits[at[i] & 15]};
        pst_text_bytes(json->out, pair, sizeof pair);
    }
    pst_text_add(json->out, "\"");
}
