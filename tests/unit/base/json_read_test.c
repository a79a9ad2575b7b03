// json_read_test.c: reading JSON: what is valid, what is not, and where it says so.
#include "base/json_read.h"

#include "base/json.h"
#include "harness.h"

static void *heap(void *user, void *ptr, size_t old_size, size_t new_size)
{
    if (new_size) return realloc(ptr, new_size);
    free(ptr);
    return NULL;
}

static const pst_env g_heap = {.resize = heap};

typedef struct reading {
    pst_arena arena;
    pst_json_error error;
    pst_status status;
    const pst_json_value *value;
} reading;

// The bytes lie in a block of their own size, so that a sanitizer sees a read behind them.
static reading read_bytes(const char *text, size_t size, size_t limit)
{
    reading r;
    char *copy = malloc(size ? size : 1);
    if (size) memcpy(copy, text, size);
    pst_arena_init(&r.arena, &g_heap, limit);
    r.status = pst_json_read(&r.arena, copy, size, &r.error, &r.value);
    free(copy);
    return r;
}

static reading read_text(const char *text)
{
    return read_bytes(text, strlen(text), 0);
}

TEST(values_of_every_kind)
{
    reading r = read_text(" {\"a\": [1, -2.5e3, \"x\", true, false, null], \"b\": {}, \"\": []} ");
    REQUIRE(r.status == PST_OK);
    CHECK_EQ(r.value->kind, PST_JSON_OBJECT);
    CHECK_EQ(r.value->count, 3);
    const pst_json_value *list = pst_json_member(r.value, "a"), *item = list->first;
    CHECK_EQ(list->count, 6);
    CHECK_STR(item->text, "1");
    item = item->next;
    CHECK_STR(item->text, "-2.5e3");
    CHECK_EQ(item->kind, PST_JSON_NUMBER);
    item = item->next;
    CHECK(item->kind == PST_JSON_STRING && item->length == 1);
    item = item->next;
    CHECK(item->kind == PST_JSON_BOOL && item->boolean);
    item = item->next;
    CHECK(item->kind == PST_JSON_BOOL && !item->boolean);
    item = item->next;
    CHECK(item->kind == PST_JSON_NULL && !item->next);
    CHECK_EQ(pst_json_member(r.value, "b")->count, 0);
    CHECK_EQ(pst_json_member(r.value, "")->kind, PST_JSON_ARRAY);
    CHECK(!pst_json_member(r.value, "c") && !pst_json_member(list, "a") && !pst_json_member(NULL, "a"));
    pst_arena_free(&r.arena);
}

TEST(strings_lose_their_escapes)
{
    reading r = read_text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00\xc3\xa9\"");
    REQUIRE(r.status == PST_OK);
    CHECK_STR(r.value->text, "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9");
    CHECK_EQ(r.value->length, strlen(r.value->text));
    pst_arena_free(&r.arena);
}

TEST(what_is_no_json_is_refused_and_placed)
{
    static const struct {
        const char *text;
        size_t offset;
    } cases[] = {
        {"", 0},        {"{", 1},          {"[1,]", 3},       {"[1 2]", 3},          {"{\"a\":}", 5},  {"{a:1}", 1},       {"{\"a\" 1}", 5},
        {"01", 1},      {"-", 1},          {"1.", 2},         {"1e", 2},             {"1e+", 3},       {"+1", 0},          {"nul", 0},
        {"truefalse", 4}, {"1 2", 2},      {"\"a", 1},        {"\"\\x\"", 2},        {"\"\\u12\"", 5}, {"\"\\u0000\"", 7}, {"\"\\ud800\"", 7},
        {"\"\\udc00\"", 7}, {"\"\\ud800\\u0041\"", 13}, {"\"\n\"", 1}, {"\"\\\"", 1}, {"]", 0}, {"[", 1}, {"{\"a\":1,}", 7}, {"NaN", 0},
    };
    for (size_t i = 0; i < PST_COUNT(cases); i++) {
        reading r = read_text(cases[i].text);
        if (r.status != PST_E_FORMAT || r.error.offset != cases[i].offset || !*r.error.text || r.value)
            pst_test_fail(__FILE__, __LINE__, "%s: status %d at %zu instead of %zu: %s", cases[i].text, (int)r.status, r.error.offset, cases[i].offset, r.error.text);
        pst_arena_free(&r.arena);
    }
    reading nul = read_bytes("\"a\0b\"", 5, 0);
    CHECK_EQ(nul.status, PST_E_FORMAT);
    pst_arena_free(&nul.arena);
}

TEST(depth_and_memory_have_limits)
{
    char text[2 * PST_JSON_DEPTH_MAX + 3] = {0};
    for (size_t depth = PST_JSON_DEPTH_MAX; depth <= PST_JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        reading r = read_bytes(text, 2 * depth, 0);
        CHECK_EQ(r.status, depth > PST_JSON_DEPTH_MAX ? PST_E_LIMIT : PST_OK);
        pst_arena_free(&r.arena);
    }
    enum { ITEMS = 100000 };
    char *many = malloc(2 * ITEMS + 1);
    for (size_t i = 0; i < ITEMS; i++) memcpy(many + 2 * i, i ? ",0" : "[0", 2);
    many[2 * ITEMS] = ']';
    reading r = read_bytes(many, 2 * ITEMS + 1, 1 << 20);
    CHECK_EQ(r.status, PST_E_NOMEM);
    pst_arena_free(&r.arena);
    r = read_bytes(many, 2 * ITEMS + 1, 0);
    CHECK_EQ(r.status, PST_OK);
    CHECK_EQ(r.value->count, ITEMS);
    pst_arena_free(&r.arena);
    free(many);
}

TEST(numbers_become_integers_only_when_they_are)
{
    static const char *const no[] = {"-1", "1.0", "1e2", "18446744073709551616", "\"1\"", "null", "[1]"};
    uint64_t number;
    for (size_t i = 0; i < PST_COUNT(no); i++) {
        reading r = read_text(no[i]);
        if (r.status != PST_OK || pst_json_to_u64(r.value, UINT64_MAX, &number)) pst_test_fail(__FILE__, __LINE__, "accepted: %s", no[i]);
        pst_arena_free(&r.arena);
    }
    reading r = read_text("18446744073709551615");
    CHECK(pst_json_to_u64(r.value, UINT64_MAX, &number) && number == UINT64_MAX);
    CHECK(!pst_json_to_u64(r.value, UINT64_MAX - 1, &number));
    CHECK(!pst_json_to_u64(NULL, 1, &number));
    pst_arena_free(&r.arena);
}
