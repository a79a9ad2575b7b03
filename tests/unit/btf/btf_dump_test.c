// btf_dump_test.c: types as C: order, names, layout; and types that no C could hold.
//
// That a whole kernel's types compile to the same layout is checked by hand; here each rule has its case.
#include "harness.h"
#include "unit/btf/btf_builder.h"

// The dump without the lines of the preprocessor; the caller frees the text.
static const char *dump(btf_builder *b, pst_text *text, pst_status want)
{
    pst_btf *btf = builder_parse(b);
    pst_text_init(text, &g_env);
    if (!btf) return "does not parse";
    CHECK_EQ(pst_btf_dump_c(btf, text), want);
    pst_btf_free(btf);
    char *begin = strstr(text->data ? text->data : "", "#endif\n\n"), *end = begin ? strstr(begin, "#if defined") : NULL;
    if (!end) return pst_text_cstr(text);
    *end = 0;
    return begin + 8;
}

#define CHECK_DUMP(b, want)                         \
    do {                                            \
        pst_text text_;                             \
        CHECK_STR(dump(b, &text_, PST_OK), want);   \
        pst_text_free(&text_);                      \
        CHECK_EQ(g_memory.live, 0);                 \
    } while (0)

TEST(btf_dump_types_before_their_use)
{
    btf_builder *b = builder_new();
    builder_int(b, "int", 4, 1);
    builder_struct(b, "outer", 24, 3); // 2
    builder_member(b, "in", 3, 0);
    builder_member(b, "next", 4, 64);
    builder_member(b, "call", 6, 128);
    builder_struct(b, "inner", 4, 1); // 3
    builder_member(b, "x", 1, 0);
    builder_ref(b, PST_BTF_PTR, "", 2);               // 4
    builder_type(b, "", PST_BTF_FUNC_PROTO, false, 2, 0); // 5
    builder_pair(b, "self", 4);
    builder_pair(b, "e", 8);
    builder_ref(b, PST_BTF_TYPEDEF, "call_t", 7); // 6
    builder_ref(b, PST_BTF_PTR, "", 5);           // 7
    builder_type(b, "e", PST_BTF_ENUM, true, 2, 4); // 8
    builder_pair(b, "MINUS", UINT32_MAX);
    builder_pair(b, "ONE", 1);
    CHECK_DUMP(b, "struct inner {\n    int x;\n};\n\nstruct outer;\n\nenum e {\n    MINUS = -1,\n    ONE = 1,\n};\n\n"
                  "typedef void (*call_t)(struct outer *, enum e);\n\n"
                  "struct outer {\n    struct inner in;\n    struct outer *next;\n    call_t call;\n};\n\n");
}

TEST(btf_dump_padding)
{
    btf_builder *b = builder_new();
    builder_int(b, "int", 4, 1);
    builder_int(b, "char", 1, 1);
    builder_type(b, "s", PST_BTF_STRUCT, true, 5, 32);
    builder_bits(b, "a", 1, 0, 3);
    builder_bits(b, "b", 1, 5, 4);   // two bits are nobody's
    builder_bits(b, "c", 2, 64, 0);  // further than a compiler would put it
    builder_bits(b, "d", 1, 96, 0);  // where it would
    builder_bits(b, "e", 1, 130, 1);
    CHECK_DUMP(b, "struct s {\n    int a : 3;\n    unsigned char : 2;\n    int b : 4;\n    unsigned char : 7;\n    unsigned char __pad_2[6];\n    char c;\n    int d;\n"
                  "    unsigned char : 2;\n    int e : 1;\n    unsigned char : 5;\n    unsigned char __pad_17[15];\n};\n\n");
}

TEST(btf_dump_packed)
{
    btf_builder *b = builder_new();
    builder_int(b, "int", 4, 1);
    builder_int(b, "char", 1, 1);
    builder_struct(b, "p", 5, 2);
    builder_member(b, "c", 2, 0);
    builder_member(b, "x", 1, 8);
    builder_struct(b, "q", 6, 2); // its member is packed, so it needs not be
    builder_member(b, "p", 3, 0);
    builder_member(b, "c", 2, 40);
    builder_struct(b, "odd", 5, 1); // of a size that is no multiple of its alignment
    builder_member(b, "x", 1, 0);
    CHECK_DUMP(b, "struct p {\n    char c;\n    int x;\n} __attribute__((packed));\n\nstruct q {\n    struct p p;\n    char c;\n};\n\n"
                  "struct odd {\n    int x;\n    unsigned char __pad_4[1];\n} __attribute__((packed));\n\n");
}

