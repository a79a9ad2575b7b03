// cli_json.c: a checker of JSON's grammar, independent of the writer that it judges.
#include <string.h>

#include "cli_fixture.h"

#define DEPTH_MAX 64

static const char *value(const char *at, int depth);

static const char *space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

static const char *string(const char *at)
{
    if (*at++ != '"') return NULL;
    while (*at && *at != '"') {
        if ((unsigned char)*at < 0x20) return NULL;
        if (*at++ != '\\') continue;
        if (*at == 'u') {
            if (strspn(at + 1, "0123456789abcdefABCDEF") < 4) return NULL;
            at += 5;
        } else if (*at && strchr("\"\\/bfnrt", *at)) {
            at++;
        } else {
            return NULL;
        }
    }
    return *at == '"' ? at + 1 : NULL;
}

static const char *digits(const char *at)
{
    size_t count = strspn(at, "0123456789");
    return count ? at + count : NULL;
}

static const char *number(const char *at)
{
    if (*at == '-') at++;
    if (at[0] == '0' && at[1] >= '0' && at[1] <= '9') return NULL;
    at = digits(at);
    if (at && *at == '.') at = digits(at + 1);
    if (at && (*at == 'e' || *at == 'E')) {
        at++;
        if (*at == '+' || *at == '-') at++;
        at = digits(at);
    }
    return at;
}

// Members of an object (close is '}') or elements of an array.
static const char *sequence(const char *at, char close, int depth)
{
    at = space(at + 1);
    if (*at == close) return at + 1;
    for (;;) {
        if (close == '}') {
            at = string(space(at));
            if (!at) return NULL;
            at = space(at);
            if (*at++ != ':') return NULL;
        }
        at = value(at, depth + 1);
        if (!at) return NULL;
        at = space(at);
        if (*at == close) return at + 1;
        if (*at++ != ',') return NULL;
    }
}

static const char *value(const char *at, int depth)
{
    static const char *const words[] = {"true", "false", "null"};
    at = space(at);
    if (depth > DEPTH_MAX) return NULL;
    if (*at == '{') return sequence(at, '}', depth);
    if (*at == '[') return sequence(at, ']', depth);
    if (*at == '"') return string(at);
    for (int i = 0; i < 3; i++)
        if (strncmp(at, words[i], strlen(words[i])) == 0) return at + strlen(words[i]);
    return number(at);
}

bool json_valid(const char *text)
{
    const char *end = value(text, 0);
    return end && !*space(end);
}

bool json_lines_valid(const char *text)
{
    size_t lines = 0;
    while (*text) {
        const char *end = strchr(text, '\n'), *after = value(text, 0);
        if (!end || after != end) return false;
        text = end + 1;
        lines++;
    }
    return lines > 0;
}
