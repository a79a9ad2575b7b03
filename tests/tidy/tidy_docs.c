// tidy_docs.c: what texts say about the tree and about the machine they were written on.
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tidy_rules.h"

void tidy_rule_machine_paths(const tidy_source *source, tidy_findings *findings)
{
    // In pieces, so that this file passes its own rule.
    static const char *const places[] = {"/ho" "me/", "/wo" "rk/", "/Us" "ers/", "/ro" "ot/"};
    size_t line = 1;
    for (const char *at = source->text; at; at = tidy_next_line(at), line++) {
        const char *end = strchr(at, '\n');
        for (size_t i = 0; i < PST_COUNT(places); i++) {
            const char *found = strstr(at, places[i]);
            bool starts_path = found && (found == at || !strchr("}._-/", found[-1])) && (found == at || !isalnum((unsigned char)found[-1]));
            if (starts_path && (!end || found < end)) tidy_report(findings, source->path, line, "names a place of one machine: %s", places[i]);
        }
    }
}

// Whether a word in backticks is meant as a path of the tree: it starts at a folder of it and has no placeholder in it.
static bool looks_like_path(const char *word)
{
    static const char *const tops[] = {"src/", "tests/", "cmake/", "scripts/", "include/", "docs/", "samples/", "bench/", "man/", ".ci/"};
    if (strpbrk(word, " *<>{}$()|\"'=,;") || strstr(word, "...")) return false;
    for (const char *at = word; *at; at++) // NAME stands for something else
        if (at[0] >= 'A' && at[0] <= 'Z' && at[1] >= 'A' && at[1] <= 'Z' && !strstr(word, ".md") && !strstr(word, ".txt")) return false;
    for (size_t i = 0; i < PST_COUNT(tops); i++)
        if (tidy_starts(word, tops[i])) return true;
    return false;
}

static void check_path(const tidy_source *source, size_t line, char *word, const char *root, tidy_findings *findings)
{
    char full[1024];
    struct stat info;
    if (!looks_like_path(word)) return;
    word[strcspn(word, ":#")] = '\0'; // a line or a heading in it
    size_t length = strlen(word);
    if (length > 0 && word[length - 1] == '/') word[length - 1] = '\0';
    snprintf(full, sizeof full, "%s/%s", root, word);
    if (stat(full, &info) != 0) tidy_report(findings, source->path, line, "`%s` does not exist", word);
}

void tidy_rule_doc_paths(const tidy_source *source, const char *root, tidy_findings *findings)
{
    size_t line = 1;
    if (!tidy_ends(source->path, ".md")) return;
    for (const char *at = source->text; *at; at++) {
        char word[256];
        if (*at == '\n') line++;
        if (*at != '`') continue;
        size_t length = strcspn(at + 1, "`\n");
        if (at[1 + length] == '`' && length > 0 && length < sizeof word) {
            memcpy(word, at + 1, length);
            word[length] = '\0';
            check_path(source, line, word, root, findings);
        }
        at += length + (at[1 + length] == '`');
    }
}
