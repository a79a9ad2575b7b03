// tidy_rules.c: sizes, calls, extensions.
#include "tidy_rules.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define FUNCTION_LINES_MAX 70
#define FILE_LINES_MAX 999

static bool word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

// A body that expands a table is as long as the table.
static bool expands_table(const char *from, const char *to)
{
    for (const char *at = from; at && at < to; at = tidy_next_line(at))
        if (tidy_starts(at, "#include") || tidy_starts(at, "#define X")) return true;
    return false;
}

// Functions open and close with a brace in the first column; nothing else does, but for types and initialisers, which end in ';'.
static void check_functions(const tidy_source *source, tidy_findings *findings)
{
    const char *open = NULL;
    size_t line = 1, open_line = 0;
    for (const char *at = source->code; at; at = tidy_next_line(at), line++) {
        if (at[0] == '{') {
            open = at;
            open_line = line;
        } else if (at[0] == '}' && open) {
            size_t lines = line - open_line + 1;
            if (at[1] != ';' && lines > FUNCTION_LINES_MAX && !expands_table(open, at))
                tidy_report(findings, source->path, open_line, "a function of %zu lines; %d are a screen", lines, FUNCTION_LINES_MAX);
            open = NULL;
        }
    }
    line--;
    if (line > FILE_LINES_MAX && !tidy_ends(source->path, ".def"))
        tidy_report(findings, source->path, line, "a file of %zu lines; split it by operation", line);
}

void tidy_rule_sizes(const tidy_source *source, tidy_findings *findings)
{
    if (tidy_is_c(source->path)) check_functions(source, findings);
}

static const char *const g_banned[] = {"strcpy", "strcat", "sprintf", "vsprintf", "gets",   "alloca", "strtok",
                                       "atoi",   "atol",   "atoll",   "tmpnam",   "mktemp", NULL};
// What a kernel has not, or what goes through the environment.
static const char *const g_hosted_calls[] = {"malloc", "calloc", "realloc", "free",     "printf", "fprintf", "puts",  "fputs",
                                             "putchar", "snprintf", "vsnprintf", "vprintf", "vfprintf", "exit", "abort", NULL};

static bool may_call_hosted(const char *path)
{
    static const char *const below[] = {"src/base/", "src/isa/", "src/domain/", "src/program/", "src/catalog/", "src/object/",
                                        "src/verify/", "src/interp/", "src/jit/", "src/core/"};
    for (size_t i = 0; i < PST_COUNT(below); i++)
        if (tidy_starts(path, below[i])) return false;
    return true;
}

static bool listed(const char *word, size_t length, const char *const *list)
{
    for (; *list; list++)
        if (strlen(*list) == length && strncmp(word, *list, length) == 0) return true;
    return false;
}

// The first thing after the word is an opening parenthesis, and what stands before it makes it no member.
static bool is_call(const char *text, const char *word, const char *end)
{
    while (*end == ' ') end++;
    if (*end != '(') return false;
    while (word > text && word[-1] == ' ') word--;
    return word == text || (word[-1] != '.' && !(word[-1] == '>' && word - 1 > text && word[-2] == '-'));
}

void tidy_rule_calls(const tidy_source *source, tidy_findings *findings)
{
    size_t line = 1;
    bool program_side = tidy_starts(source->path, "samples/") || tidy_ends(source->path, ".bpf.c");
    if (!tidy_is_c(source->path) || program_side) return;
    for (const char *at = source->code; *at;) {
        if (*at == '\n') line++;
        if (!word_char(*at)) {
            at++;
            continue;
        }
        const char *word = at;
        while (word_char(*at)) at++;
        size_t length = (size_t)(at - word);
        if (!is_call(source->code, word, at)) continue;
        if (listed(word, length, g_banned))
            tidy_report(findings, source->path, line, "%.*s() is banned", (int)length, word);
        else if (length == 6 && strncmp(word, "system", 6) == 0 && tidy_starts(source->path, "src/"))
            tidy_report(findings, source->path, line, "system() is for tests only"); // which run the tools of the field
        else if (!may_call_hosted(source->path) && listed(word, length, g_hosted_calls))
            tidy_report(findings, source->path, line, "%.*s() needs a C library; use the environment and base/format.h", (int)length, word);
    }
}

void tidy_rule_extensions(const tidy_source *source, tidy_findings *findings)
{
    static const char *const names[] = {"__attribute__", "__builtin_", "__asm__", "__atomic_", "__sync_", "__extension__", "__typeof__"};
    size_t line = 1;
    bool ours = tidy_starts(source->path, "src/") || (tidy_starts(source->path, "tests/") && !tidy_ends(source->path, ".bpf.c"));
    if (!ours || !tidy_is_c(source->path) || strcmp(source->path, "src/base/compiler.h") == 0) return;
    for (const char *at = source->code; at; at = tidy_next_line(at), line++) {
        const char *end = strchr(at, '\n');
        for (size_t i = 0; i < PST_COUNT(names); i++) {
            const char *found = strstr(at, names[i]);
            if (found && (!end || found < end))
                tidy_report(findings, source->path, line, "%s: name it in base/compiler.h", names[i]);
        }
    }
}
