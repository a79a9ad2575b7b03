// format_test.c: formatting, on every platform the same.
#include "base/format.h"

#include <limits.h>
#include <stdint.h>

#include "harness.h"

// The compiler must not check what these tests break on purpose.
static size_t (*const g_format)(char *, size_t, const char *, ...) = pst_format;

#define CHECK_FORMAT(want, ...)                                     \
    do {                                                            \
        char buffer[256];                                           \
        size_t length_ = g_format(buffer, sizeof buffer, __VA_ARGS__); \
        CHECK_STR(buffer, want);                                    \
        CHECK_EQ(length_, strlen(want));                            \
    } while (0)

TEST(integers_of_every_length)
{
    CHECK_FORMAT("0 -1 2147483647 -2147483648", "%d %i %d %d", 0, -1, INT_MAX, INT_MIN);
    CHECK_FORMAT("18446744073709551615", "%llu", ULLONG_MAX);
    CHECK_FORMAT("-9223372036854775808", "%lld", LLONG_MIN);
    CHECK_FORMAT("-1 255", "%hhd %hhu", 0x1ff, 0x1ff);
    CHECK_FORMAT("-2 65534", "%hd %hu", 0x1fffe, 0x1fffe);
    CHECK_FORMAT("4294967295 ffffffff", "%u %x", UINT_MAX, UINT_MAX);
    CHECK_FORMAT("123 456 -7 8", "%zu %ju %td %ld", (size_t)123, (uintmax_t)456, (ptrdiff_t)-7, 8L);
}

TEST(flags_width_and_precision)
{
    CHECK_FORMAT("[    7][7    ][00007][+7][ 7]", "[%5d][%-5d][%05d][%+d][% d]", 7, 7, 7, 7, 7);
    CHECK_FORMAT("[  007][-0007][]", "[%5.3d][%05d][%.0d]", 7, -7, 0);
    CHECK_FORMAT("0xff 0XFF 0 0x00ff", "%#x %#X %#x %#06x", 255, 255, 0, 255);
    CHECK_FORMAT("[   ab][ab   ][abc]", "[%5s][%-5s][%.3s]", "ab", "ab", "abcdef");
    CHECK_FORMAT("[   x][x   ]", "[%*s][%*s]", 4, "x", -4, "x");
    CHECK_FORMAT("[ab][abc]", "[%.*s][%.*s]", 2, "abc", -1, "abc");
    CHECK_FORMAT("a%b", "%c%%%c", 'a', 'b');
    const char *volatile none = NULL; // volatile: gcc sees through anything less
    CHECK_FORMAT("(null) 0x1000", "%s %p", none, (void *)(uintptr_t)0x1000);
}

TEST(a_string_with_precision_needs_no_terminator)
{
    char letters[3] = {'a', 'b', 'c'};
    CHECK_FORMAT("abc", "%.3s", letters);
}

TEST(output_is_cut_and_its_length_told)
{
    char buffer[4] = "zzz";
    CHECK_EQ(pst_format(buffer, sizeof buffer, "%s", "abcdef"), 6);
    CHECK_STR(buffer, "abc");
    CHECK_EQ(pst_format(buffer, 1, "abc"), 3);
    CHECK_STR(buffer, "");
    CHECK_EQ(pst_format(NULL, 0, "%d", 12345), 5);
}

TEST(a_huge_width_costs_nothing)
{
    char buffer[8];
    CHECK_EQ(g_format(buffer, sizeof buffer, "%2000000000d", 1), 2000000000u);
    CHECK_STR(buffer, "       ");
}

TEST(a_wrong_conversion_is_shown_as_it_stands)
{
    CHECK_FORMAT("a %5q b", "a %5q b");
    CHECK_FORMAT("end %", "end %");
    CHECK_FORMAT("end %-08l", "end %-08l");
}
