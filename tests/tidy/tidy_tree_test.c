// tidy_tree_test.c: the rules over the whole source tree, and what needs more than one file to see.
#include <dirent.h>
#include <sys/stat.h>

#include "harness.h"
#include "tidy_rules.h"

#define FILES_MAX 4000
#define FILE_SIZE_MAX (4u << 20)

static tidy_source g_files[FILES_MAX];
static size_t g_file_count;
static tidy_findings g_findings;

static bool is_text(const char *path)
{
    static const char *const endings[] = {".c", ".h", ".def", ".md", ".txt", ".cmake", ".json", ".1", ".sh", ".bash", ".in", ".case"};
    for (size_t i = 0; i < PST_COUNT(endings); i++)
        if (tidy_ends(path, endings[i])) return true;
    return tidy_starts(path, "scripts/") || tidy_starts(path, ".ci/") || strcmp(path, "Makefile") == 0 || strcmp(path, "bench/run") == 0;
}

static void add_file(const char *full, const char *relative)
{
    FILE *file = fopen(full, "rb");
    char *text = malloc(FILE_SIZE_MAX), *path = malloc(strlen(relative) + 1);
    if (file && text && path && g_file_count < FILES_MAX) {
        memcpy(path, relative, strlen(relative) + 1);
        size_t size = fread(text, 1, FILE_SIZE_MAX, file);
        g_files[g_file_count++] = tidy_source_make(path, text, size);
    } else {
        pst_test_fail(__FILE__, __LINE__, "cannot read %s", full);
    }
    free(text);
    if (file) fclose(file);
}

static void read_tree(const char *relative)
{
    char full[2048], below[1024];
    snprintf(full, sizeof full, "%s/%s", PST_SOURCE_DIR, relative);
    DIR *folder = opendir(full);
    struct dirent *entry;
    if (!folder) return;
    while ((entry = readdir(folder))) {
        struct stat info;
        const char *name = entry->d_name;
        if ((name[0] == '.' && strcmp(name, ".ci") != 0) || (!*relative && strcmp(name, "build") == 0)) continue;
        snprintf(below, sizeof below, "%s%s%s", relative, *relative ? "/" : "", name);
        snprintf(full, sizeof full, "%s/%s", PST_SOURCE_DIR, below);
        if (stat(full, &info) != 0) continue;
        if (S_ISDIR(info.st_mode)) read_tree(below);
        else if (is_text(below)) add_file(full, below);
    }
    closedir(folder);
}

static void load_tree(void)
{
    if (g_file_count == 0) read_tree("");
    g_findings.count = 0;
}

static void show_findings(void)
{
    for (size_t i = 0; i < g_findings.count && i < PST_COUNT(g_findings.lines); i++)
        pst_test_fail(__FILE__, __LINE__, "%s", g_findings.lines[i]);
}

static void check_tree(void (*apply)(const tidy_source *, tidy_findings *))
{
    load_tree();
    CHECK(g_file_count > 50);
    for (size_t i = 0; i < g_file_count; i++) apply(&g_files[i], &g_findings);
    show_findings();
}

TEST(tree_ranks) { check_tree(tidy_rule_ranks); }
TEST(tree_os_headers) { check_tree(tidy_rule_os_headers); }
TEST(tree_sizes) { check_tree(tidy_rule_sizes); }
TEST(tree_calls) { check_tree(tidy_rule_calls); }
TEST(tree_extensions) { check_tree(tidy_rule_extensions); }
TEST(tree_machine_paths) { check_tree(tidy_rule_machine_paths); }

static void doc_paths_here(const tidy_source *source, tidy_findings *findings)
{
    tidy_rule_doc_paths(source, PST_SOURCE_DIR, findings);
}

TEST(tree_doc_paths) { check_tree(doc_paths_here); }

static const tidy_source *find_file(const char *path)
{
    for (size_t i = 0; i < g_file_count; i++)
        if (strcmp(g_files[i].path, path) == 0) return &g_files[i];
    return NULL;
}

TEST(every_module_says_what_it_is)
{
    load_tree();
    for (size_t i = 0; i < g_file_count; i++) {
        char readme[256];
        const char *path = g_files[i].path;
        if (!tidy_starts(path, "src/") || !tidy_ends(path, ".c")) continue;
        size_t module = strlen("src/") + strcspn(path + strlen("src/"), "/");
        snprintf(readme, sizeof readme, "%.*s/README.md", (int)module, path);
        if (find_file(readme)) continue;
        pst_test_fail(__FILE__, __LINE__, "%s is missing", readme);
        return; // once is enough: the next run names the next
    }
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

TEST(headers_have_names_of_their_own)
{
    load_tree();
    for (size_t i = 0; i < g_file_count; i++)
        for (size_t j = 0; j < i; j++) {
            const char *a = g_files[i].path, *b = g_files[j].path;
            if (!tidy_starts(a, "src/") || !tidy_starts(b, "src/") || !tidy_ends(a, ".h")) continue;
            if (strcmp(base_name(a), base_name(b)) == 0) pst_test_fail(__FILE__, __LINE__, "%s and %s have the same name", a, b);
        }
}

static bool is_included(const char *header)
{
    char target[256];
    for (size_t i = 0; i < g_file_count; i++) {
        if (!tidy_is_c(g_files[i].path) || strcmp(g_files[i].path, header) == 0) continue;
        for (const char *at = g_files[i].code; at; at = tidy_next_line(at))
            if (tidy_include_at(&g_files[i], at, target, sizeof target) == '"' && strcmp(base_name(target), base_name(header)) == 0)
                return true;
    }
    return false;
}

TEST(no_header_is_dead)
{
    load_tree();
    for (size_t i = 0; i < g_file_count; i++) {
        const char *path = g_files[i].path;
        if (tidy_starts(path, "src/") && !tidy_ends(path, ".c") && tidy_is_c(path) && !is_included(path))
            pst_test_fail(__FILE__, __LINE__, "nothing includes %s", path);
    }
}

// Compiled for another system, or by a build of another kind.
static bool is_for_another_build(const char *path)
{
    return tidy_starts(path, "src/pal/windows/") || tidy_ends(path, "_windows.c") || tidy_ends(path, "/unsupported.c") || tidy_ends(path, ".bpf.c") ||
           (PST_TESTS_SLOW && tidy_starts(path, "bench/")) || // sanitizers build no benchmarks
           tidy_starts(path, "samples/") || strcmp(path, "tests/fuzz/replay.c") == 0 || tidy_starts(path, "tests/install/");
}

TEST(no_source_is_dead)
{
    char full[1024];
    load_tree();
    FILE *file = fopen(PST_BINARY_DIR "/compile_commands.json", "rb");
    char *commands = malloc(FILE_SIZE_MAX * 4 + 1);
    REQUIRE(file && commands);
    commands[fread(commands, 1, FILE_SIZE_MAX * 4, file)] = '\0';
    for (size_t i = 0; i < g_file_count; i++) {
        const char *path = g_files[i].path;
        if (!tidy_ends(path, ".c") || is_for_another_build(path)) continue;
        snprintf(full, sizeof full, "%s/%s\"", PST_SOURCE_DIR, path);
        if (!strstr(commands, full)) pst_test_fail(__FILE__, __LINE__, "%s is part of no target", path);
    }
    free(commands);
    fclose(file);
}
