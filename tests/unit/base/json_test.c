// json_test.c: text and JSON.
#include "base/json.h"

#include "harness.h"

static void *heap(void *user, void *ptr, size_t old_size, size_t new_size)
{
    (void)user, (void)old_size;
    if (new_size) return realloc(ptr, new_size);
    free(ptr);
    return NULL;
}

static const pst_env g_heap = {.resize = heap};

static void *no_memory(void *user, void *ptr, size_t old_size, size_t new_size)
{
    (void)user, (void)ptr, (void)old_size, (void)new_size;
    return NULL;
}

TEST(text_grows)
{
    pst_text text;
    pst_text_init(&text, &g_heap);
    CHECK_STR(pst_text_cstr(&text), "");
    for (int i = 0; i < 1000; i++) pst_text_format(&text, "%03d,", i);
    CHECK_EQ(text.size, 4000);
    CHECK(memcmp(pst_text_cstr(&text) + 3992, "998,999,", 9) == 0);
    pst_text_clear(&text);
    CHECK_STR(pst_text_cstr(&text), "");
    pst_text_bytes(&text, NULL, 0);
    pst_text_add(&text, "x");
    CHECK_STR(pst_text_cstr(&text), "x");
    CHECK(!text.failed);
    pst_text_free(&text);
}

TEST(text_without_memory_fails_once_and_for_all)
{
    pst_env env = {.resize = no_memory};
    pst_text text;
    pst_text_init(&text, &env);
    pst_text_add(&text, "x");
    pst_text_format(&text, "%d", 1);
    CHECK(text.failed);
    CHECK_STR(pst_text_cstr(&text), "");
    pst_text_free(&text);
}

static void write_sample(pst_json *json)
{
    pst_json_object_begin(json);
    pst_json_key(json, "a");
    pst_json_u64(json, UINT64_MAX);
    pst_json_key(json, "b");
    pst_json_array_begin(json);
    pst_json_i64(json, INT64_MIN);
    pst_json_bool(json, true);
    pst_json_bool(json, false);
    pst_json_null(json);
    pst_json_string(json, NULL);
    pst_json_array_end(json);
    pst_json_key(json, "c");
    pst_json_object_begin(json);
    pst_json_object_end(json);
    pst_json_key(json, "d");
    pst_json_hex(json, "\x00\xff\x1a", 3);
    pst_json_object_end(json);
}

TEST(compact_and_pretty)
{
    pst_text text;
    pst_json json;
    pst_text_init(&text, &g_heap);
    pst_json_init(&json, &text, false);
    write_sample(&json);
    CHECK_STR(pst_text_cstr(&text), "{\"a\":18446744073709551615,\"b\":[-9223372036854775808,true,false,null,null],"
                                    "\"c\":{},\"d\":\"00ff1a\"}");
    pst_text_clear(&text);
    pst_json_init(&json, &text, true);
    write_sample(&json);
    CHECK_STR(pst_text_cstr(&text),
              "{\n  \"a\": 18446744073709551615,\n  \"b\": [\n    -9223372036854775808,\n    true,\n    false,\n    null,\n"
              "    null\n  ],\n  \"c\": {},\n  \"d\": \"00ff1a\"\n}");
    CHECK(!text.failed);
    pst_text_free(&text);
}

static void check_string(const char *value, const char *want)
{
    pst_text text;
    pst_json json;
    pst_text_init(&text, &g_heap);
    pst_json_init(&json, &text, false);
    pst_json_string(&json, value);
    CHECK_STR(pst_text_cstr(&text), want);
    pst_text_free(&text);
}

TEST(strings_are_escaped_and_utf8_is_repaired)
{
    check_string("a\"\\\n\r\t\x01\x7f", "\"a\\\"\\\\\\n\\r\\t\\u0001\\u007f\"");
    check_string("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
#define BAD "\xef\xbf\xbd"
    check_string("\x80", "\"" BAD "\"");                             // a lone continuation
    check_string("\xc0\xaf", "\"" BAD BAD "\"");                     // overlong
    check_string("\xe0\x80\x80", "\"" BAD BAD BAD "\"");             // overlong
    check_string("\xed\xa0\x80", "\"" BAD BAD BAD "\"");             // a surrogate
    check_string("\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\"");     // above U+10FFFF
    check_string("\xf0\x8f\xbf\xbf", "\"" BAD BAD BAD BAD "\"");     // overlong
    check_string("\xf0\x9f\x98", "\"" BAD BAD BAD "\"");             // cut short
    check_string("\xe2\x28\xa1", "\"" BAD "(" BAD "\"");
    check_string("\xff\xfe", "\"" BAD BAD "\"");
}

TEST(nesting_has_a_limit)
{
    pst_text text;
    pst_json json;
    pst_text_init(&text, &g_heap);
    pst_json_init(&json, &text, false);
    for (int i = 0; i < PST_JSON_DEPTH_MAX; i++) pst_json_array_begin(&json);
    CHECK(!text.failed);
    pst_json_array_begin(&json);
    CHECK(text.failed);
    pst_text_clear(&text);
    pst_json_init(&json, &text, false);
    pst_json_object_end(&json);
    CHECK(text.failed);
    pst_text_free(&text);
}
