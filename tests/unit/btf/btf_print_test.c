// btf_print_test.c: types and values written out, also where the bytes end early or the types never do.
#include "harness.h"
#include "unit/btf/btf_builder.h"

// Ids: 1 int, 2 u32, 3 char, 4 u8, 5 bool, 6 u64, 7 char[8], 8 void *, 9 enum color, 10 int[2], 11 struct point, 12 union, 13 u8[3],
// 14 bit fields, 15 double, 16 __int128, 17 struct event, 18 char[0], 19 struct tail, 20 enum64, 21 typedef of 17, 22 point[2]
static pst_btf *types(void)
{
    btf_builder *b = builder_new();
    builder_int(b, "int", 4, 1);
    builder_int(b, "unsigned int", 4, 0);
    builder_int(b, "char", 1, 1);
    builder_int(b, "unsigned char", 1, 0);
    builder_int(b, "_Bool", 1, 4);
    builder_int(b, "unsigned long", 8, 0);
    builder_array(b, 3, 8);
    builder_ref(b, PST_BTF_PTR, "", 0);
    builder_type(b, "color", PST_BTF_ENUM, true, 2, 4);
    builder_pair(b, "RED", 1);
    builder_pair(b, "NONE", UINT32_MAX);
    builder_array(b, 1, 2);
    builder_struct(b, "point", 8, 2);
    builder_member(b, "x", 1, 0);
    builder_member(b, "y", 1, 32);
    builder_type(b, "", PST_BTF_UNION, false, 2, 4);
    builder_member(b, "u", 2, 0);
    builder_member(b, "i", 1, 0);
    builder_array(b, 4, 3);
    builder_type(b, "bits", PST_BTF_STRUCT, true, 5, 12);
    builder_bits(b, "low", 2, 0, 3);
    builder_bits(b, "sign", 1, 3, 5);
    builder_bits(b, "", 2, 8, 4); // padding
    builder_bits(b, "color", 9, 30, 4);
    builder_bits(b, "wide", 6, 35, 60);
    builder_type(b, "double", PST_BTF_FLOAT, false, 0, 8);
    builder_int(b, "__int128", 16, 1);
    builder_struct(b, "event", 48, 7);
    builder_member(b, "pid", 1, 0);
    builder_member(b, "comm", 7, 32);
    builder_member(b, "", 12, 96);
    builder_member(b, "flag", 5, 128);
    builder_member(b, "mac", 13, 136);
    builder_member(b, "color", 9, 160);
    builder_member(b, "where", 11, 192);
    builder_array(b, 3, 0);
    builder_struct(b, "tail", 4, 2);
    builder_member(b, "size", 2, 0);
    builder_member(b, "text", 18, 32);
    builder_type(b, "wide", PST_BTF_ENUM64, false, 1, 8);
    builder_pair(b, "HUGE", 5);
    builder_word(b, 1);
    builder_ref(b, PST_BTF_TYPEDEF, "event_t", 17);
    builder_array(b, 11, 2);
    return builder_parse(b);
}

static pst_text g_text;

static const char *as_text(const pst_btf *btf, uint32_t id, const void *data, size_t size)
{
    pst_text_init(&g_text, &g_env);
    pst_btf_value_text(btf, id, data, size, &g_text);
    return pst_text_cstr(&g_text);
}

static const char *as_json(const pst_btf *btf, uint32_t id, const void *data, size_t size)
{
    pst_json json;
    pst_text_init(&g_text, &g_env);
    pst_json_init(&json, &g_text, false);
    pst_btf_value_json(btf, id, data, size, &json);
    return pst_text_cstr(&g_text);
}

#define CHECK_TEXT(id, data, size, want)                      \
    do {                                                      \
        CHECK_STR(as_text(btf, id, data, size), want);        \
        pst_text_free(&g_text);                               \
    } while (0)
#define CHECK_JSON(id, data, size, want)                      \
    do {                                                      \
        CHECK_STR(as_json(btf, id, data, size), want);        \
        pst_text_free(&g_text);                               \
    } while (0)

static const uint8_t g_event[48] = {0x2a, 0, 0, 0, 'b', 'a', 's', 'h', 0, 'x', 'y', 'z', 0xff, 0xff, 0xff, 0xff, 1, 0xde, 0xad, 0x01, 1, 0, 0, 0, 7, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff};

TEST(btf_print_event)
{
    pst_btf *btf = types();
    REQUIRE(btf != NULL);
    CHECK_TEXT(17, g_event, 48, "{pid = 42, comm = \"bash\", u = 4294967295, i = -1, flag = true, mac = [de ad 01], color = RED, where = {x = 7, y = -2}}");
    CHECK_JSON(21, g_event, 48, "{\"pid\":42,\"comm\":\"bash\",\"u\":4294967295,\"i\":-1,\"flag\":true,\"mac\":[222,173,1],\"color\":\"RED\",\"where\":{\"x\":7,\"y\":-2}}");
    pst_btf_free(btf);
    CHECK_EQ(g_memory.live, 0);
}

