// tidy_rules.h: the rules of the house as functions from one file's text to findings.
#ifndef PST_TESTS_TIDY_RULES_H
#define PST_TESTS_TIDY_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

typedef struct tidy_source {
    const char *path; // from the root of the tree, with slashes
    char *text;       // as it stands
    char *code;       // for C: the same, with comments and the insides of literals blanked; as long as text
    size_t size;
} tidy_source;

/// Collects findings, one line each: "path:line: what is wrong".
typedef struct tidy_findings {
    size_t count;
    char lines[32][512]; // the first ones
} tidy_findings;

/// Copies text; exits without memory.
tidy_source tidy_source_make(const char *path, const char *text, size_t size);
void tidy_source_free(tidy_source *source);
void tidy_report(tidy_findings *findings, const char *path, size_t line, const char *fmt, ...) PST_PRINTF(4, 5);

bool tidy_starts(const char *text, const char *prefix);
bool tidy_ends(const char *text, const char *suffix);
bool tidy_is_c(const char *path); // .c, .h, .def
/// The line after this one, or NULL after the last.
const char *tidy_next_line(const char *at);
/// Copies the path of an include that stands at line (of text, code) without its quotes; ' ' when line is none, else '<' or '"'.
char tidy_include_at(const tidy_source *source, const char *code_line, char *out, size_t size);

// tidy_includes.c
void tidy_rule_ranks(const tidy_source *source, tidy_findings *findings);      // an include points to a lower rank or into its own module
void tidy_rule_os_headers(const tidy_source *source, tidy_findings *findings); // only the files of a system know it
// tidy_rules.c
void tidy_rule_sizes(const tidy_source *source, tidy_findings *findings);      // functions <= 70 lines, files < 1,000
void tidy_rule_calls(const tidy_source *source, tidy_findings *findings);      // banned functions
void tidy_rule_extensions(const tidy_source *source, tidy_findings *findings); // only in base/compiler.h
// tidy_docs.c
void tidy_rule_machine_paths(const tidy_source *source, tidy_findings *findings);
/// Every path in backticks that starts at a folder of the tree exists below root.
void tidy_rule_doc_paths(const tidy_source *source, const char *root, tidy_findings *findings);

#endif
