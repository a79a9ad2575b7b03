// harness_main.c: main() of every test program: runs what harness.h registered and counts.
#include "harness.h"

#include <stdarg.h>

static pst_test_case *g_tests;
static const char *g_current;
static int g_failures;
static int g_skipped;
static int g_skip_now;

void pst_test_register(pst_test_case *test)
{
    pst_test_case **end = &g_tests;
    while (*end) end = &(*end)->next;
    *end = test;
}

void pst_test_fail(const char *file, int line, const char *fmt, ...)
{
    va_list args;
    g_failures++;
    if (g_failures > 50) return; // one broken loop must not fill the log
    printf("%s:%d: %s: ", file, line, g_current);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
}

void pst_test_skip(const char *why)
{
    printf("%s: skipped: %s\n", g_current, why);
    g_skip_now = 1;
}

static int wanted(const char *name, int argc, char **argv)
{
    if (argc < 2) return 1;
    for (int i = 1; i < argc; i++)
        if (strstr(name, argv[i])) return 1;
    return 0;
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0;
    for (pst_test_case *t = g_tests; t; t = t->next) {
        if (argc == 2 && strcmp(argv[1], "-l") == 0) {
            printf("%s\n", t->name);
            continue;
        }
        if (!wanted(t->name, argc, argv)) continue;
        g_current = t->name;
        g_failures = 0;
        g_skip_now = 0;
        t->run();
        if (g_failures) {
            failed++;
            printf("FAILED %s (%d checks)\n", t->name, g_failures);
        } else if (g_skip_now) {
            g_skipped++;
        } else {
            passed++;
        }
    }
    printf("%d passed, %d failed", passed, failed);
    if (g_skipped) printf(", %d skipped", g_skipped);
    printf("\n");
    if (failed) return 1;
    return passed == 0 && g_skipped > 0 ? 77 : 0;
}
