// json_read.c: a JSON reader by recursive descent.
//
// Called by whoever takes JSON from outside (`postern verify --programs`). Bytes are read through a cursor only. Each function that reads a
// value starts at its first byte and ends behind its last; the first failure is kept in the error and ends all.
#include "base/json_read.h"

#include <string.h>

#include "base/cursor.h"
#include "base/json.h"

typedef struct reader {
    pst_arena *arena;
    pst_cursor at;
    unsigned depth;
    pst_json_error *error;
} reader;

static pst_status read_value(reader *r, pst_json_value *v);

static pst_status refuse(const reader *r, pst_status status, const char *text)
{
    *r->error = (pst_json_error){r->at.pos, text};
    return status;
}

// The next byte without taking it, 0 at the end (a NUL is valid nowhere).
static uint8_t peek(const reader *r)
{
    pst_cursor at = r->at;
    uint8_t byte;
    return pst_cursor_u8(&at, &byte) ? byte : 0;
}

static bool take(reader *r, uint8_t wanted)
{
    return peek(r) == wanted && pst_cursor_skip(&r->at, 1);
}

static void skip_space(reader *r)
{
    while (take(r, ' ') || take(r, '\t') || take(r, '\n') || take(r, '\r')) {}
}

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

// --- Strings ------------------------------------------------------------------------------------------------------

static bool hex4(reader *r, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = peek(r), lower = (uint8_t)(c | 0x20);
        if (is_digit(c)) *out = *out << 4 | (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f') *out = *out << 4 | (uint32_t)(lower - 'a' + 10);
        else return false;
        if (!pst_cursor_skip(&r->at, 1)) return false;
    }
    return true;
}

// Takes the digits behind "\u", and a second escape where the first is half of a pair. At most 4 bytes of UTF-8.
static bool unicode(reader *r, char *out, size_t *size)
{
    uint32_t code, low;
    if (!hex4(r, &code) || code == 0) return false;
    if (code >= 0xd800 && code < 0xe000) {
        if (code >= 0xdc00 || !take(r, '\\') || !take(r, 'u') || !hex4(r, &low) || low < 0xdc00 || low > 0xdfff) return false;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    unsigned tail = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    out[(*size)++] = (char)(lead[tail] | code >> 6 * tail);
    while (tail-- > 0) out[(*size)++] = (char)(0x80 | (code >> 6 * tail & 0x3f));
    return true;
}

static bool escape(reader *r, char *out, size_t *size)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint8_t c = peek(r);
    const char *found = c ? strchr(from, c) : NULL;
    if (take(r, 'u')) return unicode(r, out, size);
    if (!found || !pst_cursor_skip(&r->at, 1)) return false;
    out[(*size)++] = to[found - from];
    return true;
}

// How many bytes stand between here and the closing quote; escapes only shrink.
static bool string_length(const reader *r, size_t *out)
{
    pst_cursor at = r->at;
    uint8_t c;
    for (bool escaped = false; pst_cursor_u8(&at, &c); escaped = !escaped && c == '\\')
        if (c == '"' && !escaped) {
            *out = at.pos - 1 - r->at.pos;
            return true;
        }
    return false;
}

static pst_status read_string(reader *r, const char **text, size_t *length)
{
    size_t room;
    if (!take(r, '"')) return refuse(r, PST_E_FORMAT, "a string is expected");
    if (!string_length(r, &room)) return refuse(r, PST_E_FORMAT, "the string does not end");
    char *out = pst_arena_alloc(r->arena, room + 1);
    if (!out) return PST_E_NOMEM;
    *length = 0;
    while (!take(r, '"')) {
        uint8_t c = peek(r);
        if (c < 0x20) return refuse(r, PST_E_FORMAT, "a control character stands in a string");
        if (!pst_cursor_skip(&r->at, 1)) return refuse(r, PST_E_FORMAT, "the string does not end");
        if (c != '\\') out[(*length)++] = (char)c;
        else if (!escape(r, out, length)) return refuse(r, PST_E_FORMAT, "no such escape");
    }
    *text = out;
    return PST_OK;
}

// --- Other values --------------------------------------------------------------------------------------------------

static bool skip_digits(reader *r)
{
    if (!is_digit(peek(r))) return false;
    while (is_digit(peek(r)) && pst_cursor_skip(&r->at, 1)) {}
    return true;
}

