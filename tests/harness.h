// harness.h: the test harness: one header, the same tests on Linux, under Wine, and under qemu.
//
// TEST(name) { ... CHECK(...); } registers itself. Each program of tests links exactly one file that defines PST_TEST_MAIN before
// including this (main.c of tests does). Arguments of the program: names of tests to run (substrings); -l lists them.
// The last line is "N passed, N failed"; the exit code is 0 when none failed, 77 when all were skipped.
#ifndef PST_TESTS_HARNESS_H
#define PST_TESTS_HARNESS_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

typedef struct pst_test_case {
    const char *name, *file;
    void (*run)(void);
    struct pst_test_case *next;
} pst_test_case;

void pst_test_register(pst_test_case *test);
void pst_test_fail(const char *file, int line, const char *fmt, ...) PST_PRINTF(3, 4);
void pst_test_skip(const char *why); // the caller returns after it

#define TEST(id)                                                                   \
    static void test_##id(void);                                                   \
    static pst_test_case test_case_##id = {#id, __FILE__, test_##id, NULL};        \
    PST_CONSTRUCTOR static void test_register_##id(void) { pst_test_register(&test_case_##id); } \
    static void test_##id(void)

// A failed CHECK is counted and the test goes on; a failed REQUIRE returns from the function.
#define CHECK(cond)                                                            \
    do {                                                                       \
        if (!(cond)) pst_test_fail(__FILE__, __LINE__, "%s", #cond);           \
    } while (0)
#define REQUIRE(cond)                                                          \
    do {                                                                       \
        if (!(cond)) {                                                         \
            pst_test_fail(__FILE__, __LINE__, "%s", #cond);                    \
            return;                                                            \
        }                                                                      \
    } while (0)
#define CHECK_EQ(got, want)                                                                                   \
    do {                                                                                                      \
        uint64_t got_ = (uint64_t)(got), want_ = (uint64_t)(want);                                            \
        if (got_ != want_)                                                                                    \
            pst_test_fail(__FILE__, __LINE__, "%s is 0x%" PRIx64 ", not %s = 0x%" PRIx64, #got, got_, #want, want_); \
    } while (0)
#define CHECK_STR(got, want)                                                                                  \
    do {                                                                                                      \
        const char *got_ = (got), *want_ = (want);                                                            \
        if (strcmp(got_, want_) != 0)                                                                         \
            pst_test_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #got, got_, want_);                 \
    } while (0)

#endif
