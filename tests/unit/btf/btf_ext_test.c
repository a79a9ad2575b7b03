// btf_ext_test.c: .BTF.ext, records of later versions, and bytes that are not what they say.
#include "harness.h"
#include "btf/btf_ext.h"
#include "unit/btf/btf_builder.h"

typedef struct ext_blob {
    uint32_t words[256];
    uint32_t count;
} ext_blob;

static void add(ext_blob *e, uint32_t word)
{
    e->words[e->count++] = word;
}

static pst_btf *names(void) // strings: 1 "int", 5 "xdp", 9 "tc"
{
    btf_builder *b = builder_new();
    builder_int(b, "int", 4, 1);
    (void)builder_string(b, "xdp");
    (void)builder_string(b, "tc");
    return builder_parse(b);
}

// Two func records for xdp, one for tc; line info and relocations for xdp. extra: words that each record has more than we know.
static ext_blob good(uint32_t extra)
{
    ext_blob e = {0};
    uint32_t funcs = 4 + 8 + 2 * (8 + extra * 4) + 8 + (8 + extra * 4), lines = 4 + 8 + 16 + extra * 4;
    const uint32_t header[8] = {0x0001eb9f, 32, 0, funcs, funcs, lines, funcs + lines, lines};
    for (unsigned i = 0; i < 8; i++) add(&e, header[i]);
    add(&e, 8 + extra * 4);
    for (uint32_t section = 0; section < 2; section++) {
        add(&e, section ? 9 : 5);
        add(&e, section ? 1 : 2);
        for (uint32_t i = 0; i < (section ? 1u : 2u); i++) {
            add(&e, i * 64);
            add(&e, 1);
            for (uint32_t j = 0; j < extra; j++) add(&e, 0xdead);
        }
    }
    for (uint32_t table = 0; table < 2; table++) {
        add(&e, 16 + extra * 4);
        add(&e, 5);
        add(&e, 1);
        add(&e, 8);
        add(&e, 1);
        add(&e, 5);
        add(&e, table ? 9 : 77u << 10 | 13);
        for (uint32_t j = 0; j < extra; j++) add(&e, 0xdead);
    }
    return e;
}

static pst_status parse_words(const pst_btf *btf, const ext_blob *e, size_t size, pst_btf_ext **out)
{
    uint8_t *exact = malloc(size ? size : 1); // so that a sanitizer sees the first byte too many
    if (!exact) abort();
    memcpy(exact, e->words, size);
    g_memory.error[0] = 0;
    pst_status status = pst_btf_ext_parse(&g_env, btf, exact, size, "test", out);
    free(exact);
    return status;
}

TEST(btf_ext_records_of_any_size)
{
    pst_btf *btf = names();
    REQUIRE(btf != NULL);
    for (uint32_t extra = 0; extra < 3; extra++) {
        ext_blob e = good(extra);
        pst_btf_ext *ext;
        REQUIRE(parse_words(btf, &e, e.count * 4, &ext) == PST_OK);
        REQUIRE(pst_btf_ext_section_count(ext, PST_BTF_EXT_FUNCS) == 2);
        CHECK_EQ(pst_btf_ext_section_count(ext, PST_BTF_EXT_LINES), 1);
        CHECK_EQ(pst_btf_ext_section_count(ext, PST_BTF_EXT_RELOS), 1);
        pst_btf_ext_section section = pst_btf_ext_section_at(ext, PST_BTF_EXT_FUNCS, 0);
        CHECK_STR(section.name, "xdp");
        CHECK_EQ(section.count, 2);
        CHECK_EQ(pst_btf_ext_func_at(&section, 1).insn_off, 64);
        CHECK_EQ(pst_btf_ext_func_at(&section, 1).type, 1);
        CHECK_STR(pst_btf_ext_section_at(ext, PST_BTF_EXT_FUNCS, 1).name, "tc");
        section = pst_btf_ext_section_at(ext, PST_BTF_EXT_LINES, 0);
        pst_btf_ext_line line = pst_btf_ext_line_at(&section, 0);
        CHECK(line.insn_off == 8 && line.file_off == 1 && line.text_off == 5 && line.line == 77 && line.column == 13);
        section = pst_btf_ext_section_at(ext, PST_BTF_EXT_RELOS, 0);
        pst_btf_ext_relo relo = pst_btf_ext_relo_at(&section, 0);
        CHECK(relo.insn_off == 8 && relo.type == 1 && relo.access_off == 5 && relo.kind == 9);
        pst_btf_ext_free(ext);
    }
    pst_btf_free(btf);
    CHECK_EQ(g_memory.live, 0);
}

