// cursor_test.c: no read leaves the view, and a failed read moves nothing.
#include "base/cursor.h"

#include "harness.h"

static const uint8_t g_bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

TEST(integers_are_little_endian_and_bounded)
{
    pst_cursor c = pst_cursor_make(g_bytes, sizeof g_bytes);
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    CHECK(pst_cursor_u64(&c, &u64));
    CHECK_EQ(u64, 0x0807060504030201u);
    CHECK_EQ(pst_cursor_left(&c), 1);
    CHECK(!pst_cursor_u64(&c, &u64) && !pst_cursor_u32(&c, &u32) && !pst_cursor_u16(&c, &u16));
    CHECK_EQ(c.pos, 8);
    CHECK(pst_cursor_u8(&c, &u8));
    CHECK_EQ(u8, 9);
    CHECK(!pst_cursor_u8(&c, &u8));
    CHECK(pst_cursor_seek(&c, 1) && pst_cursor_u32(&c, &u32) && pst_cursor_u16(&c, &u16));
    CHECK_EQ(u32, 0x05040302);
    CHECK_EQ(u16, 0x0706);
}

TEST(positions_and_counts_near_2_64_do_not_wrap)
{
    pst_cursor c = pst_cursor_make(g_bytes, sizeof g_bytes), part;
    const uint8_t *at;
    const char *text;
    CHECK(pst_cursor_skip(&c, 4));
    CHECK(!pst_cursor_skip(&c, 6) && !pst_cursor_skip(&c, UINT64_MAX) && !pst_cursor_skip(&c, UINT64_MAX - 3));
    CHECK(!pst_cursor_seek(&c, 10) && !pst_cursor_seek(&c, UINT64_MAX));
    CHECK(!pst_cursor_bytes(&c, UINT64_MAX - 3, &at) && !pst_cursor_bytes(&c, 6, &at));
    CHECK(!pst_cursor_slice(c, 1, UINT64_MAX, &part) && !pst_cursor_slice(c, UINT64_MAX, 1, &part));
    CHECK(!pst_cursor_slice(c, 5, 5, &part) && !pst_cursor_slice(c, 10, 0, &part));
    CHECK(!pst_cursor_string_at(c, UINT64_MAX, &text) && !pst_cursor_string_at(c, 9, &text));
    CHECK_EQ(c.pos, 4);
}

TEST(a_slice_is_relative_to_the_whole_view)
{
    pst_cursor c = pst_cursor_make(g_bytes, sizeof g_bytes), part;
    uint8_t u8;
    CHECK(pst_cursor_skip(&c, 7));
    REQUIRE(pst_cursor_slice(c, 2, 3, &part));
    CHECK(pst_cursor_u8(&part, &u8));
    CHECK_EQ(u8, 3);
    CHECK_EQ(pst_cursor_left(&part), 2);
    CHECK(!pst_cursor_skip(&part, 3));
    CHECK(pst_cursor_slice(c, 9, 0, &part) && pst_cursor_left(&part) == 0);
}

TEST(a_string_needs_its_nul_inside)
{
    const char *text;
    pst_cursor c = pst_cursor_make("ab\0cd", 5);
    CHECK(pst_cursor_string_at(c, 0, &text));
    CHECK_STR(text, "ab");
    CHECK(pst_cursor_string_at(c, 2, &text));
    CHECK_STR(text, "");
    CHECK(!pst_cursor_string_at(c, 3, &text));
}

TEST(an_empty_view_gives_nothing)
{
    pst_cursor c = pst_cursor_make(NULL, 100), part;
    const uint8_t *at;
    const char *text;
    uint8_t u8;
    CHECK_EQ(pst_cursor_left(&c), 0);
    CHECK(!pst_cursor_u8(&c, &u8) && !pst_cursor_string_at(c, 0, &text));
    CHECK(pst_cursor_bytes(&c, 0, &at) && pst_cursor_slice(c, 0, 0, &part) && pst_cursor_skip(&c, 0));
}
