// tidy_rules_test.c: each rule sees the violation planted for it, and lets the innocent look-alike pass.
#include "harness.h"
#include "tidy_rules.h"

typedef void (*rule)(const tidy_source *, tidy_findings *);

static size_t count_findings(rule apply, const char *path, const char *text)
{
    static tidy_findings findings;
    tidy_source source = tidy_source_make(path, text, strlen(text));
    findings.count = 0;
    apply(&source, &findings);
    tidy_source_free(&source);
    return findings.count;
}

#define CATCHES(rule, path, text) CHECK_EQ(count_findings(rule, path, text), 1)
#define PASSES(rule, path, text) CHECK_EQ(count_findings(rule, path, text), 0)

TEST(an_include_never_points_up_or_sideways)
{
    CATCHES(tidy_rule_ranks, "src/base/a.c", "#include \"pal/pal.h\"\n");
    CATCHES(tidy_rule_ranks, "src/interp/a.c", "\n  #  include \"object/elf.h\"\n");
    CATCHES(tidy_rule_ranks, "src/isa/a.c", "#include \"pal/pal.h\"\n");
    CATCHES(tidy_rule_ranks, "src/core/a.c", "#include \"postern/postern.h\"\n");
    CATCHES(tidy_rule_ranks, "src/core/a.c", "#include \"core.h\"\n");
    CATCHES(tidy_rule_ranks, "src/core/a.c", "#include \"nowhere/x.h\"\n");
    CATCHES(tidy_rule_ranks, "src/unknown/a.c", "#include \"base/env.h\"\n");
    PASSES(tidy_rule_ranks, "src/core/map/a.c", "#include \"core/core.h\"\n#include \"interp/interp.h\"\n#include <string.h>\n");
    PASSES(tidy_rule_ranks, "src/base/a.c", "// #include \"pal/pal.h\"\n/* \n#include \"pal/pal.h\"\n*/\n");
    PASSES(tidy_rule_ranks, "src/isa/a.c", "#include \"postern/abi.h\"\n");
    PASSES(tidy_rule_ranks, "tests/unit/a.c", "#include \"harness.h\"\n");
}

TEST(system_headers_stay_in_files_named_for_the_system)
{
    CATCHES(tidy_rule_os_headers, "src/core/a.c", "#include <stdio.h>\n");
    CATCHES(tidy_rule_os_headers, "src/cli/a.c", "#include <unistd.h>\n");
    CATCHES(tidy_rule_os_headers, "src/pal/a.c", "#include <windows.h>\n");
    CATCHES(tidy_rule_os_headers, "src/core/a.c", "#ifdef _WIN32\n#endif\n");
    PASSES(tidy_rule_os_headers, "src/core/a.c", "#include <string.h>\n#include <stdint.h>\n");
    PASSES(tidy_rule_os_headers, "src/cli/a.c", "#include <stdio.h>\n");
    PASSES(tidy_rule_os_headers, "src/pal/linux/a.c", "#include <unistd.h>\n");
    PASSES(tidy_rule_os_headers, "src/ext/net/ring_linux.c", "#include <linux/if_packet.h>\n");
}

// A function whose body, braces included, has this many lines.
static const char *function_of(size_t lines, const char *line)
{
    static char text[20000];
    size_t used = (size_t)snprintf(text, sizeof text, "int f(void)\n{\n");
    for (size_t i = 2; i < lines; i++) used += (size_t)snprintf(text + used, sizeof text - used, "%s\n", line);
    snprintf(text + used, sizeof text - used, "}\n");
    return text;
}

TEST(functions_fit_on_a_screen_and_files_have_an_end)
{
    PASSES(tidy_rule_sizes, "src/core/a.c", function_of(70, "    x();"));
    CATCHES(tidy_rule_sizes, "src/core/a.c", function_of(71, "    x();"));
    PASSES(tidy_rule_sizes, "src/core/a.c", function_of(90, "#include \"isa/isa.def\""));
    PASSES(tidy_rule_sizes, "src/core/a.c", "static const int t[] =\n{\n1,\n};\n");
    static char text[3000];
    memset(text, '\n', 999);
    PASSES(tidy_rule_sizes, "src/core/a.c", text);
    memset(text, '\n', 1001);
    CATCHES(tidy_rule_sizes, "src/core/a.c", text);
    PASSES(tidy_rule_sizes, "src/isa/isa.def", text);
}

TEST(banned_calls)
{
    CATCHES(tidy_rule_calls, "src/cli/a.c", "strcpy(a, b);\n");
    CATCHES(tidy_rule_calls, "tests/unit/a.c", "x = atoi (s);\n");
    CATCHES(tidy_rule_calls, "src/core/a.c", "p = malloc(3);\n");
    CATCHES(tidy_rule_calls, "src/cli/a.c", "system(s);\n");
    PASSES(tidy_rule_calls, "tests/unit/a.c", "system(s);\n");
    CATCHES(tidy_rule_calls, "src/base/a.c", "if (x)printf(\"%d\", 1);\n");
    PASSES(tidy_rule_calls, "src/cli/a.c", "p = malloc(3); printf(\"system(\");\n");
    PASSES(tidy_rule_calls, "src/core/a.c", "// malloc(3)\nmap->ops->free(map); ops.free (1); pst_free(env, p, 1); free_all();\n");
    PASSES(tidy_rule_calls, "src/cli/a.c", "char c = '\"'; f(\"\\\"strcpy(\");\n");
    CATCHES(tidy_rule_calls, "src/cli/a.c", "char c = '\"'; strcpy(a, b); char d = '\"';\n");
}

TEST(compiler_extensions_have_one_home)
{
    CATCHES(tidy_rule_extensions, "src/core/a.c", "int x = __builtin_popcount(3);\n");
    CATCHES(tidy_rule_extensions, "src/core/a.h", "#define A __attribute__((packed))\n");
    PASSES(tidy_rule_extensions, "src/base/compiler.h", "#define A __attribute__((packed))\n");
    PASSES(tidy_rule_extensions, "src/core/a.c", "// __builtin_popcount\nchar *s = \"__attribute__\";\n");
}

TEST(no_text_names_a_place_of_one_machine)
{
    CATCHES(tidy_rule_machine_paths, "README.md", "see /ho" "me/me/x\n");
    CATCHES(tidy_rule_machine_paths, "scripts/x", "\n\ncd /wo" "rk/main\n");
    PASSES(tidy_rule_machine_paths, "README.md", "a/ho" "me/x, ${dir}/wo" "rk/ and /usr/lib\n");
}

static void doc_paths_here(const tidy_source *source, tidy_findings *findings)
{
    tidy_rule_doc_paths(source, PST_SOURCE_DIR, findings);
}

TEST(paths_in_docs_exist)
{
    CATCHES(doc_paths_here, "README.md", "look at `src/base/no_such_file.c` first\n");
    CATCHES(doc_paths_here, "docs/x.md", "`src/base/` and\n`tests/nowhere/`\n");
    PASSES(doc_paths_here, "README.md", "`src/base/env.h`, `src/pal/<os>/`, `tests/unit/*`, `src/base/env.h:12`, `make check`, `tests/unit/NAME`\n");
    PASSES(doc_paths_here, "src/base/env.h", "`src/base/no_such_file.c`\n");
    CATCHES(doc_paths_here, "README.md", "```\nx\n```\nand `src/base/nothing.c`\n");
}