static pst_status read_number(reader *r, pst_json_value *v)
{
    size_t start = r->at.pos;
    (void)take(r, '-');
    bool valid = take(r, '0') ? !is_digit(peek(r)) : skip_digits(r);
    if (valid && take(r, '.')) valid = skip_digits(r);
    if (valid && (take(r, 'e') || take(r, 'E'))) {
        if (!take(r, '+')) (void)take(r, '-');
        valid = skip_digits(r);
    }
    pst_cursor digits;
    if (!valid || !pst_cursor_slice(r->at, start, r->at.pos - start, &digits))
        return refuse(r, PST_E_FORMAT, "no value or number is written like this");
    v->kind = PST_JSON_NUMBER;
    v->length = digits.size;
    v->text = pst_arena_string(r->arena, (const char *)digits.bytes, digits.size);
    return v->text ? PST_OK : PST_E_NOMEM;
}

static pst_status read_word(reader *r, pst_json_value *v)
{
    static const struct {
        const char *text;
        pst_json_kind kind;
        bool boolean;
    } words[] = {{"null", PST_JSON_NULL, false}, {"false", PST_JSON_BOOL, false}, {"true", PST_JSON_BOOL, true}};
    for (size_t i = 0; i < PST_COUNT(words); i++) {
        const uint8_t *bytes;
        pst_cursor at = r->at;
        size_t length = strlen(words[i].text);
        if (!pst_cursor_bytes(&at, length, &bytes) || memcmp(bytes, words[i].text, length) != 0) continue;
        r->at = at;
        v->kind = words[i].kind;
        v->boolean = words[i].boolean;
        return PST_OK;
    }
    return read_number(r, v);
}

static pst_status read_key(reader *r, pst_json_value *member)
{
    size_t length;
    PST_TRY(read_string(r, &member->key, &length));
    skip_space(r);
    if (!take(r, ':')) return refuse(r, PST_E_FORMAT, "':' is expected behind a name");
    skip_space(r);
    return PST_OK;
}

static pst_status read_items(reader *r, pst_json_value *v, uint8_t close)
{
    const pst_json_value **link = &v->first;
    skip_space(r);
    if (take(r, close)) return PST_OK;
    do {
        pst_json_value *item = pst_arena_alloc(r->arena, sizeof *item);
        if (!item) return PST_E_NOMEM;
        skip_space(r);
        if (close == '}') PST_TRY(read_key(r, item));
        PST_TRY(read_value(r, item));
        *link = item;
        link = &item->next;
        v->count++;
        skip_space(r);
    } while (take(r, ','));
    return take(r, close) ? PST_OK : refuse(r, PST_E_FORMAT, close == '}' ? "',' or '}' is expected" : "',' or ']' is expected");
}

static pst_status read_value(reader *r, pst_json_value *v)
{
    if (peek(r) == '"') {
        v->kind = PST_JSON_STRING;
        return read_string(r, &v->text, &v->length);
    }
    bool object = take(r, '{');
    if (!object && !take(r, '[')) return read_word(r, v);
    if (r->depth == PST_JSON_DEPTH_MAX) return refuse(r, PST_E_LIMIT, "values nest too deep");
    v->kind = object ? PST_JSON_OBJECT : PST_JSON_ARRAY;
    r->depth++;
    pst_status status = read_items(r, v, object ? '}' : ']');
    r->depth--;
    return status;
}

pst_status pst_json_read(pst_arena *arena, const void *bytes, size_t size, pst_json_error *error, const pst_json_value **out)
{
    reader r = {.arena = arena, .at = pst_cursor_make(bytes, size), .error = error};
    *error = (pst_json_error){0, ""};
    *out = NULL;
    pst_json_value *v = pst_arena_alloc(arena, sizeof *v);
    if (!v) return PST_E_NOMEM;
    skip_space(&r);
    PST_TRY(read_value(&r, v));
    skip_space(&r);
    if (pst_cursor_left(&r.at)) return refuse(&r, PST_E_FORMAT, "something follows the value");
    *out = v;
    return PST_OK;
}

const pst_json_value *pst_json_member(const pst_json_value *value, const char *key)
{
    if (!value || value->kind != PST_JSON_OBJECT) return NULL;
    for (const pst_json_value *member = value->first; member; member = member->next)
        if (strcmp(member->key, key) == 0) return member;
    return NULL;
}

bool pst_json_to_u64(const pst_json_value *value, uint64_t max, uint64_t *out)
{
    uint64_t number = 0;
    if (!value || value->kind != PST_JSON_NUMBER) return false;
    for (const char *at = value->text; *at; at++) {
        if (!is_digit((uint8_t)*at) || PST_MUL_OVERFLOW(number, (uint64_t)10, &number) ||
            PST_ADD_OVERFLOW(number, (uint64_t)(*at - '0'), &number))
            return false;
    }
    *out = number;
    return number <= max;
}
