// tidy_text.c: sources with comments and literals blanked, findings, lines.
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tidy_rules.h"

static void *need(void *memory)
{
    if (memory) return memory;
    fprintf(stderr, "tidy: out of memory\n");
    exit(2);
}

// Blanks a comment or the inside of a literal that starts at text[i]; returns where it ends.
static size_t blank_token(const char *text, size_t size, size_t i, char *code)
{
    char first = text[i];
    if (first == '/' && i + 1 < size && (text[i + 1] == '/' || text[i + 1] == '*')) {
        bool block = text[i + 1] == '*';
        size_t start = i;
        for (; i < size; i++) {
            if (!block && text[i] == '\n') return i;
            bool last = block && i >= start + 3 && text[i] == '/' && text[i - 1] == '*';
            if (text[i] != '\n') code[i] = ' ';
            if (last) return i + 1;
        }
        return i;
    }
    for (i++; i < size && text[i] != first && text[i] != '\n'; i++) {
        code[i] = ' ';
        if (text[i] == '\\' && i + 1 < size && text[i + 1] != '\n') code[++i] = ' ';
    }
    return i < size ? i + 1 : i;
}

static void blank(const char *text, size_t size, char *code)
{
    size_t i = 0;
    while (i < size) {
        bool comment = text[i] == '/' && i + 1 < size && (text[i + 1] == '/' || text[i + 1] == '*');
        // A quote behind a letter or digit is a digit separator or part of a word in a .def file, no literal.
        bool quote = text[i] == '"' || (text[i] == '\'' && (i == 0 || !isalnum((unsigned char)text[i - 1])));
        if (comment || quote) i = blank_token(text, size, i, code);
        else i++;
    }
}

tidy_source tidy_source_make(const char *path, const char *text, size_t size)
{
    tidy_source source = {.path = path, .size = size};
    source.text = need(malloc(size + 1));
    source.code = need(malloc(size + 1));
    memcpy(source.text, text, size);
    memcpy(source.code, text, size);
    source.text[size] = source.code[size] = '\0';
    if (tidy_is_c(path)) blank(source.text, size, source.code);
    return source;
}

void tidy_source_free(tidy_source *source)
{
    free(source->text);
    free(source->code);
}

void tidy_report(tidy_findings *findings, const char *path, size_t line, const char *fmt, ...)
{
    va_list args;
    if (findings->count < PST_COUNT(findings->lines)) {
        char *out = findings->lines[findings->count];
        size_t size = sizeof findings->lines[0];
        int used = snprintf(out, size, "%s:%zu: ", path, line);
        va_start(args, fmt);
        if (used > 0 && (size_t)used < size) vsnprintf(out + used, size - (size_t)used, fmt, args);
        va_end(args);
    }
    findings->count++;
}

bool tidy_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool tidy_ends(const char *text, const char *suffix)
{
    size_t length = strlen(text), tail = strlen(suffix);
    return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

bool tidy_is_c(const char *path)
{
    return tidy_ends(path, ".c") || tidy_ends(path, ".h") || tidy_ends(path, ".def");
}

const char *tidy_next_line(const char *at)
{
    const char *end = strchr(at, '\n');
    return end && end[1] ? end + 1 : NULL;
}

char tidy_include_at(const tidy_source *source, const char *code_line, char *out, size_t size)
{
    const char *at = code_line;
    while (*at == ' ' || *at == '\t') at++;
    if (*at != '#') return ' ';
    at++;
    while (*at == ' ') at++;
    if (!tidy_starts(at, "include")) return ' ';
    at += strlen("include");
    while (*at == ' ') at++;
    if (*at != '"' && *at != '<') return ' ';
    char kind = *at, close = kind == '<' ? '>' : '"';
    const char *start = source->text + (at - source->code) + 1;
    size_t length = 0;
    while (start[length] && start[length] != close && start[length] != '\n' && length + 1 < size) {
        out[length] = start[length];
        length++;
    }
    out[length] = '\0';
    return kind;
}