TEST(btf_ext_of_the_first_version_has_no_relocations)
{
    pst_btf *btf = names();
    ext_blob e = {.words = {0x0001eb9f, 24, 0, 20, 20, 0, 8, 5, 1, 0, 1}, .count = 11};
    pst_btf_ext *ext;
    REQUIRE(btf && parse_words(btf, &e, e.count * 4, &ext) == PST_OK);
    CHECK_EQ(pst_btf_ext_section_count(ext, PST_BTF_EXT_FUNCS), 1);
    CHECK_EQ(pst_btf_ext_section_count(ext, PST_BTF_EXT_LINES), 0);
    CHECK_EQ(pst_btf_ext_section_count(ext, PST_BTF_EXT_RELOS), 0);
    pst_btf_ext_free(ext);
    pst_btf_free(btf);
}

TEST(btf_ext_truncated_at_every_byte)
{
    pst_btf *btf = names();
    ext_blob e = good(1);
    pst_btf_ext *ext;
    REQUIRE(btf != NULL);
    for (size_t cut = 0; cut < e.count * 4; cut++) {
        CHECK(parse_words(btf, &e, cut, &ext) != PST_OK);
        CHECK(ext == NULL && g_memory.error[0]);
    }
    pst_btf_free(btf);
    CHECK_EQ(g_memory.live, 0);
}

TEST(btf_ext_wrong_words)
{
    static const struct { uint32_t at, word; const char *part; } cases[] = {
        {0, 0x0001eb9e, "not 0xeb9f"}, {0, 0x0001ebeb, "not 0xeb9f"}, {0, 0x00019feb, "big-endian"}, {0, 0x0002eb9f, "version 2"},
        {1, 23, "does not fit"}, {1, 10000, "does not fit"}, {1, UINT32_MAX, "does not fit"},
        {2, 2, "multiple of 4"}, {2, 10000, "behind the end"}, {3, UINT32_MAX, "behind the end"}, {3, 2, "cut off"}, {3, 5, "cut off"},
        {8, 4, "impossible size"}, {8, 9, "impossible size"}, {8, UINT32_MAX - 3, "cut off"}, {9, 0, "names a section"},
        {9, 10000, "names a section"}, {10, 0, "without records"}, {10, UINT32_MAX, "cut off"}, {12, 2, "type 2, which does not exist"},
    };
    pst_btf *btf = names();
    REQUIRE(btf != NULL);
    for (size_t i = 0; i < PST_COUNT(cases); i++) {
        ext_blob e = good(0);
        pst_btf_ext *ext;
        e.words[cases[i].at] = cases[i].word;
        CHECK(parse_words(btf, &e, e.count * 4, &ext) != PST_OK);
        if (!strstr(g_memory.error, cases[i].part)) pst_test_fail(__FILE__, __LINE__, "case %zu: %s", i, g_memory.error);
    }
    pst_btf_free(btf);
    CHECK_EQ(g_memory.live, 0);
}

TEST(btf_ext_every_allocation_may_fail)
{
    pst_btf *btf = names();
    ext_blob e = good(0);
    pst_btf_ext *ext = NULL;
    pst_status status = PST_E_NOMEM;
    REQUIRE(btf != NULL);
    long before = g_memory.live;
    for (long n = 0; n < 20 && status != PST_OK; n++) {
        g_memory.fail_after = n;
        status = parse_words(btf, &e, e.count * 4, &ext);
        g_memory.fail_after = -1;
        CHECK(status == PST_OK || (status == PST_E_NOMEM && g_memory.live == before));
    }
    CHECK_EQ(status, PST_OK);
    pst_btf_ext_free(ext);
    pst_btf_free(btf);
}