TEST(btf_dump_anonymous_types)
{
    btf_builder *b = builder_new();
    builder_int(b, "int", 4, 1);
    builder_type(b, "", PST_BTF_UNION, false, 2, 8); // 2
    builder_member(b, "i", 1, 0);
    builder_member(b, "p", 3, 0);
    builder_ref(b, PST_BTF_PTR, "", 4);
    builder_type(b, "", PST_BTF_ENUM, false, 1, 1); // 4
    builder_pair(b, "A", 1);
    builder_struct(b, "s", 16, 2);
    builder_member(b, "", 2, 0);
    builder_member(b, "", 6, 64); // a named type as an anonymous member
    builder_struct(b, "named", 8, 1); // 6
    builder_member(b, "x", 1, 0);
    builder_ref(b, PST_BTF_TYPEDEF, "t", 2);
    CHECK_DUMP(b, "struct named {\n    int x;\n    unsigned char __pad_4[4];\n};\n\nstruct s {\n    union {\n        int i;\n        enum {\n            A = 1,\n        } __attribute__((mode(QI))) *p;\n    };\n"
                  "    struct {\n        int x;\n        unsigned char __pad_4[4];\n    };\n};\n\n"
                  "typedef union {\n    int i;\n    enum {\n        A___2 = 1,\n    } __attribute__((mode(QI))) *p;\n} t;\n\n");
}

TEST(btf_dump_names_that_are_taken)
{
    btf_builder *b = builder_new();
    builder_int(b, "int", 4, 1);
    builder_struct(b, "s", 4, 0);
    builder_struct(b, "s", 4, 1); // 3
    builder_member(b, "x", 1, 0);
    builder_ref(b, PST_BTF_PTR, "", 3);
    builder_ref(b, PST_BTF_TYPEDEF, "s", 4);  // another space of names
    builder_ref(b, PST_BTF_TYPEDEF, "s", 1);
    builder_type(b, "s", PST_BTF_FWD, false, 0, 0); // 7
    builder_type(b, "only", PST_BTF_FWD, true, 0, 0);
    builder_ref(b, PST_BTF_PTR, "", 7);
    builder_ref(b, PST_BTF_TYPEDEF, "f", 9);
    builder_ref(b, PST_BTF_TYPEDEF, "__builtin_va_list", 1);
    builder_ref(b, PST_BTF_TYPEDEF, "va_list", 11);
    builder_type(b, "w", PST_BTF_ENUM64, false, 1, 8);
    builder_pair(b, "HUGE", 0);
    builder_word(b, 1);
    CHECK_DUMP(b, "struct s {\n    unsigned char __pad_0[4];\n};\n\nstruct s___2 {\n    int x;\n};\n\ntypedef struct s___2 *s;\n\ntypedef int s___2;\n\n"
                  "struct s;\n\ntypedef struct s *f;\n\ntypedef __builtin_va_list va_list;\n\n"
                  "enum w {\n    HUGE = 4294967296ULL,\n} __attribute__((mode(DI)));\n\n");
}

TEST(btf_dump_types_without_end)
{
    pst_text text;
    btf_builder *b = builder_new();
    builder_struct(b, "", 8, 2); // anonymous, contains itself twice
    builder_member(b, "a", 1, 0);
    builder_member(b, "", 1, 0);
    builder_ref(b, PST_BTF_TYPEDEF, "t", 1);
    (void)dump(b, &text, PST_E_LIMIT);
    CHECK(text.size < 64u << 20);
    pst_text_free(&text);
    b = builder_new();
    builder_struct(b, "s", 8, 1); // by name: C would refuse it, but it ends
    builder_member(b, "s", 1, 0);
    (void)dump(b, &text, PST_OK);
    pst_text_free(&text);
    b = builder_new();
    builder_int(b, "int", 4, 1);
    for (uint32_t i = 1; i <= 1000; i++) {
        builder_struct(b, "s", 4, 1);
        builder_member(b, "x", i == 1000 ? 1 : i + 2, 0); // each needs the next
    }
    (void)dump(b, &text, PST_E_LIMIT);
    pst_text_free(&text);
    CHECK_EQ(g_memory.live, 0);
}

TEST(btf_dump_every_allocation_may_fail)
{
    btf_builder *b = builder_new();
    builder_int(b, "int", 4, 1);
    builder_struct(b, "s", 4, 1);
    builder_member(b, "x", 1, 0);
    builder_ref(b, PST_BTF_TYPEDEF, "t", 2);
    pst_btf *btf = builder_parse(b);
    REQUIRE(btf != NULL);
    long before = g_memory.live;
    pst_status status = PST_E_NOMEM;
    for (long n = 0; n < 50 && status != PST_OK; n++) {
        pst_text text;
        pst_text_init(&text, &g_env);
        g_memory.fail_after = n;
        status = pst_btf_dump_c(btf, &text);
        g_memory.fail_after = -1;
        CHECK(status == PST_OK || status == PST_E_NOMEM);
        pst_text_free(&text);
        CHECK_EQ(g_memory.live, before);
    }
    CHECK_EQ(status, PST_OK);
    pst_btf_free(btf);
}
