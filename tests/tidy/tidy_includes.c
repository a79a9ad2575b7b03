// tidy_includes.c: who may include what.
#include <stdio.h>
#include <string.h>

#include "tidy_rules.h"

// The ranks of ARCHITECTURE.md: a module includes lower ranks and itself, never its neighbours.
static const struct {
    const char *module;
    int rank;
} g_ranks[] = {
    {"base", 0},    {"pal", 1},    {"isa", 1},  {"domain", 1}, {"btf", 2}, {"wire", 2}, {"program", 2}, {"remote", 3}, {"catalog", 3}, {"object", 4}, {"verify", 4},
    {"interp", 4},  {"jit", 4},    {"core", 5}, {"ext", 6},    {"service", 6}, {"api", 7},     {"cli", 8},    {"host", 8},
    {"shim", 8},    {"netsh", 9},   {"main", 10},
    // Public headers: the numbers and layouts of the ABI are for everyone, the rest for the library and what is above it.
    {"postern/abi.h", 0}, {"postern/attr.h", 0}, {"postern", 6}, {"bpf", 6},
};

static int rank_of(const char *path)
{
    for (size_t i = 0; i < PST_COUNT(g_ranks); i++) {
        size_t length = strlen(g_ranks[i].module);
        if (strncmp(path, g_ranks[i].module, length) == 0 && (path[length] == '/' || path[length] == '\0')) return g_ranks[i].rank;
    }
    return -1;
}

static bool same_module(const char *a, const char *b)
{
    size_t length = strcspn(a, "/");
    return strcspn(b, "/") == length && strncmp(a, b, length) == 0;
}

static void check_arrow(const tidy_source *source, size_t line, const char *target, tidy_findings *findings)
{
    const char *from = source->path + strlen("src/");
    int from_rank = rank_of(from), to_rank = rank_of(target);
    if (from_rank < 0) {
        tidy_report(findings, source->path, line, "its module has no rank: add it to tests/tidy/tidy_includes.c");
    } else if (!strchr(target, '/')) {
        tidy_report(findings, source->path, line, "include \"%s\" with the name of its module in front", target);
    } else if (to_rank < 0) {
        tidy_report(findings, source->path, line, "\"%s\" belongs to no module that has a rank", target);
    } else if (!same_module(from, target) && to_rank >= from_rank) {
        tidy_report(findings, source->path, line, "\"%s\" has rank %d; this module has rank %d and includes lower ranks only", target,
                    to_rank, from_rank);
    }
}

void tidy_rule_ranks(const tidy_source *source, tidy_findings *findings)
{
    char target[256];
    size_t line = 1;
    if (!tidy_starts(source->path, "src/") || !tidy_is_c(source->path)) return;
    for (const char *at = source->code; at; at = tidy_next_line(at), line++)
        if (tidy_include_at(source, at, target, sizeof target) == '"') check_arrow(source, line, target, findings);
}

static bool in_list(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(name, *list) == 0) return true;
    return false;
}

// What a kernel has too, or the compiler brings along.
static const char *const g_freestanding[] = {"stdarg.h", "stdbool.h", "stddef.h",    "stdint.h",   "limits.h",
                                             "string.h", "stdalign.h", "inttypes.h", "stdatomic.h", NULL};
static const char *const g_hosted[] = {"stdio.h", "stdlib.h", "errno.h", "ctype.h", "time.h", "signal.h",
                                       "math.h",  "locale.h", "float.h", "setjmp.h", NULL};

// Libraries that one file may use, because a build without them is complete as well.
static const struct {
    const char *file, *header;
} g_optional[] = {{"src/cli/disassembler.c", "capstone/capstone.h"}};

static bool is_optional(const char *path, const char *header)
{
    for (size_t i = 0; i < PST_COUNT(g_optional); i++)
        if (strcmp(path, g_optional[i].file) == 0 && strcmp(header, g_optional[i].header) == 0) return true;
    return false;
}

// A file named for a system: a folder of pal, or a name that ends in the system's.
static bool is_named_for_system(const char *path)
{
    static const char *const endings[] = {"_linux.c", "_linux.h", "_windows.c", "_windows.h", "_posix.c", "_posix.h"};
    if (tidy_starts(path, "src/pal/linux/") || tidy_starts(path, "src/pal/windows/")) return true;
    for (size_t i = 0; i < PST_COUNT(endings); i++)
        if (tidy_ends(path, endings[i])) return true;
    return false;
}

static bool is_hosted(const char *path)
{
    static const char *const folders[] = {"src/pal/", "src/ext/", "src/service/", "src/api/",
                                          "src/cli/", "src/host/", "src/netsh/",  "src/main/", "src/shim/"};
    for (size_t i = 0; i < PST_COUNT(folders); i++)
        if (tidy_starts(path, folders[i])) return true;
    return false;
}

static const char *system_conditional(const char *code_line)
{
    static const char *const names[] = {"_WIN32", "__linux__", "_WIN64", "__APPLE__"};
    const char *end = strchr(code_line, '\n');
    while (*code_line == ' ') code_line++;
    if (*code_line != '#') return NULL;
    for (size_t i = 0; i < PST_COUNT(names); i++) {
        const char *found = strstr(code_line, names[i]);
        if (found && (!end || found < end)) return names[i];
    }
    return NULL;
}

void tidy_rule_os_headers(const tidy_source *source, tidy_findings *findings)
{
    char name[256];
    size_t line = 1;
    if (!tidy_starts(source->path, "src/") || !tidy_is_c(source->path) || is_named_for_system(source->path)) return;
    bool hosted = is_hosted(source->path), compiler = strcmp(source->path, "src/base/compiler.h") == 0;
    for (const char *at = source->code; at; at = tidy_next_line(at), line++) {
        const char *system = system_conditional(at);
        if (system && !compiler && !hosted)
            tidy_report(findings, source->path, line, "%s: only files named for a system ask which system it is", system);
        if (tidy_include_at(source, at, name, sizeof name) != '<' || in_list(name, g_freestanding)) continue;
        if ((hosted && in_list(name, g_hosted)) || is_optional(source->path, name)) continue;
        tidy_report(findings, source->path, line, "<%s> belongs into %s", name,
                    in_list(name, g_hosted) ? "pal or above core" : "src/pal/<os>/ or a file named for its system");
    }
}