TEST(btf_print_scalars)
{
    static const uint8_t ones[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t five[16] = {5, 0, 0, 0, 1, 0, 0, 0};
    pst_btf *btf = types();
    REQUIRE(btf != NULL);
    CHECK_TEXT(1, ones, 4, "-1");
    CHECK_TEXT(2, ones, 4, "4294967295");
    CHECK_JSON(6, ones, 8, "18446744073709551615");
    CHECK_TEXT(5, five, 1, "true");
    CHECK_JSON(8, five, 8, "\"0x100000005\"");
    CHECK_TEXT(8, ones + 8, 8, "0xffffffffffffffff");
    CHECK_TEXT(9, ones, 4, "NONE");
    CHECK_TEXT(9, five, 4, "5"); // no such enumerator
    CHECK_JSON(20, five, 8, "\"HUGE\"");
    CHECK_TEXT(15, five, 8, "0x100000005");
    CHECK_TEXT(16, five, 16, "0x100000005");
    CHECK_TEXT(0, five, 4, "?");
    CHECK_JSON(0, five, 4, "null");
    pst_btf_free(btf);
}

TEST(btf_print_bit_fields)
{
    pst_btf *btf = types();
    uint8_t data[12] = {0};
    REQUIRE(btf != NULL);
    data[0] = 5 | 0x1f << 3;  // low = 5, sign = -1
    data[3] = 0x40;           // color: bits 30 to 33 = 1
    data[4] = 0x08;           // wide: bits 35 to 94 = 1 | 1 << 59
    data[11] = 0x40;
    CHECK_TEXT(14, data, 12, "{low = 5, sign = -1, color = RED, wide = 576460752303423489}");
    CHECK_TEXT(14, data, 11, "{low = 5, sign = -1, color = RED, wide = ?}");
    CHECK_JSON(14, data, 1, "{\"low\":5,\"sign\":-1}");
    pst_btf_free(btf);
}

TEST(btf_print_old_bit_fields)
{
    btf_builder *b = builder_new();
    builder_int(b, "unsigned int", 4, 0);
    b->types[b->types_size - 4] = 3; // three bits
    b->types[b->types_size - 2] = 2; // from the second on
    builder_struct(b, "s", 4, 1);
    builder_member(b, "x", 1, 8);
    pst_btf *btf = builder_parse(b);
    REQUIRE(btf != NULL);
    CHECK_TEXT(2, "\x00\x14\x00\x00", 4, "{x = 5}");
    pst_btf_free(btf);
}

TEST(btf_print_what_is_there)
{
    pst_btf *btf = types();
    REQUIRE(btf != NULL);
    CHECK_TEXT(17, g_event, 0, "{pid = ?}");
    CHECK_TEXT(17, g_event, 2, "{pid = ?}");
    CHECK_TEXT(17, g_event, 7, "{pid = 42, comm = \"bas\"}");
    CHECK_JSON(17, g_event, 28, "{\"pid\":42,\"comm\":\"bash\",\"u\":4294967295,\"i\":-1,\"flag\":true,\"mac\":[222,173,1],\"color\":\"RED\",\"where\":{\"x\":7}}");
    CHECK_TEXT(10, g_event, 7, "[42]");
    CHECK_TEXT(22, g_event, 16, "[{x = 42, y = 1752392034}, {x = 2054780928, y = -1}]");
    CHECK_TEXT(7, "abcdefgh", 8, "\"abcdefgh\""); // no NUL
    CHECK_TEXT(7, "a\"\\\n\x1b\x7f", 8, "\"a\\\"\\\\\\x0a\\x1b\\x7f\"");
    CHECK_JSON(7, "a\xff" "b\0", 8, "\"a\xef\xbf\xbd" "b\"");
    CHECK_TEXT(19, "\5\0\0\0hello", 9, "{size = 5, text = \"hello\"}");
    CHECK_TEXT(13, g_event, 0, "[]");
    pst_btf_free(btf);
}

TEST(btf_print_variables_of_a_section)
{
    btf_builder *b = builder_new();
    builder_int(b, "int", 4, 1);
    builder_type(b, "hits", PST_BTF_VAR, false, 0, 1);
    builder_word(b, 1);
    builder_type(b, ".data", PST_BTF_DATASEC, false, 1, 8);
    builder_word(b, 2);
    builder_word(b, 4);
    builder_word(b, 4);
    pst_btf *btf = builder_parse(b);
    REQUIRE(btf != NULL);
    CHECK_TEXT(3, "\0\0\0\0\7\0\0\0", 8, "{hits = 7}");
    CHECK_TEXT(2, "\7\0\0\0", 4, "7");
    pst_btf_free(btf);
}

TEST(btf_print_values_without_end)
{
    static const uint8_t zeros[64];
    btf_builder *b = builder_new();
    builder_struct(b, "s", 8, 2); // contains itself twice, by name and without
    builder_member(b, "inner", 1, 0);
    builder_member(b, "", 1, 0);
    builder_struct(b, "empty", 0, 0);
    builder_array(b, 2, UINT32_MAX); // of nothing
    builder_int(b, "char", 1, 1);
    builder_array(b, 4, UINT32_MAX);
    pst_btf *btf = builder_parse(b);
    REQUIRE(btf != NULL);
    for (uint32_t id = 1; id < 6; id++) {
        CHECK(strlen(as_text(btf, id, zeros, sizeof zeros)) < 1u << 21);
        CHECK(!g_text.failed);
        pst_text_free(&g_text);
        CHECK(strlen(as_json(btf, id, zeros, sizeof zeros)) < 1u << 21);
        CHECK(!g_text.failed);
        pst_text_free(&g_text);
    }
    CHECK_TEXT(3, zeros, sizeof zeros, "[]");
    pst_btf_free(btf);
}

TEST(btf_print_type_names)
{
    btf_builder *b = builder_new();
    builder_int(b, "int", 4, 1);                          // 1
    builder_ref(b, PST_BTF_CONST, "", 1);                 // 2
    builder_ref(b, PST_BTF_PTR, "", 2);                   // 3
    builder_ref(b, PST_BTF_CONST, "", 3);                 // 4
    builder_array(b, 3, 4);                               // 5
    builder_ref(b, PST_BTF_PTR, "", 5);                   // 6
    builder_struct(b, "sock", 4, 0);                      // 7
    builder_ref(b, PST_BTF_PTR, "", 7);                   // 8
    builder_type(b, "", PST_BTF_FUNC_PROTO, false, 2, 1); // 9
    builder_pair(b, "sk", 8);
    builder_pair(b, "n", 1);
    builder_ref(b, PST_BTF_PTR, "", 9);                   // 10
    builder_array(b, 10, 3);                              // 11
    builder_type(b, "", PST_BTF_FUNC_PROTO, false, 2, 0); // 12
    builder_pair(b, "fmt", 3);
    builder_pair(b, "", 0);
    builder_type(b, "log", PST_BTF_FUNC, false, 1, 12);   // 13
    builder_array(b, 1, 2);                               // 14
    builder_array(b, 14, 3);                              // 15
    builder_type(b, "later", PST_BTF_FWD, true, 0, 0);    // 16
    builder_type(b, "", PST_BTF_ENUM, false, 0, 4);       // 17
    builder_type(b, "", PST_BTF_FUNC_PROTO, false, 0, 10); // 18: returns a function pointer
    builder_ref(b, PST_BTF_PTR, "", 18);                  // 19
    builder_ref(b, PST_BTF_TYPE_TAG, "user", 7);          // 20
    builder_ref(b, PST_BTF_PTR, "", 20);                  // 21
    builder_ref(b, PST_BTF_TYPEDEF, "evil\x1b[2J", 1);    // 22
    builder_ref(b, PST_BTF_PTR, "", 23);                  // 23: of itself
    builder_ref(b, PST_BTF_PTR, "", 8);                   // 24
    static const char *const want[] = {"void", "int", "const int", "const int *", "const int *const", "const int *[4]", "const int *(*)[4]", "struct sock", "struct sock *", "int(struct sock *, int)", "int (*)(struct sock *, int)", "int (*[3])(struct sock *, int)", "void(const int *, ...)", "void(const int *, ...)", "int[2]", "int[3][2]", "union later", "enum {...}", "int (*(void))(struct sock *, int)", "int (*(*)(void))(struct sock *, int)", "struct sock", "struct sock *", "evil?[2J", NULL, "struct sock **"};
    pst_btf *btf = builder_parse(b);
    REQUIRE(btf != NULL);
    for (uint32_t id = 0; id < PST_COUNT(want); id++) {
        pst_text text;
        pst_text_init(&text, &g_env);
        pst_btf_type_text(btf, id, &text);
        if (want[id]) CHECK_STR(pst_text_cstr(&text), want[id]);
        else CHECK(strncmp(pst_text_cstr(&text), "... **", 6) == 0);
        pst_text_free(&text);
    }
    pst_btf_free(btf);
    CHECK_EQ(g_memory.live, 0);
}

TEST(btf_print_functions_without_end)
{
    btf_builder *b = builder_new();
    builder_type(b, "", PST_BTF_FUNC_PROTO, false, 40, 0);
    for (int i = 0; i < 40; i++) builder_pair(b, "f", 2);
    builder_ref(b, PST_BTF_PTR, "", 1);
    pst_btf *btf = builder_parse(b);
    REQUIRE(btf != NULL);
    pst_text_init(&g_text, &g_env);
    pst_btf_type_text(btf, 2, &g_text);
    CHECK(g_text.size > 100 && g_text.size < 10000);
    pst_text_free(&g_text);
    pst_btf_free(btf);
}
